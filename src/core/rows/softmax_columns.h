/* Softmax of WIDTH rows of at most two packs, side by side: a lane for each row, a pack for each column. So
 * no maximum or sum has to be taken across a pack, and a temperature per row costs nothing. */

/* t is WIDTH temperatures. Returns 0, and writes nothing, if a row is not ordinary (many_rows.h), else 1.
 * Sums are added in the order of softmax_eight (softmax_short.h), so that the bits are the same. Halves
 * (float16 and bfloat16) are loaded as packs, whose lanes may be in another order than the items, so that
 * all columns of the packs are transposed, those that pad them included. */
static SD_NOINLINE int softmax_columns(const item_t *x, ptrdiff_t x_stride, item_t *out,
                                       ptrdiff_t out_stride, size_t n, const double *t) {
    enum { ROW_STRIDE = 2 * WIDTH, ROOM = (ROW_STRIDE + MAX_GROUP) * WIDTH };
    enum { IS_HALF = sizeof *x < sizeof(real_t) };
    const pack_t lowest = v_set1(-(real_t)INFINITY);
    const size_t padded_n = n > WIDTH ? ROW_STRIDE : WIDTH, columns = IS_HALF ? padded_n : n;
    real_t rows[WIDTH * ROW_STRIDE], s[ROOM], q[ROOM], w[ROOM];
    pack_t max = lowest, min = v_set1((real_t)INFINITY), high = v_set1(0), low[WIDTH];
    lane_reductions_t lanes;
    inverse_t inverse;
    for (size_t i = 0; IS_HALF && i < WIDTH; i++)
        for (size_t j = 0; j < padded_n; j += WIDTH)
            v_store(rows + i * ROW_STRIDE + j, load_up_to(x + (ptrdiff_t)i * x_stride + j, n - j));
    if (IS_HALF) rows_to_columns(rows, ROW_STRIDE, s, columns);
    else rows_to_columns((const real_t *)x, x_stride, s, columns);
    for (size_t j = 0; j < columns; j++) {
        const pack_t column = v_load(s + j * WIDTH);
        max = v_max(column, max);
        if (!IS_HALF || item_mask_n(n - j / WIDTH * WIDTH) >> j % WIDTH & 1) min = v_min(column, min);
    }
    if (!reduce_lanes(&lanes, max, t)) return 0;
    const int group = GROUP;
    FOR_EACH_PACK v_store(s + (columns + (size_t)u) * WIDTH, lowest);
    for (size_t j = 0; j < columns * WIDTH; j += GROUP * WIDTH) {
        pack_t packs[GROUP], rests[GROUP], sums[GROUP], x0[GROUP];
        FOR_EACH_PACK x0[u] = v_load(s + j + u * WIDTH);
        compute_short_exponentials(&lanes, NULL, NULL, group, x0, 0, 1, packs, rests, sums);
        FOR_EACH_PACK v_store(w + j + u * WIDTH, sums[u]);
        FOR_EACH_PACK v_store(s + j + u * WIDTH, packs[u]);
        FOR_EACH_PACK v_store(q + j + u * WIDTH, rests[u]);
    }
    size_t half = columns > WIDTH ? WIDTH : WIDTH / 2;
    for (size_t i = 0; i < half && i < columns; i++) {
        const size_t at = i * WIDTH, other = (i + half) * WIDTH;
        low[i] = v_set1(0);
        add_split(v_load(s + at), v_load(w + at), &high, &low[i]);
        if (i + half < columns) add_split(v_load(s + other), v_load(w + other), &high, &low[i]);
    }
    while (half /= 2)
        for (size_t i = 0; i < half && i + half < columns; i++) low[i] = v_add(low[i], low[i + half]);
    if (!invert_lanes(&inverse, high, low[0])) return 0;
    for (size_t j = 0; j < columns * WIDTH; j += GROUP * WIDTH) {
        pack_t packs[GROUP], rests[GROUP], results[GROUP];
        FOR_EACH_PACK packs[u] = v_load(s + j + u * WIDTH);
        FOR_EACH_PACK rests[u] = v_load(q + j + u * WIDTH);
        divide_exponentials(&inverse, group, packs, rests, results);
        FOR_EACH_PACK v_store(s + j + u * WIDTH, results[u]);
    }
    if (v_mask_ge(min, max)) { /* there are constant rows */
        const pack_t equal = v_set1((real_t)(1 / (double)n));
        for (size_t j = 0; j < columns * WIDTH; j += WIDTH)
            v_store(s + j, v_where_ge(min, max, equal, v_load(s + j)));
    }
    if (IS_HALF) columns_to_rows(s, rows, ROW_STRIDE, columns);
    else columns_to_rows(s, (real_t *)out, out_stride, columns);
    for (size_t i = 0; IS_HALF && i < WIDTH; i++)
        for (size_t j = 0; j < padded_n; j += WIDTH)
            store_up_to(out + (ptrdiff_t)i * out_stride + j, n - j, v_load(rows + i * ROW_STRIDE + j));
    return 1;
}
