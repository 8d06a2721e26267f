//===- make-matmul-cases.cpp - Matmul kernels for a Mac, and what they give
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   make-matmul-cases DYLIB CASES
//
// Kernels of an M1's regimes of outer products go through the compiler to one
// dylib, as a plan's do; operands, and the outputs that docs/numerics.md has
// for them, go to a file (MatmulCases.h).
//
//===----------------------------------------------------------------------===//

#include "MatmulCases.h"
#include "compiler/codegen/Compile.h"
#include "compiler/codegen/LinkDylib.h"
#include "compiler/repack/reference/ReferencePacker.h"
#include "test/kernels/Weights.h"
#include "llvm/Support/MathExtras.h"
#include <cstdio>
#include <cstring>
#include <fstream>

using namespace modelc;
using model::Epilogue;
using reference::WeightType;

namespace {

struct Shape {
  const char *group;
  std::vector<WeightType> types;
  std::vector<int64_t> rows;
  int64_t columns;
  int64_t imageColumns = 256;
  Epilogue epilogue = Epilogue::Store;
  bool hasBias = false;
  bool isForAllCounts = false;
  bool isExtreme = false;
  int64_t count = 34;
};

class Maker {
public:
  Maker(const target::TargetSpec &target, std::ostream &cases)
      : target(target), cases(cases) {
    codegen::loadKernelDialects(context);
    context.loadDialect<model::ModelDialect, pack::PackDialect>();
  }

  void add(const Shape &shape);
  std::vector<codegen::KernelRequest> requests;

private:
  plan::MatmulSpecAttr makeSpec(const Shape &shape);
  uint32_t getKernel(plan::MatmulSpecAttr spec);
  void write(const void *bytes, uint64_t size) {
    cases.write(static_cast<const char *>(bytes),
                static_cast<std::streamsize>(size));
  }
  template <typename T>
  void writeOperand(const std::vector<T> &values, uint64_t rowBytes = 0) {
    appleamx::MatmulOperand header = {values.size() * sizeof(T), rowBytes};
    write(&header, sizeof header);
    write(values.data(), header.bytes);
  }
  std::vector<float> makeFloats(int64_t count) {
    std::vector<float> floats(count);
    for (float &value : floats)
      value = float(random()) / 0x1p31f - 1;
    return floats;
  }

  const target::TargetSpec &target;
  std::ostream &cases;
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::mt19937 random{4321};
  int64_t number = 0;
};

} // namespace

static constexpr int64_t kTileRows = 64, kRowTile = pack::kPairTileRows;

plan::MatmulSpecAttr Maker::makeSpec(const Shape &shape) {
  bool isBlock = reference::isQuantized(shape.types[0]);
  llvm::SmallVector<mlir::Attribute> layouts;
  pack::ActivationNeeds needs;
  for (WeightType type : shape.types) {
    pack::LayoutAttr layout =
        kernels::test::getMatmulLayout(&context, type, target);
    layouts.push_back(layout);
    if (isBlock)
      needs.add(pack::getOuterNeeds(layout));
  }
  pack::LayoutAttr input =
      isBlock ? pack::getPairActivationLayout(&context, needs)
              : pack::getFloatActivationLayout(&context, kRowTile);
  return plan::MatmulSpecAttr::get(
      &context, shape.columns, input, mlir::ArrayAttr::get(&context, layouts),
      mlir::DenseI64ArrayAttr::get(&context, shape.rows), shape.epilogue,
      model::Activation::Silu, shape.hasBias, kTileRows,
      /*imagePanels=*/isBlock ? 4 : 2, shape.imageColumns,
      /*cap=*/mlir::FloatAttr());
}

/// The number of the kernel with this specification, which is made if it is
/// new.
uint32_t Maker::getKernel(plan::MatmulSpecAttr spec) {
  for (size_t i = 0; i < requests.size(); ++i)
    if (requests[i].spec == spec)
      return i;
  requests.push_back({"kernel" + std::to_string(requests.size()), spec});
  return requests.size() - 1;
}

/// Outer products of one weight for one row tile: panels go up to `most`
/// together, and what is left of a tile's alone.
static uint64_t countProducts(int64_t rows, int64_t columns, bool isBlock) {
  constexpr int64_t kTilePanels = kTileRows / pack::kPanelRows;
  int64_t all = llvm::divideCeil(rows, pack::kPanelRows);
  int64_t most = std::min<int64_t>({isBlock ? 4 : 2, all, kTilePanels});
  uint64_t products = 0;
  for (int64_t panel = 0; panel < all;) {
    int64_t tileEnd = std::min(all, (panel / kTilePanels + 1) * kTilePanels);
    int64_t panels = tileEnd - panel >= most ? most : 1;
    // Bytes: one for each k and two panels. Floats: two for each k and panel.
    products += columns * (isBlock ? (panels + 1) / 2 : 2 * panels);
    panel += panels;
  }
  return products;
}

void Maker::add(const Shape &shape) {
  using namespace kernels::test;
  plan::MatmulSpecAttr spec = makeSpec(shape);
  bool isBlock = reference::isQuantized(shape.types[0]);
  appleamx::MatmulCase facts = {};
  std::snprintf(facts.group, sizeof facts.group, "%s", shape.group);
  std::snprintf(facts.name, sizeof facts.name, "case %u, type %d, n %d, k %d",
                unsigned(number++), int(shape.types[0]), int(shape.rows[0]),
                int(shape.columns));
  facts.kernel = getKernel(spec);
  facts.operands = spec.getAccesses().size();
  facts.tiles = spec.getTileCount();
  facts.rows = shape.count;
  facts.isForAllCounts = shape.isForAllCounts;
  facts.scratchBytes = spec.getScratchBytes();
  for (int64_t rows : shape.rows)
    (isBlock ? facts.mac16 : facts.fma32) +=
        countProducts(rows, shape.columns, isBlock);
  write(&facts, sizeof facts);

  std::vector<float> x =
      shape.isExtreme ? makeExtremeActivations(shape.count, shape.columns)
                      : makeActivations(shape.count, shape.columns, random);
  writeOperand(
      prepareByDefinition(spec.getInput(), x, shape.count, shape.columns));
  std::vector<std::vector<float>> results;
  for (size_t i = 0; i < shape.types.size(); ++i) {
    WeightType type = shape.types[i];
    auto make = shape.isExtreme ? makeExtremeWeight : makeWeight;
    std::vector<uint8_t> weight =
        make(type, shape.rows[i], shape.columns, random);
    writeOperand(repack::packByDefinition(
        pack::getMappedLayout(&context, getElementType(&context, type)),
        spec.getWeightLayout(i), {shape.rows[i], shape.columns}, weight));
    std::vector<float> &y = results.emplace_back(shape.count * shape.rows[i]);
    for (int64_t row = 0; row < shape.count; ++row)
      multiply(type, /*isInPairs=*/false, weight.data(),
               std::span(x).subspan(row * shape.columns, shape.columns),
               std::span(y).subspan(row * shape.rows[i], shape.rows[i]));
  }
  if (shape.hasBias)
    for (size_t i = 0; i < results.size(); ++i) {
      std::vector<float> bias = makeFloats(shape.rows[i]);
      writeOperand(bias);
      for (size_t j = 0; j < results[i].size(); ++j)
        results[i][j] = results[i][j] + bias[j % bias.size()];
    }
  if (shape.epilogue == Epilogue::Residual) {
    std::vector<float> residual = makeFloats(results[0].size());
    writeOperand(residual);
    for (size_t j = 0; j < residual.size(); ++j)
      results[0][j] = residual[j] + results[0][j];
  }
  if (shape.epilogue == Epilogue::Glu) {
    for (size_t j = 0; j < results[0].size(); ++j)
      results[0][j] = reference::computeSilu(results[0][j]) * results[1][j];
    results.pop_back();
  }
  for (size_t i = 0; i < results.size(); ++i)
    writeOperand(results[i], shape.rows[i] * sizeof(float));
}

/// Every type at the edges of tiles; those of the targets' main models at all
/// counts; shapes that end inside panels, images and steps.
static std::vector<Shape> makeShapes() {
  std::vector<Shape> shapes;
  for (WeightType type : kernels::test::getWeightTypes(target::Isa::AppleAmx)) {
    if (!reference::isQuantized(type))
      continue;
    int64_t block = std::max<int64_t>(32, reference::getBlockElems(type));
    shapes.push_back({"types", {type}, {20}, block});
    shapes.push_back({"extremes", {type}, {20}, block});
    shapes.back().isExtreme = true;
    shapes.back().count = 32;
  }
  for (WeightType type : {WeightType::Q4_0, WeightType::Q4_K, WeightType::Q6_K,
                          WeightType::Q8_0, WeightType::F16}) {
    int64_t block = std::max<int64_t>(32, reference::getBlockElems(type));
    shapes.push_back({"rows", {type}, {20}, block});
    shapes.back().isForAllCounts = true;
    shapes.back().count = 70;
    // Whole images, steps and half a step; whole tiles and single panels.
    shapes.push_back({"shapes", {type}, {90}, 3 * block, 2 * block});
    shapes.back().count = 33;
  }
  for (WeightType type : {WeightType::F32, WeightType::F16, WeightType::BF16})
    for (int64_t columns : {1, 2, 3, 17, 33, 159})
      shapes.push_back({"floats", {type}, {36}, columns, 64});
  const Epilogue store = Epilogue::Store;
  shapes.push_back({"shapes",
                    {WeightType::Q8_0, WeightType::Q4_0, WeightType::Q4_K},
                    {48, 16, 17},
                    256,
                    128 * 2,
                    store,
                    true});
  shapes.push_back({"shapes",
                    {WeightType::Q4_0, WeightType::Q8_0},
                    {50, 50},
                    96,
                    64,
                    Epilogue::Glu});
  shapes.push_back(
      {"shapes", {WeightType::Q5_1}, {33}, 64, 64, Epilogue::Residual, true});
  shapes.push_back({"shapes",
                    {WeightType::F16, WeightType::F32},
                    {50, 50},
                    70,
                    64,
                    Epilogue::Glu});
  // More row tiles than scratch has sums for.
  shapes.push_back({"chunks", {WeightType::Q4_0}, {16}, 32});
  shapes.back().count = 16 * kRowTile + 1;
  shapes.push_back({"chunks", {WeightType::F32}, {16}, 3});
  shapes.back().count = 16 * kRowTile + 1;
  return shapes;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  const target::TargetSpec *target = target::findTarget("apple-m1");
  std::ofstream cases(argv[2], std::ios::binary);
  Maker maker(*target, cases);
  for (const Shape &shape : makeShapes())
    maker.add(shape);
  auto objects = codegen::compileEach(maker.requests, *target, /*threads=*/2,
                                      codegen::KernelOutput::Object);
  std::vector<std::string> symbols;
  for (const codegen::KernelRequest &request : maker.requests)
    symbols.push_back(request.symbol);
  auto image = objects.ok()
                   ? codegen::linkDylib(*objects, symbols)
                   : absl::StatusOr<codegen::CodeImage>(objects.status());
  if (!image.ok()) {
    fprintf(stderr, "error: %s\n", image.status().ToString().c_str());
    return 1;
  }
  std::ofstream dylib(argv[1], std::ios::binary);
  dylib << image->bytes;
  return dylib.flush() && cases.flush() ? 0 : 1;
}
