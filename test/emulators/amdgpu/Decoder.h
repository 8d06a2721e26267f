//===- Decoder.h - From machine code to decoded instructions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_EMULATORS_AMDGPU_DECODER_H
#define MODELC_TEST_EMULATORS_AMDGPU_DECODER_H

#include "Chip.h"
#include "Instruction.h"

#include <map>
#include <memory>
#include <string>

namespace modelc::amdgpu {

/// How often each instruction was executed, by its normalised name.
/// The pointer stays valid; one name has one counter in the process.
uint64_t *counterOf(const std::string &name);
/// The sum of all counters whose name begins with `prefix`.
uint64_t countOf(const std::string &prefix);
void clearCounts();
/// Those that are not 0, in the order of their names.
std::map<std::string, uint64_t> allCounts();

/// LLVM's disassembler for one target.
class Decoder {
public:
  Decoder(const Chip &chip, const std::string &target);
  ~Decoder();

  /// Decodes what begins at `bytes`, of which `sizeBytes` can be read. False:
  /// `error` names what cannot be executed.
  bool decode(const uint8_t *bytes, uint64_t sizeBytes,
              Instruction &instruction, std::string &error);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace modelc::amdgpu

#endif // MODELC_TEST_EMULATORS_AMDGPU_DECODER_H
