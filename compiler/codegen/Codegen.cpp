//===- Codegen.cpp - Kernel specifications to machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Codegen.h"
#include "compiler/codegen/Compile.h"
#include "compiler/codegen/Link.h"
#include "compiler/codegen/LinkDylib.h"
#include "compiler/codegen/hip/CodeObject.h"

using namespace modelc;
using namespace modelc::codegen;

absl::StatusOr<CodeImage>
codegen::compileKernels(llvm::ArrayRef<KernelRequest> requests,
                        const target::TargetSpec &target, unsigned threads,
                        llvm::function_ref<void()> onKernelDone) {
  absl::StatusOr<std::vector<std::string>> objects = compileEach(
      requests, target, threads,
      target.gpu ? KernelOutput::Bitcode : KernelOutput::Object, onKernelDone);
  if (!objects.ok())
    return objects.status();
  std::vector<std::string> symbols;
  for (const KernelRequest &request : requests)
    symbols.push_back(request.symbol);
  if (target.gpu)
    return linkCodeObject(*objects, symbols, target);
  return target.isForMac() ? linkDylib(*objects, symbols)
                           : linkKernels(*objects, symbols);
}

static KernelOutput getOutput(KernelText what) {
  switch (what) {
  case KernelText::Mlir:
    return KernelOutput::Mlir;
  case KernelText::Llvm:
    return KernelOutput::Llvm;
  case KernelText::Assembly:
    return KernelOutput::Assembly;
  }
  llvm_unreachable("no such text");
}

absl::StatusOr<std::string>
codegen::printKernels(llvm::ArrayRef<KernelRequest> requests,
                      const target::TargetSpec &target, KernelText what) {
  absl::StatusOr<std::vector<std::string>> texts =
      compileEach(requests, target, /*threads=*/1, getOutput(what));
  if (!texts.ok())
    return texts.status();
  std::string all;
  for (const std::string &text : *texts)
    all += text;
  return all;
}
