#!/usr/bin/env python3
"""hostile-test.py - outputs that collide, options at their ends, wrong sources.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

What errors-test.py leaves: a compile's three files appear together or not at
all, and what modelc compares a plan with may be anything.
"""

import os
import sys

import support
from planfile import STRINGS, PlanFile
from support import require

TARGET = "--target=x86-64-v3"


def demo_plan(tools):
    """The plan's path; it is not run, so any machine will do."""
    return os.path.join(tools.plans, "demo-x86-64-v3.mplan")


def test_outputs_appear_together(tools):
    """A report is not left beside a depfile that cannot be written, and what
    an earlier compile left stays."""
    support.write("report.json", b"old")
    support.write("old.mplan", b"old")
    for options in (["--depfile=nowhere/d", "--report=report.json"],
                    ["--report=nowhere/r", "--depfile=d"]):
        tools.fail("modelc", "compile", tools.demo, TARGET, "-o", "old.mplan",
                   *options)
        require(sorted(os.listdir(".")) == ["old.mplan", "report.json"],
                f"left behind: {os.listdir('.')}")
    require(support.read("report.json") == b"old"
            and support.read("old.mplan") == b"old", "an old file changed")


def test_outputs_differ(tools):
    """One name for two outputs would lose one of them."""
    os.mkdir("folder")
    os.symlink("folder", "link")
    for options in (["-o", "x", "--report=x"], ["-o", "x", "--depfile=./x"],
                    ["-o", "folder/x", "--report=link/x"],
                    ["-o", "p", "--report=x", "--depfile=folder/../x"]):
        said = tools.fail("modelc", "compile", tools.demo, TARGET, *options)
        require("is another output too" in said, said)
    require(sorted(os.listdir(".")) == ["folder", "link"]
            and os.listdir("folder") == [], "something was written")


def test_names_of_outputs(tools):
    """As long as a name can be; longer, and empty."""
    tools.compile(tools.demo, "x86-64-v3", "n" * 255)
    require(os.listdir(".") == ["n" * 255], f"found {os.listdir('.')}")
    said = tools.fail("modelc", "compile", tools.demo, TARGET, "-o", "n" * 256)
    require("cannot create: File name too long" in said, said)
    for option in ("-o=", "--report=", "--depfile="):
        done = tools.try_run("modelc", "compile", tools.demo, TARGET, option)
        require(done.returncode == 2
                and "expected the name of a file" in done.stderr, done.stderr)
    require(os.listdir(".") == ["n" * 255], f"found {os.listdir('.')}")


def test_ends_of_options(tools):
    """The largest values that are allowed work."""
    tools.compile(tools.demo, "x86-64-v3", "large", "--ubatch=65536")
    require(tools.inspect("large")["variants"][0]["ubatch"] == 65536,
            "another ubatch")
    tools.compile(tools.demo, "x86-64-v3", "many", "--threads=1024")
    require(support.read("many") == support.read(demo_plan(tools)),
            "the number of threads changed the plan")


def test_help_of_each_command(tools):
    """`modelc --help` promises it."""
    for command in ("compile", "inspect", "run", "targets", "verify"):
        for flag in ("--help", "-h"):
            text = tools.run("modelc", command, flag)
            require(text.startswith(f"usage: modelc {command}"), text)


def test_wrong_sources(tools):
    """What verify is told to compare with may be anything."""
    demo = support.read(tools.demo)
    plan = demo_plan(tools)
    name = b"blk.1.ffn_up.weight"
    require(demo.count(name) == 1, "the name stands elsewhere")
    support.write("renamed.gguf", demo.replace(name, b"blk.1.ffn_xx.weight"))
    at = demo.index(name) + len(name) + 4
    other = bytearray(demo)
    other[at : at + 16] = other[at + 8 : at + 16] + other[at : at + 8]
    require(other != demo, "the tensor is square")
    support.write("turned.gguf", other)
    support.write("text.gguf", b"Once upon a time\n" * 100)
    os.mkdir("folder")
    os.mkfifo("pipe")
    for source, message in (
            ("renamed.gguf", "the source has no such tensor: renamed.gguf"),
            ("turned.gguf", "type or shape is not the source's"),
            ("text.gguf", "expected 'GGUF'"), ("", "No such file"),
            ("folder", "is no regular file"), ("pipe", "is no regular file"),
            ("nothing", "No such file"), (plan, "expected 'GGUF'")):
        said = tools.fail("modelc", "verify", plan, f"--source={source}")
        require(message in said, said)


def test_zero_in_a_key(tools):
    """Plans end names by a NUL, so a key that holds one would be cut."""
    demo = support.read(tools.demo)
    require(demo.count(b"general.name") == 1, "the key stands elsewhere")
    support.write("x.gguf", demo.replace(b"general.name", b"general\0name"))
    said = tools.fail("modelc", "compile", "x.gguf", TARGET)
    require("found 'general\\x00name', expected a name without NUL" in said,
            said)


def test_wrong_layouts(tools):
    """Layouts are text that a plan with right checksums may hold anything in.
    What MLIR's parser says of it is not printed beside the one line."""
    plan = support.read(demo_plan(tools))
    _, offset, size = PlanFile(plan).find(STRINGS)
    begin = plan.index(b"#pack.layout<", offset, offset + size)
    end = plan.index(b"\0", begin)
    text = plan[begin:end]
    wrong = [b"", b"7", b"#pack.layout<", b"!" * len(text), text[:-1],
             text.replace(b"bits = 8", b"bits = 0"),
             text.replace(b"bytes", b"sizes"),
             text.replace(b"d0 * ", b"d9 * ")]
    for layout in wrong:
        require(layout != text and len(layout) <= len(text), "not changed")
        file = PlanFile(plan)
        file.data[begin:end] = layout.ljust(len(text), b"\0")
        file.repair_section(STRINGS)
        support.write("plan.mplan", file.data)
        tools.run("modelc", "verify", "plan.mplan")
        tools.inspect("plan.mplan")
        said = tools.fail("modelc", "verify", "plan.mplan",
                          f"--source={tools.demo}")
        require(said.startswith("plan.mplan: weight ")
                and said.endswith("its layout does not parse"), said)


if __name__ == "__main__":
    sys.exit(support.main(globals()))
