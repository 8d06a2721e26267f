//===- LatentAttention.h - Multi-head latent attention
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys and values of all heads are made of one latent vector for each token,
// beside a rotated part of the key that heads share (DeepSeek-V2, arXiv
// 2405.04434). A file has the matrices that make them apart (k_b, v_b): then
// they are absorbed into the query and the output, and only the latent and the
// rotated part are cached. Or it has them as one (kv_b, older converters):
// then heads are made, and cached, as in other attention.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_LATENTATTENTION_H
#define MODELC_COMPILER_IMPORT_ARCH_LATENTATTENTION_H

#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/arch/RopeParameters.h"
#include "compiler/import/arch/TensorReader.h"
#include "compiler/import/gguf/Metadata.h"

namespace modelc::arch {

/// What the keys say. Of a head's key, `ropeDim` elements are rotated, the
/// `nopeDim` before them are not.
struct LatentParameters {
  bool isAbsorbed = false; ///< There are k_b and v_b.
  int64_t heads = 0;
  int64_t queryRank = 0;  ///< Of the queries' own latent vector; 0: none.
  int64_t latentRank = 0; ///< Elements of a latent vector.
  int64_t nopeDim = 0, ropeDim = 0, valueDim = 0;
  float scale = 0; ///< Of scores.

  int64_t getKeyDim() const { return nopeDim + ropeDim; }
};

/// Reads `FAMILY.attention.*_lora_rank` and the lengths of heads: those of
/// `key_length_mla` and `value_length_mla`, which say that there are k_b and
/// v_b, or else `keyDim` and `valueDim`.
///
/// Source: llama.cpp, src/models/deepseek2.cpp and conversion/deepseek.py.
absl::StatusOr<LatentParameters>
readLatentParameters(const gguf::Metadata &metadata, llvm::StringRef family,
                     int64_t heads, int64_t keyDim, int64_t valueDim);

/// Sets the scale of scores, and the factor of `rope`: the factor of YaRN, by
/// the key `rope.scaling.yarn_log_multiplier`, is one of the scores of whole
/// heads.
absl::Status scaleLatents(const gguf::Metadata &metadata,
                          const std::string &prefix, RopeParameters &rope,
                          LatentParameters &latents);

/// A layer's tensors; what the parameters do not ask for is null.
struct LatentTensors {
  LinearTensors q; ///< Of the layer's input, or of the queries' latent.
  LinearTensors queryLatent;
  const gguf::GgufTensor *queryNorm = nullptr;
  LinearTensors latent, rotatedKey; ///< Of the layer's input.
  const gguf::GgufTensor *latentNorm = nullptr;
  /// Absorbed, [heads][latentRank][nopeDim] and [heads][valueDim][latentRank].
  const gguf::GgufTensor *keys = nullptr, *values = nullptr;
  LinearTensors keysAndValues; ///< Of all heads, key then value.
};

LatentTensors readLatentTensors(TensorReader &reader, const std::string &prefix,
                                const LatentParameters &p, int64_t width);

/// The heads' outputs [heads * valueDim] for the normalised input `y`.
mlir::Value buildLatentAttention(NetworkBuilder &builder, mlir::Value y,
                                 mlir::Value ropeTable,
                                 model::RopePairing pairing, float normEps,
                                 const LatentParameters &p,
                                 const LatentTensors &t);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_LATENTATTENTION_H
