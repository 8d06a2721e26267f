//===- layout-pictures-test.cpp - Every layout as literal bytes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers in, rows of bytes out: LayoutPicture.h says how to read them.
//
//===----------------------------------------------------------------------===//

#include "test/pack/LayoutCatalogue.h"
#include "test/pack/LayoutPicture.h"
#include "llvm/Support/FormatVariadic.h"
#include <gtest/gtest.h>

namespace modelc::test {
namespace {

using namespace modelc::pack;

class LayoutPictures : public testing::Test {
protected:
  mlir::Type type(llvm::StringRef name) { return context.getType(name); }
  LayoutAttr mapped(llvm::StringRef name) {
    return getMappedLayout(context.get(), type(name));
  }
  LayoutAttr panel(llvm::StringRef name, int64_t flip = 0) {
    return getPanelLayout(context.get(), type(name), flip);
  }

  PackContext context;
};

TEST_F(LayoutPictures, MappedFloatsAreRows) {
  EXPECT_EQ(drawBytes(mapped("f16"), 2, 3, 6), "00 a0 01 a0 02 a0\n"
                                               "03 a0 04 a0 05 a0\n");
}

TEST_F(LayoutPictures, MappedQ8_0IsAScaleAndBytes) {
  EXPECT_EQ(drawBytes(mapped("q8_0"), 2, 32, 17),
            "00 a0 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e\n"
            "0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f\n"
            "01 a0 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e\n"
            "2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f\n");
}

TEST_F(LayoutPictures, MappedQ4_0PairsElements16Apart) {
  EXPECT_EQ(drawBytes(mapped("q4_0"), 2, 32, 18),
            "00 a0 10 21 32 43 54 65 76 87 98 a9 ba cb dc ed fe 0f\n"
            "01 a0 32 43 54 65 76 87 98 a9 ba cb dc ed fe 0f 10 21\n");
}

TEST_F(LayoutPictures, FloatPanelsAreOneKOf16Rows) {
  EXPECT_EQ(drawBytes(panel("f32"), 3, 2, 64),
            "00 00 00 a0 02 00 00 a0 04 00 00 a0 _x52\n"
            "01 00 00 a0 03 00 00 a0 05 00 00 a0 _x52\n");
  EXPECT_EQ(drawBytes(panel("f16"), 3, 3, 32), "00 a0 03 a0 06 a0 _x26\n"
                                               "01 a0 04 a0 07 a0 _x26\n"
                                               "02 a0 05 a0 08 a0 _x26\n"
                                               "_x32\n");
}

TEST_F(LayoutPictures, RowsBeyond16AreTheNextPanel) {
  EXPECT_EQ(drawBytes(panel("bf16"), 17, 2, 16),
            "00 a0 02 a0 04 a0 06 a0 08 a0 0a a0 0c a0 0e a0\n"
            "10 a0 12 a0 14 a0 16 a0 18 a0 1a a0 1c a0 1e a0\n"
            "01 a0 03 a0 05 a0 07 a0 09 a0 0b a0 0d a0 0f a0\n"
            "11 a0 13 a0 15 a0 17 a0 19 a0 1b a0 1d a0 1f a0\n"
            "20 a0 _x14\n"
            "_x16\n"
            "21 a0 _x14\n"
            "_x16\n");
}

TEST_F(LayoutPictures, Q8_0PanelsAreQuadsThenScales) {
  EXPECT_EQ(drawBytes(panel("q8_0"), 2, 64, 64),
            "00 01 02 03 40 41 42 43 _x56\n"
            "04 05 06 07 44 45 46 47 _x56\n"
            "08 09 0a 0b 48 49 4a 4b _x56\n"
            "0c 0d 0e 0f 4c 4d 4e 4f _x56\n"
            "10 11 12 13 50 51 52 53 _x56\n"
            "14 15 16 17 54 55 56 57 _x56\n"
            "18 19 1a 1b 58 59 5a 5b _x56\n"
            "1c 1d 1e 1f 5c 5d 5e 5f _x56\n"
            "20 21 22 23 60 61 62 63 _x56\n"
            "24 25 26 27 64 65 66 67 _x56\n"
            "28 29 2a 2b 68 69 6a 6b _x56\n"
            "2c 2d 2e 2f 6c 6d 6e 6f _x56\n"
            "30 31 32 33 70 71 72 73 _x56\n"
            "34 35 36 37 74 75 76 77 _x56\n"
            "38 39 3a 3b 78 79 7a 7b _x56\n"
            "3c 3d 3e 3f 7c 7d 7e 7f _x56\n"
            "00 a1 02 a1 _x28 01 a1 03 a1 _x28\n");
}

TEST_F(LayoutPictures, FlippedQuantsAndAHalfEmptyGroup) {
  EXPECT_EQ(drawBytes(panel("q8_0", 0x80), 2, 32, 64),
            "80 81 82 83 a0 a1 a2 a3 _x56\n"
            "84 85 86 87 a4 a5 a6 a7 _x56\n"
            "88 89 8a 8b a8 a9 aa ab _x56\n"
            "8c 8d 8e 8f ac ad ae af _x56\n"
            "90 91 92 93 b0 b1 b2 b3 _x56\n"
            "94 95 96 97 b4 b5 b6 b7 _x56\n"
            "98 99 9a 9b b8 b9 ba bb _x56\n"
            "9c 9d 9e 9f bc bd be bf _x56\n"
            "_x64\n_x64\n_x64\n_x64\n_x64\n_x64\n_x64\n_x64\n"
            "00 a1 01 a1 _x60\n");
}

TEST_F(LayoutPictures, Q4_0PanelsKeepTheSourcesPairs) {
  EXPECT_EQ(drawBytes(panel("q4_0"), 2, 64, 64),
            "10 21 32 43 54 65 76 87 _x56\n"
            "54 65 76 87 98 a9 ba cb _x56\n"
            "98 a9 ba cb dc ed fe 0f _x56\n"
            "dc ed fe 0f 10 21 32 43 _x56\n"
            "32 43 54 65 76 87 98 a9 _x56\n"
            "76 87 98 a9 ba cb dc ed _x56\n"
            "ba cb dc ed fe 0f 10 21 _x56\n"
            "fe 0f 10 21 32 43 54 65 _x56\n"
            "00 a1 02 a1 _x28 01 a1 03 a1 _x28\n");
}

TEST_F(LayoutPictures, TwoBitQuantsAreFourQuadsAByte) {
  // Element k is (k + k / 16) % 4; byte 0 has elements 0, 8, 16 and 24.
  EXPECT_EQ(drawBytes(panel("q2_0"), 1, 64, 64), "50 a5 fa 0f _x60\n"
                                                 "50 a5 fa 0f _x60\n"
                                                 "fa 0f 50 a5 _x60\n"
                                                 "fa 0f 50 a5 _x60\n"
                                                 "00 a1 _x30\n");
}

TEST_F(LayoutPictures, OneBitQuantsAreEightQuadsAByte) {
  // Element k is (k + k / 16) % 2; byte 0 has elements 0, 4, ... 28.
  EXPECT_EQ(drawBytes(panel("q1_0"), 1, 128, 64), "f0 0f f0 0f _x60\n"
                                                  "f0 0f f0 0f _x60\n"
                                                  "f0 0f f0 0f _x60\n"
                                                  "f0 0f f0 0f _x60\n"
                                                  "00 a1 _x30\n");
  EXPECT_EQ(drawGroup(panel("q1_0")),
            "  byte  each\n"
            "     0     4  quants k 0..3 | 4..7 | ... | 28..31 of n 0..15\n"
            "   ... this line x 4: byte +64, k +32\n"
            "   256     2  scale k 0..127 of n 0..15\n");
}

TEST_F(LayoutPictures, MappedQ4_KSplitsItsScales) {
  EXPECT_EQ(
      drawGroup(mapped("q4_K")),
      "  byte  each\n"
      "     0     2  scale k 0..255 of n 0\n"
      "     2     2  min k 0..255 of n 0\n"
      "     4     4  subscale k 0..127 | subscale_high k 0..127 | 128..255 of "
      "n 0\n"
      "     8     4  submin k 0..127 | submin_high k 0..127 | 128..255 of n 0\n"
      "    12     4  subscale k 128..255 | submin k 128..255 of n 0\n"
      "    16    32  quants k 0..31 | 32..63 of n 0\n"
      "   ... this line x 4: byte +32, k +64\n");
}

TEST_F(LayoutPictures, Q5_KPanelsAreStripsWithScalesBehindTheirQuants) {
  EXPECT_EQ(
      drawGroup(panel("q5_K")),
      "  byte  each\n"
      "     0     4  quants k 0..3 | 16..19 of n 0..15\n"
      "   ... this line x 4: byte +64, k +4\n"
      "   ... 2 lines x 2: byte +256, k +32\n"
      "   512     4  quants_high k 0..3 | 4..7 | ... | 28..31 of n 0..15\n"
      "   576     4  quants_high k 32..35 | 36..39 | ... | 60..63 of n 0..15\n"
      "   640     1  subscale k 0..31 | subscale_high k 0..31 | _ of n 0..15\n"
      "   656     1  subscale k 32..63 | subscale_high k 32..63 | _ of n "
      "0..15\n"
      "   672     1  submin k 0..31 | submin_high k 0..31 | _ of n 0..15\n"
      "   688     1  submin k 32..63 | submin_high k 32..63 | _ of n 0..15\n"
      "   ... 9 lines x 4: byte +704, k +64\n"
      "  2816     2  scale k 0..255 of n 0..15\n"
      "  2848     2  min k 0..255 of n 0..15\n");
}

TEST_F(LayoutPictures, QuantizedActivations) {
  LayoutAttr layout = getQuantizedActivationLayout(context.get(), 2,
                                                   {{{8, 32}, {32, 16}}, {16}});
  EXPECT_EQ(drawBytes(layout, 2, 32, 16),
            "00 01 02 03 20 21 22 23 04 05 06 07 24 25 26 27\n"
            "08 09 0a 0b 28 29 2a 2b 0c 0d 0e 0f 2c 2d 2e 2f\n"
            "10 11 12 13 30 31 32 33 14 15 16 17 34 35 36 37\n"
            "18 19 1a 1b 38 39 3a 3b 1c 1d 1e 1f 3c 3d 3e 3f\n"
            "00 00 00 a1 01 00 00 a1 00 00 00 a2 02 00 00 a2\n"
            "01 00 00 a2 03 00 00 a2 00 00 00 a3 02 00 00 a3\n"
            "01 00 00 a3 03 00 00 a3 00 00 00 a4 01 00 00 a4\n");
}

TEST_F(LayoutPictures, QuantizedActivationsWithoutStartValues) {
  EXPECT_EQ(
      drawBytes(getQuantizedActivationLayout(context.get(), 1, {}), 1, 64, 36),
      "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 "
      "15 16 17 18 19 1a 1b 1c 1d 1e 1f 00 00 00 a1\n"
      "20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 32 33 34 "
      "35 36 37 38 39 3a 3b 3c 3d 3e 3f 01 00 00 a1\n");
}

TEST_F(LayoutPictures, FloatActivations) {
  EXPECT_EQ(drawBytes(getFloatActivationLayout(context.get(), 2), 3, 2, 8),
            "00 00 00 a0 02 00 00 a0\n"
            "01 00 00 a0 03 00 00 a0\n"
            "04 00 00 a0 _x4\n"
            "05 00 00 a0 _x4\n");
}

TEST_F(LayoutPictures, KeysHaveTokensInLanesAndValuesInRows) {
  EXPECT_EQ(
      drawBytes(getKeyPageLayout(context.get(), type("f16"), 4, 2), 3, 2, 8),
      "00 a0 02 a0 04 a0 _x2\n"
      "01 a0 03 a0 05 a0 _x2\n");
  EXPECT_EQ(
      drawBytes(getValuePageLayout(context.get(), type("f16"), 4, 2), 3, 2, 4),
      "00 a0 01 a0\n"
      "02 a0 03 a0\n"
      "04 a0 05 a0\n"
      "_x4\n");
}

TEST_F(LayoutPictures, QuantizedPagesAreQuantsThenScales) {
  std::string keys;
  for (int d = 0; d < 64; ++d)
    keys += llvm::formatv("{0:x-2} {1:x-2} _x2\n", d, 64 + d).str();
  EXPECT_EQ(
      drawBytes(getKeyPageLayout(context.get(), type("q8_0"), 4, 64), 2, 64, 4),
      keys + "00 a1 02 a1\n_x4\n01 a1 03 a1\n_x4\n");
  EXPECT_EQ(getKeyPageLayout(context.get(), type("q8_0"), 64, 80), nullptr);
  EXPECT_EQ(getValuePageLayout(context.get(), type("q8_0"), 64, 80), nullptr);
  EXPECT_EQ(getKeyPageLayout(context.get(), type("q4_0"), 64, 64), nullptr);
}

} // namespace
} // namespace modelc::test
