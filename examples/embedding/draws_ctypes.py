"""Six logits at temperature 5 by ctypes: their probabilities, ten draws, and a million counted.

The draws are those of table.sample(1000010, rng=7) in Python.

    python examples/embedding/draws_ctypes.py
"""

import ctypes
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int, c_size_t, c_ssize_t

import numpy as np

import softdraw

c = ctypes.CDLL(softdraw.get_library())
# ctypes converts Python's numbers to int by itself; other types of arguments are given here.
floats, doubles, words = POINTER(c_float), POINTER(c_double), POINTER(ctypes.c_uint64)
c.softdraw_softmax_f32.argtypes = [
    *(floats, c_ssize_t, floats, c_ssize_t),
    *(c_size_t, c_size_t, doubles, c_ssize_t),
]
c.softdraw_alias_bits.argtypes = [c_size_t]
c.softdraw_alias_scratch.argtypes = [c_size_t]
c.softdraw_alias_scratch.restype = c_size_t
c.softdraw_alias_build_f32.argtypes = [floats, c_size_t, words, words, POINTER(c_size_t)]
c.softdraw_alias_map.argtypes = [words, c_int, words, c_size_t, POINTER(ctypes.c_int64)]
c.softdraw_strerror.restype = c_char_p


def check(error):
    if error:
        raise ValueError(c.softdraw_strerror(error).decode())


def pointer(array, kind):
    return array.ctypes.data_as(kind)


n = 6
logits, p = (c_float * n)(0.1, 0, 0.5, 1, 4, 0.6), (c_float * n)()
check(c.softdraw_softmax_f32(logits, n, p, n, 1, n, byref(c_double(5)), 0))
print(*(f"{share:.9g}" for share in p))

bits = c.softdraw_alias_bits(n)
buckets = (ctypes.c_uint64 * (1 << bits))()
scratch = (ctypes.c_uint64 * (c.softdraw_alias_scratch(n) // 8))()
check(c.softdraw_alias_build_f32(p, n, buckets, scratch, None))

word = softdraw.Xoshiro256(7).random_raw(1_000_010)  # or any other 64-bit words
drawn = np.empty(len(word), np.int64)
out = pointer(drawn, POINTER(ctypes.c_int64))
check(c.softdraw_alias_map(buckets, bits, pointer(word, words), len(word), out))
print(*drawn[:10])
print(*np.bincount(drawn[10:]))
