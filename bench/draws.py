"""Alias tables and draws, beside SciPy, vose, Generator.choice, torch.multinomial and JAX."""

import random
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import count, product
from timeit import Timer

import numpy as np

import softdraw
from bench import peers
from bench.cases import NEVER_SLOWER, PEER, Case, Section, Target
from softdraw._bench import cpu_time

DRAWS = 1_000_000
TORCH_MOST = 2**24  # categories


# ---- weights and contenders --------------------------------------------------------------------


def uniform(n):
    return np.random.default_rng(1).random(n)


def pareto(n):
    return np.random.default_rng(1).pareto(1.0, n) + 1


def equal(n):
    return np.full(n, 0.1)


@cache
def scipy_samplers():
    """SciPy's classes, which warn about a sum that is not quite 1."""
    if not peers.find("SciPy"):
        return None
    from scipy.stats.sampling import DiscreteAliasUrn, DiscreteGuideTable

    warnings.filterwarnings("ignore", category=RuntimeWarning, module="scipy")
    warnings.filterwarnings("ignore", "One or more values of the probability vector")
    return DiscreteAliasUrn, DiscreteGuideTable


def ours(weights):
    """Both of softdraw's generators, into an array that is there already."""
    table = softdraw.AliasTable(weights)
    out, own, foreign = np.empty(DRAWS, np.int64), softdraw.Xoshiro256(2), np.random.PCG64(2)
    return {
        "softdraw": lambda: table.sample(rng=own, out=out),
        "softdraw, PCG64": lambda: table.sample(rng=foreign, out=out),
    }


def others(weights):
    n, p = len(weights), weights / weights.sum()
    rng = np.random.default_rng(2)
    contenders = {}
    if peers.find("NumPy"):
        contenders["NumPy choice"] = lambda: rng.choice(n, DRAWS, p=p)
    if scipy := scipy_samplers():
        alias, guide = (sampler(p, random_state=rng) for sampler in scipy)
        contenders["SciPy alias"] = lambda: alias.rvs(DRAWS)
        contenders["SciPy guide"] = lambda: guide.rvs(DRAWS)
    if vose := peers.find("vose"):
        sampler = vose.Sampler(weights.astype(np.float64), seed=2)
        contenders["vose"] = lambda: sampler.sample(DRAWS)
    if (torch := peers.find("torch")) and n <= TORCH_MOST:
        tensor, out = torch.from_numpy(p), torch.empty(DRAWS, dtype=torch.int64)
        contenders["torch"] = lambda: torch.multinomial(tensor, DRAWS, replacement=True, out=out)
    if jax := peers.find("JAX"):
        numbers, on_device = count(), jax.numpy.asarray(p)
        draw = jax.jit(
            lambda number, p: jax.random.choice(
                jax.random.fold_in(jax.random.key(2), number), n, (DRAWS,), p=p
            )
        )
        contenders["JAX"] = lambda: draw(next(numbers), on_device).block_until_ready()
    return contenders


def draws_as(contenders, p):
    """A check of frequencies: a rare category is off by chance, by six standard deviations of its
    count and a little."""

    def check():
        for name, function in contenders.items():
            function()
            counts = np.bincount(np.asarray(function()), minlength=len(p))
            assert (abs(counts - DRAWS * p) < 6 * np.sqrt(DRAWS * p) + 6).all(), name

    return check


# ---- cases ---------------------------------------------------------------------------------------


def many_draws(quick) -> Iterator[Case]:
    sizes = [10, 1000] if quick else [10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]
    for n in sizes:
        yield draws_of(uniform(n), "")
    for n in [10] if quick else [10, 1000, 1024, 100_000]:
        yield draws_of(equal(n), "equal weights")


def draws_of(weights, series):
    contenders = ours(weights) | others(weights)
    check = draws_as(contenders, weights / weights.sum())
    return Case(f"{len(weights):,}", contenders, len(weights), series, DRAWS, check)


@cache
def random_loads():
    numba = peers.find("numba")

    @numba.njit
    def loads(buckets, indices):
        total = np.uint64(0)
        for i in indices:
            total += buckets[i]
        return total

    return loads


def draws_and_their_parts(quick) -> Iterator[Case]:
    for n in [10, 1000] if quick else [10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]:
        table, out = softdraw.AliasTable(uniform(n)), np.empty(DRAWS, np.int64)
        own, foreign = softdraw.Xoshiro256(2), np.random.PCG64(2)
        words = own.random_raw(DRAWS)
        contenders = ours(uniform(n)) | {
            "softdraw, map": lambda t=table, w=words, o=out: t.map(w, out=o),
            "(words of Xoshiro256)": lambda own=own: own.random_raw(DRAWS),
            "(words of PCG64)": lambda foreign=foreign: foreign.random_raw(DRAWS),
        }
        if peers.find("numba"):
            buckets = np.ones(table.nbytes // 8, np.uint64)
            indices = words >> np.uint64(64 - (len(buckets) - 1).bit_length())
            contenders["(random loads)"] = lambda b=buckets, i=indices: random_loads()(b, i)
        yield Case(f"{n:,}", contenders, n, units=DRAWS)


def building(quick) -> Iterator[Case]:
    sizes = [1000] if quick else [1000, 100_000, 1_000_000]
    for shape, dtype, n in product((uniform, pareto, equal), (np.float64, np.float32), sizes):
        weights = shape(n).astype(dtype)
        p, double = weights / weights.sum(), weights.astype(np.float64)
        contenders = {"softdraw": lambda w=weights: softdraw.AliasTable(w)}
        if peers.find("NumPy"):
            contenders["(NumPy's cumsum)"] = lambda w=weights: np.cumsum(w)
        if scipy := scipy_samplers():
            contenders["SciPy alias"] = lambda p=p, urn=scipy[0]: urn(p)
            contenders["SciPy guide"] = lambda p=p, guide=scipy[1]: guide(p)
        if vose := peers.find("vose"):
            contenders["vose"] = lambda d=double, vose=vose: vose.Sampler(d)
        yield Case(f"{n:,}", contenders, n, f"{shape.__name__}, {dtype.__name__}", n)


def building_from_logits(quick) -> Iterator[Case]:
    for n in [1000] if quick else [1000, 100_000, 1_000_000]:
        x = np.random.default_rng(1).normal(size=n).astype(np.float32)
        contenders = {
            "softdraw, from_logits": lambda x=x: softdraw.AliasTable.from_logits(
                x, temperature=0.7
            ),
            "softdraw, softmax and table": lambda x=x: softdraw.AliasTable(
                softdraw.softmax(x, temperature=0.7)
            ),
        }
        yield Case(f"{n:,}", contenders, n, units=n)


def without_a_loop(call):
    """The clock of a statement and its names, so that no function is called around it."""
    statement, names = call
    return Timer(statement, globals=names, timer=cpu_time).timeit


def one_draw(quick) -> Iterator[Case]:
    weights = uniform(1000)
    table = softdraw.AliasTable(weights)
    generator, p = np.random.default_rng(2), weights / weights.sum()
    calls = {
        "softdraw, draw()": ("f()", {"f": table.sampler(softdraw.Xoshiro256(3))}),
        "softdraw, draw() of a PCG64": ("f()", {"f": table.sampler(np.random.PCG64(3))}),
        "softdraw, sample()": ("f()", {"f": table.sample}),
    }
    for rng in (softdraw.Xoshiro256(2), np.random.PCG64(2), generator):
        names = {"f": table.sample, "rng": rng}
        calls[f"softdraw, sample(rng={type(rng).__name__})"] = ("f(rng=rng)", names)
    calls["(random.random())"] = ("f()", {"f": random.random})
    if peers.find("NumPy"):
        calls["NumPy choice"] = ("f(1000, p=p)", {"f": generator.choice, "p": p})
    if scipy := scipy_samplers():
        calls["SciPy alias"] = ("f()", {"f": scipy[0](p, random_state=2).rvs})
    if vose := peers.find("vose"):
        calls["vose"] = ("f()", {"f": vose.Sampler(weights, seed=2).sample})
    yield Case("1,000 categories", calls, 1000, clock=without_a_loop)

    x = np.random.default_rng(1).normal(size=6).astype(np.float32)
    names = {"f": softdraw.sample_logits, "x": x, "rng": softdraw.Xoshiro256(2)}
    options = [
        "",
        ", rng=rng",
        ", rng=rng, top_p=0.95",
        ", rng=rng, top_k=3",
        ", rng=rng, min_p=0.1",
    ]
    tokens = {
        f"softdraw, sample_logits(x, temperature=0.7{each})": (
            f"f(x, temperature=0.7{each})",
            names,
        )
        for each in options
    }
    yield Case("6 logits", tokens, 6, clock=without_a_loop)


@cache
def loads_of_rows():
    numba = peers.find("numba")

    @numba.njit
    def loads(starts, buckets, rows, words, bits):
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

    return loads


def draws_of_rows(quick) -> Iterator[Case]:
    shapes = [(1000, 10)] if quick else [(1000, 10), (100_000, 10), (1_000_000, 3), (1_000_000, 15)]
    for size, length in shapes:
        weights = uniform(size * length)
        tables = softdraw.AliasTables(weights, np.arange(0, size * length + 1, length))
        chosen = np.random.default_rng(3).integers(0, size, DRAWS)
        rng, out = softdraw.Xoshiro256(2), np.empty(DRAWS, np.int64)
        words = rng.random_raw(DRAWS)
        contenders = {
            "softdraw": lambda t=tables, c=chosen, r=rng, o=out: t.sample(c, rng=r, out=o),
            "softdraw, map": lambda t=tables, c=chosen, w=words, o=out: t.map(c, w, out=o),
        }
        if peers.find("NumPy"):
            contenders["NumPy searchsorted"] = by_running_sums(weights, length, chosen)
        if peers.find("numba"):
            bits = np.uint64(max(1, (length - 1).bit_length()))
            starts = np.arange(size, dtype=np.uint64) << bits
            buckets = np.ones(size << int(bits), np.uint64)
            contenders["(two random loads)"] = (
                lambda s=starts, b=buckets, c=chosen, w=words, k=bits: loads_of_rows()(
                    s, b, c, w, k
                )
            )
        yield Case(f"{size:,} rows of {length}", contenders, size, units=DRAWS)


def by_running_sums(weights, length, rows):
    """Draws from rows in NumPy: a search in the running sum of all weights."""
    sums, rng = np.append(0, weights.cumsum()), np.random.default_rng(2)

    def draw():
        low, high = sums[rows * length], sums[(rows + 1) * length]
        u = low + rng.random(len(rows)) * (high - low)
        return sums.searchsorted(u, side="right") - 1 - rows * length

    return draw


def building_rows(quick) -> Iterator[Case]:
    for size, length in [(1000, 10)] if quick else [(1000, 10), (100_000, 10), (1_000_000, 3)]:
        weights, indptr = uniform(size * length), np.arange(0, size * length + 1, length)
        contenders = {"softdraw": lambda w=weights, i=indptr: softdraw.AliasTables(w, i)}
        if peers.find("NumPy"):
            contenders["(NumPy's cumsum)"] = lambda w=weights: np.cumsum(w)
        if (vose := peers.find("vose")) and size <= 100_000:
            table = weights.reshape(size, length)
            contenders["vose, one table per row"] = lambda t=table, vose=vose: [
                vose.Sampler(row) for row in t
            ]
        yield Case(f"{size:,} rows of {length}", contenders, size, units=size)


SECTIONS = [
    Section(
        "draws",
        "A million draws from a table of random weights. softdraw and torch write into an array "
        "that is there already; the others have no out= and make a new array. A table is made "
        "before, where a library has one. PCG64 is NumPy's generator of that name.",
        many_draws,
        per="draw",
        axis="categories",
        targets=(
            Target("10 to 100,000 categories: 28 times as fast as the fastest peer", PEER,
                   "softdraw", at_least=28, cases=r"^(10|100|1,000|10,000|100,000)$",
                   tiers=("avx512",)),
            Target("10 to 100,000 categories: 20 times as fast as the fastest peer", PEER,
                   "softdraw", at_least=20, cases=r"^(10|100|1,000|10,000|100,000)$",
                   tiers=("avx2",)),
        ),
    ),
    Section(
        "floors",
        "What a million draws are made of: the generator's words, and one random load from as many "
        "buckets. Words are new arrays, draws go into one that is there already.",
        draws_and_their_parts,
        per="draw",
        targets=(
            Target("10 to 100,000 categories: draws with PCG64 take at most 1.3 times as long as "
                   "its words", "softdraw, PCG64", "(words of PCG64)", at_most=1.3,
                   cases=r"^(10|100|1,000|10,000|100,000)$"),
        ),
    ),
    Section(
        "build",
        "Building a table from weights.",
        building,
        per="category",
        targets=(NEVER_SLOWER,),
    ),
    Section(
        "from_logits",
        "Building a table from logits, beside softmax followed by building a table.",
        building_from_logits,
        per="logit",
    ),
    Section(
        "single",
        "One draw at a time from Python, without the time of the loop around it: from a table of "
        "1,000 categories, and from six float32 logits.",
        one_draw,
        transposed=True,
    ),
    Section(
        "ragged",
        "A million draws from random rows of AliasTables, into an array that is there already, "
        "beside the two loads that each needs.",
        draws_of_rows,
        per="draw",
    ),
    Section("build_rows", "Building AliasTables.", building_rows, per="row"),
]  # fmt: skip
