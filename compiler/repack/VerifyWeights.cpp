//===- VerifyWeights.cpp - Packed weights against their source
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A piece is as many panels of a weight as have about 1 MiB of source. It is
// unpacked into the thread's buffer and compared; where the bytes differ, the
// elements are compared one by one to find the first that does. Pieces begin
// in ascending order and all that have begun end, so the first difference of
// the lowest piece is the first of all.
//
//===----------------------------------------------------------------------===//

#include "absl/strings/str_cat.h"
#include "compiler/repack/ForEachPiece.h"
#include "compiler/repack/PackWeights.h"
#include "compiler/repack/Packer.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

using namespace modelc;
using namespace modelc::pack;
using namespace modelc::repack;

static constexpr uint64_t kPieceBytes = 1 << 20;

namespace {

/// A job with what its pieces need.
struct Task {
  const VerifyJob *job;
  const Packer *packer;
  int64_t panelsPerPiece;

  uint64_t getPieceCount() const {
    return llvm::divideCeil(packer->getPanelCount(), panelsPerPiece);
  }
  int64_t getPanel(uint64_t piece) const {
    return std::min<int64_t>(piece * panelsPerPiece, packer->getPanelCount());
  }
};

} // namespace

static absl::StatusOr<Task> makeTask(const VerifyJob &job, PackerCache &cache) {
  auto found = cache.get(job.sourceLayout, job.targetLayout, job.shape,
                         job.sourceStride);
  if (!found.ok())
    return absl::Status(found.status().code(),
                        absl::StrCat(job.name, ": ", found.status().message()));
  const Packer *packer = *found;
  if (packer->getSourceExtent() != job.source.size() ||
      packer->getPackedBytes() != job.packed.size())
    return absl::InvalidArgumentError(absl::StrCat(
        job.name, ": ", job.source.size(), " source and ", job.packed.size(),
        " packed bytes, expected ", packer->getSourceExtent(), " and ",
        packer->getPackedBytes()));
  auto [begin, end] = packer->getSourceOfPanels(0, 1);
  uint64_t panels = std::max<uint64_t>(1, kPieceBytes / (end - begin));
  return Task{&job, packer, static_cast<int64_t>(panels)};
}

static bool areBitsEqual(const uint8_t *a, const uint8_t *b, int64_t bit,
                         int64_t bits) {
  if (bits >= 8)
    return memcmp(a + bit / 8, b + bit / 8, bits / 8) == 0;
  return (((a[bit / 8] ^ b[bit / 8]) >> (bit % 8)) & ((1 << bits) - 1)) == 0;
}

/// The element with the lowest k that differs in a row of K elements, which
/// does differ. Expects a layout of one row a group.
static WeightDifference findInRow(LayoutAttr layout, const uint8_t *a,
                                  const uint8_t *b, int64_t K) {
  WeightDifference first = {0, 0, 0, K, ""};
  for (auto field : layout.getFields().getAsRange<FieldAttr>())
    for (int64_t k = 0; k < first.k; k += field.getUnit()) {
      int64_t bit = k / layout.getK() * layout.getBytes() * 8 +
                    layout.getBitOffset(field.getName(), 0, k);
      if (!areBitsEqual(a, b, bit, field.getBits())) {
        first.k = k;
        first.field = field.getName().getValue().str();
      }
    }
  return first;
}

/// Compares panels [begin, end) of one matrix; nothing if they are equal.
static std::optional<WeightDifference> comparePanels(const Task &task,
                                                     int64_t begin, int64_t end,
                                                     PieceBuffer &buffer) {
  const VerifyJob &job = *task.job;
  auto [from, to] = task.packer->getSourceOfPanels(begin, end);
  buffer.resize(to - from);
  task.packer->unpack(job.packed, begin, end, buffer);
  const uint8_t *source = job.source.data() + from;
  if (memcmp(source, buffer.data(), buffer.size()) == 0)
    return std::nullopt;

  const int64_t perMatrix = task.packer->getPanelsPerMatrix();
  const uint64_t rowBytes = task.packer->getRowBytes();
  uint64_t byte = 0;
  while (source[byte] == buffer[byte])
    ++byte;
  uint64_t row = byte / rowBytes * rowBytes;
  WeightDifference found = findInRow(job.sourceLayout, source + row,
                                     buffer.data() + row, job.shape.back());
  found.expert = begin / perMatrix;
  uint64_t matrix =
      task.packer->getSourceOfPanels(found.expert * perMatrix, end).begin;
  found.row = (from - matrix + row) / rowBytes;
  return found;
}

/// Compares one piece, matrix by matrix, and counts its bytes of the source.
static std::optional<WeightDifference> comparePiece(const Task &task,
                                                    uint64_t piece,
                                                    PieceBuffer &buffer,
                                                    uint64_t &bytes) {
  const int64_t perMatrix = task.packer->getPanelsPerMatrix();
  int64_t begin = task.getPanel(piece), end = task.getPanel(piece + 1);
  std::optional<WeightDifference> found;
  for (int64_t next; begin < end; begin = next) {
    next = std::min(end, (begin / perMatrix + 1) * perMatrix);
    std::optional<WeightDifference> difference =
        comparePanels(task, begin, next, buffer);
    bytes += buffer.size();
    if (!found)
      found = difference;
  }
  return found;
}

static void releasePiece(const Task &task, uint64_t piece,
                         const StreamOptions &options) {
  int64_t begin = task.getPanel(piece), end = task.getPanel(piece + 1);
  Packer::ByteRange source = task.packer->getSourceOfPanels(begin, end);
  Packer::ByteRange packed = task.packer->getPackedOfPanels(begin, end);
  auto slice = [](llvm::ArrayRef<uint8_t> bytes, Packer::ByteRange range) {
    return bytes.slice(range.begin, range.end - range.begin);
  };
  options.release(slice(task.job->source, source));
  options.release(slice(task.job->packed, packed));
}

absl::StatusOr<std::optional<WeightDifference>>
repack::verifyWeights(llvm::ArrayRef<VerifyJob> jobs,
                      const StreamOptions &options) {
  PackerCache cache;
  std::vector<Task> tasks;
  std::vector<uint64_t> counts;
  uint64_t totalBytes = 0;
  for (const VerifyJob &job : jobs) {
    absl::StatusOr<Task> task = makeTask(job, cache);
    if (!task.ok())
      return task.status();
    tasks.push_back(*task);
    counts.push_back(task->getPieceCount());
    totalBytes += task->packer->getSourceBytes();
  }

  PieceMap pieces(counts);
  ProgressCount progress(totalBytes, options.progress);
  std::mutex mutex;
  uint64_t firstPiece = pieces.size();
  std::optional<WeightDifference> first;
  auto verifyPiece = [&](uint64_t piece, PieceBuffer &buffer) {
    size_t part = pieces.getPart(piece);
    const Task &task = tasks[part];
    uint64_t index = piece - pieces.getFirst(part);
    uint64_t bytes = 0;
    std::optional<WeightDifference> found =
        comparePiece(task, index, buffer, bytes);
    if (options.release)
      releasePiece(task, index, options);
    progress.add(bytes);
    std::lock_guard<std::mutex> lock(mutex);
    if (found && piece < firstPiece) {
      firstPiece = piece;
      first = std::move(found);
      first->job = part;
    }
    return !first;
  };
  forEachPiece(pieces.size(), options.threads, verifyPiece);
  return first;
}
