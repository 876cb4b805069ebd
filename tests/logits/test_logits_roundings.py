"""Rows in which a rounding decides what is drawn: every way to draw from them must decide alike.

The rounded exponential of one logit may be an ULP below that of a slightly smaller one. PAIRS has a
smaller and a larger logit of which that is so at temperature 1.
"""

from typing import NamedTuple

import numpy as np
import pytest
from logits_reference import WORDS

from softdraw import sample_logits


class Pair(NamedTuple):
    dtype: type
    smaller: float
    larger: float
    min_p: float  # between their masses, relative to that of 0


PAIRS = [
    Pair(
        np.float32,
        float.fromhex("-0x1.62a522p-5"),
        float.fromhex("-0x1.62a52p-5"),
        float.fromhex("0x1.ea4ec222e2ad8p-1"),
    ),
    Pair(
        np.float64,
        float.fromhex("-0x1.22b80cbaf274p-4"),
        float.fromhex("-0x1.22b80cbaf273fp-4"),
        float.fromhex("0x1.dceb7750ef37dp-1"),
    ),
]


def draws_of(row, words, **filters):
    """What the words draw, which must be the same in each of the ways to draw."""
    drawn = [sample_logits(row, words=word, **filters) for word in words]
    rows = [row] * len(words)
    assert sample_logits(rows, words=words, **filters).tolist() == drawn
    assert sample_logits(rows, words=words, return_logprobs=True, **filters)[0].tolist() == drawn
    mask = np.ones(len(row), bool)
    assert sample_logits(rows, words=words, mask=mask, **filters).tolist() == drawn
    return drawn


def first_word(row, item, **filters):
    """The first word that draws the item or one after it."""
    low, high = 0, WORDS - 1
    while low < high:
        middle = (low + high) // 2
        if sample_logits(row, words=middle, **filters) < item:
            low = middle + 1
        else:
            high = middle
    return low


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.dtype.__name__)
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_min_p_between_masses_that_are_out_of_order(pair, turn):
    row = np.roll(np.array([0, pair.smaller, pair.larger], pair.dtype), turn)
    words = np.arange(16, dtype=np.uint64) << np.uint64(60)
    drawn = draws_of(row, words, min_p=pair.min_p)
    assert set(drawn) == {turn, (1 + turn) % 3}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.dtype.__name__)
def test_min_p_between_masses_that_are_out_of_order_in_a_long_row(pair):
    """After top_p, which keeps some of the smaller ones, min_p drops all of the larger ones."""
    row = np.full(8192, pair.larger, pair.dtype)
    row[4096:] = pair.smaller
    row[0] = 0
    kept = [0, *range(4096, 4096 + round(0.9 * 8192) - 4096)]
    words = np.arange(0, WORDS, WORDS // 512, np.uint64)
    drawn = sample_logits(row, top_p=0.9, min_p=pair.min_p, words=words)
    even = [kept[int(word) * len(kept) // WORDS] for word in words]
    assert np.abs(drawn - even).max() <= 1


@pytest.mark.parametrize("n", range(2, 17))
def test_top_p_at_sums_of_weights_that_are_out_of_order(n):
    """The weight of the largest item is taken for 1, though that of the others may be larger."""
    pair = PAIRS[1]
    words = np.array([0, WORDS // 2, WORDS - (1 << 58)], np.uint64)
    for larger in (1, n // 2, n - 1):
        row = np.array([pair.larger] * larger + [pair.smaller] * (n - larger))
        for k in range(1, n):
            for p in (k / n, np.nextafter(k / n, 0), np.nextafter(k / n, 1)):
                draws_of(row, words, top_p=p)


def test_top_p_of_a_peaked_row_at_the_mass_of_its_peak():
    """The rest weighs an ULP more than as many items of the largest logit in it."""
    row = np.full(8192, float.fromhex("-0x1.ed1e02p-6"), np.float32)
    row[::10] = float.fromhex("-0x1.ed1ep-6")
    row[[114, 4276]] = float.fromhex("0x1.06fcc2p+3")
    top_p = float.fromhex("0x1.f07d1027034a4p-2")  # just above the share of one of the two
    words = np.array([0, WORDS - (1 << 55)], np.uint64)
    assert sample_logits(row, temperature=0.7, top_p=top_p, words=words).tolist() == [114, 4276]


@pytest.mark.parametrize("filters", [{"min_p": 1e-20}, {"top_p": 1 - 1e-15}], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [4096, 16_384, 300_000])
def test_small_masses_of_many_items_add_up(n, dtype, filters):
    """All are below half an ULP of the largest mass of the row, which is in another block."""
    row = np.full(n, {np.float32: -16.65, np.float64: -36.8}[dtype], dtype)
    row[-1] = 0
    item = 3 * n // 4
    plain, filtered = first_word(row, item), first_word(row, item, **filters)
    assert abs(filtered - plain) <= 2 * (n + 8) * 2.0**-53 * WORDS


@pytest.mark.parametrize("n", [2, 16, 17, 40, 700])
@pytest.mark.parametrize(
    ("dtype", "power", "bits"), [(np.float32, 70, 149), (np.float64, 510, 1074)]
)
def test_a_power_of_two_changes_nothing_at_the_bound_of_masses(dtype, power, bits, n):
    rng = np.random.default_rng(n)
    rows = np.zeros((400, n), dtype)
    rows[:, -1] = rng.uniform(-50, 50, 400)
    rows[:, :-1] = rows[:, -1:] - (bits - (n - 1).bit_length()) * np.log(2)
    words = np.zeros(400, np.uint64)
    for step in (-np.inf, 0, np.inf):
        x = np.nextafter(rows, dtype(step)) if step else rows.copy()
        x[:, -1] = rows[:, -1]
        drawn = sample_logits(x, words=words)
        for by in (-power, power):
            scaled = np.ldexp(x, by)
            assert (sample_logits(scaled, temperature=2.0**by, words=words) == drawn).all()
