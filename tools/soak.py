"""Draw ten thousand million times, and call everything for an hour.

    python tools/soak.py                          # both
    python tools/soak.py draws                    # compare the counts of draws with what is exact
    python tools/soak.py calls --minutes 60       # random calls in several threads

`draws` prints, for each way to draw, the chi-square of the counts with its degrees of freedom, and
the probability that a right sampler has one as large. `calls` prints a line each minute: how many
calls were made, and the memory in use; many results are compared with NumPy's. The exit status is 1
if such a probability is below one in a million, or above one minus that; if a result is wrong; or
if memory grew after the first sixth of the time. docs/verification.md has the record of a run.
"""

import argparse
import collections
import copy
import gc
import itertools
import math
import os
import pickle
import platform
import sys
import threading
import time

import numpy as np

import softdraw
from softdraw import AliasTable, AliasTables, Xoshiro256, sample_logits

try:
    from ml_dtypes import bfloat16
except ImportError:
    bfloat16 = np.float16

RISK = 1e-6
PART = 10_000_000  # draws at a time
WORDS = 2.0**64

# ---- draws -------------------------------------------------------------------------------------


def chi_square(counts, p):
    """The statistic, its degrees of freedom, and the probability of one as large, by Wilson and
    Hilferty's cube root, whose error is small where there are hundreds of categories."""
    expected = p * counts.sum()
    assert expected.min() > 25
    statistic = float(np.sum((counts - expected) ** 2 / expected))
    freedom = len(p) - 1
    spread = 2 / (9 * freedom)
    deviation = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return statistic, freedom, math.erfc(deviation / math.sqrt(2)) / 2


def count_draws(name, draws, p, draw):
    """Whether the counts of draws fit the probabilities p; draw(n) gives n of them."""
    counts = np.zeros(len(p), np.int64)
    start = time.perf_counter()
    for done in range(0, draws, PART):
        drawn = draw(min(PART, draws - done))
        counts += np.bincount(np.ravel(drawn), minlength=len(p))
    statistic, freedom, tail = chi_square(counts, p)
    seconds = time.perf_counter() - start
    print(
        f"{name}: {counts.sum():,} draws, chi-square {statistic:.1f} of {freedom}, "
        f"probability {tail:.3g}, {seconds:.0f} s",
        flush=True,
    )
    return RISK < tail < 1 - RISK


def check_draws(draws):
    """Fewer in the ways that are slower than draws from one table."""
    weights = 1 / np.arange(1.0, 1001)
    table = AliasTable(weights)
    rng = Xoshiro256(20)
    out = np.empty(PART, np.int64)
    ways = [
        (
            "AliasTable.sample",
            draws,
            table.units() / WORDS,
            lambda n: table.sample(rng=rng, out=out[:n]),
        )
    ]

    draw = table.sampler(Xoshiro256(21))
    ways.append(("AliasTable.sampler", draws // 10, table.units() / WORDS, lambda n: draw(n)))

    logits = np.random.default_rng(22).normal(0, 2, 1000)
    p = np.exp(logits / 2 - (logits / 2).max())
    ways.append(
        (
            "sample_logits",
            draws // 100,
            p / p.sum(),
            lambda n: sample_logits(logits, temperature=2, size=n, rng=rng),
        )
    )

    kept = np.sort(np.argsort(logits)[-300:])
    filtered = np.zeros(1000)
    filtered[kept] = p[kept] / p[kept].sum()
    ways.append(
        (
            "sample_logits with top_k",
            draws // 100,
            filtered[kept],
            lambda n: np.searchsorted(
                kept, sample_logits(logits, temperature=2, top_k=300, size=n, rng=rng)
            ),
        )
    )

    lengths = np.arange(1, 41)
    ends = np.append(0, np.cumsum(lengths))
    tables = AliasTables(np.random.default_rng(23).random(ends[-1]) + 0.1, ends)
    rows = np.resize(np.repeat(np.arange(40), lengths), PART)  # as many draws as categories
    p = tables.probabilities() * np.repeat(lengths, lengths) / ends[-1]

    def draw_rows(n):
        whole = n - n % ends[-1] if n > ends[-1] else n
        return ends[rows[:whole]] + tables.sample(rows[:whole], rng=rng)

    ways.append(("AliasTables.sample", draws // 10, p, draw_rows))
    results = [count_draws(*way) for way in ways]
    return all(results)


# ---- random arguments --------------------------------------------------------------------------

DTYPES = [np.float16, bfloat16, np.float32, np.float64, np.int8, np.uint64, np.bool_]
LENGTHS = [1, 2, 3, 6, 8, 15, 16, 17, 64, 100, 257, 1000, 4097, 20_000]


def random_shape(random):
    n = int(random.choice(LENGTHS))
    rows = [(), (int(random.integers(1, 9)),), (2, 3), (1, 4, 1)][random.integers(4)]
    return (*rows, n) if n < 1000 or random.random() < 0.2 else (n,)


def random_numbers(random, shape, dtype=None):
    """An array of that shape in a random layout."""
    dtype = DTYPES[random.integers(len(DTYPES))] if dtype is None else dtype
    values = random.normal(0, random.choice([0.1, 3, 30]), shape)
    if np.dtype(dtype).kind in "iub":
        values = np.clip(np.abs(values), 0, 100)
    x = values.astype(dtype)
    layout = random.integers(8)
    if layout == 0:
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    elif layout == 1:
        x = np.asfortranarray(x)
    elif layout == 2:
        x = x[..., ::-1]
    elif layout == 3 and x.dtype.kind == "f":
        x = x.astype(x.dtype.newbyteorder())
    elif layout == 4:
        room = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(shape)
        room[...] = x
        x = room
    elif layout == 5 and x.size < 1000 and x.dtype != bfloat16:
        return x.tolist()
    return x


def error_bound(x):
    """The relative errors that a result for x may have, many times what is promised."""
    size = 8 if x.dtype.kind in "iub" else x.dtype.itemsize
    return {2: 0.02, 4: 1e-5, 8: 1e-11}[size]


# ---- calls -------------------------------------------------------------------------------------

SHARED_TABLE = AliasTable(np.arange(1, 101))
SHARED_TABLES = AliasTables(np.ones(300), [0, 100, 200, 300])
SHARED_RNG = Xoshiro256(7)
SHARED_DRAW = SHARED_TABLE.sampler(8)


def random_rng(random):
    return [None, 5, [1, 2], np.random.default_rng(3), Xoshiro256(4), SHARED_RNG][
        random.integers(6)
    ]


def call_softmax_family(random):
    """Softmax and its relatives, of any axes and layouts, into out or not."""
    shape = random_shape(random)
    x = random_numbers(random, shape)
    array = np.asarray(x)
    axis = int(random.integers(-len(shape), len(shape))) if random.random() < 0.8 else None
    temperature = float(random.choice([0.3, 1, 4]))
    z = array.astype(np.float64) / temperature
    top = z.max(axis=axis, keepdims=True)
    total = np.exp(z - top).sum(axis=axis, keepdims=True)
    p = np.exp(z - top) / total
    log_p = z - top - np.log(total)
    bound = error_bound(array)
    keepdims = bool(random.integers(2))
    reduced = {"axis": axis, "temperature": temperature, "keepdims": keepdims}

    def check(result, wanted):
        np.testing.assert_allclose(
            np.asarray(result).astype(np.float64), wanted, rtol=bound, atol=10 * bound
        )

    check(softdraw.softmax(x, temperature=temperature, axis=axis), p)
    check(softdraw.log_softmax(x, temperature=temperature, axis=axis), log_p)
    lse = (top + np.log(total)).sum(axis=axis, keepdims=keepdims)
    check(softdraw.logsumexp(x, **reduced), lse)
    check(
        softdraw.entropy(x, **reduced),
        -(np.where(p > 0, p * log_p, 0)).sum(axis=axis, keepdims=keepdims),
    )
    gradient = p * (z - (p * z).sum(axis=axis, keepdims=True))
    given = random_numbers(random, shape, np.float64)
    if np.shape(given) == shape:
        softdraw.softmax_vjp(x, given, temperature=temperature, axis=axis)
    result = softdraw.softmax_vjp(p, z, axis=axis)
    np.testing.assert_allclose(result, gradient, rtol=1e-6, atol=1e-9 * np.abs(z).max())
    if isinstance(x, np.ndarray) and array.dtype.kind == "f" and array.dtype.isnative:
        check(softdraw.softmax(x, temperature=temperature, axis=axis, out=x), p)
    return 7


def call_with_temperatures(random):
    rows, n = int(random.integers(1, 50)), int(random.integers(1, 200))
    x = random_numbers(random, (rows, n), np.float32)
    temperatures = random.choice([0, 0.1, 1, 30, math.inf], rows)
    p = softdraw.softmax(x, temperature=temperatures)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-5)
    alone = int(random.integers(rows))
    same = softdraw.softmax(np.asarray(x)[alone], temperature=temperatures[alone])
    assert same.dtype != p.dtype or np.array_equal(same, p[alone])
    entropies = softdraw.entropy(x, temperature=temperatures)
    assert (entropies >= 0).all()
    return 3


def call_sample_logits(random):
    """Each draw is one that the filters leave, and without them the one that its word draws."""
    rows, n = int(random.integers(1, 6)), int(random.choice(LENGTHS[1:]))
    x = np.asarray(random_numbers(random, (rows, n)))
    size = int(random.integers(1, 20))
    words = random.integers(0, 2**64, (rows, size), np.uint64)
    ids, logprobs = sample_logits(x, words=words, temperature=2, return_logprobs=True)
    z = x.astype(np.float64) / 2
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    ends = np.append(np.zeros((rows, 1)), p.cumsum(axis=-1), axis=-1)
    row = np.arange(rows)[:, None]
    assert (ends[row, ids] <= words / WORDS + 1e-4).all()
    assert (ends[row, ids + 1] >= words / WORDS - 1e-4).all()
    np.testing.assert_allclose(logprobs, np.log(p[row, ids]), rtol=1e-3, atol=1e-3)

    k = int(random.integers(1, n + 1))
    mask = random.random((rows, n)) < 0.7
    mask[:, int(random.integers(n))] = True
    rng = random_rng(random)
    ids = sample_logits(x, top_k=k, mask=mask, size=size, rng=rng)
    assert mask[row, ids].all()
    larger = np.where(mask, x, x.min())[:, None, :] > x[row, ids][:, :, None]
    assert (larger.sum(axis=-1) < k).all()
    ids = sample_logits(x, top_p=float(random.random()), temperature=3, rng=rng)
    assert ((ids >= 0) & (ids < n)).all()
    ids = sample_logits(x, min_p=0.5, top_k=k, size=(2, 3), rng=rng)
    np.testing.assert_array_less(np.log(0.499), (2 * (z - z.max(axis=-1, keepdims=True)))[
        row, ids.reshape(rows, 6)
    ])  # fmt: skip
    if x.dtype.kind == "f" or x.dtype == bfloat16:
        bad = x.copy()
        bad[0, n // 2] = np.nan
        assert sample_logits(bad, invalid="skip", top_p=0.9, rng=rng)[0] == -1
    one = x[0]
    assert 0 <= sample_logits(one, rng=rng) < n
    assert 0 <= sample_logits(one, top_k=k, top_p=0.9, rng=rng) < n
    return 7


def call_alias_table(random):
    n = int(random.choice(LENGTHS))
    weights = np.abs(np.asarray(random_numbers(random, n)))
    weights[int(random.integers(n))] = 1
    table = AliasTable(weights)
    units = table.units()
    assert int(units.sum(dtype=np.uint64)) == 0
    exact = weights.astype(np.float64)
    np.testing.assert_allclose(table.probabilities(), exact / exact.sum(), rtol=1e-9, atol=1e-18)
    drawn = table.sample(int(random.integers(1, 2000)), rng=random_rng(random))
    assert (weights[drawn] > 0).all()
    assert table.sample(rng=random_rng(random)) < n
    words = random.integers(0, 2**64, 7, np.uint64)
    out = np.empty(7, np.int32)
    assert table.map(words, out=out) is out
    assert pickle.loads(pickle.dumps(table)) == table == copy.deepcopy(table)
    assert hash(table) == hash(AliasTable(weights)) and repr(table)
    draw = table.sampler(rng=random_rng(random))
    assert max(draw(), draw(300).max()) < n
    AliasTable.from_logits(np.log(exact + 1e-3), temperature=0.5).sample(3)
    return 14


def call_alias_tables(random):
    rows = int(random.integers(1, 40))
    lengths = random.integers(0, 30, rows)
    ends = np.append(0, np.cumsum(lengths))
    weights = np.asarray(random_numbers(random, ends[-1], np.float64)) ** 2
    tables = AliasTables(weights, ends)
    drawable = np.flatnonzero(tables.nonempty)
    assert pickle.loads(pickle.dumps(tables)) == tables
    assert sample_all(tables, rows, random).max(initial=-1) < 30
    if len(drawable):
        row = int(random.choice(drawable))
        assert tables[row] == AliasTable(weights[ends[row] : ends[row + 1]])
        drawn = tables.sample(drawable, 5, rng=random_rng(random))
        assert (weights[ends[drawable][:, None] + drawn] > 0).all()
    assert len(tables[::2]) == (rows + 1) // 2
    AliasTables.from_logits(np.log(weights + 1e-9), ends, temperature=0.5)
    return 9


def sample_all(tables, rows, random):
    return tables.sample(np.arange(rows), 3, rng=random_rng(random), invalid="skip")


def call_temperature_for(random):
    n = int(random.choice(LENGTHS[2:-2]))
    x = random.normal(0, 3, n)
    wanted = float(random.uniform(0.2, 0.9)) * math.log(n)
    found = softdraw.temperature_for(x, entropy=wanted)
    assert abs(float(softdraw.entropy(x, temperature=found)) - wanted) < 1e-6
    softdraw.temperature_for([x, x], top_prob=0.999, clip=True)
    softdraw.temperature_for(x, perplexity=(n + 1) / 2)
    return 4


def call_generators(random):
    rng = Xoshiro256(int(random.integers(1000)))
    child, other = rng.spawn(2)
    assert pickle.loads(pickle.dumps(rng)).random_raw() == rng.random_raw()
    child.state = other.state
    assert child.jumped().random_raw() != copy.deepcopy(other).random_raw()
    np.random.Generator(child).normal(size=100)
    return 8


def call_shared(random):
    """What several threads use at once."""
    assert SHARED_TABLE.sample(5000, rng=SHARED_RNG).max() < 100
    assert SHARED_DRAW() < 100 and SHARED_DRAW(500).max() < 100
    assert SHARED_TABLES.sample([0, 1, 2], 100, rng=SHARED_RNG).max() < 100
    x = np.ones(5000, np.float32)
    assert softdraw.softmax(x)[0] == softdraw.softmax(x)[-1]
    assert sample_logits(x, top_p=0.5, rng=SHARED_RNG) < 5000
    return 7


NAN = float("nan")
ERRORS = [
    lambda: softdraw.softmax([1.0, 2.0], temperature=-1),
    lambda: softdraw.softmax([1.0, 2.0], temperature=[1, 2, 3]),
    lambda: softdraw.softmax(["a"]),
    lambda: softdraw.softmax([1j]),
    lambda: softdraw.softmax(np.ones((2, 3)), axis=2),
    lambda: softdraw.softmax([1.0], 2),
    lambda: softdraw.log_softmax(np.ones(3), out=np.ones(4)),
    lambda: softdraw.logsumexp(np.ones(3), out=np.ones(3)),
    lambda: softdraw.entropy(np.ones((2, 3)), axis=(0, 0)),
    lambda: softdraw.softmax_vjp(np.ones(3), np.ones(4)),
    lambda: softdraw.temperature_for([1.0, 2.0], entropy=9),
    lambda: softdraw.temperature_for([1.0, NAN], entropy=0.1),
    lambda: sample_logits([NAN, 1.0]),
    lambda: sample_logits([-math.inf] * 3),
    lambda: sample_logits(np.full((2, 5000), NAN), top_p=0.9),
    lambda: sample_logits([1.0, 2.0], top_k=0),
    lambda: sample_logits([1.0, 2.0], mask=[True]),
    lambda: sample_logits([1.0, 2.0], words=[-1]),
    lambda: AliasTable([1, -1]),
    lambda: AliasTable([0.0]),
    lambda: AliasTable(np.ones((2, 2))),
    lambda: AliasTable.from_logits([NAN]),
    lambda: AliasTables([1, 2], [0, 3]),
    lambda: SHARED_TABLE.sample(-1),
    lambda: SHARED_TABLE.sample(rng="seed"),
    lambda: SHARED_TABLE.map(2**64),
    lambda: SHARED_TABLES.sample([3]),
    lambda: SHARED_TABLES[5],
    lambda: pickle.loads(pickle.dumps(SHARED_TABLE).replace(b"\x00\x00", b"\x01\x00", 1)),
    lambda: Xoshiro256(-1),
    lambda: setattr(Xoshiro256(1), "state", {"bit_generator": "Xoshiro256"}),
]


def call_wrongly(random):
    for call in random.choice(ERRORS, 5):
        try:
            call()
        except (TypeError, ValueError, IndexError, EOFError, pickle.UnpicklingError):
            continue
        raise AssertionError("a wrong call is no error")
    return 5


CALLS = [
    call_softmax_family,
    call_with_temperatures,
    call_sample_logits,
    call_alias_table,
    call_alias_tables,
    call_temperature_for,
    call_generators,
    call_shared,
    call_wrongly,
]


# ---- an hour -----------------------------------------------------------------------------------


def memory():
    """Bytes of memory in use, and blocks of Python's allocator."""
    gc.collect()
    with open("/proc/self/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, sys.getallocatedblocks()


def call_at_random(seed, until, calls, failures):
    """Call until that time, in one thread."""
    random = np.random.default_rng(seed)
    while time.monotonic() < until and not failures:
        call = CALLS[random.integers(len(CALLS))]
        seed = int(random.integers(2**63))
        try:
            calls[call.__name__] += call(np.random.default_rng(seed))
        except BaseException as error:
            failures.append((call.__name__, seed, error))


def check_calls(minutes, threads):
    """Whether no call failed and memory did not grow after the first sixth of the time."""
    begin = time.monotonic()
    seeds = itertools.count(int(time.time()) << 20)
    calls, failures, records = collections.Counter(), [], []
    for minute in range(1, minutes + 1):
        until = begin + 60 * minute
        while time.monotonic() < until and not failures:
            end = min(until, time.monotonic() + 3)  # threads come and go
            counters = [collections.Counter() for _ in range(threads)]
            several = [
                threading.Thread(target=call_at_random, args=(next(seeds), end, each, failures))
                for each in counters
            ]
            for thread in several:
                thread.start()
            for thread in several:
                thread.join()
            for each in counters:
                calls.update(each)
        resident, blocks = memory()
        records.append((resident, blocks))
        print(
            f"minute {minute}: {calls.total():,} calls, {resident / 2**20:.1f} MiB, "
            f"{blocks:,} blocks",
            flush=True,
        )
        if failures:
            break
    for name, seed, error in failures:
        print(f"{name}(np.random.default_rng({seed})): {type(error).__name__}: {error}")
    for name, count in sorted(calls.items()):
        print(f"{name}: {count:,}")
    warm = records[len(records) // 6]
    grown = records[-1][0] - warm[0], records[-1][1] - warm[1]
    print(f"grown since minute {len(records) // 6 + 1}: {grown[0]:,} bytes, {grown[1]:,} blocks")
    return not failures and grown[0] < 16 << 20 and grown[1] < 2000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=["draws", "calls"], help="instead of both")
    parser.add_argument("--draws", type=int, default=10**10, help="from one table; 10^10")
    parser.add_argument("--minutes", type=int, default=60, help="of random calls; 60")
    parser.add_argument("--threads", type=int, default=4, help="of random calls; 4")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, "
        f"softdraw {softdraw.__version__}, {softdraw.cpu_info()['tier']}, {time.strftime('%F %T')}",
        flush=True,
    )
    fine = True
    if options.what != "calls":
        fine &= check_draws(options.draws)
    if options.what != "draws":
        fine &= check_calls(options.minutes, options.threads)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
