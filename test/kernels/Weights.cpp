//===- Weights.cpp - Weights and prepared inputs for kernel tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/kernels/Weights.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace modelc::kernels::test {

using reference::WeightType;

std::vector<WeightType> getWeightTypes(target::Isa isa) {
  std::vector<WeightType> types;
  for (const MatmulKernel &kernel : kMatmulKernels)
    if (kernel.isa == isa)
      types.push_back(kernel.type);
  return types;
}

std::vector<WeightType> getTriedTypes(const target::TargetSpec &target) {
  std::vector<WeightType> types = getWeightTypes(target.isa);
  if (!target.gpu)
    return types;
  const llvm::StringRef chips[] = {"gfx90a", "gfx942", "gfx1100", "gfx1201"};
  size_t first = llvm::find(chips, target.name) - std::begin(chips);
  std::vector<WeightType> tried;
  for (size_t i = first; i < types.size(); i += std::size(chips))
    tried.push_back(types[i]);
  return tried;
}

mlir::Type getElementType(mlir::MLIRContext *context, WeightType type) {
  switch (type) {
#define WEIGHT_TYPE(name, blockElems, blockBytes)                              \
  case WeightType::name:                                                       \
    return model::getElementType(context, model::GgmlType::name);
#include "test/reference/WeightTypes.def"
  }
  llvm_unreachable("all types are listed");
}

pack::ActivationNeeds getNeeds(llvm::ArrayRef<pack::LayoutAttr> weights) {
  pack::ActivationNeeds needs;
  for (pack::LayoutAttr weight : weights)
    needs.add(pack::getActivationNeeds(weight));
  return needs;
}

pack::LayoutAttr getMatmulLayout(mlir::MLIRContext *context, WeightType type,
                                 const target::TargetSpec &target) {
  if (type == WeightType::BF16 && !target.bf16Regimes.empty())
    return pack::getPairPanelLayout(context);
  if (target.gpu)
    return pack::getLanePanelLayout(context, getElementType(context, type));
  return pack::getPanelLayout(context, getElementType(context, type),
                              target.quantFlip);
}

bool areInPairs(llvm::ArrayRef<pack::LayoutAttr> weights) {
  return llvm::all_of(weights, pack::hasPairs);
}

void multiply(WeightType type, bool isInPairs, const uint8_t *weight,
              std::span<const float> x, std::span<float> y) {
  if (isInPairs)
    return reference::multiplyPairs(weight, x, y);
  reference::multiply(type, weight, x, y);
}

pack::LayoutAttr getInputLayout(llvm::ArrayRef<pack::LayoutAttr> weights,
                                const target::Regime &regime, bool isWidened) {
  mlir::MLIRContext *context = weights[0].getContext();
  if (areInPairs(weights))
    return pack::getPartActivationLayout(context, regime.rowTile);
  if (mlir::isa<mlir::FloatType, mlir::IntegerType>(weights[0].getSource()))
    return pack::getFloatActivationLayout(context, regime.rowTile);
  if (regime.matrixIsa == target::Isa::AppleAmx) {
    pack::ActivationNeeds needs;
    for (pack::LayoutAttr weight : weights)
      needs.add(pack::getOuterNeeds(weight));
    return pack::getPairActivationLayout(context, needs);
  }
  if (regime.matrixIsa == target::Isa::Sme)
    return pack::getQuadTileActivationLayout(context, getNeeds(weights));
  if (regime.matrixIsa == target::Isa::HipMatrix)
    return pack::getWaveTileActivationLayout(context, getNeeds(weights));
  if (isWidened)
    return pack::getWidenedActivationLayout(context, regime.rowTile,
                                            getNeeds(weights));
  if (regime.matrixIsa)
    return pack::getRowActivationLayout(context, regime.rowTile,
                                        getNeeds(weights));
  return pack::getQuantizedActivationLayout(context, regime.rowTile,
                                            getNeeds(weights));
}

/// -1 .. 1.
static float makeFloat(std::mt19937 &random) {
  return float(random()) / 0x1p31f - 1;
}

/// The bits of an integer whose upper bits are x, and of a double that no
/// float equals; false for other types.
static bool storeWide(WeightType type, float x, uint8_t *bytes) {
  double exact = double(x) * 1.0000000001;
  auto store = [&](auto value) {
    std::memcpy(bytes, &value, sizeof value);
    return true;
  };
  double small = std::clamp(exact, -0.99, 0.99);
  switch (type) {
  case WeightType::F64:
    return store(exact);
  case WeightType::I8:
    return store(static_cast<int8_t>(small * 0x1p7));
  case WeightType::I16:
    return store(static_cast<int16_t>(small * 0x1p15));
  case WeightType::I32:
    return store(static_cast<int32_t>(small * 0x1p31));
  case WeightType::I64:
    return store(static_cast<int64_t>(small * 0x1p63));
  default:
    return false;
  }
}

/// The bits of an element of a type of numbers. F16 and BF16 keep the upper
/// bits of what is small enough for both.
static void storeElement(WeightType type, float x, uint8_t *bytes) {
  if (storeWide(type, x, bytes))
    return;
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

/// Scales of one byte: any if strange, and those around the ends of the
/// subnormal and of all codes; else numbers of about 1/64.
static uint8_t makeByteScale(WeightType type, bool isStrange,
                             std::mt19937 &random) {
  if (!isStrange)
    return type == WeightType::MXFP4 ? 118 + random() % 6 : random() % 32;
  const uint8_t strange[] = {0, 1, 2, 7, 8, 0x7e, 0x7f, 0x80, 0xfe, 0xff};
  return strange[random() % std::size(strange)];
}

/// Bytes of a block where scales and minima of F16 begin, or whole scales lie.
static std::vector<int64_t> getScaleBytes(WeightType type) {
  switch (type) {
  case WeightType::Q4_1:
  case WeightType::Q5_1:
  case WeightType::Q4_K:
  case WeightType::Q5_K:
    return {0, 2};
  case WeightType::Q2_K:
    return {80, 82};
  case WeightType::Q3_K:
    return {108};
  case WeightType::Q6_K:
    return {208};
  case WeightType::TQ2_0:
    return {64};
  case WeightType::TQ1_0:
    return {52};
  case WeightType::NVFP4:
    return {0, 1, 2, 3};
  default:
    return {0};
  }
}

/// IQ1_M has four bits of its scale in each of its last four words.
static void spreadScale(uint16_t scale, uint8_t *block) {
  for (int i = 0; i < 4; ++i) {
    uint8_t &high = block[48 + 2 * i + 1];
    high = static_cast<uint8_t>((high & 15) | (scale >> (4 * i) & 15) << 4);
  }
}

static void makeScales(WeightType type, bool isStrange, uint8_t *block,
                       std::mt19937 &random) {
  for (int64_t at : getScaleBytes(type)) {
    if (type == WeightType::MXFP4 || type == WeightType::NVFP4) {
      block[at] = makeByteScale(type, isStrange, random);
      continue;
    }
    uint16_t scale = makeScale(isStrange, random);
    if (type == WeightType::IQ1_M)
      spreadScale(scale, block);
    else
      std::memcpy(block + at, &scale, sizeof scale);
  }
}

/// Of strange blocks every other one has equal bytes beside its scales.
static void makeBlock(WeightType type, bool isStrange, uint8_t *block,
                      std::mt19937 &random) {
  int64_t bytes = reference::getBlockBytes(type);
  for (int64_t i = 0; i < bytes; ++i)
    block[i] = static_cast<uint8_t>(random());
  block[2 + random() % (bytes - 2)] = 0x80;
  if (isStrange && random() % 2 == 0)
    std::fill_n(block, bytes, block[2]);
  makeScales(type, isStrange, block, random);
}

std::vector<uint8_t> makeWeight(WeightType type, int64_t rows, int64_t columns,
                                std::mt19937 &random) {
  int64_t blockBytes = reference::getBlockBytes(type);
  int64_t rowBytes = reference::getRowBytes(type, columns);
  std::vector<uint8_t> weight(rows * rowBytes);
  for (int64_t byte = 0; byte < int64_t(weight.size()); byte += blockBytes) {
    uint8_t *block = weight.data() + byte;
    bool isStrange = byte / rowBytes % 5 == 3;
    if (isQuantized(type))
      makeBlock(type, isStrange, block, random);
    else
      storeElement(type, makeElement(isStrange, random), block);
  }
  return weight;
}

std::vector<uint8_t> makeExtremeWeight(WeightType type, int64_t rows,
                                       int64_t columns, std::mt19937 &random) {
  const uint8_t values[] = {0x00, 0xff, 0x80, 0x7f, 0x77, 0xf0, 0x0f, 0x55};
  int64_t rowBytes = reference::getRowBytes(type, columns);
  std::vector<uint8_t> weight;
  for (int64_t n = 0; n < rows; ++n)
    weight.insert(weight.end(), rowBytes, values[n % std::size(values)]);
  for (size_t at = 0; at < weight.size(); at += reference::getBlockBytes(type))
    makeScales(type, /*isStrange=*/false, weight.data() + at, random);
  return weight;
}

std::vector<float> makeExtremeActivations(int64_t rows, int64_t columns) {
  std::vector<float> x;
  for (int64_t row = 0; row < rows; ++row)
    x.insert(x.end(), columns, row % 2 == 0 ? 1.0f : -0.75f);
  return x;
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

/// The sum of quants [first, first + count).
static int32_t sumQuants(const reference::QuantizedBlock &block, int64_t first,
                         int64_t count) {
  int32_t sum = 0;
  for (int64_t i = first; i < first + count; ++i)
    sum += block.quants[i];
  return sum;
}

/// The bf16 number of an integer of up to 8 bits.
static uint16_t toBF16(int8_t quant) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(float(quant)) >> 16);
}

/// Block k / 32 of row n: quants, scale, and what else the layout has.
static void writeBlock(Writer &writer, const pack::ActivationNeeds &needs,
                       bool isWidened, int64_t n, int64_t k,
                       const reference::QuantizedBlock &block) {
  for (int64_t i = 0; i < 32; ++i)
    if (isWidened)
      writer.write(pack::kQuants, n, k + i, toBF16(block.quants[i]));
    else
      writer.write(pack::kQuants, n, k + i, block.quants[i]);
  writer.write(pack::kScale, n, k, block.scale);
  for (auto [offset, unit] : needs.starts)
    for (int64_t i = 0; i < 32; i += unit)
      writer.write(pack::getStartField(offset, unit), n, k + i,
                   static_cast<int32_t>(-offset * sumQuants(block, i, unit)));
  for (int64_t unit : needs.sums)
    for (int64_t i = 0; i < 32; i += unit)
      writer.write(pack::getSumField(unit), n, k + i,
                   block.scale * float(sumQuants(block, i, unit)));
}

std::vector<uint8_t> prepareByDefinition(pack::LayoutAttr layout,
                                         std::span<const float> x, int64_t rows,
                                         int64_t columns) {
  int64_t allRows = llvm::alignTo(rows, layout.getRows());
  std::vector<float> padded(allRows * columns);
  std::copy_n(x.begin(), rows * columns, padded.begin());
  Writer writer(layout, allRows, columns);
  for (int64_t n = 0; n < allRows; ++n) {
    std::span<const float> row(padded.data() + n * columns, columns);
    if (pack::hasParts(layout)) {
      for (int64_t k = 0; k < columns; ++k) {
        reference::Parts parts = reference::splitToParts(row[k]);
        writer.write(pack::kParts[0], n, k, parts.high);
        writer.write(pack::kParts[1], n, k, parts.middle);
        writer.write(pack::kParts[2], n, k, parts.low);
      }
      continue;
    }
    if (!layout.getField(pack::kScale)) {
      for (int64_t k = 0; k < columns; ++k)
        writer.write(pack::kValues, n, k, row[k]);
      continue;
    }
    for (int64_t k = 0; k < columns; k += 32)
      writeBlock(writer, *pack::getHeldNeeds(layout),
                 pack::hasWidenedQuants(layout), n, k,
                 reference::quantizeBlock(
                     row.subspan(k, std::min<int64_t>(32, columns - k))));
  }
  return writer.take();
}

} // namespace modelc::kernels::test
