//===- Tiles.h - Tile registers of Intel AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers are named by number: no tile lives long enough for an allocation
// to bring anything (docs/design/20261124-intel-amx.md).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_X86_TILES_H
#define MODELC_COMPILER_CODEGEN_X86_TILES_H

#include "compiler/codegen/common/KernelBuilder.h"

namespace modelc::codegen {

/// Bytes of a full row.
inline constexpr int64_t kTileRowBytes = 64;
/// Rows of a full tile.
inline constexpr int64_t kTileMaxRows = 16;

/// What ldtilecfg reads (Intel SDM vol. 1, 18.2): 64 bytes.
class TileConfig {
public:
  void set(int64_t tile, int64_t rows, int64_t rowBytes);
  /// Emits ldtilecfg of it, a table `name` of the kernel's object, which must
  /// be the same wherever it has that name.
  void load(KernelBuilder &b, llvm::StringRef name) const;

private:
  struct {
    uint8_t palette = 1;
    uint8_t startRow = 0;
    uint8_t reserved[14] = {};
    uint16_t rowBytes[16] = {};
    uint8_t rows[16] = {};
  } memory;
  static_assert(sizeof(memory) == 64);
};

/// The number of a tile register, as intrinsics take it.
mlir::Value getTile(KernelBuilder &b, int64_t tile);

/// Rows at `base`, `strideBytes` apart, to a tile, and back.
void loadTile(KernelBuilder &b, int64_t tile, mlir::Value base,
              int64_t strideBytes);
void storeTile(KernelBuilder &b, int64_t tile, mlir::Value base,
               int64_t strideBytes);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_X86_TILES_H
