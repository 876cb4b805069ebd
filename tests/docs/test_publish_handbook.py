"""tools/publish_handbook.py keeps the handbooks of versions apart."""

import sys
from pathlib import Path

import processes
import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "publish_handbook.py"

if not TOOL.exists():
    pytest.skip("tools/ is not beside tests/", allow_module_level=True)


def publish(built, site, name, status=0):
    return processes.run([sys.executable, TOOL, built, site, name], status=status)


def test_each_version_has_a_folder_and_a_line_in_the_list(tmp_path):
    built, site = tmp_path / "built", tmp_path / "site"
    for name in ("v0.9.0", "main", "v0.10.0", "v0.9.0"):
        built.mkdir(exist_ok=True)
        (built / "index.html").write_text(f"handbook of {name}")
        publish(built, site, name)
    assert (site / "v0.9.0" / "index.html").read_text() == "handbook of v0.9.0"
    page = (site / "index.html").read_text()
    places = [page.index(f">{name}<") for name in ("v0.10.0", "v0.9.0", "main")]
    assert places == sorted(places)
    assert page.count("<li>") == 3


def test_a_name_that_is_no_folder_is_refused(tmp_path):
    for name in ("a/b", "..", ""):
        done = publish(tmp_path, tmp_path / "site", name, status=1)
        assert "a version is letters" in done.stderr
