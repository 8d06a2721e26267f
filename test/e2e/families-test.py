#!/usr/bin/env python3
"""families-test.py - a whole tiny model of every family.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Models of test/models/make-model.py with the family's real structure. Plans of
all instruction sets give the reference's bits, imported and fused, for all
tokens at once and in pieces. With F16 weights these are hardly anything away
from sums in double, with Q8_0 and Q4_K not farther than what rounding to eight
bits alone costs; and the last logits are those of another engine, which
witness/README.md names.
"""

import array
import importlib.util
import math
import os
import subprocess
import sys

import support
from support import Skip, require

TARGETS = ("x86-64-v3", "cascadelake")
TOKENS = support.TOKENS[:70]
VOCAB = 512
# Mean KL to sums in double, and to the other engine.
MAX_EXACT_KL = 1e-5
# Mean KL to sums in double, beside that of the simulated numerics.
MAX_SIMULATED_RATIO = 1.25
SIMULATED_SLACK = 1e-6
MAX_WITNESS_KL = 1e-5


def make_model(tools, preset, kind, *options):
    if not importlib.util.find_spec("numpy"):
        raise Skip("no numpy")
    script = os.path.join(tools.root, "test", "models", "make-model.py")
    model = f"{preset}-{kind}.gguf"
    subprocess.run([sys.executable, script, preset, model, f"--type={kind}",
                    *options], check=True)
    return model


def get_rows(data):
    """Rows of logits of little-endian f32 bytes, as log-probabilities."""
    values = array.array("f", data)
    for begin in range(0, len(values), VOCAB):
        row = values[begin:begin + VOCAB]
        top = max(row)
        total = math.log(sum(math.exp(x - top) for x in row))
        yield [x - top - total for x in row]


def get_mean_kl(reference, other):
    rows = [sum(math.exp(a) * (a - b) for a, b in zip(p, q))
            for p, q in zip(get_rows(reference), get_rows(other), strict=True)]
    return sum(rows) / len(rows)


def get_reference(tools, model, *options):
    logits = tools.logits(model, *options, tokens=TOKENS,
                          tool=("modelc-reference",))
    require(all(map(math.isfinite, array.array("f", logits))),
            "logits that are no numbers")
    return logits


def check_bits(tools, model, is_first=False):
    """The reference's logits, which all plans give; of a family's first model
    also those of the fused module, and plans with tiles."""
    expected = get_reference(tools, model)
    if is_first:
        require(get_reference(tools, model, "--fused") == expected,
                "the fused reference gives other bits")
    for target in TARGETS:
        plan = tools.compile(model, target, f"{target}.mplan", "--strict")
        tools.run("modelc", "verify", plan, f"--source={model}")
        if not tools.features(plan) <= support.cpu_flags():
            continue
        for options in ([], ["--batch=1"], ["--batch=7", "-t", "3"]):
            require(tools.logits(plan, *options, tokens=TOKENS) == expected,
                    f"{target} {' '.join(options)}: other bits than the "
                    "reference")
    if is_first and tools.can_emulate():
        plan = tools.compile(model, "sapphirerapids", "tiles.mplan",
                             "--strict")
        found, _ = tools.emulated_logits(plan, "-t", "3", tokens=TOKENS)
        require(found == expected, "sapphirerapids gives other bits")
    return expected


def check_simulated(tools, model, expected):
    """The plans' distance from sums in double is what rounding activations to
    eight bits and caches to F16 costs, as the reference simulates it."""
    exact = get_reference(tools, model, "--exact")
    simulated = get_mean_kl(exact, get_reference(tools, model, "--simulate"))
    found = get_mean_kl(exact, expected)
    print(f"{model}: mean KL to sums in double: {found:.2e}, simulated "
          f"{simulated:.2e}")
    require(found <= MAX_SIMULATED_RATIO * simulated + SIMULATED_SLACK,
            f"mean KL {found} to sums in double, simulated {simulated}")


def check_exact(tools, model, expected):
    found = get_mean_kl(get_reference(tools, model, "--exact"), expected)
    print(f"{model}: mean KL to sums in double: {found:.2e}")
    require(found <= MAX_EXACT_KL, f"mean KL {found} to sums in double")


def check(tools, preset, kinds=("q8_0", "q4_K"), distances=(), options=()):
    """Plans of `kinds`; of `distances` only how far the reference is. `options`
    are the model's, but not of the one that the witness knows."""
    for kind in kinds:
        model = make_model(tools, preset, kind, *options)
        check_simulated(tools, model,
                        check_bits(tools, model, is_first=kind == kinds[0]))
    for kind in distances:
        model = make_model(tools, preset, kind, *options)
        check_simulated(tools, model, get_reference(tools, model))
    model = make_model(tools, preset, "f16", *options)
    check_exact(tools, model, check_bits(tools, model))
    check_witness(tools, preset)


def check_first(tools, preset, options=()):
    """Families of which other tests have plans in all types."""
    check(tools, preset, ("q8_0",), ("q4_K",), options)


def check_witness(tools, preset):
    """The other engine had F32 weights; its logits are those of the last
    tokens, as f16."""
    model = make_model(tools, preset, "f32")
    path = os.path.join(tools.root, "test", "e2e", "witness",
                        preset.removeprefix("tiny-") + ".f16")
    halves = support.halves(support.read(path))
    witness = array.array("f", halves).tobytes()
    logits = get_reference(tools, model)
    found = get_mean_kl(witness, logits[-len(witness):])
    print(f"mean KL to the witness: {found:.2e}")
    require(found <= MAX_WITNESS_KL, f"mean KL {found} to the witness")


def test_llama(tools):
    check_first(tools, "tiny-llama")


def test_mixtral(tools):
    check_first(tools, "tiny-mixtral")


def test_qwen2(tools):
    check_first(tools, "tiny-qwen2")


def test_qwen2moe(tools):
    check_first(tools, "tiny-qwen2moe")


def test_qwen3(tools):
    check_first(tools, "tiny-qwen3")


def test_qwen3moe(tools):
    """In Q8_0 of the first seed one token's experts, chosen by a hair, are
    others in the simulation, as may happen to any model with experts."""
    check_first(tools, "tiny-qwen3moe", ("--seed=2",))


def test_gemma2(tools):
    check(tools, "tiny-gemma2")


def test_gemma3(tools):
    check(tools, "tiny-gemma3")


def test_gpt2(tools):
    check(tools, "tiny-gpt2")


def test_phi3(tools):
    check(tools, "tiny-phi3")


def test_smollm3(tools):
    check(tools, "tiny-smollm3")


def test_mistral3(tools):
    check(tools, "tiny-mistral3")


def test_gpt_oss(tools):
    check(tools, "tiny-gpt-oss", ("mxfp4", "q8_0"), ("q4_K",))


def test_deepseek2(tools):
    check(tools, "tiny-deepseek2")


def test_deepseek2_lite(tools):
    """No latent of queries, and heads that are made, not absorbed."""
    check_witness(tools, "tiny-deepseek2-lite")
    model = make_model(tools, "tiny-deepseek2-lite", "q8_0", "--layers=2")
    check_simulated(tools, model, check_bits(tools, model, is_first=True))
    model = make_model(tools, "tiny-deepseek2-lite", "f16", "--layers=2")
    check_exact(tools, model, get_reference(tools, model))


def test_deepseek2_cache(tools):
    """Keys, and the values in them, as blocks of Q8_0."""
    model = make_model(tools, "tiny-deepseek2", "q8_0")
    cache = "--cache-type=q8_0"
    expected = tools.logits(model, cache, tokens=TOKENS,
                            tool=("modelc-reference",))
    for target in TARGETS:
        plan = tools.compile(model, target, f"{target}-cache.mplan", cache)
        if not tools.features(plan) <= support.cpu_flags():
            continue
        for options in ([], ["--batch=1"], ["--batch=7", "-t", "3"]):
            require(tools.logits(plan, *options, tokens=TOKENS) == expected,
                    f"{target} {' '.join(options)}: other bits than the "
                    "reference")


def test_glm4moe(tools):
    check(tools, "tiny-glm4moe")


def check_hybrid(tools, preset):
    """States of whole sequences: several in one session, copied and saved, by
    sessions-test.c."""
    check(tools, preset)
    plan = tools.compile(make_model(tools, preset, "q8_0"), "x86-64-v3",
                         "sessions.mplan")
    print(tools.run("modelc_sessions_test", plan))


def test_qwen3next(tools):
    check_hybrid(tools, "tiny-qwen3next")


def test_qwen35(tools):
    check_hybrid(tools, "tiny-qwen35")


def test_qwen35moe(tools):
    check_hybrid(tools, "tiny-qwen35moe")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
