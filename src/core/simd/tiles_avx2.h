/* The tiles of tiles.h in registers, for AVX2 and AVX-512: interleaving the elements of registers, step by
 * step, brings those of a column together. */
#include "tiles.h"

SD_INLINE void tile_16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride) {
    __m128i a[8], b[8];
    SD_UNROLL for (int i = 0; i < 8; i++) a[i] = _mm_loadu_si128((const __m128i *)(x + i * x_stride));
    SD_UNROLL for (int step = 0; step < 3; step++) {
        SD_UNROLL for (int i = 0; i < 4; i++) {
            b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
            b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
        }
        SD_UNROLL for (int i = 0; i < 8; i++) a[i] = b[i];
    }
    SD_UNROLL for (int i = 0; i < 8; i++) _mm_storeu_si128((__m128i *)(out + i * out_stride), a[i]);
}

SD_INLINE void tall_16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride) {
    SD_UNROLL for (int i = 0; i < 4; i++)
        tile_16(x + 8 * i * x_stride, x_stride, out + 8 * i, out_stride);
}

SD_INLINE void tile_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    __m128i a[4], b[4];
    SD_UNROLL for (int i = 0; i < 4; i++) a[i] = _mm_loadu_si128((const __m128i *)(x + i * x_stride));
    SD_UNROLL for (int step = 0; step < 2; step++) {
        SD_UNROLL for (int i = 0; i < 2; i++) {
            b[2 * i] = _mm_unpacklo_epi32(a[i], a[i + 2]);
            b[2 * i + 1] = _mm_unpackhi_epi32(a[i], a[i + 2]);
        }
        SD_UNROLL for (int i = 0; i < 4; i++) a[i] = b[i];
    }
    SD_UNROLL for (int i = 0; i < 4; i++) _mm_storeu_si128((__m128i *)(out + i * out_stride), a[i]);
}

/* Interleaves the elements of rows 0 and 2, and of rows 1 and 3, in each half of the registers: twice, this
 * brings those of a column together. */
SD_INLINE void tile_interleave_32(__m256i row[4]) {
    __m256i pair[4];
    SD_UNROLL for (int i = 0; i < 2; i++) {
        pair[2 * i] = _mm256_unpacklo_epi32(row[i], row[i + 2]);
        pair[2 * i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 2]);
    }
    SD_UNROLL for (int i = 0; i < 4; i++) row[i] = pair[i];
}

/* Reads 8 rows and 4 columns of 32 bits; each column becomes one register. */
SD_INLINE void tile_columns_32(const uint32_t *x, ptrdiff_t x_stride, __m256i column[4]) {
    SD_UNROLL for (int i = 0; i < 4; i++) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(x + i * x_stride));
        const __m128i high = _mm_loadu_si128((const __m128i *)(x + (i + 4) * x_stride));
        column[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    tile_interleave_32(column);
    tile_interleave_32(column);
}

SD_INLINE void tall_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    __m256i upper[4], lower[4];
    tile_columns_32(x, x_stride, upper);
    tile_columns_32(x + 8 * x_stride, x_stride, lower);
    SD_UNROLL for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(out + i * out_stride), upper[i]);
        _mm256_storeu_si256((__m256i *)(out + i * out_stride + 8), lower[i]);
    }
}

SD_INLINE void wide_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    SD_UNROLL for (int half = 0; half < 2; half++) {
        __m256i row[4];
        SD_UNROLL for (int i = 0; i < 4; i++)
            row[i] = _mm256_loadu_si256((const __m256i *)(x + i * x_stride + 8 * half));
        tile_interleave_32(row);
        tile_interleave_32(row);
        uint32_t *to = out + 8 * half * out_stride;
        SD_UNROLL for (int i = 0; i < 4; i++) {
            _mm_storeu_si128((__m128i *)(to + i * out_stride), _mm256_castsi256_si128(row[i]));
            _mm_storeu_si128((__m128i *)(to + (i + 4) * out_stride), _mm256_extracti128_si256(row[i], 1));
        }
    }
}

/* Reads 4 rows and 4 columns of 64 bits; each column becomes one register. */
SD_INLINE void tile_columns_64(const uint64_t *x, ptrdiff_t x_stride, __m256i column[4]) {
    __m256i row[4], pair[4];
    SD_UNROLL for (int i = 0; i < 4; i++)
        row[i] = _mm256_loadu_si256((const __m256i *)(x + i * x_stride));
    SD_UNROLL for (int i = 0; i < 4; i += 2) {
        pair[i] = _mm256_unpacklo_epi64(row[i], row[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi64(row[i], row[i + 1]);
    }
    SD_UNROLL for (int i = 0; i < 2; i++) {
        column[i] = _mm256_permute2x128_si256(pair[i], pair[i + 2], 0x20);
        column[i + 2] = _mm256_permute2x128_si256(pair[i], pair[i + 2], 0x31);
    }
}

SD_INLINE void tile_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    __m256i column[4];
    tile_columns_64(x, x_stride, column);
    SD_UNROLL for (int i = 0; i < 4; i++)
        _mm256_storeu_si256((__m256i *)(out + i * out_stride), column[i]);
}

SD_INLINE void tall_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    __m256i upper[4], lower[4];
    tile_columns_64(x, x_stride, upper);
    tile_columns_64(x + 4 * x_stride, x_stride, lower);
    SD_UNROLL for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(out + i * out_stride), upper[i]);
        _mm256_storeu_si256((__m256i *)(out + i * out_stride + 4), lower[i]);
    }
}

SD_INLINE void wide_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    tile_64(x, x_stride, out, out_stride);
    tile_64(x + 4, x_stride, out + 4 * out_stride, out_stride);
}

SD_INLINE void tile_stream_line(char *out, const char *from) {
    _mm256_stream_si256((__m256i *)out, _mm256_loadu_si256((const __m256i *)from));
    _mm256_stream_si256((__m256i *)(out + 32), _mm256_loadu_si256((const __m256i *)(from + 32)));
}
SD_INLINE void tile_stream_end(void) { _mm_sfence(); }
