//===- WorkGroup.cpp - How a GPU's work-groups share a kernel's tiles
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A work-group is one wave, so that its rows need no barrier, and each of its
// rows has a tile of its own while their scratch fits LDS. The rows of a
// work-group of a matmul of block-quantised weights share a tile: there are
// too few tiles for all rows of a GPU, and the more that wait for memory the
// better.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/WorkGroup.h"
#include "compiler/codegen/hip/SplitMatmul.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <optional>

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// The matmul that a kernel is, or null.
static plan::MatmulSpecAttr getMatmul(plan::KernelSpecInterface spec) {
  return llvm::TypeSwitch<Attribute, plan::MatmulSpecAttr>(spec)
      .Case([](plan::MatmulSpecAttr matmul) { return matmul; })
      .Case<plan::ExpertsSpecAttr, plan::HeadMatmulSpecAttr>(
          [](auto other) { return other.getMatmul(); })
      .Default(plan::MatmulSpecAttr());
}

/// LDS for the links of all rows of a work-group that splits columns.
static int64_t getSplitBytes(plan::MatmulSpecAttr matmul, int64_t rows) {
  int64_t bytes = 0;
  for (size_t i = 0; i < matmul.getWeights().size(); ++i)
    bytes = std::max(bytes, codegen::getSplitBytes(matmul.getWeightLayout(i),
                                                   matmul.getInput(), rows));
  return bytes;
}

/// Of a matmul of block-quantised weights: four waves or fewer that share each
/// tile, if LDS has room for them; else nothing.
static std::optional<WorkGroup> shareTiles(plan::MatmulSpecAttr matmul,
                                           const target::GpuFacts &gpu) {
  if (matmul.getWeightLayout(0).getField(pack::kValues))
    return std::nullopt;
  constexpr int64_t kMostWaves = 4;
  // Room for two work-groups.
  int64_t mostBytes = gpu.ldsBytes / 2;
  for (int64_t waves = kMostWaves; waves > 0; waves /= 2) {
    int64_t rows = waves * gpu.getRows();
    // Images are what the matmul's own scratch is for.
    int64_t bytes = matmul.hasImages()
                        ? static_cast<int64_t>(matmul.getScratchBytes())
                        : getSplitBytes(matmul, rows);
    if (!matmul.hasImages() && bytes > mostBytes)
      continue;
    WorkGroup group;
    group.threads = waves * gpu.waveLanes;
    group.tiles = 1;
    group.scratchBytes = llvm::alignTo(bytes, MODELC_BUFFER_ALIGN);
    group.sharesTile = true;
    return group;
  }
  return std::nullopt;
}

WorkGroup codegen::getWorkGroup(plan::KernelSpecInterface spec,
                                const target::TargetSpec &target) {
  if (!target.gpu)
    return {};
  if (plan::MatmulSpecAttr matmul = getMatmul(spec))
    if (std::optional<WorkGroup> group = shareTiles(matmul, *target.gpu))
      return *group;
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
