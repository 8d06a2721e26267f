//===- ModelRecurrentOps.td - Ops of layers that remember in a fixed size
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of ModelOps.td, which includes it and has the classes that it uses.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELRECURRENTOPS_TD
#define MODELC_DIALECTS_MODEL_MODELRECURRENTOPS_TD

def Model_ColumnsOp : Model_Op<"columns", [Pure]> {
  let summary = "Some columns of each of many equal groups";
  let description = [{
    result[t][i] = x[t][(i / length) * period + first + i % length]: of each
    `period` columns the `length` from `first` on, as where a head's query and
    its gate stand beside each other.

    ```mlir
    %q = model.columns %x {first = 0 : i64, length = 64 : i64,
        period = 128 : i64} : tensor<?x512xf32> -> tensor<?x256xf32>
    ```

    Constraints:
    * (C1) 0 <= first, 0 < length, first + length <= period.
    * (C2) the columns of x are whole periods, those of the result as many
      lengths.
  }];
  let arguments = (ins Model_Activations:$x, I64Attr:$first, I64Attr:$length,
                       I64Attr:$period);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}

def Model_CausalConvOp : Model_Op<"causal_conv",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
     AllTypesMatch<["x", "result"]>]> {
  let summary = "Short causal convolution of each column, then silu";
  let description = [{
    With x(p) the row of x at position p of the token's sequence, 0 before the
    sequence:

    result[t][c] = silu(sum_j weight[c][j] * x(p - taps + 1 + j)[c])

    The state holds the last taps - 1 rows of each sequence.

    ```mlir
    %y = model.causal_conv %x, %w in @conv.0
        : tensor<?x512xf32>, tensor<512x4xf32>
    ```

    Constraints:
    * (C1) the symbol is a `model.state` [taps - 1][columns of x].
    * (C2) the weight is f32 [columns of x][taps].
  }];
  let arguments = (ins Model_Activations:$x, Model_Weight:$weight,
                       FlatSymbolRefAttr:$state);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $weight `in` $state attr-dict `:` type($x) `,` type($weight)
  }];
}

def Model_DeltaRuleOp : Model_Op<"delta_rule",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Gated delta rule: attention by a matrix for each head";
  let description = [{
    The state of a sequence is a matrix S for each of `heads` heads. The columns
    of x are q and k of `keyHeads` heads each, then v of `heads` heads. Head h
    reads q and k of key head h / (heads / keyHeads), or, if `tiled`,
    h % keyHeads. For the tokens of a sequence in order, with

    q' = q / sqrt(q . q + eps) / sqrt(keyDim), k' = k / sqrt(k . k + eps),
    g = exp(rate[h] * softplus(decay[t][h] + bias[h])),
    b = sigmoid(beta[t][h]):

    S = g * S; S = S + k' (x) b * (v - k' S); result[t][h] = q' S.

    Source: Yang, Kautz, Hatamizadeh, "Gated Delta Networks" (2024), and the
    gates of Qwen3-Next. docs/numerics.md gives every rounding.

    ```mlir
    %o = model.delta_rule %x, %decay, %beta rate(%a : tensor<4xf32>)
        bias(%d : tensor<4xf32>) in @delta.0 {keyHeads = 2 : i64,
        eps = 1.0e-06 : f32}
        : tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>
        -> tensor<?x256xf32>
    ```

    Constraints:
    * (C1) the symbol is a `model.state` [heads][keyDim][valueDim].
    * (C2) heads is a multiple of keyHeads.
    * (C3) x has 2 * keyHeads * keyDim + heads * valueDim columns, decay and
      beta have heads, the result heads * valueDim; rate and bias are of heads.
  }];
  let arguments = (ins Model_Activations:$x, Model_Activations:$decay,
                       Model_Activations:$beta, Model_Vector:$rate,
                       Model_Vector:$bias, FlatSymbolRefAttr:$state,
                       I64Attr:$keyHeads, UnitAttr:$tiled, F32Attr:$eps);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $decay `,` $beta `rate` `(` $rate `:` type($rate) `)` `bias` `(`
    $bias `:` type($bias) `)` `in` $state attr-dict `:` type($x) `,`
    type($decay) `,` type($beta) `->` type($result)
  }];
}

#endif // MODELC_DIALECTS_MODEL_MODELRECURRENTOPS_TD
