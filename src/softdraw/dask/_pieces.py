"""What the softmax family makes of blocks, and of the partials of pieces of rows."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da  # type: ignore[import-not-found, import-untyped]
import numpy as np

import softdraw

from .._partials import (
    PARTIAL,
    check_rows,
    combine_partials,
    find_partials,
    plain_array,
    softmax_piece,
)
from ._blocks import Array, as_rows, lengths_with_ones, order_of

# A partial and the entropy of the same items.
ENTROPY = np.dtype([("partial", PARTIAL), ("entropy", np.float64)])

# The exponential of anything below is 0 in float64.
LOWEST_POWER = -746.0


def announced_of(x: da.Array, dtype: np.dtype[Any]) -> Array:
    """What blocks of x are to be, but for their lengths."""
    return np.empty((0,) * x.ndim, dtype)


def block_of(x: Array, name: str, announced: Array) -> Array:
    """The block, as its array says that it is."""
    x = plain_array(x, name)
    if x.ndim != announced.ndim:
        raise ValueError(
            f"{name} has a block of shape {x.shape}, but its array has {announced.ndim} dimensions"
        )
    if x.dtype == announced.dtype:
        return x
    check_rows(name, x.dtype, x.shape, None)
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        return x.astype(announced.dtype)


def compute_block(
    x: Array,
    *others: Any,
    compute: Callable[..., Array],
    name_of_rows: str,
    announced: Array,
    **named: Any,
) -> Array:
    """What a function makes of a block of rows that is as its array says, and of others."""
    return compute(block_of(x, name_of_rows, announced), *others, **named)


def compute_whole(
    x: Array, temperature: Any, function: str, axes: tuple[int, ...], **named: Any
) -> Array:
    axis = axes[0] if len(axes) == 1 else axes  # an int has a faster way
    return np.asarray(getattr(softdraw, function)(x, temperature=temperature, axis=axis, **named))


def find_block_partials(x: Array, temperature: Any, axes: tuple[int, ...]) -> Array:
    rows = as_rows(x, axes)
    kept = lengths_with_ones(x.shape, axes)
    temperatures = np.broadcast_to(temperature, kept).reshape(-1)
    return find_partials(rows, temperatures).reshape(kept)


def combine_block_partials(partials: Array, axis: tuple[int, ...], keepdims: bool = True) -> Array:
    return combine_partials(as_rows(partials, axis)).reshape(
        lengths_with_ones(partials.shape, axis)
    )


def write_piece(x: Array, whole: Array, axes: tuple[int, ...], logarithms: bool) -> Array:
    order = order_of(x.ndim, axes)
    result = softmax_piece(as_rows(x, axes), whole.reshape(-1), logarithms)
    result = rounded_to(x.dtype, result).reshape([x.shape[i] for i in order])
    return result.transpose(np.argsort(order))


def find_entropies(x: Array, temperature: Any, axes: tuple[int, ...]) -> Array:
    partials = find_block_partials(x, temperature, axes)
    result = np.empty(partials.shape, ENTROPY)
    result["partial"] = partials
    rows = as_rows(x, axes)
    result["entropy"] = softdraw.entropy(
        rows, temperature=partials["temperature"].reshape(-1)
    ).reshape(partials.shape)
    return result


def combine_entropies(pieces: Array, axis: tuple[int, ...], keepdims: bool = True) -> Array:
    """The entropy of pieces: that of the pieces' probabilities, and the mean of their own."""
    rows = as_rows(pieces, axis)
    partials, entropies = rows["partial"], rows["entropy"]
    whole = combine_partials(partials)
    relative, lost = relative_logsumexps(partials, whole)
    shares, logs = softdraw.softmax(relative), softdraw.log_softmax(relative)
    with np.errstate(all="ignore"):
        # With what rounding has lost of the relative logsumexps, the logarithm of a share changes
        # by what its own has lost, less the mean of all.
        change = lost - sum_of_products(shares, lost)[:, None]
        entropy = softdraw.entropy(relative) - sum_of_products(shares, change * logs)
        entropy += sum_of_products(shares * (1 + change), entropies)
    result = np.empty(len(rows), ENTROPY)
    result["partial"] = whole
    result["entropy"] = entropy
    return result.reshape(lengths_with_ones(pieces.shape, axis))


def sum_of_products(shares: Array, values: Array) -> Array:
    """For each row, the sum of shares times values, where shares are not 0."""
    total = np.zeros(len(shares))
    for each in range(shares.shape[1]):  # in a fixed order, unlike NumPy's sums
        share = shares[:, each]
        total += np.where(share != 0, share * values[:, each], 0)
    return total


def relative_logsumexps(partials: Array, whole: Array) -> tuple[Array, Array]:
    """The logsumexp of each piece less max / T of its row, NaN for a row with NaN or an infinity,
    or without items; and what rounding has lost of each, or 0 where e to that power is 0."""
    own = logs_of_sums(partials)
    largest, t = whole["max"][:, None], whole["temperature"][:, None]
    with np.errstate(all="ignore"):
        # A quarter of all where differences may overflow.
        quarter = np.where(
            np.maximum(np.abs(partials["max"]), np.abs(largest)) > 2.0**1000, 0.25, 1
        )
        t = t * quarter
        difference, lost_of_difference = add_exactly(partials["max"] * quarter, -largest * quarter)
        scaled = np.where(difference == 0, 0, difference / t)
        result, lost_of_sum = add_exactly(scaled, own)
        # A power of two out of both, so that nothing overflows or falls below the smallest number.
        mantissa, exponent = np.frexp(t)
        product, lost_of_product = multiply_exactly(scaled, mantissa)
        remainder = np.ldexp(difference, -exponent) - product - lost_of_product
        lost = (remainder + np.ldexp(lost_of_difference, -exponent)) / mantissa + lost_of_sum
    lost[~(np.isfinite(lost) & (result > LOWEST_POWER))] = 0
    result[np.isneginf(partials["max"])] = -np.inf
    result[~np.isfinite(whole["max"] + whole["excess"])] = np.nan
    return result, lost


def logs_of_sums(partials: Array) -> Array:
    """The logsumexp of each partial less its max / T; NaN where the maximum is not finite."""
    highest = np.ascontiguousarray(partials["max"]).reshape(-1, 1)
    return -softmax_piece(highest, partials.reshape(-1), logarithms=True).reshape(partials.shape)


def logsumexp_of_partials(whole: Array) -> Array:
    highest, t = whole["max"], whole["temperature"]
    with np.errstate(all="ignore"):
        first = np.where(highest == 0, 0, highest / t)
        finite = np.where(np.isinf(first), first, first + logs_of_sums(whole))
        # Of a maximum that is infinite, only NaN makes anything else.
        result = np.where(np.isfinite(highest), finite, highest) + whole["excess"] * 0
    return result + 0.0  # -0 becomes +0


def entropy_of_pieces(whole: Array) -> Array:
    return np.where(np.isfinite(whole["partial"]["max"]), whole["entropy"], np.nan)


def finish(
    whole: Array, function: Callable[[Array], Array], dtype_of_result: np.dtype[Any]
) -> Array:
    return rounded_to(dtype_of_result, function(whole.reshape(-1))).reshape(whole.shape)


def keep(block: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    return block


def rounded_to(dtype: np.dtype[Any], result: Array) -> Array:
    if result.dtype == dtype:
        return result
    with np.errstate(all="ignore"):  # what is too large or too small becomes infinite or 0
        rounded = result.astype(dtype)
        return np.add(rounded, 0, out=rounded, casting="unsafe")  # -0 becomes +0


# ---- sums and products, with what rounding has lost of them --------------------------------------


def add_exactly(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    added = total - a
    return total, (a - (total - added)) + (b - added)


def multiply_exactly(a: Array, b: Array) -> tuple[Array, Array]:
    """Of numbers far from the largest and the smallest."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = halve_digits(a), halve_digits(b)
    lost = a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low
    return product, lost


def halve_digits(a: Array) -> tuple[Array, Array]:
    """Two numbers of half as many digits, whose sum is a."""
    shifted = a * (2.0**27 + 1)
    high = shifted - (shifted - a)
    return high, a - high
