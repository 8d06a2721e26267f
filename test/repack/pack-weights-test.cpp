//===- pack-weights-test.cpp - Streaming whole models
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Several weights, some larger than a piece, to an output and back.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/PackWeights.h"
#include "compiler/repack/WeightShape.h"
#include "compiler/repack/reference/ReferencePacker.h"
#include "modelc/checksum.h"
#include "test/repack/RepackTestSupport.h"
#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mutex>
#include <unistd.h>

namespace modelc::test {
namespace {

using namespace modelc::pack;
using namespace modelc::repack;

/// Between weights, and left as it is.
constexpr uint64_t kGapBytes = 200;

class PackWeightsTest : public testing::Test {
protected:
  void SetUp() override {
    add("norm", "f32", {320}, false);
    // More than one piece, and pieces that end inside groups.
    add("wide", "q8_0", {20, 32 * 2049}, true);
    add("tall", "q4_0", {2051, 96 * 13}, true);
    add("half", "f16", {77, 333}, true);
    add("experts", "q8_0", {5, 40, 96}, true);
    add("mapped_experts", "q4_0", {3, 7, 64}, false);
    add("table", "q8_0", {2300, 480}, false);
    add("super", "q4_K", {301, 256 * 33}, true);
    add("planes", "q6_K", {33, 512}, true);
  }

  void add(const char *name, const char *typeName,
           llvm::ArrayRef<int64_t> shape, bool isPanel) {
    mlir::Type type = context.getType(typeName);
    LayoutAttr source = getMappedLayout(context.get(), type);
    LayoutAttr target = isPanel ? getTargets(context, type).back() : source;
    weights.push_back(
        makeRandomBytes(getSourceBytes(source, shape), jobs.size()));
    jobs.push_back({name, weights.back(), llvm::SmallVector<int64_t>(shape),
                    source, target, outputBytes});
    outputBytes += target.getPackedBytes(shape) + kGapBytes;
  }

  WriteAt writeTo(std::vector<uint8_t> &output) {
    return [&](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
      std::copy(bytes.begin(), bytes.end(), output.begin() + offset);
      return absl::OkStatus();
    };
  }

  /// What packing should give.
  std::vector<uint8_t> packAllByDefinition() {
    std::vector<uint8_t> output(outputBytes, 0xee);
    for (const PackJob &job : jobs) {
      std::vector<uint8_t> packed = packByDefinition(
          job.sourceLayout, job.targetLayout, job.shape, job.source);
      std::copy(packed.begin(), packed.end(), output.begin() + job.offset);
    }
    return output;
  }

  /// The same by the fast packer, which a test above compares.
  std::vector<uint8_t> packAll() {
    std::vector<uint8_t> output(outputBytes);
    EXPECT_TRUE(packWeights(jobs, writeTo(output), {}).ok());
    return output;
  }

  std::vector<VerifyJob> makeVerifyJobs(llvm::ArrayRef<uint8_t> output) {
    std::vector<VerifyJob> result;
    for (const PackJob &job : jobs)
      result.push_back(
          {job.name, job.source,
           output.slice(job.offset, job.targetLayout.getPackedBytes(job.shape)),
           job.shape, job.sourceLayout, job.targetLayout});
    return result;
  }

  PackContext context;
  std::vector<std::vector<uint8_t>> weights;
  std::vector<PackJob> jobs;
  uint64_t outputBytes = 0;
};

TEST_F(PackWeightsTest, SameBytesForAnyThreadCount) {
  std::vector<uint8_t> expected = packAllByDefinition();
  for (unsigned threads = 1; threads <= 5; ++threads) {
    std::vector<uint8_t> output(outputBytes, 0xee);
    StreamOptions options;
    options.threads = threads;
    auto checksums = packWeights(jobs, writeTo(output), options);
    ASSERT_TRUE(checksums.ok()) << checksums.status();
    EXPECT_TRUE(output == expected) << threads;
    ASSERT_EQ(checksums->size(), jobs.size());
    for (size_t i = 0; i < jobs.size(); ++i)
      EXPECT_EQ((*checksums)[i],
                modelc_weight_checksum(
                    expected.data() + jobs[i].offset,
                    jobs[i].targetLayout.getPackedBytes(jobs[i].shape)))
          << jobs[i].name;
  }
}

TEST_F(PackWeightsTest, ProgressAscendsToTheTotal) {
  std::vector<uint8_t> output(outputBytes);
  uint64_t last = 0, end = 0, total = 0;
  for (const PackJob &job : jobs)
    end += job.targetLayout.getPackedBytes(job.shape);
  StreamOptions options;
  options.threads = 3;
  options.progress = [&](uint64_t done, uint64_t all) {
    EXPECT_GT(done, last);
    last = done;
    total = all;
  };
  ASSERT_TRUE(packWeights(jobs, writeTo(output), options).ok());
  EXPECT_EQ(last, end);
  EXPECT_EQ(total, end);
}

TEST_F(PackWeightsTest, EveryByteOfTheSourceIsReleasedOnce) {
  std::vector<uint8_t> output(outputBytes);
  std::mutex mutex;
  std::vector<std::vector<uint8_t>> counts;
  for (const PackJob &job : jobs)
    counts.emplace_back(job.source.size());
  StreamOptions options;
  options.threads = 4;
  options.release = [&](llvm::ArrayRef<uint8_t> bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    for (size_t i = 0; i < jobs.size(); ++i)
      if (bytes.begin() >= jobs[i].source.begin() &&
          bytes.end() <= jobs[i].source.end())
        for (const uint8_t &byte : bytes)
          ++counts[i][&byte - jobs[i].source.data()];
  };
  ASSERT_TRUE(packWeights(jobs, writeTo(output), options).ok());
  for (const std::vector<uint8_t> &count : counts)
    EXPECT_TRUE(llvm::all_of(count, [](uint8_t n) { return n == 1; }));
}

TEST_F(PackWeightsTest, AnErrorOfTheOutputEndsIt) {
  std::atomic<int> calls = 0;
  WriteAt fail = [&](uint64_t offset, llvm::ArrayRef<uint8_t>) {
    ++calls;
    return offset >= jobs[1].offset ? absl::ResourceExhaustedError("full")
                                    : absl::OkStatus();
  };
  auto checksums = packWeights(jobs, fail, {});
  EXPECT_EQ(checksums.status(), absl::ResourceExhaustedError("full"));
  EXPECT_EQ(calls, 2);
  StreamOptions options;
  options.threads = 4;
  calls = 0;
  EXPECT_EQ(packWeights(jobs, fail, options).status(),
            absl::ResourceExhaustedError("full"));
  EXPECT_LE(calls, 5);
}

TEST_F(PackWeightsTest, AFullDiskIsAnError) {
  int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  absl::Status status =
      packWeights(jobs, writeToFile(full, "a.mplan"), {}).status();
  close(full);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "a.mplan: No space left on device");
}

TEST_F(PackWeightsTest, WritesAFile) {
  std::string path = testing::TempDir() + "modelc-pack-weights-test";
  int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  ASSERT_GE(file, 0);
  StreamOptions options;
  options.threads = 2;
  ASSERT_TRUE(packWeights(jobs, writeToFile(file, path), options).ok());
  // Between weights the file has holes, which are zeros; so has packAll().
  std::vector<uint8_t> expected = packAll(), found(outputBytes + 1);
  ssize_t size = pread(file, found.data(), found.size(), 0);
  ASSERT_EQ(size, static_cast<ssize_t>(outputBytes - kGapBytes));
  EXPECT_TRUE(
      std::equal(found.begin(), found.begin() + size, expected.begin()));
  close(file);
  unlink(path.c_str());
}

TEST_F(PackWeightsTest, ErrorsNameTheWeightBeforeAnythingIsWritten) {
  WriteAt never = [](uint64_t, llvm::ArrayRef<uint8_t>) {
    ADD_FAILURE() << "written";
    return absl::OkStatus();
  };
  jobs[2].source = jobs[2].source.drop_back();
  std::string size = std::to_string(jobs[2].source.size());
  EXPECT_EQ(packWeights(jobs, never, {}).status().message(),
            "tall: " + size + " source bytes, expected " +
                std::to_string(jobs[2].source.size() + 1));
  jobs[1].shape = {100, 33};
  EXPECT_EQ(packWeights(jobs, never, {}).status().message(),
            "wide: mapped.q8_0 to q8_0.n16k64u: k 33, expected a multiple of "
            "32");
}

TEST_F(PackWeightsTest, VerifyAcceptsWhatWasPacked) {
  std::vector<uint8_t> output = packAll();
  StreamOptions options;
  options.threads = 3;
  uint64_t released = 0, sourceBytes = 0, last = 0;
  std::mutex mutex;
  options.release = [&](llvm::ArrayRef<uint8_t> bytes) {
    std::lock_guard<std::mutex> lock(mutex);
    released += bytes.size();
  };
  options.progress = [&](uint64_t done, uint64_t) { last = done; };
  auto difference = verifyWeights(makeVerifyJobs(output), options);
  ASSERT_TRUE(difference.ok()) << difference.status();
  EXPECT_FALSE(difference->has_value());
  for (const PackJob &job : jobs) {
    sourceBytes += job.source.size();
    released -= job.targetLayout.getPackedBytes(job.shape);
  }
  EXPECT_EQ(released, sourceBytes);
  EXPECT_EQ(last, sourceBytes);
}

TEST_F(PackWeightsTest, VerifyFindsTheFirstDifference) {
  std::vector<uint8_t> output = packAll();
  struct Flip {
    size_t job;
    int64_t expert, row, k;
    const char *field;
  };
  // From the last to the first, so that each is the first when it comes.
  const Flip flips[] = {{6, 0, 2299, 479, "quants"},  {5, 2, 6, 33, "quants"},
                        {4, 4, 39, 64, "scale"},      {4, 3, 0, 17, "quants"},
                        {3, 0, 76, 332, "values"},    {2, 0, 2050, 0, "quants"},
                        {2, 0, 1999, 1247, "quants"}, {1, 0, 17, 70, "quants"},
                        {1, 0, 17, 64, "scale"},      {0, 0, 0, 319, "values"}};
  for (const Flip &f : flips) {
    const PackJob &job = jobs[f.job];
    LayoutAttr layout = job.targetLayout;
    WeightShape shape = getWeightShape(job.shape);
    uint64_t matrix = layout.getMatrixStride(shape.rows, shape.k) * f.expert;
    int64_t bit = layout.getBitOffset(f.field, f.row, f.k);
    output[job.offset + matrix + layout.getPanelOffset(f.row, shape.k) +
           f.k / layout.getK() * layout.getBytes() + bit / 8] ^= 1 << (bit % 8);
    for (unsigned threads : {1, 4}) {
      StreamOptions options;
      options.threads = threads;
      auto found = verifyWeights(makeVerifyJobs(output), options);
      ASSERT_TRUE(found.ok()) << found.status();
      ASSERT_TRUE(found->has_value());
      EXPECT_EQ((*found)->job, f.job);
      EXPECT_EQ((*found)->expert, f.expert);
      EXPECT_EQ((*found)->row, f.row);
      EXPECT_EQ((*found)->k, f.k);
      EXPECT_EQ((*found)->field, f.field);
    }
  }
}

// Matrices with others' rows between them pack as if they touched.
TEST_F(PackWeightsTest, MatricesMayStandApart) {
  constexpr uint64_t kApart = 96;
  std::vector<uint8_t> expected = packAllByDefinition();
  std::vector<std::vector<uint8_t>> apart;
  for (PackJob &job : jobs) {
    if (job.shape.size() != 3)
      continue;
    uint64_t bytes = job.source.size() / job.shape[0];
    std::vector<uint8_t> &spread =
        apart.emplace_back(job.source.size() + kApart * (job.shape[0] - 1));
    for (int64_t i = 0; i < job.shape[0]; ++i)
      llvm::copy(job.source.slice(i * bytes, bytes),
                 spread.begin() + i * (bytes + kApart));
    job.source = spread;
    job.sourceStride = bytes + kApart;
  }
  ASSERT_EQ(apart.size(), 2u);
  std::vector<uint8_t> output(outputBytes, 0xee);
  StreamOptions options;
  options.threads = 3;
  uint64_t last = 0, total = 0;
  options.progress = [&](uint64_t done, uint64_t all) {
    last = done;
    total = all;
  };
  ASSERT_TRUE(packWeights(jobs, writeTo(output), options).ok());
  EXPECT_TRUE(output == expected);
  std::vector<VerifyJob> verify = makeVerifyJobs(output);
  for (auto [to, from] : llvm::zip_equal(verify, jobs))
    to.sourceStride = from.sourceStride;
  auto found = verifyWeights(verify, options);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->has_value());
  EXPECT_EQ(last, total);

  // The scale of a block of matrix 2, row 6, k 32; each has 18 bytes, f16
  // first.
  const PackJob &mapped = jobs[5];
  uint64_t row = mapped.targetLayout.getMatrixBytes(1, 64);
  uint64_t stride = mapped.targetLayout.getMatrixStride(7, 64);
  output[mapped.offset + 2 * stride + 6 * row + 18] ^= 1;
  found = verifyWeights(verify, {});
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->expert, 2);
  EXPECT_EQ((*found)->row, 6);
  EXPECT_EQ((*found)->k, 32);

  jobs[4].source = jobs[4].source.drop_back();
  EXPECT_EQ(packWeights(jobs, writeTo(output), {}).status().message(),
            "experts: " + std::to_string(jobs[4].source.size()) +
                " source bytes, expected " +
                std::to_string(jobs[4].source.size() + 1));
}

TEST_F(PackWeightsTest, VerifyRefusesWrongSizes) {
  std::vector<uint8_t> output = packAll();
  std::vector<VerifyJob> verify = makeVerifyJobs(output);
  verify[0].packed = verify[0].packed.drop_back();
  EXPECT_EQ(verifyWeights(verify, {}).status().message(),
            "norm: 1280 source and 1279 packed bytes, expected 1280 and 1280");
}

} // namespace
} // namespace modelc::test
