#!/usr/bin/env python3
"""types-test.py - a whole model in every quantised type.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Models of test/models/make-model.py: every weight of the type, the embedding
too. Plans of both instruction sets give the reference's bits, for all tokens
at once and one by one, hold what the file holds, and are what docs/types.md
says.
"""

import array
import importlib.util
import json
import math
import os
import subprocess
import sys

import support
from support import Skip, require

TARGETS = ("x86-64-v3", "cascadelake")
TOKENS = support.TOKENS[:70]


def make_model(tools, preset, kind):
    if not importlib.util.find_spec("numpy"):
        raise Skip("no numpy")
    script = os.path.join(tools.root, "test", "models", "make-model.py")
    model = f"{preset}-{kind}.gguf"
    subprocess.run([sys.executable, script, preset, model, f"--type={kind}"],
                   check=True)
    return model


def check_page(tools, kind):
    """The type's row of docs/types.md, with files that are there already."""
    path = os.path.join(tools.root, "tools", "dev", "types-table.py")
    spec = importlib.util.spec_from_file_location("types_table", path)
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    _, rows = table.Page(table.load_types()).get_rows(table.LAYOUTS)
    *said, said_kl = rows[kind.upper()]
    *found, found_kl = table.describe(table.Bench(tools.bin, "."), kind)
    require(said == found, f"the page says {said}, found {found}")
    require(abs(float(said_kl) / float(found_kl) - 1) < 0.11,
            f"the page says a mean KL of {said_kl}, found {found_kl}")


def check_tiles(tools, model, expected):
    """The same bits by Intel AMX, emulated, a row behind a whole tile included;
    every product of the matmuls is in tiles, so that there are many."""
    if not tools.can_emulate():
        return
    plan = tools.compile(model, "sapphirerapids", "tiles.mplan", "--strict")
    found, products = tools.emulated_logits(
        plan, "-t", "3", "--batch=33", tokens=TOKENS)
    require(found == expected, "sapphirerapids gives other bits")
    require(products is None or products > 1000,
            f"only {products} tile products")


def check(tools, kind, preset="tiny-llama"):
    model = make_model(tools, preset, kind)
    expected = tools.logits(model, tokens=TOKENS, tool=("modelc-reference",))
    require(all(map(math.isfinite, array.array("f", expected))),
            "logits that are no numbers")
    for target in TARGETS:
        plan = tools.compile(model, target, f"{model}.{target}.mplan",
                             "--strict")
        tools.run("modelc", "verify", plan, f"--source={model}")
        if not tools.features(plan) <= support.cpu_flags():
            continue
        require(tools.logits(plan, tokens=TOKENS) == expected,
                f"{target} gives other bits than the reference")
        require(tools.logits(plan, "--batch=1", tokens=TOKENS) == expected,
                f"{target} gives other bits one token at a time")
    check_tiles(tools, model, expected)
    if preset == "tiny-llama":
        check_page(tools, kind)


def test_fallback(tools):
    """What has no panel layout is read from the file's own bytes, and said to
    be: F64 is no type of any kernel's list."""
    model = make_model(tools, "tiny-llama", "f64")
    expected = tools.logits(model, tokens=TOKENS, tool=("modelc-reference",))
    for target in TARGETS:
        plan = tools.compile(model, target, f"{target}.mplan",
                             "--report=report.json")
        tools.run("modelc", "verify", plan, f"--source={model}")
        with open("report.json", encoding="utf-8") as file:
            rows = json.load(file)["tensors"]
        fallbacks = [row for row in rows if row["fallback"]]
        # Seven matrices of each layer, and the output.
        require(len(fallbacks) == 2 * 7 + 1, f"{len(fallbacks)} fall-backs")
        require({(row["layout"], row["reason"]) for row in fallbacks}
                == {("mapped.f64", "no_kernel_for_type")}, str(fallbacks))
        message = tools.fail("modelc", "compile", model, f"--target={target}",
                             "-o", "strict.mplan", "--quiet", "--strict")
        require("--strict: 15 tensors fell back" in message, message)
        require(not os.path.exists("strict.mplan"), "a plan was left behind")
        if tools.features(plan) <= support.cpu_flags():
            require(tools.logits(plan, tokens=TOKENS) == expected,
                    f"{target} gives other bits than the reference")


def test_tied(tools):
    """The embedding is gathered from the output's panels."""
    for kind in ("iq2_s", "tq1_0", "iq1_m"):
        check(tools, kind, preset="tiny-qwen3")


def test_q4_0(tools):
    check(tools, "q4_0")


def test_q4_1(tools):
    check(tools, "q4_1")


def test_q5_0(tools):
    check(tools, "q5_0")


def test_q5_1(tools):
    check(tools, "q5_1")


def test_q8_0(tools):
    check(tools, "q8_0")


def test_q2_k(tools):
    check(tools, "q2_K")


def test_q3_k(tools):
    check(tools, "q3_K")


def test_q4_k(tools):
    check(tools, "q4_K")


def test_q5_k(tools):
    check(tools, "q5_K")


def test_q6_k(tools):
    check(tools, "q6_K")


def test_iq1_s(tools):
    check(tools, "iq1_s")


def test_iq1_m(tools):
    check(tools, "iq1_m")


def test_iq2_xxs(tools):
    check(tools, "iq2_xxs")


def test_iq2_xs(tools):
    check(tools, "iq2_xs")


def test_iq2_s(tools):
    check(tools, "iq2_s")


def test_iq3_xxs(tools):
    check(tools, "iq3_xxs")


def test_iq3_s(tools):
    check(tools, "iq3_s")


def test_iq4_nl(tools):
    check(tools, "iq4_nl")


def test_iq4_xs(tools):
    check(tools, "iq4_xs")


def test_tq1_0(tools):
    check(tools, "tq1_0")


def test_tq2_0(tools):
    check(tools, "tq2_0")


def test_mxfp4(tools):
    check(tools, "mxfp4")


def test_nvfp4(tools):
    check(tools, "nvfp4")


def test_q1_0(tools):
    check(tools, "q1_0")


def test_q2_0(tools):
    check(tools, "q2_0")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
