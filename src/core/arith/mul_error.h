/* What rounding a product loses, without the fused multiply-add. */
#ifndef SD_MUL_ERROR_H
#define SD_MUL_ERROR_H
#include "../compiler.h"

/* The top 26 bits of a, rounded (Veltkamp); what is left fits in 26 as well. */
SD_INLINE double sd_upper_half(double a) {
    const double c = 134217729.0 * a; /* 2^27 + 1 */
    return c - (c - a);
}

/* a * b - product, exactly (Dekker), where product = RN(a * b): what fma(a, b, -product) gives, for
 * |a|, |b| and |a * b| below 2^990. Inexact only where it underflows. */
SD_INLINE double sd_mul_error(double a, double b, double product) {
    const double a_high = sd_upper_half(a), a_low = a - a_high;
    const double b_high = sd_upper_half(b), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

#endif
