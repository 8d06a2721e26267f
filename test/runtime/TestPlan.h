//===- TestPlan.h - Plans made by hand
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A PlanBuilder holds the records of a plan of one variant (more can be added)
// as vectors, which a test may spoil before build() lays them out as
// docs/plan-format.md says.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_RUNTIME_TESTPLAN_H
#define MODELC_TEST_RUNTIME_TESTPLAN_H

#include "modelc/modelc.h"
#include "modelc/plan_format.h"
#include <memory>
#include <span>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <vector>

namespace modelc::test {

/// Bytes that begin on a page, as modelc_open_memory wants them.
class PlanBytes {
public:
  explicit PlanBytes(size_t sizeBytes);
  PlanBytes(const PlanBytes &other);
  PlanBytes &operator=(const PlanBytes &) = delete;
  PlanBytes(PlanBytes &&) = default;
  PlanBytes &operator=(PlanBytes &&) = default;

  uint8_t *data() const { return bytes.get(); }
  size_t size() const { return sizeBytes; }
  ModelcPlanHeader &header() const;
  std::span<ModelcSection> sections() const;
  /// The first section of `kind`; fails the program if there is none.
  ModelcSection &section(uint32_t kind) const;
  /// Recomputes the checksums of all sections and the header, as far as their
  /// places make sense.
  void reseal();

private:
  struct Free {
    void operator()(uint8_t *p) const { free(p); }
  };
  std::unique_ptr<uint8_t, Free> bytes;
  size_t sizeBytes;
};

/// Machine code: an ELF file and where its read-only segments lie.
struct TestCode {
  std::vector<uint8_t> file;
  std::vector<ModelcCodeSegment> segments;
  /// Virtual address of a function; fails the program if there is none.
  uint64_t address(const std::string &symbol) const;
  /// Reads the shared object at `path`.
  static TestCode read(const std::string &path);
};

struct OperandSpec {
  uint16_t space;
  uint32_t index = 0;
  uint64_t offset = 0;
  uint64_t sizeBytes = 0;
};

class PlanBuilder {
public:
  PlanBuilder();

  uint32_t string(std::string_view text);
  uint32_t addKernel(std::string_view name, ModelcKernel function);
  uint32_t addWeight(std::string_view name, std::span<const uint8_t> bytes);
  uint32_t addState(std::string_view name, uint64_t pageBytes);
  /// Returns the offset in CONSTANTS.
  uint64_t addConstant(std::span<const uint8_t> bytes);
  /// Returns the offset in the arena.
  uint64_t addSlot(uint64_t sizeBytes);
  /// Appends a step of count source TOKENS for 1 .. ubatch, one tile each,
  /// with a barrier, to be changed by the caller.
  ModelcStep &addStep(std::string_view name, uint32_t kernel,
                      std::span<const OperandSpec> stepOperands);
  void addMetadata(std::string_view key, uint8_t type, bool isArray,
                   uint64_t count, std::span<const uint8_t> data);
  void addMetadataStrings(std::string_view key, bool isArray,
                          const std::vector<std::string> &values);
  void setCode(TestCode code);
  /// Makes the slot of the logits; its offset goes into the variant.
  uint64_t addLogits();

  PlanBytes build() const;

  ModelcProvenance provenance = {};
  std::vector<char> strings;
  std::vector<ModelcMetadata> metadata;
  std::vector<uint8_t> metadataData;
  std::vector<ModelcReportRow> report;
  std::vector<ModelcVariant> variants;
  std::vector<ModelcKernelRecord> kernels;
  std::vector<ModelcStep> steps;
  std::vector<ModelcOperand> operands;
  std::vector<ModelcState> states;
  std::vector<uint8_t> constants;
  std::vector<ModelcWeight> weights;
  std::vector<uint8_t> weightBytes;
  TestCode code;
  /// For modelc_open_memory, as `kernels`.
  std::vector<ModelcKernel> functions;
  /// `variant` of all sections that may belong to one.
  uint16_t sectionVariant = MODELC_ALL_VARIANTS;
};

/// The plan of toy-kernels.h, without code.
PlanBuilder makeToyPlan();
/// Gives it the code of the shared object at `path`.
void addToyCode(PlanBuilder &plan, const std::string &path);

/// Makes the plan's variant one for an AMD GPU, with this code; its kernels
/// become hip_append and so on, with a work-group of `groupThreads`.
void makeHip(PlanBuilder &plan, std::string_view target, uint16_t groupThreads,
             std::vector<uint8_t> codeObject);
/// An ELF file for AMD GPUs with a program header and two section headers, and
/// no code.
std::vector<uint8_t> makeCodeObject();

/// What the toy model gives for the last of `tokens`.
float toyLogit(std::span<const int32_t> tokens, uint32_t v);

/// Bytes of a value.
template <typename T> std::span<const uint8_t> bytesOf(const T &value) {
  return {reinterpret_cast<const uint8_t *>(&value), sizeof(T)};
}

} // namespace modelc::test

#endif // MODELC_TEST_RUNTIME_TESTPLAN_H
