//===- Decoder.cpp - Decoders of attention and feed-forward layers
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
#include "compiler/import/arch/DecoderTensors.h"
#include "compiler/support/Numerics.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;

namespace {

/// Builds @forward.
class ForwardBuilder {
public:
  ForwardBuilder(NetworkBuilder &builder, const DecoderParameters &p,
                 const DecoderTraits &traits,
                 llvm::ArrayRef<float> ropeDivisors)
      : builder(builder), p(p), traits(traits), divisors(ropeDivisors) {}

  Value build(const DecoderTensors &tensors);

private:
  /// Tables of queries and keys, which differ only with a temper.
  struct RopeTables {
    Value queries, keys;
  };
  RopeTables buildRopeTables(const RopeParameters &rope);
  Value buildAttention(Value x, int64_t layer, const LayerTensors &t);
  Value buildFeedForward(Value x, const LayerTensors &t);
  Value buildExperts(Value x, const LayerTensors &t);

  NetworkBuilder &builder;
  const DecoderParameters &p;
  const DecoderTraits &traits;
  llvm::ArrayRef<float> divisors;
  RopeTables tables, slidingTables;
};

} // namespace

ImportedModule modelc::arch::importDecoder(MLIRContext &context,
                                           const gguf::GgufModel &source,
                                           const DecoderTraits &traits) {
  absl::StatusOr<DecoderParameters> p = readDecoderParameters(source, traits);
  if (!p.ok())
    return p.status();
  TensorReader reader(source);
  const DecoderTensors tensors = readDecoderTensors(reader, *p, traits);
  if (!reader.status().ok())
    return reader.status();
  absl::StatusOr<std::vector<float>> divisors =
      readDivisors(source, tensors.ropeDivisors);
  if (!divisors.ok())
    return divisors.status();
  absl::StatusOr<std::vector<llvm::StringRef>> ignored = reader.takeIgnored(
      [&](llvm::StringRef tensor) { return isIgnorable(tensor, *p); });
  if (!ignored.ok())
    return ignored.status();

  NetworkBuilder builder(context, p->vocabSize);
  Value logits = ForwardBuilder(builder, *p, traits, *divisors).build(tensors);
  return builder.finish(logits, source,
                        {p->contextLength, p->vocabSize, p->embeddingLength,
                         p->layers, *std::move(ignored)});
}

/// What queries are multiplied by: 1 + scale * ln(1 + n) in the n-th stretch
/// of the original context's length (Llama 4's attention temperature).
static Temper makeTemper(const DecoderParameters &p) {
  Temper temper;
  temper.length = p.rope.originalContext;
  for (int64_t n = 0; n <= (p.contextLength - 1) / temper.length; ++n)
    temper.values.push_back(static_cast<float>(
        1 + double(p.temperScale) * support::computeLog(double(n + 1))));
  return temper;
}

ForwardBuilder::RopeTables
ForwardBuilder::buildRopeTables(const RopeParameters &rope) {
  RopeTables built;
  built.queries = built.keys = builder.ropeTable(rope, divisors);
  if (p.temperScale != 0)
    built.queries = builder.ropeTable(rope, divisors, makeTemper(p));
  return built;
}

Value ForwardBuilder::buildAttention(Value x, int64_t layer,
                                     const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.attentionNorm, p.normEps);
  if (traits.hasLatents) {
    y = buildLatentAttention(builder, y, tables.keys, p.rope.pairing, p.normEps,
                             p.latents, t.latents);
    return builder.add(x, builder.linear(y, t.output));
  }
  if (p.delta.isRecurrent[layer])
    return builder.add(x,
                       buildDeltaNet(builder, y, p.delta, t.delta, p.normEps));
  Value q = builder.linear(y, t.q);
  Value k = builder.linear(y, t.k);
  Value v = builder.linear(y, t.v);
  Value gate;
  if (traits.hasGatedQuery) {
    gate = builder.columns(q, p.keyDim, p.keyDim, 2 * p.keyDim);
    q = builder.columns(q, 0, p.keyDim, 2 * p.keyDim);
  }
  if (t.qNorm) {
    q = builder.rmsNorm(q, *t.qNorm, p.normEps);
    k = builder.rmsNorm(k, *t.kNorm, p.normEps);
  }
  const bool isSliding = p.window.isSliding[layer];
  const bool isRotated =
      traits.noRopeStep == 0 || (layer + 1) % traits.noRopeStep != 0;
  if (isRotated) {
    const RopeTables &table = isSliding ? slidingTables : tables;
    q = builder.rope(q, table.queries, p.keyDim, p.rope.pairing);
    k = builder.rope(k, table.keys, p.keyDim, p.rope.pairing);
  }
  AttentionShape shape = {p.heads, p.kvHeads, p.keyDim, p.valueDim,
                          p.attentionScale};
  shape.window = isSliding ? p.window.length : 0;
  shape.cap = p.attentionCap;
  shape.sinks = t.sinks;
  y = builder.attention(q, k, v, shape);
  if (gate)
    y = builder.glu(model::Activation::Sigmoid, gate, y);
  y = builder.linear(y, t.output);
  if (t.attentionPostNorm)
    y = builder.rmsNorm(y, *t.attentionPostNorm, p.normEps);
  return builder.add(x, y);
}

Value ForwardBuilder::buildFeedForward(Value x, const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.feedForwardNorm, p.normEps);
  Value gate = builder.linear(y, t.gate);
  Value up = builder.linear(y, t.up);
  y = builder.linear(builder.glu(traits.activation, gate, up), t.down);
  if (t.feedForwardPostNorm)
    y = builder.rmsNorm(y, *t.feedForwardPostNorm, p.normEps);
  return builder.add(x, y);
}

Value ForwardBuilder::buildExperts(Value x, const LayerTensors &t) {
  Value y = builder.rmsNorm(x, *t.feedForwardNorm, p.normEps);
  const ExpertParameters &e = p.experts;
  Value logits = builder.linear(y, t.router);
  Value result =
      builder.add(x, builder.experts(y, logits,
                                     {e.gating, e.used, e.normalise, e.scale,
                                      t.selectionBias, e.groups, e.groupsUsed},
                                     traits.activation, t.experts));
  if (!t.shared.gate.weight)
    return result;
  if (!t.sharedRouter) {
    Value gate = builder.linear(y, t.shared.gate);
    Value up = builder.linear(y, t.shared.up);
    Value hidden = builder.glu(traits.activation, gate, up);
    return builder.add(result, builder.linear(hidden, t.shared.down));
  }
  // One of one expert, so that its weight is the sigmoid itself.
  logits = builder.linear(y, {t.sharedRouter});
  return builder.add(result,
                     builder.experts(y, logits, {model::Gating::Sigmoid},
                                     traits.activation, t.shared));
}

Value ForwardBuilder::build(const DecoderTensors &tensors) {
  Value x =
      builder.embed(builder.tokens(), *tensors.embedding, p.embeddingScale);
  builder.enter("rope");
  // A table that no layer reads is removed by fusion.
  tables = slidingTables = buildRopeTables(p.rope);
  if (p.window.length > 0 && (p.slidingRope.base != p.rope.base ||
                              p.slidingRope.scaling != p.rope.scaling))
    slidingTables = buildRopeTables(p.slidingRope);
  for (auto [i, layer] : llvm::enumerate(tensors.layers)) {
    builder.enter("blk." + llvm::Twine(i));
    x = buildAttention(x, static_cast<int64_t>(i), layer);
    x = layer.router.weight ? buildExperts(x, layer)
                            : buildFeedForward(x, layer);
  }
  builder.enter("output");
  x = builder.selectRows(x, builder.outputs());
  x = builder.rmsNorm(x, *tensors.outputNorm, p.normEps);
  x = builder.linear(x, tensors.output);
  if (p.logitCap == 0)
    return x;
  return builder.activate(model::Activation::SoftCap, x, p.logitCap);
}
