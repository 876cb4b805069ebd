/* Functions that the packs of AVX2 and AVX-512 share, on registers of at most 256 bits. */

SD_INLINE void sd_stream_end(void) { _mm_sfence(); }

/* 16 items of float16 or bfloat16, with every -0 replaced by +0. */
SD_INLINE __m256i sd_without_minus_zero(__m256i a) {
    return _mm256_andnot_si256(_mm256_cmpeq_epi16(a, _mm256_set1_epi16((short)0x8000)), a);
}

SD_INLINE unsigned sd_bits_of_bytes(const uint8_t *p) {
    const __m128i is_0 = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(is_0) ^ 0xffffu;
}

/* The lanes of each r[i] combined by op (addition or maximum) to one number: lane i of the result. Each
 * r[i] is a pack whose halves are combined already. The order is that of f32_reduce_add and f64_reduce_add
 * (scalar.h): the upper half with the lower, then again; transposing on the way takes a third of the
 * shuffles. */
#define SD_REDUCE_8_PS(op, r)                                                                      \
    const __m256 a = op(_mm256_permute2f128_ps(r[0], r[4], 0x20), _mm256_permute2f128_ps(r[0], r[4], 0x31)); \
    const __m256 b = op(_mm256_permute2f128_ps(r[1], r[5], 0x20), _mm256_permute2f128_ps(r[1], r[5], 0x31)); \
    const __m256 c = op(_mm256_permute2f128_ps(r[2], r[6], 0x20), _mm256_permute2f128_ps(r[2], r[6], 0x31)); \
    const __m256 d = op(_mm256_permute2f128_ps(r[3], r[7], 0x20), _mm256_permute2f128_ps(r[3], r[7], 0x31)); \
    const __m256 e = op(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));             \
    const __m256 f = op(_mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xEE));             \
    return op(_mm256_shuffle_ps(e, f, 0x88), _mm256_shuffle_ps(e, f, 0xDD))

SD_INLINE __m256 sd_reduce_max_8_ps(const __m256 *r) { SD_REDUCE_8_PS(_mm256_max_ps, r); }
SD_INLINE __m256 sd_reduce_add_8_ps(const __m256 *r) { SD_REDUCE_8_PS(_mm256_add_ps, r); }

#define SD_REDUCE_4_PD(op, r)                                                                      \
    const __m256d a = op(_mm256_permute2f128_pd(r[0], r[2], 0x20), _mm256_permute2f128_pd(r[0], r[2], 0x31)); \
    const __m256d b = op(_mm256_permute2f128_pd(r[1], r[3], 0x20), _mm256_permute2f128_pd(r[1], r[3], 0x31)); \
    return op(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b))

SD_INLINE __m256d sd_reduce_max_4_pd(const __m256d *r) { SD_REDUCE_4_PD(_mm256_max_pd, r); }
SD_INLINE __m256d sd_reduce_add_4_pd(const __m256d *r) { SD_REDUCE_4_PD(_mm256_add_pd, r); }

#undef SD_REDUCE_8_PS
#undef SD_REDUCE_4_PD
