/* Transposition by tiles, along the longer side, so that a line of either array that the cache has got
 * is used whole while it is there. What is left beside the tiles goes element by element. */

#define SD_TRANSPOSE(bits)                                                                          \
    static void transpose_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out,  \
                                 ptrdiff_t out_stride, size_t rows, size_t columns) {               \
        const size_t width = SD_TILE_##bits;                                                        \
        const size_t whole_rows = rows - rows % width, whole_columns = columns - columns % width;   \
        const int down = rows > columns;                                                            \
        const size_t outer = down ? whole_rows : whole_columns;                                     \
        const size_t inner = down ? whole_columns : whole_rows;                                     \
        for (size_t i = 0; i < outer; i += width)                                                   \
            for (size_t j = 0; j < inner; j += width) {                                             \
                const ptrdiff_t r = (ptrdiff_t)(down ? i : j), c = (ptrdiff_t)(down ? j : i);       \
                tile_##bits(x + r * x_stride + c, x_stride, out + c * out_stride + r, out_stride);  \
            }                                                                                       \
        for (size_t r = 0; r < rows; r++)                                                           \
            for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++)                   \
                out[(ptrdiff_t)c * out_stride + (ptrdiff_t)r] =                                     \
                    x[(ptrdiff_t)r * x_stride + (ptrdiff_t)c];                                      \
    }

SD_TRANSPOSE(16)
SD_TRANSPOSE(32)
SD_TRANSPOSE(64)

#undef SD_TRANSPOSE
