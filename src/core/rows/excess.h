/* What log_softmax and logsumexp are computed from: the maximum of a row and log(1 + excess). The excess is
 * the sum of all exponentials except one of the maximum, divided by that one. If one entry is much larger
 * than the others, the excess is tiny, and 1 + excess would be rounded to 1; log1p of the excess keeps its
 * digits. */

typedef struct {
    real_t max, threshold; /* at T = 0 and infinity only x from the threshold on count */
    int is_nan;            /* the row has NaN or +inf, or nothing but -inf; the excess is not set then */
    sd_sum excess;
    double log_sum; /* log(1 + excess), where it has been computed */
} log_row_t;

/* Adds the exponentials of `group` packs to *sum + *rest, leaving out the items that are equal to the
 * maximum, which are counted in *maxima. The sum may be as small as 2^-149 of the maximum's exponential: so
 * it starts at 0, and Knuth's TwoSum finds what additions lose, whichever summand is larger. */
SD_BODY void add_to_excess(pack_t *sum, pack_t *rest, pack_t *maxima, const reduction_t *r, const int group,
                           const pack_t *x, pack_t max, const int range_mode) {
    const pack_t zero = v_set1(0), one = v_set1(1);
    pack_t s[MAX_GROUP], q[MAX_GROUP], lost;
    compute_exponentials(r, NULL, group, x, range_mode, 0, s, q);
    FOR_EACH_PACK s[u] = v_where_ge(x[u], max, zero, s[u]);
    FOR_EACH_PACK *maxima = v_add(*maxima, v_where_ge(x[u], max, one, zero));
    FOR_EACH_PACK {
        const pack_t e = v_fma(s[u], q[u], s[u]); /* the exponential, rounded; q becomes what that loses */
        q[u] = v_fma(s[u], q[u], v_sub(s[u], e));
        s[u] = e;
    }
    FOR_EACH_PACK {
        *sum = v_two_sum(*sum, s[u], &lost);
        q[u] = v_add(lost, q[u]);
    }
    FOR_EACH_PACK *rest = v_add(*rest, q[u]);
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
            add_to_excess(&a.s, &a.c, &maxima, &r, group, packs, max, range_mode);
        }
        for (; i < end; i += WIDTH) {
            packs[0] = load_up_to(x + i, end - i);
            add_to_excess(&a.s, &a.c, &maxima, &r, 1, packs, max, range_mode);
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
    log_row_t row = {v_reduce_max(find_lane_max(x, n)) + 0, -LARGEST, 0, {0, 0}, 0}; /* -0 becomes +0 */
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
