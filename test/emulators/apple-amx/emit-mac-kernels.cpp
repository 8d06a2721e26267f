//===- emit-mac-kernels.cpp - A dylib of kernels that the emitter makes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   emit-mac-kernels DYLIB
//
// Two functions (x, panelBytes, y, sums, pairs), `products_int32` and
// `products_int16`, go through MLIR, LLVM for an M1, and the linker of dylibs.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/LinkDylib.h"
#include "compiler/codegen/apple/AppleAmx.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "test/codegen/AssembleIr.h"
#include "llvm/IR/Module.h"
#include <cstdio>
#include <fstream>

using namespace mlir;
using namespace modelc::codegen;

static void emitFunction(OpBuilder &b, StringRef name, AppleAmxSums kind) {
  Location loc = b.getUnknownLoc();
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {pointer, i64, pointer, pointer, i64});
  auto function = LLVM::LLVMFuncOp::create(b, loc, name, type);
  OpBuilder::InsertionGuard guard(b);
  Block *body = function.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  emitAppleAmxProducts(b, loc, kind, body->getArgument(0), body->getArgument(1),
                       body->getArgument(2), body->getArgument(3),
                       body->getArgument(4));
  LLVM::ReturnOp::create(b, loc, ValueRange());
}

/// LLVM IR of both functions; null if a pass fails.
static std::unique_ptr<llvm::Module> makeModule(MLIRContext &context,
                                                llvm::LLVMContext &llvm) {
  context
      .loadDialect<arith::ArithDialect, scf::SCFDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  OpBuilder b(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b, b.getUnknownLoc());
  b.setInsertionPointToStart(module->getBody());
  emitFunction(b, "products_int32", AppleAmxSums::Int32);
  emitFunction(b, "products_int16", AppleAmxSums::Int16);
  PassManager passes(&context);
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*module)))
    return nullptr;
  return translateModuleToLLVMIR(*module, llvm);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  MLIRContext context(MLIRContext::Threading::DISABLED);
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> module = makeModule(context, llvmContext);
  if (!module)
    return 1;
  auto image =
      linkDylib(test::assemble(*module, "arm64-apple-macosx13.0.0", "apple-m1"),
                {std::string("products_int32"), std::string("products_int16")});
  if (!image.ok()) {
    fprintf(stderr, "error: %s\n", image.status().ToString().c_str());
    return 1;
  }
  std::ofstream output(argv[1], std::ios::binary);
  output << image->bytes;
  return output.flush() ? 0 : 1;
}
