//===- code-image-test.cpp - The linked kernels of a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "modelc/kernel_abi.h"
#include "test/codegen/CodegenTest.h"
#include <atomic>
#include <cstring>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

namespace modelc::codegen::test {
namespace {

class CodeImageTest : public CodegenTest {
protected:
  CodeImage compile(const std::vector<KernelRequest> &requests,
                    const target::TargetSpec &target, unsigned threads) {
    absl::StatusOr<CodeImage> image = compileKernels(requests, target, threads);
    EXPECT_TRUE(image.ok()) << image.status();
    return image.ok() ? *std::move(image) : CodeImage();
  }
};

TEST_F(CodeImageTest, SameBytesForAnyThreadCountAndAnyContext) {
  for (const char *name : {"cascadelake", "x86-64-v3", "sapphirerapids"}) {
    const target::TargetSpec &target = getTarget(name);
    std::vector<KernelRequest> requests = makeAllKinds(target);
    CodeImage one = compile(requests, target, 1);
    CodeImage four = compile(requests, target, 4);
    ASSERT_FALSE(one.bytes.empty());
    EXPECT_TRUE(one.bytes == four.bytes) << name;
    EXPECT_EQ(one.addresses, four.addresses);
  }
}

TEST_F(CodeImageTest, EveryKernelLiesInASegmentOfItsOwnAddress) {
  const target::TargetSpec &target = getTarget("cascadelake");
  std::vector<KernelRequest> requests = makeAllKinds(target);
  CodeImage image = compile(requests, target, 2);
  ASSERT_EQ(image.addresses.size(), requests.size());
  std::set<uint64_t> distinct(image.addresses.begin(), image.addresses.end());
  EXPECT_EQ(distinct.size(), requests.size());
  uint64_t end = 0;
  for (const ModelcCodeSegment &segment : image.segments) {
    EXPECT_GE(segment.address, end);
    end = segment.address + segment.memoryBytes;
    EXPECT_LE(segment.fileOffset + segment.fileBytes, image.bytes.size());
    EXPECT_EQ(segment.fileBytes, segment.memoryBytes);
    EXPECT_EQ(segment.fileOffset % MODELC_PLAN_PAGE_BYTES,
              segment.address % MODELC_PLAN_PAGE_BYTES);
  }
  for (uint64_t address : image.addresses)
    EXPECT_TRUE(llvm::any_of(image.segments, [&](const ModelcCodeSegment &s) {
      return address >= s.address && address < s.address + s.memoryBytes;
    }));
}

TEST_F(CodeImageTest, ReportsEachKernel) {
  std::atomic<int> done = 0;
  std::vector<KernelRequest> requests = {{"a", makePrepare(1)},
                                         {"b", makePrepare(3)}};
  auto image =
      compileKernels(requests, getTarget("x86-64-v3"), 2, [&] { ++done; });
  EXPECT_TRUE(image.ok());
  EXPECT_EQ(done, 2);
}

// What the runtime does, in short: map the segments and call.
TEST_F(CodeImageTest, RunsAsMapped) {
  const target::TargetSpec *host = target::getHostTarget();
  if (!host)
    GTEST_SKIP() << "this machine has no target";
  std::vector<KernelRequest> requests = {{"prepare", makePrepare(1)}};
  CodeImage image = compile(requests, *host, 1);
  ASSERT_EQ(image.segments.size(), 1u);
  int fd = memfd_create("image", MFD_CLOEXEC);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(write(fd, image.bytes.data(), image.bytes.size()),
            static_cast<ssize_t>(image.bytes.size()));
  const ModelcCodeSegment &segment = image.segments[0];
  ASSERT_EQ(segment.address, 0u);
  void *mapped = mmap(nullptr, segment.memoryBytes, PROT_READ | PROT_EXEC,
                      MAP_PRIVATE, fd, static_cast<off_t>(segment.fileOffset));
  close(fd);
  ASSERT_NE(mapped, MAP_FAILED);

  std::vector<float> x(2 * 256, 0), norm(256, 1);
  x[256 + 5] = 2; // The row that is asked for.
  std::vector<uint8_t> out(8 * (32 + 3 * 4), 0xff);
  const uint32_t outputRows[] = {1};
  ModelcStepInputs inputs = {};
  inputs.outputRows = outputRows;
  void *operands[] = {x.data(), norm.data(), out.data()};
  ModelcKernelParams params = {};
  params.operands = operands;
  params.inputs = &inputs;
  params.tileEnd = 1;
  params.count = 1;
  auto *kernel = reinterpret_cast<ModelcKernel>(
      reinterpret_cast<uintptr_t>(mapped) + image.addresses[0]);
  kernel(&params);
  EXPECT_EQ(out[4], 0);
  EXPECT_EQ(out[5], 127);
  int32_t start8;
  std::memcpy(&start8, &out[32], sizeof(start8));
  EXPECT_EQ(start8, -8 * 127);
  munmap(mapped, segment.memoryBytes);
}

} // namespace
} // namespace modelc::codegen::test
