//===- BlockFormats.cpp - What the fields of quantised types mean
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table, one row a type, and one more for each type with a grid.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/BlockFormats.h"
#include "dialects/pack/Layouts.h"
#include "llvm/Support/MathExtras.h"

using namespace modelc;
using namespace modelc::pack;
using model::GgmlType;

/// The sixteen levels of IQ4_NL and IQ4_XS (ggml-common.h, kvalues_iq4nl).
static constexpr int8_t kIq4Levels[] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// Twice the values of E2M1 (OCP Microscaling Formats 1.0, table 5).
static constexpr int8_t kDoubledE2M1[] = {0, 1,  2,  3,  4,  6,  8,  12,
                                          0, -1, -2, -3, -4, -6, -8, -12};

/// Q1_0: a bit is a sign.
static constexpr int8_t kPlusMinus[] = {-1, 1};

/// Levels of grids, and above them the same negated (ggml-common.h, the bytes
/// of the grids). There is no fourth level.
static constexpr int8_t kIq2Levels[] = {8, 25, 43, 0, -8, -25, -43, 0};
static constexpr int8_t kIq3XxsLevels[] = {
    4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
static constexpr int8_t kIq3Levels[] = {1,  3,  5,  7,  9,  11,  13,  15,
                                        -1, -3, -5, -7, -9, -11, -13, -15};

/// Eight times -1, 0 and 1 with an eighth added, and above them subtracted.
static constexpr int8_t kIq1Levels[] = {-7, 1, 9, 0, -9, -1, 7, 0};

// clang-format off
static constexpr GridFormat kIq1S = {
    Grid::IQ1, {kGrid, 8, 8}, {kMixed, 3, 8, 0, 3},
    {kMixed, 1, 32, 15}, {kMixed, 3, 32, 12}, 3};
static constexpr GridFormat kIq1M = {
    Grid::IQ1, {kGrid, 8, 8}, {kGridHigh, 3, 8},
    {kGridHigh, 1, 8, 3}, {kMixed, 3, 16, 0, 3}, 3};
static constexpr GridFormat kIq2Xxs = {
    Grid::IQ2_XXS, {kGrid, 8, 8}, {},
    {kMixed, 7, 8, 0, 7}, {kMixed, 4, 32, 28}, 3};
static constexpr GridFormat kIq2Xs = {
    Grid::IQ2_XS, {kGrid, 9, 8}, {},
    {kGrid, 7, 8, 9}, {kSubscale, 4, 16}, 3};
static constexpr GridFormat kIq2S = {
    Grid::IQ2_S, {kGrid, 8, 8}, {kGridHigh, 2, 8},
    {kSigns, 1, 1}, {kSubscale, 4, 16}, 3};
static constexpr GridFormat kIq3Xxs = {
    Grid::IQ3_XXS, {kGrid, 8, 4}, {},
    {kMixed, 7, 8, 0, 7}, {kMixed, 4, 32, 28}, 2};
static constexpr GridFormat kIq3S = {
    Grid::IQ3_S, {kGrid, 8, 4}, {kGridHigh, 1, 4},
    {kSigns, 1, 1}, {kSubscale, 4, 32}, 0};
// clang-format on

static constexpr TritRun kTq1Runs[] = {
    {kTrits32, 0, 32, 5}, {kTrits16, 160, 16, 5}, {kTrits4, 240, 4, 4}};

static constexpr BlockFormat kFormats[] = {
    {GgmlType::Q4_0, 32, 8, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q4_1, 32, 0, {}, ScaleKind::F16, 0, MinKind::Added},
    {GgmlType::Q5_0, 32, 16, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q5_1, 32, 0, {}, ScaleKind::F16, 0, MinKind::Added},
    {GgmlType::Q8_0, 32, 0, {}, ScaleKind::F16, 0, MinKind::None},
    // clang-format off
    {GgmlType::Q2_K, 16, 0, {}, ScaleKind::F16, 0, MinKind::Subtracted,
     nullptr, {}, /*joinsSubBlocks=*/true},
    {GgmlType::Q3_K, 16, 4, {}, ScaleKind::F16, 32, MinKind::None,
     nullptr, {}, /*joinsSubBlocks=*/true},
    // clang-format on
    {GgmlType::Q4_K, 32, 0, {}, ScaleKind::F16, 0, MinKind::Subtracted},
    {GgmlType::Q5_K, 32, 0, {}, ScaleKind::F16, 0, MinKind::Subtracted},
    {GgmlType::Q6_K, 16, 32, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::IQ4_NL, 32, 0, kIq4Levels, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::IQ4_XS, 32, 0, kIq4Levels, ScaleKind::F16, 32, MinKind::None},
    {GgmlType::TQ2_0, 32, 1, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::MXFP4, 32, 0, kDoubledE2M1, ScaleKind::HalfE8M0, 0,
     MinKind::None},
    {GgmlType::NVFP4, 16, 0, kDoubledE2M1, ScaleKind::HalfUE4M3, 0,
     MinKind::None},
    {GgmlType::Q1_0, 32, 0, kPlusMinus, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q2_0, 32, 1, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::IQ2_XXS, 32, 0, kIq2Levels, ScaleKind::F16, 0, MinKind::None,
     &kIq2Xxs},
    {GgmlType::IQ2_XS, 16, 0, kIq2Levels, ScaleKind::F16, 0, MinKind::None,
     &kIq2Xs},
    {GgmlType::IQ2_S, 16, 0, kIq2Levels, ScaleKind::F16, 0, MinKind::None,
     &kIq2S},
    {GgmlType::IQ3_XXS, 32, 0, kIq3XxsLevels, ScaleKind::F16, 0, MinKind::None,
     &kIq3Xxs},
    {GgmlType::IQ3_S, 32, 0, kIq3Levels, ScaleKind::F16, 0, MinKind::None,
     &kIq3S},
    {GgmlType::IQ1_S, 32, 0, kIq1Levels, ScaleKind::F16, 0, MinKind::None,
     &kIq1S},
    {GgmlType::IQ1_M, 16, 0, kIq1Levels, ScaleKind::F16InMixed, 0,
     MinKind::None, &kIq1M},
    {GgmlType::TQ1_0,
     32,
     1,
     {},
     ScaleKind::F16,
     0,
     MinKind::None,
     nullptr,
     kTq1Runs},
};

const BlockFormat *pack::getBlockFormat(GgmlType type) {
  for (const BlockFormat &format : kFormats)
    if (format.type == type)
      return &format;
  return nullptr;
}

const BlockFormat &pack::getBlockFormat(LayoutAttr layout) {
  return *getBlockFormat(*model::getGgmlType(layout.getSource()));
}

int64_t pack::getLevelBits(Grid grid) {
  return llvm::Log2_64_Ceil(getGridLevels(grid));
}

const TritRun &pack::getTritRun(const BlockFormat &format, int64_t k) {
  return *llvm::find_if(format.trits, [&](const TritRun &run) {
    return k < run.begin + run.bytes * run.trits;
  });
}

/// Bits of a stored quant, high ones included; a trit's are two.
static int64_t getQuantBits(LayoutAttr layout) {
  if (getBlockFormat(layout).getQuantKind() == QuantKind::Trits)
    return 2;
  FieldAttr high = layout.getField(kQuantsHigh);
  return layout.getField(kQuants).getBits() + (high ? high.getBits() : 0);
}

int64_t pack::getQuantOffset(LayoutAttr layout) {
  const BlockFormat &format = getBlockFormat(layout);
  if (!format.codebook.empty())
    return -*llvm::min_element(format.codebook);
  FieldAttr quants = layout.getField(kQuants);
  return format.zeroPoint + (quants ? quants.getFlip() : 0);
}

int64_t pack::getLargestUnsignedQuant(LayoutAttr layout) {
  const BlockFormat &format = getBlockFormat(layout);
  if (!format.codebook.empty())
    return *llvm::max_element(format.codebook) + getQuantOffset(layout);
  return (int64_t(1) << getQuantBits(layout)) - 1;
}

int64_t BlockFormat::getSumLength() const {
  return joinsSubBlocks ? kActivationBlock : subBlock;
}

/// The range of numbers of `bits` bits from which `offset` is subtracted.
static std::pair<int64_t, int64_t> getRange(int64_t bits, int64_t offset) {
  return {-offset, (int64_t(1) << bits) - 1 - offset};
}

OperandProducts pack::getOperandProducts(LayoutAttr panel) {
  FieldAttr high = panel.getField(kSubscaleHigh);
  int64_t subscaleBits =
      panel.getField(kSubscale).getBits() + (high ? high.getBits() : 0);
  auto [q0, q1] = getRange(getQuantBits(panel), getQuantOffset(panel));
  auto [s0, s1] = getRange(subscaleBits, getBlockFormat(panel).subscaleBias);
  auto corners = {q0 * s0, q0 * s1, q1 * s0, q1 * s1};
  int64_t least = std::min(corners), largest = std::max(corners);
  bool isNegated = largest > INT8_MAX;
  if (isNegated)
    std::tie(least, largest) = std::make_pair(-largest, -least);
  assert(least >= INT8_MIN && largest <= INT8_MAX && "products are no bytes");
  return {least, largest, isNegated};
}

bool pack::holdsProducts(LayoutAttr layout) {
  return layout.getField(kOperand) && getBlockFormat(layout).joinsSubBlocks &&
         !layout.getField(kBlockSubscale);
}

/// The least and the largest operand of an image for outer products.
static std::pair<int64_t, int64_t> getOperandRange(LayoutAttr layout) {
  if (getBlockFormat(layout).joinsSubBlocks) {
    OperandProducts products = getOperandProducts(layout);
    return {products.least, products.largest};
  }
  int64_t offset = getQuantOffset(layout);
  FieldAttr quants = layout.getField(kQuants);
  bool isSigned = getBlockFormat(layout).codebook.empty() && quants &&
                  quants.getBits() == 8 && offset == 0;
  if (isSigned)
    return {INT8_MIN, INT8_MAX};
  return {-offset, getLargestUnsignedQuant(layout) - offset};
}

OuterSums pack::getOuterSums(LayoutAttr layout) {
  constexpr int64_t kLargestActivation = 127;
  auto [least, largest] = getOperandRange(layout);
  int64_t length = getBlockFormat(layout).getSumLength();
  auto getElems = [&, least = least, largest = largest](int64_t center) {
    int64_t reach = std::max(center - least, largest - center), elems = length;
    while (elems * reach * kLargestActivation > INT16_MAX)
      elems /= 2;
    return elems;
  };
  int64_t middle = (least + largest + 1) / 2;
  int64_t center = getElems(middle) > getElems(0) ? middle : 0;
  if (2 * getElems(center) < length)
    return {32, 0, length};
  return {16, center, getElems(center)};
}
