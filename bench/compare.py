"""Time contenders against each other: in one process, in turn, and the minimum over rounds."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from typing import Any, TypeAlias

Clock: TypeAlias = Callable[[int], float]  # the seconds that so many calls take

# The seconds that this thread has had the CPU, which other processes do not add to; where the
# system counts those coarsely, the time of day.
_FINE = time.get_clock_info("thread_time").resolution < 1e-6
cpu_time = time.thread_time if _FINE else time.perf_counter


def cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            names = [
                line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
            ]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def heading(*packages: str) -> str:
    """One line that says what a table was measured on."""
    import softdraw

    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    tier = softdraw.cpu_info()["tier"]
    return f"{cpu_name()}, tier {tier}, Python {platform.python_version()}, {', '.join(versions)}"


def one_thread() -> None:
    """Keep libraries that start threads to one; call it before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def clock(function: Callable[[], Any], now: Callable[[], float] = time.perf_counter) -> Clock:
    """The clock of a Python function, by a function that tells the time in seconds."""

    def seconds(calls: int) -> float:
        repeat = range(calls)
        start = now()
        for _ in repeat:
            function()
        return now() - start

    return seconds


def calls_for(clock: Clock, least: float) -> int:
    """How many calls take `least` seconds; the first call, which may be slow, does not count."""
    clock(1)
    calls = 1
    while (seconds := clock(calls)) < least / 4:
        calls *= 2
    return max(1, round(calls * least / seconds))


def one_round(clocks: dict[str, Clock], calls: dict[str, int]) -> dict[str, float]:
    """Seconds per call of each clock, in turn."""
    return {name: clock(calls[name]) / calls[name] for name, clock in clocks.items()}


def interleaved(
    contenders: dict[str, Callable[[], Any]], rounds: int = 15, least: float = 0.01
) -> dict[str, float]:
    """Seconds per call of each contender, a dict of name to function without arguments.

    In each round every contender runs in turn, often enough to take `least` seconds, so that what
    else the machine does hits all of them alike; the minimum over rounds is what is left.
    """
    clocks = {name: clock(function) for name, function in contenders.items()}
    calls = {name: calls_for(clocks[name], least) for name in clocks}
    times = [one_round(clocks, calls) for _ in range(rounds)]
    return {name: min(seconds[name] for seconds in times) for name in clocks}


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
