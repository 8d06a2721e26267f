//===- Timing.cpp - How long instructions take, where LLVM does not know
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources: for Zen 4, loops of one or two kinds of instructions that were timed
// on a virtual machine of an EPYC (docs/design/20261124-cost-model.md has
// them); for Intel's servers, the optimisation reference manual (248966):
// two 512-bit multiply-add units (ports 0 and 5) on servers, no vectors on port
// 1 beside those of 512 bits, two 512-bit loads and one 512-bit store a cycle,
// and the latencies and throughputs of Intel AMX.
//
//===----------------------------------------------------------------------===//

#include "compiler/target/Timing.h"

using namespace modelc;
using namespace modelc::target;

namespace {

constexpr llvm::StringRef kZen4 = "znver4";
constexpr llvm::StringRef kSpr = "sapphirerapids";
constexpr llvm::StringRef kIcx = "icelake-server";
constexpr llvm::StringRef kClx = "cascadelake";

// A 512-bit operation of Zen 4 holds one of two pipes of 256 bits for two
// cycles.
constexpr ResourceCorrection kCorrections[] = {
    // Measured one a cycle; LLVM has one in two.
    {kZen4, "VPDPBUSDZr*", "", "Zn4FPFMul01", 2},
    {kZen4, "VPDPBUSDZm*", "Zn4FPVMul01", "Zn4FPFMul01", 2},
    // Measured one a cycle; LLVM has two.
    {kZen4, "VPS{LL,RL,RA}{W,D,Q}Zri*", "", "Zn4FPFMul01", 2},
    // 512-bit loads start once a cycle, broadcasts to operands and VBROADCASTSS
    // too, VPBROADCASTD twice; LLVM has both in a multiplier besides.
    {kZen4, "V*Z{r,}m{,b,k,kz,bi,i}", "Zn4FP45", "Zn4FP45", 2},
    {kZen4, "VPBROADCAST{D,Q}Zrm", "Zn4FP45", "Zn4FP45", 1},
    {kZen4, "V{P,}BROADCAST{D,Q,SS,SD}Zrm*", "Zn4FP1", "", 0},
    // Measured one 512-bit store in two cycles; LLVM has one in one.
    {kZen4, "V*Zmr{,k,i}", "Zn4FPSt", "Zn4FPSt", 2},
    // LLVM gives 512-bit multiply-adds to port 0 alone, as on client parts, and
    // 512-bit loads to three ports, stores to two.
    {kSpr, "V{MULP?Z,F*P?Z,PDPBUSDZ,CVT*DQ*Z,MAXP?Z,MINP?Z}*", "SPRPort00",
     "SPRPort00_05", 1},
    {kSpr, "V*Z{r,}m{,b,k,kz,bi,i}", "SPRPort02_03_10", "SPRPort02_03", 1},
    {kSpr, "V*Zmr{,k,i}", "SPRPort04_09", "SPRPort04_09", 2},
    {kIcx, "V{ADDP?Z,SUBP?Z,MULP?Z,F*P?Z}*", "ICXPort0", "ICXPort05", 1},
    // A load needs no port of vectors, and 512-bit vectors close port 1.
    {kIcx, "V{MOV,BROADCAST,PBROADCAST}*Zrm", "ICXPort015", "", 0},
    {kIcx, "V*Z{r,m}*", "ICXPort015", "ICXPort05", 1},
    {kClx, "V{MOV,BROADCAST,PBROADCAST}*Zrm", "SKXPort015", "", 0},
    {kClx, "V*Z{r,m}*", "SKXPort015", "SKXPort05", 1},
};

// The multipliers take a cycle for a row of A, so 16 for a full tile. LLVM's
// model has no resource for them; this one it gives to nothing else.
constexpr TileResource kProduct[] = {{"SPRPort05", 1}, {"SPRPortInvalid", 0}};
// A row is one load of up to 512 bits: 8 cycles for 16.
constexpr TileResource kLoad[] = {{"SPRPort02_03", 1}};
// A row is one store of 512 bits, which takes both data ports: 16 cycles.
constexpr TileResource kStore[] = {
    {"SPRPort04", 1}, {"SPRPort09", 1}, {"SPRPort07_08", 1}};

// Of the 45 cycles of a load's latency its rows take 8.
constexpr TileTiming kTileTimings[] = {
    {"TDP*", 52, false, kProduct},
    {"TILELOADD*", 45 - 8, true, kLoad},
    {"TILESTORED", 1, true, kStore},
    {"TILEZERO", 16, false, {}},
};

} // namespace

llvm::ArrayRef<ResourceCorrection> target::getResourceCorrections() {
  return kCorrections;
}

llvm::ArrayRef<TileTiming> target::getTileTimings() { return kTileTimings; }
