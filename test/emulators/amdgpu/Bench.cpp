//===- Bench.cpp - A wave to try single instructions on
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "test/emulators/TextAssembler.h"
#include <gtest/gtest.h>
#include <llvm/Support/TargetSelect.h>
#include <map>
#include <memory>

namespace modelc::amdgpu {
namespace {

using test::TextAssembler;

TextAssembler makeAssembler(const Chip &chip) {
  LLVMInitializeAMDGPUTargetInfo();
  LLVMInitializeAMDGPUTargetMC();
  LLVMInitializeAMDGPUAsmParser();
  return {"amdgcn-amd-amdhsa", chip.name,
          chip.waveSize == 32 ? "+wavefrontsize32" : ""};
}

const TextAssembler &assemblerOf(const Chip &chip) {
  static std::map<std::string, std::unique_ptr<TextAssembler>> all;
  std::unique_ptr<TextAssembler> &entry = all[chip.name];
  if (!entry)
    entry.reset(new TextAssembler(makeAssembler(chip)));
  return *entry;
}

} // namespace

std::vector<uint8_t> assemble(const std::string &text, const Chip &chip,
                              bool mayFail) {
  auto bytes = assemblerOf(chip).assemble(text, /*isQuiet=*/mayFail);
  if (!bytes && !mayFail)
    ADD_FAILURE() << chip.name << ": LLVM cannot assemble: " << text;
  return bytes.value_or(std::vector<uint8_t>());
}

Bench::Bench(const Chip &chip, uint32_t seed)
    : chip(chip), random(seed), registers(512 * kMaxLanes) {
  group.chip = &chip;
  group.memory = &memory;
  group.lds.resize(kLdsBytes);
  group.waves = 1;
  wave.group = &group;
  wave.chip = &chip;
  wave.lanes = chip.waveSize;
  using Row = uint32_t[kMaxLanes];
  wave.vectors = reinterpret_cast<Row *>(registers.data());
  wave.setMask(kExec, ~UINT64_C(0));
}

uint32_t Bench::word() {
  static constexpr uint32_t kSpecial[] = {
      0,          1,          0xffffffff, 0x80000000, 0x7fffffff, 0x3f800000,
      0xbf800000, 0x7f800000, 0xff800000, 0x7f7fffff, 0x00000001, 0x00800000,
      0x80000001, 0x7fc00000, 0x7c003c00, 0x8000ffff};
  const uint32_t bits = uint32_t(random());
  return random() % 8 == 0 ? kSpecial[bits % std::size(kSpecial)] : bits;
}

void Bench::randomise() {
  for (uint32_t reg = 0; reg < 64; ++reg) {
    for (uint32_t lane = 0; lane < kMaxLanes; ++lane) {
      v(reg, lane) = word();
      v(kAccumulators + reg, lane) = word();
    }
    wave.scalars[reg] = word();
  }
  wave.setPair(kVcc, random() | uint64_t(random()) << 32);
  wave.scc = random() & 1;
}

std::string Bench::run(const std::string &text) {
  return run(assemble(text, chip));
}

std::string Bench::run(std::vector<uint8_t> bytes) {
  if (bytes.empty())
    return "not assembled";
  const std::vector<uint8_t> end = assemble("s_endpgm", chip);
  bytes.insert(bytes.end(), end.begin(), end.end());
  // A gap behind the code, so that the decoder can look ahead.
  void *place = memory.allocate(bytes.size() + 16);
  std::memcpy(place, bytes.data(), bytes.size());
  CodeObject object;
  object.target = chip.name;
  object.begin = reinterpret_cast<uint64_t>(place);
  object.sizeBytes = (bytes.size() + 3) / 4 * 4;
  Code code(chip, object);
  group.code = &code;
  group.error.clear();
  wave.state = WaveState::Running;
  wave.pc = object.begin;
  runWave(wave);
  memory.release(place);
  return group.error;
}

} // namespace modelc::amdgpu
