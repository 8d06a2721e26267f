//===- StateMemory.h - Where a session's states lie
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In the host's memory, or on a device, where bytes are moved by the session's
// stream: in order with its kernels, and later than the call. If the stream has
// failed nothing is moved, and who needs the result asks the stream.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_EXEC_STATEMEMORY_H
#define MODELC_RUNTIME_EXEC_STATEMEMORY_H

#include "device/HipMemory.h"
#include "device/HipStream.h"
#include "load/Memory.h"
#include <string.h>

namespace modelc::rt {

class StateMemory {
public:
  /// Zeroes: on the device of `newStream`, which outlives this, or on the host
  /// if it is null. False if they cannot be had.
  [[nodiscard]] bool reserve(uint64_t sizeBytes, HipStream *newStream) {
    stream = newStream;
    if (!stream)
      return onHost.reserve(sizeBytes);
    return stream->ok() &&
           stream->check("hipMalloc",
                         onDevice.allocate(stream->hip(), sizeBytes)) &&
           stream->zero(onDevice.data(), sizeBytes);
  }

  /// The first byte's address, the host's or the device's, as are those below
  /// that are not told to be the host's.
  uint8_t *data() const { return stream ? onDevice.data() : onHost.data(); }

  void zero(uint8_t *to, uint64_t sizeBytes) const {
    if (stream)
      stream->zero(to, sizeBytes);
    else
      memset(to, 0, sizeBytes);
  }
  void copy(uint8_t *to, const uint8_t *from, uint64_t sizeBytes) const {
    if (stream)
      stream->copy(to, from, sizeBytes);
    else
      memcpy(to, from, sizeBytes);
  }
  /// The bytes become zero, all or some of them, and on the host their memory
  /// is given back.
  void release(uint64_t offset, uint64_t sizeBytes) const {
    if (stream)
      stream->zero(onDevice.data() + offset, sizeBytes);
    else
      onHost.release(offset, sizeBytes);
  }

  /// Whether read() needs its buffer.
  bool needsBuffer() const { return stream != nullptr; }
  /// The host's address of [from, +sizeBytes): `from` itself or `buffer`, of
  /// as many bytes.
  const uint8_t *read(const uint8_t *from, uint64_t sizeBytes,
                      uint8_t *buffer) const {
    if (!stream)
      return from;
    stream->download(buffer, from, sizeBytes);
    return buffer;
  }
  /// From the host's [from, +sizeBytes).
  void write(uint8_t *to, const uint8_t *from, uint64_t sizeBytes) const {
    if (stream)
      stream->upload(to, from, sizeBytes);
    else
      memcpy(to, from, sizeBytes);
  }

private:
  Mapping onHost;
  HipBuffer onDevice;
  HipStream *stream = nullptr;
};

} // namespace modelc::rt

#endif // MODELC_RUNTIME_EXEC_STATEMEMORY_H
