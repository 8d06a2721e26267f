//===- ImportFixture.h - Imports what a GgufBuilder builds
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_IMPORT_IMPORTFIXTURE_H
#define MODELC_TEST_IMPORT_IMPORTFIXTURE_H

#include "compiler/import/Import.h"
#include "dialects/model/ModelDialect.h"
#include "test/import/GgufBuilder.h"
#include "gtest/gtest.h"

namespace modelc::test {

class ImportTest : public testing::Test {
protected:
  ImportTest() : context(mlir::MLIRContext::Threading::DISABLED) {}

  /// Reads and imports a file called x.gguf; gives the message of the error,
  /// or "ok" and the result in `module`.
  std::string import(const std::string &file) {
    bytes = file;
    auto opened = gguf::GgufModel::fromMemory(
        "x.gguf",
        {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
    if (!opened.ok())
      return std::string(opened.status().message());
    source = *std::move(opened);
    auto imported = importModel(context, *source);
    if (!imported.ok())
      return std::string(imported.status().message());
    module = *std::move(imported);
    return "ok";
  }
  std::string import(const GgufBuilder &file) { return import(file.build()); }

  /// All ops of one kind, in order.
  template <typename Op> std::vector<Op> findOps() {
    std::vector<Op> ops;
    module->walk([&](Op op) { ops.push_back(op); });
    return ops;
  }

  mlir::MLIRContext context;
  std::string bytes;
  std::unique_ptr<gguf::GgufModel> source;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace modelc::test

#endif // MODELC_TEST_IMPORT_IMPORTFIXTURE_H
