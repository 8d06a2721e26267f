//===- BoundedText.h - Text of several parts in a buffer of fixed size
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_BOUNDEDTEXT_H
#define MODELC_RUNTIME_LOAD_BOUNDEDTEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

namespace modelc::rt {

/// Appends to a buffer of the caller's; what does not fit is left out.
class BoundedText {
public:
  BoundedText(char *buffer, size_t bufferBytes)
      : next(buffer), left(bufferBytes) {
    *buffer = '\0';
  }
  void append(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(next, left, format, arguments);
    va_end(arguments);
    const size_t used = written < 0              ? 0
                        : size_t(written) < left ? size_t(written)
                                                 : left - 1;
    next += used;
    left -= used;
  }

private:
  char *next;
  size_t left;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_BOUNDEDTEXT_H
