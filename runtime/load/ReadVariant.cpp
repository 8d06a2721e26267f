//===- ReadVariant.cpp - The tables that belong to one variant
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sections KERNELS .. WEIGHT_TABLE of variant v
//   ==> the certainty that every kernel begins inside the code, that every
//       operand lies inside what it names, and that every step's kernel,
//       operands, counts and tiles exist; so that a session resolves them to
//       pointers without a check.
//
// Assumes that the section table and the plan-wide tables are right. What the
// format reserves for later versions is refused as UNIMPLEMENTED.
//
//===----------------------------------------------------------------------===//

#include "load/CodeObject.h"
#include "load/Memory.h"
#include "load/ReadPlan.h"
#include "modelc/kernel_abi.h"
#include <inttypes.h>

namespace modelc::rt {

/// Addresses that a code image may span. A model's kernels have about 1 MB.
static constexpr uint64_t kMaxCodeImageBytes = uint64_t(1) << 30;
/// Tiles of one step, so that they fit a kernel's 32-bit tile numbers.
static constexpr uint64_t kMaxTiles = INT32_MAX;
/// Of what HIP launches: work-items of a work-group, and of a launch (a 32-bit
/// number in the AQL packet); bytes of a kernel's arguments, which the language
/// that HIP is guarantees.
static constexpr uint32_t kMaxGroupThreads = 1024;
static constexpr uint64_t kMaxLaunchThreads = UINT32_MAX;
static constexpr size_t kMaxArgumentBytes = 4096;

namespace {

/// The checks of one variant.
class VariantReader {
public:
  VariantReader(const ReadOptions &options, const Reporter &report,
                const PlanTables &tables, uint32_t index)
      : options(options), report(report), plan(tables), index(index),
        tables(tables.variantTables(index)),
        isHip(this->tables.variant->deviceKind == MODELC_DEVICE_HIP) {}

  modelc_code checkCode() const;
  modelc_code checkHipCode() const;
  modelc_code checkKernel(size_t i) const;
  modelc_code checkHipKernel(size_t i) const;
  modelc_code checkWeight(size_t i) const;
  modelc_code checkState(size_t i) const;
  modelc_code checkOperand(size_t i) const;
  modelc_code checkStep(size_t i) const;
  modelc_code checkAll() const;

private:
  modelc_code checkSegment(size_t i) const;
  modelc_code checkOperandRange(size_t i, const char *space,
                                uint64_t limit) const;
  modelc_code checkStepCounts(size_t i) const;
  modelc_code checkHipStep(size_t i, uint64_t tiles) const;
  modelc_code checkCounter(size_t i) const;
  /// Fails unless `offset` is a string.
  modelc_code checkString(const char *table, size_t i, const char *field,
                          uint32_t offset) const;

  const ReadOptions &options;
  const Reporter &report;
  const PlanTables &plan;
  const uint32_t index;
  const VariantTables tables;
  const bool isHip;
};

} // namespace

modelc_code readVariant(const ReadOptions &options, const Reporter &report,
                        const PlanTables &tables, uint32_t variant) {
  return VariantReader(options, report, tables, variant).checkAll();
}

modelc_code VariantReader::checkAll() const {
  if (modelc_code code = checkCode())
    return code;
  for (size_t i = 0; i < tables.kernels.size(); ++i)
    if (modelc_code code = checkKernel(i))
      return code;
  for (size_t i = 0; i < tables.weights.size(); ++i)
    if (modelc_code code = checkWeight(i))
      return code;
  for (size_t i = 0; i < tables.states.size(); ++i)
    if (modelc_code code = checkState(i))
      return code;
  for (size_t i = 0; i < tables.operands.size(); ++i)
    if (modelc_code code = checkOperand(i))
      return code;
  for (size_t i = 0; i < tables.steps.size(); ++i)
    if (modelc_code code = checkStep(i))
      return code;
  return MODELC_OK;
}

modelc_code VariantReader::checkString(const char *table, size_t i,
                                       const char *field,
                                       uint32_t offset) const {
  if (isString(plan, offset))
    return MODELC_OK;
  return report.damaged("%s %zu: %s: string %" PRIu32 " out of range [0, %zu)",
                        table, i, field, offset, plan.strings.size());
}

modelc_code VariantReader::checkHipCode() const {
  if (!tables.codeSegments.empty())
    return report.damaged("variant %" PRIu32 ": has CODE_SEGMENTS on a GPU",
                          index);
  if (tables.code.empty())
    return report.damaged("variant %" PRIu32 ": CODE is missing", index);
  if (const char *fault = findCodeObjectFault(tables.code))
    return report.damaged("variant %" PRIu32 ": CODE %s", index, fault);
  return MODELC_OK;
}

modelc_code VariantReader::checkCode() const {
  if (isHip)
    return checkHipCode();
  if (tables.code.empty() != tables.codeSegments.empty())
    return report.damaged("variant %" PRIu32
                          ": has one of CODE and CODE_SEGMENTS, needs both",
                          index);
  if (tables.code.empty() && !options.codeIsOptional)
    return report.damaged("variant %" PRIu32 ": CODE is missing", index);
  if (tables.codeSegments.size() > MODELC_MAX_CODE_SEGMENTS)
    return report.damaged(
        "variant %" PRIu32 ": %zu code segments, expected at most %d", index,
        tables.codeSegments.size(), MODELC_MAX_CODE_SEGMENTS);
  for (size_t i = 0; i < tables.codeSegments.size(); ++i)
    if (modelc_code code = checkSegment(i))
      return code;
  return MODELC_OK;
}

modelc_code VariantReader::checkSegment(size_t i) const {
  const ModelcCodeSegment &segment = tables.codeSegments[i];
  if (segment.memoryBytes != segment.fileBytes)
    return report.unsupported("code segment %zu: memoryBytes 0x%" PRIx64
                              ", expected fileBytes 0x%" PRIx64,
                              i, segment.memoryBytes, segment.fileBytes);
  if (segment.fileBytes == 0)
    return report.damaged("code segment %zu: is empty", i);
  if (!isInside(segment.fileOffset, segment.fileBytes, tables.code.size()))
    return report.damaged("code segment %zu: offset 0x%" PRIx64 " + 0x%" PRIx64
                          " bytes passes CODE's 0x%zx",
                          i, segment.fileOffset, segment.fileBytes,
                          tables.code.size());
  if (segment.fileOffset % MODELC_PLAN_PAGE_BYTES !=
      segment.address % MODELC_PLAN_PAGE_BYTES)
    return report.damaged("code segment %zu: fileOffset 0x%" PRIx64
                          " and address 0x%" PRIx64
                          " differ modulo the page size",
                          i, segment.fileOffset, segment.address);
  if (!isInside(segment.address, segment.memoryBytes, kMaxCodeImageBytes))
    return report.damaged("code segment %zu: address 0x%" PRIx64 " + 0x%" PRIx64
                          " bytes passes the largest image, 0x%" PRIx64,
                          i, segment.address, segment.memoryBytes,
                          kMaxCodeImageBytes);
  if (i == 0)
    return MODELC_OK;
  const ModelcCodeSegment &before = tables.codeSegments[i - 1];
  const uint64_t pageEnd =
      alignUp(before.address + before.memoryBytes, MODELC_PLAN_PAGE_BYTES);
  if (segment.address < pageEnd)
    return report.damaged("code segment %zu: address 0x%" PRIx64
                          " before the end of the last segment's page, "
                          "0x%" PRIx64,
                          i, segment.address, pageEnd);
  return MODELC_OK;
}

modelc_code VariantReader::checkKernel(size_t i) const {
  const ModelcKernelRecord &kernel = tables.kernels[i];
  if (modelc_code code = checkString("kernel", i, "name", kernel.name))
    return code;
  if (isHip)
    return checkHipKernel(i);
  if (kernel.groupThreads != 0 || kernel.groupTiles != 0)
    return report.damaged("kernel %zu (%s): has work-groups on a CPU", i,
                          plan.string(kernel.name));
  if (tables.codeSegments.empty())
    return MODELC_OK;
  for (const ModelcCodeSegment &segment : tables.codeSegments)
    if (kernel.codeOffset >= segment.address &&
        kernel.codeOffset - segment.address < segment.memoryBytes)
      return MODELC_OK;
  return report.damaged("kernel %zu (%s): codeOffset 0x%" PRIx64
                        " is in no code segment",
                        i, plan.string(kernel.name), kernel.codeOffset);
}

modelc_code VariantReader::checkHipKernel(size_t i) const {
  const ModelcKernelRecord &kernel = tables.kernels[i];
  const char *name = plan.string(kernel.name);
  if (kernel.groupThreads < 1 || kernel.groupThreads > kMaxGroupThreads)
    return report.damaged("kernel %zu (%s): groupThreads %d out of range [1, "
                          "%" PRIu32 "]",
                          i, name, kernel.groupThreads, kMaxGroupThreads);
  if (kernel.groupTiles == 0)
    return report.damaged("kernel %zu (%s): groupTiles 0, expected 1 or more",
                          i, name);
  if (kernel.codeOffset != 0)
    return report.damaged("kernel %zu (%s): codeOffset 0x%" PRIx64
                          ", expected 0 on a GPU",
                          i, name, kernel.codeOffset);
  return MODELC_OK;
}

modelc_code VariantReader::checkWeight(size_t i) const {
  const ModelcWeight &weight = tables.weights[i];
  if (modelc_code code = checkString("weight", i, "name", weight.name))
    return code;
  if (modelc_code code = checkString("weight", i, "layout", weight.layout))
    return code;
  const char *name = plan.string(weight.name);
  if (weight.offset % MODELC_WEIGHT_ALIGN != 0)
    return report.damaged("weight %zu (%s): offset 0x%" PRIx64
                          " not %d-aligned",
                          i, name, weight.offset, MODELC_WEIGHT_ALIGN);
  if (!isInside(weight.offset, weight.sizeBytes, tables.weightBytes.size()))
    return report.damaged("weight %zu (%s): offset 0x%" PRIx64 " + 0x%" PRIx64
                          " bytes passes WEIGHTS' 0x%zx",
                          i, name, weight.offset, weight.sizeBytes,
                          tables.weightBytes.size());
  if (i > 0) {
    const ModelcWeight &before = tables.weights[i - 1];
    if (weight.offset < before.offset + before.sizeBytes)
      return report.damaged("weight %zu (%s): offset 0x%" PRIx64
                            " before the end of %s at 0x%" PRIx64,
                            i, name, weight.offset, plan.string(before.name),
                            before.offset + before.sizeBytes);
  }
  if (weight.rank < 1 || weight.rank > std::size(weight.dims))
    return report.damaged("weight %zu (%s): rank %" PRIu32
                          " out of range [1, 4]",
                          i, name, weight.rank);
  for (uint32_t d = weight.rank; d < std::size(weight.dims); ++d)
    if (weight.dims[d] != 1)
      return report.damaged("weight %zu (%s): unused dimension %" PRIu32
                            " is %" PRIu64 ", expected 1",
                            i, name, d, weight.dims[d]);
  if (weight.reserved != 0)
    return report.damaged("weight %zu (%s): reserved is not zero", i, name);
  return MODELC_OK;
}

modelc_code VariantReader::checkState(size_t i) const {
  const ModelcState &state = tables.states[i];
  if (modelc_code code = checkString("state", i, "name", state.name))
    return code;
  const char *name = plan.string(state.name);
  if (state.kind == MODELC_STATE_RING)
    return report.unsupported("state %zu (%s): kind %d is reserved", i, name,
                              state.kind);
  const bool isPaged = state.kind == MODELC_STATE_PAGED;
  if (!isPaged && state.kind != MODELC_STATE_SEQUENCE)
    return report.unsupported("state %zu (%s): unknown kind %d", i, name,
                              state.kind);
  if (state.flags & ~MODELC_STATE_CAN_ROLL_BACK)
    return report.unsupported("state %zu (%s): unknown flags 0x%x", i, name,
                              state.flags);
  const uint64_t bytes = isPaged ? state.pageBytes : state.sequenceBytes;
  if (bytes == 0 || bytes % MODELC_BUFFER_ALIGN != 0)
    return report.damaged(
        "state %zu (%s): %s %" PRIu64 " not a positive multiple of %d", i, name,
        isPaged ? "pageBytes" : "sequenceBytes", bytes, MODELC_BUFFER_ALIGN);
  if (isPaged && state.sequenceBytes != 0)
    return report.damaged("state %zu (%s): sequenceBytes %" PRIu64
                          ", expected 0 for a paged state",
                          i, name, state.sequenceBytes);
  if (!isPaged && (state.pageBytes != 0 || state.windowTokens != 0))
    return report.damaged("state %zu (%s): pageBytes %" PRIu64
                          " and windowTokens %" PRIu64
                          ", expected 0 for a state of sequences",
                          i, name, state.pageBytes, state.windowTokens);
  if (!isPaged && (state.flags & MODELC_STATE_CAN_ROLL_BACK))
    return report.damaged("state %zu (%s): a state of sequences that can be "
                          "rolled back",
                          i, name);
  if (state.windowTokens > INT32_MAX)
    return report.damaged("state %zu (%s): windowTokens %" PRIu64
                          " out of range [0, %" PRId32 "]",
                          i, name, state.windowTokens, INT32_MAX);
  return MODELC_OK;
}

modelc_code VariantReader::checkOperand(size_t i) const {
  const ModelcOperand &operand = tables.operands[i];
  if (operand.device != 0)
    return report.unsupported("operand %zu: device %d, expected 0", i,
                              operand.device);
  const bool indexed = operand.space == MODELC_SPACE_WEIGHTS ||
                       operand.space == MODELC_SPACE_STATE;
  if (!indexed && operand.index != 0)
    return report.damaged("operand %zu: index %" PRIu32 ", expected 0", i,
                          operand.index);
  switch (operand.space) {
  case MODELC_SPACE_WEIGHTS:
    if (operand.index >= tables.weights.size())
      return report.damaged("operand %zu: weight %" PRIu32
                            " out of range [0, %zu)",
                            i, operand.index, tables.weights.size());
    return checkOperandRange(i, plan.string(tables.weights[operand.index].name),
                             tables.weights[operand.index].sizeBytes);
  case MODELC_SPACE_ARENA:
    if (operand.offset % MODELC_BUFFER_ALIGN != 0)
      return report.damaged("operand %zu: arena offset 0x%" PRIx64
                            " not %d-aligned",
                            i, operand.offset, MODELC_BUFFER_ALIGN);
    return checkOperandRange(i, "the arena", tables.variant->arenaBytes);
  case MODELC_SPACE_STATE:
    if (operand.index >= tables.states.size())
      return report.damaged("operand %zu: state %" PRIu32
                            " out of range [0, %zu)",
                            i, operand.index, tables.states.size());
    if (operand.offset != 0)
      return report.damaged("operand %zu: state offset 0x%" PRIx64
                            ", expected 0",
                            i, operand.offset);
    // One of them is 0.
    return checkOperandRange(i, "the state's page",
                             tables.states[operand.index].pageBytes |
                                 tables.states[operand.index].sequenceBytes);
  case MODELC_SPACE_INPUTS:
    if (operand.offset != 0)
      return report.damaged("operand %zu: inputs offset 0x%" PRIx64
                            ", expected 0",
                            i, operand.offset);
    return checkOperandRange(i, "the step inputs", sizeof(ModelcStepInputs));
  case MODELC_SPACE_CONSTANTS:
    return checkOperandRange(i, "CONSTANTS", tables.constants.size());
  case MODELC_SPACE_SCRATCH:
    return report.unsupported("operand %zu: space %d (scratch) is reserved", i,
                              operand.space);
  default:
    return report.unsupported("operand %zu: unknown space %d", i,
                              operand.space);
  }
}

modelc_code VariantReader::checkOperandRange(size_t i, const char *space,
                                             uint64_t limit) const {
  const ModelcOperand &operand = tables.operands[i];
  if (isInside(operand.offset, operand.sizeBytes, limit))
    return MODELC_OK;
  return report.damaged("operand %zu: offset 0x%" PRIx64 " + 0x%" PRIx64
                        " bytes passes the 0x%" PRIx64 " of %s",
                        i, operand.offset, operand.sizeBytes, limit, space);
}

modelc_code VariantReader::checkStep(size_t i) const {
  const ModelcStep &step = tables.steps[i];
  if (modelc_code code = checkString("step", i, "name", step.name))
    return code;
  if (step.kernel >= tables.kernels.size())
    return report.damaged("step %zu: kernel %" PRIu32 " out of range [0, %zu)",
                          i, step.kernel, tables.kernels.size());
  if (!isInside(step.firstOperand, step.operandCount, tables.operands.size()))
    return report.damaged("step %zu: operands [%" PRIu32 ", +%d) out of range "
                          "[0, %zu)",
                          i, step.firstOperand, step.operandCount,
                          tables.operands.size());
  if (step.flags & ~MODELC_STEP_BARRIER)
    return report.unsupported("step %zu: unknown flags 0x%x", i, step.flags);
  if (step.device != 0)
    return report.unsupported("step %zu: device %d, expected 0", i,
                              step.device);
  if (step.reserved0 != 0)
    return report.damaged("step %zu: reserved is not zero", i);
  return checkStepCounts(i);
}

/// Of the number in the arena that is a step's count.
modelc_code VariantReader::checkCounter(size_t i) const {
  const ModelcStep &step = tables.steps[i];
  if (step.countSource != MODELC_COUNT_ARENA_U32) {
    if (step.countOffset != 0 || step.countLimit != 0)
      return report.damaged("step %zu: countOffset 0x%" PRIx64
                            " and countLimit %" PRIu32 ", expected 0",
                            i, step.countOffset, step.countLimit);
    return MODELC_OK;
  }
  if (step.countOffset % sizeof(uint32_t) != 0 ||
      !isInside(step.countOffset, sizeof(uint32_t), tables.variant->arenaBytes))
    return report.damaged("step %zu: countOffset 0x%" PRIx64
                          " is no u32 of the arena's 0x%" PRIx64 " bytes",
                          i, step.countOffset, tables.variant->arenaBytes);
  if (step.countLimit == 0)
    return report.damaged("step %zu: countLimit 0, expected 1 or more", i);
  return MODELC_OK;
}

modelc_code VariantReader::checkStepCounts(size_t i) const {
  const ModelcStep &step = tables.steps[i];
  if (step.countSource == MODELC_COUNT_LENGTH)
    return report.unsupported("step %zu: countSource %d is reserved", i,
                              step.countSource);
  if (step.countSource > MODELC_COUNT_ARENA_U32)
    return report.unsupported("step %zu: unknown countSource %d", i,
                              step.countSource);
  if (modelc_code code = checkCounter(i))
    return code;
  if (step.minCount > step.maxCount)
    return report.damaged("step %zu: minCount %" PRIu32
                          " above maxCount %" PRIu32,
                          i, step.minCount, step.maxCount);
  if (step.tileDivisor == 0 || step.tileMultiplier == 0)
    return report.damaged("step %zu: tileDivisor %" PRIu32
                          " and tileMultiplier %" PRIu32 ", expected 1 or more",
                          i, step.tileDivisor, step.tileMultiplier);
  uint64_t count = tables.variant->ubatch;
  if (step.countSource == MODELC_COUNT_ONE)
    count = 1;
  if (step.countSource == MODELC_COUNT_ARENA_U32)
    count = step.countLimit;
  const uint64_t groups = (count + step.tileDivisor - 1) / step.tileDivisor;
  const uint64_t tiles = groups * step.tileMultiplier; // < 2^20 x 2^32
  if (tiles > kMaxTiles)
    return report.damaged("step %zu: %" PRIu64 " tiles for count %" PRIu64
                          ", at most %" PRIu64,
                          i, tiles, count, kMaxTiles);
  return isHip ? checkHipStep(i, tiles) : MODELC_OK;
}

/// Assumes a checked kernel; `tiles` are those of the largest count.
modelc_code VariantReader::checkHipStep(size_t i, uint64_t tiles) const {
  const ModelcStep &step = tables.steps[i];
  const ModelcKernelRecord &kernel = tables.kernels[step.kernel];
  const uint64_t groups = (tiles + kernel.groupTiles - 1) / kernel.groupTiles;
  if (groups * kernel.groupThreads > kMaxLaunchThreads)
    return report.damaged("step %zu: %" PRIu64 " work-groups of %d, at most "
                          "%" PRIu64 " work-items",
                          i, groups, kernel.groupThreads, kMaxLaunchThreads);
  const size_t argumentBytes =
      sizeof(ModelcDeviceParams) + step.operandCount * sizeof(uint64_t);
  if (argumentBytes > kMaxArgumentBytes)
    return report.damaged("step %zu: %zu bytes of arguments, at most %zu", i,
                          argumentBytes, kMaxArgumentBytes);
  return MODELC_OK;
}

} // namespace modelc::rt
