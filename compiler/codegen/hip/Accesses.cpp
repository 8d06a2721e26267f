//===- Accesses.cpp - Memory that lanes of a row have read and written
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/Accesses.h"
#include "compiler/codegen/hip/Lanes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

const void *codegen::getRoot(Value pointer) {
  while (Operation *op = pointer.getDefiningOp()) {
    if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
      return address.getGlobalNameAttr().getAttr().getAsOpaquePointer();
    if (!isa<LLVM::GEPOp, LLVM::AddrSpaceCastOp>(op))
      return nullptr;
    pointer = op->getOperand(0);
  }
  return pointer.getAsOpaquePointer();
}

void Accesses::add(const Accesses &other) {
  stored.insert(other.stored.begin(), other.stored.end());
  loaded.insert(other.loaded.begin(), other.loaded.end());
}

Accesses codegen::collectAccesses(Operation *op) {
  Accesses accesses;
  op->walk([&](Operation *inner) {
    llvm::TypeSwitch<Operation *>(inner)
        .Case([&](LLVM::LoadOp load) {
          if (isDistributed(load.getType()))
            accesses.add(getRoot(load.getAddr()), /*isStore=*/false);
        })
        .Case([&](LLVM::StoreOp store) {
          if (isDistributed(store.getValue().getType()))
            accesses.add(getRoot(store.getAddr()), /*isStore=*/true);
        })
        .Case([&](LLVM::MaskedLoadOp load) {
          accesses.add(getRoot(load.getData()), /*isStore=*/false);
        })
        .Case([&](LLVM::MaskedStoreOp store) {
          accesses.add(getRoot(store.getData()), /*isStore=*/true);
        })
        .Case([&](LLVM::masked_gather load) {
          accesses.add(getRoot(load.getPtrs()), /*isStore=*/false);
        })
        .Case([&](LLVM::masked_scatter store) {
          accesses.add(getRoot(store.getPtrs()), /*isStore=*/true);
        });
  });
  return accesses;
}
