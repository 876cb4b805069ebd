"""Slow references for the softmax family, and errors in ULP against them.

`exact` computes whole rows in double-double arithmetic on NumPy arrays: about 100 bits, on every
platform, quick enough for a million elements. `exact_row` says the same again in mpmath, one
element at a time, and is what `exact` itself is tested against.

Exact values are unevaluated sums (hi + lo) * 2**exponent, so that those below the range of
float64 are exact too.
"""

from fractions import Fraction
from functools import lru_cache
from math import factorial
from typing import NamedTuple

import mpmath
import numpy as np
from floats import FLOATS

FUNCTIONS = ("softmax", "log_softmax", "logsumexp")

# The worst errors that are promised. Half-precision results are float32 results rounded once more,
# so half an ULP and a little; logsumexp is measured against a scale up to one binade below it.
BOUNDS = {
    ("softmax", "float32"): 1.0,
    ("softmax", "float64"): 2.0,
    ("log_softmax", "float32"): 1.5,
    ("log_softmax", "float64"): 3.0,
    ("logsumexp", "float32"): 2.0,
    ("logsumexp", "float64"): 2.0,
    ("softmax", "float16"): 0.51,
    ("log_softmax", "float16"): 0.51,
    ("logsumexp", "float16"): 1.01,
    ("softmax", "bfloat16"): 0.51,
    ("log_softmax", "bfloat16"): 0.51,
    ("logsumexp", "bfloat16"): 1.01,
    ("entropy", "float32"): 1.5,
    ("entropy", "float64"): 4.0,
    ("entropy", "float16"): 0.51,
    ("entropy", "bfloat16"): 0.51,
}

PRECISION = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
LOWEST_EXPONENT = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
HIGHEST_EXPONENT = {"float16": 15, "bfloat16": 127, "float32": 127, "float64": 1023}

BLOCK = 1 << 14  # elements at a time, so that temporaries stay in the cache


class Exact(NamedTuple):
    """Arrays whose values are (hi + lo) * 2**exponent, |lo| at most half an ULP of hi."""

    hi: np.ndarray
    lo: np.ndarray
    exponent: np.ndarray

    def to_float64(self):
        with np.errstate(all="ignore"):
            return _ldexp(self.hi, self.exponent)


class Family(NamedTuple):
    softmax: Exact
    log_softmax: Exact
    logsumexp: Exact
    scale: Exact  # max(|max / T|, log(sum(exp((x - max) / T)))), what logsumexp's error is against


# ---- double-double arithmetic: a number is a pair (hi, lo) of arrays ---------------------------


def _two_sum(a, b):
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _fast_two_sum(a, b):
    s = a + b
    return s, b - (s - a)


def _two_product(a, b):
    p = a * b
    c = 134217729.0 * a
    a_hi = c - (c - a)
    a_lo = a - a_hi
    c = 134217729.0 * b
    b_hi = c - (c - b)
    b_lo = b - b_hi
    return p, ((a_hi * b_hi - p) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo


def _add(x, y):
    s, e = _two_sum(x[0], y[0])
    t, f = _two_sum(x[1], y[1])
    s, e = _fast_two_sum(s, e + t)
    return _fast_two_sum(s, e + f)


def _multiply(x, y):
    p, e = _two_product(x[0], y[0])
    return _fast_two_sum(p, e + (x[0] * y[1] + x[1] * y[0]))


def _divide(x, y):
    q1 = x[0] / y[0]
    r = _add(x, _multiply(y, (-q1, 0.0 * q1)))
    q2 = r[0] / y[0]
    r = _add(r, _multiply(y, (-q2, 0.0 * q2)))
    q = _fast_two_sum(q1, q2)
    return _add(q, (r[0] / y[0], 0.0 * q1))


def _sum(x):
    """Sum over the last axis, pairwise."""
    hi, lo = x
    while hi.shape[-1] > 1:
        if hi.shape[-1] % 2:
            hi, lo = (np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, 1)]) for a in (hi, lo))
        hi, lo = _add((hi[..., ::2], lo[..., ::2]), (hi[..., 1::2], lo[..., 1::2]))
    return hi[..., 0], lo[..., 0]


def _ldexp(x, exponent):
    return np.ldexp(x, np.clip(exponent, -100000, 100000).astype(np.intc))


def _pair(fraction):
    hi = float(fraction)
    return hi, float(fraction - Fraction(hi))


with mpmath.workprec(400):
    _LN2 = Fraction(int(mpmath.floor(mpmath.ldexp(mpmath.ln2, 350))), 2**350)
# ln 2 in two pieces of 40 bits, so that their products with exponents are exact, and the rest
_LN2_1 = Fraction(int(_LN2 * 2**40), 2**40)
_LN2_2 = Fraction(int((_LN2 - _LN2_1) * 2**80), 2**80)
_LN2_3 = float(_LN2 - _LN2_1 - _LN2_2)
_LN2_1, _LN2_2 = float(_LN2_1), float(_LN2_2)
_INVERSE_FACTORIALS = [_pair(Fraction(1, factorial(i))) for i in range(1, 13)]


def _exp(z):
    """exp of z <= 0 as (hi, lo, exponent); 0 below exp(-1500), which no format can hold."""
    zero = ~(z[0] > -1500)
    hi = np.where(zero, 0.0, z[0])
    lo = np.where(zero, 0.0, z[1])
    k = np.rint(hi / float(_LN2))
    r = _add((hi, lo), _two_sum(-k * _LN2_1, -k * _LN2_2))
    r = _add(r, (-k * _LN2_3, 0.0 * k))
    r = (r[0] / 64, r[1] / 64)
    # expm1(r), then squared six times as (1 + e)**2 - 1 = 2 e + e**2
    e = tuple(np.full_like(hi, part) for part in _INVERSE_FACTORIALS[-1])
    for c in reversed(_INVERSE_FACTORIALS[:-1]):
        e = _add(_multiply(e, r), c)
    e = _multiply(e, r)
    for _ in range(6):
        e = _add((2 * e[0], 2 * e[1]), _multiply(e, e))
    e = _add((np.ones_like(hi), np.zeros_like(hi)), e)
    return (np.where(zero, 0.0, e[0]), np.where(zero, 0.0, e[1]), np.where(zero, 0.0, k))


def _differences(x, top, temperature):
    """(x - top) / temperature."""
    f, t = np.frexp(temperature)
    # scaled down before the subtraction, which could overflow, or up after it
    down, up = -np.maximum(t, 0), -np.minimum(t, 0)
    hi, lo = _two_sum(_ldexp(x, down), -_ldexp(top, down))
    hi = np.where(x == -np.inf, -np.inf, hi)
    finite = np.isfinite(hi)
    m, e = np.frexp(np.where(finite, hi, -1.0))
    q = _divide((m, np.where(finite, _ldexp(lo, -e), 0.0)), (f, 0.0 * f))
    hi, lo = _ldexp(q[0], e + up), _ldexp(q[1], e + up)
    return np.where(finite, hi, -np.inf), np.where(finite & np.isfinite(hi), lo, 0.0)


# ---- the family --------------------------------------------------------------------------------


def _split(value):
    """An mpmath number as (hi, lo, exponent)."""
    if value == 0:
        return 0.0, 0.0, 0
    if not mpmath.isfinite(value):
        return float(value), 0.0, 0
    m, e = mpmath.frexp(value)
    hi = float(m)
    return hi, float(m - hi), int(e)


def _exact(parts):
    hi, lo, exponent = np.array(parts).T
    return Exact(hi, lo, exponent.astype(np.int64))


def _logsumexp_at_the_edges(row, temperature):
    """What the contract says where no formula does; None elsewhere."""
    if np.isnan(row).any():
        return np.nan
    if (row == np.inf).any():
        return np.inf
    if not (row > -np.inf).any():
        return -np.inf
    if temperature == 0 and row.max() != 0:
        return np.inf if row.max() > 0 else -np.inf
    return None


def exact(x, temperature=1.0):
    """The family of every row of x, (rows, n) and of float64, at one temperature for each row."""
    x = np.asarray(x, dtype=np.float64)
    temperature = np.broadcast_to(np.asarray(temperature, dtype=np.float64), x.shape[:1])
    return _exact_of_bytes(x.tobytes(), x.shape, temperature.tobytes())


@lru_cache(maxsize=2)  # the three functions are checked one after the other on the same input
def _exact_of_bytes(x, shape, temperature):
    x = np.frombuffer(x).reshape(shape).copy()
    with np.errstate(all="ignore"), mpmath.workprec(240):
        return _family(x, np.frombuffer(temperature).copy())


def _family(x, temperature):
    rows, n = x.shape
    edges = [_logsumexp_at_the_edges(x[r], temperature[r]) for r in range(rows)]
    bad = ~np.isfinite(np.where(x == -np.inf, 0.0, x)).all(1) | ~(x > -np.inf).any(1)
    x[bad] = 0.0
    for r in range(rows):  # the limits are ordinary rows of 0 and -inf
        if temperature[r] == 0:
            x[r] = np.where(x[r] == x[r].max(initial=-np.inf), 0.0, -np.inf)
            temperature[r] = 1.0
        elif temperature[r] == np.inf:
            x[r] = np.where(x[r] == -np.inf, -np.inf, 0.0)
            temperature[r] = 1.0
    if x.size == 0:
        empty = Exact(x, x, x.astype(np.int64))
        nothing = Exact(np.full(rows, -np.inf), np.zeros(rows), np.zeros(rows, dtype=np.int64))
        return Family(empty, empty, nothing, nothing)

    top = x.max(1, keepdims=True)
    z = np.empty_like(x), np.empty_like(x)
    e = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    step = max(1, BLOCK // max(rows, 1))
    for start in range(0, n, step):
        block = np.s_[:, start : start + step]
        z[0][block], z[1][block] = _differences(x[block], top, temperature[:, None])
        e[0][block], e[1][block], e[2][block] = _exp((z[0][block], z[1][block]))

    # Z = 1 + others: the sum without its first maximum, kept apart because it may be tiny
    first = np.arange(n) == x.argmax(1)[:, None]
    k = np.where(first | (e[0] == 0), -np.inf, e[2]).max(1, initial=-np.inf)
    k = np.where(np.isfinite(k), k, 0.0)
    shift = e[2] - k[:, None]
    others = _sum(tuple(np.where(first, 0.0, _ldexp(part, shift)) for part in e[:2]))
    one = np.ones(rows), np.zeros(rows)
    total = _add(one, (_ldexp(others[0], k), _ldexp(others[1], k)))

    logs, largest = [], []  # log(Z) and max / T
    for r in range(rows):
        others_r = mpmath.mpf(float(others[0][r])) + mpmath.mpf(float(others[1][r]))
        logs.append(mpmath.log1p(mpmath.ldexp(others_r, int(k[r]))))
        largest.append(mpmath.mpf(float(top[r, 0])) / mpmath.mpf(float(temperature[r])))
    log_total = _exact([_split(value) for value in logs])

    hi, lo, exponent = np.empty_like(x), np.empty_like(x), e[2].astype(np.int64)
    log_hi, log_lo = np.empty_like(x), np.empty_like(x)
    negative = [-_ldexp(part, log_total.exponent)[:, None] for part in log_total[:2]]
    for start in range(0, n, step):
        block = np.s_[:, start : start + step]
        divisor = total[0][:, None], total[1][:, None]
        hi[block], lo[block] = _divide((e[0][block], e[1][block]), divisor)
        z_block = z[0][block], z[1][block]
        log_hi[block], log_lo[block] = _add(z_block, negative)
    infinite = ~np.isfinite(z[0])
    log_hi[infinite], log_lo[infinite] = -np.inf, 0.0
    at_top = z[0] == 0
    log_hi = np.where(at_top, -log_total.hi[:, None], log_hi)
    log_lo = np.where(at_top, -log_total.lo[:, None], log_lo)
    log_exponent = np.where(at_top, log_total.exponent[:, None], 0)

    hi[bad], lo[bad], exponent[bad] = np.nan, 0.0, 0
    log_hi[bad], log_lo[bad], log_exponent[bad] = np.nan, 0.0, 0
    sums = [
        _split(a + b) if c is None else (c, 0.0, 0)
        for a, b, c in zip(largest, logs, edges, strict=True)
    ]
    scale = [_split(max(abs(a), b)) for a, b in zip(largest, logs, strict=True)]
    return Family(
        Exact(hi, lo, exponent), Exact(log_hi, log_lo, log_exponent), _exact(sums), _exact(scale)
    )


def exact_row(row, temperature=1.0):
    """The family of one finite row at a positive finite temperature, in mpmath."""
    with mpmath.workprec(240):
        x = [mpmath.mpf(float(value)) for value in row]
        t = mpmath.mpf(float(temperature))
        z = [(value - max(x)) / t for value in x]
        e = [mpmath.exp(value) if value > -(10**6) else mpmath.mpf(0) for value in z]
        others = list(e)
        others.remove(1)
        log_total = mpmath.log1p(mpmath.fsum(others))
        return Family(
            _exact([_split(value / mpmath.fsum(e)) for value in e]),
            _exact([_split(value - log_total) for value in z]),
            _exact([_split(max(x) / t + log_total)]),
            _exact([_split(max(abs(max(x) / t), log_total))]),
        )


def entropy(row, temperature=1.0):
    """The entropy of one row of finite numbers and -inf, in mpmath, and the largest probability."""
    with mpmath.workprec(240):
        x = [mpmath.mpf(float(value)) for value in row if value > -np.inf]
        t, top = mpmath.mpf(temperature), max(x)
        if t == 0 or t == mpmath.inf:
            ties = x.count(top) if t == 0 else len(x)
            return mpmath.log(ties), mpmath.mpf(1) / ties
        d = [(top - value) / t for value in x]
        e = [mpmath.exp(-value) if value < 10**4 else mpmath.mpf(0) for value in d]
        others = mpmath.fsum(value for value in e if value != 1)
        ties = mpmath.mpf(e.count(1))
        mean = mpmath.fsum(a * b for a, b in zip(e, d, strict=True)) / (ties + others)
        return mpmath.log1p(ties - 1 + others) + mean, 1 / (ties + others)


def entropy_errors(got, x, temperature):
    """Errors in ULP of softdraw.entropy(x, temperature): one temperature, or one per row of x."""
    x = np.atleast_2d(np.asarray(x))
    temperatures = np.broadcast_to(temperature, x.shape[:1])
    exact = [_split(entropy(row, float(t))[0]) for row, t in zip(x, temperatures, strict=True)]
    return ulp_error(np.atleast_1d(got), _exact(exact))


# ---- errors ------------------------------------------------------------------------------------


def ulp_error(got, expected, scale=None):
    """|got - expected| in ULP of the correctly rounded result (or of scale): its spacing in the
    normal range, the smallest spacing below it. Infinite where one of the two is NaN or infinite
    and the other is not the same."""
    got = np.asarray(got)
    name = got.dtype.name
    precision = PRECISION[name]
    hi, lo, exponent = expected
    unit_hi, _, unit_exponent = expected if scale is None else scale
    with np.errstate(all="ignore"):
        value = got.astype(np.float64)
        fraction, e = np.frexp(unit_hi)
        e = e + (np.abs(np.rint(_ldexp(fraction, precision + 0 * e))) == 2.0**precision)
        unit = np.maximum(e - 1 + unit_exponent, LOWEST_EXPONENT[name]) - (precision - 1)
        unit = np.where(unit_hi == 0, LOWEST_EXPONENT[name] - (precision - 1), unit)
        error = np.abs((_ldexp(value, -exponent) - hi) - lo)
        error = _ldexp(error, exponent - unit)
        largest = 2.0 - 2.0**-precision  # times 2**HIGHEST_EXPONENT: half an ULP past the largest
        overflows = np.abs(_ldexp(hi, exponent - HIGHEST_EXPONENT[name])) >= largest
        expected_value = np.where(overflows, np.copysign(np.inf, hi), hi)
        special = ~np.isfinite(expected_value) | ~np.isfinite(value)
        same = (value == expected_value) | (np.isnan(value) & np.isnan(expected_value))
        return np.where(special, np.where(same, 0.0, np.inf), error)


def result_dtype(x):
    """The dtype of the family's results for x."""
    dtype = np.asarray(x).dtype
    native = dtype.newbyteorder("=")
    return native if native in FLOATS else np.dtype(np.float64)


def errors(name, got, x, temperature=1.0, axis=-1):
    """Errors in ULP of softdraw's `name`(x, temperature, axis=axis), shaped as got is."""
    with np.errstate(invalid="ignore"):  # signalling NaNs
        x = np.asarray(x).astype(np.float64)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = sorted(a % max(x.ndim, 1) for a in axes) if x.ndim else []
    kept = [a for a in range(x.ndim) if a not in axes]
    t = np.asarray(temperature, dtype=np.float64)
    if t.ndim == x.ndim:
        t = np.broadcast_to(t, [1 if a in axes else x.shape[a] for a in range(x.ndim)])
    else:
        t = np.broadcast_to(t, [x.shape[a] for a in kept])
    rows = int(np.prod([x.shape[a] for a in kept]))
    n = int(np.prod([x.shape[a] for a in axes]))
    flat = x.transpose(kept + axes).reshape(rows, n)
    family = exact(flat, t.reshape(rows))
    got = np.asarray(got)
    if name == "logsumexp":
        return ulp_error(got.reshape(rows), family.logsumexp, family.scale).reshape(got.shape)
    transposed = got.transpose(kept + axes)
    error = ulp_error(transposed.reshape(rows, n), getattr(family, name))
    return error.reshape(transposed.shape).transpose(np.argsort(kept + axes))


def check(name, got, x, temperature=1.0, axis=-1):
    """Assert that got is softdraw's `name`(x, temperature, axis=axis): its dtype, that the errors
    are within what is promised, and that there is no negative zero."""
    assert np.asarray(got).dtype == result_dtype(x)
    error = errors(name, got, x, temperature, axis)
    bound = BOUNDS[name, np.asarray(got).dtype.name]
    if not error.size:
        return
    worst = np.unravel_index(error.argmax(), error.shape)
    assert error[worst] <= bound, (
        f"{name} at {tuple(map(int, worst))}: {error[worst]:.4g} ULP, more than {bound}"
    )
    got = np.asarray(got)
    assert not np.signbit(got[got == 0]).any(), f"{name}: a negative zero"
