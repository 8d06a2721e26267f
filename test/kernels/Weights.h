//===- Weights.h - Weights and prepared inputs for kernel tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_WEIGHTS_H
#define MODELC_TEST_KERNELS_WEIGHTS_H

#include "compiler/target/TargetSpec.h"
#include "dialects/pack/Layouts.h"
#include "test/reference/Numerics.h"
#include <random>

namespace modelc::kernels::test {

/// A line of Kernels.def.
struct MatmulKernel {
  target::Isa isa;
  model::GgmlType ggmlType;
  reference::WeightType type;
};
inline constexpr MatmulKernel kMatmulKernels[] = {
#define MATMUL_KERNEL(isa, type)                                               \
  {target::Isa::isa, model::GgmlType::type, reference::WeightType::type},
#include "compiler/target/Kernels.def"
};

/// Every weight type that kernels of this instruction set read.
std::vector<reference::WeightType> getWeightTypes(target::Isa isa);

/// Those to try of a target: all. Of a GPU, whose interpreter takes long, every
/// fourth; four of these chips have all of them together.
std::vector<reference::WeightType>
getTriedTypes(const target::TargetSpec &target);

/// The element type of a weight's tensor.
mlir::Type getElementType(mlir::MLIRContext *context,
                          reference::WeightType type);

/// The layout that a matmul of the target reads such weights in.
pack::LayoutAttr getMatmulLayout(mlir::MLIRContext *context,
                                 reference::WeightType type,
                                 const target::TargetSpec &target);

/// True if these weights are multiplied in the order of a matrix unit that
/// multiplies floats.
bool areInPairs(llvm::ArrayRef<pack::LayoutAttr> weights);

/// Section "Matmul" of the page in one order or the other.
void multiply(reference::WeightType type, bool isInPairs, const uint8_t *weight,
              std::span<const float> x, std::span<float> y);

/// What the activations of a matmul hold beside quants and scale for all of
/// these weights together.
pack::ActivationNeeds getNeeds(llvm::ArrayRef<pack::LayoutAttr> weights);

/// How kernels of this regime read the activations of these weights, whose
/// quants are bf16 numbers if they are widened.
pack::LayoutAttr getInputLayout(llvm::ArrayRef<pack::LayoutAttr> weights,
                                const target::Regime &regime,
                                bool isWidened = false);

/// What a GGUF file holds for a weight [rows][columns]: numbers of all sizes
/// up to about 1. Of every 5 rows one has strange scales and minima (0,
/// subnormal, the largest, inf, NaN) and blocks whose other bytes are all
/// equal, or, in float types, strange elements (subnormal, -0, huge); quants
/// take every value.
std::vector<uint8_t> makeWeight(reference::WeightType type, int64_t rows,
                                int64_t columns, std::mt19937 &random);

/// A weight of a block type, plain scales, all other bytes of a row equal: the
/// least and the largest quants, and high bits without low ones.
std::vector<uint8_t> makeExtremeWeight(reference::WeightType type, int64_t rows,
                                       int64_t columns, std::mt19937 &random);

/// Rows of equal activations, so that all quants are 127 or all -127.
std::vector<float> makeExtremeActivations(int64_t rows, int64_t columns);

/// Rows of activations: most plain, and among the first rows one of zeros, one
/// with an infinity, one with a NaN, one tiny, one huge, one with -0.
std::vector<float> makeActivations(int64_t rows, int64_t columns,
                                   std::mt19937 &random);

/// Rows [0, rows) of x in an activation layout, by the page and the layout's
/// index maps alone. The rows of the last tile beyond are zeros, quantised.
std::vector<uint8_t> prepareByDefinition(pack::LayoutAttr layout,
                                         std::span<const float> x, int64_t rows,
                                         int64_t columns);

} // namespace modelc::kernels::test

#endif // MODELC_TEST_KERNELS_WEIGHTS_H
