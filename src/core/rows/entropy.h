/* Entropy of the softmax of each of many rows: one pass over a row for its maximum, and one for the sums
 * (moments.h) from which the entropy is computed. */

/* Adds `group` packs to the sums, leaving out items equal to the maximum, which are counted in *maxima. */
SD_BODY void add_to_moments(moment_sums_t *m, pack_t *maxima, const reduction_t *r, const int group,
                            const pack_t *x, pack_t max, const int range_mode) {
    const pack_t zero = v_set1(0), one = v_set1(1);
    pack_t s[MAX_GROUP], q[MAX_GROUP];
    compute_exponentials(r, NULL, group, x, range_mode, 0, s, q);
    FOR_EACH_PACK s[u] = v_where_ge(x[u], max, zero, s[u]);
    FOR_EACH_PACK *maxima = v_add(*maxima, v_where_ge(x[u], max, one, zero));
    FOR_EACH_PACK add_moments(m, x[u], s[u], q[u]);
}

SD_INLINE sd_moments sum_moments(const reduction_t *reduction, double t, const item_t *x, size_t n,
                                 real_t maximum, const int range_mode) {
    const reduction_t r = *reduction;
    const pack_t max = v_set1(maximum), zero = v_set1(0);
    moment_sums_t m = make_moment_sums(t, maximum);
    pack_t s, q, packs[GROUP];
    double ties = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SUM_ITEMS ? i + SUM_ITEMS : n;
        const int group = GROUP;
        pack_t maxima = zero;
        for (; group > 1 && end - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
            FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
            add_to_moments(&m, &maxima, &r, group, packs, max, range_mode);
        }
        for (; i < end; i += WIDTH) {
            packs[0] = load_up_to(x + i, end - i);
            add_to_moments(&m, &maxima, &r, 1, packs, max, range_mode);
        }
        ties += (double)v_reduce_add(maxima);
    }
    compute_exponentials(&r, NULL, 1, &max, range_mode, 0, &s, &q);
    return total_moments(&m, ties, read_exponential(s, q));
}

/* Returns the moments of a row, n >= 1, at `temperature`, which is ready in t; ties is NaN if it has
 * none. */
static sd_moments find_moments(const temperature_t *t, double temperature, const item_t *x, size_t n) {
    const real_t max = v_reduce_max(find_lane_max(x, n)) + 0; /* -0 becomes +0 */
    sd_moments m = {sd_nan(), 0, 0, 0, 0, 0};
    if (!IS_FINITE(max)) return m;
    if (t->limit) {
        m.ties = count_from(x, n, max);
        if (t->limit == ALL_EQUAL) m.others = count_from(x, n, -LARGEST) - m.ties;
    } else {
        const int shifted = needs_shift(t, max);
        const reduction_t r = choose_reduction(t, max, shifted);
        m = shifted ? sum_moments(&r, temperature, x, n, max, SHIFT)
                    : sum_moments(&r, temperature, x, n, max, CLAMP);
    }
    if (m.others != m.others) m.ties = sd_nan();
    return m;
}

static void entropy(const void *items, void *results, const sd_rows *rows) {
    const item_t *x = items;
    item_t *out = results;
    if (rows->rows == 0) return;
    row_temperature_t current = start_temperature(rows);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        real_t result = (real_t)sd_nan(); /* an empty row, like one of -inf alone */
        update_temperature(&current, rows, i);
        if (rows->n > 0) {
            const sd_moments m = find_moments(&current.ready, current.t, x, rows->n);
            if (m.ties == m.ties) result = (real_t)sd_entropy(&m);
        }
        item_store_n(out, 1, v_set1(result));
    }
}
