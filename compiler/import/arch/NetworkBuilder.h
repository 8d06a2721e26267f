//===- NetworkBuilder.h - Builds the module of a network
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_NETWORKBUILDER_H
#define MODELC_COMPILER_IMPORT_ARCH_NETWORKBUILDER_H

#include "compiler/import/arch/RopeParameters.h"
#include "compiler/import/arch/TensorReader.h"
#include "dialects/model/ModelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/DenseMap.h"

namespace modelc::arch {

/// One layer's attention: `kvHeads` keys of `keyDim` and values of `valueDim`
/// per token. The rest is that of model.attention.
struct AttentionShape {
  int64_t heads;
  int64_t kvHeads;
  int64_t keyDim;
  int64_t valueDim;
  float scale;
  int64_t window = 0;                      ///< 0: none.
  float cap = 0;                           ///< 0: none.
  const gguf::GgufTensor *sinks = nullptr; ///< [heads], or null.
  /// Values are the ends of keys, which alone are cached.
  bool isShared = false;
};

/// Elements [begin, begin + count) of heads of `dim` elements.
struct HeadPart {
  mlir::Value source;
  int64_t dim, begin, count;
};

/// What a delta rule reads: logits of decay and beta, [tokens][heads], and
/// vectors of heads.
struct DeltaInputs {
  mlir::Value x, decay, beta;
  const gguf::GgufTensor *rate, *bias;
};

/// See model.delta_rule.
struct DeltaShape {
  int64_t heads, keyHeads, keyDim, valueDim;
  bool isTiled;
  float eps;
};

/// What queries are multiplied by at a position; see model.rope_table. No
/// values: nothing.
struct Temper {
  std::vector<float> values;
  int64_t length = 0;
};

/// How a router's logits choose experts; see model.route.
struct Routing {
  model::Gating gating;
  int64_t slots = 1;
  bool normalise = false;
  float scale = 1;
  const gguf::GgufTensor *bias = nullptr; ///< Of selection, or null.
  int64_t groups = 0; ///< Of experts; 0: the choice is not limited to groups.
  int64_t groupsUsed = 0;
};

/// Gate, up and down of all experts, or of one; all with biases or none.
struct ExpertWeights {
  LinearTensors gate, up, down;
};

/// What the module's attributes say of a model.
struct ModelSummary {
  int64_t contextLength;
  int64_t vocabSize;
  int64_t embeddingLength;
  int64_t layers;
  std::vector<llvm::StringRef> ignoredTensors;
};

/// Appends ops to @forward, one per call, and declares weights and caches as
/// they are first used. Tensors come from a TensorReader without an error and
/// fit the ops, which is why nothing here fails. Ops are located by the name
/// of their tensor or, without one, by that of the layer (see enter()).
class NetworkBuilder {
public:
  NetworkBuilder(mlir::MLIRContext &context, int64_t vocabSize);

  /// Names what follows in locations: `blk.3`.
  void enter(const llvm::Twine &name);

  mlir::Value tokens() { return forward.getArgument(0); }
  mlir::Value positions() { return forward.getArgument(1); }
  mlir::Value outputs() { return forward.getArgument(2); }

  /// Rows times `scale`, unless that is 1.
  mlir::Value embed(mlir::Value tokens, const gguf::GgufTensor &table,
                    float scale = 1);
  mlir::Value rmsNorm(mlir::Value x, const gguf::GgufTensor &weight, float eps);
  mlir::Value layerNorm(mlir::Value x, const LinearTensors &tensors, float eps);
  /// matmul, then add_bias if there is a bias.
  mlir::Value linear(mlir::Value x, const LinearTensors &tensors);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value glu(model::Activation activation, mlir::Value gate,
                  mlir::Value up);
  /// One input; `cap` is soft_cap's.
  mlir::Value activate(model::Activation activation, mlir::Value x,
                       float cap = 0);
  /// route, then experts.
  mlir::Value experts(mlir::Value x, mlir::Value logits, const Routing &routing,
                      model::Activation activation,
                      const ExpertWeights &tensors);
  /// `divisors` are dims / 2, or none.
  mlir::Value ropeTable(const RopeParameters &rope,
                        llvm::ArrayRef<float> divisors,
                        const Temper &temper = {});
  mlir::Value rope(mlir::Value x, mlir::Value table, int64_t headDim,
                   model::RopePairing pairing);
  /// Each head, of `headDim` elements, times a matrix of its own.
  mlir::Value headMatmul(mlir::Value x, const gguf::GgufTensor &tensor,
                         int64_t headDim);
  /// Heads of these parts; see model.join_heads.
  mlir::Value joinHeads(int64_t heads, llvm::ArrayRef<HeadPart> parts);
  /// Over a cache of its own, @kv.N for the N-th call. `v` is null if shared.
  mlir::Value attention(mlir::Value q, mlir::Value k, mlir::Value v,
                        const AttentionShape &shape);
  mlir::Value selectRows(mlir::Value x, mlir::Value rows);
  /// Of each `period` columns the `length` from `first` on.
  mlir::Value columns(mlir::Value x, int64_t first, int64_t length,
                      int64_t period);
  /// With states of their own, @conv.N and @delta.N for the N-th calls.
  mlir::Value causalConv(mlir::Value x, const gguf::GgufTensor &tensor);
  mlir::Value deltaRule(const DeltaInputs &inputs, const DeltaShape &shape);

  /// Returns `logits` from @forward and gives the module away.
  mlir::OwningOpRef<mlir::ModuleOp> finish(mlir::Value logits,
                                           const gguf::GgufModel &source,
                                           const ModelSummary &summary);

private:
  mlir::Value weight(const gguf::GgufTensor &tensor);
  /// Declares a state of f32 and returns its symbol.
  mlir::FlatSymbolRefAttr state(llvm::StringRef name,
                                llvm::ArrayRef<int64_t> shape);
  mlir::RankedTensorType activations(int64_t columns);
  mlir::Location nameLoc(llvm::StringRef name);

  mlir::OpBuilder builder; ///< In the body of @forward.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp forward;
  mlir::Location location;
  llvm::DenseMap<const gguf::GgufTensor *, model::WeightOp> declared;
  int64_t cacheCount = 0, convCount = 0, deltaCount = 0;
};

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_NETWORKBUILDER_H
