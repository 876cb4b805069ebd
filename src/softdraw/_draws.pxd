"""Categories drawn into an array: what `out` may be, and the loop that fills it.

    array = checked_out(out, categories)
    target = target_of(array)
    hold(source)  # after this no Python code runs until the draws are made
    try:
        error = draw_into(array, target, draw, &call)
    finally:
        release(source)

What call points to is taken after hold(), which may wait: other threads run then, and may change arrays.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t

# A table, as alias_map and its relatives of softdraw.h take it.
cdef struct Buckets:
    const uint64_t *data
    unsigned bits

cdef enum:
    CHUNK = 1024  # most draws at a time, and how many a call may make without releasing the GIL

# Draws number `begin` and the n - 1 after it of a call, n at most CHUNK; returns an error code of softdraw.h.
ctypedef int (*draw_function)(
    void *call, size_t begin, size_t n, int64_t *categories
) noexcept nogil

# `out` as a plain array, if it can hold that many categories.
cdef cnp.ndarray checked_out(object out, size_t categories)

# Raises unless the two have the same shape.
cdef int check_same(cnp.ndarray words, cnp.ndarray out) except -1

# `array`, or a copy of it if it shares memory with `out`.
cdef cnp.ndarray apart_from(cnp.ndarray out, cnp.ndarray array)

# `out` itself, or if kernels cannot write to it, a new array like it.
cdef cnp.ndarray target_of(cnp.ndarray out)

# Fills all of the target, and from it `out`. Returns SOFTDRAW_OK, or SOFTDRAW_ERROR_ROW or
# SOFTDRAW_ERROR_ZERO, after which `out` holds anything.
cdef int draw_into(cnp.ndarray out, cnp.ndarray target, draw_function draw, void *call) except -1
