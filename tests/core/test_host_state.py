"""Whatever the host has set its floating-point unit to (flush-to-zero, denormals-are-zero, another
rounding mode, traps), functions return the bits and the errors of the default state, and leave the
state as it was. tests/c/test_host_state.c does the same for the C API."""

import ctypes
import math
import os
import shlex
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from processes import run

import softdraw

STATES = Path(__file__).resolve().parents[1] / "c" / "host_states.h"
COMPILER = shlex.split(os.environ.get("CC") or "cc")

# The function is called from C, since Python itself computes with floats between two of its lines.
CALLER = """
#include "host_states.h"

int state_count(void) { return (int)(sizeof states / sizeof *states); }
const char *state_name(int i) { return states[i].name; }

void *call_in_state(int i, void *(*call)(void *), void *function, int *is_left_as_it_was) {
    const uint64_t usual = get_control();
    set_control(states[i].control);
    const uint64_t before = get_control();
    void *result = call(function);
    *is_left_as_it_was = get_control() == before;
    set_control(usual);
    return result;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The functions above."""
    if not STATES.exists():
        pytest.skip("the C tests are not beside the tests")
    if not shutil.which(COMPILER[0]):
        pytest.skip(f"no C compiler: {COMPILER[0]} is not on the path")
    folder = tmp_path_factory.mktemp("caller")
    (folder / "caller.c").write_text(CALLER, encoding="utf-8")
    made = folder / "caller.so"
    options = ["-O1", "-shared", "-fPIC", f"-I{STATES.parent}"]
    run([*COMPILER, *options, folder / "caller.c", "-o", made, "-lm"])
    library = ctypes.PyDLL(str(made))
    library.state_name.restype = ctypes.c_char_p
    library.call_in_state.restype = ctypes.py_object
    library.call_in_state.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.py_object,
        ctypes.POINTER(ctypes.c_int),
    ]
    return library


def bits_of(result):
    """What is compared: types, shapes and bits."""
    if isinstance(result, tuple):
        return [bits_of(each) for each in result]
    if isinstance(result, (softdraw.AliasTable, softdraw.AliasTables)):
        return [type(result), result.units().tobytes()]
    array = np.asarray(result)
    return [type(result), array.dtype, array.shape, array.tobytes()]


def outcome_of(library, state, function):
    """The bits of what the function returns in that state, or its error, and whether the state is
    the same after the call."""
    call = ctypes.cast(ctypes.pythonapi.PyObject_CallNoArgs, ctypes.c_void_p)
    is_left = ctypes.c_int(0)
    try:
        result = library.call_in_state(state, call, function, ctypes.byref(is_left))
    except (TypeError, ValueError) as error:
        return [type(error), str(error)], bool(is_left.value)
    return bits_of(result), bool(is_left.value)


# ---- cases -------------------------------------------------------------------------------------

TINY = 5e-324
rng = np.random.default_rng(1)
NORMAL = rng.normal(size=(5, 4, 7)) * 4
SUBNORMAL = rng.integers(-40, 40, (5, 4, 7)) * TINY
SUBNORMAL_F32 = rng.integers(-40, 40, (5, 4, 7)).astype(np.float32) * np.float32(1e-45)
DOMINANT = NORMAL * 30 + 700 * (np.arange(7) == 3)  # with probabilities that are subnormal
HUGE = NORMAL * 1e307
LARGE_INTEGERS = rng.integers(2**53, 2**63, (5, 4, 7))
HALVES = rng.integers(0, 0x7C00, (5, 4, 7)).astype(np.uint16).view(np.float16) / np.float16(8)
SUBNORMAL_HALVES = rng.integers(0, 0x400, (5, 4, 7)).astype(np.uint16).view(np.float16)

ARRAYS = {
    "float64": NORMAL,
    "subnormal float64": SUBNORMAL,
    "float64 with a dominant entry": DOMINANT,
    "huge float64": HUGE,
    "float32": NORMAL.astype(np.float32),
    "subnormal float32": SUBNORMAL_F32,
    "float16": HALVES,
    "subnormal float16": SUBNORMAL_HALVES,
    "byte-swapped float64": SUBNORMAL.astype(">f8"),
    "byte-swapped float32": SUBNORMAL_F32.astype(">f4"),
    "byte-swapped float16": SUBNORMAL_HALVES.astype(">f2"),
    "int64": LARGE_INTEGERS,
    "uint64": LARGE_INTEGERS.astype(np.uint64) * np.uint64(2) + np.uint64(1),
    "a list": SUBNORMAL.tolist(),
    "a list of large integers": LARGE_INTEGERS.tolist(),
    "strided float64": np.repeat(DOMINANT, 2, axis=2)[:, :, ::2],
    "strided float32": np.repeat(SUBNORMAL_F32, 2, axis=2)[:, ::-1, ::2],
}
TEMPERATURES = {
    "1": 1.0,
    "an int": 3,
    "subnormal": TINY,
    "subnormal float32": np.float32(1e-45),
    "subnormal float16": np.float16(6e-8),
    "a large int": 2**60 + 1,
    "one per row": np.abs(SUBNORMAL[:, :, 0]) + TINY,
    "one per row, float32": np.abs(SUBNORMAL_F32[:, :, :1]) + np.float32(1e-45),
    "large integers": LARGE_INTEGERS[:, :, 0],
    "invalid": -TINY,
    "NaN": math.nan,
    "one invalid": np.where(np.arange(20).reshape(5, 4) == 7, -TINY, 1.0),
}


def in_out(function, x, **keywords):
    return partial(function, x, out=np.empty_like(x), **keywords)


def softmax_cases():
    family = [softdraw.softmax, softdraw.log_softmax, softdraw.logsumexp, softdraw.entropy]
    for function in family:
        name = function.__name__
        for kind, x in ARRAYS.items():
            yield f"{name} of {kind}", partial(function, x)
            yield f"{name} of {kind}, axis 0", partial(function, x, axis=0, temperature=0.7)
            yield f"{name} of {kind}, all axes", partial(function, x, axis=None, temperature=TINY)
            yield f"{name} of a row of {kind}", partial(function, x[0][0], temperature=TINY)
        for kind, t in TEMPERATURES.items():
            for array in ("float64", "subnormal float64", "subnormal float32", "a list"):
                yield (
                    f"{name} of {array}, temperature {kind}",
                    partial(function, ARRAYS[array], temperature=t),
                )
    for function in family[:2]:
        for kind in ("subnormal float64", "float32", "float16"):
            yield f"{function.__name__} into out, {kind}", in_out(function, ARRAYS[kind])
    yield "an integer past the floats", partial(softdraw.softmax, [2**53 + 1, 2**53 + 2])
    for kind, g in ARRAYS.items():
        for p in ("float64", "float32", "float16"):
            weights = np.abs(ARRAYS[p])
            yield f"softmax_vjp of {p} and {kind}", partial(softdraw.softmax_vjp, weights, g)
    for kind, t in {**TEMPERATURES, "0": 0.0}.items():
        for g in (NORMAL, SUBNORMAL):
            yield (
                f"softmax_vjp, temperature {kind}",
                partial(softdraw.softmax_vjp, np.abs(NORMAL), g, temperature=t),
            )


def temperature_for_cases():
    for kind, x in ARRAYS.items():
        for quantity in ("entropy", "perplexity", "top_prob"):
            clipped = {quantity: 0.5, "clip": True}
            yield f"of {kind}, {quantity} clipped", partial(softdraw.temperature_for, x, **clipped)
        yield f"of {kind}", partial(softdraw.temperature_for, x, perplexity=2.5)
    per_row = np.full((5, 4), 1e-310)
    for target in (1e-310, TINY, np.float32(1e-45), per_row, -TINY, math.nan, 3):
        yield f"entropy {target}", partial(softdraw.temperature_for, NORMAL, entropy=target)


def table_cases():
    def probabilities(kind, *arguments):
        return kind(*arguments).probabilities()

    indptr = [0, 20, 20, 70, 140]
    for kind, x in ARRAYS.items():
        flat = np.asarray(x).ravel()
        weights = np.abs(flat)
        given = weights.tolist() if isinstance(x, list) else weights
        yield f"AliasTable of {kind}", partial(softdraw.AliasTable, given)
        yield f"AliasTables of {kind}", partial(softdraw.AliasTables, given, indptr)
        for t in (1.0, TINY, np.float32(1e-45), -TINY, math.nan):
            yield (
                f"AliasTable of logits, {kind}, temperature {t!r}",
                partial(softdraw.AliasTable.from_logits, flat, temperature=t),
            )
            yield (
                f"AliasTables of logits, {kind}, temperature {t!r}",
                partial(softdraw.AliasTables.from_logits, flat, indptr, temperature=t),
            )
    mixed = [1.0, 1e-310, TINY, 1e308, 3.0]
    yield "AliasTable of floats of all sizes", partial(softdraw.AliasTable, mixed)
    for last in (-TINY, math.nan):
        yield f"AliasTable with {last}", partial(softdraw.AliasTable, [1.0, last])
        yield f"AliasTables with {last}", partial(softdraw.AliasTables, [1.0, last], [0, 2])
    table = softdraw.AliasTable(np.abs(DOMINANT[0, 0]))
    tables = softdraw.AliasTables([1.0, TINY, 3.0, 0.0, 5.0], [0, 3, 3, 5])
    yield "AliasTable.probabilities", table.probabilities
    yield "AliasTables.probabilities", tables.probabilities
    yield "AliasTable.sample", partial(table.sample, 100, rng=7)
    yield "AliasTables.sample", partial(tables.sample, [0, 2], 50, rng=7)
    yield "a sampler", lambda: table.sampler(7)(300)


def sample_logits_cases():
    def drawn(x, **keywords):
        return partial(softdraw.sample_logits, x, rng=7, **keywords)

    for kind, x in ARRAYS.items():
        yield f"{kind}", drawn(x, size=20, return_logprobs=True)
        yield f"{kind}, subnormal", drawn(x, size=20, temperature=TINY, min_p=TINY)
        yield f"{kind}, filters", drawn(x, size=20, top_k=5, top_p=0.9, return_logprobs=True)
        yield f"a row of {kind}", drawn(x[0][0], temperature=TINY, min_p=1e-310)
    row = NORMAL[0, 0].copy()
    for kind, t in TEMPERATURES.items():
        yield f"temperature {kind}", drawn(NORMAL, size=20, temperature=t)
    numbers = (0.0, -0.0, TINY, 1e-310, -TINY, math.nan, math.inf, np.float32(1e-45))
    for name in ("temperature", "top_p", "min_p"):
        for value in numbers:
            yield f"{name} {value!r}", drawn(row, **{name: value})
    yield "a row with NaN", drawn(np.array([1.0, math.nan]))
    with_nan = np.where(NORMAL > 9, np.nan, NORMAL)
    yield "rows of which some are skipped", drawn(with_nan, invalid="skip")


CASES = [
    (f"{group.__name__.removesuffix('_cases')}: {name}", function)
    for group in (softmax_cases, temperature_for_cases, table_cases, sample_logits_cases)
    for name, function in group()
]


# ---- tests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["softmax", "temperature_for", "table", "sample_logits"])
def test_same_outcome_in_every_state(library, group):
    cases = [(name, function) for name, function in CASES if name.startswith(f"{group}:")]
    wrong = []
    for name, function in cases:
        wanted, _ = outcome_of(library, 0, function)
        for state in range(1, library.state_count()):
            outcome, is_left = outcome_of(library, state, function)
            where = f"{name}, with {library.state_name(state).decode()}"
            if outcome != wanted:
                wrong.append(f"{where}: another outcome")
            if not is_left:
                wrong.append(f"{where}: another state afterwards")
    assert len(cases) > 20
    assert wrong == []


def test_the_states_change_what_numpy_returns(library):
    """So that the tests above would notice a state that has no effect."""
    x = np.array([0.1, 3e-308])
    changed = [
        outcome_of(library, state, partial(np.multiply, x, 0.3))
        != outcome_of(library, 0, partial(np.multiply, x, 0.3))
        for state in range(library.state_count())
        if b"traps" not in library.state_name(state)
    ]
    assert any(changed)


def test_threads_that_are_started_in_any_state_compute_in_the_default_one(library):
    """Threads inherit the state of the one that starts them, where 0 == TINY may be true."""
    large = np.zeros((100, 10_000))
    logits, indptr = np.resize(np.arange(8) * TINY, 160_000), np.arange(0, 160_001, 8)
    make = partial(softdraw.AliasTables.from_logits, logits, indptr, temperature=TINY)
    expected = make()
    for state in range(library.state_count()):
        workers = 20 + state  # one more than there are threads
        outcome_of(library, state, partial(softdraw.softmax, large, workers=workers))
        for _ in range(10):
            assert make(workers=workers) == expected
