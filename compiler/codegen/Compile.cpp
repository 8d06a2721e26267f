//===- Compile.cpp - One kernel from its specification to an object file
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   #plan.matmul<...>  ==>  llvm.func with scf and arith  ==>  llvm dialect
//     ==>  LLVM IR  ==>  LLVM IR at -O3  ==>  object of the target's system
//
// On a GPU vectors are dealt out to lanes first, and what goes on is bitcode,
// as a code object is made of all kernels at once (hip/CodeObject.cpp).
//
// Every kernel has contexts of its own; its specification travels there as
// text. Floating point is compiled as written: nothing is contracted, and no
// library function may be called or recognised.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Compile.h"
#include "absl/status/status.h"
#include "compiler/codegen/hip/CodeObject.h"
#include "compiler/codegen/hip/Passes.h"
#include "compiler/codegen/hip/WorkGroup.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

namespace {

/// One kernel's compilation. Lives on one thread.
class KernelCompiler {
public:
  KernelCompiler(StringRef symbol, const target::TargetSpec &target);

  /// Parses `specText`, emits, and goes as far as `output` asks.
  absl::StatusOr<std::string> run(StringRef specText, KernelOutput output);

private:
  LogicalResult emit(StringRef specText);
  LogicalResult lowerToLlvmDialect();
  absl::Status translate();
  absl::Status createMachine();
  void setFunctionAttributes();
  void optimize();
  absl::Status fail(StringRef what);

  StringRef symbol;
  const target::TargetSpec &target;
  int64_t groupThreads = 0; ///< Of a work-group; 0 on CPUs.
  std::string diagnostics;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule;
  std::unique_ptr<llvm::TargetMachine> machine;
};

} // namespace

static absl::StatusOr<std::string> compileOne(const KernelRequest &request,
                                              StringRef specText,
                                              const target::TargetSpec &target,
                                              KernelOutput output) {
  KernelCompiler compiler(request.symbol, target);
  return compiler.run(specText, output);
}

void codegen::initializeBackends() {
  static std::once_flag isInitialized;
  std::call_once(isInitialized, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser(); // Of inline assembly.
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUAsmPrinter();
  });
}

absl::StatusOr<std::vector<std::string>>
codegen::compileEach(ArrayRef<KernelRequest> requests,
                     const target::TargetSpec &target, unsigned threads,
                     KernelOutput output, function_ref<void()> onKernelDone) {
  initializeBackends();
  std::vector<absl::StatusOr<std::string>> results(requests.size());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (size_t i = 0; i < requests.size(); ++i) {
    std::string specText;
    llvm::raw_string_ostream(specText) << Attribute(requests[i].spec);
    pool.async([&, i, specText] {
      results[i] = compileOne(requests[i], specText, target, output);
      if (onKernelDone)
        onKernelDone();
    });
  }
  pool.wait();
  std::vector<std::string> outputs;
  for (absl::StatusOr<std::string> &result : results) {
    if (!result.ok())
      return result.status();
    outputs.push_back(*std::move(result));
  }
  return outputs;
}

KernelCompiler::KernelCompiler(StringRef symbol,
                               const target::TargetSpec &target)
    : symbol(symbol), target(target),
      context(MLIRContext::Threading::DISABLED) {
  loadKernelDialects(context);
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerROCDLDialectTranslation(context);
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    diagnostics += diagnostics.empty() ? "" : "; ";
    diagnostics += diagnostic.str();
  });
}

absl::Status KernelCompiler::fail(StringRef what) {
  std::string message = ("kernel " + symbol + ": " + what).str();
  if (!diagnostics.empty())
    message += ": " + diagnostics;
  return absl::InternalError(message);
}

template <typename T> static std::string printToString(const T &value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  value.print(os, nullptr);
  return text;
}

absl::StatusOr<std::string> KernelCompiler::run(StringRef specText,
                                                KernelOutput output) {
  if (failed(emit(specText)))
    return fail("cannot be emitted");
  if (output == KernelOutput::Mlir) {
    std::string text;
    llvm::raw_string_ostream(text) << *module << "\n";
    return text;
  }
  if (failed(lowerToLlvmDialect()))
    return fail("cannot be lowered");
  if (absl::Status status = translate(); !status.ok())
    return status;
  if (absl::Status status = createMachine(); !status.ok())
    return status;
  setFunctionAttributes();
  optimize();
  if (output == KernelOutput::Llvm)
    return printToString(*llvmModule);
  if (output == KernelOutput::Bitcode) {
    std::string bitcode;
    llvm::raw_string_ostream stream(bitcode);
    llvm::WriteBitcodeToFile(*llvmModule, stream);
    return bitcode;
  }
  absl::StatusOr<std::string> file = generateFile(
      *machine, *llvmModule,
      output == KernelOutput::Assembly ? llvm::CodeGenFileType::AssemblyFile
                                       : llvm::CodeGenFileType::ObjectFile);
  return file.ok() ? file : fail(std::string(file.status().message()));
}

LogicalResult KernelCompiler::emit(StringRef specText) {
  Attribute parsed = parseAttribute(specText, &context);
  auto spec = dyn_cast_or_null<plan::KernelSpecInterface>(parsed);
  if (!spec)
    return failure();
  groupThreads = getWorkGroup(spec, target).threads;
  module = ModuleOp::create(UnknownLoc::get(&context));
  if (failed(emitKernel(*module, symbol, spec, target)))
    return failure();
  return verify(*module);
}

LogicalResult KernelCompiler::lowerToLlvmDialect() {
  PassManager passes(&context);
  if (target.gpu)
    passes.addPass(createDistributeLanesPass({target.name.str()}));
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  return passes.run(*module);
}

absl::Status KernelCompiler::translate() {
  // The module's name stands in the object file: it must not vary.
  llvmModule = translateModuleToLLVMIR(*module, llvmContext, symbol);
  if (!llvmModule)
    return fail("cannot be translated to LLVM IR");
  module = OwningOpRef<ModuleOp>();
  return absl::OkStatus();
}

absl::Status KernelCompiler::createMachine() {
  absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> created =
      createTargetMachine(target);
  if (!created.ok())
    return fail(std::string(created.status().message()));
  machine = *std::move(created);
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  return absl::OkStatus();
}

void KernelCompiler::setFunctionAttributes() {
  for (llvm::Function &function : *llvmModule) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr(llvm::Attribute::NoUnwind);
    function.addFnAttr("no-builtins");
    function.addFnAttr("target-cpu", target.cpu);
    if (target.gpu) {
      setKernelAttributes(function, target, groupThreads);
      continue;
    }
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    // Cascade Lake and its kin otherwise prefer half vectors.
    if (machine->getTargetTriple().isX86()) {
      function.addFnAttr("prefer-vector-width", "512");
      function.addFnAttr("min-legal-vector-width", "512");
    }
    function.addParamAttr(0, llvm::Attribute::NoAlias);
    function.addParamAttr(0, llvm::Attribute::ReadOnly);
  }
}

void KernelCompiler::optimize() {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraphs;
  llvm::ModuleAnalysisManager modules;
  // No function of any library exists: loops must not turn into memset.
  functions.registerPass([&] {
    llvm::TargetLibraryInfoImpl library(llvmModule->getTargetTriple());
    library.disableAllFunctions();
    return llvm::TargetLibraryAnalysis(library);
  });
  // Emitters vectorise on their own; what is scalar is meant to be.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(machine.get(), tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(*llvmModule, modules);
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>>
codegen::createTargetMachine(const target::TargetSpec &target) {
  initializeBackends();
  llvm::Triple triple(target.triple);
  std::string error;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return absl::InternalError(error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return absl::InternalError("LLVM has no such target machine");
  return machine;
}

absl::StatusOr<std::string>
codegen::generateFile(llvm::TargetMachine &machine, llvm::Module &module,
                      llvm::CodeGenFileType fileType) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  llvm::TargetLibraryInfoImpl library(module.getTargetTriple());
  library.disableAllFunctions();
  passes.add(new llvm::TargetLibraryInfoWrapperPass(library));
  if (machine.addPassesToEmitFile(passes, stream, nullptr, fileType))
    return absl::InternalError("LLVM cannot write this kind of file");
  passes.run(module);
  return std::string(bytes);
}
