"""invalid="skip": rows that cannot be drawn from give -1, and others draw as without them."""

import math

import numpy as np
import pytest
from floats import bfloat16

from softdraw import Xoshiro256, sample_logits

inf, nan = math.inf, math.nan


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


def test_a_row_that_is_skipped_alone():
    assert sample_logits([nan], invalid="skip") == -1
    token, logprob = sample_logits([nan], invalid="skip", return_logprobs=True)
    assert token == -1
    assert math.isnan(logprob)
    assert sample_logits([1.0], invalid="skip") == 0
    assert sample_logits(np.full((2, 3), nan), size=0, invalid="skip").shape == (2, 0)


def test_any_string_says_what_happens_to_bad_rows():
    assert sample_logits([nan], invalid=np.str_("skip")) == -1
    with pytest.raises(ValueError, match="^invalid must be 'raise' or 'skip', got True$"):
        sample_logits([nan], invalid=True)


def test_skipping_does_not_excuse_parameters():
    with pytest.raises(ValueError, match="^top_p must be in"):
        sample_logits([nan], top_p=2, invalid="skip")
    with pytest.raises(ValueError, match="^invalid must be 'raise' or 'skip', got None$"):
        sample_logits([1.0], invalid=None)
