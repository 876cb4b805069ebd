"""A table with a generator, to draw one category at a time."""

cimport cython
from libc.stdint cimport int64_t, uint64_t
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport internal, shape_of
from softdraw._core cimport SOFTDRAW_OK, alias_map, softdraw_alias_map1
from softdraw._draws cimport Buckets, draw_into, new_draws
from softdraw._lock cimport Lock, fork_count
from softdraw._random cimport bit_generator_of, hold, new_generator, read_bitgen, release, take_words


cdef Sampler sampler_of(object table, Buckets buckets, object rng):
    cdef Sampler sampler = Sampler(internal)
    sampler.table = table
    sampler.words.buckets = buckets
    sampler.lock = Lock()
    sampler.makes_source = rng is None
    sampler.take_source(rng)
    return sampler


cdef void refill(Words *words) noexcept nogil:
    """Take another block if no word is left."""
    if words.used == BLOCK:
        take_words(&words.bitgen, words.block, BLOCK)
        words.used = 0


cdef int draw_words(
    void *call, const uint64_t *given, bitgen_t *bitgen, size_t begin, size_t n, int64_t *out,
    size_t *where
) noexcept nogil:
    """The categories of the next n words."""
    cdef Words *words = <Words *> call
    cdef size_t length
    cdef int error
    while n:
        refill(words)
        length = min(n, BLOCK - words.used)
        error = alias_map(
            words.buckets.data, words.buckets.bits, words.block + words.used, length, out
        )
        if error != SOFTDRAW_OK:
            return error
        words.used += length
        out += length
        n -= length
    return SOFTDRAW_OK


@cython.final
cdef class Sampler:
    """
    Draws from a table, with words that it takes from a generator in blocks.

    ``draw()`` gives an int, ``draw(size)`` an int64 array of that shape. Calls from several threads
    are serialised. In a forked child, a sampler drops the words that it holds, and takes a new
    generator if it was made without one.

    See Also
    --------
    AliasTable.sampler : Makes a sampler.
    """

    # One draw, where nobody holds `lock` and the block has a word left, does not take it: the GIL is
    # enough for that or, without one, the critical section of the lock, in which nobody can take it.
    # All else holds `lock`.

    def __cinit__(self, *arguments, **named):
        if not arguments or arguments[0] is not internal:
            raise TypeError("a Sampler is made by AliasTable.sampler(rng)")

    def __call__(self, size=None):
        cdef bint ready
        cdef uint64_t word
        cdef size_t where
        if size is not None:
            result = new_draws(shape_of(size))
            held = self.enter()
            try:
                draw_into(result, result, draw_words, &self.words, NULL, NULL, None, 1, &where)
            finally:
                self.leave(held)
            return result
        with cython.critical_section(self.lock):
            ready = (
                self.lock.count == 0
                and self.words.used < BLOCK
                and self.forks == fork_count()
            )
            if ready:
                word = self.words.block[self.words.used]
                self.words.used += 1
        if not ready:
            held = self.enter()
            try:
                refill(&self.words)
                word = self.words.block[self.words.used]
                self.words.used += 1
            finally:
                self.leave(held)
        return softdraw_alias_map1(self.words.buckets.data, self.words.buckets.bits, word)

    cdef int take_source(self, object rng) except -1:
        """Take a generator, whose words come from now on."""
        cdef BitGenerator source = new_generator() if self.makes_source else bit_generator_of(rng)
        with cython.critical_section(self):  # other threads read it before they hold a lock
            self.source = source
        read_bitgen(source, &self.words.bitgen)
        self.words.used = BLOCK
        self.forks = fork_count()
        return 0

    cdef object enter(self):
        """Take the generator's lock and then the sampler's, in that order, because a caller may hold
        the first already; in a forked child, drop the parent's words. Returns what leave() needs."""
        cdef BitGenerator source
        with cython.critical_section(self):
            source = self.source
        held = hold(source)
        try:
            self.lock.take(-1)
        except BaseException:
            release(held)
            raise
        try:
            if self.forks != fork_count():
                self.take_source(source)  # nobody else has a new one, so nobody else holds it
            else:
                # Another thread may have made a new one while this one waited. Raises if it has lost its state.
                read_bitgen(self.source, &self.words.bitgen)
        except BaseException:
            self.leave(held)
            raise
        return held

    cdef int leave(self, object held) except -1:
        self.lock.give()
        release(held)
        return 0

    def __repr__(self):
        return f"<Sampler of {self.table!r}>"

    def __reduce__(self):
        raise TypeError(
            "a Sampler cannot be pickled or copied; pickle or copy its table and its generator, and "
            "make a sampler of them: table.sampler(rng)"
        )
