"""gguftensors.py - how many weight bytes a GGUF model reads for one token.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Used by benchmark.py. Sizes come from the tensors' offsets, so that no table of
types is needed; up to 31 bytes of padding a tensor are counted in.
"""

import os
import struct

STRING, ARRAY = 8, 9
# Metadata type -> format of struct.
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?",
           10: "Q", 11: "q", 12: "d"}


class Reader:
    """Little-endian values of a file, one after the other."""

    def __init__(self, file):
        self.file = file

    def scalar(self, form):
        size = struct.calcsize("<" + form)
        data = self.file.read(size)
        if len(data) != size:
            raise ValueError("GGUF file ends too early")
        return struct.unpack("<" + form, data)[0]

    def string(self):
        return self.file.read(self.scalar("Q")).decode("utf-8", "replace")

    def value(self, kind):
        """A metadata value; arrays are skipped and give None."""
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            if kind not in SCALARS:
                raise ValueError(f"GGUF metadata type {kind} is unknown")
            return self.scalar(SCALARS[kind])
        kind, count = self.scalar("I"), self.scalar("Q")
        if kind in SCALARS:
            size = struct.calcsize("<" + SCALARS[kind])
            self.file.seek(size * count, os.SEEK_CUR)
        else:
            for _ in range(count):
                self.value(kind)
        return None


def read(path):
    """The metadata (without arrays) and the tensors' sizes by name."""
    with open(path, "rb") as file:
        reader = Reader(file)
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path}: not a GGUF file")
        _version = reader.scalar("I")
        tensors, entries = reader.scalar("Q"), reader.scalar("Q")
        metadata = {}
        for _ in range(entries):
            key = reader.string()
            metadata[key] = reader.value(reader.scalar("I"))
        offsets = []
        for _ in range(tensors):
            name = reader.string()
            for _ in range(reader.scalar("I")):
                reader.scalar("Q")
            reader.scalar("I")
            offsets.append((reader.scalar("Q"), name))
        alignment = metadata.get("general.alignment", 32)
        begin = -(-file.tell() // alignment) * alignment
    offsets.sort()
    ends = [offset for offset, _ in offsets[1:]]
    ends.append(os.path.getsize(path) - begin)
    return metadata, {name: end - offset
                      for (offset, name), end in zip(offsets, ends)}


def token_bytes(path):
    """Bytes of the tensors that a token reads: of the experts the share that
    is used; the embedding (one row) only where it is the output, too."""
    metadata, sizes = read(path)
    prefix = metadata.get("general.architecture", "")
    used = metadata.get(f"{prefix}.expert_used_count", 1)
    experts = metadata.get(f"{prefix}.expert_count", 1)
    total = 0
    for name, size in sizes.items():
        if name == "token_embd.weight" and "output.weight" in sizes:
            continue
        total += size * used // experts if "_exps." in name else size
    return total
