"""``softdraw bench``: a few calls beside NumPy's, in about ten seconds.

``interleaved`` is also what times everything in the repository's ``bench/``.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping
from time import get_clock_info, perf_counter, process_time
from timeit import Timer
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from softdraw import AliasTable, Xoshiro256, __version__, cpu_info, sample_logits, softmax

Clock: TypeAlias = Callable[[int], float]  # the seconds that so many calls take
Times: TypeAlias = dict[str, list[float]]  # seconds per call of each contender, round by round
MIN_ROUNDS = 5
# The seconds that this process has had CPUs, which others do not add to; where the system counts
# those coarsely, the time of day.
_FINE = get_clock_info("process_time").resolution < 1e-6
cpu_time = process_time if _FINE else perf_counter
TEMPERATURE = 0.7
DRAWS = 1_000_000
NOTE = """\
Both libraries take turns, and the fastest of at least five turns counts, by the
time for which this process has a CPU. Both write into arrays that are there
already (out=), but for Generator.choice and draws from logits, which have no
such argument."""


# ---- timing --------------------------------------------------------------------------------------


def calls_for(clock: Clock, least: float) -> int:
    """How many calls take `least` seconds; the first call, which may be slow, does not count."""
    clock(1)
    calls = 1
    while (seconds := clock(calls)) < least / 4:
        calls *= 2
    return max(1, round(calls * least / seconds))


def interleaved(
    clocks: Mapping[str, Clock],
    *,
    rounds: int = 30,
    least: float = 0.001,
    most: float = 2.5,
    enough: Callable[[Times], bool] = lambda times: True,
) -> Times:
    """Seconds per call of each clock, round by round.

    In each round every clock runs in turn, for `least` seconds, so that what else the machine does
    hits all of them alike. Turns are short, so that some of them are not disturbed. There are as
    many rounds as asked for, and as many again until they are `enough`; but after `most` seconds
    no more than five.
    """
    calls = {name: calls_for(clock, least) for name, clock in clocks.items()}
    times: Times = {name: [] for name in clocks}
    order = list(clocks)
    start = perf_counter()
    done = 0
    while True:
        for name in order:
            times[name].append(clocks[name](calls[name]) / calls[name])
        order.reverse()
        done += 1
        late = done >= MIN_ROUNDS and perf_counter() - start > most
        if late or (done % rounds == 0 and enough(times)):
            return times


def spread(times: list[float]) -> float:
    """By which part of the minimum the median over rounds is larger."""
    return statistics.median(times) / min(times) - 1


def cpu_name() -> str:
    """The CPU, with family and model where its name does not tell its generation."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            pairs = [line.split(":", 1) for line in lines if ":" in line]
    except OSError:
        return platform.processor() or platform.machine()
    values = {name.strip(): value.strip() for name, value in reversed(pairs)}  # of the first CPU
    if "model name" not in values:
        return platform.machine()
    numbers = "family {}, model {}".format(values.get("cpu family"), values.get("model"))
    return f"{values['model name']} ({numbers})"


# ---- contenders ----------------------------------------------------------------------------------


class Pair(NamedTuple):
    """The same work, done by both libraries."""

    name: str
    softdraw: Callable[[], Any]
    numpy: Callable[[], Any]


def softmax_into(out: np.ndarray[Any, Any], x: np.ndarray[Any, Any]) -> None:
    """The usual expression in NumPy, without a new array for each step."""
    np.divide(x, x.dtype.type(TEMPERATURE), out=out)
    np.subtract(out, out.max(axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, out.sum(axis=-1, keepdims=True), out=out)


def draw_from_logits(x: np.ndarray[Any, Any], rng: np.random.Generator) -> int:
    """One draw in NumPy: exponentials, their running sum and a search in it."""
    z = x / x.dtype.type(TEMPERATURE)
    sums = np.exp(z - z.max()).cumsum()
    return int(sums.searchsorted(rng.random() * sums[-1], side="right"))


def softmax_pair(name: str, x: np.ndarray[Any, Any]) -> Pair:
    """Both softmaxes of x."""
    ours, theirs = np.empty_like(x), np.empty_like(x)
    return Pair(
        name,
        lambda: softmax(x, temperature=TEMPERATURE, out=ours),
        lambda: softmax_into(theirs, x),
    )


def pairs() -> Iterator[Pair]:
    """What is timed."""
    random = np.random.default_rng(1)
    for name, shape in [
        ("softmax of 6 float32 logits", (6,)),
        ("softmax of 32,000", (32_000,)),
        ("softmax of 4,096 rows of 16", (4096, 16)),
        ("softmax of 4 million", (2**22,)),
    ]:
        yield softmax_pair(name, random.normal(0, 3, shape).astype(np.float32))
    x = random.normal(0, 3, 128_256).astype(np.float32)
    ours, theirs_rng = Xoshiro256(2), np.random.default_rng(2)
    yield Pair(
        "a token from 128,256 logits",
        lambda: sample_logits(x, temperature=TEMPERATURE, rng=ours),
        lambda: draw_from_logits(x, theirs_rng),
    )
    weights = random.random(1000)
    table, p = AliasTable(weights), weights / weights.sum()
    drawn = np.empty(DRAWS, np.int64)
    yield Pair(
        "a million draws from 1,000 weights",
        lambda: table.sample(rng=ours, out=drawn),
        lambda: theirs_rng.choice(1000, DRAWS, p=p),
    )


# ---- the command ---------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them, with three digits."""
    for unit, scale in [("ns", 1e9), ("us", 1e6), ("ms", 1e3)]:
        if seconds * scale < 1000 or unit == "ms":
            value = seconds * scale
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"
    raise AssertionError


def main(most: float = 1.2) -> None:
    """Print the table; each line takes about `most` seconds."""
    print(f"softdraw {__version__}, tier {cpu_info()['tier']}, one thread")
    print(f"NumPy {np.__version__}, Python {platform.python_version()}")
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{cpu_name()}, {os.cpu_count()} CPUs{busy}\n\n{NOTE}\n")
    print(f"{f'at temperature {TEMPERATURE}':36}{'softdraw':>10}{'NumPy':>10}{'ratio':>9}")
    for pair in pairs():
        functions = {"softdraw": pair.softdraw, "NumPy": pair.numpy}
        clocks = {name: Timer(call, timer=cpu_time).timeit for name, call in functions.items()}
        times = interleaved(clocks, rounds=300, most=most)
        ours, theirs = (min(each) for each in times.values())
        cells = f"{duration(ours):>10}{duration(theirs):>10}{theirs / ours:>8.1f}x"
        print(f"{pair.name:36}{cells}", flush=True)
