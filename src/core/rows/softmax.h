/* Softmax of many rows: chooses which of softmax_short.h, softmax_columns.h, softmax_stored.h and
 * softmax_long.h computes a row. Short rows go to the first two, which give the same bits, so that the bits
 * of a row depend on its length and values alone. */

/* A row that is long, or not ordinary (many_rows.h), or whose items are all equal; n >= 1. */

static void softmax_row(const temperature_t *t, const item_t *x, item_t *out, size_t n) {
    if (t->limit) {
        const real_t max = v_reduce_max(find_lane_max(x, n));
        const real_t threshold = t->limit == MAXIMUM_ALONE ? max : -LARGEST;
        const double count = count_from(x, n, threshold);
        if (count >= 1 && IS_FINITE(max))
            write_limit(x, out, n, threshold, (real_t)(1 / count), 0);
        else fill_row(out, n, (real_t)sd_nan());
        return;
    }
#ifdef MAX_STORED
    if (n <= MAX_STORED) {
        softmax_stored(t, x, out, n);
        return;
    }
#endif
    const row_t row = sum_row(t, x, n);
    const pack_t first = item_load_n(x, 1, 0);
    pack_t s, q;
    compute_exponentials(&row.reduction, NULL, 1, &first, SHIFT, 0, &s, &q);
    if (row.is_nan) fill_row(out, n, (real_t)sd_nan());
    else if (may_be_equal(read_exponential(s, q), n, row.sum) && are_equal(x, n))
        fill_row(out, n, (real_t)(1 / (double)n));
    else if (row.range_mode == SHIFT) write_shifted(&row, x, out, n);
    else if (row.range_mode == CLAMP) write_clamped(&row, x, out, n);
    else write_unclamped(&row, x, out, n);
}

/* A lone row of at most four packs. */
static SD_NOINLINE void softmax_short_row(const item_t *x, item_t *out, size_t n, double t) {
    const int in_order = sizeof *x == sizeof(real_t); /* the lanes of halves may be in another order */
    const int done = n <= WIDTH / 2 && in_order ? softmax_one(x, out, n, t, 1, 1)
                     : n <= WIDTH               ? softmax_one(x, out, n, t, 1, 0)
                     : n <= 2 * WIDTH           ? softmax_one(x, out, n, t, 2, 0)
                     : n <= 3 * WIDTH           ? softmax_one(x, out, n, t, 3, 0)
                                                : softmax_one(x, out, n, t, 4, 0);
    if (!done) {
        const temperature_t temperature = make_temperature(t);
        softmax_row(&temperature, x, out, n);
    }
}

/* Rows of `group` packs, as many at a time as possible. */
SD_INLINE void softmax_batches(const item_t *x, item_t *out, const sd_rows *all, const int group) {
    const ptrdiff_t x_stride = all->x_stride, out_stride = all->out_stride;
    const ptrdiff_t t_stride = all->temperature_stride;
    const double *t = all->temperature;
    double temperatures[WIDTH];
    for (int i = 0; i < WIDTH; i += 8) f64_store(temperatures + i, f64_set1(*t));
    for (size_t left = all->rows, done; left > 0; left -= done) {
        const double *each = t_stride == 1 ? t : temperatures; /* of the next rows */
        done = 0;
        if (t_stride != 0 && t_stride != 1)
            for (size_t i = 0; i < WIDTH && i < left; i++) temperatures[i] = t[(ptrdiff_t)i * t_stride];
        if (group <= 2 && left >= WIDTH && softmax_columns(x, x_stride, out, out_stride, all->n, each))
            done = WIDTH;
        if (!done && left >= 8 &&
            softmax_eight(x, x_stride, out, out_stride, all->n, f64_load(each), group))
            done = 8;
        if (!done) { /* one by one, so that a row that is not ordinary does not change others */
            for (; done < 8 && done < left; done++) {
                const ptrdiff_t i = (ptrdiff_t)done;
                softmax_short_row(x + i * x_stride, out + i * out_stride, all->n, t[i * t_stride]);
            }
        }
        x += (ptrdiff_t)done * x_stride;
        out += (ptrdiff_t)done * out_stride;
        t += (ptrdiff_t)done * t_stride;
    }
}

static SD_NOINLINE void softmax_short_rows(const item_t *x, item_t *out, const sd_rows *all) {
    if (all->n <= WIDTH) softmax_batches(x, out, all, 1);
    else if (all->n <= 2 * WIDTH) softmax_batches(x, out, all, 2);
    else if (all->n <= 3 * WIDTH) softmax_batches(x, out, all, 3);
    else softmax_batches(x, out, all, 4);
}

static SD_NOINLINE void softmax_long_rows(const item_t *x, item_t *out, const sd_rows *rows) {
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        update_temperature(&current, rows, i);
        softmax_row(&current.ready, x, out, rows->n);
    }
}

/* Softmax of all rows. The branches are functions of their own, so that a lone short row need not save the
 * registers that the others use. */
static void softmax(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->n == 0 || rows->rows == 0) return;
    if (rows->n > 4 * WIDTH) softmax_long_rows(x, out, rows);
    else if (rows->rows == 1) softmax_short_row(x, out, rows->n, *rows->temperature);
    else softmax_short_rows(x, out, rows);
}
