//===- SchemaPattern.cpp - The grammar of a string that fits a regex
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   ^\d{3}-[^"]$  ==>  [0-9]{3} "-" ([ -!#-\[\]-...] | "\\\\" | "\\n" | ...)
//   cat|^dog      ==>  (char* "c" "a" "t" char* | "d" "o" "g" char*)
//
// Groups group and nothing more; a lazy repetition takes what a greedy one
// does. What is no regular language, or looks around, is refused.
//
//===----------------------------------------------------------------------===//

#include "SchemaPattern.h"
#include "../Utf8.h"
#include "../jinja/Strings.h"
#include "Gbnf.h"
#include "Utf8Ranges.h"
#include <algorithm>
#include <charconv>
#include <span>

namespace modelc::grammar {
namespace {

/// Deepest nesting of groups. The grammar's own groups are one for each, and
/// one for a set or a repetition in it.
constexpr int kMaxDepth = kMaxGroupDepth / 4;

using Ranges = std::vector<CodePointRange>;

constexpr CodePointRange kDigits[] = {{'0', '9'}};
constexpr CodePointRange kWord[] = {
    {'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
/// WhiteSpace and LineTerminator.
constexpr CodePointRange kSpaces[] = {
    {9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
    {0x3000, 0x3000}, {0xfeff, 0xfeff}};
constexpr CodePointRange kLineEnds[] = {
    {'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

/// Characters that JSON has a short escape for, or that need one.
constexpr std::pair<uint32_t, char> kEscapes[] = {
    {'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
    {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};

std::string toHex(uint32_t value, int digits) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  while (digits-- > 0)
    hex += kHex[value >> (4 * digits) & 15];
  return hex;
}

/// One character as JSON text, quoted for GBNF.
std::string quoteCharacter(uint32_t codePoint) {
  std::string json;
  for (auto [escaped, letter] : kEscapes)
    if (escaped == codePoint)
      json = {'\\', letter};
  if (json.empty() && codePoint < ' ')
    json = "\\u" + toHex(codePoint, 4);
  if (json.empty())
    jinja::appendUtf8(codePoint, &json);
  return quoteGbnf(json);
}

/// One of a set that is normalized and not empty.
std::string writeSet(const Ranges &set) {
  if (set.size() == 1 && set[0].first == set[0].last)
    return quoteCharacter(set[0].first);
  auto contains = [&](uint32_t codePoint) {
    return std::any_of(set.begin(), set.end(), [&](const CodePointRange &r) {
      return r.first <= codePoint && codePoint <= r.last;
    });
  };
  std::string plain, escapes;
  for (const CodePointRange &range : set)
    for (CodePointRange bare :
         {CodePointRange{' ', '!'}, CodePointRange{'#', '['},
          CodePointRange{']', text::kMaxCodePoint}}) {
      uint32_t first = std::max(range.first, bare.first);
      uint32_t last = std::min(range.last, bare.last);
      if (first > last)
        continue;
      plain += "\\U" + toHex(first, 8);
      if (first < last)
        plain += "-\\U" + toHex(last, 8);
    }
  for (auto [escaped, letter] : kEscapes)
    if (contains(escaped))
      escapes += " | " + quoteCharacter(escaped);
  if (plain.empty()) // Sets of control characters alone.
    return escapes.empty() ? "" : "(" + escapes.substr(3) + ")";
  plain = "[" + plain + "]";
  return escapes.empty() ? plain : "(" + plain + escapes + ")";
}

/// What \d, \w or \s is, by its letter; nothing for other letters.
std::span<const CodePointRange> findClass(uint32_t letter) {
  switch (letter) {
  case 'd':
    return kDigits;
  case 'w':
    return kWord;
  case 's':
    return kSpaces;
  default:
    return {};
  }
}

class PatternReader {
public:
  explicit PatternReader(std::string_view pattern) : pattern(pattern) {}

  bool readAll(std::string *expression);

  SchemaResult result = SchemaResult::good;
  std::string error;

private:
  bool refuse(const std::string &what) {
    return end(SchemaResult::wrong, what);
  }
  bool lack(const std::string &what) {
    return end(SchemaResult::unsupported, what + " is not supported");
  }
  bool end(SchemaResult why, const std::string &what) {
    result = why;
    error = "pattern: " + what;
    return false;
  }

  bool readChoice(int depth, std::string *out);
  bool readSequence(int depth, std::string *out);
  bool readAtom(int depth, std::string *out);
  bool readGroup(int depth, std::string *out);
  bool readClass(std::string *out);
  bool readClassMember(Ranges *member);
  /// Behind a backslash.
  bool readEscape(bool isInClass, Ranges *set);
  bool readHex(size_t digits, uint32_t *codePoint);
  bool readQuantifier(std::string *out);
  bool readNumber(uint32_t *number);
  bool writeChecked(Ranges set, bool negated, std::string *out);

  bool atEnd() const { return at == pattern.size(); }
  bool isNext(std::string_view text) const {
    return pattern.substr(at).starts_with(text);
  }
  bool take(std::string_view text) {
    bool isThere = isNext(text);
    at += isThere ? text.size() : 0;
    return isThere;
  }
  uint32_t takeCodePoint() {
    text::CodePoint point = text::firstCodePoint(pattern.substr(at));
    at += point.bytes;
    return point.value;
  }
  bool atSequenceEnd(int depth) const {
    return atEnd() || isNext("|") || isNext(")") ||
           (depth == 0 && (isNext("$|") || pattern.substr(at) == "$"));
  }

  std::string_view pattern;
  size_t at = 0;
};

bool PatternReader::readAll(std::string *expression) {
  if (!readChoice(0, expression))
    return false;
  return atEnd() || refuse("there is no '(' for a ')'");
}

bool PatternReader::readChoice(int depth, std::string *out) {
  if (depth > kMaxDepth)
    return refuse("groups are nested deeper than " + std::to_string(kMaxDepth));
  std::string all;
  do {
    all += all.empty() ? "" : " | ";
    if (depth == 0 && !take("^"))
      all += "char* ";
    std::string sequence;
    if (!readSequence(depth, &sequence))
      return false;
    all += sequence;
    if (depth == 0 && !take("$"))
      all += " char*";
    if (all.size() > kMaxGrammarBytes)
      return refuse("it is too large");
  } while (take("|"));
  *out = "(" + all + ")";
  return true;
}

bool PatternReader::readSequence(int depth, std::string *out) {
  *out = "\"\"";
  while (!atSequenceEnd(depth)) {
    std::string atom;
    if (!readAtom(depth, &atom) || !readQuantifier(&atom))
      return false;
    *out += " " + atom;
    if (out->size() > kMaxGrammarBytes)
      return refuse("it is too large");
  }
  return true;
}

bool PatternReader::readAtom(int depth, std::string *out) {
  if (isNext("^") || isNext("$"))
    return lack("'^' and '$' but at the ends");
  for (std::string_view sign : {"*", "+", "?", "{"})
    if (isNext(sign))
      return refuse("there is nothing that '" + std::string(sign) +
                    "' could repeat");
  if (take("("))
    return readGroup(depth, out);
  if (take("["))
    return readClass(out);
  if (take("."))
    return writeChecked({std::begin(kLineEnds), std::end(kLineEnds)}, true,
                        out);
  Ranges set;
  if (take("\\"))
    return readEscape(false, &set) && writeChecked(set, false, out);
  *out = quoteCharacter(takeCodePoint());
  return true;
}

bool PatternReader::readGroup(int depth, std::string *out) {
  if (take("?")) {
    if (isNext("=") || isNext("!") || isNext("<=") || isNext("<!"))
      return lack("looking ahead or behind");
    if (take("<")) {
      at = std::min(pattern.find('>', at), pattern.size());
      if (!take(">"))
        return refuse("a group's name does not end");
    } else if (!take(":")) {
      return lack("such a group");
    }
  }
  if (!readChoice(depth + 1, out))
    return false;
  return take(")") || refuse("there is no ')' for a '('");
}

bool PatternReader::readClass(std::string *out) {
  bool negated = take("^");
  Ranges all;
  while (!take("]")) {
    Ranges member, last;
    if (!readClassMember(&member))
      return false;
    bool isRange = isNext("-") && !isNext("-]") && at + 1 < pattern.size();
    if (isRange) {
      take("-");
      if (!readClassMember(&last))
        return false;
      if (member.size() != 1 || member[0].first != member[0].last ||
          last.size() != 1 || last[0].first != last[0].last ||
          last[0].first < member[0].first)
        return refuse("a range of a class has no such ends");
      member[0].last = last[0].first;
    }
    all.insert(all.end(), member.begin(), member.end());
  }
  return writeChecked(all, negated, out);
}

bool PatternReader::readClassMember(Ranges *member) {
  if (atEnd())
    return refuse("there is no ']' for a '['");
  if (take("\\"))
    return readEscape(true, member);
  uint32_t codePoint = takeCodePoint();
  *member = {{codePoint, codePoint}};
  return true;
}

bool PatternReader::readEscape(bool isInClass, Ranges *set) {
  if (atEnd())
    return refuse("it ends with a '\\'");
  uint32_t c = takeCodePoint();
  const bool isCapital = c >= 'A' && c <= 'Z';
  if (auto known = findClass(isCapital ? c - 'A' + 'a' : c); !known.empty()) {
    *set = normalizeRanges(Ranges(known.begin(), known.end()), isCapital);
    return true;
  }
  switch (c) {
  case 'x':
  case 'u':
    if (!readHex(c == 'x' ? 2 : 4, &c))
      return false;
    break;
  case 't':
    c = '\t';
    break;
  case 'n':
    c = '\n';
    break;
  case 'v':
    c = '\v';
    break;
  case 'f':
    c = '\f';
    break;
  case 'r':
    c = '\r';
    break;
  case 'b':
    if (!isInClass)
      return lack("'\\b'");
    c = '\b';
    break;
  default:
    if (isCapital || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
      return lack(std::string("'\\") + static_cast<char>(c) + "'");
  }
  *set = {{c, c}};
  return true;
}

bool PatternReader::readHex(size_t digits, uint32_t *codePoint) {
  std::string_view hex = pattern.substr(at, digits);
  auto [stop, failure] =
      std::from_chars(hex.data(), hex.data() + hex.size(), *codePoint, 16);
  if (hex.size() != digits || failure != std::errc() ||
      stop != hex.data() + digits)
    return refuse("expected " + std::to_string(digits) +
                  " hexadecimal digits behind '\\x' or '\\u'");
  at += digits;
  if (isSurrogate(*codePoint))
    return lack("half of a surrogate pair");
  return true;
}

bool PatternReader::readNumber(uint32_t *number) {
  size_t begin = at;
  uint64_t value = 0;
  for (; !atEnd() && pattern[at] >= '0' && pattern[at] <= '9'; ++at)
    value = std::min<uint64_t>(value * 10 + (pattern[at] - '0'), kNoLimit);
  if (at == begin)
    return refuse("expected a number in '{}'");
  if (value > kMaxRepeat)
    return refuse("at most " + std::to_string(kMaxRepeat) + " repetitions");
  *number = static_cast<uint32_t>(value);
  return true;
}

/// Repeats *out, which is one item of GBNF, if the pattern says so.
bool PatternReader::readQuantifier(std::string *out) {
  if (take("*")) {
    *out += "*";
  } else if (take("+")) {
    *out += "+";
  } else if (take("?")) {
    *out += "?";
  } else if (take("{")) {
    uint32_t least = 0, most = 0;
    if (!readNumber(&least))
      return false;
    *out += "{" + std::to_string(least);
    if (take(",")) {
      *out += ",";
      if (!isNext("}")) {
        if (!readNumber(&most))
          return false;
        if (most < least)
          return refuse("the numbers in '{}' are out of order");
        *out += std::to_string(most);
      }
    }
    if (!take("}"))
      return refuse("there is no '}' for a '{'");
    *out += "}";
  } else {
    return true;
  }
  take("?"); // Lazy.
  return true;
}

bool PatternReader::writeChecked(Ranges set, bool negated, std::string *out) {
  set = normalizeRanges(std::move(set), negated);
  if (!set.empty())
    *out = writeSet(set);
  return (!set.empty() && !out->empty()) || refuse("a class is empty");
}

} // namespace

SchemaResult translatePattern(std::string_view pattern, std::string *expression,
                              std::string *error) {
  PatternReader reader(pattern);
  reader.readAll(expression);
  *error = reader.error;
  return reader.result;
}

} // namespace modelc::grammar
