"""reference-test.py - the interpreter against the plain reference.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    reference-test.py MODELC-REFERENCE SHARED

Logits of modelc-reference, imported and fused, must lie as near to those of
SHARED/tools/reference_logits.py as its simulation of the numerics does: mean
KL at most 1.25 times the simulation's, plus 1e-6. Exits with 77 where SHARED
or numpy is missing.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile

tool, shared = sys.argv[1], os.path.realpath(sys.argv[2])
script = os.path.join(shared, "tools", "reference_logits.py")
maker = os.path.join(shared, "tools", "make_model.py")
if not os.path.exists(script) or not importlib.util.find_spec("numpy"):
    print("skipped: no", script, "or no numpy")
    sys.exit(77)

# Types of weights, both pairings of rope, tied and separate outputs, biases
# and head norms; the prompt crosses a chunk of 64 positions.
MODELS = ["stories260K-f32", "stories260K-F16", "llama2xs-Q8_0",
          "llama2xs-Q4_0"]
MADE = [("tiny-llama", "bf16"), ("tiny-qwen2", "q8_0"), ("tiny-qwen3", "q8_0"),
        ("tiny-llama", "q5_1"), ("tiny-llama", "q2_K"), ("tiny-llama", "q4_K"),
        ("tiny-qwen3", "q6_K"), ("tiny-llama", "iq4_xs"),
        ("tiny-llama", "mxfp4"), ("tiny-qwen3moe", "f16"),
        ("tiny-qwen3moe", "q8_0"), ("tiny-qwen3moe", "q4_K")]
TOKENS = ",".join(
    str((i * i * 31 + i * 7919) % 505 + 3) for i in range(80))


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        sys.exit("%s: exit %d: %s" % (command, result.returncode,
                                      result.stderr))
    return result.stdout


def mean_kl(reference, logits):
    text = run(sys.executable, script, "--compare", reference, logits, "512")
    return float(re.search(r"mean_kl (\S+)", text).group(1))


def check(model, folder):
    plain, simulated, ours, fused = (
        os.path.join(folder, name)
        for name in ("plain", "simulated", "ours", "fused"))
    run(sys.executable, script, model, TOKENS, plain)
    run(sys.executable, script, "--simulate", model, TOKENS, simulated)
    run(tool, model, "--tokens=" + TOKENS, "--logits-out=" + ours)
    run(tool, model, "--tokens=" + TOKENS, "--logits-out=" + fused, "--fused")
    limit = mean_kl(plain, simulated) * 1.25 + 1e-6
    found = mean_kl(plain, ours)
    with open(ours, "rb") as a, open(fused, "rb") as b:
        same = a.read() == b.read()
    good = found <= limit and same
    print("%s %s: mean KL %.3e, limit %.3e, fused %s" %
          ("ok  " if good else "FAIL", os.path.basename(model), found, limit,
           "equal" if same else "differs"))
    return good


with tempfile.TemporaryDirectory() as folder:
    paths = [os.path.join(shared, "models", m + ".gguf") for m in MODELS]
    for family, kind in MADE:
        paths.append(os.path.join(folder, "%s-%s.gguf" % (family, kind)))
        run(sys.executable, maker, family, paths[-1], "--type", kind,
            "--seed", "3")
    sys.exit(0 if all([check(path, folder) for path in paths]) else 1)
