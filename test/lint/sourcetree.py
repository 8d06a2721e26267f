"""sourcetree.py - the files that the lint scripts look at.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Shared by the check-*.py scripts, each of which takes the root of a tree as
its only argument, prints `path:line: message` for each finding, and exits
with 1 if there is one.
"""

import os
import sys


def files(root, suffixes):
    """Paths below `root`, with forward slashes and sorted, that end in one of
    `suffixes`. Build, install and hidden folders (but .ci) are left out."""
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [
            name
            for name in subfolders
            if name == ".ci" or not name.startswith((".", "__pycache__"))
        ]
        if folder == root:
            subfolders[:] = [
                name
                for name in subfolders
                if not name.startswith(("build", "install"))
            ]
        for name in names:
            if name.endswith(suffixes):
                path = os.path.relpath(os.path.join(folder, name), root)
                found.append(path.replace(os.sep, "/"))
    return sorted(found)


def lines(root, path):
    """The lines of a text file, without their ends."""
    with open(os.path.join(root, path), encoding="utf-8") as text:
        return text.read().split("\n")


def run(check):
    """The main of a lint script: check(root) yields (path, line, message)."""
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        print(f"usage: {os.path.basename(sys.argv[0])} ROOT", file=sys.stderr)
        return 2
    count = 0
    for path, line, message in check(os.path.abspath(sys.argv[1])):
        print(f"{path}:{line}: {message}")
        count += 1
    print(f"{count} findings")
    return 1 if count else 0
