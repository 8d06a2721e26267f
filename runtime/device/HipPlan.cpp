//===- HipPlan.cpp - What the sessions of a plan share on a device
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   variant {target gfx942, CODE, KERNELS, WEIGHTS, CONSTANTS}
//     ==> a device | is there room? | module, functions | weights, constants
//
// Assumes a checked variant (ReadVariant.cpp): its CODE is one code object.
//
//===----------------------------------------------------------------------===//

#include "device/HipPlan.h"
#include <algorithm>

namespace modelc::rt {

/// Copying from the page cache and over the bus overlap if pieces are much
/// smaller than weights; from 1 MiB on, a copy's fixed cost is small beside it.
static constexpr uint64_t kPieceBytes = 16 << 20;

HipPlan::~HipPlan() {
  if (module)
    hipDevice.hip.hipModuleUnload(module);
}

modelc_code HipPlan::open(const PlanTables &tables,
                          const VariantTables &variant,
                          const Reporter &report) {
  if (modelc_code code = findHipDevice(tables.string(variant.variant->target),
                                       report, &hipDevice))
    return code;
  const uint64_t weightBytes = variant.weightBytes.size();
  const uint64_t constantBytes = variant.constants.size();
  HipStream stream;
  // Small plans need no large pieces.
  if (!stream.create(hipDevice,
                     std::clamp<uint64_t>(std::max(weightBytes, constantBytes),
                                          1, kPieceBytes)))
    return stream.fail(report);
  const HipCurrentDevice current(&stream);
  if (hipDevice.isIntegrated && weightBytes > 0 &&
      mappedWeights.map(hipDevice.hip, variant.weightBytes.data(), weightBytes))
    weightsBegin = mappedWeights.data();
  // The sections are inside one file, so that the sum does not overflow.
  const uint64_t copiedBytes =
      (weightsBegin ? 0 : weightBytes) + constantBytes + variant.code.size();
  constexpr const char *kNeed = "weights and code need";
  if (modelc_code code = stream.checkMemory(kNeed, copiedBytes, report))
    return code;
  if (!kernels.allocate(variant.kernels.size()))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory for %zu kernels",
                       variant.kernels.size());
  const char *missing = nullptr;
  if (!loadKernels(tables, variant, &stream, &missing))
    return missing ? report.damaged("its code has no kernel %s", missing)
                   : stream.fail(report);
  return copySections(variant, &stream)
             ? MODELC_OK
             : stream.failForMemory(kNeed, copiedBytes, report);
}

/// False with the kernel that the code has not, or with what the stream says.
bool HipPlan::loadKernels(const PlanTables &tables,
                          const VariantTables &variant, HipStream *stream,
                          const char **out_missing) {
  const HipLibrary &hip = hipDevice.hip;
  if (!stream->check("hipModuleLoadData",
                     hip.hipModuleLoadData(&module, variant.code.data())))
    return false;
  for (size_t i = 0; i < variant.kernels.size(); ++i) {
    const char *name = tables.string(variant.kernels[i].name);
    const HipError error = hip.hipModuleGetFunction(&kernels[i], module, name);
    if (error == kHipErrorNotFound)
      *out_missing = name;
    if (!stream->check("hipModuleGetFunction", error))
      return false;
  }
  return true;
}

bool HipPlan::copySections(const VariantTables &variant, HipStream *stream) {
  const HipLibrary &hip = hipDevice.hip;
  if (!weightsBegin) {
    const auto bytes = variant.weightBytes;
    if (!stream->check("hipMalloc", copiedWeights.allocate(hip, bytes.size())))
      return false;
    stream->upload(copiedWeights.data(), bytes.data(), bytes.size());
    weightsBegin = copiedWeights.data();
  }
  const auto bytes = variant.constants;
  if (!stream->check("hipMalloc", constantsCopy.allocate(hip, bytes.size())))
    return false;
  stream->upload(constantsCopy.data(), bytes.data(), bytes.size());
  return stream->wait();
}

} // namespace modelc::rt
