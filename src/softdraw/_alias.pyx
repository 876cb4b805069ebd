"""AliasTable: one table, from which a draw takes constant time."""

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport (
    as_words, check_error, check_header, check_unchanged, digest_of, header_of, internal, one_temperature,
    read_number, refuse_call, refuse_positional, shape_of, word_array,
)
from softdraw._build cimport Rows, build, read_only, real_items, weights_of
from softdraw._core cimport (
    HostState, alias_bits, alias_draw, alias_map, alias_sample, alias_units, restore_state,
    set_default_state, softdraw_alias_map1, softdraw_xoshiro,
)
from softdraw._draws cimport (
    Buckets, apart_from, check_same, checked_out, draw_into, new_draws, target_of,
)
from softdraw._random cimport bit_generator_of, hold, is_own, read_bitgen, release
from softdraw._sampler cimport sampler_of
from softdraw._workers cimport given_workers

from softdraw._arguments import hide_positional

cnp.import_array()


# ---- draws -------------------------------------------------------------------------------------

cdef int draw_categories(
    void *call, const uint64_t *words, bitgen_t *bitgen, size_t begin, size_t n, int64_t *categories,
    size_t *where
) noexcept nogil:
    """Draw from the buckets that `call` points to."""
    cdef const Buckets *table = <const Buckets *> call
    if words != NULL:
        return alias_map(table.data, table.bits, words, n, categories)
    if is_own(bitgen):
        return alias_sample(
            table.data, table.bits, <softdraw_xoshiro *> bitgen.state, n, categories
        )
    return alias_draw(table.data, table.bits, bitgen.next_uint64, bitgen.state, n, categories)


# ---- table -------------------------------------------------------------------------------------

cdef AliasTable table_of(Py_ssize_t categories, cnp.ndarray buckets):
    return AliasTable.__new__(AliasTable, internal, categories, buckets)


cdef AliasTable table_of_logits(object logits, object temperature):
    cdef double number
    if not read_number(temperature, &number) or not number >= 0:
        number = one_temperature(temperature)
    cdef cnp.ndarray array = real_items(logits, "logits")
    cdef int64_t[2] ends = [0, length_of(array, "logits")]
    weights = weights_of(array, Rows(&ends[0], 1), &number, 0, 1)
    return table_of(ends[1], buckets_of(weights, "logits are all -inf"))


cdef int64_t length_of(cnp.ndarray items, str name) except -1:
    """The number of items, if a table can have so many categories."""
    cdef int64_t n = items.shape[0]
    if n == 0:
        raise ValueError(f"{name} is empty")
    if n > <int64_t> 1 << 32:
        raise ValueError(f"{name} has {n} items; at most 2**32 are possible")
    return n


cdef cnp.ndarray buckets_of(cnp.ndarray weights, str if_zero):
    cdef int64_t[2] ends = [0, weights.shape[0]]
    cdef uint64_t record
    cdef cnp.ndarray buckets = build(weights, Rows(&ends[0], 1), &record, 1)
    if record & 63 == 0:
        raise ValueError(if_zero)
    return buckets


def _unpickle(header, *parts):
    """Return the table with these buckets, little-endian bytes; a ValueError if they are invalid."""
    if [type(part) for part in parts] != [int, bytes] or not 0 < parts[0] <= 2**32:
        raise ValueError("not a pickled AliasTable")
    check_header("a pickled AliasTable", header, parts)
    categories, data = parts
    cdef object bits = alias_bits(categories)  # an object: a C long may have 32 bits
    count = 1 << bits
    if len(data) != 8 * count:
        raise ValueError(
            f"a pickled AliasTable of {categories} categories has {8 * count} bytes, got {len(data)}"
        )
    buckets = np.frombuffer(data, "<u8").astype(np.uint64)
    low = np.uint64(count - 1)
    if (buckets & low).max() >= categories or (buckets[categories:] > low).any():
        raise ValueError(f"a pickled AliasTable of {categories} categories draws one past the last")
    return table_of(categories, buckets)


@cython.final
@cython.no_gc  # it is in no cycle, and gc.get_referents must not hand out the array
# Python then checks self: a method called as one of the class may get anything.
@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class AliasTable:
    """AliasTable(weights, /)\n--\n
    A fixed distribution over categories, from which a draw takes constant time.

    The weights become integers, the units, that sum to exactly 2**64. A draw turns one random 64-bit
    word into a category, and exactly ``units[i]`` of the 2**64 words give category i.

    Parameters
    ----------
    weights : array_like
        Of shape (n,), n from 1 to 2**32. They must be finite and not negative, not all of them may be
        zero, and they need not sum to 1. Integers are exact up to 2**64 - 1; float16 and bfloat16
        are converted to float32, which is exact.

    Raises
    ------
    ValueError
        If a weight is negative, NaN or infinite, naming the first such weight; if all are zero; if
        there are none, or `weights` is not 1-D.
    TypeError
        If `weights` are not real numbers of at most 64 bits, or a masked array.

    See Also
    --------
    AliasTable.from_logits : A table of the softmax of logits.
    AliasTables : Many tables.
    Xoshiro256 : The generator that a seed makes.
    sample_logits : Draws from logits without a table, which is faster for a few draws.

    Notes
    -----
    A weight of zero has no units, so it is never drawn. A positive weight has at least one. In exact
    arithmetic, ``abs(units[i] - 2**64 * weights[i] / sum(weights)) < 1``, except for the largest
    weight (the first, if tied), which gives up the units that other positive weights need to have one.

    A table is immutable, and threads can share it. It equals another table if both have the same
    number of categories and the same buckets. There are 2**bits buckets of 8 bytes, the smallest power
    of two that is at least 2 and not below n.

    References
    ----------
    A. J. Walker, "An efficient method for generating discrete random variables with general
    distributions", ACM Transactions on Mathematical Software 3, 1977.
    M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE
    Transactions on Software Engineering 17, 1991.

    Examples
    --------
    >>> import softdraw
    >>> table = softdraw.AliasTable([1, 2, 0, 1])
    >>> table.probabilities()
    array([0.25, 0.5 , 0.  , 0.25])
    >>> table.sample(rng=7) in (0, 1, 3)
    True
    >>> table.sample((2, 3), rng=7).shape
    (2, 3)
    """

    def __cinit__(self, *arguments, **named):
        cdef cnp.ndarray weights
        cdef HostState before
        if len(arguments) == 3 and arguments[0] is internal:
            _, self.categories, self.array = arguments
        else:
            if len(arguments) != 1 or named:
                refuse_call("AliasTable", "weights", arguments, named)
            set_default_state(&before)
            try:
                weights = real_items(arguments[0], "weights")
                self.categories = length_of(weights, "weights")
                self.array = buckets_of(weights, "weights are all zero")
            finally:
                restore_state(&before)
        self.table.data = <const uint64_t *> cnp.PyArray_DATA(self.array)
        self.table.bits = alias_bits(self.categories)

    @classmethod
    @cython.binding(True)  # for hide_positional
    def from_logits(cls, logits, /, *refused, temperature=1.0):
        """
        Make a table of the softmax of logits.

        Parameters
        ----------
        logits : array_like
            Of shape (n,), n from 1 to 2**32; -inf stands for an impossible category. float16 and
            bfloat16 are converted to float32, integers to float64.
        temperature : float, optional
            What the logits are divided by, from 0 to inf. At 0 the largest logit has all of the
            probability, the first if several are tied.

        Returns
        -------
        AliasTable
            Except at temperature 0, and but for half precision, it is bit for bit
            ``AliasTable(softmax(logits, temperature=temperature))``.

        Raises
        ------
        ValueError
            If a logit is NaN or +inf, naming the first such logit; if all are -inf; if the temperature
            is negative or NaN.

        See Also
        --------
        AliasTables.from_logits : Many tables.
        softmax : The probabilities.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable.from_logits([1.0, 1.0, float("-inf")]).probabilities()
        array([0.5, 0.5, 0. ])
        """
        cdef HostState before
        if refused:
            refuse_positional("AliasTable.from_logits(logits)", refused, ("temperature",))
        set_default_state(&before)
        try:
            return table_of_logits(logits, temperature)
        finally:
            restore_state(&before)

    def sample(self, size=None, *, rng=None, out=None, workers=None):
        """
        Draw categories.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result. None draws one category or, with `out`, fills it.
        rng : None, int, sequence of ints, SeedSequence, BitGenerator or Generator, optional
            Where the words come from, one per draw. A generator is advanced while its lock is held.
            A seed makes a new `Xoshiro256`, so that the same seed gives the same draws. None is a
            generator that belongs to the thread and was seeded by the operating system.
        out : ndarray, optional
            Array of int64, int32, uint32 or int16 to write to.
        workers : int, optional
            How many threads may share the call, -1 for one per CPU. None is what `set_workers` has
            set, and 1 without it. Draws, and where a generator is afterwards, are the same with any
            number. A generator that is no `Xoshiro256` makes its words in one thread.

        Returns
        -------
        int or ndarray
            `out` if given; an int if `size` is None; otherwise an int64 array of shape `size`.

        Raises
        ------
        ValueError
            If `size` and the shape of `out` differ, if the dtype of `out` cannot hold all categories,
            or if a seed is negative. Nothing is written.
        TypeError
            If `rng`, `size` or `out` is something else.

        See Also
        --------
        sampler : Faster for one draw at a time.
        map : The same for given words.
        AliasTables.sample : Draws from many tables.

        Examples
        --------
        >>> import numpy as np
        >>> import softdraw
        >>> table = softdraw.AliasTable([1, 1])
        >>> rng = np.random.default_rng(7)
        >>> table.sample(rng=rng) in (0, 1)
        True
        >>> out = np.empty(5, np.int16)
        >>> table.sample(rng=rng, out=out) is out
        True
        """
        cdef cnp.ndarray result, target
        cdef int number = 0 if workers is None else given_workers(workers)
        cdef size_t where
        if size is None and out is None:
            return self.draw(bit_generator_of(rng))
        shape = None if size is None else shape_of(size)
        cdef BitGenerator source = bit_generator_of(rng)
        if out is None:
            result = new_draws(shape)
        else:
            result = checked_out(out, self.categories)
            if shape is not None and (<object> result).shape != shape:
                raise ValueError(f"size is {size}, but out has shape {(<object> result).shape}")
        target = target_of(result)
        cdef bitgen_t bitgen
        read_bitgen(source, &bitgen)
        draw_into(result, target, draw_categories, &self.table, NULL, &bitgen, source, number, &where)
        return result if out is None else out

    cdef object draw(self, BitGenerator source):
        cdef bitgen_t bitgen
        cdef uint64_t word
        read_bitgen(source, &bitgen)
        held = hold(source)
        word = bitgen.next_uint64(bitgen.state)
        release(held)
        return softdraw_alias_map1(self.table.data, self.table.bits, word)

    def map(self, words, /, *, out=None, workers=None):
        """
        Turn words into categories; `sample` does this to the words of a generator.

        Parameters
        ----------
        words : int or array_like of uint64
            Of any shape: numbers from 0 to 2**64 - 1. The same word always gives the same category.
        out : ndarray, optional
            Array of int64, int32, uint32 or int16, of the shape of `words`, to write to.
        workers : int, optional
            As for `sample`.

        Returns
        -------
        int or ndarray
            `out` if given; an int for a single word; otherwise an int64 array of the shape of `words`.

        Raises
        ------
        ValueError
            If a word is out of range, naming it, or `out` does not fit. Nothing is written.

        See Also
        --------
        sample : The same for the words of a generator.

        Examples
        --------
        >>> import softdraw
        >>> table = softdraw.AliasTable([1, 1])
        >>> table.map(0), table.map(2**63)
        (0, 1)
        """
        cdef int number = 0 if workers is None else given_workers(workers)
        cdef cnp.ndarray array = word_array(words), result, target
        cdef size_t where
        if out is None:
            array = as_words(array)
            if array.ndim == 0:
                return softdraw_alias_map1(
                    self.table.data,
                    self.table.bits,
                    (<const uint64_t *> cnp.PyArray_DATA(array))[0],
                )
            result = target = new_draws((<object> array).shape)
        else:
            result = checked_out(out, self.categories)
            check_same(array, result)
            array = as_words(array)
            target = target_of(result)
            array = apart_from(target, array)
        check_unchanged(array, sizeof(uint64_t), "words")
        check_same(array, target)  # last, so that nothing changes after it
        draw_into(
            result, target, draw_categories, &self.table, <const uint64_t *> cnp.PyArray_DATA(array),
            NULL, None, number, &where
        )
        return result if out is None else out

    def sampler(self, rng=None):
        """
        Make a function that draws one category at a time, quickly.

        Parameters
        ----------
        rng : None, int, sequence of ints, SeedSequence, BitGenerator or Generator, optional
            As for `sample`, except that None makes a new generator, seeded by the operating system.
            The sampler takes 256 words at a time from it, so nothing else should use it.

        Returns
        -------
        Sampler
            A function, called `draw` here: ``draw()`` gives an int, ``draw(size)`` an int64 array.

        See Also
        --------
        sample : Takes only the words that it needs.

        Examples
        --------
        >>> import softdraw
        >>> table = softdraw.AliasTable([1, 2, 1])
        >>> draw = table.sampler(rng=7)
        >>> [draw(), draw(), draw()] == table.sample(3, rng=7).tolist()
        True
        """
        return sampler_of(self, self.table, rng)

    def probabilities(self):
        """
        Return the probabilities that categories are drawn with.

        Returns
        -------
        ndarray
            float64, of shape (n,): the units divided by 2**64.

        See Also
        --------
        units : The exact integers.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable([3, 1]).probabilities()
        array([0.75, 0.25])
        """
        cdef HostState before
        set_default_state(&before)
        try:
            units = self.units()
            if not units.any():  # one category has 2**64 of them, and every bucket is its alias
                probabilities = np.zeros(self.categories)
                probabilities[self.map(0)] = 1
                return probabilities
            return units * 2.0**-64
        finally:
            restore_state(&before)

    def units(self):
        """
        Return how many of the 2**64 words give each category.

        Returns
        -------
        ndarray
            uint64, of shape (n,), modulo 2**64: a category that is always drawn reads 0.

        See Also
        --------
        probabilities : The same in floating point.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable([3, 1]).units()
        array([13835058055282163712,  4611686018427387904], dtype=uint64)
        """
        cdef cnp.ndarray units = np.empty(self.categories, np.uint64)
        cdef uint64_t *unit = <uint64_t *> cnp.PyArray_DATA(units)
        cdef size_t n = self.categories
        cdef int error
        with nogil:
            error = alias_units(self.table.data, self.table.bits, n, unit)
        check_error(error)
        return units

    def __len__(self):
        return self.categories

    @property
    def buckets(self):
        """The table itself, for C, Cython and Numba (see docs/embedding.md): a read-only uint64 array of
        shape (2**bits,), not a copy. `softdraw_alias_map1` of softdraw.h draws from it."""
        return read_only(self.array, self)

    @property
    def bits(self):
        """How many of the 64 bits of a word choose a bucket: there are 2**bits buckets."""
        return self.table.bits

    @property
    def nbytes(self):
        """Size of the buckets in bytes."""
        return self.array.nbytes

    def __eq__(self, other):
        if type(other) is not AliasTable:
            return NotImplemented
        cdef AliasTable table = other
        return self.categories == table.categories and not memcmp(
            self.table.data, table.table.data, self.nbytes
        )

    def __hash__(self):
        with cython.critical_section(self):
            if self.hash_value is None:
                self.hash_value = hash(digest_of((self.categories, self.array)))
            return self.hash_value

    def __repr__(self):
        return f"<AliasTable: {self.categories} categories, {self.nbytes} bytes>"

    def __reduce__(self):
        parts = (self.categories, self.array.astype("<u8").tobytes())
        return _unpickle, (header_of(parts), *parts)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


hide_positional(vars(AliasTable)["from_logits"].__func__)
