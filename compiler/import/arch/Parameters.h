//===- Parameters.h - The numbers of a decoder
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H
#define MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H

#include "absl/status/statusor.h"
#include "compiler/import/arch/ExpertParameters.h"
#include "compiler/import/arch/RopeParameters.h"
#include "compiler/import/gguf/GgufModel.h"

namespace modelc::arch {

/// What the keys `FAMILY.*` of a decoder say. No product of two of the
/// counts reaches 2^50.
struct DecoderParameters {
  int64_t layers;
  int64_t contextLength;
  int64_t vocabSize;
  int64_t embeddingLength;
  int64_t feedForwardLength;
  int64_t heads;
  int64_t kvHeads; ///< Divides heads.
  int64_t keyDim;
  int64_t valueDim;
  float attentionScale;
  float normEps;
  RopeParameters rope;
  ExpertParameters experts;
};

/// Reads and checks them. Keys that stand for something a decoder of this
/// family cannot do (experts, attention to later tokens) are errors.
absl::StatusOr<DecoderParameters>
readDecoderParameters(const gguf::GgufModel &source, llvm::StringRef family,
                      model::RopePairing pairing, const ExpertTraits &experts);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_PARAMETERS_H
