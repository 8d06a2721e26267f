//===- ScalarCode.cpp - The integer instructions that decide how loops go
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ADD64ri8 $rax, $rax, 8   ==>   Add, to: register 0, from: immediate 8
//
// LLVM's opcodes have no public numbers, but names: a mnemonic, the width in
// bits, and a letter for each operand (register, memory, immediate).
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/ScalarCode.h"
#include "llvm/ADT/StringSwitch.h"

using namespace modelc;
using namespace modelc::cost;

namespace {

/// An opcode's name in its parts: "ADD", 64, "ri8".
struct OpcodeName {
  llvm::StringRef mnemonic;
  uint8_t bytes = 0;
  llvm::StringRef form;
};

class Translator {
public:
  Translator(const Machine &machine, const Instruction &instruction)
      : machine(machine), inst(instruction.inst) {
    result.nextAddress = instruction.address + instruction.bytes;
  }

  std::optional<ScalarInstruction> run();

private:
  bool translateFlow(llvm::StringRef name);
  bool translateNamed(const OpcodeName &name);
  bool translateBinary(const OpcodeName &name, ScalarOp op);
  bool translateUnary(const OpcodeName &name, ScalarOp op);
  bool translateShift(const OpcodeName &name, ScalarOp op);
  bool translateThree(const OpcodeName &name, ScalarOp op);
  bool translateExtend(const OpcodeName &name, ScalarOp op);
  bool translateWide(const OpcodeName &name);
  bool translateUnknown();

  bool readRegister(uint8_t bytes, ScalarOperand &operand);
  bool readMemory(uint8_t bytes, ScalarOperand &operand);
  bool readImmediate(uint8_t bytes, ScalarOperand &operand);
  bool readOperand(char letter, uint8_t bytes, ScalarOperand &operand);
  bool isRegister(unsigned operand) const {
    return operand < inst.getNumOperands() && inst.getOperand(operand).isReg();
  }

  const Machine &machine;
  const llvm::MCInst &inst;
  ScalarInstruction result;
  unsigned next = 0; ///< Operand to read.
};

} // namespace

std::optional<ScalarInstruction>
cost::translate(const Machine &machine, const Instruction &instruction) {
  return Translator(machine, instruction).run();
}

static OpcodeName splitName(llvm::StringRef name) {
  name.consume_back("_NOREX");
  size_t digit = name.find_first_of("0123456789");
  if (digit == llvm::StringRef::npos)
    return {name, 0, ""};
  llvm::StringRef rest = name.drop_front(digit);
  for (auto [text, bytes] : {std::pair("64", 8), std::pair("32", 4),
                             std::pair("16", 2), std::pair("8", 1)})
    if (rest.consume_front(text))
      return {name.take_front(digit), static_cast<uint8_t>(bytes), rest};
  return {name, 0, ""};
}

/// The number and width of a general-purpose register; nothing for others.
static bool findRegister(const Machine &machine, llvm::MCRegister reg,
                         ScalarOperand &operand) {
  llvm::StringRef name = machine.getRegisters().getName(reg);
  if (name == "RIP") {
    operand.base = kRip;
    return true;
  }
  constexpr llvm::StringRef kNames[] = {"AX", "CX", "DX", "BX",
                                        "SP", "BP", "SI", "DI"};
  for (int8_t i = 0; i < 8; ++i) {
    llvm::StringRef word = kNames[i];
    operand.base = i;
    if (name == word) {
      operand.bytes = 2;
      return true;
    }
    if (name.ends_with(word) && name.size() == 3) {
      operand.bytes = name[0] == 'R' ? 8 : 4;
      return name[0] == 'R' || name[0] == 'E';
    }
    llvm::StringRef letter = i < 4 ? word.take_front(1) : word;
    if (name.size() == letter.size() + 1 && name.starts_with(letter) &&
        (name.back() == 'L' || (i < 4 && name.back() == 'H'))) {
      operand.bytes = 1;
      operand.isHighByte = name.back() == 'H';
      return true;
    }
  }
  llvm::StringRef digits = name;
  unsigned number = 0;
  if (!digits.consume_front("R") || digits.consumeInteger(10, number) ||
      number < 8 || number > 15 || digits.size() > 1)
    return false;
  operand.base = static_cast<int8_t>(number);
  operand.bytes = llvm::StringSwitch<uint8_t>(digits)
                      .Case("", 8)
                      .Case("D", 4)
                      .Case("W", 2)
                      .Case("B", 1)
                      .Default(0);
  return operand.bytes != 0;
}

std::optional<ScalarInstruction> Translator::run() {
  llvm::StringRef name = machine.getName(inst);
  const llvm::MCInstrDesc &desc = machine.getDesc(inst);
  result.writesFlags = llvm::any_of(desc.implicit_defs(), [&](auto reg) {
    return llvm::StringRef(machine.getRegisters().getName(reg)) == "EFLAGS";
  });
  if (translateFlow(name) || translateNamed(splitName(name)))
    return result;
  next = 0;
  if (translateUnknown())
    return result;
  return std::nullopt;
}

bool Translator::translateFlow(llvm::StringRef name) {
  auto takeCondition = [&](unsigned operand) {
    result.condition = static_cast<uint8_t>(inst.getOperand(operand).getImm());
  };
  if (name.starts_with("JMP_")) {
    result.op = ScalarOp::Jump;
  } else if (name.starts_with("JCC_")) {
    result.op = ScalarOp::JumpIf;
    takeCondition(1);
  } else if (machine.getDesc(inst).isReturn()) {
    result.op = ScalarOp::Return;
  } else if (name == "SETCCr") {
    result.op = ScalarOp::Set;
    takeCondition(1);
    return readRegister(1, result.to);
  } else if (name == "LDTILECFG") {
    result.op = ScalarOp::TileConfig;
    return readMemory(64, result.from);
  } else {
    return false;
  }
  return true;
}

bool Translator::translateNamed(const OpcodeName &name) {
  if (name.bytes == 0)
    return false;
  using Op = ScalarOp;
  Op binary = llvm::StringSwitch<Op>(name.mnemonic)
                  .Case("ADD", Op::Add)
                  .Case("ADC", Op::Adc)
                  .Case("SUB", Op::Sub)
                  .Case("SBB", Op::Sbb)
                  .Case("AND", Op::And)
                  .Case("OR", Op::Or)
                  .Case("XOR", Op::Xor)
                  .Case("CMP", Op::Cmp)
                  .Case("TEST", Op::Test)
                  .Case("MOV", Op::Mov)
                  .Case("IMUL", Op::IMul)
                  .Case("CMOV", Op::CMov)
                  .Case("LEA", Op::Lea)
                  .Default(Op::Unknown);
  if (binary != Op::Unknown)
    return translateBinary(name, binary);
  Op unary = llvm::StringSwitch<Op>(name.mnemonic)
                 .Case("INC", Op::Inc)
                 .Case("DEC", Op::Dec)
                 .Case("NEG", Op::Neg)
                 .Case("NOT", Op::Not)
                 .Case("PUSH", Op::Push)
                 .Case("POP", Op::Pop)
                 .Default(Op::Unknown);
  if (unary != Op::Unknown)
    return translateUnary(name, unary);
  Op shift = llvm::StringSwitch<Op>(name.mnemonic)
                 .Case("SHL", Op::Shl)
                 .Case("SHR", Op::Shr)
                 .Case("SAR", Op::Sar)
                 .Default(Op::Unknown);
  if (shift != Op::Unknown)
    return translateShift(name, shift);
  Op three = llvm::StringSwitch<Op>(name.mnemonic)
                 .Case("SHLX", Op::ShlX)
                 .Case("SHRX", Op::ShrX)
                 .Case("SARX", Op::SarX)
                 .Case("ANDN", Op::AndN)
                 .Default(Op::Unknown);
  if (three != Op::Unknown)
    return translateThree(name, three);
  if (name.mnemonic == "MOVZX" || name.mnemonic == "MOVSX")
    return translateExtend(name, name.mnemonic == "MOVZX" ? Op::Mov : Op::MovS);
  return translateWide(name);
}

/// to op= from: "rr", "rm", "mr", "ri8", "mi32"; "i32" with RAX understood.
bool Translator::translateBinary(const OpcodeName &name, ScalarOp op) {
  llvm::StringRef form = name.form;
  result.op = op;
  bool isImul3 = op == ScalarOp::IMul && form.size() >= 3 && form[2] == 'i';
  if (isImul3) {
    result.op = ScalarOp::IMul3;
    return readRegister(name.bytes, result.to) &&
           readOperand(form[1], name.bytes, result.from) &&
           readImmediate(name.bytes, result.third);
  }
  if (op == ScalarOp::Lea) {
    bool isLea = form == "r" || form == "_32r";
    return isLea && readRegister(form == "r" ? name.bytes : 4, result.to) &&
           readMemory(8, result.from);
  }
  if (form.consume_front("i")) {
    if (form.find_first_not_of("0123456789") != llvm::StringRef::npos)
      return false;
    result.to.kind = ScalarOperand::Register;
    result.to.base = 0;
    result.to.bytes = name.bytes;
    return readImmediate(name.bytes, result.from);
  }
  form.consume_back("_REV");
  if (form.size() < 2 || form.contains('_'))
    return false;
  if (!readOperand(form[0], name.bytes, result.to))
    return false;
  bool isTied = form[0] == 'r' && op != ScalarOp::Cmp && op != ScalarOp::Test &&
                op != ScalarOp::Mov;
  if (isTied)
    ++next;
  if (!readOperand(form[1], name.bytes, result.from))
    return false;
  if (op == ScalarOp::CMov)
    result.condition = static_cast<uint8_t>(inst.getOperand(next).getImm());
  return true;
}

bool Translator::translateUnary(const OpcodeName &name, ScalarOp op) {
  result.op = op;
  if (op == ScalarOp::Push && (name.form == "i8" || name.form == "i32"))
    return readImmediate(name.bytes, result.to);
  return (name.form == "r" || name.form == "m") &&
         readOperand(name.form[0], name.bytes, result.to);
}

/// to op= from: "ri", "r1", "rCL", and the same on memory.
bool Translator::translateShift(const OpcodeName &name, ScalarOp op) {
  result.op = op;
  llvm::StringRef form = name.form;
  if (form.size() < 2 || !readOperand(form[0], name.bytes, result.to))
    return false;
  if (form[0] == 'r')
    ++next;
  llvm::StringRef count = form.drop_front();
  if (count == "i")
    return readImmediate(1, result.from);
  result.from.bytes = 1;
  result.from.kind = ScalarOperand::Immediate;
  result.from.value = 1;
  if (count == "CL") {
    result.from.kind = ScalarOperand::Register;
    result.from.base = 1;
  }
  return count == "1" || count == "CL";
}

/// to = from op third: "rr", "rm".
bool Translator::translateThree(const OpcodeName &name, ScalarOp op) {
  result.op = op;
  if (name.form.size() != 2 || !readRegister(name.bytes, result.to))
    return false;
  // The shifts may have their value in memory, ANDN its second source.
  bool isShift = op != ScalarOp::AndN;
  return readOperand(isShift ? name.form[1] : 'r', name.bytes, result.from) &&
         readOperand(isShift ? 'r' : name.form[1], name.bytes, result.third);
}

/// "MOVZX32rr8": the source's width in bits stands last.
bool Translator::translateExtend(const OpcodeName &name, ScalarOp op) {
  unsigned bits = 0;
  result.op = op;
  return name.form.size() >= 3 &&
         !name.form.drop_front(2).getAsInteger(10, bits) &&
         readRegister(name.bytes, result.to) &&
         readOperand(name.form[1], static_cast<uint8_t>(bits / 8), result.from);
}

bool Translator::translateWide(const OpcodeName &name) {
  result.op = ScalarOp::MulWide;
  if (name.mnemonic == "MULX" && name.form.size() == 2) {
    result.fixed = 2;
    return readRegister(name.bytes, result.to) &&
           readRegister(name.bytes, result.third) &&
           readOperand(name.form[1], name.bytes, result.from);
  }
  if (name.mnemonic != "MUL" || name.bytes == 1)
    return false;
  result.fixed = 0;
  for (auto [operand, reg] :
       {std::pair(&result.to, 2), std::pair(&result.third, 0)}) {
    operand->kind = ScalarOperand::Register;
    operand->base = static_cast<int8_t>(reg);
    operand->bytes = name.bytes;
  }
  return name.form.size() == 1 &&
         readOperand(name.form[0], name.bytes, result.from);
}

bool Translator::translateUnknown() {
  bool hadFlags = result.writesFlags;
  uint64_t nextAddress = result.nextAddress;
  result = ScalarInstruction();
  result.writesFlags = hadFlags;
  result.nextAddress = nextAddress;
  const llvm::MCInstrDesc &desc = machine.getDesc(inst);
  auto clobber = [&](llvm::MCRegister reg) {
    ScalarOperand operand;
    if (findRegister(machine, reg, operand) && operand.base < kRip)
      result.clobbers |= static_cast<uint16_t>(1u << operand.base);
  };
  for (unsigned i = 0; i < desc.getNumDefs(); ++i)
    if (isRegister(i))
      clobber(inst.getOperand(i).getReg());
  for (llvm::MCPhysReg reg : desc.implicit_defs())
    clobber(reg);
  return result.clobbers != 0 || result.writesFlags;
}

bool Translator::readOperand(char letter, uint8_t bytes,
                             ScalarOperand &operand) {
  if (letter == 'r')
    return readRegister(bytes, operand);
  if (letter == 'm')
    return readMemory(bytes, operand);
  return letter == 'i' && readImmediate(bytes, operand);
}

bool Translator::readRegister(uint8_t bytes, ScalarOperand &operand) {
  if (!isRegister(next) ||
      !findRegister(machine, inst.getOperand(next).getReg(), operand))
    return false;
  ++next;
  operand.kind = ScalarOperand::Register;
  operand.bytes = bytes;
  return true;
}

bool Translator::readImmediate(uint8_t bytes, ScalarOperand &operand) {
  if (next >= inst.getNumOperands() || !inst.getOperand(next).isImm())
    return false;
  operand.kind = ScalarOperand::Immediate;
  operand.bytes = bytes;
  operand.value = inst.getOperand(next++).getImm();
  return true;
}

/// Base, scale, index, displacement, segment.
bool Translator::readMemory(uint8_t bytes, ScalarOperand &operand) {
  if (next + 5 > inst.getNumOperands())
    return false;
  auto readAddressRegister = [&](unsigned number, int8_t &reg) {
    llvm::MCRegister machineRegister = inst.getOperand(number).getReg();
    ScalarOperand found;
    if (!machineRegister)
      return true;
    if (!findRegister(machine, machineRegister, found))
      return false;
    reg = found.base;
    return true;
  };
  operand.kind = ScalarOperand::Memory;
  operand.bytes = bytes;
  operand.scale = inst.getOperand(next + 1).getImm();
  bool isRead = readAddressRegister(next, operand.base) &&
                readAddressRegister(next + 2, operand.index) &&
                inst.getOperand(next + 3).isImm();
  if (isRead)
    operand.value = inst.getOperand(next + 3).getImm();
  next += 5;
  return isRead;
}
