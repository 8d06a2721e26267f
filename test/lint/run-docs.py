#!/usr/bin/env python3
"""run-docs.py - runs the commands that a page marks as tested.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    run-docs.py ROOT BIN PAGE.md

A block that opens with ```sh test is run by bash, all blocks of one page in
one shell that stops at the first command that fails. The shell stands in a
scratch copy of the repository's root: every folder is a link to the real one,
but build/ is the copy's own, with build/bin a link to BIN. So a page shows
the commands as a reader types them, and running them leaves nothing behind.
Fails if the page has no such block.
"""

import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```sh test\n(.*?)^```$", re.S | re.M)


def make_scratch(root, binaries, scratch):
    for name in os.listdir(root):
        if not name.startswith(("build", "install", ".git")):
            os.symlink(os.path.join(root, name), os.path.join(scratch, name))
    os.mkdir(os.path.join(scratch, "build"))
    os.symlink(binaries, os.path.join(scratch, "build", "bin"))


def main(arguments):
    if len(arguments) != 3:
        print("usage: run-docs.py ROOT BIN PAGE.md", file=sys.stderr)
        return 2
    root, binaries, page = (os.path.abspath(path) for path in arguments)
    with open(page, encoding="utf-8") as text:
        blocks = BLOCK.findall(text.read())
    if not blocks:
        print(f"{page}: no block of commands is marked ```sh test")
        return 1
    with tempfile.TemporaryDirectory(prefix="modelc-docs-") as scratch:
        make_scratch(root, binaries, scratch)
        script = "\n".join(blocks)
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
