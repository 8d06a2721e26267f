//===- RopeParameters.cpp - Rotary embeddings as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// rope.scaling.type "yarn", factor 4, original_context_length 32768
//   ==> scaling yarn, factor 4, attentionFactor 1 + 0.1 * ln(4), ...
//
// Without a type, a factor (or the older rope.scale_linear) means linear
// scaling; a factor of 0 or 1 means none. rope.scaling.attn_factor multiplies
// cos and sin whatever the type; YaRN adds its own factor.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/RopeParameters.h"
#include "compiler/support/Rope.h"

using namespace modelc;
using namespace modelc::arch;
using gguf::FloatRange;
using gguf::Metadata;
using model::RopeScaling;

/// Positive and normal, as compiler/support/Rope.h expects.
static constexpr FloatRange kPositive = {std::numeric_limits<float>::min(),
                                         std::numeric_limits<float>::max()};
/// ln(base) divides under YaRN. Models in use have 10000 and more.
static constexpr FloatRange kBase = {2, std::numeric_limits<float>::max()};
/// What llama.cpp takes where a file says nothing.
static constexpr float kDefaultBase = 10000;
static constexpr float kDefaultBetaFast = 32;
static constexpr float kDefaultBetaSlow = 1;

static absl::StatusOr<int64_t>
readDims(const Metadata &metadata, const std::string &prefix, int64_t headDim) {
  const std::string key = prefix + "dimension_count";
  absl::StatusOr<int64_t> dims =
      metadata.getIntegerOr(key, {2, headDim}, headDim);
  if (dims.ok() && *dims % 2 != 0)
    return metadata.makeError(key, llvm::Twine(*dims), "an even number");
  return dims;
}

static std::string findFactorKey(const Metadata &metadata,
                                 const std::string &prefix) {
  const std::string key = prefix + "scaling.factor";
  return metadata.find(key) ? key : prefix + "scale_linear";
}

/// The factor of the scaling, 1 where there is none.
static absl::StatusOr<float> readFactor(const Metadata &metadata,
                                        const std::string &key) {
  constexpr FloatRange kRange = {0, kPositive.max};
  absl::StatusOr<float> factor = metadata.getFloatOr(key, kRange, 1);
  if (!factor.ok())
    return factor;
  return *factor == 0 ? 1 : metadata.getFloatOr(key, kPositive, 1);
}

static absl::StatusOr<RopeScaling> readScaling(const Metadata &metadata,
                                               const std::string &prefix,
                                               float factor, bool hasLongRope) {
  const std::string key = prefix + "scaling.type";
  absl::StatusOr<llvm::StringRef> type = metadata.getStringOr(key, "linear");
  if (!type.ok())
    return type.status();
  if (*type == "none")
    return RopeScaling::None;
  if (*type == "linear" || (*type == "longrope" && hasLongRope))
    return factor == 1 ? RopeScaling::None : RopeScaling::Linear;
  if (*type != "yarn")
    return metadata.makeError(key, gguf::quote(*type),
                              "'none', 'linear' or 'yarn'");
  if (factor < 1)
    return metadata
        .getFloat(findFactorKey(metadata, prefix), {1, kPositive.max})
        .status();
  return RopeScaling::Yarn;
}

/// Reads what only YaRN has.
static absl::Status readYarn(const Metadata &metadata,
                             const std::string &prefix, RopeParameters &rope) {
  constexpr gguf::IntegerRange kContext = {1,
                                           std::numeric_limits<int32_t>::max()};
  const std::string scaling = prefix + "scaling.";
  absl::StatusOr<int64_t> originalContext = metadata.getIntegerOr(
      scaling + "original_context_length", kContext, rope.originalContext);
  if (!originalContext.ok())
    return originalContext.status();
  absl::StatusOr<float> extFactor =
      metadata.getFloatOr(scaling + "yarn_ext_factor", {0, 1}, 1);
  if (!extFactor.ok())
    return extFactor.status();
  absl::StatusOr<float> betaFast = metadata.getFloatOr(
      scaling + "yarn_beta_fast", kPositive, kDefaultBetaFast);
  if (!betaFast.ok())
    return betaFast.status();
  absl::StatusOr<float> betaSlow = metadata.getFloatOr(
      scaling + "yarn_beta_slow", kPositive, kDefaultBetaSlow);
  if (!betaSlow.ok())
    return betaSlow.status();
  rope.originalContext = *originalContext;
  rope.extFactor = *extFactor;
  rope.betaFast = *betaFast;
  rope.betaSlow = *betaSlow;
  // Divides the factor by that of another weight of the logarithm.
  absl::StatusOr<float> multiplier =
      metadata.getFloatOr(scaling + "yarn_log_multiplier", {0, 100}, 0);
  if (!multiplier.ok())
    return multiplier.status();
  if (rope.extFactor != 0)
    rope.attentionFactor = support::computeYarnFactor(rope.attentionFactor,
                                                      rope.factor, *multiplier);
  return absl::OkStatus();
}

absl::StatusOr<RopeParameters>
modelc::arch::readRopeParameters(const Metadata &metadata,
                                 llvm::StringRef family,
                                 model::RopePairing pairing, int64_t headDim,
                                 int64_t contextLength, bool hasLongRope) {
  const std::string prefix = family.str() + ".rope.";
  absl::StatusOr<int64_t> dims = readDims(metadata, prefix, headDim);
  if (!dims.ok())
    return dims.status();
  absl::StatusOr<float> base =
      metadata.getFloatOr(prefix + "freq_base", kBase, kDefaultBase);
  if (!base.ok())
    return base.status();
  absl::StatusOr<float> factor =
      readFactor(metadata, findFactorKey(metadata, prefix));
  if (!factor.ok())
    return factor.status();
  absl::StatusOr<RopeScaling> scaling =
      readScaling(metadata, prefix, *factor, hasLongRope);
  if (!scaling.ok())
    return scaling.status();
  absl::StatusOr<float> attentionFactor =
      metadata.getFloatOr(prefix + "scaling.attn_factor", kPositive, 1);
  if (!attentionFactor.ok())
    return attentionFactor.status();

  RopeParameters rope;
  rope.dims = *dims;
  rope.pairing = pairing;
  rope.base = *base;
  rope.scaling = *scaling;
  rope.factor = *scaling == RopeScaling::None ? 1 : *factor;
  rope.originalContext = contextLength;
  rope.attentionFactor = *attentionFactor;
  rope.extFactor = 0;
  rope.betaFast = kDefaultBetaFast;
  rope.betaSlow = kDefaultBetaSlow;
  // Where divisors were trained for.
  absl::StatusOr<int64_t> original = metadata.getIntegerOr(
      prefix + "scaling.original_context_length",
      {1, std::numeric_limits<int32_t>::max()}, contextLength);
  if (!original.ok())
    return original.status();
  if (hasLongRope)
    rope.originalContext = *original;
  if (*scaling == RopeScaling::Yarn)
    if (absl::Status status = readYarn(metadata, prefix, rope); !status.ok())
      return status;
  return rope;
}

absl::Status modelc::arch::checkRopeSections(const Metadata &metadata,
                                             llvm::StringRef family,
                                             int64_t dims) {
  constexpr int64_t kMost = 1 << 20;
  const std::string key = family.str() + ".rope.dimension_sections";
  const gguf::MetadataEntry *entry = metadata.find(key);
  if (!entry)
    return absl::OkStatus();
  int64_t sections[4] = {}, sum = 0;
  bool isValid = entry->isArray && entry->count >= 3 && entry->count <= 4;
  for (uint64_t i = 0; isValid && i < entry->count; ++i) {
    sections[i] = entry->integer(i).value_or(-1);
    isValid = sections[i] >= 0 && sections[i] <= kMost;
    sum += sections[i];
  }
  if (!isValid || sum == 0)
    return metadata.makeError(key, entry->describeType(),
                              "an array of 3 or 4 sizes, not all 0");
  for (int64_t pair = 0; pair < dims / 2; ++pair) {
    int64_t sector = pair % sum;
    if (sector >= 3 * sections[sector % 3])
      return metadata.makeError(
          key,
          llvm::Twine(sections[0]) + ", " + llvm::Twine(sections[1]) + ", " +
              llvm::Twine(sections[2]) + ", " + llvm::Twine(sections[3]),
          "sections that share the " + llvm::Twine(dims / 2) +
              " pairs alike among the first three");
  }
  return absl::OkStatus();
}
