//===- ReadPlan.h - From bytes to checked tables
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The only way from a plan's bytes to PlanTables. Each function mirrors one of
// compiler/emit's, which writes what is read here:
//
//   readPlan
//     readHeader      header, section table, section checksums, zero padding
//     readModel       strings, provenance, metadata, compile report, variants
//     readVariant     kernels, code segments, weights, states, operands, steps
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_RUNTIME_LOAD_READPLAN_H
#define MODELC_RUNTIME_LOAD_READPLAN_H

#include "load/PlanTables.h"
#include "load/Reporter.h"

namespace modelc::rt {

/// What readPlan may leave out.
struct ReadOptions {
  /// Variants need no CODE and CODE_SEGMENTS (modelc_open_memory).
  bool codeIsOptional = false;
  /// Checksums are not compared, so that a fuzzer gets past them. Never set
  /// outside tests.
  bool ignoreChecksums = false;
};

/// Fills `tables` from `bytes`, which begins on a page boundary, and checks
/// every byte but those of the weights. DATA_LOSS, UNIMPLEMENTED (a reserved
/// feature), FAILED_PRECONDITION (another version), INVALID_ARGUMENT
/// (alignment of `bytes`).
modelc_code readPlan(std::span<const uint8_t> bytes, const ReadOptions &options,
                     const Reporter &report, PlanTables *tables);

modelc_code readHeader(const ReadOptions &options, const Reporter &report,
                       PlanTables *tables);
modelc_code readModel(const Reporter &report, PlanTables *tables);
modelc_code readVariant(const ReadOptions &options, const Reporter &report,
                        const PlanTables &tables, uint32_t variant);

/// Whether a string field is inside STRINGS, which is empty-string-first and
/// NUL-terminated.
inline bool isString(const PlanTables &tables, uint32_t offset) {
  return offset < tables.strings.size();
}

/// Whether all of `bytes` are zero.
bool isZero(std::span<const uint8_t> bytes);

} // namespace modelc::rt

#endif // MODELC_RUNTIME_LOAD_READPLAN_H
