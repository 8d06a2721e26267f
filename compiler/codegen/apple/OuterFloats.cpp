//===- OuterFloats.cpp - Panels of floats on Apple AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   sums = 0
//   for block of columns:
//     unpack panels to f32                      unless they are
//     for row tile, two panels:                 Z = sums
//       for k:  ldx 2 panels, ldy 32 rows, fma32 four times
//       store Z
//
// The first sum is +0 and not a skipped Z, as -0 + 0 is +0.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/OuterFloats.h"
#include "compiler/codegen/apple/AppleAmx.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "dialects/pack/Layouts.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kTileRows = pack::kPairTileRows;
static constexpr int64_t kHalfPanels = 2; ///< That Z has sums of.
static constexpr int64_t kFloatBytes = sizeof(float);
static constexpr int64_t kVectorBytes = kLanes * kFloatBytes;

bool codegen::canMultiplyOuter(pack::LayoutAttr weight, pack::LayoutAttr input,
                               const target::TargetSpec &target) {
  return target.hasKernelsOf(target::Isa::AppleAmx) &&
         weight.getRows() == kLanes && isa<FloatType>(weight.getSource()) &&
         hasRowVectors(weight, pack::kValues) && !pack::hasPairs(weight) &&
         input.getRows() == kTileRows && input.getK() == 1 &&
         getRowStride(input, pack::kValues) == kFloatBytes &&
         input.getBytes() == kTileRows * kFloatBytes;
}

static Value getAddress(KernelBuilder &b, Value pointer) {
  return LLVM::PtrToIntOp::create(b.getBuilder(), b.getLoc(), b.i64(), pointer);
}

namespace {

/// All row tiles times panels of floats.
class FloatEmitter {
public:
  FloatEmitter(KernelBuilder &b, const ImageMatmul &matmul)
      : b(b), amx(b.getBuilder(), b.getLoc()), matmul(matmul),
        panelBytes(matmul.panel.getPanelOffset(kLanes, matmul.columns)) {}

  void emit();

private:
  void clearSums();
  void emitBlock(Value firstColumn, int64_t columns);
  void unpack(Value from, int64_t columns);
  void multiply(Value x, int64_t panelStride, Value y, Value sums,
                int64_t columns, int64_t panels);
  void moveSums(AppleAmxOp op, Value sums, int64_t panels);
  void emitColumn(Value x, int64_t panelStride, Value y, uint64_t slot,
                  int64_t panels);

  KernelBuilder &b;
  AppleAmx amx;
  const ImageMatmul &matmul;
  int64_t panelBytes;
};

} // namespace

void codegen::emitOuterFloats(KernelBuilder &b, const ImageMatmul &matmul) {
  FloatEmitter(b, matmul).emit();
}

void FloatEmitter::clearSums() {
  Value count = b.mul(matmul.rowTiles, matmul.panels * kTileRows);
  b.forLoop(b.constI64(0), count, 1, [&](Value i) {
    b.store(b.splatF32(0), b.offset(matmul.sums, b.mul(i, kVectorBytes)));
  });
}

void FloatEmitter::emit() {
  clearSums();
  int64_t rest = matmul.columns % matmul.imageColumns;
  int64_t whole = matmul.columns - rest;
  b.forLoop(0, whole, matmul.imageColumns,
            [&](Value column) { emitBlock(column, matmul.imageColumns); });
  if (rest > 0)
    emitBlock(b.constI64(whole), rest);
}

void FloatEmitter::emitBlock(Value firstColumn, int64_t columns) {
  pack::LayoutAttr panel = matmul.panel;
  Value group =
      panel.getK() == 1 ? firstColumn : b.divU(firstColumn, panel.getK());
  Value x = b.offset(matmul.weightBase, b.mul(group, panel.getBytes()));
  int64_t stride = panelBytes;
  if (!panel.getSource().isF32()) {
    unpack(x, columns);
    x = matmul.image;
    stride = matmul.imageColumns * kVectorBytes;
  }
  int64_t columnBytes = matmul.input.getBytes();
  int64_t tileBytes = matmul.input.getPanelOffset(kTileRows, matmul.columns);
  Value input = b.offset(matmul.inputBase, b.mul(firstColumn, columnBytes));
  b.forLoop(b.constI64(0), matmul.rowTiles, 1, [&](Value rowTile) {
    Value y = getAddress(b, b.offset(input, b.mul(rowTile, tileBytes)));
    Value sums = getImageSums(b, matmul, rowTile);
    for (int64_t first = 0; first < matmul.panels; first += kHalfPanels)
      multiply(getAddress(b, b.offset(x, first * stride)), stride, y,
               b.offset(sums, first * kTileRows * kVectorBytes), columns,
               std::min(kHalfPanels, matmul.panels - first));
  });
}

/// Columns of all panels from `from` on, to f32.
void FloatEmitter::unpack(Value from, int64_t columns) {
  pack::LayoutAttr panel = matmul.panel;
  int64_t imageBytes = matmul.imageColumns * kVectorBytes;
  b.forLoop(0, matmul.panels, 1, [&](Value number) {
    Value source = b.offset(from, b.mul(number, panelBytes));
    Value image = b.offset(matmul.image, b.mul(number, imageBytes));
    b.forLoop(0, llvm::divideCeil(columns, panel.getK()), 1, [&](Value group) {
      Value groupFrom = b.offset(source, b.mul(group, panel.getBytes()));
      Value to = b.offset(image, b.mul(group, panel.getK() * kVectorBytes));
      for (int64_t k = 0; k < panel.getK(); ++k)
        b.store(b.loadFloats(panel.getSource(), groupFrom,
                             panel.getByteOffset(pack::kValues, 0, k)),
                to, k * kVectorBytes);
    });
  });
}

/// One or two panels times a row tile. `x` and `y` are addresses.
void FloatEmitter::multiply(Value x, int64_t panelStride, Value y, Value sums,
                            int64_t columns, int64_t panels) {
  // As many as there are registers for.
  constexpr int64_t kUnroll = 4;
  moveSums(AppleAmxOp::Ldz, sums, panels);
  auto emitColumns = [&](Value first, int64_t count) {
    Value xFirst = b.add(x, b.mul(first, kVectorBytes));
    Value yFirst = b.add(y, b.mul(first, matmul.input.getBytes()));
    for (int64_t i = 0; i < count; ++i)
      emitColumn(b.add(xFirst, i * kVectorBytes), panelStride,
                 b.add(yFirst, i * matmul.input.getBytes()), i, panels);
  };
  int64_t rest = columns % kUnroll;
  b.forLoop(0, columns - rest, kUnroll,
            [&](Value first) { emitColumns(first, kUnroll); });
  emitColumns(b.constI64(columns - rest), rest);
  moveSums(AppleAmxOp::Stz, sums, panels);
}

/// Row 4 * j + q of Z is row j of a half of the row tile and one panel.
void FloatEmitter::moveSums(AppleAmxOp op, Value sums, int64_t panels) {
  constexpr uint64_t kRow = uint64_t(1) << kAppleAmxRegisterBit;
  constexpr int64_t kHalves = kTileRows / kLanes;
  Value base = getAddress(b, sums);
  b.forLoop(0, kLanes, 1, [&](Value j) {
    Value operand = b.add(base, b.mul(j, 4 * kRow + kVectorBytes));
    for (int64_t half = 0; half < kHalves; ++half)
      for (int64_t panel = 0; panel < panels; ++panel)
        amx.issueAt(op, operand,
                    (panel + kHalfPanels * half) * kRow +
                        (panel * kTileRows + half * kLanes) * kVectorBytes);
  });
}

/// One k, by X and Y registers 2 * slot and 2 * slot + 1.
void FloatEmitter::emitColumn(Value x, int64_t panelStride, Value y,
                              uint64_t slot, int64_t panels) {
  uint64_t first = 2 * slot;
  amx.issueAt(AppleAmxOp::Ldy, y,
              first << kAppleAmxRegisterBit | kAppleAmxPair);
  for (int64_t panel = 0; panel < panels; ++panel)
    amx.issueAt(AppleAmxOp::Ldx, b.add(x, panel * panelStride),
                (first + panel) << kAppleAmxRegisterBit);
  for (uint64_t half = 0; half < 2; ++half)
    for (uint64_t panel = 0; panel < static_cast<uint64_t>(panels); ++panel)
      amx.issue(AppleAmxOp::Fma32,
                (panel + kHalfPanels * half) << kAppleAmxZRowBit |
                    ((first + panel) * kAppleAmxBytes) << kAppleAmxXByteBit |
                    (first + half) * kAppleAmxBytes);
}
