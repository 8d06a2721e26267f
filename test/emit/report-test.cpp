//===- report-test.cpp - What became of every tensor
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/emit/Report.h"
#include "test/emit/EmitFixture.h"

using namespace modelc;
using namespace modelc::test;

namespace {

class Report : public EmitTest {
protected:
  const emit::ReportRow *find(llvm::StringRef tensor) {
    auto it = llvm::find_if(report, [&](const emit::ReportRow &row) {
      return row.tensor == tensor;
    });
    return it == report.end() ? nullptr : &*it;
  }
};

} // namespace

// A row for each tensor of the source, in its order.
TEST_F(Report, HasEveryTensor) {
  lower(buildTinyLlama());
  ASSERT_EQ(report.size(), source->tensors().size());
  for (auto [i, tensor] : llvm::enumerate(source->tensors())) {
    EXPECT_EQ(report[i].tensor, tensor.name);
    EXPECT_EQ(report[i].sourceBytes, tensor.bytes.size());
    EXPECT_FALSE(report[i].reason.empty());
    EXPECT_FALSE(report[i].isFallback);
  }
}

// A tied table has two uses and the kernel of the one that reads all of it;
// the 10 rows of 8 numbers fill a panel of 16.
TEST_F(Report, SaysWhatATensorIsFor) {
  lower(buildTinyLlama());
  const emit::ReportRow *table = find("token_embd.weight");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->type, "f32");
  EXPECT_EQ(table->use, "embedding+matmul");
  EXPECT_EQ(table->layout, "f32.n16k1");
  EXPECT_EQ(table->reason, "first_choice");
  EXPECT_EQ(table->kernel.find("mc_matmul_f32_n16k1_n10_"), 0u);
  EXPECT_EQ(table->sourceBytes, 320u);
  EXPECT_EQ(table->packedBytes, 512u);
  const emit::ReportRow *norm = find("blk.0.attn_norm.weight");
  ASSERT_TRUE(norm);
  EXPECT_EQ(norm->use, "norm");
  EXPECT_EQ(norm->layout, "mapped.f32");
  EXPECT_EQ(norm->reason, "not_a_matmul");
  EXPECT_EQ(norm->packedBytes, 32u);
}

// A tensor that became numbers of the plan is told apart from one that the
// network does not need.
TEST_F(Report, TellsFoldedFromUnused) {
  GgufBuilder builder = buildTinyLlama();
  builder.tensor("rope_freqs.weight", {2}, model::GgmlType::F32,
                 toBytes(1.0f) + toBytes(2.0f));
  lower(builder);
  const emit::ReportRow *folded = find("rope_freqs.weight");
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->use, "none");
  EXPECT_EQ(folded->layout, "");
  EXPECT_EQ(folded->packedBytes, 0u);
  EXPECT_EQ(folded->reason, "folded_into_constant");
}

TEST(ReportText, IsATable) {
  emit::ReportRow row;
  row.tensor = "a.weight";
  row.type = "q4_0";
  row.shape = {32, 64};
  row.use = "matmul";
  row.layout = "q4_0.n16k64";
  row.kernel = "mc_matmul";
  row.reason = "first_choice";
  row.sourceBytes = 1152;
  row.packedBytes = 1280;
  EXPECT_EQ(emit::printReport(row),
            "tensor    type  shape  use     layout       source  packed  "
            "reason        kernel\n"
            "a.weight  q4_0  32x64  matmul  q4_0.n16k64  1152    1280    "
            "first_choice  mc_matmul\n"
            "1 tensors, 1152 bytes, packed 1280 bytes\n");
}

TEST(ReportText, MarksFamiliesWithoutWitness) {
  EXPECT_EQ(emit::printFamily("llama", true), "family llama\n");
  EXPECT_EQ(emit::printFamily("x", false),
            "family x: unverified, its logits were never compared with "
            "another engine's (docs/families.md)\n");
}

// The JSON outlives the rows, and names that are no UTF-8 do not break it.
TEST(ReportJson, OwnsWhatItSays) {
  llvm::json::Value json = nullptr;
  {
    std::vector<emit::ReportRow> rows(2);
    rows[0].tensor = "\xff!";
    rows[0].layout = "a layout with a name that is not stored in place";
    rows[0].packedBytes = 3;
    rows[0].isFallback = true;
    rows[1] = rows[0];
    rows[1].packedBytes = 4;
    json = emit::toJson(rows);
    rows[0].layout.assign(rows[0].layout.size(), '?');
    rows[1].layout.assign(rows[1].layout.size(), '?');
  }
  const llvm::json::Object &root = *json.getAsObject();
  const llvm::json::Array &tensors = *root.getArray("tensors");
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].getAsObject()->getString("tensor"), "\xef\xbf\xbd!");
  EXPECT_EQ(tensors[0].getAsObject()->getBoolean("fallback"), true);
  const llvm::json::Array &layouts = *root.getArray("layouts");
  ASSERT_EQ(layouts.size(), 1u);
  const llvm::json::Object &total = *layouts[0].getAsObject();
  EXPECT_EQ(total.getString("layout"),
            "a layout with a name that is not stored in place");
  EXPECT_EQ(total.getInteger("tensors"), 2);
  EXPECT_EQ(total.getInteger("packed_bytes"), 7);
}
