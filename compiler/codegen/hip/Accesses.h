//===- Accesses.h - Memory that lanes of a row have read and written
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM keeps the order of two accesses unless it can prove that one work-item's
// addresses differ. Where an access is of a scalar, a proof for one lane is one
// for all. Where both are of vectors it is not: lane 1 of one may be lane 0 of
// the other. Proofs need addresses made from the same pointer, so accesses are
// known by that, their root.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_HIP_ACCESSES_H
#define MODELC_COMPILER_CODEGEN_HIP_ACCESSES_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

namespace modelc::codegen {

/// What an address is made from: an argument or a global, or null for pointers
/// that were loaded.
const void *getRoot(mlir::Value pointer);

/// Roots of accesses by lanes since some place in a function.
class Accesses {
public:
  void add(const void *root, bool isStore) {
    (isStore ? stored : loaded).insert(root);
  }
  void add(const Accesses &other);

  /// True if an access must not pass one of these.
  bool conflictsWith(const void *root, bool isStore) const {
    return stored.contains(root) || (isStore && loaded.contains(root));
  }

private:
  llvm::DenseSet<const void *> stored, loaded;
};

/// All accesses by lanes inside an op, as emitters write them.
Accesses collectAccesses(mlir::Operation *op);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_HIP_ACCESSES_H
