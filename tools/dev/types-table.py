#!/usr/bin/python3
"""types-table.py - the tables of docs/types.md.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    types-table.py [--bin=build/bin] [TYPE...]
    types-table.py --speed [--shape=llama3.2-1b] [--threads=N] [TYPE...]

Measures the types named (or all) on synthetic models of
test/models/make-model.py and writes their rows into the page; the other rows
stay, so a run that was cut short goes on where it is called for the rest.

The first form makes a tiny model of each type and writes layouts, packed bits
and the mean KL distance of a plan's logits from those of the decoded weights
multiplied in double (modelc-reference --plain). The second measures tokens a
second on a model of the shape of Llama 3.2 1B, for each target; right before
each type it measures Q4_0, to which the type's prefill is compared. Nothing
else should run on the machine then.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "docs", "types.md")
MAKER = os.path.join(ROOT, "test", "models", "make-model.py")
BLOCKS = os.path.join(ROOT, "test", "models", "blocktypes.py")
TARGETS = ("x86-64-v3", "cascadelake")
# Ids all over the vocabulary of 512; more than a page of the cache.
TOKENS = [(i * i * 31 + i * 7919) % 505 + 3 for i in range(70)]
BASE = "q4_0"


def load_types():
    spec = importlib.util.spec_from_file_location("blocktypes", BLOCKS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TYPES


class Bench:
    """Tools of one build, and a folder for their files."""

    def __init__(self, binaries, work):
        self.binaries, self.work = binaries, work

    def run(self, tool, *arguments):
        command = [os.path.join(self.binaries, tool), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def path(self, name):
        return os.path.join(self.work, name)

    def make_model(self, shape, kind):
        model = self.path(f"{shape}-{kind}.gguf")
        if not os.path.exists(model):
            subprocess.run([sys.executable, MAKER, shape, model,
                            f"--type={kind}"], check=True)
        return model

    def compile(self, model, target):
        plan = f"{model}.{target}.mplan"
        if not os.path.exists(plan):
            self.run("modelc", "compile", model, f"--target={target}", "-o",
                     plan, "--quiet")
        return plan

    def logits(self, tool, file, *options):
        """[tokens][vocabulary], in double."""
        import numpy
        out = self.path("logits.f32")
        self.run(tool, file, "--tokens=" + ",".join(map(str, TOKENS)),
                 f"--logits-out={out}", *options)
        logits = numpy.fromfile(out, "<f4").astype(numpy.float64)
        return logits.reshape(len(TOKENS), -1)


def get_mean_kl(plain, found):
    """Mean over the tokens of KL(plain || found)."""
    import numpy

    def normalise(x):
        x = x - x.max(axis=1, keepdims=True)
        return x - numpy.log(numpy.exp(x).sum(axis=1, keepdims=True))
    p, q = normalise(plain), normalise(found)
    return (numpy.exp(p) * (p - q)).sum(axis=1).mean()


def describe(bench, kind):
    """The row of a type but for its name: bits a weight of the file; layout
    and bits for each target; and the mean KL, which targets share."""
    model = bench.make_model("tiny-llama", kind)
    plain = bench.logits("modelc-reference", model, "--plain")
    cells = []
    for target in TARGETS:
        plan = bench.compile(model, target)
        report = json.loads(bench.run("modelc", "inspect", plan, "--json",
                                      "--tensors"))["report"]
        weight = next(tensor for tensor in report["tensors"]
                      if tensor["tensor"] == "blk.0.ffn_up.weight")
        elems = weight["shape"][0] * weight["shape"][1]
        if not cells:
            cells.append(f"{weight['source_bytes'] * 8 / elems:.2f}")
        cells += [f"`{weight['layout']}`",
                  f"{weight['packed_bytes'] * 8 / elems:.2f}"]
    found = bench.logits("modelc-run", bench.compile(model, TARGETS[0]))
    return cells + [f"{get_mean_kl(plain, found):.1e}"]


def measure_speed(bench, options, kind):
    """Tokens a second of prefill and decode and, between them, the prefill by
    that of Q4_0, for each target."""
    def run(of, target, decode):
        plan = bench.compile(bench.make_model(options.shape, of), target)
        return json.loads(bench.run(
            "modelc-bench", plan, "-p", options.prompt, "-n", decode, "-t",
            options.threads, "-r", options.repeat, "--json"))
    cells = []
    for target in TARGETS:
        base = run(BASE, target, 1)["prefill_tokens_per_s"]
        found = run(kind, target, options.decode)
        prefill = found["prefill_tokens_per_s"]
        cells += [f"{prefill:.1f}", f"{prefill / base:.2f}",
                  f"{found['decode_tokens_per_s']:.2f}"]
    if kind != BASE:
        os.remove(bench.make_model(options.shape, kind))
        for target in TARGETS:
            os.remove(bench.path(f"{options.shape}-{kind}.gguf.{target}.mplan"))
    return cells


class Page:
    """Tables whose rows begin with a type's name. A table is found by the
    beginning of its heading."""

    def __init__(self, types):
        self.names = [name.upper() for name in types]
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()

    def get_rows(self, heading):
        table = re.search(re.escape(heading) + r".*\n\|[-|]+\n((?:\|.*\n)*)",
                          self.text)
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in table[1].splitlines()]
        return table, {row[0]: row[1:] for row in rows}

    def put_row(self, heading, name, cells):
        table, rows = self.get_rows(heading)
        rows[name] = cells
        lines = [f"| {name} | {' | '.join(rows[name])} |\n"
                 for name in self.names if name in rows]
        self.text = (self.text[:table.start(1)] + "".join(lines) +
                     self.text[table.end(1):])
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(self.text)


LAYOUTS = "| type | bits in the file |"
SPEEDS = "| type | AVX2 prefill |"


def main():
    types = load_types()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"))
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--shape", default="llama3.2-1b")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--prompt", type=int, default=512, help="tokens")
    parser.add_argument("--decode", type=int, default=32, help="tokens")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("types", nargs="*", metavar="TYPE")
    options = parser.parse_args()
    by_name = {name.upper(): name for name in types}
    for name in options.types:
        if name.upper() not in by_name:
            parser.error(f"no type {name}")
    page = Page(types)
    with tempfile.TemporaryDirectory(prefix="modelc-types-") as work:
        bench = Bench(options.bin, work)
        for name in map(str.upper, options.types or types):
            if options.speed:
                cells = measure_speed(bench, options, by_name[name])
            else:
                cells = describe(bench, by_name[name])
            print(name, *cells, flush=True)
            page.put_row(SPEEDS if options.speed else LAYOUTS, name, cells)


if __name__ == "__main__":
    main()
