//===- Errors.cpp - How errors of GGUF files are worded
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Puts the parts of an error together. Names come from files that nobody
// vouches for, so they are quoted before they reach a terminal.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/gguf/Errors.h"
#include "llvm/ADT/StringExtras.h"

using namespace modelc::gguf;

std::string Subject::str() const {
  std::string text = kind.str();
  if (number != 0)
    text += " " + std::to_string(number);
  else if (kind != "header")
    text += " " + quote(name);
  return text;
}

std::string modelc::gguf::quote(llvm::StringRef text) {
  constexpr size_t kMaxBytes = 80;
  std::string quoted = "'";
  for (char c : text.take_front(kMaxBytes)) {
    if (llvm::isPrint(c)) {
      quoted += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    quoted += "\\x";
    quoted += llvm::hexdigit(byte >> 4, /*LowerCase=*/true);
    quoted += llvm::hexdigit(byte & 15, /*LowerCase=*/true);
  }
  if (text.size() > kMaxBytes)
    quoted += "...";
  return quoted + "'";
}

absl::Status modelc::gguf::makeError(llvm::StringRef file,
                                     const Subject &subject,
                                     llvm::StringRef field,
                                     const llvm::Twine &found,
                                     const llvm::Twine &expected) {
  std::string message = file.str() + ": " + subject.str() + ": ";
  if (!field.empty())
    message += "field " + field.str() + ": ";
  message += ("found " + found + ", expected " + expected).str();
  return absl::InvalidArgumentError(message);
}
