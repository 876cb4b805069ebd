"""Each row of the table of edges in the documentation, and what errors say, for the softmax family.

Also the cases that other libraries got wrong, named for what went wrong.
"""

import weakref
from collections import UserList, deque
from decimal import Decimal

import numpy as np
import oracle
import pytest
from floats import FLOATS, finfo
from lookalikes import Column, Delayed, Frame, Objects
from messages import exactly

from softdraw import entropy, log_softmax, logsumexp, softmax, softmax_vjp

AxisError = getattr(np, "exceptions", np).AxisError  # NumPy 1.25 and later; before it
SAME_SHAPE = [softmax, log_softmax]
FAMILY = [softmax, log_softmax, logsumexp]
inf, nan = np.inf, np.nan


def bits(x):
    return np.asarray(x).view({4: np.uint32, 8: np.uint64}[np.asarray(x).dtype.itemsize])


@pytest.fixture(params=SAME_SHAPE, ids=lambda function: function.__name__)
def function(request):
    return request.param


@pytest.fixture
def out():
    """An `out` of shape (2, 3) that a failing call must leave as it is."""
    array = np.full((2, 3), 7.0)
    yield array
    assert (array == 7).all(), "out was written to"


X = np.arange(6.0).reshape(2, 3)
RAGGED = [[1.0, 2.0], [3.0]]


class Bfloat16Tensor:
    """A tensor of torch, as far as it matters here."""

    dtype = type("dtype", (), {"__str__": lambda self: "torch.bfloat16"})()

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


# ---- inputs that are refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, dtype",
    [
        (np.ones((2, 3), np.complex64), "complex64; take np.real or np.abs of it"),
        (np.ones((2, 3), np.complex128), "complex128; take np.real or np.abs of it"),
        ([[1j, 2, 3], [4, 5, 6]], "complex128; take np.real or np.abs of it"),
        ([["a", "b", "c"], ["d", "e", "f"]], "<U1"),
        ("abc", "<U3"),
        (np.array([[b"a"] * 3] * 2), "|S1"),
        (np.ones((2, 3), object), "object; write np.asarray(x, float)"),
        (np.array(2**70), "object; write np.asarray(x, float)"),
        (None, "object"),
        ([[1, 2, None], [4, 5, 6]], "object; write np.asarray(x, float)"),
        ({1, 2}, "object; write list(x)"),
        ({"a": 1.0}.values(), "object; write list(x)"),
        ([1, 2**64], "object; write np.asarray(x, float)"),
        (Objects(), "object; write np.asarray(x, float)"),
        (Frame(), "object; write x.to_numpy(float, na_value=np.nan)"),
        (Column(), "object; write np.stack(np.asarray(x))"),
        (Delayed(), "object; write x.compute()"),
        (2**70, "object; write float(x)"),
        (Decimal("0.7"), "object; write float(x)"),
        ({"a": 1.0}, "object"),
        (np.zeros((2, 3), "M8[s]"), "datetime64[s]"),
        (np.zeros((2, 3), "m8[s]"), "timedelta64[s]"),
        (np.zeros((2, 3), [("a", "f4")]), "[('a', '<f4')]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_x_that_is_no_real_number_is_a_type_error(function, out, x, dtype):
    text = exactly(f"x must be real numbers, got dtype {dtype}")
    with pytest.raises(TypeError, match=text):
        function(x, out=out)
    with pytest.raises(TypeError, match=text):
        logsumexp(x)


def test_a_bfloat16_tensor_of_torch_is_to_be_viewed_by_ml_dtypes(function):
    text = exactly(
        "x is a bfloat16 tensor, which torch does not give to NumPy; with ml_dtypes, "
        "write x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
    )
    with pytest.raises(TypeError, match=text):
        function(Bfloat16Tensor())


def test_what_else_hinders_an_array_is_said_as_it_is(function):
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("out of order")

    with pytest.raises(TypeError, match="^out of order$"):
        function(Broken())


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_signalling_nan_as_temperature_warns_of_nothing(function, dtype):
    signalling = np.array([0x7F800001], np.uint32).view(np.float32)
    if dtype is np.float16:
        signalling = np.array([0x7C01], np.uint16).view(np.float16)
    with np.errstate(all="raise"), pytest.raises(ValueError, match="must be >= 0, got nan"):
        function(X, temperature=signalling)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_x_of_another_ml_dtype_is_a_type_error(function, out, name):
    x = np.ones((2, 3), getattr(pytest.importorskip("ml_dtypes"), name))
    with pytest.raises(TypeError, match=f"got dtype {name}"):
        function(x, out=out)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_x_of_longdouble_is_a_type_error(function, out):
    name = np.dtype(np.longdouble)
    text = exactly(f"x must be float16, bfloat16, float32, float64 or integers, got dtype {name}")
    with pytest.raises(TypeError, match=text):
        function(np.ones((2, 3), np.longdouble), out=out)
    with pytest.raises(TypeError, match=text):
        logsumexp(np.ones((2, 3), np.longdouble))


def test_masked_x_is_a_type_error(function, out):
    text = exactly("x is a masked array; fill or compress it first, its mask would be lost")
    for mask in (X > 4, np.ma.nomask):
        x = np.ma.array(X, mask=mask)
        with pytest.raises(TypeError, match=text):
            function(x, out=out)
        with pytest.raises(TypeError, match=text):
            logsumexp(x)


def test_ragged_x_is_a_value_error(function, out):
    with pytest.raises(ValueError):
        function(RAGGED, out=out)
    with pytest.raises(ValueError):
        logsumexp(RAGGED)


@pytest.mark.parametrize("x", [[], 3.0, np.float32(3), np.zeros((0, 3))], ids=str)
def test_small_x_is_checked_for_temperature_too(function, x):
    with pytest.raises(ValueError, match=exactly("temperature must be >= 0, got -1.0")):
        function(x, temperature=-1.0)


# ---- temperatures that are refused -------------------------------------------------------------


@pytest.mark.parametrize(
    "temperature, text",
    [
        (-1.0, "temperature must be >= 0, got -1.0"),
        (-1, "temperature must be >= 0, got -1"),
        (-5e-324, "temperature must be >= 0, got -5e-324"),
        (-inf, "temperature must be >= 0, got -inf"),
        (nan, "temperature must be >= 0, got nan"),
        (np.float32(-0.5), "temperature must be >= 0, got -0.5"),
        (np.array(-1.0), "temperature must be >= 0, got -1.0"),
        ([1.0, nan], "temperature[1] must be >= 0, got nan"),
        ([-2.0, nan], "temperature[0] must be >= 0, got -2.0"),
        (np.array([1, -3]), "temperature[1] must be >= 0, got -3"),
        (np.float32([0.5, -0.25]), "temperature[1] must be >= 0, got -0.25"),
        ([1, -3], "temperature[1] must be >= 0, got -3"),
        (np.array([[1.0], [nan]]), "temperature[1, 0] must be >= 0, got nan"),
    ],
    ids=repr,
)
def test_negative_or_nan_temperature_is_a_value_error(function, out, temperature, text):
    with pytest.raises(ValueError, match=exactly(text)):
        function(X, temperature=temperature, out=out)
    with pytest.raises(ValueError, match=exactly(text)):
        logsumexp(X, temperature=temperature)


def test_the_first_bad_temperature_is_named(function):
    x, temperature = np.zeros((4, 5, 6)), np.ones((4, 5))
    temperature[2, 3], temperature[3, 0] = nan, -1
    with pytest.raises(ValueError, match=exactly("temperature[2, 3] must be >= 0, got nan")):
        function(x, temperature=temperature)
    with pytest.raises(ValueError, match=exactly("temperature[2, 3] must be >= 0, got nan")):
        function(x, temperature=np.asfortranarray(temperature))
    with pytest.raises(ValueError, match=exactly("temperature[2, 3, 0] must be >= 0, got nan")):
        function(x, temperature=temperature[:, :, None])


def test_a_bad_temperature_of_the_last_row_leaves_x_in_place_as_it_was(function):
    x, before, temperature = np.ones((1000, 7)), np.ones((1000, 7)), np.ones(1000)
    temperature[-1] = -1
    with pytest.raises(ValueError, match=exactly("temperature[999] must be >= 0, got -1.0")):
        function(x, temperature=temperature, out=x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    "temperature, got",
    [
        ("1", "str"),
        (b"1", "bytes"),
        (None, "NoneType"),
        (1j, "complex; take np.real or np.abs of it"),
        (np.complex64(1), "complex64; take np.real or np.abs of it"),
        ({}, "dict"),
        (object(), "object"),
        (np.array([1j, 1]), "an array of dtype complex128; take np.real or np.abs of it"),
        (np.array(["1", "2"]), "an array of dtype <U1"),
        (
            np.array([1.0, None]),
            "an array of dtype object; write np.asarray(temperature, float)",
        ),
        (Decimal("0.7"), "Decimal; write float(temperature)"),
        (Delayed(), "Delayed; write temperature.compute()"),
        ({0.5}, "set; write list(temperature)"),
        (np.array([1, 2], "m8[s]"), "an array of dtype timedelta64[s]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_temperature_that_is_no_real_number_is_a_type_error(function, out, temperature, got):
    text = exactly(f"temperature must be a real number or an array of them, got {got}")
    with pytest.raises(TypeError, match=text):
        function(X, temperature=temperature, out=out)
    with pytest.raises(TypeError, match=text):
        logsumexp(X, temperature=temperature)


@pytest.mark.parametrize("kind", [list, tuple, deque, UserList])
def test_a_ragged_sequence_says_so(function, out, kind):
    with pytest.raises(ValueError, match="^x is ragged: its parts have different lengths"):
        function(kind([[1, 2], [3]]), out=out)


@pytest.mark.parametrize("temperature", [["1", "2"], [None, 1.0], [1j, 1]], ids=repr)
def test_temperature_list_of_no_real_numbers_is_a_type_error(function, out, temperature):
    with pytest.raises(TypeError, match="^temperature must be a real number or an array of them"):
        function(X, temperature=temperature, out=out)


@pytest.mark.parametrize(
    "shape, axis, text",
    [
        ((3,), -1, "temperature of shape (3,) fits neither (2, 1) nor (2,)"),
        ((2,), 0, "temperature of shape (2,) fits neither (1, 3) nor (3,)"),
        ((2, 3), -1, "temperature of shape (2, 3) fits neither (2, 1) nor (2,)"),
        ((1, 2), -1, "temperature of shape (1, 2) fits neither (2, 1) nor (2,)"),
        ((2, 1), 0, "temperature of shape (2, 1) fits neither (1, 3) nor (3,)"),
        ((1, 2, 1), -1, "temperature of shape (1, 2, 1) fits neither (2, 1) nor (2,)"),
        ((2,), None, "temperature of shape (2,) fits neither (1, 1) nor ()"),
        ((0,), -1, "temperature of shape (0,) fits neither (2, 1) nor (2,)"),
    ],
)
def test_temperature_of_a_shape_that_fits_neither_form(function, out, shape, axis, text):
    with pytest.raises(ValueError, match=exactly(text)):
        function(X, temperature=np.ones(shape), axis=axis, out=out)
    with pytest.raises(ValueError, match=exactly(text)):
        logsumexp(X, temperature=np.ones(shape), axis=axis)


# ---- axes that are refused ---------------------------------------------------------------------


@pytest.mark.parametrize("axis, named", [(2, 2), (-3, -3), ((0, 5), 5), (10**6, 10**6)], ids=str)
def test_axis_out_of_range_is_numpys_axis_error(function, out, axis, named):
    text = exactly(f"axis {named} is out of bounds for array of dimension 2")
    with pytest.raises(AxisError, match=text):
        function(X, axis=axis, out=out)
    with pytest.raises(AxisError, match=text):
        logsumexp(X, axis=axis)


def test_axis_1_of_a_number_is_numpys_axis_error(function):
    with pytest.raises(AxisError, match="axis 1 is out of bounds for array of dimension 0"):
        function(3.0, axis=1)


@pytest.mark.parametrize("axis", [(0, 0), (1, -1)], ids=str)
def test_axis_given_twice_is_a_value_error(function, out, axis):
    with pytest.raises(ValueError, match=exactly("duplicate value in 'axis'")):
        function(X, axis=axis, out=out)
    with pytest.raises(ValueError, match=exactly("duplicate value in 'axis'")):
        logsumexp(X, axis=axis)


def test_no_axis_of_an_array_of_the_most_dimensions_is_a_value_error(function):
    x = np.ones((1,) * (32 if np.__version__.startswith("1.") else 64))
    text = exactly(f"axis must not be () for an array of {x.ndim} dimensions")
    with pytest.raises(ValueError, match=text):
        function(x, axis=())
    assert function(x, axis=(0, 1)).shape == x.shape
    assert function(x[0], axis=()).shape == x[0].shape


@pytest.mark.parametrize("axis", [0.0, "0", (0.0, 1), (None,), np.float64(1)], ids=repr)
def test_axis_that_is_no_integer_is_a_type_error(function, out, axis):
    with pytest.raises(TypeError):
        function(X, axis=axis, out=out)
    with pytest.raises(TypeError):
        logsumexp(X, axis=axis)


@pytest.mark.parametrize("axis", [2**31, 2**32, 2**63, -(2**32)])
def test_axis_past_the_range_of_int_is_refused(function, out, axis):
    with pytest.raises((IndexError, OverflowError)):
        function(X, axis=axis, out=out)


# ---- out that is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad, got",
    [([[0.0] * 3] * 2, "list"), (5.0, "float"), (memoryview(np.ones((2, 3))), "memoryview")],
    ids=["list", "float", "memoryview"],
)
def test_out_that_is_no_array_is_a_type_error(function, bad, got):
    with pytest.raises(TypeError, match=exactly(f"out must be a NumPy array, got {got}")):
        function(X, out=bad)


def test_out_that_only_claims_to_be_an_array_is_a_type_error(function, out):
    with pytest.raises(TypeError, match="^out must be a NumPy array, got .*Proxy"):
        function(X, out=weakref.proxy(out))


class Boastful(np.ndarray):
    shape = property(lambda self: (2, 3))
    dtype = property(lambda self: np.dtype(np.float64))


@pytest.mark.parametrize(
    "small", [np.zeros(2), np.zeros((2, 3), np.float32)], ids=["shape", "dtype"]
)
def test_what_out_says_of_itself_does_not_count(function, small):
    with pytest.raises(ValueError, match="^out must have (shape|dtype)"):
        function(X, out=small.view(Boastful))
    assert not small.any()


def test_out_that_is_masked_is_a_type_error(function, out):
    with pytest.raises(TypeError, match="^out must be a plain array, got a masked array$"):
        function(X, out=np.ma.array(out, copy=False))


@pytest.mark.parametrize(
    "wanted, dtype",
    [(a, b) for a in FLOATS for b in [*FLOATS, np.int64, np.complex128, object] if a is not b],
)
def test_out_of_another_dtype_is_a_value_error(function, wanted, dtype):
    out = np.full((2, 3), 7).astype(dtype)
    text = exactly(f"out must have dtype {np.dtype(wanted)}, got {np.dtype(dtype)}")
    with pytest.raises(ValueError, match=text):
        function(X.astype(wanted), out=out)
    assert (out == 7).all()


def test_out_of_an_integer_input_must_be_float64(function):
    out = np.full(3, 7)
    with pytest.raises(ValueError, match=exactly("out must have dtype float64, got int64")):
        function(np.array([1, 2, 3]), out=out.astype(np.int64))


@pytest.mark.parametrize("shape", [(3, 2), (6,), (1, 2, 3), (2, 4), (2, 1), (), (0, 3)], ids=str)
def test_out_of_another_shape_is_a_value_error(function, shape):
    bad = np.full(shape, 7.0)
    text = exactly(f"out must have shape (2, 3), got {shape}")
    with pytest.raises(ValueError, match=text):
        function(X, out=bad)
    assert (bad == 7).all()


@pytest.mark.parametrize("axis", [None, (0, 1), (), 1])
@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0, 0)])
def test_read_only_x_without_elements_has_a_result_without_elements(shape, axis):
    x = np.zeros(shape)
    x.flags.writeable = False
    for result in (softmax(x, axis=axis), softmax_vjp(x, x, axis=axis), log_softmax(x, axis=axis)):
        assert result.shape == shape
        assert result.flags.writeable


def test_out_that_is_read_only_is_a_value_error(function, out):
    out.flags.writeable = False
    with pytest.raises(ValueError, match=exactly("out is read-only")):
        function(X, out=out)


def test_out_that_is_a_broadcast_is_a_value_error(function):
    bad = np.broadcast_to(np.array(7.0), (2, 3))
    with pytest.raises(ValueError, match=exactly("out is read-only")):
        function(X, out=bad)


@pytest.mark.parametrize("bad", [(5, 0), 0, "no"], ids=repr)
def test_an_unknown_keyword_is_a_type_error(function, out, bad):
    with pytest.raises(TypeError):
        function(X, out=out, dim=bad)


# ---- infinities and NaN ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1.0, 1e30, inf])
def test_minus_infinity_has_probability_zero(dtype, temperature):
    x = np.array([-inf, 1, -inf, 1, -inf], dtype)
    np.testing.assert_array_equal(
        softmax(x, temperature=temperature), np.array([0, 0.5, 0, 0.5, 0], dtype)
    )
    result = log_softmax(x, temperature=temperature)
    np.testing.assert_array_equal(result[::2], np.full(3, -inf, dtype))
    np.testing.assert_allclose(result[1::2].astype(float), -np.log(2), rtol=4e-3)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, -0.0, 5e-324, 1e-30, 1.0, 1e30, inf])
@pytest.mark.parametrize("bad", [nan, -nan, inf])
@pytest.mark.parametrize("place", [0, 7, 15, 16, 36])
def test_a_row_with_nan_or_infinity_is_nan_and_others_are_untouched(
    function, dtype, temperature, bad, place
):
    x = np.random.default_rng(0).normal(size=(3, 37)).astype(dtype)
    alone = function(x, temperature=temperature)
    x[1, place] = bad
    result = function(x, temperature=temperature)
    assert np.isnan(result[1].astype(float)).all()
    assert result[[0, 2]].tobytes() == alone[[0, 2]].tobytes()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, 5e-324, 1e-30, 1.0, 1e30, inf])
@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 64, 100, 5000])
def test_all_minus_infinity_is_nan(function, dtype, temperature, n):
    result = function(np.full((2, n), -inf, dtype), temperature=temperature)
    assert np.isnan(result.astype(float)).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, -0.0, 5e-324, 1e-30, 1.0, 1e30, inf])
@pytest.mark.parametrize("n", [1, 2, 16, 17, 100, 5000])
def test_logsumexp_of_infinities_and_nan(dtype, temperature, n):
    row = np.zeros(n, dtype)
    assert logsumexp(np.full(n, -inf, dtype), temperature=temperature) == -inf
    row[-1] = inf
    assert logsumexp(row, temperature=temperature) == inf
    row[0] = -inf
    row[-1] = inf
    assert logsumexp(row, temperature=temperature) == inf
    row[n // 2] = nan
    row[0] = inf if n > 2 else row[0]
    assert np.isnan(float(logsumexp(row, temperature=temperature)))


NAN_BITS = [(np.float32, 0x7FC00000), (np.float64, 0x7FF8 << 48)]


@pytest.mark.parametrize("dtype, pattern", NAN_BITS)
@pytest.mark.parametrize("bad", [nan, -nan, inf, -inf])
@pytest.mark.parametrize("temperature", [0.0, 1e-3, 1.0, inf])
def test_nan_is_always_the_same_bits(function, dtype, pattern, bad, temperature):
    x = np.full((2, 21), bad, dtype)
    if bad != -inf:
        x[1, :-1] = 1
    assert (bits(function(x, temperature=temperature)) == pattern).all()
    if np.isnan(bad):
        assert (bits(logsumexp(x, temperature=temperature)) == pattern).all()


@pytest.mark.parametrize("dtype, pattern", NAN_BITS)
@pytest.mark.parametrize("rest", [0.0, -1e9, -inf])
@pytest.mark.parametrize("temperature", [0.0, 0.7, inf])
def test_nan_at_any_place_makes_its_row_nan(function, dtype, pattern, rest, temperature):
    x = np.full((150, 150), rest, dtype)
    x[:, 0] = 1
    np.fill_diagonal(x, nan)
    for result in (function(x, temperature=temperature), entropy(x, temperature=temperature)):
        assert (bits(result) == pattern).all()


@pytest.mark.parametrize("dtype, pattern", NAN_BITS)
@pytest.mark.parametrize("first", [0, 0x8 << 28, 1 << 22], ids=["signalling", "negative", "quiet"])
@pytest.mark.parametrize("shape", [(1, 21), (8, 13), (40, 13)])
def test_no_payload_of_a_nan_comes_back(function, dtype, pattern, first, shape):
    x = np.zeros(shape, dtype)
    infinity = int(bits(np.array(inf, dtype)))
    row = len(x) // 2
    bits(x)[row, 5] = infinity | first << (0 if dtype is np.float32 else 29) | 0xABCD
    assert np.isnan(x[row, 5])
    for temperature in (0.0, 0.7, inf):
        assert (bits(function(x, temperature=temperature)[row]) == pattern).all()
        assert (bits(logsumexp(x, temperature=temperature)[row]) == pattern).all()
        assert (bits(entropy(x, temperature=temperature)[row]) == pattern).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1.0, inf])
def test_zeros_are_positive(function, dtype, temperature):
    rows = np.array([[0, -inf], [-0.0, -inf], [1000, -1000], [3, 3], [-1000, 1000]], dtype)
    result = function(rows, temperature=temperature).astype(float)
    assert not np.signbit(result[result == 0]).any()
    single = function(np.array([[-0.0], [5], [-5]], dtype), temperature=temperature).astype(float)
    assert not np.signbit(single[single == 0]).any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_logsumexp_of_negative_zero_is_positive_zero(dtype):
    for temperature in (0.0, 1.0, inf):
        result = np.asarray(logsumexp(np.array([-0.0], dtype), temperature=temperature))
        assert result.tobytes() == bytes(result.itemsize)


@pytest.mark.parametrize("dtype", FLOATS)
def test_results_too_small_for_the_dtype_are_positive_zeros(dtype):
    """They are rounded from negative numbers, and zeros are +0."""
    for result in (
        log_softmax(np.array([1, 0], dtype), temperature=1e-3),
        log_softmax(np.array([1, 0], dtype), temperature=0.05),
        logsumexp(np.array([-1], dtype), temperature=1e46),
        logsumexp(np.array([-1], dtype), temperature=1e7),
    ):
        single = np.asarray(result).astype(np.float64)
        assert not np.signbit(single[single == 0]).any()


# ---- temperature 0 and infinity ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("zero", [0, 0.0, -0.0, np.float32(-0.0)])
def test_temperature_zero_shares_the_mass_among_the_maxima(dtype, zero):
    x = np.array([[3, 1, 3, -2, 3], [1, 2, 3, 4, 5], [-inf, -7, -inf, -8, -7]], dtype)
    third = dtype(1 / 3)
    expected = np.array([[third, 0, third, 0, third], [0, 0, 0, 0, 1], [0, 0.5, 0, 0, 0.5]], dtype)
    np.testing.assert_array_equal(softmax(x, temperature=zero), expected)


@pytest.mark.parametrize("ties", [1, 2, 3, 7, 49, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_at_temperature_zero_are_rounded_correctly(ties, dtype):
    x = np.r_[np.zeros(500), np.ones(ties)].astype(dtype)
    result = softmax(x, temperature=0)
    assert (result[:500] == 0).all()
    assert (result[500:] == dtype(1) / dtype(ties)).all()
    oracle.check("log_softmax", log_softmax(x, temperature=0), x, 0)


def test_temperature_zero_tells_neighbouring_floats_apart():
    x = np.array([1, np.nextafter(1, 0)])
    np.testing.assert_array_equal(softmax(x, temperature=0), [1, 0])
    np.testing.assert_array_equal(log_softmax(x, temperature=0), [0, -inf])


def test_temperature_zero_takes_zeros_of_either_sign_as_tied():
    np.testing.assert_array_equal(softmax([0.0, -0.0, -1.0], temperature=0), [0.5, 0.5, 0])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_logsumexp_at_temperature_zero_goes_by_the_sign_of_the_maximum(dtype, zero):
    x = np.array([[1, 0, -1], [-1, -2, -1], [0, -1, 0], [0, -1, -2], [-inf, -0.0, 0]], dtype)
    result = logsumexp(x, temperature=zero)
    two = dtype(np.log(2))
    np.testing.assert_array_equal(result, np.array([inf, -inf, two, 0, two], dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_temperature_infinity_is_equal_over_what_is_not_minus_infinity(dtype):
    x = np.array([[5, -3, 1e30, -inf, 0, -1e30, 2]], dtype)
    sixth = dtype(1) / dtype(6)
    expected = np.array([[sixth, sixth, sixth, 0, sixth, sixth, sixth]], dtype)
    np.testing.assert_array_equal(softmax(x, temperature=inf), expected)
    for function in (log_softmax, logsumexp):
        oracle.check(function.__name__, function(x, temperature=inf), x, inf)


# ---- extreme temperatures and logits -----------------------------------------------------------

EXTREME = [5e-324, 1e-320, 2.3e-308, 1e-300, 1e-45, 1e-38, 1e-30, 1e30, 1e38, 1e45, 1e300, 1.7e308]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", EXTREME)
def test_extreme_temperatures(dtype, temperature):
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    rows = [
        rng.normal(size=70),
        rng.normal(size=70) * min(temperature, 1e37 if dtype is np.float32 else 1e307),
        rng.normal(size=70) * 1e30,
        rng.normal(size=70) * float(info.tiny),
        rng.choice([float(info.max), float(info.min), 0.0, 1.0], 70),
        rng.choice([0.0, float(info.smallest_subnormal), -float(info.tiny)], 70),
        np.r_[np.zeros(69), 1],
        np.full(70, 1e30),
        np.full(70, float(info.min)),
        np.where(rng.random(70) < 0.5, -inf, rng.normal(size=70)),
    ]
    x = np.array(rows).astype(dtype)
    for function in FAMILY:
        oracle.check(function.__name__, function(x, temperature=temperature), x, temperature)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 0.7, 1e30, inf])
def test_the_largest_and_the_smallest_float_in_one_row(dtype, temperature):
    info = np.finfo(dtype)
    x = np.array([info.max, info.min, info.max, 0], dtype)
    for function in FAMILY:
        oracle.check(function.__name__, function(x, temperature=temperature), x, temperature)


@pytest.mark.parametrize("dtype", FLOATS)
def test_masking_with_the_lowest_float_is_like_minus_infinity(dtype):
    lowest = finfo(dtype).min
    masked = np.array([1, lowest, 2, lowest, 3], dtype)
    removed = np.array([1, -inf, 2, -inf, 3], dtype)
    np.testing.assert_array_equal(softmax(masked), softmax(removed))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_below_the_smallest_normal_are_kept(dtype):
    """Others flush them to zero: JAX, oneDNN."""
    info = np.finfo(dtype)
    low = np.log(float(info.smallest_subnormal))
    x = np.r_[0, np.linspace(low - 2, np.log(float(info.tiny)), 99)].astype(dtype)
    result = softmax(x)
    assert ((result > 0) & (result < info.tiny)).sum() > 90
    oracle.check("softmax", result, x)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [1e-10, 1e-30, 1e-38, 1e-45, 1e-300, 5e-324])
def test_tiny_temperature_before_the_maximum_is_subtracted(dtype, temperature):
    """x / T overflows, then inf - inf is NaN: vLLM 890, 1623, 3063, 22180; TensorRT-LLM 15715."""
    x = np.array([1, 20, 3, -40, 20], dtype)
    np.testing.assert_array_equal(
        softmax(x, temperature=temperature), np.array([0, 0.5, 0, 0, 0.5], dtype)
    )


def test_temperature_has_an_effect():
    """gemma.cpp's had none for years: its PR 981."""
    assert softmax([0.0, 1.0], temperature=2)[1] != softmax([0.0, 1.0], temperature=1)[1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_does_not_depend_on_the_position(dtype):
    """A tail that calls libm gives the last elements other bits: ggml."""
    for n in range(2, 70):
        x = np.zeros(n, dtype)
        for i in range(n):
            x[i] = 1.2345
            result = softmax(x, temperature=0.7)
            x[i] = 0
            if i == 0:
                first = result[0], result[1]
            assert result[i] == first[0]
            assert (np.delete(result, i) == first[1]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dominant_entry_keeps_its_logarithm(dtype):
    """-log1p(exp(-100)) is not 0: torch and SciPy lose it (SciPy 19521)."""
    for gap in (20, 50, 100, 700):
        x = np.array([gap, 0], dtype)
        result = log_softmax(x)
        if dtype is np.float64 or gap <= 100:
            assert result[0] < 0
        oracle.check("log_softmax", result, x)
        oracle.check("log_softmax", log_softmax(x / 2, temperature=0.5), x / 2, 0.5)


def test_temperature_that_no_float_holds_is_a_value_error():
    for temperature in (10**400, -(10**400)):
        with pytest.raises(ValueError, match="^temperature is an integer of more than 64 bits"):
            softmax(X, temperature=temperature)


def test_integer_temperature_past_2_to_53_is_used():
    np.testing.assert_array_equal(softmax([1.0, 2.0], temperature=2**60), [0.5, 0.5])


def test_float16_result_that_underflows_is_no_floating_point_error():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(softmax(np.float16([0, -60000])), np.float16([1, 0]))
