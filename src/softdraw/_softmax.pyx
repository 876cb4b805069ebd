# cython: cdivision=True
"""The softmax family: what it accepts and returns; the kernels are in src/core.

An everyday call, contiguous rows of floats, goes straight to a kernel (plain_case). Any other becomes
`Rows`: the kept and the reduced dimensions of all arrays involved. What no kernel can read or write
where it lies passes through a scratch block, some rows at a time: transposed if the rows are columns,
else copied by NumPy, which converts and swaps bytes too.
"""

import operator

import numpy as np

cimport numpy as cnp
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.ref cimport Py_INCREF
from libc.math cimport INFINITY, NAN
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint16_t, uintptr_t

from softdraw cimport _core
from softdraw._arguments cimport (
    is_bfloat16, is_masked, read_number, real_array, refuse_positional, result_dtype,
    temperatures_from,
)

from softdraw._arguments import hide_positional

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    # NumPy's own declaration for Cython hides that descr is taken over
    object PyArray_NewFromDescr(type subtype, cnp.dtype descr, int nd, const cnp.npy_intp *dims,
                                const cnp.npy_intp *strides, void *data, int flags, object base)
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)
    int PyArray_CopyInto(cnp.ndarray target, cnp.ndarray source) except -1

AxisError = getattr(np, "exceptions", np).AxisError

ctypedef int (*kernel_half)(const uint16_t *, ptrdiff_t, uint16_t *, ptrdiff_t, size_t, size_t,
                            const double *, ptrdiff_t) noexcept nogil
ctypedef int (*kernel_f32)(const float *, ptrdiff_t, float *, ptrdiff_t, size_t, size_t,
                           const double *, ptrdiff_t) noexcept nogil
ctypedef int (*kernel_f64)(const double *, ptrdiff_t, double *, ptrdiff_t, size_t, size_t,
                           const double *, ptrdiff_t) noexcept nogil
ctypedef int (*kernel_vjp_f32)(const float *, ptrdiff_t, const float *, ptrdiff_t, float *, ptrdiff_t,
                               size_t, size_t, const double *, ptrdiff_t) noexcept nogil
ctypedef int (*kernel_vjp_f64)(const double *, ptrdiff_t, const double *, ptrdiff_t, double *,
                               ptrdiff_t, size_t, size_t, const double *, ptrdiff_t) noexcept nogil

# One of the functions here: its kernels, NULL where it has none for a type (a half is then computed
# in float32), whether a row becomes one number, and which number an empty row becomes.
cdef struct Function:
    kernel_half f16
    kernel_half bf16
    kernel_f32 f32
    kernel_f64 f64
    kernel_vjp_f32 vjp_f32
    kernel_vjp_f64 vjp_f64
    bint reduces
    double of_nothing

cdef Function SOFTMAX = Function(_core.softmax_f16, _core.softmax_bf16, _core.softmax_f32,
                                 _core.softmax_f64, NULL, NULL, False, 0)
cdef Function LOG_SOFTMAX = Function(_core.log_softmax_f16, _core.log_softmax_bf16,
                                     _core.log_softmax_f32, _core.log_softmax_f64, NULL, NULL,
                                     False, 0)
cdef Function LOGSUMEXP = Function(_core.logsumexp_f16, _core.logsumexp_bf16, _core.logsumexp_f32,
                                   _core.logsumexp_f64, NULL, NULL, True, -INFINITY)
cdef Function ENTROPY = Function(_core.entropy_f16, _core.entropy_bf16, _core.entropy_f32,
                                 _core.entropy_f64, NULL, NULL, True, NAN)
cdef Function SOFTMAX_VJP = Function(NULL, NULL, NULL, NULL, _core.softmax_vjp_f32,
                                     _core.softmax_vjp_f64, False, 0)

cdef enum:
    # elements from which on a call takes longer than releasing the GIL is worth
    WITHOUT_GIL = 4096
    # bytes of the scratch block, which stays in a core's own cache; of columns more are taken at
    # once, for memory is read and written at half the speed in runs of less than a kilobyte
    SCRATCH = 1 << 18
    SCRATCH_OF_COLUMNS = 1 << 21
    LINE = 64  # of the cache
    # bytes of a result in columns from which on it is written past the caches
    PAST_CACHES = 1 << 23
    MOST_DIMS = 64


cdef int run(const Function *function, int type_num, const void *x, ptrdiff_t x_stride,
             const void *g, ptrdiff_t g_stride, void *out, ptrdiff_t out_stride, size_t rows,
             size_t n, const double *temperature, ptrdiff_t temperature_stride) noexcept nogil:
    """One kernel; strides are in elements, and g is for vjp only."""
    if type_num == cnp.NPY_FLOAT32:
        if function.f32 == NULL:
            return function.vjp_f32(<const float *>x, x_stride, <const float *>g, g_stride,
                                    <float *>out, out_stride, rows, n, temperature,
                                    temperature_stride)
        return function.f32(<const float *>x, x_stride, <float *>out, out_stride, rows, n,
                            temperature, temperature_stride)
    if type_num == cnp.NPY_FLOAT64:
        if function.f64 == NULL:
            return function.vjp_f64(<const double *>x, x_stride, <const double *>g, g_stride,
                                    <double *>out, out_stride, rows, n, temperature,
                                    temperature_stride)
        return function.f64(<const double *>x, x_stride, <double *>out, out_stride, rows, n,
                            temperature, temperature_stride)
    return (function.f16 if type_num == cnp.NPY_FLOAT16 else function.bf16)(
        <const uint16_t *>x, x_stride, <uint16_t *>out, out_stride, rows, n, temperature,
        temperature_stride
    )


cdef bint has_kernel(const Function *function, int type_num) noexcept:
    if type_num == cnp.NPY_FLOAT32 or type_num == cnp.NPY_FLOAT64:
        return True
    if type_num == cnp.NPY_FLOAT16:
        return function.f16 != NULL
    return is_bfloat16(type_num) and function.bf16 != NULL


# ---- the everyday call -------------------------------------------------------------------------


cdef bint is_plain(const Function *function, object x) noexcept:
    """An aligned contiguous native array of a kernel's type, that no subclass has its say about."""
    return (
        cnp.PyArray_CheckExact(x)
        and cnp.PyArray_ISCARRAY_RO(x)
        and has_kernel(function, cnp.PyArray_TYPE(x))
    )


cdef bint are_alike(cnp.ndarray a, cnp.ndarray b) noexcept:
    return cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b) and cnp.PyArray_SAMESHAPE(a, b)


cdef bint are_apart(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Two contiguous arrays share no memory."""
    cdef uintptr_t at = <uintptr_t>cnp.PyArray_DATA(a), bt = <uintptr_t>cnp.PyArray_DATA(b)
    return (at + <uintptr_t>cnp.PyArray_NBYTES(a) <= bt
            or bt + <uintptr_t>cnp.PyArray_NBYTES(b) <= at)


cdef bint can_take(cnp.ndarray out, cnp.ndarray x) noexcept:
    """out is like x, and it is x or apart from it."""
    return are_alike(out, x) and (
        cnp.PyArray_DATA(out) == cnp.PyArray_DATA(x) or are_apart(out, x)
    )


cdef cnp.ndarray new_array(int ndim, cnp.ndarray like):
    """Of the first dimensions of like, and its type."""
    cdef cnp.dtype dtype = like.descr
    Py_INCREF(dtype)
    return PyArray_NewFromDescr(cnp.ndarray, dtype, ndim, cnp.PyArray_DIMS(like), NULL, NULL, 0, None)


cdef const double *plain_temperature(object temperature, cnp.ndarray x, double *scalar,
                                     ptrdiff_t *stride) noexcept:
    """Where to read the temperatures of contiguous rows; NULL where call() must look closer."""
    cdef cnp.ndarray array
    cdef int i, ndim, x_ndim = cnp.PyArray_NDIM(x)
    stride[0] = 0
    if read_number(temperature, scalar):
        return scalar
    if not cnp.PyArray_CheckExact(temperature):
        return NULL
    array = <cnp.ndarray>temperature
    ndim = cnp.PyArray_NDIM(array)
    if (cnp.PyArray_TYPE(array) != cnp.NPY_FLOAT64 or not cnp.PyArray_ISCARRAY_RO(array)
            or ndim > x_ndim):
        return NULL
    if cnp.PyArray_SIZE(array) == 1:
        return <const double *>cnp.PyArray_DATA(array)
    if ndim < x_ndim - 1 or ndim == x_ndim and cnp.PyArray_DIM(array, ndim - 1) != 1:
        return NULL
    for i in range(x_ndim - 1):
        if cnp.PyArray_DIM(array, i) != cnp.PyArray_DIM(x, i):
            return NULL
    stride[0] = 1
    return <const double *>cnp.PyArray_DATA(array)


cdef object plain_case(const Function *function, object x, object g, object temperature, object axis,
                       object out):
    """The result for the everyday call, or None where call() must look closer."""
    cdef double scalar
    cdef const double *t
    cdef ptrdiff_t t_stride, out_stride
    cdef int error, ndim
    cdef size_t n, rows
    cdef cnp.ndarray array, result = None
    cdef double number  # room for the result, if it is one
    if not is_plain(function, x) or not PyLong_CheckExact(axis):
        return None
    array = <cnp.ndarray>x
    ndim = cnp.PyArray_NDIM(array)
    if ndim == 0 or (axis != -1 and axis != ndim - 1):
        return None
    t = plain_temperature(temperature, array, &scalar, &t_stride)
    if t == NULL or cnp.PyArray_SIZE(array) == 0:
        return None
    if g is not None and not (is_plain(function, g) and are_alike(array, <cnp.ndarray>g)):
        return None
    if function.reduces:
        if ndim > 1:
            result = new_array(ndim - 1, array)
    elif out is None:
        result = new_array(ndim, array)
    elif cnp.PyArray_CheckExact(out) and cnp.PyArray_ISCARRAY(out):
        result = <cnp.ndarray>out
        if not can_take(result, array) or g is not None and not can_take(result, <cnp.ndarray>g):
            return None
        if t != &scalar and not are_apart(result, <cnp.ndarray>temperature):
            return None
    else:
        return None
    n = <size_t>cnp.PyArray_DIM(array, ndim - 1)
    rows = <size_t>cnp.PyArray_SIZE(array) // n
    out_stride = 1 if function.reduces else <ptrdiff_t>n
    cdef int type_num = cnp.PyArray_TYPE(array)
    cdef const void *source = cnp.PyArray_DATA(array)
    cdef const void *other = NULL if g is None else cnp.PyArray_DATA(<cnp.ndarray>g)
    cdef void *target = &number if result is None else cnp.PyArray_DATA(result)
    if rows * n < WITHOUT_GIL:
        error = run(function, type_num, source, <ptrdiff_t>n, other, <ptrdiff_t>n, target,
                    out_stride, rows, n, t, t_stride)
    else:
        with nogil:
            error = run(function, type_num, source, <ptrdiff_t>n, other, <ptrdiff_t>n, target,
                        out_stride, rows, n, t, t_stride)
    if error:
        return None  # a temperature is out of range, nothing is written, and call() says which
    return PyArray_Scalar(&number, array.descr, None) if result is None else result


# ---- rows of any arrays ------------------------------------------------------------------------

# The arrays involved, as indices: g for vjp only, and the temperatures, of kept dimensions alone.
cdef enum:
    X
    G
    OUT
    T
    ARRAYS

# How kernels reach the rows of an array: where they lie, or through the scratch block.
cdef enum:
    DIRECT
    TRANSPOSED
    COPIED

cdef struct Dim:
    ptrdiff_t length
    ptrdiff_t stride[ARRAYS]  # in bytes

cdef struct Rows:
    const Function *function
    int type_num  # of the kernels
    ptrdiff_t itemsize
    char *data[ARRAYS]
    int how[ARRAYS]
    int kept_ndim
    int reduced_ndim
    Dim kept[MOST_DIMS]
    Dim reduced[MOST_DIMS]
    ptrdiff_t n
    # A box is what passes through scratch at once: some indices of kept[split], and all of the
    # dimensions after it; its rows are pitch bytes apart there.
    int split
    ptrdiff_t step
    ptrdiff_t lead  # by how much the first step is shorter, so that the others begin with a line
    ptrdiff_t pitch
    bint past_caches
    char *scratch[ARRAYS]

# Where a box begins, and how many indices of kept[split] it has.
cdef struct Box:
    ptrdiff_t index[MOST_DIMS]
    ptrdiff_t offset[ARRAYS]
    ptrdiff_t length


cdef void add_array(Rows *rows, int which, cnp.ndarray array, const bint *is_reduced,
                    int ndim) noexcept:
    """The strides of an array that has as many dimensions as x, ndim, or lacks the reduced ones, and
    maybe some of the first."""
    cdef int i, at, kept = 0, reduced = 0, array_ndim = cnp.PyArray_NDIM(array)
    cdef ptrdiff_t stride
    rows.data[which] = <char *>cnp.PyArray_DATA(array)
    for i in range(ndim):
        at = i if array_ndim == ndim else -1 if is_reduced[i] else kept - rows.kept_ndim + array_ndim
        stride = 0
        if at >= 0 and cnp.PyArray_DIM(array, at) != 1:
            stride = cnp.PyArray_STRIDE(array, at)
        if is_reduced[i]:
            rows.reduced[reduced].stride[which] = stride
            reduced += 1
        else:
            rows.kept[kept].stride[which] = stride
            kept += 1


cdef int merged(Dim *dims, int ndim) noexcept nogil:
    """The same dimensions in as few as possible, in all arrays; how many are left, at least one."""
    cdef int i, which, left = 0
    cdef bint follows
    for i in range(ndim):
        if dims[i].length == 1:
            continue
        follows = left > 0
        for which in range(ARRAYS):
            if follows:
                follows = (dims[left - 1].stride[which]
                           == dims[i].stride[which] * dims[i].length)
        if follows:
            dims[left - 1].length *= dims[i].length
            dims[left - 1].stride = dims[i].stride
        else:
            dims[left] = dims[i]
            left += 1
    if left == 0:
        dims[0].length = 1
        for which in range(ARRAYS):
            dims[0].stride[which] = 0
    return left if left else 1


cdef void simplify(Rows *rows) noexcept nogil:
    """Kept dimensions by falling stride of x, because the order of rows is free, that of elements
    is not; then as few as possible."""
    cdef int i, k
    cdef Dim moved
    for i in range(1, rows.kept_ndim):
        moved = rows.kept[i]
        k = i
        while k > 0 and size_of(rows.kept[k - 1].stride[X]) < size_of(moved.stride[X]):
            rows.kept[k] = rows.kept[k - 1]
            k -= 1
        rows.kept[k] = moved
    rows.kept_ndim = merged(rows.kept, rows.kept_ndim)
    rows.reduced_ndim = merged(rows.reduced, rows.reduced_ndim)
    rows.n = 1
    for i in range(rows.reduced_ndim):
        rows.n *= rows.reduced[i].length


cdef inline ptrdiff_t size_of(ptrdiff_t stride) noexcept nogil:
    return -stride if stride < 0 else stride


cdef int way(const Rows *rows, int which, cnp.ndarray array) noexcept:
    """How kernels can reach the rows of an array."""
    cdef int i, last = rows.kept_ndim - 1
    if cnp.PyArray_TYPE(array) != rows.type_num or not cnp.PyArray_ISBEHAVED_RO(array):
        return COPIED
    for i in range(rows.kept_ndim):
        if rows.kept[i].stride[which] % rows.itemsize:
            return COPIED
    if which == OUT and rows.function.reduces:
        return DIRECT
    if rows.reduced_ndim > 1:
        return COPIED
    if rows.n == 1 or rows.reduced[0].stride[which] == rows.itemsize:
        return DIRECT
    if (rows.kept[last].stride[which] == rows.itemsize
            and rows.reduced[0].stride[which] % rows.itemsize == 0):
        return TRANSPOSED
    return COPIED


cdef ptrdiff_t choose_boxes(Rows *rows) noexcept:
    """Sets how the rows are cut into boxes; the number of rows that one has at most."""
    cdef int which
    cdef bint direct = True, columns = False
    cdef const Dim *row = &rows.kept[rows.kept_ndim - 1]
    cdef const Dim *element = &rows.reduced[rows.reduced_ndim - 1]
    cdef ptrdiff_t inner = 1, budget, line = LINE // rows.itemsize
    for which in range(T):
        if rows.how[which] != DIRECT:
            direct = False
            columns |= size_of(row.stride[which]) < size_of(element.stride[which])
    # an odd number of lines, so that rows do not compete for the same places of the cache
    rows.pitch = (((rows.n - 1) // line + 1) | 1) * LINE
    rows.lead = 0
    if direct:
        rows.split, rows.step = 0, rows.kept[0].length
        return 0
    budget = max((SCRATCH_OF_COLUMNS if columns else SCRATCH) // rows.pitch, 1)
    rows.split = rows.kept_ndim - 1
    while rows.split > 0 and inner * rows.kept[rows.split].length <= budget:
        inner *= rows.kept[rows.split].length
        rows.split -= 1
    rows.step = max(budget // inner, 1)
    if columns and rows.split == rows.kept_ndim - 1:
        rows.step = max(rows.step // line, 1) * line
        if rows.step < row.length:
            rows.lead = <ptrdiff_t>(<uintptr_t>rows.data[OUT] % LINE) // rows.itemsize
    rows.step = min(rows.step, rows.kept[rows.split].length)
    return rows.step * inner


cdef void first_box(const Rows *rows, Box *box) noexcept nogil:
    cdef int i
    for i in range(rows.split + 1):
        box.index[i] = 0
    for i in range(ARRAYS):
        box.offset[i] = 0
    box.length = box_length(rows, box)


cdef ptrdiff_t box_length(const Rows *rows, const Box *box) noexcept nogil:
    cdef ptrdiff_t begun = box.index[rows.split]
    return min(rows.step if begun else rows.step - rows.lead, rows.kept[rows.split].length - begun)


cdef bint next_box(const Rows *rows, Box *box) noexcept nogil:
    cdef int i = rows.split, which
    cdef ptrdiff_t step = box.length
    while i >= 0:
        box.index[i] += step
        for which in range(ARRAYS):
            box.offset[which] += step * rows.kept[i].stride[which]
        if box.index[i] < rows.kept[i].length:
            break
        for which in range(ARRAYS):
            box.offset[which] -= box.index[i] * rows.kept[i].stride[which]
        box.index[i] = 0
        step = 1
        i -= 1
    box.length = box_length(rows, box)
    return i >= 0


cdef ptrdiff_t line_of(const Rows *rows, const Box *box, ptrdiff_t line, ptrdiff_t *offset) noexcept nogil:
    """Where a line of a box, its rows along the last kept dimension, begins in each array; how many
    rows it has, or 0 past the last line."""
    cdef int i, which, last = rows.kept_ndim - 1
    cdef ptrdiff_t length, index
    for which in range(ARRAYS):
        offset[which] = box.offset[which]
    for i in range(last - 1, rows.split - 1, -1):
        length = box.length if i == rows.split else rows.kept[i].length
        index, line = line % length, line // length
        for which in range(ARRAYS):
            offset[which] += index * rows.kept[i].stride[which]
    if line:
        return 0
    return box.length if last == rows.split else rows.kept[last].length


cdef void compute_box(const Rows *rows, const Box *box) noexcept nogil:
    """Everything but what NumPy copies."""
    cdef const Dim *last = &rows.kept[rows.kept_ndim - 1]
    cdef ptrdiff_t line = 0, done = 0, length, n = rows.n
    cdef ptrdiff_t offset[ARRAYS]
    cdef ptrdiff_t stride[ARRAYS]
    cdef char *at[ARRAYS]
    cdef int which
    while True:
        length = line_of(rows, box, line, offset)
        if length == 0:
            break
        for which in range(T):
            if rows.how[which] == DIRECT:
                at[which] = rows.data[which] + offset[which]
                stride[which] = last.stride[which] // rows.itemsize
            elif which == OUT and rows.function.reduces:
                at[which] = rows.scratch[which] + done * rows.itemsize
                stride[which] = 1
            else:
                at[which] = rows.scratch[which] + done * rows.pitch
                stride[which] = rows.pitch // rows.itemsize
            if rows.how[which] == TRANSPOSED and which != OUT:
                _core.transpose(rows.itemsize, rows.data[which] + offset[which],
                                rows.reduced[0].stride[which], at[which], rows.pitch, n, length, False)
        run(rows.function, rows.type_num, at[X], stride[X], at[G], stride[G], at[OUT], stride[OUT],
            length, n, <const double *>(rows.data[T] + offset[T]), last.stride[T] // 8)
        if rows.how[OUT] == TRANSPOSED:
            _core.transpose(rows.itemsize, at[OUT], rows.pitch, rows.data[OUT] + offset[OUT],
                            rows.reduced[0].stride[OUT], length, n, rows.past_caches)
        line += 1
        done += length


cdef void compute_boxes(const Rows *rows) noexcept nogil:
    cdef Box box
    first_box(rows, &box)
    compute_box(rows, &box)
    while next_box(rows, &box):
        compute_box(rows, &box)


cdef cnp.ndarray view(const Rows *rows, const Box *box, int which, cnp.dtype dtype, bint in_scratch):
    """A box of an array, or of what stands for it in scratch."""
    cdef cnp.npy_intp dims[2 * MOST_DIMS]
    cdef cnp.npy_intp strides[2 * MOST_DIMS]
    cdef bint one_each = which == OUT and rows.function.reduces
    cdef ptrdiff_t stride = rows.itemsize
    cdef int i, at, kept = rows.kept_ndim - rows.split
    cdef int ndim = kept + (0 if one_each else rows.reduced_ndim)
    cdef Dim dim
    for at in range(ndim - 1, -1, -1):
        i = at + rows.split
        if at == kept - 1 and not one_each:
            stride = rows.pitch
        dim = rows.kept[i] if at < kept else rows.reduced[at - kept]
        dims[at] = box.length if at == 0 else dim.length
        strides[at] = stride if in_scratch else dim.stride[which]
        stride *= dims[at]
    Py_INCREF(dtype)
    return PyArray_NewFromDescr(
        cnp.ndarray, dtype, ndim, dims, strides,
        rows.scratch[which] if in_scratch else rows.data[which] + box.offset[which],
        cnp.NPY_ARRAY_WRITEABLE, None,
    )


cdef object rounded_to(object half, object result):
    """float32 in one of the halves; what becomes -0 there becomes +0."""
    rounded = result.astype(half)
    bits = rounded.view(np.int16)
    np.multiply(bits, bits != -0x8000, out=bits)
    return rounded


cdef int compute_copying(const Rows *rows, cnp.ndarray x, cnp.ndarray g,
                         cnp.ndarray out) except -1:
    cdef cnp.dtype computed = cnp.PyArray_DescrFromType(rows.type_num)
    cdef Box box
    first_box(rows, &box)
    while True:
        if rows.how[X] == COPIED:
            PyArray_CopyInto(view(rows, &box, X, computed, True),
                             view(rows, &box, X, x.descr, False))
        if rows.how[G] == COPIED:
            PyArray_CopyInto(view(rows, &box, G, computed, True),
                             view(rows, &box, G, g.descr, False))
        with nogil:
            compute_box(rows, &box)
        if rows.how[OUT] == COPIED:
            done = view(rows, &box, OUT, computed, True)
            if cnp.PyArray_TYPE(out) != rows.type_num:
                done = rounded_to(out.descr, done)
            PyArray_CopyInto(view(rows, &box, OUT, out.descr, False), done)
        if not next_box(rows, &box):
            return 0


cdef bint is_other_float(const Rows *rows, cnp.ndarray array) noexcept:
    return (
        array is not None
        and cnp.PyArray_TYPE(array) != rows.type_num
        and cnp.PyArray_TYPE(array) > cnp.NPY_ULONGLONG
    )


cdef int compute(Rows *rows, cnp.ndarray x, cnp.ndarray g, cnp.ndarray out) except -1:
    """All rows, from arrays that are checked already and do not overlap but where they are one."""
    cdef char *memory = NULL
    cdef ptrdiff_t block, size
    simplify(rows)
    rows.how[X] = way(rows, X, x)
    rows.how[G] = DIRECT if g is None else way(rows, G, g)
    rows.how[OUT] = way(rows, OUT, out)
    rows.past_caches = cnp.PyArray_NBYTES(out) >= PAST_CACHES
    cdef ptrdiff_t most = choose_boxes(rows)
    if most > 0:
        block = most * rows.pitch
        memory = <char *>PyMem_RawMalloc(<size_t>(block * (1 if g is None else 2) + LINE))
        if memory == NULL:
            raise MemoryError(f"no {block:,} bytes of scratch for rows of {rows.n:,} elements")
        rows.scratch[X] = memory + (LINE - <uintptr_t>memory % LINE) % LINE
        rows.scratch[G] = rows.scratch[X] + block
        rows.scratch[OUT] = rows.scratch[X]
    try:
        if rows.how[X] == COPIED or rows.how[G] == COPIED or rows.how[OUT] == COPIED:
            if is_other_float(rows, x) or is_other_float(rows, g) or is_other_float(rows, out):
                # what a half has no room for becomes infinite or 0, whatever the caller has NumPy do
                with np.errstate(all="ignore"):
                    compute_copying(rows, x, g, out)
            else:
                compute_copying(rows, x, g, out)
        elif cnp.PyArray_SIZE(x) < WITHOUT_GIL:
            compute_boxes(rows)
        else:
            with nogil:
                compute_boxes(rows)
    finally:
        PyMem_RawFree(memory)
    return 0


cdef void extent(cnp.ndarray array, uintptr_t *low, uintptr_t *high) noexcept:
    """The memory that an array with elements lies in, from low to before high."""
    cdef int i
    cdef ptrdiff_t reach
    low[0] = <uintptr_t>cnp.PyArray_DATA(array)
    high[0] = low[0] + <uintptr_t>cnp.PyArray_ITEMSIZE(array)
    for i in range(cnp.PyArray_NDIM(array)):
        reach = (cnp.PyArray_DIM(array, i) - 1) * cnp.PyArray_STRIDE(array, i)
        if reach < 0:
            low[0] -= <uintptr_t>-reach
        else:
            high[0] += <uintptr_t>reach


cdef bint may_overlap(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef uintptr_t a_low, a_high, b_low, b_high
    extent(a, &a_low, &a_high)
    extent(b, &b_low, &b_high)
    return a_low < b_high and b_low < a_high


cdef bint is_same_memory(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Each element of a is the element of b at the same index."""
    cdef int i
    if cnp.PyArray_DATA(a) != cnp.PyArray_DATA(b) or not are_alike(a, b):
        return False
    for i in range(cnp.PyArray_NDIM(a)):
        if (cnp.PyArray_DIM(a, i) > 1
                and cnp.PyArray_STRIDE(a, i) != cnp.PyArray_STRIDE(b, i)):
            return False
    return True


cdef object call(const Function *function, object x_given, object g_given, object temperature,
                 object axis, object out, bint keepdims, str name="x"):
    """Any input, by that name, checked before anything is written."""
    cdef bint is_vjp = function.vjp_f64 != NULL
    cdef cnp.ndarray x = real_array(x_given, name)
    cdef cnp.ndarray g = real_array(g_given, "g") if is_vjp else None
    cdef cnp.ndarray result, temperatures
    cdef cnp.dtype dtype = x.descr
    cdef int i, ndim = cnp.PyArray_NDIM(x), result_ndim = 0
    cdef bint is_reduced[MOST_DIMS]
    cdef cnp.npy_intp shape[MOST_DIMS]
    cdef Dim *dim
    cdef Rows rows
    if is_vjp:
        if not cnp.PyArray_SAMESHAPE(x, g):
            raise ValueError(
                f"p and g must have the same shape, got {(<object>x).shape} and {(<object>g).shape}"
            )
        dtype = np.promote_types(dtype, g.descr)
    dtype = result_dtype(dtype)
    reduced_axes(axis, ndim, is_reduced)
    temperatures = temperatures_from(temperature, not is_vjp)

    rows.function = function
    rows.type_num = dtype.type_num if has_kernel(function, dtype.type_num) else cnp.NPY_FLOAT32
    rows.itemsize = <ptrdiff_t>cnp.PyArray_DescrFromType(rows.type_num).itemsize
    rows.kept_ndim = rows.reduced_ndim = 0
    rows.data[G] = NULL
    for i in range(ndim):
        if is_reduced[i]:
            dim = &rows.reduced[rows.reduced_ndim]
            rows.reduced_ndim += 1
        else:
            dim = &rows.kept[rows.kept_ndim]
            rows.kept_ndim += 1
        dim.length = cnp.PyArray_DIM(x, i)
        dim.stride[G] = 0
        if not is_reduced[i] or keepdims or not function.reduces:
            shape[result_ndim] = 1 if is_reduced[i] and function.reduces else dim.length
            result_ndim += 1
    check_shape(&rows, temperatures, is_reduced, ndim)
    if out is None:
        result = cnp.PyArray_EMPTY(result_ndim, shape, dtype.type_num, 0)
    else:
        check_out(out, dtype, x)
        result = <cnp.ndarray>out
        if may_overlap(result, temperatures):
            temperatures = temperatures.copy()
        if clashes(result, x) or is_vjp and clashes(result, g):
            result = cnp.PyArray_EMPTY(result_ndim, shape, dtype.type_num, 0)

    if cnp.PyArray_SIZE(x) > 0:
        add_array(&rows, X, x, is_reduced, ndim)
        if is_vjp:
            add_array(&rows, G, g, is_reduced, ndim)
        add_array(&rows, OUT, result, is_reduced, ndim)
        add_array(&rows, T, temperatures, is_reduced, ndim)
        compute(&rows, x, g, result)
    elif function.reduces:
        result.fill(function.of_nothing)
    if out is not None:
        if out is not result:
            PyArray_CopyInto(<cnp.ndarray>out, result)
        return out
    # a reduction over everything gives a scalar
    return result[()] if result_ndim == 0 and function.reduces else result


cdef bint clashes(cnp.ndarray out, cnp.ndarray x) noexcept:
    """Writing to out may change elements of x that are still to be read."""
    return may_overlap(out, x) and not is_same_memory(out, x)


# ---- arguments ---------------------------------------------------------------------------------


cdef int reduced_axes(object axis, int ndim, bint *is_reduced) except -1:
    """Marks the reduced axes. A 0-d array has one axis to reduce, as NumPy's reductions have it,
    which here is none."""
    cdef int i
    for i in range(max(ndim, 1)):
        is_reduced[i] = axis is None
    if axis is None:
        return 0
    for one in axis if isinstance(axis, tuple) else (axis,):
        index = operator.index(one)
        if not -max(ndim, 1) <= index < max(ndim, 1):
            raise AxisError(index, ndim)
        i = index % max(ndim, 1)
        if is_reduced[i]:
            raise ValueError("duplicate value in 'axis'")
        is_reduced[i] = True
    return 0


cdef int check_shape(const Rows *rows, cnp.ndarray temperatures, const bint *is_reduced,
                     int ndim) except -1:
    """Raises where the temperatures broadcast to neither form of one a row."""
    cdef int i, t_ndim = cnp.PyArray_NDIM(temperatures), kept = rows.kept_ndim, reduced = 0
    cdef bint fits = t_ndim <= kept or t_ndim == ndim
    cdef ptrdiff_t length
    for i in range(t_ndim):
        if not fits:
            break
        if t_ndim == ndim:
            reduced += is_reduced[i]
            length = 1 if is_reduced[i] else rows.kept[i - reduced].length
        else:
            length = rows.kept[kept - t_ndim + i].length
        fits = cnp.PyArray_DIM(temperatures, i) in (1, length)
    if fits:
        return 0
    lengths = [rows.kept[i].length for i in range(kept)]
    remaining = iter(lengths)
    keepdims_shape = tuple(1 if is_reduced[i] else next(remaining) for i in range(ndim))
    raise ValueError(
        f"temperature of shape {(<object>temperatures).shape} fits neither {keepdims_shape} "
        f"nor {tuple(lengths)}"
    )


cdef int check_out(object out, object dtype, object like) except -1:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    if is_masked(out):
        raise TypeError("out must be a plain array, got a masked array")
    if out.dtype != dtype:
        raise ValueError(f"out must have dtype {dtype}, got {out.dtype}")
    if out.shape != like.shape:
        raise ValueError(f"out must have shape {like.shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    return 0


@hide_positional
def softmax(x, /, *refused, temperature=1.0, axis=-1, out=None):
    """Probabilities ``exp(x / temperature) / sum(exp(x / temperature))``.

    Right to 1 ULP (float32) or 2 ULP (float64) in every element, at any temperature, offset and
    length, and the same bits on every machine.

    Parameters
    ----------
    x : array_like
        Real numbers (logits). float32 and float64 are computed in their own type, float16 and
        bfloat16 in float32, integers and booleans as float64.
    temperature : float or array_like, optional
        Not negative. Small values sharpen the distribution and large ones flatten it; 0 gives the
        limit, wherein tied maxima share the mass equally, and infinity equal shares. An array with
        as many dimensions as `x` has length 1 on each reduced axis; any other broadcasts to the
        shape of `x` without the reduced axes.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of the result's shape and dtype. It may be `x` itself.

    Returns
    -------
    ndarray
        The shape of `x`, and its dtype if that is a float, else float64. A row that contains NaN,
        +inf or nothing but -inf is NaN throughout; otherwise -inf has probability 0.

    Raises
    ------
    TypeError
        If `x` or `temperature` are not real numbers, are masked, or `x` is longdouble.
    ValueError
        If a temperature is negative or NaN or of a shape that does not fit, if `axis` is out of
        range (AxisError) or names an axis twice, or if `out` has another shape or dtype than the
        result or is read-only. Nothing is written then.

    Examples
    --------
    >>> import softdraw
    >>> softdraw.softmax([1.0, 2.0])
    array([0.26894142, 0.73105858])
    >>> softdraw.softmax([1.0, 2.0], temperature=5)
    array([0.450166, 0.549834])
    >>> softdraw.softmax([1000.0, 1001.0], temperature=0)
    array([0., 1.])

    One temperature for each row:

    >>> softdraw.softmax([[1.0, 2.0], [1.0, 2.0]], temperature=[1, 2])
    array([[0.26894142, 0.73105858],
           [0.37754067, 0.62245933]])
    """
    if refused:
        refuse_positional("softmax(x)", refused, ("axis", "temperature"))
    result = plain_case(&SOFTMAX, x, None, temperature, axis, out)
    if result is None:
        return call(&SOFTMAX, x, None, temperature, axis, out, False)
    return result


@hide_positional
def log_softmax(x, /, *refused, temperature=1.0, axis=-1, out=None):
    """Natural logarithm of :func:`softmax`, right to 1.5 ULP (float32) or 3 ULP (float64).

    That holds beside a dominant entry too, whose log-probability is almost 0.

    Parameters
    ----------
    x : array_like
        Real numbers (logits), as for :func:`softmax`.
    temperature : float or array_like, optional
        As for :func:`softmax`.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of the result's shape and dtype. It may be `x` itself.

    Returns
    -------
    ndarray
        The shape of `x`, and its dtype if that is a float, else float64; -inf where the probability
        is 0. A row that contains NaN, +inf or nothing but -inf is NaN throughout.

    Raises
    ------
    TypeError, ValueError
        As for :func:`softmax`.

    Examples
    --------
    >>> import numpy as np
    >>> import softdraw
    >>> softdraw.log_softmax([1.0, 2.0])
    array([-1.31326169, -0.31326169])
    >>> softdraw.log_softmax(np.float32([100, 0]))
    array([-3.8e-44, -1.0e+02], dtype=float32)
    """
    if refused:
        refuse_positional("log_softmax(x)", refused, ("axis", "temperature"))
    result = plain_case(&LOG_SOFTMAX, x, None, temperature, axis, out)
    if result is None:
        return call(&LOG_SOFTMAX, x, None, temperature, axis, out, False)
    return result


@hide_positional
def logsumexp(x, /, *refused, temperature=1.0, axis=-1, keepdims=False):
    """Logarithm of a sum of exponentials, ``log(sum(exp(x / temperature)))``.

    Off by at most 2 ULP of the larger of ``|max(x) / temperature|`` and the logarithm of the sum
    relative to the maximum.

    Parameters
    ----------
    x : array_like
        Real numbers, as for :func:`softmax`.
    temperature : float or array_like, optional
        As for :func:`softmax`. At 0 the limit is -inf, the logarithm of the number of tied maxima,
        or +inf, as the maximum is negative, 0 or positive.
    axis : int, tuple of int or None, optional
        The axis or axes to sum over; None for all.
    keepdims : bool, optional
        Whether the reduced axes stay, with length 1.

    Returns
    -------
    ndarray or NumPy scalar
        The shape of `x` without the reduced axes; a scalar if none is left. The dtype is that of
        `x` if it is a float, else float64. A row that contains NaN gives NaN, otherwise one that
        contains +inf gives +inf; one of -inf alone, and an empty one, give -inf.

    Raises
    ------
    TypeError, ValueError
        As for :func:`softmax`.

    Examples
    --------
    >>> import softdraw
    >>> float(softdraw.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    >>> softdraw.logsumexp([[0.0, 0.0], [1.0, 2.0]], keepdims=True)
    array([[0.69314718],
           [2.31326169]])
    """
    if refused:
        refuse_positional("logsumexp(x)", refused, ("axis", "temperature"))
    if not keepdims:
        result = plain_case(&LOGSUMEXP, x, None, temperature, axis, None)
        if result is not None:
            return result
    return call(&LOGSUMEXP, x, None, temperature, axis, None, keepdims)


@hide_positional
def entropy(logits, /, *refused, temperature=1.0, axis=-1):
    """Shannon entropy of :func:`softmax` in nats: ``-sum(p * log(p))``, p = softmax(logits / T).

    Right to 1.5 ULP (float32) or 4 ULP (float64), also beside a dominant entry, where it is almost
    0: all it sums is positive, so that nothing cancels. For bits, divide by ``log(2)``.

    Parameters
    ----------
    logits : array_like
        Real numbers, as for :func:`softmax`.
    temperature : float or array_like, optional
        As for :func:`softmax`. At 0 the limit is the logarithm of the number of tied maxima, at
        infinity that of the number of entries that are not -inf.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.

    Returns
    -------
    ndarray or NumPy scalar
        The shape of `logits` without the reduced axes; a scalar if none is left. The dtype is that
        of `logits` if it is a float, else float64. A row that contains NaN, +inf or nothing but
        -inf gives NaN, and so does an empty one: there is no distribution.

    Raises
    ------
    TypeError, ValueError
        As for :func:`softmax`.

    See Also
    --------
    temperature_for : The temperature that gives an entropy.

    Examples
    --------
    >>> import softdraw
    >>> float(softdraw.entropy([0.0, 0.0]))
    0.6931471805599453
    >>> softdraw.entropy([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]], temperature=[0.5, 2])
    array([0.10692083, 0.90595926])
    >>> float(softdraw.entropy([0.0, 100.0]))
    3.757276735781045e-42
    """
    if refused:
        refuse_positional("entropy(logits)", refused, ("axis", "temperature"))
    result = plain_case(&ENTROPY, logits, None, temperature, axis, None)
    if result is not None:
        return result
    return call(&ENTROPY, logits, None, temperature, axis, None, False, "logits")


@hide_positional
def softmax_vjp(p, g, /, *refused, temperature=1.0, axis=-1, out=None):
    """Gradient of a loss through :func:`softmax`: ``p * (g - sum(p * g)) / temperature``.

    The vector-Jacobian product: with ``p = softmax(x, temperature=temperature)`` and `g` a loss's gradient by
    `p`, the result is its gradient by `x`. Sums are kept in more than the precision of the result,
    which is right to 1 ULP unless its two terms cancel to less than 1/256 of
    ``p * sum(abs(p * g)) / temperature``, and then to 1 ULP of that; for rows of at most 2**24, and
    gradients less than 2**900 times apart.

    Parameters
    ----------
    p : array_like
        Probabilities, as :func:`softmax` gives them.
    g : array_like
        Real numbers, of the shape of `p`. The two are promoted as NumPy does; float16 and bfloat16
        are then computed in float32, integers and booleans as float64.
    temperature : float or array_like, optional
        Above 0, at infinity the gradient of finite numbers is 0. As for :func:`softmax` otherwise.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of the result's shape and dtype. It may be `p` or `g` itself.

    Returns
    -------
    ndarray
        The shape of `p` and `g`. A row that contains NaN or an infinity, in either, is NaN
        throughout, at any temperature.

    Raises
    ------
    TypeError
        If `p`, `g` or `temperature` are not real numbers, are masked, or are longdouble.
    ValueError
        If the shapes of `p` and `g` differ, if a temperature is 0, negative, NaN or of a shape that
        does not fit, and for `axis` and `out` as :func:`softmax`. Nothing is written then.

    Examples
    --------
    >>> import softdraw
    >>> p = softdraw.softmax([1.0, 2.0, 3.0], temperature=0.5)
    >>> softdraw.softmax_vjp(p, [0.0, 0.0, 1.0], temperature=0.5).round(4)
    array([-0.0275, -0.2034,  0.2309])
    """
    if refused:
        refuse_positional("softmax_vjp(p, g)", refused, ("axis", "temperature"))
    result = plain_case(&SOFTMAX_VJP, p, g, temperature, axis, out)
    if result is None:
        return call(&SOFTMAX_VJP, p, g, temperature, axis, out, False, "p")
    return result
