//===- KernelCall.cpp - How a kernel is called
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On a CPU, a function that takes ModelcKernelParams:
//
//   llvm.func @mc_x(%params: !llvm.ptr)
//
// On a GPU, an entry point that takes ModelcDeviceParams and the operands:
//
//   llvm.func amdgpu_kernelcc @mc_x(%inputs: !llvm.ptr<1>, %count:
//   !llvm.ptr<1>,
//       %limit: i32, %divisor: i32, %multiplier: i32, %reserved: i32,
//       %operand: !llvm.ptr<1>, ...)
//
// where each row of a work-group computes at most one tile:
//
//   tile = work-group * tiles of one + row      of ceil(count / divisor) *
//                                               multiplier
//
// Emitters see addresses without an address space; LLVM finds it again from
// the casts here.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/KernelBuilder.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

static constexpr unsigned kGlobalMemory = 1, kLocalMemory = 3;

static_assert(offsetof(ModelcDeviceParams, count) == 8 &&
                  offsetof(ModelcDeviceParams, countLimit) == 16 &&
                  offsetof(ModelcDeviceParams, tileDivisor) == 20 &&
                  offsetof(ModelcDeviceParams, tileMultiplier) == 24 &&
                  sizeof(ModelcDeviceParams) == 32,
              "two pointers and four words, as the arguments are declared");

Type KernelBuilder::globalPtr() {
  return LLVM::LLVMPointerType::get(module.getContext(), kGlobalMemory);
}

Value KernelBuilder::castToGeneric(Value pointer) {
  if (pointer.getType() == ptr())
    return pointer;
  return LLVM::AddrSpaceCastOp::create(builder, loc, ptr(), pointer);
}

KernelBuilder::KernelBuilder(ModuleOp module, StringRef symbol,
                             const target::TargetSpec &target,
                             const WorkGroup &group, int64_t operandCount)
    : module(module), builder(module.getContext()),
      loc(NameLoc::get(builder.getStringAttr(symbol))), target(target),
      group(group) {
  builder.setInsertionPointToEnd(module.getBody());
  SmallVector<Type> arguments = {ptr()};
  if (target.gpu) {
    arguments = {globalPtr(), globalPtr(), i32(), i32(), i32(), i32()};
    arguments.append(operandCount, globalPtr());
  }
  Type result = LLVM::LLVMVoidType::get(module.getContext());
  auto type = LLVM::LLVMFunctionType::get(result, arguments);
  auto function = LLVM::LLVMFuncOp::create(
      builder, loc, symbol, type, LLVM::Linkage::External, /*dsoLocal=*/false,
      target.gpu ? LLVM::CConv::AMDGPU_KERNEL : LLVM::CConv::C);
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  if (target.gpu) {
    // So that LLVM gives each wave the registers that there are for so few.
    auto threads = std::to_string(group.threads);
    function->setAttr("rocdl.flat_work_group_size",
                      builder.getStringAttr(threads + "," + threads));
    beginDeviceCall(*entry);
  } else {
    params = entry->getArgument(0);
  }
}

void KernelBuilder::finish() {
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

/// Finds the tile of the work-item's row.
void KernelBuilder::beginDeviceCall(Block &entry) {
  enum { kInputs, kCount, kLimit, kDivisor, kMultiplier, kReserved, kOperands };
  device.inputs = entry.getArgument(kInputs);
  for (BlockArgument operand : entry.getArguments().drop_front(kOperands))
    device.operands.push_back(castToGeneric(operand));

  constexpr int32_t kRowShift = 4;
  static_assert(kLanes == 1 << kRowShift);
  Value thread = ROCDL::ThreadIdXOp::create(builder, loc, i32());
  Value row = shrU(thread, constI32(kRowShift));
  Value number = ROCDL::BlockIdXOp::create(builder, loc, i32());
  Value count =
      LLVM::LoadOp::create(builder, loc, i32(), entry.getArgument(kCount));
  count = minU(count, entry.getArgument(kLimit));
  Value divisor = entry.getArgument(kDivisor);
  Value rounded = add(count, sub(divisor, constI32(1)));
  Value tiles =
      mul(Value(arith::DivUIOp::create(builder, loc, rounded, divisor)),
          entry.getArgument(kMultiplier));

  Value tile = mul(number, constI32(static_cast<int32_t>(group.tiles)));
  Value exists = constBool(true);
  if (!group.sharesTile) {
    tile = add(tile, row);
    if (group.tiles < group.threads / kLanes)
      exists = cmpI(arith::CmpIPredicate::ult, row,
                    constI32(static_cast<int32_t>(group.tiles)));
  }
  exists = bitAnd(exists, cmpI(arith::CmpIPredicate::ult, tile, tiles));
  device.row = extendU(row, i64());
  device.count = extendU(count, i64());
  device.tileBegin = extendU(tile, i64());
  device.tileEnd = add(device.tileBegin, extendU(exists, i64()));
}

Value KernelBuilder::loadParam(Type type, size_t offset) {
  return load(type, params, static_cast<int64_t>(offset));
}

/// A field of the step's inputs, which no kernel writes.
Value KernelBuilder::loadInput(Type type, size_t offset) {
  if (!target.gpu) {
    Value inputs = loadParam(ptr(), offsetof(ModelcKernelParams, inputs));
    return load(type, inputs, static_cast<int64_t>(offset));
  }
  Value field =
      LLVM::GEPOp::create(builder, loc, globalPtr(), i8(), device.inputs,
                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(
      builder, loc, type, field, type.isInteger(32) ? 4 : sizeof(void *),
      /*isVolatile=*/false, /*isNonTemporal=*/false, /*isInvariant=*/true);
}

Value KernelBuilder::loadOperand(int64_t index) {
  if (target.gpu)
    return device.operands[index];
  Value operands = loadParam(ptr(), offsetof(ModelcKernelParams, operands));
  return load(ptr(), operands, index * static_cast<int64_t>(sizeof(void *)));
}

Value KernelBuilder::loadScratch() {
  if (!target.gpu)
    return loadParam(ptr(), offsetof(ModelcKernelParams, scratch));
  if (!localMemory) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    StringRef kernel = cast<NameLoc>(loc).getName().getValue();
    int64_t bytes = std::max<int64_t>(group.scratchBytes, 1) *
                    (group.sharesTile ? 1 : group.tiles);
    localMemory = LLVM::GlobalOp::create(
        builder, loc, LLVM::LLVMArrayType::get(i8(), bytes),
        /*isConstant=*/false, LLVM::Linkage::Internal,
        (kernel + "_scratch").str(), Attribute(), MODELC_BUFFER_ALIGN,
        kLocalMemory);
  }
  Value base = LLVM::AddressOfOp::create(builder, loc, localMemory);
  if (!group.sharesTile && group.tiles > 1)
    base = LLVM::GEPOp::create(
        builder, loc, base.getType(), i8(), base,
        ArrayRef<LLVM::GEPArg>{mul(device.row, group.scratchBytes)});
  return castToGeneric(base);
}

Value KernelBuilder::loadTileBegin() {
  if (target.gpu)
    return device.tileBegin;
  return extendU(loadParam(i32(), offsetof(ModelcKernelParams, tileBegin)),
                 i64());
}

Value KernelBuilder::loadTileEnd() {
  if (target.gpu)
    return device.tileEnd;
  return extendU(loadParam(i32(), offsetof(ModelcKernelParams, tileEnd)),
                 i64());
}

Value KernelBuilder::loadCount() {
  if (target.gpu)
    return device.count;
  return extendU(loadParam(i32(), offsetof(ModelcKernelParams, count)), i64());
}

Value KernelBuilder::loadInputPointer(size_t offset) {
  return castToGeneric(loadInput(target.gpu ? globalPtr() : ptr(), offset));
}

Value KernelBuilder::loadInputU32(size_t offset) {
  return extendU(loadInput(i32(), offset), i64());
}

void KernelBuilder::barrier() {
  if (!target.gpu)
    return;
  constexpr StringLiteral kScope = "workgroup";
  LLVM::FenceOp::create(builder, loc, LLVM::AtomicOrdering::release, kScope);
  ROCDL::SBarrierOp::create(builder, loc);
  LLVM::FenceOp::create(builder, loc, LLVM::AtomicOrdering::acquire, kScope);
}
