"""Every public call, where memory runs out."""

import os
import platform
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from processes import run

import softdraw

FOLDER = Path(__file__).parent
CC = os.environ.get("CC") or "cc"
# These free an item of a list comprehension twice, if the list finds no memory for it.
FAULTY_CYTHON = ("_cython_3_3_0", "_cython_3_3_1")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="failing_malloc.c is for glibc")
@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11),
    reason="other versions of CPython have other faults of their own",
)
@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="NumPy itself crashes")
@pytest.mark.skipif(
    type(softdraw.softmax).__module__ in FAULTY_CYTHON, reason="compiled by Cython 3.3.0 or 3.3.1"
)
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="something else gets the allocations")
@pytest.mark.skipif(not shutil.which(shlex.split(CC)[0]), reason="no C compiler")
def test_allocations_that_fail_are_memory_errors_and_leave_nothing_behind(tmp_path):
    library = tmp_path / "failing_malloc.so"
    source = FOLDER / "failing_malloc.c"
    run([*shlex.split(CC), "-O1", "-fPIC", "-shared", "-o", library, source, "-ldl"])
    leaks, counted = call_without_memory(library)
    if leaks:  # in one process of twenty, Python keeps a block more for each seed; ours are in all
        again, counted = call_without_memory(library)
        leaks &= again
    assert not leaks, "\n".join(sorted(leaks))
    counts = r"(\d+) calls, (\d+) allocations, (\d+) errors, \d+ crashes of NumPy"
    calls, allocations, errors = map(int, re.fullmatch(counts, counted).groups())
    assert errors > allocations > 10 * calls


def call_without_memory(library):
    """Return the leaks that calls_without_memory.py reports, and its last line, which counts. Any
    other fault that it reports fails the test."""
    done = run(
        [sys.executable, FOLDER / "calls_without_memory.py", library],
        environment={"LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"},
        timeout=1800,
    )
    assert done.stderr == ""  # Python shows errors that a function cannot raise
    *faults, counted = done.stdout.splitlines()
    leaks = {fault for fault in faults if fault.endswith(": leaks")}
    assert set(faults) == leaks, done.stdout
    return leaks, counted
