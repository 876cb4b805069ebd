"""Rows of many blocks, whatever a block is: what is special in one is known in all the others."""

import threading

import numpy as np
import oracle
import pytest
from floats import FLOATS
from memory import need_memory
from threads import repeated

from softdraw import entropy, log_softmax, logsumexp, softmax, softmax_vjp

DTYPES = [np.float32, np.float64]
FAMILY = [softmax, log_softmax, logsumexp]
SAME_SHAPE = [softmax, log_softmax]
TEMPERATURES = [1.0, 1e-30, 1e30, 5e-324, 0.0, np.inf]

N = 3 * 4096 + 133  # not a multiple of any pack or block
PLACES = [0, 1, 15, 16, 1023, 1024, 4095, 4096, 8191, 8192, N // 2, N - 134, N - 133, N - 2, N - 1]


def check_family(x, temperature=1.0):
    for function in FAMILY:
        oracle.check(function.__name__, function(x, temperature=temperature), x, temperature)


def steps(length, step, dtype):
    """Normal logits, `step` more in each `length` of them than in the ones before."""
    offsets = step * (np.arange(N) // length)
    return (offsets + np.random.default_rng(length).normal(0, 3, N)).astype(dtype)


# ---- what is special ---------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_one_nan_or_infinity_anywhere_makes_the_row_nan(dtype, temperature):
    for background in (0.0, -np.inf):
        for bad in (np.nan, np.inf):
            for place in PLACES:
                x = np.full(N, background, dtype)
                x[place] = bad
                assert np.isnan(softmax(x, temperature=temperature).astype(float)).all()
                assert np.isnan(log_softmax(x, temperature=temperature).astype(float)).all()
                np.testing.assert_array_equal(float(logsumexp(x, temperature=temperature)), bad)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_wins_over_infinity_in_logsumexp_wherever_they_are(dtype):
    for first, second in zip(PLACES, PLACES[::-1], strict=True):
        if first != second:
            x = np.zeros(N, dtype)
            x[first], x[second] = np.nan, np.inf
            assert np.isnan(logsumexp(x))


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_one_element_that_is_not_minus_infinity_has_everything(dtype, temperature):
    for place in PLACES:
        x = np.full(N, -np.inf, dtype)
        x[place] = -2.5
        p, logs = (f(x, temperature=temperature).astype(float) for f in SAME_SHAPE)
        assert p[place] == 1
        assert np.count_nonzero(p) == 1
        assert logs[place] == 0
        assert np.count_nonzero(logs == -np.inf) == N - 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_minus_infinity_in_every_block_but_one(dtype):
    for start in range(0, N, 1000):
        x = np.full(N, -np.inf, dtype)
        block = x[start : start + 900]
        block[:] = np.random.default_rng(start).normal(0, 3, len(block))
        check_family(x, 0.7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_of_masks_is_nan_between_rows_that_are_not(dtype):
    x = np.zeros((3, N), dtype)
    x[1] = -np.inf
    assert np.isnan(softmax(x)[1]).all()
    np.testing.assert_array_equal(softmax(x)[[0, 2]], dtype(1) / dtype(N))
    np.testing.assert_array_equal(logsumexp(x)[1], -np.inf)


# ---- where the maximum is ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("above", [1e-3, 5.0, 90.0, 800.0, 1e5])
def test_the_maximum_anywhere(dtype, above):
    for place in PLACES[::2]:
        x = np.random.default_rng(place).normal(0, 1, N).astype(dtype)
        x[place] = x.max() + above
        check_family(x)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [16, 512, 1024, 4096, 5000])
@pytest.mark.parametrize("step", [0.7, 30.0, 130.0, 1200.0, 1e30])
def test_blocks_that_rise_or_fall(dtype, length, step):
    for signed in (step, -step):
        check_family(steps(length, signed, dtype), max(1.0, step / 50))
        check_family(steps(length, signed, dtype), 0.3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_blocks_that_rise_and_fall_by_turns(dtype):
    for length in (512, 1024, 4096):
        offsets = np.where(np.arange(N) // length % 2, 60.0, -60.0)
        check_family((offsets + steps(length, 0, np.float64)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [1.0, 1e-30, 5e-324, 1e30])
def test_the_largest_float_and_the_lowest_in_different_blocks(dtype, temperature):
    info = np.finfo(dtype)
    for high, low in ((0, N - 1), (N - 1, 0), (4096, 4095), (4095, 4096)):
        x = np.zeros(N, dtype)
        x[high], x[low] = info.max, info.min
        check_family(x, temperature)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_small_blocks_beside_a_large_one(dtype):
    """What is far below the maximum, but is many, still counts."""
    for gap in (9.0, 16.0, 20.0):
        x = np.zeros(20 * 4096 + 3, dtype)
        x[4096 * 10 : 4096 * 10 + 7] = gap
        check_family(x)


# ---- the same, however -------------------------------------------------------------------------


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_elements_of_different_blocks_are_equal(function, dtype):
    values = np.random.default_rng(0).normal(0, 3, 97).astype(dtype)  # 97 divides no block
    result = function(np.resize(values, N), temperature=0.7)
    np.testing.assert_array_equal(result, np.resize(result[:97], N))


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_order_is_kept_across_blocks(function, dtype):
    x = np.random.default_rng(1).normal(0, 1, N).astype(dtype)
    result = function(x, temperature=0.7)
    assert (np.diff(result[np.argsort(x, kind="stable")]) >= 0).all()


@pytest.mark.parametrize("function", SAME_SHAPE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [4096, N, 2**18 + 5])
def test_in_place_has_the_same_bits(function, dtype, n):
    x = np.random.default_rng(n).normal(0, 20, (2, n)).astype(dtype)
    wanted = function(x, temperature=0.7)
    assert function(x, temperature=0.7, out=x) is x
    np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_other_element_has_the_same_bits_as_a_copy(function, dtype):
    x = np.random.default_rng(2).normal(0, 3, 2 * N).astype(dtype)
    wanted = function(x[::2].copy(), temperature=0.7)
    assert function(x[::2], temperature=0.7).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("function", FAMILY)
def test_threads_do_not_disturb_each_other(function):
    x = np.random.default_rng(3).normal(0, 3, (4, N)).astype(np.float32)
    wanted = [function(row, temperature=0.7).tobytes() for row in x]
    differing = []

    def work(r):
        for _ in range(50):
            if function(x[r], temperature=0.7).tobytes() != wanted[r]:
                differing.append(r)

    threads = [threading.Thread(target=work, args=(r,)) for r in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not differing


@pytest.mark.parametrize("function", FAMILY)
@pytest.mark.parametrize("dtype", DTYPES)
def test_input_that_another_thread_changes_gives_some_values(function, dtype):
    x = np.zeros(N, dtype)
    values = [np.nan, np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).min, 1.0]

    def change():
        for value in values:
            x[:] = value
            x[N // 2] = -value

    with repeated(change):
        for _ in range(200):
            assert np.shape(function(x, temperature=0.7)) == (() if function is logsumexp else (N,))


# ---- more elements than 31 bits count ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("function", SAME_SHAPE)
def test_one_row_of_more_than_2_to_31_elements(function):
    need_memory(10)
    x = np.zeros(2**31 + 9, np.float32)
    x[-1] = 30
    function(x, temperature=2.0, out=x)
    total = np.exp(15.0) + (x.size - 1)
    wanted = np.array([1 / total, np.exp(15.0) / total])
    if function is log_softmax:
        wanted = np.log(wanted)
    np.testing.assert_allclose(x[[0, -1]], wanted, rtol=1e-7)
    assert x[:-1].min() == x[:-1].max() == x[0]


@pytest.mark.slow
def test_logsumexp_and_entropy_of_more_than_2_to_31_elements():
    need_memory(10)
    n = 2**31 + 9
    x = np.zeros(n, np.float32)
    assert logsumexp(x) == entropy(x) == np.float32(np.log(n))


@pytest.mark.slow
def test_gradients_of_more_than_2_to_31_elements():
    need_memory(10)
    p = np.zeros(2**31 + 9, np.float32)
    places = [0, 2**31 - 1, 2**31 + 8]
    p[places] = 0.5, 0.25, 0.25
    softmax_vjp(p, p, out=p)
    assert p[places].tolist() == [0.0625, -0.03125, -0.03125]
    assert np.count_nonzero(p) == 3
