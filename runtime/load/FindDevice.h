//===- FindDevice.h - Whether a variant's device is there
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the choice of a variant asks of runtime/device, which defines it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_FINDDEVICE_H
#define MODELC_RUNTIME_LOAD_FINDDEVICE_H

#include "modelc/modelc.h"

namespace modelc::rt {

/// MODELC_OK if this machine has an AMD GPU, and the driver for it, that runs
/// code for `target` ("gfx942"). Otherwise `out_reason` is a phrase that
/// follows the target's name: "needs ...".
modelc_code findHipDevice(const char *target, char *out_reason,
                          size_t reasonBytes);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_FINDDEVICE_H
