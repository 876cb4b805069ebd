"""Rows of a batch draw as each does alone, with parameters of their own."""

import math

import numpy as np
import pytest

from softdraw import Xoshiro256, sample_logits

inf = math.inf


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


def test_more_words_than_rows_are_more_draws_of_each():
    x = np.random.default_rng(7).normal(size=(3, 9))
    words = Xoshiro256(7).random_raw(12).reshape(3, 2, 2)
    np.testing.assert_array_equal(
        sample_logits(x, words=words), sample_logits(x, size=(2, 2), rng=Xoshiro256(7))
    )
