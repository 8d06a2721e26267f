//===- Import.h - A GGUF model as a module of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_IMPORT_H
#define MODELC_COMPILER_IMPORT_IMPORT_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/GgufModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

namespace modelc {

struct ImportOptions {
  /// Of the elements of all caches: F16, or Q8_0 for heads of whole blocks.
  model::GgmlType cacheType = model::GgmlType::F16;
};

/// Builds the network of `source`: a verified module of `model.weight`s (by
/// reference; `source` must outlive whoever reads their bytes), `model.cache`s
/// and one function
///
///   @forward(%tokens: tensor<?xi32>, %positions: tensor<?xi32>,
///            %outputs: tensor<?xi32>) -> tensor<?xVOCABxf32>
///
/// with the attributes of ModuleAttributes.h. `tokens` are T ids, `positions`
/// their positions, `outputs` the indices of those that want logits.
///
/// An unknown family, a missing or impossible key, a missing, wrong-shaped or
/// wrong-typed tensor and a tensor that nothing is known of are errors that
/// name file, key or tensor, found and expected. So are heads that the type of
/// the cache does not fit.
absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(mlir::MLIRContext &context, const gguf::GgufModel &source,
            const ImportOptions &options = {});

/// What a compile says of a model's family.
struct FamilyFacts {
  std::string name; ///< The value of general.architecture.
  /// Whether another engine's logits were compared; see arch::Witness.
  bool isVerified = false;
};

/// The family of `source`; importModel's errors.
absl::StatusOr<FamilyFacts> getFamilyFacts(const gguf::GgufModel &source);

} // namespace modelc

#endif // MODELC_COMPILER_IMPORT_IMPORT_H
