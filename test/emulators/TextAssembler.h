//===- TextAssembler.h - Bytes of instructions that are written as text
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's assembler, for tests of emulators: what it encodes was not written by
// those who wrote the emulator.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_TEXTASSEMBLER_H
#define MODELC_TEST_EMULATORS_TEXTASSEMBLER_H

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace modelc::test {

class TextAssembler {
public:
  /// The target's info, MC layer and parser of assembly must have been
  /// initialised.
  TextAssembler(const char *triple, const std::string &cpu,
                const std::string &features);
  ~TextAssembler();

  /// The bytes, or nothing if LLVM cannot assemble the text; it says why on
  /// stderr unless `isQuiet`.
  std::optional<std::vector<uint8_t>> assemble(const std::string &text,
                                               bool isQuiet = false) const;

private:
  struct Target;
  std::unique_ptr<Target> target;
};

} // namespace modelc::test

#endif // MODELC_TEST_EMULATORS_TEXTASSEMBLER_H
