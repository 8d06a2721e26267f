#!/usr/bin/env python3
"""cost-test.py - the estimate of cycles that modelc inspect --cost gives.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Cycles themselves are not tested here, they change with kernels and with LLVM;
but how often loops go round is: the products that the walk counts in the
machine code are those that the plan's matmuls have.
"""

import json
import os
import re
import sys

import support
from support import require


def cost(tools, plan, *options):
    """The passes of the estimate."""
    return json.loads(tools.run("modelc", "inspect", plan, "--json", "--cost",
                                *options))["cost"]


def demo(tools, target):
    return os.path.join(tools.plans, f"demo-{target}.mplan")


def total(tools, plan, *options):
    passes = cost(tools, plan, *options)
    require(len(passes) == 1, f"{len(passes)} passes")
    return passes[0]


def check_products(one, dot_operations):
    """All matmuls of a pass; how many there were."""
    found = 0
    for row in one["kernels"]:
        if not row["operations"]:
            continue
        name = row["kernel"]
        tile = int(re.search(r"_i8_m(\d+)k32", name).group(1))
        # The logits' matmul computes one row, whatever the pass has.
        is_logits = row["first_step"].startswith("token_embd")
        rows = 1 if is_logits else one["tokens"]
        padded = -(-rows // tile) * tile
        operations = row["operations"] // rows * padded
        products, size = row["vector_products"], dot_operations
        if name.endswith("_intelamx"):
            products, size = row["tile_products"], 2 * tile * 16 * 32
        require(products * size == operations,
                f"{name}: {products} products, {operations} operations")
        require(row["guesses"] == 0, f"{name} branches on data")
        found += 1
    return found


def test_products(tools):
    """The weights are Q8_0, of whole panels and blocks: a VPDPBUSD multiplies
    16 x 4 of them, a tile product as many rows and 16 x 32."""
    for target in ("cascadelake", "sapphirerapids"):
        for tokens in (1, 8, 41):
            one = total(tools, demo(tools, target), f"--tokens={tokens}")
            require(check_products(one, 2 * 16 * 4) >= 5, "matmuls are missing")
            tiles = sum(row.get("tile_products", 0) for row in one["kernels"])
            require((tiles > 0) == (target == "sapphirerapids" and tokens > 8),
                    f"{target}, {tokens} tokens: {tiles} tile products")


def test_sums(tools):
    """The pass is the sum of its steps, and more work takes longer."""
    plan = demo(tools, "cascadelake")
    passes = cost(tools, plan, "--bytes-per-cycle=4")
    require([one["tokens"] for one in passes] == [1, 512], "other passes")
    for one in passes:
        rows = one["kernels"]
        require(abs(sum(r.get("compute_cycles", 0) for r in rows) -
                    one["compute_cycles"]) < 1, "computing")
        require(abs(sum(r["memory_cycles"] for r in rows) -
                    one["memory_cycles"]) < 1, "memory")
        require(max(one["compute_cycles"], one["memory_cycles"]) <=
                one["cycles"] + 1 <=
                one["compute_cycles"] + one["memory_cycles"] + 2, "both")
        require(abs(one["cycles"] / one["tokens"] - one["cycles_per_token"])
                < 1, "a token")
    faster = total(tools, plan, "--bytes-per-cycle=8", "--tokens=1")
    require(abs(faster["memory_cycles"] * 2 - passes[0]["memory_cycles"]) < 1,
            "twice the bytes a cycle")
    short, more, deep = (
        total(tools, plan, *options)["compute_cycles"]
        for options in (["--tokens=16"], ["--tokens=64"],
                        ["--tokens=64", "--depth=1000"]))
    require(short < more < deep,
            "more tokens, or more before them, cost less")


def test_loops(tools):
    """The loops of a kernel are all of its cycles."""
    one = total(tools, demo(tools, "sapphirerapids"), "--tokens=64", "--loops")
    for row in one["kernels"]:
        require(abs(sum(loop["share"] for loop in row["loops"]) - 1) < 1e-6,
                f"{row['kernel']}: shares of loops")
        require(all(loop["turns"] > 0 and loop["cycles_per_turn"] >= 0
                    for loop in row["loops"]), "a loop that did not run")


def test_other_cpu(tools):
    """Code runs, and is estimated, on later machines; not on earlier ones."""
    plan = demo(tools, "cascadelake")
    own, later = (total(tools, plan, "--tokens=64", *cpu)
                  for cpu in ((), ("--cpu=sapphirerapids",)))
    require(own["cpu"] == "cascadelake" and later["cpu"] == "sapphirerapids",
            "the CPU's name")
    require(own["compute_cycles"] != later["compute_cycles"], "the same model")
    error = tools.fail("modelc", "inspect", demo(tools, "sapphirerapids"),
                       "--cost", "--cpu=cascadelake")
    require(re.search(r"variant 0: its code needs \w+, which cascadelake lacks",
                      error), error)


def test_errors(tools):
    plan = demo(tools, "cascadelake")
    error = tools.fail("modelc", "inspect", plan, "--cost", "--cpu=z80")
    require("no target \"z80\" to estimate cycles for" in error, error)
    error = tools.fail("modelc", "inspect", plan, "--cost", "--tokens=513")
    require("--tokens=513: a pass has 512 at most" in error, error)


def check_experts(tools, model, target, tokens, tile):
    """Rows of eight experts, two for each token, spread evenly: every row tile
    is multiplied by the matrices of its expert, and there is no guess."""
    plan = tools.compile(model, target, f"{target}.mplan")
    one = total(tools, plan, f"--tokens={tokens}")
    require("evenly" in one["experts"], "the assumption is not named")
    rows = [row for row in one["kernels"] if "_experts8" in row["kernel"]]
    require(len(rows) == 2, f"{len(rows)} expert kernels")
    used, experts = 2, 8
    active = min(experts, used * tokens)
    each = used * tokens / active
    require(each == int(each), "no even number of rows")
    for row in rows:
        padded = -(-each // tile) * tile * active
        operations = row["operations"] / (used * tokens) * padded
        products, size = row["vector_products"], 2 * 16 * 4
        if row["kernel"].endswith("_intelamx"):
            products, size = row["tile_products"], 2 * tile * 16 * 32
        require(products * size == operations,
                f"{row['kernel']}: {products} products, {operations}")
        require(row["guesses"] == 0, "branches on data")
        require(row["compute_cycles"] > 0, "no cycles")
    # Each active expert's matrices are read once.
    return sum(row["memory_cycles"] for row in rows) / active


def test_experts(tools):
    """Steps whose tiles an earlier step counts, for one token, for row tiles of
    several and for tiles."""
    model = os.path.join(tools.root, "test/inputs/stories6M-qwen3moe-q4_K.gguf")
    bytes_of_one = {
        check_experts(tools, model, "cascadelake", 1, 1),
        check_experts(tools, model, "cascadelake", 32, 8),
        check_experts(tools, model, "sapphirerapids", 32, 8),
        check_experts(tools, model, "sapphirerapids", 128, 8)}
    require(len({round(b, 3) for b in bytes_of_one}) == 1, str(bytes_of_one))
    text = tools.run("modelc", "inspect",
                     tools.compile(model, "cascadelake", "experts.mplan"),
                     "--cost")
    require("no estimate" not in text, text)
    dense = tools.run("modelc", "inspect", demo(tools, "cascadelake"), "--cost")
    require("spread" not in dense, "a dense model has no experts")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
