"""From weights or logits to the buckets of tables."""

import numpy as np

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint64_t

from softdraw._arguments cimport as_carray, check_error, real_array
from softdraw._core cimport (
    SOFTDRAW_ERROR_LOGIT, SOFTDRAW_ERROR_TEMPERATURE, SOFTDRAW_ERROR_WEIGHT, SOFTDRAW_OK,
    alias_rows_build_f32, alias_rows_build_f64, alias_rows_build_u64, alias_rows_max_buckets, alias_rows_max_length,
    alias_scratch, softmax_f32, softmax_f64,
)


cnp.import_array()

cdef enum:
    WITHOUT_GIL = 1024  # weights from which on building takes longer than releasing the GIL is worth

ctypedef fused real:
    float
    double


# ---- arrays ------------------------------------------------------------------------------------

cdef cnp.ndarray new_array(size_t n, int typenum):
    cdef cnp.npy_intp length = n
    return cnp.PyArray_EMPTY(1, &length, typenum, 0)


cdef cnp.ndarray read_only(cnp.ndarray array, object owner):
    cdef cnp.ndarray view = cnp.PyArray_SimpleNewFromData(
        cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array),
        cnp.PyArray_DATA(array),
    )
    cnp.PyArray_CLEARFLAGS(view, cnp.NPY_ARRAY_WRITEABLE)
    cnp.set_array_base(view, owner)  # which is no array, so NumPy never makes the view writeable
    return view


# ---- weights and logits ------------------------------------------------------------------------

cdef inline bint is_plain(object values) noexcept:
    """Whether kernels can read them where they are: of exactly type ndarray, float32 or float64, 1-D."""
    return (
        cnp.PyArray_CheckExact(values)
        and cnp.PyArray_TYPE(<cnp.ndarray> values) in (cnp.NPY_FLOAT64, cnp.NPY_FLOAT32)
        and cnp.PyArray_NDIM(<cnp.ndarray> values) == 1
        and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> values)
    )


cdef cnp.ndarray real_items(object values, str name):
    if is_plain(values):
        return values
    cdef cnp.ndarray array = real_array(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must be 1-D, got shape {(<object> array).shape}")
    return array


cdef cnp.ndarray plain_floats(cnp.ndarray array):
    """Real numbers as plain float32 or float64; only integers and float64 need the latter."""
    if is_plain(array):
        return array
    dtype = array.dtype
    is_double = dtype.kind in "biu" or dtype.itemsize == 8
    return as_carray(array, cnp.NPY_FLOAT64 if is_double else cnp.NPY_FLOAT32)


cdef cnp.ndarray plain_weights(cnp.ndarray weights):
    """Weights as plain float32, float64 or uint64: integers are checked here, floats are not."""
    if is_plain(weights) or weights.dtype.kind not in "biu":
        return plain_floats(weights)
    if weights.dtype.kind == "i":
        negative = weights < 0
        if negative.any():
            raise_for_weight(weights, negative.argmax())
    return as_carray(weights, cnp.NPY_UINT64)


cdef int raise_for_weight(cnp.ndarray weights, size_t where) except -1:
    raise ValueError(
        f"weights[{where}] is {(<object> weights)[where]!s}; weights must be finite and >= 0"
    )


cdef int check_length(cnp.ndarray items, Rows rows) except -1:
    """Raise if another thread has changed the length of an array since its rows were checked."""
    if cnp.PyArray_DIM(items, 0) != rows.indptr[rows.count]:
        raise ValueError("an array changed its length while it was read")
    return 0


cdef int softmax_row(
    const real *logits, size_t n, double temperature, real *weights, size_t *where
) noexcept nogil:
    cdef size_t i
    cdef int error
    if real is double:
        error = softmax_f64(logits, n, weights, n, 1, n, &temperature, 0)
    else:
        error = softmax_f32(logits, n, weights, n, 1, n, &temperature, 0)
    if error != SOFTDRAW_OK:
        return error
    if weights[0] != weights[0]:  # NaN, and then all of them are
        for i in range(n):
            if logits[i] != logits[i] or logits[i] == INFINITY:
                where[0] = i
                return SOFTDRAW_ERROR_LOGIT
            weights[i] = 0
    elif temperature == 0:
        i = 0
        while i < n - 1 and weights[i] == 0:
            i += 1
        weights[i] = 1
        for i in range(i + 1, n):
            weights[i] = 0
    return SOFTDRAW_OK


cdef int softmax_rows(
    const real *logits, Rows rows, const double *temperature, size_t stride, real *weights,
    size_t *where
) noexcept nogil:
    cdef size_t row
    cdef int64_t first, n
    cdef int error
    for row in range(rows.count):
        first, n = rows.indptr[row], rows.indptr[row + 1] - rows.indptr[row]
        if n:
            error = softmax_row(logits + first, n, temperature[row * stride], weights + first, where)
            if error != SOFTDRAW_OK:
                where[0] += first
                return error
    return SOFTDRAW_OK


cdef cnp.ndarray weights_of(
    cnp.ndarray given, Rows rows, const double *temperature, size_t stride
):
    cdef cnp.ndarray logits = plain_floats(given)
    cdef cnp.ndarray weights = new_array(logits.shape[0], cnp.PyArray_TYPE(logits))
    cdef size_t where = 0
    check_length(logits, rows)
    cdef const void *x = cnp.PyArray_DATA(logits)
    cdef void *w = cnp.PyArray_DATA(weights)
    cdef bint is_double = cnp.PyArray_TYPE(logits) == cnp.NPY_FLOAT64
    cdef int error
    with nogil:
        if is_double:
            error = softmax_rows[double](
                <const double *> x, rows, temperature, stride, <double *> w, &where
            )
        else:
            error = softmax_rows[float](
                <const float *> x, rows, temperature, stride, <float *> w, &where
            )
    if error == SOFTDRAW_ERROR_TEMPERATURE:  # another thread has changed it since it was checked
        raise ValueError("temperature must be >= 0")
    if error == SOFTDRAW_ERROR_LOGIT:
        raise ValueError(
            f"logits[{where}] is {(<object> given)[where]!s}; logits must be finite or -inf"
        )
    check_error(error)
    return weights


# ---- buckets -----------------------------------------------------------------------------------

cdef int build_rows(
    int typenum, const void *weights, Rows rows, uint64_t *records, uint64_t *buckets,
    uint64_t *scratch, size_t *where
) noexcept nogil:
    if typenum == cnp.NPY_FLOAT64:
        return alias_rows_build_f64(
            <const double *> weights, rows.indptr, rows.count, records, buckets, scratch, where
        )
    if typenum == cnp.NPY_FLOAT32:
        return alias_rows_build_f32(
            <const float *> weights, rows.indptr, rows.count, records, buckets, scratch, where
        )
    return alias_rows_build_u64(
        <const uint64_t *> weights, rows.indptr, rows.count, records, buckets, scratch, where
    )


cdef cnp.ndarray build(cnp.ndarray given, Rows rows, uint64_t *records):
    cdef cnp.ndarray weights = plain_weights(given), space
    cdef cnp.ndarray buckets = new_array(
        alias_rows_max_buckets(rows.indptr, rows.count), cnp.NPY_UINT64
    )
    cdef uint64_t *bucket = <uint64_t *> cnp.PyArray_DATA(buckets)
    cdef uint64_t[64] small  # spares small tables an allocation
    cdef uint64_t *scratch = small
    cdef size_t size = alias_scratch(alias_rows_max_length(rows.indptr, rows.count)), where = 0
    cdef int typenum = cnp.PyArray_TYPE(weights), error
    if size > sizeof(small):
        space = new_array(size, cnp.NPY_UINT8)
        scratch = <uint64_t *> cnp.PyArray_DATA(space)
    check_length(weights, rows)
    cdef const void *weight = cnp.PyArray_DATA(weights)
    if weights.shape[0] < WITHOUT_GIL:
        error = build_rows(typenum, weight, rows, records, bucket, scratch, &where)
    else:
        with nogil:
            error = build_rows(typenum, weight, rows, records, bucket, scratch, &where)
    if error == SOFTDRAW_ERROR_WEIGHT:
        raise_for_weight(given, where)
    check_error(error)
    return buckets if where == <size_t> buckets.shape[0] else buckets[:where].copy()
