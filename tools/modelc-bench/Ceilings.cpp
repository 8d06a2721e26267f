//===- Ceilings.cpp - What this machine can do at best
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   read:  thread i sums its part of a buffer, all threads at once
//   int8:  thread i runs a loop of independent multiply-accumulates
//   f32:   the same with fused multiply-adds of floats
//
// A pass lasts from when the first thread begins, all being there, until the
// last has ended; the best of several passes counts, since others use the
// machine, too.
//
//===----------------------------------------------------------------------===//

#include "Ceilings.h"
#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <sched.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace modelc::tools {
namespace {

constexpr int kPasses = 5;

/// Runs body(thread) on `threads` threads, `passes` times; returns the seconds
/// of the quickest pass. The workers look at the clock themselves: with a CPU
/// for each of them, another thread would be late to see a pass begin.
double bestPass(uint32_t threads, int passes,
                const std::function<void(uint32_t thread)> &body) {
  using Clock = std::chrono::steady_clock;
  struct Span {
    Clock::time_point begin, end;
  };
  std::vector<std::vector<Span>> spans(threads, std::vector<Span>(passes));
  std::barrier line(threads);
  std::vector<std::thread> workers;
  for (uint32_t thread = 0; thread < threads; ++thread)
    workers.emplace_back([&, thread] {
      for (Span &span : spans[thread]) {
        line.arrive_and_wait();
        span.begin = Clock::now();
        body(thread);
        span.end = Clock::now();
      }
    });
  for (std::thread &worker : workers)
    worker.join();
  double best = 1e300;
  for (int pass = 0; pass < passes; ++pass) {
    Clock::time_point begin = spans[0][pass].begin, end = spans[0][pass].end;
    for (const std::vector<Span> &mine : spans) {
      begin = std::min(begin, mine[pass].begin);
      end = std::max(end, mine[pass].end);
    }
    best = std::min(best, std::chrono::duration<double>(end - begin).count());
  }
  return best;
}

/// Tells the compiler that `value` is used.
template <typename T> void keep(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

void sumWords(const uint64_t *words, uint64_t count) {
  uint64_t sums[8] = {};
  for (uint64_t at = 0; at + 8 <= count; at += 8)
    for (int lane = 0; lane < 8; ++lane)
      sums[lane] += words[at + lane];
  keep(sums);
}

#if defined(__x86_64__)

[[gnu::target("avx512f")]] void sumWords512(const uint64_t *words,
                                            uint64_t count) {
  __m512i sums[4] = {};
  for (uint64_t at = 0; at + 32 <= count; at += 32)
    for (int part = 0; part < 4; ++part)
      sums[part] = _mm512_add_epi64(sums[part],
                                    _mm512_loadu_si512(words + at + 8 * part));
  keep(sums);
}

/// Accumulators of the loops below: more than latency (5) times ports (2).
constexpr int kChains = 12;

/// 64 multiply-accumulates per chain and round.
[[gnu::target("avx512f,avx512vnni")]] void multiplyVnni(uint64_t rounds) {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
  __m512i sums[kChains] = {};
  for (uint64_t round = 0; round < rounds; ++round)
    for (int chain = 0; chain < kChains; ++chain)
      sums[chain] = _mm512_dpbusd_epi32(sums[chain], a, b);
  keep(sums);
}

/// 32 multiply-accumulates per chain and round.
[[gnu::target("avx2")]] void multiplyAvx2(uint64_t rounds) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
  __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[kChains] = {};
  for (uint64_t round = 0; round < rounds; ++round)
    for (int chain = 0; chain < kChains; ++chain) {
      // So that the products are not computed once before the loop.
      asm volatile("" : "+x"(a));
      __m256i pairs = _mm256_maddubs_epi16(a, b);
      sums[chain] =
          _mm256_add_epi32(sums[chain], _mm256_madd_epi16(pairs, ones));
    }
  keep(sums);
}

/// 16 multiply-adds per chain and round.
[[gnu::target("avx512f")]] void multiplyAddAvx512(uint64_t rounds) {
  __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
  __m512 sums[kChains] = {};
  for (uint64_t round = 0; round < rounds; ++round)
    for (int chain = 0; chain < kChains; ++chain) {
      // So that a sum with a known product does not take its place.
      asm volatile("" : "+v"(a));
      sums[chain] = _mm512_fmadd_ps(a, b, sums[chain]);
    }
  keep(sums);
}

/// 8 multiply-adds per chain and round.
[[gnu::target("avx2,fma")]] void multiplyAddAvx2(uint64_t rounds) {
  __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
  __m256 sums[kChains] = {};
  for (uint64_t round = 0; round < rounds; ++round)
    for (int chain = 0; chain < kChains; ++chain) {
      asm volatile("" : "+x"(a));
      sums[chain] = _mm256_fmadd_ps(a, b, sums[chain]);
    }
  keep(sums);
}

#endif // __x86_64__

/// The widest reader that the CPU has.
void readBuffer(const uint64_t *words, uint64_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return sumWords512(words, count);
#endif
  sumWords(words, count);
}

/// Runs the widest multiplier; returns multiply-accumulates per round, 0 if
/// there is none.
uint64_t multiply([[maybe_unused]] uint64_t rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512vnni")) {
    multiplyVnni(rounds);
    return 64 * kChains;
  }
  if (__builtin_cpu_supports("avx2")) {
    multiplyAvx2(rounds);
    return 32 * kChains;
  }
#endif
  return 0;
}

/// The same of floats.
uint64_t multiplyAdd([[maybe_unused]] uint64_t rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    multiplyAddAvx512(rounds);
    return 16 * kChains;
  }
  if (__builtin_cpu_supports("fma")) {
    multiplyAddAvx2(rounds);
    return 8 * kChains;
  }
#endif
  return 0;
}

/// 10^9 operations per second of `loop`, which runs a number of rounds and
/// returns the multiply-accumulates of one, 0 if it cannot run.
double measureLoop(uint32_t threads, uint64_t (*loop)(uint64_t rounds)) {
  // About 50 ms a pass at 3 GHz: one round takes some kChains / 2 cycles.
  constexpr uint64_t kRounds = 25'000'000;
  uint64_t perRound = loop(0);
  if (perRound == 0)
    return 0;
  double seconds = bestPass(threads, kPasses, [&](uint32_t) { loop(kRounds); });
  double operations = 2.0 * static_cast<double>(perRound) *
                      static_cast<double>(kRounds) * threads;
  return operations / seconds / 1e9;
}

/// A quarter of the free memory, 64 MiB to 1 GiB, in whole pages per thread.
uint64_t bufferBytesPerThread(uint32_t threads) {
  uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t freeBytes = static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page;
  uint64_t bytes =
      std::clamp<uint64_t>(freeBytes / 4, uint64_t{64} << 20, 1 << 30);
  return bytes / threads / page * page;
}

} // namespace

uint32_t usableCpus() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    return std::max(CPU_COUNT(&cpus), 1);
  return std::max(1u, std::thread::hardware_concurrency());
}

/// Huge pages where the system gives any: with small ones that lie anywhere,
/// walks of page tables were measured, a third below what memory can do.
ReadBuffer::ReadBuffer(uint32_t threads)
    : threads(threads), bytesPerThread(bufferBytesPerThread(threads)) {
  constexpr uint64_t kHugePage = 2 << 20;
  const uint64_t bytes = bytesPerThread * threads;
  mappedBytes = bytes + kHugePage;
  void *mapped = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    return;
  memory = mapped;
  begin = static_cast<char *>(mapped);
  begin += -reinterpret_cast<uintptr_t>(mapped) % kHugePage;
#ifdef MADV_HUGEPAGE
  madvise(begin, bytes, MADV_HUGEPAGE);
#endif
  // Written, so that there are pages to read.
  std::memset(begin, 1, bytes);
}

ReadBuffer::~ReadBuffer() {
  if (memory)
    munmap(memory, mappedBytes);
}

double ReadBuffer::measure(int passes) const {
  if (!memory)
    return 0;
  double seconds = bestPass(threads, passes, [&](uint32_t thread) {
    readBuffer(
        reinterpret_cast<const uint64_t *>(begin + thread * bytesPerThread),
        bytesPerThread / sizeof(uint64_t));
  });
  return static_cast<double>(bytesPerThread * threads) / seconds / 1e9;
}

double measureReadCeiling(uint32_t threads) {
  return ReadBuffer(threads).measure(kPasses);
}

double measureInt8Ceiling(uint32_t threads) {
  return measureLoop(threads, multiply);
}

double measureF32Ceiling(uint32_t threads) {
  return measureLoop(threads, multiplyAdd);
}

Ceilings measureCeilings(uint32_t threads) {
  return {measureReadCeiling(threads), measureInt8Ceiling(threads),
          measureF32Ceiling(threads)};
}

} // namespace modelc::tools
