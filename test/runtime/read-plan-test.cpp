//===- read-plan-test.cpp - What a plan is refused for
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each case spoils one field of a good plan, seals it again with right
// checksums, and expects one code and message.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include "toy-kernels.h"
#include <cstring>
#include <functional>
#include <gtest/gtest.h>

using namespace modelc::test;

namespace {

modelc_code openMemory(const PlanBytes &bytes, size_t kernels,
                       modelc_status *status) {
  const std::vector<ModelcKernel> functions(kernels, toy_append);
  modelc_plan *plan = nullptr;
  const modelc_code code = modelc_open_memory(
      bytes.data(), bytes.size(), functions.data(), kernels, &plan, status);
  EXPECT_EQ(plan != nullptr, code == MODELC_OK);
  modelc_close(plan);
  return code;
}

/// Two segments, as code of no meaning: kernels begin in the second.
PlanBuilder makePlanWithSegments() {
  PlanBuilder plan = makeToyPlan();
  plan.code.file.assign(0x1800, 0);
  plan.code.segments = {{0, 0, 0x800, 0x800}, {0x800, 0x1800, 0x1000, 0x1000}};
  for (ModelcKernelRecord &kernel : plan.kernels)
    kernel.codeOffset = 0x1900;
  return plan;
}

struct TableCase {
  const char *message;
  std::function<void(PlanBuilder &)> spoil;
  modelc_code code = MODELC_DATA_LOSS;
};

void expectRefusals(const std::vector<TableCase> &cases) {
  for (const TableCase &c : cases) {
    PlanBuilder plan = makePlanWithSegments();
    c.spoil(plan);
    modelc_status status;
    EXPECT_EQ(openMemory(plan.build(), plan.kernels.size(), &status), c.code)
        << c.message;
    EXPECT_STREQ(status.message,
                 (std::string("plan in memory: ") + c.message).c_str());
    EXPECT_EQ(status.code, c.code);
  }
}

TEST(ReadPlan, AcceptsWhatTheBuilderMakes) {
  modelc_status status;
  EXPECT_EQ(openMemory(makeToyPlan().build(), 3, &status), MODELC_OK);
  EXPECT_STREQ(status.message, "");
}

TEST(ReadPlan, ModelTables) {
  expectRefusals({
      {"STRINGS: offset 0 is not the empty string",
       [](PlanBuilder &p) { p.strings[0] = 'x'; }},
      {"STRINGS: the last string is not terminated",
       [](PlanBuilder &p) { p.strings.push_back('x'); }},
      {"STRINGS is missing", [](PlanBuilder &p) { p.strings.clear(); }},
      {"provenance: options: string 99999 out of range [0, 361)",
       [](PlanBuilder &p) {
         p.strings.resize(361);
         p.provenance.options = 99999;
       }},
      {"provenance: reserved is not zero",
       [](PlanBuilder &p) { p.provenance.reserved = 1; }},
      {"metadata 0: key: string 100000 out of range [0, 400)",
       [](PlanBuilder &p) {
         p.strings.resize(400);
         p.metadata[0].key = 100000;
       }},
      {"metadata 0 (toy.context_length): unknown type 9",
       [](PlanBuilder &p) { p.metadata[0].type = MODELC_META_ARRAY; }},
      {"metadata 0 (toy.context_length): unknown type 13",
       [](PlanBuilder &p) { p.metadata[0].type = 13; }},
      {"metadata 0 (toy.context_length): isArray or reserved is not canonical",
       [](PlanBuilder &p) { p.metadata[0].isArray = 2; }},
      {"metadata 0 (toy.context_length): isArray or reserved is not canonical",
       [](PlanBuilder &p) { p.metadata[0].reserved = 1; }},
      {"metadata 0 (toy.context_length): count 2, expected 1 as it is no array",
       [](PlanBuilder &p) { p.metadata[0].count = 2; }},
      {"metadata 0 (toy.context_length): dataOffset 0x4 not a multiple of 8",
       [](PlanBuilder &p) { p.metadata[0].dataOffset = 4; }},
      {"metadata 0 (toy.context_length): data at 0x1000 + 0x4 bytes passes "
       "METADATA_DATA's 0x800",
       [](PlanBuilder &p) {
         p.metadataData.resize(0x800);
         p.metadata[0].dataOffset = 0x1000;
       }},
      {"metadata 0 (toy.context_length): dataBytes 3 for 1 numbers of 4 bytes",
       [](PlanBuilder &p) { p.metadata[0].dataBytes = 3; }},
      {"metadata 0 (toy.context_length): dataBytes 4 for 4611686018427387905 "
       "numbers of 4 bytes",
       [](PlanBuilder &p) {
         p.metadata[0].isArray = 1;
         p.metadata[0].count = (uint64_t(1) << 62) + 1;
       }},
      {"metadata 2 (tokenizer.ggml.tokens): dataBytes 36 is too small for "
       "18446744073709551615 strings",
       [](PlanBuilder &p) { p.metadata[2].count = UINT64_MAX; }},
      {"metadata 2 (tokenizer.ggml.tokens): string 0 begins at 33, expected 32",
       [](PlanBuilder &p) { p.metadataData[p.metadata[2].dataOffset] = 33; }},
      {"metadata 2 (tokenizer.ggml.tokens): string 1 ends at 31, before it "
       "begins",
       [](PlanBuilder &p) {
         p.metadataData[p.metadata[2].dataOffset + 16] = 31;
       }},
      {"metadata 2 (tokenizer.ggml.tokens): the last string ends at 37, "
       "expected 36",
       [](PlanBuilder &p) {
         p.metadataData[p.metadata[2].dataOffset + 24] = 37;
       }},
      {"report row 0: string 77777 out of range [0, 500)",
       [](PlanBuilder &p) {
         p.strings.resize(500);
         p.report[0].reason = 77777;
       }},
      {"report row 0 (bias): isFallback 2, expected 0 or 1",
       [](PlanBuilder &p) { p.report[0].isFallback = 2; }},
      {"report row 0 (bias): rank 5 out of range [1, 4]",
       [](PlanBuilder &p) { p.report[0].rank = 5; }},
      {"report row 0 (bias): unused dimension 3 is 2, expected 1",
       [](PlanBuilder &p) { p.report[0].dims[3] = 2; }},
  });
}

TEST(ReadPlan, Variants) {
  expectRefusals({
      {"VARIANTS: 0 records, expected 1 to 64",
       [](PlanBuilder &p) { p.variants.clear(); }},
      {"VARIANTS: 65 records, expected 1 to 64",
       [](PlanBuilder &p) { p.variants.resize(65, p.variants[0]); }},
      {"variant 0: target: string 66666 out of range [0, 500)",
       [](PlanBuilder &p) {
         p.strings.resize(500);
         p.variants[0].target = 66666;
       }},
      {"variant 0: device kind 2, this version has only 0 (CPU) and 1 (HIP)",
       [](PlanBuilder &p) { p.variants[0].deviceKind = 2; },
       MODELC_UNIMPLEMENTED},
      {"variant 0: unknown features in 0x10000000000",
       [](PlanBuilder &p) { p.variants[0].features = uint64_t(1) << 40; },
       MODELC_UNIMPLEMENTED},
      {"variant 0: reserved is not zero",
       [](PlanBuilder &p) { p.variants[0].reserved[2] = 1; }},
      {"variant 0: ubatch 0 out of range [1, 1048576]",
       [](PlanBuilder &p) { p.variants[0].ubatch = 0; }},
      {"variant 0: vocabSize 4294967295 out of range [1, 2147483647]",
       [](PlanBuilder &p) { p.variants[0].vocabSize = UINT32_MAX; }},
      {"variant 0: contextLength 0 out of range [1, 2147483647]",
       [](PlanBuilder &p) { p.variants[0].contextLength = 0; }},
      {"variant 0: logitsOffset 0x84 not 128-aligned",
       [](PlanBuilder &p) { p.variants[0].logitsOffset = 0x84; }},
      {"variant 0: logits at 0x80, 9 x 32 floats, pass the arena's 0x480 "
       "bytes",
       [](PlanBuilder &p) { p.variants[0].ubatch = 9; }},
      {"variant 0: logits at 0x80, 1048576 x 2147483647 floats, pass the "
       "arena's 0x480 bytes",
       [](PlanBuilder &p) {
         p.variants[0].ubatch = MODELC_MAX_UBATCH;
         p.variants[0].vocabSize = INT32_MAX;
       }},
      {"section 6 (KERNELS): variant 1 out of range [0, 1)",
       [](PlanBuilder &p) { p.sectionVariant = 1; }},
  });
}

TEST(ReadPlan, Code) {
  expectRefusals({
      {"variant 0: has one of CODE and CODE_SEGMENTS, needs both",
       [](PlanBuilder &p) { p.code.segments.clear(); }},
      {"variant 0: has one of CODE and CODE_SEGMENTS, needs both",
       [](PlanBuilder &p) { p.code.file.clear(); }},
      {"variant 0: 65 code segments, expected at most 64",
       [](PlanBuilder &p) { p.code.segments.resize(65, p.code.segments[0]); }},
      {"code segment 0: memoryBytes 0x801, expected fileBytes 0x800",
       [](PlanBuilder &p) { p.code.segments[0].memoryBytes = 0x801; },
       MODELC_UNIMPLEMENTED},
      {"code segment 0: is empty",
       [](PlanBuilder &p) { p.code.segments[0] = {0, 0, 0, 0}; }},
      {"code segment 1: offset 0x801 + 0x1000 bytes passes CODE's 0x1800",
       [](PlanBuilder &p) { p.code.segments[1].fileOffset = 0x801; }},
      {"code segment 1: fileOffset 0x800 and address 0x1801 differ modulo the "
       "page size",
       [](PlanBuilder &p) { p.code.segments[1].address = 0x1801; }},
      {"code segment 1: address 0xfffffffffffff800 + 0x1000 bytes passes the "
       "largest image, 0x40000000",
       [](PlanBuilder &p) { p.code.segments[1].address = 0xfffffffffffff800; }},
      {"code segment 1: address 0x800 before the end of the last segment's "
       "page, 0x1000",
       [](PlanBuilder &p) { p.code.segments[1].address = 0x800; }},
      {"kernel 2 (toy_logits): codeOffset 0x800 is in no code segment",
       [](PlanBuilder &p) { p.kernels[2].codeOffset = 0x800; }},
      {"kernel 2 (toy_logits): codeOffset 0x2800 is in no code segment",
       [](PlanBuilder &p) { p.kernels[2].codeOffset = 0x2800; }},
      {"kernel 0: name: string 55555 out of range [0, 500)",
       [](PlanBuilder &p) {
         p.strings.resize(500);
         p.kernels[0].name = 55555;
       }},
      {"kernel 0 (toy_append): has work-groups on a CPU",
       [](PlanBuilder &p) { p.kernels[0].groupThreads = 1; }},
      {"kernel 0 (toy_append): has work-groups on a CPU",
       [](PlanBuilder &p) { p.kernels[0].groupTiles = 1; }},
  });
}

TEST(ReadPlan, WeightsAndStates) {
  expectRefusals({
      {"weight 1 (bias): offset 0x81 not 128-aligned",
       [](PlanBuilder &p) { p.weights[1].offset = 0x81; }},
      {"weight 1 (bias): offset 0x100 + 0x80 bytes passes WEIGHTS' 0x100",
       [](PlanBuilder &p) { p.weights[1].offset = 0x100; }},
      {"weight 1 (bias): offset 0x80 before the end of first at 0x81",
       [](PlanBuilder &p) { p.weights[0].sizeBytes = 0x81; }},
      {"weight 1 (bias): rank 0 out of range [1, 4]",
       [](PlanBuilder &p) { p.weights[1].rank = 0; }},
      {"weight 1 (bias): unused dimension 1 is 0, expected 1",
       [](PlanBuilder &p) { p.weights[1].dims[1] = 0; }},
      {"weight 1 (bias): reserved is not zero",
       [](PlanBuilder &p) { p.weights[1].reserved = 1; }},
      {"weight 1: layout: string 44444 out of range [0, 500)",
       [](PlanBuilder &p) {
         p.strings.resize(500);
         p.weights[1].layout = 44444;
       }},
      {"state 0 (ids): kind 2 is reserved",
       [](PlanBuilder &p) { p.states[0].kind = MODELC_STATE_RING; },
       MODELC_UNIMPLEMENTED},
      {"state 0 (ids): sequenceBytes 0 not a positive multiple of 128",
       [](PlanBuilder &p) { p.states[0].kind = MODELC_STATE_SEQUENCE; }},
      {"state 0 (ids): pageBytes 256 and windowTokens 0, expected 0 for a "
       "state of sequences",
       [](PlanBuilder &p) {
         p.states[0].kind = MODELC_STATE_SEQUENCE;
         p.states[0].sequenceBytes = 256;
       }},
      {"state 0 (ids): a state of sequences that can be rolled back",
       [](PlanBuilder &p) {
         p.states[0].kind = MODELC_STATE_SEQUENCE;
         p.states[0].pageBytes = 0;
         p.states[0].sequenceBytes = 256;
       }},
      {"state 0 (ids): unknown kind 4",
       [](PlanBuilder &p) { p.states[0].kind = 4; }, MODELC_UNIMPLEMENTED},
      {"state 0 (ids): unknown flags 0x2",
       [](PlanBuilder &p) { p.states[0].flags = 2; }, MODELC_UNIMPLEMENTED},
      {"state 0 (ids): pageBytes 64 not a positive multiple of 128",
       [](PlanBuilder &p) { p.states[0].pageBytes = 64; }},
      {"state 0 (ids): windowTokens 2147483648 out of range [0, 2147483647]",
       [](PlanBuilder &p) { p.states[0].windowTokens = uint64_t(1) << 31; }},
      {"state 1 (positions): sequenceBytes 7, expected 0 for a paged state",
       [](PlanBuilder &p) { p.states[1].sequenceBytes = 7; }},
  });
}

TEST(ReadPlan, Operands) {
  // 0, 1: append's states; 2 .. 5: fold's; 6 .. 8: logits.one's.
  expectRefusals({
      {"operand 0: device 1, expected 0",
       [](PlanBuilder &p) { p.operands[0].device = 1; }, MODELC_UNIMPLEMENTED},
      {"operand 0: unknown space 6",
       [](PlanBuilder &p) {
         p.operands[0].space = 6;
         p.operands[0].index = 0;
       },
       MODELC_UNIMPLEMENTED},
      {"operand 0: space 4 (scratch) is reserved",
       [](PlanBuilder &p) { p.operands[0].space = MODELC_SPACE_SCRATCH; },
       MODELC_UNIMPLEMENTED},
      {"operand 1: state 2 out of range [0, 2)",
       [](PlanBuilder &p) { p.operands[1].index = 2; }},
      {"operand 1: state offset 0x80, expected 0",
       [](PlanBuilder &p) { p.operands[1].offset = 128; }},
      {"operand 1: offset 0x0 + 0x81 bytes passes the 0x80 of the state's "
       "page",
       [](PlanBuilder &p) { p.operands[1].sizeBytes = 0x81; }},
      {"operand 4: offset 0x1 + 0x4 bytes passes the 0x4 of CONSTANTS",
       [](PlanBuilder &p) { p.operands[4].offset = 1; }},
      {"operand 4: index 3, expected 0",
       [](PlanBuilder &p) { p.operands[4].index = 3; }},
      {"operand 5: arena offset 0x40 not 128-aligned",
       [](PlanBuilder &p) { p.operands[5].offset = 0x40; }},
      {"operand 5: offset 0x480 + 0x20 bytes passes the 0x480 of the arena",
       [](PlanBuilder &p) { p.operands[5].offset = 0x480; }},
      {"operand 5: offset 0xffffffffffffff80 + 0x20 bytes passes the 0x480 of "
       "the arena",
       [](PlanBuilder &p) { p.operands[5].offset = uint64_t(-128); }},
      {"operand 7: weight 2 out of range [0, 2)",
       [](PlanBuilder &p) { p.operands[7].index = 2; }},
      {"operand 7: offset 0x4 + 0x80 bytes passes the 0x80 of bias",
       [](PlanBuilder &p) { p.operands[7].offset = 4; }},
      {"operand 5: inputs offset 0x80, expected 0",
       [](PlanBuilder &p) {
         p.operands[5].space = MODELC_SPACE_INPUTS;
         p.operands[5].offset = 128;
       }},
      {"operand 5: offset 0x0 + 0x1000 bytes passes the 0x38 of the step "
       "inputs",
       [](PlanBuilder &p) {
         p.operands[5] = {MODELC_SPACE_INPUTS, 0, 0, 0, 0x1000};
       }},
  });
}

TEST(ReadPlan, Steps) {
  expectRefusals({
      {"step 2: kernel 7 out of range [0, 3)",
       [](PlanBuilder &p) { p.steps[2].kernel = 7; }},
      {"step 2: name: string 33333 out of range [0, 500)",
       [](PlanBuilder &p) {
         p.strings.resize(500);
         p.steps[2].name = 33333;
       }},
      {"step 3: operands [10, +3) out of range [0, 12)",
       [](PlanBuilder &p) { p.steps[3].firstOperand = 10; }},
      {"step 0: unknown flags 0x3",
       [](PlanBuilder &p) { p.steps[0].flags = 3; }, MODELC_UNIMPLEMENTED},
      {"step 0: device 1, expected 0",
       [](PlanBuilder &p) { p.steps[0].device = 1; }, MODELC_UNIMPLEMENTED},
      {"step 0: reserved is not zero",
       [](PlanBuilder &p) { p.steps[0].reserved0 = 1; }},
      {"step 0: countSource 3 is reserved",
       [](PlanBuilder &p) { p.steps[0].countSource = MODELC_COUNT_LENGTH; },
       MODELC_UNIMPLEMENTED},
      {"step 0: countOffset 0x0 and countLimit 1, expected 0",
       [](PlanBuilder &p) { p.steps[0].countLimit = 1; }},
      {"step 0: countLimit 0, expected 1 or more",
       [](PlanBuilder &p) { p.steps[0].countSource = MODELC_COUNT_ARENA_U32; }},
      {"step 0: countOffset 0x2 is no u32 of the arena's 0x480 bytes",
       [](PlanBuilder &p) {
         p.steps[0].countSource = MODELC_COUNT_ARENA_U32;
         p.steps[0].countOffset = 2;
       }},
      {"step 0: countOffset 0x480 is no u32 of the arena's 0x480 bytes",
       [](PlanBuilder &p) {
         p.steps[0].countSource = MODELC_COUNT_ARENA_U32;
         p.steps[0].countOffset = 0x480;
       }},
      {"step 0: countOffset 0xfffffffffffffffc is no u32 of the arena's 0x480 "
       "bytes",
       [](PlanBuilder &p) {
         p.steps[0].countSource = MODELC_COUNT_ARENA_U32;
         p.steps[0].countOffset = uint64_t(-4);
       }},
      {"step 0: 4294967295 tiles for count 4294967295, at most 2147483647",
       [](PlanBuilder &p) {
         p.steps[0].countSource = MODELC_COUNT_ARENA_U32;
         p.steps[0].countLimit = UINT32_MAX;
       }},
      {"step 0: unknown countSource 5",
       [](PlanBuilder &p) { p.steps[0].countSource = 5; },
       MODELC_UNIMPLEMENTED},
      {"step 0: countOffset 0x80 and countLimit 0, expected 0",
       [](PlanBuilder &p) { p.steps[0].countOffset = 0x80; }},
      {"step 0: minCount 9 above maxCount 8",
       [](PlanBuilder &p) { p.steps[0].minCount = 9; }},
      {"step 0: tileDivisor 0 and tileMultiplier 1, expected 1 or more",
       [](PlanBuilder &p) { p.steps[0].tileDivisor = 0; }},
      {"step 0: tileDivisor 1 and tileMultiplier 0, expected 1 or more",
       [](PlanBuilder &p) { p.steps[0].tileMultiplier = 0; }},
      {"step 0: 34359738360 tiles for count 8, at most 2147483647",
       [](PlanBuilder &p) { p.steps[0].tileMultiplier = UINT32_MAX; }},
  });
}

struct BytesCase {
  const char *message;
  std::function<void(PlanBytes &)> spoil;
  modelc_code code = MODELC_DATA_LOSS;
};

TEST(ReadPlan, HeaderAndSections) {
  // Sections of the plan: 0 STRINGS, 1 PROVENANCE, 2 METADATA, 3
  // METADATA_DATA, 4 REPORT, 5 VARIANTS, 6 KERNELS, .. 12 WEIGHTS.
  const std::vector<BytesCase> cases = {
      {"not a plan: does not begin with MPLAN",
       [](PlanBytes &b) { b.header().magic[5] = '\n'; }},
      {"format version 2, this runtime reads 1",
       [](PlanBytes &b) { b.header().version = 2; },
       MODELC_FAILED_PRECONDITION},
      {"header: headerBytes 65, expected 64",
       [](PlanBytes &b) { b.header().headerBytes = 65; }},
      {"header: sectionBytes 40, expected 32",
       [](PlanBytes &b) { b.header().sectionBytes = 40; }},
      {"has 57344 bytes, its header says 61440",
       [](PlanBytes &b) { b.header().fileBytes += 4096; }},
      {"header: sectionCount 0 out of range [1, 1024]",
       [](PlanBytes &b) { b.header().sectionCount = 0; }},
      {"header: sectionCount 1025 out of range [1, 1024]",
       [](PlanBytes &b) { b.header().sectionCount = 1025; }},
      {"header: reserved is not zero",
       [](PlanBytes &b) { b.header().reserved[6] = 1; }},
      {"section 2: unknown kind 16",
       [](PlanBytes &b) { b.sections()[2].kind = 16; }, MODELC_UNIMPLEMENTED},
      {"section 2: unknown kind 0",
       [](PlanBytes &b) { b.sections()[2].kind = 0; }, MODELC_UNIMPLEMENTED},
      {"section 2 (METADATA): shard 1, expected 0",
       [](PlanBytes &b) { b.sections()[2].shard = 1; }, MODELC_UNIMPLEMENTED},
      {"section 2 (METADATA): variant 0, expected all (0xffff)",
       [](PlanBytes &b) { b.sections()[2].variant = 0; }},
      {"section 2 (METADATA): recordBytes 16, expected 32",
       [](PlanBytes &b) { b.sections()[2].recordBytes = 16; }},
      {"section 2 (METADATA): sizeBytes 97 not a multiple of 32",
       [](PlanBytes &b) { b.sections()[2].sizeBytes += 1; }},
      {"section 12 (WEIGHTS): offset 0xd000 + 0x2000 bytes passes the file's "
       "0xe000",
       [](PlanBytes &b) { b.sections()[12].sizeBytes = 0x2000; }},
      {"section 12 (WEIGHTS): offset 0xfffffffffffff000 + 0x100 bytes passes "
       "the file's 0xe000",
       [](PlanBytes &b) { b.sections()[12].offset = uint64_t(-4096); }},
      {"section 3 (STRINGS): section 0 has the same kind and variant",
       [](PlanBytes &b) { b.sections()[3].kind = MODELC_SECTION_STRINGS; }},
      {"section 7 (KERNELS): section 6 has the same kind and variant",
       [](PlanBytes &b) {
         b.sections()[7] = b.sections()[6];
         b.sections()[7].variant = 0;
       }},
      {"section 1 (PROVENANCE): offset 0x2008, expected 0x2000",
       [](PlanBytes &b) { b.sections()[1].offset += 8; }},
      {"section 1 (PROVENANCE): offset 0x1000, expected 0x2000",
       [](PlanBytes &b) { b.sections()[1].offset = 0x1000; }},
      {"section 12 (WEIGHTS): checksum 0x00000001, but its bytes have "
       "0x00000000",
       [](PlanBytes &b) { b.sections()[12].checksum = 1; }},
      {"PROVENANCE: 2 records, expected 1",
       [](PlanBytes &b) {
         b.section(MODELC_SECTION_PROVENANCE).sizeBytes *= 2;
       }},
  };
  for (const BytesCase &c : cases) {
    PlanBytes bytes = makeToyPlan().build();
    c.spoil(bytes);
    bytes.reseal();
    modelc_status status;
    EXPECT_EQ(openMemory(bytes, 3, &status), c.code) << c.message;
    EXPECT_STREQ(status.message,
                 (std::string("plan in memory: ") + c.message).c_str());
  }
}

TEST(ReadPlan, ChecksumsAndPadding) {
  modelc_status status;
  PlanBytes bytes = makeToyPlan().build();
  bytes.header().checksum ^= 1;
  EXPECT_EQ(openMemory(bytes, 3, &status), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "header: checksum 0x"), nullptr);

  bytes = makeToyPlan().build();
  bytes.data()[bytes.section(MODELC_SECTION_STEPS).offset + 8] ^= 1;
  EXPECT_EQ(openMemory(bytes, 3, &status), MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "section 7 (STEPS): checksum 0x"), nullptr)
      << status.message;

  bytes = makeToyPlan().build();
  bytes.data()[0xfff] = 1;
  EXPECT_EQ(openMemory(bytes, 3, &status), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message, "plan in memory: padding at [0x1e0, 0x1000) is "
                               "not zero");

  bytes = makeToyPlan().build();
  bytes.data()[bytes.size() - 1] = 1;
  EXPECT_EQ(openMemory(bytes, 3, &status), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message, "plan in memory: padding at [0xd100, 0xe000) "
                               "is not zero");
}

// A large weights section begins on 2 MiB, so that it can be mapped with huge
// pages.
TEST(ReadPlan, HugeWeightsAreAligned) {
  const uint64_t huge = (uint64_t(64) << 20) + 1;
  PlanBuilder plan = makeToyPlan();
  const PlanBytes small = plan.build();
  const uint64_t before = small.section(MODELC_SECTION_WEIGHTS).offset;
  const uint64_t aligned = 2 << 20;
  for (uint64_t offset : {before, aligned}) {
    PlanBytes bytes(offset + huge + 4095);
    memcpy(bytes.data(), small.data(), before);
    memcpy(bytes.data() + offset, small.data() + before, small.size() - before);
    bytes.header().fileBytes = bytes.size();
    bytes.section(MODELC_SECTION_WEIGHTS).offset = offset;
    bytes.section(MODELC_SECTION_WEIGHTS).sizeBytes = huge;
    bytes.reseal();
    modelc_status status;
    EXPECT_EQ(openMemory(bytes, 3, &status),
              offset == aligned ? MODELC_OK : MODELC_DATA_LOSS)
        << status.message;
    if (offset != aligned)
      EXPECT_STREQ(status.message, "plan in memory: section 12 (WEIGHTS): "
                                   "offset 0xd000, expected 0x200000");
  }
}

TEST(ReadPlan, MemoryArguments) {
  modelc_status status;
  PlanBytes bytes = makeToyPlan().build();
  EXPECT_EQ(openMemory(bytes, 2, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "plan in memory: 2 kernels given, its first "
                               "variant has 3");
  modelc_plan *plan = nullptr;
  EXPECT_EQ(modelc_open_memory(bytes.data() + 8, bytes.size() - 8, nullptr, 0,
                               &plan, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "plan in memory: the plan's bytes are not aligned to 4096");
}

// A damaged string cannot put control characters into a message.
TEST(ReadPlan, MessagesArePrintable) {
  PlanBuilder plan = makeToyPlan();
  plan.states[0].name = plan.string("i\n\x1b[31md");
  plan.states[0].kind = 9;
  modelc_status status;
  EXPECT_EQ(openMemory(plan.build(), 3, &status), MODELC_UNIMPLEMENTED);
  EXPECT_STREQ(status.message,
               "plan in memory: state 0 (i??[31md): unknown kind 9");
  EXPECT_EQ(openMemory(plan.build(), 3, nullptr), MODELC_UNIMPLEMENTED);
}

} // namespace
