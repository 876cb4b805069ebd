"""Arrays that get another dtype, and with it another shape, within a call: by a finalizer, or by
another thread while the call waits."""

import sys
import sysconfig
import threading
import time

import numpy as np
import pytest
from threads import repeated
from tiers import run_on_tier

import softdraw
from softdraw import AliasTable, AliasTables, Xoshiro256, _partials

pytestmark = pytest.mark.filterwarnings(
    "ignore:Setting the dtype:DeprecationWarning",  # since NumPy 2.5
    "ignore:Casting complex values:numpy.exceptions.ComplexWarning"
    if hasattr(np, "exceptions")
    else "ignore:Casting complex values:numpy.ComplexWarning",
)


def result_of(function):
    try:
        return function()
    except (ValueError, TypeError, IndexError) as error:
        return error


def call_with_change(moment, change, function):
    """What function() returns or raises if change() is called with the moment-th Python function
    that it calls, at which a finalizer could run; and whether it has called so many."""
    calls = 0

    def watch(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"
        if event == "call" and calls == moment:
            change()

    sys.setprofile(watch)
    try:
        result = result_of(function)
    finally:
        sys.setprofile(None)
    return result, calls >= moment


# What makes the arguments of a call, the argument whose dtype is changed and to which, the call,
# and the shapes that its result may have. All are large enough that a read or write past an end is
# likely to crash, and that threads share them.
N = 2**18
CASES = {
    "logits": (
        lambda: [np.ones((N, 2)), np.ones(N)],
        0,
        np.float32,
        lambda x, p: softdraw.sample_logits(x, top_p=p, rng=7),
        [(N,)],
    ),
    "words": (
        lambda: [np.ones((N, 2)), np.ones(N, np.int64)],
        1,
        np.int8,
        lambda x, words: softdraw.sample_logits(x, words=words),
        [(N,)],
    ),
    "mask": (
        lambda: [np.ones((2, N)), (np.arange(N) > N - 9).astype(np.int8)],
        1,
        np.int64,
        lambda x, mask: softdraw.sample_logits(x, mask=mask, rng=7),
        [(2,)],
    ),
    "logits of temperature_for": (
        lambda: [np.tile([0.0, 1, 2, 3], (N, 1)), np.full(N, 0.9)],
        0,
        np.complex128,
        lambda x, targets: softdraw.temperature_for(x, entropy=targets),
        [(N,)],
    ),
    "x of softmax": (
        lambda: [np.zeros((8, N)), np.ones(N)],
        0,
        np.float32,
        lambda x, t: softdraw.softmax(x, axis=0, temperature=t, workers=2),
        [(8, N)],
    ),
    "x of logsumexp": (
        lambda: [np.zeros((8, N)), np.ones(N)],
        0,
        np.float32,
        lambda x, t: softdraw.logsumexp(x, axis=0, temperature=t, workers=2),
        [(N,)],
    ),
    "temperature of softmax": (
        lambda: [np.arange(8.0 * N).reshape(N, 8) / N, np.ones(1)],
        1,
        np.int8,
        lambda x, t: softdraw.softmax(x, axis=0, temperature=t, workers=2),
        [(N, 8)],
    ),
    "g of softmax_vjp": (
        lambda: [np.zeros((8, N)), np.zeros((8, N)), np.ones(N)],
        1,
        np.complex128,
        lambda p, g, t: softdraw.softmax_vjp(p, g, axis=0, temperature=t, workers=2),
        [(8, N)],
    ),
    "out of softmax": (
        lambda: [np.zeros((8, N)), np.ones(N), np.zeros((8, N))],
        2,
        np.complex128,
        lambda x, t, out: softdraw.softmax(x, axis=0, temperature=t, out=out, workers=2),
        [(8, N), (8, N // 2)],
    ),
    "weights of tables": (
        lambda: [np.ones(N), np.arange(0, N + 1, 2)],
        0,
        np.complex128,
        lambda weights, indptr: AliasTables(weights, indptr).probabilities(),
        [(N,)],
    ),
    "rows of tables": (
        lambda: [np.zeros(N, np.int64), np.zeros(N, np.int64)],
        0,
        np.int8,
        lambda rows, words: TABLES.map(rows, words),
        [(N,)],
    ),
    "words of a table": (
        lambda: [np.zeros(N, np.int64)],
        0,
        np.int8,
        lambda words: TABLE.map(words),
        [(N,), (8 * N,)],
    ),
}
AS_BEFORE = ["mask", "temperature of softmax"]  # once changed, these arguments are refused
TABLE = AliasTable([1, 2, 3])
TABLES = AliasTables(np.ones(20), np.arange(0, 21, 2))


@pytest.mark.parametrize("case", CASES)
def test_an_array_gets_another_dtype_within_a_call(case):
    make, changed, dtype, function, shapes = CASES[case]
    expected = function(*make()) if case in AS_BEFORE else None
    moment, comes = 1, True
    while comes:
        arrays = make()

        def change(array=arrays[changed]):
            array.dtype = dtype

        result, comes = call_with_change(moment, change, lambda arrays=arrays: function(*arrays))
        assert isinstance(result, Exception) or result.shape in shapes
        if expected is not None and not isinstance(result, Exception):
            assert (result == expected).all()
        moment += 1
    assert moment > 2


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="without a GIL NumPy, too, reads memory that was freed",
)
@pytest.mark.parametrize("function", [softdraw.logsumexp, softdraw.entropy])
def test_the_dtype_of_an_array_is_changed_while_its_scalar_is_computed(function):
    x, stop = np.zeros(2**21, np.float32), threading.Event()

    def change():
        while not stop.is_set():
            x.dtype = "S4"
            stop.is_set()  # threads take turns where functions are called
            x.dtype = np.float32

    def call():
        x.dtype = np.float32
        return result_of(lambda: function(x))

    thread = threading.Thread(target=change)
    thread.start()
    results = [call() for _ in range(300)]
    stop.set()
    thread.join()
    expected = function(np.zeros(2**21, np.float32))
    scalars = {(type(each), each) for each in results if not isinstance(each, Exception)}
    assert scalars == {(np.float32, expected)}


def test_blocks_of_dask_get_another_dtype():
    x, temperatures = np.zeros((N, 2), np.float32), np.ones(N)
    for moment in range(1, 20):
        x.dtype = np.float32

        def change():
            x.dtype = np.float64

        partials, _ = call_with_change(
            moment, change, lambda: _partials.find_partials(x, temperatures)
        )
        assert isinstance(partials, Exception) or partials.shape == (N,)


# ---- waits -------------------------------------------------------------------------------------


def draw_while_waiting(function, change):
    """What a call gives that waits for a generator's lock while change() is called."""
    rng, results = Xoshiro256(7), []
    thread = threading.Thread(target=lambda: results.append(result_of(lambda: function(rng))))
    with rng.lock:
        thread.start()
        time.sleep(0.2)
        change()
    thread.join()
    return results[0], rng


@pytest.mark.parametrize(("n", "dtype"), [(N, np.int8), (3, np.complex64), (1, "S8")])
def test_logits_get_another_dtype_while_a_draw_waits(n, dtype):
    x = np.zeros(n)

    def change():
        x.dtype = dtype

    result, rng = draw_while_waiting(lambda rng: softdraw.sample_logits(x, rng=rng), change)
    if isinstance(result, Exception):
        assert str(result).startswith("logits must be real numbers, got dtype ")
        assert rng.random_raw() == Xoshiro256(7).random_raw()  # which has given no word
    else:
        assert 0 <= result < x.size


@pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")
def test_logits_lose_their_dimension_while_a_draw_waits():
    x = np.zeros(1)

    def change():
        x.shape = ()

    result, _ = draw_while_waiting(lambda rng: softdraw.sample_logits(x, rng=rng), change)
    assert str(result) in ("0", "logits must have at least one dimension, got a number")


def test_out_gets_another_dtype_while_a_draw_waits():
    out = np.full(4, -7)

    def change():
        out.dtype = np.int8

    result, rng = draw_while_waiting(lambda rng: TABLE.sample(rng=rng, out=out), change)
    assert str(result) == "out was changed during the call"
    assert rng.random_raw() == Xoshiro256(7).random_raw()
    out.dtype = np.int64
    assert out.tolist() == [-7] * 4


def test_rows_and_out_get_another_dtype_while_a_draw_waits():
    rows, out = np.zeros(N, np.int64), np.full(N, -7)

    def change():
        rows.dtype = out.dtype = np.int8

    result, rng = draw_while_waiting(lambda rng: TABLES.sample(rows, rng=rng, out=out), change)
    assert str(result) == "rows was changed during the call"
    assert rng.random_raw() == Xoshiro256(7).random_raw()


@pytest.mark.parametrize("tier", softdraw.cpu_info()["tiers"])
def test_words_that_another_thread_changes_draw_no_category_without_weight(tier):
    """A bucket that one word chose was kept by the category of another."""
    run_on_tier(
        tier,
        """
import time

import numpy as np
import softdraw
from threads import repeated

weights = np.array([1, 0, 3, 4, 0, 6, 7, 8])
table = softdraw.AliasTable(weights)
words = softdraw.Xoshiro256(1).random_raw(10_000)
others = ~words
drawn = words.copy()


def change():
    drawn[:] = words
    drawn[:] = others


with repeated(change):
    end = time.monotonic() + 1
    while time.monotonic() < end:
        counts = np.bincount(table.map(drawn), minlength=8)
        assert len(counts) == 8, counts
        assert not counts[weights == 0].any(), counts
""",
    )


@pytest.mark.parametrize("n", [6, 14_000])
@pytest.mark.parametrize(
    "name, values",
    [
        ("temperature", [0.7, np.nan, -1]),
        ("top_k", [7, 0, 2**63]),
        ("top_p", [0.7, np.nan, 2]),
        ("min_p", [0.3, np.nan, 2]),
    ],
)
def test_parameters_that_another_thread_makes_invalid_give_some_draw_or_an_error(name, values, n):
    """They are valid when they are looked at, and are changed before they are used."""
    logits = np.random.default_rng(7).normal(size=(3, n)).astype(np.float32)
    valid = np.full(3, values[0], np.uint64 if name == "top_k" else np.float64)
    changed = valid.copy()
    invalid = [np.full_like(valid, value) for value in values[1:]]

    def change():
        for each in invalid:
            changed[:] = each
            changed[:] = valid

    with repeated(change):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            drawn = result_of(lambda: softdraw.sample_logits(logits, size=2, **{name: changed}))
            if isinstance(drawn, ValueError):
                assert name in str(drawn)
            else:
                assert drawn.min() >= 0 and drawn.max() < n
