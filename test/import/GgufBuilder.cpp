//===- GgufBuilder.cpp - Writes small GGUF files for tests
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A plain writer of what compiler/import/gguf reads, without a check.
//
//===----------------------------------------------------------------------===//

#include "test/import/GgufBuilder.h"
#include "modelc/plan_format.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace modelc;
using namespace modelc::test;

std::string modelc::test::toBytes(const std::string &text) {
  return toBytes<uint64_t>(text.size()) + text;
}

GgufBuilder &GgufBuilder::u8(const std::string &key, uint8_t value) {
  return raw(key, MODELC_META_U8, toBytes(value));
}

GgufBuilder &GgufBuilder::u16(const std::string &key, uint16_t value) {
  return raw(key, MODELC_META_U16, toBytes(value));
}

GgufBuilder &GgufBuilder::u32(const std::string &key, uint32_t value) {
  return raw(key, MODELC_META_U32, toBytes(value));
}

GgufBuilder &GgufBuilder::i32(const std::string &key, int32_t value) {
  return raw(key, MODELC_META_I32, toBytes(value));
}

GgufBuilder &GgufBuilder::u64(const std::string &key, uint64_t value) {
  return raw(key, MODELC_META_U64, toBytes(value));
}

GgufBuilder &GgufBuilder::i64(const std::string &key, int64_t value) {
  return raw(key, MODELC_META_I64, toBytes(value));
}

GgufBuilder &GgufBuilder::f32(const std::string &key, float value) {
  return raw(key, MODELC_META_F32, toBytes(value));
}

GgufBuilder &GgufBuilder::f64(const std::string &key, double value) {
  return raw(key, MODELC_META_F64, toBytes(value));
}

GgufBuilder &GgufBuilder::boolean(const std::string &key, uint8_t value) {
  return raw(key, MODELC_META_BOOL, toBytes(value));
}

GgufBuilder &GgufBuilder::string(const std::string &key,
                                 const std::string &value) {
  return raw(key, MODELC_META_STRING, toBytes(value));
}

GgufBuilder &GgufBuilder::strings(const std::string &key,
                                  const std::vector<std::string> &values) {
  std::string bytes = toBytes<uint32_t>(MODELC_META_STRING);
  bytes += toBytes<uint64_t>(values.size());
  for (const std::string &value : values)
    bytes += toBytes(value);
  return raw(key, MODELC_META_ARRAY, bytes);
}

GgufBuilder &GgufBuilder::booleans(const std::string &key,
                                   const std::vector<uint8_t> &values) {
  std::string bytes = toBytes<uint32_t>(MODELC_META_BOOL);
  bytes += toBytes<uint64_t>(values.size());
  bytes.append(values.begin(), values.end());
  return raw(key, MODELC_META_ARRAY, bytes);
}

GgufBuilder &GgufBuilder::u32s(const std::string &key,
                               const std::vector<uint32_t> &values) {
  std::string bytes = toBytes<uint32_t>(MODELC_META_U32);
  bytes += toBytes<uint64_t>(values.size());
  for (uint32_t value : values)
    bytes += toBytes(value);
  return raw(key, MODELC_META_ARRAY, bytes);
}

GgufBuilder &GgufBuilder::raw(const std::string &key, uint32_t type,
                              const std::string &bytes) {
  for (Key &known : keys) {
    if (known.name != key)
      continue;
    known = {key, type, bytes};
    return *this;
  }
  return rawAgain(key, type, bytes);
}

GgufBuilder &GgufBuilder::rawAgain(const std::string &key, uint32_t type,
                                   const std::string &bytes) {
  keys.push_back({key, type, bytes});
  return *this;
}

GgufBuilder &GgufBuilder::removeKey(const std::string &key) {
  llvm::erase_if(keys, [&](const Key &known) { return known.name == key; });
  return *this;
}

GgufBuilder &GgufBuilder::tensor(const std::string &name,
                                 const std::vector<int64_t> &shape,
                                 model::GgmlType type,
                                 const std::string &bytes) {
  const model::GgmlTypeInfo &info = model::getGgmlTypeInfo(type);
  uint64_t elements = 1;
  for (int64_t dim : shape)
    elements *= static_cast<uint64_t>(dim);
  const uint64_t sizeBytes = elements / static_cast<uint64_t>(info.blockElems) *
                             static_cast<uint64_t>(info.blockBytes);
  return set({name,
              {shape.rbegin(), shape.rend()},
              static_cast<uint32_t>(type),
              /*hasOffset=*/false,
              0,
              bytes.empty() ? std::string(sizeBytes, '\0') : bytes});
}

GgufBuilder &GgufBuilder::rawTensor(const std::string &name,
                                    const std::vector<uint64_t> &dims,
                                    uint32_t type, uint64_t offset) {
  return set({name, dims, type, /*hasOffset=*/true, offset, {}});
}

GgufBuilder &GgufBuilder::removeTensor(const std::string &name) {
  llvm::erase_if(tensors,
                 [&](const Tensor &known) { return known.name == name; });
  return *this;
}

GgufBuilder &GgufBuilder::set(Tensor tensor) {
  for (Tensor &known : tensors) {
    if (known.name != tensor.name)
      continue;
    known = std::move(tensor);
    return *this;
  }
  tensors.push_back(std::move(tensor));
  return *this;
}

uint64_t GgufBuilder::findAlignment() const {
  for (const Key &key : keys)
    if (key.name == "general.alignment" && key.type == MODELC_META_U32) {
      uint32_t value;
      memcpy(&value, key.bytes.data(), sizeof(value));
      return std::max<uint64_t>(value, 1);
    }
  return 32;
}

std::string GgufBuilder::build() const {
  std::string file = "GGUF" + toBytes(version);
  file += toBytes<uint64_t>(tensors.size() + extraTensors);
  file += toBytes<uint64_t>(keys.size() + extraKeys);
  for (const Key &key : keys)
    file += toBytes(key.name) + toBytes(key.type) + key.bytes;
  const uint64_t alignment = findAlignment();
  std::string data;
  for (const Tensor &tensor : tensors) {
    data.resize(llvm::alignTo(data.size(), alignment));
    file += toBytes(tensor.name) + toBytes<uint32_t>(tensor.dims.size());
    for (uint64_t dim : tensor.dims)
      file += toBytes(dim);
    file += toBytes(tensor.type);
    file += toBytes<uint64_t>(tensor.hasOffset ? tensor.offset : data.size());
    data += tensor.bytes;
  }
  file.resize(llvm::alignTo(file.size(), alignment));
  return file + data;
}

/// Two heads of 4 + 2 elements, made of a latent vector of 6.
static void setTinyLatents(GgufBuilder &file, const std::string &block) {
  constexpr model::GgmlType kF32 = model::GgmlType::F32;
  for (const char *name : {"attn_q", "attn_k", "attn_v"})
    file.removeTensor(block + name + ".weight");
  file.u32("deepseek2.attention.q_lora_rank", 10)
      .u32("deepseek2.attention.kv_lora_rank", 6)
      .u32("deepseek2.attention.key_length_mla", 6)
      .u32("deepseek2.attention.value_length_mla", 4)
      .u32("deepseek2.rope.dimension_count", 2)
      .tensor(block + "attn_q_a.weight", {10, 8}, kF32)
      .tensor(block + "attn_q_a_norm.weight", {10}, kF32)
      .tensor(block + "attn_q_b.weight", {12, 10}, kF32)
      .tensor(block + "attn_kv_a_mqa.weight", {8, 8}, kF32)
      .tensor(block + "attn_kv_a_norm.weight", {6}, kF32)
      .tensor(block + "attn_k_b.weight", {2, 6, 4}, kF32)
      .tensor(block + "attn_v_b.weight", {2, 4, 6}, kF32);
}

static bool isHybrid(const std::string &family) {
  return family == "qwen3next" || family == "qwen35" || family == "qwen35moe";
}

/// A layer of a family with delta nets: every second one is attention.
static void setTinyHybrid(GgufBuilder &file, const std::string &family,
                          const std::string &block) {
  constexpr model::GgmlType kF32 = model::GgmlType::F32;
  file.removeTensor(block + "ffn_norm.weight")
      .tensor(block + "post_attention_norm.weight", {8}, kF32);
  if (std::stoi(block.substr(4)) % 2 == 1) {
    file.tensor(block + "attn_q.weight", {16, 8}, kF32)
        .tensor(block + "attn_q_norm.weight", {4}, kF32)
        .tensor(block + "attn_k_norm.weight", {4}, kF32);
    return;
  }
  for (const char *name : {"attn_q", "attn_k", "attn_v", "attn_output"})
    file.removeTensor(block + name + ".weight");
  file.tensor(block + "attn_qkv.weight", {64, 8}, kF32)
      .tensor(block + "attn_gate.weight", {32, 8}, kF32)
      .tensor(block + "ssm_conv1d.weight", {64, 4}, kF32)
      .tensor(block + "ssm_a", {2}, kF32)
      .tensor(block + "ssm_dt.bias", {2}, kF32)
      .tensor(block + "ssm_norm.weight", {16}, kF32)
      .tensor(block + "ssm_out.weight", {8, 32}, kF32);
  if (family == "qwen3next")
    file.tensor(block + "ssm_ba.weight", {4, 8}, kF32);
  else
    file.tensor(block + "ssm_beta.weight", {2, 8}, kF32)
        .tensor(block + "ssm_alpha.weight", {2, 8}, kF32);
}

static void setTinyDeltaKeys(GgufBuilder &file, const std::string &family) {
  file.u32(family + ".full_attention_interval", 2)
      .u32(family + ".ssm.conv_kernel", 4)
      .u32(family + ".ssm.state_size", 16)
      .u32(family + ".ssm.group_count", 1)
      .u32(family + ".ssm.time_step_rank", 2)
      .u32(family + ".ssm.inner_size", 32);
}

/// What only some families have in a layer, and what they do not have.
static void setTinyPeculiarities(GgufBuilder &file, const std::string &family,
                                 const std::string &block) {
  constexpr model::GgmlType kF32 = model::GgmlType::F32;
  if (family == "gemma2" || family == "gemma3")
    file.tensor(block + "post_attention_norm.weight", {8}, kF32)
        .tensor(block + "post_ffw_norm.weight", {8}, kF32);
  if (family == "gpt-oss" || family == "glm4moe")
    file.removeTensor(block + "ffn_norm.weight")
        .tensor(block + "post_attention_norm.weight", {8}, kF32);
  if (family == "gpt-oss")
    file.tensor(block + "attn_sinks.weight", {2}, kF32)
        .tensor(block + "attn_output.bias", {8}, kF32)
        .tensor(block + "ffn_gate_inp.bias", {4}, kF32)
        .tensor(block + "ffn_gate_exps.bias", {4, 12}, kF32)
        .tensor(block + "ffn_up_exps.bias", {4, 12}, kF32)
        .tensor(block + "ffn_down_exps.bias", {4, 8}, kF32);
  if (family == "deepseek2")
    setTinyLatents(file, block);
  if (family == "glm4moe" || family == "deepseek2")
    file.u32(family + ".expert_shared_count", 1)
        .tensor(block + "exp_probs_b.bias", {4}, kF32)
        .tensor(block + "ffn_gate_shexp.weight", {12, 8}, kF32)
        .tensor(block + "ffn_up_shexp.weight", {12, 8}, kF32)
        .tensor(block + "ffn_down_shexp.weight", {8, 12}, kF32);
  const int keys = family == "gpt2" ? 8 : 4; // gpt2 has a kv head for each.
  if (family == "phi3" || family == "gpt2") {
    for (const char *name : {"attn_q", "attn_k", "attn_v", "ffn_gate"})
      file.removeTensor(block + name + ".weight");
    file.tensor(block + "attn_qkv.weight", {8 + 2 * keys, 8}, kF32);
  }
  if (family == "phi3")
    file.tensor(block + "ffn_up.weight", {32, 8}, kF32);
  if (family == "gpt2")
    file.tensor(block + "attn_qkv.bias", {24}, kF32)
        .tensor(block + "attn_norm.bias", {8}, kF32)
        .tensor(block + "attn_output.bias", {8}, kF32)
        .tensor(block + "ffn_norm.bias", {8}, kF32)
        .tensor(block + "ffn_up.bias", {16}, kF32)
        .tensor(block + "ffn_down.bias", {8}, kF32);
}

GgufBuilder modelc::test::buildTinyDecoder(const std::string &family,
                                           int layers) {
  constexpr model::GgmlType kF32 = model::GgmlType::F32;
  const std::string prefix = family + ".";
  GgufBuilder file;
  file.string("general.architecture", family)
      .string("general.name", "tiny")
      .u32(prefix + "block_count", layers)
      .u32(prefix + "context_length", 64)
      .u32(prefix + "embedding_length", 8)
      .u32(prefix + "feed_forward_length", 16)
      .u32(prefix + "attention.head_count", 2)
      .u32(prefix + "attention.head_count_kv", 1)
      .f32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f)
      .tensor("token_embd.weight", {10, 8}, kF32)
      .tensor("output_norm.weight", {8}, kF32);
  for (int layer = 0; layer < layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    file.tensor(block + "attn_norm.weight", {8}, kF32)
        .tensor(block + "attn_q.weight", {8, 8}, kF32)
        .tensor(block + "attn_k.weight", {4, 8}, kF32)
        .tensor(block + "attn_v.weight", {4, 8}, kF32)
        .tensor(block + "attn_output.weight", {8, 8}, kF32)
        .tensor(block + "ffn_norm.weight", {8}, kF32)
        .tensor(block + "ffn_gate.weight", {16, 8}, kF32)
        .tensor(block + "ffn_up.weight", {16, 8}, kF32)
        .tensor(block + "ffn_down.weight", {8, 16}, kF32);
    if (family == "qwen2" || family == "qwen2moe" || family == "gpt-oss" ||
        family == "glm4moe")
      file.tensor(block + "attn_q.bias", {8}, kF32)
          .tensor(block + "attn_k.bias", {4}, kF32)
          .tensor(block + "attn_v.bias", {4}, kF32);
    if (family == "qwen3" || family == "qwen3moe" || family == "gemma3")
      file.tensor(block + "attn_q_norm.weight", {4}, kF32)
          .tensor(block + "attn_k_norm.weight", {4}, kF32);
  }
  if (family == "qwen2moe" || family == "qwen3moe" || family == "gpt-oss" ||
      family == "glm4moe" || family == "deepseek2" || family == "qwen3next" ||
      family == "qwen35moe")
    setTinyExperts(file, family, layers);
  for (int layer = 0; layer < layers; ++layer)
    setTinyPeculiarities(file, family, "blk." + std::to_string(layer) + ".");
  for (int layer = 0; isHybrid(family) && layer < layers; ++layer)
    setTinyHybrid(file, family, "blk." + std::to_string(layer) + ".");
  if (isHybrid(family))
    setTinyDeltaKeys(file, family);
  if (family == "gpt2")
    file.f32("gpt2.attention.layer_norm_epsilon", 1e-5f)
        .tensor("position_embd.weight", {64, 8}, kF32)
        .tensor("output_norm.bias", {8}, kF32);
  if (family == "gemma3" || family == "gpt-oss")
    file.u32(family + ".attention.sliding_window", 16);
  return file;
}

void modelc::test::setTinyExperts(GgufBuilder &file, const std::string &family,
                                  int layers) {
  constexpr model::GgmlType kF32 = model::GgmlType::F32;
  file.u32(family + ".expert_count", 4)
      .u32(family + ".expert_used_count", 2)
      .u32(family + ".expert_feed_forward_length", 12);
  for (int layer = 0; layer < layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".ffn_";
    for (const char *dense : {"gate", "up", "down"})
      file.removeTensor(block + dense + ".weight");
    file.tensor(block + "gate_inp.weight", {4, 8}, kF32)
        .tensor(block + "gate_exps.weight", {4, 12, 8}, kF32)
        .tensor(block + "up_exps.weight", {4, 12, 8}, kF32)
        .tensor(block + "down_exps.weight", {4, 8, 12}, kF32);
    if (family == "qwen2moe" || isHybrid(family))
      file.tensor(block + "gate_inp_shexp.weight", {8}, kF32)
          .tensor(block + "gate_shexp.weight", {16, 8}, kF32)
          .tensor(block + "up_shexp.weight", {16, 8}, kF32)
          .tensor(block + "down_shexp.weight", {8, 16}, kF32);
  }
}
