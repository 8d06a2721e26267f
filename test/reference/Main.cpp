//===- Main.cpp - modelc-reference: logits of a GGUF model, the slow way
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tool for tests: what modelc-run must print, computed by the interpreter.
//
//   modelc-reference MODEL.gguf --tokens=1,2,3 --logits-out=F.f32
//                    [--fused] [--plain | --exact | --simulate]
//                    [--cache-type=q8_0]
//
// With --plain it multiplies decoded weights by activations as they are, in
// double: what no plan prints, and the nearer the better. With --exact it also
// leaves caches as they are; with --simulate it rounds what plans store in
// eight bits or F16 and nothing else: how near they can be. Writes
// little-endian f32 [tokens][vocab]. Exits as the other tools do.
//
//===----------------------------------------------------------------------===//

#include "compiler/fuse/Passes.h"
#include "compiler/import/Import.h"
#include "mlir/Pass/PassManager.h"
#include "test/reference/Interpreter.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace modelc;
namespace cl = llvm::cl;

/// Turns the imported module into the one that layouts are chosen for.
static absl::Status fuseModule(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseLinearPass());
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseGluPass());
  passes.addNestedPass<mlir::func::FuncOp>(fuse::createFuseSharedInputPass());
  if (mlir::failed(passes.run(module)))
    return absl::InternalError("fusing failed");
  return absl::OkStatus();
}

static absl::Status run(llvm::StringRef modelPath,
                        llvm::ArrayRef<int32_t> tokens,
                        llvm::StringRef logitsPath, bool fused,
                        reference::Arithmetic arithmetic,
                        model::GgmlType cacheType) {
  absl::StatusOr<std::unique_ptr<gguf::GgufModel>> source =
      gguf::GgufModel::open(modelPath);
  if (!source.ok())
    return source.status();
  mlir::MLIRContext context;
  absl::StatusOr<mlir::OwningOpRef<mlir::ModuleOp>> module =
      importModel(context, **source, {cacheType});
  if (!module.ok())
    return module.status();
  if (fused)
    if (absl::Status status = fuseModule(**module); !status.ok())
      return status;
  absl::StatusOr<reference::Interpreter> interpreter =
      reference::Interpreter::create(**module, **source);
  if (!interpreter.ok())
    return interpreter.status();
  interpreter->setArithmetic(arithmetic);
  absl::StatusOr<reference::Matrix> logits = interpreter->run(tokens);
  if (!logits.ok())
    return logits.status();
  std::error_code error;
  llvm::raw_fd_ostream out(logitsPath, error);
  out.write(reinterpret_cast<const char *>(logits->values.data()),
            logits->values.size() * sizeof(float));
  out.close();
  if (!error)
    error = out.error();
  out.clear_error();
  if (error)
    return absl::UnknownError((logitsPath + ": " + error.message()).str());
  return absl::OkStatus();
}

int main(int argc, char **argv) {
  cl::opt<std::string> model(cl::Positional, cl::Required,
                             cl::desc("MODEL.gguf"));
  cl::list<int32_t> tokens("tokens", cl::CommaSeparated, cl::OneOrMore,
                           cl::desc("Ids, comma-separated"));
  cl::opt<std::string> logits("logits-out", cl::Required,
                              cl::desc("File for the logits"));
  cl::opt<bool> fused("fused", cl::desc("Interpret the fused module"));
  using reference::Arithmetic;
  cl::opt<Arithmetic> arithmetic(
      cl::init(Arithmetic::Plans), cl::desc("Arithmetic, if not that of plans"),
      cl::values(clEnumValN(Arithmetic::Plain, "plain",
                            "No quantised activations; double"),
                 clEnumValN(Arithmetic::Exact, "exact", "Nor a rounded cache"),
                 clEnumValN(Arithmetic::Simulated, "simulate",
                            "Quantised activations; double")));
  cl::opt<model::GgmlType> cacheType(
      "cache-type", cl::init(model::GgmlType::F16), cl::desc("Of the cache"),
      cl::values(clEnumValN(model::GgmlType::F16, "f16", "Numbers"),
                 clEnumValN(model::GgmlType::Q8_0, "q8_0", "Blocks of 32")));
  cl::ParseCommandLineOptions(argc, argv,
                              "modelc-reference: logits, the slow way\n");
  absl::Status status =
      run(model, std::vector<int32_t>(tokens.begin(), tokens.end()), logits,
          fused, arithmetic, cacheType);
  if (status.ok())
    return 0;
  llvm::errs() << "error: " << std::string(status.message()) << "\n";
  return 1;
}
