//===- Builtins.cpp - What built-ins share, and the global functions
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   range(1, 4) ==> [1, 2, 3]     namespace(a=1) ==> a namespace with a
//
// raise_exception and strftime_now are not Jinja's: transformers gives them to
// chat templates.
//
//===----------------------------------------------------------------------===//

#include "Builtins.h"
#include "Interpreter.h"
#include <ctime>

namespace modelc::jinja {

std::string_view Call::text(size_t parameter, std::string_view otherwise) {
  if (!has(parameter) || bound[parameter]->is(Kind::none))
    return otherwise;
  if (bound[parameter]->isString())
    return bound[parameter]->string();
  fail(std::string("found ") + kindName(*bound[parameter]) +
       ", expected a string");
  return otherwise;
}

int64_t Call::integer(size_t parameter, int64_t otherwise) {
  if (!has(parameter) || bound[parameter]->is(Kind::none))
    return otherwise;
  if (bound[parameter]->isInteger())
    return bound[parameter]->asInteger();
  fail(std::string("found ") + kindName(*bound[parameter]) +
       ", expected a whole number");
  return otherwise;
}

bool Call::flag(size_t parameter, bool otherwise) {
  return has(parameter) ? isTrue(*bound[parameter]) : otherwise;
}

std::string_view Call::selfText() {
  interpreter.spend(self.textSize() / 4, line);
  return interpreter.toText(self, line);
}

std::string_view Call::searched(size_t parameter) {
  std::string_view part = text(parameter);
  // Nothing is searched for once there is nothing to pay with.
  if (!interpreter.spendSearch(self.textSize(), part.size(), line))
    return {};
  return part;
}

Value Call::fail(const std::string &text) {
  return interpreter.fail(line, std::string(name) + ": " + text);
}

const Builtin *find(std::span<const Builtin> table, std::string_view name) {
  for (const Builtin &builtin : table)
    if (builtin.name == name)
      return &builtin;
  return nullptr;
}

namespace {

Value range(Call &call) {
  // More than Jinja's sandbox allows is refused, too.
  constexpr uint64_t kMaxRange = 100000;
  bool hasStart = call.has(1);
  int64_t start = hasStart ? call.integer(0) : 0;
  int64_t stop = call.integer(hasStart ? 1 : 0);
  int64_t step = call.integer(2, 1);
  if (call.interpreter.failed())
    return {};
  if (step == 0)
    return call.fail("the step is 0");
  auto distance = static_cast<uint64_t>(stop) - static_cast<uint64_t>(start);
  auto stride = static_cast<uint64_t>(step);
  if (step < 0) {
    distance = -distance;
    stride = -stride;
  }
  uint64_t count = 0;
  if (step > 0 ? start < stop : start > stop)
    count = (distance - 1) / stride + 1;
  if (count > kMaxRange)
    return call.fail("more than " + std::to_string(kMaxRange) + " numbers");
  std::vector<Value> items;
  for (uint64_t at = 0; at < count; ++at)
    items.push_back(Value::of(start + static_cast<int64_t>(at) * step));
  return call.interpreter.memory().makeList(std::move(items));
}

/// The keywords, after those of a dict that may come first.
Value collect(Call &call, Kind kind) {
  Dict *dict = call.interpreter.memory().makeDict();
  auto add = [&](const Value &key, const Value &value) {
    if (call.interpreter.spend(Heap::kItemCost + dict->items.size(), call.line))
      dict->set(key, value);
  };
  for (const Value &other : call.arguments.positional) {
    if (!other.is(Kind::dict))
      return call.fail(std::string("found ") + kindName(other) +
                       ", expected a dict");
    for (const auto &[key, value] : other.dict->items)
      add(key, value);
  }
  for (const auto &[key, value] : call.arguments.keywords)
    add(Value::of(key), value);
  return Value::of(dict, kind);
}

Value nameSpace(Call &call) { return collect(call, Kind::nameSpace); }
Value dict(Call &call) { return collect(call, Kind::dict); }

Value raiseException(Call &call) {
  return call.interpreter.fail(
      call.line, "the template refuses: " + std::string(call.interpreter.toText(
                                                call.get(0), call.line)));
}

Value strftimeNow(Call &call) {
  std::string format(call.text(0));
  // No widths: glibc would fill them.
  for (size_t at = 0; at < format.size(); ++at)
    if (format[at] == '%') {
      size_t letter = format.find_first_not_of("-_0^#", at + 1);
      bool isKnown =
          letter != format.npos && letter - at <= 2 &&
          std::string_view("aAbBcdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%")
                  .find(format[letter]) != std::string_view::npos;
      if (!isKnown)
        return call.fail("the format is not understood here");
      at = letter;
    }
  time_t seconds = static_cast<time_t>(call.interpreter.time());
  tm parts;
  char buffer[512];
  if (format.size() > 100 || !localtime_r(&seconds, &parts))
    return call.fail("the format is too long");
  size_t bytes = std::strftime(buffer, sizeof(buffer), format.c_str(), &parts);
  return call.interpreter.makeString(std::string(buffer, bytes), call.line);
}

constexpr Builtin kGlobals[] = {
    {"range", range, {"start", "stop", "step"}, 1},
    {"namespace", nameSpace, {}, 0, true},
    {"dict", dict, {}, 0, true},
    {"raise_exception", raiseException, {"message"}, 1},
    {"strftime_now", strftimeNow, {"format"}, 1},
};

} // namespace

std::span<const Builtin> globals() { return kGlobals; }

} // namespace modelc::jinja
