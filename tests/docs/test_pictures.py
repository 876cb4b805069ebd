"""Each picture of the handbook is drawn by a script, and each script runs."""

import os
import re
import sys
from pathlib import Path

import processes
import pytest

import softdraw

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
SCRIPTS = ROOT / "examples" / "pictures"

if not PICTURES.is_dir() or not SCRIPTS.is_dir():
    pytest.skip("docs/ and examples/ are not beside tests/", allow_module_level=True)

NAMES = sorted(
    path.stem
    for path in SCRIPTS.glob("*.py")
    if "style.write(" in path.read_text(encoding="utf-8")  # the others are what these share
)


@pytest.mark.parametrize("name", NAMES)
def test_the_script_draws_the_picture(name, tmp_path):
    pytest.importorskip("matplotlib")
    if "next_word" in (SCRIPTS / f"{name}.py").read_text(encoding="utf-8"):
        pytest.importorskip("symspellpy")
    paths = [str(Path(softdraw.__file__).parents[1]), os.environ.get("PYTHONPATH")]
    processes.run(
        [sys.executable, SCRIPTS / f"{name}.py", "--folder", tmp_path],
        environment={"PYTHONPATH": os.pathsep.join(filter(None, paths)), "MPLBACKEND": "svg"},
    )
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {f"{name}.svg", f"{name}-dark.svg"}
    # how wide text is depends on matplotlib, what it says does not
    assert size(tmp_path / f"{name}.svg") == pytest.approx(size(PICTURES / f"{name}.svg"), abs=1)


def size(path):
    """Width and height in points."""
    found = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', path.read_text(encoding="utf-8"))
    return float(found[1]), float(found[2])


def test_every_picture_has_a_script_and_is_shown():
    assert {path.stem.removesuffix("-dark") for path in PICTURES.glob("*.svg")} == set(NAMES)
    text = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    assert [name for name in NAMES if f"pictures/{name}.svg" not in text] == []


def test_every_picture_is_described():
    for page in DOCS.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert "![](" not in text, f"a picture without a description in {page.name}"
