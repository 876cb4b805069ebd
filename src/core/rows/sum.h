/* The sum of a row's exponentials, block by block: the first of the two passes over a long row, of which
 * softmax_long.h is the second.
 *
 * The order of additions is this. Each lane of a pack adds up its own items of a block of SUM_ITEMS in
 * real_t (add_packs), and then moves that into doubles (accumulate_f32.h and accumulate_f64.h); in the end
 * the lanes are added as a tree. The last pack, if it is incomplete, is padded with -inf. So the sum
 * depends on the row's length and values alone. */

/* Return the lane maxima, or minima, with GROUP more packs. Those of the GROUP packs are taken first, so
 * that the running ones are waited for once, not once for each pack. */
SD_INLINE pack_t update_max(pack_t max, const item_t *x) {
    pack_t group_max = item_load(x);
    SD_UNROLL for (int u = 1; u < GROUP; u++) group_max = v_max(item_load(x + u * WIDTH), group_max);
    return v_max(group_max, max);
}

SD_INLINE pack_t update_min(pack_t min, const pack_t *packs) {
    pack_t group_min = packs[0];
    SD_UNROLL for (int u = 1; u < GROUP; u++) group_min = v_min(packs[u], group_min);
    return v_min(group_min, min);
}

/* Adds the exponentials of `group` packs to the sum. Each is s (1 + q), as exp2_f32.h explains, and e when
 * it is rounded. a->s is never smaller than an exponential of its lane, because it starts at the lane's
 * largest; so z = (a->s + e) - a->s is exact, and it is what the addition added. What it should have added
 * is s (1 + q), so s - z + s q is lost, and goes into a second sum. This is Dekker's FastTwoSum, but with
 * the product s q in it: otherwise equal elements would all be rounded to the same side. s q itself is
 * rounded, to within 2^-29 of the exponential: that takes one multiplication, where it would take two fmas,
 * which have fewer ports than additions. */
SD_INLINE void add_packs(accumulator_t *a, const reduction_t *r, const int group, const pack_t *x,
                         const int range_mode) {
    pack_t s[MAX_GROUP], q[MAX_GROUP], z[MAX_GROUP];
    compute_exponentials(r, NULL, group, x, range_mode, 0, s, q);
    FOR_EACH_PACK q[u] = v_mul(s[u], q[u]);
    FOR_EACH_PACK z[u] = v_add(s[u], q[u]);
    FOR_EACH_PACK a->s = add_larger(a->s, z[u], &z[u]);
    FOR_EACH_PACK z[u] = v_sub(s[u], z[u]);
    FOR_EACH_PACK z[u] = v_add(z[u], q[u]);
    FOR_EACH_PACK a->c = v_add(a->c, z[u]);
}

/* Adds a block of n items, whose lane maxima are lane_max, to the sum, which the caller then flushes.
 * Returns the lane maxima of the next block, of n_next items, which this also loads into L1. In the range
 * mode NO_CLAMP the block's lane minima go into *lane_min as well: if one is below the floor, the sum is
 * wrong. Otherwise lane_min may be NULL. The padding of incomplete packs, -inf, is always clamped. */
SD_BODY pack_t add_block(accumulator_t *total, const reduction_t *r, const item_t *x, size_t n,
                         pack_t lane_max, const item_t *next, size_t n_next, pack_t *lane_min,
                         const int range_mode) {
    const size_t step = GROUP * WIDTH;
    const int padded_mode = range_mode == NO_CLAMP ? CLAMP : range_mode;
    pack_t s, q, packs[GROUP], min = v_set1((real_t)INFINITY), next_max = v_set1(-(real_t)INFINITY);
    accumulator_t a = *total;
    compute_exponentials(r, NULL, 1, &lane_max, padded_mode, 0, &s, &q);
    start_accumulator(&a, v_fma(s, q, s));
    const int group = GROUP;
    size_t i = 0;
    for (; n_next - i >= step; i += step) { /* the next block is not longer than this one */
        next_max = update_max(next_max, next + i);
        FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
        if (range_mode == NO_CLAMP) min = update_min(min, packs);
        add_packs(&a, r, group, packs, range_mode);
    }
    const pack_t next_rest = find_lane_max(next + i, n_next - i);
    for (; n - i >= step; i += step) {
        FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
        if (range_mode == NO_CLAMP) min = update_min(min, packs);
        add_packs(&a, r, group, packs, range_mode);
    }
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        add_packs(&a, r, 1, packs, padded_mode);
        if (range_mode == NO_CLAMP) min = v_min(load_padded(x + i, n - i, (real_t)INFINITY), min);
    }
    *total = a;
    if (range_mode == NO_CLAMP) *lane_min = v_min(min, *lane_min);
    return v_max(next_max, next_rest);
}

/* What is known of a row before its results are written. */
typedef struct {
    real_t max;
    int is_nan, range_mode;
    reduction_t reduction;
    sd_sum sum; /* of the exponentials, relative to 2^power of the reduction */
} row_t;

/* Sums the blocks of a row that needs a shift, whose reduction is made. */
SD_INLINE void sum_shifted(row_t *row, const item_t *x, size_t n) {
    accumulator_t a = make_accumulator();
    pack_t lane_max = find_lane_max(x, n < SUM_ITEMS ? n : SUM_ITEMS);
    for (size_t i = 0, left; i < n; i += SUM_ITEMS) {
        left = n - i;
        const size_t block = left < SUM_ITEMS ? left : SUM_ITEMS, next = left - block;
        lane_max = add_block(&a, &row->reduction, x + i, block, lane_max, x + i + block,
                             next < SUM_ITEMS ? next : SUM_ITEMS, NULL, SHIFT);
        flush_accumulator(&a);
    }
    row->sum = total_accumulator(&a);
}

/* Returns the x below which a result of a row that needs no shift may be subnormal. */
SD_INLINE real_t find_least_normal(const reduction_t *r, sd_sum sum) {
    int exponent;
    sd_mantissa(sum.high, &exponent);
    return (real_t)((NORMAL_EXPONENT + r->power + exponent) / (double)r->c_hi);
}

/* Sums the blocks, each relative to the largest maximum so far. Returns 0 if the row needs a shift, else 1.
 * Nothing is clamped until a block turns out to have an item below the floor; that block is then summed
 * again. In the end the range mode is NO_CLAMP only if no result can be subnormal, either. */
SD_INLINE int sum_unshifted(row_t *row, const temperature_t *t, const item_t *x, size_t n) {
    accumulator_t a = make_accumulator();
    pack_t lane_min, lane_max = find_lane_extremes(x, n < SUM_ITEMS ? n : SUM_ITEMS, &lane_min);
    row->max = -(real_t)INFINITY;
    for (size_t i = 0, left; i < n; i += SUM_ITEMS) {
        left = n - i;
        const size_t block = left < SUM_ITEMS ? left : SUM_ITEMS, after = left - block;
        const size_t next = after < SUM_ITEMS ? after : SUM_ITEMS;
        const real_t max = v_reduce_max(lane_max);
        if (max > row->max || i == 0) {
            if (needs_shift(t, max)) return 0;
            const double old_power = row->reduction.power;
            row->max = max;
            row->reduction = make_reduction(t, max);
            if (i > 0) scale_accumulator(&a, sd_power_of_2(old_power - row->reduction.power));
            else row->range_mode = all_at_least(lane_min, row->reduction.floor) ? NO_CLAMP : CLAMP;
        }
        pack_t next_max = lane_max;
        if (row->range_mode == NO_CLAMP) {
            next_max = add_block(&a, &row->reduction, x + i, block, lane_max, x + i + block, next,
                                 &lane_min, NO_CLAMP);
            if (!all_at_least(lane_min, row->reduction.floor)) row->range_mode = CLAMP;
        }
        if (row->range_mode == CLAMP)
            next_max =
                add_block(&a, &row->reduction, x + i, block, lane_max, x + i + block, next, NULL, CLAMP);
        flush_accumulator(&a);
        lane_max = next_max;
    }
    row->sum = total_accumulator(&a);
    if (!all_at_least(lane_min, find_least_normal(&row->reduction, row->sum))) row->range_mode = CLAMP;
    return 1;
}

/* Sums any row, n >= 1. */
SD_BODY row_t sum_row(const temperature_t *t, const item_t *x, size_t n) {
    row_t row = {0};
    if (!sum_unshifted(&row, t, x, n)) {
        row.max = v_reduce_max(find_lane_max(x, n));
        row.is_nan = !IS_FINITE(row.max);
        if (row.is_nan) return row;
        row.range_mode = SHIFT;
        row.reduction = make_shifted_reduction(t, row.max);
        sum_shifted(&row, x, n);
    }
    row.is_nan = row.sum.high != row.sum.high;
    return row;
}

/* Whether n exponentials may all be equal to the first, judging by their sum; also if it is NaN. */
SD_INLINE int may_be_equal(sd_sum first, size_t n, sd_sum sum) {
    const double equal = (double)n * first.high;
    return !(sum.high < equal * (1 - 0x1p-20) || sum.high > equal * (1 + 0x1p-20));
}

/* Whether all items are equal, n >= 1. Their results are then 1 / n, rounded once. */
static SD_NOINLINE int are_equal(const item_t *x, size_t n) {
    const real_t first = v_first(item_load_n(x, 1, 0));
    const pack_t value = v_set1(first), one = v_set1(1), zero = v_set1(0);
    for (size_t i = 0; i < n; i += WIDTH) {
        const pack_t pack = load_padded(x + i, n - i, first);
        const pack_t ones = v_where_ge(pack, value, v_where_ge(value, pack, one, zero), zero);
        if (v_reduce_add(ones) < WIDTH) return 0;
    }
    return 1;
}
