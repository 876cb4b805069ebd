"""How long does one draw from fresh logits take, beside NumPy, torch and llama.cpp's samplers?

python bench/logits.py [--quick] [SECTION ...]

Sections: shapes, fresh, hard, batches, single; all of them unless some are named. torch and
llama.cpp (by llama-cpp-python, no model needed) are measured where they are installed. Every
contender gets float32 logits in the form that it likes best, made beforehand, and gives an int.
llama.cpp's samplers sort and scale the candidates where they lie, so each of its calls begins with
a copy of all 12-byte candidates, in one go, where llama.cpp itself fills them in one by one from
the logits.
"""

import ctypes
import sys
import time
import timeit
from functools import partial

import compare

compare.one_thread()

import numpy as np  # noqa: E402

import softdraw  # noqa: E402

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    import llama_cpp
except (ImportError, OSError, RuntimeError):  # it raises the last two where its library is missing
    llama_cpp = None

TEMPERATURE = 0.7
TOP_P, TOP_K, MIN_P = 0.95, 40, 0.1
OURS = {
    "softdraw": {},
    "top_p": {"top_p": TOP_P},
    "top_k": {"top_k": TOP_K},
    "min_p": {"min_p": MIN_P},
}
QUICK = "--quick" in sys.argv[1:]
RNG = softdraw.Xoshiro256(2)


# ---- logits ------------------------------------------------------------------------------------


def normal(sigma):
    return lambda n, seed=1: np.random.default_rng(seed).normal(0, sigma, n)


def zipf(n, seed=1):
    return -np.log(np.random.default_rng(seed).permutation(n) + 1.0)


def clumped(n):
    """The likely ones in one place."""
    x = normal(1)(n) - 6
    x[n // 3 : n // 3 + n // 10] += 8
    return x


SHAPES = {f"normal, sigma {sigma}": normal(sigma) for sigma in (0.3, 1, 3, 8)} | {"Zipf": zipf}
HARD = {
    "sorted": lambda n: np.sort(normal(3)(n)),
    "reversed": lambda n: -np.sort(normal(3)(n)),
    "clumped": clumped,
    "periodic": lambda n: 3 * np.sin(np.arange(n) * (2 * np.pi / 64)),
    "tied": lambda n: np.random.default_rng(1).integers(-2, 3, n),
    "two values": lambda n: np.random.default_rng(1).integers(0, 2, n),
    "all equal": np.zeros,
}


# ---- contenders --------------------------------------------------------------------------------


def ours(x):
    rng = softdraw.Xoshiro256(2)
    return {
        name: partial(softdraw.sample_logits, x, temperature=TEMPERATURE, rng=rng, **options)
        for name, options in OURS.items()
    }


def numpy_idiom(x, rng):
    """One draw per row, by exponentials, their running sum and a search in it."""
    z = x / np.float32(TEMPERATURE)
    sums = np.exp(z - z.max(axis=-1, keepdims=True)).cumsum(axis=-1)
    if x.ndim == 1:
        return int(sums.searchsorted(rng.random() * sums[-1], side="right"))
    return (sums <= (rng.random(len(x)) * sums[:, -1])[:, None]).sum(axis=-1)


def by_torch(x):
    logits = torch.from_numpy(x)

    def plain():
        return torch.multinomial(torch.softmax(logits / TEMPERATURE, -1), 1).item()

    def top_p():
        p, order = torch.softmax(logits / TEMPERATURE, -1).sort(descending=True)
        p[p.cumsum(-1) - p > TOP_P] = 0
        return order[torch.multinomial(p, 1)].item()

    def top_k():
        largest, order = torch.topk(logits, min(TOP_K, len(x)))
        return order[torch.multinomial(torch.softmax(largest / TEMPERATURE, -1), 1)].item()

    return {"torch": plain, "torch top-p": top_p, "torch top-k": top_k}


class Chain:
    """A call of llama.cpp: temperature, filters, one draw. Freed with the process."""

    def __init__(self, x, *filters):
        self.given = np.zeros(len(x), [("id", "i4"), ("logit", "f4"), ("p", "f4")])
        self.given["id"], self.given["logit"] = np.arange(len(x)), x
        self.used = self.given.copy()
        data = self.used.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        self.candidates = llama_cpp.llama_token_data_array(data, len(x), -1, False)
        self.reference = ctypes.byref(self.candidates)
        self.chain = llama_cpp.llama_sampler_chain_init(
            llama_cpp.llama_sampler_chain_default_params()
        )
        temperature = llama_cpp.llama_sampler_init_temp(TEMPERATURE)
        for sampler in (temperature, *filters, llama_cpp.llama_sampler_init_dist(2)):
            llama_cpp.llama_sampler_chain_add(self.chain, sampler)

    def __call__(self):
        np.copyto(self.used, self.given)
        candidates = self.candidates
        candidates.size, candidates.selected, candidates.sorted = len(self.used), -1, False
        llama_cpp.llama_sampler_apply(self.chain, self.reference)
        return candidates.data[candidates.selected].id


def by_llama_cpp(x):
    return {
        "llama.cpp": Chain(x),
        "llama.cpp top-p": Chain(x, llama_cpp.llama_sampler_init_top_p(TOP_P, 1)),
        "llama.cpp top-k": Chain(x, llama_cpp.llama_sampler_init_top_k(TOP_K)),
    }


def contenders_for(x):
    rng = np.random.default_rng(2)
    contenders = ours(x) | {"NumPy": lambda: numpy_idiom(x, rng)}
    if torch:
        contenders |= by_torch(x)
    if llama_cpp:
        contenders |= by_llama_cpp(x)
    return contenders


def kept(x, name):
    """The probabilities that a contender should draw with, by a plain sort."""
    p = softdraw.softmax(x.astype(np.float64), temperature=TEMPERATURE)
    order = np.argsort(-p, kind="stable")
    sums = p[order].cumsum()
    count = len(x)
    if name.endswith(("top_p", "top-p")):
        count = int(sums.searchsorted(TOP_P * sums[-1])) + 1
    if name.endswith(("top_k", "top-k")):
        count = min(TOP_K, count)
    if name.endswith("min_p"):
        count = int((p >= MIN_P * p.max()).sum())
    p[order[count:]] = 0
    return p / p.sum()


def check(contenders, x, draws):
    """Draws are compared before they are timed. A count is off by chance, by six standard
    deviations and a little; float32 sums also keep or drop items about as likely as the last."""
    everything = kept(x, "softdraw")
    for name, function in contenders.items():
        p = kept(x, name)
        last = everything[p > 0].min()
        counts = np.bincount([function() for _ in range(draws)], minlength=len(x))
        assert (everything[counts > 0] >= 0.99 * last).all(), name
        off = abs(counts - draws * p)
        assert (off <= 6 * np.sqrt(draws * np.maximum(p, last)) + 6).all(), name


# ---- the sections ------------------------------------------------------------------------------

# goals for ratios, in long rows
GOALS = [
    ("NumPy", "softdraw", ">= 10"),
    ("torch", "softdraw", ">= 40"),
    ("llama.cpp", "softdraw", ">= 30"),
    ("top_p", "softdraw", "<= 2.25"),
    ("torch top-p", "top_p", ">= 100"),
    ("llama.cpp top-p", "top_p", ">= 80"),
    ("top_k", "softdraw", "<= 0.5"),
    ("torch top-k", "top_k", ""),
    ("llama.cpp top-k", "top_k", ""),
    ("min_p", "softdraw", "<= 1"),
]


def microseconds(seconds):
    return f"{seconds * 1e6:,.2f}" if seconds < 1e-4 else f"{seconds * 1e6:,.0f}"


def rounds_for(n):
    return 3 if QUICK else 7 if n > 10_000 else 15


def shapes():
    """Rows of the lengths that vocabularies have, from flat to peaked."""
    measured = []
    for n in [6, 1000, 32_000] if QUICK else [6, 1000, 32_000, 128_256, 201_088]:
        for name, make in SHAPES.items():
            x = make(n).astype(np.float32)
            contenders = contenders_for(x)
            check(contenders, x, 2000 if n <= 1000 else 20)
            measured.append(([f"{n:,}", name], compare.interleaved(contenders, rounds_for(n))))
    print(f"\nOne draw at T = {TEMPERATURE}: microseconds per call, one thread\n")
    columns = ["items", "logits", *measured[0][1]]
    rows = [[*names, *map(microseconds, best.values())] for names, best in measured]
    print(compare.table(columns, rows))

    print("\nRatios of these; the goals are for 32,000 items and more\n")
    pairs = [entry for entry in GOALS if entry[0] in contenders]
    columns = [f"{a} / {b}" for a, b, _ in pairs]
    rows = [["goal", "", *(goal for *_, goal in pairs)]]
    rows += [
        [*names, *(f"{best[a] / best[b]:.2f}" for a, b, _ in pairs)] for names, best in measured
    ]
    print(compare.table(["items", "logits", *columns], rows))


def fresh():
    """Rows in turn, as a model gives them: of one row over and over a processor learns every
    branch, and how well samples tell where to look differs from row to row."""
    count = 4 if QUICK else 24
    print(f"\n{count} rows in turn: top_p against no filter, goal 2.25, microseconds per call\n")
    lines = []
    for n in [32_000] if QUICK else [32_000, 128_256, 201_088]:
        for name, make in SHAPES.items():
            rows = [make(n, seed).astype(np.float32) for seed in range(count)]
            best = np.full((count, 2), np.inf)
            for _ in range(rounds_for(n)):
                for i, x in enumerate(rows):
                    x.max()  # now it is in the cache
                    for j, options in enumerate((OURS["softdraw"], OURS["top_p"])):
                        start = time.perf_counter()
                        softdraw.sample_logits(x, temperature=TEMPERATURE, rng=RNG, **options)
                        best[i, j] = min(best[i, j], time.perf_counter() - start)
            plain, top_p = best.mean(axis=0)
            ratios = best[:, 1] / best[:, 0]
            within = f"{ratios.min():.2f} to {ratios.max():.2f}"
            times = map(microseconds, (plain, top_p))
            lines.append([f"{n:,}", name, *times, f"{top_p / plain:.2f}", within])
    print(
        compare.table(
            ["items", "logits", "softdraw", "top_p", "mean ratio", "least to largest"], lines
        )
    )


def hard():
    """top_p of rows that are hard to estimate from a part of them, or have long ties."""
    print("\ntop_p of difficult rows, goal 3.5 times no filter, microseconds per call\n")
    rows = []
    for n in [32_000] if QUICK else [1000, 32_000, 128_256, 201_088]:
        for name, make in HARD.items():
            x = make(n).astype(np.float32)
            everything = contenders_for(x)
            contenders = {key: everything[key] for key in ("softdraw", "top_p")}
            check(contenders, x, 200)
            best = compare.interleaved(contenders, rounds_for(n))
            ratio = f"{best['top_p'] / best['softdraw']:.2f}"
            rows.append([f"{n:,}", name, *map(microseconds, best.values()), ratio])
    print(compare.table(["items", "logits", "softdraw", "top_p", "top_p / softdraw"], rows))


def check_batch(contenders, x):
    """The mean log-probability of draws without filters is off by chance, by six of its standard
    deviations."""
    log_p = softdraw.log_softmax(x.astype(np.float64), temperature=TEMPERATURE)
    p = np.exp(log_p)
    means = np.sum(p * log_p, axis=1)
    deviation = np.sqrt((np.sum(p * log_p**2, axis=1) - means**2).sum())
    for name in contenders.keys() - OURS.keys() | {"softdraw"}:
        drawn = log_p[np.arange(len(x)), np.asarray(contenders[name]()).reshape(-1)]
        assert abs((drawn - means).sum()) < 6 * deviation, name


def batches():
    """A draw from each of many rows, where NumPy works on all of them at once."""
    print("\nOne draw from each row: microseconds per call, one thread\n")
    lines = []
    for shape in [(4096, 16), (64, 32_000)]:
        x = np.random.default_rng(1).normal(0, 3, shape).astype(np.float32)
        rng = np.random.default_rng(2)
        contenders = ours(x) | {"NumPy": lambda x=x, rng=rng: numpy_idiom(x, rng)}
        if torch:
            logits = torch.from_numpy(x)
            contenders["torch"] = lambda logits=logits: torch.multinomial(
                torch.softmax(logits / TEMPERATURE, -1), 1
            )
        check_batch(contenders, x)
        best = compare.interleaved(contenders, 5 if QUICK else 15)
        ratios = [f"{best[a] / best['softdraw']:.1f}" for a in ("NumPy", "torch") if a in best]
        lines.append([str(shape), *map(microseconds, best.values()), " / ".join(ratios)])
    others = " / ".join(name for name in ("NumPy", "torch") if name in best)
    print(compare.table(["rows, items", *best, f"{others} to softdraw, goal >= 10"], lines))


def single():
    """Calls from Python for six logits, without the loop around them, as timeit has it."""
    print("\nOne draw from 6 float32 logits, goal 300 ns, nanoseconds per call\n")
    x = normal(1)(6).astype(np.float32)
    everything = contenders_for(x)
    names = {"draw": softdraw.sample_logits, "x": x, "rng": softdraw.Xoshiro256(2)}
    calls = {
        "sample_logits(x)": "draw(x)",
        "sample_logits(x, temperature=0.7)": "draw(x, temperature=0.7)",
        "sample_logits(x, temperature=0.7, rng=rng)": "draw(x, temperature=0.7, rng=rng)",
        "sample_logits(x, temperature=0.7, top_p=0.95)": "draw(x, temperature=0.7, top_p=0.95)",
        "sample_logits(x, temperature=0.7, top_k=3)": "draw(x, temperature=0.7, top_k=3)",
        "sample_logits(x, temperature=0.7, min_p=0.1)": "draw(x, temperature=0.7, min_p=0.1)",
    }
    for name in ("NumPy", "torch", "llama.cpp"):
        if name in everything:
            names[name.partition(".")[0]] = everything[name]
            calls[name] = f"{name.partition('.')[0]}()"
    best = dict.fromkeys(calls, float("inf"))
    number = 1000 if QUICK else 10_000
    for _ in range(5 if QUICK else 25):
        for name, call in calls.items():
            seconds = timeit.timeit(call, globals=names, number=number) / number
            best[name] = min(best[name], seconds)
    print(compare.table(["call", "ns"], [[name, f"{s * 1e9:,.0f}"] for name, s in best.items()]))


SECTIONS = {f.__name__: f for f in (shapes, fresh, hard, batches, single)}


def main():
    chosen = [name for name in sys.argv[1:] if name != "--quick"] or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    peers = {"torch": torch, "llama_cpp_python": llama_cpp}
    print(compare.heading("numpy", *(name for name, there in peers.items() if there)))
    for name, there in peers.items():
        if not there:
            print(f"\nWithout {name}, which is not installed")
    for name in chosen:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
