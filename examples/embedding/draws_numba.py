"""Six logits at temperature 5 from Numba: their probabilities, ten draws, and a million counted.

The draws are those of table.sample(1000010, rng=7) in Python.

    python examples/embedding/draws_numba.py
"""

import numba
import numpy as np

import softdraw
import softdraw.numba as kernels


@numba.njit
def probabilities(logits, temperature):
    return kernels.softmax(logits, temperature=temperature)


@numba.njit
def draws(buckets, bits, words, out, count):
    for i in range(len(out)):
        out[i] = kernels.draw(buckets, bits, kernels.next_word(words))
    for _ in range(1_000_000):
        count[kernels.draw(buckets, bits, kernels.next_word(words))] += 1


p = probabilities(np.array([0.1, 0, 0.5, 1, 4, 0.6], np.float32), 5.0)
print(*(f"{share:.9g}" for share in p))
buckets, bits = kernels.table(softdraw.AliasTable(p))
first, count = np.empty(10, np.int64), np.zeros(6, np.int64)
draws(buckets, bits, kernels.generator(7), first, count)
print(*first)
print(*count)
