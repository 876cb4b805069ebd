"""Each draw takes one word, from `words` or a generator; results have the shape of both."""

import math

import numpy as np
import pytest
from logits_cases import FILTERS
from numpy.random import MT19937, PCG64, Generator

from softdraw import Xoshiro256, sample_logits

inf = math.inf
ROW = [0.5, 2.0, 1.0, 0.0]


# ---- shapes ------------------------------------------------------------------------------------


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
