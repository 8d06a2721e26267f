//===- FloatControl.h - The rounding mode that kernels expect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_FLOATCONTROL_H
#define MODELC_RUNTIME_EXEC_FLOATCONTROL_H

#include <stdint.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace modelc::rt {

/// While it lives, this thread rounds to nearest even, keeps subnormals, and
/// masks exceptions, as kernel_abi.h promises. Then the thread has its own
/// settings back.
class FloatControl {
public:
  FloatControl() : saved(read()) { write(kDefault); }
  FloatControl(const FloatControl &) = delete;
  FloatControl &operator=(const FloatControl &) = delete;
  ~FloatControl() { write(saved); }

private:
#if defined(__x86_64__)
  /// MXCSR: all exceptions masked, none flagged; RC, FTZ and DAZ zero.
  static constexpr uint64_t kDefault = 0x1f80;
  static uint64_t read() { return _mm_getcsr(); }
  static void write(uint64_t value) { _mm_setcsr(uint32_t(value)); }
#else
  /// FPCR: RMode, FZ, DN and the trap enables zero.
  static constexpr uint64_t kDefault = 0;
  static uint64_t read() {
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(uint64_t value) {
    __asm__ volatile("msr fpcr, %0" : : "r"(value));
  }
#endif

  const uint64_t saved;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_FLOATCONTROL_H
