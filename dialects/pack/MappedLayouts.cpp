//===- MappedLayouts.cpp - The layouts of GGUF files
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How each type's blocks lie in a file, one row a group. Divisions are of
// element numbers inside the block; 8 bits a byte, elements little-endian.
//
// Source: ggml's block structures and dequantisation
// (github.com/ggml-org/ggml, src/ggml-common.h and src/ggml-quants.c).
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/LayoutBuilder.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::pack;
using model::GgmlType;

/// Nibbles of a block of `block`: byte i of `bit` holds element i in its low
/// and element i + block/2 in its high half.
static void addNibbles(LayoutBuilder &b, int64_t bit, int64_t block = 32) {
  AffineExpr inBlock = b.j % block;
  b.add(kQuants, 4, 1,
        b.j.floorDiv(block) * (block * 4) + (inBlock % (block / 2)) * 8 +
            inBlock.floorDiv(block / 2) * 4 + bit);
}

/// Two bits an element: byte i of each 32 holds elements i, i + 32, i + 64 and
/// i + 96 of 128.
static void addPairsOfBits(LayoutBuilder &b, StringRef field, int64_t bit) {
  b.add(field, 2, 1,
        b.j.floorDiv(128) * 256 + (b.j % 32) * 8 +
            (b.j % 128).floorDiv(32) * 2 + bit);
}

/// One bit an element: byte i of 32 holds elements i, i + 32, ..., i + 224.
static void addBits(LayoutBuilder &b, StringRef field, int64_t bit) {
  b.add(field, 1, 1, (b.j % 32) * 8 + b.j.floorDiv(32) + bit);
}

/// The twelve bytes in which Q4_K and Q5_K keep eight scales and eight minima
/// of six bits: four whole bytes each, whose two high bits belong to the later
/// four, and four bytes of their low halves.
static void addSixBitScales(LayoutBuilder &b, int64_t bit) {
  AffineExpr later = b.j.floorDiv(4);
  b.add(kSubscale, 4, 32, (b.j + later * 4) * 8 + bit);
  b.add(kSubscaleHigh, 2, 32, (b.j % 4) * 8 + later * 2 + bit + 4);
  b.add(kSubmin, 4, 32, (b.j + 4) * 8 + later * 4 + bit);
  b.add(kSubminHigh, 2, 32, (b.j % 4) * 8 + later * 2 + bit + 4 * 8 + 4);
}

/// Fields of types with blocks of up to 128 elements; false for other types.
static bool addSmallBlock(LayoutBuilder &b, GgmlType type) {
  AffineExpr zero = b.n * 0;
  switch (type) {
  case GgmlType::Q4_0:
  case GgmlType::IQ4_NL:
    b.add(kScale, 16, 32, zero);
    addNibbles(b, 16);
    return true;
  case GgmlType::Q4_1:
    b.add(kScale, 16, 32, zero);
    b.add(kMin, 16, 32, zero + 16);
    addNibbles(b, 32);
    return true;
  case GgmlType::Q5_0:
    b.add(kScale, 16, 32, zero);
    b.add(kQuantsHigh, 1, 1, b.j + 16);
    addNibbles(b, 48);
    return true;
  case GgmlType::Q5_1:
    b.add(kScale, 16, 32, zero);
    b.add(kMin, 16, 32, zero + 16);
    b.add(kQuantsHigh, 1, 1, b.j + 32);
    addNibbles(b, 64);
    return true;
  case GgmlType::Q8_0:
    b.add(kScale, 16, 32, zero);
    b.add(kQuants, 8, 1, b.j * 8 + 16);
    return true;
  case GgmlType::MXFP4:
    b.add(kScale, 8, 32, zero);
    addNibbles(b, 8);
    return true;
  case GgmlType::NVFP4:
    b.add(kScale, 8, 16, b.j * 8);
    addNibbles(b, 32, 16);
    return true;
  case GgmlType::Q1_0:
    b.add(kScale, 16, 128, zero);
    b.add(kQuants, 1, 1, b.j + 16);
    return true;
  case GgmlType::Q2_0:
    b.add(kScale, 16, 64, zero);
    b.add(kQuants, 2, 1, b.j * 2 + 16);
    return true;
  default:
    return false;
  }
}

/// Fields of types with blocks of 256 elements; false for other types.
static bool addSuperBlock(LayoutBuilder &b, GgmlType type) {
  AffineExpr zero = b.n * 0;
  switch (type) {
  case GgmlType::Q2_K:
    b.add(kSubscale, 4, 16, b.j * 8);
    b.add(kSubmin, 4, 16, b.j * 8 + 4);
    addPairsOfBits(b, kQuants, 16 * 8);
    b.add(kScale, 16, 256, zero + 80 * 8);
    b.add(kMin, 16, 256, zero + 82 * 8);
    return true;
  case GgmlType::Q3_K:
    addBits(b, kQuantsHigh, 0);
    addPairsOfBits(b, kQuants, 32 * 8);
    b.add(kSubscale, 4, 16, (b.j % 8) * 8 + b.j.floorDiv(8) * 4 + 96 * 8);
    b.add(kSubscaleHigh, 2, 16, (b.j % 4) * 8 + b.j.floorDiv(4) * 2 + 104 * 8);
    b.add(kScale, 16, 256, zero + 108 * 8);
    return true;
  case GgmlType::Q4_K:
    b.add(kScale, 16, 256, zero);
    b.add(kMin, 16, 256, zero + 16);
    addSixBitScales(b, 4 * 8);
    addNibbles(b, 16 * 8, 64);
    return true;
  case GgmlType::Q5_K:
    b.add(kScale, 16, 256, zero);
    b.add(kMin, 16, 256, zero + 16);
    addSixBitScales(b, 4 * 8);
    addBits(b, kQuantsHigh, 16 * 8);
    addNibbles(b, 48 * 8, 64);
    return true;
  case GgmlType::Q6_K:
    b.add(kQuants, 4, 1,
          b.j.floorDiv(128) * 512 + (b.j % 64) * 8 +
              (b.j % 128).floorDiv(64) * 4);
    addPairsOfBits(b, kQuantsHigh, 128 * 8);
    b.add(kSubscale, 8, 16, b.j * 8 + 192 * 8);
    b.add(kScale, 16, 256, zero + 208 * 8);
    return true;
  case GgmlType::IQ4_XS:
    b.add(kScale, 16, 256, zero);
    b.add(kSubscaleHigh, 2, 32, b.j * 2 + 2 * 8);
    b.add(kSubscale, 4, 32, b.j * 4 + 4 * 8);
    addNibbles(b, 8 * 8);
    return true;
  case GgmlType::TQ2_0:
    addPairsOfBits(b, kQuants, 0);
    b.add(kScale, 16, 256, zero + 64 * 8);
    return true;
  default:
    return false;
  }
}

/// Fields of types whose elements have less than a place of their own, in
/// blocks of 256; false for other types.
static bool addSharedBlock(LayoutBuilder &b, GgmlType type) {
  AffineExpr zero = b.n * 0;
  switch (type) {
  case GgmlType::IQ2_XXS:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 8, 8, b.j.floorDiv(4) * 64 + (b.j % 4) * 8 + 2 * 8);
    b.add(kMixed, 32, 32, b.j * 64 + 6 * 8);
    return true;
  case GgmlType::IQ2_XS:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 16, 8, b.j * 16 + 2 * 8);
    b.add(kSubscale, 4, 16, b.j * 4 + 66 * 8);
    return true;
  case GgmlType::IQ2_S:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 8, 8, b.j * 8 + 2 * 8);
    b.add(kSigns, 1, 1, b.j + 34 * 8);
    b.add(kGridHigh, 2, 8, b.j * 2 + 66 * 8);
    b.add(kSubscale, 4, 16, b.j * 4 + 74 * 8);
    return true;
  case GgmlType::IQ3_XXS:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 8, 4, b.j * 8 + 2 * 8);
    b.add(kMixed, 32, 32, b.j * 32 + 66 * 8);
    return true;
  case GgmlType::IQ3_S:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 8, 4, b.j * 8 + 2 * 8);
    b.add(kGridHigh, 1, 4, b.j + 66 * 8);
    b.add(kSigns, 1, 1, b.j + 74 * 8);
    b.add(kSubscale, 4, 32, b.j * 4 + 106 * 8);
    return true;
  case GgmlType::IQ1_S:
    b.add(kScale, 16, 256, zero);
    b.add(kGrid, 8, 8, b.j * 8 + 2 * 8);
    b.add(kMixed, 16, 32, b.j * 16 + 34 * 8);
    return true;
  case GgmlType::IQ1_M:
    b.add(kGrid, 8, 8, b.j * 8);
    b.add(kGridHigh, 4, 8, b.j * 4 + 32 * 8);
    b.add(kMixed, 16, 64, b.j * 16 + 48 * 8);
    return true;
  case GgmlType::TQ1_0:
    b.add(kTrits32, 8, 8, b.j * 8);
    b.add(kTrits16, 8, 16, b.j * 8 + 32 * 8);
    b.add(kTrits4, 8, 64, b.j * 8 + 48 * 8);
    b.add(kScale, 16, 256, zero + 52 * 8);
    return true;
  default:
    return false;
  }
}

LayoutAttr pack::getMappedLayout(MLIRContext *context, Type elementType) {
  std::optional<GgmlType> type = model::getGgmlType(elementType);
  if (!type)
    return {};
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(*type);
  LayoutBuilder b(context, elementType, 1, info.blockElems);
  if (info.kind != model::GgmlKind::Block)
    b.add(kValues, info.blockBytes * 8, 1, b.n * 0);
  else if (!addSmallBlock(b, *type) && !addSuperBlock(b, *type) &&
           !addSharedBlock(b, *type))
    return {};
  return b.finish("mapped." + info.name, info.blockBytes, 1);
}
