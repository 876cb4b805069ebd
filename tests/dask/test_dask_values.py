"""Values of softdraw.dask are those of one machine, however arrays are cut into chunks."""

import numpy as np
import pytest
from dask_cases import FUNCTIONS, LOGITS, X, check, da, lazy
from floats import bfloat16
from hypothesis import given, settings
from hypothesis import strategies as st

import softdraw
import softdraw.dask as sd
from softdraw._partials import PARTIAL, combine_partials, find_partials, softmax_piece

pytestmark = pytest.mark.usefixtures("in_this_thread")

REDUCTIONS = ["logsumexp", "entropy"]


# ---- chunks ------------------------------------------------------------------------------------


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


# ---- temperatures ------------------------------------------------------------------------------


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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_temperature_minus_0_is_0(name):
    x, temperatures = X[0], np.array([-0.0, 0, 1, -0.0, 2])
    for each in (temperatures, da.from_array(temperatures, chunks=2)):
        got = getattr(sd, name)(lazy(x, (2, 9)), temperature=each)
        check(name, got, x, temperature=temperatures)
    check(name, getattr(sd, name)(lazy(x, 9), temperature=-0.0), x, temperature=-0.0)


def test_parameters_may_have_empty_chunks():
    t = da.from_array(np.array([0.5]), chunks=((0, 1),))
    for x, chunks in ((X[0], (2, 9)), (X[0, 0], 9), (X[0, 0], 40)):
        check("softmax", sd.softmax(lazy(x, chunks), temperature=t), x, temperature=0.5)
    mask = da.from_array(np.ones((1, 40), bool), chunks=((0, 1), (40,)))
    assert sd.sample_logits(lazy(LOGITS[0], (2, 9)), mask=mask, rng=7).compute().shape == (5,)


# ---- values that are not finite, or become so --------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_values_in_one_chunk_spoil_their_row_alone(name):
    x = np.zeros((5, 12), np.float32)
    x[0, 7], x[1, 11], x[2, 4:8], x[3] = np.nan, np.inf, -np.inf, -np.inf
    with np.errstate(all="raise"):
        got = getattr(sd, name)(lazy(x, (2, 4)))
        check(name, got, x)
        x[1, 0] = np.nan
        check(name, getattr(sd, name)(lazy(x, (2, 4))), x)


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


@pytest.mark.parametrize("offset", range(9))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_partials_at_any_address(dtype, offset):
    """A cluster reads messages to any address. A sanitizer sees if the core gets such a one."""
    x = np.arange(12, dtype=dtype).reshape(2, 6)
    partials = find_partials(x, 1.0)
    moved = np.frombuffer(bytes(offset) + partials.tobytes(), PARTIAL, offset=offset)
    whole = combine_partials(moved.reshape(2, 1))
    assert whole.tobytes() == partials.tobytes()
    assert softmax_piece(x, moved).tobytes() == softmax_piece(x, partials).tobytes()
