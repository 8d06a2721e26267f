//===- Decoder.cpp - VEX and EVEX bytes to an Instruction
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   62 a2 75 63 8d 50 01 ==> vpermb 64(%rax), %zmm17, %zmm18 {%k3}
//
// The order of an instruction's bytes, of which all but the middle three may
// be missing:
//   segment and address size prefixes, VEX (C4) or EVEX (62) prefix, opcode,
//   ModRM, SIB, displacement, immediate
//
// Assumes 64-bit mode. Left out: the two-byte VEX prefix (C5), which no
// instruction of Instructions.def can have, and all other opcodes.
// Source: Intel SDM volume 2, chapter 2 (2.3 VEX, 2.7 EVEX).
//
//===----------------------------------------------------------------------===//

#include "Instruction.h"
#include <string.h>

namespace modelc::amxemu {
namespace {

struct TileRow {
  Mnemonic mnemonic;
  Set set;
  uint8_t pp, opcode;
  Form form;
};

constexpr TileRow kTileRows[] = {
#define AMXEMU_TILE(name, set, pp, opcode, form)                               \
  {Mnemonic::name, Set::set, pp, opcode, Form::form},
#include "Instructions.def"
};

struct VectorRow {
  Mnemonic mnemonic;
  Set set;
  uint8_t map, pp, w, opcode, elementBytes, broadcastBytes;
  Form form;
  MemoryRead memoryRead;
};

constexpr VectorRow kEvexRows[] = {
#define AMXEMU_EVEX(name, set, map, pp, w, opcode, elementBytes, broadcast,    \
                    form, memory)                                              \
  {Mnemonic::name, Set::set,     map,       pp,         w,                     \
   opcode,         elementBytes, broadcast, Form::form, MemoryRead::memory},
#include "Instructions.def"
};

constexpr VectorRow kVexRows[] = {
#define AMXEMU_VEX(name, set, map, pp, w, opcode, elementBytes)                \
  {Mnemonic::name, Set::set,         map, pp, w, opcode, elementBytes, 0,      \
   Form::Ternary,  MemoryRead::Whole},
#include "Instructions.def"
};

/// What VEX and EVEX both hold, with the inverted bits put right.
struct Prefix {
  uint8_t map, pp, w, opcode;
  uint8_t r, x, b; ///< bit 3 of ModRM.reg, SIB.index, ModRM.rm
  uint8_t vvvv;
  uint8_t vectorBytes;
  // EVEX only.
  uint8_t rHigh; ///< bit 4 of ModRM.reg
  uint8_t mask;
  bool zeroing, broadcast;
};

class Decoding {
public:
  Decoding(const uint8_t *bytes, size_t sizeBytes)
      : bytes(bytes), sizeBytes(sizeBytes) {
    memset(&result, 0, sizeof(result));
  }

  Decoded run();

private:
  uint8_t next();
  int32_t nextInt32();
  uint8_t skipLegacyPrefixes();
  bool readVex();
  bool readEvex();
  void readModRm();
  void readMemory(uint32_t displacement8Scale);

  void decodeTile(const TileRow &row);
  void decodeVector(const VectorRow &row, bool evex);
  void checkEvex(const VectorRow &row);

  void unknown() { result.status = DecodeStatus::Unknown; }
  void illegal(const char *reason) {
    if (result.status == DecodeStatus::Decoded) {
      result.status = DecodeStatus::Illegal;
      result.reason = reason;
    }
  }
  bool isRegisterForm() const { return mod == 3; }

  const uint8_t *bytes;
  size_t sizeBytes;
  size_t at = 0;
  Decoded result;
  Instruction &out = result.instruction;
  Prefix prefix = {};
  uint8_t modRm = 0, mod = 0, reg = 0, rm = 0;
};

/// Zeros, and a refusal, behind the end.
uint8_t Decoding::next() {
  if (at >= sizeBytes || at >= 15) {
    illegal("the instruction is longer than its bytes");
    return 0;
  }
  return bytes[at++];
}

int32_t Decoding::nextInt32() {
  uint32_t value = 0;
  for (uint32_t byte = 0; byte < 4; ++byte)
    value |= uint32_t(next()) << (8 * byte);
  return int32_t(value);
}

/// Returns the first byte that is none. Before VEX and EVEX, 66H, F2H, F3H,
/// LOCK and REX are #UD, and other segments than FS and GS mean nothing.
uint8_t Decoding::skipLegacyPrefixes() {
  for (;;) {
    const uint8_t byte = next();
    switch (byte) {
    case 0x64:
      out.memory.segment = Segment::Fs;
      break;
    case 0x65:
      out.memory.segment = Segment::Gs;
      break;
    case 0x67:
      out.memory.address32 = true;
      break;
    case 0x26:
    case 0x2E:
    case 0x36:
    case 0x3E:
      break;
    default:
      return byte;
    }
    if (result.status != DecodeStatus::Decoded)
      return 0;
  }
}

/// C4 RXBmmmmm WvvvvLpp opcode
bool Decoding::readVex() {
  const uint8_t first = next();
  prefix.map = first & 31;
  if (prefix.map != 2 && prefix.map != 3)
    return false;
  const uint8_t second = next();
  prefix.r = first & 0x80 ? 0 : 8;
  prefix.x = first & 0x40 ? 0 : 8;
  prefix.b = first & 0x20 ? 0 : 8;
  prefix.w = second >> 7;
  prefix.vvvv = ~(second >> 3) & 15;
  prefix.vectorBytes = second & 4 ? 32 : 16;
  prefix.pp = second & 3;
  prefix.opcode = next();
  return true;
}

/// 62 RXBR'0mmm Wvvvv1pp zL'LbV'aaa opcode
bool Decoding::readEvex() {
  const uint8_t first = next();
  prefix.map = first & 15;
  if (prefix.map != 2 && prefix.map != 3)
    return false;
  const uint8_t second = next();
  if (!(second & 4))
    return false;
  const uint8_t third = next();
  prefix.r = first & 0x80 ? 0 : 8;
  prefix.x = first & 0x40 ? 0 : 8;
  prefix.b = first & 0x20 ? 0 : 8;
  prefix.rHigh = first & 0x10 ? 0 : 16;
  prefix.w = second >> 7;
  prefix.vvvv = (~(second >> 3) & 15) | (third & 8 ? 0 : 16);
  prefix.pp = second & 3;
  prefix.zeroing = third >> 7;
  const uint8_t length = third >> 5 & 3;
  prefix.vectorBytes = length == 3 ? 0 : 16 << length;
  prefix.broadcast = third >> 4 & 1;
  prefix.mask = third & 7;
  prefix.opcode = next();
  return true;
}

void Decoding::readModRm() {
  modRm = next();
  mod = modRm >> 6;
  reg = modRm >> 3 & 7;
  rm = modRm & 7;
}

/// SIB and displacement of a ModRM that is not the register form.
void Decoding::readMemory(uint32_t displacement8Scale) {
  MemoryOperand &memory = out.memory;
  out.hasMemory = true;
  bool displacement32 = mod == 2;
  memory.hasBase = true;
  memory.base = rm | prefix.b;
  if (rm == 4) {
    const uint8_t sib = next();
    memory.base = (sib & 7) | prefix.b;
    memory.index = (sib >> 3 & 7) | prefix.x;
    memory.hasIndex = memory.index != 4;
    memory.indexShift = sib >> 6;
    if ((sib & 7) == 5 && mod == 0) {
      memory.hasBase = false;
      displacement32 = true;
    }
  } else if (rm == 5 && mod == 0) {
    memory.hasBase = false;
    memory.ripRelative = true;
    displacement32 = true;
  }
  if (mod == 1)
    memory.displacement = int64_t(int8_t(next())) * displacement8Scale;
  else if (displacement32)
    memory.displacement = nextInt32();
}

bool matches(const TileRow &row, uint8_t mod, uint8_t modRm) {
  switch (row.form) {
  case Form::ConfigLoad:
  case Form::ConfigStore:
    return mod != 3 && (modRm >> 3 & 7) == 0;
  case Form::Release:
    return modRm == 0xC0;
  case Form::Zero:
    return mod == 3 && (modRm & 7) == 0;
  case Form::Load:
  case Form::Store:
    return mod != 3;
  default:
    return mod == 3;
  }
}

void Decoding::decodeTile(const TileRow &row) {
  out.mnemonic = row.mnemonic;
  out.set = row.set;
  out.form = row.form;
  out.dest = reg | prefix.r;
  if (row.form == Form::Dot) {
    out.src1 = rm | prefix.b;
    out.src2 = prefix.vvvv;
  } else if (prefix.vvvv) {
    illegal("VEX.vvvv is not 1111");
  }
  if (!isRegisterForm())
    readMemory(1);
  if ((row.form == Form::Load || row.form == Form::Store) && rm != 4)
    illegal("the memory operand has no SIB byte");
  if (prefix.w || prefix.vectorBytes != 16)
    illegal("VEX.W or VEX.L is set");
  if (out.dest > 7 || out.src1 > 7 || out.src2 > 7)
    illegal("there are no tiles above tmm7");
}

/// What is #UD of the fields that only EVEX has.
void Decoding::checkEvex(const VectorRow &row) {
  if (!prefix.vectorBytes)
    illegal("EVEX.L'L is 3");
  if (prefix.broadcast && (isRegisterForm() || !row.broadcastBytes))
    illegal("EVEX.b is set");
  if (prefix.zeroing && !prefix.mask)
    illegal("EVEX.z without a mask");
  if (prefix.zeroing && (row.form == Form::MaskResult ||
                         (row.form == Form::Compress && !isRegisterForm())))
    illegal("EVEX.z, and the destination is no vector");
  if (row.form == Form::MaskResult && out.dest > 7)
    illegal("there are no masks above k7");
}

void Decoding::decodeVector(const VectorRow &row, bool evex) {
  out.mnemonic = row.mnemonic;
  out.set = row.set;
  out.form = row.form;
  out.memoryRead = row.memoryRead;
  out.elementBytes = row.elementBytes;
  out.vectorBytes = prefix.vectorBytes;
  out.mask = prefix.mask;
  out.zeroing = prefix.zeroing;
  out.broadcastBytes = prefix.broadcast ? row.broadcastBytes : 0;
  const uint8_t regField = reg | prefix.r | prefix.rHigh;
  const uint8_t rmField = rm | prefix.b | (evex ? prefix.x << 1 : 0);
  out.dest = regField;
  out.src1 = prefix.vvvv;
  out.src2 = rmField;
  if (row.form == Form::Compress) {
    out.dest = rmField;
    out.src2 = regField;
  }
  if (row.form != Form::Ternary && row.form != Form::MaskResult && prefix.vvvv)
    illegal("EVEX.vvvv is not 1111");
  if (!isRegisterForm()) {
    const bool oneElement =
        row.form == Form::Compress || row.form == Form::Expand;
    readMemory(!evex              ? 1
               : prefix.broadcast ? row.broadcastBytes
               : oneElement       ? row.elementBytes
                                  : prefix.vectorBytes);
  }
  if (row.map == 3)
    out.immediate = next();
  if (evex)
    checkEvex(row);
}

Decoded Decoding::run() {
  const uint8_t first = skipLegacyPrefixes();
  const bool evex = first == 0x62;
  const bool known = evex ? readEvex() : first == 0xC4 && readVex();
  if (!known || result.status != DecodeStatus::Decoded) {
    if (!known)
      unknown();
    return result;
  }
  auto fits = [this](const VectorRow &row) {
    return row.map == prefix.map && row.pp == prefix.pp && row.w == prefix.w &&
           row.opcode == prefix.opcode;
  };
  bool found = false;
  readModRm();
  for (const TileRow &row : kTileRows)
    if (!evex && !found && prefix.map == 2 && row.pp == prefix.pp &&
        row.opcode == prefix.opcode && matches(row, mod, modRm)) {
      decodeTile(row);
      found = true;
    }
  for (const VectorRow &row : kVexRows)
    if (!evex && !found && fits(row)) {
      decodeVector(row, evex);
      found = true;
    }
  for (const VectorRow &row : kEvexRows)
    if (evex && !found && fits(row)) {
      decodeVector(row, evex);
      found = true;
    }
  if (!found)
    unknown();
  out.lengthBytes = uint8_t(at);
  return result;
}

} // namespace

Decoded decode(const uint8_t *bytes, size_t sizeBytes) {
  return Decoding(bytes, sizeBytes).run();
}

} // namespace modelc::amxemu
