/* log_softmax and logsumexp of each of many rows.
 *
 * Both are computed from the maximum and log(1 + excess). The excess is the sum of all exponentials except
 * one of the maximum, divided by that one. If one entry is much larger than the others, the excess is tiny,
 * and 1 + excess would be rounded to 1; log1p of the excess keeps its digits. */

typedef struct {
    real_t max, threshold; /* at T = 0 and infinity only x from the threshold on count */
    int is_nan;            /* the row has NaN or +inf, or nothing but -inf; the excess is not set then */
    sd_sum excess;
} log_row_t;

/* Adds the exponentials of `group` packs to the sum in a, leaving out the items that are equal to the
 * maximum, which are counted in *maxima. The sum may be as small as 2^-149 of the maximum's exponential: so
 * a->s starts at 0, and Knuth's TwoSum finds what additions lose, whichever summand is larger. */
SD_BODY void add_to_excess(accumulator_t *a, pack_t *maxima, const reduction_t *r, const int group,
                           const pack_t *x, pack_t max, const int range_mode) {
    const pack_t zero = v_set1(0), one = v_set1(1);
    pack_t s[MAX_GROUP], q[MAX_GROUP], e[MAX_GROUP], lost[MAX_GROUP];
    compute_exponentials(r, NULL, group, x, range_mode, 0, s, q);
    FOR_EACH_PACK s[u] = v_where_ge(x[u], max, zero, s[u]);
    FOR_EACH_PACK *maxima = v_add(*maxima, v_where_ge(x[u], max, one, zero));
    FOR_EACH_PACK e[u] = v_fma(s[u], q[u], s[u]);
    FOR_EACH_PACK s[u] = v_fma(s[u], q[u], v_sub(s[u], e[u]));
    FOR_EACH_PACK a->s = v_two_sum(a->s, e[u], &lost[u]);
    FOR_EACH_PACK a->c = v_add(a->c, v_add(lost[u], s[u]));
}

SD_INLINE sd_sum sum_excess(const reduction_t *reduction, const item_t *x, size_t n, real_t maximum,
                            const int range_mode) {
    const reduction_t r = *reduction;
    const pack_t max = v_set1(maximum), zero = v_set1(0);
    accumulator_t a = make_accumulator();
    pack_t s, q, packs[GROUP];
    double count = -1;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SUM_ITEMS ? i + SUM_ITEMS : n;
        const int group = GROUP;
        pack_t maxima = zero;
        start_accumulator(&a, zero);
        for (; group > 1 && end - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
            FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
            add_to_excess(&a, &maxima, &r, group, packs, max, range_mode);
        }
        for (; i < end; i += WIDTH) {
            packs[0] = load_up_to(x + i, end - i);
            add_to_excess(&a, &maxima, &r, 1, packs, max, range_mode);
        }
        flush_accumulator(&a);
        count += (double)v_reduce_add(maxima);
    }
    compute_exponentials(&r, NULL, 1, &max, range_mode, 0, &s, &q);
    const sd_sum others = {count, 0};
    return sd_sum_add(others, divide_sums(total_accumulator(&a), read_exponential(s, q)));
}

/* Finds the maximum and the excess; n >= 1. */
static log_row_t sum_log_row(const temperature_t *t, const item_t *x, size_t n) {
    log_row_t row = {v_reduce_max(find_lane_max(x, n)) + 0, -LARGEST, 0, {0, 0}}; /* -0 becomes +0 */
    if (t->limit == MAXIMUM_ALONE) row.threshold = row.max;
    row.is_nan = !IS_FINITE(row.max);
    if (row.is_nan) return row;
    if (t->limit) {
        row.excess.high = count_from(x, n, row.threshold) - 1;
    } else {
        const int shifted = needs_shift(t, row.max);
        const reduction_t r = choose_reduction(t, row.max, shifted);
        row.excess = shifted ? sum_excess(&r, x, n, row.max, SHIFT) : sum_excess(&r, x, n, row.max, CLAMP);
    }
    row.is_nan = row.excess.high != row.excess.high;
    return row;
}

static void log_softmax_row(const log_row_t *row, double t, const item_t *x, item_t *out, size_t n) {
    if (row->is_nan) {
        fill_row(out, n, (real_t)sd_nan());
        return;
    }
    const double log_sum = sd_log1p(row->excess.high);
    if (t == 0 || t > DBL_MAX) {
        write_limit(x, out, n, row->threshold, (real_t)-log_sum + 0, -(real_t)INFINITY);
        return;
    }
    const log_writer_t writer = make_log_writer(t, row->max, log_sum);
    for (size_t i = 0; i < n; i += WIDTH)
        store_up_to(out + i, n - i, write_log(&writer, load_up_to(x + i, n - i)));
}

static real_t logsumexp_row(const log_row_t *row, double t, const item_t *x, size_t n) {
    /* without NaN, the maximum is +inf, or -inf if the row has nothing else */
    if (row->is_nan) return count_from(x, n, 0) >= 0 ? row->max : (real_t)sd_nan();
    if (t == 0 && row->max != 0) return row->max > 0 ? (real_t)INFINITY : -(real_t)INFINITY;
    return compute_logsumexp(row->max, t == 0 ? 1 : t, row->excess);
}

static void log_softmax(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->n == 0 || rows->rows == 0) return;
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        update_temperature(&current, rows, i);
        const log_row_t row = sum_log_row(&current.ready, x, rows->n);
        log_softmax_row(&row, current.t, x, out, rows->n);
    }
}

static void logsumexp(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->rows == 0) return;
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        real_t result = -(real_t)INFINITY; /* an empty row */
        update_temperature(&current, rows, i);
        if (rows->n > 0) {
            const log_row_t row = sum_log_row(&current.ready, x, rows->n);
            result = logsumexp_row(&row, current.t, x, rows->n);
        }
        item_store_n(out, 1, v_set1(result));
    }
}
