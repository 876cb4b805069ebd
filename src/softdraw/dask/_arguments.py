"""Checks of arguments, and parameters in the chunks of the rows that they are for."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

import math
import re
from typing import Any

import dask.array as da  # type: ignore[import-not-found, import-untyped]
import numpy as np

import softdraw

from .._partials import (
    check_temperatures,
    check_unmasked,
    fit_rows,
    plain_array,
    refuse_mask,
    whole_number_array,
)
from ._blocks import Array


def check_is_dask(name: str, x: Any) -> None:
    if not isinstance(x, da.Array):
        raise TypeError(
            f"{name} must be an array of Dask, got {type(x).__name__}; the functions of softdraw "
            "itself take others"
        )
    check_unmasked(x, name)


def check_known(name: str, x: da.Array) -> None:
    if any(math.isnan(length) for length in x.shape):
        raise ValueError(
            f"{name} has chunks of unknown sizes; call {name}.compute_chunk_sizes() first"
        )


# ---- parameters ----------------------------------------------------------------------------------


def parameter_of(name: str, value: Any, x: da.Array, axes: tuple[int, ...]) -> Any:
    """A parameter for the rows of x, with the dimensions of x, of length 1 along the axes; or one
    number."""
    if isinstance(value, da.Array):
        check_unmasked(value, name)
        value = join_ones(value)
        dtype = check_parameter(name, np.empty(0, value.dtype)).dtype
        value = map_checked(check_parameter, name, value, dtype)
    else:
        value = check_parameter(name, value)
    return like_rows(value, name, x, axes)


def check_parameter(name: str, value: Any) -> Array:
    """The value as an array, of which each number has been checked."""
    if name == "temperature":
        return check_temperatures(value)
    values = whole_number_array(value, name) if name == "top_k" else plain_array(value, name)
    # One draw from a row of one item for each value raises what is wrong with the values. Those
    # with a last axis of length 1 may have as many dimensions as there can be.
    shape = values.shape if values.shape[-1:] == (1,) else (*values.shape, 1)
    words = np.zeros(shape[:-1], np.uint64)
    softdraw.sample_logits(np.zeros(shape), words=words, **{name: value})
    return values


def map_checked(check: Any, name: str, values: da.Array, dtype: np.dtype[Any]) -> da.Array:
    """What a check returns for each block; its errors name the place in the whole array."""
    meta = np.empty((0,) * values.ndim, dtype)
    return da.map_blocks(_check_block, values, check=check, argument=name, dtype=dtype, meta=meta)


def _check_block(block: Any, check: Any, argument: str, block_info: Any = None) -> Any:
    location = block_info[0]["array-location"]
    shape = plain_array(block, argument).shape
    says = tuple(end - begin for begin, end in location)
    is_known = not any(map(math.isnan, says))
    if len(shape) != len(says) or (is_known and shape != says):
        raise ValueError(f"{argument} has a block of shape {shape}, but its array says {says}")
    try:
        return check(argument, block)
    except ValueError as error:
        raise ValueError(_moved(str(error), argument, [begin for begin, _ in location])) from None


def _moved(message: str, name: str, begins: list[Any]) -> str:
    """A message that begins with the place of an element in a block, `name[2, 0]`, with its place
    in the whole array."""
    place = re.match(re.escape(name) + r"\[([\d, ]+)\]", message)
    if not place or any(math.isnan(begin) for begin in begins):
        return message
    index = [int(i) for i in place[1].split(",")]
    moved = ", ".join(str(i + begin) for i, begin in zip(index, begins, strict=True))
    return f"{name}[{moved}]{message[place.end() :]}"


def mask_of(mask: Any, logits: da.Array) -> da.Array:
    """A mask with the dimensions of the logits."""
    given, is_lazy = mask, isinstance(mask, da.Array)
    if is_lazy:
        check_unmasked(mask, "mask")
        check_known("mask", mask)
        mask = join_ones(mask)
    else:
        mask = plain_array(mask, "mask")
    is_packed = mask.dtype.newbyteorder("=") == np.int32
    if not is_packed and mask.dtype not in (np.bool_, np.int8, np.uint8):
        refuse_mask(given, mask.dtype)
    check, dtype = (check_bits, np.dtype(np.int32)) if is_packed else (check_ones, np.dtype(bool))
    mask = map_checked(check, "mask", mask, dtype) if is_lazy else check("mask", mask)
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
    return in_chunks(mask, (*chunks, (width,) if is_packed else logits.chunks[-1]))


def check_ones(name: str, mask: Array) -> Array:
    """A mask of 0 and 1 as booleans."""
    mask = plain_array(mask, name)
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype not in (np.int8, np.uint8):
        raise TypeError(
            f"{name} has a block of dtype {mask.dtype}, but its array says bool, int8 or uint8"
        )
    wrong = mask.view(np.uint8) > 1
    if wrong.any():
        place = tuple(map(int, np.unravel_index(np.argmax(wrong), wrong.shape)))
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}] is {mask[place]}; a mask of dtype {mask.dtype} "
            "must hold 1 for what may be drawn and 0 for what may not"
        )
    return mask.astype(bool)


def check_bits(name: str, mask: Array) -> Array:
    """A packed mask in native byte order."""
    mask = plain_array(mask, name)
    if mask.dtype.newbyteorder("=") != np.int32:
        raise TypeError(f"{name} has a block of dtype {mask.dtype}, but its array says int32")
    return mask.astype(np.int32)


def like_rows(values: Any, name: str, x: da.Array, axes: tuple[int, ...]) -> Any:
    """Values for the rows of x, with its dimensions, of length 1 along the axes; or one number."""
    try:
        rows = fit_rows(values, name, x.shape, axes)
    except ValueError:
        if any(math.isnan(length) for length in (*values.shape, *x.shape)):
            raise ValueError(
                f"{name} of shape {values.shape} is not known to fit an array of shape {x.shape}: "
                "chunks have unknown sizes; call compute_chunk_sizes() of the arrays first"
            ) from None
        raise
    if rows.ndim == 0 and isinstance(rows, np.ndarray):
        return rows[()]
    kept = x.ndim - len(axes)
    rows = rows.reshape((1,) * (kept - rows.ndim) + rows.shape)
    rows = rows[tuple(None if i in axes else slice(None) for i in range(x.ndim))]
    return in_chunks(
        rows,
        tuple((1,) if rows.shape[i] == 1 else x.chunks[i] for i in range(x.ndim)),
    )


def join_ones(values: da.Array) -> da.Array:
    """Values with each dimension of length 1 in one chunk: where empty ones lie beside it, Dask
    cannot reshape."""
    return values.rechunk({i: -1 for i, length in enumerate(values.shape) if length == 1})


def in_chunks(values: Any, chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    if isinstance(values, da.Array):
        return values.rechunk(chunks)
    return da.from_array(values, chunks=chunks)
