"""Draws from fresh logits, beside NumPy, torch, JAX, numba, ONNX Runtime and llama.cpp's samplers.

Every contender gets float32 logits in the form that it likes best, made beforehand. llama.cpp's
samplers sort and scale the candidates where they lie, so each of its calls begins with a copy of
all 12-byte candidates, in one go, where llama.cpp itself fills them in one by one from the logits.
"""

import ctypes
from collections.abc import Iterator
from functools import cache, partial
from itertools import count, product
from time import perf_counter

import numpy as np

import softdraw
from bench import peers
from bench.cases import PEER, Case, Section, Target
from bench.softmax import TEMPERATURE, onnx_session
from softdraw._bench import draw_from_logits

TOP_P, TOP_K, MIN_P = 0.95, 40, 0.1
FILTERS = {
    "no filter": {},
    f"top_p {TOP_P}": {"top_p": TOP_P},
    f"top_k {TOP_K}": {"top_k": TOP_K},
    f"min_p {MIN_P}": {"min_p": MIN_P},
}
PLAIN, BY_TOP_P, BY_TOP_K, BY_MIN_P = FILTERS


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


SHAPES = {f"sigma {sigma}": normal(sigma) for sigma in (0.3, 1, 3, 8)} | {"Zipf": zipf}
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


def ours(x, name, **options):
    rng = softdraw.Xoshiro256(2)
    options |= FILTERS[name]
    return partial(softdraw.sample_logits, x, temperature=TEMPERATURE, rng=rng, **options)


def by_numpy(x, name):
    rng = np.random.default_rng(2)
    if name == PLAIN:
        return lambda: draw_from_logits(x, rng)

    def top_k():
        dropped = max(0, len(x) - TOP_K)
        kept = np.argpartition(x, dropped)[dropped:]
        return int(kept[draw_from_logits(x[kept], rng)])

    def top_p():
        order = np.argsort(x)[::-1]
        z = x[order] / np.float32(TEMPERATURE)
        sums = np.exp(z - z[0]).cumsum()
        kept = sums[: int(sums.searchsorted(np.float32(TOP_P) * sums[-1])) + 1]
        return int(order[kept.searchsorted(rng.random() * kept[-1], side="right")])

    def min_p():
        kept = np.flatnonzero(x >= x.max() + TEMPERATURE * np.log(MIN_P))
        return int(kept[draw_from_logits(x[kept], rng)])

    return {BY_TOP_P: top_p, BY_TOP_K: top_k, BY_MIN_P: min_p}[name]


def by_torch(x, name):
    torch = peers.find("torch")
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

    def min_p():
        p = torch.softmax(logits / TEMPERATURE, -1)
        p[p < MIN_P * p.max()] = 0
        return torch.multinomial(p, 1).item()

    return {PLAIN: plain, BY_TOP_P: top_p, BY_TOP_K: top_k, BY_MIN_P: min_p}[name]


def by_jax(x, name):
    jax = peers.find("JAX")
    logits, key, numbers = jax.numpy.asarray(x), jax.random.key(2), count()

    def plain(number, logits):
        return jax.random.categorical(jax.random.fold_in(key, number), logits / TEMPERATURE)

    def top_k(number, logits):
        largest, order = jax.lax.top_k(logits, min(TOP_K, len(x)))
        return order[plain(number, largest)]

    if name not in (PLAIN, BY_TOP_K):
        return None
    draw = jax.jit(plain if name == PLAIN else top_k)
    return lambda: int(draw(next(numbers), logits))


@cache
def numba_loop():
    @peers.find("numba").njit
    def draw(x, t, sums, u):
        largest = x[0]
        for value in x:
            largest = max(largest, value)
        total = 0.0
        for i in range(len(x)):
            total += np.exp((x[i] - largest) / t)
            sums[i] = total
        return np.searchsorted(sums, u * total, side="right")

    return draw


def by_numba(x, name):
    if name != PLAIN:
        return None
    draw, sums, rng = numba_loop(), np.empty(len(x)), np.random.default_rng(2)
    return lambda: draw(x, np.float32(TEMPERATURE), sums, rng.random())


def by_onnx(x, name):
    if name != PLAIN:
        return None
    onnx = peers.find("onnx")
    nodes = [
        ("Mul", ["x", "c"], ["z"], {}),
        ("Multinomial", ["z"], ["y"], {"sample_size": 1, "dtype": onnx.TensorProto.INT64}),
    ]
    session = onnx_session(x[None], nodes, {"c": 1 / TEMPERATURE}, onnx.TensorProto.INT64)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x[None])
    binding.bind_output("y", "cpu")

    def call():
        session.run_with_iobinding(binding)
        return int(binding.copy_outputs_to_cpu()[0][0, 0])

    return call


class Chain:
    """A call of llama.cpp: temperature, filters, one draw. Freed with the process."""

    def __init__(self, x, *filters):
        llama_cpp = peers.find("llama.cpp")
        self.apply = llama_cpp.llama_sampler_apply
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
        self.apply(self.chain, self.reference)
        return candidates.data[candidates.selected].id


def by_llama_cpp(x, name):
    llama_cpp = peers.find("llama.cpp")
    filters = {
        PLAIN: lambda: [],
        BY_TOP_P: lambda: [llama_cpp.llama_sampler_init_top_p(TOP_P, 1)],
        BY_TOP_K: lambda: [llama_cpp.llama_sampler_init_top_k(TOP_K)],
        BY_MIN_P: lambda: [llama_cpp.llama_sampler_init_min_p(MIN_P, 1)],
    }
    return Chain(x, *filters[name]())


MAKERS = {
    "NumPy": by_numpy,
    "torch": by_torch,
    "JAX": by_jax,
    "numba": by_numba,
    "ONNX Runtime": by_onnx,
    "llama.cpp": by_llama_cpp,
}


def contenders_for(x, name):
    contenders = {"softdraw": ours(x, name)}
    for peer, make in MAKERS.items():
        if peers.find(peer) and (peer != "ONNX Runtime" or peers.find("onnx")):
            contenders[peer] = make(x, name)
    return {peer: function for peer, function in contenders.items() if function}


def kept(x, name):
    """The probabilities that a contender should draw with, by a plain sort."""
    p = softdraw.softmax(x.astype(np.float64), temperature=TEMPERATURE)
    order = np.argsort(-p, kind="stable")
    sums = p[order].cumsum()
    size = {
        PLAIN: len(x),
        BY_TOP_P: int(sums.searchsorted(TOP_P * sums[-1])) + 1,
        BY_TOP_K: min(TOP_K, len(x)),
        BY_MIN_P: int((p >= MIN_P * p.max()).sum()),
    }[name]
    p[order[size:]] = 0
    return p / p.sum()


def draws_as(contenders, x, name):
    """A check of what they draw. A count is off by chance, by six standard deviations and a little;
    float32 sums also keep or drop items about as likely as the last."""

    def check():
        draws = 2000 if len(x) <= 1000 else 20
        everything, p = kept(x, PLAIN), kept(x, name)
        last = everything[p > 0].min()
        for contender, function in contenders.items():
            counts = np.bincount([function() for _ in range(draws)], minlength=len(x))
            assert (everything[counts > 0] >= 0.99 * last).all(), contender
            off = abs(counts - draws * p)
            assert (off <= 6 * np.sqrt(draws * np.maximum(p, last)) + 6).all(), contender

    return check


# ---- cases ---------------------------------------------------------------------------------------


def one_token(quick) -> Iterator[Case]:
    lengths = [6, 1000] if quick else [6, 1000, 32_000, 128_256, 201_088]
    for name, shape in product(FILTERS, ["sigma 3"] if quick else ["sigma 1", "sigma 3"]):
        for n in lengths:
            x = SHAPES[shape](n).astype(np.float32)
            contenders = contenders_for(x, name)
            series = f"{name}, {shape}"
            yield Case(f"{n:,}", contenders, n, series, check=draws_as(contenders, x, name))


def over(rows):
    """Makes clocks of functions of a row. A call is one of each row, which is read before, so that
    it is in the cache. Of one row over and over a processor would learn every branch."""

    def make(function):
        def seconds(calls):
            total = 0.0
            for _ in range(calls):
                for x in rows:
                    x.max()
                    start = perf_counter()
                    function(x)
                    total += perf_counter() - start
            return total

        return seconds

    return make


def fresh_rows(quick) -> Iterator[Case]:
    lengths = [1000] if quick else [32_000, 128_256, 201_088]
    for shape, n in product(SHAPES, lengths):
        rows = [SHAPES[shape](n, seed).astype(np.float32) for seed in range(4 if quick else 24)]
        out, rng = np.empty_like(rows[0]), softdraw.Xoshiro256(2)
        contenders = {
            f"softdraw, {name}": partial(
                softdraw.sample_logits, temperature=TEMPERATURE, rng=rng, **FILTERS[name]
            )
            for name in FILTERS
        }
        contenders["softdraw, softmax into out="] = partial(
            softdraw.softmax, temperature=TEMPERATURE, out=out
        )
        yield Case(f"{n:,}", contenders, n, shape, len(rows), clock=over(rows))


def difficult_rows(quick) -> Iterator[Case]:
    for shape, n in product(HARD, [1000] if quick else [1000, 32_000, 128_256]):
        x = HARD[shape](n).astype(np.float32)
        contenders = {f"softdraw, {name}": ours(x, name) for name in (PLAIN, BY_TOP_P)}
        check = draws_as({"softdraw": contenders[f"softdraw, {BY_TOP_P}"]}, x, BY_TOP_P)
        yield Case(f"{n:,}", contenders, n, shape, check=check)


def numpy_batch(x, rng):
    z = x / np.float32(TEMPERATURE)
    sums = np.exp(z - z.max(axis=-1, keepdims=True)).cumsum(axis=-1)
    return (sums <= (rng.random(len(x)) * sums[:, -1])[:, None]).sum(axis=-1)


def likely(contenders, x):
    """A check of draws without filters: their mean log-probability is off by chance, by six of its
    standard deviations."""

    def check():
        log_p = softdraw.log_softmax(x.astype(np.float64), temperature=TEMPERATURE)
        p = np.exp(log_p)
        means = np.sum(p * log_p, axis=1)
        deviation = np.sqrt((np.sum(p * log_p**2, axis=1) - means**2).sum())
        for name, function in contenders.items():
            drawn = log_p[np.arange(len(x)), np.asarray(function()).reshape(-1)]
            assert abs((drawn - means).sum()) < 6 * deviation, name

    return check


def many_rows(quick) -> Iterator[Case]:
    for shape in [(64, 16)] if quick else [(4096, 16), (64, 32_000)]:
        x = np.random.default_rng(1).normal(0, 3, shape).astype(np.float32)
        filtered = {f"softdraw, {name}": ours(x, name) for name in FILTERS}
        plain = {f"softdraw, {PLAIN}": filtered[f"softdraw, {PLAIN}"]}
        if peers.find("NumPy"):
            rng = np.random.default_rng(2)
            plain["NumPy"] = lambda x=x, rng=rng: numpy_batch(x, rng)
        if torch := peers.find("torch"):
            logits = torch.from_numpy(x)
            plain["torch"] = lambda torch=torch, logits=logits: torch.multinomial(
                torch.softmax(logits / TEMPERATURE, -1), 1
            )
        if jax := peers.find("JAX"):
            draw = jax.jit(
                lambda number, x, jax=jax: jax.random.categorical(
                    jax.random.fold_in(jax.random.key(2), number), x / TEMPERATURE
                )
            )
            numbers, on_device = count(), jax.numpy.asarray(x)
            plain["JAX"] = lambda draw=draw, numbers=numbers, x=on_device: draw(
                next(numbers), x
            ).block_until_ready()
        yield Case(str(shape), plain | filtered, x.size, check=likely(plain, x))


SECTIONS = [
    Section(
        "token",
        f"One draw from a row of float32 logits at temperature {TEMPERATURE}, without and with a "
        "filter. The logits are normal, with the standard deviation sigma.",
        one_token,
        unit="us",
        axis="logits",
        targets=(
            Target("top_k 40 of 32,000: at most 1.7 us", "softdraw", at_most=1700,
                   cases="top_k.*, 32,000", tiers=("avx512",)),
            Target("no filter, from 32,000 on: 10 times as fast as the fastest peer", PEER,
                   "softdraw", at_least=10, cases=r"no filter, .*, \d\d+,"),
            Target("top_p, from 32,000 on: 80 times as fast as torch", "torch", "softdraw",
                   at_least=80, cases=r"top_p .*, \d\d+,"),
        ),
    ),
    Section(
        "fresh",
        "One draw from fresh rows of float32 logits, in the mean of 24 rows, beside the softmax of "
        "each row into an array that is there already.",
        fresh_rows,
        per="row",
        unit="us",
        targets=(
            Target("sigma 1, up to 128,256: top_p takes at most 1.5 times as long as softmax",
                   f"softdraw, {BY_TOP_P}", "softdraw, softmax into out=", at_most=1.5,
                   cases="sigma 1, (32|128)", tiers=("avx512",)),
            Target("top_p takes at most 2.25 times as long as no filter", f"softdraw, {BY_TOP_P}",
                   f"softdraw, {PLAIN}", at_most=2.25),
        ),
    ),
    Section(
        "difficult",
        "One draw from rows of float32 logits that are hard to estimate from a part of them, or "
        "have long ties.",
        difficult_rows,
        unit="us",
        targets=(
            Target("from 32,000 on: top_p takes at most 3.5 times as long as no filter",
                   f"softdraw, {BY_TOP_P}", f"softdraw, {PLAIN}", at_most=3.5, cases=r", \d\d+,"),
        ),
    ),
    Section(
        "batches",
        "One draw from each of many rows of float32 logits. NumPy, torch and JAX draw without a "
        "filter.",
        many_rows,
        unit="us",
        targets=(
            Target("(4096, 16): top_p takes at most 4 times as long as no filter",
                   f"softdraw, {BY_TOP_P}", f"softdraw, {PLAIN}", at_most=4, cases="4096, 16"),
            Target("(4096, 16): top_k takes at most 4 times as long as no filter",
                   f"softdraw, {BY_TOP_K}", f"softdraw, {PLAIN}", at_most=4, cases="4096, 16"),
            Target("without a filter: 10 times as fast as the fastest peer", PEER,
                   f"softdraw, {PLAIN}", at_least=10),
        ),
    ),
]  # fmt: skip
