//===- PanelLayouts.cpp - Layouts of panels of sixteen rows
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Groups of block types are cut into strips of 64 elements of k. A strip holds
// quants or what stands for them, then for each sub-block the sixteen rows'
// scales; behind the strips come scales of the whole group. So a kernel reads
// a group from front to back.
//
// Quads of a row, words of 32 bits, lie 64 bytes apart, so that a vector has
// one of each row; or, in panels for GPUs, up to four of them side by side, so
// that each of sixteen lanes loads 16 bytes of its own.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/LayoutBuilder.h"
#include "dialects/pack/Layouts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::pack;
using model::GgmlType;

static constexpr int64_t kVectorBits = 512;

/// Elements of k of a strip: two blocks of activations, what a turn of a
/// kernel's loop takes.
static constexpr int64_t kStripElems = 64;

/// The same of an image: as many as two activation blocks, like the smallest
/// groups of panels.
static constexpr int64_t kImageK = 64;

/// Sub-blocks in a group of a widened image.
static constexpr int64_t kWidenedSubBlocks = 2;

/// `first`, if it is not null, and the other terms, added from left to right.
static AffineExpr sum(AffineExpr first, ArrayRef<AffineExpr> terms) {
  for (AffineExpr term : terms)
    first = first ? first + term : term;
  return first;
}

/// Where byte j % 4 of word `word` of row n lies, `width` words of a row being
/// side by side: chunk `chunk` has words of that number.
static AffineExpr getWordByte(const LayoutBuilder &b, AffineExpr first,
                              AffineExpr chunk, AffineExpr word, AffineExpr j,
                              int64_t width) {
  return sum(first, {chunk * (width * kVectorBits), b.n * (width * 32),
                     word * 32, (j % 4) * 8});
}

/// Where quants of `bits` bits lie: every 32 k are `bits` words of each row,
/// whose byte i belongs to elements i of 8 / bits quads: quad q lies in word
/// q % bits, at bit (q / bits) * bits. `j` is the element, counted from what
/// `first` gives; `width` words of a row lie side by side.
static AffineExpr getPlane(const LayoutBuilder &b, AffineExpr first,
                           AffineExpr j, int64_t bits, int64_t begin,
                           int64_t width = 1) {
  AffineExpr block = j.floorDiv(32), quad = (j % 32).floorDiv(4);
  AffineExpr chunk = block * std::max<int64_t>(1, bits / width), word;
  if (bits >= width) { // Both are powers of two.
    chunk = chunk + (quad % bits).floorDiv(width);
    word = quad % width;
  } else {
    chunk = j.floorDiv(32 * (width / bits));
    word = (block % (width / bits)) * bits + quad % bits;
  }
  return getWordByte(b, first, chunk, word, j, width) +
         quad.floorDiv(bits) * bits + begin;
}

namespace {

/// Lays the fields of a source layout behind one another, in every strip of
/// `strip` elements, whose bits are `stripBits`; 0 if that is still to be
/// found out. Up to `width` words of a row's quads lie side by side.
class PanelBuilder {
public:
  PanelBuilder(LayoutBuilder &b, LayoutAttr source, int64_t width,
               int64_t strip, int64_t stripBits)
      : b(b), source(source), width(width), strip(strip), stripBits(stripBits) {
  }

  /// From here on, fields are those of the whole group of `k` elements.
  void finishStrips(int64_t k) {
    bit *= k / strip;
    strip = k;
    stripBits = 0;
  }

  void addQuants(StringRef name, int64_t flip = 0) {
    FieldAttr field = source.getField(name);
    if (!field)
      return;
    b.add(name, field.getBits(), 1,
          getPlane(b, getStrip(1), getElement(1), field.getBits(), bit,
                   std::min(width, strip / 32 * field.getBits())),
          flip);
    bit += field.getBits() * strip * kPanelRows;
  }

  /// Bytes that hold elements of several quads, four to a word of each row.
  void addTrits(StringRef name) {
    FieldAttr field = source.getField(name);
    if (!field)
      return;
    int64_t words = std::min(width, strip / field.getUnit() / 4);
    AffineExpr word = b.j.floorDiv(4);
    b.add(name, 8, field.getUnit(),
          getWordByte(b, {}, word.floorDiv(words), word % words, b.j, words) +
              bit);
    bit += 8 * kPanelRows * (strip / field.getUnit());
  }

  /// Words of sixteen rows, one behind the other, for each element. Elements
  /// of less than a byte share one with those that follow them along k.
  void addWords(StringRef name) {
    FieldAttr field = source.getField(name);
    if (!field)
      return;
    int64_t bits = field.getBits(), stored = std::max<int64_t>(8, bits);
    int64_t sharers = stored / bits, unit = field.getUnit();
    AffineExpr j = getElement(unit);
    b.add(name, bits, unit,
          sum(getStrip(unit), {j.floorDiv(sharers) * (stored * kPanelRows),
                               b.n * stored, (j % sharers) * bits}) +
              bit);
    bit += bits * kPanelRows * (strip / unit);
  }

  /// The same, but each element has whole bytes. A second field, if the source
  /// has it, takes the bits above the first's: both share a byte.
  void addScales(StringRef name, StringRef second = {}) {
    FieldAttr field = source.getField(name);
    if (!field)
      return;
    int64_t stored = std::max<int64_t>(8, field.getBits());
    int64_t unit = field.getUnit();
    AffineExpr place =
        sum(getStrip(unit),
            {getElement(unit) * (stored * kPanelRows), b.n * stored}) +
        bit;
    b.add(name, field.getBits(), unit, place);
    if (FieldAttr high = second.empty() ? FieldAttr() : source.getField(second))
      b.add(second, high.getBits(), high.getUnit(), place + field.getBits());
    bit += stored * kPanelRows * (strip / unit);
  }

  int64_t getBytes() const { return bit / 8; }

private:
  /// The first bit of the strip in which element j lies, of those that stand
  /// for `unit` elements of k; null if there is but one strip.
  AffineExpr getStrip(int64_t unit) const {
    if (stripBits == 0)
      return {};
    return b.j.floorDiv(strip / unit) * stripBits;
  }
  /// The number of element j in its strip.
  AffineExpr getElement(int64_t unit) const {
    return getStrip(unit) ? b.j % (strip / unit) : b.j;
  }

  LayoutBuilder &b;
  LayoutAttr source;
  int64_t width;
  int64_t strip;
  int64_t stripBits;
  int64_t bit = 0;
};

} // namespace

/// [k][16 rows], as many k as fill 64 bytes.
static LayoutAttr getFloatPanel(MLIRContext *context, Type type,
                                const model::GgmlTypeInfo &info) {
  int64_t bits = info.blockBytes * 8, k = kVectorBits / (kPanelRows * bits);
  LayoutBuilder b(context, type, kPanelRows, k);
  b.add(kValues, bits, 1, b.j * (kPanelRows * bits) + b.n * bits);
  return b.finish(info.name + ".n16k" + Twine(k), kVectorBits / 8,
                  kVectorBits / 8);
}

LayoutAttr pack::getPairPanelLayout(MLIRContext *context) {
  constexpr int64_t kBits = 16;
  LayoutBuilder b(context, BFloat16Type::get(context), kPanelRows,
                  kActivationBlock);
  b.add(kValues, kBits, 1,
        b.j.floorDiv(2) * kVectorBits + b.n * (2 * kBits) + (b.j % 2) * kBits);
  return b.finish("bf16.n16k32.pairs",
                  kPanelRows * kActivationBlock * kBits / 8, kVectorBits / 8);
}

bool pack::hasPairs(LayoutAttr panel) {
  return panel.getRows() == kPanelRows && panel.getField(kValues) &&
         panel.getK() > 1 &&
         panel.getByteOffset(kValues, 0, 1) ==
             panel.getByteOffset(kValues, 0, 0) + 2 &&
         panel.getByteOffset(kValues, 1, 0) ==
             panel.getByteOffset(kValues, 0, 0) + 4;
}

/// Behind the operands of so many rows, whose field `b` has, the floats of an
/// image.
static LayoutAttr finishImage(LayoutBuilder &b, const BlockFormat &format,
                              int64_t rows, std::string suffix,
                              bool keepsSubscales, int64_t align) {
  int64_t bit = 8 * kImageK * rows;
  auto addFloats = [&](StringRef name, int64_t unit) {
    b.add(name, 32, unit, b.j * (rows * 32) + b.n * 32 + bit);
    bit += kImageK / unit * rows * 32;
  };
  if (format.joinsSubBlocks && keepsSubscales) {
    addFloats(kBlockSubscale, format.subBlock);
    suffix += ".subscales";
  }
  addFloats(kBlockScale, format.getSumLength());
  if (format.min != MinKind::None)
    addFloats(kBlockMin, format.subBlock);
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(format.type);
  return b.finish("image." + info.name + ".n" + Twine(rows) + "k" +
                      Twine(kImageK) + suffix,
                  bit / 8, align);
}

LayoutAttr pack::getOuterImageLayout(LayoutAttr panel) {
  constexpr int64_t kRows = kOuterPanels * kPanelRows;
  LayoutBuilder b(panel.getContext(), panel.getSource(), kRows, kImageK);
  b.add(kOperand, 8, 1,
        b.j.floorDiv(2) * (kRows * 16) + b.n * 16 + (b.j % 2) * 8);
  return finishImage(b, getBlockFormat(panel), kRows, "o2",
                     /*keepsSubscales=*/false, kRegisterPairBytes);
}

LayoutAttr pack::getImageLayout(LayoutAttr panel, int64_t operandK,
                                bool keepsSubscales) {
  LayoutBuilder b(panel.getContext(), panel.getSource(), kPanelRows, kImageK);
  std::string suffix;
  if (operandK == 4) {
    b.add(kOperand, 8, 1, getPlane(b, {}, b.j, 8, 0));
  } else {
    int64_t rowBits = 8 * operandK;
    b.add(kOperand, 8, 1,
          b.j.floorDiv(operandK) * (kPanelRows * rowBits) + b.n * rowBits +
              (b.j % operandK) * 8);
    suffix = "o" + std::to_string(operandK);
  }
  return finishImage(b, getBlockFormat(panel), kPanelRows, suffix,
                     keepsSubscales, /*align=*/64);
}

LayoutAttr pack::getWidenedImageLayout(LayoutAttr panel) {
  const BlockFormat &format = getBlockFormat(panel);
  int64_t k = kWidenedSubBlocks * format.subBlock;
  LayoutBuilder b(panel.getContext(), panel.getSource(), kPanelRows, k);
  b.add(kOperand, 16, 1,
        b.j.floorDiv(4) * (2 * kVectorBits) + (b.j % 2) * kVectorBits +
            b.n * 32 + (b.j % 4).floorDiv(2) * 16);
  int64_t bit = 16 * k * kPanelRows;
  auto addFloats = [&](StringRef name) {
    b.add(name, 32, format.subBlock, b.j * kVectorBits + b.n * 32 + bit);
    bit += kWidenedSubBlocks * kVectorBits;
  };
  addFloats(kBlockScale);
  if (format.min != MinKind::None)
    addFloats(kBlockMin);
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(format.type);
  return b.finish("image." + info.name + ".n16k" + Twine(k) + ".pairs", bit / 8,
                  64);
}

bool pack::canWiden(ArrayRef<LayoutAttr> panels, int64_t columns) {
  return columns % (kWidenedSubBlocks * kActivationBlock) == 0 &&
         llvm::all_of(panels, [](LayoutAttr panel) {
           return getBlockFormat(panel).subBlock == kActivationBlock;
         });
}

/// Fields that belong to fewer elements than a strip has.
static void addStripFields(PanelBuilder &panel, const BlockFormat &format,
                           int64_t flip) {
  panel.addQuants(kQuants, flip);
  panel.addQuants(kQuantsHigh);
  for (StringRef field : {kTrits32, kTrits16, kTrits4})
    panel.addTrits(field);
  for (StringRef field : {kGrid, kGridHigh})
    panel.addWords(field);
  panel.addQuants(kSigns);
  panel.addWords(kMixed);
  // Q2_K keeps a scale and a minimum in one byte, and so does the panel; with
  // a grid, a byte for each subscale would be too much.
  bool sharesBytes = format.type == GgmlType::Q2_K;
  if (format.grid)
    panel.addWords(kSubscale);
  else
    panel.addScales(kSubscale, sharesBytes ? kSubmin : kSubscaleHigh);
  if (!sharesBytes)
    panel.addScales(kSubmin, kSubminHigh);
}

/// A builder for a group of `k` elements, in strips if their fields fill whole
/// vectors then.
static PanelBuilder makePanelBuilder(LayoutBuilder &b, LayoutAttr source,
                                     const BlockFormat &format, int64_t k,
                                     int64_t width) {
  PanelBuilder whole(b, source, width, k, /*stripBits=*/0);
  // A byte of trits has elements all over the group.
  if (k == kStripElems || format.getQuantKind() == QuantKind::Trits)
    return whole;
  LayoutBuilder scratch(source.getContext(), source.getSource(), kPanelRows, k);
  PanelBuilder panel(scratch, source, width, kStripElems, /*stripBits=*/0);
  addStripFields(panel, format, /*flip=*/0);
  int64_t stripBits = panel.getBytes() * 8;
  if (stripBits % kVectorBits != 0)
    return whole;
  return PanelBuilder(b, source, width, kStripElems, stripBits);
}

/// The format of a block type that has panels, or null.
static const BlockFormat *getPanelFormat(MLIRContext *context, Type type) {
  std::optional<GgmlType> ggml = model::getGgmlType(type);
  bool isBlock =
      ggml && model::getGgmlTypeInfo(*ggml).kind == model::GgmlKind::Block;
  return isBlock && getMappedLayout(context, type) ? getBlockFormat(*ggml)
                                                   : nullptr;
}

/// A panel in groups of at least `leastK` elements that lie on multiples of
/// `align` bytes where that costs nothing.
static LayoutAttr getBlockPanel(MLIRContext *context, Type elementType,
                                const BlockFormat &format, int64_t flip,
                                int64_t leastK, int64_t width, int64_t align,
                                StringRef suffix) {
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(format.type);
  LayoutAttr source = getMappedLayout(context, elementType);
  int64_t k = std::max<int64_t>(leastK, info.blockElems);
  LayoutBuilder b(context, elementType, kPanelRows, k);
  PanelBuilder panel = makePanelBuilder(b, source, format, k, width);
  addStripFields(panel, format, flip);
  panel.finishStrips(k);
  panel.addScales(kScale);
  panel.addScales(kMin);
  constexpr int64_t kLeastAlign = 32;
  while (align > kLeastAlign && panel.getBytes() % align != 0)
    align /= 2;
  return b.finish(info.name + ".n16k" + Twine(k) + suffix,
                  llvm::alignTo(panel.getBytes(), align), align);
}

LayoutAttr pack::getPanelLayout(MLIRContext *context, Type elementType,
                                int64_t flip) {
  std::optional<GgmlType> type = model::getGgmlType(elementType);
  if (type == GgmlType::F32 || type == GgmlType::F16 || type == GgmlType::BF16)
    return getFloatPanel(context, elementType, model::getGgmlTypeInfo(*type));
  const BlockFormat *format = getPanelFormat(context, elementType);
  if (!format)
    return {};
  // Only signed bytes are flipped: other quants are unsigned as they are.
  FieldAttr quants = getMappedLayout(context, elementType).getField(kQuants);
  bool isFlipped = flip != 0 && quants && quants.getBits() == 8;
  // Two blocks of 32 make the scales of a group a whole vector.
  return getBlockPanel(context, elementType, *format, isFlipped ? flip : 0,
                       kStripElems, /*width=*/1, /*align=*/64,
                       isFlipped ? "u" : "");
}

LayoutAttr pack::getLanePanelLayout(MLIRContext *context, Type elementType) {
  const BlockFormat *format = getPanelFormat(context, elementType);
  if (!format)
    return getPanelLayout(context, elementType, /*flip=*/0);
  // A cache line of AMD's GPUs is 128 bytes, and 128 elements of most types
  // fill whole ones.
  return getBlockPanel(context, elementType, *format, /*flip=*/0,
                       /*leastK=*/128, /*width=*/4, /*align=*/128, ".lanes");
}
