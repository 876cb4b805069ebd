"""What `import softdraw` brings in, and what `import softdraw.dask` says without Dask."""

import os
import subprocess
import sys
import sysconfig

import pytest


def run(code, env=None):
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def test_import_gives_no_warning():
    assert run("import softdraw") == []


def test_import_loads_numpy_and_itself_and_no_more():
    """Import time is measured by `python -m bench --only import`; this is why it is short."""
    listing = "; print(*sys.modules)"
    before = set(run("import sys, re, atexit, pathlib, numpy, numpy.random" + listing))
    after = set(run("import sys, re, atexit, pathlib, numpy, numpy.random, softdraw" + listing))
    added = {name for name in after - before if name.partition(".")[0] != "softdraw"}
    # Cython's own module for the types that its modules share
    assert {name for name in added if not name.startswith(("_cython_", "cython_runtime"))} == set()


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="has a GIL")
def test_import_leaves_a_free_threaded_python_without_a_gil():
    code = "import sys, softdraw; print(sys._is_gil_enabled())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    assert run(code, env=environment) == ["False"]


def test_importing_softdraw_does_not_import_dask():
    assert run("import sys, softdraw; assert 'dask' not in sys.modules") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dask", "softdraw.dask needs Dask: pip install 'softdraw[dask]'"),
        ("numba", "softdraw.numba needs Numba: pip install numba"),
    ],
)
def test_a_library_is_named_where_it_is_missing(name, text):
    code = f"import sys; sys.modules['{name}'] = None; import softdraw.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert f"ImportError: {text}" in done.stderr
