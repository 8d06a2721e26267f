//===- layout-test.cpp - The catalogue: equations and sizes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The equations of docs/layouts.md for every element of a group, and what holds
// of all layouts.
//
//===----------------------------------------------------------------------===//

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "test/pack/LayoutCatalogue.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include <gtest/gtest.h>

namespace modelc::test {
namespace {

using namespace modelc::pack;

class Layouts : public testing::Test {
protected:
  LayoutAttr panel(llvm::StringRef name, int64_t flip = 0) {
    return getPanelLayout(context.get(), context.getType(name), flip);
  }

  /// Compares the field's map with `getBit` on all elements of a group.
  void expectMap(LayoutAttr layout, llvm::StringRef field,
                 llvm::function_ref<int64_t(int64_t n, int64_t k)> getBit) {
    for (int64_t n = 0; n < layout.getRows(); ++n)
      for (int64_t k = 0; k < layout.getK(); ++k)
        ASSERT_EQ(layout.getBitOffset(field, n, k), getBit(n, k))
            << layout.getName().str() << " " << field.str() << " n " << n
            << " k " << k;
  }

  PackContext context;
};

/// Types whose groups of 256 are strips of 64 k, and a strip's bytes. What
/// follows counts from the beginning of a strip, if a field has any.
constexpr std::pair<llvm::StringLiteral, int64_t> kStrips[] = {
    {"q2_K", 320},  {"q3_K", 448},    {"q4_K", 576},
    {"q5_K", 704},  {"q6_K", 832},    {"iq1_s", 192},
    {"iq2_s", 320}, {"iq2_xxs", 256}, {"iq3_xxs", 384},
};

/// Where in the group element k's strip begins, in bits, for a field with one
/// element for `unit` k; takes k to the strip.
int64_t enterStrip(llvm::StringRef type, int64_t unit, int64_t &k) {
  for (auto [name, bytes] : kStrips)
    if (type == name && unit <= 64)
      return std::exchange(k, k % 64) / 64 * bytes * 8;
  return 0;
}

/// Quants of `bits` bits from byte `begin` on.
struct PlaneOfQuants {
  const char *type, *field;
  int64_t begin, bits;
};

constexpr PlaneOfQuants kPlanes[] = {
    {"q4_0", "quants", 0, 4},        {"q4_1", "quants", 0, 4},
    {"q5_0", "quants", 0, 4},        {"q5_0", "quants_high", 512, 1},
    {"q5_1", "quants", 0, 4},        {"q5_1", "quants_high", 512, 1},
    {"q8_0", "quants", 0, 8},        {"q2_K", "quants", 0, 2},
    {"q3_K", "quants", 0, 2},        {"q3_K", "quants_high", 256, 1},
    {"q4_K", "quants", 0, 4},        {"q5_K", "quants", 0, 4},
    {"q5_K", "quants_high", 512, 1}, {"q6_K", "quants", 0, 4},
    {"q6_K", "quants_high", 512, 2}, {"iq4_nl", "quants", 0, 4},
    {"iq4_xs", "quants", 0, 4},      {"tq2_0", "quants", 0, 2},
    {"mxfp4", "quants", 0, 4},       {"nvfp4", "quants", 0, 4},
    {"q1_0", "quants", 0, 1},        {"q2_0", "quants", 0, 2},
    {"iq2_s", "signs", 160, 1},      {"iq3_s", "signs", 1152, 1},
};

TEST_F(Layouts, EquationOfQuants) {
  for (const PlaneOfQuants &plane : kPlanes)
    for (int64_t flip : {0, 0x80})
      expectMap(panel(plane.type, flip), plane.field,
                [&](int64_t n, int64_t k) {
                  int64_t strip = enterStrip(plane.type, 1, k);
                  int64_t quad = k % 32 / 4, bits = plane.bits;
                  int64_t byte = plane.begin + 64 * bits * (k / 32) +
                                 64 * (quad % bits) + 4 * n + k % 4;
                  return strip + 8 * byte + quad / bits * bits;
                });
}

/// Scales of `bytes` bytes for `unit` elements each, from byte `begin` on.
struct RowsOfScales {
  const char *type, *field;
  int64_t begin, bytes, shift, unit;
};

constexpr RowsOfScales kScales[] = {
    {"q4_0", "scale", 512, 2, 0, 32},
    {"q4_1", "scale", 512, 2, 0, 32},
    {"q4_1", "min", 576, 2, 0, 32},
    {"q5_0", "scale", 640, 2, 0, 32},
    {"q5_1", "scale", 640, 2, 0, 32},
    {"q5_1", "min", 704, 2, 0, 32},
    {"q8_0", "scale", 1024, 2, 0, 32},
    {"q2_K", "subscale", 256, 1, 0, 16},
    {"q2_K", "submin", 256, 1, 4, 16},
    {"q2_K", "scale", 1280, 2, 0, 256},
    {"q2_K", "min", 1312, 2, 0, 256},
    {"q3_K", "subscale", 384, 1, 0, 16},
    {"q3_K", "subscale_high", 384, 1, 4, 16},
    {"q3_K", "scale", 1792, 2, 0, 256},
    {"q4_K", "subscale", 512, 1, 0, 32},
    {"q4_K", "subscale_high", 512, 1, 4, 32},
    {"q4_K", "submin", 544, 1, 0, 32},
    {"q4_K", "submin_high", 544, 1, 4, 32},
    {"q4_K", "scale", 2304, 2, 0, 256},
    {"q4_K", "min", 2336, 2, 0, 256},
    {"q5_K", "subscale", 640, 1, 0, 32},
    {"q5_K", "subscale_high", 640, 1, 4, 32},
    {"q5_K", "submin", 672, 1, 0, 32},
    {"q5_K", "submin_high", 672, 1, 4, 32},
    {"q5_K", "scale", 2816, 2, 0, 256},
    {"q5_K", "min", 2848, 2, 0, 256},
    {"q6_K", "subscale", 768, 1, 0, 16},
    {"q6_K", "scale", 3328, 2, 0, 256},
    {"iq4_nl", "scale", 512, 2, 0, 32},
    {"iq4_xs", "subscale", 2048, 1, 0, 32},
    {"iq4_xs", "subscale_high", 2048, 1, 4, 32},
    {"iq4_xs", "scale", 2176, 2, 0, 256},
    {"tq2_0", "scale", 1024, 2, 0, 256},
    {"mxfp4", "scale", 512, 1, 0, 32},
    {"nvfp4", "scale", 512, 1, 0, 16},
    {"q1_0", "scale", 256, 2, 0, 128},
    {"q2_0", "scale", 256, 2, 0, 64},
    {"iq1_s", "scale", 768, 2, 0, 256},
    {"iq2_xxs", "scale", 1024, 2, 0, 256},
    {"iq2_xs", "scale", 1152, 2, 0, 256},
    {"iq2_s", "scale", 1280, 2, 0, 256},
    {"iq3_xxs", "scale", 1536, 2, 0, 256},
    {"iq3_s", "scale", 1728, 2, 0, 256},
    {"tq1_0", "scale", 832, 2, 0, 256},
};

/// Elements of `bits` bits for each `unit`, which fill bytes along k.
struct RowsOfWords {
  const char *type, *field;
  int64_t begin, bits, unit;
};

constexpr RowsOfWords kWords[] = {
    {"iq1_s", "grid", 0, 8, 8},          {"iq1_s", "mixed", 128, 16, 32},
    {"iq1_m", "grid", 0, 8, 8},          {"iq1_m", "grid_high", 512, 4, 8},
    {"iq1_m", "mixed", 768, 16, 64},     {"iq2_xxs", "grid", 0, 8, 8},
    {"iq2_xxs", "mixed", 128, 32, 32},   {"iq2_xs", "grid", 0, 16, 8},
    {"iq2_xs", "subscale", 1024, 4, 16}, {"iq2_s", "grid", 0, 8, 8},
    {"iq2_s", "grid_high", 128, 2, 8},   {"iq2_s", "subscale", 288, 4, 16},
    {"iq3_xxs", "grid", 0, 8, 4},        {"iq3_xxs", "mixed", 256, 32, 32},
    {"iq3_s", "grid", 0, 8, 4},          {"iq3_s", "grid_high", 1024, 1, 4},
    {"iq3_s", "subscale", 1664, 4, 32},
};

TEST_F(Layouts, EquationOfWords) {
  for (const RowsOfWords &row : kWords)
    expectMap(panel(row.type), row.field, [&](int64_t n, int64_t k) {
      int64_t strip = enterStrip(row.type, row.unit, k);
      int64_t element = k / row.unit;
      if (row.bits >= 8)
        return strip + 8 * row.begin + row.bits * (16 * element + n);
      int64_t sharers = 8 / row.bits;
      return strip + 8 * (row.begin + 16 * (element / sharers) + n) +
             element % sharers * row.bits;
    });
}

/// Bytes that stay whole, from byte `begin` on; one for each `unit`.
struct QuadsOfTrits {
  const char *field;
  int64_t begin, unit;
};

constexpr QuadsOfTrits kTrits[] = {
    {"trits_32", 0, 8}, {"trits_16", 512, 16}, {"trits_4", 768, 64}};

TEST_F(Layouts, EquationOfTrits) {
  for (const QuadsOfTrits &quads : kTrits)
    expectMap(panel("tq1_0"), quads.field, [&](int64_t n, int64_t k) {
      int64_t j = k / quads.unit;
      return 8 * (quads.begin + 64 * (j / 4) + 4 * n + j % 4);
    });
}

TEST_F(Layouts, EquationOfScales) {
  for (const RowsOfScales &row : kScales)
    for (int64_t flip : {0, 0x80})
      expectMap(panel(row.type, flip), row.field, [&](int64_t n, int64_t k) {
        int64_t strip = enterStrip(row.type, row.unit, k);
        int64_t byte = row.begin + row.bytes * (16 * (k / row.unit) + n);
        return strip + 8 * byte + row.shift;
      });
}

TEST_F(Layouts, EveryFieldOfAPanelHasAnEquation) {
  llvm::StringSet<> known;
  for (const PlaneOfQuants &plane : kPlanes)
    known.insert(std::string(plane.type) + " " + plane.field);
  for (const RowsOfScales &row : kScales)
    known.insert(std::string(row.type) + " " + row.field);
  for (const RowsOfWords &row : kWords)
    known.insert(std::string(row.type) + " " + row.field);
  for (const QuadsOfTrits &quads : kTrits)
    known.insert(std::string("tq1_0 ") + quads.field);
  size_t found = 0;
  for (mlir::Type type : getPanelTypes(context)) {
    model::GgmlType ggml = *model::getGgmlType(type);
    if (!getBlockFormat(ggml))
      continue;
    std::string name = model::getGgmlTypeInfo(ggml).name.str();
    LayoutAttr layout = panel(name);
    for (auto field : layout.getFields().getAsRange<FieldAttr>()) {
      EXPECT_TRUE(known.contains(name + " " + field.getName().str()))
          << name << " " << field.getName().str();
      ++found;
    }
  }
  EXPECT_EQ(found, known.size());
}

/// Fields of panels for GPUs, begun and repeated like those of other panels:
/// `words` of a row's words of four quants side by side.
struct LaneWords {
  const char *type, *field;
  int64_t begin, bits, stripBytes, words;
};

TEST_F(Layouts, LanePanelEquation) {
  for (const LaneWords &lanes : {LaneWords{"q4_0", "quants", 0, 4, 512, 4},
                                 {"q8_0", "quants", 0, 8, 1024, 4},
                                 {"q2_0", "quants", 0, 2, 256, 4},
                                 {"q1_0", "quants", 0, 1, 128, 2},
                                 {"q4_K", "quants", 0, 4, 576, 4},
                                 {"q5_K", "quants", 0, 4, 704, 4},
                                 {"q5_K", "quants_high", 512, 1, 704, 2},
                                 {"q6_K", "quants_high", 512, 2, 832, 4}}) {
    LayoutAttr layout =
        getLanePanelLayout(context.get(), context.getType(lanes.type));
    expectMap(layout, lanes.field, [&](int64_t n, int64_t k) {
      int64_t q = k % 32 / 4, c = lanes.words, b = lanes.bits;
      int64_t v = k % 64 / 32 * b + q % b;
      int64_t byte = lanes.begin + k / 64 * lanes.stripBytes +
                     64 * c * (v / c) + 4 * c * n + 4 * (v % c) + k % 4;
      return 8 * byte + q / b * b;
    });
  }
  // Trits: byte j of a row, which its elements are numbered by.
  LayoutAttr trits =
      getLanePanelLayout(context.get(), context.getType("tq1_0"));
  for (int64_t j = 0; j < 32; ++j)
    for (int64_t n = 0; n < 16; ++n)
      EXPECT_EQ(trits.getByteOffset("trits_32", n, 8 * j),
                256 * (j / 16) + 16 * n + j % 16);
  // Floats have none.
  EXPECT_EQ(getLanePanelLayout(context.get(), context.getType("f16")),
            panel("f16"));
}

/// Groups fill cache lines of 128 bytes where that costs nothing, and lanes
/// load from multiples of 16.
TEST_F(Layouts, LanePanelsAreAligned) {
  int64_t whole = 0;
  for (mlir::Type type : getPanelTypes(context)) {
    LayoutAttr layout = getLanePanelLayout(context.get(), type);
    if (!getBlockFormat(*model::getGgmlType(type)))
      continue;
    EXPECT_EQ(layout.getAlign() % 32, 0) << layout.getName().str();
    whole += layout.getAlign() == 128;
    for (llvm::StringRef field : {kQuants, kQuantsHigh, kSigns, kTrits32})
      if (layout.getField(field)) {
        EXPECT_EQ(layout.getByteOffset(field, 0, 0) % 16, 0)
            << layout.getName().str() << " " << field.str();
      }
  }
  EXPECT_EQ(whole, 8);
}

TEST_F(Layouts, FloatPanelEquation) {
  expectMap(panel("f32"), kValues,
            [](int64_t n, int64_t k) { return 8 * (k * 64 + n * 4); });
  for (const char *name : {"f16", "bf16"})
    expectMap(panel(name), kValues,
              [](int64_t n, int64_t k) { return 8 * (k * 32 + n * 2); });
}

TEST_F(Layouts, GroupsFollowAlongKThenAlongRows) {
  LayoutAttr layout = panel("q8_0");
  EXPECT_EQ(layout.getGroupsPerPanel(128), 2);
  EXPECT_EQ(layout.getGroupsPerPanel(160), 3);
  EXPECT_EQ(layout.getPanelOffset(16, 160), 3 * 1088);
  EXPECT_EQ(layout.getPanelOffset(47, 160), 2 * 3 * 1088);
  // Offsets inside a group repeat with it.
  EXPECT_EQ(layout.getByteOffset(kQuants, 17, 70), 64 + 4 + 2);
}

TEST_F(Layouts, PackedBytes) {
  EXPECT_EQ(panel("q8_0").getPackedBytes({16, 64}), 1088u);
  EXPECT_EQ(panel("q8_0").getPackedBytes({17, 64}), 2 * 1088u);
  EXPECT_EQ(panel("q8_0").getPackedBytes({16, 96}), 2 * 1088u);
  EXPECT_EQ(panel("q4_0").getPackedBytes({32, 256}), 2 * 4 * 576u);
  // A vector is one row of a panel.
  EXPECT_EQ(panel("f32").getPackedBytes({5}), 5 * 64u);
  EXPECT_EQ(panel("f16").getPackedBytes({5}), 3 * 64u);
  // Experts start on pages.
  EXPECT_EQ(panel("q8_0").getPackedBytes({3, 16, 64}), 3 * 4096u);
  EXPECT_EQ(panel("q8_0").getPackedBytes({2, 64, 64}), 2 * 8192u);
  EXPECT_EQ(panel("q8_0").getMatrixStride(64, 64), 8192u);
}

TEST_F(Layouts, PackedSizeIsWithin5PercentOfTheSource) {
  for (mlir::Type type : getPanelTypes(context))
    for (LayoutAttr target : getTargets(context, type))
      for (int64_t N : {32, 96, 4096})
        for (int64_t K : {256, 768, 2048}) {
          LayoutAttr source = getMappedLayout(context.get(), type);
          EXPECT_LE(target.getPackedBytes({N, K}) * 100,
                    source.getPackedBytes({N, K}) * 105)
              << target.getName().str() << " " << N << " x " << K;
        }
}

TEST_F(Layouts, QuantOffsets) {
  EXPECT_EQ(getQuantOffset(panel("q4_0")), 8);
  EXPECT_EQ(getQuantOffset(panel("q8_0")), 0);
  EXPECT_EQ(getQuantOffset(panel("q8_0", 0x80)), 128);
  EXPECT_EQ(getQuantOffset(panel("q5_0")), 16);
  EXPECT_EQ(getQuantOffset(panel("iq4_xs")), 127);
  EXPECT_EQ(getLargestUnsignedQuant(panel("q4_0")), 15);
  EXPECT_EQ(getLargestUnsignedQuant(panel("q6_K")), 63);
  EXPECT_EQ(getLargestUnsignedQuant(panel("q3_K")), 7);
  EXPECT_EQ(getLargestUnsignedQuant(panel("iq4_nl")), 240);
  EXPECT_EQ(getQuantOffset(panel("iq2_s")), 43);
  EXPECT_EQ(getLargestUnsignedQuant(panel("iq1_s")), 18);
  EXPECT_EQ(getLargestUnsignedQuant(panel("iq2_xs")), 86);
  EXPECT_EQ(getLargestUnsignedQuant(panel("iq3_xxs")), 124);
  EXPECT_EQ(getLargestUnsignedQuant(panel("tq1_0")), 3);
  EXPECT_EQ(getStartField(128, 32), "start128x32");
  EXPECT_EQ(getSumField(16), "sum16");
}

TEST_F(Layouts, OperandProducts) {
  OperandProducts q2 = getOperandProducts(panel("q2_K"));
  EXPECT_EQ(q2.least, 0);
  EXPECT_EQ(q2.largest, 3 * 15);
  EXPECT_FALSE(q2.isNegated);
  OperandProducts q3 = getOperandProducts(panel("q3_K"));
  EXPECT_EQ(q3.least, -(-4 * -32));
  EXPECT_EQ(q3.largest, -(-4 * 31));
  EXPECT_TRUE(q3.isNegated);

  for (const char *type : {"q2_K", "q3_K"}) {
    EXPECT_TRUE(holdsProducts(getImageLayout(panel(type))));
    EXPECT_FALSE(holdsProducts(getImageLayout(panel(type), 4, true)));
    EXPECT_FALSE(holdsProducts(panel(type)));
  }
  EXPECT_FALSE(holdsProducts(getImageLayout(panel("q6_K"))));
}

/// In a release build of MLIR nothing verifies attributes that code makes.
TEST_F(Layouts, AllPassTheirVerifier) {
  mlir::Location here = mlir::UnknownLoc::get(context.get());
  for (LayoutAttr layout : getCatalogue(context)) {
    auto emitError = [&] { return mlir::emitError(here); };
    for (auto field : layout.getFields().getAsRange<FieldAttr>())
      EXPECT_TRUE(succeeded(
          FieldAttr::verify(emitError, field.getName(), field.getBits(),
                            field.getUnit(), field.getFlip(), field.getMap())));
    EXPECT_TRUE(succeeded(
        LayoutAttr::verify(emitError, layout.getName(), layout.getSource(),
                           layout.getRows(), layout.getK(), layout.getBytes(),
                           layout.getAlign(), layout.getFields())));
  }
}

TEST_F(Layouts, NamesAreDistinctAndTextRoundTrips) {
  llvm::StringSet<> names;
  for (LayoutAttr layout : getCatalogue(context)) {
    EXPECT_TRUE(names.insert(layout.getName()).second)
        << layout.getName().str();
    std::string text;
    llvm::raw_string_ostream(text) << layout;
    EXPECT_EQ(mlir::parseAttribute(text, context.get()), layout) << text;
  }
}

/// Every bit of a source has one name, or packing would lose it.
TEST_F(Layouts, MappedLayoutsNameEveryBitOnce) {
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    mlir::Type type = model::getElementType(context.get(), info.type);
    LayoutAttr layout =
        type ? getMappedLayout(context.get(), type) : LayoutAttr();
    if (!layout)
      continue;
    std::vector<int> names(layout.getBytes() * 8);
    for (auto field : layout.getFields().getAsRange<FieldAttr>())
      for (int64_t k = 0; k < layout.getK(); k += field.getUnit()) {
        int64_t begin = layout.getBitOffset(field.getName(), 0, k);
        for (int64_t i = 0; i < field.getBits(); ++i)
          ++names.at(begin + i);
      }
    EXPECT_EQ(llvm::count(names, 1), layout.getBytes() * 8)
        << layout.getName().str();
  }
}

TEST_F(Layouts, EveryBlockFormatHasLayoutsAndTheOtherWayRound) {
  int64_t formats = 0;
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    mlir::Type type = model::getElementType(context.get(), info.type);
    bool hasFormat = getBlockFormat(info.type) != nullptr;
    formats += hasFormat;
    bool isBlock = info.kind == model::GgmlKind::Block;
    EXPECT_EQ(hasFormat,
              isBlock && type && getPanelLayout(context.get(), type, 0))
        << info.name.str();
    if (!hasFormat)
      continue;
    // One that is known needs no more than the fields that there are.
    LayoutAttr layout = getMappedLayout(context.get(), type);
    EXPECT_EQ(getBlockFormat(info.type)->min != MinKind::None,
              bool(layout.getField(kMin)))
        << info.name.str();
    EXPECT_EQ(getBlockFormat(info.type)->min == MinKind::Subtracted,
              bool(layout.getField(kSubmin)))
        << info.name.str();
  }
  EXPECT_EQ(formats, 25);
}

/// Kernels look entries up by numbers as a file has them, without a check.
TEST_F(Layouts, EveryEntryNumberIsInItsGrid) {
  int64_t grids = 0;
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    const BlockFormat *format = getBlockFormat(info.type);
    if (!format || !format->grid)
      continue;
    ++grids;
    const GridFormat &grid = *format->grid;
    std::vector<uint32_t> entries = getGridEntries(grid.grid);
    EXPECT_EQ(int64_t(entries.size()),
              int64_t(1) << (grid.entry.bits + grid.entryHigh.bits))
        << info.name.str();
    EXPECT_TRUE(llvm::is_sorted(entries)) << info.name.str();
    uint32_t end = 1;
    for (int64_t i = 0; i < getGridElems(grid.grid); ++i)
      end *= getGridLevels(grid.grid);
    EXPECT_LT(entries.back(), end) << info.name.str();
    // A level, and above it the sign.
    EXPECT_EQ(int64_t(format->codebook.size()), 2 << getLevelBits(grid.grid))
        << info.name.str();
  }
  EXPECT_EQ(grids, 7);
}

TEST_F(Layouts, EveryElementHasATrit) {
  const BlockFormat &format = *getBlockFormat(model::GgmlType::TQ1_0);
  int64_t next = 0;
  for (const TritRun &run : format.trits) {
    EXPECT_EQ(run.begin, next);
    EXPECT_EQ(&getTritRun(format, next), &run);
    next += run.bytes * run.trits;
    // Quads do not straddle runs, and a field has a byte for each of them.
    EXPECT_EQ(run.bytes % 4, 0);
    EXPECT_EQ(256 / panel("tq1_0").getField(run.field).getUnit(), run.bytes);
  }
  EXPECT_EQ(next, 256);
}

TEST_F(Layouts, ActivationNeedsAreReadBack) {
  for (const ActivationNeeds &needs :
       {ActivationNeeds{}, kDrawnNeeds,
        ActivationNeeds{{{127, 32}, {8, 32}, {8, 16}}, {32, 16}}}) {
    std::optional<ActivationNeeds> held =
        getHeldNeeds(getQuantizedActivationLayout(context.get(), 4, needs));
    ASSERT_TRUE(held);
    EXPECT_EQ(held->starts, needs.starts);
    EXPECT_EQ(held->sums, needs.sums);
  }
  EXPECT_FALSE(getHeldNeeds(getFloatActivationLayout(context.get(), 4)));
}

TEST_F(Layouts, WhatMatmulsNeedOfActivations) {
  using Starts = std::set<std::pair<int64_t, int64_t>>;
  struct Case {
    const char *type;
    Starts starts;
    std::set<int64_t> sums;
  };
  for (const Case &c : {Case{"q4_0", {{8, 32}}, {}},
                        {"q4_1", {}, {32}},
                        {"q8_0", {}, {}},
                        {"q2_K", {}, {16}},
                        {"q3_K", {{4, 16}, {128, 32}}, {}},
                        {"q4_K", {}, {32}},
                        {"q6_K", {{32, 16}}, {}},
                        {"iq4_nl", {{127, 32}}, {}},
                        {"mxfp4", {{12, 32}}, {}},
                        {"nvfp4", {{12, 16}}, {}},
                        {"q1_0", {{1, 32}}, {}},
                        {"iq1_m", {{9, 16}}, {}},
                        {"iq2_xxs", {{43, 32}}, {}},
                        {"iq3_xxs", {{62, 32}}, {}},
                        {"iq3_s", {{15, 32}}, {}},
                        {"tq1_0", {{1, 32}}, {}}}) {
    ActivationNeeds needs = getActivationNeeds(panel(c.type));
    EXPECT_EQ(needs.starts, c.starts) << c.type;
    EXPECT_EQ(needs.sums, c.sums) << c.type;
  }
}

TEST_F(Layouts, MappedLayoutsHaveTheBlocksOfGgml) {
  for (const model::GgmlTypeInfo &info : model::getGgmlTypes()) {
    mlir::Type type = model::getElementType(context.get(), info.type);
    LayoutAttr layout =
        type ? getMappedLayout(context.get(), type) : LayoutAttr();
    if (!layout)
      continue;
    EXPECT_EQ(layout.getName().getValue(), "mapped." + info.name.str());
    EXPECT_EQ(layout.getRows(), 1);
    EXPECT_EQ(layout.getK(), info.blockElems) << info.name.str();
    EXPECT_EQ(layout.getBytes(), info.blockBytes) << info.name.str();
  }
}

} // namespace
} // namespace modelc::test
