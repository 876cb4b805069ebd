"""Functions of blocks of arrays."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import dask.array as da  # type: ignore[import-not-found, import-untyped]
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def blockwise(
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


def without_axes(array: da.Array, axes: tuple[int, ...]) -> da.Array:
    """An array without axes of length 1. Dask fuses this with what made the blocks; with a function
    that makes reduced blocks at once it fuses nothing."""
    index = tuple(range(array.ndim))
    kept = tuple(i for i in index if i not in axes)
    return blockwise(drop_axes, kept, array.dtype, (array, index), axes=axes)


def drop_axes(block: Any, axes: tuple[int, ...]) -> Array:
    return np.squeeze(only_block(block), axes)


def only_block(block: Any) -> Any:
    """The block in the nested lists that Dask makes for axes that are reduced."""
    while isinstance(block, list):
        (block,) = block
    return block


def places_of(x: da.Array, axis: int) -> da.Array:
    """Where each chunk along an axis is: a block of its first index and its number, from a function
    that Dask fuses with those that take the blocks."""
    return da.map_blocks(
        find_place,
        chunks=(x.chunks[axis],),
        dtype=np.int64,
        meta=np.empty(0, np.int64),
    )


def find_place(block_info: Any = None) -> Array:
    info = block_info[None]
    return np.array([info["array-location"][0][0], info["chunk-location"][0]])


def begins_of(places: Sequence[Array]) -> list[int]:
    return [int(place[0]) for place in places]


def order_of(ndim: int, axes: tuple[int, ...]) -> list[int]:
    return [i for i in range(ndim) if i not in axes] + list(axes)


def lengths_with_ones(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(1 if i in axes else length for i, length in enumerate(shape))


def as_rows(x: Array, axes: tuple[int, ...]) -> Array:
    """A block in two dimensions, its rows along the second; halves as float32."""
    rows = math.prod(length for i, length in enumerate(x.shape) if i not in axes)
    flat = x.transpose(order_of(x.ndim, axes)).reshape(rows, math.prod(x.shape[i] for i in axes))
    return flat.astype(np.float32) if x.dtype.itemsize == 2 else flat
