#!/usr/bin/env python3
"""aarch64-test.py - plans for AArch64 give the bits of those for x86-64.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

They are compiled here and run by the runtime built for AArch64, under qemu.
Instructions are counted there, so that plans cannot pass without them.
"""

import json
import sys

import guest
import support
import synthetic
from support import require

TARGETS = ("aarch64", "neoverse-v2")
# Types that the target with matrix instructions is tried on: one of each way to
# unpack, and F16.
MATRIX_TYPES = ("q8_0", "q4_0", "q4_K", "q6_K", "iq4_xs", "iq2_xs", "tq1_0",
                "f16")
# More than a page of the cache; row tiles with one row, all but one, and all.
TOKENS = support.TOKENS[:70]


def check_type(tools, kind, preset="tiny-llama"):
    # All at once in images; up to four rows without.
    targets = TARGETS if kind in MATRIX_TYPES else ("aarch64",)
    guest.check(tools, guest.write_model(tools, kind, preset), targets,
                (("-t", "1"), ("-t", "1", "--batch=3")), support.TOKENS[:13])


def test_demo(tools):
    """Threads, and prompts in pieces around the edges of tiles."""
    options = (("-t", "1"), ("-t", "3", "--batch=33"),
               ("-t", "1", "--batch=1"), ("-t", "1", "--batch=5"))
    guest.check(tools, tools.demo, TARGETS, options, TOKENS)


def test_experts(tools):
    guest.check(tools, guest.expert_model(tools), TARGETS,
                (("-t", "1"), ("-t", "2", "--batch=35")), TOKENS)


def test_stories(tools):
    """Eight heads of 8, a feed-forward of 172, F16; where the model is."""
    guest.check(tools, tools.shared("stories260K-F16.gguf"), TARGETS,
                (("-t", "1"),), support.TOKENS[:9])


def test_expert_types(tools):
    """From 17 tokens on, experts have so many rows that they are SMMLA's."""
    for kind in ("q4_0", "q4_K", "q6_K", "q8_0", "f16"):
        guest.check(tools, guest.write_model(tools, kind, "tiny-qwen3moe"),
                    TARGETS, (("-t", "1"),), support.TOKENS[:17])


def test_shared_expert(tools):
    for kind in ("q4_K", "q6_K"):
        model = synthetic.write_model("model.gguf", "qwen2moe", kind)
        guest.check(tools, model, TARGETS, (("-t", "1"),), support.TOKENS[:21])


def test_simple_types(tools):
    for kind in ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q1_0", "q2_0"):
        check_type(tools, kind)


def test_k_types(tools):
    for kind in ("q2_K", "q3_K", "q4_K", "q5_K", "q6_K"):
        check_type(tools, kind)


def test_codebook_types(tools):
    for kind in ("iq4_nl", "iq4_xs", "mxfp4", "nvfp4", "tq1_0", "tq2_0"):
        check_type(tools, kind)


def test_grid_types(tools):
    for kind in ("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs",
                 "iq3_s"):
        check_type(tools, kind)


def test_float_types(tools):
    for kind in ("f32", "f16", "bf16"):
        check_type(tools, kind)


def test_other_families(tools):
    """Windows, caps, biases, sinks, layer norms; and a cache in blocks."""
    for preset in ("tiny-gemma2", "tiny-gpt-oss", "tiny-gpt2"):
        check_type(tools, "q8_0", preset)
    plans = [tools.compile(tools.demo, target, f"{target}.mplan",
                           "--cache-type=q8_0")
             for target in ("x86-64-v3", "aarch64")]
    require(tools.logits(plans[0], tokens=TOKENS) ==
            guest.get_logits(tools, plans[1], "aarch64", tokens=TOKENS),
            "other bits with a cache of blocks")


def test_delta_nets(tools):
    """Chunks of 16 tokens, whole and in pieces."""
    guest.check(tools, guest.write_model(tools, "q8_0", "tiny-qwen35"),
                ("aarch64",), (("-t", "1"), ("-t", "1", "--batch=5")),
                support.TOKENS[:35])


def test_work_of_sdot(tools):
    """All multiplications of quantised weights, of whole tiles of four rows,
    are in SDOTs of 16, and nothing else is."""
    plan = tools.compile(tools.demo, "aarch64", "there.mplan", "--strict")
    for tokens, rows in ((1, 1), (4, 4), (6, 8)):
        counts = guest.count(tools, plan, "aarch64", support.TOKENS[:tokens])
        work = guest.count_products(plan, tools, rows)
        require(work > 0 and counts["sdot"] * 16 == work,
                f"{counts['sdot']} SDOTs for {work} products")
        require(counts["smmla"] == 0, f"{counts['smmla']} SMMLAs")


def test_work_of_smmla(tools):
    """From five rows on all multiplications are in SMMLAs of 32; below, in
    SDOTs."""
    plan = tools.compile(tools.demo, "neoverse-v2", "there.mplan", "--strict")
    for tokens, rows, name, size in ((4, 4, "sdot", 16), (6, 8, "smmla", 32)):
        counts = guest.count(tools, plan, "neoverse-v2",
                             support.TOKENS[:tokens])
        work = guest.count_products(plan, tools, rows)
        require(work > 0 and counts[name] * size == work,
                f"{counts[name]} times {name} for {work} products")
        require(sum(counts.values()) == counts[name], f"not {name} alone")


def test_large_pages(tools):
    """Code is copied where pages are larger than the format's."""
    plan = tools.compile(tools.demo, "aarch64", "there.mplan")
    tokens = support.TOKENS[:3]
    expected = guest.expected_logits(tools, tools.demo, tokens)
    for size in (16384, 65536):
        command = guest.get_command_for(tools, "aarch64", "-p", str(size))
        require(tools.logits(plan, tokens=tokens, tool=command) == expected,
                f"other bits with pages of {size} bytes")


def test_refusals(tools):
    """Each machine refuses the other's plans, and CPUs without SDOT all."""
    there = tools.compile(tools.demo, "aarch64", "there.mplan")
    here = tools.compile(tools.demo, "x86-64-v3", "here.mplan")

    def refusal(plan, *command):
        return tools.fail(*(command or ("modelc-run",)), plan, "--tokens=1",
                          "--logits-out=logits.f32")

    require(refusal(there) == "there.mplan: does not run on this machine: "
            "aarch64 has code for AArch64 (ELF machine 183), not x86-64",
            "x86-64 says something else")
    require(refusal(here, *guest.get_command(tools, "cortex-a76")) ==
            "here.mplan: does not run on this machine: x86-64-v3 has code for "
            "x86-64 (ELF machine 62), not AArch64", "AArch64 says something "
            "else")
    require(refusal(there, *guest.get_command(tools, "cortex-a72")) ==
            "there.mplan: does not run on this machine: aarch64 needs asimddp",
            "a CPU without SDOT says something else")
    newer = tools.compile(tools.demo, "neoverse-v2", "newer.mplan")
    require(refusal(newer, *guest.get_command(tools, "cortex-a76")) ==
            "newer.mplan: does not run on this machine: neoverse-v2 needs i8mm",
            "a CPU without SMMLA says something else")
    require(tools.fail("modelc", "inspect", there, "--cost") ==
            "there.mplan: costs are estimated for x86-64 only, not for aarch64",
            "inspect says something else")
    require(json.loads(tools.run("modelc", "inspect", there, "--json"))
            ["variants"][0]["features"] == ["asimddp"], "other features")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
