//===- Outputs.h - The files that a compile writes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plan, report and depfile appear together, when all of them are whole, or
// none does.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_OUTPUTS_H
#define MODELC_COMPILER_DRIVER_OUTPUTS_H

#include "compiler/driver/Driver.h"
#include <optional>

namespace modelc::driver {

/// The files of one compile, open and without names until commit().
class Outputs {
public:
  /// Opens all files that `options` names, so that one which cannot be written
  /// is found before anything is computed. Refuses a file that is a part of
  /// `source`, and two that are one.
  static absl::StatusOr<Outputs> create(const CompileOptions &options,
                                        const gguf::GgufModel &source);

  support::AtomicFile &getPlan() { return plan; }

  /// Writes the JSON report and the depfile, as far as they are wanted.
  absl::Status writeSideFiles(const CompileOptions &options,
                              const gguf::GgufModel &source,
                              const CompileSummary &summary);

  /// Gives the files their names, the plan last: a plan that is there has its
  /// report and its depfile beside it.
  absl::Status commit();

private:
  explicit Outputs(support::AtomicFile plan) : plan(std::move(plan)) {}

  support::AtomicFile plan;
  std::optional<support::AtomicFile> report;
  std::optional<support::AtomicFile> depfile;
};

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_OUTPUTS_H
