"""The promised errors in ULP, correctly rounded ties, and order."""

import math

import numpy as np
import oracle
import pytest
from distributions import DISTRIBUTIONS, TEMPERATURES, sample
from floats import HALVES

from softdraw import log_softmax, logsumexp, softmax

FAMILY = [softmax, log_softmax, logsumexp]
DTYPES = [np.float32, np.float64]


def check_family(x, temperature):
    for function in FAMILY:
        oracle.check(function.__name__, function(x, temperature=temperature), x, temperature)


# ---- the oracle itself -------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1e-30, 1e30, 5e-324, 1e308])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_oracle_agrees_with_mpmath(distribution, temperature):
    x = sample(distribution, 24, np.float64)
    x = x[np.isfinite(x)]
    for wide, slow in zip(
        oracle.exact(x[None], temperature), oracle.exact_row(x, temperature), strict=True
    ):
        scale = np.float64(2.0) ** -90
        with np.errstate(all="ignore"):
            hi, low = np.ravel(wide.to_float64()), slow.to_float64()
            np.testing.assert_array_equal(hi, low)
            shift = np.ravel(wide.exponent) - slow.exponent
            ours = np.ldexp(np.ravel(wide.hi), shift), np.ldexp(np.ravel(wide.lo), shift)
            error = (ours[0] - slow.hi) + (ours[1] - slow.lo)
            inside = np.isfinite(hi) & (hi != 0)
        assert (np.abs(error[inside]) <= scale * np.abs(slow.hi[inside])).all()


def test_ulp_error_of_the_correctly_rounded_result_is_at_most_half():
    x = sample("uniform on (-110, 0)", 5000, np.float64)[None]
    family = oracle.exact(x)
    for exact in (family.softmax, family.log_softmax):
        for dtype in DTYPES:
            rounded = exact.to_float64().astype(dtype)
            assert oracle.ulp_error(rounded, exact).max() <= 0.5


def test_ulp_error_of_a_neighbour_is_about_one():
    family = oracle.exact(sample("normal, sigma 3", 5000, np.float64)[None])
    rounded = family.softmax.to_float64()
    for direction in (0, 1):
        error = oracle.ulp_error(np.nextafter(rounded, direction), family.softmax)
        assert ((error >= 0.25) & (error <= 1.5)).all()


def test_ulp_error_below_the_normal_range_is_in_smallest_spacings():
    family = oracle.exact(np.array([[0.0, -95.0]]))
    tiny = np.float32(2.0**-149)
    expected = family.softmax.to_float64()[0, 1] / float(tiny)
    error = oracle.ulp_error(np.array([[1, 3 * tiny]], dtype=np.float32), family.softmax)
    assert error[0, 1] == pytest.approx(abs(3 - expected))


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", range(1, 131))
def test_every_length_to_130(dtype, n):
    x = np.array([sample(distribution, n, dtype) for distribution in DISTRIBUTIONS])
    check_family(x, np.resize([1.0, 0.7, 3.0, 0.02, 1e-30], len(x)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("n", [7, 1000])
def test_every_distribution_at_every_temperature(dtype, temperature, n):
    check_family(np.array([sample(d, n, dtype) for d in DISTRIBUTIONS]), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_32000_logits(dtype, distribution):
    check_family(sample(distribution, 32000, dtype), 0.7)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("n", [7, 130, 4099])
def test_half_precision_is_rounded_once(dtype, temperature, n):
    x = np.array([sample(d, n, dtype) for d in DISTRIBUTIONS])
    with np.errstate(invalid="ignore"):
        check_family(x[np.isfinite(x).any(1)], temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", range(-30, 31))
def test_every_decade_of_temperature(dtype, power):
    """Logits as they are, and as many temperatures wide, so that all of them have a part."""
    temperature = 10.0**power
    for distribution in ("normal, sigma 3", "uniform on (-80, 0)", "near-equal", "one dominant"):
        z = sample(distribution, 150, np.float64)
        check_family(np.array([z, z * temperature]).astype(dtype), temperature)


@pytest.mark.parametrize(
    ("dtype", "temperature"),
    [
        *[(np.float32, temperature) for temperature in (1e-38, 1e-40, 3e-44)],
        *[(np.float64, temperature) for temperature in (2e-308, 1e-310, 3e-320, 5e-324)],
    ],
)
def test_subnormal_temperature_of_subnormal_logits(dtype, temperature):
    z = np.array(
        [sample("normal, sigma 3", 150, np.float64), sample("near-equal", 150, np.float64)]
    )
    check_family((z * temperature).astype(dtype), temperature)


def test_log_softmax_at_the_largest_temperatures_has_the_bits_of_smaller_ones():
    x = np.random.default_rng(7).uniform(-1.5, 0, 1000) * 2.0**1022
    x[0] = 0
    t = 1.1 * 2.0**1022
    smaller = log_softmax(x * 2.0**-100, temperature=t * 2.0**-100)
    assert log_softmax(x, temperature=t).tobytes() == smaller.tobytes()


@pytest.mark.parametrize("temperature", [1e36, 1e37, 1e38])
def test_logits_from_end_to_end_of_float32(temperature):
    check_family(np.linspace(-3.4e38, 3.4e38, 150).astype(np.float32)[None], temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distribution", ["normal, sigma 1", "uniform on (-80, 0)", "offset 1e6"])
def test_a_vocabulary_of_128256_logits(dtype, distribution):
    check_family(sample(distribution, 128256, dtype), 0.7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_million_logits(dtype):
    check_family(sample("normal, sigma 3", 2**20, dtype), 0.7)


def test_near_equal_logits_at_four_million():
    """A float32 sum of millions of terms drifts: torch and ONNX Runtime, 7,815 ULP."""
    check_family(sample("near-equal", 2**22, np.float32), 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("n", [128256, 2**20, 2**22])
def test_every_distribution_at_every_large_length(dtype, distribution, n):
    check_family(sample(distribution, n, dtype), 0.7)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("distribution", ["normal, sigma 3", "near-equal", "offset 1e6"])
def test_sixteen_million_logits(dtype, distribution):
    check_family(sample(distribution, 2**24, dtype), 1.0)
    check_family(sample(distribution, 2**24 + 3, dtype), 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_short_rows_at_many_temperatures(dtype):
    rng = np.random.default_rng(5)
    x = rng.normal(0, 3, (3000, 6)).astype(dtype)
    check_family(x, 10.0 ** rng.uniform(-3, 3, len(x)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_pairs_at_every_distance(dtype, temperature):
    """Sums from 1 to 2 and every size of the smaller term, from the last bit to nothing."""
    rng = np.random.default_rng(6)
    x = np.zeros((3000, 2), dtype)
    x[:2000, 1] = -np.linspace(0, 800 if dtype is np.float64 else 120, 2000)
    x[2000:, 1] = -(10.0 ** rng.uniform(-20, 3, 1000))
    check_family(x, temperature)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_whose_logsumexp_is_almost_zero(dtype):
    """max / T and the logarithm of the sum cancel; the error is against the larger of the two."""
    n = np.arange(2, 200)
    x = np.full((len(n), 200), -np.inf, dtype)
    for r, length in enumerate(n):
        x[r, :length] = -np.log(length)
    oracle.check("logsumexp", logsumexp(x), x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [50, 1000, 2899, 4096, 20000])
def test_dominant_entry_beside_many_equal_ones(dtype, n):
    """Its logarithm is the sum of the others: as many roundings, all to the same side."""
    for gap in [2, 5, 10, 15.7, 20.3, 37, 40.7, 43, 43.4, 44, 50, 60, 70.1, 72.1, 80, 98.8]:
        x = np.zeros(n, dtype)
        x[n // 3] = gap
        check_family(x, 1.0)
        check_family(x - dtype(gap), 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsumexp_of_pairs(dtype):
    """max / T, the logarithm and their sum are each rounded, the sum perhaps a binade higher."""
    rng = np.random.default_rng(9)
    x = rng.normal(0, 3, (5000, 2)).astype(dtype)
    for temperature in (1.0, rng.uniform(0.1, 5, 5000)):
        oracle.check("logsumexp", logsumexp(x, temperature=temperature), x, temperature)
    x = np.array([[0.22, -1.13]], dtype)
    oracle.check("logsumexp", logsumexp(x), x)
    x = np.array([[-5.8, 0.68]], dtype)
    oracle.check("logsumexp", logsumexp(x, temperature=4.96), x, 4.96)


@pytest.mark.parametrize("dtype", DTYPES)
def test_offset_far_past_the_spread_of_the_logits(dtype):
    rng = np.random.default_rng(7)
    offsets = [1e4, -1e4, 1e5, 1e6, -1e6, 1e7, 1e10, -1e12] + [1e15, -1e15] * (dtype is np.float64)
    for offset in offsets:
        for temperature in (1.0, 0.7, 1e-3, float(np.spacing(dtype(abs(offset))))):
            check_family((offset + rng.normal(0, 3, (2, 1000))).astype(dtype), temperature)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [True, False])
def test_maximum_at_either_end_of_a_long_row(dtype, first):
    x = sample("uniform on (-80, 0)", 20000, dtype)
    x = np.sort(x)[:: -1 if first else 1]
    check_family(x, 1.0)


def test_dominant_log_softmax_of_100_and_0():
    result = log_softmax(np.float64([100, 0]))
    assert result[0] == pytest.approx(-3.720075976020836e-44, rel=1e-15, abs=0)
    assert result[1] == -100
    single = log_softmax(np.float32([100, 0]))
    assert single[0] == pytest.approx(-3.72e-44, rel=0.05, abs=0)
    assert single[1] == -100


# ---- ties --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.0, 5.3, -5.3, 1e-3, 1000.1, -1e6, 1e30, 1e-40])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 3.0, 1e-30, 1e30, 0.0, np.inf])
def test_tied_rows_are_one_over_n_correctly_rounded(dtype, value, temperature):
    for n in [*range(1, 131), 255, 257, 1000, 4095, 4097, 10007]:
        result = softmax(np.full(n, value, dtype), temperature=temperature)
        np.testing.assert_array_equal(result, np.full(n, dtype(1) / dtype(n)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_side_by_side_of_equal_items_are_one_over_n(dtype):
    for n in range(1, 130):
        for value, temperature in ((0, 1), (-3.7, 0.3), (1e30, 7)):
            probabilities = softmax(np.full((80, n), value, dtype), temperature=temperature)
            assert (probabilities == dtype(1) / dtype(n)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2**16, 2**20 + 1])
def test_long_tied_rows_are_one_over_n_correctly_rounded(dtype, n):
    result = softmax(np.full(n, 5.3, dtype), temperature=0.7)
    assert (result == dtype(1) / dtype(n)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_equal_in_equal_out(dtype, function):
    rng = np.random.default_rng(8)
    values = rng.normal(0, 3, 11).astype(dtype)
    x = values[rng.integers(11, size=5003)]
    result = function(x, temperature=0.7)
    for value in values:
        assert len(np.unique(result[x == value])) == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_permuting_a_row_of_two_values_permutes_the_result(dtype):
    for n in (2, 17, 100, 1000):
        x = np.arange(n, dtype=dtype) % 2
        np.testing.assert_array_equal(softmax(x)[::-1], softmax(x[::-1]))


# ---- order -------------------------------------------------------------------------------------


def neighbours(start, count, dtype):
    """`count` consecutive floats, ascending from start (>= 0)."""
    integer = {4: np.int32, 8: np.int64}[np.dtype(dtype).itemsize]
    first = np.array(start, dtype).view(integer)
    return (first + np.arange(count, dtype=integer)).view(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.3, 2.0, 7.7])
@pytest.mark.parametrize("start", [0.0, 1e-5, 0.01, 0.34, 0.5, 0.69, 1.0, 1.5, 3.9, 20.0, 87.0])
def test_a_larger_input_never_has_a_smaller_output(dtype, function, temperature, start):
    ascending = neighbours(start, 1 << 14, dtype)
    for others in (0, 3, 1000):  # other sums, other maxima
        top = np.full(others, ascending[-1] + dtype(0.1), dtype)
        for x in (ascending, -ascending[::-1]):
            result = function(np.r_[x, top], temperature=temperature)[: len(x)]
            assert (np.diff(result) >= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 0.7, 3.3])
@pytest.mark.parametrize("sign", [1, -1])
def test_order_over_every_float_of_a_binade(temperature, sign):
    x = np.sort(sign * neighbours(1.0, 1 << 23, np.float32))
    result = softmax(x, temperature=temperature)
    assert (np.diff(result) >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_sum_to_one(dtype):
    x = sample("normal, sigma 3", 32000, dtype)
    assert abs(math.fsum(softmax(x).tolist()) - 1) <= 2 * np.finfo(dtype).eps
