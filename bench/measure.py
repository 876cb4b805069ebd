"""The sections, and measuring them."""

import importlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from bench import peers
from bench.cases import Case, Row, Section
from softdraw._bench import Times, interleaved, spread

MODULES = ["readme", "softmax", "family", "logits", "draws", "workers", "embedding", "imports"]
ON_REQUEST = ["accuracy"]  # sections that measure no time, and take minutes


def sections_of(modules: Sequence[str]) -> dict[str, Section]:
    found = [importlib.import_module(f"bench.{name}").SECTIONS for name in modules]
    return {section.name: section for sections in found for section in sections}


def timed(case: Case, quick: bool) -> Times:
    clocks = {name: case.clock(function) for name, function in case.contenders.items()}
    return interleaved(clocks, rounds=3 if quick else 30, most=0.2 if quick else 2.5)


def rows_of(section: Section, case: Case, tier: str, quick: bool) -> Iterator[Row]:
    """The rows of one case, whose outputs are compared first."""
    case.check()
    same = (section.name, tier, case.name, case.series, case.x)
    if section.unit == "ULP":
        for name, error in case.contenders.items():
            yield Row(*same, name, None, None, float(error()), section.per, None)
        return
    times = timed(case, quick)
    best = {name: min(each) / case.units for name, each in times.items()}
    first = next(iter(best.values()))
    for name, seconds in best.items():
        row = (name, seconds, spread(times[name]), None, section.per, seconds / first)
        yield Row(*same, *row)


def measure_in_this_process(names: Sequence[str], left_out: set[str], quick: bool) -> list[Row]:
    """All rows of the sections, on the tier in use."""
    peers.left_out |= left_out
    import softdraw

    in_use = softdraw.cpu_info()["tier"]
    sections = sections_of(MODULES + ON_REQUEST * needs_request(names))
    rows: list[Row] = []
    columns = (SpinnerColumn(), "{task.description}", TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        for name in names:
            progress.console.print(f"{in_use}: {name}")
            for case in sections[name].cases(quick):
                progress.update(task, description=f"{in_use}: {name}, {case.name}")
                rows += rows_of(sections[name], case, in_use, quick)
    return rows


def needs_request(names: Sequence[str]) -> bool:
    return any(name not in sections_of(MODULES) for name in names)


def measure(
    tiers: Sequence[str], names: Sequence[str], left_out: set[str], quick: bool
) -> list[Row]:
    """All rows, of each tier in a process of its own, because softdraw reads SOFTDRAW_ISA once; of
    the one in use, if none is named, in this process."""
    if not tiers:
        return measure_in_this_process(names, left_out, quick)
    rows = []
    for tier in tiers:
        os.environ["SOFTDRAW_ISA"] = tier
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            rows += process.submit(measure_in_this_process, names, left_out, quick).result()
    return rows
