/* tile_plain.h in registers: pairs of elements are interleaved until they stand in columns. */

enum { SD_TILE_16 = 8, SD_TILE_32 = 8, SD_TILE_64 = 4 };

SD_INLINE void tile_16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride) {
    __m128i a[8], b[8];
    SD_UNROLL for (int i = 0; i < 8; i++) a[i] = _mm_loadu_si128((const __m128i *)(x + i * x_stride));
    SD_UNROLL for (int i = 0; i < 4; i++) {
        b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
        b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    }
    SD_UNROLL for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]);
        a[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
    }
    SD_UNROLL for (int i = 0; i < 4; i++) {
        b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
        b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    }
    SD_UNROLL for (int i = 0; i < 8; i++) _mm_storeu_si128((__m128i *)(out + i * out_stride), b[i]);
}

/* rows i and i + 4 as the halves of a register, columns 4 h to 4 h + 3 */
SD_INLINE __m256 tile_rows(const float *x, ptrdiff_t x_stride, int i, int h) {
    const __m128 upper = _mm_loadu_ps(x + i * x_stride + 4 * h);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(upper),
                                _mm_loadu_ps(x + (i + 4) * x_stride + 4 * h), 1);
}

SD_INLINE void tile_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    const float *from = (const float *)x;
    float *to = (float *)out;
    SD_UNROLL for (int h = 0; h < 2; h++) {
        const __m256 a = tile_rows(from, x_stride, 0, h), b = tile_rows(from, x_stride, 1, h);
        const __m256 c = tile_rows(from, x_stride, 2, h), d = tile_rows(from, x_stride, 3, h);
        const __m256 ab_low = _mm256_unpacklo_ps(a, b), ab_high = _mm256_unpackhi_ps(a, b);
        const __m256 cd_low = _mm256_unpacklo_ps(c, d), cd_high = _mm256_unpackhi_ps(c, d);
        float *row = to + 4 * h * out_stride;
        _mm256_storeu_ps(row, _mm256_shuffle_ps(ab_low, cd_low, 0x44));
        _mm256_storeu_ps(row + out_stride, _mm256_shuffle_ps(ab_low, cd_low, 0xEE));
        _mm256_storeu_ps(row + 2 * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0x44));
        _mm256_storeu_ps(row + 3 * out_stride, _mm256_shuffle_ps(ab_high, cd_high, 0xEE));
    }
}

SD_INLINE void tile_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    __m256d a[4], b[4];
    SD_UNROLL for (int i = 0; i < 4; i++) a[i] = _mm256_loadu_pd((const double *)x + i * x_stride);
    SD_UNROLL for (int i = 0; i < 4; i += 2) {
        b[i] = _mm256_unpacklo_pd(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_pd(a[i], a[i + 1]);
    }
    SD_UNROLL for (int i = 0; i < 2; i++) {
        _mm256_storeu_pd((double *)out + i * out_stride, _mm256_permute2f128_pd(b[i], b[i + 2], 0x20));
        _mm256_storeu_pd((double *)out + (i + 2) * out_stride,
                         _mm256_permute2f128_pd(b[i], b[i + 2], 0x31));
    }
}
