//===- Emitters.h - One emitter per kernel specification
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each writes the body of one kernel: for the tiles [tileBegin, tileEnd) of
// the call what dialects/plan/PlanAttrs.td says of the specification, with the
// arithmetic of docs/numerics.md. Each fails with a diagnostic at the
// builder's location if a layout is not one that it can read.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_EMITTERS_H
#define MODELC_COMPILER_CODEGEN_COMMON_EMITTERS_H

#include "compiler/codegen/common/KernelBuilder.h"
#include "dialects/plan/PlanDialect.h"

namespace modelc::codegen {

llvm::LogicalResult emitEmbed(KernelBuilder &b, plan::EmbedSpecAttr spec);
llvm::LogicalResult emitRopeTable(KernelBuilder &b,
                                  plan::RopeTableSpecAttr spec);
llvm::LogicalResult emitPrepare(KernelBuilder &b, plan::PrepareSpecAttr spec);
llvm::LogicalResult emitMatmul(KernelBuilder &b, plan::MatmulSpecAttr spec);
llvm::LogicalResult emitNorm(KernelBuilder &b, plan::NormSpecAttr spec);
llvm::LogicalResult emitAdd(KernelBuilder &b, plan::AddSpecAttr spec);
llvm::LogicalResult emitGlu(KernelBuilder &b, plan::GluSpecAttr spec);
llvm::LogicalResult emitColumns(KernelBuilder &b, plan::ColumnsSpecAttr spec);
llvm::LogicalResult emitCausalConv(KernelBuilder &b,
                                   plan::CausalConvSpecAttr spec);
llvm::LogicalResult emitDeltaRule(KernelBuilder &b,
                                  plan::DeltaRuleSpecAttr spec);
llvm::LogicalResult emitRoute(KernelBuilder &b, plan::RouteSpecAttr spec);
llvm::LogicalResult emitGroup(KernelBuilder &b, plan::GroupSpecAttr spec);
llvm::LogicalResult emitExperts(KernelBuilder &b, plan::ExpertsSpecAttr spec);
llvm::LogicalResult emitHeadMatmul(KernelBuilder &b,
                                   plan::HeadMatmulSpecAttr spec);
llvm::LogicalResult emitJoinHeads(KernelBuilder &b,
                                  plan::JoinHeadsSpecAttr spec);
llvm::LogicalResult emitCombine(KernelBuilder &b, plan::CombineSpecAttr spec);
llvm::LogicalResult emitRopeStore(KernelBuilder &b,
                                  plan::RopeStoreSpecAttr spec);
llvm::LogicalResult emitAttention(KernelBuilder &b,
                                  plan::AttentionSpecAttr spec);

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_EMITTERS_H
