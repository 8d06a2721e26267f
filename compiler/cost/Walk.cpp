//===- Walk.cpp - How often each block of a kernel runs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interpreter of what ScalarCode.h knows, on values that may be unknown.
// Nothing is assumed about how a kernel counts: its own instructions say how
// often its loops go round for these tiles and this count.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Walk.h"
#include "compiler/cost/ScalarCode.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace modelc;
using namespace modelc::cost;

namespace {

using Value = std::optional<uint64_t>;

/// A register, of whose lowest bytes so many are known.
struct Register {
  uint64_t value = 0;
  uint8_t known = 0;
};

struct Flags {
  bool areKnown = false;
  bool zero = false, sign = false, carry = false, overflow = false,
       parity = false;
};

/// A block's instructions that matter.
using ScalarBlock = std::vector<ScalarInstruction>;

class Walker {
public:
  Walker(const Machine &machine, const Flow &flow,
         std::span<const MemoryRange> memory)
      : flow(flow), memory(memory) {
    for (const Block &block : flow.blocks) {
      ScalarBlock &scalar = blocks.emplace_back();
      for (int64_t i = block.first; i < block.end; ++i)
        if (std::optional<ScalarInstruction> translated =
                translate(machine, flow.instructions[i]))
          scalar.push_back(*translated);
    }
    // The way out of a loop is the successor that lies in fewer loops.
    depths.resize(flow.blocks.size());
    for (const Loop &loop : flow.loops)
      for (int64_t block : loop.ownBlocks)
        depths[block] = loop.depth;
    headers.resize(flow.blocks.size());
    for (const Loop &loop : flow.loops)
      headers[loop.header] = loop.depth > 0;
  }

  absl::StatusOr<WalkResult> run(uint64_t params, uint64_t maxInstructions);

private:
  enum class Next { Following, Taken, Returned };

  Next runBlock(int64_t block);
  Next jumpIf(int64_t block, const ScalarInstruction &instruction);
  void execute(const ScalarInstruction &instruction);
  Value getMoved(const ScalarInstruction &i);
  void executeBinary(const ScalarInstruction &i);
  void executeUnary(const ScalarInstruction &i);
  void executeShift(const ScalarInstruction &i);
  void executeThree(const ScalarInstruction &i);
  void executeStack(const ScalarInstruction &i);
  void multiplyWide(const ScalarInstruction &i);
  void readTileConfig(const ScalarInstruction &i);

  Value read(const ScalarOperand &operand, uint64_t nextAddress);
  void write(const ScalarOperand &operand, Value value);
  Value getRegister(int8_t number, uint8_t bytes) const;
  Value getAddress(const ScalarOperand &operand, uint64_t nextAddress) const;
  Value load(Value address, uint8_t bytes) const;
  void store(Value address, uint8_t bytes, Value value);
  std::optional<bool> test(uint8_t condition) const;
  void setResultFlags(uint64_t result, uint8_t bytes);
  void forgetFlags() { flags.areKnown = false; }

  const Flow &flow;
  std::span<const MemoryRange> memory;
  std::vector<ScalarBlock> blocks;
  std::vector<int64_t> depths;
  std::vector<bool> headers;
  std::array<Register, 16> registers;
  Flags flags;
  llvm::DenseMap<uint64_t, uint8_t> stack; ///< Known bytes.
  WalkResult result;
};

constexpr int8_t kStackPointer = 4;
constexpr int8_t kFirstArgument = 7; ///< RDI, by the System V ABI.
// No kernel has a megabyte of stack.
constexpr uint64_t kStackEnd = 0x7fff'0000'0000;
constexpr uint64_t kStackBytes = 1 << 20;

} // namespace

absl::StatusOr<WalkResult> cost::walk(const Machine &machine, const Flow &flow,
                                      uint64_t params,
                                      std::span<const MemoryRange> memory,
                                      uint64_t maxInstructions) {
  return Walker(machine, flow, memory).run(params, maxInstructions);
}

static uint64_t truncate(uint64_t value, uint8_t bytes) {
  return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
}

static uint64_t signExtend(uint64_t value, uint8_t bytes) {
  return static_cast<uint64_t>(llvm::SignExtend64(value, 8u * bytes));
}

static bool isNegative(uint64_t value, uint8_t bytes) {
  return value >> (8 * bytes - 1) & 1;
}

absl::StatusOr<WalkResult> Walker::run(uint64_t params,
                                       uint64_t maxInstructions) {
  result.counts.resize(flow.blocks.size());
  registers[kStackPointer] = {kStackEnd - 8, 8};
  registers[kFirstArgument] = {params, 8};
  int64_t block = 0;
  for (uint64_t done = 0; done < maxInstructions;) {
    ++result.counts[block];
    done += blocks[block].size() + 1;
    Next next = runBlock(block);
    if (next == Next::Returned)
      return std::move(result);
    const llvm::SmallVector<int64_t, 2> &successors =
        flow.blocks[block].successors;
    if (successors.empty())
      return absl::DataLossError("the kernel's code ends without a return");
    block = next == Next::Taken ? successors.front() : successors.back();
  }
  return absl::DeadlineExceededError("the kernel runs for too long");
}

Walker::Next Walker::runBlock(int64_t block) {
  for (const ScalarInstruction &instruction : blocks[block]) {
    switch (instruction.op) {
    case ScalarOp::Return:
      return Next::Returned;
    case ScalarOp::Jump:
      return Next::Taken;
    case ScalarOp::JumpIf:
      return jumpIf(block, instruction);
    default:
      execute(instruction);
    }
  }
  return Next::Following;
}

/// A branch between what goes round and what leaves leaves, if it cannot be
/// known.
Walker::Next Walker::jumpIf(int64_t block,
                            const ScalarInstruction &instruction) {
  if (std::optional<bool> isTaken = test(instruction.condition))
    return *isTaken ? Next::Taken : Next::Following;
  const llvm::SmallVector<int64_t, 2> &successors =
      flow.blocks[block].successors;
  int64_t taken = successors.front(), following = successors.back();
  // What goes back to a header goes round.
  bool takenGoesRound = headers[taken] && taken <= block;
  bool followingGoesRound = headers[following] && following <= block;
  bool isLoopChoice = takenGoesRound != followingGoesRound ||
                      depths[taken] != depths[following];
  if (isLoopChoice)
    ++result.guesses;
  if (takenGoesRound != followingGoesRound)
    return takenGoesRound ? Next::Following : Next::Taken;
  return depths[taken] < depths[following] ? Next::Taken : Next::Following;
}

void Walker::execute(const ScalarInstruction &i) {
  switch (i.op) {
  case ScalarOp::Add:
  case ScalarOp::Adc:
  case ScalarOp::Sub:
  case ScalarOp::Sbb:
  case ScalarOp::And:
  case ScalarOp::Or:
  case ScalarOp::Xor:
  case ScalarOp::Cmp:
  case ScalarOp::Test:
  case ScalarOp::IMul:
    return executeBinary(i);
  case ScalarOp::Inc:
  case ScalarOp::Dec:
  case ScalarOp::Neg:
  case ScalarOp::Not:
    return executeUnary(i);
  case ScalarOp::Shl:
  case ScalarOp::Shr:
  case ScalarOp::Sar:
    return executeShift(i);
  case ScalarOp::IMul3:
  case ScalarOp::ShlX:
  case ScalarOp::ShrX:
  case ScalarOp::SarX:
  case ScalarOp::AndN:
    return executeThree(i);
  case ScalarOp::Push:
  case ScalarOp::Pop:
    return executeStack(i);
  case ScalarOp::MulWide:
    return multiplyWide(i);
  case ScalarOp::TileConfig:
    return readTileConfig(i);
  case ScalarOp::Unknown:
    for (unsigned r = 0; r < registers.size(); ++r)
      if (i.clobbers >> r & 1)
        registers[r].known = 0;
    if (i.writesFlags)
      forgetFlags();
    return;
  default:
    return write(i.to, getMoved(i));
  }
}

/// What an instruction that computes nothing writes.
Value Walker::getMoved(const ScalarInstruction &i) {
  switch (i.op) {
  case ScalarOp::Mov:
    return read(i.from, i.nextAddress);
  case ScalarOp::MovS:
    if (Value value = read(i.from, i.nextAddress))
      return signExtend(*value, i.from.bytes);
    return {};
  case ScalarOp::Lea:
    return getAddress(i.from, i.nextAddress);
  case ScalarOp::CMov:
    if (std::optional<bool> isTaken = test(i.condition))
      return read(*isTaken ? i.from : i.to, i.nextAddress);
    return {};
  case ScalarOp::Set:
    if (std::optional<bool> isTaken = test(i.condition))
      return *isTaken ? 1 : 0;
    return {};
  default:
    llvm_unreachable("execute and runBlock have the others");
  }
}

void Walker::setResultFlags(uint64_t result, uint8_t bytes) {
  flags.areKnown = true;
  flags.zero = result == 0;
  flags.sign = isNegative(result, bytes);
  flags.parity = llvm::popcount(result & 0xff) % 2 == 0;
  flags.carry = flags.overflow = false;
}

void Walker::executeBinary(const ScalarInstruction &i) {
  uint8_t bytes = i.to.bytes;
  Value to = read(i.to, i.nextAddress), from = read(i.from, i.nextAddress);
  bool isSame = i.to.kind == ScalarOperand::Register &&
                i.from.kind == ScalarOperand::Register &&
                i.to.base == i.from.base && i.to.bytes == i.from.bytes;
  if (isSame && (i.op == ScalarOp::Xor || i.op == ScalarOp::Sub))
    to = from = 0; // Zero, whatever is in it.
  if (i.op == ScalarOp::And && from && truncate(*from, bytes) == 0)
    to = 0;
  bool needsCarry = i.op == ScalarOp::Adc || i.op == ScalarOp::Sbb;
  bool writes = i.op != ScalarOp::Cmp && i.op != ScalarOp::Test;
  if (!to || !from || (needsCarry && !flags.areKnown)) {
    forgetFlags();
    if (writes)
      write(i.to, {});
    return;
  }
  uint64_t a = truncate(*to, bytes), b = truncate(*from, bytes), r = 0;
  uint64_t carryIn = needsCarry && flags.carry;
  bool isSum = i.op == ScalarOp::Add || i.op == ScalarOp::Adc;
  bool isDifference =
      i.op == ScalarOp::Sub || i.op == ScalarOp::Sbb || i.op == ScalarOp::Cmp;
  if (isSum)
    r = a + b + carryIn;
  else if (isDifference)
    r = a - b - carryIn;
  else if (i.op == ScalarOp::Or)
    r = a | b;
  else if (i.op == ScalarOp::Xor)
    r = a ^ b;
  else if (i.op == ScalarOp::IMul)
    r = a * b;
  else
    r = a & b;
  r = truncate(r, bytes);
  setResultFlags(r, bytes);
  if (isSum) {
    flags.carry = r < a || (carryIn && r == a);
    flags.overflow = isNegative((a ^ r) & (b ^ r), bytes);
  } else if (isDifference) {
    flags.carry = a < b || (carryIn && a == b);
    flags.overflow = isNegative((a ^ b) & (a ^ r), bytes);
  }
  if (i.op == ScalarOp::IMul)
    forgetFlags();
  if (writes)
    write(i.to, r);
}

void Walker::executeUnary(const ScalarInstruction &i) {
  uint8_t bytes = i.to.bytes;
  Value to = read(i.to, i.nextAddress);
  if (!to) {
    if (i.op != ScalarOp::Not)
      forgetFlags();
    return write(i.to, {});
  }
  uint64_t a = truncate(*to, bytes);
  bool carry = flags.carry, wereKnown = flags.areKnown;
  uint64_t r = i.op == ScalarOp::Inc   ? a + 1
               : i.op == ScalarOp::Dec ? a - 1
               : i.op == ScalarOp::Neg ? 0 - a
                                       : ~a;
  r = truncate(r, bytes);
  if (i.op != ScalarOp::Not) {
    setResultFlags(r, bytes);
    uint64_t lowest = uint64_t{1} << (8 * bytes - 1);
    flags.overflow = (i.op == ScalarOp::Dec ? a : r) == lowest;
    // INC and DEC leave the carry, which nobody asks for if it was unknown.
    flags.carry = i.op == ScalarOp::Neg ? a != 0 : wereKnown && carry;
  }
  write(i.to, r);
}

void Walker::executeShift(const ScalarInstruction &i) {
  uint8_t bytes = i.to.bytes;
  Value to = read(i.to, i.nextAddress), from = read(i.from, i.nextAddress);
  if (!to || !from) {
    forgetFlags();
    return write(i.to, {});
  }
  uint64_t count = *from & (bytes == 8 ? 63 : 31);
  if (count == 0)
    return write(i.to, truncate(*to, bytes));
  uint64_t a = truncate(*to, bytes), r = 0;
  bool carry = false;
  if (i.op == ScalarOp::Shl) {
    r = truncate(a << count, bytes);
    carry = count <= 8u * bytes && (a >> (8 * bytes - count) & 1);
  } else {
    uint64_t wide = i.op == ScalarOp::Sar ? signExtend(a, bytes) : a;
    carry = wide >> (count - 1) & 1;
    r = truncate(
        i.op == ScalarOp::Sar
            ? static_cast<uint64_t>(static_cast<int64_t>(wide) >> count)
            : wide >> count,
        bytes);
  }
  setResultFlags(r, bytes);
  flags.carry = carry;
  write(i.to, r);
}

void Walker::executeThree(const ScalarInstruction &i) {
  uint8_t bytes = i.to.bytes;
  Value from = read(i.from, i.nextAddress),
        third = read(i.third, i.nextAddress);
  if (i.writesFlags)
    forgetFlags();
  if (!from || !third)
    return write(i.to, {});
  uint64_t a = truncate(*from, bytes), b = truncate(*third, bytes);
  uint64_t count = b & (bytes == 8 ? 63 : 31);
  uint64_t r = 0;
  if (i.op == ScalarOp::IMul3)
    r = a * b;
  else if (i.op == ScalarOp::ShlX)
    r = a << count;
  else if (i.op == ScalarOp::ShrX)
    r = a >> count;
  else if (i.op == ScalarOp::SarX)
    r = static_cast<uint64_t>(static_cast<int64_t>(signExtend(a, bytes)) >>
                              count);
  else
    r = ~a & b;
  r = truncate(r, bytes);
  if (i.op == ScalarOp::AndN)
    setResultFlags(r, bytes);
  write(i.to, r);
}

void Walker::multiplyWide(const ScalarInstruction &i) {
  uint8_t bytes = i.to.bytes;
  Value a = getRegister(i.fixed, bytes), b = read(i.from, i.nextAddress);
  if (i.writesFlags)
    forgetFlags();
  if (!a || !b) {
    write(i.third, {});
    return write(i.to, {});
  }
  unsigned __int128 product =
      static_cast<unsigned __int128>(truncate(*a, bytes)) * truncate(*b, bytes);
  write(i.third, truncate(static_cast<uint64_t>(product), bytes));
  write(i.to, truncate(static_cast<uint64_t>(product >> (8 * bytes)), bytes));
}

void Walker::executeStack(const ScalarInstruction &i) {
  Value top = getRegister(kStackPointer, 8);
  if (i.op == ScalarOp::Push) {
    Value value = read(i.to, i.nextAddress);
    if (top)
      registers[kStackPointer].value = *top -= 8;
    return store(top, 8, value);
  }
  if (top)
    registers[kStackPointer].value = *top + 8;
  write(i.to, load(top, 8));
}

/// Rows of tiles are bytes 48 to 55 (Intel SDM vol. 1, 18.2).
void Walker::readTileConfig(const ScalarInstruction &i) {
  Value address = getAddress(i.from, i.nextAddress);
  for (unsigned tile = 0; tile < result.tileRows.size(); ++tile) {
    Value rows = address ? load(*address + 48 + tile, 1) : Value();
    result.tileRows[tile] = static_cast<uint8_t>(rows.value_or(16));
  }
}

Value Walker::read(const ScalarOperand &operand, uint64_t nextAddress) {
  switch (operand.kind) {
  case ScalarOperand::Register: {
    uint8_t first = operand.isHighByte ? 1 : 0;
    Value value =
        getRegister(operand.base, static_cast<uint8_t>(first + operand.bytes));
    return value ? truncate(*value >> (8 * first), operand.bytes) : value;
  }
  case ScalarOperand::Immediate:
    return static_cast<uint64_t>(operand.value);
  case ScalarOperand::Memory:
    return load(getAddress(operand, nextAddress), operand.bytes);
  case ScalarOperand::None:
    break;
  }
  return {};
}

void Walker::write(const ScalarOperand &operand, Value value) {
  if (operand.kind == ScalarOperand::Memory)
    return store(getAddress(operand, 0), operand.bytes, value);
  Register &target = registers[operand.base];
  if (operand.bytes >= 4) {
    // 32 bits clear the upper ones.
    target = {truncate(value.value_or(0), operand.bytes),
              static_cast<uint8_t>(value ? 8 : 0)};
    return;
  }
  uint8_t first = operand.isHighByte ? 1 : 0;
  auto end = static_cast<uint8_t>(first + operand.bytes);
  if (!value) {
    target.known = std::min(target.known, first);
    return;
  }
  uint64_t mask = truncate(~uint64_t{0}, operand.bytes) << (8 * first);
  target.value = (target.value & ~mask) | (*value << (8 * first) & mask);
  if (target.known >= first)
    target.known = std::max(target.known, end);
}

/// The lowest bytes of a register; the others are zero.
Value Walker::getRegister(int8_t number, uint8_t bytes) const {
  const Register &reg = registers[number];
  return reg.known >= bytes ? Value(truncate(reg.value, bytes)) : Value();
}

Value Walker::getAddress(const ScalarOperand &operand,
                         uint64_t nextAddress) const {
  uint64_t address = static_cast<uint64_t>(operand.value);
  if (operand.base == kRip) {
    address += nextAddress;
  } else if (operand.base != kNoRegister) {
    Value base = getRegister(operand.base, 8);
    if (!base)
      return {};
    address += *base;
  }
  if (operand.index != kNoRegister) {
    Value index = getRegister(operand.index, 8);
    if (!index)
      return {};
    address += *index * static_cast<uint64_t>(operand.scale);
  }
  return address;
}

Value Walker::load(Value address, uint8_t bytes) const {
  if (!address || bytes > 8)
    return {};
  uint64_t value = 0;
  if (*address >= kStackEnd - kStackBytes && *address < kStackEnd) {
    for (uint8_t i = 0; i < bytes; ++i) {
      auto found = stack.find(*address + i);
      if (found == stack.end())
        return {};
      value |= static_cast<uint64_t>(found->second) << (8 * i);
    }
    return value;
  }
  for (const MemoryRange &range : memory) {
    uint64_t offset = *address - range.address;
    if (*address < range.address || offset > range.bytes.size() ||
        range.bytes.size() - offset < bytes)
      continue;
    std::memcpy(&value, range.bytes.data() + offset, bytes);
    return value;
  }
  return {};
}

void Walker::store(Value address, uint8_t bytes, Value value) {
  // Other memory is data, or is not written.
  if (!address || *address < kStackEnd - kStackBytes || *address >= kStackEnd)
    return;
  for (uint8_t i = 0; i < bytes; ++i)
    if (value)
      stack[*address + i] = static_cast<uint8_t>(*value >> (8 * i));
    else
      stack.erase(*address + i);
}

std::optional<bool> Walker::test(uint8_t condition) const {
  if (!flags.areKnown)
    return {};
  bool isLess = flags.sign != flags.overflow;
  bool holds = false;
  switch (condition / 2) { // X86's codes come in pairs of opposites.
  case 0:
    holds = flags.overflow;
    break;
  case 1:
    holds = flags.carry;
    break;
  case 2:
    holds = flags.zero;
    break;
  case 3:
    holds = flags.carry || flags.zero;
    break;
  case 4:
    holds = flags.sign;
    break;
  case 5:
    holds = flags.parity;
    break;
  case 6:
    holds = isLess;
    break;
  default:
    holds = isLess || flags.zero;
  }
  return holds != (condition % 2 == 1);
}
