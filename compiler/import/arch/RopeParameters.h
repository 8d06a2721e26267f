//===- RopeParameters.h - Rotary embeddings as metadata gives them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_ROPEPARAMETERS_H
#define MODELC_COMPILER_IMPORT_ARCH_ROPEPARAMETERS_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/Metadata.h"
#include "dialects/model/ModelDialect.h"

namespace modelc::arch {

/// The parameters of `#model.rope`.
struct RopeParameters {
  int64_t dims;
  model::RopePairing pairing;
  float base;
  model::RopeScaling scaling;
  float factor;
  int64_t originalContext;
  float attentionFactor;
  float extFactor;
  float betaFast;
  float betaSlow;
};

/// Reads `FAMILY.rope.*`. `headDim` is the default of dimension_count and its
/// most, `contextLength` the default of the original context. An unknown kind
/// of scaling and impossible numbers are errors; `hasLongRope` makes longrope
/// a known one, whose divisors are tensors.
///
/// Source: llama.cpp, llama_model::load_hparams and llama_context (how the
/// keys combine), ggml's rope_yarn (what they do).
absl::StatusOr<RopeParameters>
readRopeParameters(const gguf::Metadata &metadata, llvm::StringRef family,
                   model::RopePairing pairing, int64_t headDim,
                   int64_t contextLength, bool hasLongRope);

/// Checks that each of the dims / 2 pairs turns by a position that all
/// dimensions of text share. `FAMILY.rope.dimension_sections`, if there is any,
/// says how many pairs turn by the first, second and third of several positions
/// of a token, taken in turns; for text these are equal. The rest turn by a
/// fourth, which is not supported.
///
/// Source: ggml, ggml_mrope_cache_init with is_imrope; llama.cpp,
/// llm_graph_input_pos::set_input.
absl::Status checkRopeSections(const gguf::Metadata &metadata,
                               llvm::StringRef family, int64_t dims);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_ROPEPARAMETERS_H
