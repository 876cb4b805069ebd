"""Derive the polynomials and tables behind 2**x and write src/core/arith/exp2_constants.h.

    python tools/exp2_minimax.py            # write the header
    python tools/exp2_minimax.py --check    # exit 1 unless the committed header is the same

Needs mpmath. Polynomials come from the Remez exchange; because rounding the coefficients of a
minimax polynomial one by one loses part of what it gained, they are rounded in order of weight,
lowest degree first, and the ones still free are fitted again to what each rounding left over.
"""

import struct
import sys
from pathlib import Path

import numpy as np
from mpmath import mp, mpf

mp.prec = 200

FLOAT, DOUBLE = 24, 53
ARITH = Path(__file__).resolve().parent.parent / "src" / "core" / "arith"


def rounded(x, bits):
    """x rounded to nearest, ties to even, at that many significant bits."""
    with mp.workprec(bits):
        return +x


def double_double(x, high_bits=DOUBLE):
    """x as an unevaluated sum of two doubles, the first of high_bits bits."""
    high = rounded(x, high_bits)
    return high, rounded(x - high, DOUBLE)


def horner(coefficients, x):
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * x + c
    return value


def chebyshev_points(low, high, count):
    """Points from low to high, dense at the ends, where the error of a fit turns fastest."""
    middle, radius = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    return [middle - radius * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def remez(points, target, scale, first, count):
    """Coefficients of x**first ... x**(first + count - 1) that bring
    max |polynomial - target| / scale over the points to its minimum.

    Divided by x**first the polynomial is an ordinary one, so its best error, divided likewise,
    takes its weighted maximum with alternating signs at count + 1 points. Solve for that at a
    reference, let the worst point of all replace the one beside it with the same sign, repeat.
    """
    usable = [i for i, x in enumerate(points) if x != 0]
    reference = [usable[(2 * i + 1) * len(usable) // (2 * count + 2)] for i in range(count + 1)]
    while True:
        matrix, right = mp.matrix(count + 1), mp.matrix(count + 1, 1)
        for row, i in enumerate(reference):
            x = points[i]
            for column in range(count):
                matrix[row, column] = x ** (first + column)
            matrix[row, count] = scale[i] * (-1) ** row * mp.sign(x) ** first
            right[row] = target[i]
        *coefficients, level = mp.lu_solve(matrix, right)

        divided_error = {}
        for i in usable:
            x = points[i]
            error = x**first * horner(coefficients, x) - target[i]
            divided_error[i] = error / scale[i] * mp.sign(x) ** first
        worst = max(usable, key=lambda i: abs(divided_error[i]))
        if abs(divided_error[worst]) <= abs(level) * (1 + mpf(10) ** -9):
            return coefficients
        place = sum(i < worst for i in reference)
        beside = [k for k in (place - 1, place) if 0 <= k <= count]
        same = [k for k in beside if divided_error[reference[k]] * divided_error[worst] > 0]
        if same:
            reference[same[0]] = worst
        elif place == 0:
            reference = [worst, *reference[:-1]]
        else:
            reference = [*reference[1:], worst]


def polynomial(low, high, target, scale, degrees, bits, points=1500):
    """Coefficients, of that many bits, of x**degrees[0] ... x**degrees[-1], fitted to target(x)
    relative to scale(x); returned with the largest error of the rounded polynomial."""
    xs = chebyshev_points(low, high, points)
    scales = [scale(x) for x in xs]
    left = [target(x) for x in xs]
    chosen = []
    for degree in degrees:
        best = remez(xs, left, scales, degree, degrees[-1] - degree + 1)
        chosen.append(rounded(best[0], bits))
        left = [value - chosen[-1] * x**degree for value, x in zip(left, xs, strict=True)]

    def error(x):
        return abs(x ** degrees[0] * horner(chosen, x) - target(x)) / scale(x)

    return chosen, max(error(x) for x in chebyshev_points(low, high, 10 * points + 1))


def bound(error, bits):
    """A relative error in ULP of that many bits, as two digits rounded up."""
    ulp = error * mpf(2) ** (bits - 1)
    digit = mpf(10) ** (mp.floor(mp.log10(ulp)) - 1)
    return mp.nstr(mp.ceil(ulp / digit) * digit, 2)


def literal(x, suffix=""):
    """The exact hexadecimal C literal of a value that is a double."""
    assert mpf(float(x)) == x
    mantissa, exponent = float(x).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}{suffix}"


def define(name, value, suffix=""):
    """A macro; a list becomes a brace initialiser with four entries per line."""
    if isinstance(value, list):
        rows = [", ".join(map(literal, value[i : i + 4])) for i in range(0, len(value), 4)]
        return f"#define {name} {{ \\\n    " + ", \\\n    ".join(rows) + " \\\n}\n"
    return f"#define {name} ({literal(value, suffix)}) /* {mp.nstr(value, 17)} */\n"


def write_or_check(path, text):
    """Write the header, or with --check only compare; the exit status."""
    if "--check" not in sys.argv[1:]:
        path.write_text(text, encoding="ascii", newline="\n")
        return 0
    if path.exists() and path.read_text(encoding="ascii") == text:
        return 0
    print(f"{path} is not what this script derives", file=sys.stderr)
    return 1


def exp2_minus_1(low, high, degree, bits, tilt):
    """2**x - 1 - tilt * x. Where x ends and the next table entry begins, the tilt makes a step up
    that is larger than what roundings may make down."""
    return polynomial(
        low,
        high,
        lambda x: mpf(2) ** x - 1 - tilt * x,
        lambda x: mpf(2) ** x,
        range(1, degree + 1),
        bits,
    )


def table_near_floats(count, bits, candidates):
    """Entries g * 2**(j / count), j < count, as integers of that many bits, for the one g among
    the first candidates above 2**(bits - 1) that brings them nearest; and how far they are off."""
    first = 2 ** (bits - 1)
    powers = [int(mp.floor(mpf(2) ** (mpf(j) / count) * 2**64)) for j in range(count)]
    i = np.arange(candidates, dtype=np.uint64)
    off = np.zeros((count, candidates))
    for j, power in enumerate(powers):
        # the fraction of (first + i) * power, in units of 2**-64
        fraction = np.uint64(first * power % 2**64) + i * np.uint64(power % 2**64)
        off[j] = -fraction.view(np.int64).astype(np.float64) / 2**64 / 2 ** (j / count)
    best = int(np.argmin(off.max(0) - off.min(0)))
    exact = [(first + best) * mpf(2) ** (mpf(j) / count) for j in range(count)]
    entries = [int(mp.nint(value)) for value in exact]
    assert max(entries) < 2 * first
    return entries, max(abs(entry / value - 1) for entry, value in zip(entries, exact, strict=True))


def prepared(entries, bits, form, scale, shift):
    """The entries as C literals of their bits, times 2**scale, and less j << shift, which the index
    that is added to the exponent brings along; twice, to fill a pack."""
    size = struct.calcsize(form)
    values = []
    for j, entry in enumerate(entries):
        number = float(mp.ldexp(entry, scale - bits + 1))
        pattern = int.from_bytes(struct.pack(form, number), "little") - (j << shift)
        values.append(f"UINT{8 * size}_C(0x{pattern:0{2 * size}x})")
    step = 16 // size
    rows = [", ".join(values[i : i + step]) for i in range(0, len(values), step)]
    return "{ \\\n    " + ", \\\n    ".join(2 * rows) + " \\\n}"


def header():
    # past half a step by what x c_lo adds after x c_hi was rounded: exp2_f32.h, exp2_f64.h
    edge_f, edge = mpf(2) ** -4 + mpf(2) ** -13, mpf(2) ** -3 + mpf(2) ** -39
    float_c, float_error = exp2_minus_1(-edge_f, edge_f, 4, FLOAT, mpf(10) ** -7)
    sum_c, sum_error = exp2_minus_1(-edge_f, edge_f, 4, FLOAT, 0)
    double_c, double_error = exp2_minus_1(-edge, edge, 8, DOUBLE, mpf(2) ** -52)
    float_table, float_off = table_near_floats(8, FLOAT, int(2**23 * (2**0.125 - 1)))
    double_table, double_off = table_near_floats(4, DOUBLE, 2**24)
    quarters = [double_double(mpf(2) ** (-mpf(j) / 4)) for j in range(5)]
    log2e, ln2 = double_double(1 / mp.ln2), double_double(mp.ln2, DOUBLE - 11)
    return "".join(
        [
            "/* Generated by tools/exp2_minimax.py: do not edit. */\n",
            "#ifndef SD_EXP2_CONSTANTS_H\n#define SD_EXP2_CONSTANTS_H\n\n",
            "/* 2^f - 1 - 10^-7 f ~ f*(C1 + f*(C2 + f*(C3 + f*C4))) for |f| <= 1/16 + 2^-13: with",
            "\n * these float coefficients and exact arithmetic within",
            f" {bound(float_error, FLOAT)} ULP of 2^f (1 ULP = 2^-23\n * of it);",
            " the tilt is 0.053 of one at the ends. */\n",
            *(define(f"SD_EXP2F_C{i}", c, "f") for i, c in enumerate(float_c, 1)),
            "\n/* The same without the tilt, for sums:",
            f" within {bound(sum_error, FLOAT)} ULP. */\n",
            *(define(f"SD_EXP2F_SUM_C{i}", c, "f") for i, c in enumerate(sum_c, 1)),
            "\n/* g 2^(100 + j/8), j = 0..7, for a g that brings them within\n",
            f" * {bound(float_off, FLOAT)} ULP, as bits, less j << 20. */\n",
            f"#define SD_EXP2F_TABLE {prepared(float_table, FLOAT, '<f', 100, 20)}\n",
            "\n/* 2^-(j/8), j = 0..8, and 2^(1/16) */\n",
            define("SD_EXP2F_ROOTS", [rounded(mpf(2) ** (-mpf(j) / 8), DOUBLE) for j in range(9)]),
            define("SD_EXP2F_HALF_STEP", rounded(mpf(2) ** (mpf(1) / 16), DOUBLE)),
            "\n/* 2^f - 1 - 2^-52 f ~ f*(C1 + f*(C2 + ... + f*C8)) for |f| <= 1/8 + 2^-39: with",
            "\n * these double coefficients and exact arithmetic within",
            f" {bound(double_error, DOUBLE)} ULP of 2^f (1 ULP = 2^-52\n * of it);",
            " the tilt is 0.13 of one at the ends. */\n",
            *(define(f"SD_EXP2_C{i}", c) for i, c in enumerate(double_c, 1)),
            "\n/* g 2^(600 + j/4), j = 0..3, for a g that brings them within\n",
            f" * {bound(double_off, DOUBLE)} ULP, as bits, less j << 50. */\n",
            f"#define SD_EXP2_TABLE {prepared(double_table, DOUBLE, '<d', 600, 50)}\n",
            "\n/* 2^-(j/4), j = 0..4, as ROOTS + LOW_ROOTS, and 2^(1/8) */\n",
            define("SD_EXP2_ROOTS", [high for high, _ in quarters]),
            define("SD_EXP2_LOW_ROOTS", [low for _, low in quarters]),
            define("SD_EXP2_HALF_STEP", rounded(mpf(2) ** (mpf(1) / 8), DOUBLE)),
            "\n/* log2(e) as HI + LO. */\n",
            define("SD_LOG2E_HI", log2e[0]),
            define("SD_LOG2E_LO", log2e[1]),
            "\n/* ln 2 as HI + LO; HI has 42 bits, so k * HI is exact for |k| <= 2048. */\n",
            define("SD_LN2_HI", ln2[0]),
            define("SD_LN2_LO", ln2[1]),
            "\n#endif\n",
        ]
    )


if __name__ == "__main__":
    sys.exit(write_or_check(ARITH / "exp2_constants.h", header()))
