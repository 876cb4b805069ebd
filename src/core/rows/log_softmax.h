/* log_softmax and logsumexp of each of many rows: from maxima and excesses (excess.h) to results. */

static void log_softmax_row(const log_row_t *row, double t, const item_t *x, item_t *out, size_t n) {
    if (row->is_nan) {
        fill_row(out, n, (real_t)sd_nan());
        return;
    }
    if (t == 0 || t > DBL_MAX) {
        write_limit(x, out, n, row->threshold, (real_t)-row->log_sum + 0, -(real_t)INFINITY);
        return;
    }
    const log_writer_t writer = make_log_writer(t, row->max, row->log_sum);
    for (size_t i = 0; i < n; i += WIDTH)
        store_up_to(out + i, n - i, write_log(&writer, load_up_to(x + i, n - i)));
}

static real_t logsumexp_row(const log_row_t *row, double t, const item_t *x, size_t n) {
    /* without NaN, the maximum is +inf, or -inf if the row has nothing else */
    if (row->is_nan) return count_from(x, n, 0) >= 0 ? row->max : (real_t)sd_nan();
    if (t == 0 && row->max != 0) return row->max > 0 ? (real_t)INFINITY : -(real_t)INFINITY;
    return compute_logsumexp(row->max, t == 0 ? 1 : t, row->excess, row->log_sum);
}

/* The same as sum_log_row, with log_sum. */
SD_INLINE log_row_t find_log_row(const temperature_t *t, const item_t *x, size_t n) {
    log_row_t row = sum_log_row(t, x, n);
    if (!row.is_nan) row.log_sum = sd_log1p(row.excess.high);
    return row;
}

/* Row i of all: its logsumexp if `reduces`, else its log_softmax. */
SD_INLINE void compute_log_row(row_temperature_t *current, const sd_rows *rows, size_t i, const item_t *x,
                               item_t *out, const int reduces) {
    update_temperature(current, rows, i);
    const log_row_t row = find_log_row(&current->ready, x, rows->n);
    if (reduces) item_store_n(out, 1, v_set1(logsumexp_row(&row, current->t, x, rows->n)));
    else log_softmax_row(&row, current->t, x, out, rows->n);
}

/* Rows that may go side by side, at most WIDTH at a time. It is not inlined, so that a lone row is not
 * slowed. */
static SD_NOINLINE void compute_short_log_rows(const item_t *x, item_t *out, const sd_rows *rows,
                                               const int reduces) {
    const ptrdiff_t x_stride = rows->x_stride, out_stride = rows->out_stride;
    double t[WIDTH];
    row_temperature_t current = start_temperature(rows);
    for (size_t first = 0, count; first < rows->rows; first += count) {
        const item_t *const from = x + (ptrdiff_t)first * x_stride;
        item_t *const to = out + (ptrdiff_t)first * out_stride;
        int done = 0;
        count = rows->rows - first < WIDTH ? rows->rows - first : WIDTH;
        for (size_t i = 0; i < WIDTH; i++) {
            const size_t row = first + (i < count ? i : count - 1);
            t[i] = rows->temperature[(ptrdiff_t)row * rows->temperature_stride];
        }
        if (count == WIDTH) done = compute_log_columns(from, x_stride, to, out_stride, rows->n, t, reduces);
        else if (count >= LEAST_LOG_ROWS)
            done = compute_few_log_columns(from, x_stride, to, out_stride, rows->n, count, t, reduces);
        for (size_t i = 0; !done && i < count; i++)
            compute_log_row(&current, rows, first + i, from + (ptrdiff_t)i * x_stride,
                            to + (ptrdiff_t)i * out_stride, reduces);
    }
}

static void log_softmax(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->n == 0 || rows->rows == 0) return;
    if (rows->n <= SHORT_LOG_ROW && rows->rows >= LEAST_LOG_ROWS) {
        compute_short_log_rows(x, out, rows, 0);
        return;
    }
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride)
        compute_log_row(&current, rows, i, x, out, 0);
}

static void logsumexp(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->rows == 0) return;
    if (rows->n > 0 && rows->n <= SHORT_LOG_ROW && rows->rows >= LEAST_LOG_ROWS) {
        compute_short_log_rows(x, out, rows, 1);
        return;
    }
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        if (rows->n > 0) compute_log_row(&current, rows, i, x, out, 1);
        else item_store_n(out, 1, v_set1(-(real_t)INFINITY)); /* an empty row */
    }
}
