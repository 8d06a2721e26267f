//===- CommandLine.h - Options of a command, parsed strictly
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For the tools that know only the runtime; the compiler's tools have LLVM's.
//
//   CommandLine line;
//   line.addInteger("-n", 0, INT32_MAX, &options.predictTokens);
//   line.addReal("--temp", &options.temperature);
//   if (!line.parse(arguments, &error)) ...
//
// An option with a value is written `--opt V` or `--opt=V`. What begins with
// no dash is positional; so is everything after `--`.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_RUN_COMMANDLINE_H
#define MODELC_TOOLS_MODELC_RUN_COMMANDLINE_H

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace modelc::tools {

/// Reads all of `text` as a decimal number; nothing else may stand there.
std::optional<int64_t> parseInteger(std::string_view text);
std::optional<uint64_t> parseUnsigned(std::string_view text);
std::optional<float> parseReal(std::string_view text);

class CommandLine {
public:
  /// Targets are written when their option is parsed. A second use of an
  /// option overrides the first.
  void addFlag(std::string name, bool *target);
  void addString(std::string name, std::optional<std::string> *target);
  /// Every use of the option adds a text.
  void addStrings(std::string name, std::vector<std::string> *target);
  /// Refuses numbers outside [`minimum`, `maximum`].
  void addInteger(std::string name, int64_t minimum, int64_t maximum,
                  std::optional<int64_t> *target);
  void addUnsigned(std::string name, std::optional<uint64_t> *target);
  void addReal(std::string name, float *target);
  /// Comma-separated numbers below 2^31, at least one.
  void addIds(std::string name, std::optional<std::vector<int32_t>> *target,
              std::string expected = "token ids like 1,2,3");

  /// Parses all of `arguments`. False, with `*error` naming the option, for
  /// the first that is unknown, lacks its value or has a wrong one.
  bool parse(std::span<const char *const> arguments, std::string *error);

  const std::vector<std::string> &positionals() const { return others; }

private:
  struct Option {
    std::string name;
    bool hasValue;
    /// Takes the value; false refuses it.
    std::function<bool(std::string_view)> set;
    /// What a right value looks like: "a number of 1 to 9".
    std::string expected;
  };

  const Option *find(std::string_view name) const;

  std::vector<Option> options;
  std::vector<std::string> others;
};

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_RUN_COMMANDLINE_H
