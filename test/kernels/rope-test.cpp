//===- rope-test.cpp - Kernels rope_table and rope_store
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Rope.h"
#include "test/kernels/CachePool.h"
#include "test/kernels/KernelHarness.h"

namespace modelc::kernels::test {
namespace {

class RopeTable : public KernelTest {};
MODELC_FOR_EACH_TARGET(RopeTable);
MODELC_FOR_EACH_GPU(RopeTable, "gfx942", "gfx1201");

// Pairs around the width of a vector; positions in every quadrant, and far.
TEST_P(RopeTable, EqualsReference) {
  std::vector<plan::RopeTableSpecAttr> specs;
  for (int64_t pairs : {1, 7, 8, 9, 16, 24, 31, 32, 64})
    specs.push_back(plan::RopeTableSpecAttr::get(
        &context, pairs, f32(pairs == 24 ? 1.25f : 1.0f),
        /*temperCount=*/pairs == 16 || pairs == 24 ? 3 : 0,
        /*temperLength=*/pairs == 16 || pairs == 24 ? 10 : 0));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());

  Batch batch;
  for (int32_t position = 0; position < 40; ++position)
    batch.positions.push_back(position);
  for (int32_t position : {4095, 131071, 1000003, 2147483646})
    batch.positions.push_back(position);
  size_t count = batch.positions.size();
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels)) {
    support::RopeParams params = {
        2 * spec.getPairs(), 10000, support::RopeScaling::None, 1, 0, 0, 0, 0};
    std::vector<double> frequencies =
        support::computeRopeFrequencies(params, {});
    std::vector<float> expected(count * 2 * spec.getPairs());
    for (size_t t = 0; t < count; ++t)
      reference::computeRopeTable(
          batch.positions[t], frequencies,
          spec.getFactor().getValue().convertToFloat(),
          std::span(expected).subspan(t * 2 * spec.getPairs(),
                                      2 * spec.getPairs()));
    Call call(kernel, spec, batch);
    call.add(frequencies);
    if (spec.getTemperCount() > 0) {
      const std::vector<float> temper = {1, 1.0625f, 1.3f};
      call.add(temper);
      for (size_t i = 0; i < expected.size(); ++i) {
        int32_t position = batch.positions[i / (2 * spec.getPairs())];
        expected[i] = expected[i] * temper[std::min(position / 10, 2)];
      }
    }
    call.expectFloats(call.addOutput(expected.size() * sizeof(float)),
                      expected);
    call.check(count, count);
  }
}

//===----------------------------------------------------------------------===//
// rope_store
//===----------------------------------------------------------------------===//

struct StoreShape {
  int64_t heads, kvHeads, keyDim, valueDim, pairs;
  model::RopePairing pairing;
  bool hasNorm;
  bool hasQueryTable = false;
  model::GgmlType cacheType = model::GgmlType::F16;
  bool isShared = false; ///< Values are the ends of keys.
};

class RopeStore : public KernelTest {
protected:
  plan::RopeStoreSpecAttr makeSpec(const StoreShape &shape) {
    mlir::Type type = model::getElementType(&context, shape.cacheType);
    auto keyPage = pack::getKeyPageLayout(&context, type, MODELC_PAGE_TOKENS,
                                          shape.keyDim);
    return plan::RopeStoreSpecAttr::get(
        &context, shape.heads, shape.kvHeads, shape.keyDim, shape.valueDim,
        shape.pairs, shape.pairing, keyPage,
        shape.isShared
            ? keyPage
            : pack::getValuePageLayout(&context, type, MODELC_PAGE_TOKENS,
                                       shape.valueDim),
        shape.hasNorm ? f32(1e-6f) : mlir::FloatAttr(), shape.hasQueryTable,
        shape.isShared);
  }
  void check(plan::RopeStoreSpecAttr spec, Kernel kernel);
};
MODELC_FOR_EACH_TARGET(RopeStore);
MODELC_FOR_EACH_GPU(RopeStore, "gfx942", "gfx1201");

/// Page numbers of three sequences are out of order and leave gaps.
Batch makeBatch() {
  Batch batch;
  batch.pagesPerSequence = 3;
  batch.pageTables = {5, 1, 8, 0, 7, 3, 2, 6, 9};
  const std::pair<uint32_t, int32_t> tokens[] = {
      {2, 62}, {2, 63}, {2, 64}, {0, 0}, {0, 1}, {1, 191}, {0, 130}};
  for (auto [sequence, position] : tokens) {
    batch.sequences.push_back(sequence);
    batch.positions.push_back(position);
  }
  return batch;
}
constexpr int64_t kPoolPages = 10;

/// Head `head` of a row, normalised if there is a weight, rotated.
std::vector<float> turnHead(std::span<const float> head,
                            std::span<const float> norm,
                            std::span<const float> table, bool isAdjacent) {
  std::vector<float> result(head.begin(), head.end());
  if (!norm.empty())
    reference::normalize(head, norm, 1e-6f, result);
  reference::rotate(result, table, isAdjacent);
  return result;
}

/// Gives each block of 32 another magnitude, so that scales are 0, subnormal,
/// usual, infinite and NaN, and quants of subnormal scales are limited.
void spreadMagnitudes(std::vector<float> &x) {
  const float factors[] = {1,    0,    1e-6f, 1.1e-5f, 2.5e-5f, 1e-3f,
                           -100, 5e4f, 8e6f,  8.33e6f, 1e38f,   1e-40f};
  for (size_t i = 0; i < x.size(); ++i)
    x[i] *= factors[i / 32 % std::size(factors)];
  x[7] = std::numeric_limits<float>::infinity();
  x[x.size() - 5] = std::numeric_limits<float>::quiet_NaN();
}

void RopeStore::check(plan::RopeStoreSpecAttr spec, Kernel kernel) {
  Batch batch = makeBatch();
  size_t count = batch.positions.size();
  int64_t keyDim = spec.getKeyDim(), valueDim = spec.getValueDim();
  bool isAdjacent = spec.getPairing() == model::RopePairing::Adjacent;
  std::vector<float> q = makeFloats(count * spec.getHeads() * keyDim);
  std::vector<float> k = makeFloats(count * spec.getKvHeads() * keyDim);
  std::vector<float> v = makeFloats(count * spec.getKvHeads() * valueDim);
  k[0] = 1e6f; // Beyond the range of f16.
  v[valueDim] = 3e-8f;
  bool isF16 = getCacheType(spec.getKeyPage()) == reference::CacheType::F16;
  if (!isF16)
    spreadMagnitudes(v);
  std::vector<float> table = makeFloats(count * 2 * spec.getPairs());
  std::vector<float> queryTable = table;
  if (spec.getQueryTable())
    queryTable = makeFloats(table.size());
  std::vector<float> qNorm, kNorm;
  if (spec.getEps()) {
    qNorm = makeFloats(keyDim);
    kNorm = makeFloats(keyDim);
  }

  size_t groups = kPoolPages * spec.getKvHeads();
  std::vector<uint8_t> keys(groups * spec.getKeyPage().getBytes(), 0xff);
  std::vector<uint8_t> values(groups * spec.getValuePage().getBytes(), 0xff);
  std::vector<uint8_t> newKeys = keys, newValues = values;
  std::vector<float> turned;
  for (size_t t = 0; t < count; ++t) {
    auto getTurns = [&](std::span<const float> table) {
      return table.subspan(t * 2 * spec.getPairs(), 2 * spec.getPairs());
    };
    std::span<const float> turns = getTurns(table);
    for (int64_t h = 0; h < spec.getHeads(); ++h) {
      auto head =
          std::span(q).subspan((t * spec.getHeads() + h) * keyDim, keyDim);
      std::vector<float> result =
          turnHead(head, qNorm, getTurns(queryTable), isAdjacent);
      turned.insert(turned.end(), result.begin(), result.end());
    }
    int64_t position = batch.positions[t];
    int64_t page = batch.pageTables[batch.sequences[t] * 3 + position / 64];
    for (int64_t h = 0; h < spec.getKvHeads(); ++h) {
      int64_t row = t * spec.getKvHeads() + h;
      int64_t group = page * spec.getKvHeads() + h;
      storeRow(newKeys, spec.getKeyPage(), group, position % 64,
               turnHead(std::span(k).subspan(row * keyDim, keyDim), kNorm,
                        turns, isAdjacent));
      if (spec.getShared())
        continue;
      storeRow(newValues, spec.getValuePage(), group, position % 64,
               std::span(v).subspan(row * valueDim, valueDim));
    }
  }

  Call call(kernel, spec, batch);
  call.expectFloats(call.add(q), turned);
  call.add(k);
  if (!spec.getShared())
    call.add(v);
  if (spec.getPairs() > 0)
    call.add(table);
  if (spec.getQueryTable())
    call.add(queryTable);
  if (spec.getEps()) {
    call.add(qNorm);
    call.add(kNorm);
  }
  auto addPool = [&](const std::vector<uint8_t> &pool,
                     const std::vector<uint8_t> &expected) {
    size_t index = call.add(pool);
    if (isF16)
      call.expectHalves(index,
                        {reinterpret_cast<const uint16_t *>(expected.data()),
                         expected.size() / sizeof(uint16_t)});
    else
      call.expectBytes(index, expected);
  };
  addPool(keys, newKeys);
  if (!spec.getShared())
    addPool(values, newValues);
  call.check(count * spec.getKvHeads(), count);
}

// Both pairings, with and without norms, heads of all kinds of widths, parts
// of heads that are not rotated.
TEST_P(RopeStore, EqualsReference) {
  using model::GgmlType, model::RopePairing;
  const StoreShape shapes[] = {
      {4, 2, 64, 64, 32, RopePairing::Adjacent, false},
      {4, 1, 64, 64, 32, RopePairing::Half, false},
      {2, 2, 128, 128, 64, RopePairing::Half, true},
      {3, 3, 8, 8, 4, RopePairing::Adjacent, false},
      {3, 1, 48, 48, 24, RopePairing::Adjacent, true},
      {3, 1, 48, 48, 24, RopePairing::Half, false},
      {2, 1, 80, 80, 16, RopePairing::Half, false},
      {2, 1, 96, 40, 20, RopePairing::Adjacent, false},
      {2, 2, 20, 5, 9, RopePairing::Adjacent, true},
      {1, 1, 6, 3, 3, RopePairing::Half, false},
      {2, 1, 36, 24, 0, RopePairing::Adjacent, true},
      {2, 1, 1, 1, 0, RopePairing::Adjacent, false},
      {4, 2, 64, 64, 32, RopePairing::Adjacent, false, true},
      {2, 1, 80, 80, 16, RopePairing::Half, true, true},
      // Blocks begin anywhere in what a rotation makes at once.
      {4, 2, 64, 64, 32, RopePairing::Adjacent, false, false, GgmlType::Q8_0},
      {2, 2, 128, 128, 64, RopePairing::Half, true, false, GgmlType::Q8_0},
      {3, 1, 96, 32, 48, RopePairing::Half, true, false, GgmlType::Q8_0},
      {2, 1, 32, 160, 9, RopePairing::Adjacent, true, false, GgmlType::Q8_0},
      {2, 1, 64, 96, 17, RopePairing::Half, false, false, GgmlType::Q8_0},
      {1, 1, 32, 32, 0, RopePairing::Half, false, false, GgmlType::Q8_0},
      {4, 1, 96, 64, 16, RopePairing::Adjacent, false, false, GgmlType::F16,
       true},
      {4, 1, 96, 64, 16, RopePairing::Adjacent, false, false, GgmlType::Q8_0,
       true},
  };
  std::vector<plan::RopeStoreSpecAttr> specs;
  for (const StoreShape &shape : shapes)
    specs.push_back(makeSpec(shape));
  auto kernels = compile(specs);
  ASSERT_EQ(kernels.size(), specs.size());
  for (auto [spec, kernel] : llvm::zip_equal(specs, kernels))
    check(spec, kernel);
}

TEST_P(RopeStore, RefusesOtherPages) {
  plan::RopeStoreSpecAttr spec =
      makeSpec({2, 1, 16, 16, 8, model::RopePairing::Half, false});
  mlir::Type f16 = mlir::Float16Type::get(&context);
  auto wrong = plan::RopeStoreSpecAttr::get(
      &context, 2, 1, 16, 16, 8, model::RopePairing::Half,
      pack::getKeyPageLayout(&context, f16, 32, 16), spec.getValuePage(),
      mlir::FloatAttr(), /*queryTable=*/false, /*shared=*/false);
  expectRefused(wrong, "cannot fill pages");
}

} // namespace
} // namespace modelc::kernels::test
