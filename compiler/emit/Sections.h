//===- Sections.h - Sections of a plan while they are made
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plan under construction is a list of sections. Each small one is built in
// memory; the weights' section has a size only, and its bytes are streamed to
// the file.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_EMIT_SECTIONS_H
#define MODELC_COMPILER_EMIT_SECTIONS_H

#include "modelc/plan_format.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <type_traits>
#include <vector>

namespace modelc::emit {

/// The bytes of one section.
struct Section {
  uint32_t kind; ///< MODELC_SECTION_*.
  uint16_t variant;
  uint32_t recordBytes;
  std::vector<uint8_t> bytes;
  /// For WEIGHTS: its size, as `bytes` stays empty.
  uint64_t streamedBytes = 0;
  /// Filled by placeSections.
  uint64_t offset = 0;

  uint64_t getSizeBytes() const {
    return bytes.empty() ? streamedBytes : bytes.size();
  }
};

/// A section of structs of plan_format.h.
template <typename Record>
Section makeRecords(uint32_t kind, uint16_t variant,
                    llvm::ArrayRef<Record> records) {
  static_assert(std::is_trivially_copyable_v<Record>);
  const auto *begin = reinterpret_cast<const uint8_t *>(records.data());
  return {kind, variant, sizeof(Record),
          std::vector<uint8_t>(begin, begin + records.size() * sizeof(Record))};
}

/// The strings section: equal strings are stored once, offset 0 is empty.
class StringTable {
public:
  StringTable() { bytes.push_back(0); }

  /// Offset of `text`, which holds no NUL (what follows one is dropped).
  uint32_t add(llvm::StringRef text);

  Section finish() const {
    return {MODELC_SECTION_STRINGS, MODELC_ALL_VARIANTS, 1, bytes};
  }

private:
  std::vector<uint8_t> bytes;
  llvm::StringMap<uint32_t> offsets;
};

/// Gives each section, in order, an offset on a page (the weights on
/// MODELC_PLAN_HUGE_PAGE_BYTES if they are large) and returns the file's size.
uint64_t placeSections(std::vector<Section> &sections);

/// The header and section table of placed sections with their checksums, for
/// the front of the file.
std::vector<uint8_t> makeHeader(llvm::ArrayRef<Section> sections,
                                uint64_t fileBytes);

} // namespace modelc::emit

#endif // MODELC_COMPILER_EMIT_SECTIONS_H
