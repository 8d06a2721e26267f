#!/usr/bin/env python3
"""experts-test.py - mixtures of experts: the same bits as the reference.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

What bits-test.py holds for dense models: no bit depends on the target, on
threads, on how a prompt is cut or on who shares the batch. Which experts a
token uses then decides which rows share a tile, and must not show either.
"""

import os
import sys

import support
import synthetic
from support import require

TARGETS = ("x86-64-v3", "cascadelake")
TOKENS = support.TOKENS[:70]


def demo_model(tools):
    return os.path.join(tools.root, "test", "inputs",
                        "stories6M-qwen3moe-q4_K.gguf")


def check_targets(tools, model, tokens=None):
    """Plans for two instruction sets give the reference's bits, imported and
    fused, a prompt at once and in pieces."""
    expected = tools.logits(model, tokens=tokens, tool=("modelc-reference",))
    require(tools.logits(model, "--fused", tokens=tokens,
                         tool=("modelc-reference",)) == expected,
            "the fused reference gives other bits")
    for target in TARGETS:
        plan = tools.compile(model, target, f"{target}.mplan", "--strict")
        if not tools.features(plan) <= support.cpu_flags():
            continue
        for options in ([], ["--batch=1"], ["--batch=5", "-t", "3"]):
            require(tools.logits(plan, *options, tokens=tokens) == expected,
                    f"{target} {' '.join(options)}: other bits than the "
                    "reference")


def test_qwen3moe(tools):
    check_targets(tools, demo_model(tools))


def check_type(tools, family, kind):
    model = synthetic.write_model("model.gguf", family, kind)
    check_targets(tools, model, TOKENS)


def test_f32(tools):
    check_type(tools, "qwen3moe", "f32")


def test_f16(tools):
    check_type(tools, "qwen3moe", "f16")


def test_q8_0(tools):
    check_type(tools, "qwen3moe", "q8_0")


def test_q4_k(tools):
    check_type(tools, "qwen3moe", "q4_K")


def test_q6_k(tools):
    check_type(tools, "qwen3moe", "q6_K")


def test_mixtral(tools):
    check_type(tools, "llama", "q8_0")


def test_shared_expert(tools):
    check_type(tools, "qwen2moe", "q4_K")


def check_pieces(tools, target):
    plan = tools.compile(demo_model(tools), target, "plan.mplan")
    if not tools.features(plan) <= support.cpu_flags():
        raise support.Skip(f"this CPU cannot run {target}")
    expected = tools.logits(plan)
    for options in (["-t", "1"], ["-t", "2"], ["-t", "5"],
                    # One token, and the ends of the regimes: 1, 4, 6, 8 and
                    # 64 rows of an expert.
                    *([f"--batch={n}"] for n in (1, 2, 4, 5, 16, 17, 24, 25,
                                                 32, 33, 64, 65)),
                    ["-t", "5", "--batch=37"]):
        require(tools.logits(plan, *options) == expected,
                f"other bits with {' '.join(options)}")
    print(tools.run("modelc_sessions_test", plan))


def test_pieces_avx2(tools):
    check_pieces(tools, "x86-64-v3")


def test_pieces_avx512(tools):
    check_pieces(tools, "cascadelake")


def test_in_memory(tools):
    """`modelc run`: ORC's code, no artifact."""
    plan = tools.compile(demo_model(tools), "x86-64-v3", "plan.mplan")
    require(tools.logits(demo_model(tools), tool=("modelc", "run"))
            == tools.logits(plan), "modelc run gives other bits")


def test_artifact(tools):
    """Experts are reported as such, each on pages of its own, and verify."""
    model = demo_model(tools)
    plan = tools.compile(model, "x86-64-v3", "plan.mplan")
    tools.run("modelc", "verify", plan, f"--source={model}")
    tensors = tools.inspect(plan)["report"]["tensors"]
    experts = [t for t in tensors if t["use"] == "expert"]
    require(len(experts) == 3 * 3, f"{len(experts)} expert weights")
    for tensor in experts:
        require(len(tensor["shape"]) == 3 and "_exps." in tensor["tensor"]
                and "_experts8" in tensor["kernel"], str(tensor))
        require(tensor["packed_bytes"] % (8 * 4096) == 0, str(tensor))


def test_strange_routers(tools):
    """Logits that are no numbers choose experts all the same, and equal ones
    choose the first."""
    for value in ("nan", "inf", "-inf", "0"):
        model = synthetic.write_model("model.gguf", "qwen3moe", "f32",
                                      router=float(value))
        plan = tools.compile(model, "x86-64-v3", "plan.mplan")
        expected = tools.logits(model, tokens=TOKENS,
                                tool=("modelc-reference",))
        numbers = support.floats(expected)
        for batch in (1, 3, 70):
            found = support.floats(
                tools.logits(plan, f"--batch={batch}", tokens=TOKENS))
            require(len(found) == len(numbers) and all(
                a == b or (a != a and b != b)
                for a, b in zip(found, numbers)),
                    f"routers of {value}, --batch={batch}: other logits")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
