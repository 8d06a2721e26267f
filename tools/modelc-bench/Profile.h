//===- Profile.h - What the steps of a pass take, by kind
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on the step times that a session reports; nothing here measures.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_BENCH_PROFILE_H
#define MODELC_TOOLS_MODELC_BENCH_PROFILE_H

#include "Ceilings.h"
#include "modelc/modelc.h"
#include <string>
#include <vector>

namespace modelc::tools {

/// Steps of one kind: those whose names differ only in their layer's number.
struct ProfileRow {
  std::string name; ///< "blk.*.ffn_down".
  std::string kernel;
  uint64_t calls = 0;
  uint64_t nanoseconds = 0;
  uint64_t bytes = 0; ///< Weight bytes read.
  uint64_t ops = 0;   ///< Multiply and add operations.
  /// Of `nanoseconds`, the wait for other workers at the steps' ends.
  uint64_t waitNanoseconds = 0;

  double gbPerSecond() const;
  double gops() const;
};

/// Sums `steps` by name pattern and kernel, the slowest kind first.
std::vector<ProfileRow>
aggregateProfile(const std::vector<modelc_step_profile> &steps);

/// "blk.12.ffn_down" ==> "blk.*.ffn_down".
std::string namePattern(const std::string &name);

/// True for matmuls of F32, F16 and BF16 weights, which multiply floats; those
/// of the other types multiply signed bytes. By the kernel's name, which
/// begins with "mc_matmul_" and the type.
bool multipliesFloats(const std::string &kernel);

/// Operations by the ceiling that they are measured with.
struct Work {
  double int8Ops = 0;
  double f32Ops = 0;

  double totalOps() const { return int8Ops + f32Ops; }
};

Work sumWork(const std::vector<modelc_step_profile> &steps);

/// Seconds that `work` takes at its ceilings, both kinds one after the other.
/// NaN if a ceiling that it needs is unknown.
double secondsAtCeilings(const Work &work, const Ceilings &ceilings);

/// A row's speeds by the ceilings; 0 for a row that reads or multiplies
/// nothing, NaN if the ceiling is unknown.
struct RowShares {
  double read;
  double ops;
  /// The larger one: how near the row is to what bounds it.
  double nearest;
};

RowShares computeShares(const ProfileRow &row, const Ceilings &ceilings);

/// The time of a decode step that does not go by the size of the weights: what
/// is left of it if all weights were read at once. Microseconds a token.
struct FixedCost {
  double step = 0; ///< The whole modelc_session_step.
  /// Before the first and after the last step of the plan, and between:
  /// checking the tokens, waking the workers, reading the clock.
  double outside = 0;
  /// Steps that read no weights, their waits included: norms and quantisation
  /// of inputs, rope, attention (which goes by the context's length).
  double weightless = 0;
  /// At the ends of steps that read weights, what worker 0 waits for the
  /// others: barriers, and their tiles that take longer than its own.
  double waits = 0;

  double total() const { return outside + weightless + waits; }
  double share() const { return step > 0 ? total() / step : 0; }
};

/// From the step times of `tokens` decode steps, one after the other, which
/// took `wallNanoseconds` together.
FixedCost computeFixedCost(const std::vector<modelc_step_profile> &steps,
                           uint64_t wallNanoseconds, uint32_t tokens);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_PROFILE_H
