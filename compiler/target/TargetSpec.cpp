//===- TargetSpec.cpp - The table of targets
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources: LLVM's X86TargetParser for the features of each CPU; Intel's
// optimisation reference manual (order number 248966) and AMD's software
// optimisation guide for family 19h (56665) for register and cache sizes. For
// AArch64: LLVM's AArch64TargetParser; the Arm Architecture Reference Manual
// (DDI 0487) for registers; Neoverse technical reference manuals for caches.
// For Apple's chips: LLVM's AArch64Processors.td for features; caches as macOS
// gives them (hw.perflevel0.l1dcachesize, .l2cachesize, .cpusperl2), the second
// level by four, the performance cores that share it.
// For AMD's GPUs: LLVM's AMDGPUUsage and GCNProcessors.td for what a chip or a
// generic name has; AMD's instruction set documents of CDNA2, CDNA3, RDNA2,
// RDNA3 and RDNA4 for registers and LDS; L1 and L2 of the family's largest.
//
//===----------------------------------------------------------------------===//

#include "compiler/target/TargetSpec.h"
#include "modelc/cpu_features.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace modelc::target;

/// One bit.
static constexpr uint64_t bit(unsigned feature) { return 1ull << feature; }

// x86-64-v3 of the psABI: what every kernel of Isa::Avx2 may use.
static constexpr uint64_t kAvx2 =
    bit(MODELC_FEATURE_SSE42) | bit(MODELC_FEATURE_AVX) |
    bit(MODELC_FEATURE_AVX2) | bit(MODELC_FEATURE_FMA) |
    bit(MODELC_FEATURE_F16C) | bit(MODELC_FEATURE_BMI2);
static constexpr uint64_t kCascadeLake =
    kAvx2 | bit(MODELC_FEATURE_AVX512F) | bit(MODELC_FEATURE_AVX512BW) |
    bit(MODELC_FEATURE_AVX512DQ) | bit(MODELC_FEATURE_AVX512VL) |
    bit(MODELC_FEATURE_AVX512CD) | bit(MODELC_FEATURE_AVX512VNNI);
static constexpr uint64_t kIceLake =
    kCascadeLake | bit(MODELC_FEATURE_AVX512VBMI) |
    bit(MODELC_FEATURE_AVX512VBMI2) | bit(MODELC_FEATURE_AVX512BITALG) |
    bit(MODELC_FEATURE_AVX512VPOPCNTDQ) | bit(MODELC_FEATURE_AVX512IFMA) |
    bit(MODELC_FEATURE_GFNI) | bit(MODELC_FEATURE_VAES) |
    bit(MODELC_FEATURE_VPCLMULQDQ);
static constexpr uint64_t kZnver4 = kIceLake | bit(MODELC_FEATURE_AVX512BF16);
// What LLVM may use for the CPU, without AVX512-FP16, which kernels do without:
// no emulator has it.
static constexpr uint64_t kSapphireRapids =
    kZnver4 | bit(MODELC_FEATURE_AVXVNNI) | bit(MODELC_FEATURE_AMX_TILE) |
    bit(MODELC_FEATURE_AMX_INT8) | bit(MODELC_FEATURE_AMX_BF16);
static constexpr uint64_t kGraniteRapids =
    kSapphireRapids | bit(MODELC_FEATURE_AMX_FP16);

// FEAT_DotProd comes with Armv8.2 or later, whose base LLVM may use.
static constexpr uint64_t kNeonDotprod = bit(MODELC_FEATURE_ASIMDDP);
static constexpr uint64_t kNeonI8mm = kNeonDotprod | bit(MODELC_FEATURE_I8MM);

// What LLVM may use for the chip and names apart from its architecture's base.
static constexpr uint64_t kAppleCores =
    kNeonDotprod | bit(MODELC_FEATURE_ASIMDHP);
static constexpr uint64_t kAppleM2Cores =
    kAppleCores | bit(MODELC_FEATURE_I8MM) | bit(MODELC_FEATURE_BF16);
// M4 has SME in its place.
static constexpr uint64_t kAppleM1 =
    kAppleCores | bit(MODELC_FEATURE_APPLE_AMX);
static constexpr uint64_t kAppleM2 =
    kAppleM2Cores | bit(MODELC_FEATURE_APPLE_AMX);
// Of streaming vectors of 512 bits; a Mac with longer ones would not have these
// (AppleChip.cpp).
static constexpr uint64_t kAppleM4 =
    kAppleM2Cores | bit(MODELC_FEATURE_SME) | bit(MODELC_FEATURE_SME2);

// Six rows by two panels keep 12 integer and 12 float accumulators, the
// unpacked weights and the scales in 32 registers; 16 registers of half the
// width leave room for 3 rows of 16 outputs in the integer kernels. Measured in
// docs/design/20261121-matmul.md.
static constexpr Regime kAvx512Regimes[] = {
    {1, 1}, {4, 4}, {8, 8}, {INT64_MAX, 6}};
// Eight rows by one panel unpack weights as often as two tiles of four, and
// three of those waste less than two of eight on 9 to 12 rows. Unpacking to an
// image costs as much as the products of 6 to 8 rows, and six rows by two
// panels gain at most 5 % on the machines measured: from 128 rows on that pays.
// Measured in docs/design/20261124-speed.md.
static constexpr Regime kAvx512BlockRegimes[] = {
    {1, 1}, {4, 4}, {8, 8}, {12, 4}, {128, 8}, {INT64_MAX, 6, 2, 512}};
static constexpr Regime kAvx2Regimes[] = {
    {1, 1}, {6, 3}, {INT64_MAX, 3, 1, 768}};
// Tiles of 8 rows by two panels, from the first count that eight rows of
// vectors do not serve. Derived in docs/design/20261124-intel-amx.md.
static constexpr Regime kIntelAmxRegimes[] = {
    {1, 1}, {4, 4}, {8, 8}, {INT64_MAX, 8, 2, 768, Isa::IntelAmx}};
// Tiles from one row on, so that the order of sums does not depend on how many
// there are: reading weights takes longer than multiplying them.
static constexpr Regime kIntelAmxBf16Regimes[] = {
    {1, 1, 0, 0, Isa::IntelAmx},
    {4, 4, 0, 0, Isa::IntelAmx},
    {8, 8, 0, 0, Isa::IntelAmx},
    {INT64_MAX, 16, 0, 0, Isa::IntelAmx}};
// Tiles of 32 rows by four panels, from the count on from which their padding
// and their unpacking are surely paid for. Derived in
// docs/design/20261124-intel-amx.md.
static constexpr WidenedRegime kIntelAmxWidened = {
    257, {INT64_MAX, 32, 4, 1024, Isa::IntelAmx}};
static constexpr llvm::ArrayRef<Regime> kNoTiles;
// Of 512 bits (248966), beside two multiply-adds; Zen 4 has one of each.
static constexpr int64_t kIntelLoads = 2;

// Four rows of one panel are 16 integer sums; the float ones stay in the
// first-level cache while products are added up. Four quads of activations, one
// of each row, are one register.
static constexpr Regime kNeonRegimes[] = {
    {1, 1}, {4, 4}, {INT64_MAX, 4, 1, 768}};
// Two pairs of rows by eight pairs of outputs are 16 sums here too.
static constexpr Regime kNeonI8mmRegimes[] = {
    {1, 1}, {4, 4}, {INT64_MAX, 4, 1, 768, Isa::NeonI8mm}};
// A register of Z is a quad of 16 rows, and two panels keep two tiles of ZA in
// turns. Products of an image wait in the first-level cache: 32 KB of 512
// columns, 64 KB in sub-blocks of 16. Derived in docs/design/20261125-sme.md.
static constexpr Regime kSmeRegimes[] = {{1, 1},
                                         {4, 4},
                                         {8, 4, 1, 768, Isa::NeonI8mm},
                                         {INT64_MAX, 16, 2, 512, Isa::Sme}};
// A register of X is a pair of k of two panels, one of Y that of 32 rows, and Z
// has sums of four panels. Products of an image, 64 KB of 256 columns or 128 KB
// in sub-blocks of 16, stay in the first-level cache or near. Why 18 rows, and
// nine for floats: docs/design/20261125-apple-amx.md.
static constexpr Regime kAppleAmxRegimes[] = {
    {1, 1}, {4, 4}, {17, 4, 1, 768}, {INT64_MAX, 32, 4, 256, Isa::AppleAmx}};
static constexpr Regime kAppleAmxI8mmRegimes[] = {
    {1, 1},
    {4, 4},
    {17, 4, 1, 768, Isa::NeonI8mm},
    {INT64_MAX, 32, 4, 256, Isa::AppleAmx}};
static constexpr Regime kAppleAmxFloatRegimes[] = {
    {1, 1}, {8, 4}, {INT64_MAX, 32, 2, 512, Isa::AppleAmx}};

// A vector takes one register of each lane. A row of tokens by itself, for all
// weights to be read once, or four that share them.
static constexpr Regime kHipRegimes[] = {{1, 1}, {INT64_MAX, 4}};
// A matrix instruction takes 16 rows. The images of 512 columns, and the sums
// of eight row tiles, of one panel leave LDS for two work-groups or more.
static constexpr Regime kHipMatrixRegimes[] = {
    {1, 1}, {4, 4}, {INT64_MAX, 16, 1, 512, Isa::HipMatrix}};

static constexpr int64_t kLdsBytes = 64 * 1024;
// A wave of CDNA has as many accumulation registers as others, for matrices.
static constexpr GpuFacts kCdna2 = {64, kLdsBytes, 512, false,
                                    MatrixUnit::Mfma16};
static constexpr GpuFacts kCdna3 = {64, kLdsBytes, 512, false,
                                    MatrixUnit::Mfma32};
static constexpr GpuFacts kRdna2 = {32, kLdsBytes, 256, false,
                                    MatrixUnit::None};
static constexpr GpuFacts kRdna3 = {32, kLdsBytes, 256, true,
                                    MatrixUnit::Wmma11};
static constexpr GpuFacts kRdna4 = {32, kLdsBytes, 256, true,
                                    MatrixUnit::Wmma12};

static constexpr int64_t kKiB = 1024;
static constexpr const char *kTriple = "x86_64-unknown-linux-gnu";
static constexpr const char *kArmTriple = "aarch64-unknown-linux-gnu";
static constexpr const char *kHipTriple = "amdgcn-amd-amdhsa";

/// An AMD GPU. Its name is LLVM's.
static constexpr TargetSpec makeHip(const char *name, const char *summary,
                                    int64_t l1KiB, int64_t l2KiB,
                                    const GpuFacts &facts) {
  TargetSpec spec = {name,        summary,     kHipTriple, name,
                     "",          0,           Isa::Hip,   0,
                     kHipRegimes, kHipRegimes, kNoTiles,   l1KiB * kKiB,
                     l2KiB * kKiB};
  spec.gpu = &facts;
  if (facts.matrixUnit != MatrixUnit::None)
    spec.blockRegimes = kHipMatrixRegimes;
  return spec;
}

static constexpr TargetSpec kTargets[] = {
    {"x86-64-v3", "AVX2, FMA, F16C: Haswell, Zen and later", kTriple,
     "x86-64-v3", "", kAvx2, Isa::Avx2, 0, kAvx2Regimes, kAvx2Regimes, kNoTiles,
     32 * kKiB, 256 * kKiB},
    {"cascadelake", "AVX-512 with VNNI", kTriple, "cascadelake", "",
     kCascadeLake, Isa::Avx512Vnni, 0x80, kAvx512Regimes, kAvx512BlockRegimes,
     kNoTiles, 32 * kKiB, 1024 * kKiB, /*alias=*/{}, /*widened=*/nullptr,
     kIntelLoads},
    {"icelake-server", "AVX-512 with VNNI, VBMI", kTriple, "icelake-server", "",
     kIceLake, Isa::Avx512Vnni, 0x80, kAvx512Regimes, kAvx512BlockRegimes,
     kNoTiles, 48 * kKiB, 1280 * kKiB, /*alias=*/{}, /*widened=*/nullptr,
     kIntelLoads},
    {"sapphirerapids", "Intel AMX for many rows, else AVX-512 with VNNI",
     kTriple, "sapphirerapids", "-avx512fp16", kSapphireRapids, Isa::Avx512Vnni,
     0x80, kAvx512Regimes, kIntelAmxRegimes, kIntelAmxBf16Regimes, 48 * kKiB,
     2048 * kKiB, "emeraldrapids", &kIntelAmxWidened, kIntelLoads},
    {"graniterapids", "the same, for Granite Rapids", kTriple, "graniterapids",
     "-avx512fp16", kGraniteRapids, Isa::Avx512Vnni, 0x80, kAvx512Regimes,
     kIntelAmxRegimes, kIntelAmxBf16Regimes, 48 * kKiB, 2048 * kKiB,
     /*alias=*/{}, &kIntelAmxWidened, kIntelLoads},
    {"znver4", "AVX-512 of AMD Zen 4", kTriple, "znver4", "", kZnver4,
     Isa::Avx512Vnni, 0x80, kAvx512Regimes, kAvx512BlockRegimes, kNoTiles,
     32 * kKiB, 1024 * kKiB},
    {"aarch64", "NEON with SDOT: Neoverse N1, Ampere Altra and later",
     kArmTriple, "neoverse-n1", "-fullfp16", kNeonDotprod, Isa::NeonDotprod, 0,
     kNeonRegimes, kNeonRegimes, kNoTiles, 64 * kKiB, 1024 * kKiB},
    {"neoverse-v2", "NEON with SMMLA for many rows, else SDOT", kArmTriple,
     "neoverse-v1", "-sve,-fullfp16,-bf16", kNeonI8mm, Isa::NeonDotprod, 0,
     kNeonRegimes, kNeonI8mmRegimes, kNoTiles, 64 * kKiB, 1024 * kKiB,
     "neoverse-v1"},
    {"apple-m1", "Apple AMX for many rows, else SDOT: M1, Pro, Max, Ultra",
     kMacTriple, "apple-m1", "", kAppleM1, Isa::NeonDotprod, 0, kNeonRegimes,
     kAppleAmxRegimes, kNoTiles, 128 * kKiB, 3072 * kKiB, /*alias=*/{},
     /*widened=*/nullptr, /*vectorLoads=*/1, /*shortSumRegimes=*/{},
     kAppleAmxFloatRegimes},
    {"apple-m2", "Apple AMX or SMMLA for many rows, else SDOT", kMacTriple,
     "apple-m2", "", kAppleM2, Isa::NeonDotprod, 0, kNeonRegimes,
     kNeonI8mmRegimes, kNoTiles, 128 * kKiB, 4096 * kKiB, /*alias=*/{},
     /*widened=*/nullptr, /*vectorLoads=*/1, kAppleAmxI8mmRegimes,
     kAppleAmxFloatRegimes},
    {"apple-m3", "the same, for M3", kMacTriple, "apple-m3", "", kAppleM2,
     Isa::NeonDotprod, 0, kNeonRegimes, kNeonI8mmRegimes, kNoTiles, 128 * kKiB,
     4096 * kKiB, /*alias=*/{}, /*widened=*/nullptr, /*vectorLoads=*/1,
     kAppleAmxI8mmRegimes, kAppleAmxFloatRegimes},
    {"apple-m4", "SME2 for many rows, else SMMLA or SDOT", kMacTriple,
     "apple-m4", "", kAppleM4, Isa::NeonDotprod, 0, kNeonRegimes, kSmeRegimes,
     kNoTiles, 128 * kKiB, 4096 * kKiB},
    makeHip("gfx90a", "AMD GPU, CDNA2: Instinct MI210, MI250", 16, 8192,
            kCdna2),
    makeHip("gfx942", "AMD GPU, CDNA3: Instinct MI300, MI325", 32, 4096,
            kCdna3),
    makeHip("gfx1030", "AMD GPU, RDNA2: Radeon RX 6800, 6900, PRO W6800", 16,
            4096, kRdna2),
    makeHip("gfx1100", "AMD GPU, RDNA3: Radeon RX 7900, PRO W7900", 32, 6144,
            kRdna3),
    makeHip("gfx1201", "AMD GPU, RDNA4: Radeon RX 9070, AI PRO R9700", 32, 8192,
            kRdna4),
    makeHip("gfx9-4-generic", "all of CDNA3", 32, 4096, kCdna3),
    makeHip("gfx10-3-generic", "all of RDNA2", 16, 1024, kRdna2),
    makeHip("gfx11-generic", "all of RDNA3", 32, 2048, kRdna3),
    makeHip("gfx12-generic", "all of RDNA4", 32, 4096, kRdna4),
};

llvm::ArrayRef<TargetSpec> modelc::target::getTargets() { return kTargets; }

const TargetSpec *modelc::target::findTarget(llvm::StringRef name) {
  for (const TargetSpec &target : kTargets)
    if (target.name == name || (!name.empty() && target.alias == name))
      return &target;
  return nullptr;
}

llvm::StringRef modelc::target::getIsaName(Isa isa) {
  switch (isa) {
  case Isa::Avx2:
    return "avx2";
  case Isa::Avx512Vnni:
    return "avx512vnni";
  case Isa::IntelAmx:
    return "intelamx";
  case Isa::NeonDotprod:
    return "neondotprod";
  case Isa::NeonI8mm:
    return "neoni8mm";
  case Isa::Sme:
    return "sme";
  case Isa::AppleAmx:
    return "appleamx";
  case Isa::Hip:
    return "hip";
  case Isa::HipMatrix:
    return "hipmatrix";
  }
  llvm_unreachable("no such instruction set");
}

VectorRegisters modelc::target::getVectorRegisters(Isa isa) {
  switch (isa) {
  case Isa::Avx2:
    return {32, 16};
  case Isa::Avx512Vnni:
  case Isa::IntelAmx:
    return {64, 32};
  case Isa::NeonDotprod:
  case Isa::NeonI8mm:
  case Isa::Sme: // What streaming mode leaves to NEON.
  case Isa::AppleAmx:
    return {16, 32};
  case Isa::Hip:
  case Isa::HipMatrix: // So that a processor holds eight waves.
    return {64, 64};
  }
  llvm_unreachable("no such instruction set");
}

bool TargetSpec::hasKernelsOf(Isa other) const {
  auto haveUnit = [&](llvm::ArrayRef<Regime> some) {
    return llvm::any_of(
        some, [&](const Regime &regime) { return regime.matrixIsa == other; });
  };
  return isa == other || haveUnit(blockRegimes) || haveUnit(shortSumRegimes) ||
         haveUnit(floatPanelRegimes);
}

bool TargetSpec::isGenericGpu() const {
  return gpu && name.ends_with("-generic");
}

bool TargetSpec::isForMac() const { return llvm::Triple(triple).isMacOSX(); }

bool TargetSpec::isForHost() const {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  return llvm::Triple(triple).getArch() == host.getArch() &&
         isForMac() == host.isMacOSX();
}

/// LLVM's name of a feature, made from Linux's: avx512_vnni is avx512vnni,
/// amx_int8 is amx-int8, sse4_2 is sse4.2.
static std::string getLlvmFeature(unsigned feature) {
  if (feature == MODELC_FEATURE_ASIMDDP)
    return "dotprod";
  if (feature == MODELC_FEATURE_ASIMDHP)
    return "fullfp16";
  llvm::StringRef linuxName = modelc_cpu_feature_name(feature);
  char separator = linuxName.starts_with("amx")   ? '-'
                   : linuxName.starts_with("sse") ? '.'
                                                  : 0;
  std::string name;
  for (char c : linuxName)
    if (c != '_')
      name += c;
    else if (separator)
      name += separator;
  return name;
}

/// LLVM has no such feature, but names of chips (Host.cpp).
static bool hostHasAppleAmx() {
  llvm::StringRef cpu = llvm::sys::getHostCPUName();
  return cpu == "apple-m1" || cpu == "apple-m2" || cpu == "apple-m3";
}

std::string modelc::target::getMissingFeatures(const TargetSpec &target) {
  if (target.gpu) // One that is there is the runtime's business.
    return "an AMD GPU";
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  host[getLlvmFeature(MODELC_FEATURE_APPLE_AMX)] = hostHasAppleAmx();
  std::string missing;
  for (unsigned f = 0; f < MODELC_FEATURE_COUNT; ++f)
    if ((target.requiredFeatures & bit(f)) &&
        !(target.isForHost() && host.lookup(getLlvmFeature(f))))
      (missing += missing.empty() ? "" : " ") += modelc_cpu_feature_name(f);
  return missing;
}

const TargetSpec *modelc::target::getHostTarget() {
  // Zen's own scheduling model is taken on Zen only; the rest take the first
  // of the Intel targets, newest first, that the machine can run.
  bool isZen = llvm::sys::getHostCPUName().starts_with("znver");
  for (const TargetSpec &target : llvm::reverse(kTargets))
    if (getMissingFeatures(target).empty() &&
        (target.name != "znver4" || isZen))
      return &target;
  return nullptr;
}
