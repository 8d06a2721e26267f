//===- LayoutPicture.h - Drawings of layouts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two ways to see a layout: the bytes of a small packed matrix, and the
// elements of one group.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_PACK_LAYOUTPICTURE_H
#define MODELC_TEST_PACK_LAYOUTPICTURE_H

#include "dialects/pack/PackDialect.h"
#include <string>

namespace modelc::test {

/// The bytes of a matrix [N][K] in `layout`, `lineBytes` a line, in hexadecimal
/// with `_` for padding; equal padding bytes are counted. Element i = n * (K /
/// unit) + k / unit of field f is i, and in elements of 16 and 32 bits the
/// highest byte is a0 + f. Smaller elements are i + i / 16, modulo their range,
/// so that those which share a byte differ. Stored bits are flipped.
///
///     00 01 _x62
std::string drawBytes(pack::LayoutAttr layout, int64_t N, int64_t K,
                      int64_t lineBytes);

/// The elements of one group in the order of its bytes: a line is a run of
/// equal pieces of consecutive rows. Elements that share bytes are separated by
/// `|`, low bits first, `_` for unused ones. Lines that repeat are drawn once:
///
///       byte  each
///          0     4  quants k 0..3 | 16..19 of n 0..15
///        ... this line x 4: byte +64, k +4
///        ... 2 lines x 8: byte +256, k +32
std::string drawGroup(pack::LayoutAttr layout);

} // namespace modelc::test

#endif // MODELC_TEST_PACK_LAYOUTPICTURE_H
