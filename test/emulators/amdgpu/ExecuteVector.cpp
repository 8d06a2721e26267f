//===- ExecuteVector.cpp - Vector instructions that the table states
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

constexpr NamedHandler kVectorTable[] = {
#define AMDGPU_VECTOR(name, D, A, B, C, result)                                \
  {#name, [](Wave &wave, const Instruction &in) {                              \
     const Lanes<A> as(wave, in, 0);                                           \
     const Lanes<B> bs(wave, in, 1);                                           \
     const Lanes<C> cs(wave, in, 2);                                           \
     alignas(64) D::Type out[kMaxLanes];                                       \
     for (uint32_t l = 0; l < wave.lanes; ++l) {                               \
       [[maybe_unused]] const A::Type a = as[l];                               \
       [[maybe_unused]] const B::Type b = bs[l];                               \
       [[maybe_unused]] const C::Type c = cs[l];                               \
       out[l] = D::Type(result);                                               \
     }                                                                         \
     writeLanes<D>(wave, in, out);                                             \
   }},
#include "Instructions.def"
};

/// Inactive lanes are 0. v_cmpx changes EXEC, before gfx10 the destination
/// too.
void setCondition(Wave &wave, const Instruction &in, uint64_t bits,
                  bool toExec) {
  bits &= wave.exec();
  if (!toExec || wave.chip->generation < 10)
    wave.setMask(in.dest.reg, bits);
  if (toExec)
    wave.setMask(kExec, bits);
}

constexpr NamedHandler kCompareTable[] = {
#define COMPARE(name, A, condition, toExec)                                    \
  {name, [](Wave &wave, const Instruction &in) {                               \
     const Lanes<A> as(wave, in, 0);                                           \
     const Lanes<A> bs(wave, in, 1);                                           \
     uint64_t bits = 0;                                                        \
     for (uint32_t l = 0; l < wave.lanes; ++l) {                               \
       const A::Type a = as[l], b = bs[l];                                     \
       bits |= uint64_t(condition) << l;                                       \
     }                                                                         \
     setCondition(wave, in, bits, toExec);                                     \
   }},
#define AMDGPU_COMPARE(name, A, condition)                                     \
  COMPARE("v_cmp_" #name, A, condition, false)                                 \
  COMPARE("v_cmpx_" #name, A, condition, true)
#include "Instructions.def"
#undef COMPARE
};

/// v_cmp_class_f32: bit of the mask that the value's class has.
uint32_t classOf(float a) {
  const uint32_t bits = bitsAs<uint32_t>(a);
  const bool negative = bits >> 31;
  const uint32_t exponent = bits >> 23 & 255, fraction = bits & 0x7fffff;
  if (exponent == 255 && fraction)
    return fraction >> 22 ? 1 : 0;
  if (exponent == 255)
    return negative ? 2 : 9;
  if (exponent)
    return negative ? 3 : 8;
  if (fraction)
    return negative ? 4 : 7;
  return negative ? 5 : 6;
}

template <bool toExec> void compareClass(Wave &wave, const Instruction &in) {
  const Lanes<F32> as(wave, in, 0);
  const Lanes<U32> bs(wave, in, 1);
  uint64_t bits = 0;
  for (uint32_t l = 0; l < wave.lanes; ++l)
    bits |= uint64_t(bs[l] >> classOf(as[l]) & 1) << l;
  setCondition(wave, in, bits, toExec);
}

constexpr NamedHandler kClassTable[] = {
    {"v_cmp_class_f32", compareClass<false>},
    {"v_cmpx_class_f32", compareClass<true>},
};

} // namespace

Handler findVector(std::string_view name) { return findIn(kVectorTable, name); }
Handler findCompare(std::string_view name) {
  if (Handler found = findIn(kClassTable, name))
    return found;
  return findIn(kCompareTable, name);
}

} // namespace modelc::amdgpu
