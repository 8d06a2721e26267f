//===- PackWeights.h - All weights of a plan, streamed
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packs the weights of a model from its mapped file to an output, and compares
// packed weights with their source. Neither holds a weight in memory: each
// thread has buffers of a few MiB.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_REPACK_PACKWEIGHTS_H
#define MODELC_COMPILER_REPACK_PACKWEIGHTS_H

#include "absl/status/statusor.h"
#include "dialects/pack/PackDialect.h"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace modelc::repack {

struct StreamOptions {
  /// At least 1. Results do not depend on it.
  unsigned threads = 1;
  /// Called after each piece with the packed bytes done and to do, by one
  /// thread at a time, `done` ascending. May be empty.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// Called, from any thread, with parts of a mapping that will hardly be read
  /// again, so that they need not stay resident (gguf::releasePages). May be
  /// empty.
  std::function<void(llvm::ArrayRef<uint8_t>)> release;
};

/// One weight to pack.
struct PackJob {
  std::string name;               ///< For errors.
  llvm::ArrayRef<uint8_t> source; ///< The whole weight in the source file.
  llvm::SmallVector<int64_t> shape;
  pack::LayoutAttr sourceLayout, targetLayout;
  uint64_t offset; ///< Of the packed weight in the output.
  /// From one matrix of the source to the next; 0: they touch.
  uint64_t sourceStride = 0;
};

/// Writes bytes at an offset of the output; called from several threads with
/// parts that do not overlap.
using WriteAt =
    std::function<absl::Status(uint64_t offset, llvm::ArrayRef<uint8_t>)>;

/// A WriteAt for an open file. Errors carry the system's reason (no space:
/// RESOURCE_EXHAUSTED) and begin with `name`. The descriptor stays the
/// caller's.
WriteAt writeToFile(int descriptor, std::string name);

/// Packs all jobs and returns their checksums as ModelcWeight.checksum has
/// them. Each write is one piece of MODELC_CHECKSUM_PIECE_BYTES of a weight, or
/// its rest; pieces begin in ascending order. After an error of `write` no new
/// piece is begun and the error is returned. Jobs that cannot be packed without
/// loss are errors before anything is written.
absl::StatusOr<std::vector<uint32_t>> packWeights(llvm::ArrayRef<PackJob> jobs,
                                                  const WriteAt &write,
                                                  const StreamOptions &options);

/// One packed weight and its source.
struct VerifyJob {
  std::string name;
  llvm::ArrayRef<uint8_t> source, packed;
  llvm::SmallVector<int64_t> shape;
  pack::LayoutAttr sourceLayout, targetLayout;
  uint64_t sourceStride = 0; ///< As a PackJob's.
};

/// An element that differs.
struct WeightDifference {
  size_t job;
  int64_t expert, row, k;
  std::string field; ///< "scale": that of the block that k belongs to.
};

/// Unpacks all jobs and compares every bit with the source. Returns the first
/// difference in the order of jobs, experts, rows and k, or nothing.
absl::StatusOr<std::optional<WeightDifference>>
verifyWeights(llvm::ArrayRef<VerifyJob> jobs, const StreamOptions &options);

} // namespace modelc::repack

#endif // MODELC_COMPILER_REPACK_PACKWEIGHTS_H
