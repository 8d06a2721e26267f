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

/// One row of the table of families.
struct Family {
  llvm::StringLiteral name; ///< The value of general.architecture.
  /// Builds the module (Import.h says which); the context has the dialects.
  ImportedModule (*import)(mlir::MLIRContext &context,
                           const gguf::GgufModel &source);
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
