"""What threads gain, beside the most that they can, and beside torch's."""

import itertools
import os
import threading
import time
from collections.abc import Iterator

import numpy as np

import softdraw
from bench import peers
from bench.cases import Case, Section, Target, wall_clock
from bench.softmax import TEMPERATURE, torch_softmax

CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
WORKERS = max(2, CPUS or 1)
ONE, MANY, CEILING = "softdraw, 1 worker", f"softdraw, {WORKERS} workers", "(ceiling)"
RANDOM = np.random.default_rng(7)


class Together(list):
    """Functions that threads call at the same time, each its own."""


def clock_of(work):
    """The clock of a function, or of functions together."""
    if not isinstance(work, Together):
        return wall_clock(work)

    def seconds(calls):
        barrier = threading.Barrier(len(work) + 1)

        def repeat(function):
            barrier.wait()
            for _ in range(calls):
                function()

        threads = [threading.Thread(target=repeat, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        barrier.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    return seconds


def parts(n):
    """Slices that cut n items into a part per worker."""
    ends = [n * i // WORKERS for i in range(WORKERS + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


# ---- the work ----------------------------------------------------------------------------------

# Each returns the call, which takes `workers`, the calls of the parts, and that of torch or None.


def rows(n, items, dtype=np.float32, axis=-1):
    x = RANDOM.normal(0, 3, (n, items)).astype(dtype)
    out = np.empty_like(x)

    def call(workers, part=slice(None)):
        index = (part,) if axis else (slice(None), part)
        softdraw.softmax(
            x[index], temperature=TEMPERATURE, axis=axis, out=out[index], workers=workers
        )

    by_torch = torch_softmax(x, axis=axis) if peers.find("torch") else None
    return call, [lambda p=p: call(1, p) for p in parts(n if axis else items)], by_torch


def columns(n, items):
    return rows(n, items, axis=0)


def draws(n, categories, kind=softdraw.Xoshiro256):
    table = softdraw.AliasTable(RANDOM.random(categories))
    out, rng = np.empty(n, np.int64), kind(7)

    def draw(part):
        mine = kind(7)
        return lambda: table.sample(out=out[part], rng=mine, workers=1)

    def call(workers):
        table.sample(out=out, rng=rng, workers=workers)

    return call, [draw(part) for part in parts(n)], None


def from_rows(n):
    indptr = np.append(0, np.cumsum(RANDOM.integers(1, 20, 100_000)))
    tables = softdraw.AliasTables(RANDOM.random(indptr[-1]), indptr)
    nodes, out, rng = RANDOM.integers(0, 100_000, n), np.empty(n, np.int64), softdraw.Xoshiro256(7)

    def draw(part):
        mine = softdraw.Xoshiro256(7)
        return lambda: tables.sample(nodes[part], out=out[part], rng=mine, workers=1)

    def call(workers):
        tables.sample(nodes, out=out, rng=rng, workers=workers)

    return call, [draw(part) for part in parts(n)], None


def tokens(n, items, **filters):
    x = RANDOM.normal(0, 3, (n, items)).astype(np.float32)

    def draw(part):
        rng = softdraw.Xoshiro256(7)
        return lambda workers=1: softdraw.sample_logits(
            x[part], rng=rng, workers=workers, **filters
        )

    return draw(slice(None)), [draw(part) for part in parts(n)], None


def builds(n):
    indptr = np.append(0, np.cumsum(RANDOM.integers(1, 20, n)))
    weights = RANDOM.random(indptr[-1])

    def build(part):
        ends = indptr[part.start : part.stop + 1]
        mine = weights[ends[0] : ends[-1]]
        return lambda workers=1: softdraw.AliasTables(mine, ends - ends[0], workers=workers)

    return build(slice(0, n)), [build(part) for part in parts(n)], None


WORK = {
    "softmax of (64, 32000)": lambda: rows(64, 32_000),
    "softmax of (512, 32000)": lambda: rows(512, 32_000),
    "softmax of (100000, 16)": lambda: rows(100_000, 16),
    "softmax of (64, 32000), float64": lambda: rows(64, 32_000, np.float64),
    "softmax of (1000, 4096), axis 0": lambda: columns(1000, 4096),
    "a million draws from 1,000": lambda: draws(1_000_000, 1000),
    "ten million draws from 1,000": lambda: draws(10_000_000, 1000),
    "a million draws from a million": lambda: draws(1_000_000, 1_000_000),
    "a million draws from 1,000, PCG64": lambda: draws(1_000_000, 1000, np.random.PCG64),
    "a million draws from 100,000 rows": lambda: from_rows(1_000_000),
    "sample_logits of (64, 32000)": lambda: tokens(64, 32_000),
    "sample_logits of (64, 32000), top_p": lambda: tokens(64, 32_000, top_p=0.95),
    "AliasTables of 100,000 rows": lambda: builds(100_000),
}
QUICK = {
    "softmax of (64, 1000)": lambda: rows(64, 1000),
    "10,000 draws from 1,000": lambda: draws(10_000, 1000),
}


def one_and_many(name, x, call, series=""):
    """The case of a call with one worker and with many; more contenders may be added."""
    contenders = {MANY: lambda: call(workers=WORKERS), ONE: lambda: call(workers=1)}
    return Case(name, contenders, x, series, clock=clock_of)


def shared_calls(quick) -> Iterator[Case]:
    torch = peers.find("torch")
    if torch:
        torch.set_num_threads(WORKERS)
    for x, (name, work) in enumerate((QUICK if quick else WORK).items()):
        call, part_calls, by_torch = work()
        case = one_and_many(name, x, call)
        case.contenders |= {CEILING: Together(part_calls)}
        if by_torch:
            case.contenders |= {f"torch, {WORKERS} threads": by_torch}
        yield case
    if torch:
        torch.set_num_threads(1)


def copies(quick) -> Iterator[Case]:
    for n in [2**16] if quick else [2**18, 2**24]:
        x, out = np.ones(n), np.ones(n)
        copies = [lambda p=p, x=x, out=out: np.copyto(out[p], x[p]) for p in parts(n)]
        contenders = {
            "(one thread)": lambda x=x, out=out: np.copyto(out, x),
            f"({WORKERS} threads)": Together(copies),
        }
        yield Case(f"{x.nbytes / 2**20:g} MB", contenders, n, clock=clock_of)


def sizes_that_pay(quick) -> Iterator[Case]:
    kinds = {
        "softmax, float32, rows of 4096": lambda n: rows(n // 4096, 4096),
        "softmax, float64, rows of 4096": lambda n: rows(n // 4096, 4096, np.float64),
        "softmax, rows of 16": lambda n: rows(n // 16, 16),
        "softmax, axis 0 of 256": lambda n: columns(256, n // 256),
        "draws from 1,000": lambda n: draws(n, 1000),
        "draws from 100,000 rows": from_rows,
        "sample_logits, rows of 4096": lambda n: tokens(n // 4096, 4096),
        "AliasTables, items": lambda n: builds(n // 10),
    }
    for (name, kind), power in itertools.product(kinds.items(), [16] if quick else range(16, 22)):
        yield one_and_many(f"2^{power}", 2**power, kind(1 << power)[0], name)


def small_calls(quick) -> Iterator[Case]:
    x = RANDOM.normal(0, 3, 6).astype(np.float32)
    table, rng = softdraw.AliasTable(RANDOM.random(1000)), softdraw.Xoshiro256(7)
    out = np.empty_like(x)
    calls = {
        "softmax of 6": lambda **workers: softdraw.softmax(x, out=out, **workers),
        "10 draws": lambda **workers: table.sample(10, rng=rng, **workers),
        "sample_logits of 6": lambda **workers: softdraw.sample_logits(x, rng=rng, **workers),
    }

    def within_a_block(function):
        timed = wall_clock(function)

        def seconds(calls):
            with softdraw.set_workers(WORKERS):
                return timed(calls)

        return seconds

    for place, (name, call) in enumerate(calls.items()):
        contenders = {
            ONE: lambda call=call: call(workers=1),
            MANY: lambda call=call: call(workers=WORKERS),
            "softdraw, told nothing": call,
            f"softdraw, set_workers({WORKERS})": (within_a_block, call),
        }
        yield Case(
            name,
            contenders,
            place,
            clock=lambda each: each[0](each[1]) if isinstance(each, tuple) else wall_clock(each),
        )


SECTIONS = [
    Section(
        "workers",
        f"Calls that {WORKERS} threads share. The ceiling is what as many Python threads take "
        "that each compute their own part of the work from the start, without waiting for each "
        "other: memory, caches and the clock of the CPU are shared then, too. Softmax and draws "
        "write into arrays that are there already, as torch's mul and softmax do. Times are "
        "by the clock on the wall, so nothing else should run.",
        shared_calls,
        unit="us",
        targets=(
            Target("0.9 of what the ceiling gains", CEILING, MANY, at_least=0.9),
            Target("1.8 times as fast as torch with as many threads", f"torch, {WORKERS} threads",
                   MANY, at_least=1.8),
        ),
    ),
    Section("memory", "What memory allows: NumPy's copy.", copies, unit="us"),
    Section("pays", "From which size on threads pay.", sizes_that_pay, unit="us"),
    Section(
        "small",
        "Calls too small for threads: told a number, told nothing, and with a default in force.",
        small_calls,
        targets=(
            Target("with workers no call takes more than 1.02 times as long as with one", MANY, ONE,
                   at_most=1.02),
        ),
    ),
]  # fmt: skip
