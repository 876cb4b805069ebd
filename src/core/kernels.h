/* What a tier provides: the table of kernels that dispatch.c chooses from. */
#ifndef SD_KERNELS_H
#define SD_KERNELS_H

#include "alias_weights.h"
#include "softdraw.h"
#include "moments.h"

#include <stddef.h>
#include <stdint.h>

/* rows of n elements and their temperatures, as in softdraw.h, already checked */
typedef struct {
    ptrdiff_t x_stride, out_stride, temperature_stride;
    size_t rows, n;
    const double *temperature;
} sd_rows;

/* what rows of logits are: float32 or float64, or halves to be taken as float32 */
enum sd_format { SD_NATIVE, SD_F16, SD_BF16 };

/* A row of logits and what of it may be drawn: all, or by bytes, or by bits. */
typedef struct {
    const void *x;
    int format;
    const uint8_t *allowed;
    const uint32_t *bits;
    size_t n;
} sd_source;

static inline int sd_as_it_lies(const sd_source *row) {
    return row->format == SD_NATIVE && !row->allowed && !row->bits;
}

/* Where the scratch of draws holds what, in reals: `room` items, twice, the second time after samples and
 * their masses, then the maxima of groups, then the items' indices. room is a little more than n, so that
 * packs may run over ends. */
enum { SD_SAMPLES = 2048 };
static inline size_t sd_room(size_t n) { return (n + 79) / 16 * 16; }

/* draws from each of many rows, as in softdraw.h, already checked */
typedef struct {
    const void *x;
    int format;
    ptrdiff_t x_stride;
    size_t rows, n, draws;
    const softdraw_filters *filters;
    const uint64_t *words;
    int64_t *out;
    void *logprobs, *scratch;
} sd_draws;

typedef struct {
    void (*softmax_f32)(const float *x, float *out, const sd_rows *rows);
    void (*softmax_f64)(const double *x, double *out, const sd_rows *rows);
    void (*softmax_f16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*softmax_bf16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*log_softmax_f32)(const float *x, float *out, const sd_rows *rows);
    void (*log_softmax_f64)(const double *x, double *out, const sd_rows *rows);
    void (*log_softmax_f16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*log_softmax_bf16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*logsumexp_f32)(const float *x, float *out, const sd_rows *rows);
    void (*logsumexp_f64)(const double *x, double *out, const sd_rows *rows);
    void (*logsumexp_f16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*logsumexp_bf16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*entropy_f32)(const float *x, float *out, const sd_rows *rows);
    void (*entropy_f64)(const double *x, double *out, const sd_rows *rows);
    void (*entropy_f16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    void (*entropy_bf16)(const uint16_t *x, uint16_t *out, const sd_rows *rows);
    /* n >= 1 */
    void (*moments_f64)(const double *x, size_t n, double t, sd_moments *moments);
    /* x, x_stride are those of p */
    void (*softmax_vjp_f32)(const float *p, const float *g, ptrdiff_t g_stride, float *out,
                            const sd_rows *rows);
    void (*softmax_vjp_f64)(const double *p, const double *g, ptrdiff_t g_stride, double *out,
                            const sd_rows *rows);
    int (*sample_f32)(const sd_draws *all, size_t *where);
    int (*sample_f64)(const sd_draws *all, size_t *where);
    /* as in transpose.h, with strides in elements */
    void (*transpose_16)(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t columns, int past_caches);
    void (*transpose_32)(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t columns, int past_caches);
    void (*transpose_64)(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t columns, int past_caches);
    /* steps all eight lanes of s `blocks` times, eight words a step */
    void (*xoshiro_blocks)(uint64_t s[4][8], uint64_t *out, size_t blocks);
    void (*alias_map)(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out);
    /* These copy n weights and see what they are; each returns the index of the first that is none,
     * or n. */
    size_t (*alias_read_f64)(const double *weights, size_t n, uint64_t *copy, sd_weights *seen);
    size_t (*alias_read_f32)(const float *weights, size_t n, uint64_t *copy, sd_weights *seen);
    size_t (*alias_read_u64)(const uint64_t *weights, size_t n, uint64_t *copy, sd_weights *seen);
    /* These turn copies into units in place, with marks, and return the units' sum. */
    sd_units_of *alias_units_of_doubles, *alias_units_of_integers;
} sd_kernels;

/* The kernels of the tier in use; NULL if SOFTDRAW_ISA names one that is not available. */
const sd_kernels *sd_kernels_in_use(void);

extern const sd_kernels sd_kernels_scalar, sd_kernels_avx2, sd_kernels_avx512, sd_kernels_neon;

#endif
