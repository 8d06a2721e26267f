//===- Lanes.cpp - Operands and results: broadcast, DPP, SDWA, EXEC
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DPP, "Data Parallel Primitives", and SDWA, "Sub-DWORD Addressing": RDNA3 ISA
// 7.8 and the DPP16/DPP8 encodings; Vega (GCN5) ISA, chapters "DPP" and
// "SDWA" of the vector ALU, for the controls that RDNA dropped.
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

namespace modelc::amdgpu {

namespace {

constexpr int32_t kNoLane = -1;

/// The lane that `lane` reads by an 9-bit DPP control, or kNoLane.
int32_t sourceLane(const Wave &wave, uint32_t control, uint32_t lane) {
  const uint32_t row = lane & ~15u, inRow = lane & 15;
  const uint32_t amount = control & 15;
  if (control < 0x100) // quad_perm
    return int32_t((lane & ~3u) + (control >> (2 * (lane & 3)) & 3));
  switch (control & 0x1f0) {
  case 0x100: // row_shl: from the lanes above
    return inRow + amount < 16 ? int32_t(lane + amount) : kNoLane;
  case 0x110: // row_shr
    return inRow >= amount ? int32_t(lane - amount) : kNoLane;
  case 0x120: // row_ror
    return int32_t(row + ((inRow - amount) & 15));
  case 0x150: // row_share (RDNA), row_newbcast (CDNA2, CDNA3)
    return int32_t(row + amount);
  case 0x160: // row_xmask
    return int32_t(row + (inRow ^ amount));
  default:
    break;
  }
  const int32_t here = int32_t(lane), last = int32_t(wave.lanes) - 1;
  switch (control) {
  case 0x130: // wave_shl by 1
    return here < last ? here + 1 : kNoLane;
  case 0x134: // wave_rol
    return here < last ? here + 1 : 0;
  case 0x138: // wave_shr
    return here > 0 ? here - 1 : kNoLane;
  case 0x13c: // wave_ror
    return here > 0 ? here - 1 : last;
  case 0x140: // row_mirror
    return int32_t(row + 15 - inRow);
  case 0x141: // row_half_mirror
    return int32_t((lane & ~7u) + 7 - (lane & 7));
  case 0x142: // row_bcast15: the last lane of a row, to the next row
    return row ? int32_t(row - 1) : kNoLane;
  case 0x143: // row_bcast31: lane 31, to the upper half
    return lane >= 32 ? 31 : kNoLane;
  default:
    return kNoLane;
  }
}

/// DPP's second word: src0, ctrl, fi, bound_ctrl, (mods,) bank and row mask.
struct DppWord {
  explicit DppWord(uint32_t word)
      : control(word >> 8 & 0x1ff), fetchInactive(word >> 18 & 1),
        boundControl(word >> 19 & 1), bankMask(word >> 24 & 15),
        rowMask(word >> 28 & 15) {}
  uint32_t control;
  bool fetchInactive, boundControl;
  uint32_t bankMask, rowMask;

  /// The lane that can be read, or kNoLane.
  int32_t from(const Wave &wave, uint32_t lane) const {
    const int32_t found = sourceLane(wave, control, lane);
    if (found == kNoLane)
      return kNoLane;
    const bool active = wave.exec() >> found & 1;
    const bool canFetch = wave.chip->generation >= 10 && fetchInactive;
    return active || canFetch ? found : kNoLane;
  }
};

void readDpp(const Wave &wave, uint32_t word, const uint32_t *row,
             uint32_t *out) {
  const DppWord dpp(word);
  for (uint32_t lane = 0; lane < wave.lanes; ++lane) {
    const int32_t from = dpp.from(wave, lane);
    out[lane] = from == kNoLane ? 0 : row[from];
  }
}

void readDpp8(const Wave &wave, const Instruction &in, const uint32_t *row,
              uint32_t *out) {
  const bool fetchInactive = in.controls != 0;
  for (uint32_t lane = 0; lane < wave.lanes; ++lane) {
    const uint32_t select = in.extraWord >> (8 + 3 * (lane & 7)) & 7;
    const uint32_t from = (lane & ~7u) + select;
    const bool readable = fetchInactive || (wave.exec() >> from & 1);
    out[lane] = readable ? row[from] : 0;
  }
}

uint32_t selected(uint32_t word, uint32_t select, bool signExtended) {
  if (select == 6)
    return word;
  const uint32_t bits = select < 4 ? 8 : 16;
  const uint32_t shift = select < 4 ? 8 * select : 16 * (select - 4);
  const uint32_t part = word >> shift & ((1u << bits) - 1);
  if (!signExtended)
    return part;
  return uint32_t(int32_t(part << (32 - bits)) >> (32 - bits));
}

/// SDWA's second word has for each source: select at 16 + 8 i, sext behind.
void readSdwa(const Instruction &in, uint32_t index, uint32_t *words) {
  const uint32_t shift = 16 + 8 * index;
  const uint32_t select = in.extraWord >> shift & 7;
  const bool signExtended = in.extraWord >> (shift + 3) & 1;
  if (select == 6)
    return;
  for (uint32_t lane = 0; lane < kMaxLanes; ++lane)
    words[lane] = selected(words[lane], select, signExtended);
}

/// Where SDWA puts a result: dst_sel, dst_unused (0 pad, 1 sext, 2 preserve).
uint32_t merged(uint32_t extraWord, uint32_t old, uint32_t value) {
  const uint32_t select = extraWord >> 8 & 7, unused = extraWord >> 11 & 3;
  if (select == 6)
    return value;
  const uint32_t bits = select < 4 ? 8 : 16;
  const uint32_t shift = select < 4 ? 8 * select : 16 * (select - 4);
  const uint32_t part = (1u << bits) - 1;
  const uint32_t placed = (value & part) << shift;
  if (unused == 2)
    return (old & ~(part << shift)) | placed;
  if (unused == 1 && (value >> (bits - 1) & 1)) {
    const uint64_t above = ~((uint64_t(1) << (shift + bits)) - 1);
    return placed | uint32_t(above);
  }
  return placed;
}

} // namespace

const uint32_t *wordsOf(const Wave &wave, const Instruction &in, uint32_t index,
                        uint32_t regOffset, uint32_t *buffer) {
  const Operand &operand = in.src[index];
  if (operand.kind == OperandKind::Vector) {
    const uint32_t *row = wave.vectors[operand.reg + regOffset];
    if (in.extra == Extra::None)
      return row;
    if (in.extra == Extra::Dpp && index == 0) {
      readDpp(wave, in.extraWord, row, buffer);
      return buffer;
    }
    if (in.extra == Extra::Dpp8 && index == 0) {
      readDpp8(wave, in, row, buffer);
      return buffer;
    }
    if (in.extra != Extra::Sdwa || index > 1)
      return row;
    std::memcpy(buffer, row, kMaxLanes * sizeof(uint32_t));
    readSdwa(in, index, buffer);
    return buffer;
  }
  uint32_t value = 0;
  if (operand.kind == OperandKind::Constant)
    value = uint32_t(operand.constant >> (32 * regOffset));
  else if (operand.reg == kScc)
    value = uint32_t(wave.scc);
  else if (operand.kind == OperandKind::Scalar &&
           operand.reg != wave.chip->null)
    value = wave.scalars[operand.reg + regOffset];
  for (uint32_t lane = 0; lane < kMaxLanes; ++lane)
    buffer[lane] = value;
  if (in.extra == Extra::Sdwa && index < 2)
    readSdwa(in, index, buffer);
  return buffer;
}

uint64_t writeMask(const Wave &wave, const Instruction &in) {
  uint64_t mask = wave.exec();
  if (in.extra != Extra::Dpp)
    return mask;
  const DppWord dpp(in.extraWord);
  for (uint32_t lane = 0; lane < wave.lanes; ++lane) {
    const bool masked = !(dpp.rowMask >> (lane / 16) & 1) ||
                        !(dpp.bankMask >> (lane % 16 / 4) & 1);
    const bool missing = !dpp.boundControl && dpp.from(wave, lane) == kNoLane;
    if (masked || missing)
      mask &= ~(uint64_t(1) << lane);
  }
  return mask;
}

void writeWords(Wave &wave, const Instruction &in, uint32_t reg,
                const uint32_t *words, uint64_t mask) {
  uint32_t *row = wave.vectors[reg];
  if (in.extra == Extra::Sdwa) {
    for (uint32_t lane = 0; lane < wave.lanes; ++lane)
      if (mask >> lane & 1)
        row[lane] = merged(in.extraWord, row[lane], words[lane]);
    return;
  }
  if (mask == (wave.lanes == 64 ? ~UINT64_C(0) : UINT64_C(0xffffffff))) {
    std::memcpy(row, words, wave.lanes * sizeof(uint32_t));
    return;
  }
  for (uint32_t lane = 0; lane < wave.lanes; ++lane)
    row[lane] = mask >> lane & 1 ? words[lane] : row[lane];
}

void writeHalves(Wave &wave, const Instruction &in, const uint16_t *halves,
                 uint64_t mask) {
  uint32_t *row = wave.vectors[in.dest.reg];
  const bool high = in.dest.high || in.highDest;
  // gfx9 clears the other half, but for the few that VOP3 gave op_sel.
  const bool keeps = wave.chip->generation > 9 || in.keepsHalf || high;
  for (uint32_t lane = 0; lane < wave.lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    const uint32_t half = halves[lane];
    if (in.extra == Extra::Sdwa)
      row[lane] = merged(in.extraWord, row[lane], half);
    else if (high)
      row[lane] = (row[lane] & 0xffff) | half << 16;
    else
      row[lane] = keeps ? (row[lane] & 0xffff0000) | half : half;
  }
}

} // namespace modelc::amdgpu
