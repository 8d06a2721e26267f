//===- StoredQuads.cpp - Stored quants, four at a time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Planes: a load, a shift and a mask for each field.
//
// Grid, 8 elements of an entry, for all rows at once:
//
//   number of the entry  ==>  gather a word  76543210 (a level a half byte)
//     first quad   word & 0x0f0f0f0f         6 4 2 0 (word byte 3 .. byte 0)
//     second quad  word >> 4 & 0x0f0f0f0f
//
// so half byte 2 * i holds level i of the first quad, 2 * i + 1 that of the
// second. Entries of 4 elements are words of a level a byte. Numbers have no
// more bits than the table has entries, whatever a file says. Then each byte
// gets its sign above the level: four bytes of signs of 32 elements are a word
// of each row, of which a quad's half of one byte is spread.
//
// Trits: a byte b is the fraction b / 256; its n-th digit to the base 3 is
// 3 * (b * 3^n mod 256) / 256.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/StoredQuads.h"
#include "compiler/codegen/common/FieldAccess.h"
#include "compiler/codegen/common/IntDot.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr int64_t kSignBlock = 32;

/// A byte in all four of a word.
static constexpr int64_t repeat(int64_t byte) { return byte * 0x01010101; }

/// Words as bytes.
static Value toBytes(KernelBuilder &b, Value words) {
  int64_t lanes = cast<VectorType>(words.getType()).getDimSize(0);
  return b.bitcast(words, b.vec(b.i8(), 4 * lanes));
}

StoredQuads::StoredQuads(KernelBuilder &b, pack::LayoutAttr layout, Loader load)
    : b(b), layout(layout), format(pack::getBlockFormat(layout)),
      load(std::move(load)) {}

Value codegen::lookUpQuants(KernelBuilder &b, pack::LayoutAttr layout,
                            Value stored, int64_t offset) {
  const pack::BlockFormat &format = pack::getBlockFormat(layout);
  if (format.codebook.empty())
    return stored;
  SmallVector<int8_t> table;
  for (int8_t entry : format.codebook)
    table.push_back(static_cast<int8_t>(entry + offset));
  return getIntDot(b.getTarget().isa).lookUp(b, table, stored);
}

bool StoredQuads::canRead(pack::LayoutAttr layout) {
  auto isAbsentOr = [&](bool (*has)(pack::LayoutAttr, StringRef),
                        ArrayRef<StringRef> fields) {
    return llvm::all_of(fields, [&](StringRef field) {
      return !layout.getField(field) || has(layout, field);
    });
  };
  return isAbsentOr(hasQuadVectors,
                    {pack::kQuants, pack::kQuantsHigh, pack::kSigns,
                     pack::kTrits32, pack::kTrits16, pack::kTrits4}) &&
         isAbsentOr(hasRowVectors,
                    {pack::kGrid, pack::kGridHigh, pack::kMixed});
}

Value StoredQuads::get(int64_t k) {
  switch (format.getQuantKind()) {
  case pack::QuantKind::Planes:
    return getPlanes(k);
  case pack::QuantKind::Grid:
    return b.bitOr(getLevels(k),
                   getSigns(k, pack::getLevelBits(format.grid->grid)));
  case pack::QuantKind::Trits:
    return getTrits(k);
  }
  llvm_unreachable("no such kind of quants");
}

Value StoredQuads::getOperand(int64_t k, int64_t offset) {
  if (layout.getField(pack::kOperand))
    return getQuad(pack::kOperand, k);
  return lookUpQuants(b, layout, get(k), offset);
}

Value StoredQuads::once(StringRef name, int64_t k, function_ref<Value()> emit) {
  auto key = std::make_pair(name.str(), k);
  auto found = known.find(key);
  return found != known.end() ? found->second : known[key] = emit();
}

//===----------------------------------------------------------------------===//
// Planes
//===----------------------------------------------------------------------===//

Value StoredQuads::getPlanes(int64_t k) {
  Value stored = getPlane(pack::kQuants, k, 0);
  if (!layout.getField(pack::kQuantsHigh))
    return stored;
  int64_t bits = layout.getField(pack::kQuants).getBits();
  return b.bitOr(stored, getPlane(pack::kQuantsHigh, k, bits));
}

/// The field's elements of a quad, from bit `position` of their bytes on.
Value StoredQuads::getPlane(StringRef field, int64_t k, int64_t position) {
  int64_t bits = layout.getField(field).getBits();
  Value bytes = getQuad(field, k);
  if (bits == 8)
    return bytes;
  int64_t shift = layout.getBitOffset(field, 0, k) % 8;
  int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0);
  if (shift != position) {
    // There is no shift of bytes; what comes from the neighbour is masked.
    Value words = b.bitcast(bytes, b.vec(b.i16(), lanes / 2));
    Value amount = b.constLike(words, std::abs(shift - position));
    words = shift > position ? b.shrU(words, amount) : b.shl(words, amount);
    bytes = b.bitcast(words, b.vec(b.i8(), lanes));
  }
  int64_t mask = ((int64_t(1) << bits) - 1) << position;
  return b.bitAnd(bytes, b.constLike(bytes, mask));
}

/// The bytes that hold the field's four elements from k on.
Value StoredQuads::getQuad(StringRef field, int64_t k) {
  return once(field, layout.getBitOffset(field, 0, k) / 8,
              [&] { return toBytes(b, load(field, b.i32(), k)); });
}

//===----------------------------------------------------------------------===//
// Trits
//===----------------------------------------------------------------------===//

Value StoredQuads::getTrits(int64_t k) {
  const pack::TritRun &run = pack::getTritRun(format, k);
  int64_t byte = (k - run.begin) % run.bytes;
  int64_t digit = (k - run.begin) / run.bytes;
  // Its elements are numbered by their unit, whatever they stand for.
  Value bytes = getQuad(run.field, byte * layout.getField(run.field).getUnit());
  for (int64_t i = 0; i < digit; ++i)
    bytes = b.add(b.add(bytes, bytes), bytes);
  // 3 * b / 256 is how many of 256 / 3 and 512 / 3 are below b.
  auto exceeds = [&](int64_t limit) {
    Value most = b.constLike(bytes, limit);
    Value excess = b.sub(b.maxU(bytes, most), most);
    return b.minU(excess, b.constLike(bytes, 1));
  };
  return b.add(exceeds(85), exceeds(170));
}

//===----------------------------------------------------------------------===//
// Grid
//===----------------------------------------------------------------------===//

/// The levels of a quad, a byte each.
Value StoredQuads::getLevels(int64_t k) {
  int64_t elems = pack::getGridElems(format.grid->grid);
  Value entry = getEntry(k / elems * elems);
  if (elems == 4)
    return toBytes(b, entry);
  if (k % elems != 0)
    entry = b.shrU(entry, b.constLike(entry, 4));
  return toBytes(b, b.bitAnd(entry, b.constLike(entry, repeat(0x0f))));
}

/// The table's word of the entry that begins with element k.
Value StoredQuads::getEntry(int64_t k) {
  return once("entry", k, [&] {
    const pack::GridFormat &grid = *format.grid;
    Value number = emitPart(grid.entry, k);
    if (grid.entryHigh.bits > 0) {
      Value high = emitPart(grid.entryHigh, k);
      high = b.shl(high, b.constLike(high, grid.entry.bits));
      number = b.bitOr(number, high);
    }
    return getIntDot(b.getTarget().isa).gather(b, emitTable(), number);
  });
}

Value StoredQuads::emitPart(const pack::Slice &slice, int64_t k) {
  return emitSlice(b, layout, slice, k,
                   [&](StringRef field, Type type, int64_t k) {
                     return once((field + ".row").str(),
                                 layout.getBitOffset(field, 0, k) / 8,
                                 [&] { return load(field, type, k); });
                   });
}

/// A word for each entry of the grid.
Value StoredQuads::emitTable() {
  pack::Grid grid = format.grid->grid;
  int64_t elems = pack::getGridElems(grid), levels = pack::getGridLevels(grid);
  std::vector<uint32_t> words = pack::getGridEntries(grid);
  for (uint32_t &word : words) {
    uint32_t digits = std::exchange(word, 0);
    for (int64_t i = 0; i < elems; ++i, digits /= levels)
      word |= digits % levels << (i % 4 * 8 + i / 4 * 4);
  }
  return b.constTable("grid" + std::to_string(static_cast<int>(grid)), words);
}

/// Bit `position` of each byte of a quad, which says whether it is negated.
Value StoredQuads::getSigns(int64_t k, int64_t position) {
  const pack::Slice &sign = format.grid->sign;
  if (sign.unit == 1 && layout.getBitOffset(sign.field, 0, k + 1) / 8 !=
                            layout.getBitOffset(sign.field, 0, k) / 8)
    return getPlane(sign.field, k, position);
  if (sign.bits == 1 && sign.unit > 1)
    return once("sign", k / sign.unit, [&] {
      Value bit = emitPart(sign, k);
      Value all = b.sub(b.constLike(bit, 0), bit);
      return toBytes(b, b.bitAnd(all, b.constLike(all, repeat(1 << position))));
    });
  // The byte of this quad in all bytes of the row, each tested for its bit.
  Value bytes = getSignWord(k / kSignBlock * kSignBlock);
  int64_t lanes = cast<VectorType>(bytes.getType()).getDimSize(0);
  SmallVector<int32_t> mask;
  SmallVector<int8_t> bits;
  for (int32_t i = 0; i < lanes; ++i) {
    mask.push_back(i / 4 * 4 + static_cast<int32_t>(k % kSignBlock / 8));
    bits.push_back(static_cast<int8_t>(1 << (k % 8 + i % 4)));
  }
  Value spread =
      once("spread", k / 8, [&] { return b.shuffle(bytes, bytes, mask); });
  Value bit = arith::ConstantOp::create(
      b.getBuilder(), b.getLoc(),
      DenseElementsAttr::get(b.vec(b.i8(), lanes), ArrayRef<int8_t>(bits)));
  Value isSet = b.cmpI(arith::CmpIPredicate::eq, b.bitAnd(spread, bit), bit);
  return b.bitAnd(b.extendS(isSet, b.i8()), b.constLike(bit, 1 << position));
}

/// Signs of the 32 elements from k on: byte l those of 8 from k + 8 * l on.
Value StoredQuads::getSignWord(int64_t k) {
  return once("signs", k, [&] {
    if (format.grid->sign.unit == 1)
      return toBytes(b, load(format.grid->sign.field, b.i32(), k));
    Value word;
    for (int64_t l = 0; l < kSignBlock / 8; ++l) {
      Value part = emitPart(format.grid->sign, k + 8 * l);
      part = b.shl(part, b.constLike(part, 8 * l));
      word = word ? b.bitOr(word, part) : part;
    }
    // The eighth bit makes the number of bits even.
    Value bytes = toBytes(b, word);
    Value ones = LLVM::CtPopOp::create(b.getBuilder(), b.getLoc(),
                                       bytes.getType(), bytes);
    return b.bitOr(bytes, b.shl(ones, b.constLike(ones, 7)));
  });
}
