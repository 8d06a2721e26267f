//===- Packer.h - One weight from one layout into another
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fast packer. Its result is that of reference/ReferencePacker.h, byte for
// byte.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_PACKER_H
#define MODELC_COMPILER_REPACK_PACKER_H

#include "absl/status/statusor.h"
#include "compiler/repack/MoveProgram.h"
#include "compiler/repack/WeightShape.h"
#include <array>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace modelc::repack {

/// Packs and unpacks weights of one shape, source layout and target layout.
/// Never changes once made, so any thread may use it.
class Packer {
public:
  /// `shape` is [K], [N][K] or [E][N][K]. Fails if packing would not be
  /// lossless: a source of several rows a group or with bits that no field
  /// has, a field that the target lacks or has in another width or unit, a K
  /// that is not whole groups of the source. From one matrix of the source to
  /// the next are `sourceStride` bytes; 0: they touch.
  static absl::StatusOr<Packer> create(pack::LayoutAttr source,
                                       pack::LayoutAttr target,
                                       llvm::ArrayRef<int64_t> shape,
                                       uint64_t sourceStride = 0);

  /// Without what stands between matrices, and with it.
  uint64_t getSourceBytes() const { return sourceMatrixBytes * shape.experts; }
  uint64_t getSourceExtent() const {
    return sourceStride * (shape.experts - 1) + sourceMatrixBytes;
  }
  uint64_t getRowBytes() const { return rowBytes; } ///< Of the source.
  uint64_t getPackedBytes() const { return packedStride * shape.experts; }

  /// Writes the bytes [begin, begin + packed.size()) of the packed weight,
  /// which may be any part of it. `source` is the whole source weight.
  void pack(llvm::ArrayRef<uint8_t> source, uint64_t begin,
            llvm::MutableArrayRef<uint8_t> packed) const;

  /// Panels (groups of rows) of all matrices together, and of one.
  int64_t getPanelCount() const { return panelsPerMatrix * shape.experts; }
  int64_t getPanelsPerMatrix() const { return panelsPerMatrix; }

  /// A part of the source or of the packed weight, in bytes.
  struct ByteRange {
    uint64_t begin, end;
  };

  /// Where the rows of panels [begin, end) lie in the source.
  ByteRange getSourceOfPanels(int64_t begin, int64_t end) const;

  /// Where panels [begin, end) lie in the packed weight, with the zeros that
  /// stand between matrices and at the end.
  ByteRange getPackedOfPanels(int64_t begin, int64_t end) const;

  /// The source of those panels whose last byte lies in the bytes [begin, end)
  /// of the packed weight: what packing them in ascending order is done with.
  ByteRange getSourceEndingIn(uint64_t begin, uint64_t end) const;

  /// Writes the source bytes of panels [begin, end) to `rows`, which has the
  /// size of getSourceOfPanels(begin, end). `packed` is the whole packed
  /// weight.
  void unpack(llvm::ArrayRef<uint8_t> packed, int64_t begin, int64_t end,
              llvm::MutableArrayRef<uint8_t> rows) const;

private:
  /// A part of one panel that one program moves.
  struct Tile {
    const MoveProgram *program;
    uint64_t source; ///< First byte of its first row in the source.
    uint64_t packed; ///< First byte in the packed weight.
  };

  Packer() = default;

  void buildPrograms(pack::LayoutAttr source, pack::LayoutAttr target);
  Tile getTile(int64_t panel, int64_t tile) const;
  /// Packs from byte `begin`, which is the tile's, to its end or that of
  /// `packed` and returns the number of bytes.
  uint64_t packFromTile(const Tile &tile, llvm::ArrayRef<uint8_t> source,
                        uint64_t begin,
                        llvm::MutableArrayRef<uint8_t> packed) const;
  /// Panels, of all matrices, whose last byte is before `packedByte`.
  int64_t getPanelsBefore(uint64_t packedByte) const;
  const MoveProgram &getProgram(bool isLastPanel, bool isTail) const {
    return programs[(isLastPanel ? 2 : 0) + (isTail ? 1 : 0)];
  }

  WeightShape shape;
  int64_t panelRows, tileK;
  int64_t panelsPerMatrix, tilesPerPanel;
  uint64_t rowBytes, sourceMatrixBytes, sourceStride;
  uint64_t tileSourceBytes, tilePackedBytes; ///< Of a whole tile.
  uint64_t panelBytes, packedMatrixBytes, packedStride;
  /// Whether both layouts hold a matrix as the same bytes.
  bool isCopy;
  /// Of whole tiles, of the last tile of a panel, and the same of the last
  /// panel, which may have fewer rows. Unused ones are empty.
  std::array<MoveProgram, 4> programs;
};

/// Makes each packer once: the weights of a model have few shapes.
class PackerCache {
public:
  /// The packer belongs to the cache. Errors are those of Packer::create.
  absl::StatusOr<const Packer *> get(pack::LayoutAttr source,
                                     pack::LayoutAttr target,
                                     llvm::ArrayRef<int64_t> shape,
                                     uint64_t sourceStride = 0);

private:
  using Key =
      std::tuple<const void *, const void *, std::vector<int64_t>, uint64_t>;
  std::map<Key, std::unique_ptr<Packer>> packers;
};

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_PACKER_H
