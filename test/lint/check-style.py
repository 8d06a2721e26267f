#!/usr/bin/env python3
"""check-style.py - the rules of form that a script can hold.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    check-style.py ROOT

- header: C++, C, TableGen and Python files name themselves and the licence,
  scripts name themselves, CMake files say what they are for
- names: folders of the code lower_case, C++ and TableGen CamelCase, headers
  of runtime/include snake_case, tests, tools and docs kebab-case
- lines: 80 columns where there is no URL, no tab, no space at the end
- length: files at most 600 lines (.def tables exempt, .mlir tests 400),
  functions at most 60 lines, or 120 in compiler/codegen, unless the line
  before says `// Long: reason.`
- include guards are the path, in capitals
- nothing is left unfinished by its own words
"""

import os
import re
import sys

import sourcetree

CODE = (".h", ".c", ".cpp", ".td", ".def")
SCRIPTS = (".py", ".sh")
CMAKE = (".cmake", "CMakeLists.txt")
TEXT = CODE + SCRIPTS + CMAKE + (".mlir", ".test", ".md", ".in", ".json")
LICENCE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"
# Split, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

CAMEL = re.compile(r"^[A-Z][A-Za-z0-9]*$")
SNAKE = re.compile(r"^[a-z][a-z0-9_]*$")
KEBAB = re.compile(r"^[a-z0-9][a-z0-9-]*(\.cfg|\.site\.cfg)?$")


def check_header(path, lines):
    name = os.path.basename(path)
    if path.endswith(CODE):
        if not lines[0].startswith(f"//===- {name} - "):
            yield 1, f"begins with '//===- {name} - ...'"
    elif path.endswith(".py"):
        if not any(f'"""{name} - ' in line for line in lines[:2]):
            yield 1, f"has the docstring '{name} - ...'"
    elif path.endswith(".sh"):
        if len(lines) < 2 or not lines[1].startswith(f"# {name} - "):
            yield 2, f"has the second line '# {name} - ...'"
    elif path.endswith(CMAKE) and not lines[0].startswith("# "):
        yield 1, "begins with a comment that says what it is for"
    if path.endswith(CODE + (".py",)) and LICENCE not in "\n".join(lines[:8]):
        yield 1, "names the licence in its header"


def name_rule(path):
    """The pattern for the file's name without suffix, and its description."""
    stem = os.path.basename(path).split(".")[0]
    top = path.split("/")[0]
    if path.startswith("runtime/include/"):
        return stem, SNAKE, "snake_case"
    if path.endswith(CODE) and top in ("compiler", "dialects", "runtime"):
        return stem, CAMEL, "CamelCase"
    if top == "docs" or path.endswith(SCRIPTS + (".mlir", ".test")):
        return stem, KEBAB, "kebab-case"
    if path.endswith(CODE):
        either = re.compile(f"{CAMEL.pattern}|{KEBAB.pattern}")
        return stem, either, "CamelCase or kebab-case"
    return None


def check_name(path, _lines):
    rule = name_rule(path)
    if rule and rule[0] != "README" and not rule[1].match(rule[0]):
        yield 1, f"file name is not {rule[2]}"
    folders = path.split("/")[:-1]
    pattern = KEBAB if folders[:1] in (["test"], ["tools"], ["docs"]) else SNAKE
    for folder in folders:
        if folder != ".ci" and not pattern.match(folder):
            yield 1, f"folder name {folder} is not lower case"


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield number, "has a tab"
        if line != line.rstrip():
            yield number, "ends in a space"
        if UNFINISHED.search(line):
            yield number, "says that it is unfinished"
        if path.endswith(CODE + SCRIPTS) and len(line) > 80:
            if "://" not in line:
                yield number, f"has {len(line)} columns, more than 80"
    if lines[-1] != "" or (len(lines) > 1 and lines[-2] == ""):
        yield len(lines), "ends in exactly one line end"


def check_length(path, lines):
    limit = 400 if path.endswith((".mlir", ".test")) else 600
    if path.endswith((".def", ".md", ".json")):
        return
    if len(lines) - 1 > limit:
        yield limit, f"has {len(lines) - 1} lines, more than {limit}"


def check_functions(path, lines):
    """Functions are recognised by the formatter's layout: at column 0 their
    first line, which is not that of a type or a namespace, and a brace."""
    if not path.endswith((".cpp", ".c", ".h")) or path.startswith("test/"):
        return
    limit = 120 if path.startswith("compiler/codegen/") else 60
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "}" and begin:
            length = number - begin + 1
            excused = lines[begin - 2].startswith("// Long: ")
            if length > limit and not excused:
                yield begin, f"function has {length} lines, more than {limit}"
            begin = None
        elif re.match(r"[A-Za-z_].*\)( const| override| noexcept)* \{$", line):
            begin = number
        elif re.match(r"[ )].*\)( const| override| noexcept)* \{$", line):
            # The last line of parameters: is the first one at column 0?
            first = number - 1
            while first > 1 and re.match(r" {4,}\S", lines[first - 1]):
                first -= 1
            if begin is None and re.match(r"[A-Za-z_].*\(", lines[first - 1]):
                begin = first


def check_guard(path, lines):
    if not path.endswith(".h"):
        return
    name = path.removeprefix("runtime/include/modelc/")
    guard = "MODELC_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
    code = [line for line in lines if line.startswith("#")]
    if code[:2] != [f"#ifndef {guard}", f"#define {guard}"]:
        yield 1, f"include guard is not {guard}"
    elif code[-1] != f"#endif // {guard}":
        yield len(lines), f"does not end in '#endif // {guard}'"


def check_executable(root, path):
    if path.endswith(".sh") or path == ".ci/run":
        if not os.access(os.path.join(root, path), os.X_OK):
            yield 1, "is not executable"


def check(root):
    rules = (
        check_header, check_name, check_lines, check_length, check_functions,
        check_guard,
    )
    for path in sourcetree.files(root, TEXT + ("run",)):
        lines = sourcetree.lines(root, path)
        for rule in rules:
            for number, message in rule(path, lines):
                yield path, number, message
        for number, message in check_executable(root, path):
            yield path, number, message


if __name__ == "__main__":
    sys.exit(sourcetree.run(check))
