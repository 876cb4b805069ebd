/* The transposition of an array of items: the kernel behind sd_transpose (src/core/transpose.h).
 *
 * Tall tiles (tiles.h) cover as many rows as they can, then square ones, and what is left is copied
 * element by element. Tiles follow each other along the longer side, so that a cache line of either array
 * is used whole while it is in the cache. The file for the item type (tiers/) defines item_bits_t, an
 * integer of its size, ITEM_TILE, ITEM_TALL, item_tile and item_tall. Strides are in items. */

enum { LINE_BYTES = 64, RUN_BYTES = 1024 };

/* Copies bytes: whole cache lines past the caches, those before and after with ordinary stores. */
static void stream_run(char *out, const char *from, size_t bytes) {
    const size_t head = (size_t)(-(uintptr_t)out % LINE_BYTES);
    const size_t first = head < bytes ? head : bytes;
    memcpy(out, from, first);
    size_t i = first;
    for (; bytes - i >= LINE_BYTES; i += LINE_BYTES) tile_stream_line(out + i, from + i);
    memcpy(out + i, from + i, bytes - i);
}

/* Transposes the rows first <= r < last and the columns c < columns, all by tiles of one kind. */
SD_INLINE void transpose_tiles(const item_bits_t *x, ptrdiff_t x_stride, item_bits_t *out,
                               ptrdiff_t out_stride, size_t first, size_t last, size_t columns,
                               const int is_tall) {
    const size_t height = is_tall ? ITEM_TALL : ITEM_TILE, width = ITEM_TILE;
    const int by_rows = last - first > columns;
    const size_t outer_step = by_rows ? height : width, inner_step = by_rows ? width : height;
    for (size_t i = by_rows ? first : 0; i < (by_rows ? last : columns); i += outer_step)
        for (size_t j = by_rows ? 0 : first; j < (by_rows ? columns : last); j += inner_step) {
            const ptrdiff_t r = (ptrdiff_t)(by_rows ? i : j), c = (ptrdiff_t)(by_rows ? j : i);
            const item_bits_t *source = x + r * x_stride + c;
            item_bits_t *target = out + c * out_stride + r;
            if (is_tall) item_tall(source, x_stride, target, out_stride);
            else item_tile(source, x_stride, target, out_stride);
        }
}

static void transpose_in_caches(const item_bits_t *x, ptrdiff_t x_stride, item_bits_t *out,
                                ptrdiff_t out_stride, size_t rows, size_t columns) {
    const size_t tall = rows - rows % ITEM_TALL, whole = rows - rows % ITEM_TILE;
    const size_t wide = columns - columns % ITEM_TILE;
    transpose_tiles(x, x_stride, out, out_stride, 0, tall, wide, 1);
    transpose_tiles(x, x_stride, out, out_stride, tall, whole, wide, 0);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole ? wide : 0; c < columns; c++)
            out[(ptrdiff_t)c * out_stride + (ptrdiff_t)r] = x[(ptrdiff_t)r * x_stride + (ptrdiff_t)c];
}

/* Where results go past the caches, columns are first collected on the stack and then written in runs of a
 * kilobyte: single lines, each in another page, take three times as long. */
static void transpose(const void *array, ptrdiff_t x_stride, void *result, ptrdiff_t out_stride,
                      size_t rows, size_t columns, int past_caches) {
    const item_bits_t *x = array;
    item_bits_t *out = result;
    enum { SIZE = sizeof *x, LINE = LINE_BYTES / SIZE, RUN = RUN_BYTES / SIZE };
    item_bits_t stage[LINE][RUN + LINE];
    if (!past_caches) {
        transpose_in_caches(x, x_stride, out, out_stride, rows, columns);
        return;
    }
    for (size_t c = 0; c < columns; c += LINE) {
        const size_t width = columns - c < LINE ? columns - c : LINE;
        item_bits_t *target = out + (ptrdiff_t)c * out_stride;
        size_t length = RUN - (uintptr_t)target % LINE_BYTES / SIZE; /* runs end at line ends */
        for (size_t r = 0; r < rows; r += length, length = RUN) {
            if (rows - r < length) length = rows - r;
            const item_bits_t *source = x + (ptrdiff_t)r * x_stride + (ptrdiff_t)c;
            size_t done = 0;
#if defined SD_BROAD && defined item_broad
            for (; width == LINE && length - done >= LINE; done += LINE)
                item_broad(source + (ptrdiff_t)done * x_stride, x_stride, stage[0] + done, RUN + LINE);
#endif
            transpose_in_caches(source + (ptrdiff_t)done * x_stride, x_stride, stage[0] + done, RUN + LINE,
                                length - done, width);
            for (size_t i = 0; i < width; i++)
                stream_run((char *)(target + (ptrdiff_t)i * out_stride + r), (const char *)stage[i],
                           length * SIZE);
        }
    }
    tile_stream_end();
}
