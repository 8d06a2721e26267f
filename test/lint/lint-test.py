#!/usr/bin/env python3
"""lint-test.py - each check finds what it is there to find.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Each case writes a small tree and runs a script on it as ctest does. A good
tree gives nothing; each bad one the one message that it was made for.
"""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LICENCE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"


def source(name, text):
    return f"//===- {name} - A test\n//\n// {LICENCE}\n\n{text}"


def header(guard, text=""):
    return source(
        guard[1], f"#ifndef {guard[0]}\n#define {guard[0]}\n{text}\n"
        f"#endif // {guard[0]}\n",
    )


def write_tree(root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


class LintTest(unittest.TestCase):
    script = ""

    def findings(self, tree, executable=()):
        with tempfile.TemporaryDirectory() as root:
            write_tree(root, tree)
            for path in executable:
                os.chmod(os.path.join(root, path), 0o755)
            done = subprocess.run(
                [sys.executable, os.path.join(HERE, self.script), root],
                stdout=subprocess.PIPE, text=True, check=False,
            )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[-1], f"{len(lines) - 1} findings")
        self.assertEqual(done.returncode, 1 if len(lines) > 1 else 0)
        return lines[:-1]

    def expect(self, tree, *messages):
        found = self.findings(tree)
        self.assertEqual(len(found), len(messages), found)
        for line, message in zip(found, messages):
            self.assertIn(message, line)


class IncludesTest(LintTest):
    script = "check-includes.py"

    def include(self, path, name, *messages):
        self.expect({path: f'#include "{name}"\n'}, *messages)

    def test_downstream_is_allowed(self):
        for path, name in (
            ("compiler/layout/A.cpp", "compiler/import/B.h"),
            ("compiler/import/gguf/A.cpp", "compiler/support/B.h"),
            ("compiler/driver/A.cpp", "compiler/emit/B.h"),
            ("compiler/fuse/A.cpp", "dialects/plan/PlanOps.h.inc"),
            ("dialects/pack/A.cpp", "dialects/model/B.h"),
            ("runtime/exec/A.cpp", "runtime/load/B.h"),
            ("runtime/load/A.cpp", "sys/mman.h"),
            ("compiler/emit/A.cpp", "llvm/ADT/StringRef.h"),
            ("tools/modelc/A.cpp", "compiler/driver/B.h"),
            ("test/e2e/A.cpp", "compiler/import/B.h"),
        ):
            self.include(path, name)

    def test_upstream_verb(self):
        self.include("compiler/fuse/A.cpp", "compiler/layout/B.h",
                     "compiler/fuse must not include compiler/layout/B.h")

    def test_import_sees_no_driver(self):
        self.include("compiler/import/A.h", "compiler/driver/B.h",
                     "must not include compiler/driver/B.h")

    def test_target_stands_on_its_own(self):
        self.include("compiler/target/A.h", "compiler/import/B.h",
                     "must not include compiler/import/B.h")

    def test_upstream_dialect(self):
        self.include("dialects/model/A.td", "dialects/pack/B.td",
                     "dialects/model must not include dialects/pack/B.td")

    def test_runtime_sees_no_compiler(self):
        self.include("runtime/load/A.cpp", "dialects/plan/B.h",
                     "runtime/load must not include dialects/plan/B.h")

    def test_runtime_sees_no_package(self):
        self.include("runtime/text/A.cpp", "absl/status/status.h",
                     "includes a package: absl/status/status.h")

    def test_load_sees_no_exec(self):
        self.include("runtime/load/A.cpp", "runtime/exec/B.h",
                     "must not include runtime/exec/B.h")

    def test_only_what_opens_a_plan_looks_from_load_to_device(self):
        self.include("runtime/load/Plan.cpp", "runtime/device/B.h")
        self.include("runtime/load/A.cpp", "runtime/device/B.h",
                     "must not include runtime/device/B.h")
        self.include("runtime/load/Plan.cpp", "runtime/exec/B.h",
                     "must not include runtime/exec/B.h")

    def test_runtime_tool_sees_no_compiler(self):
        self.include("tools/modelc-run/A.cpp", "compiler/driver/B.h",
                     "must not include compiler/driver/B.h")

    def test_nobody_sees_tests(self):
        self.include("compiler/emit/A.cpp", "test/reference/B.h",
                     "must not include test/reference/B.h")

    def test_relative_names_are_resolved(self):
        self.expect({
            "compiler/fuse/A.cpp": '#include "../layout/B.h"\n',
            "compiler/layout/B.h": "",
        }, "must not include compiler/layout/B.h")

    def test_new_folders_need_a_place(self):
        self.expect({"compiler/magic/A.h": ""}, "has no place in the order")


class StyleTest(LintTest):
    script = "check-style.py"

    def test_good_tree(self):
        self.expect({
            "runtime/include/modelc/a_b.h": header(("MODELC_A_B_H", "a_b.h")),
            "compiler/fuse/A.h": header(("MODELC_COMPILER_FUSE_A_H", "A.h")),
            "test/fuse/some-pass.mlir": "// RUN: true\n",
            "docs/plan-format.md": "# Format\n",
            "CMakeLists.txt": "# Builds.\n",
        })

    def test_header(self):
        self.expect({"runtime/load/A.cpp": "int a;\n"},
                    "begins with", "names the licence")
        self.expect({"tools/dev/a.py": "import os\n"},
                    "has the docstring", "names the licence")
        self.expect({"CMakeLists.txt": "project(x)\n"}, "begins with a comment")

    def test_names(self):
        self.expect({"runtime/load/a_b.cpp": source("a_b.cpp", "int a;\n")},
                    "is not CamelCase")
        self.expect({"runtime/include/modelc/Ab.h":
                     header(("MODELC_AB_H", "Ab.h"))}, "is not snake_case")
        self.expect({"test/fuse/some_pass.mlir": "\n"}, "is not kebab-case",
                    "exactly one line end")
        self.expect({"runtime/Load/A.cpp": source("A.cpp", "int a;\n")},
                    "folder name Load")

    def test_lines(self):
        for text, message in (
            ("\tint a;\n", "has a tab"),
            ("int a; \n", "ends in a space"),
            ("// TO" "DO: more\n", "says that it is unfinished"),
            ("//" + "x" * 79 + "\n", "has 81 columns"),
            ("int a;\n\n", "exactly one line end"),
        ):
            self.expect({"runtime/load/A.cpp": source("A.cpp", text)}, message)
        self.expect({"runtime/load/A.cpp":
                     source("A.cpp", "// https://" + "x" * 80 + "\n")})

    def test_length(self):
        self.expect({"runtime/load/A.cpp": source("A.cpp", "int a;\n" * 597)},
                    "has 601 lines")
        self.expect({"test/fuse/a.mlir": "// x\n" * 401}, "has 401 lines")

    def test_functions(self):
        body = "  a();\n" * 59 + "}\n"
        for first in ("void f() {\n", "void f(int a,\n       int b) {\n"):
            tree = {"runtime/load/A.cpp": source("A.cpp", first + body)}
            self.expect(tree, "lines, more than 60")
        excused = "// Long: one switch.\nvoid f() {\n" + body
        self.expect({"runtime/load/A.cpp": source("A.cpp", excused)})
        self.expect({"compiler/codegen/A.cpp":
                     source("A.cpp", "void f() {\n" + body)})

    def test_guard(self):
        self.expect({"runtime/load/A.h": header(("MODELC_A_H", "A.h"))},
                    "include guard is not MODELC_RUNTIME_LOAD_A_H")

    def test_executable(self):
        tree = {"tools/dev/a.sh": "#!/bin/bash\n# a.sh - Runs.\n"}
        self.expect(tree, "is not executable")
        self.assertEqual(self.findings(tree, executable=tree), [])


class DocsTest(LintTest):
    script = "check-docs.py"

    def page(self, text, *messages, row="| `MODELC_OK` | 0 | Fine. |"):
        self.expect({
            "runtime/include/modelc/modelc.h":
                "typedef enum modelc_code {\n  MODELC_OK = 0\n} modelc_code;\n",
            "docs/errors.md": row + "\n",
            "docs/tour.md": text,
        }, *messages)

    def test_links(self):
        self.page("[x](errors.md#a) [y](https://example.org) [z](#here)\n")
        self.page("[x](gone.md)\n", "link to nothing: gone.md")

    def test_paths(self):
        self.page("`runtime/include/modelc/modelc.h` `runtime/load/*.h`\n")
        self.page("`runtime/gone.h`\n", "names what is not there")

    def test_codes(self):
        self.page("", "MODELC_OK: the page has None", row="none")
        self.page("", "MODELC_OK: the page has 1",
                  row="| `MODELC_OK` | 1 | Fine. |")


    def families(self, *messages, witness=", Witness::logits", cell="4e-08",
                 file="a.f16", name="a"):
        self.expect({
            "runtime/include/modelc/modelc.h":
                "typedef enum modelc_code {\n  MODELC_OK = 0\n} modelc_code;\n",
            "docs/errors.md": "| `MODELC_OK` | 0 | Fine. |\n",
            "compiler/import/arch/Families.cpp":
                f'{{"a", importA{witness}}},\n{{"b", importB}}\n',
            "docs/families.md":
                f"| `{name}` | A | x |\n| `b` | B | x |\n## Agreement\n"
                f"| `a` | 1e-9 | {cell} |\n| `b` | 1e-9 | unverified |\n",
            "test/e2e/witness/" + file: "x",
        }, *messages)

    def test_families(self):
        self.families()
        self.families("has its logits", "its row of agreement says",
                      witness="")
        self.families("has no logits", file="c.f16")
        self.families("its row of agreement says", "0 models with a witness",
                      cell="unverified")
        self.families("a is not there and in", "c is not there and in",
                      name="c")


class CountTest(unittest.TestCase):
    """tools/dev/count-tests.py: the last line and exit status of test.sh."""

    def count(self, *cases):
        script = os.path.join(HERE, "../../tools/dev/count-tests.py")
        with tempfile.TemporaryDirectory() as root:
            path = os.path.join(root, "results.xml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"<testsuite>{''.join(cases)}</testsuite>")
            done = subprocess.run([sys.executable, script, path], check=False,
                                  stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines()[-1]

    PASSED = '<testcase name="a" status="run"/>'
    FAILED = '<testcase name="b" status="fail"><failure message=""/></testcase>'
    SKIPPED = ('<testcase name="c" status="notrun">'
               '<skipped message="SKIP_RETURN_CODE=77"/></testcase>')
    LOST = ('<testcase name="d" status="notrun">'
            '<skipped message="Unable to find executable"/></testcase>')

    def test_sums(self):
        self.assertEqual(self.count(self.PASSED, self.SKIPPED),
                         (0, "1 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.count(self.PASSED, self.FAILED),
                         (1, "1 passed, 1 failed, 0 skipped"))

    def test_lost_programs_are_failures(self):
        self.assertEqual(self.count(self.PASSED, self.LOST),
                         (1, "1 passed, 1 failed, 0 skipped"))

    def test_an_empty_run_is_a_failure(self):
        self.assertEqual(self.count(), (1, "0 passed, 0 failed, 0 skipped"))
        self.assertEqual(self.count(self.SKIPPED)[0], 1)


if __name__ == "__main__":
    unittest.main()
