//===- Jit.h - Kernels in this process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For `modelc run` and the kernel tests: the same object code that a plan
// would hold, loaded by ORC instead of the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_JIT_JIT_H
#define MODELC_COMPILER_CODEGEN_JIT_JIT_H

#include "compiler/codegen/Codegen.h"
#include "modelc/kernel_abi.h"
#include <memory>

namespace llvm::orc {
class LLJIT;
}

namespace modelc::codegen {

/// Owns the code of its kernels: they may be called, by any thread, while
/// this lives.
class Jit {
public:
  /// Compiles the requests for `target`, whose features this machine must
  /// have, on up to `threads` threads. INTERNAL as compileKernels.
  static absl::StatusOr<Jit> create(llvm::ArrayRef<KernelRequest> requests,
                                    const target::TargetSpec &target,
                                    unsigned threads);
  Jit(Jit &&) noexcept;
  Jit &operator=(Jit &&) noexcept;
  ~Jit();

  /// The kernels, in the order of the requests.
  llvm::ArrayRef<ModelcKernel> getKernels() const { return kernels; }

private:
  explicit Jit(std::unique_ptr<llvm::orc::LLJIT> engine);

  std::unique_ptr<llvm::orc::LLJIT> engine;
  std::vector<ModelcKernel> kernels;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_JIT_JIT_H
