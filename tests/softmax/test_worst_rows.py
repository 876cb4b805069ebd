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
    """The numbers of a row, where 35*x is 35 times x."""
    row = []
    for each in text.split():
        count, _, number = each.rpartition("*")
        row += [float.fromhex(number)] * int(count or 1)
    return row


@pytest.mark.parametrize(
    ("row", "temperature", "most"),
    [
        ("-0x1.08b7f0p+3 0x1.d75192p+1 -0x1.2b3c3ap+0 -0x1.20d9e6p+3", "1", 1.101),
        ("0x1.57ac1ep+1 0x1.937312p+0 0x1.3d7a18p+3 0x1.17b4fep+2", "1", 1.101),
        ("-0x1.95c65cp+46 0x1.279550p+48 0x1.279512p+48", "0x1.0d7177e791f88p+44", 1.101),
        ("-0x1.2b085ap+0 3*-0x1.035dep+2 2*0x1.7e462p+1 -0x1.3dcca2p+2", "1", 1.18),
        (
            "-0x1.dbc4eap+0 4*0x1.3e9d6ap+0 -0x1.018902p+0 -0x1.0468b8p+2",
            "0x1.146498293d64ap-1",
            1.17,
        ),
        ("115*-0x1.171cfep-2 -0x1.86b6e2p-4 -0x1.8e03f0p-2", "0x1.492a39f5c2c57p+0", 1.05),
    ],
)
def test_softmax_of_float32(row, temperature, most):
    row = np.array(reals(row), np.float32)
    assert worst("softmax", row, float.fromhex(temperature)) <= most


@pytest.mark.parametrize(
    ("row", "temperature", "power", "most"),
    [
        (
            "35*-0x1.85e92830836abp-1 -0x1.402f623650e8ap-1 -0x1.4979b699e9c38p+0",
            "1",
            0,
            2.02,
        ),
        (
            "37*-0x1.10a5046ba4799p-3 -0x1.b3fd866fca12fp+0 -0x1.8e5301c8972d2p+1",
            "0x1.8c33517ff2b19p+0",
            0,
            2.14,
        ),
        (
            "-0x1.32838bea0df6ep+4 -0x1.e31f5b7a81748p+3 -0x1.8feb0a4f52d7cp+1",
            "0x1.9163753ba6cbcp+0",
            912,
            2.14,
        ),
    ],
)
def test_softmax_of_float64(row, temperature, power, most):
    row, temperature = np.ldexp(reals(row), power), np.ldexp(float.fromhex(temperature), power)
    assert worst("softmax", row, float(temperature)) <= most


@pytest.mark.parametrize(
    ("row", "temperature", "most"),
    [
        ("0x1.9ebb6cc60aa00p-4 -0x1.0073f68b88340p+1", "1", 2.06),
        (
            "-0x1.499f3a3b165f8p+3 0x1.007f0459e666ep-4 -0x1.b9753bf9bbdfdp+0",
            "0x1.bc3532f4b9383p-1",
            2.15,
        ),
        (
            "12*-0x1.9b3729eec4d9ep+2 -0x1.5f0e582cf70a5p+3 -0x1.7381c93b60550p+3 "
            "-0x1.52a6cdfc89798p+3 0x1.0bfb0360dc55dp-3",
            "0x1.72c37699a0053p+0",
            2.19,
        ),
    ],
)
def test_logsumexp_of_float64(row, temperature, most):
    assert worst("logsumexp", reals(row), float.fromhex(temperature)) <= most


@pytest.mark.parametrize(
    ("row", "temperature", "most"),
    [
        (
            "0x1.0cbbce85577b4p+6 0x1.e308ed515fc73p+4 -0x1.ca146f5104a65p+4 -0x1.d0dd805b421fdp+4",
            "0x1.696e87ff9642ap+0",
            4.63,
        ),
        (
            "-0x1.0f7a020945bbcp+0 -0x1.87ce92c71be36p+3 0x1.504a163e9eec5p+3 "
            "-0x1.6346c2fbb4487p+2",
            "1",
            4.63,
        ),
        (
            "3*0x1.2d0f136d55701p+1 0x1.e6f10851ff9ebp+2 0x1.09962df833022p-4",
            "0x1.3912a6740a2a1p-2",
            5.19,
        ),
    ],
)
def test_entropy_of_float64(row, temperature, most):
    assert worst("entropy", reals(row), float.fromhex(temperature)) <= most


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
