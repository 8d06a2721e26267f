//===- Passes.td - Passes of the schedule stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SCHEDULE_PASSES_TD
#define MODELC_COMPILER_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def SchedulePass : Pass<"plan-schedule", "::mlir::ModuleOp"> {
  let summary = "Turn the packed model into steps over named memory";
  let description = [{
    Replaces `@forward` by a `plan.variant` with one `plan.weight` per packed
    weight, two `plan.state` per cache, a `plan.slot` per value, and the steps
    in order of execution. A matmul becomes, for each regime of the target, a
    step that prepares its input and one that multiplies; rotations and head
    norms become part of the step that appends to the cache. A residual is
    added in place where nothing reads it later.

    ```mlir
    %y = model.linear residual %x weights(%w : !pack.tensor<256x256, #l>)
        residual(%r : tensor<?x256xf32>) : ...
    ==>
    plan.step "blk.0.attn_output" @mc_prepare_...(@in, @prepared)
        for tokens in [1, 1] tiles 1 * 1 ...
    plan.step "blk.0.attn_output" @mc_matmul_...(@prepared, @w, @r, @r)
        for tokens in [1, 1] tiles 1 * 16 ...
    ```

    `tuning` cuts kernels otherwise than the target's regimes do, for instance
    `mc_matmul_..._t16_i2x512_avx512vnni:6x2x256x32`: see Tuning.h.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cascadelake\"",
           "Name of the target">,
    Option<"ubatch", "ubatch", "int64_t", /*default=*/"512",
           "Most tokens of one pass">,
    Option<"tuning", "tuning", "std::string", /*default=*/"\"\"",
           "How kernels are cut, as target::Tuning prints it">
  ];
  let statistics = [
    Statistic<"numSteps", "steps", "Number of steps made">,
    Statistic<"numKernels", "kernels", "Number of distinct kernels">
  ];
  let dependentDialects = ["::modelc::plan::PlanDialect"];
}

def InsertBarriersPass : Pass<"plan-insert-barriers",
                              "::modelc::plan::VariantOp"> {
  let summary = "Mark the steps that must wait for all earlier ones";
  let description = [{
    A step gets a barrier if it reads memory that an earlier step writes, or
    writes what an earlier one reads or writes, and no barrier lies between
    them whenever both run. Slots must have their places. Steps whose ranges of
    counts exclude each other never wait for each other.

    ```mlir
    plan.step "a" @k(@x, @y) ...
    plan.step "b" @k(@y, @z) ...
    ==>
    plan.step "a" @k(@x, @y) ...
    plan.step "b" @k(@y, @z) ... barrier ...
    ```
  }];
  let statistics = [
    Statistic<"numBarriers", "barriers", "Number of barriers">
  ];
}

def PlaceArenaPass : Pass<"plan-place-arena", "::modelc::plan::VariantOp"> {
  let summary = "Give every slot an offset in the arena";
  let description = [{
    Slots whose lives do not overlap share bytes; a life lasts from the first
    step that touches the slot to the last. Slots are placed largest first at
    the lowest offset that is free during their life. The slot of the logits
    lives to the end.

    ```mlir
    plan.slot @a bytes 1024
    ==>
    plan.slot @a bytes 1024 at 0
    ```
  }];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "Bytes of the arena">
  ];
}

def PlaceWeightsPass : Pass<"plan-place-weights", "::modelc::plan::VariantOp"> {
  let summary = "Give weights and constants their offsets";
  let description = [{
    Weights lie in the order in which they are declared, that of their first
    use, each on MODELC_WEIGHT_ALIGN, experts (weights of three dimensions) on
    a page. Constants lie on MODELC_BUFFER_ALIGN in their own section.

    ```mlir
    plan.weight @w : !pack.tensor<16x64, #l> reason first_choice
    ==>
    plan.weight @w : !pack.tensor<16x64, #l> reason first_choice at 0
    ```
  }];
  let statistics = [
    Statistic<"weightBytes", "weight-bytes", "Bytes of all packed weights">
  ];
}

#endif // MODELC_COMPILER_SCHEDULE_PASSES_TD
