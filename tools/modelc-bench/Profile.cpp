//===- Profile.cpp - What the steps of a pass take, by kind
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   blk.0.down 10 us, blk.1.down 20 us ==> blk.*.down: 2 calls, 30 us
//
//   wall       |--|======|..|=====|..|~~~|--|
//                   reads     reads
//              -- outside   .. waits   ~~ weightless
//
//===----------------------------------------------------------------------===//

#include "Profile.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>

namespace modelc::tools {
namespace {

double perNanosecond(uint64_t amount, uint64_t nanoseconds) {
  return nanoseconds > 0
             ? static_cast<double>(amount) / static_cast<double>(nanoseconds)
             : 0;
}

/// 0 for no speed, NaN if the ceiling is unknown.
double shareOf(double speed, double ceiling) {
  if (speed == 0)
    return 0;
  return ceiling > 0 ? speed / ceiling : NAN;
}

} // namespace

double ProfileRow::gbPerSecond() const {
  return perNanosecond(bytes, nanoseconds);
}

double ProfileRow::gops() const { return perNanosecond(ops, nanoseconds); }

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
    row.waitNanoseconds += step.waitNanoseconds;
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

bool multipliesFloats(const std::string &kernel) {
  constexpr std::string_view kMatmul = "mc_matmul_";
  if (!kernel.starts_with(kMatmul))
    return false;
  std::string_view types = std::string_view(kernel).substr(kMatmul.size());
  return types.starts_with("f32_") || types.starts_with("f16_") ||
         types.starts_with("bf16_");
}

Work sumWork(const std::vector<modelc_step_profile> &steps) {
  Work work;
  for (const modelc_step_profile &step : steps)
    (multipliesFloats(step.kernel) ? work.f32Ops : work.int8Ops) +=
        static_cast<double>(step.ops);
  return work;
}

double secondsAtCeilings(const Work &work, const Ceilings &ceilings) {
  auto seconds = [](double ops, double gops) {
    if (ops == 0)
      return 0.0;
    return gops > 0 ? ops / gops / 1e9 : NAN;
  };
  return seconds(work.int8Ops, ceilings.int8Gops) +
         seconds(work.f32Ops, ceilings.f32Gops);
}

RowShares computeShares(const ProfileRow &row, const Ceilings &ceilings) {
  double opsCeiling =
      multipliesFloats(row.kernel) ? ceilings.f32Gops : ceilings.int8Gops;
  RowShares shares = {shareOf(row.gbPerSecond(), ceilings.readGbPerSecond),
                      shareOf(row.gops(), opsCeiling), 0};
  // Of a known and an unknown one, fmax gives the known one.
  shares.nearest = std::fmax(shares.read, shares.ops);
  return shares;
}

FixedCost computeFixedCost(const std::vector<modelc_step_profile> &steps,
                           uint64_t wallNanoseconds, uint32_t tokens) {
  uint64_t inSteps = 0, weightless = 0, waits = 0;
  for (const modelc_step_profile &step : steps) {
    inSteps += step.nanoseconds;
    if (step.bytes == 0)
      weightless += step.nanoseconds;
    else
      waits += step.waitNanoseconds;
  }
  if (tokens == 0)
    return {};
  auto perToken = [&](uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e3 / tokens;
  };
  return {perToken(wallNanoseconds),
          perToken(wallNanoseconds - std::min(wallNanoseconds, inSteps)),
          perToken(weightless), perToken(waits)};
}

} // namespace modelc::tools
