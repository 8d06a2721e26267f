#!/usr/bin/env python3
"""amx-test.py - plans for Intel AMX give the bits of those without.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

They run under the emulator of test/emulators/intel-amx where the CPU has no
tiles, and it counts the tile products: a plan that did without them fails.
types-test.py holds the same for every type.
"""

import json
import os
import re
import sys

import support
import synthetic
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


def test_edges(tools):
    """Prompts whose last row tile has one row, all but one, or all, on several
    threads: a prompt's logits are the first of a longer one's."""
    plan = tools.compile(tools.demo, "sapphirerapids", "tiles.mplan")
    longest = tools.logits(tools.compile(tools.demo, "x86-64-v3", "v3.mplan"),
                           tokens=support.TOKENS[:70])
    row_bytes = len(longest) // 70
    for threads, edge in enumerate((16, 24, 40, 64), start=2):
        for count in (edge - 1, edge, edge + 1):
            found, products = tools.emulated_logits(
                plan, "-t", str(threads), tokens=support.TOKENS[:count])
            require(found == longest[:count * row_bytes],
                    f"other bits for {count} tokens on {threads} threads")
            require(products is None or products > 1000,
                    f"only {products} tile products for {count} tokens")


# Elements of k that a tile product takes; 32 for types that are not here.
SUB_BLOCKS = {"q2_K": 16, "q3_K": 16, "q6_K": 16, "nvfp4": 16, "iq1_m": 16,
              "iq2_xs": 16, "iq2_s": 16}


# From so many tokens on, quants of weights of these types that are not experts'
# are multiplied as bf16 numbers, in row tiles of 32.
WIDENED = 257
WIDENED_TYPES = {"q4_1", "q5_1", "q4_K", "q5_K"}


def check_work(tools, model, tokens, used=0, experts=0):
    """The report says that 95 % of the quantised matmul work of a prompt is in
    tiles, and the emulator counts the products of just that work, those of
    integers and those of bf16 numbers. `used` of `experts` are chosen for each
    token."""
    plan = tools.compile(model, "sapphirerapids", "tiles.mplan", "--strict",
                         "--report=report.json")
    with open("report.json", encoding="utf-8") as file:
        rows = json.load(file)["tensors"]
    work, in_tiles, least, most, floats = 0, 0, 0, 0, 0
    for row in rows:
        if row["use"].split("+")[-1] not in ("matmul", "expert") or \
                row["type"] in ("f32", "f16", "bf16"):
            continue
        # Products of 8 rows and 16 outputs. An expert's last tile may have
        # one row only.
        of_experts = len(row["shape"]) == 3
        inputs = len(tokens) * (used if of_experts else 1)
        tiles = -(-inputs // 8)
        outputs, columns = row["shape"][-2:]
        work += inputs * outputs * columns
        if row["kernel"].endswith("_intelamx"):
            in_tiles += inputs * outputs * columns
            products = -(-outputs // 16) * (
                columns // SUB_BLOCKS.get(row["type"], 32))
            if inputs >= WIDENED and not of_experts and \
                    "_shexp" not in row["tensor"] and \
                    row["type"] in WIDENED_TYPES:
                floats += -(-inputs // 32) * 2 * products
            else:
                least += tiles * products
                most += (tiles + (experts if of_experts else 0)) * products
    print(f"in tiles: {in_tiles} of {work}; products: {least} .. {most} of "
          f"integers, {floats} of bf16 numbers")
    require(in_tiles >= 0.95 * work, f"only {in_tiles} of {work} in tiles")
    # The plan's steps for so many tokens do the work that the report has.
    steps = [step for step in tools.inspect(plan)["variants"][0]["steps"]
             if step["min"] <= len(tokens) <= step["max"]
             and re.search("_i8_|_bf16_m", step["kernel"])]
    total = sum(step["ops_per_count"] for step in steps) * len(tokens)
    require(total == 2 * work, f"{total} operations of steps, {2 * work}")
    expected = tools.logits(tools.compile(model, "x86-64-v3", "v3.mplan"),
                            tokens=tokens)
    found, products = tools.emulated_logits(
        plan, "-t", "3", tokens=tokens, instruction=("tdpbssd", "tdpbf16ps"))
    require(found == expected, "other bits")
    require(least + floats > 1000, "too few products to count")
    require(products is None or (least <= products[0] <= most and
                                 products[1] == floats),
            f"{products} tile products")
    require(experts or least == most, "not exact")


def test_work_of_dense(tools):
    check_work(tools, tools.demo, TOKENS)


def test_work_of_many_rows(tools):
    """A prompt that is long enough for products of bf16 numbers; experts keep
    those of integers."""
    model = synthetic.write_model("model.gguf", "qwen2moe", "q4_K")
    tokens = (support.TOKENS * 2)[:WIDENED + 3]
    check_work(tools, model, tokens, synthetic.USED, synthetic.EXPERTS)


def test_work_of_experts(tools):
    check_work(tools, expert_model(tools), TOKENS, used=2, experts=8)


def test_work_of_shared_expert(tools):
    """Of six experts two are used; one more, of twice the size, always is."""
    for kind in ("q4_K", "q6_K"):
        model = synthetic.write_model("model.gguf", "qwen2moe", kind)
        check_work(tools, model, TOKENS, synthetic.USED, synthetic.EXPERTS)


def test_bf16(tools):
    """BF16 weights are multiplied by tiles of floats, experts included, from
    one row on: the same bits for any pieces and threads, and logits that are
    near sums in double and those of vectors."""
    model = synthetic.write_model("model.gguf", "qwen2moe", "bf16")
    plan = tools.compile(model, "sapphirerapids", "tiles.mplan", "--strict",
                         "--report=report.json")
    with open("report.json", encoding="utf-8") as file:
        rows = [row for row in json.load(file)["tensors"]
                if row["type"] == "bf16"]
    require(len(rows) == 2 * 10 + 1, f"{len(rows)} tensors")
    for row in rows:
        require(row["kernel"].endswith("_intelamx") and
                row["layout"] == "bf16.n16k32.pairs" and
                row["reason"] == "first_choice", str(row))
    tokens = support.TOKENS[:35]

    def run(plan, *options):
        return tools.emulated_logits(plan, *options, tokens=tokens,
                                     instruction="tdpbf16ps")
    found, products = run(plan)
    # Three parts, 16 rows and 16 outputs by 32; of experts fewer rows.
    shapes = 2 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256) + 512 * 256
    dense = 3 * -(-len(tokens) // 16) * shapes // (16 * 32)
    require(products is None or products > dense, f"{products} products")
    for options in (("-t", "1"), ("-t", "5", "--batch=17"), ("--batch=1",),
                    ("--batch=4",), ("--batch=7", "-t", "3")):
        again, products = run(plan, *options)
        require(again == found, f"other bits with {options}")
        require(products is None or products > 1000, f"{products} products")
    granite = tools.compile(model, "graniterapids", "granite.mplan")
    require(run(granite)[0] == found, "graniterapids gives other bits")

    plain = tools.logits(model, "--plain", tool=("modelc-reference",),
                         tokens=tokens)
    vectors = tools.logits(tools.compile(model, "x86-64-v3", "v3.mplan"),
                           tokens=tokens)
    require(found != vectors, "the order of sums is that of vectors")
    vocabulary = len(plain) // 4 // len(tokens)
    # Both differ from sums in double by roundings of the cache that fall the
    # other way, most of all. Activations rounded to bf16 would be at 1e-5.
    for name, logits in (("tiles", found), ("vectors", vectors)):
        distance = support.mean_kl(plain, logits, vocabulary)
        print(f"{name}: mean KL to sums in double {distance:.3g}")
        require(abs(distance) < 1e-7, f"{name} are at a mean KL of {distance}")
    require(abs(support.mean_kl(vectors, found, vocabulary)) < 1e-7,
            "far from vectors")


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


def expert_model(tools):
    return os.path.join(tools.root, "test", "inputs",
                        "stories6M-qwen3moe-q4_K.gguf")


def test_experts(tools):
    """Threads, and pieces around the edges of regimes: tiles are for more than
    eight rows of an expert, which 32 tokens have on average."""
    check(tools, expert_model(tools), support.TOKENS[:70], options=(
        (), ("-t", "1"), ("-t", "5", "--batch=35"), ("--batch=33",)))
    plan = tools.compile(expert_model(tools), "sapphirerapids", "few.mplan")
    _, dense = tools.emulated_logits(plan, "--batch=32", tokens=TOKENS[:32])
    _, both = tools.emulated_logits(plan, "--batch=33", tokens=TOKENS[:33])
    # Per row tile of eight: Q, K, V and O of three layers, and the logits.
    shapes = 3 * (2 * 256 * 256 + 2 * 128 * 256) + 512 * 256
    require(dense is None or dense == 4 * shapes // (16 * 32),
            f"{dense} products of dense matmuls")
    require(both is None or both > 2 * dense, f"{both} products, experts too")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
