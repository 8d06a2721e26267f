//===- DeltaNet.cpp - Layers of gated delta nets
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// qwen3next.ssm.state_size, ...  ==> DeltaParameters
// blk.0.ssm_conv1d.weight, ...   ==> DeltaTensors
// both                           ==> ops
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/DeltaNet.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;
using gguf::IntegerRange;
using gguf::Metadata;
using gguf::MetadataEntry;

/// Far above any model; keep products in 64 bits.
static constexpr IntegerRange kHeads = {1, 1 << 12};
static constexpr IntegerRange kHeadDim = {1, 1 << 12};
static constexpr IntegerRange kTaps = {2, 16};
/// Heads are whole vectors of every kernel.
static constexpr int64_t kVector = 16;

/// Which layers are recurrent: as an array says, or all but each so-manieth.
static absl::StatusOr<std::vector<bool>>
readRecurrentLayers(const Metadata &metadata, const std::string &prefix,
                    int64_t layers, int64_t predictingLayers) {
  std::vector<bool> isRecurrent(layers);
  const std::string key = prefix + "attention.recurrent_layers";
  if (const MetadataEntry *entry = metadata.find(key)) {
    if (!entry->isArray || entry->type != gguf::MetadataType::Bool ||
        entry->count != static_cast<uint64_t>(layers + predictingLayers))
      return metadata.makeError(
          key, entry->describeType(),
          "an array of " + llvm::Twine(layers + predictingLayers) + " bools");
    for (int64_t i = 0; i < layers; ++i)
      isRecurrent[i] = entry->integer(i).value_or(0) != 0;
    return isRecurrent;
  }
  absl::StatusOr<int64_t> interval = metadata.getIntegerOr(
      prefix + "full_attention_interval", {1, 1 << 16}, 4);
  if (!interval.ok())
    return interval.status();
  for (int64_t i = 0; i < layers; ++i)
    isRecurrent[i] = (i + 1) % *interval != 0;
  return isRecurrent;
}

/// Reads numbers of heads and taps.
static absl::Status readSizes(const Metadata &metadata,
                              const std::string &prefix, DeltaParameters &p) {
  struct Size {
    const char *name;
    IntegerRange range;
    int64_t *value;
  };
  const Size sizes[] = {{"conv_kernel", kTaps, &p.taps},
                        {"state_size", kHeadDim, &p.headDim},
                        {"group_count", kHeads, &p.keyHeads},
                        {"time_step_rank", kHeads, &p.heads}};
  for (const Size &size : sizes) {
    absl::StatusOr<int64_t> value =
        metadata.getInteger(prefix + size.name, size.range);
    if (!value.ok())
      return value.status();
    *size.value = *value;
  }
  if (p.heads % p.keyHeads != 0)
    return metadata.makeError(prefix + "time_step_rank", llvm::Twine(p.heads),
                              "a multiple of the " + llvm::Twine(p.keyHeads) +
                                  " of group_count");
  if (p.headDim % kVector != 0)
    return metadata.makeError(prefix + "state_size", llvm::Twine(p.headDim),
                              "a multiple of " + llvm::Twine(kVector));
  const std::string key = prefix + "inner_size";
  absl::StatusOr<int64_t> inner =
      metadata.getInteger(key, {1, kHeads.max * kHeadDim.max});
  if (!inner.ok())
    return inner.status();
  if (*inner != p.valueLength())
    return metadata.makeError(key, llvm::Twine(*inner),
                              llvm::Twine(p.valueLength()) + ": " +
                                  llvm::Twine(p.heads) + " heads of " +
                                  llvm::Twine(p.headDim));
  return absl::OkStatus();
}

absl::StatusOr<DeltaParameters> modelc::arch::readDeltaParameters(
    const Metadata &metadata, llvm::StringRef family, const DeltaTraits &traits,
    int64_t layers, int64_t predictingLayers) {
  DeltaParameters p;
  p.isRecurrent.assign(layers, false);
  if (traits.use == DeltaTraits::Use::Never)
    return p;
  absl::StatusOr<std::vector<bool>> isRecurrent = readRecurrentLayers(
      metadata, family.str() + ".", layers, predictingLayers);
  if (!isRecurrent.ok())
    return isRecurrent.status();
  p.isRecurrent = *std::move(isRecurrent);
  if (absl::Status status = readSizes(metadata, family.str() + ".ssm.", p);
      !status.ok())
    return status;
  return p;
}

DeltaTensors modelc::arch::readDeltaTensors(TensorReader &reader,
                                            const std::string &prefix,
                                            const DeltaParameters &p,
                                            const DeltaTraits &traits,
                                            int64_t width) {
  DeltaTensors t = {};
  auto read = [&](const char *name, int64_t rows, int64_t columns) {
    LinearTensors linear;
    linear.weight = reader.matrix(prefix + name + ".weight", rows, columns);
    return linear;
  };
  reader.refuse(prefix + "ssm_in.weight", "a fused projection",
                prefix + "attn_qkv.weight and " + prefix + "attn_gate.weight");
  t.qkv = read("attn_qkv", p.convLength(), width);
  t.z = read("attn_gate", p.valueLength(), width);
  if (traits.use == DeltaTraits::Use::Grouped) {
    t.gates = read("ssm_ba", 2 * p.heads, width);
  } else {
    t.beta = read("ssm_beta", p.heads, width);
    t.alpha = read("ssm_alpha", p.heads, width);
  }
  t.conv = reader.floats(prefix + "ssm_conv1d.weight", p.convLength(), p.taps);
  t.rate = reader.vector(prefix + "ssm_a", p.heads);
  t.bias = reader.vector(prefix + "ssm_dt.bias", p.heads);
  t.norm = reader.vector(prefix + "ssm_norm.weight", p.headDim);
  t.output = read("ssm_out", width, p.valueLength());
  return t;
}

Value modelc::arch::buildDeltaNet(NetworkBuilder &builder, Value y,
                                  const DeltaParameters &p,
                                  const DeltaTensors &t, float normEps) {
  Value x = builder.linear(y, t.qkv);
  Value z = builder.linear(y, t.z);
  DeltaInputs inputs = {};
  const bool isTiled = !t.gates.weight;
  if (isTiled) {
    inputs.beta = builder.linear(y, t.beta);
    inputs.decay = builder.linear(y, t.alpha);
  } else {
    // For each key head the betas of its value heads, then their alphas.
    Value gates = builder.linear(y, t.gates);
    int64_t heads = p.heads / p.keyHeads;
    inputs.beta = builder.columns(gates, 0, heads, 2 * heads);
    inputs.decay = builder.columns(gates, heads, heads, 2 * heads);
  }
  inputs.x = builder.causalConv(x, *t.conv);
  inputs.rate = t.rate;
  inputs.bias = t.bias;
  Value o = builder.deltaRule(
      inputs, {p.heads, p.keyHeads, p.headDim, p.headDim, isTiled, normEps});
  o = builder.glu(model::Activation::Silu, z,
                  builder.rmsNorm(o, *t.norm, normEps));
  return builder.linear(o, t.output);
}
