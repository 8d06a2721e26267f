//===- EmitKernel.cpp - Which emitter writes which kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/Codegen.h"
#include "compiler/codegen/common/Emitters.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

LogicalResult codegen::emitKernel(ModuleOp module, StringRef symbol,
                                  plan::KernelSpecInterface spec,
                                  const target::TargetSpec &target) {
  WorkGroup group = getWorkGroup(spec, target);
  KernelBuilder b(module, symbol, target, group, spec.getAccesses().size());
  LogicalResult result =
      llvm::TypeSwitch<Attribute, LogicalResult>(spec)
          .Case([&](plan::EmbedSpecAttr s) { return emitEmbed(b, s); })
          .Case([&](plan::RopeTableSpecAttr s) { return emitRopeTable(b, s); })
          .Case([&](plan::PrepareSpecAttr s) { return emitPrepare(b, s); })
          .Case([&](plan::MatmulSpecAttr s) { return emitMatmul(b, s); })
          .Case([&](plan::NormSpecAttr s) { return emitNorm(b, s); })
          .Case([&](plan::AddSpecAttr s) { return emitAdd(b, s); })
          .Case([&](plan::GluSpecAttr s) { return emitGlu(b, s); })
          .Case([&](plan::ColumnsSpecAttr s) { return emitColumns(b, s); })
          .Case(
              [&](plan::CausalConvSpecAttr s) { return emitCausalConv(b, s); })
          .Case([&](plan::DeltaRuleSpecAttr s) { return emitDeltaRule(b, s); })
          .Case([&](plan::RouteSpecAttr s) { return emitRoute(b, s); })
          .Case([&](plan::GroupSpecAttr s) { return emitGroup(b, s); })
          .Case([&](plan::ExpertsSpecAttr s) { return emitExperts(b, s); })
          .Case(
              [&](plan::HeadMatmulSpecAttr s) { return emitHeadMatmul(b, s); })
          .Case([&](plan::JoinHeadsSpecAttr s) { return emitJoinHeads(b, s); })
          .Case([&](plan::CombineSpecAttr s) { return emitCombine(b, s); })
          .Case([&](plan::RopeStoreSpecAttr s) { return emitRopeStore(b, s); })
          .Case([&](plan::AttentionSpecAttr s) { return emitAttention(b, s); })
          .Default([&](Attribute s) {
            return emitError(b.getLoc()) << "no emitter for " << s;
          });
  b.finish();
  if (succeeded(result) && target.gpu &&
      group.scratchBytes > target.gpu->ldsBytes)
    return emitError(b.getLoc())
           << "needs " << group.scratchBytes << " bytes of scratch, and a "
           << "work-group of " << target.name << " has "
           << target.gpu->ldsBytes;
  return result;
}

void codegen::loadKernelDialects(MLIRContext &context) {
  context.loadDialect<arith::ArithDialect, scf::SCFDialect, LLVM::LLVMDialect,
                      ROCDL::ROCDLDialect, plan::PlanDialect>();
}
