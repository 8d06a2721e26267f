//===- code-object-test.cpp - What kernels for AMD GPUs take
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/hip/CodeObject.h"
#include "compiler/codegen/hip/WorkGroup.h"
#include "dialects/pack/Layouts.h"
#include "modelc/kernel_abi.h"
#include "test/codegen/CodegenTest.h"

using namespace mlir;

namespace modelc::codegen::test {
namespace {

class CodeObject : public CodegenTest {
protected:
  /// Kernels with and without scratch, of vectors and of scalars.
  std::vector<KernelRequest> makeSome(const target::TargetSpec &target) {
    constexpr int64_t kHeadDim = 64;
    Builder b(&context);
    Type f16 = b.getF16Type();
    auto keys =
        pack::getKeyPageLayout(&context, f16, MODELC_PAGE_TOKENS, kHeadDim);
    auto values =
        pack::getValuePageLayout(&context, f16, MODELC_PAGE_TOKENS, kHeadDim);
    const plan::KernelSpecInterface specs[] = {
        plan::NormSpecAttr::get(&context, 100, /*layer=*/false,
                                b.getF32FloatAttr(1e-5f), /*residual=*/true),
        makePrepare(1),
        makeMatmul(target, getType(model::GgmlType::Q4_K),
                   target.blockRegimes.back(), model::Epilogue::Glu),
        plan::GroupSpecAttr::get(&context, /*experts=*/40, /*slots=*/3,
                                 /*rowTile=*/4),
        plan::AttentionSpecAttr::get(
            &context, /*heads=*/4, /*kvHeads=*/2, kHeadDim, kHeadDim,
            b.getF32FloatAttr(0.25f), keys, values, /*tileTokens=*/4,
            /*window=*/0, /*cap=*/FloatAttr(), /*sinks=*/false,
            /*shared=*/false, /*parts=*/1)};
    std::vector<KernelRequest> requests;
    for (plan::KernelSpecInterface spec : specs)
      requests.push_back({spec.getKernelName(), spec});
    return requests;
  }
};

// Nothing is spilled; LDS is the scratch of each row; arguments are those that
// the runtime gives. And the bytes do not depend on threads.
TEST_F(CodeObject, TakesWhatTheTargetHas) {
  for (const char *name : {"gfx942", "gfx11-generic"}) {
    const target::TargetSpec &target = getTarget(name);
    std::vector<KernelRequest> requests = makeSome(target);
    absl::StatusOr<CodeImage> image = compileKernels(requests, target, 2);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_TRUE(image->segments.empty());
    EXPECT_EQ(image->addresses, std::vector<uint64_t>(requests.size(), 0));
    absl::StatusOr<std::vector<KernelResources>> kernels =
        readKernelResources(image->bytes);
    ASSERT_TRUE(kernels.ok()) << kernels.status();
    ASSERT_EQ(kernels->size(), requests.size());
    for (auto [kernel, request] : llvm::zip_equal(*kernels, requests)) {
      SCOPED_TRACE(name + (" " + request.symbol));
      WorkGroup group = getWorkGroup(request.spec, target);
      EXPECT_EQ(kernel.name, request.symbol);
      EXPECT_EQ(kernel.vgprSpills, 0u);
      EXPECT_EQ(kernel.sgprSpills, 0u);
      EXPECT_EQ(kernel.scratchBytes, 0u);
      EXPECT_LE(kernel.vgprs, uint64_t(target.gpu->vgprs));
      EXPECT_GT(kernel.vgprs, 0u);
      EXPECT_LE(kernel.ldsBytes, uint64_t(target.gpu->ldsBytes));
      EXPECT_EQ(kernel.ldsBytes, uint64_t(group.tiles * group.scratchBytes));
      EXPECT_EQ(kernel.argumentBytes,
                sizeof(ModelcDeviceParams) +
                    request.spec.getAccesses().size() * sizeof(uint64_t));
      EXPECT_EQ(kernel.waveLanes, uint64_t(target.gpu->waveLanes));
    }
    requests.resize(2);
    absl::StatusOr<CodeImage> one = compileKernels(requests, target, 1);
    absl::StatusOr<CodeImage> two = compileKernels(requests, target, 2);
    ASSERT_TRUE(one.ok() && two.ok());
    EXPECT_TRUE(one->bytes == two->bytes);
  }
}

// A row without LDS idles; a tile that has not enough by itself is refused.
TEST_F(CodeObject, SharesLocalMemory) {
  const target::TargetSpec &target = getTarget("gfx90a");
  Builder b(&context);
  auto makeAttention = [&](int64_t headDim) -> plan::KernelSpecInterface {
    auto keys = pack::getKeyPageLayout(&context, b.getF16Type(),
                                       MODELC_PAGE_TOKENS, headDim);
    auto values = pack::getValuePageLayout(&context, b.getF16Type(),
                                           MODELC_PAGE_TOKENS, headDim);
    return plan::AttentionSpecAttr::get(
        &context, /*heads=*/4, /*kvHeads=*/2, headDim, headDim,
        b.getF32FloatAttr(0.25f), keys, values, /*tileTokens=*/4, /*window=*/0,
        /*cap=*/FloatAttr(), /*sinks=*/false, /*shared=*/false, /*parts=*/1);
  };
  EXPECT_EQ(getWorkGroup(plan::AddSpecAttr::get(&context, 64), target).tiles,
            4);
  plan::KernelSpecInterface large = makeAttention(256);
  WorkGroup group = getWorkGroup(large, target);
  EXPECT_GE(group.scratchBytes, large.getScratchBytes());
  EXPECT_EQ(group.threads, 64);
  EXPECT_EQ(group.tiles, target.gpu->ldsBytes / group.scratchBytes);
  EXPECT_LT(group.tiles, 4);
  absl::StatusOr<CodeImage> image =
      compileKernels({{"huge", makeAttention(1024)}}, target, 1);
  ASSERT_FALSE(image.ok());
  EXPECT_NE(image.status().message().find("a work-group of gfx90a has 65536"),
            absl::string_view::npos)
      << image.status();
}

TEST_F(CodeObject, RefusesOtherFiles) {
  EXPECT_FALSE(readKernelResources("").ok());
  EXPECT_FALSE(readKernelResources("\x7f"
                                   "ELF and so on")
                   .ok());
}

} // namespace
} // namespace modelc::codegen::test
