//===- DeltaNet.h - Layers of gated delta nets
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands in the place of attention in most layers of Qwen3-Next and
// Qwen 3.5. With y the normalised input:
//
//   x = causal_conv(qkv y)
//   o = delta_rule(x, alpha y, beta y), rate ssm_a, bias ssm_dt
//   out (rms_norm(o) * silu(z y))
//
// Source: llama.cpp, src/models/qwen3next.cpp, qwen35.cpp, delta-net-base.cpp
// (graph), conversion/qwen.py (keys, tensors, order of heads).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_DELTANET_H
#define MODELC_COMPILER_IMPORT_ARCH_DELTANET_H

#include "absl/status/statusor.h"
#include "compiler/import/arch/NetworkBuilder.h"
#include "compiler/import/gguf/Metadata.h"

namespace modelc::arch {

/// In what families with delta nets differ.
struct DeltaTraits {
  enum class Use {
    Never,
    /// Value heads of one key head are neighbours, and so are the logits of
    /// their gates, in one ssm_ba.weight.
    Grouped,
    /// Value heads go round the key heads; gates have weights of their own.
    Tiled,
  };
  Use use = Use::Never;
};

/// What the keys say of the delta nets.
struct DeltaParameters {
  std::vector<bool> isRecurrent; ///< Of each layer: a delta net.
  int64_t taps = 0;              ///< Of the convolution.
  int64_t heads = 0;             ///< Of values.
  int64_t keyHeads = 0;          ///< Divides heads.
  int64_t headDim = 0;           ///< Of keys and values.

  int64_t keyLength() const { return keyHeads * headDim; }
  int64_t valueLength() const { return heads * headDim; }
  int64_t convLength() const { return 2 * keyLength() + valueLength(); }
};

/// Reads `FAMILY.ssm.*` and which of the first `layers` layers are recurrent.
/// `predictingLayers` more follow them.
absl::StatusOr<DeltaParameters>
readDeltaParameters(const gguf::Metadata &metadata, llvm::StringRef family,
                    const DeltaTraits &traits, int64_t layers,
                    int64_t predictingLayers);

/// The tensors of one delta net; null where the layer has none.
struct DeltaTensors {
  LinearTensors qkv, z, output;
  LinearTensors gates;       ///< Of Grouped: beta and alpha.
  LinearTensors beta, alpha; ///< Of Tiled.
  const gguf::GgufTensor *conv, *rate, *bias, *norm;
};

DeltaTensors readDeltaTensors(TensorReader &reader, const std::string &prefix,
                              const DeltaParameters &p,
                              const DeltaTraits &traits, int64_t width);

/// What a delta net gives for y.
mlir::Value buildDeltaNet(NetworkBuilder &builder, mlir::Value y,
                          const DeltaParameters &p, const DeltaTensors &t,
                          float normEps);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_DELTANET_H
