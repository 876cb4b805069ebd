/* softdraw: temperature softmax and exact alias sampling in plain C11.
 *
 * softmax(x / T) to the last bit or so, alias tables in integers that sum to exactly 2^64, and an
 * eight-lane xoshiro256++, with the same bits from every compiler, CPU and instruction set.
 *
 * Build with the sources in src/core; no flag is needed beyond an -O level.
 *
 * Nothing here allocates, prints, sets errno or keeps state. All memory is the caller's, and none is
 * looked at after a call. Any function may be called from any thread at any time; only what a call
 * writes (out, scratch, a generator) must not be used by another one meanwhile.
 *
 * A function that can fail returns 0 or an error code (softdraw_strerror gives its text), and has
 * then written nothing but what it says. A pointer to nothing may be NULL: to n = 0 elements or 0
 * rows. To anything else it is SOFTDRAW_ERROR_NULL, but where NULL is said to have a meaning; a
 * pointer that is not NULL is trusted. Strides are in elements, and may be negative. */
#ifndef SOFTDRAW_H
#define SOFTDRAW_H

#include <stddef.h>
#include <stdint.h>

#define SOFTDRAW_VERSION_MAJOR 0
#define SOFTDRAW_VERSION_MINOR 1
#define SOFTDRAW_VERSION_PATCH 0

/* 10,000 major + 100 minor + patch: of this header, where softdraw_version() is of the library. */
#define SOFTDRAW_VERSION \
    (10000 * SOFTDRAW_VERSION_MAJOR + 100 * SOFTDRAW_VERSION_MINOR + SOFTDRAW_VERSION_PATCH)

/* Changes when a seed would give other draws than before; see docs/streams.md. */
#define SOFTDRAW_STREAM 1

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SOFTDRAW_EXPORT) && defined(__GNUC__) /* a library that hides all but these */
#pragma GCC visibility push(default)
#endif

/* What stands between these two marks is plain declarations, as cffi and other readers of C take
 * them; softdraw.get_cdef() in Python gives them. */
/* cffi: begin */

enum softdraw_error {
    SOFTDRAW_OK = 0,
    SOFTDRAW_ERROR_TEMPERATURE, /* a temperature is negative or NaN, or 0 for softmax_vjp */
    SOFTDRAW_ERROR_ISA,         /* SOFTDRAW_ISA names a tier that this CPU or build lacks */
    SOFTDRAW_ERROR_LENGTH,      /* no weights or logits, or more than 2^32 of them; bits to match */
    SOFTDRAW_ERROR_WEIGHT,      /* a weight is negative, NaN or infinite */
    SOFTDRAW_ERROR_ZERO,        /* every weight is zero */
    SOFTDRAW_ERROR_ROW,         /* a row that is none */
    SOFTDRAW_ERROR_FILTER,      /* top_k is 0, or top_p or min_p outside [0, 1] */
    SOFTDRAW_ERROR_LOGIT,       /* a logit is NaN or infinity */
    SOFTDRAW_ERROR_NOTHING,     /* a row has nothing that may be drawn */
    SOFTDRAW_ERROR_TARGET,      /* no temperature gives a row what is wanted */
    SOFTDRAW_ERROR_NULL         /* a pointer to something is NULL */
};

/* A sentence for an error code; never NULL. */
const char *softdraw_strerror(int error);

/* The SOFTDRAW_VERSION that the library was built with. */
int softdraw_version(void);

/* ---- tiers ---------------------------------------------------------------------------------- */

/* The instruction sets that kernels are compiled for; all give the same bits. */
enum softdraw_tier {
    SOFTDRAW_SCALAR,
    SOFTDRAW_AVX2,
    SOFTDRAW_AVX512,
    SOFTDRAW_NEON
};

/* How many tiers this library knows, whether or not they can run: tiers are 0 to this, exclusive. */
int softdraw_tier_count(void);

/* Name of a tier, as the environment variable SOFTDRAW_ISA takes it; NULL past the last. */
const char *softdraw_tier_name(int tier);

/* 1 if this CPU and this build can run the tier, else 0. */
int softdraw_tier_available(int tier);

/* The tier in use: the one that SOFTDRAW_ISA names, else the best available; decided at the first
 * call. Negative if SOFTDRAW_ISA names one that is not available; every kernel then returns
 * SOFTDRAW_ERROR_ISA. */
int softdraw_tier_in_use(void);

/* ---- softmax -------------------------------------------------------------------------------- */

/* For each of `rows` rows of n contiguous elements, x_stride elements apart (out: out_stride):
 *     softmax      out[i] = exp(x[i] / T) / sum(exp(x / T))     f32 <= 1 ULP, f64 <= 2 ULP
 *     log_softmax  out[i] = log of that                         f32 <= 1.5,   f64 <= 3
 *     logsumexp    out[0] = log(sum(exp(x / T)))                <= 2 of max(|max / T|, log of the sum)
 * T of row r is temperature[r * temperature_stride] >= 0 (stride 0: one for all); 0 and infinity
 * are the limits. -inf has probability 0; a row with NaN, +inf or nothing but -inf becomes NaN
 * (logsumexp: +inf and -inf stay). out may be x itself with equal strides, and must not overlap it
 * otherwise. float16 (f16) and bfloat16 (bf16), as their bits, are computed in float32 and rounded
 * once more. */
int softdraw_softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                         ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                          ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                          ptrdiff_t temperature_stride);
int softdraw_log_softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride);
int softdraw_log_softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride);
int softdraw_log_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                             ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride);
int softdraw_log_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                              ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                              ptrdiff_t temperature_stride);
int softdraw_logsumexp_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                           size_t rows, size_t n, const double *temperature,
                           ptrdiff_t temperature_stride);
int softdraw_logsumexp_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                           size_t rows, size_t n, const double *temperature,
                           ptrdiff_t temperature_stride);
int softdraw_logsumexp_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                           ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                           ptrdiff_t temperature_stride);
int softdraw_logsumexp_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                            ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                            ptrdiff_t temperature_stride);

/* For each row, likewise, the entropy of softmax(x / T) in nats, out[0] = -sum(p log p), of small
 * entropies, too: f32 <= 1.5 ULP, f64 <= 4 ULP. An empty row gives NaN, as one of -inf alone does. */
int softdraw_entropy_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                          size_t rows, size_t n, const double *temperature,
                          ptrdiff_t temperature_stride);

/* What softdraw_temperature_for is to attain. */
enum softdraw_quantity {
    SOFTDRAW_ENTROPY,    /* in nats */
    SOFTDRAW_PERPLEXITY, /* exp(entropy) */
    SOFTDRAW_TOP_PROB    /* the largest probability */
};

/* For each of `rows` rows of n contiguous logits, x_stride elements apart, out[r] = the T at which
 * softmax(x / T) has what is wanted, target[r * target_stride] of it: T within a relative 1e-9, or what
 * is wanted within 4 ULP. A target within 4 ULP of what 0 or infinity gives has that T, and a constant
 * row 1. -inf is left out, but a row of nothing else, or with NaN or +inf, is SOFTDRAW_ERROR_LOGIT.
 * On that and on SOFTDRAW_ERROR_TARGET, which `quantity` may be to blame for too, *where, if where is not
 * NULL, becomes the first such row. */
int softdraw_temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                                 int quantity, const double *target, ptrdiff_t target_stride,
                                 double *out, size_t *where);

/* range[0], range[1] = the least and the most of it that a row of n logits can attain. */
int softdraw_temperature_for_range_f64(const double *x, size_t n, int quantity, double range[2]);

/* For each row of probabilities p, from softmax(x / T), and gradients g of a loss by them, the loss's
 * gradient by x:
 *     out[i] = p[i] (g[i] - sum(p g)) / T
 * for p from 0 to 1 and n to 2^24 to 1 ULP of the largest of |out[i]|, |p[i]| sum(|p g|) / (256 T)
 * and |p[i]| max(|g|) / (2^900 T). A row with NaN or an infinity in p or g becomes NaN at any T; all
 * others are 0 at infinity. T > 0. out may be p or g with equal strides, and must not overlap them
 * otherwise. */
int softdraw_softmax_vjp_f32(const float *p, ptrdiff_t p_stride, const float *g, ptrdiff_t g_stride,
                             float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                             const double *temperature, ptrdiff_t temperature_stride);
int softdraw_softmax_vjp_f64(const double *p, ptrdiff_t p_stride, const double *g,
                             ptrdiff_t g_stride, double *out, ptrdiff_t out_stride, size_t rows,
                             size_t n, const double *temperature, ptrdiff_t temperature_stride);

/* ---- generator ------------------------------------------------------------------------------ */

/* Eight xoshiro256++ generators side by side (Blackman and Vigna, https://prng.di.unimi.it), one
 * jump of 2^128 words apart: word 8i + j is lane j's i-th output. Seeded by softdraw_xoshiro_seed;
 * plain data otherwise, to be copied and stored freely. */
typedef struct {
    uint64_t s[4][8];    /* s[k][j]: word k of lane j's state */
    uint64_t buffer[8];  /* the last eight words made */
    uint32_t used;       /* how many of them are given out; 8: none is left */
    uint32_t has_uint32; /* NumPy's half-word: whether there is one */
    uint32_t uinteger;   /* and its value */
} softdraw_xoshiro;

/* Lane 0 starts at the given state (all zeros is taken as {0, 0, 0, 1}), the others one jump on. The
 * seed s of Python's Xoshiro256 is the state numpy.random.SeedSequence(s).generate_state(4, uint64). */
int softdraw_xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]);

/* The next word. The generator must not be NULL. In a loop, softdraw_xoshiro_word is faster. */
uint64_t softdraw_xoshiro_next(softdraw_xoshiro *generator);

/* The next n words. */
int softdraw_xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n);

/* Moves every lane `jumps` long jumps of 2^192 words on and drops the buffer: generators that differ
 * in their jumps never meet. It takes 20 to 200 microseconds, by the size of jumps. */
int softdraw_xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps);

/* ---- alias table ---------------------------------------------------------------------------- */

/* A table is 2^bits buckets of 8 bytes, keep << bits | alias. A word's top `bits` bits choose a
 * bucket, and its other bits, against keep, whether to draw the bucket's own category or its alias
 * (Walker 1977; Vose 1991), so a draw is a pure function of one 64-bit word, and exact: category i
 * is drawn by units[i] of the 2^64 words. */

/* Number of bits for n categories, at most 2^32: the smallest b >= 1 with 2^b >= n. */
unsigned softdraw_alias_bits(size_t n);

/* Builds the table: fills 2^bits buckets, bits = softdraw_alias_bits(n). Weights become exact
 * integers: units[i] / 2^64 is weights[i] / sum(weights) to less than one unit, the units sum to
 * 2^64, zero weights get none and positive ones at least one, paid for by the largest weight.
 * *where, if where is not NULL, becomes the index of the largest weight (the first, if tied), or on
 * SOFTDRAW_ERROR_WEIGHT that of the first bad one. scratch has softdraw_alias_scratch(n) bytes; an
 * error leaves anything in it and in buckets. Each weight is read once, so weights that another
 * thread changes meanwhile give some table or an error, never an access out of bounds. */
int softdraw_alias_build_f64(const double *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where);
int softdraw_alias_build_f32(const float *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where);
int softdraw_alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where);

/* Bytes of scratch that building a table of n categories needs: about 5/8 of n. */
size_t softdraw_alias_scratch(size_t n);

/* units[i] of each of the n categories, modulo 2^64, back from the buckets: a category that holds all
 * of it has 0. */
int softdraw_alias_units(const uint64_t *buckets, unsigned bits, size_t n, uint64_t *units);

/* Below, buckets must come from a build, of as many bits: what they hold is trusted. */

/* The categories that n words draw; softdraw_alias_map1 is one of them, inline. */
int softdraw_alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                       int64_t *out);

/* The categories of the generator's next n words. */
int softdraw_alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator, size_t n,
                          int64_t *out);

/* The categories of the next n words of any generator: next(state) gives one. */
int softdraw_alias_draw(const uint64_t *buckets, unsigned bits, uint64_t (*next)(void *state),
                        void *state, size_t n, int64_t *out);

/* ---- many alias tables ----------------------------------------------------------------------- */

/* Rows of any lengths, each a table, in one block: row r has the weights from indptr[r] on and
 * before indptr[r + 1], at most 2^32. records[r] tells where its buckets start, << 6, and their bits:
 * 0 bits for a row that is empty or all zeros, which has no buckets and cannot be drawn from. Row r of
 * length n is a table by itself: buckets + (records[r] >> 6), of softdraw_alias_bits(n) bits. */

/* Room for the buckets of all rows, in buckets; some stays free if rows are all zeros. indptr holds
 * rows + 1 numbers that never decrease, the first not negative; 0 rows take none. */
size_t softdraw_alias_rows_max_buckets(const int64_t *indptr, size_t rows);

/* The length of the longest row: softdraw_alias_scratch of that is the scratch for building. */
size_t softdraw_alias_rows_max_length(const int64_t *indptr, size_t rows);

/* Builds each row as softdraw_alias_build does. *where, if where is not NULL, becomes the number of
 * buckets in use, or on SOFTDRAW_ERROR_WEIGHT the index among all weights of the first bad one, or on
 * SOFTDRAW_ERROR_LENGTH the row, also if indptr decreases there or is negative. An error leaves
 * anything in records, buckets and scratch. */
int softdraw_alias_rows_build_f64(const double *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);
int softdraw_alias_rows_build_f32(const float *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);
int softdraw_alias_rows_build_u64(const uint64_t *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);

/* out[i]: the category, counted within the row, that words[i] draws from row rows[i] of `count`. On
 * SOFTDRAW_ERROR_ROW or SOFTDRAW_ERROR_ZERO, *where, if where is not NULL, becomes the first i whose
 * row is none, or has nothing to draw; some of out may have been written. */
int softdraw_alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                            const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                            size_t *where);

/* ---- draws from logits ----------------------------------------------------------------------- */

/* How rows of n logits are drawn from, in this order; a NULL changes nothing. Each pointer is to the first
 * row's value, and its stride, in elements, leads to the next row's: 0 for one of all rows.
 *
 * Begin with SOFTDRAW_FILTERS_INIT, which is no filter, or with zeros and size =
 * sizeof(softdraw_filters). Later releases add filters at the end, so `size` tells which ones the
 * caller knows; those past it are off. A size of 0, or less than the first release's, is
 * SOFTDRAW_ERROR_FILTER, and so is a larger one than the library's if a byte past those that the
 * library knows is not 0: a filter that it lacks. */
typedef struct {
    size_t size; /* sizeof(softdraw_filters) */
    const uint8_t *allowed; /* n bytes a row: 0 for items that must not be drawn */
    ptrdiff_t allowed_stride;
    const uint32_t *allowed_bits; /* the same in bits: item i is bit i % 32 of word i / 32 */
    ptrdiff_t allowed_bits_stride;
    const double *temperature; /* 0 to infinity; NULL: 1. At 0 the largest is drawn, the first if tied */
    ptrdiff_t temperature_stride;
    const uint64_t *top_k; /* >= 1: the k largest are left, ties by lower index */
    ptrdiff_t top_k_stride;
    const double *top_p; /* 0 to 1: the smallest set of the largest whose mass reaches it */
    ptrdiff_t top_p_stride;
    const double *min_p; /* 0 to 1: what has this times the largest probability */
    ptrdiff_t min_p_stride;
} softdraw_filters;

/* Draws from softmax(logits / T), of what the filters leave, for each of `rows` rows of n contiguous
 * logits, x_stride elements apart: ids[r draws + i] is what words[r draws + i] draws from row r, a pure
 * function of both: the first item, in the order of the row, at which the exponentials, each right to
 * 2 ULP, add up to more than word / 2^64 of their total. -inf and what softmax rounds to 0 are never
 * drawn. logprobs, if it is not NULL, becomes the natural logarithms of the probabilities that these
 * items had among what was left. filters may be NULL, for none.
 *
 * On SOFTDRAW_ERROR_LOGIT, *where becomes the index of the first bad logit counted through all rows, on
 * other errors the row; where may be NULL. Rows before it may have been written then. scratch has
 * softdraw_sample_scratch_f32(n) bytes (float64: _f64), aligned as doubles; it may be NULL where there
 * is neither a filter but temperature and masks, nor logprobs. n is at most 2^32 - 128. */
int softdraw_sample_f32(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, float *logprobs, void *scratch, size_t *where);
int softdraw_sample_f64(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, double *logprobs, void *scratch, size_t *where);

/* float16 and bfloat16 logits, as their bits, taken as float32. */
int softdraw_sample_f16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, float *logprobs, void *scratch, size_t *where);
int softdraw_sample_bf16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                         const softdraw_filters *filters, const uint64_t *words, size_t draws,
                         int64_t *ids, float *logprobs, void *scratch, size_t *where);

/* Bytes of scratch, about 12 n and 20 n. */
size_t softdraw_sample_scratch_f32(size_t n);
size_t softdraw_sample_scratch_f64(size_t n);

/* cffi: end */

/* softdraw_filters filters = SOFTDRAW_FILTERS_INIT; no filter yet. */
#define SOFTDRAW_FILTERS_INIT \
    {sizeof(softdraw_filters), NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0}

#if defined(SOFTDRAW_EXPORT) && defined(__GNUC__)
#pragma GCC visibility pop
#endif

/* ---- inline, for loops -------------------------------------------------------------------------- */

/* These two need no more than this header, and check nothing. */

/* The next word, as of softdraw_xoshiro_next. */
static inline uint64_t softdraw_xoshiro_word(softdraw_xoshiro *generator)
{
    if (generator->used >= 8) {
        uint64_t *const s0 = generator->s[0], *const s1 = generator->s[1];
        uint64_t *const s2 = generator->s[2], *const s3 = generator->s[3];
        for (int j = 0; j < 8; j++) {
            const uint64_t sum = s0[j] + s3[j], t = s1[j] << 17;
            generator->buffer[j] = (sum << 23 | sum >> 41) + s0[j];
            s2[j] ^= s0[j];
            s3[j] ^= s1[j];
            s1[j] ^= s2[j];
            s0[j] ^= s3[j];
            s2[j] ^= t;
            s3[j] = s3[j] << 45 | s3[j] >> 19;
        }
        generator->used = 0;
    }
    return generator->buffer[generator->used++];
}

/* The category that one word draws. */
static inline uint64_t softdraw_alias_map1(const uint64_t *buckets, unsigned bits, uint64_t word)
{
    const uint64_t own = word >> (64 - bits);
    const uint64_t low = ((uint64_t)1 << bits) - 1;
    const uint64_t entry = buckets[own];
    /* a mask, not ?:, which compilers turn into a branch that is mispredicted */
    const uint64_t keep = (uint64_t)0 - (uint64_t)((word << bits | low) < entry);
    return (own & keep) | (entry & low & ~keep);
}

#ifdef __cplusplus
}
#endif

#endif
