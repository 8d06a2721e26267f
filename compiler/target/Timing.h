//===- Timing.h - How long instructions take, where LLVM does not know
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's scheduling models are made to order instructions; where they are wrong
// for 512-bit vectors, or silent as for Intel AMX, this table says better. Each
// entry has its source in Timing.cpp. The cost model (compiler/cost) reads it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_TARGET_TIMING_H
#define MODELC_COMPILER_TARGET_TIMING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace modelc::target {

/// In the scheduling model that LLVM gives `cpu`, which is its name, and to its
/// like, instructions whose LLVM opcode matches the glob `opcode` use `to` for
/// `cycles` where LLVM's model has `from`. An empty `from` stands for all that
/// the model has, an empty `to` for nothing.
struct ResourceCorrection {
  llvm::StringRef cpu;
  llvm::StringRef opcode;
  llvm::StringRef from;
  llvm::StringRef to;
  int64_t cycles;
};

llvm::ArrayRef<ResourceCorrection> getResourceCorrections();

/// A resource that a micro-operation of a tile instruction takes.
struct TileResource {
  llvm::StringRef resource; ///< Of LLVM's model of Sapphire Rapids.
  int64_t cycles;           ///< 0: a cycle for each row of the tile.
};

/// A tile instruction on Sapphire Rapids, and on its kin.
struct TileTiming {
  llvm::StringRef opcode; ///< A glob of LLVM's.
  int64_t latency;        ///< Cycles from the last micro-operation's start.
  bool isByRow;           ///< A micro-operation for each row; else one.
  llvm::ArrayRef<TileResource> resources; ///< Of each micro-operation.
};

/// Those that kernels use.
llvm::ArrayRef<TileTiming> getTileTimings();

} // namespace modelc::target

#endif // MODELC_COMPILER_TARGET_TIMING_H
