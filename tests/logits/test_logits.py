"""sample_logits against plain loops over fractions, its edges, and what its errors say."""

import itertools
import math
import re
import sys
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from floats import HALVES, bfloat16, needs_bfloat16
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import MT19937, PCG64, Generator
from processes import run

from softdraw import Xoshiro256, log_softmax, sample_logits, softmax

inf, nan = math.inf, math.nan
TOP = 2**64 - 1
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


def exactly(text):
    return f"^{re.escape(text)}$"


# ---- a plain reference -------------------------------------------------------------------------


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


# ---- filters -----------------------------------------------------------------------------------


def survivors(row, **options):
    return sorted(set(sample_logits(row, **options, words=SPACED).tolist()))


def test_top_k_keeps_the_lower_index_of_a_tie():
    assert survivors([1.0, 2, 1, 1, 2], top_k=3) == [0, 1, 4]


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


# ---- mask --------------------------------------------------------------------------------------


def packed(mask, spare=0):
    """A boolean mask in int32 words, its spare bits all the same, one bit at a time."""
    n = mask.shape[-1]
    words = np.zeros((*mask.shape[:-1], -(-n // 32)), np.uint32)
    for i in range(32 * words.shape[-1]):
        bit = mask[..., i] if i < n else np.full(mask.shape[:-1], spare)
        words[..., i // 32] |= bit.astype(np.uint32) << np.uint32(i % 32)
    return words.view(np.int32)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 70])
@pytest.mark.parametrize("spare", [0, 1])
def test_masks_are_minus_infinity(n, spare):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(3, n))
    mask = rng.random((3, n)) < 0.5
    mask[:, n // 2] = True
    words = rng.integers(2**64, size=3, dtype=np.uint64)
    for used, logits in ((mask, x), (mask[0], x), (mask[0], x[0])):
        expected = sample_logits(np.where(used, logits, -inf), words=words, top_p=0.9)
        for given_mask in (used, used.tolist(), packed(used, spare), packed(used).astype(">i4")):
            ids = sample_logits(logits, words=words, top_p=0.9, mask=given_mask)
            assert ids.tolist() == expected.tolist()


@pytest.mark.parametrize("bad", [nan, -nan, inf])
def test_masked_values_are_not_looked_at(bad):
    for dtype in (np.float16, np.float32, np.float64):
        row = np.array([bad, 1, bad, 2], dtype)
        mask = np.array([False, True, False, True])
        assert survivors(row, mask=mask) == [1, 3]
        assert survivors(row, mask=packed(mask, spare=1)) == [1, 3]
    signalling = np.array([0x7D00, 0], np.uint16).view(np.float16)
    assert sample_logits(signalling, mask=[False, True]) == 1


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_masks_of_0_and_1_are_booleans(dtype):
    rng = np.random.default_rng(7)
    mask = rng.random((3, 9)) < 0.5
    mask[:, 4] = True
    x = rng.normal(size=mask.shape)
    for used in (mask, mask[1]):
        expected = sample_logits(x, mask=used, size=20, rng=7)
        for layout in (used.astype(dtype), np.asfortranarray(used.astype(dtype))):
            np.testing.assert_array_equal(sample_logits(x, mask=layout, size=20, rng=7), expected)


def test_a_mask_broadcasts_to_the_rows():
    x = np.random.default_rng(7).normal(size=(2, 3, 40))
    mask = np.arange(40) % 3 == np.arange(3)[:, None]
    every = np.broadcast_to(mask, x.shape)
    expected = sample_logits(np.where(every, x, -inf), size=9, rng=7)
    for used in (
        mask[None],
        packed(mask)[None],
        every,
        packed(mask[None] & np.ones(x.shape, bool)),
    ):
        np.testing.assert_array_equal(sample_logits(x, mask=used, size=9, rng=7), expected)


# ---- words, generators, shapes -----------------------------------------------------------------

ROW = [0.5, 2.0, 1.0, 0.0]


def test_one_draw_is_an_int():
    for options in ({}, {"rng": 7}, {"words": 2**63}, {"words": np.array(3, np.uint64)}):
        assert type(sample_logits(ROW, **options)) is int


@pytest.mark.parametrize(
    ("size", "shape"), [(5, (5,)), ((2, 3), (2, 3)), ((), ()), (0, (0,))], ids=str
)
def test_size_is_the_shape(size, shape):
    ids, logprobs = sample_logits(ROW, size=size, rng=7, return_logprobs=True)
    assert ids.shape == logprobs.shape == shape
    assert ids.dtype == np.int64


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0)], ids=str)
def test_words_have_the_shape_of_the_result(shape):
    words = np.random.default_rng(7).integers(2**64, size=shape, dtype=np.uint64)
    assert np.shape(sample_logits(ROW, words=words)) == shape


def test_rows_give_one_draw_each():
    ids = sample_logits(np.zeros((6, 3)), rng=7)
    assert ids.shape == (6,)
    assert ids.dtype == np.int64
    ids, logprobs = sample_logits(np.zeros((0, 3), np.float32), return_logprobs=True)
    assert ids.shape == logprobs.shape == (0,)
    assert logprobs.dtype == np.float32


@pytest.mark.parametrize("leading", [(), (1,), (3,), (2, 3), (2, 0), (1, 2, 2)], ids=str)
@pytest.mark.parametrize("size", [None, (), 1, 4, (2, 3), 0], ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_of_any_leading_shape_draw_as_alone(leading, size, dtype):
    """Row r takes its words before row r + 1, and every row has its own parameters."""
    rng = np.random.default_rng(7)
    extra = () if size is None else size if isinstance(size, tuple) else (size,)
    x = rng.normal(size=(*leading, 33)).astype(dtype)
    filters = {
        "temperature": rng.choice([0, 0.5, 1, 4, inf], size=leading),
        "top_k": rng.integers(1, 40, size=leading),
        "top_p": rng.choice([0.3, 0.9, 1], size=leading),
        "min_p": rng.choice([0, 0.05, 0.5], size=leading),
    }
    mask = rng.random(x.shape) < 0.7
    mask[..., 5] = True
    words = Xoshiro256(7).random_raw(math.prod(leading + extra)).reshape(leading + extra)
    ids, logprobs = sample_logits(
        x, **filters, mask=mask, size=size, rng=Xoshiro256(7), return_logprobs=True
    )
    assert np.shape(ids) == np.shape(logprobs) == leading + extra
    for row in np.ndindex(leading):
        alone = sample_logits(
            x[row],
            **{name: values[row] for name, values in filters.items()},
            mask=mask[row],
            words=words[row],
            return_logprobs=True,
        )
        np.testing.assert_array_equal(np.asarray(ids)[row], alone[0])
        np.testing.assert_array_equal(np.asarray(logprobs)[row], alone[1])
    if leading != ():
        same = sample_logits(x, **filters, mask=mask, words=words)
        np.testing.assert_array_equal(same, ids)
        last = {name: values[..., None] for name, values in filters.items()}
        np.testing.assert_array_equal(sample_logits(x, **last, mask=mask, words=words), ids)


def test_more_words_than_rows_are_more_draws_of_each():
    x = np.random.default_rng(7).normal(size=(3, 9))
    words = Xoshiro256(7).random_raw(12).reshape(3, 2, 2)
    np.testing.assert_array_equal(
        sample_logits(x, words=words), sample_logits(x, size=(2, 2), rng=Xoshiro256(7))
    )


def test_strided_rows_draw_as_copies():
    x = np.random.default_rng(7).normal(size=(4, 6, 20))
    for view in (x[::2, ::3], x.transpose(1, 0, 2), x[:, ::-1], x[..., ::2], x[0, :, :11]):
        np.testing.assert_array_equal(
            sample_logits(view, size=3, rng=7), sample_logits(view.copy(), size=3, rng=7)
        )


# ---- rows that cannot be drawn from ------------------------------------------------------------


@pytest.mark.parametrize("filters", [{}, {"top_k": 5}, {"top_p": 0.9}, {"min_p": 0.01}], ids=str)
@pytest.mark.parametrize("size", [None, 3])
@pytest.mark.parametrize("n", [7, 40, 5000])
def test_skipped_rows_leave_the_others_their_draws(n, size, filters):
    rng = np.random.default_rng(7)
    good = rng.normal(size=(40, n))
    x = good.copy()
    bad = [0, 3, 4, 17, 39]
    x[bad, [0, 1, 2, 3, n - 1]] = [nan, inf, nan, inf, nan]
    x[21] = -inf
    bad.append(21)
    ids, logprobs = sample_logits(good, **filters, size=size, rng=7, return_logprobs=True)
    ids[bad], logprobs[bad] = -1, nan
    options = dict(filters, size=size, rng=7, invalid="skip")
    np.testing.assert_array_equal(sample_logits(x, **options), ids)
    both = sample_logits(x, **options, return_logprobs=True)
    np.testing.assert_array_equal(both[0], ids)
    np.testing.assert_array_equal(both[1], logprobs)


@pytest.mark.parametrize(
    ("name", "each"),
    [
        ("temperature", [1.0, 0.01, 5.0]),
        ("top_k", [20, 1, 9]),
        ("top_p", [1.0, 0.01, 0.6]),
        ("min_p", [0.0, 1.0, 0.1]),
        ("mask", np.arange(20) % np.array([[1], [19], [3]]) == 0),
        ("mask", np.array([[-1], [1], [0x1111]], np.int32)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_after_a_skipped_one_have_their_own_parameters(name, each):
    x = np.random.default_rng(7).normal(size=(3, 20))
    x[0, 3] = nan
    ids = sample_logits(x, **{name: each}, size=200, rng=7, invalid="skip")
    words = Xoshiro256(7).random_raw(600).reshape(3, 200)
    for row in (1, 2):
        alone = sample_logits(x[row], **{name: each[row]}, words=words[row])
        np.testing.assert_array_equal(ids[row], alone)


FILTERS_OF_A_ROW = [{}, {"top_k": 20}, {"top_p": 0.9}, {"min_p": 0.1}, {"top_k": 200, "top_p": 0.5}]


@pytest.mark.parametrize("filters", FILTERS_OF_A_ROW, ids=str)
@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64])
@pytest.mark.parametrize("rest", [0.0, -1e4, -inf])
def test_nan_is_found_at_any_place(filters, dtype, rest):
    """Also where it is among items that have no mass."""
    for length in (40, 150):
        x = np.full((length, length), rest, dtype)
        x[:, 0] = 1
        np.fill_diagonal(x, nan)
        for temperature in (0.0, 1.0, inf):
            ids = sample_logits(x, temperature=temperature, rng=7, invalid="skip", **filters)
            assert (ids == -1).all()
    x = np.full(6000, rest, dtype)
    x[:20] = 1
    for place in (*range(0, 6000, 61), 5999):
        x[place], before = nan, x[place].copy()
        for temperature in (0.0, 1.0, inf):
            assert sample_logits(x, temperature=temperature, invalid="skip", **filters) == -1
        x[place] = before


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


def test_a_row_that_is_skipped_alone():
    assert sample_logits([nan], invalid="skip") == -1
    token, logprob = sample_logits([nan], invalid="skip", return_logprobs=True)
    assert token == -1
    assert math.isnan(logprob)
    assert sample_logits([1.0], invalid="skip") == 0
    assert sample_logits(np.full((2, 3), nan), size=0, invalid="skip").shape == (2, 0)


def test_integers_on_both_sides_of_2_to_63_are_integers():
    assert sample_logits(np.eye(2), top_k=[1, 2**64 - 1], rng=7).shape == (2,)


def test_any_string_says_what_happens_to_bad_rows():
    assert sample_logits([nan], invalid=np.str_("skip")) == -1
    with pytest.raises(ValueError, match="^invalid must be 'raise' or 'skip', got True$"):
        sample_logits([nan], invalid=True)


def test_skipping_does_not_excuse_parameters():
    with pytest.raises(ValueError, match="^top_p must be in"):
        sample_logits([nan], top_p=2, invalid="skip")
    with pytest.raises(ValueError, match="^invalid must be 'raise' or 'skip', got None$"):
        sample_logits([1.0], invalid=None)


# ---- generators --------------------------------------------------------------------------------


def make_generators():
    return [Xoshiro256(7), PCG64(7), MT19937(7), Generator(Xoshiro256(7)), Generator(PCG64(7))]


@pytest.mark.parametrize("which", range(len(make_generators())))
def test_words_of_a_generator_replayed_give_the_same_draws(which):
    source = make_generators()[which]
    source = source if isinstance(source, Generator) else Generator(source)
    # NumPy takes one next_uint64 for each of these
    words = source.integers(2**64, size=50, dtype=np.uint64)
    rng = make_generators()[which]
    assert sample_logits(ROW, size=40, rng=rng).tolist() == [
        sample_logits(ROW, words=word) for word in words[:40]
    ]
    x = np.tile(ROW, (9, 1))
    expected = sample_logits(x, words=words[40:49]).tolist()
    assert sample_logits(x, rng=rng).tolist() == expected
    assert sample_logits(ROW, rng=rng) == sample_logits(ROW, words=words[49])


def test_a_seed_is_a_new_xoshiro256():
    words = Xoshiro256(7).random_raw(20)
    assert (sample_logits(ROW, size=20, rng=7) == sample_logits(ROW, words=words)).all()


def test_without_rng_draws_differ():
    row = np.zeros(1000)
    assert sample_logits(row, size=20).tolist() != sample_logits(row, size=20).tolist()


@pytest.mark.parametrize("temperature", [0.0, 0.7, inf])
@pytest.mark.parametrize("filters", [*FILTERS, {"mask": [True, False, True, True]}], ids=str)
def test_a_draw_takes_one_word(temperature, filters):
    words = Xoshiro256(7).random_raw(30)
    rng = Xoshiro256(7)
    sample_logits(ROW, temperature=temperature, rng=rng, **filters)
    assert rng.random_raw() == words[1]
    sample_logits(ROW, temperature=temperature, size=(2, 5), rng=rng, **filters)
    assert rng.random_raw() == words[12]
    sample_logits([ROW] * 6, temperature=temperature, rng=rng, **filters)
    assert rng.random_raw() == words[19]


def test_a_row_draws_in_a_batch_as_alone():
    rng = np.random.default_rng(7)
    n = 64
    x = rng.normal(size=(n, 33)).astype(np.float32) * 4
    mask = rng.random(x.shape) < 0.7
    temperature = rng.choice([0, 0.5, 1, 4, inf], size=n)
    filters = {
        "top_k": rng.integers(1, 40, size=n),
        "top_p": rng.choice([0, 0.3, 0.9, 1], size=n),
        "min_p": rng.choice([0, 0.05, 0.5], size=n),
    }
    words = rng.integers(2**64, size=n, dtype=np.uint64)
    ids, logprobs = sample_logits(
        x, temperature=temperature, **filters, mask=mask, words=words, return_logprobs=True
    )
    for i in range(n):
        alone = {name: values[i] for name, values in filters.items()}
        assert (ids[i], logprobs[i]) == sample_logits(
            x[i],
            temperature=temperature[i],
            **alone,
            mask=mask[i],
            words=words[i],
            return_logprobs=True,
        )


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p", "min_p"])
def test_a_parameter_is_a_number_or_one_a_row(name):
    x = np.random.default_rng(7).normal(size=(2, 8))
    words = np.array([2**62, 2**63], np.uint64)
    values = np.array([1, 1])
    expected = sample_logits(x, **{name: 1}, words=words).tolist()
    for given_values in (values, values.tolist(), values[:, None], values[:1], np.array(1)):
        assert sample_logits(x, **{name: given_values}, words=words).tolist() == expected
    alone = sample_logits(x[0], **{name: values[:1]}, words=words[0])
    assert alone == expected[0]


# ---- dtypes and layouts ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_is_drawn_as_float32(dtype):
    x = np.random.default_rng(7).normal(size=50).astype(dtype)
    ids, logprobs = sample_logits(x, temperature=0.7, top_p=0.9, words=SPACED, return_logprobs=True)
    wide = sample_logits(
        x.astype(np.float32), temperature=0.7, top_p=0.9, words=SPACED, return_logprobs=True
    )
    assert (ids == wide[0]).all()
    assert logprobs.dtype == np.float32
    assert (logprobs == wide[1]).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.bool_])
def test_integers_are_drawn_as_float64(dtype):
    x = np.array([1, 0, 1, 1]).astype(dtype)
    ids, logprobs = sample_logits(x, words=SPACED, return_logprobs=True)
    assert (ids == sample_logits(x.astype(np.float64), words=SPACED)).all()
    assert logprobs.dtype == np.float64


def test_layout_and_byte_order_do_not_matter():
    x = np.random.default_rng(7).normal(size=(40, 30)).astype(np.float32)
    expected = sample_logits(x, top_k=9, rng=7, return_logprobs=True)
    spread = np.zeros((80, 90), np.float32)
    spread[::2, ::3] = x
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
    unaligned[:] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (spread[::2, ::3], unaligned, read_only, np.asfortranarray(x), x.astype(">f4")):
        ids, logprobs = sample_logits(same, top_k=9, rng=7, return_logprobs=True)
        assert (ids == expected[0]).all()
        assert (logprobs == expected[1]).all()
        assert logprobs.dtype == np.dtype("=f4")
        np.testing.assert_array_equal(same, x)


# ---- log-probabilities -------------------------------------------------------------------------


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ROWS)
def test_logprobs_are_of_the_distribution_drawn_from(name, dtype, filters):
    row = ROWS[name].astype(dtype)
    for temperature in TEMPERATURES:
        masses = reference(row, temperature, **filters)
        total = float(sum(masses.values()))
        ids, logprobs = sample_logits(
            row, temperature=temperature, words=SPACED[::4], return_logprobs=True, **filters
        )
        expected = [math.log(float(masses[i]) / total) for i in ids.tolist()]
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(logprobs, expected, rtol=8 * eps, atol=8 * eps)
        assert logprobs.dtype == dtype


def test_logprob_of_a_sure_draw_is_0():
    for options in ({"temperature": 0}, {"top_k": 1}, {"top_p": 0}):
        token, logprob = sample_logits(np.float32([1, 1]), return_logprobs=True, **options)
        assert (token, logprob) == (0, 0)
        assert type(logprob) is np.float32


def test_logprob_of_a_dominant_item_is_not_rounded_to_0():
    row = np.float32([50, 0])
    assert sample_logits(row, words=0, return_logprobs=True) == (0, log_softmax(row)[0])
    assert log_softmax(row)[0] < 0


# ---- scratch -----------------------------------------------------------------------------------


def test_scratch_of_a_shorter_row_is_not_used_for_a_longer_one():
    draw = "softdraw.sample_logits(numpy.zeros(n, numpy.float32), top_p=0.9)"
    code = f"import numpy, softdraw\nfor n in (1000, 1200, 100_000):\n    {draw}"
    run([sys.executable, "-c", code], environment={"PYTHONMALLOC": "debug"})  # aborts at overflows


def test_threads_do_not_share_scratch():
    rows = np.random.default_rng(7).normal(size=(4, 60_000)).astype(np.float32)
    words = Xoshiro256(7).random_raw(100_000)  # so many that calls overlap

    def draw(row):
        return sample_logits(row, top_k=1000, words=words).tobytes()

    alone = [draw(row) for row in rows]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            assert list(threads.map(draw, rows)) == alone


# ---- refused -----------------------------------------------------------------------------------

X = np.arange(12.0).reshape(3, 4)


def with_at(place, value):
    x = X.copy()
    x[place] = value
    return x


MASKED = np.ma.array([1.0, 2.0])
HOPELESS = "nothing to draw from: every entry is -inf or masked"
OFF = "None, or any number from the row's length on, switches it off"
BEGIN = "must have the shape (3,) of the rows, or one that begins with it, got"
FINITE = "logits must be finite or -inf"
SKIP = "; invalid='skip' gives -1 for such rows"
LOST = "is a masked array; fill or compress it first, its mask would be lost"
NUMBERS = "must be a real number or an array of them, got"
INTEGERS = "must be an integer or an array of them, got"
DTYPE = (
    "mask must be bool, int8 or uint8 (1 for what may be drawn), or packed bits in int32, got dtype"
)
ASTYPE = "write mask.astype(bool)"
FLAGS = "must hold 1 for what may be drawn and 0 for what may not"
SOURCE = (
    "rng must be None, an int, a sequence of ints or a numpy.random.SeedSequence, BitGenerator or "
    "Generator, got"
)


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        ([], {}, "logits is empty"),
        (np.zeros((3, 0)), {}, "logits is empty"),
        (3.0, {}, "logits must have at least one dimension, got a number"),
        (np.full((2, 3, 4), -inf), {}, f"row 0, 0 of logits has {HOPELESS}{SKIP}"),
        (np.full((2, 1, 4), nan), {}, f"logits[0, 0, 0] is nan; {FINITE}{SKIP}"),
        ([1.0, 2, nan, nan], {}, f"logits[2] is nan; {FINITE}"),
        ([1.0, inf], {}, f"logits[1] is inf; {FINITE}"),
        (with_at((1, 2), inf), {}, f"logits[1, 2] is inf; {FINITE}{SKIP}"),
        (with_at((2, 0), nan), {"temperature": 0}, f"logits[2, 0] is nan; {FINITE}{SKIP}"),
        pytest.param(
            np.array([0, nan], bfloat16), {}, f"logits[1] is nan; {FINITE}", marks=needs_bfloat16
        ),
        ([-inf, -inf], {}, f"logits have {HOPELESS}"),
        ([1.0, 2], {"mask": [False, False]}, f"logits have {HOPELESS}"),
        (with_at(2, -inf), {}, f"row 2 of logits has {HOPELESS}{SKIP}"),
        (X, {"mask": np.zeros((3, 1), np.int32)}, f"row 0 of logits has {HOPELESS}{SKIP}"),
        (X, {"temperature": -1}, "temperature must be >= 0, got -1.0"),
        (X, {"temperature": nan}, "temperature must be >= 0, got nan"),
        (X, {"temperature": [0, 1, -inf]}, "temperature[2] must be >= 0, got -inf"),
        (X, {"temperature": [[1], [nan], [1]]}, "temperature[1, 0] must be >= 0, got nan"),
        (X, {"temperature": [1, 2]}, "temperature of shape (2,) fits neither (3, 1) nor (3,)"),
        (X[0], {"temperature": [1, 2]}, "temperature of shape (2,) fits neither (1,) nor ()"),
        (X, {"top_k": 0}, f"top_k must be >= 1, got 0; {OFF}"),
        (X[0], {"top_k": 0}, f"top_k must be >= 1, got 0; {OFF}"),
        (X[0], {"top_p": 1.5}, "top_p must be in [0, 1], got 1.5"),
        (X[0], {"min_p": -0.1}, "min_p must be in [0, 1], got -0.1"),
        (X, {"top_k": [1, -3, 0]}, f"top_k[1] must be >= 1, got -3; {OFF}"),
        (X, {"top_k": [1, 2, 3, 4]}, "top_k of shape (4,) fits neither (3, 1) nor (3,)"),
        (X, {"top_k": np.ones((1, 3), int)}, "top_k of shape (1, 3) fits neither (3, 1) nor (3,)"),
        (X, {"top_p": 1.5}, "top_p must be in [0, 1], got 1.5"),
        (X, {"top_p": [0.5, 1, nan]}, "top_p[2] must be in [0, 1], got nan"),
        (X, {"min_p": -0.1}, "min_p must be in [0, 1], got -0.1"),
        (X, {"min_p": [[0], [0], [2]]}, "min_p[2, 0] must be in [0, 1], got 2.0"),
        (X, {"mask": [True] * 3}, "mask must have shape (4,) or (3, 4), got (3,)"),
        (X, {"mask": True}, "mask must have shape (4,) or (3, 4), got ()"),
        (X[0], {"mask": np.ones((1, 4), bool)}, "mask must have shape (4,), got (1, 4)"),
        (X, {"mask": np.ones(2, np.int32)}, "packed mask must have shape (1,) or (3, 1), got (2,)"),
        (
            np.zeros(33),
            {"mask": np.ones(1, np.int32)},
            "packed mask must have shape (2,), got (1,)",
        ),
        (X, {"mask": np.int8([1, 0, 2, 1])}, f"mask[2] is 2; a mask of dtype int8 {FLAGS}"),
        (
            X,
            {"mask": np.full((3, 4), 255, np.uint8)},
            f"mask[0, 0] is 255; a mask of dtype uint8 {FLAGS}",
        ),
        (
            np.zeros((2, 3, 4)),
            {"mask": np.ones((2, 4), bool)},
            "mask must have shape (4,) or (2, 3, 4), got (2, 4)",
        ),
        (
            X,
            {"mask": np.ones(4, np.int32)},
            f"packed mask must have shape (1,) or (3, 1), got (4,); {ASTYPE} for one of 0 and 1",
        ),
        (X, {"invalid": "ignore"}, "invalid must be 'raise' or 'skip', got 'ignore'"),
        (X[0], {"size": -1}, "size must be >= 0, got -1"),
        (X[0], {"size": 2**60}, f"size must be at most 2**59 draws in all, got {2**60}"),
        (X[0], {"size": 2, "words": [1, 2]}, "words excludes rng and size"),
        (X[0], {"rng": 7, "words": 1}, "words excludes rng and size"),
        (X, {"words": [1, 2]}, f"words {BEGIN} (2,)"),
        (X, {"words": 1}, f"words {BEGIN} ()"),
        (X[0], {"words": -1}, "words must be from 0 to 2**64 - 1, got -1"),
    ],
)
def test_value_errors(logits, options, text):
    with pytest.raises(ValueError, match=exactly(text)):
        sample_logits(logits, **options)


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        (np.ma.array(X), {}, f"logits {LOST}"),
        (
            [1j, 2],
            {},
            "logits must be real numbers, got dtype complex128; take np.real or np.abs of it",
        ),
        (["a"], {}, "logits must be real numbers, got dtype <U1"),
        (None, {}, "logits must be real numbers, got dtype object"),
        (X, {"temperature": None}, f"temperature {NUMBERS} NoneType"),
        (X, {"temperature": "1"}, f"temperature {NUMBERS} str"),
        (X, {"temperature": MASKED}, f"temperature {LOST}"),
        (X, {"top_k": 5.0}, f"top_k {INTEGERS} float"),
        (X, {"top_k": True}, f"top_k {INTEGERS} bool"),
        (X, {"top_k": [1.0, 2, 3]}, f"top_k {INTEGERS} an array of dtype float64"),
        (X, {"top_p": 1j}, f"top_p {NUMBERS} complex"),
        (X, {"min_p": MASKED}, f"min_p {LOST}"),
        (X, {"mask": np.ones(1, np.int64)}, f"{DTYPE} int64; {ASTYPE}"),
        (X, {"mask": np.ones(1, np.uint32)}, f"{DTYPE} uint32; {ASTYPE}"),
        (X, {"mask": np.ones(4)}, f"{DTYPE} float64; {ASTYPE}"),
        (X, {"mask": np.ma.array([True] * 4)}, f"mask {LOST}"),
        (X, {"rng": "seed"}, f"{SOURCE} str"),
        (
            X,
            {"rng": [Xoshiro256(1), PCG64(2)]},
            "rng must be one generator; for one per row, pass a word of each as words, such as "
            "words=[Xoshiro256(seed).random_raw() for seed in seeds]",
        ),
        (X[0], {"words": 0.5}, "words must be uint64, got dtype float64"),
        (X[0], {"size": 1.5}, "size must be an int or a tuple of ints, got 1.5"),
    ],
)
def test_type_errors(logits, options, text):
    with pytest.raises(TypeError, match=exactly(text)):
        sample_logits(logits, **options)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_longdouble_is_a_type_error():
    name = np.dtype(np.longdouble)
    text = f"logits must be float16, bfloat16, float32, float64 or integers, got dtype {name}"
    with pytest.raises(TypeError, match=exactly(text)):
        sample_logits(X.astype(np.longdouble))
    for parameter in ("temperature", "top_p", "min_p"):
        text = f"{parameter} {NUMBERS} {np.longdouble.__name__}"
        with pytest.raises(TypeError, match=exactly(text)):
            sample_logits(X, **{parameter: np.longdouble(1)})


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "min_p"])
def test_an_integer_past_any_dtype_is_to_be_given_as_a_float(parameter):
    text = f"{parameter} is an integer of more than 64 bits; give it as a float"
    with pytest.raises(ValueError, match=exactly(text)):
        sample_logits(X, **{parameter: 10**30})
    assert sample_logits(X[0], temperature=1e30, words=2**63) == 2


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        (np.zeros((3, 0)), {}, "is empty"),
        (X, {"temperature": [1, 1, -1]}, "temperature"),
        (X, {"top_k": [1, 1, 0]}, "top_k"),
        (X, {"top_p": [1, 1, 2]}, "top_p"),
        (X, {"min_p": [1, 1, nan]}, "min_p"),
        (X, {"mask": np.zeros(2, np.int32)}, "mask"),
        (X, {"size": -3}, "size"),
        (X, {"words": [1, 2, 3]}, "words"),
    ],
)
def test_a_refused_argument_takes_no_word(logits, options, text):
    rng = Xoshiro256(7)
    with pytest.raises(ValueError, match=text):
        sample_logits(logits, rng=rng, **options)
    assert rng.random_raw() == Xoshiro256(7).random_raw()


def test_top_k_past_any_dtype_keeps_all():
    assert sample_logits([0.0, 5.0], temperature=0, top_k=10**30) == 1
    with pytest.raises(ValueError, match=f"^top_k must be >= 1, got -1{0:030}; {OFF}$"):
        sample_logits([0.0, 5.0], top_k=-(10**30))
