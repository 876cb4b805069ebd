/* Transposition by tiles, tall ones as far as they go, along the longer side, so that a line of either
 * array that the cache has got is used whole while it is there. What is left goes by elements. */

#define SD_TRANSPOSE(bits)                                                                         \
    SD_INLINE void tiles_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,  \
                                ptrdiff_t out_stride, size_t from, size_t to, size_t columns,      \
                                const int tall) {                                                  \
        const size_t height = tall ? SD_TALL_##bits : SD_TILE_##bits, width = SD_TILE_##bits;      \
        const int down = to - from > columns;                                                      \
        const size_t outer_step = down ? height : width, inner_step = down ? width : height;       \
        for (size_t i = down ? from : 0; i < (down ? to : columns); i += outer_step)               \
            for (size_t j = down ? 0 : from; j < (down ? columns : to); j += inner_step) {         \
                const ptrdiff_t r = (ptrdiff_t)(down ? i : j), c = (ptrdiff_t)(down ? j : i);      \
                const uint##bits##_t *source = x + r * x_stride + c;                               \
                uint##bits##_t *target = out + c * out_stride + r;                                 \
                if (tall) tall_##bits(source, x_stride, target, out_stride);                       \
                else tile_##bits(source, x_stride, target, out_stride);                            \
            }                                                                                      \
    }                                                                                              \
    static void transpose_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out, \
                                 ptrdiff_t out_stride, size_t rows, size_t columns) {              \
        const size_t tall = rows - rows % SD_TALL_##bits, whole = rows - rows % SD_TILE_##bits;    \
        const size_t wide = columns - columns % SD_TILE_##bits;                                    \
        tiles_##bits(x, x_stride, out, out_stride, 0, tall, wide, 1);                              \
        tiles_##bits(x, x_stride, out, out_stride, tall, whole, wide, 0);                          \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = r < whole ? wide : 0; c < columns; c++)                                \
                out[(ptrdiff_t)c * out_stride + (ptrdiff_t)r] =                                    \
                    x[(ptrdiff_t)r * x_stride + (ptrdiff_t)c];                                     \
    }

SD_TRANSPOSE(16)
SD_TRANSPOSE(32)
SD_TRANSPOSE(64)

#undef SD_TRANSPOSE
