//===- Estimate.h - Cycles of a plan's steps
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/design/20261124-cost-model.md tells the method and its error.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_ESTIMATE_H
#define MODELC_COMPILER_COST_ESTIMATE_H

#include "compiler/cost/ExpertSpread.h"
#include "compiler/cost/Simulate.h"
#include "load/PlanTables.h"
#include <map>
#include <string>

namespace modelc::cost {

/// One pass of a session.
struct Pass {
  int64_t tokens; ///< 1 .. ubatch, of one sequence.
  int64_t depth;  ///< Tokens of the sequence before these.
};

/// One loop of a kernel, or (depth 0) what lies in none.
struct LoopCost {
  uint64_t address; ///< Of its header, in the code image.
  int64_t depth;
  uint64_t turns; ///< Of all calls.
  /// Instructions and cycles of one turn, without those of inner loops.
  int64_t instructions;
  double turnCycles;
  /// All turns, with ways through the loop that are taken rarely.
  double cycles;
  std::vector<Pressure> pressure; ///< Of a turn; the most taken first.
};

/// One call of a kernel for all tiles of a step, on one thread.
struct KernelCost {
  std::string kernel;
  double cycles = 0;
  uint64_t tileProducts = 0;   ///< TDPBSSD and its like.
  uint64_t vectorProducts = 0; ///< VPDPBUSD.
  uint64_t guesses = 0;        ///< As WalkResult has it.
  std::vector<LoopCost> loops; ///< Those that ran, outer before inner.
};

struct StepCost {
  std::string name;
  /// With ExpertSpread.h's rows of experts where these count its tiles. Null
  /// for a step whose tiles something else counts: no estimate.
  const KernelCost *kernel;
  uint64_t bytes;      ///< Of weights.
  uint64_t operations; ///< Multiply and add.
  /// That the estimate takes to be chosen; 0 for steps without experts.
  uint32_t activeExperts = 0;
};

/// Estimates for one variant of a plan, which must outlive this.
class Estimator {
public:
  /// `target` is the CPU whose scheduling model is used. UNIMPLEMENTED if the
  /// variant has no code of that CPU's architecture, FAILED_PRECONDITION if the
  /// code needs a feature that the CPU lacks.
  static absl::StatusOr<std::unique_ptr<Estimator>>
  create(const rt::PlanTables &tables, uint32_t variant,
         const target::TargetSpec &target);

  /// The steps that run in `pass`, in their order. The kernels' costs belong to
  /// the estimator.
  absl::StatusOr<std::vector<StepCost>> estimate(const Pass &pass);

private:
  /// What does not depend on the pass.
  struct Kernel {
    Flow flow;
    /// By the blocks that were simulated together.
    std::map<std::vector<int64_t>, SimulationResult> simulations;
  };
  using CallKey = std::tuple<uint32_t, uint64_t, uint64_t>;

  Estimator(const rt::PlanTables &tables, uint32_t variant)
      : tables(tables), variant(tables.variantTables(variant)) {}

  absl::StatusOr<Kernel *> getKernel(uint32_t kernel);
  absl::StatusOr<const KernelCost *>
  getCall(const ModelcStep &step, uint64_t count, const Pass &pass,
          const std::optional<ExpertSpread> &spread);
  absl::Status addLoops(Kernel &kernel, const WalkResult &walked,
                        KernelCost &cost);
  absl::StatusOr<const SimulationResult *>
  getSimulation(Kernel &kernel, const std::vector<int64_t> &blocks,
                const TileRows &rows);
  void countProducts(const Flow &flow, const WalkResult &walked,
                     KernelCost &cost) const;

  const rt::PlanTables &tables;
  rt::VariantTables variant;
  std::unique_ptr<Machine> machine;
  std::map<uint32_t, Kernel> kernels;
  std::map<CallKey, KernelCost> calls; ///< Of one pass.
};

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_ESTIMATE_H
