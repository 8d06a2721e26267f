//===- Parameters.cpp - The numbers of a decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llama.block_count, llama.embedding_length, ... ==> DecoderParameters
//
// Defaults are llama.cpp's: as many kv heads as heads, heads of
// embedding_length / head_count, a scale of 1 / sqrt(key length). The
// vocabulary is what the tokenizer lists; without a tokenizer, the key
// vocab_size or the rows of the embedding.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/Parameters.h"
#include <cmath>

using namespace modelc;
using namespace modelc::arch;
using gguf::IntegerRange;
using gguf::Metadata;

/// Bounds of counts, far above any model, that keep products in 64 bits.
static constexpr IntegerRange kSize = {1, 1 << 24};
static constexpr IntegerRange kLayers = {1, 1 << 16};
static constexpr IntegerRange kContext = {1,
                                          std::numeric_limits<int32_t>::max()};

/// Refuses attention that is not causal.
static absl::Status checkCausal(const Metadata &metadata,
                                const std::string &prefix) {
  const std::string causalKey = prefix + "attention.causal";
  absl::StatusOr<bool> causal = metadata.getBoolOr(causalKey, true);
  if (!causal.ok())
    return causal.status();
  if (!*causal)
    return metadata.makeError(causalKey, "false", "true");
  return absl::OkStatus();
}

/// Reads heads and kvHeads, which may be arrays, one element per layer.
static absl::Status readHeads(const Metadata &metadata,
                              const std::string &prefix,
                              DecoderParameters &parameters) {
  const std::string key = prefix + "attention.head_count";
  absl::StatusOr<int64_t> heads =
      metadata.getUniformInteger(key, kSize, parameters.layers);
  if (!heads.ok())
    return heads.status();
  const std::string kvKey = prefix + "attention.head_count_kv";
  absl::StatusOr<int64_t> kvHeads = *heads;
  if (metadata.find(kvKey))
    kvHeads = metadata.getUniformInteger(kvKey, kSize, parameters.layers);
  if (!kvHeads.ok())
    return kvHeads.status();
  if (*heads % *kvHeads != 0)
    return metadata.makeError(kvKey, llvm::Twine(*kvHeads),
                              "a divisor of the " + llvm::Twine(*heads) +
                                  " heads");
  parameters.heads = *heads;
  parameters.kvHeads = *kvHeads;
  return absl::OkStatus();
}

/// Length of a head, from `key` or by dividing the embedding.
static absl::StatusOr<int64_t>
readHeadDim(const Metadata &metadata, const std::string &key,
            const DecoderParameters &parameters) {
  if (metadata.find(key) || parameters.embeddingLength % parameters.heads == 0)
    return metadata.getIntegerOr(key, kSize,
                                 parameters.embeddingLength / parameters.heads);
  return metadata.makeError(key, "none",
                            "an integer, as " + llvm::Twine(parameters.heads) +
                                " heads do not divide an embedding of " +
                                llvm::Twine(parameters.embeddingLength));
}

/// Reads lengths and scale of the heads.
static absl::Status readAttention(const Metadata &metadata,
                                  const std::string &prefix,
                                  const DecoderTraits &traits,
                                  DecoderParameters &parameters) {
  constexpr gguf::FloatRange kScale = {0, std::numeric_limits<float>::max()};
  absl::StatusOr<int64_t> keyDim =
      readHeadDim(metadata, prefix + "attention.key_length", parameters);
  if (!keyDim.ok())
    return keyDim.status();
  absl::StatusOr<int64_t> valueDim =
      readHeadDim(metadata, prefix + "attention.value_length", parameters);
  if (!valueDim.ok())
    return valueDim.status();
  absl::StatusOr<float> scale =
      metadata.getFloatOr(prefix + "attention.scale", kScale, 0);
  if (!scale.ok())
    return scale.status();
  parameters.keyDim = *keyDim;
  parameters.valueDim = *valueDim;
  // 0 stands for the default. sqrt and division round the same everywhere.
  int64_t divisor = *keyDim;
  if (parameters.layers == traits.layersScaledByWidth)
    divisor = parameters.embeddingLength / parameters.heads;
  parameters.attentionScale =
      *scale != 0 ? *scale : 1.0f / std::sqrt(static_cast<float>(divisor));
  return absl::OkStatus();
}

absl::StatusOr<int64_t>
modelc::arch::readVocabSize(const gguf::GgufModel &source,
                            const std::string &prefix) {
  constexpr llvm::StringLiteral kTokens = "tokenizer.ggml.tokens";
  constexpr llvm::StringLiteral kEmbedding = "token_embd.weight";
  const Metadata &metadata = source.metadata();
  if (metadata.find(kTokens)) {
    absl::StatusOr<int64_t> count = metadata.getArrayLength(kTokens);
    if (count.ok() && (*count < kSize.min || *count > kSize.max))
      return metadata.makeError(kTokens, "an array of " + llvm::Twine(*count),
                                "1 to 16777216 elements");
    return count;
  }
  const gguf::GgufTensor *embedding = source.findTensor(kEmbedding);
  if (embedding)
    return metadata.getIntegerOr(prefix + "vocab_size", kSize,
                                 embedding->shape.front());
  return source.makeError(kEmbedding, "", "none", "the embedding of tokens");
}

/// Reads one of the required sizes.
static absl::Status readSize(const Metadata &metadata, const std::string &key,
                             IntegerRange range, int64_t &size) {
  absl::StatusOr<int64_t> value = metadata.getInteger(key, range);
  if (value.ok())
    size = *value;
  return value.status();
}

/// Reads what latent vectors are and what is made of them. Only a part of a
/// head is rotated then.
static absl::Status readLatents(const Metadata &metadata,
                                const DecoderTraits &traits,
                                DecoderParameters &p) {
  absl::StatusOr<LatentParameters> latents = readLatentParameters(
      metadata, traits.family, p.heads, p.keyDim, p.valueDim);
  if (!latents.ok())
    return latents.status();
  p.latents = *latents;
  p.keyDim = p.latents.ropeDim;
  return absl::OkStatus();
}

/// Reads how attention scores and logits are bent.
static absl::Status readCaps(const Metadata &metadata,
                             const std::string &prefix,
                             const DecoderTraits &traits,
                             DecoderParameters &p) {
  constexpr gguf::FloatRange kCap = {0, std::numeric_limits<float>::max()};
  absl::StatusOr<float> attention = traits.attentionCap;
  if (traits.attentionCap != 0)
    attention = metadata.getFloatOr(prefix + "attn_logit_softcapping", kCap,
                                    traits.attentionCap);
  if (!attention.ok())
    return attention.status();
  absl::StatusOr<float> logits = traits.logitCap;
  if (traits.mayCapLogits)
    logits = metadata.getFloatOr(prefix + "final_logit_softcapping", kCap,
                                 traits.logitCap);
  if (!logits.ok())
    return logits.status();
  absl::StatusOr<float> temper = 0.0f;
  if (traits.hasTemper)
    temper = metadata.getFloatOr(prefix + "attention.temperature_scale",
                                 {0, 100}, 0);
  if (!temper.ok())
    return temper.status();
  p.attentionCap = *attention;
  p.logitCap = *logits;
  p.temperScale = *temper;
  return absl::OkStatus();
}

/// Reads how positions rotate, in layers with and without a window.
static absl::Status readRopes(const Metadata &metadata,
                              const DecoderTraits &traits,
                              DecoderParameters &p) {
  absl::StatusOr<RopeParameters> rope = readRopeParameters(
      metadata, traits.family, traits.pairing, p.keyDim, p.contextLength,
      traits.divisors == RopeDivisors::LongOrShort);
  if (!rope.ok())
    return rope.status();
  if (traits.hasRopeSections)
    if (absl::Status status =
            checkRopeSections(metadata, traits.family, rope->dims);
        !status.ok())
      return status;
  p.rope = p.slidingRope = *rope;
  if (traits.window.ropeBase != 0) { // Neither base nor stretching is shared.
    p.slidingRope.base = traits.window.ropeBase;
    p.slidingRope.scaling = model::RopeScaling::None;
    p.slidingRope.factor = 1;
  }
  if (p.window.length == 0)
    return absl::OkStatus();
  absl::StatusOr<float> base = metadata.getFloatOr(
      traits.family.str() + ".rope.freq_base_swa",
      {2, std::numeric_limits<float>::max()}, p.slidingRope.base);
  if (base.ok())
    p.slidingRope.base = *base;
  return base.status();
}

/// The values of a temper are a table, one for each original context. They
/// scale what is rotated, which must be all of a head.
static absl::Status checkTemper(const Metadata &metadata,
                                const std::string &prefix,
                                const DecoderParameters &p) {
  constexpr int64_t kMost = 1 << 16;
  if (p.temperScale == 0)
    return absl::OkStatus();
  if (p.rope.dims != p.keyDim)
    return metadata.makeError(
        prefix + "attention.temperature_scale", std::to_string(p.temperScale),
        "0 where " + llvm::Twine(p.rope.dims) + " of the " +
            llvm::Twine(p.keyDim) + " elements of a head are rotated");
  if (p.contextLength / p.rope.originalContext < kMost)
    return absl::OkStatus();
  return metadata.makeError(prefix + "rope.scaling.original_context_length",
                            llvm::Twine(p.rope.originalContext),
                            "more, as it is repeated in a context of " +
                                llvm::Twine(p.contextLength));
}

/// Reads the number of layers: those that only predict further tokens come
/// last and are not ours.
static absl::Status readLayers(const Metadata &metadata,
                               const std::string &prefix,
                               DecoderParameters &p) {
  if (absl::Status status =
          readSize(metadata, prefix + "block_count", kLayers, p.layers);
      !status.ok())
    return status;
  absl::StatusOr<int64_t> predicting = metadata.getIntegerOr(
      prefix + "nextn_predict_layers", {0, p.layers - 1}, 0);
  if (!predicting.ok())
    return predicting.status();
  p.predictingLayers = *predicting;
  p.layers -= *predicting;
  return absl::OkStatus();
}

/// Reads counts and lengths.
static absl::Status readSizes(const gguf::GgufModel &source,
                              const std::string &prefix,
                              const DecoderTraits &traits,
                              DecoderParameters &p) {
  const Metadata &metadata = source.metadata();
  if (absl::Status status = readLayers(metadata, prefix, p); !status.ok())
    return status;
  if (absl::Status status = readSize(metadata, prefix + "context_length",
                                     kContext, p.contextLength);
      !status.ok())
    return status;
  if (absl::Status status = readSize(metadata, prefix + "embedding_length",
                                     kSize, p.embeddingLength);
      !status.ok())
    return status;
  // Where all layers have experts, there may be no other length.
  std::string lengthKey = prefix + "feed_forward_length";
  if (traits.experts.use == ExpertUse::Always && !metadata.find(lengthKey))
    lengthKey = prefix + "expert_feed_forward_length";
  absl::StatusOr<int64_t> feedForward =
      metadata.getUniformInteger(lengthKey, kSize, p.layers);
  if (!feedForward.ok())
    return feedForward.status();
  p.feedForwardLength = *feedForward;
  return absl::OkStatus();
}

absl::StatusOr<DecoderParameters>
modelc::arch::readDecoderParameters(const gguf::GgufModel &source,
                                    const DecoderTraits &traits) {
  const Metadata &metadata = source.metadata();
  const std::string prefix = traits.family.str() + ".";
  if (absl::Status status = checkCausal(metadata, prefix); !status.ok())
    return status;
  DecoderParameters p = {};
  if (absl::Status status = readSizes(source, prefix, traits, p); !status.ok())
    return status;
  absl::StatusOr<ExpertParameters> mixture = readExpertParameters(
      metadata, traits.family, traits.experts, p.feedForwardLength);
  if (!mixture.ok())
    return mixture.status();
  p.experts = *mixture;
  if (absl::Status status = readHeads(metadata, prefix, p); !status.ok())
    return status;
  if (absl::Status status = readAttention(metadata, prefix, traits, p);
      !status.ok())
    return status;
  if (traits.hasLatents)
    if (absl::Status status = readLatents(metadata, traits, p); !status.ok())
      return status;
  absl::StatusOr<float> eps =
      metadata.getFloat(prefix + "attention.layer_norm_rms_epsilon", {0, 1});
  if (!eps.ok())
    return eps.status();
  p.normEps = *eps;
  p.embeddingScale = traits.scalesEmbedding
                         ? std::sqrt(static_cast<float>(p.embeddingLength))
                         : 1;
  absl::StatusOr<WindowParameters> window =
      readWindowParameters(metadata, traits.family, traits.window, p.layers);
  if (!window.ok())
    return window.status();
  p.window = *std::move(window);
  absl::StatusOr<DeltaParameters> delta = readDeltaParameters(
      metadata, traits.family, traits.delta, p.layers, p.predictingLayers);
  if (!delta.ok())
    return delta.status();
  p.delta = *std::move(delta);
  if (absl::Status status = readCaps(metadata, prefix, traits, p); !status.ok())
    return status;
  if (absl::Status status = readRopes(metadata, traits, p); !status.ok())
    return status;
  if (traits.hasLatents)
    if (absl::Status status = scaleLatents(metadata, prefix, p.rope, p.latents);
        !status.ok())
      return status;
  if (absl::Status status = checkTemper(metadata, prefix, p); !status.ok())
    return status;
  absl::StatusOr<int64_t> vocabSize = readVocabSize(source, prefix);
  if (!vocabSize.ok())
    return vocabSize.status();
  p.vocabSize = *vocabSize;
  return p;
}
