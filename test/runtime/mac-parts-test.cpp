//===- mac-parts-test.cpp - What the runtime has for Macs and runs anywhere
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "load/AppleChip.h"
#include "load/PrivateLibrary.h"
#include "modelc/cpu_features.h"
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
  else if (strcmp(name, "hw.optional.arm.FEAT_DotProd") == 0 ||
           strcmp(name, "hw.optional.arm.FEAT_FP16") == 0)
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

bool readOfM4(const char *name, uint32_t *value) {
  *value = strcmp(name, "hw.cpufamily") == 0                    ? 0x6f5129ac
           : strcmp(name, "hw.optional.arm.sme_max_svl_b") == 0 ? 64
                                                                : 1;
  return true;
}

/// No such chip is known.
bool readOfLongerVectors(const char *name, uint32_t *value) {
  *value = strcmp(name, "hw.optional.arm.sme_max_svl_b") == 0 ? 128 : 1;
  return true;
}

constexpr uint64_t bit(uint32_t feature) { return uint64_t(1) << feature; }

TEST(AppleChip, IsKnownByItsFamily) {
  constexpr uint64_t kM1 =
      bit(MODELC_FEATURE_ASIMDDP) | bit(MODELC_FEATURE_ASIMDHP);
  constexpr uint64_t kM2 =
      kM1 | bit(MODELC_FEATURE_I8MM) | bit(MODELC_FEATURE_BF16);
  constexpr uint64_t kAmx = bit(MODELC_FEATURE_APPLE_AMX);
  EXPECT_EQ(detectAppleChip(readOfM1), kM1 | kAmx);
  EXPECT_EQ(detectAppleChip(readOfM3Max), kM2 | kAmx);
  EXPECT_EQ(detectAppleChip(readOfM4),
            kM2 | bit(MODELC_FEATURE_SME) | bit(MODELC_FEATURE_SME2));
  EXPECT_EQ(detectAppleChip(readOfLongerVectors), kM2);
}

} // namespace
} // namespace modelc::rt
