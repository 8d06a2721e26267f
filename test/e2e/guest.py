"""guest.py - runs plans for AArch64 under qemu, and counts instructions.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

The guest is modelc-run as tools/cmake/ModelcGuestRuntime.cmake builds it; for
targets of Apple's what stands in for it on a Mac, test/emulators/mac. Without
it, or without qemu-aarch64, tests are skipped.
"""

import collections
import importlib.util
import os
import re
import shutil
import subprocess
import sys

import support
from support import Skip, require

# qemu's model of a CPU for the kernels of each target, with what they need and
# as little more as there is. Kernels of apple-m4 that use SME need another qemu
# (get_sme_command); for those of up to eight rows this one will do.
CPUS = {"aarch64": "cortex-a76", "neoverse-v2": "max",
        "apple-m1": "cortex-a76", "apple-m2": "max", "apple-m3": "max",
        "apple-m4": "max"}
MACS = tuple(target for target in CPUS if target.startswith("apple-"))
# Arm Architecture Reference Manual (DDI 0487), C7.2: value and mask of the
# forms on 16-byte registers; C9.2 and C5.2 for SME.
INSTRUCTIONS = {
    "sdot": ((0x4e809400, 0xffe0fc00),   # vector
             (0x4f80e000, 0xffc0f400)),  # by element
    "smmla": ((0x4e80a400, 0xffe0fc00),),
    "smopa": ((0xa0800000, 0xffe0001c),),
    "smstart sm": ((0xd503437f, 0xffffffff),),
    "smstop sm": ((0xd503427f, 0xffffffff),),
    "smstart za": ((0xd503457f, 0xffffffff),),
    "smstop za": ((0xd503447f, 0xffffffff),),
}
CODE = re.compile(r"0x([0-9a-f]+):  ([0-9a-f]{8})  ")
TRACE = re.compile(r"Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/")


def get_program(tools, path):
    """A program for AArch64, by its path in the folder of the build."""
    program = os.path.join(tools.bin, os.pardir, path)
    if not os.path.exists(program):
        raise Skip("there are no packages to build for AArch64 with")
    return os.path.abspath(program)


def get_command(tools, cpu, *options, program="modelc-run"):
    """What to put before the arguments of modelc-run."""
    qemu = shutil.which("qemu-aarch64")
    if not qemu:
        raise Skip("there is no qemu-aarch64")
    return (qemu, "-cpu", cpu, *options,
            get_program(tools, os.path.join("aarch64", "bin", program)))


def get_command_for(tools, target, *options):
    """The same for the machine that a target is for."""
    if target in MACS:
        chip = target.removeprefix("apple-")
        return get_command(tools, CPUS[target], "-E", f"MODELC_MAC_CHIP={chip}",
                           *options, program="modelc-run-mac")
    return get_command(tools, CPUS[target], *options)


def get_sme_qemu(tools):
    """A qemu with SME2, as tools/dev/fetch-qemu.sh leaves it, and its options:
    streaming vectors of 512 bits, no SVE outside, as an M4 has them."""
    qemu = os.path.join(tools.bin, os.pardir, "qemu", "qemu-aarch64")
    if not os.path.exists(qemu):
        raise Skip("there is no qemu with SME2: tools/dev/fetch-qemu.sh")
    return (os.path.abspath(qemu), "-cpu", "max,sve=off,sme512=on")


def get_sme_command(tools, *options):
    """What to put before the arguments of modelc-run on an M4 with SME."""
    return (*get_sme_qemu(tools), "-E", "MODELC_MAC_CHIP=m4", *options,
            get_program(tools, "aarch64/bin/modelc-run-mac"))


def get_logits(tools, plan, target, *options, tokens):
    """The bytes of the logits of all tokens, as support.Tools.logits."""
    return tools.logits(plan, *options, tokens=tokens,
                        tool=get_command_for(tools, target))


def run_with_apple_amx(tools, plan, target, *options, tokens):
    """The same, and how often each instruction of Apple AMX was executed, as
    the emulator counts them."""
    ids = ",".join(map(str, tokens))
    command = get_command_for(tools, target, "-E", "APPLEAMX_REPORT=1")
    done = tools.try_run(*command, plan, f"--tokens={ids}",
                         "--logits-out=logits.f32", *options)
    require(done.returncode == 0, done.stderr)
    counts = re.findall(r"^appleamx: (\w+) (\d+)$", done.stderr, re.M)
    return support.read("logits.f32"), collections.Counter(
        {name: int(count) for name, count in counts})


def expected_logits(tools, model, tokens):
    """Those of this machine's plan: cascadelake's, or AVX2's where there is no
    AVX-512."""
    for target in ("cascadelake", "x86-64-v3"):
        plan = tools.compile(model, target, "here.mplan", "--strict")
        if tools.features(plan) <= support.cpu_flags():
            return tools.logits(plan, tokens=tokens)
    raise Skip("this machine runs no plan of ours")


def check(tools, model, targets, options, tokens):
    """Plans for all targets have the expected logits, with each of the options
    of modelc-run."""
    expected = expected_logits(tools, model, tokens)
    for target in targets:
        plan = tools.compile(model, target, "there.mplan", "--strict")
        tools.run("modelc", "verify", plan, f"--source={model}")
        for more in options:
            found = get_logits(tools, plan, target, *more, tokens=tokens)
            require(found == expected, f"{target}: other bits with {more}")


def expert_model(tools):
    return os.path.join(tools.root, "test", "inputs",
                        "stories6M-qwen3moe-q4_K.gguf")


def write_model(tools, kind, preset="tiny-llama"):
    """A generated model with weights of this type; its name."""
    if not importlib.util.find_spec("numpy"):
        raise Skip("no numpy")
    script = os.path.join(tools.root, "test", "models", "make-model.py")
    subprocess.run([sys.executable, script, preset, "model.gguf",
                    f"--type={kind}"], check=True)
    return "model.gguf"


def count(tools, plan, target, tokens):
    """How often each of INSTRUCTIONS is executed for these tokens in one pass,
    exactly."""
    return count_instructions(lambda *options: tools.logits(
        plan, "-t", "1", tokens=tokens,
        tool=get_command_for(tools, target, *options)))


def count_instructions(run):
    """The same for what run(*options), options of qemu, lets it execute: qemu
    logs each block of instructions that it translates, and each that it
    executes."""
    log = "qemu.log"
    run("-d", "exec,nochain,in_asm", "-D", log)
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


def count_products(plan, tools, rows, use="matmul", of_floats=False):
    """Multiplications of weights, quantised or floats, by so many rows, in
    whole panels of 16 outputs, from the plan's report; of all experts' together
    if `use` is expert."""
    work = 0
    for row in tools.inspect(plan)["report"]["tensors"]:
        is_float = row["type"] in ("f32", "f16", "bf16")
        if row["use"].split("+")[-1] == use and is_float == of_floats:
            outputs, columns = row["shape"][-2:]
            work += rows * (outputs + -outputs % 16) * columns
    return work
