//===- LatentAttention.cpp - Multi-head latent attention
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// deepseek2.attention.kv_lora_rank, ... ==> LatentParameters
// blk.3.attn_kv_a_mqa.weight, ...       ==> LatentTensors
//
// absorbed:
//   q' = q's rotated part, then k_b q's rest     [heads][ropeDim + latentRank]
//   k' = the rotated key, then the latent        [1][ropeDim + latentRank]
//   out = v_b attention(q', k')                  values are the latent
// else:
//   attention of the heads that kv_b makes
//
// The rotated part goes first, where rotation is.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/arch/LatentAttention.h"
#include "compiler/support/Numerics.h"
#include <cmath>

using namespace mlir;
using namespace modelc;
using namespace modelc::arch;
using gguf::Metadata;

static constexpr gguf::IntegerRange kSize = {1, 1 << 24};

absl::StatusOr<LatentParameters>
modelc::arch::readLatentParameters(const Metadata &metadata,
                                   llvm::StringRef family, int64_t heads,
                                   int64_t keyDim, int64_t valueDim) {
  const std::string prefix = family.str() + ".attention.";
  const std::string ropeKey = family.str() + ".rope.dimension_count";
  // Queries would be scaled by position, of which only a part is rotated.
  const std::string temperKey = prefix + "temperature_scale";
  absl::StatusOr<float> temper = metadata.getFloatOr(temperKey, {0, 100}, 0);
  if (!temper.ok())
    return temper.status();
  if (*temper != 0)
    return metadata.makeError(temperKey, std::to_string(*temper),
                              "0: it is not supported for latent attention");
  LatentParameters p;
  p.heads = heads;
  p.isAbsorbed = metadata.find(prefix + "key_length_mla") != nullptr;
  int64_t keyLength = keyDim;
  struct {
    std::string key;
    int64_t &value;
    bool isRead;
    gguf::IntegerRange range;
    std::optional<int64_t> otherwise;
  } sizes[] = {{prefix + "key_length_mla", keyLength, p.isAbsorbed, kSize, {}},
               {prefix + "value_length_mla", valueDim, p.isAbsorbed, kSize, {}},
               {prefix + "kv_lora_rank", p.latentRank, true, kSize, {}},
               {prefix + "q_lora_rank", p.queryRank, true, {0, kSize.max}, 0}};
  for (auto &[key, value, isRead, range, otherwise] : sizes) {
    if (!isRead)
      continue;
    absl::StatusOr<int64_t> size =
        otherwise ? metadata.getIntegerOr(key, range, *otherwise)
                  : metadata.getInteger(key, range);
    if (!size.ok())
      return size.status();
    value = *size;
  }
  absl::StatusOr<int64_t> rotated =
      metadata.getInteger(ropeKey, {2, keyLength - 1});
  if (!rotated.ok())
    return rotated.status();
  p.ropeDim = *rotated;
  p.nopeDim = keyLength - p.ropeDim;
  p.valueDim = valueDim;
  return p;
}

absl::Status modelc::arch::scaleLatents(const Metadata &metadata,
                                        const std::string &prefix,
                                        RopeParameters &rope,
                                        LatentParameters &latents) {
  absl::StatusOr<float> factor =
      metadata.getFloatOr(prefix + "rope.scaling.attn_factor", {0, 1e6f}, 1);
  if (!factor.ok())
    return factor.status();
  // Converters write a tenth of the weight of the logarithm.
  absl::StatusOr<float> tenth = metadata.getFloatOr(
      prefix + "rope.scaling.yarn_log_multiplier", {0, 100}, 0);
  if (!tenth.ok())
    return tenth.status();
  const double log = support::computeLog(rope.factor);
  const bool isYarn = rope.extFactor != 0;
  if (isYarn && *tenth != 0)
    rope.attentionFactor = *factor;
  double scale = isYarn ? rope.attentionFactor : *factor * (1 + 0.1 * log);
  scale *= 1 + double(*tenth) * log;
  latents.scale = static_cast<float>(
      scale * scale / std::sqrt(static_cast<double>(latents.getKeyDim())));
  return absl::OkStatus();
}

LatentTensors modelc::arch::readLatentTensors(TensorReader &reader,
                                              const std::string &prefix,
                                              const LatentParameters &p,
                                              int64_t width) {
  const int64_t queries = p.heads * p.getKeyDim();
  LatentTensors t;
  if (p.queryRank > 0) {
    t.queryLatent.weight =
        reader.matrix(prefix + "attn_q_a.weight", p.queryRank, width);
    t.queryNorm = reader.vector(prefix + "attn_q_a_norm.weight", p.queryRank);
    t.q.weight =
        reader.matrix(prefix + "attn_q_b.weight", queries, p.queryRank);
  } else {
    t.q.weight = reader.matrix(prefix + "attn_q.weight", queries, width);
  }
  LinearTensors both;
  both.weight = reader.matrix(prefix + "attn_kv_a_mqa.weight",
                              p.latentRank + p.ropeDim, width);
  std::vector<LinearTensors> parts =
      reader.split(both, {p.latentRank, p.ropeDim});
  t.latent = parts[0];
  t.rotatedKey = parts[1];
  t.latentNorm = reader.vector(prefix + "attn_kv_a_norm.weight", p.latentRank);
  if (p.isAbsorbed) {
    t.keys = reader.matrices(prefix + "attn_k_b.weight", p.heads, p.latentRank,
                             p.nopeDim);
    t.values = reader.matrices(prefix + "attn_v_b.weight", p.heads, p.valueDim,
                               p.latentRank);
  } else {
    t.keysAndValues.weight =
        reader.matrix(prefix + "attn_kv_b.weight",
                      p.heads * (p.nopeDim + p.valueDim), p.latentRank);
  }
  return t;
}

Value modelc::arch::buildLatentAttention(NetworkBuilder &builder, Value y,
                                         Value ropeTable,
                                         model::RopePairing pairing,
                                         float normEps,
                                         const LatentParameters &p,
                                         const LatentTensors &t) {
  const int64_t heads = p.heads, rank = p.latentRank, keyDim = p.getKeyDim();
  auto rotate = [&](Value x, int64_t headDim) {
    return builder.rope(x, ropeTable, headDim, pairing);
  };
  Value input = y;
  if (p.queryRank > 0)
    input = builder.rmsNorm(builder.linear(y, t.queryLatent), *t.queryNorm,
                            normEps);
  Value q = builder.linear(input, t.q);
  Value latent =
      builder.rmsNorm(builder.linear(y, t.latent), *t.latentNorm, normEps);
  const HeadPart turning = {q, keyDim, p.nopeDim, p.ropeDim};
  const HeadPart key = {builder.linear(y, t.rotatedKey), p.ropeDim, 0,
                        p.ropeDim};
  if (p.isAbsorbed) {
    const int64_t cached = p.ropeDim + rank;
    Value absorbed = builder.headMatmul(q, *t.keys, keyDim);
    q = builder.joinHeads(heads, {turning, {absorbed, rank, 0, rank}});
    Value k = builder.joinHeads(1, {key, {latent, rank, 0, rank}});
    AttentionShape shape = {heads, 1, cached, rank, p.scale};
    shape.isShared = true;
    Value out =
        builder.attention(rotate(q, cached), rotate(k, cached), Value(), shape);
    return builder.headMatmul(out, *t.values, rank);
  }
  const int64_t both = p.nopeDim + p.valueDim;
  Value made = builder.linear(latent, t.keysAndValues);
  q = builder.joinHeads(heads, {turning, {q, keyDim, 0, p.nopeDim}});
  Value k = builder.joinHeads(heads, {key, {made, both, 0, p.nopeDim}});
  Value v = builder.joinHeads(heads, {{made, both, p.nopeDim, p.valueDim}});
  return builder.attention(rotate(q, keyDim), rotate(k, keyDim), v,
                           {heads, heads, keyDim, p.valueDim, p.scale});
}
