//===- Passes.td - Passes of code generation for AMD GPUs
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_PASSES_TD
#define MODELC_COMPILER_CODEGEN_HIP_PASSES_TD

include "mlir/Pass/PassBase.td"

def DistributeLanesPass : Pass<"hip-distribute-lanes", "::mlir::ModuleOp"> {
  let summary = "Deal the elements of vectors out to the lanes of DPP rows";
  let description = [{
    Kernels are written with vectors of 16 elements, or a multiple of that, and
    scalars. Here they become code of one work-item: lane i of a row of 16 has
    elements i * m .. i * m + m - 1 of a vector of 16 * m, and every lane has
    all scalars, and all of vectors of fewer than 16 elements.

    | vector of 16 * m | in a lane |
    |---|---|
    | arithmetic, comparison, conversion | the same, of m elements |
    | load, store, gather, scatter | of its own elements, under its own mask |
    | shuffle inside lanes | the same |
    | rotation of lanes | DPP `row_ror` |
    | extract, splat of an element | DPP `row_share` |
    | other shuffles | `ds_bpermute` and selects |
    | reduction | DPP rotations by 8, 4, 2, 1 |
    | constant | selects by the lane's number |

    ```mlir
    %v = llvm.load %p {alignment = 4 : i64} : !llvm.ptr -> vector<16xf32>
    %w = arith.addf %v, %v : vector<16xf32>
    ==>
    %lane = ... rocdl.workitem.id.x ...
    %q = llvm.getelementptr %p[%lane * 4] : (!llvm.ptr, i64) -> !llvm.ptr, i8
    %v = llvm.load %q {alignment = 4 : i64} : !llvm.ptr -> f32
    %w = arith.addf %v, %v : f32
    ```

    Lanes of a wave run together, but LLVM, which sees one of them, may move a
    load past a store of other addresses, which another lane reads. A fence of
    the wave's scope, for which there is no instruction, stands between accesses
    by lanes to the same memory.

    Fails at an op that kernels for GPUs do not have.
  }];
  let options = [
    Option<"target", "target", "std::string", /*default=*/"\"gfx942\"",
           "Name of the target">
  ];
  let statistics = [
    Statistic<"numShuffles", "shuffles",
              "Number of moves from lane to lane by ds_bpermute">,
    Statistic<"numFences", "fences", "Number of fences">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::ROCDL::ROCDLDialect", "::mlir::scf::SCFDialect"
  ];
}

#endif // MODELC_COMPILER_CODEGEN_HIP_PASSES_TD
