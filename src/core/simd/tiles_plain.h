/* The tiles of tiles.h in plain C. */
#include "tiles.h"

/* strides and the size of an element in bytes */
SD_INLINE void sd_transpose_piece(const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride,
                                  ptrdiff_t rows, ptrdiff_t columns, const ptrdiff_t size) {
    for (ptrdiff_t c = 0; c < columns; c++)
        for (ptrdiff_t r = 0; r < rows; r++)
            memcpy((char *)out + c * out_stride + r * size, (const char *)x + r * x_stride + c * size,
                   (size_t)size);
}

SD_INLINE void tile_16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 2 * x_stride, out, 2 * out_stride, SD_TILE_16, SD_TILE_16, 2);
}
SD_INLINE void tall_16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 2 * x_stride, out, 2 * out_stride, SD_TALL_16, SD_TILE_16, 2);
}
SD_INLINE void tile_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 4 * x_stride, out, 4 * out_stride, SD_TILE_32, SD_TILE_32, 4);
}
SD_INLINE void tall_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 4 * x_stride, out, 4 * out_stride, SD_TALL_32, SD_TILE_32, 4);
}
SD_INLINE void wide_32(const uint32_t *x, ptrdiff_t x_stride, uint32_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 4 * x_stride, out, 4 * out_stride, SD_TILE_32, SD_TALL_32, 4);
}
SD_INLINE void tile_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 8 * x_stride, out, 8 * out_stride, SD_TILE_64, SD_TILE_64, 8);
}
SD_INLINE void tall_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 8 * x_stride, out, 8 * out_stride, SD_TALL_64, SD_TILE_64, 8);
}
SD_INLINE void wide_64(const uint64_t *x, ptrdiff_t x_stride, uint64_t *out, ptrdiff_t out_stride) {
    sd_transpose_piece(x, 8 * x_stride, out, 8 * out_stride, SD_TILE_64, SD_TALL_64, 8);
}

/* Writes 64 bytes to a whole cache line, past the caches if possible; tile_stream_end() ends a series. */
SD_INLINE void tile_stream_line(char *out, const char *from) { memcpy(out, from, 64); }
SD_INLINE void tile_stream_end(void) {}
