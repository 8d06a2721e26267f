//===- chat-test.cpp - Conversations of modelc-run on a fake runtime
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is said comes through a pipe; which tokens are computed, what is
// printed, and how it ends.
//
//===----------------------------------------------------------------------===//

#include "FakeRuntime.h"
#include "tools/modelc-run/InputText.h"
#include "tools/modelc-run/Interrupt.h"
#include "tools/modelc-run/RunCommand.h"
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace modelc::tools {
namespace {

using Steps = std::vector<std::vector<int32_t>>;

const std::string kSpace = "\xe2\x96\x81";

/// Ids of the vocabulary below.
enum : int32_t { kBos = 1, kEos = 2, kByte0 = 3, kOnce = 259, kUser, kModel };

/// A FILE in memory.
struct Capture {
  Capture() : file(open_memstream(&data, &bytes)) {}
  ~Capture() {
    std::fclose(file);
    std::free(data);
  }
  std::string text() {
    std::fflush(file);
    return {data, bytes};
  }
  char *data = nullptr;
  size_t bytes = 0;
  FILE *file;
};

class Chat : public testing::Test {
protected:
  void SetUp() override {
    plan.metadata =
        text::test::makeSpmMetadata({kSpace + "Once", "<u>", "<m>"});
    std::vector<int32_t> types(262, 1);
    types[0] = 2;
    types[1] = types[2] = types[260] = types[261] = 3;
    for (int id = 3; id < 259; ++id)
      types[id] = 6;
    plan.metadata.setInts("tokenizer.ggml.token_type", types);
    plan.metadata.setBool("tokenizer.ggml.add_space_prefix", false);
    plan.metadata.setString(
        "tokenizer.chat_template",
        "{{ bos_token }}{% for m in messages %}{{ '<m>' if m.role == "
        "'assistant' else '<u>' }}{{ m.role[0] if m.role == 'system' }}{{ "
        "m.content | trim }}{% endfor %}{% if add_generation_prompt %}<m>{% "
        "endif %}");
    plan.vocabSize = 262;
    plan.contextLength = 64;
    plan.script = std::vector<int32_t>(64, kEos);
  }

  int chat(const std::string &said, std::vector<const char *> arguments = {}) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], said.data(), said.size()),
              static_cast<ssize_t>(said.size()));
    close(ends[1]);
    arguments.insert(arguments.begin(), {"fake.mplan", "--chat", "--temp=0"});
    RunOptions options;
    std::string error;
    EXPECT_TRUE(parseRunOptions(arguments, &options, &error)) << error;
    int status = runCommand(&plan, options, out.file, messages.file, ends[0]);
    close(ends[0]);
    return status;
  }

  modelc_plan plan;
  Capture out, messages;
};

// The second turn begins where the first one's tokens are the same: of the
// answer "Once" the conversation spells what was generated.
TEST_F(Chat, ComputesOnlyWhatIsNew) {
  // <s><u>a<m> is 0 .. 3, so the first answer comes after 3.
  plan.script[3] = kOnce;
  plan.script[4] = kEos;
  EXPECT_EQ(chat("a\nb\n"), 0) << messages.text();
  EXPECT_EQ(out.text(), " Once\n\n");
  // The template trims the answer, so its bytes are other tokens.
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0],
            (std::vector<int32_t>{kBos, kUser, kByte0 + 'a', kModel}));
  EXPECT_EQ(plan.steps[1], (std::vector<int32_t>{kOnce}));
  EXPECT_EQ(plan.steps[2],
            (std::vector<int32_t>{kByte0 + 'O', kByte0 + 'n', kByte0 + 'c',
                                  kByte0 + 'e', kUser, kByte0 + 'b', kModel}));
  EXPECT_NE(messages.text().find("reused:  4 tokens\nprefill: 11 tokens"),
            std::string::npos)
      << messages.text();
}

TEST_F(Chat, KeepsTheAnswerIfItIsSpelledTheSame) {
  plan.script[3] = kByte0 + 'x';
  EXPECT_EQ(chat("a\nb\n"), 0) << messages.text();
  EXPECT_EQ(out.text(), "x\n\n");
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[2], (std::vector<int32_t>{kUser, kByte0 + 'b', kModel}));
}

TEST_F(Chat, BeginsAnewWhereAStateCannotBeRolledBack) {
  plan.script[3] = kOnce;
  plan.cannotRollBack = true;
  EXPECT_EQ(chat("a\nb\n"), 0) << messages.text();
  ASSERT_GE(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[2][0], kBos);
}

TEST_F(Chat, SystemFirstMessageAndCommands) {
  EXPECT_EQ(chat("\nb\n/clear\nc\n/exit\nd\n", {"--system", "S", "-p", "a"}),
            0);
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_EQ(plan.steps[0],
            (std::vector<int32_t>{kBos, kUser, kByte0 + 's', kByte0 + 'S',
                                  kUser, kByte0 + 'a', kModel}));
  // After /clear: the system's message is still there.
  EXPECT_EQ(plan.steps[2], (std::vector<int32_t>{kByte0 + 'c', kModel}));
}

TEST_F(Chat, LinesGoOnAfterABackslash) {
  EXPECT_EQ(chat("a\\\nb"), 0);
  EXPECT_EQ(plan.steps[0],
            (std::vector<int32_t>{kBos, kUser, kByte0 + 'a', kByte0 + '\n',
                                  kByte0 + 'b', kModel}));
}

TEST_F(Chat, CtrlCStopsTheAnswerAndNotTheProgram) {
  for (int position = 0; position < 64; ++position)
    plan.script[position] = kByte0 + 'x';
  plan.interruptedStep = 3;
  EXPECT_EQ(chat("a\nb\n", {"-n", "5"}), 0) << messages.text();
  // Two tokens of the first answer were in steps; the second is whole.
  EXPECT_EQ(out.text(), "xx\nxxxxx\n");
  EXPECT_EQ(plan.steps[3], (std::vector<int32_t>{kUser, kByte0 + 'b', kModel}));
}

// Before anything is said, it is as if nothing had been asked.
TEST_F(Chat, CtrlCInThePromptTakesTheMessageBack) {
  plan.interruptedStep = 1;
  EXPECT_EQ(chat("a\nb\n"), 0);
  EXPECT_EQ(out.text(), "\n\n");
  EXPECT_EQ(plan.steps[1], (std::vector<int32_t>{kByte0 + 'b', kModel}));
}

TEST_F(Chat, StopsAtTheContextsEnd) {
  for (int position = 0; position < 64; ++position)
    plan.script[position] = kByte0 + 'x';
  EXPECT_EQ(chat("a\nbcdefgh\n", {"-c", "8"}), 1);
  EXPECT_EQ(out.text(), "xxxxx\n");
  EXPECT_NE(messages.text().find("the context of 8 tokens is full; /clear "
                                 "begins a new conversation\n"),
            std::string::npos)
      << messages.text();
  EXPECT_NE(messages.text().find("error: the conversation has 18 tokens, the "
                                 "context 8; /clear begins a new one\n"),
            std::string::npos)
      << messages.text();
}

TEST_F(Chat, GivesBosToTemplatesThatLeaveItOut) {
  plan.metadata.setString("tokenizer.chat_template",
                          "{{ messages[0].content }}");
  EXPECT_EQ(chat("a\n"), 0);
  EXPECT_EQ(plan.steps[0], (std::vector<int32_t>{kBos, kByte0 + 'a'}));
}

TEST_F(Chat, SaysWhatIsWrongWithTheTemplate) {
  plan.metadata.setString("tokenizer.chat_template", "{{ x.y }}");
  EXPECT_EQ(chat("a\n"), 1);
  EXPECT_EQ(messages.text(),
            "error: fake.mplan: chat template: line 1: 'x' is undefined\n");
  plan.metadata.erase("tokenizer.chat_template");
  EXPECT_EQ(chat("a\n"), 1);
  EXPECT_NE(
      messages.text().find("error: fake.mplan: the model has no chat template "
                           "(tokenizer.chat_template): give one with "
                           "--chat-template-file\n"),
      std::string::npos)
      << messages.text();
  EXPECT_EQ(chat("a\n", {"--chat-template-file", "/none"}), 1);
  EXPECT_NE(messages.text().find("error: /none: No such file or directory\n"),
            std::string::npos);
}

TEST_F(Chat, TakesVariablesOfTheTemplate) {
  plan.metadata.setString("tokenizer.chat_template", "{{ bos_token }}{{ v }}");
  EXPECT_EQ(chat("a\n", {"--chat-template-kwargs", R"({"v": "q"})"}), 0);
  EXPECT_EQ(plan.steps[0], (std::vector<int32_t>{kBos, kByte0 + 'q'}));
  EXPECT_EQ(chat("a\n", {"--chat-template-kwargs", "x"}), 1);
  EXPECT_NE(messages.text().find(
                "error: fake.mplan: variables: expected a value at byte 0\n"),
            std::string::npos);
}

// The cache holds what the session holds: a second program goes on there.
TEST_F(Chat, GoesOnFromThePromptCache) {
  EXPECT_EQ(chat("a\n", {"--prompt-cache", "cache"}), 0) << messages.text();
  EXPECT_EQ(plan.saved["cache"],
            (std::vector<int32_t>{kBos, kUser, kByte0 + 'a', kModel}));
  plan.steps.clear();
  EXPECT_EQ(chat("ab\n", {"--prompt-cache", "cache"}), 0);
  EXPECT_EQ(plan.steps, (Steps{{kByte0 + 'b', kModel}}));
  EXPECT_EQ(chat("a\n", {"--prompt-cache", "foreign"}), 1);
  EXPECT_NE(
      messages.text().find("error: --prompt-cache: foreign: another plan\n"),
      std::string::npos);
  EXPECT_EQ(chat("a\n", {"--prompt-cache", "/none"}), 1);
  EXPECT_NE(messages.text().find("error: --prompt-cache: saved: cannot save\n"),
            std::string::npos);
}

TEST(LineReader, LinesWhateverTheEnds) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string text = "a\n\nlast";
  ASSERT_EQ(write(ends[1], text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  close(ends[1]);
  LineReader reader(ends[0]);
  std::string line;
  for (const char *expected : {"a", "", "last"}) {
    ASSERT_EQ(reader.read(&line), LineReader::Result::line);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(reader.read(&line), LineReader::Result::end);
  close(ends[0]);
  EXPECT_EQ(reader.read(&line), LineReader::Result::end);
}

TEST(LineReader, CtrlCEndsReading) {
  Interrupt interrupt;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  LineReader reader(ends[0]);
  std::raise(SIGINT);
  std::string line;
  EXPECT_EQ(reader.read(&line), LineReader::Result::interrupted);
  Interrupt::clear();
  close(ends[1]);
  EXPECT_EQ(reader.read(&line), LineReader::Result::end);
  close(ends[0]);
}

} // namespace
} // namespace modelc::tools
