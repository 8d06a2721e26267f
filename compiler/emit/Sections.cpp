//===- Sections.cpp - Sections of a plan while they are made
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes, offsets and checksums; WriteModel.cpp and WriteVariant.cpp say what
// the bytes mean.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/Sections.h"
#include "modelc/checksum.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace modelc::emit;

uint32_t StringTable::add(llvm::StringRef text) {
  text = text.take_until([](char c) { return c == 0; });
  if (text.empty())
    return 0;
  auto [it, isNew] =
      offsets.try_emplace(text, static_cast<uint32_t>(bytes.size()));
  if (isNew) {
    bytes.insert(bytes.end(), text.begin(), text.end());
    bytes.push_back(0);
  }
  return it->second;
}

uint64_t modelc::emit::placeSections(std::vector<Section> &sections) {
  uint64_t end =
      sizeof(ModelcPlanHeader) + sections.size() * sizeof(ModelcSection);
  for (Section &section : sections) {
    bool huge = section.kind == MODELC_SECTION_WEIGHTS &&
                section.getSizeBytes() > MODELC_PLAN_HUGE_WEIGHT_BYTES;
    section.offset = llvm::alignTo(end, huge ? MODELC_PLAN_HUGE_PAGE_BYTES
                                             : MODELC_PLAN_PAGE_BYTES);
    end = section.offset + section.getSizeBytes();
  }
  return llvm::alignTo(end, MODELC_PLAN_PAGE_BYTES);
}

std::vector<uint8_t> modelc::emit::makeHeader(llvm::ArrayRef<Section> sections,
                                              uint64_t fileBytes) {
  ModelcPlanHeader header = {};
  std::memcpy(header.magic, MODELC_PLAN_MAGIC, sizeof(header.magic));
  header.version = MODELC_PLAN_VERSION;
  header.headerBytes = sizeof(ModelcPlanHeader);
  header.fileBytes = fileBytes;
  header.sectionCount = sections.size();
  header.sectionBytes = sizeof(ModelcSection);
  std::vector<ModelcSection> table;
  for (const Section &section : sections) {
    ModelcSection entry = {};
    entry.kind = section.kind;
    entry.variant = section.variant;
    entry.offset = section.offset;
    entry.sizeBytes = section.getSizeBytes();
    entry.recordBytes = section.recordBytes;
    entry.checksum = modelc_crc32c(section.bytes.data(), section.bytes.size());
    if (section.kind == MODELC_SECTION_WEIGHTS)
      entry.checksum = 0;
    table.push_back(entry);
  }
  header.checksum = modelc_plan_checksum(&header, table.data());
  std::vector<uint8_t> bytes(sizeof(header) + table.size() * sizeof(table[0]));
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), table.data(),
              table.size() * sizeof(table[0]));
  return bytes;
}
