//===- tile-test.cpp - Configurations, loads and stores of tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include "Runners.h"
#include "TileMachine.h"
#include <algorithm>
#include <random>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

using namespace modelc::amxemu;
namespace manual = modelc::manual;

namespace {

/// Each byte of a row of a tile; what is left as it was is 0xAA.
void paint(TileState &tiles) { memset(tiles.data, 0xAA, sizeof(tiles.data)); }

bool isZero(const void *bytes, size_t size) {
  const auto *begin = static_cast<const uint8_t *>(bytes);
  return std::all_of(begin, begin + size, [](uint8_t b) { return b == 0; });
}

TEST(TileConfig, ComesBackAsItWasLoaded) {
  TileMachine machine;
  EXPECT_TRUE(isZero(machine.config().data(), 64));
  for (uint32_t rows = 1; rows <= 16; ++rows)
    for (uint32_t colsb = 1; colsb <= 64; ++colsb) {
      Config config;
      for (uint32_t tile = 0; tile < 8; ++tile)
        if ((rows + tile) % 3) // Some tiles are not configured.
          config.tile(tile, (rows + tile - 1) % 16 + 1,
                      (colsb + 7 * tile - 1) % 64 + 1);
      config.bytes[1] = uint8_t(rows % 2 ? 0 : colsb);
      paint(*machine.tiles);
      machine.configure(config);
      EXPECT_EQ(machine.config(), config.bytes);
      EXPECT_TRUE(isZero(machine.tiles->data, sizeof(machine.tiles->data)));
    }
}

TEST(TileConfig, PaletteZeroAndReleaseAreTheInitialState) {
  TileMachine machine;
  Config none;
  none.bytes.fill(0xFF); // Not looked at behind the palette.
  none.bytes[0] = 0;
  for (const char *text : {"ldtilecfg (%rax)", "tilerelease"}) {
    machine.configure(Config().tile(3, 4, 8));
    paint(*machine.tiles);
    machine.must(text, none.bytes.data());
    EXPECT_TRUE(isZero(machine.tiles.get(), sizeof(TileState))) << text;
    EXPECT_TRUE(isZero(machine.config().data(), 64)) << text;
  }
}

/// What LDTILECFG refuses with #GP; the machine stays as it was.
TEST(TileConfig, BadOnesAreRefused) {
  TileMachine machine;
  machine.configure(Config().tile(1, 2, 4).tile(7, 16, 64));
  paint(*machine.tiles);
  const auto before = machine.config();
  auto expectRefused = [&](const Config &config, const char *reason) {
    const Fault fault = machine.run("ldtilecfg (%rax)", config.bytes.data());
    EXPECT_EQ(fault.kind, FaultKind::GeneralProtection) << reason;
    EXPECT_STREQ(fault.message.data(), reason);
    EXPECT_EQ(machine.config(), before);
    EXPECT_EQ(machine.tiles->data[5][5][5], 0xAA);
  };
  for (uint32_t palette = 2; palette < 256; ++palette) {
    Config config;
    config.bytes[0] = uint8_t(palette);
    expectRefused(config, ("ldtilecfg: palette " + std::to_string(palette) +
                           ", only 0 and 1 are")
                              .c_str());
  }
  for (uint32_t byte = 2; byte < 64; ++byte) {
    const bool isReserved = byte < 16 || (byte >= 32 && byte < 48) || byte > 55;
    Config config;
    config.bytes[byte] = 1;
    if (isReserved)
      expectRefused(config, "ldtilecfg: a reserved byte is not zero");
  }
  for (uint32_t tile = 0; tile < 8; ++tile) {
    const std::string name = "ldtilecfg: tmm" + std::to_string(tile) + " has ";
    auto expectShape = [&](uint32_t rows, uint32_t colsb) {
      expectRefused(Config().tile(tile, rows, colsb),
                    (name + std::to_string(rows) + " rows of " +
                     std::to_string(colsb) + " bytes")
                        .c_str());
    };
    expectShape(17, 64);
    expectShape(255, 4);
    expectShape(16, 65);
    expectShape(16, 0xFFFF);
    expectShape(1, 0x0100); // The high byte counts.
    expectShape(0, 4);
    expectShape(4, 0);
  }
}

TEST(TileZero, ClearsTheWholeTile) {
  TileMachine machine;
  Config config;
  config.bytes[1] = 9;
  machine.configure(config.tile(2, 3, 5));
  paint(*machine.tiles);
  machine.must("tilezero %tmm2");
  EXPECT_TRUE(isZero(machine.tiles->data[2], sizeof(machine.tiles->data[2])));
  EXPECT_EQ(machine.tiles->data[1][15][63], 0xAA);
  EXPECT_EQ(machine.tiles->data[3][0][0], 0xAA);
  EXPECT_EQ(machine.config()[1], 0) << "the start row";
}

class TileMemory : public testing::Test {
protected:
  /// Random bytes, end to end with a page that is not there.
  TileMemory() {
    for (uint8_t *byte = page.begin(); byte != page.end(); ++byte)
      *byte = uint8_t(random());
  }

  std::mt19937 random{3};
  GuardedPage page;
  TileMachine machine;
};

/// All shapes and strides of all signs; the last row ends with the page, so
/// not a byte more is read.
TEST_F(TileMemory, Loads) {
  for (uint32_t rows = 1; rows <= 16; ++rows)
    for (uint32_t colsb = 4; colsb <= 64; colsb += 4)
      for (int64_t stride : {int64_t(colsb), 64l, 100l, 0l, 1l, -64l, -3l})
        for (uint32_t start : {0u, rows - 1}) {
          const uint32_t tile = random() % 8;
          Config config;
          config.bytes[1] = uint8_t(start);
          machine.configure(config.tile(tile, rows, colsb));
          paint(*machine.tiles);
          // The row with the highest address.
          const int64_t highest = stride > 0 ? rows - 1 : start;
          const uint8_t *base = page.end() - colsb - highest * stride;
          manual::Tile wanted;
          wanted.rows = int(rows);
          wanted.colsb = int(colsb);
          for (auto &row : wanted.row)
            row.fill(0xAA);
          manual::tileload(wanted, int(start), base, stride);
          const char *name = random() % 2 ? "tileloadd " : "tileloaddt1 ";
          machine.must(name + std::string("(%rax,%rcx), ") + tmm(tile), base,
                       stride);
          ASSERT_EQ(memcmp(machine.tiles->data[tile], wanted.row.data(),
                           sizeof(machine.tiles->data[tile])),
                    0)
              << rows << " rows of " << colsb << ", stride " << stride;
          EXPECT_EQ(machine.config()[1], 0);
          EXPECT_EQ(machine.tiles->data[(tile + 1) % 8][0][0], 0xAA);
        }
}

TEST_F(TileMemory, Stores) {
  for (uint32_t rows = 1; rows <= 16; ++rows)
    for (uint32_t colsb = 4; colsb <= 64; colsb += 4)
      for (int64_t stride : {int64_t(colsb), 64l, 100l, -64l})
        for (uint32_t start : {0u, rows - 1}) {
          const uint32_t tile = random() % 8;
          Config config;
          config.bytes[1] = uint8_t(start);
          machine.configure(config.tile(tile, rows, colsb));
          for (auto &row : machine.tiles->data[tile])
            for (uint8_t &byte : row)
              byte = uint8_t(random());
          const int64_t highest = stride > 0 ? rows - 1 : start;
          uint8_t *base = page.end() - colsb - highest * stride;
          std::vector<uint8_t> wanted(page.begin(), page.end());
          for (uint32_t row = start; row < rows; ++row)
            memcpy(wanted.data() + (base - page.begin()) +
                       int64_t(row) * stride,
                   machine.tiles->data[tile][row], colsb);
          machine.must("tilestored " + tmm(tile) + ", (%rax,%rcx)", base,
                       stride);
          ASSERT_EQ(memcmp(page.begin(), wanted.data(), wanted.size()), 0)
              << rows << " rows of " << colsb << ", stride " << stride;
          EXPECT_EQ(machine.config()[1], 0);
        }
}

/// base + displacement, index << scale as the stride; no index: stride 0.
TEST_F(TileMemory, Addresses) {
  machine.configure(Config().tile(0, 2, 4));
  const uint8_t *base = page.begin() + 1000;
  machine.must("tileloadd 16(%rax,%rcx,8), %tmm0", base, 5);
  EXPECT_EQ(memcmp(machine.tiles->data[0][0], base + 16, 4), 0);
  EXPECT_EQ(memcmp(machine.tiles->data[0][1], base + 16 + 40, 4), 0);
  machine.must("tileloadd -16(%rax), %tmm0", base, 5);
  EXPECT_EQ(memcmp(machine.tiles->data[0][0], base - 16, 4), 0);
  EXPECT_EQ(memcmp(machine.tiles->data[0][1], base - 16, 4), 0);
}

sigjmp_buf afterFault;
void *faultAddress;

void onSegv(int, siginfo_t *info, void *) {
  faultAddress = info->si_addr;
  siglongjmp(afterFault, 1);
}

/// A row that is not there is a plain SIGSEGV; start_row is that row, the rows
/// before it are loaded, and the instruction can be taken up again.
TEST_F(TileMemory, FaultsInTheMiddle) {
  struct sigaction action = {}, before;
  action.sa_sigaction = onSegv;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &before);
  for (const char *text :
       {"tileloadd (%rax,%rcx), %tmm0", "tilestored %tmm0, (%rax,%rcx)"}) {
    machine.configure(Config().tile(0, 16, 64));
    const uint8_t *base = page.end() - 5 * 64;
    // Nothing with a destructor is on the stack that the jump leaves.
    const std::vector<uint8_t> bytes = assemble(text);
    const Instruction instruction =
        decode(bytes.data(), bytes.size()).instruction;
    machine.state.gpr[0] = reinterpret_cast<uint64_t>(base);
    machine.state.gpr[1] = 64;
    bool faulted = true;
    if (!sigsetjmp(afterFault, 1)) {
      execute(instruction, machine.state);
      faulted = false;
    }
    EXPECT_TRUE(faulted) << text;
    EXPECT_EQ(faultAddress, page.end()) << text;
    EXPECT_EQ(machine.config()[1], 5) << text;
    EXPECT_EQ(memcmp(machine.tiles->data[0], base, 5 * 64), 0) << text;
    EXPECT_TRUE(isZero(machine.tiles->data[0][5], 11 * 64)) << text;
    // Rows 5 to 15, now from elsewhere.
    machine.must(text, page.begin(), 64);
    EXPECT_EQ(machine.config()[1], 0) << text;
    EXPECT_EQ(memcmp(machine.tiles->data[0][5], page.begin() + 5 * 64, 11 * 64),
              0)
        << text;
  }
  sigaction(SIGSEGV, &before, nullptr);
}

/// Segments, 32-bit addresses and RIP, which loads and vectors have in common.
TEST(Addresses, AreComputedAsTheManualSays) {
  auto address = [](const char *text, const MachineState &state) {
    const std::vector<uint8_t> bytes = assemble(text);
    const Decoded decoded = decode(bytes.data(), bytes.size());
    EXPECT_EQ(decoded.status, DecodeStatus::Decoded) << text;
    return effectiveAddress(decoded.instruction, state, true) -
           (decoded.instruction.memory.ripRelative ? bytes.size() : 0);
  };
  MachineState state = {};
  for (uint64_t i = 0; i < 16; ++i)
    state.gpr[i] = (i + 1) << 40 | i << 8;
  state.rip = 0x400000;
  state.fsBase = uint64_t(1) << 60;
  state.gsBase = uint64_t(1) << 61;
  const uint64_t rax = state.gpr[0], r9 = state.gpr[9];
  EXPECT_EQ(address("vpermb (%rax,%r9,8), %zmm1, %zmm2", state), rax + r9 * 8);
  EXPECT_EQ(address("vpermb -64(%rax), %zmm1, %zmm2", state), rax - 64);
  EXPECT_EQ(address("vpermb %fs:(%rax), %zmm1, %zmm2", state),
            rax + state.fsBase);
  EXPECT_EQ(address("vpermb %gs:(%rax), %zmm1, %zmm2", state),
            rax + state.gsBase);
  EXPECT_EQ(address("vpermb -1(%eax), %zmm1, %zmm2", state), 0xFFFFFFFFu);
  EXPECT_EQ(address("vpermb 100(%rip), %zmm1, %zmm2", state), 0x400064u);
  EXPECT_EQ(address("vpshldq $1, 100(%rip), %zmm1, %zmm2", state), 0x400064u);
  EXPECT_EQ(address("ldtilecfg 4096(,%r9,2)", state), 4096 + r9 * 2);
}

} // namespace
