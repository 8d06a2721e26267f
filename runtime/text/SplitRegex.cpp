//===- SplitRegex.cpp - The regexes of pre-tokenizers, read
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   " ?\p{L}+"  ==>  0 match
//                    1 fork 2 0        after a letter: another, else match
//                    2 take {L}   1
//                    3 fork 4 2        the space, else at once a letter
//                    4 take {' '} 2    start: 3
//
// Reading gives a tree; the program is made of it from the end to the front,
// so that every part knows where it continues.
//
//===----------------------------------------------------------------------===//

#include "SplitRegex.h"
#include "Utf8.h"
#include <algorithm>
#include <charconv>

namespace modelc::text {
namespace {

/// White_Space (PropList.txt), which is stable since Unicode 6.3.
constexpr CodePointRange kSpaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
    {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f},
    {0x205f, 0x205f}, {0x3000, 0x3000}};

/// Script=Han (Scripts.txt of Unicode 15).
constexpr CodePointRange kHan[] = {
    {0x2e80, 0x2e99},   {0x2e9b, 0x2ef3},   {0x2f00, 0x2fd5},
    {0x3005, 0x3005},   {0x3007, 0x3007},   {0x3021, 0x3029},
    {0x3038, 0x303b},   {0x3400, 0x4dbf},   {0x4e00, 0x9fff},
    {0xf900, 0xfa6d},   {0xfa70, 0xfad9},   {0x16fe2, 0x16fe3},
    {0x16ff0, 0x16ff1}, {0x20000, 0x2a6df}, {0x2a700, 0x2b739},
    {0x2b740, 0x2b81d}, {0x2b820, 0x2cea1}, {0x2ceb0, 0x2ebe0},
    {0x2f800, 0x2fa1d}, {0x30000, 0x3134a}, {0x31350, 0x323af}};

constexpr uint32_t kUnlimited = UINT32_MAX;

struct Node {
  enum class Kind { set, sequence, alternatives, repeat, notAhead };

  Kind kind = Kind::sequence;
  uint32_t set = 0;
  uint32_t least = 0;
  uint32_t most = 0;
  std::vector<Node> children = {};
};

/// Reads a regex from left to right; `good` turns false at the first thing
/// that is no regex, and stays so.
class Reader {
public:
  Reader(std::string_view regex, std::vector<CodePointSet> &sets)
      : rest(regex), sets(sets) {}

  /// Alternatives up to the end of the regex or an unmatched ')'.
  Node readAlternatives();
  bool isWhole() const { return good && rest.empty(); }

private:
  Node readSequence();
  Node readAtom();
  Node readGroup();
  Node readQuantified(Node atom);
  CodePointUnion readClass(std::vector<CodePointUnion> *others);
  CodePointUnion oneCodePoint(uint32_t code) const;
  CodePointUnion readEscape();
  CodePointUnion readProperty();
  std::string_view readBraced();
  uint32_t readHexadecimal();
  uint32_t readNumber();
  uint32_t readCodePoint();
  Node setNode(std::vector<CodePointUnion> parts);
  bool skip(std::string_view text);

  std::string_view rest;
  std::vector<CodePointSet> &sets;
  bool good = true;
  bool anyCase = false;
};

bool Reader::skip(std::string_view text) {
  if (!rest.starts_with(text))
    return false;
  rest.remove_prefix(text.size());
  return true;
}

Node Reader::readAlternatives() {
  Node node = {.kind = Node::Kind::alternatives};
  do
    node.children.push_back(readSequence());
  while (skip("|"));
  return node;
}

Node Reader::readSequence() {
  Node node = {.kind = Node::Kind::sequence};
  while (good && !rest.empty() && rest[0] != '|' && rest[0] != ')')
    node.children.push_back(readQuantified(readAtom()));
  return node;
}

Node Reader::readAtom() {
  if (rest.empty()) {
    good = false;
    return {};
  }
  if (skip("("))
    return readGroup();
  if (skip("[")) {
    std::vector<CodePointUnion> parts;
    CodePointUnion first = readClass(&parts);
    parts.insert(parts.begin(), std::move(first));
    return setNode(std::move(parts));
  }
  if (skip("\\"))
    return setNode({readEscape()});
  good &= std::string_view("?*+{}]^$.").find(rest[0]) == std::string_view::npos;
  return setNode({oneCodePoint(readCodePoint())});
}

/// The set of `code`, or of all that is equal to it without regard to case.
CodePointUnion Reader::oneCodePoint(uint32_t code) const {
  CodePointUnion one = {.ranges = {{code, code}}};
  uint32_t small = code | 0x20;
  if (!anyCase || code >= 0x80 || small < 'a' || small > 'z')
    return one;
  one.ranges = {{small, small}, {small ^ 0x20, small ^ 0x20}};
  // The two letters beyond ASCII whose case folds into it.
  if (small == 's')
    one.ranges.push_back({0x17f, 0x17f});
  if (small == 'k')
    one.ranges.push_back({0x212a, 0x212a});
  return one;
}

/// What follows a '('.
Node Reader::readGroup() {
  if (skip("?!")) {
    Node ahead = readAtom();
    good &= ahead.kind == Node::Kind::set && skip(")");
    return {.kind = Node::Kind::notAhead, .set = ahead.set};
  }
  bool before = anyCase;
  if (skip("?i:"))
    anyCase = true;
  else
    skip("?:");
  Node group = readAlternatives();
  anyCase = before;
  good &= skip(")");
  return group;
}

Node Reader::readQuantified(Node atom) {
  Node repeat = {.kind = Node::Kind::repeat};
  if (skip("?")) {
    repeat.most = 1;
  } else if (skip("*")) {
    repeat.most = kUnlimited;
  } else if (skip("+")) {
    repeat.least = 1;
    repeat.most = kUnlimited;
  } else if (skip("{")) {
    repeat.least = repeat.most = readNumber();
    if (skip(","))
      repeat.most = readNumber();
    good &= repeat.most >= repeat.least && skip("}");
  } else {
    return atom;
  }
  good &= atom.kind != Node::Kind::notAhead;
  repeat.children.push_back(std::move(atom));
  return repeat;
}

uint32_t Reader::readNumber() {
  size_t digits = 0;
  uint32_t number = 0;
  while (digits < 4 && digits < rest.size() && rest[digits] >= '0' &&
         rest[digits] <= '9')
    number = number * 10 + static_cast<uint32_t>(rest[digits++] - '0');
  good &= digits > 0;
  rest.remove_prefix(digits);
  return number;
}

uint32_t Reader::readCodePoint() {
  if (rest.empty()) {
    good = false;
    return 0;
  }
  CodePoint point = firstCodePoint(rest);
  rest.remove_prefix(point.bytes);
  return point.value;
}

/// What follows a '\\', inside a class or not.
CodePointUnion Reader::readEscape() {
  CodePointUnion set;
  uint32_t code = readCodePoint();
  switch (code) {
  case 'S':
    set.negated = true;
    [[fallthrough]];
  case 's':
    set.ranges.assign(std::begin(kSpaces), std::end(kSpaces));
    return set;
  case 'd':
    set.categories = categoriesNamed("Nd");
    return set;
  case 'p':
    return readProperty();
  case 'x':
    code = readHexadecimal();
    break;
  case 'r':
    code = '\r';
    break;
  case 'n':
    code = '\n';
    break;
  case 't':
    code = '\t';
    break;
  default:
    // Only punctuation stands for itself.
    good &= code < 0x80 && !(code >= '0' && code <= '9') &&
            !((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
  }
  set.ranges = {{code, code}};
  return set;
}

/// What stands in the braces that follow.
std::string_view Reader::readBraced() {
  size_t end = rest.find('}');
  if (!skip("{") || end == rest.npos) {
    good = false;
    return {};
  }
  std::string_view inside = rest.substr(0, end - 1);
  rest.remove_prefix(end);
  return inside;
}

/// What follows "\\p".
CodePointUnion Reader::readProperty() {
  std::string_view name = readBraced();
  if (name == "Han")
    return {.ranges = {std::begin(kHan), std::end(kHan)}};
  uint32_t categories = categoriesNamed(name);
  good &= categories != 0;
  return {.categories = categories};
}

/// What follows "\\x".
uint32_t Reader::readHexadecimal() {
  uint32_t code = 0;
  std::string_view digits = readBraced();
  auto [end, error] = std::from_chars(
      digits.data(), digits.data() + digits.size(), code, /*base=*/16);
  good &= error == std::errc() && end == digits.data() + digits.size() &&
          code <= kMaxCodePoint;
  return code;
}

/// What follows a '['. Sets that it is to be cut with are added to `others`.
CodePointUnion Reader::readClass(std::vector<CodePointUnion> *others) {
  CodePointUnion all;
  all.negated = skip("^");
  while (good && !skip("]")) {
    if (skip("&&[")) {
      others->push_back(readClass(others));
      continue;
    }
    CodePointUnion item =
        skip("\\") ? readEscape() : oneCodePoint(readCodePoint());
    if (rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      CodePointUnion last =
          skip("\\") ? readEscape() : oneCodePoint(readCodePoint());
      // Both ends are single code points, in order.
      for (const CodePointUnion &end : {item, last})
        good &= end.ranges.size() == 1 && end.categories == 0;
      if (!good)
        return all;
      item.ranges[0].last = last.ranges[0].last;
      good &= item.ranges[0].first <= item.ranges[0].last;
    }
    good &= !item.negated;
    all.categories |= item.categories;
    all.ranges.insert(all.ranges.end(), item.ranges.begin(), item.ranges.end());
  }
  return all;
}

Node Reader::setNode(std::vector<CodePointUnion> parts) {
  CodePointSet set = {std::move(parts)};
  auto found = std::find(sets.begin(), sets.end(), set);
  uint32_t index = static_cast<uint32_t>(found - sets.begin());
  if (found == sets.end())
    sets.push_back(std::move(set));
  return {.kind = Node::Kind::set, .set = index};
}

uint32_t add(RegexProgram &program, RegexProgram::Instruction instruction) {
  program.code.push_back(instruction);
  return static_cast<uint32_t>(program.code.size() - 1);
}

/// Appends the code of `node`, which continues at `next`; returns its start.
uint32_t emit(RegexProgram &program, const Node &node, uint32_t next) {
  using Op = RegexProgram::Op;
  switch (node.kind) {
  case Node::Kind::set:
    return add(program, {Op::take, node.set, next});
  case Node::Kind::notAhead:
    return add(program, {Op::notAhead, node.set, next});
  case Node::Kind::sequence:
    for (size_t at = node.children.size(); at-- > 0;)
      next = emit(program, node.children[at], next);
    return next;
  case Node::Kind::alternatives: {
    uint32_t start = emit(program, node.children.back(), next);
    for (size_t at = node.children.size() - 1; at-- > 0;) {
      uint32_t first = emit(program, node.children[at], next);
      start = add(program, {Op::fork, 0, first, start});
    }
    return start;
  }
  case Node::Kind::repeat:
    break;
  }
  const Node &child = node.children.front();
  uint32_t start = next;
  if (node.most == kUnlimited) {
    start = add(program, {Op::fork, 0, 0, next});
    uint32_t body = emit(program, child, start);
    program.code[start].next = body;
  } else {
    for (uint32_t count = node.least; count < node.most; ++count) {
      uint32_t first = emit(program, child, start);
      start = add(program, {Op::fork, 0, first, next});
    }
  }
  for (uint32_t count = 0; count < node.least; ++count)
    start = emit(program, child, start);
  return start;
}

} // namespace

bool CodePointUnion::contains(uint32_t codePoint, Category category) const {
  bool isIn = categories >> static_cast<uint32_t>(category) & 1;
  for (const CodePointRange &range : ranges)
    isIn |= range.first <= codePoint && codePoint <= range.last;
  return isIn != negated;
}

bool CodePointSet::contains(uint32_t codePoint, Category category) const {
  for (const CodePointUnion &part : parts)
    if (!part.contains(codePoint, category))
      return false;
  return true;
}

bool readRegex(std::string_view regex, RegexProgram *out) {
  *out = {};
  Reader reader(regex, out->sets);
  Node root = reader.readAlternatives();
  if (!reader.isWhole())
    return false;
  uint32_t match = add(*out, {RegexProgram::Op::match});
  out->start = emit(*out, root, match);
  return true;
}

} // namespace modelc::text
