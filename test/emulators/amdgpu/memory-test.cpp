//===- memory-test.cpp - LDS, global memory and moves between lanes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// "RDNA3 ISA" chapters 11 and 12 with 16.12, 16.15 and 16.16, "CDNA3 ISA"
// chapters 9 to 11 with 12.13 to 12.16: where bytes go, and that lanes without
// EXEC move nothing.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include <gtest/gtest.h>

namespace modelc::amdgpu {
namespace {

class Memories : public testing::TestWithParam<const Chip *> {
protected:
  const Chip &chip = *GetParam();
  Bench bench{chip};
  const uint32_t lanes = chip.waveSize;
  /// All lanes but some.
  const uint64_t someLanes =
      UINT64_C(0xfff7ffeffedfbffd) & (lanes == 64 ? ~UINT64_C(0) : 0xffffffff);

  /// The name of before gfx11, or from there on.
  std::string either(const char *old, const char *now) const {
    return chip.generation <= 10 ? old : now;
  }
  /// Global memory of `sizeBytes` whose bytes are 0, 1, 2, ...
  uint8_t *counted(uint32_t sizeBytes) {
    uint8_t *bytes = static_cast<uint8_t *>(bench.memory.allocate(sizeBytes));
    for (uint32_t i = 0; i < sizeBytes; ++i)
      bytes[i] = uint8_t(i * 37 + i / 256);
    return bytes;
  }
  /// v[0:1] = begin + stride * lane.
  void setAddresses(const void *begin, uint32_t stride) {
    for (uint32_t lane = 0; lane < lanes; ++lane) {
      const uint64_t address =
          reinterpret_cast<uint64_t>(begin) + uint64_t(stride) * lane;
      bench.v(0, lane) = uint32_t(address);
      bench.v(1, lane) = uint32_t(address >> 32);
    }
  }
  /// v0 = stride * lane.
  void setOffsets(uint32_t stride) {
    for (uint32_t lane = 0; lane < lanes; ++lane)
      bench.v(0, lane) = stride * lane;
  }
};

/// v_permlane16_b32 came with gfx10.
class RowPermutes : public Memories {};

uint32_t wordAt(const uint8_t *bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | uint32_t(bytes[3]) << 24;
}

/// Of a load: how many bytes, and what becomes of them in v4-v7.
struct Load {
  const char *old, *now; ///< without the prefix
  uint32_t bytes;
  bool isSigned;
  int half; ///< -1 whole registers, 0 low, 1 high
};
const Load kLoads[] = {
    {"ubyte", "u8", 1, false, -1},
    {"sbyte", "i8", 1, true, -1},
    {"ushort", "u16", 2, false, -1},
    {"sshort", "i16", 2, true, -1},
    {"dword", "b32", 4, false, -1},
    {"dwordx2", "b64", 8, false, -1},
    {"dwordx3", "b96", 12, false, -1},
    {"dwordx4", "b128", 16, false, -1},
    {"ubyte_d16", "d16_u8", 1, false, 0},
    {"sbyte_d16_hi", "d16_hi_i8", 1, true, 1},
    {"short_d16", "d16_b16", 2, false, 0},
    {"short_d16_hi", "d16_hi_b16", 2, false, 1},
};

uint32_t loadedWord(const Load &load, const uint8_t *bytes, uint32_t word,
                    uint32_t old) {
  if (load.bytes >= 4)
    return word < load.bytes / 4 ? wordAt(bytes + 4 * word) : old;
  if (word > 0)
    return old;
  uint32_t value = bytes[0];
  if (load.bytes == 2)
    value |= uint32_t(bytes[1]) << 8;
  const uint32_t sign = 1u << (8 * load.bytes - 1);
  if (load.isSigned && (value & sign))
    value -= 2 * sign;
  if (load.half == 0)
    return (old & 0xffff0000) | (value & 0xffff);
  return load.half == 1 ? (old & 0xffff) | value << 16 : value;
}

std::string destOf(const Load &load) {
  const uint32_t words = std::max(load.bytes / 4, 1u);
  return words == 1 ? "v4" : "v[4:" + std::to_string(3 + words) + "]";
}

TEST_P(Memories, GlobalLoads) {
  uint8_t *bytes = counted(64 * 24 + 64);
  for (const Load &load : kLoads) {
    bench.randomise();
    bench.wave.setMask(kExec, someLanes);
    setAddresses(bytes, 24);
    std::vector<uint32_t> old(4 * lanes);
    for (uint32_t i = 0; i < old.size(); ++i)
      old[i] = bench.v(4 + i / lanes, i % lanes);
    const std::string text = "global_load_" + either(load.old, load.now) + " " +
                             destOf(load) + ", v[0:1], off offset:16";
    ASSERT_EQ(bench.run(text), "") << text;
    for (uint32_t i = 0; i < old.size(); ++i) {
      const uint32_t word = i / lanes, lane = i % lanes;
      ASSERT_EQ(bench.v(4 + word, lane),
                bench.isActive(lane)
                    ? loadedWord(load, bytes + 24 * lane + 16, word, old[i])
                    : old[i])
          << chip.name << ": " << text << ", lane " << lane;
    }
  }
}

/// A scalar base, 32-bit offsets, and a constant below zero.
TEST_P(Memories, GlobalWithScalarBase) {
  uint8_t *bytes = counted(2048);
  setOffsets(12);
  bench.wave.setPair(2, reinterpret_cast<uint64_t>(bytes + 8));
  ASSERT_EQ(bench.run("global_load_" + either("dword", "b32") +
                      " v4, v0, s[2:3] offset:-8"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane)
    ASSERT_EQ(bench.v(4, lane), wordAt(bytes + 12 * lane));
  bench.wave.setPair(2, reinterpret_cast<uint64_t>(bytes + 8 + 2048));
  ASSERT_EQ(bench.run("global_store_" + either("dword", "b32") +
                      " v0, v0, s[2:3] offset:-2048"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane)
    ASSERT_EQ(wordAt(bytes + 8 + 12 * lane), 12 * lane);
}

TEST_P(Memories, GlobalStores) {
  const struct {
    const char *old, *now;
    uint32_t bytes, shift;
  } stores[] = {
      {"byte", "b8", 1, 0},
      {"short", "b16", 2, 0},
      {"dword", "b32", 4, 0},
      {"dwordx2", "b64", 8, 0},
      {"dwordx3", "b96", 12, 0},
      {"dwordx4", "b128", 16, 0},
      {"byte_d16_hi", "d16_hi_b8", 1, 16},
      {"short_d16_hi", "d16_hi_b16", 2, 16},
  };
  for (const auto &store : stores) {
    uint8_t *bytes = counted(64 * 20);
    const std::vector<uint8_t> before(bytes, bytes + 64 * 20);
    bench.randomise();
    bench.wave.setMask(kExec, someLanes);
    setAddresses(bytes, 20);
    const uint32_t words = std::max(store.bytes / 4, 1u);
    const std::string text =
        "global_store_" + either(store.old, store.now) + " v[0:1], " +
        (words == 1 ? "v4" : "v[4:" + std::to_string(3 + words) + "]") +
        ", off offset:4";
    ASSERT_EQ(bench.run(text), "") << text;
    for (uint32_t at = 0; at < 20 * lanes; ++at) {
      const uint32_t lane = at / 20, byte = at % 20 - 4;
      const bool written =
          at % 20 >= 4 && byte < store.bytes && bench.isActive(lane);
      uint8_t expected = before[at];
      if (written)
        expected = uint8_t(bench.v(4 + byte / 4, lane) >>
                           (8 * (byte % 4) + store.shift));
      ASSERT_EQ(bytes[at], expected)
          << chip.name << ": " << text << ", lane " << lane;
    }
  }
}

TEST_P(Memories, LocalLoadsAndStores) {
  const struct {
    const char *old, *now;
    uint32_t bytes;
  } widths[] = {{"b8", "b8", 1},   {"b16", "b16", 2},  {"b32", "b32", 4},
                {"b64", "b64", 8}, {"b96", "b96", 12}, {"b128", "b128", 16}};
  for (const auto &width : widths) {
    bench.randomise();
    setOffsets(16);
    std::fill(bench.group.lds.begin(), bench.group.lds.end(), 0x77);
    const uint32_t words = std::max(width.bytes / 4, 1u);
    const std::string data =
        words == 1 ? "4" : "[4:" + std::to_string(3 + words) + "]";
    const std::string back =
        words == 1 ? "12" : "[12:" + std::to_string(11 + words) + "]";
    const std::string type = width.bytes < 4
                                 ? std::string(width.bytes == 1 ? "u8" : "u16")
                                 : std::string(width.now);
    const std::string text = either("ds_write_", "ds_store_") + width.now +
                             " v0, v" + data + " offset:32\n" +
                             either("ds_read_", "ds_load_") + type + " v" +
                             back + ", v0 offset:32";
    ASSERT_EQ(bench.run(text), "") << text;
    for (uint32_t lane = 0; lane < lanes; ++lane)
      for (uint32_t byte = 0; byte < 16; ++byte) {
        const uint8_t value =
            uint8_t(bench.v(4 + byte / 4, lane) >> (8 * (byte % 4)));
        const bool written = byte < width.bytes;
        ASSERT_EQ(bench.group.lds[32 + 16 * lane + byte],
                  written ? value : 0x77)
            << text;
        if (written)
          ASSERT_EQ(uint8_t(bench.v(12 + byte / 4, lane) >> (8 * (byte % 4))),
                    value)
              << text;
      }
  }
}

/// The sum of address and offset has 32 bits.
TEST_P(Memories, LocalAddressesWrap) {
  for (uint32_t i = 0; i < 8; ++i)
    bench.group.lds[i] = uint8_t(0x10 + i);
  for (uint32_t lane = 0; lane < lanes; ++lane)
    bench.v(0, lane) = 0xfffffffc;
  ASSERT_EQ(
      bench.run(either("ds_read_b32", "ds_load_b32") + " v4, v0 offset:8"), "");
  EXPECT_EQ(bench.v(4, 0), 0x17161514u);
}

/// Two offsets in units of an element, or of 64 elements.
TEST_P(Memories, LocalPairs) {
  for (uint32_t i = 0; i < kLdsBytes; ++i)
    bench.group.lds[i] = uint8_t(i * 37 + i / 256);
  setOffsets(8);
  const uint8_t *lds = bench.group.lds.data();
  ASSERT_EQ(bench.run(either("ds_read2_b32", "ds_load_2addr_b32") +
                      " v[4:5], v0 offset0:3 offset1:9"),
            "");
  ASSERT_EQ(bench.run(either("ds_read2st64_b64", "ds_load_2addr_stride64_b64") +
                      " v[8:11], v0 offset0:1 offset1:2"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    EXPECT_EQ(bench.v(4, lane), wordAt(lds + 8 * lane + 12));
    EXPECT_EQ(bench.v(5, lane), wordAt(lds + 8 * lane + 36));
    EXPECT_EQ(bench.v(8, lane), wordAt(lds + 8 * lane + 512));
    EXPECT_EQ(bench.v(9, lane), wordAt(lds + 8 * lane + 516));
    EXPECT_EQ(bench.v(10, lane), wordAt(lds + 8 * lane + 1024));
    EXPECT_EQ(bench.v(11, lane), wordAt(lds + 8 * lane + 1028));
  }
  ASSERT_EQ(bench.run(either("ds_write2_b32", "ds_store_2addr_b32") +
                      " v0, v4, v8 offset0:1 offset1:0"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    EXPECT_EQ(wordAt(lds + 8 * lane + 4), bench.v(4, lane));
    EXPECT_EQ(wordAt(lds + 8 * lane), bench.v(8, lane));
  }
}

/// All lanes at one address, in the order of the lanes.
TEST_P(Memories, AtomicsAccumulate) {
  const std::string returns = chip.generation == 12 ? " th:TH_ATOMIC_RETURN"
                              : std::string(chip.name) == "gfx942" ? " sc0"
                                                                   : " glc";
  uint8_t *bytes = static_cast<uint8_t *>(bench.memory.allocate(8));
  std::fill_n(bytes, 8, uint8_t(0));
  bench.wave.setMask(kExec, someLanes);
  setAddresses(bytes, 0);
  for (uint32_t lane = 0; lane < lanes; ++lane)
    bench.v(2, lane) = lane + 1;
  ASSERT_EQ(bench.run("global_atomic_" + either("add", "add_u32") +
                      " v4, v[0:1], v2, off" + returns),
            "");
  uint32_t sum = 0;
  for (uint32_t lane = 0; lane < lanes; ++lane)
    if (bench.isActive(lane)) {
      ASSERT_EQ(bench.v(4, lane), sum);
      sum += lane + 1;
    }
  EXPECT_EQ(wordAt(bytes), sum);
  // Compare and swap: v2 is the new value, v3 the expected.
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    bench.v(2, lane) = 7;
    bench.v(3, lane) = sum;
  }
  ASSERT_EQ(bench.run("global_atomic_" + either("cmpswap", "cmpswap_b32") +
                      " v4, v[0:1], v[2:3], off" + returns),
            "");
  EXPECT_EQ(wordAt(bytes), 7u);
  EXPECT_EQ(bench.v(4, 0), sum); // the first found it
  EXPECT_EQ(bench.v(4, lanes - 2), 7u);
}

struct Atomic {
  const char *old, *now; ///< without the prefix
  uint64_t (*state)(uint64_t memory, uint64_t data, int bits);
};
int64_t asSigned(uint64_t value, int bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}
const Atomic kAtomics[] = {
    {"swap", "swap_b", [](uint64_t, uint64_t b, int) { return b; }},
    {"sub", "sub_u", [](uint64_t a, uint64_t b, int) { return a - b; }},
    {"smin", "min_i",
     [](uint64_t a, uint64_t b, int n) {
       return asSigned(a, n) < asSigned(b, n) ? a : b;
     }},
    {"umin", "min_u",
     [](uint64_t a, uint64_t b, int) { return a < b ? a : b; }},
    {"smax", "max_i",
     [](uint64_t a, uint64_t b, int n) {
       return asSigned(a, n) > asSigned(b, n) ? a : b;
     }},
    {"umax", "max_u",
     [](uint64_t a, uint64_t b, int) { return a > b ? a : b; }},
    {"and", "and_b", [](uint64_t a, uint64_t b, int) { return a & b; }},
    {"or", "or_b", [](uint64_t a, uint64_t b, int) { return a | b; }},
    {"xor", "xor_b", [](uint64_t a, uint64_t b, int) { return a ^ b; }},
};

/// A word, or two, for each lane.
TEST_P(Memories, AtomicsOfEveryKind) {
  uint8_t *bytes = counted(64 * 8);
  for (const Atomic &atomic : kAtomics)
    for (int bits : {32, 64}) {
      bench.randomise();
      bench.wave.setMask(kExec, someLanes);
      setAddresses(bytes, 8);
      const std::vector<uint8_t> before(bytes, bytes + 64 * 8);
      const std::string old =
          std::string(atomic.old) + (bits == 64 ? "_x2" : "");
      const std::string now = atomic.now + std::to_string(bits);
      const std::string text = "global_atomic_" +
                               either(old.c_str(), now.c_str()) + " v[0:1], " +
                               (bits == 64 ? "v[2:3]" : "v2") + ", off";
      ASSERT_EQ(bench.run(text), "") << text;
      for (uint32_t lane = 0; lane < lanes; ++lane) {
        const auto word = [&](const uint8_t *at) {
          return wordAt(at) | (bits == 64 ? uint64_t(wordAt(at + 4)) << 32 : 0);
        };
        const uint64_t data =
            bench.v(2, lane) |
            (bits == 64 ? uint64_t(bench.v(3, lane)) << 32 : 0);
        const uint64_t was = word(before.data() + 8 * lane);
        const uint64_t is = atomic.state(was, data, bits);
        ASSERT_EQ(word(bytes + 8 * lane), !bench.isActive(lane) ? was
                                          : bits == 64          ? is
                                                                : uint32_t(is))
            << chip.name << ": " << text;
      }
    }
}

TEST_P(Memories, LocalAtomics) {
  std::fill_n(bench.group.lds.begin(), 16, uint8_t(0));
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    bench.v(0, lane) = 4 * (lane % 2);
    bench.v(2, lane) = lane * 3;
  }
  ASSERT_EQ(bench.run("ds_add_rtn_u32 v4, v0, v2\nds_max_u32 v0, v2 offset:8"),
            "");
  uint32_t sums[2] = {};
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    ASSERT_EQ(bench.v(4, lane), sums[lane % 2]);
    sums[lane % 2] += lane * 3;
  }
  const uint8_t *lds = bench.group.lds.data();
  EXPECT_EQ(wordAt(lds), sums[0]);
  EXPECT_EQ(wordAt(lds + 4), sums[1]);
  EXPECT_EQ(wordAt(lds + 8), (lanes - 2) * 3);
  EXPECT_EQ(wordAt(lds + 12), (lanes - 1) * 3);
}

// Moves between lanes.

/// Lane l reads lane address / 4; a lane without EXEC gives 0.
TEST_P(Memories, PermutesThroughLds) {
  bench.randomise();
  for (uint32_t lane = 0; lane < lanes; ++lane)
    bench.v(0, lane) = 4 * ((lane * 5 + 3) % lanes);
  bench.wave.setMask(kExec, someLanes);
  ASSERT_EQ(bench.run("ds_bpermute_b32 v4, v0, v2\n"
                      "ds_permute_b32 v5, v0, v2"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const uint32_t other = (lane * 5 + 3) % lanes;
    if (bench.isActive(lane))
      ASSERT_EQ(bench.v(4, lane),
                bench.isActive(other) ? bench.v(2, other) : 0);
    // The other way round: where lane's value went.
    if (bench.isActive(lane) && bench.isActive(other))
      ASSERT_EQ(bench.v(5, other), bench.v(2, lane));
  }
}

/// ds_swizzle_b32: a permutation of four lanes, or (lane & and | or) ^ xor.
TEST_P(Memories, Swizzles) {
  bench.randomise();
  ASSERT_EQ(
      bench.run("ds_swizzle_b32 v4, v2 offset:swizzle(QUAD_PERM,2,0,3,1)\n"
                "ds_swizzle_b32 v5, v2 offset:swizzle(SWAP,16)\n"
                "ds_swizzle_b32 v6, v2 offset:swizzle(BROADCAST,8,5)"),
      "");
  const uint32_t order[4] = {2, 0, 3, 1};
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    ASSERT_EQ(bench.v(4, lane), bench.v(2, lane / 4 * 4 + order[lane % 4]));
    ASSERT_EQ(bench.v(5, lane), bench.v(2, lane ^ 16));
    ASSERT_EQ(bench.v(6, lane), bench.v(2, lane / 8 * 8 + 5));
  }
}

TEST_P(Memories, SingleLanes) {
  bench.randomise();
  bench.wave.setMask(kExec, UINT64_C(0xff00));
  bench.wave.scalars[8] = 19;
  const uint32_t value = bench.wave.scalars[9];
  const uint32_t old = bench.v(6, 4);
  ASSERT_EQ(bench.run("v_readfirstlane_b32 s4, v2\n"
                      "v_readlane_b32 s5, v2, s8\n"
                      "v_writelane_b32 v6, s9, 3"),
            "");
  EXPECT_EQ(bench.wave.scalars[4], bench.v(2, 8));
  EXPECT_EQ(bench.wave.scalars[5], bench.v(2, 19));
  EXPECT_EQ(bench.v(6, 3), value); // whatever EXEC says
  EXPECT_EQ(bench.v(6, 4), old);
}

/// The number of a lane, and of the ones of a mask below it.
TEST_P(Memories, CountsBelow) {
  bench.randomise();
  const uint64_t mask = bench.wave.pairOf(0);
  ASSERT_EQ(bench.run("v_mbcnt_lo_u32_b32 v4, -1, 0\n"
                      "v_mbcnt_hi_u32_b32 v4, -1, v4\n"
                      "v_mbcnt_lo_u32_b32 v5, s0, 0\n"
                      "v_mbcnt_hi_u32_b32 v5, s1, v5"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    uint32_t below = 0;
    for (uint32_t other = 0; other < lane; ++other)
      below += mask >> other & 1;
    EXPECT_EQ(bench.v(4, lane), lane);
    EXPECT_EQ(bench.v(5, lane), below);
  }
}

/// Nibble i of two scalars names the lane of the row, or of the other row.
TEST_P(RowPermutes, AreOfTheRow) {
  bench.randomise();
  ASSERT_EQ(bench.run("v_permlane16_b32 v4, v2, s0, s1\n"
                      "v_permlanex16_b32 v5, v2, s0, s1"),
            "");
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    const uint32_t select =
        lane % 16 < 8 ? bench.wave.scalars[0] >> (4 * (lane % 8)) & 15
                      : bench.wave.scalars[1] >> (4 * (lane % 8)) & 15;
    ASSERT_EQ(bench.v(4, lane), bench.v(2, lane / 16 * 16 + select));
    ASSERT_EQ(bench.v(5, lane), bench.v(2, (lane / 16 ^ 1) * 16 + select));
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, RowPermutes,
                         testing::Values(findChip("gfx1030"),
                                         findChip("gfx1100"),
                                         findChip("gfx1201")),
                         [](const auto &info) { return info.param->name; });

// What the hardware would not survive.

TEST_P(Memories, OutOfBoundsIsAnError) {
  uint8_t *bytes = counted(lanes * 4 - 4);
  bench.wave.setMask(kExec, ~UINT64_C(0));
  setAddresses(bytes, 4);
  const std::string load = "global_load_" + either("dword", "b32");
  const std::string outside = bench.run(load + " v4, v[0:1], off");
  EXPECT_TRUE(outside.starts_with(load + ": access of 4 bytes at 0x"))
      << outside;
  // The lane that is outside does not take part.
  bench.wave.setMask(kExec, ~(UINT64_C(1) << (lanes - 1)));
  EXPECT_EQ(bench.run(load + " v4, v[0:1], off"), "");
  const std::string local = either("ds_read_b64", "ds_load_b64");
  setOffsets(0);
  bench.v(0, 1) = kLdsBytes - 4;
  EXPECT_EQ(bench.run(local + " v[4:5], v0"),
            local + ": LDS access of 8 bytes at 65532, the work-group has "
                    "65536");
}

INSTANTIATE_TEST_SUITE_P(Chips, Memories, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
