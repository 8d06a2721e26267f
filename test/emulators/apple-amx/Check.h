//===- Check.h - Tests inside the guest, where there is no GoogleTest
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_CHECK_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_CHECK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Ends the program with 1 and says where.
#define CHECK(condition, ...)                                                  \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);          \
      fprintf(stderr, __VA_ARGS__);                                            \
      fprintf(stderr, "\n");                                                   \
      exit(1);                                                                 \
    }                                                                          \
  } while (false)

namespace modelc::appleamx {

struct Case {
  const char *name;
  void (*run)();
};

/// Runs the case that the command line names; 2 if there is none.
template <size_t kCount>
int runCase(const Case (&cases)[kCount], int argc, char **argv) {
  for (const Case &each : cases)
    if (argc == 2 && strcmp(argv[1], each.name) == 0) {
      each.run();
      return 0;
    }
  fprintf(stderr, "usage: %s CASE\n", argv[0]);
  return 2;
}

/// xorshift64*, the same numbers everywhere.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 2 + 1) {}
  uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
  }
  uint64_t below(uint64_t bound) { return (next() >> 11) % bound; }

private:
  uint64_t state;
};

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_CHECK_H
