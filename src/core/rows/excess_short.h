/* The maxima and excesses of short rows, which have at most two packs, eight at a time: steps that have one
 * number per row are done in one pack for all eight (many_rows.h), whose latency is thus paid once, not eight
 * times. Every step is one that excess.h does for a row alone, so that the bits are the same. Halves, and rows
 * of three or four packs, would take another 150 KB of code. */
enum { SHORT_LOG_ROW = sizeof(item_t) == sizeof(real_t) ? 2 * WIDTH : 0 };

typedef struct { double max[8], high[8], low[8], log_sum[8]; } eight_log_rows_t; /* excesses are high + low */

/* Finds the maxima and excesses of eight rows of n items in `group` packs; t is their temperatures. Returns 0
 * if a row is not ordinary (many_rows.h), else 1. */
SD_BODY int sum_eight_log_rows(eight_log_rows_t *eight, const item_t *x, ptrdiff_t x_stride, size_t n,
                               f64x8 t, const int group) {
    pack_t packs[MAX_GROUP], maxima[8], sum[8], rest[8], s, q;
    short_rows_t rows;
    f64x8 high, low;
    const item_t *row = x;
    for (int i = 0; i < 8; i++, row += x_stride) {
        FOR_EACH_PACK packs[u] = load_up_to(row + u * WIDTH, n - (size_t)u * WIDTH);
        FOR_EACH_PACK packs[0] = v_max(packs[u], packs[0]);
        maxima[i] = packs[0];
    }
    const f64x8 max = f64_add(v_reduce_max_8(maxima), f64_set1(0)); /* -0 becomes +0 */
    if (!reduce_short_rows(&rows, max, t)) return 0;
    row = x;
    for (int i = 0; i < 8; i++, row += x_stride) {
        const reduction_t r = get_reduction(&rows, i);
        FOR_EACH_PACK packs[u] = load_up_to(row + u * WIDTH, n - (size_t)u * WIDTH);
        sum[i] = rest[i] = maxima[i] = v_set1(0);
        add_to_excess(&sum[i], &rest[i], &maxima[i], &r, group, packs, v_set1(rows.max[i]), CLAMP);
    }
    const lane_reductions_t lanes = {v_load(rows.c_hi), v_load(rows.c_lo), v_load(rows.floor),
                                     v_load(rows.rounder)};
    const pack_t largest = v_load(rows.max);
    compute_lane_exponentials(&lanes, NULL, NULL, 1, &largest, CLAMP, 0, &s, &q);
    find_excesses(sum, rest, f64_add(v_reduce_add_8(maxima), f64_set1(-1)), s, q, &high, &low);
    f64_store(eight->max, max);
    f64_store(eight->high, high);
    f64_store(eight->low, low);
    f64_store(eight->log_sum, log1p_of_eight(high));
    return f64_mask_ge(high, f64_set1(0)) == 255;
}

/* The same for rows of at most SHORT_LOG_ROW items. */
static SD_NOINLINE int sum_short_log_rows(eight_log_rows_t *eight, const item_t *x, ptrdiff_t x_stride,
                                          size_t n, const double *t, ptrdiff_t t_stride) {
    double each[8];
    for (int i = 0; i < 8; i++) each[i] = t[i * t_stride];
    const f64x8 temperatures = f64_load(each);
    return n <= WIDTH ? sum_eight_log_rows(eight, x, x_stride, n, temperatures, 1)
                      : sum_eight_log_rows(eight, x, x_stride, n, temperatures, 2);
}

/* What is known of row i of the eight. */
SD_INLINE log_row_t get_log_row(const eight_log_rows_t *eight, int i) {
    const log_row_t row = {
        (real_t)eight->max[i], -LARGEST, 0, {eight->high[i], eight->low[i]}, eight->log_sum[i]};
    return row;
}
