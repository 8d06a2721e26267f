//===- atomic-file-test.cpp - Files appear whole or not at all
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The end-to-end tests kill compilers and fill disks; here is what one process
// can see.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/AtomicFile.h"
#include "gtest/gtest.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace modelc;
using support::AtomicFile;
namespace fs = std::filesystem;

namespace {

class AtomicFileTest : public testing::Test {
protected:
  AtomicFileTest() {
    std::string name = testing::TempDir() + "/atomic-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~AtomicFileTest() override { fs::remove_all(folder); }

  std::string getPath(const char *name) const {
    return (folder / name).string();
  }
  size_t countFiles() const {
    return std::distance(fs::directory_iterator(folder),
                         fs::directory_iterator());
  }
  static std::string read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder;
};

} // namespace

static llvm::ArrayRef<uint8_t> toBytes(llvm::StringRef text) {
  return {text.bytes_begin(), text.bytes_end()};
}

static absl::Status writeWhole(llvm::StringRef path, llvm::StringRef text) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  if (!file.ok())
    return file.status();
  if (absl::Status status = file->writeAt(0, toBytes(text)); !status.ok())
    return status;
  return file->commit();
}

TEST_F(AtomicFileTest, AppearsAtCommit) {
  std::string path = getPath("out");
  {
    absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->reserve(8).ok());
    ASSERT_TRUE(file->writeAt(4, toBytes("left")).ok());
    ASSERT_TRUE(file->writeAt(0, toBytes("over")).ok());
    EXPECT_FALSE(fs::exists(path));
    ASSERT_TRUE(file->commit().ok());
  }
  EXPECT_EQ(read(path), "overleft");
  EXPECT_EQ(countFiles(), 1u);
}

TEST_F(AtomicFileTest, GoesWithoutCommit) {
  {
    absl::StatusOr<AtomicFile> file = AtomicFile::create(getPath("out"));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->writeAt(0, toBytes("lost")).ok());
    AtomicFile moved = std::move(*file);
  }
  EXPECT_EQ(countFiles(), 0u);
}

TEST_F(AtomicFileTest, Replaces) {
  std::string path = getPath("out");
  ASSERT_TRUE(writeWhole(path, "old and longer").ok());
  std::ifstream old(path);
  ASSERT_TRUE(writeWhole(path, "new").ok());
  EXPECT_EQ(read(path), "new");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(old), {}),
            "old and longer");
  EXPECT_EQ(countFiles(), 1u);
}

// The permissions are those that any new file gets.
TEST_F(AtomicFileTest, KeepsTheUmask) {
  mode_t old = umask(027);
  ASSERT_TRUE(writeWhole(getPath("out"), "x").ok());
  umask(old);
  struct stat info;
  ASSERT_EQ(stat(getPath("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(AtomicFileTest, SaysWhatIsWrong) {
  absl::StatusOr<AtomicFile> missing = AtomicFile::create(getPath("no/out"));
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.status().message(),
            getPath("no/out") + ": cannot create: No such file or directory");
  absl::StatusOr<AtomicFile> directory = AtomicFile::create(folder.string());
  EXPECT_EQ(directory.status().message(),
            folder.string() + ": cannot write: not a regular file");
}

// More than any disk: found before a byte is written.
TEST_F(AtomicFileTest, ReservesTheSpace) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(getPath("out"));
  ASSERT_TRUE(file.ok()) << file.status();
  absl::Status status = file->reserve(uint64_t(1) << 60);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("cannot reserve 1152921504606846976 bytes"),
            std::string::npos)
      << status;
}

// A file whose directory goes away is an error of commit, which leaves nothing.
TEST_F(AtomicFileTest, LosesItsFolder) {
  fs::create_directory(folder / "gone");
  absl::StatusOr<AtomicFile> file = AtomicFile::create(getPath("gone/out"));
  ASSERT_TRUE(file.ok()) << file.status();
  fs::remove_all(folder / "gone");
  absl::Status status = file->commit();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_EQ(countFiles(), 0u);
}

// The temporary name is not made of the file's, which may be as long as names
// can be; one that is too long is found before anything is written.
TEST_F(AtomicFileTest, TakesTheLongestName) {
  std::string longest = getPath(std::string(255, 'n').c_str());
  ASSERT_TRUE(writeWhole(longest, "x").ok());
  EXPECT_EQ(read(longest), "x");
  EXPECT_EQ(countFiles(), 1u);
  EXPECT_EQ(AtomicFile::create(longest + "n").status().message(),
            longest + "n: cannot create: File name too long");
}

// A process of another container may have the same number.
TEST_F(AtomicFileTest, AvoidsNamesThatAreTaken) {
  std::string prefix = getPath(".modelc-tmp-") + std::to_string(getpid()) + "-";
  constexpr size_t kTaken = 64;
  for (size_t i = 0; i < kTaken; ++i)
    std::ofstream(prefix + std::to_string(i)) << "taken";
  ASSERT_TRUE(writeWhole(getPath("out"), "mine").ok());
  EXPECT_EQ(read(getPath("out")), "mine");
  EXPECT_EQ(countFiles(), kTaken + 1);
  for (size_t i = 0; i < kTaken; ++i)
    EXPECT_EQ(read(prefix + std::to_string(i)), "taken");
}
