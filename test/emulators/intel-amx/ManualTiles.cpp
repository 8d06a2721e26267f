//===- ManualTiles.cpp - The tile instructions of the SDM
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manual.h"
#include <functional>

namespace modelc::manual {
namespace {

using Row = std::array<uint8_t, 64>;

uint16_t word(const Row &row, int i) {
  return uint16_t(row[2 * i] | row[2 * i + 1] << 8);
}

uint32_t dword(const Row &row, int i) {
  return word(row, 2 * i) | uint32_t(word(row, 2 * i + 1)) << 16;
}

void setDword(Row &row, int i, uint32_t value) {
  for (int byte = 0; byte < 4; ++byte)
    row[4 * i + byte] = uint8_t(value >> (8 * byte));
}

void writeRowAndZero(Tile &treg, int r, const Row &data, int nbytes) {
  for (int j = 0; j < nbytes; ++j)
    treg.row[r][j] = data[j];
  for (int j = nbytes; j < 64; ++j)
    treg.row[r][j] = 0;
}

void zeroUpperRows(Tile &treg, int r) {
  for (; r < 16; ++r)
    treg.row[r].fill(0);
}

/// One byte of a product: sign or zero extension.
int64_t extend(uint8_t byte, bool isSigned) {
  return isSigned && byte >= 128 ? int64_t(byte) - 256 : byte;
}

using ConvertHalf = std::function<uint32_t(uint16_t)>;

void tdpHalves(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2,
               const ConvertHalf &convert) {
  const int elementsSrc1 = tsrc1.colsb / 4;
  const int elementsDest = tsrcdest.colsb / 4;
  for (int m = 0; m < tsrcdest.rows; ++m) {
    std::array<uint32_t, 32> temp1 = {};
    for (int k = 0; k < elementsSrc1; ++k)
      for (int n = 0; n < elementsDest; ++n)
        for (int half = 0; half < 2; ++half)
          temp1[2 * n + half] = fp32Fma(
              convert(word(tsrc1.row[m], 2 * k + half)),
              convert(word(tsrc2.row[k], 2 * n + half)), temp1[2 * n + half]);
    Row result = {};
    for (int n = 0; n < elementsDest; ++n) {
      const uint32_t tmpf32 = fp32Add(temp1[2 * n], temp1[2 * n + 1]);
      setDword(result, n, fp32Add(dword(tsrcdest.row[m], n), tmpf32));
    }
    writeRowAndZero(tsrcdest, m, result, tsrcdest.colsb);
  }
  zeroUpperRows(tsrcdest, tsrcdest.rows);
}

} // namespace

void tdpb(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2, bool src1Signed,
          bool src2Signed) {
  for (int m = 0; m < tsrcdest.rows; ++m) {
    Row tmp = tsrcdest.row[m];
    for (int k = 0; k < tsrc1.colsb / 4; ++k)
      for (int n = 0; n < tsrcdest.colsb / 4; ++n) {
        int64_t c = dword(tmp, n);
        for (int i = 0; i < 4; ++i)
          c += extend(tsrc1.row[m][4 * k + i], src1Signed) *
               extend(tsrc2.row[k][4 * n + i], src2Signed);
        setDword(tmp, n, uint32_t(c));
      }
    writeRowAndZero(tsrcdest, m, tmp, tsrcdest.colsb);
  }
  zeroUpperRows(tsrcdest, tsrcdest.rows);
}

void tdpbf16ps(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2) {
  tdpHalves(tsrcdest, tsrc1, tsrc2, makeFp32);
}

void tdpfp16ps(Tile &tsrcdest, const Tile &tsrc1, const Tile &tsrc2) {
  tdpHalves(tsrcdest, tsrc1, tsrc2, convertFp16ToFp32);
}

void tileload(Tile &tdest, int startRow, const uint8_t *membegin,
              int64_t stride) {
  int start = startRow;
  zeroUpperRows(tdest, start);
  for (; start < tdest.rows; ++start) {
    const uint8_t *memptr = membegin + start * stride;
    Row data = {};
    for (int j = 0; j < tdest.colsb; ++j)
      data[j] = memptr[j];
    writeRowAndZero(tdest, start, data, tdest.colsb);
  }
  zeroUpperRows(tdest, tdest.rows);
}

} // namespace modelc::manual
