//===- Reporter.h - How the runtime says what is wrong
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every refusal goes through a Reporter: it writes code and message into the
// caller's modelc_status, beginning with the artifact's name, and hands the
// code back, so that a check is one line:
//
//   if (step.kernel >= kernels.size())
//     return report.damaged("step %u: kernel %u out of range [0, %zu)", ...);
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_REPORTER_H
#define MODELC_RUNTIME_LOAD_REPORTER_H

#include "modelc/modelc.h"

namespace modelc::rt {

/// Clears `status`, which may be null.
modelc_code succeed(modelc_status *status);

/// Borrows both pointers. Never allocates.
class Reporter {
public:
  /// `artifact` begins each message; `status` may be null.
  Reporter(const char *artifact, modelc_status *status)
      : artifact(artifact), status(status) {}

  /// Writes "artifact: message". Control characters, which a damaged file's
  /// strings may contain, become '?'. Returns `code`.
  [[nodiscard]] modelc_code fail(modelc_code code, const char *format,
                                 ...) const
      __attribute__((format(printf, 3, 4)));

  /// DATA_LOSS: the bytes are not a plan as the format says.
  [[nodiscard]] modelc_code damaged(const char *format, ...) const
      __attribute__((format(printf, 2, 3)));

  /// UNIMPLEMENTED: the format has it, this version does not.
  [[nodiscard]] modelc_code unsupported(const char *format, ...) const
      __attribute__((format(printf, 2, 3)));

private:
  const char *artifact;
  modelc_status *status;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_REPORTER_H
