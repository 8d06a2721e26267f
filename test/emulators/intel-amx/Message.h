//===- Message.h - A line of text without allocation
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_MESSAGE_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

namespace modelc::amxemu {

/// For signal handlers: a bounded text that is cut off, never overrun.
class Message {
public:
  Message() { text[0] = 0; }

  Message &operator<<(const char *more) {
    while (*more)
      put(*more++);
    return *this;
  }
  Message &operator<<(uint64_t number) {
    char digits[20];
    size_t count = 0;
    do
      digits[count++] = char('0' + number % 10);
    while (number /= 10);
    while (count)
      put(digits[--count]);
    return *this;
  }
  Message &operator<<(uint32_t number) { return *this << uint64_t(number); }
  /// At least `minDigits` hexadecimal digits.
  Message &hex(uint64_t number, uint32_t minDigits = 1) {
    uint32_t digits = minDigits;
    while (digits < 16 && number >> (4 * digits))
      ++digits;
    while (digits--)
      put("0123456789abcdef"[number >> (4 * digits) & 15]);
    return *this;
  }
  Message &padTo(size_t column) {
    while (size < column)
      put(' ');
    return *this;
  }

  const char *data() const { return text; }
  size_t sizeChars() const { return size; }

private:
  void put(char c) {
    if (size + 1 < sizeof(text)) {
      text[size++] = c;
      text[size] = 0;
    }
  }

  char text[200];
  size_t size = 0;
};

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_MESSAGE_H
