/* The softmax family of softdraw.h: temperatures checked, then the tier's kernel. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

static int temperatures_valid(const double *temperature, ptrdiff_t stride, size_t rows, double least) {
    const size_t count = stride == 0 && rows > 1 ? 1 : rows;
    for (size_t r = 0; r < count; r++)
        if (!(temperature[(ptrdiff_t)r * stride] >= least)) return 0;
    return 1;
}

/* Whether what n elements of each row are read from, or `written` of them written to, is nowhere. */
static int is_missing(const void *x, const void *out, const double *temperature, size_t rows, size_t n,
                      size_t written) {
    return rows && (!temperature || (n && !x) || (written && !out));
}

/* of n elements a row, `written` come out */
#define SD_DEFINE(name, type, written)                                                                     \
    int softdraw_##name(const type *x, ptrdiff_t x_stride, type *out, ptrdiff_t out_stride,       \
                        size_t rows, size_t n, const double *temperature,                         \
                        ptrdiff_t temperature_stride) {                                           \
        const sd_kernels *kernels = sd_kernels_in_use();                                          \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                                  \
        if (is_missing(x, out, temperature, rows, n, written)) return SOFTDRAW_ERROR_NULL;        \
        if (!temperatures_valid(temperature, temperature_stride, rows, 0))                        \
            return SOFTDRAW_ERROR_TEMPERATURE;                                                    \
        const sd_rows all = {x_stride, out_stride, temperature_stride, rows, n, temperature};     \
        kernels->name(x, out, &all);                                                              \
        return SOFTDRAW_OK;                                                                       \
    }

SD_DEFINE(softmax_f32, float, n)
SD_DEFINE(softmax_f64, double, n)
SD_DEFINE(softmax_f16, uint16_t, n)
SD_DEFINE(softmax_bf16, uint16_t, n)
SD_DEFINE(log_softmax_f32, float, n)
SD_DEFINE(log_softmax_f64, double, n)
SD_DEFINE(log_softmax_f16, uint16_t, n)
SD_DEFINE(log_softmax_bf16, uint16_t, n)
SD_DEFINE(logsumexp_f32, float, 1)
SD_DEFINE(logsumexp_f64, double, 1)
SD_DEFINE(logsumexp_f16, uint16_t, 1)
SD_DEFINE(logsumexp_bf16, uint16_t, 1)
SD_DEFINE(entropy_f32, float, 1)
SD_DEFINE(entropy_f64, double, 1)
SD_DEFINE(entropy_f16, uint16_t, 1)
SD_DEFINE(entropy_bf16, uint16_t, 1)

#define SD_DEFINE_VJP(name, type)                                                                 \
    int softdraw_##name(const type *p, ptrdiff_t p_stride, const type *g, ptrdiff_t g_stride,     \
                        type *out, ptrdiff_t out_stride, size_t rows, size_t n,                   \
                        const double *temperature, ptrdiff_t temperature_stride) {                \
        const sd_kernels *kernels = sd_kernels_in_use();                                          \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                                  \
        if (is_missing(p, out, temperature, rows, n, n) || (rows && n && !g))                     \
            return SOFTDRAW_ERROR_NULL;                                                           \
        if (!temperatures_valid(temperature, temperature_stride, rows, DBL_TRUE_MIN))             \
            return SOFTDRAW_ERROR_TEMPERATURE;                                                    \
        const sd_rows all = {p_stride, out_stride, temperature_stride, rows, n, temperature};     \
        kernels->name(p, g, g_stride, out, &all);                                                 \
        return SOFTDRAW_OK;                                                                       \
    }

SD_DEFINE_VJP(softmax_vjp_f32, float)
SD_DEFINE_VJP(softmax_vjp_f64, double)
