//===- WeightShape.h - The matrices of a weight
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A weight is [K], [N][K] or [E][N][K]: `experts` matrices of `rows` x `k`.
// In the source they lie one behind the other; where they lie in a packed
// weight its layout says.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_WEIGHTSHAPE_H
#define MODELC_COMPILER_REPACK_WEIGHTSHAPE_H

#include "dialects/pack/PackDialect.h"

namespace modelc::repack {

struct WeightShape {
  int64_t experts, rows, k;
};

/// Expects one to three dimensions.
inline WeightShape getWeightShape(llvm::ArrayRef<int64_t> shape) {
  size_t rank = shape.size();
  return {rank > 2 ? shape[0] : 1, rank > 1 ? shape[rank - 2] : 1,
          shape[rank - 1]};
}

/// Bytes of the weight as the source file holds it.
inline uint64_t getSourceBytes(pack::LayoutAttr layout,
                               llvm::ArrayRef<int64_t> shape) {
  WeightShape s = getWeightShape(shape);
  return layout.getMatrixBytes(s.rows, s.k) * static_cast<uint64_t>(s.experts);
}

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_WEIGHTSHAPE_H
