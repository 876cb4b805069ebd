/* Rows that lie in pieces: what a piece adds to the sum of its row (a partial), the partial of several
 * pieces together, and the results of a piece, given the partial of the whole row.
 *
 * A partial has the maximum of its elements and their excess, as excess.h defines it: relative to the
 * maximum nothing overflows, and the excess of a dominant element keeps its digits. */

SD_INLINE softdraw_partial make_partial(double temperature, double max, sd_sum excess) {
    const softdraw_partial r = {temperature + 0, max, excess.high, excess.low}; /* -0 becomes +0 */
    return r;
}

/* The partial of each row of n elements. NaN shows in its excess, and an infinity in its maximum. */
static void find_partials(const void *items, softdraw_partial *out, const sd_rows *rows) {
    const item_t *x = items;
    if (rows->rows == 0) return;
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride) {
        log_row_t row = {-(real_t)INFINITY, 0, 0, {0, 0}, 0}; /* an empty row */
        update_temperature(&current, rows, i);
        if (rows->n > 0) row = sum_log_row(&current.ready, x, rows->n);
        if (row.is_nan) { /* the excess may be anything; make it NaN if the row has one, else 0 */
            row.excess.high = count_from(x, rows->n, 0) * 0;
            row.excess.low = 0;
        }
        out[i] = make_partial(current.t, (double)row.max, row.excess);
    }
}

/* Softmax of a row whose maximum and excess are given. */
static void softmax_of_excess(const temperature_t *t, const log_row_t *whole, const item_t *x, item_t *out,
                              size_t n) {
    const sd_sum one = {1, 0}, sum = sd_sum_add(one, whole->excess);
    if (t->limit) {
        write_limit(x, out, n, whole->threshold, (real_t)(1 / sum.high), 0);
        return;
    }
    row_t row = {0};
    row.max = whole->max;
    row.range_mode = needs_shift(t, row.max) ? SHIFT : CLAMP;
    row.reduction = choose_reduction(t, row.max, row.range_mode == SHIFT);
    const pack_t max = v_set1(row.max);
    pack_t s, q;
    compute_exponentials(&row.reduction, NULL, 1, &max, row.range_mode, 0, &s, &q);
    row.sum = multiply_sums(sum, read_exponential(s, q));
    if (row.range_mode == SHIFT) write_shifted(&row, x, out, n);
    else write_clamped(&row, x, out, n);
}

/* Writes the probabilities, or their logarithms, of rows that are pieces of those with the partials
 * `whole`. The temperatures in `rows` are those of the partials. */
static void write_from_partials(const void *items, const softdraw_partial *whole, void *results,
                                const sd_rows *rows, int logarithms) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->n == 0 || rows->rows == 0) return;
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        const real_t max = (real_t)whole[i].max;
        update_temperature(&current, rows, i);
        const log_row_t row = {max, current.ready.limit == MAXIMUM_ALONE ? max : -LARGEST,
                               !IS_FINITE(max) || whole[i].excess != whole[i].excess,
                               {whole[i].excess, whole[i].excess_low},
                               logarithms ? sd_log1p(whole[i].excess) : 0};
        if (logarithms || row.is_nan) log_softmax_row(&row, current.t, x, out, rows->n);
        else softmax_of_excess(&current.ready, &row, x, out, rows->n);
    }
}
