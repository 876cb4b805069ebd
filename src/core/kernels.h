/* What a tier (an instruction set that the kernels are compiled for) provides: tables of functions.
 *
 * Each file in tiers/ compiles the kernels for one tier and one item type, and fills one table by name. The
 * files beside this one, which define the functions of softdraw.h, check their arguments, ask dispatch.c
 * for the table of the tier in use, and call the kernel. */
#ifndef SD_KERNELS_H
#define SD_KERNELS_H

#include "alias/weights.h"
#include "rows/moments.h"
#include "softdraw.h"

/* The arguments of a function of softdraw.h on rows of n elements, already checked. */
typedef struct {
    ptrdiff_t x_stride, out_stride, temperature_stride;
    size_t rows, n;
    const double *temperature;
} sd_rows;

/* The item types of logits to draw from: that of the table, or float16 or bfloat16 in float32's table. */
enum sd_format { SD_NATIVE, SD_FORMAT_F16, SD_FORMAT_BF16 };

/* The arguments of draws from each of many rows, as in softdraw.h, already checked. logprobs may be NULL;
 * scratch belongs to the caller and is laid out as follows. */
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

/* Scratch layout: kept[room], work[room + 2 * SD_MAX_SAMPLES] and group_maxima[room / 16] of the type that
 * is computed in, then indices[room] of 32-bit integers. The room is a little more than n, so that whole
 * packs can be stored at the end. */
enum { SD_MAX_SAMPLES = 2048 };
static inline size_t sd_scratch_room(size_t n) { return (n + 79) / 16 * 16; }

/* The kernels for one item type; a member is NULL where a type has no such kernel. Pointers without a type
 * are to items, those of sample and softmax_vjp to the type that is computed in. */
typedef struct {
    void (*softmax)(const void *x, void *out, const sd_rows *rows);
    void (*log_softmax)(const void *x, void *out, const sd_rows *rows);
    void (*logsumexp)(const void *x, void *out, const sd_rows *rows);
    void (*entropy)(const void *x, void *out, const sd_rows *rows);
    /* float32 and float64; the strides of x are those of p */
    void (*softmax_vjp)(const void *p, const void *g, ptrdiff_t g_stride, void *out, const sd_rows *rows);
    /* float32, which takes float16 and bfloat16, too, and float64. Returns 0 or an error code, and sets
     * *where then, as softdraw_sample_f32 in softdraw.h does. */
    int (*sample)(const sd_draws *draws, size_t *where);
    /* float32 and float64; of rows that lie in pieces, as softdraw.h describes them. write_from_partials has
     * logarithms for a flag, and its temperatures are those of `whole`. */
    void (*find_partials)(const void *x, softdraw_partial *out, const sd_rows *rows);
    void (*write_from_partials)(const void *x, const softdraw_partial *whole, void *out,
                                const sd_rows *rows, int logarithms);
    /* float64 only, which also combines those of float32; rows of n partials each */
    void (*combine_partials)(const softdraw_partial *partials, ptrdiff_t stride, softdraw_partial *out,
                             size_t rows, size_t n);
    /* float64 only; the moments of a row of n >= 1 items at the temperature t */
    void (*find_moments)(const double *x, size_t n, double t, sd_moments *moments);
    /* as sd_transpose in transpose.h, but with strides in items; NULL for bfloat16, which is transposed as
     * float16 */
    void (*transpose)(const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride, size_t rows,
                      size_t columns, int past_caches);
} sd_kernels;

/* The members that every item type fills. */
#define SD_ROW_KERNELS \
    .softmax = softmax, .log_softmax = log_softmax, .logsumexp = logsumexp, .entropy = entropy

/* The types of weights. */
enum sd_weight_type { SD_WEIGHTS_F64, SD_WEIGHTS_F32, SD_WEIGHTS_U64, SD_WEIGHT_TYPES };

/* The kernels on 64-bit words: generator and alias tables. */
typedef struct {
    /* steps all eight lanes of s `blocks` times, eight words per step */
    void (*xoshiro_blocks)(uint64_t s[4][8], uint64_t *out, size_t blocks);
    void (*alias_map)(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out);
    /* the same for words that no other thread can change, which is faster */
    void (*alias_map_private)(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                              int64_t *out);
    /* for each weight type: copies n weights and finds what alias/weights.h lists; returns the index of the
     * first invalid weight, or n */
    size_t (*read_weights[SD_WEIGHT_TYPES])(const void *weights, size_t n, uint64_t *copy,
                                            sd_weights *seen);
    /* turns copies into units in place, marks them, and returns the sum of the units (alias/units.h) */
    uint64_t (*round_units)(uint64_t *copy, size_t n, int is_integer, const sd_ratio *ratio,
                            uint64_t capacity, const sd_marks *marks);
} sd_word_kernels;

/* The item types that have tables of sd_kernels. */
enum sd_type { SD_F32, SD_F64, SD_F16, SD_BF16, SD_TYPES };

/* The kernels of the tier in use; NULL if SOFTDRAW_ISA names a tier that is not available. */
const sd_kernels *sd_kernels_in_use(enum sd_type type);
const sd_word_kernels *sd_word_kernels_in_use(void);

/* The scalar tier's, which every build has. */
extern const sd_word_kernels sd_scalar_words;

/* The name of the table for a tier and an item type. */
#define SD_TABLE_NAME(tier, type) sd_##tier##_##type
#define SD_TABLE_OF(tier, type) SD_TABLE_NAME(tier, type)

#endif
