//===- DecoderTensors.cpp - The tensors of a decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// blk.3.attn_q.weight, ... ==> DecoderTensors, each of the shape that the
// parameters ask for
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/DecoderTensors.h"
#include <cmath>
#include <cstring>

using namespace modelc;
using namespace modelc::arch;
using gguf::GgufTensor;

static void readAttention(TensorReader &reader, const std::string &prefix,
                          const DecoderParameters &p,
                          const DecoderTraits &traits, LayerTensors &t) {
  const int64_t width = p.embeddingLength;
  const int64_t queries = (traits.hasGatedQuery ? 2 : 1) * p.heads * p.keyDim;
  const int64_t keys = p.kvHeads * p.keyDim, values = p.kvHeads * p.valueDim;
  const Presence bias =
      traits.needsQkvBias ? Presence::Required : Presence::Optional;
  t.attentionNorm = reader.vector(prefix + "attn_norm.weight", width);
  if (traits.hasLatents) {
    t.latents = readLatentTensors(reader, prefix, p.latents, width);
    t.output = reader.linear(prefix + "attn_output", width,
                             p.latents.heads * p.latents.valueDim);
    return;
  }
  if (traits.hasFusedQkv) {
    std::vector<LinearTensors> parts =
        reader.split(reader.linear(prefix + "attn_qkv", queries + keys + values,
                                   width, bias),
                     {queries, keys, values});
    t.q = parts[0];
    t.k = parts[1];
    t.v = parts[2];
  } else {
    t.q = reader.linear(prefix + "attn_q", queries, width, bias);
    t.k = reader.linear(prefix + "attn_k", keys, width, bias);
    t.v = reader.linear(prefix + "attn_v", values, width, bias);
  }
  t.output = reader.linear(prefix + "attn_output", width, p.heads * p.valueDim);
  if (traits.hasQkNorm || traits.mayHaveQkNorm) {
    const Presence presence =
        traits.hasQkNorm ? Presence::Required : Presence::Optional;
    t.qNorm = reader.vector(prefix + "attn_q_norm.weight", p.keyDim, presence);
    t.kNorm = reader.vector(prefix + "attn_k_norm.weight", p.keyDim,
                            t.qNorm ? Presence::Required : presence);
  }
  if (traits.hasSinks)
    t.sinks = reader.vector(prefix + "attn_sinks.weight", p.heads);
  if (traits.hasPostNorms)
    t.attentionPostNorm =
        reader.vector(prefix + "post_attention_norm.weight", width);
}

static void readExperts(TensorReader &reader, const std::string &prefix,
                        const DecoderParameters &p, const DecoderTraits &traits,
                        LayerTensors &t) {
  const int64_t width = p.embeddingLength, count = p.experts.count;
  const int64_t length = p.experts.feedForwardLength;
  // Old converters wrote a tensor for each expert.
  for (const char *name : {"ffn_gate", "ffn_up", "ffn_down"})
    reader.refuse(prefix + name + ".0.weight", "one expert",
                  "all experts in one " + prefix + name + "_exps.weight");
  const bool hasBiases = traits.experts.hasBiases;
  t.router.weight = reader.matrix(prefix + "ffn_gate_inp.weight", count, width);
  if (hasBiases)
    t.router.bias = reader.vector(prefix + "ffn_gate_inp.bias", count);
  auto read = [&](const std::string &name, int64_t rows, int64_t columns) {
    LinearTensors part;
    part.weight =
        reader.matrices(prefix + name + ".weight", count, rows, columns);
    if (hasBiases)
      part.bias = reader.floats(prefix + name + ".bias", count, rows);
    return part;
  };
  LinearTensors both;
  if (!hasBiases)
    both.weight = reader.matrices(prefix + "ffn_gate_up_exps.weight", count,
                                  2 * length, width, Presence::Optional);
  if (both.weight) {
    std::vector<LinearTensors> parts = reader.split(both, {length, length});
    t.experts.gate = parts[0];
    t.experts.up = parts[1];
  } else {
    t.experts.gate = read("ffn_gate_exps", length, width);
    t.experts.up = read("ffn_up_exps", length, width);
  }
  t.experts.down = read("ffn_down_exps", width, length);
  if (traits.experts.mayHaveSelectionBias)
    t.selectionBias =
        reader.vector(prefix + "exp_probs_b.bias", count, Presence::Optional);
  const int64_t shared = p.experts.sharedLength;
  if (shared == 0)
    return;
  if (traits.experts.hasGatedSharedExpert)
    t.sharedRouter = reader.vector(prefix + "ffn_gate_inp_shexp.weight", width);
  t.shared.gate.weight =
      reader.matrix(prefix + "ffn_gate_shexp.weight", shared, width);
  t.shared.up.weight =
      reader.matrix(prefix + "ffn_up_shexp.weight", shared, width);
  t.shared.down.weight =
      reader.matrix(prefix + "ffn_down_shexp.weight", width, shared);
}

static void readFeedForward(TensorReader &reader, const std::string &prefix,
                            const DecoderParameters &p,
                            const DecoderTraits &traits, LayerTensors &t) {
  const int64_t width = p.embeddingLength, length = p.feedForwardLength;
  if (traits.hasFusedGateUp) {
    std::vector<LinearTensors> parts = reader.split(
        reader.linear(prefix + "ffn_up", 2 * length, width), {length, length});
    t.gate = parts[0];
    t.up = parts[1];
  } else {
    t.gate = reader.linear(prefix + "ffn_gate", length, width);
    t.up = reader.linear(prefix + "ffn_up", length, width);
  }
  t.down = reader.linear(prefix + "ffn_down", width, length);
}

static LayerTensors readLayer(TensorReader &reader, int64_t layer,
                              const DecoderParameters &p,
                              const DecoderTraits &traits) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const int64_t width = p.embeddingLength;
  LayerTensors t = {};
  if (p.delta.isRecurrent[layer]) {
    t.attentionNorm = reader.vector(prefix + "attn_norm.weight", width);
    t.delta = readDeltaTensors(reader, prefix, p.delta, traits.delta, width);
  } else {
    readAttention(reader, prefix, p, traits, t);
  }
  t.feedForwardNorm =
      reader.vector(prefix + traits.feedForwardNorm.str() + ".weight", width);
  if (p.experts.count > 0 && layer >= p.experts.denseLayers)
    readExperts(reader, prefix, p, traits, t);
  else
    readFeedForward(reader, prefix, p, traits, t);
  if (traits.hasPostNorms)
    t.feedForwardPostNorm =
        reader.vector(prefix + "post_ffw_norm.weight", width);
  return t;
}

/// Long divisors are for contexts that the original one does not hold.
static const GgufTensor *findDivisors(TensorReader &reader,
                                      const DecoderParameters &p,
                                      const DecoderTraits &traits) {
  const int64_t pairs = p.rope.dims / 2;
  if (traits.divisors == RopeDivisors::One)
    return reader.vector("rope_freqs.weight", pairs, Presence::Optional);
  const GgufTensor *longer =
      reader.vector("rope_factors_long.weight", pairs, Presence::Optional);
  const GgufTensor *shorter =
      reader.vector("rope_factors_short.weight", pairs,
                    longer ? Presence::Required : Presence::Optional);
  return p.contextLength > p.rope.originalContext ? longer : shorter;
}

DecoderTensors modelc::arch::readDecoderTensors(TensorReader &reader,
                                                const DecoderParameters &p,
                                                const DecoderTraits &traits) {
  DecoderTensors t = {};
  t.embedding =
      reader.matrix("token_embd.weight", p.vocabSize, p.embeddingLength);
  t.ropeDivisors = findDivisors(reader, p, traits);
  for (int64_t i = 0; i < p.layers && reader.status().ok(); ++i)
    t.layers.push_back(readLayer(reader, i, p, traits));
  t.outputNorm = reader.vector("output_norm.weight", p.embeddingLength);
  t.output.weight = reader.matrix("output.weight", p.vocabSize,
                                  p.embeddingLength, Presence::Optional);
  if (!t.output.weight)
    t.output.weight = t.embedding;
  t.output.bias = reader.vector("output.bias", p.vocabSize, Presence::Optional);
  return t;
}

absl::StatusOr<std::vector<float>>
modelc::arch::readDivisors(const gguf::GgufModel &source,
                           const GgufTensor *tensor) {
  std::vector<float> divisors;
  if (!tensor)
    return divisors;
  divisors.resize(tensor->shape[0]);
  memcpy(divisors.data(), tensor->bytes.data(), tensor->bytes.size());
  for (auto [i, value] : llvm::enumerate(divisors))
    if (!std::isnormal(value) || value < 0)
      return source.makeError(tensor->name, "element " + std::to_string(i),
                              std::to_string(value), "a positive number");
  return divisors;
}

bool modelc::arch::isIgnorable(llvm::StringRef tensor,
                               const DecoderParameters &p) {
  int64_t layer;
  if (!tensor.consume_front("blk.") || tensor.consumeInteger(10, layer))
    return false;
  bool isPredicting =
      layer >= p.layers && layer - p.layers < p.predictingLayers;
  // What k_b and v_b were made of, where converters left it in.
  if (p.latents.isAbsorbed && tensor == ".attn_kv_b.weight")
    return true;
  return isPredicting || tensor == ".attn_rot_embd.weight";
}
