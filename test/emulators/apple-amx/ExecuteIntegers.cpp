//===- ExecuteIntegers.cpp - mac16, matint, vecint
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An outer product writes z[row(j, i)][lane(i)] for all lanes i of X and j of
// Y. Bytes of Y are rows of Z: lane j covers as many rows as it has bytes, and
// which of these is written is told by low bits of "Z row" or, if lanes of Z
// are wider than those of X, by i.
//
// Facts: corsix/amx, mac16.md, matint.md, vecint.md; the mask of in-place
// modes, whose lanes are those of Z, from its matint.c and vecint.c.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

using namespace modelc::appleamx;

//===----------------------------------------------------------------------===//
// Shared by matint and vecint
//===----------------------------------------------------------------------===//

namespace {

/// Bits 47 to 52, or what indexed loads have instead of them.
enum : uint32_t {
  kMulAdd = 0,
  kMulSub = 1,
  kSumAdd = 2,
  kSumSub = 3,
  kNarrow = 4,
  kHighAdd = 5,
  kHighSub = 6,
  kMulAddBytes = 8,
  kPopcount = 9,
  kMul = 10,
  kAddX = 11,
  kAddY = 12,
};

struct LaneBytes {
  uint32_t x, y, z;
};

} // namespace

static Narrowing readNarrowing(Operand operand) {
  return {operand.field(58, 5), operand.bit(29), operand.bit(30),
          operand.bit(63), operand.bit(26)};
}

/// Bytes of a lane of Z, and the bits to which it saturates.
struct InPlace {
  uint32_t zBytes, bits;
};

static InPlace readInPlace(Operand operand, bool isVector) {
  switch (operand.field(42, 4)) {
  case 3:
    return {4, 16};
  case 4:
    return {4, 32};
  case 9:
    return isVector ? InPlace{1, 8} : InPlace{2, 16};
  case 10:
    return {4, 8};
  case 11:
    return {2, 8};
  default:
    return {2, 16};
  }
}

static bool isZeroForced(Operand operand) { return operand.field(32, 9) == 3; }

/// The new lane of Z. `shift` of modes 0 to 3, 8 and 10 to 12.
static int64_t combine(uint32_t mode, uint32_t shift, uint32_t xBytes,
                       int64_t x, int64_t y, int64_t z) {
  const auto saturated = [](int64_t value) {
    return value > INT16_MAX   ? INT16_MAX
           : value < INT16_MIN ? INT16_MIN
                               : value;
  };
  switch (mode) {
  case kMulSub:
    return z - ((x * y) >> shift);
  case kSumAdd:
    return z + ((x + y) >> shift);
  case kSumSub:
    return z - ((x + y) >> shift);
  case kHighAdd:
    return saturated(z + ((x * y + (1 << 14)) >> 15));
  case kHighSub:
    return saturated(z - ((x * y + (1 << 14)) >> 15));
  case kPopcount: {
    const uint64_t inLane = ~uint64_t(0) >> (64 - 8 * xBytes);
    return z + __builtin_popcountll(uint64_t(~(x ^ y)) & inLane);
  }
  case kMul:
    return (x * y) >> shift;
  case kAddX:
    return z + (x >> shift);
  case kAddY:
    return z + (y >> shift);
  default:
    return z + ((x * y) >> shift);
  }
}

Sources modelc::appleamx::readSources(const Machine &machine, Operand operand,
                                      uint32_t xLaneBytes,
                                      uint32_t yLaneBytes) {
  Sources sources = {machine.x.read(operand.field(10, 9)),
                     machine.y.read(operand.field(0, 9))};
  if (operand.bit(53)) {
    const uint32_t indexBits = operand.bit(48) ? 4 : 2;
    const uint32_t table = operand.field(49, 3);
    if (operand.bit(47))
      sources.y = lookedUp(machine.y.registers[table], sources.y, indexBits,
                           yLaneBytes);
    else
      sources.x = lookedUp(machine.x.registers[table], sources.x, indexBits,
                           xLaneBytes);
  }
  sources.x = shuffled(sources.x, operand.field(29, 2), xLaneBytes);
  sources.y = shuffled(sources.y, operand.field(27, 2), yLaneBytes);
  return sources;
}

//===----------------------------------------------------------------------===//
// matint
//===----------------------------------------------------------------------===//

static LaneBytes readMatrixLanes(Chip chip, Operand operand, uint32_t mode) {
  const uint32_t width = operand.field(42, 4);
  if (mode == kHighAdd || mode == kHighSub)
    return {2, 2, 2};
  if (mode == kMulAddBytes) {
    if (width == 10)
      return {1, 1, 4};
    if (width == 12 && chip >= Chip::M3)
      return {1, 2, 4};
    return {1, 1, 2};
  }
  if (width == 3)
    return {2, 2, 4};
  if (width == 4 && mode == kPopcount)
    return {4, 4, 4};
  return {2, 2, 2};
}

static void narrowMatrix(Machine &machine, Operand operand) {
  const InPlace lanes = readInPlace(operand, false);
  const Narrowing narrowing = readNarrowing(operand);
  const uint32_t laneCount = kRegisterBytes / lanes.zBytes;
  const uint64_t enabled =
      enabledLanes9(operand.field(38, 3), operand.field(32, 6), laneCount);
  const bool isMaskOfY = operand.bit(25);
  for (uint32_t j = 0; j < laneCount; ++j) {
    Register &row =
        machine.z[j * lanes.zBytes + operand.field(20, 2) % lanes.zBytes];
    for (uint32_t i = 0; i < laneCount; ++i) {
      if (!(enabled >> (isMaskOfY ? j : i) & 1))
        continue;
      const int64_t value =
          row.getInt(i, lanes.zBytes, narrowing.isInputSigned);
      row.setInt(i, lanes.zBytes,
                 isZeroForced(operand) ? 0
                                       : narrowing.apply(value, lanes.bits));
    }
  }
}

static void combineMatrix(Machine &machine, Operand operand, uint32_t mode,
                          LaneBytes lanes) {
  Sources sources = readSources(machine, operand, lanes.x, lanes.y);
  const bool isMaskOfY = operand.bit(25);
  const uint32_t maskMode = operand.field(38, 3), value = operand.field(32, 6);
  const uint32_t maskBytes = isMaskOfY ? lanes.y : lanes.x;
  const uint64_t enabled = bytesOfLanes(
      enabledLanes9(maskMode, value, kRegisterBytes / maskBytes), maskBytes);
  if (maskMode == 0 && (value == 4 || value == 5))
    (isMaskOfY ? sources.y : sources.x) = {};

  // Bytes of Y, and rows of Z, from one used lane of Y to the next: bytes of Y
  // leave room for wider lanes of Z.
  const uint32_t step = lanes.x == 1 ? lanes.z : lanes.x;
  const uint32_t ratio = lanes.z / lanes.x;
  for (uint32_t yByte = 0; yByte < kRegisterBytes; yByte += step) {
    if (isMaskOfY && !(enabled >> yByte & 1))
      continue;
    const int64_t y =
        sources.y.getInt(yByte / lanes.y, lanes.y, operand.bit(26));
    const uint32_t firstRow = yByte + operand.field(20, 2) % lanes.x;
    for (uint32_t i = 0; i < kRegisterBytes / lanes.x; ++i) {
      if (!isMaskOfY && !(enabled >> i * lanes.x & 1))
        continue;
      const int64_t x = sources.x.getInt(i, lanes.x, operand.bit(63));
      const uint32_t row =
          ratio == 1 ? firstRow : firstRow / ratio * ratio + i % ratio;
      Register &target = machine.z[row];
      const int64_t z = target.getInt(i / ratio, lanes.z, true);
      const int64_t result =
          combine(mode, operand.field(58, 5), lanes.x, x, y, z);
      target.setInt(i / ratio, lanes.z, isZeroForced(operand) ? 0 : result);
    }
  }
}

Refusal modelc::appleamx::executeMatint(Machine &machine, Chip chip,
                                        Operand operand) {
  const bool isIndexed = operand.bit(53);
  if (operand.field(55, 2) != 0 || (operand.bit(54) && !isIndexed))
    return nullptr;
  const uint32_t mode = isIndexed ? (operand.bit(54) ? kMulAddBytes : kMulAdd)
                                  : operand.field(47, 6);
  if (mode == kNarrow)
    narrowMatrix(machine, operand);
  else if (mode != 7 && mode <= kPopcount)
    combineMatrix(machine, operand, mode, readMatrixLanes(chip, operand, mode));
  return nullptr;
}

//===----------------------------------------------------------------------===//
// vecint
//===----------------------------------------------------------------------===//

static LaneBytes readVectorLanes(Operand operand, uint32_t mode) {
  if (mode == kHighAdd || mode == kHighSub)
    return {2, 2, 2};
  switch (operand.field(42, 4)) {
  case 3:
    return {2, 2, 4};
  case 10:
    return {1, 1, 4};
  case 11:
    return {1, 1, 2};
  case 12:
    return {1, 2, 4};
  case 13:
    return {2, 1, 4};
  default:
    return {2, 2, 2};
  }
}

static void narrowVector(Machine &machine, Operand operand) {
  const InPlace lanes = readInPlace(operand, true);
  const Narrowing narrowing = readNarrowing(operand);
  const uint32_t laneCount = kRegisterBytes / lanes.zBytes;
  const uint32_t maskMode = operand.field(38, 3);
  const uint64_t enabled =
      maskMode == 1 ? ~uint64_t(0)
                    : enabledLanes9(maskMode, operand.field(32, 6), laneCount);
  Register &row = machine.z[operand.field(20, 6)];
  for (uint32_t i = 0; i < laneCount; ++i) {
    if (!(enabled >> i & 1))
      continue;
    const int64_t value = row.getInt(i, lanes.zBytes, narrowing.isInputSigned);
    row.setInt(i, lanes.zBytes,
               isZeroForced(operand) ? 0 : narrowing.apply(value, lanes.bits));
  }
}

static void combineVector(Machine &machine, Operand operand, uint32_t mode,
                          LaneBytes lanes) {
  Sources sources = readSources(machine, operand, lanes.x, lanes.y);
  const uint32_t maskMode = operand.field(38, 3), value = operand.field(32, 6);
  const bool isBroadcast = maskMode == 1;
  const auto enabledOf = [&](uint32_t laneBytes) {
    const uint32_t count = kRegisterBytes / laneBytes;
    return isBroadcast ? ~uint64_t(0) : enabledLanes9(maskMode, value, count);
  };
  const uint64_t xEnabled = enabledOf(lanes.x), yEnabled = enabledOf(lanes.y);
  if (maskMode == 0 && value == 4)
    sources.x = {};
  if (maskMode == 0 && value == 5)
    sources.y = {};

  // The narrower of X and Y has a lane for each of Z.
  const uint32_t step = lanes.x < lanes.y ? lanes.x : lanes.y;
  const uint32_t ratio = lanes.z / step;
  const uint32_t firstRow = operand.field(20, 6) / ratio * ratio;
  for (uint32_t i = 0; i < kRegisterBytes / step; ++i) {
    const uint32_t xLane = i * step / lanes.x, yLane = i * step / lanes.y;
    if (!(xEnabled >> xLane & 1) || !(yEnabled >> yLane & 1))
      continue;
    const uint32_t from =
        isBroadcast ? value % (kRegisterBytes / lanes.y) : yLane;
    const int64_t x = sources.x.getInt(xLane, lanes.x, operand.bit(63));
    const int64_t y = sources.y.getInt(from, lanes.y, operand.bit(26));
    Register &target =
        machine.z[ratio == 1 ? operand.field(20, 6) : firstRow + i % ratio];
    const int64_t z = target.getInt(i / ratio, lanes.z, true);
    const int64_t result =
        combine(mode, operand.field(58, 5), lanes.x, x, y, z);
    target.setInt(i / ratio, lanes.z, isZeroForced(operand) ? 0 : result);
  }
}

Refusal modelc::appleamx::executeVecint(Machine &machine, Chip chip,
                                        Operand operand) {
  if (operand.field(54, 3) != 0)
    return nullptr;
  if (chip >= Chip::M2 && operand.bit(31))
    return "several vectors (bit 31) are not emulated";
  const uint32_t mode = operand.bit(53) ? kMulAdd : operand.field(47, 6);
  const bool isOfM2 = mode == kMul || mode == kAddX || mode == kAddY;
  if (mode == kNarrow)
    narrowVector(machine, operand);
  else if (mode <= kHighSub || (isOfM2 && chip >= Chip::M2))
    combineVector(machine, operand, mode, readVectorLanes(operand, mode));
  return nullptr;
}

//===----------------------------------------------------------------------===//
// mac16
//===----------------------------------------------------------------------===//

/// (x * y) >> shift, without the inputs that are skipped.
static int64_t macProduct(Operand operand, int64_t x, int64_t y) {
  if (operand.bit(61))
    x = int8_t(x);
  if (operand.bit(60))
    y = int8_t(y);
  const bool skipsX = operand.bit(29), skipsY = operand.bit(28);
  const int64_t value = skipsX ? (skipsY ? 0 : y) : skipsY ? x : x * y;
  return value >> operand.field(55, 5);
}

static void accumulate(Operand operand, Register &row, uint32_t lane,
                       uint32_t laneBytes, int64_t product) {
  const int64_t z = operand.bit(27) ? 0 : row.getInt(lane, laneBytes, true);
  row.setInt(lane, laneBytes, z + product);
}

/// z[i] += x[i] * y, a whole row.
template <typename Lane, uint32_t kCount>
static void addRow(Register &row, const int32_t (&x)[kCount], int32_t y,
                   bool skipsZ) {
  Lane z[kCount] = {};
  if (!skipsZ)
    memcpy(z, row.bytes, sizeof(z));
  for (uint32_t i = 0; i < kCount; ++i)
    z[i] = Lane(uint32_t(z[i]) + uint32_t(x[i] * y));
  memcpy(row.bytes, z, sizeof(z));
}

/// The outer product of all lanes, neither shifted nor without an input: what
/// kernels issue, in many fewer steps than the general one.
static void addOuterProduct(Machine &machine, Operand operand,
                            const Register &x, const Register &y) {
  int32_t all[32], even[16], odd[16];
  for (uint32_t i = 0; i < 32; ++i) {
    const int16_t lane = x.get<int16_t>(i);
    all[i] = operand.bit(61) ? int8_t(lane) : lane;
    (i % 2 ? odd : even)[i / 2] = all[i];
  }
  const bool skipsZ = operand.bit(27);
  for (uint32_t j = 0; j < 32; ++j) {
    const int16_t lane = y.get<int16_t>(j);
    const int32_t factor = operand.bit(60) ? int8_t(lane) : lane;
    if (operand.bit(62)) {
      addRow<int32_t>(machine.z[2 * j], even, factor, skipsZ);
      addRow<int32_t>(machine.z[2 * j + 1], odd, factor, skipsZ);
    } else {
      addRow<int16_t>(machine.z[2 * j + operand.field(20, 1)], all, factor,
                      skipsZ);
    }
  }
}

Refusal modelc::appleamx::executeMac16(Machine &machine, Operand operand) {
  const Register x = machine.x.read(operand.field(10, 9));
  const Register y = machine.y.read(operand.field(0, 9));
  const uint64_t xEnabled =
      enabledLanes7(operand.field(46, 2), operand.field(41, 5), 32);
  const uint64_t yEnabled =
      enabledLanes7(operand.field(37, 2), operand.field(32, 5), 32);
  const bool isVector = operand.bit(63), isWide = operand.bit(62);
  constexpr uint64_t kAll = 0xffffffff;
  const bool isPlain = !isVector && (xEnabled & yEnabled) == kAll &&
                       operand.field(55, 5) == 0 && operand.field(28, 2) == 0;
  if (isPlain) {
    addOuterProduct(machine, operand, x, y);
    return nullptr;
  }
  for (uint32_t i = 0; i < 32; ++i) {
    if (!(xEnabled >> i & 1))
      continue;
    if (isVector) {
      accumulate(operand, machine.z[operand.field(20, 6)], i, 2,
                 macProduct(operand, x.get<int16_t>(i), y.get<int16_t>(i)));
      continue;
    }
    for (uint32_t j = 0; j < 32; ++j) {
      if (!(yEnabled >> j & 1))
        continue;
      const int64_t product =
          macProduct(operand, x.get<int16_t>(i), y.get<int16_t>(j));
      if (isWide)
        accumulate(operand, machine.z[2 * j + i % 2], i / 2, 4, product);
      else
        accumulate(operand, machine.z[2 * j + operand.field(20, 1)], i, 2,
                   product);
    }
  }
  return nullptr;
}
