//===- Estimate.cpp - Cycles of a plan's steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   step of the pass
//     ==> its kernel's instructions, blocks, loops      (Machine, Loops)
//     ==> how often each block runs for all its tiles   (Walk)
//     ==> cycles of one turn of each loop               (Simulate)
//     ==> sum of turns x cycles
//
// Layers share kernels, so a kernel is taken apart once, a loop simulated once,
// and a call walked once for each number of tiles.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Estimate.h"
#include "compiler/cost/KernelCall.h"
#include "modelc/cpu_features.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace modelc;
using namespace modelc::cost;

absl::StatusOr<std::unique_ptr<Estimator>>
Estimator::create(const rt::PlanTables &tables, uint32_t variant,
                  const target::TargetSpec &target) {
  auto estimator = std::unique_ptr<Estimator>(new Estimator(tables, variant));
  const rt::VariantTables &v = estimator->variant;
  if (v.variant->deviceKind != MODELC_DEVICE_CPU || v.code.empty())
    return absl::UnimplementedError("variant " + std::to_string(variant) +
                                    ": no machine code to estimate");
  for (unsigned f = 0; f < MODELC_FEATURE_COUNT; ++f)
    if ((v.variant->features & ~target.requiredFeatures) >> f & 1)
      return absl::FailedPreconditionError(
          "variant " + std::to_string(variant) + ": its code needs " +
          modelc_cpu_feature_name(f) + ", which " + target.name.str() +
          " lacks");
  absl::StatusOr<std::unique_ptr<Machine>> machine = Machine::create(target);
  if (!machine.ok())
    return machine.status();
  estimator->machine = *std::move(machine);
  return estimator;
}

/// What the step's count is in a pass; nothing if an earlier step decides.
static std::optional<uint64_t> getCount(const ModelcStep &step,
                                        const Pass &pass) {
  switch (step.countSource) {
  case MODELC_COUNT_TOKENS:
    return static_cast<uint64_t>(pass.tokens);
  case MODELC_COUNT_ARENA_U32:
    return std::nullopt;
  default:
    return 1;
  }
}

absl::StatusOr<std::vector<StepCost>> Estimator::estimate(const Pass &pass) {
  std::vector<StepCost> steps;
  calls.clear();
  for (const ModelcStep &step : variant.steps) {
    std::optional<uint64_t> count = getCount(step, pass);
    uint64_t bound = count.value_or(static_cast<uint64_t>(pass.tokens));
    if (bound < step.minCount || bound > step.maxCount)
      continue;
    std::optional<ExpertSpread> spread;
    if (!count)
      spread = findSpread(tables, variant, step, pass.tokens);
    if (spread)
      count = getCount(*spread, step);
    StepCost cost = {tables.string(step.name), nullptr,
                     step.bytesFixed * (spread ? *count : 1),
                     step.opsPerCount * bound,
                     spread ? spread->activeExperts : 0};
    if (count) {
      absl::StatusOr<const KernelCost *> call =
          getCall(step, *count, pass, spread);
      if (!call.ok())
        return call.status();
      cost.kernel = *call;
    }
    steps.push_back(std::move(cost));
  }
  return steps;
}

/// The kernel's code is what lies before the next one's.
absl::StatusOr<Estimator::Kernel *> Estimator::getKernel(uint32_t kernel) {
  auto [entry, isNew] = kernels.try_emplace(kernel);
  if (!isNew)
    return &entry->second;
  uint64_t begin = variant.kernels[kernel].codeOffset;
  for (const ModelcCodeSegment &segment : variant.codeSegments) {
    uint64_t end = segment.address + segment.fileBytes;
    if (begin < segment.address || begin >= end)
      continue;
    for (const ModelcKernelRecord &other : variant.kernels)
      if (other.codeOffset > begin)
        end = std::min(end, other.codeOffset);
    llvm::ArrayRef<uint8_t> code(variant.code.data() + segment.fileOffset +
                                     (begin - segment.address),
                                 end - begin);
    absl::StatusOr<std::vector<Instruction>> decoded =
        machine->decode(code, begin);
    if (!decoded.ok())
      return decoded.status();
    absl::StatusOr<Flow> flow = findFlow(*machine, *std::move(decoded));
    if (!flow.ok())
      return flow.status();
    entry->second.flow = *std::move(flow);
    return &entry->second;
  }
  return absl::DataLossError("a kernel outside of the code");
}

/// True if both are the same memory.
static bool isSame(const ModelcOperand &a, const ModelcOperand &b) {
  return a.space == b.space && a.index == b.index && a.offset == b.offset;
}

/// What a kernel costs that is called once for all tiles of the step.
absl::StatusOr<const KernelCost *>
Estimator::getCall(const ModelcStep &step, uint64_t count, const Pass &pass,
                   const std::optional<ExpertSpread> &spread) {
  uint64_t tiles =
      llvm::divideCeil(count, uint64_t{step.tileDivisor}) * step.tileMultiplier;
  auto [entry, isNew] = calls.try_emplace({step.kernel, tiles, count});
  KernelCost &cost = entry->second;
  if (!isNew)
    return &cost;
  cost.kernel = tables.string(variant.kernels[step.kernel].name);
  auto fail = [&](const absl::Status &status) {
    return absl::Status(status.code(),
                        cost.kernel + ": " + std::string(status.message()));
  };
  absl::StatusOr<Kernel *> kernel = getKernel(step.kernel);
  if (!kernel.ok())
    return fail(kernel.status());
  KernelCall call(step.operandCount, tiles, count, pass.tokens, pass.depth);
  for (uint16_t i = 0; spread && i < step.operandCount; ++i) {
    const ModelcOperand &operand = variant.operands[step.firstOperand + i];
    if (isSame(operand, *spread->groups))
      call.setOperand(i, spread->groupWords);
    if (isSame(operand, *spread->rows))
      call.setOperand(i, spread->rowWords);
  }
  std::vector<MemoryRange> memory(call.getMemory().begin(),
                                  call.getMemory().end());
  for (const ModelcCodeSegment &segment : variant.codeSegments)
    memory.push_back(
        {segment.address,
         variant.code.subspan(segment.fileOffset, segment.fileBytes)});
  // Half a minute; a step of a prefill with 1B weights has a hundredth.
  constexpr uint64_t kMaxInstructions = 5'000'000'000;
  absl::StatusOr<WalkResult> walked = walk(
      *machine, (*kernel)->flow, call.getParams(), memory, kMaxInstructions);
  if (!walked.ok())
    return fail(walked.status());
  cost.guesses = walked->guesses;
  countProducts((*kernel)->flow, *walked, cost);
  if (absl::Status status = addLoops(**kernel, *walked, cost); !status.ok())
    return fail(status);
  return &cost;
}

void Estimator::countProducts(const Flow &flow, const WalkResult &walked,
                              KernelCost &cost) const {
  for (auto [block, count] : llvm::zip_equal(flow.blocks, walked.counts))
    for (int64_t i = block.first; i < block.end && count > 0; ++i) {
      llvm::StringRef name = machine->getName(flow.instructions[i].inst);
      if (name.starts_with("TDP"))
        cost.tileProducts += count;
      if (name.starts_with("VPDPBUSD"))
        cost.vectorProducts += count;
    }
}

/// A turn is the loop's blocks that run about as often as its header, in their
/// order; a block that runs much more or less often is simulated by itself.
absl::Status Estimator::addLoops(Kernel &kernel, const WalkResult &walked,
                                 KernelCost &cost) {
  for (const Loop &loop : kernel.flow.loops) {
    uint64_t turns = walked.counts[loop.header];
    if (turns == 0)
      continue;
    std::vector<int64_t> turn;
    std::vector<std::vector<int64_t>> parts;
    for (int64_t block : loop.ownBlocks) {
      uint64_t count = walked.counts[block];
      if (2 * count >= turns && 2 * count <= 3 * turns)
        turn.push_back(block);
      else if (count > 0)
        parts.push_back({block});
    }
    parts.insert(parts.begin(), turn);
    LoopCost &entry = cost.loops.emplace_back();
    entry.address =
        kernel.flow.instructions[kernel.flow.blocks[loop.header].first].address;
    entry.depth = loop.depth;
    entry.turns = turns;
    for (const std::vector<int64_t> &part : parts) {
      absl::StatusOr<const SimulationResult *> simulated =
          getSimulation(kernel, part, walked.tileRows);
      if (!simulated.ok())
        return simulated.status();
      bool isTurn = &part == &parts.front();
      uint64_t times = isTurn ? turns : walked.counts[part.front()];
      entry.cycles += static_cast<double>(times) * (*simulated)->cycles;
      if (!isTurn)
        continue;
      entry.turnCycles = (*simulated)->cycles;
      entry.pressure = (*simulated)->pressure;
      for (int64_t block : part)
        entry.instructions +=
            kernel.flow.blocks[block].end - kernel.flow.blocks[block].first;
    }
    cost.cycles += entry.cycles;
  }
  return absl::OkStatus();
}

absl::StatusOr<const SimulationResult *>
Estimator::getSimulation(Kernel &kernel, const std::vector<int64_t> &blocks,
                         const TileRows &rows) {
  auto [entry, isNew] = kernel.simulations.try_emplace(blocks);
  if (!isNew)
    return &entry->second;
  std::vector<const Instruction *> sequence;
  for (int64_t block : blocks)
    for (int64_t i = kernel.flow.blocks[block].first;
         i < kernel.flow.blocks[block].end; ++i)
      sequence.push_back(&kernel.flow.instructions[i]);
  absl::StatusOr<SimulationResult> simulated =
      simulate(*machine, sequence, rows);
  if (!simulated.ok())
    return simulated.status();
  entry->second = *std::move(simulated);
  return &entry->second;
}
