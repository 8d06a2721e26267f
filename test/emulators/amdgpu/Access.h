//===- Access.h - From the address of a lane to a host pointer
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_ACCESS_H
#define MODELC_TEST_EMULATORS_AMDGPU_ACCESS_H

#include "Machine.h"

namespace modelc::amdgpu {

/// The pointers of the active lanes to `bytes` bytes each that the instruction
/// addresses. False, after a fault of the wave: one is out of bounds.
bool resolve(Wave &wave, const Instruction &instruction, uint32_t bytes,
             uint8_t *pointers[kMaxLanes]);

/// `bytes` bytes of LDS at `offset`, which wraps like the hardware's sum of
/// address and offset; null after a fault.
uint8_t *localPointer(Wave &wave, uint32_t offset, uint32_t bytes);

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_ACCESS_H
