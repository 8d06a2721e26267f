#!/usr/bin/env python3
"""shared-test.py - models that lie beside the checkout, where there are some.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Real models of other shapes and types than the demo's: eight heads of 8, a
feed-forward of 172 that is no multiple of anything, F32, F16 and Q4_0.
"""

import os
import sys

import support
from support import Skip, require

TARGET = "x86-64-v3"


def compile_shared(tools, name, out="plan.mplan", target=TARGET):
    return tools.compile(tools.shared(name), target, out)


def test_known_story(tools):
    """What llama.cpp and llama2.c agree on, to the letter."""
    plan = compile_shared(tools, "stories260K-f32.gguf")
    with open(tools.shared("stories260K-f32.greedy190.txt"),
              encoding="utf-8") as file:
        known = file.read().removeprefix("<s> ").strip()
    text = tools.run("modelc-run", plan, "-p", "Once upon a time", "-n", "180",
                     "--temp", "0").strip()
    size = min(len(text), len(known))
    require(size > 400, f"only {size} letters to compare")
    require(text[:size] == known[:size], f"another story: {text}")


def check_reference(tools, name):
    """Plans for two instruction sets give the reference's bits."""
    model = tools.shared(name)
    expected = tools.logits(model, tool=("modelc-reference",))
    for target in ("x86-64-v3", "cascadelake"):
        plan = tools.compile(model, target, f"{target}.mplan")
        if tools.features(plan) <= support.cpu_flags():
            require(tools.logits(plan) == expected,
                    f"{target} gives other bits than the reference")
            require(tools.logits(plan, "--batch=1") == expected,
                    f"{target} gives other bits one token at a time")


def test_f32(tools):
    check_reference(tools, "stories260K-f32.gguf")


def test_f16(tools):
    check_reference(tools, "stories260K-F16.gguf")


def test_f16_wide(tools):
    check_reference(tools, "stories2M-llama-f16.gguf")


def test_q4_0(tools):
    check_reference(tools, "stories2M-llama-q4_0.gguf")


def test_q4_0_odd(tools):
    check_reference(tools, "llama2xs-Q4_0.gguf")


def test_q8_0_odd(tools):
    check_reference(tools, "llama2xs-Q8_0.gguf")


def test_split(tools):
    """Three files are the one model: the same bits, every part's bytes in the
    plan's hash and size, and every part in the depfile."""
    parts = [tools.shared(f"stories260K-f32-split-0000{i}-of-00003.gguf")
             for i in (1, 2, 3)]
    whole = compile_shared(tools, "stories260K-f32.gguf", "whole.mplan")
    tools.compile(parts[0], TARGET, "split.mplan", "--depfile=split.d")
    require(tools.logits("split.mplan") == tools.logits(whole),
            "other bits than the model in one file")
    tools.run("modelc", "verify", "split.mplan", f"--source={parts[0]}")
    provenance = tools.inspect("split.mplan")["provenance"]
    require(provenance["source_bytes"] ==
            sum(len(support.read(part)) for part in parts), str(provenance))
    rule = support.read("split.d").decode()
    for part in parts:
        require(part in rule, f"{part} is not in the depfile")


def test_old_format(tools):
    """GGUF version 2 holds the same model."""
    new = compile_shared(tools, "stories260K-f32.gguf", "v3.mplan")
    old = compile_shared(tools, "stories260K-f32-v2.gguf", "v2.mplan")
    require(tools.logits(old) == tools.logits(new), "other bits")


def test_foreign_files(tools):
    """Files that broke other readers are refused with a message that names
    them, and leave nothing."""
    folder = os.path.join(os.path.dirname(tools.root), "shared", "robust")
    if not os.path.isdir(folder):
        raise Skip(f"{folder} is not there")
    for name in sorted(os.listdir(folder)):
        said = tools.fail("modelc", "compile", os.path.join(folder, name),
                          f"--target={TARGET}", "-o", "x.mplan")
        require(name in said, said)
    require(os.listdir(".") == [], f"left behind: {os.listdir('.')}")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
