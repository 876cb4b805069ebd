"""Logits and temperatures of every kind, over which errors are measured: by the tests and by
the bench."""

import numpy as np


def _normal(sigma, offset=0.0):
    return lambda rng, n: offset + rng.normal(0, sigma, n)


def _uniform(low):
    return lambda rng, n: rng.uniform(low, 0, n)


def _dominant(rng, n):
    x = rng.normal(0, 1, n)
    x[rng.integers(n)] = 60
    return x


DISTRIBUTIONS = {
    "normal, sigma 1": _normal(1),
    "normal, sigma 3": _normal(3),
    "normal, sigma 30": _normal(30),
    "uniform on (-80, 0)": _uniform(-80),
    "uniform on (-110, 0)": _uniform(-110),
    "uniform on (-700, 0)": _uniform(-700),
    "uniform on (-750, 0)": _uniform(-750),
    "near-equal": _normal(1e-6, 5.3),
    "one dominant": _dominant,
    "offset 1e3": _normal(3, 1e3),
    "offset -1e5": _normal(3, -1e5),
    "offset 1e6": _normal(3, 1e6),
    "offset -1e9": _normal(300, -1e9),
    "offset 1e15": _normal(3, 1e15),
    "offset 1e30": lambda rng, n: 1e30 * (1 + 1e-6 * rng.normal(0, 1, n)),
    "wide": lambda rng, n: rng.normal(0, 1, n) * 10.0 ** rng.integers(-10, 10, n),
    "half masked": lambda rng, n: np.r_[rng.normal(0, 3, n - n // 2), np.full(n // 2, -np.inf)],
}

# subnormal ones of both types, and the limits
TEMPERATURES = [1.0, 0.7, 1e-2, 30.0, 1e-30, 1e30, 5e-324, 1e-310, 1e-42, 1e308, np.inf, 0.0]


def sample(distribution, n, dtype):
    rng = np.random.default_rng([n, list(DISTRIBUTIONS).index(distribution)])
    with np.errstate(over="ignore"):
        return DISTRIBUTIONS[distribution](rng, n).astype(dtype)
