//===- Qwen35.h - What qwen35 and qwen35moe share
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_IMPORT_ARCH_QWEN35_H
#define MODELC_COMPILER_IMPORT_ARCH_QWEN35_H

#include "compiler/import/arch/Decoder.h"

namespace modelc::arch {

/// All but the experts. `family` is borrowed.
DecoderTraits makeQwen35Traits(llvm::StringRef family);

} // namespace modelc::arch

#endif // MODELC_COMPILER_IMPORT_ARCH_QWEN35_H
