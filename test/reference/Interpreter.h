//===- Interpreter.h - Runs a module of the model dialect, op by op
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracle of whole models: each op is the sentence of ModelOps.td that
// describes it, in the numbers of Numerics.h, on weights as the GGUF file
// holds them. No layout, no schedule and no kernel has a part in it, so a
// plan's logits must equal these bit for bit.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_REFERENCE_INTERPRETER_H
#define MODELC_TEST_REFERENCE_INTERPRETER_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/GgufModel.h"
#include "dialects/model/ModelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "test/reference/Numerics.h"
#include "llvm/ADT/DenseMap.h"
#include <span>
#include <vector>

namespace modelc::reference {

/// Values of a tensor [rows][columns], row after row.
struct Matrix {
  Matrix() = default;
  Matrix(int64_t rows, int64_t columns)
      : rows(rows), columns(columns), values(rows * columns) {}

  std::span<float> row(int64_t i) {
    return std::span(values).subspan(i * columns, columns);
  }
  std::span<const float> row(int64_t i) const {
    return std::span(values).subspan(i * columns, columns);
  }

  int64_t rows = 0, columns = 0;
  std::vector<float> values;
};

/// How matmuls and caches round.
enum class Arithmetic {
  Plans, ///< By docs/numerics.md, bit for bit.
  /// To blocks of eight bits and to the caches' types as there, but products
  /// and sums are those of double.
  Simulated,
  Plain, ///< Only to the caches' types; the same products and sums.
  Exact, ///< Nothing; the same products and sums.
};

/// Runs @forward for one sequence, whose keys and values it keeps. For one
/// thread.
class Interpreter {
public:
  /// `module` is verified, as imported or fused, not packed; `source` is what
  /// it was imported from. Both outlive the interpreter. UNIMPLEMENTED for a
  /// weight whose type docs/numerics.md does not have.
  static absl::StatusOr<Interpreter> create(mlir::ModuleOp module,
                                            const gguf::GgufModel &source);

  /// Appends `tokens` to the sequence; returns logits [tokens][vocabulary].
  /// INVALID_ARGUMENT for a token that the embedding has no row for, which
  /// leaves the sequence as it was.
  absl::StatusOr<Matrix> run(llvm::ArrayRef<int32_t> tokens);

  /// Before the first run; else Plans.
  void setArithmetic(Arithmetic value) { arithmetic = value; }

private:
  Interpreter(mlir::ModuleOp module, const gguf::GgufModel &source)
      : module(module), source(&source) {}

  void execute(mlir::Operation &op);
  Matrix embed(model::EmbedOp op);
  Matrix rmsNorm(const Matrix &x, mlir::Value weight, float eps);
  Matrix rmsNorm(model::RmsNormOp op);
  Matrix layerNorm(model::LayerNormOp op);
  /// One row by matrix `index` of a weight.
  void multiply(mlir::Value weight, int64_t index, std::span<const float> x,
                std::span<float> y);
  Matrix multiply(const Matrix &x, mlir::Value weight);
  Matrix headMatmul(model::HeadMatmulOp op);
  Matrix joinHeads(model::JoinHeadsOp op);
  Matrix addBias(Matrix x, mlir::Value bias);
  Matrix ropeTable(model::RopeTableOp op);
  Matrix rope(model::RopeOp op);
  Matrix attention(model::AttentionOp op);
  // InterpretRecurrent.cpp.
  Matrix columns(model::ColumnsOp op);
  Matrix causalConv(model::CausalConvOp op);
  Matrix deltaRule(model::DeltaRuleOp op);
  /// The numbers of a convolution's state, zero at first.
  std::vector<float> &getState(llvm::StringRef name);
  void linear(model::LinearOp op);
  void route(model::RouteOp op);
  Matrix experts(model::ExpertsOp op);
  /// One row of x through one expert: act(gate y) * up y, then down.
  std::vector<float> runExpert(model::ExpertsOp op, std::span<const float> y,
                               int64_t expert);
  Matrix selectRows(const Matrix &x, mlir::Value rows);

  /// The tensor of the file that `weight`, a model.get_weight, names.
  gguf::GgufTensor getTensor(mlir::Value weight) const;
  /// The numbers of matrix `index` [rows][columns], which are kept.
  std::span<const float> decode(mlir::Value weight, int64_t index);
  /// The numbers of a vector.
  std::vector<float> getVector(mlir::Value weight) const;

  /// One layer's keys or values, rounded to the cache's type, [position][heads
  /// * dim].
  using Cache = std::vector<float>;
  struct LayerState {
    Cache keys, values;
  };

  mlir::ModuleOp module;
  const gguf::GgufModel *source;
  llvm::StringMap<LayerState> caches;
  llvm::StringMap<std::vector<float>> states;
  /// One for each head.
  llvm::StringMap<std::vector<DeltaState>> deltaStates;
  int64_t length = 0; ///< Tokens of the sequence so far.
  Arithmetic arithmetic = Arithmetic::Plans;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, std::vector<float>> decoded;
  llvm::DenseMap<mlir::Value, Matrix> matrices;
  /// Tokens, positions, rows of outputs; chosen experts [token * slots + slot].
  llvm::DenseMap<mlir::Value, std::vector<int32_t>> ids;
};

} // namespace modelc::reference

#endif // MODELC_TEST_REFERENCE_INTERPRETER_H
