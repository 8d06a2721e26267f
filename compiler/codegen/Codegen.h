//===- Codegen.h - Kernel specifications to machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel's way: specification ==> MLIR (llvm, arith, scf) ==> LLVM IR, -O3
// ==> object file ==> one shared object per variant, or dylib for a Mac, linked
// in process. For a GPU, LLVM IR of all kernels ==> one code object, the ELF
// file that HIP loads.
//
// Kernels are compiled apart from each other, each in contexts of its own, so
// the bytes of the result do not depend on the number of threads.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_CODEGEN_H
#define MODELC_COMPILER_CODEGEN_CODEGEN_H

#include "absl/status/statusor.h"
#include "compiler/target/TargetSpec.h"
#include "dialects/plan/PlanDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace modelc::codegen {

/// One kernel to compile. Symbols of one call are distinct.
struct KernelRequest {
  std::string symbol;
  plan::KernelSpecInterface spec;
};

/// Position-independent code: an ELF shared object, or for a Mac a Mach-O
/// dylib, that imports nothing, has no dynamic relocations and no data, so that
/// mapping its segments is all that it takes to call into it. For a GPU, a code
/// object, whose kernels HIP finds by their names: no segments, addresses 0.
struct CodeImage {
  std::string bytes;
  /// What to map, readable and executable; file offsets are those of `bytes`.
  std::vector<ModelcCodeSegment> segments;
  /// Address inside the image of each request's kernel, in their order.
  std::vector<uint64_t> addresses;
};

/// Compiles the requests for `target` on up to `threads` threads and links
/// them in their order. `onKernelDone`, if given, is called after each kernel,
/// from any thread. INTERNAL if a kernel cannot be emitted or the result is
/// not such an image: a defect of the compiler.
absl::StatusOr<CodeImage>
compileKernels(llvm::ArrayRef<KernelRequest> requests,
               const target::TargetSpec &target, unsigned threads,
               llvm::function_ref<void()> onKernelDone = nullptr);

/// What to print of a kernel on its way.
enum class KernelText {
  Mlir,     ///< As its emitter wrote it.
  Llvm,     ///< LLVM IR after optimisation.
  Assembly, ///< The target's assembly.
};

/// The kernels as text, one after the other.
absl::StatusOr<std::string> printKernels(llvm::ArrayRef<KernelRequest> requests,
                                         const target::TargetSpec &target,
                                         KernelText what);

/// Appends `llvm.func @symbol` for the specification to a module whose context
/// has the dialects of `loadKernelDialects`.
llvm::LogicalResult emitKernel(mlir::ModuleOp module, llvm::StringRef symbol,
                               plan::KernelSpecInterface spec,
                               const target::TargetSpec &target);

/// Loads what kernels are made of: arith, scf, llvm, rocdl; and plan.
void loadKernelDialects(mlir::MLIRContext &context);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_CODEGEN_H
