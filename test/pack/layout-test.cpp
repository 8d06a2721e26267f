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

TEST_F(Layouts, Q8_0PanelEquation) {
  for (LayoutAttr layout : {panel("q8_0"), panel("q8_0", 0x80)}) {
    expectMap(layout, kQuants, [](int64_t n, int64_t k) {
      return 8 * (k / 4 * 64 + n * 4 + k % 4);
    });
    expectMap(layout, kScale, [](int64_t n, int64_t k) {
      return 8 * (1024 + k / 32 * 32 + n * 2);
    });
  }
}

TEST_F(Layouts, Q4_0PanelEquation) {
  expectMap(panel("q4_0"), kQuants, [](int64_t n, int64_t k) {
    int64_t byte = k / 32 * 256 + k % 16 / 4 * 64 + n * 4 + k % 4;
    return 8 * byte + (k % 32 < 16 ? 0 : 4);
  });
  expectMap(panel("q4_0"), kScale, [](int64_t n, int64_t k) {
    return 8 * (512 + k / 32 * 32 + n * 2);
  });
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
  EXPECT_EQ(getStartField(128), "start128");
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

/// Every element of a source is named, or packing would lose bits.
TEST_F(Layouts, MappedLayoutsNameEveryBit) {
  for (mlir::Type type : getPanelTypes(context)) {
    LayoutAttr layout = getMappedLayout(context.get(), type);
    int64_t bits = 0;
    for (auto field : layout.getFields().getAsRange<FieldAttr>())
      bits += field.getBits() * layout.getK() / field.getUnit();
    EXPECT_EQ(bits, layout.getBytes() * 8) << layout.getName().str();
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
