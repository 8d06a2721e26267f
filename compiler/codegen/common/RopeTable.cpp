//===- RopeTable.cpp - Emits the kernel that makes cosines and sines
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   for token: theta = position * frequencies[0 .. pairs)
//     table row: cos 0, sin 0, cos 1, sin 1, ...  (docs/numerics.md, "Rope")
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"
#include "modelc/kernel_abi.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// The lanes of a and b in turns: 2 * kLanes floats at `row`, of which the
/// first 2 * lanes are stored.
static void storeInTurns(KernelBuilder &b, Value first, Value second, Value row,
                         int64_t lanes) {
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int32_t> mask;
    for (int32_t i = 0; i < kLanes / 2; ++i) {
      int32_t lane = static_cast<int32_t>(half * kLanes / 2) + i;
      mask.append({lane, lane + static_cast<int32_t>(kLanes)});
    }
    int64_t stored = std::min(2 * lanes - half * kLanes, kLanes);
    if (stored > 0)
      b.storeLanes(b.shuffle(first, second, mask), row,
                   half * kLanes * sizeof(float), stored);
  }
}

LogicalResult codegen::emitRopeTable(KernelBuilder &b,
                                     plan::RopeTableSpecAttr spec) {
  bool hasTemper = spec.getTemperCount() > 0;
  Value frequencies = b.loadOperand(0), temper;
  if (hasTemper)
    temper = b.loadOperand(1);
  Value table = b.loadOperand(hasTemper ? 2 : 1);
  Value positions = b.loadInputPointer(offsetof(ModelcStepInputs, positions));
  Value factor = b.splatF32(spec.getFactor().getValue().convertToFloat());
  int64_t pairs = spec.getPairs(), whole = pairs - pairs % kLanes;

  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value token) {
    Value row = b.offset(table, b.mul(token, 2 * pairs * sizeof(float)));
    Value entry = b.offset(positions, b.mul(token, sizeof(int32_t)));
    Value position = b.load(b.i32(), entry), warmth;
    if (hasTemper) {
      Value step = b.divU(b.extendU(position, b.i64()), spec.getTemperLength());
      step = b.minU(step, b.constI64(spec.getTemperCount() - 1));
      warmth = b.splat(
          b.load(b.f32(), b.offset(temper, b.mul(step, sizeof(float)))));
    }
    position = b.splat(b.intToFloat(position, b.f64()));
    auto emitPairs = [&](Value pair, int64_t lanes) {
      Value source = b.offset(frequencies, b.mul(pair, sizeof(double)));
      VectorType type = b.vec(b.f64());
      Value frequency = lanes == kLanes
                            ? b.load(type, source)
                            : b.loadMasked(type, source, b.laneMask(lanes));
      CosSin turn = emitCosSin(b, b.mul(position, frequency));
      Value cos = b.mul(turn.cos, factor), sin = b.mul(turn.sin, factor);
      if (hasTemper) {
        cos = b.mul(cos, warmth);
        sin = b.mul(sin, warmth);
      }
      storeInTurns(b, cos, sin, b.offset(row, b.mul(pair, 2 * sizeof(float))),
                   lanes);
    };
    b.forLoop(0, whole, kLanes, [&](Value pair) { emitPairs(pair, kLanes); });
    if (whole < pairs)
      emitPairs(b.constI64(whole), pairs - whole);
  });
  return success();
}
