//===- PlanWriter.cpp - Everything into one artifact
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   strings provenance metadata report variants | kernels steps ... code
//                                               | weights (streamed)
//
// Sizes come first, so that each weight is packed straight to its offset; the
// tables follow when the weights' checksums are known, the header last.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/PlanWriter.h"
#include "compiler/emit/Sections.h"
#include "compiler/emit/WriteModel.h"
#include "compiler/emit/WriteVariant.h"
#include "compiler/import/ModuleAttributes.h"
#include "compiler/repack/PackWeights.h"
#include "dialects/pack/Layouts.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::emit;

/// An integer attribute that the importer put on the module.
static uint32_t getFact(ModuleOp module, StringRef name) {
  return module->getAttrOfType<IntegerAttr>(name).getInt();
}

static ModelFacts getModelFacts(ModuleOp module) {
  return {getFact(module, kVocabSizeAttr), getFact(module, kContextLengthAttr),
          getFact(module, kEmbeddingLengthAttr),
          getFact(module, kLayerCountAttr)};
}

static Provenance makeProvenance(const PlanContents &contents) {
  std::vector<llvm::ArrayRef<uint8_t>> files;
  Provenance provenance = {};
  for (const gguf::GgufShard &shard : contents.source.shards()) {
    files.push_back(shard.bytes);
    provenance.sourceBytes += shard.bytes.size();
  }
  provenance.sourceHash = hashSource(files, contents.threads);
  provenance.source = llvm::sys::path::filename(contents.source.path()).str();
  provenance.options = contents.options;
  auto getText = [&](StringRef name) {
    return contents.module->getAttrOfType<StringAttr>(name).str();
  };
  provenance.architecture = getText(kArchitectureAttr);
  provenance.modelName = getText(kNameAttr);
  return provenance;
}

/// Every section but WEIGHTS. Sizes do not depend on the checksums in
/// `tables`.
static std::vector<Section> makeSections(const PlanContents &contents,
                                         const Provenance &provenance,
                                         const VariantTables &tables,
                                         StringTable &strings) {
  std::vector<Section> sections;
  sections.push_back(makeProvenanceSection(provenance, strings));
  appendMetadataSections(contents.source.metadata(), strings, sections);
  sections.push_back(makeReportSection(contents.report, strings));
  sections.push_back(makeRecords(MODELC_SECTION_VARIANTS, MODELC_ALL_VARIANTS,
                                 llvm::ArrayRef(tables.variant)));
  appendVariantSections(tables, 0, sections);
  sections.push_back(strings.finish());
  return sections;
}

static absl::StatusOr<std::vector<uint32_t>>
packAll(const PlanContents &contents, uint64_t weightsOffset,
        support::AtomicFile &file) {
  std::vector<repack::PackJob> jobs;
  plan::VariantOp variant = contents.variant;
  for (auto weight : variant.getBody().getOps<plan::WeightOp>()) {
    std::optional<gguf::GgufTensor> tensor =
        contents.source.findRows(weight.getSymName());
    pack::LayoutAttr layout = weight.getPackedType().getLayout();
    repack::PackJob job;
    job.name = weight.getSymName().str();
    job.source = tensor->bytes;
    job.sourceStride = tensor->stride;
    job.shape.assign(tensor->shape.begin(), tensor->shape.end());
    job.sourceLayout =
        pack::getMappedLayout(layout.getContext(), layout.getSource());
    job.targetLayout = layout;
    job.offset = weightsOffset + *weight.getOffset();
    jobs.push_back(std::move(job));
  }
  repack::StreamOptions options;
  options.threads = contents.threads;
  options.progress = contents.progress;
  options.release = gguf::releasePages;
  auto write = [&](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
    return file.writeAt(offset, bytes);
  };
  return repack::packWeights(jobs, write, options);
}

absl::StatusOr<uint64_t> emit::writePlan(const PlanContents &contents,
                                         support::AtomicFile &file) {
  Provenance provenance = makeProvenance(contents);
  StringTable strings;
  VariantTables tables = makeVariantTables(
      contents.variant, getModelFacts(contents.module), contents.code, strings);
  std::vector<Section> sections =
      makeSections(contents, provenance, tables, strings);
  Section weights{MODELC_SECTION_WEIGHTS, 0, 1, {}};
  weights.streamedBytes = tables.weightBytes;
  sections.push_back(weights);
  uint64_t fileBytes = placeSections(sections);
  if (absl::Status status = file.reserve(fileBytes); !status.ok())
    return status;

  absl::StatusOr<std::vector<uint32_t>> checksums =
      packAll(contents, sections.back().offset, file);
  if (!checksums.ok())
    return checksums.status();
  for (auto [weight, checksum] : llvm::zip_equal(tables.weights, *checksums))
    weight.checksum = checksum;
  for (Section &section : sections) {
    if (section.kind == MODELC_SECTION_WEIGHT_TABLE)
      section.bytes = makeRecords(section.kind, section.variant,
                                  llvm::ArrayRef(tables.weights))
                          .bytes;
    if (absl::Status status = file.writeAt(section.offset, section.bytes);
        !status.ok())
      return status;
  }
  if (absl::Status status = file.writeAt(0, makeHeader(sections, fileBytes));
      !status.ok())
    return status;
  return fileBytes;
}
