//===- InspectCommand.cpp - modelc inspect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints what a plan holds, as text or JSON.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/CodeObject.h"
#include "compiler/emit/Report.h"
#include "compiler/target/Tuning.h"
#include "modelc/cpu_features.h"
#include "modelc/kernel_abi.h"
#include "tools/modelc/Commands.h"
#include "tools/modelc/CostReport.h"
#include "tools/modelc/PlanView.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace modelc;
using namespace modelc::tools;
namespace json = llvm::json;

namespace {

constexpr const char *kUsage =
    "usage: modelc inspect FILE.mplan [--json] [--tensors] [--tuning]\n"
    "         [--cost [--cpu=TARGET] [--tokens=N] [--depth=N]\n"
    "          [--bytes-per-cycle=N] [--loops]]";

// Tokens of a sequence: more than any model's context.
constexpr int64_t kMaxDepth = 1 << 24;

} // namespace

/// The report of a variant as the compiler had it.
static std::vector<emit::ReportRow> readReport(const rt::PlanTables &tables,
                                               uint32_t v) {
  std::vector<emit::ReportRow> rows;
  for (const ModelcReportRow &record : tables.variantTables(v).report) {
    emit::ReportRow row;
    row.tensor = tables.string(record.tensor);
    row.type = tables.string(record.type);
    row.use = tables.string(record.use);
    row.layout = tables.string(record.layout);
    row.kernel = tables.string(record.kernel);
    row.reason = tables.string(record.reason);
    row.isFallback = record.isFallback;
    row.shape.assign(record.dims, record.dims + record.rank);
    row.sourceBytes = record.sourceBytes;
    row.packedBytes = record.packedBytes;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// A string of the plan, as JSON can hold it.
static std::string getText(const rt::PlanTables &tables, uint32_t offset) {
  return json::fixUTF8(tables.string(offset));
}

static json::Object describeProvenance(const rt::PlanTables &tables) {
  const ModelcProvenance &p = *tables.provenance;
  return json::Object{
      {"source", getText(tables, p.source)},
      {"source_bytes", p.sourceBytes},
      {"source_blake3", llvm::toHex(llvm::ArrayRef(p.sourceHash), true)},
      {"compiler", getText(tables, p.compiler)},
      {"options", getText(tables, p.options)},
      {"architecture", getText(tables, p.architecture)},
      {"model_name", getText(tables, p.modelName)}};
}

static json::Array describeSections(const rt::PlanTables &tables) {
  json::Array sections;
  for (const ModelcSection &section : tables.sections) {
    json::Value variant = nullptr;
    if (section.variant != MODELC_ALL_VARIANTS)
      variant = section.variant;
    sections.push_back(
        json::Object{{"kind", rt::sectionName(section.kind)},
                     {"variant", std::move(variant)},
                     {"offset", section.offset},
                     {"bytes", section.sizeBytes},
                     {"records", section.sizeBytes / section.recordBytes}});
  }
  return sections;
}

static json::Object describeStep(const rt::PlanTables &tables,
                                 const rt::VariantTables &variant,
                                 const ModelcStep &step) {
  constexpr const char *kSources[] = {"one", "tokens", "outputs", "length",
                                      "arena"};
  return json::Object{
      {"name", getText(tables, step.name)},
      {"kernel", getText(tables, variant.kernels[step.kernel].name)},
      {"count", kSources[step.countSource]},
      {"min", step.minCount},
      {"max", step.maxCount},
      {"count_limit", step.countLimit},
      {"tile_divisor", step.tileDivisor},
      {"tile_multiplier", step.tileMultiplier},
      {"barrier", (step.flags & MODELC_STEP_BARRIER) != 0},
      {"bytes", step.bytesFixed},
      {"ops_per_count", step.opsPerCount}};
}

static json::Object describeVariant(const rt::PlanTables &tables, uint32_t v) {
  rt::VariantTables variant = tables.variantTables(v);
  const ModelcVariant &record = *variant.variant;
  json::Array features, kernels, steps;
  for (uint32_t f = 0; f < MODELC_FEATURE_COUNT; ++f)
    if (record.features >> f & 1)
      features.push_back(modelc_cpu_feature_name(f));
  for (const ModelcKernelRecord &kernel : variant.kernels)
    kernels.push_back(getText(tables, kernel.name));
  for (const ModelcStep &step : variant.steps)
    steps.push_back(describeStep(tables, variant, step));
  uint64_t stateBytes = 0, sequenceBytes = 0;
  for (const ModelcState &state : variant.states) {
    stateBytes += state.pageBytes / MODELC_PAGE_TOKENS;
    sequenceBytes += state.sequenceBytes;
  }
  return json::Object{
      {"target", getText(tables, record.target)},
      {"features", std::move(features)},
      {"ubatch", record.ubatch},
      {"vocab_size", record.vocabSize},
      {"context_length", record.contextLength},
      {"weight_bytes", modelc_used_weight_bytes(variant.weights.data(),
                                                variant.weights.size())},
      {"arena_bytes", record.arenaBytes},
      {"scratch_bytes", record.scratchBytes},
      {"state_bytes_per_token", stateBytes},
      {"state_bytes_per_sequence", sequenceBytes},
      {"code_bytes", variant.code.size()},
      {"kernels", std::move(kernels)},
      {"steps", std::move(steps)}};
}

/// What the kernels of each variant for a GPU take of it, in their code's own
/// words; an empty list for the others. INVALID_ARGUMENT.
static absl::StatusOr<std::vector<json::Array>>
describeResources(const rt::PlanTables &tables) {
  std::vector<json::Array> all(tables.variants.size());
  for (uint32_t v = 0; v < tables.variants.size(); ++v) {
    rt::VariantTables variant = tables.variantTables(v);
    if (variant.variant->deviceKind != MODELC_DEVICE_HIP)
      continue;
    auto kernels =
        codegen::readKernelResources(llvm::toStringRef(variant.code));
    if (!kernels.ok())
      return absl::Status(kernels.status().code(),
                          "variant " + std::to_string(v) + ": " +
                              std::string(kernels.status().message()));
    for (const codegen::KernelResources &kernel : *kernels)
      all[v].push_back(json::Object{{"name", json::fixUTF8(kernel.name)},
                                    {"vgprs", kernel.vgprs},
                                    {"agprs", kernel.agprs},
                                    {"sgprs", kernel.sgprs},
                                    {"vgpr_spills", kernel.vgprSpills},
                                    {"sgpr_spills", kernel.sgprSpills},
                                    {"lds_bytes", kernel.ldsBytes},
                                    {"scratch_bytes", kernel.scratchBytes}});
  }
  return all;
}

/// With `tensors` also the report: of the only variant, or of each in its own
/// object.
static json::Object describePlan(const rt::PlanTables &tables,
                                 std::vector<json::Array> resources,
                                 bool tensors) {
  json::Array variants;
  const bool hasSeveral = tables.variants.size() > 1;
  for (uint32_t v = 0; v < tables.variants.size(); ++v) {
    json::Object variant = describeVariant(tables, v);
    if (tensors && hasSeveral)
      variant["report"] = emit::toJson(readReport(tables, v));
    if (!resources[v].empty())
      variant["resources"] = std::move(resources[v]);
    variants.push_back(std::move(variant));
  }
  json::Object root{{"provenance", describeProvenance(tables)},
                    {"sections", describeSections(tables)},
                    {"variants", std::move(variants)}};
  if (tensors && !hasSeveral)
    root["report"] = emit::toJson(readReport(tables, 0));
  return root;
}

static void printResources(const json::Array &kernels) {
  constexpr const char *kColumns[] = {
      "vgprs",       "agprs",     "sgprs",        "vgpr_spills",
      "sgpr_spills", "lds_bytes", "scratch_bytes"};
  if (kernels.empty())
    return;
  llvm::outs() << "\n";
  for (const char *column : kColumns)
    llvm::outs() << llvm::right_justify(column, 14);
  llvm::outs() << "  kernel\n";
  for (const json::Value &kernel : kernels) {
    for (const char *column : kColumns)
      llvm::outs() << llvm::formatv("{0,14}",
                                    *kernel.getAsObject()->getInteger(column));
    llvm::outs() << "  " << *kernel.getAsObject()->getString("name") << "\n";
  }
}

static void printText(const rt::PlanTables &tables,
                      const std::vector<json::Array> &resources, bool tensors) {
  for (auto &[key, value] : describeProvenance(tables))
    llvm::outs() << llvm::left_justify(key.str(), 16) << value << "\n";
  llvm::outs() << "\nsections\n";
  const bool hasSeveral = tables.variants.size() > 1;
  for (const ModelcSection &section : tables.sections) {
    llvm::outs() << "  "
                 << llvm::left_justify(rt::sectionName(section.kind), 16)
                 << " at " << section.offset << ", " << section.sizeBytes
                 << " bytes";
    if (hasSeveral && section.variant != MODELC_ALL_VARIANTS)
      llvm::outs() << ", of variant " << section.variant;
    llvm::outs() << "\n";
  }
  for (uint32_t v = 0; v < tables.variants.size(); ++v) {
    llvm::outs() << "\nvariant " << v << "\n";
    for (auto &[key, value] : describeVariant(tables, v)) {
      llvm::outs() << "  " << llvm::left_justify(key.str(), 22);
      if (const json::Array *list = value.getAsArray();
          list && key != json::ObjectKey("features"))
        llvm::outs() << list->size() << "\n";
      else
        llvm::outs() << value << "\n";
    }
    printResources(resources[v]);
  }
  for (uint32_t v = 0; tensors && v < tables.variants.size(); ++v) {
    llvm::outs() << "\n";
    if (hasSeveral)
      llvm::outs() << "tensors of variant " << v << "\n";
    llvm::outs() << emit::printReport(readReport(tables, v));
  }
}

/// Prints what --tuned-by takes: the record of each variant.
static int printTuning(const rt::PlanTables &tables) {
  llvm::StringRef options = tables.string(tables.provenance->options);
  for (const ModelcVariant &variant : tables.variants) {
    llvm::StringRef name = tables.string(variant.target);
    absl::StatusOr<target::Tuning> tuning = target::parseTuningOption(
        options, tables.variants.size() > 1 ? name : "");
    if (!tuning.ok())
      return reportFailure(tuning.status());
    target::TuningRecord record = {name.str(), variant.ubatch,
                                   *std::move(tuning)};
    llvm::outs() << record.print();
  }
  return 0;
}

int tools::inspectCommand(Arguments arguments) {
  bool asJson = false, tensors = false, tuning = false, cost = false;
  CostOptions costOptions;
  std::optional<int64_t> depth;
  CommandLine line;
  line.addFlag("--json", &asJson);
  line.addFlag("--tensors", &tensors);
  line.addFlag("--tuning", &tuning);
  line.addFlag("--cost", &cost);
  line.addString("--cpu", &costOptions.cpu);
  line.addInteger("--tokens", 1, MODELC_MAX_UBATCH, &costOptions.tokens);
  line.addInteger("--depth", 0, kMaxDepth, &depth);
  line.addReal("--bytes-per-cycle", &costOptions.bytesPerCycle);
  line.addFlag("--loops", &costOptions.loops);
  std::variant<std::unique_ptr<PlanView>, int> opened =
      openPlanArgument(line, arguments, kUsage);
  if (const int *status = std::get_if<int>(&opened))
    return *status;
  costOptions.depth = depth.value_or(0);
  if (!(costOptions.bytesPerCycle > 0))
    return reportUsage("--bytes-per-cycle must be more than 0", kUsage);
  const PlanView &view = *std::get<0>(opened);
  const rt::PlanTables &tables = view.tables;
  if (tuning)
    return printTuning(tables);
  json::Array costs;
  if (cost) {
    absl::StatusOr<json::Array> described = describeCost(tables, costOptions);
    if (!described.ok())
      return reportFailure(absl::Status(
          described.status().code(),
          view.name + ": " + std::string(described.status().message())));
    costs = *std::move(described);
  }
  absl::StatusOr<std::vector<json::Array>> resources =
      describeResources(tables);
  if (!resources.ok())
    return reportFailure(absl::Status(
        resources.status().code(),
        view.name + ": " + std::string(resources.status().message())));
  if (!asJson) {
    if (cost)
      llvm::outs() << printCost(costs);
    else
      printText(tables, *resources, tensors);
    return 0;
  }
  json::Object root = describePlan(tables, *std::move(resources), tensors);
  if (cost)
    root["cost"] = std::move(costs);
  llvm::outs() << llvm::formatv("{0:2}", json::Value(std::move(root))) << "\n";
  return 0;
}
