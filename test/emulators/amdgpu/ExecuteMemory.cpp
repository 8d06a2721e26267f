//===- ExecuteMemory.cpp - Loads, stores and atomics of vector instructions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every address space becomes host pointers, one for each lane, checked before
// anything is read or written; then all accesses are alike.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

struct Layout {
  uint32_t bytes; ///< in memory
  bool isSigned;
  int32_t half; ///< -1 whole registers, 0 the low, 1 the high half
};

constexpr Layout layoutOf(AccessKind kind) {
  switch (kind) {
  case AccessKind::Unsigned8:
    return {1, false, -1};
  case AccessKind::Signed8:
    return {1, true, -1};
  case AccessKind::Unsigned16:
    return {2, false, -1};
  case AccessKind::Signed16:
    return {2, true, -1};
  case AccessKind::Words1:
    return {4, false, -1};
  case AccessKind::Words2:
    return {8, false, -1};
  case AccessKind::Words3:
    return {12, false, -1};
  case AccessKind::Words4:
    return {16, false, -1};
  case AccessKind::LowUnsigned8:
    return {1, false, 0};
  case AccessKind::HighUnsigned8:
    return {1, false, 1};
  case AccessKind::LowSigned8:
    return {1, true, 0};
  case AccessKind::HighSigned8:
    return {1, true, 1};
  case AccessKind::Low16:
    return {2, false, 0};
  case AccessKind::High16:
    return {2, false, 1};
  }
  return {};
}

template <AccessKind kind> void loadLanes(Wave &wave, const Instruction &in) {
  constexpr Layout layout = layoutOf(kind);
  uint8_t *pointers[kMaxLanes];
  if (!resolve(wave, in, layout.bytes, pointers))
    return;
  const uint64_t exec = wave.exec();
  uint32_t (*rows)[kMaxLanes] = wave.vectors + in.dest.reg;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    if constexpr (layout.bytes >= 4) {
      uint32_t words[4];
      std::memcpy(words, pointers[l], layout.bytes);
      for (uint32_t w = 0; w < layout.bytes / 4; ++w)
        rows[w][l] = words[w];
    } else {
      uint32_t value = 0;
      std::memcpy(&value, pointers[l], layout.bytes);
      constexpr uint32_t shift = 32 - 8 * layout.bytes;
      if (layout.isSigned)
        value = uint32_t(int32_t(value << shift) >> shift);
      if (layout.half < 0 && !in.dest.high)
        rows[0][l] = value;
      else if (layout.half == 1 || in.dest.high)
        rows[0][l] = (rows[0][l] & 0xffff) | value << 16;
      else
        rows[0][l] = (rows[0][l] & 0xffff0000) | (value & 0xffff);
    }
  }
}

template <AccessKind kind> void storeLanes(Wave &wave, const Instruction &in) {
  constexpr Layout layout = layoutOf(kind);
  uint8_t *pointers[kMaxLanes];
  if (!resolve(wave, in, layout.bytes, pointers))
    return;
  const uint64_t exec = wave.exec();
  const uint32_t (*rows)[kMaxLanes] = wave.vectors + in.src[2].reg;
  const uint32_t shift = layout.half == 1 || in.src[2].high ? 16 : 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    uint32_t words[4];
    if constexpr (layout.bytes >= 4)
      for (uint32_t w = 0; w < layout.bytes / 4; ++w)
        words[w] = rows[w][l];
    else
      words[0] = rows[0][l] >> shift;
    std::memcpy(pointers[l], words, layout.bytes);
  }
}

/// Lanes one after the other, in ascending order.
template <class T, class Result>
void updateLanes(Wave &wave, const Instruction &in, Result result) {
  using Type = typename T::Type;
  uint8_t *pointers[kMaxLanes];
  if (!resolve(wave, in, sizeof(Type), pointers))
    return;
  const uint64_t exec = wave.exec();
  const uint32_t data = in.src[2].reg;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    Type old, value;
    uint32_t words[2] = {wave.vectors[data][l], 0};
    if constexpr (sizeof(Type) == 8)
      words[1] = wave.vectors[data + 1][l];
    std::memcpy(&value, words, sizeof(value));
    std::memcpy(&old, pointers[l], sizeof(old));
    const Type now = result(old, value);
    std::memcpy(pointers[l], &now, sizeof(now));
    if (!in.returns)
      continue;
    std::memcpy(words, &old, sizeof(old));
    wave.vectors[in.dest.reg][l] = words[0];
    if constexpr (sizeof(Type) == 8)
      wave.vectors[in.dest.reg + 1][l] = words[1];
  }
}

/// Data is the new value, then the one to compare with.
template <class T> void compareAndSwap(Wave &wave, const Instruction &in) {
  using Type = typename T::Type;
  constexpr uint32_t words = sizeof(Type) / 4;
  uint8_t *pointers[kMaxLanes];
  if (!resolve(wave, in, sizeof(Type), pointers))
    return;
  const uint64_t exec = wave.exec();
  // DS instructions of before gfx11 have the two the other way round, and in
  // two operands; global ones have both in one.
  const bool local = in.space == Space::Local;
  const bool compareFirst = local && wave.chip->generation < 11;
  const uint32_t first = in.src[2].reg;
  const uint32_t second = local ? in.src[3].reg : first + words;
  const uint32_t fresh = compareFirst ? second : first;
  const uint32_t expected = compareFirst ? first : second;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    uint32_t value[2] = {}, compare[2] = {}, old[2] = {};
    for (uint32_t w = 0; w < words; ++w) {
      value[w] = wave.vectors[fresh + w][l];
      compare[w] = wave.vectors[expected + w][l];
    }
    std::memcpy(old, pointers[l], sizeof(Type));
    if (std::memcmp(old, compare, sizeof(Type)) == 0)
      std::memcpy(pointers[l], value, sizeof(Type));
    if (in.returns)
      for (uint32_t w = 0; w < words; ++w)
        wave.vectors[in.dest.reg + w][l] = old[w];
  }
}

constexpr NamedHandler kMemoryTable[] = {
#define AMDGPU_LOAD(name, access) {#name, loadLanes<AccessKind::access>},
#define AMDGPU_STORE(name, access) {#name, storeLanes<AccessKind::access>},
#define AMDGPU_ATOMIC(name, T, result)                                         \
  {#name, [](Wave &wave, const Instruction &in) {                              \
     updateLanes<T>(wave, in,                                                  \
                    []([[maybe_unused]] T::Type old, T::Type value) {          \
                      return T::Type(result);                                  \
                    });                                                        \
   }},
#include "Instructions.def"
    {"atomic_cmpswap", compareAndSwap<U32>},
    {"atomic_cmpswap_b32", compareAndSwap<U32>},
    {"atomic_cmpswap_x2", compareAndSwap<U64>},
    {"atomic_cmpswap_b64", compareAndSwap<U64>},
    {"cmpst_b32", compareAndSwap<U32>},
    {"cmpstore_b32", compareAndSwap<U32>},
    {"cmpst_b64", compareAndSwap<U64>},
    {"cmpstore_b64", compareAndSwap<U64>},
};

} // namespace

Handler findMemory(std::string_view name) { return findIn(kMemoryTable, name); }

} // namespace modelc::amdgpu
