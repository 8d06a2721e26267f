//===- CodeImageMac.cpp - The machine code of a plan, loaded on macOS
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   CODE section  ==>  a private signed dylib, loaded by dyld  ==>
//     kernel 0  ==>  where the image begins
//
// macOS on Apple's processors executes pages of signed files alone, and a
// plan is not one; the dylib inside it is. dyld shares no page of it with other
// processes, which costs each the size of its code.
//
// In place of CodeImage.cpp in builds for macOS. Not compiled and not run so
// far: there was no Mac, docs/howto/run-on-a-mac.md.
//
//===----------------------------------------------------------------------===//

#include "load/CodeImage.h"
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

namespace modelc::rt {

static modelc_code reportLoadError(PrivateLibrary::Step step,
                                   const Reporter &report);

modelc_code CodeImage::map(int, uint64_t, const VariantTables &variant,
                           const Reporter &report) {
  const PrivateLibrary::Step failed = library.load(variant.code);
  if (failed != PrivateLibrary::Step::None)
    return reportLoadError(failed, report);
  const uint8_t *first = library.find(MODELC_DYLIB_SYMBOL);
  if (!first || variant.kernels.empty())
    return report.fail(MODELC_DATA_LOSS, "its code has no symbol %s",
                       MODELC_DYLIB_SYMBOL);
  base = first - variant.kernels[0].codeOffset;
  return MODELC_OK;
}

static modelc_code reportLoadError(PrivateLibrary::Step step,
                                   const Reporter &report) {
  if (step == PrivateLibrary::Step::Load)
    return report.fail(MODELC_PERMISSION_DENIED, "cannot execute its code: %s",
                       dlerror());
  const bool isDenied = errno == EACCES || errno == EPERM || errno == EROFS;
  return report.fail(isDenied ? MODELC_PERMISSION_DENIED
                              : MODELC_RESOURCE_EXHAUSTED,
                     "cannot %s a temporary file for its code: %s",
                     step == PrivateLibrary::Step::Create ? "create" : "write",
                     strerror(errno));
}

} // namespace modelc::rt
