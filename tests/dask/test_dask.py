"""softdraw.dask against the calls on one machine: values, draws, chunks, and errors."""

import copy
import doctest
import pickle
import subprocess
import sys

import mpmath
import numpy as np
import oracle
import pytest
from floats import bfloat16
from hypothesis import given, settings
from hypothesis import strategies as st

import softdraw

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")

from dask._task_spec import Alias  # noqa: E402

import softdraw.dask as sd  # noqa: E402
from softdraw.dask import _draws, _family, _words  # noqa: E402

FUNCTIONS = ["softmax", "log_softmax", "logsumexp", "entropy"]
REDUCTIONS = ["logsumexp", "entropy"]
# The worst errors that are promised where an axis is split, in ULP.
BOUNDS = {"float32": 2, "float64": 3}
RNG = np.random.default_rng(7)
X = RNG.normal(size=(6, 5, 40)) * 5


@pytest.fixture(autouse=True, scope="module")
def _in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def lazy(x, chunks, name="x"):
    return da.from_array(np.asarray(x), chunks=chunks)


def check(name, got, x, **arguments):
    """The result has the shape and dtype announced, and is close to that of one machine."""
    wanted = getattr(softdraw, name)(x, **arguments)
    result = got.compute()
    assert isinstance(got, da.Array)
    assert got.dtype == got._meta.dtype == result.dtype == wanted.dtype
    assert got.shape == result.shape == np.shape(wanted)
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 4e-7}.get(wanted.dtype.name, 1e-14)
    smallest = {"float16": 1e-7, "float32": 3e-45}.get(wanted.dtype.name, 0)
    got, wanted = np.asarray(result, np.float64), np.asarray(wanted, np.float64)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=smallest)
    assert not np.signbit(got[got == 0]).any()


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), (2, 0), None])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_split_axes_give_what_whole_ones_do(name, axis, dtype):
    x = X.astype(dtype)
    for temperature in (0.7, 0.0, np.inf):
        got = getattr(sd, name)(lazy(x, (2, 3, 13)), temperature=temperature, axis=axis)
        check(name, got, x, temperature=temperature, axis=axis)


@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64, np.int8])
@pytest.mark.parametrize(
    ("axis", "chunks"), [(-1, (2, 3, 40)), (1, (4, 5, 7)), ((0, 2), (6, 2, 40))]
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_axes_in_one_chunk_give_the_same_bits(name, axis, chunks, dtype):
    x = X.astype(dtype)
    got = getattr(sd, name)(lazy(x, chunks), temperature=0.7, axis=axis)
    wanted = getattr(softdraw, name)(x, temperature=0.7, axis=axis)
    assert got.compute().tobytes() == wanted.tobytes()
    assert got.dtype == wanted.dtype


@settings(max_examples=40)
@given(st.data())
def test_any_chunks(data):
    shape = data.draw(st.tuples(*[st.integers(0, 9)] * 3))
    chunks = []
    for length in shape:
        cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=4)))
        chunks.append(tuple(np.diff([0, *cuts, length]).tolist()))
    axes = data.draw(st.sets(st.integers(0, 2), min_size=1))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    name = data.draw(st.sampled_from(FUNCTIONS))
    values = [0.0, 1.0, -3.5, 80.0, -np.inf, np.nan, np.inf]
    count = int(np.prod(shape))
    x = np.array(
        data.draw(st.lists(st.sampled_from(values), min_size=count, max_size=count)), dtype
    ).reshape(shape)
    kept = [1 if i in axes else length for i, length in enumerate(shape)]
    temperatures = np.resize(np.array([0.7, 0, 3, np.inf]), kept)
    got = getattr(sd, name)(lazy(x, tuple(chunks)), temperature=temperatures, axis=tuple(axes))
    check(name, got, x, temperature=temperatures, axis=tuple(axes))


def hard_rows(dtype):
    """Rows of many kinds, and temperatures for them."""
    rng = np.random.default_rng(3)
    n = 9_000
    normal = rng.normal(size=n)
    for scale in (1, 30):
        yield normal * scale, 1.0
        yield normal * scale, 0.7
    yield rng.uniform(-110, 0, n), 1.0
    yield np.append(normal, 80.0), 1.0  # one dominates, in the last chunk
    yield np.append(30.0, normal), 1.0
    for offset in (1e3, -1e6, 1e15, 1e30):
        yield normal * max(3, abs(offset) * 1e-7) + offset, 1.0
    yield np.where(rng.random(n) < 0.5, -np.inf, normal), 1.0
    yield np.append(np.full(3_000, -np.inf), normal), 1.0  # a whole chunk is masked
    yield np.append(np.full(6_000, -9.0), np.zeros(3)), 1.0  # far items outweigh the largest
    for t in (1e-30, 1e30) if dtype == np.float32 else (5e-324, 1e-200, 1e300):
        yield normal * 3 * t, t
        yield normal, t


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_errors_in_ulp_where_the_axis_is_split(name, dtype):
    for row, temperature in hard_rows(dtype):
        x = row.astype(dtype)
        for chunks in (3_000, 1_001):
            got = getattr(sd, name)(lazy(x, chunks), temperature=temperature).compute()
            error = np.max(oracle.errors(name, np.asarray(got), x, temperature))
            assert error <= BOUNDS[np.dtype(dtype).name], (temperature, chunks)


@pytest.mark.parametrize("name", ["log_softmax", "logsumexp"])
@pytest.mark.parametrize("distance", [500, 700.3, 715, 720.92, 725.65, 740])
def test_errors_in_ulp_where_pieces_lie_far_below_one_item(name, distance):
    """Their exponentials are subnormal, or next to it."""
    for n, chunks in ((50, 49), (2_000, 10), (2_000, 700)):
        for temperature in (1, 1000):
            x = np.full(n, -distance * temperature)
            x[-1] = 0
            got = getattr(sd, name)(lazy(x, chunks), temperature=temperature).compute()
            error = np.max(oracle.errors(name, np.asarray(got), x, temperature))
            assert error <= BOUNDS["float64"], (n, chunks, temperature)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2), (np.float64, 8)])
def test_errors_of_entropy_where_the_axis_is_split(dtype, bound):
    for row, temperature in hard_rows(dtype):
        x = row[-1_000:].astype(dtype)
        got = sd.entropy(lazy(x, 130), temperature=temperature).compute()
        assert oracle.entropy_errors(got, x, temperature).max() <= bound, temperature


def test_entropy_of_pairs_at_every_distance():
    for difference in np.append(np.geomspace(1e-3, 600, 200), [650.3, 690.7, 701.9, 744.1, 800]):
        for temperature in (0.7782799796140205, 5e-324, 1e305):
            x = np.array([-95.61268897516919, -95.61268897516919 - difference]) * temperature
            if temperature == 5e-324:
                x = np.round([-95.6, -95.6 - difference]) * temperature
            got = sd.entropy(lazy(x, 1), temperature=temperature).compute()
            error = oracle.entropy_errors(got, x, temperature).max()
            assert error <= 8 if got > 1e-300 else abs(got) < 1e-290, (difference, temperature)


def test_entropy_of_many_items_far_below_one_other():
    n, t = 1 << 20, 0.7782799796140205
    for distance in (500.3, 540.9, 544.1):
        x = np.append(0, np.full(n, -distance))
        with mpmath.workdps(50):
            quotient = mpmath.mpf(distance) / mpmath.mpf(t)
            ratio = n * mpmath.exp(-quotient)
            exact = mpmath.log1p(ratio) + quotient * ratio / (1 + ratio)
            got = sd.entropy(lazy(x, ((1, n),)), temperature=t).compute()
            assert abs(mpmath.mpf(float(got)) / exact - 1) < 8 * 2**-53


@pytest.mark.parametrize("temperature", [np.inf, 1e308, 1.7e308, 1e306, 1e305, 1.0])
def test_maxima_whose_difference_overflows(temperature):
    x = np.array([1e308, -1e308, -1.7e308, 1e308, -np.inf, 0])
    for name in FUNCTIONS:
        check(
            name, getattr(sd, name)(lazy(x, 1), temperature=temperature), x, temperature=temperature
        )
    drawn = sd.sample_logits(lazy(x, 2), temperature=temperature, rng=7, size=20_000).compute()
    counts = np.bincount(drawn, minlength=6)
    expected = softdraw.softmax(x, temperature=temperature) * len(drawn)
    assert (np.abs(counts - expected) <= 6 * np.sqrt(expected)).all()


def test_the_errors_that_numpy_raises_do_not_show():
    x = lazy(np.array([0.0, 1.0, 2.0, -800.0, -np.inf]), 1)
    with np.errstate(all="raise"):
        for name in FUNCTIONS:
            for temperature in (1, 1e300, 1e-300, 0, np.inf):
                getattr(sd, name)(x, temperature=temperature).compute()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_temperature_minus_0_is_0(name):
    x, temperatures = X[0], np.array([-0.0, 0, 1, -0.0, 2])
    for each in (temperatures, da.from_array(temperatures, chunks=2)):
        got = getattr(sd, name)(lazy(x, (2, 9)), temperature=each)
        check(name, got, x, temperature=temperatures)
    check(name, getattr(sd, name)(lazy(x, 9), temperature=-0.0), x, temperature=-0.0)


def test_a_larger_input_has_no_smaller_result_across_chunks():
    x = np.sort(RNG.normal(size=40_000).astype(np.float32) * 3)
    p = sd.softmax(lazy(x, 777)).compute()
    assert (np.diff(p) >= 0).all()
    equal = np.append(x[:1_000], x[:1_000])
    p = sd.softmax(lazy(equal, 1_000)).compute()
    assert (p[:1_000] == p[1_000:]).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_values_in_one_chunk_spoil_their_row_alone(name):
    x = np.zeros((5, 12), np.float32)
    x[0, 7], x[1, 11], x[2, 4:8], x[3] = np.nan, np.inf, -np.inf, -np.inf
    with np.errstate(all="raise"):
        got = getattr(sd, name)(lazy(x, (2, 4)))
        check(name, got, x)
        x[1, 0] = np.nan
        check(name, getattr(sd, name)(lazy(x, (2, 4))), x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_temperatures_per_row(name):
    t = np.array([[0.5, 0, 1, 2, np.inf]] * 6)
    x = lazy(X, (4, 2, 9))
    for temperature in (t, t[0], t[:, :, None], t[:1, :, None], da.from_array(t, chunks=(3, 5))):
        plain = np.asarray(temperature)
        check(name, getattr(sd, name)(x, temperature=temperature), X, temperature=plain)
    whole = getattr(sd, name)(x.rechunk({2: -1}), temperature=da.from_array(t[0], chunks=1))
    check(name, whole, X, temperature=t[0])
    several = getattr(sd, name)(x, temperature=t[0], axis=(0, 2))
    check(name, several, X, temperature=t[0], axis=(0, 2))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("chunks", [(6, 5, 40), (2, 2, 9)])
@pytest.mark.parametrize("axis", [1, (0, 2), None])
def test_kept_dimensions(name, chunks, axis):
    got = getattr(sd, name)(lazy(X, chunks), axis=axis, keepdims=True)
    check(name, got, X, axis=axis, keepdims=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_dimensions_and_no_items(name):
    check(name, getattr(sd, name)(lazy(3.0, ())), 3.0)
    empty = np.empty((3, 0), np.float32)
    check(name, getattr(sd, name)(lazy(empty, (2, 1))), empty)
    check(name, getattr(sd, name)(lazy(empty.T, (1, 2))), empty.T)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_chunks_of_unknown_sizes(name):
    x = lazy(X[:, 0], (2, 9))
    unknown = x[x[:, 0] > -1e9]
    assert np.isnan(unknown.shape[0])
    got = getattr(sd, name)(unknown, temperature=0.7).compute()
    np.testing.assert_allclose(got, getattr(softdraw, name)(X[:, 0], temperature=0.7), rtol=1e-13)
    got = getattr(sd, name)(unknown, axis=0).compute()
    np.testing.assert_allclose(got, getattr(softdraw, name)(X[:, 0], axis=0), rtol=1e-13)


# ---- graphs --------------------------------------------------------------------------------------


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise AssertionError("computed")

    x = lazy(X, (2, 5, 9)).map_blocks(fail, dtype=np.float64, meta=X[:0])
    for name in FUNCTIONS:
        assert getattr(sd, name)(x).dtype == np.float64
    assert sd.sample_logits(x, rng=7).shape == (6, 5)


def test_chunks_of_results_are_those_of_the_input():
    x = lazy(X, (2, (1, 4), 9))
    assert sd.softmax(x).chunks == x.chunks
    assert sd.log_softmax(x, axis=0).chunks == x.chunks
    assert sd.logsumexp(x).chunks == x.chunks[:2]
    assert sd.entropy(x, axis=1, keepdims=True).chunks == (x.chunks[0], (1,), x.chunks[2])
    assert sd.sample_logits(x, size=3, rng=7).chunks == (*x.chunks[:2], (3,))


def test_the_same_call_has_the_same_name_and_the_same_result_twice():
    x = lazy(X, (2, 5, 9))
    for make in (
        lambda: sd.softmax(x, temperature=0.7),
        lambda: sd.entropy(x),
        lambda: sd.sample_logits(x, rng=7),
        lambda: sd.sample(softdraw.AliasTable([1, 2, 3]), 100, chunks=30, seed=7),
    ):
        assert make().name == make().name
        result = make()
        assert (result.compute() == result.compute()).all()
        assert (result.persist().compute() == result.compute()).all()
    assert sd.sample_logits(x, rng=7).name != sd.sample_logits(x, rng=8).name
    fresh = sd.sample_logits(x)
    assert (fresh.compute() == fresh.compute()).all()
    assert fresh.name != sd.sample_logits(x).name


@pytest.mark.parametrize("name", [*FUNCTIONS, "sample_logits"])
def test_operations_on_chunks_are_fused_with_the_call(name):
    x = da.random.default_rng(7).normal(size=(8, 4), chunks=(2, 4)) * 2 + 1
    (result,) = dask.optimize(getattr(sd, name)(x) - 1)
    tasks = [task for task in dict(result.__dask_graph__()).values() if not isinstance(task, Alias)]
    assert len(tasks) == 4  # one per chunk


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers_of_one_machine(scheduler):
    x = lazy(X.astype(np.float32), (2, 5, 9))
    for result in (sd.softmax(x), sd.sample_logits(x, rng=7), sd.entropy(x)):
        wanted = result.compute()
        assert (result.compute(scheduler=scheduler, num_workers=2) == wanted).all()


# ---- draws from logits ---------------------------------------------------------------------------

LOGITS = (X / 2).astype(np.float32)


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


def test_one_row_without_rows():
    x = LOGITS[0, 0]
    for chunks in (40, 7):
        got = sd.sample_logits(lazy(x, chunks), rng=7, size=50)
        assert got.shape == (50,)
        if chunks == 40:
            assert (got.compute() == softdraw.sample_logits(x, rng=7, size=50)).all()
        assert sd.sample_logits(lazy(x, chunks), rng=7).compute() == got.compute()[0]


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


def test_logprobs_at_temperature_0_are_those_of_certainty():
    for chunks in (4, 2, 1):
        ids, logprobs = sd.sample_logits(
            lazy(np.zeros(4), chunks), temperature=0, rng=1, return_logprobs=True
        )
        assert (ids.compute(), logprobs.compute()) == (0, 0)


# ---- draws from a table --------------------------------------------------------------------------


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


@pytest.mark.parametrize("chunks", [0, ("auto", 1)])
def test_chunks_that_do_not_fit_are_refused(chunks):
    with pytest.raises(ValueError, match=r"^chunks must fit the shape \(5,\), got "):
        sd.sample(softdraw.AliasTable([1, 2]), 5, chunks=chunks)


def test_the_graph_has_the_table_once():
    table = softdraw.AliasTable(np.arange(1, 100_001))
    (result,) = dask.optimize(sd.sample(table, 1_000, chunks=10, seed=7) + 1)
    tasks = dict(result.__dask_graph__()).values()
    assert sum(len(pickle.dumps(task)) for task in tasks) < 1.5 * table.nbytes


def test_the_words_of_blocks_pickle():
    words = _words.Words(softdraw.Xoshiro256(7), (4, 5))
    again = pickle.loads(pickle.dumps(words))
    assert (again.take([(1, 3), (2, 5)]) == words.take([(1, 3), (2, 5)])).all()


# ---- errors --------------------------------------------------------------------------------------


def raises(kind, text):
    return pytest.raises(kind, match=text)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_shapes_and_dtypes_tell_is_raised_at_the_call(name):
    call = getattr(sd, name)
    argument = "logits" if name == "entropy" else "x"
    x = lazy(X, (2, 5, 9))
    with raises(TypeError, f"{argument} must be an array of Dask, got ndarray"):
        call(X)
    for dtype in (np.complex128, object, np.longdouble, "M8[s]"):
        with raises(TypeError, f"{argument} must be"):
            call(da.empty(4, dtype=dtype, chunks=2))
    with raises(ValueError, "axis 3 is out of bounds"):
        call(x, axis=3)
    with raises(ValueError, "duplicate value"):
        call(x, axis=(0, -3))
    with raises(TypeError, "axis must be"):
        call(x, axis=1.5)
    with raises(ValueError, r"temperature\[1\] must be >= 0, got -1"):
        call(x, temperature=[1, -1, 1, 1, 1])
    with raises(ValueError, r"temperature of shape \(4,\) fits neither \(6, 5, 1\) nor \(6, 5\)"):
        call(x, temperature=np.ones(4))
    with raises(ValueError, r"temperature of shape \(4,\) fits neither"):
        call(x, temperature=da.ones(4))
    with raises(TypeError, "temperature must be"):
        call(x, temperature="hot")
    with raises(TypeError, "temperature must be"):
        call(x, temperature=da.ones(5, dtype=complex))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lazy_temperatures_are_looked_at_when_computed(name):
    t = da.from_array(np.array([1, 2, 3, -4, 5.0]), chunks=2)
    for chunks in ((2, 5, 9), (2, 5, 40)):
        result = getattr(sd, name)(lazy(X, chunks), temperature=t)
        with raises(ValueError, r"temperature\[3\] must be >= 0, got -4"):
            result.compute()


def test_a_temperature_per_row_of_unknown_rows_says_what_to_call():
    x = lazy(X[:, 0], (2, 40))
    kept = x[:, 0] > -1e9
    temperatures = da.ones(6, chunks=2)[kept]
    with raises(
        ValueError,
        r"^temperature of shape \(nan,\) is not known to fit an array of shape \(nan, 40\): chunks "
        r"have unknown sizes; call compute_chunk_sizes\(\) of the arrays",
    ):
        sd.softmax(x[kept], temperature=temperatures)
    for array in (rows := x[kept], temperatures):
        array.compute_chunk_sizes()
    check("softmax", sd.softmax(rows, temperature=temperatures), X[:, 0])
    mask = da.ones((6, 40), chunks=(2, 40), dtype=bool)[kept]
    with raises(
        ValueError, r"^mask has chunks of unknown sizes; call mask.compute_chunk_sizes\(\)"
    ):
        sd.sample_logits(x, mask=mask)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_plain_call_on_a_split_axis_names_this_module(name):
    argument = "logits" if name == "entropy" else "x"
    with raises(
        ValueError, f"^{argument} lies in multiple chunks along axis 2, 5 of them; .*softdraw.dask"
    ):
        getattr(softdraw, name)(lazy(X, (2, 5, 9)))


def test_bad_arguments_of_draws_are_raised_at_the_call():
    x, split = lazy(LOGITS, (2, 5, 40)), lazy(LOGITS, (2, 5, 9))
    with raises(TypeError, "logits must be an array of Dask"):
        sd.sample_logits(LOGITS)
    with raises(ValueError, "at least one dimension"):
        sd.sample_logits(lazy(1.0, ()))
    with raises(ValueError, "logits is empty"):
        sd.sample_logits(da.zeros((3, 0)))
    for name, value in {"top_k": 3, "top_p": 0.5, "min_p": 0.5}.items():
        with raises(ValueError, rf"{name} needs the last axis .* split into 5; .*rechunk"):
            sd.sample_logits(split, **{name: value})
    with raises(ValueError, "a packed mask needs the last axis"):
        sd.sample_logits(split, mask=np.zeros(2, np.int32))
    with raises(ValueError, "top_k must be >= 1, got 0"):
        sd.sample_logits(x, top_k=0)
    with raises(ValueError, r"top_p\[1\] must be in \[0, 1\], got 2"):
        sd.sample_logits(x, top_p=[1, 2, 1, 1, 1.0])
    with raises(ValueError, r"min_p of shape \(3,\) fits neither"):
        sd.sample_logits(x, min_p=[0.1, 0.2, 0.3])
    with raises(ValueError, "invalid must be 'raise' or 'skip'"):
        sd.sample_logits(x, invalid="ignore")
    with raises(ValueError, "size must be >= 0"):
        sd.sample_logits(x, size=-1)
    with raises(TypeError, "mask must be bool"):
        sd.sample_logits(x, mask=np.ones(40))
    with raises(ValueError, r"mask must have shape \(40,\) or \(6, 5, 40\), got \(39,\)"):
        sd.sample_logits(x, mask=np.ones(39, bool))
    with raises(ValueError, r"mask\[2\] is 3; a mask of dtype int8"):
        sd.sample_logits(x, mask=np.array([1, 0, 3] + [1] * 37, np.int8))
    with raises(TypeError, "rng must be a seed, or an Xoshiro256, .*; got PCG64"):
        sd.sample_logits(x, rng=np.random.default_rng(7))
    with raises(ValueError, r"unknown sizes.*compute_chunk_sizes"):
        sd.sample_logits(x[x[:, 0, 0] > -100])
    with raises(TypeError, "table must be an AliasTable, got list"):
        sd.sample([1, 2], 3)
    with raises(ValueError, "size must be >= 0"):
        sd.sample(softdraw.AliasTable([1, 2]), -3)


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_logit_is_named_by_its_global_place(chunks, value):
    logits = LOGITS.copy()
    logits[5, 3, 37] = value
    for mask in (None, np.arange(40) > 2):
        draws = sd.sample_logits(lazy(logits, chunks), mask=mask, rng=7)
        with raises(ValueError, rf"logits\[5, 3, 37\] is {value}; logits must be finite or -inf; "):
            draws.compute()
    sd.sample_logits(lazy(logits, chunks), mask=np.arange(40) < 30, rng=7).compute()


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
def test_a_bad_parameter_is_named_by_its_global_place(chunks):
    x = lazy(LOGITS, chunks)
    mask = np.ones(LOGITS.shape, np.int8)
    mask[5, 3, 37] = 2
    with raises(ValueError, r"^mask\[5, 3, 37\] is 2; a mask of dtype int8 must hold 1"):
        sd.sample_logits(x, mask=lazy(mask, (2, 2, 13)), rng=7).compute()
    with raises(ValueError, r"^mask\[37\] is 2; a mask of dtype int8 must hold 1"):
        sd.sample_logits(x, mask=lazy(mask[5, 3], 13), rng=7).compute()
    bad = np.ones(LOGITS.shape[:2])
    bad[5, 3] = 7
    names = ["top_p", "min_p"] if len(x.chunks[2]) == 1 else []
    for name in names:
        with raises(ValueError, rf"^{name}\[5, 3\] must be in \[0, 1\], got 7"):
            sd.sample_logits(x, rng=7, **{name: lazy(bad, (4, 2))}).compute()
        with raises(ValueError, rf"^{name}\[5, 3, 0\] must be in \[0, 1\], got 7"):
            sd.sample_logits(x, rng=7, **{name: lazy(bad[:, :, None], (4, 2, 1))}).compute()
    with raises(ValueError, r"^temperature\[5, 3\] must be >= 0, got -7"):
        sd.sample_logits(x, temperature=lazy(-bad, (4, 2)) + 2 * (bad < 7), rng=7).compute()


def test_seeds_are_what_the_plain_calls_take():
    table, x = softdraw.AliasTable([1, 2]), lazy(LOGITS, (2, 5, 40))
    for seed, error, message in (
        (-1, ValueError, "must be >= 0, got -1"),
        (True, TypeError, "must be None, an int.*got bool"),
        (["0x10"], TypeError, "must be None, an int.*got list"),
        ([1, -2], ValueError, r"\[1\] must be >= 0, got -2"),
    ):
        with raises(error, f"^rng {message}" if message[0] != "\\" else f"^rng{message}"):
            sd.sample_logits(x, rng=seed)
        with raises(error, f"^seed {message}" if message[0] != "\\" else f"^seed{message}"):
            sd.sample(table, 3, seed=seed)
    wanted = softdraw.sample_logits(LOGITS, rng=[1, 2])
    assert (sd.sample_logits(x, rng=[1, 2]).compute() == wanted).all()
    for flag in ("keepdims", "return_logprobs"):
        call = sd.entropy if flag == "keepdims" else sd.sample_logits
        with raises(TypeError, f"^{flag} must be True or False, got ndarray"):
            call(x, **{flag: np.ones(2)})


def test_masked_arrays_are_refused():
    masked = np.ma.array(LOGITS, mask=LOGITS > 1)
    refused = "is a masked array; fill or compress it first, its mask would be lost"
    for chunks in ((2, 5, 9), (2, 5, 40)):
        for name in FUNCTIONS:
            argument = "logits" if name == "entropy" else "x"
            with raises(TypeError, f"^{argument} {refused}"):
                getattr(sd, name)(da.from_array(masked, chunks=chunks))
            for temperature in (np.ma.ones(5), da.from_array(np.ma.ones(5), chunks=2)):
                with raises(TypeError, f"^temperature {refused}"):
                    getattr(sd, name)(lazy(X, chunks), temperature=temperature)
        with raises(TypeError, f"^logits {refused}"):
            sd.sample_logits(da.from_array(masked, chunks=chunks))
        for name in ("temperature", "top_k", "top_p", "min_p"):
            given = np.ma.ones(5, int)
            for value in (given, da.from_array(given, chunks=2)):
                with raises(TypeError, f"^{name} {refused}"):
                    sd.sample_logits(lazy(LOGITS, chunks), **{name: value})
        for value in (np.ma.ones(40, bool), da.from_array(np.ma.ones(40, bool), chunks=9)):
            with raises(TypeError, f"^mask {refused}"):
                sd.sample_logits(lazy(LOGITS, chunks), mask=value)


def test_masked_blocks_of_an_array_that_does_not_say_so_are_refused():
    hidden = da.map_blocks(
        lambda block: np.ma.array(block, mask=block > 1), lazy(LOGITS, (2, 5, 9)),
        dtype=LOGITS.dtype, meta=np.empty((0, 0, 0), LOGITS.dtype),
    )  # fmt: skip
    for x in (hidden, hidden.rechunk((2, 5, 40))):
        for name in FUNCTIONS:
            with pytest.raises(TypeError, match="is a masked array"):
                getattr(sd, name)(x).compute()
        with pytest.raises(TypeError, match="logits is a masked array"):
            sd.sample_logits(x, rng=7).compute()


def test_parameters_may_have_empty_chunks():
    t = da.from_array(np.array([0.5]), chunks=((0, 1),))
    for x, chunks in ((X[0], (2, 9)), (X[0, 0], 9), (X[0, 0], 40)):
        check("softmax", sd.softmax(lazy(x, chunks), temperature=t), x, temperature=0.5)
    mask = da.from_array(np.ones((1, 40), bool), chunks=((0, 1), (40,)))
    assert sd.sample_logits(lazy(LOGITS[0], (2, 9)), mask=mask, rng=7).compute().shape == (5,)


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
def test_a_row_with_nothing_to_draw_from_is_named_by_its_global_place(chunks):
    logits = LOGITS.copy()
    logits[5, 3] = -np.inf
    with raises(ValueError, r"row 5, 3 of logits has nothing to draw from: every entry is -inf"):
        sd.sample_logits(lazy(logits, chunks), rng=7).compute()
    alone = sd.sample_logits(lazy(logits[5, 3], chunks[2]), rng=7)
    with raises(ValueError, r"^logits have nothing to draw from: every entry is -inf or masked$"):
        alone.compute()


def test_dask_is_named_where_it_is_missing():
    code = "import sys; sys.modules['dask'] = None; import softdraw; import softdraw.dask"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "ImportError: softdraw.dask needs Dask: pip install 'softdraw[dask]'" in done.stderr


def test_the_examples_in_docstrings_run():
    done = [doctest.testmod(module) for module in (sd, _family, _draws)]
    assert sum(each.attempted for each in done) > 20
    assert not any(each.failed for each in done)


def test_importing_softdraw_does_not_import_dask():
    code = "import sys, softdraw; assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
