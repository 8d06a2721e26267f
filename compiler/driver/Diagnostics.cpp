//===- Diagnostics.cpp - MLIR's diagnostics as absl::Status
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Messages of several lines become one.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Diagnostics.h"

using namespace mlir;
using namespace modelc::driver;

DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
            first.empty())
          first = diagnostic.str();
        return success();
      }) {}

absl::Status DiagnosticCollector::makeStatus(StringRef input) const {
  if (first.empty())
    return absl::InternalError((input + ": a pass failed in silence").str());
  std::string message = (input + ": " + first).str();
  std::replace(message.begin(), message.end(), '\n', ' ');
  return absl::InvalidArgumentError(message);
}
