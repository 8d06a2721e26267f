#!/usr/bin/env python3
"""check-docs.py - what the pages say is there, is there.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    check-docs.py ROOT

- each relative link of each .md file leads to a file or folder
- each path in backticks in docs/tour.md, README.md and CONTRIBUTING.md that
  begins with a folder of the repository exists
- docs/errors.md has every code of runtime/include/modelc/modelc.h, with its
  number, and no other
- a family of compiler/import/arch/Families.cpp has Witness::logits if
  test/e2e/witness has its logits; docs/families.md lists every family, and its
  table of agreement has a number of the witness for each file of logits, and
  `unverified` for each family without one

Commands in the pages are run by run-docs.py.
"""

import os
import re
import sys

import sourcetree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:compiler|dialects|runtime|test|tools|docs)/[^`\s]*)`")
PAGES_OF_PATHS = ("docs/tour.md", "README.md", "CONTRIBUTING.md")
CODES = "runtime/include/modelc/modelc.h"
ERRORS = "docs/errors.md"
FAMILIES = "compiler/import/arch/Families.cpp"
FAMILIES_PAGE = "docs/families.md"
WITNESSES = "test/e2e/witness"


def check_links(root, path, number, line):
    for target in LINK.findall(line):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        target = target.split("#")[0]
        full = os.path.join(root, os.path.dirname(path), target)
        if not os.path.exists(full):
            yield path, number, f"link to nothing: {target}"


def check_paths(root, path, number, line):
    for target in PATH.findall(line):
        # `x.{h,cpp}` and `*.td` speak of several files.
        if not re.search(r"[*{<]|NAME", target):
            if not os.path.exists(os.path.join(root, target)):
                yield path, number, f"names what is not there: {target}"


def check_codes(root):
    if not os.path.isfile(os.path.join(root, ERRORS)):
        yield ERRORS, 1, "is missing"
        return
    header = "\n".join(sourcetree.lines(root, CODES))
    body = header[header.index("typedef enum modelc_code") :]
    body = body[: body.index("}")]
    codes = dict(re.findall(r"(MODELC_[A-Z_]+) = (\d+)", body))
    page = "\n".join(sourcetree.lines(root, ERRORS))
    rows = dict(re.findall(r"^\| `(MODELC_[A-Z_]+)` \| (\d+) \|", page, re.M))
    for name in sorted(codes.keys() | rows.keys()):
        if codes.get(name) != rows.get(name):
            yield ERRORS, 1, (
                f"{name}: the page has {rows.get(name)}, "
                f"modelc.h has {codes.get(name)}"
            )


def check_families(root):
    if not os.path.isfile(os.path.join(root, FAMILIES)):
        return
    table = "\n".join(sourcetree.lines(root, FAMILIES))
    families = dict(re.findall(r'\{"([\w-]+)", import\w+'
                               r"(?:,\s*(Witness::\w+))?\}", table))
    files = {os.path.splitext(name)[0]
             for name in os.listdir(os.path.join(root, WITNESSES))
             if name.endswith(".f16")}
    listed, agreement, described = {}, False, set()
    for line in sourcetree.lines(root, FAMILIES_PAGE):
        agreement |= line.startswith("## Agreement")
        row = re.match(r"\| `([\w-]+)`.*\| *([^|]*?) *\|$", line)
        if row and agreement:
            listed.setdefault(row[1], []).append(row[2])
        elif row:
            described.add(row[1])
    for name, witness in families.items():
        has = witness == "Witness::logits"
        if has != (name in files):
            yield FAMILIES, 1, (
                f"{name}: {witness or 'no witness'}, but {WITNESSES} has "
                f"{'its' if name in files else 'no'} logits"
            )
        rows = listed.get(name, [])
        if not rows or ("unverified" in rows) == has:
            yield FAMILIES_PAGE, 1, (
                f"{name}: its row of agreement says {rows or 'nothing'}, "
                f"Families.cpp {witness or 'that there is no witness'}"
            )
    for name in sorted(families.keys() ^ described):
        yield FAMILIES_PAGE, 1, f"{name} is not there and in Families.cpp"
    numbers = [row for rows in listed.values() for row in rows
               if row != "unverified"]
    if len(numbers) != len(files):
        yield FAMILIES_PAGE, 1, (
            f"{len(numbers)} models with a witness, {len(files)} files in "
            f"{WITNESSES}"
        )


def check(root):
    for path in sourcetree.files(root, (".md",)):
        fenced = False
        for number, line in enumerate(sourcetree.lines(root, path), 1):
            if line.startswith("```"):
                fenced = not fenced
            if fenced:
                continue
            yield from check_links(root, path, number, line)
            if path in PAGES_OF_PATHS:
                yield from check_paths(root, path, number, line)
    yield from check_codes(root)
    yield from check_families(root)


if __name__ == "__main__":
    sys.exit(sourcetree.run(check))
