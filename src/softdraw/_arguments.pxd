"""Checks of arguments, for the other modules of softdraw.

Whatever is wrong is a TypeError or a ValueError that names the argument, and the place in it.
"""

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.object cimport Py_TYPE, PyTypeObject

cdef extern from "numpy/arrayobject.h":
    PyTypeObject PyDoubleArrType_Type  # numpy.float64, whose instances are floats, too


cdef inline bint read_number(object value, double *number) noexcept:
    """Read a float or an int from 0 to 2**53, the usual parameters; False for anything else, also for other
    classes of floats, whose __float__ may give another number. Nothing here allocates memory, so nothing
    fails."""
    cdef int overflow
    cdef long long whole
    if PyFloat_CheckExact(value) or Py_TYPE(value) is &PyDoubleArrType_Type:
        number[0] = PyFloat_AS_DOUBLE(value)
        return True
    if PyLong_CheckExact(value):
        whole = PyLong_AsLongLongAndOverflow(value, &overflow)  # -1 if it overflows
        if 0 <= whole < <long long>1 << 53:
            number[0] = <double>whole
            return True
    return False


# Positional arguments.
cdef object refuse_positional(str call, tuple values, tuple names)

# Classes: the first argument with which modules of softdraw, and nobody else, can make a table of buckets or
# a sampler; and the error for a call with other arguments than the class has.
cdef object internal
cdef int refuse_call(str name, str parameters, tuple arguments, dict named) except -1

# Arrays.
cdef int MOST_DIMENSIONS  # that NumPy's arrays may have
cdef bint is_bfloat16(int type_num) noexcept
cdef int refuse_masked(object value, str name) except -1
cdef object unmasked_array(object value, str name)
cdef bint is_foreign(object x)
cdef object converted_to(object dtype, object array)
cdef int check_real(object dtype, str name, str advice=*) except -1
cdef object real_array(object value, str name)
cdef int refuse_mask_of(object mask, object dtype) except -1
cdef cnp.ndarray fixed(cnp.ndarray array)
cdef object fixed_real(object array, str name)
cdef cnp.ndarray fixed_whole(cnp.ndarray array, str name)
cdef int check_still_whole(cnp.ndarray array, str name) except -1
cdef int check_unchanged(cnp.ndarray array, int itemsize, str name) except -1
cdef object checked_out(object out, object dtype, tuple shape)
cdef cnp.ndarray plain_out(object out)
cdef object result_dtype(object dtype)
cdef cnp.ndarray as_carray(cnp.ndarray array, int type_num)

# Parameters: numbers or arrays of them, maybe one per row.
cdef object whole_numbers(object value, str name)
cdef object whole_number(object value, str name, str others=*)
cdef object real_numbers(object value, str name)
cdef cnp.ndarray checked_temperatures(cnp.ndarray given, bint allow_zero)
cdef object temperatures_of_rows(object value, bint allow_zero, tuple shape, tuple reduced)
cdef double one_temperature(object value) except -1
cdef object fit_to_rows(object values, str name, tuple shape, tuple reduced)

# Axes.
cdef object plain_axis(object axis)
cdef tuple axes_of(object axis, int ndim)
cdef tuple lengths_without(tuple shape, tuple reduced)
cdef tuple lengths_with_ones(tuple shape, tuple reduced)
cdef bint is_true(object value, str name) except -1
cdef bint is_skip(object invalid) except -1

# Shapes and words.
cdef tuple shape_of(object size, tuple rows=*)
cdef cnp.ndarray word_array(object words)
cdef cnp.ndarray as_words(cnp.ndarray array)

# Parts of messages.
cdef str place_of(str name, object index)
cdef str in_short(object value)
cdef str short_text(object value)

# Pickles and hashes.
cdef bytes digest_of(tuple parts)
cdef tuple header_of(tuple parts)
cdef int check_header(str name, object header, tuple parts) except -1

# Errors of the core that are not the caller's.
cdef int check_error(int error) except -1
