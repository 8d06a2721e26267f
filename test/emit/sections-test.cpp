//===- sections-test.cpp - Strings, places and the header of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/Sections.h"
#include "modelc/checksum.h"
#include "gtest/gtest.h"
#include <cstring>

using namespace modelc::emit;

TEST(StringTable, StoresEachStringOnce) {
  StringTable strings;
  EXPECT_EQ(strings.add(""), 0u);
  EXPECT_EQ(strings.add("ab"), 1u);
  EXPECT_EQ(strings.add("c"), 4u);
  EXPECT_EQ(strings.add("ab"), 1u);
  // Not the end of "ab": only whole strings are shared.
  EXPECT_EQ(strings.add("b"), 6u);
  Section section = strings.finish();
  EXPECT_EQ(section.kind, uint32_t(MODELC_SECTION_STRINGS));
  EXPECT_EQ(section.variant, uint16_t(MODELC_ALL_VARIANTS));
  EXPECT_EQ(section.recordBytes, 1u);
  EXPECT_EQ(std::string(section.bytes.begin(), section.bytes.end()),
            std::string("\0ab\0c\0b\0", 8));
}

// A NUL would end the string for a reader; what follows it is not stored.
TEST(StringTable, EndsAtNul) {
  StringTable strings;
  EXPECT_EQ(strings.add(llvm::StringRef("ab\0cd", 5)), 1u);
  EXPECT_EQ(strings.add("ab"), 1u);
  EXPECT_EQ(strings.add(llvm::StringRef("\0x", 2)), 0u);
  EXPECT_EQ(strings.finish().bytes.size(), 4u);
}

/// A section of `bytes` bytes that are streamed.
static Section makeStreamed(uint32_t kind, uint64_t bytes) {
  Section section{kind, 0, 1, {}};
  section.streamedBytes = bytes;
  return section;
}

// Header and table, then each section on the next page, in order; one that
// ends on a page leaves none free, an empty one takes none.
TEST(PlaceSections, OnPages) {
  std::vector<Section> sections = {{MODELC_SECTION_STRINGS, 0, 1, {1, 2, 3}},
                                   {MODELC_SECTION_CODE, 0, 1, {}},
                                   {MODELC_SECTION_STATES, 0, 1, {}},
                                   makeStreamed(MODELC_SECTION_WEIGHTS, 5000)};
  sections[1].bytes.resize(4096);
  EXPECT_EQ(placeSections(sections), 20480u);
  EXPECT_EQ(sections[0].offset, 4096u);
  EXPECT_EQ(sections[1].offset, 8192u);
  EXPECT_EQ(sections[2].offset, 12288u);
  EXPECT_EQ(sections[3].offset, 12288u);
}

// A table of sections may itself pass the first page: 64 + 127 * 32 bytes are
// 32 more than 4096.
TEST(PlaceSections, AfterALongTable) {
  std::vector<Section> sections(127,
                                Section{MODELC_SECTION_STRINGS, 0, 1, {1}});
  placeSections(sections);
  EXPECT_EQ(sections[0].offset, 8192u);
  sections.resize(126);
  placeSections(sections);
  EXPECT_EQ(sections[0].offset, 4096u);
}

// Only weights, and only of more than 64 MiB, start on 2 MiB.
TEST(PlaceSections, LargeWeightsOnHugePages) {
  constexpr uint64_t kMiB = 1 << 20;
  auto place = [](uint32_t kind, uint64_t bytes) {
    std::vector<Section> sections = {makeStreamed(kind, bytes)};
    placeSections(sections);
    return sections[0].offset;
  };
  EXPECT_EQ(place(MODELC_SECTION_WEIGHTS, 64 * kMiB), 4096u);
  EXPECT_EQ(place(MODELC_SECTION_WEIGHTS, 64 * kMiB + 1), 2 * kMiB);
  EXPECT_EQ(place(MODELC_SECTION_CODE, 64 * kMiB + 1), 4096u);
}

TEST(MakeHeader, DescribesTheSections) {
  std::vector<Section> sections = {
      makeRecords(MODELC_SECTION_OPERANDS, 3,
                  llvm::ArrayRef(std::vector<ModelcOperand>(2))),
      makeStreamed(MODELC_SECTION_WEIGHTS, 300)};
  uint64_t fileBytes = placeSections(sections);
  std::vector<uint8_t> bytes = makeHeader(sections, fileBytes);
  ASSERT_EQ(bytes.size(), 64u + 2 * 32u);
  ModelcPlanHeader header;
  ModelcSection table[2];
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(table, bytes.data() + sizeof(header), sizeof(table));
  EXPECT_EQ(std::memcmp(header.magic, "MPLAN\r\n", 8), 0);
  EXPECT_EQ(header.version, 1u);
  EXPECT_EQ(header.headerBytes, 64u);
  EXPECT_EQ(header.fileBytes, 12288u);
  EXPECT_EQ(header.sectionCount, 2u);
  EXPECT_EQ(header.sectionBytes, 32u);
  EXPECT_EQ(header.checksum, modelc_plan_checksum(&header, table));
  EXPECT_EQ(table[0].kind, uint32_t(MODELC_SECTION_OPERANDS));
  EXPECT_EQ(table[0].variant, 3);
  EXPECT_EQ(table[0].offset, 4096u);
  EXPECT_EQ(table[0].sizeBytes, 48u);
  EXPECT_EQ(table[0].recordBytes, 24u);
  EXPECT_EQ(table[0].checksum,
            modelc_crc32c(sections[0].bytes.data(), sections[0].bytes.size()));
  EXPECT_EQ(table[1].offset, 8192u);
  EXPECT_EQ(table[1].sizeBytes, 300u);
  EXPECT_EQ(table[1].checksum, 0u);
}
