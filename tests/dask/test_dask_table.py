"""softdraw.dask.sample draws from a table what one machine draws, in any chunks."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import softdraw

pytest.importorskip("dask.array")

import softdraw.dask as sd

pytestmark = pytest.mark.usefixtures("in_this_thread")


@settings(max_examples=40)
@given(st.data())
def test_draws_from_a_table_in_any_chunks(data):
    shape = data.draw(st.lists(st.integers(0, 30), max_size=3).map(tuple))
    chunks = tuple(data.draw(st.integers(1, 31)) for _ in shape)
    table = softdraw.AliasTable([1, 2, 3, 0, 5])
    got = sd.sample(table, shape, chunks=chunks, seed=7)
    wanted = table.sample(shape, rng=7)
    assert got.dtype == np.int64
    assert got.shape == wanted.shape
    assert (got.compute() == wanted).all()


def test_a_generator_for_a_table_is_advanced():
    table, generator = softdraw.AliasTable([1, 2, 3]), softdraw.Xoshiro256(7)
    generator.random_raw(3)
    wanted = table.sample(100, rng=copy.copy(generator))
    assert (sd.sample(table, 60, chunks=7, seed=generator).compute() == wanted[:60]).all()
    assert (sd.sample(table, 40, chunks=7, seed=generator).compute() == wanted[60:]).all()


@pytest.mark.parametrize("chunks", [0, ("auto", 1), "some", (2, 2), (1,) * 1000])
def test_chunks_that_do_not_fit_are_refused(chunks):
    with pytest.raises(ValueError, match=r"^chunks must fit the shape \(5,\), got .{1,70}$"):
        sd.sample(softdraw.AliasTable([1, 2]), 5, chunks=chunks)


@pytest.mark.parametrize("size", [(0, 1_000_000), (1_000_000, 0)])
def test_no_draws_need_no_chunks(size):
    """Dask finds no chunks for them by itself."""
    assert sd.sample(softdraw.AliasTable([1, 2]), size).compute().shape == size
