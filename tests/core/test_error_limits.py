"""The limits in docs/accuracy.md, which no row exceeds: what the largest errors add up to.

Errors are relative to the number that has them, in units of U = 2^-p, where p is the precision. So
an error of 1 U is at most 1 ULP, where the number is just below a power of two.
"""

import math
import re
from itertools import pairwise
from pathlib import Path

import mpmath
import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = ROOT / "src" / "core" / "arith" / "exp2_constants.h"
PAGE = ROOT / "docs" / "accuracy.md"

if not (CONSTANTS.exists() and PAGE.exists()):
    pytest.skip("the C sources are not beside the tests", allow_module_level=True)

LN2 = math.log(2)


def number(name):
    """A constant of the kernels, exactly."""
    text = re.search(rf"#define {name} \(([^)]*?)f?\)", CONSTANTS.read_text())[1]
    return mpmath.mpf(float.fromhex(text))


def table_error(name, steps, shift, bits, exponent):
    """The largest relative error of the ratio of two entries of a table."""
    text = CONSTANTS.read_text()
    entries = re.findall(
        r"0x[0-9a-f]+", text[text.index(f"#define {name} ") :].split("}")[0].split("{")[1]
    )
    fraction = 2 ** (bits - 1)
    with mpmath.workprec(200):
        shares = []
        for j in range(steps):
            whole = int(entries[j], 16) + (j << shift)
            value = mpmath.ldexp(
                1 + mpmath.mpf(whole % fraction) / fraction, whole // fraction - exponent
            )
            shares.append(value / mpmath.mpf(2) ** (mpmath.mpf(j) / steps))
        return float(max(shares) / min(shares) - 1)


def polynomial_error(coefficients, largest, tilt=0.0):
    """The largest error of 1 + f (C1 - tilt + f (C2 + ...)) as 2^f, computed exactly."""
    with mpmath.workprec(200):
        worst = 0.0
        for i in range(-1000, 1001):
            f = mpmath.mpf(largest) * i / 1000
            q = mpmath.mpf(0)
            for c in reversed(coefficients):
                q = (q + c) * f
            worst = max(worst, abs(float((1 + q - tilt * f) / mpmath.mpf(2) ** f - 1)))
        return worst


class Type:
    """What the kernels of a type compute with."""

    def __init__(self, p, steps, grid, sums, results, table, tilt):
        self.p, self.u, self.f, self.grid = p, 2.0**-p, 0.5 / steps, grid
        self.results = [number(name) for name in results]
        self.sums = [number(name) for name in sums]
        self.table, self.tilt = table_error(*table) / self.u, tilt

    def half_ulp(self, value):
        """Half a unit in the last place of numbers up to a value."""
        return 2.0 ** (math.ceil(math.log2(value)) - 1 - self.p)

    def reduction(self, on_grid):
        """Of an exponential, by f: that is rounded twice, the second time where it may be a little
        larger than it should be, and then to the grid."""
        error = (
            self.half_ulp(self.f) + self.half_ulp(2 * self.f) + (self.grid / 2 if on_grid else 0)
        )
        return LN2 * error / self.u

    def evaluation(self, coefficients, rest=0.0):
        """Of an exponential, by the roundings of q = f (C1 + f (C2 + ...)), and of `rest`, which
        is added to it at last."""
        f, error, sizes = self.f, 0.0, [abs(float(c)) for c in coefficients]
        for i in range(1, len(sizes)):  # C_i + f (C_i+1 + ...) is rounded, then times f^i
            size = sum(c * f**j for j, c in enumerate(sizes[i - 1 :])) * (1 + rest)
            error += self.half_ulp(size) * f**i
            error += self.half_ulp(sizes[i] * (1 + rest)) * f ** (i + 1) if rest else 0
        largest = 2**f * (1 + rest) - 1
        error += self.half_ulp(largest)
        if rest:  # its coefficients are rounded, too
            error += self.half_ulp(rest) + self.half_ulp(sizes[0] * (1 + rest)) * f
        return error / (2**-f * (1 - rest)) / self.u

    def exponential(self, coefficients, on_grid):
        error = polynomial_error(coefficients, self.f) / self.u
        return self.reduction(on_grid) + error + self.evaluation(coefficients)

    def divided_exponential(self, rest):
        """Of an exponential by a polynomial that divides by the sum as well (make_division)."""
        error = polynomial_error(self.results, self.f, self.tilt) / self.u
        return self.reduction(True) + error + self.evaluation(self.results, rest)

    def times_inverse(self):
        """Of s high + s (q high + low), by its roundings before the last (divide_exponentials)."""
        return 2 * (2**self.f - 1)


FLOAT = Type(
    p=24,
    steps=8,
    grid=2.0**-26,
    sums=[f"SD_EXP2F_SUM_C{i}" for i in range(1, 5)],
    results=[f"SD_EXP2F_C{i}" for i in range(1, 5)],
    table=("SD_EXP2F_TABLE", 8, 20, 24, 127 + 100),
    tilt=4e-8,
)
DOUBLE = Type(
    p=53,
    steps=4,
    grid=2.0**-54,
    sums=[f"SD_EXP2_C{i}" for i in range(1, 9)],
    results=[f"SD_EXP2_C{i}" for i in range(1, 9)],
    table=("SD_EXP2_TABLE", 4, 50, 53, 1023 + 600),
    tilt=2.0**-53,
)
LAST = 0.5  # the last rounding
SUMS = 0.02  # what is left of the errors of additions, whose losses are added up


def short_softmax(t):
    """softmax_short.h and softmax_columns.h: the same exponentials are summed and divided."""
    return LAST + 2 * t.exponential(t.results, True) + t.table + t.times_inverse() + SUMS


def long_softmax(t, rest):
    """softmax_long.h: the products s q are rounded where exponentials are summed."""
    summed = t.exponential(t.sums, False) + 2**t.f - 1
    return LAST + t.divided_exponential(rest) + summed + t.table + SUMS


def stored_softmax(t):
    """softmax_stored.h: exponentials are rounded, by up to 1 U, of which a part is made good."""
    correction = 1.625 * 2**-55 / t.u  # ROUNDING_CORRECTION
    rounding = max(correction, 1 - correction)
    return LAST + 2 * t.exponential(t.results, True) + rounding + t.table + SUMS


def excess(t):
    """Exponentials relative to that of the maximum (excess.h)."""
    return 2 * t.exponential(t.sums, False) + t.table + SUMS


RESTS = {FLOAT: 0.045, DOUBLE: 0.0906}  # the largest of make_division
LOG1P = 0.51  # ULP: test_log1p
LIMITS = {
    "softmax": (
        max(short_softmax(FLOAT), long_softmax(FLOAT, RESTS[FLOAT])),
        max(short_softmax(DOUBLE), long_softmax(DOUBLE, RESTS[DOUBLE]), stored_softmax(DOUBLE)),
    ),
    # In float32 everything after the excess is computed in doubles. In float64 the low part of the
    # excess is left out, which is at most 1 U.
    "log_softmax": (LAST + excess(FLOAT) + 0.001, LAST + LOG1P + 1 + excess(DOUBLE)),
    # The sum may lie a binade above both terms, so that the last rounding is 1 ULP of theirs.
    "logsumexp": (2 * LAST + excess(FLOAT) + 0.001, 2 * LAST + LOG1P + excess(DOUBLE)),
    # In float64 the mean of d has besides: d, its product with the exponential, whose three
    # roundings are 1 + 2 (2^f - 1) U, and five more: of the quotient by the maximum's exponential,
    # of that by T, of the sum with low parts, of 1 + excess and of the quotient by that.
    "entropy": (
        LAST + excess(FLOAT) + 0.001,
        LAST + excess(DOUBLE) + 1 + 1 + 2 * (2**DOUBLE.f - 1) + 5,
    ),
}


def documented():
    """The limits that the page has."""
    rows = re.findall(r"^\| (\w+) \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    cells = {name: [cell.strip(" *") for cell in row.split("|")] for name, row in rows}
    return {name: (float(cells[name][2]), float(cells[name][5])) for name in LIMITS}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limits_of_the_page_are_what_all_errors_add_up_to(name):
    for computed, written in zip(LIMITS[name], documented()[name], strict=True):
        assert computed <= written <= computed + 0.5


def test_the_rest_of_a_division_is_as_small_as_is_said():
    """make_division takes the root that brings a mantissa nearest to 1."""
    for t, name, steps in ((FLOAT, "SD_EXP2F", 8), (DOUBLE, "SD_EXP2", 4)):
        half_step = float(number(f"{name}_HALF_STEP"))
        roots = [2 ** (-j / steps) for j in range(steps + 1)]
        for low, high in pairwise(half_step / root for root in roots):
            for m in (low, high):
                j = sum(m * root > half_step for root in roots[:-1])
                assert abs(m * roots[j] - 1) <= RESTS[t]
