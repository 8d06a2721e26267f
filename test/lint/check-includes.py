#!/usr/bin/env python3
"""check-includes.py - refuses an include against the order of the folders.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    check-includes.py ROOT

The rule (docs/tour.md shows the folders):
- data goes one way, import > fuse > layout > schedule > codegen > repack >
  emit > driver, so a verb includes earlier verbs, and target/, support/ and
  the dialects; only driver/ sees all of them;
- compiler/cost reads finished plans as the runtime does: it includes target/,
  runtime/load and dialects/plan, for ExpertGroups.h, and nothing but tools and
  tests includes it;
- a dialect includes earlier dialects: model < pack < plan;
- the runtime, and the tools that are made of it alone, include nothing of
  the compiler and no package: only runtime/include, what came before in
  load > device > open > exec, and the system's own headers; text/ stands
  beside; open is the one file that makes an open plan of what load/ read and
  device/ found, runtime/load/Plan.cpp;
- nothing but tools and tests includes tools/ or test/.
runtime/include/ is the contract that everyone includes.
"""

import os
import re
import sys

import sourcetree

DIALECTS = ["model", "pack", "plan"]
VERBS = [
    "import", "fuse", "layout", "schedule", "codegen", "repack", "emit",
    "driver",
]
RUNTIME = ["load", "device", "open", "exec"]
# Files that stand elsewhere in the order than their folder.
ELSEWHERE = {"runtime/load/Plan.cpp": "runtime/open"}
RUNTIME_TOOLS = ("tools/modelc-run", "tools/modelc-bench")
OURS = ("compiler/", "dialects/", "runtime/", "tools/", "test/")

INCLUDE = re.compile(r'^\s*#?\s*include\s+[<"]([^>"]+)[>"]')
# The system's headers: <vector>, <sys/mman.h>; no <absl/...>.
SYSTEM = re.compile(r"^([^/]+|(sys|linux|asm|bits|arpa|netinet|os)/.+)$")


def area(path):
    """The folder that the rule speaks of: compiler/import, runtime/load."""
    if path in ELSEWHERE:
        return ELSEWHERE[path]
    parts = path.split("/")
    return parts[0] if parts[0] == "test" else "/".join(parts[:2])


def visible(source):
    """The areas, or prefixes of areas, that an area may include."""
    top, _, name = source.partition("/")
    contract = ["runtime/include"]
    nouns = ["dialects/"]
    if top == "dialects" and name in DIALECTS:
        known = DIALECTS[: DIALECTS.index(name) + 1]
        return contract + ["dialects/" + other for other in known]
    if source == "compiler/support":
        return contract + [source]
    if source == "compiler/target":
        return contract + nouns + [source, "compiler/support"]
    if source == "compiler/cost":
        return contract + [source, "compiler/target", "runtime/load",
                           "dialects/plan"]
    if top == "compiler" and name in VERBS:
        known = ["support", "target"] + VERBS[: VERBS.index(name) + 1]
        return contract + nouns + ["compiler/" + other for other in known]
    if top == "runtime" and name in RUNTIME:
        known = RUNTIME[: RUNTIME.index(name) + 1]
        return contract + ["runtime/" + other for other in known]
    if top == "runtime":
        return contract + [source]
    if source in RUNTIME_TOOLS:
        return ["runtime/"] + list(RUNTIME_TOOLS)
    if top == "tools":
        return ["compiler/", "dialects/", "runtime/", "tools/"]
    if top == "test":
        return list(OURS)
    return None


def resolve(root, source, name):
    """The path in the tree that an include means, or None for a package's or
    the system's. Generated headers lie in the folder they are named by."""
    beside = os.path.normpath(os.path.join(os.path.dirname(source), name))
    for path in (beside, name, "runtime/include/" + name, "runtime/" + name):
        if os.path.isfile(os.path.join(root, path)):
            return path
    if name.startswith(OURS):
        return name
    if name.endswith(".inc") and "/" not in name:
        return beside
    return None


def sees(allowed, target):
    return any(
        target == entry or (entry.endswith("/") and target.startswith(entry))
        for entry in allowed
    ) or ("test/" in allowed and target == "test")


def check(root):
    for path in sourcetree.files(root, (".h", ".c", ".cpp", ".td", ".def")):
        if not path.startswith(OURS):
            continue
        source = area(path)
        allowed = visible(source)
        if allowed is None:
            yield path, 1, f"{source} has no place in the order of folders"
            continue
        alone = path.startswith("runtime/") or source in RUNTIME_TOOLS
        for number, line in enumerate(sourcetree.lines(root, path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = resolve(root, path, match.group(1))
            if target is None:
                if alone and not SYSTEM.match(match.group(1)):
                    yield path, number, (
                        f"{source} includes a package: {match.group(1)}"
                    )
            elif not sees(allowed, area(target)):
                yield path, number, f"{source} must not include {target}"


if __name__ == "__main__":
    sys.exit(sourcetree.run(check))
