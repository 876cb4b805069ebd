"""The tests and files that docs/assurance.md names exist."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "assurance.md"

if not PAGE.exists():
    pytest.skip("docs/ is not beside tests/", allow_module_level=True)


@lru_cache
def names_of_tests(path):
    """The names of the tests in a file: functions of pytest, or those that a C program calls."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".c":
        names = re.findall(r"^static void (\w+)\(", text, re.MULTILINE)
        return {name for name in names if len(re.findall(rf"\b{name}\(", text)) > 1}
    nodes = ast.parse(text).body
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return {name for name in functions if name.startswith("test_")}


def evidence():
    """(claim, what holds it) of each row of the tables."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| claim"):
            claim, held_by = re.fullmatch(r"\| (.*) \| (.*) \|", line).groups()
            yield claim, re.findall("`([^`]+)`", held_by)


@pytest.mark.parametrize(
    ("claim", "names"), [pytest.param(*row, id=row[0][:60]) for row in evidence()]
)
def test_what_holds_a_claim_exists(claim, names):
    """Names of tests follow that of their file in tests/; a name with a space is a command."""
    assert names, "nothing holds it"
    path = None
    for name in names:
        if " " in name:
            files = [word for word in name.split() if "/" in word]
            assert [file for file in files if not (ROOT / file).exists()] == []
        elif name.endswith((".py", ".c")):
            path = TESTS / name
            assert path.is_file(), name
        else:
            assert path, f"{name} stands before its file"
            assert name in names_of_tests(path), f"{name} is not in {path.name}"


def test_the_page_has_claims():
    assert len(list(evidence())) > 40
