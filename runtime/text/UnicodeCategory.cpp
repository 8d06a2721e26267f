//===- UnicodeCategory.cpp - General categories of code points
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   categoryRuns()         ==> {0x0, cc}, {0x20, zs}, {0x21, po}, ...
//   categoriesNamed("P")   ==> pc | pd | ps | pe | pi | pf | po
//
//===----------------------------------------------------------------------===//

#include "UnicodeCategory.h"

namespace modelc::text {
namespace {

using enum Category;

// kRuns.
#include "UnicodeRuns.inc"

/// In the order of Category.
constexpr const char *kNames[] = {
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
    "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
    "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
static_assert(std::size(kNames) == static_cast<size_t>(cn) + 1);

} // namespace

std::span<const CategoryRun> categoryRuns() { return kRuns; }

uint32_t categoriesNamed(std::string_view name) {
  uint32_t categories = 0;
  for (size_t at = 0; at < std::size(kNames); ++at)
    if (name == kNames[at] || (name.size() == 1 && name[0] == kNames[at][0]))
      categories |= uint32_t{1} << at;
  return categories;
}

} // namespace modelc::text
