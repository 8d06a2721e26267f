//===- ImageMatmul.cpp - Panels unpacked once for many row tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sums = 0
//   for block of k                 as many columns as an image has
//     unpack the panels' block     to bytes that can be multiplied, and floats
//     for row tile
//       sums += register tile      (MatmulTile.cpp)
//
// A matrix unit of another mode than vectors' multiplies the image by a whole
// row tile first, and register tiles then read the products.
//
// The image of a block stays in the first-level cache while all row tiles pass
// by, so that neither unpacking nor the second-level cache slows the products
// down. A sum is carried through memory between blocks, which changes none of
// its bits: it is one chain over ascending k as everywhere.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/ImageMatmul.h"
#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/OuterFloats.h"
#include "compiler/codegen/common/WidenedMatmul.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

class ImageMatmulEmitter {
public:
  ImageMatmulEmitter(KernelBuilder &b, const ImageMatmul &matmul)
      : b(b), matmul(matmul), dot(getIntDot(b.getTarget(), matmul.input)),
        image(getImageLayout(b.getTarget(), matmul.panel, matmul.input)),
        step(getStep(image)) {}

  void emit();

private:
  void clearSums();
  void emitBlock(Value firstStep, const ColumnRange &range,
                 const ColumnRange &panelRange);
  void emitRowTile(Value rowTile, Value inputBase, const ColumnRange &range);
  void emitRowGroups(Value rowTile, Value inputBase, const ColumnRange &range);

  KernelBuilder &b;
  const ImageMatmul &matmul;
  const IntDot &dot;
  pack::LayoutAttr image;
  int64_t step; ///< Columns of one.
};

/// Where the sums of a part's rows stand: the first, and how far it is from one
/// to the next of a panel, and to the next panel.
struct SumPlaces {
  Value first;
  int64_t count; ///< Rows of the share.
  int64_t rowBytes, panelBytes;

  int64_t getByte(int64_t panel, int64_t row) const {
    return panel * panelBytes + row * rowBytes;
  }
};

} // namespace

/// Vectors of sums of one row tile.
static int64_t getSumCount(const ImageMatmul &matmul) {
  return matmul.panels * matmul.input.getRows();
}

static constexpr int64_t kSumBytes = kLanes * sizeof(float);

Value codegen::getImageSums(KernelBuilder &b, const ImageMatmul &matmul,
                            Value rowTile) {
  return b.offset(matmul.sums, b.mul(rowTile, getSumCount(matmul) * kSumBytes));
}

static RowShare getShare(KernelBuilder &b, const ImageMatmul &matmul) {
  return getIntDot(b.getTarget(), matmul.input).getRowShare(b, matmul.input);
}

static SumPlaces getSumPlaces(KernelBuilder &b, const ImageMatmul &matmul,
                              Value rowTile) {
  RowShare share = getShare(b, matmul);
  Value first = getImageSums(b, matmul, rowTile);
  if (share.first)
    first = b.offset(first, b.mul(share.first, kSumBytes));
  return {first, share.rows, share.stride * kSumBytes,
          matmul.input.getRows() * kSumBytes};
}

static void storeSums(KernelBuilder &b, const ImageMatmul &matmul,
                      Value rowTile, ArrayRef<Value> sums) {
  SumPlaces places = getSumPlaces(b, matmul, rowTile);
  for (int64_t panel = 0; panel < matmul.panels; ++panel)
    for (int64_t row = 0; row < places.count; ++row)
      b.store(sums[panel * places.count + row], places.first,
              places.getByte(panel, row));
}

SmallVector<Value> codegen::loadImageSums(KernelBuilder &b,
                                          const ImageMatmul &matmul,
                                          Value rowTile) {
  SumPlaces places = getSumPlaces(b, matmul, rowTile);
  SmallVector<Value> sums;
  for (int64_t panel = 0; panel < matmul.panels; ++panel)
    for (int64_t row = 0; row < places.count; ++row)
      sums.push_back(
          b.load(b.vec(b.f32()), places.first, places.getByte(panel, row)));
  return sums;
}

void codegen::forEachOwnRowTile(KernelBuilder &b, Value rowTiles,
                                function_ref<void(Value)> body) {
  Value first = b.constI64(0);
  int64_t waves = 1;
  if (const target::GpuFacts *gpu = b.getTarget().gpu) {
    first = b.divU(b.getRow(), gpu->getRows());
    waves = b.getGroup().threads / gpu->waveLanes;
  }
  b.forLoop(first, rowTiles, waves, body);
}

void codegen::emitImageMatmul(KernelBuilder &b, const ImageMatmul &matmul) {
  if (!matmul.input.getField(pack::kQuants))
    return emitOuterFloats(b, matmul);
  ImageMatmulEmitter(b, matmul).emit();
}

/// Whole groups of the panel in blocks, and what is left of one as a block of
/// its own. A step of the panel may be several of its image.
void ImageMatmulEmitter::emit() {
  clearSums();
  int64_t group = std::max(step, matmul.panel.getK());
  int64_t panelStep = std::max(step, getStep(matmul.panel));
  int64_t steps = matmul.columns / group * (group / step);
  int64_t left = matmul.columns % group;
  int64_t blockSteps = matmul.imageColumns / step;
  if (steps > 0)
    b.forLoop(b.constI64(0), b.constI64(steps), blockSteps, [&](Value first) {
      Value some =
          b.minU(b.sub(b.constI64(steps), first), b.constI64(blockSteps));
      Value ofPanel = panelStep > step ? b.divU(some, panelStep / step) : some;
      emitBlock(first, {some, 0}, {ofPanel, 0});
    });
  auto getRange = [&](int64_t size) {
    return ColumnRange{left < size ? Value() : b.constI64(left / size),
                       left % size};
  };
  if (left > 0)
    emitBlock(b.constI64(steps), getRange(step), getRange(panelStep));
}

/// Widened, those of no row tile but of one that all begin with.
void ImageMatmulEmitter::clearSums() {
  SmallVector<Value> zeros(getSumCount(matmul), b.splatF32(0));
  if (pack::hasWidenedQuants(matmul.input)) {
    for (auto [i, zero] : llvm::enumerate(zeros))
      b.store(zero, matmul.zeros, i * kSumBytes);
    return;
  }
  forEachOwnRowTile(b, matmul.rowTiles, [&](Value rowTile) {
    storeSums(b, matmul, rowTile, zeros);
  });
}

/// The columns from step `firstStep` on, which begins a group of panels: those
/// of `range` in steps of the image, of `panelRange` in steps of the panel.
void ImageMatmulEmitter::emitBlock(Value firstStep, const ColumnRange &range,
                                   const ColumnRange &panelRange) {
  pack::LayoutAttr panel = matmul.panel, input = matmul.input;
  int64_t groupSteps = panel.getK() / step;
  Value group = groupSteps == 1 ? firstStep : b.divU(firstStep, groupSteps);
  b.barrier(); // The last block's image has been read.
  emitUnpack(b,
             {panel, input, matmul.columns, matmul.imageColumns, matmul.panels,
              b.offset(matmul.weightBase, b.mul(group, panel.getBytes())),
              matmul.image},
             panelRange);
  b.barrier();

  int64_t stepBytes = step / input.getK() * input.getBytes();
  int64_t tileBytes = input.getPanelOffset(input.getRows(), matmul.columns);
  Value first = b.offset(matmul.inputBase, b.mul(firstStep, stepBytes));
  if (pack::hasWidenedQuants(input))
    return emitWidened(
        b, {image, input, matmul.columns, matmul.imageColumns, matmul.panels,
            matmul.image, first, matmul.rowTiles, range.steps, matmul.products,
            matmul.sums, matmul.zeros,
            b.cmpI(arith::CmpIPredicate::eq, firstStep, b.constI64(0))});
  forEachOwnRowTile(b, matmul.rowTiles, [&](Value rowTile) {
    Value inputBase = b.offset(first, b.mul(rowTile, tileBytes));
    if (dot.getGroupRows() > 0)
      emitRowGroups(rowTile, inputBase, range);
    else
      emitRowTile(rowTile, inputBase, range);
  });
}

void ImageMatmulEmitter::emitRowTile(Value rowTile, Value inputBase,
                                     const ColumnRange &range) {
  SmallVector<Value> sums = emitMatmulTile(
      b,
      {matmul.panel, image, matmul.input, matmul.imageColumns, matmul.panels,
       matmul.image, inputBase, /*panelRows=*/Value(), matmul.products,
       /*groupRows=*/0, /*productStepBytes=*/0, getShare(b, matmul)},
      range, loadImageSums(b, matmul, rowTile));
  storeSums(b, matmul, rowTile, sums);
}

/// All products of the row tile at once, then the sums of a few of its rows and
/// one panel at a time. The rows of an activation group lie a word apart in
/// all fields that `emit` reads, which `IntDot::supports` has made sure of.
void ImageMatmulEmitter::emitRowGroups(Value rowTile, Value inputBase,
                                       const ColumnRange &range) {
  int64_t rows = matmul.input.getRows(), groupRows = dot.getGroupRows();
  const ImageProducts products = {matmul.panel,
                                  image,
                                  matmul.input,
                                  matmul.panels,
                                  matmul.imageColumns,
                                  matmul.image,
                                  inputBase,
                                  matmul.products,
                                  rowTile,
                                  matmul.rows};
  dot.multiply(b, products, range);
  ProductStrides strides = dot.getProductStrides(products);
  int64_t imageBytes =
      getImageStride(image, pack::kBlockScale, matmul.imageColumns);
  Value groups = b.constI64(rows / groupRows);
  if (matmul.rows) {
    Value left = b.sub(matmul.rows, b.mul(rowTile, rows));
    groups = b.minU(groups, b.divU(b.add(left, groupRows - 1), groupRows));
  }
  Value allSums = getImageSums(b, matmul, rowTile);
  b.forLoop(0, matmul.panels, 1, [&](Value panel) {
    b.forLoop(b.constI64(0), groups, 1, [&](Value group) {
      Value firstRow = b.mul(group, groupRows);
      Value sumBase = b.offset(
          allSums, b.mul(b.add(b.mul(panel, rows), firstRow), kSumBytes));
      SmallVector<Value> sums;
      for (int64_t i = 0; i < groupRows; ++i)
        sums.push_back(b.load(b.vec(b.f32()), sumBase, i * kSumBytes));
      Value productBase =
          b.offset(b.offset(matmul.products, b.mul(panel, strides.panel)),
                   b.mul(firstRow, strides.row));
      sums = emitMatmulTile(
          b,
          {matmul.panel, image, matmul.input, matmul.imageColumns,
           /*panels=*/1, b.offset(matmul.image, b.mul(panel, imageBytes)),
           b.offset(inputBase, b.mul(firstRow, sizeof(float))),
           /*panelRows=*/Value(), productBase, groupRows, strides.step},
          range, sums);
      for (auto [i, sum] : llvm::enumerate(sums))
        b.store(sum, sumBase, i * kSumBytes);
    });
  });
}
