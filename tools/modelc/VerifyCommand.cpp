//===- VerifyCommand.cpp - modelc verify
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compares every byte of a plan with its checksums and, given the source,
// every weight with the tensor that it was packed from.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufModel.h"
#include "compiler/repack/PackWeights.h"
#include "dialects/pack/Layouts.h"
#include "load/Plan.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include "tools/modelc/Commands.h"
#include "tools/modelc/PlanView.h"
#include "llvm/Support/FormatVariadic.h"
#include <cstdio>
#include <set>
#include <string_view>
#include <thread>

using namespace modelc;
using namespace modelc::tools;

namespace {

constexpr const char *kUsage =
    "usage: modelc verify FILE.mplan [--source=IN.gguf]";

} // namespace

static absl::Status makeError(const PlanView &view, llvm::StringRef weight,
                              const std::string &message) {
  return absl::DataLossError(
      llvm::formatv("{0}: weight {1}: {2}", view.name, weight, message).str());
}

/// The layout whose text the plan holds, if it is one for the weight's shape.
static absl::StatusOr<pack::LayoutAttr>
parseLayout(const PlanView &view, const ModelcWeight &weight,
            mlir::MLIRContext &context) {
  const char *text = view.tables.string(weight.layout);
  // What MLIR has to say would be further lines, without the plan's name.
  mlir::ScopedDiagnosticHandler silence(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  auto layout = llvm::dyn_cast_or_null<pack::LayoutAttr>(
      mlir::parseAttribute(text, &context));
  if (!layout)
    return makeError(view, view.tables.string(weight.name),
                     "its layout does not parse");
  llvm::SmallVector<int64_t> dims(weight.dims, weight.dims + weight.rank);
  auto emitError = [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
  if (!pack::PackedTensorType::getChecked(emitError, &context,
                                          llvm::ArrayRef(dims), layout))
    return makeError(view, view.tables.string(weight.name),
                     "its shape does not fit its layout");
  return layout;
}

/// What it takes to compare one weight with its tensor.
static absl::StatusOr<repack::VerifyJob>
makeJob(const PlanView &view, const rt::VariantTables &variant,
        const ModelcWeight &weight, const gguf::GgufModel &source,
        mlir::MLIRContext &context) {
  const char *name = view.tables.string(weight.name);
  std::optional<gguf::GgufTensor> tensor = source.findRows(name);
  if (!tensor)
    return makeError(view, name,
                     "the source has no such tensor: " + source.path().str());
  absl::StatusOr<pack::LayoutAttr> layout = parseLayout(view, weight, context);
  if (!layout.ok())
    return layout.status();
  llvm::ArrayRef<uint64_t> dims(weight.dims, weight.rank);
  bool sameType =
      static_cast<uint32_t>(tensor->type) == weight.typeId &&
      layout->getSource() == model::getElementType(&context, tensor->type);
  if (!sameType || tensor->shape.size() != dims.size() ||
      !std::equal(dims.begin(), dims.end(), tensor->shape.begin()))
    return makeError(view, name, "type or shape is not the source's");
  if (layout->getPackedBytes(tensor->shape) != weight.sizeBytes)
    return makeError(view, name, "its size does not fit its layout");
  repack::VerifyJob job;
  job.name = name;
  job.source = tensor->bytes;
  job.sourceStride = tensor->stride;
  job.packed = llvm::ArrayRef(variant.weightBytes.data() + weight.offset,
                              weight.sizeBytes);
  job.shape.assign(tensor->shape.begin(), tensor->shape.end());
  job.sourceLayout = pack::getMappedLayout(&context, layout->getSource());
  job.targetLayout = *layout;
  return job;
}

static absl::Status verifySource(const PlanView &view,
                                 const std::string &path) {
  absl::StatusOr<std::unique_ptr<gguf::GgufModel>> source =
      gguf::GgufModel::open(path);
  if (!source.ok())
    return source.status();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<model::ModelDialect, pack::PackDialect>();
  repack::StreamOptions options;
  options.threads = std::max(1u, std::thread::hardware_concurrency());
  options.release = gguf::releasePages;
  // What variants share is compared once.
  std::set<std::pair<const uint8_t *, std::string_view>> compared;
  for (uint32_t v = 0; v < view.tables.variants.size(); ++v) {
    rt::VariantTables variant = view.tables.variantTables(v);
    std::vector<repack::VerifyJob> jobs;
    for (const ModelcWeight &weight : variant.weights) {
      std::string_view record(reinterpret_cast<const char *>(&weight),
                              sizeof(weight));
      if (!compared.emplace(variant.weightBytes.data(), record).second)
        continue;
      absl::StatusOr<repack::VerifyJob> job =
          makeJob(view, variant, weight, **source, context);
      if (!job.ok())
        return job.status();
      jobs.push_back(std::move(*job));
    }
    absl::StatusOr<std::optional<repack::WeightDifference>> difference =
        repack::verifyWeights(jobs, options);
    if (!difference.ok())
      return absl::Status(
          difference.status().code(),
          llvm::formatv("{0}: weight {1}", view.name,
                        std::string(difference.status().message()))
              .str());
    if (const auto &found = *difference)
      return makeError(
          view, jobs[found->job].name,
          llvm::formatv("{0} of row {1}, k {2} is not the source's",
                        found->field, found->row, found->k));
    if (view.tables.variants.size() > 1)
      std::printf("%s: ", view.tables.string(variant.variant->target));
    std::printf("%zu weights equal their source\n", variant.weights.size());
  }
  return absl::OkStatus();
}

int tools::verifyCommand(Arguments arguments) {
  std::optional<std::string> source;
  CommandLine line;
  line.addString("--source", &source);
  std::variant<std::unique_ptr<PlanView>, int> opened =
      openPlanArgument(line, arguments, kUsage);
  if (const int *status = std::get_if<int>(&opened))
    return *status;
  const PlanView &view = *std::get<0>(opened);
  modelc_status status;
  rt::Reporter reporter(view.name.c_str(), &status);
  if (rt::verifyWeights(view.tables, reporter))
    return reportFailure(absl::DataLossError(status.message));
  std::printf("all checksums fit\n");
  if (!source)
    return 0;
  absl::Status compared = verifySource(view, *source);
  return compared.ok() ? 0 : reportFailure(compared);
}
