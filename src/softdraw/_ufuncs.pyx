# cython: cdivision=True
"""The softmax family as NumPy generalized ufuncs, so that NumPy broadcasts, aligns, finds the axis and
copies what overlaps. Their declarations are in _ufuncs.pxd; the kernels are in src/core."""

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_SetNone
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uintptr_t

from softdraw cimport _core
from softdraw._core cimport SOFTDRAW_OK
from softdraw._lock cimport Lock
from softdraw._workers cimport LINE, run_pieces

cnp.import_array()
cnp.import_ufunc()

cdef extern from "numpy/ufuncobject.h":
    ctypedef void (*ufunc_loop "PyUFuncGenericFunction")(
        char **args, const cnp.npy_intp *dims, const cnp.npy_intp *steps, void *data) noexcept nogil
    object PyUFunc_FromFuncAndDataAndSignature(
        ufunc_loop *loops, void **data, char *types, int ntypes, int nin, int nout, int identity,
        const char *name, const char *doc, int unused, const char *signature)
    ctypedef struct PyArray_Descr:
        pass
    int PyUFunc_RegisterLoopForDescr(cnp.ufunc ufunc, cnp.dtype user, ufunc_loop loop,
                                     PyArray_Descr **arg_dtypes, void *data) except -1
    int PyUFunc_None

cdef extern from "fenv.h" nogil:
    int feclearexcept(int flags)
    int fetestexcept(int flags)
    int FE_DIVBYZERO, FE_INVALID, FE_OVERFLOW, FE_UNDERFLOW

cdef enum:
    # Bytes of the scratch block. It is larger than a cache of one core, because runs of less than a
    # kilobyte are read from memory and written to it at half the speed.
    SCRATCH = 1 << 21
    # From this many bytes of a result in columns on, it is written past the caches.
    PAST_CACHES = 1 << 23

SOFTMAX = Function(_core.softmax_f16, _core.softmax_bf16, _core.softmax_f32, _core.softmax_f64, NULL,
                   NULL, False)
LOG_SOFTMAX = Function(_core.log_softmax_f16, _core.log_softmax_bf16, _core.log_softmax_f32,
                       _core.log_softmax_f64, NULL, NULL, False)
LOGSUMEXP = Function(_core.logsumexp_f16, _core.logsumexp_bf16, _core.logsumexp_f32,
                     _core.logsumexp_f64, NULL, NULL, True)
ENTROPY = Function(_core.entropy_f16, _core.entropy_bf16, _core.entropy_f32, _core.entropy_f64, NULL,
                   NULL, True)
SOFTMAX_VJP = Function(NULL, NULL, NULL, NULL, _core.softmax_vjp_f32, _core.softmax_vjp_f64, False)


cdef inline int inputs_of(const Function *function) noexcept nogil:
    return 2 if function.vjp_f64 != NULL else 1


# ---- the loop of all ufuncs ---------------------------------------------------------------------

# What a loop of a ufunc is given as its data.
cdef struct Loop:
    const Function *function
    int type_num

# An operand in a loop: rows lie row bytes apart, their elements item bytes.
cdef struct Operand:
    char *data
    ptrdiff_t row
    ptrdiff_t item
    bint direct  # a kernel can take it as it lies
    char *scratch


cdef void raise_memory_error() noexcept with gil:
    PyErr_SetNone(MemoryError)


cdef void copy_rows(ptrdiff_t size, const char *x, ptrdiff_t x_row, ptrdiff_t x_item, char *out,
                    ptrdiff_t out_row, ptrdiff_t out_item, ptrdiff_t rows, ptrdiff_t n,
                    bint past_caches) noexcept nogil:
    """Copy rows of n elements; the elements of one side are contiguous."""
    cdef ptrdiff_t r
    if out_item == size and x_row == size:  # the rows of x are columns
        _core.transpose(size, x, x_item, out, out_row, n, rows, False)
    elif out_row == size and x_item == size:
        _core.transpose(size, x, x_row, out, out_item, rows, n, past_caches)
    else:
        for r in range(rows):
            if out_item == size:
                _core.transpose(size, x + r * x_row, x_item, out + r * out_row, size, n, 1, False)
            else:
                _core.transpose(size, x + r * x_row, size, out + r * out_row, out_item, 1, n, False)


cdef inline ptrdiff_t pitch_of(ptrdiff_t size, ptrdiff_t n) noexcept nogil:
    """Return how far apart rows lie in scratch: an odd number of cache lines, so that they do not compete for
    the same places of the cache."""
    return (((n * size - 1) // LINE + 1) | 1) * LINE


cdef bint loop_over_rows(char **args, const cnp.npy_intp *dims, const cnp.npy_intp *steps,
                         const Loop *loop, char *scratch, bint past_caches) noexcept nogil:
    """Compute rows. What a kernel cannot take as it lies passes through scratch, some rows at a time. Return
    False, and compute nothing, if there is no memory for scratch; it may be given."""
    cdef const Function *f = loop.function
    cdef int type_num = loop.type_num, inputs = inputs_of(f), k
    cdef ptrdiff_t size = size_of_item(type_num)
    cdef ptrdiff_t rows = dims[0], n = dims[1], step = rows, pitch = 0, i = 0
    cdef const cnp.npy_intp *items = steps + inputs + 2
    cdef bint direct = True
    cdef Operand operands[3]  # x, or p and g; the result last, also where it is the second
    cdef Operand *x = operands
    cdef Operand *g = operands + inputs - 1
    cdef Operand *out = operands + inputs
    cdef const char *t = args[inputs]
    cdef ptrdiff_t t_row = steps[inputs]
    cdef char *memory = NULL
    cdef char *at[3]
    cdef ptrdiff_t stride[3]
    for k in range(inputs + 1):
        operands[k].data = args[k if k < inputs else inputs + 1]
        operands[k].row = steps[k if k < inputs else inputs + 1]
        operands[k].item = size if k == inputs and f.reduces else items[k]
        operands[k].direct = operands[k].row % size == 0 and (operands[k].item == size or n <= 1)
        direct &= operands[k].direct
    if not direct:
        pitch = pitch_of(size, n)
        step = max(1, min(SCRATCH // pitch, rows))
        if scratch == NULL:
            scratch = memory = <char *>PyMem_RawMalloc(<size_t>(step * pitch * inputs + LINE))
            if memory == NULL:
                return False
        x.scratch = scratch + (LINE - <uintptr_t>scratch % LINE) % LINE
        g.scratch = x.scratch + (inputs - 1) * step * pitch
        out.scratch = x.scratch
    while i < rows:
        step = min(step, rows - i)
        for k in range(inputs + 1):
            at[k], stride[k] = operands[k].data + i * operands[k].row, operands[k].row
            if not operands[k].direct:
                if k < inputs:
                    copy_rows(size, at[k], stride[k], operands[k].item, operands[k].scratch, pitch,
                              size, step, n, False)
                at[k], stride[k] = operands[k].scratch, pitch
        # Callers have checked the temperatures. Dask tries a ufunc on zeros, for the result's dtype only.
        run(f, type_num, at[0], stride[0] // size, at[inputs - 1], stride[inputs - 1] // size,
            at[inputs], stride[inputs] // size, step, n, <const double *>(t + i * t_row), t_row // 8)
        if not out.direct:
            copy_rows(size, out.scratch, pitch, size, out.data + i * out.row, out.row, out.item, step,
                      n, past_caches)
        i += step
    PyMem_RawFree(memory)
    # The kernels' results are what is documented, and NumPy would warn of, say, an invalid value.
    if fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW):
        feclearexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)
    return True


cdef void compute_rows(char **args, const cnp.npy_intp *dims, const cnp.npy_intp *steps,
                       void *data) noexcept nogil:
    """The loop of each ufunc."""
    cdef const Loop *loop = <const Loop *>data
    cdef bint past_caches = dims[0] * dims[1] * size_of_item(loop.type_num) >= PAST_CACHES
    if not loop_over_rows(args, dims, steps, loop, NULL, past_caches):
        raise_memory_error()


# ---- the same in threads -------------------------------------------------------------------------

cdef enum:
    MAX_DIMS = 64  # of an array of NumPy
    # Threads share rows in slabs of about so many elements; and of at least so many rows where a kernel
    # cannot take them as they lie, because they may be columns, of which runs of a kilobyte are copied well.
    SLAB = 1 << 15
    COLUMNS = 256

# Rows of arrays of any strides: the operands as the loop of a ufunc has them, but with several dimensions of
# rows, the last of which is the loop's.
cdef struct Grid:
    Loop loop
    int operands
    int ndim
    cnp.npy_intp[MAX_DIMS] shape
    cnp.npy_intp n
    char *data[4]
    cnp.npy_intp strides[4][MAX_DIMS]
    cnp.npy_intp[4] items  # from one element of a row to the next, of all operands but the temperatures
    size_t rows
    size_t slab
    char *scratch  # that of the next thread lies scratch_size bytes further
    size_t scratch_size
    bint past_caches


cdef int compute_slab(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Grid *g = <const Grid *>data
    cdef size_t row = piece * g.slab, end = min(row + g.slab, g.rows), rest
    cdef cnp.npy_intp length = g.shape[g.ndim - 1], at
    cdef char *args[4]
    cdef cnp.npy_intp[2] dims
    cdef cnp.npy_intp[8] steps
    cdef int k, axis
    dims[1] = g.n
    for k in range(g.operands):
        steps[k] = g.strides[k][g.ndim - 1]
        steps[g.operands + k] = g.items[k]
    while row < end:
        dims[0] = min(<cnp.npy_intp>(end - row), length - <cnp.npy_intp>row % length)
        for k in range(g.operands):
            args[k] = g.data[k]
        rest = row
        for axis in range(g.ndim - 1, -1, -1):
            at = <cnp.npy_intp>rest % g.shape[axis]
            rest //= <size_t>g.shape[axis]
            for k in range(g.operands):
                args[k] += at * g.strides[k][axis]
        loop_over_rows(args, dims, steps, &g.loop, g.scratch + worker * g.scratch_size, g.past_caches)
        row += <size_t>dims[0]
    return SOFTDRAW_OK


cdef int compute_in_threads(const Function *function, list inputs, cnp.ndarray temperatures,
                            cnp.ndarray out, int workers) except -1:
    cdef Grid g
    cdef cnp.ndarray array
    cdef ptrdiff_t size, pitch
    cdef size_t where
    cdef int k, axis, items = 0
    cdef bint is_row, direct = True
    array = inputs[0]
    g.loop = Loop(function, cnp.PyArray_TYPE(array))
    g.operands, g.ndim = len(inputs) + 2, cnp.PyArray_NDIM(array) - 1
    g.n, size = cnp.PyArray_DIM(array, g.ndim), size_of_item(g.loop.type_num)
    g.rows = 1
    for axis in range(g.ndim):
        g.shape[axis] = cnp.PyArray_DIM(array, axis)
        g.rows *= <size_t>g.shape[axis]
    for k, array in enumerate(inputs + [temperatures, out]):
        g.data[k] = <char *>cnp.PyArray_DATA(array)
        for axis in range(g.ndim):
            g.strides[k][axis] = cnp.PyArray_STRIDE(array, axis)
        is_row = cnp.PyArray_NDIM(array) > g.ndim
        if is_row:
            g.items[items] = cnp.PyArray_STRIDE(array, g.ndim)
            direct &= g.items[items] == size
            items += 1
    g.slab = <size_t>max(SLAB // g.n + 1, 1 if direct else COLUMNS)
    g.past_caches = <ptrdiff_t>g.rows * g.n * size >= PAST_CACHES
    pitch = pitch_of(size, g.n)
    g.scratch_size = <size_t>(max(<ptrdiff_t>SCRATCH, pitch) * <ptrdiff_t>len(inputs) + LINE)
    g.scratch = <char *>PyMem_RawMalloc(g.scratch_size * <size_t>workers)
    if g.scratch == NULL:
        raise MemoryError
    try:
        run_pieces(compute_slab, &g, (g.rows - 1) // g.slab + 1, workers, &where)
    finally:
        PyMem_RawFree(g.scratch)
    return 0


# ---- ufuncs --------------------------------------------------------------------------------------

cdef enum:
    FUNCTIONS = 5
    LOOPS = 3  # of each ufunc: float16, float32, float64; one for bfloat16 may follow

cdef Loop loops[FUNCTIONS][LOOPS + 1]
cdef void *loop_data[FUNCTIONS][LOOPS]
cdef char loop_types[FUNCTIONS][LOOPS * 4]
cdef ufunc_loop loop_functions[LOOPS]
cdef const Function *functions[FUNCTIONS]
functions[:] = [&SOFTMAX, &LOG_SOFTMAX, &LOGSUMEXP, &ENTROPY, &SOFTMAX_VJP]


cdef object make_ufunc(int which, const char *name, const char *signature):
    cdef const Function *function = functions[which]
    cdef int inputs = inputs_of(function), count = 0, used = 0
    for type_num in (cnp.NPY_FLOAT16, cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        if has_kernel(function, type_num):
            loops[which][count] = Loop(function, type_num)
            loop_data[which][count] = &loops[which][count]
            loop_functions[count] = <ufunc_loop>compute_rows
            count += 1
            for each in (type_num,) * inputs + (cnp.NPY_FLOAT64, type_num):
                loop_types[which][used] = each
                used += 1
    return PyUFunc_FromFuncAndDataAndSignature(
        loop_functions, loop_data[which], loop_types[which], count, inputs + 1, 1, PyUFunc_None, name,
        "", 0, signature
    )


# A ufunc is pickled by its name, which therefore is that of the variable.
ufunc_softmax = make_ufunc(0, "ufunc_softmax", "(n),()->(n)")
ufunc_log_softmax = make_ufunc(1, "ufunc_log_softmax", "(n),()->(n)")
ufunc_logsumexp = make_ufunc(2, "ufunc_logsumexp", "(n),()->()")
ufunc_entropy = make_ufunc(3, "ufunc_entropy", "(n),()->()")
ufunc_softmax_vjp = make_ufunc(4, "ufunc_softmax_vjp", "(n),(n),()->(n)")
cdef tuple ufuncs = (ufunc_softmax, ufunc_log_softmax, ufunc_logsumexp, ufunc_entropy,
                     ufunc_softmax_vjp)
cdef bint has_bfloat16 = False
cdef Lock bfloat16_lock = Lock()  # held while the loops for it are added


cdef int add_bfloat16(object dtype) except -1:
    """Give the ufuncs loops for the bfloat16 of ml_dtypes, which NumPy learns of at run time."""
    global has_bfloat16
    cdef PyArray_Descr *types[3]
    cdef int which
    double = np.dtype(np.float64)
    types[0] = types[2] = <PyArray_Descr *>dtype
    types[1] = <PyArray_Descr *>double
    for which in range(FUNCTIONS):
        if functions[which].bf16 != NULL:
            loops[which][LOOPS] = Loop(functions[which], dtype.num)
            PyUFunc_RegisterLoopForDescr(ufuncs[which], dtype, <ufunc_loop>compute_rows, types,
                                         &loops[which][LOOPS])
    has_bfloat16 = True
    return 0


cdef object ufunc_of(const Function *function, object dtype):
    cdef int which = 0
    if is_bfloat16(dtype.num):
        bfloat16_lock.take(-1)
        try:
            if not has_bfloat16:
                add_bfloat16(dtype)
        finally:
            bfloat16_lock.give()
    while functions[which] != function:
        which += 1
    return ufuncs[which]
