//===- DeltaRule.h - Parts of the kernel of the gated delta rule
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens come one by one or as whole chunks, and give the same bits. Section
// "Delta rule" of docs/numerics.md has the names of what is computed, and
// plan.delta_rule the state's parts.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_DELTARULE_H
#define MODELC_COMPILER_CODEGEN_COMMON_DELTARULE_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/plan/PlanDialect.h"

namespace modelc::codegen {

/// The kernel's scratch. n is kChunkTokens; of a token by itself the first row
/// of Q', M and N.
struct DeltaScratch {
  DeltaScratch(KernelBuilder &b, plan::DeltaRuleSpecAttr spec);

  mlir::Value queries;           ///< f32 [n][keyDim]: Q'.
  mlir::Value ofKeys, ofQueries; ///< [n][n]: M, N.
  mlir::Value decays;            ///< [n][n]: P.
  mlir::Value kept;              ///< [n]: g.
  mlir::Value faded;             ///< [n]: f.
  mlir::Value learned;           ///< [n]: b.
  mlir::Value deltas;            ///< [n][getTileColumns()]: D . P_last.
};

/// A token, or the first of a chunk of them whose rows stand one behind the
/// other, for a tile. All but the vectors are addresses.
struct DeltaToken {
  mlir::Value query, key;  ///< Of the head, in rows of x.
  mlir::Value value;       ///< Of the columns, in rows of x.
  mlir::Value decay, beta; ///< Of the head, in rows of `heads` floats.
  mlir::Value rate, bias;  ///< Of the head, vectors.
  mlir::Value state;       ///< What the tile keeps of the token's sequence.
  mlir::Value out;         ///< Of the columns.
};

/// The float at `pointer` + `bytes` in all lanes.
mlir::Value loadSplat(KernelBuilder &b, mlir::Value pointer, int64_t bytes = 0);

/// Stores q' or k' of the head's row at `query` or `key` to `scaled`.
void emitScaledQuery(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                     mlir::Value query, mlir::Value scaled);
void emitScaledKey(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                   mlir::Value key, mlir::Value scaled);

/// What a head does to its state at some tokens, one in each lane.
struct DeltaGates {
  mlir::Value kept;    ///< g: the factor of the past.
  mlir::Value learned; ///< b: the factor of the new.
};

/// All four are vectors: logits of tokens, and the head's numbers.
DeltaGates emitDeltaGates(KernelBuilder &b, mlir::Value decay, mlir::Value beta,
                          mlir::Value rate, mlir::Value bias);

/// What a token reads of those of its chunk up to itself.
struct DeltaWeights {
  mlir::Value keys;           ///< K' of the chunk.
  mlir::Value query;          ///< q' of the token.
  mlir::Value lane;           ///< The token's number in its chunk, i64.
  mlir::Value decays;         ///< Its row of P.
  mlir::Value ofKey, ofQuery; ///< Its rows of M and N, to be written.
};

/// m and n of a token, up to its own.
void emitDeltaWeights(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                      const DeltaWeights &weights);

/// Results of a whole chunk, and all of the state but S.
void emitDeltaChunk(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                    const DeltaScratch &scratch, const DeltaToken &first);

/// S of `state` as the next chunk finds it, when the last token was.
void emitDeltaChunkEnd(KernelBuilder &b, plan::DeltaRuleSpecAttr spec,
                       const DeltaScratch &scratch, mlir::Value state);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_DELTARULE_H
