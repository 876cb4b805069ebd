"""Draws have the frequencies that tables promise.

Each check computes the probability that a right sampler would do as badly or worse, and fails if
that is less than one in ten million. There are fewer than 200 checks, so that a right library fails
this file for fewer than one choice of all seeds in 50,000. Seeds are fixed, and nothing is tried
twice.
"""

import mpmath
import numpy as np
import pytest
from numpy.random import MT19937, PCG64, SFC64, Philox

import softdraw
from softdraw import AliasTable, AliasTables, Xoshiro256

RISK = 1e-7
DRAWS = 200_000


def chi_square_tail(counts, expected):
    """The probability of counts as far from expected ones, or farther; rare ones taken together."""
    groups = []
    for i in np.argsort(expected, kind="stable").tolist():
        if groups and groups[-1][1] < 25:
            groups[-1] = (groups[-1][0] + int(counts[i]), groups[-1][1] + float(expected[i]))
        else:
            groups.append((int(counts[i]), float(expected[i])))
    if len(groups) == 1:  # one common category beside rare ones
        draws, i = int(counts.sum()), int(np.argmax(expected))
        return binomial_tail(int(counts[i]), draws, float(expected[i]) / draws)
    statistic = sum((count - wanted) ** 2 / wanted for count, wanted in groups)
    half = (len(groups) - 1) / 2  # of the degrees of freedom
    return float(mpmath.gammainc(half, statistic / 2, mpmath.inf, regularized=True))


def binomial_tail(count, draws, p):
    """Twice the probability of that count or one farther on its side of the mean."""
    if count > draws * p:
        count, p = draws - count, 1 - p
    if p == 0:
        return 1.0 if count == 0 else 0.0
    log = (
        mpmath.loggamma(draws + 1) - mpmath.loggamma(count + 1) - mpmath.loggamma(draws - count + 1)
    )
    term = mpmath.exp(log + count * mpmath.log(p) + (draws - count) * mpmath.log1p(-p))
    tail = term
    while count and term > tail * 1e-20:
        term *= count * (1 - p) / ((draws - count + 1) * p)
        tail += term
        count -= 1
    return float(min(1, 2 * tail))


def weights_of(shape, n):
    rng = np.random.default_rng(n)
    return {
        "equal": np.ones(n),
        "uniform": rng.random(n),
        "power law": 1 / np.arange(1.0, n + 1),
        "steep": rng.random(n) ** 20,
        "zeros between": np.arange(n) % 3.0,
        "two sizes": np.where(np.arange(n) % 10, 1.0, 1000.0),
        "one heavy": np.r_[np.full(n - 1, 1e-3), n],
        "softmax": softdraw.softmax(rng.normal(0, 2, n)),
    }[shape]


SHAPES = ["equal", "uniform", "power law", "steep", "zeros between", "two sizes", "one heavy",
          "softmax"]  # fmt: skip


@pytest.mark.parametrize("n", [2, 3, 7, 100, 5000])
@pytest.mark.parametrize("shape", SHAPES)
def test_bulk_draws(shape, n):
    weights = weights_of(shape, n)
    counts = np.bincount(AliasTable(weights).sample(DRAWS, rng=n), minlength=n)
    assert not counts[weights == 0].any()
    expected = DRAWS * weights / weights.sum()
    kept = weights > 0
    if kept.sum() > 1:
        assert chi_square_tail(counts[kept], expected[kept]) > RISK


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [PCG64, Philox, MT19937, SFC64])
def test_draws_from_other_generators(kind, shape):
    weights = weights_of(shape, 50)
    counts = np.bincount(AliasTable(weights).sample(DRAWS, rng=kind(1)), minlength=50)
    kept = weights > 0
    expected = DRAWS * weights / weights.sum()
    assert chi_square_tail(counts[kept], expected[kept]) > RISK


@pytest.mark.parametrize("shape", SHAPES)
def test_single_draws(shape):
    weights = weights_of(shape, 20)
    table, rng = AliasTable(weights), Xoshiro256(5)
    draw = table.sampler(Xoshiro256(6))
    for one in (lambda: table.sample(rng=rng), draw):
        counts = np.bincount([one() for _ in range(50_000)], minlength=20)
        kept = weights > 0
        expected = 50_000 * weights / weights.sum()
        assert chi_square_tail(counts[kept], expected[kept]) > RISK


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_from_many_tables(shape):
    lengths = [1, 2, 3, 17, 100]
    weights = np.concatenate([weights_of(shape, max(n, 2))[-n:] for n in lengths])
    indptr = np.r_[0, np.cumsum(lengths)]
    rows = np.arange(DRAWS) % len(lengths)
    drawn = AliasTables(weights, indptr).sample(rows, rng=8)
    for row in range(len(lengths)):
        mine = weights[indptr[row] : indptr[row + 1]]
        counts = np.bincount(drawn[rows == row], minlength=len(mine))
        assert not counts[mine == 0].any()
        kept = mine > 0
        if kept.sum() > 1:
            expected = counts.sum() * mine / mine.sum()
            assert chi_square_tail(counts[kept], expected[kept]) > RISK


@pytest.mark.parametrize("p", [1e-6, 1e-4, 0.01, 0.3, 0.5, 0.9, 1 - 1e-4])
def test_one_category_against_the_rest(p):
    count = int((AliasTable([p, 1 - p]).sample(DRAWS, rng=3) == 0).sum())
    assert binomial_tail(count, DRAWS, p) > RISK


@pytest.mark.parametrize("lag", [1, 2, 8, 256, 1024])
def test_draws_do_not_depend_on_those_before(lag):
    """Pairs of draws that far apart: lanes, blocks and chunks leave no trace."""
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    drawn = AliasTable(weights).sample(DRAWS + lag, rng=4)
    pairs = np.bincount(4 * drawn[:-lag] + drawn[lag:], minlength=16)
    expected = DRAWS * np.outer(weights, weights).ravel() / 100
    assert chi_square_tail(pairs, expected) > RISK


def test_the_tails_are_right():
    """Against what tables of the distributions print."""
    assert abs(chi_square_tail(np.array([60, 40]), np.array([50.0, 50.0])) - 0.0455) < 1e-4
    assert abs(binomial_tail(8, 10, 0.5) - 2 * 56 / 1024) < 1e-12
    assert abs(binomial_tail(0, 10, 0.5) - 2 / 1024) < 1e-12
