"""Threads change nothing but the time: results, draws, generators and errors are those of one."""

import concurrent.futures
import contextvars
import hashlib
import re
import signal
import sys
import threading

import numpy as np
import pytest
from floats import bfloat16
from processes import in_child, needs_fork, run

from softdraw import (
    AliasTable,
    AliasTables,
    Xoshiro256,
    entropy,
    get_workers,
    log_softmax,
    logsumexp,
    sample_logits,
    set_workers,
    softmax,
    softmax_vjp,
)

COUNTS = [2, 3, 7]
FAMILY = [softmax, log_softmax, logsumexp, entropy]
RANDOM = np.random.default_rng(7)
LOGITS = RANDOM.normal(0, 3, (40, 20_000)).astype(np.float32)  # enough for threads
WEIGHTS = RANDOM.random(1000)
TABLE = AliasTable(WEIGHTS)
TABLES = AliasTables(WEIGHTS, [0, 1, 1, 100, 600, 1000])
DRAWS = 300_001  # enough for threads, and no whole number of blocks


def bits(result):
    """A digest of the bits, because pytest takes minutes to show where long bytes differ."""
    return hashlib.sha256(np.ascontiguousarray(result)).hexdigest()


# ---- the argument and its default --------------------------------------------------------------

CALLS = {
    "softmax": lambda **workers: softmax([1.0, 2.0], **workers),
    "log_softmax": lambda **workers: log_softmax([1.0, 2.0], **workers),
    "logsumexp": lambda **workers: logsumexp([1.0, 2.0], **workers),
    "entropy": lambda **workers: entropy([1.0, 2.0], **workers),
    "softmax_vjp": lambda **workers: softmax_vjp([0.5, 0.5], [1.0, 2.0], **workers),
    "sample_logits": lambda **workers: sample_logits([1.0, 2.0], rng=7, **workers),
    "AliasTable.sample": lambda **workers: TABLE.sample(3, rng=7, **workers),
    "AliasTable.sample of one": lambda **workers: TABLE.sample(rng=7, **workers),
    "AliasTable.map": lambda **workers: TABLE.map([1, 2], **workers),
    "AliasTables.sample": lambda **workers: TABLES.sample([0, 2], rng=7, **workers),
    "AliasTables": lambda **workers: AliasTables([1, 2], [0, 2], **workers).buckets,
    "AliasTables.from_logits": lambda **workers: (
        AliasTables.from_logits([1, 2], [0, 2], **workers).buckets
    ),
    "AliasTables.map": lambda **workers: TABLES.map([0, 2], [1, 2], **workers),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
class TestArgument:
    @pytest.mark.parametrize("workers", [1, 2, np.int8(3), -1, 10**30, None])
    def test_a_number_is_taken_by_small_calls_too(self, call, workers):
        assert bits(call(workers=workers)) == bits(call())

    @pytest.mark.parametrize("workers", [0, -2, -(10**30)])
    def test_zero_and_less_than_minus_one_are_errors(self, call, workers):
        message = f"workers must be at least 1, or -1 for all CPUs, got {workers}"
        with pytest.raises(ValueError, match=re.escape(message)):
            call(workers=workers)

    @pytest.mark.parametrize("workers", [2.0, "2", True, [2], np.float32(1), np.array([2])])
    def test_what_is_no_integer_is_an_error(self, call, workers):
        message = f"workers must be an integer or None, got {type(workers).__name__}"
        with pytest.raises(TypeError, match=re.escape(message)):
            call(workers=workers)


def test_the_default_is_one():
    assert get_workers() == 1


def test_set_workers_nests_and_ends():
    with set_workers(3):
        assert get_workers() == 3
        with set_workers(5):
            assert get_workers() == 5
        assert get_workers() == 3
        with pytest.raises(KeyError), set_workers(2):
            raise KeyError
        assert get_workers() == 3
    assert get_workers() == 1


def test_minus_one_is_every_cpu_of_the_process():
    with set_workers(-1):
        assert get_workers() >= 1


@pytest.mark.parametrize("workers", [0, -2])
def test_set_workers_refuses_numbers_at_once(workers):
    with pytest.raises(ValueError, match="workers must be at least 1"):
        set_workers(workers)


@pytest.mark.parametrize("workers", [None, 2.0, True])
def test_set_workers_refuses_other_types_at_once(workers):
    got = type(workers).__name__
    with pytest.raises(TypeError, match=f"^workers must be an integer, got {got}$"):
        set_workers(workers)


def test_the_number_belongs_to_the_context():
    with set_workers(3):
        assert contextvars.Context().run(get_workers) == 1
        assert contextvars.copy_context().run(get_workers) == 3


def test_an_array_of_another_library_takes_no_workers():
    array = pytest.importorskip("dask.array").from_array(np.ones((4, 4)), chunks=2)
    with pytest.raises(TypeError, match="workers must be None for an array of another library"):
        softmax(array, axis=0, workers=2)


# ---- the softmax family ------------------------------------------------------------------------


@pytest.mark.parametrize("workers", COUNTS)
@pytest.mark.parametrize("function", FAMILY)
class TestFamily:
    @pytest.mark.parametrize("dtype", [np.float16, bfloat16, np.float32, np.float64, np.int32])
    def test_dtypes(self, function, workers, dtype):
        x = LOGITS.astype(dtype)
        assert bits(function(x, workers=workers)) == bits(function(x))

    @pytest.mark.parametrize("shape", [(2, 400_000), (50_000, 16), (800_000, 1), (1, 800_000)])
    def test_shapes(self, function, workers, shape):
        x = LOGITS.reshape(shape)
        assert bits(function(x, workers=workers)) == bits(function(x))

    @pytest.mark.parametrize("temperature", [0.0, 0.7, np.inf, RANDOM.random(40)])
    def test_temperatures(self, function, workers, temperature):
        expected = function(LOGITS, temperature=temperature)
        assert bits(function(LOGITS, temperature=temperature, workers=workers)) == bits(expected)

    @pytest.mark.parametrize("axis", [0, 1, 2, (0, 2), (0, 1), None])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_axes_and_layouts(self, function, workers, axis, order):
        x = np.asarray(LOGITS.reshape(40, 500, 40), order=order)
        assert bits(function(x, axis=axis, workers=workers)) == bits(function(x, axis=axis))

    def test_views(self, function, workers):
        for x in (LOGITS[:, ::-1], LOGITS[::-1], LOGITS.T, LOGITS[:, 1:], LOGITS.astype(">f4")):
            for axis in (0, 1):
                expected = function(x, axis=axis)
                assert bits(function(x, axis=axis, workers=workers)) == bits(expected)

    def test_into_out(self, function, workers):
        for axis in (0, 1):
            expected = function(LOGITS, axis=axis)
            out = np.empty_like(expected)
            assert function(LOGITS, axis=axis, out=out, workers=workers) is out
            assert bits(out) == bits(expected)

    def test_the_default_in_force_counts(self, function, workers):
        with set_workers(workers):
            result = function(LOGITS)
        assert bits(result) == bits(function(LOGITS))

    def test_a_wrong_temperature_leaves_out_as_it_was(self, function, workers):
        temperature = np.ones(40)
        temperature[39] = np.nan
        out = np.full_like(function(LOGITS), 5)
        with pytest.raises(ValueError, match=re.escape("temperature[39] must be >= 0, got nan")):
            function(LOGITS, temperature=temperature, out=out, workers=workers)
        assert (out == 5).all()


@pytest.mark.parametrize("workers", COUNTS)
@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("order", ["C", "F"])
def test_softmax_vjp(workers, axis, order):
    g = np.asarray(LOGITS, order=order)
    p = softmax(LOGITS, axis=axis)
    expected = softmax_vjp(p, g, axis=axis)
    assert bits(softmax_vjp(p, g, axis=axis, workers=workers)) == bits(expected)


@pytest.mark.parametrize("workers", COUNTS)
def test_a_temperature_of_zero_is_found_in_any_slab_of_softmax_vjp(workers):
    temperature = np.ones(40)
    temperature[30] = 0
    out = np.full_like(LOGITS, 5)
    with pytest.raises(ValueError, match=re.escape("temperature[30] must be > 0, got 0.0")):
        softmax_vjp(LOGITS, LOGITS, temperature=temperature, out=out, workers=workers)
    assert (out == 5).all()


@pytest.mark.parametrize("workers", COUNTS)
@pytest.mark.parametrize("axis", [0, 1])
def test_in_place(workers, axis):
    x = LOGITS.copy()
    softmax(x, axis=axis, out=x, workers=workers)
    assert bits(x) == bits(softmax(LOGITS, axis=axis))


@pytest.mark.parametrize("workers", COUNTS)
@pytest.mark.parametrize("axis", [0, 1])
def test_an_overlapping_out(workers, axis):
    memory = np.resize(LOGITS, (41, 20_000))
    expected = softmax(memory[:-1], axis=axis)
    softmax(memory[:-1], axis=axis, out=memory[1:], workers=workers)
    assert bits(memory[1:]) == bits(expected)


# ---- draws -------------------------------------------------------------------------------------


def drawn(draw, taken=0):
    """The bits of draw(rng), and the state in which it leaves the generator."""
    rng = Xoshiro256(7)
    np.random.Generator(rng).integers(0, 2**32, dtype=np.uint32)  # leaves a half word
    rng.random_raw(taken)
    return bits(draw(rng)), str(rng.state)


@pytest.mark.parametrize("workers", COUNTS)
class TestDraws:
    @pytest.mark.parametrize("taken", [0, 3, 7, 8])
    @pytest.mark.parametrize("size", [DRAWS, 2**19, (3, 100_000), (1 << 24) + 200_003])
    def test_words_and_states(self, workers, taken, size):
        expected = drawn(lambda rng: TABLE.sample(size, rng=rng), taken)
        assert drawn(lambda rng: TABLE.sample(size, rng=rng, workers=workers), taken) == expected

    @pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32, np.int16, ">i4"])
    def test_out(self, workers, dtype):
        out, expected = np.empty(DRAWS, dtype), np.empty(DRAWS, dtype)
        TABLE.sample(out=expected, rng=7)
        assert TABLE.sample(out=out, rng=7, workers=workers) is out
        assert bits(out) == bits(expected)

    def test_out_that_is_not_contiguous(self, workers):
        out = np.empty((2, DRAWS), np.int32)
        TABLE.sample(out=out[:, ::2], rng=7, workers=workers)
        expected = TABLE.sample((2, DRAWS // 2 + 1), rng=7)
        assert out[:, ::2].tolist() == expected.tolist()

    def test_numpy_generators(self, workers):
        for kind in (np.random.PCG64, np.random.MT19937):
            one, many = kind(7), kind(7)
            expected = TABLE.sample(DRAWS, rng=one)
            assert bits(TABLE.sample(DRAWS, rng=many, workers=workers)) == bits(expected)
            assert one.random_raw() == many.random_raw()

    def test_map(self, workers):
        words = Xoshiro256(7).random_raw(DRAWS)
        assert bits(TABLE.map(words, workers=workers)) == bits(TABLE.map(words))

    def test_rows(self, workers):
        rows = np.resize([0, 2, 4, 3], DRAWS)
        expected = drawn(lambda rng: TABLES.sample(rows, rng=rng))
        assert drawn(lambda rng: TABLES.sample(rows, rng=rng, workers=workers)) == expected
        size = 200_003
        expected = drawn(lambda rng: TABLES.sample([3, 4], size, rng=rng))
        many = drawn(lambda rng: TABLES.sample([3, 4], size, rng=rng, workers=workers))
        assert many == expected

    def test_rows_of_words(self, workers):
        rows = np.resize([0, 2, 4, 3], DRAWS)
        words = Xoshiro256(7).random_raw(DRAWS)
        assert bits(TABLES.map(rows, words, workers=workers)) == bits(TABLES.map(rows, words))

    def test_skipped_rows(self, workers):
        rows = np.resize([0, 1, 2], DRAWS)
        expected = TABLES.sample(rows, rng=7, invalid="skip")
        many = TABLES.sample(rows, rng=7, invalid="skip", workers=workers)
        assert bits(many) == bits(expected)

    @pytest.mark.parametrize("first", [0, 5000, 150_000, DRAWS - 1])
    @pytest.mark.parametrize(("row", "error"), [(5, IndexError), (1, ValueError)])
    def test_the_first_wrong_row_is_named(self, workers, first, row, error):
        rows = np.full(DRAWS, 2)
        rows[first] = row
        rows[first + 90_000 :] = 5 if row == 1 else 1
        message = f"rows[{first}] is 5" if row == 5 else "row 1 is empty"
        one, many = Xoshiro256(7), Xoshiro256(7)
        with pytest.raises(error, match=re.escape(message)):
            TABLES.sample(rows, rng=one)
        with pytest.raises(error, match=re.escape(message)):
            TABLES.sample(rows, rng=many, workers=workers)
        assert str(one.state) == str(many.state)


# ---- building tables ---------------------------------------------------------------------------


@pytest.mark.parametrize("workers", COUNTS)
class TestBuilds:
    LENGTHS = RANDOM.integers(0, 20, 20_000)
    INDPTR = np.append(0, np.cumsum(LENGTHS))
    ITEMS = RANDOM.random(INDPTR[-1])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
    def test_tables(self, workers, dtype):
        weights = (self.ITEMS * 3).astype(dtype)  # some rows of integers are zeros, and leave gaps
        one = AliasTables(weights, self.INDPTR)
        many = AliasTables(weights, self.INDPTR, workers=workers)
        assert many == one
        assert bits(many.buckets) == bits(one.buckets)
        assert bits(many.records) == bits(one.records)

    def test_rows_that_differ_much(self, workers):
        indptr = [0, 0, 0, 100_000, 100_001, 100_001, 180_000, len(self.ITEMS)]
        assert AliasTables(self.ITEMS, indptr, workers=workers) == AliasTables(self.ITEMS, indptr)

    def test_many_rows_of_few_weights(self, workers):
        weights, indptr = np.ones(500), np.r_[np.zeros(9500, int), np.arange(501)]
        assert AliasTables(weights, indptr, workers=workers) == AliasTables(weights, indptr)
        assert AliasTables.from_logits(weights, indptr, workers=workers) == (
            AliasTables.from_logits(weights, indptr)
        )

    @pytest.mark.parametrize("temperature", [0.3, 0.0, RANDOM.random(20_000)])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_tables_of_logits(self, workers, temperature, dtype):
        logits = self.ITEMS.astype(dtype)
        logits[: self.INDPTR[200]] = -np.inf
        one = AliasTables.from_logits(logits, self.INDPTR, temperature=temperature)
        many = AliasTables.from_logits(
            logits, self.INDPTR, temperature=temperature, workers=workers
        )
        assert many == one

    @pytest.mark.parametrize("first", [0, 50_000, 150_000])
    def test_the_first_wrong_item_is_named(self, workers, first):
        items = self.ITEMS.copy()
        items[first] = np.nan
        items[first + 1000 :: 10_000] = np.inf
        with pytest.raises(ValueError, match=re.escape(f"weights[{first}] is nan")):
            AliasTables(items, self.INDPTR, workers=workers)
        with pytest.raises(ValueError, match=re.escape(f"logits[{first}] is nan")):
            AliasTables.from_logits(items, self.INDPTR, workers=workers)


# ---- draws from logits -------------------------------------------------------------------------


@pytest.mark.parametrize("workers", COUNTS)
class TestSampleLogits:
    @pytest.mark.parametrize(
        "filters",
        [
            {},
            {"top_k": 40},
            {"top_p": 0.9},
            {"min_p": RANDOM.random(40)},
            {"mask": RANDOM.random(LOGITS.shape) < 0.5, "top_k": 10, "top_p": 0.8},
            {"temperature": RANDOM.random(40), "size": (2, 3)},
        ],
    )
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_filters(self, workers, filters, dtype):
        x = LOGITS.astype(dtype)
        expected = sample_logits(x, rng=7, return_logprobs=True, **filters)
        result = sample_logits(x, rng=7, return_logprobs=True, workers=workers, **filters)
        assert [*map(bits, result)] == [*map(bits, expected)]

    def test_states(self, workers):
        x = LOGITS.reshape(-1, 20)
        expected = drawn(lambda rng: sample_logits(x, rng=rng))
        assert drawn(lambda rng: sample_logits(x, rng=rng, workers=workers)) == expected

    def test_skipped_rows(self, workers):
        x = LOGITS.copy()
        x[::3, 5] = np.nan
        x[4] = -np.inf
        expected = sample_logits(x, rng=7, top_k=5, size=2, invalid="skip", return_logprobs=True)
        assert (expected[0][::3] == -1).all()
        result = sample_logits(
            x, rng=7, top_k=5, size=2, invalid="skip", return_logprobs=True, workers=workers
        )
        assert [*map(bits, result)] == [*map(bits, expected)]

    @pytest.mark.parametrize("first", [0, 17, 39])
    def test_the_first_wrong_row_is_named(self, workers, first):
        x = LOGITS.copy()
        x[first:, 3] = np.nan
        with pytest.raises(ValueError, match=re.escape(f"logits[{first}, 3] is nan")):
            sample_logits(x, rng=7, workers=workers)
        x[first:] = -np.inf
        with pytest.raises(ValueError, match=f"row {first} of logits has nothing to draw from"):
            sample_logits(x, rng=7, workers=workers)


# ---- the pool ----------------------------------------------------------------------------------


def test_threads_that_call_share_the_pool():
    expected = bits(softmax(LOGITS)), bits(TABLE.sample(DRAWS, rng=7))

    def call(workers):
        return bits(softmax(LOGITS, workers=workers)), bits(
            TABLE.sample(DRAWS, rng=7, workers=workers)
        )

    with concurrent.futures.ThreadPoolExecutor(8) as executor:
        results = [*executor.map(call, [2, 3, 7, 1] * 16)]
    assert results == [expected] * 64


def thread_count():
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[17])


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
START = "import sys, numpy as np, softdraw\nx = np.ones((64, 20_000), np.float32)\n"


@needs_linux
def test_import_and_one_worker_start_no_threads():
    code = (
        "from test_workers import thread_count\n"
        "softdraw.softmax(x)\n"
        "softdraw.softmax(x, workers=1)\n"
        "softdraw.softmax(x[:2], workers=4)\n"
        "print(thread_count())\n"
        "softdraw.softmax(x, workers=4)\n"
        "softdraw.softmax(x, workers=3)\n"
        "print(thread_count())\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = run([sys.executable, "-c", START + code], environment=environment)
    before, after = map(int, done.stdout.split())
    assert after == before + 3


@needs_fork
def test_a_forked_child_has_threads_of_its_own():
    expected = softmax(LOGITS, workers=3)
    assert in_child(lambda: bits(softmax(LOGITS, workers=3)) == bits(expected))
    assert in_child(lambda: in_child(lambda: bits(softmax(LOGITS, workers=2)) == bits(expected)))
    assert bits(softmax(LOGITS, workers=3)) == bits(expected)


@needs_linux
def test_a_forked_child_starts_its_own_threads_and_ends_with_them():
    code = (
        "from test_workers import thread_count\n"
        "import os\n"
        "softdraw.softmax(x, workers=4)\n"
        "child = os.fork()\n"
        "if child:\n"
        "    sys.exit(os.waitpid(child, 0)[1])\n"
        "softdraw.softmax(x, workers=3)\n"
        "print(thread_count())\n"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = run([sys.executable, "-W", "ignore", "-c", START + code], environment=environment)
    assert done.stdout == "3\n"


@needs_fork
def test_a_child_forked_while_other_threads_share_the_pool():
    expected = bits(softmax(LOGITS))
    is_over = threading.Event()

    def call():
        while not is_over.is_set():
            softmax(LOGITS, workers=3)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert in_child(lambda: bits(softmax(LOGITS, workers=3)) == expected)
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    "ending", ["pass", "sys.exit(0)", "1 / 0", "import os; os._exit(0)"], ids=str.split
)
def test_the_process_ends_while_daemon_threads_compute(ending):
    code = (
        "import threading, time\n"
        "def call():\n"
        "    while True:\n"
        "        softdraw.softmax(x, workers=3)\n"
        "for _ in range(3):\n"
        "    threading.Thread(target=call, daemon=True).start()\n"
        "time.sleep(0.2)\n"
    )
    status = 1 if "/" in ending else 0
    run([sys.executable, "-c", START + code + ending], status=status, timeout=60)


def test_calls_at_exit_run_in_the_calling_thread():
    """What is registered before softdraw is imported runs after the pool has ended."""
    code = (
        "import atexit\n"
        "def call():\n"
        "    import softdraw, numpy as np\n"
        "    x = np.ones((64, 20_000), np.float32)\n"
        "    print(softdraw.softmax(x, workers=3).tobytes() == softdraw.softmax(x).tobytes())\n"
        "atexit.register(call)\n"
    )
    done = run([sys.executable, "-c", code + START + "softdraw.softmax(x, workers=3)"])
    assert done.stdout == "True\n"


def test_threads_have_enough_stack_where_python_asks_for_little():
    code = (
        START + "import threading\n"
        "threading.stack_size(56 << 10)\n"
        "weights = np.random.default_rng(7).random(2_000_000)\n"
        "ends = np.arange(0, 2_000_001, 100_000)\n"
        "build = softdraw.AliasTables\n"
        "print(build(weights, ends, workers=8) == build(weights, ends))\n"
        "print(threading.stack_size())\n"
    )
    assert run([sys.executable, "-c", code]).stdout == "True\n57344\n"


@needs_linux
def test_where_threads_cannot_be_started_the_caller_computes():
    code = (
        START + "import threading\n"
        "threading.stack_size(1 << 47)\n"
        "print((softdraw.softmax(x, workers=3) == softdraw.softmax(x)).all())\n"
        "try:\n"
        "    threading.Thread(target=print).start()\n"
        "except RuntimeError:\n"
        "    print('no thread')\n"
    )
    assert run([sys.executable, "-c", code]).stdout == "True\nno thread\n"


def test_no_more_threads_than_asked_for_share_the_scratch_of_a_call():
    """The pool has more threads, which look for work when a call before has just ended."""
    rng = np.random.default_rng(7)
    short = rng.normal(size=(200, 2_000)).astype(np.float32)
    long = rng.normal(size=(8, 720_000)).astype(
        np.float32
    )  # its scratch is not kept for the next call
    words = Xoshiro256(7).random_raw(8)
    wanted = sample_logits(long, top_k=50, words=words)
    for _ in range(30):
        sample_logits(short, top_k=50, rng=7, workers=7)
        drawn = sample_logits(long, top_k=50, words=words, workers=2)
        assert (drawn == wanted).all()


@pytest.mark.skipif(not hasattr(signal, "sigwait"), reason="needs POSIX signals")
@pytest.mark.parametrize("workers", [1, 4])
def test_a_signal_that_the_program_blocks_stays_blocked(workers):
    """It would go to a thread of the pool, and end the process."""
    code = (
        f"softdraw.softmax(x, workers={workers})\n"
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\n"
        "print(signal.sigwait([signal.SIGUSR1]) == signal.SIGUSR1)\n"
    )
    environment = {"OPENBLAS_NUM_THREADS": "1"}  # the threads of which block none
    assert run([sys.executable, "-c", START + code], environment=environment).stdout == "True\n"
