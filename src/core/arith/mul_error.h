/* The rounding error of a product of doubles, without a fused multiply-add. */
#ifndef SD_MUL_ERROR_H
#define SD_MUL_ERROR_H
#include "../compiler.h"

/* a rounded to its top 26 bits (Veltkamp); the rest of a fits in 26 bits as well. */
SD_INLINE double sd_upper_half(double a) {
    const double c = 134217729.0 * a; /* 2^27 + 1 */
    return c - (c - a);
}

/* a * b - product, where product is a * b rounded to nearest: what fma(a, b, -product) gives (Dekker). |a|,
 * |b| and |a * b| must be below 2^990. The result is exact unless it underflows. */
SD_INLINE double sd_mul_error(double a, double b, double product) {
    const double a_high = sd_upper_half(a), a_low = a - a_high;
    const double b_high = sd_upper_half(b), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

#endif
