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
  parameters.attentionScale =
      *scale != 0 ? *scale : 1.0f / std::sqrt(static_cast<float>(*keyDim));
  return absl::OkStatus();
}

static absl::StatusOr<int64_t> readVocabSize(const gguf::GgufModel &source,
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

absl::StatusOr<DecoderParameters> modelc::arch::readDecoderParameters(
    const gguf::GgufModel &source, llvm::StringRef family,
    model::RopePairing pairing, const ExpertTraits &experts) {
  const Metadata &metadata = source.metadata();
  const std::string prefix = family.str() + ".";
  if (absl::Status status = checkCausal(metadata, prefix); !status.ok())
    return status;
  DecoderParameters p = {};
  if (absl::Status status =
          readSize(metadata, prefix + "block_count", kLayers, p.layers);
      !status.ok())
    return status;
  if (absl::Status status = readSize(metadata, prefix + "context_length",
                                     kContext, p.contextLength);
      !status.ok())
    return status;
  if (absl::Status status = readSize(metadata, prefix + "embedding_length",
                                     kSize, p.embeddingLength);
      !status.ok())
    return status;
  absl::StatusOr<int64_t> feedForward = metadata.getUniformInteger(
      prefix + "feed_forward_length", kSize, p.layers);
  if (!feedForward.ok())
    return feedForward.status();
  p.feedForwardLength = *feedForward;
  absl::StatusOr<ExpertParameters> mixture =
      readExpertParameters(metadata, family, experts, p.feedForwardLength);
  if (!mixture.ok())
    return mixture.status();
  p.experts = *mixture;
  if (absl::Status status = readHeads(metadata, prefix, p); !status.ok())
    return status;
  if (absl::Status status = readAttention(metadata, prefix, p); !status.ok())
    return status;
  absl::StatusOr<float> eps =
      metadata.getFloat(prefix + "attention.layer_norm_rms_epsilon", {0, 1});
  if (!eps.ok())
    return eps.status();
  p.normEps = *eps;
  absl::StatusOr<RopeParameters> rope =
      readRopeParameters(metadata, family, pairing, p.keyDim, p.contextLength);
  if (!rope.ok())
    return rope.status();
  p.rope = *rope;
  absl::StatusOr<int64_t> vocabSize = readVocabSize(source, prefix);
  if (!vocabSize.ok())
    return vocabSize.status();
  p.vocabSize = *vocabSize;
  return p;
}
