//===- grammar-test.cpp - Grammars, what they match, what they allow
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts that match and texts that do not; masks against the plain way, which
// tries every token by itself.
//
//===----------------------------------------------------------------------===//

#include "FakeMetadata.h"
#include "GrammarTesting.h"
#include "runtime/text/Random.h"
#include "runtime/text/TextApi.h"
#include "runtime/text/grammar/Constraint.h"
#include "runtime/text/grammar/Utf8Ranges.h"
#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>

namespace modelc::grammar::test {
namespace {

using text::test::FakeMetadata;
using text::test::makeBpeMetadata;
using text::test::makeSpmMetadata;

TEST(Grammar, Matches) {
  const struct {
    const char *grammar;
    std::vector<const char *> good, bad;
  } cases[] = {
      {"root ::= \"ab\"", {"ab"}, {"", "a", "abc", "AB"}},
      {"root ::= a | b\na ::= \"x\"\nb ::= \"y\"", {"x", "y"}, {"xy", ""}},
      {"root ::= a\n  | b\na ::= \"x\"\nb ::= \"y\" |\n \"z\"",
       {"x", "y", "z"},
       {"xy"}},
      {"root ::= \"a\"? \"b\"* \"c\"+", {"c", "ac", "abbcc"}, {"", "ab"}},
      {"root ::= [0-9]{2}", {"12"}, {"1", "123"}},
      {"root ::= [0-9]{2,}", {"12", "12345"}, {"1"}},
      {"root ::= [0-9]{ 1 , 3 }", {"1", "123"}, {"", "1234"}},
      {"root ::= \"a\"{0}", {""}, {"a"}},
      {"root ::= (\"a\" | \"b\" # one\n  \"c\")+ # end\n",
       {"a", "bc", "abca"},
       {"b", "ac"}},
      {"root ::= [^a-c\\n]",
       {"d", "\xc3\xa9", "\xf0\x9f\x98\x80"},
       {"a", "\n"}},
      {"root ::= [a\\-z]", {"a", "-", "z"}, {"b"}},
      {"root ::= [a-]", {"a", "-"}, {"b"}},
      {"root ::= [\\x41\\u00e9\\U0001F600]",
       {"A", "\xc3\xa9", "\xf0\x9f\x98\x80"},
       {"B"}},
      {"root ::= \"\\\"\\\\\\t\\n\"", {"\"\\\t\n"}, {"\""}},
      {"root ::= .", {"a", "\n", "\xe6\xbc\xa2"}, {"", "\xff", "\xed\xa0\x80"}},
      {"root ::= \"\xe6\xbc\xa2\"+",
       {"\xe6\xbc\xa2\xe6\xbc\xa2"},
       {"\xe6\xbc"}},
      // The language of brackets needs a stack.
      {"root ::= \"\" | \"[\" root \"]\" root",
       {"", "[]", "[[][]][]"},
       {"[", "]", "[[]"}},
      // Empty repetitions of what is empty end.
      {"root ::= ((\"a\"*)*)+ (\"\"){3}", {"", "aaa"}, {"b"}},
      // Two readings.
      {"root ::= (\"a\" | \"aa\")* \"b\"", {"b", "aaab"}, {"a"}},
      {"a-b_c ::= \"x\"\r\nroot ::= a-b_c\r\n", {"x"}, {"y"}},
  };
  for (const auto &[grammar, good, bad] : cases) {
    for (const char *text : good)
      EXPECT_TRUE(matches(grammar, text)) << grammar << "\n" << text;
    for (const char *text : bad)
      EXPECT_FALSE(matches(grammar, text)) << grammar << "\n" << text;
  }
}

TEST(Grammar, SaysWhatIsWrong) {
  const struct {
    std::string grammar, error;
  } cases[] = {
      {"", "line 1: there is no rule 'root'"},
      {"a ::= \"x\"", "line 1: there is no rule 'root'"},
      {"root ::= \"x\"\n\n  ::= a", "line 3: expected the name of a rule"},
      {"root = \"x\"", "line 1: expected '::=' after 'root'"},
      {"root ::= a\n", "line 1: there is no rule 'a'"},
      {"root ::= \"x\"\nroot ::= \"y\"",
       "line 2: the rule 'root' is there twice"},
      {"root ::= \"x", "line 1: a text or a class without end"},
      {"root ::= [x", "line 1: a text or a class without end"},
      {"root ::= (\"x\"", "line 1: expected ')'"},
      {"root ::= \"x\")", "line 1: unexpected ')' in the rule 'root'"},
      {"root ::= \"\\q\"", "line 1: an unknown escape"},
      {"root ::= \"\\x4\"",
       "line 1: expected 2 hexadecimal digits after '\\x'"},
      {"root ::= \"\\ud800\"", "line 1: an escape that is no character"},
      {"root ::= \"\xff\"", "line 1: the grammar is not UTF-8"},
      {"root ::= [z-a]", "line 1: a range of a class ends before it begins"},
      {"root ::= []", "line 1: a class that no character is in"},
      {"root ::= *", "line 1: there is nothing that '*' could repeat"},
      {"root ::= \"x\"{", "line 1: expected a number in {}"},
      {"root ::= \"x\"{2,1}", "line 1: {m,n} with m above n"},
      {"root ::= \"x\"{9999999999}", "line 1: more than 100000 repetitions"},
      {"root ::= <think>", "line 1: tokens (<...>) are not understood here"},
      {"root ::= a\na ::= b\nb ::= \"x\"? a \"y\" | \"z\"",
       "line 1: the rule 'a' is left-recursive: it calls itself before it has "
       "read anything"},
      {"root ::= \"x\" root", "the rule 'root' can never end"},
      {"root ::= ((\"x\"{1000}){1000}){1000}",
       "the grammar is too large: its repetitions make more than 262144 "
       "parts"},
      {"root ::= ((\"\"{1000}){1000}){1000}",
       "the grammar is too large: its repetitions make more than 262144 "
       "parts"},
      {"root ::= " + std::string(1000, '(') + "\"x\"",
       "line 1: groups are nested deeper than 200"},
      {"root ::= \"x\"?????????",
       "line 1: more than 8 repetitions of each other"},
  };
  for (const auto &[grammar, error] : cases)
    EXPECT_EQ(errorOf(grammar), error) << grammar.substr(0, 100);
}

// Every code point is in exactly the sequences of the ranges that it is in.
TEST(Grammar, SplitsCodePointsIntoBytes) {
  std::vector<ByteSequence> sequences;
  splitUtf8(0x41, 0xff, &sequences);
  EXPECT_EQ(sequences, (std::vector<ByteSequence>{
                           {{0x41, 0x7f}}, {{0xc2, 0xc3}, {0x80, 0xbf}}}));
  text::Random random(1);
  for (int round = 0; round < 200; ++round) {
    uint32_t first = random.next() % 0x11000 * (round % 2 ? 16 : 1);
    uint32_t last = first + random.next() % 0x3000;
    if (last > 0x10ffff || (first <= 0xdfff && last >= 0xd800))
      continue;
    char grammar[64];
    std::snprintf(grammar, sizeof(grammar), "root ::= [\\U%08X-\\U%08X]", first,
                  last);
    GrammarMatcher matcher = matcherOf(grammar);
    uint32_t step = std::max<uint32_t>(1, (last - first) / 64);
    for (uint32_t point = first - std::min(first, 2 * step);
         point <= std::min(last + 2 * step, 0x10ffffu); point += step) {
      bool isSurrogate = point >= 0xd800 && point <= 0xdfff;
      EXPECT_EQ(matches(matcher, utf8(point)),
                point >= first && point <= last && !isSurrogate)
          << grammar << " " << point;
    }
  }
}

// A list that is written by recursion at its end needs no growing stack, so
// its states come back.
TEST(Grammar, TailCallsLeaveNoTrace) {
  GrammarMatcher matcher =
      matcherOf("root ::= \"a\" root | \"b\" more\nmore ::= \"b\" more | \"\"");
  GrammarMatcher::State state = matcher.start();
  for (int at = 0; at < 1000; ++at)
    state = matcher.step(state, at < 500 ? 'a' : 'b');
  EXPECT_TRUE(matcher.isAccepting(state));
  EXPECT_LT(matcher.size(), 20u);
}

// Found by the fuzzer: each copy of a class was made anew.
TEST(Grammar, CopiesOfALargeClassAreCheap) {
  std::string grammar = "root ::= ([";
  for (int at = 0; at < 20000; ++at)
    grammar += utf8(0x1000 + 2 * at);
  GrammarProgram program = programOf(grammar + "]{1000}){100}");
  EXPECT_LT(program.nodes.size(), 250000u);
}

TEST(Grammar, TooManyReadingsAreAnError) {
  std::string grammar = "root ::= a";
  for (int at = 0; at < 20000; ++at)
    grammar += " a";
  grammar += "\na ::= \"x\"?";
  GrammarMatcher matcher = matcherOf(grammar);
  EXPECT_EQ(matcher.start(), GrammarMatcher::kTooMany);
}

/// A tokenizer that a grammar can borrow.
std::unique_ptr<text::Tokenizer> tokenizerOf(const FakeMetadata &metadata) {
  std::unique_ptr<text::Tokenizer> tokenizer;
  modelc_status status;
  EXPECT_EQ(createTokenizer(metadata, &tokenizer, &status), MODELC_OK)
      << status.message;
  return tokenizer;
}

Constraint constraintOf(const text::Tokenizer &tokenizer,
                        const std::string &grammar) {
  return Constraint(tokenizer, programOf(grammar));
}

std::vector<int32_t> allowed(Constraint &constraint, size_t vocabSize) {
  const uint64_t *mask;
  modelc_status status;
  std::vector<int32_t> ids;
  modelc_code code = constraint.mask(&mask, &status);
  EXPECT_EQ(code, MODELC_OK) << status.message;
  for (size_t id = 0; code == MODELC_OK && id < vocabSize; ++id)
    if (mask[id / 64] >> (id % 64) & 1)
      ids.push_back(static_cast<int32_t>(id));
  return ids;
}

// Ids 0 <unk>, 1 <s>, 2 </s>, 3.. bytes, 259.. the pieces.
TEST(Constraint, AllowsTokensAndTheEnd) {
  FakeMetadata metadata = makeSpmMetadata({"a", "ab", "abc", "b",
                                           "\xe2\x96\x81"
                                           "a",
                                           "ac"});
  std::unique_ptr<text::Tokenizer> tokenizer = tokenizerOf(metadata);
  Constraint constraint = constraintOf(*tokenizer, "root ::= \"ab\" \"c\"?");
  EXPECT_EQ(allowed(constraint, 265),
            (std::vector<int32_t>{3 + 'a', 259, 260, 261}));
  EXPECT_FALSE(constraint.isComplete());
  modelc_status status;
  EXPECT_EQ(constraint.accept(2, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message, "token 2 may not come here by the grammar");
  EXPECT_EQ(constraint.accept(262, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(constraint.accept(-1, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(constraint.accept(1, &status), MODELC_INVALID_ARGUMENT);
  EXPECT_EQ(constraint.accept(259, &status), MODELC_OK);
  EXPECT_EQ(allowed(constraint, 265), (std::vector<int32_t>{3 + 'b', 262}));
  EXPECT_EQ(constraint.accept(262, &status), MODELC_OK);
  EXPECT_TRUE(constraint.isComplete());
  EXPECT_EQ(allowed(constraint, 265), (std::vector<int32_t>{2, 3 + 'c'}));
  EXPECT_EQ(constraint.accept(2, &status), MODELC_OK);
  const uint64_t *mask;
  EXPECT_EQ(constraint.mask(&mask, &status), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message, "the text has ended");
  constraint.reset();
  EXPECT_EQ(allowed(constraint, 265).size(), 4u);
}

TEST(Constraint, SaysThatTheVocabularyCannotGoOn) {
  FakeMetadata metadata = makeBpeMetadata({});
  metadata.setStrings("tokenizer.ggml.tokens", {"a", "b"});
  metadata.erase("tokenizer.ggml.token_type");
  std::unique_ptr<text::Tokenizer> tokenizer = tokenizerOf(metadata);
  Constraint constraint = constraintOf(*tokenizer, "root ::= \"xyz\"");
  const uint64_t *mask;
  modelc_status status;
  EXPECT_EQ(constraint.mask(&mask, &status), MODELC_FAILED_PRECONDITION);
  EXPECT_STREQ(status.message,
               "the vocabulary has no token that can go on with the grammar");
}

// Random walks: each mask is what accept() says of every token.
TEST(Constraint, MasksAreWhatTokensSay) {
  FakeMetadata metadata =
      makeBpeMetadata({"a b", "ab a", "\xc3\x83 \xc2\xa9", "\xc3\x83\xc2\xa9 a",
                       "\" :", "1 2", "{ \"", "\" }"});
  metadata.setU32("tokenizer.ggml.eos_token_id", 0);
  std::unique_ptr<text::Tokenizer> tokenizer = tokenizerOf(metadata);
  size_t vocabSize = tokenizer->vocabulary().texts.size();
  const char *grammars[] = {
      "root ::= [ab]* \"\xc3\xa9\" .{2,3}",
      R"(root ::= "{" (key ":" root ("," key ":" root)*)? "}" | [0-9]+
         key ::= "\"" [^"]{1,3} "\"")",
      "root ::= (\"ab\" | \"a\" | \"ba\" | \"b\")* \"1\"",
  };
  text::Random random(7);
  for (const char *grammar : grammars) {
    Constraint constraint = constraintOf(*tokenizer, grammar);
    std::vector<int32_t> path;
    for (int step = 0; step < 24; ++step) {
      std::vector<int32_t> ids = allowed(constraint, vocabSize);
      ASSERT_FALSE(ids.empty());
      std::vector<int32_t> expected;
      for (size_t id = 0; id < vocabSize; ++id) {
        Constraint again = constraintOf(*tokenizer, grammar);
        for (int32_t before : path)
          ASSERT_EQ(again.accept(before, nullptr), MODELC_OK);
        if (again.accept(static_cast<int32_t>(id), nullptr) == MODELC_OK)
          expected.push_back(static_cast<int32_t>(id));
      }
      ASSERT_EQ(ids, expected) << grammar << " step " << step;
      int32_t id = ids[random.next() % ids.size()];
      if (id == 0 || path.size() > 7) {
        constraint.reset();
        path.clear();
        continue;
      }
      ASSERT_EQ(constraint.accept(id, nullptr), MODELC_OK);
      path.push_back(id);
    }
  }
}

// Where each text of a's and b's is a state of its own, a walk over many of
// them ends with an error.
TEST(Constraint, EndsAWalkThatMakesTooManyStates) {
  text::Random random(3);
  std::vector<std::string> pieces(6000);
  for (std::string &piece : pieces)
    for (int at = 0; at < 100; ++at)
      piece += random.next() % 2 ? 'a' : 'b';
  FakeMetadata metadata = makeSpmMetadata(pieces);
  std::unique_ptr<text::Tokenizer> tokenizer = tokenizerOf(metadata);
  Constraint constraint =
      constraintOf(*tokenizer, "root ::= [ab]* \"a\" [ab]{100}");
  const uint64_t *mask;
  modelc_status status;
  EXPECT_EQ(constraint.mask(&mask, &status), MODELC_RESOURCE_EXHAUSTED);
  EXPECT_STREQ(status.message,
               "the grammar is too ambiguous: the text so far can be read in "
               "too many ways");
  // A token is still told by itself.
  EXPECT_EQ(constraint.accept(3 + 'a', &status), MODELC_OK) << status.message;
  EXPECT_EQ(constraint.accept(3 + 'c', &status), MODELC_INVALID_ARGUMENT);
}

// A character may be spread over tokens; what cannot become one is refused.
TEST(Constraint, CharactersMayBeSpreadOverTokens) {
  FakeMetadata metadata = makeBpeMetadata({});
  std::unique_ptr<text::Tokenizer> tokenizer = tokenizerOf(metadata);
  // Byte-level tokens are bytes; their ids are the bytes.
  Constraint constraint =
      constraintOf(*tokenizer, "root ::= [\xe3\x81\x81-\xe3\x82\x9f]");
  EXPECT_EQ(allowed(constraint, 256), (std::vector<int32_t>{0xe3}));
  ASSERT_EQ(constraint.accept(0xe3, nullptr), MODELC_OK);
  EXPECT_EQ(allowed(constraint, 256), (std::vector<int32_t>{0x81, 0x82}));
  ASSERT_EQ(constraint.accept(0x82, nullptr), MODELC_OK);
  EXPECT_EQ(allowed(constraint, 256).back(), 0x9f);
  EXPECT_EQ(allowed(constraint, 256).size(), 32u);
}

// A grammar whose stacks grow without end: what was built is forgotten, and
// goes on as before.
TEST(Constraint, ForgetsAndGoesOn) {
  GrammarMatcher matcher = matcherOf("root ::= \"[\" root \"]\" | \"x\"");
  GrammarMatcher::State state = matcher.start();
  for (int at = 0; at < 5000; ++at) {
    state = matcher.step(state, '[');
    if (at % 997 == 0)
      state = matcher.forget(state);
  }
  state = matcher.step(state, 'x');
  for (int at = 0; at < 5000; ++at) {
    ASSERT_FALSE(matcher.isAccepting(state));
    ASSERT_EQ(matcher.step(state, '['), GrammarMatcher::kDead);
    if (at % 1009 == 0)
      state = matcher.forget(state);
    state = matcher.step(state, ']');
  }
  EXPECT_TRUE(matcher.isAccepting(state));
}

// Prints the time of masks with a real vocabulary; what they say is checked by
// following a text of JSON.
TEST(Constraint, FollowsJsonWithRealVocabularies) {
  std::string error;
  const char *shared = std::getenv("MODELC_SHARED_DIR");
  std::string folder =
      std::string(shared ? shared : MODELC_SOURCE_DIR "/../shared") + "/vocab";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << "no folder of vocabularies";
  std::string text = "{\"name\": \"J\xc3\xa9r\xc3\xb4me \xe6\xbc\xa2\", "
                     "\"list\": [1, 2.5e3, {\"deep\": null}], \"t\": true}";
  for (const auto &file : std::filesystem::directory_iterator(folder)) {
    FakeMetadata metadata;
    modelc_tokenizer tokenizer;
    if (file.path().extension() != ".gguf" ||
        !readGgufMetadata(file.path(), &metadata, &error) ||
        createTokenizer(metadata, &tokenizer.implementation, nullptr))
      continue;
    std::vector<int32_t> ids(4 * text.size() + 8);
    size_t count;
    ASSERT_EQ(modelc_tokenize(&tokenizer, text.data(), text.size(), 0,
                              ids.data(), ids.size(), &count, nullptr),
              MODELC_OK);
    ids.resize(count);
    auto seconds = [] {
      timespec now;
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      return static_cast<double>(now.tv_sec) + 1e-9 * now.tv_nsec;
    };
    size_t vocabSize = tokenizer.implementation->vocabulary().texts.size();
    double begin = seconds();
    Constraint constraint =
        // SentencePiece puts a space before a text.
        constraintOf(*tokenizer.implementation,
                     grammarOfSchema("true", "\" \"? "));
    double built = seconds() - begin;
    double times[2];
    for (double &time : times) {
      begin = seconds();
      for (int32_t id : ids) {
        const uint64_t *mask;
        ASSERT_EQ(constraint.mask(&mask, nullptr), MODELC_OK);
        ASSERT_TRUE(mask[id / 64] >> (id % 64) & 1) << id;
        ASSERT_EQ(constraint.accept(id, nullptr), MODELC_OK);
      }
      time = (seconds() - begin) / static_cast<double>(ids.size());
      EXPECT_TRUE(constraint.isComplete());
      constraint.reset();
    }
    std::printf("%s: %zu tokens, made in %.1f ms, %.1f us a token at first, "
                "%.2f us again\n",
                file.path().filename().c_str(), vocabSize, built * 1e3,
                times[0] * 1e6, times[1] * 1e6);
  }
}

} // namespace
} // namespace modelc::grammar::test
