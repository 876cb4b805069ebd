"""Categories drawn into an array: what `out` may be, and the loop that fills it."""

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int16_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport check_error, plain_out, short_text
from softdraw._core cimport (
    SOFTDRAW_ERROR_ROW, SOFTDRAW_ERROR_ZERO, SOFTDRAW_OK, softdraw_xoshiro, xoshiro_advance,
)
from softdraw._random cimport hold, is_own, release, take_words
from softdraw._workers cimport run_pieces, workers_in_force

cnp.import_array()

cdef enum:
    WATCH = 1 << 24  # draws, a multiple of CHUNK, between two looks at whether the user interrupts
    # From so many draws on, a call takes long enough to gain from threads, each of which draws at least
    # RUN of them: see docs/workers.md.
    SHARED = 1 << 18
    RUN = 1 << 16
    # While one thread takes so many words from a generator that is no Xoshiro256, others draw with those
    # taken before, in slabs of so many.
    BLOCK = 1 << 17
    SLAB = 1 << 14


cdef cnp.ndarray checked_out(object out, size_t categories):
    cdef cnp.ndarray array = plain_out(out)
    dtype = array.dtype
    # NumPy has several types of one size, such as longlong beside int64.
    if (dtype.kind, dtype.itemsize) not in (("i", 8), ("i", 4), ("u", 4), ("i", 2)):
        raise TypeError(f"out must be int64, int32, uint32 or int16, got {short_text(dtype)}")
    cdef int bits = 8 * cnp.PyArray_ITEMSIZE(array) - (dtype.kind == "i")
    cdef uint64_t limit = (<uint64_t> 1 << bits) - 1
    if categories > limit + 1:
        raise ValueError(
            f"out of dtype {dtype} holds categories up to {limit}, not {categories - 1}"
        )
    return array


cdef int check_same(cnp.ndarray words, cnp.ndarray out) except -1:
    if not cnp.PyArray_SAMESHAPE(words, out):
        raise ValueError(
            f"words has shape {(<object> words).shape}, but out has shape {(<object> out).shape}"
        )
    return 0


cdef cnp.ndarray apart_from(cnp.ndarray out, cnp.ndarray array):
    return array.copy() if np.may_share_memory(out, array) else array


cdef cnp.ndarray new_draws(tuple shape):
    cdef cnp.npy_intp n
    if len(shape) == 1:
        n = shape[0]
        return cnp.PyArray_EMPTY(1, &n, cnp.NPY_INT64, 0)
    return np.empty(shape, np.int64)


cdef cnp.ndarray target_of(cnp.ndarray out):
    if cnp.PyArray_ISCARRAY(out):
        return out
    return np.empty((<object> out).shape, out.dtype.newbyteorder("="))


cdef int draw_into(
    cnp.ndarray out, cnp.ndarray target, draw_function draw, void *call, const uint64_t *words,
    bitgen_t *bitgen, BitGenerator source, int workers, size_t *where
) except -1:
    cdef Draws d
    cdef size_t n
    cdef int error
    d.draw, d.call, d.words, d.first, d.bitgen = draw, call, words, 0, bitgen
    held = None
    if source is not None:
        held = hold(source)  # may wait, while other threads change arrays
    try:
        d.out, d.itemsize = <char *> cnp.PyArray_DATA(target), cnp.PyArray_ITEMSIZE(target)
        if d.itemsize not in (2, 4, 8) or not cnp.PyArray_ISCARRAY(target):
            raise ValueError("out was changed during the call")
        n = cnp.PyArray_SIZE(target)
        if n <= CHUNK:
            error = draw_chunks(&d, bitgen, 0, n, where)
        else:
            error = draw_all(&d, n, workers, where)
    finally:
        if held is not None:
            release(held)
    if error == SOFTDRAW_ERROR_ROW or error == SOFTDRAW_ERROR_ZERO:
        return error
    check_error(error)
    if target is not out:
        out[...] = target
    return SOFTDRAW_OK


# The draws of a call, and where they go.
cdef struct Draws:
    draw_function draw
    void *call
    const uint64_t *words  # from draw number `first` on; or NULL, and then bitgen makes them
    size_t first
    bitgen_t *bitgen
    char *out
    size_t itemsize


cdef int draw_chunks(
    const Draws *d, bitgen_t *bitgen, size_t begin, size_t end, size_t *where
) noexcept nogil:
    cdef int64_t[CHUNK] categories
    cdef const uint64_t *words = NULL
    cdef int64_t *drawn
    cdef char *out
    cdef size_t length
    cdef int error
    while begin < end:
        length = min(end - begin, <size_t> CHUNK)
        out = d.out + begin * d.itemsize
        drawn = <int64_t *> out if d.itemsize == 8 else categories
        if d.words != NULL:
            words = d.words + (begin - d.first)
        error = d.draw(d.call, words, bitgen, begin, length, drawn, where)
        if error != SOFTDRAW_OK:
            where[0] += begin
            return error
        if d.itemsize != 8:
            narrow(categories, length, out, d.itemsize)
        begin += length
    return SOFTDRAW_OK


cdef int draw_all(const Draws *d, size_t n, int workers, size_t *where) except -1:
    """Draw in stretches, between which an interrupt is answered."""
    cdef size_t begin = 0, end
    cdef int error
    workers = workers_in_force(workers) if n >= SHARED else 1
    if workers > 1 and d.words == NULL and not is_own(d.bitgen):
        return take_and_draw(d, n, workers, where)
    while begin < n:
        end = min(begin + WATCH, n)
        if workers > 1 and end - begin >= 2 * RUN:
            error = share(d, begin, end, workers, where)
        else:
            with nogil:
                error = draw_chunks(d, d.bitgen, begin, end, where)
        if error != SOFTDRAW_OK:
            return error
        begin = end
        if begin < n:  # Python itself looks after the last, when the lock is free
            PyErr_CheckSignals()
    return SOFTDRAW_OK


# ---- threads -----------------------------------------------------------------------------------

# A stretch of the draws of a call, of which each thread draws a run.
cdef struct Stretch:
    const Draws *draws
    size_t begin
    size_t end
    size_t length  # of each run but the last, a multiple of CHUNK
    softdraw_xoshiro *generators  # of the runs, copies that are advanced to their places


cdef int draw_run(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Stretch *s = <const Stretch *> data
    cdef const Draws *d = s.draws
    cdef softdraw_xoshiro *generator = s.generators + piece
    cdef size_t begin = s.begin + piece * s.length
    cdef size_t end = min(begin + s.length, s.end)
    cdef const softdraw_xoshiro *first
    cdef bitgen_t bitgen
    if d.words != NULL:
        return draw_chunks(d, NULL, begin, end, where)
    first = <const softdraw_xoshiro *> d.bitgen.state
    generator[0] = first[0]
    if piece:
        xoshiro_advance(generator, piece * s.length, 0)
        # What one thread leaves as it was: the half word, and the buffer if it only takes whole blocks.
        generator.has_uint32, generator.uinteger = first.has_uint32, first.uinteger
        if first.used == 8:
            memcpy(generator.buffer, first.buffer, sizeof(first.buffer))
    bitgen = d.bitgen[0]
    bitgen.state = generator
    return draw_chunks(d, &bitgen, begin, end, where)


cdef int share(const Draws *d, size_t begin, size_t end, int workers, size_t *where) except -1:
    """Make some of the draws in threads; the generator goes where one thread leaves it."""
    cdef Stretch s
    cdef size_t pieces = min(<size_t> workers, (end - begin) // RUN), last
    cdef int error
    s.draws, s.begin, s.end = d, begin, end
    s.length = (((end - begin - 1) // pieces) // CHUNK + 1) * CHUNK
    pieces = (end - begin - 1) // s.length + 1
    s.generators = <softdraw_xoshiro *> PyMem_Malloc(pieces * sizeof(softdraw_xoshiro))
    if s.generators == NULL:
        raise MemoryError
    error = run_pieces(draw_run, &s, pieces, workers, where)
    last = pieces - 1 if error == SOFTDRAW_OK else (where[0] - begin) // s.length
    if d.words == NULL:
        (<softdraw_xoshiro *> d.bitgen.state)[0] = s.generators[last]
    PyMem_Free(s.generators)
    return error


# Draws with words that have been taken, in slabs, and meanwhile the caller's thread takes the next words.
cdef struct Round:
    Draws draws
    size_t begin
    size_t end
    uint64_t *words
    size_t count  # of the words to take


cdef int draw_or_take(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Round *r = <const Round *> data
    cdef size_t begin
    if piece == 0:  # which the caller computes
        take_words(r.draws.bitgen, r.words, r.count)
        return SOFTDRAW_OK
    begin = r.begin + (piece - 1) * SLAB
    return draw_chunks(&r.draws, NULL, begin, min(begin + SLAB, r.end), where)


cdef int take_and_draw(const Draws *d, size_t n, int workers, size_t *where) except -1:
    cdef Round r
    cdef uint64_t *memory = <uint64_t *> PyMem_Malloc(2 * BLOCK * sizeof(uint64_t))
    cdef int error = SOFTDRAW_OK
    if memory == NULL:
        raise MemoryError
    r.draws, r.begin, r.end = d[0], 0, 0
    r.words, r.count = memory, min(n, <size_t> BLOCK)
    try:
        while error == SOFTDRAW_OK and (r.count or r.begin < r.end):
            error = run_pieces(draw_or_take, &r, (r.end - r.begin + SLAB - 1) // SLAB + 1, workers, where)
            # the words that were taken are now drawn with, and others are taken in the place of those before
            r.draws.words, r.draws.first = r.words, r.end
            r.words = memory + (BLOCK if r.words == memory else 0)
            r.begin, r.end = r.end, r.end + r.count
            r.count = min(n - r.end, <size_t> BLOCK)
            if r.begin < r.end:
                PyErr_CheckSignals()
    finally:
        PyMem_Free(memory)
    return error


cdef void narrow(const int64_t *categories, size_t n, void *out, size_t itemsize) noexcept nogil:
    """Store categories as integers of 4 or 2 bytes, which can hold them."""
    cdef size_t i
    if itemsize == 4:  # int32 or uint32: the same bits for what both can hold
        for i in range(n):
            (<uint32_t *> out)[i] = <uint32_t> categories[i]
    elif itemsize == 2:
        for i in range(n):
            (<int16_t *> out)[i] = <int16_t> categories[i]
