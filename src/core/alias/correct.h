/* From the nearest units to units that sum to exactly 2^64: the ratio that weights are multiplied by, and
 * steps 3 and 4 of alias_build.c. */
#ifndef SD_CORRECT_H
#define SD_CORRECT_H
#include "../arith/bits.h"
#include "../arith/mul_error.h"
#include "weights.h"

/* One unit as it is stored: with words of fewer bits, as a test has them, units are the top bits of
 * integers of 64. */
static const uint64_t one = (uint64_t)1 << (64 - SD_WORD_BITS);

static sd_marks marks_in(uint64_t *scratch, size_t n) {
    const size_t words = n / 64 + (n % 64 > 0);
    const sd_marks marks = {scratch, scratch + words, scratch + 2 * words, scratch + 3 * words,
                            scratch + 4 * words};
    return marks;
}

/* 2^64 / W for W = (high + low) * 2^exponent. high * (1 / high) is from 1/2 to 1, so that a fused
 * multiply-add would see no other error of it. */
static sd_ratio make_ratio(double high, double low, int exponent) {
    sd_ratio r;
    r.high = 1 / high;
    const double product = high * r.high;
    const double error = sd_mul_error(high, r.high, product);
    r.low = ((1 - product) - error - low * r.high) * r.high;
    const int far = exponent > 900 ? 900 : exponent < -900 ? -900 : 0;
    const double scale = sd_power_of_2(SD_WORD_BITS - exponent + far);
    r.first = sd_power_of_2(-far);
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
static void correct_units(uint64_t *units, size_t n, size_t largest, uint64_t missing, uint64_t full,
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

#endif
