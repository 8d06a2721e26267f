//===- PlanOps.td - Operations of the plan dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANOPS_TD
#define MODELC_DIALECTS_PLAN_PLANOPS_TD

include "dialects/pack/PackTypes.td"
include "dialects/plan/PlanAttrs.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Plan_Op<string mnemonic, list<Trait> traits = []>
    : Op<Plan_Dialect, mnemonic, traits>;

def Plan_VariantOp : Plan_Op<"variant",
    [Symbol, SymbolTable, NoTerminator, SingleBlock, IsolatedFromAbove]> {
  let summary = "A way to run the model on one kind of machine";
  let description = [{
    Holds all records of one ModelcVariant: weights, constants, states, slots,
    kernels, and steps in order of execution. `features` are bits
    MODELC_FEATURE_*. `logits` names the slot that holds the logits.

    ```mlir
    plan.variant @cascadelake ubatch 512 features 1023 logits @logits {
      ...
    }
    ```

    Constraints:
    * (C1) ubatch is positive.
    * (C2) logits names a plan.slot.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$ubatch,
                       I64Attr:$features, FlatSymbolRefAttr:$logits,
                       OptionalAttr<I64Attr>:$arenaBytes);
  let extraClassDeclaration = [{
    /// Bytes of scratch that a worker needs: the most of any kernel.
    int64_t getScratchBytes();
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `ubatch` $ubatch `features` $features `logits` $logits
    (`arena` $arenaBytes^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Plan_WeightOp : Plan_Op<"weight", [Symbol, HasParent<"VariantOp">]> {
  let summary = "A packed weight and its place in the weights section";
  let description = [{
    Record ModelcWeight. The name is that of the `model.weight` it holds.

    ```mlir
    plan.weight @output_norm.weight : !pack.tensor<256, #layout> reason
        <first_choice> at 4096
    ```

    Constraints:
    * (C1) the offset, if placed, is a multiple of MODELC_WEIGHT_ALIGN.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
                       Pack_ReasonAttr:$reason, UnitAttr:$fallback,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = [{
    $sym_name `:` $type `reason` $reason (`fallback` $fallback^)?
    (`at` $offset^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::modelc::pack::PackedTensorType getPackedType() {
      return ::llvm::cast<::modelc::pack::PackedTensorType>(getType());
    }
  }];
}

def Plan_ConstantOp : Plan_Op<"constant", [Symbol, HasParent<"VariantOp">]> {
  let summary = "Numbers that kernels read";
  let description = [{
    Bytes of the CONSTANTS section, computed at compile time.

    ```mlir
    plan.constant @rope_frequencies dense<[1.0, 0.5]> : tensor<2xf64>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = "$sym_name $value (`at` $offset^)? attr-dict";
}

def Plan_StateOp : Plan_Op<"state", [Symbol, HasParent<"VariantOp">]> {
  let summary = "Memory that outlives a step";
  let description = [{
    Record ModelcState. With `page`, of kind PAGED: a pool of pages of
    MODELC_PAGE_TOKENS tokens. With a window, no token reads what is so many
    positions or more before it. With `sequence`, of kind SEQUENCE: so many
    bytes for each sequence, whatever its length, that cannot be rolled back.

    ```mlir
    plan.state @kv.0.k page 16384
    plan.state @delta.0 sequence 65536
    ```

    Constraints:
    * (C1) there is either a page or a sequence, a positive multiple of
      MODELC_BUFFER_ALIGN bytes.
    * (C2) a window stands with a page; it is positive, and below 2^31.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<I64Attr>:$pageBytes,
                       OptionalAttr<I64Attr>:$sequenceBytes,
                       OptionalAttr<I64Attr>:$window);
  let assemblyFormat = [{
    $sym_name (`page` $pageBytes^)? (`sequence` $sequenceBytes^)?
    (`window` $window^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_SlotOp : Plan_Op<"slot", [Symbol, HasParent<"VariantOp">]> {
  let summary = "A piece of the arena";
  let description = [{
    ```mlir
    plan.slot @x bytes 524288 at 0
    ```

    Constraints:
    * (C1) bytes is positive; the offset, if placed, is a multiple of
      MODELC_BUFFER_ALIGN.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$bytes,
                       OptionalAttr<I64Attr>:$offset);
  let assemblyFormat = "$sym_name `bytes` $bytes (`at` $offset^)? attr-dict";
  let hasVerifier = 1;
}

def Plan_KernelOp : Plan_Op<"kernel", [Symbol, HasParent<"VariantOp">]> {
  let summary = "A kernel to be emitted";
  let description = [{
    Record ModelcKernelRecord. The symbol is the name in the object code.

    ```mlir
    plan.kernel @mc_embed_f16_k256_avx512vnni #plan.embed<...>
    ```

    Constraints:
    * (C1) the specification implements KernelSpecInterface.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, AnyAttr:$spec);
  let assemblyFormat = "$sym_name $spec attr-dict";
  let hasVerifier = 1;
}

def Plan_StepOp : Plan_Op<"step", [HasParent<"VariantOp">]> {
  let summary = "One kernel call over a range of tiles";
  let description = [{
    Record ModelcStep. Runs if the count c has min <= c <= max, over
    ceil(c / divisor) * multiplier tiles, after a barrier if it has one.
    Operands are symbols of weights, slots, states and constants.

    With a counter, a u32 that an earlier step wrote into a slot, min and max
    are still bounds of the number of tokens, but the count is that number, at
    most `limit`; `bytes` are then those for one of it, `ops` those for one
    token.

    ```mlir
    plan.step "blk.0.attn_output" @mc_matmul_... [@a, @w, @x, @x]
        for tokens in [13, 512] tiles 12 * 16 barrier bytes 65536 ops 131072
    plan.step "blk.0.ffn_gate_exps" @mc_experts_... [@in, @g, @u, @groups, @h]
        for tokens in [1, 1] counter @counts[0] limit 2 tiles 1 * 16
        bytes 65536 ops 262144
    ```

    Constraints:
    * (C1) the kernel and each operand are symbols of the variant, of a kernel
      and of memory.
    * (C2) there are as many operands as the kernel's specification has.
    * (C3) 0 <= min <= max, divisor and multiplier are positive.
    * (C4) what the kernel writes is a slot or a state.
    * (C5) a counter is a u32 inside a slot, with a positive limit; its step is
      one for tokens.
  }];
  let arguments = (ins StrAttr:$name, FlatSymbolRefAttr:$kernel,
                       TypedArrayAttrBase<FlatSymbolRefAttr,
                                          "symbols">:$operands_,
                       Plan_CountSourceAttr:$count, I64Attr:$min, I64Attr:$max,
                       I64Attr:$divisor, I64Attr:$multiplier,
                       UnitAttr:$barrier, I64Attr:$bytesFixed,
                       I64Attr:$opsPerCount,
                       OptionalAttr<FlatSymbolRefAttr>:$counter,
                       OptionalAttr<I64Attr>:$counterByte,
                       OptionalAttr<I64Attr>:$limit);
  let assemblyFormat = [{
    $name $kernel $operands_ `for` $count `in` ` ` `[` $min `,` $max `]`
    (`counter` $counter^ `` `[` $counterByte `]` `limit` $limit)?
    `tiles` $divisor `*` $multiplier (`barrier` $barrier^)?
    `bytes` $bytesFixed `ops` $opsPerCount attr-dict
  }];
  let extraClassDeclaration = [{
    /// The kernel's specification. Expects verified IR.
    ::modelc::plan::KernelSpecInterface getSpec();
  }];
}

#endif // MODELC_DIALECTS_PLAN_PLANOPS_TD
