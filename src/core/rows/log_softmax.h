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

typedef struct {
    log_row_t rows[8];
    size_t count;
} log_rows_t;

/* The same as sum_log_row, with log_sum. */
SD_INLINE log_row_t find_log_row(const temperature_t *t, const item_t *x, size_t n) {
    log_row_t row = sum_log_row(t, x, n);
    if (!row.is_nan) row.log_sum = sd_log1p(row.excess.high);
    return row;
}

/* Finds the maxima and excesses of the next rows, which are short: of eight, at once unless one is not ordinary
 * (many_rows.h), or of one where fewer are left. */
static void sum_log_rows(log_rows_t *next, row_temperature_t *current, const item_t *x, const sd_rows *all,
                         size_t first) {
    eight_log_rows_t eight;
    const ptrdiff_t t_stride = all->temperature_stride;
    const double *t = all->temperature + (ptrdiff_t)first * t_stride;
    next->count = all->rows - first >= 8 ? 8 : 1;
    if (next->count == 8 && sum_short_log_rows(&eight, x, all->x_stride, all->n, t, t_stride)) {
        for (int i = 0; i < 8; i++) next->rows[i] = get_log_row(&eight, i);
        return;
    }
    for (size_t i = 0; i < next->count; i++, x += all->x_stride) {
        update_temperature(current, all, first + i);
        next->rows[i] = find_log_row(&current->ready, x, all->n);
    }
}

/* Rows that may go eight at a time: their logsumexp if `reduces`, else their log_softmax. It is not inlined, so
 * that a lone row is not slowed. */
static SD_NOINLINE void compute_short_rows(const item_t *x, item_t *out, const sd_rows *rows, int reduces) {
    log_rows_t next;
    row_temperature_t current = start_temperature(rows);
    for (size_t first = 0; first < rows->rows; first += next.count) {
        sum_log_rows(&next, &current, x, rows, first);
        for (size_t i = 0; i < next.count; i++, x += rows->x_stride, out += rows->out_stride) {
            const double t = rows->temperature[(ptrdiff_t)(first + i) * rows->temperature_stride];
            if (reduces) item_store_n(out, 1, v_set1(logsumexp_row(&next.rows[i], t, x, rows->n)));
            else log_softmax_row(&next.rows[i], t, x, out, rows->n);
        }
    }
}

static void log_softmax(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->n == 0 || rows->rows == 0) return;
    if (rows->n <= SHORT_LOG_ROW && rows->rows >= 8) {
        compute_short_rows(x, out, rows, 0);
        return;
    }
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        update_temperature(&current, rows, i);
        const log_row_t row = find_log_row(&current.ready, x, rows->n);
        log_softmax_row(&row, current.t, x, out, rows->n);
    }
}

static void logsumexp(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->rows == 0) return;
    if (rows->n > 0 && rows->n <= SHORT_LOG_ROW && rows->rows >= 8) {
        compute_short_rows(x, out, rows, 1);
        return;
    }
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        real_t result = -(real_t)INFINITY; /* an empty row */
        update_temperature(&current, rows, i);
        if (rows->n > 0) {
            const log_row_t row = find_log_row(&current.ready, x, rows->n);
            result = logsumexp_row(&row, current.t, x, rows->n);
        }
        item_store_n(out, 1, v_set1(result));
    }
}
