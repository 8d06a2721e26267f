//===- FieldAccess.h - Vectors of a layout's elements
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A #pack.layout says where one element lies. Emitters move many elements at
// once; what they ask here holds only if the layout's index maps say so.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_FIELDACCESS_H
#define MODELC_COMPILER_CODEGEN_COMMON_FIELDACCESS_H

#include "dialects/pack/PackDialect.h"
#include <optional>

namespace modelc::codegen {

/// True if the layout has the field and, for every k of the group, element k
/// of all rows lies row behind row, each in as few whole bytes as it takes, so
/// that one vector load at byte getBitOffset(field, 0, k) / 8 takes them.
bool hasRowVectors(pack::LayoutAttr layout, llvm::StringRef field);

/// True if the layout has the field and, for every quad of four consecutive
/// elements of the group, byte 4 * n * getQuadWords(field) + i from
/// `getQuadByte(field, k)` on holds element i of row n at bit `getQuadShift`.
bool hasQuadVectors(pack::LayoutAttr layout, llvm::StringRef field);

/// Words of one row's quads that lie side by side: 1, or 2 or 4 in panels for
/// GPUs. Those of all rows are a vector of so many words for each row, and
/// begin on a multiple of the bytes that a row has of it.
int64_t getQuadWords(pack::LayoutAttr layout, llvm::StringRef field);

/// First byte of row 0's word that holds the quad that begins with element k.
int64_t getQuadByte(pack::LayoutAttr layout, llvm::StringRef field, int64_t k);

/// Bit inside each byte of that vector at which the elements begin.
int64_t getQuadShift(pack::LayoutAttr layout, llvm::StringRef field, int64_t k);

/// Bytes from element (n, k) to (n + 1, k), if that is the same for all n and
/// k; 0 for a field of one row. Nothing if it is not, or without the field.
std::optional<int64_t> getRowStride(pack::LayoutAttr layout,
                                    llvm::StringRef field);

/// Bytes from element (n, k) to (n, k + unit), if that is the same for all n
/// and k of a group.
std::optional<int64_t> getElementStride(pack::LayoutAttr layout,
                                        llvm::StringRef field);

/// The elements of a row of a group in the order in which they lie, if that is
/// one run of bytes from getByteOffset(field, n, 0) on, and the same for all n.
/// Nothing if it is not, or without the field.
std::optional<llvm::SmallVector<int64_t>> getRowOrder(pack::LayoutAttr layout,
                                                      llvm::StringRef field);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_FIELDACCESS_H
