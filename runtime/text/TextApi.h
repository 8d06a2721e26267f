//===- TextApi.h - What stands behind the handles of text.h
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the two files that implement the C API.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_TEXTAPI_H
#define MODELC_RUNTIME_TEXT_TEXTAPI_H

#include "Tokenizer.h"
#include "modelc/text.h"

struct modelc_tokenizer {
  std::unique_ptr<modelc::text::Tokenizer> implementation;
};

#endif // MODELC_RUNTIME_TEXT_TEXTAPI_H
