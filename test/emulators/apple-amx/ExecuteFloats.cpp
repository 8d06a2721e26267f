//===- ExecuteFloats.cpp - fma16 to fms64, matfp, vecfp
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The CPU's own arithmetic, with FPCR as execute() wants it: rounded to
// nearest even, subnormals kept, each NaN that is computed the default one.
// What is only moved keeps its bits.
//
// Facts: corsix/amx, fma.md, fms.md, matfp.md, vecfp.md; f16 inputs of f32
// lanes are converted first, from its matfp.c.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

using namespace modelc::appleamx;

static _Float16 fusedMultiplyAdd(_Float16 x, _Float16 y, _Float16 z) {
  return __builtin_fmaf16(x, y, z);
}
static float fusedMultiplyAdd(float x, float y, float z) {
  return __builtin_fmaf(x, y, z);
}
static double fusedMultiplyAdd(double x, double y, double z) {
  return __builtin_fma(x, y, z);
}

//===----------------------------------------------------------------------===//
// fma, fms
//===----------------------------------------------------------------------===//

/// The new lane of Z; bits 29, 28 and 27 skip x, y, z. A product that is
/// subtracted has its x negated.
template <typename T>
static T fmaLane(Operand operand, bool isSubtracting, T x, T y, T z) {
  const bool skipsX = operand.bit(29), skipsY = operand.bit(28);
  const bool skipsZ = operand.bit(27);
  if (skipsX && skipsY)
    return !skipsZ ? z : isSubtracting ? T(-0.0) : T(0);
  if (skipsX || skipsY) {
    const T one = skipsX ? y : x;
    if (skipsZ)
      return isSubtracting ? -one : one;
    return isSubtracting ? z - one : z + one;
  }
  T factor = isSubtracting ? -x : x;
  // Negated before the product: FNMUL would negate a default NaN.
  asm("" : "+w"(factor));
  return skipsZ ? factor * y : fusedMultiplyAdd(factor, y, z);
}

/// Lane `lane` of T; or the half at the even place of two, converted.
template <typename T>
static T readLane(const Register &value, uint32_t lane, bool isHalf) {
  return isHalf ? T(value.get<_Float16>(2 * lane)) : value.get<T>(lane);
}

static uint64_t readXMask7(Operand operand, uint32_t laneCount) {
  return enabledLanes7(operand.field(46, 2), operand.field(41, 5), laneCount);
}

static uint64_t readYMask7(Operand operand, uint32_t laneCount) {
  return enabledLanes7(operand.field(37, 2), operand.field(32, 5), laneCount);
}

/// All lanes of one width, or X, Y of halves at the even places.
template <typename T>
static void fmaSameWidth(Machine &machine, Operand operand, bool isSubtracting,
                         bool isXHalf, bool isYHalf) {
  constexpr uint32_t kLanes = kRegisterBytes / sizeof(T);
  const Register x = machine.x.read(operand.field(10, 9));
  const Register y = machine.y.read(operand.field(0, 9));
  const uint64_t xEnabled = readXMask7(operand, kLanes);
  const uint64_t yEnabled = readYMask7(operand, kLanes);
  const bool isVector = operand.bit(63);
  const uint32_t zRow = operand.field(20, 6);
  for (uint32_t j = 0; j < (isVector ? 1 : kLanes); ++j) {
    if (!isVector && !(yEnabled >> j & 1))
      continue;
    Register &row =
        machine.z[isVector ? zRow : j * sizeof(T) + zRow % sizeof(T)];
    for (uint32_t i = 0; i < kLanes; ++i)
      if (xEnabled >> i & 1)
        row.set(i,
                fmaLane<T>(operand, isSubtracting, readLane<T>(x, i, isXHalf),
                           readLane<T>(y, isVector ? i : j, isYHalf),
                           row.get<T>(i)));
  }
}

/// Halves to f32 in all of Z: even lanes of X in even rows, odd ones in odd.
static void fmaHalvesToFloats(Machine &machine, Operand operand,
                              bool isSubtracting) {
  const Register x = machine.x.read(operand.field(10, 9));
  const Register y = machine.y.read(operand.field(0, 9));
  const uint64_t xEnabled = readXMask7(operand, 32);
  const uint64_t yEnabled = readYMask7(operand, 32);
  for (uint32_t j = 0; j < 32; ++j)
    for (uint32_t i = 0; i < 32; ++i) {
      if (!(xEnabled >> i & 1) || !(yEnabled >> j & 1))
        continue;
      Register &row = machine.z[2 * j + i % 2];
      row.set(i / 2,
              fmaLane<float>(operand, isSubtracting, float(x.get<_Float16>(i)),
                             float(y.get<_Float16>(j)), row.get<float>(i / 2)));
    }
}

Refusal modelc::appleamx::executeFma(Machine &machine, Opcode opcode,
                                     Operand operand) {
  switch (opcode) {
  case Opcode::Fma64:
  case Opcode::Fms64:
    fmaSameWidth<double>(machine, operand, opcode == Opcode::Fms64, false,
                         false);
    return nullptr;
  case Opcode::Fma32:
  case Opcode::Fms32:
    fmaSameWidth<float>(machine, operand, opcode == Opcode::Fms32,
                        operand.bit(61), operand.bit(60));
    return nullptr;
  default:
    if (!operand.bit(63) && operand.bit(62))
      fmaHalvesToFloats(machine, operand, opcode == Opcode::Fms16);
    else
      fmaSameWidth<_Float16>(machine, operand, opcode == Opcode::Fms16, false,
                             false);
    return nullptr;
  }
}

//===----------------------------------------------------------------------===//
// matfp, vecfp
//===----------------------------------------------------------------------===//

namespace {

/// Bits 47 to 52.
enum : uint32_t {
  kMulAdd = 0,
  kMulSub = 1,
  kPositive = 4,
  kMin = 5,
  kMax = 7,
  kMul = 10,
  kAddX = 11,
  kAddY = 12,
};

/// A lane mode: what lanes of X, Y and of Z are.
enum class Lanes { Half, HalfToFloat, Float, Double, Bfloat };

} // namespace

static Lanes readLanes(Chip chip, Operand operand) {
  switch (operand.field(42, 4)) {
  case 0:
  case 1:
    return chip >= Chip::M2 ? Lanes::Bfloat : Lanes::Half;
  case 3:
    return Lanes::HalfToFloat;
  case 4:
    return Lanes::Float;
  case 7:
    return Lanes::Double;
  default:
    return Lanes::Half;
  }
}

/// Arm's FMIN and FMAX: -0 is below 0, a NaN wins as the default one.
template <typename T> static T extremum(T x, T z, bool isMax) {
  if (x != x || z != z)
    return x + z;
  if (x == z)
    return (__builtin_signbit(double(x)) != 0) == isMax ? z : x;
  return (x < z) == isMax ? z : x;
}

template <typename T> static T combine(uint32_t mode, T x, T y, T z) {
  switch (mode) {
  case kMulSub:
    return fusedMultiplyAdd(T(-x), y, z);
  case kPositive:
    return x <= T(0) ? T(0) : y;
  case kMin:
    return extremum(x, z, false);
  case kMax:
    return extremum(x, z, true);
  case kMul:
    return x * y;
  case kAddX:
    return z + x;
  case kAddY:
    return z + y;
  default:
    return fusedMultiplyAdd(x, y, z);
  }
}

/// Z of T, X and Y of S, as wide or half as wide.
template <typename S, typename T>
static void matfpLanes(Machine &machine, Operand operand, uint32_t mode) {
  constexpr uint32_t kLanes = kRegisterBytes / sizeof(S);
  constexpr uint32_t kRatio = sizeof(T) / sizeof(S);
  Sources sources = readSources(machine, operand, sizeof(S), sizeof(S));
  const uint32_t xMode = operand.field(38, 3), xValue = operand.field(32, 5);
  const uint32_t yMode = operand.field(23, 3), yValue = operand.field(58, 5);
  const uint64_t xEnabled = enabledLanes9(xMode, xValue, kLanes);
  const uint64_t yEnabled = enabledLanes9(yMode, yValue, kLanes);
  if (xMode == 0 && (xValue == 4 || xValue == 5))
    sources.x = {};
  if (yMode == 0 && (yValue == 4 || yValue == 5))
    sources.y = {};
  const bool isZero =
      (xMode == 0 && xValue == 3) || (yMode == 0 && yValue == 3);
  for (uint32_t j = 0; j < kLanes; ++j)
    for (uint32_t i = 0; i < kLanes; ++i) {
      if (!(xEnabled >> i & 1) || !(yEnabled >> j & 1))
        continue;
      const uint32_t low =
          kRatio == 1 ? operand.field(20, 3) % sizeof(S) : i % kRatio;
      Register &row = machine.z[j * sizeof(S) + low];
      const T result =
          combine<T>(mode, T(sources.x.get<S>(i)), T(sources.y.get<S>(j)),
                     row.get<T>(i / kRatio));
      row.set(i / kRatio, isZero ? T(0) : result);
    }
}

template <typename S, typename T>
static void vecfpLanes(Machine &machine, Operand operand, uint32_t mode) {
  constexpr uint32_t kLanes = kRegisterBytes / sizeof(S);
  constexpr uint32_t kRatio = sizeof(T) / sizeof(S);
  Sources sources = readSources(machine, operand, sizeof(S), sizeof(S));
  const uint32_t maskMode = operand.field(38, 3), value = operand.field(32, 5);
  const bool isBroadcast = maskMode == 1;
  const uint64_t enabled =
      isBroadcast ? ~uint64_t(0) : enabledLanes9(maskMode, value, kLanes);
  if (maskMode == 0 && value == 4)
    sources.x = {};
  if (maskMode == 0 && value == 5)
    sources.y = {};
  const bool isZero = maskMode == 0 && value == 3;
  const uint32_t zRow = operand.field(20, 6);
  for (uint32_t i = 0; i < kLanes; ++i) {
    if (!(enabled >> i & 1))
      continue;
    const uint32_t from = isBroadcast ? value % kLanes : i;
    Register &row = machine.z[zRow / kRatio * kRatio + i % kRatio];
    const T result =
        combine<T>(mode, T(sources.x.get<S>(i)), T(sources.y.get<S>(from)),
                   row.get<T>(i / kRatio));
    row.set(i / kRatio, isZero ? T(0) : result);
  }
}

Refusal modelc::appleamx::executeMatfp(Machine &machine, Chip chip,
                                       Operand operand) {
  const uint32_t mode = operand.bit(53) ? kMulAdd : operand.field(47, 6);
  const bool isKnown = mode == kMulAdd || mode == kMulSub || mode == kPositive;
  if (operand.field(54, 3) != 0 || !isKnown)
    return nullptr;
  switch (readLanes(chip, operand)) {
  case Lanes::Half:
    matfpLanes<_Float16, _Float16>(machine, operand, mode);
    return nullptr;
  case Lanes::HalfToFloat:
    matfpLanes<_Float16, float>(machine, operand, mode);
    return nullptr;
  case Lanes::Float:
    matfpLanes<float, float>(machine, operand, mode);
    return nullptr;
  case Lanes::Double:
    matfpLanes<double, double>(machine, operand, mode);
    return nullptr;
  case Lanes::Bfloat:
    break;
  }
  return "bf16 is not emulated";
}

static bool isVecfpMode(Chip chip, uint32_t mode) {
  switch (mode) {
  case kMulAdd:
  case kMulSub:
  case kPositive:
  case kMin:
  case kMax:
    return true;
  case kMul:
  case kAddX:
  case kAddY:
    return chip >= Chip::M2;
  default:
    return false;
  }
}

Refusal modelc::appleamx::executeVecfp(Machine &machine, Chip chip,
                                       Operand operand) {
  const uint32_t mode = operand.bit(53) ? kMulAdd : operand.field(47, 6);
  if (operand.field(54, 3) != 0 || !isVecfpMode(chip, mode))
    return nullptr;
  if (chip >= Chip::M2 && operand.bit(31))
    return "several vectors (bit 31) are not emulated";
  switch (readLanes(chip, operand)) {
  case Lanes::Half:
    vecfpLanes<_Float16, _Float16>(machine, operand, mode);
    return nullptr;
  case Lanes::HalfToFloat:
    vecfpLanes<_Float16, float>(machine, operand, mode);
    return nullptr;
  case Lanes::Float:
    vecfpLanes<float, float>(machine, operand, mode);
    return nullptr;
  case Lanes::Double:
    vecfpLanes<double, double>(machine, operand, mode);
    return nullptr;
  case Lanes::Bfloat:
    break;
  }
  return "bf16 is not emulated";
}
