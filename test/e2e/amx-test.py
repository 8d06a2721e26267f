#!/usr/bin/env python3
"""amx-test.py - plans for Intel AMX give the bits of those without.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

They run under the emulator of test/emulators/intel-amx where the CPU has no
tiles, and it counts the tile products: a plan that did without them fails.
types-test.py holds the same for every type.
"""

import os
import sys

import support
from support import require

TOKENS = support.TOKENS[:41]


def check(tools, model, tokens=None, options=((),), target="sapphirerapids"):
    vectors = tools.compile(model, "cascadelake", "vectors.mplan", "--strict")
    if not tools.features(vectors) <= support.cpu_flags():
        raise support.Skip("this CPU has no AVX-512 VNNI")
    expected = tools.logits(vectors, tokens=tokens)
    plan = tools.compile(model, target, "tiles.mplan", "--strict")
    for more in options:
        found, products = tools.emulated_logits(plan, *more, tokens=tokens)
        require(found == expected, f"other bits with {more}")
        require(products is None or products > 1000,
                f"only {products} tile products with {more}")


def test_demo(tools):
    """Threads, and prompts in pieces around the edges of tiles."""
    check(tools, tools.demo, options=(
        (), ("-t", "1"), ("-t", "3"), ("-t", "5", "--batch=33"),
        ("--batch=9",), ("--batch=16",), ("--batch=17",)))


def test_all_in_tiles(tools):
    """The emulator counts as many products as the plan's prefill has matmul
    work: none of it, in a model of one type, is done otherwise."""
    plan = os.path.join(tools.plans, "demo-sapphirerapids.mplan")
    rows = -(-len(support.TOKENS) // 16) * 16
    steps = [step for step in tools.inspect(plan)["variants"][0]["steps"]
             if step["ops_per_count"] and step["max"] >= len(support.TOKENS)]
    require(all(step["kernel"].endswith("_intelamx") for step in steps),
            "a matmul of many rows that is not of tiles")
    # Two operations for each of 16 x 16 outputs and 32 columns.
    expected = sum(step["ops_per_count"] for step in steps) * rows
    _, products = tools.emulated_logits(plan)
    require(products is None or products == expected // (2 * 16 * 16 * 32),
            f"{products} tile products of {expected // (2 * 16 * 16 * 32)}")


def test_graniterapids(tools):
    check(tools, tools.demo, target="graniterapids")


def test_few_rows(tools):
    """Up to eight rows are for vectors."""
    plan = tools.compile(tools.demo, "sapphirerapids", "tiles.mplan")
    found, products = tools.emulated_logits(plan, "--batch=8")
    require(found == tools.logits(tools.demo_plan("x86-64-v3")), "other bits")
    require(not products, f"{products} tile products")


def test_packed_alike(tools):
    """One packed copy serves vectors and tiles: each weight has the layout, the
    size and the reason that it has for cascadelake."""
    def weights(target):
        plan = os.path.join(tools.plans, f"demo-{target}.mplan")
        rows = tools.inspect(plan)["report"]["tensors"]
        require(len(rows) > 10, f"{len(rows)} tensors")
        return [{key: value for key, value in row.items() if key != "kernel"}
                for row in rows]
    require(weights("sapphirerapids") == weights("cascadelake"),
            "other layouts than cascadelake's")


def test_experts(tools):
    model = os.path.join(tools.root, "test", "inputs",
                         "stories6M-qwen3moe-q4_K.gguf")
    check(tools, model, TOKENS)


if __name__ == "__main__":
    sys.exit(support.main(globals()))
