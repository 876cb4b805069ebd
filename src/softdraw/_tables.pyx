"""AliasTables: many tables of any lengths in one block."""


import numpy as np

cimport cython
cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._alias cimport table_of
from softdraw._arguments cimport (
    as_carray, as_words, check_error, check_header, check_still_whole, check_unchanged, digest_of, header_of,
    internal, is_skip, place_of, real_numbers, refuse_call, refuse_positional, shape_of, short_text,
    temperatures_of_rows, unmasked_array, whole_number, whole_numbers, word_array,
)
from softdraw._build cimport Rows, build, new_array, read_only, real_items, weights_of
from softdraw._core cimport (
    SOFTDRAW_ERROR_ROW, SOFTDRAW_OK, HostState, alias_rows_map, alias_rows_max_length, alias_units,
    restore_state, set_default_state,
)
from softdraw._draws cimport (
    CHUNK, apart_from, check_same, checked_out, draw_into, new_draws, target_of,
)
from softdraw._random cimport bit_generator_of, hold, read_bitgen, release, take_words
from softdraw._workers cimport given_workers

from softdraw._arguments import hide_positional

cnp.import_array()


# ---- arguments ---------------------------------------------------------------------------------

cdef cnp.ndarray checked_indptr(object indptr, cnp.ndarray items, str name):
    """indptr as a plain int64 array of its own, if it cuts the items into rows."""
    cdef cnp.ndarray given = np.array(unmasked_array(indptr, "indptr"))  # no other thread has it
    if given.dtype.kind not in "iu" and given.size:  # [] has the dtype float64
        raise TypeError(f"indptr must be integers, got dtype {short_text(given.dtype)}")
    if given.ndim != 1:
        raise ValueError(f"indptr must be 1-D, got shape {(<object> given).shape}")
    if given.shape[0] == 0:
        raise ValueError("indptr is empty; it must begin with 0")
    if given[0] != 0:
        raise ValueError(f"indptr[0] is {given[0]}; it must be 0")
    last = given.shape[0] - 1
    falls = given[1:] < given[:last]
    if falls.any():
        where = falls.argmax() + 1
        raise ValueError(
            f"indptr[{where}] is {given[where]}, less than the {given[where - 1]} before it"
        )
    if given[last] != items.shape[0]:
        raise ValueError(
            f"indptr[{last}] is {given[last]}; it must be {items.shape[0]}, the number of {name}"
        )
    cdef cnp.ndarray checked = given.astype(np.int64)
    longest = alias_rows_max_length(<const int64_t *> cnp.PyArray_DATA(checked), last)
    if longest > <uint64_t> 1 << 32:
        raise ValueError(f"a row has {longest} items; at most 2**32 are possible")
    return checked


cdef Rows rows_of(cnp.ndarray indptr):
    return Rows(<const int64_t *> cnp.PyArray_DATA(indptr), indptr.shape[0] - 1)


cdef uint64_t *records_of(cnp.ndarray records) noexcept:
    return <uint64_t *> cnp.PyArray_DATA(records)


cdef int check_begin(cnp.ndarray rows, cnp.ndarray other, str name) except -1:
    """Raise unless the shape of the other array begins with that of the rows."""
    cdef int ndim = cnp.PyArray_NDIM(rows)
    if ndim > cnp.PyArray_NDIM(other) or not cnp.PyArray_CompareLists(
        cnp.PyArray_DIMS(rows), cnp.PyArray_DIMS(other), ndim
    ):
        raise ValueError(
            f"rows has shape {(<object> rows).shape}, but {name} has shape {(<object> other).shape}"
        )
    return 0


# ---- draws -------------------------------------------------------------------------------------

# A call of map or sample: draw i is from rows[i // per_row].
cdef struct Call:
    const uint64_t *buckets
    const uint64_t *records
    size_t count
    const int64_t *rows
    size_t per_row
    bint skips  # a row that has nothing to draw gives -1


cdef int draw_rows(
    void *call, const uint64_t *words, bitgen_t *bitgen, size_t begin, size_t n, int64_t *categories,
    size_t *where
) noexcept nogil:
    cdef const Call *c = <const Call *> call
    cdef uint64_t[CHUNK] taken
    cdef int64_t[CHUNK] repeated
    cdef const int64_t *rows = repeated
    cdef size_t i, row, left
    cdef int error = SOFTDRAW_OK
    if words == NULL:
        take_words(bitgen, taken, n)
        words = taken
    if c.per_row == 1 and not c.skips:
        rows = c.rows + begin
    else:
        row = begin // c.per_row
        left = c.per_row - begin % c.per_row
        for i in range(n):
            if left == 0:
                row += 1
                left = c.per_row
            repeated[i] = c.rows[row]
            left -= 1
    i = 0
    while i < n and error == SOFTDRAW_OK:
        left = n - i
        if c.skips:
            left = count_drawable(c, rows + i, left)
        error = alias_rows_map(
            c.buckets, c.records, c.count, rows + i, words + i, left, categories + i, where
        )
        if error != SOFTDRAW_OK:
            where[0] += i
        i += left
        if i < n:
            categories[i] = -1
            i += 1
    return error


cdef size_t count_drawable(const Call *c, const int64_t *rows, size_t n) noexcept nogil:
    """How many rows come before the first one that has nothing to draw. One that is out of range counts,
    because it is an error, which alias_rows_map reports. No other thread may change `rows`."""
    cdef size_t i = 0
    while i < n and (<uint64_t> rows[i] >= c.count or c.records[rows[i]] & 63):
        i += 1
    return i


# ---- tables ------------------------------------------------------------------------------------

cdef AliasTables tables_of(cnp.ndarray lengths, cnp.ndarray bits, cnp.ndarray buckets):
    """The tables of rows with these lengths (int64) and bits (uint64), whose buckets follow each other."""
    cdef cnp.ndarray indptr = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    sizes = sizes_of(bits)
    records = (np.cumsum(sizes) - sizes).astype(np.uint64) << np.uint64(6) | bits
    return AliasTables(internal, indptr, records, buckets)


cdef AliasTables tables_of_logits(object logits, object indptr, object temperature, int workers):
    cdef cnp.ndarray array = real_items(logits, "logits")
    temperature = real_numbers(temperature, "temperature")
    cdef cnp.ndarray ends = checked_indptr(indptr, array, "logits")  # the last that may run code of the caller
    cdef cnp.ndarray records = new_array(ends.shape[0] - 1, cnp.NPY_UINT64)
    cdef cnp.ndarray temperatures = temperatures_of_rows(temperature, True, (records.shape[0], 1), (1,))
    weights = weights_of(
        array,
        rows_of(ends),
        <const double *> cnp.PyArray_DATA(temperatures),
        cnp.PyArray_SIZE(temperatures) > 1,
        workers,
    )
    buckets = build(weights, rows_of(ends), records_of(records), workers)
    return AliasTables(internal, ends, records, buckets)


cdef object sizes_of(object bits):
    """How many buckets rows of those bits have."""
    return np.where(bits > 0, np.uint64(1) << bits, np.uint64(0)).astype(np.int64)


def _each_table(AliasTables tables not None, rows):
    """Yield the table of each of these rows, None for one that has nothing to draw."""
    for row in rows:
        yield tables[row] if tables.places[row] & np.uint64(63) else None


def _unpickle_tables(header, *parts):
    """Return the tables with these buckets, little-endian bytes; a ValueError if they are invalid."""
    if [type(part) for part in parts] != [bytes] * 3 or len(parts[0]) != 8 * len(parts[1]):
        raise ValueError("not pickled AliasTables")
    check_header("pickled AliasTables", header, parts)
    lengths, bits, data = parts
    n = np.frombuffer(lengths, "<i8").astype(np.int64)
    each = np.frombuffer(bits, np.uint8).astype(np.uint64)
    needed = np.maximum(np.frexp(n - 1.0)[1], 1)  # alias_bits
    if (n < 0).any() or (n > 2**32).any() or ((each != 0) & ((each != needed) | (n == 0))).any():
        raise ValueError("pickled AliasTables have rows of another length")
    size = sizes_of(each)
    if len(data) != 8 * size.sum():
        raise ValueError(f"pickled AliasTables have {8 * size.sum()} bytes, got {len(data)}")
    buckets = np.frombuffer(data, "<u8").astype(np.uint64)
    low = np.repeat((np.uint64(1) << each) - np.uint64(1), size)
    length = np.repeat(n, size).astype(np.uint64)
    place = (np.arange(len(buckets)) - np.repeat(size.cumsum() - size, size)).astype(np.uint64)
    if ((buckets & low) >= length).any() or ((place >= length) & (buckets > low)).any():
        raise ValueError("pickled AliasTables draw a category past the last")
    return tables_of(n, each, buckets)


@cython.final
@cython.no_gc  # as for AliasTable
# Python then checks self: a method called as one of the class may get anything.
@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class AliasTables:
    """AliasTables(weights, indptr, /, *, workers=None)\n--\n
    Many tables, with different numbers of categories, in one block of memory.

    Rows of weights lie one after the other, as in a CSR sparse matrix. Row i is an `AliasTable` of
    ``weights[indptr[i]:indptr[i + 1]]``, and its categories are counted within the row. Draws from
    many rows are faster than from as many tables, because they wait for memory together.

    ``tables[i]`` is row i as an `AliasTable`, counted from the end if i is negative; a slice gives
    AliasTables. Iteration gives None for rows that have nothing to draw.

    Parameters
    ----------
    weights : array_like
        Of shape (n,): those of all rows, finite and not negative, converted as `AliasTable` does.
        Rows may be empty or all zeros, but then have nothing to draw.
    indptr : array_like of int
        Of shape (rows + 1,): where each row begins, and where the last one ends. The first is 0, none
        is less than the one before it, and the last is n. A row has at most 2**32 weights.
    workers : int, optional
        How many threads may share the rows, as for `AliasTable.sample`. The tables are the same.

    Raises
    ------
    ValueError
        If a weight is negative, NaN or infinite, or `indptr` is invalid, naming the first place.
    TypeError
        If `weights` are not real numbers of at most 64 bits, `indptr` not integers, or either is a
        masked array.

    See Also
    --------
    AliasTables.from_logits : Tables of the softmax of rows of logits.
    AliasTable : One table; what its notes promise holds for each row.
    sample_logits : Draws from rows of equal length without tables, which is faster for a few draws.

    Notes
    -----
    Tables are immutable, and threads can share them. They equal others that have the same row lengths
    and buckets. They take 8 bytes for each bucket, and 16 for each row.

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
    cdef cnp.ndarray ends, places, array  # int64 indptr; uint64 records; uint64 buckets
    cdef object hash_value  # None before it is asked for

    def __cinit__(self, *arguments, **named):
        cdef cnp.ndarray weights
        cdef int number = 0
        cdef HostState before
        if len(arguments) == 4 and arguments[0] is internal:
            _, self.ends, self.places, self.array = arguments
        else:
            if named.get("workers") is not None:
                number = given_workers(named["workers"])
            if len(arguments) != 2 or named.keys() - {"workers"}:
                refuse_call("AliasTables", "weights, indptr", arguments, named)
            set_default_state(&before)
            try:
                weights = real_items(arguments[0], "weights")
                self.ends = checked_indptr(arguments[1], weights, "weights")
                self.places = new_array(self.ends.shape[0] - 1, cnp.NPY_UINT64)
                self.array = build(weights, rows_of(self.ends), records_of(self.places), number)
            finally:
                restore_state(&before)
        self.rows = self.places.shape[0]
        self.longest = alias_rows_max_length(
            <const int64_t *> cnp.PyArray_DATA(self.ends), self.rows
        )

    @classmethod
    @cython.binding(True)  # for hide_positional
    def from_logits(cls, logits, indptr, /, *refused, temperature=1.0, workers=None):
        """
        Make tables of the softmax of each row of logits.

        Parameters
        ----------
        logits : array_like
            Of shape (n,): those of all rows, converted as `AliasTable.from_logits` does. A row that
            is empty, or all -inf, has nothing to draw.
        indptr : array_like of int
            Of shape (rows + 1,), as for `AliasTables`.
        temperature : float or array_like, optional
            From 0 to inf: one for all rows, or one per row, of shape (rows,) or (rows, 1).
        workers : int, optional
            How many threads may share the rows, as for `AliasTable.sample`. The tables are the same.

        Returns
        -------
        AliasTables
            Row i equals ``AliasTable.from_logits(logits[indptr[i]:indptr[i + 1]],
            temperature=temperature[i])``.

        Raises
        ------
        ValueError
            If a logit is NaN or +inf, a temperature is negative or NaN, or `indptr` is invalid,
            naming the first place.

        See Also
        --------
        AliasTable.from_logits : One table.

        Examples
        --------
        >>> import softdraw
        >>> tables = softdraw.AliasTables.from_logits([1.0, 1.0, 0.0, 3.0], [0, 2, 4], temperature=[1, 0])
        >>> tables.probabilities()
        array([0.5, 0.5, 0. , 1. ])
        """
        if refused:
            refuse_positional("AliasTables.from_logits(logits, indptr)", refused, ("temperature",))
        cdef int number = 0 if workers is None else given_workers(workers)
        cdef HostState before
        set_default_state(&before)
        try:
            return tables_of_logits(logits, indptr, temperature, number)
        finally:
            restore_state(&before)

    cdef object draw(
        self, object rows, cnp.ndarray numbers, cnp.ndarray words, BitGenerator source,
        bint skips, cnp.ndarray result, cnp.ndarray target, int workers
    ):
        """Fill the result, by way of its target, with what these words, or those of the source, draw from
        the rows. `numbers` is what whole_numbers has made of the rows, and apart from the target."""
        cdef Call call
        # those past the largest int64 are no rows here either
        cdef cnp.ndarray array = as_carray(numbers, cnp.NPY_INT64)
        cdef bitgen_t bitgen
        cdef const uint64_t *word = NULL
        cdef size_t where
        cdef int error
        call.buckets = <const uint64_t *> cnp.PyArray_DATA(self.array)
        call.records = <const uint64_t *> cnp.PyArray_DATA(self.places)
        call.count = self.rows
        call.skips = skips
        held = None
        if source is not None:
            read_bitgen(source, &bitgen)
            held = hold(source)
        try:
            # last, so that nothing changes after it
            check_unchanged(array, sizeof(int64_t), "rows")
            check_begin(array, target, "out")
            if words is not None:
                check_unchanged(words, sizeof(uint64_t), "words")
                check_same(words, target)
                word = <const uint64_t *> cnp.PyArray_DATA(words)
            call.rows = <const int64_t *> cnp.PyArray_DATA(array)
            call.per_row = cnp.PyArray_SIZE(target) // max(cnp.PyArray_SIZE(array), 1)
            error = draw_into(
                result, target, draw_rows, &call, word, &bitgen, None, workers, &where
            )
        finally:
            if held is not None:
                release(held)
        if error != SOFTDRAW_OK:
            place = np.unravel_index(where // call.per_row, (<object> array).shape)
            row = int((<object> numbers)[place])
            if row in (-1, 2**63 - 1) and isinstance(rows, (int, list, tuple)):
                row = np.asarray(rows, dtype=object)[place]  # it may have been too large for a dtype
            if error != SOFTDRAW_ERROR_ROW:
                self.raise_for_row(row, "; invalid='skip' gives -1 for such rows")
            raise IndexError(f"{place_of('rows', place)} is {row}; there are {self.rows} rows")

    cdef cnp.ndarray checked_out(self, object out, bint skips):
        cdef cnp.ndarray array = checked_out(out, self.longest)
        if skips and array.dtype.kind == "u":
            raise TypeError(f"out must be int64, int32 or int16 to hold -1, got {short_text(array.dtype)}")
        return array

    cdef int raise_for_row(self, object row, str hint="") except -1:
        if 0 <= row < self.rows and self.ends[row] == self.ends[row + 1]:
            raise ValueError(f"row {row} is empty{hint}")
        raise ValueError(
            f"row {row} has nothing to draw: its weights are all zero, or its logits all -inf{hint}"
        )

    def sample(
        self, rows, /, size=None, *, rng=None, invalid="raise", out=None, workers=None
    ):
        """
        Draw categories from some of the rows.

        Parameters
        ----------
        rows : int or array_like of int
            Row numbers, each at least 0 and below ``len(tables)``, in any order and as often as
            wanted.
        size : int or tuple of ints, optional
            How many draws per row, in the last axes of the result. None is one, without an axis; with
            `out`, what that has room for.
        rng : None, int, sequence of ints, SeedSequence, BitGenerator or Generator, optional
            Where the words come from, one per draw, as for `AliasTable.sample`. A row takes all of
            its words before the next row does.
        invalid : {"raise", "skip"}, optional
            What a row that has nothing to draw gives: a ValueError for the call, or -1 for its draws.
        out : ndarray, optional
            Array of int64, int32, int16 or (unless rows are skipped) uint32, of shape
            ``rows.shape + size``, to write to.
        workers : int, optional
            How many threads may share the call, as for `AliasTable.sample`.

        Returns
        -------
        int or ndarray
            Categories, counted within the row: `out` if given; an int for a single row without
            `size`; otherwise an int64 array of shape ``rows.shape + size``.

        Raises
        ------
        IndexError
            If a row is out of range.
        ValueError
            If a row has nothing to draw. Either error names the first wrong row, and `out` then holds
            anything. If the shape of `out` does not fit, or its dtype cannot hold the categories of the
            longest row; nothing is written.

        See Also
        --------
        map : The same for given words.

        Examples
        --------
        >>> import softdraw
        >>> tables = softdraw.AliasTables([1, 1, 2], [0, 1, 3])
        >>> tables.sample([[0, 1], [1, 0]], rng=7).shape
        (2, 2)
        >>> tables.sample([0, 1, 0], 100, rng=7).shape
        (3, 100)
        """
        cdef int number = 0 if workers is None else given_workers(workers)
        cdef tuple last = () if size is None else shape_of(size)
        cdef cnp.ndarray numbers = whole_numbers(rows, "rows"), result, target
        cdef bint skips = is_skip(invalid)
        cdef BitGenerator source = bit_generator_of(rng)
        check_still_whole(numbers, "rows")
        shape = (<object> numbers).shape + shape_of(last, (<object> numbers).shape)
        if out is None:
            result = target = new_draws(shape)
        else:
            result = self.checked_out(out, skips)
            if size is not None and (<object> result).shape != shape:
                raise ValueError(
                    f"rows has shape {(<object> numbers).shape} and size is {size}, "
                    f"but out has shape {(<object> result).shape}"
                )
            target = target_of(result)
            numbers = apart_from(target, numbers)
        self.draw(rows, numbers, None, source, skips, result, target, number)
        if out is not None:
            return out
        return result if shape or size is not None else int(result)

    def map(self, rows, words, /, *, invalid="raise", out=None, workers=None):
        """
        Turn words into categories; `sample` does this to the words of a generator.

        Parameters
        ----------
        rows : int or array_like of int
            As for `sample`.
        words : int or array_like of uint64
            Numbers from 0 to 2**64 - 1, of the shape of `rows`, or with more axes after it, for many
            draws per row.
        invalid : {"raise", "skip"}, optional
            As for `sample`.
        out : ndarray, optional
            As for `sample`, of the shape of `words`.
        workers : int, optional
            As for `sample`.

        Returns
        -------
        int or ndarray
            What ``tables[row].map(word)`` is for each word: `out` if given; an int for a single word;
            otherwise an int64 array of the shape of `words`.

        Raises
        ------
        IndexError, ValueError
            As for `sample`, and for a word out of range.

        See Also
        --------
        sample : The same for the words of a generator.

        Examples
        --------
        >>> import softdraw
        >>> tables = softdraw.AliasTables([1, 1, 2], [0, 2, 3])
        >>> tables.map([0, 0, 1], [0, 2**63, 5])
        array([0, 1, 0])
        """
        cdef int number = 0 if workers is None else given_workers(workers)
        cdef cnp.ndarray numbers = whole_numbers(rows, "rows"), word = word_array(words), result, target
        cdef bint skips = is_skip(invalid)
        check_begin(numbers, word, "words")
        if out is None:
            word = as_words(word)
            result = target = new_draws((<object> word).shape)
        else:
            result = self.checked_out(out, skips)
            check_same(word, result)
            word = as_words(word)
            target = target_of(result)
            numbers, word = apart_from(target, numbers), apart_from(target, word)
        self.draw(rows, numbers, word, None, skips, result, target, number)
        if out is not None:
            return out
        return result if result.ndim else int(result)

    def units(self):
        """
        Return how many of the 2**64 words give each category.

        Returns
        -------
        ndarray
            uint64, of shape (n,): those of row i are ``units[indptr[i]:indptr[i + 1]]``. They are
            modulo 2**64: a category that is always drawn reads 0. So do those of a row that has
            nothing to draw.

        See Also
        --------
        AliasTable.units : The same for one table.
        probabilities : The same in floating point.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTables([3, 1, 7], [0, 2, 3]).units()
        array([13835058055282163712,  4611686018427387904,                    0],
              dtype=uint64)
        """
        cdef cnp.ndarray units = np.zeros(self.ends[self.rows], np.uint64)
        cdef uint64_t *unit = <uint64_t *> cnp.PyArray_DATA(units)
        cdef const int64_t *first = <const int64_t *> cnp.PyArray_DATA(self.ends)
        cdef const uint64_t *records = <const uint64_t *> cnp.PyArray_DATA(self.places)
        cdef const uint64_t *buckets = <const uint64_t *> cnp.PyArray_DATA(self.array)
        cdef size_t row
        cdef int error = 0
        with nogil:
            for row in range(<size_t> self.rows):
                if records[row] & 63:
                    error |= alias_units(
                        buckets + (records[row] >> 6),
                        records[row] & 63,
                        first[row + 1] - first[row],
                        unit + first[row],
                    )
        check_error(error)
        return units

    def probabilities(self):
        """
        Return the probabilities that categories are drawn with in their rows.

        Returns
        -------
        ndarray
            float64, of shape (n,), as for `units`: the units divided by 2**64. Those of a row that has
            nothing to draw are 0.

        See Also
        --------
        AliasTable.probabilities : The same for one table.
        units : The exact integers.

        Examples
        --------
        >>> import softdraw
        >>> softdraw.AliasTables([3, 1, 7], [0, 2, 3]).probabilities()
        array([0.75, 0.25, 1.  ])
        """
        cdef HostState before
        set_default_state(&before)
        try:
            units = self.units()
            probabilities = units * 2.0**-64
            rows = np.flatnonzero(self.nonempty)
            if len(rows):  # one category may have 2**64 units, which read 0
                rows = rows[~np.logical_or.reduceat(units != 0, self.ends[rows])]
                probabilities[self.ends[rows] + self.map(rows, np.zeros(len(rows), np.uint64))] = 1
            return probabilities
        finally:
            restore_state(&before)

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        if isinstance(row, slice):
            return self.slice(range(self.rows)[row])
        cdef object index = whole_number(row, "row", " or a slice")
        if not -self.rows <= index < self.rows:
            raise IndexError(f"row is {index}; there are {self.rows} rows")
        index %= self.rows
        cdef uint64_t record = self.places[index]
        if record & 63 == 0:
            self.raise_for_row(index)
        cdef size_t start = record >> 6
        buckets = self.array[start : start + (<size_t> 1 << (record & 63))].copy()
        return table_of(self.ends[index + 1] - self.ends[index], buckets)

    cdef AliasTables slice(self, object rows):
        """The tables of a range of rows."""
        records = self.places[rows]
        bits = records & np.uint64(63)
        sizes = sizes_of(bits)
        skipped = (records >> np.uint64(6)).astype(np.int64) - (np.cumsum(sizes) - sizes)
        buckets = self.array[np.arange(sizes.sum()) + np.repeat(skipped, sizes)]
        return tables_of(np.diff(self.ends)[rows], bits, buckets)

    def __iter__(self):
        return _each_table(self, range(self.rows))

    def __reversed__(self):
        return _each_table(self, reversed(range(self.rows)))

    @property
    def nonempty(self):
        """Whether each row has something to draw: a boolean array of shape (rows,). It is False for rows
        that are empty, all zeros, or made of logits that are all -inf."""
        return (self.places & np.uint64(63)) != 0

    @property
    def indptr(self):
        """Where each row begins and the last one ends, in `units` and `probabilities`: a read-only int64
        array of shape (rows + 1,)."""
        return read_only(self.ends, self)

    @property
    def buckets(self):
        """The buckets of all rows, for C, Cython and Numba (see docs/embedding.md): a read-only uint64
        array, not a copy. `softdraw_alias_rows_map` of softdraw.h draws from them."""
        return read_only(self.array, self)

    @property
    def records(self):
        """Where the buckets of each row are, for C, Cython and Numba: a read-only uint64 array of shape
        (rows,), not a copy. ``records[i] >> 6`` is the first bucket of row i, and
        ``records[i] & 63`` its number of bits, as `AliasTable.bits`; 0 if it has nothing to draw."""
        return read_only(self.places, self)

    @property
    def nbytes(self):
        """Size of the buckets, `records` and `indptr` in bytes."""
        return self.array.nbytes + self.places.nbytes + self.ends.nbytes

    def __eq__(self, other):
        if type(other) is not AliasTables:
            return NotImplemented
        cdef AliasTables tables = other
        return (
            np.array_equal(self.ends, tables.ends)
            and np.array_equal(self.places, tables.places)
            and np.array_equal(self.array, tables.array)
        )

    def __hash__(self):
        with cython.critical_section(self):
            if self.hash_value is None:
                self.hash_value = hash(digest_of((self.ends, self.array)))
            return self.hash_value

    def __repr__(self):
        return f"<AliasTables: {self.rows} rows, {self.ends[self.rows]} categories, {self.nbytes} bytes>"

    def __reduce__(self):
        lengths = np.diff(self.ends).astype("<i8").tobytes()
        bits = (self.places & np.uint64(63)).astype(np.uint8).tobytes()
        parts = (lengths, bits, self.array.astype("<u8").tobytes())
        return _unpickle_tables, (header_of(parts), *parts)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


hide_positional(vars(AliasTables)["from_logits"].__func__)
