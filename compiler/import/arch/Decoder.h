//===- Decoder.h - Decoders of attention and gated feed-forward layers
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_DECODER_H
#define MODELC_COMPILER_IMPORT_ARCH_DECODER_H

#include "compiler/import/arch/ExpertParameters.h"
#include "compiler/import/arch/Families.h"
#include "dialects/model/ModelDialect.h"

namespace modelc::arch {

/// In what families of this shape differ.
struct DecoderTraits {
  llvm::StringRef family;     ///< Prefix of the keys.
  model::RopePairing pairing; ///< Of the rotated elements of a head.
  bool needsQkvBias = false;  ///< Else q, k and v have biases if there are any.
  bool hasQkNorm = false;     ///< A norm over each head of q and k.
  ExpertTraits experts;
};

/// Imports a network of layers
///
///   h = x + attention(rms_norm(x));  x' = h + swiglu(rms_norm(h))
///
/// or, with experts, x' = h + experts(rms_norm(h)), between an embedding and a
/// final norm, whose output matrix is the embedding where the file has no
/// other. Every matrix but those of experts may have a bias.
ImportedModule importDecoder(mlir::MLIRContext &context,
                             const gguf::GgufModel &source,
                             const DecoderTraits &traits);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_DECODER_H
