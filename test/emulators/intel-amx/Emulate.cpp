//===- Emulate.cpp - From a signal's context to the machine and back
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   SIGILL, RIP at c4 e2 6b 5e cb ==> tdpbssd done on the thread's tiles,
//                                     its counter + 1, RIP + 5
//
// Everything here may be interrupted anywhere and allocates nothing.
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"
#include "SignalFrame.h"
#include <atomic>
#include <cpuid.h>

namespace modelc::amxemu {

// initial-exec: a thread's first look must not allocate. The library is loaded
// when the program starts, never with dlopen.
static thread_local TileState tilesOfThread
    __attribute__((tls_model("initial-exec")));

static std::atomic<uint64_t> counters[kMnemonicCount];

TileState &threadTiles() { return tilesOfThread; }

uint64_t readCount(Mnemonic mnemonic) {
  return counters[uint32_t(mnemonic)].load(std::memory_order_relaxed);
}

void resetCounts() {
  for (std::atomic<uint64_t> &counter : counters)
    counter.store(0, std::memory_order_relaxed);
}

/// Up to 8 bytes of code, none of them on the next page.
static void addCode(Message &message, uint64_t rip) {
  const auto *code = reinterpret_cast<const uint8_t *>(rip);
  const uint64_t toPageEnd = 4096 - rip % 4096;
  for (uint64_t byte = 0; byte < 8 && byte < toPageEnd; ++byte) {
    message << " ";
    message.hex(code[byte], 2);
  }
}

static Emulation refuse(Outcome outcome, FaultKind kind,
                        const Message &message) {
  return {outcome, kind, message};
}

Emulation emulate(ucontext_t &context, uint32_t nativeSets) {
  const uint64_t rip = uint64_t(context.uc_mcontext.gregs[REG_RIP]);
  const Decoded decoded = decode(reinterpret_cast<const uint8_t *>(rip), 15);
  const Instruction &instruction = decoded.instruction;
  Message message;
  if (decoded.status == DecodeStatus::Unknown) {
    message << "not emulated:";
    addCode(message, rip);
    return refuse(Outcome::NotOurs, FaultKind::InvalidOpcode, message);
  }
  // Tiles that the CPU has are not ours, even for a product that it lacks.
  const bool usesTiles = instruction.form <= Form::Dot;
  const bool isNative = nativeSets >> uint32_t(instruction.set) & 1;
  if (isNative || (usesTiles && nativeSets >> uint32_t(Set::AmxTile) & 1)) {
    const Set set = isNative ? instruction.set : Set::AmxTile;
    message << instruction.name() << ": not emulated, as the CPU has "
            << kSetNames[uint32_t(set)];
    if (usesTiles)
      message << " (did the process ask for ARCH_REQ_XCOMP_PERM?)";
    return refuse(Outcome::NotOurs, FaultKind::InvalidOpcode, message);
  }
  if (decoded.status == DecodeStatus::Illegal) {
    message << instruction.name() << ": " << decoded.reason;
    return refuse(Outcome::Faulted, FaultKind::InvalidOpcode, message);
  }

  MachineState state;
  loadGeneral(context, instruction.memory.segment, state);
  state.tiles = &tilesOfThread;
  if (!usesTiles && !loadVectors(context, state)) {
    message << instruction.name() << ": not emulated, as there are no AVX-512 "
            << "registers";
    return refuse(Outcome::NotOurs, FaultKind::InvalidOpcode, message);
  }
  if (const Fault fault = execute(instruction, state))
    return refuse(Outcome::Faulted, fault.kind, fault.message);
  if (!usesTiles)
    storeVectors(state, context);
  storeRip(state, context);
  counters[uint32_t(instruction.mnemonic)].fetch_add(1,
                                                     std::memory_order_relaxed);
  return {Outcome::Done, FaultKind::None, message};
}

namespace {

enum Register : uint32_t { kA, kB, kC, kD };

struct CpuidBit {
  Set set;
  uint32_t subleaf; ///< of leaf 7
  Register reg;
  uint32_t bit;
  uint64_t components; ///< of XCR0 that the set needs
};

constexpr uint64_t kAvx = 0x6, kAvx512 = 0xE6, kAmx = 0x60000;
constexpr CpuidBit kCpuidBits[] = {
    {Set::AmxTile, 0, kD, 24, kAmx},
    {Set::AmxInt8, 0, kD, 25, kAmx},
    {Set::AmxBf16, 0, kD, 22, kAmx},
    {Set::AmxFp16, 1, kA, 21, kAmx},
    {Set::Avx512Bf16, 1, kA, 5, kAvx512},
    {Set::Avx512Vbmi, 0, kC, 1, kAvx512},
    {Set::Avx512Vbmi2, 0, kC, 6, kAvx512},
    {Set::Avx512Bitalg, 0, kC, 12, kAvx512},
    {Set::Avx512Vpopcntdq, 0, kC, 14, kAvx512},
    {Set::Avx512Ifma, 0, kB, 21, kAvx512},
    {Set::Avx512Vnni, 0, kC, 11, kAvx512},
    {Set::AvxVnni, 1, kA, 4, kAvx},
    {Set::Gfni, 0, kC, 8, kAvx},
};
static_assert(sizeof(kCpuidBits) / sizeof(kCpuidBits[0]) == kSetCount);

uint64_t readXcr0() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

} // namespace

uint32_t nativeSets() {
  constexpr uint32_t kOsxsave = 1 << 27; // CPUID.1:ECX
  uint32_t registers[4];
  if (!__get_cpuid(1, &registers[kA], &registers[kB], &registers[kC],
                   &registers[kD]) ||
      !(registers[kC] & kOsxsave))
    return 0;
  const uint64_t xcr0 = readXcr0();
  uint32_t sets = 0;
  for (const CpuidBit &entry : kCpuidBits)
    if (__get_cpuid_count(7, entry.subleaf, &registers[kA], &registers[kB],
                          &registers[kC], &registers[kD]) &&
        registers[entry.reg] >> entry.bit & 1 &&
        (xcr0 & entry.components) == entry.components)
      sets |= 1u << uint32_t(entry.set);
  return sets;
}

} // namespace modelc::amxemu
