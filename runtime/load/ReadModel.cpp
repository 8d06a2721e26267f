//===- ReadModel.cpp - The tables that belong to the plan as a whole
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sections STRINGS, PROVENANCE, METADATA, METADATA_DATA, VARIANTS, and REPORT
//   ==> the corresponding members of PlanTables, every record checked:
//       each string lies in STRINGS, each value's bytes in METADATA_DATA, each
//       variant's logits in its arena.
//
// Assumes that the section table is right (ReadHeader.cpp). Leaves what belongs
// to one variant to ReadVariant.cpp.
//
//===----------------------------------------------------------------------===//

#include "load/Memory.h"
#include "load/ReadPlan.h"
#include <inttypes.h>
#include <string.h>

namespace modelc::rt {

static modelc_code readStrings(const Reporter &report, PlanTables *tables);
static modelc_code readProvenance(const Reporter &report, PlanTables *tables);
static modelc_code checkMetadata(const Reporter &report,
                                 const PlanTables &tables, size_t index);
static modelc_code checkStringList(const Reporter &report,
                                   const PlanTables &tables, size_t index);
static modelc_code checkReportRow(const Reporter &report,
                                  const PlanTables &tables,
                                  const ModelcReportRow &row, size_t index);
static modelc_code checkVariant(const Reporter &report,
                                const PlanTables &tables, size_t index);

modelc_code readModel(const Reporter &report, PlanTables *tables) {
  if (modelc_code code = readStrings(report, tables))
    return code;
  if (modelc_code code = readProvenance(report, tables))
    return code;

  constexpr uint32_t kAll = MODELC_ALL_VARIANTS;
  tables->metadata =
      tables->records<ModelcMetadata>(MODELC_SECTION_METADATA, kAll);
  tables->metadataData =
      tables->records<uint8_t>(MODELC_SECTION_METADATA_DATA, kAll);
  for (size_t i = 0; i < tables->metadata.size(); ++i)
    if (modelc_code code = checkMetadata(report, *tables, i))
      return code;

  tables->variants =
      tables->records<ModelcVariant>(MODELC_SECTION_VARIANTS, kAll);
  if (tables->variants.empty() || tables->variants.size() > MODELC_MAX_VARIANTS)
    return report.damaged("VARIANTS: %zu records, expected 1 to %d",
                          tables->variants.size(), MODELC_MAX_VARIANTS);
  for (size_t i = 0; i < tables->variants.size(); ++i)
    if (modelc_code code = checkVariant(report, *tables, i))
      return code;
  for (size_t i = 0; i < tables->sections.size(); ++i) {
    const ModelcSection &section = tables->sections[i];
    if (section.variant != MODELC_ALL_VARIANTS &&
        section.variant >= tables->variants.size())
      return report.damaged("section %zu (%s): variant %d out of range [0, "
                            "%zu)",
                            i, sectionName(section.kind), section.variant,
                            tables->variants.size());
  }
  for (uint32_t v = 0; v < tables->variants.size(); ++v) {
    const auto rows = tables->variantTables(v).report;
    for (size_t i = 0; i < rows.size(); ++i)
      if (modelc_code code = checkReportRow(report, *tables, rows[i], i))
        return code;
  }
  return MODELC_OK;
}

static modelc_code readStrings(const Reporter &report, PlanTables *tables) {
  tables->strings =
      tables->records<char>(MODELC_SECTION_STRINGS, MODELC_ALL_VARIANTS);
  if (tables->strings.empty())
    return report.damaged("STRINGS is missing");
  if (tables->strings.front() != '\0')
    return report.damaged("STRINGS: offset 0 is not the empty string");
  if (tables->strings.back() != '\0')
    return report.damaged("STRINGS: the last string is not terminated");
  return MODELC_OK;
}

static modelc_code readProvenance(const Reporter &report, PlanTables *tables) {
  const auto records = tables->records<ModelcProvenance>(
      MODELC_SECTION_PROVENANCE, MODELC_ALL_VARIANTS);
  if (records.size() != 1)
    return report.damaged("PROVENANCE: %zu records, expected 1",
                          records.size());
  tables->provenance = &records.front();
  const ModelcProvenance &p = records.front();
  const struct {
    const char *field;
    uint32_t value;
  } strings[] = {{"source", p.source},
                 {"compiler", p.compiler},
                 {"options", p.options},
                 {"architecture", p.architecture},
                 {"modelName", p.modelName}};
  for (const auto &string : strings)
    if (!isString(*tables, string.value))
      return report.damaged("provenance: %s: string %" PRIu32
                            " out of range [0, %zu)",
                            string.field, string.value, tables->strings.size());
  if (p.reserved != 0)
    return report.damaged("provenance: reserved is not zero");
  return MODELC_OK;
}

/// Bytes of one number of type `type`; 0 if it is no number.
static uint64_t metadataNumberBytes(uint8_t type) {
  switch (type) {
  case MODELC_META_U8:
  case MODELC_META_I8:
  case MODELC_META_BOOL:
    return 1;
  case MODELC_META_U16:
  case MODELC_META_I16:
    return 2;
  case MODELC_META_U32:
  case MODELC_META_I32:
  case MODELC_META_F32:
    return 4;
  case MODELC_META_U64:
  case MODELC_META_I64:
  case MODELC_META_F64:
    return 8;
  default:
    return 0;
  }
}

static modelc_code checkMetadata(const Reporter &report,
                                 const PlanTables &tables, size_t index) {
  const ModelcMetadata &record = tables.metadata[index];
  if (!isString(tables, record.key))
    return report.damaged("metadata %zu: key: string %" PRIu32
                          " out of range [0, %zu)",
                          index, record.key, tables.strings.size());
  const char *key = tables.string(record.key);
  const uint64_t elementBytes = metadataNumberBytes(record.type);
  if (elementBytes == 0 && record.type != MODELC_META_STRING)
    return report.damaged("metadata %zu (%s): unknown type %d", index, key,
                          record.type);
  if (record.isArray > 1 || record.reserved != 0)
    return report.damaged("metadata %zu (%s): isArray or reserved is not "
                          "canonical",
                          index, key);
  if (!record.isArray && record.count != 1)
    return report.damaged("metadata %zu (%s): count %" PRIu64
                          ", expected 1 as it is no array",
                          index, key, record.count);
  if (record.dataOffset % sizeof(uint64_t) != 0)
    return report.damaged("metadata %zu (%s): dataOffset 0x%" PRIx64
                          " not a multiple of 8",
                          index, key, record.dataOffset);
  if (!isInside(record.dataOffset, record.dataBytes,
                tables.metadataData.size()))
    return report.damaged("metadata %zu (%s): data at 0x%" PRIx64
                          " + 0x%" PRIx64 " bytes passes METADATA_DATA's 0x%zx",
                          index, key, record.dataOffset, record.dataBytes,
                          tables.metadataData.size());
  if (record.type == MODELC_META_STRING)
    return checkStringList(report, tables, index);
  uint64_t expected;
  if (!checkedMul(record.count, elementBytes, &expected) ||
      expected != record.dataBytes)
    return report.damaged("metadata %zu (%s): dataBytes %" PRIu64
                          " for %" PRIu64 " numbers of %" PRIu64 " bytes",
                          index, key, record.dataBytes, record.count,
                          elementBytes);
  return MODELC_OK;
}

/// uint64_t ends[count + 1], ascending from the table's own size to the last
/// byte.
static modelc_code checkStringList(const Reporter &report,
                                   const PlanTables &tables, size_t index) {
  const ModelcMetadata &record = tables.metadata[index];
  const char *key = tables.string(record.key);
  if (record.count >= record.dataBytes / sizeof(uint64_t))
    return report.damaged("metadata %zu (%s): dataBytes %" PRIu64
                          " is too small for %" PRIu64 " strings",
                          index, key, record.dataBytes, record.count);
  const auto *offsets = reinterpret_cast<const uint64_t *>(
      tables.metadataData.data() + record.dataOffset);
  uint64_t expected = (record.count + 1) * sizeof(uint64_t);
  if (offsets[0] != expected)
    return report.damaged("metadata %zu (%s): string 0 begins at %" PRIu64
                          ", expected %" PRIu64,
                          index, key, offsets[0], expected);
  for (uint64_t i = 0; i < record.count; ++i)
    if (offsets[i + 1] < offsets[i])
      return report.damaged("metadata %zu (%s): string %" PRIu64
                            " ends at %" PRIu64 ", before it begins",
                            index, key, i, offsets[i + 1]);
  if (offsets[record.count] != record.dataBytes)
    return report.damaged("metadata %zu (%s): the last string ends at %" PRIu64
                          ", expected %" PRIu64,
                          index, key, offsets[record.count], record.dataBytes);
  return MODELC_OK;
}

static modelc_code checkReportRow(const Reporter &report,
                                  const PlanTables &tables,
                                  const ModelcReportRow &row, size_t index) {
  for (uint32_t string :
       {row.tensor, row.type, row.use, row.layout, row.kernel, row.reason})
    if (!isString(tables, string))
      return report.damaged("report row %zu: string %" PRIu32
                            " out of range [0, %zu)",
                            index, string, tables.strings.size());
  if (row.isFallback > 1)
    return report.damaged("report row %zu (%s): isFallback %" PRIu32
                          ", expected 0 or 1",
                          index, tables.string(row.tensor), row.isFallback);
  if (row.rank < 1 || row.rank > std::size(row.dims))
    return report.damaged("report row %zu (%s): rank %" PRIu32
                          " out of range [1, 4]",
                          index, tables.string(row.tensor), row.rank);
  for (uint32_t i = row.rank; i < std::size(row.dims); ++i)
    if (row.dims[i] != 1)
      return report.damaged("report row %zu (%s): unused dimension %" PRIu32
                            " is %" PRIu64 ", expected 1",
                            index, tables.string(row.tensor), i, row.dims[i]);
  return MODELC_OK;
}

static modelc_code checkVariant(const Reporter &report,
                                const PlanTables &tables, size_t index) {
  const ModelcVariant &variant = tables.variants[index];
  if (!isString(tables, variant.target))
    return report.damaged("variant %zu: target: string %" PRIu32
                          " out of range [0, %zu)",
                          index, variant.target, tables.strings.size());
  const bool isHip = variant.deviceKind == MODELC_DEVICE_HIP;
  if (!isHip && variant.deviceKind != MODELC_DEVICE_CPU)
    return report.unsupported("variant %zu: device kind %" PRIu32
                              ", this version has only %d (CPU) and %d (HIP)",
                              index, variant.deviceKind, MODELC_DEVICE_CPU,
                              MODELC_DEVICE_HIP);
  if (isHip && variant.features != 0)
    return report.damaged("variant %zu: CPU features 0x%" PRIx64 " on a GPU",
                          index, variant.features);
  if (variant.features >> MODELC_FEATURE_COUNT != 0)
    return report.unsupported("variant %zu: unknown features in 0x%" PRIx64,
                              index, variant.features);
  for (uint32_t word : variant.reserved)
    if (word != 0)
      return report.damaged("variant %zu: reserved is not zero", index);
  const struct {
    const char *field;
    uint32_t value;
    int32_t limit;
  } positives[] = {{"ubatch", variant.ubatch, MODELC_MAX_UBATCH},
                   {"vocabSize", variant.vocabSize, INT32_MAX},
                   {"contextLength", variant.contextLength, INT32_MAX}};
  for (const auto &positive : positives)
    if (positive.value < 1 || positive.value > uint32_t(positive.limit))
      return report.damaged(
          "variant %zu: %s %" PRIu32 " out of range [1, %" PRId32 "]", index,
          positive.field, positive.value, positive.limit);
  if (variant.logitsOffset % MODELC_BUFFER_ALIGN != 0)
    return report.damaged("variant %zu: logitsOffset 0x%" PRIx64
                          " not %d-aligned",
                          index, variant.logitsOffset, MODELC_BUFFER_ALIGN);
  // Below 2^53, by the bounds above.
  const uint64_t logitsBytes =
      uint64_t(variant.ubatch) * variant.vocabSize * sizeof(float);
  if (!isInside(variant.logitsOffset, logitsBytes, variant.arenaBytes))
    return report.damaged("variant %zu: logits at 0x%" PRIx64 ", %" PRIu32
                          " x %" PRIu32 " floats, pass the arena's 0x%" PRIx64
                          " bytes",
                          index, variant.logitsOffset, variant.ubatch,
                          variant.vocabSize, variant.arenaBytes);
  return MODELC_OK;
}

} // namespace modelc::rt
