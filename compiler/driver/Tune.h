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
/// if this machine lacks features of the target, the only one of `options`.
absl::StatusOr<TuneResult> tuneModel(const CompileOptions &options);

/// Gives the targets of `options` that this machine can run the choices that
/// tuneModel finds, and returns the times. An error if it can run none.
absl::StatusOr<std::vector<KernelTimes>> tuneVariants(CompileOptions &options);

/// Gives targets of `options` the choices of the records in the file at
/// options.tunedBy, which must have been made for one of these targets each and
/// options.ubatch. Errors name the path.
absl::Status readTunings(CompileOptions &options);

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_TUNE_H
