"""Categories drawn into an array: what `out` may be, and the loop that fills it.

    array = checked_out(out, categories)
    target = target_of(array)
    error = draw_into(array, target, draw, &call, words, bitgen, source, workers, &where)

If `call` points to arrays of the caller's, hold the source before those pointers are taken, and give
None instead: while a thread waits for a generator, others may change the arrays.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

# A table, as alias_map and its relatives of softdraw.h take it.
cdef struct Buckets:
    const uint64_t *data
    unsigned bits

cdef enum:
    CHUNK = 1024  # most draws at a time, and how many a call may make without releasing the GIL

# Draws number `begin` and the n - 1 after it of a call, n at most CHUNK, with these n words or, where words is
# NULL, with the next ones of bitgen. Returns an error code of softdraw.h, and in `where` which of the n draws has
# the error.
ctypedef int (*draw_function)(
    void *call, const uint64_t *words, bitgen_t *bitgen, size_t begin, size_t n, int64_t *categories,
    size_t *where
) noexcept nogil

# `out` as a plain array, if it can hold that many categories.
cdef cnp.ndarray checked_out(object out, size_t categories)

# Raises unless the two have the same shape.
cdef int check_same(cnp.ndarray words, cnp.ndarray out) except -1

# `array`, or a copy of it if it shares memory with `out`.
cdef cnp.ndarray apart_from(cnp.ndarray out, cnp.ndarray array)

# A new int64 array, to be drawn into.
cdef cnp.ndarray new_draws(tuple shape)

# `out` itself, or if kernels cannot write to it, a new array like it.
cdef cnp.ndarray target_of(cnp.ndarray out)

# Fills all of the target, and from it `out`, holding the lock of the source if it is not None. The words are
# given, or NULL, and then bitgen makes them. `workers` is what given_workers returns. Returns SOFTDRAW_OK, or
# SOFTDRAW_ERROR_ROW or SOFTDRAW_ERROR_ZERO and the number of the draw in `where`; `out` then holds anything.
cdef int draw_into(
    cnp.ndarray out, cnp.ndarray target, draw_function draw, void *call, const uint64_t *words,
    bitgen_t *bitgen, BitGenerator source, int workers, size_t *where
) except -1
