#!/usr/bin/env python3
"""count-tests.py - sums up the JUnit files that ctest writes.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    count-tests.py RESULTS.xml...

Names every skipped and failed test, then prints the last line
`N passed, N failed, N skipped`. Exit status 1 if a test failed, if a file is
missing, or if nothing passed: an empty run is not a good one.
"""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    """'passed', 'skipped' or 'failed' for one <testcase> of ctest."""
    if case.get("status") == "run":
        return "passed"
    if case.get("status") == "disabled":
        return "skipped"
    # A test that could not be started is "notrun" too, but was not skipped
    # by its own word.
    skipped = case.find("skipped")
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "failed"


def main(paths):
    tests = {"passed": [], "failed": [], "skipped": []}
    for path in paths:
        try:
            root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError) as error:
            print(f"{path}: {error}")
            tests["failed"].append(path)
            continue
        for case in root.iter("testcase"):
            tests[outcome(case)].append(case.get("name"))
    print()
    for name in tests["skipped"]:
        print(f"skipped: {name}")
    for name in tests["failed"]:
        print(f"FAILED:  {name}")
    print(", ".join(f"{len(tests[key])} {key}" for key in tests))
    return 1 if tests["failed"] or not tests["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
