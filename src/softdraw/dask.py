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

import copy
import functools
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

import softdraw

from ._partials import (
    PARTIAL,
    check_invalid,
    check_rows,
    check_temperatures,
    combine_partials,
    find_partials,
    fit_rows,
    read_size,
    softmax_piece,
)

try:
    import dask.array as da  # type: ignore[import-not-found, import-untyped]
    from dask.delayed import delayed  # type: ignore[import-not-found, import-untyped]
except ImportError as _error:
    raise ImportError("softdraw.dask needs Dask: pip install 'softdraw[dask]'") from _error

if TYPE_CHECKING:
    from ._random import _RNG

__all__ = ["entropy", "log_softmax", "logsumexp", "sample", "sample_logits", "softmax"]

_Axis: TypeAlias = int | tuple[int, ...] | None
_Array: TypeAlias = NDArray[Any]

# How many partials are combined at a time, along each axis: fixed, so that results do not depend on
# Dask's settings.
SPLIT_EVERY = 8

# A partial and the entropy of the same items.
ENTROPY = np.dtype([("partial", PARTIAL), ("entropy", np.float64)])


# ---- the softmax family --------------------------------------------------------------------------


def softmax(
    x: da.Array, /, *, temperature: ArrayLike | da.Array = 1.0, axis: _Axis = -1
) -> da.Array:
    """Probabilities ``exp(x / temperature) / sum(exp(x / temperature))``.

    Where each of the axes lies in one chunk, they are those of `softdraw.softmax` bit for bit.
    Where an axis is split, each is within 2 ULP (float32) or 3 ULP (float64) of the exact one.

    Parameters
    ----------
    x : dask.array.Array
        Real numbers (logits), in any chunks, of unknown sizes too.
    temperature : float, array_like or dask.array.Array, optional
        As for `softdraw.softmax`: one for all rows, or one per row.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.

    Returns
    -------
    dask.array.Array
        The shape and chunks of `x`, and its dtype if that is a float, else float64.

    Raises
    ------
    TypeError
        If `x` is not an array of Dask, or it or `temperature` are not real numbers.
    ValueError
        If a temperature is negative or NaN or of a shape that does not fit, or if `axis` is out of
        range (AxisError) or names an axis twice. If `temperature` is an array of Dask, its values
        are looked at when the result is computed.

    See Also
    --------
    softdraw.softmax : For arrays of NumPy.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> softdraw.dask.softmax(dask.array.ones(4, chunks=1)).compute()
    array([0.25, 0.25, 0.25, 0.25])
    """
    return _Rows("x", x, temperature, axis).map("softmax", logarithms=False)


def log_softmax(
    x: da.Array, /, *, temperature: ArrayLike | da.Array = 1.0, axis: _Axis = -1
) -> da.Array:
    """Logarithm of `softmax`, exact even where the probability rounds to 0 or 1.

    Where each of the axes lies in one chunk, the bits are those of `softdraw.log_softmax`. Where an
    axis is split, the error is at most 2 ULP (float32) or 3 ULP (float64). Parameters, result and
    errors are those of `softmax`.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> softdraw.dask.log_softmax(dask.array.arange(4.0, chunks=2)).compute().round(3)
    array([-3.44, -2.44, -1.44, -0.44])
    """
    return _Rows("x", x, temperature, axis).map("log_softmax", logarithms=True)


def logsumexp(
    x: da.Array,
    /,
    *,
    temperature: ArrayLike | da.Array = 1.0,
    axis: _Axis = -1,
    keepdims: bool = False,
) -> da.Array:
    """Logarithm of the sum of exponentials, ``log(sum(exp(x / temperature)))``.

    Where each of the axes lies in one chunk, the bits are those of `softdraw.logsumexp`. Where an
    axis is split, the error is at most 3 ULP of the larger of ``abs(max(x) / temperature)`` and
    ``log(sum(exp((x - max(x)) / temperature)))``. Parameters and errors are those of `softmax`.

    Parameters
    ----------
    keepdims : bool, optional
        Whether the reduced axes stay, with length 1.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> float(softdraw.dask.logsumexp(dask.array.zeros(8, chunks=3)).compute().round(4))
    2.0794
    """
    rows = _Rows("x", x, temperature, axis)
    if not rows.is_split:
        return rows.reduce_whole("logsumexp", keepdims)
    return rows.finish(_logsumexp_of_partials, rows.reduce_pieces(), keepdims)


def entropy(
    logits: da.Array,
    /,
    *,
    temperature: ArrayLike | da.Array = 1.0,
    axis: _Axis = -1,
    keepdims: bool = False,
) -> da.Array:
    """Entropy of ``softmax(logits / temperature)``, in nats.

    Where each of the axes lies in one chunk, the bits are those of `softdraw.entropy`. Where an
    axis is split, the error is at most 2 ULP (float32), or 1e-13 of the result (float64).
    Parameters and errors are those of `softmax`, and `keepdims` is that of `logsumexp`.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> float(softdraw.dask.entropy(dask.array.zeros(8, chunks=3)).compute().round(4))
    2.0794
    """
    rows = _Rows("logits", logits, temperature, axis)
    if not rows.is_split:
        return rows.reduce_whole("entropy", keepdims)
    return rows.finish(_entropy_of_pieces, rows.reduce_pieces(with_entropy=True), keepdims)


class _Rows:
    """The rows of an array along some axes, and their temperatures."""

    def __init__(
        self, name: str, x: da.Array, temperature: ArrayLike | da.Array, axis: _Axis
    ) -> None:
        _check_is_dask(name, x)
        self.axes, self.dtype = check_rows(name, x.dtype, x.shape, axis)
        self.x = x.astype(self.dtype)  # which changes integers alone
        self.temperature = _temperatures(temperature, self.x, self.axes)
        self.is_split = any(len(x.chunks[each]) > 1 for each in self.axes)
        self.index = tuple(range(x.ndim))
        self.ones = dict.fromkeys(self.axes, 1)

    def blockwise(
        self,
        compute: Callable[..., Any],
        dtype: np.dtype[Any],
        /,
        *arrays: da.Array | float,
        **named: Any,
    ) -> da.Array:
        """What a function makes of blocks of arrays that have the dimensions of x."""
        return _blockwise(compute, self.index, dtype, *((a, self.index) for a in arrays), **named)

    def map(self, function: str, logarithms: bool) -> da.Array:
        """The function of that name, or softmax of pieces, in each block."""
        if not self.is_split:
            return self.blockwise(
                _compute_whole,
                self.dtype,
                self.x,
                self.temperature,
                function=function,
                axes=self.axes,
            )
        return self.blockwise(
            _write_piece,
            self.dtype,
            self.x,
            self.reduce_pieces(),
            axes=self.axes,
            logarithms=logarithms,
        )

    def reduce_whole(self, function: str, keepdims: bool) -> da.Array:
        """The reduction of that name, where each axis is in one chunk."""
        reduced = self.blockwise(
            _compute_whole,
            self.dtype,
            self.x,
            self.temperature,
            adjust_chunks=self.ones,
            function=function,
            axes=self.axes,
            keepdims=True,
        )
        return reduced if keepdims else _without(reduced, self.axes)

    def reduce_pieces(self, with_entropy: bool = False) -> da.Array:
        """The partials of whole rows, with dimensions of length 1 for the axes."""
        dtype = ENTROPY if with_entropy else PARTIAL
        pieces = self.blockwise(
            _find_entropies if with_entropy else _find_partials,
            dtype,
            self.x,
            self.temperature,
            adjust_chunks=self.ones,
            axes=self.axes,
        )
        combine = _combine_entropies if with_entropy else _combine_partials
        return da.reduction(
            pieces,
            chunk=_keep,
            combine=combine,
            aggregate=combine,
            axis=self.axes,
            keepdims=True,
            dtype=dtype,
            meta=np.empty((0,) * len(self.index), dtype),
            split_every=dict.fromkeys(self.axes, SPLIT_EVERY),
        )

    def finish(self, function: Callable[..., _Array], whole: da.Array, keepdims: bool) -> da.Array:
        """What the function makes of the partials of whole rows."""
        result = self.blockwise(
            _finish, self.dtype, whole, function=function, dtype_of_result=self.dtype
        )
        return result if keepdims else _without(result, self.axes)


# ---- what is computed of blocks ------------------------------------------------------------------


def _compute_whole(
    x: _Array, temperature: Any, function: str, axes: tuple[int, ...], **named: Any
) -> _Array:
    axis = axes[0] if len(axes) == 1 else axes  # an int has a faster way
    return np.asarray(getattr(softdraw, function)(x, temperature=temperature, axis=axis, **named))


def _find_partials(x: _Array, temperature: Any, axes: tuple[int, ...]) -> _Array:
    rows = _as_rows(x, axes)
    kept = _lengths_with_ones(x.shape, axes)
    temperatures = np.broadcast_to(temperature, kept).reshape(-1)
    return find_partials(rows, temperatures).reshape(kept)


def _combine_partials(partials: _Array, axis: tuple[int, ...], keepdims: bool = True) -> _Array:
    return combine_partials(_as_rows(partials, axis)).reshape(
        _lengths_with_ones(partials.shape, axis)
    )


def _write_piece(x: _Array, whole: _Array, axes: tuple[int, ...], logarithms: bool) -> _Array:
    order = _order_of(x.ndim, axes)
    result = softmax_piece(_as_rows(x, axes), whole.reshape(-1), logarithms)
    result = _rounded_to(x.dtype, result).reshape([x.shape[i] for i in order])
    return result.transpose(np.argsort(order))


def _find_entropies(x: _Array, temperature: Any, axes: tuple[int, ...]) -> _Array:
    partials = _find_partials(x, temperature, axes)
    result = np.empty(partials.shape, ENTROPY)
    result["partial"] = partials
    rows = _as_rows(x, axes)
    result["entropy"] = softdraw.entropy(
        rows, temperature=partials["temperature"].reshape(-1)
    ).reshape(partials.shape)
    return result


def _combine_entropies(pieces: _Array, axis: tuple[int, ...], keepdims: bool = True) -> _Array:
    """The entropy of pieces: that of the pieces' probabilities, and the mean of their own."""
    rows = _as_rows(pieces, axis)
    partials, entropies = rows["partial"], rows["entropy"]
    whole = combine_partials(partials)
    relative = _relative_logsumexps(partials, whole)
    shares = softdraw.softmax(relative)
    mean = np.zeros(len(rows))
    for each in range(rows.shape[1]):  # in a fixed order, unlike NumPy's sums
        share = shares[:, each]
        mean += np.where(share > 0, share * entropies[:, each], 0)
    result = np.empty(len(rows), ENTROPY)
    result["partial"] = whole
    result["entropy"] = softdraw.entropy(relative) + mean
    return result.reshape(_lengths_with_ones(pieces.shape, axis))


def _relative_logsumexps(partials: _Array, whole: _Array) -> _Array:
    """The logsumexp of each piece less max / T of its row: NaN for a row with NaN or an infinity,
    or without items."""
    own = _logs_of_sums(partials)
    with np.errstate(all="ignore"):
        difference = partials["max"] - whole["max"][:, None]
        scaled = difference / whole["temperature"][:, None]
        result = np.where(difference == 0, 0, scaled) + own
    result[np.isneginf(partials["max"])] = -np.inf
    result[~np.isfinite(whole["max"] + whole["excess"])] = np.nan
    return result


def _logs_of_sums(partials: _Array) -> _Array:
    """The logsumexp of each partial less its max / T; NaN where the maximum is not finite."""
    highest = np.ascontiguousarray(partials["max"]).reshape(-1, 1)
    return -softmax_piece(highest, partials.reshape(-1), logarithms=True).reshape(partials.shape)


def _logsumexp_of_partials(whole: _Array) -> _Array:
    highest, t = whole["max"], whole["temperature"]
    with np.errstate(all="ignore"):
        first = np.where(highest == 0, 0, highest / t)
        finite = np.where(np.isinf(first), first, first + _logs_of_sums(whole))
        # Of a maximum that is infinite, only NaN makes anything else.
        result = np.where(np.isfinite(highest), finite, highest) + whole["excess"] * 0
    return result + 0.0  # -0 becomes +0


def _entropy_of_pieces(whole: _Array) -> _Array:
    return np.where(np.isfinite(whole["partial"]["max"]), whole["entropy"], np.nan)


def _finish(
    whole: _Array, function: Callable[[_Array], _Array], dtype_of_result: np.dtype[Any]
) -> _Array:
    return _rounded_to(dtype_of_result, function(whole.reshape(-1))).reshape(whole.shape)


def _keep(block: _Array, axis: tuple[int, ...], keepdims: bool) -> _Array:
    return block


def _rounded_to(dtype: np.dtype[Any], result: _Array) -> _Array:
    if result.dtype == dtype:
        return result
    with np.errstate(all="ignore"):  # what is too large or too small becomes infinite or 0
        rounded = result.astype(dtype)
        return np.add(rounded, 0, out=rounded, casting="unsafe")  # -0 becomes +0


# ---- draws ---------------------------------------------------------------------------------------

# What is drawn from a row, and which of its chunks a word draws from, with the word for that chunk.
CHOICE = np.dtype([("chunk", np.int64), ("word", np.uint64), ("whole", PARTIAL)])


def sample_logits(
    logits: da.Array,
    /,
    *,
    temperature: ArrayLike | da.Array = 1.0,
    top_k: ArrayLike | da.Array | None = None,
    top_p: ArrayLike | da.Array | None = None,
    min_p: ArrayLike | da.Array | None = None,
    mask: ArrayLike | da.Array | None = None,
    size: SupportsIndex | Sequence[SupportsIndex] | None = None,
    rng: _RNG = None,
    invalid: str = "raise",
    return_logprobs: bool = False,
) -> Any:
    """Draw from ``softmax(logits / temperature)`` for each row, of what the filters leave.

    Row r takes word r of the stream of the seed, or with `size` as many words in turn, whatever the
    chunks and the workers are. So where the last axis lies in one chunk, the draws are those of
    `softdraw.sample_logits` with the same seed. Where it is split, a word first chooses a chunk by
    the chunks' masses, and then an item in it; the probabilities are the same to within about
    1e-15, and the draws are a function of the seed and of the chunks of the last axis alone.

    Parameters
    ----------
    logits : dask.array.Array
        Of shape (n,) for one distribution, or (..., n) for one per row, in chunks of known sizes.
    temperature, top_k, top_p, min_p : number, array_like or dask.array.Array, optional
        As for `softdraw.sample_logits`: one for all rows, or one per row. The filters need the last
        axis in one chunk.
    mask : array_like or dask.array.Array, optional
        As for `softdraw.sample_logits`: what may be drawn. Packed bits need the last axis in one
        chunk.
    size : int or tuple of ints, optional
        Shape of the draws from each row. None is one draw.
    rng : None, int, sequence of ints, SeedSequence, Xoshiro256 or Generator of it, optional
        A seed, or a generator, which is advanced by one word per draw at once. None is a seed from
        the operating system, taken once: the same array computed twice has the same draws.
    invalid : {"raise", "skip"}, optional
        What becomes of a row that has NaN, +inf or nothing to draw from: a ValueError when the
        draws are computed, or the id -1 (and the log-probability NaN) for that row alone.
    return_logprobs : bool, optional
        Whether to return log-probabilities too.

    Returns
    -------
    ids : dask.array.Array
        int64, of the shape of `logits` without the last axis, followed by `size`.
    logprobs : dask.array.Array
        With `return_logprobs` only: natural logarithms of the probabilities of the items drawn.

    Raises
    ------
    TypeError
        If `logits` is not an array of Dask, or a dtype does not fit; if `rng` is a generator of
        another kind, in which no word can be found without making those before it.
    ValueError
        If chunk sizes are unknown, a parameter is out of its range or of a shape that does not fit,
        or a filter is given and the last axis is split.

    See Also
    --------
    softdraw.sample_logits : For arrays of NumPy.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> logits = dask.array.zeros((3, 1000), chunks=(1, 300))
    >>> softdraw.dask.sample_logits(logits, rng=7).compute().shape
    (3,)
    """
    _check_is_dask("logits", logits)
    _, dtype = check_rows("logits", logits.dtype, logits.shape, -1)
    _check_known("logits", logits)
    if not logits.ndim:
        raise ValueError("logits must have at least one dimension, got a number")
    *rows, n = logits.shape
    if n == 0:
        raise ValueError("logits is empty")
    if max(logits.chunks[-1]) > 2**32 - 128:
        raise ValueError(f"chunks of logits must have at most 2**32 - 128 items per row, got {n}")
    check_invalid(invalid)
    extra = () if size is None else read_size(size)
    logits = logits.astype(dtype)  # which changes integers alone
    axis = logits.ndim - 1
    parameters = {"top_k": top_k, "top_p": top_p, "min_p": min_p}
    given = {name: value for name, value in parameters.items() if value is not None}
    temperatures = _parameter("temperature", temperature, logits)
    filters = {name: _parameter(name, value, logits) for name, value in given.items()}
    allowed = None if mask is None else _mask(mask, logits)
    shape = (*rows, *extra)
    words = _Words(_generator(rng, math.prod(shape)), shape)
    named: dict[str, Any] = {"words": words, "extra": extra, "invalid": invalid}
    draw = _draw_from_pieces if len(logits.chunks[axis]) > 1 else _draw_from_rows
    drawn = draw(logits, allowed, temperatures, filters, with_logprobs=return_logprobs, **named)
    if not return_logprobs:
        return drawn
    return drawn["id"], drawn["logprob"]


def sample(
    table: softdraw.AliasTable,
    /,
    size: SupportsIndex | Sequence[SupportsIndex],
    *,
    chunks: Any = "auto",
    seed: _RNG = None,
) -> da.Array:
    """Draws from an alias table.

    Draw i, in C order, takes word i of the stream of the seed. So the draws are those of
    ``table.sample(size, rng=seed)``, in any chunks. Each worker gets the table once.

    Parameters
    ----------
    table : AliasTable
        What to draw from.
    size : int or tuple of ints
        Shape of the result.
    chunks : int, tuple or str, optional
        Chunks of the result, as for other functions of Dask. Chunks along the first axis alone are
        the fastest: in any others, each run of draws that follow each other costs 5 to 30
        microseconds more.
    seed : None, int, sequence of ints, SeedSequence, Xoshiro256 or Generator of it, optional
        As `rng` for `sample_logits`.

    Returns
    -------
    dask.array.Array
        int64.

    Raises
    ------
    TypeError
        If `table` is no AliasTable, or `seed` is a generator of another kind.
    ValueError
        If `size` is negative, or `chunks` do not fit it.

    Examples
    --------
    >>> import softdraw, softdraw.dask
    >>> table = softdraw.AliasTable([1, 2, 1])
    >>> softdraw.dask.sample(table, (2, 3), chunks=(1, 2), seed=7).compute()
    array([[1, 0, 1],
           [1, 0, 2]])
    """
    if not isinstance(table, softdraw.AliasTable):
        raise TypeError(f"table must be an AliasTable, got {type(table).__name__}")
    shape = read_size(size)
    chunks = da.core.normalize_chunks(chunks, shape, dtype=np.dtype(np.int64))
    return da.map_blocks(
        _draw_from_table,
        delayed(table, pure=True, traverse=False),
        chunks=chunks,
        dtype=np.int64,
        meta=np.empty((0,) * len(shape), np.int64),
        words=_Words(_generator(seed, math.prod(shape)), shape),
    )


class _Words:
    """Words of a generator's stream, arranged in C order in a shape."""

    def __init__(self, generator: softdraw.Xoshiro256, shape: tuple[int, ...]) -> None:
        self.generator = generator
        self.shape = shape

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "softdraw.dask._Words", pickle.dumps(self.generator), self.shape

    def take(self, location: list[tuple[int, int]]) -> _Array:
        """The words at a location, the first and last index along each axis."""
        out = np.empty([end - begin for begin, end in location], np.uint64)
        for run, generator in self._runs(out, location):
            run[:] = generator.random_raw(len(run))
        return out

    def draw(self, table: softdraw.AliasTable, location: list[tuple[int, int]]) -> _Array:
        """What the words at a location draw from a table."""
        out = np.empty([end - begin for begin, end in location], np.int64)
        for run, generator in self._runs(out, location):
            table.sample(out=run, rng=generator)
        return out

    def _runs(
        self, out: _Array, location: list[tuple[int, int]]
    ) -> Iterator[tuple[_Array, softdraw.Xoshiro256]]:
        """The parts of out whose words follow each other, and a generator that is there."""
        if out.size == 0:
            return
        generator = copy.copy(self.generator)
        axis = len(self.shape) - 1
        while axis > 0 and out.shape[axis] == self.shape[axis]:
            axis -= 1  # along which the location is whole, so that a run goes on
        runs = out.reshape(-1, math.prod(out.shape[max(axis, 0) :]))
        begins = [begin for begin, _ in location]
        at = 0
        for run, index in zip(runs, np.ndindex(*out.shape[: max(axis, 0)]), strict=True):
            first = 0
            for i, length in enumerate(self.shape):
                first = first * length + begins[i] + (index[i] if i < len(index) else 0)
            generator.advance(first - at)
            at = first + len(run)
            yield run, generator


def _draw_from_table(table: softdraw.AliasTable, words: _Words, block_info: Any = None) -> _Array:
    return words.draw(table, block_info[None]["array-location"])


def _draw_from_rows(
    logits: da.Array,
    mask: da.Array | None,
    temperature: da.Array | float,
    filters: dict[str, Any],
    extra: tuple[int, ...],
    with_logprobs: bool,
    **named: Any,
) -> da.Array:
    """Draws where the last axis is in one chunk."""
    axis = logits.ndim - 1
    index, extra_index = tuple(range(axis + 1)), tuple(range(axis + 1, axis + 1 + len(extra)))
    # The words of a packed mask are not along the axis of the logits.
    mask_index = (*index[:-1], -1) if mask is not None and mask.dtype == np.int32 else index
    drawn = _blockwise(
        _draw_rows,
        index + extra_index,
        _dtype_of_draws(logits, with_logprobs),
        (logits, index),
        (mask, mask_index),
        (temperature, index),
        *((value, index) for value in filters.values()),
        *((_places(logits, i), (i,)) for i in range(axis)),
        new_axes=dict(zip(extra_index, extra, strict=True)),
        adjust_chunks={axis: 1},
        names=tuple(filters),
        extra=extra,
        with_logprobs=with_logprobs,
        **named,
    )
    return _without(drawn, (axis,))


def _draw_rows(
    logits: _Array,
    mask: Any,
    temperature: Any,
    *others: Any,
    names: tuple[str, ...],
    words: _Words,
    extra: tuple[int, ...],
    invalid: Any,
    with_logprobs: bool,
) -> _Array:
    mask = _only(mask)
    begins = _begins_of(others[len(names) :])
    location = _location(begins, logits.shape, extra)
    try:
        drawn = softdraw.sample_logits(
            logits,
            temperature=temperature,
            mask=mask,
            words=words.take(location),
            invalid=invalid,
            return_logprobs=with_logprobs,
            **dict(zip(names, others, strict=False)),
        )
    except ValueError as error:
        _raise_for(_masked(logits, mask), logits, [*begins, 0])
        raise ValueError(f"{error}; places are within the chunk that begins at {begins}") from None
    result = _draws_of(*drawn) if with_logprobs else np.asarray(drawn)
    return np.expand_dims(result, logits.ndim - 1)


def _draw_from_pieces(
    logits: da.Array,
    mask: da.Array | None,
    temperature: da.Array | float,
    filters: dict[str, Any],
    words: _Words,
    extra: tuple[int, ...],
    invalid: Any,
    with_logprobs: bool,
) -> Any:
    """Draws where the last axis is split."""
    axis = logits.ndim - 1
    count = len(logits.chunks[axis])
    packed = ["a packed mask"] if mask is not None and mask.dtype == np.int32 else []
    for name in [*filters, *packed]:
        raise ValueError(
            f"{name} needs the last axis of logits in one chunk, and it is split into {count}; "
            "write logits.rechunk({-1: -1})"
        )
    index, extra_index = tuple(range(axis + 1)), tuple(range(axis + 1, axis + 1 + len(extra)))
    pieces = ((logits, index), (mask, index), (temperature, index))
    places = [(_places(logits, i), (i,)) for i in index]
    partials = _blockwise(
        _find_partials_to_draw,
        index,
        PARTIAL,
        *pieces,
        *places,
        adjust_chunks={axis: 1},
        invalid=invalid,
    )
    choices = _blockwise(
        _choose_chunks,
        index[:-1] + extra_index,
        CHOICE,
        (partials, index),
        *places[:-1],
        new_axes=dict(zip(extra_index, extra, strict=True)),
        words=words,
        extra=extra,
        invalid=invalid,
    )
    drawn = _blockwise(
        _draw_from_chosen,
        index + extra_index,
        _dtype_of_draws(logits, with_logprobs),
        *pieces,
        (choices, index[:-1] + extra_index),
        places[-1],
        adjust_chunks={axis: 1},
        with_logprobs=with_logprobs,
    )
    if not with_logprobs:
        return _find_max(drawn, axis, -1)
    return {
        name: _find_max(drawn[name], axis, lowest)
        for name, lowest in (("id", -1), ("logprob", -np.inf))
    }


def _find_max(drawn: da.Array, axis: int, lowest: float) -> da.Array:
    """The draws from the chunks that were chosen: those from the others are the lowest."""
    largest = functools.partial(np.max, initial=lowest)
    meta = np.empty((0,) * (drawn.ndim - 1), drawn.dtype)
    return da.reduction(
        drawn, chunk=largest, aggregate=largest, axis=axis, dtype=drawn.dtype, meta=meta
    )


def _find_partials_to_draw(
    logits: _Array, mask: _Array | None, temperature: Any, *places: _Array, invalid: Any
) -> _Array:
    masked = _masked(logits, mask)
    partials = _find_partials(masked, temperature, (logits.ndim - 1,))
    if invalid == "raise" and not (partials["max"] + partials["excess"] < np.inf).all():
        _raise_for(masked, logits, _begins_of(places), nothing=False)
    return partials


def _choose_chunks(
    partials: list[_Array], *places: Any, words: _Words, extra: tuple[int, ...], invalid: Any
) -> _Array:
    """For each word, the chunk that it draws from and the word that draws in it."""
    begins = _begins_of(places)
    pieces = np.concatenate(partials, axis=-1)
    location = _location(begins, pieces.shape, extra)
    result = np.empty([end - begin for begin, end in location], CHOICE)
    rows = pieces.reshape(math.prod(pieces.shape[:-1]), pieces.shape[-1])
    whole = combine_partials(rows)
    drawable = np.isfinite(whole["max"] + whole["excess"])
    if invalid == "raise" and not drawable.all():
        place = np.unravel_index(np.argmin(drawable), pieces.shape[:-1])
        _raise_for_nothing([int(i) + begin for i, begin in zip(place, begins, strict=True)])
    masses = softdraw.softmax(_relative_logsumexps(rows, whole))
    first = np.argmax(rows["max"] == whole["max"][:, None], axis=1)
    at_zero = whole["temperature"] == 0
    masses[at_zero] = np.arange(rows.shape[1]) == first[at_zero, None]
    masses[~drawable] = 0
    up_to = np.cumsum(masses, axis=1)
    last = rows.shape[1] - 1 - np.argmax(masses[:, ::-1] > 0, axis=1)
    taken = words.take(location).reshape(len(rows), math.prod(extra))
    target = (taken >> np.uint64(11)) * 2.0**-53 * up_to[:, -1:]
    chunk = np.minimum((up_to[:, None] <= target[:, :, None]).sum(axis=2), last[:, None])
    mass = np.take_along_axis(masses, chunk, axis=1)
    before = np.where(chunk > 0, np.take_along_axis(up_to, np.maximum(chunk - 1, 0), axis=1), 0)
    with np.errstate(invalid="ignore"):
        fraction = np.clip((target - before) / mass, 0, 1 - 2.0**-53)
    chunk[~drawable] = -1
    fraction[~drawable] = 0
    flat = result.reshape(chunk.shape)
    flat["chunk"] = chunk
    flat["word"] = (fraction * 2.0**53).astype(np.uint64) << np.uint64(11)
    flat["whole"] = whole[:, None]
    return result


def _draw_from_chosen(
    logits: _Array,
    mask: _Array | None,
    temperature: Any,
    choices: _Array,
    place: _Array,
    with_logprobs: bool,
) -> _Array:
    """The draws of the words that have chosen this chunk."""
    kept = logits.shape[:-1]
    extra = choices.shape[len(kept) :]
    flat = choices.reshape(math.prod(kept), math.prod(extra))
    start, number = place
    chosen = flat["chunk"] == number
    of_rows = chosen.any(axis=1)
    ids = np.full(flat.shape, -1)
    logprobs = np.where(flat["chunk"] < 0, np.nan, -np.inf).astype(_dtype_of_logprobs(logits.dtype))
    if of_rows.any():
        rows = _as_rows(_masked(logits, mask), (logits.ndim - 1,))[of_rows]
        temperatures = np.broadcast_to(temperature, (*kept, 1)).reshape(-1)[of_rows]
        drawn = softdraw.sample_logits(
            rows, temperature=temperatures, words=flat["word"][of_rows], invalid="skip"
        )
        ids[of_rows] = np.where(chosen[of_rows], drawn + start, -1)
        if with_logprobs:
            whole = flat["whole"][of_rows][:, 0]
            each = softmax_piece(np.take_along_axis(rows, drawn, axis=1), whole, logarithms=True)
            logprobs[of_rows] = np.where(chosen[of_rows], each, -np.inf)
    shape = (*kept, 1, *extra)
    if not with_logprobs:
        return ids.reshape(shape)
    return _draws_of(ids.reshape(shape), logprobs.reshape(shape))


def _masked(logits: _Array, mask: _Array | None) -> _Array:
    """Logits with -inf in place of what is masked."""
    if mask is None:
        return logits
    if mask.dtype == np.int32:
        words = np.ascontiguousarray(mask, "<i4").view(np.uint8)
        mask = np.unpackbits(words, axis=-1, bitorder="little")[..., : logits.shape[-1]]
    _check_ones("mask", mask)
    return np.where(mask.astype(bool), logits, logits.dtype.type(-np.inf))


def _raise_for(masked: _Array, logits: _Array, begins: list[int], nothing: bool = True) -> None:
    """Raise the error of the first logit or row, if any, that cannot be drawn from."""
    hint = "; invalid='skip' gives -1 for such rows" if masked.ndim > 1 else ""
    bad = ~(masked < np.inf)
    if bad.any():
        place = np.unravel_index(np.argmax(bad), bad.shape)
        index = ", ".join(str(int(i) + begin) for i, begin in zip(place, begins, strict=True))
        raise ValueError(f"logits[{index}] is {logits[place]}; logits must be finite or -inf{hint}")
    empty = (masked == -np.inf).all(axis=-1)
    if nothing and empty.any():
        place = np.unravel_index(np.argmax(empty), empty.shape)
        _raise_for_nothing([int(i) + begin for i, begin in zip(place, begins, strict=False)])


def _raise_for_nothing(row: list[int]) -> None:
    hint = "; invalid='skip' gives -1 for such rows" if row else ""
    subject = f"row {', '.join(map(str, row))} of logits has" if row else "logits have"
    raise ValueError(f"{subject} nothing to draw from: every entry is -inf or masked{hint}")


def _dtype_of_logprobs(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64 if dtype.itemsize == 8 else np.float32)


def _dtype_of_draws(logits: da.Array, with_logprobs: bool) -> np.dtype[Any]:
    logprob = _dtype_of_logprobs(logits.dtype)
    return np.dtype([("id", np.int64), ("logprob", logprob)] if with_logprobs else np.int64)


def _draws_of(ids: Any, logprobs: Any) -> _Array:
    result = np.empty(np.shape(ids), [("id", np.int64), ("logprob", logprobs.dtype)])
    result["id"], result["logprob"] = ids, logprobs
    return result


# ---- arguments -----------------------------------------------------------------------------------


def _check_is_dask(name: str, x: Any) -> None:
    if not isinstance(x, da.Array):
        raise TypeError(
            f"{name} must be an array of Dask, got {type(x).__name__}; the functions of softdraw "
            "itself take others"
        )


def _check_known(name: str, x: da.Array) -> None:
    if any(math.isnan(length) for length in x.shape):
        raise ValueError(
            f"{name} has chunks of unknown sizes, so the places of its rows in the stream are not "
            f"known; call {name}.compute_chunk_sizes() first"
        )


def _temperatures(temperature: Any, x: da.Array, axes: tuple[int, ...]) -> da.Array | float:
    """Temperatures with the dimensions of x, of length 1 along the axes; or one number."""
    if not isinstance(temperature, da.Array):
        return _like_rows(check_temperatures(temperature), "temperature", x, axes)
    check_rows("temperature", temperature.dtype, (), None)
    checked = da.map_blocks(_checked_temperatures, temperature, dtype=np.float64)
    return _like_rows(checked, "temperature", x, axes)


def _checked_temperatures(block: _Array, block_info: Any = None) -> _Array:
    values = np.asarray(block, np.float64)
    bad = ~(values >= 0)
    if block_info and bad.any():
        place = np.unravel_index(np.argmax(bad), bad.shape)
        begins = [begin for begin, _ in block_info[0]["array-location"]]
        index = ", ".join(str(int(i) + begin) for i, begin in zip(place, begins, strict=True))
        raise ValueError(f"temperature[{index}] must be >= 0, got {block[place]}")
    return values


def _parameter(name: str, value: Any, logits: da.Array) -> Any:
    """A parameter of sample_logits, as _temperatures makes it."""
    axes = (logits.ndim - 1,)
    if name == "temperature":
        return _temperatures(value, logits, axes)
    if not isinstance(value, da.Array):
        # One draw from a row of one item for each value raises what is wrong with the values.
        value = np.asarray(value) if not isinstance(value, int) else value
        shape = np.shape(value)
        softdraw.sample_logits(
            np.zeros((*shape, 1)), words=np.zeros(shape, np.uint64), **{name: value}
        )
        value = np.asarray(value)
    return _like_rows(value, name, logits, axes)


def _mask(mask: Any, logits: da.Array) -> da.Array:
    """A mask with the dimensions of the logits."""
    if not isinstance(mask, da.Array):
        mask = np.asarray(mask)
        if mask.dtype in (np.int8, np.uint8):
            _check_ones("mask", mask)
            mask = mask.astype(bool)
    if mask.dtype not in (np.bool_, np.int8, np.uint8, np.int32):
        raise TypeError(
            "mask must be bool, int8 or uint8 (1 for what may be drawn), or packed bits in int32, "
            f"got dtype {mask.dtype}; write mask.astype(bool)"
        )
    is_packed = mask.dtype == np.int32
    *rows, n = logits.shape
    width = -(-n // 32) if is_packed else n
    fits = 0 < mask.ndim <= logits.ndim and mask.shape[-1] == width
    if not fits or any(
        mine not in (1, length)
        for mine, length in zip(mask.shape[-2::-1], rows[::-1], strict=False)
    ):
        kind = "packed mask" if is_packed else "mask"
        raise ValueError(f"{kind} must have shape {(width,)} or {(*rows, width)}, got {mask.shape}")
    mask = mask.reshape((1,) * (logits.ndim - mask.ndim) + mask.shape)
    chunks = [
        (1,) if mine == 1 else chunks
        for mine, chunks in zip(mask.shape[:-1], logits.chunks, strict=False)
    ]
    return _in_chunks(mask, (*chunks, (width,) if is_packed else logits.chunks[-1]))


def _check_ones(name: str, mask: _Array) -> None:
    wrong = mask.view(np.uint8) > 1
    if wrong.any():
        place = tuple(map(int, np.unravel_index(np.argmax(wrong), wrong.shape)))
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}] is {mask[place]}; a mask of dtype {mask.dtype} "
            "must hold 1 for what may be drawn and 0 for what may not"
        )


def _like_rows(values: Any, name: str, x: da.Array, axes: tuple[int, ...]) -> Any:
    """Values for the rows of x, with its dimensions, of length 1 along the axes; or one number."""
    rows = fit_rows(values, name, x.shape, axes)
    if rows.ndim == 0 and isinstance(rows, np.ndarray):
        return rows[()]
    kept = x.ndim - len(axes)
    rows = rows.reshape((1,) * (kept - rows.ndim) + rows.shape)
    rows = rows[tuple(None if i in axes else slice(None) for i in range(x.ndim))]
    return _in_chunks(
        rows,
        tuple((1,) if rows.shape[i] == 1 else x.chunks[i] for i in range(x.ndim)),
    )


def _in_chunks(values: Any, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    if isinstance(values, da.Array):
        return values.rechunk(chunks)
    return da.from_array(values, chunks=chunks)


def _generator(seed: Any, count: int) -> softdraw.Xoshiro256:
    """A generator for the words of so many draws; one that is given passes over them."""
    given = seed.bit_generator if isinstance(seed, np.random.Generator) else seed
    if not isinstance(given, np.random.BitGenerator):
        return softdraw.Xoshiro256(given)
    if not isinstance(given, softdraw.Xoshiro256):
        raise TypeError(
            "a generator must be an Xoshiro256, which each chunk can advance to its own words; got "
            f"{type(given).__name__}; or give a seed"
        )
    with given.lock:  # so that no other thread takes the same words
        own = copy.copy(given)
        given.advance(count)
    return own


# ---- blocks --------------------------------------------------------------------------------------


def _blockwise(
    compute: Callable[..., Any],
    out: tuple[int, ...],
    dtype: np.dtype[Any],
    /,
    *arrays: tuple[Any, tuple[int, ...]],
    **named: Any,
) -> da.Array:
    """What a function makes of blocks of arrays, each given with the numbers of its axes."""
    pairs = []
    for array, index in arrays:
        pairs += [array, index if isinstance(array, da.Array) else None]
    meta = np.empty((0,) * len(out), dtype)
    return da.blockwise(compute, out, *pairs, dtype=dtype, meta=meta, align_arrays=False, **named)


def _without(array: da.Array, axes: tuple[int, ...]) -> da.Array:
    """An array without axes of length 1. Dask fuses this with what made the blocks; with a function
    that makes reduced blocks at once it fuses nothing."""
    index = tuple(range(array.ndim))
    kept = tuple(i for i in index if i not in axes)
    return _blockwise(_drop_axes, kept, array.dtype, (array, index), axes=axes)


def _drop_axes(block: Any, axes: tuple[int, ...]) -> _Array:
    return np.squeeze(_only(block), axes)


def _only(block: Any) -> Any:
    """The block in the nested lists that Dask makes for axes that are reduced."""
    while isinstance(block, list):
        (block,) = block
    return block


def _places(x: da.Array, axis: int) -> da.Array:
    """Where each chunk along an axis is: a block of its first index and its number, from a function
    that Dask fuses with those that take the blocks."""
    return da.map_blocks(
        _find_place,
        chunks=(x.chunks[axis],),
        dtype=np.int64,
        meta=np.empty(0, np.int64),
    )


def _find_place(block_info: Any = None) -> _Array:
    info = block_info[None]
    return np.array([info["array-location"][0][0], info["chunk-location"][0]])


def _begins_of(places: Sequence[_Array]) -> list[int]:
    return [int(place[0]) for place in places]


def _location(
    begins: list[int], shape: tuple[int, ...], extra: tuple[int, ...]
) -> list[tuple[int, int]]:
    """The location of the draws from a block of rows, which begins there."""
    rows = [(begin, begin + length) for begin, length in zip(begins, shape, strict=False)]
    return rows + [(0, length) for length in extra]


def _order_of(ndim: int, axes: tuple[int, ...]) -> list[int]:
    return [i for i in range(ndim) if i not in axes] + list(axes)


def _lengths_with_ones(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if i in axes else length for i, length in enumerate(shape))


def _as_rows(x: _Array, axes: tuple[int, ...]) -> _Array:
    """A block in two dimensions, its rows along the second; halves as float32."""
    rows = math.prod(length for i, length in enumerate(x.shape) if i not in axes)
    flat = x.transpose(_order_of(x.ndim, axes)).reshape(rows, math.prod(x.shape[i] for i in axes))
    return flat.astype(np.float32) if x.dtype.itemsize == 2 else flat
