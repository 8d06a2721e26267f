//===- sme-calls.cpp - Calls of matmul kernels that use SME, for a guest
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   modelc_sme_calls SET FILE     writes one of the sets below, in the form of
//                                 GuestCalls.h, and prints how many SMOPAs the
//                                 calls must execute and how often they enter
//                                 streaming mode
//
// Kernels are those of apple-m4, compiled for Linux, whose code the guest can
// map; expectations are docs/numerics.md, as for every other target.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Codegen.h"
#include "compiler/repack/reference/ReferencePacker.h"
#include "dialects/pack/Layouts.h"
#include "test/kernels/GuestCalls.h"
#include "test/kernels/Weights.h"
#include "llvm/Support/MathExtras.h"
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>

namespace modelc::kernels::test {
namespace {

using model::Activation;
using model::Epilogue;
using reference::WeightType;

struct Case {
  WeightType type;
  int64_t rows;
  int64_t columns;
  std::vector<int64_t> counts;
  int64_t tileRows = 16;
  Epilogue epilogue = Epilogue::Store;
  bool hasBias = false;
  bool isExtreme = false;
};

struct Operand {
  std::vector<uint8_t> initial;
  std::vector<float> expected; ///< Empty: it must not change.
};

class CallWriter {
public:
  CallWriter();

  /// False, and a line on stderr, if a kernel cannot be compiled.
  bool write(const std::vector<Case> &cases, const char *path);

  int64_t getProducts() const { return products; }
  int64_t getRegions() const { return regions; }

private:
  plan::MatmulSpecAttr makeSpec(const Case &c);
  void writeCall(const Case &c, plan::MatmulSpecAttr spec, uint64_t address,
                 int64_t count);
  std::vector<Operand> makeOperands(const Case &c, plan::MatmulSpecAttr spec,
                                    int64_t count);
  void countWork(const Case &c, plan::MatmulSpecAttr spec, int64_t count);
  std::vector<float> makeFloats(size_t count);
  void put(uint64_t number);
  void putBytes(const void *bytes, size_t size);

  mlir::MLIRContext context;
  target::TargetSpec target;
  const target::Regime *regime;
  std::mt19937 random{4711};
  std::ofstream file;
  int64_t products = 0, regions = 0;
};

CallWriter::CallWriter()
    : context(mlir::MLIRContext::Threading::DISABLED),
      target(*target::findTarget("apple-m4")),
      regime(&target.blockRegimes.back()) {
  codegen::loadKernelDialects(context);
  target.triple = "aarch64-unknown-linux-gnu";
}

void CallWriter::putBytes(const void *bytes, size_t size) {
  file.write(static_cast<const char *>(bytes),
             static_cast<std::streamsize>(size));
}

void CallWriter::put(uint64_t number) { putBytes(&number, sizeof(number)); }

std::vector<float> CallWriter::makeFloats(size_t count) {
  std::vector<float> values(count);
  for (float &value : values)
    value = float(random()) / 0x1p31f - 1;
  return values;
}

plan::MatmulSpecAttr CallWriter::makeSpec(const Case &c) {
  pack::LayoutAttr layout = getMatmulLayout(&context, c.type, target);
  size_t weights = c.epilogue == Epilogue::Glu ? 2 : 1;
  std::vector<pack::LayoutAttr> layouts(weights, layout);
  llvm::SmallVector<mlir::Attribute> attributes(layouts.begin(), layouts.end());
  llvm::SmallVector<int64_t> rows(weights, c.rows);
  return plan::MatmulSpecAttr::get(
      &context, c.columns, getInputLayout(layouts, *regime),
      mlir::ArrayAttr::get(&context, attributes),
      mlir::DenseI64ArrayAttr::get(&context, rows), c.epilogue,
      Activation::Silu, c.hasBias, c.tileRows, regime->imagePanels,
      regime->imageColumns, mlir::FloatAttr());
}

template <typename T>
static std::vector<uint8_t> toBytes(const std::vector<T> &values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// In the order of the kernel's specification.
std::vector<Operand> CallWriter::makeOperands(const Case &c,
                                              plan::MatmulSpecAttr spec,
                                              int64_t count) {
  std::vector<float> x = c.isExtreme
                             ? makeExtremeActivations(count, c.columns)
                             : makeActivations(count, c.columns, random);
  std::vector<Operand> operands = {
      {prepareByDefinition(spec.getInput(), x, count, c.columns), {}}};
  pack::LayoutAttr source =
      pack::getMappedLayout(&context, getElementType(&context, c.type));
  std::vector<std::vector<float>> results;
  for (size_t i = 0; i < spec.getWeights().size(); ++i) {
    auto make = c.isExtreme ? makeExtremeWeight : makeWeight;
    std::vector<uint8_t> weight = make(c.type, c.rows, c.columns, random);
    operands.push_back(
        {repack::packByDefinition(source, spec.getWeightLayout(i),
                                  {c.rows, c.columns}, weight),
         {}});
    std::vector<float> &y = results.emplace_back(count * c.rows);
    for (int64_t t = 0; t < count; ++t)
      multiply(c.type, /*isInPairs=*/false, weight.data(),
               std::span(x).subspan(t * c.columns, c.columns),
               std::span(y).subspan(t * c.rows, c.rows));
  }
  for (size_t i = 0; c.hasBias && i < results.size(); ++i) {
    std::vector<float> bias = makeFloats(c.rows);
    operands.push_back({toBytes(bias), {}});
    for (size_t j = 0; j < results[i].size(); ++j)
      results[i][j] = results[i][j] + bias[j % bias.size()];
  }
  std::vector<float> &y = results[0];
  if (c.epilogue == Epilogue::Residual) {
    std::vector<float> residual = makeFloats(y.size());
    operands.push_back({toBytes(residual), {}});
    for (size_t j = 0; j < y.size(); ++j)
      y[j] = residual[j] + y[j];
  }
  if (c.epilogue == Epilogue::Glu)
    for (size_t j = 0; j < y.size(); ++j)
      y[j] = reference::computeSilu(y[j]) * results[1][j];
  operands.push_back({std::vector<uint8_t>(y.size() * sizeof(float), 0xff), y});
  return operands;
}

/// Each row tile of 16 and each panel takes an SMOPA for every quad; each row
/// tile, image and group of panels has a region of its own.
void CallWriter::countWork(const Case &c, plan::MatmulSpecAttr spec,
                           int64_t count) {
  int64_t weights = static_cast<int64_t>(spec.getWeights().size());
  int64_t rowTiles = llvm::divideCeil(count, pack::kQuadTileRows);
  int64_t panels = llvm::divideCeil(c.rows, pack::kPanelRows);
  products += weights * rowTiles * panels * (c.columns / 4);
  int64_t whole = c.columns / 64 * 64;
  int64_t images = llvm::divideCeil(whole, spec.getImageColumns()) +
                   (whole < c.columns ? 1 : 0);
  int64_t tilePanels = c.tileRows / pack::kPanelRows;
  int64_t step = std::min({tilePanels, panels, spec.getImagePanels()}),
          groups = 0;
  for (int64_t first = 0; first < panels; first += tilePanels) {
    int64_t own = std::min(tilePanels, panels - first);
    groups += own / step + own % step;
  }
  regions += weights * rowTiles * images * groups;
}

void CallWriter::writeCall(const Case &c, plan::MatmulSpecAttr spec,
                           uint64_t address, int64_t count) {
  std::vector<Operand> operands = makeOperands(c, spec, count);
  put(address);
  put(static_cast<uint64_t>(spec.getScratchBytes()));
  put(static_cast<uint64_t>(spec.getTileCount()));
  put(static_cast<uint64_t>(count));
  put(operands.size());
  for (const Operand &operand : operands) {
    put(operand.initial.size());
    putBytes(operand.initial.data(), operand.initial.size());
    put(operand.expected.empty() ? 0 : 1);
    if (!operand.expected.empty())
      putBytes(operand.expected.data(), operand.initial.size());
  }
  countWork(c, spec, count);
}

bool CallWriter::write(const std::vector<Case> &cases, const char *path) {
  std::vector<codegen::KernelRequest> requests;
  std::vector<plan::MatmulSpecAttr> specs;
  uint64_t calls = 0;
  for (const Case &c : cases) {
    specs.push_back(makeSpec(c));
    requests.push_back(
        {"kernel" + std::to_string(requests.size()), specs.back()});
    calls += c.counts.size();
  }
  absl::StatusOr<codegen::CodeImage> code =
      codegen::compileKernels(requests, target, 1);
  if (!code.ok()) {
    std::cerr << code.status() << '\n';
    return false;
  }
  file.open(path, std::ios::binary);
  put(kCallsMagic);
  put(code->bytes.size());
  putBytes(code->bytes.data(), code->bytes.size());
  put(code->segments.size());
  for (const ModelcCodeSegment &segment : code->segments) {
    put(segment.address);
    put(segment.memoryBytes);
    put(segment.fileOffset);
    put(segment.fileBytes);
  }
  put(calls);
  for (size_t i = 0; i < cases.size(); ++i)
    for (int64_t count : cases[i].counts)
      writeCall(cases[i], specs[i], code->addresses[i], count);
  file.close();
  return file.good();
}

int64_t getBlock(WeightType type) {
  return std::max<int64_t>(32, reference::getBlockElems(type));
}

/// Every type, a row tile with few rows and two with more; panels in twos and
/// alone, the last of them not whole.
std::vector<Case> makeTypes() {
  std::vector<Case> cases;
  for (WeightType type : getWeightTypes(target::Isa::Sme))
    cases.push_back({type, 37, 3 * getBlock(type), {2, 21}, 64});
  return cases;
}

/// Around the edges of row tiles and of the groups inside.
std::vector<Case> makeRows() {
  std::vector<int64_t> counts = {1,  2,  3,  4,  5,  8,  9,  12, 13, 15,
                                 16, 17, 20, 31, 32, 33, 48, 49, 70};
  return {{WeightType::Q4_K, 20, 256, counts},
          {WeightType::Q6_K, 20, 256, counts},
          {WeightType::Q8_0, 20, 32, counts}};
}

/// Around the edges of panels, tiles, steps and images.
std::vector<Case> makeEdges() {
  std::vector<Case> cases;
  for (int64_t columns : {32, 64, 96, 512, 544, 1056})
    cases.push_back({WeightType::Q8_0, 48, columns, {17}, 32});
  for (int64_t rows : {1, 15, 16, 17, 32, 33, 80})
    cases.push_back({WeightType::Q4_0, rows, 96, {17}, 48});
  cases.push_back({WeightType::Q6_K, 37, 1280, {19}, 64});
  cases.push_back({WeightType::Q2_K, 37, 768, {19}, 64});
  return cases;
}

/// The largest sums that a type can have.
std::vector<Case> makeExtremes() {
  std::vector<Case> cases;
  for (WeightType type : getWeightTypes(target::Isa::Sme))
    cases.push_back({type,
                     16,
                     getBlock(type),
                     {16},
                     16,
                     Epilogue::Store,
                     /*hasBias=*/false,
                     /*isExtreme=*/true});
  return cases;
}

std::vector<Case> makeEpilogues() {
  return {{WeightType::Q4_K, 37, 256, {1, 17}, 32, Epilogue::Store, true},
          {WeightType::Q4_0, 37, 96, {1, 17}, 32, Epilogue::Glu, true},
          {WeightType::Q6_K, 37, 256, {33}, 64, Epilogue::Glu},
          {WeightType::Q5_K, 37, 256, {33}, 32, Epilogue::Residual}};
}

} // namespace
} // namespace modelc::kernels::test

int main(int argc, char **argv) {
  using namespace modelc::kernels::test;
  const std::pair<const char *, std::vector<Case> (*)()> sets[] = {
      {"types", makeTypes},
      {"rows", makeRows},
      {"edges", makeEdges},
      {"extremes", makeExtremes},
      {"epilogues", makeEpilogues}};
  for (auto [name, make] : sets)
    if (argc == 3 && std::strcmp(argv[1], name) == 0) {
      CallWriter writer;
      if (!writer.write(make(), argv[2]))
        return 1;
      std::printf("%lld products, %lld regions\n",
                  static_cast<long long>(writer.getProducts()),
                  static_cast<long long>(writer.getRegions()));
      return 0;
    }
  std::fprintf(stderr, "modelc_sme_calls SET FILE\n");
  return 1;
}
