//===- StopTexts.h - Texts at which an answer ends
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A text may come in pieces: what could begin one is held back until it is
// clear.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_STOPTEXTS_H
#define MODELC_TOOLS_MODELC_RUN_STOPTEXTS_H

#include <span>
#include <string>
#include <string_view>

namespace modelc::tools {

class StopTexts {
public:
  /// Borrows `texts`, none of them empty.
  explicit StopTexts(std::span<const std::string> texts) : texts(texts) {}

  /// Takes a piece; gives what cannot be part of one of the texts any more. At
  /// the first of them: what stands before it, and isFound().
  std::string push(std::string_view piece);

  /// Gives what is held back: nothing more comes.
  std::string finish();

  bool isFound() const { return found; }

private:
  std::span<const std::string> texts;
  std::string held;
  bool found = false;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_STOPTEXTS_H
