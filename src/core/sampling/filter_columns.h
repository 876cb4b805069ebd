/* top_k, top_p and min_p of WIDTH short rows side by side, a row per lane. They keep what filters.h keeps.
 *
 * Every filter keeps some number of the largest items of a row, ties by lower index. So each row is sorted,
 * the filters lower that number, one after the other, and at the end the items that are not kept are
 * replaced by -inf, which has no mass. Sorting takes no branch, and so costs the same for all rows. */

/* The filters of each row; top_k is at most the number of items. */
typedef struct { double top_k[WIDTH], top_p[WIDTH], min_p[WIDTH]; } lane_filters_t;

/* One step of a merge of sorted runs: puts columns in order that are `step` apart and in the same two runs. */
SD_INLINE void order_columns(pack_t *columns, const int run, const int step) {
    SD_UNROLL for (int i = 0; i < MAX_COLUMNS; i++) {
        const int first = i - step % run, other = i + step;
        if (first < 0 || first / step % 2 || i / (2 * run) != other / (2 * run)) continue;
        const pack_t larger = v_max(columns[i], columns[other]);
        columns[other] = v_min(columns[i], columns[other]);
        columns[i] = larger;
    }
}

/* Sorts in every lane, the largest first, by Batcher's odd-even merges. */
SD_BODY void sort_columns(pack_t *columns) {
    order_columns(columns, 1, 1);
    order_columns(columns, 2, 2);
    order_columns(columns, 2, 1);
    order_columns(columns, 4, 4);
    order_columns(columns, 4, 2);
    order_columns(columns, 4, 1);
    order_columns(columns, 8, 8);
    order_columns(columns, 8, 4);
    order_columns(columns, 8, 2);
    order_columns(columns, 8, 1);
}

/* find_negligible_distance of eight counts, which are at most MAX_COLUMNS. */
SD_BODY f64x8 find_negligible_distances(const double *counts) {
    static const double limits[4] = {2, 3, 5, 9}; /* from each of these on there is a bit less */
    const f64x8 count = f64_load(counts), one = f64_set1(1), zero = f64_set1(0);
    f64x8 bits = f64_set1(NEGLIGIBLE_BITS);
    SD_UNROLL for (int i = 0; i < 4; i++)
        bits = f64_sub(bits, f64_where_ge(count, f64_set1(limits[i]), one, zero));
    return f64_div(bits, f64_set1(SD_LOG2E_HI));
}

/* For each row, the value below which an item has no mass, given how many items of it are kept. */
SD_BODY pack_t find_bounds_of_counts(pack_t max, const double *t, const double *counts) {
    return find_lane_bounds(max, t, find_negligible_distances(counts),
                            find_negligible_distances(counts + WIDTH - 8));
}

/* How many of the first `kept` weights, the largest first, top_p keeps. Returns 0 if that may depend on the
 * order in which weights are added; if they are alike enough for exact sums, it does not. */
SD_BODY int count_top_p(const pack_t *weights, size_t n, const double *top_p, double *kept) {
    double weight[MAX_COLUMNS][WIDTH], least[WIDTH], most[WIDTH];
    pack_t smallest = v_set1(INFINITY), largest = v_set1(0); /* n is not 0 */
    int certain = 1;
    for (size_t j = 0; j < n; j++) {
        smallest = v_min(v_where_ge(v_set1(0), weights[j], smallest, weights[j]), smallest);
        largest = v_max(weights[j], largest);
        store_doubles(weights[j], weight[j]);
    }
    store_doubles(smallest, least);
    store_doubles(largest, most);
    for (int i = 0; i < WIDTH; i += 8) {
        const f64x8 zero = f64_set1(0), one = f64_set1(1), p = f64_load(top_p + i);
        f64x8 total = zero, sum = zero, below = one, surely_below = one;
        for (size_t j = 0; j < n; j++) total = f64_add(total, f64_load(weight[j] + i));
        const f64x8 first = f64_load(weight[0] + i), rounded = f64_mul(total, f64_set1(0x1p-46));
        const f64x8 exact_from = f64_mul(first, f64_set1(EXACT_RATIO));
        const f64x8 if_largest = f64_where_ge(f64_load(least + i), exact_from, zero, rounded);
        const f64x8 error = f64_where_ge(first, f64_load(most + i), if_largest, rounded);
        const f64x8 target = f64_mul(p, total), low = f64_sub(target, error), high = f64_add(target, error);
        for (size_t j = 0; j < n; j++) {
            sum = f64_add(sum, f64_load(weight[j] + i));
            surely_below = f64_add(surely_below, f64_where_ge(sum, low, zero, one));
            below = f64_add(below, f64_where_ge(sum, high, zero, one));
        }
        const f64x8 before = f64_load(kept + i), fewer = f64_where_ge(below, before, before, below);
        f64_store(kept + i, f64_where_ge(p, one, before, fewer));
        certain &= (f64_mask_ge(surely_below, below) | f64_mask_ge(p, one)) == 255;
    }
    return certain;
}

/* How many of the first `kept` masses, of the largest item first, min_p keeps. Returns 0 if it drops one that
 * is before one that it keeps, as a rounding may have it. */
SD_BODY int count_min_p(const pack_t *masses, size_t n, const double *min_p, double *kept) {
    double mass[MAX_COLUMNS][WIDTH];
    int certain = 1;
    for (size_t j = 0; j < n; j++) store_doubles(masses[j], mass[j]);
    for (int i = 0; i < WIDTH; i += 8) {
        const f64x8 zero = f64_set1(0), one = f64_set1(1), before = f64_load(kept + i);
        const f64x8 least = f64_mul(f64_load(min_p + i), f64_load(mass[0] + i));
        f64x8 count = zero, last = zero;
        for (size_t j = 0; j < n; j++) {
            const f64x8 each = f64_load(mass[j] + i);
            count = f64_add(count, f64_where_ge(each, least, one, zero));
            last = f64_where_ge(each, least, f64_set1((double)(j + 1)), last);
        }
        f64_store(kept + i, f64_where_ge(count, before, before, count));
        certain &= f64_mask_ge(count, last) == 255;
    }
    return certain;
}

/* Makes the masses of the first `kept` of sorted items, and 0 for all others. */
SD_BODY void compute_column_masses(const lane_reductions_t *lanes, const pack_t *sorted, size_t n,
                                   pack_t least, pack_t kept, pack_t *masses) {
    const pack_t zero = v_set1(0);
    const int group = GROUP;
    for (size_t j = 0; j < n; j += GROUP) {
        pack_t s[GROUP], q[GROUP];
        compute_lane_exponentials(lanes, NULL, NULL, group, sorted + j, 0, 0, s, q);
        FOR_EACH_PACK s[u] = v_where_ge(sorted[j + (size_t)u], least, v_fma(s[u], q[u], s[u]), zero);
        FOR_EACH_PACK masses[j + (size_t)u] = v_where_ge(kept, v_set1((real_t)(j + (size_t)u + 1)), s[u], zero);
    }
}

/* Replaces what the filters drop by -inf in the n columns of rows that are ordinary (many_rows.h) and whose
 * maxima are `max`. counts becomes the number that make_mass_rule is given when a draw is made from the
 * kept items. Returns 0 if the set of a row is not certain. */
static SD_NOINLINE int filter_columns(real_t *columns, size_t n, pack_t max,
                                      const lane_reductions_t *lanes, const double *t,
                                      const lane_filters_t *filters, int by_mass, double *counts) {
    const pack_t lowest = v_set1(-(real_t)INFINITY), zero = v_set1(0), one = v_set1(1);
    pack_t sorted[MAX_COLUMNS], masses[MAX_COLUMNS], weights[MAX_COLUMNS], finite = zero;
    for (size_t j = 0; j < MAX_COLUMNS; j++) sorted[j] = j < n ? v_load(columns + j * WIDTH) : lowest;
    sort_columns(sorted);
    for (size_t j = 0; j < n; j++)
        finite = v_add(finite, v_where_ge(sorted[j], v_set1(-LARGEST), one, zero));
    store_doubles(v_min(load_doubles(filters->top_k), finite), counts);
    if (by_mass) {
        inverse_t unit;
        const pack_t least = find_bounds_of_counts(max, t, counts);
        compute_column_masses(lanes, sorted, n, least, load_doubles(counts), masses);
        invert_lanes(&unit, masses[0], zero);
        for (size_t j = 0; j < n; j++)
            weights[j] = v_fma(masses[j], unit.high, v_mul(masses[j], unit.low));
        if (!count_top_p(weights, n, filters->top_p, counts) ||
            !count_min_p(masses, n, filters->min_p, counts))
            return 0;
    }
    const pack_t kept = load_doubles(counts);
    pack_t cutoff = lowest, ties = kept;
    for (size_t j = 0; j < n; j++) cutoff = v_where_ge(kept, v_set1((real_t)(j + 1)), sorted[j], cutoff);
    for (size_t j = 0; j < n; j++) ties = v_sub(ties, v_where_ge(cutoff, sorted[j], zero, one));
    for (size_t j = 0; j < n; j++) {
        const pack_t x = v_load(columns + j * WIDTH);
        const pack_t tie = v_where_ge(cutoff, x, v_where_ge(x, cutoff, one, zero), zero);
        const pack_t if_tie = v_where_ge(ties, one, x, lowest);
        const pack_t up_to = v_where_ge(x, cutoff, if_tie, lowest);
        v_store(columns + j * WIDTH, v_where_ge(cutoff, x, up_to, x));
        ties = v_sub(ties, tie);
    }
    for (int i = 0; i < WIDTH; i++) /* without filters, filters.h counts items of -inf as well */
        if (filters->top_k[i] >= (double)n && filters->top_p[i] >= 1 && filters->min_p[i] <= 0)
            counts[i] = (double)n;
    return 1;
}
