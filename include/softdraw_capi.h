/* The functions of softdraw.h for extension modules that are not linked with them: pointers, in a
 * capsule that the Python package softdraw holds.
 *
 * Include this after Python.h, call softdraw_capi_import once, and call through what it returns.
 * The inline functions of softdraw.h work beside it. */
#ifndef SOFTDRAW_CAPI_H
#define SOFTDRAW_CAPI_H

#include "softdraw.h"

#define SOFTDRAW_CAPI_NAME "softdraw._core._C_API"

/* Changes when a member changes its type, its place or its meaning: in a major release only. */
#define SOFTDRAW_CAPI_VERSION 1

typedef struct {
    size_t size; /* of this struct in bytes: minor releases add members, at its end */
    int abi;     /* SOFTDRAW_CAPI_VERSION */
    /* Made from softdraw.h by tools/declarations.py: begin */
    /*  0 */ const char *(*strerror)(int error);
    /*  1 */ int (*version)(void);
    /*  2 */ const char *(*tier_name)(int tier);
    /*  3 */ int (*tier_available)(int tier);
    /*  4 */ int (*tier_in_use)(void);
    /*  5 */ int (*softmax_f32)(const float *x, ptrdiff_t x_stride, float *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /*  6 */ int (*softmax_f64)(const double *x, ptrdiff_t x_stride, double *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /*  7 */ int (*softmax_f16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /*  8 */ int (*softmax_bf16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                 ptrdiff_t out_stride, size_t rows, size_t n,
                                 const double *temperature, ptrdiff_t temperature_stride);
    /*  9 */ int (*log_softmax_f32)(const float *x, ptrdiff_t x_stride, float *out,
                                    ptrdiff_t out_stride, size_t rows, size_t n,
                                    const double *temperature, ptrdiff_t temperature_stride);
    /* 10 */ int (*log_softmax_f64)(const double *x, ptrdiff_t x_stride, double *out,
                                    ptrdiff_t out_stride, size_t rows, size_t n,
                                    const double *temperature, ptrdiff_t temperature_stride);
    /* 11 */ int (*log_softmax_f16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                    ptrdiff_t out_stride, size_t rows, size_t n,
                                    const double *temperature, ptrdiff_t temperature_stride);
    /* 12 */ int (*log_softmax_bf16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                     ptrdiff_t out_stride, size_t rows, size_t n,
                                     const double *temperature, ptrdiff_t temperature_stride);
    /* 13 */ int (*logsumexp_f32)(const float *x, ptrdiff_t x_stride, float *out,
                                  ptrdiff_t out_stride, size_t rows, size_t n,
                                  const double *temperature, ptrdiff_t temperature_stride);
    /* 14 */ int (*logsumexp_f64)(const double *x, ptrdiff_t x_stride, double *out,
                                  ptrdiff_t out_stride, size_t rows, size_t n,
                                  const double *temperature, ptrdiff_t temperature_stride);
    /* 15 */ int (*logsumexp_f16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                  ptrdiff_t out_stride, size_t rows, size_t n,
                                  const double *temperature, ptrdiff_t temperature_stride);
    /* 16 */ int (*logsumexp_bf16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                   ptrdiff_t out_stride, size_t rows, size_t n,
                                   const double *temperature, ptrdiff_t temperature_stride);
    /* 17 */ int (*entropy_f32)(const float *x, ptrdiff_t x_stride, float *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /* 18 */ int (*entropy_f64)(const double *x, ptrdiff_t x_stride, double *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /* 19 */ int (*entropy_f16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride);
    /* 20 */ int (*entropy_bf16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                 ptrdiff_t out_stride, size_t rows, size_t n,
                                 const double *temperature, ptrdiff_t temperature_stride);
    /* 21 */ int (*temperature_for_f64)(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                                        int quantity, const double *target, ptrdiff_t target_stride,
                                        double *out, size_t *where);
    /* 22 */ int (*temperature_for_range_f64)(const double *x, size_t n, int quantity,
                                              double range[2]);
    /* 23 */ int (*softmax_vjp_f32)(const float *p, ptrdiff_t p_stride, const float *g,
                                    ptrdiff_t g_stride, float *out, ptrdiff_t out_stride,
                                    size_t rows, size_t n, const double *temperature,
                                    ptrdiff_t temperature_stride);
    /* 24 */ int (*softmax_vjp_f64)(const double *p, ptrdiff_t p_stride, const double *g,
                                    ptrdiff_t g_stride, double *out, ptrdiff_t out_stride,
                                    size_t rows, size_t n, const double *temperature,
                                    ptrdiff_t temperature_stride);
    /* 25 */ int (*xoshiro_seed)(softdraw_xoshiro *generator, const uint64_t state[4]);
    /* 26 */ uint64_t (*xoshiro_next)(softdraw_xoshiro *generator);
    /* 27 */ int (*xoshiro_fill)(softdraw_xoshiro *generator, uint64_t *out, size_t n);
    /* 28 */ int (*xoshiro_jump)(softdraw_xoshiro *generator, uint64_t jumps);
    /* 29 */ unsigned (*alias_bits)(size_t n);
    /* 30 */ int (*alias_build_f64)(const double *weights, size_t n, uint64_t *buckets,
                                    uint64_t *scratch, size_t *where);
    /* 31 */ int (*alias_build_f32)(const float *weights, size_t n, uint64_t *buckets,
                                    uint64_t *scratch, size_t *where);
    /* 32 */ int (*alias_build_u64)(const uint64_t *weights, size_t n, uint64_t *buckets,
                                    uint64_t *scratch, size_t *where);
    /* 33 */ size_t (*alias_scratch)(size_t n);
    /* 34 */ int (*alias_units)(const uint64_t *buckets, unsigned bits, size_t n, uint64_t *units);
    /* 35 */ int (*alias_map)(const uint64_t *buckets, unsigned bits, const uint64_t *words,
                              size_t n, int64_t *out);
    /* 36 */ int (*alias_sample)(const uint64_t *buckets, unsigned bits,
                                 softdraw_xoshiro *generator, size_t n, int64_t *out);
    /* 37 */ int (*alias_draw)(const uint64_t *buckets, unsigned bits,
                               uint64_t (*next)(void *state), void *state, size_t n, int64_t *out);
    /* 38 */ size_t (*alias_rows_max_buckets)(const int64_t *indptr, size_t rows);
    /* 39 */ size_t (*alias_rows_max_length)(const int64_t *indptr, size_t rows);
    /* 40 */ int (*alias_rows_build_f64)(const double *weights, const int64_t *indptr, size_t rows,
                                         uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                         size_t *where);
    /* 41 */ int (*alias_rows_build_f32)(const float *weights, const int64_t *indptr, size_t rows,
                                         uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                         size_t *where);
    /* 42 */ int (*alias_rows_build_u64)(const uint64_t *weights, const int64_t *indptr,
                                         size_t rows, uint64_t *records, uint64_t *buckets,
                                         uint64_t *scratch, size_t *where);
    /* 43 */ int (*alias_rows_map)(const uint64_t *buckets, const uint64_t *records, size_t count,
                                   const int64_t *rows, const uint64_t *words, size_t n,
                                   int64_t *out, size_t *where);
    /* 44 */ int (*sample_f32)(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                               const softdraw_filters *filters, const uint64_t *words, size_t draws,
                               int64_t *ids, float *logprobs, void *scratch, size_t *where);
    /* 45 */ int (*sample_f64)(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                               const softdraw_filters *filters, const uint64_t *words, size_t draws,
                               int64_t *ids, double *logprobs, void *scratch, size_t *where);
    /* 46 */ int (*sample_f16)(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                               const softdraw_filters *filters, const uint64_t *words, size_t draws,
                               int64_t *ids, float *logprobs, void *scratch, size_t *where);
    /* 47 */ int (*sample_bf16)(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                                const softdraw_filters *filters, const uint64_t *words,
                                size_t draws, int64_t *ids, float *logprobs, void *scratch,
                                size_t *where);
    /* 48 */ size_t (*sample_scratch_f32)(size_t n);
    /* 49 */ size_t (*sample_scratch_f64)(size_t n);
    /* 50 */ int (*tier_count)(void);
    /* 51 */ int (*xoshiro_advance)(softdraw_xoshiro *generator, uint64_t low, uint64_t high);
    /* 52 */ int (*partial_f32)(const float *x, ptrdiff_t x_stride, softdraw_partial *out,
                                size_t rows, size_t n, const double *temperature,
                                ptrdiff_t temperature_stride);
    /* 53 */ int (*partial_f64)(const double *x, ptrdiff_t x_stride, softdraw_partial *out,
                                size_t rows, size_t n, const double *temperature,
                                ptrdiff_t temperature_stride);
    /* 54 */ int (*combine_partials)(const softdraw_partial *partials, ptrdiff_t stride,
                                     softdraw_partial *out, size_t rows, size_t n);
    /* 55 */ int (*softmax_piece_f32)(const float *x, ptrdiff_t x_stride,
                                      const softdraw_partial *whole, float *out,
                                      ptrdiff_t out_stride, size_t rows, size_t n, int logarithms);
    /* 56 */ int (*softmax_piece_f64)(const double *x, ptrdiff_t x_stride,
                                      const softdraw_partial *whole, double *out,
                                      ptrdiff_t out_stride, size_t rows, size_t n, int logarithms);
    /* tools/declarations.py: end */
} softdraw_capi;

#ifdef Py_PYTHON_H
/* The functions, which live as long as the process; NULL with an exception set if softdraw is not
 * there, or older than this header, or of another major version. It imports softdraw, and so needs
 * the GIL. */
static inline const softdraw_capi *softdraw_capi_import(void)
{
    const softdraw_capi *api = (const softdraw_capi *)PyCapsule_Import(SOFTDRAW_CAPI_NAME, 0);
    if (api && (api->abi != SOFTDRAW_CAPI_VERSION || api->size < sizeof *api)) {
        PyErr_Format(PyExc_ImportError,
                     "softdraw's C API is number %d of %zu bytes; number %d of %zu is needed",
                     api->abi, api->size, SOFTDRAW_CAPI_VERSION, sizeof *api);
        return NULL;
    }
    return api;
}
#endif

#endif
