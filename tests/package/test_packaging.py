"""What is in the sdist and the wheel, and that a second build gives the same bytes.

SOFTDRAW_DIST names a directory with both, by `python -m build`; without it, --slow builds them.
"""

import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from processes import find, run

ROOT = Path(__file__).resolve().parents[2]
GIVEN = os.environ.get("SOFTDRAW_DIST")

if not (ROOT / "setup.py").exists():
    pytest.skip("the source tree is not beside the tests", allow_module_level=True)


def build(folder, epoch=1_700_000_000):
    pytest.importorskip("build", reason="python -m build is not installed")
    command = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    run(command, environment={"SOURCE_DATE_EPOCH": str(epoch)}, timeout=1800)
    return folder


@pytest.fixture(scope="module")
def dist(request, tmp_path_factory):
    """Directory of one sdist and one wheel."""
    if GIVEN:
        return Path(GIVEN)
    if not request.config.getoption("--slow"):
        pytest.skip("builds: runs with --slow, or on what SOFTDRAW_DIST names")
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(dist):
    (path,) = dist.glob("*.tar.gz")
    return path


def names(folder, *patterns):
    return {path.name for pattern in patterns for path in (ROOT / folder).glob(pattern)}


def test_the_wheel_has_less_than_2_mb(wheel):
    assert wheel.stat().st_size < 2_000_000


def test_the_wheel_has_what_it_should_and_nothing_else(wheel):
    extensions = {path.removesuffix(".pyx") for path in names("src/softdraw", "*.pyx")}
    expected = {f"softdraw/{n}" for n in names("src/softdraw", "*.py", "*.pyi", "*.pxd")}
    expected |= {f"softdraw/dask/{n}" for n in names("src/softdraw/dask", "*.py")}
    core = ROOT / "src" / "core"
    expected |= {f"softdraw/core/{p.relative_to(core).as_posix()}" for p in core.rglob("*.[ch]")}
    expected |= {f"softdraw/include/{n}" for n in names("include", "*.h")}
    expected |= {f"softdraw/{n}.*" for n in extensions} | {"softdraw/py.typed"}
    expected |= {
        f"*.dist-info/{n}"
        for n in (
            "licenses/LICENSE",
            "METADATA",
            "WHEEL",
            "top_level.txt",
            "entry_points.txt",
            "RECORD",
        )
    }

    def plain(name):  # without what depends on the version and on the machine
        name = re.sub(r"^softdraw-[^/]*\.dist-info/", "*.dist-info/", name)
        return re.sub(r"\.[^/]*\.?(so|pyd)$", ".*", name)

    with zipfile.ZipFile(wheel) as archive:
        found = [plain(name) for name in archive.namelist()]
    assert sorted(found) == sorted(expected)


def test_the_sdist_has_the_files_under_version_control_and_its_metadata(sdist):
    if not (ROOT / ".git").exists():
        pytest.skip("needs a checkout")
    listed = run([find("git"), "ls-files"], cwd=ROOT)
    left_out = (".ci/", ".ctags.d/", ".github/", ".gitignore")
    expected = {
        name for name in listed.stdout.split("\n") if name and not name.startswith(left_out)
    }
    metadata = {"PKG-INFO", "setup.cfg"}
    with tarfile.open(sdist) as archive:
        found = {m.name.partition("/")[2] for m in archive.getmembers() if m.isfile()}
    found = {name for name in found if ".egg-info/" not in name}
    assert found == expected | metadata


def test_the_sdist_names_no_user_and_no_time_but_the_given(sdist):
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
    assert {(m.isdir(), m.mode) for m in members} == {(True, 0o755), (False, 0o644)}
    assert len({m.mtime for m in members}) == 1


@pytest.mark.slow
def test_a_second_build_gives_the_same_bytes(dist, sdist, tmp_path):
    with tarfile.open(sdist) as archive:
        again = build(tmp_path, archive.next().mtime)
    first = {path.name: path.read_bytes() for path in dist.iterdir()}
    second = {path.name: path.read_bytes() for path in again.iterdir()}
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
