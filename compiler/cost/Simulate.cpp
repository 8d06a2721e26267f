//===- Simulate.cpp - Cycles of a sequence of instructions, by LLVM's MCA
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   MCInst ==> mca::Instruction of LLVM ==> the same with a descriptor of ours,
//   where target/Timing.h says other ==> Pipeline, n and 3n times
//
// Cycles of one time are those of the last 2n times: filling and emptying the
// pipeline drop out.
//
//===----------------------------------------------------------------------===//

#include "compiler/cost/Simulate.h"
#include "compiler/target/Timing.h"
#include "llvm/MCA/Context.h"
#include "llvm/MCA/CustomBehaviour.h"
#include "llvm/MCA/HWEventListener.h"
#include "llvm/MCA/InstrBuilder.h"
#include "llvm/MCA/Pipeline.h"
#include "llvm/MCA/Support.h"
#include "llvm/Support/GlobPattern.h"

using namespace modelc;
using namespace modelc::cost;
namespace mca = llvm::mca;

namespace {

/// Builds the instructions that a pipeline takes. Owns their descriptors.
class InstructionMaker {
public:
  InstructionMaker(const Machine &machine, const TileRows &rows)
      : machine(machine), rows(rows),
        manager(machine.getSubtarget(), machine.getInstructions()),
        builder(machine.getSubtarget(), machine.getInstructions(),
                machine.getRegisters(), &machine.getAnalysis(), manager,
                /*CallLatency=*/100) {
    const llvm::MCSchedModel &model = machine.getSubtarget().getSchedModel();
    masks.resize(model.getNumProcResourceKinds());
    mca::computeProcResourceMasks(model, masks);
  }

  using Instructions = std::vector<std::unique_ptr<mca::Instruction>>;

  /// Appends what the instruction is to the pipeline: mostly one.
  absl::Status add(const Instruction &instruction, Instructions &out);

private:
  using Resources = decltype(mca::InstrDesc::Resources);

  uint64_t getMask(llvm::StringRef resource) const;
  llvm::ArrayRef<const target::ResourceCorrection *>
  getCorrections(const llvm::MCInst &inst);
  void correct(const target::ResourceCorrection &correction,
               Resources &resources) const;
  int64_t getTileRows(const llvm::MCInst &inst) const;
  mca::InstrDesc &makeDesc(const mca::InstrDesc &model,
                           const Resources &resources);
  mca::InstrDesc &makeTileDesc(const mca::InstrDesc &model,
                               const target::TileTiming &timing, int64_t rows,
                               bool isLast);
  void addTile(const mca::Instruction &made, const target::TileTiming &timing,
               int64_t rows, Instructions &out);
  std::unique_ptr<mca::Instruction> copyWith(const mca::Instruction &from,
                                             const mca::InstrDesc &desc) const;

  const Machine &machine;
  const TileRows &rows;
  mca::InstrumentManager manager;
  mca::InstrBuilder builder;
  std::vector<uint64_t> masks; ///< Of each resource.
  std::vector<std::unique_ptr<mca::InstrDesc>> descs;
  /// By opcode.
  llvm::DenseMap<unsigned,
                 llvm::SmallVector<const target::ResourceCorrection *, 2>>
      corrections;
};

/// Adds up how long each unit of a resource is taken.
class PressureCounter : public mca::HWEventListener {
public:
  using HWEventListener::onEvent;
  void onEvent(const mca::HWInstructionEvent &event) override {
    if (event.Type != mca::HWInstructionEvent::Issued)
      return;
    const auto &issued =
        static_cast<const mca::HWInstructionIssuedEvent &>(event);
    for (const mca::ResourceUse &use : issued.UsedResources)
      cycles[use.first.first] += static_cast<double>(use.second);
  }
  llvm::DenseMap<uint64_t, double> cycles; ///< By number in LLVM's model.
};

} // namespace

static bool matches(llvm::StringRef pattern, llvm::StringRef name) {
  llvm::Expected<llvm::GlobPattern> glob =
      llvm::GlobPattern::create(pattern, /*MaxSubPatterns=*/64);
  if (!glob) {
    llvm::consumeError(glob.takeError());
    return false;
  }
  return glob->match(name);
}

/// True for an exclusive or of a vector with itself: the result does not wait
/// for the source, which not all of LLVM's models say.
static bool isVectorZero(const Machine &machine, const llvm::MCInst &inst) {
  return matches("V{PXOR,XORP}*rr", machine.getName(inst)) &&
         inst.getNumOperands() == 3 &&
         inst.getOperand(1).getReg() == inst.getOperand(2).getReg();
}

/// True if writes of vector registers clear what is above them: all of VEX and
/// EVEX do. LLVM does not see that an XMM register is part of a ZMM register.
static bool clearsAbove(const Machine &machine, const mca::Instruction &from,
                        const mca::WriteState &write) {
  llvm::StringRef opcode = machine.getInstructions().getName(from.getOpcode());
  llvm::StringRef reg = machine.getRegisters().getName(write.getRegisterID());
  return write.clearsSuperRegisters() ||
         (opcode.starts_with("V") &&
          (reg.starts_with("XMM") || reg.starts_with("YMM")));
}

uint64_t InstructionMaker::getMask(llvm::StringRef resource) const {
  const llvm::MCSchedModel &model = machine.getSubtarget().getSchedModel();
  for (unsigned i = 1; i < model.getNumProcResourceKinds(); ++i)
    if (model.getProcResource(i)->Name == resource)
      return masks[i];
  return 0;
}

/// The corrections that this machine's model needs for an opcode.
llvm::ArrayRef<const target::ResourceCorrection *>
InstructionMaker::getCorrections(const llvm::MCInst &inst) {
  auto [entry, isNew] = corrections.try_emplace(inst.getOpcode());
  if (!isNew)
    return entry->second;
  const llvm::MCSubtargetInfo &subtarget = machine.getSubtarget();
  for (const target::ResourceCorrection &c : target::getResourceCorrections())
    // CPUs share models.
    if (&subtarget.getSchedModelForCPU(c.cpu) == &subtarget.getSchedModel() &&
        matches(c.opcode, machine.getName(inst)))
      entry->second.push_back(&c);
  return entry->second;
}

/// Applies a correction, if the resource that it is about is there.
void InstructionMaker::correct(const target::ResourceCorrection &correction,
                               Resources &resources) const {
  uint64_t from = getMask(correction.from), to = getMask(correction.to);
  Resources kept;
  bool isFound = false;
  for (const auto &[mask, usage] : resources) {
    bool isMeant = correction.from.empty() || mask == from;
    isFound |= isMeant;
    if (!isMeant)
      kept.emplace_back(mask, usage);
  }
  if (!isFound)
    return;
  if (to)
    kept.emplace_back(to, mca::ResourceUsage(mca::CycleSegment(
                              0, static_cast<unsigned>(correction.cycles))));
  resources = kept;
}

/// The rows of the tile that is moved, or of A; 0 if the instruction is none of
/// tiles.
int64_t InstructionMaker::getTileRows(const llvm::MCInst &inst) const {
  int64_t found = 0;
  for (const llvm::MCOperand &operand : inst) {
    if (!operand.isReg() || !operand.getReg())
      continue;
    llvm::StringRef name = machine.getRegisters().getName(operand.getReg());
    unsigned tile = 0;
    // Of a product C and C again come first; A has as many rows as C.
    if (name.consume_front("TMM") && !name.getAsInteger(10, tile) &&
        tile < rows.size() && found == 0)
      found = rows[tile];
  }
  return found;
}

/// A copy of `model`'s descriptor with other resources.
mca::InstrDesc &InstructionMaker::makeDesc(const mca::InstrDesc &model,
                                           const Resources &resources) {
  mca::InstrDesc &desc =
      *descs.emplace_back(std::make_unique<mca::InstrDesc>());
  desc.Writes = model.Writes;
  desc.Reads = model.Reads;
  desc.Resources = resources;
  desc.UsedBuffers = model.UsedBuffers;
  desc.UsedProcResUnits = desc.UsedProcResGroups = 0;
  for (const auto &[mask, usage] : resources) {
    if (llvm::popcount(mask) == 1)
      desc.UsedProcResUnits |= mask;
    else
      desc.UsedProcResGroups |= mask;
  }
  desc.MaxLatency = model.MaxLatency;
  desc.NumMicroOps = model.NumMicroOps;
  desc.SchedClassID = model.SchedClassID;
  desc.MustIssueImmediately = model.MustIssueImmediately;
  desc.IsRecyclable = false;
  desc.HasPartiallyOverlappingGroups = model.HasPartiallyOverlappingGroups;
  return desc;
}

/// The descriptor of a micro-operation of a tile instruction; `isLast` for the
/// one that writes.
mca::InstrDesc &InstructionMaker::makeTileDesc(const mca::InstrDesc &model,
                                               const target::TileTiming &timing,
                                               int64_t rows, bool isLast) {
  Resources resources;
  for (const target::TileResource &use : timing.resources) {
    auto cycles = static_cast<unsigned>(use.cycles > 0 ? use.cycles : rows);
    if (uint64_t mask = getMask(use.resource))
      resources.emplace_back(mask,
                             mca::ResourceUsage(mca::CycleSegment(0, cycles)));
  }
  mca::InstrDesc &desc = makeDesc(model, resources);
  desc.NumMicroOps = 1;
  desc.MaxLatency = static_cast<unsigned>(timing.latency);
  for (mca::WriteDescriptor &write : desc.Writes)
    write.Latency = static_cast<unsigned>(timing.latency);
  if (!isLast)
    desc.Writes.clear();
  return desc;
}

/// The micro-operations of a tile instruction. Of those that load rows the last
/// gives the tile: rows come in order.
void InstructionMaker::addTile(const mca::Instruction &made,
                               const target::TileTiming &timing, int64_t rows,
                               Instructions &out) {
  int64_t parts = timing.isByRow ? rows : 1;
  for (int64_t part = 0; part < parts; ++part)
    out.push_back(copyWith(
        made, makeTileDesc(made.getDesc(), timing, rows, part + 1 == parts)));
}

absl::Status InstructionMaker::add(const Instruction &instruction,
                                   Instructions &out) {
  const llvm::MCInst &inst = instruction.inst;
  llvm::StringRef name = machine.getName(inst);
  llvm::Expected<std::unique_ptr<mca::Instruction>> made =
      builder.createInstruction(inst, {});
  if (!made)
    return absl::InternalError("cannot simulate " + name.str() + ": " +
                               llvm::toString(made.takeError()));
  if (int64_t rows = getTileRows(inst))
    for (const target::TileTiming &timing : target::getTileTimings())
      if (matches(timing.opcode, name)) {
        addTile(**made, timing, rows, out);
        return absl::OkStatus();
      }
  const mca::InstrDesc *desc = &(*made)->getDesc();
  if (!getCorrections(inst).empty()) {
    Resources resources = desc->Resources;
    for (const target::ResourceCorrection *correction : getCorrections(inst))
      correct(*correction, resources);
    desc = &makeDesc(*desc, resources);
  }
  std::unique_ptr<mca::Instruction> copy = copyWith(**made, *desc);
  if (isVectorZero(machine, inst))
    for (mca::ReadState &read : copy->getUses())
      read.setIndependentFromDef();
  out.push_back(std::move(copy));
  return absl::OkStatus();
}

/// The instruction with another descriptor, which has the same operands.
std::unique_ptr<mca::Instruction>
InstructionMaker::copyWith(const mca::Instruction &from,
                           const mca::InstrDesc &desc) const {
  auto copy = std::make_unique<mca::Instruction>(desc, from.getOpcode());
  copy->getUses().append(from.getUses().begin(), from.getUses().end());
  // Optional registers that are not written have descriptors but no states;
  // those that have are alike in what a state takes from them.
  if (!desc.Writes.empty())
    for (const auto &[i, write] : llvm::enumerate(from.getDefs()))
      copy->getDefs().emplace_back(desc.Writes[i], write.getRegisterID(),
                                   clearsAbove(machine, from, write),
                                   write.isWriteZero());
  copy->setLoadBarrier(from.isALoadBarrier());
  copy->setStoreBarrier(from.isAStoreBarrier());
  copy->setMayLoad(from.getMayLoad());
  copy->setMayStore(from.getMayStore());
  copy->setHasSideEffects(from.getHasSideEffects());
  copy->setBeginGroup(from.getBeginGroup());
  copy->setEndGroup(from.getEndGroup());
  copy->setRetireOOO(from.getRetireOOO());
  if (from.isOptimizableMove())
    copy->setOptimizableMove();
  return copy;
}

namespace {

/// One run of the pipeline.
struct PipelineRun {
  double cycles;
  llvm::DenseMap<uint64_t, double> taken; ///< Cycles, by resource number.
};

} // namespace

static absl::StatusOr<PipelineRun>
runPipeline(const Machine &machine,
            llvm::ArrayRef<std::unique_ptr<mca::Instruction>> sequence,
            unsigned times) {
  mca::CircularSourceMgr source(sequence, times);
  mca::CustomBehaviour behaviour(machine.getSubtarget(), source,
                                 machine.getInstructions());
  mca::Context context(machine.getRegisters(), machine.getSubtarget());
  mca::PipelineOptions options(0, 0, 0, 0, 0, 0, /*NoAlias=*/true);
  std::unique_ptr<mca::Pipeline> pipeline =
      context.createDefaultPipeline(options, source, behaviour);
  PressureCounter counter;
  pipeline->addEventListener(&counter);
  llvm::Expected<unsigned> cycles = pipeline->run();
  if (!cycles)
    return absl::InternalError(llvm::toString(cycles.takeError()));
  return PipelineRun{static_cast<double>(*cycles), std::move(counter.cycles)};
}

absl::StatusOr<SimulationResult>
cost::simulate(const Machine &machine,
               std::span<const Instruction *const> sequence,
               const TileRows &rows) {
  SimulationResult result;
  InstructionMaker maker(machine, rows);
  InstructionMaker::Instructions instructions;
  for (const Instruction *instruction : sequence) {
    // MCA warns of returns, which end no loop.
    if (machine.getDesc(instruction->inst).isReturn())
      continue;
    if (absl::Status status = maker.add(*instruction, instructions);
        !status.ok())
      return status;
  }
  if (instructions.empty())
    return result;
  // So many that several times the window of the core go through.
  constexpr size_t kInstructions = 1500;
  auto times = static_cast<unsigned>(
      std::max<size_t>(2, kInstructions / instructions.size()));
  absl::StatusOr<PipelineRun> first = runPipeline(machine, instructions, times);
  if (!first.ok())
    return first.status();
  absl::StatusOr<PipelineRun> all =
      runPipeline(machine, instructions, 3 * times);
  if (!all.ok())
    return all.status();
  double cycles = all->cycles - first->cycles;
  result.cycles = cycles / (2 * times);
  const llvm::MCSchedModel &model = machine.getSubtarget().getSchedModel();
  for (unsigned i = 1; i < model.getNumProcResourceKinds(); ++i) {
    const llvm::MCProcResourceDesc &resource = *model.getProcResource(i);
    double taken = all->taken.lookup(i) - first->taken.lookup(i);
    if (taken > 0)
      result.pressure.push_back(
          {resource.Name, taken / resource.NumUnits / cycles});
  }
  llvm::sort(result.pressure, [](const Pressure &a, const Pressure &b) {
    return std::tie(b.share, a.resource) < std::tie(a.share, b.resource);
  });
  return result;
}
