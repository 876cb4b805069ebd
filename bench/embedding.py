"""Time draws and softmax without Python: in loops of C and of Numba.

    python bench/embedding.py [--quick]

Needs a C compiler (CC, else cc); the Numba column needs Numba. C loops are compiled with -O2 and
call softmax in the package's shared library; draws are inlined from softdraw.h.
"""

import ctypes
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import compare
import numpy as np

import softdraw

try:
    import numba

    import softdraw.numba as kernels
except ModuleNotFoundError:
    numba = None

ROUNDS = 3 if "--quick" in sys.argv else 25
CALLS = 200_000

SOURCE = r"""
#include "softdraw.h"

uint64_t words(softdraw_xoshiro *generator, size_t calls) {
    softdraw_xoshiro g = *generator;
    uint64_t sum = 0;
    for (size_t i = 0; i < calls; i++) sum += softdraw_xoshiro_word(&g);
    return sum;
}

uint64_t draws(softdraw_xoshiro *generator, const uint64_t *buckets, unsigned bits, size_t calls) {
    softdraw_xoshiro g = *generator;
    uint64_t sum = 0;
    for (size_t i = 0; i < calls; i++)
        sum += softdraw_alias_map1(buckets, bits, softdraw_xoshiro_word(&g));
    return sum;
}

uint64_t lookups(const uint64_t *word, const uint64_t *buckets, unsigned bits, size_t calls) {
    uint64_t sum = 0;
    for (size_t i = 0; i < calls; i++) sum += softdraw_alias_map1(buckets, bits, word[i % 4096]);
    return sum;
}

typedef int softmax_f32(const float *, ptrdiff_t, float *, ptrdiff_t, size_t, size_t,
                        const double *, ptrdiff_t);

/* rows of n, one per call */
uint64_t softmaxes(softmax_f32 *softmax, const float *x, float *out, size_t n, size_t calls) {
    const double temperature = 5;
    for (size_t i = 0; i < calls; i++) {
        const size_t row = i % 16 * n;
        softmax(x + row, (ptrdiff_t)n, out + row, (ptrdiff_t)n, 1, n, &temperature, 0);
    }
    return out[0] > 0;
}
"""


def compiled():
    """The C loops, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "loops.c"), Path(folder, "loops.so")
        source.write_text(SOURCE)
        command = [*shlex.split(os.environ.get("CC") or "cc"), "-O2", "-shared", "-fPIC"]
        command += [f"-I{softdraw.get_include()}", str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        loops = ctypes.CDLL(str(library))
    for loop in (loops.words, loops.draws, loops.lookups, loops.softmaxes):
        loop.restype = ctypes.c_uint64
    return loops


if numba:

    @numba.njit
    def numba_words(generator, calls):
        total = np.uint64(0)
        for _ in range(calls):
            total += kernels.next_word(generator)
        return total

    @numba.njit
    def numba_draws(generator, buckets, bits, calls):
        total = 0
        for _ in range(calls):
            total += kernels.draw(buckets, bits, kernels.next_word(generator))
        return total

    @numba.njit
    def numba_lookups(words, buckets, bits, calls):
        total = 0
        for i in range(calls):
            total += kernels.draw(buckets, bits, words[np.uint64(i) % np.uint64(4096)])
        return total

    @numba.njit
    def numba_softmaxes(x, out, calls):
        for i in range(calls):
            kernels.softmax(x[i % 16], temperature=5.0, out=out[i % 16])


def measure(in_c, in_numba):
    """Nanoseconds per call in both loops, as cells."""
    contenders = {"C": in_c, **({"Numba": in_numba} if numba else {})}
    best = compare.interleaved(contenders, ROUNDS, least=0.002)
    cells = [f"{seconds / CALLS * 1e9:.2f}" for seconds in best.values()]
    return cells if numba else [*cells, ""]


def main():
    print(compare.heading("numpy", *(["numba"] if numba else [])))
    loops, rows = compiled(), []
    calls = ctypes.c_size_t(CALLS)
    rng = softdraw.Xoshiro256(7)
    state = ctypes.c_void_p(rng.ctypes.state_address)
    words = rng.random_raw(4096)
    word = ctypes.c_void_p(words.ctypes.data)
    generator = kernels.generator(7) if numba else None

    cells = measure(
        lambda: loops.words(state, calls),
        lambda: numba_words(generator, CALLS),
    )
    rows.append(["a word", *cells])
    for n in (10, 1000, 100_000):
        table = softdraw.AliasTable(np.random.default_rng(1).random(n))
        address, bits = ctypes.c_void_p(table.buckets.ctypes.data), (n - 1).bit_length()
        buckets, width = kernels.table(table) if numba else (None, None)
        fresh = softdraw.Xoshiro256(7)
        total = table.sample(CALLS, rng=7).sum()
        assert (
            loops.draws(ctypes.c_void_p(fresh.ctypes.state_address), address, bits, calls) == total
        )
        assert not numba or numba_draws(kernels.generator(7), buckets, width, CALLS) == total
        cells = measure(
            lambda a=address, b=bits: loops.draws(state, a, b, calls),
            lambda t=buckets, w=width: numba_draws(generator, t, w, CALLS),
        )
        rows.append([f"a word and a draw, {n:,} categories", *cells])
        cells = measure(
            lambda a=address, b=bits: loops.lookups(word, a, b, calls),
            lambda t=buckets, w=width: numba_lookups(words, t, w, CALLS),
        )
        rows.append([f"a draw, {n:,} categories", *cells])

    softmax = ctypes.CDLL(softdraw.get_library()).softdraw_softmax_f32
    for n in (6, 16, 100):
        x = np.random.default_rng(1).normal(0, 2, (16, n)).astype(np.float32)
        out, same = np.empty_like(x), np.empty_like(x)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, out)]
        cells = measure(
            lambda p=pointers, n=n: loops.softmaxes(softmax, *p, ctypes.c_size_t(n), calls),
            lambda x=x, o=same: numba_softmaxes(x, o, CALLS),
        )
        rows.append([f"softmax of {n} float32", *cells])
        assert np.array_equal(out, softdraw.softmax(x, temperature=5))
    print(compare.table(["", "C", "Numba"], rows))
    print("\nNanoseconds each, one thread")


if __name__ == "__main__":
    main()
