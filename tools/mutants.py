"""Break the sources in small ways, one at a time, and report which of them the tests notice.

    python tools/mutants.py                 # all that have no result yet; --again: all
    python tools/mutants.py 17 30-39 top_k  # by number, or by a part of the path
    python tools/mutants.py --unbroken      # the same tests without a mutant: all must pass

A mutant of mutants.toml is a text that occurs once in a file, and another text in its place, which
is wrong. Each is applied to a copy of the tree. Then only what depends on the file is compiled
again, only for the tiers that the list names, and the tests run that the list names: they should
fail. A mutant that they do not notice has survived; --whole lets all tests try those.

The tree must be installed in place, by `pip install -e '.[test]'`: extension modules that no mutant
concerns are taken from there. The script needs Python 3.11 and a compiler like GCC.
"""

import argparse
import ast
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tools" / "mutants.toml"
COMPILE = ["cc", "-O1", "-g0", "-fPIC", "-fvisibility=hidden", "-Iinclude", "-Isrc/core"]
SKIPPED = 77  # what a program of tests/c returns where it cannot run
PROGRAM_LIMIT, PYTEST_LIMIT = 100, 300  # seconds after which a test counts as hung


@dataclasses.dataclass(frozen=True)
class Mutant:
    number: int
    path: str
    old: str
    new: str
    why: str  # it is wrong
    programs: tuple  # of tests/c, and files or tests of pytest, that should notice it
    tests: tuple
    kernels: str  # which files of src/core/tiers are compiled with it, by how their names begin
    equivalent: str  # why no test can notice it, or ""

    @property
    def tier(self):
        """The tier to run the tests on, or "" for that which is in use."""
        return self.kernels.split("_")[0]

    @property
    def key(self):
        return hashlib.sha256("\0".join((self.path, self.old, self.new)).encode()).hexdigest()[:16]

    def apply(self, text):
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"mutant {self.number}: {self.old!r} is {count} times in {self.path}")
        return text.replace(self.old, self.new)


def read_list():
    import tomllib

    mutants = []
    for file in tomllib.loads(LIST.read_text(encoding="utf-8"))["file"]:
        for given in file["mutant"]:
            mutants.append(
                Mutant(
                    len(mutants) + 1,
                    file["path"],
                    given["old"],
                    given["new"],
                    given["why"],
                    tuple(given.get("programs", file.get("programs", ()))),
                    tuple(given.get("tests", file.get("tests", ()))),
                    given.get("kernels", file.get("kernels", "")),
                    given.get("equivalent", ""),
                )
            )
    return mutants


class DoesNotCompile(Exception):
    pass


class Copy:
    """A copy of the tree, and beside it object files of the core and of the programs of tests/c."""

    def __init__(self, folder):
        self.folder = folder
        self.objects, self.broken = folder / "objects", folder / "broken"
        self.objects.mkdir(parents=True, exist_ok=True)
        self.broken.mkdir(exist_ok=True)
        self.tree = folder / "tree"
        self.suffix = sysconfig.get_config_var("EXT_SUFFIX")
        self.library = f"src/softdraw/_core{self.suffix}"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip
        built = [*ROOT.glob("src/softdraw/*.so"), *ROOT.glob("src/softdraw/*.c")]
        names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
        self.names = [*names, *(str(path.relative_to(ROOT)) for path in built)]
        if not built:
            sys.exit("the tree is not installed in place: run pip install -e '.[test]' first")
        load = [sys.executable, "-c", "import softdraw"]
        self.has_avx512 = run(load, ROOT, 60, SOFTDRAW_ISA="avx512")[0] == 0

    def restore(self):
        """Make the copy what the tree is; files that have not changed keep their times."""
        for name in self.names:
            source, target = (ROOT / name).stat(), self.tree / name
            if target.exists():
                there = target.stat()
                if (there.st_mtime_ns, there.st_size) == (source.st_mtime_ns, source.st_size):
                    continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)

    def sources(self):
        return [
            *(name for name in self.names if re.fullmatch(r"src/core/(tiers/)?\w+\.c", name)),
            *(name for name in self.names if re.fullmatch(r"tests/c/test_\w+\.c", name)),
            "src/softdraw/_core.c",
        ]

    def compile(self, source, folder):
        target = folder / f"{source.replace('/', '+')}.o"
        python = [f"-I{sysconfig.get_path('include')}"] if "softdraw" in source else []
        export = [] if source.startswith("tests") else ["-DSOFTDRAW_EXPORT"]
        command = [*COMPILE, *python, *export, "-MD", "-MF", f"{target}.d", "-c", source]
        if run([*command, "-o", str(target)], self.tree, 600)[0] != 0:
            raise DoesNotCompile(source)
        return target

    def compile_all(self):
        """Compile what has no object file, or an older one than a file that it depends on."""
        for source in self.sources():
            target = self.objects / f"{source.replace('/', '+')}.o"
            times = [(self.tree / name).stat().st_mtime for name in self.dependencies(source)]
            if not times or target.stat().st_mtime < max(times):
                self.compile(source, self.objects)

    def dependencies(self, source):
        """The files of the tree that an object file was compiled from; none if it is not there."""
        listed = self.objects / f"{source.replace('/', '+')}.o.d"
        if not listed.exists():
            return set()
        words = listed.read_text(encoding="utf-8").replace("\\\n", " ").split()[1:]
        return {os.path.normpath(word) for word in words if not word.startswith("/")}

    def compile_mutant(self, mutant):
        """The object file of each source: a new one where it depends on the mutant's file."""
        objects = {}
        for source in self.sources():
            stale = mutant.path in self.dependencies(source)
            name = Path(source).stem
            if source.startswith("src/core/tiers/"):
                stale = stale and bool(mutant.kernels) and name.startswith(mutant.kernels)
            elif source.startswith("tests/c/"):
                stale = stale and name in mutant.programs
            objects[source] = (
                self.compile(source, self.broken)
                if stale
                else self.objects / f"{source.replace('/', '+')}.o"
            )
        return objects

    def fit_to_cpu(self, mutant):
        """The mutant, in kernels that this CPU can run; None if they do not have it."""
        if mutant.tier != "avx512" or self.has_avx512:
            return mutant
        mutant = dataclasses.replace(mutant, kernels=mutant.kernels.replace("avx512", "avx2"))
        compiled = [
            source
            for source in self.sources()
            if Path(source).stem.startswith(mutant.kernels)
            and mutant.path in self.dependencies(source)
        ]
        return mutant if compiled else None

    def run_programs(self, objects, mutant, programs):
        """The first program that fails, or None."""
        core = [str(path) for source, path in objects.items() if source.startswith("src/core/")]
        for program in programs:
            binary = self.broken / program
            test = str(objects[f"tests/c/{program}.c"])
            if run(["cc", test, *core, "-lm", "-o", str(binary)], self.tree, 600)[0] != 0:
                raise DoesNotCompile(program)
            tier = "sse9" if program == "test_unknown_tier" else mutant.tier
            code, _ = run([str(binary)], self.tree, PROGRAM_LIMIT, SOFTDRAW_ISA=tier)
            if code not in (0, SKIPPED):
                return program + (" (hung)" if code is None else "")
        return None

    def link_library(self, objects):
        inside = [str(path) for source, path in objects.items() if not source.startswith("tests")]
        (self.tree / self.library).unlink()  # which processes that still run may have loaded
        link = ["cc", "-shared", *inside, "-lm", "-o", self.library]
        if run(link, self.tree, 600)[0] != 0:
            raise DoesNotCompile(self.library)

    def modules(self, path):
        """The extension modules that a file is compiled into, other than the core."""
        if path.endswith(".pyx"):
            return [path]
        if not path.endswith(".pxd"):
            return []
        uses = re.compile(rf"^from softdraw\.{Path(path).stem} cimport", re.MULTILINE)
        return [
            name
            for name in self.names
            if name.endswith(".pyx") and uses.search((self.tree / name).read_text(encoding="utf-8"))
        ]

    def build_module(self, path):
        """Build an extension module; without optimisation, to save time."""
        import numpy

        setup = (self.tree / "setup.py").read_text(encoding="utf-8")
        directives = ast.literal_eval(
            re.search(r"compiler_directives=(\{.*?\})", setup, re.DOTALL)[1]
        )
        cython = [sys.executable, "-m", "cython", "-I", "src"]
        for name, value in directives.items():
            cython += ["-3"] if name == "language_level" else ["-X", f"{name}={value}"]
        module = path.removesuffix(".pyx")
        include = [f"-I{numpy.get_include()}", f"-I{sysconfig.get_path('include')}"]
        library = self.tree / f"{module}{self.suffix}"
        library.unlink()  # which processes that still run may have loaded
        link = ["cc", "-O0", "-g0", "-fPIC", "-shared", "-Iinclude", "-Isrc/softdraw", *include]
        link += ["-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION", f"{module}.c", "-o", str(library)]
        for command in ([*cython, path], link):
            if run(command, self.tree, 600)[0] != 0:
                raise DoesNotCompile(path)

    def run_tests(self, tier, tests):
        """The first test of pytest that fails, or None."""
        if not tests:
            return None
        pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        chosen = {"SOFTDRAW_ISA": tier} if tier else {}
        code, output = run(
            [*pytest, "--tb=line", *(f"tests/{test}" for test in tests)], self.tree, PYTEST_LIMIT,
            PYTHONPATH=str(self.tree / "src"), CI="1", **chosen,
        )  # fmt: skip
        if code == 0:
            return None
        if code in (4, 5):
            sys.exit(f"pytest cannot run {tests}:\n{output}")
        failed = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", output, re.MULTILINE)
        if failed:
            return failed[1]
        return f"{tests[0]} ({'hung' if code is None else 'crashed'})"

    def try_mutant(self, mutant, whole):
        """What notices the mutant, or None."""
        programs, tests = mutant.programs, mutant.tests
        if whole:
            programs = [Path(name).stem for name in self.sources() if name.startswith("tests/c/")]
            tests = ["."]
        source = self.tree / mutant.path
        source.write_text(mutant.apply(source.read_text(encoding="utf-8")), encoding="utf-8")
        if source.suffix in (".c", ".h"):
            objects = self.compile_mutant(mutant)
            killer = self.run_programs(objects, mutant, programs)
            if killer or not tests:
                return killer
            self.link_library(objects)
        for module in self.modules(mutant.path):
            self.build_module(module)
        return self.run_tests(mutant.tier, tests)


def run(command, folder, limit, **environment):
    """The exit status, None if it took longer than the limit, and the output."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env={**os.environ, **environment}, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:  # the process may have left others behind
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return code, output.read()


def is_selected(mutant, words):
    for word in words:
        numbers = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        if numbers and int(numbers[1]) <= mutant.number <= int(numbers[2] or numbers[1]):
            return True
        if not numbers and word in mutant.path:
            return True
    return not words


def check_unbroken(copy, mutants):
    """Exit unless all tests of these mutants pass on the sources as they are."""
    objects = {name: copy.objects / f"{name.replace('/', '+')}.o" for name in copy.sources()}
    copy.link_library(objects)
    for tier in sorted({mutant.tier for mutant in mutants}):
        here = [mutant for mutant in mutants if mutant.tier == tier]
        programs = sorted({program for mutant in here for program in mutant.programs})
        tests = sorted({test for mutant in here for test in mutant.tests})
        failed = copy.run_programs(objects, here[0], programs) or copy.run_tests(tier, tests)
        if failed:
            sys.exit(f"{failed} fails without a mutant, on the tier {tier or 'in use'}")
        print(f"{len(programs)} programs and {tests} pass, on the tier {tier or 'in use'}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="*", help="numbers, ranges or parts of paths; default all")
    parser.add_argument("--again", action="store_true", help="also those that have a result")
    parser.add_argument("--whole", action="store_true", help="let all tests try what survived")
    parser.add_argument("--unbroken", action="store_true", help="run the tests without a mutant")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "mutants", help="folder")
    options = parser.parse_args()
    mutants = [mutant for mutant in read_list() if is_selected(mutant, options.which)]
    copy = Copy(options.work.resolve())
    copy.restore()
    copy.compile_all()
    fitting = [fit for mutant in mutants if (fit := copy.fit_to_cpu(mutant))]
    if len(fitting) < len(mutants):
        print(f"{len(mutants) - len(fitting)} need a CPU with AVX-512")
    if options.unbroken:
        check_unbroken(copy, fitting)
        return 0

    file = copy.folder / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for mutant in fitting:
        before = results.get(mutant.key, "")
        if mutant.equivalent or (before and not options.again and not options.whole):
            continue
        if options.whole and before != "survived":
            continue
        begin = time.monotonic()
        try:
            killer = copy.try_mutant(mutant, options.whole)
            results[mutant.key] = f"killed by {killer}" if killer else "survived"
        except DoesNotCompile as error:
            results[mutant.key] = f"does not compile: {error}"
        finally:
            copy.restore()
        file.write_text(json.dumps(results, indent=1), encoding="utf-8")
        took = time.monotonic() - begin
        print(f"{mutant.number:4} {mutant.path}: {results[mutant.key]} ({took:.0f} s)", flush=True)

    counts = {"killed": 0, "survived": 0, "does": 0, "": 0}
    for mutant in mutants:
        result = "" if mutant.equivalent else results.get(mutant.key, "")
        counts[result.split(" ")[0]] += 1
        if result.startswith(("survived", "does")):
            print(f"{mutant.number}: {result}: {mutant.path}: {mutant.why}")
    equivalent = sum(bool(mutant.equivalent) for mutant in mutants)
    print(
        f"{len(mutants)} mutants: {counts['killed']} killed, {counts['survived']} survived, "
        f"{counts['does']} do not compile, {equivalent} equivalent, "
        f"{counts[''] - equivalent} without a result"
    )
    return 1 if counts["survived"] + counts["does"] else 0


if __name__ == "__main__":
    sys.exit(main())
