#!/usr/bin/env python3
"""make-unicode-runs.py - the table of general categories that text links.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    make-unicode-runs.py OUT.inc

Writes the code points as runs of one category, from Python's own copy of the
Unicode character database, for UnicodeCategory.cpp:

    constexpr CategoryRun kRuns[] = {{0x0, cc}, {0x20, zs}, {0x21, po}, ...};
"""

import sys
import unicodedata


def runs():
    last = None
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code)).lower()
        if category != last:
            yield code, category
            last = category


def main(arguments):
    if len(arguments) != 1:
        print("usage: make-unicode-runs.py OUT.inc", file=sys.stderr)
        return 2
    lines = [f"// Unicode {unicodedata.unidata_version}.",
             "constexpr CategoryRun kRuns[] = {"]
    lines += [f"    {{{code:#x}, {category}}}," for code, category in runs()]
    with open(arguments[0], "w", encoding="ascii") as file:
        file.write("\n".join(lines + ["};", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
