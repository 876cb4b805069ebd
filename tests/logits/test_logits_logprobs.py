"""return_logprobs=True gives logarithms of the distribution that is drawn from."""

import math

import numpy as np
import pytest
from logits_cases import FILTERS, ROWS, SPACED, TEMPERATURES, reference

from softdraw import log_softmax, sample_logits


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
