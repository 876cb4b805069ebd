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
 * Each weight is read once, into `units`, and all the rest works on that copy. */
#include "compiler.h"
#include "softdraw.h"

#include "alias_sum.h"

#include <string.h>

/* 2^64 / W as (high + low) * first * second: two powers of two, since their product may be out of
 * range; high_a + high_b is high in halves of 26 bits. */
typedef struct {
    double high, low, high_a, high_b, first, second;
} ratio;

SD_INLINE double from_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SD_INLINE uint64_t to_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double power_of_two(int exponent) { return from_bits((uint64_t)(exponent + 1023) << 52); }

/* The top 26 bits of a, rounded (Veltkamp); what is left fits in 26 as well. */
SD_INLINE double upper_half(double a) {
    const double c = 134217729.0 * a; /* 2^27 + 1 */
    return c - (c - a);
}

/* a * b - product, exactly (Dekker), where product = RN(a * b) and b = b_a + b_b: what
 * fma(a, b, -product) gives. Inexact only where it underflows, far below any unit. */
SD_INLINE double product_error(double a, double b_a, double b_b, double product) {
    const double a_a = upper_half(a), a_b = a - a_a;
    return ((a_a * b_a - product) + a_a * b_b + a_b * b_a) + a_b * b_b;
}

static ratio ratio_to(double high, double low, int exponent) {
    ratio r;
    r.high = 1 / high;
    r.high_a = upper_half(r.high);
    r.high_b = r.high - r.high_a;
    const double product = high * r.high;
    const double error = product_error(high, r.high_a, r.high_b, product);
    r.low = ((1 - product) - error - low * r.high) * r.high;
    const int scale = 64 - exponent;
    r.first = power_of_two(scale / 2);
    r.second = power_of_two(scale - scale / 2);
    return r;
}

/* The integer nearest to 2^64 * (high + low) / W, modulo 2^64; what that left over goes to *rest.
 * Every tier must round as this does, or near-ties become other tables. */
SD_INLINE uint64_t nearest_unit(const ratio *r, double high, double low, double *rest) {
    high = high * r->first * r->second;
    low = low * r->first * r->second;
    const double product = high * r->high;
    const double tail = product_error(high, r->high_a, r->high_b, product) +
                        (high * r->low + low * r->high);
    /* adding and subtracting 1.5 * 2^52 rounds to an integer, and leaves it in the low bits of the
     * sum: first a multiple of 2^32, then what is missing, then what the tail adds */
    const double round = 0x1.8p52;
    const double upper = product * 0x1p-32 + round;
    const double middle = product - (upper - round) * 0x1p32;
    const double lower = middle + round;
    const double fraction = (middle - (lower - round)) + tail;
    const double nearest = fraction + round;
    *rest = fraction - (nearest - round);
    return (to_bits(upper) << 32) + to_bits(lower) + to_bits(nearest) - 2 * to_bits(round);
}

/* The same for a weight as it was copied: an integer, or the bits of a double. An integer past 2^53
 * is a double and what that leaves, so that equal values are equal whatever their type. */
SD_INLINE uint64_t nearest_unit_of(const ratio *r, uint64_t weight, int integers, double *rest) {
    if (!integers) return nearest_unit(r, from_bits(weight), 0, rest);
    const double upper = (double)(int64_t)(weight >> 32) * 0x1p32;
    const double lower = (double)(int64_t)(weight & 0xffffffff);
    const double high = upper + lower;
    return nearest_unit(r, high, lower - (high - upper), rest);
}

/* units holds the copied weights and gets the units. */
SD_INLINE int units_from(sd_exact_sum *sum, uint64_t *units, size_t n, size_t largest, int integers) {
    double high, low, rest;
    int exponent;
    if (!sd_exact_sum_top(sum, &high, &low, &exponent)) return SOFTDRAW_ERROR_ZERO;
    const ratio r = ratio_to(high, low, exponent);

    uint64_t missing = 0;
    for (size_t i = 0; i < n; i++) missing -= nearest_unit_of(&r, units[i], integers, &rest);
    const uint64_t step = missing >> 63 ? ~(uint64_t)0 : 1; /* -1 takes away */
    const double sign = missing >> 63 ? -1 : 1;

    uint64_t lifted = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t unit = nearest_unit_of(&r, units[i], integers, &rest);
        if (missing && sign * rest > 0x1p-36) {
            unit += step;
            missing -= step;
        }
        /* the largest has 0 only where it is 2^64 */
        if (!unit && units[i] && i != largest) {
            unit = 1;
            lifted++;
        }
        units[i] = unit;
    }
    units[largest] -= lifted;
    return SOFTDRAW_OK;
}

static int length_valid(size_t n) { return n > 0 && (uint64_t)n <= (uint64_t)1 << 32; }

/* All bits of negative numbers and NaN are above those of infinity. */
static const uint64_t infinity_bits = (uint64_t)0x7ff << 52, minus_zero_bits = (uint64_t)1 << 63;

/* The first pass: copies, checks and adds the weights. A copy is the integer, or the bits of a
 * double, which compare as integers do; volatile, so that a weight is read once and only once. */
#define SD_DEFINE(name, type, copy_of, integers)                                   \
    int softdraw_alias_units_##name(const type *weights, size_t n, uint64_t *units, \
                                    size_t *where) {                               \
        if (!length_valid(n)) return SOFTDRAW_ERROR_LENGTH;                        \
        const volatile type *source = weights;                                     \
        sd_exact_sum sum = {{0}};                                                        \
        size_t largest = 0;                                                        \
        uint64_t maximum = 0;                                                      \
        for (size_t i = 0; i < n; i++) {                                           \
            uint64_t weight = copy_of(source[i]);                                  \
            if (!integers && weight >= infinity_bits) {                            \
                if (weight != minus_zero_bits) {                                   \
                    if (where) *where = i;                                         \
                    return SOFTDRAW_ERROR_WEIGHT;                                  \
                }                                                                  \
                weight = 0;                                                        \
            }                                                                      \
            if (weight > maximum) {                                                \
                maximum = weight;                                                  \
                largest = i;                                                       \
            }                                                                      \
            if (integers) sd_exact_sum_add_integer(&sum, weight);                        \
            else sd_exact_sum_add_double(&sum, weight);                                  \
            units[i] = weight;                                                     \
        }                                                                          \
        const int error = units_from(&sum, units, n, largest, integers);           \
        if (!error && where) *where = largest;                                     \
        return error;                                                              \
    }

SD_DEFINE(f64, double, to_bits, 0)
SD_DEFINE(f32, float, to_bits, 0) /* as a double */
SD_DEFINE(u64, uint64_t, (uint64_t), 1)
