//===- ExpertParameters.cpp - Mixtures of experts as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// qwen3moe.expert_count, qwen3moe.expert_used_count, ... ==> ExpertParameters
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/ExpertParameters.h"

using namespace modelc;
using namespace modelc::arch;
using gguf::IntegerRange;
using gguf::Metadata;

/// Far above any model; keeps products in 64 bits.
static constexpr IntegerRange kExperts = {1, 1 << 16};
static constexpr IntegerRange kLength = {1, 1 << 24};

/// Keys that only other kinds of mixtures set.
static absl::Status refuseOtherMixtures(const Metadata &metadata,
                                        const std::string &prefix,
                                        const ExpertTraits &traits) {
  llvm::SmallVector<const char *> names = {"moe_every_n_layers",
                                           "interleave_moe_layer_step"};
  if (!traits.mayLimitGroups)
    names.push_back("expert_group_count");
  if (!traits.mayBeginDense)
    names.push_back("leading_dense_block_count");
  if (!traits.hasSharedExperts)
    names.push_back("expert_shared_count");
  for (const char *name : names) {
    const std::string key = prefix + name;
    absl::StatusOr<int64_t> value = metadata.getIntegerOr(key, {}, 0);
    if (!value.ok())
      return value.status();
    // One group of all is none; only models with shared experts may say so.
    bool isOneGroup = traits.hasSharedExperts && *value == 1;
    if (*value != 0 && !isOneGroup)
      return metadata.makeError(key, llvm::Twine(*value),
                                "0: no such mixture of experts is supported");
  }
  return absl::OkStatus();
}

/// How the logits become probabilities: the key's numbers are llama.cpp's.
static absl::StatusOr<model::Gating> readGating(const Metadata &metadata,
                                                const std::string &prefix,
                                                const ExpertTraits &traits) {
  constexpr int64_t kNone = 0, kSoftmax = 1, kSigmoid = 2;
  const std::string key = prefix + "expert_gating_func";
  absl::StatusOr<int64_t> gating = metadata.getIntegerOr(key, {}, kNone);
  if (!gating.ok())
    return gating.status();
  if (*gating == kNone)
    return traits.gating;
  if (*gating == kSoftmax)
    return model::Gating::Softmax;
  if (*gating == kSigmoid)
    return model::Gating::Sigmoid;
  return metadata.makeError(key, llvm::Twine(*gating),
                            "1 (softmax) or 2 (sigmoid)");
}

/// Reads what becomes of the weights of the chosen.
static absl::Status readWeighting(const Metadata &metadata,
                                  const std::string &prefix,
                                  const ExpertTraits &traits,
                                  ExpertParameters &parameters) {
  constexpr gguf::FloatRange kScale = {0, std::numeric_limits<float>::max()};
  absl::StatusOr<model::Gating> gating = readGating(metadata, prefix, traits);
  if (!gating.ok())
    return gating.status();
  absl::StatusOr<bool> normalise =
      metadata.getBoolOr(prefix + "expert_weights_norm", traits.normalise);
  if (!normalise.ok())
    return normalise.status();
  absl::StatusOr<float> scale =
      metadata.getFloatOr(prefix + "expert_weights_scale", kScale, 0);
  if (!scale.ok())
    return scale.status();
  parameters.gating = *gating;
  parameters.normalise = *normalise;
  parameters.scale = *scale != 0 ? *scale : 1; // 0 stands for the default.
  return absl::OkStatus();
}

/// The length of all shared experts as one.
static absl::StatusOr<int64_t> readSharedLength(const Metadata &metadata,
                                                const std::string &prefix,
                                                int64_t length) {
  absl::StatusOr<int64_t> count =
      metadata.getIntegerOr(prefix + "expert_shared_count", {0, 1 << 10}, 0);
  return count.ok() ? *count * length : count;
}

/// Reads how many experts there are, how many a token uses, and their sizes.
static absl::Status readSizes(const Metadata &metadata,
                              const std::string &prefix,
                              const ExpertTraits &traits,
                              int64_t feedForwardLength,
                              ExpertParameters &parameters) {
  absl::StatusOr<int64_t> count =
      metadata.getInteger(prefix + "expert_count", kExperts);
  if (!count.ok())
    return count.status();
  absl::StatusOr<int64_t> used =
      metadata.getInteger(prefix + "expert_used_count", {1, *count});
  if (!used.ok())
    return used.status();
  absl::StatusOr<int64_t> length = metadata.getIntegerOr(
      prefix + "expert_feed_forward_length", kLength, feedForwardLength);
  if (!length.ok())
    return length.status();
  const std::string sharedKey = prefix + "expert_shared_feed_forward_length";
  absl::StatusOr<int64_t> shared = 0;
  if (traits.hasSharedExperts)
    shared = readSharedLength(metadata, prefix, *length);
  else if (traits.hasGatedSharedExpert)
    shared = metadata.getIntegerOr(sharedKey, kLength, feedForwardLength);
  else if (metadata.find(sharedKey))
    shared = metadata.getInteger(sharedKey, {0, 0});
  if (!shared.ok())
    return shared.status();
  parameters.count = *count;
  parameters.used = *used;
  parameters.feedForwardLength = *length;
  parameters.sharedLength = *shared;
  if (traits.mayBeginDense) {
    absl::StatusOr<int64_t> dense = metadata.getIntegerOr(
        prefix + "leading_dense_block_count", {0, 1 << 16}, 0);
    if (!dense.ok())
      return dense.status();
    parameters.denseLayers = *dense;
  }
  return absl::OkStatus();
}

/// Reads to how many of how many groups the choice is limited. One group of
/// all is none.
static absl::Status readGroups(const Metadata &metadata,
                               const std::string &prefix,
                               ExpertParameters &parameters) {
  const std::string key = prefix + "expert_group_count";
  absl::StatusOr<int64_t> groups =
      metadata.getIntegerOr(key, {0, parameters.count}, 0);
  if (!groups.ok())
    return groups.status();
  if (*groups <= 1)
    return absl::OkStatus();
  const int64_t size = parameters.count / *groups;
  if (parameters.count % *groups != 0 || size < 2)
    return metadata.makeError(key, llvm::Twine(*groups),
                              "a divisor of the " +
                                  llvm::Twine(parameters.count) +
                                  " experts into two and more");
  const int64_t least = (parameters.used + size - 1) / size;
  absl::StatusOr<int64_t> used =
      metadata.getInteger(prefix + "expert_group_used_count", {least, *groups});
  if (!used.ok())
    return used.status();
  parameters.groups = *groups;
  parameters.groupsUsed = *used;
  return absl::OkStatus();
}

absl::StatusOr<ExpertParameters> modelc::arch::readExpertParameters(
    const Metadata &metadata, llvm::StringRef family,
    const ExpertTraits &traits, int64_t feedForwardLength) {
  const std::string prefix = family.str() + ".";
  const std::string key = prefix + "expert_count";
  ExpertParameters parameters;
  if (traits.use != ExpertUse::Always) {
    absl::StatusOr<int64_t> count = metadata.getIntegerOr(key, {}, 0);
    if (!count.ok())
      return count.status();
    if (*count == 0)
      return parameters;
    if (traits.use == ExpertUse::Never)
      return metadata.makeError(key, llvm::Twine(*count),
                                "0: this family has no experts");
  }
  if (absl::Status status = refuseOtherMixtures(metadata, prefix, traits);
      !status.ok())
    return status;
  if (absl::Status status =
          readSizes(metadata, prefix, traits, feedForwardLength, parameters);
      !status.ok())
    return status;
  if (absl::Status status = readWeighting(metadata, prefix, traits, parameters);
      !status.ok())
    return status;
  if (traits.mayLimitGroups)
    if (absl::Status status = readGroups(metadata, prefix, parameters);
        !status.ok())
      return status;
  return parameters;
}
