//===- gguf-test.cpp - The GGUF reader: what it gives and what it refuses
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One file per rule of compiler/import/gguf, each wrong in that one way, and
// the whole of the message.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufModel.h"
#include "modelc/plan_format.h"
#include "test/import/GgufBuilder.h"
#include "gtest/gtest.h"

using namespace modelc;
using namespace modelc::gguf;
using model::GgmlType;
using test::GgufBuilder;
using test::toBytes;

static llvm::ArrayRef<uint8_t> asBytes(const std::string &text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

/// The message that reading `bytes` as x.gguf ends with, or "ok".
static std::string read(const std::string &bytes) {
  auto model = GgufModel::fromMemory("x.gguf", asBytes(bytes));
  if (model.ok())
    return "ok";
  EXPECT_EQ(model.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(model.status().message());
}

static std::string read(const GgufBuilder &file) { return read(file.build()); }

/// Three tensors of 128, 24 and 68 bytes.
static GgufBuilder buildThree() {
  return GgufBuilder()
      .tensor("a", {4, 8}, GgmlType::F32)
      .tensor("b", {3, 4}, GgmlType::F16)
      .tensor("c", {2, 32}, GgmlType::Q8_0);
}

//===----------------------------------------------------------------------===//
// What it gives
//===----------------------------------------------------------------------===//

TEST(GgufModel, GivesTensorsRowsFirst) {
  const std::string bytes =
      GgufBuilder()
          .tensor("a", {4, 8}, GgmlType::F32)
          .tensor("b", {2, 64}, GgmlType::Q8_0, std::string(136, 'q'))
          .build();
  auto model = GgufModel::fromMemory("x.gguf", asBytes(bytes));
  ASSERT_TRUE(model.ok());
  ASSERT_EQ((*model)->tensors().size(), 2u);
  const GgufTensor *tensor = (*model)->findTensor("b");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(formatShape(tensor->shape), "[2][64]");
  EXPECT_EQ(tensor->type, GgmlType::Q8_0);
  EXPECT_EQ(tensor->shard, 0u);
  // 24 header, 37 and 45 tensor infos, 22 padding, 128 bytes of `a`.
  EXPECT_EQ(tensor->offset, 256u);
  EXPECT_EQ(tensor->bytes, asBytes(std::string(136, 'q')));
  EXPECT_EQ(tensor->bytes.data(),
            (*model)->shards()[0].bytes.data() + tensor->offset);
  EXPECT_EQ((*model)->findTensor("d"), nullptr);
}

TEST(GgufModel, FindsRowsByName) {
  std::string quants(3 * 68, 'a');
  std::fill(quants.begin() + 68, quants.begin() + 136, 'b');
  const std::string bytes = GgufBuilder()
                                .tensor("x[1:2]", {5}, GgmlType::F32)
                                .tensor("b", {3, 64}, GgmlType::Q8_0, quants)
                                .build();
  auto model = GgufModel::fromMemory("x.gguf", asBytes(bytes));
  ASSERT_TRUE(model.ok());
  const GgufTensor *whole = (*model)->findTensor("b");
  const std::string name = whole->nameRows(1, 2);
  EXPECT_EQ(name, "b[1:2]");
  std::optional<GgufTensor> rows = (*model)->findRows(name);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->name, name);
  EXPECT_EQ(formatShape(rows->shape), "[1][64]");
  EXPECT_EQ(rows->offset, whole->offset + 68);
  EXPECT_EQ(rows->bytes, asBytes(std::string(68, 'b')));
  EXPECT_EQ((*model)->findRows("b")->bytes, whole->bytes);
  EXPECT_EQ((*model)->findRows("b[0:3]")->bytes, whole->bytes);
  // Of several matrices the rows of each.
  const std::string letters = "aabbccddeeff";
  std::string floats;
  for (char letter : letters)
    floats += std::string(4, letter);
  const std::string three = GgufBuilder()
                                .tensor("e", {2, 3, 2}, GgmlType::F32, floats)
                                .tensor("four", {1, 1, 2, 2}, GgmlType::F32)
                                .build();
  auto matrices = GgufModel::fromMemory("x.gguf", asBytes(three));
  ASSERT_TRUE(matrices.ok());
  EXPECT_FALSE((*matrices)->findRows("four[0:1]"));
  rows = (*matrices)->findRows("e[1:3]");
  ASSERT_TRUE(rows);
  EXPECT_EQ(formatShape(rows->shape), "[2][2][2]");
  EXPECT_EQ(rows->offset, (*matrices)->findTensor("e")->offset + 8);
  EXPECT_EQ(rows->getByteCount(), 32u);
  EXPECT_EQ(rows->stride, 24u);
  EXPECT_EQ(rows->getMatrix(0), asBytes(floats.substr(8, 16)));
  EXPECT_EQ(rows->getMatrix(1), asBytes(floats.substr(32, 16)));
  EXPECT_EQ((*matrices)->findTensor("e")->getMatrix(1),
            asBytes(floats.substr(24)));
  // A tensor's own name comes first.
  EXPECT_EQ((*model)->findRows("x[1:2]")->shape.front(), 5);
  for (const char *wrong : {"b[0:4]", "b[2:2]", "b[2:1]", "b[-1:2]", "b[0:1",
                            "b[0:1]]", "b[:1]", "b[0:]", "b[]", "b[", "[0:1]",
                            "c[0:1]", "c", "", "b[0:99999999999999999999]"})
    EXPECT_FALSE((*model)->findRows(wrong)) << wrong;
}

// Version 2 differs from 3 only in that the latter may be big-endian.
TEST(GgufModel, ReadsVersions2And3) {
  GgufBuilder file = buildThree();
  EXPECT_EQ(read(file), "ok");
  file.version = 2;
  EXPECT_EQ(read(file), "ok");
}

// 24 is no power of two; the specification does not ask for one.
TEST(GgufModel, ReadsAnyAlignment) {
  for (uint32_t alignment : {8, 16, 24, 64, 4096})
    EXPECT_EQ(read(buildThree().u32("general.alignment", alignment)), "ok")
        << alignment;
}

TEST(GgufModel, ReadsAFileWithoutTensorsThatEndsWithItsKeys) {
  EXPECT_EQ(read("GGUF" + toBytes<uint32_t>(3) + toBytes<uint64_t>(0) +
                 toBytes<uint64_t>(0)),
            "ok");
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

TEST(GgufErrors, Header) {
  EXPECT_EQ(read(""), "x.gguf: header: field magic: found 0 bytes to the end "
                      "of the file, expected 4");
  EXPECT_EQ(read("GGU"), "x.gguf: header: field magic: found 3 bytes to the "
                         "end of the file, expected 4");
  EXPECT_EQ(read("GG\x01\nabcd"),
            "x.gguf: header: field magic: found 'GG\\x01\\x0a', expected "
            "'GGUF'");
  EXPECT_EQ(read("GGUF\x03"), "x.gguf: header: field version: found 1 bytes "
                              "to the end of the file, expected 4");
  const std::string bytes = buildThree().build();
  EXPECT_EQ(read(bytes.substr(0, 12)),
            "x.gguf: header: field tensor count: found 4 bytes to the end of "
            "the file, expected 8");
  EXPECT_EQ(read(bytes.substr(0, 20)),
            "x.gguf: header: field key count: found 4 bytes to the end of the "
            "file, expected 8");
}

TEST(GgufErrors, Version) {
  GgufBuilder file = buildThree();
  file.version = 1;
  EXPECT_EQ(read(file),
            "x.gguf: header: field version: found 1, expected 2 or 3");
  file.version = 4;
  EXPECT_EQ(read(file),
            "x.gguf: header: field version: found 4, expected 2 or 3");
  file.version = 0x03000000;
  EXPECT_EQ(read(file), "x.gguf: header: field version: found 3 in big-endian "
                        "byte order, expected a little-endian file");
}

TEST(GgufErrors, Counts) {
  GgufBuilder file;
  file.extraTensors = 1;
  EXPECT_EQ(read(file.build().substr(0, 24)),
            "x.gguf: header: field tensor count: found 1, expected at most 0, "
            "all that 0 bytes can hold");
  file.extraTensors = 0;
  file.extraKeys = 5;
  EXPECT_EQ(read(file.u8("k", 1)),
            "x.gguf: header: field key count: found 6, expected at most 2, all "
            "that 40 bytes can hold");
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

TEST(GgufErrors, KeyNames) {
  EXPECT_EQ(read(GgufBuilder().u8("", 1).u32("k", 0)),
            "x.gguf: key 1: field name: found 0 bytes, expected 1 to 65535");
  EXPECT_EQ(read(GgufBuilder().u8("a", 1).u8(std::string(65536, 'k'), 1)),
            "x.gguf: key 2: field name: found 65536 bytes, expected 1 to "
            "65535");
  EXPECT_EQ(read(GgufBuilder().u8("a\n", 1).u8("b", 2).rawAgain(
                "a\n", MODELC_META_U8, toBytes<uint8_t>(1))),
            "x.gguf: key 'a\\x0a': found it twice, expected it once");
}

TEST(GgufErrors, KeyTypes) {
  EXPECT_EQ(read(GgufBuilder().raw("k", 13, "12345678")),
            "x.gguf: key 'k': field type: found 13, expected a type of 0 to "
            "12");
  EXPECT_EQ(
      read(GgufBuilder().raw("k", MODELC_META_ARRAY,
                             toBytes<uint32_t>(77) + toBytes<uint64_t>(1))),
      "x.gguf: key 'k': field type: found 77, expected a type of 0 to "
      "12");
  EXPECT_EQ(read(GgufBuilder().raw("k", MODELC_META_ARRAY,
                                   toBytes<uint32_t>(MODELC_META_ARRAY) +
                                       toBytes<uint64_t>(0))),
            "x.gguf: key 'k': field type: found an array of arrays, expected "
            "an array of numbers, bools or strings");
}

TEST(GgufErrors, KeyValues) {
  EXPECT_EQ(read(GgufBuilder().boolean("k", 2)),
            "x.gguf: key 'k': field value: found bool 2, expected 0 or 1");
  EXPECT_EQ(
      read(GgufBuilder().raw("k", MODELC_META_STRING, toBytes<uint64_t>(1000))),
      "x.gguf: key 'k': field string: found 19 bytes to the end of the "
      "file, expected 1000");
  EXPECT_EQ(
      read(GgufBuilder().raw("k", MODELC_META_STRING, toBytes(~uint64_t(0)))),
      "x.gguf: key 'k': field string: found 19 bytes to the end of the "
      "file, expected 18446744073709551615");
}

// Lengths that the file cannot hold, or whose bytes no number can say.
TEST(GgufErrors, ArrayLengths) {
  auto array = [](uint32_t type, uint64_t count) {
    return read(GgufBuilder().raw("k", MODELC_META_ARRAY,
                                  toBytes(type) + toBytes(count)));
  };
  EXPECT_EQ(array(MODELC_META_U32, 100),
            "x.gguf: key 'k': field value: found 15 bytes to the end of the "
            "file, expected 400");
  EXPECT_EQ(array(MODELC_META_U64, uint64_t(1) << 61),
            "x.gguf: key 'k': field length: found 2305843009213693952, "
            "expected a count that fits into the file");
  EXPECT_EQ(array(MODELC_META_STRING, ~uint64_t(0)),
            "x.gguf: key 'k': field string: found 7 bytes to the end of the "
            "file, expected 8");
}

TEST(GgufErrors, Alignment) {
  EXPECT_EQ(read(GgufBuilder().u32("general.alignment", 0)),
            "x.gguf: key 'general.alignment': found 0, expected 8 to "
            "4294967295");
  EXPECT_EQ(read(GgufBuilder().u32("general.alignment", 12)),
            "x.gguf: key 'general.alignment': found 12, expected a multiple "
            "of 8");
  EXPECT_EQ(read(GgufBuilder().string("general.alignment", "32")),
            "x.gguf: key 'general.alignment': found string, expected an "
            "integer");
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static std::string readTensor(const std::vector<uint64_t> &dims, uint32_t type,
                              uint64_t offset) {
  return read(buildThree().rawTensor("t", dims, type, offset));
}

TEST(GgufErrors, TensorNames) {
  EXPECT_EQ(read(buildThree().rawTensor("", {1}, 0, 0)),
            "x.gguf: tensor 4: field name: found 0 bytes, expected 1 to 64");
  EXPECT_EQ(read(buildThree().tensor(std::string(64, 't'), {1}, GgmlType::F32)),
            "ok");
  EXPECT_EQ(read(buildThree().rawTensor(std::string(65, 't'), {1}, 0, 0)),
            "x.gguf: tensor 4: field name: found 65 bytes, expected 1 to 64");
  std::string bytes = buildThree().tensor("z", {4}, GgmlType::F32).build();
  bytes[bytes.find('z')] = 'a';
  EXPECT_EQ(read(bytes), "x.gguf: tensor 'a': field name: found it again after "
                         "x.gguf, expected it once");
}

TEST(GgufErrors, TensorShapes) {
  EXPECT_EQ(readTensor({}, 0, 0),
            "x.gguf: tensor 't': field rank: found 0, expected 1 to 4");
  EXPECT_EQ(readTensor({1, 1, 1, 1, 1}, 0, 0),
            "x.gguf: tensor 't': field rank: found 5, expected 1 to 4");
  EXPECT_EQ(readTensor({4, 0}, 0, 0),
            "x.gguf: tensor 't': field dimensions: found 0, expected 1 to "
            "9223372036854775807");
  EXPECT_EQ(readTensor({uint64_t(1) << 63}, 0, 0),
            "x.gguf: tensor 't': field dimensions: found 9223372036854775808, "
            "expected 1 to 9223372036854775807");
  EXPECT_EQ(readTensor({uint64_t(1) << 31, uint64_t(1) << 31}, 0, 0),
            "x.gguf: tensor 't': field dimensions: found "
            "[2147483648][2147483648], expected a size below 2^63 bytes");
  EXPECT_EQ(readTensor({33, 2}, 8, 0),
            "x.gguf: tensor 't': field dimensions: found rows of 33, expected "
            "a multiple of 32, the block of q8_0");
}

TEST(GgufErrors, TensorTypes) {
  EXPECT_EQ(readTensor({4}, 99, 0),
            "x.gguf: tensor 't': field type: found 99, expected the id of a "
            "ggml type");
  const std::pair<uint32_t, std::string> retired[] = {
      {4, "q4_2"},        {5, "q4_3"},       {31, "q4_0_4_4"},
      {32, "q4_0_4_8"},   {33, "q4_0_8_8"},  {36, "iq4_nl_4_4"},
      {37, "iq4_nl_4_8"}, {38, "iq4_nl_8_8"}};
  for (const auto &[id, name] : retired)
    EXPECT_EQ(readTensor({4}, id, 0),
              "x.gguf: tensor 't': field type: found " + std::to_string(id) +
                  " (" + name +
                  ", retired by ggml), expected the id of a "
                  "ggml type");
}

// `a` lies at 0, `b` at 128, `c` at 160, and the data ends at 256.
TEST(GgufErrors, TensorOffsets) {
  EXPECT_EQ(readTensor({4}, 0, 33),
            "x.gguf: tensor 't': field offset: found 33, expected a multiple "
            "of 32");
  EXPECT_EQ(readTensor({4}, 0, 256),
            "x.gguf: tensor 't': field offset: found 256 with 16 bytes, "
            "expected an end within the 256 bytes of tensor data");
  EXPECT_EQ(readTensor({4}, 0, ~uint64_t(0) - 31),
            "x.gguf: tensor 't': field offset: found 18446744073709551584 with "
            "16 bytes, expected an end within the 256 bytes of tensor data");
  EXPECT_EQ(readTensor({uint64_t(1) << 60}, 0, 0),
            "x.gguf: tensor 't': field offset: found 0 with "
            "4611686018427387904 bytes, expected an end within the 256 bytes "
            "of tensor data");
  // The data begins at byte 192.
  EXPECT_EQ(readTensor({4}, 0, 64),
            "x.gguf: tensor 't': field offset: found byte 256 of the file, "
            "expected at least 320, the end of tensor 'a'");
  EXPECT_EQ(readTensor({4}, 0, 0),
            "x.gguf: tensor 't': field offset: found byte 192 of the file, "
            "expected at least 320, the end of tensor 'a'");
}

// A file that ends anywhere before its last data byte is refused, and no byte
// behind its end is touched (run under the address sanitizer).
TEST(GgufErrors, EveryTruncation) {
  const std::string bytes = buildThree()
                                .strings("s", {"one", "two"})
                                .u32s("n", {1, 2, 3})
                                .boolean("b", 1)
                                .build();
  ASSERT_EQ(read(bytes), "ok");
  for (size_t size = 0; size < bytes.size(); ++size) {
    // In a block of its own, so that the sanitizer sees its end.
    const std::vector<uint8_t> part(bytes.begin(), bytes.begin() + size);
    EXPECT_FALSE(GgufModel::fromMemory("x.gguf", part).ok()) << size;
  }
}
