"""What sample_logits refuses, and what its errors say."""

import math
from fractions import Fraction

import numpy as np
import pytest
from floats import bfloat16, needs_bfloat16
from lookalikes import Delayed, Sparse
from messages import exactly
from numpy.random import PCG64

from softdraw import Xoshiro256, sample_logits

inf, nan = math.inf, math.nan


X = np.arange(12.0).reshape(3, 4)


def with_at(place, value):
    x = X.copy()
    x[place] = value
    return x


MASKED = np.ma.array([1.0, 2.0])
HOPELESS = "nothing to draw from: every entry is -inf or masked"
OFF = "None, or any number from the row's length on, switches it off"
BEGIN = "must have the shape (3,) of the rows, or one that begins with it, got"
FINITE = "logits must be finite or -inf"
SKIP = "; invalid='skip' gives -1 for such rows"
LOST = "is a masked array; fill or compress it first, its mask would be lost"
NUMBERS = "must be a real number or an array of them, got"
FLOAT = "write float(temperature)"
INTEGERS = "must be an integer or an array of them, got"
DTYPE = (
    "mask must be bool, int8 or uint8 (1 for what may be drawn), or packed bits in int32, got dtype"
)
ASTYPE = "write np.asarray(mask, bool)"
FLAGS = "must hold 1 for what may be drawn and 0 for what may not"
SOURCE = (
    "rng must be None, an int, a sequence of ints or a numpy.random.SeedSequence, BitGenerator or "
    "Generator, got"
)


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        ([], {}, "logits must have at least one item per row, got shape (0,)"),
        (np.zeros((3, 0)), {}, "logits must have at least one item per row, got shape (3, 0)"),
        (3.0, {}, "logits must have at least one dimension, got a number"),
        (np.full((2, 3, 4), -inf), {}, f"row 0, 0 of logits has {HOPELESS}{SKIP}"),
        (np.full((2, 1, 4), nan), {}, f"logits[0, 0, 0] is nan; {FINITE}{SKIP}"),
        ([1.0, 2, nan, nan], {}, f"logits[2] is nan; {FINITE}"),
        ([1.0, inf], {}, f"logits[1] is inf; {FINITE}"),
        (with_at((1, 2), inf), {}, f"logits[1, 2] is inf; {FINITE}{SKIP}"),
        (with_at((2, 0), nan), {"temperature": 0}, f"logits[2, 0] is nan; {FINITE}{SKIP}"),
        pytest.param(
            np.array([0, nan], bfloat16), {}, f"logits[1] is nan; {FINITE}", marks=needs_bfloat16
        ),
        ([-inf, -inf], {}, f"logits have {HOPELESS}"),
        ([1.0, 2], {"mask": [False, False]}, f"logits have {HOPELESS}"),
        (with_at(2, -inf), {}, f"row 2 of logits has {HOPELESS}{SKIP}"),
        (X, {"mask": np.zeros((3, 1), np.int32)}, f"row 0 of logits has {HOPELESS}{SKIP}"),
        (X, {"temperature": -1}, "temperature must be >= 0, got -1.0"),
        (X, {"temperature": nan}, "temperature must be >= 0, got nan"),
        (X, {"temperature": [0, 1, -inf]}, "temperature[2] must be >= 0, got -inf"),
        (X, {"temperature": [[1], [nan], [1]]}, "temperature[1, 0] must be >= 0, got nan"),
        (X, {"temperature": [1, 2]}, "temperature of shape (2,) fits neither (3, 1) nor (3,)"),
        (X[0], {"temperature": [1, 2]}, "temperature of shape (2,) fits neither (1,) nor ()"),
        (X, {"top_k": 0}, f"top_k must be >= 1, got 0; {OFF}"),
        (X[0], {"top_k": 0}, f"top_k must be >= 1, got 0; {OFF}"),
        (X[0], {"top_p": 1.5}, "top_p must be in [0, 1], got 1.5"),
        (X[0], {"min_p": -0.1}, "min_p must be in [0, 1], got -0.1"),
        (X, {"top_k": [1, -3, 0]}, f"top_k[1] must be >= 1, got -3; {OFF}"),
        (X, {"top_k": [1, 2, 3, 4]}, "top_k of shape (4,) fits neither (3, 1) nor (3,)"),
        (X, {"top_k": np.ones((1, 3), int)}, "top_k of shape (1, 3) fits neither (3, 1) nor (3,)"),
        (X, {"top_p": 1.5}, "top_p must be in [0, 1], got 1.5"),
        (X, {"top_p": [0.5, 1, nan]}, "top_p[2] must be in [0, 1], got nan"),
        (X, {"min_p": -0.1}, "min_p must be in [0, 1], got -0.1"),
        (X, {"min_p": [[0], [0], [2]]}, "min_p[2, 0] must be in [0, 1], got 2.0"),
        (X, {"mask": [True] * 3}, "mask must have shape (4,) or (3, 4), got (3,)"),
        (X, {"mask": True}, "mask must have shape (4,) or (3, 4), got ()"),
        (X[0], {"mask": np.ones((1, 4), bool)}, "mask must have shape (4,), got (1, 4)"),
        (X, {"mask": np.ones(2, np.int32)}, "packed mask must have shape (1,) or (3, 1), got (2,)"),
        (
            np.zeros(33),
            {"mask": np.ones(1, np.int32)},
            "packed mask must have shape (2,), got (1,)",
        ),
        (X, {"top_k": memoryview(np.array(-1))}, f"top_k must be >= 1, got -1; {OFF}"),
        (X, {"mask": np.int8([1, 0, 2, 1])}, f"mask[2] is 2; a mask of dtype int8 {FLAGS}"),
        (
            X,
            {"mask": np.full((3, 4), 255, np.uint8)},
            f"mask[0, 0] is 255; a mask of dtype uint8 {FLAGS}",
        ),
        (
            np.zeros((2, 3, 4)),
            {"mask": np.ones((2, 4), bool)},
            "mask must have shape (4,) or (2, 3, 4), got (2, 4)",
        ),
        (
            X,
            {"mask": np.ones(4, np.int32)},
            f"packed mask must have shape (1,) or (3, 1), got (4,); {ASTYPE} for one of 0 and 1",
        ),
        (X, {"invalid": "ignore"}, "invalid must be 'raise' or 'skip', got 'ignore'"),
        (X[0], {"size": -1}, "size must be >= 0, got -1"),
        (X[0], {"size": 2**60}, f"size must be at most 2**59 draws, got {2**60}"),
        (X[0], {"size": 2, "words": [1, 2]}, "words excludes rng and size"),
        (X[0], {"rng": 7, "words": 1}, "words excludes rng and size"),
        (X, {"words": [1, 2]}, f"words {BEGIN} (2,)"),
        (X, {"words": 1}, f"words {BEGIN} ()"),
        (X[0], {"words": -1}, "words must be from 0 to 2**64 - 1, got -1"),
    ],
)
def test_value_errors(logits, options, text):
    with pytest.raises(ValueError, match=exactly(text)):
        sample_logits(logits, **options)


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        (np.ma.array(X), {}, f"logits {LOST}"),
        (
            [1j, 2],
            {},
            "logits must be real numbers, got dtype complex128; take np.real or np.abs of it",
        ),
        (["a"], {}, "logits must be real numbers, got dtype <U1"),
        (None, {}, "logits must be real numbers, got dtype object"),
        (X, {"temperature": None}, f"temperature {NUMBERS} NoneType"),
        (X, {"temperature": "1"}, f"temperature {NUMBERS} str"),
        (X, {"temperature": Fraction(1, 2)}, f"temperature {NUMBERS} Fraction; {FLOAT}"),
        (
            X,
            {"temperature": [Fraction(1, 2)] * 3},
            f"temperature {NUMBERS} an array of dtype object; write np.asarray(temperature, float)",
        ),
        (X, {"temperature": MASKED}, f"temperature {LOST}"),
        (X, {"top_k": 5.0}, f"top_k {INTEGERS} float"),
        (X, {"top_k": True}, f"top_k {INTEGERS} bool"),
        (X, {"top_k": [1.0, 2, 3]}, f"top_k {INTEGERS} an array of dtype float64"),
        (X, {"top_p": 1j}, f"top_p {NUMBERS} complex; take np.real or np.abs of it"),
        (X, {"min_p": MASKED}, f"min_p {LOST}"),
        (X, {"mask": np.ones(1, np.int64)}, f"{DTYPE} int64; {ASTYPE}"),
        (X, {"mask": [1, 0, 1, 0]}, f"{DTYPE} int64; {ASTYPE}"),
        (X, {"mask": np.ones(1, np.uint32)}, f"{DTYPE} uint32; write mask.view(np.int32)"),
        (X, {"mask": np.ones(4)}, f"{DTYPE} float64; {ASTYPE}"),
        (X, {"mask": Sparse()}, f"{DTYPE} object; write mask.toarray().astype(bool)"),
        (X, {"mask": Delayed()}, f"{DTYPE} object; write mask.compute()"),
        (X, {"mask": np.ma.array([True] * 4)}, f"mask {LOST}"),
        (X, {"rng": "seed"}, f"{SOURCE} str"),
        (
            X,
            {"rng": [Xoshiro256(1), PCG64(2)]},
            "rng must be one generator; for one per row, pass a word of each as words, such as "
            "words=[Xoshiro256(seed).random_raw() for seed in seeds]",
        ),
        (X[0], {"words": 0.5}, "words must be uint64, got dtype float64"),
        (X[0], {"size": 1.5}, "size must be an int or a tuple of ints, got 1.5"),
    ],
)
def test_type_errors(logits, options, text):
    with pytest.raises(TypeError, match=exactly(text)):
        sample_logits(logits, **options)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_longdouble_is_a_type_error():
    name = np.dtype(np.longdouble)
    text = f"logits must be float16, bfloat16, float32, float64 or integers, got dtype {name}"
    with pytest.raises(TypeError, match=exactly(text)):
        sample_logits(X.astype(np.longdouble))
    for parameter in ("temperature", "top_p", "min_p"):
        text = f"{parameter} {NUMBERS} {np.longdouble.__name__}"
        with pytest.raises(TypeError, match=exactly(text)):
            sample_logits(X, **{parameter: np.longdouble(1)})


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "min_p"])
def test_an_integer_past_any_dtype_is_to_be_given_as_a_float(parameter):
    text = f"{parameter} is an integer of more than 64 bits; give it as a float"
    with pytest.raises(ValueError, match=exactly(text)):
        sample_logits(X, **{parameter: 10**30})
    assert sample_logits(X[0], temperature=1e30, words=2**63) == 2


@pytest.mark.parametrize(
    ("logits", "options", "text"),
    [
        (np.zeros((3, 0)), {}, "at least one item per row"),
        (X, {"temperature": [1, 1, -1]}, "temperature"),
        (X, {"top_k": [1, 1, 0]}, "top_k"),
        (X, {"top_p": [1, 1, 2]}, "top_p"),
        (X, {"min_p": [1, 1, nan]}, "min_p"),
        (X, {"mask": np.zeros(2, np.int32)}, "mask"),
        (X, {"size": -3}, "size"),
        (X, {"words": [1, 2, 3]}, "words"),
    ],
)
def test_a_refused_argument_takes_no_word(logits, options, text):
    rng = Xoshiro256(7)
    with pytest.raises(ValueError, match=text):
        sample_logits(logits, rng=rng, **options)
    assert rng.random_raw() == Xoshiro256(7).random_raw()


def test_top_k_past_any_dtype_keeps_all():
    assert sample_logits([0.0, 5.0], temperature=0, top_k=10**30) == 1
    with pytest.raises(ValueError, match=f"^top_k must be >= 1, got -1{0:030}; {OFF}$"):
        sample_logits([0.0, 5.0], top_k=-(10**30))


@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize(("dtype", "step"), [(np.float32, 200), (np.float64, 900)])
def test_top_p_refuses_what_its_samples_miss(dtype, step, bad):
    """The samples miss the largest item as well, and nothing that they show has a mass."""
    for largest in range(40):
        row = (-step - 5.0 * (np.arange(5000) % 13)).astype(dtype)
        row[largest], row[4990] = 0, bad
        with pytest.raises(ValueError, match=exactly(f"logits[4990] is {bad}; {FINITE}")):
            sample_logits(row, top_p=0.9, rng=7)
