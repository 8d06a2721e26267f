//===- InputText.h - Text from files and line by line
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a user types or pipes in. Bytes are taken as they are.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_INPUTTEXT_H
#define MODELC_TOOLS_MODELC_RUN_INPUTTEXT_H

#include <string>

namespace modelc::tools {

/// Reads all of the file `path`, or of the descriptor `input` if it is "-".
/// False, with *error "PATH: ...", if it cannot be read or has more than
/// 1 GiB.
bool readText(const std::string &path, int input, std::string *text,
              std::string *error);

/// Lines of a descriptor. Reads no more than it needs to.
class LineReader {
public:
  enum class Result { line, end, interrupted, failed };

  explicit LineReader(int input) : input(input) {}

  /// The next line, without its end. `interrupted`: SIGINT came; `failed`:
  /// errno says why.
  Result read(std::string *line);

private:
  int input;
  std::string buffer;
  bool atEnd = false;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_INPUTTEXT_H
