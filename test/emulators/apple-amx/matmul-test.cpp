//===- matmul-test.cpp - A Mac's matmul kernels on the emulated unit
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every bit of every output of the cases that make-matmul-cases.cpp made by
// docs/numerics.md, and how many outer products were executed for them.
//
//===----------------------------------------------------------------------===//

#include "Check.h"
#include "MachoImage.h"
#include "MatmulCases.h"
#include "appleamx.h"
#include "modelc/kernel_abi.h"
#include <sys/mman.h>

using namespace modelc::appleamx;

namespace {

constexpr uint32_t kRowTile = 32;
constexpr uint32_t kMostOperands = 10;

/// Bytes that begin at a multiple of 128 and end less than that before memory
/// that is not mapped.
struct Memory {
  void allocate(uint64_t wanted) {
    bytes = wanted;
    const uint64_t page = 4096, aligned = (wanted + 127) / 128 * 128;
    mappedBytes = (aligned + page - 1) / page * page + page;
    mapping = static_cast<uint8_t *>(mmap(nullptr, mappedBytes,
                                          PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(mapping != MAP_FAILED, "mmap");
    CHECK(mprotect(mapping + mappedBytes - page, page, PROT_NONE) == 0,
          "mprotect");
    data = mapping + mappedBytes - page - aligned;
  }
  void free() { munmap(mapping, mappedBytes); }

  uint8_t *data = nullptr;
  uint64_t bytes = 0;

private:
  uint8_t *mapping = nullptr;
  uint64_t mappedBytes = 0;
};

/// One case, read from the file.
class Matmul {
public:
  bool read(FILE *file);
  void free();
  void run(ModelcKernel kernel, uint32_t count);

  MatmulCase facts;

private:
  void call(ModelcKernel kernel, uint32_t begin, uint32_t end, uint32_t count);
  void compare(uint32_t count) const;

  MatmulOperand headers[kMostOperands];
  Memory operands[kMostOperands], expected[kMostOperands], scratch;
  uint64_t calls = 0;
};

} // namespace

bool Matmul::read(FILE *file) {
  if (fread(&facts, sizeof facts, 1, file) != 1)
    return false;
  CHECK(facts.operands <= kMostOperands, "%s", facts.name);
  scratch.allocate(facts.scratchBytes);
  for (uint32_t i = 0; i < facts.operands; ++i) {
    CHECK(fread(&headers[i], sizeof headers[i], 1, file) == 1, "header");
    operands[i].allocate(headers[i].bytes);
    expected[i].allocate(headers[i].bytes);
    CHECK(fread(expected[i].data, 1, headers[i].bytes, file) ==
              headers[i].bytes,
          "bytes");
    memcpy(operands[i].data, expected[i].data, headers[i].bytes);
  }
  return true;
}

void Matmul::free() {
  scratch.free();
  for (uint32_t i = 0; i < facts.operands; ++i) {
    operands[i].free();
    expected[i].free();
  }
}

void Matmul::call(ModelcKernel kernel, uint32_t begin, uint32_t end,
                  uint32_t count) {
  void *pointers[kMostOperands];
  for (uint32_t i = 0; i < facts.operands; ++i)
    pointers[i] = operands[i].data;
  memset(scratch.data, 0xff, scratch.bytes);
  ModelcKernelParams params = {};
  params.operands = pointers;
  params.scratch = scratch.data;
  params.tileBegin = begin;
  params.tileEnd = end;
  params.count = count;
  kernel(&params);
  ++calls;
}

/// Rows below `count` are as expected, others untouched; and so are inputs.
void Matmul::compare(uint32_t count) const {
  for (uint32_t i = 0; i < facts.operands; ++i) {
    const uint64_t rowBytes = headers[i].rowBytes;
    if (rowBytes == 0) {
      CHECK(memcmp(operands[i].data, expected[i].data, headers[i].bytes) == 0,
            "%s: operand %u changed", facts.name, i);
      continue;
    }
    for (uint64_t at = 0; at < headers[i].bytes; at += sizeof(float)) {
      float is, must;
      uint32_t isBits, mustBits;
      memcpy(&is, operands[i].data + at, sizeof is);
      memcpy(&must, expected[i].data + at, sizeof must);
      memcpy(&isBits, &is, sizeof is);
      memcpy(&mustBits, &must, sizeof must);
      if (at / rowBytes >= count)
        CHECK(isBits == 0xffffffff, "%s: row %u of %u was written", facts.name,
              unsigned(at / rowBytes), count);
      else
        CHECK(isBits == mustBits || (is != is && must != must),
              "%s: %u rows, row %u, element %u is %a, must be %a", facts.name,
              count, unsigned(at / rowBytes),
              unsigned(at % rowBytes / sizeof(float)), double(is),
              double(must));
    }
  }
}

/// All tiles in one call, and, for a few counts, one by one backwards.
void Matmul::run(ModelcKernel kernel, uint32_t count) {
  const bool isApart = count % kRowTile == 1;
  for (int isOneByOne = 0; isOneByOne < (isApart ? 2 : 1); ++isOneByOne) {
    for (uint32_t i = 0; i < facts.operands; ++i)
      if (headers[i].rowBytes != 0)
        memset(operands[i].data, 0xff, headers[i].bytes);
    appleamx_reset_counts();
    calls = 0;
    if (isOneByOne)
      for (uint32_t tile = facts.tiles; tile-- > 0;)
        call(kernel, tile, tile + 1, count);
    else
      call(kernel, 0, facts.tiles, count);
    compare(count);
    const uint64_t rowTiles = (count + kRowTile - 1) / kRowTile;
    CHECK(appleamx_count("mac16") == facts.mac16 * rowTiles &&
              appleamx_count("fma32") == facts.fma32 * rowTiles,
          "%s: %u rows: %u, %u products", facts.name, count,
          unsigned(appleamx_count("mac16")), unsigned(appleamx_count("fma32")));
    CHECK(appleamx_count("set") == calls && appleamx_count("clr") == calls,
          "%s: set, clr", facts.name);
  }
}

/// Of many rows, all at once only.
static bool isEdge(uint32_t count, uint32_t rows) {
  if (rows > 4 * kRowTile)
    return count == rows;
  const uint32_t rest = count % kRowTile;
  return count == 18 || count == rows || rest <= 1 || rest == kRowTile - 1;
}

int main(int argc, char **argv) {
  CHECK(argc == 2, "usage: matmul-test GROUP");
  MachoImage image;
  const char *error = image.open(MODELC_MATMUL_KERNELS);
  CHECK(!error, "%s", error);
  FILE *file = fopen(MODELC_MATMUL_CASES, "rb");
  CHECK(file, "no cases");
  unsigned ran = 0;
  Matmul matmul;
  while (matmul.read(file)) {
    char symbol[32];
    snprintf(symbol, sizeof symbol, "kernel%u", matmul.facts.kernel);
    const auto kernel = reinterpret_cast<ModelcKernel>(image.find(symbol));
    CHECK(kernel, "no %s", symbol);
    if (strcmp(matmul.facts.group, argv[1]) == 0) {
      ++ran;
      for (uint32_t count = 1; count <= matmul.facts.rows; ++count)
        if (matmul.facts.isForAllCounts || isEdge(count, matmul.facts.rows))
          matmul.run(kernel, count);
    }
    matmul.free();
  }
  CHECK(ran > 0, "no such group");
  fclose(file);
  return 0;
}
