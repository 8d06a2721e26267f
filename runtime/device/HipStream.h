//===- HipStream.h - Work of a device, in order
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A stream remembers the first call of HIP that failed and makes none after it,
// so that a device that is broken is not asked again and again:
//
//   stream.zero(..) && stream.upload(..) && stream.wait()
//   if (!stream.ok()) return stream.fail(report);   // "hipMemsetAsync: ..."
//
// Bytes go between host and device through pinned memory of the stream's own,
// in pieces: a driver would take other memory piece by piece too, and does so
// less well.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_DEVICE_HIPSTREAM_H
#define MODELC_RUNTIME_DEVICE_HIPSTREAM_H

#include "device/HipDevice.h"
#include "device/HipMemory.h"

namespace modelc::rt {

/// For one thread at a time.
class HipStream {
public:
  HipStream() = default;
  HipStream(const HipStream &) = delete;
  HipStream &operator=(const HipStream &) = delete;
  ~HipStream();

  /// Makes a stream of `newDevice`, which outlives it, with two pieces of
  /// `newPieceBytes` > 0.
  [[nodiscard]] bool create(const HipDevice &newDevice, uint64_t newPieceBytes);

  const HipDevice &device() const { return *ofDevice; }
  const HipLibrary &hip() const { return ofDevice->hip; }
  HipStreamHandle handle() const { return stream; }

  /// False if a call has failed.
  bool ok() const { return failure.call == nullptr; }
  /// Remembers that `call` failed, if it did and none had before. Returns ok().
  bool check(const char *call, HipError error);
  /// Reports the call that failed.
  [[nodiscard]] modelc_code fail(const Reporter &report) const;
  /// Fails with RESOURCE_EXHAUSTED if less than `neededBytes` are free on the
  /// device, which is current; `what` needs them: "the weights need".
  [[nodiscard]] modelc_code checkMemory(const char *what, uint64_t neededBytes,
                                        const Reporter &report);
  /// As fail(), but where a call failed for want of memory with these numbers.
  [[nodiscard]] modelc_code failForMemory(const char *what,
                                          uint64_t neededBytes,
                                          const Reporter &report) const;

  /// These return ok(). Addresses are the device's where not told otherwise.
  bool zero(uint8_t *to, uint64_t sizeBytes);
  bool copy(uint8_t *to, const uint8_t *from, uint64_t sizeBytes);
  /// From the host; `from` has been read when this returns.
  bool upload(uint8_t *to, const void *from, uint64_t sizeBytes);
  /// To the host; `to` is written when this returns.
  bool download(void *to, const uint8_t *from, uint64_t sizeBytes);
  /// Between the device and pinned memory, later.
  bool uploadPinned(uint8_t *to, const uint8_t *from, uint64_t sizeBytes);
  bool downloadPinned(uint8_t *to, const uint8_t *from, uint64_t sizeBytes);
  /// Returns when all is done.
  bool wait();

private:
  bool transfer(void *to, const void *from, uint64_t sizeBytes,
                HipCopyKind kind);

  const HipDevice *ofDevice = nullptr;
  HipStreamHandle stream = nullptr;
  HipFailure failure;
  uint64_t pieceBytes = 0;
  HipPinnedBuffer pieces;
  /// Of each piece: the event that it was read, and whether it is recorded.
  HipEventHandle pieceWasRead[2] = {};
  bool isPieceInUse[2] = {};
  unsigned nextPiece = 0;
};

/// While it lives, the stream's device is this thread's current one; then the
/// thread has its own back. HIP allocates, launches and records on the current
/// device.
class HipCurrentDevice {
public:
  /// Does nothing for null. What fails is in the stream's ok().
  explicit HipCurrentDevice(HipStream *stream);
  HipCurrentDevice(const HipCurrentDevice &) = delete;
  HipCurrentDevice &operator=(const HipCurrentDevice &) = delete;
  ~HipCurrentDevice();

private:
  const HipLibrary *hip = nullptr;
  /// -1: nothing was changed.
  int before = -1;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_DEVICE_HIPSTREAM_H
