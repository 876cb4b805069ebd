/* The softmax family of softdraw.h: temperatures checked, then the tier's kernel. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

/* What is wrong with rows of x, of whose n elements each `written` come out, if anything is. */
SD_INLINE int checked(const void *x, const void *out, const sd_rows *all, size_t written, double least) {
    if (all->rows == 0) return SOFTDRAW_OK;
    if (!all->temperature || (all->n && !x) || (written && !out)) return SOFTDRAW_ERROR_NULL;
    const size_t temperatures = all->temperature_stride ? all->rows : 1;
    for (size_t r = 0; r < temperatures; r++)
        if (!(all->temperature[(ptrdiff_t)r * all->temperature_stride] >= least))
            return SOFTDRAW_ERROR_TEMPERATURE;
    return SOFTDRAW_OK;
}

/* The kernels are asked for last: little is then to be kept while they are. */
#define SD_DEFINE(name, type, written)                                                            \
    int softdraw_##name(const type *x, ptrdiff_t x_stride, type *out, ptrdiff_t out_stride,       \
                        size_t rows, size_t n, const double *temperature,                         \
                        ptrdiff_t temperature_stride) {                                           \
        const sd_rows all = {x_stride, out_stride, temperature_stride, rows, n, temperature};     \
        const int error = checked(x, out, &all, written, 0);                                      \
        if (error) return error;                                                                  \
        const sd_kernels *kernels = sd_kernels_in_use();                                          \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                                  \
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
        const sd_rows all = {p_stride, out_stride, temperature_stride, rows, n, temperature};     \
        if (rows && n && !g) return SOFTDRAW_ERROR_NULL;                                          \
        const int error = checked(p, out, &all, n, DBL_TRUE_MIN);                                 \
        if (error) return error;                                                                  \
        const sd_kernels *kernels = sd_kernels_in_use();                                          \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                                  \
        kernels->name(p, g, g_stride, out, &all);                                                 \
        return SOFTDRAW_OK;                                                                       \
    }

SD_DEFINE_VJP(softmax_vjp_f32, float)
SD_DEFINE_VJP(softmax_vjp_f64, double)
