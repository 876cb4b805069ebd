/* The pack of 512 bits on AVX-512 (F, BW, DQ and VL), for processors of x86: one register. scalar.h says
 * what each function means, and has them in the same order.
 *
 * i32_shl, u64_shl and u64_rotl are macros, because their count must be a constant. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "../compiler.h"
#include "../arith/half.h"

#if SD_X86
#define SD_TIER avx512
#define GROUP 4
#define SD_BODY SD_INLINE

#include "intrinsics_x86.h"

#define SD_TARGET_CLOSE SD_TARGET_END
SD_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
#include "shared_x86.h"
#include "tiles_avx2.h"
#include "tiles_avx512.h"
#define SD_BROAD

typedef __m512 f32x16;
typedef __m512i i32x16;
typedef __m512d f64x8;
typedef __m512i u64x8;
typedef __m512 f32_table;  /* 8 entries, twice */
typedef __m512d f64_table; /* 4 entries, twice */

/* ---- float32 ---- */

SD_INLINE f32x16 f32_set1(float a) { return _mm512_set1_ps(a); }
SD_INLINE f32x16 f32_load(const float *p) { return _mm512_loadu_ps(p); }
SD_INLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << n) - 1), p);
}
SD_INLINE void f32_store(float *p, f32x16 a) { _mm512_storeu_ps(p, a); }
SD_INLINE void f32_store_n(float *p, size_t n, f32x16 a) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), a);
}
SD_INLINE void f32_stream(float *p, f32x16 a) { _mm512_stream_ps(p, a); }
SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) { return _mm512_add_ps(a, b); }
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) { return _mm512_sub_ps(a, b); }
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) { return _mm512_mul_ps(a, b); }
SD_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmadd_ps(a, b, c); }
SD_INLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) { return _mm512_fmsub_ps(a, b, c); }
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) { return _mm512_max_ps(a, b); }
SD_INLINE f32x16 f32_min(f32x16 a, f32x16 b) { return _mm512_min_ps(a, b); }
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ), no, yes);
}
SD_INLINE f32x16 f32_abs(f32x16 a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
SD_INLINE f32x16 f32_with_sign(f32x16 a, f32x16 b) {
    return _mm512_or_ps(a, _mm512_and_ps(b, _mm512_set1_ps(-0.0f)));
}
SD_INLINE float f32_reduce_max(f32x16 a) { return _mm512_reduce_max_ps(a); }
SD_INLINE float f32_reduce_add(f32x16 a) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    r = _mm_add_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_add_ss(r, _mm_movehdup_ps(r)));
}
SD_INLINE f32x16 f32_assume_upper(f32x16 a, float fill) { return (void)fill, a; }
SD_INLINE float f32_first(f32x16 a) { return _mm_cvtss_f32(_mm512_castps512_ps128(a)); }
SD_INLINE i32x16 f32_bits(f32x16 a) { return _mm512_castps_si512(a); }
SD_INLINE f32x16 f32_from_bits(i32x16 a) { return _mm512_castsi512_ps(a); }
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) { return _mm512_add_epi32(a, b); }
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) { return _mm512_sub_epi32(a, b); }
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) { return _mm512_and_si512(a, b); }
#define i32_shl(a, count) _mm512_slli_epi32(a, count)
SD_INLINE i32x16 i32_set1(uint32_t a) { return _mm512_set1_epi32((int)a); }
SD_INLINE i32x16 i32_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
SD_INLINE f32_table f32_table_from(f32x16 a) { return _mm512_shuffle_f32x4(a, a, 0x44); }
SD_INLINE f32x16 f32_lookup(f32_table t, i32x16 i) { return _mm512_permutexvar_ps(i, t); }
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) { return _mm512_cvtps_pd(_mm512_castps512_ps256(a)); }
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)); }
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}

/* ---- float16 and bfloat16 ---- */

SD_INLINE f32x16 f16_load(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
SD_INLINE __m256i f16_from_f32(f32x16 a) {
    return sd_without_minus_zero(_mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}
SD_INLINE f32x16 bf16_load(const uint16_t *p) {
    const __m256i both = _mm256_loadu_si256((const __m256i *)p);
    const __m256i odd = _mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000));
    const __m512i even = _mm512_castsi256_si512(_mm256_slli_epi32(both, 16));
    return _mm512_castsi512_ps(_mm512_inserti64x4(even, odd, 1));
}
/* The upper 16 bits of each lane become the bfloat16: adding 0x7fff, and 1 more if the last bit that stays
 * is 1, rounds to nearest, ties to even. */
SD_INLINE __m256i bf16_from_f32(f32x16 a) {
    const __m512i bits = _mm512_castps_si512(a), one = _mm512_set1_epi32(1);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), one);
    const __m512i r = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    const __m256i even = _mm256_srli_epi32(_mm512_castsi512_si256(r), 16);
    return sd_without_minus_zero(_mm256_blend_epi16(even, _mm512_extracti64x4_epi64(r, 1), 0xAA));
}
SD_INLINE void f16_store(uint16_t *p, f32x16 a) { _mm256_storeu_si256((__m256i *)p, f16_from_f32(a)); }
SD_INLINE void f16_stream(uint16_t *p, f32x16 a) { _mm256_stream_si256((__m256i *)p, f16_from_f32(a)); }
SD_INLINE void bf16_store(uint16_t *p, f32x16 a) { _mm256_storeu_si256((__m256i *)p, bf16_from_f32(a)); }
SD_INLINE void bf16_stream(uint16_t *p, f32x16 a) { _mm256_stream_si256((__m256i *)p, bf16_from_f32(a)); }

/* ---- float64 ---- */

SD_INLINE f64x8 f64_set1(double a) { return _mm512_set1_pd(a); }
SD_INLINE f64x8 f64_load(const double *p) { return _mm512_loadu_pd(p); }
SD_INLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    return _mm512_mask_loadu_pd(_mm512_set1_pd(fill), (__mmask8)((1u << n) - 1), p);
}
SD_INLINE void f64_store(double *p, f64x8 a) { _mm512_storeu_pd(p, a); }
SD_INLINE void f64_store_n(double *p, size_t n, f64x8 a) {
    _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), a);
}
SD_INLINE void f64_stream(double *p, f64x8 a) { _mm512_stream_pd(p, a); }
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) { return _mm512_add_pd(a, b); }
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) { return _mm512_sub_pd(a, b); }
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) { return _mm512_mul_pd(a, b); }
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) { return _mm512_div_pd(a, b); }
SD_INLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) { return _mm512_fmadd_pd(a, b, c); }
SD_INLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) { return _mm512_fmsub_pd(a, b, c); }
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) { return _mm512_max_pd(a, b); }
SD_INLINE f64x8 f64_min(f64x8 a, f64x8 b) { return _mm512_min_pd(a, b); }
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_GE_OQ), no, yes);
}
SD_INLINE f64x8 f64_abs(f64x8 a) { return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a); }
SD_INLINE f64x8 f64_with_sign(f64x8 a, f64x8 b) {
    return _mm512_or_pd(a, _mm512_and_pd(b, _mm512_set1_pd(-0.0)));
}
SD_INLINE double f64_reduce_max(f64x8 a) { return _mm512_reduce_max_pd(a); }
SD_INLINE f64x8 f64_assume_upper(f64x8 a, double fill) { return (void)fill, a; }
SD_INLINE double f64_first(f64x8 a) { return _mm_cvtsd_f64(_mm512_castpd512_pd128(a)); }
SD_INLINE double f64_reduce_add(f64x8 a) {
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
SD_INLINE u64x8 f64_bits(f64x8 a) { return _mm512_castpd_si512(a); }
SD_INLINE f64x8 f64_from_bits(u64x8 a) { return _mm512_castsi512_pd(a); }
SD_INLINE f64_table f64_table_from(f64x8 a) { return _mm512_shuffle_f64x2(a, a, 0x44); }
SD_INLINE f64x8 f64_lookup(f64_table t, u64x8 i) { return _mm512_permutexvar_pd(i, t); }

/* ---- unsigned 64-bit integers ---- */

SD_INLINE u64x8 u64_set1(uint64_t a) { return _mm512_set1_epi64((long long)a); }
SD_INLINE u64x8 u64_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
SD_INLINE u64x8 u64_load_once(const uint64_t *p) {
    u64x8 a = u64_load(p);
    SD_KEEP("v", a);
    return a;
}
SD_INLINE void u64_store(uint64_t *p, u64x8 a) { _mm512_storeu_si512(p, a); }
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) { return _mm512_add_epi64(a, b); }
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) { return _mm512_sub_epi64(a, b); }
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) { return _mm512_xor_si512(a, b); }
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) { return _mm512_and_si512(a, b); }
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) { return _mm512_or_si512(a, b); }
#define u64_shl(a, count) _mm512_slli_epi64(a, count)
#define u64_rotl(a, count) _mm512_rol_epi64(a, count)
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) {
    return _mm512_sll_epi64(a, _mm_cvtsi32_si128((int)count));
}
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) {
    return _mm512_srl_epi64(a, _mm_cvtsi32_si128((int)count));
}
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    return _mm512_mask_blend_epi64(_mm512_cmplt_epu64_mask(a, b), no, yes);
}

/* ---- eight packs to one ---- */

SD_INLINE f64x8 f32_reduce_max_8(const f32x16 *a) {
    __m256 r[8];
    SD_UNROLL for (int i = 0; i < 8; i++)
        r[i] = _mm256_max_ps(_mm512_castps512_ps256(a[i]), _mm512_extractf32x8_ps(a[i], 1));
    return _mm512_cvtps_pd(sd_reduce_max_8_ps(r));
}
SD_INLINE f64x8 f32_reduce_add_8(const f32x16 *a) {
    __m256 r[8];
    SD_UNROLL for (int i = 0; i < 8; i++)
        r[i] = _mm256_add_ps(_mm512_castps512_ps256(a[i]), _mm512_extractf32x8_ps(a[i], 1));
    return _mm512_cvtps_pd(sd_reduce_add_8_ps(r));
}
SD_INLINE f64x8 f64_reduce_max_8(const f64x8 *a) {
    __m256d r[8];
    SD_UNROLL for (int i = 0; i < 8; i++)
        r[i] = _mm256_max_pd(_mm512_castpd512_pd256(a[i]), _mm512_extractf64x4_pd(a[i], 1));
    return _mm512_insertf64x4(_mm512_castpd256_pd512(sd_reduce_max_4_pd(r)), sd_reduce_max_4_pd(r + 4), 1);
}
SD_INLINE f64x8 f64_reduce_add_8(const f64x8 *a) {
    __m256d r[8];
    SD_UNROLL for (int i = 0; i < 8; i++)
        r[i] = _mm256_add_pd(_mm512_castpd512_pd256(a[i]), _mm512_extractf64x4_pd(a[i], 1));
    return _mm512_insertf64x4(_mm512_castpd256_pd512(sd_reduce_add_4_pd(r)), sd_reduce_add_4_pd(r + 4), 1);
}

/* ---- comparisons as masks ---- */

SD_INLINE unsigned f32_mask_ge(f32x16 a, f32x16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
SD_INLINE unsigned f64_mask_ge(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ); }
#include "between_plain.h"

/* ---- for alias tables ---- */

SD_INLINE f64x8 f64_load_f32(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) { return f64_fms(a, b, product); }
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) { return _mm512_cmplt_epu64_mask(a, b); }
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) { return _mm512_cmpeq_epi64_mask(a, b); }
/* By eight loads in all, since gathers take longer on AMD and save little on Intel. */
SD_INLINE __m128i sd_look_up_2(const uint64_t *base, const uint64_t *words, unsigned shift) {
    const __m128d low = _mm_load_sd((const double *)(base + (words[0] >> shift)));
    return _mm_castpd_si128(_mm_loadh_pd(low, (const double *)(base + (words[1] >> shift))));
}
SD_INLINE __m256i sd_look_up_4(const uint64_t *base, const uint64_t *words, unsigned shift) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(sd_look_up_2(base, words, shift)),
                                   sd_look_up_2(base, words + 2, shift), 1);
}
SD_INLINE u64x8 u64_look_up_words(const uint64_t *base, u64x8 index, const uint64_t *words, unsigned shift) {
    (void)index;
    return _mm512_inserti64x4(_mm512_castsi256_si512(sd_look_up_4(base, words, shift)),
                              sd_look_up_4(base, words + 4, shift), 1);
}
SD_INLINE u64x8 u64_look_up(const uint64_t *base, u64x8 index) {
    uint64_t at[8];
    u64_store(at, index);
    return u64_look_up_words(base, index, at, 0);
}
#define SD_FETCH_AHEAD 128

/* ---- for draws from logits ---- */

/* First to a register, then to memory: the instruction that does both takes dozens of cycles on Zen 4. */
SD_INLINE void f32_compress(float *out, f32x16 a, unsigned mask) {
    _mm512_storeu_ps(out, _mm512_maskz_compress_ps((__mmask16)mask, a));
}
SD_INLINE void f64_compress(double *out, f64x8 a, unsigned mask) {
    _mm512_storeu_pd(out, _mm512_maskz_compress_pd((__mmask8)mask, a));
}
SD_INLINE void f32_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    const __m512i r = _mm512_add_epi32(_mm512_loadu_si512(in), _mm512_set1_epi32((int)add));
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32((__mmask16)mask, r));
}
SD_INLINE void f64_compress_index(uint32_t *out, const uint32_t *in, uint32_t add, unsigned mask) {
    const __m256i r = _mm256_add_epi32(_mm256_loadu_si256((const __m256i *)in), _mm256_set1_epi32((int)add));
    _mm256_storeu_si256((__m256i *)out, _mm256_maskz_compress_epi32((__mmask8)mask, r));
}
SD_INLINE f32x16 f32_where_bit(unsigned mask, f32x16 a, f32x16 b) {
    return _mm512_mask_blend_ps((__mmask16)mask, b, a);
}
SD_INLINE f64x8 f64_where_bit(unsigned mask, f64x8 a, f64x8 b) {
    return _mm512_mask_blend_pd((__mmask8)mask, b, a);
}
SD_INLINE f32x16 f32_mark_nan(f32x16 seen, f32x16 a, f32x16 b) {
    const __m512 nan = _mm512_castsi512_ps(_mm512_set1_epi32(0x7fc00000));
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q), seen, nan);
}
SD_INLINE f64x8 f64_mark_nan(f64x8 seen, f64x8 a, f64x8 b) {
    const __m512d nan = _mm512_castsi512_pd(_mm512_set1_epi64(0x7ff8000000000000));
    return _mm512_mask_blend_pd(_mm512_cmp_pd_mask(a, b, _CMP_UNORD_Q), seen, nan);
}
SD_INLINE f32x16 bf16_load_in_order(const uint16_t *p) {
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

#endif
#endif
