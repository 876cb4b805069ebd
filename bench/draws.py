"""How long do tables and draws take, beside SciPy, vose, Generator.choice and torch.multinomial?

python bench/draws.py [--quick] [SECTION ...]

Sections: bulk, equal, floors, build, single, memory, threads, rows; all of them unless some are
named. SciPy, vose and torch are measured where they are installed, and loads alone where numba is.
`SOFTDRAW_ISA=scalar python bench/draws.py bulk` measures the scalar tier.
"""

import random
import sys
import threading
import timeit
import tracemalloc
import warnings

import compare

compare.one_thread()

import numpy as np  # noqa: E402

import softdraw  # noqa: E402

try:
    from scipy.stats.sampling import DiscreteAliasUrn, DiscreteGuideTable
except ImportError:
    DiscreteAliasUrn = DiscreteGuideTable = None
try:
    import vose
except ImportError:
    vose = None
try:
    import torch
except ImportError:
    torch = None
try:
    import numba
except ImportError:
    numba = None

DRAWS = 1_000_000
TORCH_MOST = 2**24  # categories
QUICK = "--quick" in sys.argv[1:]


# ---- weights and contenders --------------------------------------------------------------------


def uniform(n):
    return np.random.default_rng(1).random(n)


def pareto(n):
    return np.random.default_rng(1).pareto(1.0, n) + 1


def equal(n):
    return np.full(n, 0.1)


def drawing(weights, ours):
    """A dict of name to function that draws a million categories; `ours` are those of softdraw."""
    n, p = len(weights), weights / weights.sum()
    rng = np.random.default_rng(2)
    contenders = dict(ours)
    if DiscreteAliasUrn:
        alias = DiscreteAliasUrn(p, random_state=rng)
        guide = DiscreteGuideTable(p, random_state=rng)
        contenders["SciPy alias"] = lambda: alias.rvs(DRAWS)
        contenders["SciPy guide"] = lambda: guide.rvs(DRAWS)
    if vose:
        sampler = vose.Sampler(weights, seed=2)
        contenders["vose"] = lambda: sampler.sample(DRAWS)
    contenders["choice"] = lambda: rng.choice(n, DRAWS, p=p)
    if torch and n <= TORCH_MOST:
        tensor = torch.from_numpy(p)
        contenders["torch"] = lambda: torch.multinomial(tensor, DRAWS, replacement=True)
    return contenders


def check(contenders, p):
    """Frequencies are compared before they are timed: a rare category is off by chance, by six
    standard deviations of its count and a little."""
    for name, function in contenders.items():
        counts = np.bincount(np.asarray(function()), minlength=len(p))
        assert (abs(counts - DRAWS * p) < 6 * np.sqrt(DRAWS * p) + 6).all(), name


def building(weights):
    """A dict of name to function that builds a table."""
    p = weights / weights.sum()
    contenders = {"softdraw": lambda: softdraw.AliasTable(weights)}
    if DiscreteAliasUrn:
        contenders["SciPy alias"] = lambda: DiscreteAliasUrn(p)
        contenders["SciPy guide"] = lambda: DiscreteGuideTable(p)
    if vose:
        double = weights.astype(np.float64)
        contenders["vose"] = lambda: vose.Sampler(double)
    return contenders


def rounds_for(n):
    return 3 if QUICK else 5 if n >= 10**6 else 15


def table(columns, rows, unit):
    """Print rows of (cells that name it, units, seconds per call of each contender), and the ratio
    of the fastest of the others to softdraw."""
    contenders = list(dict.fromkeys(name for *_, best in rows for name in best))
    peers = [name for name in contenders if not name.startswith("softdraw")]
    lines = []
    for names, units, best in rows:
        cells = [f"{best[name] / units * 1e9:.2f}" if name in best else "-" for name in contenders]
        ratio = min(best[name] for name in peers if name in best) / best["softdraw"]
        lines.append([*names, *cells, f"{ratio:.1f}x"])
    print(compare.table([*columns, *contenders, "fastest peer / softdraw"], lines))
    print(f"\nNanoseconds {unit}, one thread")


# ---- the sections ------------------------------------------------------------------------------


def drawn_by_number_of_categories(shape, sizes):
    rows = []
    for n in sizes:
        weights = shape(n)
        own, foreign = softdraw.Xoshiro256(2), np.random.default_rng(2)
        t = softdraw.AliasTable(weights)
        contenders = drawing(
            weights,
            {
                "softdraw": lambda t=t, own=own: t.sample(DRAWS, rng=own),
                "softdraw, PCG64": lambda t=t, foreign=foreign: t.sample(DRAWS, rng=foreign),
            },
        )
        check(contenders, weights / weights.sum())
        rows.append(([f"{n:,}"], DRAWS, compare.interleaved(contenders, rounds_for(n))))
    table(["categories"], rows, "per draw")


def bulk():
    """A million draws from tables of every size."""
    print("\nDraws, random weights\n")
    sizes = [10, 1000] if QUICK else [10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]
    drawn_by_number_of_categories(uniform, sizes)


def equal_weights():
    """Equal weights, where a search or a bucket needs no second look."""
    print("\nDraws, equal weights\n")
    drawn_by_number_of_categories(equal, [10, 1000] if QUICK else [10, 1000, 1024, 100_000])


def floors():
    """What draws cannot be faster than: the generator's words, and the loads of their buckets."""
    print("\nDraws beside the generator's words alone, and one random load from as many buckets\n")
    rows = []
    out = np.empty(DRAWS, np.int64)
    for n in [10, 1000] if QUICK else [10, 1000, 100_000, 1_000_000, 10_000_000]:
        t = softdraw.AliasTable(uniform(n))
        own, foreign = softdraw.Xoshiro256(2), np.random.PCG64(2)
        contenders = {
            "draws": lambda t=t, own=own: t.sample(rng=own, out=out),
            "words": lambda own=own: own.random_raw(DRAWS),
            "draws, PCG64": lambda t=t, foreign=foreign: t.sample(rng=foreign, out=out),
            "words, PCG64": lambda foreign=foreign: foreign.random_raw(DRAWS),
        }
        words = own.random_raw(DRAWS)
        contenders["map"] = lambda t=t, words=words: t.map(words, out=out)
        if numba:
            buckets = np.ones(t.nbytes // 8, np.uint64)
            shift = np.uint64(64 - (len(buckets) - 1).bit_length())
            indices = words >> shift
            contenders["loads"] = lambda b=buckets, i=indices: random_loads(b, i)
        best = compare.interleaved(contenders, rounds_for(n))
        foreign_ratio = best["draws, PCG64"] / best["words, PCG64"]
        cells = [f"{seconds / DRAWS * 1e9:.2f}" for seconds in best.values()]
        rows.append([f"{n:,}", *cells, f"{foreign_ratio:.2f}x"])
    print(compare.table(["categories", *best, "draws / words, PCG64"], rows))
    print("\nNanoseconds per draw, word or load, one thread")


if numba:

    @numba.njit
    def random_loads(buckets, indices):
        total = np.uint64(0)
        for i in indices:
            total += buckets[i]
        return total


def build():
    """Tables of every size, shape and dtype."""
    print("\nBuilding a table\n")
    rows = []
    for shape in (uniform, pareto, equal):
        for dtype in (np.float64, np.float32):
            for n in [1000] if QUICK else [1000, 100_000, 1_000_000, 10_000_000]:
                weights = shape(n).astype(dtype)
                best = compare.interleaved(building(weights), rounds_for(n))
                rows.append(([shape.__name__, dtype.__name__, f"{n:,}"], n, best))
    table(["weights", "dtype", "categories"], rows, "per category")

    print("\nBuilding a table from logits, beside softmax and then the table\n")
    rows = []
    for n in [1000] if QUICK else [1000, 100_000, 1_000_000]:
        logits = np.random.default_rng(1).normal(size=n).astype(np.float32)
        contenders = {
            "from_logits": lambda x=logits: softdraw.AliasTable.from_logits(x, temperature=0.7),
            "softmax, table": lambda x=logits: softdraw.AliasTable(
                softdraw.softmax(x, temperature=0.7)
            ),
        }
        best = compare.interleaved(contenders, rounds_for(n))
        rows.append([f"{n:,}", *(f"{seconds / n * 1e9:.2f}" for seconds in best.values())])
    print(compare.table(["logits", *contenders], rows))
    print("\nNanoseconds per logit, one thread")


def single():
    """One draw at a time from Python, without the loop around it, as timeit has it."""
    print("\nOne draw at a time from 1,000 categories\n")
    weights = uniform(1000)
    t = softdraw.AliasTable(weights)
    names = {
        "random": random.random,
        "draw": t.sampler(softdraw.Xoshiro256(3)),
        "draw_foreign": t.sampler(np.random.PCG64(3)),
        "sample": t.sample,
        "xoshiro": softdraw.Xoshiro256(2),
        "pcg": np.random.PCG64(2),
        "generator": np.random.default_rng(2),
        "p": weights / weights.sum(),
    }
    calls = {
        "random.random()": "random()",
        "draw()": "draw()",
        "draw(), of a PCG64": "draw_foreign()",
        "sample(rng=Xoshiro256)": "sample(rng=xoshiro)",
        "sample(rng=PCG64)": "sample(rng=pcg)",
        "sample(rng=Generator)": "sample(rng=generator)",
        "sample()": "sample()",
    }
    if vose:
        names["vose"] = vose.Sampler(weights, seed=2).sample
        calls["vose"] = "vose()"
    if DiscreteAliasUrn:
        names["urn"] = DiscreteAliasUrn(weights).rvs
        calls["SciPy alias"] = "urn()"
    calls["choice"] = "generator.choice(1000, p=p)"
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(5 if QUICK else 25):
        for name, call in calls.items():
            number = 1000 if name in ("SciPy alias", "choice") else 100_000
            seconds = timeit.timeit(call, globals=names, number=number) / number
            best[name] = min(best[name], seconds)
    print(compare.table(["call", "ns"], [[name, f"{s * 1e9:.1f}"] for name, s in best.items()]))


def memory():
    """What a table takes, what building it takes beside that, and what draws take beside `out`."""
    print("\nBytes that NumPy allocates\n")
    rows = []
    for n in [1000, 100_000] if QUICK else [1000, 100_000, 1_000_000, 1_100_000]:
        weights = uniform(n)
        tracemalloc.start()
        t = softdraw.AliasTable(weights)
        peak = tracemalloc.get_traced_memory()[1]
        out, rng = np.empty(DRAWS, np.int64), softdraw.Xoshiro256(2)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        t.sample(rng=rng, out=out)
        drawing_peak = tracemalloc.get_traced_memory()[1] - before
        tracemalloc.stop()
        buckets = t.nbytes // 8
        scratch = f"{(peak - t.nbytes) / buckets:.2f}"
        rows.append([f"{n:,}", f"{t.nbytes / n:.2f}", scratch, f"{drawing_peak:,}"])
    columns = ["categories", "table, per category", "scratch, per bucket", "a million draws, out="]
    print(compare.table(columns, rows))


def threads():
    """Two threads that draw from one table, each with a generator of its own."""
    print("\nTwo threads and one table\n")
    rows = []
    for n in [1000] if QUICK else [1000, 100_000, 1_000_000]:
        t = softdraw.AliasTable(uniform(n))
        outs = [np.empty(10 * DRAWS, np.int64) for _ in range(2)]
        rngs = [softdraw.Xoshiro256(seed) for seed in range(2)]

        def work(k, t=t, outs=outs, rngs=rngs):
            t.sample(rng=rngs[k], out=outs[k])

        def both(work=work):
            other = threading.Thread(target=work, args=(1,))
            other.start()
            work(0)
            other.join()

        best = compare.interleaved({"one": lambda work=work: work(0), "two": both}, rounds_for(n))
        cells = [f"{seconds / 10 / DRAWS * 1e9:.2f}" for seconds in best.values()]
        rows.append([f"{n:,}", *cells, f"{2 * best['one'] / best['two']:.2f}x"])
    print(compare.table(["categories", "one thread", "two", "draws per second, two / one"], rows))
    print("\nNanoseconds per draw of each thread")


def rows():
    """Draws from random rows of many tables, beside the two loads that each of them needs."""
    print("\nA million draws from random rows of AliasTables\n")
    lines = []
    shapes = [(1000, 10)] if QUICK else [(1000, 10), (100_000, 10), (1_000_000, 3), (1_000_000, 15)]
    for count, length in shapes:
        weights = uniform(count * length)
        indptr = np.arange(0, count * length + 1, length)
        tables = softdraw.AliasTables(weights, indptr)
        chosen = np.random.default_rng(3).integers(0, count, DRAWS)
        rng, out = softdraw.Xoshiro256(2), np.empty(DRAWS, np.int64)
        contenders = {
            "draws": lambda t=tables, c=chosen, r=rng, o=out: t.sample(c, rng=r, out=o),
            "built, per row": lambda w=weights, i=indptr: softdraw.AliasTables(w, i),
        }
        if numba:
            bits = np.uint64(max(1, (length - 1).bit_length()))
            starts = np.arange(count, dtype=np.uint64) << bits
            buckets = np.ones(count << int(bits), np.uint64)
            words = rng.random_raw(DRAWS)
            contenders["two loads"] = lambda s=starts, b=buckets, c=chosen, w=words, k=bits: (
                loads_of_rows(s, b, c, w, k)
            )
        best = compare.interleaved(contenders, rounds_for(count * length))
        units = {"draws": DRAWS, "built, per row": count, "two loads": DRAWS}
        cells = [f"{best[name] / units[name] * 1e9:.2f}" for name in best]
        lines.append([f"{count:,}", str(length), *cells])
    print(compare.table(["rows", "categories each", *best], lines))
    print("\nNanoseconds, one thread")


if numba:

    @numba.njit
    def loads_of_rows(starts, buckets, rows, words, bits):
        """Two loads per draw: first those of 256 rows, so that many are under way together."""
        total = np.uint64(0)
        start = np.empty(256, np.uint64)
        for first in range(0, len(rows), 256):
            size = min(256, len(rows) - first)
            for i in range(size):
                start[i] = starts[rows[first + i]]
            for i in range(size):
                total += buckets[start[i] + (words[first + i] >> (np.uint64(64) - bits))]
        return total


SECTIONS = {
    "bulk": bulk,
    "equal": equal_weights,
    "floors": floors,
    "build": build,
    "single": single,
    "memory": memory,
    "threads": threads,
    "rows": rows,
}


def main():
    chosen = [name for name in sys.argv[1:] if name != "--quick"] or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's, about a sum that is not quite 1
    peers = {"scipy": DiscreteAliasUrn, "vose": vose, "torch": torch, "numba": numba}
    print(compare.heading("numpy", *(name for name, there in peers.items() if there)))
    for name in chosen:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
