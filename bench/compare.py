"""Time contenders against each other: in one process, in turn, and the minimum over rounds."""

import importlib.metadata
import os
import platform
import time


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            names = [
                line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
            ]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def heading(*packages):
    """One line that says what a table was measured on."""
    import softdraw

    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    tier = softdraw.cpu_info()["tier"]
    return f"{cpu_name()}, tier {tier}, Python {platform.python_version()}, {', '.join(versions)}"


def one_thread():
    """Keep libraries that start threads to one; call it before they are imported."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def interleaved(contenders, rounds=15, least=0.01):
    """Seconds a call of each contender, a dict of name to function without arguments.

    In each round every contender runs in turn, often enough to take `least` seconds, so that what
    else the machine does hits all of them alike; the minimum over rounds is what is left.
    """
    calls, best = {}, {}
    for name, function in contenders.items():
        function()
        start = time.perf_counter()
        function()
        calls[name] = max(1, round(least / max(time.perf_counter() - start, 1e-9)))
        best[name] = float("inf")
    for _ in range(rounds):
        for name, function in contenders.items():
            repeat = range(calls[name])
            start = time.perf_counter()
            for _ in repeat:
                function()
            best[name] = min(best[name], (time.perf_counter() - start) / calls[name])
    return best


def table(columns, rows):
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
