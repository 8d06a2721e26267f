//===- assembly-test.cpp - What instructions kernels are made of
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/codegen/CodegenTest.h"
#include "llvm/Support/Regex.h"

namespace modelc::codegen::test {
namespace {

using model::Epilogue;
using model::GgmlType;

class Assembly : public CodegenTest {
protected:
  std::string print(plan::KernelSpecInterface spec, llvm::StringRef target,
                    KernelText what = KernelText::Assembly) {
    KernelRequest request = {"kernel", spec};
    absl::StatusOr<std::string> text =
        printKernels(request, getTarget(target), what);
    EXPECT_TRUE(text.ok()) << text.status();
    return text.ok() ? *text : "";
  }
};

bool contains(llvm::StringRef text, const char *pattern) {
  return llvm::Regex(pattern, llvm::Regex::Newline).match(text);
}

int64_t count(llvm::StringRef text, llvm::StringRef what) {
  return static_cast<int64_t>(text.count(what));
}

// A tile of one panel reads its activations by the dot product's own
// broadcast: another instruction for that would take a quarter of the loop.
TEST_F(Assembly, Avx512BroadcastsInsideTheDotProduct) {
  for (GgmlType type : {GgmlType::Q4_0, GgmlType::Q8_0}) {
    std::string text = print(makeMatmul(getTarget("cascadelake"), getType(type),
                                        {12, 12}, Epilogue::Store),
                             "cascadelake");
    // Two blocks of eight quads for twelve rows.
    EXPECT_EQ(count(text, "vpdpbusd"), 2 * 8 * 12);
    EXPECT_EQ(count(text, "{1to16}, %zmm"), count(text, "vpdpbusd") +
                                                /*scales=*/2 * 12);
  }
}

// Two panels of images share each broadcast, and all sums stay in registers.
TEST_F(Assembly, Avx512PrefillSharesBroadcasts) {
  const target::TargetSpec &target = getTarget("cascadelake");
  const target::Regime &regime = target.blockRegimes.back();
  for (GgmlType type : {GgmlType::Q4_0, GgmlType::Q8_0}) {
    std::string text =
        print(makeMatmul(target, getType(type), regime, Epilogue::Store),
              target.name);
    int64_t rows = regime.rowTile, dots = 2 * 8 * rows * regime.imagePanels;
    EXPECT_EQ(count(text, "vpdpbusd"), dots);
    EXPECT_LE(count(text, "vpbroadcastd"),
              dots / 2 + /*start values=*/2 * rows + /*masks=*/2);
  }
}

// The products of the last regime come from images: the loop over row tiles
// decodes nothing, neither quants nor scales.
TEST_F(Assembly, ImagesAreReadReadyToMultiply) {
  for (const char *name : {"cascadelake", "x86-64-v3"}) {
    const target::TargetSpec &target = getTarget(name);
    std::string text =
        print(makeMatmul(target, getType(GgmlType::Q6_K),
                         target.blockRegimes.back(), Epilogue::Store),
              name);
    size_t firstProduct =
        text.find(target.isa == target::Isa::Avx2 ? "vpmaddubsw" : "vpdpbusd");
    ASSERT_NE(firstProduct, std::string::npos);
    llvm::StringRef products = llvm::StringRef(text).substr(firstProduct);
    EXPECT_FALSE(contains(products, "vps[rl]lw|vcvtph2ps|vpmovsxb")) << text;
  }
}

// Tiles are configured once, before the first is touched, and released once,
// behind the last; a loop over blocks holds the products of one step of two
// panels, which share the activations.
TEST_F(Assembly, TilesAreConfiguredOnce) {
  const target::TargetSpec &target = getTarget("sapphirerapids");
  for (auto [type, products] :
       {std::pair(GgmlType::Q4_0, 2), {GgmlType::Q4_K, 2}, {GgmlType::Q6_K, 4}})
    for (Epilogue epilogue : {Epilogue::Store, Epilogue::Glu}) {
      int64_t weights = epilogue == Epilogue::Glu ? 2 : 1;
      std::string text = print(makeMatmul(target, getType(type),
                                          target.blockRegimes.back(), epilogue),
                               target.name);
      EXPECT_EQ(count(text, "ldtilecfg"), 1);
      EXPECT_EQ(count(text, "tilerelease"), 1);
      EXPECT_EQ(count(text, "\tretq"), 1);
      size_t first = text.find("ldtilecfg"), last = text.find("tilerelease");
      EXPECT_LT(first, text.find("tilezero"));
      EXPECT_LT(text.rfind("tilestored"), last);
      EXPECT_LT(last, text.find("\tretq"));
      for (const char *instruction : {"tdpbssd", "tilezero", "tilestored"})
        EXPECT_EQ(count(text, instruction), weights * 2 * products) << text;
      EXPECT_EQ(count(text, "tileloadd"), weights * 3 * products);
      EXPECT_FALSE(contains(text, "vpdpbusd|\\tcallq"));
    }
}

// Products of bf16 numbers are written in turns with scaling: two of sixteen
// rows for each load of weights, two vector instructions a row and what loads
// scales from memory. Nothing is converted, and sums stay in registers; beside
// minima, one of 32 does not.
TEST_F(Assembly, WidenedQuantsAreScaledWhileOthersAreMultiplied) {
  const target::TargetSpec &target = getTarget("sapphirerapids");
  for (auto [type, fmas] :
       {std::pair(GgmlType::Q8_0, 1), {GgmlType::Q4_K, 2}}) {
    std::string text =
        print(makeMatmul(target, getType(type), target.widened->regime,
                         Epilogue::Store, /*isWidened=*/true),
              target.name);
    EXPECT_EQ(count(text, "ldtilecfg"), 1);
    EXPECT_EQ(count(text, "tilerelease"), 1);
    EXPECT_EQ(count(text, "tdpbssd"), 0);
    // A block has two sub-blocks of four panels, 32 rows. The first is
    // multiplied before the loop.
    constexpr int64_t kProducts = 2 * 4 * 2, kLoads = 2 * (2 + 4);
    EXPECT_EQ(count(text, "tdpbf16ps"), 2 * kProducts) << text;
    EXPECT_EQ(count(text, "tileloadd"), 2 * kLoads);
    size_t begin = 0;
    for (int64_t i = 0; i <= kProducts; ++i)
      begin = text.find("tdpbf16ps", begin + 1);
    std::string loop = text.substr(begin, text.rfind("tdpbf16ps") - begin);
    EXPECT_EQ(count(loop, "vcvtdq2ps"), 0);
    // In the loop and behind it, for 32 rows, four panels and two sub-blocks.
    EXPECT_EQ(count(text, "vfmadd"), 2 * 32 * 4 * 2 * fmas);
    EXPECT_LE(count(loop, "(%rsp), %zmm"), fmas == 1 ? 0 : 32 * 4 / 32) << text;
  }
}

// Four panels are multiplied by three parts, which are loaded once for all of
// them; packed weights are tiles as they lie.
TEST_F(Assembly, PairsAreTiles) {
  const target::TargetSpec &target = getTarget("sapphirerapids");
  for (const target::Regime &regime : target.bf16Regimes)
    for (Epilogue epilogue : {Epilogue::Store, Epilogue::Glu}) {
      int64_t weights = epilogue == Epilogue::Glu ? 2 : 1;
      std::string text =
          print(makeMatmul(target, getType(GgmlType::BF16), regime, epilogue),
                target.name);
      EXPECT_EQ(count(text, "ldtilecfg"), 1);
      EXPECT_EQ(count(text, "tilerelease"), 1);
      // A turn for 32 k, or several in a row.
      int64_t turns = count(text, "tdpbf16ps") / (weights * 4 * 3);
      EXPECT_GT(turns, 0) << text;
      EXPECT_EQ(count(text, "tdpbf16ps"), weights * turns * 4 * 3) << text;
      EXPECT_EQ(count(text, "tileloadd"), weights * turns * (4 + 3)) << text;
      EXPECT_EQ(count(text, "tilestored"), weights * 4);
      EXPECT_EQ(count(text, "vpmovzxwd"), 0);
      EXPECT_FALSE(contains(text, "\\tcallq"));
    }
}

// All sums stay in registers, and both panels share a broadcast: three vector
// instructions for each row of a product, and half a broadcast.
TEST_F(Assembly, TileProductsAreScaledInRegisters) {
  const target::TargetSpec &target = getTarget("sapphirerapids");
  std::string text =
      print(makeMatmul(target, getType(GgmlType::Q8_0),
                       target.blockRegimes.back(), Epilogue::Store),
            target.name);
  size_t begin = text.find("tdpbssd"), end = text.rfind("tdpbssd");
  std::string between = text.substr(begin, end - begin);
  EXPECT_EQ(count(between, "vcvtdq2ps"), 16) << text;
  EXPECT_EQ(count(between, "vmulps"), 16);
  EXPECT_EQ(count(between, "vbroadcastss"), 8);
  EXPECT_TRUE(contains(between, "vfmadd[0-9]+ps"));
  EXPECT_FALSE(contains(between, "\\(%rsp\\)")) << text;
}

// What only AVX512-FP16 has is not used, whatever the CPU.
TEST_F(Assembly, HalvesAreConvertedByF16C) {
  const target::TargetSpec &target = getTarget("graniterapids");
  std::string text =
      print(makeMatmul(target, getType(GgmlType::F16), {1, 1}, Epilogue::Store),
            target.name);
  EXPECT_TRUE(contains(text, "vcvtph2ps[^x]"));
  EXPECT_FALSE(contains(text, "vcvtph2psx|vcvtps2phx|vmovw|[a-z]sh\\t"));
}

// Float kernels multiply and add with one rounding, and no other arithmetic.
TEST_F(Assembly, FloatKernelsAreFmaOnly) {
  for (const char *target : {"cascadelake", "x86-64-v3"})
    for (GgmlType type : {GgmlType::F32, GgmlType::F16, GgmlType::BF16}) {
      std::string text = print(
          makeMatmul(getTarget(target), getType(type), {1, 1}, Epilogue::Store),
          target);
      EXPECT_TRUE(contains(text, "vfmadd[0-9]+ps"));
      EXPECT_FALSE(contains(text, "v(mul|add)[ps]s")) << text;
    }
}

TEST_F(Assembly, Avx2UsesPairSumsAndNarrowRegisters) {
  for (GgmlType type : {GgmlType::Q4_0, GgmlType::Q8_0}) {
    std::string text = print(makeMatmul(getTarget("x86-64-v3"), getType(type),
                                        {3, 3}, Epilogue::Store),
                             "x86-64-v3");
    EXPECT_TRUE(contains(text, "vpmaddubsw"));
    EXPECT_FALSE(contains(text, "zmm|%k[0-7]|vpdpbusd"));
    // Only signed weights need their signs moved.
    EXPECT_EQ(contains(text, "vpsignb"), type == GgmlType::Q8_0);
  }
}

// The sixteen entries of a codebook lie in a register, beside which there is
// no table: a gather takes a load for each element.
TEST_F(Assembly, CodebooksAreLookedUpInRegisters) {
  for (const char *target : {"cascadelake", "x86-64-v3"})
    for (GgmlType type : {GgmlType::IQ4_NL, GgmlType::IQ4_XS, GgmlType::MXFP4,
                          GgmlType::NVFP4}) {
      std::string text = print(
          makeMatmul(getTarget(target), getType(type), {1, 1}, Epilogue::Store),
          target);
      EXPECT_TRUE(contains(text, "vpshufb")) << text;
      EXPECT_FALSE(contains(text, "vpgather")) << text;
    }
}

// An entry of a grid is looked up once, for all quads that it has, and however
// many rows of activations there are. Small grids lie in registers: a vpermi2w
// (or vpermt2w, by what it overwrites) looks two entries of 16 rows up in 64
// words. From others, and without such an instruction, one gather brings an
// entry to 16 rows (AVX2: 8).
TEST_F(Assembly, EntriesOfGridsAreLookedUpOnce) {
  struct Case {
    GgmlType type;
    int64_t quads, permutations; ///< Permutations: 0 for a grid to gather from.
  };
  for (auto [type, quads, permutations] : {Case{GgmlType::IQ1_S, 2, 0},
                                           {GgmlType::IQ1_M, 2, 0},
                                           {GgmlType::IQ2_XXS, 2, 4},
                                           {GgmlType::IQ2_XS, 2, 8},
                                           {GgmlType::IQ2_S, 2, 0},
                                           {GgmlType::IQ3_XXS, 1, 4},
                                           {GgmlType::IQ3_S, 1, 8}})
    for (int64_t rows : {1, 3}) {
      auto spec = [&](const char *target) {
        return makeMatmul(getTarget(target), getType(type), {rows, rows},
                          Epilogue::Store);
      };
      std::string text = print(spec("cascadelake"), "cascadelake");
      EXPECT_EQ(contains(text, "vpgatherdd"), permutations == 0);
      int64_t dots = count(text, "vpdpbusd");
      if (permutations == 0) {
        EXPECT_EQ(dots, rows * quads * count(text, "vpgatherdd"));
      } else {
        int64_t found = count(text, "vpermi2w") + count(text, "vpermt2w");
        int64_t needed = dots * permutations / (rows * quads * 2);
        EXPECT_GE(found, needed);
        EXPECT_LE(found, needed + 2); // LLVM shuffles scales with some.
      }
      text = print(spec("x86-64-v3"), "x86-64-v3");
      EXPECT_EQ(count(text, "vpmaddubsw"),
                rows * quads * count(text, "vpgatherdd"));
    }
}

// All rows of a tile use one look-up, and all dot products come from one.
TEST_F(Assembly, RowsShareUnpackedWeights) {
  const target::TargetSpec &target = getTarget("cascadelake");
  for (int64_t rows : {1, 4, 12}) {
    std::string text = print(makeMatmul(target, getType(GgmlType::IQ4_XS),
                                        {rows, rows}, Epilogue::Store),
                             target.name);
    EXPECT_GT(count(text, "vpshufb"), 0);
    EXPECT_EQ(count(text, "vpdpbusd"), rows * count(text, "vpshufb"));
  }
}

// Tiles of several rows ask for every line of the weights of a step to come;
// one row does not, nor do products of images, nor four rows of a type that has
// little but dot products.
TEST_F(Assembly, WeightsOfSeveralRowsAreAskedForInTime) {
  for (const char *name : {"cascadelake", "x86-64-v3"}) {
    const target::TargetSpec &target = getTarget(name);
    for (const target::Regime &regime : target.blockRegimes)
      // Of 64 columns, Q4_0 has 576 bytes, Q4_K 608.
      for (auto [type, lines, most] :
           {std::tuple(GgmlType::Q4_0, 9, 4), {GgmlType::Q4_K, 10, 1}}) {
        std::string text = print(
            makeMatmul(target, getType(type), regime, Epilogue::Store), name);
        bool asks = regime.rowTile > most && regime.imagePanels == 0;
        EXPECT_EQ(count(text, "prefetcht1"), asks ? lines : 0) << text;
      }
  }
}

TEST_F(Assembly, NoKernelCallsAnything) {
  for (const char *target : {"cascadelake", "x86-64-v3"})
    for (const KernelRequest &request : makeAllKinds(getTarget(target)))
      EXPECT_FALSE(contains(print(request.spec, target), "call|jmp.*@PLT|@GOT"))
          << request.symbol;
}

// Half vectors would halve the speed of everything.
TEST_F(Assembly, Avx512TakesWholeRegisters) {
  std::string text = print(makePrepare(12), "cascadelake");
  EXPECT_TRUE(contains(text, "zmm"));
}

TEST_F(Assembly, EveryFormIsPrinted) {
  plan::PrepareSpecAttr spec = makePrepare(1);
  EXPECT_TRUE(contains(print(spec, "cascadelake", KernelText::Mlir),
                       "llvm.func @kernel\\(%arg0: !llvm.ptr\\)"));
  EXPECT_TRUE(contains(print(spec, "cascadelake", KernelText::Llvm),
                       "define void @kernel\\(ptr"));
}

// A layout for another instruction set has no kernel on this one.
TEST_F(Assembly, RefusesLayoutsItCannotRead) {
  plan::MatmulSpecAttr spec = makeMatmul(
      getTarget("x86-64-v3"), getType(GgmlType::Q8_0), {1, 1}, Epilogue::Store);
  KernelRequest request = {"kernel", spec};
  absl::StatusOr<std::string> text =
      printKernels(request, getTarget("cascadelake"), KernelText::Assembly);
  ASSERT_FALSE(text.ok());
  EXPECT_TRUE(contains(std::string(text.status().message()),
                       "^kernel kernel: cannot be emitted: cannot multiply .*"
                       "q8_0.n16k64.* on cascadelake"))
      << text.status();
}

} // namespace
} // namespace modelc::codegen::test
