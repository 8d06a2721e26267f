#!/usr/bin/env python3
"""compile-test.py - what `modelc compile` writes and says.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

`demo` makes the plans that other tests read: a ctest fixture.
"""

import json
import os
import pty
import shutil
import subprocess
import sys

import support
from support import require

TARGET = "x86-64-v3"


def test_demo(tools):
    """Every target compiles on every machine, none falls back."""
    os.makedirs(tools.plans, exist_ok=True)
    listed = tools.run("modelc", "targets").splitlines()
    names = [line.split()[0] for line in listed]
    require(names == [*support.TARGETS, "native"], f"targets: {names}")
    for target in support.TARGETS:
        plan = os.path.join(tools.plans, f"demo-{target}.mplan")
        tools.compile(tools.demo, target, plan, "--strict")
        require(tools.inspect(plan)["variants"][0]["target"] == target,
                f"the plan of {target} is for another target")
    tools.compile(tools.demo, ",".join(support.SEVERAL),
                  os.path.join(tools.plans, "demo-several.mplan"), "--strict")


def test_same_bytes(tools):
    """The number of threads, the folder and the name of the output leave no
    trace in a plan."""
    expected = support.read(os.path.join(tools.plans, f"demo-{TARGET}.mplan"))
    for threads in (1, 2, 5):
        tools.compile(tools.demo, TARGET, f"{threads}.mplan",
                      f"--threads={threads}")
        require(support.read(f"{threads}.mplan") == expected,
                f"other bytes with {threads} threads")
    os.mkdir("elsewhere")
    name = os.path.basename(tools.demo)
    shutil.copy(tools.demo, os.path.join("elsewhere", name))
    tools.compile(name, TARGET, "x", "--report=r.json", "--depfile=x.d",
                  cwd="elsewhere")
    require(support.read("elsewhere/x") == expected,
            "other bytes from another folder")


def test_native(tools):
    """`native` is the target that `modelc targets` says, and runs here."""
    last = tools.run("modelc", "targets").splitlines()[-1]
    if "none of these" in last:
        require(tools.fail("modelc", "compile", tools.demo,
                           "--target=native") != "", "no message")
        raise support.Skip("this machine fits no target")
    target = last.split()[-1]
    tools.compile(tools.demo, "native", "native.mplan")
    require(support.read("native.mplan") ==
            support.read(os.path.join(tools.plans, f"demo-{target}.mplan")),
            f"native is not {target}")
    tools.logits("native.mplan", tokens=[1])


def test_default_output(tools):
    """Without -o the plan is named after the model, in the working folder."""
    tools.run("modelc", "compile", tools.demo, f"--target={TARGET}", "--quiet")
    require(os.listdir(".") == ["stories2M-llama-q8_0.mplan"],
            f"found {os.listdir('.')}")


def check_report(report):
    rows = report["tensors"]
    require(len(rows) == 38, f"{len(rows)} tensors")
    by_name = {row["tensor"]: row for row in rows}
    require(len(by_name) == 38, "a tensor stands twice")
    table = by_name["token_embd.weight"]
    require(table == {
        "tensor": "token_embd.weight", "type": "q8_0", "shape": [512, 256],
        "use": "embedding+matmul", "layout": "q8_0.n16k64",
        "kernel": table["kernel"], "reason": "first_choice",
        "fallback": False, "source_bytes": 139264, "packed_bytes": 139264,
    }, str(table))
    require(table["kernel"].startswith("mc_matmul_q8_0_n16k64_n512_"),
            table["kernel"])
    norm = by_name["blk.0.attn_norm.weight"]
    require((norm["use"], norm["layout"], norm["reason"]) ==
            ("norm", "mapped.f32", "not_a_matmul"), str(norm))
    totals = {row["layout"]: row for row in report["layouts"]}
    for layout, total in totals.items():
        members = [row for row in rows if row["layout"] == layout]
        require(total["tensors"] == len(members) > 0 and
                total["packed_bytes"] ==
                sum(row["packed_bytes"] for row in members), str(total))
    require(sum(total["tensors"] for total in totals.values()) == 38,
            "the totals leave a tensor out")


def test_report(tools):
    """--report and the report inside the plan are one, and complete."""
    tools.compile(tools.demo, TARGET, "x.mplan", "--report=report.json")
    report = json.loads(support.read("report.json"))
    check_report(report)
    require(report.pop("family") == {"name": "llama", "verified": True},
            "another family")
    require(tools.inspect("x.mplan")["report"] == report,
            "the plan holds another report")


def test_summary(tools):
    """Without --quiet: a line for each tensor and the memory that a run
    takes, which is what inspect says."""
    said = tools.run("modelc", "compile", tools.demo, f"--target={TARGET}",
                     "-o", "x.mplan")
    lines = said.splitlines()
    require(lines[0].split()[:3] == ["tensor", "type", "shape"], lines[0])
    require(lines[39] == "38 tensors, 2655232 bytes, packed 2655232 bytes",
            lines[39])
    require(lines[-1] == "wrote x.mplan", lines[-1])
    variant = tools.inspect("x.mplan")["variants"][0]
    for key in ("weight_bytes", "arena_bytes", "scratch_bytes",
                "state_bytes_per_token", "code_bytes"):
        require(f" {variant[key]}" in "".join(f" {line}" for line in lines),
                f"{key} {variant[key]} is not told")


def test_inspect(tools):
    """inspect --json says where the plan came from and what it will do."""
    plan = os.path.join(tools.plans, f"demo-{TARGET}.mplan")
    facts = tools.inspect(plan)
    source = facts["provenance"]
    require(source["source"] == os.path.basename(tools.demo) and
            source["source_bytes"] == os.path.getsize(tools.demo) and
            source["architecture"] == "llama" and
            source["options"] == f"--target={TARGET} --ubatch=512",
            str(source))
    require(len(source["source_blake3"]) == 64, source["source_blake3"])
    sections = [section["kind"] for section in facts["sections"]]
    require(sections[-1] == "WEIGHTS" and len(set(sections)) == 15,
            str(sections))
    (variant,) = facts["variants"]
    require(variant["vocab_size"] == 512 and variant["ubatch"] == 512 and
            variant["context_length"] == 512 and
            variant["state_bytes_per_token"] == 4 * 2 * 2 * 64 * 2,
            "facts of the model")
    for step in variant["steps"]:
        require(step["kernel"] in variant["kernels"], str(step))
    # Every weight is read once by each regime that reads it.
    decode = sum(step["bytes"] for step in variant["steps"]
                 if step["min"] == 1)
    require(decode == 2655232 - 9 * 1024, f"{decode} bytes are read")
    text = tools.run("modelc", "inspect", plan)
    require("x86-64-v3" in text and "report" not in text, text)


def test_ubatch(tools):
    """Smaller passes take a smaller arena and give the same bits."""
    plan = tools.compile(tools.demo, TARGET, "x.mplan", "--ubatch=16")
    small = tools.inspect(plan)["variants"][0]
    large = tools.inspect(tools.demo_plan(TARGET))["variants"][0]
    require(small["ubatch"] == 16, str(small["ubatch"]))
    require(small["arena_bytes"] * 16 < large["arena_bytes"],
            f"{small['arena_bytes']} bytes for 16 tokens")
    require(tools.logits(plan) == tools.logits(tools.demo_plan(TARGET)),
            "other bits with --ubatch=16")


def test_stages(tools):
    """--stop-after prints what a stage leaves, and writes nothing."""
    marks = {"import": "model.matmul", "fuse": "model.linear <glu>",
             "layout": "pack.repack", "schedule": "plan.step",
             "codegen": "llvm.func @mc_"}
    for stage, mark in marks.items():
        text = tools.run("modelc", "compile", tools.demo,
                         f"--target={TARGET}", f"--stop-after={stage}")
        require(mark in text, f"no {mark} after {stage}")
        if stage != "codegen":
            support.write("stage.mlir", text.encode())
            tools.run("modelc-opt", "stage.mlir")
            os.remove("stage.mlir")
    require(os.listdir(".") == [], f"found {os.listdir('.')}")
    tools.run("modelc", "compile", tools.demo, f"--target={TARGET}", "-o",
              "x.mplan", "--stop-after=emit", "--quiet")
    tools.run("modelc", "verify", "x.mplan")


def test_progress(tools):
    """On a terminal a line for each stage, with the rate of packing; bars end
    before anything else is said."""
    reader, terminal = pty.openpty()
    with subprocess.Popen(
            [tools.path("modelc"), "compile", tools.demo,
             f"--target={TARGET}", "-o", "x.mplan"],
            stdout=subprocess.DEVNULL, stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(reader, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    require(process.returncode == 0, f"exit status {process.returncode}")
    # Each line is drawn over and over; the terminal ends it with \r\n.
    lines = shown.decode().removesuffix("\r\n").split("\r\n")
    stages = [line.split("\r")[-1].split() for line in lines]
    require([stage[0] for stage in stages] ==
            ["import", "layout", "codegen", "pack"], str(stages))
    require(stages[2][2:4] == ["100", "%"] and stages[3][-1] == "GB/s",
            str(stages))


if __name__ == "__main__":
    sys.exit(support.main(globals()))
