/* Floating-point numbers and their bits: as integers and back, powers of two, exponents, the next number
 * up.
 *
 * IEEE 754 puts the sign in the top bit, then the exponent, then the fraction. So the bits of numbers >= 0,
 * taken as integers, are in the same order as the numbers. */
#ifndef SD_BITS_H
#define SD_BITS_H
#include "../compiler.h"

/* Adding this number to a, |a| < 2^51, and subtracting it again gives the integer nearest to a. */
#define SD_TO_INTEGER 0x1.8p52

SD_INLINE uint32_t sd_f32_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

SD_INLINE float sd_f32_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

SD_INLINE uint64_t sd_f64_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

SD_INLINE double sd_f64_of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The NaN that results have: its bits are 0x7ff8000000000000, and as a float 0x7fc00000. The macro NAN
 * would not do, because the C library chooses its sign, and some for Windows make it negative. */
SD_INLINE double sd_nan(void) { return sd_f64_of_bits((uint64_t)0x7ff8 << 48); }

/* 2^exponent, where exponent is an integer < 1024; 0 if that would be subnormal. */
SD_INLINE double sd_power_of_2(double exponent) {
    return sd_f64_of_bits(exponent < -1022 ? 0 : (uint64_t)(1023 + (int64_t)exponent) << 52);
}

/* a times 2^exponent, where exponent is an integer <= 0 and the power alone may be too small for a double. */
SD_INLINE double sd_scale_down(double a, double exponent) {
    const double half = (double)(int64_t)(exponent > -4096 ? exponent / 2 : -2048);
    return a * sd_power_of_2(half) * sd_power_of_2(exponent - half);
}

/* Returns m in [1, 2) and sets the exponent so that a = 2^exponent * m; a must be normal and > 0. */
SD_INLINE double sd_mantissa(double a, int *exponent) {
    const uint64_t bits = sd_f64_bits(a);
    *exponent = (int)(bits >> 52) - 1023;
    return sd_f64_of_bits((bits & UINT64_MAX >> 12) | (uint64_t)1023 << 52);
}

/* The next number above a, which must not be NaN or infinite; above 0 it is the smallest subnormal. */
SD_INLINE float sd_f32_next_up(float a) {
    const uint32_t bits = sd_f32_bits(a);
    return sd_f32_of_bits(a > 0 ? bits + 1 : a < 0 ? bits - 1 : 1);
}

SD_INLINE double sd_f64_next_up(double a) {
    const uint64_t bits = sd_f64_bits(a);
    return sd_f64_of_bits(a > 0 ? bits + 1 : a < 0 ? bits - 1 : 1);
}

#endif
