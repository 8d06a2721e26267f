//===- WriteModel.h - The records of a plan as a whole
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mirrors runtime/load/ReadModel.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_EMIT_WRITEMODEL_H
#define MODELC_COMPILER_EMIT_WRITEMODEL_H

#include "compiler/emit/Report.h"
#include "compiler/emit/Sections.h"
#include "compiler/import/gguf/Metadata.h"

namespace modelc::emit {

/// Where a plan comes from.
struct Provenance {
  std::array<uint8_t, 32> sourceHash; ///< See ModelcProvenance.
  uint64_t sourceBytes;
  std::string source; ///< File name without directory.
  std::string options;
  std::string architecture;
  std::string modelName;
};

/// "modelc 0.1.0 (LLVM 22.1.8)".
std::string getCompilerVersion();

/// BLAKE3 of the BLAKE3s of the files' pieces of 64 MiB, on up to `threads`
/// threads.
std::array<uint8_t, 32>
hashSource(llvm::ArrayRef<llvm::ArrayRef<uint8_t>> files, unsigned threads);

Section makeProvenanceSection(const Provenance &provenance,
                              StringTable &strings);

/// Appends METADATA and METADATA_DATA: every key of the source.
void appendMetadataSections(const gguf::Metadata &metadata,
                            StringTable &strings,
                            std::vector<Section> &sections);

Section makeReportSection(llvm::ArrayRef<ReportRow> rows, StringTable &strings);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_WRITEMODEL_H
