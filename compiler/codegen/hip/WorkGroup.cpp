//===- WorkGroup.cpp - How a GPU's work-groups share a kernel's tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work-group is one wave, so that its rows need no barrier, and each of its
// rows has a tile of its own while their scratch fits LDS.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/WorkGroup.h"
#include "modelc/kernel_abi.h"
#include "llvm/Support/MathExtras.h"

using namespace modelc;
using namespace modelc::codegen;

WorkGroup codegen::getWorkGroup(plan::KernelSpecInterface spec,
                                const target::TargetSpec &target) {
  if (!target.gpu)
    return {};
  WorkGroup group;
  group.threads = target.gpu->waveLanes;
  group.tiles = target.gpu->getRows();
  group.scratchBytes = static_cast<int64_t>(
      llvm::alignTo(spec.getScratchBytes(), MODELC_BUFFER_ALIGN));
  if (group.scratchBytes > 0)
    group.tiles = std::clamp<int64_t>(target.gpu->ldsBytes / group.scratchBytes,
                                      1, group.tiles);
  return group;
}
