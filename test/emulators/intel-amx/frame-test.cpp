//===- frame-test.cpp - Contexts of signals as the kernel may write them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// vector-test.cpp has contexts that real signals made; in these all registers
// hold values. Here are the others.
//
//===----------------------------------------------------------------------===//

#include "Emulate.h"
#include "Runners.h"
#include "SignalFrame.h"
#include <gtest/gtest.h>
#include <string.h>
#include <ucontext.h>
#include <vector>

using namespace modelc::amxemu;

namespace {

constexpr uint64_t kVectorComponents = 0xE6; ///< 1, 2, 5, 6, 7

/// A context with an XSAVE area that is full of 0xCC.
struct Frame {
  explicit Frame(uint64_t saved, uint64_t notInitial) : area(16384, 0xCC) {
    const uint32_t mark = 0x46505853;
    memcpy(area.data() + 464, &mark, 4);
    memcpy(area.data() + 472, &saved, 8);
    memcpy(area.data() + 512, &notInitial, 8);
    context.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(area.data());
  }
  uint64_t notInitial() const {
    uint64_t bits;
    memcpy(&bits, area.data() + 512, 8);
    return bits;
  }

  std::vector<uint8_t> area;
  ucontext_t context = {};
};

class SignalFrames : public testing::Test {
protected:
  void SetUp() override {
    if (!hasAvx512())
      GTEST_SKIP() << "the CPU has no place for zmm registers";
  }
};

TEST_F(SignalFrames, InitialRegistersAreZeros) {
  Frame frame(kVectorComponents | 1, 1);
  MachineState state;
  memset(&state, 0xEE, sizeof(state));
  ASSERT_TRUE(loadVectors(frame.context, state));
  const Vector zeros = {};
  for (const Vector &vector : state.zmm)
    EXPECT_EQ(memcmp(&vector, &zeros, sizeof(zeros)), 0);
  for (uint64_t mask : state.k)
    EXPECT_EQ(mask, 0u);
}

TEST_F(SignalFrames, OnlyTheInitialPartsAreZeros) {
  Frame frame(kVectorComponents | 1, 1 << 1 | 1 << 7);
  MachineState state;
  ASSERT_TRUE(loadVectors(frame.context, state));
  EXPECT_EQ(state.zmm[3].bytes[15], 0xCC);
  EXPECT_EQ(state.zmm[3].bytes[16], 0);
  EXPECT_EQ(state.zmm[3].bytes[32], 0);
  EXPECT_EQ(state.zmm[31].bytes[63], 0xCC);
  EXPECT_EQ(state.k[7], 0u);
}

/// sigreturn loads what is marked as not initial.
TEST_F(SignalFrames, WhatIsWrittenIsMarked) {
  Frame frame(kVectorComponents | 1, 0);
  MachineState state, again;
  for (uint32_t i = 0; i < 32; ++i)
    for (uint32_t byte = 0; byte < 64; ++byte)
      state.zmm[i].bytes[byte] = uint8_t(64 * i + 3 * byte + i / 4);
  for (uint32_t i = 0; i < 8; ++i)
    state.k[i] = 0x0123456789ABCDEF * (i + 1);
  storeVectors(state, frame.context);
  EXPECT_EQ(frame.notInitial(), kVectorComponents);
  ASSERT_TRUE(loadVectors(frame.context, again));
  EXPECT_EQ(memcmp(state.zmm, again.zmm, sizeof(state.zmm)), 0);
  EXPECT_EQ(memcmp(state.k, again.k, sizeof(state.k)), 0);
}

TEST_F(SignalFrames, WithoutAvx512AreRefused) {
  MachineState state;
  Frame unsaved(0x7, 0x7);
  EXPECT_FALSE(loadVectors(unsaved.context, state));
  Frame unmarked(kVectorComponents, 0);
  unmarked.area[464] = 0;
  EXPECT_FALSE(loadVectors(unmarked.context, state));
  ucontext_t none = {};
  EXPECT_FALSE(loadVectors(none, state));

  const uint8_t code[] = {0x62, 0xF2, 0x6D, 0x48, 0x8D, 0xCB}; // vpermb
  unsaved.context.uc_mcontext.gregs[REG_RIP] =
      reinterpret_cast<greg_t>(&code[0]);
  const Emulation emulation = emulate(unsaved.context, 0);
  EXPECT_EQ(emulation.outcome, Outcome::NotOurs);
  EXPECT_STREQ(emulation.message.data(),
               "vpermb: not emulated, as there are no AVX-512 registers");
}

/// What the CPU has is not ours; no tile instruction is if it has tiles.
TEST(Emulate, StepsAsideForWhatIsNative) {
  const auto outcome = [](const std::vector<uint8_t> &code, uint32_t native) {
    std::vector<uint8_t> bytes = code;
    bytes.resize(16);
    ucontext_t context = {};
    context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(bytes.data());
    const Emulation emulation = emulate(context, native);
    return std::string(emulation.outcome == Outcome::NotOurs ? "not ours: "
                                                             : "ours: ") +
           emulation.message.data();
  };
  const std::vector<uint8_t> release = {0xC4, 0xE2, 0x78, 0x49, 0xC0};
  const std::vector<uint8_t> fp16 = {0xC4, 0xE2, 0x6B, 0x5C, 0xC1};
  const uint32_t tile = 1 << uint32_t(Set::AmxTile);
  const uint32_t all = (1 << kSetCount) - 1;
  const std::string asTiles =
      ": not emulated, as the CPU has amx_tile (did the process ask for "
      "ARCH_REQ_XCOMP_PERM?)";
  EXPECT_EQ(outcome(release, all & ~tile), "ours: ");
  EXPECT_EQ(outcome(release, tile), "not ours: tilerelease" + asTiles);
  EXPECT_EQ(outcome(fp16, tile), "not ours: tdpfp16ps" + asTiles);
  const std::vector<uint8_t> vpermb = {0x62, 0xF2, 0x6D, 0x48, 0x8D, 0xCB};
  EXPECT_EQ(outcome(vpermb, all),
            "not ours: vpermb: not emulated, as the CPU has avx512vbmi");
}

} // namespace
