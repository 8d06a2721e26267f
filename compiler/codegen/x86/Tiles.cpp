//===- Tiles.cpp - Tile registers of Intel AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's intrinsics with register numbers; see the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/x86/Tiles.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

void TileConfig::set(int64_t tile, int64_t rows, int64_t rowBytes) {
  memory.rows[tile] = static_cast<uint8_t>(rows);
  memory.rowBytes[tile] = static_cast<uint16_t>(rowBytes);
}

void TileConfig::load(KernelBuilder &b, StringRef name) const {
  uint32_t words[sizeof(memory) / sizeof(uint32_t)];
  std::memcpy(words, &memory, sizeof(memory));
  b.callIntrinsic("llvm.x86.ldtilecfg", {b.constTable(name, words)});
}

Value codegen::getTile(KernelBuilder &b, int64_t tile) {
  return arith::ConstantOp::create(b.getBuilder(), b.getLoc(),
                                   b.getBuilder().getI8IntegerAttr(tile));
}

void codegen::loadTile(KernelBuilder &b, int64_t tile, Value base,
                       int64_t strideBytes) {
  b.callIntrinsic("llvm.x86.tileloadd64",
                  {getTile(b, tile), base, b.constI64(strideBytes)});
}

void codegen::storeTile(KernelBuilder &b, int64_t tile, Value base,
                        int64_t strideBytes) {
  b.callIntrinsic("llvm.x86.tilestored64",
                  {getTile(b, tile), base, b.constI64(strideBytes)});
}
