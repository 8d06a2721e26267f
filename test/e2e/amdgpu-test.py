#!/usr/bin/env python3
"""amdgpu-test.py - plans for AMD GPUs give the bits of those for x86-64.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

modelc-run runs them as anywhere, on a libamdhip64.so that interprets the code
objects (test/emulators/amdgpu). Passes of one token are graphs, so each plan
runs its tokens both together and one by one.
"""

import os
import sys

import guest
import support
from support import require

TARGETS = ("gfx90a", "gfx942", "gfx1100", "gfx1201")
# Families, and a chip that runs their code.
CHIPS = {"gfx10-3-generic": "gfx1030", "gfx11-generic": "gfx1100"}
# Beside Q8_0 of the demo and Q4_K of the experts.
TYPES = ("q4_0", "q6_K", "f16")


def on_device(tools, target):
    """The environment of a machine with the target's chip."""
    library = os.path.join(tools.libraries, os.pardir, "emulators", "amdgpu",
                           "libamdhip64.so")
    return dict(os.environ, AMDGPUEMU_CHIP=CHIPS.get(target, target),
                MODELC_HIP_LIBRARY=os.path.abspath(library))


def get_plan(tools, model, target):
    """Compiled, but that of the demo: compile-test.py demo has made it."""
    if model == tools.demo:
        return os.path.join(tools.plans, f"demo-{target}.mplan")
    return tools.compile(model, target, "there.mplan")


def check(tools, model, targets, tokens):
    """Compares the logits of all tokens."""
    expected = guest.expected_logits(tools, model, tokens)
    ids = ",".join(map(str, tokens))
    for target in targets:
        plan = get_plan(tools, model, target)
        for options in ((), ("--batch=1",)):
            tools.run("modelc-run", plan, f"--tokens={ids}",
                      "--logits-out=logits", *options,
                      env=on_device(tools, target))
            require(support.read("logits") == expected,
                    f"{target}, {options}: other logits")


def test_demo(tools):
    check(tools, tools.demo, TARGETS, support.TOKENS[:6])


def test_families(tools):
    check(tools, tools.demo, CHIPS, support.TOKENS[:2])


def test_experts(tools):
    check(tools, guest.write_model(tools, "q4_K", "tiny-qwen3moe"),
          ("gfx942",), support.TOKENS[:5])


def test_types(tools):
    """Each on one chip; the chips take turns."""
    for at, kind in enumerate(TYPES):
        check(tools, guest.write_model(tools, kind), (TARGETS[at],),
              support.TOKENS[:5])


def test_resources(tools):
    """inspect tells what kernels take, as text too: nothing is spilled."""
    for target in TARGETS:
        plan = get_plan(tools, tools.demo, target)
        variant = tools.inspect(plan)["variants"][0]
        names = [kernel["name"] for kernel in variant["resources"]]
        require(names == variant["kernels"], f"{target}: kernels {names}")
        for kernel in variant["resources"]:
            require(kernel["vgprs"] > 0 and kernel["lds_bytes"] <= 65536,
                    f"{target}: {kernel}")
            spills = kernel["vgpr_spills"], kernel["sgpr_spills"]
            require((*spills, kernel["scratch_bytes"]) == (0, 0, 0),
                    f"{target}: {kernel}")
        text = tools.run("modelc", "inspect", plan)
        require(all(name in text for name in names), text)


def test_fallback(tools):
    """A plan with both also runs where there is no such GPU."""
    plan = tools.compile(tools.demo, "gfx942", "both.mplan",
                         "--fallback=x86-64-v3")
    arguments = (plan, "-p", "Once", "-n", "2", "--temp", "0")
    texts = [
        tools.run("modelc-run", *arguments, env=on_device(tools, chip))
        for chip in ("gfx942", "gfx1100")]
    require(texts[0] == texts[1] != "", f"other texts: {texts}")


def test_text(tools):
    """Sequences, sampling and a saved session, as with any plan."""
    arguments = ("-p", "Once upon a time", "-n", "4", "--temp", "0", "-c", "64",
                 "--prompt-cache", "cache")
    texts = []
    for target, env in (("x86-64-v3", None),
                        ("gfx942", on_device(tools, "gfx942"))):
        plan = get_plan(tools, tools.demo, target)
        for _ in range(2):  # The second goes on from the cache.
            texts.append(tools.run("modelc-run", plan, *arguments, env=env))
        os.remove("cache")
    require(len(set(texts)) == 1, f"other texts: {texts}")


def test_refusals(tools):
    plan = get_plan(tools, tools.demo, "gfx942")
    arguments = ("--tokens=1,2", "--logits-out=logits")
    message = tools.fail("modelc-run", plan, *arguments,
                         env=on_device(tools, "gfx1100"))
    require(message == "demo-gfx942.mplan: does not run on this machine: "
            "gfx942 needs an AMD GPU of this kind, found emulated gfx1100 "
            "(gfx1100)", message)
    message = tools.fail("modelc-run", plan, *arguments, env=dict(
        os.environ, MODELC_HIP_LIBRARY="/nowhere/libamdhip64.so"))
    require("gfx942 needs the HIP runtime" in message, message)
    message = tools.fail("modelc-run", plan, *arguments, env=dict(
        on_device(tools, "gfx942"), AMDGPUEMU_MEMORY="4000000"))
    require(" bytes of device memory, " in message, message)


if __name__ == "__main__":
    sys.exit(support.main(globals()))
