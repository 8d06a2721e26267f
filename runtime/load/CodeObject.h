//===- CodeObject.h - The code of AMD GPUs, before a driver sees it
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_CODEOBJECT_H
#define MODELC_RUNTIME_LOAD_CODEOBJECT_H

#include <span>
#include <stdint.h>

namespace modelc::rt {

/// What is wrong with a CODE section for HIP: "is no ELF file for AMD GPUs".
/// Null: it is one ELF file whose tables, sections and segments lie inside it.
/// HIP is told where code begins and not how long it is, so a table that ends
/// elsewhere would have it read other memory.
const char *findCodeObjectFault(std::span<const uint8_t> code);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_CODEOBJECT_H
