//===- plan-writer-test.cpp - What is written is what is read
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plans of a tiny model, written by compiler/emit and read by runtime/load.
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/Sections.h"
#include "compiler/emit/WriteModel.h"
#include "compiler/emit/WriteVariant.h"
#include "load/Plan.h"
#include "modelc/checksum.h"
#include "test/emit/EmitFixture.h"
#include "llvm/ADT/StringExtras.h"
#include <cstring>

using namespace modelc;
using namespace modelc::test;

namespace {

class PlanWriter : public EmitTest {
protected:
  /// The tiny model with numbers in it, so that no bytes are equal by chance.
  static GgufBuilder buildModel() {
    GgufBuilder builder = buildTinyLlama();
    std::string table(10 * 8 * sizeof(float), '\0');
    for (size_t i = 0; i < table.size(); ++i)
      table[i] = static_cast<char>(i * 37 % 64);
    builder.tensor("token_embd.weight", {10, 8}, model::GgmlType::F32, table);
    return builder;
  }

  void SetUp() override { lower(buildModel()); }
};

/// The records of a table as bytes, to compare all of their fields.
template <typename Record> std::string toText(const Record *data, size_t size) {
  return llvm::toHex(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(data),
                                    size * sizeof(Record)));
}

template <typename A, typename B>
void expectSameRecords(const A &read, const B &written) {
  EXPECT_EQ(toText(read.data(), read.size()),
            toText(written.data(), written.size()));
  EXPECT_FALSE(written.empty());
}

} // namespace

TEST_F(PlanWriter, VariantIsReadAsWritten) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  // Equal strings have equal offsets if they are added in the same order.
  emit::StringTable strings;
  emit::VariantTables expected = emit::makeVariantTables(
      variant, {10, 64, 8, 2}, /*code=*/nullptr, strings);
  ASSERT_EQ(tables.variants.size(), 1u);
  rt::VariantTables read = tables.variantTables(0);
  EXPECT_EQ(toText(read.variant, 1), toText(&expected.variant, 1));
  expectSameRecords(read.kernels, expected.kernels);
  expectSameRecords(read.steps, expected.steps);
  expectSameRecords(read.operands, expected.operands);
  expectSameRecords(read.states, expected.states);
  expectSameRecords(read.constants, expected.constants);
  ASSERT_EQ(read.weights.size(), expected.weights.size());
  for (auto [i, weight] : llvm::enumerate(expected.weights))
    weight.checksum = read.weights[i].checksum;
  expectSameRecords(read.weights, expected.weights);
}

TEST_F(PlanWriter, Provenance) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  const ModelcProvenance &p = *tables.provenance;
  EXPECT_STREQ(tables.string(p.source), "x.gguf");
  EXPECT_EQ(p.sourceBytes, bytes.size());
  EXPECT_STREQ(tables.string(p.compiler), emit::getCompilerVersion().c_str());
  EXPECT_STREQ(tables.string(p.options), "--answer=42");
  EXPECT_STREQ(tables.string(p.architecture), "llama");
  llvm::ArrayRef<uint8_t> file(reinterpret_cast<const uint8_t *>(bytes.data()),
                               bytes.size());
  std::array<uint8_t, 32> hash = emit::hashSource({file}, 1);
  EXPECT_EQ(std::memcmp(p.sourceHash, hash.data(), hash.size()), 0);
}

// BLAKE3 of BLAKE3 of the text, by the reference's own test vector for no
// bytes (an empty file has no pieces) and by hand for one.
TEST(HashSource, IsBlake3OfBlake3) {
  EXPECT_EQ(llvm::toHex(emit::hashSource({}, 1), true),
            "af1349b9f5f9a1a6a0404dea36dcc949"
            "9bcb25c9adc112b7cc9a93cae41f3262");
  const uint8_t text[] = {'a', 'b', 'c'};
  std::array<uint8_t, 32> one = emit::hashSource({llvm::ArrayRef(text)}, 1);
  EXPECT_EQ(one, emit::hashSource({llvm::ArrayRef(text)}, 5));
  // Pieces end with files: the same bytes in two files are another source.
  EXPECT_NE(one, emit::hashSource({llvm::ArrayRef(text).take_front(1),
                                   llvm::ArrayRef(text).drop_front(1)},
                                  1));
}

TEST_F(PlanWriter, MetadataIsTheSources) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  llvm::ArrayRef<gguf::MetadataEntry> keys = source->metadata().entries();
  ASSERT_EQ(tables.metadata.size(), keys.size());
  for (auto [i, key] : llvm::enumerate(keys)) {
    const ModelcMetadata &record = tables.metadata[i];
    EXPECT_EQ(key.key, tables.string(record.key));
    EXPECT_EQ(record.type, static_cast<uint8_t>(key.type));
    EXPECT_EQ(record.isArray, key.isArray);
    EXPECT_EQ(record.count, key.count);
    EXPECT_EQ(record.dataOffset % 8, 0u);
    auto data =
        tables.metadataData.subspan(record.dataOffset, record.dataBytes);
    if (key.type != gguf::MetadataType::String) {
      EXPECT_EQ(llvm::ArrayRef(data.data(), data.size()), key.bytes);
      continue;
    }
    for (auto [s, text] : llvm::enumerate(key.strings())) {
      uint64_t ends[2];
      std::memcpy(ends, data.data() + s * sizeof(uint64_t), sizeof(ends));
      EXPECT_EQ(
          llvm::StringRef(reinterpret_cast<const char *>(data.data()) + ends[0],
                          ends[1] - ends[0]),
          text);
    }
  }
}

TEST_F(PlanWriter, ReportIsKept) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  const auto records = tables.variantTables(0).report;
  ASSERT_EQ(records.size(), report.size());
  for (auto [i, row] : llvm::enumerate(report)) {
    const ModelcReportRow &record = records[i];
    EXPECT_EQ(row.tensor, tables.string(record.tensor));
    EXPECT_EQ(row.type, tables.string(record.type));
    EXPECT_EQ(row.use, tables.string(record.use));
    EXPECT_EQ(row.layout, tables.string(record.layout));
    EXPECT_EQ(row.kernel, tables.string(record.kernel));
    EXPECT_EQ(row.reason, tables.string(record.reason));
    EXPECT_EQ(row.isFallback, record.isFallback != 0);
    EXPECT_EQ(llvm::ArrayRef(record.dims, record.rank),
              llvm::ArrayRef(row.shape));
    EXPECT_EQ(row.sourceBytes, record.sourceBytes);
    EXPECT_EQ(row.packedBytes, record.packedBytes);
  }
}

// A norm of 8 numbers lies in the file as it lies in the source; its checksum
// is that of its bytes, and the rest of its 128 bytes is zero.
TEST_F(PlanWriter, WeightsAndWhatLiesBetween) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  rt::VariantTables read = tables.variantTables(0);
  uint64_t end = 0, gapBytes = 0;
  for (const ModelcWeight &weight : read.weights) {
    auto bytes = read.weightBytes.subspan(weight.offset, weight.sizeBytes);
    EXPECT_EQ(weight.offset % 128, 0u);
    EXPECT_EQ(weight.checksum,
              modelc_weight_checksum(bytes.data(), bytes.size()));
    for (; end < weight.offset; ++end, ++gapBytes)
      EXPECT_EQ(read.weightBytes[end], 0) << end;
    end = weight.offset + weight.sizeBytes;
    if (weight.sizeBytes != 32)
      continue;
    const gguf::GgufTensor *tensor =
        source->findTensor(tables.string(weight.name));
    EXPECT_EQ(llvm::ArrayRef(bytes.data(), bytes.size()), tensor->bytes);
  }
  EXPECT_EQ(end, read.weightBytes.size());
  EXPECT_GE(gapBytes, 4 * 96u);
}

// Opening reads nothing of the weights' section; what lies between weights is
// checked with them.
TEST_F(PlanWriter, DamageBetweenWeightsIsFound) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  const ModelcSection *section = tables.find(MODELC_SECTION_WEIGHTS, 0);
  rt::VariantTables read = tables.variantTables(0);
  modelc_status status;
  rt::Reporter reporter("plan", &status);
  EXPECT_EQ(rt::verifyWeights(tables, reporter), MODELC_OK);
  uint64_t end = 0, gaps = 0;
  for (const ModelcWeight &weight : read.weights) {
    if (end < weight.offset) {
      for (uint64_t at : {end, weight.offset - 1}) {
        uint8_t &byte = plan.get()[section->offset + at];
        byte = 1;
        EXPECT_EQ(rt::verifyWeights(tables, reporter), MODELC_DATA_LOSS) << at;
        EXPECT_NE(llvm::StringRef(status.message).find("padding"),
                  llvm::StringRef::npos)
            << status.message;
        byte = 0;
      }
      ++gaps;
    }
    end = weight.offset + weight.sizeBytes;
  }
  EXPECT_GE(gaps, 4u);
}

TEST_F(PlanWriter, SameBytesOnAnyNumberOfThreads) {
  PlanBytes one(write(1)), two(write(2)), five(write(5));
  EXPECT_TRUE(one.get() == two.get());
  EXPECT_TRUE(one.get() == five.get());
}

// Two targets whose kernels read the same layouts.
TEST_F(PlanWriter, VariantsShareWeights) {
  PlanBytes one(write(2));
  addVariant("znver4");
  PlanBytes two(write(2));
  rt::PlanTables single, tables;
  ASSERT_EQ(one.read(&single), "ok");
  ASSERT_EQ(two.read(&tables), "ok");
  ASSERT_EQ(tables.variants.size(), 2u);
  EXPECT_STREQ(tables.string(tables.variants[0].target), "cascadelake");
  EXPECT_STREQ(tables.string(tables.variants[1].target), "znver4");
  rt::VariantTables expected = single.variantTables(0);
  EXPECT_EQ(totalBytes, packedBytes);
  for (uint32_t v : {0, 1}) {
    rt::VariantTables read = tables.variantTables(v);
    EXPECT_TRUE(llvm::equal(read.weightBytes, expected.weightBytes));
    EXPECT_EQ(toText(read.weights.data(), read.weights.size()).size(),
              toText(expected.weights.data(), expected.weights.size()).size());
    EXPECT_EQ(read.report.size(), report.size());
  }
  // There is no second copy of a table without a difference.
  int weightTables = 0, weightSections = 0;
  for (const ModelcSection &section : tables.sections) {
    weightTables += section.kind == MODELC_SECTION_WEIGHT_TABLE;
    weightSections += section.kind == MODELC_SECTION_WEIGHTS;
  }
  EXPECT_EQ(weightTables, 1);
  EXPECT_EQ(weightSections, 1);
  modelc_status status;
  rt::Reporter reporter("plan", &status);
  EXPECT_EQ(rt::verifyWeights(tables, reporter), MODELC_OK) << status.message;
}

TEST_F(PlanWriter, TellsItsProgress) {
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  ASSERT_EQ(plan.read(&tables), "ok");
  uint64_t sizes = 0;
  for (const ModelcWeight &weight : tables.variantTables(0).weights)
    sizes += weight.sizeBytes;
  EXPECT_EQ(totalBytes, sizes);
  EXPECT_EQ(packedBytes, sizes);
}

// A key of the source with a NUL or with 2^16 letters is no reason to fail.
TEST_F(PlanWriter, OddKeys) {
  GgufBuilder builder = buildModel();
  builder.u32("a b", 1).string("long", std::string(65536, 'x'));
  builder.strings("none", {}).string("empty", "").u8("odd", 3);
  lower(builder);
  PlanBytes plan(write(2));
  rt::PlanTables tables;
  EXPECT_EQ(plan.read(&tables), "ok");
}
