//===- Numerics.h - Logarithms and powers that are the same everywhere
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants of a plan are made from these functions, never from the host's
// libm, whose last bits differ between versions. Results are computed in
// pairs of doubles (about 100 bits) and rounded once, so that they are the
// double nearest to the true value in all but about one of 2^45 cases.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_COMPILER_SUPPORT_NUMERICS_H
#define MODELC_COMPILER_SUPPORT_NUMERICS_H

#include <cstdint>

namespace modelc::support {

/// The natural logarithm of x, rounded to nearest. Expects a positive, normal
/// and finite x.
double computeLog(double x);

/// base^(numerator / denominator), rounded to nearest. Expects a positive,
/// normal and finite base, |numerator| below 2^53, 0 < denominator < 2^53, and
/// a result in the range of normal doubles.
double computePower(double base, int64_t numerator, int64_t denominator);

} // namespace modelc::support

#endif // MODELC_COMPILER_SUPPORT_NUMERICS_H
