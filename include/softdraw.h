/* softdraw: temperature softmax and exact alias sampling in plain C11.
 *
 * It computes softmax(x / T) at any temperature T, builds alias tables from integers that sum to
 * exactly 2^64, and has an eight-lane xoshiro256++ generator. Every compiler, CPU and instruction
 * set gives the same bits. Error bounds are stated with each function, in ULP of the exact result:
 * the distance between neighbouring floating-point numbers there.
 *
 * To build it, compile the C files in src/core and src/core/tiers with your program; no flag is needed
 * beyond an -O level.
 *
 * No function allocates memory, prints or sets errno, and none keeps state, except that the tier to
 * use is chosen once. All memory is the caller's, and no function uses it after it has returned.
 * Any function may be called from any thread at any time; but while a call runs, no other call may
 * use the memory that it writes (its results, its scratch, a generator). If another thread changes
 * numbers that it reads, such as logits, weights, words or a top_p, it gives some result or an error,
 * without an access out of bounds. But what tells it where memory is must stay as it is: buckets,
 * records, indptr, and the struct softdraw_filters itself.
 *
 * The control state of the host's floating-point unit (rounding mode, flush-to-zero,
 * denormals-are-zero, traps) changes no result: each function that computes with floating-point
 * numbers sets the default state if it finds another one, and puts that back before it returns. On
 * x86 and AArch64 this is the whole control state, elsewhere what fesetenv(FE_DFL_ENV) sets.
 *
 * A function that can fail returns SOFTDRAW_OK, which is 0, or an error code, whose text
 * softdraw_strerror gives. If it fails, it has written nothing but *where, except where its
 * description says so. Functions of x, logits or partials look at nothing else where there are 0
 * rows. A pointer may be NULL if it addresses zero elements, because n is 0 or there are 0 rows. Any
 * other NULL is SOFTDRAW_ERROR_NULL, unless the description gives it a meaning. Pointers that are not
 * NULL are trusted. Strides are in elements, not bytes, and may be negative. */
#ifndef SOFTDRAW_H
#define SOFTDRAW_H

#include <stddef.h>
#include <stdint.h>

#define SOFTDRAW_VERSION_MAJOR 0
#define SOFTDRAW_VERSION_MINOR 1
#define SOFTDRAW_VERSION_PATCH 0

/* The version of this header as one number, 10,000 major + 100 minor + patch. softdraw_version()
 * gives that of the library. */
#define SOFTDRAW_VERSION \
    (10000 * SOFTDRAW_VERSION_MAJOR + 100 * SOFTDRAW_VERSION_MINOR + SOFTDRAW_VERSION_PATCH)

/* The stream number: it changes when a seed gives other draws than before (see docs/streams.md). */
#define SOFTDRAW_STREAM 1

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SOFTDRAW_EXPORT) && defined(__GNUC__) /* a library that exports nothing else */
#pragma GCC visibility push(default)
#endif

/* Between the marks "cffi: begin" and "cffi: end" there are only plain declarations and comments,
 * which cffi and other tools that read C understand; softdraw.get_cdef() in Python returns them. */
/* cffi: begin */

enum softdraw_error {
    SOFTDRAW_OK = 0,
    SOFTDRAW_ERROR_TEMPERATURE, /* a temperature is negative or NaN, or 0 for softmax_vjp */
    SOFTDRAW_ERROR_ISA,         /* SOFTDRAW_ISA names a tier that this CPU or build lacks */
    SOFTDRAW_ERROR_LENGTH,      /* no weights or logits, or too many; bits that do not match them */
    SOFTDRAW_ERROR_WEIGHT,      /* a weight is negative, NaN or infinite */
    SOFTDRAW_ERROR_ZERO,        /* every weight is zero */
    SOFTDRAW_ERROR_ROW,         /* a row index is out of range */
    SOFTDRAW_ERROR_FILTER,      /* top_k is 0, top_p or min_p outside [0, 1], two masks, or a wrong size */
    SOFTDRAW_ERROR_LOGIT,       /* a logit is NaN or +inf */
    SOFTDRAW_ERROR_NOTHING,     /* a row has no item that may be drawn */
    SOFTDRAW_ERROR_TARGET,      /* no temperature gives a row the target value */
    SOFTDRAW_ERROR_NULL         /* a pointer that must not be NULL is NULL */
};

/* The text of an error code, in English. Never NULL: an unknown code has a text, too. */
const char *softdraw_strerror(int error);

/* The SOFTDRAW_VERSION that the library was built with. */
int softdraw_version(void);

/* ---- tiers ---------------------------------------------------------------------------------- */

/* A tier is the kernels compiled for one instruction set. All tiers give the same bits. */
enum softdraw_tier {
    SOFTDRAW_SCALAR,
    SOFTDRAW_AVX2,
    SOFTDRAW_AVX512,
    SOFTDRAW_NEON
};

/* The number of tiers that the library knows, whether or not they can run here. Tiers are numbered
 * from 0 and later releases may add some, so loop up to this and not to an enumerator. */
int softdraw_tier_count(void);

/* The name of a tier, as the environment variable SOFTDRAW_ISA takes it; NULL for no tier. */
const char *softdraw_tier_name(int tier);

/* 1 if this CPU and this build of the library can run the tier, else 0. */
int softdraw_tier_available(int tier);

/* The tier in use: the one that SOFTDRAW_ISA names or, if it is not set, the best one available. It
 * is chosen once, at the first call that needs it. Negative if SOFTDRAW_ISA names a tier that is
 * not available; functions that need a tier then return SOFTDRAW_ERROR_ISA. */
int softdraw_tier_in_use(void);

/* ---- softmax -------------------------------------------------------------------------------- */

/* Softmax and its relatives work on `rows` rows of n contiguous elements each. Row r begins at
 * x + r * x_stride, and its result at out + r * out_stride:
 *
 *     softmax      out[i] = exp(x[i] / T) / sum(exp(x / T))
 *     log_softmax  out[i] = log(exp(x[i] / T) / sum(exp(x / T)))
 *     logsumexp    out[0] = log(sum(exp(x / T)))
 *
 * The error is at most, for float32 and float64:
 *
 *     softmax      1 ULP and 2 ULP
 *     log_softmax  1.5 ULP and 3 ULP
 *     logsumexp    2 ULP of the larger of |max / T| and log(sum(exp((x - max) / T))), where max is
 *                  the largest element
 *
 * Very few rows exceed this a little. The worst errors that searches have found are 1.18 ULP (softmax,
 * float32), 2.14 ULP (softmax, float64) and 2.19 ULP (logsumexp, float64). No row exceeds what the
 * largest errors of all roundings add up to: 1.5 ULP (softmax, float32) and, for float64, 2.6 ULP
 * (softmax), 3.2 ULP (log_softmax) and 2.7 ULP (logsumexp).
 *
 * The temperature T of row r is temperature[r * temperature_stride]; a stride of 0 means one for
 * all rows. T must be >= 0. At 0 and at infinity the results are the limits: at 0 the largest
 * elements have the same probability and all others 0, at infinity all elements that are not -inf
 * have the same.
 *
 * An element of -inf has probability 0. The result of a row that contains NaN or +inf, or nothing
 * but -inf, is NaN; but logsumexp is +inf for a row with +inf and without NaN, and -inf for a row
 * of nothing but -inf.
 *
 * out may be x itself if both strides are equal; otherwise out and x must not overlap, and out and
 * temperature never. float16 (f16) and bfloat16 (bf16) elements are passed as their bits; they are
 * computed in float32, and the result is rounded once more. Zeros in results are positive. */
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
                              ptrdiff_t out_stride, size_t rows, size_t n,
                              const double *temperature, ptrdiff_t temperature_stride);
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

/* The entropy of softmax(x / T) in nats, out[0] = -sum(p log p), for each row as above. The error
 * is at most 1.5 ULP (float32) and 4 ULP (float64), for small entropies, too. Very few float64 rows
 * exceed this: the worst error that searches have found is 5.19 ULP, and no row exceeds 9. An empty
 * row gives NaN, as does a row of nothing but -inf. */
int softdraw_entropy_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride);
int softdraw_entropy_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                          ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                          ptrdiff_t temperature_stride);

/* Rows that lie in several pieces, say on several machines: each piece gives a partial, partials are
 * combined, and each piece gets its results from the partial of the whole row. */

/* What the softmax of a row needs to know of some of its elements: the largest, and the sum of
 * exp((x - max) / T) over all of them except one that is equal to max, as excess + excess_low. If there are
 * no elements, or only -inf, max is -inf and the excess 0; if one is +inf, max is +inf and the excess 0. If any
 * is NaN, excess is NaN and excess_low 0. Of n float32 elements the excess may be too large by about
 * (n + 16) 2^-190, which no float32 result shows. */
typedef struct {
    double temperature;
    double max;
    double excess;
    double excess_low;
} softdraw_partial;

/* Writes to out[r] the partial of row r of `rows` rows of n contiguous elements. */
int softdraw_partial_f32(const float *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                         size_t n, const double *temperature, ptrdiff_t temperature_stride);
int softdraw_partial_f64(const double *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                         size_t n, const double *temperature, ptrdiff_t temperature_stride);

/* Writes to out[r] the partial of the elements of n partials together, from partials + r * stride on. They
 * have one temperature; n = 0 is SOFTDRAW_ERROR_LENGTH. The partials may be those of either type, or of
 * both. out may be partials if the stride is 1 or more. */
int softdraw_combine_partials(const softdraw_partial *partials, ptrdiff_t stride,
                              softdraw_partial *out, size_t rows, size_t n);

/* Writes the softmax of `rows` rows of n contiguous elements, each a piece of a row whose partial is
 * whole[r], or its logarithms if `logarithms` is not 0. The error is at most 2 ULP (float32) and 3 ULP
 * (float64). Each function needs whole[r] from partials of its own type alone: those by
 * softdraw_partial_f32 are only as exact as float32 needs, and softdraw_softmax_piece_f32 rounds
 * the maximum to float32. The logsumexp of the row is max / T minus the logarithm for an element
 * equal to max. Elements that whole[r] does not include have unspecified results. out may be x if
 * both strides are equal; otherwise they must not overlap. */
int softdraw_softmax_piece_f32(const float *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                               float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                               int logarithms);
int softdraw_softmax_piece_f64(const double *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                               double *out, ptrdiff_t out_stride, size_t rows, size_t n,
                               int logarithms);

/* The quantity that softdraw_temperature_for brings to a target value. */
enum softdraw_quantity {
    SOFTDRAW_ENTROPY,    /* in nats */
    SOFTDRAW_PERPLEXITY, /* exp(entropy) */
    SOFTDRAW_TOP_PROB    /* the largest probability */
};

/* The inverse problem: for each of `rows` rows of n contiguous logits, row r from x + r * x_stride
 * on, out[r] becomes the temperature T at which the quantity (one of enum softdraw_quantity) of
 * softmax(x / T) is target[r * target_stride]; a T that is too large or too small for a double is
 * infinity or the largest one, 0 or a subnormal one. A target within 4 ULP of the double nearest to
 * the quantity at T = 0, or at infinity, gives that T. Otherwise either T has a relative error
 * of at most 1e-9, or the quantity at T is within 4 ULP of the target. If all logits of a row are
 * equal, the quantity does not depend on T, and T is 1.
 *
 * Logits of -inf are ignored, but a row that has no others, or that contains NaN or +inf, is
 * SOFTDRAW_ERROR_LOGIT. A target that no T attains is SOFTDRAW_ERROR_TARGET, and so is an unknown
 * quantity. On both errors *where becomes the first such row, unless where is NULL. */
int softdraw_temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                                 int quantity, const double *target, ptrdiff_t target_stride,
                                 double *out, size_t *where);

/* The smallest and the largest value of the quantity that a row of n logits can attain, in range[0]
 * and range[1]. A row like those above is SOFTDRAW_ERROR_LOGIT, and an unknown quantity
 * SOFTDRAW_ERROR_TARGET. */
int softdraw_temperature_for_range_f64(const double *x, size_t n, int quantity, double range[2]);

/* The gradient of a loss through softmax. For each row of probabilities p = softmax(x / T) and of
 * the gradient g of the loss with respect to p, out becomes the gradient of the loss with respect
 * to x:
 *
 *     out[i] = p[i] (g[i] - sum(p g)) / T
 *
 * T must be > 0. For p from 0 to 1 and n up to 2^24 the error is at most 1 ULP of the largest of
 * |out[i]|, |p[i]| sum(|p g|) / (256 T) and |p[i]| max(|g|) / (2^900 T). A row that contains NaN or
 * an infinity in p or g becomes NaN at any T; any other row becomes 0 at T = infinity. out may be p
 * or g itself if their strides are equal; otherwise out must not overlap them. */
int softdraw_softmax_vjp_f32(const float *p, ptrdiff_t p_stride, const float *g, ptrdiff_t g_stride,
                             float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                             const double *temperature, ptrdiff_t temperature_stride);
int softdraw_softmax_vjp_f64(const double *p, ptrdiff_t p_stride, const double *g,
                             ptrdiff_t g_stride, double *out, ptrdiff_t out_stride, size_t rows,
                             size_t n, const double *temperature, ptrdiff_t temperature_stride);

/* ---- generator ------------------------------------------------------------------------------ */

/* Eight xoshiro256++ generators (Blackman and Vigna, https://prng.di.unimi.it), called lanes, each
 * one jump of 2^128 words ahead of the one before. Word 8i + j of the generator is the i-th output
 * of lane j. softdraw_xoshiro_seed fills the struct; it is plain data, which may be copied and
 * stored freely. */
typedef struct {
    uint64_t s[4][8];    /* s[k][j]: word k of the state of lane j */
    uint64_t buffer[8];  /* the last eight words that were generated */
    uint32_t used;       /* how many of them have been taken; 8 if none is left */
    uint32_t has_uint32; /* whether NumPy has taken half of a word and stored the rest */
    uint32_t uinteger;   /* that rest */
} softdraw_xoshiro;

/* Seeds the generator: lane 0 starts at the given state, and each other lane one jump ahead of the
 * one before. The state of all zeros, which is invalid, is replaced by {0, 0, 0, 1}. The
 * state must be random: from small numbers the first words are small, too. For a seed s,
 * Xoshiro256 in Python takes numpy.random.SeedSequence(s).generate_state(4, numpy.uint64). */
int softdraw_xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]);

/* The next word. The generator must not be NULL. In loops, the inline function
 * softdraw_xoshiro_word below is faster. */
uint64_t softdraw_xoshiro_next(softdraw_xoshiro *generator);

/* Writes the next n words to out. */
int softdraw_xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n);

/* Moves every lane ahead by `jumps` long jumps of 2^192 words each, and discards what the buffer
 * holds. Generators with the same seed and different numbers of long jumps never overlap. It takes
 * 5 to 150 microseconds, more for a larger number of jumps. */
int softdraw_xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps);

/* Passes over the next high * 2^64 + low words, and discards the half-word that NumPy stores: the
 * next word is the one that comes after them. It takes less than a microsecond for each binary
 * digit of their number. */
int softdraw_xoshiro_advance(softdraw_xoshiro *generator, uint64_t low, uint64_t high);

/* ---- alias table ---------------------------------------------------------------------------- */

/* An alias table (Walker 1977; Vose 1991) draws category i with a probability proportional to
 * weights[i]. It consists of 2^bits buckets of 8 bytes, keep << bits | alias. The top `bits` bits
 * of a 64-bit random word choose a bucket. If the rest of the word is less than `keep`, the
 * category that has the number of the bucket is drawn, otherwise its alias. So a draw is a pure
 * function of one word. It is exact, too: of the 2^64 possible words, units[i] draw category i. */

/* The number of bits of a table of n categories, where n is at most 2^32: the smallest b >= 1 with
 * 2^b >= n. */
unsigned softdraw_alias_bits(size_t n);

/* Builds a table: fills 2^bits buckets, where bits = softdraw_alias_bits(n). The weights need not
 * be normalised. They become integers, the units, that sum to exactly 2^64: none for a weight of
 * zero, at least one for a positive weight. units[i] differs from 2^64 * weights[i] / sum(weights)
 * by less than one, except that the largest weight gives up the units that other positive weights
 * need to have at least one.
 *
 * scratch has softdraw_alias_scratch(n) bytes. *where, unless where is NULL, becomes the index of
 * the largest weight (the first, if several are equal), on SOFTDRAW_ERROR_WEIGHT the index of the
 * first invalid one, and on SOFTDRAW_ERROR_ZERO n. After an error, the contents of buckets and
 * scratch are unspecified. */
int softdraw_alias_build_f64(const double *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where);
int softdraw_alias_build_f32(const float *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where);
int softdraw_alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets,
                             uint64_t *scratch, size_t *where);

/* The number of bytes of scratch that building a table of n categories needs: about 5/8 n. */
size_t softdraw_alias_scratch(size_t n);

/* Computes the units of all n categories from the buckets of a table, modulo 2^64: if one category
 * has all 2^64 units, its result is 0. Buckets with an alias that is not one of the n categories are
 * SOFTDRAW_ERROR_LENGTH, and units then unspecified. */
int softdraw_alias_units(const uint64_t *buckets, unsigned bits, size_t n, uint64_t *units);

/* The following functions trust the buckets: these must come from a build, with the same number of
 * bits. */

/* Writes to out the categories that n words draw. The inline function softdraw_alias_map1 below
 * does it for one word. */
int softdraw_alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                       int64_t *out);

/* Writes to out the categories that the next n words of the generator draw. */
int softdraw_alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator,
                          size_t n, int64_t *out);

/* The same for any other generator, whose next word next(state) returns; state may be NULL. */
int softdraw_alias_draw(const uint64_t *buckets, unsigned bits, uint64_t (*next)(void *state),
                        void *state, size_t n, int64_t *out);

/* ---- many alias tables ----------------------------------------------------------------------- */

/* Many tables of any lengths, called rows, in one block of memory. The weights of row r are
 * weights[indptr[r]] to weights[indptr[r + 1] - 1], at most 2^32 of them. Its record, records[r],
 * is start << 6 | bits: its table is at buckets + start and has `bits` bits. A row that is empty or
 * has only weights of zero has no buckets and 0 bits, and drawing from it is an error. Any other
 * row is a table like those above. */

/* The number of buckets to allocate for all rows; rows with only weights of zero leave some of them
 * unused. indptr holds rows + 1 numbers, the first not negative and none less than the one before.
 * It may be NULL if there are 0 rows. */
size_t softdraw_alias_rows_max_buckets(const int64_t *indptr, size_t rows);

/* The length of the longest row. softdraw_alias_scratch of it is the size of the scratch for
 * softdraw_alias_rows_build. */
size_t softdraw_alias_rows_max_length(const int64_t *indptr, size_t rows);

/* Builds the table of each row as softdraw_alias_build does. A row that is too long, or at which
 * indptr is negative or decreases, is SOFTDRAW_ERROR_LENGTH. *where, unless where is NULL, becomes
 * the number of buckets in use, on SOFTDRAW_ERROR_WEIGHT the index of the first invalid weight
 * among all weights, and on SOFTDRAW_ERROR_LENGTH the row. After an error, the contents of records,
 * buckets and scratch are unspecified. */
int softdraw_alias_rows_build_f64(const double *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);
int softdraw_alias_rows_build_f32(const float *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);
int softdraw_alias_rows_build_u64(const uint64_t *weights, const int64_t *indptr, size_t rows,
                                  uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                  size_t *where);

/* out[i] becomes the category that words[i] draws from row rows[i], counted from the start of that
 * row; `count` is the number of rows. A row index outside [0, count) is SOFTDRAW_ERROR_ROW, and a
 * row that cannot be drawn from is SOFTDRAW_ERROR_ZERO. On both, *where becomes the i of the first
 * such row, unless where is NULL, and part of out may have been written. */
int softdraw_alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                            const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                            size_t *where);

/* ---- draws from logits ----------------------------------------------------------------------- */

/* Filters decide which of the n items of a row may be drawn. They are applied in this order:
 * allowed or allowed_bits (to set both is SOFTDRAW_ERROR_FILTER), temperature, top_k, top_p, min_p.
 * Each sees only the items that those before it have left, with their probabilities among these. A
 * filter that is NULL is off. Its value for row r is at pointer + r * stride; a stride of 0 means
 * one value for all rows.
 *
 * Begin with SOFTDRAW_FILTERS_INIT or, in other languages than C, set everything to zero and size
 * to the size of the struct. Later releases may add fields at the end, and size tells which of them
 * the struct of the caller has. Filters that an older struct does not have are off. A newer struct
 * is accepted if all bytes that the library does not know are zero. Otherwise it is
 * SOFTDRAW_ERROR_FILTER, and so is a size of 0, or below the size in the first release. */
typedef struct {
    /* sizeof(softdraw_filters) */
    size_t size;
    /* n bytes per row, which are 0 for items that must not be drawn */
    const uint8_t *allowed;
    ptrdiff_t allowed_stride;
    /* the same as bits: item i is bit i % 32 of word i / 32 */
    const uint32_t *allowed_bits;
    ptrdiff_t allowed_bits_stride;
    /* at least 0, and 1 if this is NULL; at 0 the largest item is drawn, the first if tied */
    const double *temperature;
    ptrdiff_t temperature_stride;
    /* at least 1: keeps so many of the largest items, of equal ones those that come first */
    const uint64_t *top_k;
    ptrdiff_t top_k_stride;
    /* 0 to 1: keeps the fewest largest items, at least one, whose total probability reaches it */
    const double *top_p;
    ptrdiff_t top_p_stride;
    /* 0 to 1: keeps the items whose probability is at least this times the largest one */
    const double *min_p;
    ptrdiff_t min_p_stride;
} softdraw_filters;

/* Draws items from softmax(logits / T), after the filters, for each of `rows` rows of n contiguous
 * logits, where row r begins at logits + r * x_stride and n is from 1 to 2^32 - 128. Each row is
 * drawn from `draws` times: ids[r * draws + i] becomes the item that words[r * draws + i] draws
 * from row r. It is a pure function of row, filters and word: the first item, in the order of the
 * row, at which the sum of the exponentials, each within 2 ULP, exceeds word / 2^64 of their
 * total, where sums may be off by (n + 8) 2^-53 of it, or 2^-36 in float32. Items whose logit is
 * -inf, or whose probability softmax would round to 0, are never drawn, and neither may be those
 * whose exponential is less than n 2^-148 (float64: n 2^-1073) of the largest.
 *
 * logprobs, unless it is NULL, gets the natural logarithms of the probabilities of the items drawn,
 * in the distribution after the filters. filters may be NULL for no filter. scratch has
 * softdraw_sample_scratch_f32(n) bytes (softdraw_sample_scratch_f64(n) for float64), aligned as
 * doubles are. It may be NULL if logprobs is NULL and no filter but allowed, allowed_bits and
 * temperature is set.
 *
 * *where, unless where is NULL, becomes on SOFTDRAW_ERROR_LOGIT the index of the first invalid
 * logit, counted as r * n + i, and on SOFTDRAW_ERROR_TEMPERATURE, SOFTDRAW_ERROR_FILTER and
 * SOFTDRAW_ERROR_NOTHING the row. Part of ids and logprobs may have been written then. */
int softdraw_sample_f32(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, float *logprobs, void *scratch, size_t *where);
int softdraw_sample_f64(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, double *logprobs, void *scratch, size_t *where);

/* The same for float16 and bfloat16 logits, passed as their bits and computed as float32. */
int softdraw_sample_f16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                        const softdraw_filters *filters, const uint64_t *words, size_t draws,
                        int64_t *ids, float *logprobs, void *scratch, size_t *where);
int softdraw_sample_bf16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                         const softdraw_filters *filters, const uint64_t *words, size_t draws,
                         int64_t *ids, float *logprobs, void *scratch, size_t *where);

/* The number of bytes of scratch for a row of n logits: about 12 n + 17,000 (float32, float16,
 * bfloat16) and 20 n + 34,000 (float64), or SIZE_MAX, which nobody can allocate, where that is more
 * than a size_t holds. */
size_t softdraw_sample_scratch_f32(size_t n);
size_t softdraw_sample_scratch_f64(size_t n);

/* cffi: end */

/* All filters off: softdraw_filters filters = SOFTDRAW_FILTERS_INIT; */
#define SOFTDRAW_FILTERS_INIT \
    {sizeof(softdraw_filters), NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0}

#if defined(SOFTDRAW_EXPORT) && defined(__GNUC__)
#pragma GCC visibility pop
#endif

/* ---- inline functions, for loops ------------------------------------------------------------ */

/* These two need only this header, not the library, and do not check their arguments. */

/* The next word, the same as from softdraw_xoshiro_next. */
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

/* The category that one word draws from a table. */
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
