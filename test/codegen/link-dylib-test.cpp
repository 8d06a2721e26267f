//===- link-dylib-test.cpp - What a dylib of kernels is, and may not be
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AssembleIr.h"
#include "compiler/codegen/LinkDylib.h"
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <llvm/BinaryFormat/MachO.h>
#include <llvm/Support/Endian.h>
#include <llvm/Support/SHA256.h>
#include <optional>
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

/// Where LC_CODE_SIGNATURE says that the signature is.
std::optional<llvm::MachO::linkedit_data_command>
findSignature(const std::string &file) {
  llvm::MachO::mach_header_64 header;
  memcpy(&header, file.data(), sizeof(header));
  size_t at = sizeof(header);
  for (uint32_t i = 0; i < header.ncmds; ++i) {
    llvm::MachO::linkedit_data_command command;
    memcpy(&command, file.data() + at, sizeof(command));
    if (command.cmd == llvm::MachO::LC_CODE_SIGNATURE)
      return command;
    at += command.cmdsize;
  }
  return std::nullopt;
}

/// A big-endian number.
template <typename Int> Int readBig(const std::string &file, size_t at) {
  return llvm::support::endian::read<Int, llvm::endianness::big>(file.data() +
                                                                 at);
}

// An ad-hoc signature is one code directory, of the hashes of all pages before
// it. macOS ends a process that touches a page of another hash.
//
// Source: XNU, osfmk/kern/cs_blobs.h.
TEST_F(Dylib, BearsAnAdHocSignature) {
  using Directory = llvm::MachO::CS_CodeDirectory;
  const std::string &file = image.bytes;
  auto command = findSignature(file);
  ASSERT_TRUE(command);
  ASSERT_EQ(command->dataoff % 16, 0u);
  ASSERT_EQ(size_t(command->dataoff) + command->datasize, file.size());
  const size_t blobs = command->dataoff;
  ASSERT_EQ(readBig<uint32_t>(file, blobs),
            llvm::MachO::CSMAGIC_EMBEDDED_SIGNATURE);
  ASSERT_LE(readBig<uint32_t>(file, blobs + 4), command->datasize);
  ASSERT_EQ(readBig<uint32_t>(file, blobs + 8), 1u);
  ASSERT_EQ(readBig<uint32_t>(file, blobs + 12),
            llvm::MachO::CSSLOT_CODEDIRECTORY);

  const size_t directory = blobs + readBig<uint32_t>(file, blobs + 16);
  auto read = [&](size_t offset) {
    return readBig<uint32_t>(file, directory + offset);
  };
  ASSERT_EQ(read(0), llvm::MachO::CSMAGIC_CODEDIRECTORY);
  ASSERT_LE(directory + read(offsetof(Directory, length)), file.size());
  EXPECT_TRUE(read(offsetof(Directory, flags)) & llvm::MachO::CS_ADHOC);
  EXPECT_STREQ(file.data() + directory + read(offsetof(Directory, identOffset)),
               "modelc-kernels.dylib");
  EXPECT_EQ(read(offsetof(Directory, codeLimit)), command->dataoff);
  ASSERT_EQ(file[directory + offsetof(Directory, hashType)],
            llvm::MachO::CS_HASHTYPE_SHA256);
  ASSERT_EQ(file[directory + offsetof(Directory, hashSize)], 32);

  const size_t pageBytes = 1 << file[directory + offsetof(Directory, pageSize)];
  const size_t pages = read(offsetof(Directory, nCodeSlots));
  const size_t hashes = directory + read(offsetof(Directory, hashOffset));
  ASSERT_EQ(pages, (command->dataoff + pageBytes - 1) / pageBytes);
  ASSERT_GT(pages, 0u);
  ASSERT_LE(hashes + 32 * pages, file.size());
  const llvm::ArrayRef<uint8_t> signedBytes(
      reinterpret_cast<const uint8_t *>(file.data()), command->dataoff);
  for (size_t page = 0; page < pages; ++page) {
    auto hash = llvm::SHA256::hash(
        signedBytes.drop_front(page * pageBytes).take_front(pageBytes));
    EXPECT_EQ(memcmp(hash.data(), file.data() + hashes + 32 * page, 32), 0)
        << "page " << page;
  }
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
