"""What tests of sample_logits share: rows, filters, words, and masses as plain fractions."""

import itertools
import math
from fractions import Fraction

import numpy as np

from softdraw import sample_logits, softmax

inf = math.inf

TEMPERATURES = [0.0, 5e-324, 1e-3, 0.7, 1.0, 30.0, 1e30, inf]
FILTERS = [
    {},
    {"top_k": 1},
    {"top_k": 3},
    {"top_k": 10**6},
    {"top_p": 0.0},
    {"top_p": 0.3},
    {"top_p": 0.95},
    {"top_p": 1.0},
    {"min_p": 0.0},
    {"min_p": 0.1},
    {"min_p": 1.0},
    {"top_k": 5, "top_p": 0.6},
    {"top_k": 20, "top_p": 0.9, "min_p": 0.2},
]


def rows():
    rng = np.random.default_rng(7)
    yield "normal", rng.normal(size=50) * 3
    yield "ties", rng.integers(-2, 3, size=40).astype(float)
    yield "tied largest", np.array([1.0, 5, 5, 2, 5, -0.0, 0.0])
    yield "some impossible", np.where(rng.random(30) < 0.5, -inf, rng.normal(size=30))
    yield "one possible", np.array([-inf, 2.0, -inf])
    yield "one", np.array([3.0])
    yield "peaked", np.array([-5.0, 1000.0, 0.0, 990.0])
    yield "flat", np.full(37, 0.25)
    yield "huge", np.array([1e30, -1e30, 1e30, 9.9e29, 0.0])
    yield "subnormal", np.array([3e-40, 1e-40, 0.0, -1e-40])
    yield "Zipf", np.array([-math.log(rank + 1) for rank in rng.permutation(100)])


ROWS = dict(rows())
# Not at multiples of 2**54, so that no bound between two items falls onto a word.
SPACED = (np.arange(1024, dtype=np.uint64) << np.uint64(54)) + np.uint64(2**53)


def reference(row, temperature, top_k=None, top_p=None, min_p=None):
    """Exact masses by index, in the order of the indices, of what survives the filters."""
    logits = row.tolist()
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    if temperature == 0:
        return {order[0]: Fraction(1)}
    masses = [Fraction(mass) for mass in softmax(row, temperature=temperature).tolist()]
    masses = [mass / max(masses) for mass in masses]  # as exponentials of x - max are
    kept = order if top_k is None else order[:top_k]
    if top_p is not None and top_p < 1:
        enough = top_p * float(sum(masses[i] for i in kept))
        sums = itertools.accumulate(masses[i] for i in kept)
        crossing = next(place for place, mass in enumerate(sums) if float(mass) >= enough)
        kept = kept[: crossing + 1]
    if min_p is not None:
        least = min_p * float(masses[order[0]])
        kept = [i for i in kept if masses[i] >= least]
    return {i: masses[i] for i in sorted(kept) if masses[i] > 0}


def survivors(row, **options):
    return sorted(set(sample_logits(row, **options, words=SPACED).tolist()))
