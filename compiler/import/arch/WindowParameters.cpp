//===- WindowParameters.cpp - Sliding windows as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gemma3.attention.sliding_window, ..._pattern ==> WindowParameters
//
// The pattern is a number, or a bool for each layer (llama.cpp's
// load_swa_pattern).
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/WindowParameters.h"

using namespace modelc;
using namespace modelc::arch;
using gguf::IntegerRange;
using gguf::Metadata;
using gguf::MetadataEntry;

static constexpr IntegerRange kLength = {0,
                                         std::numeric_limits<int32_t>::max()};

static absl::StatusOr<std::vector<bool>> readPattern(const Metadata &metadata,
                                                     const std::string &key,
                                                     int64_t fallback,
                                                     int64_t layers) {
  std::vector<bool> isSliding(layers);
  const MetadataEntry *entry = metadata.find(key);
  if (entry && entry->isArray) {
    if (entry->count != static_cast<uint64_t>(layers) ||
        entry->type != gguf::MetadataType::Bool)
      return metadata.makeError(key, entry->describeType(),
                                "a number, or an array of " +
                                    llvm::Twine(layers) + " bools");
    for (int64_t i = 0; i < layers; ++i)
      isSliding[i] = entry->integer(i).value_or(0) != 0;
    return isSliding;
  }
  absl::StatusOr<int64_t> pattern =
      metadata.getIntegerOr(key, {0, 1 << 16}, fallback);
  if (!pattern.ok())
    return pattern.status();
  for (int64_t i = 0; i < layers; ++i)
    isSliding[i] = *pattern == 0 || i % *pattern < *pattern - 1;
  return isSliding;
}

absl::StatusOr<WindowParameters>
modelc::arch::readWindowParameters(const Metadata &metadata,
                                   llvm::StringRef family,
                                   const WindowTraits &traits, int64_t layers) {
  WindowParameters window;
  window.isSliding.assign(layers, false);
  if (traits.use == WindowTraits::Use::Never)
    return window;
  const std::string key = family.str() + ".attention.sliding_window";
  bool isRequired =
      traits.use == WindowTraits::Use::Always && traits.fallback == 0;
  absl::StatusOr<int64_t> length =
      isRequired ? metadata.getInteger(key, {1, kLength.max})
                 : metadata.getIntegerOr(key, kLength, traits.fallback);
  if (!length.ok())
    return length.status();
  window.length = *length;
  if (window.length == 0)
    return window;
  absl::StatusOr<std::vector<bool>> isSliding =
      readPattern(metadata, key + "_pattern", traits.pattern, layers);
  if (!isSliding.ok())
    return isSliding.status();
  window.isSliding = *std::move(isSliding);
  return window;
}
