"""decode-test.py - blocks of weights against an independent decoder.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    decode-test.py MODELC-REFERENCE-DECODE SHARED

Random bytes, decoded by modelc-reference-decode and by the function `deq` of
SHARED/tools/reference_logits.py, must be equal. (No type has so many bits that
`deq`, which multiplies and adds in turn, rounds twice.) Exits with 77 where
SHARED or numpy is missing.
"""

import importlib.util
import os
import subprocess
import sys

tool, shared = sys.argv[1], os.path.realpath(sys.argv[2])
script = os.path.join(shared, "tools", "reference_logits.py")
if not os.path.exists(script) or not importlib.util.find_spec("numpy"):
    print("skipped: no", script, "or no numpy")
    sys.exit(77)

import numpy  # noqa: E402

spec = importlib.util.spec_from_file_location("reference_logits", script)
plain = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plain)

# Name, id of GGUF, and bytes of F16 scales and minima.
TYPES = [("F32", 0, []), ("F16", 1, []), ("BF16", 30, []), ("Q4_0", 2, [0]),
         ("Q4_1", 3, [0, 2]), ("Q5_0", 6, [0]), ("Q5_1", 7, [0, 2]),
         ("Q8_0", 8, [0]), ("Q2_K", 10, [80, 82]), ("Q3_K", 11, [108]),
         ("Q4_K", 12, [0, 2]), ("Q5_K", 13, [0, 2]), ("Q6_K", 14, [208]),
         ("IQ4_NL", 20, [0]), ("IQ4_XS", 23, [0]), ("MXFP4", 39, [])]
BLOCKS = 200


def decode_both(name, number, halves):
    elems, size = plain.B[number]
    random = numpy.random.default_rng(number)
    blocks = random.integers(0, 256, (BLOCKS, size), dtype=numpy.uint8)
    for at in halves:  # Numbers around 1, so that no term hides the other.
        scales = random.uniform(-1, 1, BLOCKS).astype("<f2")
        blocks[:, at:at + 2] = scales[:, None].view(numpy.uint8)
    raw = blocks.tobytes()
    result = subprocess.run([tool, name], input=raw, capture_output=True,
                            check=True)
    ours = numpy.frombuffer(result.stdout, "<f4")
    with numpy.errstate(all="ignore"):
        theirs = plain.deq(number, raw, BLOCKS * elems)
    assert ours.shape == theirs.shape == (BLOCKS * elems,), name
    return ours, theirs


failures = 0
for name, number, halves in TYPES:
    ours, theirs = decode_both(name, number, halves)
    same = (ours == theirs) | (numpy.isnan(ours) & numpy.isnan(theirs))
    failures += not same.all()
    print("%-6s %d of %d equal" % (name, same.sum(), same.size))
sys.exit(1 if failures else 0)
