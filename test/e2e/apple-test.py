#!/usr/bin/env python3
"""apple-test.py - plans for Apple's chips give the bits of those for x86-64.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

They are compiled here and run by what stands in for a Mac under qemu
(test/emulators/mac): the dylib in the plan is mapped as it is. Instructions are
counted there, those of Apple AMX by its emulator, so that plans cannot pass
without them. Of apple-m4 this is what has no SME in it, up to eight rows; the
rest is in sme-test.py.
"""

import os
import sys

import guest
import support
from support import require

TARGETS = ("apple-m1", "apple-m2")
TYPES = ("q4_0", "q4_K", "q6_K", "q8_0", "f16")
# Those that Apple AMX multiplies where there are many rows.
OUTER_TYPES = {"apple-m1": TYPES, "apple-m2": ("q4_0", "q4_K", "f16"),
               "apple-m3": ("q4_0", "q4_K", "f16")}
OUTER_ROWS = 32  # Of a row tile.
EXPERTS, USED = 8, 2  # Of tiny-qwen3moe.
MANY = 69  # Tokens for which each of these has more than 17 rows on average.


def check_outer_products(tools, model, kind, target, expected, tokens):
    """With few tokens the model needs no Apple AMX. With all, all products with
    weights of this kind are made by it, or none: those of whole row tiles, 32
    rows by 32 outputs of bytes, 16 by 16 of floats. On an M1 experts' are too,
    of as many rows as are routed, and for each up to a row tile more."""
    plan = tools.compile(model, target, "there.mplan", "--strict")
    tools.run("modelc", "verify", plan, f"--source={model}")
    token_bytes = len(expected) // MANY
    few, counts = guest.run_with_apple_amx(tools, plan, target, "-t", "1",
                                           "--batch=6", tokens=tokens[:9])
    require(few == expected[:9 * token_bytes], f"{target}: other bits of six")
    require(not counts, f"{target}: {counts} for six tokens")
    found, counts = guest.run_with_apple_amx(tools, plan, target, "-t", "2",
                                             tokens=tokens)
    require(found == expected[:len(tokens) * token_bytes],
            f"{target}: other bits of {kind}")
    instruction, size = ("fma32", 256) if kind == "f16" else ("mac16", 1024)
    least = most = 0
    if kind in OUTER_TYPES[target]:
        rows = len(tokens) + -len(tokens) % OUTER_ROWS
        routed = USED * len(tokens) if target == "apple-m1" else 0
        padding = EXPERTS * (OUTER_ROWS - 1) if routed else 0
        least, most = (
            guest.count_products(plan, tools, rows, "matmul", kind == "f16") +
            guest.count_products(plan, tools, more, "expert", kind == "f16")
            for more in (routed, routed + padding))
    products = counts[instruction] * size
    require(least <= products <= most, f"{target}: {products} products by "
            f"{instruction} of {kind}, must be {least} .. {most}")
    require(counts["set"] == counts["clr"], f"{target}: {counts}")


def get_demo_plan(tools, target):
    return os.path.join(tools.plans, f"demo-{target}.mplan")


def test_demo(tools):
    """Threads, prompts in pieces around the edges of tiles."""
    tokens = support.TOKENS[:36]
    expected = guest.expected_logits(tools, tools.demo, tokens)
    for target in guest.MACS:
        threads, batch, count = (3, 33, 36) if target in TARGETS else (1, 5, 8)
        found = guest.get_logits(tools, get_demo_plan(tools, target), target,
                                 "-t", threads, f"--batch={batch}",
                                 tokens=tokens[:count])
        require(found == expected[:len(expected) // len(tokens) * count],
                f"{target}: other bits")


def test_experts(tools):
    guest.check(tools, guest.expert_model(tools), TARGETS, (("-t", "2"),),
                support.TOKENS[:7])
    for kind in TYPES:
        model = guest.write_model(tools, kind, "tiny-qwen3moe")
        expected = guest.expected_logits(tools, model, support.TOKENS[:MANY])
        # From 17 tokens on, experts have so many rows that they are SMMLA's,
        # from 69 on, so many that they are Apple AMX's.
        for target, tokens in (("apple-m1", MANY), ("apple-m2", 19),
                               ("apple-m3", 18)):
            check_outer_products(tools, model, kind, target, expected,
                                 support.TOKENS[:tokens])


def test_stories(tools):
    """Eight heads of 8, a feed-forward of 172, F16; where the model is."""
    model = tools.shared("stories260K-F16.gguf")
    tokens = support.TOKENS[:9]
    guest.check(tools, model, guest.MACS, (("-t", "1"),), tokens)
    plan = tools.compile(model, "apple-m1", "there.mplan", "--strict")
    _, counts = guest.run_with_apple_amx(tools, plan, "apple-m1",
                                         tokens=tokens)
    require(counts["fma32"] > 0, "no outer products")


def test_types(tools):
    for kind in TYPES:
        model = guest.write_model(tools, kind)
        expected = guest.expected_logits(tools, model, support.TOKENS[:MANY])
        for target in OUTER_TYPES:
            check_outer_products(tools, model, kind, target, expected,
                                 support.TOKENS[:19])


def test_work(tools):
    """All multiplications of quantised weights are in SDOTs of 16, on M2 from
    five rows on in SMMLAs of 32."""
    for target, tokens, rows, name, size in (
            ("apple-m1", 1, 1, "sdot", 16), ("apple-m1", 6, 8, "sdot", 16),
            ("apple-m2", 4, 4, "sdot", 16), ("apple-m2", 6, 8, "smmla", 32),
            ("apple-m3", 6, 8, "smmla", 32), ("apple-m4", 6, 8, "smmla", 32)):
        plan = get_demo_plan(tools, target)
        counts = guest.count(tools, plan, target, support.TOKENS[:tokens])
        work = guest.count_products(plan, tools, rows)
        require(work > 0 and counts[name] * size == work,
                f"{target}: {counts[name]} times {name} for {work} products")
        require(sum(counts.values()) == counts[name], f"not {name} alone")


def test_same_bytes(tools):
    """The number of threads leaves no trace in a dylib either."""
    plan = get_demo_plan(tools, "apple-m2")
    tools.compile(tools.demo, "apple-m2", "again.mplan", "--threads=3")
    require(support.read("again.mplan") == support.read(plan), "other bytes")


def test_refusals(tools):
    """Linux refuses a Mac's plans and a Mac those of Linux, and a chip what it
    lacks."""
    plans = {target: get_demo_plan(tools, target)
             for target in ("aarch64", "x86-64-v3", *guest.MACS)}

    def refusal(target, *command):
        line = tools.fail(*(command or ("modelc-run",)), plans[target],
                          "--tokens=1", "--logits-out=logits.f32")
        begin = f"demo-{target}.mplan: does not run on this machine: {target} "
        require(line.startswith(begin), f"found {line}")
        return line.removeprefix(begin)

    def on(target):
        return guest.get_command_for(tools, target)

    for target in guest.MACS:
        require(refusal(target) == "has code for macOS (Mach-O), not Linux "
                "(ELF)", "x86-64 says something else")
    require(refusal("apple-m1", *on("aarch64")) == "has code for macOS "
            "(Mach-O), not Linux (ELF)", "AArch64 says something else")
    for target in ("aarch64", "x86-64-v3"):
        require(refusal(target, *on("apple-m1")) == "has code for Linux (ELF), "
                "not macOS (Mach-O)", "a Mac says something else")
    require(refusal("apple-m2", *on("apple-m1")) == "needs i8mm bf16",
            "M1 says something else")


def test_runs_on_later_chips(tools):
    """An M2 runs what an M1 does."""
    plan = get_demo_plan(tools, "apple-m1")
    tokens = support.TOKENS[:3]
    ids = ",".join(map(str, tokens))
    tools.run(*guest.get_command_for(tools, "apple-m2"), plan,
              f"--tokens={ids}", "--logits-out=logits.f32")
    require(support.read("logits.f32") ==
            guest.expected_logits(tools, tools.demo, tokens), "other bits")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
