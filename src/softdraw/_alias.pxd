"""AliasTable, for the other modules of softdraw."""

cimport numpy as cnp
from numpy.random.bit_generator cimport BitGenerator

from softdraw._draws cimport Buckets


cdef class AliasTable:
    cdef Py_ssize_t categories
    cdef cnp.ndarray array  # the buckets
    cdef Buckets table  # where they are, and how many
    cdef object hash_value  # None before it is asked for
    cdef object draw(self, BitGenerator source)


# The table with these buckets, which are trusted, and of which nobody else may hold the array.
cdef AliasTable table_of(Py_ssize_t categories, cnp.ndarray buckets)
