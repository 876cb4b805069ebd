/* Loading and storing packs of items, also at the end of a row, and what comparisons alone tell of a row:
 * its maximum and minimum, counts, and its results at the temperatures T = 0 and infinity. */

/* Loads a pack from a row that has `left` more items; lanes past them become fill. */
SD_INLINE pack_t load_padded(const item_t *x, size_t left, real_t fill) {
    return left >= WIDTH ? item_load(x) : item_load_n(x, left, fill);
}

/* The same with -inf, whose exponential is 0. */
SD_INLINE pack_t load_up_to(const item_t *x, size_t left) {
    return load_padded(x, left, -(real_t)INFINITY);
}

SD_INLINE void store_up_to(item_t *out, size_t left, pack_t value) {
    if (left >= WIDTH) item_store(out, value);
    else item_store_n(out, left, value);
}

static void fill_row(item_t *out, size_t n, real_t value) {
    for (size_t i = 0; i < n; i += WIDTH) store_up_to(out + i, n - i, v_set1(value));
}

/* Returns the maximum of each lane; *lane_min, if lane_min is not NULL, becomes the minimum of each. NaN is
 * ignored here, and shows in the sum of exponentials. */
SD_INLINE pack_t find_lane_extremes(const item_t *x, size_t n, pack_t *lane_min) {
    const pack_t lowest = v_set1(-(real_t)INFINITY);
    pack_t max[4] = {lowest, lowest, lowest, lowest}, min = v_set1((real_t)INFINITY);
    const int group = 4;
    size_t i = 0;
    for (; i + 4 * WIDTH <= n; i += 4 * WIDTH) {
        pack_t packs[4];
        FOR_EACH_PACK packs[u] = item_load(x + i + u * WIDTH);
        FOR_EACH_PACK max[u] = v_max(packs[u], max[u]);
        if (lane_min) min = v_min(v_min(v_min(packs[0], packs[1]), v_min(packs[2], packs[3])), min);
    }
    for (; i < n; i += WIDTH) {
        max[0] = v_max(load_up_to(x + i, n - i), max[0]);
        if (lane_min) min = v_min(load_padded(x + i, n - i, (real_t)INFINITY), min);
    }
    if (lane_min) *lane_min = min;
    return v_max(v_max(max[0], max[1]), v_max(max[2], max[3]));
}

static pack_t find_lane_max(const item_t *x, size_t n) { return find_lane_extremes(x, n, NULL); }

/* Whether every lane is at least the limit. */
SD_INLINE int all_at_least(pack_t pack, real_t limit) {
    return v_mask_ge(pack, v_set1(limit)) == item_mask_n(WIDTH);
}

/* Returns how many x are at least the threshold; NaN if any is NaN. At a limit of T this is the sum. */
static double count_from(const item_t *x, size_t n, real_t threshold) {
    const pack_t least = v_set1(threshold), lowest = v_set1(-(real_t)INFINITY);
    const pack_t one = v_set1(1), zero = v_set1(0), nan = v_set1((real_t)sd_nan());
    double count = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SUM_ITEMS ? i + SUM_ITEMS : n;
        pack_t ones = zero;
        for (; i < end; i += WIDTH) {
            const pack_t pack = load_up_to(x + i, end - i);
            ones = v_add(ones, v_where_ge(pack, least, one, v_where_ge(pack, lowest, zero, nan)));
        }
        count += (double)v_reduce_add(ones);
    }
    return count;
}

/* Writes the results of a row at T = 0 or infinity: `value` from the threshold on, else `elsewhere`. */
static void write_limit(const item_t *x, item_t *out, size_t n, real_t threshold, real_t value,
                        real_t elsewhere) {
    const pack_t least = v_set1(threshold), yes = v_set1(value), no = v_set1(elsewhere);
    for (size_t i = 0; i < n; i += WIDTH)
        store_up_to(out + i, n - i, v_where_ge(load_up_to(x + i, n - i), least, yes, no));
}
