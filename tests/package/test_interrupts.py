"""A signal's handler, as that of Ctrl-C, ends calls of many draws and leaves generators usable."""

import signal
import sys
import threading

import numpy as np
import pytest

from softdraw import AliasTable, AliasTables, Xoshiro256, sample_logits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a timer's signal")

PART = 1 << 24  # draws between two looks at signals
TABLE = AliasTable([1, 2, 3])
TABLES = AliasTables([1, 2, 3], [0, 2, 3])


class Interrupt(Exception):
    pass


@pytest.fixture
def timer():
    """Raises Interrupt in the main thread a moment after it has been called."""

    def interrupt(number, frame):
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def is_word_after_a_part(word, parts):
    """Whether it is the first word of seed 7 after one of so many parts of its words."""
    rng = Xoshiro256(7)
    rng.random_raw(output=False)
    for _ in range(parts):
        rng.random_raw(PART - 1, output=False)
        if rng.random_raw() == word:
            return True
    return False


@pytest.mark.parametrize("workers", [1, 3])
def test_a_draw_into_out_is_interrupted(timer, workers):
    out = np.full(1 << 28, -1, np.int16)
    rng = Xoshiro256(7)
    timer()
    with pytest.raises(Interrupt):
        TABLE.sample(out=out, rng=rng, workers=workers)
    assert out[0] >= 0
    assert out[-1] == -1
    assert is_word_after_a_part(rng.random_raw(), 16)


def test_a_draw_with_the_words_of_another_generator_is_interrupted(timer):
    out = np.full(1 << 28, -1, np.int16)
    rng = np.random.PCG64(7)
    timer()
    with pytest.raises(Interrupt):
        TABLE.sample(out=out, rng=rng, workers=3)
    assert out[-1] == -1
    rng.random_raw()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_draw_from_rows_is_interrupted(timer, workers):
    rows = np.broadcast_to(np.int64(1), 1 << 26)
    out = np.full(rows.shape, -1, np.int16)
    rng = Xoshiro256(7)
    timer()
    with pytest.raises(Interrupt):
        TABLES.sample(rows, out=out, rng=rng, workers=workers)
    assert out[-1] == -1
    rng.random_raw()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_draw_from_many_logits_is_interrupted(timer, workers):
    logits = np.broadcast_to(np.zeros(4096, np.float32), (1_000_000, 4096))
    rng = Xoshiro256(7)
    timer()
    with pytest.raises(Interrupt):
        sample_logits(logits, rng=rng, workers=workers)
    rng.random_raw()


def test_many_draws_from_one_row_are_interrupted(timer):
    timer()
    with pytest.raises(Interrupt):
        sample_logits(np.zeros(64), words=np.broadcast_to(np.uint64(5), 1 << 26))


def test_words_are_taken_in_parts(timer):
    rng = Xoshiro256(7)
    timer()
    with pytest.raises(Interrupt):
        sample_logits(np.zeros(64), size=1 << 26, rng=rng)
    assert is_word_after_a_part(rng.random_raw(), 3)


def test_draws_are_made_in_parts(timer):
    words = np.broadcast_to(np.uint64(5), 1 << 26)
    calls = []
    signal.signal(signal.SIGALRM, lambda number, frame: calls.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)  # a part takes longer
    sample_logits(np.zeros(64), words=words)
    assert len(calls) >= 4


def test_waiting_for_a_generator_is_interrupted(timer):
    rng = Xoshiro256(7)
    is_held, is_over = threading.Event(), threading.Event()
    outcomes = []

    def hold():
        with rng.lock:
            is_held.set()
            outcomes.append(is_over.wait(30))

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    timer()
    with pytest.raises(Interrupt):
        TABLE.sample(rng=rng)
    is_over.set()
    thread.join()
    assert outcomes == [True]  # the lock was not free before
