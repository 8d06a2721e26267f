//===- OutputFile.h - A file that appears whole or not at all
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A killed or failed run leaves no half file under the name it was asked for.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_OUTPUTFILE_H
#define MODELC_TOOLS_MODELC_RUN_OUTPUTFILE_H

#include <cstdio>
#include <string>

namespace modelc::tools {

/// Written under a temporary name in the target's directory, renamed by
/// commit(). Without a commit nothing is left behind. A target that is no
/// regular file (a pipe, /dev/null) is written directly.
class OutputFile {
public:
  explicit OutputFile(std::string path);
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;
  ~OutputFile();

  /// Each is false on failure; error() then says why: "PATH: reason".
  bool open();
  bool write(const void *data, size_t bytes);
  bool commit();

  const std::string &error() const { return message; }

private:
  bool failed();

  std::string path;
  std::string temporaryPath; ///< Empty if the target is written directly.
  std::string message;
  FILE *file = nullptr;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_OUTPUTFILE_H
