//===- HipMatrix.cpp - Integer products by matrix units of AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A quad is four consecutive k; a quad of 16 rows is a vector, of activations
// as `prepare` wrote them and of weights in a panel's image. D = A B, all of 16
// rows and columns: A has 16 tokens, B 16 weight rows. A DPP row of the wave,
// r, has in lane i quads of token i and of weight row i:
//
//              lanes   an instruction's k   quads of DPP row r
//   MFMA 16    64      16                   r
//   MFMA 32    64      32                   r, r + 4
//   WMMA 11    32      16                   0, 1, 2, 3
//   WMMA 12    32      16                   2 r, 2 r + 1
//
// (MFMA 32 numbers its k otherwise, but alike in A and B, and a sum has no
// order.) Of D, lane j has column j, a weight row, and some of the tokens:
//
//   MFMA       4 r + i, i < 4
//   WMMA 11    2 i + r, i < 8
//   WMMA 12    8 r + i, i < 8
//
// so a DPP row scales and adds the sums of its own tokens as everywhere.
//
// Sources: AMD's matrix instruction calculator
// (github.com/ROCm/amd_matrix_instruction_calculator), which
// test/emulators/amdgpu/matrix-test.cpp states; AMD, "CDNA3 Instruction Set
// Architecture", 7; "RDNA3 Instruction Set Architecture", 7.9; "RDNA4
// Instruction Set Architecture", 7.12.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/InstructionSets.h"
#include "compiler/codegen/common/QuadDot.h"
#include "compiler/codegen/hip/HipDot.h"
#include "dialects/pack/Layouts.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;
using target::MatrixUnit;

static constexpr int64_t kRows = pack::kQuadTileRows;
static constexpr int64_t kQuadBytes = kRows * 4; ///< Of all rows.
static constexpr int64_t kQuadsOf16 = 4;

namespace {

class HipMatrixDot final : public HipIntDot {
public:
  bool supports(pack::LayoutAttr weight, pack::LayoutAttr input) const override;
  bool needsImages() const override { return true; }
  RowShare getRowShare(KernelBuilder &b, pack::LayoutAttr input) const override;
  SmallVector<Value> emit(KernelBuilder &b,
                          const DotBlock &block) const override;
  void unpack(KernelBuilder &b, const UnpackStep &step) const override;
};

/// Quads of rows that lie one behind the other.
struct QuadRows {
  Value base;    ///< First byte of the first quad.
  Value rowByte; ///< Bytes from there to the first that the DPP row has.
};

} // namespace

const IntDot &codegen::getHipMatrixDot() {
  static const HipMatrixDot dot;
  return dot;
}

bool HipMatrixDot::supports(pack::LayoutAttr weight,
                            pack::LayoutAttr input) const {
  int64_t length = pack::getBlockFormat(weight).getSumLength();
  auto fields = input.getFields().getAsRange<pack::FieldAttr>();
  bool areWords = llvm::all_of(fields, [&](pack::FieldAttr field) {
    return getRowStride(input, field.getName().getValue()) == sizeof(float);
  });
  return weight.getRows() == kLanes && StoredQuads::canRead(weight) &&
         (length == 16 || length == 32) && pack::hasWaveTiles(input) &&
         areWords;
}

/// The number of the DPP row in its wave, i64.
static Value getWaveRow(KernelBuilder &b) {
  return b.remU(b.getRow(), b.getTarget().gpu->getRows());
}

RowShare HipMatrixDot::getRowShare(KernelBuilder &b,
                                   pack::LayoutAttr /*input*/) const {
  int64_t waveRows = b.getTarget().gpu->getRows(), rows = kRows / waveRows;
  if (b.getTarget().gpu->matrixUnit == MatrixUnit::Wmma11)
    return {rows, waveRows, getWaveRow(b)};
  return {rows, 1, b.mul(getWaveRow(b), rows)};
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Lane i's words of `a`, then those of `c`, which have as many.
static Value joinWords(KernelBuilder &b, Value a, Value c) {
  auto total =
      static_cast<int32_t>(cast<VectorType>(a.getType()).getDimSize(0));
  int32_t words = total / static_cast<int32_t>(kLanes);
  SmallVector<int32_t> mask;
  for (int32_t lane = 0; lane < kLanes; ++lane)
    for (int32_t first : {lane * words, total + lane * words})
      for (int32_t i = 0; i < words; ++i)
        mask.push_back(first + i);
  return b.shuffle(a, c, mask);
}

/// The first quad that a DPP row has of 16 k.
static Value getFirstQuad(KernelBuilder &b) {
  switch (b.getTarget().gpu->matrixUnit) {
  case MatrixUnit::Mfma16:
  case MatrixUnit::Mfma32:
    return getWaveRow(b);
  case MatrixUnit::Wmma12:
    return b.mul(getWaveRow(b), 2);
  case MatrixUnit::Wmma11:
    return b.constI64(0);
  case MatrixUnit::None:
    break;
  }
  llvm_unreachable("this target has no matrix unit");
}

/// Quad `quad` of the rows, the DPP row's first being 0.
static Value loadQuad(KernelBuilder &b, const QuadRows &rows, int64_t quad) {
  return b.load(b.vec(b.i32()), b.offset(rows.base, rows.rowByte),
                quad * kQuadBytes);
}

/// What a lane has of an operand of the matrix instruction that takes the 16 k
/// from quad `first` on, or 32 if the instruction does and `hasMore`.
static Value loadOperand(KernelBuilder &b, const QuadRows &rows, int64_t first,
                         bool hasMore) {
  auto load = [&](int64_t quad) { return loadQuad(b, rows, first + quad); };
  switch (b.getTarget().gpu->matrixUnit) {
  case MatrixUnit::Mfma16:
    return load(0);
  case MatrixUnit::Mfma32: {
    Value second = hasMore ? load(kQuadsOf16) : b.splatI32(0);
    return b.bitcast(joinWords(b, load(0), second), b.vec(b.i64()));
  }
  case MatrixUnit::Wmma11:
    return joinWords(b, joinWords(b, load(0), load(1)),
                     joinWords(b, load(2), load(3)));
  case MatrixUnit::Wmma12:
    return joinWords(b, load(0), load(1));
  case MatrixUnit::None:
    break;
  }
  llvm_unreachable("this target has no matrix unit");
}

/// sums + tokens * weights.
static Value emitProduct(KernelBuilder &b, Value tokens, Value weights,
                         Value sums) {
  Type type = sums.getType();
  MatrixUnit unit = b.getTarget().gpu->matrixUnit;
  if (unit == MatrixUnit::Mfma16 || unit == MatrixUnit::Mfma32) {
    // Broadcasts and permutations of blocks: none.
    Value none = b.constI32(0);
    StringRef name = unit == MatrixUnit::Mfma16
                         ? "llvm.amdgcn.mfma.i32.16x16x16i8"
                         : "llvm.amdgcn.mfma.i32.16x16x32.i8";
    return b.callIntrinsic(type, name,
                           {tokens, weights, sums, none, none, none});
  }
  Value isSigned = b.constBool(true), clamp = b.constBool(false);
  return b.callIntrinsic(type, "llvm.amdgcn.wmma.i32.16x16x16.iu8",
                         {isSigned, tokens, isSigned, weights, sums, clamp});
}

SmallVector<Value> HipMatrixDot::emit(KernelBuilder &b,
                                      const DotBlock &block) const {
  const target::GpuFacts &gpu = *b.getTarget().gpu;
  int64_t rows = kRows / gpu.getRows();
  int64_t step = gpu.matrixUnit == MatrixUnit::Mfma32 ? 32 : 16;
  Value firstByte = b.mul(getFirstQuad(b), kQuadBytes);
  QuadRows tokens = {
      b.offset(block.inputGroup,
               getQuadByte(block.input, pack::kQuants, block.inputK)),
      firstByte};
  SmallVector<Value> results; // [panel][row]
  for (const GroupCursor &image : block.weights) {
    QuadRows weights = {
        b.offset(image.getBase(b, pack::kOperand),
                 getQuadByte(image.layout, pack::kOperand, block.k)),
        firstByte};
    Value sums = b.splatInt(0, b.i32(), rows * kLanes);
    for (int64_t k = 0; k < block.length; k += step) {
      bool hasMore = k + step <= block.length;
      sums = emitProduct(b, loadOperand(b, tokens, k / 4, hasMore),
                         loadOperand(b, weights, k / 4, hasMore), sums);
    }
    for (int64_t row = 0; row < rows; ++row) {
      SmallVector<int32_t> mask;
      for (int64_t lane = 0; lane < kLanes; ++lane)
        mask.push_back(static_cast<int32_t>(lane * rows + row));
      results.push_back(b.shuffle(sums, sums, mask));
    }
  }
  return results;
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

void HipMatrixDot::unpack(KernelBuilder &b, const UnpackStep &step) const {
  unpackTrueQuads(b, step);
}
