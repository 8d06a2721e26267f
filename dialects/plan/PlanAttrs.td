//===- PlanAttrs.td - Attributes of the plan dialect: kernel specifications
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PLAN_PLANATTRS_TD
#define MODELC_DIALECTS_PLAN_PLANATTRS_TD

include "dialects/model/ModelAttrs.td"
include "dialects/pack/PackAttrs.td"
include "dialects/plan/PlanDialect.td"
include "dialects/plan/PlanEnums.td"
include "dialects/plan/PlanInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

//===----------------------------------------------------------------------===//
// Kernel specifications
//===----------------------------------------------------------------------===//

class Plan_Spec<string name, string mnemonic_, list<string> overrides = []>
    : AttrDef<Plan_Dialect, name,
              [DeclareAttrInterfaceMethods<Plan_KernelSpecInterface,
                                           overrides>]> {
  let mnemonic = mnemonic_;
  let assemblyFormat = "`<` struct(params) `>`";
}

def Plan_EmbedSpec : Plan_Spec<"EmbedSpec", "embed"> {
  let summary = "x[t][i] = table[tokens[t]][i], times a scale if there is one";
  let description = [{
    Operands: table (weights, read), x (f32 [T][columns], written).
    With `positions` > 0, the table's rows, it is read by position, the last
    row by all that are beyond. Tiles: one per token.
  }];
  let parameters = (ins "::modelc::pack::LayoutAttr":$table,
                        "int64_t":$columns,
                        DefaultValuedParameter<"int64_t", "0">:$positions,
                        OptionalParameter<"::mlir::FloatAttr">:$scale);
}

def Plan_NormSpec : Plan_Spec<"NormSpec", "norm"> {
  let summary = "Rows normalised, as nothing else takes the norm in";
  let description = [{
    model.rms_norm of whole rows or, if `layer`, model.layer_norm. Operands: x
    (f32 [T][columns], read), weight (f32 [columns], read), bias (the same;
    only if `layer`), residual (f32 [T][columns], read; only if `residual`),
    out (f32 [T][columns], written; it may be the residual's memory).
    Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$columns, "bool":$layer,
                        "::mlir::FloatAttr":$eps, "bool":$residual);
}

def Plan_AddSpec : Plan_Spec<"AddSpec", "add"> {
  let summary = "out[t][i] = a[t][i] + b[t][i]";
  let description = [{
    Operands: a, b (f32 [T][columns], read), out (the same, written; it may be
    the memory of a). Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$columns);
}

def Plan_GluSpec : Plan_Spec<"GluSpec", "glu"> {
  let summary = "out[t][i] = activation(gate[t][i]) * up[t][i]";
  let description = [{
    model.glu, where no matmul takes it in. Operands: gate, up (f32
    [T][columns], read), norm (f32 weight of a head's elements, read; only if
    eps is given), out (f32 [T][columns], written). With eps, `up` is first
    normalised, in heads of `headDim` elements. Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$columns,
                        "::modelc::model::Activation":$activation,
                        DefaultValuedParameter<"int64_t", "0">:$headDim,
                        OptionalParameter<"::mlir::FloatAttr">:$eps);
}

def Plan_ColumnsSpec : Plan_Spec<"ColumnsSpec", "columns"> {
  let summary = "Some columns of each of many equal groups";
  let description = [{
    model.columns. Operands: x (f32 [T][groups * period], read), out (f32
    [T][groups * length], written). Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$groups, "int64_t":$first,
                        "int64_t":$length, "int64_t":$period);
}

def Plan_CausalConvSpec : Plan_Spec<"CausalConvSpec", "causal_conv"> {
  let summary = "Convolution of each column with those before it, then silu";
  let description = [{
    model.causal_conv. Operands: x (f32 [T][channels], read), weight (f32
    [channels][taps], read), state (of each sequence f32 [taps - 1][channels],
    oldest first, read and written), out (f32 [T][channels], written).
    Channels are whole vectors of 16. Tiles: blocks of up to kTileChannels
    channels, each for all tokens in order. The state of a sequence whose first
    token is among them counts as zero.
  }];
  let parameters = (ins "int64_t":$channels, "int64_t":$taps);
  let extraClassDeclaration = [{
    /// Four vectors: loads of a row of x are whole lines.
    static constexpr int64_t kTileChannels = 64;
    int64_t getTileCount() const;
    /// Bytes of the state of one sequence, a multiple of MODELC_BUFFER_ALIGN.
    int64_t getStateBytes() const;
  }];
}

def Plan_DeltaRuleSpec : Plan_Spec<"DeltaRuleSpec", "delta_rule",
                                   ["getScratchBytes"]> {
  let summary = "model.delta_rule, in chunks of kChunkTokens tokens";
  let description = [{
    Operands: x (f32 [T][2 * keyHeads * keyDim + heads * valueDim], read),
    decay and beta (f32 [T][heads], read), rate and bias (f32 [heads], read),
    state (of each sequence, read and written), out (f32 [T][heads * valueDim],
    written). keyDim and valueDim are whole vectors of 16.
    Tiles: c = getTileColumns() columns of one head, each for all tokens in
    order, as columns do not depend on each other. What a tile keeps of a
    sequence lies in one piece, [heads][valueDim / c] of them; with the names of
    docs/numerics.md and n = kChunkTokens, f32

      [keyDim][c]   S
      [n][keyDim]   k' of the chunk's tokens
      [n][c]        d of the chunk's tokens
      [n]           p_ts of the last token t
      [n]           f of the last token, n times

    Rows of tokens that the chunk has not yet had hold anything. The
    state of a sequence whose first token is among them counts as zero.
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$keyHeads,
                        "int64_t":$keyDim, "int64_t":$valueDim, "bool":$tiled,
                        "::mlir::FloatAttr":$eps);
  let extraClassDeclaration = [{
    /// Tokens of a chunk, whose first has a position that is a multiple of it:
    /// one for each lane. The more, the rarer a pass over the state that
    /// stores, and the more the chunk's tokens cost among each other.
    static constexpr int64_t kChunkTokens = 16;
    /// Columns of the state that a tile computes: up to four vectors, so that
    /// tiles are many, and whose state, 44 KiB with keys of 128, stays near.
    int64_t getTileColumns() const;
    int64_t getTileCount() const;
    /// Where the parts of a tile's state begin behind S.
    int64_t getKeysOffset() const;
    int64_t getDeltasOffset() const;
    int64_t getDecaysOffset() const;
    int64_t getFadedOffset() const;
    /// Bytes of what a tile keeps of one sequence.
    int64_t getTileBytes() const;
    /// Bytes of the state of one sequence, a multiple of MODELC_BUFFER_ALIGN.
    int64_t getStateBytes() const;
  }];
}

def Plan_RopeTableSpec : Plan_Spec<"RopeTableSpec", "rope_table"> {
  let summary = "cos and sin of each token's angles";
  let description = [{
    Operands: frequencies (f64 [pairs] constant, read), table (f32
    [T][2 * pairs], written: cos, sin of pair i at 2i, 2i + 1), both times
    `factor`. With `temperCount` > 0, a constant temper (f32 [temperCount],
    read) stands before the table; rows are multiplied by the element
    position / temperLength, the last one beyond. Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$pairs, "::mlir::FloatAttr":$factor,
                        DefaultValuedParameter<"int64_t", "0">:$temperCount,
                        DefaultValuedParameter<"int64_t", "0">:$temperLength);
}

def Plan_PrepareSpec : Plan_Spec<"PrepareSpec", "prepare"> {
  let summary = "Input rows of a matmul: gathered, normalised, quantised";
  let description = [{
    Operands: x (f32 rows of `columns`, read), norm (f32 [columns] weight,
    read; only if eps is given), out (in `layout`, written).
    Row r of the output is row r of x, or row outputRows[r] if `gather`.
    Rows of the last tile beyond the count are filled with the quantisation of
    zeros. Tiles: one per layout.rows rows of the count.

    `grouped`: rows are those of expert groups (ExpertGroups.h), the count is
    their row tiles. Row r of the output is row r of x, or, if `gather`, row
    rows[r] of x, or zeros where that is none; the operand `rows` (u32, read)
    then stands behind x. Tiles: one per row tile.

    With `heads` > 0, rows of x are so many heads of `headDim` elements, of
    which the first `columns` are read, and each head is a matrix of rows of its
    own: tile t * heads + h is row tile t of head h.
  }];
  let parameters = (ins "int64_t":$columns,
                        "::modelc::pack::LayoutAttr":$layout,
                        "bool":$gather,
                        OptionalParameter<"::mlir::FloatAttr">:$eps,
                        DefaultValuedParameter<"bool", "false">:$grouped,
                        DefaultValuedParameter<"int64_t", "0">:$heads,
                        DefaultValuedParameter<"int64_t", "0">:$headDim);
}

def Plan_MatmulSpec : Plan_Spec<"MatmulSpec", "matmul",
                                ["getScratchBytes"]> {
  let summary = "One prepared input times one or more packed weights";
  let description = [{
    Operands: input (in `input`, read), then each weight (read), then each
    bias (f32 [rows], read; as many as weights, or none unless `bias`), then
    the residual (f32 [T][rows], read; epilogue residual only), then each
    output (f32 [T][rows], written; one unless for store). The residual and
    the output may be the same memory.

    Weight i is a matrix [rows[i]][columns] in layout weights[i]. Tiles: for
    store, the tiles of weight 0, then those of weight 1, ...; a tile is
    `tileRows` rows of one weight (of both, for glu; the last tile of a weight
    may have fewer) for all rows of the count. `activation` matters for glu
    and activate only, `cap` for soft_cap.

    With `imagePanels` > 0 blocks of that many panels and `imageColumns` columns
    (a multiple of 64 and of a group) are unpacked to images in scratch, by
    which several row tiles are multiplied; their sums stand in scratch too.
    Block types have images, and floats that Apple AMX multiplies. Else each
    row tile reads the packed weights. An input whose quants lie in rows, in
    pairs, or in tiles of quads, or are widened to bf16, is multiplied by images
    only, by a matrix unit; one of
    parts is multiplied by panels of pairs, by a matrix unit. All need scratch
    for what the unit stores of its sums.
  }];
  let parameters = (ins
    "int64_t":$columns, "::modelc::pack::LayoutAttr":$input,
    "::mlir::ArrayAttr":$weights, "::mlir::DenseI64ArrayAttr":$rows,
    "::modelc::model::Epilogue":$epilogue,
    "::modelc::model::Activation":$activation,
    "bool":$bias, "int64_t":$tileRows,
    DefaultValuedParameter<"int64_t", "0">:$imagePanels,
    DefaultValuedParameter<"int64_t", "0">:$imageColumns,
    OptionalParameter<"::mlir::FloatAttr">:$cap);
  let extraClassDeclaration = [{
    /// Layout of weight i.
    ::modelc::pack::LayoutAttr getWeightLayout(size_t i) const {
      return ::llvm::cast<::modelc::pack::LayoutAttr>(getWeights()[i]);
    }
    /// Tiles of the step: see the description.
    int64_t getTileCount() const;
    bool hasImages() const { return getImagePanels() > 0; }
    /// Row tiles whose sums scratch holds: as many as 512 tokens and more, so
    /// that unpacking is shared by all of a usual ubatch.
    static constexpr int64_t kImageRowTiles = 96;
    /// The same where quants are widened: row tiles of 32.
    static constexpr int64_t kWidenedRowTiles = 24;
    /// The same for Apple AMX, whose row tiles have 32 rows too: 512 tokens.
    static constexpr int64_t kOuterRowTiles = 16;
    /// True if Apple AMX multiplies floats: an image of them.
    bool hasOuterFloats() const;
    /// Scratch for the images of weight i.
    int64_t getImageBytes(size_t i) const;
    /// The same on GPUs, whose scratch is the 64 KiB of a work-group: so few
    /// that two work-groups find room.
    static constexpr int64_t kWaveRowTiles = 8;
    /// The one of these that this input has.
    int64_t getImageRowTiles() const;
    /// Scratch for the sums of one weight; 0 without images.
    int64_t getImageSumBytes() const;
    /// Panels of pairs that an input of parts is multiplied by at once: their
    /// sums are four of eight tile registers.
    static constexpr int64_t kPairPanels = 4;
    /// Scratch for what a matrix unit stores of its products or, by panels of
    /// pairs, of one weight's sums; 0 without one: the input's layout says.
    int64_t getProductBytes() const;
    /// Scratch for the sums of one row tile before the first k, which are 0; 0
    /// where quants are not widened.
    int64_t getZeroBytes() const;
  }];
}

def Plan_HeadMatmulSpec : Plan_Spec<"HeadMatmulSpec", "head_matmul"> {
  let summary = "model.head_matmul: a matmul of each head's rows";
  let description = [{
    `matmul` is that of one head: `store` of one weight, without images.
    Operands: input (as prepare leaves it with these heads, read), weight
    (`heads` matrices, read), output (f32 [T][heads * matmul.rows], written).
    Tiles: for each head those of the matmul, for all rows of the count.
  }];
  let parameters = (ins "::modelc::plan::MatmulSpecAttr":$matmul,
                        "int64_t":$heads);
}

def Plan_JoinHeadsSpec : Plan_Spec<"JoinHeadsSpec", "join_heads"> {
  let summary = "model.join_heads: heads made of parts of other heads";
  let description = [{
    Operands: each source (f32 [T][heads[i] * dims[i]], read), out (f32
    [T][outHeads * sum of counts], written). heads[i] is outHeads or 1. Tiles:
    one per token.
  }];
  let parameters = (ins "int64_t":$outHeads, "::mlir::DenseI64ArrayAttr":$heads,
                        "::mlir::DenseI64ArrayAttr":$dims,
                        "::mlir::DenseI64ArrayAttr":$begins,
                        "::mlir::DenseI64ArrayAttr":$counts);
}

def Plan_RouteSpec : Plan_Spec<"RouteSpec", "route", ["getScratchBytes"]> {
  let summary = "model.route: the experts of every token and their weights";
  let description = [{
    Operands: logits (f32 [T][experts], read), bias (f32 [experts] weight,
    read; only if `bias`), ids (u32 [T][slots], written), weights (f32
    [T][slots], written). Tiles: one per token.

    With `groupRows` > 0, the row tile of a group kernel, the operands of that
    kernel behind ids follow, and one tile does both for all tokens.

    With `limitGroups` > 0, model.route's groups, `limitUsed` of them are used.
  }];
  let parameters = (ins
    "int64_t":$experts, "int64_t":$slots, "::modelc::model::Gating":$gating,
    "bool":$normalise, "::mlir::FloatAttr":$scale, "bool":$bias,
    DefaultValuedParameter<"int64_t", "0">:$groupRows,
    DefaultValuedParameter<"int64_t", "0">:$limitGroups,
    DefaultValuedParameter<"int64_t", "0">:$limitUsed);
}

def Plan_GroupSpec : Plan_Spec<"GroupSpec", "group", ["getScratchBytes"]> {
  let summary = "Sorts the slots of all tokens by their experts";
  let description = [{
    Operands: ids (u32 [T][slots], each below `experts`, read), then what
    ExpertGroups.h describes, written: counts, groups, rows, places. A group's
    rows are cut into tiles of `rowTile`. One tile.
  }];
  let parameters = (ins "int64_t":$experts, "int64_t":$slots,
                        "int64_t":$rowTile);
}

def Plan_ExpertsSpec : Plan_Spec<"ExpertsSpec", "experts",
                                 ["getScratchBytes"]> {
  let summary = "A matmul of each expert group's rows";
  let description = [{
    `matmul` is that of one group: `store` of one weight, or `glu`; its
    weights are operands of `experts` matrices each, of which group g reads
    that of its expert; so are its biases, f32 [experts][rows]. Operands: input
    (in matmul.input, read), each weight (read), each bias (read), groups
    (ExpertGroups.h, read), rows (the same, read; only if `indirect`), output
    (f32 [rows of all tiles][matmul.rows], written).
    Row tile i of a group is tile i of the input, or, if `indirect`, which
    tiles of one row can be, tile rows[i]. All rows of a tile are stored.
    Count: the groups. Tiles: for each group those of the matmul.
  }];
  let parameters = (ins "::modelc::plan::MatmulSpecAttr":$matmul,
                        "int64_t":$experts, "bool":$indirect);
}

def Plan_CombineSpec : Plan_Spec<"CombineSpec", "combine"> {
  let summary = "The weighted sum of each token's experts";
  let description = [{
    Operands: values (f32 [rows of all tiles][columns], read), places
    (ExpertGroups.h, read), weights (f32 [T][slots], read), residual (f32
    [T][columns], read; only if `residual`), out (f32 [T][columns], written;
    it may be the residual's memory). Tiles: one per token.
  }];
  let parameters = (ins "int64_t":$columns, "int64_t":$slots,
                        "bool":$residual);
}

def Plan_RopeStoreSpec : Plan_Spec<"RopeStoreSpec", "rope_store",
                                   ["getScratchBytes"]> {
  let summary = "Normalises and rotates q and k; appends k and v to the cache";
  let description = [{
    Operands: q (f32 [T][heads * keyDim], read and written in place), k (f32
    [T][kvHeads * keyDim], read), v (f32 [T][kvHeads * valueDim], read),
    table (f32 [T][2 * pairs], read; only if pairs > 0), a table for q alone
    (the same; only if `queryTable`), q norm and k norm
    (f32 [keyDim] weights, read; only if eps is given), key pool and value
    pool (state, written).
    A page of the key pool is kvHeads groups of `keyPage`, one of the value
    pool kvHeads groups of `valuePage`. Elements from 2 * pairs on are not
    rotated. Tiles: kvHeads per token, each a kv head with the heads that share
    it. Scratch holds a key on its way into a page
    with scales.
    If `shared`, values are parts of keys: there are no v and no value pool,
    and `valuePage` is `keyPage`.
  }];
  let parameters = (ins
    "int64_t":$heads, "int64_t":$kvHeads, "int64_t":$keyDim,
    "int64_t":$valueDim, "int64_t":$pairs,
    "::modelc::model::RopePairing":$pairing,
    "::modelc::pack::LayoutAttr":$keyPage,
    "::modelc::pack::LayoutAttr":$valuePage,
    OptionalParameter<"::mlir::FloatAttr">:$eps,
    DefaultValuedParameter<"bool", "false">:$queryTable,
    DefaultValuedParameter<"bool", "false">:$shared);
}

def Plan_AttentionSpec : Plan_Spec<"AttentionSpec", "attention",
                                   ["getScratchBytes"]> {
  let summary = "Causal attention of every token over its sequence's pages";
  let description = [{
    Operands: q (f32 [T][heads * keyDim], read), key pool and value pool
    (state, read), sinks (f32 [heads], read; only if `sinks`), out (f32
    [T][heads * valueDim], written). A window of 0 is none.
    Tiles: for `tileTokens` consecutive tokens, one per kv head: tile =
    tokenGroup * kvHeads + kvHead.
    Query rows (a head of a token) of one kv head and one sequence share loads
    of K and V, up to getBlockRows() of them: with g = heads / kvHeads, tiles of
    kBlockRows / g or kWideBlockRows / g tokens serve best where there are many.
    Scratch holds one block's queries, scores, results and state.

    If `shared`, a value is the last valueDim elements of its key: there is no
    value pool, `valuePage` is `keyPage`, and scratch also holds some elements
    of a page's values, turned round. With `parts` > 1, which divides g, the
    heads of a kv head are so many tiles: tile = (tokenGroup * kvHeads + kvHead)
    * parts + part.
  }];
  let parameters = (ins
    "int64_t":$heads, "int64_t":$kvHeads, "int64_t":$keyDim,
    "int64_t":$valueDim, "::mlir::FloatAttr":$scale,
    "::modelc::pack::LayoutAttr":$keyPage,
    "::modelc::pack::LayoutAttr":$valuePage, "int64_t":$tileTokens,
    DefaultValuedParameter<"int64_t", "0">:$window,
    OptionalParameter<"::mlir::FloatAttr">:$cap,
    DefaultValuedParameter<"bool", "false">:$sinks,
    DefaultValuedParameter<"bool", "false">:$shared,
    DefaultValuedParameter<"int64_t", "1">:$parts);
  let extraClassDeclaration = [{
    /// The most elements of a page's values that scratch holds if shared.
    static constexpr int64_t kTurnedElems = 64;
    /// The most query rows that a kernel computes at once, on any target; and
    /// where more of them are of the tokens of one tile.
    static constexpr int64_t kBlockRows = 12, kWideBlockRows = 28;
    /// The one of the two.
    int64_t getBlockRows() const;
    /// Vectors of scratch with the state of 16 of a block's rows, one a lane.
    static constexpr int64_t kStateVectors = 7;
    /// Such sets of vectors.
    int64_t getStateSets() const { return (getBlockRows() + 15) / 16; }
  }];
}

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

def Plan_CountSourceAttr : EnumAttr<Plan_Dialect, Plan_CountSource,
                                    "count_source"> {
  let assemblyFormat = "$value";
}

#endif // MODELC_DIALECTS_PLAN_PLANATTRS_TD
