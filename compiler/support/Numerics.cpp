//===- Numerics.cpp - Logarithms and powers that are the same everywhere
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic in unevaluated sums of two doubles, |low| <= ulp(high) / 2, as in
// T. J. Dekker, "A floating-point technique for extending the available
// precision", Numerische Mathematik 18 (1971), with products by fma; then
//
//   log(m * 2^e) = 2 * atanh((m - 1) / (m + 1)) + e * ln(2)
//   exp(x) = 2^n * sum r^i / i!, r = x - n * ln(2)
//
// Only operations that IEEE 754 defines to the last bit are used: + - * / fma
// and scaling by powers of two. This file must be compiled without contraction
// and without fast math; the project's flags say so.
//
//===----------------------------------------------------------------------===//

#include "compiler/support/Numerics.h"
#include <cmath>

using namespace modelc;

namespace {

/// The number high + low.
struct Pair {
  double high, low;
};

} // namespace

/// ln(2) to 107 bits.
static constexpr Pair kLn2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/// Expects |a| >= |b|, or a = 0.
static Pair addOrdered(double a, double b) {
  double sum = a + b;
  return {sum, b - (sum - a)};
}

/// Exact.
static Pair add(double a, double b) {
  double sum = a + b;
  double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

static Pair add(Pair a, Pair b) {
  Pair high = add(a.high, b.high), low = add(a.low, b.low);
  Pair sum = addOrdered(high.high, high.low + low.high);
  return addOrdered(sum.high, sum.low + low.low);
}

static Pair multiply(Pair a, Pair b) {
  double product = a.high * b.high;
  double error = std::fma(a.high, b.high, -product);
  return addOrdered(product, error + std::fma(a.high, b.low, a.low * b.high));
}

static Pair multiply(Pair a, double b) { return multiply(a, Pair{b, 0}); }

/// Two steps of long division, then the rest.
static Pair divide(Pair a, Pair b) {
  double first = a.high / b.high;
  Pair rest = add(a, multiply(b, -first));
  double second = rest.high / b.high;
  rest = add(rest, multiply(b, -second));
  return add(addOrdered(first, second), Pair{rest.high / b.high, 0});
}

/// ln(x) for positive, normal and finite x.
static Pair computeLogPair(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent); // In [1/2, 1).
  if (mantissa < 0x1.6a09e667f3bcdp-1) {      // sqrt(1/2)
    mantissa *= 2;
    --exponent;
  }
  // |s| < 0.172, so the term s^(2i + 1) / (2i + 1) is below 2^-118 from i = 22
  // on.
  Pair s = divide(add(mantissa, -1), add(mantissa, 1));
  Pair square = multiply(s, s), sum = {0, 0};
  for (int i = 22; i >= 0; --i)
    sum = add(multiply(sum, square), divide({1, 0}, {2.0 * i + 1, 0}));
  return add(multiply(multiply(sum, s), 2), multiply(kLn2, exponent));
}

/// e^x for |x| < 700.
static double computeExp(Pair x) {
  double n = std::nearbyint(x.high / kLn2.high);
  Pair r = add(x, multiply(kLn2, -n));
  // |r| < 0.35, so the term r^i / i! is below 2^-120 from i = 24 on.
  Pair sum = {1, 0};
  for (int i = 24; i >= 1; --i)
    sum = add(divide(multiply(sum, r), {double(i), 0}), {1, 0});
  return std::ldexp(sum.high, int(n));
}

double support::computeLog(double x) { return computeLogPair(x).high; }

double support::computePower(double base, int64_t numerator,
                             int64_t denominator) {
  Pair exponent = divide({double(numerator), 0}, {double(denominator), 0});
  return computeExp(multiply(computeLogPair(base), exponent));
}
