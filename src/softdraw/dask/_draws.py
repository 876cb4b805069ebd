"""Draws from rows of arrays of Dask, and from a table into one."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, SupportsIndex

import dask.array as da  # type: ignore[import-not-found, import-untyped]
import numpy as np
from dask.delayed import delayed  # type: ignore[import-not-found, import-untyped]
from numpy.typing import ArrayLike

import softdraw

from .._partials import (
    PARTIAL,
    check_invalid,
    check_rows,
    check_unmasked,
    combine_partials,
    is_flag_set,
    read_size,
    shown,
    softmax_piece,
)
from .._typing import RNG
from ._arguments import check_is_dask, check_known, check_ones, mask_of, parameter_of
from ._blocks import Array, as_rows, begins_of, blockwise, only_block, places_of, without_axes
from ._pieces import announced_of, block_of, find_block_partials, relative_logsumexps
from ._words import Words, generator_of, location_of

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
    rng: RNG = None,
    invalid: str = "raise",
    return_logprobs: bool = False,
) -> Any:
    """Draw from ``softmax(logits / temperature)`` for each row, of what the filters leave.

    Row r takes word r of the stream of the seed, or with `size` as many words in turn, whatever the
    chunks and the workers are. So where the last axis lies in one chunk, the draws are those of
    `softdraw.sample_logits` with the same seed. Where it is split, a word first chooses a chunk by
    the chunks' masses, and then an item in it; the probabilities are the same to within about
    1e-16 for each chunk of the row, and the draws are a function of the seed and of the chunks of
    the last axis alone.

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
    check_is_dask("logits", logits)
    _, dtype = check_rows("logits", logits.dtype, logits.shape, -1)
    check_known("logits", logits)
    if not logits.ndim:
        raise ValueError("logits must have at least one dimension, got a number")
    *rows, n = logits.shape
    if n == 0:
        raise ValueError(f"logits must have at least one item per row, got shape {logits.shape}")
    most = max(logits.chunks[-1])
    if most > 2**32 - 128:
        raise ValueError(
            f"chunks of logits must have at most 2**32 - 128 items per row, got {most}"
        )
    check_invalid(invalid)
    # Blocks of draws keep the last axis, with length 1, until all are made.
    extra = () if size is None else read_size(size, (*rows, 1))
    with_logprobs = is_flag_set(return_logprobs, "return_logprobs")
    axis = logits.ndim - 1
    parameters = {"top_k": top_k, "top_p": top_p, "min_p": min_p}
    given = {name: value for name, value in parameters.items() if value is not None}
    temperatures = parameter_of("temperature", temperature, logits, (axis,))
    filters = {name: parameter_of(name, value, logits, (axis,)) for name, value in given.items()}
    allowed = None if mask is None else mask_of(mask, logits)
    is_split = len(logits.chunks[axis]) > 1
    if is_split:
        check_none_needs_whole_rows(filters, allowed, len(logits.chunks[axis]))
    shape = (*rows, *extra)
    # The generator comes last: a call with an argument that is refused must not advance it.
    words = Words(generator_of("rng", rng, math.prod(shape)), shape)
    named: dict[str, Any] = {"words": words, "extra": extra, "invalid": invalid}
    named |= {"announced": announced_of(logits, dtype), "with_logprobs": with_logprobs}
    if is_split:
        drawn = draw_from_pieces(logits, allowed, temperatures, **named)
    else:
        drawn = draw_from_rows(logits, allowed, temperatures, filters, **named)
    return (drawn["id"], drawn["logprob"]) if with_logprobs else drawn


def sample(
    table: softdraw.AliasTable,
    /,
    size: SupportsIndex | Sequence[SupportsIndex],
    *,
    chunks: Any = "auto",
    seed: RNG = None,
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
    given = chunks
    try:
        chunks = da.core.normalize_chunks(chunks, shape, dtype=np.dtype(np.int64))
    except (TypeError, ValueError, ZeroDivisionError) as error:  # of Dask: these do not name chunks
        if 0 not in shape or not isinstance(error, ZeroDivisionError):
            raise ValueError(f"chunks must fit the shape {shape}, got {shown(given)}") from None
        # "auto" divides by a length of 0. Nothing is drawn, so that one chunk does.
        chunks = da.core.normalize_chunks(-1, shape)
    if tuple(map(sum, chunks)) != shape or not all(n >= 0 for lengths in chunks for n in lengths):
        raise ValueError(
            f"chunks must have lengths from 0 on that add to {shape}, got {shown(given)}"
        )
    return da.map_blocks(
        draw_from_table,
        delayed(table, pure=True, traverse=False),
        chunks=chunks,
        dtype=np.int64,
        meta=np.empty((0,) * len(shape), np.int64),
        words=Words(generator_of("seed", seed, math.prod(shape)), shape),
    )


def draw_from_table(table: softdraw.AliasTable, words: Words, block_info: Any = None) -> Array:
    return words.draw(table, block_info[None]["array-location"])


def draw_from_rows(
    logits: da.Array,
    mask: da.Array | None,
    temperature: da.Array | float,
    filters: dict[str, Any],
    extra: tuple[int, ...],
    announced: Array,
    with_logprobs: bool,
    **named: Any,
) -> da.Array:
    """Draws where the last axis is in one chunk."""
    axis = logits.ndim - 1
    index, extra_index = tuple(range(axis + 1)), tuple(range(axis + 1, axis + 1 + len(extra)))
    # The words of a packed mask are not along the axis of the logits.
    mask_index = (*index[:-1], -1) if mask is not None and mask.dtype == np.int32 else index
    drawn = blockwise(
        draw_rows,
        index + extra_index,
        dtype_of_draws(announced.dtype, with_logprobs),
        (logits, index),
        (mask, mask_index),
        (temperature, index),
        *((value, index) for value in filters.values()),
        *((places_of(logits, i), (i,)) for i in range(axis)),
        new_axes=dict(zip(extra_index, extra, strict=True)),
        adjust_chunks={axis: 1},
        names=tuple(filters),
        extra=extra,
        announced=announced,
        with_logprobs=with_logprobs,
        **named,
    )
    return without_axes(drawn, (axis,))


def draw_rows(
    logits: Array,
    mask: Any,
    temperature: Any,
    *others: Any,
    names: tuple[str, ...],
    words: Words,
    extra: tuple[int, ...],
    announced: Array,
    invalid: Any,
    with_logprobs: bool,
) -> Array:
    logits = block_of(logits, "logits", announced)
    mask = only_block(mask)
    begins = begins_of(others[len(names) :])
    location = location_of(begins, logits.shape, extra)
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
    except ValueError:
        raise_for(masked_logits(logits, mask), logits, [*begins, 0])
        raise
    result = draws_of(*drawn) if with_logprobs else np.asarray(drawn)
    return np.expand_dims(result, logits.ndim - 1)


def check_none_needs_whole_rows(
    filters: dict[str, Any], mask: da.Array | None, chunks: int
) -> None:
    packed = ["a packed mask"] if mask is not None and mask.dtype == np.int32 else []
    for name in [*filters, *packed]:
        raise ValueError(
            f"{name} needs the last axis of logits in one chunk, and it is split into {chunks}; "
            "write logits.rechunk({-1: -1})"
        )


def draw_from_pieces(
    logits: da.Array,
    mask: da.Array | None,
    temperature: da.Array | float,
    words: Words,
    extra: tuple[int, ...],
    announced: Array,
    invalid: Any,
    with_logprobs: bool,
) -> Any:
    """Draws where the last axis is split."""
    axis = logits.ndim - 1
    index, extra_index = tuple(range(axis + 1)), tuple(range(axis + 1, axis + 1 + len(extra)))
    pieces = ((logits, index), (mask, index), (temperature, index))
    places = [(places_of(logits, i), (i,)) for i in index]
    partials = blockwise(
        find_partials_to_draw,
        index,
        PARTIAL,
        *pieces,
        *places,
        adjust_chunks={axis: 1},
        announced=announced,
        invalid=invalid,
    )
    choices = blockwise(
        choose_chunks,
        index[:-1] + extra_index,
        CHOICE,
        (partials, index),
        *places[:-1],
        new_axes=dict(zip(extra_index, extra, strict=True)),
        words=words,
        extra=extra,
        invalid=invalid,
    )
    drawn = blockwise(
        draw_from_chosen,
        index + extra_index,
        dtype_of_draws(announced.dtype, with_logprobs),
        *pieces,
        (choices, index[:-1] + extra_index),
        places[-1],
        adjust_chunks={axis: 1},
        announced=announced,
        with_logprobs=with_logprobs,
    )
    if not with_logprobs:
        return find_max(drawn, axis, -1)
    return {
        name: find_max(drawn[name], axis, lowest)
        for name, lowest in (("id", -1), ("logprob", -np.inf))
    }


def find_max(drawn: da.Array, axis: int, lowest: float) -> da.Array:
    """The draws from the chunks that were chosen: those from the others are the lowest."""
    largest = functools.partial(np.max, initial=lowest)
    meta = np.empty((0,) * (drawn.ndim - 1), drawn.dtype)
    return da.reduction(
        drawn, chunk=largest, aggregate=largest, axis=axis, dtype=drawn.dtype, meta=meta
    )


def find_partials_to_draw(
    logits: Array,
    mask: Array | None,
    temperature: Any,
    *places: Array,
    announced: Array,
    invalid: Any,
) -> Array:
    logits = block_of(logits, "logits", announced)
    masked = masked_piece(logits, mask)
    partials = find_block_partials(masked, temperature, (logits.ndim - 1,))
    if invalid == "raise" and not (partials["max"] + partials["excess"] < np.inf).all():
        raise_for(masked, logits, begins_of(places), nothing=False)
    return partials


def choose_chunks(
    partials: list[Array], *places: Any, words: Words, extra: tuple[int, ...], invalid: Any
) -> Array:
    """For each word, the chunk that it draws from and the word that draws in it."""
    begins = begins_of(places)
    pieces = np.concatenate(partials, axis=-1)
    location = location_of(begins, pieces.shape, extra)
    result = np.empty([end - begin for begin, end in location], CHOICE)
    rows = pieces.reshape(math.prod(pieces.shape[:-1]), pieces.shape[-1])
    whole = combine_partials(rows)
    drawable = np.isfinite(whole["max"] + whole["excess"])
    if invalid == "raise" and not drawable.all():
        place = np.unravel_index(np.argmin(drawable), pieces.shape[:-1])
        raise_for_nothing([int(i) + begin for i, begin in zip(place, begins, strict=True)])
    masses = softdraw.softmax(relative_logsumexps(rows, whole)[0])
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


def draw_from_chosen(
    logits: Array,
    mask: Array | None,
    temperature: Any,
    choices: Array,
    place: Array,
    announced: Array,
    with_logprobs: bool,
) -> Array:
    """The draws of the words that have chosen this chunk."""
    logits = block_of(logits, "logits", announced)
    kept = logits.shape[:-1]
    extra = choices.shape[len(kept) :]
    flat = choices.reshape(math.prod(kept), math.prod(extra))
    start, number = place
    chosen = flat["chunk"] == number
    of_rows = chosen.any(axis=1)
    ids = np.full(flat.shape, -1)
    logprobs = np.where(flat["chunk"] < 0, np.nan, -np.inf).astype(
        dtype_of_logprobs(announced.dtype)
    )
    if of_rows.any():
        masked = masked_piece(logits, mask)
        rows = as_rows(masked, (logits.ndim - 1,))[of_rows]
        temperatures = np.broadcast_to(temperature, (*kept, 1)).reshape(-1)[of_rows]
        drawn = softdraw.sample_logits(
            rows, temperature=temperatures, words=flat["word"][of_rows], invalid="skip"
        )
        ids[of_rows] = np.where(chosen[of_rows], drawn + start, -1)
        if with_logprobs:
            whole = flat["whole"][of_rows][:, 0]
            each = softmax_piece(np.take_along_axis(rows, drawn, axis=1), whole, logarithms=True)
            each[whole["temperature"] == 0] = 0  # the first of tied maxima is drawn for certain
            logprobs[of_rows] = np.where(chosen[of_rows], each, -np.inf)
    shape = (*kept, 1, *extra)
    if not with_logprobs:
        return ids.reshape(shape)
    return draws_of(ids.reshape(shape), logprobs.reshape(shape))


def masked_logits(logits: Array, mask: Array | None) -> Array:
    """Logits with -inf in place of what is masked."""
    check_unmasked(logits, "logits")
    if mask is None:
        return logits
    check_unmasked(mask, "mask")
    if mask.dtype == np.int32:
        words = np.ascontiguousarray(mask, "<i4").view(np.uint8)
        mask = np.unpackbits(words, axis=-1, bitorder="little")[..., : logits.shape[-1]]
    return np.where(mask.astype(bool), logits, logits.dtype.type(-np.inf))


def masked_piece(logits: Array, mask: Array | None) -> Array:
    """The same for a piece of rows, for which a mask has no bits."""
    return masked_logits(logits, None if mask is None else check_ones("mask", mask))


def raise_for(masked: Array, logits: Array, begins: list[int], nothing: bool = True) -> None:
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
        raise_for_nothing([int(i) + begin for i, begin in zip(place, begins, strict=False)])


def raise_for_nothing(row: list[int]) -> None:
    hint = "; invalid='skip' gives -1 for such rows" if row else ""
    subject = f"row {', '.join(map(str, row))} of logits has" if row else "logits have"
    raise ValueError(f"{subject} nothing to draw from: every entry is -inf or masked{hint}")


def dtype_of_logprobs(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64 if dtype.itemsize == 8 else np.float32)


def dtype_of_draws(dtype: np.dtype[Any], with_logprobs: bool) -> np.dtype[Any]:
    logprob = dtype_of_logprobs(dtype)
    return np.dtype([("id", np.int64), ("logprob", logprob)] if with_logprobs else np.int64)


def draws_of(ids: Any, logprobs: Any) -> Array:
    result = np.empty(np.shape(ids), [("id", np.int64), ("logprob", logprobs.dtype)])
    result["id"], result["logprob"] = ids, logprobs
    return result
