/* A square tile transposed: out[c][r] = x[r][c], strides in elements. */

#define SD_TILE(bits, width)                                                                        \
    enum { SD_TILE_##bits = (width) };                                                              \
    SD_INLINE void tile_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,    \
                               ptrdiff_t out_stride) {                                              \
        for (ptrdiff_t r = 0; r < (width); r++)                                                     \
            for (ptrdiff_t c = 0; c < (width); c++) out[c * out_stride + r] = x[r * x_stride + c];  \
    }

SD_TILE(16, 8)
SD_TILE(32, 8)
SD_TILE(64, 4)

#undef SD_TILE
