//===- Diagnostics.h - MLIR's diagnostics as absl::Status
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_DRIVER_DIAGNOSTICS_H
#define MODELC_COMPILER_DRIVER_DIAGNOSTICS_H

#include "absl/status/status.h"
#include "mlir/IR/Diagnostics.h"
#include <string>

namespace modelc::driver {

/// Keeps the first error of a context while it lives; nothing is printed.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// The first error as `INPUT: MESSAGE`, or INTERNAL if a pass failed without
  /// one.
  absl::Status makeStatus(llvm::StringRef input) const;

private:
  std::string first;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace modelc::driver

#endif // MODELC_COMPILER_DRIVER_DIAGNOSTICS_H
