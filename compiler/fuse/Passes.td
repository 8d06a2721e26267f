//===- Passes.td - Passes of the fuse stage
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_FUSE_PASSES_TD
#define MODELC_COMPILER_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseLinearPass : Pass<"model-fuse-linear", "::mlir::func::FuncOp"> {
  let summary = "Give every matmul what goes before and after it";
  let description = [{
    Each `model.matmul` becomes a `model.linear`, which then takes in, one
    after the other:

    * a `model.add_bias` on its only use;
    * the `model.rms_norm` that makes its input, if the norm spans whole rows
      and everything else that reads the norm takes it in too. Norm weights
      never enter the matmul's weights: packing is lossless;
    * the `model.select_rows` below that norm, under the same condition;
    * a `model.add` on its only use, as the residual.

    `model.experts` takes in the norm and the residual under the same
    conditions.

    What does not match stays as it is. docs/numerics.md gives fused and
    separate ops the same bits.

    ```mlir
    %n = model.rms_norm %x, %g eps 1.0e-05 : ...
    %z = model.matmul %n, %w : ...
    %y = model.add %x, %z : ...
    ==>
    %y = model.linear <residual> %x norm(%g : ...) weights(%w : ...)
        residual(%x : ...) {eps = 1.0e-05 : f32} : ...
    ```
  }];
  let statistics = [
    Statistic<"numLinears", "linears", "Number of matmuls turned into linears">,
    Statistic<"numFused", "fused", "Number of ops that linears took in">
  ];
  let dependentDialects = ["::modelc::model::ModelDialect"];
}

def FuseGluPass : Pass<"model-fuse-glu", "::mlir::func::FuncOp"> {
  let summary = "Make gate, up and their activation one linear";
  let description = [{
    Two linears `store` over the same prepared input, each read by one
    `model.glu` only, become one linear `glu`. Either both have a bias or
    neither has, and both weights are block-quantised or neither is.

    ```mlir
    %a = model.linear <store> %x weights(%gate : ...) : ...
    %b = model.linear <store> %x weights(%up : ...) : ...
    %y = model.glu <silu> %a, %b : ...
    ==>
    %y = model.linear <glu> %x weights(%gate, %up : ...)
        {activation = #model.activation<silu>} : ...
    ```
  }];
  let statistics = [
    Statistic<"numFused", "fused", "Number of gated units fused">
  ];
  let dependentDialects = ["::modelc::model::ModelDialect"];
}

def FuseSharedInputPass : Pass<"model-fuse-shared-input",
                               "::mlir::func::FuncOp"> {
  let summary = "Make one linear of all that prepare the same input";
  let description = [{
    Linears `store` of one block over the same x, rows, norm and eps become
    one linear with all their weights, in their order, where the first of them
    stood: q, k and v then share one quantised input. They need not agree in
    weight types or rows, but either all weights are block-quantised or none
    is, and either all have biases or none has. Linears whose weights are not
    `model.get_weight` results stay as they are.

    Runs after model-fuse-glu, which wants gate and up apart.

    ```mlir
    %q = model.linear <store> %x weights(%wq : ...) : ...
    %k = model.linear <store> %x weights(%wk : ...) : ...
    ==>
    %q, %k = model.linear <store> %x weights(%wq, %wk : ...) : ...
    ```
  }];
  let statistics = [
    Statistic<"numMerged", "merged", "Number of linears merged into another">
  ];
  let dependentDialects = ["::modelc::model::ModelDialect"];
}

#endif // MODELC_COMPILER_FUSE_PASSES_TD
