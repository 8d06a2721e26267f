//===- split-test.cpp - Models on disk: whole, in parts, and neither
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files in a folder of each test's own. In messages, DIR stands for it.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/GgufModel.h"
#include "test/import/GgufBuilder.h"
#include "gtest/gtest.h"
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

using namespace modelc;
using namespace modelc::gguf;
using model::GgmlType;
using test::GgufBuilder;

namespace {

class SplitTest : public testing::Test {
protected:
  SplitTest() {
    folder = testing::TempDir() + "modelc-split-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
  }
  ~SplitTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string &name, const std::string &bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
  }

  /// Part `number`, from 0, of `count`, which holds one tensor named so.
  static GgufBuilder buildPart(int number, int count,
                               const std::string &tensor) {
    GgufBuilder part;
    if (number == 0)
      part.string("general.architecture", "llama");
    return part.u16("split.no", number)
        .u16("split.count", count)
        .i32("split.tensors.count", count)
        .tensor(tensor, {4}, GgmlType::F32,
                std::string(16, static_cast<char>('0' + number)));
  }

  /// Writes m-0000K-of-00003.gguf.
  void writePart(int number, const GgufBuilder &part) {
    write("m-0000" + std::to_string(number + 1) + "-of-00003.gguf",
          part.build());
  }

  void writeParts() {
    writePart(0, buildPart(0, 3, "a"));
    writePart(1, buildPart(1, 3, "b"));
    writePart(2, buildPart(2, 3, "c"));
  }

  /// The message that opening ends with, or "ok".
  std::string open(const std::string &name) {
    auto model = GgufModel::open(folder + "/" + name);
    if (model.ok())
      return "ok";
    std::string message(model.status().message());
    for (size_t at; (at = message.find(folder)) != std::string::npos;)
      message.replace(at, folder.size(), "DIR");
    return message;
  }

  std::string folder;
};

constexpr char kFirst[] = "m-00001-of-00003.gguf";

} // namespace

TEST_F(SplitTest, JoinsParts) {
  writeParts();
  auto model = GgufModel::open(folder + "/" + kFirst);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_EQ((*model)->shards().size(), 3u);
  EXPECT_EQ((*model)->shards()[2].path, folder + "/m-00003-of-00003.gguf");
  ASSERT_EQ((*model)->tensors().size(), 3u);
  const GgufTensor *tensor = (*model)->findTensor("b");
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->shard, 1u);
  EXPECT_EQ(tensor->bytes.front(), '1');
  EXPECT_EQ(*(*model)->metadata().getString("general.architecture"), "llama");
  EXPECT_EQ((*model)->makeError("c", "shape", "1", "2").message(),
            folder + "/m-00003-of-00003.gguf: tensor 'c': field shape: found "
                     "1, expected 2");
}

// A part has an alignment of its own.
TEST_F(SplitTest, PartsAreAlignedByThemselves) {
  writeParts();
  writePart(1, buildPart(1, 3, "b").u32("general.alignment", 4096));
  EXPECT_EQ(open(kFirst), "ok");
}

TEST_F(SplitTest, AsksForTheFirstPart) {
  writeParts();
  EXPECT_EQ(open("m-00002-of-00003.gguf"),
            "DIR/m-00002-of-00003.gguf: found part 2 of 3, expected the "
            "first, 'DIR/m-00001-of-00003.gguf'");
}

TEST_F(SplitTest, MissingPart) {
  writeParts();
  std::filesystem::remove(folder + "/m-00003-of-00003.gguf");
  EXPECT_EQ(open(kFirst), "DIR/m-00003-of-00003.gguf: cannot open: No such "
                          "file or directory");
}

TEST_F(SplitTest, ContradictingKeys) {
  writeParts();
  writePart(1, buildPart(2, 3, "b"));
  EXPECT_EQ(open(kFirst), "DIR/m-00002-of-00003.gguf: key 'split.no': found 2, "
                          "expected 1, what the name of the file says");
  writePart(1, buildPart(1, 4, "b"));
  EXPECT_EQ(open(kFirst),
            "DIR/m-00002-of-00003.gguf: key 'split.count': found 4, expected "
            "3, what the name of the file says");
  writePart(1, buildPart(1, 3, "b").removeKey("split.no"));
  EXPECT_EQ(open(kFirst), "DIR/m-00002-of-00003.gguf: key 'split.no': found "
                          "none, expected an integer");
  writePart(1, buildPart(1, 3, "a"));
  EXPECT_EQ(open(kFirst),
            "DIR/m-00002-of-00003.gguf: tensor 'a': field name: found it "
            "again after DIR/m-00001-of-00003.gguf, expected it once");
  writePart(1, buildPart(1, 3, "b"));
  writePart(0, buildPart(0, 3, "a").i32("split.tensors.count", 4));
  EXPECT_EQ(open(kFirst),
            "DIR/m-00001-of-00003.gguf: key 'split.tensors.count': found 4, "
            "expected 3, the tensors of all parts");
  writePart(0, buildPart(0, 3, "a").removeKey("split.tensors.count"));
  EXPECT_EQ(open(kFirst),
            "DIR/m-00001-of-00003.gguf: key 'split.tensors.count': found "
            "none, expected an integer");
}

// A part under another name would be taken for the whole.
TEST_F(SplitTest, RenamedPart) {
  for (const char *name :
       {"whole.gguf", "m-0001-of-0003.gguf", "m-00001-of-00003.bin",
        "m-00001-of-x0003.gguf", "m-00004-of-00003.gguf",
        "m-00000-of-00003.gguf", "m00001-of-00003.gguf"}) {
    write(name, buildPart(0, 3, "a").build());
    EXPECT_EQ(open(name), "DIR/" + std::string(name) +
                              ": key 'split.count': found 3, expected 1, what "
                              "the name of the file says");
  }
}

TEST_F(SplitTest, WholeModels) {
  const std::string whole =
      GgufBuilder().tensor("a", {4}, GgmlType::F32).build();
  write("whole.gguf", whole);
  EXPECT_EQ(open("whole.gguf"), "ok");
  write("m-00001-of-00001.gguf", whole);
  EXPECT_EQ(open("m-00001-of-00001.gguf"), "ok");
  // Parts merged by gguf-split.
  write("merged.gguf", buildPart(0, 0, "a").build());
  EXPECT_EQ(open("merged.gguf"), "ok");
}

TEST_F(SplitTest, FilesThatCannotBeMapped) {
  EXPECT_EQ(open("none.gguf"),
            "DIR/none.gguf: cannot open: No such file or directory");
  EXPECT_EQ(open(""), "DIR/: is no regular file");
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(open("pipe"), "DIR/pipe: is no regular file");
  write("empty.gguf", "");
  EXPECT_EQ(open("empty.gguf"), "DIR/empty.gguf: header: field magic: found 0 "
                                "bytes to the end of the file, expected 4");
}

// What releasePages takes away comes back from the file, and only whole pages
// inside the range go.
TEST_F(SplitTest, ReleasedPagesComeBack) {
  const int64_t count = 1 << 20;
  std::string data(static_cast<size_t>(count), 'x');
  data.back() = 'y';
  write("big.gguf",
        GgufBuilder().tensor("a", {count}, GgmlType::I8, data).build());
  auto model = GgufModel::open(folder + "/big.gguf");
  ASSERT_TRUE(model.ok());
  llvm::ArrayRef<uint8_t> bytes = (*model)->findTensor("a")->bytes;
  auto countResident = [&] {
    std::ifstream smaps("/proc/self/smaps");
    std::string line;
    bool inMapping = false;
    uint64_t kilobytes = 0;
    while (std::getline(smaps, line)) {
      if (line.find('-') == 12)
        inMapping = line.find("big.gguf") != std::string::npos;
      if (inMapping && line.rfind("Rss:", 0) == 0)
        kilobytes += std::stoull(line.substr(4));
    }
    return kilobytes;
  };
  EXPECT_EQ(bytes, llvm::ArrayRef(reinterpret_cast<uint8_t *>(data.data()),
                                  data.size()));
  EXPECT_GE(countResident(), 1024u);
  releasePages(bytes);
  EXPECT_LT(countResident(), 64u);
  EXPECT_EQ(bytes.front(), 'x');
  EXPECT_EQ(bytes.back(), 'y');
  releasePages(bytes.take_front(1));
  releasePages({});
}
