//===- vector-test.cpp - Each vector instruction against the SDM and the CPU
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One trial: random registers and masks; an instruction as text, assembled by
// LLVM; executed by the emulator, through a signal's context, and by the CPU
// if that has it. All registers and the memory are compared with what
// Manual.h says, so that nothing else may have changed.
//
//===----------------------------------------------------------------------===//

#include "Assembler.h"
#include "Emulate.h"
#include "Manual.h"
#include "Runners.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string.h>

using namespace modelc::amxemu;
namespace manual = modelc::manual;

namespace {

enum class Kind { Ternary, Unary, Narrow, Compress, Expand, ToMask };

/// What the test knows about an instruction, of its page in the SDM.
struct Operation {
  const char *name;
  Kind kind;
  uint32_t elementBytes;   ///< of the destination
  uint32_t broadcastBytes; ///< 0: none
  bool immediate;
  bool suppressesFaults; ///< exception class E4: of masked-off elements
  bool vexForm = false;
  bool floats = false;
};

const Operation kOperations[] = {
    {"vdpbf16ps", Kind::Ternary, 4, 4, false, true, false, true},
    {"vcvtneps2bf16", Kind::Narrow, 2, 4, false, true, false, true},
    {"vcvtne2ps2bf16", Kind::Ternary, 2, 4, false, false, false, true},
    {"vpermb", Kind::Ternary, 1, 0, false, false},
    {"vpermi2b", Kind::Ternary, 1, 0, false, false},
    {"vpermt2b", Kind::Ternary, 1, 0, false, false},
    {"vpmultishiftqb", Kind::Ternary, 1, 8, false, false},
    {"vpcompressb", Kind::Compress, 1, 0, false, true},
    {"vpcompressw", Kind::Compress, 2, 0, false, true},
    {"vpexpandb", Kind::Expand, 1, 0, false, true},
    {"vpexpandw", Kind::Expand, 2, 0, false, true},
    {"vpshldw", Kind::Ternary, 2, 0, true, true},
    {"vpshldd", Kind::Ternary, 4, 4, true, true},
    {"vpshldq", Kind::Ternary, 8, 8, true, true},
    {"vpshldvw", Kind::Ternary, 2, 0, false, true},
    {"vpshldvd", Kind::Ternary, 4, 4, false, true},
    {"vpshldvq", Kind::Ternary, 8, 8, false, true},
    {"vpshrdw", Kind::Ternary, 2, 0, true, true},
    {"vpshrdd", Kind::Ternary, 4, 4, true, true},
    {"vpshrdq", Kind::Ternary, 8, 8, true, true},
    {"vpshrdvw", Kind::Ternary, 2, 0, false, true},
    {"vpshrdvd", Kind::Ternary, 4, 4, false, true},
    {"vpshrdvq", Kind::Ternary, 8, 8, false, true},
    {"vpopcntb", Kind::Unary, 1, 0, false, true},
    {"vpopcntw", Kind::Unary, 2, 0, false, true},
    {"vpshufbitqmb", Kind::ToMask, 1, 0, false, true},
    {"vpopcntd", Kind::Unary, 4, 4, false, true},
    {"vpopcntq", Kind::Unary, 8, 8, false, true},
    {"vpmadd52luq", Kind::Ternary, 8, 8, false, true},
    {"vpmadd52huq", Kind::Ternary, 8, 8, false, true},
    {"vpdpbusd", Kind::Ternary, 4, 4, false, true, true},
    {"vpdpbusds", Kind::Ternary, 4, 4, false, true, true},
    {"vpdpwssd", Kind::Ternary, 4, 4, false, true, true},
    {"vpdpwssds", Kind::Ternary, 4, 4, false, true, true},
    {"vgf2p8mulb", Kind::Ternary, 1, 0, false, true, true},
    {"vgf2p8affineqb", Kind::Ternary, 1, 8, true, false, true},
    {"vgf2p8affineinvqb", Kind::Ternary, 1, 8, true, false, true},
};

enum class Source { Register, Memory, Broadcast };

/// One instruction with its operands.
struct Trial {
  const Operation *op;
  uint32_t vectorBytes;
  bool vex;
  Source source;
  uint32_t dest, src1, src2; ///< of Compress: dest is ModRM.rm
  uint32_t mask;             ///< 0: none
  bool zeroing;
  uint32_t immediate;
  uint32_t displacement;

  bool toMemory() const {
    return op->kind == Kind::Compress && source == Source::Memory;
  }
  uint32_t elementCount() const {
    return op->kind == Kind::Narrow ? vectorBytes / 4
                                    : vectorBytes / op->elementBytes;
  }
  std::string registerName(uint32_t number) const {
    const char *kind = vectorBytes == 16   ? "%xmm"
                       : vectorBytes == 32 ? "%ymm"
                                           : "%zmm";
    return kind + std::to_string(number);
  }
  std::string text() const;
};

std::string Trial::text() const {
  std::string masks = mask ? " {%k" + std::to_string(mask) + "}" : "";
  if (zeroing)
    masks += " {z}";
  std::string memory = std::to_string(displacement) + "(%rdx,%rcx,4)";
  if (source == Source::Broadcast)
    memory += "{1to" + std::to_string(vectorBytes / op->broadcastBytes) + "}";
  const std::string second =
      source == Source::Register ? registerName(src2) : memory;
  std::string name = vex ? "{vex} " : op->vexForm ? "{evex} " : "";
  name += op->name;
  switch (op->kind) {
  case Kind::Compress:
    return name + " " + registerName(src2) + ", " +
           (toMemory() ? memory : registerName(dest)) + masks;
  case Kind::Narrow: {
    // The width of the source shows in the name where it is memory.
    if (vectorBytes < 64 && source == Source::Memory)
      name += vectorBytes == 16 ? "x" : "y";
    Trial half = *this;
    half.vectorBytes = vectorBytes == 16 ? 16 : vectorBytes / 2;
    return name + " " + second + ", " + half.registerName(dest) + masks;
  }
  case Kind::Unary:
  case Kind::Expand:
    return name + " " + second + ", " + registerName(dest) + masks;
  case Kind::ToMask:
    return name + " " + second + ", " + registerName(src1) + ", %k" +
           std::to_string(dest) + masks;
  default:
    return name +
           (op->immediate ? " $" + std::to_string(immediate) + "," : "") + " " +
           second + ", " + registerName(src1) + ", " + registerName(dest) +
           masks;
  }
}

class VectorTest : public testing::TestWithParam<Operation> {
protected:
  uint32_t below(uint32_t end) { return uint32_t(random() % end); }
  uint32_t randomFloat();
  void fill(uint8_t *bytes, size_t size);
  void randomise(MachineState &state);
  Trial randomTrial();
  void place(const Trial &trial, MachineState &state);
  void expected(const Trial &trial, MachineState &state, uint8_t *written);
  void expectSame(const Trial &trial, const MachineState &found,
                  const MachineState &wanted, const char *by);
  void run(const Trial &trial);

  std::mt19937_64 random{20260101};
  GuardedPage page;
  uint8_t *memory = nullptr; ///< the operand
  uint32_t memoryBytes = 0;  ///< of it that may be accessed
  uint32_t nativeRuns = 0, trappedRuns = 0;
};

/// All classes of floats, and many pairs that cancel.
uint32_t VectorTest::randomFloat() {
  const uint32_t bits = uint32_t(random());
  switch (below(8)) {
  case 0:
    return bits; // Any exponent.
  case 1:
    return bits & 0x807FFFFF; // Denormal.
  case 2:
    return (bits & 0x80FFFFFF) | 0x00800000; // At the edge of it.
  case 3: {
    const uint32_t special[] = {0,          0x80000000, 0x7F800000, 0xFF800000,
                                0x7FC00001, 0x7F7FFFFF, 0x3F800000, 0xBF800000};
    return special[bits % 8];
  }
  default:
    return (bits & 0x81FFFFFF) | 0x3E000000; // Around 1.
  }
}

void VectorTest::fill(uint8_t *bytes, size_t size) {
  const bool saturated = below(4) == 0;
  for (size_t at = 0; at + 4 <= size; at += 4) {
    uint32_t value = uint32_t(random());
    if (GetParam().floats) {
      value = randomFloat();
      if (below(2)) // Two halves of a dword as BF16.
        value = (value & 0xFFFF0000) | randomFloat() >> 16;
    } else if (saturated) {
      const uint32_t extremes[] = {0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                   0x80808080, 0x7F7F7F7F, 0x80008000};
      value = extremes[below(6)];
    }
    memcpy(bytes + at, &value, 4);
  }
}

void VectorTest::randomise(MachineState &state) {
  for (uint64_t &value : state.gpr)
    value = random();
  state.rip = 0x1000;
  state.fsBase = state.gsBase = 0;
  for (Vector &vector : state.zmm)
    fill(vector.bytes, sizeof(vector.bytes));
  for (uint64_t &mask : state.k)
    mask = below(8) ? random() & random() : below(2) ? 0 : ~uint64_t(0);
  state.k[0] = 0; // Reads as "no mask" and is not loaded.
  state.tiles = nullptr;
}

Trial VectorTest::randomTrial() {
  Trial trial = {};
  trial.op = &GetParam();
  trial.vex = trial.op->vexForm && below(3) == 0;
  trial.vectorBytes = 16 << below(trial.vex ? 2 : 3);
  const uint32_t registers = trial.vex ? 16 : 32;
  const uint32_t kind = below(4);
  trial.source = kind == 0   ? Source::Memory
                 : kind == 1 ? Source::Broadcast
                             : Source::Register;
  if (trial.source == Source::Broadcast &&
      (!trial.op->broadcastBytes || trial.vex))
    trial.source = Source::Memory;
  trial.dest = below(registers);
  trial.src1 = below(4) ? below(registers) : trial.dest;
  trial.src2 = below(4) ? below(registers) : below(2) ? trial.dest : trial.src1;
  if (trial.op->kind == Kind::ToMask)
    trial.dest = 1 + below(7);
  if (!trial.vex && below(4)) {
    trial.mask = 1 + below(7);
    trial.zeroing =
        below(2) && trial.op->kind != Kind::ToMask && !trial.toMemory();
  }
  trial.immediate = below(256);
  trial.displacement = 64 * below(4) + (below(2) ? 0 : 8 * below(4));
  return trial;
}

/// Places the memory operand so that its last byte that may be accessed is the
/// last one of the page; for operations that leave out masked-off elements
/// that can be in the middle of the vector.
void VectorTest::place(const Trial &trial, MachineState &state) {
  const Operation &op = *trial.op;
  const uint32_t count = trial.elementCount();
  uint64_t &mask = state.k[trial.mask];
  const uint64_t all = count == 64 ? ~uint64_t(0) : (uint64_t(1) << count) - 1;
  const uint64_t active = trial.mask ? mask & all : all;
  memoryBytes = trial.vectorBytes;
  if (trial.source == Source::Broadcast) {
    // If nothing is active, not even this may be read.
    memoryBytes = active || !op.suppressesFaults ? op.broadcastBytes : 0;
  } else if (op.kind == Kind::Compress || op.kind == Kind::Expand) {
    memoryBytes = uint32_t(__builtin_popcountll(active)) * op.elementBytes;
  } else if (trial.mask && op.suppressesFaults) {
    const uint32_t reach = below(count + 1);
    if (reach < 64)
      mask &= (uint64_t(1) << reach) - 1;
    memoryBytes = reach * (trial.vectorBytes / count);
  }
  memory = page.end() - memoryBytes;
  state.gpr[1] = below(1000);
  state.gpr[2] = reinterpret_cast<uint64_t>(memory) - trial.displacement -
                 4 * state.gpr[1];
}

/// What the manual says about `state`; `written`: the page afterwards.
void VectorTest::expected(const Trial &trial, MachineState &state,
                          uint8_t *written) {
  manual::VectorCase operands = {};
  operands.vl = int(trial.vectorBytes * 8);
  const Kind kind = trial.op->kind;
  if (kind != Kind::ToMask)
    memcpy(operands.dest.data(), state.zmm[trial.dest].bytes, 64);
  memcpy(operands.src1.data(), state.zmm[trial.src1].bytes, 64);
  if (trial.source == Source::Register || kind == Kind::Compress)
    memcpy(operands.src2.data(), state.zmm[trial.src2].bytes, 64);
  else if (trial.source == Source::Memory)
    memcpy(operands.src2.data(), memory, memoryBytes);
  else
    for (uint32_t at = 0; memoryBytes && at < trial.vectorBytes;
         at += memoryBytes)
      memcpy(operands.src2.data() + at, memory, memoryBytes);
  operands.k = trial.mask ? state.k[trial.mask] : ~uint64_t(0);
  operands.zeroing = trial.zeroing || trial.toMemory();
  operands.imm8 = uint8_t(trial.immediate);
  const manual::Register dest = manual::vector(trial.op->name, operands);
  if (trial.toMemory())
    memcpy(written + GuardedPage::kBytes - memoryBytes, dest.data(),
           memoryBytes);
  else if (kind == Kind::ToMask)
    memcpy(&state.k[trial.dest], dest.data(), 8);
  else
    memcpy(state.zmm[trial.dest].bytes, dest.data(), 64);
}

void VectorTest::expectSame(const Trial &trial, const MachineState &found,
                            const MachineState &wanted, const char *by) {
  for (uint32_t i = 0; i < 32; ++i) {
    if (memcmp(found.zmm[i].bytes, wanted.zmm[i].bytes, 64) == 0)
      continue;
    for (uint32_t lane = 0; lane < 16; ++lane) {
      uint32_t a, b;
      memcpy(&a, found.zmm[i].bytes + 4 * lane, 4);
      memcpy(&b, wanted.zmm[i].bytes + 4 * lane, 4);
      const bool isSum = trial.op->name == std::string("vdpbf16ps");
      EXPECT_TRUE(a == b || (isSum && manual::sameFp32(a, b)))
          << by << ": " << trial.text() << ": zmm" << i << " dword " << lane
          << std::hex << " is " << a << ", not " << b;
    }
  }
  for (uint32_t i = 1; i < 8; ++i)
    EXPECT_EQ(found.k[i], wanted.k[i]) << by << ": " << trial.text();
}

void VectorTest::run(const Trial &trial) {
  MachineState before;
  randomise(before);
  place(trial, before);
  std::vector<uint8_t> pageBefore(GuardedPage::kBytes);
  fill(pageBefore.data(), pageBefore.size());
  memcpy(page.begin(), pageBefore.data(), pageBefore.size());
  MachineState wanted = before;
  std::vector<uint8_t> pageWanted = pageBefore;
  expected(trial, wanted, pageWanted.data());
  auto checkPage = [&](const char *by) {
    EXPECT_EQ(memcmp(page.begin(), pageWanted.data(), pageWanted.size()), 0)
        << by << ": " << trial.text();
    memcpy(page.begin(), pageBefore.data(), pageBefore.size());
  };

  const std::vector<uint8_t> bytes = assemble(trial.text());
  const Decoded decoded = decode(bytes.data(), bytes.size());
  ASSERT_EQ(decoded.status, DecodeStatus::Decoded) << trial.text();
  EXPECT_STREQ(decoded.instruction.name(), trial.op->name);
  MachineState found = before;
  const Fault fault = execute(decoded.instruction, found);
  ASSERT_FALSE(fault) << fault.message.data();
  EXPECT_EQ(found.rip, before.rip + bytes.size());
  expectSame(trial, found, wanted, "executor");
  checkPage("executor");

  if (!hasAvx512())
    return;
  MachineState trapped = before;
  ASSERT_TRUE(runTrapped(bytes, trapped)) << trial.text();
  ++trappedRuns;
  expectSame(trial, trapped, wanted, "signal");
  checkPage("signal");

  if (nativeSets() >> uint32_t(decoded.instruction.set) & 1) {
    MachineState native = before;
    runNatively(bytes, native);
    ++nativeRuns;
    expectSame(trial, native, wanted, "CPU");
    checkPage("CPU");
  }
}

TEST_P(VectorTest, DoesWhatTheManualSays) {
  for (uint32_t trial = 0; trial < 1500 && !HasFailure(); ++trial)
    run(randomTrial());
  RecordProperty("native_runs", int(nativeRuns));
  RecordProperty("trapped_runs", int(trappedRuns));
  EXPECT_EQ(trappedRuns, hasAvx512() ? 1500u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Each, VectorTest, testing::ValuesIn(kOperations),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

/// The table above has all that Instructions.def has.
TEST(VectorTests, CoverAllInstructions) {
  for (uint32_t i = 0; i < kMnemonicCount; ++i) {
    const std::string name = kMnemonicNames[i];
    if (name[0] != 'v')
      continue;
    EXPECT_EQ(
        std::count_if(std::begin(kOperations), std::end(kOperations),
                      [&](const Operation &op) { return op.name == name; }),
        1)
        << name;
  }
}

} // namespace
