"""benchmarkreport.py - medians and tables of what benchmark.py measured.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Used by benchmark.py.

    rounds: {"values": {"modelc": {"prefill": 300}, "a": {"prefill": 100}}}...
    ==> summary: {"modelc": {"prefill": {"median": ..., "min":, "max":}},
                  "ratio": {"prefill": ...}, ...}
    ==> | model | modelc | a | modelc / best peer | ...
"""

import statistics

# Keys that begin so are speeds, which are set against the best peer's.
RATIOS = ("prefill", "decode", "context_", "batch_")
# Where a program fails in one of these modes, its other numbers stay.
MODE_KEYS = {"context": ("context_",), "batch": ("batch_", "step_"),
             "turns": ("decode",)}


def spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def usable_rounds(model):
    """The rounds' values without what a program gave before it failed: a
    program has a number for all rounds, or none."""
    for entry in model["rounds"]:
        values = {}
        for name, found in entry["values"].items():
            failure = model["failures"].get(name)
            if failure and failure["mode"] == "short":
                found = {}
            elif failure:
                found = {key: value for key, value in found.items()
                         if not key.startswith(MODE_KEYS[failure["mode"]])}
            values[name] = found
        yield values


def summarize(model, ours):
    """Adds medians and ratios to a model's result. Ratios are formed round by
    round; the best peer may be another one in each."""
    collected = {}

    def add(name, key, value):
        collected.setdefault(name, {}).setdefault(key, []).append(value)

    for values in usable_rounds(model):
        for name, found in values.items():
            for key, value in found.items():
                add(name, key, value)
            for key in ("prefill", "decode"):
                if "context_" + key in found:
                    add(name, "kept_" + key,
                        found["context_" + key] / found[key])
        for key in filter(lambda key: key.startswith(RATIOS), values[ours]):
            peers = [found[key] for name, found in values.items()
                     if name != ours and key in found]
            if peers:
                add("ratio", key, values[ours][key] / max(peers))
    model["summary"] = {
        name: {key: spread(values) for key, values in entries.items()}
        for name, entries in collected.items()}


def number(value):
    """Three digits or more."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(model, name, key, form=number):
    found = model["summary"].get(name, {}).get(key)
    if not found:
        return "failed" if name in model["failures"] else "-"
    median, low, high = (form(found[part]) for part in ("median", "min", "max"))
    return median if low == high else f"{median} ({low}..{high})"


def percent(value):
    return f"{100 * value:.0f} %"


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
    text = ["| " + " | ".join(word.replace("|", "\\|") for word in line) + " |"
            for line in lines]
    return "\n".join(text) + "\n"


def speed_table(result, ours, key, columns):
    """One row a model: everyone's speed, the ratio, and `columns`: more of
    ours, as (title, key, form)."""
    names = list(result["versions"])
    rows = []
    for model in result["models"]:
        rows.append(
            [model["label"]] + [cell(model, name, key) for name in names]
            + [cell(model, "ratio", key)]
            + [cell(model, ours, of, form) for _, of, form in columns])
    return table(["model"] + names + [f"{ours} / best peer"]
                 + [title for title, _, _ in columns], rows)


def batch_table(result, ours):
    """One row a model and number of sequences: everyone's speed and what a
    step takes by one of a single sequence."""
    names = list(result["versions"])
    rows = []
    for model in result["models"]:
        for size in result["batches"]:
            row = [model["label"], str(size)]
            for name in names:
                row += [cell(model, name, f"batch_{size}"),
                        cell(model, name, f"step_{size}")]
            rows.append(row + [cell(model, "ratio", f"batch_{size}")])
    head = ["model", "sequences"]
    for name in names:
        head += [name, "step"]
    return table(head + [f"{ours} / best peer"], rows)


def context_table(result):
    """One row a model and program."""
    rows = []
    for model in result["models"]:
        for name in result["versions"]:
            row = [model["label"], name]
            for key in ("prefill", "decode"):
                row += [cell(model, name, key),
                        cell(model, name, "context_" + key),
                        cell(model, name, "kept_" + key, percent)]
            rows.append(row)
        rows.append([model["label"], "ratio",
                     cell(model, "ratio", "prefill"),
                     cell(model, "ratio", "context_prefill"), "",
                     cell(model, "ratio", "decode"),
                     cell(model, "ratio", "context_decode"), ""])
    depth = result["context_tokens"]
    return table(
        ["model", "program", f"prefill {result['prompt_tokens']}",
         f"prefill {depth}", "kept", "decode at 0", f"decode at {depth}",
         "kept"], rows)


def load_table(result, ours):
    rows = []
    for model in result["models"]:
        row = [model["label"]]
        row += [cell(model, ours, key) for key in
                ("open_ms", "first_logits_ms", "warm_token_ms", "touch_ms")]
        compiled = model.get("compile")
        if compiled:
            seconds, copy = compiled["seconds"], compiled["copy_seconds"]
            row += [f"{seconds:.2f}", f"{copy:.2f}", f"{seconds / copy:.1f}",
                    f"{compiled['plan_bytes'] / compiled['source_bytes']:.3f}"]
        else:
            row += ["failed"] + ["-"] * 3
        rows.append(row)
    return table(["model", "open ms", "first logits ms", "warm token ms",
                  "touch ms", "compile s", "cp s", "compile / cp",
                  "plan / source bytes"], rows)


def quiet_table(result):
    """How busy the machine was with other things."""
    rows = []
    for model in result["models"]:
        for part, title in (("load", "load average before"),
                            ("others_cpus", "CPUs used by others")):
            rows.append([model["label"], title] + [
                f"{entry[part]:.2f}" for entry in model["rounds"]])
    return table(["model", ""] + [f"round {at + 1}"
                                  for at in range(result["rounds"])], rows)


def failure_list(result):
    lines = []
    for model in result["models"]:
        for name, failure in model["failures"].items():
            mode = f" ({failure['mode']})" if failure["mode"] != "short" else ""
            lines.append(f"- {model['label']}: {name} failed{mode}: "
                         f"`{failure['reason'].replace('`', '')}`")
    return "\n".join(lines) + "\n" if lines else ""


def decode_title(result):
    if result["turn_seconds"]:
        return f"in turns of {result['turn_seconds']} s"
    return f"{result['decode_tokens']} tokens"


def markdown(result, ours):
    """The whole report."""
    versions = "".join(f"- {name}: {version}\n"
                       for name, version in result["versions"].items())
    warning = ("**Others used the machine meanwhile: not a result.**\n\n"
               if result["busy"] else "")
    parts = [
        warning + f"{result['date']}, {result['cpu']}, {result['cpus']} CPUs, "
        f"{result['system']}; {result['threads']} threads, "
        f"{result['rounds']} rounds, target {result['target']}: "
        "median (min..max).\n\n" + versions,
        f"Prefill, {result['prompt_tokens']} tokens: tokens/s.\n\n"
        + speed_table(result, ours, "prefill",
                      (("int8 GOPS", "int8_gops", number),
                       ("f32 GFLOPS", "f32_gops", number),
                       ("share", "prefill_share", percent))),
        f"Decode, {decode_title(result)}: tokens/s.\n\n"
        + speed_table(result, ours, "decode",
                      (("read GB/s", "read_gb_per_s", number),
                       ("share", "decode_share", percent),
                       ("fixed us", "fixed_us", number),
                       ("fixed", "fixed_share", percent)))]
    if result["batches"]:
        parts.append("Decode of several sequences, one token of each in a "
                     "step: tokens/s of all; the time of a step by that of "
                     "one sequence.\n\n" + batch_table(result, ours))
    if result["context_tokens"]:
        parts.append(f"A context of {result['context_tokens']} tokens: "
                     "tokens/s.\n\n" + context_table(result))
    parts.append("Opening and compiling.\n\n" + load_table(result, ours))
    parts.append("The machine.\n\n" + quiet_table(result))
    parts.append(failure_list(result))
    return "\n".join(part for part in parts if part)
