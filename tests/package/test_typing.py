"""The stubs: complete, as stubtest sees it, and right for typical uses, as type checkers see it."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import processes
import pytest

import softdraw

pytest.importorskip("mypy")

PACKAGE = Path(softdraw.__file__).parent
INSTALLED = "site-packages" in PACKAGE.parts
TYPING = Path(__file__).parent / "typing"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run a module of mypy, which does not find editable installs by itself, on the package."""

    directory = tmp_path_factory.mktemp("typing")  # away from other caches and settings

    def run(module, *arguments):
        environment = {} if INSTALLED else {"MYPYPATH": str(PACKAGE.parent)}
        command = [sys.executable, "-m", module, *arguments]
        return processes.run(command, cwd=directory, environment=environment).stdout

    return run


def test_typical_uses_have_the_types_they_should(run):
    run("mypy", "--strict", TYPING / "usage.py")


def test_typical_uses_have_the_types_they_should_in_pyright(run, tmp_path):
    pytest.importorskip("pyright", reason="pyright is not installed")
    shutil.copy(TYPING / "usage.py", tmp_path)  # pyright takes files of its project only
    settings = {
        "extraPaths": [] if INSTALLED else [str(PACKAGE.parent)],
        "typeCheckingMode": "strict",
        "reportUnnecessaryTypeIgnoreComment": True,  # so each misuse there has to be an error
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    said = run("pyright", "--project", tmp_path, "--pythonpath", sys.executable)
    assert "No source files found" not in said


@pytest.mark.skipif(INSTALLED, reason="mypy takes source files from a source tree only")
def test_the_package_itself_is_typed(run):
    run("mypy", "--strict", *sorted(PACKAGE.glob("*.py")))


def test_stubs_say_what_is_there(run, tmp_path):
    allowlist = (TYPING / "stubtest_allowlist.txt").read_text(encoding="utf-8")
    # Numba hides that an intrinsic is a function; without Numba the module cannot be imported.
    numba = importlib.util.find_spec("numba")
    allowlist += "softdraw.numba._address_of\n" if numba else "softdraw.numba\n"
    (tmp_path / "allowlist").write_text(allowlist)
    run("mypy.stubtest", "softdraw", "--allowlist", tmp_path / "allowlist")
