//===- import-test.cpp - What families make of files, and what they refuse
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Structure here in a few facts; in full, as text, in llama.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/ModuleAttributes.h"
#include "compiler/import/arch/Families.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/import/ImportFixture.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::test;
using model::GgmlType;

namespace {

/// The column counts of the results of a kind of op.
template <typename Op> std::vector<int64_t> getColumns(std::vector<Op> ops) {
  std::vector<int64_t> columns;
  for (Op op : ops)
    columns.push_back(
        cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1));
  return columns;
}

std::string getName(Value weight) {
  return weight.getDefiningOp<model::GetWeightOp>().getWeight().str();
}

} // namespace

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

TEST_F(ImportTest, ModuleAttributes) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  auto getString = [&](StringRef name) {
    return (*module)->getAttrOfType<StringAttr>(name).str();
  };
  auto getInteger = [&](StringRef name) {
    return (*module)->getAttrOfType<IntegerAttr>(name).getInt();
  };
  EXPECT_EQ(getString(kArchitectureAttr), "llama");
  EXPECT_EQ(getString(kNameAttr), "tiny");
  EXPECT_EQ(getInteger(kContextLengthAttr), 64);
  EXPECT_EQ(getInteger(kVocabSizeAttr), 10);
  EXPECT_EQ(getInteger(kEmbeddingLengthAttr), 8);
  EXPECT_EQ(getInteger(kLayerCountAttr), 2);
  EXPECT_TRUE((*module)->getAttrOfType<ArrayAttr>(kIgnoredTensorsAttr).empty());
}

// A name is a courtesy; a file without one is whole.
TEST_F(ImportTest, NameIsOptional) {
  ASSERT_EQ(import(buildTinyLlama().removeKey("general.name")), "ok");
  EXPECT_EQ((*module)->getAttrOfType<StringAttr>(kNameAttr), "");
}

TEST_F(ImportTest, WeightsPointIntoTheFile) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  // 2 outside of layers, 9 in each.
  std::vector<model::WeightOp> weights = findOps<model::WeightOp>();
  ASSERT_EQ(weights.size(), 20u);
  for (model::WeightOp weight : weights) {
    const gguf::GgufTensor *tensor = source->findTensor(weight.getSymName());
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(weight.getOffset(), tensor->offset);
    EXPECT_EQ(weight.getShard(), 0u);
    EXPECT_EQ(weight.getTensorType().getShape(), ArrayRef(tensor->shape));
  }
}

TEST_F(ImportTest, Layers) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  auto forward = module->lookupSymbol<func::FuncOp>(kForwardName);
  ASSERT_TRUE(forward);
  EXPECT_EQ(forward.getNumArguments(), 3u);
  EXPECT_EQ(cast<RankedTensorType>(forward.getResultTypes()[0]).getDimSize(1),
            10);
  EXPECT_EQ(findOps<model::CacheOp>().size(), 2u);
  EXPECT_EQ(getColumns(findOps<model::MatmulOp>()),
            (std::vector<int64_t>{8, 4, 4, 8, 16, 16, 8, //
                                  8, 4, 4, 8, 16, 16, 8, 10}));
  EXPECT_EQ(findOps<model::RmsNormOp>().size(), 5u);
  EXPECT_EQ(findOps<model::RopeTableOp>().size(), 1u);
  EXPECT_EQ(findOps<model::RopeOp>().size(), 4u);
  EXPECT_EQ(findOps<model::AddOp>().size(), 4u);
  EXPECT_EQ(findOps<model::AddBiasOp>().size(), 0u);
  std::vector<model::AttentionOp> attention = findOps<model::AttentionOp>();
  ASSERT_EQ(attention.size(), 2u);
  EXPECT_EQ(attention[0].getHeads(), 2u);
  EXPECT_EQ(attention[0].getScale().convertToFloat(), 0.5f);
  EXPECT_EQ(attention[0].getCache(), "kv.0");
  EXPECT_EQ(attention[1].getCache(), "kv.1");
}

// The residual stands first in a sum (docs/numerics.md, epilogues).
TEST_F(ImportTest, ResidualIsTheFirstSummand) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  for (model::AddOp add : findOps<model::AddOp>())
    EXPECT_TRUE(add.getB().getDefiningOp<model::MatmulOp>());
}

TEST_F(ImportTest, TiedAndSeparateOutput) {
  ASSERT_EQ(import(buildTinyLlama()), "ok");
  EXPECT_EQ(getName(findOps<model::MatmulOp>().back().getWeight()),
            "token_embd.weight");
  ASSERT_EQ(
      import(buildTinyLlama().tensor("output.weight", {10, 8}, GgmlType::F16)),
      "ok");
  EXPECT_EQ(getName(findOps<model::MatmulOp>().back().getWeight()),
            "output.weight");
}

TEST_F(ImportTest, OptionalBiases) {
  GgufBuilder file = buildTinyLlama();
  for (std::string name : {"attn_q", "attn_output", "ffn_down"})
    file.tensor("blk.1." + name + ".bias", {8}, GgmlType::F32);
  file.tensor("blk.1.attn_k.bias", {4}, GgmlType::F32)
      .tensor("blk.1.attn_v.bias", {4}, GgmlType::F32)
      .tensor("blk.1.ffn_gate.bias", {16}, GgmlType::F32)
      .tensor("blk.1.ffn_up.bias", {16}, GgmlType::F32)
      .tensor("output.bias", {10}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  std::vector<std::string> names;
  for (model::AddBiasOp bias : findOps<model::AddBiasOp>())
    names.push_back(getName(bias.getBias()));
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "blk.1.attn_q.bias", "blk.1.attn_k.bias", "blk.1.attn_v.bias",
                "blk.1.attn_output.bias", "blk.1.ffn_gate.bias",
                "blk.1.ffn_up.bias", "blk.1.ffn_down.bias", "output.bias"}));
}

// Heads longer than width / heads, and values of another length than keys.
TEST_F(ImportTest, HeadLengths) {
  GgufBuilder file = buildTinyLlama()
                         .u32("llama.attention.key_length", 6)
                         .u32("llama.attention.value_length", 16)
                         .f32("llama.attention.scale", 0.25f);
  for (std::string block : {"blk.0.", "blk.1."})
    file.tensor(block + "attn_q.weight", {12, 8}, GgmlType::F32)
        .tensor(block + "attn_k.weight", {6, 8}, GgmlType::F32)
        .tensor(block + "attn_v.weight", {16, 8}, GgmlType::F32)
        .tensor(block + "attn_output.weight", {8, 32}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  EXPECT_EQ(getColumns(findOps<model::AttentionOp>()),
            (std::vector<int64_t>{32, 32}));
  EXPECT_EQ(findOps<model::AttentionOp>()[0].getScale().convertToFloat(),
            0.25f);
  model::CacheOp cache = findOps<model::CacheOp>()[0];
  EXPECT_EQ(cache.getKvHeads(), 1u);
  EXPECT_EQ(cache.getKeyDim(), 6u);
  EXPECT_EQ(cache.getValueDim(), 16u);
}

TEST_F(ImportTest, PerLayerArraysOfEqualValues) {
  EXPECT_EQ(import(buildTinyLlama()
                       .u32s("llama.attention.head_count", {2, 2})
                       .u32s("llama.attention.head_count_kv", {1, 1})
                       .u32s("llama.feed_forward_length", {16, 16})),
            "ok");
}

TEST_F(ImportTest, KvHeadsDefaultToHeads) {
  GgufBuilder file =
      buildTinyLlama().removeKey("llama.attention.head_count_kv");
  for (std::string block : {"blk.0.", "blk.1."})
    file.tensor(block + "attn_k.weight", {8, 8}, GgmlType::F32)
        .tensor(block + "attn_v.weight", {8, 8}, GgmlType::F32);
  ASSERT_EQ(import(file), "ok");
  EXPECT_EQ(findOps<model::CacheOp>()[0].getKvHeads(), 2u);
}

TEST_F(ImportTest, OldRotationTensorsAreIgnoredAndListed) {
  ASSERT_EQ(import(buildTinyLlama().tensor("blk.1.attn_rot_embd.weight", {4},
                                           GgmlType::F32)),
            "ok");
  auto ignored = (*module)->getAttrOfType<ArrayAttr>(kIgnoredTensorsAttr);
  ASSERT_EQ(ignored.size(), 1u);
  EXPECT_EQ(cast<StringAttr>(ignored[0]), "blk.1.attn_rot_embd.weight");
}

TEST_F(ImportTest, Qwen2HasBiasesAndHalfPairs) {
  ASSERT_EQ(import(buildTinyDecoder("qwen2")), "ok");
  EXPECT_EQ(findOps<model::AddBiasOp>().size(), 6u);
  for (model::RopeOp rope : findOps<model::RopeOp>())
    EXPECT_EQ(rope.getPairing(), model::RopePairing::Half);
  EXPECT_EQ(import(buildTinyDecoder("qwen2").removeTensor("blk.1.attn_k.bias")),
            "x.gguf: tensor 'blk.1.attn_k.bias': found none, expected one of "
            "shape [4]");
}

// The norm of a head stands between the matmul and the rotation.
TEST_F(ImportTest, Qwen3HasHeadNorms) {
  ASSERT_EQ(import(buildTinyDecoder("qwen3")), "ok");
  std::vector<model::RopeOp> ropes = findOps<model::RopeOp>();
  ASSERT_EQ(ropes.size(), 4u);
  const std::string names[] = {"blk.0.attn_q", "blk.0.attn_k", "blk.1.attn_q",
                               "blk.1.attn_k"};
  for (auto [rope, name] : llvm::zip(ropes, names)) {
    EXPECT_EQ(rope.getPairing(), model::RopePairing::Half);
    auto norm = rope.getX().getDefiningOp<model::RmsNormOp>();
    ASSERT_TRUE(norm);
    EXPECT_EQ(getName(norm.getWeight()), name + "_norm.weight");
    auto matmul = norm.getX().getDefiningOp<model::MatmulOp>();
    ASSERT_TRUE(matmul);
    EXPECT_EQ(getName(matmul.getWeight()), name + ".weight");
  }
  EXPECT_EQ(
      import(
          buildTinyDecoder("qwen3").removeTensor("blk.0.attn_q_norm.weight")),
      "x.gguf: tensor 'blk.0.attn_q_norm.weight': found none, expected one of "
      "shape [4]");
}

// The norm feeds router and experts, and the sum goes on the residual.
TEST_F(ImportTest, Qwen3MoeHasExperts) {
  ASSERT_EQ(import(buildTinyDecoder("qwen3moe")), "ok");
  std::vector<model::ExpertsOp> experts = findOps<model::ExpertsOp>();
  ASSERT_EQ(experts.size(), 2u);
  EXPECT_EQ(findOps<model::GluOp>().size(), 0u);
  model::ExpertsOp op = experts[1];
  EXPECT_EQ(getName(op.getGate()), "blk.1.ffn_gate_exps.weight");
  EXPECT_EQ(getName(op.getUp()), "blk.1.ffn_up_exps.weight");
  EXPECT_EQ(getName(op.getDown()), "blk.1.ffn_down_exps.weight");
  auto norm = op.getX().getDefiningOp<model::RmsNormOp>();
  ASSERT_TRUE(norm);
  auto route = op.getIds().getDefiningOp<model::RouteOp>();
  ASSERT_TRUE(route);
  EXPECT_EQ(route.getWeights(), op.getWeights());
  EXPECT_EQ(route.getGating(), model::Gating::Softmax);
  EXPECT_TRUE(route.getNormalise());
  EXPECT_EQ(route.getScale().convertToFloat(), 1);
  EXPECT_EQ(op.getIds().getType().getDimSize(1), 2);
  auto router = route.getLogits().getDefiningOp<model::MatmulOp>();
  ASSERT_TRUE(router);
  EXPECT_EQ(router.getX(), norm.getResult());
  EXPECT_EQ(getName(router.getWeight()), "blk.1.ffn_gate_inp.weight");
  ASSERT_TRUE(op->hasOneUse());
  EXPECT_EQ(cast<model::AddOp>(*op->user_begin()).getB(), op.getResult());
}

// Not normalised; the shared expert is one that every token uses.
TEST_F(ImportTest, Qwen2MoeHasASharedExpert) {
  ASSERT_EQ(import(buildTinyDecoder("qwen2moe")), "ok");
  EXPECT_EQ(findOps<model::AddBiasOp>().size(), 6u);
  std::vector<model::ExpertsOp> experts = findOps<model::ExpertsOp>();
  std::vector<model::RouteOp> routes = findOps<model::RouteOp>();
  ASSERT_EQ(experts.size(), 4u);
  ASSERT_EQ(routes.size(), 4u);
  EXPECT_FALSE(routes[0].getNormalise());
  EXPECT_EQ(getName(experts[1].getGate()), "blk.0.ffn_gate_shexp.weight");
  EXPECT_EQ(getName(experts[1].getDown()), "blk.0.ffn_down_shexp.weight");
  EXPECT_EQ(routes[1].getGating(), model::Gating::Sigmoid);
  EXPECT_EQ(getColumns(routes), (std::vector<int64_t>{2, 1, 2, 1}));
  auto gate = routes[1].getLogits().getDefiningOp<model::MatmulOp>();
  EXPECT_EQ(getName(gate.getWeight()), "blk.0.ffn_gate_inp_shexp.weight");
  EXPECT_EQ(gate.getX(), experts[1].getX());
}

// Mixtral: a llama with experts, which are as long as dense layers would be.
TEST_F(ImportTest, LlamaMayHaveExperts) {
  GgufBuilder file = buildTinyLlama().u32("llama.feed_forward_length", 12);
  setTinyExperts(file, "llama");
  file.removeKey("llama.expert_feed_forward_length");
  ASSERT_EQ(import(file), "ok");
  EXPECT_EQ(findOps<model::ExpertsOp>().size(), 2u);
  EXPECT_TRUE(findOps<model::RouteOp>()[0].getNormalise());
  for (model::RopeOp rope : findOps<model::RopeOp>())
    EXPECT_EQ(rope.getPairing(), model::RopePairing::Adjacent);
}

TEST_F(ImportTest, KeysOfRouting) {
  ASSERT_EQ(import(buildTinyDecoder("qwen3moe")
                       .boolean("qwen3moe.expert_weights_norm", 0)
                       .f32("qwen3moe.expert_weights_scale", 2.5f)
                       .u32("qwen3moe.expert_gating_func", 2)),
            "ok");
  model::RouteOp route = findOps<model::RouteOp>()[0];
  EXPECT_EQ(route.getGating(), model::Gating::Sigmoid);
  EXPECT_FALSE(route.getNormalise());
  EXPECT_EQ(route.getScale().convertToFloat(), 2.5f);
  // llama.cpp's value for a key that is not there.
  ASSERT_EQ(
      import(
          buildTinyDecoder("qwen3moe").f32("qwen3moe.expert_weights_scale", 0)),
      "ok");
  EXPECT_EQ(findOps<model::RouteOp>()[0].getScale().convertToFloat(), 1);
}

TEST_F(ImportTest, FamiliesAreSorted) {
  EXPECT_TRUE(llvm::is_sorted(arch::getFamilies(),
                              [](const arch::Family &a, const arch::Family &b) {
                                return a.name < b.name;
                              }));
}

// llama has a witness; that each family's is there is a lint test's matter.
TEST_F(ImportTest, FamiliesSayWhetherTheyAreVerified) {
  for (const arch::Family &family : arch::getFamilies()) {
    ASSERT_EQ(import(buildTinyDecoder(family.name.str())), "ok");
    absl::StatusOr<FamilyFacts> facts = getFamilyFacts(*source);
    ASSERT_TRUE(facts.ok());
    EXPECT_EQ(facts->name, family.name);
    EXPECT_EQ(facts->isVerified, family.witness == arch::Witness::logits);
  }
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST_F(ImportTest, Architecture) {
  EXPECT_EQ(import(buildTinyLlama().removeKey("general.architecture")),
            "x.gguf: key 'general.architecture': found none, expected a "
            "string");
  EXPECT_EQ(import(buildTinyLlama().string("general.architecture", "mamba\t2")),
            "x.gguf: key 'general.architecture': found 'mamba\\x092', expected "
            "one of deepseek2, gemma2, gemma3, glm4moe, gpt-oss, gpt2, llama, "
            "mistral3, phi3, qwen2, qwen2moe, qwen3, qwen35, qwen35moe, "
            "qwen3moe, qwen3next, smollm3");
}

TEST_F(ImportTest, RequiredKeys) {
  for (std::string key : {"block_count", "context_length", "embedding_length",
                          "feed_forward_length", "attention.head_count"})
    EXPECT_EQ(import(buildTinyLlama().removeKey("llama." + key)),
              "x.gguf: key 'llama." + key +
                  "': found none, expected an integer");
  EXPECT_EQ(import(buildTinyLlama().removeKey(
                "llama.attention.layer_norm_rms_epsilon")),
            "x.gguf: key 'llama.attention.layer_norm_rms_epsilon': found none, "
            "expected a float");
}

TEST_F(ImportTest, ImpossibleSizes) {
  for (std::string key : {"embedding_length", "feed_forward_length",
                          "attention.head_count", "attention.head_count_kv",
                          "attention.key_length", "attention.value_length"}) {
    EXPECT_EQ(import(buildTinyLlama().u32("llama." + key, 0)),
              "x.gguf: key 'llama." + key +
                  "': found 0, expected 1 to 16777216");
    EXPECT_EQ(import(buildTinyLlama().u64("llama." + key, 1ull << 40)),
              "x.gguf: key 'llama." + key +
                  "': found 1099511627776, expected 1 to 16777216");
  }
  EXPECT_EQ(import(buildTinyLlama().u32("llama.block_count", 0)),
            "x.gguf: key 'llama.block_count': found 0, expected 1 to 65536");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.context_length", 1u << 31)),
            "x.gguf: key 'llama.context_length': found 2147483648, expected 1 "
            "to 2147483647");
  EXPECT_EQ(import(buildTinyLlama().f32(
                "llama.attention.layer_norm_rms_epsilon", -1)),
            "x.gguf: key 'llama.attention.layer_norm_rms_epsilon': found -1, "
            "expected 0 to 1");
}

TEST_F(ImportTest, HeadsThatDoNotDivide) {
  EXPECT_EQ(import(buildTinyLlama().u32("llama.attention.head_count", 3)),
            "x.gguf: key 'llama.attention.key_length': found none, expected an "
            "integer, as 3 heads do not divide an embedding of 8");
  EXPECT_EQ(import(buildTinyLlama()
                       .u32("llama.attention.head_count", 8)
                       .u32("llama.attention.head_count_kv", 3)),
            "x.gguf: key 'llama.attention.head_count_kv': found 3, expected a "
            "divisor of the 8 heads");
  EXPECT_EQ(
      import(buildTinyLlama().u32s("llama.attention.head_count_kv", {1, 2})),
      "x.gguf: key 'llama.attention.head_count_kv': found 2 for element "
      "1, expected 1 for all, as for element 0");
}

TEST_F(ImportTest, UnsupportedKinds) {
  EXPECT_EQ(
      import(buildTinyDecoder("qwen3").u32("qwen3.expert_count", 8)),
      "x.gguf: key 'qwen3.expert_count': found 8, expected 0: this family "
      "has no experts");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.expert_count", 0)), "ok");
  EXPECT_EQ(import(buildTinyLlama().boolean("llama.attention.causal", 0)),
            "x.gguf: key 'llama.attention.causal': found false, expected true");
}

TEST_F(ImportTest, ImpossibleExperts) {
  auto importWith = [&](const std::string &key, uint32_t value) {
    return import(buildTinyDecoder("qwen3moe").u32("qwen3moe." + key, value));
  };
  EXPECT_EQ(importWith("expert_count", 0),
            "x.gguf: key 'qwen3moe.expert_count': found 0, expected 1 to "
            "65536");
  EXPECT_EQ(importWith("expert_used_count", 5),
            "x.gguf: key 'qwen3moe.expert_used_count': found 5, expected 1 to "
            "4");
  EXPECT_EQ(importWith("expert_feed_forward_length", 0),
            "x.gguf: key 'qwen3moe.expert_feed_forward_length': found 0, "
            "expected 1 to 16777216");
  EXPECT_EQ(importWith("expert_feed_forward_length", 16),
            "x.gguf: tensor 'blk.0.ffn_gate_exps.weight': field shape: found "
            "[4][12][8], expected [4][16][8]");
  EXPECT_EQ(importWith("expert_gating_func", 3),
            "x.gguf: key 'qwen3moe.expert_gating_func': found 3, expected 1 "
            "(softmax) or 2 (sigmoid)");
  EXPECT_EQ(importWith("expert_shared_feed_forward_length", 16),
            "x.gguf: key 'qwen3moe.expert_shared_feed_forward_length': found "
            "16, expected 0 to 0");
  for (std::string key : {"leading_dense_block_count", "expert_group_count",
                          "expert_shared_count", "moe_every_n_layers",
                          "interleave_moe_layer_step"}) {
    EXPECT_EQ(importWith(key, 0), "ok");
    EXPECT_EQ(importWith(key, 1),
              "x.gguf: key 'qwen3moe." + key +
                  "': found 1, expected 0: no such mixture of experts is "
                  "supported");
  }
  EXPECT_EQ(import(buildTinyDecoder("qwen3moe")
                       .f32("qwen3moe.expert_weights_scale", -1)),
            "x.gguf: key 'qwen3moe.expert_weights_scale': found -1, expected 0 "
            "to 3.40282e+38");
}

// Files of the first Mixtral have a tensor for each expert.
TEST_F(ImportTest, OneTensorPerExpert) {
  GgufBuilder file = buildTinyLlama();
  setTinyExperts(file, "llama");
  EXPECT_EQ(
      import(file.removeTensor("blk.0.ffn_up_exps.weight")
                 .tensor("blk.0.ffn_up.0.weight", {12, 8}, GgmlType::F32)),
      "x.gguf: tensor 'blk.0.ffn_up.0.weight': found one expert, expected "
      "all experts in one blk.0.ffn_up_exps.weight");
}

TEST_F(ImportTest, Vocabulary) {
  const std::vector<std::string> nine(9, "token");
  EXPECT_EQ(import(buildTinyLlama().strings("tokenizer.ggml.tokens", nine)),
            "x.gguf: tensor 'token_embd.weight': field shape: found [10][8], "
            "expected [9][8]");
  EXPECT_EQ(import(buildTinyLlama().strings("tokenizer.ggml.tokens", {})),
            "x.gguf: key 'tokenizer.ggml.tokens': found an array of 0, "
            "expected 1 to 16777216 elements");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.vocab_size", 11)),
            "x.gguf: tensor 'token_embd.weight': field shape: found [10][8], "
            "expected [11][8]");
  // What the tokenizer lists counts, as in llama.cpp.
  EXPECT_EQ(import(buildTinyLlama()
                       .u32("llama.vocab_size", 11)
                       .strings("tokenizer.ggml.tokens",
                                std::vector<std::string>(10, "token"))),
            "ok");
}

TEST_F(ImportTest, MissingTensors) {
  const std::string bytes = buildTinyLlama().build();
  ASSERT_EQ(import(bytes), "ok");
  std::vector<std::string> names;
  for (const gguf::GgufTensor &tensor : source->tensors())
    names.push_back(tensor.name.str());
  for (const std::string &name : names) {
    const std::string message = import(buildTinyLlama().removeTensor(name));
    EXPECT_TRUE(llvm::StringRef(message).starts_with(
        "x.gguf: tensor '" + name + "': found none, expected "))
        << message;
  }
  EXPECT_EQ(import(buildTinyLlama().removeTensor("token_embd.weight")),
            "x.gguf: tensor 'token_embd.weight': found none, expected the "
            "embedding of tokens");
  EXPECT_EQ(import(buildTinyLlama().removeTensor("blk.1.attn_k.weight")),
            "x.gguf: tensor 'blk.1.attn_k.weight': found none, expected one of "
            "shape [4][8]");
}

TEST_F(ImportTest, WrongShapes) {
  EXPECT_EQ(import(buildTinyLlama().tensor("blk.1.attn_k.weight", {8, 4},
                                           GgmlType::F32)),
            "x.gguf: tensor 'blk.1.attn_k.weight': field shape: found [8][4], "
            "expected [4][8]");
  EXPECT_EQ(import(buildTinyLlama().tensor("output_norm.weight", {1, 8},
                                           GgmlType::F32)),
            "x.gguf: tensor 'output_norm.weight': field shape: found [1][8], "
            "expected [8]");
  EXPECT_EQ(
      import(buildTinyLlama().tensor("token_embd.weight", {80}, GgmlType::F32)),
      "x.gguf: tensor 'token_embd.weight': field shape: found [80], "
      "expected [80][8]");
}

TEST_F(ImportTest, WrongTypes) {
  EXPECT_EQ(import(buildTinyLlama().tensor("blk.0.attn_norm.weight", {8},
                                           GgmlType::F16)),
            "x.gguf: tensor 'blk.0.attn_norm.weight': field type: found f16, "
            "expected f32");
  EXPECT_EQ(import(buildTinyLlama().tensor("blk.0.attn_q.weight", {8, 8},
                                           GgmlType::I8)),
            "x.gguf: tensor 'blk.0.attn_q.weight': field type: found i8, "
            "expected a float or quantised weight type");
}

// Types of intermediate results have ids, but make no weights.
TEST_F(ImportTest, IntermediateTypes) {
  GgufBuilder file = buildTinyLlama().u32("llama.feed_forward_length", 256);
  for (std::string block : {"blk.0.", "blk.1."})
    file.tensor(block + "ffn_gate.weight", {256, 8}, GgmlType::F32)
        .tensor(block + "ffn_up.weight", {256, 8}, GgmlType::F32)
        .tensor(block + "ffn_down.weight", {8, 256}, GgmlType::Q4_K);
  EXPECT_EQ(import(file), "ok");
  for (auto [type, name] :
       {std::pair(GgmlType::Q8_1, "q8_1"), std::pair(GgmlType::Q8_K, "q8_K")})
    EXPECT_EQ(import(file.tensor("blk.1.ffn_down.weight", {8, 256}, type)),
              "x.gguf: tensor 'blk.1.ffn_down.weight': field type: found " +
                  std::string(name) +
                  ", expected a float or quantised weight type");
}

// One tensor more may mean another network, so it is never dropped.
TEST_F(ImportTest, UnknownTensors) {
  EXPECT_EQ(import(buildTinyLlama().tensor("blk.0.attn_q_norm.weight", {4},
                                           GgmlType::F32)),
            "x.gguf: tensor 'blk.0.attn_q_norm.weight': found one that nothing "
            "uses, expected only tensors of the family");
  EXPECT_EQ(import(buildTinyLlama().u32("llama.block_count", 1)),
            "x.gguf: tensor 'blk.1.attn_norm.weight': found one that nothing "
            "uses, expected only tensors of the family");
}

// A count of layers that only the file's word backs costs nothing.
TEST_F(ImportTest, MoreLayersThanTensors) {
  EXPECT_EQ(import(buildTinyLlama().u32("llama.block_count", 65536)),
            "x.gguf: tensor 'blk.2.attn_norm.weight': found none, expected one "
            "of shape [8]");
}
