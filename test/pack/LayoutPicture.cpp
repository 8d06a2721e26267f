//===- LayoutPicture.cpp - Drawings of layouts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// drawBytes writes each element where the layout says, on its own and not
// through a packer. drawGroup lists the bytes of a group and joins them: first
// bytes of one row whose elements follow one another, then equal runs of
// consecutive rows; lines that repeat with an even step are drawn once.
//
//===----------------------------------------------------------------------===//

#include "test/pack/LayoutPicture.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <map>
#include <optional>
#include <vector>

using namespace modelc;
using namespace modelc::pack;

static uint64_t getIota(int64_t index, int64_t fieldNumber, int64_t bits) {
  uint64_t tag = bits > 8 ? (0xa0 + fieldNumber) << (bits - 8) : 0;
  return bits < 8 ? (index + index / 16) & ((1 << bits) - 1) : tag | index;
}

/// Bytes of the matrix; -1 is padding.
static std::vector<int> fill(LayoutAttr layout, int64_t N, int64_t K) {
  std::vector<int> bytes(layout.getMatrixBytes(N, K), -1);
  int64_t number = 0;
  for (auto field : layout.getFields().getAsRange<FieldAttr>()) {
    int64_t unit = field.getUnit(), bits = field.getBits();
    for (int64_t n = 0; n < N; ++n)
      for (int64_t k = 0; k < K; k += unit) {
        int64_t bit = (layout.getPanelOffset(n, K) +
                       k / layout.getK() * layout.getBytes()) *
                          8 +
                      layout.getBitOffset(field.getName(), n, k);
        uint64_t value = getIota(n * (K / unit) + k / unit, number, bits);
        value ^= field.getFlip();
        for (int64_t i = 0; i < std::max<int64_t>(1, bits / 8); ++i) {
          int &byte = bytes[bit / 8 + i];
          byte = std::max(byte, 0) |
                 static_cast<int>((value >> (8 * i) & 0xff) << (bit % 8));
        }
      }
    ++number;
  }
  return bytes;
}

std::string test::drawBytes(LayoutAttr layout, int64_t N, int64_t K,
                            int64_t lineBytes) {
  std::vector<int> bytes = fill(layout, N, K);
  std::string text;
  int64_t size = bytes.size();
  for (int64_t begin = 0; begin < size; begin += lineBytes) {
    int64_t end = std::min(begin + lineBytes, size);
    for (int64_t i = begin; i < end;) {
      int64_t run = i;
      while (run < end && bytes[run] < 0)
        ++run;
      std::string cell = run > i ? llvm::formatv("_x{0}", run - i).str()
                                 : llvm::formatv("{0:x-2}", bytes[i]).str();
      text += (i == begin ? "" : " ") + cell;
      i = std::max(run, i + 1);
    }
    text += "\n";
  }
  return text;
}

namespace {

/// One element inside its byte, or as many as lie side by side along k.
struct Part {
  std::string field;
  int64_t shift, bits; ///< Bits of a byte, for elements smaller than one.
  int64_t beginK, endK;
};

/// Bytes that begin with the same parts of a row, of consecutive rows.
struct Line {
  int64_t byte, bytes;
  int64_t n, lastN;
  llvm::SmallVector<Part> parts; ///< From low bits to high.

  int64_t getEnd() const { return byte + (lastN - n + 1) * bytes; }
};

/// How far a line lies from another that is like it.
struct Step {
  int64_t bytes, k, n;

  bool operator==(const Step &other) const = default;
};

} // namespace

/// One line for each byte, or for each element of several bytes.
static std::vector<Line> listBytes(LayoutAttr layout) {
  std::map<int64_t, Line> lines;
  for (auto field : layout.getFields().getAsRange<FieldAttr>())
    for (int64_t n = 0; n < layout.getRows(); ++n)
      for (int64_t k = 0; k < layout.getK(); k += field.getUnit()) {
        int64_t bit = layout.getBitOffset(field.getName(), n, k);
        int64_t bits = field.getBits();
        Line &line = lines[bit / 8];
        line.byte = bit / 8;
        line.bytes = std::max<int64_t>(1, bits / 8);
        line.n = line.lastN = n;
        line.parts.push_back({field.getName().getValue().str(), bit % 8,
                              std::min<int64_t>(bits, 8), k,
                              k + field.getUnit()});
      }
  std::vector<Line> list;
  for (auto &[byte, line] : lines) {
    llvm::sort(line.parts,
               [](const Part &a, const Part &b) { return a.shift < b.shift; });
    list.push_back(std::move(line));
  }
  return list;
}

/// Joins every line with the one before it if `join`, which extends the first,
/// can.
template <typename Join>
static std::vector<Line> joinLines(const std::vector<Line> &lines, Join join) {
  std::vector<Line> joined;
  for (const Line &line : lines)
    if (joined.empty() || joined.back().getEnd() != line.byte ||
        !join(joined.back(), line))
      joined.push_back(line);
  return joined;
}

/// The step from a to b if they differ in nothing else.
static std::optional<Step> getStep(const Line &a, const Line &b) {
  if (a.bytes != b.bytes || a.lastN - a.n != b.lastN - b.n ||
      a.parts.size() != b.parts.size())
    return std::nullopt;
  int64_t k = b.parts[0].beginK - a.parts[0].beginK;
  for (auto [p, q] : llvm::zip(a.parts, b.parts))
    if (p.field != q.field || p.shift != q.shift || p.bits != q.bits ||
        q.beginK - p.beginK != k || q.endK - p.endK != k)
      return std::nullopt;
  return Step{b.byte - a.byte, k, b.n - a.n};
}

static bool joinAlongK(Line &a, const Line &b) {
  if (a.n != b.n || a.parts.size() != b.parts.size())
    return false;
  for (auto [p, q] : llvm::zip(a.parts, b.parts))
    if (p.field != q.field || p.shift != q.shift || p.endK != q.beginK)
      return false;
  for (auto [p, q] : llvm::zip(a.parts, b.parts))
    p.endK = q.endK;
  a.bytes += b.bytes;
  return true;
}

static bool joinAlongRows(Line &a, const Line &b) {
  Line first = a;
  first.lastN = first.n;
  std::optional<Step> step = getStep(first, b);
  if (!step || step->k != 0 || b.n != a.lastN + 1)
    return false;
  ++a.lastN;
  return true;
}

static std::string drawRange(int64_t begin, int64_t last) {
  return begin == last ? llvm::formatv("{0}", begin).str()
                       : llvm::formatv("{0}..{1}", begin, last).str();
}

/// `quants k 0..3 | 16..19`; the name where it changes, `_` for bits that no
/// field has, `...` for the middle of many even steps.
static std::string drawParts(llvm::ArrayRef<Part> parts) {
  std::string text, field;
  int64_t bit = 0;
  auto isEven = [&](size_t i) {
    return parts[i].field == parts[i - 1].field &&
           parts[i].shift == parts[i - 1].shift + parts[i].bits &&
           parts[i].beginK - parts[i - 1].beginK ==
               parts[1].beginK - parts[0].beginK;
  };
  bool isLong = parts.size() > 4;
  for (size_t i = 1; i < parts.size(); ++i)
    isLong &= isEven(i);
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part &p = parts[i];
    text += i == 0 ? "" : " | ";
    if (isLong && i == 2) {
      text += "... | ";
      i = parts.size() - 1;
    }
    if (p.shift > bit && !isLong)
      text += "_ | ";
    if (p.field != field)
      text += p.field + " k ";
    text += drawRange(parts[i].beginK, parts[i].endK - 1);
    field = p.field;
    bit = parts[i].shift + parts[i].bits;
  }
  return text + (bit < 8 ? " | _" : "");
}

static std::string drawLine(const Line &line) {
  return llvm::formatv("{0,6} {1,5}  {2} of n {3}\n", line.byte, line.bytes,
                       drawParts(line.parts), drawRange(line.n, line.lastN));
}

/// How often the first `period` lines occur, one step further each time.
static int64_t countRepetitions(llvm::ArrayRef<Line> lines, int64_t period,
                                Step &step) {
  int64_t size = lines.size(), i = period;
  for (; i < size; ++i) {
    std::optional<Step> found = getStep(lines[i - period], lines[i]);
    if (i == period && found)
      step = *found;
    if (!found || *found != step)
      break;
  }
  return i / period;
}

static std::string drawLines(llvm::ArrayRef<Line> lines) {
  std::string text;
  while (!lines.empty()) {
    int64_t bestPeriod = 1, bestCount = 1;
    Step bestStep = {};
    for (int64_t period = 1; period <= int64_t(lines.size()) / 2; ++period) {
      Step step = {};
      int64_t count = countRepetitions(lines, period, step);
      if (count > 1 && count * period > bestCount * bestPeriod) {
        bestPeriod = period;
        bestCount = count;
        bestStep = step;
      }
    }
    if (bestPeriod * (bestCount - 1) <= 1) {
      text += drawLine(lines[0]);
      lines = lines.drop_front();
      continue;
    }
    std::string block = drawLines(lines.take_front(bestPeriod));
    int64_t drawn = llvm::count(block, '\n');
    text += block;
    text += llvm::formatv("   ... {0} x {1}: byte +{2}",
                          drawn == 1 ? "this line"
                                     : llvm::formatv("{0} lines", drawn).str(),
                          bestCount, bestStep.bytes);
    if (bestStep.k != 0)
      text += llvm::formatv(", k +{0}", bestStep.k);
    if (bestStep.n != 0)
      text += llvm::formatv(", n +{0}", bestStep.n);
    text += "\n";
    lines = lines.drop_front(bestPeriod * bestCount);
  }
  return text;
}

std::string test::drawGroup(LayoutAttr layout) {
  return "  byte  each\n" +
         drawLines(joinLines(joinLines(listBytes(layout), joinAlongK),
                             joinAlongRows));
}
