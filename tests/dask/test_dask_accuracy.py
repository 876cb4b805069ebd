"""The promised errors in ULP, and order, where the axis is split into chunks."""

import mpmath
import numpy as np
import oracle
import pytest
from dask_cases import RNG, lazy

import softdraw.dask as sd

pytestmark = pytest.mark.usefixtures("in_this_thread")

# The worst errors that are promised where an axis is split, in ULP.
BOUNDS = {"float32": 2, "float64": 3}


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


def test_a_larger_input_has_no_smaller_result_across_chunks():
    x = np.sort(RNG.normal(size=40_000).astype(np.float32) * 3)
    p = sd.softmax(lazy(x, 777)).compute()
    assert (np.diff(p) >= 0).all()
    equal = np.append(x[:1_000], x[:1_000])
    p = sd.softmax(lazy(equal, 1_000)).compute()
    assert (p[:1_000] == p[1_000:]).all()
