//===- KernelTimer.cpp - Times a matmul kernel in this process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   round 0 (not counted): a b c    round 1: b c a    round 2: c a b ...
//
//   thread 0   tiles 0 .. 7   of kernel a, on operands that all kernels share
//   thread 1   tiles 8 .. 15
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/KernelTimer.h"
#include <cstring>
#include <sys/mman.h>
#include <thread>
#include <time.h>

using namespace modelc;
using namespace modelc::driver;

namespace {

constexpr size_t kRounds = 4;

/// As f32 0.0115, as f16 1.06, as bytes 60: no sum of products overflows, and
/// none is so small that hardware is slow with it.
constexpr int kOperandByte = 0x3c;

/// Pages of its own, filled; null data if there is no memory.
class Buffer {
public:
  explicit Buffer(uint64_t size)
      : sizeBytes(std::max<uint64_t>(size, 1)),
        data(mmap(nullptr, sizeBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (isValid())
      std::memset(data, kOperandByte, sizeBytes);
  }
  Buffer(Buffer &&other) noexcept
      : sizeBytes(other.sizeBytes), data(other.data) {
    other.data = MAP_FAILED;
  }
  Buffer &operator=(Buffer &&) = delete;
  ~Buffer() {
    if (isValid())
      munmap(data, sizeBytes);
  }

  bool isValid() const { return data != MAP_FAILED; }
  void *get() const { return data; }

private:
  uint64_t sizeBytes;
  void *data;
};

} // namespace

/// Bytes of each operand, in their order: see #plan.matmul.
static std::vector<uint64_t> getOperandBytes(plan::MatmulSpecAttr spec,
                                             int64_t count) {
  std::vector<uint64_t> bytes = {
      spec.getInput().getMatrixBytes(count, spec.getColumns())};
  llvm::ArrayRef<int64_t> rows = spec.getRows().asArrayRef();
  for (auto [i, n] : llvm::enumerate(rows))
    bytes.push_back(
        spec.getWeightLayout(i).getMatrixBytes(n, spec.getColumns()));
  for (size_t i = 0; spec.getBias() && i < rows.size(); ++i)
    bytes.push_back(rows[i] * sizeof(float));
  auto addMatrix = [&](int64_t n) {
    bytes.push_back(static_cast<uint64_t>(count) * n * sizeof(float));
  };
  if (spec.getEpilogue() == model::Epilogue::Residual)
    addMatrix(rows[0]);
  bool hasOneOutput = spec.getEpilogue() != model::Epilogue::Store;
  for (int64_t n : hasOneOutput ? rows.take_front() : rows)
    addMatrix(n);
  return bytes;
}

static double getThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) / 1e9;
}

/// One run of all tiles; the seconds of the thread that needs most.
static double runOnce(const TimedKernel &timed, const ModelcKernelParams &all,
                      llvm::ArrayRef<Buffer> scratch) {
  int64_t tiles = timed.spec.getTileCount();
  size_t threads = scratch.size();
  std::vector<double> seconds(threads);
  auto work = [&](size_t thread) {
    ModelcKernelParams params = all;
    params.scratch = scratch[thread].get();
    params.tileBegin = static_cast<uint32_t>(tiles * thread / threads);
    params.tileEnd = static_cast<uint32_t>(tiles * (thread + 1) / threads);
    double begin = getThreadSeconds();
    timed.kernel(&params);
    seconds[thread] = getThreadSeconds() - begin;
  };
  std::vector<std::thread> others;
  for (size_t thread = 1; thread < threads; ++thread)
    others.emplace_back(work, thread);
  work(0);
  for (std::thread &other : others)
    other.join();
  return *llvm::max_element(seconds);
}

std::vector<double> driver::timeKernels(llvm::ArrayRef<TimedKernel> kernels,
                                        int64_t count, unsigned threads) {
  std::vector<uint64_t> bytes;
  int64_t scratchBytes = 0;
  for (const TimedKernel &timed : kernels) {
    // Row tiles differ, and with them the padding of the input.
    std::vector<uint64_t> needed = getOperandBytes(timed.spec, count);
    bytes.resize(needed.size());
    for (auto [most, size] : llvm::zip_equal(bytes, needed))
      most = std::max(most, size);
    scratchBytes = std::max(scratchBytes, timed.spec.getScratchBytes());
  }
  std::vector<Buffer> buffers, scratch;
  std::vector<void *> operands;
  for (uint64_t size : bytes)
    operands.push_back(buffers.emplace_back(size).get());
  for (unsigned thread = 0; thread < threads; ++thread)
    scratch.emplace_back(scratchBytes);
  auto isValid = [](const Buffer &buffer) { return buffer.isValid(); };
  if (!llvm::all_of(buffers, isValid) || !llvm::all_of(scratch, isValid))
    return {};

  ModelcKernelParams params = {};
  params.operands = operands.data();
  params.count = static_cast<uint32_t>(count);
  std::vector<double> best(kernels.size());
  for (size_t round = 0; round <= kRounds; ++round)
    for (size_t turn = 0; turn < kernels.size(); ++turn) {
      size_t i = (turn + round) % kernels.size();
      double seconds = runOnce(kernels[i], params, scratch);
      if (round <= 1 || seconds < best[i])
        best[i] = seconds;
    }
  return best;
}
