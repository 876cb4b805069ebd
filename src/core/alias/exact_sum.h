/* Exact sums of doubles >= 0 and 64-bit integers, for the weights of alias tables. Every bit is kept, so
 * the sum does not depend on the order of the summands. */
#ifndef SD_EXACT_SUM_H
#define SD_EXACT_SUM_H
#include "../compiler.h"

/* The number is the sum of limb[k] * 2^(32 * k - SD_SUM_POSITION_OF_1). A limb is made for 32 bits and has
 * room to add up 2^32 such numbers, so that carries need to be passed on only once, at the end. The
 * smallest double is 2^-1074. The lowest four limbs stay 0, but sd_exact_sum_top reads them. */
enum { SD_SUM_LIMBS = 72, SD_SUM_POSITION_OF_1 = 1074 + 128 };
typedef struct { uint64_t limb[SD_SUM_LIMBS]; } sd_exact_sum;

/* Adds integer * 2^(position - SD_SUM_POSITION_OF_1). It may be called 2^32 times for one sum. */
SD_INLINE void sd_exact_sum_add(sd_exact_sum *sum, uint64_t integer, unsigned position) {
    uint64_t *limb = sum->limb + position / 32;
    const unsigned shift = position % 32;
    const uint64_t low = integer << shift;
    limb[0] += low & 0xffffffff;
    limb[1] += low >> 32;
    limb[2] += integer >> 1 >> (63 - shift);
}

/* Adds the double that has these bits; it must be finite and >= 0. */
SD_INLINE void sd_exact_sum_add_double(sd_exact_sum *sum, uint64_t bits) {
    const unsigned exponent = (unsigned)(bits >> 52);
    const uint64_t normal = exponent != 0;
    sd_exact_sum_add(sum, (bits & 0xfffffffffffff) | normal << 52,
                     exponent - (unsigned)normal + SD_SUM_POSITION_OF_1 - 1074);
}

/* Gives a sum > 0, truncated to 106 bits, as (high + low) * 2^exponent, where high, from 1 to 2, is high +
 * low rounded to nearest. It passes the carries on, after which nothing can be added. */
SD_INLINE void sd_exact_sum_top(sd_exact_sum *sum, double *high, double *low, int *exponent) {
    uint64_t *limb = sum->limb;
    int top = 0;
    for (int k = 0; k + 1 < SD_SUM_LIMBS; k++) {
        limb[k + 1] += limb[k] >> 32;
        limb[k] &= 0xffffffff;
        if (limb[k]) top = k;
    }

    uint64_t a = limb[top] << 32 | limb[top - 1];
    uint64_t b = limb[top - 2] << 32 | limb[top - 3];
    uint64_t c = limb[top - 4] << 32;
    *exponent = 32 * top + 31 - SD_SUM_POSITION_OF_1;
    for (; !(a >> 63); a = a << 1 | b >> 63, b = b << 1 | c >> 63, c <<= 1) --*exponent;

    const double first = (double)(int64_t)(a >> 11) * 0x1p-52;
    const double next = (double)(int64_t)((a & 0x7ff) << 42 | b >> 22) * 0x1p-105;
    *high = first + next;
    *low = next - (*high - first);
}

#endif
