//===- Reporter.cpp - How the runtime says what is wrong
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "step %u: kernel %u out of range [0, %zu)" and its arguments
//   ==> status->message = "llama.mplan: step 12: kernel 7 out of range [0, 5)"
//
// Too long a message is cut; nothing is allocated.
//
//===----------------------------------------------------------------------===//

#include "load/Reporter.h"
#include <stdarg.h>
#include <stdio.h>

namespace modelc::rt {

modelc_code succeed(modelc_status *status) {
  if (status) {
    status->code = MODELC_OK;
    status->message[0] = '\0';
  }
  return MODELC_OK;
}

static void write(modelc_status *status, modelc_code code, const char *artifact,
                  const char *format, va_list arguments) {
  if (!status)
    return;
  status->code = code;
  const size_t capacity = sizeof(status->message);
  int used = snprintf(status->message, capacity, "%.200s: ", artifact);
  if (used < 0)
    used = 0;
  vsnprintf(status->message + used, capacity - size_t(used), format, arguments);
  for (char *c = status->message; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f)
      *c = '?';
}

modelc_code Reporter::fail(modelc_code code, const char *format, ...) const {
  va_list arguments;
  va_start(arguments, format);
  write(status, code, artifact, format, arguments);
  va_end(arguments);
  return code;
}

modelc_code Reporter::damaged(const char *format, ...) const {
  va_list arguments;
  va_start(arguments, format);
  write(status, MODELC_DATA_LOSS, artifact, format, arguments);
  va_end(arguments);
  return MODELC_DATA_LOSS;
}

modelc_code Reporter::unsupported(const char *format, ...) const {
  va_list arguments;
  va_start(arguments, format);
  write(status, MODELC_UNIMPLEMENTED, artifact, format, arguments);
  va_end(arguments);
  return MODELC_UNIMPLEMENTED;
}

} // namespace modelc::rt
