"""Rows that a search for large errors has found; docs/accuracy.md says how large they are."""

import numpy as np
import oracle
import pytest

import softdraw


def worst(name, x, temperature=1.0):
    x = np.asarray(x)
    got = getattr(softdraw, name)(x, temperature=temperature)
    if name == "entropy":
        return float(np.max(oracle.entropy_errors(got, x, temperature)))
    return float(np.max(oracle.errors(name, got, x, temperature)))


def reals(text):
    return [float.fromhex(each) for each in text.split()]


@pytest.mark.parametrize(
    ("row", "temperature"),
    [
        ("-0x1.08b7f0p+3 0x1.d75192p+1 -0x1.2b3c3ap+0 -0x1.20d9e6p+3", 1.0),
        ("0x1.57ac1ep+1 0x1.937312p+0 0x1.3d7a18p+3 0x1.17b4fep+2", 1.0),
        ("-0x1.95c65cp+46 0x1.279550p+48 0x1.279512p+48", float.fromhex("0x1.0d7177e791f88p+44")),
    ],
)
def test_softmax_of_float32(row, temperature):
    assert worst("softmax", np.array(reals(row), np.float32), temperature) <= 1.101


def test_logsumexp_of_float64():
    assert worst("logsumexp", [0.10125296106040338, -2.0035389119442755]) <= 2.06


@pytest.mark.parametrize(
    ("row", "temperature"),
    [
        (
            "0x1.0cbbce85577b4p+6 0x1.e308ed515fc73p+4 -0x1.ca146f5104a65p+4 -0x1.d0dd805b421fdp+4",
            float.fromhex("0x1.696e87ff9642ap+0"),
        ),
        (
            "-0x1.0f7a020945bbcp+0 -0x1.87ce92c71be36p+3 0x1.504a163e9eec5p+3 "
            "-0x1.6346c2fbb4487p+2",
            1.0,
        ),
    ],
)
def test_entropy_of_float64(row, temperature):
    assert worst("entropy", reals(row), temperature) <= 4.63


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "most", "largest"),
    [
        (3, 1, 1.05),
        (6, 0, 1),
        (12, 0, 1),
        (24, 1, 1.01),
        (60, 1, 1.02),
        (65, 0, 0.95),
        (100, 0, 0.95),
    ],
)
def test_few_elements_of_random_rows_exceed_1_ulp(n, most, largest):
    rng = np.random.default_rng(n)
    above, worst = 0, 0.0
    for _ in range(120):
        x = rng.normal(0, 4, (2**20 // n, n)).astype(np.float32)
        exact = softdraw.softmax(x.astype(np.float64))  # whose own errors are far smaller
        places = np.ldexp(1.0, 24 - np.frexp(exact)[1])
        errors = np.abs(softdraw.softmax(x) - exact) * places
        above, worst = above + int((errors > 1).sum()), max(worst, float(errors.max()))
    assert above <= most
    assert worst <= largest
