#!/usr/bin/env python3
"""memory-test.py - processes that run one plan share its weights.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

The kernel says so: a page that n processes map counts 1/n to the PSS of each
(proc(5), smaps).
"""

import os
import subprocess
import sys

import support
from support import Skip, require


def open_plan(tools, plan):
    """A process that has opened the plan and read all its weights."""
    process = subprocess.Popen(
        [tools.path("modelc_hold_plan"), plan], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, encoding="ascii")
    require(process.stdout.readline().startswith("ready "),
            "cannot hold the plan")
    return process


def measure(process, plan):
    """Bytes of the plan's mappings: resident, the process' share of them, and
    private copies."""
    sums = {"Rss": 0, "Pss": 0, "Private_Dirty": 0, "Anonymous": 0}
    ours = False
    try:
        lines = open(f"/proc/{process.pid}/smaps", encoding="utf-8")
    except PermissionError as error:
        raise Skip(f"smaps cannot be read: {error}") from error
    with lines:
        for line in lines:
            words = line.split()
            if not words[0].endswith(":"):
                ours = words[-1] == plan
            elif ours and words[0][:-1] in sums:
                sums[words[0][:-1]] += int(words[1]) * 1024
    return sums


def test_weights_are_shared(tools):
    plan = tools.compile(tools.demo, "x86-64-v3", "own.mplan")
    plan = os.path.abspath(plan)
    facts = tools.inspect(plan)
    weights = facts["variants"][0]["weight_bytes"]
    # A process maps the code twice: with the file, and where it runs.
    twice = sum(section["bytes"] for section in facts["sections"]
                if section["kind"] == "CODE")
    first = open_plan(tools, plan)
    second = None
    try:
        alone = measure(first, plan)
        second = open_plan(tools, plan)
        both = [measure(process, plan) for process in (first, second)]
    finally:
        for process in (first, second):
            if process:
                process.communicate("\n")
    print(f"alone {alone}, two {both}")
    require(alone["Rss"] >= weights, "the weights are not resident")
    require(alone["Pss"] + twice >= 0.95 * alone["Rss"],
            "another process maps it")
    for sums in both:
        require(sums["Rss"] >= weights, "the weights are not resident")
        require(sums["Private_Dirty"] == 0 and sums["Anonymous"] == 0,
                "a part of the plan was copied")
        require(0.45 <= sums["Pss"] / sums["Rss"] <= 0.55,
                "the plan is not shared by halves")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
