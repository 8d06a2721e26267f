"""lit.cfg.py - how lit runs the .mlir and .test files of this folder.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Tools are found by name: modelc-opt, modelc, modelc-run and modelc-bench of
this build, FileCheck and not of LLVM. Also: %inputs is test/inputs, %shared
the folder of larger models beside the checkout, where there is one. `%amxemu
PROGRAM ...` runs a program with Intel AMX emulated, the counters at the end of
its stderr (test/emulators/intel-amx).

Features, for REQUIRES: and UNSUPPORTED: lines
  shared                       %shared exists
  avx2, avx512vnni, amx-int8   a CPU flag of /proc/cpuinfo: "avx512_" is
                               written "avx512", any other "_" is "-"
"""

import os

import lit.formats

config.name = "modelc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.modelc_build, "test")

tools = os.path.join(config.modelc_build, "bin")
path = [tools, config.llvm_tools, "/usr/bin", "/bin"]
config.environment["PATH"] = os.pathsep.join(path)
for name in ("HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

shared = os.path.join(os.path.dirname(config.modelc_source), "shared")
inputs = os.path.join(config.modelc_source, "test", "inputs")
# The longer name first: lit replaces text, in this order.
for name in ("modelc-opt", "modelc-run", "modelc-bench", "modelc"):
    config.substitutions.append(("%" + name, os.path.join(tools, name)))
emulator = os.path.join(
    config.modelc_build, "test/emulators/intel-amx/libamxemu.so"
)
config.substitutions.append((
    "%amxemu",
    f"env LD_PRELOAD={emulator} AMXEMU_REPORT=1 MODELC_FORCE_CPU_FEATURES=1",
))
config.substitutions.append(("%inputs", inputs))
config.substitutions.append(("%shared", shared))

if os.path.isdir(shared):
    config.available_features.add("shared")


def cpu_flags():
    """The flags of the first CPU in /proc/cpuinfo, as feature names."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() in ("flags", "Features"):
                return [
                    flag.replace("avx512_", "avx512").replace("_", "-")
                    for flag in value.split()
                ]
    return []


config.available_features.update(cpu_flags())
