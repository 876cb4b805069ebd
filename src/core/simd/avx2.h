/* The pack of 512 bits on AVX2, FMA and F16C, for processors of x86: two registers. scalar.h says what each
 * function means, and has them in the same order. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "../compiler.h"
#include "../arith/half.h"

#if SD_X86
#define SD_TIER avx2
#define GROUP 2
#define SD_BODY SD_INLINE

#include "intrinsics_x86.h"

#define SD_TARGET_CLOSE SD_TARGET_END
SD_TARGET_BEGIN("avx2,fma,f16c")
#include "shared_x86.h"
#include "tiles_avx2.h"

typedef struct { __m256 v[2]; } f32x16;
typedef struct { __m256i v[2]; } i32x16;
typedef struct { __m256d v[2]; } f64x8;
typedef struct { __m256i v[2]; } u64x8;
typedef __m256 f32_table;
typedef struct { __m256d even, odd; } f64_table; /* entries 0, 2, 0, 2 and 1, 3, 1, 3 */

/* Returns a pack whose register i is the expression; i is a constant and may be part of an instruction. */
#define SD_BOTH(type, expression)                       \
    do {                                                \
        type result;                                    \
        { enum { i = 0 }; result.v[0] = (expression); } \
        { enum { i = 1 }; result.v[1] = (expression); } \
        return result;                                  \
    } while (0)
/* Returns what an instruction gives for each register of the arguments a, b and c. */
#define SD_UNARY(type, op) SD_BOTH(type, op(a.v[i]))
#define SD_BINARY(type, op) SD_BOTH(type, op(a.v[i], b.v[i]))
#define SD_TERNARY(type, op) SD_BOTH(type, op(a.v[i], b.v[i], c.v[i]))

/* ---- float32 ---- */

SD_INLINE f32x16 f32_set1(float a) { SD_BOTH(f32x16, _mm256_set1_ps(a)); }
SD_INLINE f32x16 f32_load(const float *p) { SD_BOTH(f32x16, _mm256_loadu_ps(p + 8 * i)); }
/* Of 16 lanes of 32 bits, -1 in the first n and 0 in the others: register i of the two, 0 or 1. */
SD_INLINE __m256i sd_mask_first_n(size_t n, size_t i) {
    static const int32_t ones[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones + 16 - n + 8 * i));
}
SD_INLINE __m256 f32_load_8(const float *p, __m256i mask, float fill) {
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, mask), _mm256_castsi256_ps(mask));
}
SD_INLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    SD_BOTH(f32x16, f32_load_8(p + 8 * i, sd_mask_first_n(n, i), fill));
}
SD_INLINE void f32_store(float *p, f32x16 a) {
    _mm256_storeu_ps(p, a.v[0]);
    _mm256_storeu_ps(p + 8, a.v[1]);
}
/* The first bytes of a pack, a multiple of 4, in pieces of 32, 16, 8 and 4: masked stores are slow on AMD
 * (dozens of cycles). */
SD_INLINE void sd_store_n(char *p, size_t bytes, __m256i low, __m256i high) {
    if (bytes & 32) {
        _mm256_storeu_si256((__m256i *)p, low);
        low = high;
        p += 32;
    }
    __m128i r = _mm256_castsi256_si128(low);
    if (bytes & 16) {
        _mm_storeu_si128((__m128i *)p, r);
        r = _mm256_extracti128_si256(low, 1);
        p += 16;
    }
    if (bytes & 8) {
        _mm_storel_epi64((__m128i *)p, r);
        r = _mm_unpackhi_epi64(r, r);
        p += 8;
    }
    if (bytes & 4) _mm_storeu_si32(p, r);
}
SD_INLINE void f32_store_n(float *p, size_t n, f32x16 a) {
    sd_store_n((char *)p, n * sizeof *p, _mm256_castps_si256(a.v[0]), _mm256_castps_si256(a.v[1]));
}
SD_INLINE void f32_stream(float *p, f32x16 a) {
    _mm256_stream_ps(p, a.v[0]);
    _mm256_stream_ps(p + 8, a.v[1]);
}
SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { SD_BINARY(f32x16, _mm256_add_ps); }
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { SD_BINARY(f32x16, _mm256_sub_ps); }
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { SD_BINARY(f32x16, _mm256_mul_ps); }
SD_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { SD_TERNARY(f32x16, _mm256_fmadd_ps); }
SD_INLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) { SD_TERNARY(f32x16, _mm256_fmsub_ps); }
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) { SD_BINARY(f32x16, _mm256_max_ps); }
SD_INLINE f32x16 f32_min(f32x16 a, f32x16 b) { SD_BINARY(f32x16, _mm256_min_ps); }
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    SD_BOTH(f32x16, _mm256_blendv_ps(no.v[i], yes.v[i], _mm256_cmp_ps(a.v[i], b.v[i], _CMP_GE_OQ)));
}
SD_INLINE f32x16 f32_abs(f32x16 a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    SD_BOTH(f32x16, _mm256_andnot_ps(sign, a.v[i]));
}
SD_INLINE f32x16 f32_with_sign(f32x16 a, f32x16 b) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    SD_BOTH(f32x16, _mm256_or_ps(a.v[i], _mm256_and_ps(b.v[i], sign)));
}
SD_INLINE float f32_reduce_max(f32x16 a) {
    const __m256 eight = _mm256_max_ps(a.v[0], a.v[1]);
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_max_ss(r, _mm_movehdup_ps(r)));
}
SD_INLINE float f32_reduce_add(f32x16 a) {
    const __m256 eight = _mm256_add_ps(a.v[0], a.v[1]);
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_add_ss(r, _mm_movehdup_ps(r)));
}
SD_INLINE f32x16 f32_assume_upper(f32x16 a, float fill) { return (f32x16){{a.v[0], _mm256_set1_ps(fill)}}; }
SD_INLINE float f32_first(f32x16 a) { return _mm256_cvtss_f32(a.v[0]); }
SD_INLINE i32x16 f32_bits(f32x16 a) { SD_UNARY(i32x16, _mm256_castps_si256); }
SD_INLINE f32x16 f32_from_bits(i32x16 a) { SD_UNARY(f32x16, _mm256_castsi256_ps); }
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) { SD_BINARY(i32x16, _mm256_add_epi32); }
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) { SD_BINARY(i32x16, _mm256_sub_epi32); }
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) { SD_BINARY(i32x16, _mm256_and_si256); }
SD_INLINE i32x16 i32_shl(i32x16 a, int count) { SD_BOTH(i32x16, _mm256_slli_epi32(a.v[i], count)); }
SD_INLINE i32x16 i32_set1(uint32_t a) { SD_BOTH(i32x16, _mm256_set1_epi32((int)a)); }
SD_INLINE i32x16 i32_load(const uint32_t *p) {
    SD_BOTH(i32x16, _mm256_loadu_si256((const __m256i *)p + i));
}
SD_INLINE f32_table f32_table_from(f32x16 a) { return a.v[0]; }
SD_INLINE f32x16 f32_lookup(f32_table t, i32x16 a) { SD_BOTH(f32x16, _mm256_permutevar8x32_ps(t, a.v[i])); }
/* 8 floats to doubles, and back */
SD_INLINE f64x8 sd_widen_8(__m256 a) { SD_BOTH(f64x8, _mm256_cvtps_pd(_mm256_extractf128_ps(a, i))); }
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) { return sd_widen_8(a.v[0]); }
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) { return sd_widen_8(a.v[1]); }
SD_INLINE __m256 sd_narrow_8(f64x8 a) {
    return _mm256_set_m128(_mm256_cvtpd_ps(a.v[1]), _mm256_cvtpd_ps(a.v[0]));
}
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    return (f32x16){{sd_narrow_8(low), sd_narrow_8(high)}};
}

/* ---- float16 and bfloat16 ---- */

SD_INLINE f32x16 f16_load(const uint16_t *p) {
    SD_BOTH(f32x16, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p + i)));
}
SD_INLINE __m256i f16_from_f32(f32x16 a) {
    const __m256i r = _mm256_set_m128i(_mm256_cvtps_ph(a.v[1], _MM_FROUND_TO_NEAREST_INT),
                                       _mm256_cvtps_ph(a.v[0], _MM_FROUND_TO_NEAREST_INT));
    return sd_without_minus_zero(r);
}
SD_INLINE f32x16 bf16_load(const uint16_t *p) {
    const __m256i both = _mm256_loadu_si256((const __m256i *)p);
    const __m256i odd = _mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000));
    return (f32x16){{_mm256_castsi256_ps(_mm256_slli_epi32(both, 16)), _mm256_castsi256_ps(odd)}};
}
/* The upper 16 bits of each lane become the bfloat16: adding 0x7fff, and 1 more if the last bit that stays
 * is 1, rounds to nearest, ties to even. */
SD_INLINE __m256i bf16_rounded(__m256 a) {
    const __m256i bits = _mm256_castps_si256(a), one = _mm256_set1_epi32(1);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), one);
    return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
}
SD_INLINE __m256i bf16_from_f32(f32x16 a) {
    const __m256i even = _mm256_srli_epi32(bf16_rounded(a.v[0]), 16);
    return sd_without_minus_zero(_mm256_blend_epi16(even, bf16_rounded(a.v[1]), 0xAA));
}
SD_INLINE void f16_store(uint16_t *p, f32x16 a) { _mm256_storeu_si256((__m256i *)p, f16_from_f32(a)); }
SD_INLINE void f16_stream(uint16_t *p, f32x16 a) { _mm256_stream_si256((__m256i *)p, f16_from_f32(a)); }
SD_INLINE void bf16_store(uint16_t *p, f32x16 a) { _mm256_storeu_si256((__m256i *)p, bf16_from_f32(a)); }
SD_INLINE void bf16_stream(uint16_t *p, f32x16 a) { _mm256_stream_si256((__m256i *)p, bf16_from_f32(a)); }

/* ---- float64 ---- */

SD_INLINE f64x8 f64_set1(double a) { SD_BOTH(f64x8, _mm256_set1_pd(a)); }
SD_INLINE f64x8 f64_load(const double *p) { SD_BOTH(f64x8, _mm256_loadu_pd(p + 4 * i)); }
SD_INLINE __m256d f64_load_4(const double *p, __m256i mask, double fill) {
    return _mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(p, mask), _mm256_castsi256_pd(mask));
}
SD_INLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    SD_BOTH(f64x8, f64_load_4(p + 4 * i, sd_mask_first_n(2 * n, i), fill));
}
SD_INLINE void f64_store(double *p, f64x8 a) {
    _mm256_storeu_pd(p, a.v[0]);
    _mm256_storeu_pd(p + 4, a.v[1]);
}
SD_INLINE void f64_store_n(double *p, size_t n, f64x8 a) {
    sd_store_n((char *)p, n * sizeof *p, _mm256_castpd_si256(a.v[0]), _mm256_castpd_si256(a.v[1]));
}
SD_INLINE void f64_stream(double *p, f64x8 a) {
    _mm256_stream_pd(p, a.v[0]);
    _mm256_stream_pd(p + 4, a.v[1]);
}
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_add_pd); }
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_sub_pd); }
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_mul_pd); }
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_div_pd); }
SD_INLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) { SD_TERNARY(f64x8, _mm256_fmadd_pd); }
SD_INLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) { SD_TERNARY(f64x8, _mm256_fmsub_pd); }
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_max_pd); }
SD_INLINE f64x8 f64_min(f64x8 a, f64x8 b) { SD_BINARY(f64x8, _mm256_min_pd); }
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    SD_BOTH(f64x8, _mm256_blendv_pd(no.v[i], yes.v[i], _mm256_cmp_pd(a.v[i], b.v[i], _CMP_GE_OQ)));
}
SD_INLINE f64x8 f64_abs(f64x8 a) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    SD_BOTH(f64x8, _mm256_andnot_pd(sign, a.v[i]));
}
SD_INLINE f64x8 f64_with_sign(f64x8 a, f64x8 b) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    SD_BOTH(f64x8, _mm256_or_pd(a.v[i], _mm256_and_pd(b.v[i], sign)));
}
SD_INLINE double f64_reduce_max(f64x8 a) {
    const __m256d four = _mm256_max_pd(a.v[0], a.v[1]);
    const __m128d r = _mm_max_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_max_sd(r, _mm_unpackhi_pd(r, r)));
}
SD_INLINE f64x8 f64_assume_upper(f64x8 a, double fill) { return (f64x8){{a.v[0], _mm256_set1_pd(fill)}}; }
SD_INLINE double f64_first(f64x8 a) { return _mm256_cvtsd_f64(a.v[0]); }
SD_INLINE double f64_reduce_add(f64x8 a) {
    const __m256d four = _mm256_add_pd(a.v[0], a.v[1]);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
SD_INLINE u64x8 f64_bits(f64x8 a) { SD_UNARY(u64x8, _mm256_castpd_si256); }
SD_INLINE f64x8 f64_from_bits(u64x8 a) { SD_UNARY(f64x8, _mm256_castsi256_pd); }
SD_INLINE f64_table f64_table_from(f64x8 a) {
    const __m256d low = _mm256_permute2f128_pd(a.v[0], a.v[0], 0x00);
    const __m256d high = _mm256_permute2f128_pd(a.v[0], a.v[0], 0x11);
    const f64_table t = {_mm256_unpacklo_pd(low, high), _mm256_unpackhi_pd(low, high)};
    return t;
}
/* AVX2 has no instruction that looks up one of 4 doubles. Bit 1 of i chooses one of the two even entries
 * and one of the two odd ones, and bit 0 one of these. That is faster than looking up pairs of floats. */
SD_INLINE __m256d f64_lookup_4(f64_table t, __m256i i) {
    return _mm256_blendv_pd(_mm256_permutevar_pd(t.even, i), _mm256_permutevar_pd(t.odd, i),
                            _mm256_castsi256_pd(_mm256_slli_epi64(i, 63)));
}
SD_INLINE f64x8 f64_lookup(f64_table t, u64x8 a) { SD_BOTH(f64x8, f64_lookup_4(t, a.v[i])); }

/* ---- unsigned 64-bit integers ---- */

SD_INLINE u64x8 u64_set1(uint64_t a) { SD_BOTH(u64x8, _mm256_set1_epi64x((long long)a)); }
SD_INLINE u64x8 u64_load(const uint64_t *p) { SD_BOTH(u64x8, _mm256_loadu_si256((const __m256i *)p + i)); }
SD_INLINE u64x8 u64_load_once(const uint64_t *p) {
    u64x8 a = u64_load(p);
    SD_KEEP("x", a.v[0]);
    SD_KEEP("x", a.v[1]);
    return a;
}
SD_INLINE void u64_store(uint64_t *p, u64x8 a) {
    _mm256_storeu_si256((__m256i *)p, a.v[0]);
    _mm256_storeu_si256((__m256i *)(p + 4), a.v[1]);
}
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { SD_BINARY(u64x8, _mm256_add_epi64); }
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { SD_BINARY(u64x8, _mm256_sub_epi64); }
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { SD_BINARY(u64x8, _mm256_xor_si256); }
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { SD_BINARY(u64x8, _mm256_and_si256); }
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { SD_BINARY(u64x8, _mm256_or_si256); }
SD_INLINE u64x8 u64_shl(u64x8 a, int count) { SD_BOTH(u64x8, _mm256_slli_epi64(a.v[i], count)); }
SD_INLINE u64x8 u64_rotl(u64x8 a, int count) {
    SD_BOTH(u64x8, _mm256_or_si256(_mm256_slli_epi64(a.v[i], count),
                                   _mm256_srli_epi64(a.v[i], 64 - count)));
}
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) {
    const __m128i by = _mm_cvtsi32_si128((int)count);
    SD_BOTH(u64x8, _mm256_sll_epi64(a.v[i], by));
}
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) {
    const __m128i by = _mm_cvtsi32_si128((int)count);
    SD_BOTH(u64x8, _mm256_srl_epi64(a.v[i], by));
}
/* AVX2 compares signed integers only: flipping the top bits gives the order of unsigned ones. */
SD_INLINE __m256i u64_lt_4(__m256i a, __m256i b) {
    const __m256i top = _mm256_set1_epi64x((long long)0x8000000000000000ULL);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, top), _mm256_xor_si256(a, top));
}
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    SD_BOTH(u64x8, _mm256_blendv_epi8(no.v[i], yes.v[i], u64_lt_4(a.v[i], b.v[i])));
}

/* ---- eight packs to one ---- */

SD_INLINE f64x8 f32_reduce_max_8(const f32x16 *a) {
    __m256 r[8];
    SD_UNROLL for (int i = 0; i < 8; i++) r[i] = _mm256_max_ps(a[i].v[0], a[i].v[1]);
    return sd_widen_8(sd_reduce_max_8_ps(r));
}
SD_INLINE f64x8 f32_reduce_add_8(const f32x16 *a) {
    __m256 r[8];
    SD_UNROLL for (int i = 0; i < 8; i++) r[i] = _mm256_add_ps(a[i].v[0], a[i].v[1]);
    return sd_widen_8(sd_reduce_add_8_ps(r));
}
SD_INLINE f64x8 f64_reduce_max_8(const f64x8 *a) {
    __m256d r[8];
    SD_UNROLL for (int i = 0; i < 8; i++) r[i] = _mm256_max_pd(a[i].v[0], a[i].v[1]);
    SD_BOTH(f64x8, sd_reduce_max_4_pd(r + 4 * i));
}
SD_INLINE f64x8 f64_reduce_add_8(const f64x8 *a) {
    __m256d r[8];
    SD_UNROLL for (int i = 0; i < 8; i++) r[i] = _mm256_add_pd(a[i].v[0], a[i].v[1]);
    SD_BOTH(f64x8, sd_reduce_add_4_pd(r + 4 * i));
}

/* ---- comparisons as masks ---- */

SD_INLINE unsigned f32_mask_ge(f32x16 a, f32x16 b) {
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(a.v[0], b.v[0], _CMP_GE_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(a.v[1], b.v[1], _CMP_GE_OQ));
    return (unsigned)(high << 8 | low);
}
SD_INLINE unsigned f64_mask_ge(f64x8 a, f64x8 b) {
    const int low = _mm256_movemask_pd(_mm256_cmp_pd(a.v[0], b.v[0], _CMP_GE_OQ));
    const int high = _mm256_movemask_pd(_mm256_cmp_pd(a.v[1], b.v[1], _CMP_GE_OQ));
    return (unsigned)(high << 4 | low);
}
/* f32_mask_between, as between_plain.h defines it. The lanes of the comparisons are narrowed to bytes, from
 * which one instruction makes the mask of 32 bits. Narrowing works in each half of a register by itself,
 * which leaves groups of four bytes in the order 0, 2, 4, 6, 1, 3, 5, 7. */
SD_INLINE __m256i sd_between_8(__m256 a, __m256 low, __m256 high) {
    return _mm256_castps_si256(
        _mm256_and_ps(_mm256_cmp_ps(a, low, _CMP_GE_OQ), _mm256_cmp_ps(high, a, _CMP_GE_OQ)));
}
SD_INLINE unsigned f32_mask_between(f32x16 a, f32x16 b, f32x16 low, f32x16 high) {
    const __m256i first = _mm256_packs_epi32(sd_between_8(a.v[0], low.v[0], high.v[0]),
                                             sd_between_8(a.v[1], low.v[1], high.v[1]));
    const __m256i second = _mm256_packs_epi32(sd_between_8(b.v[0], low.v[0], high.v[0]),
                                              sd_between_8(b.v[1], low.v[1], high.v[1]));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second), order);
    return (unsigned)_mm256_movemask_epi8(bytes);
}
SD_INLINE unsigned f64_between_4(__m256d a, __m256d low, __m256d high) {
    return (unsigned)_mm256_movemask_pd(
        _mm256_and_pd(_mm256_cmp_pd(a, low, _CMP_GE_OQ), _mm256_cmp_pd(high, a, _CMP_GE_OQ)));
}
SD_INLINE unsigned f64_mask_between(f64x8 a, f64x8 b, f64x8 low, f64x8 high) {
    return f64_between_4(a.v[0], low.v[0], high.v[0]) | f64_between_4(a.v[1], low.v[1], high.v[1]) << 4 |
           f64_between_4(b.v[0], low.v[0], high.v[0]) << 8 | f64_between_4(b.v[1], low.v[1], high.v[1]) << 12;
}

/* ---- for alias tables ---- */

SD_INLINE f64x8 f64_load_f32(const float *p) { SD_BOTH(f64x8, _mm256_cvtps_pd(_mm_loadu_ps(p + 4 * i))); }
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) { return f64_fms(a, b, product); }
/* the mask of 8 lanes, each of which has all bits set or none */
SD_INLINE unsigned sd_mask_8(__m256d low, __m256d high) {
    return (unsigned)_mm256_movemask_pd(low) | (unsigned)_mm256_movemask_pd(high) << 4;
}
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) {
    return sd_mask_8(_mm256_cmp_pd(a.v[0], b.v[0], _CMP_LT_OQ), _mm256_cmp_pd(a.v[1], b.v[1], _CMP_LT_OQ));
}
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) {
    return sd_mask_8(_mm256_castsi256_pd(u64_lt_4(a.v[0], b.v[0])),
                     _mm256_castsi256_pd(u64_lt_4(a.v[1], b.v[1])));
}
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) {
    return sd_mask_8(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a.v[0], b.v[0])),
                     _mm256_castsi256_pd(_mm256_cmpeq_epi64(a.v[1], b.v[1])));
}
/* By eight loads in all, since gathers take longer on AVX2. */
SD_INLINE __m256i u64_look_up_4(const uint64_t *base, const uint64_t *words, unsigned shift) {
    const double *at = (const double *)base;
    const __m128d low = _mm_load_sd(at + (words[0] >> shift));
    const __m128d high = _mm_load_sd(at + (words[2] >> shift));
    const __m256d both = _mm256_insertf128_pd(
        _mm256_castpd128_pd256(_mm_loadh_pd(low, at + (words[1] >> shift))),
        _mm_loadh_pd(high, at + (words[3] >> shift)), 1);
    return _mm256_castpd_si256(both);
}
SD_INLINE u64x8 u64_look_up_words(const uint64_t *base, u64x8 index, const uint64_t *words, unsigned shift) {
    (void)index;
    SD_BOTH(u64x8, u64_look_up_4(base, words + 4 * i, shift));
}
SD_INLINE u64x8 u64_look_up(const uint64_t *base, u64x8 index) {
    uint64_t at[8];
    u64_store(at, index);
    return u64_look_up_words(base, index, at, 0);
}
#define SD_FETCH_AHEAD 0

/* ---- for draws from logits ---- */

#include "compress_4.h"

/* The lanes of a that the mask of 4 bits selects; returns where the next ones go. */
SD_INLINE float *sd_compress_4(float *out, __m128 a, unsigned mask) {
    const __m128i order = _mm_loadu_si128((const __m128i *)sd_compress_order[mask]);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(_mm_castps_si128(a), order));
    return out + sd_compress_count[mask];
}
SD_INLINE void f32_compress(float *out, f32x16 a, unsigned mask) {
    out = sd_compress_4(out, _mm256_castps256_ps128(a.v[0]), mask & 15);
    out = sd_compress_4(out, _mm256_extractf128_ps(a.v[0], 1), mask >> 4 & 15);
    out = sd_compress_4(out, _mm256_castps256_ps128(a.v[1]), mask >> 8 & 15);
    sd_compress_4(out, _mm256_extractf128_ps(a.v[1], 1), mask >> 12);
}
/* The same for two doubles: stored as they are, or the second one first. */
SD_INLINE double *sd_compress_2(double *out, __m128d a, unsigned mask) {
    const __m128i order = _mm_cvtsi32_si128(mask == 2 ? 2 : 0);
    _mm_storeu_pd(out, _mm_permutevar_pd(a, _mm_insert_epi32(order, 2, 2)));
    return out + (mask & 1) + (mask >> 1);
}
SD_INLINE void f64_compress(double *out, f64x8 a, unsigned mask) {
    out = sd_compress_2(out, _mm256_castpd256_pd128(a.v[0]), mask & 3);
    out = sd_compress_2(out, _mm256_extractf128_pd(a.v[0], 1), mask >> 2 & 3);
    out = sd_compress_2(out, _mm256_castpd256_pd128(a.v[1]), mask >> 4 & 3);
    sd_compress_2(out, _mm256_extractf128_pd(a.v[1], 1), mask >> 6);
}
/* `fours` times four integers */
SD_INLINE void sd_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask,
                                 const int fours) {
    const __m128i more = _mm_set1_epi32((int)add);
    __m128i r[4];
    SD_UNROLL for (int i = 0; i < fours; i++)
        r[i] = _mm_add_epi32(_mm_loadu_si128((const __m128i *)in + i), more);
    float *to = (float *)out;
    SD_UNROLL for (int i = 0; i < fours; i++)
        to = sd_compress_4(to, _mm_castsi128_ps(r[i]), mask >> 4 * i & 15);
}
SD_INLINE void f32_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    sd_compress_index(out, in, add, mask, 4);
}
SD_INLINE void f64_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    sd_compress_index(out, in, add, mask, 2);
}
/* All bits set in lanes whose bit in the mask is set, of the lowest 8 bits or 4 bits. */
SD_INLINE __m256 sd_lanes_of_bits(unsigned mask) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i each = _mm256_and_si256(_mm256_set1_epi32((int)mask), bits);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(each, bits));
}
SD_INLINE f32x16 f32_where_bit(unsigned mask, f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_blendv_ps(b.v[i], a.v[i], sd_lanes_of_bits(mask >> 8 * i)));
}
SD_INLINE __m256d sd_lanes_of_bits_4(unsigned mask) {
    const __m256i bits = _mm256_setr_epi64x(1, 2, 4, 8);
    const __m256i each = _mm256_and_si256(_mm256_set1_epi64x((long long)mask), bits);
    return _mm256_castsi256_pd(_mm256_cmpeq_epi64(each, bits));
}
SD_INLINE f64x8 f64_where_bit(unsigned mask, f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_blendv_pd(b.v[i], a.v[i], sd_lanes_of_bits_4(mask >> 4 * i)));
}
SD_INLINE f32x16 f32_mark_nan(f32x16 seen, f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_or_ps(seen.v[i], _mm256_cmp_ps(a.v[i], b.v[i], _CMP_UNORD_Q)));
}
SD_INLINE f64x8 f64_mark_nan(f64x8 seen, f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_or_pd(seen.v[i], _mm256_cmp_pd(a.v[i], b.v[i], _CMP_UNORD_Q)));
}
SD_INLINE __m256 bf16_widen_8(__m128i a) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(a), 16));
}
SD_INLINE f32x16 bf16_load_in_order(const uint16_t *p) {
    SD_BOTH(f32x16, bf16_widen_8(_mm_loadu_si128((const __m128i *)p + i)));
}

#endif
#endif
