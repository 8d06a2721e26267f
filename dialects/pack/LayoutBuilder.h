//===- LayoutBuilder.h - Collects the fields of a layout
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the catalogue's own files.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_LAYOUTBUILDER_H
#define MODELC_DIALECTS_PACK_LAYOUTBUILDER_H

#include "dialects/pack/PackDialect.h"
#include "mlir/IR/AffineExpr.h"

namespace modelc::pack {

/// Loads of two registers of a unit of outer products want multiples of it.
inline constexpr int64_t kRegisterPairBytes = 128;

/// Collects the fields of one layout of `rows` x `k` elements. `n` and `j` are
/// the variables of index maps.
struct LayoutBuilder {
  LayoutBuilder(mlir::MLIRContext *context, mlir::Type source, int64_t rows,
                int64_t k)
      : n(mlir::getAffineDimExpr(0, context)),
        j(mlir::getAffineDimExpr(1, context)), context(context), source(source),
        rows(rows), k(k) {}

  /// Adds a field; `bit` is its index map. Sums in it are written from left to
  /// right, without inner parentheses: as the parser reads them, so that a
  /// layout's text gives the same layout back.
  void add(llvm::StringRef name, int64_t bits, int64_t unit,
           mlir::AffineExpr bit, int64_t flip = 0) {
    auto map = mlir::AffineMap::get(2, 0, bit);
    fields.push_back(FieldAttr::get(context,
                                    mlir::StringAttr::get(context, name), bits,
                                    unit, flip, mlir::AffineMapAttr::get(map)));
  }

  LayoutAttr finish(const llvm::Twine &name, int64_t bytes, int64_t align) {
    return LayoutAttr::get(context, mlir::StringAttr::get(context, name),
                           source, rows, k, bytes, align,
                           mlir::ArrayAttr::get(context, fields));
  }

  const mlir::AffineExpr n, j;

private:
  mlir::MLIRContext *context;
  mlir::Type source;
  int64_t rows, k;
  llvm::SmallVector<mlir::Attribute> fields;
};

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_LAYOUTBUILDER_H
