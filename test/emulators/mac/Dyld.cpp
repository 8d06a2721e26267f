//===- Dyld.cpp - dlopen of a Mac's dylib, on Linux
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The four functions that runtime/load/PrivateLibrary.cpp calls, in place of
// the C library's: it is macOS's dyld that they stand for.
//
//===----------------------------------------------------------------------===//

#include "test/emulators/apple-amx/MachoImage.h"
#include <dlfcn.h>
#include <new>

using modelc::appleamx::MachoImage;

static thread_local const char *lastError;

extern "C" void *dlopen(const char *path, int) noexcept {
  auto *image = new (std::nothrow) MachoImage;
  lastError = image ? image->open(path) : "no memory";
  if (!lastError)
    return image;
  delete image;
  return nullptr;
}

extern "C" void *dlsym(void *__restrict handle,
                       const char *__restrict symbol) noexcept {
  return static_cast<MachoImage *>(handle)->find(symbol);
}

extern "C" int dlclose(void *handle) noexcept {
  delete static_cast<MachoImage *>(handle);
  return 0;
}

extern "C" char *dlerror() noexcept { return const_cast<char *>(lastError); }
