"""What softmax, log_softmax and logsumexp take and give back; every value against the oracle."""

import array
from itertools import permutations

import hypothesis.extra.numpy as hnp
import numpy as np
import oracle
import pytest
from floats import FLOATS, HALVES, bfloat16, needs_bfloat16
from hypothesis import given
from hypothesis import strategies as st

import softdraw
from softdraw import log_softmax, logsumexp, softmax

AXES_OF_3D = [0, 1, 2, -1, -3, (0,), (0, 2), (2, 0), (-1, 0), (1, 2), (0, 1, 2), None, ()]
SAME_SHAPE = [softmax, log_softmax]
FAMILY = [softmax, log_softmax, logsumexp]


def check(function, x, temperature=1.0, axis=-1, **keywords):
    got = function(x, temperature=temperature, axis=axis, **keywords)
    oracle.check(function.__name__, got, x, temperature, axis)
    return got


def normal(*shape, dtype=np.float64, sigma=3.0):
    rng = np.random.default_rng(shape)
    return rng.normal(0, sigma, shape).astype(dtype)


def unaligned(x):
    """A copy of x one byte past an aligned address."""
    x = np.asarray(x)
    memory = np.empty(x.nbytes + 1, dtype=np.uint8)
    copy = memory[1:].view(x.dtype).reshape(x.shape)
    copy[...] = x
    return copy


def scattered(x):
    """A copy of x with gaps between its elements on every axis."""
    x = np.asarray(x)
    memory = np.zeros([3 * length for length in x.shape], dtype=x.dtype)
    copy = memory[tuple(slice(1, None, 3) for _ in x.shape)]
    copy[...] = x
    return copy


# ---- values ------------------------------------------------------------------------------------


def test_softmax_of_one_and_two():
    np.testing.assert_allclose(softmax([1, 2]), [0.26894142, 0.73105858], atol=5e-9)
    np.testing.assert_allclose(softmax([1, 2], temperature=2), [0.37754067, 0.62245933], atol=5e-9)
    np.testing.assert_allclose(softmax([1, 2], temperature=5), [0.450166, 0.549834], atol=5e-7)


def test_greetings_example_cut_to_two_decimals():
    logits = [0.1, 0, 0.5, 1, 4, 0.6]
    cut = np.floor(100 * softmax(logits)) / 100
    np.testing.assert_array_equal(cut, [0.01, 0.01, 0.02, 0.04, 0.86, 0.02])
    cut = np.floor(100 * softmax(logits, temperature=5)) / 100
    np.testing.assert_array_equal(cut, [0.13, 0.12, 0.14, 0.15, 0.28, 0.14])
    np.testing.assert_array_equal(softmax(logits, temperature=0), [0, 0, 0, 0, 1, 0])


@pytest.mark.parametrize("function", FAMILY)
def test_temperature_is_one_by_default(function):
    x = normal(4, 9)
    np.testing.assert_array_equal(function(x), function(x, temperature=1.0))
    np.testing.assert_array_equal(function(x), function(x, temperature=1))


@pytest.mark.parametrize("function", FAMILY)
def test_axis_is_the_last_by_default(function):
    x = normal(4, 9)
    np.testing.assert_array_equal(function(x), function(x, axis=-1))


def test_logits_near_1000_do_not_overflow():
    check(softmax, [1000.0, 1001.0, 999.0])


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_errstate_raise_sees_no_floating_point_error(function, dtype):
    rows = np.array([[1, 2, 3], [-np.inf] * 3, [0, np.nan, 1], [0, np.inf, 1], [-1e30, 0, 1e30]])
    with np.errstate(all="raise"):
        function(rows.astype(dtype))
        function(rows.astype(dtype), temperature=1e-30)
        function(rows.astype(dtype), temperature=0)
        function(rows.astype(dtype), temperature=np.inf)


@given(
    x=hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.float16]),
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=20),
        elements=st.floats(-1000, 1000, width=16),
    ),
    temperature=st.floats(0, allow_nan=False),
)
@pytest.mark.parametrize("function", FAMILY)
def test_any_finite_array_at_any_temperature(function, x, temperature):
    check(function, x, temperature)


@given(
    x=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(1, 4), st.integers(1, 40)),
        elements=st.floats(width=32),
    ),
    temperature=st.sampled_from([0.0, 5e-324, 1e-30, 0.7, 1.0, 3.0, 1e30, 1e308, np.inf]),
)
@pytest.mark.parametrize("function", FAMILY)
def test_any_float_at_all_in_any_row(function, x, temperature):
    check(function, x, temperature)


# ---- axes and shapes ---------------------------------------------------------------------------


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("axis", AXES_OF_3D, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_axis_of_a_3d_array(function, axis, dtype):
    check(function, normal(3, 4, 5, dtype=dtype), 0.7, axis)


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("axis", AXES_OF_3D, ids=str)
def test_result_has_the_shape_of_x(function, axis):
    assert function(normal(3, 4, 5), axis=axis).shape == (3, 4, 5)


@pytest.mark.parametrize("axis", AXES_OF_3D, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_has_the_shape_of_numpy_sum(axis, keepdims):
    x = normal(3, 4, 5)
    result = logsumexp(x, axis=axis, keepdims=keepdims)
    assert np.shape(result) == np.shape(x.sum(axis=axis, keepdims=keepdims))


def test_keepdims_changes_no_value():
    x = normal(3, 4, 5)
    kept = logsumexp(x, axis=(0, 2), keepdims=True)
    np.testing.assert_array_equal(kept.reshape(4), logsumexp(x, axis=(0, 2)))


@pytest.mark.parametrize("function", FAMILY)
def test_axes_of_a_6d_array(function):
    check(function, normal(2, 3, 2, 3, 2, 3), 0.7, (1, -2))


@pytest.mark.parametrize("function", FAMILY)
def test_axis_may_be_a_numpy_integer(function):
    x = normal(3, 4)
    np.testing.assert_array_equal(function(x, axis=np.int64(0)), function(x, axis=0))


@pytest.mark.parametrize("function", FAMILY)
def test_order_of_axes_does_not_matter(function):
    x = normal(3, 4, 5)
    np.testing.assert_array_equal(function(x, axis=(0, 2)), function(x, axis=(2, 0)))


@pytest.mark.parametrize("function", FAMILY)
def test_axis_none_is_the_whole_array(function):
    x = normal(3, 4)
    flat = function(x.ravel())
    np.testing.assert_array_equal(np.ravel(function(x, axis=None)), np.ravel(flat))


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("axis", [-1, 0, None])
def test_zero_dimensional_array_is_one_row_of_one_and_gives_a_scalar(function, axis):
    result = function(np.array(3.0), axis=axis)
    assert type(result) is np.float64
    assert result == (1.0 if function is softmax else 0.0)
    assert type(function(np.float32(3), axis=axis)) is np.float32


def test_logsumexp_of_a_number_is_the_number():
    assert logsumexp(3.0) == 3.0
    assert logsumexp(3.0, temperature=2.0) == 1.5


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape, axis", [((5,), -1), ((3, 4), None), ((3, 4), (0, 1)), ((), None)])
def test_logsumexp_of_everything_is_a_numpy_scalar(dtype, shape, axis):
    result = logsumexp(np.ones(shape, dtype), axis=axis)
    assert not isinstance(result, np.ndarray)
    assert type(result) is dtype


def test_logsumexp_of_everything_with_keepdims_is_an_array():
    result = logsumexp(normal(3, 4), axis=None, keepdims=True)
    assert type(result) is np.ndarray
    assert result.shape == (1, 1)


@pytest.mark.parametrize("function", FAMILY)
def test_a_row_does_not_depend_on_its_neighbours(function):
    x = normal(50, 33, dtype=np.float32)
    together = function(x, temperature=0.7)
    for r in range(50):
        np.testing.assert_array_equal(function(x[r], temperature=0.7), together[r])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", FAMILY)
def test_short_rows_have_the_same_bits_alone_and_among_any_others(function, dtype):
    """Eight short rows are computed at once, unless one of them is of an unusual kind."""
    temperatures = np.array(
        [1, 0.7, 3, 1e-3, 40, 1, 0.7, 1e3, 0, 1, 1, np.inf, 1e-200, 1, 2] + [1] * 26
    )
    with np.errstate(all="ignore"):
        for n in range(1, 68):
            x = normal(41, n)
            x[9] = -0.0
            x[17, n // 2], x[25, n // 3], x[33] = -np.inf, np.nan, -np.inf
            x[34], x[35, -1] = np.inf, 600
            x = x.astype(dtype)
            for rows in (slice(None), slice(0, 24), slice(1, 9), slice(13, 30)):
                t = temperatures[rows]
                together = np.asarray(function(x[rows], temperature=t))
                alone = [
                    function(row, temperature=each) for row, each in zip(x[rows], t, strict=True)
                ]
                assert together.tobytes() == np.asarray(alone, dtype).tobytes(), (n, rows)
            together = function(x, temperature=temperatures)
            columns = function(np.ascontiguousarray(x.T), axis=0, temperature=temperatures)
            assert np.ascontiguousarray(columns.T).tobytes() == together.tobytes()


@pytest.mark.parametrize("function", FAMILY)
def test_x_is_left_as_it_was(function):
    x = normal(7, 40)
    before = x.copy()
    function(x, temperature=0.7)
    np.testing.assert_array_equal(x, before)


# ---- temperatures ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize(
    "temperature",
    [2, 2.0, True, np.float32(2), np.float16(2), np.int8(2), np.uint64(2), np.array(2.0)],
    ids=lambda t: type(t).__name__,
)
def test_temperature_may_be_any_real_number(function, temperature):
    x = normal(3, 5)
    np.testing.assert_array_equal(
        function(x, temperature=temperature), function(x, temperature=float(temperature))
    )


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("axis", AXES_OF_3D, ids=str)
def test_temperature_array_in_keepdims_form(function, axis):
    x = normal(3, 4, 5)
    temperature = np.abs(x.sum(axis=axis, keepdims=True)) + 0.1
    check(function, x, temperature, axis)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("axis", AXES_OF_3D[:-1], ids=str)
def test_temperature_array_of_the_reduced_shape(function, axis):
    x = normal(3, 4, 5)
    temperature = np.abs(x.sum(axis=axis)) + 0.1
    check(function, x, temperature, axis)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("shape", [(), (1,), (4,), (3, 1), (1, 4), (3, 4), (1, 1)])
def test_temperature_array_broadcasts_to_the_reduced_shape(function, shape):
    check(function, normal(3, 4, 5), 0.5 + normal(*shape) ** 2)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("shape", [(3, 4, 1), (1, 4, 1), (3, 1, 1), (1, 1, 1)])
def test_temperature_array_in_keepdims_form_broadcasts(function, shape):
    check(function, normal(3, 4, 5), 0.5 + normal(*shape) ** 2)


@pytest.mark.parametrize("function", FAMILY)
def test_temperature_of_one_row_may_have_one_dimension(function):
    x = normal(7)
    np.testing.assert_array_equal(
        np.ravel(function(x, temperature=np.array([0.5]))), np.ravel(function(x, temperature=0.5))
    )


@pytest.mark.parametrize("function", FAMILY)
def test_as_many_dimensions_as_x_is_the_keepdims_form(function):
    # of the reduced shape it would be an error, and read as such these would be other rows
    x = normal(3, 3)
    temperature = np.array([[0.5], [1.0], [2.0]])
    by_rows = function(x, temperature=temperature)
    np.testing.assert_array_equal(by_rows, function(x, temperature=temperature[:, 0]))


@pytest.mark.parametrize("function", FAMILY)
def test_each_row_of_a_temperature_array_is_that_row_alone(function):
    x = normal(40, 21, dtype=np.float32)
    temperature = np.r_[0.0, np.inf, 5e-324, 1e308, np.linspace(0.01, 3, 36)]
    together = function(x, temperature=temperature)
    for r in range(40):
        np.testing.assert_array_equal(function(x[r], temperature=temperature[r]), together[r])


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("wrap", [scattered, unaligned, np.ndarray.tolist, lambda t: t[::-1][::-1]])
def test_temperature_array_may_lie_anyhow(function, wrap):
    x = normal(6, 5)
    temperature = 0.5 + normal(6) ** 2
    np.testing.assert_array_equal(
        function(x, temperature=wrap(temperature)), function(x, temperature=temperature)
    )


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ">f8", np.int64, np.uint8, bool])
def test_temperature_array_of_any_real_dtype(function, dtype):
    x = normal(3, 5)
    temperature = np.array([1, 2, 3]).astype(dtype)
    expected = function(x, temperature=temperature.astype(np.float64))
    np.testing.assert_array_equal(function(x, temperature=temperature), expected)


@pytest.mark.parametrize("function", FAMILY)
def test_temperature_never_changes_the_dtype(function):
    x = normal(3, 5, dtype=np.float32)
    assert function(x, temperature=np.float64(0.7)).dtype == np.float32
    assert function(x, temperature=np.full(3, 0.7)).dtype == np.float32
    assert function(x, temperature=1e300).dtype == np.float32


@pytest.mark.parametrize("function", FAMILY)
def test_temperature_is_used_in_float64(function):
    x = (1e6 * normal(100)).astype(np.float32)
    check(function, x, 1e4 / 3)


# ---- dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_come_back_in_their_own_type(function, dtype):
    assert check(function, normal(3, 40, dtype=dtype), 0.7).dtype == dtype


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("temperature", [0.0, 1e-3, 0.7, 1.0, 30.0, np.inf])
def test_half_precision_is_float32_rounded_once(function, half, temperature):
    x = normal(30, 65, dtype=half, sigma=8)
    with np.errstate(over="ignore"):
        expected = function(x.astype(np.float32), temperature=temperature).astype(half)
    expected += half(0)  # zeros are positive, those too that a negative number is rounded to
    assert function(x, temperature=temperature).tobytes() == expected.tobytes()


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("half", HALVES)
def test_every_half_precision_number(function, half):
    x = np.arange(2**16, dtype=np.uint16).view(half).reshape(-1, 2)
    with np.errstate(over="ignore", invalid="ignore"):  # invalid: signalling NaNs
        expected = function(x.astype(np.float32), temperature=3.0).astype(half)
    result = function(x, temperature=3.0)
    # compared in float32, because NaN of a bfloat16 array is not equal to itself in NumPy's eyes
    np.testing.assert_array_equal(result.astype(np.float32), expected.astype(np.float32))


def test_half_precision_overflow_is_infinite_without_a_warning():
    x = np.array([65504, -65504], dtype=np.float16)
    np.testing.assert_array_equal(log_softmax(x), np.array([0, -np.inf], dtype=np.float16))
    assert logsumexp(x, temperature=0.5) == np.inf


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", np.typecodes["AllInteger"] + "?")
def test_integers_and_bool_are_taken_as_float64(function, dtype):
    x = np.array([[0, 1, 3, 2], [5, 1, 1, 0]]).astype(dtype)
    result = function(x, temperature=0.7)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, function(x.astype(np.float64), temperature=0.7))


@pytest.mark.parametrize("function", FAMILY)
def test_the_largest_integers(function):
    check(function, np.array([2**64 - 1, 2**63, 0], dtype=np.uint64), 1e18)
    check(function, np.array([-(2**63), 2**63 - 1, 0]), 1e18)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize(
    "x",
    [[1, 2, 4], (1.0, 2.0, 4.0), [[1, 2, 4]], [True, False], range(3), [np.float32(1), 2]],
    ids=str,
)
def test_lists_are_taken_as_float64(function, x):
    assert check(function, x, 0.7).dtype == np.float64


@pytest.mark.parametrize("function", FAMILY)
def test_buffers_are_taken(function):
    x = array.array("f", [1, 2, 4])
    np.testing.assert_array_equal(function(x), function(np.float32([1, 2, 4])))
    np.testing.assert_array_equal(function(memoryview(x)), function(np.float32([1, 2, 4])))


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2, 4], dtype=np.float32)


@pytest.mark.parametrize("function", FAMILY)
def test_whatever_asarray_takes_is_taken(function):
    np.testing.assert_array_equal(function(HasArray()), function(np.float32([1, 2, 4])))


class Tagged(np.ndarray):
    def __array_ufunc__(self, *args, **keywords):
        raise AssertionError("subclass consulted")

    def __array_wrap__(self, *args, **keywords):
        raise AssertionError("subclass consulted")


@pytest.mark.parametrize("function", FAMILY)
def test_subclasses_come_back_as_plain_arrays(function):
    x = normal(3, 5)
    result = function(x.view(Tagged), temperature=0.7)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, function(x, temperature=0.7))


@pytest.mark.parametrize("function", FAMILY)
def test_temperature_may_be_a_subclass(function):
    x, temperature = normal(3, 5), np.array([0.5, 1.0, 2.0])
    result = function(x, temperature=temperature.view(Tagged))
    np.testing.assert_array_equal(result, function(x, temperature=temperature))


# ---- memory ------------------------------------------------------------------------------------

LAYOUTS = {
    "fortran": np.asfortranarray,
    "scattered": scattered,
    "unaligned": unaligned,
    "reversed": lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    "reversed rows": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "byte-swapped, unaligned": lambda x: unaligned(x.astype(x.dtype.newbyteorder())),
    "big-endian, scattered": lambda x: scattered(x.astype(x.dtype.newbyteorder(">"))),
    "padded rows": lambda x: np.pad(x, [(0, 0), (1, 2)])[:, 1:-2],
}


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_memory_layout_changes_no_bit(function, layout, dtype, axis):
    x = normal(19, 70, dtype=dtype)
    expected = np.asarray(function(x, temperature=0.7, axis=axis))
    result = np.asarray(function(LAYOUTS[layout](x), temperature=0.7, axis=axis))
    assert result.dtype == expected.dtype
    assert result.dtype.isnative
    assert result.tobytes() == expected.tobytes()


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("layout", ["fortran", "scattered", "unaligned", "reversed"])
@needs_bfloat16
def test_memory_layout_of_bfloat16_changes_no_bit(function, layout):
    x = normal(19, 70, dtype=bfloat16)
    assert function(LAYOUTS[layout](x)).tobytes() == function(x).tobytes()


@pytest.mark.parametrize("function", FAMILY)
def test_axis_0_has_the_bits_of_the_transposed_rows(function):
    x = normal(130, 67, dtype=np.float32)
    by_columns = function(x, temperature=0.7, axis=0)
    by_rows = function(np.ascontiguousarray(x.T), temperature=0.7)
    np.testing.assert_array_equal(by_columns, by_rows.T)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("offset", range(1, 17))
def test_any_element_may_be_the_first(function, offset):
    x = normal(100, dtype=np.float32)
    memory = np.zeros(120, dtype=np.float32)
    moved = memory[offset : offset + 100]
    moved[:] = x
    assert np.asarray(function(moved)).tobytes() == np.asarray(function(x)).tobytes()


@pytest.mark.parametrize("function", FAMILY)
def test_read_only_input(function):
    x = normal(3, 5)
    x.flags.writeable = False
    check(function, x)


@pytest.mark.parametrize("function", FAMILY)
def test_broadcast_input(function):
    x = np.broadcast_to(normal(5), (3, 5))
    check(function, x)
    check(function, x.T)
    check(function, np.broadcast_to(np.float32(2.5), (4, 6)), 0.7, None)


# ---- out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("dtype", FLOATS)
def test_out_is_filled_and_returned(function, dtype):
    x = normal(3, 40, dtype=dtype)
    out = np.empty_like(x)
    assert function(x, temperature=0.7, out=out) is out
    assert out.tobytes() == function(x, temperature=0.7).tobytes()


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out_of_an_integer_input_is_float64(function):
    out = np.empty(3)
    assert function([1, 2, 4], out=out) is out
    np.testing.assert_array_equal(out, function([1, 2, 4]))


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("layout", ["fortran", "scattered", "unaligned", "reversed", "padded rows"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_out_may_lie_anyhow(function, layout, axis):
    x = normal(19, 70, dtype=np.float32)
    out = LAYOUTS[layout](np.full_like(x, 7))
    assert function(x, temperature=0.7, axis=axis, out=out) is out
    np.testing.assert_array_equal(out, function(x, temperature=0.7, axis=axis))


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_nothing_beside_out_is_written(function):
    memory = np.full((9, 50), 7, dtype=np.float32)
    function(normal(3, 37, dtype=np.float32), out=memory[3:6, 5:42])
    memory[3:6, 5:42] = 7
    assert (memory == 7).all()


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out_for_a_byte_swapped_input_is_native(function):
    x = normal(3, 5)
    out = np.empty((3, 5))
    function(x.astype(x.dtype.newbyteorder()), out=out)
    np.testing.assert_array_equal(out, function(x))


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out_may_be_zero_dimensional(function):
    out = np.array(7.0)
    assert function(2.0, out=out) is out
    assert out == (1.0 if function is softmax else 0.0)


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out_none_is_no_out(function):
    np.testing.assert_array_equal(function([1, 2], out=None), function([1, 2]))


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 70, 5000])
def test_out_may_be_x_itself(function, dtype, axis, n):
    x = normal(5, n, dtype=dtype)
    expected = function(x, temperature=0.7, axis=axis)
    assert function(x, temperature=0.7, axis=axis, out=x) is x
    assert x.tobytes() == expected.tobytes()


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("layout", ["fortran", "scattered", "unaligned", "reversed", "padded rows"])
@pytest.mark.parametrize("axis", [0, 1, None])
def test_out_may_be_x_itself_in_any_layout(function, layout, axis):
    x = LAYOUTS[layout](normal(19, 70, dtype=np.float32))
    expected = function(x, temperature=0.7, axis=axis)
    function(x, temperature=0.7, axis=axis, out=x)
    np.testing.assert_array_equal(x, expected)


OVERLAPS = {
    "one element on": lambda m: (m[:-1], m[1:]),
    "one element back": lambda m: (m[1:], m[:-1]),
    "half on": lambda m: (m[:200], m[100:300]),
    "reversed": lambda m: (m, m[::-1]),
    "every other": lambda m: (m[:200], m[:400:2]),
    "into every other": lambda m: (m[:400:2], m[:200]),
    "one row on": lambda m: (m[:380].reshape(19, 20), m[20:].reshape(19, 20)),
    "one row back": lambda m: (m[20:].reshape(19, 20), m[:380].reshape(19, 20)),
    "part of a row on": lambda m: (m[:380].reshape(19, 20), m[7:387].reshape(19, 20)),
    "transposed": lambda m: (m.reshape(20, 20), m.reshape(20, 20).T),
    "rows of other lengths": lambda m: (m[:100].reshape(10, 10), m.reshape(20, 20)[:10, :10]),
    "rows reversed": lambda m: (m.reshape(20, 20), m.reshape(20, 20)[::-1]),
    "one byte on": lambda m: (m[:-1], m.view(np.uint8)[1 : 1 - m.itemsize].view(m.dtype)),
}


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, -1])
def test_partial_overlap_is_right_or_refused(function, overlap, dtype, axis):
    memory = normal(400, dtype=dtype)
    before = memory.copy()
    x, out = OVERLAPS[overlap](memory)
    expected = function(x.copy(), temperature=0.7, axis=axis)
    try:
        function(x, temperature=0.7, axis=axis, out=out)
    except ValueError:
        np.testing.assert_array_equal(memory, before)
    else:
        np.testing.assert_array_equal(out, expected)


@needs_bfloat16
def test_bfloat16_rounds_ties_to_even():
    """One in 65,536 float32 is in the middle between two bfloat16."""
    x = (3 * normal(2000, 400)).astype(bfloat16)
    exact = softmax(x.astype(np.float32))
    words = exact.view(np.uint32)
    assert ((words & 0x1FFFF) == 0x8000).any()  # which ends at an even one
    np.testing.assert_array_equal(softmax(x), exact.astype(bfloat16))


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_out_may_overlap_the_temperatures(function):
    memory = np.abs(normal(5, 6)) + 0.1
    x, temperature = normal(5, 6, dtype=np.float64).copy(), memory[:, 2]
    expected = function(x, temperature=temperature.copy())
    try:
        function(x, temperature=temperature, out=memory)
    except ValueError:
        return
    np.testing.assert_array_equal(memory, expected)


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("place", [0, 1, 17, 29])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_out_may_hold_the_temperatures_anywhere(function, place, axis, dtype):
    memory = np.abs(normal(36, dtype=dtype)) + dtype(0.1)
    out, x = memory[:30].reshape(5, 6), normal(5, 6, dtype=dtype)
    temperature = memory[place : place + (6 if axis == 0 else 5)]
    expected = function(x, temperature=temperature.copy(), axis=axis)
    function(x, temperature=temperature, axis=axis, out=out)
    np.testing.assert_array_equal(out, expected)


# ---- empty arrays ------------------------------------------------------------------------------


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (0, 0), (2, 0, 4)])
@pytest.mark.parametrize("axis", [-1, 0, None])
@pytest.mark.parametrize("dtype", FLOATS)
def test_empty_in_empty_out(function, shape, axis, dtype):
    result = function(np.empty(shape, dtype), axis=axis)
    assert result.shape == shape
    assert result.dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0, 1, np.inf])
def test_logsumexp_of_an_empty_axis_is_minus_infinity(dtype, temperature):
    result = logsumexp(np.empty((3, 0), dtype), temperature=temperature)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.full(3, -np.inf, dtype))
    assert logsumexp(np.empty((3, 0), dtype), temperature=temperature, axis=None) == -np.inf
    assert logsumexp(np.empty((0, 4), dtype), temperature=temperature, axis=0).shape == (4,)


def test_logsumexp_of_no_rows_is_empty():
    assert logsumexp(np.empty((0, 4))).shape == (0,)
    assert logsumexp(np.empty((0, 4)), keepdims=True).shape == (0, 1)


def test_logsumexp_of_an_empty_list_is_minus_infinity():
    assert logsumexp([]) == -np.inf


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_empty_list_gives_an_empty_float64_array(function):
    assert function([]).shape == (0,)
    assert function([]).dtype == np.float64


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_empty_out(function):
    out = np.empty((3, 0))
    assert function(np.empty((3, 0)), out=out) is out


EMPTY_SHAPES = [(0,), (3, 0), (0, 3), (0, 0), (2, 0, 4), (0, 2, 4), (2, 4, 0), (0, 1, 0)]


def axes_of(ndim):
    """Every way to name axes of so many dimensions, each axis once."""
    named = [range(ndim), range(-ndim, 0)]
    return [
        None,
        *(axis for axes in named for axis in axes),
        *(chosen for axes in named for k in range(ndim + 1) for chosen in permutations(axes, k)),
    ]


@pytest.mark.parametrize("shape", EMPTY_SHAPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_axis_of_every_empty_array(shape, dtype):
    x = np.empty(shape, dtype)
    for axis in axes_of(len(shape)):
        for function in SAME_SHAPE:
            result = function(x, temperature=0.7, axis=axis)
            assert (result.shape, result.dtype) == (shape, dtype)
            assert function(x, temperature=0.7, axis=axis, out=result) is result
        for keepdims in (False, True):
            sums = logsumexp(x, temperature=0.7, axis=axis, keepdims=keepdims)
            expected = np.zeros(shape).sum(axis=axis, keepdims=keepdims)
            assert (np.shape(sums), sums.dtype) == (np.shape(expected), dtype)
            assert (sums == -np.inf).all()


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 3, 1), (1, 1, 1), (2, 1, 3, 2)], ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_axis_of_every_shape(shape, dtype):
    x = normal(*shape, dtype=dtype)
    for axis in axes_of(len(shape)):
        axes = range(len(shape)) if axis is None else np.atleast_1d(np.array(axis, int)) % x.ndim
        kept = [i for i in range(x.ndim) if i not in axes]
        order = kept + sorted(axes)
        rows = x.transpose(order).reshape(*(x.shape[i] for i in kept), -1)
        rows = np.ascontiguousarray(rows)
        temperature = np.linspace(0.5, 2, rows[..., 0].size).reshape(rows.shape[:-1])
        for t in (0.7, temperature, np.expand_dims(temperature, tuple(axes))):
            by_row = t if np.ndim(t) == 0 else temperature
            for function in SAME_SHAPE:
                expected = function(rows, temperature=by_row).reshape([x.shape[i] for i in order])
                expected = expected.transpose(np.argsort(order))
                assert function(x, temperature=t, axis=axis).tobytes() == expected.tobytes()
            sums = np.asarray(logsumexp(x, temperature=t, axis=axis))
            assert sums.tobytes() == np.asarray(logsumexp(rows, temperature=by_row)).tobytes()


@pytest.mark.parametrize("function", FAMILY)
def test_empty_temperature_array_for_no_rows(function):
    assert function(np.empty((0, 4)), temperature=np.empty(0)).size == 0


# ---- the module --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_family_is_public(name):
    assert name in softdraw.__all__
    assert getattr(softdraw, name).__name__ == name
    assert getattr(softdraw, name).__doc__
