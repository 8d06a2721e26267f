"""support.py - what the end-to-end tests share: tools, plans, logits.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

A script of tests is a list of functions `test_NAME(tools)`; CMakeLists.txt
makes a ctest test of each and calls

    SCRIPT --root=DIR --bin=DIR --libraries=DIR --plans=DIR NAME

A test fails by an exception and is skipped, exit status 77, by Skip.
"""

import argparse
import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import traceback

TARGETS = ("x86-64-v3", "cascadelake", "icelake-server", "sapphirerapids",
           "graniterapids", "znver4", "aarch64", "neoverse-v2", "apple-m1",
           "apple-m2", "apple-m3", "apple-m4", "gfx90a", "gfx942", "gfx1030",
           "gfx1100", "gfx1201", "gfx9-4-generic", "gfx10-3-generic",
           "gfx11-generic", "gfx12-generic")
# Of the plan with several variants that compile-test.py demo makes: two read
# the same layouts, all the same norms.
SEVERAL = ("sapphirerapids", "znver4", "x86-64-v3")
# More than two pages of the cache, and ids all over the vocabulary of 512.
TOKENS = [1] + [(i * i * 31 + i * 7919) % 505 + 3 for i in range(1, 150)]


class Skip(Exception):
    """What this machine lacks."""


def require(condition, message):
    if not condition:
        raise AssertionError(message)


def cpu_flags():
    """Names of CPU features as plans name them: those of /proc/cpuinfo."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() == "flags":
                return set(value.split())
    return set()


def softmax(logits):
    """Logarithms of probabilities."""
    most = max(logits)
    total = math.log(sum(math.exp(x - most) for x in logits))
    return [x - most - total for x in logits]


def mean_kl(expected, found, vocabulary):
    """Of the found distributions from the expected ones, over all tokens."""
    expected, found = floats(expected), floats(found)
    total = 0.0
    for first in range(0, len(expected), vocabulary):
        p = softmax(expected[first:first + vocabulary])
        q = softmax(found[first:first + vocabulary])
        total += sum(math.exp(a) * (a - b) for a, b in zip(p, q))
    return total * vocabulary / len(expected)


class Tools:
    """The programs under test and the models they are tried on."""

    def __init__(self, options):
        self.root = options.root
        self.bin = options.bin
        self.libraries = options.libraries
        self.plans = options.plans
        self.demo = os.path.join(
            self.root, "test", "inputs", "stories2M-llama-q8_0.gguf")

    def path(self, tool):
        return os.path.join(self.bin, tool)

    def helper(self, name):
        """A library of this folder."""
        return os.path.join(self.libraries, name)

    def try_run(self, tool, *arguments, **options):
        """Runs a tool, which may fail; stdout and stderr as text."""
        command = [self.path(tool), *map(str, arguments)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True,
            encoding="utf-8", errors="replace", check=False, timeout=300,
            **options)
        print("$", *command, "->", done.returncode, flush=True)
        require(done.returncode >= 0,
                f"killed by signal {-done.returncode}: {done.stderr}")
        return done

    def run(self, tool, *arguments, **options):
        """Runs a tool, which must succeed; its stdout."""
        done = self.try_run(tool, *arguments, **options)
        require(done.returncode == 0,
                f"exit status {done.returncode}: {done.stderr}")
        return done.stdout

    def fail(self, tool, *arguments, **options):
        """Runs a tool, which must refuse: exit status 1 and one line that
        begins with `error: `, which is returned without it."""
        done = self.try_run(tool, *arguments, **options)
        require(done.returncode == 1,
                f"exit status {done.returncode}, expected 1: {done.stderr}")
        lines = done.stderr.splitlines()
        require(len(lines) == 1 and lines[0].startswith("error: "),
                f"expected one line 'error: ...', found {done.stderr!r}")
        return lines[0].removeprefix("error: ")

    def compile(self, model, target, out, *options, **process):
        self.run("modelc", "compile", model, f"--target={target}", "-o", out,
                 "--quiet", *options, **process)
        return out

    def demo_plan(self, target="x86-64-v3"):
        """The demo model's plan for a target, made by compile-test.py demo;
        skips where this machine cannot run it."""
        plan = os.path.join(self.plans, f"demo-{target}.mplan")
        missing = self.features(plan) - cpu_flags()
        if missing:
            raise Skip(f"this CPU lacks {' '.join(sorted(missing))}")
        return plan

    def inspect(self, plan):
        return json.loads(self.run("modelc", "inspect", plan, "--json",
                                   "--tensors"))

    def features(self, plan):
        return set(self.inspect(plan)["variants"][0]["features"])

    def logits(self, plan, *options, tokens=None, tool=("modelc-run",)):
        """The bytes of the logits of all tokens: f32 [tokens][vocabulary]."""
        ids = ",".join(map(str, tokens or TOKENS))
        with tempfile.TemporaryDirectory(prefix="modelc-e2e-") as work:
            out = os.path.join(work, "logits.f32")
            self.run(*tool, plan, f"--tokens={ids}", f"--logits-out={out}",
                     *options)
            with open(out, "rb") as file:
                return file.read()

    def can_emulate(self):
        """True if this CPU has what the emulator of Intel AMX builds on."""
        return {"avx512f", "avx512bw", "avx512vl"} <= cpu_flags()

    def emulated_logits(self, plan, *options, **more):
        """The logits of a plan for Sapphire Rapids, and how many tile products
        the emulator counted, of integers unless `instruction` says otherwise,
        which may be several, for as many counts: None where the CPU has tiles
        itself."""
        if not self.can_emulate():
            raise Skip("this CPU has no AVX-512 to emulate the rest with")
        library = os.path.join(self.libraries, os.pardir, "emulators",
                               "intel-amx", "libamxemu.so")
        env = dict(os.environ, LD_PRELOAD=os.path.abspath(library),
                   MODELC_FORCE_CPU_FEATURES="1", AMXEMU_REPORT="1")
        ids = ",".join(map(str, more.get("tokens") or TOKENS))
        with tempfile.TemporaryDirectory(prefix="modelc-e2e-") as work:
            out = os.path.join(work, "logits.f32")
            done = self.try_run("modelc-run", plan, f"--tokens={ids}",
                                f"--logits-out={out}", *options, env=env)
            require(done.returncode == 0, done.stderr)
            logits = read(out)
        if "amx_tile" in cpu_flags():
            return logits, None

        def count(instruction):
            found = re.search(rf"^amxemu: {instruction} +(\d+)$", done.stderr,
                              re.M)
            return int(found.group(1)) if found else 0

        instruction = more.get("instruction", "tdpbssd")
        if isinstance(instruction, str):
            return logits, count(instruction)
        return logits, [count(each) for each in instruction]

    def shared(self, name):
        """A model beside the checkout."""
        path = os.path.join(os.path.dirname(self.root), "shared", "models",
                            name)
        if not os.path.exists(path):
            raise Skip(f"{path} is not there")
        return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def floats(data):
    """The numbers of little-endian f32 bytes."""
    return struct.unpack(f"<{len(data) // 4}f", data)


def halves(data):
    """The numbers of little-endian f16 bytes."""
    return struct.unpack(f"<{len(data) // 2}e", data)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return path


def main(tests):
    """Runs the test that the command line names, of `tests`, a script's
    globals(). Every test gets a fresh working directory."""
    parser = argparse.ArgumentParser()
    for name in ("root", "bin", "libraries", "plans"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelc-e2e-") as work:
        os.chdir(work)
        try:
            tests["test_" + options.name](Tools(options))
        except Skip as skip:
            print(f"skipped: {skip}")
            return 77
        except AssertionError as error:
            traceback.print_tb(error.__traceback__)
            print(f"FAILED: {error}")
            return 1
        finally:
            os.chdir("/")
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit("support.py is not a test")
