"""The relatives of softmax, and its inverse problem, beside NumPy, SciPy and torch."""

from collections.abc import Iterator
from itertools import product

import numpy as np

import softdraw
from bench import peers
from bench.cases import NEVER_SLOWER, Case, Section
from bench.softmax import FLOATS, TEMPERATURE, normal


def gradient(x):
    """Probabilities of the logits, and a gradient with respect to them."""
    return softdraw.softmax(x, temperature=TEMPERATURE), normal(x.shape, x.dtype, seed=2)


# For each library, functions by name that take logits and make a call without arguments.


def ours(name, x):
    if name == "softmax_vjp":
        p, g = gradient(x)
        out = np.empty_like(x)
        return lambda: softdraw.softmax_vjp(p, g, temperature=TEMPERATURE, out=out)
    function = getattr(softdraw, name)
    if x.ndim == 1 and name != "log_softmax":  # a scalar
        return lambda: function(x, temperature=TEMPERATURE)
    out = np.empty(x.shape if name == "log_softmax" else x.shape[:-1], x.dtype)
    return lambda: function(x, temperature=TEMPERATURE, out=out)


def shifted(x):
    """What NumPy's expressions begin with: x / T less its maximum, that, and the exponentials."""
    z = x / x.dtype.type(TEMPERATURE)
    largest = z.max(axis=-1, keepdims=True)
    return z - largest, largest[..., 0], np.exp(z - largest)


def by_numpy(name, x):
    p, g = gradient(x)

    def log_softmax():
        z, _, e = shifted(x)
        return z - np.log(e.sum(axis=-1, keepdims=True))

    def logsumexp():
        _, largest, e = shifted(x)
        return largest + np.log(e.sum(axis=-1))

    def entropy():
        z, _, e = shifted(x)
        total = e.sum(axis=-1)
        return np.log(total) - (z * e).sum(axis=-1) / total

    def softmax_vjp():
        return p * (g - (p * g).sum(axis=-1, keepdims=True)) / x.dtype.type(TEMPERATURE)

    return {
        "log_softmax": log_softmax,
        "logsumexp": logsumexp,
        "entropy": entropy,
        "softmax_vjp": softmax_vjp,
    }[name]


def by_scipy(name, x):
    special, t = peers.find("SciPy"), x.dtype.type(TEMPERATURE)
    from scipy.stats import entropy

    return {
        "log_softmax": lambda: special.log_softmax(x / t, axis=-1),
        "logsumexp": lambda: special.logsumexp(x / t, axis=-1),
        "entropy": lambda: entropy(special.softmax(x / t, axis=-1), axis=-1),
    }.get(name)


def by_torch(name, x):
    torch = peers.find("torch")
    logits = torch.from_numpy(x)
    p, g = map(torch.from_numpy, gradient(x))
    categorical = torch.distributions.Categorical
    return {
        "log_softmax": lambda: torch.log_softmax(logits / TEMPERATURE, -1),
        "logsumexp": lambda: torch.logsumexp(logits / TEMPERATURE, -1),
        "entropy": lambda: categorical(logits=logits / TEMPERATURE).entropy(),
        "softmax_vjp": lambda: p * (g - (p * g).sum(-1, keepdim=True)) / TEMPERATURE,
    }[name]


def alike(contenders):
    def check():
        expected = next(iter(contenders.values()))()
        for name, function in contenders.items():
            np.testing.assert_allclose(function(), expected, rtol=1e-3, atol=1e-5, err_msg=name)

    return check


def relatives(quick) -> Iterator[Case]:
    shapes = [(10, 16)] if quick else [(6,), (4096, 16), (32_000,)]
    names = ("log_softmax", "logsumexp", "entropy", "softmax_vjp")
    for name, dtype, shape in product(names, FLOATS, shapes):
        x = normal(shape, dtype)
        contenders = {"softdraw": ours(name, x)}
        for peer, make in {"NumPy": by_numpy, "SciPy": by_scipy, "torch": by_torch}.items():
            if peers.find(peer) and (call := make(name, x)):
                contenders[peer] = call
        series = f"{name}, {dtype.__name__}"
        yield Case(str(shape), contenders, x.size, series, x.size, alike(contenders))


def bisection(difference, low, high):
    while high - low > 1e-9 * low:
        middle = (low + high) / 2
        if difference(middle) < 0:
            low = middle
        else:
            high = middle
    return low


def inverse(quick) -> Iterator[Case]:
    for n in [50] if quick else [50, 1000, 32_000]:
        x = normal(n, np.float64)
        wanted = float(softdraw.entropy(x, temperature=1.3))

        def difference(t, x=x, wanted=wanted):
            z = (x - x.max()) / t
            e = np.exp(z)
            return np.log(e.sum()) - (z * e).sum() / e.sum() - wanted

        contenders = {"softdraw": lambda x=x, h=wanted: softdraw.temperature_for(x, entropy=h)}
        if peers.find("NumPy"):
            contenders["NumPy, bisection"] = lambda f=difference: bisection(f, 1e-3, 1e3)
        if peers.find("SciPy"):
            from scipy.optimize import brentq

            contenders["SciPy brentq"] = lambda f=difference: brentq(f, 1e-3, 1e3, rtol=1e-9)
        yield Case(f"{n:,}", contenders, n, check=alike(contenders))


SECTIONS = [
    Section(
        "family",
        "The relatives of softmax. softdraw writes into an array that is there already.",
        relatives,
        per="element",
        targets=(NEVER_SLOWER,),
    ),
    Section(
        "temperature_for",
        "The temperature at which float64 logits have a given entropy. The others find a root of "
        "NumPy's expression for it.",
        inverse,
        unit="us",
        axis="logits",
    ),
]
