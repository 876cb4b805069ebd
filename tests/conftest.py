import os
import subprocess
import sys
import threading

import hypothesis
import pytest
from floats import HAS_BFLOAT16, bfloat16, needs_bfloat16

# In CI the same examples every time: a red build is then red again on a developer's machine.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

if sys.platform == "emscripten":  # Pyodide: what starts a process or a thread is skipped there

    def _skip(*arguments, **keywords):
        pytest.skip("Pyodide starts neither processes nor threads", allow_module_level=True)

    subprocess.Popen.__init__ = _skip
    threading.Thread.start = _skip
    os.environ["PYTEST_TIMEOUT"] = "0"  # pytest-timeout would start a thread for each test


@pytest.fixture(scope="session")
def draws_by_python():
    """The lines that draws in examples/embedding print, in every language."""
    import numpy as np

    import softdraw

    p = softdraw.softmax(np.array([0.1, 0, 0.5, 1, 4, 0.6], np.float32), temperature=5)
    drawn = softdraw.AliasTable(p).sample(1_000_010, rng=7)
    lines = [[f"{share:.9g}" for share in p], drawn[:10], np.bincount(drawn[10:], minlength=6)]
    return [" ".join(map(str, line)) for line in lines]


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config, items):
    for item in [] if HAS_BFLOAT16 else items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else []
        if any(value is bfloat16 for value in parameters):
            item.add_marker(needs_bfloat16)
    skip = pytest.mark.skip(reason="slow: runs with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.timeout(12 * 3600) if config.getoption("--slow") else skip)


def pytest_report_header():
    import softdraw

    info = softdraw.cpu_info()
    return f"softdraw: {info['tier']} in use, of {', '.join(info['tiers'])}"
