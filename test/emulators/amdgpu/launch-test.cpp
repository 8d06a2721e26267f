//===- launch-test.cpp - The state in which waves begin, barriers, refusals
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "Initial Kernel Execution State" of LLVM's user guide for the backend, and
// what a launch refuses.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <gtest/gtest.h>
#include <llvm/Support/AMDHSAKernelDescriptor.h>

namespace modelc::amdgpu {
namespace {

namespace amdhsa = llvm::amdhsa;

class Launches : public testing::TestWithParam<const Chip *> {
protected:
  const Chip &chip = *GetParam();
  Memory memory;
  Kernel kernel = plainKernel();
  Dispatch dispatch = {&kernel, {}, {}, 0, {}};

  /// Arguments in s[0:1], three work-group ids, the usual MODE.
  Kernel plainKernel() const {
    Kernel plain = {};
    plain.name = "probe";
    plain.kernargBytes = 8;
    plain.vectorRegisters = 8;
    plain.rsrc1 = 0xf0 << 12;
    plain.rsrc2 = 2 << 1 |
                  amdhsa::COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_X |
                  amdhsa::COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_Y |
                  amdhsa::COMPUTE_PGM_RSRC2_ENABLE_SGPR_WORKGROUP_ID_Z;
    plain.properties =
        amdhsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_KERNARG_SEGMENT_PTR;
    if (chip.waveSize == 32)
      plain.properties |= amdhsa::KERNEL_CODE_PROPERTY_ENABLE_WAVEFRONT_SIZE32;
    return plain;
  }

  /// Launches the code that `text` assembles to.
  std::string run(const std::string &text) {
    const std::vector<uint8_t> bytes = assemble(text + "\ns_endpgm", chip);
    void *place = memory.allocate(bytes.size() + 16);
    std::memcpy(place, bytes.data(), bytes.size());
    CodeObject object;
    object.target = chip.name;
    object.begin = reinterpret_cast<uint64_t>(place);
    object.sizeBytes = bytes.size();
    kernel.entry = object.begin;
    Code code(chip, object);
    return launch(chip, memory, code, dispatch);
  }
  std::string either(const char *old, const char *now) const {
    return chip.generation <= 10 ? old : now;
  }
};

/// Each work-item writes its ids where its place in the grid says.
TEST_P(Launches, BeginWithIds) {
  dispatch.groups = {2, 3, 2};
  dispatch.groupSize = {5, 3, 7}; // 105: the last wave is not full
  const uint32_t perGroup = 5 * 3 * 7, groups = 2 * 3 * 2;
  uint32_t *out =
      static_cast<uint32_t *>(memory.allocate(groups * perGroup * 8));
  dispatch.kernargs.resize(8);
  std::memcpy(dispatch.kernargs.data(), &out, 8);
  // s8, s9, s10 = ids of the group; v4 = x | y << 10 | z << 20 of the item.
  const std::string groupIds = chip.groupIdsInTtmp
                                   ? "s_mov_b32 s8, ttmp9\n"
                                     "s_and_b32 s9, ttmp7, 0xffff\n"
                                     "s_lshr_b32 s10, ttmp7, 16\n"
                                   : "s_mov_b32 s8, s2\n"
                                     "s_mov_b32 s9, s3\n"
                                     "s_mov_b32 s10, s4\n";
  const std::string items = chip.generation == 10 ? "v_lshlrev_b32 v1, 10, v1\n"
                                                    "v_lshlrev_b32 v2, 20, v2\n"
                                                    "v_or3_b32 v4, v0, v1, v2\n"
                                                  : "v_mov_b32 v4, v0\n";
  const std::string load = either("s_load_dwordx2", "s_load_b64");
  const std::string add = chip.generation == 9 ? "v_add_u32" : "v_add_nc_u32";
  ASSERT_EQ(run(groupIds + items + load + " s[0:1], s[0:1], 0x0\n" +
                // v5 = x + 5 * (y + 3 * z) + 105 * (gx + 2 * (gy + 3 * gz))
                "v_bfe_u32 v5, v4, 20, 10\n"
                "v_mul_u32_u24 v5, 3, v5\n"
                "v_bfe_u32 v6, v4, 10, 10\n" +
                add + " v5, v5, v6\n" +
                "v_mul_u32_u24 v5, 5, v5\n"
                "v_and_b32 v6, 0x3ff, v4\n" +
                add + " v5, v5, v6\n" +
                "s_mul_i32 s11, s10, 3\n"
                "s_add_u32 s11, s11, s9\n"
                "s_mul_i32 s11, s11, 2\n"
                "s_add_u32 s11, s11, s8\n"
                "s_mul_i32 s11, s11, 105\n" +
                add + " v5, s11, v5\n" +
                "v_lshlrev_b32 v5, 3, v5\n"
                "s_lshl_b32 s9, s9, 10\n"
                "s_lshl_b32 s10, s10, 20\n"
                "s_or_b32 s8, s8, s9\n"
                "s_or_b32 s8, s8, s10\n"
                "v_mov_b32 v6, v4\n"
                "v_mov_b32 v7, s8\n"
                "global_store_" +
                either("dwordx2", "b64") + " v5, v[6:7], s[0:1]"),
            "");
  for (uint32_t at = 0; at < groups * perGroup; ++at) {
    const uint32_t item = at % perGroup, group = at / perGroup;
    ASSERT_EQ(out[2 * at], item % 5 | item / 5 % 3 << 10 | item / 15 << 20)
        << at;
    ASSERT_EQ(out[2 * at + 1],
              group % 2 | group / 2 % 3 << 10 | group / 6 << 20)
        << at;
  }
}

/// Nothing that a kernel has not written is zero.
TEST_P(Launches, RegistersAndLdsAreUndefined) {
  kernel.groupBytes = 64;
  uint32_t *out = static_cast<uint32_t *>(memory.allocate(8));
  dispatch.kernargs.resize(8);
  std::memcpy(dispatch.kernargs.data(), &out, 8);
  ASSERT_EQ(run(either("s_load_dwordx2", "s_load_b64") +
                " s[0:1], s[0:1], 0x0\n"
                "v_mov_b32 v6, v5\n"
                "v_mov_b32 v4, 0\n" +
                either("ds_read_b32", "ds_load_b32") + " v7, v4 offset:60\n" +
                "global_store_" + either("dwordx2", "b64") +
                " v4, v[6:7], s[0:1]"),
            "");
  EXPECT_EQ(out[0], 0xa5a5a5a5u);
  EXPECT_EQ(out[1], 0xa5a5a5a5u);
}

/// All waves add to a word, wait, and read it: the least that one reads, by an
/// atomic minimum with 0xA5A5A5A5, is the sum of all.
TEST_P(Launches, BarriersHoldWaves) {
  kernel.groupBytes = 4;
  dispatch.groupSize = {3 * chip.waveSize, 1, 1};
  uint32_t *out = static_cast<uint32_t *>(memory.allocate(4));
  dispatch.kernargs.resize(8);
  std::memcpy(dispatch.kernargs.data(), &out, 8);
  const std::string barrier = chip.generation == 12
                                  ? "s_barrier_signal -1\ns_barrier_wait -1\n"
                                  : "s_barrier\n";
  ASSERT_EQ(run(either("s_load_dwordx2", "s_load_b64") +
                " s[0:1], s[0:1], 0x0\n"
                "v_mov_b32 v4, 0\n"
                "v_mov_b32 v5, 1\n" +
                either("ds_write_b32", "ds_store_b32") + " v4, v4\n" + barrier +
                "ds_add_u32 v4, v5\n" + barrier +
                either("ds_read_b32", "ds_load_b32") + " v6, v4\n" + barrier +
                "ds_add_u32 v4, v5\n" + "global_atomic_" +
                either("umin", "min_u32") + " v4, v6, s[0:1]"),
            "");
  EXPECT_EQ(*out, 3 * chip.waveSize);
}

TEST_P(Launches, RefuseWhatTheChipCannot) {
  const std::string where = std::string(chip.name) + ": probe: ";
  kernel.groupBytes = 65000;
  dispatch.dynamicLdsBytes = 537;
  EXPECT_EQ(run(""), where + "more LDS than the 65536 bytes of a work-group");
  dispatch.dynamicLdsBytes = 536;
  EXPECT_EQ(run(""), "");
  dispatch.groupSize = {32, 33, 1};
  EXPECT_EQ(run(""), where + "a work-group has 1 to 1024 work-items, not 1056");
  dispatch.groupSize = {};
  dispatch.groups = {1, 0, 1};
  EXPECT_EQ(run(""), where + "the grid is empty");
  dispatch.groups = {};
  kernel.rsrc1 = 0xc0 << 12;
  EXPECT_EQ(run(""), where + "its MODE register (rounding, denormals) is 0xc0, "
                             "only 0xf0 is emulated");
  kernel = plainKernel();
  kernel.properties ^= amdhsa::KERNEL_CODE_PROPERTY_ENABLE_WAVEFRONT_SIZE32;
  EXPECT_EQ(run(""), where + "it is not made for waves of " +
                         std::to_string(chip.waveSize) + " lanes");
}

TEST_P(Launches, ErrorsSayWhere) {
  EXPECT_EQ(run("s_nop 0\ns_nop 0\ns_trap 2"),
            std::string(chip.name) +
                ": probe+0x8: s_trap: the kernel gives up");
  EXPECT_EQ(run("s_nop 0\ns_branch 4096"),
            std::string(chip.name) +
                ": probe+0x4008: the program counter is outside of the code "
                "object");
}

/// A wait for a barrier that one does not signal never ends.
TEST(Barriers, MustBeSignalled) {
  const Chip &chip = *findChip("gfx1201");
  Memory memory;
  Kernel kernel = {};
  kernel.name = "waits";
  kernel.vectorRegisters = 1;
  kernel.rsrc1 = 0xf0 << 12;
  kernel.properties = amdhsa::KERNEL_CODE_PROPERTY_ENABLE_WAVEFRONT_SIZE32;
  const std::vector<uint8_t> bytes =
      assemble("s_barrier_wait -1\ns_endpgm", chip);
  void *place = memory.allocate(bytes.size() + 16);
  std::memcpy(place, bytes.data(), bytes.size());
  CodeObject object;
  object.target = chip.name;
  object.begin = kernel.entry = reinterpret_cast<uint64_t>(place);
  object.sizeBytes = bytes.size();
  Code code(chip, object);
  EXPECT_EQ(launch(chip, memory, code, {&kernel, {}, {64, 1, 1}, 0, {}}),
            "gfx1201: waits+0x0: the waves of a work-group wait for each "
            "other");
}

INSTANTIATE_TEST_SUITE_P(Chips, Launches, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
