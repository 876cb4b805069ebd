"""Check on one Linux machine what it can check of each platform, and print a table of it.

    python tools/platforms.py                     # everything that the tools at hand allow
    python tools/platforms.py --list              # the rows, and what each needs
    python tools/platforms.py --only s390x,wine   # those alone
    python tools/platforms.py --markdown          # the table of docs/platforms.md

A row whose tools are missing says so, and what is missing; a row that fails prints what failed, and
the exit status is 1. Needs rich, and for the Python rows the network. Cross compilers and emulators
are Debian's: CONTRIBUTING.md has the command that installs them. zig's clang comes from PyPI.
"""

import argparse
import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import rich.box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "src" / "core").glob("*.c"))
PROGRAMS = sorted((ROOT / "tests" / "c").glob("*.c"))
INCLUDE = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src' / 'core'}"]
CPUS = len(os.sched_getaffinity(0))

TIERS = """
#include <stdio.h>
#include "softdraw.h"
int main(void) {
    for (int tier = 0; tier < SOFTDRAW_TIERS; tier++)
        if (softdraw_tier_available(tier)) printf("%s ", softdraw_tier_name(tier));
    return 0;
}
"""


class Missing(Exception):
    """What a row needs is not here."""


class Failed(Exception):
    """A command of a row failed; the text is the row's result."""


class Result(NamedTuple):
    how: str  # it was checked: run, emulated, compiled or configured only
    text: str


@dataclass
class Work:
    """A row's folder and its processes: as many at once, of all rows, as there are CPUs."""

    folder: Path
    log: list[str] = field(default_factory=list)
    seconds: float = 0.0

    slots = threading.Semaphore(CPUS)
    lock = threading.Lock()

    def run(self, what: str, *command: str | Path, **environment: str) -> str:
        """Standard output; `what` names the step if it fails."""
        arguments = [str(part) for part in command]
        with self.slots:
            start = time.monotonic()
            done = subprocess.run(
                arguments,
                cwd=self.folder,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            took = time.monotonic() - start
        with self.lock:
            self.seconds += took
        if done.returncode:
            output = (done.stdout + done.stderr)[-4000:]
            self.log.append(f"$ {' '.join(arguments)}\nexit status {done.returncode}\n{output}")
            raise Failed(what)
        return done.stdout

    def each(self, task: Callable[..., object], *columns: list) -> None:
        """The task for each row of the columns, side by side; all that fail are named."""
        with ThreadPoolExecutor(4 * CPUS) as pool:
            futures = [pool.submit(task, *row) for row in zip(*columns, strict=True)]
        failures = [str(error) for future in futures if (error := future.exception())]
        if failures:
            raise Failed(", ".join(failures))


def find(program: str) -> list[str]:
    """A command line, split, whose program is there; zig is looked for beside this Python, too."""
    words = program.split()
    if words and words[0] == "zig" and importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", *words[1:]]
    if words and not shutil.which(words[0]):
        raise Missing(f"no {words[0]}")
    return words


@dataclass(frozen=True)
class Core:
    """The core and the programs of tests/c by one compiler, run on each tier that there is."""

    compiler: str
    link: str = ""
    runner: str = ""
    needs: str = "scalar"  # tiers that must be there; those that are run
    suffix: str = ""
    without: dict[str, str] = field(default_factory=dict)  # programs left out, and why
    core_compiler: str = ""  # where it is another one
    environment: dict[str, str] = field(default_factory=dict)
    only_compiled: bool = False

    def __call__(self, work: Work) -> Result:
        compiler, link = find(self.compiler), self.link.split()
        core_compiler = find(self.core_compiler) or compiler
        programs = [program for program in PROGRAMS if program.stem not in self.without]
        (work.folder / "tiers.c").write_text(TIERS)
        objects = [work.folder / f"{source.stem}.o" for source in CORE]

        def binary(program: Path) -> Path:
            return work.folder / f"{program.stem}{self.suffix}"

        def compile_core(source: Path, target: Path) -> None:
            arguments = [*core_compiler, *INCLUDE, "-c", source, "-o", target]
            work.run(f"compiling {source.name}", *arguments)

        def link_program(program: Path) -> None:
            arguments = [*compiler, *INCLUDE, program, *objects, "-o", binary(program), *link]
            work.run(f"linking {program.stem}", *arguments)

        work.each(compile_core, CORE, objects)
        work.each(link_program, [*programs, work.folder / "tiers.c"])
        left_out = [f"not {name}: {why}" for name, why in self.without.items()]
        if self.only_compiled:
            return Result("compiled", "; ".join([f"{len(programs)} programs linked", *left_out]))
        try:
            runner = find(self.runner)
        except Missing as missing:
            return Result("compiled", f"{len(programs)} programs linked; not run: {missing}")

        environment = {"WINEDEBUG": "-all", "WINEPREFIX": str(work.folder / "wine")}
        tiers = work.run("tiers", *runner, binary(Path("tiers")), **environment).split()
        if missing_tiers := set(self.needs.split()) - set(tiers):
            raise Failed(f"no tier {', '.join(sorted(missing_tiers))}")

        def execute(program: Path, tier: str) -> None:
            where = {**environment, "SOFTDRAW_ISA": tier}
            work.run(f"{program.stem} on {tier}", *runner, binary(program), **where)

        pairs = [(program, tier) for program in programs for tier in tiers]
        work.each(execute, *map(list, zip(*pairs, strict=True)))
        how = "emulated" if runner else "run"
        return Result(how, "; ".join([f"{len(programs)} programs, {', '.join(tiers)}", *left_out]))


@dataclass(frozen=True)
class Syntax:
    """The core read by clang as for MSVC's targets, with its C library's headers in tests/c/msvc."""

    machine: str
    flags: str = ""

    def __call__(self, work: Work) -> Result:
        command = [
            *find(f"clang --target={self.machine}-pc-windows-msvc {self.flags}"),
            *"-std=c11 -fms-compatibility-version=19.38 -ffreestanding -nostdlibinc".split(),
            *"-fsyntax-only -Wall -Wextra -Werror".split(),
            f"-I{ROOT / 'tests' / 'c' / 'msvc'}",
            *INCLUDE,
        ]
        work.each(lambda source: work.run(f"reading {source.name}", *command, source), CORE)
        return Result("compiled", f"{len(CORE)} files without a warning")


@dataclass(frozen=True)
class Row:
    key: str
    platform: str
    what: str
    check: Callable[[Work], Result]
    ci: bool = False


NO_PAGES = {"test_bounds": "no pages that fault"}
UNFUSED = {"test_soft_fma": "the C library's fma is wrong"}
MSVC_BRANCHES = (
    "-U__clang__ -mavx512f -mavx512bw -mavx512dq -mavx512vl -mf16c -mfma -Wno-unknown-pragmas"
)
MSVC_OBJECTS = (
    "clang --target=x86_64-pc-windows-msvc -O2 -std=c11 -fms-compatibility-version=19.38 "
    f"-ffreestanding -nostdlibinc -mno-stack-arg-probe -I{ROOT / 'tests' / 'c' / 'msvc'}"
)


def linux(triple: str, qemu: str, platform: str, ci: bool = False, **more: str) -> Row:
    flags = more.pop("flags", "")
    core = Core(f"{triple}-gcc -O2 -static {flags}", "-lm", f"qemu-{qemu}-static", **more)
    return Row(platform.split(" ")[0], f"Linux {platform}", "gcc -O2, qemu-user", core, ci)


ROWS = [
    Row("gcc-O0", "Linux x86-64", "gcc -O0", Core("gcc -O0", "-lm")),
    Row("gcc-O3", "Linux x86-64", "gcc -O3", Core("gcc -O3", "-lm")),
    Row(
        "gcc-native",
        "Linux x86-64",
        "gcc -O3 -march=native",
        Core("gcc -O3 -march=native", "-lm"),
    ),
    Row("clang", "Linux x86-64", "clang -O2", Core("clang -O2", "-lm")),
    Row(
        "clang-native",
        "Linux x86-64",
        "clang -O3 -march=native",
        Core("clang -O3 -march=native", "-lm"),
    ),
    Row("musl", "Linux x86-64, musl", "musl-gcc -O2", Core("musl-gcc -O2 -static", "-lm")),
    Row(
        "i686",
        "Linux i686",
        "gcc -O2 -msse2 -mfpmath=sse",
        Core("i686-linux-gnu-gcc -O2 -msse2 -mfpmath=sse -static", "-lm"),
    ),
    linux("aarch64-linux-gnu", "aarch64", "aarch64", True, needs="scalar neon"),
    linux("arm-linux-gnueabihf", "arm", "armv7l"),
    linux("powerpc64le-linux-gnu", "ppc64le", "ppc64le"),
    linux("riscv64-linux-gnu", "riscv64", "riscv64"),
    linux("s390x-linux-gnu", "s390x", "s390x (big-endian)", True),
    Row(
        "wine",
        "Windows x86-64, mingw-w64",
        "gcc -O2, Wine",
        Core("x86_64-w64-mingw32-gcc -O2 -static", "-lm", "wine", suffix=".exe"),
    ),
    Row(
        "wine32",
        "Windows i686, mingw-w64",
        "gcc -O2 -msse2 -mfpmath=sse, Wine",
        Core(
            "i686-w64-mingw32-gcc -O2 -msse2 -mfpmath=sse -static",
            "-lm",
            "/usr/lib/wine/wine",
            suffix=".exe",
        ),
    ),
    Row(
        "msvc-x86-64",
        "Windows x86-64, MSVC",
        "clang-cl's view of the core",
        Syntax("x86_64"),
    ),
    Row(
        "wasm",
        "WebAssembly",
        "emscripten -O2, node",
        Core(
            "emcc -O2",
            "-sALLOW_MEMORY_GROWTH -sEXIT_RUNTIME",
            "node",
            suffix=".js",
            without=NO_PAGES,
        ),
    ),
]


def check(row: Row, folder: Path, report: Callable[[Row, Result], None]) -> tuple[Result, Work]:
    work = Work(folder / row.key)
    work.folder.mkdir(parents=True)
    try:
        result = row.check(work)
    except Missing as missing:
        result = Result("not run", str(missing))
    except Failed as failure:
        result = Result("FAILED", str(failure))
    report(row, result)
    return result, work


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the rows and stop")
    parser.add_argument("--only", metavar="ROW,...", help="these rows alone")
    parser.add_argument("--ci", action="store_true", help="the rows that CI has time for")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()

    keys = [row.key for row in ROWS]
    chosen = options.only.split(",") if options.only else keys
    if unknown := [key for key in chosen if key not in keys]:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(keys)}")
    rows = [row for row in ROWS if row.key in chosen and (row.ci or not options.ci)]
    if options.list:
        for row in rows:
            print(f"{row.key:14} {row.platform}: {row.what}")
        return 0

    console = Console(width=200 if options.markdown else None)
    progress = Console(stderr=True)

    def report(row: Row, result: Result) -> None:
        progress.print(f"{row.key}: {result.how}: {result.text}", highlight=False, markup=False)

    with (
        tempfile.TemporaryDirectory(prefix="softdraw-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(len(rows)) as pool,
    ):
        results = list(pool.map(lambda row: check(row, Path(folder), report), rows))

    table = Table(box=rich.box.MARKDOWN if options.markdown else rich.box.SIMPLE)
    for heading in ("platform", "by", "checked", "result", "CPU s"):
        table.add_column(heading, justify="right" if heading == "CPU s" else "left")
    for row, (result, work) in zip(rows, results, strict=True):
        table.add_row(row.platform, row.what, result.how, result.text, f"{work.seconds:.0f}")
    console.print(table)
    for row, (result, work) in zip(rows, results, strict=True):
        if result.how == "FAILED":
            print(f"\n==== {row.key}", *work.log, sep="\n", file=sys.stderr)
    return any(result.how == "FAILED" for result, _ in results)


if __name__ == "__main__":
    sys.exit(main())
