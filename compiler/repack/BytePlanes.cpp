//===- BytePlanes.cpp - Repacking of bits, sixteen rows at a time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Q4_K into panels, the first 64 elements of a row; a byte of the source holds
// elements k and k + 32, one of the panel k and k + 16:
//
//   packed planes  0..15   source planes 16..31 & 0x0f,
//                          source planes 32..47 & 0x0f << 4
//   packed planes 16..31   source planes 16..31 & 0xf0 >> 4,
//                          source planes 32..47 & 0xf0
//
// A tile is transposed into planes, woven, and transposed out of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/BytePlanes.h"
#include "compiler/repack/Transpose.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

using namespace modelc::repack;

static constexpr int64_t kRows = kVectorBytes;

/// Planes of one side. Both sides of a tile are then at most 32 KiB, which is
/// the first-level cache; the catalogue's tiles have at most 276.
static constexpr int64_t kMaxPlanes = 1024;

//===----------------------------------------------------------------------===//
// Finding the program
//===----------------------------------------------------------------------===//

namespace {

/// An atom of all rows, between planes of two sides.
struct Link {
  int64_t from, to;
  int shift;
  uint8_t mask, flip; ///< mask is of `from`, flip of `to`.

  uint8_t getToMask() const { return shiftBits(mask, shift); }

  Link getReverse() const {
    return {to, from, -shift, getToMask(), shiftBits(flip, -shift)};
  }

private:
  static uint8_t shiftBits(uint8_t bits, int shift) {
    return shift >= 0 ? bits << shift : bits >> -shift;
  }
};

} // namespace

/// The distance of rows in `packed` for every atom of row 0. `atoms` are
/// `rows` lists of the same length, each in the order of the source's bits.
static std::optional<std::vector<int64_t>>
findStrides(llvm::ArrayRef<Atom> atoms, int64_t rows) {
  size_t count = atoms.size() / rows;
  std::vector<int64_t> strides(count, 1);
  if (rows > 1)
    for (size_t i = 0; i < count; ++i)
      strides[i] = atoms[count + i].packed - atoms[i].packed;
  for (size_t i = count; i < atoms.size(); ++i) {
    const Atom &a = atoms[i], &first = atoms[i % count];
    int64_t row = i / count;
    if (a.row != row || a.source != first.source || a.shift != first.shift ||
        a.mask != first.mask || a.flip != first.flip ||
        a.packed != first.packed + row * strides[i % count])
      return std::nullopt;
  }
  return strides;
}

/// Joins bytes that follow one another into strips. Expects the stride of each
/// byte of row 0.
static llvm::SmallVector<Strip>
joinStrips(const std::map<int64_t, int64_t> &strides) {
  llvm::SmallVector<Strip> strips;
  for (auto [offset, stride] : strides) {
    if (!strips.empty() && strips.back().stride == stride &&
        strips.back().offset + strips.back().bytes == offset)
      ++strips.back().bytes;
    else
      strips.push_back({offset, stride, 1});
  }
  return strips;
}

static std::vector<Weave> buildWeaves(std::vector<Link> links) {
  llvm::sort(links, [](const Link &a, const Link &b) {
    return std::make_tuple(a.to, a.getToMask()) <
           std::make_tuple(b.to, b.getToMask());
  });
  std::vector<Weave> weaves;
  for (size_t i = 0; i < links.size();) {
    Weave weave = {links[i].to, 1, {}, 0};
    for (; i < links.size() && links[i].to == weave.first; ++i) {
      weave.terms.push_back({links[i].from, links[i].shift, links[i].mask});
      weave.flip |= links[i].flip;
    }
    Weave *last = weaves.empty() ? nullptr : &weaves.back();
    auto isNext = [&](const Weave::Term &term, const Weave::Term &first) {
      return term ==
             Weave::Term{first.plane + last->count, first.shift, first.mask};
    };
    if (last && last->first + last->count == weave.first &&
        last->flip == weave.flip && last->terms.size() == weave.terms.size() &&
        std::equal(weave.terms.begin(), weave.terms.end(), last->terms.begin(),
                   isNext))
      ++last->count;
    else
      weaves.push_back(std::move(weave));
  }
  return weaves;
}

std::optional<PlaneProgram>
modelc::repack::buildPlaneProgram(llvm::ArrayRef<Atom> atoms, int64_t rows,
                                  int64_t sourceBytes) {
  if (rows > kRows || sourceBytes > kMaxPlanes || atoms.size() % rows != 0)
    return std::nullopt;
  std::vector<Atom> sorted = atoms.vec();
  llvm::sort(sorted, [](const Atom &a, const Atom &b) {
    return std::make_tuple(a.row, a.source, a.mask) <
           std::make_tuple(b.row, b.source, b.mask);
  });
  std::optional<std::vector<int64_t>> strides = findStrides(sorted, rows);
  if (!strides)
    return std::nullopt;
  std::map<int64_t, int64_t> strideOf;
  for (auto [stride, atom] : llvm::zip_first(*strides, sorted))
    if (strideOf.emplace(atom.packed, stride).first->second != stride)
      return std::nullopt;
  int64_t packedPlanes = strideOf.size();
  if (packedPlanes > kMaxPlanes)
    return std::nullopt;
  std::map<int64_t, int64_t> planeOf;
  for (auto [offset, stride] : strideOf)
    planeOf.emplace(offset, planeOf.size());

  std::vector<Link> links, reversed;
  for (auto [stride, atom] : llvm::zip_first(*strides, sorted)) {
    links.push_back({atom.source, planeOf[atom.packed], atom.shift,
                     static_cast<uint8_t>(atom.mask),
                     static_cast<uint8_t>(atom.flip)});
    reversed.push_back(links.back().getReverse());
  }
  return PlaneProgram{rows,
                      sourceBytes,
                      packedPlanes,
                      joinStrips(strideOf),
                      buildWeaves(std::move(links)),
                      buildWeaves(std::move(reversed))};
}

//===----------------------------------------------------------------------===//
// Running it
//===----------------------------------------------------------------------===//

namespace {

using Bytes = Vector<uint8_t>;

/// The planes of one side. Rows that the tile lacks are never written to it.
using Planes = Bytes[kMaxPlanes];

} // namespace

static Bytes load(const uint8_t *from) {
  Bytes vector;
  memcpy(&vector, from, sizeof(vector));
  return vector;
}

static void store(Bytes vector, uint8_t *to) {
  memcpy(to, &vector, sizeof(vector));
}

static constexpr int kAllRounds = 4; ///< log2(kRows).

/// Sixteen bytes of sixteen rows.
static void loadSquare(const uint8_t *from, int64_t stride, Bytes *planes) {
  for (int64_t r = 0; r < kRows; ++r)
    planes[r] = load(from + r * stride);
  zipRounds<uint8_t, kRows>(planes, kAllRounds);
}

static void storeSquare(const Bytes *planes, uint8_t *to, int64_t stride) {
  Bytes square[kRows];
  std::copy(planes, planes + kRows, square);
  zipRounds<uint8_t, kRows>(square, kAllRounds);
  for (int64_t r = 0; r < kRows; ++r)
    store(square[r], to + r * stride);
}

/// Strips of kBytes bytes, one row behind the other: kBytes vectors.
template <int64_t kBytes>
static void loadDense(const uint8_t *from, Bytes *planes) {
  for (int64_t i = 0; i < kBytes; ++i)
    planes[i] = load(from + i * kRows);
  zipRounds<uint8_t, kBytes>(planes, kAllRounds);
}

template <int64_t kBytes>
static void storeDense(const Bytes *planes, uint8_t *to) {
  Bytes vectors[kBytes];
  std::copy(planes, planes + kBytes, vectors);
  zipRounds<uint8_t, kBytes>(vectors, llvm::ConstantLog2<kBytes>());
  for (int64_t i = 0; i < kBytes; ++i)
    store(vectors[i], to + i * kRows);
}

static void loadStrip(const uint8_t *from, int64_t stride, int64_t bytes,
                      int64_t rows, Bytes *planes) {
  if (rows == kRows && bytes == stride && bytes == 1)
    return loadDense<1>(from, planes);
  if (rows == kRows && bytes == stride && bytes == 2)
    return loadDense<2>(from, planes);
  if (rows == kRows && bytes == stride && bytes == 4)
    return loadDense<4>(from, planes);
  if (rows == kRows && bytes >= kRows) {
    for (int64_t b = 0; b <= bytes - kRows; b += kRows)
      loadSquare(from + b, stride, planes + b);
    // The last square may overlap the one before.
    return loadSquare(from + bytes - kRows, stride, planes + bytes - kRows);
  }
  for (int64_t b = 0; b < bytes; ++b) {
    planes[b] = Bytes{};
    for (int64_t r = 0; r < rows; ++r)
      planes[b][r] = from[b + r * stride];
  }
}

static void storeStrip(const Bytes *planes, uint8_t *to, int64_t stride,
                       int64_t bytes, int64_t rows) {
  if (rows == kRows && bytes == stride && bytes == 1)
    return storeDense<1>(planes, to);
  if (rows == kRows && bytes == stride && bytes == 2)
    return storeDense<2>(planes, to);
  if (rows == kRows && bytes == stride && bytes == 4)
    return storeDense<4>(planes, to);
  if (rows == kRows && bytes >= kRows) {
    for (int64_t b = 0; b <= bytes - kRows; b += kRows)
      storeSquare(planes + b, to + b, stride);
    return storeSquare(planes + bytes - kRows, to + bytes - kRows, stride);
  }
  for (int64_t b = 0; b < bytes; ++b)
    for (int64_t r = 0; r < rows; ++r)
      to[b + r * stride] = planes[b][r];
}

/// Makes kCount planes from plane `first` of the weave on. Whole words shift
/// the bits of all bytes: the mask holds none that would cross to the next.
template <int64_t kCount>
static void weavePlanes(const Weave &weave, int64_t first, const Bytes *from,
                        Bytes *to) {
  Bytes woven[kCount] = {};
  for (const Weave::Term &term : weave.terms) {
    Bytes mask = Bytes{} + term.mask;
    int left = std::max(term.shift, 0), right = std::max(-term.shift, 0);
    for (int64_t i = 0; i < kCount; ++i) {
      Bytes bits = from[term.plane + first + i] & mask;
      woven[i] |= (Bytes)((Vector<uint16_t>)bits << left >> right);
    }
  }
  for (int64_t i = 0; i < kCount; ++i)
    to[weave.first + first + i] = woven[i] ^ weave.flip;
}

static void runWeaves(llvm::ArrayRef<Weave> weaves, const Bytes *from,
                      Bytes *to) {
  for (const Weave &weave : weaves) {
    int64_t first = 0;
    for (; first + 4 <= weave.count; first += 4)
      weavePlanes<4>(weave, first, from, to);
    for (; first < weave.count; ++first)
      weavePlanes<1>(weave, first, from, to);
  }
}

void modelc::repack::packPlanes(const PlaneProgram &program,
                                const uint8_t *source, int64_t rowBytes,
                                uint8_t *packed) {
  Planes from, to;
  loadStrip(source, rowBytes, program.sourcePlanes, program.rows, from);
  runWeaves(program.pack, from, to);
  const Bytes *planes = to;
  for (const Strip &strip : program.packed) {
    storeStrip(planes, packed + strip.offset, strip.stride, strip.bytes,
               program.rows);
    planes += strip.bytes;
  }
}

void modelc::repack::unpackPlanes(const PlaneProgram &program,
                                  const uint8_t *packed, uint8_t *source,
                                  int64_t rowBytes) {
  Planes from, to;
  Bytes *planes = from;
  for (const Strip &strip : program.packed) {
    loadStrip(packed + strip.offset, strip.stride, strip.bytes, program.rows,
              planes);
    planes += strip.bytes;
  }
  runWeaves(program.unpack, from, to);
  storeStrip(to, source, rowBytes, program.sourcePlanes, program.rows);
}
