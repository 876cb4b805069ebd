/* The 512-bit pack on AVX2 and FMA: two registers. pack_scalar.h says what each function means. */
#ifndef SD_PACK_H
#define SD_PACK_H
#include "compiler.h"

#define SD_GROUP 2

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef struct { __m256 v[2]; } f32x16;
typedef struct { __m256i v[2]; } i32x16;
typedef struct { __m256d v[2]; } f64x8;
typedef struct { __m256i v[2]; } u64x8;
typedef __m256 f32_table;
typedef __m256 f64_table; /* 4 doubles, looked up as pairs of floats */

#define SD_BOTH(type, expression_0, expression_1) return (type){{expression_0, expression_1}}

/* float32 */
SD_INLINE f32x16 f32_set1(float a) { SD_BOTH(f32x16, _mm256_set1_ps(a), _mm256_set1_ps(a)); }
SD_INLINE f32x16 f32_load(const float *p) {
    SD_BOTH(f32x16, _mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
/* -1 in the first n lanes of 32 bits, from lane 8 h on */
SD_INLINE __m256i sd_first_n(size_t n, size_t h) {
    static const int32_t ones[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones + 16 - n + 8 * h));
}
SD_INLINE __m256 f32_load_8(const float *p, __m256i mask, float fill) {
    return _mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, mask),
                            _mm256_castsi256_ps(mask));
}
SD_INLINE f32x16 f32_load_n(const float *p, size_t n, float fill) {
    SD_BOTH(f32x16, f32_load_8(p, sd_first_n(n, 0), fill), f32_load_8(p + 8, sd_first_n(n, 1), fill));
}
SD_INLINE void f32_store(float *p, f32x16 a) {
    _mm256_storeu_ps(p, a.v[0]);
    _mm256_storeu_ps(p + 8, a.v[1]);
}
SD_INLINE void f32_store_n(float *p, size_t n, f32x16 a) {
    _mm256_maskstore_ps(p, sd_first_n(n, 0), a.v[0]);
    _mm256_maskstore_ps(p + 8, sd_first_n(n, 1), a.v[1]);
}
SD_INLINE f32x16 f32_add(f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1]));
}
SD_INLINE f32x16 f32_sub(f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1]));
}
SD_INLINE f32x16 f32_mul(f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_mul_ps(a.v[0], b.v[0]), _mm256_mul_ps(a.v[1], b.v[1]));
}
SD_INLINE f32x16 f32_fma(f32x16 a, f32x16 b, f32x16 c) {
    SD_BOTH(f32x16, _mm256_fmadd_ps(a.v[0], b.v[0], c.v[0]),
            _mm256_fmadd_ps(a.v[1], b.v[1], c.v[1]));
}
SD_INLINE f32x16 f32_fms(f32x16 a, f32x16 b, f32x16 c) {
    SD_BOTH(f32x16, _mm256_fmsub_ps(a.v[0], b.v[0], c.v[0]),
            _mm256_fmsub_ps(a.v[1], b.v[1], c.v[1]));
}
SD_INLINE f32x16 f32_max(f32x16 a, f32x16 b) {
    SD_BOTH(f32x16, _mm256_max_ps(a.v[0], b.v[0]), _mm256_max_ps(a.v[1], b.v[1]));
}
SD_INLINE f32x16 f32_where_ge(f32x16 a, f32x16 b, f32x16 yes, f32x16 no) {
    SD_BOTH(f32x16,
            _mm256_blendv_ps(no.v[0], yes.v[0], _mm256_cmp_ps(a.v[0], b.v[0], _CMP_GE_OQ)),
            _mm256_blendv_ps(no.v[1], yes.v[1], _mm256_cmp_ps(a.v[1], b.v[1], _CMP_GE_OQ)));
}
SD_INLINE float f32_largest(f32x16 a) {
    const __m256 eight = _mm256_max_ps(a.v[0], a.v[1]);
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    return _mm_cvtss_f32(_mm_max_ss(r, _mm_movehdup_ps(r)));
}
SD_INLINE i32x16 f32_bits(f32x16 a) {
    SD_BOTH(i32x16, _mm256_castps_si256(a.v[0]), _mm256_castps_si256(a.v[1]));
}
SD_INLINE f32x16 f32_from_bits(i32x16 a) {
    SD_BOTH(f32x16, _mm256_castsi256_ps(a.v[0]), _mm256_castsi256_ps(a.v[1]));
}
SD_INLINE i32x16 i32_add(i32x16 a, i32x16 b) {
    SD_BOTH(i32x16, _mm256_add_epi32(a.v[0], b.v[0]), _mm256_add_epi32(a.v[1], b.v[1]));
}
SD_INLINE i32x16 i32_sub(i32x16 a, i32x16 b) {
    SD_BOTH(i32x16, _mm256_sub_epi32(a.v[0], b.v[0]), _mm256_sub_epi32(a.v[1], b.v[1]));
}
SD_INLINE i32x16 i32_and(i32x16 a, i32x16 b) {
    SD_BOTH(i32x16, _mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1]));
}
SD_INLINE i32x16 i32_shl(i32x16 a, int count) {
    SD_BOTH(i32x16, _mm256_slli_epi32(a.v[0], count), _mm256_slli_epi32(a.v[1], count));
}
SD_INLINE i32x16 i32_set1(uint32_t a) {
    SD_BOTH(i32x16, _mm256_set1_epi32((int)a), _mm256_set1_epi32((int)a));
}
SD_INLINE i32x16 i32_load(const uint32_t *p) {
    SD_BOTH(i32x16, _mm256_loadu_si256((const __m256i *)p),
            _mm256_loadu_si256((const __m256i *)(p + 8)));
}
SD_INLINE f32_table f32_table_from(f32x16 a) { return a.v[0]; }
SD_INLINE f32x16 f32_lookup(f32_table t, i32x16 i) {
    SD_BOTH(f32x16, _mm256_permutevar8x32_ps(t, i.v[0]), _mm256_permutevar8x32_ps(t, i.v[1]));
}
SD_INLINE f64x8 f32_low_to_f64(f32x16 a) {
    SD_BOTH(f64x8, _mm256_cvtps_pd(_mm256_castps256_ps128(a.v[0])),
            _mm256_cvtps_pd(_mm256_extractf128_ps(a.v[0], 1)));
}
SD_INLINE f64x8 f32_high_to_f64(f32x16 a) {
    SD_BOTH(f64x8, _mm256_cvtps_pd(_mm256_castps256_ps128(a.v[1])),
            _mm256_cvtps_pd(_mm256_extractf128_ps(a.v[1], 1)));
}
SD_INLINE f32x16 f32_from_f64(f64x8 low, f64x8 high) {
    SD_BOTH(f32x16, _mm256_set_m128(_mm256_cvtpd_ps(low.v[1]), _mm256_cvtpd_ps(low.v[0])),
            _mm256_set_m128(_mm256_cvtpd_ps(high.v[1]), _mm256_cvtpd_ps(high.v[0])));
}

/* float64 */
SD_INLINE f64x8 f64_set1(double a) { SD_BOTH(f64x8, _mm256_set1_pd(a), _mm256_set1_pd(a)); }
SD_INLINE f64x8 f64_load(const double *p) {
    SD_BOTH(f64x8, _mm256_loadu_pd(p), _mm256_loadu_pd(p + 4));
}
SD_INLINE __m256d f64_load_4(const double *p, __m256i mask, double fill) {
    return _mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(p, mask),
                            _mm256_castsi256_pd(mask));
}
SD_INLINE f64x8 f64_load_n(const double *p, size_t n, double fill) {
    SD_BOTH(f64x8, f64_load_4(p, sd_first_n(2 * n, 0), fill),
            f64_load_4(p + 4, sd_first_n(2 * n, 1), fill));
}
SD_INLINE void f64_store(double *p, f64x8 a) {
    _mm256_storeu_pd(p, a.v[0]);
    _mm256_storeu_pd(p + 4, a.v[1]);
}
SD_INLINE void f64_store_n(double *p, size_t n, f64x8 a) {
    _mm256_maskstore_pd(p, sd_first_n(2 * n, 0), a.v[0]);
    _mm256_maskstore_pd(p + 4, sd_first_n(2 * n, 1), a.v[1]);
}
SD_INLINE f64x8 f64_add(f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_add_pd(a.v[0], b.v[0]), _mm256_add_pd(a.v[1], b.v[1]));
}
SD_INLINE f64x8 f64_sub(f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_sub_pd(a.v[0], b.v[0]), _mm256_sub_pd(a.v[1], b.v[1]));
}
SD_INLINE f64x8 f64_mul(f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_mul_pd(a.v[0], b.v[0]), _mm256_mul_pd(a.v[1], b.v[1]));
}
SD_INLINE f64x8 f64_div(f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_div_pd(a.v[0], b.v[0]), _mm256_div_pd(a.v[1], b.v[1]));
}
SD_INLINE f64x8 f64_fma(f64x8 a, f64x8 b, f64x8 c) {
    SD_BOTH(f64x8, _mm256_fmadd_pd(a.v[0], b.v[0], c.v[0]),
            _mm256_fmadd_pd(a.v[1], b.v[1], c.v[1]));
}
SD_INLINE f64x8 f64_fms(f64x8 a, f64x8 b, f64x8 c) {
    SD_BOTH(f64x8, _mm256_fmsub_pd(a.v[0], b.v[0], c.v[0]),
            _mm256_fmsub_pd(a.v[1], b.v[1], c.v[1]));
}
SD_INLINE f64x8 f64_max(f64x8 a, f64x8 b) {
    SD_BOTH(f64x8, _mm256_max_pd(a.v[0], b.v[0]), _mm256_max_pd(a.v[1], b.v[1]));
}
SD_INLINE f64x8 f64_where_ge(f64x8 a, f64x8 b, f64x8 yes, f64x8 no) {
    SD_BOTH(f64x8,
            _mm256_blendv_pd(no.v[0], yes.v[0], _mm256_cmp_pd(a.v[0], b.v[0], _CMP_GE_OQ)),
            _mm256_blendv_pd(no.v[1], yes.v[1], _mm256_cmp_pd(a.v[1], b.v[1], _CMP_GE_OQ)));
}
SD_INLINE double f64_largest(f64x8 a) {
    const __m256d four = _mm256_max_pd(a.v[0], a.v[1]);
    const __m128d r = _mm_max_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_max_sd(r, _mm_unpackhi_pd(r, r)));
}
SD_INLINE double f64_total(f64x8 a) {
    const __m256d four = _mm256_add_pd(a.v[0], a.v[1]);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}
SD_INLINE u64x8 f64_bits(f64x8 a) {
    SD_BOTH(u64x8, _mm256_castpd_si256(a.v[0]), _mm256_castpd_si256(a.v[1]));
}
SD_INLINE f64x8 f64_from_bits(u64x8 a) {
    SD_BOTH(f64x8, _mm256_castsi256_pd(a.v[0]), _mm256_castsi256_pd(a.v[1]));
}
SD_INLINE f64_table f64_table_from(f64x8 a) { return _mm256_castpd_ps(a.v[0]); }
/* AVX2 has no 4-entry lookup of doubles by variable: both 32-bit halves are looked up, at 2i and
 * 2i + 1. permutevar8x32 reads the low three bits, so only bit 0 and bit 1 of i matter. */
SD_INLINE __m256d f64_lookup_4(f64_table t, __m256i i) {
    const __m256i even = _mm256_slli_epi64(i, 1);
    const __m256i both = _mm256_add_epi32(_mm256_shuffle_epi32(even, 0xA0),
                                          _mm256_set1_epi64x(0x100000000LL));
    return _mm256_castps_pd(_mm256_permutevar8x32_ps(t, both));
}
SD_INLINE f64x8 f64_lookup(f64_table t, u64x8 i) {
    SD_BOTH(f64x8, f64_lookup_4(t, i.v[0]), f64_lookup_4(t, i.v[1]));
}

/* unsigned 64-bit integers */
SD_INLINE u64x8 u64_set1(uint64_t a) {
    SD_BOTH(u64x8, _mm256_set1_epi64x((long long)a), _mm256_set1_epi64x((long long)a));
}
SD_INLINE u64x8 u64_load(const uint64_t *p) {
    SD_BOTH(u64x8, _mm256_loadu_si256((const __m256i *)p),
            _mm256_loadu_si256((const __m256i *)(p + 4)));
}
SD_INLINE void u64_store(uint64_t *p, u64x8 a) {
    _mm256_storeu_si256((__m256i *)p, a.v[0]);
    _mm256_storeu_si256((__m256i *)(p + 4), a.v[1]);
}
SD_INLINE u64x8 u64_add(u64x8 a, u64x8 b) {
    SD_BOTH(u64x8, _mm256_add_epi64(a.v[0], b.v[0]), _mm256_add_epi64(a.v[1], b.v[1]));
}
SD_INLINE u64x8 u64_sub(u64x8 a, u64x8 b) {
    SD_BOTH(u64x8, _mm256_sub_epi64(a.v[0], b.v[0]), _mm256_sub_epi64(a.v[1], b.v[1]));
}
SD_INLINE u64x8 u64_xor(u64x8 a, u64x8 b) {
    SD_BOTH(u64x8, _mm256_xor_si256(a.v[0], b.v[0]), _mm256_xor_si256(a.v[1], b.v[1]));
}
SD_INLINE u64x8 u64_and(u64x8 a, u64x8 b) {
    SD_BOTH(u64x8, _mm256_and_si256(a.v[0], b.v[0]), _mm256_and_si256(a.v[1], b.v[1]));
}
SD_INLINE u64x8 u64_or(u64x8 a, u64x8 b) {
    SD_BOTH(u64x8, _mm256_or_si256(a.v[0], b.v[0]), _mm256_or_si256(a.v[1], b.v[1]));
}
SD_INLINE u64x8 u64_shl(u64x8 a, int count) {
    SD_BOTH(u64x8, _mm256_slli_epi64(a.v[0], count), _mm256_slli_epi64(a.v[1], count));
}
SD_INLINE u64x8 u64_rotl(u64x8 a, int count) {
    SD_BOTH(u64x8,
            _mm256_or_si256(_mm256_slli_epi64(a.v[0], count), _mm256_srli_epi64(a.v[0], 64 - count)),
            _mm256_or_si256(_mm256_slli_epi64(a.v[1], count), _mm256_srli_epi64(a.v[1], 64 - count)));
}
SD_INLINE u64x8 u64_shl_by(u64x8 a, unsigned count) {
    const __m128i by = _mm_cvtsi32_si128((int)count);
    SD_BOTH(u64x8, _mm256_sll_epi64(a.v[0], by), _mm256_sll_epi64(a.v[1], by));
}
SD_INLINE u64x8 u64_shr_by(u64x8 a, unsigned count) {
    const __m128i by = _mm_cvtsi32_si128((int)count);
    SD_BOTH(u64x8, _mm256_srl_epi64(a.v[0], by), _mm256_srl_epi64(a.v[1], by));
}
/* AVX2 compares signed: flipping the top bit of both sides orders them as unsigned. */
SD_INLINE __m256i u64_lt_4(__m256i a, __m256i b) {
    const __m256i top = _mm256_set1_epi64x((long long)0x8000000000000000ULL);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, top), _mm256_xor_si256(a, top));
}
SD_INLINE u64x8 u64_where_lt(u64x8 a, u64x8 b, u64x8 yes, u64x8 no) {
    SD_BOTH(u64x8, _mm256_blendv_epi8(no.v[0], yes.v[0], u64_lt_4(a.v[0], b.v[0])),
            _mm256_blendv_epi8(no.v[1], yes.v[1], u64_lt_4(a.v[1], b.v[1])));
}

/* ---- for alias tables ---- */

SD_INLINE f64x8 f64_load_f32(const float *p) {
    SD_BOTH(f64x8, _mm256_cvtps_pd(_mm_loadu_ps(p)), _mm256_cvtps_pd(_mm_loadu_ps(p + 4)));
}
SD_INLINE f64x8 f64_mul_error(f64x8 a, f64x8 b, f64x8 product) { return f64_fms(a, b, product); }
SD_INLINE unsigned sd_mask_8(__m256d low, __m256d high) {
    return (unsigned)_mm256_movemask_pd(low) | (unsigned)_mm256_movemask_pd(high) << 4;
}
SD_INLINE unsigned f64_mask_lt(f64x8 a, f64x8 b) {
    return sd_mask_8(_mm256_cmp_pd(a.v[0], b.v[0], _CMP_LT_OQ),
                     _mm256_cmp_pd(a.v[1], b.v[1], _CMP_LT_OQ));
}
SD_INLINE unsigned u64_mask_lt(u64x8 a, u64x8 b) {
    return sd_mask_8(_mm256_castsi256_pd(u64_lt_4(a.v[0], b.v[0])),
                     _mm256_castsi256_pd(u64_lt_4(a.v[1], b.v[1])));
}
SD_INLINE unsigned u64_mask_eq(u64x8 a, u64x8 b) {
    return sd_mask_8(_mm256_castsi256_pd(_mm256_cmpeq_epi64(a.v[0], b.v[0])),
                     _mm256_castsi256_pd(_mm256_cmpeq_epi64(a.v[1], b.v[1])));
}
/* eight loads; AVX2's gathers take longer */
SD_INLINE __m256i u64_look_up_4(const uint64_t *base, const uint64_t *words, unsigned shift) {
    const double *at = (const double *)base;
    const __m128d low = _mm_load_sd(at + (words[0] >> shift));
    const __m128d high = _mm_load_sd(at + (words[2] >> shift));
    const __m256d both = _mm256_insertf128_pd(
        _mm256_castpd128_pd256(_mm_loadh_pd(low, at + (words[1] >> shift))),
        _mm_loadh_pd(high, at + (words[3] >> shift)), 1);
    return _mm256_castpd_si256(both);
}
SD_INLINE u64x8 u64_look_up(const uint64_t *base, const uint64_t *words, unsigned shift) {
    SD_BOTH(u64x8, u64_look_up_4(base, words, shift), u64_look_up_4(base, words + 4, shift));
}
#define SD_FETCH_AHEAD 0

#endif
