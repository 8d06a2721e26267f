"""blocktypes.py - random blocks of every weight type.

Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

Used by make-model.py. Blocks are such as a type's own quantiser could have
made: fields that mean nothing are not random.
"""

import numpy


class Type:
    """A block type. `scales` are the places of F16 scales with the factor of
    each; `signed` says that a scale may be negative; `rms` is the root mean
    square of the numbers of a random block whose scales are their factors."""

    def __init__(self, number, elems, size, rms, scales=((0, 1.0),),
                 signed=False, fix=None):
        self.number, self.elems, self.size = number, elems, size
        self.rms, self.scales, self.signed = rms, scales, signed
        self.fix = fix or (lambda blocks, scale: None)


def put_halves(blocks, at, values):
    halves = values.astype("<f2")[:, None]
    blocks[:, at:at + 2] = halves.view(numpy.uint8)


def avoid_least_bytes(blocks, scale):
    """Q8_0: its quantiser makes no -128."""
    quants = blocks[:, 2:]
    quants[quants == 0x80] = 0x81


def keep_three_codes(blocks, scale):
    """TQ2_0: of each two bits there are three values."""
    codes = blocks[:, :64]
    for shift in (0, 2, 4, 6):
        codes[(codes >> shift & 3) == 3] ^= 2 << shift


def make_trits(blocks, scale):
    """TQ1_0: five or, in four bytes, four digits to the base 3 a byte; a byte
    is the least one that is not below the fraction of 243rds."""
    digits = blocks[:, :52].astype(numpy.uint32) * 243 >> 8
    digits[:, 48:] -= digits[:, 48:] % 3
    blocks[:, :52] = (digits * 256 + 242) // 243


def spread_scale(blocks, scale):
    """IQ1_M: four bits of the scale in each of its last four words."""
    bits = scale.astype("<f2").view("<u2")
    for word in range(4):
        high = blocks[:, 49 + 2 * word]
        high &= 15
        high |= ((bits >> 4 * word & 15) << 4).astype(numpy.uint8)


def make_exponents(blocks, scale):
    """MXFP4: a scale is a power of two."""
    blocks[:, 0] = numpy.clip(numpy.round(numpy.log2(scale)) + 127, 1, 254)


def make_small_floats(blocks, scale):
    """NVFP4: four scales of four bits of exponent and three of fraction."""
    codes = numpy.arange(0x7f)
    exponents, fractions = codes >> 3, codes & 7
    numbers = numpy.where(exponents == 0, fractions / 512,
                          (8 + fractions) * 2.0 ** (exponents - 10))
    nearest = numpy.searchsorted((numbers[1:] + numbers[:-1]) / 2, scale)
    blocks[:, :4] = numpy.maximum(nearest, 1)[:, None]


TYPES = {
    "q4_0": Type(2, 32, 18, 4.71, signed=True),
    "q4_1": Type(3, 32, 20, 4.68, scales=((0, 1.0), (2, -7.5))),
    "q5_0": Type(6, 32, 22, 9.38, signed=True),
    "q5_1": Type(7, 32, 24, 9.36, scales=((0, 1.0), (2, -15.5))),
    "q8_0": Type(8, 32, 34, 75, fix=avoid_least_bytes),
    "q2_K": Type(10, 256, 84, 14.1, scales=((80, 1.0), (82, 1.5))),
    "q3_K": Type(11, 256, 110, 43.9, scales=((108, 1.0),)),
    "q4_K": Type(12, 256, 144, 263, scales=((0, 1.0), (2, 7.5))),
    "q5_K": Type(13, 256, 176, 539, scales=((0, 1.0), (2, 15.5))),
    "q6_K": Type(14, 256, 210, 1384, scales=((208, 1.0),)),
    "iq2_xxs": Type(16, 256, 66, 53.8),
    "iq2_xs": Type(17, 256, 74, 56.4),
    "iq3_xxs": Type(18, 256, 98, 145),
    "iq1_s": Type(19, 256, 50, 7.3),
    "iq4_nl": Type(20, 32, 18, 68.5, signed=True),
    "iq3_s": Type(21, 256, 110, 142),
    "iq2_s": Type(22, 256, 82, 57.1),
    "iq4_xs": Type(23, 256, 136, 1267),
    "iq1_m": Type(29, 256, 56, 7.3, scales=(), fix=spread_scale),
    "tq1_0": Type(34, 256, 54, 0.828, scales=((52, 1.0),), fix=make_trits),
    "tq2_0": Type(35, 256, 66, 0.715, scales=((64, 1.0),),
                  fix=keep_three_codes),
    "mxfp4": Type(39, 32, 17, 2.91, scales=(), fix=make_exponents),
    "nvfp4": Type(40, 64, 36, 2.97, scales=(), fix=make_small_floats),
    "q1_0": Type(41, 128, 18, 1.02),
    "q2_0": Type(42, 64, 18, 1.24, signed=True),
}
# Types of numbers: ggml's id, bytes, and numpy's name of those it has.
FLOATS = {"f32": (0, 4, "<f4"), "f16": (1, 2, "<f2"), "bf16": (30, 2, None),
          "f64": (28, 8, "<f8")}


def make_floats(random, name, count, sigma):
    values = random.standard_normal(count, dtype=numpy.float32)
    values *= numpy.float32(sigma)
    if name == "bf16":
        return (values.view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype(FLOATS[name][2]).tobytes()


def make_blocks(random, name, count, sigma):
    """`count` numbers of mean 0 and standard deviation sigma, as bytes."""
    if name in FLOATS:
        return make_floats(random, name, count, sigma)
    kind = TYPES[name]
    count //= kind.elems
    blocks = random.integers(0, 256, (count, kind.size), dtype=numpy.uint8)
    scale = random.uniform(0.7, 1.3, count) * sigma / kind.rms
    if kind.signed:
        scale *= random.choice([-1.0, 1.0], count)
    for at, factor in kind.scales:
        put_halves(blocks, at, scale * factor)
    kind.fix(blocks, scale)
    return blocks.tobytes()


def get_size(name, count):
    """Bytes of `count` elements."""
    if name in FLOATS:
        return count * FLOATS[name][1]
    return count // TYPES[name].elems * TYPES[name].size
