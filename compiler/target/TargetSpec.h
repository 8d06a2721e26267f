//===- TargetSpec.h - Facts about the machines that modelc compiles for
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A target is a plain struct of facts. Nothing here decides anything: layout,
// schedule and codegen ask, and decide.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_TARGET_TARGETSPEC_H
#define MODELC_COMPILER_TARGET_TARGETSPEC_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace modelc::target {

/// Of code for Macs, with the first macOS that it runs on: the oldest that
/// still gets updates.
inline constexpr char kMacTriple[] = "arm64-apple-macos13";

/// The instruction set that a target's kernels are written for.
enum class Isa {
  Avx2,        ///< 16 ymm, vpmaddubsw for integer products, FMA, F16C.
  Avx512Vnni,  ///< 32 zmm, vpdpbusd.
  IntelAmx,    ///< Tiles for integer products, beside Avx512Vnni for the rest.
  NeonDotprod, ///< 32 v of AArch64, SDOT.
  NeonI8mm,    ///< SMMLA for integer products, beside NeonDotprod for the rest.
  Sme,         ///< SME2, vectors of 512 bits, for integer products, likewise.
  AppleAmx,    ///< Outer products of integers and floats, beside NeonDotprod.
  Hip,         ///< AMD GPUs: a vector is 16 lanes of a wave, a DPP row.
  HipMatrix,   ///< Their matrix unit for integer products, beside Hip.
};

/// Suffix of the names of kernels that use it: "avx512vnni".
llvm::StringRef getIsaName(Isa isa);

/// The registers that its kernels keep vectors in.
struct VectorRegisters {
  int64_t bytes; ///< Of one.
  int64_t count;

  /// Registers that a vector of 16 32-bit lanes takes.
  int64_t perVector() const { return 16 * 4 / bytes; }
  /// Vectors of 16 32-bit lanes that fit all of them.
  int64_t vectors() const { return count / perVector(); }
};

VectorRegisters getVectorRegisters(Isa isa);

/// How the tokens of a step are cut into row tiles: up to `maxRows` rows, a
/// matmul computes `rowTile` rows at once.
struct Regime {
  int64_t maxRows;
  int64_t rowTile;
  /// Panels and columns of block-quantised weights that are unpacked at once,
  /// for all row tiles to share; 0 where these are too few for that to pay.
  int64_t imagePanels = 0;
  int64_t imageColumns = 0;
  /// The matrix unit that multiplies images; nothing where vectors do.
  std::optional<Isa> matrixIsa = std::nullopt;
};

/// A regime of matmuls that multiply quants as bf16 numbers
/// (docs/design/20261124-intel-amx.md).
struct WidenedRegime {
  int64_t minRows; ///< Fewer rows have blockRegimes.
  Regime regime;
};

/// What of an AMD GPU multiplies matrices.
enum class MatrixUnit {
  None,
  Mfma16, ///< Of CDNA2: 16 k of bytes at once.
  Mfma32, ///< Of CDNA3: 32 k of bytes at once.
  Wmma11, ///< Of RDNA3: both halves of a wave hold the operands.
  Wmma12, ///< Of RDNA4: each half holds its part of k.
};

/// Facts that only GPUs have.
struct GpuFacts {
  int64_t waveLanes; ///< Lanes of a wave: 64 or 32.
  int64_t ldsBytes;  ///< Local memory that a work-group can have.
  int64_t vgprs;     ///< Vector registers that a wave can have.
  /// v_dot4_i32_iu8, whose operands are each signed or not; else both are, of
  /// v_dot4_i32_i8.
  bool hasMixedDot4;
  MatrixUnit matrixUnit;

  /// DPP rows of a wave.
  int64_t getRows() const { return waveLanes / 16; }
};

struct TargetSpec {
  llvm::StringRef name; ///< As given to --target.
  llvm::StringRef summary;
  llvm::StringRef triple;
  llvm::StringRef cpu;       ///< LLVM's name.
  llvm::StringRef features;  ///< LLVM's feature string, added to the CPU's.
  uint64_t requiredFeatures; ///< Bits MODELC_FEATURE_* of plan_format.h.
  Isa isa; ///< Of all kernels but those whose regime has another.
  /// Signed bytes of packed weights are stored exclusive-or this: 0x80 where
  /// the dot product multiplies unsigned by signed bytes.
  int64_t quantFlip;
  /// In ascending maxRows; the last has no bound.
  llvm::ArrayRef<Regime> regimes;
  /// Those of matmuls of block-quantised weights, and of experts, whose rows
  /// are grouped in one way whatever the weights.
  llvm::ArrayRef<Regime> blockRegimes;
  /// Those of matmuls whose weights are all BF16 in pairs, for a matrix unit
  /// that multiplies these; empty if there is none.
  llvm::ArrayRef<Regime> bf16Regimes;
  int64_t l1Bytes; ///< Data cache of one core.
  int64_t l2Bytes; ///< Second-level cache of one core, or its share.
  /// Another name that --target takes: a machine that is the same to kernels.
  llvm::StringRef alias = {};
  /// For many rows of block-quantised weights with minima that such a regime
  /// can multiply (pack::canWiden), experts left out; null if there is none.
  const WidenedRegime *widened = nullptr;
  /// Loads of a whole register that start in a cycle; 1 where nothing is known.
  int64_t vectorLoads = 1;
  /// In place of blockRegimes for matmuls, experts left out, whose block types
  /// all have sums of 16 bits for a whole sub-block (pack::getOuterSums);
  /// empty: no difference.
  llvm::ArrayRef<Regime> shortSumRegimes = {};
  /// In place of regimes for matmuls whose weights all are panels of floats,
  /// one k after the other, if a matrix unit makes the same chains of these;
  /// else empty.
  llvm::ArrayRef<Regime> floatPanelRegimes = {};
  const GpuFacts *gpu = nullptr; ///< Null for CPUs.

  /// True if the name stands for a family of GPUs, and the code is what they
  /// have in common.
  bool isGenericGpu() const;

  /// True if its code is for macOS: a dylib.
  bool isForMac() const;

  /// True if its code is for this machine's kind of processor and system.
  bool isForHost() const;

  /// True if some kernel uses the instruction set.
  bool hasKernelsOf(Isa other) const;
};

/// Every target, in the order that `modelc targets` prints.
llvm::ArrayRef<TargetSpec> getTargets();

/// The target of this name or alias, or null. "native" is not a name here: see
/// getHostTarget.
const TargetSpec *findTarget(llvm::StringRef name);

/// The features of `target` that this machine lacks, as Linux names them, with
/// spaces between: all of them if it is of another kind, and of a GPU what that
/// is. Empty if it can run the target's kernels.
std::string getMissingFeatures(const TargetSpec &target);

/// The best target that this machine can run, or null if there is none.
const TargetSpec *getHostTarget();

} // namespace modelc::target

#endif // MODELC_COMPILER_TARGET_TARGETSPEC_H
