/* WIDTH rows of reals, side by side, as columns that follow each other, a pack for each, and back. Where n is
 * no multiple of a tile's width, the last tile does some of the one before it again. */

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
