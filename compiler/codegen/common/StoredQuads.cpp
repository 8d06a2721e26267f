//===- StoredQuads.cpp - Stored quants, four at a time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Planes: a load, a shift and a mask for each field.
//
// Grid, for all rows at once:
//
//   number of the entry  ==>  look up a word, of which half byte 2 * i holds
//                             the level of element i and, if the entry has two
//                             quads, that of i + 4 above it
//     first quad   word & 0x03030303
//     second quad  word >> 2 & 0x03030303
//
// Only four half bytes are used, so a table for permutations has 16 bits: half
// bytes 0, 4, 2, 6. Numbers of two entries, of k and of the k behind it, are
// looked up as one vector:
//
//   two rows of numbers  ==>  concatenated, i16  ==>  permute  ==>  each result
//   twice, the upper copy shifted by 4: the word, with anything in between
//
// Numbers have no more bits than the table has entries, whatever a file says.
// Then each byte gets its sign above the level: four bytes of signs of 32
// elements are a word of each row, of which a quad's half of one byte is
// spread.
//
// Trits: a byte b is the fraction b / 256; its n-th digit to the base 3 is
// 3 * (b * 3^n mod 256) / 256.
//
// Products with subscales: there is no product of bytes, so a word of two
// quants q1, q0 is multiplied twice by the subscale s, all modulo 2^16:
//
//   (256 * q1 + q0) * s   its lower byte is q0 * s
//   256 * q1 * s          its upper byte is q1 * s, its lower byte 0
//
// or once, if no q0 * s reaches the upper byte.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/StoredQuads.h"
#include "compiler/codegen/common/BlockScales.h"
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

StoredQuads::StoredQuads(KernelBuilder &b, pack::LayoutAttr layout,
                         int64_t rows, Loader load)
    : b(b), layout(layout), format(pack::getBlockFormat(layout)), rows(rows),
      load(std::move(load)) {
  const IntDot &dot = getIntDot(b.getTarget().isa);
  canPermute =
      format.grid && dot.canPermute(1 << format.grid->getEntryBits(), rows);
}

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
// Products with subscales
//===----------------------------------------------------------------------===//

/// What the quants of element k's sub-block are multiplied by, i32.
Value StoredQuads::getFactor(int64_t k) {
  k = k / format.subBlock * format.subBlock;
  return once("factor", k, [&] {
    Value subscale = emitSubscale(b, layout, k, load);
    return pack::getOperandProducts(layout).isNegated
               ? b.sub(b.constLike(subscale, 0), subscale)
               : subscale;
  });
}

/// (stored - zero) * factor + offset = stored * factor + (offset - zero *
/// factor), each modulo 256.
Value StoredQuads::getProduct(int64_t k, int64_t offset) {
  Value stored = get(k), factor = getFactor(k);
  int64_t rows = cast<VectorType>(factor.getType()).getDimSize(0);
  Type wordsType = b.vec(b.i16(), 2 * rows);
  int64_t subBlock = k / format.subBlock;
  Value twice = once("factor.words", subBlock, [&] {
    Value low = b.bitAnd(factor, b.constLike(factor, 0xffff));
    Value high = b.shl(factor, b.constLike(factor, 16));
    return b.bitcast(b.bitOr(low, high), wordsType);
  });
  Value words = b.bitcast(stored, wordsType);
  Value products = b.mul(words, twice);
  int64_t zero = pack::getQuantOffset(layout);
  bool staysInByte = zero == 0 && pack::getOperandProducts(layout).least == 0;
  if (!staysInByte) {
    Value upper = b.bitAnd(words, b.constLike(words, 0xff00));
    products = b.bitOr(b.bitAnd(products, b.constLike(products, 0xff)),
                       b.mul(upper, twice));
  }
  products = b.bitcast(products, stored.getType());
  if (zero == 0 && offset == 0)
    return products;
  Value added = once("factor.added", subBlock, [&] {
    Value byte = b.sub(b.constLike(factor, offset),
                       b.mul(factor, b.constLike(factor, zero)));
    byte = b.bitAnd(byte, b.constLike(byte, 0xff));
    return toBytes(b, b.mul(byte, b.constLike(byte, repeat(1))));
  });
  return b.add(products, added);
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
  return once(field, layout.getBitOffset(field, 0, k) / 8, [&] {
    int64_t words = getQuadWords(layout, field);
    if (words == 1 || rows != kLanes)
      return toBytes(b, load(field, b.i32(), k));
    return toBytes(b, getWord(field, k, words));
  });
}

/// The word of each row that holds the same, of `words` that lie side by side
/// and are loaded at once. They begin on a multiple of their size, with an
/// element before k.
Value StoredQuads::getWord(StringRef field, int64_t k, int64_t words) {
  int64_t bytes = words * 4, byte = getQuadByte(layout, field, k);
  int64_t number = byte % bytes / 4;
  int64_t first = k;
  while (getQuadByte(layout, field, first) != byte - byte % bytes)
    first -= 4;
  Value all = once((field + ".words").str(), byte - byte % bytes, [&] {
    Type element = b.getBuilder().getIntegerType(bytes * 8);
    return b.bitcast(load(field, element, first),
                     b.vec(b.i32(), kLanes * words));
  });
  SmallVector<int32_t> mask;
  for (int64_t n = 0; n < kLanes; ++n)
    mask.push_back(static_cast<int32_t>(n * words + number));
  return b.shuffle(all, all, mask);
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

/// A word for each entry of the grid. The levels of element i of its quads
/// stand from bit `places[i]` on.
template <typename Word>
static std::vector<Word> makeTable(pack::Grid grid, ArrayRef<int> places) {
  int64_t elems = pack::getGridElems(grid), levels = pack::getGridLevels(grid);
  int64_t bits = pack::getLevelBits(grid);
  std::vector<Word> words;
  for (uint32_t entry : pack::getGridEntries(grid)) {
    uint32_t word = 0;
    for (int64_t k = 0; k < elems; ++k, entry /= levels)
      word |= entry % levels << (places[k % 4] + k / 4 * bits);
    words.push_back(static_cast<Word>(word));
  }
  return words;
}

/// The levels of a quad, a byte each.
Value StoredQuads::getLevels(int64_t k) {
  pack::Grid grid = format.grid->grid;
  int64_t elems = pack::getGridElems(grid), bits = pack::getLevelBits(grid);
  if (canPermute)
    permuteEntries(k / format.subBlock * format.subBlock);
  Value entry = getEntry(k / elems * elems);
  if (k % elems != 0)
    entry = b.shrU(entry, b.constLike(entry, bits));
  Value mask = b.constLike(entry, repeat((int64_t(1) << bits) - 1));
  return toBytes(b, b.bitAnd(entry, mask));
}

/// The number of the entry that begins with element k, as `type`.
Value StoredQuads::emitEntryNumber(int64_t k, Type type) {
  const pack::GridFormat &grid = *format.grid;
  Value number = emitPart(grid.entry, k, type);
  if (grid.entryHigh.bits == 0)
    return number;
  Value high = emitPart(grid.entryHigh, k, type);
  return b.bitOr(number, b.shl(high, b.constLike(high, grid.entry.bits)));
}

/// The table's word of the entry that begins with element k.
Value StoredQuads::getEntry(int64_t k) {
  return once("entry", k, [&] {
    pack::Grid grid = format.grid->grid;
    std::string name = "grid" + std::to_string(static_cast<int>(grid));
    Value table = b.constTable(name, makeTable<uint32_t>(grid, {0, 8, 16, 24}));
    return getIntDot(b.getTarget().isa)
        .gather(b, table, emitEntryNumber(k, b.i32()));
  });
}

/// Makes the words of all entries of the sub-block that begins with element k
/// known, by permutations.
void StoredQuads::permuteEntries(int64_t k) {
  if (known.contains({"entry", k}))
    return;
  pack::Grid grid = format.grid->grid;
  int64_t elems = pack::getGridElems(grid);
  SmallVector<Value> numbers;
  for (int64_t i = k; i < k + format.subBlock; i += 2 * elems) {
    Value first = emitEntryNumber(i, b.i16());
    numbers.push_back(b.concat(first, emitEntryNumber(i + elems, b.i16())));
  }
  SmallVector<Value> words =
      getIntDot(b.getTarget().isa)
          .permute(b, makeTable<uint16_t>(grid, {0, 8, 4, 12}), numbers);
  int64_t lanes = cast<VectorType>(words.front().getType()).getDimSize(0);
  SmallVector<int16_t> shifts;
  for (int64_t lane = 0; lane < lanes; ++lane)
    shifts.push_back(lane % 2 * 4);
  Value shift = b.constVector(b.vec(b.i16(), lanes), ArrayRef<int16_t>(shifts));
  for (Value pair : words)
    for (int64_t half : {0, 1}) {
      SmallVector<int32_t> twice;
      for (int64_t lane = 0; lane < lanes; ++lane)
        twice.push_back(static_cast<int32_t>((half * lanes + lane) / 2));
      Value word = b.shrU(b.shuffle(pair, pair, twice), shift);
      known[{"entry", k}] = b.bitcast(word, b.vec(b.i32(), lanes / 2));
      k += elems;
    }
}

Value StoredQuads::emitPart(const pack::Slice &slice, int64_t k, Type type) {
  return emitSlice(b, layout, slice, k, type,
                   [&](StringRef field, Type type, int64_t k) {
                     return once((field + ".row").str(),
                                 layout.getBitOffset(field, 0, k) / 8,
                                 [&] { return load(field, type, k); });
                   });
}

/// Bit `position` of each byte of a quad, which says whether it is negated.
Value StoredQuads::getSigns(int64_t k, int64_t position) {
  const pack::Slice &sign = format.grid->sign;
  if (sign.unit == 1 && layout.getBitOffset(sign.field, 0, k + 1) / 8 !=
                            layout.getBitOffset(sign.field, 0, k) / 8)
    return getPlane(sign.field, k, position);
  if (sign.bits == 1 && sign.unit > 1)
    return once("sign", k / sign.unit, [&] {
      Value bit = emitPart(sign, k, b.i32());
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
  Value bit = b.constVector(b.vec(b.i8(), lanes), ArrayRef<int8_t>(bits));
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
      Value part = emitPart(format.grid->sign, k + 8 * l, b.i32());
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
