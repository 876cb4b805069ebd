# cython: language_level=3, boundscheck=False, wraparound=False
"""Six logits at temperature 5 from Cython: their probabilities, ten draws, and a million counted.

    python setup.py build_ext --inplace && python -c "import draws_cython; draws_cython.main()"

The draws are those of table.sample(1000010, rng=7) in Python.
"""

from libc.stdint cimport int64_t, uint64_t

cimport softdraw

import numpy as np

import softdraw


def probabilities(float[::1] logits, double temperature):
    """softmax(logits / temperature), in place."""
    cdef Py_ssize_t n = logits.shape[0]
    cdef int error
    if n == 0:
        return
    with nogil:
        error = softdraw.softmax_f32(&logits[0], n, &logits[0], n, 1, n, &temperature, 0)
    if error:
        raise ValueError(softdraw.strerror(error).decode())


def draws(const uint64_t[::1] buckets, uint64_t[::1] seed, int64_t[::1] out, int64_t[::1] count):
    """Draws into out, and more of them counted, without the GIL."""
    cdef unsigned bits = len(buckets).bit_length() - 1
    cdef softdraw.softdraw_xoshiro generator
    cdef uint64_t word
    cdef Py_ssize_t i
    with nogil:
        softdraw.xoshiro_seed(&generator, &seed[0])
        softdraw.alias_sample(&buckets[0], bits, &generator, out.shape[0], &out[0])
        for i in range(1000000):
            word = softdraw.softdraw_xoshiro_word(&generator)
            count[softdraw.softdraw_alias_map1(&buckets[0], bits, word)] += 1


def main():
    p = np.array([0.1, 0, 0.5, 1, 4, 0.6], np.float32)
    probabilities(p, 5)
    print(*(f"{share:.9g}" for share in p))
    first, count = np.empty(10, np.int64), np.zeros(6, np.int64)
    seed = np.random.SeedSequence(7).generate_state(4, np.uint64)
    draws(softdraw.AliasTable(p).buckets, seed, first, count)
    print(*first)
    print(*count)
