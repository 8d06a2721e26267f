"""turns.py - lets programs run in turns of a fraction of a second.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Used by benchmark.py.

    seconds: 0    0.4   0.8   1.2   1.6  ...  until all have ended
             a    b     c     a     b         the others are stopped (SIGSTOP)

What a machine gives can change from second to second; programs that run in
turns all get the same of it. A program's own clock does not stop with it, so
a sample of its with a turn of others inside looks long: uninterrupted() drops
those.
"""

import os
import signal
import statistics
import subprocess
import tempfile
import time

# A sample this many medians long had others' turns in it.
INTERRUPTED = 3


class Program:
    """A process group of its own, stopped until it is let run."""

    def __init__(self, command):
        self.out = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.err = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.err, start_new_session=True)

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def run(self, seconds):
        """One turn; whether it goes on after it."""
        self.signal(signal.SIGCONT)
        try:
            self.process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGSTOP)
            return True

    def result(self):
        """What it has printed, as subprocess.run gives it."""
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read())
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, *texts)

    def end(self):
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()
        self.out.close()
        self.err.close()


def run_in_turns(commands, turn, timeout):
    """Runs {name: command} in turns of `turn` seconds; {name:
    CompletedProcess}. Raises OSError for what cannot be started, and
    TimeoutError after `timeout` seconds."""
    programs, begin = {}, time.monotonic()
    try:
        for name, command in commands.items():
            programs[name] = Program(command)
            programs[name].signal(signal.SIGSTOP)
        running = list(programs)
        while running:
            if time.monotonic() - begin > timeout:
                raise TimeoutError(f"not done in {timeout} s")
            running = [name for name in running if programs[name].run(turn)]
        return {name: program.result() for name, program in programs.items()}
    finally:
        for program in programs.values():
            program.end()


def uninterrupted(samples):
    """Which of a program's samples, times in the order they were taken, had
    no turn of others in them: their indices."""
    limit = INTERRUPTED * statistics.median(samples)
    return [at for at, sample in enumerate(samples) if sample < limit]
