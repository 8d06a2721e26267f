//===- HipSession.cpp - A session's memory and steps on an AMD GPU
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   host     describe block              wait | logits
//   stream   block > | step 0 | step 1 | ..  | > logits of one row
//
// What a pass begins with is one block, which lies on the host, pinned, and on
// the device, and is copied as a whole:
//
//   ModelcStepInputs | counts | tokens | positions | sequences | outputRows
//
// Page tables follow on their own, where they changed. All addresses in
// kernels' arguments stay the same, so the pass of one token that wants logits
// is recorded when the session is created, and replayed with one call. A stream
// is in order, so barriers between steps need nothing.
//
// Assumes a checked plan: every index and offset is inside its table.
//
//===----------------------------------------------------------------------===//

#include "exec/HipSession.h"
#include "load/BoundedText.h"
#include <algorithm>
#include <string.h>

namespace modelc::rt {

/// Places in the block; arrays follow each other from kArraysAt.
static constexpr uint64_t kCountsAt = MODELC_BUFFER_ALIGN;
static constexpr uint64_t kArraysAt = 2 * MODELC_BUFFER_ALIGN;
static_assert(sizeof(ModelcStepInputs) <= kCountsAt &&
              kCountsAt + sizeof(PassCounts) <= kArraysAt);
enum : uint64_t { kTokens, kPositions, kSequences, kOutputRows, kArrayCount };

/// Large enough that a copy's fixed cost is small beside it, small enough for
/// any number of sessions.
static constexpr uint64_t kPieceBytes = 1 << 20;

HipSession::~HipSession() {
  for (HipEventHandle event : {stepBegin, stepEnd})
    if (event)
      hipStream.hip().hipEventDestroy(event);
}

modelc_code HipSession::reserve(const modelc_plan &newPlan,
                                uint32_t contextTokens, uint32_t sequences,
                                const Reporter &report) {
  plan = &newPlan;
  const ModelcVariant &variant = *plan->variant.variant;
  arrayBytes = alignUp(variant.ubatch * sizeof(uint32_t), MODELC_BUFFER_ALIGN);
  blockBytes = kArraysAt + kArrayCount * arrayBytes;
  tableBytes = uint64_t(sequences) * pagesOf(contextTokens) * sizeof(uint32_t);
  rowBytes = variant.vocabSize * sizeof(float);
  BoundedText(need, sizeof(need))
      .append("%u sequences of %u tokens need", sequences, contextTokens);
  neededBytes = blockBytes + tableBytes;
  uint64_t poolBytes;
  if (!StatePages::countPoolBytes(plan->variant.states, contextTokens,
                                  sequences, &poolBytes) ||
      !checkedAdd(neededBytes, poolBytes, &neededBytes) ||
      !checkedAdd(neededBytes, variant.arenaBytes, &neededBytes))
    neededBytes = UINT64_MAX;
  if (!hipStream.create(plan->hip->device(), kPieceBytes))
    return hipStream.fail(report);
  const HipCurrentDevice current(&hipStream);
  if (!hipStream.ok())
    return hipStream.fail(report);
  return hipStream.checkMemory(need, neededBytes, report);
}

modelc_code HipSession::create(const StatePages &pages,
                               const Reporter &report) {
  const VariantTables &tables = plan->variant;
  // Does not overflow: a plan's logits are inside its arena.
  if (!logitsRows.reserve(tables.variant->ubatch * rowBytes) ||
      !steps.allocate(tables.steps.size()) ||
      !profiles.allocate(tables.steps.size()))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for a session's steps and logits");
  uint64_t words = 0;
  for (const ModelcStep &step : tables.steps)
    words += sizeof(ModelcDeviceParams) / sizeof(uint64_t) + step.operandCount;
  if (!arguments.allocate(words))
    return report.fail(MODELC_RESOURCE_EXHAUSTED,
                       "no memory for a session's steps and logits");
  if (!allocate())
    return failCreation(report);
  resolveSteps(pages);
  ModelcStepInputs one = {};
  one.tokenCount = one.outputCount = 1;
  if (!decode.capture(&hipStream, [&] { enqueuePass(one); }) ||
      !hipStream.wait())
    return failCreation(report);
  return MODELC_OK;
}

/// What kernels are given begins as zeroes, as on a CPU.
bool HipSession::allocate() {
  const HipLibrary &hip = hipStream.hip();
  const uint64_t arenaBytes = plan->variant.variant->arenaBytes;
  HipStream &s = hipStream;
  return s.check("hipMalloc", arena.allocate(hip, arenaBytes)) &&
         s.zero(arena.data(), arenaBytes) &&
         s.check("hipMalloc", deviceBlock.allocate(hip, blockBytes)) &&
         s.check("hipMalloc", pageTables.allocate(hip, tableBytes)) &&
         s.check("hipHostMalloc", hostBlock.allocate(hip, blockBytes)) &&
         s.check("hipHostMalloc", logitsRow.allocate(hip, rowBytes)) &&
         s.check("hipEventCreateWithFlags",
                 hip.hipEventCreateWithFlags(&stepBegin, 0)) &&
         s.check("hipEventCreateWithFlags",
                 hip.hipEventCreateWithFlags(&stepEnd, 0));
}

void HipSession::resolveSteps(const StatePages &pages) {
  const VariantTables &tables = plan->variant;
  const OperandBases bases = {nullptr, plan->hip->weights(),
                              plan->hip->constants(), arena.data(),
                              deviceBlock.data()};
  uint64_t *next = arguments.data();
  for (size_t i = 0; i < tables.steps.size(); ++i) {
    const ModelcStep &record = tables.steps[i];
    const ModelcKernelRecord &kernel = tables.kernels[record.kernel];
    Step &step = steps[i];
    step.kernel = plan->hip->kernel(record.kernel);
    step.groupThreads = kernel.groupThreads;
    step.groupTiles = kernel.groupTiles;
    step.arguments = next;
    const bool counted = record.countSource == MODELC_COUNT_ARENA_U32;
    ModelcDeviceParams params = {};
    params.inputs = devicePart<ModelcStepInputs>(0);
    params.count = counted
                       ? reinterpret_cast<const uint32_t *>(arena.data() +
                                                            record.countOffset)
                       : devicePart<uint32_t>(kCountsAt) + record.countSource;
    params.countLimit = counted ? record.countLimit : UINT32_MAX;
    params.tileDivisor = record.tileDivisor;
    params.tileMultiplier = record.tileMultiplier;
    memcpy(next, &params, sizeof(params));
    next += sizeof(params) / sizeof(uint64_t);
    for (const ModelcOperand &operand :
         tables.operands.subspan(record.firstOperand, record.operandCount))
      *next++ = reinterpret_cast<uintptr_t>(
          resolveOperand(operand, tables, bases, pages));
    step.argumentBytes = size_t(next - step.arguments) * sizeof(uint64_t);
  }
}

modelc_code HipSession::runPass(const StatePages &pages,
                                const ModelcStepInputs &inputs,
                                const Reporter &report) {
  describe(inputs);
  if (pages.tableVersion() != tablesOnDevice &&
      hipStream.upload(pageTables.data(), pages.pageTables(), tableBytes))
    tablesOnDevice = pages.tableVersion();
  const bool isDecode = inputs.tokenCount == 1 && inputs.outputCount == 1;
  if (isDecode && !profiling)
    decode.launch(&hipStream);
  else
    enqueuePass(inputs);
  hipStream.wait();
  if (inputs.outputCount > 1)
    hipStream.download(logitsRows.data(),
                       arena.data() + plan->variant.variant->logitsOffset,
                       inputs.outputCount * rowBytes);
  passLogits = reinterpret_cast<const float *>(
      inputs.outputCount > 1 ? logitsRows.data() : logitsRow.data());
  return check(report);
}

/// Fills the host's block; kernels see the device's addresses.
void HipSession::describe(const ModelcStepInputs &inputs) {
  const auto addArray = [&](uint64_t array, const auto *values,
                            uint32_t count) {
    const uint64_t at = kArraysAt + array * arrayBytes;
    memcpy(hostPart<uint8_t>(at), values, count * sizeof(uint32_t));
    return at;
  };
  const uint32_t tokens = inputs.tokenCount;
  ModelcStepInputs copy = inputs;
  copy.tokens = devicePart<int32_t>(addArray(kTokens, inputs.tokens, tokens));
  copy.positions =
      devicePart<int32_t>(addArray(kPositions, inputs.positions, tokens));
  copy.sequences =
      devicePart<uint32_t>(addArray(kSequences, inputs.sequences, tokens));
  copy.outputRows = devicePart<uint32_t>(
      addArray(kOutputRows, inputs.outputRows, inputs.outputCount));
  copy.pageTables = reinterpret_cast<const uint32_t *>(pageTables.data());
  *hostPart<ModelcStepInputs>(0) = copy;
  *hostPart<PassCounts>(kCountsAt) = PassCounts(inputs);
}

/// Reads only the counts of `inputs`.
bool HipSession::enqueuePass(const ModelcStepInputs &inputs) {
  hipStream.uploadPinned(deviceBlock.data(), hostBlock.data(), blockBytes);
  const PassCounts counts(inputs);
  for (size_t i = 0; i < steps.size() && hipStream.ok(); ++i) {
    const ModelcStep &record = plan->variant.steps[i];
    const uint32_t count = counts.values[comparedCount(record)];
    if (count < record.minCount || count > record.maxCount)
      continue;
    if (profiling)
      profileStep(i, count);
    else
      enqueueStep(i, count);
  }
  if (inputs.outputCount == 1)
    hipStream.downloadPinned(logitsRow.data(),
                             arena.data() + plan->variant.variant->logitsOffset,
                             rowBytes);
  return hipStream.ok();
}

/// A number in the arena is not known here: there is a work-group for each tile
/// that there may be.
bool HipSession::enqueueStep(size_t index, uint32_t count) {
  const ModelcStep &record = plan->variant.steps[index];
  const Step &step = steps[index];
  const bool counted = record.countSource == MODELC_COUNT_ARENA_U32;
  const uint32_t tiles = countTiles(counted ? record.countLimit : count,
                                    record.tileDivisor, record.tileMultiplier);
  const uint32_t groups =
      tiles / step.groupTiles + (tiles % step.groupTiles != 0);
  if (groups == 0 || !hipStream.ok())
    return hipStream.ok();
  size_t argumentBytes = step.argumentBytes;
  void *extra[] = {hipLaunchKey(kHipLaunchBuffer), step.arguments,
                   hipLaunchKey(kHipLaunchBufferBytes), &argumentBytes,
                   hipLaunchKey(kHipLaunchEnd)};
  return hipStream.check("hipModuleLaunchKernel",
                         hipStream.hip().hipModuleLaunchKernel(
                             step.kernel, groups, 1, 1, step.groupThreads, 1, 1,
                             0, hipStream.handle(), nullptr, extra));
}

/// Each step is waited for, so that its time is its own.
bool HipSession::profileStep(size_t index, uint32_t count) {
  const HipLibrary &hip = hipStream.hip();
  HipStream &s = hipStream;
  float milliseconds = 0;
  if (!s.check("hipEventRecord", hip.hipEventRecord(stepBegin, s.handle())) ||
      !enqueueStep(index, count) ||
      !s.check("hipEventRecord", hip.hipEventRecord(stepEnd, s.handle())) ||
      !s.check("hipEventSynchronize", hip.hipEventSynchronize(stepEnd)) ||
      !s.check("hipEventElapsedTime",
               hip.hipEventElapsedTime(&milliseconds, stepBegin, stepEnd)))
    return false;
  StepProfile &profile = profiles[index];
  profile.nanoseconds += uint64_t(double(milliseconds) * 1e6);
  profile.runs += 1;
  profile.counts += count;
  const ModelcStep &record = plan->variant.steps[index];
  if (record.countSource != MODELC_COUNT_ARENA_U32)
    return true;
  uint32_t counter = 0;
  if (!s.download(&counter, arena.data() + record.countOffset, sizeof(counter)))
    return false;
  profile.arenaCounts += std::min(counter, record.countLimit);
  return true;
}

void HipSession::clearProfile() {
  for (StepProfile &profile : profiles)
    profile = {};
}

} // namespace modelc::rt
