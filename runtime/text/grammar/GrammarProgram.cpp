//===- GrammarProgram.cpp - A grammar as an automaton of bytes with calls
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   root ::= "a" [b-c]*
//     ==> 1 take 'b'..'c' -> 2
//         2 fork -> 1, 0
//         3 take 'a' -> 2        start 3
//
// Built from the end: each expression is compiled with the node that follows
// it. A class of more than one range is a rule that is made once, so that a
// repetition copies a call of it. Then left recursion is refused, and a root
// that cannot end; the matcher relies on both.
//
//===----------------------------------------------------------------------===//

#include "GrammarProgram.h"
#include "Utf8Ranges.h"
#include <map>

namespace modelc::grammar {
namespace {

using Kind = Expression::Kind;
using Node = GrammarProgram::Node;
using Op = GrammarProgram::Op;

class GrammarCompiler {
public:
  GrammarCompiler(const Grammar &grammar, GrammarProgram *out)
      : grammar(grammar), out(*out) {}

  bool compileAll();

  std::string error;

private:
  bool fail(std::string what) {
    if (error.empty())
      error = std::move(what);
    return false;
  }

  uint32_t add(Node node);
  uint32_t addTake(ByteRange bytes, uint32_t next);
  uint32_t compile(uint32_t expression, uint32_t next);
  uint32_t compileSet(uint32_t index, uint32_t next);
  uint32_t compileSetRule(const std::vector<CodePointRange> &ranges);
  uint32_t compileRepeat(const Expression &repeat, uint32_t next);
  void resolveCalls();
  void findByteClasses();

  const Grammar &grammar;
  GrammarProgram &out;
  /// Of each rule, once it is compiled.
  std::vector<uint32_t> starts;
  /// Calls whose `other` is still the number of a rule.
  std::vector<uint32_t> openCalls;
  /// Begins of the rules made of classes, by what is in them.
  std::map<std::vector<uint32_t>, uint32_t> setRules;
  /// [expression] The same, of those that were made.
  std::vector<uint32_t> sets;
  /// Expressions that were compiled, copies counted: those that make no node
  /// cost time, too.
  size_t steps = 0;
};

/// What holds of nodes and is found by going on until nothing changes.
class GrammarFacts {
public:
  explicit GrammarFacts(const GrammarProgram &program) : program(program) {}

  /// [node] Whether the rule can end from here, without reading if
  /// `isEmpty`.
  std::vector<bool> findEnding(bool isEmpty) const;

  /// The begin of a rule that calls itself before it reads; kNone without one.
  uint32_t findLeftRecursion() const;

  static constexpr uint32_t kNone = UINT32_MAX;

private:
  std::vector<std::vector<uint32_t>>
  leftCalls(std::vector<uint32_t> *begins) const;

  const GrammarProgram &program;
};

bool GrammarCompiler::compileAll() {
  out = {};
  sets.assign(grammar.expressions.size(), GrammarFacts::kNone);
  add({Op::give});
  for (const Grammar::Rule &rule : grammar.rules) {
    starts.push_back(compile(rule.body, GrammarProgram::kGive));
    if (!error.empty())
      return false;
  }
  resolveCalls();
  out.start = starts[grammar.root];
  findByteClasses();
  GrammarFacts facts(out);
  uint32_t recursive = facts.findLeftRecursion();
  for (size_t rule = 0; rule < starts.size(); ++rule)
    if (recursive == starts[rule] && recursive != GrammarFacts::kNone)
      return fail("line " + std::to_string(grammar.rules[rule].line) +
                  ": the rule '" + grammar.rules[rule].name +
                  "' is left-recursive: it calls itself before it has read "
                  "anything");
  if (!facts.findEnding(false)[out.start])
    return fail("the rule 'root' can never end");
  return true;
}

uint32_t GrammarCompiler::add(Node node) {
  if (out.nodes.size() == kMaxNodes) {
    fail("the grammar is too large: its repetitions make more than " +
         std::to_string(kMaxNodes) + " parts");
    return GrammarProgram::kGive;
  }
  out.nodes.push_back(node);
  return static_cast<uint32_t>(out.nodes.size() - 1);
}

uint32_t GrammarCompiler::addTake(ByteRange bytes, uint32_t next) {
  return add({Op::take, bytes.low, bytes.high, next, 0});
}

uint32_t GrammarCompiler::compile(uint32_t index, uint32_t next) {
  const Expression &expression = grammar.expressions[index];
  if (++steps > kMaxNodes)
    fail("the grammar is too large: its repetitions make more than " +
         std::to_string(kMaxNodes) + " parts");
  if (!error.empty())
    return next;
  switch (expression.kind) {
  case Kind::text:
    for (size_t at = expression.text.size(); at-- > 0;) {
      uint8_t byte = static_cast<uint8_t>(expression.text[at]);
      next = addTake({byte, byte}, next);
    }
    return next;
  case Kind::set:
    return compileSet(index, next);
  case Kind::rule: {
    uint32_t call = add({Op::call, 0, 0, next, expression.rule});
    openCalls.push_back(call);
    return call;
  }
  case Kind::sequence:
    for (size_t at = expression.parts.size(); at-- > 0;)
      next = compile(expression.parts[at], next);
    return next;
  case Kind::choice: {
    uint32_t result = compile(expression.parts.back(), next);
    for (size_t at = expression.parts.size() - 1; at-- > 0;) {
      uint32_t part = compile(expression.parts[at], next);
      result = add({Op::fork, 0, 0, part, result});
    }
    return result;
  }
  case Kind::repeat:
    return compileRepeat(expression, next);
  }
  return next;
}

uint32_t GrammarCompiler::compileSet(uint32_t index, uint32_t next) {
  const std::vector<CodePointRange> &ranges = grammar.expressions[index].ranges;
  if (ranges.size() == 1 && ranges[0].last < 0x80)
    return addTake({static_cast<uint8_t>(ranges[0].first),
                    static_cast<uint8_t>(ranges[0].last)},
                   next);
  // Made once for each expression, however often it is copied.
  uint32_t &made = sets[index];
  if (made == GrammarFacts::kNone)
    made = compileSetRule(ranges);
  return add({Op::call, 0, 0, next, made});
}

/// The begin of a rule that is one of `ranges`, also for other expressions of
/// the same.
uint32_t
GrammarCompiler::compileSetRule(const std::vector<CodePointRange> &ranges) {
  std::vector<ByteSequence> sequences;
  std::vector<uint32_t> key;
  for (const CodePointRange &range : ranges) {
    splitUtf8(range.first, range.last, &sequences);
    key.insert(key.end(), {range.first, range.last});
  }
  auto [entry, isNew] = setRules.try_emplace(std::move(key), 0);
  if (!isNew)
    return entry->second;
  uint32_t result = GrammarFacts::kNone;
  for (const ByteSequence &sequence : sequences) {
    uint32_t part = GrammarProgram::kGive;
    for (size_t at = sequence.size(); at-- > 0;)
      part = addTake(sequence[at], part);
    result = result == GrammarFacts::kNone
                 ? part
                 : add({Op::fork, 0, 0, part, result});
  }
  return entry->second = result;
}

uint32_t GrammarCompiler::compileRepeat(const Expression &repeat,
                                        uint32_t next) {
  uint32_t part = repeat.parts[0];
  if (repeat.most == kNoLimit) {
    uint32_t loop = add({Op::fork, 0, 0, 0, next});
    // Compiling may move the nodes.
    uint32_t body = compile(part, loop);
    out.nodes[loop].next = body;
    next = loop;
  } else {
    uint32_t end = next;
    for (uint32_t at = repeat.least; at < repeat.most && error.empty(); ++at) {
      uint32_t body = compile(part, next);
      next = add({Op::fork, 0, 0, body, end});
    }
  }
  for (uint32_t at = 0; at < repeat.least && error.empty(); ++at)
    next = compile(part, next);
  return next;
}

void GrammarCompiler::resolveCalls() {
  for (uint32_t call : openCalls)
    out.nodes[call].other = starts[out.nodes[call].other];
}

void GrammarCompiler::findByteClasses() {
  std::array<bool, 257> isBegin = {};
  for (const Node &node : out.nodes) {
    if (node.op != Op::take)
      continue;
    isBegin[node.low] = true;
    isBegin[node.high + 1] = true;
  }
  uint32_t current = 0;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    current += byte > 0 && isBegin[byte];
    out.classOf[byte] = static_cast<uint8_t>(current);
  }
  out.classCount = current + 1;
}

std::vector<bool> GrammarFacts::findEnding(bool isEmpty) const {
  const std::vector<Node> &nodes = program.nodes;
  // [node] The nodes that may end if it does.
  std::vector<std::vector<uint32_t>> users(nodes.size());
  for (uint32_t at = 1; at < nodes.size(); ++at) {
    users[nodes[at].next].push_back(at);
    if (nodes[at].op == Op::fork || nodes[at].op == Op::call)
      users[nodes[at].other].push_back(at);
  }
  std::vector<bool> ends(nodes.size());
  std::vector<uint32_t> found = {GrammarProgram::kGive};
  ends[GrammarProgram::kGive] = true;
  while (!found.empty()) {
    uint32_t ended = found.back();
    found.pop_back();
    for (uint32_t at : users[ended]) {
      const Node &node = nodes[at];
      bool now = node.op == Op::fork   ? true
                 : node.op == Op::call ? ends[node.next] && ends[node.other]
                                       : !isEmpty;
      if (ends[at] || !now)
        continue;
      ends[at] = true;
      found.push_back(at);
    }
  }
  return ends;
}

/// [*begins of rules] The begins that are called before anything is read.
std::vector<std::vector<uint32_t>>
GrammarFacts::leftCalls(std::vector<uint32_t> *begins) const {
  const std::vector<Node> &nodes = program.nodes;
  std::vector<bool> canBeEmpty = findEnding(true);
  std::vector<uint32_t> indexOf(nodes.size(), kNone);
  for (const Node &node : nodes)
    if (node.op == Op::call && indexOf[node.other] == kNone) {
      indexOf[node.other] = static_cast<uint32_t>(begins->size());
      begins->push_back(node.other);
    }
  std::vector<std::vector<uint32_t>> calls(begins->size());
  std::vector<uint32_t> seenBy(nodes.size(), kNone);
  std::vector<uint32_t> open;
  for (uint32_t begin = 0; begin < begins->size(); ++begin) {
    open = {(*begins)[begin]};
    while (!open.empty()) {
      uint32_t at = open.back();
      open.pop_back();
      if (seenBy[at] == begin)
        continue;
      seenBy[at] = begin;
      const Node &node = nodes[at];
      if (node.op == Op::fork) {
        open.insert(open.end(), {node.next, node.other});
      } else if (node.op == Op::call) {
        calls[begin].push_back(indexOf[node.other]);
        if (canBeEmpty[node.other])
          open.push_back(node.next);
      }
    }
  }
  return calls;
}

/// Looks for a cycle of left calls; the depth of the search is that of rules,
/// so it has a stack of its own.
uint32_t GrammarFacts::findLeftRecursion() const {
  std::vector<uint32_t> begins;
  std::vector<std::vector<uint32_t>> calls = leftCalls(&begins);
  enum : uint8_t { unseen, open, done };
  std::vector<uint8_t> states(begins.size(), unseen);
  struct Frame {
    uint32_t rule;
    size_t nextCall;
  };
  std::vector<Frame> path;
  for (uint32_t first = 0; first < begins.size(); ++first) {
    if (states[first] != unseen)
      continue;
    path.push_back({first, 0});
    states[first] = open;
    while (!path.empty()) {
      Frame &frame = path.back();
      if (frame.nextCall == calls[frame.rule].size()) {
        states[frame.rule] = done;
        path.pop_back();
        continue;
      }
      uint32_t called = calls[frame.rule][frame.nextCall++];
      if (states[called] == open)
        return begins[called];
      if (states[called] == unseen) {
        states[called] = open;
        path.push_back({called, 0});
      }
    }
  }
  return kNone;
}

} // namespace

bool compileGrammar(const Grammar &grammar, GrammarProgram *out,
                    std::string *error) {
  GrammarCompiler compiler(grammar, out);
  if (compiler.compileAll())
    return true;
  *error = std::move(compiler.error);
  return false;
}

} // namespace modelc::grammar
