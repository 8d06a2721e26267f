//===- Gpt2.cpp - The gpt2 family
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Learned positions that are added to the embedding; layer norms; q, k and v in
// one matrix; biases everywhere; a feed-forward network of GELU without a gate.
//
// Source: llama.cpp, conversion/gpt2.py and src/models/gpt2.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Families.h"
#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/arch/Parameters.h"
#include <cmath>

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;
using gguf::GgufTensor;
using gguf::Metadata;

namespace {

struct Gpt2Parameters {
  int64_t layers, contextLength, embeddingLength, feedForwardLength, heads;
  int64_t vocabSize;
  float normEps;
};

struct Gpt2Layer {
  LinearTensors attentionNorm, q, k, v, output;
  LinearTensors feedForwardNorm, up, down;
};

struct Gpt2Tensors {
  const GgufTensor *embedding, *positions;
  std::vector<Gpt2Layer> layers;
  LinearTensors outputNorm, output;
};

} // namespace

static absl::StatusOr<Gpt2Parameters>
readParameters(const gguf::GgufModel &source) {
  constexpr gguf::IntegerRange kSize = {1, 1 << 24};
  const Metadata &metadata = source.metadata();
  Gpt2Parameters p = {};
  const std::pair<const char *, int64_t *> sizes[] = {
      {"gpt2.block_count", &p.layers},
      {"gpt2.context_length", &p.contextLength},
      {"gpt2.embedding_length", &p.embeddingLength},
      {"gpt2.feed_forward_length", &p.feedForwardLength},
      {"gpt2.attention.head_count", &p.heads}};
  for (auto [key, value] : sizes) {
    absl::StatusOr<int64_t> size = metadata.getInteger(key, kSize);
    if (!size.ok())
      return size.status();
    *value = *size;
  }
  if (p.embeddingLength % p.heads != 0)
    return metadata.makeError("gpt2.attention.head_count", llvm::Twine(p.heads),
                              "a divisor of the embedding's " +
                                  llvm::Twine(p.embeddingLength));
  absl::StatusOr<float> eps =
      metadata.getFloat("gpt2.attention.layer_norm_epsilon", {0, 1});
  if (!eps.ok())
    return eps.status();
  p.normEps = *eps;
  absl::StatusOr<int64_t> vocabSize = readVocabSize(source, "gpt2.");
  if (!vocabSize.ok())
    return vocabSize.status();
  p.vocabSize = *vocabSize;
  return p;
}

/// `NAME.weight` and `NAME.bias`.
static LinearTensors readNorm(TensorReader &reader, const std::string &name,
                              int64_t length) {
  return {reader.vector(name + ".weight", length),
          reader.vector(name + ".bias", length)};
}

static Gpt2Layer readLayer(TensorReader &reader, int64_t layer,
                           const Gpt2Parameters &p) {
  const std::string prefix = "blk." + std::to_string(layer) + ".";
  const int64_t width = p.embeddingLength, length = p.feedForwardLength;
  Gpt2Layer t;
  t.attentionNorm = readNorm(reader, prefix + "attn_norm", width);
  std::vector<LinearTensors> parts = reader.split(
      reader.linear(prefix + "attn_qkv", 3 * width, width, Presence::Required),
      {width, width, width});
  t.q = parts[0];
  t.k = parts[1];
  t.v = parts[2];
  t.output =
      reader.linear(prefix + "attn_output", width, width, Presence::Required);
  t.feedForwardNorm = readNorm(reader, prefix + "ffn_norm", width);
  t.up = reader.linear(prefix + "ffn_up", length, width, Presence::Required);
  t.down =
      reader.linear(prefix + "ffn_down", width, length, Presence::Required);
  return t;
}

static Gpt2Tensors readTensors(TensorReader &reader, const Gpt2Parameters &p) {
  const int64_t width = p.embeddingLength;
  Gpt2Tensors t;
  t.embedding = reader.matrix("token_embd.weight", p.vocabSize, width);
  t.positions = reader.matrix("position_embd.weight", p.contextLength, width);
  for (int64_t i = 0; i < p.layers && reader.status().ok(); ++i)
    t.layers.push_back(readLayer(reader, i, p));
  t.outputNorm = readNorm(reader, "output_norm", width);
  t.output.weight =
      reader.matrix("output.weight", p.vocabSize, width, Presence::Optional);
  if (!t.output.weight)
    t.output.weight = t.embedding;
  return t;
}

static Value buildLayer(NetworkBuilder &builder, Value x,
                        const Gpt2Parameters &p, const Gpt2Layer &t) {
  const int64_t dim = p.embeddingLength / p.heads;
  Value y = builder.layerNorm(x, t.attentionNorm, p.normEps);
  Value q = builder.linear(y, t.q);
  Value k = builder.linear(y, t.k);
  Value v = builder.linear(y, t.v);
  float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  y = builder.attention(q, k, v, {p.heads, p.heads, dim, dim, scale});
  x = builder.add(x, builder.linear(y, t.output));
  y = builder.layerNorm(x, t.feedForwardNorm, p.normEps);
  y = builder.activate(model::Activation::Gelu, builder.linear(y, t.up));
  return builder.add(x, builder.linear(y, t.down));
}

ImportedModule modelc::arch::importGpt2(MLIRContext &context,
                                        const gguf::GgufModel &source) {
  absl::StatusOr<Gpt2Parameters> p = readParameters(source);
  if (!p.ok())
    return p.status();
  TensorReader reader(source);
  const Gpt2Tensors tensors = readTensors(reader, *p);
  if (!reader.status().ok())
    return reader.status();
  absl::StatusOr<std::vector<llvm::StringRef>> ignored =
      reader.takeIgnored([](llvm::StringRef) { return false; });
  if (!ignored.ok())
    return ignored.status();

  NetworkBuilder builder(context, p->vocabSize);
  Value x = builder.embed(builder.tokens(), *tensors.embedding);
  x = builder.add(x, builder.embed(builder.positions(), *tensors.positions));
  for (auto [i, layer] : llvm::enumerate(tensors.layers)) {
    builder.enter("blk." + llvm::Twine(i));
    x = buildLayer(builder, x, *p, layer);
  }
  builder.enter("output");
  // Rows are selected behind the norm, where the matmul can take that in.
  x = builder.layerNorm(x, tensors.outputNorm, p->normEps);
  x = builder.selectRows(x, builder.outputs());
  Value logits = builder.linear(x, tensors.output);
  return builder.finish(logits, source,
                        {p->contextLength, p->vocabSize, p->embeddingLength,
                         p->layers, *std::move(ignored)});
}
