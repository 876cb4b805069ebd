"""The tool that compares the speed of two builds runs; what it measures is not tested."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import softdraw

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "bench" / "builds.py"
CC = os.environ.get("CC") or "cc"

if not TOOL.exists():
    pytest.skip("bench/ is not beside the tests", allow_module_level=True)


def compare(*arguments):
    command = [sys.executable, TOOL, *arguments, "--rounds", "2"]
    environment = {**os.environ, "CC": f"{CC} -O0"}  # compiles in half the time
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=900, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which(shlex.split(CC)[0]), reason="no C compiler")
@pytest.mark.parametrize(
    "before",
    [softdraw.get_library(), pytest.param(ROOT, marks=pytest.mark.slow)],
    ids=["library", "checkout"],
)
def test_two_builds_of_the_core_are_compared(before, tmp_path):
    report = tmp_path / "report.json"
    cases = ["softmax_f32 1x6", "sample_f32 1x1000, top_k 40"]
    only = f"^({'|'.join(cases)})$"
    compare(before, softdraw.get_library(), "--only", only, "--json", report)
    results = json.loads(report.read_text())["results"]
    assert [result["case"] for result in results] == cases
    assert {result["tier"] for result in results} == {softdraw.cpu_info()["tier"]}
    assert all(result["before"] > 0 and result["after"] > 0 for result in results)


def test_two_installed_packages_are_compared():
    python = sys.executable
    table = compare("--python", python, python, "--only", "softmax of 6", "--markdown")
    assert f"| {softdraw.cpu_info()['tier']} | softmax of 6 |" in table
