//===- ReadHeader.cpp - Header, section table, checksums, padding
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// bytes[0, fileBytes)
//   ==> tables.header, tables.sections, and the certainty that
//         every byte of the file belongs to the header, the section table, a
//         section, or to padding between them, which is zero;
//         every section but WEIGHTS has the bytes it was written with.
//
//   | header, table | 0 | section 0 | 0 | section 1 | 0 | ...  | section n | 0
//   | 0                   page            page page
//
// Sections come in the order of their offsets, each on the first page boundary
// after the one before; only a WEIGHTS section of more than 64 MiB begins on
// the next 2 MiB instead. So there is one place for each byte and no room for
// hidden ones. The tail of WEIGHTS' last page is read, its weights are not.
//
// Assumes nothing. Leaves the records inside the sections to ReadModel.cpp and
// ReadVariant.cpp.
//
//===----------------------------------------------------------------------===//

#include "load/Memory.h"
#include "load/ReadPlan.h"
#include "modelc/checksum.h"
#include <inttypes.h>
#include <string.h>

namespace modelc::rt {

static modelc_code checkHeader(const Reporter &report,
                               std::span<const uint8_t> bytes);
static modelc_code checkSection(const Reporter &report,
                                const PlanTables &tables, uint32_t index);
static modelc_code checkDuplicates(const Reporter &report,
                                   const PlanTables &tables, uint32_t index);
static modelc_code checkPlacement(const Reporter &report,
                                  const PlanTables &tables);
static modelc_code checkSectionChecksums(const Reporter &report,
                                         const PlanTables &tables);

modelc_code readPlan(std::span<const uint8_t> bytes, const ReadOptions &options,
                     const Reporter &report, PlanTables *tables) {
  *tables = PlanTables();
  tables->bytes = bytes;
  if (modelc_code code = readHeader(options, report, tables))
    return code;
  if (modelc_code code = readModel(report, tables))
    return code;
  for (uint32_t i = 0; i < tables->variants.size(); ++i)
    if (modelc_code code = readVariant(options, report, *tables, i))
      return code;
  return MODELC_OK;
}

modelc_code readHeader(const ReadOptions &options, const Reporter &report,
                       PlanTables *tables) {
  const std::span<const uint8_t> bytes = tables->bytes;
  if (modelc_code code = checkHeader(report, bytes))
    return code;
  tables->header = reinterpret_cast<const ModelcPlanHeader *>(bytes.data());
  tables->sections = {reinterpret_cast<const ModelcSection *>(
                          bytes.data() + sizeof(ModelcPlanHeader)),
                      tables->header->sectionCount};
  const uint32_t checksum =
      modelc_plan_checksum(tables->header, tables->sections.data());
  if (!options.ignoreChecksums && checksum != tables->header->checksum)
    return report.damaged("header: checksum 0x%08" PRIx32
                          ", but its bytes have 0x%08" PRIx32,
                          tables->header->checksum, checksum);
  for (uint32_t i = 0; i < tables->sections.size(); ++i)
    if (modelc_code code = checkSection(report, *tables, i))
      return code;
  if (modelc_code code = checkPlacement(report, *tables))
    return code;
  if (options.ignoreChecksums)
    return MODELC_OK;
  return checkSectionChecksums(report, *tables);
}

static modelc_code checkHeader(const Reporter &report,
                               std::span<const uint8_t> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % MODELC_PLAN_PAGE_BYTES != 0)
    return report.fail(MODELC_INVALID_ARGUMENT,
                       "the plan's bytes are not aligned to %d",
                       MODELC_PLAN_PAGE_BYTES);
  if (bytes.size() < sizeof(ModelcPlanHeader))
    return report.damaged("has %zu bytes, a plan has at least %zu",
                          bytes.size(), sizeof(ModelcPlanHeader));
  ModelcPlanHeader header;
  memcpy(&header, bytes.data(), sizeof(header));
  static_assert(sizeof(MODELC_PLAN_MAGIC) == sizeof(header.magic));
  if (memcmp(header.magic, MODELC_PLAN_MAGIC, sizeof(header.magic)) != 0)
    return report.damaged("not a plan: does not begin with MPLAN");
  if (header.version != MODELC_PLAN_VERSION)
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "format version %" PRIu32 ", this runtime reads %d",
                       header.version, MODELC_PLAN_VERSION);
  if (header.headerBytes != sizeof(ModelcPlanHeader))
    return report.damaged("header: headerBytes %" PRIu32 ", expected %zu",
                          header.headerBytes, sizeof(ModelcPlanHeader));
  if (header.sectionBytes != sizeof(ModelcSection))
    return report.damaged("header: sectionBytes %" PRIu32 ", expected %zu",
                          header.sectionBytes, sizeof(ModelcSection));
  if (header.fileBytes != bytes.size())
    return report.damaged("has %zu bytes, its header says %" PRIu64,
                          bytes.size(), header.fileBytes);
  if (header.sectionCount < 1 || header.sectionCount > MODELC_MAX_SECTIONS)
    return report.damaged("header: sectionCount %" PRIu32
                          " out of range [1, %d]",
                          header.sectionCount, MODELC_MAX_SECTIONS);
  for (uint32_t word : header.reserved)
    if (word != 0)
      return report.damaged("header: reserved is not zero");
  const uint64_t tableEnd =
      sizeof(ModelcPlanHeader) + sizeof(ModelcSection) * header.sectionCount;
  if (tableEnd > bytes.size())
    return report.damaged("section table ends at 0x%" PRIx64
                          ", the file at 0x%zx",
                          tableEnd, bytes.size());
  return MODELC_OK;
}

static modelc_code checkSection(const Reporter &report,
                                const PlanTables &tables, uint32_t index) {
  const ModelcSection &section = tables.sections[index];
  const char *name = sectionName(section.kind);
  if (!name)
    return report.unsupported("section %" PRIu32 ": unknown kind %" PRIu32,
                              index, section.kind);
  if (section.shard != 0)
    return report.unsupported("section %" PRIu32 " (%s): shard %d, expected 0",
                              index, name, section.shard);
  if (isPlanWide(section.kind) && section.variant != MODELC_ALL_VARIANTS)
    return report.damaged("section %" PRIu32
                          " (%s): variant %d, expected all (0x%x)",
                          index, name, section.variant, MODELC_ALL_VARIANTS);
  if (section.recordBytes != sectionRecordBytes(section.kind))
    return report.damaged(
        "section %" PRIu32 " (%s): recordBytes %" PRIu32 ", expected %" PRIu32,
        index, name, section.recordBytes, sectionRecordBytes(section.kind));
  if (section.sizeBytes % section.recordBytes != 0)
    return report.damaged("section %" PRIu32 " (%s): sizeBytes %" PRIu64
                          " not a multiple of %" PRIu32,
                          index, name, section.sizeBytes, section.recordBytes);
  if (!isInside(section.offset, section.sizeBytes, tables.bytes.size()))
    return report.damaged("section %" PRIu32 " (%s): offset 0x%" PRIx64
                          " + 0x%" PRIx64 " bytes passes the file's 0x%zx",
                          index, name, section.offset, section.sizeBytes,
                          tables.bytes.size());
  return checkDuplicates(report, tables, index);
}

static modelc_code checkDuplicates(const Reporter &report,
                                   const PlanTables &tables, uint32_t index) {
  const ModelcSection &section = tables.sections[index];
  for (uint32_t i = 0; i < index; ++i) {
    const ModelcSection &other = tables.sections[i];
    if (other.kind == section.kind && (other.variant == section.variant ||
                                       other.variant == MODELC_ALL_VARIANTS ||
                                       section.variant == MODELC_ALL_VARIANTS))
      return report.damaged("section %" PRIu32 " (%s): section %" PRIu32
                            " has the same kind and variant",
                            index, sectionName(section.kind), i);
  }
  return MODELC_OK;
}

/// Every section where it must be, zeroes between them.
static modelc_code checkPlacement(const Reporter &report,
                                  const PlanTables &tables) {
  uint64_t end = sizeof(ModelcPlanHeader) + tables.sections.size_bytes();
  auto checkPadding = [&](uint64_t until) {
    const auto padding = tables.bytes.subspan(end, until - end);
    return isZero(padding) ? MODELC_OK
                           : report.damaged("padding at [0x%" PRIx64
                                            ", 0x%" PRIx64 ") is not zero",
                                            end, until);
  };
  for (uint32_t i = 0; i < tables.sections.size(); ++i) {
    const ModelcSection &section = tables.sections[i];
    const bool huge = section.kind == MODELC_SECTION_WEIGHTS &&
                      section.sizeBytes > MODELC_PLAN_HUGE_WEIGHT_BYTES;
    const uint64_t expected = alignUp(end, huge ? MODELC_PLAN_HUGE_PAGE_BYTES
                                                : MODELC_PLAN_PAGE_BYTES);
    if (section.offset != expected)
      return report.damaged(
          "section %" PRIu32 " (%s): offset 0x%" PRIx64 ", expected 0x%" PRIx64,
          i, sectionName(section.kind), section.offset, expected);
    if (modelc_code code = checkPadding(section.offset))
      return code;
    end = section.offset + section.sizeBytes;
  }
  const uint64_t fileEnd = alignUp(end, MODELC_PLAN_PAGE_BYTES);
  if (tables.bytes.size() != fileEnd)
    return report.damaged("ends at 0x%zx, expected 0x%" PRIx64
                          ", the end of the last section's page",
                          tables.bytes.size(), fileEnd);
  return checkPadding(fileEnd);
}

static modelc_code checkSectionChecksums(const Reporter &report,
                                         const PlanTables &tables) {
  for (uint32_t i = 0; i < tables.sections.size(); ++i) {
    const ModelcSection &section = tables.sections[i];
    const uint32_t found =
        section.kind == MODELC_SECTION_WEIGHTS
            ? 0
            : modelc_crc32c(tables.bytes.data() + section.offset,
                            section.sizeBytes);
    if (found != section.checksum)
      return report.damaged("section %" PRIu32 " (%s): checksum 0x%08" PRIx32
                            ", but its bytes have 0x%08" PRIx32,
                            i, sectionName(section.kind), section.checksum,
                            found);
  }
  return MODELC_OK;
}

bool isZero(std::span<const uint8_t> bytes) {
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, bytes.data() + i, sizeof(word));
    if (word != 0)
      return false;
  }
  for (; i < bytes.size(); ++i)
    if (bytes[i] != 0)
      return false;
  return true;
}

} // namespace modelc::rt
