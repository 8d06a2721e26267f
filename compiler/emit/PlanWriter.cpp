//===- PlanWriter.cpp - Everything into one artifact
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   provenance metadata report variants | kernels steps ... code | strings
//                                       | kernels steps ... code
//                                       | weights (streamed)
//
// Sizes come first, so that each weight is packed straight to its offset; the
// tables follow when the weights' checksums are known, the header last. With
// several variants each has a report too, and what is the same for all of them
// is written once.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/PlanWriter.h"
#include "compiler/emit/Sections.h"
#include "compiler/emit/WriteModel.h"
#include "compiler/emit/WriteVariant.h"
#include "compiler/import/ModuleAttributes.h"
#include "compiler/repack/PackWeights.h"
#include "dialects/pack/Layouts.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Path.h"
#include <map>

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
  ModuleOp module = contents.variants.front().module;
  auto getText = [&](StringRef name) {
    return module->getAttrOfType<StringAttr>(name).str();
  };
  provenance.architecture = getText(kArchitectureAttr);
  provenance.modelName = getText(kNameAttr);
  return provenance;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

static std::vector<VariantTables> makeTables(const PlanContents &contents,
                                             StringTable &strings) {
  std::vector<VariantTables> tables;
  for (const VariantContents &variant : contents.variants)
    tables.push_back(makeVariantTables(
        variant.variant, getModelFacts(variant.module), variant.code, strings));
  return tables;
}

/// Makes one section for all variants of those that each of `variantCount`
/// variants has with the same bytes, in the first one's place.
static void mergeEqualSections(size_t variantCount,
                               std::vector<Section> &sections) {
  llvm::MapVector<uint32_t, SmallVector<size_t>> byKind;
  for (auto [i, section] : llvm::enumerate(sections))
    byKind[section.kind].push_back(i);
  llvm::BitVector merged(sections.size());
  for (auto &[kind, indices] : byKind) {
    Section &first = sections[indices.front()];
    auto isSame = [&](size_t i) { return sections[i].bytes == first.bytes; };
    if (indices.size() != variantCount || !llvm::all_of(indices, isSame))
      continue;
    first.variant = MODELC_ALL_VARIANTS;
    for (size_t i : llvm::drop_begin(indices))
      merged.set(i);
  }
  std::vector<Section> kept;
  for (auto [i, section] : llvm::enumerate(sections))
    if (!merged.test(i))
      kept.push_back(std::move(section));
  sections = std::move(kept);
}

/// The sections of each variant, WEIGHTS excepted, in the order of variants.
static std::vector<Section>
makeVariantSections(const PlanContents &contents,
                    llvm::ArrayRef<VariantTables> tables,
                    StringTable &strings) {
  std::vector<Section> sections;
  for (auto [v, variant] : llvm::enumerate(contents.variants)) {
    const auto index = static_cast<uint16_t>(v);
    if (tables.size() > 1) {
      sections.push_back(makeReportSection(variant.report, strings));
      sections.back().variant = index;
    }
    appendVariantSections(tables[v], index, sections);
  }
  if (tables.size() > 1)
    mergeEqualSections(tables.size(), sections);
  return sections;
}

/// Every section but WEIGHTS. Sizes do not depend on the checksums in
/// `tables`.
static std::vector<Section> makeSections(const PlanContents &contents,
                                         const Provenance &provenance,
                                         llvm::ArrayRef<VariantTables> tables,
                                         StringTable &strings) {
  std::vector<Section> sections;
  sections.push_back(makeProvenanceSection(provenance, strings));
  appendMetadataSections(contents.source.metadata(), strings, sections);
  if (tables.size() == 1)
    sections.push_back(
        makeReportSection(contents.variants.front().report, strings));
  std::vector<ModelcVariant> variants;
  for (const VariantTables &variant : tables)
    variants.push_back(variant.variant);
  sections.push_back(makeRecords(MODELC_SECTION_VARIANTS, MODELC_ALL_VARIANTS,
                                 llvm::ArrayRef(variants)));
  llvm::append_range(sections, makeVariantSections(contents, tables, strings));
  sections.push_back(strings.finish());
  return sections;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Offset in WEIGHTS and size of a weight, whichever variants have it.
using Place = std::pair<uint64_t, uint64_t>;

/// What it takes to pack each weight.
static std::map<Place, repack::PackJob> makeJobs(const PlanContents &contents) {
  std::map<Place, repack::PackJob> jobs;
  for (const VariantContents &contained : contents.variants) {
    plan::VariantOp variant = contained.variant;
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
      job.offset = *weight.getOffset();
      jobs.try_emplace({job.offset, weight.getPackedType().getPackedBytes()},
                       std::move(job));
    }
  }
  return jobs;
}

/// Packs every weight and puts the checksums into the tables.
static absl::Status packAll(const PlanContents &contents,
                            uint64_t weightsOffset, support::AtomicFile &file,
                            std::vector<VariantTables> &tables) {
  std::vector<repack::PackJob> jobs;
  std::map<Place, uint32_t> checksums;
  for (auto &[place, job] : makeJobs(contents)) {
    job.offset += weightsOffset;
    jobs.push_back(std::move(job));
    checksums.emplace_hint(checksums.end(), place, 0);
  }
  repack::StreamOptions options;
  options.threads = contents.threads;
  options.progress = contents.progress;
  options.release = gguf::releasePages;
  auto write = [&](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
    return file.writeAt(offset, bytes);
  };
  absl::StatusOr<std::vector<uint32_t>> packed =
      repack::packWeights(jobs, write, options);
  if (!packed.ok())
    return packed.status();
  for (auto [entry, checksum] : llvm::zip_equal(checksums, *packed))
    entry.second = checksum;
  for (VariantTables &variant : tables)
    for (ModelcWeight &weight : variant.weights)
      weight.checksum = checksums.at({weight.offset, weight.sizeBytes});
  return absl::OkStatus();
}

absl::StatusOr<WrittenPlan> emit::writePlan(const PlanContents &contents,
                                            support::AtomicFile &file) {
  Provenance provenance = makeProvenance(contents);
  StringTable strings;
  std::vector<VariantTables> tables = makeTables(contents, strings);
  std::vector<Section> sections =
      makeSections(contents, provenance, tables, strings);
  WrittenPlan written = {};
  for (const VariantTables &variant : tables) {
    written.weightBytes = std::max(written.weightBytes, variant.weightBytes);
    written.variantWeightBytes.push_back(modelc_used_weight_bytes(
        variant.weights.data(), variant.weights.size()));
  }
  Section weights{MODELC_SECTION_WEIGHTS, 0, 1, {}};
  if (tables.size() > 1)
    weights.variant = MODELC_ALL_VARIANTS;
  weights.streamedBytes = written.weightBytes;
  sections.push_back(weights);
  written.fileBytes = placeSections(sections);
  if (absl::Status status = file.reserve(written.fileBytes); !status.ok())
    return status;

  if (absl::Status status =
          packAll(contents, sections.back().offset, file, tables);
      !status.ok())
    return status;
  for (Section &section : sections) {
    if (section.kind == MODELC_SECTION_WEIGHT_TABLE) {
      const bool isShared = section.variant == MODELC_ALL_VARIANTS;
      section.bytes =
          makeRecords(
              section.kind, section.variant,
              llvm::ArrayRef(tables[isShared ? 0 : section.variant].weights))
              .bytes;
    }
    if (absl::Status status = file.writeAt(section.offset, section.bytes);
        !status.ok())
      return status;
  }
  if (absl::Status status =
          file.writeAt(0, makeHeader(sections, written.fileBytes));
      !status.ok())
    return status;
  return written;
}
