"""Tables and generators, given objects whose methods change what else the call was given."""

import sys
import sysconfig
import threading
import time
import weakref
from unittest import mock

import numpy as np
import numpy.ma  # softdraw asks of which class an argument is only where this has been imported
import pytest
from numpy.random import PCG64, BitGenerator, Generator
from numpy.random.bit_generator import ISeedSequence
from processes import run
from threads import repeated

from softdraw import AliasTable, AliasTables, Xoshiro256

LONG = 100_000
TABLE = AliasTable(np.arange(1, 101))
TABLES = AliasTables(np.ones(300), [0, 100, 200, 300])


def shrink(array):
    array.resize(1, refcheck=False)


class Hostile:
    """An argument that shrinks an array when it is converted, and then is the value."""

    def __init__(self, victim, value):
        self.victim = victim
        self.value = value

    def __array__(self, *arguments, **named):
        shrink(self.victim)
        return np.array(self.value)

    def __index__(self):
        shrink(self.victim)
        return self.value


class HostileSeeds(ISeedSequence):
    def __init__(self, victim):
        self.victim = victim

    def generate_state(self, n_words, dtype=np.uint32):
        shrink(self.victim)
        return np.arange(n_words, dtype=dtype)


class HostileArray(np.ndarray):
    """An array that shrinks another whenever Python code can see that it is used."""

    victim = None

    @property
    def __class__(self):
        if self.victim is not None:
            shrink(self.victim)
        return HostileArray

    def __array_function__(self, *arguments, **named):
        shrink(self.victim)
        return super().__array_function__(*arguments, **named)

    def __array_finalize__(self, parent):
        if self.victim is not None:
            shrink(self.victim)


def hostile_out(victim, shape):
    out = np.zeros(shape, np.int64).view(HostileArray)
    out.victim = victim
    return out


# ---- one thread --------------------------------------------------------------------------------


def test_weights_and_logits_may_shrink_while_another_argument_is_converted():
    ends = [0, LONG // 2, LONG]
    text = "it must be 1, the number of {}$"
    weights = np.ones(LONG)
    with pytest.raises(ValueError, match=text.format("weights")):
        AliasTables(weights, Hostile(weights, ends))
    for make in (
        lambda logits: AliasTables.from_logits(logits, Hostile(logits, ends)),
        lambda logits: AliasTables.from_logits(logits, ends, temperature=Hostile(logits, 1.0)),
    ):
        with pytest.raises(ValueError, match=text.format("logits")):
            make(np.ones(LONG))


def test_temperatures_may_shrink_while_indptr_is_converted():
    temperatures = np.ones(LONG)
    indptr = Hostile(temperatures, np.arange(LONG + 1))
    tables = AliasTables.from_logits(np.ones(LONG), indptr, temperature=temperatures)
    assert tables.probabilities().tolist() == [1] * LONG


def test_weights_that_shrink_after_their_rows_were_checked_are_refused(monkeypatch):
    """Converting them to float32 calls Python code of NumPy, and so may wait for another thread."""
    weights = np.ones(LONG, np.float16)

    class Errstate(np.errstate):
        def __enter__(self):
            shrink(weights)
            return super().__enter__()

    monkeypatch.setattr(np, "errstate", Errstate)
    for make in (AliasTables, AliasTables.from_logits):
        weights.resize(LONG, refcheck=False)
        with pytest.raises(ValueError, match="^an array changed its length while it was read$"):
            make(weights, [0, 50_000, LONG])


def test_out_may_shrink_while_size_or_rng_is_converted():
    out = np.zeros(LONG, np.int64)
    with pytest.raises(ValueError, match=r"but out has shape \(1,\)$"):
        TABLE.sample(Hostile(out, LONG), out=out)
    out = np.zeros(LONG, np.int64)
    assert TABLE.sample(rng=HostileSeeds(out), out=out).shape == (1,)
    out = np.zeros((LONG, 3), np.int64)
    with pytest.raises(ValueError, match=r"out has shape \(1,\)$"):
        TABLES.sample(np.zeros(LONG, np.int64), rng=HostileSeeds(out), out=out)


def test_rows_may_shrink_while_size_or_rng_is_converted():
    rows = np.zeros(LONG, np.int64)
    assert TABLES.sample(rows, size=Hostile(rows, 3)).shape == (1, 3)
    rows = np.zeros(LONG, np.int64)
    assert TABLES.sample(rows, rng=HostileSeeds(rows)).shape == (1,)


def test_words_and_rows_may_shrink_while_out_is_looked_at():
    words = np.zeros(LONG, np.uint64)
    with pytest.raises(ValueError, match=r"^words has shape \(1,\), but out has shape"):
        TABLE.map(words, out=hostile_out(words, LONG))
    rows = np.zeros(LONG, np.int64)
    with pytest.raises(ValueError, match=r"^rows has shape \(1,\), but out has shape"):
        TABLES.map(rows, np.zeros((LONG, 2), np.uint64), out=hostile_out(rows, (LONG, 2)))
    rows = np.zeros(LONG, np.int64)
    with pytest.raises(ValueError, match=r"^rows has shape \(1,\), but out has shape"):
        TABLES.sample(rows, out=hostile_out(rows, LONG))


def test_rows_may_shrink_while_words_are_converted():
    rows = np.zeros(LONG, np.int64)
    with pytest.raises(ValueError, match=r"^rows has shape \(1,\), but words has shape"):
        TABLES.map(rows, Hostile(rows, np.zeros(LONG, np.uint64)))


# ---- several threads ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Xoshiro256, PCG64])
def test_arrays_may_shrink_while_a_call_waits_for_the_generator(kind):
    rng = kind(7)
    out, rows, row_out = (
        np.zeros(LONG, np.int64),
        np.zeros(LONG, np.int64),
        np.zeros(LONG, np.int64),
    )
    results = []

    def draw_rows():
        with pytest.raises(ValueError, match=r"^rows has shape \(1,\), but out has shape"):
            TABLES.sample(rows, rng=rng, out=row_out)
        results.append("refused")

    threads = [
        threading.Thread(target=lambda: results.append(TABLE.sample(rng=rng, out=out).size)),
        threading.Thread(target=draw_rows),
    ]
    with rng.lock:
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        shrink(out)
        shrink(rows)
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [1, "refused"]


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="without a GIL NumPy, too, reads memory that was freed",
)
def test_weights_that_another_thread_resizes_are_taken_or_refused():
    weights = np.ones(5000, np.int32)

    def change():
        shrink(weights)
        weights.resize(5000, refcheck=False)

    with repeated(change):
        for _ in range(300):
            try:
                tables = AliasTables(weights, [0, 2500, 5000])
            except (ValueError, IndexError):
                continue
            assert tables.units().size == 5000


# ---- things that are not what they say ---------------------------------------------------------


class Lying(np.ndarray):
    """An array that claims another shape and dtype."""

    shape = (10**6,)
    dtype = np.dtype(np.int64)


def test_out_of_tables_is_what_its_memory_is_and_not_what_it_says():
    out = np.zeros(3, np.int16).view(Lying)
    assert TABLES.sample([0, 1, 2], out=out) is out
    assert TABLES.map([0, 1, 2], np.zeros(3, np.uint64), out=out) is out
    assert np.ndarray.tolist(out) == TABLES.map([0, 1, 2], [0, 0, 0]).tolist()
    for fake in (weakref.proxy(np.zeros(3, np.int64).view(Lying)), mock.Mock(spec=np.ndarray)):
        for call in (
            lambda fake: TABLES.sample([0, 1, 2], out=fake),
            lambda fake: TABLES.map([0, 1, 2], [1, 2, 3], out=fake),
            lambda fake: TABLE.map([1, 2, 3], out=fake),
        ):
            with pytest.raises(TypeError, match="^out must be a NumPy array, got "):
                call(fake)


def test_fake_and_unfinished_generators_are_refused():
    class Own(Xoshiro256):
        pass

    own = Own(7)
    unfinished = [kind.__new__(kind) for kind in (Xoshiro256, Own, PCG64)]
    fakes = [mock.Mock(spec=kind) for kind in (Xoshiro256, BitGenerator, Generator)]
    for rng in (*unfinished, *fakes, weakref.proxy(own)):
        for call in (
            lambda rng: TABLE.sample(rng=rng),
            lambda rng: TABLE.sample(3, rng=rng),
            lambda rng: TABLE.sampler(rng),
            lambda rng: TABLES.sample([0, 1], rng=rng),
        ):
            with pytest.raises(TypeError):
                call(rng)


def test_a_seed_is_the_list_that_was_checked():
    class Twice(list):
        asked = 0

        def __iter__(self):
            self.asked += 1
            return iter([1, 2] if self.asked == 1 else [True, -1])

    assert TABLE.sample(5, rng=Twice([3])).tolist() == TABLE.sample(5, rng=[1, 2]).tolist()


def unaligned(values):
    """A copy of an array at an odd address."""
    values = np.asarray(values)
    array = np.empty(values.nbytes + 1, np.uint8)[1:].view(values.dtype).reshape(values.shape)
    array[...] = values
    assert not array.flags.aligned
    return array


@pytest.mark.parametrize(
    "dtype", [np.float64, np.float32, np.float16, np.int64, np.uint64, np.int32]
)
def test_unaligned_arrays_are_as_good_as_aligned_ones(dtype):
    weights, indptr = np.arange(1, 31).astype(dtype), np.array([0, 10, 30])
    words, rows = Xoshiro256(7).random_raw(20), np.arange(20) % 2
    table, tables = AliasTable(weights), AliasTables(weights, indptr)
    assert AliasTable(unaligned(weights)) == table
    assert AliasTables(unaligned(weights), unaligned(indptr)) == tables
    logits, temperatures = weights.astype(float), np.array([1.0, 2.0])
    assert AliasTable.from_logits(unaligned(logits)) == AliasTable.from_logits(logits)
    assert AliasTables.from_logits(
        unaligned(logits), unaligned(indptr), temperature=unaligned(temperatures)
    ) == AliasTables.from_logits(logits, indptr, temperature=temperatures)
    assert (table.map(unaligned(words)) == table.map(words)).all()
    drawn = tables.map(rows, words)
    assert (tables.map(unaligned(rows), unaligned(words)) == drawn).all()
    out = unaligned(np.zeros(20, np.int32))
    assert (tables.map(rows, words, out=out) == drawn).all()
    assert (tables.sample(unaligned(rows), rng=7, out=out) == tables.sample(rows, rng=7)).all()
    assert (table.sample(rng=7, out=out) == table.sample(20, rng=7)).all()


@pytest.mark.parametrize("kind", ["Q", "q"])
def test_words_may_have_as_many_dimensions_as_numpy_takes(kind):
    shape = [1] * (64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32)
    assert TABLE.map(memoryview(bytes(8)).cast(kind, shape)).shape == tuple(shape)
    with pytest.raises(TypeError, match="^words must be uint64, got dtype float64$"):
        TABLE.map(memoryview(bytes(8)).cast("d", shape))


# ---- no memory ---------------------------------------------------------------------------------

WITHOUT_MEMORY = """
import pickle
import _testcapi, numpy as np
from softdraw import AliasTable, AliasTables, Xoshiro256

table, tables = AliasTable([1, 2, 3]), AliasTables([1, 2, 3], [0, 1, 3])
rng, out = Xoshiro256(7), np.zeros(6, np.int32)
draw, state = table.sampler(rng), rng.state
pickles = [pickle.dumps(each) for each in (table, tables, rng)]
calls = [
    lambda: AliasTable([1, 2, 3]),
    lambda: AliasTable.from_logits([1.0, 2.0]),
    lambda: AliasTables(np.ones(3), [0, 1, 3]),
    lambda: AliasTables.from_logits([1, 2, 3], [0, 1, 3], temperature=[1, 2]),
    lambda: (table.sample(), table.sample(3, rng=rng), table.sample(rng=rng, out=out[::2])),
    lambda: (table.map(3), table.map([1, 2, 2**63])),
    lambda: (tables.sample(0), tables.sample([0, 1], 3, rng=rng), tables.map([0, 1], [1, 2])),
    lambda: (table.units(), table.probabilities(), tables.units(), tables.probabilities()),
    lambda: (table.buckets, table == table, hash(table), repr(table), tables == tables),
    lambda: (tables[0], tables[::2], list(tables), tables.nonempty, tables.indptr, tables.records),
    lambda: (table.sampler(rng), draw(), draw(300), repr(draw)),
    lambda: (rng.state, setattr(rng, "state", state)),
    lambda: [pickle.dumps(each) for each in (table, tables, rng)],
    lambda: [pickle.loads(each) for each in pickles[:2]],
]
seeding = [  # in which NumPy itself crashes if no allocation succeeds any more
    lambda: (table.sample(5, rng=7), rng.jumped(), rng.spawn(2), Xoshiro256([1, 2])),
    lambda: pickle.loads(pickles[2]),
]
for most, calls in ((1, calls + seeding), (10**6, calls)):
    for call in calls:
        call()
        failures = 0
        for first in range(200):
            try:
                _testcapi.set_nomemory(first, first + most)
                try:
                    call()
                finally:
                    _testcapi.remove_mem_hooks()
            except Exception:  # most often a MemoryError, but NumPy makes other errors of some
                failures += 1
        assert failures
        call()
print(table.sample(5, rng=7).tolist(), tables == pickle.loads(pickles[1]))
"""


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="NumPy itself crashes, in array.any()"
)
@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="CPython crashes, in PyTraceBack_Here, called by Cython"
)
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="free-threaded CPython has no allocator but its own",
)
def test_allocations_that_fail_leave_everything_sound():
    pytest.importorskip("_testcapi")
    allocator = {"PYTHONMALLOC": "malloc_debug"}
    done = run([sys.executable, "-c", WITHOUT_MEMORY], environment=allocator)
    assert done.stdout == f"{AliasTable([1, 2, 3]).sample(5, rng=7).tolist()} True\n"
