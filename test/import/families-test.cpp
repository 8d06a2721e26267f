//===- families-test.cpp - In what families differ
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Structure in a few facts; that whole models compute the right logits is
// e2e/families.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Families.h"
#include "test/import/ImportFixture.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::test;
using model::GgmlType;

namespace {

using FamiliesTest = ImportTest;

std::string getName(Value weight) {
  return weight.getDefiningOp<model::GetWeightOp>().getWeight().str();
}

/// Of every attention the window, 0 without.
std::vector<int64_t> getWindows(std::vector<model::AttentionOp> ops) {
  std::vector<int64_t> windows;
  for (model::AttentionOp op : ops)
    windows.push_back(op.getWindow().value_or(0));
  return windows;
}

model::RopeTableOp getTable(Value rotated) {
  return rotated.getDefiningOp<model::RopeOp>()
      .getTable()
      .getDefiningOp<model::RopeTableOp>();
}

} // namespace

TEST_F(FamiliesTest, AllTinyModelsImport) {
  for (const arch::Family &family : arch::getFamilies())
    EXPECT_EQ(import(buildTinyDecoder(family.name.str())), "ok")
        << family.name.str();
}

TEST_F(FamiliesTest, Gemma2) {
  ASSERT_EQ(import(buildTinyDecoder("gemma2")), "ok");
  EXPECT_EQ(findOps<model::EmbedOp>()[0].getScale()->convertToFloat(),
            std::sqrt(8.0f));
  std::vector<model::AttentionOp> attention = findOps<model::AttentionOp>();
  EXPECT_EQ(getWindows(attention), (std::vector<int64_t>{4096, 0}));
  EXPECT_EQ(attention[0].getCap()->convertToFloat(), 50);
  EXPECT_EQ(attention[0].getScale().convertToFloat(), 0.5f);
  EXPECT_EQ(findOps<model::GluOp>()[0].getActivation(),
            model::Activation::Gelu);
  // Two before and two behind in each layer, and the output's.
  EXPECT_EQ(findOps<model::RmsNormOp>().size(), 9u);
  for (model::AddOp add : findOps<model::AddOp>())
    EXPECT_TRUE(add.getB().getDefiningOp<model::RmsNormOp>());
  std::vector<model::ActivateOp> caps = findOps<model::ActivateOp>();
  ASSERT_EQ(caps.size(), 1u);
  EXPECT_EQ(caps[0].getCap()->convertToFloat(), 30);
  EXPECT_EQ(findOps<model::RopeTableOp>().size(), 1u);
}

// The largest model's scores are scaled by its width.
TEST_F(FamiliesTest, Gemma2With46Layers) {
  GgufBuilder file = buildTinyDecoder("gemma2", 46)
                         .u32("gemma2.attention.key_length", 16)
                         .f32("gemma2.attn_logit_softcapping", 20)
                         .u32("gemma2.attention.sliding_window", 7)
                         .f32("gemma2.final_logit_softcapping", 0);
  for (int layer = 0; layer < 46; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    file.tensor(block + "attn_q.weight", {32, 8}, GgmlType::F32)
        .tensor(block + "attn_k.weight", {16, 8}, GgmlType::F32);
  }
  ASSERT_EQ(import(file), "ok");
  std::vector<model::AttentionOp> attention = findOps<model::AttentionOp>();
  EXPECT_EQ(attention[0].getScale().convertToFloat(), 0.5f); // 8 / 2 heads.
  EXPECT_EQ(attention[0].getCap()->convertToFloat(), 20);
  EXPECT_EQ(attention[0].getWindow(), 7u);
  EXPECT_TRUE(findOps<model::ActivateOp>().empty());
}

// Of six layers five have a window, and a rope of their own.
TEST_F(FamiliesTest, Gemma3) {
  GgufBuilder file = buildTinyDecoder("gemma3")
                         .u32("gemma3.attention.sliding_window_pattern", 2)
                         .f32("gemma3.rope.freq_base", 1e6f)
                         .f32("gemma3.rope.scaling.factor", 8);
  ASSERT_EQ(import(file), "ok");
  std::vector<model::AttentionOp> attention = findOps<model::AttentionOp>();
  EXPECT_EQ(getWindows(attention), (std::vector<int64_t>{16, 0}));
  EXPECT_FALSE(attention[0].getCap());
  model::RopeAttr sliding = getTable(attention[0].getQ()).getRope();
  model::RopeAttr whole = getTable(attention[1].getK()).getRope();
  EXPECT_EQ(sliding.getBase().getValueAsDouble(), 10000);
  EXPECT_EQ(sliding.getScaling(), model::RopeScaling::None);
  EXPECT_EQ(whole.getBase().getValueAsDouble(), 1e6);
  EXPECT_EQ(whole.getScaling(), model::RopeScaling::Linear);

  ASSERT_EQ(import(file.u32("gemma3.attention.sliding_window", 0)), "ok");
  EXPECT_EQ(getWindows(findOps<model::AttentionOp>()),
            (std::vector<int64_t>{0, 0}));
}

TEST_F(FamiliesTest, WindowPatterns) {
  GgufBuilder file = buildTinyDecoder("gemma3");
  const std::string key = "gemma3.attention.sliding_window_pattern";
  ASSERT_EQ(import(file.booleans(key, {0, 1})), "ok");
  EXPECT_EQ(getWindows(findOps<model::AttentionOp>()),
            (std::vector<int64_t>{0, 16}));
  EXPECT_EQ(import(file.u32s(key, {0, 1, 1})),
            "x.gguf: key '" + key +
                "': found array of 3 u32, expected a number, or an array of 2 "
                "bools");
  EXPECT_EQ(import(file.strings(key, {"a", "b"})),
            "x.gguf: key '" + key +
                "': found array of 2 string, expected a number, or an array "
                "of 2 bools");
  EXPECT_EQ(import(buildTinyDecoder("gpt-oss").removeKey(
                "gpt-oss.attention.sliding_window")),
            "x.gguf: key 'gpt-oss.attention.sliding_window': found none, "
            "expected an integer");
}

TEST_F(FamiliesTest, Gpt2) {
  ASSERT_EQ(import(buildTinyDecoder("gpt2")), "ok");
  std::vector<model::EmbedOp> embeds = findOps<model::EmbedOp>();
  ASSERT_EQ(embeds.size(), 2u);
  EXPECT_EQ(getName(embeds[1].getTable()), "position_embd.weight");
  EXPECT_EQ(cast<BlockArgument>(embeds[1].getTokens()).getArgNumber(), 1u);
  EXPECT_EQ(findOps<model::LayerNormOp>().size(), 5u);
  EXPECT_EQ(findOps<model::RopeOp>().size(), 0u);
  EXPECT_EQ(findOps<model::AddBiasOp>().size(), 12u);
  std::vector<std::string> names;
  for (model::MatmulOp op : findOps<model::MatmulOp>())
    names.push_back(getName(op.getWeight()));
  names.resize(6);
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "blk.0.attn_qkv.weight[0:8]", "blk.0.attn_qkv.weight[8:16]",
                "blk.0.attn_qkv.weight[16:24]", "blk.0.attn_output.weight",
                "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"}));
  EXPECT_EQ(
      import(buildTinyDecoder("gpt2").u32("gpt2.attention.head_count", 3)),
      "x.gguf: key 'gpt2.attention.head_count': found 3, expected a "
      "divisor of the embedding's 8");
  EXPECT_EQ(import(buildTinyDecoder("gpt2").removeTensor("blk.1.ffn_up.bias")),
            "x.gguf: tensor 'blk.1.ffn_up.bias': found none, expected one of "
            "shape [16]");
}

// Rows of one tensor are several weights.
TEST_F(FamiliesTest, Phi3) {
  ASSERT_EQ(
      import(buildTinyDecoder("phi3").u32("phi3.attention.sliding_window", 5)),
      "ok");
  EXPECT_EQ(getWindows(findOps<model::AttentionOp>()),
            (std::vector<int64_t>{5, 5}));
  auto value =
      module->lookupSymbol<model::WeightOp>("blk.1.attn_qkv.weight[12:16]");
  ASSERT_TRUE(value);
  const gguf::GgufTensor *whole = source->findTensor("blk.1.attn_qkv.weight");
  EXPECT_EQ(value.getOffset(), whole->offset + 12 * 8 * 4);
  EXPECT_EQ(value.getTensorType().getShape(), (ArrayRef<int64_t>{4, 8}));
  model::GluOp glu = findOps<model::GluOp>()[0];
  EXPECT_EQ(getName(glu.getGate().getDefiningOp<model::MatmulOp>().getWeight()),
            "blk.0.ffn_up.weight[0:16]");
  EXPECT_EQ(getName(glu.getUp().getDefiningOp<model::MatmulOp>().getWeight()),
            "blk.0.ffn_up.weight[16:32]");
}

TEST_F(FamiliesTest, Phi3ChoosesDivisorsByContext) {
  GgufBuilder file = buildTinyDecoder("phi3")
                         .string("phi3.rope.scaling.type", "longrope")
                         .f32("phi3.rope.scaling.attn_factor", 1.5f)
                         .u32("phi3.rope.scaling.original_context_length", 64)
                         .tensor("rope_factors_long.weight", {2}, GgmlType::F32,
                                 toBytes(3.0f) + toBytes(4.0f))
                         .tensor("rope_factors_short.weight", {2},
                                 GgmlType::F32, toBytes(1.0f) + toBytes(2.0f));
  ASSERT_EQ(import(file), "ok"); // Of 64, as the context.
  model::RopeTableOp table = findOps<model::RopeTableOp>()[0];
  EXPECT_EQ(*table.getDivisors(), (ArrayRef<float>{1, 2}));
  EXPECT_EQ(table.getRope().getAttentionFactor().getValueAsDouble(), 1.5);
  ASSERT_EQ(import(file.u32("phi3.rope.scaling.original_context_length", 63)),
            "ok");
  EXPECT_EQ(*findOps<model::RopeTableOp>()[0].getDivisors(),
            (ArrayRef<float>{3, 4}));
  EXPECT_EQ(import(file.removeTensor("rope_factors_short.weight")),
            "x.gguf: tensor 'rope_factors_short.weight': found none, expected "
            "one of shape [2]");
}

TEST_F(FamiliesTest, SmolLm3DoesNotRotateEveryFourthLayer) {
  GgufBuilder file = buildTinyDecoder("smollm3", 4);
  ASSERT_EQ(import(file), "ok");
  std::vector<bool> isRotated;
  for (model::AttentionOp op : findOps<model::AttentionOp>())
    isRotated.push_back(op.getQ().getDefiningOp<model::RopeOp>() != nullptr);
  EXPECT_EQ(isRotated, (std::vector<bool>{true, true, true, false}));
}

TEST_F(FamiliesTest, Mistral3ScalesQueriesByPosition) {
  GgufBuilder file =
      buildTinyDecoder("mistral3")
          .string("mistral3.rope.scaling.type", "yarn")
          .f32("mistral3.rope.scaling.factor", 4)
          .u32("mistral3.rope.scaling.original_context_length", 16)
          .f32("mistral3.rope.scaling.yarn_log_multiplier", 1)
          .f32("mistral3.attention.temperature_scale", 0.5f);
  ASSERT_EQ(import(file), "ok");
  model::AttentionOp attention = findOps<model::AttentionOp>()[0];
  model::RopeTableOp queries = getTable(attention.getQ());
  EXPECT_FALSE(getTable(attention.getK()).getTemper());
  EXPECT_EQ(queries.getTemperLength(), 16u);
  // ln 1, 2, 3 and 4.
  EXPECT_EQ(*queries.getTemper(),
            (ArrayRef<float>{1, 1.346573590f, 1.549306144f, 1.693147181f}));
  // The multiplier takes YaRN's own factor back.
  EXPECT_EQ(queries.getRope().getAttentionFactor().getValueAsDouble(), 1);
  EXPECT_EQ(
      import(file.u32("mistral3.context_length", 1 << 21)
                 .u32("mistral3.rope.scaling.original_context_length", 16)),
      "x.gguf: key 'mistral3.rope.scaling.original_context_length': found 16, "
      "expected more, as it is repeated in a context of 2097152");
  EXPECT_EQ(import(file.u32("mistral3.rope.dimension_count", 2)),
            "x.gguf: key 'mistral3.attention.temperature_scale': found "
            "0.500000, expected 0 where 2 of the 4 elements of a head are "
            "rotated");
}

TEST_F(FamiliesTest, GptOss) {
  ASSERT_EQ(import(buildTinyDecoder("gpt-oss")), "ok");
  std::vector<model::AttentionOp> attention = findOps<model::AttentionOp>();
  EXPECT_EQ(getWindows(attention), (std::vector<int64_t>{16, 0}));
  EXPECT_EQ(getName(attention[1].getSinks()), "blk.1.attn_sinks.weight");
  model::ExpertsOp experts = findOps<model::ExpertsOp>()[0];
  EXPECT_EQ(experts.getActivation(), model::Activation::SwigluOai);
  ASSERT_EQ(experts.getBiases().size(), 3u);
  EXPECT_EQ(getName(experts.getBiases()[2]), "blk.0.ffn_down_exps.bias");
  model::RouteOp route = findOps<model::RouteOp>()[0];
  EXPECT_TRUE(route.getNormalise());
  EXPECT_EQ(route.getGating(), model::Gating::Softmax);
  EXPECT_TRUE(route.getLogits().getDefiningOp<model::AddBiasOp>());
  EXPECT_EQ(import(buildTinyDecoder("gpt-oss").tensor("blk.0.ffn_up_exps.bias",
                                                      {4, 12}, GgmlType::F16)),
            "x.gguf: tensor 'blk.0.ffn_up_exps.bias': field type: found f16, "
            "expected f32");
}

// A dense layer, then experts beside one that all tokens use; the last layer
// predicts further tokens.
TEST_F(FamiliesTest, Glm4Moe) {
  GgufBuilder file =
      buildTinyDecoder("glm4moe")
          .u32("glm4moe.block_count", 3)
          .u32("glm4moe.nextn_predict_layers", 1)
          .u32("glm4moe.leading_dense_block_count", 1)
          .f32("glm4moe.expert_weights_scale", 2)
          .boolean("glm4moe.expert_weights_norm", 1)
          .u32("glm4moe.rope.dimension_count", 2)
          .tensor("blk.2.nextn.enorm.weight", {8}, GgmlType::F32);
  for (const char *part : {"gate_inp", "gate_exps", "up_exps", "down_exps",
                           "gate_shexp", "up_shexp", "down_shexp"})
    file.removeTensor(std::string("blk.0.ffn_") + part + ".weight");
  file.removeTensor("blk.0.exp_probs_b.bias")
      .tensor("blk.0.ffn_gate.weight", {16, 8}, GgmlType::F32)
      .tensor("blk.0.ffn_up.weight", {16, 8}, GgmlType::F32)
      .tensor("blk.0.ffn_down.weight", {8, 16}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  EXPECT_EQ(findOps<model::ExpertsOp>().size(), 1u);
  EXPECT_EQ(findOps<model::GluOp>().size(), 2u);
  model::RouteOp route = findOps<model::RouteOp>()[0];
  EXPECT_EQ(route.getGating(), model::Gating::Sigmoid);
  EXPECT_EQ(getName(route.getBias()), "blk.1.exp_probs_b.bias");
  EXPECT_EQ(route.getScale().convertToFloat(), 2);
  EXPECT_TRUE(route.getNormalise());
  EXPECT_EQ(findOps<model::RopeTableOp>()[0].getRope().getDims(), 2);
}

TEST_F(FamiliesTest, Deepseek2) {
  GgufBuilder file =
      buildTinyDecoder("deepseek2")
          .u32("deepseek2.expert_gating_func", 2)
          .u32("deepseek2.expert_group_count", 2)
          .u32("deepseek2.expert_group_used_count", 1)
          .string("deepseek2.rope.scaling.type", "yarn")
          .f32("deepseek2.rope.scaling.factor", 40)
          .f32("deepseek2.rope.scaling.yarn_log_multiplier", 0.1f)
          .tensor("blk.0.attn_kv_b.weight", {16, 6}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  model::CacheOp cache = findOps<model::CacheOp>()[0];
  EXPECT_TRUE(cache.getShared());
  EXPECT_EQ(cache.getKvHeads(), 1u);
  EXPECT_EQ(cache.getKeyDim(), 8u);
  EXPECT_EQ(cache.getValueDim(), 6u);
  model::AttentionOp attention = findOps<model::AttentionOp>()[0];
  EXPECT_FALSE(attention.getV());
  // 1 / sqrt(6), and twice the factor of a stretch by 40: cos and sin have
  // none.
  EXPECT_FLOAT_EQ(attention.getScale().convertToFloat(), 0.76499778f);
  model::RopeAttr rope = findOps<model::RopeTableOp>()[0].getRope();
  EXPECT_EQ(rope.getDims(), 2);
  EXPECT_EQ(rope.getPairing(), model::RopePairing::Adjacent);
  EXPECT_EQ(rope.getAttentionFactor().getValue().convertToFloat(), 1);
  std::vector<model::HeadMatmulOp> matmuls = findOps<model::HeadMatmulOp>();
  ASSERT_EQ(matmuls.size(), 4u);
  EXPECT_EQ(getName(matmuls[0].getWeight()), "blk.0.attn_k_b.weight");
  EXPECT_EQ(matmuls[0].getHeadDim(), 6u);
  EXPECT_EQ(getName(matmuls[1].getWeight()), "blk.0.attn_v_b.weight");
  model::RouteOp route = findOps<model::RouteOp>()[0];
  EXPECT_EQ(route.getGating(), model::Gating::Sigmoid);
  EXPECT_EQ(route.getGroups(), 2u);
  EXPECT_EQ(route.getGroupsUsed(), 1u);
}

// As older converters wrote it: heads are made of one matrix.
TEST_F(FamiliesTest, Deepseek2WithoutAbsorption) {
  GgufBuilder file = buildTinyDecoder("deepseek2")
                         .removeKey("deepseek2.attention.key_length_mla")
                         .removeKey("deepseek2.attention.value_length_mla")
                         .removeKey("deepseek2.attention.q_lora_rank")
                         .u32("deepseek2.attention.key_length", 6)
                         .u32("deepseek2.attention.value_length", 4);
  for (const char *block : {"blk.0.", "blk.1."}) {
    for (const char *name :
         {"attn_k_b", "attn_v_b", "attn_q_a", "attn_q_a_norm", "attn_q_b"})
      file.removeTensor(std::string(block) + name + ".weight");
    file.tensor(std::string(block) + "attn_kv_b.weight", {16, 6}, GgmlType::F32)
        .tensor(std::string(block) + "attn_q.weight", {12, 8}, GgmlType::F32);
  }
  ASSERT_EQ(import(file), "ok");
  model::CacheOp cache = findOps<model::CacheOp>()[0];
  EXPECT_FALSE(cache.getShared());
  EXPECT_EQ(cache.getKvHeads(), 2u);
  EXPECT_EQ(cache.getKeyDim(), 6u);
  EXPECT_EQ(cache.getValueDim(), 4u);
  EXPECT_EQ(findOps<model::AttentionOp>()[0].getScale().convertToFloat(),
            static_cast<float>(1 / std::sqrt(6.0)));
  EXPECT_EQ(findOps<model::RouteOp>()[0].getGating(), model::Gating::Softmax);
  EXPECT_TRUE(findOps<model::HeadMatmulOp>().empty());
}

// GLM-4.7-Flash, of files that do not say how its experts are chosen.
TEST_F(FamiliesTest, Deepseek2GuessesGating) {
  auto getGating = [&](int tokens, int predicting) {
    GgufBuilder file =
        buildTinyDecoder("deepseek2", 48)
            .u32("deepseek2.vocab_size", tokens)
            .u32("deepseek2.nextn_predict_layers", predicting)
            .tensor("token_embd.weight", {tokens, 8}, GgmlType::F32);
    EXPECT_EQ(import(file), "ok");
    return findOps<model::RouteOp>()[0].getGating();
  };
  EXPECT_EQ(getGating(154880, 0), model::Gating::Sigmoid);
  EXPECT_EQ(getGating(154880, 1), model::Gating::Sigmoid);
  EXPECT_EQ(getGating(154880, 2), model::Gating::Softmax);
  EXPECT_EQ(getGating(154879, 0), model::Gating::Softmax);
}

// Gate and up of all experts as one tensor.
TEST_F(FamiliesTest, ExpertsWithFusedGateAndUp) {
  GgufBuilder file =
      buildTinyDecoder("deepseek2")
          .removeTensor("blk.1.ffn_gate_exps.weight")
          .removeTensor("blk.1.ffn_up_exps.weight")
          .tensor("blk.1.ffn_gate_up_exps.weight", {4, 24, 8}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  std::vector<model::ExpertsOp> experts = findOps<model::ExpertsOp>();
  EXPECT_EQ(getName(experts[0].getGate()), "blk.0.ffn_gate_exps.weight");
  EXPECT_EQ(getName(experts[1].getGate()),
            "blk.1.ffn_gate_up_exps.weight[0:12]");
  EXPECT_EQ(getName(experts[1].getUp()),
            "blk.1.ffn_gate_up_exps.weight[12:24]");
  EXPECT_EQ(import(file.tensor("blk.1.ffn_gate_up_exps.weight", {4, 23, 8},
                               GgmlType::F32)),
            "x.gguf: tensor 'blk.1.ffn_gate_up_exps.weight': field shape: "
            "found [4][23][8], expected [4][24][8]");
}

TEST_F(FamiliesTest, Deepseek2Refuses) {
  auto make = [] { return buildTinyDecoder("deepseek2"); };
  EXPECT_EQ(import(make().f32("deepseek2.attention.temperature_scale", 0.5f)),
            "x.gguf: key 'deepseek2.attention.temperature_scale': found "
            "0.500000, expected 0: it is not supported for latent attention");
  EXPECT_EQ(import(make().u32("deepseek2.rope.dimension_count", 6)),
            "x.gguf: key 'deepseek2.rope.dimension_count': found 6, expected "
            "2 to 5");
  EXPECT_EQ(import(make().u32("deepseek2.expert_group_count", 3)),
            "x.gguf: key 'deepseek2.expert_group_count': found 3, expected a "
            "divisor of the 4 experts into two and more");
  EXPECT_EQ(import(make()
                       .u32("deepseek2.expert_group_count", 2)
                       .u32("deepseek2.expert_group_used_count", 3)),
            "x.gguf: key 'deepseek2.expert_group_used_count': found 3, "
            "expected 1 to 2");
}

// A delta net, then attention with a gate; experts beside a gated shared one.
TEST_F(FamiliesTest, Qwen3Next) {
  GgufBuilder file = buildTinyDecoder("qwen3next");
  ASSERT_EQ(import(file), "ok");
  std::vector<model::DeltaRuleOp> rules = findOps<model::DeltaRuleOp>();
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].getKeyHeads(), 1u);
  EXPECT_FALSE(rules[0].getTiled());
  EXPECT_EQ(getName(rules[0].getRate()), "blk.0.ssm_a");
  EXPECT_EQ(module->lookupSymbol<model::StateOp>("delta.0").getShape(),
            (ArrayRef<int64_t>{2, 16, 16}));
  EXPECT_EQ(module->lookupSymbol<model::StateOp>("conv.0").getShape(),
            (ArrayRef<int64_t>{3, 64}));
  // Beta, then alpha of a matrix's rows.
  auto beta = rules[0].getBeta().getDefiningOp<model::ColumnsOp>();
  auto decay = rules[0].getDecay().getDefiningOp<model::ColumnsOp>();
  ASSERT_TRUE(beta && decay);
  EXPECT_EQ(beta.getFirst(), 0u);
  EXPECT_EQ(decay.getFirst(), 2u);
  // Of each head's rows of q the second half is the gate.
  std::vector<model::GluOp> gates;
  for (model::GluOp op : findOps<model::GluOp>())
    if (op.getActivation() == model::Activation::Sigmoid)
      gates.push_back(op);
  ASSERT_EQ(gates.size(), 1u);
  EXPECT_TRUE(gates[0].getUp().getDefiningOp<model::AttentionOp>());
  auto gate = gates[0].getGate().getDefiningOp<model::ColumnsOp>();
  EXPECT_EQ(gate.getFirst(), 4u);
  EXPECT_EQ(gate.getPeriod(), 8u);
  EXPECT_EQ(findOps<model::ExpertsOp>().size(), 4u);
  EXPECT_TRUE(findOps<model::RouteOp>()[0].getNormalise());

  EXPECT_EQ(import(file.u32("qwen3next.ssm.time_step_rank", 3)
                       .u32("qwen3next.ssm.group_count", 2)),
            "x.gguf: key 'qwen3next.ssm.time_step_rank': found 3, expected a "
            "multiple of the 2 of group_count");
  EXPECT_EQ(import(file.u32("qwen3next.ssm.group_count", 3)),
            "x.gguf: key 'qwen3next.ssm.inner_size': found 32, expected 48: 3 "
            "heads of 16");
  EXPECT_EQ(import(file.u32("qwen3next.ssm.state_size", 12)),
            "x.gguf: key 'qwen3next.ssm.state_size': found 12, expected a "
            "multiple of 16");
}

TEST_F(FamiliesTest, OldFilesOfQwen3Next) {
  GgufBuilder file = buildTinyDecoder("qwen3next");
  EXPECT_EQ(import(file.tensor("blk.0.ssm_in.weight", {96, 8}, GgmlType::F32)),
            "x.gguf: tensor 'blk.0.ssm_in.weight': found a fused projection, "
            "expected blk.0.attn_qkv.weight and blk.0.attn_gate.weight");
}

TEST_F(FamiliesTest, Qwen35) {
  GgufBuilder file = buildTinyDecoder("qwen35");
  ASSERT_EQ(import(file), "ok");
  EXPECT_TRUE(findOps<model::DeltaRuleOp>()[0].getTiled());
  EXPECT_TRUE(findOps<model::ExpertsOp>().empty());
  // Which layers are recurrent can be said of each.
  const std::string layers = "qwen35.attention.recurrent_layers";
  EXPECT_EQ(import(file.booleans(layers, {1, 1})),
            "x.gguf: tensor 'blk.1.attn_qkv.weight': found none, expected one "
            "of shape [64][8]");
  EXPECT_EQ(import(file.booleans(layers, {1})),
            "x.gguf: key '" + layers +
                "': found array of 1 bool, expected an array of 2 bools");
  ASSERT_EQ(import(file.booleans(layers, {1, 0})), "ok");
  // One behind them that predicts a further token is told of too.
  GgufBuilder predicting = file;
  predicting.u32("qwen35.block_count", 3)
      .u32("qwen35.nextn_predict_layers", 1)
      .booleans(layers, {1, 0, 0})
      .tensor("blk.2.nextn.enorm.weight", {8}, GgmlType::F32);
  EXPECT_EQ(import(predicting), "ok");

  // For text all positions of a token are one, but for a fourth.
  const std::string sections = "qwen35.rope.dimension_sections";
  EXPECT_EQ(import(file.u32s(sections, {1, 1, 0, 0})), "ok");
  EXPECT_EQ(import(file.u32s(sections, {1, 0, 0, 1})),
            "x.gguf: key '" + sections +
                "': found 1, 0, 0, 1, expected sections that share the 2 pairs "
                "alike among the first three");
  EXPECT_EQ(import(file.u32s(sections, {0, 0, 0, 0})),
            "x.gguf: key '" + sections +
                "': found array of 4 u32, expected an array of 3 or 4 sizes, "
                "not all 0");
}

// No length of dense layers, where there is none.
TEST_F(FamiliesTest, Qwen35Moe) {
  GgufBuilder file =
      buildTinyDecoder("qwen35moe")
          .removeKey("qwen35moe.feed_forward_length")
          .u32("qwen35moe.expert_shared_feed_forward_length", 16);
  ASSERT_EQ(import(file), "ok");
  EXPECT_TRUE(findOps<model::DeltaRuleOp>()[0].getTiled());
  EXPECT_EQ(findOps<model::ExpertsOp>().size(), 4u);
}
