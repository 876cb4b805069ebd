"""sample_logits: one draw from fresh logits, each row's masses made, filtered and searched."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._alias import as_words, shape_of
from ._random import random_words
from ._softmax import log_softmax, real_array, result_dtype, softmax, unmasked_array


def sample_logits(
    logits: ArrayLike,
    temperature: ArrayLike = 1.0,
    *,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    size: SupportsIndex | Sequence[SupportsIndex] | None = None,
    rng: Any = None,
    words: ArrayLike | None = None,
    return_logprobs: bool = False,
) -> Any:
    """Draw from ``softmax(logits / temperature)``, of what the filters leave.

    The filters apply in the order mask, temperature, `top_k`, `top_p`, `min_p`, as in Hugging Face
    transformers; each sees the renormalised masses of those that survived the ones before. Items
    rank by logit, ties by lower index, at every temperature.

    Parameters
    ----------
    logits : array_like
        Of shape (n,) for one distribution or (rows, n) for one a row; -inf stands for an impossible
        item. float16 and bfloat16 are taken as float32, integers and booleans as float64.
    temperature : float or array_like, optional
        From 0 to inf. 0 draws the largest logit, the first if tied; infinity draws equally from
        what is not -inf. This and the three filters below may have one value a row: shape (rows,)
        or (rows, 1).
    top_k : int or array_like, optional
        At least 1: keep the k largest.
    top_p : float or array_like, optional
        From 0 to 1: keep the smallest set of the largest whose mass reaches `top_p`, the item that
        reaches it included. 0 keeps one item and 1 all.
    min_p : float or array_like, optional
        From 0 to 1: keep what has at least `min_p` times the largest probability.
    mask : array_like, optional
        What may be drawn: booleans, True for allowed, of shape (n,) for all rows or (rows, n); or
        bits in int32 words, of shape (ceil(n / 32),) or (rows, ceil(n / 32)), item 32 i + j being
        bit j of word i. Logits that are masked out are not looked at.
    size : int or tuple of ints, optional
        Shape of the result, for 1-D logits only.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Where the words come from, as for `AliasTable.sample`: one a draw, in the order of the rows,
        whatever the temperature and the filters.
    words : array_like of uint64, optional
        The words to draw with, instead of `rng` and `size`: a single one or an array of any shape
        for 1-D logits, one a row for 2-D. A row and a word always give the same draw.
    return_logprobs : bool, optional
        Whether to return log-probabilities too.

    Returns
    -------
    ids : int or ndarray
        For 1-D logits an int, or an int64 array of the shape of `size` or `words`; for 2-D logits
        an int64 array of shape (rows,).
    logprobs : scalar or ndarray
        With `return_logprobs` only: natural logarithms of the probabilities that the items had, in
        the distribution that they were drawn from. The dtype is that of the logits if it is a
        float, else float64.

    Raises
    ------
    ValueError
        For a logit that may be drawn but is NaN or +inf, a row that has nothing to draw from, a
        parameter out of its range or of a shape that does not fit, `size` with 2-D logits, and
        `words` beside `rng` or `size`. No word is taken then.
    TypeError
        For logits or parameters that are not real numbers of at most 64 bits or are masked arrays,
        for a `top_k` that is no integer, and for a mask of another dtype.

    Examples
    --------
    >>> import softdraw
    >>> logits = [1.0, 4.0, 2.0, 3.0]
    >>> softdraw.sample_logits(logits, 0)
    1
    >>> bool(softdraw.sample_logits(logits, 0.7, top_k=3, size=100, rng=7).all())
    True
    >>> softdraw.sample_logits([logits, logits], top_p=[0.5, 1], words=[2**63, 0])
    array([1, 0])
    >>> ids, logprobs = softdraw.sample_logits(logits, top_k=1, return_logprobs=True)
    >>> ids, float(logprobs)
    (1, 0.0)
    """
    given = real_array(logits, "logits")
    if given.ndim not in (1, 2):
        raise ValueError(f"logits must be 1-D or 2-D, got shape {given.shape}")
    rows, n = given.shape[:-1], given.shape[-1]
    if n == 0:
        raise ValueError("logits is empty")
    parameters = [
        _parameter("temperature", temperature, rows, 0.0, math.inf),
        _parameter("top_k", n if top_k is None else top_k, rows, 1, math.inf),
        _parameter("top_p", 1.0 if top_p is None else top_p, rows, 0.0, 1.0),
        _parameter("min_p", 0.0 if min_p is None else min_p, rows, 0.0, 1.0),
    ]
    allowed = None if mask is None else _allowed(mask, given.shape)
    dtype = result_dtype(given.dtype)
    x = _checked_copy(given, np.float64 if dtype == np.float64 else np.float32, allowed)
    taken = _taken_words(words, size, rng, rows)  # last of all: what fails has taken none

    shape = taken.shape
    by_row = x.reshape(-1, n)
    taken = taken.reshape(len(by_row), 1 if rows else taken.size)
    ids = np.empty(taken.shape, np.int64)
    logprobs = np.empty(taken.shape, dtype)
    for i, (row, t, *filters) in enumerate(zip(by_row, *parameters, strict=True)):
        masses = _masses(row, t, *filters)
        ids[i] = _drawn(masses, taken[i])
        if return_logprobs:
            row[masses == 0] = -math.inf
            logprobs[i] = log_softmax(row, t)[ids[i]]
    result: tuple[Any, Any] = ids.reshape(shape), logprobs.reshape(shape)
    if shape == () and size is None:
        result = int(ids[0, 0]), logprobs[0, 0]
    return result if return_logprobs else result[0]


# ---- a row -------------------------------------------------------------------------------------


def _masses(
    row: NDArray[Any], temperature: float, top_k: int, top_p: float, min_p: float
) -> NDArray[np.float64]:
    """The float64 masses that a row's items are drawn by; 0 for what the filters drop."""
    if temperature == 0:
        masses = np.zeros(row.size)
        masses[row.argmax()] = 1
        return masses
    masses = softmax(row, temperature).astype(np.float64)
    if top_k < row.size or top_p < 1:
        ranked = np.argsort(-row, kind="stable")
        keep = min(top_k, row.size)
        if top_p < 1:
            by_rank = masses[ranked[:keep]].tolist()
            # fsum: a rounded sum that does not depend on the order, so that neither does the set
            enough = top_p * math.fsum(by_rank)
            last = bisect_left(range(keep), enough, key=lambda i: math.fsum(by_rank[: i + 1]))
            keep = last + 1
        masses[ranked[keep:]] = 0
    masses[masses < min_p * masses.max()] = 0
    return masses


def _drawn(masses: NDArray[np.float64], words: NDArray[np.uint64]) -> NDArray[np.intp]:
    """For each word the first item whose cumulative mass exceeds word / 2**64 of the total."""
    cumulative = masses.cumsum()
    total = cumulative[-1]
    # the topmost words round to 2**64 in float64 and would draw past the last mass
    targets: NDArray[np.float64] = np.minimum(words * 2.0**-64 * total, np.nextafter(total, 0))
    return np.searchsorted(cumulative, targets, side="right")


# ---- arguments ---------------------------------------------------------------------------------


def _place(name: str, index: tuple[Any, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _parameter(
    name: str, value: Any, rows: tuple[int, ...], lowest: float, highest: float
) -> list[float]:
    """One value for each row, checked; whole numbers if the lowest possible value is one."""
    whole = isinstance(lowest, int)
    if whole and isinstance(value, int):
        value = max(-1, min(value, 2**63 - 1))  # the like of 10**30 has no dtype
    given = unmasked_array(value, name)
    if given.dtype.kind not in ("iu" if whole else "fiub") and (
        whole or given.dtype.name != "bfloat16"
    ):
        kind = "an integer" if whole else "a real number"
        got = (
            f"an array of dtype {given.dtype}"
            if isinstance(value, (np.ndarray, list, tuple))
            else type(value).__name__
        )
        raise TypeError(f"{name} must be {kind} or an array of them, got {got}")
    values = given if whole else given.astype(np.float64)
    invalid = ~((values >= lowest) & (values <= highest))
    if invalid.any():
        where = np.unravel_index(invalid.argmax(), invalid.shape)
        valid = f">= {lowest:g}" if highest == math.inf else f"in [{lowest:g}, {highest:g}]"
        raise ValueError(f"{_place(name, where)} must be {valid}, got {values[where]}")
    shape = (*rows, 1) if values.ndim == len(rows) + 1 else rows
    try:
        by_row: list[float] = np.broadcast_to(values, shape).reshape(-1).tolist()
    except ValueError:
        raise ValueError(
            f"{name} of shape {values.shape} fits neither {(*rows, 1)} nor {rows}"
        ) from None
    return by_row


def _allowed(mask: Any, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask as booleans that broadcast to the shape of the logits."""
    given = unmasked_array(mask, "mask")
    rows, n = shape[:-1], shape[-1]
    packed = given.dtype.kind == "i" and given.dtype.itemsize == 4
    if not packed and given.dtype != np.bool_:
        raise TypeError(f"mask must be boolean or packed in int32, got dtype {given.dtype}")
    width = -(-n // 32) if packed else n
    if given.shape not in ((width,), (*rows, width)):
        ways = f"{(width,)} or {(*rows, width)}" if rows else f"{(width,)}"
        kind = "packed mask" if packed else "mask"
        raise ValueError(f"{kind} must have shape {ways}, got {given.shape}")
    if not packed:
        return given
    octets = np.ascontiguousarray(given, "<i4").view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=n, bitorder="little").astype(np.bool_)


def _checked_copy(
    given: NDArray[Any], dtype: Any, allowed: NDArray[np.bool_] | None
) -> NDArray[Any]:
    """The logits as they are computed with, -inf where they are masked out."""
    with np.errstate(invalid="ignore"):
        x = np.array(given, dtype, order="C")
        if allowed is not None:
            np.copyto(x, -math.inf, where=~allowed)
        bad = ~(x < math.inf)
    if bad.any():
        where = np.unravel_index(bad.argmax(), bad.shape)
        raise ValueError(f"{_place('logits', where)} is {x[where]}; logits must be finite or -inf")
    hopeless = (x == -math.inf).all(axis=-1)
    if hopeless.any():
        subject = f"row {hopeless.argmax()} of logits has" if x.ndim == 2 else "logits have"
        raise ValueError(f"{subject} nothing to draw from: every entry is -inf or masked")
    return x


def _taken_words(words: Any, size: Any, rng: Any, rows: tuple[int, ...]) -> NDArray[np.uint64]:
    """The words to draw with, in the shape of the result."""
    if words is not None:
        if size is not None or rng is not None:
            raise ValueError("words excludes rng and size")
        given = as_words(words)
        if rows and given.shape != rows:
            raise ValueError(f"words must have shape {rows}, got {given.shape}")
        return given
    if size is not None and rows:
        raise ValueError(f"size must be None for 2-D logits, got {size!r}")
    shape = rows if size is None else shape_of(size)
    return random_words(rng, math.prod(shape)).reshape(shape)
