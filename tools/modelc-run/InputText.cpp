//===- InputText.cpp - Text from files and line by line
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "a\nb" ==> line "a", line "b", end
//
//===----------------------------------------------------------------------===//

#include "InputText.h"
#include "Interrupt.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace modelc::tools {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;

/// Appends what is there; 0 at the end, -1 with errno.
ssize_t readMore(int input, std::string *text) {
  char piece[65536];
  ssize_t bytes = read(input, piece, sizeof(piece));
  if (bytes > 0)
    text->append(piece, static_cast<size_t>(bytes));
  return bytes;
}

} // namespace

bool readText(const std::string &path, int input, std::string *text,
              std::string *error) {
  bool isInput = path == "-";
  int descriptor = isInput ? input : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t bytes = descriptor < 0 ? -1 : 1;
  text->clear();
  while (bytes > 0 && text->size() <= kMaxTextBytes) {
    bytes = readMore(descriptor, text);
    if (bytes < 0 && errno == EINTR)
      bytes = 1;
  }
  int code = errno;
  if (descriptor >= 0 && !isInput)
    close(descriptor);
  std::string name = isInput ? "stdin" : path;
  if (bytes < 0)
    *error = name + ": " + std::strerror(code);
  else if (text->size() > kMaxTextBytes)
    *error = name + ": has more than 1 GiB";
  else
    return true;
  return false;
}

LineReader::Result LineReader::read(std::string *line) {
  while (true) {
    if (Interrupt::isSet())
      return Result::interrupted;
    size_t end = buffer.find('\n');
    if (end == buffer.npos && atEnd) {
      if (buffer.empty())
        return Result::end;
      end = buffer.size();
    }
    if (end != buffer.npos) {
      *line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return Result::line;
    }
    ssize_t bytes = readMore(input, &buffer);
    if (bytes < 0 && errno != EINTR)
      return Result::failed;
    atEnd = bytes == 0;
  }
}

} // namespace modelc::tools
