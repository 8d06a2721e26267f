//===- Bench.cpp - Measures a plan
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   open, first logits              once, cold
//   depth tokens for each sequence  once
//   one round that is not counted   pages and caches
//   r rounds: prefill, decode,      each from sequences of depth tokens
//             memory, if asked for;
//             decode of batches
//   one round with step times       bytes and operations
//   ceilings                        on the same threads
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "tools/modelc-run/RunCommand.h"
#include <algorithm>
#include <chrono>
#include <sys/resource.h>

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
  bool createSession(uint32_t threads);
  bool rewind(uint32_t length);
  bool append(uint32_t sequence, uint32_t count);
  bool stepTokens();
  bool fill();
  bool prefill();
  bool decode(uint32_t count, uint32_t batch);
  bool measure(BenchResult *result);
  bool profile(BenchResult *result);
  void appendProfile(std::vector<modelc_step_profile> &steps) const;

  const BenchOptions &options;
  modelc_status status = {};
  PlanPointer plan;
  SessionPointer session;
  modelc_plan_info info = {};
  uint32_t sequences = 1; ///< Of the largest batch.
  Dice dice;
  std::vector<modelc_token> tokens; ///< Of the next step.
};

bool Bench::run(BenchResult *result) {
  if (!open(result) || !fill() || !measure(result) || !profile(result))
    return false;
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  result->peakRssBytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  if (result->device.empty())
    result->ceilings = measureCeilings(result->threads);
  return true;
}

bool Bench::open(BenchResult *result) {
  Clock::time_point begin = Clock::now();
  modelc_plan *rawPlan;
  if (modelc_open(options.file.c_str(), nullptr, &rawPlan, &status))
    return false;
  result->openMs = secondsSince(begin) * 1e3;
  plan.reset(rawPlan);
  printWarning(stderr, rawPlan);
  modelc_plan_get_info(rawPlan, &info);

  result->threads = options.threads ? options.threads : usableCpus();
  if (!createSession(result->threads) || !append(0, 1) || !stepTokens())
    return false;
  result->firstLogitsMs = secondsSince(begin) * 1e3;

  result->target = info.target;
  if (const char *device = modelc_plan_device(rawPlan))
    result->device = device;
  result->architecture = info.architecture;
  result->modelName = info.modelName;
  result->weightBytes = info.weightBytes;
  return true;
}

bool Bench::createSession(uint32_t threads) {
  modelc_session_options sessionOptions = {};
  sessionOptions.contextTokens =
      options.depth + std::max(options.promptTokens, options.decodeTokens);
  for (uint32_t batch : options.batches)
    sequences = std::max(sequences, batch);
  sessionOptions.sequences = sequences;
  sessionOptions.threads = threads;
  modelc_session *rawSession;
  if (modelc_session_create(plan.get(), &sessionOptions, &rawSession, &status))
    return false;
  session.reset(rawSession);
  tokens.reserve(std::max({options.promptTokens, options.depth, sequences}));
  return true;
}

/// Leaves `length` tokens in each sequence: `depth`, or none.
bool Bench::rewind(uint32_t length) {
  for (uint32_t sequence = 0; sequence < sequences; ++sequence) {
    modelc_code code =
        modelc_session_truncate(session.get(), sequence, length, &status);
    if (code == MODELC_FAILED_PRECONDITION && length > 0)
      return fill(); // A state that cannot be rolled back.
    if (code)
      return false;
  }
  return true;
}

/// Adds `count` random tokens of a sequence to the next step; the last one's
/// logits are wanted.
bool Bench::append(uint32_t sequence, uint32_t count) {
  uint32_t length;
  if (modelc_session_length(session.get(), sequence, &length, &status))
    return false;
  for (uint32_t at = 0; at < count; ++at)
    tokens.push_back({dice.below(info.vocabSize),
                      static_cast<int32_t>(length + at), sequence, 0});
  tokens.back().wantLogits = 1;
  return true;
}

bool Bench::stepTokens() {
  bool done = !modelc_session_step(session.get(), tokens.data(), tokens.size(),
                                   &status);
  tokens.clear();
  return done;
}

/// Gives every sequence `depth` tokens of its own: copies would share pages,
/// and with them caches.
bool Bench::fill() {
  if (!rewind(0))
    return false;
  for (uint32_t sequence = 0; sequence < sequences; ++sequence)
    if (options.depth > 0 &&
        (!append(sequence, options.depth) || !stepTokens()))
      return false;
  return true;
}

bool Bench::prefill() {
  return append(0, options.promptTokens) && stepTokens();
}

/// `count` steps of one token of each of `batch` sequences.
bool Bench::decode(uint32_t count, uint32_t batch) {
  for (uint32_t at = 0; at < count; ++at) {
    for (uint32_t sequence = 0; sequence < batch; ++sequence)
      if (!append(sequence, 1))
        return false;
    if (!stepTokens())
      return false;
  }
  return true;
}

bool Bench::measure(BenchResult *result) {
  const uint32_t count = options.decodeTokens;
  const double promptTokens = options.promptTokens;
  /// Seconds of `work` from sequences of `depth` tokens; negative on failure.
  auto measureFromDepth = [&](auto work) {
    if (!rewind(options.depth))
      return -1.0;
    Clock::time_point begin = Clock::now();
    return work() ? secondsSince(begin) : -1.0;
  };
  auto measurePrefill = [&] {
    return measureFromDepth([&] { return prefill(); });
  };
  auto measureDecode = [&](uint32_t steps, uint32_t batch) {
    return measureFromDepth([&] { return decode(steps, batch); });
  };

  const uint32_t warmSteps = std::min(count, 4u);
  if (measurePrefill() < 0 || measureDecode(warmSteps, 1) < 0)
    return false;
  for (uint32_t batch : options.batches)
    if (measureDecode(warmSteps, batch) < 0)
      return false;
  std::optional<ReadBuffer> memory;
  if (options.reads)
    memory.emplace(result->threads);
  std::vector<double> prefills, decodes;
  std::vector<std::vector<double>> speeds(options.batches.size()),
      ratios = speeds;
  for (uint32_t round = 0; round < options.repetitions; ++round) {
    double seconds = measurePrefill();
    if (seconds < 0)
      return false;
    prefills.push_back(promptTokens / seconds);
    if (count == 0)
      continue;
    const double one = measureDecode(count, 1);
    if (one < 0)
      return false;
    decodes.push_back(count / one);
    result->decodeSamples.push_back(
        {count / one, memory ? memory->measure(/*passes=*/1) : 0});
    for (size_t at = 0; at < speeds.size(); ++at) {
      seconds = measureDecode(count, options.batches[at]);
      if (seconds < 0)
        return false;
      speeds[at].push_back(double(count) * options.batches[at] / seconds);
      ratios[at].push_back(seconds / one);
    }
  }
  result->prefillTokensPerSecond = summarize(std::move(prefills));
  result->decodeTokensPerSecond = summarize(std::move(decodes));
  for (size_t at = 0; at < speeds.size(); ++at)
    result->batches.push_back({options.batches[at],
                               summarize(std::move(speeds[at])),
                               summarize(std::move(ratios[at]))});
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
  if (!rewind(options.depth) || !prefill())
    return false;
  appendProfile(prefillSteps);
  if (!rewind(options.depth))
    return false;
  result->profiledDecodes = std::min(options.decodeTokens, 16u);
  double decodeSeconds = 0;
  for (uint32_t at = 0; at < result->profiledDecodes; ++at) {
    if (!append(0, 1))
      return false;
    Clock::time_point begin = Clock::now();
    if (!stepTokens())
      return false;
    decodeSeconds += secondsSince(begin);
    appendProfile(decodeSteps);
  }
  modelc_session_set_profile(session.get(), 0);

  result->prefillWork = sumWork(prefillSteps);
  for (const modelc_step_profile &entry : decodeSteps)
    result->decodeBytes += entry.bytes;
  if (result->profiledDecodes > 0)
    result->decodeBytes /= result->profiledDecodes;
  result->decodeFixedCost =
      computeFixedCost(decodeSteps, static_cast<uint64_t>(decodeSeconds * 1e9),
                       result->profiledDecodes);
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
