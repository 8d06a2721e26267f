#!/usr/bin/env python3
"""cache-test.py - keys and values in Q8_0: `modelc compile --cache-type=q8_0`.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

The same promises as with F16 (bits-test.py), half the memory, and logits that
are near those with F16.
"""

import math
import os
import sys

import support
from support import require

OPTION = "--cache-type=q8_0"
TARGETS = ("x86-64-v3", "cascadelake")


def experts(tools):
    return os.path.join(tools.root, "test", "inputs",
                        "stories6M-qwen3moe-q4_K.gguf")


def check(tools, model):
    """Plans of both instruction sets give the reference's bits, with any
    threads and pieces."""
    expected = tools.logits(model, OPTION, tool=("modelc-reference",))
    require(all(map(math.isfinite, support.floats(expected))),
            "logits that are no numbers")
    for target in TARGETS:
        plan = tools.compile(model, target, f"{target}.mplan", OPTION)
        if not tools.features(plan) <= support.cpu_flags():
            continue
        for options in ((), ("-t", "1"), ("-t", "5"), ("--batch=1",),
                        ("--batch=7", "-t", "3"), ("--batch=65",)):
            require(tools.logits(plan, *options) == expected,
                    f"{target} {options}: other bits than the reference")


def test_dense(tools):
    check(tools, tools.demo)


def test_experts(tools):
    check(tools, experts(tools))


def test_distance(tools):
    """What rounding to Q8_0 costs. Matmuls round their inputs in the same way
    at four places of a layer, the cache does at two: so at most half of what
    theirs costs. Truncating quants would be four times as much, and too much.
    Each beside matmuls that round nothing, as with rounded ones any change
    rolls all their roundings anew."""
    for model in (tools.demo, experts(tools)):
        plain, matmuls, cache = (
            tools.logits(model, *options, tool=("modelc-reference",))
            for options in (("--plain",), (), ("--plain", OPTION)))
        vocabulary = len(plain) // 4 // len(support.TOKENS)
        matmuls = support.mean_kl(plain, matmuls, vocabulary)
        cache = support.mean_kl(plain, cache, vocabulary)
        print(f"mean KL: {matmuls:.3g} by matmuls, {cache:.3g} by the cache")
        require(0 < cache < matmuls / 2,
                f"{cache} of the cache, {matmuls} of the matmuls")


def test_report(tools):
    """34 bytes for 32 elements instead of 64; what shaped the plan is told,
    and only if it is not the default."""
    for kind, size, told in (("f16", 64, ""), ("q8_0", 34, " " + OPTION)):
        said = tools.run("modelc", "compile", tools.demo,
                         "--target=x86-64-v3", "-o", f"{kind}.mplan",
                         f"--cache-type={kind}")
        # Four layers of two heads of 64, keys and values.
        state = 4 * 2 * 2 * 2 * size
        require(f"state {state} a token" in said, said)
        facts = tools.inspect(f"{kind}.mplan")
        require(facts["variants"][0]["state_bytes_per_token"] == state,
                "inspect counts other bytes")
        options = facts["provenance"]["options"]
        require(options == "--target=x86-64-v3 --ubatch=512" + told, options)
    default = os.path.join(tools.plans, "demo-x86-64-v3.mplan")
    require(support.read("f16.mplan") == support.read(default),
            "f16 is not the default")


def test_sequences(tools):
    """Several sequences in one session, copied, cut, saved and restored."""
    tools.demo_plan("x86-64-v3")
    plan = tools.compile(tools.demo, "x86-64-v3", "x.mplan", OPTION)
    print(tools.run("modelc_sessions_test", plan))


def test_odd_heads(tools):
    """Blocks of 32 do not divide heads of 8."""
    model = tools.shared("stories260K-f32.gguf")
    said = tools.fail("modelc", "compile", model, "--target=x86-64-v3", "-o",
                      "x.mplan", OPTION)
    require(said == f"{model}: a cache of q8_0 expects heads of a multiple of "
            "32 elements, found 8", said)
    require(os.listdir(".") == [], f"left behind: {os.listdir('.')}")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
