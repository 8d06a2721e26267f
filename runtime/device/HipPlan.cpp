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

/// Bytes of the variant's weights, one behind the other. WEIGHTS may have those
/// of other variants, too.
static uint64_t countWeightBytes(const VariantTables &variant) {
  uint64_t bytes = 0;
  for (const ModelcWeight &weight : variant.weights)
    bytes += alignUp(weight.sizeBytes, MODELC_WEIGHT_ALIGN);
  return bytes;
}

modelc_code HipPlan::open(const PlanTables &tables,
                          const VariantTables &variant,
                          const Reporter &report) {
  const char *target = tables.string(variant.variant->target);
  char why[MODELC_STATUS_MESSAGE_BYTES];
  BoundedText reason(why, sizeof(why));
  if (!openHipDevice(target, &reason, &hipDevice))
    return report.fail(MODELC_FAILED_PRECONDITION, "%s %s", target, why);
  if (!kernels.allocate(variant.kernels.size()) ||
      !weightAddresses.allocate(variant.weights.size()))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for %zu kernels and %zu weights",
                       variant.kernels.size(), variant.weights.size());
  uint64_t weightBytes = countWeightBytes(variant);
  const uint64_t constantBytes = variant.constants.size();
  HipStream stream;
  // Small plans need no large pieces.
  if (!stream.create(hipDevice,
                     std::clamp<uint64_t>(std::max(weightBytes, constantBytes),
                                          1, kPieceBytes)))
    return stream.fail(report);
  const HipCurrentDevice current(&stream);
  const auto section = variant.weightBytes;
  if (hipDevice.isIntegrated && !section.empty() &&
      mappedWeights.map(hipDevice.hip, section.data(), section.size()))
    weightBytes = 0;
  // Parts of one file, so that the sum does not overflow.
  const uint64_t neededBytes =
      weightBytes + constantBytes + variant.code.size();
  constexpr const char *kNeed = "weights and code need";
  if (modelc_code code = stream.checkMemory(kNeed, neededBytes, report))
    return code;
  const char *missing = nullptr;
  if (!loadKernels(tables, variant, &stream, &missing))
    return missing ? report.damaged("its code has no kernel %s", missing)
                   : stream.fail(report);
  return copyWeights(variant, weightBytes, &stream)
             ? MODELC_OK
             : stream.failForMemory(kNeed, neededBytes, report);
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

/// Copies `weightBytes` of weights, none of them if they are mapped, and
/// constants.
bool HipPlan::copyWeights(const VariantTables &variant, uint64_t weightBytes,
                          HipStream *stream) {
  const HipLibrary &hip = hipDevice.hip;
  const auto constants = variant.constants;
  if (!stream->check("hipMalloc", copiedWeights.allocate(hip, weightBytes)) ||
      !stream->check("hipMalloc",
                     constantsCopy.allocate(hip, constants.size())))
    return false;
  uint8_t *next = copiedWeights.data();
  for (size_t i = 0; i < variant.weights.size(); ++i) {
    const ModelcWeight &weight = variant.weights[i];
    if (mappedWeights.data()) {
      weightAddresses[i] = mappedWeights.data() + weight.offset;
      continue;
    }
    weightAddresses[i] = next;
    stream->upload(next, variant.weightBytes.data() + weight.offset,
                   weight.sizeBytes);
    next += alignUp(weight.sizeBytes, MODELC_WEIGHT_ALIGN);
  }
  stream->upload(constantsCopy.data(), constants.data(), constants.size());
  return stream->wait();
}

} // namespace modelc::rt
