//===- mac-parts-test.cpp - What the runtime has for Macs and runs anywhere
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include "load/PrivateLibrary.h"
#include <dlfcn.h>
#include <errno.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace modelc::rt {
namespace {

//===----------------------------------------------------------------------===//
// A library in memory
//===----------------------------------------------------------------------===//

/// Its TMPDIR is a folder of its own, which must be empty at the end.
class PrivateLibraryTest : public testing::Test {
protected:
  PrivateLibraryTest() {
    std::string pattern = testing::TempDir() + "mac-parts-XXXXXX";
    folder = mkdtemp(pattern.data());
    setenv("TMPDIR", folder.c_str(), 1);
    std::ifstream file(MODELC_TOY_CODE, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  ~PrivateLibraryTest() override {
    unsetenv("TMPDIR");
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    std::filesystem::remove_all(folder);
  }

  std::string folder;
  std::vector<uint8_t> bytes;
  PrivateLibrary library;
};

// The kernels of two loads are two: the distance of their symbols is kept.
TEST_F(PrivateLibraryTest, LoadsEachTimeAnew) {
  ASSERT_EQ(library.load(bytes), PrivateLibrary::Step::None) << dlerror();
  PrivateLibrary other;
  ASSERT_EQ(other.load(bytes), PrivateLibrary::Step::None) << dlerror();
  const uint8_t *embed = library.find("toy_append");
  const uint8_t *logits = library.find("toy_logits");
  ASSERT_NE(embed, nullptr);
  ASSERT_NE(logits, nullptr);
  EXPECT_NE(embed, other.find("toy_append"));
  EXPECT_EQ(logits - embed,
            other.find("toy_logits") - other.find("toy_append"));
  EXPECT_EQ(dlsym(RTLD_DEFAULT, "toy_append"), nullptr);
  EXPECT_EQ(library.find("no_such_kernel"), nullptr);
}

TEST_F(PrivateLibraryTest, RefusesWhatIsNoLibrary) {
  bytes.resize(100);
  EXPECT_EQ(library.load(bytes), PrivateLibrary::Step::Load);
  EXPECT_NE(dlerror(), nullptr);
}

TEST_F(PrivateLibraryTest, SaysThatThereIsNoFolder) {
  setenv("TMPDIR", (folder + "/missing").c_str(), 1);
  EXPECT_EQ(library.load(bytes), PrivateLibrary::Step::Create);
  EXPECT_EQ(errno, ENOENT);
  setenv("TMPDIR", std::string(10000, 'x').c_str(), 1);
  EXPECT_EQ(library.load(bytes), PrivateLibrary::Step::Create);
  EXPECT_EQ(errno, ENAMETOOLONG);
}

//===----------------------------------------------------------------------===//
// Chips
//===----------------------------------------------------------------------===//

bool readOfM1(const char *name, uint32_t *value) {
  if (strcmp(name, "hw.cpufamily") == 0)
    *value = 0x1b588bb3;
  else if (strcmp(name, "hw.optional.arm.FEAT_DotProd") == 0)
    *value = 1;
  else if (strcmp(name, "hw.optional.arm.FEAT_I8MM") == 0)
    *value = 0;
  else
    return false;
  return true;
}

bool readOfM3Max(const char *name, uint32_t *value) {
  *value = strcmp(name, "hw.cpufamily") == 0 ? 0x72015832 : 1;
  return strstr(name, "SME") == nullptr;
}

bool readOfAnother(const char *name, uint32_t *value) {
  *value = strcmp(name, "hw.cpufamily") == 0 ? 0x6f5129ac : 1;
  return true;
}

TEST(AppleChip, IsKnownByItsFamily) {
  const AppleChip m1 = detectAppleChip(readOfM1);
  EXPECT_EQ(m1.appleAmxGeneration, 1u);
  EXPECT_TRUE(m1.hasDotProd);
  EXPECT_FALSE(m1.hasI8mm || m1.hasBf16 || m1.hasSme || m1.hasSme2);
  const AppleChip m3 = detectAppleChip(readOfM3Max);
  EXPECT_EQ(m3.appleAmxGeneration, 3u);
  EXPECT_TRUE(m3.hasDotProd && m3.hasI8mm && m3.hasBf16);
  EXPECT_FALSE(m3.hasSme || m3.hasSme2);
  const AppleChip m4 = detectAppleChip(readOfAnother);
  EXPECT_EQ(m4.appleAmxGeneration, 0u);
  EXPECT_TRUE(m4.hasSme && m4.hasSme2);
}

} // namespace
} // namespace modelc::rt
