//===- KernelHarness.h - Compiles kernels in process and compares their bits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel test makes specifications, compiles them (`KernelTest::compile`),
// fills operands (`Call`), and says what each output must be. `Call::check`
// runs the tiles whole, one by one backwards, and in groups of three, each
// time from the same start, and compares every bit; NaNs equal each other.
//
// Every operand ends where memory ends: reading or writing one byte behind it
// is a crash.
//
// Kernels for AMD GPUs are executed by test/emulators/amdgpu: once, with all
// tiles, as they are launched.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_KERNELS_KERNELHARNESS_H
#define MODELC_TEST_KERNELS_KERNELHARNESS_H

#include "compiler/codegen/jit/Jit.h"
#include "mlir/IR/MLIRContext.h"
#include "modelc/kernel_abi.h"
#include "test/kernels/GpuCode.h"
#include <cstring>
#include <deque>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace modelc::kernels::test {

/// Bytes that end at an unmapped page. Movable.
class Memory {
public:
  explicit Memory(size_t sizeBytes);
  Memory(Memory &&other) noexcept;
  Memory &operator=(Memory &&) = delete;
  ~Memory();

  std::span<uint8_t> bytes() const { return {data, sizeBytes}; }

private:
  uint8_t *data;
  size_t sizeBytes;
  void *mapping;
  size_t mappedBytes;
};

/// The tokens of one step, and the pages of their sequences.
struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions;
  std::vector<uint32_t> sequences;
  std::vector<uint32_t> outputRows;
  std::vector<uint32_t> pageTables;
  uint32_t pagesPerSequence = 0;

  ModelcStepInputs getInputs() const;
};

/// A compiled kernel: a function, or one of a code object for GPUs.
struct Kernel {
  ModelcKernel function = nullptr;
  GpuCode *gpu = nullptr;
  std::string symbol;
};

/// One kernel with its operands.
class Call {
public:
  Call(Kernel kernel, plan::KernelSpecInterface spec, const Batch &batch = {});

  /// Appends an operand that holds these values; gives its index.
  template <typename T> size_t add(std::span<const T> values) {
    return addBytes({reinterpret_cast<const uint8_t *>(values.data()),
                     values.size() * sizeof(T)});
  }
  template <typename T> size_t add(const std::vector<T> &values) {
    return add(std::span<const T>(values));
  }
  /// Appends an operand of bytes 0xff, which are NaN as floats and quants.
  size_t addOutput(size_t sizeBytes);

  /// Appends operand `index` once more: two operands in the same memory.
  void addAgain(size_t index) { order.push_back(index); }

  /// What operand `index` must hold in the end, as floats, or as f16 or plain
  /// bytes. Operands without an expectation must not change.
  void expectFloats(size_t index, std::span<const float> expected);
  void expectHalves(size_t index, std::span<const uint16_t> expected);
  void expectBytes(size_t index, std::span<const uint8_t> expected);

  /// Runs all tiles in several ways and compares. `count` is the step's.
  void check(int64_t tiles, int64_t count);

private:
  enum class Kind { Bytes, Floats, Halves };
  enum class Split { Whole, OneByOneBackwards, Threes };
  struct Operand {
    Memory memory;
    std::vector<uint8_t> initial, expected;
    Kind kind = Kind::Bytes;
  };

  size_t addBytes(std::span<const uint8_t> bytes);
  void expect(size_t index, Kind kind, std::span<const uint8_t> expected);
  void reset();
  void run(Split split, int64_t tiles, int64_t count);
  void runTiles(int64_t begin, int64_t end, int64_t count);
  void runOnGpu(int64_t tiles, int64_t count);
  void compare(const char *split);

  Kernel kernel;
  plan::KernelSpecInterface spec;
  Batch batch;
  ModelcStepInputs inputs;
  std::vector<Operand> operands;
  /// The kernel's operands, as indices into `operands`.
  std::vector<size_t> order;
  Memory scratch;
};

/// A test of kernels of one target, whose name is the parameter. Skipped where
/// the machine cannot run them; what it lacks of Sapphire Rapids' instructions
/// is emulated.
class KernelTest : public testing::TestWithParam<const char *> {
protected:
  KernelTest();
  void SetUp() override;
  void TearDown() override;

  /// Compiles the specifications, equal ones once; the kernels stand in their
  /// order and live as long as the test.
  llvm::ArrayRef<Kernel>
  compile(llvm::ArrayRef<plan::KernelSpecInterface> specs);
  template <typename Spec>
  llvm::ArrayRef<Kernel> compile(const std::vector<Spec> &specs) {
    std::vector<plan::KernelSpecInterface> all(specs.begin(), specs.end());
    return compile(llvm::ArrayRef(all));
  }

  /// For every specification: no emitter, no kernel, and this message.
  void expectRefused(plan::KernelSpecInterface spec, llvm::StringRef message);

  /// So many products of tiles by this instruction ran since the test began;
  /// nothing where the CPU has tiles itself, as nobody counts there.
  void expectTileProducts(uint64_t products,
                          const char *instruction = "tdpbssd");

  mlir::FloatAttr f32(float value);

  mlir::MLIRContext context;
  const target::TargetSpec *target = nullptr;
  std::mt19937 random{12345};

  float makeFloat(); ///< In -1 .. 1.
  std::vector<float> makeFloats(size_t count);

private:
  std::vector<Kernel>
  compileForCpu(llvm::ArrayRef<codegen::KernelRequest> requests);
  std::vector<Kernel>
  compileForGpu(llvm::ArrayRef<codegen::KernelRequest> requests);

  std::vector<codegen::Jit> jits;
  std::deque<GpuCode> gpuCodes;
  std::deque<std::vector<Kernel>> kernels; ///< Of each compile().
};

/// Instantiates a test for one target of each instruction set.
#define MODELC_FOR_EACH_TARGET(test)                                           \
  INSTANTIATE_TEST_SUITE_P(                                                    \
      , test, testing::Values("x86-64-v3", "cascadelake", "sapphirerapids"),   \
      nameParameter)

/// The same for some GPUs, which the interpreter makes slow.
#define MODELC_FOR_EACH_GPU(test, ...)                                         \
  INSTANTIATE_TEST_SUITE_P(gpu, test, testing::Values(__VA_ARGS__),            \
                           nameParameter)

/// The target's name as part of a test's.
inline std::string
nameParameter(const testing::TestParamInfo<const char *> &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

} // namespace modelc::kernels::test

#endif // MODELC_TEST_KERNELS_KERNELHARNESS_H
