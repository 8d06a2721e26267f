//===- Report.h - Prints a measurement
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For people as a table, for scripts as JSON (docs and CI rely on its keys).
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_BENCH_REPORT_H
#define MODELC_TOOLS_MODELC_BENCH_REPORT_H

#include "Bench.h"

namespace modelc::tools {

/// One JSON object with a line end. Numbers that are unknown are null. With
/// options.profile also the arrays `prefill_profile` and `decode_profile`.
std::string formatJson(const BenchOptions &options, const BenchResult &result);

/// The same as lines of text.
std::string formatTable(const BenchOptions &options, const BenchResult &result);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_REPORT_H
