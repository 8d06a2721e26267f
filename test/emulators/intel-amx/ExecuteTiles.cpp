//===- ExecuteTiles.cpp - The instructions of Intel AMX
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function is one page of the SDM (LDTILECFG in volume 2A, the others in
// 2B); the checks are those of the pages and of the exception classes AMX-E1
// to AMX-E6 in section 2.10 of volume 2A.
//
// A tile that is written becomes zero behind its rows and columns. The row at
// which a load or store stands is kept in startRow, as hardware does, so that
// a SIGSEGV in the middle finds the rows before it done.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"
#include "FloatLanes.h"
#include <atomic>
#include <initializer_list>
#include <string.h>

namespace modelc::amxemu {
namespace {

Fault invalid(const Instruction &instruction) {
  Fault fault;
  fault.kind = FaultKind::InvalidOpcode;
  fault.message << instruction.name() << ": ";
  return fault;
}

/// #UD if a tile cannot be an operand, as AMX-E3, E4 and E5 have in common.
Fault checkTile(const Instruction &instruction, const TileState &tiles,
                uint32_t tile) {
  if (!tiles.palette) {
    Fault fault = invalid(instruction);
    fault.message << "no tile configuration is loaded";
    return fault;
  }
  if (!tiles.rows[tile]) {
    Fault fault = invalid(instruction);
    fault.message << "tmm" << tile << " is not configured";
    return fault;
  }
  if (instruction.form != Form::Zero && tiles.colsb[tile] % 4) {
    Fault fault = invalid(instruction);
    fault.message << "tmm" << tile << " has rows of "
                  << uint32_t(tiles.colsb[tile])
                  << " bytes, not a multiple of 4";
    return fault;
  }
  return {};
}

/// Zeros behind `colsb` in each row, and in all rows from `rows` on.
void zeroRest(TileState &tiles, uint32_t tile) {
  for (uint32_t row = 0; row < kMaxRows; ++row) {
    const uint32_t used = row < tiles.rows[tile] ? tiles.colsb[tile] : 0;
    memset(tiles.data[tile][row] + used, 0, kMaxRowBytes - used);
  }
}

bool isZero(const uint8_t *bytes, uint32_t begin, uint32_t end) {
  for (uint32_t byte = begin; byte < end; ++byte)
    if (bytes[byte])
      return false;
  return true;
}

/// The 64 bytes of a configuration: palette, start row, 14 zeros, 16 words
/// of bytes per row, 16 bytes of rows.
constexpr uint32_t kConfigBytes = 64, kColsbAt = 16, kRowsAt = 48;

/// Fills `tiles`, which is all zeros, or says why it is #GP.
Fault readConfig(const uint8_t config[kConfigBytes], TileState &tiles) {
  Fault fault;
  fault.kind = FaultKind::GeneralProtection;
  fault.message << "ldtilecfg: ";
  if (config[0] != 1) {
    fault.message << "palette " << uint32_t(config[0]) << ", only 0 and 1 are";
    return fault;
  }
  if (!isZero(config, 2, kColsbAt) ||
      !isZero(config, kColsbAt + 2 * kTileCount, kRowsAt) ||
      !isZero(config, kRowsAt + kTileCount, kConfigBytes)) {
    fault.message << "a reserved byte is not zero";
    return fault;
  }
  tiles.palette = 1;
  tiles.startRow = config[1];
  for (uint32_t tile = 0; tile < kTileCount; ++tile) {
    const uint8_t *colsb = config + kColsbAt + 2 * tile;
    tiles.colsb[tile] = uint16_t(colsb[0] | colsb[1] << 8);
    tiles.rows[tile] = config[kRowsAt + tile];
    if (tiles.colsb[tile] > kMaxRowBytes || tiles.rows[tile] > kMaxRows ||
        !tiles.colsb[tile] != !tiles.rows[tile]) {
      fault.message << "tmm" << tile << " has " << uint32_t(tiles.rows[tile])
                    << " rows of " << uint32_t(tiles.colsb[tile]) << " bytes";
      return fault;
    }
  }
  return {};
}

Fault loadConfig(const Instruction &instruction, MachineState &state) {
  uint8_t config[kConfigBytes];
  memcpy(config,
         reinterpret_cast<const void *>(
             effectiveAddress(instruction, state, true)),
         kConfigBytes);
  if (config[0] == 0) { // Palette 0: as TILERELEASE, the rest is not looked at.
    memset(state.tiles, 0, sizeof(TileState));
    return {};
  }
  // The old state stays if the new one is bad; of it only the shapes are
  // needed, as the data becomes zero in any case.
  TileState &tiles = *state.tiles;
  struct {
    uint8_t palette, startRow, rows[kTileCount];
    uint16_t colsb[kTileCount];
  } old = {tiles.palette, tiles.startRow, {}, {}};
  memcpy(old.rows, tiles.rows, sizeof(old.rows));
  memcpy(old.colsb, tiles.colsb, sizeof(old.colsb));
  Fault fault = readConfig(config, tiles);
  if (fault) {
    tiles.palette = old.palette;
    tiles.startRow = old.startRow;
    memcpy(tiles.rows, old.rows, sizeof(old.rows));
    memcpy(tiles.colsb, old.colsb, sizeof(old.colsb));
    return fault;
  }
  memset(tiles.data, 0, sizeof(tiles.data));
  return {};
}

void storeConfig(const Instruction &instruction, MachineState &state) {
  const TileState &tiles = *state.tiles;
  uint8_t config[kConfigBytes] = {};
  config[0] = tiles.palette;
  config[1] = tiles.startRow;
  for (uint32_t tile = 0; tile < kTileCount; ++tile) {
    config[kColsbAt + 2 * tile] = uint8_t(tiles.colsb[tile]);
    config[kColsbAt + 2 * tile + 1] = uint8_t(tiles.colsb[tile] >> 8);
    config[kRowsAt + tile] = tiles.rows[tile];
  }
  memcpy(reinterpret_cast<void *>(effectiveAddress(instruction, state, true)),
         config, kConfigBytes);
}

Fault loadOrStore(const Instruction &instruction, MachineState &state) {
  TileState &tiles = *state.tiles;
  const uint32_t tile = instruction.dest;
  if (Fault fault = checkTile(instruction, tiles, tile))
    return fault;
  if (tiles.startRow >= tiles.rows[tile]) {
    Fault fault = invalid(instruction);
    fault.message << "start row " << uint32_t(tiles.startRow) << " of tmm"
                  << tile << ", which has " << uint32_t(tiles.rows[tile])
                  << " rows";
    return fault;
  }
  const MemoryOperand &memory = instruction.memory;
  const uint64_t stride =
      memory.hasIndex ? state.gpr[memory.index] << memory.indexShift : 0;
  const uint64_t begin = effectiveAddress(instruction, state, false);
  const uint32_t first = tiles.startRow;
  if (instruction.form == Form::Load)
    memset(tiles.data[tile][first], 0, (kMaxRows - first) * kMaxRowBytes);
  for (uint32_t row = first; row < tiles.rows[tile]; ++row) {
    // The access may end in a signal: what comes before must be done by then.
    tiles.startRow = uint8_t(row);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    auto *bytes = reinterpret_cast<uint8_t *>(begin + row * stride);
    if (instruction.form == Form::Load)
      memcpy(tiles.data[tile][row], bytes, tiles.colsb[tile]);
    else
      memcpy(bytes, tiles.data[tile][row], tiles.colsb[tile]);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  tiles.startRow = 0;
  return {};
}

Fault checkDotShapes(const Instruction &instruction, const TileState &tiles) {
  const uint32_t d = instruction.dest, a = instruction.src1,
                 b = instruction.src2;
  Fault fault = invalid(instruction);
  if (d == a || d == b || a == b) {
    fault.message << "tmm" << d << ", tmm" << a << ", tmm" << b
                  << " are not three tiles";
    return fault;
  }
  for (uint32_t tile : {d, a, b})
    if (Fault bad = checkTile(instruction, tiles, tile))
      return bad;
  if (tiles.rows[d] != tiles.rows[a])
    fault.message << "tmm" << d << " has " << uint32_t(tiles.rows[d])
                  << " rows, tmm" << a << " has " << uint32_t(tiles.rows[a]);
  else if (tiles.colsb[d] != tiles.colsb[b])
    fault.message << "tmm" << d << " has rows of " << uint32_t(tiles.colsb[d])
                  << " bytes, tmm" << b << " of " << uint32_t(tiles.colsb[b]);
  else if (tiles.colsb[a] / 4 != tiles.rows[b])
    fault.message << "tmm" << a << " has rows of "
                  << uint32_t(tiles.colsb[a] / 4) << " x 4 bytes, tmm" << b
                  << " has " << uint32_t(tiles.rows[b]) << " rows";
  else
    return {};
  return fault;
}

/// One byte as the 32-bit number that its product is made of.
uint32_t extend(uint8_t byte, bool isSigned) {
  return isSigned ? uint32_t(int32_t(int8_t(byte))) : byte;
}

/// d[m][n] += sum over 4 k + i of a[m][4 k + i] * b[k][4 n + i], modulo 2^32.
void dotBytes(TileState &tiles, const Instruction &instruction, bool aSigned,
              bool bSigned) {
  auto &a = tiles.data[instruction.src1], &b = tiles.data[instruction.src2];
  auto &d = tiles.data[instruction.dest];
  const uint32_t depth = tiles.rows[instruction.src2];
  DwordLanes wide[kMaxRows][4]; // wide[k][i][n] = b[k][4 n + i]
  for (uint32_t k = 0; k < depth; ++k) {
    DwordLanes row;
    memcpy(&row, b[k], sizeof(row));
    for (uint32_t i = 0; i < 4; ++i) {
      wide[k][i] = row >> 8 * i & 255;
      if (bSigned) // 128..255 stand for -128..-1.
        wide[k][i] = (wide[k][i] ^ 128) - 128;
    }
  }
  for (uint32_t m = 0; m < tiles.rows[instruction.dest]; ++m) {
    DwordLanes sum;
    memcpy(&sum, d[m], sizeof(sum));
    for (uint32_t k = 0; k < depth; ++k)
      for (uint32_t i = 0; i < 4; ++i)
        sum += extend(a[m][4 * k + i], aSigned) * wide[k][i];
    memcpy(d[m], &sum, sizeof(sum));
  }
}

/// Even and odd elements of the pairs have a chain of fma each, from zero, in
/// ascending k; d[m][n] += even + odd.
void dotHalves(TileState &tiles, const Instruction &instruction,
               Pairs (*widen)(const uint8_t row[kMaxRowBytes])) {
  auto &a = tiles.data[instruction.src1], &b = tiles.data[instruction.src2];
  auto &d = tiles.data[instruction.dest];
  const uint32_t depth = tiles.rows[instruction.src2];
  Pairs wide[kMaxRows];
  for (uint32_t k = 0; k < depth; ++k)
    wide[k] = widen(b[k]);
  FlushScope flush;
  for (uint32_t m = 0; m < tiles.rows[instruction.dest]; ++m) {
    const Pairs factors = widen(a[m]);
    FloatLanes even = {}, odd = {}, sum;
    for (uint32_t k = 0; k < depth; ++k) {
      multiplyAdd(even, factors.even[k], wide[k].even);
      multiplyAdd(odd, factors.odd[k], wide[k].odd);
    }
    memcpy(&sum, d[m], sizeof(sum));
    addPairs(sum, even, odd);
    memcpy(d[m], &sum, sizeof(sum));
  }
}

Fault dot(const Instruction &instruction, TileState &tiles) {
  if (Fault fault = checkDotShapes(instruction, tiles))
    return fault;
  switch (instruction.mnemonic) {
  case Mnemonic::tdpbssd:
    dotBytes(tiles, instruction, true, true);
    break;
  case Mnemonic::tdpbsud:
    dotBytes(tiles, instruction, true, false);
    break;
  case Mnemonic::tdpbusd:
    dotBytes(tiles, instruction, false, true);
    break;
  case Mnemonic::tdpbuud:
    dotBytes(tiles, instruction, false, false);
    break;
  case Mnemonic::tdpbf16ps:
    dotHalves(tiles, instruction, widenBf16Pairs);
    break;
  default:
    dotHalves(tiles, instruction, widenF16Pairs);
    break;
  }
  zeroRest(tiles, instruction.dest);
  tiles.startRow = 0;
  return {};
}

} // namespace

Fault executeTile(const Instruction &instruction, MachineState &state) {
  TileState &tiles = *state.tiles;
  switch (instruction.form) {
  case Form::ConfigLoad:
    return loadConfig(instruction, state);
  case Form::ConfigStore:
    storeConfig(instruction, state);
    return {};
  case Form::Release:
    memset(&tiles, 0, sizeof(tiles));
    return {};
  case Form::Zero:
    if (Fault fault = checkTile(instruction, tiles, instruction.dest))
      return fault;
    memset(tiles.data[instruction.dest], 0, sizeof(tiles.data[0]));
    tiles.startRow = 0;
    return {};
  case Form::Load:
  case Form::Store:
    return loadOrStore(instruction, state);
  default:
    return dot(instruction, tiles);
  }
}

uint64_t effectiveAddress(const Instruction &instruction,
                          const MachineState &state, bool withIndex) {
  const MemoryOperand &memory = instruction.memory;
  uint64_t address = uint64_t(memory.displacement);
  if (memory.hasBase)
    address += state.gpr[memory.base];
  if (memory.ripRelative)
    address += state.rip + instruction.lengthBytes;
  if (withIndex && memory.hasIndex)
    address += state.gpr[memory.index] << memory.indexShift;
  if (memory.address32)
    address = uint32_t(address);
  if (memory.segment == Segment::Fs)
    address += state.fsBase;
  if (memory.segment == Segment::Gs)
    address += state.gsBase;
  return address;
}

Fault execute(const Instruction &instruction, MachineState &state) {
  Fault fault = instruction.form <= Form::Dot
                    ? executeTile(instruction, state)
                    : executeVector(instruction, state);
  if (!fault)
    state.rip += instruction.lengthBytes;
  return fault;
}

} // namespace modelc::amxemu
