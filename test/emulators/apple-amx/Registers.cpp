//===- Registers.cpp - Lanes: read, write, enable, shuffle, look up
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts: corsix/amx, RegisterFile.md.
//
//===----------------------------------------------------------------------===//

#include "Registers.h"

using namespace modelc::appleamx;

int64_t Register::getInt(uint32_t lane, uint32_t laneBytes,
                         bool isSigned) const {
  uint64_t value = 0;
  memcpy(&value, bytes + lane * laneBytes, laneBytes);
  const uint32_t unused = 64 - 8 * laneBytes;
  const auto raised = int64_t(value << unused);
  return isSigned ? raised >> unused : int64_t(value);
}

void Register::setInt(uint32_t lane, uint32_t laneBytes, int64_t value) {
  memcpy(bytes + lane * laneBytes, &value, laneBytes);
}

static constexpr uint32_t kPoolBytes = Pool::kRegisters * kRegisterBytes;

Register Pool::read(uint32_t offset) const {
  Register value;
  for (uint32_t i = 0; i < kRegisterBytes; ++i) {
    const uint32_t at = (offset + i) % kPoolBytes;
    value.bytes[i] = registers[at / kRegisterBytes].bytes[at % kRegisterBytes];
  }
  return value;
}

void Pool::write(uint32_t offset, const Register &value,
                 uint64_t enabledBytes) {
  for (uint32_t i = 0; i < kRegisterBytes; ++i) {
    const uint32_t at = (offset + i) % kPoolBytes;
    if (enabledBytes >> i & 1)
      registers[at / kRegisterBytes].bytes[at % kRegisterBytes] =
          value.bytes[i];
  }
}

/// Bits 0 to count - 1; count <= 64.
static uint64_t lowBits(uint32_t count) {
  return count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
}

static constexpr uint64_t kEvenBits = 0x5555555555555555;

static uint64_t enabledLanes(uint32_t mode, uint32_t value, uint32_t laneCount,
                             uint32_t lastOfMode0) {
  const uint64_t all = lowBits(laneCount);
  if (mode == 0) {
    if (value == 1)
      return all & ~kEvenBits;
    if (value == 2)
      return all & kEvenBits;
    return value <= lastOfMode0 ? all : 0;
  }
  const uint32_t lane = value % laneCount;
  const bool isAllAtZero = lane == 0 && (mode == 2 || mode == 3);
  switch (mode) {
  case 1:
    return uint64_t(1) << lane;
  case 2:
  case 4:
    return isAllAtZero ? all : lowBits(lane);
  case 3:
  case 5:
    return isAllAtZero ? all : all & ~lowBits(laneCount - lane);
  default:
    return 0;
  }
}

uint64_t modelc::appleamx::enabledLanes9(uint32_t mode, uint32_t value,
                                         uint32_t laneCount) {
  return enabledLanes(mode, value, laneCount, 5);
}

uint64_t modelc::appleamx::enabledLanes7(uint32_t mode, uint32_t value,
                                         uint32_t laneCount) {
  return enabledLanes(mode, value, laneCount, 2);
}

uint64_t modelc::appleamx::bytesOfLanes(uint64_t lanes, uint32_t laneBytes) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < kRegisterBytes; ++i)
    bytes |= (lanes >> (i / laneBytes) & 1) << i;
  return bytes;
}

Register modelc::appleamx::shuffled(const Register &value, uint32_t mode,
                                    uint32_t laneBytes) {
  const uint32_t laneCount = kRegisterBytes / laneBytes;
  // Lane q * (laneCount >> mode) + r moves to lane r << mode | q.
  const uint32_t run = laneCount >> mode;
  if (mode == 0 || run <= 1)
    return value;
  Register result;
  for (uint32_t from = 0; from < laneCount; ++from) {
    const uint32_t to = (from % run) << mode | from / run;
    memcpy(result.bytes + to * laneBytes, value.bytes + from * laneBytes,
           laneBytes);
  }
  return result;
}

Register modelc::appleamx::lookedUp(const Register &table,
                                    const Register &indices, uint32_t indexBits,
                                    uint32_t laneBytes) {
  const uint32_t laneCount = kRegisterBytes / laneBytes;
  Register result;
  for (uint32_t lane = 0; lane < laneCount; ++lane) {
    const uint32_t bit = lane * indexBits;
    const uint32_t pair =
        indices.bytes[bit / 8] | uint32_t(indices.bytes[bit / 8 + 1]) << 8;
    const uint32_t index =
        (pair >> bit % 8 & ((1u << indexBits) - 1)) % laneCount;
    memcpy(result.bytes + lane * laneBytes, table.bytes + index * laneBytes,
           laneBytes);
  }
  return result;
}
