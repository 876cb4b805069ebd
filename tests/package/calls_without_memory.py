"""Every public call, while allocations fail: for test_memory_errors.py, with failing_malloc.c.

Each call is made with its n-th allocation failing, for every n, and with all from the n-th on. Its
result must be the usual one, or a MemoryError; and however often it is made, no block may stay
allocated. Prints what went wrong, and how many calls, allocations and errors there were.
"""

import copy
import ctypes
import gc
import itertools
import mmap
import os
import pickle
import sys

import numpy as np

import softdraw
from softdraw import (
    AliasTable,
    AliasTables,
    Xoshiro256,
    entropy,
    log_softmax,
    logsumexp,
    sample_logits,
    softmax,
    softmax_vjp,
    temperature_for,
)

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = np.float16

# ---- allocations -------------------------------------------------------------------------------

library = ctypes.CDLL(sys.argv[1])
asked, first_failing, end_of_failing, blocks = (
    ctypes.c_int64.in_dll(library, name)
    for name in ("asked", "first_failing", "end_of_failing", "blocks")
)
library.asker.restype = ctypes.c_char_p
NEVER = 2**60


def use_handler_for_data():
    """Make NumPy take memory for data from the library, without keeping any."""
    api = ctypes.pythonapi
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    handler = ctypes.addressof(ctypes.c_char.in_dll(library, "handler"))
    functions = api.PyCapsule_GetPointer(np._core._multiarray_umath._ARRAY_API, None)
    place = ctypes.cast(functions, ctypes.POINTER(ctypes.c_void_p))[304]
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(place)
    set_handler(api.PyCapsule_New(handler, b"mem_handler", None))
    assert np._core.multiarray.get_handler_name() == "failing"


class Errstate(np.errstate):
    """np.errstate that tells whether it is used."""

    is_used = False

    def __enter__(self):
        Errstate.is_used = True
        return super().__enter__()


# ---- what the calls are given ------------------------------------------------------------------

row = np.array([0.1, 0, 0.5, 1, 4, 0.6])
row32 = row.astype(np.float32)
long = np.resize(row32, 5000)
numbers = np.random.default_rng(1).normal(size=(6, 200))
rows = numbers.astype(np.float32)
block = np.random.default_rng(2).normal(size=(4, 300, 5))
half = rows.astype(np.float16)
brain = rows.astype(bfloat16)
strided = np.repeat(rows, 2, axis=1)[:, ::2]
swapped = rows.astype(rows.dtype.newbyteorder())
temperatures = np.linspace(0.5, 2, 6)
number = np.float64(3)
out, out32, out_half = np.zeros_like(numbers), np.zeros_like(rows), np.zeros_like(half)
out_rows = np.zeros((6, 1))
out_strided = np.zeros((6, 400), np.float32)[:, ::2]
mask = np.arange(200) % 3 > 0
bits = np.full((6, 7), 0x5555, np.int32)
bad = np.where(np.arange(6)[:, None] == 2, np.nan, numbers)
words = Xoshiro256(3).random_raw(24).reshape(6, 4)

table, tables = AliasTable(np.arange(1, 201)), AliasTables(np.arange(300), [0, 0, 1, 100, 300])
small = AliasTable([1, 2, 3])
rng, pcg = Xoshiro256(7), np.random.Generator(np.random.PCG64(7))
STATE, PCG_STATE = rng.state, pcg.bit_generator.state
draw = table.sampler(rng)
pickles = [pickle.dumps(each) for each in (table, tables, rng)]
ids16, ids64 = np.zeros((6, 4), np.int16), np.zeros(24, np.int64)
wide = np.resize(rows, (40, 20_000))  # enough for threads
many_rows = np.resize([1, 3, 2], 300_000)
many_ends = np.arange(0, 100_001, 10)
longer = np.full(10**6, -np.inf, np.float32)
longer[0] = 0
length = 1000


def draw_from_longer():
    """A draw that needs more scratch than any before."""
    global length
    length += 8
    return sample_logits(longer[:length], top_p=0.5, rng=rng)


def count_in_a_block():
    with softdraw.set_workers(3):
        return softdraw.get_workers()


def sample_in_a_new_thread():
    """Whether a draw of a thread that has no generator yet, which is random, is a category."""
    return 0 <= table.sample() < 200


def set_state():
    rng.state = STATE
    return rng.state


def hashes():
    return hash(AliasTable([1, 2])), hash(AliasTables([1, 2], [0, 1, 2]))


def held():
    with rng.lock, rng.lock:
        return rng.random_raw()


# ---- the calls ---------------------------------------------------------------------------------

CALLS = {}
for each in (softmax, log_softmax, logsumexp, entropy):
    name = each.__name__
    CALLS.update(
        {
            f"{name} of a row": lambda f=each: f(row),
            f"{name} of a float32 row": lambda f=each: f(row32, temperature=2.0),
            f"{name} of a list": lambda f=each: f([1.0, 2.0, 3.0], temperature=2),
            f"{name} of a number": lambda f=each: (f(3.0), f(number), f(np.array(2))),
            f"{name} of nothing": lambda f=each: f(np.zeros((0, 3))),
            f"{name} of a long row": lambda f=each: f(long),
            f"{name} of rows": lambda f=each: (f(numbers), f(rows, temperature=temperatures)),
            f"{name} of columns": lambda f=each: f(numbers, axis=0),
            f"{name} of the middle": lambda f=each: f(block, axis=1, temperature=0.7),
            f"{name} of several axes": lambda f=each: (f(block, axis=(0, 2)), f(block, axis=None)),
            f"{name} of strided rows": lambda f=each: f(strided),
            f"{name} of swapped rows": lambda f=each: f(swapped, axis=0),
            f"{name} of float16": lambda f=each: (f(half), f(half, axis=0)),
            f"{name} of bfloat16": lambda f=each: (f(brain), f(brain, axis=0)),
            f"{name} of integers": lambda f=each: f(np.arange(300).reshape(3, 100) % 7),
            f"{name} of lists of temperatures": lambda f=each: f(
                rows, temperature=[1, 2, 3, 4, 5, 6]
            ),
            f"{name} at a wrong temperature": lambda f=each: f(rows, temperature=-1),
            f"{name} of a wrong axis": lambda f=each: f(rows, axis=5),
            f"{name} of text": lambda f=each: f(["a"]),
        }
    )
for each in (softmax, log_softmax):
    name = each.__name__
    CALLS.update(
        {
            f"{name} into out": lambda f=each: (f(numbers, out=out), f(rows, out=out32, axis=0)),
            f"{name} into a strided out": lambda f=each: f(rows, out=out_strided),
            f"{name} of a strided array into out": lambda f=each: f(strided, out=out32),
            f"{name} of float16 into out": lambda f=each: f(half, out=out_half, axis=0),
            f"{name} into a wrong out": lambda f=each: f(rows, out=out),
        }
    )
for each in (logsumexp, entropy):
    name = each.__name__
    CALLS.update(
        {
            f"{name} with keepdims": lambda f=each: (f(numbers, keepdims=True), f(block, axis=1)),
            f"{name} into out": lambda f=each: f(numbers, keepdims=True, out=out_rows),
        }
    )
CALLS.update(
    {
        "softmax_vjp of a row": lambda: softmax_vjp(row, row),
        "softmax_vjp of lists": lambda: softmax_vjp([0.5, 0.5], [1, 2], temperature=3),
        "softmax_vjp of rows": lambda: softmax_vjp(numbers, numbers, temperature=temperatures),
        "softmax_vjp of two types": lambda: softmax_vjp(numbers, rows, axis=0),
        "softmax_vjp of float16": lambda: softmax_vjp(half, half, axis=0),
        "softmax_vjp of strided rows": lambda: softmax_vjp(strided, rows),
        "softmax_vjp of several axes": lambda: softmax_vjp(block, block, axis=(0, 2)),
        "softmax_vjp into out": lambda: softmax_vjp(numbers, numbers, out=out),
        "softmax_vjp into a strided out": lambda: softmax_vjp(rows, rows, out=out_strided),
        "softmax_vjp of two shapes": lambda: softmax_vjp(numbers, row),
        "temperature_for of a row": lambda: temperature_for(row, entropy=1.0),
        "temperature_for of a list": lambda: temperature_for([1, 2, 4], perplexity=2),
        "temperature_for of rows": lambda: temperature_for(rows, top_prob=temperatures / 4),
        "temperature_for with clip": lambda: temperature_for(half, perplexity=900, clip=True),
        "temperature_for of too much": lambda: temperature_for(numbers, entropy=99),
        "temperature_for of NaN": lambda: temperature_for(bad, entropy=1),
        "sample_logits": lambda: sample_logits(row, rng=rng),
        "sample_logits of float32": lambda: sample_logits(long, rng=rng, temperature=2),
        "sample_logits with top_k": lambda: sample_logits(long, rng=rng, top_k=50),
        "sample_logits with top_p": lambda: sample_logits(long, rng=pcg, top_p=0.9),
        "sample_logits with all": lambda: sample_logits(
            row, top_k=5, top_p=0.9, min_p=0.1, rng=rng
        ),
        "sample_logits of a longer row": draw_from_longer,
        "sample_logits of a list": lambda: sample_logits([1.0, 2.0], rng=5),
        "sample_logits of rows": lambda: sample_logits(rows, rng=rng, temperature=temperatures),
        "sample_logits of float16": lambda: sample_logits(half, rng=rng, top_k=[1, 2, 3, 4, 5, 6]),
        "sample_logits of bfloat16": lambda: sample_logits(brain, rng=rng, min_p=0.1),
        "sample_logits of strided rows": lambda: sample_logits(
            strided, rng=rng, top_p=temperatures / 3
        ),
        "sample_logits of swapped rows": lambda: sample_logits(swapped, words=words),
        "sample_logits with a mask": lambda: sample_logits(rows, mask=mask, rng=rng),
        "sample_logits with a mask of int8": lambda: sample_logits(
            rows, mask=mask.view(np.int8), rng=rng
        ),
        "sample_logits with a mask of bits": lambda: sample_logits(rows, mask=bits, rng=rng),
        "sample_logits with sizes": lambda: (
            sample_logits(row, size=(3, 4), rng=rng),
            sample_logits(rows, size=3, rng=rng),
        ),
        "sample_logits with words": lambda: sample_logits(rows, words=words, top_p=0.9),
        "sample_logits with logprobs": lambda: (
            sample_logits(row, rng=rng, return_logprobs=True),
            sample_logits(numbers, words=words, top_k=9, return_logprobs=True),
        ),
        "sample_logits with skipped rows": lambda: sample_logits(
            bad, words=words, invalid="skip", return_logprobs=True
        ),
        "sample_logits of NaN": lambda: sample_logits(bad, rng=rng),
        "sample_logits of a wrong top_k": lambda: sample_logits(row, top_k=0, rng=rng),
        "sample_logits of a wrong mask": lambda: sample_logits(row, mask=[2.0]),
        "AliasTable": lambda: (AliasTable([1, 2, 3]), AliasTable(np.arange(1.0, 200))),
        "AliasTable of other types": lambda: (
            AliasTable(np.abs(half[0])),
            AliasTable(np.arange(300)),
            AliasTable(np.ones(2000, np.float32)),
        ),
        "AliasTable of a negative weight": lambda: AliasTable([1, -2]),
        "AliasTable of zeros": lambda: AliasTable(np.zeros(3)),
        "AliasTable of two axes": lambda: AliasTable(rows),
        "AliasTable without weights": lambda: AliasTable(),
        "AliasTable.from_logits": lambda: (
            AliasTable.from_logits(row, temperature=2),
            AliasTable.from_logits([1, 2]),
        ),
        "AliasTable.from_logits of float16": lambda: AliasTable.from_logits(
            half[0], temperature=np.float32(2)
        ),
        "AliasTable.from_logits of NaN": lambda: AliasTable.from_logits([1.0, np.nan]),
        "AliasTable.sample": lambda: (
            table.sample(rng=rng),
            table.sample(300, rng=rng),
            table.sample((2, 3), rng=pcg),
        ),
        "AliasTable.sample with seeds": lambda: (
            table.sample(3, rng=5),
            table.sample(3, rng=[1, 2]),
            table.sample(rng=np.random.SeedSequence(3)),
        ),
        "AliasTable.sample with a new generator of the thread": sample_in_a_new_thread,
        "AliasTable.sample into out": lambda: (
            table.sample(rng=rng, out=ids16),
            table.sample(rng=rng, out=ids64[::2]),
        ),
        "AliasTable.sample of a wrong size": lambda: table.sample(-1, rng=rng),
        "AliasTable.sample with a wrong rng": lambda: table.sample(3, rng="seed"),
        "AliasTable.map": lambda: (table.map(3), table.map([1, 2, 2**63]), table.map(words)),
        "AliasTable.map into out": lambda: table.map(words, out=ids16),
        "AliasTable.map in place": lambda: table.map(
            words.copy().view(np.int64).view(np.uint64)[::-1]
        ),
        "AliasTable.map of a wrong word": lambda: table.map(-1),
        "AliasTable.units": lambda: (
            table.units(),
            table.probabilities(),
            small.probabilities(),
            AliasTable([0, 1]).probabilities(),
        ),
        "attributes of AliasTable": lambda: (
            table.buckets,
            table.bits,
            table.nbytes,
            len(table),
            repr(table),
            table == table,
            table == small,
        ),
        "hashes": hashes,
        "copies": lambda: [copy.copy(each) for each in (table, tables)] + [copy.deepcopy(table)],
        "a copy of Xoshiro256": lambda: copy.copy(rng).state,
        "pickle.dumps": lambda: [pickle.dumps(each) for each in (table, tables, rng)],
        "pickle.loads of AliasTable": lambda: pickle.loads(pickles[0]),
        "pickle.loads of AliasTables": lambda: pickle.loads(pickles[1]),
        "pickle.loads of Xoshiro256": lambda: pickle.loads(pickles[2]).state,
        "pickle.loads of a damaged pickle": lambda: pickle.loads(
            pickles[0].replace(b"\0\0", b"\1\0", 1)
        ),
        "AliasTable.sampler": lambda: table.sampler(rng)(),
        "AliasTable.sampler with a seed": lambda: table.sampler(5)(3),
        "a sampler": lambda: (draw() < 200, draw(300).max() < 200, repr(draw)),
        "AliasTables": lambda: (
            AliasTables(np.ones(3), [0, 1, 3]),
            AliasTables([1, 2], np.array([0, 2], np.int32)),
        ),
        "AliasTables of rows that fall": lambda: AliasTables(np.ones(3), [0, 2, 1, 3]),
        "AliasTables of a negative weight": lambda: AliasTables([1.0, -1.0], [0, 1, 2]),
        "AliasTables.from_logits": lambda: AliasTables.from_logits(
            [1, 2, 3], [0, 1, 3], temperature=[1, 2]
        ),
        "AliasTables.from_logits of float16": lambda: AliasTables.from_logits(
            half[0], [0, 100, 200]
        ),
        "AliasTables.sample": lambda: (
            tables.sample(2, rng=rng),
            tables.sample([2, 3], 3, rng=rng),
            tables.sample([3, 2], rng=pcg),
        ),
        "AliasTables.sample into out": lambda: tables.sample(
            [2, 3, 2, 3, 2, 3], rng=rng, out=ids16
        ),
        "AliasTables.sample of skipped rows": lambda: tables.sample(
            [0, 3], 2, rng=rng, invalid="skip"
        ),
        "AliasTables.sample of an empty row": lambda: tables.sample([3, 0], rng=rng),
        "AliasTables.sample of a wrong row": lambda: tables.sample([3, 9], rng=rng),
        "AliasTables.map": lambda: (tables.map(3, 5), tables.map([2, 3, 3, 3, 2, 2], words)),
        "AliasTables.map into out": lambda: tables.map([2, 3, 3, 3, 2, 2], words, out=ids16),
        "AliasTables.units": lambda: (tables.units(), tables.probabilities()),
        "attributes of AliasTables": lambda: (
            tables.buckets,
            tables.records,
            tables.indptr,
            tables.nonempty,
            tables.nbytes,
            len(tables),
            repr(tables),
            tables == tables,
        ),
        "rows of AliasTables": lambda: (tables[3], tables[-1], tables[::2], tables[1:0]),
        "iteration": lambda: list(tables),
        "a row of AliasTables that is empty": lambda: tables[0],
        "Xoshiro256": lambda: (Xoshiro256(5).state, Xoshiro256([1, 2]).random_raw(3)),
        "Xoshiro256.spawn": lambda: [child.state for child in Xoshiro256(5).spawn(2)],
        "Xoshiro256.jumped": lambda: rng.jumped(2).state,
        "Xoshiro256.advance": lambda: rng.advance(2**100 + 5).state,
        "Xoshiro256.state": set_state,
        "Xoshiro256.seed_seq": lambda: Xoshiro256(5).seed_seq.entropy,
        "Xoshiro256 of a wrong seed": lambda: Xoshiro256(-1),
        "Xoshiro256.lock": held,
        "Generator": lambda: np.random.Generator(Xoshiro256(5)).normal(size=100),
        "workers, set": count_in_a_block,
        "workers, softmax": lambda: softmax(wide, workers=3),
        "workers, columns": lambda: logsumexp(wide, axis=0, workers=3),
        "workers, draws": lambda: (table.sample(300_000, rng=rng, workers=3), rng.random_raw()),
        "workers, draws with PCG64": lambda: table.sample(300_000, rng=pcg, workers=3),
        "workers, draws from rows": lambda: tables.sample(many_rows, rng=rng, workers=3),
        "workers, logits": lambda: sample_logits(wide, rng=rng, top_p=0.5, workers=3),
        "workers, tables": lambda: AliasTables(
            np.abs(wide.reshape(-1)[:100_000]), many_ends, workers=3
        ),
        "workers, tables of logits": lambda: AliasTables.from_logits(
            wide.reshape(-1)[:100_000], many_ends, workers=3
        ),
        "cpu_info": softdraw.cpu_info,
    }
)


# ---- the driver --------------------------------------------------------------------------------

# NumPy itself crashes in making a SeedSequence if no allocation succeeds, and CPython and Cython in
# entering and leaving np.errstate.
SEEDING = ("a list", "seed", "new generator", "Xoshiro256", "Generator")
# The standard library and NumPy's Python code make other errors of a MemoryError, and keep memory.
OTHER_ERRORS = ("pickle", "a copy of", "Xoshiro256.state")
CRASH_OF_NUMPY = 33  # the exit status
shared = memoryview(mmap.mmap(-1, 24)).cast(
    "q"
)  # with the child: which allocation fails, and counts


def frozen(value):
    """What can be compared, and does not change any more."""
    if isinstance(value, (tuple, list)):
        return [frozen(each) for each in value]
    if isinstance(value, dict):
        return {key: frozen(each) for key, each in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (AliasTable, AliasTables)):
        return repr(value), value.units().tobytes()
    return value


def prepare():
    rng.state = STATE
    pcg.bit_generator.state = PCG_STATE
    of_thread = ctypes.cast(ctypes.pythonapi.PyThreadState_GetDict(), ctypes.py_object).value
    for key in [key for key, value in of_thread.items() if type(value) is Xoshiro256]:
        del of_thread[key]


def outcome(call):
    try:
        return frozen(call())
    except Exception as error:
        return type(error), str(error)


def attempt(call, first, end):
    """What the call returns or raises while those of its allocations fail."""
    result = None
    prepare()
    asked.value, first_failing.value, end_of_failing.value = 0, first, end
    try:
        try:
            result = call()
        finally:
            end_of_failing.value = 0
    except BaseException as caught:
        return caught
    return result


def leaks(call, first, count):
    """Whether each call leaves a block behind. Some are left by chance, up to 173 by 400 calls: a
    block more or less in what Python keeps for later."""
    for rounds in (4, 40, 1000):
        gc.collect()
        before = blocks.value
        for _ in range(rounds):
            attempt(call, first, first + count)
        gc.collect()
        if blocks.value - before < rounds:
            return False
    return True


def check(name, call, begin):
    """Fail each allocation of a call, from that one on."""
    Errstate.is_used = False
    for _ in range(3):
        prepare()
        expected = outcome(call)
    is_error = isinstance(expected, tuple) and isinstance(expected[0], type)
    one_at_a_time = Errstate.is_used or any(part in name for part in SEEDING)
    for first in itertools.count(begin):
        shared[0] = first
        for count in (1,) if one_at_a_time else (1, NEVER):
            for _ in range(3):
                result = attempt(call, first, first + count)
                reached = asked.value > first
                # NumPy makes other errors of some.
                by_numpy = reached and b"numpy" in library.asker()
                wrong = None
                if not isinstance(result, BaseException):
                    if frozen(result) != expected:
                        wrong = "another result"
                else:
                    shared[2] += 1
                    # Where the call is an error anyway, Cython may lose both of them.
                    any_error = by_numpy or is_error or name.startswith(OTHER_ERRORS)
                    if not (any_error or isinstance(result, MemoryError)):
                        wrong = f"{type(result).__name__}: {result}"
                if wrong:
                    print(f"{name}, allocation {first}, {count}: {wrong}", flush=True)
                result = None
            checks_leaks = reached and not (
                by_numpy
                or library.asker() == b"list"
                or Errstate.is_used  # it keeps some memory, too
                or name.startswith(OTHER_ERRORS)
            )
            if checks_leaks and leaks(call, first, count):
                print(f"{name}, allocation {first}, {count}: leaks", flush=True)
        if not reached:
            break
        shared[1] += 1
    prepare()
    if outcome(call) != expected:
        print(f"{name}: another result afterwards", flush=True)


def check_in_children(name, call):
    """Check a call; where NumPy crashes, go on in another process with the next allocation. Returns
    how often it did."""
    crashes = 0
    begin = 0
    while True:
        child = os.fork()
        if child == 0:
            library.end_if_it_crashes()
            check(name, call, begin)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return crashes
        if status == CRASH_OF_NUMPY:
            crashes += 1
        else:
            print(f"{name}, allocation {shared[0]}: exit status {status}", flush=True)
        begin = shared[0] + 1


def main():
    ctypes.pythonapi.PyThreadState_GetDict.restype = ctypes.c_void_p
    use_handler_for_data()
    np.errstate = Errstate
    gc.collect()
    gc.freeze()
    gc.disable()
    crashes = 0
    for name, call in CALLS.items():
        if len(sys.argv) < 3 or sys.argv[2] in name:
            crashes += check_in_children(name, call)
    allocations, errors = shared[1:]
    print(
        f"{len(CALLS)} calls, {allocations} allocations, "
        f"{errors} errors, {crashes} crashes of NumPy"
    )


main()
