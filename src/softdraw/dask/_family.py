"""The softmax family on arrays of Dask, whose rows may be split."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, SupportsIndex, TypeAlias

import dask.array as da  # type: ignore[import-not-found, import-untyped]
import numpy as np
from numpy.typing import ArrayLike

from .._partials import PARTIAL, check_rows, is_flag_set
from ._arguments import check_is_dask, parameter_of
from ._blocks import Array, blockwise, without_axes
from ._pieces import (
    ENTROPY,
    announced_of,
    combine_block_partials,
    combine_entropies,
    compute_block,
    compute_whole,
    entropy_of_pieces,
    find_block_partials,
    find_entropies,
    finish,
    keep,
    logsumexp_of_partials,
    write_piece,
)

Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None

# How many partials are combined at a time, along each axis: fixed, so that results do not depend on
# Dask's settings.
SPLIT_EVERY = 8


def softmax(
    x: da.Array, /, *, temperature: ArrayLike | da.Array = 1.0, axis: Axis = -1
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
    x: da.Array, /, *, temperature: ArrayLike | da.Array = 1.0, axis: Axis = -1
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
    axis: Axis = -1,
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
    keeps = is_flag_set(keepdims, "keepdims")
    rows = _Rows("x", x, temperature, axis)
    if not rows.is_split:
        return rows.reduce_whole("logsumexp", keeps)
    return rows.finish(logsumexp_of_partials, rows.reduce_pieces(), keeps)


def entropy(
    logits: da.Array,
    /,
    *,
    temperature: ArrayLike | da.Array = 1.0,
    axis: Axis = -1,
    keepdims: bool = False,
) -> da.Array:
    """Entropy of ``softmax(logits / temperature)``, in nats.

    Where each of the axes lies in one chunk, the bits are those of `softdraw.entropy`. Where an
    axis is split, the error is at most 2 ULP (float32) or 8 ULP (float64; about 20 below 1e-300).
    Parameters and errors are those of `softmax`, and `keepdims` is that of `logsumexp`.

    Examples
    --------
    >>> import dask.array
    >>> import softdraw.dask
    >>> float(softdraw.dask.entropy(dask.array.zeros(8, chunks=3)).compute().round(4))
    2.0794
    """
    keeps = is_flag_set(keepdims, "keepdims")
    rows = _Rows("logits", logits, temperature, axis)
    if not rows.is_split:
        return rows.reduce_whole("entropy", keeps)
    return rows.finish(entropy_of_pieces, rows.reduce_pieces(with_entropy=True), keeps)


class _Rows:
    """The rows of an array along some axes, and their temperatures."""

    def __init__(
        self, name: str, x: da.Array, temperature: ArrayLike | da.Array, axis: Axis
    ) -> None:
        check_is_dask(name, x)
        self.name = name
        self.axes, self.dtype = check_rows(name, x.dtype, x.shape, axis)
        self.x = x
        self.temperature = parameter_of("temperature", temperature, self.x, self.axes)
        self.is_split = any(len(x.chunks[each]) > 1 for each in self.axes)
        self.index = tuple(range(x.ndim))
        self.ones = dict.fromkeys(self.axes, 1)

    def blockwise(
        self, compute: Callable[..., Array], dtype: np.dtype[Any], /, *others: Any, **named: Any
    ) -> da.Array:
        """What a function makes of blocks of x, and of arrays that have its dimensions."""
        return blockwise(
            compute_block,
            self.index,
            dtype,
            *((array, self.index) for array in (self.x, *others)),
            token=compute.__name__,
            compute=compute,
            axes=self.axes,
            name_of_rows=self.name,
            announced=announced_of(self.x, self.dtype),
            **named,
        )

    def map(self, function: str, logarithms: bool) -> da.Array:
        """The function of that name, or softmax of pieces, in each block."""
        if not self.is_split:
            return self.blockwise(
                compute_whole,
                self.dtype,
                self.temperature,
                function=function,
            )
        return self.blockwise(
            write_piece,
            self.dtype,
            self.reduce_pieces(),
            logarithms=logarithms,
        )

    def reduce_whole(self, function: str, keepdims: bool) -> da.Array:
        """The reduction of that name, where each axis is in one chunk."""
        reduced = self.blockwise(
            compute_whole,
            self.dtype,
            self.temperature,
            adjust_chunks=self.ones,
            function=function,
            keepdims=True,
        )
        return reduced if keepdims else without_axes(reduced, self.axes)

    def reduce_pieces(self, with_entropy: bool = False) -> da.Array:
        """The partials of whole rows, with dimensions of length 1 for the axes."""
        dtype = ENTROPY if with_entropy else PARTIAL
        pieces = self.blockwise(
            find_entropies if with_entropy else find_block_partials,
            dtype,
            self.temperature,
            adjust_chunks=self.ones,
        )
        combine = combine_entropies if with_entropy else combine_block_partials
        return da.reduction(
            pieces,
            chunk=keep,
            combine=combine,
            aggregate=combine,
            axis=self.axes,
            keepdims=True,
            dtype=dtype,
            meta=np.empty((0,) * len(self.index), dtype),
            split_every=dict.fromkeys(self.axes, SPLIT_EVERY),
        )

    def finish(self, function: Callable[..., Array], whole: da.Array, keepdims: bool) -> da.Array:
        """What the function makes of the partials of whole rows."""
        named = {"function": function, "dtype_of_result": self.dtype}
        result = blockwise(finish, self.index, self.dtype, (whole, self.index), **named)
        return result if keepdims else without_axes(result, self.axes)
