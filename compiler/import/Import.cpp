//===- Import.cpp - A GGUF model as a module of the model dialect
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llama.gguf: keys and tensors
//   ==>
// module attributes {modelc.architecture = "llama", ...} {
//   model.weight @"token_embd.weight" : tensor<512x256xf16> at 4096 in 0
//   model.cache @kv.0 : 2 x (64, 64) x f16
//   func.func @forward(...) -> tensor<?x512xf32> { ... }
// }
//
// Finds the family that `general.architecture` names; its file in arch/ does
// the rest. Leaves a verified module.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Import.h"
#include "compiler/import/arch/Families.h"
#include "dialects/model/ModelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace modelc;

static absl::StatusOr<const arch::Family *>
findFamily(const gguf::GgufModel &source) {
  constexpr llvm::StringLiteral kKey = "general.architecture";
  const gguf::Metadata &metadata = source.metadata();
  absl::StatusOr<llvm::StringRef> name = metadata.getString(kKey);
  if (!name.ok())
    return name.status();
  llvm::SmallVector<llvm::StringRef> known;
  for (const arch::Family &family : arch::getFamilies()) {
    if (family.name == *name)
      return &family;
    known.push_back(family.name);
  }
  return metadata.makeError(kKey, gguf::quote(*name),
                            "one of " + llvm::join(known, ", "));
}

/// Families make caches of F16; this is where another type comes in.
static absl::Status setCacheType(mlir::ModuleOp module, model::GgmlType type,
                                 llvm::StringRef path) {
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(type);
  for (auto cache : module.getOps<model::CacheOp>()) {
    for (uint64_t dim : {cache.getKeyDim(), cache.getValueDim()})
      if (dim % info.blockElems != 0)
        return absl::InvalidArgumentError(
            llvm::formatv("{0}: a cache of {1} expects heads of a multiple of "
                          "{2} elements, found {3}",
                          path, info.name, info.blockElems, dim)
                .str());
    cache.setType(model::getElementType(module.getContext(), type));
  }
  return absl::OkStatus();
}

/// What importers build is valid whatever the file, so this failing is an
/// error of ours; it still ends as a status.
static absl::Status verify(mlir::ModuleOp module, llvm::StringRef path) {
  std::string text;
  mlir::ScopedDiagnosticHandler handler(module.getContext(),
                                        [&](mlir::Diagnostic &diagnostic) {
                                          if (text.empty())
                                            text = diagnostic.str();
                                          return mlir::success();
                                        });
  if (mlir::succeeded(mlir::verify(module)))
    return absl::OkStatus();
  return absl::InternalError(path.str() + ": imported to invalid IR: " + text);
}

absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>>
modelc::importModel(mlir::MLIRContext &context, const gguf::GgufModel &source,
                    const ImportOptions &options) {
  absl::StatusOr<const arch::Family *> family = findFamily(source);
  if (!family.ok())
    return family.status();
  context.loadDialect<mlir::func::FuncDialect, model::ModelDialect>();
  absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> module =
      (*family)->import(context, source);
  if (!module.ok())
    return module;
  if (absl::Status status =
          setCacheType(**module, options.cacheType, source.path());
      !status.ok())
    return status;
  if (absl::Status status = verify(**module, source.path()); !status.ok())
    return status;
  return module;
}

absl::StatusOr<FamilyFacts>
modelc::getFamilyFacts(const gguf::GgufModel &source) {
  absl::StatusOr<const arch::Family *> family = findFamily(source);
  if (!family.ok())
    return family.status();
  return FamilyFacts{(*family)->name.str(),
                     (*family)->witness != arch::Witness::none};
}
