"""AliasTable: one table, from which a draw takes constant time."""

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcmp
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport (
    as_words, internal, one_temperature, read_number, refuse_call, refuse_positional, shape_of,
)
from softdraw._build cimport Rows, build, read_only, real_items, weights_of
from softdraw._core cimport (
    alias_bits, alias_draw, alias_map, alias_sample, alias_units, softdraw_alias_map1,
    softdraw_xoshiro,
)
from softdraw._draws cimport (
    Buckets, apart_from, check_same, checked_out, draw_into,
)
from softdraw._random cimport bit_generator_of, bitgen_of, hold, is_own, release
from softdraw._sampler cimport sampler_of

from softdraw._arguments import hide_positional

cnp.import_array()


# ---- draws -------------------------------------------------------------------------------------

# A call of map or sample: one of words and bitgen is where its words come from.
cdef struct Call:
    Buckets buckets
    const uint64_t *words
    bitgen_t *bitgen


cdef int map_words(void *call, size_t begin, size_t n, int64_t *categories) noexcept nogil:
    cdef const Call *c = <const Call *> call
    return alias_map(c.buckets.data, c.buckets.bits, c.words + begin, n, categories)


cdef int sample_words(void *call, size_t begin, size_t n, int64_t *categories) noexcept nogil:
    cdef const Call *c = <const Call *> call
    cdef bitgen_t *bitgen = c.bitgen
    if is_own(bitgen):
        return alias_sample(
            c.buckets.data, c.buckets.bits, <softdraw_xoshiro *> bitgen.state, n, categories
        )
    return alias_draw(
        c.buckets.data, c.buckets.bits, bitgen.next_uint64, bitgen.state, n, categories
    )


# ---- table -------------------------------------------------------------------------------------

cdef AliasTable table_of(Py_ssize_t categories, cnp.ndarray buckets):
    return AliasTable.__new__(AliasTable, internal, categories, buckets)


cdef int64_t length_of(cnp.ndarray items, str name) except -1:
    """How many there are, as a table can have."""
    cdef int64_t n = items.shape[0]
    if n == 0:
        raise ValueError(f"{name} is empty")
    if n > <int64_t> 1 << 32:
        raise ValueError(f"{name} has {n} items; at most 2**32 are possible")
    return n


cdef cnp.ndarray buckets_of(cnp.ndarray weights, str if_zero):
    cdef int64_t[2] ends = [0, weights.shape[0]]
    cdef uint64_t record
    cdef cnp.ndarray buckets = build(weights, Rows(&ends[0], 1), &record)
    if record & 63 == 0:
        raise ValueError(if_zero)
    return buckets


def _unpickle(categories, data):
    """The table with these buckets, little-endian bytes, or ValueError where that is none."""
    if not (isinstance(categories, int) and isinstance(data, bytes) and 0 < categories <= 2**32):
        raise ValueError("not a pickled AliasTable")
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
cdef class AliasTable:
    """AliasTable(weights, /)\n--\n
    A fixed distribution over categories, from which a draw takes constant time.

    The weights become integers, the units, that sum to exactly 2**64, and a draw turns one 64-bit
    word of a generator into a category: category i for exactly ``units[i]`` of the 2**64 words.

    Parameters
    ----------
    weights : array_like
        1-D, at least one and at most 2**32 of them, finite and not negative, not all zero. They
        need not sum to 1. Integers count exactly up to 2**64 - 1; float16 and bfloat16 are taken
        as float32.

    Raises
    ------
    ValueError
        For weights that are none, naming the first bad one.
    TypeError
        For a dtype that has no real numbers of at most 64 bits, and for masked arrays.

    Notes
    -----
    A weight of zero has no unit and is never drawn. A positive one has at least one unit.
    Otherwise ``abs(units[i] - 2**64 * weights[i] / sum(weights)) < 1`` against exact arithmetic,
    save that the largest weight (the first, if tied) pays for those that were lifted to one unit.

    A table is immutable, can be shared by threads, and equals another of the same length and
    buckets. It takes 8 bytes for each of 2**b buckets, the smallest power that has room for all.

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
        if len(arguments) == 3 and arguments[0] is internal:
            _, self.categories, self.array = arguments
        else:
            if len(arguments) != 1 or named:
                refuse_call("AliasTable", "weights", arguments, named)
            weights = real_items(arguments[0], "weights")
            self.categories = length_of(weights, "weights")
            self.array = buckets_of(weights, "weights are all zero")
        self.table.data = <const uint64_t *> cnp.PyArray_DATA(self.array)
        self.table.bits = alias_bits(self.categories)

    @classmethod
    def from_logits(cls, logits, /, *refused, temperature=1.0):
        """
        Make the table of a softmax.

        Parameters
        ----------
        logits : array_like
            1-D; -inf stands for an impossible category. float16 and bfloat16 are taken as float32,
            integers as float64.
        temperature : float, optional
            What the logits are divided by, from 0 to inf. At 0 only the largest logit is drawn,
            the first if tied.

        Returns
        -------
        AliasTable
            ``AliasTable(softmax(logits, temperature))``, bit for bit, save at temperature 0.

        Raises
        ------
        ValueError
            For a logit that is NaN or +inf, naming the first, for logits that are all -inf, and for
            a temperature that is negative or NaN.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable.from_logits([1.0, 1.0, float("-inf")]).probabilities()
        array([0.5, 0.5, 0. ])
        """
        cdef double number
        if refused:
            refuse_positional("AliasTable.from_logits(logits)", refused, ("temperature",))
        if not read_number(temperature, &number) or not number >= 0:
            number = one_temperature(temperature)
        cdef cnp.ndarray array = real_items(logits, "logits")
        cdef int64_t[2] ends = [0, length_of(array, "logits")]
        weights = weights_of(array, Rows(&ends[0], 1), &number, 0)
        return table_of(ends[1], buckets_of(weights, "logits are all -inf"))

    def sample(self, size=None, *, rng=None, out=None):
        """
        Draw categories.

        Parameters
        ----------
        size : int or tuple of ints, optional
            Shape of the result. None draws one category, or with `out` as many as that holds.
        rng : None, int, SeedSequence, BitGenerator or Generator, optional
            Where the words come from, one a draw. A generator is advanced, under its lock; a seed
            makes a new `Xoshiro256`; None is a generator of this thread's own, seeded by the
            operating system.
        out : ndarray, optional
            Array of int64, int32, uint32 or int16 to write to.

        Returns
        -------
        int or ndarray
            `out` if given; otherwise an int, or an int64 array.

        Raises
        ------
        ValueError
            If `size` and the shape of `out` differ, or the categories do not fit its dtype.
            Nothing is written then.

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
        cdef Call call
        cdef cnp.ndarray result
        if size is None and out is None:
            return self.draw(bit_generator_of(rng))
        shape = None if size is None else shape_of(size)
        if out is None:
            result = np.empty(shape, np.int64)
        else:
            result = checked_out(out, self.categories)
            if shape is not None and (<object> result).shape != shape:
                raise ValueError(f"size is {size}, but out has shape {(<object> result).shape}")
        cdef BitGenerator source = bit_generator_of(rng)
        call.buckets = self.table
        call.bitgen = bitgen_of(source)
        draw_into(result, sample_words, &call, source)
        return result if out is None else out

    cdef object draw(self, BitGenerator source):
        cdef bitgen_t *bitgen = bitgen_of(source)
        cdef uint64_t word
        hold(source)
        word = bitgen.next_uint64(bitgen.state)
        release(source)
        return softdraw_alias_map1(self.table.data, self.table.bits, word)

    def map(self, words, /, *, out=None):
        """
        Turn words into categories; `sample` does this to the words of a generator.

        Parameters
        ----------
        words : array_like of uint64
            Numbers from 0 to 2**64 - 1. A word always gives the same category.
        out : ndarray, optional
            Array of int64, int32, uint32 or int16, of the shape of `words`, to write to.

        Returns
        -------
        int or ndarray
            `out` if given; otherwise an int for a single word, or an int64 array.

        Examples
        --------
        >>> import softdraw
        >>> table = softdraw.AliasTable([1, 1])
        >>> table.map(0), table.map(2**63)
        (0, 1)
        """
        cdef Call call
        cdef cnp.ndarray array = as_words(words), result
        if out is None:
            if array.ndim == 0:
                return softdraw_alias_map1(
                    self.table.data,
                    self.table.bits,
                    (<const uint64_t *> cnp.PyArray_DATA(array))[0],
                )
            result = np.empty((<object> array).shape, np.int64)
        else:
            result = checked_out(out, self.categories)
            check_same(array, result)
            array = apart_from(result, array)
        call.buckets = self.table
        call.words = <const uint64_t *> cnp.PyArray_DATA(array)
        draw_into(result, map_words, &call, None)
        return result if out is None else out

    def sampler(self, rng=None):
        """
        Make a function that draws one category at a time, quickly.

        Parameters
        ----------
        rng : None, int, SeedSequence, BitGenerator or Generator, optional
            As for `sample`, but best a generator of the sampler's own, since it takes words in
            blocks of 256, in order. None makes a new one, seeded by the operating system.

        Returns
        -------
        Sampler
            ``draw()`` gives an int, ``draw(size)`` an int64 array.

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
        Tell the distribution that is really drawn from.

        Returns
        -------
        ndarray
            float64: the units divided by 2**64.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable([3, 1]).probabilities()
        array([0.75, 0.25])
        """
        units = self.units()
        if not units.any():  # one category has 2**64 of them, and every bucket is its alias
            probabilities = np.zeros(self.categories)
            probabilities[self.map(0)] = 1
            return probabilities
        return units * 2.0**-64

    def units(self):
        """
        Tell how many of the 2**64 words draw each category.

        Returns
        -------
        ndarray
            uint64, and so modulo 2**64: a category that is always drawn has 0.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTable([3, 1]).units()
        array([13835058055282163712,  4611686018427387904], dtype=uint64)
        """
        cdef cnp.ndarray units = np.empty(self.categories, np.uint64)
        cdef uint64_t *unit = <uint64_t *> cnp.PyArray_DATA(units)
        cdef size_t n = self.categories
        with nogil:
            alias_units(self.table.data, self.table.bits, n, unit)
        return units

    def __len__(self):
        return self.categories

    @property
    def buckets(self):
        """The table itself, for C, Cython and Numba (see docs/embedding.md): a read-only array of
        2**bits uint64, not a copy. `softdraw_alias_map1` of softdraw.h draws from it."""
        return read_only(self.array, self)

    @property
    def bits(self):
        """How many of a word's 64 bits choose a bucket: there are 2**bits buckets."""
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
        if self.hash_value is None:
            self.hash_value = hash((self.categories, self.array.tobytes()))
        return self.hash_value

    def __repr__(self):
        return f"<AliasTable: {self.categories} categories, {self.nbytes} bytes>"

    def __reduce__(self):
        return _unpickle, (self.categories, self.array.astype("<u8").tobytes())

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


hide_positional(vars(AliasTable)["from_logits"].__func__)
