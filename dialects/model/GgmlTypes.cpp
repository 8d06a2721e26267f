//===- GgmlTypes.cpp - Look-ups in the table of ggml types
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table is GgmlTypes.def; this file only searches it.
//
//===----------------------------------------------------------------------===//

#include "dialects/model/GgmlTypes.h"
#include "llvm/Support/ErrorHandling.h"

using namespace modelc::model;

static constexpr GgmlTypeInfo kTypes[] = {
#define GGML_TYPE(enumerator, id, name, blockElems, blockBytes, kind)          \
  {GgmlType::enumerator, name, blockElems, blockBytes, GgmlKind::kind},
#include "dialects/model/GgmlTypes.def"
};

llvm::ArrayRef<GgmlTypeInfo> modelc::model::getGgmlTypes() { return kTypes; }

const GgmlTypeInfo &modelc::model::getGgmlTypeInfo(GgmlType type) {
  for (const GgmlTypeInfo &info : kTypes)
    if (info.type == type)
      return info;
  llvm_unreachable("every enumerator comes from the table");
}

std::optional<GgmlType> modelc::model::getGgmlTypeById(uint32_t id) {
  for (const GgmlTypeInfo &info : kTypes)
    if (static_cast<uint32_t>(info.type) == id)
      return info.type;
  return std::nullopt;
}

std::optional<GgmlType> modelc::model::getGgmlTypeByName(llvm::StringRef name) {
  for (const GgmlTypeInfo &info : kTypes)
    if (info.name == name)
      return info.type;
  return std::nullopt;
}
