"""Six logits at temperature 5 by cffi: their probabilities, ten draws, and a million counted.

The draws are those of table.sample(1000010, rng=7) in Python.

    python examples/embedding/draws_cffi.py
"""

import cffi
import numpy as np

import softdraw

ffi = cffi.FFI()
ffi.cdef(softdraw.get_cdef())
c = ffi.dlopen(softdraw.get_library())


def check(error):
    if error:
        raise ValueError(ffi.string(c.softdraw_strerror(error)).decode())


n = 6
logits, p = ffi.new("float[]", [0.1, 0, 0.5, 1, 4, 0.6]), ffi.new("float[]", n)
check(c.softdraw_softmax_f32(logits, n, p, n, 1, n, ffi.new("double *", 5), 0))
print(*(f"{share:.9g}" for share in p))

bits = c.softdraw_alias_bits(n)
buckets = ffi.new("uint64_t[]", 1 << bits)
scratch = ffi.new("uint64_t[]", c.softdraw_alias_scratch(n) // 8)
check(c.softdraw_alias_build_f32(p, n, buckets, scratch, ffi.NULL))

generator = ffi.new("softdraw_xoshiro *")
seed = np.random.SeedSequence(7).generate_state(4, np.uint64)
check(c.softdraw_xoshiro_seed(generator, ffi.from_buffer("uint64_t[]", seed)))
drawn = np.empty(1_000_010, np.int64)
out = ffi.from_buffer("int64_t[]", drawn)  # no copy
check(c.softdraw_alias_sample(buckets, bits, generator, len(drawn), out))
print(*drawn[:10])
print(*np.bincount(drawn[10:]))
