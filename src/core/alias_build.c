/* Weights to exact integers: units that sum to 2^64, each less than one from 2^64 * weight / sum.
 *
 * 1. The weights' exact sum W, whatever their order, cut to 106 bits.
 * 2. r = 2^64 * weight / W in double-double arithmetic, to 2^-38, and its nearest integer. The
 *    integers sum to 2^64 - D; D is small, for the roundings nearly cancel.
 * 3. If D > 0, the first D weights that were rounded down get one unit more; if D < 0, the first -D
 *    that were rounded up get one less. There are always enough of them, since each rounding is at
 *    most 1/2, and an integer so moved is still less than one from the exact value. Those within
 *    2^-36 of an integer are left alone: which side they are on is not certain, and n <= 2^32 of
 *    them do not add up to one unit.
 * 4. Every positive weight still without a unit gets one, paid for by the largest weight, which
 *    has at least 2^64 / n >= 2^32, enough for all.
 *
 * Each weight is read once, into the buckets, and all the rest works on that copy, in place. The
 * kernels read and multiply; what they mark as rounded, lost, light or heavy is seldom looked at one
 * by one here. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

#include "alias/arrange.h"
#include "alias/correct.h"

size_t softdraw_alias_scratch(size_t n) { return 5 * sizeof(uint64_t) * (n / 64 + (n % 64 > 0)); }

/* Builds from the copies on; *largest becomes the index of the first of the largest. */
static int build_from_copies(const sd_word_kernels *kernels, sd_weights *seen, size_t n, int is_integer,
                             uint64_t *buckets, uint64_t *scratch, size_t *largest) {
    if (seen->maximum == 0) return SOFTDRAW_ERROR_ZERO;
    const unsigned bits = softdraw_alias_bits(n);
    *largest = seen->near;
    while (buckets[*largest] != seen->maximum) ++*largest;
    if (seen->same) {
        arrange_equal_units(buckets, bits, n);
        return SOFTDRAW_OK;
    }

    double high, low;
    int exponent;
    sd_exact_sum_top(&seen->sum, &high, &low, &exponent);
    const sd_ratio ratio = make_ratio(high, low, exponent);
    const sd_marks marks = marks_in(scratch, n);
    const uint64_t full = (uint64_t)1 << (64 - bits);
    const uint64_t total = kernels->round_units(buckets, n, is_integer, &ratio, full, &marks);
    if (n % 64) marks.light[n / 64] &= ((uint64_t)1 << n % 64) - 1;
    correct_units(buckets, n, *largest, 0 - total, full, &marks);
    if (buckets[*largest]) {
        arrange_units(buckets, bits, n, marks.light, marks.heavy);
    } else { /* it is 2^64, which cannot be taken apart like the others */
        for (size_t i = 0; i < (size_t)1 << bits; i++) buckets[i] = *largest;
    }
    return SOFTDRAW_OK;
}

static int build(enum sd_weight_type type, const void *weights, size_t n, uint64_t *buckets,
                 uint64_t *scratch, size_t *where) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n == 0 || (uint64_t)n - 1 > UINT32_MAX) return SOFTDRAW_ERROR_LENGTH;
    if (!weights || !buckets || !scratch) return SOFTDRAW_ERROR_NULL;
    sd_weights seen = {{{0}}, 0, 0, 0};
    size_t index = kernels->read_weights[type](weights, n, buckets, &seen);
    int error = SOFTDRAW_ERROR_WEIGHT;
    if (index == n)
        error = build_from_copies(kernels, &seen, n, type == SD_WEIGHTS_U64, buckets, scratch, &index);
    if (where) *where = index;
    return error;
}

int softdraw_alias_build_f64(const double *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where) {
    return build(SD_WEIGHTS_F64, weights, n, buckets, scratch, where);
}

int softdraw_alias_build_f32(const float *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where) {
    return build(SD_WEIGHTS_F32, weights, n, buckets, scratch, where);
}

int softdraw_alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                             size_t *where) {
    return build(SD_WEIGHTS_U64, weights, n, buckets, scratch, where);
}
