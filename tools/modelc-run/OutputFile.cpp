//===- OutputFile.cpp - A file that appears whole or not at all
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   open("out.f32")  ==> out.f32.tmp-Xa81Kq
//   commit()         ==> out.f32
//
//===----------------------------------------------------------------------===//

#include "OutputFile.h"
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace modelc::tools {
namespace {

/// mkstemp makes files private; this is what open() would have given.
bool setUsualMode(int descriptor) {
  mode_t mask = umask(0);
  umask(mask);
  return fchmod(descriptor, 0666 & ~mask) == 0;
}

} // namespace

OutputFile::OutputFile(std::string path) : path(std::move(path)) {}

OutputFile::~OutputFile() {
  if (file)
    std::fclose(file);
  if (!temporaryPath.empty())
    unlink(temporaryPath.c_str());
}

bool OutputFile::failed() {
  message = path + ": " + std::strerror(errno);
  return false;
}

bool OutputFile::open() {
  struct stat target;
  if (stat(path.c_str(), &target) == 0 && !S_ISREG(target.st_mode)) {
    file = std::fopen(path.c_str(), "wb");
    return file || failed();
  }
  std::string name = path + ".tmp-XXXXXX";
  int descriptor = mkstemp(name.data());
  if (descriptor < 0)
    return failed();
  temporaryPath = name;
  file = fdopen(descriptor, "wb");
  if (!file) {
    failed();
    close(descriptor);
    return false;
  }
  return setUsualMode(descriptor) || failed();
}

bool OutputFile::write(const void *data, size_t bytes) {
  return std::fwrite(data, 1, bytes, file) == bytes || failed();
}

bool OutputFile::commit() {
  bool closed = std::fclose(file) == 0;
  file = nullptr;
  if (!closed)
    return failed();
  if (temporaryPath.empty())
    return true;
  if (rename(temporaryPath.c_str(), path.c_str()) != 0)
    return failed();
  temporaryPath.clear();
  return true;
}

} // namespace modelc::tools
