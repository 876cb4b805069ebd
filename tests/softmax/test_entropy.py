"""entropy against mpmath, what it takes and gives back, its edges, and what its errors say."""

import math
import warnings

import numpy as np
import oracle
import pytest
from distributions import DISTRIBUTIONS, TEMPERATURES, sample
from floats import FLOATS
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly

from softdraw import entropy, softmax

AxisError = getattr(np, "exceptions", np).AxisError  # NumPy 1.25 and later; before it
DTYPES = [np.float32, np.float64]
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
inf, nan = math.inf, math.nan


def check(x, temperature=1.0):
    """The entropy of each row of x is right."""
    got = entropy(x, temperature=temperature)
    assert got.dtype == oracle.result_dtype(x)
    bound = oracle.BOUNDS["entropy", got.dtype.name]
    error = oracle.entropy_errors(got, x, temperature)
    assert error.max() <= bound, f"{error.max():.4g} ULP in row {error.argmax()}, more than {bound}"
    assert not np.signbit(got).any()


# ---- values ------------------------------------------------------------------------------------


def test_oracle_agrees_with_the_definition():
    p, log_p = oracle.exact([[1.0, 2.0, 4.0, 4.0]], 0.7)[:2]
    expected = -(p.to_float64() * log_p.to_float64()).sum()
    value, top = oracle.entropy([1.0, 2.0, 4.0, -inf, 4.0], 0.7)
    assert float(value) == pytest.approx(expected, rel=1e-15)
    assert float(top) == pytest.approx(p.to_float64().max(), rel=1e-15)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 17, 70])
def test_every_distribution_at_every_temperature(dtype, distribution, n):
    x = sample(distribution, n, dtype)
    with np.errstate(invalid="ignore"):
        x[x == inf] = 0  # what a half has no room for
    if (x > -inf).any():
        check(np.array([x] * len(TEMPERATURES)), np.array(TEMPERATURES))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_three_thousand_logits(dtype, distribution):
    check(sample(distribution, 3000, dtype)[None], 0.7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pairs_at_every_distance(dtype):
    """From log(2) down to where nothing is left; the sum of p log(p) would cancel or vanish."""
    x = np.zeros((400, 2), dtype)
    x[:, 1] = -np.linspace(0, 760 if dtype is np.float64 else 110, 400)
    check(x)
    check(x, 0.7)


@pytest.mark.parametrize("power", [-1074, -1073, -1060, -1040, -1030, -1023, -1022, -1021])
def test_pairs_at_every_distance_at_subnormal_temperatures(power):
    temperature = 2.0**power
    x = np.zeros((300, 2))
    x[:, 1] = -np.round(np.linspace(1, 744, 300)) * temperature
    check(x, temperature)
    with np.errstate(over="ignore"):
        check(np.concatenate([x + 1e300, x - 1.7e308, x + 1e270]), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_decade_of_temperature(dtype):
    for power in range(-300, 301, 20):
        z = sample("normal, sigma 3", 20, np.float64)
        with np.errstate(over="ignore", under="ignore"):
            x = np.array([z, z * 10.0**power]).astype(dtype)
        check(x[np.isfinite(x).all(1)], 10.0**power)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gap", [2, 20.3, 43.4, 70.1, 98.8])
def test_dominant_entry_beside_many_equal_ones(dtype, gap):
    """As many roundings, all to the same side."""
    x = np.zeros((1, 5000), dtype)
    x[0, 1234] = gap
    check(x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_million_logits(dtype):
    x = sample("normal, sigma 3", 2**20, dtype)
    p, log_p = (part.to_float64() for part in oracle.exact(x[None], 0.7)[:2])
    expected = -math.fsum((p * log_p).ravel().tolist())
    assert entropy(x, temperature=0.7) == pytest.approx(expected, rel=5 * EPS[dtype])


def test_a_dominant_entry_leaves_the_small_rest():
    assert entropy([0.0, 100.0]) == pytest.approx(101 * math.exp(-100), rel=1e-15)
    assert entropy(np.float32([0, 80])) == pytest.approx(81 * math.exp(-80), rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 100, 4097])
@pytest.mark.parametrize("temperature", [0.0, 5e-324, 0.7, 1e30, inf])
def test_equal_logits_have_the_logarithm_of_their_number(dtype, n, temperature):
    result = entropy(np.full(n, -5.3, dtype), temperature=temperature)
    assert result == pytest.approx(math.log(n), rel=EPS[dtype], abs=0)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40),
    st.floats(0, exclude_min=True, allow_infinity=False),
)
def test_any_row_at_any_temperature(row, temperature):
    check(np.array([row]), temperature)


@given(
    st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=40),
    st.floats(2**-10, 2**10),
)
def test_any_ordinary_row_of_float32(row, temperature):
    check(np.float32([row]), temperature)


# ---- edges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_temperature_0_counts_the_tied_maxima(dtype):
    x = np.array([[1, 3, 2, 0], [3, 1, 3, 3], [-inf, 2, -inf, 2]], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = entropy(x, temperature=0)
    assert result[0] == 0
    assert result[1] == np.float64(math.log(3)).astype(dtype)
    assert result[2] == np.float64(math.log(2)).astype(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinite_temperature_counts_what_is_not_minus_infinity(dtype):
    x = np.array([[1, 3, 2, 0], [3, -inf, 3, 1], [-inf, -inf, -inf, 2]], dtype)
    result = entropy(x, temperature=inf)
    logs = np.array([math.log(4), math.log(3), 0])
    assert result.tolist() == logs.astype(dtype).tolist()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [0.0, 5e-324, 0.7, 1e308, inf])
@pytest.mark.parametrize("n", [1, 5, 40, 3000])
def test_a_row_without_a_distribution_is_nan_and_no_other_row(dtype, temperature, n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(5, n)).astype(dtype)
    x[0, n // 2], x[1, n - 1], x[3] = nan, inf, -inf
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = entropy(x, temperature=temperature)
    assert np.isnan(result).tolist() == [True, True, False, True, False]
    assert result[2] == entropy(x[2], temperature=temperature)
    assert result[4] == entropy(x[4], temperature=temperature)


def test_nan_beside_nothing_is_nan():
    assert np.isnan(entropy([-inf, nan, -inf]))
    assert np.isnan(entropy([inf, nan]))


def test_one_entry_has_no_entropy():
    for temperature in (0.0, 1e-300, 1.0, inf):
        assert entropy([-inf, 7.0, -inf], temperature=temperature) == 0
        assert entropy(7.0, temperature=temperature) == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_masked_adds_nothing(dtype):
    x = sample("normal, sigma 3", 64, dtype)
    for mask in (-inf, np.finfo(dtype).min, -1e30):
        padded = np.r_[x, np.full(192, mask, dtype)]
        assert entropy(padded) == pytest.approx(entropy(x), rel=2 * EPS[dtype])


@pytest.mark.parametrize("temperature", [5e-324, 1e-310, 1e-200])
def test_subnormal_temperature(temperature):
    assert entropy([0.0, -temperature], temperature=temperature) == pytest.approx(
        0.5822031088882179, rel=1e-15
    )
    assert entropy([1e308, -1e308, 1e308], temperature=temperature) == math.log(2)


def test_huge_logits():
    assert entropy([1.7e308, -1.7e308], temperature=1e308) == pytest.approx(
        entropy([3.4, 0.0]), rel=1e-15
    )
    assert entropy([1.7e308, -1.7e308]) == 0
    assert entropy(np.float32([3e38, -3e38])) == 0
    assert entropy(np.float32([3e38, -3e38]), temperature=3e38) == pytest.approx(
        entropy([2.0, 0.0]), rel=1e-6
    )


def test_an_empty_axis_has_no_distribution():
    assert np.isnan(entropy([]))
    for axis in (-1, None):
        result = entropy(np.empty((3, 0), np.float32), axis=axis)
        assert result.dtype == np.float32
        assert np.isnan(result).all()
    assert entropy(np.empty((3, 0))).shape == (3,)
    assert entropy(np.empty((0, 3))).shape == (0,)


# ---- shapes and types --------------------------------------------------------------------------

X = np.random.default_rng(1).normal(0, 2, (3, 4, 5))


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3, (0, 2), (2, 1), (0, 1, 2), None])
def test_axes_are_reduced_as_numpy_reduces_them(axis):
    axes = tuple(range(3)) if axis is None else axis
    p = softmax(X, temperature=0.7, axis=axis)
    result = entropy(X, temperature=0.7, axis=axis)
    expected = -(p * np.log(p)).sum(axis=axes)
    assert np.shape(result) == np.shape(expected)
    np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_reduction_over_everything_is_a_numpy_scalar(dtype):
    for x, axis in ((X[0, 0], -1), (X, None), (X[0], (0, 1)), (X[0, 0, 0], -1)):
        result = entropy(x.astype(dtype), axis=axis)
        assert type(result) is dtype


@pytest.mark.parametrize("x", [[1, 2, 4], [True, False], np.arange(5, dtype=np.uint8), (0.5, 1)])
def test_integers_and_lists_are_computed_as_float64(x):
    result = entropy(x, temperature=0.7)
    assert type(result) is np.float64
    assert result == entropy(np.array(x, np.float64), temperature=0.7)


@pytest.mark.parametrize("dtype", FLOATS)
def test_no_way_to_pass_an_array_changes_a_bit(dtype):
    x = X.reshape(6, 10).astype(dtype)
    expected = entropy(x, temperature=0.7).tobytes()
    scattered = np.zeros((6, 20), dtype)
    scattered[:, ::2] = x
    unaligned = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
    unaligned[...] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (scattered[:, ::2], np.asfortranarray(x), unaligned, read_only, x[::-1][::-1]):
        assert entropy(same, temperature=0.7).tobytes() == expected
    assert entropy(np.ascontiguousarray(x.T), temperature=0.7, axis=0).tobytes() == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32])
def test_byte_swapped_input_gives_a_native_result(dtype):
    x = (10 * X[0]).astype(dtype)
    result = entropy(x.astype(x.dtype.newbyteorder()))
    assert result.dtype.isnative
    assert result.tobytes() == entropy(x).tobytes()


def test_one_temperature_for_each_row():
    x, t = X[0], np.array([0.0, 0.7, 3.0, inf])
    expected = [entropy(row, temperature=each) for row, each in zip(x, t, strict=True)]
    for temperature in (t, t[:, None], t.tolist()):
        assert entropy(x, temperature=temperature).tolist() == expected
    columns = [entropy(x[:, j], temperature=0.5 + j) for j in range(5)]
    assert entropy(x, temperature=0.5 + np.arange(5), axis=0).tolist() == columns


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [-1.0, -5e-324, nan, -inf])
def test_negative_or_nan_temperature_is_a_value_error(temperature):
    with pytest.raises(ValueError, match=exactly(f"temperature must be >= 0, got {temperature}")):
        entropy(X, temperature=temperature)


def test_a_temperature_that_does_not_fit_is_a_value_error():
    text = "temperature of shape (3,) fits neither (2, 1) nor (2,)"
    with pytest.raises(ValueError, match=exactly(text)):
        entropy(np.ones((2, 3)), temperature=np.ones(3))


def test_masked_logits_are_a_type_error():
    text = "logits is a masked array; fill or compress it first, its mask would be lost"
    with pytest.raises(TypeError, match=exactly(text)):
        entropy(np.ma.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("x", "dtype"),
    [([1j, 2], "complex128; take np.real or np.abs of it"), (["a"], "<U1"), (None, "object")],
)
def test_logits_that_are_no_real_numbers_are_a_type_error(x, dtype):
    with pytest.raises(TypeError, match=exactly(f"logits must be real numbers, got dtype {dtype}")):
        entropy(x)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_longdouble_is_a_type_error():
    with pytest.raises(TypeError, match="^logits must be float16, bfloat16, float32, float64 or"):
        entropy(np.ones(3, np.longdouble))


def test_a_bad_axis_is_an_error():
    with pytest.raises(AxisError):
        entropy(X, axis=3)
    with pytest.raises(ValueError, match="duplicate value in 'axis'"):
        entropy(X, axis=(0, 0))
