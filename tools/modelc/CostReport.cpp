//===- CostReport.cpp - What modelc inspect --cost prints
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Steps with the same kernel and the same tiles are one row: layers repeat.
//
//===----------------------------------------------------------------------===//

#include "tools/modelc/CostReport.h"
#include "compiler/cost/Estimate.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

using namespace modelc;
using namespace modelc::tools;
namespace json = llvm::json;

namespace {

// Measured in docs/design/20261124-cost-model.md.
constexpr const char *kError =
    "matmuls of AVX-512 on Zen 4 take 1 to 17 % more than so estimated";
constexpr const char *kTileError =
    "matmuls of AVX-512 on Zen 4 take 1 to 17 % more than so estimated; tiles "
    "were never measured";

// What ExpertSpread.h does.
constexpr const char *kExperts =
    "rows are taken to be spread over all experts as evenly as can be";

/// Steps of one kernel.
struct Row {
  std::string firstStep;
  int64_t steps = 0;
  double compute = 0; ///< Cycles.
  double memory = 0;  ///< Cycles.
  double greater = 0; ///< Of both, step by step.
  uint64_t operations = 0;
};

} // namespace

static json::Object describeLoop(const cost::LoopCost &loop, double cycles) {
  json::Array pressure;
  for (const cost::Pressure &p : llvm::ArrayRef(loop.pressure).take_front(4))
    pressure.push_back(
        json::Object{{"resource", p.resource}, {"share", p.share}});
  return json::Object{{"address", loop.address},
                      {"depth", loop.depth},
                      {"turns", loop.turns},
                      {"instructions", loop.instructions},
                      {"cycles_per_turn", loop.turnCycles},
                      {"share", cycles > 0 ? loop.cycles / cycles : 0},
                      {"pressure", std::move(pressure)}};
}

static json::Object describeRow(const cost::KernelCost *kernel, const Row &row,
                                double total, bool loops) {
  json::Object object{{"first_step", row.firstStep},
                      {"steps", row.steps},
                      {"memory_cycles", row.memory},
                      {"operations", row.operations},
                      {"share", total > 0 ? row.greater / total : 0}};
  if (!kernel)
    return object;
  auto steps = static_cast<double>(row.steps);
  object["kernel"] = kernel->kernel;
  object["compute_cycles"] = row.compute;
  object["tile_products"] = steps * static_cast<double>(kernel->tileProducts);
  object["vector_products"] =
      steps * static_cast<double>(kernel->vectorProducts);
  object["guesses"] = kernel->guesses;
  const cost::LoopCost *hottest = nullptr;
  json::Array described;
  for (const cost::LoopCost &loop : kernel->loops) {
    if (!hottest || loop.cycles > hottest->cycles)
      hottest = &loop;
    described.push_back(describeLoop(loop, kernel->cycles));
  }
  if (hottest)
    object["hottest_loop"] = describeLoop(*hottest, kernel->cycles);
  if (loops)
    object["loops"] = std::move(described);
  return object;
}

static absl::StatusOr<json::Object> describePass(cost::Estimator &estimator,
                                                 const cost::Pass &pass,
                                                 const CostOptions &options) {
  absl::StatusOr<std::vector<cost::StepCost>> steps = estimator.estimate(pass);
  if (!steps.ok())
    return steps.status();
  llvm::MapVector<const cost::KernelCost *, Row> rows;
  double compute = 0, memory = 0, greater = 0;
  bool hasTiles = false, hasExperts = false;
  for (const cost::StepCost &step : *steps) {
    hasTiles |= step.kernel && step.kernel->tileProducts > 0;
    hasExperts |= step.activeExperts > 0;
    Row &row = rows[step.kernel];
    double cycles = step.kernel ? step.kernel->cycles : 0;
    double bytes = static_cast<double>(step.bytes) / options.bytesPerCycle;
    if (row.steps++ == 0)
      row.firstStep = json::fixUTF8(step.name);
    row.compute += cycles;
    row.memory += bytes;
    row.greater += std::max(cycles, bytes);
    row.operations += step.operations;
    compute += cycles;
    memory += bytes;
    greater += std::max(cycles, bytes);
  }
  auto sorted = rows.takeVector();
  llvm::sort(sorted, [](const auto &a, const auto &b) {
    return std::tie(b.second.greater, a.second.firstStep) <
           std::tie(a.second.greater, b.second.firstStep);
  });
  json::Value experts = nullptr;
  if (hasExperts)
    experts = kExperts;
  json::Array described;
  for (const auto &[kernel, row] : sorted)
    described.push_back(describeRow(kernel, row, greater, options.loops));
  return json::Object{
      {"tokens", pass.tokens},
      {"depth", pass.depth},
      {"bytes_per_cycle", options.bytesPerCycle},
      {"compute_cycles", compute},
      {"memory_cycles", memory},
      {"cycles", greater},
      {"cycles_per_token", greater / static_cast<double>(pass.tokens)},
      {"error", hasTiles ? kTileError : kError},
      {"experts", std::move(experts)},
      {"kernels", std::move(described)}};
}

/// Appends the passes of one variant to `all`.
static absl::Status describeVariant(const rt::PlanTables &tables, uint32_t v,
                                    const CostOptions &options,
                                    json::Array &all) {
  const ModelcVariant &variant = tables.variants[v];
  std::string name = tables.string(variant.target);
  std::string cpu = options.cpu.value_or(name);
  const target::TargetSpec *target = target::findTarget(cpu);
  if (!target)
    return absl::InvalidArgumentError("no target \"" + cpu +
                                      "\" to estimate cycles for");
  absl::StatusOr<std::unique_ptr<cost::Estimator>> estimator =
      cost::Estimator::create(tables, v, *target);
  if (!estimator.ok())
    return estimator.status();
  std::vector<int64_t> passes = {1, std::min<int64_t>(512, variant.ubatch)};
  if (options.tokens)
    passes = {*options.tokens};
  for (int64_t tokens : passes) {
    if (tokens > variant.ubatch)
      return absl::InvalidArgumentError(
          "--tokens=" + std::to_string(tokens) + ": a pass has " +
          std::to_string(variant.ubatch) + " at most");
    absl::StatusOr<json::Object> pass =
        describePass(**estimator, {tokens, options.depth}, options);
    if (!pass.ok())
      return pass.status();
    (*pass)["variant"] = v;
    (*pass)["target"] = name;
    (*pass)["cpu"] = cpu;
    all.push_back(*std::move(pass));
  }
  return absl::OkStatus();
}

absl::StatusOr<json::Array> tools::describeCost(const rt::PlanTables &tables,
                                                const CostOptions &options) {
  json::Array all;
  absl::Status refused;
  for (uint32_t v = 0; v < tables.variants.size(); ++v) {
    absl::Status status = describeVariant(tables, v, options, all);
    if (absl::IsInvalidArgument(status))
      return status;
    refused.Update(status);
  }
  if (all.empty())
    return refused;
  return all;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static double getReal(const json::Object &object, llvm::StringRef key) {
  return object.getNumber(key).value_or(0);
}

/// "SPRPort05 97% SPRPort00 95%".
static std::string printPressure(const json::Object &loop, size_t most) {
  std::string text;
  const json::Array &pressure = *loop.getArray("pressure");
  for (size_t i = 0; i < std::min(most, pressure.size()); ++i) {
    const json::Object &p = *pressure[i].getAsObject();
    text += llvm::formatv("{0}{1} {2:f0}%", text.empty() ? "" : " ",
                          *p.getString("resource"), 100 * getReal(p, "share"));
  }
  return text;
}

static void printRow(llvm::raw_ostream &os, const json::Object &row) {
  std::optional<llvm::StringRef> kernel = row.getString("kernel");
  double compute = getReal(row, "compute_cycles");
  double tiles = getReal(row, "tile_products");
  double vectors = getReal(row, "vector_products");
  os << llvm::formatv("{0,5:f1}% {1,4} ", 100 * getReal(row, "share"),
                      *row.getInteger("steps"));
  if (!kernel) {
    os << llvm::formatv("no estimate: tiles that an earlier step counts, "
                        "like {0}\n",
                        *row.getString("first_step"));
    return;
  }
  os << llvm::formatv("{0,14:f0} {1,14:f0} ", compute,
                      getReal(row, "memory_cycles"));
  auto printRatio = [&](double a, double b) {
    if (b > 0)
      os << llvm::formatv("{0,9:f2} ", a / b);
    else
      os << "        - ";
  };
  printRatio(compute, tiles);
  printRatio(compute, tiles > 0 ? 0 : vectors);
  printRatio(getReal(row, "operations"), compute);
  if (const json::Object *loop = row.getObject("hottest_loop"))
    os << llvm::left_justify(printPressure(*loop, 2), 32);
  os << *kernel << "\n";
  if (*row.getInteger("guesses") > 0)
    os << "      this kernel branches on data, " << *row.getInteger("guesses")
       << " times round a loop\n";
  if (const json::Array *loops = row.getArray("loops"))
    for (const json::Value &value : *loops) {
      const json::Object &loop = *value.getAsObject();
      os << llvm::formatv(
          "      {0,5:f1}% {1}0x{2:x-} {3} turns of {4} "
          "instructions, {5:f1} cycles: {6}\n",
          100 * getReal(loop, "share"),
          std::string(2 * *loop.getInteger("depth"), ' '),
          *loop.getInteger("address"), *loop.getInteger("turns"),
          *loop.getInteger("instructions"), getReal(loop, "cycles_per_turn"),
          printPressure(loop, 4));
    }
}

std::string tools::printCost(const json::Array &cost) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const json::Value &value : cost) {
    const json::Object &pass = *value.getAsObject();
    os << llvm::formatv(
        "variant {0}, code for {1}, cycles of one thread on {2}\n"
        "pass of {3} tokens after {4}\n",
        *pass.getInteger("variant"), *pass.getString("target"),
        *pass.getString("cpu"), *pass.getInteger("tokens"),
        *pass.getInteger("depth"));
    os << llvm::formatv("  compute          {0,14:f0} cycles, all data in the "
                        "first-level cache\n",
                        getReal(pass, "compute_cycles"));
    os << llvm::formatv("  weights          {0,14:f0} cycles at {1} bytes a "
                        "cycle\n",
                        getReal(pass, "memory_cycles"),
                        getReal(pass, "bytes_per_cycle"));
    os << llvm::formatv("  estimate         {0,14:f0} cycles, the greater of "
                        "both in each step\n",
                        getReal(pass, "cycles"));
    os << llvm::formatv("  for each token   {0,14:f0} cycles\n",
                        getReal(pass, "cycles_per_token"));
    os << "  error            " << *pass.getString("error") << "\n";
    if (std::optional<llvm::StringRef> experts = pass.getString("experts"))
      os << "  experts          " << *experts << "\n";
    os << "\n";
    os << " share steps        compute        weights cyc/tile   cyc/dot "
          "ops/cycle most taken in the hottest loop  kernel\n";
    for (const json::Value &row : *pass.getArray("kernels"))
      printRow(os, *row.getAsObject());
    os << "\n";
  }
  return text;
}
