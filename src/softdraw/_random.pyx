"""Xoshiro256, and what the argument `rng` may be."""

import operator
import os
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import MT19937, PCG64, PCG64DXSM, SFC64, Generator, Philox, SeedSequence
from numpy.random.bit_generator import ISeedSequence, ISpawnableSeedSequence

cimport cython
cimport numpy as cnp
from cpython.dict cimport PyDict_GetItem, PyDict_SetItem
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport PyObject
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from softdraw._arguments cimport check_header, header_of, refuse_masked, short_text, whole_number
from softdraw._core cimport (
    softdraw_xoshiro, xoshiro_advance, xoshiro_fill, xoshiro_jump, xoshiro_next, xoshiro_seed,
)
from softdraw._lock cimport Lock, fork_count

cnp.import_array()

cdef extern from "Python.h":
    PyObject *PyThreadState_GetDict()


# ---- Xoshiro256 --------------------------------------------------------------------------------

cdef uint64_t next_uint64(void *state) noexcept nogil:
    cdef softdraw_xoshiro *generator = <softdraw_xoshiro *> state
    if generator.used < 8:
        generator.used += 1
        return generator.buffer[generator.used - 1]
    return xoshiro_next(generator)


cdef uint32_t next_uint32(void *state) noexcept nogil:
    cdef softdraw_xoshiro *generator = <softdraw_xoshiro *> state
    cdef uint64_t word
    if generator.has_uint32:
        generator.has_uint32 = 0
        return generator.uinteger
    word = next_uint64(state)
    generator.has_uint32 = 1
    generator.uinteger = <uint32_t> (word >> 32)
    return <uint32_t> word


cdef double next_double(void *state) noexcept nogil:
    return <double> (next_uint64(state) >> 11) * (1.0 / 9007199254740992.0)


@cython.binding(False)  # as for Lock, in _lock.pyx
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Xoshiro256(BitGenerator):
    """
    Xoshiro256(seed=None)

    Eight interleaved xoshiro256++ generators, for NumPy's `Generator` and for softdraw.

    Parameters
    ----------
    seed : None, int, sequence of ints, or SeedSequence, optional
        None takes entropy from the operating system. Integers must not be negative.

    Attributes
    ----------
    lock : context manager
        The lock, reentrant, that NumPy's `Generator` and softdraw take while they draw. softdraw
        takes this one also where a subclass has put another attribute in its place.
    state : dict
        All that the coming words depend on: the 4 state words of the 8 lanes, the words made but
        not yet given out, and the half word that 32-bit draws leave. It can be assigned, and may
        have gone through JSON (lists for arrays) before.

    Notes
    -----
    A subclass must take a seed sequence as its only argument, because `spawn`, `jumped`, copies and pickles
    make generators of its class so.

    Word ``8 * i + j`` is the i-th output of lane j, a xoshiro256++ generator [1]_. The seed gives
    lane 0 its state; each other lane starts one jump, 2**128 outputs, after the one before it.

    References
    ----------
    .. [1] D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM
       Transactions on Mathematical Software 47, 2021. https://prng.di.unimi.it

    See Also
    --------
    numpy.random.Generator : Takes it, and draws numbers of many distributions.
    AliasTable.sample : Takes it, or a seed of it, as `rng`.
    sample_logits : Likewise.

    Examples
    --------
    >>> import numpy as np
    >>> import softdraw
    >>> rng = np.random.Generator(softdraw.Xoshiro256(7))
    >>> bool(0 <= rng.random() < 1)
    True
    >>> table = softdraw.AliasTable([1, 2, 1])
    >>> first, again = softdraw.Xoshiro256(7), softdraw.Xoshiro256(7)
    >>> bool((table.sample(100, rng=first) == table.sample(100, rng=again)).all())
    True
    """

    def __init__(self, seed=None):
        # What may run Python code of the caller, or raise, comes before anything changes.
        seed_seq = seed_sequence_of("seed", seed, "SeedSequence")
        cdef cnp.ndarray words = np.array(seed_seq.generate_state(4, np.uint64))  # nobody else's
        if words.dtype != np.uint64 or words.ndim != 1 or words.shape[0] != 4:
            raise ValueError(
                f"generate_state(4, numpy.uint64) of seed, of type {type(seed).__name__}, must give 4 "
                f"words of uint64, got shape {(<object> words).shape} and dtype {words.dtype}"
            )
        if self.own_lock is None and self.start(seed_seq, words):
            return
        # Other threads may be using it. BitGenerator.__init__ is not called, which would leave it without a
        # state and with another lock; where somebody else has called it, this is undone.
        held = hold(self)
        with cython.critical_section(self):
            # What is replaced goes when this function ends, for what then runs may use the generator.
            old_seed_seq, old_lock, old_ctypes, old_cffi = self._seed_seq, self.lock, self._ctypes, self._cffi
            self._seed_seq = seed_seq
            if self._bitgen.state == NULL:
                self._bitgen.state, self.lock = &self.generator, self.own_lock
                self._ctypes = self._cffi = None  # they may have been made without a state
        xoshiro_seed(&self.generator, <const uint64_t *> cnp.PyArray_DATA(words))
        release(held)

    cdef bint start(self, object seed_seq, cnp.ndarray words) except -1:
        """Make a generator of an object that has not been one before. False if another thread has done so
        meanwhile."""
        BitGenerator.__init__(self, seed_seq)
        cdef Lock lock = Lock()
        old_lock = self.lock  # as in __init__
        with cython.critical_section(self):
            if self.own_lock is not None:
                return False
            xoshiro_seed(&self.generator, <const uint64_t *> cnp.PyArray_DATA(words))
            self._bitgen.state = &self.generator
            self._bitgen.next_uint64 = self._bitgen.next_raw = next_uint64
            self._bitgen.next_uint32 = next_uint32
            self._bitgen.next_double = next_double
            self.lock = self.own_lock = lock
        return True

    @property
    def seed_seq(self):
        """The seed sequence that this generator was made from."""
        return seed_seq_of(self)

    @property
    def state(self):
        """All that the coming words depend on, as a dict; it can be assigned."""
        cdef softdraw_xoshiro generator
        cdef cnp.ndarray lanes = np.empty((4, 8), np.uint64), buffer = np.empty(8, np.uint64)
        held = hold(self)
        generator = self.generator
        release(held)
        memcpy(cnp.PyArray_DATA(lanes), generator.s, sizeof(generator.s))
        memcpy(cnp.PyArray_DATA(buffer), generator.buffer, sizeof(generator.buffer))
        return {
            "bit_generator": "Xoshiro256",
            "state": {"s": lanes},
            "buffer": buffer,
            "buffer_pos": generator.used,
            "has_uint32": generator.has_uint32,
            "uinteger": generator.uinteger,
        }

    @state.setter
    def state(self, value):
        cdef softdraw_xoshiro generator
        cdef Py_ssize_t j, k
        if not isinstance(value, Mapping):
            raise TypeError(f"state must be a mapping, got {type(value).__name__}")
        if "bit_generator" not in value:
            raise ValueError("state has no 'bit_generator'")
        kind = value["bit_generator"]
        if not isinstance(kind, str) or kind != "Xoshiro256":
            raise ValueError(f"state is for a {short_text(kind)} generator, not for Xoshiro256")
        if not isinstance(value.get("state", {}), Mapping):
            raise TypeError(f"state['state'] must be a mapping, got {type(value['state']).__name__}")
        try:
            lanes = value["state"]["s"]
            buffer, used, has_uint32, uinteger = [
                value[name] for name in ("buffer", "buffer_pos", "has_uint32", "uinteger")
            ]
        except KeyError as error:
            raise ValueError(f"state has no {error}") from None
        lanes = integers("state['state']['s']", lanes, (4, 8), 2**64 - 1)
        buffer = integers("state['buffer']", buffer, (8,), 2**64 - 1)
        generator.used = integers("state['buffer_pos']", used, (), 8)[()]
        generator.has_uint32 = integers("state['has_uint32']", has_uint32, (), 1)[()]
        generator.uinteger = integers("state['uinteger']", uinteger, (), 2**32 - 1)[()]
        if "header" in value:  # which only pickles have
            words = (*lanes.flat, *buffer)
            counters = (generator.used, generator.has_uint32, generator.uinteger)
            check_header("a pickled Xoshiro256", value["header"], words + counters)
        for j in range(8):
            generator.buffer[j] = buffer[j]
            for k in range(4):
                generator.s[k][j] = lanes[k, j]
            if not any(lanes[:, j]):
                raise ValueError(f"state['state']['s'][:, {j}] is all zeros")
        held = hold(self)
        self.generator = generator
        release(held)

    def spawn(self, n_children):
        """
        Make new generators, independent of this one and of each other.

        Parameters
        ----------
        n_children : int
            How many.

        Returns
        -------
        list of Xoshiro256
            Seeded by what this generator's seed sequence spawns.

        Raises
        ------
        TypeError
            If the seed sequence cannot spawn.
        ValueError
            If `n_children` is negative.

        See Also
        --------
        jumped : A generator far ahead of this one.
        advance : Passes over words.

        Examples
        --------
        >>> import softdraw
        >>> len(softdraw.Xoshiro256(7).spawn(3))
        3
        """
        n_children = whole_number(n_children, "n_children")
        if not 0 <= n_children <= 2**31:
            raise ValueError(f"n_children must be in [0, 2**31], got {n_children}")
        seed_seq = seed_seq_of(self)
        if not isinstance(seed_seq, ISpawnableSeedSequence):
            raise TypeError("the seed sequence of this Xoshiro256 cannot spawn")
        held = hold(self)  # a seed sequence has no lock of its own to count its children under
        try:
            if self.spawns == fork_count() + 1:
                raise RuntimeError("spawn cannot be called while it runs in the same thread, as from a signal handler")
            self.spawns = fork_count() + 1  # so that in a child that is forked meanwhile it can
            try:
                children = seed_seq.spawn(n_children)
            finally:
                self.spawns = 0
        finally:
            release(held)
        if not isinstance(children, (list, tuple)) or len(children) != n_children:
            raise TypeError(
                f"spawn({n_children}) of the seed sequence, of type {type(seed_seq).__name__}, must give a list "
                f"of {n_children} seed sequences"
            )
        return [another(self, seed_seq) for seed_seq in children]

    def jumped(self, jumps=1):
        """
        Make a generator far ahead of this one, which stays where it is.

        Parameters
        ----------
        jumps : int, optional
            How many jumps of 2**192 words each of the eight lanes makes, from 0 to 2**64 - 1.

        Returns
        -------
        Xoshiro256
            With no words and no half word left over from this one, and with a seed sequence of its
            own, made from that of this one and `jumps`, so that the two spawn different children.

        See Also
        --------
        spawn : Generators with seeds of their own, which is the usual way.
        advance : Passes over words of this one.

        Examples
        --------
        >>> import softdraw
        >>> rng = softdraw.Xoshiro256(7)
        >>> bool(rng.jumped(2).random_raw() == rng.jumped().jumped().random_raw())
        True
        """
        jumps = whole_number(jumps, "jumps")
        if not 0 <= jumps < 2**64:
            raise ValueError(f"jumps must be in [0, 2**64), got {jumps}")
        # NumPy writes a large integer as two words, and the number of a child as one more word. So the
        # second word of many jumps would read as a child of few jumps, if both began with the same words.
        words = 4 if jumps < 2**32 else 8
        seed = seed_seq_of(self).generate_state(words, np.uint64)[words - 4:]
        cdef Xoshiro256 ahead = another(self, SeedSequence([*seed, jumps]))
        held = hold(self)
        ahead.generator = self.generator
        release(held)
        xoshiro_jump(&ahead.generator, jumps)
        return ahead

    def advance(self, delta):
        """
        Pass over words, as if they had been taken.

        Parameters
        ----------
        delta : int
            How many words, from 0 to 2**128 - 1.

        Returns
        -------
        Xoshiro256
            This generator, without a half word. The next word is the one after those passed over.

        See Also
        --------
        jumped : A generator far ahead.
        spawn : Independent generators.

        Examples
        --------
        >>> import softdraw
        >>> rng = softdraw.Xoshiro256(7)
        >>> bool(rng.random_raw(11)[10] == softdraw.Xoshiro256(7).advance(10).random_raw())
        True
        """
        delta = whole_number(delta, "delta")
        if not 0 <= delta < 2**128:
            raise ValueError(f"delta must be in [0, 2**128), got {delta}")
        cdef uint64_t low = delta & 2**64 - 1, high = delta >> 64
        held = hold(self)
        xoshiro_advance(&self.generator, low, high)
        release(held)
        return self

    # In this form NumPy 1.24 to 1.26 need it when they pickle a Generator around this.
    def __reduce__(self):
        state = self.state
        words = (*state["state"]["s"].flat, *state["buffer"])
        counters = (state["buffer_pos"], state["has_uint32"], state["uinteger"])
        state["header"] = header_of(words + counters)
        return _seeded, ((type(self), seed_seq_of(self)),), state

    def __setstate__(self, state):
        if not isinstance(state, dict) or "header" not in state:
            raise ValueError("not a pickled Xoshiro256")
        self.state = state


cdef Xoshiro256 another(Xoshiro256 generator, object seed_seq):
    """Return a new generator of the class of one, which may be a subclass that makes something else."""
    made = type(generator)(seed_seq)
    kind = type(generator).__name__
    if not isinstance(made, Xoshiro256):
        raise TypeError(f"{kind}(seed_sequence) must make a generator, got {type(made).__name__}")
    if (<Xoshiro256> made).own_lock is None:
        refuse_uninitialised(made)
    return made


cdef object seed_seq_of(Xoshiro256 generator):
    with cython.critical_section(generator):  # __init__ may put another one in its place meanwhile
        seed_seq = generator._seed_seq
    if seed_seq is None:
        refuse_uninitialised(generator)
    return seed_seq


cdef int refuse_uninitialised(BitGenerator generator) except -1:
    kind = type(generator).__name__
    raise TypeError(f"__init__ of this {kind} has not been called; a subclass calls super().__init__(seed)")


def _seeded(class_and_seed_seq):
    """A new generator, for pickle to give its state."""
    cls, seed_seq = class_and_seed_seq
    return cls(seed_seq)


cdef object integers(str name, object value, tuple shape, object largest):
    """An object array of the given shape of integers from 0 to largest, or an error."""
    refuse_masked(value, name)
    array = np.array(value, dtype=object)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    for place, item in np.ndenumerate(array):
        try:
            array[place] = operator.index(item)
        except TypeError:
            raise TypeError(f"{name} must hold integers, got {type(item).__name__}") from None
        if not 0 <= array[place] <= largest:
            raise ValueError(f"{name} must be from 0 to {largest}, got {item}")
    return array


# ---- rng= --------------------------------------------------------------------------------------

# The key of each thread's own generator in its dict; another one in a forked child.
cdef object own_key = object()


def _renew_own_key():
    global own_key
    own_key = object()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_own_key)


cdef Xoshiro256 new_generator():
    """Return a generator that no other process has. A signal handler may fork when its seed has been taken."""
    cdef unsigned long before
    while True:
        before = fork_count()
        generator = Xoshiro256()
        if fork_count() == before:
            return generator


cdef BitGenerator own_generator():
    cdef PyObject *threads_dict = PyThreadState_GetDict()
    cdef PyObject *found
    if threads_dict == NULL:
        raise MemoryError
    found = PyDict_GetItem(<object> threads_dict, own_key)
    if found != NULL:
        return <BitGenerator> found
    generator = new_generator()
    PyDict_SetItem(<object> threads_dict, own_key, generator)
    return generator


cdef object generator_type = Generator  # found without a look into a dict
# Those of NumPy have a state; one that is written in another module may need none.
cdef tuple numpys_generators = (MT19937, PCG64, PCG64DXSM, Philox, SFC64)


cdef BitGenerator refuse_generator(object rng, object source):
    raise TypeError(
        f"rng.bit_generator must be a BitGenerator, got {type(source).__name__}; __init__ of the "
        f"{type(rng).__name__} may not have been called"
    )


cdef BitGenerator bit_generator_of(object rng):
    if type(rng) is Xoshiro256:
        return <BitGenerator> rng
    if rng is None:
        return own_generator()
    if type(rng) is generator_type:
        source = rng.bit_generator
        return <BitGenerator> source if isinstance(source, BitGenerator) else refuse_generator(rng, source)
    if isinstance(rng, BitGenerator):
        return <BitGenerator> rng  # isinstance looks at the C type, which no proxy can fake
    if isinstance(rng, Generator):
        return bit_generator_within(rng)
    return generator_of_seed("rng", rng, "SeedSequence, BitGenerator or Generator")


cpdef BitGenerator bit_generator_within(object generator):
    """Return the BitGenerator of a Generator, or raise if it has none."""
    source = generator.bit_generator
    return <BitGenerator> source if isinstance(source, BitGenerator) else refuse_generator(generator, source)


cpdef BitGenerator generator_of_seed(
    str name, object seed, str others="SeedSequence, Xoshiro256 or Generator of it"
):
    """Return a new Xoshiro256 for an argument that is no generator, or raise. `others` are the classes that the
    caller takes besides."""
    return Xoshiro256(seed_sequence_of(name, seed, others))


def pass_over(str name, Xoshiro256 given not None, uint64_t count):
    """Let a generator pass over so many words, and return another one that gives them. Half a word that NumPy
    keeps stays where it is, as where words are drawn; locks, states and pickles of a subclass are not used."""
    cdef Xoshiro256 own = Xoshiro256(0)
    if given.own_lock is None:
        refuse_uninitialised(given)
    if given._bitgen.state == NULL:
        refuse_lost(name, given)
    held = hold(given)
    own.generator = given.generator
    xoshiro_advance(&given.generator, count, 0)
    given.generator.has_uint32 = own.generator.has_uint32
    given.generator.uinteger = own.generator.uinteger
    release(held)
    return own


cdef object seed_sequence_of(str name, object seed, str others):
    """Return a seed sequence for None, an integer, a sequence of them or a seed sequence, or raise. `others` are
    the classes of numpy.random that may be given."""
    if isinstance(seed, ISeedSequence):
        return seed
    if seed is None or is_seed(name, seed):
        return SeedSequence(seed)
    refuse_masked(seed, name)
    if isinstance(seed, memoryview):
        seed = np.asarray(seed)
    if isinstance(seed, Sequence) and not isinstance(seed, (str, bytes, bytearray)) or (
            isinstance(seed, np.ndarray) and seed.ndim and seed.dtype.kind in "iuO"):
        items = [item for item in seed]  # list() of CPython 3.11 keeps a reference if it finds no memory
        if all([is_seed(f"{name}[{i}]", item) for i, item in enumerate(items)]):
            return SeedSequence(items)
        if isinstance(items[0], (BitGenerator, Generator)) and "BitGenerator" in others:
            raise TypeError(
                f"{name} must be one generator; for one per row, pass a word of each as words, such as "
                "words=[Xoshiro256(seed).random_raw() for seed in seeds]"
            )
        for i, item in enumerate(items):
            if not isinstance(seed, np.ndarray) and not is_seed(f"{name}[{i}]", item):
                raise TypeError(f"{name}[{i}] must be an integer, got {type(item).__name__}")
    kind = type(seed).__name__ if type(seed).__module__ == "builtins" else (
        f"{type(seed).__module__}.{type(seed).__qualname__}"
    )
    if isinstance(seed, np.ndarray):
        kind = f"an array of dtype {seed.dtype} and shape {(<object> seed).shape}"
    raise TypeError(
        f"{name} must be None, an int, a sequence of ints or a numpy.random.{others}, got {kind}"
    )


cdef bint is_seed(str name, object value) except -1:
    """Whether the value is an integer, which must not be negative."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, (bool, np.timedelta64)):
        return False
    if value < 0:
        raise ValueError(f"{name} must be >= 0, got {value}")
    return True


cdef int refuse_lost(str name, BitGenerator source) except -1:
    kind = type(source).__name__
    raise TypeError(
        f"{name}, of type {kind}, has no state, because BitGenerator.__init__ was called again; "
        "its own __init__, with a seed, gives it one"
    )


cdef int read_bitgen(BitGenerator source, bitgen_t *bitgen) except -1:
    cdef bitgen_t found = source._bitgen
    if type(source) is not Xoshiro256 and source.capsule is not None:
        found = (<bitgen_t *> PyCapsule_GetPointer(source.capsule, "BitGenerator"))[0]
    if found.next_uint64 == NULL:  # a class of its own, or __init__ has not been called
        if isinstance(source, Xoshiro256):
            refuse_uninitialised(source)
        raise TypeError(f"rng, of type {type(source).__name__}, has not set next_uint64")
    if found.state == NULL and (is_own(&found) or isinstance(source, numpys_generators)):
        refuse_lost("rng", source)
    bitgen[0] = found  # not before: it may be in use
    return 0


cdef object hold(BitGenerator source):
    cdef Lock own
    if isinstance(source, Xoshiro256):
        own = (<Xoshiro256> source).own_lock
        if own is None:
            refuse_uninitialised(source)
        own.take(-1)
        return own
    lock = source.lock
    if lock is None:
        refuse_uninitialised(source)
    lock.acquire()
    return lock


cdef int release(object held) except -1:
    if type(held) is Lock:
        return (<Lock> held).give()
    held.release()
    return 0


cdef bint is_own(const bitgen_t *bitgen) noexcept nogil:
    return bitgen.next_uint64 == next_uint64


cdef void take_words(bitgen_t *bitgen, uint64_t *words, size_t n) noexcept nogil:
    cdef size_t i
    if is_own(bitgen):
        xoshiro_fill(<softdraw_xoshiro *> bitgen.state, words, n)
        return
    for i in range(n):
        words[i] = bitgen.next_uint64(bitgen.state)
