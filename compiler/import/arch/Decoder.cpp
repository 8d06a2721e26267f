//===- Decoder.cpp - Decoders of attention and gated feed-forward layers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// keys   ==> DecoderParameters
// names  ==> DecoderTensors, each of the shape that the parameters ask for
// both   ==> @forward
//
// All that can be wrong with a file is found in the first two steps.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Decoder.h"
#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/arch/Parameters.h"
#include "compiler/import/arch/TensorReader.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;
using gguf::GgufTensor;

namespace {

/// A layer's experts.
struct ExpertTensors {
  const GgufTensor *router;
  const GgufTensor *gate, *up, *down; ///< [experts][rows][columns]
};

/// An expert that every token uses.
struct SharedExpertTensors {
  const GgufTensor *router; ///< One row: the logit of its weight.
  const GgufTensor *gate, *up, *down;
};

struct LayerTensors {
  const GgufTensor *attentionNorm;
  LinearTensors q, k, v, output;
  const GgufTensor *qNorm = nullptr; ///< Null in families without.
  const GgufTensor *kNorm = nullptr;
  const GgufTensor *feedForwardNorm;
  LinearTensors gate, up, down; ///< Without experts.
  ExpertTensors experts;        ///< With experts.
  SharedExpertTensors shared;   ///< With a shared expert.
};

struct DecoderTensors {
  const GgufTensor *embedding;
  const GgufTensor *ropeDivisors; ///< Or null.
  std::vector<LayerTensors> layers;
  const GgufTensor *outputNorm;
  LinearTensors output;
};

} // namespace

static DecoderTensors readTensors(TensorReader &reader,
                                  const DecoderParameters &p,
                                  const DecoderTraits &traits);
static absl::StatusOr<std::vector<float>>
readDivisors(const gguf::GgufModel &source, const GgufTensor *tensor);
static bool isIgnorable(llvm::StringRef tensor);
static Value buildForward(NetworkBuilder &builder, const DecoderParameters &p,
                          const DecoderTensors &tensors,
                          llvm::ArrayRef<float> ropeDivisors);

ImportedModule modelc::arch::importDecoder(MLIRContext &context,
                                           const gguf::GgufModel &source,
                                           const DecoderTraits &traits) {
  absl::StatusOr<DecoderParameters> p = readDecoderParameters(
      source, traits.family, traits.pairing, traits.experts);
  if (!p.ok())
    return p.status();
  TensorReader reader(source);
  const DecoderTensors tensors = readTensors(reader, *p, traits);
  if (!reader.status().ok())
    return reader.status();
  absl::StatusOr<std::vector<float>> divisors =
      readDivisors(source, tensors.ropeDivisors);
  if (!divisors.ok())
    return divisors.status();
  absl::StatusOr<std::vector<llvm::StringRef>> ignored =
      reader.takeIgnored(isIgnorable);
  if (!ignored.ok())
    return ignored.status();

  NetworkBuilder builder(context, p->vocabSize);
  Value logits = buildForward(builder, *p, tensors, *divisors);
  return builder.finish(logits, source,
                        {p->contextLength, p->vocabSize, p->embeddingLength,
                         p->layers, *std::move(ignored)});
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static ExpertTensors readExperts(TensorReader &reader,
                                 const std::string &prefix, int64_t width,
                                 const ExpertParameters &p) {
  // Old converters wrote a tensor for each expert.
  for (const char *name : {"ffn_gate", "ffn_up", "ffn_down"})
    reader.refuse(prefix + name + ".0.weight", "one expert",
                  "all experts in one " + prefix + name + "_exps.weight");
  ExpertTensors t;
  t.router = reader.matrix(prefix + "ffn_gate_inp.weight", p.count, width);
  t.gate = reader.matrices(prefix + "ffn_gate_exps.weight", p.count,
                           p.feedForwardLength, width);
  t.up = reader.matrices(prefix + "ffn_up_exps.weight", p.count,
                         p.feedForwardLength, width);
  t.down = reader.matrices(prefix + "ffn_down_exps.weight", p.count, width,
                           p.feedForwardLength);
  return t;
}

static SharedExpertTensors readSharedExpert(TensorReader &reader,
                                            const std::string &prefix,
                                            int64_t width, int64_t length) {
  SharedExpertTensors t;
  t.router = reader.vector(prefix + "ffn_gate_inp_shexp.weight", width);
  t.gate = reader.matrix(prefix + "ffn_gate_shexp.weight", length, width);
  t.up = reader.matrix(prefix + "ffn_up_shexp.weight", length, width);
  t.down = reader.matrix(prefix + "ffn_down_shexp.weight", width, length);
  return t;
}

static LayerTensors readLayer(TensorReader &reader, int64_t layer,
                              const DecoderParameters &p,
                              const DecoderTraits &traits) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const int64_t width = p.embeddingLength;
  const Presence qkvBias =
      traits.needsQkvBias ? Presence::Required : Presence::Optional;
  LayerTensors t = {};
  t.attentionNorm = reader.vector(prefix + "attn_norm.weight", width);
  t.q = reader.linear(prefix + "attn_q", p.heads * p.keyDim, width, qkvBias);
  t.k = reader.linear(prefix + "attn_k", p.kvHeads * p.keyDim, width, qkvBias);
  t.v =
      reader.linear(prefix + "attn_v", p.kvHeads * p.valueDim, width, qkvBias);
  t.output = reader.linear(prefix + "attn_output", width, p.heads * p.valueDim);
  if (traits.hasQkNorm) {
    t.qNorm = reader.vector(prefix + "attn_q_norm.weight", p.keyDim);
    t.kNorm = reader.vector(prefix + "attn_k_norm.weight", p.keyDim);
  }
  t.feedForwardNorm = reader.vector(prefix + "ffn_norm.weight", width);
  if (p.experts.count > 0) {
    t.experts = readExperts(reader, prefix, width, p.experts);
    if (p.experts.sharedLength > 0)
      t.shared =
          readSharedExpert(reader, prefix, width, p.experts.sharedLength);
    return t;
  }
  t.gate = reader.linear(prefix + "ffn_gate", p.feedForwardLength, width);
  t.up = reader.linear(prefix + "ffn_up", p.feedForwardLength, width);
  t.down = reader.linear(prefix + "ffn_down", width, p.feedForwardLength);
  return t;
}

static DecoderTensors readTensors(TensorReader &reader,
                                  const DecoderParameters &p,
                                  const DecoderTraits &traits) {
  DecoderTensors t = {};
  t.embedding =
      reader.matrix("token_embd.weight", p.vocabSize, p.embeddingLength);
  t.ropeDivisors =
      reader.vector("rope_freqs.weight", p.rope.dims / 2, Presence::Optional);
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

/// The values of rope_freqs.weight, by which frequencies are divided; none if
/// there is no such tensor.
static absl::StatusOr<std::vector<float>>
readDivisors(const gguf::GgufModel &source, const GgufTensor *tensor) {
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

/// Old converters wrote the rotation's frequencies for every layer; they are
/// what rope.freq_base says.
static bool isIgnorable(llvm::StringRef tensor) {
  return tensor.consume_front("blk.") &&
         tensor.ends_with(".attn_rot_embd.weight");
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

static Value buildAttention(NetworkBuilder &builder, Value x, Value ropeTable,
                            const DecoderParameters &p, const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.attentionNorm, p.normEps);
  Value q = builder.linear(y, t.q);
  Value k = builder.linear(y, t.k);
  Value v = builder.linear(y, t.v);
  if (t.qNorm) {
    q = builder.rmsNorm(q, *t.qNorm, p.normEps);
    k = builder.rmsNorm(k, *t.kNorm, p.normEps);
  }
  q = builder.rope(q, ropeTable, p.keyDim, p.rope.pairing);
  k = builder.rope(k, ropeTable, p.keyDim, p.rope.pairing);
  y = builder.attention(
      q, k, v, {p.heads, p.kvHeads, p.keyDim, p.valueDim, p.attentionScale});
  return builder.add(x, builder.linear(y, t.output));
}

static Value buildFeedForward(NetworkBuilder &builder, Value x,
                              const DecoderParameters &p,
                              const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.feedForwardNorm, p.normEps);
  Value gate = builder.linear(y, t.gate);
  Value up = builder.linear(y, t.up);
  y = builder.glu(model::Activation::Silu, gate, up);
  return builder.add(x, builder.linear(y, t.down));
}

static Value buildExperts(NetworkBuilder &builder, Value x,
                          const DecoderParameters &p, const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.feedForwardNorm, p.normEps);
  const ExpertParameters &e = p.experts;
  Value logits = builder.linear(y, {t.experts.router});
  Value result = builder.add(
      x, builder.experts(y, logits, {e.gating, e.used, e.normalise, e.scale},
                         {t.experts.gate, t.experts.up, t.experts.down}));
  if (!t.shared.router)
    return result;
  // One of one expert, so that its weight is the sigmoid itself.
  logits = builder.linear(y, {t.shared.router});
  return builder.add(
      result, builder.experts(y, logits, {model::Gating::Sigmoid},
                              {t.shared.gate, t.shared.up, t.shared.down}));
}

static Value buildForward(NetworkBuilder &builder, const DecoderParameters &p,
                          const DecoderTensors &tensors,
                          llvm::ArrayRef<float> ropeDivisors) {
  Value x = builder.embed(builder.tokens(), *tensors.embedding);
  builder.enter("rope");
  Value ropeTable = builder.ropeTable(p.rope, ropeDivisors);
  for (auto [i, layer] : llvm::enumerate(tensors.layers)) {
    builder.enter("blk." + llvm::Twine(i));
    x = buildAttention(builder, x, ropeTable, p, layer);
    x = p.experts.count > 0 ? buildExperts(builder, x, p, layer)
                            : buildFeedForward(builder, x, p, layer);
  }
  builder.enter("output");
  x = builder.selectRows(x, builder.outputs());
  x = builder.rmsNorm(x, *tensors.outputNorm, p.normEps);
  return builder.linear(x, tensors.output);
}
