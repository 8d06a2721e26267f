//===- CommandLine.cpp - Options of a command, parsed strictly
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   {"--temp=0.5", "-n", "12", "x.mplan"}
//     ==> temperature = 0.5, predictTokens = 12, positionals {"x.mplan"}
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"
#include <charconv>
#include <cmath>

namespace modelc::tools {
namespace {

template <typename T> std::optional<T> parseNumber(std::string_view text) {
  T value;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end)
    return std::nullopt;
  return value;
}

std::optional<std::vector<int32_t>> parseIds(std::string_view text) {
  std::vector<int32_t> ids;
  while (true) {
    size_t comma = text.find(',');
    std::optional<int32_t> id = parseNumber<int32_t>(text.substr(0, comma));
    if (!id || *id < 0)
      return std::nullopt;
    ids.push_back(*id);
    if (comma == text.npos)
      return ids;
    text.remove_prefix(comma + 1);
  }
}

} // namespace

std::optional<int64_t> parseInteger(std::string_view text) {
  return parseNumber<int64_t>(text);
}

std::optional<uint64_t> parseUnsigned(std::string_view text) {
  return parseNumber<uint64_t>(text);
}

std::optional<float> parseReal(std::string_view text) {
  std::optional<float> value = parseNumber<float>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

void CommandLine::addFlag(std::string name, bool *target) {
  options.push_back({std::move(name), false,
                     [=](std::string_view) {
                       *target = true;
                       return true;
                     },
                     ""});
}

void CommandLine::addString(std::string name,
                            std::optional<std::string> *target) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       *target = std::string(value);
                       return true;
                     },
                     "a text"});
}

void CommandLine::addStrings(std::string name,
                             std::vector<std::string> *target) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       target->emplace_back(value);
                       return true;
                     },
                     "a text"});
}

void CommandLine::addInteger(std::string name, int64_t minimum, int64_t maximum,
                             std::optional<int64_t> *target) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       std::optional<int64_t> number = parseInteger(value);
                       if (!number || *number < minimum || *number > maximum)
                         return false;
                       *target = number;
                       return true;
                     },
                     "a number of " + std::to_string(minimum) + " to " +
                         std::to_string(maximum)});
}

void CommandLine::addUnsigned(std::string name,
                              std::optional<uint64_t> *target) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       *target = parseUnsigned(value);
                       return target->has_value();
                     },
                     "a number of 0 to 2^64 - 1"});
}

void CommandLine::addReal(std::string name, float *target) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       std::optional<float> number = parseReal(value);
                       if (number)
                         *target = *number;
                       return number.has_value();
                     },
                     "a decimal number"});
}

void CommandLine::addIds(std::string name,
                         std::optional<std::vector<int32_t>> *target,
                         std::string expected) {
  options.push_back({std::move(name), true,
                     [=](std::string_view value) {
                       *target = parseIds(value);
                       return target->has_value();
                     },
                     std::move(expected)});
}

const CommandLine::Option *CommandLine::find(std::string_view name) const {
  for (const Option &option : options)
    if (option.name == name)
      return &option;
  return nullptr;
}

bool CommandLine::parse(std::span<const char *const> arguments,
                        std::string *error) {
  for (size_t at = 0; at < arguments.size(); ++at) {
    std::string_view argument = arguments[at];
    if (argument == "--") {
      others.insert(others.end(), arguments.begin() + at + 1, arguments.end());
      return true;
    }
    if (!argument.starts_with('-') || argument == "-") {
      others.emplace_back(argument);
      continue;
    }
    size_t equals = argument.find('=');
    std::string name(argument.substr(0, equals));
    const Option *option = find(name);
    if (!option) {
      *error = "unknown option " + name;
      return false;
    }
    bool hasInlineValue = equals != argument.npos;
    if (!option->hasValue && hasInlineValue) {
      *error = name + " takes no value";
      return false;
    }
    std::string_view value;
    if (hasInlineValue) {
      value = argument.substr(equals + 1);
    } else if (option->hasValue) {
      if (++at == arguments.size()) {
        *error = name + " needs a value: " + option->expected;
        return false;
      }
      value = arguments[at];
    }
    if (!option->set(value)) {
      *error = name + ": found '" + std::string(value) + "', expected " +
               option->expected;
      return false;
    }
  }
  return true;
}

} // namespace modelc::tools
