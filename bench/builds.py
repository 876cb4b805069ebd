"""Compare the speed of two builds of softdraw, case by case, in one run: `python -m bench builds`.

BEFORE and AFTER are checkouts, whose C core is compiled (by CC, else cc, with -O2), or shared
libraries that export the C API, with their softdraw.h beside them unless it is this checkout's.
With --python, they are the Python interpreters of two environments in which softdraw is installed.

Both builds take turns on one CPU, whose time is measured. Each case is checked to give the same
bits from both before it is timed; a difference ends the run.

Two ratios of AFTER's time to BEFORE's are reported: the median over rounds of the round's ratio,
with the half width of its 95% interval, and the ratio of the two minima. Where they disagree, the
machine was too busy: a case is repeated until they agree and the interval is narrow, for at most
two seconds or so; "?" marks those that never did.
"""

import argparse
import json
import math
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from bench import builds_core, report
from softdraw._bench import Clock, Times, cpu_name, interleaved

HERE = Path(__file__).resolve().parent
LEAST = 0.0003  # seconds of each build in a round: short, so that both meet the same noise
MAX_DISAGREEMENT = 0.01  # between the two ratios, or a case is repeated
MAX_INTERVAL = 0.005  # likewise: on either side of the median
MAX_SECONDS = 2.0  # for a case
# Where code and memory happen to lie changes times, usually by 1 to 5%, and once by 30%. Therefore
# so many copies of each library, or processes of each interpreter, take turns.
PLACES = 8

Clocks: TypeAlias = dict[str, Clock]  # of "before" and "after"


@dataclass
class Result:
    tier: str
    case: str
    before: float  # seconds per call, the minimum over rounds
    after: float
    ratio: float  # the median over rounds of after / before
    interval: float  # half the width of the ratio's 95% interval
    rounds: int

    @property
    def ratio_of_minima(self) -> float:
        return self.after / self.before

    @property
    def agrees(self) -> bool:
        disagreement = abs(self.ratio - self.ratio_of_minima)
        return disagreement <= MAX_DISAGREEMENT and self.interval <= MAX_INTERVAL


# ---- timing --------------------------------------------------------------------------------------


def summary(tier: str, case: str, times: Times) -> Result:
    before, after = times["before"], times["after"]
    ratios = [y / x for x, y in zip(before, after, strict=True)]
    low, median, high = statistics.quantiles(ratios)
    return Result(
        tier,
        case,
        before=min(before),
        after=min(after),
        ratio=median,
        # McGill, Tukey and Larsen 1978, the notches of a box plot
        interval=1.57 * (high - low) / math.sqrt(len(ratios)),
        rounds=len(ratios),
    )


def measure(tier: str, case: str, clocks: Clocks, rounds: int) -> Result:
    """Times both builds for `rounds` rounds, and as many again until the ratios agree."""
    times = interleaved(
        clocks,
        rounds=rounds,
        least=LEAST,
        most=MAX_SECONDS,
        enough=lambda times: summary(tier, case, times).agrees,
    )
    return summary(tier, case, times)


def pin_to_quietest_cpu() -> None:
    """Stay on the CPU that other processes leave the most of, where the system lets us choose."""
    if not hasattr(os, "sched_setaffinity"):
        return

    def share_left(cpu: int) -> float:
        os.sched_setaffinity(0, {cpu})
        start, used = time.perf_counter(), time.process_time()
        while (waited := time.perf_counter() - start) < 0.1:
            pass
        return (time.process_time() - used) / waited

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0), key=share_left)})


# ---- the two kinds of builds ---------------------------------------------------------------------


def compiler() -> list[str]:
    """CC, whose flags come last, or cc."""
    program, *flags = shlex.split(os.environ.get("CC") or "cc")
    return [program, "-O2", "-fPIC", "-fvisibility=hidden", "-DSOFTDRAW_EXPORT", *flags]


def compile_core(checkout: Path, library: Path) -> None:
    sources = [*checkout.glob("src/core/*.c"), *checkout.glob("src/core/tiers/*.c")]
    if not sources:
        raise SystemExit(f"{checkout} is neither a checkout of softdraw nor a shared library")
    command = [*compiler(), f"-I{checkout / 'include'}"]
    objects = [library.with_name(f"{library.stem}-{i}.o") for i in range(len(sources))]

    def compile_one(source: Path, made: Path) -> None:
        subprocess.run([*command, "-c", str(source), "-o", str(made)], check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, objects))  # list: so that errors are raised
    subprocess.run([*command, "-shared", *map(str, objects), "-o", str(library)], check=True)


def prepare(builds: dict[str, Path], folder: Path) -> None:
    """Puts copies of both libraries, their headers and repeat.so in the folder."""
    for name, build in builds.items():
        library, headers = build, build / "include"
        if build.is_file():
            beside = (build.parent / "softdraw.h").exists()
            headers = build.parent if beside else HERE.parent / "include"
        else:
            library = folder / f"{name}.so"
            compile_core(build, library)
        for i in range(PLACES):
            shutil.copy(library, folder / f"{name}-{i}.so")
        shutil.copy(headers / "softdraw.h", folder / f"{name}.h")
    repeat = [str(HERE / "repeat.c"), "-o", str(folder / "repeat.so")]
    subprocess.run([*compiler(), "-fvisibility=default", "-shared", *repeat], check=True)


def pairs_of_libraries(folder: Path, only: re.Pattern[str]) -> Iterator[tuple[str, str, Clocks]]:
    """Tier, case and the clocks of both libraries, for each case that `only` matches."""

    def build_of(name: str) -> builds_core.Build:
        copies = [folder / f"{name}-{i}.so" for i in range(PLACES)]
        return builds_core.Build(copies, folder / f"{name}.h", folder / "repeat.so")

    builds = {name: build_of(name) for name in ("before", "after")}
    tier = builds["before"].tier()
    for case, make in builds_core.cases(builds["before"]):
        if only.search(case):
            call = make()
            same_or_exit(case, [build.results(call) for build in builds.values()])
            yield tier, case, {name: build.clock(call) for name, build in builds.items()}


def pairs_of_interpreters(
    interpreters: dict[str, Path], only: re.Pattern[str]
) -> Iterator[tuple[str, str, Clocks]]:
    """The same for two interpreters, whose workers take turns."""
    workers = {
        name: [Worker(interpreter) for _ in range(PLACES)]
        for name, interpreter in interpreters.items()
    }
    everyone = [worker for of_build in workers.values() for worker in of_build]
    for case in filter(only.search, everyone[0].cases):
        same_or_exit(case, [worker.ask(case) for worker in everyone])
        yield everyone[0].tier, case, {name: turns(workers[name], case) for name in workers}
    for worker in everyone:
        worker.process.communicate()


class Worker:
    """A process that runs builds_python.py and is asked over a pipe."""

    def __init__(self, interpreter: Path) -> None:
        command = [interpreter, HERE / "builds_python.py"]
        self.interpreter, pipe = interpreter, subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.tier, *self.cases = self.reply().split("\t")

    def ask(self, request: str) -> str:
        print(request, file=self.process.stdin, flush=True)
        return self.reply()

    def reply(self) -> str:
        output = self.process.stdout
        if not (line := output.readline() if output else ""):
            raise SystemExit(f"the worker of {self.interpreter} has ended")
        return line.rstrip("\n")


def turns(workers: list[Worker], case: str) -> Clock:
    """A clock that asks another worker each time."""
    order = cycle(workers)
    return lambda calls: float(next(order).ask(f"{case}\t{calls}"))


def same_or_exit(case: str, results: Sequence[object]) -> None:
    if any(result != results[0] for result in results):
        raise SystemExit(f"{case}: the two builds give different results")


def results_of_tier(
    tier: str | None, interpreters: dict[str, Path] | None, folder: Path, only: str, rounds: int
) -> list[Result]:
    """Runs in a process of its own, because a build reads SOFTDRAW_ISA once."""
    if tier:
        os.environ["SOFTDRAW_ISA"] = tier
    pin_to_quietest_cpu()
    pattern = re.compile(only)
    pairs = (
        pairs_of_interpreters(interpreters, pattern)
        if interpreters
        else pairs_of_libraries(folder, pattern)
    )
    results = []
    for in_use, case, clocks in pairs:
        results.append(measure(in_use, case, clocks, rounds))
        print(*cells(results[-1]), sep="  ", file=sys.stderr, flush=True)
    return results


# ---- the report ----------------------------------------------------------------------------------

COLUMNS = ["tier", "case", "before, ns", "after, ns", "median ratio", "ratio of minima", "rounds"]


def cells(result: Result) -> list[str]:
    nanoseconds = [f"{seconds * 1e9:,.1f}" for seconds in (result.before, result.after)]
    doubt = "" if result.agrees else " ?"
    return [
        result.tier,
        result.case,
        *nanoseconds,
        f"{result.ratio:.3f} ± {result.interval:.3f}{doubt}",
        f"{result.ratio_of_minima:.3f}",
        str(result.rounds),
    ]


def overview(results: list[Result]) -> str:
    ratios = sorted(result.ratio for result in results)
    return (
        f"{len(ratios)} cases, median ratios from {ratios[0]:.3f} to {ratios[-1]:.3f}, their "
        f"geometric mean {statistics.geometric_mean(ratios):.3f}; "
        f"{sum(abs(ratio - 1) <= 0.01 for ratio in ratios)} within 1%, "
        f"{sum(abs(ratio - 1) <= 0.02 for ratio in ratios)} within 2%; "
        f"{sum(not result.agrees for result in results)} in doubt"
    )


def plain_table(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m bench builds",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, metavar="BEFORE")
    parser.add_argument("after", type=Path, metavar="AFTER")
    parser.add_argument(
        "--python", action="store_true", help="time calls from Python of installed packages"
    )
    parser.add_argument(
        "--tiers",
        metavar="NAME,...",
        help="instruction sets, named as in SOFTDRAW_ISA (default: the one that the builds choose)",
    )
    parser.add_argument(
        "--only", default="", metavar="REGEX", help="time only the cases that this matches"
    )
    parser.add_argument(
        "--rounds", type=int, default=201, metavar="N", help="number of rounds (default: 201)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write the results to this file"
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("--rounds must be at least 2")
    # absolute, but with links kept: an environment's interpreter is one, and names the environment
    options.before, options.after = options.before.absolute(), options.after.absolute()
    return options


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    builds = {"before": options.before, "after": options.after}
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not options.python:
            prepare(builds, folder)
        for tier in options.tiers.split(",") if options.tiers else [None]:
            interpreters = builds if options.python else None
            given = (tier, interpreters, folder, options.only, options.rounds)
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                results += process.submit(results_of_tier, *given).result()
    if not results:
        raise SystemExit(f"no case matches {options.only!r}")
    rows = [cells(result) for result in results]
    print(f"{cpu_name()}\n")
    print(report.table(COLUMNS, rows) if options.markdown else plain_table([COLUMNS, *rows]))
    print(f"\n{overview(results)}")
    if options.json:
        machine = report.describe_machine(list(dict.fromkeys(result.tier for result in results)))
        builds_in_words = {name: str(build) for name, build in builds.items()}
        record = {
            "machine": machine,
            "command": shlex.join(["python", "-m", "bench", "builds", *arguments]),
        }
        record |= builds_in_words | {"results": [asdict(result) for result in results]}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
