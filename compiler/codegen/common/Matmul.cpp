//===- Matmul.cpp - Emits the matmul kernels
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for tile of this call            tileRows rows of one weight
//     for chunk of row tiles         as many activations as stay in the cache
//       for panels of the tile       a few times 16 weight rows
//         for row tile of the chunk
//           sums = register tile     (MatmulTile.cpp)
//           epilogue, store
//
// so that a weight panel stays near while the row tiles pass by. Each weight
// of a step has code of its own, for its own range of tiles; a gated pair runs
// as one. With images (ImageMatmul.cpp) the loops inside the panels are others.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/ImageMatmul.h"
#include "compiler/codegen/common/IntDot.h"
#include "compiler/codegen/common/Math.h"
#include "compiler/codegen/common/MatmulTile.h"
#include "compiler/codegen/common/OuterFloats.h"
#include "compiler/codegen/common/PairMatmul.h"
#include "compiler/codegen/common/WidenedMatmul.h"
#include "compiler/codegen/hip/SplitMatmul.h"
#include "dialects/pack/Layouts.h"
#include "dialects/plan/ExpertGroups.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// Weights that are computed together, into one output.
struct Member {
  SmallVector<int64_t, 2> weights; ///< One, or the gated pair.
  int64_t output;                  ///< Index into outputs.
  int64_t firstTile;               ///< Of the step.
  int64_t tiles;
};

/// Where the loops stand: panels [panel, panel + panels) of the weight, row
/// tile `rowTile` of the input.
struct Place {
  Value panel;
  int64_t panels;
  Value rowTile;
};

class MatmulEmitter {
public:
  MatmulEmitter(KernelBuilder &b, plan::MatmulSpecAttr spec)
      : b(b), spec(spec), input(spec.getInput()), rowTile(input.getRows()),
        hasParts(pack::hasParts(input)),
        isWidened(pack::hasWidenedQuants(input)) {}

  LogicalResult emit();
  LogicalResult emitExperts(plan::ExpertsSpecAttr experts);
  LogicalResult emitHeads(int64_t count);

private:
  LogicalResult check();
  const IntDot &getDot() const;
  void beginTiles();
  void endTiles();
  void loadOperands();
  SmallVector<Member> getMembers() const;
  void emitMember(const Member &member);
  void emitGroupTile(const Member &member, Value tile, Value groups,
                     ArrayRef<Value> allExperts);
  void emitTile(const Member &member, Value tile, Value firstRowTile,
                Value endRowTile);
  void emitPanels(const Member &member, Value firstPanel, Value endPanel,
                  Value firstRowTile, Value endRowTile);
  void emitImagePanels(const Member &member, const Place &first,
                       Value endRowTile);
  void emitPlace(const Member &member, const Place &place);
  void emitPairs(const Member &member, const Place &place);
  void store(const Member &member, const Place &place,
             ArrayRef<SmallVector<Value>> sums);
  void storeFrom(const Member &member, const Place &place,
                 ArrayRef<Value> allSums);
  void storeOutputs(const Member &member, Value panel, Value row,
                    ArrayRef<Value> sums);
  Value emitEpilogue(const Member &member, Value panel, Value row,
                     ArrayRef<Value> sums);
  Value loadRows(const Member &member, Value pointer, Value panel);
  void storeRows(const Member &member, Value values, Value pointer,
                 Value panel);
  Value getRowMask(const Member &member, Value panel);
  Value getPanel(int64_t weight, Value panel);
  Value getRowTile(Value rowTile);

  /// True if all rows of a GPU's work-group share each tile of a step, and the
  /// columns among them.
  bool isSplit() const { return b.getGroup().sharesTile && !spec.hasImages(); }
  bool needsScratch() const {
    return spec.hasImages() || hasParts || isSplit();
  }

  /// Rows of the member's weights: N.
  int64_t getRows(const Member &member) const {
    return spec.getRows()[member.weights[0]];
  }

  KernelBuilder &b;
  plan::MatmulSpecAttr spec;
  pack::LayoutAttr input;
  int64_t rowTile;
  bool hasParts;  ///< Of the input, which is for panels of pairs then.
  bool isWidened; ///< The input's quants are bf16 numbers.
  Value inputBase, residual;
  Value count;       ///< Rows that exist; null if all of every tile do.
  Value inputTiles;  ///< Numbers of the row tiles' input, or null.
  Value scratch;     ///< For images, products and sums, or null.
  int64_t heads = 1; ///< Row tiles of all heads lie in turns, as outputs do.
  Value head;        ///< The one in work, or null.
  SmallVector<Value> weights, biases, outputs;
};

} // namespace

LogicalResult codegen::emitMatmul(KernelBuilder &b, plan::MatmulSpecAttr spec) {
  return MatmulEmitter(b, spec).emit();
}

LogicalResult codegen::emitExperts(KernelBuilder &b,
                                   plan::ExpertsSpecAttr spec) {
  return MatmulEmitter(b, spec.getMatmul()).emitExperts(spec);
}

LogicalResult codegen::emitHeadMatmul(KernelBuilder &b,
                                      plan::HeadMatmulSpecAttr spec) {
  return MatmulEmitter(b, spec.getMatmul()).emitHeads(spec.getHeads());
}

LogicalResult MatmulEmitter::emit() {
  if (failed(check()))
    return failure();
  loadOperands();
  beginTiles();
  for (const Member &member : getMembers())
    emitMember(member);
  endTiles();
  return success();
}

/// The instruction set of the products, if these are not of pairs or widened.
const IntDot &MatmulEmitter::getDot() const {
  return spec.hasOuterFloats() ? getIntDot(target::Isa::AppleAmx)
                               : getIntDot(b.getTarget(), input);
}

/// What a matrix unit, if the kernel uses one, wants once.
void MatmulEmitter::beginTiles() {
  if (hasParts)
    return beginPairTiles(b, input);
  if (isWidened)
    return beginWidened(b, spec.getWeightLayout(0));
  getDot().begin(b);
}

void MatmulEmitter::endTiles() {
  if (hasParts)
    return endPairTiles(b);
  if (isWidened)
    return endWidened(b);
  getDot().end(b);
}

LogicalResult MatmulEmitter::check() {
  for (size_t i = 0; i < spec.getWeights().size(); ++i)
    if (!canMultiply(spec.getWeightLayout(i), input, b.getTarget()) ||
        (spec.hasOuterFloats() &&
         !canMultiplyOuter(spec.getWeightLayout(i), input, b.getTarget())))
      return emitError(b.getLoc())
             << "cannot multiply " << spec.getWeightLayout(i) << " by " << input
             << " on " << b.getTarget().name;
  bool needsImages = isWidened || getDot().needsImages();
  if (needsImages && !spec.hasImages())
    return emitError(b.getLoc())
           << "cannot multiply " << input << " without images";
  SmallVector<pack::LayoutAttr> layouts;
  for (size_t i = 0; i < spec.getWeights().size(); ++i)
    layouts.push_back(spec.getWeightLayout(i));
  if (isWidened && !pack::canWiden(layouts, spec.getColumns()))
    return emitError(b.getLoc()) << "cannot widen " << spec;
  if (spec.getTileRows() <= 0 || spec.getTileRows() % kLanes != 0)
    return emitError(b.getLoc()) << "tileRows " << spec.getTileRows()
                                 << " is not a multiple of " << kLanes;
  bool isGlu = spec.getEpilogue() == model::Epilogue::Glu;
  if (isGlu &&
      (spec.getWeights().size() != 2 || spec.getRows()[0] != spec.getRows()[1]))
    return emitError(b.getLoc()) << "a gated matmul has two equal weights";
  return success();
}

void MatmulEmitter::loadOperands() {
  int64_t next = 0;
  size_t weightCount = spec.getWeights().size();
  inputBase = b.loadOperand(next++);
  for (size_t i = 0; i < weightCount; ++i)
    weights.push_back(b.loadOperand(next++));
  for (size_t i = 0; spec.getBias() && i < weightCount; ++i)
    biases.push_back(b.loadOperand(next++));
  if (spec.getEpilogue() == model::Epilogue::Residual)
    residual = b.loadOperand(next++);
  for (size_t i = 0; i < getMembers().size(); ++i)
    outputs.push_back(b.loadOperand(next++));
  count = b.loadCount();
  if (needsScratch())
    scratch = b.loadScratch();
}

SmallVector<Member> MatmulEmitter::getMembers() const {
  if (spec.getEpilogue() == model::Epilogue::Glu)
    return {{{0, 1}, 0, 0, spec.getTileCount()}};
  SmallVector<Member> members;
  int64_t firstTile = 0;
  for (int64_t i = 0; i < spec.getRows().size(); ++i) {
    int64_t tiles = llvm::divideCeil(spec.getRows()[i], spec.getTileRows());
    members.push_back({{i}, i, firstTile, tiles});
    firstTile += tiles;
  }
  return members;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

void MatmulEmitter::emitMember(const Member &member) {
  Value begin = b.maxU(b.loadTileBegin(), b.constI64(member.firstTile));
  Value end =
      b.minU(b.loadTileEnd(), b.constI64(member.firstTile + member.tiles));
  Value rowTiles = b.divU(b.add(count, rowTile - 1), rowTile);
  b.forLoop(begin, end, 1, [&](Value tile) {
    emitTile(member, b.sub(tile, member.firstTile), b.constI64(0), rowTiles);
  });
}

/// Tile `tile` of the member for some row tiles.
void MatmulEmitter::emitTile(const Member &member, Value tile,
                             Value firstRowTile, Value endRowTile) {
  int64_t tilePanels = spec.getTileRows() / kLanes;
  int64_t allPanels = llvm::divideCeil(getRows(member), kLanes);
  // Half of the second-level cache for activations, the rest for weights. With
  // images, the first-level cache holds weights, and activations come from
  // anywhere: as many as there is scratch for their sums.
  int64_t tileBytes = input.getPanelOffset(rowTile, spec.getColumns());
  int64_t chunk = std::max<int64_t>(1, b.getTarget().l2Bytes / 2 / tileBytes);
  if (spec.hasImages())
    chunk = spec.getImageRowTiles();
  Value first = b.mul(tile, tilePanels);
  Value last = b.minU(b.add(first, tilePanels), b.constI64(allPanels));
  b.forLoop(firstRowTile, endRowTile, chunk, [&](Value rowBegin) {
    Value rowEnd = b.minU(b.add(rowBegin, chunk), endRowTile);
    emitPanels(member, first, last, rowBegin, rowEnd);
  });
}

/// A loop that takes several panels at a time, and one for the panels that
/// are left if there can be any.
void MatmulEmitter::emitPanels(const Member &member, Value firstPanel,
                               Value endPanel, Value firstRowTile,
                               Value endRowTile) {
  int64_t tilePanels = spec.getTileRows() / kLanes;
  int64_t allPanels = llvm::divideCeil(getRows(member), kLanes);
  int64_t step = std::min(tilePanels, allPanels);
  if (spec.hasImages()) {
    step = std::min(step, spec.getImagePanels());
  } else {
    for (int64_t weight : member.weights)
      step = choosePanels(spec.getWeightLayout(weight), input, b.getTarget(),
                          step);
  }
  auto loopOverPanels = [&](Value begin, Value end, int64_t panels) {
    b.forLoop(begin, end, panels, [&](Value panel) {
      if (spec.hasImages())
        return emitImagePanels(member, {panel, panels, firstRowTile},
                               endRowTile);
      b.forLoop(firstRowTile, endRowTile, 1, [&](Value rowTile) {
        Place place = {panel, panels, rowTile};
        hasParts ? emitPairs(member, place) : emitPlace(member, place);
      });
    });
  };
  bool isExact = tilePanels % step == 0 && allPanels % step == 0;
  if (isExact)
    return loopOverPanels(firstPanel, endPanel, step);
  Value groups = b.divU(b.sub(endPanel, firstPanel), step);
  Value middle = b.add(firstPanel, b.mul(groups, step));
  loopOverPanels(firstPanel, middle, step);
  loopOverPanels(middle, endPanel, 1);
}

/// First byte of a panel of a weight.
Value MatmulEmitter::getPanel(int64_t weight, Value panel) {
  int64_t bytes =
      spec.getWeightLayout(weight).getPanelOffset(kLanes, spec.getColumns());
  return b.offset(weights[weight], b.mul(panel, bytes));
}

/// First byte of a row tile's input.
Value MatmulEmitter::getRowTile(Value rowTile) {
  if (inputTiles) {
    Value entry = b.offset(inputTiles, b.mul(rowTile, sizeof(uint32_t)));
    rowTile = b.extendU(b.load(b.i32(), entry), b.i64());
  }
  if (head)
    rowTile = b.add(b.mul(rowTile, heads), head);
  int64_t bytes = input.getPanelOffset(input.getRows(), spec.getColumns());
  return b.offset(inputBase, b.mul(rowTile, bytes));
}

void MatmulEmitter::emitPlace(const Member &member, const Place &place) {
  int64_t columns = spec.getColumns();
  SmallVector<SmallVector<Value>> sums;
  for (int64_t weight : member.weights) {
    pack::LayoutAttr layout = spec.getWeightLayout(weight);
    SmallVector<Value> zeros(place.panels * rowTile, b.splatF32(0));
    Value panelRows;
    if (layout.getRows() == 1 && getRows(member) % kLanes != 0)
      panelRows =
          b.sub(b.constI64(getRows(member)), b.mul(place.panel, kLanes));
    MatmulTile tile = {layout,
                       layout,
                       input,
                       columns,
                       place.panels,
                       getPanel(weight, place.panel),
                       getRowTile(place.rowTile),
                       panelRows,
                       /*products=*/Value()};
    if (isSplit())
      sums.push_back(emitSplitTile(b, tile, scratch));
    else
      sums.push_back(
          emitMatmulTile(b, tile, getWholeRange(b, layout, columns), zeros));
  }
  if (!isSplit())
    return store(member, place, sums);
  b.ifThen(b.cmpI(arith::CmpIPredicate::eq, b.getRow(), b.constI64(0)),
           [&] { store(member, place, sums); });
}

/// The same on a matrix unit, which leaves sums in scratch.
void MatmulEmitter::emitPairs(const Member &member, const Place &place) {
  SmallVector<Value, 2> allSums;
  for (auto [i, weight] : llvm::enumerate(member.weights)) {
    allSums.push_back(b.offset(scratch, i * spec.getProductBytes()));
    emitPairTile(b, {spec.getWeightLayout(weight), input, spec.getColumns(),
                     place.panels, getPanel(weight, place.panel),
                     getRowTile(place.rowTile), allSums.back()});
  }
  storeFrom(member, place, allSums);
}

/// The same as `store` for sums in memory, f32 [panel][row of the tile][kLanes]
/// of each weight, row by row: code for all rows at once would be long.
void MatmulEmitter::storeFrom(const Member &member, const Place &place,
                              ArrayRef<Value> allSums) {
  Value firstRow = b.mul(place.rowTile, rowTile);
  Value end = b.constI64(rowTile);
  if (count)
    end = b.minU(end, b.sub(count, firstRow));
  constexpr int64_t kSumBytes = kLanes * sizeof(float);
  b.forLoop(b.constI64(0), end, 1, [&](Value row) {
    for (int64_t p = 0; p < place.panels; ++p) {
      SmallVector<Value, 2> parts;
      for (Value sums : allSums)
        parts.push_back(b.load(b.vec(b.f32()),
                               b.offset(sums, b.mul(row, kSumBytes)),
                               p * rowTile * kSumBytes));
      storeOutputs(member, b.add(place.panel, p), b.add(firstRow, row), parts);
    }
  });
}

/// The panels of `first` for its row tile and those up to `endRowTile`.
void MatmulEmitter::emitImagePanels(const Member &member, const Place &first,
                                    Value endRowTile) {
  Value rowTiles = b.sub(endRowTile, first.rowTile);
  bool hasGroups = getDot().getGroupRows() > 0;
  Value rows;
  bool staysInMemory = hasGroups || isWidened;
  if (hasGroups && count)
    rows = b.sub(count, b.mul(first.rowTile, rowTile));
  SmallVector<ImageMatmul, 2> matmuls;
  int64_t sumBytes = member.weights.size() * spec.getImageSumBytes();
  for (auto [i, weight] : llvm::enumerate(member.weights)) {
    // Sums of each weight, then products, zeros and image, which they share.
    int64_t zeroByte = sumBytes + spec.getProductBytes();
    matmuls.push_back({spec.getWeightLayout(weight), input, spec.getColumns(),
                       spec.getImageColumns(), first.panels,
                       getPanel(weight, first.panel), getRowTile(first.rowTile),
                       rowTiles, rows,
                       b.offset(scratch, zeroByte + spec.getZeroBytes()),
                       b.offset(scratch, sumBytes), b.offset(scratch, zeroByte),
                       b.offset(scratch, i * spec.getImageSumBytes())});
    emitImageMatmul(b, matmuls.back());
  }
  forEachOwnRowTile(b, rowTiles, [&](Value tile) {
    SmallVector<SmallVector<Value>> sums;
    SmallVector<Value, 2> bases;
    for (const ImageMatmul &matmul : matmuls)
      if (staysInMemory)
        bases.push_back(getImageSums(b, matmul, tile));
      else
        sums.push_back(loadImageSums(b, matmul, tile));
    Place place = {first.panel, first.panels, b.add(first.rowTile, tile)};
    if (staysInMemory)
      storeFrom(member, place, bases);
    else
      store(member, place, sums);
  });
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

/// The tiles of each group are those of the matmul, for the row tiles of the
/// group and the matrices of its expert.
LogicalResult MatmulEmitter::emitExperts(plan::ExpertsSpecAttr experts) {
  if (failed(check()))
    return failure();
  if (getMembers().size() != 1 ||
      spec.getEpilogue() == model::Epilogue::Residual ||
      (experts.getIndirect() && rowTile != 1))
    return emitError(b.getLoc()) << "no expert matmul like " << experts;
  int64_t next = 0;
  inputBase = b.loadOperand(next++);
  // The matrices, then their biases.
  SmallVector<Value> allExperts;
  size_t weightCount = spec.getWeights().size();
  for (size_t i = 0; i < (spec.getBias() ? 2 : 1) * weightCount; ++i)
    allExperts.push_back(b.loadOperand(next++));
  Value groups = b.loadOperand(next++);
  if (experts.getIndirect())
    inputTiles = b.loadOperand(next++);
  outputs.push_back(b.loadOperand(next++));
  if (needsScratch())
    scratch = b.loadScratch();
  Member member = getMembers().front();
  beginTiles();
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    emitGroupTile(member, tile, groups, allExperts);
  });
  endTiles();
  return success();
}

void MatmulEmitter::emitGroupTile(const Member &member, Value tile,
                                  Value groups, ArrayRef<Value> allExperts) {
  Value number = b.divU(tile, member.tiles);
  Value group = b.offset(groups, b.mul(number, plan::kGroupBytes));
  auto load = [&](int64_t byte) {
    return b.extendU(b.load(b.i32(), group, byte), b.i64());
  };
  Value expert = load(plan::kGroupExpertByte);
  weights.clear();
  biases.clear();
  size_t weightCount = spec.getWeights().size();
  for (size_t i = 0; i < weightCount; ++i) {
    int64_t rows = spec.getRows()[i];
    int64_t stride =
        spec.getWeightLayout(i).getMatrixStride(rows, spec.getColumns());
    weights.push_back(b.offset(allExperts[i], b.mul(expert, stride)));
    if (spec.getBias())
      biases.push_back(b.offset(allExperts[weightCount + i],
                                b.mul(expert, rows * sizeof(float))));
  }
  Value first = load(plan::kGroupFirstTileByte);
  Value end = b.add(first, load(plan::kGroupTilesByte));
  emitTile(member, b.remU(tile, member.tiles), first, end);
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

/// The tiles of each head are those of the matmul.
LogicalResult MatmulEmitter::emitHeads(int64_t count) {
  if (failed(check()))
    return failure();
  if (spec.getWeights().size() != 1 || spec.hasImages() || spec.getBias() ||
      spec.getEpilogue() != model::Epilogue::Store)
    return emitError(b.getLoc()) << "no matmul of heads like " << spec;
  loadOperands();
  heads = count;
  Value allWeights = weights[0], allOutputs = outputs[0];
  int64_t rows = spec.getRows()[0];
  int64_t stride =
      spec.getWeightLayout(0).getMatrixStride(rows, spec.getColumns());
  Member member = getMembers().front();
  const IntDot &dot = getIntDot(b.getTarget(), input);
  dot.begin(b);
  Value rowTiles = b.divU(b.add(this->count, rowTile - 1), rowTile);
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    head = b.divU(tile, member.tiles);
    weights[0] = b.offset(allWeights, b.mul(head, stride));
    outputs[0] = b.offset(allOutputs, b.mul(head, rows * sizeof(float)));
    emitTile(member, b.remU(tile, member.tiles), b.constI64(0), rowTiles);
  });
  dot.end(b);
  return success();
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

/// Stores the rows of the tile that exist, of those that this part has.
void MatmulEmitter::store(const Member &member, const Place &place,
                          ArrayRef<SmallVector<Value>> sums) {
  Value firstRow = b.mul(place.rowTile, rowTile);
  RowShare share = {rowTile};
  if (spec.hasImages())
    share = getIntDot(b.getTarget(), input).getRowShare(b, input);
  if (share.first)
    firstRow = b.add(firstRow, share.first);
  for (int64_t i = 0; i < share.rows; ++i) {
    Value row = b.add(firstRow, i * share.stride);
    auto storeRow = [&] {
      for (int64_t p = 0; p < place.panels; ++p) {
        SmallVector<Value, 2> parts;
        for (const SmallVector<Value> &sum : sums)
          parts.push_back(sum[p * share.rows + i]);
        storeOutputs(member, b.add(place.panel, p), row, parts);
      }
    };
    if ((i == 0 && !share.first) || !count)
      storeRow(); // Every row tile has a first row.
    else
      b.ifThen(b.cmpI(arith::CmpIPredicate::ult, row, count), storeRow);
  }
}

/// One row's outputs of a panel, from the sums of the member's weights.
void MatmulEmitter::storeOutputs(const Member &member, Value panel, Value row,
                                 ArrayRef<Value> sums) {
  Value y = emitEpilogue(member, panel, row, sums);
  Value bytes = b.mul(row, heads * getRows(member) * sizeof(float));
  storeRows(member, y, b.offset(outputs[member.output], bytes), panel);
}

/// docs/numerics.md, "Matmul", epilogues.
Value MatmulEmitter::emitEpilogue(const Member &member, Value panel, Value row,
                                  ArrayRef<Value> sums) {
  SmallVector<Value, 2> y(sums);
  for (size_t i = 0; i < y.size() && !biases.empty(); ++i)
    y[i] = b.add(y[i], loadRows(member, biases[member.weights[i]], panel));
  if (spec.getEpilogue() == model::Epilogue::Glu)
    return emitGlu(b, spec.getActivation(), y[0], y[1]);
  if (spec.getEpilogue() == model::Epilogue::Activate)
    return emitActivation(b, spec.getActivation(), spec.getCap(), y[0]);
  if (residual) {
    Value bytes = b.mul(row, getRows(member) * sizeof(float));
    return b.add(loadRows(member, b.offset(residual, bytes), panel), y[0]);
  }
  return y[0];
}

/// The lanes of the panel that are rows of the weight; null if all are.
Value MatmulEmitter::getRowMask(const Member &member, Value panel) {
  if (getRows(member) % kLanes == 0)
    return Value();
  return b.laneMask(b.sub(b.constI64(getRows(member)), b.mul(panel, kLanes)));
}

/// Elements of the panel's rows from a vector of floats by row.
Value MatmulEmitter::loadRows(const Member &member, Value pointer,
                              Value panel) {
  pointer = b.offset(pointer, b.mul(panel, kLanes * sizeof(float)));
  if (Value mask = getRowMask(member, panel))
    return b.loadMasked(b.vec(b.f32()), pointer, mask);
  return b.load(b.vec(b.f32()), pointer);
}

void MatmulEmitter::storeRows(const Member &member, Value values, Value pointer,
                              Value panel) {
  pointer = b.offset(pointer, b.mul(panel, kLanes * sizeof(float)));
  if (Value mask = getRowMask(member, panel))
    return b.storeMasked(values, pointer, mask);
  b.store(values, pointer);
}
