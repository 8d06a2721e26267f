#!/usr/bin/env python3
"""variants-test.py - one plan for several kinds of machines.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Each machine runs the first variant that fits it, with the bits of a plan of
its own. compile-test.py demo makes the plan that most tests read.
"""

import json
import os
import resource
import signal
import subprocess
import sys

import guest
import support
from planfile import STRINGS, WEIGHT, WEIGHT_TABLE, WEIGHTS, PlanFile
from support import Skip, require

TARGETS = support.SEVERAL
TOKENS = support.TOKENS[:21]
# Few kernels, for tests that look at none.
SMALL = "--ubatch=1"


def get_plan(tools):
    return os.path.join(tools.plans, "demo-several.mplan")


def single(tools, target):
    return os.path.join(tools.plans, f"demo-{target}.mplan")


def weights(plan, variant):
    """{name: (layout, offset in WEIGHTS, bytes)} of one variant."""
    (table,) = [part for part in plan.sections(WEIGHT_TABLE)
                if part[0] in (variant, 0xffff)]
    ((_, base, _),) = plan.sections(WEIGHTS)
    strings = plan.get_bytes(STRINGS)

    def text(offset):
        return strings[offset:strings.index(0, offset)].decode()

    records = WEIGHT.iter_unpack(plan.data[table[1]:table[1] + table[2]])
    return {text(r[0]): (text(r[2]), r[4],
                         bytes(plan.data[base + r[4]:base + r[4] + r[5]]))
            for r in records}


def test_weights(tools):
    """What two variants read in one layout is there once, and at pages which
    those that read another layout have no part of."""
    plan = PlanFile(support.read(get_plan(tools)))
    found = [weights(plan, v) for v in range(len(TARGETS))]
    require(found[0] == found[1], "tables of one layout differ")
    readers = {}
    for v, target in enumerate(TARGETS):
        alone = weights(PlanFile(support.read(single(tools, target))), 0)
        require({name: (layout, data) for name, (layout, _, data)
                 in found[v].items()} ==
                {name: (layout, data) for name, (layout, _, data)
                 in alone.items()}, f"other weights for {target}")
        for layout, offset, data in found[v].values():
            readers.setdefault((offset, len(data)), set()).add(v)
    require({len(who) for who in readers.values()} == {1, 2, 3},
            "not all ways to share")
    pages = {}
    end = 0
    for (offset, size), who in sorted(readers.items()):
        require(offset >= end, "weights overlap")
        end = offset + size
        for page in range(offset // 4096, -(-end // 4096)):
            pages.setdefault(page, set()).add(frozenset(who))
    require(all(len(who) == 1 for who in pages.values()),
            "a page has weights of different variants")
    ((_, _, size),) = plan.sections(WEIGHTS)
    require(size == end < sum(map(len, {
        data for table in found for _, _, data in table.values()})) +
        4096 * len(readers), "something is there twice")


def test_same_bytes(tools):
    """Threads leave no trace; a fall-back is a variant behind the others."""
    first, second = TARGETS[1:]
    tools.compile(tools.demo, f"{first},{second}", "2.mplan", SMALL)
    tools.compile(tools.demo, first, "1.mplan", SMALL, f"--fallback={second}",
                  "--threads=1")
    require(support.read("1.mplan") == support.read("2.mplan"),
            "other bytes with one thread")


def hold(tools, plan):
    """The target that this machine takes, and bytes of the plan that are
    resident after a token, but for the code where it runs."""
    process = subprocess.Popen(
        [tools.path("modelc_hold_plan"), "--unverified", plan],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
    try:
        word, target = process.stdout.readline().split()
        require(word == "ready", "cannot hold the plan")
        total, ours = 0, False
        with open(f"/proc/{process.pid}/smaps", encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if not words[0].endswith(":"):
                    ours = words[-1] == plan and words[1] == "r--s"
                elif ours and words[0] == "Rss:":
                    total += int(words[1]) * 1024
        return target, total
    except PermissionError as error:
        raise Skip(f"smaps cannot be read: {error}") from error
    finally:
        process.communicate("\n")


def test_chosen(tools):
    """By the features of the machine, real, hidden or forced; with the bits of
    each one's own plan."""
    plan = get_plan(tools)
    flags = support.cpu_flags()
    fits = [target for target in TARGETS
            if tools.features(single(tools, target)) <= flags]
    if not fits:
        raise Skip("this machine fits none of the targets")
    require(hold(tools, plan)[0] == fits[0], f"not {fits[0]}")
    expected = tools.logits(single(tools, fits[0]), tokens=TOKENS)
    require(tools.logits(plan, tokens=TOKENS) == expected, "other bits")
    if "avx512f" in flags:
        found, products = tools.emulated_logits(plan, tokens=TOKENS)
        require(found == expected, "other bits of the first variant")
        require(products is None or products > 1000,
                f"only {products} tile products: another variant")
    # In any order the first that fits is taken.
    turned = tools.compile(tools.demo, ",".join(reversed(TARGETS[1:])),
                           "turned.mplan", SMALL)
    if TARGETS[-1] in fits:
        require(hold(tools, turned)[0] == TARGETS[-1], "not the first")
        require(tools.logits(turned, tokens=TOKENS) == expected,
                "other bits of the last variant")


def test_other_processor(tools):
    """One plan for x86-64 and AArch64; each machine takes its own."""
    tools.compile(tools.demo, "aarch64,x86-64-v3", "both.mplan", SMALL)
    expected = tools.logits(tools.demo_plan(), tokens=TOKENS)
    require(tools.logits("both.mplan", tokens=TOKENS) == expected,
            "other bits on x86-64")
    found = guest.get_logits(tools, "both.mplan", "aarch64", tokens=TOKENS)
    require(found == expected, "other bits on AArch64")


def test_none_fits(tools):
    """The message says of each variant what is missing."""
    if "amx_fp16" in support.cpu_flags():
        raise Skip("this CPU has AMX-FP16")
    tools.compile(tools.demo, "aarch64,apple-m1,graniterapids", "none.mplan",
                  SMALL)
    said = tools.fail("modelc-run", "none.mplan", "-p", "a")
    require("none.mplan: does not run on this machine: aarch64 has code for "
            "AArch64 (ELF machine 183), not x86-64; apple-m1 has code for "
            "macOS (Mach-O), not Linux (ELF); graniterapids needs " in said,
            said)


def test_memory(tools):
    """Weights and code of other variants are not resident."""
    plan = os.path.abspath(get_plan(tools))
    target, found = hold(tools, plan)
    alone = os.path.abspath(single(tools, target))
    _, expected = hold(tools, alone)
    bytes_of = {path: os.path.getsize(path) for path in (plan, alone)}
    print(f"resident {found}, alone {expected}, of {bytes_of}")
    # Linux maps up to 64 KiB around a page that is touched; tables of the
    # whole plan and last pages of the others' sections remain.
    require(found <= expected + (256 << 10),
            f"{found} bytes resident, {expected} alone")
    require(bytes_of[plan] > bytes_of[alone] + (2 << 20), "nothing to leave")


def test_verify(tools):
    """Each variant's weights are verified, and compared with the source."""
    plan = get_plan(tools)
    said = tools.run("modelc", "verify", plan, f"--source={tools.demo}")
    require(said.splitlines() == ["all checksums fit"] + [
        f"{target}: 38 weights equal their source" for target in TARGETS], said)
    file = PlanFile(support.read(plan))
    ((_, base, size),) = file.sections(WEIGHTS)
    tables = [weights(file, v) for v in range(len(TARGETS))]
    name = "blk.3.ffn_up.weight"
    for table in tables[1:]:
        at = base + table[name][1] + 5
        file.data[at] ^= 1
        support.write("damaged.mplan", file.data)
        said = tools.fail("modelc", "verify", "damaged.mplan")
        require(f"weight {name}: checksum" in said, said)
        file.data[at] ^= 1


def test_reports(tools):
    """What is said of one target is said of each."""
    tools.run("modelc", "compile", tools.demo, "--target=znver4,x86-64-v3",
              "-o", "x.mplan", "--report=r.json", "--strict", "--quiet")
    report = json.loads(support.read("r.json"))
    require(report["family"] == {"name": "llama", "verified": True},
            "another family")
    facts = tools.inspect("x.mplan")
    require("report" not in facts, "a report of no target")
    require(facts["provenance"]["options"] ==
            "--target=znver4,x86-64-v3 --ubatch=512", "other options")
    for variant, row in zip(facts["variants"], report["variants"],
                            strict=True):
        target = row.pop("target")
        alone = tools.inspect(single(tools, target))
        require(variant["target"] == target, target)
        require(variant["report"] == row == alone["report"],
                f"another report of {target}")
        (expected,) = alone["variants"]
        for key in ("kernels", "steps", "arena_bytes", "code_bytes",
                    "features"):
            require(variant[key] == expected[key], f"another {key}")
        require(abs(variant["weight_bytes"] - expected["weight_bytes"]) < 8192,
                "other weight bytes")
    kinds = [(section["kind"], section["variant"])
             for section in facts["sections"]]
    require(len(set(kinds)) == len(kinds) and ("WEIGHTS", None) in kinds and
            ("CODE", 1) in kinds, str(kinds))
    text = tools.run("modelc", "inspect", "x.mplan", "--tensors")
    require("variant 1\n" in text and "tensors of variant 1\n" in text, text)
    cost = json.loads(tools.run("modelc", "inspect", "x.mplan", "--json",
                                "--cost", "--tokens=1"))["cost"]
    require([(row["variant"], row["target"]) for row in cost] ==
            [(0, "znver4"), (1, "x86-64-v3")], "another cost")


def test_stages(tools):
    """--stop-after prints one module a target."""
    text = tools.run("modelc", "compile", tools.demo,
                     "--target=znver4,x86-64-v3", "--stop-after=schedule")
    modules = text.split("// -----\n")
    require(len(modules) == 2 and "plan.variant @znver4" in modules[0] and
            'plan.variant @"x86-64-v3"' in modules[1], text[:2000])


def test_tuned(tools):
    """A record for each target, kept and read again."""
    head = "modelc-tuning 1\ntarget {}\nubatch 16\n"
    of_few = "--ubatch=16"
    kernels = [kernel for kernel in
               tools.inspect(single(tools, "x86-64-v3"))["variants"][0]
               ["kernels"] if kernel.endswith("_i1x768_residual_avx2")]
    require(kernels, "no kernel to cut otherwise")
    record = head.format("x86-64-v3") + f"{kernels[0]}:4x2x256x16\n"
    support.write("v3", record.encode())
    tools.compile(tools.demo, "znver4,x86-64-v3", "x.mplan", "--tuned-by=v3",
                  of_few)
    said = tools.run("modelc", "inspect", "x.mplan", "--tuning")
    require(said == head.format("znver4") + record, said)
    support.write("both", said.encode())
    stages = [tools.run("modelc", "compile", tools.demo, of_few,
                        "--target=znver4,x86-64-v3", "--stop-after=schedule",
                        f"--tuned-by={records}") for records in ("v3", "both")]
    require(stages[0] == stages[1], "another plan from the record")
    variants = tools.inspect("x.mplan")["variants"]
    require(kernels[0] not in variants[1]["kernels"], "it is cut as it was")
    support.write("twice", (record + record).encode())
    found = tools.fail("modelc", "compile", tools.demo,
                       "--target=znver4,x86-64-v3", "--tuned-by=twice", of_few)
    require(found == "twice: found two tunings for target x86-64-v3, expected "
            "one", found)
    found = tools.fail("modelc", "compile", tools.demo,
                       "--target=znver4,cascadelake", "--tuned-by=v3",
                       of_few)
    require("x86-64-v3 and ubatch 16, expected znver4 or cascadelake and 16"
            in found, found)


def test_refused(tools):
    """One line, and no file."""
    def refuse(message, *options):
        found = tools.fail("modelc", "compile", tools.demo, "-o", "x.mplan",
                           *options)
        require(found == message, found)

    twice = "--target: found znver4 twice, expected each target once"
    refuse(twice, "--target=znver4,x86-64-v3,znver4")
    refuse(twice, "--target=znver4", "--fallback=znver4")
    unknown = "no such target; see modelc targets"
    refuse(f"--target=: {unknown}", "--target=znver4,")
    refuse(f"--target=z80: {unknown}", "--target=znver4,z80")
    refuse(f"--target=z80: {unknown}", "--target=znver4", "--fallback=z80")
    # The disk fills while the second target's weights are written.
    os.mkdir("folder")
    limit = os.path.getsize(single(tools, "x86-64-v3")) + (1 << 20)

    def set_limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    found = tools.fail("modelc", "compile", tools.demo,
                       "--target=cascadelake,x86-64-v3", SMALL, "-o",
                       "folder/x.mplan", preexec_fn=set_limit,
                       restore_signals=False)
    require("File too large" in found, found)
    require(os.listdir("folder") == [], f"left: {os.listdir('folder')}")
    os.rmdir("folder")
    require(os.listdir(".") == [], f"left behind: {os.listdir('.')}")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
