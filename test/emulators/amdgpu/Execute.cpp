//===- Execute.cpp - Handlers by the names of instructions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execute.h"

namespace modelc::amdgpu {

namespace {

struct Alias {
  std::string_view name, meaning;
};

constexpr Alias kAliases[] = {
#define AMDGPU_ALIAS(name, meaning) {#name, #meaning},
#include "Instructions.def"
};

struct Family {
  std::string_view prefix;
  Space space;
};

constexpr Family kFamilies[] = {
    {"global_", Space::Global},   {"flat_", Space::Flat},
    {"scratch_", Space::Scratch}, {"buffer_", Space::Buffer},
    {"ds_", Space::Local},
};

/// ds_add_rtn_u32 is ds_add_u32 that returns the old value.
std::string withoutReturn(std::string_view name) {
  std::string plain(name);
  const size_t at = plain.find("_rtn");
  return at == std::string::npos ? plain : plain.erase(at, 4);
}

} // namespace

std::string_view meaningOf(std::string_view name) {
  for (const Alias &alias : kAliases)
    if (alias.name == name)
      return alias.meaning;
  return name;
}

Handler findHandler(std::string_view name, Space &space) {
  if (Handler found = findControl(name))
    return found;
  for (const Family &family : kFamilies) {
    if (!name.starts_with(family.prefix))
      continue;
    space = family.space;
    const std::string plain = withoutReturn(name.substr(family.prefix.size()));
    if (space == Space::Local)
      if (Handler found = findLocal(plain))
        return found;
    return findMemory(meaningOf(plain));
  }
  name = meaningOf(name);
  using Finder = Handler (*)(std::string_view);
  for (Finder finder : {findScalar, findVector, findCarry, findCompare,
                        findPacked, findLaneMover, findMatrix})
    if (Handler found = finder(name))
      return found;
  return nullptr;
}

} // namespace modelc::amdgpu
