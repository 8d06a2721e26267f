//===- Numerics.h - docs/numerics.md in plain C++
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracle of every kernel: one function for each section of the page, one
// number at a time, nothing clever. Weights are read from the bytes of a GGUF
// file, so that packers and layouts have no part in it.
//
// Compiled without contraction; fma stands only where the page has it.
//
//===----------------------------------------------------------------------===//

#ifndef MODELC_TEST_REFERENCE_NUMERICS_H
#define MODELC_TEST_REFERENCE_NUMERICS_H

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace modelc::reference {

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// Exact. NaNs stay NaNs.
float fromF16(uint16_t bits);
/// To nearest, ties to even; beyond the range to infinity; NaNs to NaNs.
uint16_t toF16(float x);
/// Exact.
float fromBf16(uint16_t bits);

/// Sections "exp", "tanh" and "Activations".
float computeExp(float x);
float computeSilu(float x);
float computeGelu(float x);
float computeTanh(float x);
float computeSoftCap(float x, float cap);
float computeSigmoid(float x);
float computeSoftplus(float x);
/// gpt-oss's gated unit.
float computeSwigluOai(float gate, float up);

/// The sum of sixteen lanes by the fixed tree of section "Row norms".
float sumLanes(const std::array<float, 16> &lanes);

//===----------------------------------------------------------------------===//
// Weights as a GGUF file holds them
//===----------------------------------------------------------------------===//

enum class WeightType {
#define WEIGHT_TYPE(name, blockElems, blockBytes) name,
#include "test/reference/WeightTypes.def"
};

/// Elements and bytes of a block; isQuantized: more than one element.
int64_t getBlockElems(WeightType type);
int64_t getBlockBytes(WeightType type);
bool isQuantized(WeightType type);
/// Bytes of a row of `columns` elements, a multiple of the block's.
int64_t getRowBytes(WeightType type, int64_t columns);

/// Element k of a row of one of the float types.
float readFloat(WeightType type, const uint8_t *row, int64_t k);

/// Section "Block scales": elements that share D and M. The first
/// getSubBlockElems(type) quants count, and `minimum` where hasMinimum(type).
struct SubBlock {
  float scale;   ///< D.
  float minimum; ///< M.
  std::array<int, 32> quants;
};
int64_t getSubBlockElems(WeightType type);
bool hasMinimum(WeightType type);

/// Elements of one exact sum of a matmul.
int64_t getSumElems(WeightType type);

/// A block of a block type; the first elements / getSubBlockElems(type) parts
/// count.
using Block = std::array<SubBlock, 16>;
Block readBlock(WeightType type, const uint8_t *bytes);

/// Section "Embedding": row[] as floats, x.size() elements.
void decodeRow(WeightType type, const uint8_t *row, std::span<float> x);

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

/// Section "Activations of a matmul": a block of 32, padded with zeros.
struct QuantizedBlock {
  float scale;
  std::array<int8_t, 32> quants;
};
QuantizedBlock quantizeBlock(std::span<const float> x);

/// Section "Matmul": y[n] = sum_k x[k] * weight[n][k]; the weight has
/// y.size() rows of x.size() columns.
void multiply(WeightType type, const uint8_t *weight, std::span<const float> x,
              std::span<float> y);

/// Section "Activations of a matmul", parts: three bf16 that add up to x.
struct Parts {
  uint16_t high, middle, low;
};
Parts splitToParts(float x);

/// Section "Matmul", BF16 weights on a matrix unit: the order of its sums.
void multiplyPairs(const uint8_t *weight, std::span<const float> x,
                   std::span<float> y);

/// The same without the page: products and sums of decoded weights
/// [y.size()][x.size()] and the activations as they are, in double. What
/// quantised activations cost is the distance to this.
void multiplyPlainly(std::span<const float> weight, std::span<const float> x,
                     std::span<float> y);

/// The activations that blocks stand for.
std::vector<float> roundToBlocks(std::span<const float> x);

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

enum class Gating { Softmax, Sigmoid };

/// Section "Routing": of each slot the expert and its weight.
struct Route {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};
struct RouteOptions {
  int64_t slots;
  Gating gating = Gating::Softmax;
  bool normalise = false;
  float scale = 1;
  int64_t groups = 0; ///< Of experts, of which some are used; 0: no limit.
  int64_t groupsUsed = 0;
};

/// The route of one token. `bias` has as many elements as `logits`, or none.
Route route(std::span<const float> logits, std::span<const float> bias,
            const RouteOptions &options);

//===----------------------------------------------------------------------===//
// Norm, rope, attention
//===----------------------------------------------------------------------===//

/// Section "Row norms", with n = x.size(). y may be x.
void normalize(std::span<const float> x, std::span<const float> weight,
               float eps, std::span<float> y);

/// The same section, layer_norm.
void normalizeLayer(std::span<const float> x, std::span<const float> weight,
                    std::span<const float> bias, float eps, std::span<float> y);

/// Section "Rope": cos and sin of pair i at table[2 * i], table[2 * i + 1].
void computeRopeTable(int32_t position, std::span<const double> frequencies,
                      float factor, std::span<float> table);

/// Turns the pairs of one head in place: (2i, 2i + 1) if `adjacent`, else
/// (i, i + pairs). Elements from 2 * pairs on stay.
void rotate(std::span<float> head, std::span<const float> table, bool adjacent);

/// Section "Attention", blocks of Q8_0: element i is fromF16(scale) *
/// quants[i].
struct CachedBlock {
  uint16_t scale; ///< An f16.
  std::array<int8_t, 32> quants;
};
CachedBlock quantizeForCache(std::span<const float, 32> x);

enum class CacheType { F16, Q8_0 };

/// Rounds one head's key or value to the cache's type, in place. Q8_0 wants a
/// multiple of 32 elements.
void roundToCache(CacheType type, std::span<float> x);

/// Keys and values of one head of one sequence, already rounded to the cache's
/// type: position j's key begins at keys[j * keyStride].
struct HeadCache {
  const float *keys;
  int64_t keyStride;
  const float *values;
  int64_t valueStride;
};

/// What models do to scores, beyond the scale.
struct ScoreOptions {
  int64_t window = 0; ///< Positions that a query sees; 0: all.
  float cap = 0;      ///< 0: none.
  std::optional<float> sink;
};

/// Section "Attention": one query row q over positions 0 .. position; out has
/// as many elements as a value.
void attend(std::span<const float> q, const HeadCache &cache, int64_t position,
            float scale, std::span<float> out,
            const ScoreOptions &options = {});

//===----------------------------------------------------------------------===//
// Recurrent layers
//===----------------------------------------------------------------------===//

/// Section "Causal convolution": one token. weight[channel][taps], state[taps -
/// 1][channels], oldest first, which becomes that of the next token.
void convolve(std::span<const float> x, std::span<const float> weight,
              std::span<float> state, std::span<float> y);

/// What one head of a delta rule reads of one token.
struct DeltaHead {
  std::span<const float> q, k, v;
  float decay, beta; ///< Logits.
  float rate, bias;
  float eps;
};

/// Tokens of a chunk, whose first has a position that is a multiple of it.
inline constexpr size_t kDeltaChunk = 16;

/// What one head of a delta rule keeps of a sequence: S as it was before the
/// chunk, and of the chunk's tokens so far what S lacks.
struct DeltaState {
  DeltaState(size_t keyDim, size_t valueDim)
      : matrix(keyDim * valueDim), keys(kDeltaChunk * keyDim),
        deltas(kDeltaChunk * valueDim) {}

  std::vector<float> matrix;                  ///< [keyDim][valueDim]: S.
  std::vector<float> keys;                    ///< [kDeltaChunk][keyDim]: k'.
  std::vector<float> deltas;                  ///< [kDeltaChunk][valueDim]: d.
  std::array<float, kDeltaChunk> decays = {}; ///< p of the last token.
  float faded = 0;                            ///< f of the last token.
};

/// Section "Delta rule": one token, one head. The state, at position 0 a new
/// one, becomes that of the next token.
void applyDeltaRule(const DeltaHead &head, int64_t position, DeltaState &state,
                    std::span<float> out);

} // namespace modelc::reference

#endif // MODELC_TEST_REFERENCE_NUMERICS_H
