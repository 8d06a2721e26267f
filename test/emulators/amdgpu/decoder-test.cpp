//===- decoder-test.cpp - Decoded operands against LLVM's disassembly
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The registers that LLVM prints for an instruction, in their order, are those
// that the decoder found.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Execute.h"

#include <algorithm>
#include <cctype>
#include <gtest/gtest.h>
#include <llvm-c/Disassembler.h>

namespace modelc::amdgpu {
namespace {

/// What LLVM prints for the machine code.
std::string printed(const Chip &chip, std::vector<uint8_t> bytes) {
  LLVMDisasmContextRef context =
      LLVMCreateDisasmCPUFeatures("amdgcn-amd-amdhsa", chip.name,
                                  chip.waveSize == 32 ? "+wavefrontsize32" : "",
                                  nullptr, 0, nullptr, nullptr);
  char text[256] = {};
  LLVMDisasmInstruction(context, bytes.data(), bytes.size(), 0, text,
                        sizeof(text));
  LLVMDisasmDispose(context);
  return text;
}

/// A register as the interpreter numbers it, with V or S for its file.
using Register = std::pair<char, uint32_t>;

bool isNumber(const std::string &text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c));
  });
}

/// The register that a word of LLVM's names, or {0, 0}.
Register registerOf(const Chip &chip, std::string word) {
  const std::pair<const char *, uint32_t> named[] = {
      {"vcc", 106},     {"vcc_lo", 106},  {"vcc_hi", 107}, {"exec", 126},
      {"exec_lo", 126}, {"exec_hi", 127}, {"m0", chip.m0}, {"null", chip.null}};
  for (const auto &[name, number] : named)
    if (word == name)
      return {'S', number};
  // The first of v[2:3]; v2.h is a part of v2.
  word = word.substr(0, word.find_first_of(":]."));
  std::erase(word, '[');
  if (word.starts_with("ttmp") && isNumber(word.substr(4)))
    return {'S', 108 + uint32_t(std::stoul(word.substr(4)))};
  if (word.empty() || !isNumber(word.substr(1)))
    return {};
  const uint32_t number = uint32_t(std::stoul(word.substr(1)));
  switch (word[0]) {
  case 'v':
    return {'V', number};
  case 'a':
    return {'V', kAccumulators + number};
  case 's':
    return {'S', number};
  default:
    return {};
  }
}

std::vector<Register> registersOf(const Chip &chip, const std::string &text) {
  std::vector<Register> all;
  const auto isPart = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
           c == '[' || c == ':' || c == ']' || c == '.';
  };
  for (size_t at = text.find(' ', 1); at < text.size();) {
    size_t end = at;
    while (end < text.size() && isPart(text[end]))
      ++end;
    const Register found = registerOf(chip, text.substr(at, end - at));
    if (found.first)
      all.push_back(found);
    at = end + 1;
  }
  return all;
}

std::vector<Register> registersOf(const Instruction &in) {
  std::vector<Register> all;
  for (const Operand &operand :
       {in.dest, in.dest2, in.src[0], in.src[1], in.src[2], in.src[3]}) {
    if (operand.kind == OperandKind::Vector)
      all.push_back({'V', operand.reg});
    else if (operand.kind == OperandKind::Scalar)
      all.push_back({'S', operand.reg});
  }
  return all;
}

/// V, S, A and a count of registers become random ones: V2 is v[6:7]. C is
/// a mask of one bit for each lane.
std::string filled(const Chip &chip, const std::string &pattern,
                   std::mt19937 &random) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == 'C' && pattern[i - 1] == ' ') {
      text += chip.waveSize == 64 ? "s[20:21]" : "s20";
      continue;
    }
    const bool isFile = c == 'V' || c == 'S' || c == 'A';
    if (!isFile || !isNumber(pattern.substr(i + 1, 1))) {
      text += c;
      continue;
    }
    const uint32_t count = uint32_t(pattern[++i] - '0');
    const uint32_t align = c == 'S' ? std::min(count, 4u) : 2;
    const uint32_t first =
        uint32_t(random() % (c == 'S' ? 60 : 120)) / align * align;
    const char file = char(std::tolower(c));
    text += file + (count == 1 ? std::to_string(first)
                               : "[" + std::to_string(first) + ":" +
                                     std::to_string(first + count - 1) + "]");
  }
  return text;
}

struct Row {
  const char *pattern;
  const char *name; ///< what the instruction is found by; null: any
  bool readsDestination = false;
};

// What is written alike on all chips.
const Row kEverywhere[] = {
    {"v_add_f32 V1, V1, V1", "v_add_f32"},
    {"v_add_f32 V1, S1, V1", "v_add_f32"},
    {"v_add_f32_e64 V1, -V1, |S1|", "v_add_f32"},
    {"v_fma_f32 V1, V1, -V1, S1", "v_fma_f32"},
    {"v_fma_f64 V2, V2, V2, V2", "v_fma_f64"},
    {"v_fmac_f32 V1, V1, V1", "v_fma_f32", true},
    {"v_cndmask_b32 V1, V1, V1, C", "v_cndmask_b32"},
    {"v_cmp_lt_f32 C, V1, V1", "v_cmp_lt_f32"},
    {"v_cmp_eq_u64 C, V2, V2", "v_cmp_eq_u64"},
    {"v_add_co_u32 V1, C, V1, V1", "v_add_co_u32"},
    {"v_mad_u64_u32 V2, C, V1, V1, V2", nullptr},
    {"v_readfirstlane_b32 S1, V1", "v_readfirstlane_b32"},
    {"v_readlane_b32 S1, V1, S1", "v_readlane_b32"},
    {"v_pk_fma_f16 V1, V1, V1, V1", "v_pk_fma_f16"},
    {"v_dot4_u32_u8 V1, V1, V1, V1", "v_dot4_u32_u8"},
    {"v_mov_b32_dpp V1, V1 row_shl:1 row_mask:0xf bank_mask:0xf", "v_mov_b32"},
    {"v_add_f32_dpp V1, V1, V1 quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf",
     "v_add_f32"},
    {"s_add_u32 S1, S1, S1", "s_add_u32"},
    {"s_and_b64 S2, S2, vcc", "s_and_b64"},
    {"s_mov_b64 S2, exec", "s_mov_b64"},
    {"s_cmp_lt_i32 S1, S1", "s_cmp_lt_i32"},
    {"s_cselect_b32 S1, S1, S1", "s_cselect_b32"},
    {"s_mov_b32 m0, S1", "s_mov_b32"},
};

const Row kGfx9[] = {
    {"v_mfma_f32_16x16x16f16 V4, V2, V2, V4", nullptr},
    {"v_mfma_f32_16x16x16f16 A4, A2, V2, A4", nullptr},
    {"v_accvgpr_read_b32 V1, A1", "v_accvgpr_read_b32"},
    {"v_accvgpr_write_b32 A1, V1", "v_accvgpr_write_b32"},
    {"v_pk_fma_f32 V2, V2, S2, V2", "v_pk_fma_f32"},
    {"v_addc_co_u32 V1, C, V1, V1, C", "v_addc_co_u32"},
    {"v_mov_b32_sdwa V1, V1 dst_sel:BYTE_1 dst_unused:UNUSED_PAD "
     "src0_sel:WORD_1",
     "v_mov_b32"},
    {"s_load_dwordx2 S2, S2, S1", "s_load_dwordx2"},
    {"ds_write_b32 V1, V1 offset:8", "ds_write_b32"},
    {"ds_read_b64 V2, V1", "ds_read_b64"},
    {"global_load_dwordx4 V4, V2, off", "global_load_dwordx4"},
    {"global_load_dwordx4 A4, V1, S2 offset:-16", "global_load_dwordx4"},
    {"scratch_load_dword V1, off, S1", "scratch_load_dword"},
    {"buffer_load_dword V1, V1, S4, S1 offen", "buffer_load_dword"},
};

const Row kGfx10[] = {
    {"v_add_co_ci_u32 V1, C, V1, V1, C", "v_add_co_ci_u32"},
    {"v_dot4_i32_i8 V1, V1, V1, V1", "v_dot4_i32_i8"},
    {"v_permlanex16_b32 V1, V1, S1, S1", "v_permlanex16_b32", true},
    {"v_mov_b32_dpp V1, V1 dpp8:[1,0,3,2,5,4,7,6]", "v_mov_b32"},
    {"s_load_dwordx4 S4, S2, S1", "s_load_dwordx4"},
    {"ds_write_b64 V1, V2 offset:8", "ds_write_b64"},
    {"global_load_dwordx4 V4, V1, S2 offset:-16", "global_load_dwordx4"},
    {"buffer_load_dword V1, V1, S4, S1 offen", "buffer_load_dword"},
};

const Row kGfx11[] = {
    {"v_add_co_ci_u32 V1, C, V1, V1, C", "v_add_co_ci_u32"},
    {"v_dot4_i32_iu8 V1, V1, V1, V1", "v_dot4_i32_iu8"},
    {"v_permlanex16_b32 V1, V1, S1, S1", "v_permlanex16_b32", true},
    {"v_mov_b32_dpp V1, V1 dpp8:[1,0,3,2,5,4,7,6]", "v_mov_b32"},
    {"v_add_f32_e64_dpp V1, V1, V1 row_xmask:1", "v_add_f32"},
    {"s_mov_b32 S1, null", "s_mov_b32"},
    {"s_load_b128 S4, S2, S1", "s_load_b128"},
    {"ds_store_b64 V1, V2 offset:8", "ds_store_b64"},
    {"ds_load_b128 V4, V1", "ds_load_b128"},
    {"global_load_b96 V3, V1, S2 offset:16", "global_load_b96"},
    {"global_load_b128 V4, V2, off", "global_load_b128"},
    {"scratch_load_b32 V1, V1, S1", "scratch_load_b32"},
};

/// LLVM prints a memory operand where the instruction has it; the decoder has
/// address, scalar, data.
bool isMemory(const std::string &text) {
  for (const char *prefix : {"ds_", "global_", "scratch_", "buffer_"})
    if (text.starts_with(prefix))
      return true;
  return false;
}

class Decoding : public testing::TestWithParam<const Chip *> {
protected:
  const Chip &chip = *GetParam();
  Decoder decoder{chip, chip.name};
  std::mt19937 random{7};

  void testRow(const Row &row) {
    for (int trial = 0; trial < 4; ++trial) {
      const std::string text = filled(chip, row.pattern, random);
      const std::vector<uint8_t> bytes = assemble(text, chip);
      ASSERT_FALSE(bytes.empty()) << text;
      Instruction in;
      std::string error;
      ASSERT_TRUE(decoder.decode(bytes.data(), bytes.size(), in, error))
          << text << ": " << error;
      EXPECT_EQ(in.words * 4u, bytes.size()) << text;
      if (row.name)
        EXPECT_EQ(meaningOf(in.name), row.name);
      const std::string lines = printed(chip, bytes);
      std::vector<Register> expected = registersOf(chip, lines);
      std::vector<Register> found = registersOf(in);
      if (row.readsDestination)
        expected.push_back(expected[0]);
      if (isMemory(text)) {
        std::sort(expected.begin(), expected.end());
        std::sort(found.begin(), found.end());
      }
      EXPECT_EQ(found, expected) << chip.name << ":" << lines;
    }
  }
};

TEST_P(Decoding, FindsTheRegistersThatLlvmPrints) {
  for (const Row &row : kEverywhere)
    testRow(row);
  if (chip.generation == 9)
    for (const Row &row : kGfx9)
      testRow(row);
  else if (chip.generation == 10)
    for (const Row &row : kGfx10)
      testRow(row);
  else
    for (const Row &row : kGfx11)
      testRow(row);
}

/// The handler of the name is not there: the error says the name.
TEST_P(Decoding, NamesWhatIsUnknown) {
  const std::pair<const char *, const char *> rows[] = {
      {"s_getreg_b32 s0, hwreg(HW_REG_MODE)", "s_getreg_b32"},
      {"v_msad_u8 v0, v1, v2, v3", "v_msad_u8"},
  };
  for (const auto &[text, name] : rows) {
    const std::vector<uint8_t> bytes = assemble(text, chip);
    Instruction in;
    std::string error;
    EXPECT_FALSE(decoder.decode(bytes.data(), bytes.size(), in, error));
    EXPECT_TRUE(error.starts_with(std::string(name) + " (")) << error;
    EXPECT_TRUE(error.ends_with(") is not emulated")) << error;
  }
}

TEST_P(Decoding, RefusesWhatLlvmDoesNotKnow) {
  const std::vector<uint8_t> bytes(16, 0xff);
  Instruction in;
  std::string error;
  EXPECT_FALSE(decoder.decode(bytes.data(), bytes.size(), in, error));
  EXPECT_EQ(error, "LLVM does not know this instruction");
  // Half of an instruction of 8 bytes.
  const std::vector<uint8_t> whole = assemble("v_fma_f32 v0, v1, v2, v3", chip);
  EXPECT_FALSE(decoder.decode(whole.data(), 4, in, error));
}

TEST_P(Decoding, RefusesClampWhereItIsNotStated) {
  const std::vector<uint8_t> bytes =
      assemble("v_mad_u32_u24 v0, v1, v2, v3 clamp", chip);
  Instruction in;
  std::string error;
  EXPECT_FALSE(decoder.decode(bytes.data(), bytes.size(), in, error));
  EXPECT_EQ(error, "v_mad_u32_u24: clamp is not emulated");
}

/// VOPD: both halves read before either writes.
TEST(Pairs, ReadBeforeTheyWrite) {
  for (const char *name : {"gfx1100", "gfx1201"}) {
    Bench bench(*findChip(name));
    bench.randomise();
    std::vector<uint32_t> a(32), b(32);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      a[lane] = bench.v(1, lane);
      b[lane] = bench.v(2, lane);
    }
    ASSERT_EQ(bench.run("v_dual_mov_b32 v1, v2 :: v_dual_mov_b32 v2, v1"), "");
    for (uint32_t lane = 0; lane < 32; ++lane) {
      ASSERT_EQ(bench.v(1, lane), b[lane]);
      ASSERT_EQ(bench.v(2, lane), a[lane]);
    }
    for (uint32_t lane = 0; lane < 32; ++lane)
      bench.v(2, lane) = bench.v(3, lane) = bench.v(5, lane) =
          0x40000000; // 2.0
    ASSERT_EQ(bench.run("v_dual_fmac_f32 v3, v3, v5 :: "
                        "v_dual_fmamk_f32 v4, v5, 0x41000000, v2"),
              "");
    ASSERT_EQ(bench.v(3, 31), 0x40c00000u); // 2 * 2 + 2
    ASSERT_EQ(bench.v(4, 31), 0x41900000u); // 2 * 8 + 2
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, Decoding, testing::ValuesIn(allChips()),
                         [](const auto &info) { return info.param->name; });

} // namespace
} // namespace modelc::amdgpu
