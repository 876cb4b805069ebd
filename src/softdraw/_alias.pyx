"""Exact alias tables: weights checked, buckets held, words turned into categories."""

import operator

import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int16_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcmp
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport (
    as_carray, as_words, one_temperature, real_array, refuse_positional, shape_of, unmasked_array,
)
from softdraw._core cimport (
    SOFTDRAW_ERROR_ROW, SOFTDRAW_ERROR_WEIGHT, SOFTDRAW_ERROR_ZERO, SOFTDRAW_OK, alias_bits,
    alias_build_f32, alias_build_f64, alias_build_u64, alias_draw, alias_map,
    alias_rows_build_f32, alias_rows_build_f64, alias_rows_build_u64, alias_rows_max_length,
    alias_rows_map, alias_rows_max_buckets, alias_sample, alias_scratch, alias_units,
    softdraw_alias_map1, softdraw_xoshiro,
)
from softdraw._random cimport (
    Lock, bit_generator_of, bitgen_of, fork_count, hold, is_own, release, take_words,
)

from softdraw._arguments import hide_positional
from softdraw._random import Xoshiro256
from softdraw._softmax import softmax

cnp.import_array()

cdef enum:
    CHUNK = 1024  # words that wait on the stack between the generator and the table
    BLOCK = 256  # words that a sampler takes from its generator at a time


# ---- arguments ---------------------------------------------------------------------------------

cdef int check_length(str name, size_t n) except -1:
    if n == 0:
        raise ValueError(f"{name} is empty")
    if n > <uint64_t> 1 << 32:
        raise ValueError(f"{name} has {n} items; at most 2**32 are possible")
    return 0


cdef cnp.ndarray new_array(cnp.npy_intp n, int typenum):
    return cnp.PyArray_EMPTY(1, &n, typenum, 0)


cdef inline bint is_plain(object values, int *typenum):
    """Whether that is an array that the core takes as it is: of float32 or float64, 1-D."""
    if not cnp.PyArray_CheckExact(values):
        return False
    typenum[0] = cnp.PyArray_TYPE(<cnp.ndarray> values)
    return (
        (typenum[0] == cnp.NPY_FLOAT64 or typenum[0] == cnp.NPY_FLOAT32)
        and cnp.PyArray_NDIM(<cnp.ndarray> values) == 1
        and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> values)
    )


cdef cnp.ndarray real_weights(object weights):
    """weights as a 1-D array of real numbers."""
    cdef int typenum
    if is_plain(weights, &typenum):
        return weights
    cdef cnp.ndarray array = real_array(weights, "weights")
    if array.ndim != 1:
        raise ValueError(f"weights must be 1-D, got shape {(<object> array).shape}")
    return array


cdef cnp.ndarray plain_weights(cnp.ndarray array, int *typenum):
    """Real weights as a plain array of float32, float64 or uint64, which *typenum says; no integer
    is negative, floats are not looked at."""
    if is_plain(array, typenum):
        return array
    dtype = array.dtype
    if dtype.kind in "bu":
        typenum[0] = cnp.NPY_UINT64
    elif dtype.kind == "i":
        typenum[0] = cnp.NPY_INT64
    elif dtype.itemsize == 8:
        typenum[0] = cnp.NPY_FLOAT64
    else:
        typenum[0] = cnp.NPY_FLOAT32
    array = as_carray(array, typenum[0])
    if typenum[0] == cnp.NPY_INT64:
        if array.size and array.min() < 0:
            refuse(array, np.argmax(array < 0))
        typenum[0] = cnp.NPY_UINT64
    return array


cdef int refuse(cnp.ndarray weights, Py_ssize_t where) except -1:
    raise ValueError(
        f"weights[{where}] is {(<object> weights)[where]!s}; weights must be finite and >= 0"
    )


cdef bint is_half(cnp.ndarray array):
    return array.dtype.itemsize == 2 and array.dtype.kind not in "iu"  # float16 or bfloat16


cdef cnp.ndarray checked_out(object out, Py_ssize_t categories):
    """out, if categories can be written to it."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    unmasked_array(out, "out")
    if out.dtype.kind + str(out.dtype.itemsize) not in ("i8", "i4", "u4", "i2"):
        raise TypeError(f"out must be int64, int32, uint32 or int16, got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    limit = np.iinfo(out.dtype).max
    if categories - 1 > limit:
        raise ValueError(
            f"out of dtype {out.dtype} holds categories up to {limit}, not {categories - 1}"
        )
    return out


cdef cnp.ndarray plain_like(cnp.ndarray out):
    """out itself if it is contiguous, aligned and native, else a new array of its kind that is."""
    if cnp.PyArray_ISCARRAY(out):
        return out
    return np.empty((<object> out).shape, out.dtype.newbyteorder("="))


# ---- words to categories -----------------------------------------------------------------------

ctypedef struct Buckets:
    const uint64_t *data
    unsigned bits


cdef void narrow(const int64_t *categories, size_t n, void *out, size_t itemsize) noexcept nogil:
    """The categories as integers of that size, of which they are few enough."""
    cdef size_t i
    if itemsize == 4:  # int32 or uint32: the same bits for what both can hold
        for i in range(n):
            (<uint32_t *> out)[i] = <uint32_t> categories[i]
    else:
        for i in range(n):
            (<int16_t *> out)[i] = <int16_t> categories[i]


cdef void map_all(
    Buckets buckets, const uint64_t *words, size_t n, char *out, size_t itemsize
) noexcept nogil:
    cdef int64_t[CHUNK] categories
    cdef size_t i = 0, length
    if itemsize == 8:
        alias_map(buckets.data, buckets.bits, words, n, <int64_t *> out)
        return
    while i < n:
        length = min(n - i, <size_t> CHUNK)
        alias_map(buckets.data, buckets.bits, words + i, length, categories)
        narrow(categories, length, out + i * itemsize, itemsize)
        i += length


cdef void draw_all(
    Buckets buckets, bitgen_t *bitgen, size_t n, char *out, size_t itemsize
) noexcept nogil:
    cdef int64_t[CHUNK] categories
    cdef int64_t *drawn
    cdef size_t i = 0, length
    while i < n:
        length = min(n - i, <size_t> CHUNK)
        drawn = <int64_t *> (out + i * itemsize) if itemsize == 8 else categories
        if is_own(bitgen):
            alias_sample(
                buckets.data, buckets.bits, <softdraw_xoshiro *> bitgen.state, length, drawn
            )
        else:
            alias_draw(
                buckets.data, buckets.bits, bitgen.next_uint64, bitgen.state, length, drawn
            )
        if itemsize != 8:
            narrow(categories, length, out + i * itemsize, itemsize)
        i += length


# ---- table -------------------------------------------------------------------------------------

@cython.final
cdef class _Buckets:
    """What AliasTable takes instead of weights when it is unpickled."""
    cdef Py_ssize_t categories
    cdef cnp.ndarray buckets


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
    cdef _Buckets parts = _Buckets()
    parts.categories = categories
    parts.buckets = buckets
    return AliasTable(parts)


@cython.final
cdef class AliasTable:
    """
    AliasTable(weights)

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

    cdef Py_ssize_t categories
    cdef cnp.ndarray array  # of the buckets
    cdef Buckets buckets
    cdef object hash_value  # None before it is asked for

    def __cinit__(self, weights):
        if type(weights) is _Buckets:
            self.categories = (<_Buckets> weights).categories
            self.array = (<_Buckets> weights).buckets
        else:
            self.build(weights)
        cnp.PyArray_CLEARFLAGS(self.array, cnp.NPY_ARRAY_WRITEABLE)
        self.buckets.data = <const uint64_t *> cnp.PyArray_DATA(self.array)
        self.buckets.bits = alias_bits(self.categories)

    cdef int build(self, object given) except -1:
        cdef int typenum = 0
        cdef int error
        cdef cnp.ndarray weights = real_weights(given)
        cdef size_t n = weights.shape[0], where = 0
        check_length("weights", n)
        weights = plain_weights(weights, &typenum)
        self.categories = n
        self.array = new_array(<size_t> 1 << alias_bits(n), cnp.NPY_UINT64)
        cdef cnp.ndarray space = new_array(alias_scratch(n), cnp.NPY_UINT8)
        cdef const void *data = cnp.PyArray_DATA(weights)
        cdef uint64_t *bucket = <uint64_t *> cnp.PyArray_DATA(self.array)
        cdef uint64_t *scratch = <uint64_t *> cnp.PyArray_DATA(space)
        with nogil:
            if typenum == cnp.NPY_FLOAT64:
                error = alias_build_f64(<const double *> data, n, bucket, scratch, &where)
            elif typenum == cnp.NPY_FLOAT32:
                error = alias_build_f32(<const float *> data, n, bucket, scratch, &where)
            else:
                error = alias_build_u64(<const uint64_t *> data, n, bucket, scratch, &where)
        if error == SOFTDRAW_ERROR_WEIGHT:
            refuse(weights, where)
        if error == SOFTDRAW_ERROR_ZERO:
            raise ValueError("weights are all zero")
        return 0

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
            ``AliasTable(softmax(logits, temperature=temperature))``, bit for bit, save at temperature 0.

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
        cdef cnp.ndarray array
        cdef int typenum = 0
        if refused:
            refuse_positional("AliasTable.from_logits(logits)", refused, ("temperature",))
        if is_plain(logits, &typenum):
            array = logits
        else:
            array = real_array(logits, "logits")
            if array.ndim != 1:
                raise ValueError(f"logits must be 1-D, got shape {(<object> array).shape}")
            if array.dtype.kind in "biu":
                array = as_carray(array, cnp.NPY_FLOAT64)
            elif is_half(array):
                array = as_carray(array, cnp.NPY_FLOAT32)
        check_length("logits", array.shape[0])
        if type(temperature) is not float or not temperature > 0:
            temperature = one_temperature(temperature)
        probabilities = softmax(array, temperature=temperature)
        if probabilities[0] != probabilities[0]:  # NaN, and then all of them are
            bad = np.isnan(array) | (array == np.inf)
            if not bad.any():
                raise ValueError("logits are all -inf")
            where = np.argmax(bad)
            raise ValueError(
                f"logits[{where}] is {(<object> array)[where]!s}; logits must be finite or -inf"
            )
        if temperature == 0:
            first = np.argmax(probabilities)
            probabilities[:] = 0
            probabilities[first] = 1
        return cls(probabilities)

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
        cdef cnp.ndarray result, target
        cdef size_t n
        cdef size_t itemsize
        if size is None and out is None:
            return self.draw(bit_generator_of(rng))
        shape = None if size is None else shape_of(size)
        if out is None:
            result = np.empty(shape, np.int64)
        else:
            result = checked_out(out, self.categories)
            if shape is not None and (<object> result).shape != shape:
                raise ValueError(f"size is {size}, but out has shape {out.shape}")
        target = plain_like(result)

        cdef BitGenerator source = bit_generator_of(rng)
        cdef bitgen_t *bitgen = bitgen_of(source)
        cdef Buckets buckets = self.buckets
        cdef char *data = <char *> cnp.PyArray_DATA(target)
        n = cnp.PyArray_SIZE(target)
        itemsize = cnp.PyArray_ITEMSIZE(target)
        hold(source)
        try:
            if n <= CHUNK:
                draw_all(buckets, bitgen, n, data, itemsize)
            else:
                with nogil:
                    draw_all(buckets, bitgen, n, data, itemsize)
        finally:
            release(source)
        if target is not result:
            result[...] = target
        return result

    cdef object draw(self, BitGenerator source):
        cdef bitgen_t *bitgen = bitgen_of(source)
        cdef uint64_t word
        hold(source)
        word = bitgen.next_uint64(bitgen.state)
        release(source)
        return softdraw_alias_map1(self.buckets.data, self.buckets.bits, word)

    def map(self, words, *, out=None):
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
        cdef cnp.ndarray array = as_words(words)
        cdef cnp.ndarray result, target
        cdef Buckets buckets = self.buckets
        cdef const uint64_t *word
        cdef char *data
        cdef size_t n = cnp.PyArray_SIZE(array)
        cdef size_t itemsize
        if out is None:
            if array.ndim == 0:
                word = <const uint64_t *> cnp.PyArray_DATA(array)
                return softdraw_alias_map1(buckets.data, buckets.bits, word[0])
            result = np.empty((<object> array).shape, np.int64)
        else:
            result = checked_out(out, self.categories)
            if (<object> result).shape != (<object> array).shape:
                raise ValueError(
                    f"words has shape {(<object> array).shape}, but out has shape {out.shape}"
                )
        target = plain_like(result)
        if target is out and np.may_share_memory(array, target):
            array = array.copy()  # in place, or overlapping in part
        word = <const uint64_t *> cnp.PyArray_DATA(array)
        data = <char *> cnp.PyArray_DATA(target)
        itemsize = cnp.PyArray_ITEMSIZE(target)
        if n <= CHUNK:
            map_all(buckets, word, n, data, itemsize)
        else:
            with nogil:
                map_all(buckets, word, n, data, itemsize)
        if target is not result:
            result[...] = target
        return result

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
        return Sampler(self, rng)

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
        cdef Buckets buckets = self.buckets
        cdef size_t n = self.categories
        with nogil:
            alias_units(buckets.data, buckets.bits, n, unit)
        return units

    def __len__(self):
        return self.categories

    @property
    def buckets(self):
        """The table itself, for C, Cython and Numba (see docs/embedding.md): a read-only array of
        2**bits uint64, not a copy. `softdraw_alias_map1` of softdraw.h draws from it."""
        return self.array.view()

    @property
    def nbytes(self):
        """Size of the buckets in bytes."""
        return self.array.nbytes

    def __eq__(self, other):
        if type(other) is not AliasTable:
            return NotImplemented
        cdef AliasTable table = other
        return self.categories == table.categories and not memcmp(
            self.buckets.data, table.buckets.data, self.nbytes
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

# ---- sampler -----------------------------------------------------------------------------------

@cython.final
cdef class Sampler:
    """
    Draws from a table, with words taken from a generator in blocks; made by `AliasTable.sampler`.

    ``draw()`` gives an int, ``draw(size)`` an int64 array of that shape. Calls from several threads
    are serialised. A forked child drops the block that it finds, and takes a new generator if the
    sampler was made without one.
    """

    # One draw, where the block has a word left and no other thread is inside, takes no lock: the
    # GIL (without one, the critical section) is enough for that. All else holds `lock`.
    cdef AliasTable table
    cdef BitGenerator source
    cdef bint own  # whether source was made here
    cdef Lock lock
    cdef unsigned long forks
    cdef size_t used
    cdef uint64_t[BLOCK] words

    def __cinit__(self, AliasTable table not None, rng):
        self.table = table
        self.own = rng is None
        self.source = Xoshiro256() if self.own else bit_generator_of(rng)
        self.lock = Lock()
        self.forks = fork_count()
        self.used = BLOCK

    def __call__(self, size=None):
        cdef bint ready
        cdef uint64_t word
        cdef BitGenerator source
        if size is not None:
            return self.draw_many(shape_of(size))
        with cython.critical_section(self):
            ready = (
                self.used < BLOCK and self.lock.count == 0 and self.forks == fork_count()
            )
            if ready:
                word = self.words[self.used]
                self.used += 1
        if not ready:
            source = self.enter()
            try:
                if self.used == BLOCK:
                    take_words(bitgen_of(self.source), self.words, BLOCK)
                    self.used = 0
                word = self.words[self.used]
                self.used += 1
            finally:
                self.leave(source)
        return softdraw_alias_map1(self.table.buckets.data, self.table.buckets.bits, word)

    cdef object draw_many(self, tuple shape):
        cdef cnp.ndarray result = np.empty(shape, np.int64)
        cdef int64_t *out = <int64_t *> cnp.PyArray_DATA(result)
        cdef size_t n = cnp.PyArray_SIZE(result)
        cdef bitgen_t *bitgen
        cdef BitGenerator source
        source = self.enter()
        try:
            bitgen = bitgen_of(self.source)
            if n <= CHUNK:
                self.draw_blocks(bitgen, out, n)
            else:
                with nogil:
                    self.draw_blocks(bitgen, out, n)
        finally:
            self.leave(source)
        return result

    cdef void draw_blocks(self, bitgen_t *bitgen, int64_t *out, size_t n) noexcept nogil:
        cdef Buckets buckets = self.table.buckets
        cdef size_t length
        while n:
            if self.used == BLOCK:
                take_words(bitgen, self.words, BLOCK)
                self.used = 0
            length = min(n, BLOCK - self.used)
            alias_map(buckets.data, buckets.bits, self.words + self.used, length, out)
            self.used += length
            out += length
            n -= length

    cdef BitGenerator enter(self):
        """Take the generator's lock and then the sampler's, in that order, for a caller may hold the
        first already; in a forked child, forget the parent's words. Returns what leave() needs."""
        cdef BitGenerator source = self.source
        hold(source)
        try:
            self.lock.take()
        except BaseException:
            release(source)
            raise
        if self.forks != fork_count():
            try:
                if self.own:
                    self.source = Xoshiro256()  # nobody else has it, so nobody else holds it
            except BaseException:
                self.leave(source)
                raise
            self.used = BLOCK
            self.forks = fork_count()
        return source

    cdef int leave(self, BitGenerator source) except -1:
        self.lock.give()
        release(source)
        return 0

    def __repr__(self):
        return f"<Sampler of {self.table!r}>"


# ---- many tables -------------------------------------------------------------------------------

cdef cnp.ndarray checked_indptr(object indptr, Py_ssize_t weights):
    """indptr as a plain int64 array of its own, if it cuts that many weights into rows."""
    cdef cnp.ndarray given = unmasked_array(indptr, "indptr")
    if given.ndim != 1:
        raise ValueError(f"indptr must be 1-D, got shape {(<object> given).shape}")
    if given.shape[0] == 0:
        raise ValueError("indptr is empty; it must begin with 0")
    if given.dtype.kind not in "iu":
        raise TypeError(f"indptr must be integers, got dtype {given.dtype}")
    if given[0] != 0:
        raise ValueError(f"indptr[0] is {given[0]}; it must be 0")
    falls = given[1:] < given[:-1]
    if falls.any():
        where = falls.argmax() + 1
        raise ValueError(
            f"indptr[{where}] is {given[where]}, less than the {given[where - 1]} before it"
        )
    end = given[given.shape[0] - 1]
    if end != weights:
        raise ValueError(
            f"indptr[{given.shape[0] - 1}] is {end}; it must be {weights}, the number of weights"
        )
    return np.array(given, np.int64)


cdef cnp.ndarray as_rows(object rows):
    """rows as a plain int64 array."""
    cdef cnp.ndarray array = unmasked_array(rows, "rows")
    if array.dtype.kind not in "iu" and not (array.size == 0 and isinstance(rows, (list, tuple))):
        raise TypeError(f"rows must be integers, got dtype {array.dtype}")
    return as_carray(array, cnp.NPY_INT64)


@cython.final
cdef class _Rows:
    """What AliasTables takes instead of weights when it is unpickled."""
    cdef cnp.ndarray indptr, records, buckets


def _unpickle_tables(lengths, bits, data):
    """The tables with these buckets, little-endian bytes, or ValueError where that is none."""
    if not all(isinstance(part, bytes) for part in (lengths, bits, data)) or len(lengths) != 8 * len(bits):
        raise ValueError("not pickled AliasTables")
    n = np.frombuffer(lengths, "<i8").astype(np.int64)
    each = np.frombuffer(bits, np.uint8).astype(np.uint64)
    needed = np.maximum(np.frexp(n - 1.0)[1], 1)  # alias_bits
    if (n < 0).any() or (n > 2**32).any() or ((each != 0) & ((each != needed) | (n == 0))).any():
        raise ValueError("pickled AliasTables have rows of another length")
    size = np.where(each > 0, np.uint64(1) << each, np.uint64(0)).astype(np.int64)
    if len(data) != 8 * size.sum():
        raise ValueError(f"pickled AliasTables have {8 * size.sum()} bytes, got {len(data)}")
    buckets = np.frombuffer(data, "<u8").astype(np.uint64)
    start = np.concatenate([[0], size.cumsum()])
    low = np.repeat((np.uint64(1) << each) - np.uint64(1), size)
    length = np.repeat(n, size).astype(np.uint64)
    place = np.arange(len(buckets), dtype=np.uint64) - np.repeat(start[:-1], size).astype(np.uint64)
    if ((buckets & low) >= length).any() or ((place >= length) & (buckets > low)).any():
        raise ValueError("pickled AliasTables draw a category past the last")
    cdef _Rows parts = _Rows()
    parts.indptr = np.concatenate([[0], n.cumsum()]).astype(np.int64)
    parts.records = start[:-1].astype(np.uint64) << np.uint64(6) | each
    parts.buckets = buckets
    return AliasTables(parts, None)


@cython.final
cdef class AliasTables:
    """
    AliasTables(weights, indptr)

    Many tables of any lengths in one block: a ragged family, in the CSR layout of sparse matrices.

    Row i is an `AliasTable` of ``weights[indptr[i]:indptr[i + 1]]``. A draw takes one word and gives
    a category counted within its row; draws from many rows wait for memory together.

    Parameters
    ----------
    weights : array_like
        1-D, finite and not negative, those of all rows one after the other; taken as `AliasTable`
        takes them. Rows may be empty or all zeros, but not drawn from.
    indptr : array_like of int
        Where rows begin, and the last one ends: the first is 0, none is less than the one before,
        and the last is the number of weights. A row has at most 2**32.

    Raises
    ------
    ValueError
        For weights and for an `indptr` that are none, naming the first bad one.
    TypeError
        For a dtype that has no real numbers of at most 64 bits, or no integers, and for masked
        arrays.

    Notes
    -----
    Tables are immutable and can be shared by threads; they equal others of the same row lengths and
    buckets. A row takes 16 bytes, and 8 for each of its buckets.

    Examples
    --------
    >>> import softdraw
    >>> tables = softdraw.AliasTables([1, 1, 5, 2, 0, 3], [0, 2, 3, 6])
    >>> len(tables), tables[2].probabilities()
    (3, array([0.4, 0. , 0.6]))
    >>> tables.sample([1, 1], rng=7)
    array([0, 0])
    >>> tables.sample(0, rng=7) in (0, 1)
    True
    """

    cdef Py_ssize_t rows, longest
    cdef cnp.ndarray indptr, records, array  # int64, and uint64: where each row is, and all buckets
    cdef object hash_value  # None before it is asked for

    def __cinit__(self, weights, indptr):
        if type(weights) is _Rows:
            self.indptr = (<_Rows> weights).indptr
            self.records = (<_Rows> weights).records
            self.array = (<_Rows> weights).buckets
            self.rows = self.records.shape[0]
        else:
            self.build(weights, indptr)
        self.longest = alias_rows_max_length(
            <const int64_t *> cnp.PyArray_DATA(self.indptr), self.rows
        )

    cdef int build(self, object given, object indptr) except -1:
        cdef int typenum = 0
        cdef int error
        cdef cnp.ndarray weights = real_weights(given)
        self.indptr = checked_indptr(indptr, weights.shape[0])
        self.rows = self.indptr.shape[0] - 1
        self.records = new_array(self.rows, cnp.NPY_UINT64)
        cdef const int64_t *first = <const int64_t *> cnp.PyArray_DATA(self.indptr)
        cdef size_t rows = self.rows, where = 0, longest = alias_rows_max_length(first, rows)
        if longest > <uint64_t> 1 << 32:
            raise ValueError(f"a row has {longest} items; at most 2**32 are possible")
        weights = plain_weights(weights, &typenum)
        cdef cnp.ndarray buckets = new_array(alias_rows_max_buckets(first, rows), cnp.NPY_UINT64)
        cdef cnp.ndarray space = new_array(alias_scratch(longest), cnp.NPY_UINT8)
        cdef const void *data = cnp.PyArray_DATA(weights)
        cdef uint64_t *record = <uint64_t *> cnp.PyArray_DATA(self.records)
        cdef uint64_t *bucket = <uint64_t *> cnp.PyArray_DATA(buckets)
        cdef uint64_t *scratch = <uint64_t *> cnp.PyArray_DATA(space)
        with nogil:
            if typenum == cnp.NPY_FLOAT64:
                error = alias_rows_build_f64(
                    <const double *> data, first, rows, record, bucket, scratch, &where
                )
            elif typenum == cnp.NPY_FLOAT32:
                error = alias_rows_build_f32(
                    <const float *> data, first, rows, record, bucket, scratch, &where
                )
            else:
                error = alias_rows_build_u64(
                    <const uint64_t *> data, first, rows, record, bucket, scratch, &where
                )
        if error == SOFTDRAW_ERROR_WEIGHT:
            refuse(weights, where)
        self.array = buckets if where == <size_t> buckets.shape[0] else buckets[:where].copy()
        return 0

    cdef object refuse_row(self, int error, object rows, cnp.ndarray array, size_t where):
        """Raise what is wrong with the row at that place."""
        place = np.unravel_index(where, (<object> array).shape)
        row = np.asarray(rows)[place]
        if error == SOFTDRAW_ERROR_ROW:
            name = f"rows[{', '.join(map(str, place))}]" if array.ndim else "rows"
            raise IndexError(f"{name} is {row}; there are {self.rows} rows")
        empty = self.indptr[row] == self.indptr[row + 1]
        raise ValueError(f"row {row} is empty" if empty else f"row {row} is all zeros")

    cdef object draw(
        self, object rows, cnp.ndarray array, cnp.ndarray words, BitGenerator source, object out
    ):
        """One draw for each row of the array, with these words or those of the source."""
        cdef cnp.ndarray result, target
        cdef bitgen_t *bitgen = NULL if source is None else bitgen_of(source)
        cdef const uint64_t *word = NULL if words is None else <uint64_t *> cnp.PyArray_DATA(words)
        cdef int error
        cdef size_t where = 0
        if out is None:
            result = np.empty((<object> array).shape, np.int64)
        else:
            result = checked_out(out, self.longest)
            if (<object> result).shape != (<object> array).shape:
                raise ValueError(
                    f"rows has shape {(<object> array).shape}, but out has shape {out.shape}"
                )
        target = plain_like(result)
        if target is out:  # in place, or overlapping in part
            if np.may_share_memory(array, target):
                array = array.copy()
            if words is not None and np.may_share_memory(words, target):
                words = words.copy()
                word = <const uint64_t *> cnp.PyArray_DATA(words)
        cdef const int64_t *row = <const int64_t *> cnp.PyArray_DATA(array)
        cdef char *data = <char *> cnp.PyArray_DATA(target)
        cdef size_t n = cnp.PyArray_SIZE(array), itemsize = cnp.PyArray_ITEMSIZE(target)
        if source is not None:
            hold(source)
        try:
            with nogil:
                error = self.draw_all(row, word, bitgen, n, data, itemsize, &where)
        finally:
            if source is not None:
                release(source)
        if error != SOFTDRAW_OK:
            self.refuse_row(error, rows, array, where)
        if target is not result:
            result[...] = target
        if out is None and array.ndim == 0:
            return int(result)
        return result

    cdef int draw_all(
        self,
        const int64_t *rows,
        const uint64_t *words,
        bitgen_t *bitgen,
        size_t n,
        char *out,
        size_t itemsize,
        size_t *where,
    ) noexcept nogil:
        cdef uint64_t[CHUNK] taken
        cdef int64_t[CHUNK] categories
        cdef int64_t *drawn
        cdef const uint64_t *word
        cdef const uint64_t *buckets = <const uint64_t *> cnp.PyArray_DATA(self.array)
        cdef const uint64_t *records = <const uint64_t *> cnp.PyArray_DATA(self.records)
        cdef size_t i = 0, length
        cdef int error
        while i < n:
            length = min(n - i, <size_t> CHUNK)
            drawn = <int64_t *> (out + i * itemsize) if itemsize == 8 else categories
            if words == NULL:
                take_words(bitgen, taken, length)
                word = taken
            else:
                word = words + i
            error = alias_rows_map(
                buckets, records, self.rows, rows + i, word, length, drawn, where
            )
            if error != SOFTDRAW_OK:
                where[0] += i
                return error
            if itemsize != 8:
                narrow(categories, length, out + i * itemsize, itemsize)
            i += length
        return SOFTDRAW_OK

    def sample(self, rows, *, rng=None, out=None):
        """
        Draw a category from each of some rows.

        Parameters
        ----------
        rows : int or array_like of int
            From 0 on and below ``len(tables)``; any of them as often as wanted.
        rng : None, int, SeedSequence, BitGenerator or Generator, optional
            Where the words come from, one a draw, as for `AliasTable.sample`.
        out : ndarray, optional
            Array of int64, int32, uint32 or int16, of the shape of `rows`, to write to.

        Returns
        -------
        int or ndarray
            Counted within the row: `out` if given; otherwise an int for a single row, or an int64
            array of the shape of `rows`.

        Raises
        ------
        IndexError
            For a row that is none, naming the first.
        ValueError
            For a row that is empty or all zeros, naming it, and for an `out` of another shape, or
            whose dtype cannot hold the categories of the longest row.

        Examples
        --------
        >>> import softdraw
        >>> tables = softdraw.AliasTables([1, 1, 2], [0, 1, 3])
        >>> tables.sample([[0, 1], [1, 0]], rng=7).shape
        (2, 2)
        """
        return self.draw(rows, as_rows(rows), None, bit_generator_of(rng), out)

    def map(self, rows, words, *, out=None):
        """
        Turn words into categories; `sample` does this to the words of a generator.

        Parameters
        ----------
        rows : int or array_like of int
            As for `sample`.
        words : int or array_like of uint64
            Of the shape of `rows`, numbers from 0 to 2**64 - 1.
        out : ndarray, optional
            As for `sample`.

        Returns
        -------
        int or ndarray
            As of `sample`: what ``tables[row].map(word)`` is for each.

        Examples
        --------
        >>> import softdraw
        >>> tables = softdraw.AliasTables([1, 1, 2], [0, 2, 3])
        >>> tables.map([0, 0, 1], [0, 2**63, 5])
        array([0, 1, 0])
        """
        cdef cnp.ndarray array = as_rows(rows), word = as_words(words)
        if (<object> array).shape != (<object> word).shape:
            raise ValueError(
                f"rows has shape {(<object> array).shape}, but words has shape {(<object> word).shape}"
            )
        return self.draw(rows, array, word, None, out)

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        cdef object index = operator.index(row)
        if not 0 <= index < self.rows:
            raise IndexError(f"row is {index}; there are {self.rows} rows")
        cdef uint64_t record = self.records[index]
        if record & 63 == 0:
            self.refuse_row(SOFTDRAW_ERROR_ZERO, index, np.asarray(index), 0)
        cdef size_t start = record >> 6
        cdef _Buckets parts = _Buckets()
        parts.categories = self.indptr[index + 1] - self.indptr[index]
        parts.buckets = self.array[start : start + (<size_t> 1 << (record & 63))].copy()
        return AliasTable(parts)

    @property
    def nbytes(self):
        """Size of the buckets, and of what tells where each row is, in bytes."""
        return self.array.nbytes + self.records.nbytes + self.indptr.nbytes

    def __eq__(self, other):
        if type(other) is not AliasTables:
            return NotImplemented
        cdef AliasTables tables = other
        return (
            np.array_equal(self.indptr, tables.indptr)
            and np.array_equal(self.records, tables.records)
            and np.array_equal(self.array, tables.array)
        )

    def __hash__(self):
        if self.hash_value is None:
            self.hash_value = hash((self.indptr.tobytes(), self.array.tobytes()))
        return self.hash_value

    def __repr__(self):
        return f"<AliasTables: {self.rows} rows, {self.indptr[self.rows]} categories, {self.nbytes} bytes>"

    def __reduce__(self):
        lengths = np.diff(self.indptr).astype("<i8").tobytes()
        bits = (self.records & np.uint64(63)).astype(np.uint8).tobytes()
        return _unpickle_tables, (lengths, bits, self.array.astype("<u8").tobytes())

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self
