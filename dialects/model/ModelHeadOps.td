//===- ModelHeadOps.td - Operations on heads: rotation, attention
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of ModelOps.td, which includes it behind the classes and types that
// are used here.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELHEADOPS_TD
#define MODELC_DIALECTS_MODEL_MODELHEADOPS_TD

def Model_HeadMatmulOp : Model_Op<"head_matmul", [Pure]> {
  let summary = "Each head times a transposed weight matrix of its own";
  let description = [{
    With x cut into heads of `headDim` elements and a weight [heads][n][k],

    result[t][h * n + i] = sum_j x[t][h * headDim + j] * weight[h][i][j]

    over the first k elements of a head; the others are not read.

    ```mlir
    %y = model.head_matmul %x, %w {headDim = 96 : i64}
        : tensor<?x384xf32>, tensor<4x128x64xf16> -> tensor<?x512xf32>
    ```

    Constraints:
    * (C1) the weight has three dimensions [heads][n][k], k at most headDim.
    * (C2) x has heads * headDim columns, the result heads * n.
  }];
  let arguments = (ins Model_Activations:$x, Model_Weight:$weight,
                       I64Attr:$headDim);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $weight attr-dict `:` type($x) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Model_JoinHeadsOp : Model_Op<"join_heads", [Pure]> {
  let summary = "Heads made of parts of other heads, side by side";
  let description = [{
    Head h of the result is, one behind the other for all `sources`, elements
    [begins[i], begins[i] + counts[i]) of head h of source i, whose heads have
    `dims[i]` elements. A source of one head gives that one to all heads.

    ```mlir
    %y = model.join_heads %a, %b {heads = 4 : i64, dims = array<i64: 96, 128>,
        begins = array<i64: 64, 0>, counts = array<i64: 32, 128>}
        : tensor<?x384xf32>, tensor<?x128xf32> -> tensor<?x640xf32>
    ```

    Constraints:
    * (C1) there is a source, and dims, begins and counts have an element for
      each.
    * (C2) a source has dims columns or heads times as many.
    * (C3) parts lie inside heads, and have elements.
    * (C4) the result has heads times the sum of counts columns.
  }];
  let arguments = (ins Variadic<Model_Activations>:$sources, I64Attr:$heads,
                       DenseI64ArrayAttr:$dims, DenseI64ArrayAttr:$begins,
                       DenseI64ArrayAttr:$counts);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $sources attr-dict `:` type($sources) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Model_RopeTableOp : Model_Op<"rope_table", [Pure]> {
  let summary = "Cosines and sines of every token's rotation angles";
  let description = [{
    result[t][2i] = cos, result[t][2i + 1] = sin of
    positions[t] * frequency(i) / divisors[i], times the attention factor;
    angles are formed and reduced in double (docs/numerics.md). One table
    serves all layers with the same parameters. Divisors (Llama 3's
    rope_freqs.weight) are values, not a weight: they are folded into the
    frequencies at compile time. With `temper`, which scales the queries of
    attention by position, the row of a token is multiplied by
    temper[positions[t] / temperLength], or its last element beyond.

    ```mlir
    %cs = model.rope_table %positions {rope = #rope}
        : tensor<?xi32> -> tensor<?x64xf32>
    ```

    Constraints:
    * (C1) the result has rope.dims columns.
    * (C2) there are dims/2 divisors, if any.
    * (C3) there is a positive temperLength if and only if there is a temper,
      which is not empty.
  }];
  let arguments = (ins Model_Ids:$positions, Model_RopeAttr:$rope,
                       OptionalAttr<DenseF32ArrayAttr>:$divisors,
                       OptionalAttr<DenseF32ArrayAttr>:$temper,
                       OptionalAttr<I64Attr>:$temperLength);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $positions attr-dict `:` type($positions) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Model_RopeOp : Model_Op<"rope", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Rotates the pairs of every head";
  let description = [{
    With (a, b) the i-th pair of a head and (c, s) the table's cos and sin:
    a' = a*c - b*s, b' = a*s + b*c. Elements from `dims` on are unchanged.

    ```mlir
    %y = model.rope %x, %cs {headDim = 64 : i64,
        pairing = #model.rope_pairing<adjacent>}
        : tensor<?x256xf32>, tensor<?x64xf32>
    ```

    Constraints:
    * (C1) the columns of x are a multiple of headDim.
    * (C2) the table has no more columns than headDim.
  }];
  let arguments = (ins Model_Activations:$x, Model_Activations:$table,
                       I64Attr:$headDim, Model_RopePairingAttr:$pairing);
  let results = (outs Model_Activations:$result);
  let assemblyFormat =
      "$x `,` $table attr-dict `:` type($x) `,` type($table)";
  let hasVerifier = 1;
}

def Model_AttentionOp : Model_Op<"attention",
    [AttrSizedOperandSegments,
     DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Causal attention over a cache that it extends";
  let description = [{
    Appends k and v of every token to its sequence's cache, rounded to the
    cache's type, then for each token t and head h (its kv head being
    h / (heads / kvHeads)):

    result[t][h] = sum_j softmax_j(scale * q[t][h] . K[j]) * V[j]
    over the cached positions j <= position(t).

    * `window`: only positions j > position(t) - window.
    * `cap`: of a score s, cap * tanh(s / cap).
    * `sinks`: softmax counts one more score, sinks[h], whose value is 0.

    A shared cache has no v: V[j] is the last valueDim elements of K[j].

    ```mlir
    %o = model.attention %q, %k, %v in @kv.0 {heads = 4 : i64,
        scale = 1.25e-01 : f32}
        : tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>
        -> tensor<?x256xf32>
    ```

    Constraints:
    * (C1) the symbol is a `model.cache`.
    * (C2) q has heads * keyDim columns, k has kvHeads * keyDim, v has
      kvHeads * valueDim, the result heads * valueDim. There is a v if and only
      if the cache is not shared.
    * (C3) heads is a multiple of kvHeads.
    * (C4) window and cap are positive, if there are any.
    * (C5) there are as many sinks as heads, if any.
  }];
  let arguments = (ins Model_Activations:$q, Model_Activations:$k,
                       Optional<Model_Activations>:$v,
                       Optional<Model_Vector>:$sinks,
                       FlatSymbolRefAttr:$cache, I64Attr:$heads, F32Attr:$scale,
                       OptionalAttr<I64Attr>:$window,
                       OptionalAttr<F32Attr>:$cap);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $q `,` $k (`,` $v^)? (`sinks` `(` $sinks^ `:` type($sinks) `)`)?
    `in` $cache attr-dict `:` type($q) `,` type($k) (`,` type($v)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // MODELC_DIALECTS_MODEL_MODELHEADOPS_TD
