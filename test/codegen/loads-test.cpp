//===- loads-test.cpp - What a decode kernel loads of its weight
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One token reads all of a weight, so its speed is that of memory, if no byte
// is loaded twice. Emitters write a load wherever they need an element; this
// counts what is left of them after optimisation: the sizes of all loads from
// the weight's operand, each times the turns of the loops that it is in.
//
//===----------------------------------------------------------------------===//

#include "dialects/pack/Layouts.h"
#include "test/codegen/CodegenTest.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"

namespace modelc::codegen::test {
namespace {

/// Of one panel: groups of all types fit in.
constexpr int64_t kColumns = 512;

class Loads : public CodegenTest {
protected:
  /// One panel times one row.
  plan::MatmulSpecAttr makeDecode(pack::LayoutAttr layout) {
    pack::LayoutAttr input =
        isa<mlir::FloatType>(layout.getSource())
            ? pack::getFloatActivationLayout(&context, 1)
            : pack::getQuantizedActivationLayout(
                  &context, 1, pack::getActivationNeeds(layout));
    return plan::MatmulSpecAttr::get(
        &context, kColumns, input,
        mlir::ArrayAttr::get(&context, mlir::Attribute(layout)),
        mlir::DenseI64ArrayAttr::get(&context, pack::kPanelRows),
        model::Epilogue::Store, model::Activation::Silu, /*bias=*/false,
        /*tileRows=*/pack::kPanelRows, /*imagePanels=*/0, /*imageColumns=*/0,
        /*cap=*/mlir::FloatAttr());
  }
};

/// True if `pointer` lies in the memory of operand 1, the weight: if it comes
/// from params->operands[1].
bool isOfWeight(const llvm::Value *pointer, const llvm::DataLayout &data) {
  auto *operand = dyn_cast<llvm::LoadInst>(
      llvm::getUnderlyingObject(pointer, /*MaxLookup=*/0));
  if (!operand || !operand->getType()->isPointerTy())
    return false;
  llvm::APInt offset(64, 0);
  const llvm::Value *operands =
      operand->getPointerOperand()->stripAndAccumulateConstantOffsets(
          data, offset, /*AllowNonInbounds=*/true);
  return isa<llvm::LoadInst>(operands) && offset == sizeof(void *);
}

/// Bytes of the weight that one panel's turn of the kernel loads. The loops
/// outside of that have no constant number of turns, or one.
uint64_t countLoadedBytes(llvm::Function &function) {
  llvm::FunctionAnalysisManager functions;
  llvm::PassBuilder builder;
  builder.registerFunctionAnalyses(functions);
  llvm::ModuleAnalysisManager modules;
  functions.registerPass(
      [&] { return llvm::ModuleAnalysisManagerFunctionProxy(modules); });
  auto &loops = functions.getResult<llvm::LoopAnalysis>(function);
  auto &evolution =
      functions.getResult<llvm::ScalarEvolutionAnalysis>(function);
  const llvm::DataLayout &data = function.getParent()->getDataLayout();
  uint64_t bytes = 0;
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &instruction : block) {
      auto *load = dyn_cast<llvm::LoadInst>(&instruction);
      if (!load || !isOfWeight(load->getPointerOperand(), data))
        continue;
      uint64_t size = data.getTypeStoreSize(load->getType());
      for (llvm::Loop *loop = loops.getLoopFor(&block); loop;
           loop = loop->getParentLoop())
        size *= std::max(1u, evolution.getSmallConstantTripCount(loop));
      bytes += size;
    }
  return bytes;
}

/// Bytes of a panel that fields have, those of a whole block as often as a
/// kernel takes a step inside it.
uint64_t getExpectedBytes(pack::LayoutAttr layout, int64_t step) {
  std::vector<int64_t> times(layout.getBytes());
  for (auto field : layout.getFields().getAsRange<pack::FieldAttr>())
    for (int64_t n = 0; n < layout.getRows(); ++n)
      for (int64_t k = 0; k < layout.getK(); k += field.getUnit()) {
        int64_t bit = layout.getBitOffset(field.getName(), n, k);
        for (int64_t i = 0; i < std::max<int64_t>(8, field.getBits()); i += 8)
          times[(bit + i) / 8] = std::max<int64_t>(1, field.getUnit() / step);
      }
  int64_t groups = kColumns / layout.getK();
  return groups * std::accumulate(times.begin(), times.end(), int64_t(0));
}

TEST_F(Loads, DecodeLoadsEachByteOnce) {
  for (const char *name : {"x86-64-v3", "cascadelake"}) {
    const target::TargetSpec &target = getTarget(name);
    auto check = [&](model::GgmlType type) {
      pack::LayoutAttr layout =
          pack::getPanelLayout(&context, getType(type), target.quantFlip);
      KernelRequest request = {"kernel", makeDecode(layout)};
      absl::StatusOr<std::string> text =
          printKernels(request, target, KernelText::Llvm);
      ASSERT_TRUE(text.ok()) << text.status();
      llvm::LLVMContext llvmContext;
      llvm::SMDiagnostic error;
      std::unique_ptr<llvm::Module> module =
          llvm::parseAssemblyString(*text, error, llvmContext);
      ASSERT_TRUE(module) << error.getMessage().str();
      // A group that cannot be divided is one step.
      bool isWhole =
          type == model::GgmlType::TQ1_0 || type == model::GgmlType::IQ1_M;
      int64_t step = isWhole ? layout.getK() : 64;
      EXPECT_EQ(countLoadedBytes(*module->getFunction("kernel")),
                getExpectedBytes(layout, step))
          << name << " " << layout.getName().str();
    };
#define MATMUL_KERNEL(isaName, type)                                           \
  if (target.isa == target::Isa::isaName)                                      \
    check(model::GgmlType::type);
#include "compiler/target/Kernels.def"
  }
}

} // namespace
} // namespace modelc::codegen::test
