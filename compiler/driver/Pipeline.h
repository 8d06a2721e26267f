//===- Pipeline.h - The stages of a compile
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only list of passes. See Pipeline.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_PIPELINE_H
#define MODELC_COMPILER_DRIVER_PIPELINE_H

#include "compiler/target/TargetSpec.h"
#include "mlir/Pass/PassManager.h"
#include <cstdint>
#include <optional>
#include <string>

namespace modelc::driver {

/// In order; what --stop-after takes, in lower case.
enum class Stage { Import, Fuse, Layout, Schedule, Codegen, Emit };

/// The stage of this name, or nothing.
std::optional<Stage> findStage(llvm::StringRef name);

/// "import, fuse, layout, schedule, codegen, emit".
std::string listStages();

struct PipelineOptions {
  const target::TargetSpec *target;
  int64_t ubatch;     ///< Most tokens of one pass.
  std::string tuning; ///< As target::Tuning prints it; may be empty.
};

/// Adds the passes of one stage; Import, Codegen and Emit have none.
void addPasses(mlir::OpPassManager &passes, Stage stage,
               const PipelineOptions &options);

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_PIPELINE_H
