//===- chat-template-test.cpp - The C API of chat.h
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "modelc/chat.h"
#include "runtime/text/TextApi.h"
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace modelc::text {
namespace {

class ChatTemplate : public testing::Test {
protected:
  void SetUp() override {
    metadata = test::makeSpmMetadata({"\xe2\x96\x81Hi"});
    ASSERT_EQ(createTokenizer(metadata, &tokenizer.implementation, &status),
              MODELC_OK)
        << status.message;
  }
  void TearDown() override { modelc_chat_template_destroy(chat); }

  bool parse(const std::string &source) {
    modelc_chat_template_destroy(chat);
    chat = nullptr;
    return modelc_chat_template_create(source.data(), source.size(), &tokenizer,
                                       &chat, &status) == MODELC_OK;
  }

  bool parseFile(const std::string &name) {
    std::ifstream file(MODELC_SOURCE_DIR "/test/text/jinja/templates/" + name);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_FALSE(text.str().empty()) << name;
    return parse(text.str());
  }

  /// The text, or "error: ...".
  std::string render(const std::vector<std::string> &contents,
                     const std::string &variables = "", bool prompt = true) {
    std::vector<modelc_chat_message> messages;
    for (size_t at = 0; at < contents.size(); ++at)
      messages.push_back({at % 2 ? "assistant" : "user", at % 2 ? 9u : 4u,
                          contents[at].data(), contents[at].size()});
    modelc_chat_options options = {};
    options.addGenerationPrompt = prompt;
    options.now = 1750000000;
    if (!variables.empty()) {
      options.variables = variables.data();
      options.variablesBytes = variables.size();
    }
    const char *text;
    size_t bytes;
    if (modelc_chat_render(chat, messages.data(), messages.size(), &options,
                           &text, &bytes, &status))
      return std::string("error: ") + status.message;
    return {text, bytes};
  }

  test::FakeMetadata metadata;
  modelc_tokenizer tokenizer;
  modelc_chat_template *chat = nullptr;
  modelc_status status;
};

TEST_F(ChatTemplate, SpellsConversations) {
  ASSERT_TRUE(parseFile("chatml.jinja")) << status.message;
  EXPECT_EQ(render({" Hello\n", "Hi", "?"}),
            "<|im_start|>system\nYou answer in few words.<|im_end|>\n"
            "<|im_start|>user\nHello<|im_end|>\n"
            "<|im_start|>assistant\nHi<|im_end|>\n"
            "<|im_start|>user\n?<|im_end|>\n"
            "<|im_start|>assistant\n");
  ASSERT_TRUE(parseFile("turns.jinja")) << status.message;
  EXPECT_EQ(render({"Hello"}), "<s><start_of_turn>user\nHello<end_of_turn>\n"
                               "<start_of_turn>model\n");
  ASSERT_TRUE(parseFile("bars.jinja")) << status.message;
  EXPECT_EQ(render({"a", "b"}, "", false),
            "<|user|>\na<|end|>\n\n<|assistant|>\nb<|end|>\n</s>");
  ASSERT_TRUE(parseFile("inst.jinja")) << status.message;
  EXPECT_EQ(render({"a", "b", "c"}, "", false),
            "<s>[INST] a [/INST] b</s>[INST] c [/INST]");
}

TEST_F(ChatTemplate, TakesVariables) {
  ASSERT_TRUE(parseFile("chatml-tools.jinja")) << status.message;
  EXPECT_EQ(render({"a"}, R"({"enable_thinking": false})"),
            "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n"
            "<think>\n\n</think>\n\n");
  EXPECT_EQ(render({"a"}, R"({"tools": [{"name": "f"}]})", false),
            "<|im_start|>system\n\n\n# Functions\nOne JSON object for each "
            "line:\n<tools>\n{\"name\": \"f\"}\n</tools><|im_end|>\n"
            "<|im_start|>user\na<|im_end|>\n");
  EXPECT_EQ(render({"a"}, "[1]"),
            "error: variables: found a list, expected an object");
  EXPECT_EQ(render({"a"}, "{"), "error: variables: expected a key at byte 1");
}

TEST_F(ChatTemplate, DropsEarlierThoughts) {
  ASSERT_TRUE(parseFile("chatml-tools.jinja")) << status.message;
  EXPECT_EQ(
      render({"a", "<think>\nwhy\n</think>\n\nb", "c"}),
      "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
      "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(ChatTemplate, SaysWhatIsWrong) {
  EXPECT_FALSE(parse("a\n{% nope %}"));
  EXPECT_EQ(status.code, MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "chat template: line 2: the tag 'nope' is not understood here");
  ASSERT_TRUE(parse("{{ raise_exception('only\nusers') }}"));
  EXPECT_EQ(render({"a"}),
            "error: chat template: line 1: the template refuses: only?users");
  ASSERT_TRUE(parse("{{ messages[0].content.x.y }}"));
  EXPECT_EQ(render({"a"}), "error: chat template: line 1: 'x' is undefined");
  EXPECT_FALSE(parse(std::string((1 << 20) + 1, 'a')));
}

TEST_F(ChatTemplate, KnowsTheTime) {
  ASSERT_TRUE(parse("{{ strftime_now('%Y') }}"));
  EXPECT_EQ(render({}), "2025");
}

// What was said is data: it is never read as a template.
TEST_F(ChatTemplate, MessagesAreNoTemplates) {
  ASSERT_TRUE(parse("{{ messages[0].content }}"));
  EXPECT_EQ(render({"{{ 1 + 1 }}{% if %}"}), "{{ 1 + 1 }}{% if %}");
}

} // namespace
} // namespace modelc::text
