"""What `python -m bench builds --python` times of an installed softdraw.

This is a worker that takes requests on its input. It first prints its tier and the names of its
cases, with tabs between them. A line `CASE` is answered by a hash of the case's first result, and
`CASE<tab>N` by the seconds that N calls take. It must run with every version of the package that is
to be compared, so it passes the temperature by keyword.
"""

import hashlib
import sys
from collections.abc import Callable
from timeit import Timer
from typing import Any

import numpy as np
from builds_core import cpu_time

import softdraw


def normal(*shape: int) -> Any:
    return np.random.default_rng(1).normal(0, 2, shape).astype(np.float32)


def softmax(*shape: int, axis: int = -1) -> Callable[[], Any]:
    x = normal(*shape)
    return lambda: softdraw.softmax(x, temperature=0.7, axis=axis)


def softmax_into_out() -> Callable[[], Any]:
    x = normal(32_000)
    out = np.empty_like(x)
    return lambda: softdraw.softmax(x, temperature=0.7, out=out)


def log_softmax() -> Callable[[], Any]:
    x = normal(6)
    return lambda: softdraw.log_softmax(x, temperature=0.7)


def table() -> softdraw.AliasTable:
    return softdraw.AliasTable(np.random.default_rng(1).random(1000))


def draw() -> Callable[[], Any]:
    sampler: Callable[[], Any] = table().sampler(softdraw.Xoshiro256(7))
    return sampler


def sample() -> Callable[[], Any]:
    drawn_from, rng = table(), softdraw.Xoshiro256(7)
    return lambda: drawn_from.sample(1000, rng=rng)


def sample_logits(n: int) -> Callable[[], Any]:
    x, rng = normal(n), softdraw.Xoshiro256(7)
    return lambda: softdraw.sample_logits(x, temperature=0.7, rng=rng)


def build() -> Callable[[], Any]:
    weights = np.random.default_rng(1).random(1000)
    return lambda: softdraw.AliasTable(weights)


CASES: dict[str, Callable[[], Callable[[], Any]]] = {
    "softmax of 6": lambda: softmax(6),
    "softmax of (4096, 16)": lambda: softmax(4096, 16),
    "softmax of (1000, 512), axis 0": lambda: softmax(1000, 512, axis=0),
    "softmax of 32000, out=": softmax_into_out,
    "log_softmax of 6": log_softmax,
    "sampler()(), 1000 categories": draw,
    "sample(1000), 1000 categories": sample,
    "sample_logits of 6": lambda: sample_logits(6),
    "sample_logits of 32000": lambda: sample_logits(32_000),
    "AliasTable of 1000": build,
}


def hash_of(result: Any) -> str:
    array = result.units() if isinstance(result, softdraw.AliasTable) else np.asarray(result)
    return hashlib.sha256(array.tobytes()).hexdigest()


def main() -> None:
    clocks: dict[str, Callable[[int], float]] = {}
    print(softdraw.cpu_info()["tier"], *CASES, sep="\t", flush=True)
    for line in sys.stdin:
        name, _, calls = line.rstrip("\n").partition("\t")
        if calls:
            print(clocks[name](int(calls)), flush=True)
        else:
            function = CASES[name]()
            clocks[name] = Timer(function, timer=cpu_time).timeit
            print(hash_of(function()), flush=True)


if __name__ == "__main__":
    main()
