"""Long calls release the GIL, so that other threads run meanwhile."""

import sys
import threading
import time

import numpy as np
import pytest

import softdraw

N = 2**20
X = np.random.default_rng(7).normal(0, 3, (4, N)).astype(np.float32)
COLUMNS = X.reshape(2048, 2048)
WEIGHTS = np.random.default_rng(7).random(N)
INDPTR = np.arange(0, N + 1, N // 256)  # so short that NumPy copies it under the GIL
WORDS = softdraw.Xoshiro256(7).random_raw(N)
TABLE = softdraw.AliasTable(WEIGHTS)
TABLES = softdraw.AliasTables(WEIGHTS, INDPTR)
ROWS = np.arange(N) % len(TABLES)
RNG = softdraw.Xoshiro256(7)
DRAW = TABLE.sampler(RNG)
CALLS = {
    **{
        f"{function.__name__}, axis {axis}": lambda f=function, axis=axis: f(COLUMNS, axis=axis)
        for function in (softdraw.softmax, softdraw.log_softmax, softdraw.logsumexp)
        for axis in (0, 1)
    },
    "softmax_vjp, axis 0": lambda: softdraw.softmax_vjp(COLUMNS, COLUMNS, axis=0),
    "softmax_vjp, axis 1": lambda: softdraw.softmax_vjp(COLUMNS, COLUMNS, axis=1),
    "entropy": lambda: softdraw.entropy(X),
    "temperature_for": lambda: softdraw.temperature_for(WEIGHTS, entropy=5.0),
    "sample_logits": lambda: softdraw.sample_logits(X, rng=RNG),
    "sample_logits, one row": lambda: softdraw.sample_logits(X.reshape(-1), rng=RNG),
    "sample_logits, top_p": lambda: softdraw.sample_logits(X, top_p=0.9, rng=RNG),
    "AliasTable": lambda: softdraw.AliasTable(WEIGHTS),
    "sample": lambda: TABLE.sample(N, rng=RNG),
    "map": lambda: TABLE.map(WORDS),
    "sampler": lambda: DRAW(N),
    "AliasTables": lambda: softdraw.AliasTables(WEIGHTS, INDPTR),
    "sample of many tables": lambda: TABLES.sample(ROWS, rng=RNG),
}


def is_seen_running(function):
    """Whether this thread sees another one inside the function, which it can only if the function
    releases the GIL: no thread is made to hand it over."""
    events = []

    def work():
        events.append("begins")
        function()
        events.append("ended")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        seen = []
        while seen[-1:] != ["ended"]:
            time.sleep(1e-5)  # the other thread may take the GIL
            seen += events[-1:]
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    return "begins" in seen


needs_gil = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="there is no GIL to release"
)


@needs_gil
@pytest.mark.parametrize("name", CALLS)
def test_other_threads_run_during_a_long_call(name):
    # on a busy machine this thread may wake up only after a call has ended
    assert any(is_seen_running(CALLS[name]) for _ in range(100))


@needs_gil
def test_other_threads_run_while_a_large_table_is_hashed():
    def is_seen(kind, *arguments):
        table = kind(WEIGHTS, *arguments)  # each time another one, because a table keeps its hash
        return is_seen_running(lambda: hash(table))

    assert any(is_seen(softdraw.AliasTable) for _ in range(20))
    assert any(is_seen(softdraw.AliasTables, INDPTR) for _ in range(20))


@needs_gil
def test_a_call_that_holds_the_gil_is_not_seen():
    assert not any(is_seen_running(lambda: sum(range(10**6))) for _ in range(5))
