//===- run-test.cpp - The command modelc-run on a fake runtime
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What goes to stdout, what to stderr, which steps are asked for, and how it
// ends.
//
//===----------------------------------------------------------------------===//

#include "FakeRuntime.h"
#include "tools/modelc-run/RunCommand.h"
#include "tools/modelc-run/StandardFiles.h"
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace modelc::tools {
namespace {

using text::test::makeBpeMetadata;
using text::test::makeSpmMetadata;

const std::string kSpace = "\xe2\x96\x81";

/// Ids of the vocabulary below.
enum : int32_t {
  kBos = 1,
  kEos = 2,
  kByte0 = 3,
  kOnce = 259,
  kUpon = 260,
  kA = 261,
  kTime = 262
};

/// A FILE in memory.
class Capture {
public:
  Capture() : file(open_memstream(&data, &bytes)) {}
  ~Capture() {
    std::fclose(file);
    std::free(data);
  }
  std::string text() {
    std::fflush(file);
    return {data, bytes};
  }

private:
  char *data = nullptr;
  size_t bytes = 0;

public:
  FILE *file;
};

class Run : public testing::Test {
protected:
  void SetUp() override {
    plan.metadata = makeSpmMetadata(
        {kSpace + "Once", kSpace + "upon", kSpace + "a", kSpace + "time"});
    plan.vocabSize = 263;
    char name[] = "/tmp/modelc-run-test-XXXXXX";
    directory = mkdtemp(name);
  }
  void TearDown() override {
    for (const std::string &name : files())
      unlink((directory + "/" + name).c_str());
    rmdir(directory.c_str());
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    DIR *stream = opendir(directory.c_str());
    while (dirent *entry = readdir(stream))
      if (entry->d_name[0] != '.')
        names.push_back(entry->d_name);
    closedir(stream);
    return names;
  }

  int run(std::vector<const char *> arguments, int input = 0) {
    arguments.insert(arguments.begin(), "fake.mplan");
    RunOptions options;
    std::string error;
    EXPECT_TRUE(parseRunOptions(arguments, &options, &error)) << error;
    return runCommand(&plan, options, out.file, messages.file, input);
  }

  modelc_plan plan;
  std::string directory;
  Capture out;
  Capture messages;
};

TEST_F(Run, PrintsPromptAndContinuation) {
  // "x" is space and x in bytes; BOS stands before them.
  plan.script = {0, 0, kOnce, kUpon, kA, kEos};
  EXPECT_EQ(run({"-p", "x", "-n", "20", "--temp=0"}), 0);
  EXPECT_EQ(out.text(), "x Once upon a\n");
  ASSERT_EQ(plan.steps.size(), 4u);
  EXPECT_EQ(plan.steps[0],
            (std::vector<int32_t>{kBos, kByte0 + ' ', kByte0 + 'x'}));
  EXPECT_EQ(plan.steps[3], (std::vector<int32_t>{kA}));
  std::string log = messages.text();
  EXPECT_NE(log.find("stopped: the model ended its text (6 of 32 tokens of "
                     "context used)\n"),
            log.npos)
      << log;
  EXPECT_NE(log.find("prefill: 3 tokens, "), log.npos) << log;
  // The first new token comes from the prompt's step.
  EXPECT_NE(log.find("decode:  3 tokens, "), log.npos) << log;
  EXPECT_EQ(log.find("seed"), log.npos) << log;
}

TEST_F(Run, StopsAfterNTokensWithoutAStepTooMany) {
  plan.script = {0, 0, kOnce, kUpon, kA};
  EXPECT_EQ(run({"-p", "x", "-n", "2", "--temp", "0"}), 0);
  EXPECT_EQ(out.text(), "x Once upon\n");
  EXPECT_EQ(plan.steps.size(), 2u);
  EXPECT_NE(messages.text().find("stopped: -n tokens are generated"),
            std::string::npos);
}

TEST_F(Run, PrintsThePromptAloneForZeroTokens) {
  EXPECT_EQ(run({"-p", "a </s>b", "-n", "0", "--temp", "0"}), 0);
  EXPECT_EQ(out.text(), "a </s>b\n");
}

TEST_F(Run, ReadsThePromptFromFilesAndStdin) {
  std::string path = directory + "/prompt";
  std::ofstream(path) << "x\n";
  EXPECT_EQ(run({"-f", path.c_str(), "-n", "0", "--temp", "0"}), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "y\n\n", 3), 3);
  close(ends[1]);
  EXPECT_EQ(run({"-p", "-", "-n", "0", "--temp", "0"}, ends[0]), 0);
  close(ends[0]);
  EXPECT_EQ(out.text(), "x\ny\n\n");
  EXPECT_EQ(run({"-f", "/none/x"}), 1);
  EXPECT_NE(messages.text().find("error: /none/x: No such file or directory\n"),
            std::string::npos);
}

// Of "x a a" the cache has "x a": one more token is computed.
TEST_F(Run, GoesOnFromThePromptCache) {
  plan.script = {0, 0, kA, kA, kA, kA};
  EXPECT_EQ(run({"-p", "x", "-n", "2", "--temp=0", "--prompt-cache", "c"}), 0);
  EXPECT_EQ(plan.saved["c"],
            (std::vector<int32_t>{kBos, kByte0 + ' ', kByte0 + 'x', kA}));
  plan.steps.clear();
  EXPECT_EQ(run({"-p", "x a a", "-n", "0", "--temp=0", "--prompt-cache=c"}), 0);
  EXPECT_EQ(plan.steps, (std::vector<std::vector<int32_t>>{{kA}}));
  EXPECT_NE(messages.text().find("reused:  4 tokens\n"), std::string::npos)
      << messages.text();
  // The same prompt once more: its last token's logits are wanted.
  plan.steps.clear();
  EXPECT_EQ(run({"-p", "x a a", "-n", "0", "--temp=0", "--prompt-cache=c"}), 0);
  EXPECT_EQ(plan.steps, (std::vector<std::vector<int32_t>>{{kA}}));
}

TEST_F(Run, PenalizesWhatThePromptSays) {
  // "a" is likeliest, but the prompt has said it.
  plan.script = std::vector<int32_t>(32, kA);
  EXPECT_EQ(run({"-p", "a", "-n", "1", "--temp=0"}), 0);
  EXPECT_EQ(run({"-p", "a", "-n", "1", "--temp=0", "--presence-penalty=100"}),
            0);
  EXPECT_EQ(run({"-p", "x", "-n", "1", "--temp=0", "--logit-bias=261-inf"}), 0);
  EXPECT_EQ(out.text(), "a a\na time\nx time\n");
  EXPECT_EQ(run({"-p", "x", "-n", "1", "--logit-bias=263+1"}), 1);
  EXPECT_NE(messages.text().find(
                "error: bias 0: token 263 is outside the vocabulary of 263\n"),
            std::string::npos);
}

TEST_F(Run, StopsBeforeATextOfStop) {
  plan.script = {0, 0, kOnce, kUpon, kA, kTime};
  EXPECT_EQ(run({"-p", "x", "--temp=0", "--stop", "no", "--stop", "pon a",
                 "--no-display-prompt"}),
            0);
  EXPECT_EQ(out.text(), " Once u\n");
  EXPECT_NE(messages.text().find("stopped: a text of --stop came"),
            std::string::npos);
}

TEST_F(Run, GivesWhatOnlyBeganAStop) {
  plan.script = {0, 0, kOnce, kUpon, kEos};
  EXPECT_EQ(run({"-p", "x", "--temp=0", "--stop", "upon us"}), 0);
  EXPECT_EQ(out.text(), "x Once upon\n");
}

TEST_F(Run, IgnoresTheEnd) {
  plan.script = {0, 0, kOnce, kEos};
  EXPECT_EQ(run({"-p", "x", "-n", "2", "--temp=0", "--ignore-eos"}), 0);
  EXPECT_NE(messages.text().find("stopped: -n tokens are generated"),
            std::string::npos);
}

TEST_F(Run, CtrlCEndsTheText) {
  plan.script = {0, 0, kOnce, kUpon, kA, kTime};
  plan.interruptedStep = 2;
  EXPECT_EQ(run({"-p", "x", "--temp=0"}), 130);
  EXPECT_EQ(out.text(), "x Once\n");
  EXPECT_NE(messages.text().find("stopped: Ctrl-C"), std::string::npos);
}

TEST_F(Run, FollowsAGrammar) {
  // The model would say "Once upon a time".
  plan.script = {0, 0, kOnce, kUpon, kA, kTime};
  EXPECT_EQ(run({"-p", "x", "-n", "20", "--temp=0", "--grammar",
                 "root ::= \" upon a\""}),
            0);
  EXPECT_EQ(out.text(), "x upon a\n");
  EXPECT_NE(messages.text().find("stopped: the model ended its text"),
            std::string::npos);
}

TEST_F(Run, FollowsASchemaFromAFile) {
  std::string path = directory + "/schema";
  std::ofstream(path) << R"({"type": "array", "maxItems": 0})";
  EXPECT_EQ(run({"-p", "x", "-n", "20", "--temp=0", "-jf", path.c_str()}), 0);
  // Bytes with equal logits: the lowest id, which is a line end.
  std::string text = out.text();
  EXPECT_TRUE(text.starts_with("x[") && text.ends_with("]\n")) << text;
}

TEST_F(Run, SaysWhatIsWrongWithTheGrammar) {
  EXPECT_EQ(run({"-p", "x", "--temp=0", "--grammar", "root ::= a"}), 1);
  EXPECT_EQ(messages.text(),
            "error: --grammar: line 1: there is no rule 'a'\n");
  EXPECT_EQ(run({"-p", "x", "--temp=0", "-j", "{\"not\": {}}"}), 1);
  EXPECT_NE(messages.text().find("error: --json-schema: #: the keyword 'not' "
                                 "is not supported\n"),
            std::string::npos);
  EXPECT_EQ(run({"-p", "x", "--temp=0", "--grammar-file", "/no/such"}), 1);
  EXPECT_NE(messages.text().find("error: /no/such: No such file"),
            std::string::npos);
}

TEST_F(Run, StopsWhereTheContextIsFull) {
  plan.script = std::vector<int32_t>(32, kA);
  EXPECT_EQ(run({"-p", "x", "--temp", "0", "-c", "5"}), 0);
  EXPECT_EQ(plan.sessionContext, 5u);
  EXPECT_EQ(out.text(), "x a a a\n");
  EXPECT_NE(messages.text().find(
                "stopped: the context is full (5 of 5 tokens of context used)"),
            std::string::npos);
}

// BOS stays, and of the others the later half, at new places.
TEST_F(Run, ShiftsAFullContext) {
  using Steps = std::vector<std::vector<int32_t>>;
  for (bool cannotRollBack : {false, true}) {
    SCOPED_TRACE(cannotRollBack);
    plan.cannotRollBack = cannotRollBack;
    plan.steps.clear();
    plan.script = {kOnce, kUpon, kA, kTime, kOnce, kUpon};
    EXPECT_EQ(
        run({"-p", "", "--temp", "0", "-c", "5", "-n", "9", "--context-shift"}),
        0);
    // What follows position 4 is Once, 3 Time.
    Steps expected = {{kBos},         {kOnce},     {kUpon}, {kA},
                      {kTime},        {kA, kTime}, {kOnce}, {kTime},
                      {kOnce, kTime}, {kOnce},     {kTime}};
    if (cannotRollBack)
      for (Steps::value_type *again : {&expected[5], &expected[8]})
        again->insert(again->begin(), kBos);
    EXPECT_EQ(plan.steps, expected);
  }
  EXPECT_NE(messages.text().find("stopped: -n tokens are generated (5 of 5 "
                                 "tokens of context used)\nshifts:  2\n"),
            std::string::npos)
      << messages.text();
}

TEST_F(Run, ShiftsBehindTheTokensToKeep) {
  plan.script = std::vector<int32_t>(32, kA);
  EXPECT_EQ(run({"-p", "x", "--temp", "0", "-c", "5", "-n", "9",
                 "--context-shift", "--keep=-1"}),
            0);
  EXPECT_NE(messages.text().find("stopped: -n"), std::string::npos);
  // There is nothing to forget.
  EXPECT_EQ(run({"-p", "xyz", "--temp", "0", "-c", "5", "-n", "9",
                 "--context-shift", "--keep=-1"}),
            0);
  EXPECT_NE(messages.text().find("stopped: the context is full"),
            std::string::npos);
}

TEST_F(Run, RefusesAPromptThatIsTooLong) {
  EXPECT_EQ(run({"-p", "xyz", "-c", "4", "--temp=0"}), 1);
  EXPECT_EQ(messages.text(), "error: the prompt has 5 tokens, the context 4\n");
  EXPECT_EQ(out.text(), "");
}

TEST_F(Run, RefusesAPromptWithoutTokens) {
  plan.metadata.setBool("tokenizer.ggml.add_bos_token", false);
  EXPECT_EQ(run({"-p", "", "--temp=0"}), 1);
  EXPECT_EQ(messages.text(), "error: the prompt has no tokens, and the model "
                             "asks for none in front of it\n");
}

// The three bytes of a character come in three tokens, a fourth in vain.
TEST_F(Run, HoldsBackHalfCharacters) {
  plan.script = {
      0, 0, kByte0 + 0xe2, kByte0 + 0x82, kByte0 + 0xac, kByte0 + 0xe2, kEos};
  EXPECT_EQ(run({"-p", "x", "--temp", "0"}), 0);
  EXPECT_EQ(out.text(), "x\xe2\x82\xac\xe2\n");
}

TEST_F(Run, DrawsTheSameForASeed) {
  EXPECT_EQ(run({"-p", "x", "-n", "12", "--seed=5", "--temp=9"}), 0);
  std::string first = out.text();
  plan.steps.clear();
  EXPECT_EQ(run({"-p", "x", "-n", "12", "--seed", "5", "--temp", "9"}), 0);
  EXPECT_EQ(out.text(), first + first);
  EXPECT_EQ(messages.text().find("seed: 5\n"), 0u);
}

TEST_F(Run, PicksASeedAndPrintsIt) {
  EXPECT_EQ(run({"-p", "x", "-n", "1"}), 0);
  EXPECT_EQ(messages.text().rfind("seed: ", 0), 0u) << messages.text();
}

TEST_F(Run, SaysWhatFailedInTheMiddle) {
  plan.script = std::vector<int32_t>(32, kA);
  plan.failingStep = 3;
  EXPECT_EQ(run({"-p", "x", "--temp", "0"}), 1);
  EXPECT_EQ(out.text(), "x a a\n");
  EXPECT_EQ(messages.text(), "error: fake.mplan: the step fails\n");
}

TEST_F(Run, SaysThatStdoutIsClosed) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[0]);
  FILE *closed = fdopen(ends[1], "w");
  RunOptions options;
  std::string error;
  const char *arguments[] = {"fake.mplan", "-p", "x", "--temp=0"};
  ASSERT_TRUE(parseRunOptions(arguments, &options, &error));
  EXPECT_EQ(runCommand(&plan, options, closed, messages.file), 1);
  std::fclose(closed);
  EXPECT_EQ(messages.text(), "error: stdout: Broken pipe\n");
  EXPECT_TRUE(plan.steps.empty());
}

// A plan or a logits file must not become stdout.
TEST(StandardFiles, ClosedNumbersAreNotUsedForOtherFiles) {
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int number = 0; number <= 2; ++number)
      close(number);
    prepareStandardFiles();
    bool isRefused = write(1, "x", 1) < 0 && write(2, "x", 1) < 0;
    char byte;
    bool isEmpty = read(0, &byte, 1) == 0;
    _exit(isRefused && isEmpty && open("/dev/null", O_RDWR) > 2 ? 0 : 1);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(Run, NamesTheFileInErrorsOfTheTokenizer) {
  plan.metadata.setString("tokenizer.ggml.model", "bert");
  for (const char *option : {"-p", "--tokenize"}) {
    EXPECT_EQ(run({option, "x"}), 1);
  }
  const std::string line = "error: fake.mplan: tokenizer.ggml.model: found "
                           "\"bert\", expected \"llama\" or \"gpt2\"\n";
  EXPECT_EQ(messages.text(), line + line);
}

TEST_F(Run, PrintsTheIdsOfBytePairs) {
  plan.metadata = makeBpeMetadata({"a b"});
  plan.vocabSize = 257;
  EXPECT_EQ(run({"--tokenize", "xab"}), 0);
  EXPECT_EQ(out.text(), "120,256\n");
}

TEST_F(Run, PrintsTheIdsOfAText) {
  EXPECT_EQ(run({"--tokenize", "x"}), 0);
  EXPECT_EQ(out.text(), "1,35,123\n");
  EXPECT_EQ(messages.text(), "");
}

TEST_F(Run, WritesTheLogitsOfAllTokens) {
  std::string path = directory + "/out.f32";
  std::string argument = "--logits-out=" + path;
  plan.script = {5, 6, 7, 8, 9};
  EXPECT_EQ(
      run({"--tokens=1,2,3,4,5", argument.c_str(), "--batch=2", "-t", "3"}), 0)
      << messages.text();
  EXPECT_EQ(plan.sessionThreads, 3u);
  EXPECT_EQ(plan.sessionContext, 5u);
  EXPECT_EQ(plan.steps,
            (std::vector<std::vector<int32_t>>{{1, 2}, {3, 4}, {5}}));
  std::ifstream file(path, std::ios::binary);
  std::vector<float> logits(5 * 263 + 1);
  file.read(reinterpret_cast<char *>(logits.data()), logits.size() * 4);
  ASSERT_EQ(file.gcount(), 5 * 263 * 4);
  for (int token = 0; token < 5; ++token) {
    EXPECT_EQ(logits[token * 263 + 5 + token], 8.0f);
    EXPECT_EQ(logits[token * 263 + 262], 262.0f / 263.0f);
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"out.f32"}));
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  mode_t mask = umask(0);
  umask(mask);
  EXPECT_EQ(status.st_mode & 0777, 0666 & ~mask);
}

// More than ubatch tokens of one call may not want logits.
TEST_F(Run, SplitsAtTheUbatch) {
  for (const char *batch : {"--batch=8", "--batch=100"}) {
    plan.steps.clear();
    EXPECT_EQ(
        run({"--tokens=1,2,3,4,5,6,7,8,9", "--logits-out=/dev/null", batch}), 0)
        << messages.text();
    ASSERT_EQ(plan.steps.size(), 2u);
    EXPECT_EQ(plan.steps[0].size(), 8u);
  }
  struct stat status;
  ASSERT_EQ(stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(Run, LeavesNoFileAfterAFailure) {
  std::string argument = "--logits-out=" + directory + "/out.f32";
  plan.failingStep = 2;
  EXPECT_EQ(run({"--tokens=1,2,3", argument.c_str(), "--batch=1"}), 1);
  EXPECT_EQ(messages.text(), "error: fake.mplan: the step fails\n");
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(Run, SaysWhyTheLogitsCannotBeWritten) {
  std::string argument = "--logits-out=" + directory + "/none/out.f32";
  EXPECT_EQ(run({"--tokens=1", argument.c_str()}), 1);
  EXPECT_EQ(messages.text(), "error: " + directory +
                                 "/none/out.f32: No such file or directory\n");
  EXPECT_EQ(run({"--tokens=1", "--logits-out=/dev/full"}), 1);
  EXPECT_NE(messages.text().find("/dev/full: No space left on device"),
            std::string::npos);
}

TEST_F(Run, RefusesForeignTokens) {
  std::string argument = "--logits-out=" + directory + "/out.f32";
  EXPECT_EQ(run({"--tokens=1,263", argument.c_str()}), 1);
  EXPECT_EQ(messages.text(),
            "error: --tokens: token 1 is 263, the vocabulary has 263\n");
  EXPECT_EQ(files(), std::vector<std::string>{});
}

// A line of its own, whatever is done then.
TEST_F(Run, WarningsComeFirst) {
  plan.warning = "x.mplan: falls back to a: b needs c";
  Capture out, messages;
  RunOptions options;
  options.file = "x.mplan";
  options.mode = RunOptions::Mode::tokenize;
  options.text = "Once";
  EXPECT_EQ(runCommand(&plan, options, out.file, messages.file), 0);
  EXPECT_EQ(messages.text(), "warning: x.mplan: falls back to a: b needs c\n");
}

} // namespace
} // namespace modelc::tools
