//===- Grids.h - The grids of the types with few bits
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IQ1, IQ2 and IQ3 store several elements at once, as the number of an entry
// of a grid: a fixed list of some of the vectors that the levels of an element
// allow. These are data, not code: the kernels' tables and test/reference both
// come from here.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_DIALECTS_PACK_GRIDS_H
#define MODELC_DIALECTS_PACK_GRIDS_H

#include <cstdint>
#include <vector>

namespace modelc::pack {

/// IQ1 is that of IQ1_S and IQ1_M.
enum class Grid { IQ1, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S };

/// Elements of an entry: 8 or 4.
int64_t getGridElems(Grid grid);

/// Levels that an element can have: 3 or 8.
int64_t getGridLevels(Grid grid);

/// The entries in their order. Digit i of an entry, to the base of the levels
/// and the least significant first, is the number of element i's level.
std::vector<uint32_t> getGridEntries(Grid grid);

} // namespace modelc::pack

#endif // MODELC_DIALECTS_PACK_GRIDS_H
