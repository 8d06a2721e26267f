//===- UnicodeCategory.h - General categories of code points
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table is generated when modelc is built (make-unicode-runs.py), so that
// the runtime needs no library for it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_UNICODECATEGORY_H
#define MODELC_RUNTIME_TEXT_UNICODECATEGORY_H

#include <cstdint>
#include <span>
#include <string_view>

namespace modelc::text {

/// The values of General_Category (UAX #44, table 12), by their short names in
/// lower case.
enum class Category : uint8_t {
  // clang-format off
  lu, ll, lt, lm, lo,
  mn, mc, me,
  nd, nl, no,
  pc, pd, ps, pe, pi, pf, po,
  sm, sc, sk, so,
  zs, zl, zp,
  cc, cf, cs, co, cn
  // clang-format on
};

inline constexpr uint32_t kMaxCodePoint = 0x10ffff;

/// The code points from `first` up to the next run's have `category`.
struct CategoryRun {
  uint32_t first;
  Category category;
};

/// All code points, ascending; the first run begins at 0.
std::span<const CategoryRun> categoryRuns();

/// The categories that `name` stands for, as bits 1 << Category: one for "Lu",
/// all that begin with the letter for "L". 0 if there is no such category.
uint32_t categoriesNamed(std::string_view name);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_UNICODECATEGORY_H
