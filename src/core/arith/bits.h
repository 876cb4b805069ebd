/* Floating-point numbers as their bits: to integers and back, powers of two, exponents, neighbours.
 *
 * IEEE 754 puts the sign in the top bit, then the exponent, then the fraction, so that the bits of
 * numbers >= 0 are in the numbers' order. */
#ifndef SD_BITS_H
#define SD_BITS_H
#include "../compiler.h"

#include <stdint.h>
#include <string.h>

/* Adding this number rounds |a| < 2^51 to the nearest integer; subtracting it again leaves that. */
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

/* The NaN of all results, 0x7ff8000000000000, and as float 0x7fc00000. The macro NAN has a sign that
 * the C library chooses: some for Windows have a negative one. */
SD_INLINE double sd_nan(void) { return sd_f64_of_bits((uint64_t)0x7ff8 << 48); }

/* 2^exponent for an integer exponent < 1024; 0 where that would be subnormal. */
SD_INLINE double sd_power_of_2(double exponent) {
    return sd_f64_of_bits(exponent < -1022 ? 0 : (uint64_t)(1023 + (int64_t)exponent) << 52);
}

/* The m in [1, 2) and the exponent for which a = 2^exponent m; a is normal and above 0. */
SD_INLINE double sd_mantissa(double a, int *exponent) {
    const uint64_t bits = sd_f64_bits(a);
    *exponent = (int)(bits >> 52) - 1023;
    return sd_f64_of_bits((bits & UINT64_MAX >> 12) | (uint64_t)1023 << 52);
}

/* The next number up; from 0 the smallest above it. */
SD_INLINE float sd_f32_next_up(float a) {
    const uint32_t bits = sd_f32_bits(a);
    return sd_f32_of_bits(a > 0 ? bits + 1 : a < 0 ? bits - 1 : 1);
}

SD_INLINE double sd_f64_next_up(double a) {
    const uint64_t bits = sd_f64_bits(a);
    return sd_f64_of_bits(a > 0 ? bits + 1 : a < 0 ? bits - 1 : 1);
}

#endif
