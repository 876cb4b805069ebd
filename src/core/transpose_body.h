/* Transposition by tiles, tall ones as far as they go, along the longer side, so that a line of either
 * array that the cache has got is used whole while it is there. What is left goes by elements.
 *
 * Past the caches, columns are staged, and written in runs of a kilobyte: lines written singly, a page
 * apart, take three times as long. */

enum { SD_LINE = 64, SD_RUN = 1024 };

/* Whole lines past the caches, what is not one as ever. */
static void sd_stream_run(char *out, const char *from, size_t bytes) {
    const size_t head = (size_t)(-(uintptr_t)out % SD_LINE);
    const size_t first = head < bytes ? head : bytes;
    memcpy(out, from, first);
    size_t i = first;
    for (; bytes - i >= SD_LINE; i += SD_LINE) tile_stream_line(out + i, from + i);
    memcpy(out + i, from + i, bytes - i);
}

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
    static void transpose_cached_##bits(const uint##bits##_t *x, ptrdiff_t x_stride,               \
                                        uint##bits##_t *out, ptrdiff_t out_stride, size_t rows,    \
                                        size_t columns) {                                          \
        const size_t tall = rows - rows % SD_TALL_##bits, whole = rows - rows % SD_TILE_##bits;    \
        const size_t wide = columns - columns % SD_TILE_##bits;                                    \
        tiles_##bits(x, x_stride, out, out_stride, 0, tall, wide, 1);                              \
        tiles_##bits(x, x_stride, out, out_stride, tall, whole, wide, 0);                          \
        for (size_t r = 0; r < rows; r++)                                                          \
            for (size_t c = r < whole ? wide : 0; c < columns; c++)                                \
                out[(ptrdiff_t)c * out_stride + (ptrdiff_t)r] =                                    \
                    x[(ptrdiff_t)r * x_stride + (ptrdiff_t)c];                                     \
    }                                                                                              \
    static void transpose_##bits(const uint##bits##_t *x, ptrdiff_t x_stride, uint##bits##_t *out, \
                                 ptrdiff_t out_stride, size_t rows, size_t columns,                \
                                 int past_caches) {                                                \
        enum { SIZE = sizeof *x, WIDTH = SD_LINE / SIZE, RUN = SD_RUN / SIZE };                    \
        uint##bits##_t stage[WIDTH][RUN + WIDTH];                                                  \
        if (!past_caches) {                                                                        \
            transpose_cached_##bits(x, x_stride, out, out_stride, rows, columns);                  \
            return;                                                                                \
        }                                                                                          \
        for (size_t c = 0; c < columns; c += WIDTH) {                                              \
            const size_t width = columns - c < WIDTH ? columns - c : WIDTH;                        \
            uint##bits##_t *target = out + (ptrdiff_t)c * out_stride;                              \
            /* runs end where lines do */                                                          \
            size_t length = RUN - (uintptr_t)target % SD_LINE / SIZE;                              \
            for (size_t r = 0; r < rows; r += length, length = RUN) {                              \
                if (rows - r < length) length = rows - r;                                          \
                transpose_cached_##bits(x + (ptrdiff_t)r * x_stride + (ptrdiff_t)c, x_stride,      \
                                        stage[0], RUN + WIDTH, length, width);                     \
                for (size_t i = 0; i < width; i++)                                                 \
                    sd_stream_run((char *)(target + (ptrdiff_t)i * out_stride + r),                \
                                  (const char *)stage[i], length * SIZE);                          \
            }                                                                                      \
        }                                                                                          \
        tile_stream_end();                                                                         \
    }

SD_TRANSPOSE(16)
SD_TRANSPOSE(32)
SD_TRANSPOSE(64)

#undef SD_TRANSPOSE

/* As many rows as a tall tile has, of n elements, to columns that follow each other, and back. Where n
 * is no multiple of a tile's width, the last tile does some of the one before it again. */
#define SD_COLUMNS(bits)                                                                           \
    SD_INLINE void columns_of_##bits(const uint##bits##_t *x, ptrdiff_t x_stride,                  \
                                     uint##bits##_t *columns, size_t n) {                          \
        enum { TALL = SD_TALL_##bits, WIDTH = SD_TILE_##bits };                                    \
        size_t c = 0;                                                                              \
        for (; n >= WIDTH && c < n; c += WIDTH) {                                                  \
            const size_t at = n - c < WIDTH ? n - WIDTH : c;                                       \
            tall_##bits(x + at, x_stride, columns + at * TALL, TALL);                              \
        }                                                                                          \
        for (; c < n; c++)                                                                         \
            for (ptrdiff_t r = 0; r < TALL; r++)                                                   \
                memcpy(columns + c * TALL + r, x + r * x_stride + c, sizeof *x);                   \
    }                                                                                              \
    SD_INLINE void columns_to_##bits(const uint##bits##_t *columns, uint##bits##_t *out,           \
                                     ptrdiff_t out_stride, size_t n) {                             \
        enum { TALL = SD_TALL_##bits, WIDTH = SD_TILE_##bits };                                    \
        size_t c = 0;                                                                              \
        for (; n >= WIDTH && c < n; c += WIDTH) {                                                  \
            const size_t at = n - c < WIDTH ? n - WIDTH : c;                                       \
            wide_##bits(columns + at * TALL, TALL, out + at, out_stride);                          \
        }                                                                                          \
        for (; c < n; c++)                                                                         \
            for (ptrdiff_t r = 0; r < TALL; r++)                                                   \
                memcpy(out + r * out_stride + c, columns + c * TALL + r, sizeof *out);             \
    }

SD_COLUMNS(32)
SD_COLUMNS(64)

#undef SD_COLUMNS
