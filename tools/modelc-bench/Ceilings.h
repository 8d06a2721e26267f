//===- Ceilings.h - What this machine can do at best
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Speeds mean little without the machine's own limit, measured beside them:
// on shared machines it changes from minute to minute.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_BENCH_CEILINGS_H
#define MODELC_TOOLS_MODELC_BENCH_CEILINGS_H

#include <cstdint>

namespace modelc::tools {

/// CPUs that this process may use.
uint32_t usableCpus();

/// Memory that no cache holds, up to 1 GiB of it, for threads to read.
class ReadBuffer {
public:
  /// Maps and writes the memory; without any, measure() gives 0.
  explicit ReadBuffer(uint32_t threads);
  ~ReadBuffer();
  ReadBuffer(const ReadBuffer &) = delete;
  ReadBuffer &operator=(const ReadBuffer &) = delete;

  /// GB/s (10^9) at which all threads together read it once: the best of
  /// `passes`.
  double measure(int passes) const;

private:
  uint32_t threads;
  uint64_t bytesPerThread;
  void *memory = nullptr; ///< As mapped; null if there was none.
  uint64_t mappedBytes;
  char *begin = nullptr;
};

/// The best of some passes over such a buffer.
double measureReadCeiling(uint32_t threads);

/// 10^9 int8 operations per second (a multiply-accumulate is two) of `threads`
/// threads that do nothing else: vpdpbusd on 64 bytes where the CPU has
/// AVX-512 VNNI, else vpmaddubsw on 32. 0 on CPUs with neither.
double measureInt8Ceiling(uint32_t threads);

/// 10^9 f32 operations per second (a fused multiply-add is two) of `threads`
/// threads that do nothing else: on 16 lanes where the CPU has AVX-512, else
/// on 8 with FMA. 0 on CPUs with neither.
double measureF32Ceiling(uint32_t threads);

/// All of them; 0: unknown.
struct Ceilings {
  double readGbPerSecond = 0;
  double int8Gops = 0;
  double f32Gops = 0;
};

/// One after the other, on the same number of threads.
Ceilings measureCeilings(uint32_t threads);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_CEILINGS_H
