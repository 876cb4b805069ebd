"""Slow references for sample_logits: masses from the oracle, filters by a plain stable sort.

A mass is a Python integer, in units of 2**-UNIT of its row's total, so that sums of masses and
their order are exact. The kernels draw by exponentials that are rounded, to at most ULPS of their
dtype, and add them up in float64: `slack` and `survivors` say what that may change, and nothing
else may.
"""

from itertools import accumulate
from typing import NamedTuple

import mpmath
import numpy as np
from oracle import LOWEST_EXPONENT, PRECISION, exact

UNIT = 1500  # a float64 probability is above 2**-1075, or 0
ULPS = 2  # promised of the exponentials
WORDS = 2**64


def masses(rows, temperature):
    """For each row of float64 its masses, temperature being one value per row."""
    hi, lo, exponent = exact(rows, temperature).softmax
    result = np.zeros(hi.shape, object)
    for part in (hi, lo):
        fraction, e = np.frexp(part)
        digits = (fraction * 2.0**53).astype(np.int64).astype(object)
        shift = (e + exponent - 53 + UNIT).astype(object)
        result += np.frompyfunc(_shifted, 2, 1)(digits, shift)
    return [list(map(int, row)) for row in result]


def _shifted(digits, shift):
    return digits << shift if shift >= 0 else digits >> -shift


def epsilon(dtype):
    """The relative size of an ULP, at its largest, in what a dtype is computed in."""
    return 2.0 ** (1 - (53 if dtype == np.float64 else 24))


def slack(share, rest, n, dtype):
    """How far a cumulative share of the mass, and the rest of it, may be off, as a share.

    Masses before and after that are off by a relative d in opposite directions move the share by
    2 d share rest, and sums of n masses in float64 by about n roundings of it.
    """
    return 2.001 * ULPS * epsilon(dtype) * share * rest + (n + 8) * 2.0**-53 * share


class Left(NamedTuple):
    """What the filters leave: of the items by rank the first so many, at least and at most."""

    order: list
    least: int
    most: int


def survivors(row, mass, dtype, temperature, top_k=None, top_p=None, min_p=None):
    """What the filters leave of a row of float64, which has -inf where it is masked."""
    order = sorted(np.flatnonzero(row > -np.inf).tolist(), key=lambda i: (-row[i], i))
    if temperature == 0:
        return Left(order, 1, 1)
    least = most = len(order) if top_k is None else min(top_k, len(order))
    if top_p is not None and top_p < 1:
        least, most = _crossing([mass[i] for i in order[:most]], top_p, dtype)
    if min_p is not None:
        sure, possible = _at_least(min_p, [mass[i] for i in order[:most]], dtype)
        least, most = min(least, sure), min(most, possible)
    return Left(order, least, most)


def _crossing(ranked, p, dtype):
    """How many of the masses reach p of their sum, at least and at most."""
    n = len(ranked)
    if ranked[0] == ranked[-1]:  # nothing is rounded but the product
        count = next(count for count in range(1, n + 1) if count >= p * n)
        return count, count
    sums = list(accumulate(ranked))
    total = sums[-1]
    first = None
    for count, sum_ in enumerate(sums, 1):
        share = sum_ / total
        off = slack(share, (total - sum_) / total, n, dtype)
        if first is None and share >= p - off:
            first = count
        if share >= p + off:
            return first, count
    return first or n, n


def _at_least(p, ranked, dtype):
    """How many of the masses are at least p of the largest, surely and possibly."""
    largest = ranked[0]
    off = p * (2 * ULPS + 0.5) * epsilon(dtype)  # both are off
    sure = sum(mass == largest or mass / largest >= p + off for mass in ranked)
    return sure, sum(mass / largest >= p - off for mass in ranked)


def never_drawn(mass, total, dtype):
    """Whether softmax rounds a share of the mass to 0."""
    name = "float64" if dtype == np.float64 else "float32"
    smallest = LOWEST_EXPONENT[name] - (PRECISION[name] - 1)
    return mass == 0 or mass / total < 2.0 ** (smallest - 1)


def log_share(mass, total):
    """The logarithm of mass / total, right where that is near 1, too."""
    with mpmath.workprec(150):
        return -mpmath.log1p(mpmath.mpf(total - mass) / mass)
