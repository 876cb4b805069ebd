"""From weights or logits to the buckets of tables."""

import numpy as np

cimport numpy as cnp
from libc.math cimport INFINITY
from libc.stdint cimport SIZE_MAX, int64_t, uint64_t
from libc.string cimport memmove

from softdraw._arguments cimport as_carray, check_error, real_array
from softdraw._core cimport (
    SOFTDRAW_ERROR_LOGIT, SOFTDRAW_ERROR_TEMPERATURE, SOFTDRAW_ERROR_WEIGHT, SOFTDRAW_OK,
    alias_rows_build_f32, alias_rows_build_f64, alias_rows_build_u64, alias_rows_max_buckets, alias_rows_max_length,
    alias_scratch, softmax_f32, softmax_f64,
)
from softdraw._workers cimport distance_of, run_pieces, workers_in_force

cnp.import_array()

cdef enum:
    WITHOUT_GIL = 1024  # weights from which on building takes longer than releasing the GIL is worth
    ROW = 8  # a row takes about as long as so many more items
    # From so many items, with ROW for each row, on, a call takes long enough to gain from threads, which
    # share it in slabs of about SLAB of them, each of whole rows: see docs/workers.md.
    SHARED = 1 << 16
    SLAB = 1 << 13

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


# Rows in slabs, each of which one thread computes at a time.
cdef struct Slabs:
    Rows rows
    size_t size  # of a slab: items, and ROW for each row
    size_t count
    int workers

# Logits, and the weights that they become.
cdef struct Logits:
    Slabs slabs
    int typenum
    const void *logits
    const double *temperature
    size_t stride
    void *weights


cdef Slabs slabs_of(Rows rows, int workers):
    """Return slabs for as many threads as the rows are worth: one of all rows for one thread."""
    cdef size_t size = <size_t> rows.indptr[rows.count] + ROW * rows.count
    workers = workers_in_force(workers) if size >= SHARED and rows.count > 1 else 1
    if workers == 1:
        return Slabs(rows, SIZE_MAX, 1, 1)
    return Slabs(rows, SLAB, (size - 1) // SLAB + 1, workers)


cdef size_t first_row(const Slabs *slabs, size_t slab) noexcept nogil:
    """Return the first row that begins in a slab, or in one after it."""
    cdef size_t low = 0, high = slabs.rows.count, row
    while low < high:
        row = (low + high) // 2
        if <size_t> slabs.rows.indptr[row] + ROW * row < slab * slabs.size:
            low = row + 1
        else:
            high = row
    return low


cdef Rows rows_of(const Slabs *slabs, size_t slab) noexcept nogil:
    cdef size_t first = first_row(slabs, slab)
    return Rows(slabs.rows.indptr + first, first_row(slabs, slab + 1) - first)


cdef int softmax_slab(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Logits *l = <const Logits *> data
    cdef Rows rows = rows_of(&l.slabs, piece)
    cdef const double *temperature = l.temperature + (rows.indptr - l.slabs.rows.indptr) * l.stride
    if l.typenum == cnp.NPY_FLOAT64:
        return softmax_rows[double](
            <const double *> l.logits, rows, temperature, l.stride, <double *> l.weights, where
        )
    return softmax_rows[float](
        <const float *> l.logits, rows, temperature, l.stride, <float *> l.weights, where
    )


cdef cnp.ndarray weights_of(
    cnp.ndarray given, Rows rows, const double *temperature, size_t stride, int workers
):
    cdef cnp.ndarray logits = plain_floats(given)
    cdef cnp.ndarray weights = new_array(logits.shape[0], cnp.PyArray_TYPE(logits))
    cdef Logits l
    cdef size_t where = 0
    cdef int error
    check_length(logits, rows)
    l.slabs, l.typenum = slabs_of(rows, workers), cnp.PyArray_TYPE(logits)
    l.logits, l.weights = cnp.PyArray_DATA(logits), cnp.PyArray_DATA(weights)
    l.temperature, l.stride = temperature, stride
    error = run_pieces(softmax_slab, &l, l.slabs.count, l.slabs.workers, &where)
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


# Weights, and the buckets that they become: those of a slab from starts[slab] on, as many as are used.
cdef struct Weights:
    Slabs slabs
    int typenum
    const void *weights
    uint64_t *records
    uint64_t *buckets
    uint64_t *starts
    uint64_t *used
    char *scratch  # that of the next thread lies scratch_size bytes further
    size_t scratch_size


cdef int build_slab(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Weights *w = <const Weights *> data
    cdef Rows rows = rows_of(&w.slabs, piece)
    cdef uint64_t *records = w.records + (rows.indptr - w.slabs.rows.indptr)
    cdef uint64_t *scratch = <uint64_t *> (w.scratch + worker * w.scratch_size)
    cdef size_t row
    cdef int error = build_rows(
        w.typenum, w.weights, rows, records, w.buckets + w.starts[piece], scratch, where
    )
    w.used[piece] = where[0]
    for row in range(rows.count):
        records[row] += w.starts[piece] << 6
    return error


cdef size_t close_gaps(const Weights *w) noexcept nogil:
    """Let the buckets of each slab follow those before it, as rows without buckets leave gaps; return how
    many there are."""
    cdef size_t slab, row, gap, count = 0
    cdef Rows rows
    cdef uint64_t *records
    for slab in range(w.slabs.count):
        gap = w.starts[slab] - count
        if gap:
            memmove(w.buckets + count, w.buckets + w.starts[slab], w.used[slab] * sizeof(uint64_t))
            rows = rows_of(&w.slabs, slab)
            records = w.records + (rows.indptr - w.slabs.rows.indptr)
            for row in range(rows.count):
                records[row] -= gap << 6
        count += w.used[slab]
    return count


cdef cnp.ndarray build(cnp.ndarray given, Rows rows, uint64_t *records, int workers):
    cdef cnp.ndarray weights = plain_weights(given), space, buckets, places
    cdef Weights w
    cdef uint64_t[64] small  # spares small tables an allocation
    cdef uint64_t[3] places_of_one
    cdef size_t size = alias_scratch(alias_rows_max_length(rows.indptr, rows.count)), slab, where = 0
    cdef int error
    cdef Rows part
    check_length(weights, rows)
    w.slabs = slabs_of(rows, workers)
    w.scratch, w.scratch_size = <char *> small, distance_of(size)
    if size > sizeof(small) or w.slabs.workers > 1:
        space = new_array(w.scratch_size * w.slabs.workers, cnp.NPY_UINT8)
        w.scratch = <char *> cnp.PyArray_DATA(space)
    w.starts = places_of_one
    if w.slabs.count > 1:
        places = new_array(2 * w.slabs.count + 1, cnp.NPY_UINT64)
        w.starts = <uint64_t *> cnp.PyArray_DATA(places)
    w.used = w.starts + w.slabs.count + 1
    w.starts[0] = 0
    for slab in range(w.slabs.count):
        part = rows_of(&w.slabs, slab)
        w.starts[slab + 1] = w.starts[slab] + alias_rows_max_buckets(part.indptr, part.count)
    buckets = new_array(w.starts[w.slabs.count], cnp.NPY_UINT64)
    w.typenum, w.weights = cnp.PyArray_TYPE(weights), cnp.PyArray_DATA(weights)
    w.records, w.buckets = records, <uint64_t *> cnp.PyArray_DATA(buckets)
    if w.slabs.count == 1 and weights.shape[0] < WITHOUT_GIL:
        error = build_slab(&w, 0, 0, &where)
    else:
        error = run_pieces(build_slab, &w, w.slabs.count, w.slabs.workers, &where)
    if error == SOFTDRAW_ERROR_WEIGHT:
        raise_for_weight(given, where)
    check_error(error)
    size = close_gaps(&w)
    return buckets if size == <size_t> buckets.shape[0] else buckets[:size].copy()
