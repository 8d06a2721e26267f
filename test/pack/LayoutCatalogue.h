//===- LayoutCatalogue.h - Every layout of Layouts.h, for tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layout that is added to Layouts.h is added here, and so reaches the tests
// of the dialect, of the packers and of docs/layouts.md.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_PACK_LAYOUTCATALOGUE_H
#define MODELC_TEST_PACK_LAYOUTCATALOGUE_H

#include "dialects/pack/Layouts.h"
#include "mlir/IR/MLIRContext.h"
#include <vector>

namespace modelc::test {

/// A context with the dialects that layouts need.
class PackContext {
public:
  PackContext();
  mlir::MLIRContext *get() { return &context; }
  /// The element type of this name: "f32", "q4_0".
  mlir::Type getType(llvm::StringRef name);

private:
  mlir::MLIRContext context;
};

/// Of the quantised activation that docs/layouts.md draws.
extern const pack::ActivationNeeds kDrawnNeeds;

/// The types of weights that have panel layouts.
std::vector<mlir::Type> getPanelTypes(PackContext &context);

/// The layouts that a weight of this type may be packed into: mapped and all
/// panel layouts.
std::vector<pack::LayoutAttr> getTargets(PackContext &context, mlir::Type type);

/// Every layout, those with parameters once, with the parameters that
/// docs/layouts.md draws; of panels for GPUs those that it draws.
std::vector<pack::LayoutAttr> getCatalogue(PackContext &context);

} // namespace modelc::test

#endif // MODELC_TEST_PACK_LAYOUTCATALOGUE_H
