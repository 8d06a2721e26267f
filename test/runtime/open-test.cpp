//===- open-test.cpp - Plan files, their code, and the machine they are for
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFolder.h"
#include "TestPlan.h"
#include "load/CodeFormat.h"
#include "load/CpuFeatures.h"
#include "load/FindDevice.h"
#include "load/ReadPlan.h"
#include "modelc/cpu_features.h"
#include "toy-kernels.h"
#include <cstring>
#include <elf.h>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sched.h>
#include <set>
#include <sstream>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace modelc::test;

namespace {

class Open : public ::testing::Test {
protected:
  Open() : builder(makeToyPlan()) {
    addToyCode(builder, MODELC_TOY_CODE);
    unsetenv("MODELC_FORCE_CPU_FEATURES");
  }
  ~Open() override { modelc_close(plan); }

  modelc_code openBytes(const PlanBytes &bytes) {
    return open(folder.write("toy.mplan", {bytes.data(), bytes.size()}));
  }
  modelc_code open(const std::string &path) {
    modelc_close(plan);
    plan = nullptr;
    return modelc_open(path.c_str(), nullptr, &plan, &status);
  }

  TestFolder folder;
  PlanBuilder builder;
  modelc_plan *plan = nullptr;
  modelc_status status;
};

// From the file to logits, through the mapped code.
TEST_F(Open, RunsTheCodeInTheFile) {
  ASSERT_EQ(openBytes(builder.build()), MODELC_OK) << status.message;
  EXPECT_EQ(modelc_verify(plan, &status), MODELC_OK) << status.message;
  modelc_session *session = nullptr;
  ASSERT_EQ(modelc_session_create(plan, nullptr, &session, &status), MODELC_OK);
  const int32_t ids[] = {3, 1, 31};
  const modelc_token tokens[] = {{3, 0, 0, 0}, {1, 1, 0, 0}, {31, 2, 0, 1}};
  ASSERT_EQ(modelc_session_step(session, tokens, 3, &status), MODELC_OK);
  const float *logits = nullptr;
  ASSERT_EQ(modelc_session_logits(session, 0, &logits, &status), MODELC_OK);
  for (uint32_t v = 0; v < kToyVocab; ++v)
    EXPECT_EQ(logits[v], toyLogit(ids, v));
  modelc_session_destroy(session);

  // Two processes share what is mapped from the file, code included.
  std::ifstream maps("/proc/self/maps");
  std::string line;
  int code = 0, data = 0;
  while (std::getline(maps, line)) {
    if (line.find("/toy.mplan") == std::string::npos)
      continue;
    code += line.find(" r-xp ") != std::string::npos;
    data += line.find(" r--s ") != std::string::npos;
  }
  EXPECT_EQ(code, int(builder.code.segments.size()));
  EXPECT_EQ(data, 1);
}

TEST_F(Open, Info) {
  ASSERT_EQ(openBytes(builder.build()), MODELC_OK);
  modelc_plan_info info;
  modelc_plan_get_info(plan, &info);
  EXPECT_STREQ(info.target, "any");
  EXPECT_STREQ(info.architecture, "toy");
  EXPECT_STREQ(info.modelName, "A toy");
  EXPECT_EQ(info.vocabSize, 32u);
  EXPECT_EQ(info.contextLength, 200u);
  EXPECT_EQ(info.embeddingLength, 4u);
  EXPECT_EQ(info.layerCount, 1u);
  EXPECT_EQ(info.ubatch, 8u);
  EXPECT_EQ(info.weightBytes, 256u);
  EXPECT_EQ(info.arenaBytes, 0x480u);
  EXPECT_EQ(info.scratchBytes, 256u);
  EXPECT_EQ(info.stateBytesPerToken, 6u);
  EXPECT_STREQ(modelc_plan_warning(plan), "");
}

TEST_F(Open, Metadata) {
  ASSERT_EQ(openBytes(builder.build()), MODELC_OK);
  modelc_metadata value;
  ASSERT_EQ(modelc_plan_metadata(plan, "toy.context_length", &value, &status),
            MODELC_OK);
  EXPECT_EQ(value.type, uint32_t(MODELC_META_U32));
  EXPECT_EQ(value.isArray, 0u);
  EXPECT_EQ(value.count, 1u);
  EXPECT_EQ(*static_cast<const uint32_t *>(value.data), 200u);
  const char *data = nullptr;
  size_t size = 0;
  EXPECT_EQ(modelc_metadata_string(&value, 0, &data, &size),
            MODELC_INVALID_ARGUMENT);

  ASSERT_EQ(modelc_plan_metadata(plan, "tokenizer.ggml.tokens", &value, NULL),
            MODELC_OK);
  EXPECT_EQ(value.isArray, 1u);
  ASSERT_EQ(value.count, 3u);
  const char *expected[] = {"a", "", "bcd"};
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_EQ(modelc_metadata_string(&value, i, &data, &size), MODELC_OK);
    EXPECT_EQ(std::string_view(data, size), expected[i]);
  }
  EXPECT_EQ(modelc_metadata_string(&value, 3, &data, &size),
            MODELC_OUT_OF_RANGE);

  EXPECT_EQ(modelc_plan_metadata(plan, "toy.none", &value, &status),
            MODELC_NOT_FOUND);
  EXPECT_STREQ(status.message, "toy.mplan: metadata has no key toy.none");
}

TEST_F(Open, NotAPlanFile) {
  EXPECT_EQ(open(folder.path("none.mplan")), MODELC_NOT_FOUND);
  EXPECT_STREQ(status.message,
               "none.mplan: cannot open: No such file or directory");
  EXPECT_EQ(open(folder.path("")), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, ": not a regular file");
  ASSERT_EQ(mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(open(folder.path("fifo")), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "fifo: not a regular file");
  EXPECT_EQ(open(folder.write("empty.mplan", {})), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message,
               "empty.mplan: has 0 bytes, a plan has at least 64");
  const std::vector<uint8_t> text(100, 'x');
  EXPECT_EQ(open(folder.write("text.mplan", text)), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message,
               "text.mplan: not a plan: does not begin with MPLAN");
}

TEST_F(Open, UnreadableFile) {
  const PlanBytes bytes = builder.build();
  const std::string path =
      folder.write("secret.mplan", {bytes.data(), bytes.size()});
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  // Root may read everything; it becomes nobody for a moment.
  const bool isRoot = geteuid() == 0;
  const uid_t nobody = 65534;
  ASSERT_TRUE(!isRoot || seteuid(nobody) == 0);
  const modelc_code code = open(path);
  ASSERT_TRUE(!isRoot || seteuid(0) == 0);
  EXPECT_EQ(code, MODELC_PERMISSION_DENIED);
  EXPECT_STREQ(status.message, "secret.mplan: cannot open: Permission denied");
}

TEST_F(Open, TruncatedFile) {
  const PlanBytes bytes = builder.build();
  for (size_t length : {size_t(64), size_t(4096), bytes.size() - 1}) {
    EXPECT_EQ(open(folder.write("cut.mplan", {bytes.data(), length})),
              MODELC_DATA_LOSS);
    EXPECT_EQ(std::string("cut.mplan: has ") + std::to_string(length) +
                  " bytes, its header says " + std::to_string(bytes.size()),
              status.message);
  }
}

TEST_F(Open, NeedsCode) {
  builder.code = {};
  EXPECT_EQ(openBytes(builder.build()), MODELC_DATA_LOSS);
  EXPECT_STREQ(status.message, "toy.mplan: variant 0: CODE is missing");
}

TEST_F(Open, Options) {
  const PlanBytes bytes = builder.build();
  bytes.data()[bytes.section(MODELC_SECTION_WEIGHTS).offset] ^= 1;
  const std::string path =
      folder.write("toy.mplan", {bytes.data(), bytes.size()});
  EXPECT_EQ(open(path), MODELC_OK);
  modelc_open_options options = {};
  options.verifyWeights = 1;
  modelc_plan *none = nullptr;
  EXPECT_EQ(modelc_open(path.c_str(), &options, &none, &status),
            MODELC_DATA_LOSS);
  EXPECT_NE(strstr(status.message, "toy.mplan: weight first: checksum"),
            nullptr);
  options.reserved[3] = 1;
  EXPECT_EQ(modelc_open(path.c_str(), &options, &none, &status),
            MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
}

// In a child process with a mount of its own.
TEST_F(Open, NoexecMount) {
  const PlanBytes bytes = builder.build();
  const std::string mountPoint = folder.path("noexec");
  ASSERT_EQ(mkdir(mountPoint.c_str(), 0700), 0);
  enum { kRefused, kCannotMount, kOpened, kWrongMessage };
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool isMounted =
        (unshare(CLONE_NEWNS) == 0 ||
         unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
        mount("tmpfs", mountPoint.c_str(), "tmpfs", MS_NOEXEC, nullptr) == 0;
    if (!isMounted)
      _exit(kCannotMount);
    const std::string path =
        folder.write("noexec/toy.mplan", {bytes.data(), bytes.size()});
    if (open(path) != MODELC_PERMISSION_DENIED)
      _exit(kOpened);
    const bool isExact =
        strcmp(status.message, "toy.mplan: cannot execute its code: its file "
                               "system is mounted noexec") == 0;
    _exit(isExact ? kRefused : kWrongMessage);
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  ASSERT_TRUE(WIFEXITED(result));
  if (WEXITSTATUS(result) == kCannotMount)
    GTEST_SKIP() << "may not mount a file system here";
  EXPECT_EQ(WEXITSTATUS(result), kRefused);
}

TEST_F(Open, CodeForAnotherProcessor) {
  auto *elf = reinterpret_cast<Elf64_Ehdr *>(builder.code.file.data());
  const bool isX86 = elf->e_machine == EM_X86_64;
  elf->e_machine = isX86 ? EM_AARCH64 : EM_X86_64;
  EXPECT_EQ(openBytes(builder.build()), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               isX86 ? "toy.mplan: does not run on this machine: any has code "
                       "for AArch64 (ELF machine 183), not x86-64"
                     : "toy.mplan: does not run on this machine: any has code "
                       "for x86-64 (ELF machine 62), not AArch64");
  elf->e_machine = EM_RISCV;
  EXPECT_EQ(openBytes(builder.build()), MODELC_FAILED_PRECONDITION);
  EXPECT_NE(strstr(status.message, "another processor (ELF machine 243)"),
            nullptr);
  elf->e_ident[0] = 0;
  EXPECT_EQ(openBytes(builder.build()), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               "toy.mplan: does not run on this machine: any has code that is "
               "neither an ELF nor a Mach-O file");
}

// The first bytes of a dylib for arm64.
TEST_F(Open, CodeForAMac) {
  constexpr uint32_t kHeader[] = {0xfeedfacf, 0x0100000c};
  memcpy(builder.code.file.data(), kHeader, sizeof(kHeader));
  EXPECT_EQ(openBytes(builder.build()), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message, "toy.mplan: does not run on this machine: any "
                               "has code for macOS (Mach-O), not Linux (ELF)");
}

// Less of a file than a header is none.
TEST(CodeFormat, OfShortFiles) {
  const uint8_t elf[] = {0x7f, 'E', 'L', 'F', 0, 0};
  EXPECT_EQ(modelc::rt::readCodeFormat({elf, 6}),
            (modelc::rt::CodeFormat{modelc::rt::CodeContainer::Elf, 0}));
  for (size_t size : {0, 1, 3})
    EXPECT_EQ(modelc::rt::readCodeFormat({elf, size}),
              modelc::rt::CodeFormat());
}

uint64_t bit(uint32_t feature) { return uint64_t(1) << feature; }

/// Chooses a variant of `builder` for a machine with these features.
class ChooseVariant : public Open {
protected:
  modelc_code choose(uint64_t present, uint64_t usable) {
    const PlanBytes bytes = builder.build();
    const modelc::rt::Reporter report("toy.mplan", &status);
    modelc::rt::PlanTables tables;
    EXPECT_EQ(
        modelc::rt::readPlan({bytes.data(), bytes.size()}, {}, report, &tables),
        MODELC_OK);
    if (deviceVariant)
      const_cast<ModelcVariant &>(tables.variants[*deviceVariant]).deviceKind =
          MODELC_DEVICE_HIP;
    modelc::rt::CpuFeatures machine;
    machine.present = present;
    machine.usable = usable;
    return modelc::rt::chooseVariant(tables, uint32_t(tables.variants.size()),
                                     machine, report, &choice);
  }

  modelc::rt::VariantChoice choice = {99, false, {}};
  /// The variant that is for a GPU.
  std::optional<size_t> deviceVariant;
};

TEST_F(ChooseVariant, MissingFeaturesAreNamed) {
  builder.variants[0].features = bit(MODELC_FEATURE_AVX2) |
                                 bit(MODELC_FEATURE_AVX512F) |
                                 bit(MODELC_FEATURE_AVX512VNNI);
  EXPECT_EQ(choose(0, 0), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message, "toy.mplan: does not run on this machine: any "
                               "needs avx2 avx512f avx512_vnni");
  EXPECT_EQ(choose(bit(MODELC_FEATURE_AVX2) | bit(MODELC_FEATURE_AVX512F),
                   bit(MODELC_FEATURE_AVX2)),
            MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               "toy.mplan: does not run on this machine: any needs avx512f "
               "(disabled by the operating system) avx512_vnni");
  EXPECT_EQ(choice.variant, 99u);
  const uint64_t all = builder.variants[0].features;
  EXPECT_EQ(choose(all, all), MODELC_OK);
  EXPECT_EQ(choice.variant, 0u);
  choice.variant = 99;
  setenv("MODELC_FORCE_CPU_FEATURES", "0", 1);
  EXPECT_EQ(choose(0, 0), MODELC_FAILED_PRECONDITION);
  setenv("MODELC_FORCE_CPU_FEATURES", "1", 1);
  EXPECT_EQ(choose(0, 0), MODELC_OK);
  EXPECT_EQ(choice.variant, 0u);
  unsetenv("MODELC_FORCE_CPU_FEATURES");
}

TEST_F(ChooseVariant, TheFirstThatFits) {
  const uint64_t vnni = bit(MODELC_FEATURE_AVX512VNNI);
  const uint64_t amx = bit(MODELC_FEATURE_AMX_INT8);
  builder.variants.resize(3, builder.variants[0]);
  builder.variants[0].target = builder.string("amx");
  builder.variants[0].features = amx | vnni;
  builder.variants[1].target = builder.string("vnni");
  builder.variants[1].features = vnni;
  EXPECT_EQ(choose(amx | vnni, amx | vnni), MODELC_OK);
  EXPECT_EQ(choice.variant, 0u);
  EXPECT_EQ(choose(vnni, vnni), MODELC_OK);
  EXPECT_EQ(choice.variant, 1u);
  EXPECT_EQ(choose(amx, amx), MODELC_OK);
  EXPECT_EQ(choice.variant, 2u);
  builder.variants.pop_back();
  EXPECT_EQ(choose(0, 0), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               "toy.mplan: does not run on this machine: amx needs "
               "avx512_vnni amx_int8; vnni needs avx512_vnni");
}

// What was passed over is told, and whether a device would have done.
TEST_F(ChooseVariant, MissingDevice) {
  char reason[MODELC_STATUS_MESSAGE_BYTES];
  if (modelc::rt::findHipDevice("gfx942", reason, sizeof(reason)) == MODELC_OK)
    GTEST_SKIP() << "this machine has the device";
  ASSERT_EQ(strncmp(reason, "needs ", 6), 0) << reason;
  const uint64_t amx = bit(MODELC_FEATURE_AMX_INT8);
  builder.variants.resize(3, builder.variants[0]);
  builder.variants[0].target = builder.string("gfx942");
  builder.variants[1].target = builder.string("amx");
  builder.variants[1].features = amx;
  deviceVariant = 0;
  EXPECT_EQ(choose(amx, amx), MODELC_OK);
  EXPECT_EQ(choice.variant, 1u);
  EXPECT_TRUE(choice.lacksDevice);
  EXPECT_EQ(choice.passedOver, std::string("gfx942 ") + reason);
  EXPECT_EQ(choose(0, 0), MODELC_OK);
  EXPECT_EQ(choice.variant, 2u);
  EXPECT_TRUE(choice.lacksDevice);
  EXPECT_EQ(choice.passedOver,
            std::string("gfx942 ") + reason + "; amx needs amx_int8");
  // Features of a CPU do not make a device.
  setenv("MODELC_FORCE_CPU_FEATURES", "1", 1);
  EXPECT_EQ(choose(0, 0), MODELC_OK);
  EXPECT_EQ(choice.variant, 1u);
  unsetenv("MODELC_FORCE_CPU_FEATURES");
  builder.variants.pop_back();
  EXPECT_EQ(choose(0, 0), MODELC_FAILED_PRECONDITION);
  EXPECT_EQ(status.message,
            std::string("toy.mplan: does not run on this machine: gfx942 ") +
                reason + "; amx needs amx_int8");
  // Nobody misses the device of a variant behind the one in use.
  deviceVariant = 1;
  builder.variants[0].target = builder.variants[1].target;
  EXPECT_EQ(choose(0, 0), MODELC_OK);
  EXPECT_EQ(choice.variant, 0u);
  EXPECT_FALSE(choice.lacksDevice);
  EXPECT_STREQ(choice.passedOver, "");
}

// More text than a message holds is cut, not written past its end.
TEST_F(ChooseVariant, ManyVariants) {
  builder.variants[0].features = bit(MODELC_FEATURE_COUNT) - 1;
  builder.variants.resize(64, builder.variants[0]);
  EXPECT_EQ(choose(0, 0), MODELC_FAILED_PRECONDITION);
  EXPECT_EQ(strlen(status.message), sizeof(status.message) - 1);
}

TEST_F(Open, TellsTheFeaturesOfThisMachine) {
  const uint64_t usable = modelc::rt::detectCpuFeatures().usable;
  builder.variants[0].features = usable;
  EXPECT_EQ(openBytes(builder.build()), MODELC_OK) << status.message;
  const uint64_t missing = (bit(MODELC_FEATURE_COUNT) - 1) & ~usable;
  if (missing == 0)
    GTEST_SKIP() << "this machine has every feature";
  builder.variants[0].features = usable | missing;
  EXPECT_EQ(openBytes(builder.build()), MODELC_FAILED_PRECONDITION);
}

// What CPUID says against what Linux says of it.
TEST(CpuFeatures, AgreeWithLinux) {
  std::ifstream info("/proc/cpuinfo");
  std::set<std::string> flags;
  std::string line;
  while (std::getline(info, line))
    if (line.rfind("flags", 0) == 0) {
      std::istringstream words(line);
      for (std::string word; words >> word;)
        flags.insert(word);
      break;
    }
  if (flags.empty())
    GTEST_SKIP() << "/proc/cpuinfo has no flags";
  const uint64_t usable = modelc::rt::detectCpuFeatures().usable;
  // Those behind have the names of other things on x86-64.
  for (uint32_t i = 0; i < MODELC_FEATURE_ASIMDDP; ++i) {
    // Linux 6 has no name for amx_fp16 before 6.3, so it may lack it.
    if (i == MODELC_FEATURE_AMX_FP16)
      continue;
    EXPECT_EQ(usable >> i & 1, flags.count(modelc_cpu_feature_name(i)))
        << modelc_cpu_feature_name(i);
  }
}

TEST(CpuFeatures, AmxPermission) {
  const uint64_t amx = uint64_t(1) << MODELC_FEATURE_AMX_TILE;
  EXPECT_TRUE(modelc::rt::needsAmx(amx));
  EXPECT_FALSE(modelc::rt::needsAmx(amx - 1));
  if ((modelc::rt::detectCpuFeatures().usable & amx) == 0)
    GTEST_SKIP() << "this machine has no Intel AMX";
  EXPECT_EQ(modelc::rt::requestAmxPermission(), 0);
  EXPECT_EQ(modelc::rt::requestAmxPermission(), 0);
}

} // namespace
