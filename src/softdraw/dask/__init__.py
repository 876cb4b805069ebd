"""The same calls on arrays of Dask, of any size and in any chunks.

Import it as ``import softdraw.dask``; it needs Dask, which softdraw itself does not. Every function
returns an array of Dask at once and computes nothing; what shapes and dtypes tell of an error is
raised then, and what only the data tell when the result is computed.

>>> import dask.array
>>> import softdraw, softdraw.dask
>>> logits = dask.array.arange(6.0, chunks=2)
>>> softdraw.dask.softmax(logits, temperature=2).compute().round(4)
array([0.034 , 0.056 , 0.0924, 0.1523, 0.2512, 0.4141])
>>> table = softdraw.AliasTable([1, 2, 1])
>>> softdraw.dask.sample(table, 5, chunks=2, seed=7).compute()
array([1, 0, 1, 1, 0])
>>> table.sample(5, rng=7)
array([1, 0, 1, 1, 0])
"""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

try:
    from dask import array as _array  # type: ignore[import-not-found, import-untyped, unused-ignore] # noqa: F401
except ImportError as _error:
    raise ImportError("softdraw.dask needs Dask: pip install 'softdraw[dask]'") from _error

from ._draws import sample, sample_logits
from ._family import entropy, log_softmax, logsumexp, softmax

__all__ = ["entropy", "log_softmax", "logsumexp", "sample", "sample_logits", "softmax"]
