//===- instruction-test.cpp - Each instruction beside its description
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random registers go in through loads, one instruction is trapped, all
// registers come out through stores, and must be those of Manual*.cpp. Fields
// of operands that choose a mode go through all their values; the others are
// random, with their rare values made frequent.
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Manual.h"
#include "Words.h"
#include "appleamx.h"

using namespace modelc::appleamx;

//===----------------------------------------------------------------------===//
// Random states and operands
//===----------------------------------------------------------------------===//

/// Halves, floats, doubles at the edges: zeros, ones, infinities, NaNs with
/// payloads, the largest numbers, subnormals; and of both signs.
static uint64_t edge(Random &random, int width) {
  const int fractionBits = width == 16 ? 10 : width == 32 ? 23 : 52;
  const uint64_t ones = (uint64_t(1) << (width - 1 - fractionBits)) - 1;
  const uint64_t infinity = ones << fractionBits;
  const uint64_t values[] = {0,
                             1,
                             (uint64_t(1) << fractionBits) - 1,
                             uint64_t(1) << fractionBits,
                             ones / 2 << fractionBits,
                             infinity - 1,
                             infinity,
                             infinity + 1 + random.below(1 << 9)};
  return values[random.below(8)] | random.below(2) << (width - 1);
}

/// In some states numbers of like size, so that sums are not just the larger.
static void fill(Random &random, Register &value) {
  const uint64_t kind = random.below(5);
  const int width = 16 << random.below(3);
  for (int i = 0; i < 512 / width; ++i) {
    uint64_t bits = random.next();
    if (kind == 1)
      bits = edge(random, width);
    if (kind >= 2) {
      const int fractionBits = width == 16 ? 10 : width == 32 ? 23 : 52;
      const uint64_t bias = width == 16 ? 15 : width == 32 ? 127 : 1023;
      bits = (bits & ((uint64_t(1) << fractionBits) - 1)) |
             (bias - 2 + random.below(4)) << fractionBits |
             random.below(2) << (width - 1);
    }
    manual::setLane(value, i, width, bits);
  }
}

static void fill(Random &random, Machine &machine) {
  for (Register &value : machine.x.registers)
    fill(random, value);
  for (Register &value : machine.y.registers)
    fill(random, value);
  for (Register &value : machine.z)
    fill(random, value);
}

static void setField(uint64_t &operand, int high, int low, uint64_t value) {
  const uint64_t mask = ~uint64_t(0) >> (63 - (high - low));
  operand = (operand & ~(mask << low)) | (value & mask) << low;
}

/// Half of all masks enable all lanes; small values are frequent.
static void setMask(Random &random, uint64_t &operand, int modeHigh,
                    int modeLow, int valueHigh, int valueLow) {
  const uint64_t kind = random.below(4);
  if (kind == 3)
    return;
  setField(operand, modeHigh, modeLow, kind == 2 ? random.next() : 0);
  setField(operand, valueHigh, valueLow, kind == 0 ? 0 : random.below(8));
}

//===----------------------------------------------------------------------===//
// One comparison
//===----------------------------------------------------------------------===//

static void expectSame(const Machine &expected, const Machine &actual,
                       const char *name, uint64_t operand) {
  const auto compare = [&](const char *file, const Register *a,
                           const Register *b, int count) {
    for (int i = 0; i < count; ++i)
      for (int byte = 0; byte < 64; ++byte)
        CHECK(a[i].bytes[byte] == b[i].bytes[byte],
              "%s of 0x%016llx: byte %d of %s%d is %02x, not %02x", name,
              static_cast<unsigned long long>(operand), byte, file, i,
              b[i].bytes[byte], a[i].bytes[byte]);
  };
  compare("x", expected.x.registers, actual.x.registers, 8);
  compare("y", expected.y.registers, actual.y.registers, 8);
  compare("z", expected.z, actual.z, 64);
}

static Machine initial, expected, actual;
static uint64_t changedCount;

/// Executes one instruction on random registers, and `describe` on a copy.
template <typename Describe>
static void compareOnce(Random &random, Opcode opcode, const char *name,
                        uint64_t operand, Describe describe) {
  fill(random, initial);
  expected = initial;
  describe(expected);
  loadAll(initial);
  issue(opcode, operand);
  storeAll(actual);
  expectSame(expected, actual, name, operand);
  changedCount += memcmp(&initial, &expected, sizeof(Machine)) != 0;
}

/// `compareOnce` for `trials` operands of `makeOperand(random, trial)`. At
/// least a quarter must change a register.
template <typename MakeOperand, typename Describe>
static void compareMany(Opcode opcode, const char *name, int trials,
                        MakeOperand makeOperand, Describe describe) {
  Random random(uint64_t(opcode) + 1);
  appleamx_reset_counts();
  changedCount = 0;
  issueSet();
  for (int trial = 0; trial < trials; ++trial) {
    const uint64_t operand = makeOperand(random, trial);
    compareOnce(random, opcode, name, operand,
                [&](Machine &machine) { describe(machine, operand); });
  }
  issueClr();
  CHECK(appleamx_count(name) == uint64_t(trials), "%llu executed",
        static_cast<unsigned long long>(appleamx_count(name)));
  CHECK(changedCount * 4 >= uint64_t(trials), "only %llu of %d change anything",
        static_cast<unsigned long long>(changedCount), trials);
}

static void useChip(Chip chip) {
  CHECK(appleamx_set_chip(int(chip)) == 0, "no such chip");
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

static void testExtr(Opcode opcode, const char *name, Chip chip) {
  useChip(chip);
  compareMany(
      opcode, name, 640,
      [&](Random &random, int trial) {
        uint64_t operand = random.next();
        // 32 widths of the wide form; then the plain ones.
        setField(operand, 26, 26, trial % 40 < 32);
        if (trial % 40 < 32) {
          setField(operand, 14, 11, uint64_t(trial % 16));
          setField(operand, 63, 63, uint64_t(trial % 40 / 16));
          setMask(random, operand, 40, 38, 37, 32);
          if (random.below(3) == 0)
            setField(operand, 62, 58, 0);
          if (chip != Chip::M1)
            setField(operand, 31, 31, 0);
          if (chip != Chip::M1 && trial % 40 / 16)
            setField(operand, 62, 62, 0);
        } else {
          setField(operand, 27, 27, trial % 8 == 7);
          setField(operand, 29, 28, uint64_t(trial % 4));
          setMask(random, operand, 47, 46, 45, 41);
          setMask(random, operand, 38, 37, 36, 32);
        }
        return operand;
      },
      [&](Machine &machine, uint64_t operand) {
        manual::extr(machine, chip, opcode == Opcode::Extrx, operand);
      });
}

static void testExtrx() {
  testExtr(Opcode::Extrx, "extrx", Chip::M1);
  testExtr(Opcode::Extrx, "extrx", Chip::M2);
}
static void testExtry() {
  testExtr(Opcode::Extry, "extry", Chip::M1);
  testExtr(Opcode::Extry, "extry", Chip::M2);
}

static void testFma(Opcode opcode, const char *name, manual::Format format,
                    bool isSubtracting) {
  useChip(Chip::M1);
  compareMany(
      opcode, name, 512,
      [&](Random &random, int trial) {
        uint64_t operand = random.next();
        // All skips, all widths.
        setField(operand, 29, 27, trial % 4 ? 0 : uint64_t(trial / 4));
        setField(operand, 63, 60, uint64_t(trial / 32));
        setMask(random, operand, 47, 46, 45, 41);
        setMask(random, operand, 38, 37, 36, 32);
        return operand;
      },
      [&](Machine &machine, uint64_t operand) {
        manual::fma(machine, format, isSubtracting, operand);
      });
}

static void testFma16() {
  testFma(Opcode::Fma16, "fma16", manual::Format::Half, false);
}
static void testFms16() {
  testFma(Opcode::Fms16, "fms16", manual::Format::Half, true);
}
static void testFma32() {
  testFma(Opcode::Fma32, "fma32", manual::Format::Single, false);
}
static void testFms32() {
  testFma(Opcode::Fms32, "fms32", manual::Format::Single, true);
}
static void testFma64() {
  testFma(Opcode::Fma64, "fma64", manual::Format::Double, false);
}
static void testFms64() {
  testFma(Opcode::Fms64, "fms64", manual::Format::Double, true);
}

static void testMac16() {
  useChip(Chip::M1);
  compareMany(
      Opcode::Mac16, "mac16", 512,
      [](Random &random, int trial) {
        uint64_t operand = random.next();
        setField(operand, 63, 60, uint64_t(trial));
        setField(operand, 29, 27, trial % 4 ? 0 : uint64_t(trial / 64));
        if (trial % 3)
          setField(operand, 59, 55, 0);
        setMask(random, operand, 47, 46, 45, 41);
        setMask(random, operand, 38, 37, 36, 32);
        return operand;
      },
      [](Machine &machine, uint64_t operand) {
        manual::mac16(machine, operand);
      });
}

/// The fields that matint and vecint share: 13 ALU modes, 16 widths; every
/// eighth indexed.
static uint64_t integerOperand(Random &random, int trial) {
  uint64_t operand = random.next();
  setField(operand, 56, 54, trial % 61 == 0 ? random.next() : 0);
  setField(operand, 53, 53, trial % 8 == 7);
  setField(operand, 45, 42, uint64_t(trial));
  if (trial % 8 != 7)
    setField(operand, 52, 47,
             trial % 59 == 0 ? random.next() : uint64_t(trial / 16 % 13));
  else
    setField(operand, 54, 54, uint64_t(trial / 8));
  // The one mode with lanes of 32 bits in X, and four rows to choose from.
  if (trial % 32 == 5) {
    setField(operand, 52, 47, 9);
    setField(operand, 45, 42, 4);
  }
  if (random.below(2))
    setField(operand, 62, 58, 0);
  setMask(random, operand, 40, 38, 37, 32);
  return operand;
}

static void testMatint(Chip chip) {
  useChip(chip);
  compareMany(Opcode::Matint, "matint", 832, integerOperand,
              [&](Machine &machine, uint64_t operand) {
                manual::matint(machine, chip, operand);
              });
}

static void testVecint(Chip chip) {
  useChip(chip);
  compareMany(
      Opcode::Vecint, "vecint", 832,
      [&](Random &random, int trial) {
        uint64_t operand = integerOperand(random, trial);
        if (trial % 8 == 7)
          setField(operand, 54, 54, 0);
        if (chip != Chip::M1)
          setField(operand, 31, 31, 0);
        return operand;
      },
      [&](Machine &machine, uint64_t operand) {
        manual::vecint(machine, chip, operand);
      });
}

static void testMatintM1() { testMatint(Chip::M1); }
static void testMatintM3() { testMatint(Chip::M3); }
static void testVecintM1() { testVecint(Chip::M1); }
static void testVecintM2() { testVecint(Chip::M2); }

/// The fields of matfp and vecfp. Widths 0 and 1 are bf16 from M2 on, which is
/// not emulated.
static uint64_t floatOperand(Random &random, int trial, Chip chip) {
  uint64_t operand = random.next();
  setField(operand, 56, 54, trial % 61 == 0 ? random.next() : 0);
  setField(operand, 53, 53, trial % 8 == 7);
  const uint64_t width = uint64_t(trial) % 16;
  setField(operand, 45, 42, width < 2 && chip != Chip::M1 ? width + 3 : width);
  if (trial % 8 != 7)
    setField(operand, 52, 47,
             trial % 59 == 0 ? random.next() : uint64_t(trial / 16 % 13));
  setMask(random, operand, 40, 38, 36, 32);
  return operand;
}

static void testMatfp() {
  useChip(Chip::M1);
  compareMany(
      Opcode::Matfp, "matfp", 416,
      [](Random &random, int trial) {
        uint64_t operand = floatOperand(random, trial, Chip::M1);
        // Two of three modes are no-ops.
        if (trial % 8 != 7 && trial % 59 != 0)
          setField(operand, 52, 47, trial % 5 == 4 ? 4 : uint64_t(trial & 1));
        setMask(random, operand, 25, 23, 62, 58);
        return operand;
      },
      [](Machine &machine, uint64_t operand) {
        manual::matfp(machine, operand);
      });
}

static void testVecfp(Chip chip) {
  useChip(chip);
  compareMany(
      Opcode::Vecfp, "vecfp", 832,
      [&](Random &random, int trial) {
        uint64_t operand = floatOperand(random, trial, chip);
        if (chip != Chip::M1)
          setField(operand, 31, 31, 0);
        return operand;
      },
      [&](Machine &machine, uint64_t operand) {
        manual::vecfp(machine, chip, operand);
      });
}

static void testVecfpM1() { testVecfp(Chip::M1); }
static void testVecfpM2() { testVecfp(Chip::M2); }

static void testGenlut() {
  useChip(Chip::M1);
  compareMany(
      Opcode::Genlut, "genlut", 512,
      [](Random &random, int trial) {
        uint64_t operand = random.next();
        setField(operand, 56, 53, uint64_t(trial));
        return operand;
      },
      [](Machine &machine, uint64_t operand) {
        manual::genlut(machine, operand);
      });
}

int main(int argc, char **argv) {
  static constexpr Case kCases[] = {
      {"extrx", testExtrx},        {"extry", testExtry},
      {"fma16", testFma16},        {"fma32", testFma32},
      {"fma64", testFma64},        {"fms16", testFms16},
      {"fms32", testFms32},        {"fms64", testFms64},
      {"genlut", testGenlut},      {"mac16", testMac16},
      {"matfp", testMatfp},        {"matint-m1", testMatintM1},
      {"matint-m3", testMatintM3}, {"vecfp-m1", testVecfpM1},
      {"vecfp-m2", testVecfpM2},   {"vecint-m1", testVecintM1},
      {"vecint-m2", testVecintM2},
  };
  return runCase(kCases, argc, argv);
}
