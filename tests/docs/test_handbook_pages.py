"""What the pages of the handbook show is so: their blocks of code run, in the order of the page.

- ``python`` blocks are doctests, and ``py`` blocks are run. All of a page share their names.
- A block of another language whose first line is a comment with a file name is such a file.
- ``sh`` blocks are run by bash, in the folder of those files, which has examples/, too; a ``text``
  block directly after one shows its output.
"""

import doctest
import importlib.util
import os
import re
import sys
from pathlib import Path

import processes
import pytest

import softdraw

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    DOCS / "index.md",
    *DOCS.glob("tutorial.md"),
    *sorted(DOCS.glob("howto/*.md")),
    *sorted(DOCS.glob("explain/*.md")),
]
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?:/\*|//|#|%) ([\w.]+)(?: \*/)?\n")

if not DOCS.is_dir():
    pytest.skip("docs/ is not beside tests/", allow_module_level=True)


def blocks(page):
    """Triples of language, code and the number of the line before the code."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start()) + 1


def check_doctest(page, code, names, line):
    """Run a block of doctests, whose names come from and go to `names`."""
    test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
    test.globs = names  # not a copy
    lines = []
    doctest.DocTestRunner().run(test, out=lines.append, clear_globs=False)
    assert not lines, "".join(lines)


def skip_what_is_missing(code):
    """Skip the test if code imports a package that is not installed."""
    statement = r"^(?:>>> |\.\.\. )?\s*(?:import (\w+)|from (\w+)[\w.]* import)"
    for module in map("".join, re.findall(statement, code, re.MULTILINE)):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"the page imports {module}, which is not installed")


def needs_a_shell(page):
    return any(language == "sh" for language, *_ in blocks(page))


@pytest.fixture
def environment():
    """For other processes, which find this Python and this softdraw first."""
    package = str(Path(softdraw.__file__).parents[1])
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")])),
    }


PARAMETERS = [
    pytest.param(
        page,
        id=str(page.relative_to(DOCS)),
        marks=[pytest.mark.slow] if needs_a_shell(page) else [],
    )
    for page in PAGES
]


@pytest.mark.parametrize("page", PARAMETERS)
def test_blocks_of_code_run(page, tmp_path, monkeypatch, environment):
    python = [code for language, code, _ in blocks(page) if language.startswith("py")]
    skip_what_is_missing("\n".join(python))
    commands = "".join(code for language, code, _ in blocks(page) if language == "sh")
    for program in re.findall(r"\b(?:cc|cmake)\b", commands) + ["bash"] * bool(commands):
        processes.find(program)
    names = {"__name__": "__main__"}
    printed = None
    monkeypatch.chdir(tmp_path)
    if commands:
        Path("examples").symlink_to(ROOT / "examples")
    for language, code, line in blocks(page):
        if file := FILE_NAME.match(code):
            Path(file[1]).write_text(code, encoding="utf-8")
        elif language == "python":
            check_doctest(page, code, names, line)
        elif language == "py":
            exec(compile("\n" * line + code, str(page), "exec"), names)
        elif language == "sh":
            command = ["bash", "-eu", "-c", code]
            printed = processes.run(command, cwd=tmp_path, environment=environment).stdout
            continue
        elif language == "text" and printed is not None:
            assert printed.rstrip() == code.rstrip(), f"line {line} of {page}"
        printed = None


@pytest.mark.parametrize(
    "page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS))
)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []
    headings = re.findall(r"^#+ (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\([./]*README\.md#([^)]+)\)", text)) <= anchors


def test_each_page_is_reached_from_the_front_page():
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", (DOCS / "index.md").read_text(), re.M | re.S)
    entries = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    named = {page for entry in entries for page in DOCS.glob(f"{entry}.md")}
    assert named | {DOCS / "index.md"} == set(DOCS.rglob("*.md"))


def test_the_reference_has_every_public_name():
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("reference/*.md"))
    named = re.findall(r"^\.\. auto\w+:: (\w+)$", text, re.MULTILINE)
    assert [name for name in softdraw.__all__ if name not in named] == []
