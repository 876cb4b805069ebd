"""The generator and the meaning of `rng=`, for the other modules of softdraw.

A draw holds its source while it takes words:

    cdef bitgen_t bitgen
    source = bit_generator_of(rng)
    read_bitgen(source, &bitgen)
    held = hold(source)
    try:
        take_words(&bitgen, words, n)  # needs no GIL
    finally:
        release(held)
"""

cimport numpy as cnp
from libc.stdint cimport uint64_t
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._core cimport softdraw_xoshiro
from softdraw._lock cimport Lock


cdef class Xoshiro256(BitGenerator):
    cdef softdraw_xoshiro generator
    cdef Lock own_lock  # `lock`, which BitGenerator.__init__ replaces if it is called again
    cdef unsigned long spawns  # fork_count() + 1 within spawn(), else 0
    cdef bint start(self, object seed_seq, cnp.ndarray words) except -1


cdef Xoshiro256 new_generator()
cdef BitGenerator bit_generator_of(object rng)

# Copies what makes the words of a generator. Its own may be without a state for a moment, while another thread
# or a signal handler calls __init__ of a generator again; the state that it had is good as long as it lives.
cdef int read_bitgen(BitGenerator source, bitgen_t *bitgen) except -1

# Takes the lock of a generator, and returns it, for release(): __init__ may put another one in its place.
cdef object hold(BitGenerator source)
cdef int release(object held) except -1

cdef bint is_own(const bitgen_t *bitgen) noexcept nogil  # an Xoshiro256's
cdef void take_words(bitgen_t *bitgen, uint64_t *words, size_t n) noexcept nogil
