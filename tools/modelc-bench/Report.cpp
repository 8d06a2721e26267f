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

/// ", 50.0 % of the ceiling"; nothing if it is unknown.
std::string describeShare(double part, const std::string &whole) {
  std::string text;
  if (std::isfinite(part))
    append(text, ", %.1f %% of %s", 100 * part, whole.c_str());
  return text;
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

/// Per call of the model: `calls` is the number of tokens in a decode profile.
void appendProfileJson(std::string &text, const std::vector<ProfileRow> &rows,
                       const BenchResult &result, double calls) {
  text += "[";
  for (const ProfileRow &row : rows) {
    text += &row == rows.data() ? "\n    " : ",\n    ";
    RowShares shares = computeShares(row, result.ceilings);
    JsonObject object(text, " ");
    object.string("step", row.name);
    object.string("kernel", row.kernel);
    object.number("calls", static_cast<double>(row.calls) / calls);
    object.number("ms", static_cast<double>(row.nanoseconds) / calls / 1e6);
    object.number("wait_ms",
                  static_cast<double>(row.waitNanoseconds) / calls / 1e6);
    object.number("bytes", static_cast<double>(row.bytes) / calls);
    object.number("ops", static_cast<double>(row.ops) / calls);
    object.number("gb_per_s", row.gbPerSecond());
    object.number("gb_share", shares.read);
    object.number("gops", row.gops());
    object.number("gops_share", shares.ops);
    object.number("share", shares.nearest);
    object.close();
  }
  text += "]";
}

void appendBatchesJson(std::string &text,
                       const std::vector<BatchResult> &batches) {
  text += "[";
  for (const BatchResult &batch : batches) {
    text += &batch == batches.data() ? "\n    " : ",\n    ";
    JsonObject object(text, " ");
    object.integer("sequences", batch.sequences);
    object.samples("tokens_per_s", batch.tokensPerSecond);
    object.samples("step_ratio", batch.stepRatio);
    object.close();
  }
  text += "]";
}

/// In the order of time.
void appendDecodeSamplesJson(std::string &text,
                             const std::vector<DecodeSample> &samples) {
  text += "[";
  for (const DecodeSample &sample : samples) {
    text += &sample == samples.data() ? "\n    " : ",\n    ";
    JsonObject object(text, " ");
    object.number("tokens_per_s", sample.tokensPerSecond);
    object.number("read_gb_per_s", known(sample.readGbPerSecond));
    object.close();
  }
  text += "]";
}

void appendFixedCostJson(JsonObject &object, const FixedCost &cost) {
  object.number("decode_step_us", known(cost.step));
  object.number("fixed_us", cost.step > 0 ? cost.total() : NAN);
  object.number("fixed_share", cost.step > 0 ? cost.share() : NAN);
  object.number("fixed_outside_us", cost.outside);
  object.number("fixed_weightless_us", cost.weightless);
  object.number("fixed_waits_us", cost.waits);
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
  append(text, "%9s %6s %6s %6s %9s %9s %9s %6s %9s %6s  %s\n", "ms", "%",
         "%wait", "calls", "MB", "Mop", "GB/s", "%max", "GOPS", "%max",
         "step (kernel)");
  for (const ProfileRow &row : rows) {
    double nanoseconds = static_cast<double>(row.nanoseconds);
    RowShares shares = computeShares(row, result.ceilings);
    append(text,
           "%9.3f %6.1f %6.1f %6.0f %9.3f %9.3f %9.2f %6.1f %9.1f %6.1f  %s "
           "(%s)\n",
           nanoseconds / calls / 1e6, 100 * nanoseconds / total,
           100 * static_cast<double>(row.waitNanoseconds) / nanoseconds,
           static_cast<double>(row.calls) / calls,
           static_cast<double>(row.bytes) / calls / 1e6,
           static_cast<double>(row.ops) / calls / 1e6, row.gbPerSecond(),
           100 * shares.read, row.gops(), 100 * shares.ops, row.name.c_str(),
           row.kernel.c_str());
  }
}

/// Which ceiling the prompt's operations are measured with.
std::string describeCeiling(const Work &work) {
  if (work.f32Ops == 0)
    return "the int8 ceiling";
  if (work.int8Ops == 0)
    return "the f32 ceiling";
  std::string text = "the ceilings";
  append(text, " (%.1f %% of the operations are f32)",
         100 * work.f32Ops / work.totalOps());
  return text;
}

/// Of the weights that each repetition read by what memory gave after it.
Samples sharesOfReads(const BenchResult &result) {
  std::vector<double> shares;
  for (const DecodeSample &sample : result.decodeSamples)
    shares.push_back(share(static_cast<double>(result.decodeBytes) *
                               sample.tokensPerSecond / 1e9,
                           sample.readGbPerSecond));
  return summarize(std::move(shares));
}

void appendDecodeTable(std::string &text, const BenchOptions &options,
                       const BenchResult &result) {
  const Samples &decode = result.decodeTokensPerSecond;
  double decodeGb = result.decodeWeightGbPerSecond();
  append(text, "decode    %.1f tokens/s (%.1f .. %.1f) of %u tokens\n",
         decode.median, decode.min, decode.max, options.decodeTokens);
  append(text, "          %.2f GB/s of weights%s\n", decodeGb,
         describeShare(share(decodeGb, result.ceilings.readGbPerSecond),
                       "the ceiling")
             .c_str());
  if (options.reads) {
    Samples shares = sharesOfReads(result);
    append(text,
           "          %.1f %% (%.1f .. %.1f) of what memory gave after "
           "each repetition\n",
           100 * shares.median, 100 * shares.min, 100 * shares.max);
  }
  const FixedCost &cost = result.decodeFixedCost;
  append(text,
         "          fixed cost: %.1f us, %.1f %% of a decode step: %.1f us in "
         "steps without weights,\n"
         "          %.1f us waiting for other workers after the others, %.1f "
         "us outside of steps\n",
         cost.total(), 100 * cost.share(), cost.weightless, cost.waits,
         cost.outside);
  for (const BatchResult &batch : result.batches)
    append(text,
           "batch     %u sequences: %.1f tokens/s (%.1f .. %.1f), a step takes "
           "%.2f (%.2f .. %.2f) of one's\n",
           batch.sequences, batch.tokensPerSecond.median,
           batch.tokensPerSecond.min, batch.tokensPerSecond.max,
           batch.stepRatio.median, batch.stepRatio.min, batch.stepRatio.max);
}

} // namespace

std::string formatJson(const BenchOptions &options, const BenchResult &result) {
  double decodeGb = result.decodeWeightGbPerSecond();
  double prefillGops = result.prefillGops(options.promptTokens);
  std::string text;
  JsonObject object(text, "\n  ");
  object.string("file", options.file);
  object.string("target", result.target);
  if (!result.device.empty())
    object.string("device", result.device);
  object.string("architecture", result.architecture);
  object.string("model", result.modelName);
  object.integer("weight_bytes", result.weightBytes);
  object.integer("threads", result.threads);
  object.integer("prompt_tokens", options.promptTokens);
  object.integer("decode_tokens", options.decodeTokens);
  object.integer("depth", options.depth);
  object.integer("repetitions", options.repetitions);
  object.number("open_ms", result.openMs);
  object.number("first_logits_ms", result.firstLogitsMs);
  object.samples("prefill_tokens_per_s", result.prefillTokensPerSecond);
  object.samples("decode_tokens_per_s", result.decodeTokensPerSecond);
  if (options.reads) {
    object.begin("decode_samples");
    appendDecodeSamplesJson(text, result.decodeSamples);
  }
  object.number("decode_weight_gb_per_s", known(decodeGb));
  object.number("decode_weight_share",
                share(known(decodeGb), result.ceilings.readGbPerSecond));
  object.number("prefill_gops", prefillGops);
  object.number("prefill_f32_part", share(result.prefillWork.f32Ops,
                                          result.prefillWork.totalOps()));
  object.number("prefill_share", result.prefillShare(options.promptTokens));
  appendFixedCostJson(object, result.decodeFixedCost);
  object.begin("batches");
  appendBatchesJson(text, result.batches);
  object.integer("peak_rss_bytes", result.peakRssBytes);
  object.number("read_gb_per_s", known(result.ceilings.readGbPerSecond));
  object.number("int8_gops", known(result.ceilings.int8Gops));
  object.number("f32_gops", known(result.ceilings.f32Gops));
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
  std::string text;
  append(text, "plan      %s\n", options.file.c_str());
  append(text, "model     %s, %s, %.1f MB of weights\n",
         result.modelName.c_str(), result.architecture.c_str(),
         static_cast<double>(result.weightBytes) / 1e6);
  if (result.device.empty())
    append(text, "target    %s, %u threads\n", result.target.c_str(),
           result.threads);
  else
    append(text, "target    %s, on %s\n", result.target.c_str(),
           result.device.c_str());
  append(text, "open      %.2f ms, first logits after %.2f ms\n", result.openMs,
         result.firstLogitsMs);
  if (options.depth > 0)
    append(text, "depth     each from %u tokens of context\n", options.depth);
  append(text, "prefill   %.1f tokens/s (%.1f .. %.1f) of %u tokens\n",
         prefill.median, prefill.min, prefill.max, options.promptTokens);
  append(text, "          %.1f GOPS%s\n",
         result.prefillGops(options.promptTokens),
         describeShare(result.prefillShare(options.promptTokens),
                       describeCeiling(result.prefillWork))
             .c_str());
  if (options.decodeTokens > 0)
    appendDecodeTable(text, options, result);
  if (result.device.empty())
    append(text, "ceilings  read %.2f GB/s, int8 %.1f GOPS, f32 %.1f GFLOPS\n",
           result.ceilings.readGbPerSecond, result.ceilings.int8Gops,
           result.ceilings.f32Gops);
  append(text, "memory    %.1f MB%s at its peak\n",
         static_cast<double>(result.peakRssBytes) / 1e6,
         result.device.empty() ? "" : " of the host's, without the GPU's,");
  if (options.profile) {
    appendProfileTable(text, "prefill", result.prefillProfile, result, 1);
    appendProfileTable(text, "decode of a token", result.decodeProfile, result,
                       result.profiledDecodes);
  }
  return text;
}

} // namespace modelc::tools
