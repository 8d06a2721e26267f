//===- ReferencePacker.cpp - The packer that is obviously right
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For every field that both layouts name and every element of it:
//
//   element of `to` ^ flip of `to`  =  element of `from` ^ flip of `from`
//
// and all other bits of `to` are zero. Assumes layouts that passed their
// verifier and buffers of the sizes that they state.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/reference/ReferencePacker.h"
#include "compiler/repack/WeightShape.h"

using namespace modelc;
using namespace modelc::pack;
using namespace modelc::repack;

namespace {

/// One way in which a weight lies in memory.
struct Side {
  LayoutAttr layout;
  /// Bytes from one expert's matrix to the next.
  uint64_t matrixStride;

  /// The first bit of an element; `n` and `k` are those of the matrix.
  uint64_t getBit(llvm::StringRef field, int64_t expert, int64_t n, int64_t k,
                  int64_t K) const {
    uint64_t group = matrixStride * expert + layout.getPanelOffset(n, K) +
                     k / layout.getK() * layout.getBytes();
    return group * 8 + layout.getBitOffset(field, n, k);
  }
};

} // namespace

static uint64_t readBits(llvm::ArrayRef<uint8_t> bytes, uint64_t bit,
                         int64_t count) {
  uint64_t value = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint64_t one = bytes[(bit + i) / 8] >> ((bit + i) % 8) & 1;
    value |= one << i;
  }
  return value;
}

/// Expects zero bits at the destination.
static void writeBits(llvm::MutableArrayRef<uint8_t> bytes, uint64_t bit,
                      int64_t count, uint64_t value) {
  for (int64_t i = 0; i < count; ++i) {
    uint64_t one = value >> i & 1;
    bytes[(bit + i) / 8] |= static_cast<uint8_t>(one << ((bit + i) % 8));
  }
}

static void copyElements(const Side &from, const Side &to,
                         const WeightShape &shape,
                         llvm::ArrayRef<uint8_t> input,
                         llvm::MutableArrayRef<uint8_t> output) {
  for (auto field : from.layout.getFields().getAsRange<FieldAttr>()) {
    llvm::StringRef name = field.getName();
    FieldAttr other = to.layout.getField(name);
    if (!other)
      continue;
    uint64_t flip = field.getFlip() ^ other.getFlip();
    for (int64_t expert = 0; expert < shape.experts; ++expert)
      for (int64_t n = 0; n < shape.rows; ++n)
        for (int64_t k = 0; k < shape.k; k += field.getUnit()) {
          uint64_t source = from.getBit(name, expert, n, k, shape.k);
          uint64_t target = to.getBit(name, expert, n, k, shape.k);
          uint64_t value = readBits(input, source, field.getBits());
          writeBits(output, target, field.getBits(), value ^ flip);
        }
  }
}

static Side getSourceSide(LayoutAttr layout, const WeightShape &shape) {
  return {layout, layout.getMatrixBytes(shape.rows, shape.k)};
}

static Side getPackedSide(LayoutAttr layout, const WeightShape &shape) {
  return {layout, layout.getMatrixStride(shape.rows, shape.k)};
}

std::vector<uint8_t> repack::packByDefinition(LayoutAttr source,
                                              LayoutAttr target,
                                              llvm::ArrayRef<int64_t> shape,
                                              llvm::ArrayRef<uint8_t> bytes) {
  WeightShape s = getWeightShape(shape);
  std::vector<uint8_t> packed(target.getPackedBytes(shape));
  copyElements(getSourceSide(source, s), getPackedSide(target, s), s, bytes,
               packed);
  return packed;
}

std::vector<uint8_t> repack::unpackByDefinition(LayoutAttr source,
                                                LayoutAttr target,
                                                llvm::ArrayRef<int64_t> shape,
                                                llvm::ArrayRef<uint8_t> bytes) {
  WeightShape s = getWeightShape(shape);
  std::vector<uint8_t> unpacked(getSourceBytes(source, shape));
  copyElements(getPackedSide(target, s), getSourceSide(source, s), s, bytes,
               unpacked);
  return unpacked;
}
