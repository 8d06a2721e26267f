//===- Access.cpp - From the address of a lane to a host pointer
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"

#include <algorithm>

namespace modelc::amdgpu {

namespace {

uint8_t *scratchPointer(Wave &wave, uint32_t lane, uint64_t offset,
                        uint32_t bytes) {
  if (offset + bytes > wave.scratchBytes) {
    wave.fault("scratch access of " + std::to_string(bytes) + " bytes at " +
               std::to_string(offset) + ", a lane has " +
               std::to_string(wave.scratchBytes));
    return nullptr;
  }
  return wave.scratch.data() + uint64_t(lane) * wave.scratchBytes + offset;
}

/// A flat address: its high word may say LDS or scratch.
uint8_t *flatPointer(Wave &wave, uint32_t lane, uint64_t address,
                     uint32_t bytes) {
  if (uint32_t(address >> 32) == kSharedAperture)
    return localPointer(wave, uint32_t(address), bytes);
  if (uint32_t(address >> 32) == kPrivateAperture)
    return scratchPointer(wave, lane, uint32_t(address), bytes);
  if (!wave.group->memory->contains(address, bytes)) {
    wave.faultAt(address, bytes);
    return nullptr;
  }
  return reinterpret_cast<uint8_t *>(address);
}

/// What a lane's vector address is; 0 without one.
uint64_t vectorAddress(const Wave &wave, const Operand &operand, bool wide,
                       uint32_t lane) {
  if (operand.kind != OperandKind::Vector)
    return 0;
  uint64_t value = wave.vectors[operand.reg][lane];
  if (wide)
    value |= uint64_t(wave.vectors[operand.reg + 1][lane]) << 32;
  return value;
}

/// Global and flat: vaddr is 64 bits wide, or 32 bits behind a scalar base.
bool resolveGlobal(Wave &wave, const Instruction &in, uint32_t bytes,
                   uint8_t **pointers) {
  const uint64_t exec = wave.exec();
  const bool hasBase = in.src[1].kind == OperandKind::Scalar;
  const uint64_t base =
      (hasBase ? wave.pairOf(in.src[1].reg) : 0) + uint64_t(in.offset);
  uint64_t addresses[kMaxLanes];
  uint64_t first = ~UINT64_C(0), last = 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    addresses[l] = base + vectorAddress(wave, in.src[0], !hasBase, l);
    first = std::min(first, addresses[l]);
    last = std::max(last, addresses[l]);
  }
  if (exec == 0)
    return true;
  const bool together = last >= first && wave.group->memory->contains(
                                             first, last - first + bytes);
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    pointers[l] = together ? reinterpret_cast<uint8_t *>(addresses[l])
                           : flatPointer(wave, l, addresses[l], bytes);
    if (!pointers[l])
      return false;
  }
  return true;
}

/// A buffer resource: base in bits 0-47, stride 48-61, number of records (or
/// bytes, if the stride is 0) in word 2. A base in the private aperture is the
/// scratch of kernels for gfx90a.
bool resolveBuffer(Wave &wave, const Instruction &in, uint32_t bytes,
                   uint8_t **pointers) {
  const uint32_t resource = in.src[1].reg;
  const uint64_t base = wave.pairOf(resource) & 0xffffffffffff;
  const uint64_t records = wave.scalars[resource + 2];
  const bool isScratch = wave.pairOf(resource) >> 32 == kPrivateAperture;
  const uint64_t exec = wave.exec();
  const uint64_t scalar = in.src[3] ? readScalar(wave, in.src[3]) : 0;
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    const uint64_t offset =
        vectorAddress(wave, in.src[0], false, l) + uint64_t(in.offset);
    if (isScratch) {
      pointers[l] = scratchPointer(wave, l, offset + scalar, bytes);
    } else if (offset + bytes > records) {
      wave.faultAt(base + scalar + offset, bytes);
      return false;
    } else {
      pointers[l] = flatPointer(wave, l, base + scalar + offset, bytes);
    }
    if (!pointers[l])
      return false;
  }
  return true;
}

} // namespace

uint8_t *localPointer(Wave &wave, uint32_t offset, uint32_t bytes) {
  std::vector<uint8_t> &lds = wave.group->lds;
  if (uint64_t(offset) + bytes > lds.size()) {
    wave.fault("LDS access of " + std::to_string(bytes) + " bytes at " +
               std::to_string(offset) + ", the work-group has " +
               std::to_string(lds.size()));
    return nullptr;
  }
  return lds.data() + offset;
}

bool resolve(Wave &wave, const Instruction &in, uint32_t bytes,
             uint8_t *pointers[kMaxLanes]) {
  if (in.space == Space::Global || in.space == Space::Flat)
    return resolveGlobal(wave, in, bytes, pointers);
  if (in.space == Space::Buffer)
    return resolveBuffer(wave, in, bytes, pointers);
  const uint64_t exec = wave.exec();
  const bool hasBase = in.src[1].kind == OperandKind::Scalar;
  const uint64_t base =
      uint64_t(in.offset) + (hasBase ? wave.scalars[in.src[1].reg] : 0);
  for (uint32_t l = 0; l < wave.lanes; ++l) {
    if (!(exec >> l & 1))
      continue;
    const uint64_t address = vectorAddress(wave, in.src[0], false, l);
    pointers[l] =
        in.space == Space::Local
            ? localPointer(wave, uint32_t(address + base), bytes)
            : scratchPointer(wave, l, uint32_t(address + base), bytes);
    if (!pointers[l])
      return false;
  }
  return true;
}

} // namespace modelc::amdgpu
