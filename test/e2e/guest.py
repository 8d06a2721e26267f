"""guest.py - runs plans for AArch64 under qemu, and counts instructions.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

The guest is modelc-run as tools/cmake/ModelcGuestRuntime.cmake builds it.
Without it, or without qemu-aarch64, tests are skipped.
"""

import collections
import os
import re
import shutil

from support import Skip, require

# qemu's model of a CPU for the kernels of each target, with what they need and
# as little more as there is.
CPUS = {"aarch64": "cortex-a76", "neoverse-v2": "max"}
# Arm Architecture Reference Manual (DDI 0487), C7.2: value and mask of the
# forms on 16-byte registers.
INSTRUCTIONS = {
    "sdot": ((0x4e809400, 0xffe0fc00),   # vector
             (0x4f80e000, 0xffc0f400)),  # by element
    "smmla": ((0x4e80a400, 0xffe0fc00),),
}
CODE = re.compile(r"0x([0-9a-f]+):  ([0-9a-f]{8})  ")
TRACE = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")


def get_command(tools, cpu, *options):
    """What to put before the arguments of modelc-run."""
    qemu = shutil.which("qemu-aarch64")
    program = os.path.join(tools.bin, os.pardir, "aarch64", "bin", "modelc-run")
    if not qemu:
        raise Skip("there is no qemu-aarch64")
    if not os.path.exists(program):
        raise Skip("there are no packages to build for AArch64 with")
    return (qemu, "-cpu", cpu, *options, os.path.abspath(program))


def get_logits(tools, plan, target, *options, tokens):
    """The bytes of the logits of all tokens, as support.Tools.logits."""
    return tools.logits(plan, *options, tokens=tokens,
                        tool=get_command(tools, CPUS[target]))


def count(tools, plan, target, tokens):
    """How often each of INSTRUCTIONS is executed for these tokens in one pass,
    exactly: qemu logs each block of instructions that it translates, and each
    that it executes."""
    log = "qemu.log"
    tools.logits(plan, "-t", "1", tokens=tokens, tool=get_command(
        tools, CPUS[target], "-d", "exec,nochain,in_asm", "-D", log))
    blocks, runs, block = {}, collections.Counter(), None
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            if trace := TRACE.match(line):
                runs[int(trace[1], 16)] += 1
            elif line.startswith("IN:"):
                block = None
            elif code := CODE.match(line):
                if block is None:
                    block = int(code[1], 16)
                    blocks[block] = []
                blocks[block].append(int(code[2], 16))
    os.remove(log)
    require(len(runs) > 100, f"only {len(runs)} blocks in qemu's log")
    counts = collections.Counter()
    for name, forms in INSTRUCTIONS.items():
        for start, times in runs.items():
            counts[name] += times * sum(
                any(word & mask == value for value, mask in forms)
                for word in blocks[start])
    return counts
