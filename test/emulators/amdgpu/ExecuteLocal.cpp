//===- ExecuteLocal.cpp - LDS in pairs, and through its crossbar
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

/// in.offset is offset1 << 8 | offset0, each in units of `unit` bytes.
template <uint32_t words, uint32_t unit>
void readTwo(Wave &wave, const Instruction &in) {
  const uint64_t exec = wave.exec();
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    const uint32_t address = wave.vectors[in.src[0].reg][l];
    uint32_t values[2 * words];
    for (uint32_t i = 0; i < 2; ++i) {
      const uint32_t offset = uint32_t(in.offset >> (8 * i) & 255) * unit;
      const uint8_t *from = localPointer(wave, address + offset, 4 * words);
      if (!from)
        return;
      std::memcpy(values + i * words, from, 4 * words);
    }
    for (uint32_t w = 0; w < 2 * words; ++w)
      wave.vectors[in.dest.reg + w][l] = values[w];
  }
}

template <uint32_t words, uint32_t unit>
void writeTwo(Wave &wave, const Instruction &in) {
  const uint64_t exec = wave.exec();
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    const uint32_t address = wave.vectors[in.src[0].reg][l];
    for (uint32_t i = 0; i < 2; ++i) {
      const uint32_t offset = uint32_t(in.offset >> (8 * i) & 255) * unit;
      uint8_t *to = localPointer(wave, address + offset, 4 * words);
      if (!to)
        return;
      uint32_t values[words];
      for (uint32_t w = 0; w < words; ++w)
        values[w] = wave.vectors[in.src[2 + i].reg + w][l];
      std::memcpy(to, values, sizeof(values));
    }
  }
}

/// Lane l gets data of lane address(l) / 4; an inactive lane gives 0.
void backwardPermute(Wave &wave, const Instruction &in) {
  const uint64_t exec = wave.exec();
  uint32_t out[kMaxLanes] = {};
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    const uint32_t address =
        wave.vectors[in.src[0].reg][l] + uint32_t(in.offset);
    const uint32_t from = address / 4 % wave.lanes;
    out[l] = exec >> from & 1 ? wave.vectors[in.src[2].reg][from] : 0;
  }
  writeWords(wave, in, in.dest.reg, out, exec);
}

/// Lane l sends its data to lane address(l) / 4; the highest lane wins.
void forwardPermute(Wave &wave, const Instruction &in) {
  const uint64_t exec = wave.exec();
  uint32_t out[kMaxLanes] = {};
  for (uint32_t l = 0; l < wave.lanes; ++l)
    if (exec >> l & 1) {
      const uint32_t address =
          wave.vectors[in.src[0].reg][l] + uint32_t(in.offset);
      out[address / 4 % wave.lanes] = wave.vectors[in.src[2].reg][l];
    }
  writeWords(wave, in, in.dest.reg, out, exec);
}

/// ds_swizzle_b32: bit 15 set, a permutation within four lanes; else within 32
/// lanes ((lane & and) | or) ^ xor. The other modes are refused.
void swizzle(Wave &wave, const Instruction &in) {
  const uint32_t pattern = uint32_t(in.offset);
  if (pattern >= 0xc000)
    return wave.fault("this mode of ds_swizzle_b32 is not emulated");
  const uint64_t exec = wave.exec();
  uint32_t out[kMaxLanes] = {};
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    uint32_t from;
    if (pattern & 0x8000) {
      from = (l & ~3u) + (pattern >> (2 * (l & 3)) & 3);
    } else {
      const uint32_t andMask = pattern & 31, orMask = pattern >> 5 & 31,
                     xorMask = pattern >> 10 & 31;
      from = (l & ~31u) + ((((l & 31) & andMask) | orMask) ^ xorMask);
    }
    out[l] = exec >> from & 1 ? wave.vectors[in.src[0].reg][from] : 0;
  }
  writeWords(wave, in, in.dest.reg, out, exec);
}

constexpr NamedHandler kLocalTable[] = {
    {"read2_b32", readTwo<1, 4>},
    {"read2_b64", readTwo<2, 8>},
    {"read2st64_b32", readTwo<1, 256>},
    {"read2st64_b64", readTwo<2, 512>},
    {"write2_b32", writeTwo<1, 4>},
    {"write2_b64", writeTwo<2, 8>},
    {"write2st64_b32", writeTwo<1, 256>},
    {"write2st64_b64", writeTwo<2, 512>},
    {"load_2addr_b32", readTwo<1, 4>},
    {"load_2addr_b64", readTwo<2, 8>},
    {"load_2addr_stride64_b32", readTwo<1, 256>},
    {"load_2addr_stride64_b64", readTwo<2, 512>},
    {"store_2addr_b32", writeTwo<1, 4>},
    {"store_2addr_b64", writeTwo<2, 8>},
    {"store_2addr_stride64_b32", writeTwo<1, 256>},
    {"store_2addr_stride64_b64", writeTwo<2, 512>},
    {"bpermute_b32", backwardPermute},
    {"permute_b32", forwardPermute},
    {"swizzle_b32", swizzle},
};

} // namespace

Handler findLocal(std::string_view name) { return findIn(kLocalTable, name); }

} // namespace modelc::amdgpu
