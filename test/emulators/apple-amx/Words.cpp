//===- Words.cpp - Apple AMX instructions in C++
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Words.h"
#include <utility>

using namespace modelc::appleamx;

using Issue = void (*)(uint64_t);

template <uint32_t... kOps>
static Issue issueOf(uint32_t op, std::integer_sequence<uint32_t, kOps...>) {
  static constexpr Issue kTable[] = {&issue<Opcode(kOps)>...};
  return kTable[op];
}

void modelc::appleamx::issue(Opcode opcode, uint64_t operand) {
  issueOf(uint32_t(opcode),
          std::make_integer_sequence<uint32_t, kOpcodeCount>())(operand);
}

static uint64_t at(const Register &memory, uint64_t number) {
  return reinterpret_cast<uint64_t>(memory.bytes) | number << 56;
}

void modelc::appleamx::loadAll(const Machine &machine) {
  for (uint32_t i = 0; i < Pool::kRegisters; ++i) {
    issue<Opcode::Ldx>(at(machine.x.registers[i], i));
    issue<Opcode::Ldy>(at(machine.y.registers[i], i));
  }
  for (uint32_t i = 0; i < 64; ++i)
    issue<Opcode::Ldz>(at(machine.z[i], i));
}

void modelc::appleamx::storeAll(Machine &machine) {
  for (uint32_t i = 0; i < Pool::kRegisters; ++i) {
    issue<Opcode::Stx>(at(machine.x.registers[i], i));
    issue<Opcode::Sty>(at(machine.y.registers[i], i));
  }
  for (uint32_t i = 0; i < 64; ++i)
    issue<Opcode::Stz>(at(machine.z[i], i));
}
