"""Arrays too large for one pass through the scratch block, their memory, and 2**32 elements."""

import tracemalloc

import numpy as np
import pytest
from floats import FLOATS, bfloat16
from memory import need_memory

from softdraw import entropy, log_softmax, logsumexp, softmax, softmax_vjp

FUNCTIONS = [softmax, log_softmax, logsumexp, softmax_vjp]
SCRATCH = 4 << 20  # bytes that are more than the scratch block of any array here


def values(shape, dtype, seed=0):
    """Numbers that repeat, so that they are quick to make."""
    some = np.random.default_rng(seed).normal(0, 3, 9973)
    count = int(np.prod(shape))
    return np.resize(some, count).reshape(shape).astype(dtype)


def call(function, x, temperature=0.7, **keywords):
    return function(
        *((x, x) if function is softmax_vjp else (x,)), temperature=temperature, **keywords
    )


def by_rows(function, x, axes, temperature=0.7):
    """The result through contiguous rows."""
    axes = sorted(a % x.ndim for a in axes)
    kept = [i for i in range(x.ndim) if i not in axes]
    rows = np.ascontiguousarray(x.transpose(kept + axes))
    rows = rows.astype(rows.dtype.newbyteorder("="))
    flat = rows.reshape(*(x.shape[i] for i in kept), -1)
    result = call(function, flat, temperature)
    if function is logsumexp:
        return result
    return result.reshape(rows.shape).transpose(np.argsort(kept + axes))


# ---- several boxes -----------------------------------------------------------------------------

LAYOUTS = {
    "columns": ((1500, 1100), (0,), lambda x: x),
    "columns by two powers of 2": ((1024, 2048), (0,), lambda x: x),
    "columns written past the caches": ((1500, 2100), (0,), lambda x: x[:, 1:-2]),
    "long columns": ((120_000, 35), (0,), lambda x: x),
    "short columns": ((3, 400_001), (0,), lambda x: x),
    "columns of one": ((1, 300_000), (0,), lambda x: x),
    "two columns": ((700_000, 2), (0,), lambda x: x),
    "fortran": ((1500, 1100), (1,), np.asfortranarray),
    "columns reversed": ((1500, 1100), (0,), lambda x: x[::-1]),
    "rows of columns reversed": ((1500, 1100), (0,), lambda x: x[:, ::-1]),
    "every third column": ((1500, 2200), (0,), lambda x: x[:, ::3]),
    "every third": ((1500, 2200), (1,), lambda x: x[:, ::3]),
    "every third row": ((3000, 1100), (1,), lambda x: x[::3]),
    "the middle": ((50, 300, 90), (1,), lambda x: x),
    "the middle of a transpose": ((50, 300, 90), (1,), lambda x: x.transpose(2, 1, 0)),
    "both ends": ((50, 300, 90), (0, 2), lambda x: x),
    "the first two": ((50, 300, 90), (0, 1), lambda x: x),
    "many small middles": ((300_000, 2, 2), (1,), lambda x: x),
    "every second of everything": ((60, 300, 180), (1,), lambda x: x[::2, ::2, ::2]),
    "six dimensions": ((9, 10, 11, 12, 13, 5), (1, 4), lambda x: x),
    "broadcast rows": ((1, 3000), (1,), lambda x: np.broadcast_to(x, (700, 3000))),
    "broadcast columns": ((3000, 1), (0,), lambda x: np.broadcast_to(x, (3000, 700))),
    "byte-swapped": ((700, 3000), (1,), lambda x: x.astype(x.dtype.newbyteorder())),
    "byte-swapped columns": ((1500, 1100), (0,), lambda x: x.astype(x.dtype.newbyteorder())),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layout_has_the_bits_of_contiguous_rows(function, layout, dtype):
    shape, axes, arrange = LAYOUTS[layout]
    x = arrange(values(shape, dtype))
    expected = by_rows(function, x, axes)
    result = call(function, x, axis=axes)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)
    if function is not logsumexp and x.flags.writeable and x.dtype.isnative:
        out = arrange(np.zeros(shape, dtype))
        np.testing.assert_array_equal(call(function, x, axis=axes, out=out), expected)
        np.testing.assert_array_equal(call(function, x, axis=axes, out=x), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.int16, np.uint64, bool])
@pytest.mark.parametrize("layout", ["columns", "every third", "both ends", "many small middles"])
def test_types_that_are_converted_have_the_bits_of_contiguous_rows(function, dtype, layout):
    shape, axes, arrange = LAYOUTS[layout]
    x = arrange(np.abs(values(shape, np.float64)).astype(dtype))
    expected = by_rows(function, x, axes)
    result = call(function, x, axis=axes)
    assert result.dtype == expected.dtype
    assert result.tobytes() == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("layout", ["columns", "the middle", "both ends", "every third", "fortran"])
@pytest.mark.parametrize("form", ["keepdims", "reduced", "reversed", "broadcast"])
def test_each_row_has_its_own_temperature_in_every_layout(function, layout, form):
    shape, axes, arrange = LAYOUTS[layout]
    x = arrange(values(shape, np.float32))
    kept = tuple(x.shape[i] for i in range(x.ndim) if i not in axes)
    temperature = np.linspace(0.5, 2, int(np.prod(kept))).reshape(kept)
    if form == "reversed":
        temperature = temperature[::-1]
    if form == "broadcast":
        temperature = temperature[:1]
    given = np.expand_dims(temperature, axes) if form == "keepdims" else temperature
    expected = by_rows(function, x, axes, temperature)
    np.testing.assert_array_equal(call(function, x, given, axis=axes), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_contiguous_rows_without_a_gap_are_rows_alone(function, dtype):
    x = values((70, 40_000), dtype)
    together = call(function, x)
    for r in (0, 1, 33, 69):
        assert np.asarray(call(function, x[r])).tobytes() == together[r].tobytes()


# ---- memory ------------------------------------------------------------------------------------


def peak(function, *arguments, **keywords):
    """Bytes allocated meanwhile, at the most."""
    function(*arguments, **keywords)
    tracemalloc.start()
    try:
        function(*arguments, **keywords)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("function", [softmax, log_softmax, softmax_vjp])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_rows_into_out_allocate_nothing(function, dtype):
    x = values((40, 50_000), dtype)
    assert peak(call, function, x, out=np.empty_like(x)) < 4096


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_rows_allocate_their_result_alone(dtype):
    x = values((40, 50_000), dtype)
    assert peak(softmax, x) < x.nbytes + 4096
    assert peak(logsumexp, x) < 4096


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [0, 1])
def test_no_array_is_copied_whole(function, dtype, axis):
    if function is softmax_vjp and np.dtype(dtype).itemsize == 2:
        pytest.skip("gradients of the halves are computed in float32, from copies")
    x = values((4000, 2500), dtype)
    keywords = {} if function is logsumexp else {"out": call(function, x)}
    assert peak(call, function, x, axis=axis, **keywords) < 2 * SCRATCH < x.nbytes


def test_rows_of_integers_are_copied_once():
    x = values((4000, 2500), np.int32)
    assert peak(softmax, x) < 8 * x.size + 4096  # the result


# ---- 2**31 and 2**32 elements -------------------------------------------------------------------


def impossible(count):
    """float16 of -inf."""
    need_memory(2 * count // 2**30 + 1)
    return np.full(count, -np.inf, np.float16)


@pytest.mark.slow
@pytest.mark.parametrize("power", [31, 32])
def test_a_row_of_more_than_so_many_elements(power):
    x = impossible(2**power + 9)
    places = [0, 2 ** (power - 1), 2**power - 1, 2**power + 7]
    x[places] = 0
    np.testing.assert_allclose(float(logsumexp(x)), np.log(4), rtol=1e-3)
    np.testing.assert_allclose(float(entropy(x)), np.log(4), rtol=1e-3)
    assert softmax(x, out=x) is x
    np.testing.assert_array_equal(x[places], np.float16(0.25))
    assert np.count_nonzero(x) == 4


@pytest.mark.slow
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("power", [31, 32])
def test_more_than_so_many_elements_in_rows(power, axis):
    rows, n = 2 ** (power - 15) + 3, 2**15
    x = impossible(rows * n).reshape(rows, n)
    if axis == 0:
        x[[1, rows - 3, rows - 1], :] = 0
    else:
        x[:, [0, n // 2, n - 1]] = 0
    log_softmax(x, axis=axis, out=x)
    finite = x[rows - 1] if axis == 0 else x[:, n - 1]
    np.testing.assert_array_equal(finite, np.float16(-np.log(3)))
    assert np.isneginf(x[3] if axis == 0 else x[:, 3]).all()


@pytest.mark.slow
def test_every_second_of_more_than_2_to_the_32_elements():
    """A row that is not contiguous passes through a copy of its own."""
    need_memory(14)
    x = impossible(2**32 + 18)
    row = x[::2]
    places = [0, 2**30, 2**31 - 1, 2**31 + 8]
    row[places] = 0
    softmax(row, out=row)
    np.testing.assert_array_equal(row[places], np.float16(0.25))
    assert np.count_nonzero(row) == 4
    assert np.isneginf(x[1::2]).all()


@pytest.mark.slow
def test_every_second_of_more_than_2_to_the_32_elements_in_rows():
    x = impossible(2**32 + 2**17).reshape(-1, 2**16)
    rows = x[:, ::2]
    rows[:, [0, 2**15 - 1]] = 0
    softmax(rows, out=rows)
    np.testing.assert_array_equal(rows[:, [0, 2**15 - 1]], np.float16(0.5))
    assert not rows[:, 1:-1].any()
    assert np.isneginf(x[:, 1::2]).all()
