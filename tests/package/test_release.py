"""The wheels that a release has: where NumPy has them, and no others."""

import sys
from pathlib import Path

import pytest
from processes import run

pytest.importorskip("cibuildwheel", reason="cibuildwheel is not installed")

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "setup.py").exists():
    pytest.skip("the source tree is not beside the tests", allow_module_level=True)

PYTHONS = ["cp310", "cp311", "cp312", "cp313", "cp314", "cp314t", "cp315", "cp315t"]
BUILDS = {
    "linux": [
        f"{python}-{libc}_{machine}"
        for python in PYTHONS
        for libc in ("manylinux", "musllinux")
        for machine in ("x86_64", "aarch64")
    ],
    "macos": [
        f"{python}-macosx_{machine}" for python in PYTHONS for machine in ("x86_64", "arm64")
    ],
    # NumPy has no wheel for CPython 3.10 on ARM64
    "windows": [
        f"{python}-{machine}"
        for python in PYTHONS
        for machine in ("win_amd64", "win32", "win_arm64")
        if (python, machine) != ("cp310", "win_arm64")
    ],
    "pyodide": [f"{python}-pyodide_wasm32" for python in ("cp313", "cp314", "cp315")],
}


@pytest.mark.parametrize("platform", BUILDS)
def test_wheels_are_built_where_numpy_has_them(platform):
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", ROOT]
    done = run([*command, "--platform", platform, "--archs", "all"])
    assert sorted(done.stdout.split()) == sorted(BUILDS[platform])
