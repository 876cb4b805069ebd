"""What tests of softdraw.dask share: arrays, and results compared with those of one machine."""

import numpy as np
import pytest

import softdraw

# Files that import this are skipped where there is no Dask.
da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")

FUNCTIONS = ["softmax", "log_softmax", "logsumexp", "entropy"]
RNG = np.random.default_rng(7)
X = RNG.normal(size=(6, 5, 40)) * 5
LOGITS = (X / 2).astype(np.float32)
MOST = 32 if np.__version__.startswith("1.") else 64  # dimensions of an array of NumPy


def lazy(x, chunks):
    return da.from_array(np.asarray(x), chunks=chunks)


def check(name, got, x, **arguments):
    """The result has the shape and dtype announced, and is close to that of one machine."""
    wanted = getattr(softdraw, name)(x, **arguments)
    result = got.compute()
    assert isinstance(got, da.Array)
    assert got.dtype == got._meta.dtype == result.dtype == wanted.dtype
    assert got.shape == result.shape == np.shape(wanted)
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 4e-7}.get(wanted.dtype.name, 1e-14)
    smallest = {"float16": 1e-7, "float32": 3e-45}.get(wanted.dtype.name, 0)
    got, wanted = np.asarray(result, np.float64), np.asarray(wanted, np.float64)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=smallest)
    assert not np.signbit(got[got == 0]).any()
