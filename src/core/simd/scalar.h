/* The pack of 512 bits in plain C: the reference, which says what each function of a pack means.
 *
 * A pack holds 16 floats (f32x16), 8 doubles (f64x8), 16 unsigned integers of 32 bits (i32x16) or 8 of 64
 * bits (u64x8); each of its numbers is a lane, and lane 0 comes first in memory. Kernels (rows/, sampling/,
 * alias/) are written once over packs and compiled once per tier, each time after another pack header: this
 * one, avx2.h (a pack is two registers), avx512.h (one register) or neon.h (four registers). Every function
 * below works lane by lane and rounds as IEEE 754 says, so all tiers give the same bits.
 *
 * Names begin with the type of the lanes: f32_add, f64_add, u64_add. A function f64_ without a comment
 * means what f32_ means, with 8 lanes. Names that begin with sd_ serve more than one type, or one pack
 * only. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "../compiler.h"

#define SD_TARGET_CLOSE /* ends a region of SD_TARGET_BEGIN, which this tier does not need */
#define SD_TIER scalar
/* How many packs the kernels work on in lockstep: as many as fit the registers. */
#define GROUP 1
/* What the larger inner functions of kernels are declared with. The other packs inline them into their
 * loops; here that takes minutes to compile, as it does for functions below that are not inlined. */
#define SD_BODY static SD_NOINLINE

#include "../arith/half.h"


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

/* Returns a pack whose lane i is the expression. */
#define SD_LANES(type, expression)                                                                  \
    do {                                                                                            \
        type r;                                                                                     \
        SD_UNROLL for (int i = 0; i < (int)(sizeof r.v / sizeof *r.v); i++) r.v[i] = (expression); \
        return r;                                                                                   \
    } while (0)

SD_INLINE float sd_with_sign_f32(float a, float b) {
    return sd_f32_of_bits((sd_f32_bits(a) & 0x7fffffffu) | (sd_f32_bits(b) & 0x80000000u));
}
SD_INLINE double sd_with_sign_f64(double a, double b) {
    const uint64_t magnitude = UINT64_MAX >> 1;
    return sd_f64_of_bits((sd_f64_bits(a) & magnitude) | (sd_f64_bits(b) & ~magnitude));
}

/* ---- float32: memory ---- */

/* load_n and store_n access only the first n < 16 elements; the lanes from n on are `fill` in a load. */
SD_INLINE f32x16 f32_set1(float a) { SD_LANES(f32x16, a); }
SD_INLINE f32x16 f32_load(const float *p) { SD_LANES(f32x16, p[i]); }
static SD_NOINLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    SD_LANES(f32x16, (size_t)i < n ? p[i] : fill);
}
SD_INLINE void f32_store(float *p, f32x16 a) { memcpy(p, a.v, sizeof a.v); }
static SD_NOINLINE void f32_store_n(float *p, size_t n, f32x16 a) { memcpy(p, a.v, n * sizeof *p); }
/* Stores to memory past the caches, where the machine can; p is aligned to 64 bytes. Call sd_stream_end()
 * after the last of a series, so that other threads see them in order with later stores. */
SD_INLINE void f32_stream(float *p, f32x16 a) { f32_store(p, a); }
SD_INLINE void sd_stream_end(void) {}

/* ---- float32: arithmetic ---- */

SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { SD_LANES(f32x16, a.v[i] + b.v[i]); }
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { SD_LANES(f32x16, a.v[i] - b.v[i]); }
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { SD_LANES(f32x16, a.v[i] * b.v[i]); }
/* a * b + c and a * b - c, each rounded once. Not inlined: that would take a minute to compile. */
static SD_NOINLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) {
#ifdef SD_FOUR_FMAS
    f32x16 r;
    int unusual = 0;
    SD_UNROLL for (int i = 0; i < 16; i += 4) unusual |= sd_fmaf_4(a.v + i, b.v + i, c.v + i, r.v + i);
    if (!unusual) return r;
#endif
    SD_LANES(f32x16, sd_fmaf(a.v[i], b.v[i], c.v[i]));
}
static SD_NOINLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) {
    SD_UNROLL for (int i = 0; i < 16; i++) c.v[i] = -c.v[i];
    return f32_fma(a, b, c);
}
/* The larger of a and b; b where either is NaN, and where both are zeros. So x86's instruction has it, and
 * the other packs do the same. f32_min likewise. */
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) { SD_LANES(f32x16, a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
SD_INLINE f32x16 f32_min(f32x16 a, f32x16 b) { SD_LANES(f32x16, a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
/* yes where a >= b, otherwise (also where either is NaN) no */
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    SD_LANES(f32x16, a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]);
}
SD_INLINE f32x16 f32_abs(f32x16 a) { SD_LANES(f32x16, sd_with_sign_f32(a.v[i], 0)); }
/* a with the sign of b; a must not have its sign bit set */
SD_INLINE f32x16 f32_with_sign(f32x16 a, f32x16 b) { SD_LANES(f32x16, sd_with_sign_f32(a.v[i], b.v[i])); }

/* ---- float32: all lanes to one number ---- */

/* The largest lane; unspecified if a lane is NaN. */
SD_INLINE float f32_reduce_max(f32x16 a) {
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
    return a.v[0];
}
/* The sum of the lanes. Every pack adds the upper half to the lower, then again, until one lane is left. */
SD_INLINE float f32_reduce_add(f32x16 a) {
    for (int half = 8; half > 0; half /= 2)
        for (int i = 0; i < half; i++) a.v[i] += a.v[i + half];
    return a.v[0];
}
/* Returns a, whose upper half must hold `fill` already: packs of several registers then put the constant
 * there, so that compilers leave out work on registers that hold nothing else. */
SD_INLINE f32x16 f32_assume_upper(f32x16 a, float fill) { return (void)fill, a; }
/* lane 0 */
SD_INLINE float f32_first(f32x16 a) { return a.v[0]; }

/* ---- float32: bits as integers, tables, and conversion to and from float64 ---- */

/* The same 512 bits as another type. */
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
/* Integers are unsigned and wrap around, modulo 2^32. */
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) { SD_LANES(i32x16, a.v[i] + b.v[i]); }
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) { SD_LANES(i32x16, a.v[i] - b.v[i]); }
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) { SD_LANES(i32x16, a.v[i] & b.v[i]); }
SD_INLINE i32x16 i32_shl(i32x16 a, int count) { SD_LANES(i32x16, a.v[i] << count); }
SD_INLINE i32x16 i32_set1(uint32_t a) { SD_LANES(i32x16, a); }
SD_INLINE i32x16 i32_load(const uint32_t *p) { SD_LANES(i32x16, p[i]); }
/* A table consists of the first 8 lanes of a. A lookup gives table[index % 8]. */
SD_INLINE f32_table f32_table_from(f32x16 a) { SD_LANES(f32_table, a.v[i]); }
static SD_NOINLINE f32x16 f32_lookup(f32_table t, i32x16 index) { SD_LANES(f32x16, t.v[index.v[i] & 7]); }
/* lanes 0 to 7, lanes 8 to 15, and back (rounded) */
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) { SD_LANES(f64x8, (double)a.v[i]); }
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) { SD_LANES(f64x8, (double)a.v[i + 8]); }
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    SD_LANES(f32x16, (float)(i < 8 ? low.v[i & 7] : high.v[i & 7]));
}

/* ---- float16 and bfloat16: 16-bit items in memory, float32 in packs, as arith/half.h has them ---- */

/* Lane i of a pack of float16 is p[i]. Lane i of a pack of bfloat16 is p[SD_PLACE(i)]: the eight items at
 * even places, then the eight at odd places. Seen as 32 bits, two items next to each other are the halves
 * of one integer, so that a shift gives the lower and a mask the upper as float32. */
#define SD_PLACE(i) ((i) < 8 ? 2 * (i) : 2 * (i) - 15)
static SD_NOINLINE f32x16 f16_load(const uint16_t *p) { SD_LANES(f32x16, sd_f16_to_f32(p[i])); }
static SD_NOINLINE void f16_store(uint16_t *p, f32x16 a) {
    for (size_t i = 0; i < 16; i++) p[i] = sd_f16_from_f32(a.v[i]);
}
SD_INLINE void f16_stream(uint16_t *p, f32x16 a) { f16_store(p, a); }
static SD_NOINLINE f32x16 bf16_load(const uint16_t *p) { SD_LANES(f32x16, sd_bf16_to_f32(p[SD_PLACE(i)])); }
static SD_NOINLINE void bf16_store(uint16_t *p, f32x16 a) {
    for (size_t i = 0; i < 16; i++) p[SD_PLACE(i)] = sd_bf16_from_f32(a.v[i]);
}
SD_INLINE void bf16_stream(uint16_t *p, f32x16 a) { bf16_store(p, a); }

/* ---- float64 ---- */

/* load_n and store_n take n < 8. */
SD_INLINE f64x8 f64_set1(double a) { SD_LANES(f64x8, a); }
SD_INLINE f64x8 f64_load(const double *p) { SD_LANES(f64x8, p[i]); }
static SD_NOINLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    SD_LANES(f64x8, (size_t)i < n ? p[i] : fill);
}
SD_INLINE void f64_store(double *p, f64x8 a) { memcpy(p, a.v, sizeof a.v); }
static SD_NOINLINE void f64_store_n(double *p, size_t n, f64x8 a) { memcpy(p, a.v, n * sizeof *p); }
SD_INLINE void f64_stream(double *p, f64x8 a) { f64_store(p, a); }
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] + b.v[i]); }
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] - b.v[i]); }
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] * b.v[i]); }
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] / b.v[i]); }
static SD_NOINLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) {
    SD_LANES(f64x8, sd_fma(a.v[i], b.v[i], c.v[i]));
}
static SD_NOINLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) {
    SD_LANES(f64x8, sd_fma(a.v[i], b.v[i], -c.v[i]));
}
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
SD_INLINE f64x8 f64_min(f64x8 a, f64x8 b) { SD_LANES(f64x8, a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    SD_LANES(f64x8, a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]);
}
SD_INLINE f64x8 f64_abs(f64x8 a) { SD_LANES(f64x8, sd_with_sign_f64(a.v[i], 0)); }
SD_INLINE f64x8 f64_with_sign(f64x8 a, f64x8 b) { SD_LANES(f64x8, sd_with_sign_f64(a.v[i], b.v[i])); }
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
/* The table consists of the first 4 lanes; a lookup gives table[index % 4]. */
SD_INLINE f64_table f64_table_from(f64x8 a) { SD_LANES(f64_table, a.v[i]); }
static SD_NOINLINE f64x8 f64_lookup(f64_table t, u64x8 index) { SD_LANES(f64x8, t.v[index.v[i] & 3]); }

/* ---- unsigned 64-bit integers, modulo 2^64 ---- */

SD_INLINE u64x8 u64_set1(uint64_t a) { SD_LANES(u64x8, a); }
SD_INLINE u64x8 u64_load(const uint64_t *p) { SD_LANES(u64x8, p[i]); }
/* The same if another thread may write there meanwhile: whatever is done with a lane is done with the same
 * number. */
SD_INLINE u64x8 u64_load_once(const uint64_t *p) { SD_LANES(u64x8, ((const volatile uint64_t *)p)[i]); }
SD_INLINE void u64_store(uint64_t *p, u64x8 a) { memcpy(p, a.v, sizeof a.v); }
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { SD_LANES(u64x8, a.v[i] + b.v[i]); }
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { SD_LANES(u64x8, a.v[i] - b.v[i]); }
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { SD_LANES(u64x8, a.v[i] ^ b.v[i]); }
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { SD_LANES(u64x8, a.v[i] & b.v[i]); }
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { SD_LANES(u64x8, a.v[i] | b.v[i]); }
/* The count of shl (shift left) and rotl (rotate left) is a constant from 1 to 63; that of shl_by and
 * shr_by (shift right) a variable from 0 to 63. */
SD_INLINE u64x8 u64_shl(u64x8 a, int count) { SD_LANES(u64x8, a.v[i] << count); }
SD_INLINE u64x8 u64_rotl(u64x8 a, int count) { SD_LANES(u64x8, a.v[i] << count | a.v[i] >> (64 - count)); }
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) { SD_LANES(u64x8, a.v[i] << count); }
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) { SD_LANES(u64x8, a.v[i] >> count); }
/* yes where a < b, otherwise no */
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    SD_LANES(u64x8, a.v[i] < b.v[i] ? yes.v[i] : no.v[i]);
}

/* ---- eight packs to one: lane i is the maximum, or the sum, of the lanes of a[i], as float64 ---- */

#define SD_EIGHT(expression) SD_LANES(f64x8, expression)
SD_INLINE f64x8 f32_reduce_max_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_max(a[i])); }
SD_INLINE f64x8 f32_reduce_add_8(const f32x16 *a) { SD_EIGHT((double)f32_reduce_add(a[i])); }
SD_INLINE f64x8 f64_reduce_max_8(const f64x8 *a) { SD_EIGHT(f64_reduce_max(a[i])); }
SD_INLINE f64x8 f64_reduce_add_8(const f64x8 *a) { SD_EIGHT(f64_reduce_add(a[i])); }

/* ---- comparisons as masks: bit i of the result is about lane i ---- */

/* Bit i is set if a >= b in lane i. */
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

/* 8 floats, widened to doubles */
SD_INLINE f64x8 f64_load_f32(const float *p) { SD_LANES(f64x8, (double)p[i]); }
/* a * b - product, exactly, where product is a * b rounded; arith/mul_error.h says for which numbers. The
 * other packs do it by one fused multiply-add. */
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) {
    SD_LANES(f64x8, sd_mul_error(a.v[i], b.v[i], product.v[i]));
}
/* Returns a mask whose bit i is set if the condition on lane i of 8 holds. */
#define SD_MASK(condition)                                                        \
    do {                                                                          \
        unsigned mask = 0;                                                        \
        SD_UNROLL for (int i = 0; i < 8; i++) mask |= (unsigned)(condition) << i; \
        return mask;                                                              \
    } while (0)
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) { SD_MASK(a.v[i] < b.v[i]); }
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) { SD_MASK(a.v[i] < b.v[i]); }
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) { SD_MASK(a.v[i] == b.v[i]); }
/* Lane i is base[index[i]]. */
SD_INLINE u64x8 u64_look_up(const uint64_t *base, u64x8 index) { SD_LANES(u64x8, base[index.v[i]]); }
/* The same if index[i] is words[i] >> shift, by whichever is quicker. */
SD_INLINE u64x8 u64_look_up_words(const uint64_t *base, u64x8 index, const uint64_t *words, unsigned shift) {
    (void)words, (void)shift;
    return u64_look_up(base, index);
}
/* How many draws ahead of its use a bucket of a table larger than the caches is fetched. 0 means not at
 * all: the loads that the CPU starts by itself are already as many as it can have under way. */
#define SD_FETCH_AHEAD 128

/* ---- for draws from logits ---- */

/* Writes the lanes whose bits are set in the mask to out, one after the other. Up to a whole pack may be
 * written: what follows the selected lanes is unspecified. */
static SD_NOINLINE void f32_compress(float *out, f32x16 a, unsigned mask) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) *out++ = a.v[i];
}
static SD_NOINLINE void f64_compress(double *out, f64x8 a, unsigned mask) {
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) *out++ = a.v[i];
}
/* The same for the integers in[i] + add, 16 for f32_ and 8 for f64_. out may be in or lie before it. */
static SD_NOINLINE void f32_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) *out++ = in[i] + add;
}
static SD_NOINLINE void f64_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    for (int i = 0; i < 8; i++)
        if (mask >> i & 1) *out++ = in[i] + add;
}
/* a in lanes whose bit is set, otherwise b */
static SD_NOINLINE f32x16 f32_where_bit(unsigned mask, f32x16 a, f32x16 b) {
    SD_LANES(f32x16, mask >> i & 1 ? a.v[i] : b.v[i]);
}
static SD_NOINLINE f64x8 f64_where_bit(unsigned mask, f64x8 a, f64x8 b) {
    SD_LANES(f64x8, mask >> i & 1 ? a.v[i] : b.v[i]);
}
/* NaN in lanes where a or b is NaN, otherwise `seen` */
static SD_NOINLINE f32x16 f32_mark_nan(f32x16 seen, f32x16 a, f32x16 b) {
    SD_LANES(f32x16, a.v[i] == a.v[i] && b.v[i] == b.v[i] ? seen.v[i] : (float)sd_nan());
}
static SD_NOINLINE f64x8 f64_mark_nan(f64x8 seen, f64x8 a, f64x8 b) {
    SD_LANES(f64x8, a.v[i] == a.v[i] && b.v[i] == b.v[i] ? seen.v[i] : sd_nan());
}
/* Bit i is set if p[i] is not 0, for 16 bytes. */
static SD_NOINLINE unsigned sd_bits_of_bytes(const uint8_t *p) {
    unsigned mask = 0;
    for (int i = 0; i < 16; i++) mask |= (unsigned)(p[i] != 0) << i;
    return mask;
}
/* Lane i is p[i], unlike bf16_load. */
static SD_NOINLINE f32x16 bf16_load_in_order(const uint16_t *p) { SD_LANES(f32x16, sd_bf16_to_f32(p[i])); }

#endif
