"""What SciPy checks of its softmax, log_softmax and logsumexp, checked here in other numbers.

Its tests of all three are in scipy/special/tests/test_logsumexp.py (SciPy 1.17). What is decided
otherwise here:

- the second argument is the temperature; the axis is a keyword, and -1 by default instead of None;
- b=, return_sign= and complex numbers are refused with a TypeError;
- a row with +inf is NaN as a whole, where SciPy's log_softmax gives -inf to the finite elements;
- nothing warns, where SciPy does about infinite rows;
- an empty array gives an empty softmax, where SciPy's raises;
- float16 is computed in float32, longdouble is refused, bool is taken as integers are;
- arrays of other libraries are taken as numpy.asarray takes them and come back as NumPy's.
"""

import itertools
import math

import numpy as np
import pytest

from softdraw import log_softmax, logsumexp, softmax

FAMILY = [softmax, log_softmax, logsumexp]
SAME_SHAPE = [softmax, log_softmax]
DTYPES = [np.float32, np.float64, np.int32, np.int64]


def close(got, expected, rtol=1e-15):
    """The same shape, and the same values in float64 within `rtol`."""
    got = np.asarray(got)
    expected = np.asarray(expected, dtype=float)
    assert (got.dtype, got.shape) == (np.float64, expected.shape)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=0)


# ---- logsumexp ---------------------------------------------------------------------------------


def test_logsumexp_is_what_its_name_says():
    x = np.arange(150.0) - 60
    close(logsumexp(x), np.log(np.sum(np.exp(x))))
    close(logsumexp(x.reshape(2, 75)), np.log(np.sum(np.exp(x.reshape(2, 75)), axis=1)))


def test_logsumexp_of_large_equal_numbers():
    close(logsumexp([5000.0] * 3), 5000 + math.log(3))
    close(logsumexp(np.full(700, 20000)), 20000 + math.log(700))
    close(logsumexp(np.full(700, -20000)), -20000 + math.log(700))


def test_logsumexp_adds_small_numbers_given_as_logarithms():
    x = np.full((2, 500_000), 3e-50)
    close(np.exp(logsumexp(np.log(x), axis=None)), x.sum(), rtol=1e-13)
    close(np.exp(logsumexp(np.log(x), axis=0)), x.sum(axis=0), rtol=1e-13)
    close(np.exp(logsumexp(np.log(x), axis=1)), x.sum(axis=1), rtol=1e-13)


def test_logsumexp_of_nothing_is_minus_infinity():
    assert logsumexp([]) == -np.inf
    np.testing.assert_array_equal(logsumexp(np.empty((3, 0))), [-np.inf] * 3)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_logsumexp_of_one_special_value_is_that_value(value):
    np.testing.assert_array_equal(logsumexp([value]), value)
    np.testing.assert_array_equal(logsumexp([value, value]), value)


@pytest.mark.parametrize("pair", [*itertools.product([-np.inf, np.inf, 2.5], repeat=2)])
def test_logsumexp_of_infinite_elements(pair):
    with np.errstate(divide="ignore"):
        expected = np.log(np.sum(np.exp(pair)))
    close(logsumexp(pair), expected)


def test_logsumexp_of_rows_of_other_magnitudes():
    x = np.array([[3e12, 2e-12], [-3e12, -np.inf]])
    close(logsumexp(x, axis=-1), [3e12, -3e12])
    close(logsumexp(x, axis=-1, keepdims=True), [[3e12], [-3e12]])
    close(logsumexp(x, axis=(-1, -2)), 3e12)


def test_logsumexp_drops_the_reduced_axes():
    x = np.ones((2, 3, 4, 5))
    close(logsumexp(x, axis=2), np.full((2, 3, 5), 1 + math.log(4)))
    close(logsumexp(x, axis=(1, 3)), np.full((2, 4), 1 + math.log(15)))
    close(logsumexp(x, axis=None), 1 + math.log(120))


def test_logsumexp_keeps_what_a_small_element_adds():
    """SciPy issue 18295."""
    for gap in (30.0, 40.0, 200.0, 700.0):
        close(logsumexp([0.0, -gap]), math.log1p(math.exp(-gap)), rtol=1e-13)
        close(logsumexp([-gap, 0.0]), np.logaddexp(0.0, -gap), rtol=1e-13)


@pytest.mark.parametrize("value", [3, 3.5, [1, 2, 4], [900, 900]])
def test_logsumexp_takes_numbers_and_lists(value):
    close(logsumexp(value), np.logaddexp.reduce(np.ravel(value).astype(float)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_logsumexp_of_each_dtype(dtype):
    result = logsumexp(np.array([800, 800], dtype=dtype))
    assert result.dtype == (np.float64 if np.issubdtype(dtype, np.integer) else dtype)
    assert result == result.dtype.type(800 + math.log(2))


# ---- softmax -----------------------------------------------------------------------------------


def test_softmax_of_a_dominant_element():
    close(softmax([3000.0, 0, 0]), [1, 0, 0])
    close(softmax([3000, 0, 0]), [1, 0, 0])


def test_softmax_of_equal_elements():
    close(softmax([7.0, 7.0]), [0.5, 0.5])
    close(softmax(np.full(10, -3.0)), np.full(10, 0.1))


def test_softmax_of_two_elements_is_the_logistic_function():
    for x in (0.5, 1.0, 4.0):
        close(softmax([0, x]), [1 / (1 + math.exp(x)), 1 / (1 + math.exp(-x))])


# by mpmath, 40 digits
FIVE = np.arange(5.0)
SOFTMAX_OF_FIVE = [
    0.011656230956039607,
    0.03168492079612427,
    0.0861285444362687,
    0.23412165725273662,
    0.6364086465588308,
]
LOG_SOFTMAX_OF_FIVE = [
    -4.451914395937593,
    -3.4519143959375933,
    -2.4519143959375933,
    -1.4519143959375933,
    -0.45191439593759336,
]


def test_softmax_of_consecutive_integers():
    close(softmax(FIVE), SOFTMAX_OF_FIVE)


@pytest.mark.parametrize("offset", [100, -100, 2**40])
def test_softmax_does_not_change_under_an_offset(offset):
    close(softmax(FIVE + offset), SOFTMAX_OF_FIVE)


def test_softmax_over_everything_keeps_the_shape():
    x = np.arange(6.0).reshape(2, 3)
    close(softmax(x, axis=None), softmax(np.arange(6.0)).reshape(2, 3))
    close(softmax(x.T, axis=None), softmax(np.arange(6.0)).reshape(2, 3).T)


def test_softmax_along_each_axis():
    x = [[800.0, 3.0], [800.0, 3.0], [800.0, 3.0]]
    close(softmax(x, axis=0), np.full((3, 2), 1 / 3))
    close(softmax(x, axis=1), [[1, 0]] * 3)


def test_softmax_of_rows_that_differ_by_hundreds():
    x = np.array([[-30.0, 0, 30, 60], [2, 400, 690, 691]])
    e = [[math.exp(-90), math.exp(-60), math.exp(-30), 1], [math.exp(-689), math.exp(-291), 0, 1]]
    e[1][2] = math.exp(-1)
    expected = [[value / math.fsum(row) for value in row] for row in e]
    close(softmax(x, axis=1), expected)
    close(softmax(x.T, axis=0), np.transpose(expected))
    close(softmax(x.reshape(2, 2, 2), axis=(1, 2)), np.reshape(expected, (2, 2, 2)))


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_a_number_is_a_row_of_one(function):
    close(function(2000), 1.0 if function is softmax else 0.0)
    close(function(-2.5), 1.0 if function is softmax else 0.0)


# ---- log_softmax -------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [[2000.0, 5.0], [2000, 5], np.array([2000, 5], np.int32)])
def test_log_softmax_of_a_dominant_element(x):
    close(log_softmax(x), [0, -1995])


@pytest.mark.parametrize("offset", [0, 100, -100, 2**40])
def test_log_softmax_does_not_change_under_an_offset(offset):
    close(log_softmax(FIVE + offset), LOG_SOFTMAX_OF_FIVE)


def test_log_softmax_of_numbers_whose_difference_is_all_there_is():
    x = np.float32([[-1e20, 0], [1e20, 0]])
    np.testing.assert_array_equal(log_softmax(x), np.float32([[-1e20, 0], [0, -1e20]]))


def test_log_softmax_over_everything_keeps_the_shape():
    x = np.arange(6.0).reshape(2, 3)
    close(log_softmax(x, axis=None), log_softmax(np.arange(6.0)).reshape(2, 3))


def test_log_softmax_along_each_axis():
    x = np.array([[800.0, 3.0], [800.0, 3.0]])
    close(log_softmax(x, axis=0), np.full((2, 2), -math.log(2)))
    close(log_softmax(x, axis=1), [[0, -797], [0, -797]])


def test_log_softmax_of_rows_columns_and_blocks():
    x = np.stack([FIVE, FIVE - 7, FIVE, FIVE + 7])
    expected = np.stack([LOG_SOFTMAX_OF_FIVE] * 4)
    close(log_softmax(x, axis=1), expected)
    close(log_softmax(x.T, axis=0), expected.T)
    close(log_softmax(x.reshape(4, 5, 1), axis=(1, 2)), expected.reshape(4, 5, 1))


# ---- all three ---------------------------------------------------------------------------------


@pytest.mark.parametrize("function", FAMILY)
def test_arguments_are_left_as_they_were(function):
    x, temperature = np.array([5.0, 4.0]), np.array(2.0)
    function(x, temperature=temperature)
    assert x.tolist() == [5, 4]
    assert temperature == 2


# ---- and what is decided otherwise -------------------------------------------------------------


@pytest.mark.parametrize("function", FAMILY)
def test_the_axis_is_the_last_and_a_keyword(function):
    x = [[1.0, 2.0], [5.0, 3.0]]
    np.testing.assert_array_equal(function(x), [function(row) for row in x])
    np.testing.assert_array_equal(function(x, temperature=1), function(x, temperature=1))


@pytest.mark.parametrize("keyword", ["b", "return_sign"])
def test_logsumexp_has_no_weights_and_no_sign(keyword):
    with pytest.raises(TypeError, match=keyword):
        logsumexp([1.0, 2.0], **{keyword: True})


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_refused(function, dtype):
    with pytest.raises(TypeError, match=np.dtype(dtype).name):
        function(np.array([1, 2], dtype))


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_a_row_with_plus_infinity_is_nan(function):
    assert np.isnan(function([np.inf, 0.0, -np.inf])).all()


@pytest.mark.parametrize("function", SAME_SHAPE)
def test_an_empty_array_gives_an_empty_one(function):
    assert function([]).shape == (0,)
    assert function(np.empty((0, 3)), axis=0).shape == (0, 3)
