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
// In place of CodeImage.cpp in builds for macOS. Not run on a Mac so far,
// docs/howto/run-on-a-mac.md; tests run it as part of a Linux program.
//
//===----------------------------------------------------------------------===//

#include "load/CodeFormat.h"
#include "load/CodeImage.h"
#include "load/PrivateLibrary.h"
#include <errno.h>
#include <string.h>

namespace modelc::rt {

const CodeFormat kSystemCode = {CodeContainer::MachO, kMachOArm64};

struct CodeImage::Loaded {
  PrivateLibrary library;
};

CodeImage::CodeImage() = default;
CodeImage::~CodeImage() = default;

static modelc_code reportLoadError(PrivateLibrary::Step step,
                                   const Reporter &report);

modelc_code CodeImage::map(int, uint64_t, const VariantTables &variant,
                           const Reporter &report) {
  loaded = makeOwned<Loaded>();
  if (!loaded)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to load its code");
  PrivateLibrary &library = loaded->library;
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
                       PrivateLibrary::lastError());
  const bool isDenied = errno == EACCES || errno == EPERM || errno == EROFS;
  return report.fail(isDenied ? MODELC_PERMISSION_DENIED
                              : MODELC_RESOURCE_EXHAUSTED,
                     "cannot %s a temporary file for its code: %s",
                     step == PrivateLibrary::Step::Create ? "create" : "write",
                     strerror(errno));
}

} // namespace modelc::rt
