#!/usr/bin/env python3
"""sme-test.py - SME gives the bits of docs/numerics.md, and of x86-64.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Kernels of apple-m4 are compiled here for Linux, and called by a small program
under a qemu that has SME2 (tools/dev/fetch-qemu.sh). That program also checks
what a caller may rely on: that streaming mode and ZA are off behind a kernel,
and that a ZA which is saved lazily has been saved. Whole plans are run as in
apple-test.py, with so many tokens that matmuls are SME's.
"""

import os
import re
import subprocess
import sys

import guest
import support
from support import require


TYPES = ("q4_0", "q4_K", "q6_K", "q8_0", "f16")
TILE_ROWS = 16
SMOPA_PRODUCTS = TILE_ROWS * 16 * 4
EXPERTS, USED = 8, 2  # Of tiny-qwen3moe.


def run(tools, calls, *options):
    """Makes the calls of a file."""
    program = guest.get_program(
        tools, "test/kernels/modelc_guest_calls.aarch64")
    command = [*guest.get_sme_qemu(tools), *options, program, calls]
    done = subprocess.run(command, capture_output=True, encoding="utf-8",
                          errors="replace", check=False, timeout=300)
    require(done.returncode == 0,
            f"exit status {done.returncode}: {done.stdout}{done.stderr}")
    require(re.fullmatch(r"[1-9]\d* calls\n", done.stdout),
            f"found {done.stdout}")


def check(tools, name):
    """The calls of a set of sme-calls.cpp; all products are outer products, and
    nothing else multiplies integers."""
    guest.get_sme_qemu(tools)
    line = tools.run("modelc_sme_calls", name, "calls.bin")
    products, regions = map(int, re.fullmatch(
        r"(\d+) products, (\d+) regions\n", line).groups())
    run(tools, "calls.bin")
    return products, regions


def test_types(tools):
    check(tools, "types")


def test_rows(tools):
    check(tools, "rows")


def test_edges(tools):
    """Also how much is executed, exactly: an SMOPA for each quad, panel and row
    tile, and streaming mode once for each image and row tile."""
    products, regions = check(tools, "edges")
    counts = guest.count_instructions(
        lambda *options: run(tools, "calls.bin", *options))
    require(products > 0 and counts["smopa"] == products,
            f"{counts['smopa']} SMOPAs for {products}")
    require(regions > 0 and counts["smstart sm"] == regions and
            counts["smstop sm"] == regions,
            f"{counts['smstart sm']} regions for {regions}")
    require(counts["sdot"] == counts["smmla"] == 0, "other products")


def test_extremes(tools):
    check(tools, "extremes")


def test_epilogues(tools):
    check(tools, "epilogues")


def check_model(tools, model, tokens, padding=0):
    """A plan for an M4 has the bits of one for x86-64. With few tokens at a
    time that takes no SME; with all, all multiplications of block-quantised
    weights are in SMOPAs: exactly those of whole row tiles, and for experts up
    to `padding` rows more than are routed. How many."""
    expected = guest.expected_logits(tools, model, tokens)
    plan = tools.compile(model, "apple-m4", "there.mplan", "--strict")
    tools.run("modelc", "verify", plan, f"--source={model}")
    few = guest.get_logits(tools, plan, "apple-m4", "-t", "1", "--batch=6",
                           tokens=tokens[:9])
    require(few == expected[:len(expected) // len(tokens) * 9],
            "other bits of six tokens and three")
    found = []
    counts = guest.count_instructions(lambda *options: found.append(
        tools.logits(plan, "-t", "1", tokens=tokens,
                     tool=guest.get_sme_command(tools, *options))))
    require(found == [expected], "other bits")
    rows = len(tokens) + -len(tokens) % TILE_ROWS
    routed = USED * len(tokens)
    least, most = (guest.count_products(plan, tools, rows) +
                   guest.count_products(plan, tools, more, "expert")
                   for more in (routed, routed + padding))
    products = counts["smopa"] * SMOPA_PRODUCTS
    require(least <= products <= most,
            f"{products} products by SMOPA, must be {least} .. {most}")
    require(counts["smstart sm"] == counts["smstop sm"] and
            (counts["smstart sm"] > 0) == (least > 0), f"regions: {counts}")
    require(counts["sdot"] == counts["smmla"] == 0, f"other products: {counts}")
    return products


def test_dense(tools):
    for kind in TYPES:
        products = check_model(tools, guest.write_model(tools, kind),
                               support.TOKENS[:9])
        require((products > 0) == (kind != "f16"), f"{products} of {kind}")


def test_experts(tools):
    """33 tokens: for fewer, experts have so few rows that NEON takes them."""
    for kind in TYPES:
        model = guest.write_model(tools, kind, "tiny-qwen3moe")
        products = check_model(tools, model, support.TOKENS[:33],
                               EXPERTS * (TILE_ROWS - 1))
        require((products > 0) == (kind != "f16"), f"{products} of {kind}")


def test_threads(tools):
    """Prompts in pieces around the edges of row tiles, on several threads, of
    which each has a ZA of its own; then tokens one by one, on NEON."""
    plan = tools.compile(tools.demo, "apple-m4", "there.mplan", "--strict")
    tokens = support.TOKENS[:36]
    expected = guest.expected_logits(tools, tools.demo, tokens)
    for options in (("-t", "3"), ("-t", "2", "--batch=17")):
        require(tools.logits(plan, *options, tokens=tokens,
                             tool=guest.get_sme_command(tools)) == expected,
                f"other bits with {options}")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
