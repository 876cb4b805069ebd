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

#include "alias_weights.h"
#include "mul_error.h"

/* One unit as it is stored: with words of fewer bits, as a test has them, units are the top bits of
 * integers of 64. */
static const uint64_t one = (uint64_t)1 << (64 - SD_WORD_BITS);

size_t softdraw_alias_scratch(size_t n) { return 5 * sizeof(uint64_t) * (n / 64 + (n % 64 > 0)); }

static sd_marks marks_in(uint64_t *scratch, size_t n) {
    const size_t words = n / 64 + (n % 64 > 0);
    const sd_marks marks = {scratch, scratch + words, scratch + 2 * words, scratch + 3 * words,
                            scratch + 4 * words};
    return marks;
}

/* 2^64 / W for W = (high + low) * 2^exponent. high * (1 / high) is from 1/2 to 1, so that a fused
 * multiply-add would see no other error of it. */
static sd_ratio ratio_to(double high, double low, int exponent) {
    sd_ratio r;
    r.high = 1 / high;
    const double product = high * r.high;
    const double error = sd_mul_error(high, r.high, product);
    r.low = ((1 - product) - error - low * r.high) * r.high;
    const int far = exponent > 900 ? 900 : exponent < -900 ? -900 : 0;
    const double scale = sd_power_of_two(SD_WORD_BITS - exponent + far);
    r.first = sd_power_of_two(-far);
    r.high *= scale;
    r.low *= scale;
    return r;
}

static void mark_size(const sd_marks *marks, size_t i, uint64_t unit, uint64_t full) {
    const uint64_t bit = (uint64_t)1 << i % 64;
    marks->light[i / 64] = (marks->light[i / 64] & ~bit) | (unit < full ? bit : 0);
    marks->heavy[i / 64] = (marks->heavy[i / 64] & ~bit) | (unit > full ? bit : 0);
}

/* Steps 3 and 4; missing is D. */
static void correct(uint64_t *units, size_t n, size_t largest, uint64_t missing, uint64_t full,
                    const sd_marks *marks) {
    const int negative = (int)(missing >> 63);
    const uint64_t step = negative ? 0 - one : one;
    const uint64_t *movable = negative ? marks->down : marks->up;
    uint64_t lifted = 0;
    for (size_t word = 0; missing && 64 * word < n; word++) {
        for (uint64_t bits = movable[word]; bits && missing; bits &= bits - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(bits);
            units[i] += step;
            missing -= step;
            if (units[i] == 0 && i != largest) marks->lost[word] |= bits & (0 - bits);
            mark_size(marks, i, units[i], full);
        }
    }
    for (size_t word = 0; 64 * word < n; word++) {
        for (uint64_t bits = marks->lost[word]; bits; bits &= bits - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(bits);
            /* the largest has 0 only where it is 2^64 */
            if (units[i] || i == largest) continue;
            units[i] = one;
            lifted += one;
        }
    }
    units[largest] -= lifted;
    mark_size(marks, largest, units[largest], full);
}

/* 1 to 2^32 */
static int length_valid(size_t n) { return (uint64_t)n - 1 <= UINT32_MAX; }

/* From the copies on; *largest gets the first of the largest. */
static int build(const sd_kernels *kernels, sd_weights *seen, size_t n, int integers,
                 uint64_t *buckets, uint64_t *scratch, size_t *largest) {
    if (seen->maximum == 0) return SOFTDRAW_ERROR_ZERO;
    const unsigned bits = softdraw_alias_bits(n);
    *largest = seen->near;
    while (buckets[*largest] != seen->maximum) ++*largest;
    if (seen->same) {
        sd_alias_arrange_equal(buckets, bits, n);
        return SOFTDRAW_OK;
    }

    double high, low;
    int exponent;
    sd_exact_sum_top(&seen->sum, &high, &low, &exponent);
    const sd_ratio ratio = ratio_to(high, low, exponent);
    const sd_marks marks = marks_in(scratch, n);
    sd_units_of *const units_of =
        integers ? kernels->alias_units_of_integers : kernels->alias_units_of_doubles;
    const uint64_t full = (uint64_t)1 << (64 - bits);
    const uint64_t total = units_of(buckets, n, &ratio, full, &marks);
    if (n % 64) marks.light[n / 64] &= ((uint64_t)1 << n % 64) - 1;
    correct(buckets, n, *largest, 0 - total, full, &marks);
    if (buckets[*largest]) {
        sd_alias_arrange(buckets, bits, n, marks.light, marks.heavy);
    } else { /* that is 2^64, which cannot be taken apart like the others */
        for (size_t i = 0; i < (size_t)1 << bits; i++) buckets[i] = *largest;
    }
    return SOFTDRAW_OK;
}

#define SD_DEFINE(name, type, integers)                                                     \
    int softdraw_alias_build_##name(const type *weights, size_t n, uint64_t *buckets,       \
                                    uint64_t *scratch, size_t *where) {                     \
        const sd_kernels *kernels = sd_kernels_in_use();                                    \
        if (!kernels) return SOFTDRAW_ERROR_ISA;                                            \
        if (!length_valid(n)) return SOFTDRAW_ERROR_LENGTH;                                 \
        if (!weights || !buckets || !scratch) return SOFTDRAW_ERROR_NULL;                   \
        sd_weights seen = {{{0}}, 0, 0, 0};                                                    \
        size_t index = kernels->alias_read_##name(weights, n, buckets, &seen);              \
        const int error = index < n ? SOFTDRAW_ERROR_WEIGHT                                 \
                                    : build(kernels, &seen, n, integers, buckets, scratch, &index); \
        if (where) *where = index;                                                          \
        return error;                                                                       \
    }
SD_DEFINE(f64, double, 0)
SD_DEFINE(f32, float, 0)
SD_DEFINE(u64, uint64_t, 1)
