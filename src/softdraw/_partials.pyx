"""Softmax of rows in pieces, for softdraw.dask: the partials of softdraw.h as structured arrays, and the
arguments of the softmax family where x is not an array of NumPy."""

import numpy as np

cimport numpy as cnp
from libc.stddef cimport ptrdiff_t, size_t

from softdraw cimport _core
from softdraw._arguments cimport (
    as_carray, axes_of, check_error, check_real, checked_temperatures, fit_to_rows, fixed, in_short, is_skip,
    is_true, plain_axis, real_numbers, refuse_mask_of, refuse_masked, result_dtype, shape_of, unmasked_array,
    whole_numbers,
)
from softdraw._core cimport softdraw_partial

cnp.import_array()

PARTIAL = np.dtype([(name, np.float64) for name in ("temperature", "max", "excess", "excess_low")])


def check_rows(str name, dtype, tuple shape, axis):
    """Return the reduced axes, sorted, and the dtype of results."""
    check_real(dtype, name)
    return axes_of(plain_axis(axis), len(shape)), result_dtype(dtype)


def check_temperatures(temperature):
    """Return temperatures as a float64 array, each checked."""
    return checked_temperatures(real_numbers(temperature, "temperature"), True)


def fit_rows(values, str name, tuple shape, tuple reduced):
    """Return values, of which only the shape is looked at, as one for all rows of an array of that shape, or as
    an array that broadcasts to one for each."""
    return fit_to_rows(values, name, shape, reduced)


def plain_array(value, str name):
    """Return value as an array; a masked one is an error."""
    return unmasked_array(value, name)


def whole_number_array(value, str name):
    """Return an integer, or an array of them, as an array; those too large for a dtype become the largest int64."""
    return whole_numbers(value, name)


def refuse_mask(mask, dtype):
    """Raise the TypeError for a `mask` of that dtype."""
    refuse_mask_of(mask, dtype)


def shown(value):
    """Return what was given, for a message, shortened where it is long."""
    return in_short(value)


def check_unmasked(value, str name):
    """Raise for a masked array, whose mask would be lost."""
    refuse_masked(value, name)


def is_flag_set(value, str name):
    """Return whether a flag is set."""
    return is_true(value, name)


def read_size(size, tuple rows=()):
    """Return `size`, an int or a tuple of ints, as the lengths of draws from each of rows of that shape."""
    return shape_of(size, rows)


def check_invalid(invalid):
    """Raise for an `invalid` that is neither "raise" nor "skip"."""
    is_skip(invalid)


cdef cnp.ndarray rows_of(object x):
    """Return a 2-D array as contiguous rows of float32 or float64."""
    cdef cnp.ndarray rows = fixed(as_carray(x, cnp.NPY_FLOAT32 if x.dtype == np.float32 else cnp.NPY_FLOAT64))
    if cnp.PyArray_NDIM(rows) != 2:
        raise ValueError(f"x must be 2-D, got {cnp.PyArray_NDIM(rows)}-D")
    return rows


cdef cnp.ndarray partials_of(object given, int ndim):
    """Return an array of partials, of so many dimensions, in contiguous memory as C has them."""
    array = np.ascontiguousarray(given)
    if array.dtype != PARTIAL or array.ndim != ndim:
        raise TypeError(f"partials must be {ndim}-D and of dtype PARTIAL, got {array.ndim}-D and {array.dtype}")
    # What Dask brings from another process may lie at any address. NumPy calls an array of fields aligned
    # wherever it lies, but not one of doubles.
    return as_carray(array.view(np.float64), cnp.NPY_FLOAT64).view(PARTIAL)


cdef inline bint is_float32(cnp.ndarray rows):
    return cnp.PyArray_TYPE(rows) == cnp.NPY_FLOAT32


def find_partials(x, temperatures):
    """Return the partial of each row of a 2-D array of float32 or float64; there is one temperature, or one per
    row."""
    cdef cnp.ndarray rows = rows_of(x)
    cdef size_t count = cnp.PyArray_DIM(rows, 0), n = cnp.PyArray_DIM(rows, 1)
    cdef cnp.ndarray each = as_carray(np.broadcast_to(temperatures, (count,)), cnp.NPY_FLOAT64)
    cdef cnp.ndarray out = np.empty(count, PARTIAL)
    cdef const void *data = cnp.PyArray_DATA(rows)
    cdef const double *t = <const double *>cnp.PyArray_DATA(each)
    cdef softdraw_partial *result = <softdraw_partial *>cnp.PyArray_DATA(out)
    cdef bint is_single = is_float32(rows)
    cdef int error
    with nogil:
        if is_single:
            error = _core.partial_f32(<const float *>data, <ptrdiff_t>n, result, count, n, t, 1)
        else:
            error = _core.partial_f64(<const double *>data, <ptrdiff_t>n, result, count, n, t, 1)
    check_error(error)
    return out


def combine_partials(partials):
    """Return the partials of whole rows, from a 2-D array with the pieces of each in a row."""
    cdef cnp.ndarray pieces = partials_of(partials, 2)
    cdef size_t count = cnp.PyArray_DIM(pieces, 0), n = cnp.PyArray_DIM(pieces, 1)
    cdef cnp.ndarray out = np.empty(count, PARTIAL)
    cdef const softdraw_partial *each = <const softdraw_partial *>cnp.PyArray_DATA(pieces)
    cdef softdraw_partial *result = <softdraw_partial *>cnp.PyArray_DATA(out)
    cdef int error
    with nogil:
        error = _core.combine_partials(each, <ptrdiff_t>n, result, count, n)
    check_error(error)
    return out


def softmax_piece(x, whole, bint logarithms=False):
    """Return the softmax of the rows of a 2-D array, or its logarithms; `whole` has the partials of the rows
    that they are pieces of."""
    cdef cnp.ndarray rows = rows_of(x), partials = partials_of(whole, 1)
    cdef size_t count = cnp.PyArray_DIM(rows, 0), n = cnp.PyArray_DIM(rows, 1)
    if cnp.PyArray_DIM(partials, 0) != <cnp.npy_intp>count:
        raise ValueError(f"whole must have the partials of {count} rows, got {cnp.PyArray_DIM(partials, 0)}")
    cdef cnp.ndarray out = np.empty((count, n), np.float32 if is_float32(rows) else np.float64)
    cdef ptrdiff_t stride = <ptrdiff_t>n
    cdef const void *data = cnp.PyArray_DATA(rows)
    cdef const softdraw_partial *each = <const softdraw_partial *>cnp.PyArray_DATA(partials)
    cdef void *result = cnp.PyArray_DATA(out)
    cdef bint is_single = is_float32(rows)
    cdef int error
    with nogil:
        if is_single:
            error = _core.softmax_piece_f32(<const float *>data, stride, each, <float *>result, stride,
                                            count, n, logarithms)
        else:
            error = _core.softmax_piece_f64(<const double *>data, stride, each, <double *>result, stride,
                                            count, n, logarithms)
    check_error(error)
    return out
