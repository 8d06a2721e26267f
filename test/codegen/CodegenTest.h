//===- CodegenTest.h - Specifications to compile in tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_CODEGEN_CODEGENTEST_H
#define MODELC_TEST_CODEGEN_CODEGENTEST_H

#include "compiler/codegen/Codegen.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

namespace modelc::codegen::test {

/// Makes specifications the way layout and schedule do.
class CodegenTest : public testing::Test {
protected:
  CodegenTest();

  /// The target of this name.
  const target::TargetSpec &getTarget(llvm::StringRef name);

  /// One weight of this type, 256 x 128, stored, for the rows of a regime.
  plan::MatmulSpecAttr makeMatmul(const target::TargetSpec &target,
                                  mlir::Type type, const target::Regime &regime,
                                  model::Epilogue epilogue,
                                  bool isWidened = false);

  /// Normalised and quantised rows.
  plan::PrepareSpecAttr makePrepare(int64_t rowTile);

  /// A matmul per type of Kernels.def and regime of the target, and a kernel
  /// of every other kind.
  std::vector<KernelRequest> makeAllKinds(const target::TargetSpec &target);

  mlir::Type getType(model::GgmlType type);

  mlir::MLIRContext context;

private:
  void appendExpertKinds(const target::TargetSpec &target,
                         std::vector<plan::KernelSpecInterface> &specs);
  pack::LayoutAttr makeInput(const target::TargetSpec &target, mlir::Type type,
                             const target::Regime &regime, bool isWidened);
};

} // namespace modelc::codegen::test

#endif // MODELC_TEST_CODEGEN_CODEGENTEST_H
