//===- Gbnf.cpp - Grammars as people write them
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   root ::= "a" [0-9]+ | b
//   b ::= .
//     ==> choice(sequence("a", repeat([0-9], 1, no limit)), rule 1), set
//
// A recursive descent whose depth is limited. Line ends end a rule, but not
// inside of groups, behind `::=` and `|`, and, which llama.cpp refuses, before
// a `|`.
//
//===----------------------------------------------------------------------===//

#include "Gbnf.h"
#include "../Utf8.h"
#include "../jinja/Strings.h"
#include <algorithm>
#include <charconv>
#include <map>

namespace modelc::grammar {
namespace {

constexpr std::string_view kSpaces = " \t";
constexpr std::string_view kLineEnds = "\r\n";
constexpr uint32_t kNoBody = UINT32_MAX;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool isNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || isDigit(c) ||
         c == '-' || c == '_';
}

class GbnfReader {
public:
  GbnfReader(std::string_view text, Grammar *out) : text(text), out(*out) {}

  bool readAll();

  std::string error;

private:
  bool fail(const std::string &what);
  bool fail(const std::string &what, uint32_t number);

  /// Counted on, so that all calls together cost one pass.
  uint32_t currentLine();
  bool atEnd() const { return at >= text.size(); }
  char peek(size_t ahead = 0) const {
    return at + ahead < text.size() ? text[at + ahead] : '\0';
  }
  void skipSpace(bool overLineEnds);
  /// At top level: goes to a '|' that the next lines begin with.
  void skipToNextAlternative();
  std::string readName();
  uint32_t ruleNamed(const std::string &name);
  uint32_t add(Expression expression);

  bool readRule();
  bool readChoice(int depth, uint32_t *result);
  bool readSequence(int depth, uint32_t *result);
  bool readItem(int depth, bool *isItem, uint32_t *result);
  bool readText(uint32_t *result);
  bool readClass(uint32_t *result);
  bool readCharacter(uint32_t *codePoint);
  bool readEscape(uint32_t *codePoint);
  bool readSuffixes(int depth, uint32_t *item);
  bool readBounds(uint32_t *least, uint32_t *most);
  bool readNumber(uint32_t *number);

  std::string_view text;
  Grammar &out;
  size_t at = 0;
  size_t countedTo = 0;
  uint32_t line = 1;
  std::map<std::string, uint32_t, std::less<>> names;
};

bool GbnfReader::fail(const std::string &what) {
  return fail(what, currentLine());
}

bool GbnfReader::fail(const std::string &what, uint32_t number) {
  if (error.empty())
    error = "line " + std::to_string(number) + ": " + what;
  return false;
}

uint32_t GbnfReader::currentLine() {
  for (; countedTo < std::min(at, text.size()); ++countedTo)
    line += text[countedTo] == '\n';
  return line;
}

void GbnfReader::skipSpace(bool overLineEnds) {
  while (!atEnd()) {
    char c = peek();
    if (c == '#')
      at = std::min(text.find_first_of(kLineEnds, at), text.size());
    else if (kSpaces.find(c) != kSpaces.npos ||
             (overLineEnds && kLineEnds.find(c) != kLineEnds.npos))
      ++at;
    else
      return;
  }
}

void GbnfReader::skipToNextAlternative() {
  size_t before = at;
  skipSpace(true);
  if (peek() != '|')
    at = before;
}

std::string GbnfReader::readName() {
  size_t begin = at;
  while (isNameCharacter(peek()))
    ++at;
  return std::string(text.substr(begin, at - begin));
}

uint32_t GbnfReader::ruleNamed(const std::string &name) {
  auto [entry, isNew] =
      names.try_emplace(name, static_cast<uint32_t>(out.rules.size()));
  if (isNew)
    out.rules.push_back({name, kNoBody, currentLine()});
  return entry->second;
}

uint32_t GbnfReader::add(Expression expression) {
  out.expressions.push_back(std::move(expression));
  return static_cast<uint32_t>(out.expressions.size() - 1);
}

bool GbnfReader::readAll() {
  if (text.size() > kMaxGrammarBytes)
    return fail("the grammar has " + std::to_string(text.size()) +
                    " bytes, at most " + std::to_string(kMaxGrammarBytes) +
                    " are read",
                1);
  for (skipSpace(true); !atEnd(); skipSpace(true))
    if (!readRule())
      return false;
  for (const Grammar::Rule &rule : out.rules)
    if (rule.body == kNoBody)
      return fail("there is no rule '" + rule.name + "'", rule.line);
  auto root = names.find("root");
  if (root == names.end())
    return fail("there is no rule 'root'", 1);
  out.root = root->second;
  return true;
}

bool GbnfReader::readRule() {
  std::string name = readName();
  if (name.empty())
    return fail("expected the name of a rule");
  skipSpace(false);
  if (!text.substr(at).starts_with("::="))
    return fail("expected '::=' after '" + name + "'");
  uint32_t rule = ruleNamed(name);
  if (out.rules[rule].body != kNoBody)
    return fail("the rule '" + name + "' is there twice");
  at += 3;
  skipSpace(true);
  uint32_t body;
  if (!readChoice(0, &body))
    return false;
  out.rules[rule].body = body;
  if (!atEnd() && kLineEnds.find(peek()) == kLineEnds.npos)
    return fail(std::string("unexpected '") + peek() + "' in the rule '" +
                name + "'");
  return true;
}

bool GbnfReader::readChoice(int depth, uint32_t *result) {
  if (depth > kMaxGroupDepth)
    return fail("groups are nested deeper than " +
                std::to_string(kMaxGroupDepth));
  Expression choice{Expression::Kind::choice};
  while (true) {
    uint32_t part;
    if (!readSequence(depth, &part))
      return false;
    choice.parts.push_back(part);
    if (depth == 0)
      skipToNextAlternative();
    if (peek() != '|')
      break;
    ++at;
    skipSpace(true);
  }
  *result = choice.parts.size() == 1 ? choice.parts[0] : add(std::move(choice));
  return true;
}

bool GbnfReader::readSequence(int depth, uint32_t *result) {
  Expression sequence{Expression::Kind::sequence};
  while (true) {
    bool isItem;
    uint32_t item;
    if (!readItem(depth, &isItem, &item))
      return false;
    if (!isItem)
      break;
    skipSpace(depth > 0);
    if (!readSuffixes(depth, &item))
      return false;
    sequence.parts.push_back(item);
  }
  *result =
      sequence.parts.size() == 1 ? sequence.parts[0] : add(std::move(sequence));
  return true;
}

bool GbnfReader::readItem(int depth, bool *isItem, uint32_t *result) {
  *isItem = true;
  char c = peek();
  if (c == '"')
    return readText(result);
  if (c == '[')
    return readClass(result);
  if (c == '<' || c == '!')
    return fail("tokens (<...>) are not understood here");
  if (c != '\0' && std::string_view("*+?{").find(c) != std::string_view::npos)
    return fail(std::string("there is nothing that '") + c + "' could repeat");
  if (c == '.') {
    ++at;
    *result = add({.kind = Expression::Kind::set,
                   .ranges = {{0, 0xd7ff}, {0xe000, text::kMaxCodePoint}}});
    return true;
  }
  if (c == '(') {
    ++at;
    skipSpace(true);
    if (!readChoice(depth + 1, result))
      return false;
    if (peek() != ')')
      return fail("expected ')'");
    ++at;
    return true;
  }
  if (isNameCharacter(c)) {
    *result =
        add({.kind = Expression::Kind::rule, .rule = ruleNamed(readName())});
    return true;
  }
  *isItem = false;
  return true;
}

bool GbnfReader::readText(uint32_t *result) {
  Expression literal{Expression::Kind::text};
  ++at;
  while (peek() != '"' || atEnd()) {
    uint32_t codePoint;
    if (!readCharacter(&codePoint))
      return false;
    jinja::appendUtf8(codePoint, &literal.text);
  }
  ++at;
  *result = add(std::move(literal));
  return true;
}

bool GbnfReader::readClass(uint32_t *result) {
  ++at;
  bool negated = peek() == '^';
  at += negated;
  std::vector<CodePointRange> ranges;
  while (peek() != ']' || atEnd()) {
    CodePointRange range;
    if (!readCharacter(&range.first))
      return false;
    range.last = range.first;
    if (peek() == '-' && peek(1) != ']') {
      ++at;
      if (!readCharacter(&range.last))
        return false;
    }
    if (range.last < range.first)
      return fail("a range of a class ends before it begins");
    ranges.push_back(range);
  }
  ++at;
  ranges = normalizeRanges(std::move(ranges), negated);
  if (ranges.empty())
    return fail("a class that no character is in");
  *result = add({.kind = Expression::Kind::set, .ranges = std::move(ranges)});
  return true;
}

/// A character of a text or a class.
bool GbnfReader::readCharacter(uint32_t *codePoint) {
  if (atEnd())
    return fail("a text or a class without end");
  if (peek() == '\\') {
    ++at;
    return readEscape(codePoint);
  }
  text::CodePoint found = text::firstCodePoint(text.substr(at));
  if (found.value == 0xfffd && found.bytes == 1)
    return fail("the grammar is not UTF-8");
  *codePoint = found.value;
  at += found.bytes;
  return true;
}

bool GbnfReader::readEscape(uint32_t *codePoint) {
  constexpr std::string_view kNames = "trn\\\"[]-";
  constexpr std::string_view kValues = "\t\r\n\\\"[]-";
  char c = peek();
  if (size_t known = kNames.find(c); !atEnd() && known != kNames.npos) {
    *codePoint = static_cast<unsigned char>(kValues[known]);
    ++at;
    return true;
  }
  size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits == 0)
    return fail("an unknown escape");
  std::string_view hex = text.substr(at + 1, digits);
  auto [stop, code] =
      std::from_chars(hex.data(), hex.data() + hex.size(), *codePoint, 16);
  if (hex.size() != digits || code != std::errc() ||
      stop != hex.data() + digits)
    return fail(std::string("expected ") + std::to_string(digits) +
                " hexadecimal digits after '\\" + c + "'");
  if (*codePoint > text::kMaxCodePoint || isSurrogate(*codePoint))
    return fail("an escape that is no character");
  at += 1 + digits;
  return true;
}

/// ? * + {m} {m,} {m,n} after an item; several nest, and few do.
bool GbnfReader::readSuffixes(int depth, uint32_t *item) {
  constexpr int kMaxSuffixes = 8;
  for (int count = 0; !atEnd(); ++count) {
    Expression repeat{Expression::Kind::repeat};
    repeat.parts = {*item};
    char c = peek();
    if (c == '?' || c == '*' || c == '+') {
      ++at;
      repeat.least = c == '+';
      repeat.most = c == '?' ? 1 : kNoLimit;
    } else if (c == '{') {
      if (!readBounds(&repeat.least, &repeat.most))
        return false;
    } else {
      return true;
    }
    if (count == kMaxSuffixes)
      return fail("more than " + std::to_string(kMaxSuffixes) +
                  " repetitions of each other");
    *item = add(std::move(repeat));
    skipSpace(depth > 0);
  }
  return true;
}

bool GbnfReader::readBounds(uint32_t *least, uint32_t *most) {
  ++at;
  if (!readNumber(least))
    return false;
  *most = *least;
  if (peek() == ',') {
    ++at;
    skipSpace(false);
    *most = kNoLimit;
    if (isDigit(peek()) && !readNumber(most))
      return false;
  }
  if (peek() != '}')
    return fail("expected '}'");
  ++at;
  return *most >= *least || fail("{m,n} with m above n");
}

bool GbnfReader::readNumber(uint32_t *number) {
  skipSpace(false);
  const char *begin = text.data() + at, *end = text.data() + text.size();
  auto [stop, code] = std::from_chars(begin, end, *number);
  if (code == std::errc::invalid_argument)
    return fail("expected a number in {}");
  if (code != std::errc() || *number > kMaxRepeat)
    return fail("more than " + std::to_string(kMaxRepeat) + " repetitions");
  at += static_cast<size_t>(stop - begin);
  skipSpace(false);
  return true;
}

} // namespace

bool readGbnf(std::string_view text, Grammar *out, std::string *error) {
  *out = {};
  GbnfReader reader(text, out);
  if (reader.readAll())
    return true;
  *error = std::move(reader.error);
  return false;
}

} // namespace modelc::grammar
