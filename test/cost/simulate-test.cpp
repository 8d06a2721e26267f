//===- simulate-test.cpp - Cycles of sequences, against those by hand
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Simulate.h"
#include "test/cost/Snippet.h"

namespace modelc::cost::test {
namespace {

MODELC_SNIPPET(dots, R"(
    vpdpbusd %zmm30, %zmm31, %zmm0
    vpdpbusd %zmm30, %zmm31, %zmm1
    vpdpbusd %zmm30, %zmm31, %zmm2
    vpdpbusd %zmm30, %zmm31, %zmm3
    vpdpbusd %zmm30, %zmm31, %zmm4
    vpdpbusd %zmm30, %zmm31, %zmm5
    vpdpbusd %zmm30, %zmm31, %zmm6
    vpdpbusd %zmm30, %zmm31, %zmm7)")
MODELC_SNIPPET(multiplyAdds, R"(
    vfmadd231ps %zmm30, %zmm31, %zmm0
    vfmadd231ps %zmm30, %zmm31, %zmm1
    vfmadd231ps %zmm30, %zmm31, %zmm2
    vfmadd231ps %zmm30, %zmm31, %zmm3
    vfmadd231ps %zmm30, %zmm31, %zmm4
    vfmadd231ps %zmm30, %zmm31, %zmm5
    vfmadd231ps %zmm30, %zmm31, %zmm6
    vfmadd231ps %zmm30, %zmm31, %zmm7)")
MODELC_SNIPPET(chain, "vfmadd231ps %zmm30, %zmm31, %zmm0")
MODELC_SNIPPET(loads, R"(
    vmovups (%rdi), %zmm0
    vmovups 64(%rdi), %zmm1
    vmovups 128(%rdi), %zmm2
    vmovups 192(%rdi), %zmm3)")
// Eight sums on two ports, and loads that need neither.
MODELC_SNIPPET(loadsBesideSums, R"(
    vpbroadcastd (%rdi), %zmm0
    vpaddd %zmm30, %zmm31, %zmm4
    vpaddd %zmm30, %zmm31, %zmm5
    vmovups 64(%rdi), %zmm1
    vpaddd %zmm30, %zmm31, %zmm6
    vpaddd %zmm30, %zmm31, %zmm7
    vbroadcastss 128(%rdi), %zmm2
    vpaddd %zmm30, %zmm31, %zmm8
    vpaddd %zmm30, %zmm31, %zmm9
    vmovups 192(%rdi), %zmm3
    vpaddd %zmm30, %zmm31, %zmm10
    vpaddd %zmm30, %zmm31, %zmm11)")
MODELC_SNIPPET(broadcasts, R"(
    vpbroadcastd (%rdi), %zmm0
    vpbroadcastd 64(%rdi), %zmm1
    vpbroadcastd 128(%rdi), %zmm2
    vpbroadcastd 192(%rdi), %zmm3)")
MODELC_SNIPPET(stores, R"(
    vmovups %zmm0, (%rdi)
    vmovups %zmm1, 64(%rdi)
    vmovups %zmm2, 128(%rdi)
    vmovups %zmm3, 192(%rdi))")

MODELC_SNIPPET(zeroed, R"(
    vpxor %xmm0, %xmm0, %xmm0
    vpdpbusd %zmm30, %zmm31, %zmm0
    vpdpbusd %zmm30, %zmm31, %zmm0
    vcvtdq2ps %zmm0, %zmm1
    vfmadd231ps %zmm1, %zmm30, %zmm2)")

MODELC_SNIPPET(tileProducts, R"(
    tdpbssd %tmm6, %tmm7, %tmm0
    tdpbssd %tmm6, %tmm7, %tmm1
    tdpbssd %tmm6, %tmm7, %tmm2
    tdpbssd %tmm6, %tmm7, %tmm3)")
MODELC_SNIPPET(tileChain, "tdpbssd %tmm6, %tmm7, %tmm0")
MODELC_SNIPPET(tileLoads, R"(
    tileloadd (%rdi,%rax), %tmm0
    tileloadd (%rsi,%rax), %tmm1)")
MODELC_SNIPPET(tileStore, "tilestored %tmm0, (%rdi,%rax)")
// A load waits for nothing, so it lies under the products.
MODELC_SNIPPET(tilesTogether, R"(
    tilezero %tmm0
    tileloadd (%rdi,%rax), %tmm1
    tdpbssd %tmm6, %tmm1, %tmm0
    tilestored %tmm0, (%rsi,%rax))")

constexpr TileRows kFull = {16, 16, 16, 16, 16, 16, 16, 16};
constexpr TileRows kHalf = {8, 8, 8, 8, 8, 8, 8, 8};

SimulationResult simulateSnippet(llvm::StringRef target,
                                 llvm::ArrayRef<uint8_t> code,
                                 const TileRows &rows = kFull) {
  const Machine &machine = getMachine(target);
  absl::StatusOr<std::vector<Instruction>> decoded =
      machine.decode(code, kSnippetAddress);
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  std::vector<const Instruction *> sequence;
  for (const Instruction &instruction : *decoded)
    sequence.push_back(&instruction);
  absl::StatusOr<SimulationResult> result = simulate(machine, sequence, rows);
  EXPECT_TRUE(result.ok()) << result.status();
  return *result;
}

double getCycles(llvm::StringRef target, llvm::ArrayRef<uint8_t> code,
                 const TileRows &rows = kFull) {
  return simulateSnippet(target, code, rows).cycles;
}

// Measured on an EPYC: see docs/design/20261124-cost-model.md.
TEST(Simulate, Zen4) {
  EXPECT_NEAR(getCycles("znver4", dots()), 8, 0.1);
  EXPECT_NEAR(getCycles("znver4", multiplyAdds()), 8, 0.1);
  EXPECT_NEAR(getCycles("znver4", chain()), 4, 0.1);
  EXPECT_NEAR(getCycles("znver4", loads()), 4, 0.1);
  EXPECT_NEAR(getCycles("znver4", broadcasts()), 2, 0.1);
  EXPECT_NEAR(getCycles("znver4", stores()), 8, 0.1);
}

// Two 512-bit multiply-adds and loads a cycle, one store.
TEST(Simulate, IntelServers) {
  for (const char *target :
       {"icelake-server", "sapphirerapids", "graniterapids"}) {
    // Eight chains of latency 5.
    EXPECT_NEAR(getCycles(target, dots()), 5, 0.1) << target;
    EXPECT_NEAR(getCycles(target, multiplyAdds()), 4, 0.1) << target;
    EXPECT_NEAR(getCycles(target, chain()), 4, 0.1) << target;
    EXPECT_NEAR(getCycles(target, loads()), 2, 0.1) << target;
    EXPECT_NEAR(getCycles(target, loadsBesideSums()), 4, 0.1) << target;
  }
  EXPECT_NEAR(getCycles("sapphirerapids", stores()), 4, 0.1);
}

// The multipliers are busy for a cycle a row; a sum waits 52 for the last.
TEST(Simulate, TileProducts) {
  for (const char *target : {"sapphirerapids", "graniterapids"}) {
    EXPECT_NEAR(getCycles(target, tileProducts()), 64, 0.1) << target;
    EXPECT_NEAR(getCycles(target, tileProducts(), kHalf), 52, 0.1) << target;
    EXPECT_NEAR(getCycles(target, tileChain()), 52, 0.1) << target;
  }
}

TEST(Simulate, TileRowsAreLoadedAndStored) {
  EXPECT_NEAR(getCycles("sapphirerapids", tileLoads()), 16, 0.1);
  EXPECT_NEAR(getCycles("sapphirerapids", tileLoads(), kHalf), 8, 0.1);
  EXPECT_NEAR(getCycles("sapphirerapids", tileStore()), 16, 0.1);
  EXPECT_NEAR(getCycles("sapphirerapids", tileStore(), kHalf), 8, 0.1);
}

// A new sum breaks the chain, so the whole takes what its products take.
TEST(Simulate, ATileLoadHidesUnderProducts) {
  SimulationResult result = simulateSnippet("sapphirerapids", tilesTogether());
  EXPECT_NEAR(result.cycles, 16, 0.5);
  ASSERT_FALSE(result.pressure.empty());
  EXPECT_GT(result.pressure.front().share, 0.95);
}

TEST(Simulate, SaysWhatIsTaken) {
  SimulationResult result = simulateSnippet("sapphirerapids", multiplyAdds());
  ASSERT_GE(result.pressure.size(), 2u);
  EXPECT_EQ(result.pressure[0].resource, "SPRPort00");
  EXPECT_EQ(result.pressure[1].resource, "SPRPort05");
  EXPECT_NEAR(result.pressure[0].share, 1, 0.02);
  EXPECT_NEAR(result.pressure[1].share, 1, 0.02);
}

// Each time begins a chain of its own: nothing waits but for ports.
TEST(Simulate, AZeroedVectorIsNew) {
  for (const char *target : {"znver4", "cascadelake", "sapphirerapids"})
    EXPECT_LT(getCycles(target, zeroed()), 4.1) << target;
}

TEST(Simulate, NothingTakesNoTime) { EXPECT_EQ(getCycles("znver4", {}), 0); }

} // namespace
} // namespace modelc::cost::test
