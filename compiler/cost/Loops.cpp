//===- Loops.cpp - Blocks and loops of a kernel's machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   0: test          blocks 0 1 2 3           loop 0: blocks 0 3
//   1:   mov         edges 0-1 0-3 1-2          loop 1: header 1, blocks 1 2
//   2:   jne 1             2-1 2-3
//   3: ret
//
// Blocks begin where branches lead and end with them. An edge to a block that
// dominates its source is a back edge; all back edges to one header are one
// loop. Of cycles with two entries, which compilers make rarely, the blocks
// belong to the loop around.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Loops.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace modelc;
using namespace modelc::cost;

namespace {

class FlowFinder {
public:
  FlowFinder(const Machine &machine, Flow &flow)
      : machine(machine), flow(flow) {}

  absl::Status run();

private:
  absl::Status findBlocks();
  absl::Status findSuccessors();
  void findDominators();
  void findLoops();
  llvm::BitVector getLoopBlocks(int64_t header) const;
  void nestLoops(llvm::ArrayRef<llvm::BitVector> bodies);

  std::optional<uint64_t> getTarget(const Instruction &branch) const;
  absl::Status fail(const Instruction &at, llvm::StringRef what) const;

  const Machine &machine;
  Flow &flow;
  llvm::DenseMap<uint64_t, int64_t> blockAt; ///< By address.
  std::vector<llvm::SmallVector<int64_t, 2>> predecessors;
  /// Bit d of dominators[b]: every way to b passes d. Empty if b is not
  /// reached.
  std::vector<llvm::BitVector> dominators;
};

} // namespace

absl::StatusOr<Flow> cost::findFlow(const Machine &machine,
                                    std::vector<Instruction> instructions) {
  Flow flow;
  flow.instructions = std::move(instructions);
  if (absl::Status status = FlowFinder(machine, flow).run(); !status.ok())
    return status;
  return flow;
}

absl::Status FlowFinder::run() {
  if (absl::Status status = findBlocks(); !status.ok())
    return status;
  if (absl::Status status = findSuccessors(); !status.ok())
    return status;
  findDominators();
  findLoops();
  return absl::OkStatus();
}

absl::Status FlowFinder::fail(const Instruction &at,
                              llvm::StringRef what) const {
  return absl::UnimplementedError(what.str() + " at 0x" +
                                  llvm::utohexstr(at.address, true) +
                                  " of the code");
}

std::optional<uint64_t> FlowFinder::getTarget(const Instruction &branch) const {
  uint64_t target = 0;
  if (!machine.getAnalysis().evaluateBranch(branch.inst, branch.address,
                                            branch.bytes, target))
    return std::nullopt;
  return target;
}

absl::Status FlowFinder::findBlocks() {
  if (flow.instructions.empty())
    return absl::DataLossError("a kernel without instructions");
  std::set<uint64_t> leaders = {flow.instructions.front().address};
  for (const Instruction &instruction : flow.instructions) {
    const llvm::MCInstrDesc &desc = machine.getDesc(instruction.inst);
    if (desc.isCall())
      return fail(instruction, "a call");
    if (!desc.isBranch() && !desc.isReturn())
      continue;
    leaders.insert(instruction.address + instruction.bytes);
    if (desc.isReturn())
      continue;
    std::optional<uint64_t> target = getTarget(instruction);
    if (!target)
      return fail(instruction, "a jump to an unknown place");
    leaders.insert(*target);
  }
  for (auto [i, instruction] : llvm::enumerate(flow.instructions)) {
    auto index = static_cast<int64_t>(i);
    if (leaders.contains(instruction.address)) {
      blockAt[instruction.address] = static_cast<int64_t>(flow.blocks.size());
      flow.blocks.push_back({index, index, {}});
    }
    flow.blocks.back().end = index + 1;
  }
  return absl::OkStatus();
}

absl::Status FlowFinder::findSuccessors() {
  predecessors.resize(flow.blocks.size());
  for (auto [b, block] : llvm::enumerate(flow.blocks)) {
    const Instruction &last = flow.instructions[block.end - 1];
    const llvm::MCInstrDesc &desc = machine.getDesc(last.inst);
    if (desc.isBranch()) {
      auto target = blockAt.find(*getTarget(last));
      if (target == blockAt.end())
        return fail(last, "a jump out of the kernel");
      block.successors.push_back(target->second);
    }
    if (!desc.isBarrier() && b + 1 < flow.blocks.size())
      block.successors.push_back(static_cast<int64_t>(b) + 1);
    for (int64_t successor : block.successors)
      predecessors[successor].push_back(static_cast<int64_t>(b));
  }
  return absl::OkStatus();
}

/// Sets shrink until nothing changes; few blocks, so that will do.
void FlowFinder::findDominators() {
  auto count = static_cast<unsigned>(flow.blocks.size());
  dominators.resize(count);
  dominators[0].resize(count);
  dominators[0].set(0);
  for (bool hasChanged = true; hasChanged;) {
    hasChanged = false;
    for (unsigned b = 1; b < count; ++b) {
      llvm::BitVector common;
      for (int64_t predecessor : predecessors[b]) {
        const llvm::BitVector &other = dominators[predecessor];
        if (other.empty())
          continue;
        if (common.empty())
          common = other;
        else
          common &= other;
      }
      if (common.empty())
        continue;
      common.set(b);
      if (common != dominators[b]) {
        dominators[b] = std::move(common);
        hasChanged = true;
      }
    }
  }
}

/// The header and what leads to its back edges.
llvm::BitVector FlowFinder::getLoopBlocks(int64_t header) const {
  llvm::BitVector body(static_cast<unsigned>(flow.blocks.size()));
  body.set(static_cast<unsigned>(header));
  llvm::SmallVector<int64_t> open;
  auto add = [&](int64_t block) {
    auto index = static_cast<unsigned>(block);
    if (dominators[block].empty() || body.test(index))
      return;
    body.set(index);
    open.push_back(block);
  };
  for (int64_t latch : predecessors[header])
    if (!dominators[latch].empty() &&
        dominators[latch].test(static_cast<unsigned>(header)))
      add(latch);
  while (!open.empty())
    for (int64_t predecessor : predecessors[open.pop_back_val()])
      add(predecessor);
  return body;
}

void FlowFinder::findLoops() {
  std::set<int64_t> headers;
  for (auto [b, block] : llvm::enumerate(flow.blocks)) {
    if (dominators[b].empty())
      continue;
    for (int64_t successor : block.successors)
      if (dominators[b].test(static_cast<unsigned>(successor)))
        headers.insert(successor);
  }
  std::vector<llvm::BitVector> bodies;
  llvm::BitVector all(static_cast<unsigned>(flow.blocks.size()));
  for (auto [b, dominated] : llvm::enumerate(dominators))
    if (!dominated.empty())
      all.set(static_cast<unsigned>(b));
  bodies.push_back(all);
  flow.loops.push_back({0, -1, 0, {}});
  for (int64_t header : headers) {
    flow.loops.push_back({header, 0, 0, {}});
    bodies.push_back(getLoopBlocks(header));
  }
  nestLoops(bodies);
}

/// Sorts the loops by size, the largest first, so that parents come before
/// children, and gives every block to the smallest loop that has it.
void FlowFinder::nestLoops(llvm::ArrayRef<llvm::BitVector> bodies) {
  std::vector<size_t> order(bodies.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  // The whole kernel stays first, also where a loop has all of its blocks.
  llvm::sort(llvm::MutableArrayRef(order).drop_front(), [&](size_t a,
                                                            size_t b) {
    return std::pair(bodies[b].count(), a) < std::pair(bodies[a].count(), b);
  });
  std::vector<Loop> sorted;
  std::vector<int64_t> innermost(flow.blocks.size(), -1);
  for (auto [i, from] : llvm::enumerate(order)) {
    Loop loop = flow.loops[from];
    if (i > 0) {
      loop.parent = innermost[loop.header];
      loop.depth = sorted[loop.parent].depth + 1;
    }
    for (unsigned b : bodies[from].set_bits())
      innermost[b] = static_cast<int64_t>(i);
    sorted.push_back(std::move(loop));
  }
  for (auto [b, loop] : llvm::enumerate(innermost))
    if (loop >= 0)
      sorted[loop].ownBlocks.push_back(static_cast<int64_t>(b));
  flow.loops = std::move(sorted);
}
