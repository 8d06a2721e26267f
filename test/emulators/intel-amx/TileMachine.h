//===- TileMachine.h - A machine with tiles, for tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_INTEL_AMX_TILEMACHINE_H
#define MODELC_TEST_EMULATORS_INTEL_AMX_TILEMACHINE_H

#include "Assembler.h"
#include "Execute.h"
#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace modelc::amxemu {

/// The 64 bytes of LDTILECFG, palette 1, no tile.
class Config {
public:
  Config() { bytes[0] = 1; }
  Config &tile(uint32_t tile, uint32_t rows, uint32_t colsb) {
    bytes[16 + 2 * tile] = uint8_t(colsb);
    bytes[17 + 2 * tile] = uint8_t(colsb >> 8);
    bytes[48 + tile] = uint8_t(rows);
    return *this;
  }

  std::array<uint8_t, 64> bytes = {};
};

/// Executes text. Pointers are passed in rax, row distances in rcx.
class TileMachine {
public:
  TileMachine() { state.tiles = tiles.get(); }

  Fault run(const std::string &text, const void *rax = nullptr,
            int64_t rcx = 0) {
    return runBytes(assemble(text), rax, rcx);
  }
  Fault runBytes(const std::vector<uint8_t> &bytes, const void *rax = nullptr,
                 int64_t rcx = 0) {
    const Decoded decoded = decode(bytes.data(), bytes.size());
    EXPECT_EQ(decoded.status, DecodeStatus::Decoded);
    if (decoded.status != DecodeStatus::Decoded)
      return {};
    state.gpr[0] = reinterpret_cast<uint64_t>(rax);
    state.gpr[1] = uint64_t(rcx);
    const uint64_t rip = state.rip;
    const Fault fault = execute(decoded.instruction, state);
    EXPECT_EQ(state.rip, fault ? rip : rip + bytes.size());
    return fault;
  }
  /// The same, of what must not fault.
  void must(const std::string &text, const void *rax = nullptr,
            int64_t rcx = 0) {
    const Fault fault = run(text, rax, rcx);
    EXPECT_FALSE(fault) << text << ": " << fault.message.data();
  }
  void configure(const Config &config) {
    must("ldtilecfg (%rax)", config.bytes.data());
  }
  /// What STTILECFG stores.
  std::array<uint8_t, 64> config() {
    std::array<uint8_t, 64> bytes;
    bytes.fill(0xEE);
    must("sttilecfg (%rax)", bytes.data());
    return bytes;
  }

  std::unique_ptr<TileState> tiles = std::make_unique<TileState>();
  MachineState state = {};
};

inline std::string tmm(uint32_t tile) { return "%tmm" + std::to_string(tile); }

} // namespace modelc::amxemu

#endif // MODELC_TEST_EMULATORS_INTEL_AMX_TILEMACHINE_H
