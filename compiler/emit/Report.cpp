//===- Report.cpp - The compile report
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   plan.weight @blk.0.attn_q.weight ... reason first_choice
//   plan.step "blk.0.attn_q" @mc_matmul_...(@in, @blk.0.attn_q.weight, ...)
//     ==>
//   blk.0.attn_q.weight  q8_0  256x256  matmul  q8_0.n16k64u  mc_matmul_...
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/Report.h"
#include "compiler/import/ModuleAttributes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::emit;

/// What operand `index` of a kernel with this specification is used for.
static StringRef getUse(plan::KernelSpecInterface spec, size_t index) {
  if (isa<plan::EmbedSpecAttr>(spec))
    return "embedding";
  if (auto matmul = dyn_cast<plan::MatmulSpecAttr>(spec))
    return index <= matmul.getWeights().size() ? "matmul" : "bias";
  if (auto experts = dyn_cast<plan::ExpertsSpecAttr>(spec))
    return index <= experts.getMatmul().getWeights().size() ? "expert" : "bias";
  if (isa<plan::HeadMatmulSpecAttr>(spec))
    return "matmul";
  if (isa<plan::RouteSpecAttr>(spec))
    return "bias";
  if (isa<plan::AttentionSpecAttr>(spec))
    return "sinks";
  if (auto norm = dyn_cast<plan::NormSpecAttr>(spec))
    return norm.getLayer() && index == 2 ? "bias" : "norm";
  return "norm";
}

namespace {

/// What the steps say of one weight.
struct Usage {
  llvm::SmallVector<StringRef> uses;
  StringRef kernel;
};

} // namespace

static llvm::StringMap<Usage> collectUsage(plan::VariantOp variant) {
  llvm::StringMap<Usage> usage;
  for (auto weight : variant.getBody().getOps<plan::WeightOp>())
    usage[weight.getSymName()];
  for (auto step : variant.getBody().getOps<plan::StepOp>()) {
    plan::KernelSpecInterface spec = step.getSpec();
    auto operands = step.getOperands_().getAsRange<FlatSymbolRefAttr>();
    for (auto [i, symbol] : llvm::enumerate(operands)) {
      auto it = usage.find(symbol.getValue());
      if (it == usage.end())
        continue;
      StringRef use = getUse(spec, i);
      if (!llvm::is_contained(it->second.uses, use))
        it->second.uses.push_back(use);
      if (it->second.kernel.empty() || use == "matmul" || use == "expert")
        it->second.kernel = step.getKernel();
    }
  }
  return usage;
}

/// Facts of the source alone.
static ReportRow makeRow(const gguf::GgufTensor &tensor) {
  ReportRow row;
  row.tensor = tensor.name.str();
  row.type = model::getGgmlTypeInfo(tensor.type).name.str();
  row.shape.assign(tensor.shape.begin(), tensor.shape.end());
  row.sourceBytes = tensor.getByteCount();
  return row;
}

/// Those of a weight that the plan has.
static ReportRow makeRow(const gguf::GgufTensor &tensor, plan::WeightOp weight,
                         const Usage &used) {
  ReportRow row = makeRow(tensor);
  row.use = llvm::join(used.uses, "+");
  row.layout = weight.getPackedType().getLayout().getName().getValue();
  row.kernel = used.kernel.str();
  row.reason = pack::stringifyReason(weight.getReason());
  row.isFallback = weight.getFallback();
  row.packedBytes = weight.getPackedType().getPackedBytes();
  return row;
}

std::vector<ReportRow> emit::makeReport(const gguf::GgufModel &source,
                                        ModuleOp module,
                                        plan::VariantOp variant) {
  llvm::StringMap<Usage> usage = collectUsage(variant);
  llvm::StringSet<> ignored;
  if (auto names = module->getAttrOfType<ArrayAttr>(kIgnoredTensorsAttr))
    for (auto name : names.getAsRange<StringAttr>())
      ignored.insert(name.getValue());
  // Of each tensor the weights that it is or, by rows, is split into.
  llvm::StringMap<llvm::SmallVector<plan::WeightOp>> weights;
  for (auto weight : variant.getBody().getOps<plan::WeightOp>()) {
    StringRef name = weight.getSymName();
    if (!source.findTensor(name))
      name = name.rsplit('[').first;
    weights[name].push_back(weight);
  }
  std::vector<ReportRow> rows;
  for (const gguf::GgufTensor &tensor : source.tensors()) {
    for (plan::WeightOp weight : weights[tensor.name])
      rows.push_back(makeRow(*source.findRows(weight.getSymName()), weight,
                             usage[weight.getSymName()]));
    if (!weights[tensor.name].empty())
      continue;
    ReportRow row = makeRow(tensor);
    row.use = "none";
    row.reason = pack::stringifyReason(ignored.contains(tensor.name)
                                           ? pack::Reason::NotUsed
                                           : pack::Reason::FoldedIntoConstant);
    rows.push_back(std::move(row));
  }
  return rows;
}

static std::string printShape(ArrayRef<uint64_t> shape) {
  return llvm::join(
      llvm::map_range(shape, [](uint64_t dim) { return std::to_string(dim); }),
      "x");
}

std::string emit::printReport(ArrayRef<ReportRow> rows) {
  std::vector<std::vector<std::string>> cells = {
      {"tensor", "type", "shape", "use", "layout", "source", "packed", "reason",
       "kernel"}};
  uint64_t sourceBytes = 0, packedBytes = 0;
  for (const ReportRow &row : rows) {
    cells.push_back({row.tensor, row.type, printShape(row.shape), row.use,
                     row.layout, std::to_string(row.sourceBytes),
                     std::to_string(row.packedBytes), row.reason, row.kernel});
    sourceBytes += row.sourceBytes;
    packedBytes += row.packedBytes;
  }
  std::vector<size_t> widths(cells[0].size());
  for (const auto &line : cells)
    for (auto [i, cell] : llvm::enumerate(line))
      widths[i] = std::max(widths[i], cell.size());
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const auto &line : cells) {
    for (auto [i, cell] : llvm::enumerate(line))
      if (i + 1 < line.size())
        os << llvm::left_justify(cell, widths[i] + 2);
    os << line.back() << "\n";
  }
  os << llvm::formatv("{0} tensors, {1} bytes, packed {2} bytes\n", rows.size(),
                      sourceBytes, packedBytes);
  return text;
}

llvm::json::Value emit::toJson(ArrayRef<ReportRow> rows) {
  llvm::json::Array tensors;
  llvm::MapVector<StringRef, std::pair<int64_t, uint64_t>> totals;
  for (const ReportRow &row : rows) {
    tensors.push_back(
        llvm::json::Object{{"tensor", llvm::json::fixUTF8(row.tensor)},
                           {"type", row.type},
                           {"shape", llvm::json::Array(row.shape)},
                           {"use", row.use},
                           {"layout", row.layout},
                           {"kernel", row.kernel},
                           {"reason", row.reason},
                           {"fallback", row.isFallback},
                           {"source_bytes", row.sourceBytes},
                           {"packed_bytes", row.packedBytes}});
    auto &[count, bytes] = totals[row.layout];
    ++count;
    bytes += row.packedBytes;
  }
  llvm::json::Array layouts;
  for (auto &[layout, total] : totals)
    layouts.push_back(llvm::json::Object{{"layout", layout.str()},
                                         {"tensors", total.first},
                                         {"packed_bytes", total.second}});
  return llvm::json::Object{{"tensors", std::move(tensors)},
                            {"layouts", std::move(layouts)}};
}

std::string emit::printFamily(StringRef name, bool isVerified) {
  return ("family " + name +
          (isVerified ? "\n"
                      : ": unverified, its logits were never compared with "
                        "another engine's (docs/families.md)\n"))
      .str();
}
