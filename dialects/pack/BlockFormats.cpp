//===- BlockFormats.cpp - What the fields of quantised types mean
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table, one row a type.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/BlockFormats.h"

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
static constexpr int8_t kSigns[] = {-1, 1};

static constexpr BlockFormat kFormats[] = {
    {GgmlType::Q4_0, 32, 8, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q4_1, 32, 0, {}, ScaleKind::F16, 0, MinKind::Added},
    {GgmlType::Q5_0, 32, 16, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q5_1, 32, 0, {}, ScaleKind::F16, 0, MinKind::Added},
    {GgmlType::Q8_0, 32, 0, {}, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q2_K, 16, 0, {}, ScaleKind::F16, 0, MinKind::Subtracted},
    {GgmlType::Q3_K, 16, 4, {}, ScaleKind::F16, 32, MinKind::None},
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
    {GgmlType::Q1_0, 32, 0, kSigns, ScaleKind::F16, 0, MinKind::None},
    {GgmlType::Q2_0, 32, 1, {}, ScaleKind::F16, 0, MinKind::None},
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

/// Bits of a stored quant, high ones included.
static int64_t getQuantBits(LayoutAttr layout) {
  FieldAttr high = layout.getField(kQuantsHigh);
  return layout.getField(kQuants).getBits() + (high ? high.getBits() : 0);
}

int64_t pack::getQuantOffset(LayoutAttr layout) {
  const BlockFormat &format = getBlockFormat(layout);
  if (!format.codebook.empty())
    return -*llvm::min_element(format.codebook);
  return format.zeroPoint + layout.getField(kQuants).getFlip();
}

int64_t pack::getLargestUnsignedQuant(LayoutAttr layout) {
  const BlockFormat &format = getBlockFormat(layout);
  if (!format.codebook.empty())
    return *llvm::max_element(format.codebook) + getQuantOffset(layout);
  return (int64_t(1) << getQuantBits(layout)) - 1;
}
