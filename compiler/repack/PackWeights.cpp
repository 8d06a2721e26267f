//===- PackWeights.cpp - All weights of a plan, streamed
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   jobs      a            b                c
//   pieces    a0           b0 | b1 | b2     c0 | c1      1 MiB of packed bytes
//
// A thread packs a piece into its buffer, computes the piece's checksum while
// the bytes are in its cache, writes it, and lets go of the source's pages. A
// piece is that of the weight's checksum, so a weight's checksum is formed of
// its pieces' at the end.
//
// The output is written, not mapped: for 760 MB both took the same time, but a
// mapping makes the whole output resident and turns a full disk into SIGBUS.
//
//===----------------------------------------------------------------------===//

#include "compiler/repack/PackWeights.h"
#include "absl/strings/str_cat.h"
#include "compiler/repack/ForEachPiece.h"
#include "compiler/repack/Packer.h"
#include "modelc/checksum.h"
#include <cerrno>
#include <unistd.h>

using namespace modelc;
using namespace modelc::repack;

WriteAt repack::writeToFile(int descriptor, std::string name) {
  return [descriptor, name](uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
    while (!bytes.empty()) {
      ssize_t written = pwrite(descriptor, bytes.data(), bytes.size(), offset);
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return absl::ErrnoToStatus(errno, name);
      offset += written;
      bytes = bytes.drop_front(written);
    }
    return absl::OkStatus();
  };
}

/// The packers of all jobs, in their order.
static absl::StatusOr<std::vector<const Packer *>>
getPackers(llvm::ArrayRef<PackJob> jobs, PackerCache &cache) {
  std::vector<const Packer *> packers;
  for (const PackJob &job : jobs) {
    auto packer = cache.get(job.sourceLayout, job.targetLayout, job.shape,
                            job.sourceStride);
    if (!packer.ok())
      return absl::Status(
          packer.status().code(),
          absl::StrCat(job.name, ": ", packer.status().message()));
    if ((*packer)->getSourceExtent() != job.source.size())
      return absl::InvalidArgumentError(absl::StrCat(
          job.name, ": ", job.source.size(), " source bytes, expected ",
          (*packer)->getSourceExtent()));
    packers.push_back(*packer);
  }
  return packers;
}

absl::StatusOr<std::vector<uint32_t>>
repack::packWeights(llvm::ArrayRef<PackJob> jobs, const WriteAt &write,
                    const StreamOptions &options) {
  PackerCache cache;
  auto packers = getPackers(jobs, cache);
  if (!packers.ok())
    return packers.status();
  std::vector<uint64_t> counts;
  uint64_t totalBytes = 0;
  for (const Packer *packer : *packers) {
    counts.push_back(modelc_weight_piece_count(packer->getPackedBytes()));
    totalBytes += packer->getPackedBytes();
  }

  PieceMap pieces(counts);
  std::vector<uint32_t> checksums(pieces.size());
  ProgressCount progress(totalBytes, options.progress);
  std::mutex mutex;
  absl::Status status;
  auto packPiece = [&](uint64_t piece, PieceBuffer &buffer) {
    size_t part = pieces.getPart(piece);
    const PackJob &job = jobs[part];
    const Packer &packer = *(*packers)[part];
    uint64_t begin =
        (piece - pieces.getFirst(part)) * MODELC_CHECKSUM_PIECE_BYTES;
    uint64_t bytes = std::min<uint64_t>(MODELC_CHECKSUM_PIECE_BYTES,
                                        packer.getPackedBytes() - begin);
    buffer.resize(bytes);
    packer.pack(job.source, begin, buffer);
    if (options.release) {
      auto [from, to] = packer.getSourceEndingIn(begin, begin + bytes);
      options.release(job.source.slice(from, to - from));
    }
    checksums[piece] = modelc_crc32c(buffer.data(), bytes);
    absl::Status written = write(job.offset + begin, buffer);
    if (written.ok()) {
      progress.add(bytes);
      return true;
    }
    std::lock_guard<std::mutex> lock(mutex);
    status.Update(written);
    return false;
  };
  forEachPiece(pieces.size(), options.threads, packPiece);
  if (!status.ok())
    return status;

  std::vector<uint32_t> result;
  for (size_t i = 0; i < jobs.size(); ++i)
    result.push_back(modelc_weight_checksum_of_pieces(
        checksums.data() + pieces.getFirst(i), counts[i]));
  return result;
}
