//===- Weights.h - Weights and prepared inputs for kernel tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_WEIGHTS_H
#define MODELC_TEST_KERNELS_WEIGHTS_H

#include "dialects/pack/PackDialect.h"
#include "test/reference/Numerics.h"
#include <random>

namespace modelc::kernels::test {

/// Every weight type that kernels read.
inline constexpr reference::WeightType kWeightTypes[] = {
    reference::WeightType::F32, reference::WeightType::F16,
    reference::WeightType::BF16, reference::WeightType::Q8_0,
    reference::WeightType::Q4_0};

/// The element type of such a weight's tensor.
mlir::Type getElementType(mlir::MLIRContext *context,
                          reference::WeightType type);

/// True for types whose activations are quantised.
inline bool isQuantized(reference::WeightType type) {
  return reference::getBlockElems(type) > 1;
}

/// What a GGUF file holds for a weight [rows][columns]: numbers of all sizes
/// up to about 1. Of every 5 rows one has strange scales (0, subnormal, the
/// largest, inf, NaN) or, in float types, strange elements (subnormal, -0,
/// huge); quants take every value.
std::vector<uint8_t> makeWeight(reference::WeightType type, int64_t rows,
                                int64_t columns, std::mt19937 &random);

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
