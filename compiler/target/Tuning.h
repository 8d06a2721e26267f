//===- Tuning.h - Measured choices in place of a target's regimes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `modelc compile --tune` finds, as data: an input of the schedule like
// the target. It changes how kernels are cut, never what they compute.
//
// A record is text:
//
//   modelc-tuning 1
//   target znver4
//   ubatch 512
//   mc_matmul_..._t64_i2x512_avx512vnni:6x2x256x32
//
// with a line for each kernel that the target's own regime would have, and how
// it is cut instead: row tile x panels of an image x columns of an image x
// rows of a tile. docs/howto/tune.md tells its use.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_TARGET_TUNING_H
#define MODELC_COMPILER_TARGET_TUNING_H

#include "absl/status/statusor.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <string>
#include <vector>

namespace modelc::target {

/// How a matmul that unpacks images is cut.
struct MatmulChoice {
  int64_t rowTile;      ///< 1 .. 16, as Regime has it, like the next two.
  int64_t imagePanels;  ///< 1 .. 4.
  int64_t imageColumns; ///< A multiple of 64, at most 4096.
  int64_t tileRows;     ///< Of #plan.matmul: a multiple of 16, at most 256.

  bool operator==(const MatmulChoice &) const = default;
  /// "6x2x256x32", in the order of the fields.
  std::string print() const;
};

/// Choices by the symbol of the kernel that the target's regime gives.
class Tuning {
public:
  /// Parses what print() gives: "KERNEL:6x2x256x32,...", or nothing at all.
  /// INVALID_ARGUMENT with what was found and expected.
  static absl::StatusOr<Tuning> parse(llvm::StringRef text);

  /// One line, in ascending order of the kernels; empty without choices.
  std::string print() const;

  /// The choice for a kernel, or null.
  const MatmulChoice *find(llvm::StringRef kernel) const;
  void set(llvm::StringRef kernel, const MatmulChoice &choice) {
    choices[kernel.str()] = choice;
  }
  const std::map<std::string, MatmulChoice> &getChoices() const {
    return choices;
  }

private:
  friend struct TuningRecord;
  absl::Status add(llvm::StringRef entry);

  std::map<std::string, MatmulChoice> choices;
};

/// What the options that a plan keeps say of one variant's choices, after those
/// before: " --tuning=...", or nothing without choices. `target` is the
/// variant's if the plan has several, else empty: " --tuning=TARGET/...".
std::string printTuningOption(llvm::StringRef target, const Tuning &tuning);

/// The choices that printTuningOption wrote into `options` for `target`.
absl::StatusOr<Tuning> parseTuningOption(llvm::StringRef options,
                                         llvm::StringRef target);

/// Choices with what they were measured for.
struct TuningRecord {
  std::string target; ///< Name of the target.
  int64_t ubatch = 0;
  Tuning tuning;

  /// Parses a record. INVALID_ARGUMENT with the line, what was found and what
  /// was expected.
  static absl::StatusOr<TuningRecord> parse(llvm::StringRef text);
  /// As parse() reads it.
  std::string print() const;
};

/// Parses a file of one record or more, one after the other. INVALID_ARGUMENT
/// as TuningRecord::parse, with the number of the record unless it is the
/// only one.
absl::StatusOr<std::vector<TuningRecord>>
parseTuningRecords(llvm::StringRef text);

} // namespace modelc::target

#endif // MODELC_COMPILER_TARGET_TUNING_H
