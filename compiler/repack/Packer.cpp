//===- Packer.cpp - One weight from one layout into another
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A matrix is cut into panels, the rows of one group of the target, and those
// into tiles of several groups along k:
//
//             tileK   tileK  tail
//   panel 0  [ 0    | 0    | 1  ]
//   panel 1  [ 0    | 0    | 1  ]     the number is that of the move program;
//   panel 2  [ 2    | 2    | 3  ]     panel 2 has fewer rows
//
// The tiles of a panel lie one behind the other in the packed weight, so any
// part of it is a run of tiles, of which the first and the last may be cut.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/Packer.h"
#include "absl/strings/str_cat.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <numeric>

using namespace modelc;
using namespace modelc::pack;
using namespace modelc::repack;

/// Elements along k that a tile has at least, if the matrix has them. Loops
/// over the columns of a tile are then long enough to hide their start, and a
/// tile's rows stay within a few cache lines each.
static constexpr int64_t kTileElems = 256;

/// Elements that a tile has at most; the catalogue's have 4096. It keeps the
/// making of programs short whatever layout a plan names.
static constexpr int64_t kMaxTileElems = 1 << 22;

static std::string toText(mlir::StringAttr name) {
  return name.getValue().str();
}

/// For errors.
static std::string getPairName(LayoutAttr source, LayoutAttr target) {
  return toText(source.getName()) + " to " + toText(target.getName()) + ": ";
}

/// Bits that the field has in one group.
static int64_t getFieldBits(LayoutAttr layout, FieldAttr field) {
  return field.getBits() * layout.getRows() * (layout.getK() / field.getUnit());
}

static absl::Status checkLossless(LayoutAttr source, LayoutAttr target,
                                  llvm::ArrayRef<int64_t> shape) {
  std::string pair =
      toText(source.getName()) + " to " + toText(target.getName()) + ": ";
  if (source.getRows() != 1)
    return absl::InvalidArgumentError(absl::StrCat(
        pair, "source group of ", source.getRows(), " rows, expected 1"));
  if (shape.back() % source.getK() != 0)
    return absl::InvalidArgumentError(absl::StrCat(
        pair, "k ", shape.back(), ", expected a multiple of ", source.getK()));
  int64_t bits = 0;
  for (auto field : source.getFields().getAsRange<FieldAttr>()) {
    FieldAttr other = target.getField(field.getName());
    if (!other || other.getBits() != field.getBits() ||
        other.getUnit() != field.getUnit())
      return absl::InvalidArgumentError(
          absl::StrCat(pair, "field ", toText(field.getName()),
                       " is missing in the target or of another kind"));
    bits += getFieldBits(source, field);
  }
  if (bits != source.getBytes() * 8)
    return absl::InvalidArgumentError(absl::StrCat(pair, "source fields hold ",
                                                   bits, " bits of a group of ",
                                                   source.getBytes() * 8));
  return absl::OkStatus();
}

absl::StatusOr<Packer> Packer::create(LayoutAttr source, LayoutAttr target,
                                      llvm::ArrayRef<int64_t> shape,
                                      uint64_t sourceStride) {
  if (absl::Status status = checkLossless(source, target, shape); !status.ok())
    return status;
  Packer p;
  p.shape = getWeightShape(shape);
  p.panelRows = target.getRows();
  p.panelsPerMatrix = llvm::divideCeil(p.shape.rows, p.panelRows);
  p.rowBytes = source.getMatrixBytes(1, p.shape.k);
  p.sourceMatrixBytes = source.getMatrixBytes(p.shape.rows, p.shape.k);
  p.sourceStride = sourceStride ? sourceStride : p.sourceMatrixBytes;
  p.panelBytes = target.getPanelOffset(p.panelRows, p.shape.k);
  p.packedMatrixBytes = target.getMatrixBytes(p.shape.rows, p.shape.k);
  p.packedStride = shape.size() == 3
                       ? target.getMatrixStride(p.shape.rows, p.shape.k)
                       : p.packedMatrixBytes;
  int64_t unit = std::lcm(source.getK(), target.getK());
  p.tileK = unit * llvm::divideCeil(kTileElems, unit);
  p.tilesPerPanel = llvm::divideCeil(p.shape.k, p.tileK);
  int64_t tileElems =
      std::min(p.panelRows, p.shape.rows) * std::min(p.tileK, p.shape.k);
  if (tileElems > kMaxTileElems)
    return absl::InvalidArgumentError(
        absl::StrCat(getPairName(source, target), "tiles of ", tileElems,
                     " elements, expected at most ", kMaxTileElems));
  p.buildPrograms(source, target);
  return p;
}

void Packer::buildPrograms(LayoutAttr source, LayoutAttr target) {
  tileSourceBytes = source.getGroupsPerPanel(tileK) * source.getBytes();
  tilePackedBytes = target.getGroupsPerPanel(tileK) * target.getBytes();
  int64_t tailK = shape.k % tileK, lastRows = shape.rows % panelRows;
  for (bool isLastPanel : {false, true})
    for (bool isTail : {false, true}) {
      bool isUsed = (isTail ? tailK != 0 : shape.k >= tileK) &&
                    (isLastPanel ? lastRows != 0 : shape.rows >= panelRows);
      if (isUsed)
        programs[(isLastPanel ? 2 : 0) + (isTail ? 1 : 0)] =
            buildMoveProgram(source, target, isLastPanel ? lastRows : panelRows,
                             isTail ? tailK : tileK);
    }
  const MoveProgram &first =
      getProgram(shape.rows < panelRows, shape.k < tileK);
  isCopy = panelRows == 1 && first.isCopy();
}

Packer::Tile Packer::getTile(int64_t panel, int64_t tile) const {
  int64_t expert = panel / panelsPerMatrix, p = panel % panelsPerMatrix;
  bool isLastPanel = (p + 1) * panelRows > shape.rows;
  bool isTail = (tile + 1) * tileK > shape.k;
  return {&getProgram(isLastPanel, isTail),
          expert * sourceStride + p * panelRows * rowBytes +
              tile * tileSourceBytes,
          expert * packedStride + p * panelBytes + tile * tilePackedBytes};
}

void Packer::pack(llvm::ArrayRef<uint8_t> source, uint64_t begin,
                  llvm::MutableArrayRef<uint8_t> packed) const {
  while (!packed.empty()) {
    uint64_t expert = begin / packedStride, inside = begin % packedStride;
    uint64_t size;
    if (inside >= packedMatrixBytes) {
      size = std::min<uint64_t>(packed.size(), packedStride - inside);
      memset(packed.data(), 0, size);
    } else if (isCopy) {
      size = std::min<uint64_t>(packed.size(), packedMatrixBytes - inside);
      memcpy(packed.data(), source.data() + expert * sourceStride + inside,
             size);
    } else {
      Tile tile = getTile(expert * panelsPerMatrix + inside / panelBytes,
                          inside % panelBytes / tilePackedBytes);
      size = packFromTile(tile, source, begin, packed);
    }
    begin += size;
    packed = packed.drop_front(size);
  }
}

uint64_t Packer::packFromTile(const Tile &tile, llvm::ArrayRef<uint8_t> source,
                              uint64_t begin,
                              llvm::MutableArrayRef<uint8_t> packed) const {
  const uint8_t *from = source.data() + tile.source;
  uint64_t tileBytes = tile.program->packedBytes, skip = begin - tile.packed;
  uint64_t size = std::min<uint64_t>(packed.size(), tileBytes - skip);
  if (size == tileBytes) {
    packTile(*tile.program, from, rowBytes, packed.data());
    return size;
  }
  std::vector<uint8_t> whole(tileBytes);
  packTile(*tile.program, from, rowBytes, whole.data());
  memcpy(packed.data(), whole.data() + skip, size);
  return size;
}

Packer::ByteRange Packer::getSourceOfPanels(int64_t begin, int64_t end) const {
  auto getByte = [&](int64_t panel) {
    return panel / panelsPerMatrix * sourceStride +
           panel % panelsPerMatrix * panelRows * rowBytes;
  };
  if (begin == end)
    return {getByte(begin), getByte(begin)};
  bool isMatrixEnd = end % panelsPerMatrix == 0;
  return {getByte(begin),
          isMatrixEnd
              ? (end / panelsPerMatrix - 1) * sourceStride + sourceMatrixBytes
              : getByte(end)};
}

Packer::ByteRange Packer::getPackedOfPanels(int64_t begin, int64_t end) const {
  auto getByte = [&](int64_t panel) {
    return panel / panelsPerMatrix * packedStride +
           panel % panelsPerMatrix * panelBytes;
  };
  return {getByte(begin), getByte(end)};
}

int64_t Packer::getPanelsBefore(uint64_t packedByte) const {
  uint64_t inside = packedByte % packedStride;
  return packedByte / packedStride * panelsPerMatrix +
         std::min<uint64_t>(inside / panelBytes, panelsPerMatrix);
}

Packer::ByteRange Packer::getSourceEndingIn(uint64_t begin,
                                            uint64_t end) const {
  return getSourceOfPanels(getPanelsBefore(begin), getPanelsBefore(end));
}

void Packer::unpack(llvm::ArrayRef<uint8_t> packed, int64_t begin, int64_t end,
                    llvm::MutableArrayRef<uint8_t> rows) const {
  uint64_t first = getSourceOfPanels(begin, end).begin;
  for (int64_t panel = begin; panel < end; ++panel) {
    if (isCopy) {
      Tile tile = getTile(panel, 0);
      memcpy(rows.data() + (tile.source - first), packed.data() + tile.packed,
             rowBytes);
      continue;
    }
    for (int64_t t = 0; t < tilesPerPanel; ++t) {
      Tile tile = getTile(panel, t);
      unpackTile(*tile.program, packed.data() + tile.packed,
                 rows.data() + (tile.source - first), rowBytes);
    }
  }
}

absl::StatusOr<const Packer *> PackerCache::get(LayoutAttr source,
                                                LayoutAttr target,
                                                llvm::ArrayRef<int64_t> shape,
                                                uint64_t sourceStride) {
  std::unique_ptr<Packer> &packer =
      packers[{source.getAsOpaquePointer(), target.getAsOpaquePointer(),
               shape.vec(), sourceStride}];
  if (!packer) {
    absl::StatusOr<Packer> made =
        Packer::create(source, target, shape, sourceStride);
    if (!made.ok())
      return made.status();
    packer = std::make_unique<Packer>(*std::move(made));
  }
  return packer.get();
}
