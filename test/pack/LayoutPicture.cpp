//===- LayoutPicture.cpp - Drawings of layouts
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// drawBytes writes each element where the layout says, on its own and not
// through a packer. drawGroup lists the elements of a group by place and joins
// them: first elements of one row into pieces, then equal pieces of consecutive
// rows into lines.
//
//===----------------------------------------------------------------------===//

#include "test/pack/LayoutPicture.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <tuple>
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

/// Elements of one row that lie side by side in the same bits of their bytes.
struct Piece {
  int64_t number; ///< Of the field in the layout.
  int64_t byte, bytes;
  int64_t shift, bits; ///< Bits inside a byte, for elements smaller than one.
  std::string field;
  int64_t n, lastN;
  int64_t beginK, endK;

  auto place() const { return std::make_tuple(number, shift, byte); }
};

} // namespace

static std::vector<Piece> listElements(LayoutAttr layout) {
  std::vector<Piece> elements;
  int64_t number = 0;
  for (auto field : layout.getFields().getAsRange<FieldAttr>()) {
    for (int64_t n = 0; n < layout.getRows(); ++n)
      for (int64_t k = 0; k < layout.getK(); k += field.getUnit()) {
        int64_t bit = layout.getBitOffset(field.getName(), n, k);
        elements.push_back({number, bit / 8,
                            std::max<int64_t>(1, field.getBits() / 8), bit % 8,
                            field.getBits(), field.getName().getValue().str(),
                            n, n, k, k + field.getUnit()});
      }
    ++number;
  }
  return elements;
}

/// Joins every piece with the one before it of the same shift, if `join`, which
/// extends the first, can.
template <typename Join>
static std::vector<Piece> joinPieces(std::vector<Piece> pieces, Join join) {
  llvm::sort(pieces, [](const Piece &a, const Piece &b) {
    return a.place() < b.place();
  });
  std::vector<Piece> joined;
  for (const Piece &piece : pieces)
    if (joined.empty() || joined.back().number != piece.number ||
        joined.back().shift != piece.shift || !join(joined.back(), piece))
      joined.push_back(piece);
  return joined;
}

static std::string drawRange(int64_t begin, int64_t last) {
  return begin == last ? llvm::formatv("{0}", begin).str()
                       : llvm::formatv("{0}..{1}", begin, last).str();
}

static std::string drawPiece(const Piece &p) {
  std::string bits;
  if (p.bits < 8)
    bits = " bits " + drawRange(p.shift, p.shift + p.bits - 1);
  return llvm::formatv("{0,6} {1,5}  {2}{3} k {4} of n {5}\n", p.byte, p.bytes,
                       p.field, bits, drawRange(p.beginK, p.endK - 1),
                       drawRange(p.n, p.lastN));
}

/// Whether `piece` goes on as the `previous` ones did.
static bool isRepetition(const std::vector<Piece> &pieces, size_t i) {
  auto stride = [&](size_t a, size_t b) {
    return std::make_tuple(
        pieces[b].byte - pieces[a].byte, pieces[b].beginK - pieces[a].beginK,
        pieces[b].n - pieces[a].n, pieces[a].bytes, pieces[a].field);
  };
  return i >= 2 && i + 1 < pieces.size() &&
         stride(i - 2, i - 1) == stride(i - 1, i) &&
         stride(i - 1, i) == stride(i, i + 1);
}

std::string test::drawGroup(LayoutAttr layout) {
  std::vector<Piece> pieces =
      joinPieces(listElements(layout), [](Piece &a, const Piece &b) {
        if (a.n != b.n || a.endK != b.beginK || a.byte + a.bytes != b.byte)
          return false;
        a.endK = b.endK;
        a.bytes += b.bytes;
        return true;
      });
  std::vector<Piece> lines = joinPieces(pieces, [](Piece &a, const Piece &b) {
    int64_t pieces = a.lastN - a.n + 1;
    if (a.lastN + 1 != b.n || a.beginK != b.beginK || a.endK != b.endK ||
        a.byte + pieces * a.bytes != b.byte)
      return false;
    a.lastN = b.lastN;
    return true;
  });
  std::string text = "  byte  each\n";
  bool isElided = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    bool isLeftOut = isRepetition(lines, i);
    if (!isLeftOut)
      text += drawPiece(lines[i]);
    else if (!isElided)
      text += "   ...\n";
    isElided = isLeftOut;
  }
  return text;
}
