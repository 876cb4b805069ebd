"""Check what one Linux machine can check for each platform.

    python tools/platforms.py                     # all rows whose tools are installed
    python tools/platforms.py --list              # the rows
    python tools/platforms.py --only s390x,wine   # only these
    python tools/platforms.py --markdown          # then print the table of docs/platforms.md

Most rows are presets of CMakePresets.json or sessions of noxfile.py. A row whose tools are missing
says so, and what is missing; a row that fails prints what failed, and the exit status is 1.
docs/platforms.md names the tools. The Python rows need the network.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "src" / "core").glob("**/*.c"))
# Tools from PyPI are beside this Python, and other Pythons may be pyenv's.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
FOLDERS = [Path(sys.executable).parent, *sorted(PYENV.glob("versions/*/bin"))]
PATH = os.pathsep.join([*map(str, FOLDERS), os.environ.get("PATH", os.defpath)])
HOURS = 3600


class Missing(Exception):
    """A tool that a row needs is not installed."""


class Failed(Exception):
    """A command failed; the text shows it and what it printed."""


def need(program):
    if not shutil.which(program, path=PATH):
        raise Missing(f"no {program}")


def run(*command):
    need(command[0])
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": PATH}, timeout=2 * HOURS, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")
    return done.stdout


# ---- checks: of a row, by its key; each returns how it was checked, and the result ---------------


def settings(preset):
    """The cache variables of a preset, inherited ones included."""
    presets = json.loads((ROOT / "CMakePresets.json").read_text(encoding="utf-8"))
    (found,) = (p for p in presets["configurePresets"] if p["name"] == preset)
    inherited = settings(found["inherits"]) if "inherits" in found else {}
    return {**inherited, **found["cacheVariables"]}


def preset(key, ci):
    """The core and the programs of tests/c, on each tier that there is."""
    names = ("C_COMPILER", "SYSTEM_NAME", "CROSSCOMPILING_EMULATOR")
    compiler, system, emulator = (settings(key).get(f"CMAKE_{n}", "").split(";")[0] for n in names)
    need(compiler)
    run("cmake", "--preset", key)
    run("cmake", "--build", "--preset", key)
    if system and not (emulator and shutil.which(emulator)):
        return "compiled", "all linked" + (f"; not run: no {emulator}" if emulator else "")
    without = ["--label-exclude", "slow"] if ci and emulator.startswith("qemu") else []
    output = run("ctest", "--preset", key, "--parallel", str(os.cpu_count()), *without)
    passed = re.findall(r"# *(\d+): (test_\w+)\.(\w+) \.+ +Passed", output)
    passed.sort(key=lambda test: int(test[0]))
    _, programs, tiers = (dict.fromkeys(column) for column in zip(*passed, strict=True))
    skipped = dict.fromkeys(re.findall(r"(test_\w+)\.\w+ \.+\*+Skipped", output))
    text = "; ".join(
        [f"{len(programs)} programs, {', '.join(tiers)}"]
        + [f"not {program}" for program in skipped if program not in programs]
    )
    return "emulated" if emulator else "run", text


def syntax(key, ci):
    """The core read by clang, as clang-cl or by the branches for MSVC, warnings being errors."""
    machine = key.split("-")[-1]
    msvc = ROOT / "tests" / "c" / "msvc"
    command = ["sh", msvc / "clang_as_msvc"] if key.startswith("msvc") else []
    command += ["clang", f"@{msvc}/flags", f"-I{msvc}", f"-I{ROOT}/include"]
    command += [
        f"--target={machine}-pc-windows-msvc",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    if machine == "i686":
        command += ["-march=pentium4"]  # as MSVC assumes
    for source in CORE:
        run(*command, source)
    return "compiled", f"{len(CORE)} files of the core without a warning"


def session(key, ci):
    """The wheel, by nox."""
    need(f"python{key.split('-')[1]}")
    output = run("nox", "--session", key)
    numpy = re.findall(r"^NumPy (\S+)$", output, re.MULTILINE)
    passed = re.findall(r"^(\d+ passed.*) in ", output, re.MULTILINE)
    return "run", "; ".join(f"NumPy {n}: {text}" for n, text in zip(numpy, passed, strict=False))


def configured(key, ci):
    """The wheels that cibuildwheel is configured to build where there is a machine for them."""
    ask = ["--print-build-identifiers", "--platform", key.split("-")[1], "--archs", "all"]
    pythons = {}
    for build in run("cibuildwheel", *ask, ROOT).split():
        python, machine = build.split("-")
        pythons.setdefault(machine, []).append(python)
    texts = (f"{m}: {p[0]} to {p[-1]}, {len(p)} wheels" for m, p in pythons.items())
    return "configured only", "; ".join(texts)


# ---- rows: key (preset or session), platform, by what, check, whether CI has time for it --------

SSE2 = "-msse2 -mfpmath=sse"
FOR_MSVC = "clang for MSVC's target, C library of tests/c/msvc"
BRANCHES = f"{FOR_MSVC}, branches for MSVC"
ROWS = [
    ("gcc-O0", "Linux x86-64", "gcc -O0", preset, False),
    ("gcc-O3", "Linux x86-64", "gcc -O3", preset, False),
    ("gcc-native", "Linux x86-64", "gcc -O3 -march=native", preset, False),
    ("clang", "Linux x86-64", "clang -O2", preset, True),
    ("clang-native", "Linux x86-64", "clang -O3 -march=native", preset, False),
    ("musl", "Linux x86-64, musl", "musl-gcc -O2", preset, False),
    ("i686", "Linux i686", f"gcc -O2 {SSE2}", preset, False),
    ("aarch64", "Linux aarch64", "gcc -O2, qemu-user", preset, True),
    ("armv7l", "Linux armv7l", "gcc -O2, qemu-user", preset, False),
    ("ppc64le", "Linux ppc64le", "gcc -O2, qemu-user", preset, False),
    ("riscv64", "Linux riscv64", "gcc -O2, qemu-user", preset, False),
    ("s390x", "Linux s390x (big-endian)", "gcc -O2, qemu-user", preset, True),
    ("wine", "Windows x86-64", "mingw-w64 gcc -O2, Wine", preset, True),
    ("wine32", "Windows i686", f"mingw-w64 gcc -O2 {SSE2}, Wine", preset, False),
    ("msvc-wine", "Windows x86-64, MSVC", f"{BRANCHES}, linked by mingw-w64, Wine", preset, False),
    ("clang-cl-x86_64", "Windows x86-64, clang-cl", FOR_MSVC, syntax, True),
    ("clang-cl-i686", "Windows i686, clang-cl", FOR_MSVC, syntax, True),
    ("clang-cl-aarch64", "Windows aarch64, clang-cl", FOR_MSVC, syntax, True),
    ("msvc-x86_64", "Windows x86-64, MSVC", BRANCHES, syntax, True),
    ("msvc-i686", "Windows i686, MSVC", BRANCHES, syntax, True),
    ("msvc-aarch64", "Windows aarch64, MSVC", BRANCHES, syntax, True),
    ("windows-arm64", "Windows aarch64", "zig's clang -O2", preset, False),
    ("macos-arm64", "macOS aarch64", "zig's clang -O2", preset, False),
    ("macos-x86_64", "macOS x86-64", "zig's clang -O2", preset, False),
    ("wasm", "WebAssembly", "emscripten -O2, node", preset, False),
    *(
        (f"wheel-{v}", f"Linux x86-64, CPython {v}", "wheel, auditwheel, pytest", session, False)
        for v in ("3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15", "3.15t")
    ),
    ("wheels-linux", "Linux", "cibuildwheel", configured, False),
    ("wheels-macos", "macOS", "cibuildwheel", configured, False),
    ("wheels-windows", "Windows", "cibuildwheel", configured, False),
    ("wheels-pyodide", "Pyodide", "cibuildwheel", configured, False),
]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the rows and stop")
    parser.add_argument("--only", metavar="ROW,...", help="check only these rows")
    parser.add_argument(
        "--ci", action="store_true", help="check only the rows that CI has time for"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="also print the table of docs/platforms.md"
    )
    options = parser.parse_args()

    keys = [row[0] for row in ROWS]
    chosen = options.only.split(",") if options.only else keys
    if unknown := [key for key in chosen if key not in keys]:
        parser.error(f"no row {', '.join(unknown)}; there are {', '.join(keys)}")
    table = ["| platform | by | checked | result | seconds |", "|---|---|---|---|---|"]
    failed = False
    for key, platform, what, check, in_ci in ROWS:
        if key not in chosen or (options.ci and not in_ci):
            continue
        if options.list:
            print(f"{key:16} {platform}: {what}")
            continue
        start = time.monotonic()
        try:
            how, text = check(key, options.ci)
        except Missing as missing:
            how, text = "not run", str(missing)
        except (Failed, subprocess.TimeoutExpired) as failure:
            how, text = "FAILED", "see the messages"
            print(failure, file=sys.stderr)
            failed = True
        print(f"{key}: {how}: {text}", file=sys.stderr, flush=True)
        seconds = time.monotonic() - start
        table.append(f"| {platform} | {what} | {how} | {text} | {seconds:.0f} |")
    if options.markdown:
        print(*table, sep="\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
