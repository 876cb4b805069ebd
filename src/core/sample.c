/* Draws from logits, as softdraw.h has them: filters checked, then the tier's kernel. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

#include <math.h>

/* The first row whose value is not from least to most, or `rows`. */
static size_t first_outside(const double *value, ptrdiff_t stride, size_t rows, double least, double most) {
    const size_t count = !value ? 0 : stride == 0 && rows > 1 ? 1 : rows;
    for (size_t r = 0; r < count; r++)
        if (!(value[(ptrdiff_t)r * stride] >= least && value[(ptrdiff_t)r * stride] <= most)) return r;
    return rows;
}

static int check(const softdraw_filters *f, size_t rows, size_t n, size_t *where) {
    if (n == 0 || n > UINT32_MAX - 127) return SOFTDRAW_ERROR_LENGTH;
    *where = first_outside(f->temperature, f->temperature_stride, rows, 0, HUGE_VAL);
    if (*where < rows) return SOFTDRAW_ERROR_TEMPERATURE;
    const size_t count = !f->top_k ? 0 : f->top_k_stride == 0 && rows > 1 ? 1 : rows;
    for (*where = 0; *where < count; ++*where)
        if (f->top_k[(ptrdiff_t)*where * f->top_k_stride] == 0) return SOFTDRAW_ERROR_FILTER;
    *where = first_outside(f->top_p, f->top_p_stride, rows, 0, 1);
    if (*where < rows) return SOFTDRAW_ERROR_FILTER;
    *where = first_outside(f->min_p, f->min_p_stride, rows, 0, 1);
    return *where < rows ? SOFTDRAW_ERROR_FILTER : SOFTDRAW_OK;
}

static int is_missing(const void *logits, const softdraw_filters *f, const uint64_t *words, size_t draws,
                      const int64_t *ids, const void *logprobs, const void *scratch) {
    const int needs_scratch = f->top_k || f->top_p || f->min_p || logprobs;
    return !logits || (draws && (!words || !ids)) || (needs_scratch && !scratch);
}

static const softdraw_filters none; /* all NULL */

#define DEFINE_SAMPLE(function, TYPE, item, real, format)                                         \
    int function(const item *logits, ptrdiff_t x_stride, size_t rows, size_t n,                   \
                 const softdraw_filters *filters, const uint64_t *words, size_t draws,            \
                 int64_t *ids, real *logprobs, void *scratch, size_t *where) {                    \
        const sd_kernels *kernels = sd_kernels_in_use(TYPE);                                      \
        size_t place = 0;                                                                         \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                                  \
        if (rows == 0) return SOFTDRAW_OK;                                                        \
        if (!filters) filters = &none;                                                            \
        const sd_draws all = {logits, format,  x_stride, rows, n,                                 \
                              draws,  filters, words,    ids,  logprobs, scratch};                \
        int error = check(filters, rows, n, &place);                                              \
        if (error == SOFTDRAW_OK && is_missing(logits, filters, words, draws, ids, logprobs, scratch)) \
            return SOFTDRAW_ERROR_NULL;                                                           \
        if (error == SOFTDRAW_OK) error = kernels->sample(&all, &place);                          \
        if (error != SOFTDRAW_OK && where) *where = place;                                        \
        return error;                                                                             \
    }
DEFINE_SAMPLE(softdraw_sample_f32, SD_F32, float, float, SD_NATIVE)
DEFINE_SAMPLE(softdraw_sample_f64, SD_F64, double, double, SD_NATIVE)
DEFINE_SAMPLE(softdraw_sample_f16, SD_F32, uint16_t, float, SD_FORMAT_F16)
DEFINE_SAMPLE(softdraw_sample_bf16, SD_F32, uint16_t, float, SD_FORMAT_BF16)

static size_t scratch_bytes(size_t n, size_t itemsize) {
    const size_t room = sd_scratch_room(n);
    return room * (2 * itemsize + sizeof(uint32_t)) + (room / 16 + 2 * SD_MAX_SAMPLES) * itemsize;
}

size_t softdraw_sample_scratch_f32(size_t n) { return scratch_bytes(n, sizeof(float)); }
size_t softdraw_sample_scratch_f64(size_t n) { return scratch_bytes(n, sizeof(double)); }
