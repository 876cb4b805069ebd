/* What alias_build.c does category by category: the ratio that weights are multiplied by (its step 2), and
 * the corrections after which the units sum to exactly 2^64 (its steps 3 and 4). */
#ifndef SD_CORRECT_H
#define SD_CORRECT_H
#include "../arith/bits.h"
#include "../arith/mul_error.h"
#include "weights.h"

/* One unit as it is stored; see SD_WORD_BITS in weights.h. */
static const uint64_t one_unit = (uint64_t)1 << (64 - SD_WORD_BITS);

/* Divides the scratch, of softdraw_alias_scratch(n) bytes, among the marks. */
static sd_marks place_marks(uint64_t *scratch, size_t n) {
    const size_t words = n / 64 + (n % 64 > 0);
    const sd_marks marks = {scratch, scratch + words, scratch + 2 * words, scratch + 3 * words,
                            scratch + 4 * words};
    return marks;
}

/* 2^64 / W for W = (high + low) * 2^exponent: 1 / high, and as low part one step of Newton's method from
 * there. high * (1 / high) is about 1, far from underflow, so that sd_mul_error is exact. */
static sd_ratio make_ratio(double high, double low, int exponent) {
    sd_ratio r;
    r.high = 1 / high;
    const double product = high * r.high;
    const double error = sd_mul_error(high, r.high, product);
    r.low = ((1 - product) - error - low * r.high) * r.high;
    const int prescaled = exponent > 900 ? 900 : exponent < -900 ? -900 : 0;
    const double scale = sd_power_of_2(SD_WORD_BITS - exponent + prescaled);
    r.prescale = sd_power_of_2(-prescaled);
    r.high *= scale;
    r.low *= scale;
    return r;
}

/* Marks category i as light, heavy or neither. */
static void mark_size(const sd_marks *marks, size_t i, uint64_t unit, uint64_t capacity) {
    const uint64_t bit = (uint64_t)1 << i % 64;
    marks->light[i / 64] = (marks->light[i / 64] & ~bit) | (unit < capacity ? bit : 0);
    marks->heavy[i / 64] = (marks->heavy[i / 64] & ~bit) | (unit > capacity ? bit : 0);
}

/* Steps 3 and 4. `missing` is D, modulo 2^64: what the units lack to the sum of 2^64. largest is the index
 * of the first of the largest weights. */
static void correct_units(uint64_t *units, size_t n, size_t largest, uint64_t missing, uint64_t capacity,
                          const sd_marks *marks) {
    const int negative = (int)(missing >> 63);
    const uint64_t step = negative ? 0 - one_unit : one_unit;
    const uint64_t *correctable = negative ? marks->rounded_up : marks->rounded_down;
    uint64_t given = 0;
    for (size_t word = 0; missing && 64 * word < n; word++) {
        for (uint64_t bits = correctable[word]; bits && missing; bits &= bits - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(bits);
            units[i] += step;
            missing -= step;
            if (units[i] == 0) marks->lost[word] |= bits & (0 - bits);
            mark_size(marks, i, units[i], capacity);
        }
    }
    for (size_t word = 0; 64 * word < n; word++) {
        for (uint64_t bits = marks->lost[word]; bits; bits &= bits - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(bits);
            /* the largest is 0 only if it is 2^64 */
            if (units[i] || i == largest) continue;
            units[i] = one_unit;
            given += one_unit;
        }
    }
    units[largest] -= given;
    mark_size(marks, largest, units[largest], capacity);
}

#endif
