//===- GuestCalls.h - A file of kernel calls for another processor
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// sme-calls.cpp compiles kernels here and writes them, with operands and what
// these must become, to a file; guest-calls.cpp, a program for AArch64, makes
// the calls under qemu and compares every bit. The file is a sequence of u64
// in the byte order of both machines, and of bytes:
//
//   kCallsMagic, bytes of code, code,
//   segments, then for each: address, bytes in memory, offset and bytes in code
//   calls, then for each:
//     address, scratch bytes, tiles, count, operands, then for each:
//       bytes, initial bytes, 1 if it must change, if so the floats expected
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_GUESTCALLS_H
#define MODELC_TEST_KERNELS_GUESTCALLS_H

#include <cstdint>

namespace modelc::kernels::test {

inline constexpr uint64_t kCallsMagic = 0x31736c6c6143434d; // "MCCalls1"

} // namespace modelc::kernels::test

#endif // MODELC_TEST_KERNELS_GUESTCALLS_H
