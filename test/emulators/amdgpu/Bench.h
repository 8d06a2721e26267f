//===- Bench.h - A wave to try single instructions on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_BENCH_H
#define MODELC_TEST_EMULATORS_AMDGPU_BENCH_H

#include "Launch.h"

#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace modelc::amdgpu {

/// The machine code of assembler text for a chip; empty, and a failure of the
/// test unless `mayFail`, if LLVM cannot assemble it.
std::vector<uint8_t> assemble(const std::string &text, const Chip &chip,
                              bool mayFail = false);

/// Those of kChips, for parameters of tests.
inline std::vector<const Chip *> allChips() {
  std::vector<const Chip *> all;
  for (const Chip &chip : kChips)
    all.push_back(&chip);
  return all;
}
/// How GoogleTest prints such a parameter.
inline void PrintTo(const Chip *chip, std::ostream *stream) {
  *stream << chip->name;
}

/// One wave with 64 KiB of LDS, whose registers the test sets and reads.
class Bench {
public:
  explicit Bench(const Chip &chip, uint32_t seed = 1);

  /// Random bits in all vector registers up to v63 and a63 and in s0-s63.
  /// Every eighth value is a special one: 0, 1, -1, signs, float limits, NaN.
  void randomise();
  /// Assembles and runs `text`; the error of the wave, or empty.
  std::string run(const std::string &text);
  /// The same of what assemble() gave.
  std::string run(std::vector<uint8_t> code);

  uint32_t &v(uint32_t reg, uint32_t lane) { return wave.vectors[reg][lane]; }
  bool isActive(uint32_t lane) const { return wave.exec() >> lane & 1; }

  const Chip &chip;
  Memory memory;
  Group group;
  Wave wave;
  std::mt19937 random;

private:
  uint32_t word();
  std::vector<uint32_t> registers;
};

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_BENCH_H
