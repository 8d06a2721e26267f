//===- ReferencePacker.h - The packer that is obviously right
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Repacking by its definition, one element after the other. The oracle of
// compiler/repack/Packer.h, and too slow for anything else.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_REFERENCE_REFERENCEPACKER_H
#define MODELC_COMPILER_REPACK_REFERENCE_REFERENCEPACKER_H

#include "dialects/pack/PackDialect.h"
#include <vector>

namespace modelc::repack {

/// The bytes in layout `target` of a weight whose bytes in the source file, in
/// layout `source`, are `bytes`. `shape` is [K], [N][K] or [E][N][K]. Fields
/// that only one of the layouts has are left out; padding is zero bits.
std::vector<uint8_t> packByDefinition(pack::LayoutAttr source,
                                      pack::LayoutAttr target,
                                      llvm::ArrayRef<int64_t> shape,
                                      llvm::ArrayRef<uint8_t> bytes);

/// The inverse: the source's bytes of the packed weight `bytes`.
std::vector<uint8_t> unpackByDefinition(pack::LayoutAttr source,
                                        pack::LayoutAttr target,
                                        llvm::ArrayRef<int64_t> shape,
                                        llvm::ArrayRef<uint8_t> bytes);

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_REFERENCE_REFERENCEPACKER_H
