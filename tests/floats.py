"""The floating types that the tests go through: bfloat16, too, where ml_dtypes has a wheel."""

import numpy as np
import pytest

try:
    from ml_dtypes import bfloat16, finfo

    HAS_BFLOAT16 = True
except ImportError:  # musl, 32-bit Windows and Pyodide
    HAS_BFLOAT16 = False
    finfo = np.finfo

    class bfloat16:
        """In its place: conftest.py skips the tests that have it as a parameter."""


needs_bfloat16 = pytest.mark.skipif(not HAS_BFLOAT16, reason="bfloat16 needs ml_dtypes")

HALVES = [np.float16, bfloat16]
FLOATS = [*HALVES, np.float32, np.float64]
