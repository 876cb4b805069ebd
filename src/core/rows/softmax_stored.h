/* Softmax of float64 rows of at most MAX_STORED items, which fit the caches: the exponentials are stored in
 * the result and then divided by their sum, which is faster there than to compute them again.
 *
 * An exponential is positive, so its sign is free. It is stored with the sign of what rounding it lost, so
 * that about half of that loss can be made good. */

/* Adds exponentials s (1 + q), rounded to e, to the sum, as add_packs (sum.h) does, but with s q not
 * rounded. */
SD_BODY void add_exponentials(accumulator_t *a, const int group, const pack_t *s, const pack_t *q,
                              const pack_t *e) {
    pack_t lost[MAX_GROUP];
    FOR_EACH_PACK a->s = add_larger(a->s, e[u], &lost[u]);
    FOR_EACH_PACK lost[u] = v_sub(s[u], lost[u]);
    FOR_EACH_PACK lost[u] = v_fma(s[u], q[u], lost[u]);
    FOR_EACH_PACK a->c = v_add(a->c, lost[u]);
}

/* Computes exponentials as they are stored, and adds them to the sum. out may be x. */
SD_BODY void compute_stored(accumulator_t *a, const reduction_t *r, const int group, const pack_t *x,
                         const int range_mode, pack_t *out) {
    pack_t s[MAX_GROUP], q[MAX_GROUP], e[MAX_GROUP];
    compute_exponentials(r, NULL, group, x, range_mode, 1, s, q);
    FOR_EACH_PACK e[u] = v_fma(s[u], q[u], s[u]);
    FOR_EACH_PACK out[u] = v_sub(s[u], e[u]);
    FOR_EACH_PACK out[u] = v_fma(s[u], q[u], out[u]);
    FOR_EACH_PACK out[u] = v_with_sign(e[u], out[u]);
    add_exponentials(a, group, s, q, e);
}

/* Stores the exponentials of a row in out, and returns their sum. */
SD_INLINE sd_sum store_exponentials(const reduction_t *reduction, const item_t *x, item_t *out, size_t n,
                                    pack_t lane_max, const int range_mode) {
    const reduction_t r = *reduction;
    const int padded_mode = range_mode == NO_CLAMP ? CLAMP : range_mode; /* lanes without items are -inf */
    accumulator_t a = make_accumulator();
    pack_t s, q, packs[GROUP];
    compute_exponentials(&r, NULL, 1, &lane_max, padded_mode, 1, &s, &q);
    const pack_t start = v_fma(s, q, s);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SUM_ITEMS ? i + SUM_ITEMS : n;
        const int group = GROUP;
        start_accumulator(&a, start);
        for (; end - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
            FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
            compute_stored(&a, &r, group, packs, range_mode, packs);
            FOR_EACH_PACK item_store(out + i + (size_t)u * WIDTH, packs[u]);
        }
        for (; i < end; i += WIDTH) {
            packs[0] = load_up_to(x + i, end - i);
            compute_stored(&a, &r, 1, packs, padded_mode, packs);
            store_up_to(out + i, end - i, packs[0]);
        }
        flush_accumulator(&a);
    }
    return total_accumulator(&a);
}

/* Divides the stored exponentials e by the sum, whose inverse is given. If is_normal, the inverse has
 * already been divided by SCALE; otherwise the results are. e (1 + ROUNDING_CORRECTION) or e (1 -
 * ROUNDING_CORRECTION) takes the place of e, by its sign: what rounding lost is between zero and half a
 * unit in the last place, and matters most where e is just above a power of two and the correction a fifth
 * of a unit. */
SD_INLINE void divide_stored(const inverse_t *inverse, item_t *out, size_t n, const int is_normal) {
    const pack_t correction = v_mul(inverse->high, v_set1(ROUNDING_CORRECTION));
    for (size_t i = 0; i < n; i += WIDTH) {
        const pack_t stored = load_up_to(out + i, n - i), e = v_abs(stored);
        const pack_t low = v_add(inverse->low, v_with_sign(correction, stored));
        pack_t r = v_fma(e, inverse->high, v_mul(e, low));
        if (!is_normal) r = v_fma(r, v_set1(UNSCALE), v_set1(0));
        store_up_to(out + i, n - i, r);
    }
}

SD_INLINE void softmax_stored(const temperature_t *t, const item_t *x, item_t *out, size_t n) {
    pack_t lane_min;
    const pack_t lane_max = find_lane_extremes(x, n, &lane_min);
    const real_t max = v_reduce_max(lane_max);
    const int shifted = needs_shift(t, max);
    if (!IS_FINITE(max)) {
        fill_row(out, n, (real_t)sd_nan());
        return;
    }
    const reduction_t r = choose_reduction(t, max, shifted);
    sd_sum sum;
    if (shifted) sum = store_exponentials(&r, x, out, n, lane_max, SHIFT);
    else if (!all_at_least(lane_min, r.floor)) sum = store_exponentials(&r, x, out, n, lane_max, CLAMP);
    else sum = store_exponentials(&r, x, out, n, lane_max, NO_CLAMP);
    const pack_t first = item_load_n(out, 1, 0);
    const sd_sum value = read_exponential(v_abs(first), v_set1(0));
    if (sum.high != sum.high) {
        fill_row(out, n, (real_t)sd_nan());
    } else if (may_be_equal(value, n, sum) && are_equal(out, n)) {
        fill_row(out, n, (real_t)(1 / (double)n));
    } else {
        inverse_t inverse = make_inverse(sum);
        if (shifted || !all_at_least(lane_min, find_least_normal(&r, sum))) {
            divide_stored(&inverse, out, n, 0);
        } else {
            inverse.high = v_mul(inverse.high, v_set1(UNSCALE));
            inverse.low = v_mul(inverse.low, v_set1(UNSCALE));
            divide_stored(&inverse, out, n, 1);
        }
    }
}
