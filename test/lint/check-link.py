#!/usr/bin/env python3
"""check-link.py - what the runtime is made of and what it needs.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    check-link.py LLVM_BIN FILE...

For each archive (.a): no symbol, defined or not, of LLVM, MLIR, LLD or
Abseil, and less than 1 MB of machine code in all archives together. For each
program: the same about its symbols, and no shared library but those of libc
and libstdc++.
"""

import os
import re
import subprocess
import sys

LIBRARIES = re.compile(
    r"^(libc|libm|libdl|libpthread|librt|libstdc\+\+|libgcc_s|"
    r"ld-linux-[a-z0-9-]+)\.so(\.\d+)*$"
)
FOREIGN = re.compile(
    r"(?<![A-Za-z0-9_])(llvm|mlir|lld|absl(::[a-z0-9_]+)*)::|^(LLVM|mlir)[A-Z]"
)
CODE_LIMIT_BYTES = 1_000_000


def output(*command):
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def symbols(tools, path):
    for options in ([], ["--dynamic"]):
        if options and path.endswith(".a"):
            continue
        listing = output(
            f"{tools}/llvm-nm", "-C", "--quiet", "--format=just-symbols",
            *options, path,
        )
        yield from (line for line in listing.splitlines() if line)


def needed(tools, path):
    listing = output(f"{tools}/llvm-readelf", "--dynamic-table", path)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", listing)


def code_bytes(tools, path):
    """Bytes in executable sections: `text` of llvm-size counts constants and
    unwind tables too."""
    total = 0
    listing = output(f"{tools}/llvm-readelf", "--sections", "--wide", path)
    for line in listing.splitlines():
        # [ 3] .text.f PROGBITS 0000 000040 00001b 00 AX 0 0 16
        match = re.search(
            r"PROGBITS\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+\s+(\w*X)",
            line,
        )
        if match:
            total += int(match.group(1), 16)
    return total


def check(tools, paths):
    total = 0
    for path in paths:
        name = os.path.basename(path)
        if not path.endswith(".a"):
            for library in needed(tools, path):
                if not LIBRARIES.match(library):
                    yield f"{name}: needs {library}"
        count = 0
        for symbol in symbols(tools, path):
            count += 1
            if FOREIGN.search(symbol):
                yield f"{name}: has the foreign symbol {symbol}"
        if count == 0:
            yield f"{name}: has no symbols to look at"
        if path.endswith(".a"):
            total += code_bytes(tools, path)
    if any(path.endswith(".a") for path in paths):
        print(f"{total} bytes of machine code in the libraries")
        if not 0 < total < CODE_LIMIT_BYTES:
            yield f"{total} bytes of machine code, limit {CODE_LIMIT_BYTES}"


def main(arguments):
    if len(arguments) < 2:
        print("usage: check-link.py LLVM_BIN FILE...", file=sys.stderr)
        return 2
    findings = list(check(arguments[0], arguments[1:]))
    for finding in findings[:50]:
        print(finding)
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
