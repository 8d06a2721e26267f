//===- FakeCpuid.cpp - A CPUID that shows what is emulated
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// XGETBV and arch_prctl(ARCH_REQ_XCOMP_PERM) cannot be faked: a program that
// asks these as well needs an override of its own, as the runtime's
// MODELC_FORCE_CPU_FEATURES=1. Source of leaves and bits: Intel SDM volume 2A,
// CPUID.
//
//===----------------------------------------------------------------------===//

#include "FakeCpuid.h"
#include "MachineState.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace modelc::amxemu {

static CpuidResult addFeatures(uint32_t subleaf, CpuidResult result) {
  constexpr uint32_t kIfma = 1 << 21; // EBX
  constexpr uint32_t kVbmi = 1 << 1, kVbmi2 = 1 << 6, kGfni = 1 << 8,
                     kVnni = 1 << 11, kBitalg = 1 << 12,
                     kVpopcntdq = 1 << 14; // ECX
  constexpr uint32_t kAmxBf16 = 1 << 22, kAmxTile = 1 << 24,
                     kAmxInt8 = 1 << 25; // EDX
  constexpr uint32_t kAvxVnni = 1 << 4, kAvx512Bf16 = 1 << 5,
                     kAmxFp16 = 1 << 21; // EAX of subleaf 1
  if (subleaf == 0) {
    if (result.a < 1)
      result.a = 1; // The highest subleaf.
    result.b |= kIfma;
    result.c |= kVbmi | kVbmi2 | kGfni | kVnni | kBitalg | kVpopcntdq;
    result.d |= kAmxBf16 | kAmxTile | kAmxInt8;
  } else if (subleaf == 1) {
    result.a |= kAvxVnni | kAvx512Bf16 | kAmxFp16;
  }
  return result;
}

CpuidResult addEmulated(uint32_t leaf, uint32_t subleaf, CpuidResult result) {
  constexpr uint32_t kTileBytes = kMaxRows * kMaxRowBytes;
  constexpr uint32_t kPalette1 = 1;
  switch (leaf) {
  case 0: // The highest leaf.
    if (result.a < 0x1E)
      result.a = 0x1E;
    return result;
  case 7:
    return addFeatures(subleaf, result);
  case 0x1D: // Tile information: the highest palette, and that palette.
    if (subleaf == 0)
      return {kPalette1, 0, 0, 0};
    if (subleaf == kPalette1)
      return {kTileCount * kTileBytes | kTileBytes << 16,
              kMaxRowBytes | kTileCount << 16, kMaxRows, 0};
    return result;
  case 0x1E: // TMUL: largest k in rows, largest n in bytes.
    return subleaf == 0 ? CpuidResult{0, kMaxRows | kMaxRowBytes << 8, 0, 0}
                        : result;
  default:
    return result;
  }
}

static bool setFaulting(bool on) {
  return syscall(SYS_arch_prctl, ARCH_SET_CPUID, on ? 0 : 1) == 0;
}

bool startCpuidFaulting() { return setFaulting(true); }

bool fakeCpuid(ucontext_t &context) {
  greg_t *registers = context.uc_mcontext.gregs;
  const auto *code = reinterpret_cast<const uint8_t *>(registers[REG_RIP]);
  if (code[0] != 0x0F || code[1] != 0xA2)
    return false;
  const uint32_t leaf = uint32_t(registers[REG_RAX]);
  const uint32_t subleaf = uint32_t(registers[REG_RCX]);
  CpuidResult result;
  setFaulting(false);
  __cpuid_count(leaf, subleaf, result.a, result.b, result.c, result.d);
  setFaulting(true);
  result = addEmulated(leaf, subleaf, result);
  registers[REG_RAX] = result.a;
  registers[REG_RBX] = result.b;
  registers[REG_RCX] = result.c;
  registers[REG_RDX] = result.d;
  registers[REG_RIP] += 2;
  return true;
}

} // namespace modelc::amxemu
