//===- link-dylib-test.cpp - What a dylib of kernels is, and may not be
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AssembleIr.h"
#include "compiler/codegen/LinkDylib.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace modelc::codegen::test {
namespace {

std::string assemble(const char *ir) {
  return assembleIr(ir, "arm64-apple-macosx13.0.0", "apple-m1");
}

constexpr const char *kTable =
    "@table = internal constant [4 x i32] [i32 10, i32 20, i32 30, i32 40]\n"
    "define i32 @lookup(i64 %i) {\n"
    "  %p = getelementptr i32, ptr @table, i64 %i\n"
    "  %v = load i32, ptr %p\n"
    "  ret i32 %v\n"
    "}\n"
    "define i32 @helper(i64 %i) {\n"
    "  %v = call i32 @lookup(i64 %i)\n"
    "  ret i32 %v\n"
    "}\n";

std::string getError(const char *ir) {
  auto image = linkDylib(assemble(ir), std::string("kernel"));
  return image.ok() ? "" : std::string(image.status().message());
}

/// What a tool of LLVM's prints about the bytes of a dylib.
std::string inspect(const char *tool, const std::string &bytes) {
  std::string path = testing::TempDir() + "link-dylib-test." +
                     std::to_string(getpid()) + ".dylib";
  std::ofstream(path, std::ios::binary) << bytes;
  std::string command =
      std::string(MODELC_LLVM_TOOLS_DIR "/") + tool + " " + path + " 2>&1";
  std::string text;
  FILE *output = popen(command.c_str(), "r");
  char buffer[4096];
  while (size_t got = fread(buffer, 1, sizeof(buffer), output))
    text.append(buffer, got);
  EXPECT_EQ(pclose(output), 0) << text;
  unlink(path.c_str());
  return text;
}

class Dylib : public testing::Test {
protected:
  void SetUp() override {
    auto linked =
        linkDylib({assemble(kTable), assemble("define i64 @twice(i64 %i) {\n"
                                              "  %v = add i64 %i, %i\n"
                                              "  ret i64 %v\n"
                                              "}\n")},
                  {std::string("twice"), std::string("lookup")});
    ASSERT_TRUE(linked.ok()) << linked.status();
    image = *std::move(linked);
  }

  CodeImage image;
};

TEST_F(Dylib, HasCommandsOfMacos) {
  std::string text = inspect("llvm-otool -l", image.bytes);
  for (const char *expected :
       {"cmd LC_CODE_SIGNATURE", "cmd LC_UUID", "platform 1", "minos 13.0",
        "/usr/lib/libSystem.B.dylib", "@rpath/modelc-kernels.dylib",
        "segname __TEXT", "sectname __const"})
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " in\n"
                                                      << text;
  for (const char *unexpected : {"__DATA", "thread", "LC_RPATH"})
    EXPECT_EQ(text.find(unexpected), std::string::npos) << unexpected << " in\n"
                                                        << text;
}

TEST_F(Dylib, ExportsKernelsAlone) {
  std::string text = inspect(
      "llvm-objdump --macho --exports-trie --chained-fixups", image.bytes);
  EXPECT_NE(text.find("imports_count  = 0"), std::string::npos) << text;
  EXPECT_NE(text.find("_twice"), std::string::npos) << text;
  EXPECT_NE(text.find("_lookup"), std::string::npos) << text;
  EXPECT_NE(text.find("_" MODELC_DYLIB_SYMBOL), std::string::npos) << text;
  EXPECT_EQ(text.find("_helper"), std::string::npos) << text;
  EXPECT_EQ(inspect("llvm-nm --undefined-only", image.bytes), "");
}

TEST_F(Dylib, GivesAddressesOfItsKernels) {
  ASSERT_EQ(image.addresses.size(), 2u);
  std::string text = inspect("llvm-nm --defined-only", image.bytes);
  const char *names[] = {" T _twice", " T _lookup"};
  for (size_t i = 0; i < 2; ++i) {
    char line[64];
    snprintf(line, sizeof(line), "%016llx%s",
             static_cast<unsigned long long>(image.addresses[i]), names[i]);
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
}

// Its header and code, from the beginning of file and image.
TEST_F(Dylib, HasOneSegmentToMap) {
  ASSERT_EQ(image.segments.size(), 1u);
  const ModelcCodeSegment &segment = image.segments[0];
  EXPECT_EQ(segment.fileOffset, 0u);
  EXPECT_EQ(segment.address, 0u);
  EXPECT_EQ(segment.fileBytes, segment.memoryBytes);
  EXPECT_LE(segment.fileBytes, image.bytes.size());
  for (uint64_t address : image.addresses)
    EXPECT_LT(address, segment.fileBytes);
}

TEST_F(Dylib, IsTheSameEachTime) {
  CodeImage first = image;
  SetUp();
  EXPECT_EQ(first.bytes, image.bytes);
}

// The signature is over all pages before it: an ad-hoc one, of hashes alone.
TEST_F(Dylib, BearsAnAdHocSignature) {
  // CSMAGIC_EMBEDDED_SIGNATURE, then its length, both big-endian; the blob is
  // the file's end, but for padding.
  size_t at = image.bytes.rfind(std::string("\xfa\xde\x0c\xc0", 4));
  ASSERT_NE(at, std::string::npos);
  // CSMAGIC_CODEDIRECTORY, with CS_ADHOC among its flags at offset 12.
  size_t directory = image.bytes.find(std::string("\xfa\xde\x0c\x02", 4), at);
  ASSERT_NE(directory, std::string::npos);
  EXPECT_TRUE(image.bytes[directory + 15] & 2);
  EXPECT_NE(image.bytes.find("modelc-kernels.dylib", directory),
            std::string::npos);
}

TEST(LinkDylib, RefusesImports) {
  std::string error = getError("declare void @memcpy()\n"
                               "define void @kernel() {\n"
                               "  call void @memcpy()\n"
                               "  ret void\n"
                               "}\n");
  EXPECT_NE(error.find("undefined symbol: _memcpy"), std::string::npos)
      << error;
}

TEST(LinkDylib, RefusesWritableData) {
  EXPECT_EQ(getError("@counter = internal global i32 7\n"
                     "define void @kernel() {\n"
                     "  %v = load volatile i32, ptr @counter\n"
                     "  ret void\n"
                     "}\n"),
            "dylib: has data in __DATA");
}

TEST(LinkDylib, RefusesPointers) {
  EXPECT_EQ(getError("@pointers = constant [1 x ptr] [ptr @kernel]\n"
                     "define ptr @kernel() {\n"
                     "  %v = load volatile ptr, ptr @pointers\n"
                     "  ret ptr %v\n"
                     "}\n"),
            "dylib: has data in __DATA_CONST");
}

TEST(LinkDylib, RefusesThreadLocals) {
  std::string error = getError("@own = internal thread_local global i32 0\n"
                               "define i32 @kernel() {\n"
                               "  %v = load i32, ptr @own\n"
                               "  ret i32 %v\n"
                               "}\n");
  EXPECT_NE(error.find("__tlv_bootstrap"), std::string::npos) << error;
}

TEST(LinkDylib, RefusesMissingKernels) {
  std::string error = getError("define void @other() {\n"
                               "  ret void\n"
                               "}\n");
  EXPECT_NE(error.find("kernel"), std::string::npos) << error;
}

TEST(LinkDylib, RefusesElf) {
  std::string object = assembleIr("define void @kernel() {\n  ret void\n}\n",
                                  "aarch64-linux-gnu", "generic");
  EXPECT_FALSE(linkDylib(object, std::string("kernel")).ok());
}

TEST(LinkDylib, RefusesWhatIsNoDylib) {
  EXPECT_FALSE(readDylibImage("not a Mach-O file", {}).ok());
  // An object is Mach-O too.
  auto object = readDylibImage(assemble(kTable), {});
  ASSERT_FALSE(object.ok());
  EXPECT_EQ(object.status().message(), "dylib: is no dylib for arm64");
}

} // namespace
} // namespace modelc::codegen::test
