#!/usr/bin/env python3
"""plan-format-doc-test.py - the check of docs/plan-format.md finds changes.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    plan-format-doc-test.py ROOT

Runs tools/dev/plan-format-doc.py on copies of the header and the page in which
one thing is wrong.
"""

import os
import subprocess
import sys
import tempfile

HEADER = "runtime/include/modelc/plan_format.h"
PAGE = "docs/plan-format.md"

# (file, what stands there, what stands there instead, the complaint)
CASES = [
    (PAGE, "| 8 | uint32_t | `version`", "| 9 | uint32_t | `version`",
     "is not current"),
    (PAGE, "| 5 | `MODELC_SPACE_CONSTANTS`", "| 4 | `MODELC_SPACE_CONSTANTS`",
     "is not current"),
    (PAGE, "<!-- begin struct ModelcState -->", "<!-- struct -->",
     "has no block for ModelcState"),
    (PAGE, "begin enum MODELC_STEP_", "begin enum MODELC_STEPS_",
     "the header has no enum MODELC_STEPS_"),
    (HEADER, "uint64_t pageBytes;", "uint32_t pageBytes;", "ModelcState"),
    (HEADER, "MODELC_FORMAT_ASSERT(ModelcWeight, 72)",
     "MODELC_FORMAT_ASSERT(ModelcWeight, 80)", "the size of ModelcWeight"),
    (HEADER, "offsetof(ModelcStep, countOffset) == 32",
     "offsetof(ModelcStep, countOffset) == 40", "countOffset is not at 40"),
    (HEADER, "  MODELC_STEP_BARRIER = 1", "  MODELC_STEP_BARRIER = 2",
     "is not current"),
]


def run(script, root):
    done = subprocess.run([sys.executable, script, "--check", root],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def main(root):
    script = os.path.join(root, "tools/dev/plan-format-doc.py")
    originals = {}
    for path in (HEADER, PAGE):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            originals[path] = file.read()
    failures = 0
    for spoiled, before, after, complaint in [(None, "", "", "")] + CASES:
        with tempfile.TemporaryDirectory() as scratch:
            for path, text in originals.items():
                if path == spoiled:
                    assert before in text, before
                    text = text.replace(before, after)
                os.makedirs(os.path.dirname(os.path.join(scratch, path)),
                            exist_ok=True)
                with open(os.path.join(scratch, path), "w",
                          encoding="utf-8") as file:
                    file.write(text)
            status, message = run(script, scratch)
        expected = 1 if spoiled else 0
        if status != expected or complaint not in message:
            print(f"{before!r} -> {after!r}: status {status}, {message!r}")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
