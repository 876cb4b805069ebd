/* The broad tiles of tiles.h in registers, for AVX-512. */

/* Of registers a, b, c and d, pieces of 128 bits: column[i * step] becomes piece i of each, i < 4. */
SD_INLINE void tile_collect_pieces(__m512i a, __m512i b, __m512i c, __m512i d, __m512i *column,
                                   const int step) {
    const __m512i even_ab = _mm512_shuffle_i64x2(a, b, 0x88), odd_ab = _mm512_shuffle_i64x2(a, b, 0xdd);
    const __m512i even_cd = _mm512_shuffle_i64x2(c, d, 0x88), odd_cd = _mm512_shuffle_i64x2(c, d, 0xdd);
    column[0] = _mm512_shuffle_i64x2(even_ab, even_cd, 0x88);
    column[step] = _mm512_shuffle_i64x2(odd_ab, odd_cd, 0x88);
    column[2 * step] = _mm512_shuffle_i64x2(even_ab, even_cd, 0xdd);
    column[3 * step] = _mm512_shuffle_i64x2(odd_ab, odd_cd, 0xdd);
}

SD_INLINE void broad_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    __m512i row[16], pair[16], column[16];
    SD_UNROLL for (int i = 0; i < 16; i++) row[i] = _mm512_loadu_si512(x + i * x_stride);
    SD_UNROLL for (int i = 0; i < 16; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    SD_UNROLL for (int i = 0; i < 16; i += 4) {
        row[i] = _mm512_unpacklo_epi64(pair[i], pair[i + 2]);
        row[i + 1] = _mm512_unpackhi_epi64(pair[i], pair[i + 2]);
        row[i + 2] = _mm512_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        row[i + 3] = _mm512_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
    SD_UNROLL for (int i = 0; i < 4; i++)
        tile_collect_pieces(row[i], row[i + 4], row[i + 8], row[i + 12], column + i, 4);
    SD_UNROLL for (int i = 0; i < 16; i++) _mm512_storeu_si512(out + i * out_stride, column[i]);
}

SD_INLINE void broad_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    __m512i row[8], pair[8], column[8];
    SD_UNROLL for (int i = 0; i < 8; i++) row[i] = _mm512_loadu_si512(x + i * x_stride);
    SD_UNROLL for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_epi64(row[i], row[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi64(row[i], row[i + 1]);
    }
    SD_UNROLL for (int i = 0; i < 2; i++)
        tile_collect_pieces(pair[i], pair[i + 2], pair[i + 4], pair[i + 6], column + i, 2);
    SD_UNROLL for (int i = 0; i < 8; i++) _mm512_storeu_si512(out + i * out_stride, column[i]);
}
