//===- machine-test.cpp - Memory, matrices, threads, refusals
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "Words.h"
#include "appleamx.h"
#include <initializer_list>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace modelc::appleamx;

static uint64_t at(const void *memory, uint64_t upper) {
  return reinterpret_cast<uint64_t>(memory) | upper << 56;
}

static constexpr uint64_t kMultiple = 1 << 6, kFour = 1 << 4, kSpread = 1 << 5;

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

static Machine machine;
alignas(128) static uint8_t memory[256];

static void fillMemory(uint8_t seed) {
  for (int i = 0; i < 256; ++i)
    memory[i] = uint8_t(seed + i * 37);
}

/// Register `number` of `registers` holds memory from `part` * 64 on.
static void expectPart(const Register *registers, int number, int part) {
  CHECK(memcmp(registers[number].bytes, memory + part * 64, 64) == 0,
        "register %d is not part %d", number, part);
}

/// ldx and ldy of two or four registers, also behind the last one.
static void testLoadsOfMany() {
  constexpr struct {
    int chip;
    uint64_t flags;
    int count, step;
  } kForms[] = {
      {1, kMultiple, 2, 1},           {1, kMultiple | kFour | kSpread, 2, 1},
      {2, kMultiple | kFour, 4, 1},   {2, kMultiple | kFour | kSpread, 4, 1},
      {3, kMultiple | kSpread, 2, 4}, {3, kMultiple | kFour | kSpread, 4, 2},
      {3, kFour | kSpread, 1, 1}};
  issueSet();
  for (const auto &form : kForms) {
    CHECK(appleamx_set_chip(form.chip) == 0, "chip");
    for (int first = 0; first < 8; ++first) {
      fillMemory(uint8_t(first));
      loadAll(Machine());
      issue<Opcode::Ldx>(at(memory, form.flags | uint64_t(first)));
      issue<Opcode::Ldy>(at(memory, form.flags | uint64_t(first)));
      storeAll(machine);
      const Register zero = {};
      for (int i = 0; i < 8; ++i) {
        const int distance = (i - first + 8) % 8;
        const bool isLoaded =
            distance % form.step == 0 && distance / form.step < form.count;
        if (isLoaded) {
          expectPart(machine.x.registers, i, distance / form.step);
          expectPart(machine.y.registers, i, distance / form.step);
          continue;
        }
        CHECK(memcmp(&machine.x.registers[i], &zero, 64) == 0, "x%d", i);
        CHECK(memcmp(&machine.y.registers[i], &zero, 64) == 0, "y%d", i);
      }
    }
  }
  issueClr();
}

static void testPairsAndAlignment() {
  issueSet();
  fillMemory(5);
  for (uint64_t first : {uint64_t(0), uint64_t(31), uint64_t(63)}) {
    issue<Opcode::Ldz>(at(memory, kMultiple | first));
    storeAll(machine);
    expectPart(machine.z, int(first), 0);
    expectPart(machine.z, int(first + 1) % 64, 1);
    alignas(128) uint8_t copy[128] = {};
    issue<Opcode::Stz>(at(copy, kMultiple | first));
    CHECK(memcmp(copy, memory, 128) == 0, "stz of a pair from %d", int(first));
  }
  issue<Opcode::Ldx>(at(memory, kMultiple | 7));
  issue<Opcode::Ldy>(at(memory, kMultiple | 7));
  alignas(128) uint8_t copy[2][128] = {};
  issue<Opcode::Stx>(at(copy[0], kMultiple | 7));
  issue<Opcode::Sty>(at(copy[1], kMultiple | 7));
  CHECK(memcmp(copy[0], memory, 128) == 0 && memcmp(copy[1], memory, 128) == 0,
        "stores of a pair");
  // One register at any address; no byte beside it.
  for (int offset : {1, 63, 100}) {
    uint8_t bytes[192];
    memset(bytes, 0xee, sizeof(bytes));
    issue<Opcode::Ldx>(at(memory + offset, 2));
    issue<Opcode::Stx>(at(bytes + offset, 2));
    CHECK(memcmp(bytes + offset, memory + offset, 64) == 0 &&
              bytes[offset - 1] == 0xee && bytes[offset + 64] == 0xee,
          "at offset %d", offset);
  }
  issueClr();
}

/// The table of ldst.md: even lanes of memory to the even register.
static void testInterleaved() {
  issueSet();
  Random random(3);
  for (uint64_t half = 0; half < 64; ++half) {
    uint32_t in[16], out[16] = {};
    for (uint32_t &lane : in)
      lane = uint32_t(random.next());
    issue<Opcode::Ldzi>(at(in, half));
    storeAll(machine);
    for (int i = 0; i < 16; ++i)
      CHECK(machine.z[half / 2 * 2 + i % 2].get<uint32_t>(half % 2 * 8 +
                                                          i / 2) == in[i],
            "half %d lane %d", int(half), i);
    issue<Opcode::Stzi>(at(out, half));
    CHECK(memcmp(in, out, sizeof(in)) == 0, "stzi of half %d", int(half));
  }
  issueClr();
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// 64 x 16 sums of products of bytes by matint: lane i of X meets lane 4 * j
/// of Y in row 4 * j + i % 4, lane i / 4.
static void testBytesMatrix() {
  constexpr int kDepth = 300;
  constexpr uint64_t kBytes = uint64_t(8) << 47 | uint64_t(10) << 42;
  static int8_t a[kDepth][64];
  static int8_t b[kDepth][64];
  Random random(7);
  for (int k = 0; k < kDepth; ++k)
    for (int i = 0; i < 64; ++i) {
      // The largest products, too.
      a[k][i] = k < 100 ? -128 : int8_t(random.next());
      b[k][i] = k < 100 ? -128 : int8_t(random.next());
    }
  issueSet();
  for (int k = 0; k < kDepth; ++k) {
    issue<Opcode::Ldx>(at(a[k], 0));
    issue<Opcode::Ldy>(at(b[k], 0));
    issue<Opcode::Matint>(kBytes | uint64_t(1) << 63 | uint64_t(1) << 26);
  }
  storeAll(machine);
  issueClr();
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 16; ++j) {
      int32_t sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum += a[k][i] * b[k][4 * j];
      CHECK(machine.z[4 * j + i % 4].get<int32_t>(i / 4) == sum, "%d, %d", i,
            j);
    }
}

/// 32 x 32 sums of products of 16-bit lanes by mac16, out through stzi.
static void testWordsMatrix() {
  constexpr int kDepth = 300;
  static int16_t a[kDepth][32], b[kDepth][32];
  static int32_t c[32][32];
  Random random(8);
  for (int k = 0; k < kDepth; ++k)
    for (int i = 0; i < 32; ++i) {
      a[k][i] = int16_t(int(random.below(511)) - 255);
      b[k][i] = int16_t(int(random.below(511)) - 255);
    }
  issueSet();
  for (int k = 0; k < kDepth; ++k) {
    issue<Opcode::Ldx>(at(a[k], 0));
    issue<Opcode::Ldy>(at(b[k], 0));
    issue<Opcode::Mac16>(uint64_t(1) << 62 | uint64_t(k == 0) << 27);
  }
  for (uint64_t j = 0; j < 32; ++j) {
    issue<Opcode::Stzi>(at(c[j], 2 * j));
    issue<Opcode::Stzi>(at(c[j] + 16, 2 * j + 1));
  }
  issueClr();
  for (int j = 0; j < 32; ++j)
    for (int i = 0; i < 32; ++i) {
      int32_t sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum += a[k][i] * b[k][j];
      CHECK(c[j][i] == sum, "%d, %d", j, i);
    }
}

/// 16 x 16 by fma32, and 32 x 32 from halves by fma16: chains of fused
/// multiply-adds in ascending k.
static void testFloatsMatrix() {
  constexpr int kDepth = 50;
  static float a[kDepth][16], b[kDepth][16];
  static _Float16 ha[kDepth][32], hb[kDepth][32];
  Random random(9);
  const auto number = [&] {
    return float(int64_t(random.next()) >> 20) * 0x1p-40f;
  };
  for (int k = 0; k < kDepth; ++k)
    for (int i = 0; i < 32; ++i) {
      a[k][i % 16] = number();
      b[k][i % 16] = number();
      ha[k][i] = _Float16(number());
      hb[k][i] = _Float16(number());
    }
  issueSet();
  for (int k = 0; k < kDepth; ++k) {
    issue<Opcode::Ldx>(at(a[k], 0));
    issue<Opcode::Ldy>(at(b[k], 0));
    issue<Opcode::Fma32>(0);
  }
  storeAll(machine);
  for (int j = 0; j < 16; ++j)
    for (int i = 0; i < 16; ++i) {
      float sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum = __builtin_fmaf(a[k][i], b[k][j], sum);
      CHECK(machine.z[4 * j].get<float>(i) == sum, "fma32 %d, %d", j, i);
    }
  loadAll(Machine());
  for (int k = 0; k < kDepth; ++k) {
    issue<Opcode::Ldx>(at(ha[k], 0));
    issue<Opcode::Ldy>(at(hb[k], 0));
    issue<Opcode::Fma16>(uint64_t(1) << 62);
  }
  storeAll(machine);
  issueClr();
  for (int j = 0; j < 32; ++j)
    for (int i = 0; i < 32; ++i) {
      float sum = 0;
      for (int k = 0; k < kDepth; ++k)
        sum = __builtin_fmaf(ha[k][i], hb[k][j], sum);
      CHECK(machine.z[2 * j + i % 2].get<float>(i / 2) == sum, "fma16 %d, %d",
            j, i);
    }
}

//===----------------------------------------------------------------------===//
// Threads, registers, counters
//===----------------------------------------------------------------------===//

static pthread_barrier_t barrier;

static void *runThread(void *argument) {
  const auto own = uint8_t(reinterpret_cast<uintptr_t>(argument));
  uint8_t in[64], out[64] = {};
  memset(in, own, sizeof(in));
  issueSet();
  issue<Opcode::Ldx>(at(in, 3));
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 100; ++i)
    issue<Opcode::Extry>(uint64_t(1) << 27 | 3 << 20 | 5 << 6);
  issue<Opcode::Sty>(at(out, 5));
  issueClr();
  CHECK(memcmp(in, out, 64) == 0, "thread %d", own);
  return nullptr;
}

static void testThreads() {
  constexpr uintptr_t kThreads = 4;
  pthread_t threads[kThreads];
  appleamx_reset_counts();
  pthread_barrier_init(&barrier, nullptr, kThreads);
  for (uintptr_t i = 0; i < kThreads; ++i)
    CHECK(pthread_create(&threads[i], nullptr, runThread,
                         reinterpret_cast<void *>(i + 1)) == 0,
          "thread");
  for (pthread_t thread : threads)
    pthread_join(thread, nullptr);
  CHECK(appleamx_count("extry") == 400 && appleamx_count("set") == 4 &&
            appleamx_count("clr") == 4 && appleamx_count("sty") == 4,
        "counts");
  CHECK(appleamx_count("tdpbssd") == UINT64_MAX, "no such instruction");
}

/// set makes zeros; 31 is no register but zero; others are themselves.
static void testRegisters() {
  issueSet();
  loadAll(machine);
  issueClr();
  issueSet();
  Machine after;
  memset(&after, 1, sizeof(after));
  storeAll(after);
  const Register zero = {};
  for (const Register &value : after.x.registers)
    CHECK(memcmp(&value, &zero, 64) == 0, "x after set");
  for (const Register &value : after.z)
    CHECK(memcmp(&value, &zero, 64) == 0, "z after set");

  float ones[16];
  for (float &one : ones)
    one = 1;
  register uint64_t x0 asm("x0") = at(ones, 0);
  register uint64_t x17 asm("x17") = at(ones, 0);
  // ldx x0; ldy x17; fma32 xzr
  asm volatile(".word 0x201000\n.word 0x201031\n.word 0x20119f" ::"r"(x0),
               "r"(x17)
               : "memory");
  storeAll(after);
  issueClr();
  for (int j = 0; j < 16; ++j)
    for (int i = 0; i < 16; ++i)
      CHECK(after.z[4 * j].get<float>(i) == 1, "%d, %d", j, i);
}

/// Rounding mode and flush of the program change nothing, and stay.
static void testFloatControl() {
  float third[16], in[16];
  for (int i = 0; i < 16; ++i) {
    third[i] = 1.0f / 3;
    in[i] = 0x1p-149f * float(i);
  }
  const uint64_t upAndFlush = uint64_t(1) << 22 | uint64_t(1) << 24;
  uint64_t before, after;
  asm volatile("mrs %0, fpcr" : "=r"(before));
  issueSet();
  asm volatile("msr fpcr, %0" ::"r"(upAndFlush));
  issue<Opcode::Ldx>(at(third, 0));
  issue<Opcode::Ldy>(at(third, 0));
  issue<Opcode::Fma32>(uint64_t(1) << 63);
  issue<Opcode::Ldx>(at(in, 0));
  issue<Opcode::Fma32>(uint64_t(1) << 63 | 1 << 20 | 1 << 28);
  asm volatile("mrs %0, fpcr" : "=r"(after));
  asm volatile("msr fpcr, %0" ::"r"(before));
  storeAll(machine);
  issueClr();
  CHECK(after == upAndFlush, "fpcr is 0x%llx",
        static_cast<unsigned long long>(after));
  for (uint32_t i = 0; i < 16; ++i) {
    CHECK(machine.z[0].get<float>(i) == third[0] * third[0], "rounded");
    CHECK(machine.z[1].get<uint32_t>(i) == i, "subnormal %d", int(i));
  }
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

/// `run` ends by SIGILL, with `message` on stderr.
static void expectRefused(void (*run)(), const char *message) {
  int ends[2];
  CHECK(pipe(ends) == 0, "pipe");
  const pid_t child = fork();
  CHECK(child >= 0, "fork");
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    run();
    _exit(0);
  }
  close(ends[1]);
  char text[1024] = {};
  size_t size = 0;
  for (ssize_t got;
       size + 1 < sizeof(text) &&
       (got = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0;)
    size += size_t(got);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL,
        "status 0x%x instead of SIGILL; stderr: %s", status, text);
  CHECK(strstr(text, message), "no '%s' in: %s", message, text);
}

static void useChipAndSet(int chip) {
  appleamx_set_chip(chip);
  issueSet();
}

static void testRefusals() {
  expectRefused([] { issue<Opcode::Ldx>(at(memory, 0)); }, "ldx of 0x");
  expectRefused([] { issue<Opcode::Fma32>(0); }, "fma32 of 0x0: is not on");
  expectRefused([] { issueClr(); }, "clr of 0x");
  expectRefused(
      [] {
        issueSet();
        issueSet();
      },
      "is on already");
  expectRefused(
      [] {
        issueSet();
        issue<Opcode::Ldx>(at(memory + 64, kMultiple));
      },
      "not a multiple of 128");
  expectRefused(
      [] {
        useChipAndSet(2);
        issue<Opcode::Matfp>(0);
      },
      "matfp of 0x0: bf16 is not emulated");
  expectRefused(
      [] {
        useChipAndSet(2);
        issue<Opcode::Vecfp>(uint64_t(1) << 42);
      },
      "bf16 is not emulated");
  expectRefused(
      [] {
        useChipAndSet(2);
        issue<Opcode::Vecint>(uint64_t(1) << 31);
      },
      "vecint of 0x80000000: several vectors (bit 31) are not emulated");
  expectRefused(
      [] {
        useChipAndSet(3);
        issue<Opcode::Extrx>(uint64_t(1) << 31 | 1 << 26);
      },
      "extrx of 0x84000000: several vectors (bit 31) are not emulated");
  expectRefused(
      [] {
        useChipAndSet(2);
        issue<Opcode::Genlut>(uint64_t(1) << 53 | 1 << 30);
      },
      "genlut of 0x20000040000000: bf16 is not emulated");
  // set with immediate 2; the opcode behind genlut.
  expectRefused([] { asm volatile(".word 0x201222"); }, "neither set nor clr");
  expectRefused([] { asm volatile(".word 0x2012e0"); }, "");
  CHECK(appleamx_set_chip(0) == -1 && appleamx_set_chip(4) == -1, "chips");
}

int main(int argc, char **argv) {
  static constexpr Case kCases[] = {
      {"bytes-matrix", testBytesMatrix},
      {"float-control", testFloatControl},
      {"floats-matrix", testFloatsMatrix},
      {"interleaved", testInterleaved},
      {"loads-of-many", testLoadsOfMany},
      {"pairs-and-alignment", testPairsAndAlignment},
      {"refusals", testRefusals},
      {"registers", testRegisters},
      {"threads", testThreads},
      {"words-matrix", testWordsMatrix},
  };
  return runCase(kCases, argc, argv);
}
