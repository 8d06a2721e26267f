//===- StopTexts.cpp - Texts at which an answer ends
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   texts {"END"}: "a", "bE", "Nd", "END" ==> "a", "b", "ENd", found
//
//===----------------------------------------------------------------------===//

#include "StopTexts.h"
#include <algorithm>

namespace modelc::tools {

std::string StopTexts::push(std::string_view piece) {
  if (found)
    return "";
  held += piece;
  size_t end = held.npos;
  for (const std::string &text : texts)
    end = std::min(end, held.find(text));
  found = end != held.npos;
  if (!found) {
    // The longest end of what is held that begins one of the texts.
    size_t kept = 0;
    for (const std::string &text : texts)
      for (size_t length = std::min(text.size() - 1, held.size());
           length > kept; --length)
        if (std::string_view(held).ends_with(
                std::string_view(text).substr(0, length)))
          kept = length;
    end = held.size() - kept;
  }
  std::string given = held.substr(0, end);
  held.erase(0, end);
  return given;
}

std::string StopTexts::finish() {
  std::string given;
  if (!found)
    given.swap(held);
  held.clear();
  found = false;
  return given;
}

} // namespace modelc::tools
