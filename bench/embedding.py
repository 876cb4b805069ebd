"""Draws and softmax without Python: in loops of C and of Numba.

Needs a C compiler (CC, else cc). C loops are compiled with -O2 and call softmax in the package's
shared library; draws are inlined from softdraw.h.
"""

import ctypes
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import softdraw
from bench import peers
from bench.cases import Case, Section

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


@cache
def in_numba():
    """The same loops in Numba, or None without it."""
    numba = peers.find("numba")
    if not numba:
        return None
    import softdraw.numba as kernels

    @numba.njit
    def words(generator, calls):
        total = np.uint64(0)
        for _ in range(calls):
            total += kernels.next_word(generator)
        return total

    @numba.njit
    def draws(generator, buckets, bits, calls):
        total = 0
        for _ in range(calls):
            total += kernels.draw(buckets, bits, kernels.next_word(generator))
        return total

    @numba.njit
    def lookups(random_words, buckets, bits, calls):
        total = 0
        for i in range(calls):
            total += kernels.draw(buckets, bits, random_words[np.uint64(i) % np.uint64(4096)])
        return total

    @numba.njit
    def softmaxes(x, out, calls):
        for i in range(calls):
            kernels.softmax(x[i % 16], temperature=5.0, out=out[i % 16])

    return SimpleNamespace(
        words=words, draws=draws, lookups=lookups, softmaxes=softmaxes, kernels=kernels
    )


def loops(quick) -> Iterator[Case]:
    in_c, numba = compiled(), in_numba()
    calls = ctypes.c_size_t(CALLS)
    rng = softdraw.Xoshiro256(7)
    state = ctypes.c_void_p(rng.ctypes.state_address)
    words = rng.random_raw(4096)
    word = ctypes.c_void_p(words.ctypes.data)
    generator = numba and numba.kernels.generator(7)

    def case(name, x, c, by_numba, check=lambda: None):
        contenders = {"softdraw, C": c} | ({"softdraw, Numba": by_numba} if numba else {})
        return Case(name, contenders, x, units=CALLS, check=check)

    yield case("a word", 0, lambda: in_c.words(state, calls), lambda: numba.words(generator, CALLS))
    for n in (10, 1000, 100_000):
        table = softdraw.AliasTable(np.random.default_rng(1).random(n))
        address, bits = ctypes.c_void_p(table.buckets.ctypes.data), (n - 1).bit_length()
        buckets, width = numba.kernels.table(table) if numba else (None, None)

        def same_draws(table=table, address=address, bits=bits, buckets=buckets, width=width):
            fresh = softdraw.Xoshiro256(7)
            begin = ctypes.c_void_p(fresh.ctypes.state_address)
            total = table.sample(CALLS, rng=7).sum()
            assert in_c.draws(begin, address, bits, calls) == total
            if numba:
                begin = numba.kernels.generator(7)
                assert numba.draws(begin, buckets, width, CALLS) == total

        yield case(
            f"a word and a draw, {n:,} categories",
            n,
            lambda a=address, b=bits: in_c.draws(state, a, b, calls),
            lambda t=buckets, w=width: numba.draws(generator, t, w, CALLS),
            same_draws,
        )
        yield case(
            f"a draw, {n:,} categories",
            n,
            lambda a=address, b=bits: in_c.lookups(word, a, b, calls),
            lambda t=buckets, w=width: numba.lookups(words, t, w, CALLS),
        )

    softmax = ctypes.CDLL(softdraw.get_library()).softdraw_softmax_f32
    for n in (6, 16, 100):
        x = np.random.default_rng(1).normal(0, 2, (16, n)).astype(np.float32)
        out, same = np.empty_like(x), np.empty_like(x)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, out)]

        def c(p=pointers, n=n):
            in_c.softmaxes(softmax, *p, ctypes.c_size_t(n), calls)

        def same_rows(c=c, x=x, out=out):
            c()
            assert np.array_equal(out, softdraw.softmax(x, temperature=5))

        yield case(
            f"softmax of {n} float32",
            n,
            c,
            lambda x=x, o=same: numba.softmaxes(x, o, CALLS),
            same_rows,
        )


SECTIONS = [Section("embedding", "Loops in C and in Numba, without Python.", loops)]
