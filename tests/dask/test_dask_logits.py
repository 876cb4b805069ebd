"""softdraw.dask.sample_logits draws as one machine does, or nearly so where rows are split."""

import numpy as np
import pytest
from dask_cases import LOGITS, MOST, RNG, da, lazy
from floats import bfloat16

import softdraw
import softdraw.dask as sd

pytestmark = pytest.mark.usefixtures("in_this_thread")


# ---- rows in one chunk -------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", [(6, 5, 40), (2, 2, 40), (1, 5, 40), (4, 3, 40)])
@pytest.mark.parametrize("size", [None, (), 1, 3, (2, 2)])
def test_draws_of_rows_in_one_chunk_are_those_of_one_machine(chunks, size):
    arguments = {"temperature": 0.8, "top_k": 9, "min_p": 0.01, "size": size, "rng": 7}
    got = sd.sample_logits(lazy(LOGITS, chunks), **arguments)
    wanted = softdraw.sample_logits(LOGITS, **arguments)
    assert got.dtype == np.int64
    assert got.shape == wanted.shape
    assert (got.compute() == wanted).all()
    ids, logprobs = sd.sample_logits(lazy(LOGITS, chunks), return_logprobs=True, **arguments)
    _, wanted_logprobs = softdraw.sample_logits(LOGITS, return_logprobs=True, **arguments)
    assert (ids.compute() == wanted).all()
    assert logprobs.compute().tobytes() == wanted_logprobs.tobytes()


def test_parameters_and_masks_of_rows():
    k = np.array([1, 2, 3, 4, 5])
    mask = RNG.random(LOGITS.shape) < 0.5
    mask[..., 0] = True
    bits = np.packbits(mask, axis=-1, bitorder="little")
    packed = np.zeros((6, 5, 8), np.uint8)
    packed[..., :5] = bits
    packed = packed.view(np.int32)
    x = lazy(LOGITS, (2, 2, 40))
    for plain in (mask, mask.astype(np.int8), packed, mask[0, 0]):
        for as_dask in (False, True):
            allowed = da.from_array(plain, chunks=3) if as_dask else plain
            ks = da.from_array(k, chunks=2) if as_dask else k
            got = sd.sample_logits(x, top_k=ks, mask=allowed, rng=7)
            wanted = softdraw.sample_logits(LOGITS, top_k=k, mask=plain, rng=7)
            assert (got.compute() == wanted).all()


def test_top_k_may_be_larger_than_any_dtype_holds():
    for k in (2**80, [2**64, 1, 2, 2**80, 3]):
        got = sd.sample_logits(lazy(LOGITS, (2, 2, 40)), top_k=k, rng=7)
        assert (got.compute() == softdraw.sample_logits(LOGITS, top_k=k, rng=7)).all()


def test_packed_masks_may_be_of_the_other_byte_order():
    mask = np.array([5, 1], np.int32)
    wanted = softdraw.sample_logits(LOGITS, mask=mask, rng=7)
    swapped = mask.astype(mask.dtype.newbyteorder())
    for each in (swapped, da.from_array(swapped)):
        got = sd.sample_logits(lazy(LOGITS, (2, 2, 40)), mask=each, rng=7)
        assert (got.compute() == wanted).all()


def test_parameters_may_have_as_many_dimensions_as_there_can_be():
    logits = np.zeros((1,) * (MOST - 1) + (3,))
    p = np.ones((1,) * MOST)
    wanted = softdraw.sample_logits(logits, top_p=p, min_p=p, top_k=p.astype(int), rng=7)
    got = sd.sample_logits(da.from_array(logits), top_p=p, min_p=p, top_k=p.astype(int), rng=7)
    assert got.compute() == wanted


# ---- rows that are split -----------------------------------------------------------------------


def test_draws_from_split_rows_depend_on_the_chunks_of_the_rows_alone():
    wanted = sd.sample_logits(lazy(LOGITS, (6, 5, 7)), rng=7, size=3).compute()
    for chunks in ((1, 1, 7), (4, 2, 7)):
        assert (sd.sample_logits(lazy(LOGITS, chunks), rng=7, size=3).compute() == wanted).all()
    # Nearly every word gives the same draw as from the whole row.
    assert (wanted == softdraw.sample_logits(LOGITS, rng=7, size=3)).mean() > 0.99


def test_draws_from_split_rows_have_the_right_frequencies():
    logits = np.array([0.0, 1, -1, 2, -np.inf, 0.5, 0.5, -3, 1.5], np.float32)
    p = softdraw.softmax(logits.astype(np.float64), temperature=1.3)
    draws = sd.sample_logits(lazy(logits, 2), temperature=1.3, size=200_000, rng=7).compute()
    counts = np.bincount(draws, minlength=9)
    assert counts[4] == 0
    wanted = 200_000 * p[p > 0]
    # chi-squared with 7 degrees of freedom: less than once in a million times by chance
    assert ((counts[p > 0] - wanted) ** 2 / wanted).sum() < 40.6


def test_extreme_temperatures_of_split_rows():
    logits = np.array([[1.0, 5, 5, -np.inf, 5, 0], [-np.inf, -np.inf, 2, -np.inf, 2, 1]])
    x = lazy(logits, (1, 2))
    coldest = sd.sample_logits(x, temperature=0, rng=7, size=9).compute()
    assert (coldest == [[1], [2]]).all()
    draws = sd.sample_logits(x, temperature=np.inf, rng=7, size=5_000).compute()
    assert np.bincount(draws[1], minlength=6)[[0, 1, 3]].sum() == 0
    assert np.bincount(draws[0], minlength=6)[[0, 1, 2, 4, 5]].min() > 900


def test_masks_of_split_rows_hide_what_they_mask():
    logits = LOGITS.copy()
    mask = RNG.random(logits.shape) < 0.3
    mask[..., 33] = True
    logits[~mask] = np.nan
    for each in (mask, mask.astype(np.uint8), da.from_array(mask, chunks=(6, 5, 11))):
        draws = sd.sample_logits(lazy(logits, (2, 5, 7)), mask=each, rng=7, size=20).compute()
        assert np.take_along_axis(mask, draws, axis=-1).all()


def test_log_probabilities_of_split_rows():
    x = lazy(LOGITS, (2, 5, 7))
    ids, logprobs = sd.sample_logits(x, temperature=0.6, rng=7, size=4, return_logprobs=True)
    wanted = np.take_along_axis(
        softdraw.log_softmax(LOGITS, temperature=0.6), ids.compute(), axis=-1
    )
    assert logprobs.dtype == np.float32
    np.testing.assert_allclose(logprobs.compute(), wanted, rtol=3e-7)


# ---- both --------------------------------------------------------------------------------------


def test_one_row_without_rows():
    x = LOGITS[0, 0]
    for chunks in (40, 7):
        got = sd.sample_logits(lazy(x, chunks), rng=7, size=50)
        assert got.shape == (50,)
        if chunks == 40:
            assert (got.compute() == softdraw.sample_logits(x, rng=7, size=50)).all()
        assert sd.sample_logits(lazy(x, chunks), rng=7).compute() == got.compute()[0]


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, ">f4", np.float64, np.int8, bool])
@pytest.mark.parametrize("width", [40, 7])
def test_draws_from_logits_of_any_dtype(dtype, width):
    logits = (LOGITS * 2).astype(dtype)
    allowed = np.arange(40) % 3 > 0
    ids, logprobs = sd.sample_logits(
        lazy(logits, (2, 5, width)), mask=allowed, rng=7, size=4, return_logprobs=True
    )
    wanted, wanted_logprobs = softdraw.sample_logits(
        logits, mask=allowed, rng=7, size=4, return_logprobs=True
    )
    assert (ids.compute() == wanted).mean() > (0.99 if width < 40 else 1 - 1e-9)
    assert logprobs.dtype == logprobs.compute().dtype == wanted_logprobs.dtype
    same = ids.compute() == wanted
    np.testing.assert_allclose(logprobs.compute()[same], wanted_logprobs[same], rtol=1e-6)


@pytest.mark.parametrize("width", [40, 7])
def test_no_rows_and_no_draws(width):
    x = lazy(LOGITS[:0], (2, 5, width))
    assert sd.sample_logits(x, rng=7).compute().shape == (0, 5)
    x = lazy(LOGITS, (2, 5, width))
    assert sd.sample_logits(x, rng=7, size=(2, 0)).compute().shape == (6, 5, 2, 0)


@pytest.mark.parametrize("chunks", [(2, 5, 40), (2, 5, 7)])
def test_rows_that_cannot_be_drawn_from_are_skipped_if_asked(chunks):
    logits = LOGITS.copy()
    logits[0, 1, 30], logits[2, 2, 0], logits[4, 4] = np.nan, np.inf, -np.inf
    ids, logprobs = sd.sample_logits(
        lazy(logits, chunks), rng=7, invalid="skip", return_logprobs=True
    )
    wanted = softdraw.sample_logits(logits, rng=7, invalid="skip")
    assert ((ids.compute() == -1) == (wanted == -1)).all()
    assert (np.isnan(logprobs.compute()) == (wanted == -1)).all()


def test_logprobs_at_temperature_0_are_those_of_certainty():
    for chunks in (4, 2, 1):
        ids, logprobs = sd.sample_logits(
            lazy(np.zeros(4), chunks), temperature=0, rng=1, return_logprobs=True
        )
        assert (ids.compute(), logprobs.compute()) == (0, 0)


# ---- generators --------------------------------------------------------------------------------


def test_a_generator_is_advanced_by_one_word_per_draw():
    generator = softdraw.Xoshiro256(7)
    first = sd.sample_logits(lazy(LOGITS, (2, 2, 40)), rng=generator)
    second = sd.sample_logits(lazy(LOGITS, (2, 2, 40)), rng=np.random.Generator(generator))
    both = softdraw.Xoshiro256(7)
    assert (first.compute() == softdraw.sample_logits(LOGITS, rng=both)).all()
    assert (second.compute() == softdraw.sample_logits(LOGITS, rng=both)).all()
    assert generator.random_raw() == both.random_raw()


@pytest.mark.parametrize("rows", [0, 5])
def test_a_generator_keeps_its_half_word(rows):
    generator, plain = softdraw.Xoshiro256(7), softdraw.Xoshiro256(7)
    for each in (generator, plain):
        np.random.Generator(each).integers(0, 2**32, dtype=np.uint32)
    sd.sample_logits(da.zeros((rows, 4)), rng=generator)
    softdraw.sample_logits(np.zeros((rows, 4)), rng=plain)
    assert str(generator.state) == str(plain.state)


@pytest.mark.parametrize("rng", [softdraw.Xoshiro256, np.random.Generator])
def test_a_generator_that_was_not_initialised_is_refused(rng):
    with pytest.raises(TypeError, match="__init__|has not set next_uint64"):
        sd.sample_logits(lazy(LOGITS, (2, 2, 40)), rng=rng.__new__(rng))


class OwnLock(softdraw.Xoshiro256):
    """A generator that cannot be pickled, and whose lock is none."""

    lock = None

    def __reduce__(self):
        raise TypeError("no pickles")


def test_a_generator_of_a_class_of_ones_own_gives_its_words():
    generator, plain = OwnLock(7), softdraw.Xoshiro256(7)
    drawn = sd.sample_logits(lazy(LOGITS, (2, 2, 40)), rng=generator)
    assert (drawn.compute() == softdraw.sample_logits(LOGITS, rng=plain)).all()
    assert generator.random_raw() == plain.random_raw()


def test_a_refused_argument_takes_no_word():
    generator, fresh = softdraw.Xoshiro256(7), softdraw.Xoshiro256(7)
    split = lazy(LOGITS, (2, 2, 9))
    lengths = (1,) * 63
    for named in (
        {"top_k": 2},
        {"top_p": 0.5},
        {"min_p": 0.5},
        {"mask": np.zeros(2, np.int32)},
        {"mask": np.full(40, 2, np.int8)},
        {"size": lengths},
        {"temperature": -1},
        {"invalid": "ignore"},
    ):
        with pytest.raises(ValueError):
            sd.sample_logits(split, rng=generator, **named)
    table = softdraw.AliasTable([1, 2])
    for size, chunks in (
        (-1, 1),
        ((*lengths, 1, 1), 1),
        (5, (2, 2)),
        (5, -2),
        (5, ((-1, 6),)),
        (5, ((2.5, 2.5),)),
    ):
        with pytest.raises(ValueError):
            sd.sample(table, size, chunks=chunks, seed=generator)
    assert generator.random_raw() == fresh.random_raw()
