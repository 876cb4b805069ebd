/* float16 and bfloat16 in plain C, as 16-bit integers. They convert exactly to float32, and from it are
 * rounded to nearest, ties to even; a NaN becomes the quiet one without sign and payload, and -0 becomes
 * +0. */
#ifndef SD_HALF_H
#define SD_HALF_H
#include "bits.h"

SD_INLINE float sd_f16_to_f32(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
    uint32_t bits = (magnitude << 13) + (112u << 23);
    if (magnitude < 0x400u) bits = sd_f32_bits((float)magnitude * 0x1p-24f);
    else if (magnitude >= 0x7c00u) bits += 112u << 23;
    return sd_f32_of_bits(bits | sign);
}

SD_INLINE uint16_t sd_f16_from_f32(float value) {
    const uint32_t bits = sd_f32_bits(value), magnitude = bits & 0x7fffffffu;
    uint32_t half;
    if (magnitude > 0x7f800000u) return 0x7e00u;
    if (magnitude >= 0x47800000u) half = 0x7c00u; /* from 2^16 on, infinity */
    /* below 2^-14, subnormal: adding 0.5, whose last bit is 2^-24, rounds to multiples of that */
    else if (magnitude < 0x38800000u)
        half = sd_f32_bits(sd_f32_of_bits(magnitude) + 0.5f) - 0x3f000000u;
    else half = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13;
    return (uint16_t)(half ? half | (bits >> 16 & 0x8000u) : 0);
}

SD_INLINE float sd_bf16_to_f32(uint16_t half) { return sd_f32_of_bits((uint32_t)half << 16); }

SD_INLINE uint16_t sd_bf16_from_f32(float value) {
    const uint32_t bits = sd_f32_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
    const uint32_t half = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(half == 0x8000u ? 0 : half);
}

#endif
