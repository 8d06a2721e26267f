//===- TestFolder.h - A folder that is gone after the test
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_RUNTIME_TESTFOLDER_H
#define MODELC_TEST_RUNTIME_TESTFOLDER_H

#include <filesystem>
#include <fstream>
#include <span>
#include <stdint.h>
#include <stdlib.h>
#include <string>

namespace modelc::test {

class TestFolder {
public:
  TestFolder() {
    std::string name =
        std::filesystem::temp_directory_path() / "modelc-test-XXXXXX";
    root = mkdtemp(name.data());
  }
  TestFolder(const TestFolder &) = delete;
  TestFolder &operator=(const TestFolder &) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }

  std::string path(const std::string &name) const { return root + "/" + name; }

  /// Writes a file and returns its path. A new file each time: to overwrite one
  /// makes some file systems wait for the disk.
  std::string write(const std::string &name,
                    std::span<const uint8_t> bytes) const {
    std::filesystem::remove(path(name));
    std::ofstream file(path(name), std::ios::binary);
    file.write(reinterpret_cast<const char *>(bytes.data()),
               std::streamsize(bytes.size()));
    return path(name);
  }

  /// How many files are in it.
  size_t fileCount() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto &entry :
         std::filesystem::directory_iterator(root))
      ++count;
    return count;
  }

private:
  std::string root;
};

} // namespace modelc::test

#endif // MODELC_TEST_RUNTIME_TESTFOLDER_H
