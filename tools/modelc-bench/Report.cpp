//===- Report.cpp - Prints a measurement
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   BenchResult ==> {"target": "cascadelake", "prefill_tokens_per_s": 1234.5,
//                    ...}
//               ==> "prefill   1234.5 tokens/s (1200.1 .. 1250.9)" ...
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include <cinttypes>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace modelc::tools {
namespace {

/// printf onto a string.
[[gnu::format(printf, 2, 3)]] void append(std::string &text, const char *format,
                                          ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  text += line;
}

/// part / whole; NaN if the whole is unknown.
double share(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}

/// Unknown where 0 means that it was not measured.
double known(double value) { return value > 0 ? value : NAN; }

/// Writes one JSON object, member by member.
class JsonObject {
public:
  explicit JsonObject(std::string &text, const char *separator)
      : text(text), separator(separator) {
    text += "{";
  }
  void close() { text += "}"; }

  void number(const char *key, double value) {
    begin(key);
    if (std::isfinite(value))
      append(text, "%.6g", value);
    else
      text += "null";
  }
  void integer(const char *key, uint64_t value) {
    begin(key);
    append(text, "%" PRIu64, value);
  }
  void string(const char *key, const std::string &value) {
    begin(key);
    text += '"';
    for (char c : value) {
      if (static_cast<unsigned char>(c) < 0x20)
        append(text, "\\u%04x", c);
      else if (c == '"' || c == '\\')
        (text += '\\') += c;
      else
        text += c;
    }
    text += '"';
  }
  void samples(const std::string &key, const Samples &value) {
    number(key.c_str(), known(value.median));
    number((key + "_min").c_str(), known(value.min));
    number((key + "_max").c_str(), known(value.max));
  }
  /// Begins a member whose value the caller appends.
  void begin(const char *key) {
    if (hasMembers)
      text += ",";
    hasMembers = true;
    text += separator;
    append(text, "\"%s\": ", key);
  }

private:
  std::string &text;
  const char *separator;
  bool hasMembers = false;
};

/// Per call of the model: `tokens` times in a decode profile.
void appendProfileJson(std::string &text, const std::vector<ProfileRow> &rows,
                       const BenchResult &result, double calls) {
  text += "[";
  for (const ProfileRow &row : rows) {
    text += &row == rows.data() ? "\n    " : ",\n    ";
    double nanoseconds = static_cast<double>(row.nanoseconds);
    double gbPerSecond = static_cast<double>(row.bytes) / nanoseconds;
    double gops = static_cast<double>(row.ops) / nanoseconds;
    JsonObject object(text, " ");
    object.string("step", row.name);
    object.string("kernel", row.kernel);
    object.number("calls", static_cast<double>(row.calls) / calls);
    object.number("ms", nanoseconds / calls / 1e6);
    object.number("bytes", static_cast<double>(row.bytes) / calls);
    object.number("ops", static_cast<double>(row.ops) / calls);
    object.number("gb_per_s", gbPerSecond);
    object.number("gb_share", share(gbPerSecond, result.readGbPerSecond));
    object.number("gops", gops);
    object.number("gops_share", share(gops, result.int8Gops));
    object.close();
  }
  text += "]";
}

void appendProfileTable(std::string &text, const char *title,
                        const std::vector<ProfileRow> &rows,
                        const BenchResult &result, double calls) {
  if (rows.empty())
    return;
  double total = 0;
  for (const ProfileRow &row : rows)
    total += static_cast<double>(row.nanoseconds);
  append(text, "\n%s: %.3f ms in steps\n", title, total / calls / 1e6);
  append(text, "%9s %6s %6s %9s %6s %9s %6s  %s\n", "ms", "%", "calls", "GB/s",
         "%max", "GOPS", "%max", "step (kernel)");
  for (const ProfileRow &row : rows) {
    double nanoseconds = static_cast<double>(row.nanoseconds);
    double gbPerSecond = static_cast<double>(row.bytes) / nanoseconds;
    double gops = static_cast<double>(row.ops) / nanoseconds;
    append(text, "%9.3f %6.1f %6.0f %9.2f %6.1f %9.1f %6.1f  %s (%s)\n",
           nanoseconds / calls / 1e6, 100 * nanoseconds / total,
           static_cast<double>(row.calls) / calls, gbPerSecond,
           100 * share(gbPerSecond, result.readGbPerSecond), gops,
           100 * share(gops, result.int8Gops), row.name.c_str(),
           row.kernel.c_str());
  }
}

} // namespace

std::string formatJson(const BenchOptions &options, const BenchResult &result) {
  double decodeGb = result.decodeWeightGbPerSecond();
  double prefillGops = result.prefillGops(options.promptTokens);
  std::string text;
  JsonObject object(text, "\n  ");
  object.string("file", options.file);
  object.string("target", result.target);
  object.string("architecture", result.architecture);
  object.string("model", result.modelName);
  object.integer("weight_bytes", result.weightBytes);
  object.integer("threads", result.threads);
  object.integer("prompt_tokens", options.promptTokens);
  object.integer("decode_tokens", options.decodeTokens);
  object.integer("repetitions", options.repetitions);
  object.number("open_ms", result.openMs);
  object.number("first_logits_ms", result.firstLogitsMs);
  object.samples("prefill_tokens_per_s", result.prefillTokensPerSecond);
  object.samples("decode_tokens_per_s", result.decodeTokensPerSecond);
  object.number("decode_weight_gb_per_s", known(decodeGb));
  object.number("decode_weight_share",
                share(known(decodeGb), result.readGbPerSecond));
  object.number("prefill_gops", prefillGops);
  object.number("prefill_share", share(prefillGops, result.int8Gops));
  object.integer("peak_rss_bytes", result.peakRssBytes);
  object.number("read_gb_per_s", known(result.readGbPerSecond));
  object.number("int8_gops", known(result.int8Gops));
  if (options.profile) {
    object.begin("prefill_profile");
    appendProfileJson(text, result.prefillProfile, result, 1);
    object.begin("decode_profile");
    appendProfileJson(text, result.decodeProfile, result,
                      result.profiledDecodes);
  }
  text += "\n";
  object.close();
  text += "\n";
  return text;
}

std::string formatTable(const BenchOptions &options,
                        const BenchResult &result) {
  const Samples &prefill = result.prefillTokensPerSecond;
  const Samples &decode = result.decodeTokensPerSecond;
  double decodeGb = result.decodeWeightGbPerSecond();
  double prefillGops = result.prefillGops(options.promptTokens);
  std::string text;
  append(text, "plan      %s\n", options.file.c_str());
  append(text, "model     %s, %s, %.1f MB of weights\n",
         result.modelName.c_str(), result.architecture.c_str(),
         static_cast<double>(result.weightBytes) / 1e6);
  append(text, "target    %s, %u threads\n", result.target.c_str(),
         result.threads);
  append(text, "open      %.2f ms, first logits after %.2f ms\n", result.openMs,
         result.firstLogitsMs);
  append(text, "prefill   %.1f tokens/s (%.1f .. %.1f) of %u tokens\n",
         prefill.median, prefill.min, prefill.max, options.promptTokens);
  append(text, "          %.1f GOPS, %.1f %% of the ceiling\n", prefillGops,
         100 * share(prefillGops, result.int8Gops));
  if (options.decodeTokens > 0) {
    append(text, "decode    %.1f tokens/s (%.1f .. %.1f) of %u tokens\n",
           decode.median, decode.min, decode.max, options.decodeTokens);
    append(text, "          %.2f GB/s of weights, %.1f %% of the ceiling\n",
           decodeGb, 100 * share(decodeGb, result.readGbPerSecond));
  }
  append(text, "ceilings  read %.2f GB/s, int8 %.1f GOPS\n",
         result.readGbPerSecond, result.int8Gops);
  append(text, "memory    %.1f MB at its peak\n",
         static_cast<double>(result.peakRssBytes) / 1e6);
  if (options.profile) {
    appendProfileTable(text, "prefill", result.prefillProfile, result, 1);
    appendProfileTable(text, "decode of a token", result.decodeProfile, result,
                       result.profiledDecodes);
  }
  return text;
}

} // namespace modelc::tools
