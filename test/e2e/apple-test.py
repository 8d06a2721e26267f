#!/usr/bin/env python3
"""apple-test.py - plans for Apple's chips give the bits of those for x86-64.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

They are compiled here and run by what stands in for a Mac under qemu
(test/emulators/mac): the dylib in the plan is mapped as it is. Instructions are
counted there, so that plans cannot pass without them. Of apple-m4 this is what
has no SME in it, up to eight rows; the rest is in sme-test.py.
"""

import os
import sys

import guest
import support
from support import require

TARGETS = ("apple-m1", "apple-m2")
LATER_TARGETS = ("apple-m3", "apple-m4")
TYPES = ("q4_0", "q4_K", "q6_K", "q8_0", "f16")


def test_demo(tools):
    """Threads, prompts in pieces around the edges of tiles."""
    guest.check(tools, tools.demo, TARGETS, (("-t", "3", "--batch=33"),),
                support.TOKENS[:36])
    guest.check(tools, tools.demo, LATER_TARGETS,
                (("-t", "1", "--batch=5"),), support.TOKENS[:8])


def test_experts(tools):
    guest.check(tools, guest.expert_model(tools), TARGETS, (("-t", "2"),),
                support.TOKENS[:7])
    # From 17 tokens on, experts have so many rows that they are SMMLA's.
    for kind in TYPES:
        guest.check(tools, guest.write_model(tools, kind, "tiny-qwen3moe"),
                    (*TARGETS, "apple-m3"), (("-t", "1"),),
                    support.TOKENS[:17])


def test_stories(tools):
    """Eight heads of 8, a feed-forward of 172, F16; where the model is."""
    guest.check(tools, tools.shared("stories260K-F16.gguf"), guest.MACS,
                (("-t", "1"),), support.TOKENS[:9])


def test_types(tools):
    """Six tokens, in images, and three, without."""
    for kind in TYPES:
        guest.check(tools, guest.write_model(tools, kind),
                    (*TARGETS, "apple-m3"), (("-t", "1", "--batch=6"),),
                    support.TOKENS[:9])


def test_work(tools):
    """All multiplications of quantised weights are in SDOTs of 16, on M2 from
    five rows on in SMMLAs of 32."""
    for target, tokens, rows, name, size in (
            ("apple-m1", 1, 1, "sdot", 16), ("apple-m1", 6, 8, "sdot", 16),
            ("apple-m2", 4, 4, "sdot", 16), ("apple-m2", 6, 8, "smmla", 32),
            ("apple-m3", 6, 8, "smmla", 32), ("apple-m4", 6, 8, "smmla", 32)):
        plan = tools.compile(tools.demo, target, "there.mplan", "--strict")
        counts = guest.count(tools, plan, target, support.TOKENS[:tokens])
        work = guest.count_products(plan, tools, rows)
        require(work > 0 and counts[name] * size == work,
                f"{target}: {counts[name]} times {name} for {work} products")
        require(sum(counts.values()) == counts[name], f"not {name} alone")


def test_same_bytes(tools):
    """The number of threads leaves no trace in a dylib either."""
    plan = os.path.join(tools.plans, "demo-apple-m2.mplan")
    tools.compile(tools.demo, "apple-m2", "again.mplan", "--threads=3")
    require(support.read("again.mplan") == support.read(plan), "other bytes")


def test_refusals(tools):
    """Linux refuses a Mac's plans and a Mac those of Linux, and a chip what it
    lacks."""
    plans = {target: os.path.join(tools.plans, f"demo-{target}.mplan")
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
    plan = os.path.join(tools.plans, "demo-apple-m1.mplan")
    tokens = support.TOKENS[:3]
    ids = ",".join(map(str, tokens))
    tools.run(*guest.get_command_for(tools, "apple-m2"), plan,
              f"--tokens={ids}", "--logits-out=logits.f32")
    require(support.read("logits.f32") ==
            guest.expected_logits(tools, tools.demo, tokens), "other bits")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
