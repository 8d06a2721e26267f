#!/usr/bin/env python3
"""benchmark-test.py - what tools/dev/benchmark.py makes of its programs.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

modelc, modelc-bench and the peers are shell scripts that write down how they
were called and print speeds that are known, so every median, ratio and share
can be checked to the digit.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "tools", "dev", "benchmark.py")
sys.path.insert(0, os.path.dirname(SCRIPT))
import gguftensors  # noqa: E402
import turns  # noqa: E402

# Each script begins so. A round's number is how often this very command was
# given before.
HEAD = """#!/bin/sh
echo "$(basename "$0") $*" >> LOG
round=$(grep -cxF "$(basename "$0") $*" LOG)
"""

MODELC = HEAD + """
case "$1" in
  --version) echo "modelc 1.2.3";;
  compile)
    case "$2" in *bad*) echo "error: bad.gguf: no such family" >&2; exit 1;;
    esac
    while [ "$1" != -o ]; do shift; done
    head -c 9000 /dev/zero > "$2";;
esac
"""

# Prefill 300, 330, 390; decode 50, and 40 at a depth; 89, 90, 91 of two
# sequences together.
MODELC_BENCH = HEAD + """
case "$1" in --version) echo "modelc-bench 1.2.3"; exit;; esac
prefill=$((300 + 30 * (round - 1) * round / 2)); decode=50
[ "$3" = 4096 ] && prefill=150
[ "$6$7" = -d4096 ] && decode=40
cat <<END
{"prefill_tokens_per_s": $prefill, "decode_tokens_per_s": $decode,
 "int8_gops": 1000, "f32_gops": 250, "prefill_share": 0.5,
 "read_gb_per_s": 0.0001, "fixed_us": 600, "fixed_share": 0.03,
 "batches": [
  {"sequences": 2, "tokens_per_s": $((88 + round)), "step_ratio": 1.1},
  {"sequences": 8, "tokens_per_s": 160, "step_ratio": 2.5}],
 "decode_samples": [
  {"tokens_per_s": 60, "read_gb_per_s": 0.0002},
  {"tokens_per_s": 80, "read_gb_per_s": 0.00001},
  {"tokens_per_s": 2, "read_gb_per_s": 0.00016},
  {"tokens_per_s": 90, "read_gb_per_s": 0.00016}],
 "open_ms": 1.5, "first_logits_ms": 30}
END
"""


def peer(usage, depth, speeds="100 20"):
    """A peer; `depth` is a shell test for being asked for a context."""
    prefill, decode = speeds.split()
    return HEAD + f"""
if [ "$1" = --help ]; then echo "{usage}"; exit; fi
p=$4 n=$6
record() {{
  echo "{{\\"build_commit\\": \\"abc\\", \\"build_number\\": 7,"
  echo " \\"n_prompt\\": $1, \\"n_gen\\": $2, \\"avg_ts\\": $3,"
  echo " \\"samples_ns\\": [100000000, 80000000, 1700000000, 125000000]}}"
}}
echo "["
if {depth}; then record $prompt $gen 10
elif [ "$n" = 0 ]; then record $p 0 50
else record $p 0 {prefill}; echo ,; record 0 $n {decode}
fi
echo "]"
"""


# As in llama.cpp: -p 0 -n 64 -d 4096 gives n_prompt 0.
DEEP_PEER = peer("  -d, --n-depth <n>",
                 '[ "$7" = -d ] && prompt=0 gen=$n')
# As in ik_llama.cpp: -gp 4096,64 gives n_prompt 4096.
PAIR_PEER = peer("  -gp <pp,tg>",
                 '[ "$7" = -gp ] && prompt=${8%,*} gen=${8#*,}', "150 10")
PLAIN_PEER = peer("  -p N", "false", "110 25")
BROKEN_PEER = HEAD + """
echo "["
echo "loading" >&2
echo "error: unknown type | 99" >&2
exit 1
"""
KILLED_PEER = HEAD + "kill -9 $$\n"
CHATTY_PEER = HEAD + "echo hello\n"


# As llama-batched-bench: a JSON line for each number after -npl.
BATCHED = HEAD + """
echo "loading"
for size in $(echo "$8" | tr , ' '); do
  speed=$((20 + 10 * size))
  echo "{\\"pp\\": 1, \\"pl\\": $size, \\"speed_tg\\": $speed}" >&2
done
"""


def gguf(tensors, metadata):
    """A model file with tensors of given sizes, which are all zeros."""
    def text(value):
        data = value.encode()
        return struct.pack("<Q", len(data)) + data

    out = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        out += text(key)
        if isinstance(value, str):
            out += struct.pack("<I", 8) + text(value)
        elif isinstance(value, list):
            out += struct.pack("<IIQ", 9, 8, len(value))
            out += b"".join(text(word) for word in value)
        else:
            out += struct.pack("<II", 4, value)
    offset = 0
    for name, size in tensors.items():
        out += text(name) + struct.pack("<IQIQ", 1, size, 0, offset)
        offset += size
    return out + bytes(-len(out) % 32) + bytes(offset)


LLAMA = gguf({"token_embd.weight": 6400, "blk.0.ffn_up.weight": 640,
              "output.weight": 960},
             {"general.architecture": "llama", "tokens": ["a", "b", "cd"]})


class BenchmarkTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="modelc-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.add("modelc", MODELC)
        self.add("modelc-bench", MODELC_BENCH)
        self.models = []
        for name in ("one", "bad"):
            with open(self.path(name + ".gguf"), "wb") as file:
                file.write(LLAMA)

    def path(self, name):
        return os.path.join(self.folder, name)

    def add(self, name, script):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(script.replace("LOG", self.path("log")))
        os.chmod(self.path(name), 0o755)
        return f"--peer={name}={self.path(name)}"

    def model(self, name):
        return f"--model={name}={self.path(name)}.gguf"

    def run_script(self, *arguments):
        return subprocess.run(
            [sys.executable, SCRIPT, f"--modelc={self.folder}",
             "--max-load=1e9", f"--json={self.path('out.json')}",
             f"--markdown={self.path('out.md')}", *arguments],
            capture_output=True, text=True, check=False)

    def measure(self, *arguments, status=0):
        """The result and the page of a run that must end with `status`."""
        done = self.run_script(*arguments)
        self.assertEqual(done.returncode, status, done.stderr)
        with open(self.path("out.json"), encoding="utf-8") as file:
            result = json.load(file)
        with open(self.path("out.md"), encoding="utf-8") as file:
            page = file.read()
        self.assertEqual(done.stdout, page)
        return result, page

    def calls(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read().splitlines()

    def test_medians_ratios_and_shares(self):
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER),
            self.add("b", PLAIN_PEER))
        model = result["models"][0]
        self.assertEqual(model["summary"]["modelc"]["prefill"],
                         {"median": 330, "min": 300, "max": 390})
        # Beside 110 of b, the better peer; in decode beside 25.
        ratio = model["summary"]["ratio"]
        self.assertAlmostEqual(ratio["prefill"]["median"], 3)
        self.assertAlmostEqual(ratio["prefill"]["max"], 390 / 110)
        self.assertEqual(ratio["decode"]["median"], 2)
        # 50 tokens/s of 640 + 960 bytes, the embedding's row left out, are
        # 80 of the ceiling's 100 kB/s.
        share = model["summary"]["modelc"]["decode_share"]
        self.assertAlmostEqual(share["median"], 0.8)
        self.assertEqual(model["summary"]["modelc"]["warm_token_ms"]["max"],
                         20)
        self.assertGreater(model["summary"]["modelc"]["touch_ms"]["min"], 0)
        self.assertEqual(model["compile"]["plan_bytes"], 9000)
        self.assertIn("| one | 330 (300..390) | 100 | 110 | "
                      "3.00 (2.73..3.55) | 1000 | 250 | 50 % |", page)
        self.assertIn("| one | 50.0 | 20.0 | 25.0 | 2.00 | 0.00 | 80 % | "
                      "600 | 3 % |", page)
        self.assertNotIn("sequences", page)
        self.assertIn("- a: commit abc, build 7", page)
        self.assertIn("- modelc: modelc 1.2.3, modelc-bench 1.2.3", page)

    def test_programs_alternate(self):
        self.measure(self.model("one"), self.add("a", DEEP_PEER),
                     self.add("b", PLAIN_PEER), "-p", "128", "-n", "16",
                     "-t", "4", "--work", self.path("work"))
        calls = [call for call in self.calls()
                 if not call.endswith("--version")]
        self.assertEqual(sum("compile" in call for call in calls), 1)
        source, plan = self.path("one.gguf"), self.path("work/one.mplan")
        ours = [f"modelc-bench {plan} -p 128 -n 0 -t 4 -r 1 --json",
                f"modelc-bench {plan} -p 1 -n 16 -t 4 -r 1 --json"]
        a, b = ([f"{name} -m {source} -p 128 -n 16 -t 4 -r 1 -o json"]
                for name in "ab")
        self.assertEqual(calls[1:], ours + a + b + a + b + ours
                         + b + ours + a)
        self.assertTrue(os.path.exists(plan))

    def test_context(self):
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER),
            self.add("b", PAIR_PEER), self.add("c", PLAIN_PEER),
            "--context=4096", "-r", "1")
        summary = result["models"][0]["summary"]
        self.assertEqual(summary["modelc"]["kept_prefill"]["median"], 0.5)
        self.assertEqual(summary["modelc"]["kept_decode"]["median"], 0.8)
        self.assertEqual(summary["a"]["kept_decode"]["median"], 0.5)
        self.assertEqual(summary["b"]["kept_decode"]["median"], 1)
        self.assertNotIn("context_decode", summary["c"])
        self.assertEqual(summary["ratio"]["context_prefill"]["median"], 3)
        self.assertEqual(summary["ratio"]["context_decode"]["median"], 4)
        tail = "-t 2 -r 1 -o json"
        source = self.path("one.gguf")
        for call in (f"a -m {source} -p 0 -n 64 -d 4096 {tail}",
                     f"b -m {source} -p 0 -n 0 -gp 4096,64 {tail}"):
            self.assertIn(call, self.calls())
        self.assertIn("| one | modelc | 300 | 150 | 50 % | "
                      "50.0 | 40.0 | 80 % |", page)
        self.assertIn("| one | c | 110 | 50.0 | 45 % | 25.0 | - | - |", page)

    def test_batches(self):
        """30 tokens/s of one, 40 of two, 100 of eight sequences: a step of two
        takes 2 * 30 / 40 of one's."""
        self.add("a-batched", BATCHED)
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER),
            self.add("b", PLAIN_PEER), "--batch=8,2",
            f"--batched-peer=a={self.path('a-batched')}")
        summary = result["models"][0]["summary"]
        self.assertEqual(summary["modelc"]["batch_2"],
                         {"median": 90, "min": 89, "max": 91})
        self.assertEqual(summary["a"]["step_2"]["median"], 1.5)
        self.assertAlmostEqual(summary["a"]["step_8"]["median"], 2.4)
        self.assertEqual(summary["ratio"]["batch_2"]["median"], 2.25)
        self.assertNotIn("step_2", summary["ratio"])
        source, plan = self.path("one.gguf"), self.path("one.mplan")
        self.assertIn(f"a-batched -m {source} -npp 1 -ntg 64 -npl 1,2,8 "
                      "-c 520 -t 2 --output-format jsonl", self.calls())
        ours = [call.replace(plan, "") for call in self.calls()
                if " -b " in call]
        self.assertEqual(len(ours), 3)
        self.assertTrue(ours[0].endswith(
            " -p 1 -n 64 -b 2,8 -t 2 -r 1 --json"), ours[0])
        self.assertIn("| model | sequences | modelc | step | a | step | b | "
                      "step | modelc / best peer |", page)
        self.assertIn("| one | 8 | 160 | 2.50 | 100 | 2.40 | - | - | 1.60 |",
                      page)

    def test_decode_in_turns(self):
        """Samples with others' turns in them do not count: ours is of 60, 80
        and 90 tokens/s, shares only where the reads are whole as well; a
        peer's median sample is of 4 tokens in 0.1 s."""
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER), "--turns=0.05",
            "-r", "1")
        summary = result["models"][0]["summary"]
        self.assertEqual(summary["modelc"]["decode"]["median"], 80)
        self.assertAlmostEqual(summary["a"]["decode"]["median"], 40)
        self.assertAlmostEqual(summary["ratio"]["decode"]["median"], 2)
        self.assertEqual(summary["modelc"]["warm_token_ms"]["median"], 12.5)
        # 1600 bytes: 60 tokens/s of 200 kB/s, 90 of 160.
        self.assertAlmostEqual(
            summary["modelc"]["decode_share"]["median"], (0.48 + 0.9) / 2)
        self.assertIn("Decode, in turns of 0.05 s: tokens/s.", page)
        # 15 turns of 0.05 s at 50 and 20 tokens/s are less than 10 samples.
        source = self.path("one.gguf")
        self.assertIn(f"a -m {source} -p 0 -n 4 -t 2 -r 10 -o json",
                      self.calls())
        self.assertTrue(any(
            call.endswith(" -p 1 -n 4 --reads -t 2 -r 10 --json")
            for call in self.calls()))

    def test_what_fails_in_turns_has_no_decode(self):
        late = DEEP_PEER.replace('echo "["', 'echo "["; [ $4 = 0 ] && exit 3')
        result, page = self.measure(
            self.model("one"), self.add("late", late), "--turns=0.05",
            "-r", "1")
        model = result["models"][0]
        self.assertEqual(model["failures"]["late"],
                         {"mode": "turns", "reason": "exit status 3"})
        self.assertEqual(model["summary"]["late"]["prefill"]["median"], 100)
        self.assertNotIn("decode", model["summary"]["ratio"])
        self.assertIn("- one: late failed (turns): `exit status 3`", page)

    def test_a_batched_bench_that_fails_costs_batches_only(self):
        self.add("a-batched", BROKEN_PEER)
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER), "--batch=2",
            f"--batched-peer=a={self.path('a-batched')}", "-r", "1")
        model = result["models"][0]
        self.assertEqual(model["failures"]["a"]["mode"], "batch")
        self.assertEqual(model["summary"]["a"]["prefill"]["median"], 100)
        self.assertNotIn("batch_2", model["summary"]["ratio"])
        self.assertIn("| one | 2 | 89.0 | 1.10 | failed | failed | - |", page)
        self.assertIn("- one: a failed (batch): `error: unknown type | 99`",
                      page)
        self.add("a-batched", BATCHED.replace('"$8"', "1"))
        result, _ = self.measure(
            self.model("one"), self.add("a", DEEP_PEER), "--batch=2",
            f"--batched-peer=a={self.path('a-batched')}", "-r", "1")
        self.assertEqual(result["models"][0]["failures"]["a"]["reason"],
                         "no result for each of [1, 2] sequences")

    def test_a_peer_that_fails_is_no_error(self):
        result, page = self.measure(
            self.model("one"), self.add("a", DEEP_PEER),
            self.add("broken", BROKEN_PEER), self.add("killed", KILLED_PEER),
            self.add("chatty", CHATTY_PEER))
        reasons = {name: failure["reason"] for name, failure
                   in result["models"][0]["failures"].items()}
        self.assertEqual(reasons, {
            "broken": "error: unknown type | 99",
            "killed": "ended by signal 9", "chatty": "no JSON but 'hello'"})
        self.assertEqual(
            sum(call.startswith("broken ") for call in self.calls()), 1)
        self.assertIn("| 330 (300..390) | 100 | failed | failed | failed |",
                      page)
        self.assertIn("- one: broken failed: `error: unknown type | 99`", page)

    def test_a_peer_that_fails_later_has_no_numbers(self):
        late = DEEP_PEER.replace('echo "["', 'echo "["; [ $round = 2 ] && '
                                 'exit 3')
        result, _ = self.measure(self.model("one"), self.add("late", late))
        model = result["models"][0]
        self.assertEqual(model["failures"]["late"]["reason"], "exit status 3")
        self.assertNotIn("late", model["summary"])
        self.assertNotIn("ratio", model["summary"])

    def test_our_own_failure_is_an_error(self):
        result, page = self.measure(
            self.model("bad"), self.model("one"), self.add("a", DEEP_PEER),
            status=1)
        bad, one = result["models"]
        self.assertEqual(bad["failures"]["modelc"]["reason"],
                         "error: bad.gguf: no such family")
        self.assertEqual(bad["summary"]["a"]["prefill"]["median"], 100)
        self.assertEqual(one["failures"], {})
        self.assertIn("| bad | failed | 100 | - | failed | failed |", page)

    def test_a_busy_machine(self):
        busy = [self.model("one"), "--max-load=-1"]
        done = self.run_script(*busy)
        self.assertEqual(done.returncode, 1)
        self.assertIn("others use this machine; wait", done.stderr)
        self.assertFalse(os.path.exists(self.path("log")))
        done = self.run_script(*busy, "--force")
        self.assertEqual(done.returncode, 0)
        self.assertIn("WARNING: THE LOAD AVERAGE", done.stderr)

    def test_others_spoil_a_result(self):
        """A program outside of the run takes a CPU, a peer takes its time."""
        slow = DEEP_PEER.replace('echo "["', 'echo "["; sleep 1.2')
        load = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            result, page = self.measure(
                self.model("one"), self.add("slow", slow), "-r", "1")
        finally:
            load.kill()
            load.wait()
        self.assertGreater(result["models"][0]["rounds"][0]["others_cpus"],
                           0.1)
        self.assertTrue(page.startswith("**Others used the machine"), page)

    def test_wrong_usage(self):
        one = self.model("one")
        a = self.add("a", DEEP_PEER)
        for arguments, complaint in (
                ([], "required: --model"),
                (["--model=one"], "expected NAME=PATH, found 'one'"),
                ([one, one], "the name one is taken"),
                ([one, "--peer=modelc=/bin/true"], "name modelc is taken"),
                ([one, a, "--peer=x=/none"], "x: /none is no program"),
                (["--model=x=/none"], "/none is not there"),
                ([one, "--batch=2,0"], "numbers of sequences, found '2,0'"),
                ([one, "--batched-peer=a=/bin/true"], "there is no peer a"),
                ([one, a, "--batched-peer=a=/none"], "a: /none is no program"),
                ([one, "--turns=0.001"], "--turns: expected 0.05 s or more"),
                ([one, "-r", "0"], "rounds is less than 1")):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(complaint, done.stderr)


class TurnsTest(unittest.TestCase):
    def test_programs_run_one_at_a_time(self):
        """Each notes when it has worked for a while. All that it notes between
        two notes of another one is a turn of its."""
        work = """
import sys, time
print("out of " + sys.argv[1])
for _ in range(8):
    end = time.process_time() + 0.02
    while time.process_time() < end: pass
    with open(sys.argv[2], "a") as file: file.write(sys.argv[1])
sys.exit(int(sys.argv[3]))
"""
        with tempfile.NamedTemporaryFile() as log:
            done = turns.run_in_turns(
                {name: [sys.executable, "-c", work, name, log.name, status]
                 for name, status in (("a", "0"), ("b", "3"))}, 0.05, 600)
            notes = log.read().decode()
        self.assertEqual(sorted(notes), sorted("a" * 8 + "b" * 8))
        self.assertGreater(notes.count("ab") + notes.count("ba"), 1, notes)
        self.assertEqual({name: (one.returncode, one.stdout)
                          for name, one in done.items()},
                         {"a": (0, "out of a\n"), "b": (3, "out of b\n")})

    def test_what_does_not_end_is_ended(self):
        with self.assertRaises(TimeoutError):
            turns.run_in_turns({"a": ["sleep", "1000"]}, 0.05, 0.1)

    def test_interrupted_samples(self):
        self.assertEqual(turns.uninterrupted([1, 1.5, 9, 1]), [0, 1, 3])


class TensorsTest(unittest.TestCase):
    def token_bytes(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return gguftensors.token_bytes(file.name)

    def test_embedding_counts_where_it_is_the_output(self):
        tensors = {"token_embd.weight": 320, "blk.0.attn_q.weight": 64}
        model = {"general.architecture": "llama"}
        self.assertEqual(self.token_bytes(gguf(tensors, model)), 384)
        tensors["output.weight"] = 96
        self.assertEqual(self.token_bytes(gguf(tensors, model)), 160)

    def test_experts_count_by_their_use(self):
        data = gguf({"blk.0.ffn_up_exps.weight": 640,
                     "blk.0.ffn_gate_inp.weight": 32},
                    {"general.architecture": "qwen3moe",
                     "qwen3moe.expert_count": 8,
                     "qwen3moe.expert_used_count": 2})
        self.assertEqual(self.token_bytes(data), 192)

    def test_not_a_model(self):
        with self.assertRaisesRegex(ValueError, "not a GGUF file"):
            self.token_bytes(b"ELF and so on")
        with self.assertRaisesRegex(ValueError, "ends too early"):
            self.token_bytes(LLAMA[:60])


if __name__ == "__main__":
    unittest.main()
