/* WIDTH rows of n numbers each, transposed so that each column is one pack, and back: short rows are
 * computed side by side, one per lane (rows/softmax_columns.h). Lane r of pack c is element c of row r.
 *
 * rows/real_f32.h and rows/real_f64.h define WIDTH (the number of lanes), TILE (the width of a tile),
 * v_tall and v_wide (tiles.h). If n is not a multiple of TILE, the last tile repeats some columns. */

SD_INLINE void rows_to_columns(const real_t *rows, ptrdiff_t x_stride, real_t *columns, size_t n) {
    const bits_t *x = (const bits_t *)rows;
    bits_t *out = (bits_t *)columns;
    size_t c = 0;
    for (; n >= TILE && c < n; c += TILE) {
        const size_t at = n - c < TILE ? n - TILE : c;
        v_tall(x + at, x_stride, out + at * WIDTH, WIDTH);
    }
    for (; c < n; c++)
        for (ptrdiff_t r = 0; r < WIDTH; r++) memcpy(out + c * WIDTH + r, x + r * x_stride + c, sizeof *x);
}

SD_INLINE void columns_to_rows(const real_t *columns, real_t *rows, ptrdiff_t out_stride, size_t n) {
    const bits_t *x = (const bits_t *)columns;
    bits_t *out = (bits_t *)rows;
    size_t c = 0;
    for (; n >= TILE && c < n; c += TILE) {
        const size_t at = n - c < TILE ? n - TILE : c;
        v_wide(x + at * WIDTH, WIDTH, out + at, out_stride);
    }
    for (; c < n; c++)
        for (ptrdiff_t r = 0; r < WIDTH; r++)
            memcpy(out + r * out_stride + c, x + c * WIDTH + r, sizeof *out);
}
