//===- cpuid-test.cpp - CPUID with what is emulated
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCpuid.h"
#include <cpuid.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

using namespace modelc::amxemu;

namespace {

/// Bits and leaves by their numbers in the SDM.
TEST(FakeCpuid, ShowsAllSets) {
  const CpuidResult seven = addEmulated(7, 0, {});
  EXPECT_EQ(seven.a, 1u);
  EXPECT_EQ(seven.b, 1u << 21);
  EXPECT_EQ(seven.c,
            1u << 1 | 1u << 6 | 1u << 8 | 1u << 11 | 1u << 12 | 1u << 14);
  EXPECT_EQ(seven.d, 1u << 22 | 1u << 24 | 1u << 25);
  const CpuidResult seven1 = addEmulated(7, 1, {});
  EXPECT_EQ(seven1.a, 1u << 4 | 1u << 5 | 1u << 21);
  EXPECT_EQ(addEmulated(0, 0, {}).a, 0x1Eu);
  EXPECT_EQ(addEmulated(0, 0, {0x24, 0, 0, 0}).a, 0x24u);
  const CpuidResult palette = addEmulated(0x1D, 1, {});
  EXPECT_EQ(palette.a, 8192u | 1024u << 16);
  EXPECT_EQ(palette.b, 64u | 8u << 16);
  EXPECT_EQ(palette.c, 16u);
  EXPECT_EQ(addEmulated(0x1D, 0, {}).a, 1u);
  EXPECT_EQ(addEmulated(0x1E, 0, {}).b, 16u | 64u << 8);
}

TEST(FakeCpuid, LeavesTheRestAlone) {
  const CpuidResult some = {1, 2, 3, 4};
  for (const auto &[leaf, subleaf] :
       {std::pair{1u, 0u}, {7u, 2u}, {0xDu, 1u}, {0x1Du, 2u}, {0x1Eu, 1u}}) {
    const CpuidResult same = addEmulated(leaf, subleaf, some);
    EXPECT_EQ(same.a, 1u);
    EXPECT_EQ(same.b, 2u);
    EXPECT_EQ(same.c, 3u);
    EXPECT_EQ(same.d, 4u);
  }
}

void onSegv(int, siginfo_t *, void *context) {
  if (!fakeCpuid(*static_cast<ucontext_t *>(context)))
    _exit(3);
}

/// In a process of its own, as there is no CPUID without a signal afterwards.
TEST(FakeCpuid, Traps) {
  const auto child = [] {
    struct sigaction action = {};
    action.sa_sigaction = onSegv;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    if (!startCpuidFaulting())
      _exit(77);
    uint32_t a, b, c, d;
    __cpuid_count(7, 0, a, b, c, d);
    _exit(d >> 24 & 1 ? 0 : 1);
  };
  bool skipped = false;
  EXPECT_EXIT(
      child(),
      [&skipped](int status) {
        skipped = WIFEXITED(status) && WEXITSTATUS(status) == 77;
        return skipped || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
      },
      "");
  if (skipped)
    GTEST_SKIP() << "this kernel or CPU cannot trap CPUID";
}

} // namespace
