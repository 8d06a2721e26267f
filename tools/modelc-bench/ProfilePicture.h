//===- ProfilePicture.h - Draws where the time of a pass goes
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TOOLS_MODELC_BENCH_PROFILEPICTURE_H
#define MODELC_TOOLS_MODELC_BENCH_PROFILEPICTURE_H

#include "Bench.h"

namespace modelc::tools {

/// An SVG document with a bar for each row of the result's profiles, as long
/// as its time; the dark part is what it would take at its nearest ceiling.
std::string drawProfile(const BenchResult &result);

} // namespace modelc::tools

#endif // MODELC_TOOLS_MODELC_BENCH_PROFILEPICTURE_H
