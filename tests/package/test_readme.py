"""What the README and docs/ show is so."""

import doctest
import importlib.metadata
import re
from pathlib import Path

import processes
import pytest

import softdraw

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
COMMANDS = [
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/python -m softdraw",
    ".venv/bin/pip install '.[test]' && .venv/bin/python -m pytest",
]

if not README.exists():
    pytest.skip("README.md is not beside tests/", allow_module_level=True)

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]


def blocks(page, language):
    """The fenced blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(page):
    source = "\n".join(blocks(page, "python"))
    test = doctest.DocTestParser().get_doctest(source, {}, page.name, str(page), 0)
    lines = []
    runner = doctest.DocTestRunner()
    runner.run(test, out=lines.append)
    assert not runner.failures, "".join(lines)


def test_the_readme_has_an_example():
    assert ">>>" in "".join(blocks(README, "python"))


def test_the_readme_shows_the_two_commands():
    assert [block.strip() for block in blocks(README, "sh")] == COMMANDS


def test_ci_runs_the_commands_of_the_readme():
    ci = ROOT / ".ci"
    if not ci.exists():
        pytest.skip("no .ci: not a checkout")
    lines = (ci / "run").read_text(encoding="utf-8").splitlines()
    # the whole line, so that neither a comment nor what is only printed counts
    run = re.compile(r'(?:[A-Z_]+="[^"]*" )?bash -euxc "\$\(\.ci/readme_command (\d)\)"')
    numbers = [int(found[1]) for found in map(run.fullmatch, lines) if found]
    extracted = [processes.run([ci / "readme_command", n]).stdout for n in numbers]
    assert extracted == blocks(README, "sh")


def links(text):
    """Those that are not complete addresses, without the part after #."""
    return re.findall(r"\]\((?!https?:)([^)#]+)", text)


def test_links_are_complete_where_the_readme_has_no_files_beside_it():
    try:
        description = importlib.metadata.metadata("softdraw")["Description"]
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not installed")
    assert links(description) == []
    assert f"/raw/v{softdraw.__version__}/docs/pictures/" in description
    assert f"/blob/v{softdraw.__version__}/docs/bench.md" in description


def test_the_citation_has_this_version_and_the_address_of_the_project():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {softdraw.__version__}\n" in citation
    address = re.search(r'^repository-code: "(.+)"$', citation, re.MULTILINE)[1]
    assert f'Source = "{address}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    assert [link for link in links(text) if not (page.parent / link).exists()] == []
