/* Softmax of short rows, which have at most four packs: they stay in registers, and each exponential is
 * computed only once.
 *
 * Eight rows are computed together, step by step. Steps that have one number per row, such as the inverse
 * of the sum, are done in one pack for all eight (many_rows.h), whose latency is thus paid once, not eight
 * times. */

/* Multiplies exponentials s (1 + q) of `group` packs, as exp2_f32.h explains them, by 1 / sum = high + low,
 * and by UNSCALE. The product is s high + s (q high + low), whose large term is exact inside the fma. */
SD_BODY void divide_exponentials(const inverse_t *inverse, const int group, const pack_t *s,
                                 const pack_t *q, pack_t *out) {
    const pack_t unscale = v_set1(UNSCALE), zero = v_set1(0);
    FOR_EACH_PACK out[u] = v_fma(q[u], inverse->high, inverse->low);
    FOR_EACH_PACK out[u] = v_mul(s[u], out[u]);
    FOR_EACH_PACK out[u] = v_fma(s[u], inverse->high, out[u]);
    FOR_EACH_PACK out[u] = v_fma(out[u], unscale, zero);
}

/* Splits an exponential s (1 + q) into *upper, a multiple of a power of two that makes sums of it exact,
 * and the rest, which is returned. */
SD_INLINE pack_t split_exponential(pack_t s, pack_t q, pack_t *upper) {
    const pack_t split = v_set1(SPLIT);
    *upper = v_sub(v_add(v_fma(s, q, s), split), split);
    return v_fma(s, q, v_sub(s, *upper));
}

/* Adds the two parts of an exponential to *high and *low. */
SD_INLINE void add_split(pack_t s, pack_t q, pack_t *high, pack_t *low) {
    pack_t upper;
    *low = v_add(*low, split_exponential(s, q, &upper));
    *high = v_add(*high, upper);
}

/* Whether all n items are equal to the maximum. Never true with a NaN among them. */
SD_INLINE int all_are_maximum(const pack_t *packs, size_t n, real_t max, const int group) {
    int equal = 1;
    FOR_EACH_PACK equal &= v_mask_ge(packs[u], v_set1(max)) == item_mask_n(n - (size_t)u * WIDTH);
    return equal;
}

/* Eight rows of n items in `group` packs; t is their temperatures. Returns 0, and writes nothing, if a row
 * is not ordinary (many_rows.h) or all its items are equal, else 1. */
SD_BODY int softmax_eight(const item_t *x, ptrdiff_t x_stride, item_t *out, ptrdiff_t out_stride, size_t n,
                          f64x8 t, const int group) {
    const pack_t zero = v_set1(0);
    pack_t s[8][MAX_GROUP], q[8][MAX_GROUP], w[MAX_GROUP], packs[MAX_GROUP], high[8], low[8];
    short_rows_t rows;
    const item_t *row = x;
    for (int i = 0; i < 8; i++, row += x_stride) {
        FOR_EACH_PACK packs[u] = load_up_to(row + u * WIDTH, n - (size_t)u * WIDTH);
        FOR_EACH_PACK packs[0] = v_max(packs[u], packs[0]);
        high[i] = packs[0];
    }
    if (!reduce_short_rows(&rows, v_reduce_max_8(high), t)) return 0;
    row = x;
    for (int i = 0; i < 8; i++, row += x_stride) {
        const reduction_t r = get_reduction(&rows, i);
        FOR_EACH_PACK packs[u] = load_up_to(row + u * WIDTH, n - (size_t)u * WIDTH);
        if (all_are_maximum(packs, n, rows.max[i], group)) return 0; /* softmax_row gives exactly 1 / n */
        compute_row_exponentials(&r, group, packs, s[i], q[i], w);
        high[i] = low[i] = zero;
        FOR_EACH_PACK add_split(s[i][u], w[u], &high[i], &low[i]);
    }
    if (!invert_short_sums(&rows, v_reduce_add_8(high), v_reduce_add_8(low))) return 0;
    for (int i = 0; i < 8; i++, out += out_stride) {
        const inverse_t inverse = {v_set1(rows.inverse_high[i]), v_set1(rows.inverse_low[i])};
        divide_exponentials(&inverse, group, s[i], q[i], packs);
        FOR_EACH_PACK store_up_to(out + u * WIDTH, n - (size_t)u * WIDTH, packs[u]);
    }
    return 1;
}

/* The same for a lone row, with scalars for what is one number per row: the same numbers, and so the same
 * bits. If `narrow`, all items are in the lower half of one pack, and compilers leave out the upper
 * half. */
SD_BODY int softmax_one(const item_t *x, item_t *out, size_t n, double t, const int group,
                        const int narrow) {
    pack_t packs[MAX_GROUP], s[MAX_GROUP], q[MAX_GROUP], w[MAX_GROUP], high, low;
    if (!(t >= MIN_PLAIN_TEMPERATURE && t <= MAX_PLAIN_TEMPERATURE)) return 0;
    const temperature_t temperature = make_plain_temperature(t);
    FOR_EACH_PACK packs[u] = load_up_to(x + u * WIDTH, n - (size_t)u * WIDTH);
    if (narrow) packs[0] = v_assume_upper(packs[0], -(real_t)INFINITY);
    pack_t lane_max = packs[0];
    SD_UNROLL for (int u = 1; u < group; u++) lane_max = v_max(packs[u], lane_max);
    const real_t max = v_reduce_max(lane_max);
    if (needs_shift(&temperature, max) || all_are_maximum(packs, n, max, group)) return 0;
    const reduction_t r = make_reduction(&temperature, max);
    compute_row_exponentials(&r, group, packs, s, q, w);
    low = split_exponential(s[0], w[0], &high);
    SD_UNROLL for (int u = 1; u < group; u++) add_split(s[u], w[u], &high, &low);
    if (narrow) high = v_assume_upper(high, -(real_t)0), low = v_assume_upper(low, -(real_t)0);
    inverse_t inverse;
    if (!invert_split_sum(&inverse, v_reduce_add(high), v_reduce_add(low))) return 0;
    divide_exponentials(&inverse, group, s, q, packs);
    if (narrow) packs[0] = v_assume_upper(packs[0], 0);
    FOR_EACH_PACK store_up_to(out + u * WIDTH, n - (size_t)u * WIDTH, packs[u]);
    return 1;
}
