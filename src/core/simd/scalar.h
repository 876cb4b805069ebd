/* The 512-bit logical pack in plain C: the reference, and what each function means.
 *
 * A pack is 16 floats, 8 doubles or 8 unsigned 64-bit integers. Kernels are written once over it and
 * compiled once per machine, each with its own pack header: this one, pack_avx2.h (two registers),
 * pack_avx512.h (one) or pack_neon.h (four). Every function below rounds lane by lane as IEEE 754
 * says, so all machines give the same bits. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "../compiler.h"

/* How many packs kernels work on in lockstep: as many as the registers hold. */
#define SD_TARGET_CLOSE
#define SD_TIER scalar
#define GROUP 1
/* The larger inner functions: inlined into their loops, but here, where that takes minutes to compile. */
#define SD_BODY static SD_NOINLINE

#include "../arith/half.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tiles_plain.h"
#include "../arith/mul_error.h"
#if defined(__FP_FAST_FMA) && defined(__FP_FAST_FMAF)
#define sd_fma(a, b, c) __builtin_fma(a, b, c)
#define sd_fmaf(a, b, c) __builtin_fmaf(a, b, c)
#else
#include "../arith/soft_fma.h"
#endif

typedef struct { float v[16]; } f32x16;
typedef struct { uint32_t v[16]; } i32x16;
typedef struct { double v[8]; } f64x8;
typedef struct { uint64_t v[8]; } u64x8;
typedef struct { float v[8]; } f32_table;
typedef struct { double v[4]; } f64_table;

#define SD_LANES(type, count, expression)                                  \
    do {                                                                   \
        type r;                                                            \
        SD_UNROLL for (int i = 0; i < (count); i++) r.v[i] = (expression); \
        return r;                                                          \
    } while (0)

SD_INLINE float sd_with_sign_f32(float a, float b) {
    uint32_t bits, sign;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&sign, &b, sizeof sign);
    bits = (bits & 0x7fffffffu) | (sign & 0x80000000u);
    memcpy(&a, &bits, sizeof a);
    return a;
}
SD_INLINE double sd_with_sign_f64(double a, double b) {
    uint64_t bits, sign;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&sign, &b, sizeof sign);
    bits = (bits & (UINT64_MAX >> 1)) | (sign & ~(UINT64_MAX >> 1));
    memcpy(&a, &bits, sizeof a);
    return a;
}

/* float32. load_n and store_n touch the first n < 16 elements only; the rest of a load is fill. */
SD_INLINE f32x16 f32_set1(float a) { SD_LANES(f32x16, 16, a); }
SD_INLINE f32x16 f32_load(const float *p) { SD_LANES(f32x16, 16, p[i]); }
static SD_NOINLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    SD_LANES(f32x16, 16, (size_t)i < n ? p[i] : fill);
}
SD_INLINE void f32_store(float *p, f32x16 a) { memcpy(p, a.v, sizeof a.v); }
static SD_NOINLINE void f32_store_n(float *p, size_t n, f32x16 a) { memcpy(p, a.v, n * sizeof *p); }
/* A store past the caches where there is one: p is a multiple of 64 bytes. sd_stream_end() after the last. */
SD_INLINE void f32_stream(float *p, f32x16 a) { f32_store(p, a); }
SD_INLINE void sd_stream_end(void) {}
SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { SD_LANES(f32x16, 16, a.v[i] + b.v[i]); }
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { SD_LANES(f32x16, 16, a.v[i] - b.v[i]); }
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { SD_LANES(f32x16, 16, a.v[i] * b.v[i]); }
/* a * b + c and a * b - c, rounded once. Called, for inlined everywhere they take a minute to compile. */
static SD_NOINLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) {
    SD_LANES(f32x16, 16, sd_fmaf(a.v[i], b.v[i], c.v[i]));
}
static SD_NOINLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) {
    SD_LANES(f32x16, 16, sd_fmaf(a.v[i], b.v[i], -c.v[i]));
}
/* b where either is NaN, and where both are zeros: x86's max, which the others copy */
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) {
    SD_LANES(f32x16, 16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
SD_INLINE f32x16 f32_min(f32x16 a, f32x16 b) {
    SD_LANES(f32x16, 16, a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    SD_LANES(f32x16, 16, a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]);
}
SD_INLINE f32x16 f32_abs(f32x16 a) { SD_LANES(f32x16, 16, sd_with_sign_f32(a.v[i], 0)); }
/* |a|, positive as given, with the sign of b */
SD_INLINE f32x16 f32_with_sign(f32x16 a, f32x16 b) {
    SD_LANES(f32x16, 16, sd_with_sign_f32(a.v[i], b.v[i]));
}
/* the largest lane; anything where there is a NaN */
SD_INLINE float f32_reduce_max(f32x16 a) {
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    return a.v[0];
}
/* the sum of the lanes, added as this tree everywhere */
SD_INLINE float f32_reduce_add(f32x16 a) {
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] += a.v[i + half];
    return a.v[0];
}
/* As it is; its upper half may be taken to be `fill`, which spares packs of several registers work. */
SD_INLINE f32x16 f32_assume_upper(f32x16 a, float fill) { return (void)fill, a; }
SD_INLINE float f32_first(f32x16 a) { return a.v[0]; }
SD_INLINE i32x16 f32_bits(f32x16 a) {
    i32x16 r;
    memcpy(&r, &a, sizeof r);
    return r;
}
SD_INLINE f32x16 f32_from_bits(i32x16 a) {
    f32x16 r;
    memcpy(&r, &a, sizeof r);
    return r;
}
/* modulo 2^32 */
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) { SD_LANES(i32x16, 16, a.v[i] + b.v[i]); }
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) { SD_LANES(i32x16, 16, a.v[i] - b.v[i]); }
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) { SD_LANES(i32x16, 16, a.v[i] & b.v[i]); }
SD_INLINE i32x16 i32_shl(i32x16 a, int count) { SD_LANES(i32x16, 16, a.v[i] << count); }
SD_INLINE i32x16 i32_set1(uint32_t a) { SD_LANES(i32x16, 16, a); }
SD_INLINE i32x16 i32_load(const uint32_t *p) { SD_LANES(i32x16, 16, p[i]); }
/* A table is the first 8 lanes; a lookup is table[i % 8], ignoring all other bits of i. */
SD_INLINE f32_table f32_table_from(f32x16 a) { SD_LANES(f32_table, 8, a.v[i]); }
static SD_NOINLINE f32x16 f32_lookup(f32_table t, i32x16 i_) { SD_LANES(f32x16, 16, t.v[i_.v[i] & 7]); }
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) { SD_LANES(f64x8, 8, (double)a.v[i]); }
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) { SD_LANES(f64x8, 8, (double)a.v[i + 8]); }
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    SD_LANES(f32x16, 16, (float)(i < 8 ? low.v[i & 7] : high.v[i & 7]));
}

/* float16 and bfloat16 in memory, float32 in packs, as half.h has them; fill is one that they have. A
 * pack of bfloat16 is eight items at even places, then the eight at odd ones: so they lie as halves of
 * 32 bits, and come and go by a shift and a mask. */
#define SD_PLACE(i) ((i) < 8 ? 2 * (i) : 2 * (i) - 15)
static SD_NOINLINE f32x16 f16_load(const uint16_t *p) { SD_LANES(f32x16, 16, sd_f16_to_f32(p[i])); }
static SD_NOINLINE void f16_store(uint16_t *p, f32x16 a) {
    for (size_t i = 0; i < 16; i++) p[i] = sd_f16_from_f32(a.v[i]);
}
SD_INLINE void f16_stream(uint16_t *p, f32x16 a) { f16_store(p, a); }
static SD_NOINLINE f32x16 bf16_load(const uint16_t *p) {
    SD_LANES(f32x16, 16, sd_bf16_to_f32(p[SD_PLACE(i)]));
}
static SD_NOINLINE void bf16_store(uint16_t *p, f32x16 a) {
    for (size_t i = 0; i < 16; i++) p[SD_PLACE(i)] = sd_bf16_from_f32(a.v[i]);
}
SD_INLINE void bf16_stream(uint16_t *p, f32x16 a) { bf16_store(p, a); }

/* float64, likewise */
SD_INLINE f64x8 f64_set1(double a) { SD_LANES(f64x8, 8, a); }
SD_INLINE f64x8 f64_load(const double *p) { SD_LANES(f64x8, 8, p[i]); }
static SD_NOINLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    SD_LANES(f64x8, 8, (size_t)i < n ? p[i] : fill);
}
SD_INLINE void f64_store(double *p, f64x8 a) { memcpy(p, a.v, sizeof a.v); }
static SD_NOINLINE void f64_store_n(double *p, size_t n, f64x8 a) { memcpy(p, a.v, n * sizeof *p); }
SD_INLINE void f64_stream(double *p, f64x8 a) { f64_store(p, a); }
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { SD_LANES(f64x8, 8, a.v[i] + b.v[i]); }
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { SD_LANES(f64x8, 8, a.v[i] - b.v[i]); }
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { SD_LANES(f64x8, 8, a.v[i] * b.v[i]); }
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { SD_LANES(f64x8, 8, a.v[i] / b.v[i]); }
static SD_NOINLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) {
    SD_LANES(f64x8, 8, sd_fma(a.v[i], b.v[i], c.v[i]));
}
static SD_NOINLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) {
    SD_LANES(f64x8, 8, sd_fma(a.v[i], b.v[i], -c.v[i]));
}
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) {
    SD_LANES(f64x8, 8, a.v[i] > b.v[i] ? a.v[i] : b.v[i]);
}
SD_INLINE f64x8 f64_min(f64x8 a, f64x8 b) {
    SD_LANES(f64x8, 8, a.v[i] < b.v[i] ? a.v[i] : b.v[i]);
}
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    SD_LANES(f64x8, 8, a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]);
}
SD_INLINE f64x8 f64_abs(f64x8 a) { SD_LANES(f64x8, 8, sd_with_sign_f64(a.v[i], 0)); }
SD_INLINE f64x8 f64_with_sign(f64x8 a, f64x8 b) {
    SD_LANES(f64x8, 8, sd_with_sign_f64(a.v[i], b.v[i]));
}
SD_INLINE double f64_reduce_max(f64x8 a) {
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    return a.v[0];
}
SD_INLINE f64x8 f64_assume_upper(f64x8 a, double fill) { return (void)fill, a; }
SD_INLINE double f64_first(f64x8 a) { return a.v[0]; }
SD_INLINE double f64_reduce_add(f64x8 a) {
    for (int half = 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] += a.v[i + half];
    return a.v[0];
}
SD_INLINE u64x8 f64_bits(f64x8 a) {
    u64x8 r;
    memcpy(&r, &a, sizeof r);
    return r;
}
SD_INLINE f64x8 f64_from_bits(u64x8 a) {
    f64x8 r;
    memcpy(&r, &a, sizeof r);
    return r;
}
/* the first 4 lanes, table[i % 4] */
SD_INLINE f64_table f64_table_from(f64x8 a) { SD_LANES(f64_table, 4, a.v[i]); }
static SD_NOINLINE f64x8 f64_lookup(f64_table t, u64x8 i_) { SD_LANES(f64x8, 8, t.v[i_.v[i] & 3]); }

/* unsigned 64-bit integers, modulo 2^64 */
SD_INLINE u64x8 u64_set1(uint64_t a) { SD_LANES(u64x8, 8, a); }
SD_INLINE u64x8 u64_load(const uint64_t *p) { SD_LANES(u64x8, 8, p[i]); }
SD_INLINE void u64_store(uint64_t *p, u64x8 a) { memcpy(p, a.v, sizeof a.v); }
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { SD_LANES(u64x8, 8, a.v[i] + b.v[i]); }
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { SD_LANES(u64x8, 8, a.v[i] - b.v[i]); }
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { SD_LANES(u64x8, 8, a.v[i] ^ b.v[i]); }
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { SD_LANES(u64x8, 8, a.v[i] & b.v[i]); }
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { SD_LANES(u64x8, 8, a.v[i] | b.v[i]); }
/* shl and rotl by a constant from 1 to 63, shl_by and shr_by by a variable from 0 to 63 */
SD_INLINE u64x8 u64_shl(u64x8 a, int count) { SD_LANES(u64x8, 8, a.v[i] << count); }
SD_INLINE u64x8 u64_rotl(u64x8 a, int count) {
    SD_LANES(u64x8, 8, a.v[i] << count | a.v[i] >> (64 - count));
}
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) { SD_LANES(u64x8, 8, a.v[i] << count); }
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) { SD_LANES(u64x8, 8, a.v[i] >> count); }
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    SD_LANES(u64x8, 8, a.v[i] < b.v[i] ? yes.v[i] : no.v[i]);
}

/* One number of each of eight packs. */
#define SD_EIGHT(expression) SD_LANES(f64x8, 8, expression)
SD_INLINE f64x8 f32_reduce_max_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_max(a[i])); }
SD_INLINE f64x8 f32_reduce_add_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_add(a[i])); }
SD_INLINE f64x8 f64_reduce_max_8(const f64x8 *a) { SD_EIGHT(f64_reduce_max(a[i])); }
SD_INLINE f64x8 f64_reduce_add_8(const f64x8 *a) { SD_EIGHT(f64_reduce_add(a[i])); }

/* Bit i is set where lane i of a is at least that of b. */
static SD_NOINLINE unsigned f32_mask_ge(f32x16 a, f32x16 b) {
    unsigned mask = 0;
    for (int i = 0; i < 16; i++) mask |= (unsigned)(a.v[i] >= b.v[i]) << i;
    return mask;
}
static SD_NOINLINE unsigned f64_mask_ge(f64x8 a, f64x8 b) {
    unsigned mask = 0;
    for (int i = 0; i < 8; i++) mask |= (unsigned)(a.v[i] >= b.v[i]) << i;
    return mask;
}
#include "between_plain.h"

/* ---- for alias tables ---- */

SD_INLINE f64x8 f64_load_f32(const float *p) { SD_LANES(f64x8, 8, (double)p[i]); }
/* a * b - product, where product = RN(a * b), as mul_error.h has it: fused where that is one instruction */
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) {
    SD_LANES(f64x8, 8, sd_mul_error(a.v[i], b.v[i], product.v[i]));
}
/* comparisons of the lanes, as bits */
#define SD_MASK(condition)                                                            \
    do {                                                                              \
        unsigned mask = 0;                                                            \
        SD_UNROLL for (int i = 0; i < 8; i++) mask |= (unsigned)(condition) << i;     \
        return mask;                                                                  \
    } while (0)
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) { SD_MASK(a.v[i] < b.v[i]); }
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) { SD_MASK(a.v[i] < b.v[i]); }
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) { SD_MASK(a.v[i] == b.v[i]); }
/* base[word >> shift] of 8 words */
SD_INLINE u64x8 u64_look_up(const uint64_t *base, const uint64_t *words, unsigned shift) {
    SD_LANES(u64x8, 8, base[words[i] >> shift]);
}
/* How far ahead of their use entries of tables past the caches are fetched; 0: all loads that the
 * CPU finds by itself are as many as it can have under way. */
#define SD_FETCH_AHEAD 128


/* ---- for draws from logits ---- */

/* The lanes whose bits are set, close together: up to a whole pack is written, what follows them as it comes. */
static SD_NOINLINE void f32_compress(float *out, f32x16 a, unsigned mask) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) *out++ = a.v[i];
}
static SD_NOINLINE void f64_compress(double *out, f64x8 a, unsigned mask) {
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) *out++ = a.v[i];
}
/* The same of in[i] + add, of 16 or 8 integers, which out may overwrite */
static SD_NOINLINE void f32_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) *out++ = in[i] + add;
}
static SD_NOINLINE void f64_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) *out++ = in[i] + add;
}
/* a where the bit is set, else b */
static SD_NOINLINE f32x16 f32_where_bit(unsigned mask, f32x16 a, f32x16 b) {
    SD_LANES(f32x16, 16, mask >> i & 1 ? a.v[i] : b.v[i]);
}
static SD_NOINLINE f64x8 f64_where_bit(unsigned mask, f64x8 a, f64x8 b) {
    SD_LANES(f64x8, 8, mask >> i & 1 ? a.v[i] : b.v[i]);
}
/* NaN where a or b is, else seen */
static SD_NOINLINE f32x16 f32_mark_nan(f32x16 seen, f32x16 a, f32x16 b) {
    SD_LANES(f32x16, 16, a.v[i] == a.v[i] && b.v[i] == b.v[i] ? seen.v[i] : (float)sd_nan());
}
static SD_NOINLINE f64x8 f64_mark_nan(f64x8 seen, f64x8 a, f64x8 b) {
    SD_LANES(f64x8, 8, a.v[i] == a.v[i] && b.v[i] == b.v[i] ? seen.v[i] : sd_nan());
}
/* which of 16 bytes are not 0 */
static SD_NOINLINE unsigned sd_bits_of_bytes(const uint8_t *p) {
    unsigned mask = 0;
    for (int i = 0; i < 16; i++) mask |= (unsigned)(p[i] != 0) << i;
    return mask;
}
/* 16 items in their order, unlike bf16_load */
static SD_NOINLINE f32x16 bf16_load_in_order(const uint16_t *p) {
    SD_LANES(f32x16, 16, sd_bf16_to_f32(p[i]));
}

#endif
