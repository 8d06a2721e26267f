//===- Lexer.cpp - The tokens of a template
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   "x\n  {% if y %}\nz"
//     ==> data "x\n" | blockBegin ... blockEnd | data "z"
//
// A block's tag takes the white space before it on its line, if nothing else
// stands there, and the line end after it; `-` at either side of any tag takes
// all white space there, `+` prevents both. Source: Jinja's documentation,
// "Whitespace Control".
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include "Strings.h"
#include <algorithm>
#include <charconv>

namespace modelc::jinja {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool isNamePart(char c) { return isNameStart(c) || isDigit(c); }

class Lexer {
public:
  Lexer(Ast *ast, std::vector<Token> *out)
      : ast(*ast), source(ast->source), out(*out) {}

  bool run() {
    while (error.empty() && at < source.size())
      lexData();
    push(Token::Kind::end, {});
    return error.empty();
  }

  std::string error;

private:
  void lexData();
  void lexComment();
  bool lexRaw();
  void lexTag(bool isBlock);
  bool lexTagEnd(bool isBlock);
  void lexExpressionToken();
  void lexNumber();
  void lexString();
  bool unescape(std::string_view text, std::string *result);
  void lexSymbol();

  bool startsWith(std::string_view prefix) const {
    return source.substr(at).starts_with(prefix);
  }

  /// Goes on to `end`, and counts lines.
  void advance(size_t end) {
    line += static_cast<int>(
        std::count(source.begin() + at, source.begin() + end, '\n'));
    if (end > at)
      atLineStart = source[end - 1] == '\n';
    at = end;
  }

  void skipSpace() {
    std::string_view rest = source.substr(at);
    advance(source.size() - strip(rest, true, false).size());
  }

  void push(Token::Kind kind, std::string_view text) {
    Token token;
    token.kind = kind;
    token.line = line;
    token.text = text;
    out.push_back(token);
  }

  void fail(std::string message) {
    if (error.empty())
      error = "line " + std::to_string(line) + ": " + std::move(message);
    at = source.size();
  }

  /// After a tag: what its last characters take away.
  void trimAfter(char sign, bool trimsLine) {
    if (sign == '-')
      skipSpace();
    else if (sign != '+' && trimsLine && startsWith("\n"))
      advance(at + 1);
  }

  Ast &ast;
  std::string_view source;
  std::vector<Token> &out;
  size_t at = 0;
  int line = 1;
  /// Whether what was read last ended a line, or nothing was read.
  bool atLineStart = true;
  /// Brackets that are open within a tag.
  std::string open;
};

/// Text up to the next tag, and the tag.
void Lexer::lexData() {
  size_t tag = at;
  while ((tag = source.find('{', tag)) != source.npos &&
         (tag + 1 == source.size() ||
          std::string_view("{%#").find(source[tag + 1]) == source.npos))
    ++tag;
  if (tag == source.npos) {
    push(Token::Kind::data, source.substr(at));
    return advance(source.size());
  }
  char type = source[tag + 1];
  char sign = tag + 2 < source.size() ? source[tag + 2] : ' ';
  std::string_view data = source.substr(at, tag - at);
  if (sign == '-') {
    data = strip(data, false, true);
  } else if (sign != '+' && type != '{') {
    size_t lineStart = data.rfind('\n') + 1;
    if ((lineStart > 0 || atLineStart) &&
        strip(data.substr(lineStart), true, false).empty())
      data = data.substr(0, lineStart);
  }
  if (!data.empty())
    push(Token::Kind::data, data);
  advance(tag + (sign == '-' || sign == '+' ? 3 : 2));
  if (type == '#')
    lexComment();
  else if (type == '{' || !lexRaw())
    lexTag(type == '%');
}

void Lexer::lexComment() {
  size_t end = source.find("#}", at);
  if (end == source.npos)
    return fail("the comment has no end");
  char sign = end > at ? source[end - 1] : ' ';
  advance(end + 2);
  trimAfter(sign, true);
}

/// {% raw %} ... {% endraw %}; false, and nothing is read, for other tags.
bool Lexer::lexRaw() {
  auto word = [&](size_t from, std::string_view name, size_t *end, char *sign) {
    std::string_view rest = strip(source.substr(from), true, false);
    if (!rest.starts_with(name))
      return false;
    rest = strip(rest.substr(name.size()), true, false);
    *sign = rest.empty() ? ' ' : rest[0];
    if (*sign == '-' || (*sign == '+' && name == "endraw"))
      rest.remove_prefix(1);
    *end = source.size() - rest.size() + 2;
    return rest.starts_with("%}");
  };
  size_t end;
  char sign;
  if (!word(at, "raw", &end, &sign))
    return false;
  advance(end);
  trimAfter(sign, false);
  for (size_t tag = source.find("{%", at); tag != source.npos;
       tag = source.find("{%", tag + 2)) {
    char before = tag + 2 < source.size() ? source[tag + 2] : ' ';
    bool isSigned = before == '-' || before == '+';
    if (!word(tag + 2 + isSigned, "endraw", &end, &sign))
      continue;
    std::string_view data = source.substr(at, tag - at);
    if (before == '-') {
      data = strip(data, false, true);
    } else if (before != '+') {
      size_t lineStart = data.rfind('\n') + 1;
      if ((lineStart > 0 || atLineStart) &&
          strip(data.substr(lineStart), true, false).empty())
        data = data.substr(0, lineStart);
    }
    if (!data.empty())
      push(Token::Kind::data, data);
    advance(end);
    trimAfter(sign, true);
    return true;
  }
  fail("{% raw %} has no end");
  return true;
}

void Lexer::lexTag(bool isBlock) {
  push(isBlock ? Token::Kind::blockBegin : Token::Kind::variableBegin, {});
  open.clear();
  while (error.empty()) {
    skipSpace();
    if (at == source.size())
      return fail(isBlock ? "the tag {% has no end" : "the tag {{ has no end");
    if (open.empty() && lexTagEnd(isBlock))
      return;
    lexExpressionToken();
  }
}

bool Lexer::lexTagEnd(bool isBlock) {
  char sign = source[at];
  bool isSigned = sign == '-' || (isBlock && sign == '+');
  std::string_view end = isBlock ? "%}" : "}}";
  if (!source.substr(at + isSigned).starts_with(end))
    return false;
  push(isBlock ? Token::Kind::blockEnd : Token::Kind::variableEnd, {});
  advance(at + isSigned + 2);
  trimAfter(sign, isBlock);
  return true;
}

void Lexer::lexExpressionToken() {
  char c = source[at];
  if (isNameStart(c)) {
    size_t end = at;
    while (end < source.size() && isNamePart(source[end]))
      ++end;
    push(Token::Kind::name, source.substr(at, end - at));
    return advance(end);
  }
  if (isDigit(c))
    return lexNumber();
  if (c == '"' || c == '\'')
    return lexString();
  lexSymbol();
}

void Lexer::lexNumber() {
  size_t end = at;
  auto skipDigits = [&] {
    while (end < source.size() && (isDigit(source[end]) || source[end] == '_'))
      ++end;
  };
  auto isDigitAt = [&](size_t place) {
    return place < source.size() && isDigit(source[place]);
  };
  skipDigits();
  bool isReal = false;
  // In `rows.0.1` there is no real number.
  if (at == 0 || source[at - 1] != '.') {
    if (end < source.size() && source[end] == '.' && isDigitAt(end + 1)) {
      isReal = true;
      ++end;
      skipDigits();
    }
    if (end < source.size() && (source[end] == 'e' || source[end] == 'E')) {
      bool isSigned = end + 1 < source.size() &&
                      (source[end + 1] == '+' || source[end + 1] == '-');
      if (isDigitAt(end + 1 + isSigned)) {
        isReal = true;
        end += 1 + isSigned;
        skipDigits();
      }
    }
  }
  std::string digits(source.substr(at, end - at));
  std::erase(digits, '_');
  push(isReal ? Token::Kind::real : Token::Kind::integer,
       source.substr(at, end - at));
  const char *stop = digits.data() + digits.size();
  std::errc code =
      isReal ? std::from_chars(digits.data(), stop, out.back().real).ec
             : std::from_chars(digits.data(), stop, out.back().integer).ec;
  if (code != std::errc() || (end < source.size() && isNamePart(source[end])))
    return fail("'" + digits + "' is no number that can be used here");
  advance(end);
}

void Lexer::lexString() {
  char quote = source[at];
  size_t end = at + 1;
  while (end < source.size() && source[end] != quote)
    end += source[end] == '\\' ? 2 : 1;
  if (end >= source.size())
    return fail("the string has no end");
  std::string_view text = source.substr(at + 1, end - at - 1);
  if (text.find('\\') != text.npos) {
    std::string result;
    if (!unescape(text, &result))
      return;
    text = ast.texts.emplace_back(std::move(result));
  }
  push(Token::Kind::string, text);
  advance(end + 1);
}

/// Python's escapes; an unknown one stays as it is.
bool Lexer::unescape(std::string_view text, std::string *result) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      *result += text[i];
      continue;
    }
    char c = text[++i]; // lexString made sure that there is one.
    constexpr std::string_view kNames = "\\'\"abfnrtv";
    constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
    if (size_t known = kNames.find(c); known != kNames.npos) {
      *result += kValues[known];
    } else if (c == '\n') {
      continue;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      size_t count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::string_view digits = text.substr(i + 1, count);
      uint32_t point = 0;
      auto [stop, code] = std::from_chars(
          digits.data(), digits.data() + digits.size(), point, 16);
      if (digits.size() != count || code != std::errc() ||
          stop != digits.data() + count || point > 0x10ffff ||
          (point >= 0xd800 && point < 0xe000)) {
        fail("the string has a wrong escape \\" + std::string(1, c));
        return false;
      }
      appendUtf8(point, result);
      i += count;
    } else if (c >= '0' && c <= '7') {
      uint32_t point = 0;
      size_t end = std::min(i + 3, text.size());
      for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i)
        point = point * 8 + static_cast<uint32_t>(text[i] - '0');
      --i;
      appendUtf8(point, result);
    } else {
      (*result += '\\') += c;
    }
  }
  return true;
}

void Lexer::lexSymbol() {
  constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
  constexpr std::string_view kOne = "+-*/%~=<>.:|,;()[]{}";
  std::string_view symbol = source.substr(at, 1);
  for (std::string_view two : kTwo)
    if (startsWith(two))
      symbol = two;
  if (symbol.size() == 1 && kOne.find(symbol[0]) == kOne.npos)
    return fail("unexpected character '" + std::string(symbol) + "'");
  constexpr std::string_view kOpening = "([{", kClosing = ")]}";
  if (kOpening.find(symbol) != kOpening.npos)
    open += symbol;
  size_t closing = kClosing.find(symbol);
  if (closing != kClosing.npos) {
    if (open.empty() || open.back() != kOpening[closing])
      return fail("unexpected '" + std::string(symbol) + "'");
    open.pop_back();
  }
  push(Token::Kind::symbol, symbol);
  advance(at + symbol.size());
}

} // namespace

bool tokenize(Ast *ast, std::vector<Token> *out, std::string *error) {
  Lexer lexer(ast, out);
  if (lexer.run())
    return true;
  *error = std::move(lexer.error);
  return false;
}

} // namespace modelc::jinja
