//===- HipStream.cpp - Work of a device, in order
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   upload(10 MiB), pieces of 4 MiB
//     host     copy 0 | copy 1 | wait for 0, copy 0 |
//     device            read 0 | read 1             | read 0
//
//===----------------------------------------------------------------------===//

#include "device/HipStream.h"
#include <algorithm>
#include <inttypes.h>
#include <string.h>

namespace modelc::rt {

HipCurrentDevice::HipCurrentDevice(HipStream *stream) {
  if (!stream || !stream->ok())
    return;
  hip = &stream->hip();
  if (!stream->check("hipGetDevice", hip->hipGetDevice(&before)))
    return;
  const int number = stream->device().number;
  if (before == number)
    before = -1;
  else
    stream->check("hipSetDevice", hip->hipSetDevice(number));
}

HipCurrentDevice::~HipCurrentDevice() {
  if (before >= 0)
    hip->hipSetDevice(before);
}

HipStream::~HipStream() {
  if (!stream)
    return;
  for (HipEventHandle event : pieceWasRead)
    if (event)
      hip().hipEventDestroy(event);
  hip().hipStreamDestroy(stream);
}

bool HipStream::create(const HipDevice &newDevice, uint64_t newPieceBytes) {
  ofDevice = &newDevice;
  pieceBytes = newPieceBytes;
  const HipCurrentDevice current(this);
  if (!ok() ||
      !check("hipStreamCreateWithFlags",
             hip().hipStreamCreateWithFlags(&stream, kHipStreamNonBlocking)))
    return false;
  for (HipEventHandle &event : pieceWasRead)
    if (!check("hipEventCreateWithFlags",
               hip().hipEventCreateWithFlags(&event, kHipEventDisableTiming)))
      return false;
  return check("hipHostMalloc", pieces.allocate(hip(), 2 * pieceBytes));
}

bool HipStream::check(const char *call, HipError error) {
  if (error != kHipSuccess && ok())
    failure = {call, error};
  return ok();
}

modelc_code HipStream::fail(const Reporter &report) const {
  return hip().fail(failure, report);
}

modelc_code HipStream::checkMemory(const char *what, uint64_t neededBytes,
                                   const Reporter &report) {
  size_t freeBytes = 0, totalBytes = 0;
  if (!check("hipMemGetInfo", hip().hipMemGetInfo(&freeBytes, &totalBytes)))
    return fail(report);
  if (neededBytes <= freeBytes)
    return MODELC_OK;
  return report.fail(MODELC_RESOURCE_EXHAUSTED,
                     "%s %" PRIu64 " bytes of device memory, %zu of %zu are "
                     "free on %s",
                     what, neededBytes, freeBytes, totalBytes, device().name);
}

modelc_code HipStream::failForMemory(const char *what, uint64_t neededBytes,
                                     const Reporter &report) const {
  size_t freeBytes = 0, totalBytes = 0;
  if (failure.error != kHipErrorOutOfMemory ||
      hip().hipMemGetInfo(&freeBytes, &totalBytes) != kHipSuccess)
    return fail(report);
  return report.fail(MODELC_RESOURCE_EXHAUSTED,
                     "%s: %s: %s %" PRIu64 " bytes of device memory, %zu of "
                     "%zu are free on %s",
                     failure.call, hip().hipGetErrorName(failure.error), what,
                     neededBytes, freeBytes, totalBytes, device().name);
}

bool HipStream::transfer(void *to, const void *from, uint64_t sizeBytes,
                         HipCopyKind kind) {
  if (!ok() || sizeBytes == 0)
    return ok();
  return check("hipMemcpyAsync",
               hip().hipMemcpyAsync(to, from, sizeBytes, kind, stream));
}

bool HipStream::zero(uint8_t *to, uint64_t sizeBytes) {
  if (!ok() || sizeBytes == 0)
    return ok();
  return check("hipMemsetAsync",
               hip().hipMemsetAsync(to, 0, sizeBytes, stream));
}

bool HipStream::copy(uint8_t *to, const uint8_t *from, uint64_t sizeBytes) {
  return transfer(to, from, sizeBytes, kHipDeviceToDevice);
}

bool HipStream::uploadPinned(uint8_t *to, const uint8_t *from,
                             uint64_t sizeBytes) {
  return transfer(to, from, sizeBytes, kHipHostToDevice);
}

bool HipStream::downloadPinned(uint8_t *to, const uint8_t *from,
                               uint64_t sizeBytes) {
  return transfer(to, from, sizeBytes, kHipDeviceToHost);
}

bool HipStream::upload(uint8_t *to, const void *from, uint64_t sizeBytes) {
  const auto *next = static_cast<const uint8_t *>(from);
  while (ok() && sizeBytes > 0) {
    const uint64_t part = std::min(sizeBytes, pieceBytes);
    uint8_t *const piece = pieces.data() + nextPiece * pieceBytes;
    const HipEventHandle wasRead = pieceWasRead[nextPiece];
    if (isPieceInUse[nextPiece] &&
        !check("hipEventSynchronize", hip().hipEventSynchronize(wasRead)))
      return false;
    memcpy(piece, next, part);
    if (!uploadPinned(to, piece, part))
      return false;
    check("hipEventRecord", hip().hipEventRecord(wasRead, stream));
    isPieceInUse[nextPiece] = true;
    nextPiece = 1 - nextPiece;
    next += part;
    to += part;
    sizeBytes -= part;
  }
  return ok();
}

bool HipStream::download(void *to, const uint8_t *from, uint64_t sizeBytes) {
  auto *next = static_cast<uint8_t *>(to);
  while (ok() && sizeBytes > 0) {
    // The stream is in order: whatever the first piece held was read.
    const uint64_t part = std::min(sizeBytes, 2 * pieceBytes);
    if (!downloadPinned(pieces.data(), from, part) || !wait())
      return false;
    memcpy(next, pieces.data(), part);
    next += part;
    from += part;
    sizeBytes -= part;
  }
  return ok();
}

bool HipStream::wait() {
  return ok() &&
         check("hipStreamSynchronize", hip().hipStreamSynchronize(stream));
}

} // namespace modelc::rt
