#!/usr/bin/env python3
"""install-test.py - installs modelc and builds a project that uses it.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    install-test.py --build=DIR --cmake=.. --cc=.. --flags=.. PART...

PART... are the files of one model. Checks that
- the project configures where CMake may find no LLVM, MLIR, LLD or Abseil;
- its program, plain C, gives the logits that modelc-run gives;
- a second build does nothing; touching a source of the project does not
  compile the model again; touching any part of the model does.
Exit status 77, skipped, if a part is not there.
"""

import argparse
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UNWANTED = ("LLVM", "MLIR", "LLD", "absl")


def run(*command):
    """Runs a command, shows and returns what it says; it must succeed."""
    print("$", *command, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    if done.returncode:
        sys.exit(f"exit status {done.returncode}")
    return done.stdout


def require(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def touch(path):
    """Makes a file newer than what was built, also where the file system
    keeps time in coarse steps."""
    time.sleep(0.05)
    os.utime(path)


class Project:
    """The consumer, in a folder of its own beside a copy of the model."""

    def __init__(self, options, work):
        self.options = options
        self.prefix = os.path.join(work, "prefix")
        self.source = os.path.join(work, "source")
        self.build = os.path.join(work, "build")
        shutil.copytree(os.path.join(HERE, "consumer"), self.source)
        self.parts = [
            shutil.copy(part, self.source) for part in options.parts
        ]
        run(options.cmake, "--install", options.build, "--prefix", self.prefix)

    def configure(self):
        options = self.options
        # A sanitized library needs a sanitized program.
        flags = options.flags if options.flags != "-fsanitize=" else ""
        run(options.cmake, "-S", self.source, "-B", self.build, "-G", "Ninja",
            f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DMODEL={self.parts[0]}",
            f"-DCMAKE_C_COMPILER={options.cc}",
            f"-DCMAKE_C_FLAGS={flags} -Wall -Wextra -Werror",
            *[f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in UNWANTED])
        with open(os.path.join(self.build, "plan-path.txt"),
                  encoding="utf-8") as file:
            self.plan = file.read()

    def make(self):
        """Builds; whether the model was compiled, and what was said."""
        before = os.stat(self.plan).st_ino if os.path.exists(self.plan) else 0
        said = run(self.options.cmake, "--build", self.build, "-v")
        return os.stat(self.plan).st_ino != before, said

    def check_logits(self):
        said = run(os.path.join(self.build, "consumer"), self.plan)
        best, value = said.split()
        file = os.path.join(self.build, "logits.f32")
        run(os.path.join(self.prefix, "bin", "modelc-run"), self.plan,
            "--tokens=1", f"--logits-out={file}")
        with open(file, "rb") as raw:
            data = raw.read()
        logits = struct.unpack(f"<{len(data) // 4}f", data)
        require(len(logits) > 0, "modelc-run wrote no logits")
        expected = max(range(len(logits)), key=logits.__getitem__)
        require(int(best) == expected and
                struct.pack("<f", float(value)) ==
                struct.pack("<f", logits[expected]),
                f"consumer says {said.strip()}, modelc-run "
                f"{expected} {logits[expected]:.9g}")

    def check_rebuilds(self):
        compiled, said = self.make()
        require(not compiled and "no work to do" in said,
                "a second build does something")
        touch(os.path.join(self.source, "consumer.c"))
        compiled, said = self.make()
        require("consumer.c" in said, "a touched source is not built")
        require(not compiled, "a touched source compiles the model again")
        for part in self.parts:
            touch(part)
            compiled, _ = self.make()
            require(compiled, f"touching {part} does not compile the model")
            compiled, _ = self.make()
            require(not compiled, f"{part} stays newer than the plan")


def main():
    parser = argparse.ArgumentParser()
    for name in ("build", "cmake", "cc", "flags"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("parts", nargs="+")
    options = parser.parse_args()
    for part in options.parts:
        if not os.path.exists(part):
            print(f"skipped: {part} is not there")
            return 77
    with tempfile.TemporaryDirectory(prefix="modelc-install-") as work:
        project = Project(options, work)
        project.configure()
        compiled, _ = project.make()
        require(compiled, "the first build makes no plan")
        project.check_logits()
        project.check_rebuilds()
    print("passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
