//===- Registers.h - X, Y and Z, and the lanes in them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_APPLE_AMX_REGISTERS_H
#define MODELC_TEST_EMULATORS_APPLE_AMX_REGISTERS_H

#include <stdint.h>
#include <string.h>

namespace modelc::appleamx {

inline constexpr uint32_t kRegisterBytes = 64;

/// Chips differ: a later one does more.
enum class Chip { M1 = 1, M2, M3 };

/// 64 bytes, little-endian lanes of 1, 2, 4 or 8 bytes.
struct Register {
  uint8_t bytes[kRegisterBytes];

  template <typename T> T get(uint32_t lane) const {
    T value;
    memcpy(&value, bytes + lane * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T> void set(uint32_t lane, T value) {
    memcpy(bytes + lane * sizeof(T), &value, sizeof(T));
  }
  /// A lane of `laneBytes` <= 8, sign or zero extended.
  int64_t getInt(uint32_t lane, uint32_t laneBytes, bool isSigned) const;
  /// The low bytes of `value`.
  void setInt(uint32_t lane, uint32_t laneBytes, int64_t value);
};

/// Eight registers that are also one ring of 512 bytes.
struct Pool {
  static constexpr uint32_t kRegisters = 8;
  Register registers[kRegisters];

  /// 64 bytes from any byte of the ring.
  Register read(uint32_t offset) const;
  /// Those bytes of `value` whose bit is set in `enabledBytes`.
  void write(uint32_t offset, const Register &value, uint64_t enabledBytes);
};

/// What `set` makes zero. One for each thread.
struct Machine {
  bool isOn;
  Pool x, y;
  Register z[64];
};

/// Which lanes are written: bit i for lane i. `value` counts lanes modulo
/// their number in all modes but 0.
///   mode 0: value 0 all, 1 odd, 2 even, and see below; 1: lane `value` alone
///   2, 3: the first, last `value` lanes, all if that is 0
///   4, 5: the first, last `value` lanes, none if that is 0
///   6, 7: none
/// In mode 0 the 9-bit masks have values 3 to 5, which enable all lanes and
/// mean something else besides; 7-bit masks have neither these nor modes >= 4.
uint64_t enabledLanes9(uint32_t mode, uint32_t value, uint32_t laneCount);
uint64_t enabledLanes7(uint32_t mode, uint32_t value, uint32_t laneCount);

/// The bytes of enabled lanes.
uint64_t bytesOfLanes(uint64_t lanes, uint32_t laneBytes);

/// Shuffle S0 to S3 of the lanes: S1, S2, S3 move lane 1 to lane 2, 4, 8 and
/// keep lane 0; S3 of eight lanes is S0.
Register shuffled(const Register &value, uint32_t mode, uint32_t laneBytes);

/// Lanes of `table`, chosen by dense indices of `indexBits` in the first bytes
/// of `indices`.
Register lookedUp(const Register &table, const Register &indices,
                  uint32_t indexBits, uint32_t laneBytes);

} // namespace modelc::appleamx

#endif // MODELC_TEST_EMULATORS_APPLE_AMX_REGISTERS_H
