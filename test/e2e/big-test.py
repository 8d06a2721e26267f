#!/usr/bin/env python3
"""big-test.py - what the project promises of a model of 1.2 G weights.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Memory and speed, for a machine that does nothing else: only where
MODELC_BIG_TESTS=1 asks for it.
"""

import os
import subprocess
import sys

import support
from support import Skip, require


def test_promises(tools):
    if os.environ.get("MODELC_BIG_TESTS") != "1":
        raise Skip("MODELC_BIG_TESTS is not 1")
    script = os.path.join(tools.root, "tools", "dev", "measure-compile.py")
    done = subprocess.run(
        [sys.executable, script, f"--bin={tools.bin}", "--check"], check=False)
    require(done.returncode == 0, "not as promised")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
