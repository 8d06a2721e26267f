//===- Decoder.cpp - From machine code to decoded instructions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM says the instruction, its length and its registers and constants. What
// of the encoding MC has no public names for (clamp, omod, DPP, SDWA) is read
// from the words themselves: "RDNA3 ISA" chapter 15 and "CDNA3 ISA" chapter 13,
// "Microcode Formats".
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Execute.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <deque>
#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCExpr.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/MCTargetOptions.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>

namespace modelc::amdgpu {

namespace {

std::map<std::string, uint64_t> &counters() {
  static std::map<std::string, uint64_t> all;
  return all;
}

} // namespace

uint64_t *counterOf(const std::string &name) { return &counters()[name]; }

uint64_t countOf(const std::string &prefix) {
  uint64_t sum = 0;
  auto &all = counters();
  for (auto entry = all.lower_bound(prefix);
       entry != all.end() && entry->first.starts_with(prefix); ++entry)
    sum += entry->second;
  return sum;
}

void clearCounts() {
  for (auto &[name, count] : counters())
    count = 0;
}

std::map<std::string, uint64_t> allCounts() {
  std::map<std::string, uint64_t> some;
  for (const auto &[name, count] : counters())
    if (count)
      some[name] = count;
  return some;
}

namespace {

/// LLVM's tables and objects for one target.
struct Tables {
  Tables(const Chip &chip, const std::string &target);

  llvm::Triple triple = llvm::Triple("amdgcn-amd-amdhsa");
  llvm::MCTargetOptions options;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
  std::unique_ptr<llvm::MCContext> context;
  std::unique_ptr<llvm::MCDisassembler> disassembler;
  std::unique_ptr<llvm::MCInstPrinter> printer;
  /// The operand type of source modifiers, which LLVM keeps to itself.
  uint8_t modifierType = 0;
};

Tables::Tables(const Chip &chip, const std::string &target) {
  LLVMInitializeAMDGPUTargetInfo();
  LLVMInitializeAMDGPUTargetMC();
  LLVMInitializeAMDGPUDisassembler();
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  registers.reset(found->createMCRegInfo(triple));
  asmInfo.reset(found->createMCAsmInfo(*registers, triple, options));
  instructions.reset(found->createMCInstrInfo());
  subtarget.reset(found->createMCSubtargetInfo(
      triple, target, chip.waveSize == 32 ? "+wavefrontsize32" : ""));
  context = std::make_unique<llvm::MCContext>(triple, asmInfo.get(),
                                              registers.get(), subtarget.get());
  disassembler.reset(found->createMCDisassembler(*subtarget, *context));
  printer.reset(found->createMCInstPrinter(triple, 0, *asmInfo, *instructions,
                                           *registers));
  for (uint32_t i = 0; i < instructions->getNumOpcodes(); ++i)
    if (instructions->getName(i) == "V_ADD_F32_e64_gfx11")
      modifierType = instructions->get(i).operands()[1].OperandType;
}

/// Made once for a target; the process keeps them.
Tables &tablesOf(const Chip &chip, const std::string &target) {
  static std::map<std::string, std::unique_ptr<Tables>> all;
  std::unique_ptr<Tables> &entry = all[target];
  if (!entry)
    entry = std::make_unique<Tables>(chip, target);
  return *entry;
}

} // namespace

struct Decoder::State {
  const Chip *chip;
  Tables *tables;
  std::deque<std::array<Instruction, 2>> pairs;
};

namespace {

/// One instruction while it is decoded.
struct Source {
  const llvm::MCInst &mc;
  const llvm::MCInstrDesc &desc;
  const llvm::MCRegisterInfo &registers;
  uint8_t modifierType;
  llvm::StringRef opcodeName; ///< LLVM's, such as V_ADD_F32_e64_gfx11
  std::string_view name;      ///< such as v_add_f32
  uint32_t words[4];
  const Chip &chip;

  bool isTied(uint32_t i) const {
    return i < desc.getNumOperands() &&
           desc.getOperandConstraint(i, llvm::MCOI::TIED_TO) != -1;
  }
  uint8_t typeOf(uint32_t i) const {
    return i < desc.getNumOperands() ? desc.operands()[i].OperandType : 0;
  }
};

Operand registerOperand(const Source &source, llvm::MCRegister reg) {
  const llvm::StringRef name = source.registers.getName(reg);
  const uint16_t number = source.registers.getEncodingValue(reg);
  Operand operand;
  operand.high = name.ends_with("_HI16");
  if (name.starts_with("VGPR") || name.starts_with("AGPR")) {
    operand.kind = OperandKind::Vector;
    operand.reg = number & 0xff;
    if (name.starts_with("AGPR"))
      operand.reg += kAccumulators;
    return operand;
  }
  operand.kind = OperandKind::Scalar;
  operand.reg = number & 0xff;
  return operand;
}

Operand operandOf(const Source &source, const llvm::MCOperand &from) {
  if (from.isReg() && from.getReg())
    return registerOperand(source, from.getReg());
  Operand operand;
  operand.kind = OperandKind::Constant;
  int64_t value = 0;
  if (from.isImm())
    value = from.getImm();
  else if (from.isExpr())
    from.getExpr()->evaluateAsAbsolute(value);
  operand.constant = uint64_t(value);
  return operand;
}

/// Results, then sources with their modifiers; a DPP instruction's first tied
/// operand is what inactive lanes keep, which they do by themselves. Numbers
/// behind the sources go to `others`.
void readOperands(const Source &source, bool allAreSources, Instruction &out,
                  std::vector<int64_t> &others) {
  const uint32_t defs = source.desc.getNumDefs();
  uint32_t next = 0;
  uint8_t mods = 0;
  for (uint32_t i = 0; i < source.mc.getNumOperands(); ++i) {
    const llvm::MCOperand &from = source.mc.getOperand(i);
    if (i < defs) {
      (i == 0 ? out.dest : out.dest2) = operandOf(source, from);
      continue;
    }
    if (source.typeOf(i) == source.modifierType) {
      mods = uint8_t(from.getImm());
      continue;
    }
    if (i == defs && out.extra != Extra::None && source.isTied(i))
      continue;
    const bool isSource = allAreSources || from.isReg() ||
                          source.typeOf(i) >= llvm::MCOI::OPERAND_FIRST_TARGET;
    if (!isSource) {
      others.push_back(from.isImm() ? from.getImm() : 0);
      continue;
    }
    if (next == 4)
      continue;
    out.src[next] = operandOf(source, from);
    out.src[next++].mods = mods;
    mods = 0;
  }
}

/// What the instruction's name implies.
bool readsDestination(std::string_view name) {
  for (std::string_view part :
       {"mac_", "dot4c_", "dot8c_", "dot2c_", "dot2acc_"})
    if (name.find(part) != std::string_view::npos)
      return true;
  return false;
}
bool isFloatResult(std::string_view name) {
  return name.find("_f32") != std::string_view::npos ||
         name.find("_f16") != std::string_view::npos ||
         name.find("_f64") != std::string_view::npos;
}

const Operand kVccOperand = {OperandKind::Scalar, 0, false, kVcc, 0};

void addImplied(const Source &source, Instruction &out) {
  const std::string_view name = source.name;
  if (readsDestination(name) && !out.src[2])
    out.src[2] = out.dest;
  if (!name.starts_with("v_"))
    return;
  const bool carries = name.find("_co_") != std::string_view::npos;
  if (carries && !out.dest2)
    out.dest2 = kVccOperand;
  const bool carriesIn = name.find("_co_ci_") != std::string_view::npos ||
                         name.starts_with("v_addc_") ||
                         name.starts_with("v_subb");
  if ((carriesIn || name.starts_with("v_cndmask_")) && !out.src[2])
    out.src[2] = kVccOperand;
  if (name.starts_with("v_cmp") && !out.dest)
    out.dest = kVccOperand;
  if (source.chip.generation == 9)
    out.keepsHalf =
        name == "v_fma_f16" || name == "v_mad_u16" || name == "v_mad_i16";
  // VOP2 has no op_sel; the upper result is of the upper halves.
  if (name.starts_with("v_pk_fmac") || name.starts_with("v_dot2c") ||
      name.starts_with("v_dot2acc"))
    for (Operand &operand : out.src)
      operand.mods |= kModOpSelHi;
}

/// VOP3 and VOP3P: clamp is bit 15, omod bits 59 and 60. SDWA: bits 13-15.
bool readOutputModifiers(const Source &source, Instruction &out,
                         std::string &error) {
  const uint32_t word = source.words[0];
  const bool gfx9 = source.chip.generation == 9;
  const bool isPacked = gfx9 ? word >> 23 == 0x1a7 : word >> 24 == 0xcc;
  const bool isVop3 = word >> 26 == (gfx9 ? 0x34u : 0x35u) && !isPacked;
  const bool isMfma = source.name.starts_with("v_mfma");
  if (isVop3 || (isPacked && !isMfma))
    out.clamp = word >> 15 & 1;
  if (isVop3) {
    out.omod = source.words[1] >> 27 & 3;
    out.highDest = out.src[0].mods & kModOpSelHi;
  }
  if (out.extra == Extra::Sdwa && !source.name.starts_with("v_cmp")) {
    out.clamp = out.extraWord >> 13 & 1;
    out.omod = out.extraWord >> 14 & 3;
  }
  const bool canClamp = isFloatResult(source.name) ||
                        source.name.starts_with("v_dot") ||
                        source.name.starts_with("v_wmma");
  if (!out.clamp || canClamp)
    return true;
  const std::string clamped = std::string(meaningOf(source.name)) + "_clamp";
  out.handler = findHandler(clamped, out.space);
  if (!out.handler)
    error = "clamp is not emulated";
  return out.handler != nullptr;
}

bool readVector(const Source &source, Instruction &out, std::string &error) {
  std::vector<int64_t> others;
  readOperands(source, false, out, others);
  addImplied(source, out);
  if (source.name.starts_with("v_mfma"))
    for (size_t i = 0; i < others.size() && i < 3; ++i)
      out.controls |= uint32_t(others[i]) << (i == 0 ? 0 : i == 1 ? 3 : 7);
  return readOutputModifiers(source, out, error);
}

bool readScalarForm(const Source &source, Instruction &out) {
  std::vector<int64_t> others;
  readOperands(source, true, out, others);
  addImplied(source, out);
  for (const Operand &operand : out.src)
    if (operand.kind == OperandKind::Constant)
      out.offset = int16_t(operand.constant);
  return true;
}

bool readScalarLoad(const Source &source, Instruction &out) {
  out.dest = operandOf(source, source.mc.getOperand(0));
  out.src[0] = operandOf(source, source.mc.getOperand(1));
  for (uint32_t i = 2; i < source.mc.getNumOperands(); ++i) {
    const Operand operand = operandOf(source, source.mc.getOperand(i));
    if (operand.kind == OperandKind::Scalar)
      out.src[3] = operand;
    else if (source.opcodeName.contains("_IMM")) {
      out.offset = int64_t(operand.constant);
      break;
    }
  }
  return true;
}

/// MC has the offset's field: two's complement, but for flat addresses of
/// before gfx12.
int64_t offsetOf(const Source &source, Space space, int64_t number) {
  const int32_t generation = source.chip.generation;
  if (space == Space::Local || space == Space::Buffer ||
      (space == Space::Flat && generation < 12))
    return number;
  const uint32_t bits = generation == 12 ? 24 : generation == 10 ? 12 : 13;
  const uint32_t shift = 64 - bits;
  return int64_t(uint64_t(number) << shift) >> shift;
}

/// src: address, scalar address or resource, data, second data or offset.
bool readMemory(const Source &source, Instruction &out, std::string &error) {
  const std::string_view name = source.name;
  const auto has = [&](const char *part) {
    return name.find(part) != std::string_view::npos;
  };
  const bool buffer = out.space == Space::Buffer;
  if (buffer && (source.opcodeName.contains("IDXEN") ||
                 source.opcodeName.contains("BOTHEN"))) {
    error = "indexed buffers are not emulated";
    return false;
  }
  const bool loads = has("load") || has("read");
  std::vector<Operand> vectors;
  std::vector<int64_t> numbers;
  const uint32_t defs = source.desc.getNumDefs();
  for (uint32_t i = 0; i < source.mc.getNumOperands(); ++i) {
    const Operand operand = operandOf(source, source.mc.getOperand(i));
    if (i < defs) {
      out.dest = operand;
      out.returns = true;
    } else if (buffer && out.src[1] && !out.src[3]) {
      out.src[3] = operand; // the scalar offset, a register or a number
    } else if (operand.kind == OperandKind::Vector) {
      // What a load of half a register keeps is in the result already.
      if (!loads || !source.isTied(i))
        vectors.push_back(operand);
    } else if (operand.kind == OperandKind::Scalar) {
      out.src[1] = operand;
    } else {
      numbers.push_back(int64_t(operand.constant));
    }
  }
  vectors.resize(3);
  // Scratch and buffer instructions have data before the address.
  if (!loads && (buffer || out.space == Space::Scratch))
    std::swap(vectors[0], vectors[1]);
  out.src[0] = vectors[0];
  out.src[2] = vectors[1];
  if (vectors[2])
    out.src[3] = vectors[2];
  if (!numbers.empty())
    out.offset = offsetOf(source, out.space, numbers[0]);
  const bool twoOffsets = has("read2") || has("write2") || has("2addr");
  if (twoOffsets && numbers.size() > 1)
    out.offset = (numbers[0] & 255) | (numbers[1] & 255) << 8;
  return true;
}

// VOPD: two instructions at once. Both read before either writes.

void executePair(Wave &wave, const Instruction &in) {
  const Instruction &x = in.pair[0], &y = in.pair[1];
  uint32_t *row = wave.vectors[x.dest.reg];
  uint32_t before[kMaxLanes], after[kMaxLanes];
  std::memcpy(before, row, sizeof(before));
  x.handler(wave, x);
  std::memcpy(after, row, sizeof(after));
  std::memcpy(row, before, sizeof(before));
  y.handler(wave, y);
  std::memcpy(row, after, sizeof(after));
  ++*x.counter;
  ++*y.counter;
}

uint32_t sourcesOf(std::string_view name) {
  if (name.starts_with("v_mov"))
    return 1;
  return name.starts_with("v_fmaak") || name.starts_with("v_fmamk") ? 3 : 2;
}

std::string lowered(llvm::StringRef text) { return text.lower(); }

/// Of V_DUAL_FMAC_F32_X_MUL_F32_gfx11 the names v_fmac_f32 and v_mul_f32.
std::array<std::string, 2> namesOfPair(llvm::StringRef opcodeName) {
  llvm::StringRef rest = opcodeName.drop_front(strlen("V_DUAL_"));
  auto [x, y] = rest.split("_X_");
  x.consume_back("_e32");
  for (llvm::StringRef suffix : {"_gfx11", "_gfx12", "_e32", "_e96"})
    y.consume_back(suffix);
  return {"v_" + lowered(x), "v_" + lowered(y)};
}

bool readPair(const Source &source, std::array<Instruction, 2> &pair,
              std::string &error) {
  const std::array<std::string, 2> names = namesOfPair(source.opcodeName);
  uint32_t next = source.desc.getNumDefs();
  for (uint32_t half = 0; half < 2; ++half) {
    Instruction &out = pair[half];
    out.handler = findHandler(names[half], out.space);
    if (!out.handler) {
      error = names[half] + " (of a pair) is not emulated";
      return false;
    }
    out.counter = counterOf(names[half]);
    out.dest = operandOf(source, source.mc.getOperand(half));
    for (uint32_t i = 0; i < sourcesOf(names[half]); ++i) {
      while (next < source.mc.getNumOperands() && source.isTied(next))
        ++next;
      if (next >= source.mc.getNumOperands()) {
        error = "a pair of instructions has too few operands";
        return false;
      }
      out.src[i] = operandOf(source, source.mc.getOperand(next++));
    }
    Source part = source;
    part.name = names[half];
    addImplied(part, out);
  }
  return true;
}

/// v_add_f32_e64_dpp ==> v_add_f32
std::string plainName(const char *mnemonic) {
  std::string name(mnemonic);
  name.erase(std::find_if(name.begin(), name.end(),
                          [](unsigned char c) { return std::isspace(c); }),
             name.end());
  for (const char *suffix : {"_sdwa", "_dpp8", "_dpp", "_e32", "_e64", "_e96"})
    if (name.ends_with(suffix))
      name.erase(name.size() - strlen(suffix));
  return name;
}

void readExtra(const Source &source, uint32_t wordCount, Instruction &out) {
  const bool isVop3 = source.opcodeName.contains("_e64");
  if (source.opcodeName.contains("_sdwa"))
    out.extra = Extra::Sdwa;
  else if (source.opcodeName.contains("_dpp8"))
    out.extra = Extra::Dpp8;
  else if (source.opcodeName.contains("_dpp"))
    out.extra = Extra::Dpp;
  else
    return;
  out.extraWord = source.words[std::min(wordCount, 4u) - 1];
  // DPP8's src0 field is 233, or 234 to read inactive lanes too.
  if (out.extra == Extra::Dpp8)
    out.controls = (source.words[isVop3 ? 1 : 0] & 0x1ff) == 234;
}

} // namespace

Decoder::Decoder(const Chip &chip, const std::string &target)
    : state(std::make_unique<State>()) {
  state->chip = &chip;
  state->tables = &tablesOf(chip, target);
}

Decoder::~Decoder() = default;

bool Decoder::decode(const uint8_t *bytes, uint64_t sizeBytes, Instruction &out,
                     std::string &error) {
  Tables &s = *state->tables;
  llvm::MCInst mc;
  uint64_t length = 0;
  if (s.disassembler->getInstruction(mc, length, {bytes, sizeBytes}, 0,
                                     llvm::nulls()) !=
      llvm::MCDisassembler::Success) {
    error = "LLVM does not know this instruction";
    return false;
  }
  const llvm::StringRef opcodeName = s.instructions->getName(mc.getOpcode());
  const std::string name = plainName(s.printer->getMnemonic(mc).first);
  Source source = {mc,           s.instructions->get(mc.getOpcode()),
                   *s.registers, s.modifierType,
                   opcodeName,   name,
                   {},           *state->chip};
  std::memcpy(source.words, bytes, std::min<uint64_t>(length, 16));
  out = {};
  out.words = uint8_t(length / 4);
  const auto finish = [&](const std::string &counted) {
    out.counter = counterOf(counted);
    // The map's own text lives as long as the process.
    out.name = counters().find(counted)->first.c_str();
    return true;
  };
  if (opcodeName.starts_with("V_DUAL_")) {
    std::array<Instruction, 2> &pair = state->pairs.emplace_back();
    if (!readPair(source, pair, error))
      return false;
    out.pair = pair.data();
    out.handler = executePair;
    return finish("v_dual");
  }
  const Handler handler = findHandler(name, out.space);
  if (!handler) {
    error = name + " (" + opcodeName.str() + ") is not emulated";
    return false;
  }
  readExtra(source, out.words, out);
  bool good;
  if (name.starts_with("s_load_"))
    good = readScalarLoad(source, out);
  else if (name.starts_with("s_"))
    good = readScalarForm(source, out);
  else if (name.starts_with("v_"))
    good = readVector(source, out, error);
  else
    good = readMemory(source, out, error);
  if (!good) {
    error = name + ": " + error;
    return false;
  }
  if (!out.handler)
    out.handler = handler;
  return finish(name);
}

} // namespace modelc::amdgpu
