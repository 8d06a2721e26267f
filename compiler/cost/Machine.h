//===- Machine.h - What LLVM knows of a target's machine code
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_COST_MACHINE_H
#define MODELC_COMPILER_COST_MACHINE_H

#include "absl/status/statusor.h"
#include "compiler/target/TargetSpec.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include <memory>
#include <vector>

namespace modelc::cost {

/// One decoded instruction.
struct Instruction {
  uint64_t address; ///< In the code image.
  uint64_t bytes;   ///< Its length.
  llvm::MCInst inst;
};

/// Decodes instructions and knows the scheduling model of one CPU. Not for
/// several threads at once.
class Machine {
public:
  /// INTERNAL if LLVM lacks the target.
  static absl::StatusOr<std::unique_ptr<Machine>>
  create(const target::TargetSpec &target);

  /// The instructions of `code`, which begins at `address` of the image.
  /// DATA_LOSS names the first byte that is none.
  absl::StatusOr<std::vector<Instruction>> decode(llvm::ArrayRef<uint8_t> code,
                                                  uint64_t address) const;

  /// LLVM's opcode, "VPDPBUSDZrr".
  llvm::StringRef getName(const llvm::MCInst &inst) const {
    return instructions->getName(inst.getOpcode());
  }
  const llvm::MCInstrDesc &getDesc(const llvm::MCInst &inst) const {
    return instructions->get(inst.getOpcode());
  }
  const llvm::MCSubtargetInfo &getSubtarget() const { return *subtarget; }
  const llvm::MCInstrInfo &getInstructions() const { return *instructions; }
  const llvm::MCRegisterInfo &getRegisters() const { return *registers; }
  const llvm::MCInstrAnalysis &getAnalysis() const { return *analysis; }

private:
  Machine() = default;

  llvm::MCTargetOptions options;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> assembly;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCInstrAnalysis> analysis;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
  std::unique_ptr<llvm::MCContext> context;
  std::unique_ptr<llvm::MCDisassembler> disassembler;
};

} // namespace modelc::cost

#endif // MODELC_COMPILER_COST_MACHINE_H
