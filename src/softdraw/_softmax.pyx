# cython: cdivision=True
"""The softmax family: what it accepts and returns.

A call with contiguous rows of floats goes straight to a kernel (call_kernel). For any other arrays the
arguments are checked, and NumPy does the rest by a generalized ufunc (call_ufunc).
"""

import math

import numpy as np

cimport numpy as cnp
from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport Py_INCREF
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uintptr_t

from softdraw._arguments cimport (
    MOST_DIMENSIONS, as_carray, axes_of, check_real, checked_out, converted_to, fixed_real, is_foreign,
    is_true, lengths_with_ones, lengths_without, plain_axis, read_number, real_array, real_numbers,
    refuse_masked, refuse_positional, result_dtype, temperatures_of_rows,
)
from softdraw._core cimport HostState, restore_state, set_default_state, softmax_f64
from softdraw._ufuncs cimport (
    ENTROPY, LOG_SOFTMAX, LOGSUMEXP, SOFTMAX, SOFTMAX_VJP, Function, compute_in_threads, has_kernel,
    run, size_of_item, ufunc_of,
)
from softdraw._workers cimport given_workers, run_pieces, workers_in_force

from softdraw._arguments import hide_positional

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    # NumPy's own declaration for Cython hides that this function takes over a reference to descr.
    object PyArray_NewFromDescr(type subtype, cnp.dtype descr, int nd, const cnp.npy_intp *dims,
                                const cnp.npy_intp *strides, void *data, int flags, object base)
    object PyArray_Scalar(void *data, cnp.dtype descr, object base)
    bint PyArray_CompareLists(const cnp.npy_intp *a, const cnp.npy_intp *b, int n) noexcept

cdef enum:
    # From this many elements on, a call takes longer than releasing the GIL is worth.
    WITHOUT_GIL = 4096
    # An inner loop of NumPy's over fewer elements costs less than that NumPy begins it.
    SHORT_LOOP = 1024
    # From this many elements on, a call takes long enough to gain from threads: see docs/workers.md.
    SHARED = 1 << 19
    # Threads share a call in slabs of about so many elements, each of whole rows.
    SLAB = 1 << 15


# ---- contiguous rows: a kernel -----------------------------------------------------------------


cdef inline bint is_contiguous(const Function *function, object x) noexcept:
    """x is of exactly type ndarray, aligned, C-contiguous, native, and of a type that has a kernel."""
    return (
        cnp.PyArray_CheckExact(x)
        and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>x)
        and has_kernel(function, cnp.PyArray_TYPE(<cnp.ndarray>x))
    )


cdef bint are_apart(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Two contiguous arrays share no memory."""
    cdef uintptr_t at = <uintptr_t>cnp.PyArray_DATA(a), bt = <uintptr_t>cnp.PyArray_DATA(b)
    return (at + <uintptr_t>cnp.PyArray_NBYTES(a) <= bt
            or bt + <uintptr_t>cnp.PyArray_NBYTES(b) <= at)


cdef bint are_same_or_apart(cnp.ndarray out, cnp.ndarray x) noexcept:
    return (cnp.PyArray_DATA(out) == cnp.PyArray_DATA(x)
            and cnp.PyArray_NBYTES(out) == cnp.PyArray_NBYTES(x) or are_apart(out, x))


cdef bint begins_like(cnp.ndarray a, int ndim, cnp.ndarray x) noexcept:
    """a has the type of x and its first ndim dimensions."""
    return (cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(x) and cnp.PyArray_NDIM(a) == ndim
            and PyArray_CompareLists(cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(x), ndim))


cdef cnp.ndarray new_array(int ndim, cnp.ndarray x):
    """Return a new array of the type of x and its first ndim dimensions."""
    cdef cnp.dtype dtype = x.descr
    Py_INCREF(dtype)
    return PyArray_NewFromDescr(cnp.ndarray, dtype, ndim, cnp.PyArray_DIMS(x), NULL, NULL, 0, None)


cdef const double *find_temperatures(object temperature, cnp.ndarray x, double *number,
                                     ptrdiff_t *stride) noexcept:
    """Return where to read the temperatures of contiguous rows, or NULL if call() must convert them."""
    cdef cnp.ndarray array
    cdef int i, ndim, x_ndim = cnp.PyArray_NDIM(x)
    stride[0] = 0
    if read_number(temperature, number):
        return number
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


# Contiguous rows, as run() takes them.
cdef struct Rows:
    const Function *function
    int type_num
    const char *x
    const char *g  # x, but for softmax_vjp
    char *out
    ptrdiff_t out_stride
    size_t rows
    size_t n
    const double *t
    ptrdiff_t t_stride


cdef inline int run_rows(const Rows *r, size_t first, size_t rows) noexcept nogil:
    """Compute some of the rows."""
    cdef ptrdiff_t row = <ptrdiff_t>first, size = size_of_item(r.type_num), n = <ptrdiff_t>r.n
    return run(
        r.function, r.type_num, r.x + row * n * size, n, r.g + row * n * size, n,
        r.out + row * r.out_stride * size, r.out_stride, rows, r.n, r.t + row * r.t_stride, r.t_stride
    )


cdef int run_slab(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    cdef const Rows *r = <const Rows *>data
    cdef size_t slab = slab_of(r.n), first = piece * slab
    return run_rows(r, first, min(slab, r.rows - first))


cdef inline size_t slab_of(size_t n) noexcept nogil:
    """Return how many rows of n elements are a piece of work for one thread."""
    return SLAB // n + 1


cdef int run_slabs(Rows *rows, int workers) except -1:
    """Compute all rows, in threads."""
    cdef size_t where
    cdef int error
    if rows.t_stride:
        # Of all temperatures before any slab: a kernel without columns checks them, and writes nothing.
        if rows.function.vjp_f64 != NULL:
            error = rows.function.vjp_f64(NULL, 0, NULL, 0, NULL, 0, rows.rows, 0, rows.t, rows.t_stride)
        else:
            error = softmax_f64(NULL, 0, NULL, 0, rows.rows, 0, rows.t, rows.t_stride)
        if error:
            return error
    return run_pieces(run_slab, rows, (rows.rows - 1) // slab_of(rows.n) + 1, workers, &where)


cdef object call_kernel(const Function *function, object x, object g, object temperature, object axis,
                        object out, int workers):
    """Return the result for contiguous rows, or None if the arguments are of another kind."""
    cdef double number, scalar  # a temperature, and room for the result if it is a scalar
    cdef const double *t
    cdef ptrdiff_t t_stride
    cdef int error, ndim, out_ndim
    cdef size_t n, size
    cdef Rows rows
    cdef cnp.ndarray array, result = None
    cdef cnp.dtype dtype
    if not is_contiguous(function, x) or not PyLong_CheckExact(axis):
        return None
    array = <cnp.ndarray>x
    ndim = cnp.PyArray_NDIM(array)
    if ndim == 0 or (axis != -1 and axis != ndim - 1):
        return None
    t = find_temperatures(temperature, array, &number, &t_stride)
    n = <size_t>cnp.PyArray_DIM(array, ndim - 1)
    size = n if ndim == 1 else <size_t>cnp.PyArray_SIZE(array)
    if t == NULL or size == 0:
        return None
    if function.vjp_f64 != NULL and not (is_contiguous(function, g)
                                         and begins_like(<cnp.ndarray>g, ndim, array)):
        return None
    out_ndim = ndim - 1 if function.reduces else ndim
    if out is None:
        if out_ndim > 0:
            result = new_array(out_ndim, array)
        else:
            dtype = array.descr  # of the scalar: another thread may change it while the row is computed
    elif cnp.PyArray_CheckExact(out) and cnp.PyArray_ISCARRAY(<cnp.ndarray>out):
        result = <cnp.ndarray>out
        if (not begins_like(result, out_ndim, array) or not are_same_or_apart(result, array)
                or g is not None and not are_same_or_apart(result, <cnp.ndarray>g)
                or t != &number and not are_apart(result, <cnp.ndarray>temperature)):
            return None
    else:
        return None
    rows.function, rows.type_num = function, cnp.PyArray_TYPE(array)
    rows.rows, rows.n, rows.t, rows.t_stride = 1 if ndim == 1 else size // n, n, t, t_stride
    rows.out_stride = 1 if function.reduces else <ptrdiff_t>n
    rows.x = rows.g = <const char *>cnp.PyArray_DATA(array)
    if g is not None:
        rows.g = <const char *>cnp.PyArray_DATA(<cnp.ndarray>g)
    rows.out = <char *>&scalar if result is None else <char *>cnp.PyArray_DATA(result)
    if size < WITHOUT_GIL:
        error = run_rows(&rows, 0, rows.rows)
    else:
        workers = workers_in_force(workers) if size >= SHARED and rows.rows > 1 else 1
        if workers > 1:
            error = run_slabs(&rows, workers)
        else:
            with nogil:
                error = run_rows(&rows, 0, rows.rows)
    if error:
        return None  # a temperature is out of range; nothing is written, and call() says which one
    return PyArray_Scalar(&scalar, dtype, None) if result is None else result


# ---- any other arrays: a generalized ufunc -----------------------------------------------------


cdef object call(const Function *function, tuple given, tuple names, object temperature, object axis,
                 object out, int workers, bint keepdims=False):
    """Return the result for any arguments, the same in any floating-point state of the host."""
    cdef HostState before
    set_default_state(&before)
    try:
        return call_ufunc(function, given, names, temperature, axis, out, workers, keepdims)
    finally:
        restore_state(&before)


cdef object call_ufunc(const Function *function, tuple given, tuple names, object temperature,
                       object axis, object out, int workers, bint keepdims):
    """Return the result for any arguments, which are checked before anything is written."""
    cdef bint is_vjp = function.vjp_f64 != NULL
    cdef double number
    # What may run Python code of the caller comes first; shapes are taken afterwards.
    axis = plain_axis(axis)
    for each in given:
        if is_foreign(each):
            return call_foreign(function, given, names, temperature, axis, out, workers, keepdims)
    arrays = [real_array(each, name) for each, name in zip(given, names)]
    numbers = temperature
    if not read_number(temperature, &number):
        numbers = temperature = fixed_real(real_numbers(temperature, "temperature"), "temperature")
        if temperature.size <= arrays[0].size:  # more do not fit, and may be more than memory holds
            numbers = as_carray(temperature, cnp.NPY_FLOAT64)
    arrays = [fixed_real(each, name) for each, name in zip(arrays, names)]
    shape = arrays[0].shape
    if is_vjp and arrays[1].shape != shape:
        raise ValueError(f"p and g must have the same shape, got {shape} and {arrays[1].shape}")
    dtype = dtype_of_result(arrays)
    computed = dtype if has_kernel(function, dtype.num) else np.dtype(np.float32)
    is_copied = arrays[0].dtype != computed
    arrays = [converted_to(computed, each) for each in arrays]
    if computed == dtype and (out is None or not keepdims):
        # A list, say, is now an array of contiguous rows, and a copy has room for the result.
        result = call_kernel(function, arrays[0], arrays[1] if is_vjp else None, numbers, axis,
                             arrays[0] if is_copied and out is None and not function.reduces else out,
                             workers)
        if result is not None:
            return result.reshape(*shape[:len(shape) - 1], 1) if keepdims else result

    reduced = axes_of(axis, len(shape))
    if not reduced and len(shape) == MOST_DIMENSIONS:  # each item becomes a row along one more axis
        raise ValueError(f"axis must not be () for an array of {MOST_DIMENSIONS} dimensions")
    kept = lengths_without(shape, reduced)
    temperatures = temperatures_of_rows(temperature, not is_vjp, shape, reduced)
    end_shape = shape
    if function.reduces:
        end_shape = lengths_with_ones(shape, reduced) if keepdims else kept
    target = np.empty(end_shape, dtype) if out is None else checked_out(out, dtype, end_shape)
    is_direct = computed == dtype and not (function.reduces and out is not None)
    result = target if is_direct else np.empty(end_shape, computed)
    compute(function, arrays, temperatures, result.reshape(kept) if function.reduces else result,
            reduced, kept, workers)
    if not is_direct:
        target[...] = result if computed == dtype else rounded_to(dtype, result)
    # A result without dimensions becomes a scalar, as NumPy's functions return it.
    return target[()] if out is None else out


cdef object dtype_of_result(list arrays):
    first, last = arrays[0].dtype, arrays[len(arrays) - 1].dtype
    try:
        return result_dtype(np.promote_types(first, last))
    except TypeError:
        raise TypeError(
            f"p of dtype {first} and g of dtype {last} have no common dtype; convert both to float32"
        ) from None


cdef int compute(const Function *function, list arrays, object temperatures, object out, tuple reduced,
                 tuple kept, int workers) except -1:
    """Compute the rows along the reduced axes into out."""
    cdef ptrdiff_t n = math.prod([arrays[0].shape[i] for i in reduced]), inner
    cdef bint is_short
    cdef int ndim = arrays[0].ndim
    axes = [i for i in range(ndim) if i not in reduced]
    if len(reduced) != 1:
        # They become one axis, the last. NumPy copies what it cannot reshape.
        axes += reduced
        rows = [each.transpose(axes).reshape(*kept, n) for each in arrays]
        moved = flat = out
        if not function.reduces:
            moved = out.transpose(axes)
            # Rows that NumPy has copied have room for the results. Arrays without elements share no memory.
            is_copy = cnp.PyArray_SIZE(arrays[0]) and not np.may_share_memory(rows[0], arrays[0])
            flat = rows[0] if is_copy else moved.reshape(*kept, n)
        compute(function, rows, temperatures, flat, (len(kept),), kept, workers)
        if not np.may_share_memory(flat, out):
            moved[...] = flat.reshape(moved.shape)
        return 0
    axis, = reduced
    if call_kernel(function, arrays[0], arrays[1] if function.vjp_f64 != NULL else None, temperatures,
                   axis, out, workers) is not None:
        return 0
    cdef ptrdiff_t size = cnp.PyArray_SIZE(arrays[0])
    workers = workers_in_force(workers) if size >= SHARED and size > n else 1
    cdef bint in_threads = workers > 1 and can_share(arrays, temperatures, out)
    ufunc = ufunc_of(function, arrays[0].dtype)
    if in_threads or len(kept) > 1 and size > SHORT_LOOP:
        temperatures = np.broadcast_to(temperatures, kept)
        order = list(range(len(kept)))
        if in_threads:  # the closest rows last, as NumPy has them
            order.sort(key=lambda i: -abs(arrays[0].strides[axes[i]]))
        inner = rows_of_inner_loop(arrays[0].transpose(axes + [axis]), temperatures)
        is_short = inner * n < SHORT_LOOP and inner < max(kept)
        if is_short:
            # The loop shall be over more rows at a time: over the longest dimension, as the last.
            longest = kept.index(max(kept))
            order = [i for i in order if i != longest] + [longest]
        if in_threads or is_short:
            axes = [axes[i] for i in order] + [axis]
            arrays = [each.transpose(axes) for each in arrays]
            temperatures = temperatures.transpose(order)
            out = out.transpose(order if function.reduces else axes)
            if in_threads:
                compute_in_threads(function, arrays, temperatures, out, workers)
            else:
                _call_numpy(ufunc, arrays + [temperatures], out=out, axis=-1, order="C")
            return 0
    _call_numpy(ufunc, arrays + [temperatures], out=out, axis=axis)
    return 0


def _call_numpy(ufunc, operands, **named):
    """Call a ufunc. NumPy does not look whether a loop has raised a MemoryError, and where it runs out of
    memory itself it may raise nothing; Python makes a SystemError of both."""
    try:
        ufunc(*operands, **named)
    except SystemError:
        raise MemoryError("no memory to compute arrays that are not contiguous") from None


cdef bint can_share(list arrays, object temperatures, object out) except -1:
    """Whether threads can compute rows of these arrays as they lie: aligned, and the result apart from the
    others, or one of them."""
    for each in arrays + [temperatures]:
        is_same = (cnp.PyArray_DATA(<cnp.ndarray>each) == cnp.PyArray_DATA(<cnp.ndarray>out)
                   and each.strides == out.strides and each.shape == out.shape
                   and each is not temperatures)
        if not each.flags.aligned or np.may_share_memory(each, out) and not is_same:
            return False
    return out.flags.aligned


cdef ptrdiff_t rows_of_inner_loop(object x, object temperatures) except -1:
    """Return how many rows of x NumPy's inner loop has: those that lie at equal distances, as their
    temperatures do."""
    cdef ptrdiff_t rows = 1
    dims = [(abs(x.strides[i]), temperatures.strides[i], x.shape[i])
            for i in range(temperatures.ndim) if x.shape[i] != 1]
    dims.sort()  # in place, because CPython 3.11 loses a copy that it finds no memory for
    for stride, t_stride, length in dims:
        if rows == 1:
            distance, t_distance = stride, t_stride
        elif stride != distance * rows or t_stride != t_distance * rows:
            break
        rows *= length
    return rows


cdef int refuse_split(const Function *function, object array, str name, int axis) except -1:
    chunks = getattr(array, "chunks", None)  # of an array of Dask
    if isinstance(chunks, tuple) and isinstance(chunks[axis], tuple) and len(chunks[axis]) > 1:
        raise ValueError(
            f"{name} lies in multiple chunks along axis {axis}, {len(chunks[axis])} of them; "
            + ("" if function.vjp_f64 != NULL else "the functions of softdraw.dask take it, or ")
            + f"write {name}.rechunk({{{axis}: -1}})"
        )
    return 0


cdef object call_foreign(const Function *function, tuple given, tuple names, object temperature,
                         object axis, object out, int workers, bint keepdims):
    """Let another library's arrays decide what a ufunc does to them: those of Dask stay lazy."""
    if out is not None:
        raise TypeError("out must be None for an array of another library, which makes the result")
    if workers:
        raise TypeError("workers must be None for an array of another library, which computes the result")
    if isinstance(axis, tuple) or axis is None:
        raise TypeError(f"axis must be an int for an array of another library, got {axis}")
    like, = [each for each in given if is_foreign(each)][:1]
    arrays = []
    for each, name in zip(given, names):
        refuse_masked(each, name)
        arrays.append(each if is_foreign(each) else real_array(each, name))
    cdef double number
    if not read_number(temperature, &number):
        temperature = real_numbers(temperature, "temperature")
    shape = arrays[0].shape
    if len(arrays) == 2 or keepdims or np.ndim(temperature):
        for each, name in zip(arrays, names):
            if any([length != length for length in each.shape]):  # NaN, where Dask does not know it
                raise ValueError(
                    f"{name} has chunks of unknown sizes; call {name}.compute_chunk_sizes() first"
                )
    if arrays[len(arrays) - 1].shape != shape:
        raise ValueError(f"p and g must have the same shape, got {shape} and {arrays[1].shape}")
    for each, name in zip(arrays, names):
        check_real(each.dtype, name)
    reduced = axes_of(axis, len(shape))
    temperatures = temperatures_of_rows(temperature, function.vjp_f64 == NULL, shape, reduced)
    cdef bint is_number = len(shape) == 0
    for each, name in zip(arrays, names):
        if is_foreign(each) and not is_number:
            refuse_split(function, each, name, reduced[0])
    dtype = dtype_of_result(arrays)
    computed = dtype if has_kernel(function, dtype.num) else np.dtype(np.float32)
    chunks = getattr(like, "chunks", None)
    for i, each in enumerate(arrays):
        if not is_foreign(each):
            # An operation with zeros gives NumPy's arrays the chunks of Dask's.
            each = np.add(np.zeros_like(like, dtype=np.int8), each)
        elif isinstance(chunks, tuple) and each is not like and hasattr(each, "rechunk"):
            each = each.rechunk(chunks)
        arrays[i] = each if each.dtype == computed else each.astype(computed)
    if is_number:  # one row of one element
        arrays = [np.expand_dims(each, 0) for each in arrays]
        reduced = (0,)
    if temperatures.ndim:
        zeros = np.sum(np.zeros_like(like, dtype=np.int8), axis=reduced[0])
        temperatures = np.add(zeros, temperatures)
    result = ufunc_of(function, computed)(*arrays, temperatures, axis=reduced[0])
    if computed != dtype:
        result = np.add(result.astype(dtype), np.zeros((), dtype))  # -0 becomes +0
    if is_number:
        return result if function.reduces else np.squeeze(result, 0)
    return np.expand_dims(result, reduced[0]) if keepdims else result


cdef object rounded_to(object half, object result):
    """Return float32 numbers as one of the halves; where that gives -0, +0."""
    with np.errstate(all="ignore"):  # what is too large or too small becomes infinite or 0
        rounded = result.astype(half)
    bits = rounded.view(np.int16)
    np.multiply(bits, bits != -0x8000, out=bits)
    return rounded


# ---- functions ---------------------------------------------------------------------------------


@hide_positional
def softmax(x, /, *refused, temperature=1.0, axis=-1, out=None, workers=None):
    """Probabilities ``exp(x / temperature) / sum(exp(x / temperature))``.

    Each is within 1 ULP (float32) or 2 ULP (float64) of the exact one, at any temperature, offset and length, and
    the same bits on every machine. In very rare rows it is within 1.5 or 2.6 ULP.

    Parameters
    ----------
    x : array_like
        Real numbers (logits). float32 and float64 are computed in their own type, float16 and
        bfloat16 in float32, integers and booleans as float64. An array of another library that has
        `shape`, `dtype`, `astype`, `__array_ufunc__` and `__array_function__`, such as Dask's, stays one
        of that library; its `axis` must be an int. Of others, such as pandas', the result is an array of NumPy.
    temperature : float or array_like, optional
        At least 0. Small values sharpen the distribution and large ones flatten it; 0 gives the limit,
        in which tied maxima share the mass equally, and infinity gives equal probabilities. One for
        all rows, or one per row: for `x` of shape (rows, n) an array of shape (rows,) or (rows, 1),
        whereas in ``x / temperature`` one of shape (n,) would go by column. In general an array with
        as many dimensions as `x` has length 1 on each reduced axis, and any other broadcasts to the
        shape of `x` without the reduced axes.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, in native byte order. It may be `x` itself.
    workers : int, optional
        How many threads may share the call, -1 for one per CPU. None is what `set_workers` has set, and 1
        without it. The result is the same with any number. Threads share rows, so a single row is computed by
        one, and so is a call that is too small to gain.

    Returns
    -------
    ndarray or NumPy scalar
        The shape of `x`, a scalar for a scalar, and its dtype if that is a float, else float64. A row
        that contains NaN, +inf or nothing but -inf is NaN throughout; otherwise -inf has
        probability 0.

    Raises
    ------
    TypeError
        If `x` or `temperature` are not real numbers, are masked, or `x` is longdouble, and if anything
        but `x` is given by position.
    ValueError
        If a temperature is negative or NaN or of a shape that does not fit, if `axis` is out of
        range (AxisError) or names an axis twice, or if `out` has another shape or dtype than the
        result or is read-only. Nothing is written then.

    See Also
    --------
    log_softmax : Its logarithm.
    entropy : How uncertain it is.
    softmax_vjp : The gradient of a loss with respect to `x`.
    sample_logits : A draw from it, without computing all probabilities.
    AliasTable.from_logits : Many draws from it.

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
    cdef int number = 0 if workers is None else given_workers(workers)
    result = call_kernel(&SOFTMAX, x, None, temperature, axis, out, number)
    return call(&SOFTMAX, (x,), ("x",), temperature, axis, out, number) if result is None else result


@hide_positional
def log_softmax(x, /, *refused, temperature=1.0, axis=-1, out=None, workers=None):
    """Natural logarithm of :func:`softmax`, within 1.5 ULP (float32) or 3 ULP (float64).

    That holds beside a dominant entry too, whose log-probability is almost 0.

    Parameters
    ----------
    x : array_like
        Real numbers (logits), as for :func:`softmax`.
    temperature : float or array_like, optional
        As for :func:`softmax`: one for all rows, or one per row.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, in native byte order. It may be `x` itself.
    workers : int, optional
        How many threads may share the call, as for :func:`softmax`.

    Returns
    -------
    ndarray or NumPy scalar
        The shape of `x`, a scalar for a scalar, and its dtype if that is a float, else float64; -inf
        where the probability is 0. A row that contains NaN, +inf or nothing but -inf is NaN throughout.

    Raises
    ------
    TypeError, ValueError
        As for :func:`softmax`.

    See Also
    --------
    softmax : The probabilities.
    logsumexp : What it subtracts from ``x / temperature``.
    sample_logits : Gives the log-probabilities of what it draws.

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
    cdef int number = 0 if workers is None else given_workers(workers)
    result = call_kernel(&LOG_SOFTMAX, x, None, temperature, axis, out, number)
    return call(&LOG_SOFTMAX, (x,), ("x",), temperature, axis, out, number) if result is None else result


@hide_positional
def logsumexp(x, /, *refused, temperature=1.0, axis=-1, out=None, keepdims=False,
              workers=None):
    """Logarithm of a sum of exponentials, ``log(sum(exp(x / temperature)))``.

    Off by at most 2 ULP of the larger of ``|max(x) / temperature|`` and the logarithm of the sum
    relative to the maximum; in very rare float64 rows by at most 2.7.

    Parameters
    ----------
    x : array_like
        Real numbers, as for :func:`softmax`.
    temperature : float or array_like, optional
        As for :func:`softmax`: one for all rows, or one per row. At 0 the limit is -inf, the logarithm
        of the number of tied maxima, or +inf, for a maximum that is negative, 0 or positive.
    axis : int, tuple of int or None, optional
        The axis or axes to sum over; None for all.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, in native byte order.
    keepdims : bool, optional
        Whether the reduced axes stay, with length 1.
    workers : int, optional
        How many threads may share the call, as for :func:`softmax`.

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

    See Also
    --------
    log_softmax : ``x / temperature`` minus it.
    softmax : The probabilities.

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
    cdef int number = 0 if workers is None else given_workers(workers)
    cdef bint keeps = is_true(keepdims, "keepdims")
    result = None if keeps else call_kernel(&LOGSUMEXP, x, None, temperature, axis, out, number)
    if result is None:
        return call(&LOGSUMEXP, (x,), ("x",), temperature, axis, out, number, keeps)
    return result


@hide_positional
def entropy(logits, /, *refused, temperature=1.0, axis=-1, out=None, keepdims=False,
            workers=None):
    """Shannon entropy of :func:`softmax` in nats: ``-sum(p * log(p))``, p = softmax(logits / T).

    Within 1.5 ULP (float32) or 4 ULP (float64; in the worst row that a search has found 5.19, and in none more
    than 9), also beside a dominant entry, where it is almost 0: all terms of its sum are positive, so that
    nothing cancels. For bits, divide by ``log(2)``.

    Parameters
    ----------
    logits : array_like
        Real numbers, as for :func:`softmax`; not probabilities, which `scipy.stats.entropy` takes.
    temperature : float or array_like, optional
        As for :func:`softmax`: one for all rows, or one per row. At 0 the limit is the logarithm of the
        number of tied maxima, at infinity that of the number of entries that are not -inf.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, in native byte order.
    keepdims : bool, optional
        Whether the reduced axes stay, with length 1.
    workers : int, optional
        How many threads may share the call, as for :func:`softmax`.

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
    log_softmax : The logarithms of the probabilities.

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
    cdef int number = 0 if workers is None else given_workers(workers)
    cdef bint keeps = is_true(keepdims, "keepdims")
    result = None if keeps else call_kernel(&ENTROPY, logits, None, temperature, axis, out, number)
    if result is None:
        return call(&ENTROPY, (logits,), ("logits",), temperature, axis, out, number, keeps)
    return result


@hide_positional
def softmax_vjp(p, g, /, *refused, temperature=1.0, axis=-1, out=None, workers=None):
    """Gradient of a loss through :func:`softmax`: ``p * (g - sum(p * g)) / temperature``.

    The vector-Jacobian product: with ``p = softmax(x, temperature=temperature)`` and `g` the gradient of
    the loss with respect to `p`, the result is its gradient with respect to `x`. It is within 1 ULP
    unless its two terms cancel to less than 1/256 of ``p * sum(abs(p * g)) / temperature``, and then
    within 1 ULP of that; for `p` from 0 to 1, rows of at most 2**24, and gradients less than 2**900 times
    apart. Where `p` is anything else, it may be infinite although the result would be finite.

    Parameters
    ----------
    p : array_like
        Probabilities, as :func:`softmax` gives them.
    g : array_like
        Real numbers, of the shape of `p`. The two are promoted as NumPy promotes arrays; float16
        and bfloat16 are then computed in float32, integers and booleans as float64.
    temperature : float or array_like, optional
        Above 0; at infinity the gradient of finite numbers is 0. Otherwise as for :func:`softmax`: one
        for all rows, or one per row.
    axis : int, tuple of int or None, optional
        The axis or axes over which the probabilities sum to 1; None for all.
    out : ndarray, optional
        Where to put the result: of its shape and dtype, in native byte order. It may be `p` or `g` itself.
    workers : int, optional
        How many threads may share the call, as for :func:`softmax`.

    Returns
    -------
    ndarray or NumPy scalar
        The shape of `p` and `g`. A row that contains NaN or an infinity, in either, is NaN
        throughout, at any temperature.

    Raises
    ------
    TypeError
        If `p`, `g` or `temperature` are not real numbers, are masked, or are longdouble.
    ValueError
        If the shapes of `p` and `g` differ or are unknown to Dask, if a temperature is 0, negative, NaN
        or of a shape that does not fit, and for `axis` and `out` as :func:`softmax`. Nothing is written
        then.

    See Also
    --------
    softmax : The probabilities.
    log_softmax : Their logarithms, for losses.

    Examples
    --------
    >>> import softdraw
    >>> p = softdraw.softmax([1.0, 2.0, 3.0], temperature=0.5)
    >>> softdraw.softmax_vjp(p, [0.0, 0.0, 1.0], temperature=0.5).round(4)
    array([-0.0275, -0.2034,  0.2309])
    """
    if refused:
        refuse_positional("softmax_vjp(p, g)", refused, ("axis", "temperature"))
    cdef int number = 0 if workers is None else given_workers(workers)
    result = call_kernel(&SOFTMAX_VJP, p, g, temperature, axis, out, number)
    if result is None:
        return call(&SOFTMAX_VJP, (p, g), ("p", "g"), temperature, axis, out, number)
    return result
