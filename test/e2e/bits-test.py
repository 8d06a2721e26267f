#!/usr/bin/env python3
"""bits-test.py - the same bits, whatever computes them and in what pieces.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

docs/numerics.md promises it; every test compares all bits of all logits.
"""

import sys

import support
from support import require


def check_same(tools, expected, plan, *options):
    found = tools.logits(plan, *options)
    require(len(found) == 4 * 512 * len(support.TOKENS),
            f"{len(found)} bytes of logits")
    require(found == expected, f"other bits with {' '.join(options)}")


def check_target(tools, target):
    plan = tools.demo_plan(target)
    expected = tools.logits(tools.demo_plan("x86-64-v3"))
    check_same(tools, expected, plan)


def test_cascadelake(tools):
    check_target(tools, "cascadelake")


def test_icelake_server(tools):
    check_target(tools, "icelake-server")


def test_znver4(tools):
    check_target(tools, "znver4")


def check_pieces(tools, target):
    plan = tools.demo_plan(target)
    expected = tools.logits(plan)
    for threads in (1, 2, 5):
        check_same(tools, expected, plan, "-t", str(threads))
    # Tokens one by one (the decode kernels), tiles cut at any row, pages cut.
    for batch in (1, 2, 7, 64, 65):
        check_same(tools, expected, plan, f"--batch={batch}")
    check_same(tools, expected, plan, "-t", "5", "--batch=33")


def test_pieces_avx2(tools):
    check_pieces(tools, "x86-64-v3")


def test_pieces_avx512(tools):
    check_pieces(tools, "cascadelake")


def test_reference(tools):
    """The interpreter of the imported model, which knows nothing of targets,
    layouts or steps."""
    expected = tools.logits(tools.demo, tool=("modelc-reference",))
    check_same(tools, expected, tools.demo_plan("x86-64-v3"))


def test_fused_reference(tools):
    """The same interpreter on what the fuse stage made of the model."""
    expected = tools.logits(tools.demo, "--fused", tool=("modelc-reference",))
    check_same(tools, expected, tools.demo_plan("x86-64-v3"))


def test_in_memory(tools):
    """`modelc run`: ORC's code, no artifact."""
    expected = tools.logits(tools.demo_plan("x86-64-v3"))
    found = tools.logits(tools.demo, tool=("modelc", "run"))
    require(found == expected, "modelc run gives other bits")


def test_story(tools):
    """The text is the same too, and -p and --tokenize agree."""
    plan = tools.demo_plan("x86-64-v3")
    options = ("-p", "Once upon a time", "-n", "40", "--temp", "0")
    text = tools.run("modelc-run", plan, *options)
    require(text.startswith("Once upon a time") and len(text) > 60, text)
    require(tools.run("modelc", "run", tools.demo, *options) == text,
            "modelc run tells another story")
    ids = tools.run("modelc-run", plan, "--tokenize", "Once upon a time")
    require(ids == "1,403,407,261,378\n", ids)


def test_sequences(tools):
    """Several sequences in one session: sessions-test.c tells."""
    print(tools.run("modelc_sessions_test", tools.demo_plan("x86-64-v3")))


if __name__ == "__main__":
    sys.exit(support.main(globals()))
