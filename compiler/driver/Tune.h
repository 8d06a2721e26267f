//===- Tune.h - Times how kernels could be cut, on this machine
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_TUNE_H
#define MODELC_COMPILER_DRIVER_TUNE_H

#include "compiler/driver/Driver.h"

namespace modelc::driver {

/// The cuts that are tried in place of one that the target has, which differ
/// from it in one respect each, or in two that fill the same registers.
std::vector<target::MatmulChoice>
getCandidates(const target::TargetSpec &target,
              const target::MatmulChoice &present);

/// Of the times of one kernel, that of the target's cut first, the index of the
/// one to take: the least, unless it is hardly less than the first, as times
/// are never exact.
size_t chooseCut(llvm::ArrayRef<double> seconds);

/// What was measured of one kernel.
struct KernelTimes {
  std::string kernel;
  std::vector<target::MatmulChoice> cuts; ///< The target's own first.
  std::vector<double> seconds;            ///< [cut]
};

struct TuneResult {
  target::TuningRecord record;
  std::vector<KernelTimes> times;
};

/// Compiles every kernel of options.input that a tuning can cut in all ways
/// that getCandidates() gives, times them on options.threads threads, and keeps
/// those that are clearly quicker than the target's own. FAILED_PRECONDITION
/// if this machine lacks features of the target.
absl::StatusOr<TuneResult> tuneModel(const CompileOptions &options);

/// The choices of the record at `path`, which must have been made for
/// options.target and options.ubatch. Errors name the path.
absl::StatusOr<target::Tuning> readTuning(llvm::StringRef path,
                                          const CompileOptions &options);

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_TUNE_H
