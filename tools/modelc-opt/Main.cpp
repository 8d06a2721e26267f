//===- Main.cpp - modelc-opt: run passes on IR in text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// MLIR's own driver with the dialects and passes of modelc:
//
//   modelc-opt --model-fuse-linear --pack-assign-layouts=target=znver4 X.mlir
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/Passes.h"
#include "compiler/fuse/Passes.h"
#include "compiler/layout/Passes.h"
#include "compiler/schedule/Passes.h"
#include "dialects/model/ModelDialect.h"
#include "dialects/pack/PackDialect.h"
#include "dialects/plan/PlanDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::LLVM::LLVMDialect, mlir::ROCDL::ROCDLDialect,
                  mlir::scf::SCFDialect, modelc::model::ModelDialect,
                  modelc::pack::PackDialect, modelc::plan::PlanDialect>();
  modelc::fuse::registerFusePasses();
  modelc::layout::registerLayoutPasses();
  modelc::schedule::registerSchedulePasses();
  modelc::codegen::registerHipPasses();
  mlir::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "modelc-opt: passes of modelc on IR in text\n", registry));
}
