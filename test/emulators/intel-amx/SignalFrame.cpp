//===- SignalFrame.cpp - The registers in a signal's context
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The floating-point part of a context is an XSAVE area in the standard form
// (Intel SDM volume 1, section 13.4), preceded by nothing and marked by the
// kernel in bytes 464.. of its legacy region (arch/x86/include/uapi/asm/
// sigcontext.h):
//
//     0  legacy region: xmm0-15 at 160
//   464  mark 46505853H, u32 size, u64 components that are saved
//   512  header: u64 XSTATE_BV, the components that are not initial
//   ...  at the offsets of CPUID leaf 0DH: upper halves of ymm0-15 (2), k0-7
//        (5), upper halves of zmm0-15 (6), zmm16-31 (7)
//
// A component that is initial (bit in XSTATE_BV clear) is all zeros, whatever
// its bytes say; sigreturn does not load it. So a write sets the bits of all
// components that it writes.
//
//===----------------------------------------------------------------------===//

#include "SignalFrame.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace modelc::amxemu {
namespace {

constexpr uint32_t kXmmAt = 160, kMarkAt = 464, kComponentsAt = 472,
                   kXstateBvAt = 512;
constexpr uint32_t kXsaveMark = 0x46505853;

enum Component : uint32_t {
  kSse = 1,
  kYmmHigh = 2,
  kMasks = 5,
  kZmmHigh = 6,
  kHighZmm = 7,
};
constexpr uint64_t kVectorComponents =
    1 << kSse | 1 << kYmmHigh | 1 << kMasks | 1 << kZmmHigh | 1 << kHighZmm;

/// Byte offset of a component above 1. CPUID is cheap beside a signal, but
/// traps into a hypervisor: it is asked once.
uint32_t offsetOf(Component component) {
  static uint32_t offsets[8];
  if (!offsets[component]) {
    uint32_t size, offset, flags, reserved;
    __cpuid_count(0xD, component, size, offset, flags, reserved);
    offsets[component] = offset;
  }
  return offsets[component];
}

uint8_t *xsaveArea(const ucontext_t &context) {
  return reinterpret_cast<uint8_t *>(context.uc_mcontext.fpregs);
}

template <typename T> T read(const uint8_t *area, uint32_t offset) {
  T value;
  memcpy(&value, area + offset, sizeof(T));
  return value;
}

/// The part `offset`, `size` of register number `index` of a component in the
/// area, or nullptr if the component is initial.
struct Parts {
  uint8_t *area;
  uint64_t components; ///< that hold values

  uint8_t *at(Component component, uint32_t index, uint32_t sizeBytes) const {
    if (!(components >> component & 1))
      return nullptr;
    const uint32_t begin = component == kSse ? kXmmAt : offsetOf(component);
    return area + begin + index * sizeBytes;
  }
  void load(Component component, uint32_t index, uint32_t sizeBytes,
            void *to) const {
    if (const uint8_t *from = at(component, index, sizeBytes))
      memcpy(to, from, sizeBytes);
    else
      memset(to, 0, sizeBytes);
  }
};

constexpr int kGeneral[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

} // namespace

void loadGeneral(const ucontext_t &context, Segment segment,
                 MachineState &state) {
  for (uint32_t i = 0; i < 16; ++i)
    state.gpr[i] = uint64_t(context.uc_mcontext.gregs[kGeneral[i]]);
  state.rip = uint64_t(context.uc_mcontext.gregs[REG_RIP]);
  state.fsBase = state.gsBase = 0;
  if (segment == Segment::Fs)
    syscall(SYS_arch_prctl, ARCH_GET_FS, &state.fsBase);
  if (segment == Segment::Gs)
    syscall(SYS_arch_prctl, ARCH_GET_GS, &state.gsBase);
}

void storeRip(const MachineState &state, ucontext_t &context) {
  context.uc_mcontext.gregs[REG_RIP] = greg_t(state.rip);
}

bool loadVectors(const ucontext_t &context, MachineState &state) {
  uint8_t *area = xsaveArea(context);
  if (!area || read<uint32_t>(area, kMarkAt) != kXsaveMark ||
      (read<uint64_t>(area, kComponentsAt) & kVectorComponents) !=
          kVectorComponents)
    return false;
  const Parts parts = {area, read<uint64_t>(area, kXstateBvAt)};
  for (uint32_t i = 0; i < 16; ++i) {
    uint8_t *bytes = state.zmm[i].bytes;
    parts.load(kSse, i, 16, bytes);
    parts.load(kYmmHigh, i, 16, bytes + 16);
    parts.load(kZmmHigh, i, 32, bytes + 32);
    parts.load(kHighZmm, i, 64, state.zmm[16 + i].bytes);
  }
  for (uint32_t i = 0; i < 8; ++i)
    parts.load(kMasks, i, 8, &state.k[i]);
  return true;
}

void storeVectors(const MachineState &state, ucontext_t &context) {
  uint8_t *area = xsaveArea(context);
  const uint64_t components =
      read<uint64_t>(area, kXstateBvAt) | kVectorComponents;
  memcpy(area + kXstateBvAt, &components, sizeof(components));
  const Parts parts = {area, components};
  for (uint32_t i = 0; i < 16; ++i) {
    const uint8_t *bytes = state.zmm[i].bytes;
    memcpy(parts.at(kSse, i, 16), bytes, 16);
    memcpy(parts.at(kYmmHigh, i, 16), bytes + 16, 16);
    memcpy(parts.at(kZmmHigh, i, 32), bytes + 32, 32);
    memcpy(parts.at(kHighZmm, i, 64), state.zmm[16 + i].bytes, 64);
  }
  for (uint32_t i = 0; i < 8; ++i)
    memcpy(parts.at(kMasks, i, 8), &state.k[i], 8);
}

} // namespace modelc::amxemu
