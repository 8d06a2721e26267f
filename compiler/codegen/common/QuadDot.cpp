//===- QuadDot.cpp - What integer dot products on vectors share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/QuadDot.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

bool codegen::canReadQuads(pack::LayoutAttr weight, pack::LayoutAttr input) {
  if (weight.getRows() != kLanes || !StoredQuads::canRead(weight) ||
      !hasQuadVectors(input, pack::kQuants))
    return false;
  pack::ActivationNeeds needs = pack::getActivationNeeds(weight);
  return llvm::all_of(needs.starts, [&](std::pair<int64_t, int64_t> start) {
    return getRowStride(input, pack::getStartField(start.first, start.second))
        .has_value();
  });
}

bool codegen::hasSignedQuants(pack::LayoutAttr weight) {
  pack::FieldAttr quants = weight.getField(pack::kQuants);
  return quants && quants.getBits() == 8 && quants.getFlip() == 0;
}

/// What weight bytes exceed the quants by. What a codebook has enters as it is.
static int64_t getStoredOffset(pack::LayoutAttr weight) {
  bool entersTrue =
      hasSignedQuants(weight) || !pack::getBlockFormat(weight).codebook.empty();
  return entersTrue ? 0 : pack::getQuantOffset(weight);
}

int64_t codegen::getSignedOffset(pack::LayoutAttr layout,
                                 pack::LayoutAttr panel) {
  return pack::holdsProducts(layout) ? 0 : getStoredOffset(panel);
}

bool codegen::fitsSigned(pack::LayoutAttr weight) {
  return getStoredOffset(weight) == 0 ||
         pack::getLargestUnsignedQuant(weight) <= INT8_MAX;
}

SmallVector<int64_t> codegen::getQuads(const DotBlock &block) {
  SmallVector<int64_t> quads;
  for (int64_t k = 0; k < block.length; k += 4)
    quads.push_back(k);
  pack::LayoutAttr weight = block.weights.front().layout;
  if (!weight.getField(pack::kQuants))
    return quads; // An image has this order, and grids and trits have none.
  auto getPlace = [&](int64_t k) {
    k += block.k;
    return std::make_pair(getQuadByte(weight, pack::kQuants, k),
                          getQuadShift(weight, pack::kQuants, k));
  };
  llvm::sort(quads,
             [&](int64_t a, int64_t b) { return getPlace(a) < getPlace(b); });
  return quads;
}

Value codegen::loadStart(KernelBuilder &b, const DotBlock &block, int64_t row,
                         int64_t offset) {
  if (offset == 0)
    return b.splatI32(0);
  std::string field = pack::getStartField(offset, block.length);
  return b.splat(b.load(b.i32(), block.inputGroup,
                        block.input.getByteOffset(field, row, block.inputK)));
}

SmallVector<Value> codegen::loadStarts(KernelBuilder &b, const DotBlock &block,
                                       int64_t offset) {
  SmallVector<Value> starts;
  for (size_t panel = 0; panel < block.weights.size(); ++panel)
    for (int64_t row = 0; row < block.input.getRows(); ++row)
      starts.push_back(loadStart(b, block, row, offset));
  return starts;
}

std::vector<StoredQuads> codegen::readPanels(KernelBuilder &b,
                                             const DotBlock &block) {
  std::vector<StoredQuads> panels;
  for (const GroupCursor &weight : block.weights)
    panels.push_back(readRows(b, weight, 0, kLanes));
  return panels;
}

Value codegen::makeTrueOperand(KernelBuilder &b, StoredQuads &quads,
                               const UnpackStep &step, int64_t k) {
  if (pack::holdsProducts(step.layout))
    return quads.getProduct(k, 0);
  pack::LayoutAttr panel = step.panel.layout;
  bool hasCodebook = !pack::getBlockFormat(panel).codebook.empty();
  int64_t offset = hasCodebook ? 0 : pack::getQuantOffset(panel);
  Value operand = quads.getOperand(k, offset);
  return offset == 0 ? operand : b.sub(operand, b.constLike(operand, offset));
}

StoredQuads codegen::readRows(KernelBuilder &b, const GroupCursor &weight,
                              int64_t begin, int64_t rows) {
  auto load = [&b, weight, begin, rows](StringRef field, Type element,
                                        int64_t k) {
    Value all = b.load(b.vec(element), weight.getBase(b, field),
                       weight.layout.getBitOffset(field, 0, k) / 8);
    return rows == kLanes ? all : b.slice(all, begin, rows);
  };
  return StoredQuads(b, weight.layout, rows, load);
}

void codegen::unpackTrueQuads(KernelBuilder &b, const UnpackStep &step) {
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  for (int64_t k = 0; k < step.elements; k += 4)
    b.store(makeTrueOperand(b, quads, step, k), step.image, step.getByte(k));
}

void codegen::unpackQuads(KernelBuilder &b, const UnpackStep &step,
                          int64_t offset) {
  StoredQuads quads = readRows(b, step.panel, 0, kLanes);
  for (int64_t k = 0; k < step.elements; k += 4) {
    Value quad = pack::holdsProducts(step.layout) ? quads.getProduct(k, offset)
                                                  : quads.getOperand(k, offset);
    b.store(quad, step.image, step.getByte(k));
  }
}
