#!/usr/bin/env python3
"""tune-test.py - plans by measured choices: the same bits, made again.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Which cut is the quickest is no matter here.
"""

import os
import re
import sys

import support
from support import require

TARGET = "x86-64-v3"
# Register tile, image and tile of rows; none is a target's own, and some
# neither fill registers nor divide anything.
CUTS = ("4x2x256x16", "1x1x64x32", "5x3x320x48")


def image_kernels(tools, plan):
    """The kernels of a plan that a tuning can cut."""
    kernels = tools.inspect(plan)["variants"][0]["kernels"]
    found = [kernel for kernel in kernels
             if re.search(r"_i\d+x\d+_", kernel) and "intelamx" not in kernel]
    require(len(found) >= 4, f"kernels: {kernels}")
    return found


def write_record(name, kernels, cuts, target=TARGET, ubatch=512):
    """A record whose kernels take turns with the cuts."""
    lines = ["modelc-tuning 1", f"target {target}", f"ubatch {ubatch}"]
    lines += [f"{kernel}:{cuts[i % len(cuts)]}"
              for i, kernel in enumerate(kernels)]
    with open(name, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    return f"--tuned-by={name}"


def check_same_bits(tools, target):
    plan = tools.demo_plan(target)
    kernels = image_kernels(tools, plan)
    expected = tools.logits(tools.demo_plan(TARGET))
    record = write_record("record", kernels, CUTS, target)
    tools.compile(tools.demo, target, "tuned.mplan", record)
    variant = tools.inspect("tuned.mplan")["variants"][0]
    require(not set(kernels) & set(variant["kernels"]),
            "kernels are cut as they were")
    require(tools.logits("tuned.mplan") == expected, "other bits")


def test_same_bits_avx2(tools):
    """Other cuts of every kernel change no bit of the logits."""
    check_same_bits(tools, TARGET)


def test_same_bits_avx512(tools):
    check_same_bits(tools, "cascadelake")


def test_made_again(tools):
    """A plan holds the record that it can be made again with."""
    plan = tools.demo_plan(TARGET)
    kernels = image_kernels(tools, plan)
    record = write_record("record", sorted(kernels), CUTS)
    tools.compile(tools.demo, TARGET, "tuned.mplan", record,
                  "--report=report.json", "--depfile=tuned.d")
    require(tools.run("modelc", "inspect", "tuned.mplan", "--tuning") ==
            support.read("record").decode(), "the plan has another record")
    # Any order of the lines is the same record.
    write_record("reversed", [], CUTS)
    with open("reversed", "a", encoding="ascii") as file:
        lines = support.read("record").decode().splitlines()
        file.write("\n".join(reversed(lines[3:])))
    tools.compile(tools.demo, TARGET, "again.mplan", "--tuned-by=reversed",
                  "--threads=1")
    require(support.read("again.mplan") == support.read("tuned.mplan"),
            "other bytes with the same choices")
    require(support.read("tuned.d").decode().split()[-1] == "record",
            "the plan does not depend on its record")
    require(kernels[0] + ":" in support.read("report.json").decode(),
            "the report is silent about choices")
    # No choices, no trace.
    none = write_record("none", [], CUTS)
    tools.compile(tools.demo, TARGET, "none.mplan", none)
    require(support.read("none.mplan") == support.read(plan),
            "an empty record changes the plan")
    require(tools.run("modelc", "inspect", plan, "--tuning") ==
            support.read("none").decode(), "a plan of a target has choices")


def test_tune(tools):
    """What was measured, whatever it was, can be had again without."""
    tools.demo_plan(TARGET)
    tools.compile(tools.demo, TARGET, "tuned.mplan", "--tune", "--ubatch=16")
    record = tools.run("modelc", "inspect", "tuned.mplan", "--tuning")
    with open("record", "w", encoding="ascii") as file:
        file.write(record)
    tools.compile(tools.demo, TARGET, "again.mplan", "--tuned-by=record",
                  "--ubatch=16")
    require(support.read("again.mplan") == support.read("tuned.mplan"),
            "other bytes from the record")
    require(tools.logits("tuned.mplan") ==
            tools.logits(tools.demo_plan(TARGET)), "other bits")


def test_refused(tools):
    """One line for what is not a record of this model and target."""
    kernel = image_kernels(tools, os.path.join(
        tools.plans, f"demo-{TARGET}.mplan"))[0]

    def refuse(record, message, *options):
        found = tools.fail("modelc", "compile", tools.demo,
                           f"--target={TARGET}", "-o", "out.mplan", "--quiet",
                           record, *options)
        require(message in found, f"found {found!r}, expected {message!r}")

    refuse("--tuned-by=missing", "missing: ")
    refuse(f"--tuned-by={tools.demo}", "at most 1048576")
    refuse(write_record("a", [kernel], ["6x2"]),
           "a: line 4: found 'mc_matmul_")
    refuse(write_record("a", [kernel, kernel], CUTS), "a: line 5: found 'mc_")
    refuse(write_record("a", [kernel], CUTS, target="znver4"),
           f"a: found a tuning for target znver4 and ubatch 512, expected "
           f"{TARGET} and 512")
    refuse(write_record("a", [kernel], CUTS), "expected x86-64-v3 and 128",
           "--ubatch=128")
    refuse(write_record("a", ["mc_matmul_of_another_model"], CUTS),
           "expected a tuning of this model's kernels, found one of "
           "mc_matmul_of_another_model")
    # Q4_K has groups of 256 columns, which images have whole.
    other = os.path.join(tools.root, "test", "inputs",
                         "stories6M-qwen3moe-q4_K.gguf")
    plan = tools.run("modelc", "compile", other, f"--target={TARGET}",
                     "--stop-after=schedule")
    grouped = re.search(r"plan\.kernel @(mc_matmul_q4_K_\w+_i1x768_avx2)", plan)
    require(grouped, "no matmul of Q4_K")
    record = write_record("a", [grouped[1]], CUTS[2:])
    found = tools.fail("modelc", "compile", other, f"--target={TARGET}", record)
    require("whole groups of 256 columns, found 320" in found, found)
    # An output must not take the record's place.
    record = write_record("out.mplan", [kernel], CUTS)
    refuse(record, "out.mplan: cannot write: is the tuning record")
    require(support.read("out.mplan").startswith(b"modelc-tuning 1\n"),
            "the record is lost")
    os.remove("out.mplan")
    if "amx_fp16" not in support.cpu_flags():
        found = tools.fail("modelc", "compile", tools.demo, "--quiet", "--tune",
                           "--target=graniterapids", "-o", "out.mplan")
        require("cannot run target graniterapids" in found and
                "amx_fp16" in found, found)
    require(sorted(os.listdir(".")) == ["a"],
            f"left behind: {os.listdir('.')}")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
