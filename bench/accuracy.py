"""The errors of the softmax family and entropy, in ULP, and those of other libraries.

Errors are measured against the oracle of the tests, in ULP of each exact element, with no absolute
error allowed; for logsumexp in ULP of the larger of |max / T| and log(sum(exp((x - max) / T))).
"""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import softdraw
from bench import peers
from bench.cases import Case, Section, Target
from bench.softmax import onnx_session

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import oracle
from distributions import DISTRIBUTIONS, TEMPERATURES, sample

DTYPES = (np.float32, np.float64)
SHORT = range(1, 131)
LOGITS = 4096  # at each temperature


def long(quick):
    return [1000] if quick else [1000, 32_000, 128_256, 2**20, 2**22]


def worst(name, inputs, dtype):
    """The worst error of a function on pairs (logits, temperature)."""
    function = getattr(softdraw, name)
    return max(
        oracle.errors(name, function(x, temperature=t), x, t).max() for x, t in inputs(dtype)
    )


def of_family(label, x, inputs) -> Case:
    """The case of all functions and dtypes; `inputs` gives pairs of a dtype."""
    contenders = {
        f"softdraw, {name} {np.dtype(dtype).name}": partial(worst, name, inputs, dtype)
        for dtype in DTYPES
        for name in oracle.FUNCTIONS
    }
    return Case(label, contenders, x)


def distributions(quick) -> Iterator[Case]:
    """Every distribution, over all lengths, the short ones at all temperatures."""

    def inputs(name, dtype):
        for n in (6,) if quick else (*SHORT, 1000):
            yield np.array([sample(name, n, dtype)] * len(TEMPERATURES)), TEMPERATURES
        for n in long(quick):
            yield sample(name, n, dtype), 0.7

    for place, name in enumerate(DISTRIBUTIONS):
        yield of_family(name, place, partial(inputs, name))


def temperatures(quick) -> Iterator[Case]:
    """Temperatures near and far, with logits that keep x / T the same."""
    rows = LOGITS // 128

    def inputs(temperature, dtype):
        rng = np.random.default_rng(1)
        for sigma in (1, 3, 30):
            z = rng.normal(0, sigma, (rows, 128))
            with np.errstate(over="ignore"):
                x = (z * temperature).astype(dtype)
            if np.isfinite(x).all():
                yield x, temperature
            yield z.astype(dtype), temperature

    chosen = [5e-324, 1e-310, 1e-200, 1e-42, 1e-30, 1e-20, 1e-10, 1e-3, 0.1, 0.7, 1.0, 3.3, 30.0]
    chosen += [1e3, 1e10, 1e20, 1e30, 1e200, 1e308]
    for t in chosen[::9] if quick else chosen:
        yield of_family(f"{t:g}", t, partial(inputs, t))


def lengths(quick) -> Iterator[Case]:
    """Every length, over the distributions."""

    def inputs(lengths, dtype):
        for n in lengths:
            for name in DISTRIBUTIONS:
                yield sample(name, n, dtype), 1.0

    step = 40 if quick else 1
    cases = {"1 to 16": range(1, 17, step), "17 to 130": range(17, 131, step)}
    for label, of in (cases | {f"{n:,}": [n] for n in long(quick)}).items():
        yield of_family(label, of[0], partial(inputs, of))


def numpy_softmax(x, t):
    z = x / x.dtype.type(t)
    e = np.exp(z - z.max())
    return e / e.sum()


def numpy_log_softmax(x, t):
    z = x / x.dtype.type(t)
    z = z - z.max()
    return z - np.log(np.exp(z).sum())


def numpy_entropy(x, t):
    p = numpy_softmax(x, t)
    return -(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum()


def entropies(quick) -> Iterator[Case]:
    """Every distribution at ordinary temperatures, against mpmath."""

    def error(function, name, dtype):
        found = 0.0
        for n in (6,) if quick else (*range(1, 131, 3), 1000):
            x = sample(name, n, dtype)
            for t in (0.7,) if quick else (0.1, 0.7, 1.0, 3.0, 30.0):
                found = max(found, oracle.entropy_errors(function(x, t), x, t).max())
        return found

    contenders = {"softdraw": lambda x, t: softdraw.entropy(x, temperature=t)}
    if peers.find("NumPy"):
        contenders["NumPy"] = numpy_entropy
    for dtype in DTYPES:
        for place, name in enumerate(DISTRIBUTIONS):
            errors = {c: partial(error, f, name, dtype) for c, f in contenders.items()}
            yield Case(name, errors, place, np.dtype(dtype).name)


def torch_function(name):
    torch = peers.find("torch")
    return lambda x, t: getattr(torch, name)(torch.from_numpy(x) / t, -1).numpy()


def jax_function(name):
    jax = peers.find("JAX")
    return lambda x, t: np.asarray(getattr(jax.nn, name)(jax.numpy.asarray(x) / x.dtype.type(t)))


def onnx_function(name):
    def call(x, t):
        nodes = [
            ("Mul", ["x", "c"], ["z"], {}),
            ({"softmax": "Softmax"}.get(name, "LogSoftmax"), ["z"], ["y"], {"axis": -1}),
        ]
        return onnx_session(x, nodes, {"c": 1 / t}, None).run(None, {"x": x})[0]

    return call


def other_libraries(quick) -> Iterator[Case]:
    """Two functions elsewhere, on a few inputs."""
    plain = {"softmax": numpy_softmax, "log_softmax": numpy_log_softmax}
    for name, by_numpy in plain.items():
        ours = getattr(softdraw, name)
        functions = {"softdraw": lambda x, t, f=ours: f(x, temperature=t)}
        if peers.find("NumPy"):
            functions["NumPy"] = by_numpy
        if scipy := peers.find("SciPy"):
            function = getattr(scipy, name)
            functions["SciPy"] = lambda x, t, f=function: f(x / x.dtype.type(t), axis=-1)
        if peers.find("torch"):
            functions["torch"] = torch_function(name)
        if peers.find("JAX"):
            functions["JAX"] = jax_function(name)
        if peers.find("ONNX Runtime") and peers.find("onnx"):
            functions["ONNX Runtime"] = onnx_function(name)

        def error(function, x, t, name=name):
            return oracle.errors(name, function(x, t), x, t).max()

        longest = long(quick)[-1]
        for dtype in DTYPES:
            for distribution, n, t in [
                ("normal, sigma 3", min(128_256, longest), 1.0),
                ("normal, sigma 3", min(128_256, longest), 0.7),
                ("normal, sigma 30", 1000, 1.0),
                ("uniform on (-80, 0)", 1000, 1.0),
                ("near-equal", min(2**22, longest), 1.0),
                ("one dominant", 1000, 1.0),
                ("offset 1e6", 1000, 0.7),
            ]:
                x = sample(distribution, n, dtype)
                errors = {c: partial(error, f, x, t) for c, f in functions.items()}
                series = f"{name} {np.dtype(dtype).name}"
                yield Case(f"{distribution}, n = {n:,}, T = {t:g}", errors, n, series)


PROMISED = tuple(
    Target(f"{name} {dtype}: at most {limit:g} ULP", f"softdraw, {name} {dtype}", at_most=limit)
    for (name, dtype), limit in oracle.BOUNDS.items()
    if name in oracle.FUNCTIONS and dtype in ("float32", "float64")
)
PROMISED_ENTROPY = tuple(
    Target(f"{dtype}: at most {oracle.BOUNDS['entropy', dtype]:g} ULP", "softdraw",
           at_most=oracle.BOUNDS["entropy", dtype], cases=dtype)
    for dtype in ("float32", "float64")
)  # fmt: skip

SECTIONS = [
    Section(
        "accuracy",
        "Worst error in ULP of each distribution: n of 1 to 130 and 1,000 at every temperature, "
        "up to 4,194,304 at 0.7.",
        distributions,
        per="element",
        unit="ULP",
        targets=PROMISED,
    ),
    Section(
        "temperatures",
        "Worst error in ULP at each temperature T: normal logits with sigma 1, 3 and 30, and T "
        "times those.",
        temperatures,
        per="element",
        unit="ULP",
        targets=PROMISED,
    ),
    Section(
        "lengths",
        "Worst error in ULP of each length at temperature 1, over all distributions.",
        lengths,
        per="element",
        unit="ULP",
        targets=PROMISED,
    ),
    Section(
        "entropies",
        "Worst error in ULP of entropy: n of 1 to 1,000, T of 0.1 to 30.",
        entropies,
        per="row",
        unit="ULP",
        targets=PROMISED_ENTROPY,
    ),
    Section(
        "errors",
        "Worst error in ULP of softmax and log_softmax, beside other libraries.",
        other_libraries,
        per="element",
        unit="ULP",
    ),
]
