"""Samplers, which AliasTable makes."""

from libc.stdint cimport uint64_t
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._draws cimport Buckets
from softdraw._lock cimport Lock

cdef enum:
    BLOCK = 256  # words that a sampler takes from its generator at a time

cdef struct Words:
    uint64_t[BLOCK] block
    size_t used  # how many of the block have been
    bitgen_t bitgen
    Buckets buckets


cdef class Sampler:
    cdef object table  # whose buckets they are
    cdef BitGenerator source  # of the words
    cdef bint makes_source  # made with rng=None: it has a generator of its own, another one after a fork
    cdef Words words
    cdef Lock lock
    cdef unsigned long forks  # fork_count() when the words were taken
    cdef object enter(self)
    cdef int leave(self, object held) except -1
    cdef int take_source(self, object rng) except -1


cdef Sampler sampler_of(object table, Buckets buckets, object rng)
