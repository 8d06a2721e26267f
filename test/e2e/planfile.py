"""planfile.py - reads and damages plan files, for tests.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Knows of runtime/include/modelc/plan_format.h what it takes to find a field
and to make a changed plan consistent again. As a program,

    planfile.py PLAN OUT

it writes the code of a plan's first variant, as it is in the file.
"""

import struct
import sys

HEADER = struct.Struct("<8s II Q II I 7I")
SECTION = struct.Struct("<I HH QQ I I")
WEIGHT = struct.Struct("<IIII QQ 4Q II")
HEADER_CHECKSUM_AT = 32
SECTION_CHECKSUM_AT = 28

STRINGS = 1
CODE = 13
WEIGHT_TABLE = 14
WEIGHTS = 15


def crc32c_of_byte(byte):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 & -(byte & 1))
    return byte


CRC32C = [crc32c_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


class PlanFile:
    """A plan's bytes, to be changed."""

    def __init__(self, data):
        self.data = bytearray(data)
        fields = HEADER.unpack_from(self.data)
        self.section_count = fields[4]
        self.table_end = HEADER.size + SECTION.size * self.section_count

    def find(self, kind):
        """Position of the table's entry, and offset and size of the section
        of this kind."""
        for at in range(HEADER.size, self.table_end, SECTION.size):
            entry = SECTION.unpack_from(self.data, at)
            if entry[0] == kind:
                return at, entry[3], entry[4]
        raise KeyError(kind)

    def sections(self, kind):
        """Variant, offset and size of all sections of this kind."""
        table = self.data[HEADER.size : self.table_end]
        return [(entry[1], entry[3], entry[4])
                for entry in SECTION.iter_unpack(table) if entry[0] == kind]

    def get_bytes(self, kind):
        """The section's bytes."""
        _, offset, size = self.find(kind)
        return bytes(self.data[offset : offset + size])

    def weights(self):
        """(offset in the file, size) of every weight, in order."""
        _, table, size = self.find(WEIGHT_TABLE)
        _, base, _ = self.find(WEIGHTS)
        records = WEIGHT.iter_unpack(self.data[table : table + size])
        return [(base + record[4], record[5]) for record in records]

    def outside_weights(self):
        """Ranges of all bytes that belong to no weight."""
        ranges, begin = [], 0
        for offset, size in self.weights():
            ranges.append(range(begin, offset))
            begin = offset + size
        return ranges + [range(begin, len(self.data))]

    def write_u32(self, at, value):
        struct.pack_into("<I", self.data, at, value)

    def repair_header(self):
        """Makes the header's checksum that of the header and the table."""
        self.write_u32(HEADER_CHECKSUM_AT, 0)
        self.write_u32(HEADER_CHECKSUM_AT,
                       crc32c(self.data[: self.table_end]))

    def repair_section(self, kind):
        """Makes the checksum of a section right again."""
        at, offset, size = self.find(kind)
        self.write_u32(at + SECTION_CHECKSUM_AT,
                       crc32c(self.data[offset : offset + size]))
        self.repair_header()


def main():
    plan, out = sys.argv[1:]
    with open(plan, "rb") as file:
        code = PlanFile(file.read()).get_bytes(CODE)
    with open(out, "wb") as file:
        file.write(code)


if __name__ == "__main__":
    main()
