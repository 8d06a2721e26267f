//===- Embed.cpp - Emits the kernel that gathers rows of a table
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for token: x[token] = row tokens[token] of the table, as floats
//
// The table may lie in any layout, also in that of a matmul that shares it
// with the embedding. The layout says where kLanes consecutive elements of a
// row lie; they are loaded in the largest pieces that are contiguous:
//
//   q4_0 mapped, q8_0 mapped, floats mapped   one vector
//   q8_0 or q4_0 in panels                    quads of 4 bytes
//   floats in panels                          one by one
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/BlockScales.h"
#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/StoredQuads.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

class EmbedEmitter {
public:
  EmbedEmitter(KernelBuilder &b, plan::EmbedSpecAttr spec)
      : b(b), spec(spec), layout(spec.getTable()), columns(spec.getColumns()),
        isQuantized(!layout.getField(pack::kValues)) {}

  LogicalResult emit();

private:
  LogicalResult checkLayout();
  void emitRow(Value table, Value token, Value out);
  void emitChunk(Value chunk, Value out, int64_t count);
  Value loadElements(StringRef field, Value chunk, int64_t first,
                     int64_t lanes);
  Value loadQuants(Value chunk, int64_t first);
  Value loadPlanes(Value chunk, int64_t first);
  Value loadQuads(Value chunk, int64_t first);
  Value loadPieces(Value chunk, ArrayRef<int64_t> bytes, int64_t size);
  Value decodeQuants(Value chunk, int64_t first);
  int64_t getBit(StringRef field, int64_t k);
  int64_t getRowStride(StringRef field);

  KernelBuilder &b;
  plan::EmbedSpecAttr spec;
  pack::LayoutAttr layout;
  int64_t columns;
  bool isQuantized;
  Value rowInPanel;
};

} // namespace

LogicalResult codegen::emitEmbed(KernelBuilder &b, plan::EmbedSpecAttr spec) {
  return EmbedEmitter(b, spec).emit();
}

LogicalResult EmbedEmitter::emit() {
  if (failed(checkLayout()))
    return failure();
  Value table = b.loadOperand(0), x = b.loadOperand(1);
  int64_t positions = spec.getPositions();
  Value tokens =
      b.loadInputPointer(positions > 0 ? offsetof(ModelcStepInputs, positions)
                                       : offsetof(ModelcStepInputs, tokens));
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value tile) {
    Value entry = b.offset(tokens, b.mul(tile, sizeof(int32_t)));
    Value token = b.extendU(b.load(b.i32(), entry), b.i64());
    if (positions > 0)
      token = b.minU(token, b.constI64(positions - 1));
    emitRow(table, token, b.offset(x, b.mul(tile, columns * sizeof(float))));
  });
  return success();
}

//===----------------------------------------------------------------------===//
// What the layout says
//===----------------------------------------------------------------------===//

/// Bit of element k of row 0, k counted from the first of some group.
int64_t EmbedEmitter::getBit(StringRef field, int64_t k) {
  return k / layout.getK() * layout.getBytes() * 8 +
         layout.getBitOffset(field, 0, k % layout.getK());
}

/// Bytes from a row of a panel to the next. checkLayout shows that it is the
/// same everywhere.
int64_t EmbedEmitter::getRowStride(StringRef field) {
  if (layout.getRows() == 1)
    return 0;
  return (layout.getBitOffset(field, 1, 0) - layout.getBitOffset(field, 0, 0)) /
         8;
}

LogicalResult EmbedEmitter::checkLayout() {
  auto hasRowStride = [&](StringRef field) {
    for (int64_t k = 0; k < layout.getK(); ++k)
      for (int64_t n = 0; n < layout.getRows(); ++n)
        if (layout.getBitOffset(field, n, k) !=
            layout.getBitOffset(field, 0, k) + n * getRowStride(field) * 8)
          return false;
    return true;
  };
  bool isKnown = true;
  for (auto field : layout.getFields().getAsRange<pack::FieldAttr>())
    isKnown &= hasRowStride(field.getName().getValue());
  if (isKnown && isQuantized) {
    int64_t subBlock = pack::getBlockFormat(layout).subBlock;
    isKnown = subBlock % kLanes == 0 && columns % subBlock == 0;
  }
  if (!isKnown)
    return emitError(b.getLoc()) << "cannot gather rows from " << layout;
  return success();
}

//===----------------------------------------------------------------------===//
// One row
//===----------------------------------------------------------------------===//

void EmbedEmitter::emitRow(Value table, Value token, Value out) {
  int64_t rows = layout.getRows();
  Value panel =
      b.mul(b.divU(token, rows), layout.getPanelOffset(rows, columns));
  rowInPanel = b.remU(token, rows);
  // Whole groups and whole vectors at once.
  int64_t chunk = std::max(layout.getK(), kLanes);
  int64_t chunkBytes = chunk / layout.getK() * layout.getBytes();
  int64_t whole = columns / chunk, rest = columns % chunk;
  Value first = b.offset(table, panel);
  auto emitNumber = [&](Value number, int64_t count) {
    emitChunk(b.offset(first, b.mul(number, chunkBytes)),
              b.offset(out, b.mul(number, chunk * sizeof(float))), count);
  };
  b.forLoop(0, whole, 1, [&](Value number) { emitNumber(number, chunk); });
  if (rest > 0)
    emitNumber(b.constI64(whole), rest);
}

/// The first `count` elements of a chunk.
void EmbedEmitter::emitChunk(Value chunk, Value out, int64_t count) {
  for (int64_t k = 0; k < count; k += kLanes) {
    int64_t lanes = std::min(count - k, kLanes);
    Value values = isQuantized
                       ? decodeQuants(chunk, k)
                       : b.toF32(loadElements(pack::kValues, chunk, k, lanes));
    if (FloatAttr scale = spec.getScale())
      values = b.mul(values, b.splatF32(scale.getValue().convertToFloat()));
    b.storeLanes(values, out, k * sizeof(float), lanes);
  }
}

/// Elements first .. first + lanes - 1 of the row, in the field's own type, or
/// in bytes if they are smaller; the other lanes are undefined.
Value EmbedEmitter::loadElements(StringRef field, Value chunk, int64_t first,
                                 int64_t lanes) {
  Value row = b.offset(chunk, b.mul(rowInPanel, getRowStride(field)));
  int64_t bits = layout.getField(field).getBits();
  int64_t size = std::max<int64_t>(bits / 8, 1);
  SmallVector<int64_t> bytes;
  SmallVector<int8_t> shifts(kLanes, 0);
  for (int64_t i = 0; i < lanes; ++i) {
    bytes.push_back(getBit(field, first + i) / 8);
    shifts[i] = getBit(field, first + i) % 8;
  }
  Value loaded = loadPieces(row, bytes, size);
  if (!isQuantized)
    return b.bitcast(loaded, b.vec(layout.getSource()));
  if (bits == 8)
    return loaded;
  Value shift = b.constVector(b.vec(b.i8()), ArrayRef<int8_t>(shifts));
  Value mask = b.splatInt((1 << bits) - 1, b.i8());
  return b.bitAnd(b.shrU(loaded, shift), mask);
}

/// A vector of kLanes integers of `size` bytes, lane i from byte bytes[i].
Value EmbedEmitter::loadPieces(Value row, ArrayRef<int64_t> bytes,
                               int64_t size) {
  auto isContiguous = [&](int64_t piece) {
    for (auto [i, byte] : llvm::enumerate(bytes))
      if (byte != bytes[i - i % piece] + int64_t(i % piece) * size)
        return false;
    return int64_t(bytes.size()) % piece == 0;
  };
  Type element = b.getBuilder().getIntegerType(size * 8);
  if (isContiguous(kLanes))
    return b.load(b.vec(element), row, bytes[0]);
  int64_t piece = 8 / size; // At most a register of eight bytes.
  while (!isContiguous(piece))
    piece /= 2;
  Type pieceType = b.getBuilder().getIntegerType(piece * size * 8);
  Value pieces = LLVM::PoisonOp::create(b.getBuilder(), b.getLoc(),
                                        b.vec(pieceType, kLanes / piece));
  for (size_t i = 0; i < bytes.size(); i += piece)
    pieces = b.insert(pieces, b.load(pieceType, row, bytes[i]), i / piece);
  return b.bitcast(pieces, b.vec(element));
}

/// Stored quants first .. first + kLanes - 1, bytes, from fields that have a
/// part for each element: all at once.
Value EmbedEmitter::loadPlanes(Value chunk, int64_t first) {
  Value stored = loadElements(pack::kQuants, chunk, first, kLanes);
  if (!layout.getField(pack::kQuantsHigh))
    return stored;
  Value high = loadElements(pack::kQuantsHigh, chunk, first, kLanes);
  Value shift = b.splatInt(layout.getField(pack::kQuants).getBits(), b.i8());
  return b.bitOr(stored, b.shl(high, shift));
}

/// The same from fields that have not: a quad after the other.
Value EmbedEmitter::loadQuads(Value chunk, int64_t first) {
  auto load = [&](StringRef field, Type element, int64_t k) {
    Value row = b.offset(chunk, b.mul(rowInPanel, getRowStride(field)));
    return b.load(b.vec(element, 1), row, getBit(field, k) / 8);
  };
  StoredQuads quads(b, layout, 1, load);
  SmallVector<Value> bytes;
  for (int64_t k = first; k < first + kLanes; k += 4)
    bytes.push_back(quads.get(k));
  return b.concat(b.concat(bytes[0], bytes[1]), b.concat(bytes[2], bytes[3]));
}

/// Quants first .. first + kLanes - 1 as i32: true ones, without offset.
Value EmbedEmitter::loadQuants(Value chunk, int64_t first) {
  const pack::BlockFormat &format = pack::getBlockFormat(layout);
  bool hasPlanes = format.getQuantKind() == pack::QuantKind::Planes;
  Value stored = hasPlanes ? loadPlanes(chunk, first) : loadQuads(chunk, first);
  if (!format.codebook.empty())
    return b.extendS(lookUpQuants(b, layout, stored, 0), b.i32());
  // Quants are stored too large by the offset, then they are unsigned.
  int64_t offset = pack::getQuantOffset(layout);
  return offset > 0 ? b.sub(b.extendU(stored, b.i32()),
                            b.splatI32(static_cast<int32_t>(offset)))
                    : b.extendS(stored, b.i32());
}

/// float(quant) * D, plus the minimum if there is one, of kLanes elements.
Value EmbedEmitter::decodeQuants(Value chunk, int64_t first) {
  auto load = [&](StringRef field, Type element, int64_t k) {
    Value row = b.offset(chunk, b.mul(rowInPanel, getRowStride(field)));
    return b.load(element, row, getBit(field, k) / 8);
  };
  Value quants = loadQuants(chunk, first);
  if (pack::getBlockFormat(layout).joinsSubBlocks)
    quants = b.mul(quants, b.splat(emitSubscale(b, layout, first, load)));
  Value q = b.intToFloat(quants, b.f32());
  BlockScales scales = emitBlockScales(b, layout, first, load);
  if (!scales.min)
    return b.mul(q, b.splat(scales.scale));
  return b.fma(q, b.splat(scales.scale), b.splat(scales.min));
}
