//===- EndTokens.h - The tokens at which generation ends
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model may end its answer with another token than the one that its metadata
// names: chat models end a turn, and converters know one end only.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_ENDTOKENS_H
#define MODELC_RUNTIME_TEXT_ENDTOKENS_H

#include "Vocabulary.h"

namespace modelc::text {

/// The ids, sorted, each once: EOS, EOT and EOM of the metadata, and the tokens
/// whose names say that they end something.
std::vector<int32_t> findEndTokens(const Vocabulary &vocabulary);

} // namespace modelc::text

#endif // MODELC_RUNTIME_TEXT_ENDTOKENS_H
