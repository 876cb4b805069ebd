/* The functions of softdraw.h on rows: softmax, log_softmax, logsumexp, entropy, softmax_vjp and those on rows
 * in pieces. They check their arguments and call the kernel of the tier in use. */
#include "arith/host_state.h"
#include "kernels.h"
#include "softdraw.h"

/* Returns the error code of a call that writes `written` items per row, or SOFTDRAW_OK. */
SD_INLINE int check_rows(const void *x, const void *out, const sd_rows *all, size_t written,
                         double min_temperature) {
    if (all->rows == 0) return SOFTDRAW_OK;
    if (!all->temperature || (all->n && !x) || (written && !out)) return SOFTDRAW_ERROR_NULL;
    const size_t temperatures = all->temperature_stride ? all->rows : 1;
    for (size_t r = 0; r < temperatures; r++)
        if (!(all->temperature[(ptrdiff_t)r * all->temperature_stride] >= min_temperature))
            return SOFTDRAW_ERROR_TEMPERATURE;
    return SOFTDRAW_OK;
}

/* The stride of rows that kernels add after each row: 0 for one row, so that any stride is as good as others.
 * Of rows without elements the number is taken to be 0, because they may be at NULL. */
SD_INLINE ptrdiff_t stride_of(ptrdiff_t stride, size_t rows) { return rows > 1 ? stride : 0; }

/* Defines a function of softdraw.h that writes `written` items per row. sd_kernels_in_use is called last,
 * when few values have to be kept across the call. */
#define DEFINE_ROWS(function, kernel, TYPE, item, written)                                        \
    int function(const item *x, ptrdiff_t x_stride, item *out, ptrdiff_t out_stride, size_t rows, \
                 size_t n, const double *temperature, ptrdiff_t temperature_stride) {             \
        const sd_host_state before = sd_set_default_state();                                      \
        const sd_rows all = {stride_of(x_stride, n ? rows : 0),                                   \
                             stride_of(out_stride, rows),                                         \
                             stride_of(temperature_stride, rows),                                 \
                             rows, n, temperature};                                               \
        int error = check_rows(x, out, &all, written, 0);                                         \
        if (!error) {                                                                             \
            const sd_kernels *kernels = sd_kernels_in_use(TYPE);                                  \
            if (kernels) kernels->kernel(x, out, &all);                                           \
            else error = SOFTDRAW_ERROR_ISA;                                                      \
        }                                                                                         \
        sd_restore_state(before);                                                                 \
        return error;                                                                             \
    }
DEFINE_ROWS(softdraw_softmax_f32, softmax, SD_F32, float, n)
DEFINE_ROWS(softdraw_softmax_f64, softmax, SD_F64, double, n)
DEFINE_ROWS(softdraw_softmax_f16, softmax, SD_F16, uint16_t, n)
DEFINE_ROWS(softdraw_softmax_bf16, softmax, SD_BF16, uint16_t, n)
DEFINE_ROWS(softdraw_log_softmax_f32, log_softmax, SD_F32, float, n)
DEFINE_ROWS(softdraw_log_softmax_f64, log_softmax, SD_F64, double, n)
DEFINE_ROWS(softdraw_log_softmax_f16, log_softmax, SD_F16, uint16_t, n)
DEFINE_ROWS(softdraw_log_softmax_bf16, log_softmax, SD_BF16, uint16_t, n)
DEFINE_ROWS(softdraw_logsumexp_f32, logsumexp, SD_F32, float, 1)
DEFINE_ROWS(softdraw_logsumexp_f64, logsumexp, SD_F64, double, 1)
DEFINE_ROWS(softdraw_logsumexp_f16, logsumexp, SD_F16, uint16_t, 1)
DEFINE_ROWS(softdraw_logsumexp_bf16, logsumexp, SD_BF16, uint16_t, 1)
DEFINE_ROWS(softdraw_entropy_f32, entropy, SD_F32, float, 1)
DEFINE_ROWS(softdraw_entropy_f64, entropy, SD_F64, double, 1)
DEFINE_ROWS(softdraw_entropy_f16, entropy, SD_F16, uint16_t, 1)
DEFINE_ROWS(softdraw_entropy_bf16, entropy, SD_BF16, uint16_t, 1)

#define DEFINE_VJP(function, TYPE, real)                                                          \
    int function(const real *p, ptrdiff_t p_stride, const real *g, ptrdiff_t g_stride, real *out, \
                 ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,          \
                 ptrdiff_t temperature_stride) {                                                  \
        if (rows && n && !g) return SOFTDRAW_ERROR_NULL;                                          \
        const sd_host_state before = sd_set_default_state();                                      \
        const sd_rows all = {stride_of(p_stride, rows),                                           \
                             stride_of(out_stride, rows),                                         \
                             stride_of(temperature_stride, rows),                                 \
                             rows, n, temperature};                                               \
        int error = check_rows(p, out, &all, n, DBL_TRUE_MIN);                                    \
        if (!error) {                                                                             \
            const sd_kernels *kernels = sd_kernels_in_use(TYPE);                                  \
            if (kernels) kernels->softmax_vjp(p, g, stride_of(g_stride, rows), out, &all);        \
            else error = SOFTDRAW_ERROR_ISA;                                                      \
        }                                                                                         \
        sd_restore_state(before);                                                                 \
        return error;                                                                             \
    }
DEFINE_VJP(softdraw_softmax_vjp_f32, SD_F32, float)
DEFINE_VJP(softdraw_softmax_vjp_f64, SD_F64, double)

/* Partials lie one after another, and so do their temperatures. */
enum { PARTIAL_DOUBLES = sizeof(softdraw_partial) / sizeof(double) };

#define DEFINE_PARTIAL(function, TYPE, real)                                                      \
    int function(const real *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows, size_t n, \
                 const double *temperature, ptrdiff_t temperature_stride) {                       \
        const sd_host_state before = sd_set_default_state();                                      \
        const sd_rows all = {stride_of(x_stride, n ? rows : 0),                                   \
                             1,                                                                   \
                             stride_of(temperature_stride, rows),                                 \
                             rows, n, temperature};                                               \
        int error = check_rows(x, out, &all, 1, 0);                                               \
        if (!error) {                                                                             \
            const sd_kernels *kernels = sd_kernels_in_use(TYPE);                                  \
            if (kernels) kernels->find_partials(x, out, &all);                                    \
            else error = SOFTDRAW_ERROR_ISA;                                                      \
        }                                                                                         \
        sd_restore_state(before);                                                                 \
        return error;                                                                             \
    }
DEFINE_PARTIAL(softdraw_partial_f32, SD_F32, float)
DEFINE_PARTIAL(softdraw_partial_f64, SD_F64, double)

#define DEFINE_PIECE(function, TYPE, real)                                                        \
    int function(const real *x, ptrdiff_t x_stride, const softdraw_partial *whole, real *out,     \
                 ptrdiff_t out_stride, size_t rows, size_t n, int logarithms) {                   \
        if (rows && !whole) return SOFTDRAW_ERROR_NULL;                                           \
        const sd_host_state before = sd_set_default_state();                                      \
        const sd_rows all = {stride_of(x_stride, n ? rows : 0),                                   \
                             stride_of(out_stride, rows),                                         \
                             PARTIAL_DOUBLES,                                                     \
                             rows, n, rows ? &whole->temperature : NULL};                         \
        int error = check_rows(x, out, &all, n, 0);                                               \
        if (!error) {                                                                             \
            const sd_kernels *kernels = sd_kernels_in_use(TYPE);                                  \
            if (kernels) kernels->write_from_partials(x, whole, out, &all, logarithms);           \
            else error = SOFTDRAW_ERROR_ISA;                                                      \
        }                                                                                         \
        sd_restore_state(before);                                                                 \
        return error;                                                                             \
    }
DEFINE_PIECE(softdraw_softmax_piece_f32, SD_F32, float)
DEFINE_PIECE(softdraw_softmax_piece_f64, SD_F64, double)

int softdraw_combine_partials(const softdraw_partial *partials, ptrdiff_t stride, softdraw_partial *out,
                              size_t rows, size_t n) {
    if (rows == 0) return SOFTDRAW_OK;
    if (n == 0) return SOFTDRAW_ERROR_LENGTH;
    if (!partials || !out) return SOFTDRAW_ERROR_NULL;
    const sd_host_state before = sd_set_default_state();
    stride = stride_of(stride, rows);
    const sd_rows all = {0, 1, PARTIAL_DOUBLES * stride, rows, n, &partials->temperature};
    int error = check_rows(partials, out, &all, 1, 0);
    if (!error) {
        const sd_kernels *kernels = sd_kernels_in_use(SD_F64);
        if (kernels) kernels->combine_partials(partials, stride, out, rows, n);
        else error = SOFTDRAW_ERROR_ISA;
    }
    sd_restore_state(before);
    return error;
}
