//===- StoredQuads.h - Stored quants, four at a time
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// From the fields of a block to `stored` of dialects/pack/BlockFormats.h, for
// all types: the one place that knows the three kinds of quants.
//
// A quad is four consecutive k. The bytes of some rows' quads are a vector:
// byte 4 * n + i is that of row n and element k + i.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_STOREDQUADS_H
#define MODELC_COMPILER_CODEGEN_COMMON_STOREDQUADS_H

#include "compiler/codegen/common/FieldSlice.h"
#include <functional>
#include <map>
#include <string>

namespace modelc::codegen {

/// The quads of some rows of one group, or of one step inside it. What several
/// quads share (words, entries of a grid, signs) is emitted once, where it is
/// first asked for: all calls of one object belong into one block of code.
class StoredQuads {
public:
  using Value = mlir::Value;
  /// As FieldLoader, always vectors of one element for each row.
  using Loader = std::function<Value(llvm::StringRef field, mlir::Type element,
                                     int64_t k)>;

  /// `load` gives vectors of `rows` elements.
  StoredQuads(KernelBuilder &b, pack::LayoutAttr layout, int64_t rows,
              Loader load);

  /// True if the rows' parts of every field lie as a vector load takes them.
  static bool canRead(pack::LayoutAttr layout);

  /// The quad of elements k .. k + 3, counted as the loader counts, as
  /// unsigned bytes (or signed ones, if that is what quants are).
  Value get(int64_t k);

  /// The same as operands of a dot product: true quants plus `offset`. Of an
  /// image, whose operands are all it has, what they are.
  Value getOperand(int64_t k, int64_t offset);

  /// The operands of a panel's image with pack::OperandProducts, plus `offset`.
  Value getProduct(int64_t k, int64_t offset);

private:
  Value getFactor(int64_t k);
  Value getPlanes(int64_t k);
  Value getTrits(int64_t k);
  Value getLevels(int64_t k);
  Value getEntry(int64_t k);
  Value emitEntryNumber(int64_t k, mlir::Type type);
  void permuteEntries(int64_t k);
  Value getSigns(int64_t k, int64_t position);
  Value getSignWord(int64_t k);
  Value getPlane(llvm::StringRef field, int64_t k, int64_t position);
  Value getQuad(llvm::StringRef field, int64_t k);
  Value getWord(llvm::StringRef field, int64_t k, int64_t words);
  Value emitPart(const pack::Slice &slice, int64_t k, mlir::Type type);
  /// `emit()`, once for each name and k.
  Value once(llvm::StringRef name, int64_t k, llvm::function_ref<Value()> emit);

  KernelBuilder &b;
  pack::LayoutAttr layout;
  const pack::BlockFormat &format;
  int64_t rows;
  Loader load;
  bool canPermute; ///< Entries of the grid come by IntDot::permute.
  std::map<std::pair<std::string, int64_t>, Value> known;
};

/// The true quants plus `offset` that bytes of stored ones stand for: what the
/// codebook has, or the bytes themselves, which hold an offset of their own.
mlir::Value lookUpQuants(KernelBuilder &b, pack::LayoutAttr layout,
                         mlir::Value stored, int64_t offset);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_STOREDQUADS_H
