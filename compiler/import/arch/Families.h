//===- Families.h - The model families that import knows
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/howto/add-a-model-family.md tells how to add one.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_FAMILIES_H
#define MODELC_COMPILER_IMPORT_ARCH_FAMILIES_H

#include "absl/status/statusor.h"
#include "compiler/import/gguf/GgufModel.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"

namespace modelc::arch {

using ImportedModule = absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>>;

/// Whether another engine's logits of a model of the family are kept in
/// test/e2e/witness, and compared by e2e/families. A family without them may
/// be wrong in what nobody has noticed; the compile report says so. A lint test
/// holds this, that folder and docs/families.md together.
enum class Witness : uint8_t { none, logits };

/// One row of the table of families.
struct Family {
  llvm::StringLiteral name; ///< The value of general.architecture.
  /// Builds the module (Import.h says which); the context has the dialects.
  ImportedModule (*import)(mlir::MLIRContext &context,
                           const gguf::GgufModel &source);
  Witness witness = Witness::none;
};

/// All families, in alphabetical order.
llvm::ArrayRef<Family> getFamilies();

// One function per family, each in the file of its name.
ImportedModule importDeepseek2(mlir::MLIRContext &context,
                               const gguf::GgufModel &source);
ImportedModule importGemma2(mlir::MLIRContext &context,
                            const gguf::GgufModel &source);
ImportedModule importGemma3(mlir::MLIRContext &context,
                            const gguf::GgufModel &source);
ImportedModule importGlm4Moe(mlir::MLIRContext &context,
                             const gguf::GgufModel &source);
ImportedModule importGptOss(mlir::MLIRContext &context,
                            const gguf::GgufModel &source);
ImportedModule importGpt2(mlir::MLIRContext &context,
                          const gguf::GgufModel &source);
ImportedModule importLlama(mlir::MLIRContext &context,
                           const gguf::GgufModel &source);
ImportedModule importMistral3(mlir::MLIRContext &context,
                              const gguf::GgufModel &source);
ImportedModule importPhi3(mlir::MLIRContext &context,
                          const gguf::GgufModel &source);
ImportedModule importQwen2(mlir::MLIRContext &context,
                           const gguf::GgufModel &source);
ImportedModule importQwen2Moe(mlir::MLIRContext &context,
                              const gguf::GgufModel &source);
ImportedModule importQwen3(mlir::MLIRContext &context,
                           const gguf::GgufModel &source);
ImportedModule importQwen35(mlir::MLIRContext &context,
                            const gguf::GgufModel &source);
ImportedModule importQwen35Moe(mlir::MLIRContext &context,
                               const gguf::GgufModel &source);
ImportedModule importQwen3Moe(mlir::MLIRContext &context,
                              const gguf::GgufModel &source);
ImportedModule importQwen3Next(mlir::MLIRContext &context,
                               const gguf::GgufModel &source);
ImportedModule importSmolLm3(mlir::MLIRContext &context,
                             const gguf::GgufModel &source);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_FAMILIES_H
