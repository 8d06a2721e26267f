//===- ModelOps.td - Operations of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_MODEL_MODELOPS_TD
#define MODELC_DIALECTS_MODEL_MODELOPS_TD

include "dialects/model/ModelAttrs.td"
include "dialects/model/ModelInterfaces.td"
include "dialects/model/ModelTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Model_Op<string mnemonic, list<Trait> traits = []>
    : Op<Model_Dialect, mnemonic, traits>;

// Activations: [tokens][features], f32, number of tokens dynamic.
def Model_Activations : Type<
    CPred<"::modelc::model::isActivations($_self)">,
    "2D tensor of f32 [tokens][features]", "::mlir::RankedTensorType">;
def Model_Ids : Type<
    And<[RankedTensorOf<[I32]>.predicate, HasAnyRankOfPred<[1]>]>,
    "1D tensor of i32 [tokens]", "::mlir::RankedTensorType">;
// Chosen experts: [tokens][slots], i32.
def Model_Slots : Type<
    CPred<"::modelc::model::isSlots($_self)">,
    "2D tensor of i32 [tokens][slots]", "::mlir::RankedTensorType">;
// A vector: a tensor, or a type with WeightTypeInterface.
def Model_Vector : Type<
    CPred<"::modelc::model::isFloatVector($_self)">, "1D weight of f32">;
// A matrix [rows][k]: a tensor, or a type with WeightTypeInterface.
def Model_Weight : Type<
    Or<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
        CPred<"::llvm::isa<::modelc::model::WeightTypeInterface>($_self)">]>,
    "weight matrix [rows][k]">;

//===----------------------------------------------------------------------===//
// What a model is made of
//===----------------------------------------------------------------------===//

def Model_WeightOp : Model_Op<"weight", [Symbol]> {
  let summary = "A tensor of the source file, by reference to its bytes";
  let description = [{
    Declares a weight: the bytes [offset, offset + size) of file `shard` of the
    source, where size follows from the type. The bytes are never copied into
    the IR.

    ```mlir
    model.weight @"output_norm.weight" : tensor<256xf32> at 4096 in 0
    ```

    Constraints:
    * (C1) the type is a ranked tensor of 1 to 4 dimensions, all positive,
      whose element type is `!model.ggml`, f16, bf16, f32, f64, i8, i16, i32
      or i64.
    * (C2) the last dimension is a multiple of the type's block.
    * (C3) offset and shard are not negative.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type,
                       I64Attr:$offset, I32Attr:$shard);
  let assemblyFormat =
      "$sym_name `:` $type `at` $offset `in` $shard attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getTensorType();
  }];
}

def Model_CacheOp : Model_Op<"cache", [Symbol]> {
  let summary = "Keys and values of one attention layer, for every sequence";
  let description = [{
    Declares state that outlives a step: for each past token of a sequence,
    `kvHeads` keys of `keyDim` and values of `valueDim` elements of `type`. If
    `shared`, a value is the last `valueDim` elements of its key, and only keys
    are kept (multi-head latent attention).

    ```mlir
    model.cache @kv.0 : 2 x (64, 64) x f16
    model.cache @latent.0 : 1 x (576, 512) x f16 {shared}
    ```

    Constraints:
    * (C1) heads and dimensions are positive.
    * (C2) type is f16 or `!model.ggml<q8_0>`, whose blocks divide the
      dimensions.
    * (C3) if shared, a value is no longer than a key.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$kvHeads,
                       I64Attr:$keyDim, I64Attr:$valueDim, TypeAttr:$type,
                       UnitAttr:$shared);
  let assemblyFormat = [{
    $sym_name `:` $kvHeads `x` ` ` `(` $keyDim `,` $valueDim `)` `x` $type
    attr-dict
  }];
  let hasVerifier = 1;
}

def Model_StateOp : Model_Op<"state", [Symbol]> {
  let summary = "What one layer remembers of each sequence, whatever its "
                "length";
  let description = [{
    Declares state that outlives a step, of one size for each sequence. It is
    zero where a sequence begins.

    ```mlir
    model.state @delta.0 : tensor<4x64x64xf32>
    ```

    Constraints:
    * (C1) the type is a static tensor of f32 with positive dimensions.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<int64_t> getShape() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType()).getShape();
    }
  }];
}

def Model_GetWeightOp : Model_Op<"get_weight",
    [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The tensor of a declared weight";
  let description = [{
    ```mlir
    %w = model.get_weight @"output_norm.weight" : tensor<256xf32>
    ```

    Constraints:
    * (C1) the symbol is a `model.weight` of the result's type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

//===----------------------------------------------------------------------===//
// What a model computes, as imported
//===----------------------------------------------------------------------===//

def Model_EmbedOp : Model_Op<"embed", [Pure]> {
  let summary = "Rows of a table by token id or position";
  let description = [{
    result[t][i] = table[tokens[t]][i], decoded to f32, times `scale` if there
    is one. Ids may be positions (learned ones, GPT-2); those beyond the table
    read its last row.

    ```mlir
    %x = model.embed %tokens, %w
        : tensor<?xi32>, tensor<512x256xf16> -> tensor<?x256xf32>
    ```

    Constraints:
    * (C1) the result has as many columns as the table.
  }];
  let arguments = (ins Model_Ids:$tokens, Model_Weight:$table,
                       OptionalAttr<F32Attr>:$scale);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $tokens `,` $table attr-dict `:` type($tokens) `,` type($table) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Model_RmsNormOp : Model_Op<"rms_norm",
    [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Root mean square normalisation of rows";
  let description = [{
    result[t][i] = x[t][i] / sqrt(mean_j(x[t][j]^2) + eps) * weight[i], where
    rows are first cut into groups as long as `weight` (a head's norm).
    docs/numerics.md gives every rounding. Fusion lets the op take in the sum
    after it: result = residual + that.

    ```mlir
    %y = model.rms_norm %x, %w eps 1.0e-05
        : tensor<?x256xf32>, tensor<256xf32>
    ```

    Constraints:
    * (C1) the columns of x are a multiple of the weight's length.
    * (C2) a residual has the type of x.
  }];
  let arguments = (ins Model_Activations:$x, Model_Vector:$weight,
                       Optional<Model_Activations>:$residual, F32Attr:$eps);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $weight (`residual` `(` $residual^ `:` type($residual) `)`)?
    `eps` $eps attr-dict `:` type($x) `,` type($weight)
  }];
  let hasVerifier = 1;
}

def Model_LayerNormOp : Model_Op<"layer_norm",
    [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Normalisation of rows by mean and variance";
  let description = [{
    With d[t][i] = x[t][i] - mean_j(x[t][j]), result[t][i] =
    d[t][i] / sqrt(mean_j(d[t][j]^2) + eps) * weight[i] + bias[i].
    docs/numerics.md gives every rounding.

    ```mlir
    %y = model.layer_norm %x, %w, %b eps 1.0e-05
        : tensor<?x256xf32>, tensor<256xf32>, tensor<256xf32>
    ```

    Constraints:
    * (C1) weight and bias are as long as x has columns.
  }];
  let arguments = (ins Model_Activations:$x, Model_Vector:$weight,
                       Model_Vector:$bias, F32Attr:$eps);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $weight `,` $bias `eps` $eps attr-dict `:` type($x) `,`
    type($weight) `,` type($bias)
  }];
  let hasVerifier = 1;
}

def Model_MatmulOp : Model_Op<"matmul", [Pure]> {
  let summary = "Activations times a transposed weight matrix";
  let description = [{
    result[t][n] = sum_k x[t][k] * weight[n][k].

    ```mlir
    %y = model.matmul %x, %w
        : tensor<?x256xf32>, tensor<512x256x!model.ggml<q4_0>>
        -> tensor<?x512xf32>
    ```

    Constraints:
    * (C1) the weight has two dimensions [n][k], k the columns of x and n those
      of the result; or, if n is 1, one dimension [k].
  }];
  let arguments = (ins Model_Activations:$x, Model_Weight:$weight);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $weight attr-dict `:` type($x) `,` type($weight) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Model_AddBiasOp : Model_Op<"add_bias",
    [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Adds a vector to every row";
  let description = [{
    result[t][i] = x[t][i] + bias[i].

    ```mlir
    %y = model.add_bias %x, %b : tensor<?x256xf32>, tensor<256xf32>
    ```

    Constraints:
    * (C1) the bias is as long as x has columns.
  }];
  let arguments = (ins Model_Activations:$x, Model_Vector:$bias);
  let results = (outs Model_Activations:$result);
  let assemblyFormat =
      "$x `,` $bias attr-dict `:` type($x) `,` type($bias)";
  let hasVerifier = 1;
}

def Model_AddOp : Model_Op<"add",
    [Pure, AllTypesMatch<["a", "b", "result"]>]> {
  let summary = "Element-wise sum, as of a residual stream";
  let description = [{
    result[t][i] = a[t][i] + b[t][i].

    ```mlir
    %y = model.add %a, %b : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Model_Activations:$a, Model_Activations:$b);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a)";
}

def Model_GluOp : Model_Op<"glu",
    [Pure, AllTypesMatch<["gate", "up", "result"]>]> {
  let summary = "Gated linear unit";
  let description = [{
    result[t][i] = activation(gate[t][i]) * up[t][i] for silu, gelu (the
    approximation by tanh) and sigmoid. For swiglu_oai, gpt-oss's unit, with
    g = min(gate[t][i], 7) and u = up[t][i] within -7 .. 7, it is
    g * sigmoid(1.702 * g) * (u + 1). docs/numerics.md gives every rounding.

    ```mlir
    %y = model.glu <silu> %gate, %up : tensor<?x512xf32>
    ```

    Constraints:
    * (C1) the activation is not soft_cap, which is no gate.
  }];
  let arguments = (ins Model_ActivationAttr:$activation,
                       Model_Activations:$gate, Model_Activations:$up);
  let results = (outs Model_Activations:$result);
  let assemblyFormat =
      "$activation $gate `,` $up attr-dict `:` type($gate)";
  let hasVerifier = 1;
}

def Model_ActivateOp : Model_Op<"activate",
    [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "A non-linearity of every element";
  let description = [{
    result[t][i] = activation(x[t][i]), where soft_cap(x) = cap * tanh(x / cap)
    keeps results within -cap .. cap.

    ```mlir
    %y = model.activate <gelu> %x : tensor<?x512xf32>
    %z = model.activate <soft_cap> %x {cap = 3.0e+01 : f32}
        : tensor<?x512xf32>
    ```

    Constraints:
    * (C1) the activation is not swiglu_oai, which has two inputs.
    * (C2) there is a cap, and it is positive, if and only if the activation is
      soft_cap.
  }];
  let arguments = (ins Model_ActivationAttr:$activation, Model_Activations:$x,
                       OptionalAttr<F32Attr>:$cap);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = "$activation $x attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def Model_RouteOp : Model_Op<"route", [Pure]> {
  let summary = "The experts of every token and their weights";
  let description = [{
    With l_e the E logits of token t, and p_e = softmax(l)_e or sigmoid(l_e):

    * ids[t] are the experts with the largest scores, one per slot, in
      descending order; equal scores go in ascending order of e. The score is
      p_e + bias[e] if there is a bias, else l_e, which sorts as p_e does.
    * weights[t][s] = p_e of slot s, divided by the sum over the slots if
      `normalise`, times `scale`.

    With `groups`, experts are cut into so many groups of equally many, and only
    those of the `groupsUsed` best groups are chosen: a group's score is the sum
    of its two largest scores, for which the score of an expert without a bias
    is p_e.

    ids[t] are valid and distinct whatever the logits are; docs/numerics.md
    says what becomes of NaN.

    ```mlir
    %ids, %weights = model.route <softmax> %logits
        {normalise, scale = 1.0 : f32}
        : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    ```

    Constraints:
    * (C1) ids and weights have equally many slots, at most one per logit.
    * (C2) the bias is as long as logits has columns.
    * (C3) groups and groupsUsed stand together; groups divide the experts into
      two and more, and the used ones have as many as there are slots.
  }];
  let arguments = (ins Model_GatingAttr:$gating, Model_Activations:$logits,
                       Optional<Model_Vector>:$bias, UnitAttr:$normalise,
                       F32Attr:$scale, OptionalAttr<I64Attr>:$groups,
                       OptionalAttr<I64Attr>:$groupsUsed);
  let results = (outs Model_Slots:$ids, Model_Activations:$weights);
  let assemblyFormat = [{
    $gating $logits (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict `:`
    type($logits) `->` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
}

def Model_ExpertsOp : Model_Op<"experts",
    [Pure, AttrSizedOperandSegments,
     AllTypesMatch<["x", "result"]>]> {
  let summary = "Gated feed-forward networks of the chosen experts";
  let description = [{
    With y = x as imported, and with e = ids[t][s] for slot s of token t:

    result[t] = sum_s weights[t][s] * down[e] (act(gate[e] y[t]) * up[e] y[t])

    in ascending s. Fusion lets the op take in the norm before it,
    y = rms_norm(x, norm, eps), and the sum after it,
    result = residual + that. A weight of two dimensions is that of a single
    expert, number 0, such as one that all tokens share. With biases, those of
    the expert are added to its products: to the gate's, up's and down's.

    ```mlir
    %y = model.experts <silu> %x, %ids, %weights
        gate(%g : tensor<8x512x256xf16>) up(%u : tensor<8x512x256xf16>)
        down(%d : tensor<8x256x512xf16>)
        : tensor<?x256xf32>, tensor<?x2xi32>, tensor<?x2xf32>
    ```

    Constraints:
    * (C1) gate and up are [experts][n][k], down is [experts][k][n], k the
      columns of x.
    * (C2) ids and weights have equally many slots, at most one per expert.
    * (C3) there is an eps if and only if there is a norm, which is as long as
      x has columns.
    * (C4) gate and up are both block-quantised or neither is.
    * (C5) a residual has the type of x.
    * (C6) there are no biases or three: [experts][n], [experts][n] and
      [experts][k], of f32.
  }];
  let arguments = (ins Model_ActivationAttr:$activation, Model_Activations:$x,
                       Model_Slots:$ids, Model_Activations:$weights,
                       Optional<Model_Vector>:$norm, Model_Weight:$gate,
                       Model_Weight:$up, Model_Weight:$down,
                       Variadic<Model_Weight>:$biases,
                       Optional<Model_Activations>:$residual,
                       OptionalAttr<F32Attr>:$eps);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $activation $x `,` $ids `,` $weights
    (`norm` `(` $norm^ `:` type($norm) `)`)?
    `gate` `(` $gate `:` type($gate) `)` `up` `(` $up `:` type($up) `)`
    `down` `(` $down `:` type($down) `)`
    (`biases` `(` $biases^ `:` type($biases) `)`)?
    (`residual` `(` $residual^ `:` type($residual) `)`)?
    attr-dict `:` type($x) `,` type($ids) `,` type($weights)
  }];
  let hasVerifier = 1;
}

include "dialects/model/ModelRecurrentOps.td"

def Model_SelectRowsOp : Model_Op<"select_rows", [Pure]> {
  let summary = "The rows whose logits are wanted";
  let description = [{
    result[o][i] = x[rows[o]][i].

    ```mlir
    %y = model.select_rows %x, %rows
        : tensor<?x256xf32>, tensor<?xi32> -> tensor<?x256xf32>
    ```

    Constraints:
    * (C1) the result has as many columns as x.
  }];
  let arguments = (ins Model_Activations:$x, Model_Ids:$rows);
  let results = (outs Model_Activations:$result);
  let assemblyFormat = [{
    $x `,` $rows attr-dict `:` type($x) `,` type($rows) `->` type($result)
  }];
  let hasVerifier = 1;
}

include "dialects/model/ModelHeadOps.td"

//===----------------------------------------------------------------------===//
// What a model computes, after fusion
//===----------------------------------------------------------------------===//

def Model_LinearOp : Model_Op<"linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "Matmuls over one input, with what goes before and after";
  let description = [{
    One step's worth of work. With y = rms_norm(x, norm, eps) if there is a
    norm and y = x otherwise, optionally of the selected rows only, and
    z_i = y * weights[i]^T (+ biases[i] if there are biases):

    * `store`: results[i] = z_i.
    * `residual`: one weight, results[0] = residual + z_0.
    * `glu`: two weights, results[0] = activation(z_0) * z_1, as model.glu.
    * `activate`: one weight, results[0] = activation(z_0), as model.activate.

    The weights may differ in type, layout and rows, not in columns, nor in
    whether they are block-quantised: the prologue, which the norm is part of,
    prepares the input once for all weights, and quantises it for these.

    ```mlir
    %q, %k, %v = model.linear <store> %x norm(%n : tensor<256xf32>)
        weights(%wq, %wk, %wv : tensor<256x256xf16>, tensor<128x256xf16>,
                tensor<128x256xf16>) {eps = 1.0e-05 : f32}
        : tensor<?x256xf32>
        -> tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>
    ```

    Constraints:
    * (C1) every weight is one of model.matmul, with as many columns as x.
    * (C2) the numbers of weights, biases, residuals and results fit the
      epilogue; there are no biases or as many as weights.
    * (C3) rows of weights, biases, residual and results agree.
    * (C4) there is an eps if and only if there is a norm, which is as long as
      x has columns.
    * (C5) an activation stands with `glu` and `activate`, and nowhere else; it
      and the cap are such as model.glu and model.activate have them.
    * (C6) all weights are block-quantised or none is.
  }];
  let arguments = (ins Model_EpilogueAttr:$epilogue, Model_Activations:$x,
                       Optional<Model_Ids>:$rows,
                       Optional<Model_Vector>:$norm,
                       Variadic<Model_Weight>:$weights,
                       Variadic<Model_Vector>:$biases,
                       Optional<Model_Activations>:$residual,
                       OptionalAttr<F32Attr>:$eps,
                       OptionalAttr<Model_ActivationAttr>:$activation,
                       OptionalAttr<F32Attr>:$cap);
  let results = (outs Variadic<Model_Activations>:$results);
  let assemblyFormat = [{
    $epilogue $x
    (`rows` `(` $rows^ `:` type($rows) `)`)?
    (`norm` `(` $norm^ `:` type($norm) `)`)?
    `weights` `(` $weights `:` type($weights) `)`
    (`biases` `(` $biases^ `:` type($biases) `)`)?
    (`residual` `(` $residual^ `:` type($residual) `)`)?
    attr-dict `:` type($x) `->` type($results)
  }];
  let hasVerifier = 1;
}

#endif // MODELC_DIALECTS_MODEL_MODELOPS_TD
