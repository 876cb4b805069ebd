"""Work that several threads share: how many, and the pool that they come from.

A job is cut into pieces, which do not depend on each other. A function computes one of them, without
the GIL, in the thread that called or in one of the pool:

    error = run_pieces(run_piece, &call, pieces, workers, &where)
"""

# Computes one piece; returns an error code of softdraw.h, and with one in `where` what the caller shall know of
# it. No two threads that run at the same time have the same number `worker`, which is below the number of
# workers: each can have scratch of its own.
ctypedef int (*piece_function)(
    void *data, size_t piece, size_t worker, size_t *where
) noexcept nogil

# What the argument `workers` says: 0 if it is None, otherwise the number of threads, or an error.
cdef int given_workers(object workers) except -1

cdef enum:
    LINE = 64  # bytes of a cache line

# How far apart in memory so many bytes for each of several threads lie, so that no two share a cache line.
cdef inline size_t distance_of(size_t size) noexcept nogil:
    return (size // LINE + 1) * LINE

# The number of threads: the given one or, where that is 0, the default in force. Only a call that is
# worth more than one thread asks, because looking up the default takes time.
cdef int workers_in_force(int given) except -1

# Computes all pieces, in at most so many threads, and returns SOFTDRAW_OK. Or returns the error of the first
# piece that has one, and its `where`; all pieces before it are computed, and maybe some after it. The thread that
# calls computes piece 0.
cdef int run_pieces(piece_function run, void *data, size_t pieces, int workers, size_t *where) except -1
