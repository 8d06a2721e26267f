#!/usr/bin/env python3
"""atomic-test.py - a compile that fails leaves nothing behind.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import os
import resource
import signal
import subprocess
import sys
import time

import support
from support import Skip, require

MIB = 1 << 20


def command(tools, out):
    return [tools.path("modelc"), "compile", tools.demo,
            "--target=x86-64-v3", "-o", out, "--quiet", "--threads=1"]


def check_refused(done, folder, message):
    """One line of error, and an empty folder."""
    print(done.stderr)
    require(done.returncode == 1, f"exit status {done.returncode}")
    lines = done.stderr.splitlines()
    require(len(lines) == 1 and lines[0].startswith("error: ")
            and message in lines[0], done.stderr)
    require(os.listdir(folder) == [], f"left behind: {os.listdir(folder)}")


def test_full_disk(tools):
    """A disk of 1 MiB, in a mount namespace of its own. The folder is listed
    inside, where the disk is."""
    os.mkdir("disk")
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m",
             "tmpfs", "disk"]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise Skip("no right to mount a file system")
    script = 'mount -t tmpfs -o size=1m tmpfs disk && { "$@"; code=$?; }; ' \
             'ls -A disk; exit "$code"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh",
         *command(tools, "disk/out.mplan")],
        capture_output=True, encoding="utf-8", check=False)
    check_refused(done, "disk", "No space left on device")
    require(done.stdout == "", f"left on the disk: {done.stdout}")


def test_file_size_limit(tools):
    """A limit is met in the same places as a full disk."""
    os.mkdir("folder")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = subprocess.run(
        command(tools, "folder/out.mplan"), preexec_fn=limit,
        restore_signals=False, capture_output=True, encoding="utf-8",
        check=False)
    check_refused(done, "folder", "File too large")


def is_writing(pid, folder):
    """Whether the process has a file open in `folder`."""
    try:
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith(folder + "/"):
                return True
    except FileNotFoundError:
        pass
    return False


def has_unnamed_files(folder):
    """Whether the file system knows O_TMPFILE."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        return False
    return True


def test_killed(tools):
    """SIGKILL while the output is open, early and late. Nothing is left; where
    the file system has no files without names, nothing with the plan's."""
    os.mkdir("folder")
    folder = os.path.abspath("folder")
    unnamed = has_unnamed_files(folder)
    killed = 0
    for delay in (0, 0.01, 0.05, 0.1, 0.2, 0.4):
        process = subprocess.Popen(command(tools, "folder/out.mplan"))
        while not is_writing(process.pid, folder) and process.poll() is None:
            time.sleep(0.0005)
        time.sleep(delay)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            killed += 1
            left = os.listdir(folder)
            require("out.mplan" not in left and not (unnamed and left),
                    f"left behind: {left}")
        else:
            os.remove("folder/out.mplan")
    require(killed > 0, "no process lived long enough to be killed")


def test_old_plan_survives(tools):
    """What was there before a failed compile is there afterwards."""
    support.write("old.mplan", b"old")
    support.write("bad.gguf", b"GGUF but not really")
    tools.fail("modelc", "compile", "bad.gguf", "--target=x86-64-v3", "-o",
               "old.mplan")
    tools.fail("modelc", "compile", tools.demo, "--target=x86-64-v3", "-o",
               "old.mplan", "--report=nowhere/report.json")
    require(support.read("old.mplan") == b"old", "the old file changed")
    require(sorted(os.listdir(".")) == ["bad.gguf", "old.mplan"],
            f"left behind: {os.listdir('.')}")


def test_replaces_old_plan(tools):
    """A compile that succeeds replaces what was there, in one step: who has
    the old plan open keeps it."""
    support.write("out.mplan", b"old")
    with open("out.mplan", "rb") as old:
        tools.compile(tools.demo, "x86-64-v3", "out.mplan")
        require(old.read() == b"old", "the old file was written to")
    require(support.read("out.mplan") == support.read(
        os.path.join(tools.plans, "demo-x86-64-v3.mplan")),
        "the new plan is not there")
    require(os.listdir(".") == ["out.mplan"], "something else is there")


if __name__ == "__main__":
    sys.exit(support.main(globals()))
