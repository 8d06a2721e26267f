//===- CachePool.h - Pools of pages as tests fill them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element by element, by the layout's index maps and the reference's rounding.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_CACHEPOOL_H
#define MODELC_TEST_KERNELS_CACHEPOOL_H

#include "dialects/pack/Layouts.h"
#include "test/reference/Numerics.h"
#include <cstring>
#include <span>

namespace modelc::kernels::test {

inline reference::CacheType getCacheType(pack::LayoutAttr layout) {
  return layout.getSource().isF16() ? reference::CacheType::F16
                                    : reference::CacheType::Q8_0;
}

/// Writes a head's key or value of the token `slot` of group `group`.
inline void storeRow(std::span<uint8_t> pool, pack::LayoutAttr layout,
                     int64_t group, int64_t slot, std::span<const float> row) {
  std::span<uint8_t> bytes = pool.subspan(group * layout.getBytes());
  auto put = [&](llvm::StringRef field, size_t k, auto element) {
    std::memcpy(&bytes[layout.getByteOffset(field, slot, k)], &element,
                sizeof(element));
  };
  if (getCacheType(layout) == reference::CacheType::F16) {
    for (size_t k = 0; k < row.size(); ++k)
      put(pack::kValues, k, reference::toF16(row[k]));
    return;
  }
  for (size_t first = 0; first < row.size(); first += 32) {
    reference::CachedBlock block =
        reference::quantizeForCache(row.subspan(first).first<32>());
    put(pack::kScale, first, block.scale);
    for (size_t i = 0; i < block.quants.size(); ++i)
      put(pack::kQuants, first + i, block.quants[i]);
  }
}

} // namespace modelc::kernels::test

#endif // MODELC_TEST_KERNELS_CACHEPOOL_H
