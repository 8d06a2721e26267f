//===- decoder-test.cpp - What LLVM assembles, the emulator decodes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Assembler.h"
#include "Instruction.h"
#include <gtest/gtest.h>
#include <random>
#include <string.h>
#include <sys/mman.h>

using namespace modelc::amxemu;

static Decoded decodeAll(const std::vector<uint8_t> &bytes) {
  return decode(bytes.data(), bytes.size());
}

/// The one instruction of `text`, which takes all its bytes.
static Instruction decodeText(const std::string &text) {
  const std::vector<uint8_t> bytes = assemble(text);
  const Decoded decoded = decodeAll(bytes);
  EXPECT_EQ(decoded.status, DecodeStatus::Decoded)
      << text << ": " << (decoded.reason ? decoded.reason : "unknown");
  EXPECT_EQ(decoded.instruction.lengthBytes, bytes.size()) << text;
  const std::string name =
      text.substr(text.find('}') == std::string::npos || text[0] != '{'
                      ? 0
                      : text.find('}') + 2);
  EXPECT_EQ(name.substr(0, name.find(' ')), decoded.instruction.name());
  return decoded.instruction;
}

static std::string tmm(uint32_t tile) { return "%tmm" + std::to_string(tile); }

TEST(Decoder, Tiles) {
  for (uint32_t d = 0; d < 8; ++d) {
    EXPECT_EQ(decodeText("tilezero " + tmm(d)).dest, d);
    for (const char *name : {"tileloadd", "tileloaddt1"}) {
      const std::string text =
          std::string(name) + " 129(%r13,%r12,4), " + tmm(d);
      const Instruction load = decodeText(text);
      EXPECT_EQ(load.dest, d);
      EXPECT_EQ(load.form, Form::Load);
      EXPECT_EQ(load.memory.displacement, 129);
      EXPECT_EQ(load.memory.base, 13);
      EXPECT_EQ(load.memory.index, 12);
      EXPECT_EQ(load.memory.indexShift, 2);
    }
    const Instruction store =
        decodeText("tilestored " + tmm(d) + ", -8(%rsp,%rbx)");
    EXPECT_EQ(store.dest, d);
    EXPECT_EQ(store.form, Form::Store);
    EXPECT_EQ(store.memory.displacement, -8);
    EXPECT_EQ(store.memory.base, 4);
    EXPECT_EQ(store.memory.index, 3);
    for (uint32_t a = 0; a < 8; ++a)
      for (const char *name : {"tdpbssd", "tdpbsud", "tdpbusd", "tdpbuud",
                               "tdpbf16ps", "tdpfp16ps"}) {
        const uint32_t b = (a + d + 1) % 8; // Any, so that all are seen.
        if (a == d || b == d || a == b)
          continue;
        const Instruction dot = decodeText(std::string(name) + " " + tmm(b) +
                                           ", " + tmm(a) + ", " + tmm(d));
        EXPECT_EQ(dot.dest, d);
        EXPECT_EQ(dot.src1, a);
        EXPECT_EQ(dot.src2, b);
      }
  }
  EXPECT_EQ(decodeText("tilerelease").form, Form::Release);
  EXPECT_EQ(decodeText("ldtilecfg (%rax)").form, Form::ConfigLoad);
  EXPECT_EQ(decodeText("sttilecfg 64(%r9)").form, Form::ConfigStore);
  EXPECT_FALSE(decodeText("tileloadd (%rax), %tmm1").memory.hasIndex);
}

/// Every way to write an address, for one byte of immediate or none behind it.
TEST(Decoder, Addresses) {
  struct Case {
    const char *text;
    bool hasBase, hasIndex, ripRelative;
    uint8_t base, index, shift;
    int64_t displacement;
  };
  const Case cases[] = {
      {"(%rax)", true, false, false, 0, 0, 0, 0},
      {"(%rsp)", true, false, false, 4, 0, 0, 0},
      {"(%r12)", true, false, false, 12, 0, 0, 0},
      {"(%rbp)", true, false, false, 5, 0, 0, 0},
      {"(%r13)", true, false, false, 13, 0, 0, 0},
      {"64(%rdi)", true, false, false, 7, 0, 0, 64},
      {"-8192(%rdi)", true, false, false, 7, 0, 0, -8192},
      {"8128(%rdi)", true, false, false, 7, 0, 0, 8128},
      {"65(%rdi)", true, false, false, 7, 0, 0, 65},
      {"-2147483648(%r8)", true, false, false, 8, 0, 0, -2147483648},
      {"(%rcx,%rdx,2)", true, true, false, 1, 2, 1, 0},
      {"(%rbp,%r12,8)", true, true, false, 5, 12, 3, 0},
      {"100(%r15,%r14)", true, true, false, 15, 14, 0, 100},
      {"4096(,%r9,4)", false, true, false, 0, 9, 2, 4096},
      {"4096", false, false, false, 0, 0, 0, 4096},
      {"1000(%rip)", false, false, true, 0, 0, 0, 1000},
  };
  for (const Case &expected : cases)
    for (const char *format :
         {"vpermb @, %zmm1, %zmm2", "vpshldq $7, @, %zmm1, %zmm2",
          "ldtilecfg @", "{vex} vpdpbusd @, %ymm1, %ymm2"}) {
      std::string text = format;
      text.replace(text.find('@'), 1, expected.text);
      const Instruction found = decodeText(text);
      ASSERT_TRUE(found.hasMemory) << text;
      EXPECT_EQ(found.memory.hasBase, expected.hasBase) << text;
      EXPECT_EQ(found.memory.hasIndex, expected.hasIndex) << text;
      EXPECT_EQ(found.memory.ripRelative, expected.ripRelative) << text;
      if (expected.hasBase) {
        EXPECT_EQ(found.memory.base, expected.base) << text;
      }
      if (expected.hasIndex) {
        EXPECT_EQ(found.memory.index, expected.index) << text;
        EXPECT_EQ(found.memory.indexShift, expected.shift) << text;
      }
      EXPECT_EQ(found.memory.displacement, expected.displacement) << text;
      EXPECT_EQ(found.memory.segment, Segment::None);
    }
}

/// A displacement of one byte counts in units of what is accessed.
TEST(Decoder, CompressedDisplacements) {
  for (const auto &[text, lengthBytes] :
       {std::pair<const char *, uint32_t>{"vpermb 32(%rax), %ymm1, %ymm2", 7},
        {"vpermb 16(%rax), %xmm1, %xmm2", 7},
        {"vpermb 16(%rax), %ymm1, %ymm2", 10},
        {"vdpbf16ps 4(%rax){1to16}, %zmm1, %zmm2", 7},
        {"vpshldvq 8(%rax){1to8}, %zmm1, %zmm2", 7},
        {"vpcompressb %zmm1, 1(%rax)", 7},
        {"vpcompressw %zmm1, 2(%rax)", 7},
        {"vpexpandw 254(%rax), %zmm1", 7}}) {
    const Instruction found = decodeText(text);
    EXPECT_EQ(found.lengthBytes, lengthBytes) << text;
    const std::string number = std::string(text);
    const size_t open = number.find("(");
    const size_t begin = number.rfind(' ', open) + 1;
    EXPECT_EQ(found.memory.displacement,
              std::stoll(number.substr(begin, open - begin)))
        << text;
  }
}

TEST(Decoder, PrefixesOfSegmentAndAddressSize) {
  Instruction found = decodeText("vpermb %fs:64(%rax), %zmm1, %zmm2");
  EXPECT_EQ(found.memory.segment, Segment::Fs);
  found = decodeText("tileloadd %gs:(%rax,%rcx), %tmm0");
  EXPECT_EQ(found.memory.segment, Segment::Gs);
  found = decodeText("vpermb (%eax), %zmm1, %zmm2");
  EXPECT_TRUE(found.memory.address32);
  EXPECT_EQ(found.memory.base, 0);
}

/// All 32 registers in each place, all masks, all widths.
TEST(Decoder, VectorOperands) {
  const char widths[] = {'x', 'y', 'z'};
  for (uint32_t i = 0; i < 32; ++i)
    for (uint32_t width = 0; width < 3; ++width) {
      auto name = [&](uint32_t n) {
        return std::string("%") + widths[width] + "mm" + std::to_string(n % 32);
      };
      const uint32_t mask = i % 8;
      std::string masks = mask ? " {%k" + std::to_string(mask) + "}" : "";
      if (mask && i & 8)
        masks += " {z}";
      const Instruction found =
          decodeText("vpermb " + name(i) + ", " + name(i + 11) + ", " +
                     name(i + 22) + masks);
      EXPECT_EQ(found.src2, i);
      EXPECT_EQ(found.src1, (i + 11) % 32);
      EXPECT_EQ(found.dest, (i + 22) % 32);
      EXPECT_EQ(found.mask, mask);
      EXPECT_EQ(found.zeroing, mask && i & 8);
      EXPECT_EQ(found.vectorBytes, 16 << width);
      const Instruction compress =
          decodeText("vpcompressb " + name(i) + ", " + name(i + 7) + masks);
      EXPECT_EQ(compress.src2, i);
      EXPECT_EQ(compress.dest, (i + 7) % 32);
      if (width < 2 && i < 16) {
        const Instruction vex =
            decodeText("{vex} vpdpwssds " + name(i) + ", " +
                       name((i + 5) % 16) + ", " + name((i + 10) % 16));
        EXPECT_EQ(vex.set, Set::AvxVnni);
        EXPECT_EQ(vex.src2, i);
        EXPECT_EQ(vex.src1, (i + 5) % 16);
        EXPECT_EQ(vex.dest, (i + 10) % 16);
        EXPECT_EQ(vex.vectorBytes, 16 << width);
      }
    }
  EXPECT_EQ(decodeText("vpshufbitqmb %zmm9, %zmm30, %k5 {%k1}").dest, 5);
}

static void expectIllegal(std::vector<uint8_t> bytes, const char *reason) {
  const Decoded decoded = decodeAll(bytes);
  EXPECT_EQ(decoded.status, DecodeStatus::Illegal) << reason;
  if (decoded.status == DecodeStatus::Illegal) {
    EXPECT_STREQ(decoded.reason, reason);
  }
}

/// Encodings that no assembler makes and that hardware refuses with #UD.
TEST(Decoder, IllegalEncodings) {
  auto changed = [](const char *text, uint32_t byte, uint8_t bits) {
    std::vector<uint8_t> bytes = assemble(text);
    bytes[byte] ^= bits;
    return bytes;
  };
  const char *dot = "tdpbssd %tmm3, %tmm2, %tmm1";
  expectIllegal(changed(dot, 1, 0x80), "there are no tiles above tmm7");
  expectIllegal(changed(dot, 1, 0x20), "there are no tiles above tmm7");
  expectIllegal(changed(dot, 2, 0x40), "there are no tiles above tmm7");
  expectIllegal(changed(dot, 2, 0x80), "VEX.W or VEX.L is set");
  expectIllegal(changed(dot, 2, 0x04), "VEX.W or VEX.L is set");
  expectIllegal(changed("tilezero %tmm1", 2, 0x08), "VEX.vvvv is not 1111");
  expectIllegal(changed("ldtilecfg (%rax)", 2, 0x40), "VEX.vvvv is not 1111");
  expectIllegal({0xC4, 0xE2, 0x7B, 0x4B, 0x00},
                "the memory operand has no SIB byte");
  const char *permute = "vpermb %zmm3, %zmm2, %zmm1";
  expectIllegal(changed(permute, 3, 0x20), "EVEX.L'L is 3");
  expectIllegal(changed(permute, 3, 0x10), "EVEX.b is set");
  expectIllegal(changed(permute, 3, 0x80), "EVEX.z without a mask");
  expectIllegal(changed("vpermb (%rax), %zmm2, %zmm1", 3, 0x10),
                "EVEX.b is set");
  expectIllegal(changed("vpopcntb %zmm2, %zmm1", 2, 0x08),
                "EVEX.vvvv is not 1111");
  expectIllegal(changed("vpopcntb %zmm2, %zmm1", 3, 0x08),
                "EVEX.vvvv is not 1111");
  expectIllegal(changed("vpcompressb %zmm1, (%rax) {%k1}", 3, 0x80),
                "EVEX.z, and the destination is no vector");
  const char *shuffle = "vpshufbitqmb %zmm3, %zmm2, %k1 {%k2}";
  expectIllegal(changed(shuffle, 3, 0x80),
                "EVEX.z, and the destination is no vector");
  expectIllegal(changed(shuffle, 1, 0x80), "there are no masks above k7");
  expectIllegal(changed(shuffle, 1, 0x10), "there are no masks above k7");
}

/// Instructions of others, some of them close to ours.
TEST(Decoder, UnknownInstructions) {
  for (const char *text :
       {"ud2", "nop", "vpermd %zmm1, %zmm2, %zmm3",
        "vaddps %ymm1, %ymm2, %ymm3", "vpshufb %zmm1, %zmm2, %zmm3",
        "vpermi2w %zmm1, %zmm2, %zmm3", "vpcompressd %zmm1, %zmm2",
        "vfmadd231ps %zmm1, %zmm2, %zmm3", "gf2p8mulb %xmm1, %xmm2",
        "vpclmulqdq $1, %zmm1, %zmm2, %zmm3"})
    EXPECT_EQ(decodeAll(assemble(text)).status, DecodeStatus::Unknown) << text;
}

/// Cut off anywhere, an instruction is refused; bytes behind it do not matter.
TEST(Decoder, Truncation) {
  for (const char *text :
       {"vpshldq $7, 4096(%rax,%rcx,8), %zmm1, %zmm2",
        "vpermb %fs:64(%rax), %zmm1, %zmm2", "tileloadd 65(%rax,%rcx), %tmm1",
        "tdpbssd %tmm3, %tmm2, %tmm1"}) {
    std::vector<uint8_t> bytes = assemble(text);
    for (size_t size = 0; size < bytes.size(); ++size)
      EXPECT_NE(decode(bytes.data(), size).status, DecodeStatus::Decoded)
          << text << " cut off at " << size;
    const size_t size = bytes.size();
    bytes.resize(15, 0xCC);
    EXPECT_EQ(decodeAll(bytes).instruction.lengthBytes, size) << text;
  }
  std::vector<uint8_t> long16 = assemble("tdpbssd %tmm3, %tmm2, %tmm1");
  long16.insert(long16.begin(), 11, 0x64);
  EXPECT_NE(decodeAll(long16).status, DecodeStatus::Decoded);
}

/// The last page of code: what lies behind the instruction is never read.
TEST(Decoder, ReadsOnlyTheInstruction) {
  const size_t page = 4096;
  auto *memory = static_cast<uint8_t *>(
      mmap(nullptr, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory, page, PROT_READ | PROT_WRITE), 0);
  for (const char *text :
       {"ud2", "vpermd %zmm1, %zmm2, %zmm3", "tilerelease",
        "vpshldq $7, 4096(%rax,%rcx,8), %zmm1, %zmm2", "ldtilecfg (%rax)",
        "{vex} vpdpbusd 1(%rax), %xmm1, %xmm2"}) {
    const std::vector<uint8_t> bytes = assemble(text);
    uint8_t *begin = memory + page - bytes.size();
    memcpy(begin, bytes.data(), bytes.size());
    decode(begin, 15);
  }
  munmap(memory, 2 * page);
}

/// Any bytes have an answer, and a length that the bytes have.
TEST(Decoder, RandomBytes) {
  std::mt19937 random(7);
  uint32_t decodedCount = 0;
  for (uint32_t trial = 0; trial < 300000; ++trial) {
    std::vector<uint8_t> bytes(1 + random() % 15);
    for (uint8_t &byte : bytes)
      byte = uint8_t(random());
    bytes[0] = trial % 2 ? 0x62 : 0xC4;
    if (bytes.size() > 1)
      bytes[1] = (bytes[1] & 0xF0) | 2;
    const Decoded decoded = decodeAll(bytes);
    if (decoded.status == DecodeStatus::Decoded) {
      ++decodedCount;
      EXPECT_LE(decoded.instruction.lengthBytes, bytes.size());
      EXPECT_GE(decoded.instruction.lengthBytes, 5);
    }
  }
  EXPECT_GT(decodedCount, 100u);
}
