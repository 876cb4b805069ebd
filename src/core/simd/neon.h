/* The pack of 512 bits on NEON, for processors of aarch64: four registers. scalar.h says what each function
 * means, and has them in the same order. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "../compiler.h"
#include "../arith/half.h"

#define SD_TARGET_CLOSE
#if SD_NEON
#define SD_TIER neon
#define GROUP 1
#define SD_BODY SD_INLINE

#include <arm_neon.h>

#include "tiles_plain.h"

typedef struct { float32x4_t v[4]; } f32x16;
typedef struct { uint32x4_t v[4]; } i32x16;
typedef struct { float64x2_t v[4]; } f64x8;
typedef struct { uint64x2_t v[4]; } u64x8;
typedef uint8x16x2_t f32_table; /* 32 bytes, for NEON looks up bytes */
typedef uint8x16x2_t f64_table;

/* Returns a pack whose register i is the expression. */
#define SD_FOUR(type, expression)                          \
    do {                                                   \
        type r;                                            \
        for (int i = 0; i < 4; i++) r.v[i] = (expression); \
        return r;                                          \
    } while (0)

/* ---- float32 ---- */

SD_INLINE f32x16 f32_set1(float a) { SD_FOUR(f32x16, vdupq_n_f32(a)); }
SD_INLINE f32x16 f32_load(const float *p) { SD_FOUR(f32x16, vld1q_f32(p + 4 * i)); }
SD_INLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    float whole[16];
    for (size_t i = 0; i < 16; i++) whole[i] = fill;
    memcpy(whole, p, n * sizeof(float));
    return f32_load(whole);
}
SD_INLINE void f32_store(float *p, f32x16 a) {
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, a.v[i]);
}
SD_INLINE void f32_store_n(float *p, size_t n, f32x16 a) {
    float whole[16];
    f32_store(whole, a);
    memcpy(p, whole, n * sizeof(float));
}
SD_INLINE void f32_stream(float *p, f32x16 a) { f32_store(p, a); }
SD_INLINE void sd_stream_end(void) {}
SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { SD_FOUR(f32x16, vaddq_f32(a.v[i], b.v[i])); }
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { SD_FOUR(f32x16, vsubq_f32(a.v[i], b.v[i])); }
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { SD_FOUR(f32x16, vmulq_f32(a.v[i], b.v[i])); }
SD_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) {
    SD_FOUR(f32x16, vfmaq_f32(c.v[i], a.v[i], b.v[i]));
}
SD_INLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) {
    SD_FOUR(f32x16, vfmaq_f32(vnegq_f32(c.v[i]), a.v[i], b.v[i]));
}
/* not vmaxq, which gives NaN where scalar.h says b */
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) {
    SD_FOUR(f32x16, vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]));
}
SD_INLINE f32x16 f32_min(f32x16 a, f32x16 b) {
    SD_FOUR(f32x16, vbslq_f32(vcltq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]));
}
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    SD_FOUR(f32x16, vbslq_f32(vcgeq_f32(a.v[i], b.v[i]), yes.v[i], no.v[i]));
}
SD_INLINE f32x16 f32_abs(f32x16 a) { SD_FOUR(f32x16, vabsq_f32(a.v[i])); }
SD_INLINE f32x16 f32_with_sign(f32x16 a, f32x16 b) {
    SD_FOUR(f32x16, vbslq_f32(vdupq_n_u32(0x80000000u), b.v[i], a.v[i]));
}
SD_INLINE float f32_reduce_max(f32x16 a) {
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.v[0], a.v[1]), vmaxq_f32(a.v[2], a.v[3])));
}
SD_INLINE float f32_reduce_add(f32x16 a) {
    const float32x4_t four = vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
SD_INLINE f32x16 f32_assume_upper(f32x16 a, float fill) {
    SD_FOUR(f32x16, i < 2 ? a.v[i] : vdupq_n_f32(fill));
}
SD_INLINE float f32_first(f32x16 a) { return vgetq_lane_f32(a.v[0], 0); }
SD_INLINE i32x16 f32_bits(f32x16 a) { SD_FOUR(i32x16, vreinterpretq_u32_f32(a.v[i])); }
SD_INLINE f32x16 f32_from_bits(i32x16 a) { SD_FOUR(f32x16, vreinterpretq_f32_u32(a.v[i])); }
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) { SD_FOUR(i32x16, vaddq_u32(a.v[i], b.v[i])); }
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) { SD_FOUR(i32x16, vsubq_u32(a.v[i], b.v[i])); }
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) { SD_FOUR(i32x16, vandq_u32(a.v[i], b.v[i])); }
SD_INLINE i32x16 i32_shl(i32x16 a, int count) { SD_FOUR(i32x16, vshlq_u32(a.v[i], vdupq_n_s32(count))); }
SD_INLINE i32x16 i32_set1(uint32_t a) { SD_FOUR(i32x16, vdupq_n_u32(a)); }
SD_INLINE i32x16 i32_load(const uint32_t *p) { SD_FOUR(i32x16, vld1q_u32(p + 4 * i)); }
SD_INLINE f32_table f32_table_from(f32x16 a) {
    const f32_table t = {{vreinterpretq_u8_f32(a.v[0]), vreinterpretq_u8_f32(a.v[1])}};
    return t;
}
/* Entry i of the table, for i modulo 8, is its bytes 4i, 4i + 1, 4i + 2 and 4i + 3. */
SD_INLINE float32x4_t f32_lookup_4(f32_table t, uint32x4_t i) {
    const uint32x4_t low = vandq_u32(i, vdupq_n_u32(7));
    const uint32x4_t bytes = vmlaq_u32(vdupq_n_u32(0x03020100u), low, vdupq_n_u32(0x04040404u));
    return vreinterpretq_f32_u8(vqtbl2q_u8(t, vreinterpretq_u8_u32(bytes)));
}
SD_INLINE f32x16 f32_lookup(f32_table t, i32x16 a) { SD_FOUR(f32x16, f32_lookup_4(t, a.v[i])); }
/* 8 floats, a and b, as doubles */
SD_INLINE f64x8 f32_to_f64_8(float32x4_t a, float32x4_t b) {
    const f64x8 r = {{vcvt_f64_f32(vget_low_f32(a)), vcvt_high_f64_f32(a),
                      vcvt_f64_f32(vget_low_f32(b)), vcvt_high_f64_f32(b)}};
    return r;
}
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) { return f32_to_f64_8(a.v[0], a.v[1]); }
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) { return f32_to_f64_8(a.v[2], a.v[3]); }
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    const f32x16 r = {{vcvt_high_f32_f64(vcvt_f32_f64(low.v[0]), low.v[1]),
                       vcvt_high_f32_f64(vcvt_f32_f64(low.v[2]), low.v[3]),
                       vcvt_high_f32_f64(vcvt_f32_f64(high.v[0]), high.v[1]),
                       vcvt_high_f32_f64(vcvt_f32_f64(high.v[2]), high.v[3])}};
    return r;
}

/* ---- float16 and bfloat16 ---- */

SD_INLINE uint16x8_t sd_without_minus_zero(uint16x8_t a) {
    return vbicq_u16(a, vceqq_u16(a, vdupq_n_u16(0x8000)));
}
SD_INLINE f32x16 f16_load(const uint16_t *p) {
    SD_FOUR(f32x16, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))));
}
SD_INLINE void f16_store(uint16_t *p, f32x16 a) {
    for (int i = 0; i < 4; i += 2)
        vst1q_u16(p + 4 * i, sd_without_minus_zero(vreinterpretq_u16_f16(
                                 vcombine_f16(vcvt_f16_f32(a.v[i]), vcvt_f16_f32(a.v[i + 1])))));
}
SD_INLINE f32x16 bf16_load(const uint16_t *p) {
    f32x16 r;
    for (int i = 0; i < 2; i++) {
        const uint32x4_t both = vreinterpretq_u32_u16(vld1q_u16(p + 8 * i));
        r.v[i] = vreinterpretq_f32_u32(vshlq_n_u32(both, 16));
        r.v[i + 2] = vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xffff0000u)));
    }
    return r;
}
/* The upper 16 bits of each lane become the bfloat16: adding 0x7fff, and 1 more if the last bit that stays
 * is 1, rounds to nearest, ties to even. */
SD_INLINE uint32x4_t bf16_rounded(float32x4_t a) {
    const uint32x4_t bits = vreinterpretq_u32_f32(a);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    return vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
}
SD_INLINE void bf16_store(uint16_t *p, f32x16 a) {
    for (int i = 0; i < 2; i++) {
        const uint32x4_t even = vshrq_n_u32(bf16_rounded(a.v[i]), 16);
        const uint32x4_t both = vbslq_u32(vdupq_n_u32(0xffffu), even, bf16_rounded(a.v[i + 2]));
        vst1q_u16(p + 8 * i, sd_without_minus_zero(vreinterpretq_u16_u32(both)));
    }
}
SD_INLINE void f16_stream(uint16_t *p, f32x16 a) { f16_store(p, a); }
SD_INLINE void bf16_stream(uint16_t *p, f32x16 a) { bf16_store(p, a); }

/* ---- float64 ---- */

SD_INLINE f64x8 f64_set1(double a) { SD_FOUR(f64x8, vdupq_n_f64(a)); }
SD_INLINE f64x8 f64_load(const double *p) { SD_FOUR(f64x8, vld1q_f64(p + 2 * i)); }
SD_INLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    double whole[8];
    for (size_t i = 0; i < 8; i++) whole[i] = fill;
    memcpy(whole, p, n * sizeof(double));
    return f64_load(whole);
}
SD_INLINE void f64_store(double *p, f64x8 a) {
    for (int i = 0; i < 4; i++) vst1q_f64(p + 2 * i, a.v[i]);
}
SD_INLINE void f64_store_n(double *p, size_t n, f64x8 a) {
    double whole[8];
    f64_store(whole, a);
    memcpy(p, whole, n * sizeof(double));
}
SD_INLINE void f64_stream(double *p, f64x8 a) { f64_store(p, a); }
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { SD_FOUR(f64x8, vaddq_f64(a.v[i], b.v[i])); }
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { SD_FOUR(f64x8, vsubq_f64(a.v[i], b.v[i])); }
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { SD_FOUR(f64x8, vmulq_f64(a.v[i], b.v[i])); }
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { SD_FOUR(f64x8, vdivq_f64(a.v[i], b.v[i])); }
SD_INLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) { SD_FOUR(f64x8, vfmaq_f64(c.v[i], a.v[i], b.v[i])); }
SD_INLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) {
    SD_FOUR(f64x8, vfmaq_f64(vnegq_f64(c.v[i]), a.v[i], b.v[i]));
}
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) {
    SD_FOUR(f64x8, vbslq_f64(vcgtq_f64(a.v[i], b.v[i]), a.v[i], b.v[i]));
}
SD_INLINE f64x8 f64_min(f64x8 a, f64x8 b) {
    SD_FOUR(f64x8, vbslq_f64(vcltq_f64(a.v[i], b.v[i]), a.v[i], b.v[i]));
}
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    SD_FOUR(f64x8, vbslq_f64(vcgeq_f64(a.v[i], b.v[i]), yes.v[i], no.v[i]));
}
SD_INLINE f64x8 f64_abs(f64x8 a) { SD_FOUR(f64x8, vabsq_f64(a.v[i])); }
SD_INLINE f64x8 f64_with_sign(f64x8 a, f64x8 b) {
    SD_FOUR(f64x8, vbslq_f64(vdupq_n_u64(UINT64_C(1) << 63), b.v[i], a.v[i]));
}
SD_INLINE double f64_reduce_max(f64x8 a) {
    return vmaxvq_f64(vmaxq_f64(vmaxq_f64(a.v[0], a.v[1]), vmaxq_f64(a.v[2], a.v[3])));
}
SD_INLINE f64x8 f64_assume_upper(f64x8 a, double fill) {
    SD_FOUR(f64x8, i < 2 ? a.v[i] : vdupq_n_f64(fill));
}
SD_INLINE double f64_first(f64x8 a) { return vgetq_lane_f64(a.v[0], 0); }
SD_INLINE double f64_reduce_add(f64x8 a) {
    return vaddvq_f64(vaddq_f64(vaddq_f64(a.v[0], a.v[2]), vaddq_f64(a.v[1], a.v[3])));
}
SD_INLINE u64x8 f64_bits(f64x8 a) { SD_FOUR(u64x8, vreinterpretq_u64_f64(a.v[i])); }
SD_INLINE f64x8 f64_from_bits(u64x8 a) { SD_FOUR(f64x8, vreinterpretq_f64_u64(a.v[i])); }
SD_INLINE f64_table f64_table_from(f64x8 a) {
    const f64_table t = {{vreinterpretq_u8_f64(a.v[0]), vreinterpretq_u8_f64(a.v[1])}};
    return t;
}
/* Entry i of the table, for i modulo 4, is its bytes 8i to 8i + 7. NEON cannot multiply lanes of 64 bits,
 * so i is copied to both halves of its lane first. */
SD_INLINE float64x2_t f64_lookup_2(f64_table t, uint64x2_t i) {
    const uint32x4_t low = vreinterpretq_u32_u64(vandq_u64(i, vdupq_n_u64(3)));
    const uint32x4_t both = vtrn1q_u32(low, low);
    const uint32x4_t first = vreinterpretq_u32_u64(vdupq_n_u64(0x0706050403020100u));
    const uint32x4_t bytes = vmlaq_u32(first, both, vdupq_n_u32(0x08080808u));
    return vreinterpretq_f64_u8(vqtbl2q_u8(t, vreinterpretq_u8_u32(bytes)));
}
SD_INLINE f64x8 f64_lookup(f64_table t, u64x8 a) { SD_FOUR(f64x8, f64_lookup_2(t, a.v[i])); }

/* ---- unsigned 64-bit integers ---- */

SD_INLINE u64x8 u64_set1(uint64_t a) { SD_FOUR(u64x8, vdupq_n_u64(a)); }
SD_INLINE u64x8 u64_load(const uint64_t *p) { SD_FOUR(u64x8, vld1q_u64(p + 2 * i)); }
SD_INLINE u64x8 u64_load_once(const uint64_t *p) {
    u64x8 a = u64_load(p);
    for (int i = 0; i < 4; i++) SD_KEEP("w", a.v[i]);
    return a;
}
SD_INLINE void u64_store(uint64_t *p, u64x8 a) {
    for (int i = 0; i < 4; i++) vst1q_u64(p + 2 * i, a.v[i]);
}
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vaddq_u64(a.v[i], b.v[i])); }
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vsubq_u64(a.v[i], b.v[i])); }
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { SD_FOUR(u64x8, veorq_u64(a.v[i], b.v[i])); }
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vandq_u64(a.v[i], b.v[i])); }
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vorrq_u64(a.v[i], b.v[i])); }
/* Shifts left, or right if the count is negative. */
SD_INLINE u64x8 sd_u64_shift(u64x8 a, int count) { SD_FOUR(u64x8, vshlq_u64(a.v[i], vdupq_n_s64(count))); }
SD_INLINE u64x8 u64_shl(u64x8 a, int count) { return sd_u64_shift(a, count); }
SD_INLINE u64x8 u64_rotl(u64x8 a, int count) {
    return u64_or(sd_u64_shift(a, count), sd_u64_shift(a, count - 64));
}
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) { return sd_u64_shift(a, (int)count); }
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) { return sd_u64_shift(a, -(int)count); }
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    SD_FOUR(u64x8, vbslq_u64(vcltq_u64(a.v[i], b.v[i]), yes.v[i], no.v[i]));
}

/* ---- eight packs to one ---- */

#define SD_EIGHT(expression)                                      \
    do {                                                          \
        double lane[8];                                           \
        for (int i = 0; i < 8; i++) lane[i] = (expression);       \
        return f64_load(lane);                                    \
    } while (0)
SD_INLINE f64x8 f32_reduce_max_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_max(a[i])); }
SD_INLINE f64x8 f32_reduce_add_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_add(a[i])); }
SD_INLINE f64x8 f64_reduce_max_8(const f64x8 *a) { SD_EIGHT(f64_reduce_max(a[i])); }
SD_INLINE f64x8 f64_reduce_add_8(const f64x8 *a) { SD_EIGHT(f64_reduce_add(a[i])); }

/* ---- comparisons as masks ---- */

SD_INLINE unsigned f32_mask_ge(f32x16 a, f32x16 b) {
    static const uint32_t bits[16] = {1,      1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6,  1 << 7,
                                      1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
    unsigned mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= vaddvq_u32(vandq_u32(vcgeq_f32(a.v[i], b.v[i]), vld1q_u32(bits + 4 * i)));
    return mask;
}
SD_INLINE unsigned f64_mask_ge(f64x8 a, f64x8 b) {
    static const uint64_t bits[8] = {1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7};
    unsigned mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (unsigned)vaddvq_u64(vandq_u64(vcgeq_f64(a.v[i], b.v[i]), vld1q_u64(bits + 2 * i)));
    return mask;
}
#include "between_plain.h"

/* ---- for alias tables ---- */

SD_INLINE f64x8 f64_load_f32(const float *p) { return f32_to_f64_8(vld1q_f32(p), vld1q_f32(p + 4)); }
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) { return f64_fms(a, b, product); }
/* The mask of 8 lanes, each of which has all bits set or none: the sum of one bit from each. */
SD_INLINE unsigned sd_mask_8(u64x8 a) {
    static const uint64_t bits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const u64x8 each = u64_and(a, u64_load(bits));
    const uint64x2_t halves = vaddq_u64(vaddq_u64(each.v[0], each.v[1]), vaddq_u64(each.v[2], each.v[3]));
    return (unsigned)vaddvq_u64(halves);
}
SD_INLINE u64x8 sd_f64_lt(f64x8 a, f64x8 b) { SD_FOUR(u64x8, vcltq_f64(a.v[i], b.v[i])); }
SD_INLINE u64x8 sd_u64_lt(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vcltq_u64(a.v[i], b.v[i])); }
SD_INLINE u64x8 sd_u64_eq(u64x8 a, u64x8 b) { SD_FOUR(u64x8, vceqq_u64(a.v[i], b.v[i])); }
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) { return sd_mask_8(sd_f64_lt(a, b)); }
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) { return sd_mask_8(sd_u64_lt(a, b)); }
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) { return sd_mask_8(sd_u64_eq(a, b)); }
SD_INLINE u64x8 u64_look_up_words(const uint64_t *base, u64x8 index, const uint64_t *words, unsigned shift) {
    (void)index;
    uint64_t at[8];
    for (int i = 0; i < 8; i++) at[i] = base[words[i] >> shift];
    return u64_load(at);
}
SD_INLINE u64x8 u64_look_up(const uint64_t *base, u64x8 index) {
    uint64_t at[8];
    u64_store(at, index);
    return u64_look_up_words(base, index, at, 0);
}
#define SD_FETCH_AHEAD 128

/* ---- for draws from logits ---- */

#include "compress_4.h"

/* The lanes of a that the mask of 4 bits selects; returns where the next ones go. */
SD_INLINE uint32_t *sd_compress_4(uint32_t *out, uint32x4_t a, unsigned mask) {
    const uint8x16_t order = vld1q_u8(sd_compress_order[mask]);
    vst1q_u32(out, vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(a), order)));
    return out + sd_compress_count[mask];
}
SD_INLINE void f32_compress(float *out, f32x16 a, unsigned mask) {
    uint32_t *to = (uint32_t *)out;
    for (int i = 0; i < 4; i++)
        to = sd_compress_4(to, vreinterpretq_u32_f32(a.v[i]), mask >> 4 * i & 15);
}
SD_INLINE void f64_compress(double *out, f64x8 a, unsigned mask) {
    for (int i = 0; i < 4; i++, mask >>= 2) {
        vst1q_f64(out, (mask & 3) == 2 ? vextq_f64(a.v[i], a.v[i], 1) : a.v[i]);
        out += (mask & 1) + (mask >> 1 & 1);
    }
}
/* `fours` times four integers */
SD_INLINE void sd_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask,
                                 const int fours) {
    uint32x4_t r[4];
    for (int i = 0; i < fours; i++) r[i] = vaddq_u32(vld1q_u32(in + 4 * i), vdupq_n_u32(add));
    for (int i = 0; i < fours; i++) out = sd_compress_4(out, r[i], mask >> 4 * i & 15);
}
SD_INLINE void f32_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    sd_compress_index(out, in, add, mask, 4);
}
SD_INLINE void f64_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    sd_compress_index(out, in, add, mask, 2);
}
SD_INLINE f32x16 f32_where_bit(unsigned mask, f32x16 a, f32x16 b) {
    static const uint32_t bits[4] = {1, 2, 4, 8};
    SD_FOUR(f32x16, vbslq_f32(vtstq_u32(vdupq_n_u32(mask >> 4 * i), vld1q_u32(bits)), a.v[i], b.v[i]));
}
SD_INLINE f64x8 f64_where_bit(unsigned mask, f64x8 a, f64x8 b) {
    static const uint64_t bits[2] = {1, 2};
    SD_FOUR(f64x8, vbslq_f64(vtstq_u64(vdupq_n_u64(mask >> 2 * i), vld1q_u64(bits)), a.v[i], b.v[i]));
}
SD_INLINE f32x16 f32_mark_nan(f32x16 seen, f32x16 a, f32x16 b) {
    SD_FOUR(f32x16, vbslq_f32(vandq_u32(vceqq_f32(a.v[i], a.v[i]), vceqq_f32(b.v[i], b.v[i])), seen.v[i],
                              vdupq_n_f32((float)sd_nan())));
}
SD_INLINE f64x8 f64_mark_nan(f64x8 seen, f64x8 a, f64x8 b) {
    SD_FOUR(f64x8, vbslq_f64(vandq_u64(vceqq_f64(a.v[i], a.v[i]), vceqq_f64(b.v[i], b.v[i])), seen.v[i],
                             vdupq_n_f64(sd_nan())));
}
SD_INLINE unsigned sd_bits_of_bytes(const uint8_t *p) {
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t a = vld1q_u8(p), each = vandq_u8(vtstq_u8(a, a), vld1q_u8(bits));
    return (unsigned)vaddv_u8(vget_low_u8(each)) | (unsigned)vaddv_u8(vget_high_u8(each)) << 8;
}
SD_INLINE f32x16 bf16_load_in_order(const uint16_t *p) {
    SD_FOUR(f32x16, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)));
}

#endif
#endif
