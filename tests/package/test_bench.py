"""`python -m bench` runs, and writes what it should; what it measures is not tested."""

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import processes
import pytest

import softdraw

ROOT = Path(__file__).resolve().parents[2]
CC = os.environ.get("CC") or "cc"

if not (ROOT / "bench").is_dir():
    pytest.skip("bench/ is not beside the tests", allow_module_level=True)
pytest.importorskip("rich")
has_compiler = bool(shutil.which(shlex.split(CC)[0]))
needs_compiler = pytest.mark.skipif(not has_compiler, reason="no C compiler")


def bench(*arguments, status=0):
    command = [sys.executable, "-m", "bench", *arguments]
    environment = {"CC": f"{CC} -O0"}  # compiles in half the time
    return processes.run(command, cwd=ROOT, environment=environment, status=status, timeout=850)


def names_of_sections():
    names = re.findall(r"^(\w+) ", bench("--list").stdout, re.MULTILINE)
    return [name for name in names if has_compiler or name != "embedding"]


SECTIONS = names_of_sections()


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What all sections write in their quick form."""
    file = tmp_path_factory.mktemp("bench") / "report.json"
    chosen = ("--only", ",".join(SECTIONS), "--peers", "NumPy,numba")
    bench("--quick", *chosen, "--json", file)
    return json.loads(file.read_text())


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_measures_two_contenders_at_least(measured, section):
    if section == "embedding":
        pytest.importorskip("numba", reason="Numba is what the loops in C are compared with")
    rows = [row for row in measured["rows"] if row["section"] == section]
    cases = {}
    for row in rows:
        assert row["seconds"] is None or row["seconds"] > 0
        assert row["ulp"] is None or row["ulp"] >= 0
        cases.setdefault(row["case"], set()).add(row["contender"])
    assert cases
    assert [case for case, contenders in cases.items() if len(contenders) < 2] == []


def test_the_record_says_what_was_measured_where(measured):
    machine = measured["machine"]
    assert machine["tier"] == softdraw.cpu_info()["tier"]
    assert machine["softdraw"] == softdraw.__version__
    assert machine["threads"] == 1
    assert set(machine["versions"]) <= {"NumPy", "numba"}
    assert machine.keys() >= {"cpu", "cpus", "date", "load", "os", "python"}
    assert measured["command"].startswith("python -m bench --quick --only ")
    needed = {"section", "case", "x", "contender", "seconds", "per", "ratio"}
    assert all(row.keys() >= needed for row in measured["rows"])


def test_a_measurement_is_compared_with_an_earlier_one(tmp_path):
    earlier = tmp_path / "earlier.json"
    few = ("--quick", "--only", "half", "--peers", "NumPy")
    bench(*few, "--json", earlier)
    shown = bench(*few, "--compare", earlier).stdout
    assert "| tier | section | case |" in shown
    assert "| half | (1000,) | softdraw, float16 |" in shown


BLOCKS = {"half": "", "machine": "old\n", "other": "kept\n"}


def test_tables_of_a_page_are_replaced_between_their_marks(tmp_path):
    page, tier = tmp_path / "page.md", softdraw.cpu_info()["tier"]
    marks = [f"<!-- bench {name} {tier} -->\n{text}<!-- end -->\n" for name, text in BLOCKS.items()]
    page.write_text("\n".join(["before", *marks, "after"]))
    few = ("--quick", "--peers", "NumPy", "--only")
    bench(*few, "half", "--tiers", tier, "--update", page)
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter")
    assert text.count("<!-- end -->") == 3
    assert "old" not in text
    assert "kept" in text
    assert "| (1000,)" in text
    assert f"`python -m bench --only half --tiers {tier} --quick`" in text
    said = bench(*few, "axis0", "--update", page, status=1).stderr
    assert f"has no <!-- bench axis0 {tier} -->" in said


def test_a_plot_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "plot.svg"
    bench("--quick", "--only", "softmax", "--peers", "NumPy", "--plot", file)
    assert "<svg" in file.read_text(encoding="utf-8")


def test_the_documentation_names_sections_that_there_are():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    commands = re.findall(r"python -m bench [^`|]*--only ([\w,]+)", text)
    names = {name for command in commands for name in command.split(",")}
    names |= set(re.findall(r"^<!-- bench (\w+) \w+ -->$", text, re.MULTILINE))
    assert {"softmax", "draws", "readme"} <= names <= {*SECTIONS, "embedding", "machine"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "nothing"], "no section 'nothing'; there are readme, softmax,"),
        (["--tiers", "sse2"], "no tier 'sse2' on this CPU; there are scalar"),
        (["--peers", "R"], "no peer 'R'; there are NumPy,"),
        (["--compare", "no.json"], "no.json is not a file that --json wrote"),
    ],
)
def test_a_wrong_name_is_an_error_that_lists_the_right_ones(arguments, message):
    assert message in bench(*arguments, status=2).stderr


# ---- two builds ----------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize(
    "before",
    [softdraw.get_library(), pytest.param(ROOT, marks=pytest.mark.slow)],
    ids=["library", "checkout"],
)
def test_two_builds_of_the_core_are_compared(before, tmp_path):
    report = tmp_path / "report.json"
    cases = ["softmax_f32 1x6", "sample_f32 1x1000, top_k 40"]
    only = ("--rounds", "2", "--only", f"^({'|'.join(cases)})$")
    bench("builds", before, softdraw.get_library(), *only, "--json", report)
    results = json.loads(report.read_text())["results"]
    assert [result["case"] for result in results] == cases
    assert {result["tier"] for result in results} == {softdraw.cpu_info()["tier"]}
    assert all(result["before"] > 0 and result["after"] > 0 for result in results)


def test_two_installed_packages_are_compared():
    python = sys.executable
    only = ("--rounds", "2", "--only", "softmax of 6", "--markdown")
    table = bench("builds", "--python", python, python, *only).stdout
    assert f"| {softdraw.cpu_info()['tier']} | softmax of 6 |" in table
