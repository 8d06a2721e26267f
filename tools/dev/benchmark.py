#!/usr/bin/env python3
"""benchmark.py - models beside peers, in alternation, in one run.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    benchmark.py --model=LABEL=IN.gguf... [--peer=NAME=PROGRAM...]
                 [-p 512] [-n 64] [-t 2] [-r 3] [--target=native]
                 [--modelc=build/bin] [--context=4096] [--work=DIR]
                 [--batch=2,4,8] [--batched-peer=NAME=PROGRAM...]
                 [--turns=0.4] [--json=OUT] [--markdown=OUT]
                 [--max-load=0.5] [--force]

Compiles each model once. Then r rounds; in each, modelc-bench and every peer
run one after the other, another one first in each round:

    round 1: modelc, a, b    round 2: a, b, modelc    round 3: b, modelc, a

A peer's PROGRAM takes llama-bench's options, `-m FILE -p N -n N -t T -r 1
-o json`, and prints its JSON. One that fails on a model is reported with its
last words and not run again on that model. A peer's batched bench is a program
of its own, which takes llama-batched-bench's options. docs/benchmarks.md says
what the numbers mean.

With --turns all programs decode at once, in turns of so many seconds, while
the others are stopped.

Exit status: 0; 1 if modelc itself failed on a model, or the machine is busy
and there is no --force; 2 for wrong usage. What is measured so far is written
after each model.
"""

import argparse
import datetime
import json
import mmap
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import benchmarkreport
import gguftensors
import turns

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
OURS = "modelc"
COPIES = 3
# CPUs that others may use while a program runs before a warning is printed,
# and the seconds below which the kernel's ticks are too coarse to tell.
MAX_OTHERS = 0.1
MIN_SECONDS = 1.0
# In turns: tokens of a sample, and turns that each program has for samples.
TURN_TOKENS = 4
TURNS = 15


class Failed(Exception):
    """A program did not do what it was run for; the message says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def busy_seconds():
    """CPU time spent on this machine since it booted, stolen time too."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    user, nice, system, _idle, _wait, irq, softirq, steal = ticks[:8]
    return (user + nice + system + irq + softirq + steal) / os.sysconf(
        "SC_CLK_TCK")


def own_seconds():
    """CPU time of this process and of its children that have ended."""
    usages = [resource.getrusage(who)
              for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    return found[1] if found else platform.machine()


def last_words(done):
    """Why a program failed: the last line of its stderr, or its status."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if lines:
        return lines[-1][:160]
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    return f"exit status {done.returncode}"


def parse_json(text):
    try:
        return json.loads(text)
    except ValueError:
        raise Failed(f"no JSON but {text.strip()[:60]!r}") from None


class Runner:
    """Runs programs; remembers how much CPU others used meanwhile."""

    def __init__(self, timeout):
        self.timeout = timeout
        self.others = 0.0

    def run(self, command):
        """The program's stdout and the seconds it took."""
        done, seconds = self.run_both(command)
        return done.stdout, seconds

    def run_both(self, command):
        """The same, with all that it has printed."""
        begin, busy, own = time.monotonic(), busy_seconds(), own_seconds()
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace",
                stdin=subprocess.DEVNULL, timeout=self.timeout, check=False)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done in {self.timeout} s") from None
        except OSError as error:
            raise Failed(str(error)) from None
        seconds = time.monotonic() - begin
        if done.returncode != 0:
            raise Failed(last_words(done))
        self.note_others(seconds, busy, own)
        return done, seconds

    def note_others(self, seconds, busy, own):
        """After `seconds` from when busy_seconds() and own_seconds() gave
        `busy` and `own`."""
        if seconds >= MIN_SECONDS:
            others = (busy_seconds() - busy) - (own_seconds() - own)
            self.others = max(self.others, others / seconds)

    def run_in_turns(self, commands, turn):
        """What each of {name: command} has printed and how it ended."""
        begin, busy, own = time.monotonic(), busy_seconds(), own_seconds()
        try:
            done = turns.run_in_turns(commands, turn, self.timeout)
        except (OSError, TimeoutError) as error:
            raise Failed(str(error)) from None
        self.note_others(time.monotonic() - begin, busy, own)
        return done

    def run_json(self, command):
        return parse_json(self.run(command)[0])


class Ours:
    """modelc-bench on the plan."""

    def __init__(self, runner, options):
        self.runner = runner
        self.options = options
        self.plan = None
        self.token_bytes = 0

    def versions(self):
        programs = [os.path.join(self.options.modelc, name)
                    for name in ("modelc", "modelc-bench")]
        return ", ".join(self.runner.run([program, "--version"])[0].strip()
                         for program in programs)

    def command(self, prompt, decode, *more, repetitions=1):
        return [os.path.join(self.options.modelc, "modelc-bench"), self.plan,
                "-p", str(prompt), "-n", str(decode), *more,
                "-t", str(self.options.threads), "-r", str(repetitions),
                "--json"]

    def bench(self, prompt, decode, *more):
        return self.runner.run_json(self.command(prompt, decode, *more))

    def turns_command(self, repetitions):
        return self.command(1, TURN_TOKENS, "--reads",
                            repetitions=repetitions)

    def turns_values(self, text):
        """Of decode in turns; each sample has a ceiling of its own."""
        samples = parse_json(text)["decode_samples"]
        kept = turns.uninterrupted(
            [1 / sample["tokens_per_s"] for sample in samples])
        reads = turns.uninterrupted(
            [1 / sample["read_gb_per_s"] for sample in samples])
        speed = statistics.median(
            samples[at]["tokens_per_s"] for at in kept)
        return {"decode": speed, "warm_token_ms": 1e3 / speed,
                "read_gb_per_s": statistics.median(
                    samples[at]["read_gb_per_s"] for at in reads),
                "decode_share": statistics.median(
                    self.token_bytes * samples[at]["tokens_per_s"] / 1e9
                    / samples[at]["read_gb_per_s"]
                    for at in set(kept) & set(reads))}

    def measure(self, mode):
        """Two runs: each measures the ceilings right after its phase."""
        if mode == "context":
            context = self.options.context
            prefill = self.bench(context, 0)
            decode = self.bench(1, self.options.decode, "-d", str(context))
            return {"context_prefill": prefill["prefill_tokens_per_s"],
                    "context_decode": decode["decode_tokens_per_s"]}
        if mode == "batch":
            sizes = ",".join(map(str, self.options.batch))
            found = self.bench(1, self.options.decode, "-b", sizes)
            return batch_values(
                (batch["sequences"], batch["tokens_per_s"],
                 batch["step_ratio"]) for batch in found["batches"])
        prefill = self.bench(self.options.prompt, 0)
        decode = self.bench(1, self.options.decode)
        speed, ceiling = decode["decode_tokens_per_s"], decode["read_gb_per_s"]
        values = {
            "prefill": prefill["prefill_tokens_per_s"],
            "decode": speed,
            "int8_gops": prefill["int8_gops"],
            "f32_gops": prefill["f32_gops"],
            "prefill_share": prefill["prefill_share"],
            "read_gb_per_s": ceiling,
            "decode_share": ceiling and self.token_bytes * speed / 1e9
            / ceiling,
            "fixed_us": decode["fixed_us"],
            "fixed_share": decode["fixed_share"],
            "open_ms": decode["open_ms"],
            "first_logits_ms": decode["first_logits_ms"],
            "warm_token_ms": 1e3 / speed,
            "touch_ms": touch_ms(self.plan),
        }
        return {key: value for key, value in values.items()
                if value is not None}


def batch_values(batches):
    """Of (sequences, tokens/s of all, time of a step by that of one)."""
    values = {}
    for sequences, speed, ratio in batches:
        values[f"batch_{sequences}"] = speed
        values[f"step_{sequences}"] = ratio
    return values


class Peer:
    """A program with llama-bench's options, and perhaps another with
    llama-batched-bench's."""

    def __init__(self, runner, options, program, batched):
        self.runner = runner
        self.options = options
        self.program = program
        self.batched = batched
        self.model = None
        self.version = "unknown version"

    def command(self, *arguments, repetitions=1):
        return [self.program, "-m", self.model, *arguments,
                "-t", str(self.options.threads), "-r", str(repetitions),
                "-o", "json"]

    def turns_command(self, repetitions):
        return self.command("-p", "0", "-n", str(TURN_TOKENS),
                            repetitions=repetitions)

    def turns_values(self, text):
        samples = next(record["samples_ns"] for record in parse_json(text)
                       if record["n_gen"] == TURN_TOKENS)
        kept = turns.uninterrupted(samples)
        return {"decode": TURN_TOKENS * 1e9 / statistics.median(
            samples[at] for at in kept)}

    def records(self, *arguments):
        found = self.runner.run_json(self.command(*arguments))
        if found and "build_commit" in found[0]:
            self.version = (f"commit {found[0]['build_commit']}, "
                            f"build {found[0].get('build_number')}")
        return found

    @staticmethod
    def speed(records, prompt, decode):
        for record in records:
            if (record["n_prompt"], record["n_gen"]) == (prompt, decode):
                return record["avg_ts"]
        raise Failed(f"no result for {prompt} and {decode} tokens")

    def measure(self, mode):
        prompt, decode = self.options.prompt, self.options.decode
        if mode == "context":
            return self.measure_context(decode, self.options.context)
        if mode == "batch":
            return self.measure_batches(decode) if self.batched else {}
        records = self.records("-p", str(prompt), "-n", str(decode))
        return {"prefill": self.speed(records, prompt, 0),
                "decode": self.speed(records, 0, decode)}

    def measure_batches(self, decode):
        """Sequences of one token, then `decode` more of each; one of JSON's
        lines a number of sequences, beside other lines."""
        sizes = sorted({1, *self.options.batch})
        done, _ = self.runner.run_both(
            [self.batched, "-m", self.model, "-npp", "1", "-ntg", str(decode),
             "-npl", ",".join(map(str, sizes)),
             "-c", str(sizes[-1] * (decode + 1)),
             "-t", str(self.options.threads), "--output-format", "jsonl"])
        speeds = {}
        for line in (done.stdout + done.stderr).splitlines():
            if line.startswith("{"):
                record = json.loads(line)
                speeds[record["pl"]] = record["speed_tg"]
        if not speeds.keys() >= set(sizes):
            raise Failed(f"no result for each of {sizes} sequences")
        return batch_values((size, speeds[size],
                             size * speeds[1] / speeds[size])
                            for size in self.options.batch)

    def measure_context(self, decode, context):
        """Forks of llama-bench differ in how a depth is asked for."""
        usage, _ = self.runner.run([self.program, "--help"])
        records = self.records("-p", str(context), "-n", "0")
        values = {"context_prefill": self.speed(records, context, 0)}
        if "--n-depth" in usage:
            records = self.records("-p", "0", "-n", str(decode),
                                   "-d", str(context))
            values["context_decode"] = self.speed(records, 0, decode)
        elif re.search(r"^\s*-gp\b", usage, re.M):
            records = self.records("-p", "0", "-n", "0",
                                   "-gp", f"{context},{decode}")
            values["context_decode"] = self.speed(records, context, decode)
        return values


def touch_ms(path):
    """What a plain program needs to touch each page of a mapping once."""
    begin = time.monotonic()
    with open(path, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapping:
            _ = mapping[::mmap.PAGESIZE]
            return (time.monotonic() - begin) * 1e3


def warm(path):
    """Reads a file, so that it is cached."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def compile_model(runner, options, model, plan):
    """Compiles once; the seconds it took, and those of copying the source."""
    warm(model)
    _, seconds = runner.run(
        [os.path.join(options.modelc, "modelc"), "compile", model,
         f"--target={options.target}", "--quiet", "-o", plan])
    copies, copy = [], plan + ".copy"
    for _ in range(COPIES):
        copies.append(
            runner.run(["cp", "--reflink=never", model, copy])[1])
        os.remove(copy)
    return {"seconds": seconds, "copy_seconds": sorted(copies)[COPIES // 2],
            "source_bytes": os.path.getsize(model),
            "plan_bytes": os.path.getsize(plan)}


def decode_in_turns(runner, programs, turn, values, failures):
    """Replaces the programs' speeds of decode in `values`, which say how many
    samples each takes in its turns."""
    commands = {}
    for name, program in programs.items():
        samples = turn * TURNS * values[name]["decode"] / TURN_TOKENS
        commands[name] = program.turns_command(max(10, round(samples)))
    try:
        for name, done in runner.run_in_turns(commands, turn).items():
            try:
                if done.returncode != 0:
                    raise Failed(last_words(done))
                values[name].update(programs[name].turns_values(done.stdout))
            except Failed as error:
                failures[name] = {"mode": "turns", "reason": str(error)}
                say(f"  {name} failed (turns): {error}")
    except Failed as error:
        for name in programs:
            failures[name] = {"mode": "turns", "reason": str(error)}
        say(f"  decode in turns failed: {error}")


def run_round(runner, programs, modes, turn, failures, first):
    """One round; programs[first] begins."""
    names = list(programs)
    names = names[first:] + names[:first]
    values = {name: {} for name in programs}
    load = os.getloadavg()[0]
    runner.others = 0.0
    for mode in modes:
        for name in names:
            if name in failures and failures[name]["mode"] in ("short", mode):
                continue
            try:
                values[name].update(programs[name].measure(mode))
            except Failed as error:
                failures[name] = {"mode": mode, "reason": str(error)}
                say(f"  {name} failed ({mode}): {error}")
    if turn:
        decode_in_turns(runner, {name: programs[name] for name in names
                                 if "decode" in values[name]},
                        turn, values, failures)
    if runner.others > MAX_OTHERS:
        say(f"  WARNING: others used {runner.others:.2f} CPUs meanwhile")
    return {"load": load, "others_cpus": runner.others, "values": values}


def measure_model(runner, options, programs, label, path):
    """Everything about one model, as it stands in the JSON file."""
    plan = os.path.join(options.work, label + ".mplan")
    modes = ["short"] + (["context"] if options.context else []) + (
        ["batch"] if options.batch else [])
    result = {"label": label, "file": path, "failures": {}, "rounds": []}
    ours = programs[OURS]
    try:
        result["compile"] = compile_model(runner, options, path, plan)
        ours.token_bytes = gguftensors.token_bytes(path)
    except (Failed, OSError, ValueError) as error:
        result["failures"][OURS] = {"mode": "short", "reason": str(error)}
        say(f"  {OURS} failed: {error}")
    ours.plan = plan
    for peer in programs.values():
        peer.model = path
    for index in range(options.rounds):
        say(f"{label}: round {index + 1} of {options.rounds}, "
            f"load average {os.getloadavg()[0]:.2f}")
        result["rounds"].append(
            run_round(runner, programs, modes, options.turns,
                      result["failures"], index % len(programs)))
    if not options.keep and os.path.exists(plan):
        os.remove(plan)
    return result


def parse_named(parser, what, entries):
    """NAME=PATH... as a dictionary."""
    found = {}
    for entry in entries:
        name, equals, path = entry.partition("=")
        if not equals or not re.fullmatch(r"[\w.+-]+( [\w.+-]+)*", name):
            parser.error(f"--{what}: expected NAME=PATH, found {entry!r}")
        if name in found or name == OURS:
            parser.error(f"--{what}: the name {name} is taken")
        found[name] = path
    return found


def parse_sizes(parser, text):
    """N,... in ascending order."""
    words = text.split(",")
    if not all(re.fullmatch("[1-9][0-9]{0,3}", word) for word in words):
        parser.error(f"--batch: expected numbers of sequences, found {text!r}")
    return sorted(set(map(int, words)))


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", action="append", default=[],
                        metavar="LABEL=IN.gguf", required=True)
    parser.add_argument("--peer", action="append", default=[],
                        metavar="NAME=PROGRAM")
    parser.add_argument("-p", dest="prompt", type=int, default=512)
    parser.add_argument("-n", dest="decode", type=int, default=64)
    parser.add_argument("-t", dest="threads", type=int, default=2)
    parser.add_argument("-r", dest="rounds", type=int, default=3)
    parser.add_argument("--target", default="native")
    parser.add_argument("--modelc", default=os.path.join(ROOT, "build", "bin"),
                        metavar="BIN", help="folder of modelc's programs")
    parser.add_argument("--context", type=int, metavar="N",
                        help="also a prompt of N tokens, decoding after it")
    parser.add_argument("--batch", metavar="N,...",
                        help="also decode N sequences together")
    parser.add_argument("--batched-peer", action="append", default=[],
                        metavar="NAME=PROGRAM",
                        help="what measures the peer NAME for --batch")
    parser.add_argument("--turns", type=float, metavar="S", default=0,
                        help="decode in turns of so many seconds")
    parser.add_argument("--work", metavar="DIR",
                        help="folder for plans, which stay there; it should "
                             "be on the models' disk")
    parser.add_argument("--timeout", type=float, default=1800, metavar="S",
                        help="seconds that one program may run")
    parser.add_argument("--max-load", type=float, default=0.5)
    parser.add_argument("--force", action="store_true",
                        help="measure on a busy machine, too")
    parser.add_argument("--json", metavar="OUT")
    parser.add_argument("--markdown", metavar="OUT")
    options = parser.parse_args()
    options.models = parse_named(parser, "model", options.model)
    options.peers = parse_named(parser, "peer", options.peer)
    for name in ("prompt", "decode", "threads", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"the number of {name} is less than 1")
    if options.turns < 0 or 0 < options.turns < 0.05:
        parser.error("--turns: expected 0.05 s or more")
    for path in options.models.values():
        if not os.path.isfile(path):
            parser.error(f"--model: {path} is not there")
    options.batched = parse_named(parser, "batched-peer",
                                  options.batched_peer)
    for name in options.batched:
        if name not in options.peers:
            parser.error(f"--batched-peer: there is no peer {name}")
    for what, programs in (("peer", options.peers),
                           ("batched-peer", options.batched)):
        for name, path in programs.items():
            if not shutil.which(path):
                parser.error(f"--{what}: {name}: {path} is no program")
    options.batch = parse_sizes(parser, options.batch) if options.batch else []
    options.keep = bool(options.work)
    return options


def check_load(options):
    load = os.getloadavg()[0]
    if load <= options.max_load:
        return
    message = (f"the load average is {load:.2f}, more than "
               f"{options.max_load:.2f}: others use this machine")
    if not options.force:
        sys.exit(f"error: {message}; wait, or measure with --force")
    say(f"WARNING: {message.upper()}")


def write(path, text):
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def run(options):
    runner = Runner(options.timeout)
    programs = {OURS: Ours(runner, options)}
    for name, path in options.peers.items():
        programs[name] = Peer(runner, options, path,
                              options.batched.get(name))
    result = {
        "date": datetime.datetime.now().isoformat(timespec="minutes"),
        "cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "prompt_tokens": options.prompt, "decode_tokens": options.decode,
        "context_tokens": options.context, "batches": options.batch,
        "threads": options.threads, "turn_seconds": options.turns,
        "rounds": options.rounds, "target": options.target,
        "forced": options.force, "models": [],
        "versions": {OURS: programs[OURS].versions()},
    }
    for label, path in options.models.items():
        result["models"].append(
            measure_model(runner, options, programs, label, path))
        for name in options.peers:
            result["versions"][name] = programs[name].version
        benchmarkreport.summarize(result["models"][-1], OURS)
        result["busy"] = any(
            entry["others_cpus"] > MAX_OTHERS
            for model in result["models"] for entry in model["rounds"])
        write(options.json, json.dumps(result, indent=1) + "\n")
        report = benchmarkreport.markdown(result, OURS)
        write(options.markdown, report)
    print(report, end="")
    return int(any(OURS in model["failures"] for model in result["models"]))


def main():
    options = parse_options()
    check_load(options)
    try:
        if options.work:
            os.makedirs(options.work, exist_ok=True)
            return run(options)
        with tempfile.TemporaryDirectory(prefix="modelc-benchmark-") as work:
            options.work = work
            return run(options)
    except Failed as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    sys.exit(main())
