//===- write-variant-test.cpp - plan.variant as records
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op of one small variant, field by field.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/WriteVariant.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"
#include <cstring>

using namespace modelc;
using namespace modelc::emit;

static constexpr llvm::StringLiteral kText = R"mlir(
#zero = affine_map<(n, j) -> (0)>
#row = affine_map<(n, j) -> (n * 32)>
#mapped = #pack.layout<"mapped.f32", source = f32, group = [1, 1], bytes = 4,
    align = 1, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0,
                                     map = #zero>]>
#rows = #pack.layout<"f32.m4k1", source = f32, group = [4, 1], bytes = 16,
    align = 4, fields = [#pack.field<"values", bits = 32, unit = 1, flip = 0,
                                     map = #row>]>
plan.variant @cascadelake ubatch 8 features 4095 logits @y arena 1408 {
  plan.weight @norm : !pack.tensor<33, #mapped> reason <not_a_matmul> at 0
  plan.weight @table : !pack.tensor<6x8, #mapped> reason <gather_only> at 256
  plan.constant @ones dense<1.0> : tensor<3xf64> at 0
  plan.constant @pair dense<[7, 8]> : tensor<2xi32> at 128
  plan.state @kv.0.k page 2048
  plan.slot @x bytes 1024 at 0
  plan.slot @y bytes 300 at 1024
  plan.kernel @embed #plan.embed<table = #mapped, columns = 8>
  plan.kernel @copy #plan.prepare<columns = 8, layout = #rows, gather = false>
  plan.step "embed" @embed [@table, @x] for tokens in [1, 8] tiles 1 * 2
      bytes 192 ops 5
  plan.step "keep" @copy [@x, @kv.0.k] for one in [0, 1] tiles 4 * 1
      bytes 0 ops 0
  plan.step "add" @copy [@pair, @y] for outputs in [2, 8] tiles 4 * 6 barrier
      bytes 0 ops 1536
  plan.step "counted" @copy [@x, @kv.0.k] for tokens in [1, 4]
      counter @y[8] limit 6 tiles 1 * 3 bytes 64 ops 10
}
)mlir";

namespace {

class WriteVariant : public testing::Test {
protected:
  WriteVariant() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<plan::PlanDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(kText, &context);
    code.bytes = "\x7f"
                 "ELF and so on";
    code.segments = {{0, 0x1000, 14, 14}};
    code.addresses = {0x1040, 0x1080};
  }

  VariantTables write(const codegen::CodeImage *image) {
    return makeVariantTables(*module->getOps<plan::VariantOp>().begin(),
                             {96, 64, 8, 2}, image, strings);
  }

  std::string getString(uint32_t offset) {
    Section section = strings.finish();
    return reinterpret_cast<const char *>(section.bytes.data()) + offset;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  codegen::CodeImage code;
  StringTable strings;
};

} // namespace

TEST_F(WriteVariant, Variant) {
  VariantTables tables = write(&code);
  const ModelcVariant &v = tables.variant;
  EXPECT_EQ(getString(v.target), "cascadelake");
  EXPECT_EQ(v.deviceKind, uint32_t(MODELC_DEVICE_CPU));
  EXPECT_EQ(v.features, 4095u);
  EXPECT_EQ(v.arenaBytes, 1408u);
  EXPECT_EQ(v.scratchBytes, 0u);
  EXPECT_EQ(v.logitsOffset, 1024u);
  EXPECT_EQ(v.ubatch, 8u);
  EXPECT_EQ(v.vocabSize, 96u);
  EXPECT_EQ(v.contextLength, 64u);
  EXPECT_EQ(v.embeddingLength, 8u);
  EXPECT_EQ(v.layerCount, 2u);
}

TEST_F(WriteVariant, Weights) {
  VariantTables tables = write(&code);
  ASSERT_EQ(tables.weights.size(), 2u);
  const ModelcWeight &norm = tables.weights[0], &table = tables.weights[1];
  EXPECT_EQ(getString(norm.name), "norm");
  EXPECT_EQ(norm.typeId, 0u); // GGML_TYPE_F32
  EXPECT_EQ(norm.offset, 0u);
  EXPECT_EQ(norm.sizeBytes, 132u);
  EXPECT_EQ(norm.rank, 1u);
  EXPECT_EQ(norm.dims[0], 33u);
  EXPECT_EQ(norm.dims[1], 1u);
  EXPECT_EQ(norm.checksum, 0u);
  EXPECT_EQ(table.offset, 256u);
  EXPECT_EQ(table.sizeBytes, 192u);
  EXPECT_EQ(table.rank, 2u);
  EXPECT_EQ(table.dims[0], 6u);
  EXPECT_EQ(table.dims[1], 8u);
  EXPECT_EQ(table.dims[2], 1u);
  EXPECT_EQ(tables.weightBytes, 448u);
  // The layout's text is whole: it needs no alias of the module.
  EXPECT_EQ(getString(table.layout).find("#pack.layout<\"mapped.f32\""), 0u);
  EXPECT_NE(getString(table.layout).find("affine_map<"), std::string::npos);
}

// A splat has all its elements in the file, and what aligning leaves is zero.
TEST_F(WriteVariant, Constants) {
  VariantTables tables = write(&code);
  ASSERT_EQ(tables.constants.size(), 136u);
  double ones[3];
  int32_t pair[2];
  std::memcpy(ones, tables.constants.data(), sizeof(ones));
  std::memcpy(pair, tables.constants.data() + 128, sizeof(pair));
  for (double one : ones)
    EXPECT_EQ(one, 1.0);
  EXPECT_EQ(pair[0], 7);
  EXPECT_EQ(pair[1], 8);
  for (size_t i = sizeof(ones); i < 128; ++i)
    EXPECT_EQ(tables.constants[i], 0);
}

TEST_F(WriteVariant, StatesKernelsCode) {
  VariantTables tables = write(&code);
  ASSERT_EQ(tables.states.size(), 1u);
  EXPECT_EQ(getString(tables.states[0].name), "kv.0.k");
  EXPECT_EQ(tables.states[0].kind, MODELC_STATE_PAGED);
  EXPECT_EQ(tables.states[0].flags, MODELC_STATE_CAN_ROLL_BACK);
  EXPECT_EQ(tables.states[0].pageBytes, 2048u);
  ASSERT_EQ(tables.kernels.size(), 2u);
  EXPECT_EQ(getString(tables.kernels[1].name), "copy");
  EXPECT_EQ(tables.kernels[0].codeOffset, 0x1040u);
  EXPECT_EQ(tables.kernels[1].codeOffset, 0x1080u);
  EXPECT_EQ(std::string(tables.code.begin(), tables.code.end()), code.bytes);
  ASSERT_EQ(tables.codeSegments.size(), 1u);
  EXPECT_EQ(tables.codeSegments[0].address, 0x1000u);
}

// Kernels that are in memory already leave the code's tables empty, and two
// sections fewer.
TEST_F(WriteVariant, WithoutCode) {
  VariantTables without = write(nullptr);
  EXPECT_TRUE(without.code.empty());
  EXPECT_TRUE(without.codeSegments.empty());
  EXPECT_EQ(without.kernels[1].codeOffset, 0u);
  std::vector<Section> sections;
  appendVariantSections(without, 0, sections);
  EXPECT_EQ(sections.size(), 6u);
  appendVariantSections(write(&code), 0, sections);
  EXPECT_EQ(sections.size(), 14u);
}

TEST_F(WriteVariant, Steps) {
  VariantTables tables = write(&code);
  ASSERT_EQ(tables.steps.size(), 4u);
  const ModelcStep &embed = tables.steps[0], &add = tables.steps[2];
  EXPECT_EQ(getString(embed.name), "embed");
  EXPECT_EQ(embed.kernel, 0u);
  EXPECT_EQ(embed.firstOperand, 0u);
  EXPECT_EQ(embed.operandCount, 2);
  EXPECT_EQ(embed.countSource, MODELC_COUNT_TOKENS);
  EXPECT_EQ(embed.flags, 0);
  EXPECT_EQ(embed.minCount, 1u);
  EXPECT_EQ(embed.maxCount, 8u);
  EXPECT_EQ(embed.tileDivisor, 1u);
  EXPECT_EQ(embed.tileMultiplier, 2u);
  EXPECT_EQ(embed.bytesFixed, 192u);
  EXPECT_EQ(embed.opsPerCount, 5u);
  EXPECT_EQ(tables.steps[1].countSource, MODELC_COUNT_ONE);
  EXPECT_EQ(tables.steps[1].minCount, 0u);
  EXPECT_EQ(add.kernel, 1u);
  EXPECT_EQ(add.firstOperand, 4u);
  EXPECT_EQ(add.countSource, MODELC_COUNT_OUTPUTS);
  EXPECT_EQ(add.flags, MODELC_STEP_BARRIER);
  EXPECT_EQ(add.tileDivisor, 4u);
  EXPECT_EQ(add.tileMultiplier, 6u);
  EXPECT_EQ(add.countOffset, 0u);
  EXPECT_EQ(add.countLimit, 0u);
}

// The bounds stay those of tokens; the counter is a place in the arena.
TEST_F(WriteVariant, Counter) {
  const ModelcStep step = write(&code).steps[3];
  EXPECT_EQ(step.countSource, MODELC_COUNT_ARENA_U32);
  EXPECT_EQ(step.minCount, 1u);
  EXPECT_EQ(step.maxCount, 4u);
  EXPECT_EQ(step.countOffset, 1024u + 8);
  EXPECT_EQ(step.countLimit, 6u);
  EXPECT_EQ(step.tileMultiplier, 3u);
  EXPECT_EQ(step.bytesFixed, 64u);
  EXPECT_EQ(step.opsPerCount, 10u);
}

TEST_F(WriteVariant, Operands) {
  struct Row {
    uint32_t space, index;
    uint64_t offset, sizeBytes;
  } expected[] = {
      {MODELC_SPACE_WEIGHTS, 1, 0, 192},   // @table
      {MODELC_SPACE_ARENA, 0, 0, 1024},    // @x
      {MODELC_SPACE_ARENA, 0, 0, 1024},    // @x
      {MODELC_SPACE_STATE, 0, 0, 2048},    // @kv.0.k
      {MODELC_SPACE_CONSTANTS, 0, 128, 8}, // @pair
      {MODELC_SPACE_ARENA, 0, 1024, 300},  // @y
      {MODELC_SPACE_ARENA, 0, 0, 1024},    // @x
      {MODELC_SPACE_STATE, 0, 0, 2048},    // @kv.0.k
  };
  VariantTables tables = write(&code);
  ASSERT_EQ(tables.operands.size(), std::size(expected));
  for (auto [i, operand] : llvm::enumerate(tables.operands)) {
    EXPECT_EQ(operand.space, expected[i].space) << i;
    EXPECT_EQ(operand.index, expected[i].index) << i;
    EXPECT_EQ(operand.offset, expected[i].offset) << i;
    EXPECT_EQ(operand.sizeBytes, expected[i].sizeBytes) << i;
    EXPECT_EQ(operand.device, 0) << i;
  }
}
