//===- rope-test.cpp - Rotary embeddings from metadata
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys of llama.cpp's converters and the #model.rope that they mean.
//
//===----------------------------------------------------------------------===//

#include "test/import/ImportFixture.h"
#include <cmath>

using namespace modelc;
using namespace modelc::test;
using model::GgmlType;
using model::RopeScaling;

namespace {

class RopeTest : public ImportTest {
protected:
  /// Of the one table; after "ok".
  model::RopeAttr getRope() {
    return findOps<model::RopeTableOp>().front().getRope();
  }
};

double get(mlir::FloatAttr attr) { return attr.getValueAsDouble(); }

GgufBuilder buildYarn() {
  return buildTinyLlama()
      .string("llama.rope.scaling.type", "yarn")
      .f32("llama.rope.scaling.factor", 4);
}

} // namespace

TEST_F(RopeTest, Defaults) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  model::RopeAttr rope = getRope();
  EXPECT_EQ(rope.getDims(), 4);
  EXPECT_EQ(rope.getPairing(), model::RopePairing::Adjacent);
  EXPECT_EQ(get(rope.getBase()), 10000);
  EXPECT_EQ(rope.getScaling(), RopeScaling::None);
  EXPECT_EQ(get(rope.getFactor()), 1);
  EXPECT_EQ(rope.getOriginalContext(), 64);
  EXPECT_EQ(get(rope.getAttentionFactor()), 1);
  EXPECT_EQ(get(rope.getExtFactor()), 0);
  EXPECT_FALSE(findOps<model::RopeTableOp>().front().getDivisors());
}

TEST_F(RopeTest, BaseAndDims) {
  ASSERT_EQ(import(buildTinyLlama()
                       .f32("llama.rope.freq_base", 5e5f)
                       .u32("llama.rope.dimension_count", 2)),
            "ok");
  EXPECT_EQ(get(getRope().getBase()), 5e5);
  EXPECT_EQ(getRope().getDims(), 2);
  EXPECT_EQ(findOps<model::RopeOp>().front().getHeadDim(), 4u);
}

// A factor alone means linear scaling; 0 and 1 mean none.
TEST_F(RopeTest, Linear) {
  for (const char *key :
       {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    ASSERT_EQ(import(buildTinyLlama().f32(key, 8)), "ok");
    EXPECT_EQ(getRope().getScaling(), RopeScaling::Linear);
    EXPECT_EQ(get(getRope().getFactor()), 8);
    for (float factor : {0.0f, 1.0f}) {
      ASSERT_EQ(import(buildTinyLlama().f32(key, factor)), "ok");
      EXPECT_EQ(getRope().getScaling(), RopeScaling::None);
      EXPECT_EQ(get(getRope().getFactor()), 1);
    }
  }
  ASSERT_EQ(import(buildTinyLlama()
                       .string("llama.rope.scaling.type", "linear")
                       .f32("llama.rope.scaling.factor", 2)
                       .f32("llama.rope.scale_linear", 3)),
            "ok");
  EXPECT_EQ(get(getRope().getFactor()), 2);
}

TEST_F(RopeTest, NoneForbidsAFactor) {
  ASSERT_EQ(import(buildTinyLlama()
                       .string("llama.rope.scaling.type", "none")
                       .f32("llama.rope.scaling.factor", 8)),
            "ok");
  EXPECT_EQ(getRope().getScaling(), RopeScaling::None);
  EXPECT_EQ(get(getRope().getFactor()), 1);
}

TEST_F(RopeTest, YarnDefaults) {
  ASSERT_EQ(import(buildYarn()), "ok");
  model::RopeAttr rope = getRope();
  EXPECT_EQ(rope.getScaling(), RopeScaling::Yarn);
  EXPECT_EQ(get(rope.getFactor()), 4);
  EXPECT_EQ(rope.getOriginalContext(), 64);
  EXPECT_EQ(get(rope.getExtFactor()), 1);
  EXPECT_EQ(get(rope.getBetaFast()), 32);
  EXPECT_EQ(get(rope.getBetaSlow()), 1);
  EXPECT_FLOAT_EQ(get(rope.getAttentionFactor()), 1 + 0.1 * std::log(4.0));
}

TEST_F(RopeTest, YarnInFull) {
  ASSERT_EQ(import(buildYarn()
                       .u32("llama.rope.scaling.original_context_length", 16)
                       .f32("llama.rope.scaling.attn_factor", 0.5f)
                       .f32("llama.rope.scaling.yarn_ext_factor", 0.75f)
                       .f32("llama.rope.scaling.yarn_beta_fast", 48)
                       .f32("llama.rope.scaling.yarn_beta_slow", 2)),
            "ok");
  model::RopeAttr rope = getRope();
  EXPECT_EQ(rope.getOriginalContext(), 16);
  EXPECT_EQ(get(rope.getExtFactor()), 0.75);
  EXPECT_EQ(get(rope.getBetaFast()), 48);
  EXPECT_EQ(get(rope.getBetaSlow()), 2);
  EXPECT_FLOAT_EQ(get(rope.getAttentionFactor()),
                  0.5 * (1 + 0.1 * std::log(4.0)));
}

// Without a blend YaRN leaves the magnitude alone (ggml, rope_yarn).
TEST_F(RopeTest, AttentionFactorAlone) {
  ASSERT_EQ(import(buildYarn().f32("llama.rope.scaling.yarn_ext_factor", 0)),
            "ok");
  EXPECT_EQ(get(getRope().getAttentionFactor()), 1);
  ASSERT_EQ(
      import(buildTinyLlama().f32("llama.rope.scaling.attn_factor", 1.25f)),
      "ok");
  EXPECT_EQ(get(getRope().getAttentionFactor()), 1.25);
}

TEST_F(RopeTest, DivisorsAreValues) {
  ASSERT_EQ(
      import(buildTinyLlama().tensor("rope_freqs.weight", {2}, GgmlType::F32,
                                     toBytes(1.0f) + toBytes(8.0f))),
      "ok");
  EXPECT_EQ(*findOps<model::RopeTableOp>().front().getDivisors(),
            (llvm::ArrayRef<float>{1, 8}));
  // They are in the table, so no kernel reads the tensor.
  EXPECT_EQ(module->lookupSymbol("rope_freqs.weight"), nullptr);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST_F(RopeTest, DivisorErrors) {
  const std::string name = "x.gguf: tensor 'rope_freqs.weight': ";
  EXPECT_EQ(
      import(buildTinyLlama().tensor("rope_freqs.weight", {3}, GgmlType::F32)),
      name + "field shape: found [3], expected [2]");
  EXPECT_EQ(
      import(buildTinyLlama().tensor("rope_freqs.weight", {2}, GgmlType::F16)),
      name + "field type: found f16, expected f32");
  const std::pair<float, std::string> wrong[] = {{0.0f, "0.000000"},
                                                 {-1.0f, "-1.000000"},
                                                 {INFINITY, "inf"},
                                                 {NAN, "nan"}};
  for (const auto &[value, text] : wrong)
    EXPECT_EQ(
        import(buildTinyLlama().tensor("rope_freqs.weight", {2}, GgmlType::F32,
                                       toBytes(1.0f) + toBytes(value))),
        name + "field element 1: found " + text +
            ", expected a positive number");
}

TEST_F(RopeTest, DimsErrors) {
  EXPECT_EQ(import(buildTinyLlama().u32("llama.rope.dimension_count", 3)),
            "x.gguf: key 'llama.rope.dimension_count': found 3, expected an "
            "even number");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.rope.dimension_count", 6)),
            "x.gguf: key 'llama.rope.dimension_count': found 6, expected 2 to "
            "4");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.attention.key_length", 5)),
            "x.gguf: key 'llama.rope.dimension_count': found 5, expected an "
            "even number");
}

TEST_F(RopeTest, NumberErrors) {
  EXPECT_EQ(import(buildTinyLlama().f32("llama.rope.freq_base", 1)),
            "x.gguf: key 'llama.rope.freq_base': found 1, expected 2 to "
            "3.40282e+38");
  EXPECT_EQ(import(buildTinyLlama().f32("llama.rope.scaling.factor", -1)),
            "x.gguf: key 'llama.rope.scaling.factor': found -1, expected 0 to "
            "3.40282e+38");
  EXPECT_EQ(import(buildTinyLlama().f32("llama.rope.scaling.factor", 1e-40f)),
            "x.gguf: key 'llama.rope.scaling.factor': found 9.99995e-41, "
            "expected 1.17549e-38 to 3.40282e+38");
  EXPECT_EQ(import(buildTinyLlama().f32("llama.rope.scaling.attn_factor", 0)),
            "x.gguf: key 'llama.rope.scaling.attn_factor': found 0, expected "
            "1.17549e-38 to 3.40282e+38");
}

TEST_F(RopeTest, ScalingErrors) {
  EXPECT_EQ(
      import(buildTinyLlama().string("llama.rope.scaling.type", "longrope")),
      "x.gguf: key 'llama.rope.scaling.type': found 'longrope', expected "
      "'none', 'linear' or 'yarn'");
  EXPECT_EQ(import(buildYarn().f32("llama.rope.scaling.factor", 0.5f)),
            "x.gguf: key 'llama.rope.scaling.factor': found 0.5, expected 1 to "
            "3.40282e+38");
  const std::string prefix = "llama.rope.scaling.";
  EXPECT_EQ(import(buildYarn().u32(prefix + "original_context_length", 0)),
            "x.gguf: key 'llama.rope.scaling.original_context_length': found "
            "0, expected 1 to 2147483647");
  EXPECT_EQ(import(buildYarn().f32(prefix + "yarn_ext_factor", 1.5f)),
            "x.gguf: key 'llama.rope.scaling.yarn_ext_factor': found 1.5, "
            "expected 0 to 1");
  for (std::string key : {"yarn_beta_fast", "yarn_beta_slow"})
    EXPECT_EQ(import(buildYarn().f32(prefix + key, 0)),
              "x.gguf: key '" + prefix + key +
                  "': found 0, expected 1.17549e-38 to 3.40282e+38");
}
