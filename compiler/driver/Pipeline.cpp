//===- Pipeline.cpp - The stages of a compile
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table of contents of the compiler:
//
//   import    GGUF                ==> model.weight, @forward of model ops
//   fuse      one op per step's worth of work
//   layout    every weight through pack.repack
//   schedule  plan.variant: steps, arena, weights in their places
//   codegen   plan.kernel         ==> machine code
//   emit      everything          ==> NAME.mplan
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Pipeline.h"
#include "compiler/fuse/Passes.h"
#include "compiler/layout/Passes.h"
#include "compiler/schedule/Passes.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::driver;

static constexpr llvm::StringLiteral kStageNames[] = {
    "import", "fuse", "layout", "schedule", "codegen", "emit"};

std::optional<Stage> driver::findStage(StringRef name) {
  const auto *it = llvm::find(kStageNames, name);
  if (it == std::end(kStageNames))
    return std::nullopt;
  return static_cast<Stage>(it - std::begin(kStageNames));
}

std::string driver::listStages() {
  return llvm::join(ArrayRef(kStageNames), ", ");
}

void driver::addPasses(OpPassManager &passes, Stage stage,
                       const PipelineOptions &options) {
  switch (stage) {
  case Stage::Fuse:
    passes.addNestedPass<func::FuncOp>(fuse::createFuseLinearPass());
    passes.addNestedPass<func::FuncOp>(fuse::createFuseGluPass());
    passes.addNestedPass<func::FuncOp>(fuse::createFuseSharedInputPass());
    return;
  case Stage::Layout: {
    layout::AssignLayoutsPassOptions layoutOptions;
    layoutOptions.target = options.target->name.str();
    passes.addPass(layout::createAssignLayoutsPass(layoutOptions));
    return;
  }
  case Stage::Schedule: {
    schedule::SchedulePassOptions scheduleOptions;
    scheduleOptions.target = options.target->name.str();
    scheduleOptions.ubatch = options.ubatch;
    scheduleOptions.tuning = options.tuning;
    passes.addPass(schedule::createSchedulePass(scheduleOptions));
    passes.addNestedPass<plan::VariantOp>(schedule::createPlaceArenaPass());
    passes.addNestedPass<plan::VariantOp>(schedule::createInsertBarriersPass());
    passes.addNestedPass<plan::VariantOp>(schedule::createPlaceWeightsPass());
    return;
  }
  case Stage::Import:
  case Stage::Codegen:
  case Stage::Emit:
    return;
  }
}
