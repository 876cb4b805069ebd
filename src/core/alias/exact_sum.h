/* Exact sums of doubles and 64-bit integers >= 0: every bit is kept, so their order is nothing. */
#ifndef SD_EXACT_SUM_H
#define SD_EXACT_SUM_H
#include "../compiler.h"

#include <stdint.h>

/* The sum of limb[k] * 2^(32k - SD_SUM_BELOW). A limb is 32 bits and room for 2^32 of them, so the
 * carries wait for the end. The lowest four limbs stay 0: sd_exact_sum_top reads below the last bit. */
enum { SD_SUM_LIMBS = 72, SD_SUM_BELOW = 1074 + 128 };
typedef struct { uint64_t limb[SD_SUM_LIMBS]; } sd_exact_sum;

/* Adds integer * 2^(position - SD_SUM_BELOW), at most 2^32 times. */
SD_INLINE void sd_exact_sum_add(sd_exact_sum *sum, uint64_t integer, unsigned position) {
    uint64_t *limb = sum->limb + position / 32;
    const unsigned shift = position % 32;
    const uint64_t low = integer << shift;
    limb[0] += low & 0xffffffff;
    limb[1] += low >> 32;
    limb[2] += integer >> 1 >> (63 - shift);
}

/* Adds the double with these bits, which is finite and >= 0. */
SD_INLINE void sd_exact_sum_add_double(sd_exact_sum *sum, uint64_t bits) {
    const unsigned exponent = (unsigned)(bits >> 52);
    const uint64_t normal = exponent != 0;
    sd_exact_sum_add(sum, (bits & 0xfffffffffffff) | normal << 52,
                     exponent - (unsigned)normal + SD_SUM_BELOW - 1074);
}

/* The sum, which is positive, cut to 106 bits: (high + low) * 2^exponent, high = RN(high + low) from
 * 1 to 2. Spoils the sum. */
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
    *exponent = 32 * top + 31 - SD_SUM_BELOW;
    for (; !(a >> 63); a = a << 1 | b >> 63, b = b << 1 | c >> 63, c <<= 1) --*exponent;

    const double first = (double)(int64_t)(a >> 11) * 0x1p-52;
    const double next = (double)(int64_t)((a & 0x7ff) << 42 | b >> 22) * 0x1p-105;
    *high = first + next;
    *low = next - (*high - first);
}

#endif
