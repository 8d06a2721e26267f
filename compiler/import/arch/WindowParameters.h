//===- WindowParameters.h - Sliding windows as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_WINDOWPARAMETERS_H
#define MODELC_COMPILER_IMPORT_ARCH_WINDOWPARAMETERS_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/Metadata.h"
#include <vector>

namespace modelc::arch {

/// Which layers of a family see only a window of positions.
struct WindowTraits {
  enum class Use { Never, IfGiven, Always } use = Use::Never;
  /// Of every `pattern` layers all but the last do, unless a key says else.
  /// 0: all layers do.
  int64_t pattern = 0;
  /// Positions that they see without a key; 0: the key is required.
  int64_t fallback = 0;
  /// The base of their rope without a key; 0: that of the other layers, and
  /// their stretching too.
  float ropeBase = 0;
};

struct WindowParameters {
  int64_t length = 0;          ///< 0: no layer has one.
  std::vector<bool> isSliding; ///< Of each layer.
};

/// Reads `attention.sliding_window` and its pattern for so many layers.
absl::StatusOr<WindowParameters>
readWindowParameters(const gguf::Metadata &metadata, llvm::StringRef family,
                     const WindowTraits &traits, int64_t layers);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_WINDOWPARAMETERS_H
