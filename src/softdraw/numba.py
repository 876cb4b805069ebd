"""Softdraw inside functions that Numba compiles: softmax, tables and a generator's words.

Import it as ``import softdraw.numba``; it needs Numba, which softdraw itself does not. All of it is
to be called from ``@numba.njit`` functions, except `table`, `tables` and `generator`, which prepare
their arguments, and gives the bits and the draws that softdraw gives in Python.

>>> import numba
>>> import softdraw, softdraw.numba
>>> @numba.njit
... def sample(buckets, bits, words, size):
...     drawn = np.empty(size, np.int64)
...     for i in range(size):
...         word = softdraw.numba.next_word(words)
...         drawn[i] = softdraw.numba.draw(buckets, bits, word)
...     return drawn
>>> weights = softdraw.AliasTable([1, 2, 1])
>>> sample(*softdraw.numba.table(weights), softdraw.numba.generator(7), 5)
array([1, 0, 1, 1, 0])
>>> weights.sample(5, rng=7)
array([1, 0, 1, 1, 0])
"""

# mypy: disable-error-code="untyped-decorator, no-untyped-call, no-any-return, unused-ignore"
# mypy: disable-error-code="unreachable"

from __future__ import annotations

from typing import Any

try:
    import numba  # type: ignore[import-not-found, import-untyped]
except ImportError as _error:
    raise ImportError("softdraw.numba needs Numba: pip install numba") from _error

import llvmlite.binding  # type: ignore[import-not-found, import-untyped]
import numpy as np
from numba.core import cgutils  # type: ignore[import-not-found, import-untyped]
from numba.extending import (  # type: ignore[import-not-found, import-untyped]
    intrinsic,
    overload,
    register_jitable,
)
from numpy.typing import NDArray

from . import AliasTable, AliasTables, Xoshiro256, get_library
from ._random import bit_generator_within, generator_of_seed
from ._signatures import SIGNATURES
from ._typing import RNG

__all__ = [
    "draw",
    "draw_row",
    "generator",
    "log_softmax",
    "next_word",
    "softmax",
    "table",
    "tables",
]

# Compiled code names the functions of the core and does not hold their addresses, so that it can be
# cached (``njit(cache=True)``); they are found in this library when it is loaded.
llvmlite.binding.load_library_permanently(get_library())

_Words = NDArray[np.uint64]


def _function(name: str) -> Any:
    """A function of softdraw.h, as Numba calls it."""
    return numba.types.ExternalFunction(name, SIGNATURES[name])


# ---- tables ------------------------------------------------------------------------------------


def _check_type(name: str, value: object, expected: type) -> None:
    if not isinstance(value, expected):
        raise TypeError(f"{name} must be an {expected.__name__}, got {type(value).__name__}")


def table(table: AliasTable, /) -> tuple[_Words, np.uint64]:
    """Give what `draw` needs of a table.

    Parameters
    ----------
    table : AliasTable
        It need not be kept.

    Returns
    -------
    buckets : ndarray
        ``table.buckets``, not a copy.
    bits : uint64
        ``table.bits``: how many bits of a word choose a bucket.

    See Also
    --------
    tables : The same for many tables.

    Examples
    --------
    >>> import softdraw, softdraw.numba
    >>> buckets, bits = softdraw.numba.table(softdraw.AliasTable([1, 2, 1]))
    >>> len(buckets), int(bits)
    (4, 2)
    """
    _check_type("table", table, AliasTable)
    return table.buckets, np.uint64(table.bits)


def tables(tables: AliasTables, /) -> tuple[_Words, _Words]:
    """Give what `draw_row` needs of many tables.

    Parameters
    ----------
    tables : AliasTables
        They need not be kept.

    Returns
    -------
    buckets : ndarray
        ``tables.buckets``, not a copy.
    records : ndarray
        ``tables.records``, not a copy: one for each row, so that ``len(records)`` is the number of
        rows.

    See Also
    --------
    table : The same for one table.

    Examples
    --------
    >>> import softdraw, softdraw.numba
    >>> buckets, records = softdraw.numba.tables(softdraw.AliasTables([1, 2, 1], [0, 2, 3]))
    >>> len(buckets), len(records)
    (4, 2)
    """
    _check_type("tables", tables, AliasTables)
    return tables.buckets, tables.records


def draw(buckets: _Words, bits: np.uint64, word: np.uint64, /) -> np.int64:
    """Turn a word into a category, as ``AliasTable.map`` does.

    Parameters
    ----------
    buckets, bits
        What `table` gives. They are trusted.
    word : uint64
        A random word, such as `next_word` gives. Another integer is converted as C converts it, so
        that an int64 gives the category of the same 64 bits.

    Returns
    -------
    int64
        The category.

    See Also
    --------
    draw_row : The same for many tables.

    Examples
    --------
    >>> import numba, softdraw, softdraw.numba
    >>> draw = numba.njit(lambda *table_and_word: softdraw.numba.draw(*table_and_word))
    >>> weights = softdraw.AliasTable([1, 2, 1])
    >>> word = np.uint64(2**63)
    >>> draw(*softdraw.numba.table(weights), word) == weights.map(word)
    True
    """
    raise _outside("draw", "AliasTable.map or AliasTable.sample")


def draw_row(buckets: _Words, records: _Words, row: np.int64, word: np.uint64, /) -> np.int64:
    """Turn a word into a category of one of many tables, as ``AliasTables.map`` does.

    Parameters
    ----------
    buckets, records
        What `tables` gives. They are trusted.
    row : integer
        At least 0 and below ``len(records)``; it is not checked.
    word : uint64
        As for `draw`.

    Returns
    -------
    int64
        The category, counted within its row, or -1 if the row has nothing to draw.

    See Also
    --------
    draw : The same for one table.

    Examples
    --------
    A random walk, which ends where no edge leads on:

    >>> import numba, softdraw, softdraw.numba
    >>> @numba.njit
    ... def walk(buckets, records, indptr, targets, words, node):
    ...     nodes = [node]
    ...     while len(nodes) < 10:
    ...         word = softdraw.numba.next_word(words)
    ...         edge = softdraw.numba.draw_row(buckets, records, node, word)
    ...         if edge < 0:
    ...             break
    ...         node = targets[indptr[node] + edge]
    ...         nodes.append(node)
    ...     return nodes
    >>> indptr, targets = np.array([0, 1, 2, 2]), np.array([1, 2])
    >>> edges = softdraw.AliasTables([1.0, 1.0], indptr)
    >>> walk(*softdraw.numba.tables(edges), indptr, targets, softdraw.numba.generator(7), 0)
    [0, 1, 2]
    """
    raise _outside("draw_row", "AliasTables.map or AliasTables.sample")


def _outside(name: str, instead: str) -> TypeError:
    """What to raise where a function for compiled code runs in Python."""
    return TypeError(
        f"softdraw.numba.{name} works only in functions that Numba compiles: decorate the caller "
        "with @numba.njit and leave NUMBA_DISABLE_JIT unset; in Python, use "
        f"softdraw.{instead}"
    )


@register_jitable
def _category(buckets: _Words, first: np.uint64, bits: np.uint64, word: np.uint64) -> np.int64:
    # as softdraw_alias_map1 of softdraw.h; Numba makes floats of uint64 beside int64
    own = word >> (np.uint64(64) - bits)
    low = (np.uint64(1) << bits) - np.uint64(1)
    entry = buckets[first + own]
    keep = np.uint64(0) - np.uint64(((word << bits) | low) < entry)
    return np.int64((own & keep) | (entry & low & ~keep))


def _check_types(name: str, words: dict[str, Any], integers: dict[str, Any]) -> None:
    """Refuse, when a function is compiled, what it would silently draw something else from."""
    for argument, given in words.items():
        if not (
            isinstance(given, numba.types.Array)
            and (given.dtype, given.ndim, given.layout) == (numba.uint64, 1, "C")
        ):
            raise numba.errors.TypingError(
                f"{argument} of {name} must be a contiguous 1-D array of uint64, as "
                f"softdraw.numba.table, tables and generator return, not {given}"
            )
    for argument, given in integers.items():
        if not isinstance(given, numba.types.Integer):
            raise numba.errors.TypingError(f"{argument} of {name} must be an integer, not {given}")


@overload(draw)
def _draw(buckets: Any, bits: Any, word: Any) -> Any:
    _check_types("draw", {"buckets": buckets}, {"bits": bits, "word": word})

    def run(buckets: Any, bits: Any, word: Any) -> Any:
        return _category(buckets, np.uint64(0), np.uint64(bits), np.uint64(word))

    return run


@overload(draw_row)
def _draw_row(buckets: Any, records: Any, row: Any, word: Any) -> Any:
    _check_types("draw_row", {"buckets": buckets, "records": records}, {"row": row, "word": word})

    def run(buckets: Any, records: Any, row: Any, word: Any) -> Any:
        record = records[np.uint64(row)]  # unsigned, so that nothing is tested for being negative
        bits = record & np.uint64(63)
        if bits == np.uint64(0):
            return np.int64(-1)
        return _category(buckets, record >> np.uint64(6), bits, np.uint64(word))

    return run


# ---- generator ---------------------------------------------------------------------------------

# The C struct softdraw_xoshiro in words: 4 of state for each of 8 lanes, 8 that are made, and two
# of counters, the first of which begins with how many of the 8 are given out.
_BUFFER, _USED, _SIZE = np.uint64(32), np.uint64(40), 42


class _State:
    """The memory of a generator, for NumPy, which keeps this and so the generator."""

    def __init__(self, generator: Any) -> None:
        self.generator = generator
        # of the class, because a subclass may have another `ctypes`
        address: int = Xoshiro256.ctypes.__get__(generator).state_address
        if not address:
            raise TypeError(
                f"rng, of type {type(generator).__name__}, has no state: its __init__ has not been "
                "called, or BitGenerator.__init__ was called again"
            )
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (_SIZE,),
            "typestr": "<u8",
            "version": 3,
        }


def generator(rng: RNG = None) -> _Words:
    """Open a generator to `next_word`.

    Parameters
    ----------
    rng : None, int, SeedSequence, Xoshiro256 or a Generator over one, optional
        A seed makes a new `Xoshiro256`, None one that the operating system seeds. A generator is
        advanced, not copied, and without its lock: no other thread may use it meanwhile.

    Returns
    -------
    ndarray
        Its state, which `next_word` changes.

    Raises
    ------
    TypeError
        For a generator of another kind.

    See Also
    --------
    next_word : Takes a word from it.
    softdraw.Xoshiro256 : The generator.

    Examples
    --------
    >>> import softdraw, softdraw.numba
    >>> words = softdraw.numba.generator(7)
    >>> words.dtype
    dtype('uint64')
    """
    if isinstance(rng, np.random.Generator):
        rng = bit_generator_within(rng)
    if not isinstance(rng, np.random.BitGenerator):
        rng = generator_of_seed("rng", rng)
    # a proxy is an instance of a class that it does not have, and keeps nothing alive
    if not isinstance(rng, Xoshiro256) or not issubclass(type(rng), Xoshiro256):
        raise TypeError(
            f"rng must be a seed, an Xoshiro256 or a Generator of one, got {type(rng).__name__}"
        )
    return np.asarray(_State(rng))


_xoshiro_next = _function("softdraw_xoshiro_next")


def next_word(generator: _Words, /) -> np.uint64:
    """Take the next word.

    Parameters
    ----------
    generator : ndarray
        What the function `generator` gives.

    Returns
    -------
    uint64
        The word that the `Xoshiro256` would have given.

    See Also
    --------
    generator : Opens a generator to it.
    draw : Turns a word into a category.

    Examples
    --------
    >>> import numba, softdraw, softdraw.numba
    >>> next_word = numba.njit(lambda words: softdraw.numba.next_word(words))
    >>> int(next_word(softdraw.numba.generator(7))) == softdraw.Xoshiro256(7).random_raw()
    True
    """
    raise _outside("next_word", "Xoshiro256.random_raw")


@overload(next_word)
def _next_word(generator: Any) -> Any:
    _check_types("next_word", {"generator": generator}, {})

    def run(generator: Any) -> Any:
        used = generator[_USED] & np.uint64(0xFFFFFFFF)
        if used >= np.uint64(8):
            return _xoshiro_next(generator.ctypes)  # makes eight words
        generator[_USED] += np.uint64(1)
        return generator[_BUFFER + used]

    return run


# ---- softmax -----------------------------------------------------------------------------------


@intrinsic
def _address_of(context: Any, value: Any) -> Any:
    """The address of a float64 on the stack."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once_value(builder, arguments[0])
        return builder.bitcast(place, cgutils.voidptr_t)

    return numba.types.voidptr(numba.types.float64), generate


def _is_rows(x: Any) -> bool:
    return (
        isinstance(x, numba.types.Array)
        and x.dtype in (numba.float32, numba.float64)
        and x.ndim in (1, 2)
        and x.layout == "C"
    )


def _overload_of_rows(function: Any, name: str) -> None:
    # Numba has no keyword-only parameters: `out` is second, so that a number there is an error.
    @overload(function)
    def implement(x: Any, out: Any = None, temperature: Any = 1.0) -> Any:
        if not _is_rows(x):
            raise numba.errors.TypingError(
                f"{name} takes C-contiguous 1-D or 2-D arrays of float32 or float64, not {x}"
            )
        if isinstance(out, numba.types.Number):
            raise numba.errors.TypingError(
                f"{name} takes only x by position; write {name}(x, temperature=...)"
            )
        new = isinstance(out, (numba.types.NoneType, numba.types.Omitted, type(None)))
        if not new and not (_is_rows(out) and (out.dtype, out.ndim) == (x.dtype, x.ndim)):
            raise numba.errors.TypingError(f"out must be an array like {x}, not {out}")
        if not new and not out.mutable:
            raise numba.errors.TypingError("out is read-only")
        suffix = {numba.float32: "f32", numba.float64: "f64"}[x.dtype]
        call = _function(f"softdraw_{name}_{suffix}")

        def run(x: Any, out: Any = None, temperature: Any = 1.0) -> Any:
            result = np.empty_like(x) if new else out
            if result.shape != x.shape:
                raise ValueError("out must have the shape of x")
            if x.ctypes.data % x.itemsize or result.ctypes.data % x.itemsize:
                raise ValueError("x and out must be aligned")  # which Numba's types do not say
            n = x.shape[-1]
            rows = x.size // n if n else 0
            t: Any = _address_of(float(temperature))  # type: ignore[call-arg]
            error = call(x.ctypes, n, result.ctypes, n, rows, n, t, 0)
            if error or not temperature >= 0:  # without rows, it is no error for the kernel
                raise ValueError("temperature must be >= 0")
            return result

        return run


def softmax(x: Any, *, temperature: float = 1.0, out: Any = None) -> Any:
    """Compute ``softdraw.softmax(x, temperature=temperature)`` in a compiled function.

    Parameters
    ----------
    x : ndarray
        1-D or 2-D, C-contiguous, float32 or float64.
    temperature : float, optional
        One for all rows.
    out : ndarray, optional
        An array like `x` to write to: `x` itself, or one that does not overlap it.

    Returns
    -------
    ndarray
        `out` if given, else a new array.

    Raises
    ------
    ValueError
        For a temperature that is negative or NaN, and for an `out` of another shape.

    Examples
    --------
    >>> import numba, softdraw, softdraw.numba
    >>> softmax = numba.njit(lambda x, t: softdraw.numba.softmax(x, temperature=t))
    >>> softmax(np.array([1.0, 2.0]), 2.0)
    array([0.37754067, 0.62245933])
    """
    raise _outside("softmax", "softmax")


def log_softmax(x: Any, *, temperature: float = 1.0, out: Any = None) -> Any:
    """Compute ``softdraw.log_softmax(x, temperature=temperature)`` in a compiled function.

    Parameters, results and errors are those of `softmax`.

    Examples
    --------
    >>> import numba, softdraw, softdraw.numba
    >>> log_softmax = numba.njit(lambda x: softdraw.numba.log_softmax(x))
    >>> log_softmax(np.array([1.0, 1.0]))
    array([-0.69314718, -0.69314718])
    """
    raise _outside("log_softmax", "log_softmax")


_overload_of_rows(softmax, "softmax")
_overload_of_rows(log_softmax, "log_softmax")
