#!/usr/bin/python3
"""make-model.py - writes a synthetic GGUF model of any weight type.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    make-model.py PRESET OUT.gguf [--type=T] [--output-type=T] [--layers=N]
                  [--vocab=N] [--seed=N]
    make-model.py --list

A preset is the shape of a known model, or a tiny one of a known family. Its
weights are random blocks that the type's own quantiser could have made, scaled
so that activations keep their size from layer to layer; norms are around 1.
Such a model is good for speed, memory and agreement, and says nothing of
language. The same options give the same bytes. Needs numpy.
"""

import argparse
import struct
import sys

import numpy

from blocktypes import FLOATS, TYPES, get_size, make_blocks

ALIGNMENT = 32
CHUNK_ELEMS = 1 << 22  # Made at once.

# ----------------------------------------------------------------------------
# Shapes
# ----------------------------------------------------------------------------


class Shape:
    def __init__(self, family, layers, width, hidden, heads, kv_heads, head,
                 vocab, base, tied=False, experts=0, used=0, expert_hidden=0,
                 fused_experts=False, **keys):
        """`keys` are further keys of the family's metadata, with __ for dots;
        some of them say that there are tensors. With `fused_experts` gate and
        up of all experts are one tensor."""
        self.keys = {key.replace("__", "."): value
                     for key, value in keys.items()}
        self.family, self.layers, self.width = family, layers, width
        self.hidden, self.heads, self.kv_heads = hidden, heads, kv_heads
        self.head, self.vocab, self.base, self.tied = head, vocab, base, tied
        self.experts, self.used = experts, used
        self.expert_hidden, self.fused_experts = expert_hidden, fused_experts


PRESETS = {
    "tiny-llama": Shape("llama", 2, 256, 512, 4, 2, 64, 512, 1e4),
    "tiny-qwen2": Shape("qwen2", 2, 256, 512, 4, 2, 64, 512, 1e6, tied=True),
    "tiny-qwen3": Shape("qwen3", 2, 256, 512, 4, 2, 64, 512, 1e6, tied=True),
    "tiny-qwen3moe": Shape("qwen3moe", 2, 256, 512, 4, 2, 64, 512, 1e6,
                           experts=8, used=2, expert_hidden=256),
    "tiny-mixtral": Shape("llama", 2, 256, 256, 4, 2, 64, 512, 1e6,
                          experts=8, used=2, expert_hidden=256),
    "tiny-qwen2moe": Shape("qwen2moe", 2, 256, 512, 4, 2, 64, 512, 1e6,
                           experts=8, used=2, expert_hidden=256,
                           expert_shared_feed_forward_length=512),
    # Windows, caps and stretches are so short that few tokens show them.
    "tiny-gemma2": Shape("gemma2", 2, 256, 512, 4, 2, 64, 512, 1e4, tied=True,
                         attention__sliding_window=40,
                         attn_logit_softcapping=2.0,
                         final_logit_softcapping=3.0),
    "tiny-gemma3": Shape("gemma3", 6, 256, 512, 4, 2, 64, 512, 1e6, tied=True,
                         attention__sliding_window=40,
                         rope__scaling__type="linear",
                         rope__scaling__factor=8.0),
    "tiny-gpt2": Shape("gpt2", 2, 256, 512, 4, 4, 64, 512, 1e4, tied=True,
                       context_length=128),
    "tiny-phi3": Shape("phi3", 2, 256, 512, 4, 2, 64, 512, 1e4,
                       rope__scaling__original_context_length=2048,
                       rope__scaling__attn_factor=1.19),
    "tiny-smollm3": Shape("smollm3", 4, 256, 512, 4, 2, 64, 512, 1e6,
                          tied=True),
    "tiny-mistral3": Shape("mistral3", 2, 256, 512, 4, 2, 64, 512, 1e6,
                           rope__scaling__type="yarn",
                           rope__scaling__factor=16.0,
                           rope__scaling__original_context_length=32,
                           rope__scaling__yarn_log_multiplier=1.0,
                           attention__temperature_scale=0.1),
    "tiny-gpt-oss": Shape("gpt-oss", 2, 256, 256, 4, 2, 64, 512, 1.5e5,
                          experts=8, used=2, expert_hidden=256,
                          attention__sliding_window=40,
                          rope__scaling__type="yarn",
                          rope__scaling__factor=32.0,
                          rope__scaling__original_context_length=128),
    # The last layer predicts further tokens.
    "tiny-glm4moe": Shape("glm4moe", 4, 256, 512, 4, 2, 64, 512, 1e4,
                          experts=8, used=2, expert_hidden=256,
                          nextn_predict_layers=1, expert_shared_count=1,
                          leading_dense_block_count=1, expert_gating_func=2,
                          expert_weights_norm=True, expert_weights_scale=1.5,
                          rope__dimension_count=32),
    # Heads of 64 + 32, of a latent vector of 96; DeepSeek-V3 in small.
    "tiny-deepseek2": Shape("deepseek2", 3, 256, 512, 4, 1, 96, 512, 1e4,
                            experts=8, used=3, expert_hidden=256,
                            attention__q_lora_rank=256,
                            attention__kv_lora_rank=96,
                            attention__key_length=128,
                            attention__value_length=96,
                            attention__key_length_mla=96,
                            attention__value_length_mla=64,
                            rope__dimension_count=32,
                            rope__scaling__type="yarn",
                            rope__scaling__factor=40.0,
                            rope__scaling__original_context_length=64,
                            rope__scaling__yarn_log_multiplier=0.1,
                            expert_shared_count=2, expert_gating_func=2,
                            expert_group_count=4, expert_group_used_count=2,
                            expert_weights_norm=True, expert_weights_scale=2.5,
                            leading_dense_block_count=1),
    # DeepSeek-V2-Lite, of an older converter: llama.cpp knows it by its layers.
    "tiny-deepseek2-lite": Shape("deepseek2", 26, 256, 256, 4, 4, 96, 512, 1e4,
                                 experts=4, used=2, expert_hidden=64,
                                 fused_experts=True,
                                 attention__kv_lora_rank=64,
                                 attention__value_length=64,
                                 rope__dimension_count=32,
                                 rope__scaling__type="yarn",
                                 rope__scaling__factor=40.0,
                                 rope__scaling__original_context_length=64,
                                 rope__scaling__yarn_log_multiplier=0.0707,
                                 expert_shared_count=1,
                                 expert_weights_scale=1.0,
                                 leading_dense_block_count=1),
    # Three of four layers are delta nets.
    "tiny-qwen3next": Shape("qwen3next", 4, 256, 512, 4, 2, 64, 512, 1e7,
                            experts=8, used=2, expert_hidden=256,
                            expert_shared_feed_forward_length=512,
                            rope__dimension_count=16, ssm__conv_kernel=4,
                            ssm__state_size=64, ssm__group_count=2,
                            ssm__time_step_rank=4, ssm__inner_size=256,
                            full_attention_interval=4),
    "tiny-qwen35": Shape("qwen35", 4, 256, 512, 4, 2, 64, 512, 1e7, tied=True,
                         rope__dimension_count=16,
                         rope__dimension_sections=numpy.array([3, 3, 2, 0],
                                                              "<i4"),
                         ssm__conv_kernel=4, ssm__state_size=64,
                         ssm__group_count=2, ssm__time_step_rank=4,
                         ssm__inner_size=256, full_attention_interval=4),
    "tiny-qwen35moe": Shape("qwen35moe", 4, 256, 512, 4, 2, 64, 512, 1e7,
                            experts=8, used=2, expert_hidden=256,
                            expert_shared_feed_forward_length=512,
                            rope__dimension_count=16,
                            rope__dimension_sections=numpy.array([3, 3, 2, 0],
                                                                 "<i4"),
                            ssm__conv_kernel=4, ssm__state_size=64,
                            ssm__group_count=2, ssm__time_step_rank=4,
                            ssm__inner_size=256, full_attention_interval=4),
    "qwen3-0.6b": Shape("qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 1e6,
                        tied=True),
    "llama3.2-1b": Shape("llama", 16, 2048, 8192, 32, 8, 64, 128256, 5e5,
                         tied=True),
    "llama3-8b": Shape("llama", 32, 4096, 14336, 32, 8, 128, 128256, 5e5),
    "qwen3moe-30b-6l": Shape("qwen3moe", 6, 2048, 6144, 32, 4, 128, 151936,
                             1e6, experts=128, used=8, expert_hidden=768),
}


# Families in which most layers are delta nets.
HYBRIDS = ("qwen3next", "qwen35", "qwen35moe")


class Tensor:
    def __init__(self, name, shape, kind, mean=0.0, sigma=None):
        self.name, self.shape, self.kind, self.mean = name, shape, kind, mean
        # So that a product with a row has the size of its input.
        self.sigma = sigma or shape[-1] ** -0.5
        self.count = 1
        for size in shape:
            self.count *= size
        block = TYPES[kind].elems if kind in TYPES else 1
        if shape[-1] % block:
            sys.exit(f"{name}: rows of {shape[-1]}, but blocks of {kind} have "
                     f"{block} elements")

    def make(self, random):
        """The tensor's bytes, in pieces."""
        for begin in range(0, self.count, CHUNK_ELEMS):
            count = min(CHUNK_ELEMS, self.count - begin)
            if self.mean:
                values = self.mean + self.sigma * random.standard_normal(count)
                yield values.astype("<f4").tobytes()
            else:
                yield make_blocks(random, self.kind, count, self.sigma)


class Layer:
    """Makes the tensors of one layer."""

    def __init__(self, shape, prefix, kind):
        self.shape, self.prefix, self.kind = shape, prefix, kind

    def matrix(self, name, *sizes, kind=None):
        return Tensor(self.prefix + name + ".weight", sizes, kind or self.kind)

    def vector(self, name, size, mean=1.0, sigma=0.1):
        return Tensor(self.prefix + name, (size,), "f32", mean, sigma)

    def bias(self, name, *sizes):
        return Tensor(self.prefix + name + ".bias", sizes, "f32", sigma=0.1)

    def list_delta_net(self):
        keys, width = self.shape.keys, self.shape.width
        heads, size = keys["ssm.time_step_rank"], keys["ssm.state_size"]
        values = heads * size
        mixed = 2 * keys["ssm.group_count"] * size + values
        yield self.vector("attn_norm.weight", width)
        yield self.matrix("attn_qkv", mixed, width)
        yield self.matrix("attn_gate", values, width)
        if self.shape.family == "qwen3next":
            yield self.matrix("ssm_ba", 2 * heads, width)
        else:
            yield self.matrix("ssm_beta", heads, width)
            yield self.matrix("ssm_alpha", heads, width)
        yield self.matrix("ssm_conv1d", mixed, keys["ssm.conv_kernel"],
                          kind="f32")
        yield self.vector("ssm_a", heads, -0.5, sigma=0.1)
        yield self.vector("ssm_dt.bias", heads, 0.0, sigma=0.5)
        yield self.vector("ssm_norm.weight", size)
        yield self.matrix("ssm_out", width, values)

    def list_attention(self):
        shape, family = self.shape, self.shape.family
        width, queries = shape.width, shape.heads * shape.head
        keys = shape.kv_heads * shape.head
        has_gate = family in HYBRIDS
        yield self.vector("attn_norm.weight", width)
        if family == "deepseek2":
            yield from self.list_latent_attention()
            return
        if family in ("phi3", "gpt2"):
            yield self.matrix("attn_qkv", queries + 2 * keys, width)
        else:
            yield self.matrix("attn_q", (2 if has_gate else 1) * queries, width)
            yield self.matrix("attn_k", keys, width)
            yield self.matrix("attn_v", keys, width)
        yield self.matrix("attn_output", width, queries)
        if family in ("qwen2", "qwen2moe", "gpt-oss", "glm4moe"):
            yield self.bias("attn_q", queries)
            yield self.bias("attn_k", keys)
            yield self.bias("attn_v", keys)
        if family == "gpt2":
            yield self.bias("attn_norm", width)
            yield self.bias("attn_qkv", queries + 2 * keys)
        if family in ("gpt2", "gpt-oss"):
            yield self.bias("attn_output", width)
        if family.startswith("qwen3") or family in ("gemma3", "glm4moe"):
            yield self.vector("attn_q_norm.weight", shape.head)
            yield self.vector("attn_k_norm.weight", shape.head)
        if family == "gpt-oss":
            yield self.vector("attn_sinks.weight", shape.heads, 0.0, sigma=1.0)

    def list_latent_attention(self):
        shape, width, heads = self.shape, self.shape.width, self.shape.heads
        rank = shape.keys["attention.kv_lora_rank"]
        value = shape.keys.get("attention.value_length_mla",
                               shape.keys["attention.value_length"])
        rope = shape.keys["rope.dimension_count"]
        queries = shape.keys.get("attention.q_lora_rank")
        if queries:
            yield self.matrix("attn_q_a", queries, width)
            yield self.vector("attn_q_a_norm.weight", queries)
            yield self.matrix("attn_q_b", heads * shape.head, queries)
        else:
            yield self.matrix("attn_q", heads * shape.head, width)
        yield self.matrix("attn_kv_a_mqa", rank + rope, width)
        yield self.vector("attn_kv_a_norm.weight", rank)
        # Rows are so short that K-quants have no block for them.
        kind = "q8_0" if self.kind.endswith("_K") else self.kind
        if "attention.key_length_mla" in shape.keys:
            yield self.matrix("attn_k_b", heads, rank, shape.head - rope,
                              kind=kind)
            yield self.matrix("attn_v_b", heads, value, rank, kind=kind)
        else:
            yield self.matrix("attn_kv_b", heads * (shape.head - rope + value),
                              rank, kind=kind)
        yield self.matrix("attn_output", width, heads * value)

    def list_experts(self):
        shape, width = self.shape, self.shape.width
        experts, hidden = shape.experts, shape.expert_hidden
        yield self.matrix("ffn_gate_inp", experts, width, kind="f32")
        if shape.fused_experts:
            yield self.matrix("ffn_gate_up_exps", experts, 2 * hidden, width)
        else:
            yield self.matrix("ffn_gate_exps", experts, hidden, width)
            yield self.matrix("ffn_up_exps", experts, hidden, width)
        yield self.matrix("ffn_down_exps", experts, width, hidden)
        if shape.family == "gpt-oss":
            yield self.bias("ffn_gate_inp", experts)
            yield self.bias("ffn_gate_exps", experts, hidden)
            yield self.bias("ffn_up_exps", experts, hidden)
            yield self.bias("ffn_down_exps", experts, width)
        if "expert_shared_feed_forward_length" in shape.keys:
            shared = shape.keys["expert_shared_feed_forward_length"]
            yield self.vector("ffn_gate_inp_shexp.weight", width, 0.0)
            yield self.matrix("ffn_gate_shexp", shared, width)
            yield self.matrix("ffn_up_shexp", shared, width)
            yield self.matrix("ffn_down_shexp", width, shared)
        if shape.keys.get("expert_gating_func") == 2:
            yield self.bias("exp_probs_b", experts)
        if "expert_shared_count" in shape.keys:
            shared = hidden * shape.keys["expert_shared_count"]
            yield self.matrix("ffn_gate_shexp", shared, width)
            yield self.matrix("ffn_up_shexp", shared, width)
            yield self.matrix("ffn_down_shexp", width, shared)

    def list_dense(self):
        shape, width, hidden = self.shape, self.shape.width, self.shape.hidden
        if shape.family == "phi3":
            yield self.matrix("ffn_up", 2 * hidden, width)
        else:
            if shape.family != "gpt2":
                yield self.matrix("ffn_gate", hidden, width)
            yield self.matrix("ffn_up", hidden, width)
        yield self.matrix("ffn_down", width, hidden)
        if shape.family == "gpt2":
            yield self.bias("ffn_norm", width)
            yield self.bias("ffn_up", hidden)
            yield self.bias("ffn_down", width)

    def list(self, is_dense, is_recurrent):
        family, width = self.shape.family, self.shape.width
        yield from (self.list_delta_net() if is_recurrent
                    else self.list_attention())
        if family in ("gpt-oss", "glm4moe", "gemma2", "gemma3", *HYBRIDS):
            yield self.vector("post_attention_norm.weight", width)
        if family not in ("gpt-oss", "glm4moe", *HYBRIDS):
            yield self.vector("ffn_norm.weight", width)
        yield from self.list_dense() if is_dense else self.list_experts()
        if family in ("gemma2", "gemma3"):
            yield self.vector("post_ffw_norm.weight", width)


def list_globals(shape):
    """What families have beside layers, embedding and output."""
    if shape.family == "gpt2":
        yield Tensor("position_embd.weight",
                     (shape.keys["context_length"], shape.width), "f32",
                     sigma=0.5)
        yield Tensor("output_norm.bias", (shape.width,), "f32", sigma=0.1)
    if shape.family == "phi3":
        for name, mean in ("long", 3.0), ("short", 1.2):
            yield Tensor(f"rope_factors_{name}.weight", (shape.head // 2,),
                         "f32", mean, sigma=0.1)
    if shape.family == "glm4moe":
        yield Tensor(f"blk.{shape.layers - 1}.nextn.enorm.weight",
                     (shape.width,), "f32", 1.0, sigma=0.1)


def list_tensors(shape, kind, output_kind):
    table = output_kind if shape.tied else kind
    # Where the embedding is also the output, and scaled or not normalised
    # before it is added to, larger ones would leave no doubt of any token.
    small = shape.family in ("gemma2", "gemma3", "gpt2", "qwen35", "smollm3")
    yield Tensor("token_embd.weight", (shape.vocab, shape.width), table,
                 sigma=0.0625 if small else 0.5)
    for layer in range(shape.layers
                       - shape.keys.get("nextn_predict_layers", 0)):
        dense = shape.keys.get("leading_dense_block_count", 0)
        yield from Layer(shape, f"blk.{layer}.", kind).list(
            not shape.experts or layer < dense,
            shape.family in HYBRIDS
            and (layer + 1) % shape.keys["full_attention_interval"] != 0)
    yield Tensor("output_norm.weight", (shape.width,), "f32", 1.0, sigma=0.1)
    yield from list_globals(shape)
    if not shape.tied:
        yield Tensor("output.weight", (shape.vocab, shape.width), output_kind)


# ----------------------------------------------------------------------------
# The file: GGUF 3
# ----------------------------------------------------------------------------

U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def encode_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def encode_value(value):
    if isinstance(value, str):
        return struct.pack("<I", STRING) + encode_string(value)
    if isinstance(value, float):
        return struct.pack("<If", F32, value)
    if isinstance(value, bool):
        return struct.pack("<IB", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", U32, value)
    if isinstance(value, numpy.ndarray):
        kind = F32 if value.dtype.kind == "f" else I32
        return struct.pack("<IIQ", ARRAY, kind, len(value)) + value.tobytes()
    return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(
        map(encode_string, value))


def get_metadata(shape, name):
    family = shape.family
    yield "general.architecture", family
    yield "general.name", name
    keys = {"context_length": 4096, "embedding_length": shape.width,
            "block_count": shape.layers, "feed_forward_length": shape.hidden,
            "attention.head_count": shape.heads}
    if family == "gpt2":
        keys["attention.layer_norm_epsilon"] = 1e-5
    else:
        keys.update({
            "attention.head_count_kv": shape.kv_heads,
            "attention.key_length": shape.head,
            "attention.value_length": shape.head,
            "rope.dimension_count": shape.head, "rope.freq_base": shape.base,
            "attention.layer_norm_rms_epsilon":
                1e-5 if family == "llama" else 1e-6})
    if shape.experts:
        keys.update({"expert_count": shape.experts,
                     "expert_used_count": shape.used,
                     "expert_feed_forward_length": shape.expert_hidden})
    for key, value in {**keys, **shape.keys}.items():
        yield f"{family}.{key}", value
    # A vocabulary of bytes, and of words that no text has.
    words = shape.vocab - 3 - 256
    yield "tokenizer.ggml.model", "llama"
    yield "tokenizer.ggml.tokens", (
        ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] +
        [f"\u2581w{i}" for i in range(words)])
    yield "tokenizer.ggml.scores", -numpy.arange(shape.vocab, dtype="<f4")
    yield "tokenizer.ggml.token_type", numpy.array(
        [2, 3, 3] + [6] * 256 + [1] * words, "<i4")
    yield "tokenizer.ggml.bos_token_id", 1
    yield "tokenizer.ggml.eos_token_id", 2
    yield "tokenizer.ggml.unknown_token_id", 0


def pad(size):
    return -size % ALIGNMENT


def write_model(path, shape, name, kind, output_kind, seed):
    tensors = list(list_tensors(shape, kind, output_kind))
    metadata = list(get_metadata(shape, name))
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata:
        header += encode_string(key) + encode_value(value)
    offset = 0
    for tensor in tensors:
        number = (FLOATS[tensor.kind][0] if tensor.kind in FLOATS
                  else TYPES[tensor.kind].number)
        sizes = tensor.shape[::-1]
        header += encode_string(tensor.name) + struct.pack(
            f"<I{len(sizes)}QIQ", len(sizes), *sizes, number, offset)
        size = get_size(tensor.kind, tensor.count)
        offset += size + pad(size)
    with open(path, "wb") as file:
        file.write(header + bytes(pad(len(header))))
        for number, tensor in enumerate(tensors):
            random = numpy.random.default_rng([seed, number])
            for piece in tensor.make(random):
                file.write(piece)
            file.write(bytes(pad(get_size(tensor.kind, tensor.count))))


def main():
    names = [*FLOATS, *TYPES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", nargs="?", choices=PRESETS)
    parser.add_argument("out", nargs="?")
    parser.add_argument("--type", default="q4_0", choices=names)
    parser.add_argument("--output-type", choices=names,
                        help="of the output matrix, also where it is tied")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--vocab", type=int, help="at least 259")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true",
                        help="names of presets and types")
    options = parser.parse_args()
    if options.list:
        print("presets:", *PRESETS)
        print("types:", *names)
        return
    if not options.out:
        parser.error("PRESET and OUT.gguf are needed")
    shape = PRESETS[options.preset]
    shape.layers = options.layers or shape.layers
    shape.vocab = options.vocab or shape.vocab
    write_model(options.out, shape, f"{options.preset}-{options.type}",
                options.type, options.output_type or options.type,
                options.seed)


if __name__ == "__main__":
    main()
