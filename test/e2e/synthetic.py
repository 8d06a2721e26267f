"""synthetic.py - writes small models with experts, of any family and type.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Random weights of about the size that trained ones have; two layers, width 256,
512 tokens, a tokenizer that only counts. For comparing engines, not for text.
"""

import random
import struct

# type: (ggml's id, elements of a block)
TYPES = {"f32": (0, 1), "f16": (1, 1), "bf16": (30, 1), "q8_0": (8, 32),
         "q4_K": (12, 256), "q6_K": (14, 256)}
WIDTH, HEADS, KV_HEADS, HEAD, VOCAB = 256, 4, 2, 64, 512
EXPERTS, USED, HIDDEN, SHARED = 6, 2, 256, 512


def make_blocks(rng, kind, count, sigma):
    """`count` elements of a type, with standard deviation about `sigma`."""
    if kind == "f32":
        return struct.pack(f"<{count}f",
                           *(rng.gauss(0, sigma) for _ in range(count)))
    if kind == "f16":
        return struct.pack(f"<{count}e",
                           *(rng.gauss(0, sigma) for _ in range(count)))
    if kind == "bf16":
        # The upper halves of floats.
        floats = struct.pack(f"<{count}f",
                             *(rng.gauss(0, sigma) for _ in range(count)))
        return b"".join(floats[i + 2:i + 4] for i in range(0, 4 * count, 4))

    def half(value):
        return struct.pack("<e", value * rng.uniform(0.7, 1.3))

    blocks = []
    for _ in range(count // TYPES[kind][1]):
        if kind == "q8_0":
            blocks.append(half(sigma / 74) + rng.randbytes(32))
        elif kind == "q4_K":
            blocks.append(half(sigma / 230) + half(7.5 * sigma / 230)
                          + rng.randbytes(140))
        else:
            blocks.append(rng.randbytes(208) + half(sigma / 1370))
    return b"".join(blocks)


def pack_string(text):
    return struct.pack("<Q", len(text)) + text.encode()


class Writer:
    """A GGUF file of version 3, little-endian."""

    def __init__(self, family, seed):
        self.rng = random.Random(seed)
        self.keys = []
        self.tensors = []
        self.put("general.architecture", family)
        self.family = family

    def put(self, key, value):
        if isinstance(value, str):
            data = struct.pack("<I", 8) + pack_string(value)
        elif isinstance(value, float):
            data = struct.pack("<If", 6, value)
        else:
            data = struct.pack("<II", 4, value)
        self.keys.append(pack_string(key) + data)

    def matrix(self, name, kind, *shape):
        count = 1
        for size in shape:
            count *= size
        data = make_blocks(self.rng, kind, count, shape[-1] ** -0.5)
        self.tensors.append((name, shape, kind, data))

    def vector(self, name, size, mean):
        values = (mean + self.rng.gauss(0, 0.1) for _ in range(size))
        self.tensors.append(
            (name, (size,), "f32", struct.pack(f"<{size}f", *values)))

    def write(self, path):
        head = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors),
                                     len(self.keys)) + b"".join(self.keys)
        data = b""
        for name, shape, kind, values in self.tensors:
            head += pack_string(name) + struct.pack("<I", len(shape))
            head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
            head += struct.pack("<IQ", TYPES[kind][0], len(data))
            data += values + bytes(-len(values) % 32)
        with open(path, "wb") as file:
            file.write(head + bytes(-len(head) % 32) + data)


def add_layer(w, prefix, kind, router):
    w.vector(prefix + "attn_norm.weight", WIDTH, 1)
    w.matrix(prefix + "attn_q.weight", kind, HEADS * HEAD, WIDTH)
    w.matrix(prefix + "attn_k.weight", kind, KV_HEADS * HEAD, WIDTH)
    w.matrix(prefix + "attn_v.weight", kind, KV_HEADS * HEAD, WIDTH)
    w.matrix(prefix + "attn_output.weight", kind, WIDTH, HEADS * HEAD)
    if w.family == "qwen3moe":
        w.vector(prefix + "attn_q_norm.weight", HEAD, 1)
        w.vector(prefix + "attn_k_norm.weight", HEAD, 1)
    w.vector(prefix + "ffn_norm.weight", WIDTH, 1)
    if router is None:
        w.matrix(prefix + "ffn_gate_inp.weight", "f32", EXPERTS, WIDTH)
    else:
        w.tensors.append((prefix + "ffn_gate_inp.weight", (EXPERTS, WIDTH),
                          "f32", struct.pack("<f", router) * EXPERTS * WIDTH))
    w.matrix(prefix + "ffn_gate_exps.weight", kind, EXPERTS, HIDDEN, WIDTH)
    w.matrix(prefix + "ffn_up_exps.weight", kind, EXPERTS, HIDDEN, WIDTH)
    w.matrix(prefix + "ffn_down_exps.weight", kind, EXPERTS, WIDTH, HIDDEN)
    if w.family == "qwen2moe":
        w.vector(prefix + "ffn_gate_inp_shexp.weight", WIDTH, 0)
        w.matrix(prefix + "ffn_gate_shexp.weight", kind, SHARED, WIDTH)
        w.matrix(prefix + "ffn_up_shexp.weight", kind, SHARED, WIDTH)
        w.matrix(prefix + "ffn_down_shexp.weight", kind, WIDTH, SHARED)


def write_model(path, family, kind, seed=1, router=None):
    """A model of `family` - llama, qwen2moe or qwen3moe - whose matrices but
    the routers are of type `kind`. All elements of the routers are `router`, if
    that is given."""
    w = Writer(family, seed)
    for key, value in {
            "block_count": 2, "context_length": 512,
            "embedding_length": WIDTH, "feed_forward_length": HIDDEN,
            "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS,
            "attention.layer_norm_rms_epsilon": 1e-5, "vocab_size": VOCAB,
            "expert_count": EXPERTS, "expert_used_count": USED}.items():
        w.put(f"{family}.{key}", value)
    if family == "qwen2moe":
        w.put("qwen2moe.expert_shared_feed_forward_length", SHARED)
    w.matrix("token_embd.weight", kind, VOCAB, WIDTH)
    w.vector("output_norm.weight", WIDTH, 1)
    for layer in range(2):
        add_layer(w, f"blk.{layer}.", kind, router)
    w.write(path)
    return path
