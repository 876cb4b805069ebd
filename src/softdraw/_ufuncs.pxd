"""The kernels of the softmax family, and NumPy generalized ufuncs that run them on any arrays."""

cimport numpy as cnp
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint16_t

from softdraw._arguments cimport is_bfloat16

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

# One of the functions of this module: its kernels, NULL where it has none for a type, and whether it
# turns a row into one number.
cdef struct Function:
    kernel_half f16
    kernel_half bf16
    kernel_f32 f32
    kernel_f64 f64
    kernel_vjp_f32 vjp_f32
    kernel_vjp_f64 vjp_f64
    bint reduces

cdef Function SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, ENTROPY, SOFTMAX_VJP


cdef inline ptrdiff_t size_of_item(int type_num) noexcept nogil:
    return 8 if type_num == cnp.NPY_FLOAT64 else 4 if type_num == cnp.NPY_FLOAT32 else 2


cdef inline int run(const Function *function, int type_num, const void *x, ptrdiff_t x_stride,
                    const void *g, ptrdiff_t g_stride, void *out, ptrdiff_t out_stride, size_t rows,
                    size_t n, const double *temperature,
                    ptrdiff_t temperature_stride) noexcept nogil:
    """Run one kernel. Strides are in elements; g is for softmax_vjp only."""
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


cdef inline bint has_kernel(const Function *function, int type_num) noexcept:
    if type_num == cnp.NPY_FLOAT32 or type_num == cnp.NPY_FLOAT64:
        return True
    if type_num == cnp.NPY_FLOAT16:
        return function.f16 != NULL
    return is_bfloat16(type_num) and function.bf16 != NULL


# The ufunc of a function, which takes arrays of a type that has_kernel, and float64 temperatures.
cdef object ufunc_of(const Function *function, object dtype)

# What the ufunc of a function does with these arrays, in threads. All are aligned, and of the types that the
# ufunc takes. The last axis of the inputs, and of a result that is not one number per row, is that of the rows;
# the others are those of the temperatures. The result shares no memory with other arrays, but may be an input.
cdef int compute_in_threads(const Function *function, list inputs, cnp.ndarray temperatures,
                            cnp.ndarray out, int workers) except -1
