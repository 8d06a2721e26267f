//===- Status.h - How this library reports an error
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A failing function ends with `return fail(status, code, "...", ...)`.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_STATUS_H
#define MODELC_RUNTIME_TEXT_STATUS_H

#include "modelc/modelc.h"
#include <cstdarg>
#include <cstdio>

namespace modelc::text {

/// Fills `status` (may be null) with a printf-formatted message, cut to its
/// size, and returns `code`. Control characters, which foreign strings may
/// hold, become '?', so that a message is one line.
[[gnu::format(printf, 3, 4)]] inline modelc_code
fail(modelc_status *status, modelc_code code, const char *format, ...) {
  if (!status)
    return code;
  status->code = code;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status->message, sizeof(status->message), format, arguments);
  va_end(arguments);
  for (char *c = status->message; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f)
      *c = '?';
  return code;
}

/// Clears `status` (may be null) and returns MODELC_OK.
inline modelc_code succeed(modelc_status *status) {
  if (status) {
    status->code = MODELC_OK;
    status->message[0] = '\0';
  }
  return MODELC_OK;
}

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_STATUS_H
