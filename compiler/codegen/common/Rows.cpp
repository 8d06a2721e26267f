//===- Rows.cpp - Emits the kernels of whole rows: norms, sums, copies
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   norm, for token: out = (residual +) x normalised
//   add, for token:  out = a + b
//   join, for token: heads of out = parts of heads of the sources
//   glu, for token:  out = activation(gate) * up, heads of which may be
//                    normalised first
//   columns, for token: out = parts of x
//
// Norms that stand before a matmul are taken in by its prepare kernel; these
// stand behind one, or have a mean and a bias. A row is read whole before any
// of it is written only where another operand may be the output's memory, and
// that is element by element.
//
//===----------------------------------------------------------------------===//

#include "compiler/codegen/common/Emitters.h"
#include "compiler/codegen/common/Math.h"

using namespace mlir;
using namespace modelc;
using namespace modelc::codegen;

/// Calls `body` for vectors of the columns 0 .. columns - 1 with the first one
/// and their number.
static void forEachVector(KernelBuilder &b, int64_t columns,
                          function_ref<void(Value first, int64_t lanes)> body) {
  int64_t whole = columns - columns % kLanes;
  b.forLoop(0, whole, kLanes, [&](Value first) { body(first, kLanes); });
  if (whole < columns)
    body(b.constI64(whole), columns - whole);
}

/// Calls `body` for the tokens of the tiles with the offset of their rows.
static void forEachRow(KernelBuilder &b, int64_t columns,
                       function_ref<void(Value rowBytes)> body) {
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1,
            [&](Value token) { body(b.mul(token, columns * sizeof(float))); });
}

LogicalResult codegen::emitNorm(KernelBuilder &b, plan::NormSpecAttr spec) {
  int64_t next = 0, columns = spec.getColumns();
  Value x = b.loadOperand(next++), weight = b.loadOperand(next++), bias,
        residual;
  if (spec.getLayer())
    bias = b.loadOperand(next++);
  if (spec.getResidual())
    residual = b.loadOperand(next++);
  Value out = b.loadOperand(next++);
  float eps = spec.getEps().getValue().convertToFloat();
  forEachRow(b, columns, [&](Value rowBytes) {
    Value row = b.offset(x, rowBytes), mean;
    if (spec.getLayer())
      mean = emitMean(b, row, columns);
    Value factor = b.splat(emitInverseRms(b, row, columns, eps, mean));
    forEachVector(b, columns, [&](Value first, int64_t lanes) {
      Value bytes = b.mul(first, sizeof(float));
      auto load = [&](Value pointer) {
        return b.loadFloats(b.f32(), b.offset(pointer, bytes), 0, lanes);
      };
      Value y = load(row);
      if (mean)
        y = b.sub(y, b.splat(mean));
      y = b.mul(b.mul(y, factor), load(weight));
      if (bias)
        y = b.add(y, load(bias));
      if (residual)
        y = b.add(load(b.offset(residual, rowBytes)), y);
      b.storeLanes(y, b.offset(b.offset(out, rowBytes), bytes), 0, lanes);
    });
  });
  return success();
}

LogicalResult codegen::emitAdd(KernelBuilder &b, plan::AddSpecAttr spec) {
  Value x = b.loadOperand(0), y = b.loadOperand(1), out = b.loadOperand(2);
  int64_t columns = spec.getColumns();
  forEachRow(b, columns, [&](Value rowBytes) {
    forEachVector(b, columns, [&](Value first, int64_t lanes) {
      Value bytes = b.add(rowBytes, b.mul(first, sizeof(float)));
      auto load = [&](Value pointer) {
        return b.loadFloats(b.f32(), b.offset(pointer, bytes), 0, lanes);
      };
      b.storeLanes(b.add(load(x), load(y)), b.offset(out, bytes), 0, lanes);
    });
  });
  return success();
}

LogicalResult codegen::emitJoinHeads(KernelBuilder &b,
                                     plan::JoinHeadsSpecAttr spec) {
  constexpr int64_t kWord = sizeof(float);
  SmallVector<Value> sources;
  int64_t outDim = 0;
  for (int64_t i = 0; i < spec.getHeads().size(); ++i) {
    sources.push_back(b.loadOperand(i));
    outDim += spec.getCounts()[i];
  }
  Value out = b.loadOperand(spec.getHeads().size());
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value token) {
    b.forLoop(0, spec.getOutHeads(), 1, [&](Value head) {
      Value outHead = b.add(b.mul(token, spec.getOutHeads()), head);
      Value to = b.offset(out, b.mul(outHead, outDim * kWord));
      for (auto [i, source] : llvm::enumerate(sources)) {
        bool isOne = spec.getHeads()[i] == 1;
        Value number =
            isOne ? token : b.add(b.mul(token, spec.getOutHeads()), head);
        Value from =
            b.offset(b.offset(source, b.mul(number, spec.getDims()[i] * kWord)),
                     spec.getBegins()[i] * kWord);
        forEachVector(b, spec.getCounts()[i], [&](Value first, int64_t lanes) {
          Value bytes = b.mul(first, kWord);
          b.storeLanes(b.loadFloats(b.f32(), b.offset(from, bytes), 0, lanes),
                       b.offset(to, bytes), 0, lanes);
        });
        to = b.offset(to, spec.getCounts()[i] * kWord);
      }
    });
  });
  return success();
}

LogicalResult codegen::emitGlu(KernelBuilder &b, plan::GluSpecAttr spec) {
  int64_t next = 0, columns = spec.getColumns();
  Value gate = b.loadOperand(next++), up = b.loadOperand(next++), norm;
  if (spec.getEps())
    norm = b.loadOperand(next++);
  Value out = b.loadOperand(next);
  int64_t headDim = norm ? spec.getHeadDim() : columns;
  forEachRow(b, columns, [&](Value rowBytes) {
    b.forLoop(0, columns / headDim, 1, [&](Value head) {
      Value begin = b.add(rowBytes, b.mul(head, headDim * sizeof(float)));
      Value factor;
      if (norm)
        factor =
            b.splat(emitInverseRms(b, b.offset(up, begin), headDim,
                                   spec.getEps().getValue().convertToFloat()));
      forEachVector(b, headDim, [&](Value first, int64_t lanes) {
        Value inHead = b.mul(first, sizeof(float));
        Value bytes = b.add(begin, inHead);
        auto load = [&](Value pointer, Value at) {
          return b.loadFloats(b.f32(), b.offset(pointer, at), 0, lanes);
        };
        Value y = load(up, bytes);
        if (norm)
          y = b.mul(b.mul(y, factor), load(norm, inHead));
        b.storeLanes(emitGlu(b, spec.getActivation(), load(gate, bytes), y),
                     b.offset(out, bytes), 0, lanes);
      });
    });
  });
  return success();
}

LogicalResult codegen::emitColumns(KernelBuilder &b,
                                   plan::ColumnsSpecAttr spec) {
  constexpr int64_t kWord = sizeof(float);
  Value x = b.loadOperand(0), out = b.loadOperand(1);
  int64_t from = spec.getPeriod() * kWord, to = spec.getLength() * kWord;
  b.forLoop(b.loadTileBegin(), b.loadTileEnd(), 1, [&](Value token) {
    Value group = b.mul(token, spec.getGroups());
    b.forLoop(0, spec.getGroups(), 1, [&](Value i) {
      Value number = b.add(group, i);
      Value source =
          b.offset(b.offset(x, b.mul(number, from)), spec.getFirst() * kWord);
      Value target = b.offset(out, b.mul(number, to));
      forEachVector(b, spec.getLength(), [&](Value first, int64_t lanes) {
        Value bytes = b.mul(first, kWord);
        b.storeLanes(b.loadFloats(b.f32(), b.offset(source, bytes), 0, lanes),
                     b.offset(target, bytes), 0, lanes);
      });
    });
  });
  return success();
}
