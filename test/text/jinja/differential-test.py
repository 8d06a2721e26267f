#!/usr/bin/env python3
"""differential-test.py - our Jinja and Python's render the same.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    differential-test.py RENDER-JINJA [--templates=FOLDER] [--rounds=N]
                         [--seed=N] [--verbose]

Renders the templates of FOLDER (those beside this script) with random
conversations, and random expressions, by RENDER-JINJA and by Debian's
python3-jinja2 with the settings of Hugging Face's transformers. Both must
give the same text, or both must fail. Skipped (77) without that package.
"""

import argparse
import functools
import json
import os
import random
import subprocess
import sys
import time
import warnings

try:
    import jinja2
    import jinja2.ext
    import jinja2.sandbox
except ImportError:
    print("there is no python3-jinja2")
    sys.exit(77)

# As in render-jinja.cpp.
NOW = 1750000000
HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = [
    "", " ", "hi", "Hello there!", "  spaces around \n", "a\nb\n\nc", "\n",
    "What is 1 < 2 & 3?", "ein schöner Tag", "\u3000日本語\u3000", "😀 ok",
    "'quoted' \"twice\"", "tab\tend", "<think>\nwhy\n</think>\n\nbecause",
    "</think>only", "{{ not a template }}", "back\\slash", "[TOOL_CALLS]",
]


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what the model said; the text stays."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("passOn")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def passOn(self, caller):
        return caller()


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols],
    )

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(
        x, ensure_ascii=False, indent=None, separators=None, sort_keys=False
    ):
        return json.dumps(
            x,
            ensure_ascii=ensure_ascii,
            indent=indent,
            separators=separators,
            sort_keys=sort_keys,
        )

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: time.strftime(
        form, time.localtime(NOW)
    )
    return env


class Random(random.Random):
    def text(self):
        return "".join(self.choice(WORDS) for _ in range(self.randint(0, 3)))

    def value(self, depth=0):
        kinds = 6 if depth > 2 else 8
        kind = self.randrange(kinds)
        if kind == 0:
            return None
        if kind == 1:
            return self.random() < 0.5
        if kind == 2:
            return self.randint(-3, 1000)
        if kind == 3:
            return self.choice([0.5, 1.0, -2.25, 1e20, 1e-7, 3.14159])
        if kind < 6:
            return self.text()
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.randrange(3))]
        return {
            self.choice("abcd") + str(n): self.value(depth + 1)
            for n in range(self.randrange(3))
        }

    def tool(self):
        parameters = {
            "type": "object",
            "properties": {
                name: {
                    "type": self.choice(["string", "number", "array"]),
                    "description": self.text(),
                    **({"enum": ["a", "b"]} if self.random() < 0.3 else {}),
                }
                for name in ("city", "unit")[: self.randint(0, 2)]
            },
            "required": ["city"][: self.randint(0, 1)],
        }
        function = {
            "name": self.choice(["get_weather", "add"]),
            "description": self.text(),
            "parameters": parameters,
        }
        return {"type": "function", "function": function}

    def message(self, role):
        message = {"role": role, "content": self.text()}
        chance = self.random()
        if chance < 0.15:
            message["content"] = [
                {"type": "text", "text": self.text()}
                for _ in range(self.randint(1, 2))
            ]
        elif chance < 0.2:
            message["content"] = None
        if role == "assistant" and self.random() < 0.3:
            message["tool_calls"] = [
                {
                    "id": "call12345"[: self.choice([9, 9, 4])],
                    "type": "function",
                    "function": {
                        "name": "get_weather",
                        "arguments": self.choice(
                            [{"city": self.text()}, '{"city": "x"}', {}]
                        ),
                    },
                }
                for _ in range(self.randint(1, 2))
            ]
        if role == "assistant" and self.random() < 0.2:
            message["reasoning_content"] = self.text()
        if role == "tool":
            message["name"] = "get_weather"
            message["tool_call_id"] = "call12345"
        return message

    def conversation(self):
        variables = {
            "messages": [],
            "add_generation_prompt": self.random() < 0.7,
            "bos_token": self.choice(["<s>", "<|begin_of_text|>", ""]),
            "eos_token": self.choice(["</s>", "<|im_end|>"]),
        }
        messages = variables["messages"]
        if self.random() < 0.5:
            messages.append(self.message("system"))
        for _ in range(self.randint(0, 3)):
            messages.append(self.message("user"))
            messages.append(self.message("assistant"))
            if "tool_calls" in messages[-1] and self.random() < 0.8:
                messages.append(self.message("tool"))
                messages.append(self.message("assistant"))
        if self.random() < 0.8:
            messages.append(self.message("user"))
        if self.random() < 0.1:
            self.shuffle(messages)
        if self.random() < 0.4:
            variables["tools"] = [
                self.tool() for _ in range(self.randint(0, 2))
            ]
        if self.random() < 0.5:
            variables.update(datetime="2025-06-15", functions="[]")
        for name in ("enable_thinking", "thinking"):
            if self.random() < 0.2:
                variables[name] = self.random() < 0.5
        if self.random() < 0.2:
            variables["documents"] = [{"title": "t", "text": self.text()}]
        return variables

    def literal(self):
        return self.choice(
            ["a", "b", "s", "n", "f", "l", "d", "none", "missing", "true"]
            + ["1", "-2", "0", "2.5", "'xyXY z'", "'  p '", "[3, 1, 2]"]
            + ["['b', 'A', 'b']", "{'k': 1, 'b': [2]}", "'k'", "(1, 'q')"]
        )

    def expression(self, depth=0):
        if depth > 3 or self.random() < 0.2:
            return self.literal()
        one = lambda: self.expression(depth + 1)
        operator = self.choice(
            "+ - * / // ~ == != < <= > >= in and or".split() + ["not in"]
        )
        filters = """trim length count upper lower title capitalize first last
            list join join(',') string int float abs tojson tojson(indent=2)
            default('x') default('x',true) replace('b','c') sort unique|list
            dictsort min max sum map('upper')|list map(attribute='k')|list
            select|list reject('none')|list select('string')|list round
            selectattr('k')|list rejectattr('k','equalto',1)|list
            reverse|list wordcount indent(2) indent(2,true) sort(reverse=true)
            tojson(sort_keys=true) tojson(ensure_ascii=true)""".split()
        tests = """defined undefined none string mapping iterable sequence
            number integer float boolean true false odd even lower upper
            callable""".split() + ["eq 1", "in [1,2]", "divisibleby 2"]
        methods = """strip() lstrip('x ') rstrip() split() split('b')
            split(' ',1) rsplit(' ',1) rsplit() splitlines() upper() lower()
            title() capitalize() startswith('x') endswith(('z','y')) find('Y')
            replace('y','__') replace('','-') count('b') isdigit() isspace()
            get('k') get('zz',5) items() keys()|list values()|list
            partition('Y') join(['a','b']) index(1) isupper() islower()
            removeprefix('x') rfind('z') isalpha() rpartition('X')""".split()
        return self.choice(
            [
                lambda: f"({one()} {operator} {one()})",
                lambda: f"({one()} | {self.choice(filters)})",
                lambda: f"({one()} is {self.choice(tests)})",
                lambda: f"({one()} is not {self.choice(tests)})",
                lambda: f"({one()} if {one()} else {one()})",
                lambda: f"{one()}.{self.choice(methods)}",
                lambda: f"{one()}[{self.randint(-3, 3)}]",
                lambda: f"{one()}['{self.choice(['k', 'b', 'items'])}']",
                lambda: f"{one()}.{self.choice(['k', 'b', 'zz'])}",
                lambda: f"{one()}[{self.choice(['1:', ':-1', '::-1', '1:3'])}]",
                lambda: f"{one()}[::{self.choice(['2', '-2', '3'])}]",
                lambda: f"(not {one()})",
                lambda: f"(-{one()})",
                lambda: f"[{one()}, {one()}]",
                lambda: f"{{'k': {one()}, 'b': {one()}}}",
                lambda: f"(range({self.randint(-2, 4)})|list)",
            ]
        )()

    def statement(self, depth=0):
        body = lambda: "".join(
            self.statement(depth + 1) for _ in range(self.randint(0, 2))
        )
        if depth > 2:
            return f"{{{{ {self.expression(2)} }}}}"
        left = self.choice(["{%", "{%-", "  {%", "\n{%", "{%+"])
        right = self.choice(["%}", "-%}", "%}\n", "%}\n\n", "+%}\n"])
        tag = lambda text: f"{left} {text} {right}"
        name = self.choice("xy")
        value = lambda: self.expression(2)
        return self.choice(
            [
                lambda: self.choice([" text ", "\n", "t", "  \n  "]),
                lambda: f"{{{{ {value()} }}}}",
                lambda: f"{{{{- {value()} -}}}}",
                lambda: self.choice(["{# c #}", "{#- c -#}", "  {# c #}\n"]),
                lambda: tag(f"if {value()}") + body() + tag("else") + body()
                + tag("endif"),
                lambda: tag(f"if {value()}") + body() + tag(f"elif {value()}")
                + body() + tag("endif"),
                lambda: tag(f"for {name} in {value()}") + body()
                + "{{ loop.index }}{{ loop.last }}{{ loop.previtem }}"
                + tag("endfor"),
                lambda: tag(f"for {name} in {value()} if {name} is string")
                + body() + "{{ loop.length }}{{ loop.revindex0 }}"
                + tag("else") + body() + tag("endfor"),
                lambda: tag(f"for {name}, q in {{'k': 1, 'm': s}}.items()")
                + body() + f"{{{{ {name} }}}}={{{{ q }}}}" + tag("endfor"),
                lambda: tag("for z in range(4)") + body()
                + tag(f"if {value()}") + tag(self.choice(["break", "continue"]))
                + tag("endif") + "{{ z }}" + tag("endfor"),
                lambda: tag(f"set {name} = {value()}"),
                lambda: tag("set w") + body() + tag("endset") + "{{ w }}",
                lambda: tag("set w | trim") + body() + tag("endset"),
                lambda: tag("set ns.k = " + value()) + "{{ ns.k }}",
                lambda: tag("filter upper") + body() + tag("endfilter"),
                lambda: tag(f"with {name} = {value()}") + body()
                + tag("endwith"),
                lambda: tag("generation") + body() + tag("endgeneration"),
                lambda: tag(f"macro m({name}, q='z')") + body()
                + f"{{{{ {name} }}}}{{{{ q }}}}" + tag("endmacro")
                + f"{{{{ m({value()}) }}}}{{{{ m(q=1) }}}}",
                lambda: tag("raw") + "{{ x }} " + tag("endraw"),
            ]
        )()

    def program(self):
        return "{% set ns = namespace(k=0) %}" + "".join(
            self.statement() for _ in range(self.randint(1, 4))
        )

    def names(self):
        return {
            "a": self.value(),
            "b": self.value(),
            "s": self.text(),
            "n": self.randint(-5, 5),
            "f": self.choice([0.5, -1.5, 2.0]),
            "l": [self.value(1) for _ in range(self.randrange(4))],
            "d": {"k": self.value(1), "b": self.value(1)},
        }


@functools.lru_cache
def compiled(env, source):
    return env.from_string(source)


def by_python(env, source, variables):
    try:
        return compiled(env, source).render(**variables), None
    except Exception as error:  # Whatever fails in Python.
        return None, f"{type(error).__name__}: {error}"


class Ours:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def render(self, source, variables):
        request = {"template": source, "variables": variables}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer.get("text"), answer.get("error")


def is_unspecified(text, theirs_error, error):
    """Where we promise nothing: addresses, numbers without limits, what
    `safe` would escape, constants that Jinja folds by other rules."""
    return (
        (error is not None and "cannot be sliced" in error)
        or (theirs_error is not None and "generator" in theirs_error)
        or (error is not None and "too large" in error)
        or (text is not None and " at 0x" in text.lower())
        or (text is not None and "<Namespace" in text)
        or (theirs_error is not None and "Overflow" in theirs_error)
        or (text is not None and "&#34;" in text)
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--templates", default=os.path.join(HERE, "templates"))
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    env = environment()
    ours = Ours(options.program)
    rng = Random(options.seed)
    counts = {"same": 0, "both fail": 0, "differ": 0}
    shown = 0

    def check(what, source, variables):
        nonlocal shown
        theirs, theirs_error = by_python(env, source, variables)
        text, error = ours.render(source, variables)
        if is_unspecified(theirs, theirs_error, error):
            return True
        if theirs is not None and theirs == text:
            counts["same"] += 1
            return True
        if theirs is None and text is None:
            counts["both fail"] += 1
            if options.verbose:
                print(f"{what}: both fail: {theirs_error} | {error}")
            return True
        counts["differ"] += 1
        shown += 1
        if shown <= 20:
            print(f"{what}: differs")
            print(f"  template:  {source[:600]!r}")
            print(f"  variables: {json.dumps(variables)[:800]}")
            theirs = theirs_error if theirs is None else theirs
            text = error if text is None else text
            at = len(os.path.commonprefix([theirs, text]))
            at = max(0, at - 60)
            print(f"  Python:    {theirs[at : at + 300]!r}")
            print(f"  ours:      {text[at : at + 300]!r}")
        return False

    good = []
    names = sorted(os.listdir(options.templates))
    for name in names:
        path = os.path.join(options.templates, name)
        with open(path, encoding="utf-8", newline="") as file:
            source = file.read()
        before = counts["same"]
        results = [
            check(name, source, rng.conversation())
            for _ in range(options.rounds)
        ]
        if counts["same"] == before:
            print(f"{name}: never rendered")
        elif all(results):
            good.append(name)
    print(f"templates: {len(good)} of {len(names)} render the same")
    for _ in range(options.rounds * 20):
        source = "{{ " + rng.expression() + " }}"
        check("expression", source, rng.names())
    for _ in range(options.rounds * 20):
        check("program", rng.program(), rng.names())
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0 if counts["differ"] == 0 and len(good) == len(names) else 1


if __name__ == "__main__":
    sys.exit(main())
