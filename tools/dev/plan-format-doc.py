#!/usr/bin/env python3
"""plan-format-doc.py - the byte tables of docs/plan-format.md, from the header.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    plan-format-doc.py [--check] [ROOT]

Rewrites each block

    <!-- begin struct NAME -->        <!-- begin enum PREFIX PREFIX... -->
    ...                               ...
    <!-- end -->                      <!-- end -->

of docs/plan-format.md from runtime/include/modelc/plan_format.h: offset, size,
name and comment of each field of a struct; value, name and comment of each
constant that begins with a PREFIX. Every struct and every enum of the header
must have its block. With --check it writes nothing and exits with 1 if the page
is not what it would write.

The layout is computed by C's rules from the field types, and must agree with
the header's own static_asserts.
"""

import os
import re
import sys

HEADER = "runtime/include/modelc/plan_format.h"
PAGE = "docs/plan-format.md"
SIZES = {
    "char": 1, "uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8,
}
STRUCT = re.compile(r"typedef struct (\w+) \{\n(.*?)\n\} \1;", re.S)
ENUM = re.compile(r"^enum \{\s*(.*?)\s*\};", re.S | re.M)
FIELD = re.compile(r"(\w+) (\w+)(?:\[(\d+)\])?;$")
CONSTANT = re.compile(r"(\w+) = ([^,]+),?$")
BLOCK = re.compile(
    r"<!-- begin (struct|enum) ([\w ]+) -->\n.*?<!-- end -->", re.S)


class Mistake(Exception):
    """What the header or the page has that this script does not expect."""


def members(body, pattern):
    """Yields (match, comment) for each member; a comment stands above it, or
    behind it and below."""
    above, current = [], None
    for line in body.split("\n"):
        code, _, comment = line.strip().partition("//")
        code = code.strip()
        comment = comment.lstrip("/<").strip()
        if code:
            match = pattern.fullmatch(code)
            if not match:
                raise Mistake(f"{HEADER}: cannot read '{line.strip()}'")
            if current:
                yield current[0], " ".join(current[1])
            current = (match, above + ([comment] if comment else []))
            above = []
        elif re.match(r"\s*///(?!<)", line):
            above.append(comment)
        else:
            current[1].append(comment)
    if current:
        yield current[0], " ".join(current[1])


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        cells = [str(cell).replace("|", "\\|") for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(line.replace("|  |", "| |") for line in lines)


def struct_table(header, name, body):
    rows, offset, largest = [], 0, 1
    for match, comment in members(body, FIELD):
        kind, field, count = match.groups()
        if kind not in SIZES:
            raise Mistake(f"{HEADER}: {name}.{field} has unknown type {kind}")
        size = SIZES[kind]
        if offset % size:
            raise Mistake(f"{HEADER}: {name}.{field} has padding before it")
        largest = max(largest, size)
        shown = kind + (f"[{count}]" if count else "")
        asserted = re.search(
            rf"offsetof\({name}, {field}\) == (\d+)", header)
        if asserted and int(asserted[1]) != offset:
            raise Mistake(f"{HEADER}: {name}.{field} is not at {asserted[1]}")
        rows.append((offset, shown, f"`{field}`", comment))
        offset += size * int(count or 1)
    asserted = re.search(rf"MODELC_FORMAT_ASSERT\({name}, (\d+)\)", header)
    if not asserted or int(asserted[1]) != offset or offset % largest:
        raise Mistake(f"{HEADER}: the size of {name} is {offset}, not asserted")
    return f"{offset} bytes.\n\n" + table(
        ("offset", "type", "field", "meaning"), rows)


def enum_rows(body):
    """Yields (prefix, row) for each constant. The prefix is what its name
    begins with, up to the second underscore."""
    for match, comment in members(body, CONSTANT):
        prefix = "_".join(match[1].split("_")[:2]) + "_"
        yield prefix, (match[2].strip(), f"`{match[1]}`", comment)


def read_header(header):
    """Text of each struct's table, and rows of each enum's, by name."""
    structs = {
        name: struct_table(header, name, body)
        for name, body in STRUCT.findall(header)
    }
    enums = {}
    for body in ENUM.findall(header):
        for prefix, row in enum_rows(body):
            enums.setdefault(prefix, []).append(row)
    return structs, enums


def rewrite(root):
    """The page as it is and as it should be."""
    with open(os.path.join(root, HEADER), encoding="utf-8") as file:
        structs, enums = read_header(file.read())
    with open(os.path.join(root, PAGE), encoding="utf-8") as file:
        page = file.read()
    seen = set()

    def replace(match):
        kind, names = match[1], match[2].split()
        known = structs if kind == "struct" else enums
        for name in names:
            if name not in known:
                raise Mistake(f"{PAGE}: the header has no {kind} {name}")
        seen.update(names)
        if kind == "struct":
            text = structs[names[0]]
        else:
            rows = [row for name in names for row in enums[name]]
            text = table(("value", "constant", "meaning"), rows)
        return f"<!-- begin {kind} {match[2]} -->\n{text}\n<!-- end -->"

    wanted = BLOCK.sub(replace, page)
    missing = sorted((structs.keys() | enums.keys()) - seen)
    if missing:
        raise Mistake(f"{PAGE}: has no block for {', '.join(missing)}")
    return page, wanted


def main(arguments):
    check = "--check" in arguments
    roots = [argument for argument in arguments if argument != "--check"]
    here = os.path.dirname(os.path.abspath(__file__))
    root = roots[0] if roots else os.path.join(here, "..", "..")
    try:
        page, wanted = rewrite(root)
    except Mistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    if page == wanted:
        return 0
    if check:
        print(f"error: {PAGE} is not current: run tools/dev/plan-format-doc.py",
              file=sys.stderr)
        return 1
    with open(os.path.join(root, PAGE), "w", encoding="utf-8") as file:
        file.write(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
