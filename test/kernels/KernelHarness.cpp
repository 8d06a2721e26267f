//===- KernelHarness.cpp - Compiles kernels in process and compares their bits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelHarness.h"
#include "test/emulators/intel-amx/amxemu.h"
#include "test/reference/Numerics.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cmath>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

namespace modelc::kernels::test {

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Memory::Memory(size_t sizeBytes) : sizeBytes(sizeBytes) {
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t usable = llvm::alignTo(std::max<size_t>(sizeBytes, 1), page);
  mappedBytes = usable + page;
  mapping = mmap(nullptr, mappedBytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(mapping, MAP_FAILED);
  uint8_t *begin = static_cast<uint8_t *>(mapping);
  EXPECT_EQ(mprotect(begin + usable, page, PROT_NONE), 0);
  data = begin + usable - sizeBytes;
}

Memory::Memory(Memory &&other) noexcept
    : data(other.data), sizeBytes(other.sizeBytes), mapping(other.mapping),
      mappedBytes(other.mappedBytes) {
  other.mapping = nullptr;
}

Memory::~Memory() {
  if (mapping)
    munmap(mapping, mappedBytes);
}

//===----------------------------------------------------------------------===//
// Batch
//===----------------------------------------------------------------------===//

ModelcStepInputs Batch::getInputs() const {
  ModelcStepInputs inputs = {};
  inputs.tokens = tokens.data();
  inputs.positions = positions.data();
  inputs.sequences = sequences.data();
  inputs.outputRows = outputRows.data();
  inputs.pageTables = pageTables.data();
  inputs.pagesPerSequence = pagesPerSequence;
  inputs.tokenCount =
      static_cast<uint32_t>(std::max(tokens.size(), positions.size()));
  inputs.outputCount = static_cast<uint32_t>(outputRows.size());
  for (int32_t position : positions)
    inputs.maxLength =
        std::max(inputs.maxLength, static_cast<uint32_t>(position) + 1);
  return inputs;
}

//===----------------------------------------------------------------------===//
// Call
//===----------------------------------------------------------------------===//

Call::Call(Kernel kernel, plan::KernelSpecInterface spec, const Batch &batch)
    : kernel(std::move(kernel)), spec(spec), batch(batch),
      inputs(this->batch.getInputs()),
      scratch(static_cast<size_t>(spec.getScratchBytes())) {}

size_t Call::addBytes(std::span<const uint8_t> bytes) {
  operands.push_back({Memory(bytes.size()),
                      {bytes.begin(), bytes.end()},
                      {bytes.begin(), bytes.end()}});
  order.push_back(operands.size() - 1);
  return order.back();
}

size_t Call::addOutput(size_t sizeBytes) {
  return addBytes(std::vector<uint8_t>(sizeBytes, 0xff));
}

void Call::expect(size_t index, Kind kind, std::span<const uint8_t> expected) {
  ASSERT_EQ(expected.size(), operands[index].initial.size())
      << "operand " << index;
  operands[index].kind = kind;
  operands[index].expected.assign(expected.begin(), expected.end());
}

template <typename T>
static std::span<const uint8_t> asBytes(std::span<const T> values) {
  return {reinterpret_cast<const uint8_t *>(values.data()),
          values.size_bytes()};
}

void Call::expectFloats(size_t index, std::span<const float> expected) {
  expect(index, Kind::Floats, asBytes(expected));
}

void Call::expectHalves(size_t index, std::span<const uint16_t> expected) {
  expect(index, Kind::Halves, asBytes(expected));
}

void Call::expectBytes(size_t index, std::span<const uint8_t> expected) {
  expect(index, Kind::Bytes, expected);
}

void Call::check(int64_t tiles, int64_t count) {
  ASSERT_EQ(order.size(), spec.getAccesses().size());
  if (kernel.gpu) {
    runOnGpu(tiles, count);
    return compare("on the GPU");
  }
  const std::pair<Split, const char *> splits[] = {
      {Split::Whole, "whole"},
      {Split::OneByOneBackwards, "one by one, backwards"},
      {Split::Threes, "three by three"}};
  for (auto [split, name] : splits) {
    run(split, tiles, count);
    compare(name);
    if (testing::Test::HasFailure())
      return;
  }
}

void Call::reset() {
  for (Operand &operand : operands)
    std::copy(operand.initial.begin(), operand.initial.end(),
              operand.memory.bytes().begin());
}

void Call::run(Split split, int64_t tiles, int64_t count) {
  reset();
  switch (split) {
  case Split::Whole:
    return runTiles(0, tiles, count);
  case Split::OneByOneBackwards:
    for (int64_t tile = tiles - 1; tile >= 0; --tile)
      runTiles(tile, tile + 1, count);
    return;
  case Split::Threes:
    for (int64_t tile = 0; tile < tiles; tile += 3)
      runTiles(tile, std::min(tile + 3, tiles), count);
  }
}

void Call::runTiles(int64_t begin, int64_t end, int64_t count) {
  std::span<uint8_t> bytes = scratch.bytes();
  std::fill(bytes.begin(), bytes.end(), 0xff);
  std::vector<void *> pointers;
  for (size_t index : order)
    pointers.push_back(operands[index].memory.bytes().data());
  ModelcKernelParams params = {};
  params.operands = pointers.data();
  params.inputs = &inputs;
  params.scratch = bytes.data();
  params.tileBegin = static_cast<uint32_t>(begin);
  params.tileEnd = static_cast<uint32_t>(end);
  params.count = static_cast<uint32_t>(count);
  kernel.function(&params);
}

void Call::runOnGpu(int64_t tiles, int64_t count) {
  reset();
  GpuLaunch launch = {kernel.symbol, spec, tiles, count, inputs, {}, {}};
  auto addArray = [&](auto &values) {
    launch.inputArrays.push_back({reinterpret_cast<uint8_t *>(values.data()),
                                  values.size() * sizeof(values[0])});
  };
  addArray(batch.tokens);
  addArray(batch.positions);
  addArray(batch.sequences);
  addArray(batch.outputRows);
  addArray(batch.pageTables);
  for (size_t index : order)
    launch.operands.push_back(operands[index].memory.bytes());
  EXPECT_EQ(kernel.gpu->run(launch), "") << spec.getKernelName();
}

template <typename T> static T read(std::span<const uint8_t> bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// Index of the first element that differs, or nothing.
template <typename T, typename Same>
static std::optional<size_t> findDifference(std::span<const uint8_t> actual,
                                            std::span<const uint8_t> expected,
                                            Same isSame) {
  for (size_t i = 0; i < actual.size() / sizeof(T); ++i)
    if (!isSame(read<T>(actual, i), read<T>(expected, i)))
      return i;
  return std::nullopt;
}

void Call::compare(const char *split) {
  for (size_t index = 0; index < operands.size(); ++index) {
    std::span<const uint8_t> actual = operands[index].memory.bytes();
    std::span<const uint8_t> expected = operands[index].expected;
    std::string where = spec.getKernelName() + ", " + split + ": operand " +
                        std::to_string(index) + ", element ";
    switch (operands[index].kind) {
    case Kind::Floats: {
      auto isSame = [](float a, float b) {
        return (std::isnan(a) && std::isnan(b)) ||
               std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
      };
      if (auto i = findDifference<float>(actual, expected, isSame))
        ADD_FAILURE() << where << *i << std::hexfloat << " is "
                      << read<float>(actual, *i) << ", must be "
                      << read<float>(expected, *i);
      break;
    }
    case Kind::Halves: {
      auto isSame = [](uint16_t a, uint16_t b) {
        return a == b || (std::isnan(reference::fromF16(a)) &&
                          std::isnan(reference::fromF16(b)));
      };
      if (auto i = findDifference<uint16_t>(actual, expected, isSame))
        ADD_FAILURE() << where << *i << " is "
                      << reference::fromF16(read<uint16_t>(actual, *i))
                      << ", must be "
                      << reference::fromF16(read<uint16_t>(expected, *i));
      break;
    }
    case Kind::Bytes:
      if (auto i = findDifference<uint8_t>(actual, expected,
                                           std::equal_to<uint8_t>()))
        ADD_FAILURE() << where << *i << " is " << int(actual[*i])
                      << ", must be " << int(expected[*i]);
    }
  }
}

//===----------------------------------------------------------------------===//
// KernelTest
//===----------------------------------------------------------------------===//

KernelTest::KernelTest() : context(mlir::MLIRContext::Threading::DISABLED) {
  codegen::loadKernelDialects(context);
}

/// False only if the CPU has tiles and the kernel does not let us use them:
/// else the emulator has them.
static bool permitTiles() {
  constexpr long kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;
  return (amxemu_native_sets() & AMXEMU_AMX_TILE) == 0 ||
         syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) == 0;
}

/// True if this machine runs such kernels, if need be by the emulator.
static bool hasIsa(target::Isa isa) {
  bool hasAvx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
  bool hasAvx512 = hasAvx2 && __builtin_cpu_supports("avx512f") &&
                   __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512cd");
  switch (isa) {
  case target::Isa::Avx2:
    return hasAvx2;
  case target::Isa::Avx512Vnni:
    return hasAvx512 && __builtin_cpu_supports("avx512vnni");
  case target::Isa::IntelAmx:
    return hasAvx512 && permitTiles();
  case target::Isa::NeonDotprod:
  case target::Isa::NeonI8mm:
  case target::Isa::Sme:
  case target::Isa::AppleAmx:
    return false; // Of another processor: e2e/aarch64 has them.
  case target::Isa::Hip:
  case target::Isa::HipMatrix:
    return true; // By the interpreter.
  }
  llvm_unreachable("no such instruction set");
}

void KernelTest::SetUp() {
  target = target::findTarget(GetParam());
  ASSERT_TRUE(target);
  for (target::Isa isa :
       {target::Isa::Avx2, target::Isa::Avx512Vnni, target::Isa::IntelAmx})
    if (target->hasKernelsOf(isa) && !hasIsa(isa))
      GTEST_SKIP() << "this machine has no " << target::getIsaName(isa).str();
  amxemu_reset_counts();
}

void KernelTest::TearDown() {
  // A plan for a CPU without tiles has none.
  if (target && !target->hasKernelsOf(target::Isa::IntelAmx)) {
    EXPECT_EQ(amxemu_count("tdpbssd"), 0u);
    EXPECT_EQ(amxemu_count("tdpbf16ps"), 0u);
  }
}

void KernelTest::expectTileProducts(uint64_t products,
                                    const char *instruction) {
  if ((amxemu_native_sets() & AMXEMU_AMX_TILE) == 0) {
    EXPECT_EQ(amxemu_count(instruction), products);
  }
}

llvm::ArrayRef<Kernel>
KernelTest::compile(llvm::ArrayRef<plan::KernelSpecInterface> specs) {
  std::vector<codegen::KernelRequest> requests;
  llvm::DenseMap<mlir::Attribute, size_t> numbers;
  for (plan::KernelSpecInterface spec : specs)
    if (numbers.try_emplace(spec, requests.size()).second)
      requests.push_back(
          {spec.getKernelName() + "_" + std::to_string(requests.size()), spec});
  std::vector<Kernel> compiled =
      target->gpu ? compileForGpu(requests) : compileForCpu(requests);
  if (compiled.empty())
    return {};
  std::vector<Kernel> &all = kernels.emplace_back();
  for (plan::KernelSpecInterface spec : specs)
    all.push_back(compiled[numbers.at(spec)]);
  return all;
}

std::vector<Kernel>
KernelTest::compileForCpu(llvm::ArrayRef<codegen::KernelRequest> requests) {
  absl::StatusOr<codegen::Jit> jit = codegen::Jit::create(requests, *target, 2);
  if (!jit.ok()) {
    ADD_FAILURE() << jit.status().ToString();
    return {};
  }
  jits.push_back(*std::move(jit));
  std::vector<Kernel> compiled;
  for (ModelcKernel function : jits.back().getKernels())
    compiled.push_back({function, nullptr, {}});
  return compiled;
}

std::vector<Kernel>
KernelTest::compileForGpu(llvm::ArrayRef<codegen::KernelRequest> requests) {
  absl::StatusOr<codegen::CodeImage> image =
      codegen::compileKernels(requests, *target, 2);
  if (!image.ok()) {
    ADD_FAILURE() << image.status().ToString();
    return {};
  }
  GpuCode &code = gpuCodes.emplace_back(*target, image->bytes);
  EXPECT_EQ(code.getError(), "");
  std::vector<Kernel> compiled;
  for (const codegen::KernelRequest &request : requests)
    compiled.push_back({nullptr, &code, request.symbol});
  return compiled;
}

void KernelTest::expectRefused(plan::KernelSpecInterface spec,
                               llvm::StringRef message) {
  absl::StatusOr<codegen::CodeImage> image =
      codegen::compileKernels({{"refused", spec}}, *target, 1);
  ASSERT_FALSE(image.ok());
  EXPECT_NE(image.status().ToString().find(message.str()), std::string::npos)
      << image.status().ToString();
}

mlir::FloatAttr KernelTest::f32(float value) {
  return mlir::FloatAttr::get(mlir::Float32Type::get(&context), value);
}

float KernelTest::makeFloat() { return float(random()) / 0x1p31f - 1; }

std::vector<float> KernelTest::makeFloats(size_t count) {
  std::vector<float> values(count);
  for (float &value : values)
    value = makeFloat();
  return values;
}

} // namespace modelc::kernels::test
