//===- IntegerRange.cpp - The grammar of the numbers from a to b
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   7 .. 42 ==> [7-9] | [1-3] [0-9] | "4" [0-2]
//
// By the number of digits, then from the first digit on: the lowest goes on
// with what is not below the rest, the highest with what is not above it, those
// between with anything.
//
//===----------------------------------------------------------------------===//

#include "JsonSchema.h"
#include <algorithm>
#include <vector>

namespace modelc::grammar {
namespace {

std::string joinAlternatives(const std::vector<std::string> &parts) {
  std::string all;
  for (const std::string &part : parts)
    all += (all.empty() ? "" : " | ") + part;
  return parts.size() == 1 ? all : "(" + all + ")";
}

std::string digits(char low, char high) {
  if (low == high)
    return std::string("\"") + low + "\"";
  return std::string("[") + low + "-" + high + "]";
}

bool isAll(std::string_view text, char digit) {
  return text.find_first_not_of(digit) == text.npos;
}

/// Of numbers with as many digits as both have, one or more.
std::string sameLength(std::string_view low, std::string_view high) {
  size_t rest = low.size() - 1;
  if (rest == 0)
    return digits(low[0], high[0]);
  if (low[0] == high[0])
    return digits(low[0], low[0]) + " " +
           sameLength(low.substr(1), high.substr(1));
  std::vector<std::string> parts;
  char first = low[0], last = high[0];
  if (!isAll(low.substr(1), '0')) {
    parts.push_back(digits(first, first) + " " +
                    sameLength(low.substr(1), std::string(rest, '9')));
    ++first;
  }
  std::string lastPart;
  if (!isAll(high.substr(1), '9')) {
    lastPart = digits(last, last) + " " +
               sameLength(std::string(rest, '0'), high.substr(1));
    --last;
  }
  if (first <= last)
    parts.push_back(digits(first, last) + " [0-9]" +
                    (rest > 1 ? "{" + std::to_string(rest) + "}" : ""));
  if (!lastPart.empty())
    parts.push_back(lastPart);
  return joinAlternatives(parts);
}

std::string withoutSign(int64_t low, int64_t high) {
  std::vector<std::string> parts;
  // Of one digit; 0 has one.
  int64_t longest = 9;
  while (true) {
    if (low <= longest)
      parts.push_back(sameLength(std::to_string(low),
                                 std::to_string(std::min(high, longest))));
    if (high <= longest)
      return joinAlternatives(parts);
    low = std::max(low, longest + 1);
    longest = longest * 10 + 9;
  }
}

} // namespace

std::string integerRange(int64_t low, int64_t high) {
  std::vector<std::string> parts;
  if (high >= 0)
    parts.push_back(withoutSign(std::max<int64_t>(low, 0), high));
  if (low < 0)
    parts.push_back("\"-\" " + withoutSign(std::max<int64_t>(-high, 1), -low));
  return joinAlternatives(parts);
}

} // namespace modelc::grammar
