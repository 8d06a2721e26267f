//===- Passes.td - Passes of the layout stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_LAYOUT_PASSES_TD
#define MODELC_COMPILER_LAYOUT_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignLayoutsPass : Pass<"pack-assign-layouts", "::mlir::ModuleOp"> {
  let summary = "Choose a layout for every weight, with a reason";
  let description = [{
    Each `model.weight` that is read gets one `pack.repack`, placed behind its
    first `model.get_weight`; ops then read the packed weight. Further
    `model.get_weight` of the same weight, and those that nothing reads, go.

    The layout is the first of an ordered list, per use, that has a kernel of
    the target for the weight's type:

    | use | layouts | reason |
    |---|---|---|
    | matmul, also if gathered too | panel | `first_choice` |
    | expert: gate, up, down | panel | `first_choice` |
    | gather alone | mapped | `gather_only` |
    | vector: norm, bias | mapped | `not_a_matmul` |

    A weight that gets a later layout of its list takes as its reason why the
    first was refused; `fallback` marks matmul and expert
    weights of which this is true.

    ```mlir
    %w = model.get_weight @w : tensor<64x64x!model.ggml<q8_0>>
    %y = model.linear <store> %x weights(%w : ...) : ...
    ==>
    %w = model.get_weight @w : tensor<64x64x!model.ggml<q8_0>>
    %p = pack.repack %w {reason = #pack.reason<first_choice>}
        : tensor<64x64x!model.ggml<q8_0>> -> !pack.tensor<64x64, #q8_0_n16k64>
    %y = model.linear <store> %x weights(%p : ...) : ...
    ```

    Fails if a weight's type has no kernel on the target, and if an op other
    than those above reads a weight.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"cascadelake\"",
           "Name of the target">
  ];
  let statistics = [
    Statistic<"numWeights", "weights", "Number of weights given a layout">,
    Statistic<"numFallbacks", "fallbacks",
              "Number of matmul weights without their first layout">
  ];
  let dependentDialects = ["::modelc::pack::PackDialect"];
}

#endif // MODELC_COMPILER_LAYOUT_PASSES_TD
