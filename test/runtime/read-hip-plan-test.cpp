//===- read-hip-plan-test.cpp - What a plan for a GPU is refused for
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As read-plan-test.cpp, of what differs. The good plan is accepted and then
// lacks HIP, as the environment names a library that is not there.
//
//===----------------------------------------------------------------------===//

#include "TestPlan.h"
#include <cstring>
#include <elf.h>
#include <functional>
#include <gtest/gtest.h>

using namespace modelc::test;

namespace {

PlanBuilder makeGoodPlan() {
  PlanBuilder plan = makeToyPlan();
  makeHip(plan, "gfx942", 64, makeCodeObject());
  return plan;
}

modelc_code openMemory(const PlanBuilder &builder, modelc_status *status) {
  setenv("MODELC_HIP_LIBRARY", "/nowhere/libamdhip64.so", 1);
  const PlanBytes bytes = builder.build();
  modelc_plan *plan = nullptr;
  const modelc_code code =
      modelc_open_memory(bytes.data(), bytes.size(), nullptr, 0, &plan, status);
  EXPECT_EQ(plan, nullptr);
  return code;
}

struct Case {
  const char *message;
  std::function<void(PlanBuilder &)> spoil;
};

void expectDamaged(const std::vector<Case> &cases) {
  for (const Case &c : cases) {
    PlanBuilder plan = makeGoodPlan();
    c.spoil(plan);
    modelc_status status;
    EXPECT_EQ(openMemory(plan, &status), MODELC_DATA_LOSS) << c.message;
    EXPECT_STREQ(status.message,
                 (std::string("plan in memory: ") + c.message).c_str());
  }
}

template <typename T> T &at(PlanBuilder &plan, uint64_t offset) {
  return *reinterpret_cast<T *>(plan.code.file.data() + offset);
}
Elf64_Ehdr &header(PlanBuilder &plan) { return at<Elf64_Ehdr>(plan, 0); }

TEST(ReadHipPlan, AGoodOneIsRead) {
  modelc_status status;
  EXPECT_EQ(openMemory(makeGoodPlan(), &status), MODELC_FAILED_PRECONDITION);
  const std::string expected =
      "plan in memory: does not run on this machine: gfx942 needs the HIP "
      "runtime (libamdhip64 of AMD's ROCm; MODELC_HIP_LIBRARY may name it): "
      "/nowhere/libamdhip64.so: ";
  EXPECT_EQ(std::string(status.message).substr(0, expected.size()), expected);
}

TEST(ReadHipPlan, Variant) {
  expectDamaged({
      {"variant 0: CPU features 0x4 on a GPU",
       [](PlanBuilder &p) { p.variants[0].features = 4; }},
      {"variant 0: has CODE_SEGMENTS on a GPU",
       [](PlanBuilder &p) { p.code.segments = {{0, 0, 64, 64}}; }},
      {"variant 0: CODE is missing",
       [](PlanBuilder &p) { p.code.file.clear(); }},
  });
}

TEST(ReadHipPlan, CodeObject) {
  constexpr uint64_t kProgramAt = sizeof(Elf64_Ehdr);
  constexpr uint64_t kSectionAt =
      kProgramAt + sizeof(Elf64_Phdr) + sizeof(Elf64_Shdr);
  expectDamaged({
      {"variant 0: CODE is no ELF file for AMD GPUs",
       [](PlanBuilder &p) { header(p).e_ident[0] = 0; }},
      {"variant 0: CODE is no ELF file for AMD GPUs",
       [](PlanBuilder &p) { header(p).e_machine = EM_X86_64; }},
      {"variant 0: CODE is no ELF file for AMD GPUs",
       [](PlanBuilder &p) { p.code.file.resize(63); }},
      {"variant 0: CODE is no ELF file of 64 bits for HSA",
       [](PlanBuilder &p) { header(p).e_ident[EI_CLASS] = ELFCLASS32; }},
      {"variant 0: CODE is no ELF file of 64 bits for HSA",
       [](PlanBuilder &p) { header(p).e_ident[EI_DATA] = ELFDATA2MSB; }},
      {"variant 0: CODE is no ELF file of 64 bits for HSA",
       [](PlanBuilder &p) { header(p).e_ident[EI_OSABI] = 0; }},
      {"variant 0: CODE has program headers outside of it",
       [](PlanBuilder &p) { header(p).e_phoff = UINT64_MAX - 8; }},
      {"variant 0: CODE has program headers outside of it",
       [](PlanBuilder &p) { header(p).e_phnum = 999; }},
      {"variant 0: CODE has program headers outside of it",
       [](PlanBuilder &p) { header(p).e_phentsize = 55; }},
      {"variant 0: CODE has section headers outside of it",
       [](PlanBuilder &p) { header(p).e_shoff = p.code.file.size() - 127; }},
      {"variant 0: CODE has section headers outside of it",
       [](PlanBuilder &p) { header(p).e_shentsize = 40; }},
      {"variant 0: CODE has a segment outside of it",
       [](PlanBuilder &p) { at<Elf64_Phdr>(p, kProgramAt).p_filesz = 65; }},
      {"variant 0: CODE has a segment at an address that is too large",
       [](PlanBuilder &p) {
         at<Elf64_Phdr>(p, kProgramAt).p_memsz = (1ull << 30) + 1;
       }},
      {"variant 0: CODE has a section outside of it",
       [](PlanBuilder &p) { at<Elf64_Shdr>(p, kSectionAt).sh_size = 65; }},
  });
}

TEST(ReadHipPlan, KernelsAndSteps) {
  expectDamaged({
      {"kernel 1 (hip_fold): groupThreads 0 out of range [1, 1024]",
       [](PlanBuilder &p) { p.kernels[1].groupThreads = 0; }},
      {"kernel 1 (hip_fold): groupThreads 1025 out of range [1, 1024]",
       [](PlanBuilder &p) { p.kernels[1].groupThreads = 1025; }},
      {"kernel 1 (hip_fold): groupTiles 0, expected 1 or more",
       [](PlanBuilder &p) { p.kernels[1].groupTiles = 0; }},
      {"kernel 1 (hip_fold): codeOffset 0x40, expected 0 on a GPU",
       [](PlanBuilder &p) { p.kernels[1].codeOffset = 0x40; }},
      {"step 0: 67108864 work-groups of 64, at most 4294967295 work-items",
       [](PlanBuilder &p) { p.steps[0].tileMultiplier = 1 << 23; }},
      {"step 0: 4104 bytes of arguments, at most 4096",
       [](PlanBuilder &p) {
         p.operands.resize(600, p.operands[0]);
         p.steps[0].operandCount = 509;
       }},
  });
}

} // namespace
