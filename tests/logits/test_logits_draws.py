"""sample_logits draws what plain loops over fractions draw, at every temperature."""

import itertools
import math
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logits_cases import FILTERS, ROWS, SPACED, TEMPERATURES, reference, survivors

from softdraw import sample_logits

inf = math.inf
TOP = 2**64 - 1


def drawn(masses, words):
    """For each word the first item whose cumulative mass exceeds that share of the total."""
    items = list(masses)
    cumulative = list(itertools.accumulate(masses.values()))
    ends = [math.ceil(mass * 2**64 / cumulative[-1]) for mass in cumulative]
    return [items[bisect_right(ends, word)] for word in words.tolist()]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ROWS)
def test_spaced_words_draw_as_the_reference(name, dtype, filters):
    row = ROWS[name].astype(dtype)
    for temperature in TEMPERATURES:
        masses = reference(row, temperature, **filters)
        ids = sample_logits(row, temperature=temperature, words=SPACED, **filters)
        assert ids.tolist() == drawn(masses, SPACED), temperature
        counts = np.bincount(ids, minlength=row.size)
        total = sum(masses.values())
        for i in range(row.size):
            assert abs(int(counts[i]) - len(SPACED) * masses.get(i, 0) / total) <= 1


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_first_and_last_word_draw_first_and_last_survivor(name, filters):
    row = ROWS[name]
    for temperature in TEMPERATURES:
        masses = reference(row, temperature, **filters)
        total = sum(masses.values())
        # a mass lost in the rounding of float64 sums cannot be drawn by the last word
        last = max(i for i, mass in masses.items() if mass > total / 2**45)
        ids = sample_logits(row, temperature=temperature, words=[0, TOP], **filters)
        assert ids[0] == min(masses)
        assert ids[1] in masses
        assert ids[1] >= last


logit = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3), st.just(-inf))


@given(
    logits=st.lists(logit, min_size=1, max_size=12).filter(lambda row: max(row) > -inf),
    temperature=st.sampled_from(TEMPERATURES) | st.floats(0, 100),
    top_k=st.none() | st.integers(1, 14),
    top_p=st.none() | st.floats(0, 1) | st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]),
    min_p=st.none() | st.floats(0, 1),
    wide=st.booleans(),
    power=st.sampled_from([0, 0, -100, 60, 110, 117]),
)
def test_any_row_and_filters_draw_as_the_reference(
    logits, temperature, top_k, top_p, min_p, wide, power
):
    power *= 0 if temperature > 1e20 else 8 if wide else 1
    row = np.ldexp(np.array(logits, np.float64 if wide else np.float32), power)
    temperature = math.ldexp(temperature, power)
    masses = reference(row, temperature, top_k, top_p, min_p)
    words = SPACED[::8]
    ids = sample_logits(
        row, temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, words=words
    )
    assert ids.tolist() == drawn(masses, words)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_an_impossible_item_is_never_drawn(filters):
    row = np.array([-inf, -inf, 0.0, -inf, 1.0, 1.0, -inf])
    words = np.concatenate([SPACED, np.array([0, 1, TOP - 1, TOP], np.uint64)])
    for temperature in TEMPERATURES:
        ids = sample_logits(row, temperature=temperature, words=words, **filters)
        assert set(ids.tolist()) <= {2, 4, 5}


def test_temperature_0_draws_the_first_of_the_largest_for_every_word():
    for temperature in (0, -0.0):
        assert survivors([1.0, 7, 3, 7], temperature=temperature) == [1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_infinite_temperature_draws_equally_however_far_apart_logits_are(dtype):
    for n in (5, 30, 300, 6000):
        for spread in (1, 0.9 * float(np.finfo(dtype).max)):  # twice of which is infinite
            x = np.linspace(-1, 1, n).astype(dtype) * dtype(spread)
            for filters, kept in (
                ({}, n),
                ({"top_k": 3}, 3),
                ({"top_p": 0.25}, math.ceil(n / 4)),
                ({"top_k": n // 2, "top_p": 0.5}, math.ceil(n // 2 / 2)),
                ({"min_p": 0.5}, n),
            ):
                options = {"temperature": inf, "rng": 7, "size": 100, **filters}
                ids, logprobs = sample_logits(x, return_logprobs=True, **options)
                assert (ids >= n - kept).all()
                np.testing.assert_allclose(logprobs, -math.log(kept), rtol=1e-6)
