//===- guest-calls.cpp - Makes the calls of a file, under qemu
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   guest-calls FILE         GuestCalls.h describes it; ends with 1 and a line
//                            for what differs
//
// Operands end where memory ends. Around each call is checked what AAPCS64 and
// its part on SME promise a caller: d8 to d15 are kept, streaming mode and ZA
// are off, TPIDR2_EL0 is null. Every other call is made while ZA is saved
// lazily, as by a caller that has a state of its own there; the kernel must
// have saved it then.
//
//===----------------------------------------------------------------------===//

#include "modelc/kernel_abi.h"
#include "test/kernels/GuestCalls.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <vector>

using modelc::kernels::test::kCallsMagic;

namespace {

constexpr size_t kPage = 4096;
/// Bytes of a streaming vector, and so rows of ZA.
constexpr size_t kVectorBytes = 64;

/// What a call leaves behind.
struct StateAfter {
  double kept[8]; ///< d8 .. d15, which were 1 .. 8.
  uint64_t svcr;
  uint64_t tpidr2;
};

/// AAPCS64, "TPIDR2 block".
struct LazySave {
  void *buffer;
  uint16_t slices;
  uint8_t reserved[6];
};

struct Operand {
  uint8_t *data;
  size_t bytes;
  std::vector<uint8_t> expected; ///< Empty: as they are.
  std::vector<uint8_t> initial;
};

} // namespace

extern "C" void callKernel(ModelcKernel kernel, const ModelcKernelParams *,
                           StateAfter *after);
/// Turns ZA on, loads it, and says that it is saved lazily.
extern "C" void makeZaDormant(const LazySave *block, const void *contents);

asm(R"(
  .arch armv9-a+sme2
  .text
  .globl callKernel
callKernel:
  stp x29, x30, [sp, #-96]!
  mov x29, sp
  stp d8, d9, [sp, #16]
  stp d10, d11, [sp, #32]
  stp d12, d13, [sp, #48]
  stp d14, d15, [sp, #64]
  str x19, [sp, #80]
  mov x19, x2
  mov x16, x0
  mov x0, x1
  fmov d8, #1.0
  fmov d9, #2.0
  fmov d10, #3.0
  fmov d11, #4.0
  fmov d12, #5.0
  fmov d13, #6.0
  fmov d14, #7.0
  fmov d15, #8.0
  blr x16
  mrs x9, SVCR
  mrs x10, TPIDR2_EL0
  smstop
  msr TPIDR2_EL0, xzr
  tst x9, #1
  b.ne 1f
  stp d8, d9, [x19]
  stp d10, d11, [x19, #16]
  stp d12, d13, [x19, #32]
  stp d14, d15, [x19, #48]
1:
  stp x9, x10, [x19, #64]
  ldp d8, d9, [sp, #16]
  ldp d10, d11, [sp, #32]
  ldp d12, d13, [sp, #48]
  ldp d14, d15, [sp, #64]
  ldr x19, [sp, #80]
  ldp x29, x30, [sp], #96
  ret

  .globl makeZaDormant
makeZaDormant:
  smstart za
  mov w12, #0
2:
  ldr za[w12, 0], [x1]
  add x1, x1, #64
  add w12, w12, #1
  cmp w12, #64
  b.ne 2b
  msr TPIDR2_EL0, x0
  ret
)");

static FILE *file;

[[noreturn]] static void fail(const char *what) {
  std::printf("guest-calls: %s\n", what);
  std::exit(1);
}

static void readBytes(void *to, size_t bytes) {
  if (bytes > 0 && std::fread(to, bytes, 1, file) != 1)
    fail("the file is cut short");
}

static uint64_t readNumber() {
  uint64_t number;
  readBytes(&number, sizeof(number));
  return number;
}

static uint8_t *map(size_t bytes, int protection) {
  void *mapped =
      mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED)
    fail("no memory");
  return static_cast<uint8_t *>(mapped);
}

/// Bytes that end at a page that cannot be touched.
static uint8_t *allocate(size_t bytes) {
  size_t usable = (bytes + kPage) / kPage * kPage;
  uint8_t *begin = map(usable + kPage, PROT_READ | PROT_WRITE);
  if (mprotect(begin + usable, kPage, PROT_NONE) != 0)
    fail("no guard");
  return begin + usable - bytes;
}

/// The code image; its address 0 is where it begins.
static uint8_t *loadCode() {
  std::vector<uint8_t> code(readNumber());
  readBytes(code.data(), code.size());
  constexpr size_t kImageBytes = size_t(64) << 20;
  uint8_t *image = map(kImageBytes, PROT_READ | PROT_WRITE);
  for (uint64_t segments = readNumber(); segments > 0; --segments) {
    uint64_t address = readNumber(), memoryBytes = readNumber();
    uint64_t offset = readNumber(), fileBytes = readNumber();
    if (address + memoryBytes > kImageBytes ||
        offset + fileBytes > code.size() || fileBytes > memoryBytes)
      fail("a segment is elsewhere");
    std::memcpy(image + address, code.data() + offset, fileBytes);
    char *begin = reinterpret_cast<char *>(image + address);
    __builtin___clear_cache(begin, begin + fileBytes);
  }
  if (mprotect(image, kImageBytes, PROT_READ | PROT_EXEC) != 0)
    fail("code cannot be made executable");
  return image;
}

static Operand readOperand() {
  Operand operand;
  operand.bytes = readNumber();
  operand.data = allocate(operand.bytes);
  operand.initial.resize(operand.bytes);
  readBytes(operand.initial.data(), operand.bytes);
  std::memcpy(operand.data, operand.initial.data(), operand.bytes);
  if (readNumber() != 0) {
    operand.expected.resize(operand.bytes);
    readBytes(operand.expected.data(), operand.bytes);
  }
  return operand;
}

/// Floats are equal if their bits are, or both are NaN.
static bool compareFloats(uint64_t call, const Operand &operand) {
  for (size_t i = 0; i < operand.bytes / sizeof(float); ++i) {
    float found, expected;
    std::memcpy(&found, operand.data + i * sizeof(float), sizeof(float));
    std::memcpy(&expected, operand.expected.data() + i * sizeof(float),
                sizeof(float));
    bool areNan = found != found && expected != expected;
    if (!areNan && std::memcmp(&found, &expected, sizeof(float)) != 0) {
      std::printf("call %llu: element %zu is %a, must be %a\n",
                  static_cast<unsigned long long>(call), i, double(found),
                  double(expected));
      return false;
    }
  }
  return true;
}

static bool compare(uint64_t call, const Operand &operand) {
  if (!operand.expected.empty())
    return compareFloats(call, operand);
  if (std::memcmp(operand.data, operand.initial.data(), operand.bytes) == 0)
    return true;
  std::printf("call %llu: changed what it should read\n",
              static_cast<unsigned long long>(call));
  return false;
}

static bool checkState(uint64_t call, const StateAfter &after) {
  bool isRight = after.svcr == 0 && after.tpidr2 == 0;
  for (int i = 0; i < 8; ++i)
    isRight &= after.kept[i] == i + 1;
  if (!isRight)
    std::printf("call %llu: SVCR %llx, TPIDR2_EL0 %llx, d8 %a .. d15 %a\n",
                static_cast<unsigned long long>(call),
                static_cast<unsigned long long>(after.svcr),
                static_cast<unsigned long long>(after.tpidr2), after.kept[0],
                after.kept[7]);
  return isRight;
}

static bool call(uint64_t number, uint8_t *code) {
  uint64_t address = readNumber(), scratchBytes = readNumber();
  uint64_t tiles = readNumber(), count = readNumber();
  std::vector<Operand> operands(readNumber());
  std::vector<void *> pointers;
  for (Operand &operand : operands) {
    operand = readOperand();
    pointers.push_back(operand.data);
  }
  uint8_t *scratch = allocate(scratchBytes);
  std::memset(scratch, 0xff, scratchBytes);
  ModelcStepInputs inputs = {};
  ModelcKernelParams params = {};
  params.operands = pointers.data();
  params.inputs = &inputs;
  params.scratch = scratch;
  params.tileEnd = static_cast<uint32_t>(tiles);
  params.count = static_cast<uint32_t>(count);

  // ZA of a caller, of which it wants all rows but the last three kept.
  std::vector<uint8_t> contents(kVectorBytes * kVectorBytes), saved;
  for (size_t i = 0; i < contents.size(); ++i)
    contents[i] = static_cast<uint8_t>(i * 7 + i / kVectorBytes + number);
  saved.assign(contents.size(), 0xee);
  LazySave block = {saved.data(), kVectorBytes - 3, {}};
  bool isLazy = number % 2 == 1;
  if (isLazy)
    makeZaDormant(&block, contents.data());
  StateAfter after = {};
  callKernel(reinterpret_cast<ModelcKernel>(code + address), &params, &after);
  bool isRight = checkState(number, after);
  if (isLazy) {
    std::fill(contents.end() - 3 * kVectorBytes, contents.end(), 0xee);
    if (saved != contents) {
      std::printf("call %llu: the caller's ZA is not saved\n",
                  static_cast<unsigned long long>(number));
      isRight = false;
    }
  }
  for (const Operand &operand : operands)
    isRight &= compare(number, operand);
  return isRight;
}

int main(int argc, char **argv) {
  file = argc == 2 ? std::fopen(argv[1], "rb") : nullptr;
  if (!file || readNumber() != kCallsMagic)
    fail("expected a file of calls");
  uint8_t *code = loadCode();
  uint64_t calls = readNumber();
  for (uint64_t i = 0; i < calls; ++i)
    if (!call(i, code))
      return 1;
  std::printf("%llu calls\n", static_cast<unsigned long long>(calls));
  return 0;
}
