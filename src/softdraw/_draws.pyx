"""Categories drawn into an array: what `out` may be, and the loop that fills it."""

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int16_t, int64_t, uint32_t, uint64_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw._arguments cimport check_error, plain_out
from softdraw._core cimport SOFTDRAW_ERROR_ROW, SOFTDRAW_ERROR_ZERO, SOFTDRAW_OK
from softdraw._random cimport hold, release

cnp.import_array()

cdef enum:
    WATCH = 1 << 24  # draws, a multiple of CHUNK, between two looks at whether the user interrupts


cdef cnp.ndarray checked_out(object out, size_t categories):
    cdef cnp.ndarray array = plain_out(out)
    dtype = array.dtype
    if dtype.type not in (np.int64, np.int32, np.uint32, np.int16):
        raise TypeError(f"out must be int64, int32, uint32 or int16, got {dtype}")
    cdef int bits = 8 * cnp.PyArray_ITEMSIZE(array) - (dtype.type is not np.uint32)
    cdef uint64_t limit = (<uint64_t> 1 << bits) - 1
    if categories > limit + 1:
        raise ValueError(
            f"out of dtype {dtype} holds categories up to {limit}, not {categories - 1}"
        )
    return array


cdef int check_same(cnp.ndarray words, cnp.ndarray out) except -1:
    if not cnp.PyArray_SAMESHAPE(words, out):
        raise ValueError(
            f"words has shape {(<object> words).shape}, but out has shape {(<object> out).shape}"
        )
    return 0


cdef cnp.ndarray apart_from(cnp.ndarray out, cnp.ndarray array):
    return array.copy() if np.may_share_memory(out, array) else array


cdef cnp.ndarray new_draws(tuple shape):
    cdef cnp.npy_intp n
    if len(shape) == 1:
        n = shape[0]
        return cnp.PyArray_EMPTY(1, &n, cnp.NPY_INT64, 0)
    return np.empty(shape, np.int64)


cdef cnp.ndarray target_of(cnp.ndarray out):
    if cnp.PyArray_ISCARRAY(out):
        return out
    return np.empty((<object> out).shape, out.dtype.newbyteorder("="))


cdef int draw_into(
    cnp.ndarray out, cnp.ndarray target, draw_function draw, void *call, BitGenerator source
) except -1:
    cdef char *data
    cdef size_t n, itemsize
    cdef int error
    if source is not None:
        hold(source)  # may wait, while other threads change arrays
    try:
        data = <char *> cnp.PyArray_DATA(target)
        n, itemsize = cnp.PyArray_SIZE(target), cnp.PyArray_ITEMSIZE(target)
        if n <= CHUNK:
            error = draw_chunks(draw, call, n, data, itemsize)
        else:
            with nogil:
                error = draw_chunks(draw, call, n, data, itemsize)
    finally:
        if source is not None:
            release(source)
    if error == SOFTDRAW_ERROR_ROW or error == SOFTDRAW_ERROR_ZERO:
        return error
    check_error(error)
    if target is not out:
        out[...] = target
    return SOFTDRAW_OK


cdef int draw_chunks(
    draw_function draw, void *call, size_t n, char *out, size_t itemsize
) except -1 nogil:
    cdef int64_t[CHUNK] categories
    cdef int64_t *drawn
    cdef size_t begin = 0, length
    cdef int error
    while begin < n:
        length = min(n - begin, <size_t> CHUNK)
        drawn = <int64_t *> (out + begin * itemsize) if itemsize == 8 else categories
        error = draw(call, begin, length, drawn)
        if error != SOFTDRAW_OK:
            return error
        if itemsize != 8:
            narrow(categories, length, out + begin * itemsize, itemsize)
        begin += length
        if begin % WATCH == 0:
            with gil:
                PyErr_CheckSignals()
    return SOFTDRAW_OK


cdef void narrow(const int64_t *categories, size_t n, void *out, size_t itemsize) noexcept nogil:
    """Store categories as integers of 4 or 2 bytes, which can hold them."""
    cdef size_t i
    if itemsize == 4:  # int32 or uint32: the same bits for what both can hold
        for i in range(n):
            (<uint32_t *> out)[i] = <uint32_t> categories[i]
    elif itemsize == 2:
        for i in range(n):
            (<int16_t *> out)[i] = <int16_t> categories[i]
