//===- ExecuteTables.cpp - genlut: indices of lanes, lanes of indices
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts: corsix/amx, genlut.md.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

using namespace modelc::appleamx;

/// For each lane of `source` one less than the first lane of `table` above it,
/// all bits set if there is none; dense, in `indexBits` each, zeros behind.
template <typename T>
static Register indicesOf(const Register &table, const Register &source,
                          uint32_t indexBits) {
  constexpr uint32_t kLanes = kRegisterBytes / sizeof(T);
  Register result = {};
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    uint32_t above = 0;
    while (above < kLanes && !(table.get<T>(above) > source.get<T>(lane)))
      ++above;
    const uint32_t index = (above == kLanes ? ~0u : above - 1) % kLanes;
    for (uint32_t bit = 0; bit < indexBits; ++bit) {
      const uint32_t at = lane * indexBits + bit;
      result.bytes[at / 8] |= uint8_t((index >> bit & 1) << at % 8);
    }
  }
  return result;
}

static Register generate(uint32_t mode, const Register &table,
                         const Register &source) {
  switch (mode) {
  case 0:
    return indicesOf<float>(table, source, 4);
  case 1:
    return indicesOf<_Float16>(table, source, 5);
  case 2:
    return indicesOf<double>(table, source, 4);
  case 3:
    return indicesOf<int32_t>(table, source, 4);
  case 4:
    return indicesOf<int16_t>(table, source, 5);
  case 5:
    return indicesOf<uint32_t>(table, source, 4);
  default:
    return indicesOf<uint16_t>(table, source, 5);
  }
}

static Register lookUp(uint32_t mode, const Register &table,
                       const Register &source) {
  static constexpr struct {
    uint8_t indexBits, laneBytes;
  } kModes[] = {{2, 4}, {2, 2}, {2, 1}, {4, 8}, {4, 4},
                {4, 2}, {4, 1}, {5, 2}, {5, 1}};
  return lookedUp(table, source, kModes[mode - 7].indexBits,
                  kModes[mode - 7].laneBytes);
}

Refusal modelc::appleamx::executeGenlut(Machine &machine, Chip chip,
                                        Operand operand) {
  const uint32_t mode = operand.field(53, 4);
  const bool isGenerating = mode < 7;
  if (mode == 1 && operand.bit(30) && chip >= Chip::M2)
    return "bf16 is not emulated";
  const Pool &tables = operand.bit(59) ? machine.y : machine.x;
  const Register table = tables.registers[operand.field(60, 3)];
  const Register source =
      (operand.bit(10) ? machine.y : machine.x).read(operand.field(0, 9));
  const Register result = isGenerating ? generate(mode, table, source)
                                       : lookUp(mode, table, source);
  if (operand.bit(26) && !isGenerating)
    machine.z[operand.field(20, 6)] = result;
  else
    (operand.bit(25) ? machine.y : machine.x).registers[operand.field(20, 3)] =
        result;
  return nullptr;
}
