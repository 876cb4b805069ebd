"""softmax, log_softmax and logsumexp: what they accept and return; the kernels are in src/core."""

import operator
import sys

import numpy as np

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uintptr_t

from softdraw cimport _core

cnp.import_array()

AxisError = getattr(np, "exceptions", np).AxisError

ctypedef int (*kernel_f32)(const float *, ptrdiff_t, float *, ptrdiff_t, size_t, size_t,
                           const double *, ptrdiff_t) noexcept nogil
ctypedef int (*kernel_f64)(const double *, ptrdiff_t, double *, ptrdiff_t, size_t, size_t,
                           const double *, ptrdiff_t) noexcept nogil

# One of the functions here: its kernels, and whether a row becomes one number.
cdef struct Function:
    kernel_f32 f32
    kernel_f64 f64
    bint reduces

cdef Function SOFTMAX = Function(_core.softmax_f32, _core.softmax_f64, False)
cdef Function LOG_SOFTMAX = Function(_core.log_softmax_f32, _core.log_softmax_f64, False)
cdef Function LOGSUMEXP = Function(_core.logsumexp_f32, _core.logsumexp_f64, True)

# Elements from which on a call takes longer than releasing the GIL is worth.
cdef enum:
    WITHOUT_GIL = 4096


cdef int run(Function function, int type_num, const void *x, void *out, size_t rows, size_t n,
             const double *temperature, ptrdiff_t temperature_stride) noexcept nogil:
    """Rows that follow each other without a gap; temperatures are checked already."""
    cdef ptrdiff_t out_stride = 1 if function.reduces else <ptrdiff_t>n
    if type_num == cnp.NPY_FLOAT32:
        return function.f32(<const float *>x, <ptrdiff_t>n, <float *>out, out_stride, rows, n,
                            temperature, temperature_stride)
    return function.f64(<const double *>x, <ptrdiff_t>n, <double *>out, out_stride, rows, n,
                        temperature, temperature_stride)


cdef bint is_plain(object x) noexcept:
    """An aligned contiguous native float32 or float64 array, that no subclass has its say about."""
    cdef int type_num
    if not cnp.PyArray_CheckExact(x) or not cnp.PyArray_ISCARRAY_RO(x):
        return False
    type_num = cnp.PyArray_TYPE(x)
    return type_num == cnp.NPY_FLOAT32 or type_num == cnp.NPY_FLOAT64


cdef bint fits_plainly(cnp.ndarray out, cnp.ndarray x) noexcept:
    """out is x, or like x and apart from it."""
    cdef uintptr_t a = <uintptr_t>cnp.PyArray_DATA(x), b = <uintptr_t>cnp.PyArray_DATA(out)
    cdef uintptr_t nbytes = <uintptr_t>cnp.PyArray_NBYTES(x)
    return (
        cnp.PyArray_ISCARRAY(out)
        and cnp.PyArray_TYPE(out) == cnp.PyArray_TYPE(x)
        and cnp.PyArray_SAMESHAPE(out, x)
        and (a == b or a + nbytes <= b or b + nbytes <= a)
    )


cdef object plain_case(Function function, object x, object temperature, object axis, object out):
    """The result for the everyday call, or None where call() must look closer."""
    cdef double t
    cdef int ndim
    cdef size_t n, rows
    cdef cnp.ndarray array, result
    if PyFloat_CheckExact(temperature):
        t = PyFloat_AS_DOUBLE(temperature)
    elif PyLong_CheckExact(temperature) and -1 < temperature < 1 << 53:
        t = temperature
    else:
        return None
    if not t >= 0 or not is_plain(x) or not PyLong_CheckExact(axis):
        return None
    array = <cnp.ndarray>x
    ndim = cnp.PyArray_NDIM(array)
    if ndim == 0 or (axis != -1 and axis != ndim - 1):
        return None
    n = <size_t>cnp.PyArray_DIM(array, ndim - 1)
    if n == 0:
        return None
    rows = <size_t>cnp.PyArray_SIZE(array) // n
    if function.reduces:
        result = cnp.PyArray_EMPTY(ndim - 1, cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array), 0)
    elif out is None:
        result = cnp.PyArray_EMPTY(ndim, cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array), 0)
    elif cnp.PyArray_CheckExact(out) and fits_plainly(out, array):
        result = <cnp.ndarray>out
    else:
        return None
    compute(function, array, result, rows, n, &t, 0)
    return result


cdef void compute(Function function, cnp.ndarray x, cnp.ndarray out, size_t rows, size_t n,
                  const double *temperature, ptrdiff_t temperature_stride):
    cdef int type_num = cnp.PyArray_TYPE(x)
    cdef const void *source = cnp.PyArray_DATA(x)
    cdef void *target = cnp.PyArray_DATA(out)
    if rows * n < WITHOUT_GIL:
        run(function, type_num, source, target, rows, n, temperature, temperature_stride)
    else:
        with nogil:
            run(function, type_num, source, target, rows, n, temperature, temperature_stride)


cdef object call(Function function, object x, object temperature, object axis, object out,
                 bint keepdims):
    """Any input: checked, brought into rows, computed, and brought back."""
    array = real_array(x, "x")
    axes = normalized_axes(axis, array.ndim)
    kept = [i for i in range(array.ndim) if i not in axes]
    reduced_shape = tuple(array.shape[i] for i in kept)
    keepdims_shape = tuple(1 if i in axes else array.shape[i] for i in range(array.ndim))
    dtype = result_dtype(array.dtype)
    temperatures = temperatures_by_row(temperature, keepdims_shape, reduced_shape, array.ndim)
    if out is not None:
        check_out(out, dtype, array.shape)

    compute_dtype = np.float64 if dtype == np.float64 else np.float32
    moved = array.transpose(kept + list(axes))
    rows = np.array(moved, dtype=compute_dtype, order="C", copy=True)
    cdef size_t count = 1
    for i in kept:
        count *= array.shape[i]
    cdef size_t n = 1
    for i in axes:
        n *= array.shape[i]
    cdef cnp.ndarray flat = temperatures
    result = np.empty(reduced_shape, compute_dtype) if function.reduces else rows
    compute(function, rows, result, count, n, <const double *>cnp.PyArray_DATA(flat),
            1 if flat.ndim else 0)

    # what has no room in float16 becomes -inf or 0, whatever the caller has NumPy do about that
    with np.errstate(all="ignore"):
        if function.reduces:
            result = rounded_to(dtype, result)
            return result.reshape(keepdims_shape) if keepdims else result[()]
        back = rounded_to(dtype, result).transpose(np.argsort(kept + list(axes)))
        if out is None:
            return np.ascontiguousarray(back).reshape(array.shape)
        np.copyto(out, back, casting="same_kind")
        return out


cdef object rounded_to(object dtype, object result):
    """The result in its dtype; what becomes zero there becomes +0."""
    return result if result.dtype == dtype else result.astype(dtype) + dtype.type(0)


cdef bint is_real(object dtype):
    # longdouble has no kernel, and neither have the float8 of ml_dtypes, whose kind is "f" too
    return dtype.kind in "iub" or dtype.char in "efd" or dtype.name == "bfloat16"


cdef bint is_masked(object value):
    # NumPy imports numpy.ma for whoever asks for it, which takes 10 ms; who has not, has no such array
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(value, ma.MaskedArray)


cpdef object unmasked_array(object value, str name):
    """value as an array, which a mask would not survive."""
    if is_masked(value):
        raise TypeError(
            f"{name} is a masked array; fill or compress it first, its mask would be lost"
        )
    return np.asarray(value)


cpdef object real_array(object x, str name):
    """x as a plain array of real numbers, nothing copied that already is one."""
    array = unmasked_array(x, name)
    dtype = array.dtype
    if not is_real(dtype):
        # the float8 of ml_dtypes are of kind f or V
        raise TypeError(
            f"{name} must be float16, bfloat16, float32, float64 or integers, got dtype {dtype}"
            if "float" in dtype.name
            else f"{name} must be real numbers, got dtype {dtype}"
        )
    return array


cpdef object result_dtype(object dtype):
    """Floats stay what they are, in native byte order; integers become float64."""
    return np.dtype(np.float64) if dtype.kind in "iub" else dtype.newbyteorder("=")


cdef tuple normalized_axes(object axis, int ndim):
    """The reduced axes, each once, counted from the front. A 0-d array has one axis to reduce, as
    NumPy's reductions have it, which here is none."""
    if axis is None:
        return tuple(range(ndim))
    axes = []
    for one in axis if isinstance(axis, tuple) else (axis,):
        index = operator.index(one)
        if not -max(ndim, 1) <= index < max(ndim, 1):
            raise AxisError(index, ndim)
        index %= max(ndim, 1)
        if index in axes:
            raise ValueError("duplicate value in 'axis'")
        axes.append(index)
    return tuple(axes) if ndim else ()


def temperature_array(temperature):
    """The temperature or temperatures in float64, each checked."""
    given = unmasked_array(temperature, "temperature")
    if isinstance(temperature, int) and given.dtype == object:
        raise ValueError("temperature is an integer past 2**64; give it as a float")
    if not is_real(given.dtype):
        got = (
            f"an array of dtype {given.dtype}"
            if isinstance(temperature, (np.ndarray, list, tuple))
            else type(temperature).__name__
        )
        raise TypeError(f"temperature must be a real number or an array of them, got {got}")
    values = given.astype(np.float64)
    invalid = ~(values >= 0)
    if invalid.any():
        where = np.unravel_index(invalid.argmax(), values.shape)
        at = "[" + ", ".join(str(i) for i in where) + "]" if where else ""
        raise ValueError(f"temperature{at} must be >= 0, got {given[where]}")
    return values


cdef cnp.ndarray temperatures_by_row(object temperature, tuple keepdims_shape, tuple reduced_shape,
                                     int ndim):
    """The temperature as a 0-d array, or one for each row in their order."""
    values = temperature_array(temperature)
    if values.ndim == 0:
        return values
    shape = keepdims_shape if values.ndim == ndim else reduced_shape
    try:
        return np.array(np.broadcast_to(values, shape), order="C").reshape(-1)
    except ValueError:
        raise ValueError(
            f"temperature of shape {values.shape} fits neither {keepdims_shape} nor {reduced_shape}"
        ) from None


cdef int check_out(object out, object dtype, tuple shape) except -1:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    if is_masked(out):
        raise TypeError("out must be a plain array, got a masked array")
    if out.dtype != dtype:
        raise ValueError(f"out must have dtype {dtype}, got {out.dtype}")
    if out.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {out.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    return 0


def softmax(x, temperature=1.0, *, axis=-1, out=None):
    """Probabilities ``exp(x / temperature) / sum(exp(x / temperature))``.

    Right to 1 ULP (float32) or 2 ULP (float64) in every element, at any temperature, offset and
    length, and the same bits on every machine. The second argument is the temperature; SciPy's is
    the axis.

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
    >>> softdraw.softmax([1.0, 2.0], 5)
    array([0.450166, 0.549834])
    >>> softdraw.softmax([1000.0, 1001.0], 0)
    array([0., 1.])

    One temperature for each row:

    >>> softdraw.softmax([[1.0, 2.0], [1.0, 2.0]], [1, 2])
    array([[0.26894142, 0.73105858],
           [0.37754067, 0.62245933]])
    """
    result = plain_case(SOFTMAX, x, temperature, axis, out)
    return call(SOFTMAX, x, temperature, axis, out, False) if result is None else result


def log_softmax(x, temperature=1.0, *, axis=-1, out=None):
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
    result = plain_case(LOG_SOFTMAX, x, temperature, axis, out)
    return call(LOG_SOFTMAX, x, temperature, axis, out, False) if result is None else result


def logsumexp(x, temperature=1.0, *, axis=-1, keepdims=False):
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
    if not keepdims:
        result = plain_case(LOGSUMEXP, x, temperature, axis, None)
        if result is not None:
            return result[()]
    return call(LOGSUMEXP, x, temperature, axis, None, keepdims)
