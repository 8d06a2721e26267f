//===- Execute.h - Handlers by the names of instructions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_EXECUTE_H
#define MODELC_TEST_EMULATORS_AMDGPU_EXECUTE_H

#include "Machine.h"

#include <string_view>

namespace modelc::amdgpu {

/// The handler of a name without the encoding's suffix, or null. Where memory
/// is in the name (global_load_dword), `space` is set too.
Handler findHandler(std::string_view name, Space &space);

/// The parts of findHandler().
Handler findScalar(std::string_view name);
Handler findControl(std::string_view name);
Handler findVector(std::string_view name);
Handler findCarry(std::string_view name);
Handler findCompare(std::string_view name);
Handler findPacked(std::string_view name);
Handler findLaneMover(std::string_view name);
Handler findMatrix(std::string_view name);
Handler findMemory(std::string_view name);
Handler findLocal(std::string_view name);

/// The name that another generation gives the same instruction, or `name`.
std::string_view meaningOf(std::string_view name);

struct NamedHandler {
  std::string_view name;
  Handler handler;
};

/// The entry of a table, or null.
template <size_t size>
Handler findIn(const NamedHandler (&table)[size], std::string_view name) {
  for (const NamedHandler &entry : table)
    if (entry.name == name)
      return entry.handler;
  return nullptr;
}

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_EXECUTE_H
