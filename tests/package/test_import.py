"""What `import softdraw` brings in."""

import subprocess
import sys


def run(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_import_gives_no_warning():
    assert run("import softdraw") == []


def test_import_loads_numpy_and_itself_and_no_more():
    """Import time is measured by bench/import_time.py; this is why it is short."""
    listing = "; print(*sys.modules)"
    before = set(run("import sys, re, pathlib, numpy, numpy.random" + listing))
    after = set(run("import sys, re, pathlib, numpy, numpy.random, softdraw" + listing))
    added = {name for name in after - before if name.partition(".")[0] != "softdraw"}
    # Cython's own module for the types that its modules share
    assert {name for name in added if not name.startswith(("_cython_", "cython_runtime"))} == set()
