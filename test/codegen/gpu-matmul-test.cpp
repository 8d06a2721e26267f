//===- gpu-matmul-test.cpp - What matmuls for AMD GPUs are made of
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/WorkGroup.h"
#include "test/codegen/CodegenTest.h"
#include <gtest/gtest.h>

using namespace mlir;

namespace modelc::codegen::test {
namespace {

using model::Epilogue;
using model::GgmlType;

/// A target with the names that it has for instructions.
struct Names {
  const char *target;
  const char *product; ///< Of its matrix unit.
  int64_t productK;
  const char *load; ///< Of 16 bytes a lane.
};

constexpr Names kNames[] = {
    {"gfx90a", "v_mfma_i32_16x16x16i8", 16, "global_load_dwordx4"},
    {"gfx942", "v_mfma_i32_16x16x32_i8", 32, "global_load_dwordx4"},
    {"gfx1100", "v_wmma_i32_16x16x16_iu8", 16, "global_load_b128"},
    {"gfx1201", "v_wmma_i32_16x16x16_iu8", 16, "global_load_b128"}};

class GpuMatmul : public CodegenTest {
protected:
  std::string print(const char *name, GgmlType type, bool isPrefill) {
    const target::TargetSpec &target = getTarget(name);
    const target::Regime &regime =
        isPrefill ? target.blockRegimes.back() : target.blockRegimes.front();
    KernelRequest request = {
        "kernel", makeMatmul(target, getType(type), regime, Epilogue::Store)};
    absl::StatusOr<std::string> text =
        printKernels(request, target, KernelText::Assembly);
    EXPECT_TRUE(text.ok()) << text.status();
    return text.ok() ? *text : "";
  }
};

int64_t count(llvm::StringRef text, llvm::StringRef what) {
  return static_cast<int64_t>(text.count(what));
}

// Prefill is done by the matrix unit, and nothing is spilled. A loop may be
// unrolled, so that there are whole turns of it: 64 columns.
TEST_F(GpuMatmul, PrefillUsesTheMatrixUnit) {
  for (const Names &names : kNames)
    for (GgmlType type :
         {GgmlType::Q4_0, GgmlType::Q8_0, GgmlType::Q4_K, GgmlType::Q6_K}) {
      SCOPED_TRACE(names.target + (" " + std::to_string(int(type))));
      std::string text = print(names.target, type, /*isPrefill=*/true);
      // Sums are of 16 columns in Q6_K.
      int64_t length = type == GgmlType::Q6_K ? 16 : 32;
      int64_t perTurn = 64 / std::min(length, names.productK);
      EXPECT_GE(count(text, names.product), perTurn);
      EXPECT_EQ(count(text, names.product) % perTurn, 0);
      EXPECT_EQ(count(text, "v_dot4"), 0);
      EXPECT_EQ(count(text, "scratch_load") + count(text, "scratch_store"), 0);
      EXPECT_EQ(count(text, ".vgpr_spill_count: 0\n"), 1);
      EXPECT_EQ(count(text, ".private_segment_fixed_size: 0\n"), 1);
    }
}

// Decode reads 16 bytes a lane, once: in a turn 64 columns by dot products of
// four.
TEST_F(GpuMatmul, DecodeLoads16BytesALane) {
  for (const Names &names : kNames)
    for (auto [type, bytes] :
         {std::pair(GgmlType::Q4_0, 32), std::pair(GgmlType::Q8_0, 64),
          std::pair(GgmlType::Q4_K, 32), std::pair(GgmlType::Q6_K, 32 + 16)}) {
      SCOPED_TRACE(names.target + (" " + std::to_string(int(type))));
      std::string text = print(names.target, type, /*isPrefill=*/false);
      EXPECT_EQ(count(text, "v_dot4"), 64 / 4);
      EXPECT_GE(count(text, names.load), bytes / 16);
      EXPECT_EQ(count(text, "scratch_load") + count(text, "scratch_store"), 0);
      EXPECT_EQ(count(text, ".vgpr_spill_count: 0\n"), 1);
      EXPECT_GT(count(text, "s_barrier"), 0);
    }
}

// Four waves share a tile, or as few as 32 KiB of links leave: two sets of 128
// bytes for each row, scale and minimum of 64 columns.
TEST_F(GpuMatmul, WavesShareTiles) {
  auto getGroup = [&](const char *name, GgmlType type, size_t regime) {
    const target::TargetSpec &target = getTarget(name);
    return getWorkGroup(makeMatmul(target, getType(type),
                                   target.blockRegimes[regime],
                                   Epilogue::Store),
                        target);
  };
  struct Case {
    const char *target;
    GgmlType type;
    size_t regime;
    int64_t threads, scratchBytes;
  };
  for (const Case &c :
       {Case{"gfx942", GgmlType::Q4_0, 0, 256, 2 * 16 * 2 * 128},
        {"gfx942", GgmlType::Q4_0, 1, 256, 2 * 16 * 8 * 128},
        {"gfx942", GgmlType::Q4_K, 0, 256, 2 * 16 * 4 * 128},
        {"gfx942", GgmlType::Q4_K, 1, 128, 2 * 8 * 16 * 128},
        {"gfx1100", GgmlType::Q4_0, 0, 128, 2 * 8 * 2 * 128},
        // Sums of eight row tiles, and an image of 512 columns.
        {"gfx942", GgmlType::Q4_0, 2, 256, 8 * 1024 + 8 * 1152},
        {"gfx1100", GgmlType::Q4_0, 2, 128, 8 * 1024 + 8 * 1152}}) {
    WorkGroup group = getGroup(c.target, c.type, c.regime);
    SCOPED_TRACE(c.target + (" " + std::to_string(c.regime)));
    EXPECT_TRUE(group.sharesTile);
    EXPECT_EQ(group.tiles, 1);
    EXPECT_EQ(group.threads, c.threads);
    EXPECT_EQ(group.scratchBytes, c.scratchBytes);
  }
  EXPECT_FALSE(getGroup("gfx942", GgmlType::F16, 0).sharesTile);
}

// Only chips with a matrix unit have a regime for it.
TEST_F(GpuMatmul, Rdna2HasNoMatrixUnit) {
  for (const target::Regime &regime : getTarget("gfx1030").blockRegimes)
    EXPECT_FALSE(regime.matrixIsa);
}

} // namespace
} // namespace modelc::codegen::test
