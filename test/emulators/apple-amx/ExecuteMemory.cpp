//===- ExecuteMemory.cpp - Loads, stores, moves between X, Y and Z
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts: corsix/amx, ldst.md, extr_x.md, extr_y.md, extr_h.md, extr_v.md.
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

using namespace modelc::appleamx;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {

/// The registers that one load or store moves: `count` of them, `step` apart
/// in a file of `files` registers.
struct Transfer {
  uint8_t *memory;
  uint32_t first, count, step, files;

  uint32_t registerAt(uint32_t i) const { return (first + i * step) % files; }
  bool isAligned() const {
    return count == 1 || reinterpret_cast<uintptr_t>(memory) % 128 == 0;
  }
};

constexpr const char *kMisaligned =
    "moves more than one register to or from an address that is not a "
    "multiple of 128";

} // namespace

static Transfer readTransfer(Chip chip, Operand operand, uint32_t files,
                             bool isLoadOfXY) {
  Transfer transfer;
  transfer.memory = reinterpret_cast<uint8_t *>(operand.pointer());
  transfer.first = operand.field(56, 6) % files;
  transfer.count = operand.bit(62) ? 2 : 1;
  transfer.step = 1;
  transfer.files = files;
  if (operand.bit(62) && isLoadOfXY) {
    if (chip >= Chip::M2 && operand.bit(60))
      transfer.count = 4;
    if (chip >= Chip::M3 && operand.bit(61))
      transfer.step = files / transfer.count;
  }
  return transfer;
}

static Refusal load(Register *registers, const Transfer &transfer) {
  if (!transfer.isAligned())
    return kMisaligned;
  for (uint32_t i = 0; i < transfer.count; ++i)
    memcpy(registers[transfer.registerAt(i)].bytes,
           transfer.memory + i * kRegisterBytes, kRegisterBytes);
  return nullptr;
}

static Refusal store(const Register *registers, const Transfer &transfer) {
  if (!transfer.isAligned())
    return kMisaligned;
  for (uint32_t i = 0; i < transfer.count; ++i)
    memcpy(transfer.memory + i * kRegisterBytes,
           registers[transfer.registerAt(i)].bytes, kRegisterBytes);
  return nullptr;
}

/// Half of a pair of Z registers, 16 lanes of 32 bits: even lanes of memory
/// are in the even register, odd ones in the odd.
static Refusal moveInterleaved(Machine &machine, Operand operand, bool isLoad) {
  auto *memory = reinterpret_cast<uint8_t *>(operand.pointer());
  const uint32_t pair = operand.field(57, 5) * 2;
  const uint32_t firstLane = operand.bit(56) ? 8 : 0;
  for (uint32_t i = 0; i < 16; ++i) {
    uint8_t *lane = machine.z[pair + i % 2].bytes + (firstLane + i / 2) * 4;
    if (isLoad)
      memcpy(lane, memory + i * 4, 4);
    else
      memcpy(memory + i * 4, lane, 4);
  }
  return nullptr;
}

Refusal modelc::appleamx::executeMemory(Machine &machine, Chip chip,
                                        Opcode opcode, Operand operand) {
  switch (opcode) {
  case Opcode::Ldx:
    return load(machine.x.registers, readTransfer(chip, operand, 8, true));
  case Opcode::Ldy:
    return load(machine.y.registers, readTransfer(chip, operand, 8, true));
  case Opcode::Stx:
    return store(machine.x.registers, readTransfer(chip, operand, 8, false));
  case Opcode::Sty:
    return store(machine.y.registers, readTransfer(chip, operand, 8, false));
  case Opcode::Ldz:
    return load(machine.z, readTransfer(chip, operand, 64, false));
  case Opcode::Stz:
    return store(machine.z, readTransfer(chip, operand, 64, false));
  default:
    return moveInterleaved(machine, operand, opcode == Opcode::Ldzi);
  }
}

//===----------------------------------------------------------------------===//
// Between X, Y and Z
//===----------------------------------------------------------------------===//

namespace {

/// Where lanes of X or Y come from. If lanes of Z are wider, `z / xy`
/// neighbours come from as many rows, `rowStep` apart.
struct Widths {
  uint32_t xyBytes, zBytes, rowStep;
  bool isFloat;

  bool isNarrowing() const { return xyBytes != zBytes; }
};

struct Extraction {
  Widths widths;
  uint32_t rowOrColumn, destination;
  uint64_t enabledBytes;
  bool isToY, isZero;
  Narrowing narrowing;
};

} // namespace

static Widths readWidths(Chip chip, Operand operand) {
  const bool isFloat = operand.bit(63);
  const uint32_t mode = operand.field(11, 4);
  if (isFloat) {
    if (mode == 1)
      return {8, 8, 0, true};
    if (mode == 8)
      return {4, 4, 0, true};
    if ((mode == 9 || mode == 10) && chip >= Chip::M2)
      return {2, 4, mode - 8, true};
    return {2, 2, 0, true};
  }
  switch (mode) {
  case 0:
    return {1, 1, 0, false};
  case 8:
    return {4, 4, 0, false};
  case 9:
    return {2, 4, 1, false};
  case 10:
    return {2, 4, 2, false};
  case 11:
    return {1, 4, 1, false};
  case 13:
    return {1, 2, 1, false};
  default:
    return {2, 2, 0, false};
  }
}

int64_t Narrowing::apply(int64_t value, uint32_t bits) const {
  if (isRounding && shift != 0)
    value += int64_t(1) << (shift - 1);
  value >>= shift;
  if (!isSaturating)
    return value;
  const int64_t limit = int64_t(1) << (isOutputSigned ? bits - 1 : bits);
  // A signed input may be below 0; an unsigned one never is.
  const int64_t lowest = isOutputSigned ? -limit : 0;
  if (isInputSigned && value < lowest)
    return lowest;
  return value >= limit ? limit - 1 : value;
}

/// Extractions with bit 26 set: all widths, to X or Y.
static Extraction readWideForm(Chip chip, Operand operand) {
  Extraction result;
  result.widths = readWidths(chip, operand);
  result.rowOrColumn = operand.field(20, 6);
  result.destination = operand.field(0, 9);
  result.isToY = operand.bit(10);
  const uint32_t mode = operand.field(38, 3), value = operand.field(32, 6);
  const uint32_t xyBytes = result.widths.xyBytes;
  result.enabledBytes =
      bytesOfLanes(enabledLanes9(mode, value, 64 / xyBytes), xyBytes);
  result.isZero = mode == 0 && value == 3;
  result.narrowing = {operand.field(58, 5), operand.bit(54), operand.bit(55),
                      operand.bit(57), operand.bit(56)};
  return result;
}

/// Extractions with bits 26 and 27 clear: lanes of one width, rows to X or
/// columns to Y, with the mask where that instruction has it.
static Extraction readPlainForm(Operand operand, bool isRow) {
  Extraction result;
  const uint32_t mode = operand.field(28, 2);
  const bool isLowHalf = mode == 3;
  const uint32_t laneBytes = isLowHalf ? 2 : 8u >> mode;
  result.widths = {laneBytes, laneBytes, 0, false};
  result.rowOrColumn = operand.field(20, 6);
  result.destination = operand.field(isRow ? 10 : 0, 9);
  result.isToY = !isRow;
  const uint32_t mask = isRow ? 41 : 32;
  result.enabledBytes = bytesOfLanes(enabledLanes7(operand.field(mask + 5, 2),
                                                   operand.field(mask, 5),
                                                   kRegisterBytes / laneBytes),
                                     laneBytes);
  if (isLowHalf)
    result.enabledBytes &= 0x5555555555555555;
  result.isZero = false;
  result.narrowing = {};
  return result;
}

static int64_t narrowed(int64_t value, const Extraction &extraction) {
  if (!extraction.widths.isNarrowing())
    return value;
  if (!extraction.widths.isFloat)
    return extraction.narrowing.apply(value, 8 * extraction.widths.xyBytes);
  const auto bits = uint32_t(value);
  float wide;
  memcpy(&wide, &bits, sizeof(wide));
  const auto half = static_cast<_Float16>(wide);
  uint16_t result;
  memcpy(&result, &half, sizeof(result));
  return result;
}

/// Lanes of a row, or of a column: there each lane of X or Y is `xyBytes` of
/// the height of Z, and low bits of the column choose the row in the cell.
static void extract(Machine &machine, const Extraction &extraction,
                    bool isRow) {
  const Widths &widths = extraction.widths;
  const uint32_t ratio = widths.zBytes / widths.xyBytes;
  const uint32_t inCell = widths.zBytes - 1;
  Register result = {};
  for (uint32_t lane = 0; lane < kRegisterBytes / widths.xyBytes; ++lane) {
    const uint32_t start =
        extraction.rowOrColumn + lane % ratio * widths.rowStep;
    const uint32_t cell =
        isRow ? extraction.rowOrColumn : lane * widths.xyBytes;
    const uint32_t row = (cell & ~inCell) | (start & inCell);
    const uint32_t zLane =
        isRow ? lane / ratio : extraction.rowOrColumn / widths.zBytes;
    const int64_t value = machine.z[row].getInt(
        zLane, widths.zBytes, extraction.narrowing.isInputSigned);
    result.setInt(lane, widths.xyBytes,
                  extraction.isZero ? 0 : narrowed(value, extraction));
  }
  Pool &pool = extraction.isToY ? machine.y : machine.x;
  pool.write(extraction.destination, result, extraction.enabledBytes);
}

Refusal modelc::appleamx::executeExtract(Machine &machine, Chip chip,
                                         Opcode opcode, Operand operand) {
  const bool isRow = opcode == Opcode::Extrx;
  if (operand.bit(26)) {
    if (chip >= Chip::M2 && operand.bit(31))
      return "several vectors (bit 31) are not emulated";
    const Extraction extraction = readWideForm(chip, operand);
    if (extraction.widths.isFloat && extraction.widths.isNarrowing() &&
        operand.bit(62))
      return "bf16 is not emulated";
    extract(machine, extraction, isRow);
  } else if (!operand.bit(27)) {
    extract(machine, readPlainForm(operand, isRow), isRow);
  } else if (isRow) {
    machine.x.registers[operand.field(16, 3)] =
        machine.y.registers[operand.field(20, 3)];
  } else {
    machine.y.registers[operand.field(6, 3)] =
        machine.x.registers[operand.field(20, 3)];
  }
  return nullptr;
}
