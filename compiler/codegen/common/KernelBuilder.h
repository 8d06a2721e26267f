//===- KernelBuilder.h - Builds the body of one kernel
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What all emitters write kernels with: the dialects arith, scf and llvm, with
// names short enough to read a formula in.
//
// A kernel is written once for all CPUs: vectors have kLanes lanes whatever
// the registers' width is, and LLVM splits them where it must. What differs by
// instruction set (integer dot products) stands in a folder of its own.
//
// On a GPU the vectors are dealt out to the lanes of a DPP row later
// (hip/DistributeLanes.cpp); how a kernel is called is in KernelCall.cpp.
//
// Pointers are `!llvm.ptr`, sizes, offsets and loop counters `i64`. Values of
// the wrong type are a defect of the emitter, which MLIR's verifier finds.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_CODEGEN_COMMON_KERNELBUILDER_H
#define MODELC_COMPILER_CODEGEN_COMMON_KERNELBUILDER_H

#include "compiler/codegen/hip/WorkGroup.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace modelc::codegen {

/// Lanes of every vector of a kernel.
inline constexpr int64_t kLanes = 16;

/// Declares `llvm.func @symbol(%params: !llvm.ptr)` in a module, or for a GPU
/// one that takes ModelcDeviceParams and operands, and writes its body, from
/// begin to end. One per kernel; not thread-safe.
class KernelBuilder {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;
  using LoopBody = llvm::function_ref<void(Value iv)>;
  using LoopBodyWithValues = llvm::function_ref<llvm::SmallVector<Value>(
      Value iv, mlir::ValueRange carried)>;
  using Body = llvm::function_ref<void()>;
  using BodyWithValues = llvm::function_ref<llvm::SmallVector<Value>()>;

  /// Appends the function to `module` and points the builder into it. `group`
  /// and the number of operands matter on GPUs.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef symbol,
                const target::TargetSpec &target, const WorkGroup &group,
                int64_t operandCount);

  /// Ends the function. Nothing may be built after this.
  void finish();

  const target::TargetSpec &getTarget() const { return target; }
  /// For operations that this class does not wrap.
  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return loc; }

  //===--------------------------------------------------------------------===//
  // Types
  //===--------------------------------------------------------------------===//

  Type i8() { return builder.getIntegerType(8); }
  Type i16() { return builder.getIntegerType(16); }
  Type i32() { return builder.getIntegerType(32); }
  Type i64() { return builder.getIntegerType(64); }
  Type f16() { return builder.getF16Type(); }
  Type f32() { return builder.getF32Type(); }
  Type f64() { return builder.getF64Type(); }
  Type ptr() { return mlir::LLVM::LLVMPointerType::get(module.getContext()); }
  /// A vector of `lanes` of an element type.
  mlir::VectorType vec(Type element, int64_t lanes = kLanes) {
    return mlir::VectorType::get({lanes}, element);
  }

  //===--------------------------------------------------------------------===//
  // The call: fields of ModelcKernelParams and ModelcStepInputs
  //===--------------------------------------------------------------------===//

  /// Address of operand `index` of the step, loaded here.
  Value loadOperand(int64_t index);
  Value loadScratch();   ///< params->scratch; on GPUs, in LDS.
  Value loadTileBegin(); ///< params->tileBegin, as i64.
  Value loadTileEnd();   ///< params->tileEnd, as i64.
  Value loadCount();     ///< params->count, as i64.
  /// On GPUs: the number of the work-item's DPP row in its work-group, i64.
  Value getRow() const { return device.row; }
  /// On GPUs: how the work-items of a work-group share tiles.
  const WorkGroup &getGroup() const { return group; }
  /// What all work-items of the group have stored in LDS, all can load behind
  /// it. All come here. Nothing on CPUs.
  void barrier();
  /// A field of params->inputs: a pointer if the field is one, else a u32 as
  /// i64. `offset` is an offsetof(ModelcStepInputs, ...).
  Value loadInputPointer(size_t offset);
  Value loadInputU32(size_t offset);

  //===--------------------------------------------------------------------===//
  // Constants
  //===--------------------------------------------------------------------===//

  Value constI64(int64_t value);
  Value constI32(int32_t value);
  Value constF32(float value);
  Value constF64(double value);
  Value constBool(bool value);
  Value splatF32(float value);
  /// The float with these bits in every lane.
  Value splatF32Bits(uint32_t bits);
  /// `value` in every lane of a vector of integers of `element`'s width.
  Value splatInt(int64_t value, Type element, int64_t lanes = kLanes);
  Value splatI32(int32_t value) { return splatInt(value, i32()); }
  /// `value` in the type of `like`, an integer or a vector of integers.
  Value constLike(Value like, int64_t value);
  /// A vector of integers, one for each of its lanes.
  template <typename Int>
  Value constVector(mlir::VectorType type, llvm::ArrayRef<Int> lanes) {
    return mlir::arith::ConstantOp::create(
        builder, loc, mlir::DenseElementsAttr::get(type, lanes));
  }
  /// 0, 1, ..., kLanes - 1 as i32.
  Value laneNumbers();
  /// Address of a table in the kernel's object, which has one for each name.
  Value constTable(llvm::StringRef name, llvm::ArrayRef<uint32_t> words);

  //===--------------------------------------------------------------------===//
  // Arithmetic, on scalars and vectors alike. Floats round as numerics.md
  // says: nothing is contracted or reassociated.
  //===--------------------------------------------------------------------===//

  Value add(Value a, Value b);    ///< Integers or floats.
  Value sub(Value a, Value b);    ///< Integers or floats.
  Value mul(Value a, Value b);    ///< Integers or floats.
  Value add(Value a, int64_t b);  ///< i64.
  Value sub(Value a, int64_t b);  ///< i64.
  Value mul(Value a, int64_t b);  ///< i64.
  Value divU(Value a, int64_t b); ///< i64, unsigned, b > 0.
  Value remU(Value a, int64_t b); ///< i64, unsigned, b > 0.
  Value minU(Value a, Value b);   ///< Integers, unsigned.
  Value maxU(Value a, Value b);   ///< Integers, unsigned.
  Value minS(Value a, Value b);   ///< Integers, signed.
  Value maxS(Value a, Value b);   ///< Integers, signed.
  Value bitAnd(Value a, Value b);
  Value bitOr(Value a, Value b);
  Value bitXor(Value a, Value b);
  Value shl(Value a, Value b);
  Value shrU(Value a, Value b);         ///< Logical.
  Value shrS(Value a, Value b);         ///< Arithmetic.
  Value div(Value a, Value b);          ///< Floats.
  Value neg(Value a);                   ///< Floats: flips the sign bit.
  Value fma(Value a, Value b, Value c); ///< a * b + c, rounded once.
  Value sqrt(Value a);
  Value roundEven(Value a); ///< To the nearest integer, ties to even.
  Value cmpI(mlir::arith::CmpIPredicate predicate, Value a, Value b);
  Value cmpF(mlir::arith::CmpFPredicate predicate, Value a, Value b);
  Value select(Value condition, Value a, Value b);

  //===--------------------------------------------------------------------===//
  // Conversions
  //===--------------------------------------------------------------------===//

  Value bitcast(Value a, Type type);
  Value extendU(Value a, Type type);    ///< Zero-extends integers.
  Value extendS(Value a, Type type);    ///< Sign-extends integers.
  Value truncate(Value a, Type type);   ///< Integers: drops high bits.
  Value intToFloat(Value a, Type type); ///< Signed, rounds to nearest even.
  /// Signed, towards zero. The value must fit, else the result is undefined.
  Value floatToInt(Value a, Type type);
  /// f16, bf16 or f32 (scalar or vector) to f32, exactly; f64 or signed
  /// integers, to nearest even.
  Value toF32(Value a);
  /// f32 to f16, or f64 to f32, to nearest even.
  Value roundTo(Value a, Type type);
  Value extendF(Value a, Type type); ///< f32 to f64.

  //===--------------------------------------------------------------------===//
  // Vectors
  //===--------------------------------------------------------------------===//

  Value splat(Value scalar, int64_t lanes = kLanes);
  Value extract(Value vector, int64_t lane);
  Value insert(Value vector, Value scalar, int64_t lane);
  /// Lanes `mask` of a and b, whose lanes are numbered one after the other.
  Value shuffle(Value a, Value b, llvm::ArrayRef<int32_t> mask);
  /// Lanes [begin, begin + lanes) of a vector.
  Value slice(Value vector, int64_t begin, int64_t lanes);
  /// The lanes of a, then those of b.
  Value concat(Value a, Value b);
  /// Lane 0 of kLanes lanes combined by the tree of numerics.md: l + 8, + 4,
  /// + 2, + 1. `combine` takes the lower ones first; what it makes of other
  /// lanes than the first half, then quarter, ... is not used.
  Value foldLanes(Value vector,
                  llvm::function_ref<Value(Value low, Value high)> combine);
  /// Sum of kLanes float lanes by that tree.
  Value reduceTree(Value vector);
  Value reduceAddInt(Value vector);  ///< Integers, modulo 2^bits.
  Value reduceMaxUInt(Value vector); ///< Integers, unsigned.

  //===--------------------------------------------------------------------===//
  // Memory. Offsets are in bytes. No alignment beyond the element's is
  // assumed.
  //===--------------------------------------------------------------------===//

  Value offset(Value pointer, Value bytes);
  Value offset(Value pointer, int64_t bytes);
  Value load(Type type, Value pointer, int64_t bytes = 0);
  void store(Value value, Value pointer, int64_t bytes = 0);
  /// Lanes whose mask bit is 0 are not touched and give 0.
  Value loadMasked(mlir::VectorType type, Value pointer, Value mask);
  void storeMasked(Value value, Value pointer, Value mask);
  /// The first `count` lanes; `count` an i64 of any value >= 0.
  Value laneMask(Value count);
  Value laneMask(int64_t count);
  /// The first `lanes` (1 .. kLanes) elements of a type of numbers as f32; the
  /// other lanes are 0 and their memory is not read.
  Value loadFloats(Type element, Value pointer, int64_t bytes = 0,
                   int64_t lanes = kLanes);
  /// Stores the first `lanes` (1 .. kLanes) of a vector.
  void storeLanes(Value vector, Value pointer, int64_t bytes = 0,
                  int64_t lanes = kLanes);

  /// Stores the first `lanes` of a vector `stride` bytes apart.
  void storeStrided(Value vector, Value pointer, int64_t bytes, int64_t stride,
                    int64_t lanes = kLanes);
  /// On GPUs: an element for each lane, so many bytes (i64) from `pointer`.
  Value gather(Type element, Value pointer, Value bytes);
  /// The same for stores, of lanes whose mask bit is 1; null for all.
  void scatter(Value vector, Value pointer, Value bytes, Value mask = {});

  /// Asks for the cache line at `pointer` + `bytes` to come to the second-level
  /// cache: the first level has too few outstanding misses to read memory at
  /// full speed. Any address will do.
  void prefetch(Value pointer, int64_t bytes = 0);

  //===--------------------------------------------------------------------===//
  // Control
  //===--------------------------------------------------------------------===//

  /// for (iv = begin; iv < end; iv += step), all i64.
  void forLoop(Value begin, Value end, int64_t step, LoopBody body);
  /// The same over constant bounds; nothing if there is no turn.
  void forLoop(int64_t begin, int64_t end, int64_t step, LoopBody body);
  /// The same with values carried from turn to turn; gives the last ones.
  llvm::SmallVector<Value> forLoop(Value begin, Value end, int64_t step,
                                   mlir::ValueRange initial,
                                   LoopBodyWithValues body);
  void ifThen(Value condition, Body then);
  void ifElse(Value condition, Body then, Body otherwise);
  llvm::SmallVector<Value> ifElse(Value condition, BodyWithValues then,
                                  BodyWithValues otherwise);

  /// Calls an intrinsic of LLVM by name.
  Value callIntrinsic(Type result, llvm::StringRef name, mlir::ValueRange args);
  /// One without a result.
  void callIntrinsic(llvm::StringRef name, mlir::ValueRange args);
  /// Its results are several values.
  llvm::SmallVector<Value> callIntrinsic(llvm::ArrayRef<Type> results,
                                         llvm::StringRef name,
                                         mlir::ValueRange args);
  /// Instructions of the target, which clobber what `clobbers` lists.
  void assembly(llvm::StringRef text, llvm::StringRef clobbers);

  /// Calls a function of the kernel's object with these arguments, written by
  /// `body` from its own. It runs in the streaming mode of SME with what the
  /// caller has in ZA; the mode is entered before and left behind. Whatever
  /// LLVM makes of `body` must be legal there.
  void callStreaming(mlir::ValueRange args,
                     llvm::function_ref<void(mlir::ValueRange)> body);

private:
  /// What the arguments of a kernel for a GPU say, as on CPUs a call does.
  struct DeviceCall {
    Value inputs; ///< A pointer to global memory.
    Value count, tileBegin, tileEnd;
    Value row; ///< Number of the work-item's DPP row in its work-group.
    llvm::SmallVector<Value> operands;
  };

  Type globalPtr();
  Value castToGeneric(Value pointer);
  void beginDeviceCall(mlir::Block &entry);
  Value loadParam(Type type, size_t offset);
  Value loadInput(Type type, size_t offset);
  Value pointToLanes(Value pointer, Value bytes);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::Location loc;
  const target::TargetSpec &target;
  WorkGroup group;
  Value params;      ///< On CPUs.
  DeviceCall device; ///< On GPUs.
  mlir::LLVM::GlobalOp localMemory;
};

} // namespace modelc::codegen

#endif // MODELC_COMPILER_CODEGEN_COMMON_KERNELBUILDER_H
