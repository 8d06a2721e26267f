//===- ExpertParameters.h - Mixtures of experts as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_EXPERTPARAMETERS_H
#define MODELC_COMPILER_IMPORT_ARCH_EXPERTPARAMETERS_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/Metadata.h"
#include "dialects/model/ModelDialect.h"

namespace modelc::arch {

/// Whether layers of a family have experts instead of one feed-forward network.
enum class ExpertUse { Never, IfCounted, Always };

/// In what families with experts differ.
struct ExpertTraits {
  ExpertUse use = ExpertUse::Never;
  /// Weights of the chosen are divided by their sum, unless a key says else.
  bool normalise = false;
  /// A further expert that all tokens use, weighted by a gate of its own.
  bool hasGatedSharedExpert = false;
  /// `expert_shared_count` further experts that all tokens use, as one.
  bool hasSharedExperts = false;
  /// The first layers may have a dense network instead.
  bool mayBeginDense = false;
  /// The gating, unless a key says else.
  model::Gating gating = model::Gating::Softmax;
  bool hasBiases = false;            ///< Of the router and of each expert.
  bool mayHaveSelectionBias = false; ///< exp_probs_b.bias.
  /// A token's experts may be limited to some groups of them.
  bool mayLimitGroups = false;
};

/// What the keys say of the experts of every layer.
struct ExpertParameters {
  int64_t count = 0; ///< 0: none, and nothing below counts.
  int64_t used = 0;
  int64_t feedForwardLength = 0; ///< Of one expert.
  int64_t sharedLength = 0;      ///< Of the shared expert; 0: none.
  int64_t denseLayers = 0;       ///< So many first layers have none.
  model::Gating gating = model::Gating::Softmax;
  bool normalise = false;
  float scale = 1;
  int64_t groups = 0; ///< 0: the choice is not limited to groups.
  int64_t groupsUsed = 0;
};

/// Reads `FAMILY.expert_*`. `feedForwardLength`, of a dense layer, is the
/// default of the experts' lengths. Experts in a family without, a count of 0
/// in one with, and keys of mixtures that no family here has are errors.
///
/// Source: llama.cpp, llama_model::load_hparams (which keys, which defaults)
/// and llm_graph_context::build_moe_ffn (what they do).
absl::StatusOr<ExpertParameters>
readExpertParameters(const gguf::Metadata &metadata, llvm::StringRef family,
                     const ExpertTraits &traits, int64_t feedForwardLength);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_EXPERTPARAMETERS_H
