//===- Heap.h - What a rendering may use, and what it owns
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A template is foreign code, so everything it does is paid for out of one
// budget: each step, each byte made, each byte looked at. When the budget is
// spent, nothing more is made and the rendering ends. Time and memory are thus
// bounded together, whatever the template is.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_TEXT_JINJA_HEAP_H
#define MODELC_RUNTIME_TEXT_JINJA_HEAP_H

#include "Value.h"
#include <deque>
#include <string>

namespace modelc::jinja {

class Heap {
public:
  explicit Heap(uint64_t budget) : left(budget) {}
  Heap(const Heap &) = delete;
  Heap &operator=(const Heap &) = delete;

  /// Pays `cost` units; false, and nothing is left, if there are fewer. A unit
  /// is a byte made; a step is kStepCost, a byte looked at 1 / 4.
  bool spend(uint64_t cost) {
    if (cost > left) {
      left = 0;
      return false;
    }
    left -= cost;
    return true;
  }
  bool isSpent() const { return left == 0; }
  uint64_t remaining() const { return left; }
  static constexpr uint64_t kStepCost = 16;
  /// Of a byte of the result, which the caller goes on to work with.
  static constexpr uint64_t kOutputCost = 16;

  /// Copies `text`; the empty string if the budget does not suffice.
  Value makeString(std::string text) {
    if (!spend(text.size() + sizeof(std::string)))
      return Value::of(std::string_view());
    strings.push_back(std::move(text));
    return Value::of(std::string_view(strings.back()));
  }

  /// A list of `items`; empty if the budget does not suffice.
  Value makeList(std::vector<Value> items, List::Form form = List::Form::list) {
    if (!spend(items.size() * sizeof(Value) + sizeof(List)))
      items.clear();
    lists.push_back({std::move(items), form});
    return Value::of(&lists.back());
  }

  /// An empty dict. Whoever fills it pays kItemCost for each item.
  Dict *makeDict() {
    spend(sizeof(Dict));
    return &dicts.emplace_back();
  }
  static constexpr uint64_t kItemCost = 2 * sizeof(Value);

private:
  uint64_t left;
  // Elements of a deque stay where they are.
  std::deque<std::string> strings;
  std::deque<List> lists;
  std::deque<Dict> dicts;
};

} // namespace modelc::jinja

#endif // MODELC_RUNTIME_TEXT_JINJA_HEAP_H
