/* Small pieces transposed, out[c][r] = x[r][c], strides in elements: a square tile of SD_TILE rows and
 * columns, and a tall one of SD_TALL rows, whose columns are lines of the cache written whole. */

enum { SD_TILE_16 = 8, SD_TALL_16 = 32, SD_TILE_32 = 4, SD_TALL_32 = 16, SD_TILE_64 = 4, SD_TALL_64 = 8 };

#define SD_TILES(bits)                                                                             \
    SD_INLINE void tile_rows_##bits(const uint##bits##_t *x, ptrdiff_t x_stride,                   \
                                    uint##bits##_t *out, ptrdiff_t out_stride, ptrdiff_t rows) {   \
        for (ptrdiff_t c = 0; c < SD_TILE_##bits; c++)                                             \
            for (ptrdiff_t r = 0; r < rows; r++)                                                   \
                memcpy(out + c * out_stride + r, x + r * x_stride + c, sizeof *x);                 \
    }                                                                                              \
    SD_INLINE void tile_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,   \
                               ptrdiff_t out_stride) {                                             \
        tile_rows_##bits(x, x_stride, out, out_stride, SD_TILE_##bits);                            \
    }                                                                                              \
    SD_INLINE void tall_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,   \
                               ptrdiff_t out_stride) {                                             \
        tile_rows_##bits(x, x_stride, out, out_stride, SD_TALL_##bits);                            \
    }                                                                                              \
    SD_INLINE void wide_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,   \
                               ptrdiff_t out_stride) {                                             \
        for (ptrdiff_t r = 0; r < SD_TALL_##bits; r++)                                             \
            for (ptrdiff_t c = 0; c < SD_TILE_##bits; c++)                                         \
                memcpy(out + r * out_stride + c, x + c * x_stride + r, sizeof *x);                 \
    }

SD_TILES(16)
SD_TILES(32)
SD_TILES(64)

#undef SD_TILES

/* 64 bytes to where they begin a line of the cache, past the caches if that can be */
SD_INLINE void tile_stream_line(char *out, const char *from) { memcpy(out, from, 64); }
SD_INLINE void tile_stream_end(void) {}
