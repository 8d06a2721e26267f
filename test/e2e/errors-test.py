#!/usr/bin/env python3
"""errors-test.py - what the tools refuse, and how they say it.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Exit status 2 and a usage line for wrong usage; 1 and one line `error: ...`
for everything else; no output file in either case (docs/errors.md).
"""

import os
import shutil
import subprocess
import sys

import support
from support import require

TARGET = "--target=x86-64-v3"


def test_usage(tools):
    plan = os.path.join(tools.plans, "demo-x86-64-v3.mplan")
    wrong = [
        ["modelc"],
        ["modelc", "frobnicate"],
        ["modelc", "compile"],
        ["modelc", "compile", tools.demo],
        ["modelc", "compile", TARGET],
        ["modelc", "compile", tools.demo, tools.demo, TARGET],
        ["modelc", "compile", tools.demo, TARGET, "--frobnicate"],
        ["modelc", "compile", tools.demo, TARGET, "--ubatch=0"],
        ["modelc", "compile", tools.demo, TARGET, "--ubatch=65537"],
        ["modelc", "compile", tools.demo, TARGET, "--ubatch=many"],
        ["modelc", "compile", tools.demo, TARGET, "--cache-type=q4_0"],
        ["modelc", "compile", tools.demo, TARGET, "--cache-type="],
        ["modelc", "compile", tools.demo, TARGET, "--threads=0"],
        ["modelc", "compile", tools.demo, TARGET, "--stop-after=lunch"],
        ["modelc", "compile", tools.demo, TARGET, "--quiet=yes"],
        ["modelc", "compile", tools.demo, TARGET, "-o"],
        ["modelc", "compile", tools.demo, TARGET, "--tuned-by="],
        ["modelc", "compile", tools.demo, TARGET, "--gpu-layers=4"],
        ["modelc", "compile", tools.demo, TARGET, "--host-target=znver4"],
        ["modelc", "compile", tools.demo, TARGET, "--tuned-by=x", "--tune"],
        ["modelc", "inspect"],
        ["modelc", "inspect", plan, plan],
        ["modelc", "verify"],
        ["modelc", "verify", plan, "--sauce=x"],
        ["modelc", "targets", "all"],
        ["modelc", "run"],
        ["modelc", "run", tools.demo],
        ["modelc-run", plan],
        ["modelc-run", plan, "-p", "a", "--tokenize", "a"],
        ["modelc-run", plan, "--tokens=1"],
        ["modelc-run", plan, "--tokens=1,x", "--logits-out=out"],
        ["modelc-bench"],
        ["modelc-bench", plan, "-b", "2,0"],
        ["modelc-bench", plan, "-b", "2", "-n", "0"],
        ["modelc-bench", plan, "-b", "two"],
        ["modelc-bench", plan, "-d", "-1"],
        ["modelc-bench", plan, "--svg="],
    ]
    for command in wrong:
        done = tools.try_run(*command)
        require(done.returncode == 2,
                f"exit status {done.returncode}: {done.stderr}")
        lines = done.stderr.splitlines()
        require(lines[0].startswith("error: ") and "usage: " in done.stderr,
                done.stderr)
        require(done.stdout == "", done.stdout)
    require(os.listdir(".") == [], f"left behind: {os.listdir('.')}")


def test_help(tools):
    for command in (["modelc", "--help"], ["modelc", "compile", "--help"],
                    ["modelc", "inspect", "--help"],
                    ["modelc", "verify", "--help"], ["modelc", "run", "-h"],
                    ["modelc-run", "--help"], ["modelc-bench", "--help"]):
        require(tools.run(*command).startswith("usage: "), "no usage line")
    require(tools.run("modelc", "--version").startswith("modelc 0."),
            "no version")


def test_bad_models(tools):
    """The message names the file; nothing is written."""
    demo = support.read(tools.demo)
    support.write("empty.gguf", b"")
    support.write("text.gguf", b"Once upon a time\n" * 100)
    support.write("cut.gguf", demo[:100000])
    support.write("head.gguf", demo[:20])
    os.mkdir("folder.gguf")
    os.mkfifo("pipe.gguf")
    os.symlink("loop.gguf", "loop.gguf")
    names = sorted(os.listdir(".")) + ["nothing.gguf"]
    for name in names:
        said = tools.fail("modelc", "compile", name, TARGET, "-o", "x.mplan")
        require(said.startswith(name + ": "), said)
        tools.fail("modelc", "run", name, "-p", "a")
    require(sorted(os.listdir(".")) == names[:-1], "something was written")


def test_unknown_target(tools):
    for name in ("z80", "", "Cascadelake"):
        said = tools.fail("modelc", "compile", tools.demo, f"--target={name}")
        require(said == f"--target={name}: no such target; see modelc targets",
                said)
    require(os.listdir(".") == [], f"left behind: {os.listdir('.')}")


def test_unwritable_outputs(tools):
    """Found before anything is computed, with the system's reason."""
    os.mkdir("folder")
    os.mkfifo("pipe")
    for out, reason in (("nowhere/x.mplan", "No such file or directory"),
                        ("folder", "not a regular file"),
                        ("pipe", "not a regular file"),
                        ("/dev/full", "not a regular file"),
                        ("/proc/x.mplan", "")):
        said = tools.fail("modelc", "compile", tools.demo, TARGET, "-o", out)
        require(said.startswith(out + ": cannot ") and reason in said, said)
    for option in ("--report", "--depfile"):
        said = tools.fail("modelc", "compile", tools.demo, TARGET, "-o", "x",
                          f"{option}=nowhere/y")
        require(said.startswith("nowhere/y: cannot create"), said)
    require(sorted(os.listdir(".")) == ["folder", "pipe"],
            f"left behind: {os.listdir('.')}")


def test_output_is_the_model(tools):
    """No option may overwrite what is compiled, by whatever name."""
    shutil.copy(tools.demo, "model.gguf")
    os.symlink("model.gguf", "link.gguf")
    for options in (["-o", "model.gguf"], ["-o", "link.gguf"],
                    ["-o", "x", "--report=./model.gguf"],
                    ["-o", "x", "--depfile=model.gguf"]):
        said = tools.fail("modelc", "compile", "model.gguf", TARGET, *options)
        require("is the model" in said, said)
    require(support.read("model.gguf") == support.read(tools.demo),
            "the model is gone")
    require(sorted(os.listdir(".")) == ["link.gguf", "model.gguf"],
            f"left behind: {os.listdir('.')}")


def test_full_stdout(tools):
    """What cannot be printed is an error like others, not silence."""
    plan = os.path.join(tools.plans, "demo-x86-64-v3.mplan")
    for arguments in (["modelc", "targets"], ["modelc", "--version"],
                      ["modelc", "inspect", plan],
                      ["modelc", "inspect", plan, "--json"],
                      ["modelc", "verify", plan],
                      ["modelc", "compile", tools.demo, TARGET,
                       "--stop-after=fuse"],
                      ["modelc-run", plan, "--tokenize", "a"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [tools.path(arguments[0]), *arguments[1:]], stdout=full,
                stderr=subprocess.PIPE, encoding="utf-8", check=False)
        require(done.returncode == 1 and
                done.stderr == "error: stdout: No space left on device\n",
                f"{arguments}: {done.returncode} {done.stderr}")


def test_odd_names(tools):
    """Names that are no UTF-8 still give one line, and JSON that parses."""
    data = support.read(tools.demo)
    require(data.count(b"stories2M-llama") == 1, "the name stands elsewhere")
    support.write("odd.gguf", data.replace(b"stories2M-llama",
                                           b"\xff\xfe\n\x1b\"\\-llama-xy"))
    tools.compile("odd.gguf", "x86-64-v3", "odd.mplan")
    name = tools.inspect("odd.mplan")["provenance"]["model_name"]
    require(name == "\ufffd\ufffd\n\x1b\"\\-llama-xy", repr(name))
    os.rename("odd.gguf", "odd\nname.gguf")
    data = bytearray(support.read("odd\nname.gguf"))
    data[4] = 99
    support.write("odd\nname.gguf", data)
    tools.fail("modelc", "compile", "odd\nname.gguf", TARGET)
    tools.fail("modelc-run", "odd\nname.gguf", "--tokenize", "a")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
