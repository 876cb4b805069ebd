/* What a tier provides: the tables of kernels that dispatch.c chooses from.
 *
 * Each file in tiers/ compiles the kernels for one tier and one item type, and fills one table by name.
 * The API (the files beside this one) checks its arguments, asks for the table of the tier in use, and
 * calls. */
#ifndef SD_KERNELS_H
#define SD_KERNELS_H

#include "alias/weights.h"
#include "rows/moments.h"
#include "softdraw.h"

#include <stddef.h>
#include <stdint.h>

/* Rows of n elements and their temperatures, as in softdraw.h, already checked. */
typedef struct {
    ptrdiff_t x_stride, out_stride, temperature_stride;
    size_t rows, n;
    const double *temperature;
} sd_rows;

/* What rows of logits consist of: reals, or halves that are taken as float32. */
enum sd_format { SD_NATIVE, SD_FORMAT_F16, SD_FORMAT_BF16 };

/* Draws from each of many rows, as in softdraw.h, already checked. */
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

/* Scratch layout of draws, in reals: kept[room], work[room + 2 * SD_MAX_SAMPLES], group_maxima[room / 16];
 * then indices[room] in 32-bit integers. The room is a little more than n, so that packs may run over
 * ends. */
enum { SD_MAX_SAMPLES = 2048 };
static inline size_t sd_scratch_room(size_t n) { return (n + 79) / 16 * 16; }

/* The kernels for one item type; NULL where a type has no such kernel. Pointers are to items or to
 * reals. */
typedef struct {
    void (*softmax)(const void *x, void *out, const sd_rows *rows);
    void (*log_softmax)(const void *x, void *out, const sd_rows *rows);
    void (*logsumexp)(const void *x, void *out, const sd_rows *rows);
    void (*entropy)(const void *x, void *out, const sd_rows *rows);
    /* float32 and float64; the strides of x are those of p */
    void (*softmax_vjp)(const void *p, const void *g, ptrdiff_t g_stride, void *out, const sd_rows *rows);
    /* float32, which takes halves, too, and float64 */
    int (*sample)(const sd_draws *draws, size_t *where);
    /* float64, n >= 1 */
    void (*find_moments)(const double *x, size_t n, double t, sd_moments *moments);
    /* items of 16, 32 and 64 bits, as in transpose.h, but with strides in items; not bfloat16, which is
     * transposed as float16 */
    void (*transpose)(const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride, size_t rows,
                      size_t columns, int past_caches);
} sd_kernels;

/* The members that every item type fills. */
#define SD_ROW_KERNELS .softmax = softmax, .log_softmax = log_softmax, .logsumexp = logsumexp, .entropy = entropy

/* The types of weights. */
enum sd_weight_type { SD_WEIGHTS_F64, SD_WEIGHTS_F32, SD_WEIGHTS_U64, SD_WEIGHT_TYPES };

/* The kernels on 64-bit words: generator and alias tables. */
typedef struct {
    /* steps all eight lanes of s `blocks` times, eight words per step */
    void (*xoshiro_blocks)(uint64_t s[4][8], uint64_t *out, size_t blocks);
    void (*alias_map)(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out);
    /* For each weight type: copies n weights and learns what alias/weights.h lists; returns the index of the
     * first invalid weight, or n. */
    size_t (*read_weights[SD_WEIGHT_TYPES])(const void *weights, size_t n, uint64_t *copy,
                                            sd_weights *seen);
    /* Turns copies into units in place, marks them, and returns the sum of the units. */
    uint64_t (*round_units)(uint64_t *copy, size_t n, int is_integer, const sd_ratio *ratio,
                            uint64_t capacity, const sd_marks *marks);
} sd_word_kernels;

/* The item types that have tables of sd_kernels. */
enum sd_type { SD_F32, SD_F64, SD_F16, SD_BF16, SD_TYPES };

/* The kernels of the tier in use; NULL if SOFTDRAW_ISA names a tier that is not available. */
const sd_kernels *sd_kernels_in_use(enum sd_type type);
const sd_word_kernels *sd_word_kernels_in_use(void);

/* The reference, which is always there. */
extern const sd_word_kernels sd_scalar_words;

/* The name of the table for a tier and an item type. */
#define SD_TABLE_NAME(tier, type) sd_##tier##_##type
#define SD_TABLE_OF(tier, type) SD_TABLE_NAME(tier, type)

#endif
