"""What do threads gain, beside the most that they can, and beside PyTorch's?

python bench/workers.py [--quick] [--workers N] [SECTION ...]

Sections: calls, pays, small, memory; all of them unless some are named. The ceiling is what as many
Python threads gain that each compute their own part of the work from the start, without waiting for
each other; memory, caches and the clock of the CPU are shared then, too. Times are by the clock on
the wall, so nothing else should run. torch is measured where it is installed.
"""

import argparse
import itertools
import threading
import time

import compare
import numpy as np

import softdraw

try:
    import torch
except ImportError:
    torch = None

TEMPERATURE = 0.7
RANDOM = np.random.default_rng(7)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION")
    return parser.parse_args()


def together(functions):
    """A clock of threads that each call their own function as often."""

    def seconds(calls):
        barrier = threading.Barrier(len(functions) + 1)

        def repeat(function):
            barrier.wait()
            for _ in range(calls):
                function()

        threads = [threading.Thread(target=repeat, args=(each,)) for each in functions]
        for thread in threads:
            thread.start()
        barrier.wait()
        start = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    return seconds


def seconds_of(clocks, arguments, least=0.004):
    """The least seconds per call of each clock, in many short turns: some may be undisturbed."""
    calls = {name: compare.calls_for(clocks[name], least) for name in clocks}
    rounds = 20 if arguments.quick else 100
    times = [compare.one_round(clocks, calls) for _ in range(rounds)]
    return {name: min(each[name] for each in times) for name in clocks}


def parts(n, workers):
    """Slices that cut n items into a part per worker."""
    ends = [n * i // workers for i in range(workers + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


# ---- the work ----------------------------------------------------------------------------------

# Each returns the call, which takes `workers`, the calls of the parts, and that of torch or None.


def rows(n, items, dtype=np.float32):
    def work(workers):
        x = RANDOM.normal(0, 3, (n, items)).astype(dtype)
        out = np.empty_like(x)

        def call(workers, part=slice(None)):
            softdraw.softmax(x[part], temperature=TEMPERATURE, out=out[part], workers=workers)

        tensors = torch and [torch.from_numpy(each) for each in (x, out.copy(), out.copy())]

        def by_torch():
            torch.mul(tensors[0], 1 / TEMPERATURE, out=tensors[1])
            torch.softmax(tensors[1], -1, out=tensors[2])

        return call, [lambda p=p: call(1, p) for p in parts(n, workers)], torch and by_torch

    return work


def columns(n, items):
    def work(workers):
        x = RANDOM.normal(0, 3, (n, items)).astype(np.float32)
        out = np.empty_like(x)

        def call(workers, part=slice(None)):
            softdraw.softmax(
                x[:, part], temperature=TEMPERATURE, axis=0, out=out[:, part], workers=workers
            )

        tensors = torch and [torch.from_numpy(each) for each in (x, out.copy(), out.copy())]

        def by_torch():
            torch.mul(tensors[0], 1 / TEMPERATURE, out=tensors[1])
            torch.softmax(tensors[1], 0, out=tensors[2])

        return call, [lambda p=p: call(1, p) for p in parts(items, workers)], torch and by_torch

    return work


def draws(n, categories, kind=softdraw.Xoshiro256):
    def work(workers):
        table = softdraw.AliasTable(RANDOM.random(categories))
        out = np.empty(n, np.int64)
        rng = kind(7)

        def draw(part):
            mine = kind(7)
            return lambda: table.sample(out=out[part], rng=mine, workers=1)

        def call(workers):
            table.sample(out=out, rng=rng, workers=workers)

        return call, [draw(part) for part in parts(n, workers)], None

    return work


def from_rows(n):
    def work(workers):
        indptr = np.append(0, np.cumsum(RANDOM.integers(1, 20, 100_000)))
        tables = softdraw.AliasTables(RANDOM.random(indptr[-1]), indptr)
        nodes = RANDOM.integers(0, 100_000, n)
        out = np.empty(n, np.int64)
        rng = softdraw.Xoshiro256(7)

        def draw(part):
            mine = softdraw.Xoshiro256(7)
            return lambda: tables.sample(nodes[part], out=out[part], rng=mine, workers=1)

        def call(workers):
            tables.sample(nodes, out=out, rng=rng, workers=workers)

        return call, [draw(part) for part in parts(n, workers)], None

    return work


def tokens(n, items, **filters):
    def work(workers):
        x = RANDOM.normal(0, 3, (n, items)).astype(np.float32)

        def draw(part):
            rng = softdraw.Xoshiro256(7)
            return lambda workers=1: softdraw.sample_logits(
                x[part], rng=rng, workers=workers, **filters
            )

        return draw(slice(None)), [draw(part) for part in parts(n, workers)], None

    return work


def builds(n):
    def work(workers):
        indptr = np.append(0, np.cumsum(RANDOM.integers(1, 20, n)))
        weights = RANDOM.random(indptr[-1])

        def build(part):
            ends = indptr[part.start : part.stop + 1]
            mine = weights[ends[0] : ends[-1]]
            return lambda workers=1: softdraw.AliasTables(mine, ends - ends[0], workers=workers)

        return build(slice(0, n)), [build(part) for part in parts(n, workers)], None

    return work


WORK = {
    "softmax of (64, 32000)": rows(64, 32_000),
    "softmax of (512, 32000)": rows(512, 32_000),
    "softmax of (100000, 16)": rows(100_000, 16),
    "softmax of (64, 32000), float64": rows(64, 32_000, np.float64),
    "softmax of (1000, 4096), axis 0": columns(1000, 4096),
    "a million draws from 1,000": draws(1_000_000, 1000),
    "ten million draws from 1,000": draws(10_000_000, 1000),
    "a million draws from a million": draws(1_000_000, 1_000_000),
    "a million draws from 1,000, PCG64": draws(1_000_000, 1000, np.random.PCG64),
    "a million draws from 100,000 rows": from_rows(1_000_000),
    "sample_logits of (64, 32000)": tokens(64, 32_000),
    "sample_logits of (64, 32000), top_p": tokens(64, 32_000, top_p=0.95),
    "AliasTables of 100,000 rows": builds(100_000),
}


# ---- sections ----------------------------------------------------------------------------------


def calls(arguments):
    """Each call by one thread, by several, and as several could do it at best."""
    if torch:
        torch.set_num_threads(arguments.workers)
    lines = []
    for name, work in WORK.items():
        call, part_calls, by_torch = work(arguments.workers)
        clocks = {
            "one": compare.clock(lambda call=call: call(workers=1)),
            "many": compare.clock(lambda call=call: call(workers=arguments.workers)),
            "parts": together(part_calls),
        }
        if by_torch:
            clocks["torch"] = compare.clock(by_torch)
        t = seconds_of(clocks, arguments)
        gain, ceiling = t["one"] / t["many"], t["one"] / t["parts"]
        beside_torch = f"{t['torch'] / t['many']:.2f}" if by_torch else ""
        line = [f"{1e6 * t['one']:.0f}", f"{1e6 * t['many']:.0f}", f"{gain:.2f}", f"{ceiling:.2f}"]
        lines.append([name, *line, f"{gain / ceiling:.2f}", beside_torch])
        print(" | ".join(lines[-1]), flush=True)
    n = arguments.workers
    columns = [
        "",
        "1, us",
        f"{n}, us",
        "gain",
        "ceiling",
        "of it",
        f"torch, {n} threads / softdraw",
    ]
    print(compare.table(columns, lines))


def pays(arguments):
    """From which size on threads pay."""
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
    lines = []
    for name, kind in kinds.items():
        for power in range(16, 22):
            call, _, _ = kind(1 << power)(arguments.workers)
            clocks = {
                "one": compare.clock(lambda call=call: call(workers=1)),
                "many": compare.clock(lambda call=call: call(workers=arguments.workers)),
            }
            t = seconds_of(clocks, arguments)
            ratio = f"{t['one'] / t['many']:.2f}"
            lines.append([name, f"2^{power}", *[f"{1e6 * each:.0f}" for each in t.values()], ratio])
            print(" | ".join(lines[-1]), flush=True)
    print(compare.table(["", "size", "1, us", f"{arguments.workers}, us", "gain"], lines))


def small(arguments):
    """Calls too small for threads: told nothing, told a number, and with a default in force."""
    x = RANDOM.normal(0, 3, 6).astype(np.float32)
    table = softdraw.AliasTable(RANDOM.random(1000))
    rng = softdraw.Xoshiro256(7)
    kinds = {
        "softmax of 6": lambda **workers: softdraw.softmax(x, **workers),
        "10 draws": lambda **workers: table.sample(10, rng=rng, **workers),
        "sample_logits of 6": lambda **workers: softdraw.sample_logits(x, rng=rng, **workers),
    }
    lines = []
    for name, call in kinds.items():
        clocks = {
            "plain": compare.clock(call),
            "workers=1": compare.clock(lambda call=call: call(workers=1)),
            "workers=2": compare.clock(lambda call=call: call(workers=2)),
        }
        t = seconds_of(clocks, arguments)
        with softdraw.set_workers(2):
            t |= seconds_of({"set_workers(2)": compare.clock(call)}, arguments)
        lines.append([name, *[f"{1e9 * each:.0f}" for each in t.values()]])
    print(compare.table(["ns", "plain", "workers=1", "workers=2", "set_workers(2)"], lines))


def memory(arguments):
    """How fast threads copy 128 MB, in GB/s read and written."""
    x, out = np.ones(1 << 24), np.ones(1 << 24)
    lines = []
    for workers in sorted({1, arguments.workers}):
        copies = [lambda p=p: np.copyto(out[p], x[p]) for p in parts(len(x), workers)]
        t = seconds_of({"copy": together(copies)}, arguments)
        lines.append([f"{workers}", f"{2e-9 * x.nbytes / t['copy']:.1f}"])
    print(compare.table(["threads", "GB/s"], lines))


SECTIONS = {"calls": calls, "pays": pays, "small": small, "memory": memory}

if __name__ == "__main__":
    arguments = parse()
    print(compare.heading("numpy", *(["torch"] if torch else [])))
    for name, section in SECTIONS.items():
        if not arguments.sections or name in arguments.sections:
            print(f"\n## {name}: {section.__doc__}")
            section(arguments)
