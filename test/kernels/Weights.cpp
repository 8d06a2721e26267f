//===- Weights.cpp - Weights and prepared inputs for kernel tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/Weights.h"
#include "dialects/pack/Layouts.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace modelc::kernels::test {

using reference::WeightType;

mlir::Type getElementType(mlir::MLIRContext *context, WeightType type) {
  using model::GgmlType;
  switch (type) {
  case WeightType::F32:
    return model::getElementType(context, GgmlType::F32);
  case WeightType::F16:
    return model::getElementType(context, GgmlType::F16);
  case WeightType::BF16:
    return model::getElementType(context, GgmlType::BF16);
  case WeightType::Q8_0:
    return model::getElementType(context, GgmlType::Q8_0);
  case WeightType::Q4_0:
    return model::getElementType(context, GgmlType::Q4_0);
  }
  llvm_unreachable("all types are above");
}

/// -1 .. 1.
static float makeFloat(std::mt19937 &random) {
  return float(random()) / 0x1p31f - 1;
}

/// The bits of an element of a float type. F16 and BF16 keep the upper bits
/// of what is small enough for both.
static void storeElement(WeightType type, float x, uint8_t *bytes) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint16_t half = type == WeightType::F16 ? reference::toF16(x)
                                          : static_cast<uint16_t>(bits >> 16);
  if (type == WeightType::F32)
    std::memcpy(bytes, &bits, sizeof bits);
  else
    std::memcpy(bytes, &half, sizeof half);
}

static float makeElement(bool isStrange, std::mt19937 &random) {
  if (!isStrange || random() % 4 != 0)
    return makeFloat(random);
  const float strange[] = {-0.0f, 0.0f, 1e-7f, 3e-39f, -1e-45f, 6e4f};
  return strange[random() % std::size(strange)];
}

static uint16_t makeScale(bool isStrange, std::mt19937 &random) {
  if (!isStrange || random() % 4 != 0)
    return reference::toF16(makeFloat(random) / 64);
  const uint16_t strange[] = {0x0000, 0x8000, 0x0001, 0x83ff,
                              0x7bff, 0x7c00, 0xfc00, 0x7e01};
  return strange[random() % std::size(strange)];
}

std::vector<uint8_t> makeWeight(WeightType type, int64_t rows, int64_t columns,
                                std::mt19937 &random) {
  int64_t blockBytes = reference::getBlockBytes(type);
  int64_t rowBytes = reference::getRowBytes(type, columns);
  std::vector<uint8_t> weight(rows * rowBytes);
  for (int64_t byte = 0; byte < int64_t(weight.size()); byte += blockBytes) {
    uint8_t *block = weight.data() + byte;
    bool isStrange = byte / rowBytes % 5 == 3;
    if (!isQuantized(type)) {
      storeElement(type, makeElement(isStrange, random), block);
      continue;
    }
    uint16_t scale = makeScale(isStrange, random);
    std::memcpy(block, &scale, sizeof scale);
    for (int64_t i = 2; i < blockBytes; ++i)
      block[i] = static_cast<uint8_t>(random());
    block[2 + random() % (blockBytes - 2)] = 0x80;
  }
  return weight;
}

std::vector<float> makeActivations(int64_t rows, int64_t columns,
                                   std::mt19937 &random) {
  std::vector<float> x(rows * columns);
  for (int64_t i = 0; i < int64_t(x.size()); ++i) {
    x[i] = makeFloat(random);
    switch (i / columns) {
    case 1:
      x[i] = 0;
      break;
    case 3:
      x[i] *= 0x1p-120f;
      break;
    case 5:
      x[i] *= 0x1p126f;
      break;
    case 7:
      x[i] = i % 3 ? x[i] : -0.0f;
      break;
    }
  }
  auto replace = [&](int64_t row, float value) {
    if (row < rows)
      x[row * columns + random() % columns] = value;
  };
  replace(4, std::numeric_limits<float>::infinity());
  replace(6, std::numeric_limits<float>::quiet_NaN());
  return x;
}

namespace {

/// Writes elements of a packed matrix where its layout says.
class Writer {
public:
  Writer(pack::LayoutAttr layout, int64_t rows, int64_t columns)
      : layout(layout), columns(columns),
        bytes(layout.getMatrixBytes(rows, columns)) {}

  template <typename T>
  void write(llvm::StringRef field, int64_t n, int64_t k, T value) {
    int64_t group = k / layout.getK();
    int64_t at =
        layout.getPanelOffset(n / layout.getRows() * layout.getRows(),
                              columns) +
        group * layout.getBytes() +
        layout.getByteOffset(field, n % layout.getRows(), k % layout.getK());
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }

  std::vector<uint8_t> take() { return std::move(bytes); }

private:
  pack::LayoutAttr layout;
  int64_t columns;
  std::vector<uint8_t> bytes;
};

} // namespace

std::vector<uint8_t> prepareByDefinition(pack::LayoutAttr layout,
                                         std::span<const float> x, int64_t rows,
                                         int64_t columns) {
  int64_t allRows = llvm::alignTo(rows, layout.getRows());
  std::vector<float> padded(allRows * columns);
  std::copy_n(x.begin(), rows * columns, padded.begin());
  Writer writer(layout, allRows, columns);
  for (int64_t n = 0; n < allRows; ++n) {
    std::span<const float> row(padded.data() + n * columns, columns);
    if (!layout.getField(pack::kScale)) {
      for (int64_t k = 0; k < columns; ++k)
        writer.write(pack::kValues, n, k, row[k]);
      continue;
    }
    for (int64_t k = 0; k < columns; k += 32) {
      reference::QuantizedBlock block = reference::quantizeBlock(
          row.subspan(k, std::min<int64_t>(32, columns - k)));
      int32_t sum = 0;
      for (int64_t i = 0; i < 32; ++i) {
        writer.write(pack::kQuants, n, k + i, block.quants[i]);
        sum += block.quants[i];
      }
      writer.write(pack::kScale, n, k, block.scale);
      for (int64_t offset : {8, 128})
        if (layout.getField(pack::getStartField(offset)))
          writer.write(pack::getStartField(offset), n, k,
                       static_cast<int32_t>(-offset * sum));
    }
  }
  return writer.take();
}

} // namespace modelc::kernels::test
