//===- ExecuteScalar.cpp - Scalar arithmetic, branches, barriers, scalar loads
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arithmetic.h"
#include "Execute.h"

namespace modelc::amdgpu {

namespace {

template <class T>
typename T::Type scalarOf(const Wave &wave, const Operand &operand) {
  if constexpr (std::is_same_v<T, None>)
    return 0;
  else if constexpr (sizeof(typename T::Type) == 8)
    return bitsAs<typename T::Type>(readScalar64(wave, operand));
  else if constexpr (std::is_same_v<T, F32>)
    return bitsAs<float>(readScalar(wave, operand));
  else
    return typename T::Type(readScalar(wave, operand));
}

template <class T>
void setScalarOf(Wave &wave, const Operand &dest, typename T::Type value) {
  if constexpr (std::is_same_v<T, None>)
    return;
  else if constexpr (sizeof(value) == 8)
    wave.setPair(dest.reg, bitsAs<uint64_t>(value));
  else
    wave.setScalar(dest.reg, bitsAs<uint32_t>(value));
}

constexpr NamedHandler kScalarTable[] = {
#define AMDGPU_SCALAR(name, D, A, B, result, condition)                        \
  {#name, [](Wave &wave, const Instruction &in) {                              \
     [[maybe_unused]] const bool scc = wave.scc;                               \
     [[maybe_unused]] const A::Type a = scalarOf<A>(wave, in.src[0]);          \
     [[maybe_unused]] const B::Type b = scalarOf<B>(wave, in.src[1]);          \
     [[maybe_unused]] const D::Type d = D::Type(result);                       \
     wave.scc = (condition);                                                   \
     setScalarOf<D>(wave, in.dest, d);                                         \
   }},
#include "Instructions.def"
};

// Instructions that read their destination.

void fusedMultiplyAdd(Wave &wave, const Instruction &in) {
  const float a = scalarOf<F32>(wave, in.src[0]);
  const float b = scalarOf<F32>(wave, in.src[1]);
  const float c = scalarOf<F32>(wave, in.src[2]);
  setScalarOf<F32>(wave, in.dest, std::fma(a, b, c));
}

template <class T> void moveIfScc(Wave &wave, const Instruction &in) {
  if (wave.scc)
    setScalarOf<T>(wave, in.dest, scalarOf<T>(wave, in.src[0]));
}

void moveImmediateIfScc(Wave &wave, const Instruction &in) {
  if (wave.scc)
    wave.setScalar(in.dest.reg, uint32_t(in.offset));
}

/// src[1] is the destination before, src[0] the other operand.
void addImmediate(Wave &wave, const Instruction &in) {
  const uint32_t a = wave.scalars[in.dest.reg];
  const uint32_t b = uint32_t(int16_t(in.offset));
  wave.scc = addOverflows(a, b);
  wave.setScalar(in.dest.reg, a + b);
}

void multiplyImmediate(Wave &wave, const Instruction &in) {
  const uint32_t b = uint32_t(int16_t(in.offset));
  wave.setScalar(in.dest.reg, wave.scalars[in.dest.reg] * b);
}

template <bool one, class T> void setBit(Wave &wave, const Instruction &in) {
  using Type = typename T::Type;
  const uint32_t index = readScalar(wave, in.src[0]) & (8 * sizeof(Type) - 1);
  const Operand &dest = in.dest;
  const Type old = scalarOf<T>(wave, dest);
  const Type bit = Type(1) << index;
  setScalarOf<T>(wave, dest, one ? old | bit : old & ~bit);
}

/// What changes EXEC as a whole is as wide as the wave.
bool isAsWideAsWave(Wave &wave, const Instruction &in) {
  const bool wide = std::string_view(in.name).ends_with("_b64");
  if (wide != (wave.lanes == 64))
    wave.fault("it is not as wide as the wave, which is not emulated");
  return wide == (wave.lanes == 64);
}

/// EXEC changes, the old one goes to the destination.
template <class Change>
void saveExec(Wave &wave, const Instruction &in, Change change) {
  if (!isAsWideAsWave(wave, in))
    return;
  const uint64_t old = wave.exec();
  const uint64_t source = wave.lanes == 64 ? readScalar64(wave, in.src[0])
                                           : readScalar(wave, in.src[0]);
  const uint64_t all = wave.lanes == 64 ? ~UINT64_C(0) : 0xffffffff;
  const uint64_t now = change(source, old) & all;
  wave.setMask(in.dest.reg, old);
  wave.setMask(kExec, now);
  wave.scc = now != 0;
}

#define SAVE_EXEC(expression)                                                  \
  [](Wave &wave, const Instruction &in) {                                      \
    saveExec(wave, in, [](uint64_t s, uint64_t e) { return expression; });     \
  }

/// EXEC and the destination both become the result.
template <bool notSource> void writeExec(Wave &wave, const Instruction &in) {
  if (!isAsWideAsWave(wave, in))
    return;
  const uint64_t source = wave.lanes == 64 ? readScalar64(wave, in.src[0])
                                           : readScalar(wave, in.src[0]);
  const uint64_t now =
      notSource ? wave.exec() & ~source : source & ~wave.exec();
  wave.setMask(in.dest.reg, now);
  wave.setMask(kExec, now);
  wave.scc = now != 0;
}

// Control flow.

void nothing(Wave &, const Instruction &) {}

void endProgram(Wave &wave, const Instruction &) {
  wave.state = WaveState::Ended;
}

void branch(Wave &wave, const Instruction &in) {
  wave.nextPc += uint64_t(in.offset) * 4;
}

#define BRANCH_IF(condition)                                                   \
  [](Wave &wave, const Instruction &in) {                                      \
    if (condition)                                                             \
      branch(wave, in);                                                        \
  }

void getPc(Wave &wave, const Instruction &in) {
  wave.setPair(in.dest.reg, wave.nextPc);
}
void setPc(Wave &wave, const Instruction &in) {
  wave.nextPc = readScalar64(wave, in.src[0]);
}
void swapPc(Wave &wave, const Instruction &in) {
  const uint64_t target = readScalar64(wave, in.src[0]);
  wave.setPair(in.dest.reg, wave.nextPc);
  wave.nextPc = target;
}
void callPc(Wave &wave, const Instruction &in) {
  wave.setPair(in.dest.reg, wave.nextPc);
  branch(wave, in);
}

/// Of hardware registers only those of FLAT_SCRATCH (20 and 21) may be set, by
/// kernels for gfx10: here scratch has its aperture.
void setHardwareRegister(Wave &wave, const Instruction &in) {
  const uint32_t id = uint32_t(in.offset) & 63;
  if (id != 20 && id != 21)
    wave.fault("hardware register " + std::to_string(id) + " is not emulated");
}

void trap(Wave &wave, const Instruction &) {
  wave.fault("the kernel gives up");
}

// Barriers. Arrival and waiting are apart since gfx12. A wave that has ended
// counts as arrived.

void arrive(Wave &wave) {
  Group &group = *wave.group;
  wave.barrierPhase = group.phase + 1;
  wave.hasArrived = true;
  ++group.arrivals;
}

void barrierSignal(Wave &wave, const Instruction &in) {
  if (int32_t(in.src[0].constant) != -1)
    return wave.fault("only the barrier of the work-group, -1, is known");
  arrive(wave);
}
void barrierWait(Wave &wave, const Instruction &in) {
  if (int16_t(in.src[0].constant) != -1)
    return wave.fault("only the barrier of the work-group, -1, is known");
  // Without an arrival of its own it waits for one that it holds up.
  if (!wave.hasArrived)
    wave.barrierPhase = wave.group->phase + 1;
  wave.hasArrived = false;
  wave.state = WaveState::Waiting;
}
void barrier(Wave &wave, const Instruction &) {
  arrive(wave);
  wave.hasArrived = false;
  wave.state = WaveState::Waiting;
}

// Scalar loads.

template <uint32_t words, uint32_t bytes = 4, bool isSigned = false>
void loadScalar(Wave &wave, const Instruction &in) {
  const uint64_t base = readScalar64(wave, in.src[0]);
  const uint64_t offset = in.src[3] ? readScalar(wave, in.src[3]) : 0;
  uint64_t address = base + offset + uint64_t(in.offset);
  address &= bytes == 4 ? ~UINT64_C(3) : ~UINT64_C(0);
  if (!wave.group->memory->contains(address, uint64_t(words) * bytes))
    return wave.faultAt(address, words * bytes);
  const void *from = reinterpret_cast<const void *>(address);
  if constexpr (bytes == 4) {
    uint32_t values[words];
    std::memcpy(values, from, sizeof(values));
    for (uint32_t i = 0; i < words; ++i)
      wave.setScalar(in.dest.reg + i, values[i]);
  } else {
    uint32_t value = 0;
    std::memcpy(&value, from, bytes);
    const uint32_t shift = 32 - 8 * bytes;
    wave.setScalar(in.dest.reg, isSigned
                                    ? uint32_t(int32_t(value << shift) >> shift)
                                    : value);
  }
}

constexpr NamedHandler kControlTable[] = {
    {"s_fmac_f32", fusedMultiplyAdd},
    {"s_fmamk_f32", fusedMultiplyAdd},
    {"s_fmaak_f32", fusedMultiplyAdd},
    {"s_cmov_b32", moveIfScc<U32>},
    {"s_cmov_b64", moveIfScc<U64>},
    {"s_cmovk_i32", moveImmediateIfScc},
    {"s_addk_i32", addImmediate},
    {"s_addk_co_i32", addImmediate},
    {"s_mulk_i32", multiplyImmediate},
    {"s_bitset0_b32", setBit<false, U32>},
    {"s_bitset1_b32", setBit<true, U32>},
    {"s_bitset0_b64", setBit<false, U64>},
    {"s_bitset1_b64", setBit<true, U64>},
#define SAVE_EXEC_BOTH(name, expression)                                       \
  {"s_" name "_saveexec_b32", SAVE_EXEC(expression)}, {                        \
    "s_" name "_saveexec_b64", SAVE_EXEC(expression)                           \
  }
    SAVE_EXEC_BOTH("and", s &e),
    SAVE_EXEC_BOTH("or", s | e),
    SAVE_EXEC_BOTH("xor", s ^ e),
    SAVE_EXEC_BOTH("andn2", s & ~e),
    SAVE_EXEC_BOTH("and_not1", s & ~e),
    SAVE_EXEC_BOTH("orn2", s | ~e),
    SAVE_EXEC_BOTH("or_not1", s | ~e),
    SAVE_EXEC_BOTH("andn1", ~s &e),
    SAVE_EXEC_BOTH("and_not0", ~s &e),
    SAVE_EXEC_BOTH("orn1", ~s | e),
    SAVE_EXEC_BOTH("or_not0", ~s | e),
    SAVE_EXEC_BOTH("nand", ~(s &e)),
    SAVE_EXEC_BOTH("nor", ~(s | e)),
    SAVE_EXEC_BOTH("xnor", ~(s ^ e)),
#undef SAVE_EXEC_BOTH
    {"s_andn2_wrexec_b64", writeExec<false>},
    {"s_andn2_wrexec_b32", writeExec<false>},
    {"s_andn1_wrexec_b32", writeExec<true>},
    {"s_andn1_wrexec_b64", writeExec<true>},
    {"s_and_not0_wrexec_b32", writeExec<true>},
    {"s_and_not1_wrexec_b32", writeExec<false>},
    {"s_endpgm", endProgram},
    {"s_branch", branch},
    {"s_cbranch_scc0", BRANCH_IF(!wave.scc)},
    {"s_cbranch_scc1", BRANCH_IF(wave.scc)},
    {"s_cbranch_vccz", BRANCH_IF(wave.maskOf(kVcc) == 0)},
    {"s_cbranch_vccnz", BRANCH_IF(wave.maskOf(kVcc) != 0)},
    {"s_cbranch_execz", BRANCH_IF(wave.exec() == 0)},
    {"s_cbranch_execnz", BRANCH_IF(wave.exec() != 0)},
    {"s_getpc_b64", getPc},
    {"s_setpc_b64", setPc},
    {"s_swappc_b64", swapPc},
    {"s_call_b64", callPc},
    {"s_setreg_b32", setHardwareRegister},
    {"s_trap", trap},
    {"s_barrier", barrier},
    {"s_barrier_signal", barrierSignal},
    {"s_barrier_wait", barrierWait},
    {"s_load_dword", loadScalar<1>},
    {"s_load_dwordx2", loadScalar<2>},
    {"s_load_dwordx4", loadScalar<4>},
    {"s_load_dwordx8", loadScalar<8>},
    {"s_load_dwordx16", loadScalar<16>},
    {"s_load_b32", loadScalar<1>},
    {"s_load_b64", loadScalar<2>},
    {"s_load_b96", loadScalar<3>},
    {"s_load_b128", loadScalar<4>},
    {"s_load_b256", loadScalar<8>},
    {"s_load_b512", loadScalar<16>},
    {"s_load_u8", loadScalar<1, 1>},
    {"s_load_i8", loadScalar<1, 1, true>},
    {"s_load_u16", loadScalar<1, 2>},
    {"s_load_i16", loadScalar<1, 2, true>},
    // What concerns time and caches alone.
    {"s_nop", nothing},
    {"s_waitcnt", nothing},
    {"s_waitcnt_depctr", nothing},
    {"s_waitcnt_vscnt", nothing},
    {"s_wait_alu", nothing},
    {"s_wait_loadcnt", nothing},
    {"s_wait_loadcnt_dscnt", nothing},
    {"s_wait_storecnt", nothing},
    {"s_wait_storecnt_dscnt", nothing},
    {"s_wait_dscnt", nothing},
    {"s_wait_kmcnt", nothing},
    {"s_wait_samplecnt", nothing},
    {"s_wait_bvhcnt", nothing},
    {"s_wait_expcnt", nothing},
    {"s_wait_idle", nothing},
    {"s_delay_alu", nothing},
    {"s_clause", nothing},
    {"s_code_end", nothing},
    {"s_sleep", nothing},
    {"s_setprio", nothing},
    {"s_inst_prefetch", nothing},
    {"s_set_inst_prefetch_distance", nothing},
    {"s_prefetch_inst", nothing},
    {"s_prefetch_inst_pc_rel", nothing},
    {"s_prefetch_data", nothing},
    {"s_sendmsg", nothing}, // LLVM's: the wave gives back its registers
    {"s_icache_inv", nothing},
    {"s_dcache_wb", nothing},
    {"s_dcache_inv", nothing},
    {"buffer_gl0_inv", nothing},
    {"buffer_gl1_inv", nothing},
    {"buffer_inv", nothing},
    {"buffer_wbl2", nothing},
    {"buffer_invl2", nothing},
    {"buffer_wbinvl1", nothing},
    {"buffer_wbinvl1_vol", nothing},
    {"global_inv", nothing},
    {"global_wb", nothing},
    {"global_wbinv", nothing},
    {"v_nop", nothing},
};

} // namespace

Handler findScalar(std::string_view name) { return findIn(kScalarTable, name); }
Handler findControl(std::string_view name) {
  return findIn(kControlTable, name);
}

} // namespace modelc::amdgpu
