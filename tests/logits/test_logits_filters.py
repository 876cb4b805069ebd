"""What top_k, top_p and min_p keep of a row, its ties included."""

import math

import numpy as np
import pytest
from logits_cases import SPACED, survivors

from softdraw import sample_logits, softmax

inf = math.inf


# ---- top_k -------------------------------------------------------------------------------------


def test_top_k_keeps_the_lower_index_of_a_tie():
    assert survivors([1.0, 2, 1, 1, 2], top_k=3) == [0, 1, 4]


def test_integers_on_both_sides_of_2_to_63_are_integers():
    assert sample_logits(np.eye(2), top_k=[1, 2**64 - 1], rng=7).shape == (2,)


# ---- top_p -------------------------------------------------------------------------------------


def test_top_p_keeps_the_lower_index_of_a_tie():
    assert survivors([0.0, 0, 0, 0], top_p=0.5) == [0, 1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("most", "trials"), [(30, 2000), (3000, 20)])
def test_top_p_at_the_mass_of_some_items_keeps_at_most_one_more(most, trials, dtype):
    """Sums of the same masses in another order may end a last place before p times the total."""
    rng = np.random.default_rng(most)
    for _ in range(trials):
        counts = rng.integers(1, 30, rng.integers(2, most))
        sums = np.sort(counts)[::-1].cumsum()
        k = rng.integers(0, len(counts) - 1)
        p = sums[k] / sums[-1]
        for each in (np.nextafter(p, 0), p, np.nextafter(p, 1)):
            row = np.log(counts / counts.sum()).astype(dtype)
            drawn = sample_logits(row, top_p=each, words=SPACED[::8], return_logprobs=True)
            kept = float(counts[drawn[0][0]] / sums[-1] / np.exp(float(drawn[1][0])))
            assert p - 1e-5 <= kept <= sums[k + 1] / sums[-1] + 1e-5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [700, 4095, 4096, 5000, 40_000])
def test_top_p_counts_equal_items_among_others_without_mass(n, dtype):
    rng = np.random.default_rng(n)
    for few in (1, 2, 6, 20, n // 30, n // 9, n - 1):
        row = np.empty(n, dtype)
        at = np.sort(rng.choice(n, few, replace=False))
        others = np.isin(np.arange(n), at, invert=True)
        for p in (0.1, 0.25, 0.3, 1 / 3, 0.5, 0.75, 0.9):
            kept = max(1, math.ceil(p * few))
            mask = sample_logits(np.zeros(n, dtype), mask=~others, top_p=p, words=[0, 2**64 - 1])
            assert mask.tolist() == [at[0], at[kept - 1]]
            for spread in 4 * [inf, 0, 1, 5, 20, 100]:  # impossible, equal, or different
                row[at] = 2000 + rng.normal()
                row[others] = -inf if spread == inf else rng.normal(0, spread, n - few)
                ids = sample_logits(row, top_p=p, words=[0, 2**64 - 1])
                assert ids.tolist() == [at[0], at[kept - 1]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_top_p_next_to_1_of_a_long_row_keeps_no_item_without_mass(dtype):
    """Sums of so many masses may end a last place before p times the total: then all are kept."""
    for seed in range(60):
        logits = -np.random.default_rng(seed).random(4097) * (1 if seed % 2 else 20)
        row = np.r_[-1e4, logits].astype(dtype)
        for p in (1 - 2.0**-53, 1 - 2.0**-52, 1 - 2.0**-48):
            assert sample_logits(row, top_p=p, words=0) > 0


def test_top_p_includes_the_item_that_crosses():
    assert survivors([0.0, 0, 0, 0], top_p=0.51) == [0, 1, 2]
    assert survivors([0.0, 0, 0, 0], top_p=0.49) == [0, 1]


def test_top_p_0_keeps_one():
    assert survivors([1.0, 3, 3], top_p=0) == [1]


def test_top_p_compares_with_the_rounded_product():
    """0.3 of ten equal masses is three of them, whatever 0.1 + 0.1 + 0.1 is."""
    assert survivors(np.zeros(10), top_p=0.3) == [0, 1, 2]


def test_top_p_counts_unequal_logits_of_one_mass():
    row = 1e-40 * np.random.default_rng(7).normal(size=5000)
    ids = sample_logits(row, top_p=0.5, size=200_000, rng=7)
    assert sorted(np.unique(ids)) == sorted(np.argsort(-row, kind="stable")[:2500])


def test_top_p_sees_what_top_k_leaves():
    row = np.log([4.0, 3, 2, 1])
    assert survivors(row, top_p=0.5) == [0, 1]
    assert survivors(row, top_k=2, top_p=0.5) == [0]


# ---- min_p, and all three ----------------------------------------------------------------------


def test_min_p_keeps_what_equals_the_bound():
    assert survivors(np.zeros(5), min_p=1) == [0, 1, 2, 3, 4]
    assert survivors([0.0, 1, 1], min_p=1) == [1, 2]


def test_filters_rank_by_logit_where_probabilities_are_equal():
    row = [1.0, 3, 2, -inf]
    assert survivors(row, temperature=inf, top_k=2) == [1, 2]
    assert survivors(row, temperature=inf, top_p=0.5) == [1, 2]
    row = np.float32([1, 1 + 2**-20, 1])
    assert np.unique(softmax(row, temperature=1e10)).size == 1
    assert survivors(row, temperature=1e10, top_k=1) == [1]


def test_filters_see_the_temperature():
    row = [0.0, 1.0]
    assert survivors(row, temperature=0.1, min_p=0.3) == [1]
    assert survivors(row, temperature=10, min_p=0.3) == [0, 1]
