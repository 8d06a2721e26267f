//===- split-test.cpp - Pre-tokenizers, by hand and beside Perl
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Perl is the witness: an independent regex engine with its own copy of the
// Unicode database, which takes the regexes of the table as they stand. Then
// cases whose words are written down, and texts made to take long.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/PreTokenizer.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

namespace modelc::text::test {
namespace {

using Words = std::vector<std::string>;

Words split(const PreTokenizer &preTokenizer, std::string_view text) {
  std::vector<std::string_view> words;
  preTokenizer.split(text, words);
  return Words(words.begin(), words.end());
}

PreTokenizer build(const char *name) {
  PreTokenizer preTokenizer;
  modelc_status status;
  const PreTokenizerSpec *spec = findPreTokenizerSpec(name, &status);
  EXPECT_NE(spec, nullptr) << status.message;
  EXPECT_EQ(preTokenizer.build(*spec, &status), MODELC_OK) << status.message;
  return preTokenizer;
}

Words split(const char *name, std::string_view text) {
  return split(build(name), text);
}

std::string fromHexadecimal(const std::string &digits) {
  std::string bytes;
  for (size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
  return bytes;
}

/// True if `text` has a code point that is unassigned in our Unicode.
bool hasUnassigned(std::string_view text) {
  while (!text.empty()) {
    CodePoint point = firstCodePoint(text);
    text.remove_prefix(point.bytes);
    Category category = Category::cn;
    for (const CategoryRun &run : categoryRuns()) {
      if (run.first > point.value)
        break;
      category = run.category;
    }
    if (category == Category::cn)
      return true;
  }
  return false;
}

TEST(Split, EqualsPerl) {
  if (std::system("perl -e 1") != 0)
    GTEST_SKIP() << "there is no perl";
  std::string folder = testing::TempDir();
  std::string specs = folder + "/modelc-split-specs";
  std::string answers = folder + "/modelc-split-answers";
  std::ofstream file(specs);
  for (const PreTokenizerSpec &spec : preTokenizerSpecs()) {
    file << "spec " << spec.name << "\n";
    for (const SplitStage &stage : spec.stages)
      file << (stage.atEnd ? "end-stage " : "stage ") << stage.regex << "\n";
  }
  file.close();
  std::string command = "perl " MODELC_SOURCE_DIR
                        "/test/text/split-by-perl.pl 20261124 60 <" +
                        specs + " >" + answers;
  ASSERT_EQ(std::system(command.c_str()), 0);

  std::map<std::string, PreTokenizer> built;
  size_t compared = 0;
  std::ifstream lines(answers);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name, text;
    fields >> name;
    Words expected;
    for (std::string field; fields >> field;) {
      expected.push_back(fromHexadecimal(field));
      text += expected.back();
    }
    if (hasUnassigned(text))
      continue;
    if (!built.count(name))
      built.emplace(name, build(name.c_str()));
    ASSERT_EQ(split(built[name], text), expected) << name << ": " << text;
    ++compared;
  }
  EXPECT_EQ(built.size(), preTokenizerSpecs().size());
  // All but a few texts of code points that are new to one of the two.
  EXPECT_GT(compared, 50 * built.size());
}

TEST(Split, KnowsEachNameOnce) {
  std::set<std::string> names;
  for (const PreTokenizerSpec &spec : preTokenizerSpecs()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_FALSE(spec.stages.empty());
  }
}

/// The names in backquotes in `cell`.
std::vector<std::string> quotedNames(const std::string &cell) {
  std::vector<std::string> names;
  std::istringstream fields(cell);
  for (std::string field; fields >> field;)
    if (field.size() > 2 && field.front() == '`' && field.back() == '`')
      names.push_back(field.substr(1, field.size() - 2));
  return names;
}

// The page's table has each name once, in one row with those it equals.
TEST(Split, IsWhatThePageSays) {
  std::map<std::string, std::string> expected, found;
  for (const PreTokenizerSpec &spec : preTokenizerSpecs())
    expected[spec.name] = std::string(spec.ignoreMerges ? "yes" : "") + "|" +
                          (spec.addBos ? "yes" : "");
  std::map<std::string, std::set<const SplitStage *>> rows;
  std::map<std::string, std::string> rowOf;
  std::ifstream page(MODELC_SOURCE_DIR "/docs/tokenizers.md");
  bool isTable = false;
  for (std::string line; std::getline(page, line);) {
    isTable = line.starts_with("| names |") || (isTable && line[0] == '|');
    if (!isTable)
      continue;
    // "| names | words | ignoreMerges | addBos |"
    std::vector<std::string> cells;
    std::istringstream fields(line);
    for (std::string cell; std::getline(fields, cell, '|');)
      cells.push_back(cell);
    ASSERT_EQ(cells.size(), 5u) << line;
    auto word = [](std::string cell) {
      std::erase(cell, ' ');
      return cell;
    };
    for (const std::string &name : quotedNames(cells[1])) {
      EXPECT_EQ(found.count(name), 0u) << name;
      found[name] = word(cells[3]) + "|" + word(cells[4]);
      rowOf[name] = line;
    }
  }
  EXPECT_EQ(found, expected);
  for (const PreTokenizerSpec &spec : preTokenizerSpecs())
    rows[rowOf[spec.name]].insert(spec.stages.data());
  for (const auto &[line, stages] : rows)
    EXPECT_EQ(stages.size(), 1u) << line;
}

// The numbers of states that the page and kMaxStates tell.
TEST(Split, NeedsFewStates) {
  for (const PreTokenizerSpec &spec : preTokenizerSpecs())
    for (const SplitStage &stage : spec.stages) {
      SplitAutomaton automaton;
      ASSERT_TRUE(automaton.build(stage.regex)) << spec.name;
      if (std::string(spec.name) == "jais-2")
        EXPECT_EQ(automaton.stateCount(), 1041u);
      else
        EXPECT_LE(automaton.stateCount(), 34u) << spec.name;
    }
}

TEST(Split, RefusesAnUnknownName) {
  modelc_status status;
  EXPECT_EQ(findPreTokenizerSpec("super\nbpe", &status), nullptr);
  EXPECT_EQ(status.code, MODELC_UNIMPLEMENTED);
  EXPECT_STREQ(status.message,
               "tokenizer.ggml.pre: found \"super?bpe\", expected a name of "
               "the list in docs/tokenizers.md");
  EXPECT_EQ(findPreTokenizerSpec("", nullptr), nullptr);
}

TEST(Split, CutsAsTheModelsDo) {
  EXPECT_EQ(split("gpt-2", "Hello  world's 2024!\n"),
            (Words{"Hello", " ", " world", "'s", " 2024", "!", "\n"}));
  EXPECT_EQ(split("gpt-2", "DON'T"), (Words{"DON", "'", "T"}));
  EXPECT_EQ(split("llama-bpe", "DON'T 12345\n\n  x"),
            (Words{"DON", "'T", " ", "123", "45", "\n\n", " ", " x"}));
  EXPECT_EQ(split("qwen2", "a\t12.5"), (Words{"a", "\t", "1", "2", ".", "5"}));
  EXPECT_EQ(split("starcoder", "x = 42"), (Words{"x", " =", " ", "4", "2"}));
  EXPECT_EQ(split("deepseek-v3", "#include 1234"),
            (Words{"#include", " ", "123", "4"}));
  // Capitals and small letters, also beyond ASCII; the contraction stays.
  EXPECT_EQ(split("gpt-4o", "HTTPServer can't"),
            (Words{"HTTPServer", " can't"}));
  EXPECT_EQ(split("gpt-4o", "camelCase"), (Words{"camel", "Case"}));
  EXPECT_EQ(split("tekken", "\xc3\xa9t\xc3\xa9\xc3\x89t\xc3\xa9"),
            (Words{"\xc3\xa9t\xc3\xa9", "\xc3\x89t\xc3\xa9"}));
  // A mark belongs to its letter for qwen35 and not for qwen2.
  EXPECT_EQ(split("qwen2", "e\xcc\x81"), (Words{"e", "\xcc\x81"}));
  EXPECT_EQ(split("qwen35", "e\xcc\x81"), (Words{"e\xcc\x81"}));
  EXPECT_EQ(split("deepseek-llm", "a  b   "), (Words{"a", " ", " b", "   "}));
  EXPECT_EQ(split("falcon", "1234 +x"), (Words{"123", "4", " ", "+", "x"}));
  // Han characters are words of their own.
  EXPECT_EQ(split("kimi-k2", "ab\xe6\xbc\xa2\xe5\xad\x97"),
            (Words{"ab", "\xe6\xbc\xa2\xe5\xad\x97"}));
  EXPECT_EQ(split("qwen2", ""), Words{});
}

TEST(Split, TakesBrokenUtf8ForSymbols) {
  EXPECT_EQ(split("gpt-2", "a\xff\xfe b\xe2\x82"),
            (Words{"a", "\xff\xfe", " b", "\xe2\x82"}));
  // Overlong forms and surrogates are as broken.
  EXPECT_EQ(split("llama-bpe", "\xc1\x81\xed\xa0\x80!"),
            (Words{"\xc1\x81\xed\xa0\x80!"}));
}

// A search that begins anew at each place, or looks far ahead for nothing,
// would take minutes here.
TEST(Split, IsLinear) {
  const char *const units[] = {
      "a",       "A",      " ",           "\n",           "1",
      "!",       "\t ",    "\xff",        " \n",          "a ",
      "'",       "IMGIMG", "<sentinel:1", "\xe6\xbc\xa2", "\xcc\x81",
      "\xc7\x85"};
  std::set<const SplitStage *> done;
  for (const PreTokenizerSpec &spec : preTokenizerSpecs()) {
    if (!done.insert(spec.stages.data()).second)
      continue;
    PreTokenizer preTokenizer = build(spec.name);
    for (std::string unit : units) {
      std::string text;
      while (text.size() < 100000)
        text += unit;
      for (const char *ending : {"", "!"}) {
        std::string whole = text + ending, back;
        std::vector<std::string_view> words;
        preTokenizer.split(whole, words);
        for (std::string_view word : words)
          back += word;
        EXPECT_TRUE(back == whole) << spec.name << ": " << unit;
      }
    }
  }
}

/// Bytes of the match at the beginning of `text`.
size_t match(const char *regex, std::string_view text) {
  SplitAutomaton automaton;
  EXPECT_TRUE(automaton.build(regex)) << regex;
  return automaton.match(text);
}

TEST(SplitAutomaton, MatchesWhatComesFirstInTheRegex) {
  EXPECT_EQ(match("a|ab", "ab"), 1u);
  EXPECT_EQ(match("ab|a", "ab"), 2u);
  EXPECT_EQ(match("abc|a", "abd"), 1u);
  EXPECT_EQ(match("(?:a|ab)c?", "abc"), 1u);
  EXPECT_EQ(match("a*b", "aaac"), 0u);
  EXPECT_EQ(match("b", "ab"), 0u);
}

TEST(SplitAutomaton, Counts) {
  EXPECT_EQ(match("a{2}", "aaa"), 2u);
  EXPECT_EQ(match("a{1,3}", "aaaa"), 3u);
  EXPECT_EQ(match("a{2,3}", "a"), 0u);
  EXPECT_EQ(match("(?:ab?){2}", "abab"), 4u);
}

TEST(SplitAutomaton, LooksAheadByOneCodePoint) {
  EXPECT_EQ(match("\\s+(?!\\S)", "   a"), 2u);
  EXPECT_EQ(match("\\s+(?!\\S)", "   "), 3u);
  EXPECT_EQ(match("\\s+(?!\\S)", " a"), 0u);
  EXPECT_EQ(match("a(?!b)|ab", "ab"), 2u);
}

TEST(SplitAutomaton, ReadsClasses) {
  EXPECT_EQ(match("[^\\p{L}&&[^x]]+", "1x2"), 1u);
  EXPECT_EQ(match("[\\p{L}&&[^x]]+", "abx"), 2u);
  EXPECT_EQ(match("[a\\-c]+", "a-cb"), 3u);
  EXPECT_EQ(match("[a-]+", "a-b"), 2u);
  EXPECT_EQ(match("[\\x{4e00}-\\x{4e8c}]", "\xe4\xba\x8c"), 3u);
  EXPECT_EQ(match("(?i:k[s])s", "Kss"), 3u);
  EXPECT_EQ(match("(?i:k[s])s", "\xe2\x84\xaa\xc5\xbfs"), 6u);
  EXPECT_EQ(match("(?i:k)s", "kS"), 0u);
  EXPECT_EQ(match("\\d\\p{Nd}\\p{N}", "12\xc2\xbd"), 4u);
}

TEST(SplitAutomaton, RefusesWhatItCannotRead) {
  for (const char *regex :
       {"(",          ")",       "a)",     "[a",          "\\",
        "\\w",        "\\p{Xy}", "\\p",    "\\x{110000}", "\\x{zz}",
        "a{",         "a{x}",    "a{3,2}", "?",           "a**",
        "^a",         "a$",      ".",      "(?!",         "(?!ab)",
        "(?=a)",      "(?!a)*",  "[b-a]",  "[\\s-a]",     "[a&&[\\S]]x(",
        "(?i:[a-c])", "a{5000}"})
    EXPECT_FALSE(SplitAutomaton().build(regex)) << regex;
}

} // namespace
} // namespace modelc::text::test
