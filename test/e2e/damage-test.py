#!/usr/bin/env python3
"""damage-test.py - plans that are damaged or made for another machine.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

All but the weights' own bytes is checked when a plan is opened, the weights
by `modelc verify`. Any target will do here: most plans are never run.
"""

import os
import random
import re
import shutil
import struct
import subprocess
import sys

import support
from planfile import CODE, PlanFile
from support import Skip, require

# Of the ELF header.
ELF_MACHINE_AT = 18


def load(tools):
    return PlanFile(support.read(tools.demo_plan()))


def flip_all(tools, plan, positions):
    """Every flipped bit must be found by modelc_open."""
    done = subprocess.run(
        [tools.path("modelc_flip_bits"), plan],
        input="".join(f"{at} {bit}\n" for at, bit in positions),
        capture_output=True, encoding="utf-8", check=False)
    print(done.stdout[-2000:], done.stderr)
    require(done.returncode == 0, "a damaged plan opens")
    require(done.stdout == f"{len(positions)} tried\n", "not all were tried")


def test_bits_of_tables(tools):
    """Each bit of the header and the section table."""
    plan = shutil.copy(tools.demo_plan(), "plan.mplan")
    end = load(tools).table_end
    flip_all(tools, plan, [(at, bit) for at in range(end) for bit in range(8)])


def test_bits_of_sections(tools):
    """A bit of every third byte of all else that is no weight: records,
    strings, code, and the padding between them."""
    plan = shutil.copy(tools.demo_plan(), "plan.mplan")
    choose = random.Random(2)
    flip_all(tools, plan, [
        (at, choose.randrange(8))
        for outside in load(tools).outside_weights()
        for at in outside[choose.randrange(3) :: 3]
    ])


def test_weight_bits(tools):
    """One bit in a weight: opens, since opening reads no weights, and verify
    names the weight."""
    names = [row["tensor"] for row in tools.inspect(tools.demo_plan())
             ["report"]["tensors"]]
    weights = load(tools).weights()
    for index in (0, len(weights) // 2, len(weights) - 1):
        file = load(tools)
        offset, size = weights[index]
        for at in (offset, offset + size // 2, offset + size - 1):
            file.data[at] ^= 0x10
            support.write("plan.mplan", file.data)
            tools.logits("plan.mplan", tokens=[1])
            said = tools.fail("modelc", "verify", "plan.mplan")
            found = [name for name in names if f" weight {name}: " in said]
            require(len(found) == 1 and "checksum" in said, said)
            file.data[at] ^= 0x10
    support.write("plan.mplan", file.data)
    tools.run("modelc", "verify", "plan.mplan")


def test_other_source(tools):
    """verify --source tells a plan from one of another model, even where the
    plan's checksums fit its wrong weights."""
    source = bytearray(support.read(tools.demo))
    source[-1] ^= 0x01
    support.write("other.gguf", source)
    said = tools.fail("modelc", "verify", tools.demo_plan(),
                      "--source=other.gguf")
    require("is not the source's" in said, said)
    said = tools.run("modelc", "verify", tools.demo_plan(),
                     f"--source={tools.demo}")
    require("38 weights equal their source" in said, said)


def test_lengths(tools):
    """Plans that are too short or too long."""
    whole = bytes(load(tools).data)
    pieces = [whole[:size] for size in (0, 7, 63, 64, 300, 4096, 100000,
                                        len(whole) // 2, len(whole) - 1)]
    for piece in pieces + [whole + b"\0", whole + bytes(4096)]:
        support.write("plan.mplan", piece)
        for command in (("modelc-run", "plan.mplan", "--tokenize", "a"),
                        ("modelc-bench", "plan.mplan"),
                        ("modelc", "verify", "plan.mplan"),
                        ("modelc", "inspect", "plan.mplan")):
            said = tools.fail(*command)
            require("plan.mplan" in said, said)


def test_other_version(tools):
    """A file of another format version says so, whatever else it holds."""
    file = load(tools)
    struct.pack_into("<I", file.data, 8, 2)
    support.write("plan.mplan", file.data)
    said = tools.fail("modelc-run", "plan.mplan", "--tokenize", "a")
    require(said == "plan.mplan: format version 2, this runtime reads 1", said)


def test_other_processor(tools):
    """Code for another kind of processor is refused before it is mapped."""
    aarch64 = 183
    file = load(tools)
    _, offset, _ = file.find(CODE)
    struct.pack_into("<H", file.data, offset + ELF_MACHINE_AT, aarch64)
    file.repair_section(CODE)
    support.write("plan.mplan", file.data)
    said = tools.fail("modelc-run", "plan.mplan", "--tokenize", "a")
    require("plan.mplan: " in said and "AArch64" in said, said)


def test_missing_features(tools):
    """A plan for a machine that this is not is refused with the names of what
    is missing, and only of that, and opens when a test says that it is
    emulated. The machine without AVX-512 is this one, if need be with a part
    of CPUID hidden (hide-cpuid.c)."""
    plan = os.path.join(tools.plans, "demo-cascadelake.mplan")
    hidden = {name for name in tools.features(plan)
              if name.startswith("avx512")}
    masked = dict(os.environ, HIDE_CPUID=",".join(hidden),
                  LD_PRELOAD=tools.helper("libmodelc_hide_cpuid.so"))
    if tools.try_run("modelc-run", "--version", env=masked).returncode == 77:
        raise Skip("this CPU's CPUID cannot be hidden")
    command = ("modelc-run", plan, "--tokenize", "a")
    said = tools.fail(*command, env=masked)
    words = set(re.findall(r"[a-z0-9_]+", said))
    require(hidden <= words, f"not all of {hidden} are named: {said}")
    require(not words & (tools.features(plan) - hidden),
            f"names what is there: {said}")
    tools.run(*command, env=dict(masked, MODELC_FORCE_CPU_FEATURES="1"))
    require(tools.fail(*command, env=dict(
        masked, MODELC_FORCE_CPU_FEATURES="0")) == said, "forced by 0")
    # What runs nothing works on any machine, and native is what there is.
    tools.run("modelc", "verify", plan, env=masked)
    last = tools.run("modelc", "targets", env=masked).splitlines()[-1]
    require(last.split() == ["native", "here:", "x86-64-v3"], last)


if __name__ == "__main__":
    sys.exit(support.main(globals()))
