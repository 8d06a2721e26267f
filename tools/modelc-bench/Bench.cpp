//===- Bench.cpp - Measures a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   open, first logits              once, cold
//   one round that is not counted   pages and caches
//   r rounds: prefill, decode       each from an empty sequence
//   one round with step times       bytes and operations
//   ceilings                        on the same threads
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Ceilings.h"
#include "tools/modelc-run/RunCommand.h"
#include <algorithm>
#include <chrono>
#include <map>
#include <sys/resource.h>
#include <tuple>

namespace modelc::tools {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Numbers that look random and are the same every time (splitmix64).
class Dice {
public:
  int32_t below(uint32_t bound) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<int32_t>((z ^ (z >> 31)) % bound);
  }

private:
  uint64_t state = 1;
};

class Bench {
public:
  explicit Bench(const BenchOptions &options) : options(options) {}

  bool run(BenchResult *result);

  const modelc_status &failure() const { return status; }

private:
  bool open(BenchResult *result);
  bool clear() {
    return !modelc_session_truncate(session.get(), 0, 0, &status);
  }
  bool step(uint32_t count);
  bool prefill() { return clear() && step(options.promptTokens); }
  bool decode(uint32_t count);
  bool measure(BenchResult *result);
  bool profile(BenchResult *result);
  void appendProfile(std::vector<modelc_step_profile> &steps) const;

  const BenchOptions &options;
  modelc_status status = {};
  PlanPointer plan;
  SessionPointer session;
  modelc_plan_info info = {};
  Dice dice;
  std::vector<modelc_token> tokens;
  uint32_t length = 0;
};

bool Bench::run(BenchResult *result) {
  if (!open(result) || !measure(result) || !profile(result))
    return false;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  result->peakRssBytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  result->readGbPerSecond = measureReadCeiling(result->threads);
  result->int8Gops = measureInt8Ceiling(result->threads);
  return true;
}

bool Bench::open(BenchResult *result) {
  Clock::time_point begin = Clock::now();
  modelc_plan *rawPlan;
  if (modelc_open(options.file.c_str(), nullptr, &rawPlan, &status))
    return false;
  result->openMs = secondsSince(begin) * 1e3;
  plan.reset(rawPlan);
  modelc_plan_get_info(rawPlan, &info);

  result->threads = options.threads ? options.threads : usableCpus();
  modelc_session_options sessionOptions = {};
  sessionOptions.contextTokens = options.promptTokens + options.decodeTokens;
  sessionOptions.threads = result->threads;
  modelc_session *rawSession;
  if (modelc_session_create(rawPlan, &sessionOptions, &rawSession, &status))
    return false;
  session.reset(rawSession);
  tokens.reserve(options.promptTokens);
  if (!step(1))
    return false;
  result->firstLogitsMs = secondsSince(begin) * 1e3;

  result->target = info.target;
  result->architecture = info.architecture;
  result->modelName = info.modelName;
  result->weightBytes = info.weightBytes;
  return true;
}

/// Appends `count` random tokens; the last one's logits are computed.
bool Bench::step(uint32_t count) {
  tokens.clear();
  if (modelc_session_length(session.get(), 0, &length, &status))
    return false;
  for (uint32_t at = 0; at < count; ++at)
    tokens.push_back(
        {dice.below(info.vocabSize), static_cast<int32_t>(length + at), 0, 0});
  tokens.back().wantLogits = 1;
  return !modelc_session_step(session.get(), tokens.data(), count, &status);
}

bool Bench::decode(uint32_t count) {
  for (uint32_t at = 0; at < count; ++at)
    if (!step(1))
      return false;
  return true;
}

bool Bench::measure(BenchResult *result) {
  if (!prefill() || !decode(std::min(options.decodeTokens, 4u)))
    return false;
  std::vector<double> prefills, decodes;
  for (uint32_t round = 0; round < options.repetitions; ++round) {
    Clock::time_point begin = Clock::now();
    if (!prefill())
      return false;
    prefills.push_back(options.promptTokens / secondsSince(begin));
    begin = Clock::now();
    if (!decode(options.decodeTokens))
      return false;
    if (options.decodeTokens > 0)
      decodes.push_back(options.decodeTokens / secondsSince(begin));
  }
  result->prefillTokensPerSecond = summarize(std::move(prefills));
  result->decodeTokensPerSecond = summarize(std::move(decodes));
  return true;
}

void Bench::appendProfile(std::vector<modelc_step_profile> &steps) const {
  size_t count = modelc_session_get_profile(session.get(), nullptr, 0);
  size_t before = steps.size();
  steps.resize(before + count);
  modelc_session_get_profile(session.get(), steps.data() + before, count);
}

bool Bench::profile(BenchResult *result) {
  modelc_session_set_profile(session.get(), 1);
  std::vector<modelc_step_profile> prefillSteps, decodeSteps;
  if (!prefill())
    return false;
  appendProfile(prefillSteps);
  result->profiledDecodes = std::min(options.decodeTokens, 16u);
  for (uint32_t at = 0; at < result->profiledDecodes; ++at) {
    if (!step(1))
      return false;
    appendProfile(decodeSteps);
  }
  modelc_session_set_profile(session.get(), 0);

  for (const modelc_step_profile &entry : prefillSteps)
    result->prefillOps += entry.ops;
  for (const modelc_step_profile &entry : decodeSteps)
    result->decodeBytes += entry.bytes;
  if (result->profiledDecodes > 0)
    result->decodeBytes /= result->profiledDecodes;
  result->prefillProfile = aggregateProfile(prefillSteps);
  result->decodeProfile = aggregateProfile(decodeSteps);
  return true;
}

} // namespace

Samples summarize(std::vector<double> values) {
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  size_t half = values.size() / 2;
  double median =
      values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

std::string namePattern(const std::string &name) {
  std::string pattern;
  for (size_t at = 0; at < name.size();) {
    size_t dot = std::min(name.find('.', at), name.size());
    std::string part = name.substr(at, dot - at);
    bool isNumber = part.find_first_not_of("0123456789") == part.npos;
    pattern += isNumber && !part.empty() ? "*" : part;
    if (dot < name.size())
      pattern += '.';
    at = dot + 1;
  }
  return pattern;
}

std::vector<ProfileRow>
aggregateProfile(const std::vector<modelc_step_profile> &steps) {
  std::map<std::pair<std::string, std::string>, ProfileRow> rows;
  for (const modelc_step_profile &step : steps) {
    std::string name = namePattern(step.name);
    ProfileRow &row = rows[{name, step.kernel}];
    row.name = name;
    row.kernel = step.kernel;
    ++row.calls;
    row.nanoseconds += step.nanoseconds;
    row.bytes += step.bytes;
    row.ops += step.ops;
  }
  std::vector<ProfileRow> sorted;
  for (auto &[key, row] : rows)
    sorted.push_back(std::move(row));
  std::sort(sorted.begin(), sorted.end(),
            [](const ProfileRow &a, const ProfileRow &b) {
              return std::tie(b.nanoseconds, a.name, a.kernel) <
                     std::tie(a.nanoseconds, b.name, b.kernel);
            });
  return sorted;
}

std::optional<BenchResult> runBench(const BenchOptions &options,
                                    std::string *error) {
  BenchResult result;
  Bench bench(options);
  if (bench.run(&result))
    return result;
  *error = bench.failure().message;
  return std::nullopt;
}

} // namespace modelc::tools
