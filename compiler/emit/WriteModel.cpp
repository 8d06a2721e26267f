//===- WriteModel.cpp - The records of a plan as a whole
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Provenance, the source's metadata, and the compile report as sections.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/WriteModel.h"
#include "compiler/repack/ForEachPiece.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace modelc;
using namespace modelc::emit;

std::string emit::getCompilerVersion() {
  return "modelc " MODELC_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

//===----------------------------------------------------------------------===//
// Provenance
//===----------------------------------------------------------------------===//

std::array<uint8_t, 32>
emit::hashSource(llvm::ArrayRef<llvm::ArrayRef<uint8_t>> files,
                 unsigned threads) {
  constexpr size_t kPieceBytes = 64ull << 20;
  std::vector<llvm::ArrayRef<uint8_t>> pieces;
  for (llvm::ArrayRef<uint8_t> file : files)
    for (; !file.empty(); file = file.drop_front(pieces.back().size()))
      pieces.push_back(file.take_front(kPieceBytes));
  std::vector<llvm::BLAKE3Result<32>> hashes(pieces.size());
  repack::forEachPiece(pieces.size(), threads,
                       [&](uint64_t i, repack::PieceBuffer &) {
                         hashes[i] = llvm::BLAKE3::hash<32>(pieces[i]);
                         return true;
                       });
  llvm::BLAKE3 whole;
  for (const llvm::BLAKE3Result<32> &hash : hashes)
    whole.update(hash);
  return whole.final<32>();
}

Section emit::makeProvenanceSection(const Provenance &provenance,
                                    StringTable &strings) {
  ModelcProvenance record = {};
  std::memcpy(record.sourceHash, provenance.sourceHash.data(),
              sizeof(record.sourceHash));
  record.sourceBytes = provenance.sourceBytes;
  record.source = strings.add(provenance.source);
  record.compiler = strings.add(getCompilerVersion());
  record.options = strings.add(provenance.options);
  record.architecture = strings.add(provenance.architecture);
  record.modelName = strings.add(provenance.modelName);
  return makeRecords(MODELC_SECTION_PROVENANCE, MODELC_ALL_VARIANTS,
                     llvm::ArrayRef(record));
}

//===----------------------------------------------------------------------===//
// Metadata
//===----------------------------------------------------------------------===//

/// Appends numbers as they lie in the source, strings as offsets and bytes.
static void appendValue(const gguf::MetadataEntry &entry,
                        std::vector<uint8_t> &data) {
  if (entry.type != gguf::MetadataType::String) {
    data.insert(data.end(), entry.bytes.begin(), entry.bytes.end());
    return;
  }
  llvm::SmallVector<llvm::StringRef> strings = entry.strings();
  uint64_t offset = (strings.size() + 1) * sizeof(uint64_t);
  auto appendOffset = [&] {
    const auto *bytes = reinterpret_cast<const uint8_t *>(&offset);
    data.insert(data.end(), bytes, bytes + sizeof(offset));
  };
  for (llvm::StringRef string : strings) {
    appendOffset();
    offset += string.size();
  }
  appendOffset();
  for (llvm::StringRef string : strings)
    data.insert(data.end(), string.begin(), string.end());
}

void emit::appendMetadataSections(const gguf::Metadata &metadata,
                                  StringTable &strings,
                                  std::vector<Section> &sections) {
  std::vector<ModelcMetadata> records;
  std::vector<uint8_t> data;
  for (const gguf::MetadataEntry &entry : metadata.entries()) {
    data.resize(llvm::alignTo(data.size(), sizeof(uint64_t)));
    ModelcMetadata record = {};
    record.key = strings.add(entry.key);
    record.type = static_cast<uint8_t>(entry.type);
    record.isArray = entry.isArray;
    record.count = entry.count;
    record.dataOffset = data.size();
    appendValue(entry, data);
    record.dataBytes = data.size() - record.dataOffset;
    records.push_back(record);
  }
  sections.push_back(makeRecords(MODELC_SECTION_METADATA, MODELC_ALL_VARIANTS,
                                 llvm::ArrayRef(records)));
  sections.push_back(makeRecords(MODELC_SECTION_METADATA_DATA,
                                 MODELC_ALL_VARIANTS, llvm::ArrayRef(data)));
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

Section emit::makeReportSection(llvm::ArrayRef<ReportRow> rows,
                                StringTable &strings) {
  std::vector<ModelcReportRow> records;
  for (const ReportRow &row : rows) {
    ModelcReportRow record = {};
    record.tensor = strings.add(row.tensor);
    record.type = strings.add(row.type);
    record.use = strings.add(row.use);
    record.layout = strings.add(row.layout);
    record.kernel = strings.add(row.kernel);
    record.reason = strings.add(row.reason);
    record.isFallback = row.isFallback;
    record.rank = row.shape.size();
    std::fill(std::begin(record.dims), std::end(record.dims), 1);
    llvm::copy(row.shape, record.dims);
    record.sourceBytes = row.sourceBytes;
    record.packedBytes = row.packedBytes;
    records.push_back(record);
  }
  return makeRecords(MODELC_SECTION_REPORT, MODELC_ALL_VARIANTS,
                     llvm::ArrayRef(records));
}
