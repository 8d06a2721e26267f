//===- ExecuteLanes.cpp - Instructions that move values between lanes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

void readFirstLane(Wave &wave, const Instruction &in) {
  const uint64_t exec = wave.exec();
  const uint32_t lane = exec ? uint32_t(std::countr_zero(exec)) : 0;
  uint32_t buffer[kMaxLanes];
  wave.setScalar(in.dest.reg, wordsOf(wave, in, 0, 0, buffer)[lane]);
}

void readLane(Wave &wave, const Instruction &in) {
  const uint32_t lane = readScalar(wave, in.src[1]) & (wave.lanes - 1);
  uint32_t buffer[kMaxLanes];
  wave.setScalar(in.dest.reg, wordsOf(wave, in, 0, 0, buffer)[lane]);
}

/// Whatever EXEC says.
void writeLane(Wave &wave, const Instruction &in) {
  const uint32_t lane = readScalar(wave, in.src[1]) & (wave.lanes - 1);
  wave.vectors[in.dest.reg][lane] = readScalar(wave, in.src[0]);
}

/// The bits of src0 for lanes below this one, counted and added to src1; lo
/// for lanes 0-31, hi for 32-63.
template <uint32_t base> void countBelow(Wave &wave, const Instruction &in) {
  const Lanes<U32> as(wave, in, 0), bs(wave, in, 1);
  uint32_t out[kMaxLanes];
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const uint32_t below = l <= base        ? 0
                           : l - base >= 32 ? 0xffffffff
                                            : (1u << (l - base)) - 1;
    out[l] = bitCount(as[l] & below) + bs[l];
  }
  writeLanes<U32>(wave, in, out);
}

/// Lane i of a row of 16 gets the lane of the same row (or, `across`, of the
/// other row of the pair) that nibble i of src2:src1 names. op_sel of src0 is
/// FI, of src1 BOUND_CTRL.
template <bool across> void permuteRow(Wave &wave, const Instruction &in) {
  uint32_t buffer[kMaxLanes], out[kMaxLanes];
  const uint32_t *words = wordsOf(wave, in, 0, 0, buffer);
  const uint64_t selects =
      readScalar(wave, in.src[1]) | uint64_t(readScalar(wave, in.src[2])) << 32;
  const bool fetchInactive = in.src[0].mods & kModOpSel;
  const bool boundControl = in.src[1].mods & kModOpSel;
  uint64_t mask = wave.exec();
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const uint32_t row = (l & ~15u) ^ (across ? 16 : 0);
    const uint32_t from = row + (selects >> (4 * (l & 15)) & 15);
    const bool readable = fetchInactive || (wave.exec() >> from & 1);
    out[l] = readable ? words[from] : 0;
    if (!readable && !boundControl)
      mask &= ~(UINT64_C(1) << l);
  }
  writeWords(wave, in, in.dest.reg, out, mask);
}

void swapRegisters(Wave &wave, const Instruction &in) {
  uint32_t *a = wave.vectors[in.dest.reg], *b = wave.vectors[in.dest2.reg];
  const uint64_t exec = wave.exec();
  for (uint32_t l = 0; l < wave.lanes; ++l)
    if (exec >> l & 1)
      std::swap(a[l], b[l]);
}

/// In a wave of 32 lanes there is no other half.
void permuteHalves(Wave &wave, const Instruction &in) {
  uint32_t buffer[kMaxLanes], out[kMaxLanes];
  const uint32_t *words = wordsOf(wave, in, 0, 0, buffer);
  for (uint32_t l = 0; l < wave.lanes; ++l)
    out[l] = words[wave.lanes == 64 ? l ^ 32 : l];
  writeWords(wave, in, in.dest.reg, out, wave.exec());
}

constexpr NamedHandler kLaneTable[] = {
    {"v_readfirstlane_b32", readFirstLane},
    {"v_readlane_b32", readLane},
    {"v_writelane_b32", writeLane},
    {"v_mbcnt_lo_u32_b32", countBelow<0>},
    {"v_mbcnt_hi_u32_b32", countBelow<32>},
    {"v_permlane16_b32", permuteRow<false>},
    {"v_permlanex16_b32", permuteRow<true>},
    {"v_permlane64_b32", permuteHalves},
    {"v_swap_b32", swapRegisters},
};

} // namespace

Handler findLaneMover(std::string_view name) {
  return findIn(kLaneTable, name);
}

} // namespace modelc::amdgpu
