//===- Jit.cpp - Kernels in this process
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/jit/Jit.h"
#include "absl/status/status.h"
#include "compiler/codegen/Compile.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"

using namespace modelc;
using namespace modelc::codegen;

static absl::Status fail(llvm::Error error) {
  return absl::InternalError("loading the kernels failed: " +
                             llvm::toString(std::move(error)));
}

absl::StatusOr<Jit> Jit::create(llvm::ArrayRef<KernelRequest> requests,
                                const target::TargetSpec &target,
                                unsigned threads) {
  absl::StatusOr<std::vector<std::string>> objects =
      compileEach(requests, target, threads, KernelOutput::Object);
  if (!objects.ok())
    return objects.status();
  // Kernels import nothing and have nothing to initialise, so the process's
  // own symbols are not offered and there is no platform.
  auto engine =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(
              llvm::orc::JITTargetMachineBuilder(llvm::Triple(target.triple)))
          .setLinkProcessSymbolsByDefault(false)
          .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
          .create();
  if (!engine)
    return fail(engine.takeError());
  Jit jit(std::move(*engine));
  for (size_t i = 0; i < requests.size(); ++i) {
    auto bytes =
        llvm::MemoryBuffer::getMemBufferCopy((*objects)[i], requests[i].symbol);
    if (llvm::Error error = jit.engine->addObjectFile(std::move(bytes)))
      return fail(std::move(error));
  }
  for (const KernelRequest &request : requests) {
    auto address = jit.engine->lookup(request.symbol);
    if (!address)
      return fail(address.takeError());
    jit.kernels.push_back(address->toPtr<ModelcKernel>());
  }
  return absl::StatusOr<Jit>(std::move(jit));
}

Jit::Jit(std::unique_ptr<llvm::orc::LLJIT> engine)
    : engine(std::move(engine)) {}
Jit::Jit(Jit &&) noexcept = default;
Jit &Jit::operator=(Jit &&) noexcept = default;
Jit::~Jit() = default;
