//===- metadata-test.cpp - Look-ups of GGUF keys
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each getter: what it accepts, its fallback, and each of its errors.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufModel.h"
#include "modelc/plan_format.h"
#include "test/import/GgufBuilder.h"
#include "gtest/gtest.h"

using namespace modelc;
using namespace modelc::gguf;
using test::GgufBuilder;
using test::toBytes;

namespace {

class MetadataTest : public testing::Test {
protected:
  MetadataTest() {
    bytes = GgufBuilder()
                .u8("u8", 200)
                .raw("i8", MODELC_META_I8, toBytes<int8_t>(-100))
                .u16("u16", 60000)
                .raw("i16", MODELC_META_I16, toBytes<int16_t>(-30000))
                .u32("u32", 4000000000u)
                .i32("i32", -2000000000)
                .u64("u64", uint64_t(1) << 40)
                .u64("huge", ~uint64_t(0))
                .i64("i64", -(int64_t(1) << 40))
                .f32("f32", 1.5f)
                .f32("nan", __builtin_nanf(""))
                .f64("f64", 0.1)
                .boolean("yes", 1)
                .boolean("no", 0)
                .string("string", "text")
                .string("empty", "")
                .strings("strings", {"a", "", "ccc"})
                .u32s("same", {7, 7, 7})
                .u32s("mixed", {7, 8, 7})
                .build();
    auto opened = GgufModel::fromMemory(
        "x.gguf",
        {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    model = *std::move(opened);
  }

  const Metadata &metadata() { return model->metadata(); }

  std::string bytes;
  std::unique_ptr<GgufModel> model;
};

/// The message of an error.
template <typename T> std::string getError(const absl::StatusOr<T> &value) {
  return std::string(value.status().message());
}

} // namespace

TEST_F(MetadataTest, KeepsTheFilesOrder) {
  llvm::ArrayRef<MetadataEntry> entries = metadata().entries();
  ASSERT_EQ(entries.size(), 19u);
  EXPECT_EQ(entries[0].key, "u8");
  EXPECT_EQ(entries[18].key, "mixed");
  EXPECT_EQ(entries[18].type, MetadataType::U32);
  EXPECT_TRUE(entries[18].isArray);
  EXPECT_EQ(entries[18].count, 3u);
  EXPECT_EQ(entries[18].bytes.size(), 12u);
}

TEST_F(MetadataTest, Strings) {
  const MetadataEntry *entry = metadata().find("strings");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->strings(),
            (llvm::SmallVector<llvm::StringRef>{"a", "", "ccc"}));
  EXPECT_EQ(*metadata().getString("string"), "text");
  EXPECT_EQ(*metadata().getString("empty"), "");
  EXPECT_EQ(*metadata().getStringOr("string", "other"), "text");
  EXPECT_EQ(*metadata().getStringOr("missing", "other"), "other");
  EXPECT_EQ(getError(metadata().getString("missing")),
            "x.gguf: key 'missing': found none, expected a string");
  EXPECT_EQ(getError(metadata().getString("strings")),
            "x.gguf: key 'strings': found array of 3 string, expected a "
            "string");
  EXPECT_EQ(getError(metadata().getStringOr("u8", "other")),
            "x.gguf: key 'u8': found u8, expected a string");
}

TEST_F(MetadataTest, IntegersOfEveryWidth) {
  const IntegerRange any = {std::numeric_limits<int64_t>::min(),
                            std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(*metadata().getInteger("u8", any), 200);
  EXPECT_EQ(*metadata().getInteger("i8", any), -100);
  EXPECT_EQ(*metadata().getInteger("u16", any), 60000);
  EXPECT_EQ(*metadata().getInteger("i16", any), -30000);
  EXPECT_EQ(*metadata().getInteger("u32", any), 4000000000);
  EXPECT_EQ(*metadata().getInteger("i32", any), -2000000000);
  EXPECT_EQ(*metadata().getInteger("u64", any), int64_t(1) << 40);
  EXPECT_EQ(*metadata().getInteger("i64", any), -(int64_t(1) << 40));
  EXPECT_EQ(*metadata().getIntegerOr("u8", any, 5), 200);
  EXPECT_EQ(*metadata().getIntegerOr("missing", any, 5), 5);
}

TEST_F(MetadataTest, IntegerErrors) {
  EXPECT_EQ(getError(metadata().getInteger("missing", {})),
            "x.gguf: key 'missing': found none, expected an integer");
  EXPECT_EQ(getError(metadata().getInteger("f32", {})),
            "x.gguf: key 'f32': found f32, expected an integer");
  EXPECT_EQ(getError(metadata().getInteger("yes", {})),
            "x.gguf: key 'yes': found bool, expected an integer");
  EXPECT_EQ(getError(metadata().getInteger("same", {})),
            "x.gguf: key 'same': found array of 3 u32, expected an integer");
  EXPECT_EQ(getError(metadata().getInteger("u8", {1, 199})),
            "x.gguf: key 'u8': found 200, expected 1 to 199");
  EXPECT_EQ(getError(metadata().getIntegerOr("i8", {}, 5)),
            "x.gguf: key 'i8': found -100, expected 0 to "
            "9223372036854775807");
  EXPECT_EQ(getError(metadata().getInteger("huge", {})),
            "x.gguf: key 'huge': found 18446744073709551615, expected 0 to "
            "9223372036854775807");
}

TEST_F(MetadataTest, UniformIntegers) {
  EXPECT_EQ(*metadata().getUniformInteger("u8", {}, 3), 200);
  EXPECT_EQ(*metadata().getUniformInteger("same", {}, 3), 7);
  EXPECT_EQ(getError(metadata().getUniformInteger("same", {}, 4)),
            "x.gguf: key 'same': found array of 3 u32, expected an integer or "
            "an array of 4");
  EXPECT_EQ(getError(metadata().getUniformInteger("strings", {}, 3)),
            "x.gguf: key 'strings': found array of 3 string, expected an "
            "integer or an array of 3");
  EXPECT_EQ(getError(metadata().getUniformInteger("mixed", {}, 3)),
            "x.gguf: key 'mixed': found 8 for element 1, expected 7 for all, "
            "as for element 0");
  EXPECT_EQ(getError(metadata().getUniformInteger("same", {1, 6}, 3)),
            "x.gguf: key 'same': found 7, expected 1 to 6");
  EXPECT_EQ(getError(metadata().getUniformInteger("missing", {}, 3)),
            "x.gguf: key 'missing': found none, expected an integer");
}

TEST_F(MetadataTest, Floats) {
  EXPECT_EQ(*metadata().getFloat("f32", {}), 1.5f);
  EXPECT_EQ(*metadata().getFloat("f64", {}), 0.1f);
  EXPECT_EQ(*metadata().getFloatOr("f32", {}, 2), 1.5f);
  EXPECT_EQ(*metadata().getFloatOr("missing", {}, 2), 2.0f);
  EXPECT_EQ(getError(metadata().getFloat("missing", {})),
            "x.gguf: key 'missing': found none, expected a float");
  EXPECT_EQ(getError(metadata().getFloat("u8", {})),
            "x.gguf: key 'u8': found u8, expected a float");
  EXPECT_EQ(getError(metadata().getFloat("f32", {0, 1})),
            "x.gguf: key 'f32': found 1.5, expected 0 to 1");
  EXPECT_EQ(getError(metadata().getFloat("nan", {})),
            "x.gguf: key 'nan': found nan, expected -3.40282e+38 to "
            "3.40282e+38");
}

TEST_F(MetadataTest, Bools) {
  EXPECT_TRUE(*metadata().getBoolOr("yes", false));
  EXPECT_FALSE(*metadata().getBoolOr("no", true));
  EXPECT_TRUE(*metadata().getBoolOr("missing", true));
  EXPECT_EQ(getError(metadata().getBoolOr("u8", true)),
            "x.gguf: key 'u8': found u8, expected a bool");
  EXPECT_EQ(getError(metadata().getBoolOr("same", true)),
            "x.gguf: key 'same': found array of 3 u32, expected a bool");
}

TEST_F(MetadataTest, ArrayLengths) {
  EXPECT_EQ(*metadata().getArrayLength("strings"), 3);
  EXPECT_EQ(getError(metadata().getArrayLength("missing")),
            "x.gguf: key 'missing': found none, expected an array");
  EXPECT_EQ(getError(metadata().getArrayLength("u8")),
            "x.gguf: key 'u8': found u8, expected an array");
}
