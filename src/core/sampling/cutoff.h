/* The cutoff of the smallest set that takes the largest items first and reaches a target, in number (top_k)
 * or in weight (top_p). It is found without sorting, by partition around pivots, as quickselect does: each
 * round adds up what is above a pivot, and goes on with only the side on which the cutoff lies. */

/* All items above `least`, which weigh `above`, and the first `ties` items equal to `least` are kept. */
typedef struct {
    real_t least;
    size_t ties;
    double above;
} cutoff_t;

/* How many of `equal` items that weigh `each`, added to `above`, reach the target; all of them do. */
SD_INLINE size_t count_ties_reaching(double above, double each, size_t equal, double target) {
    size_t low = 1, high = equal;
    while (low < high) {
        const size_t half = low + (high - low) / 2;
        if (above + (double)half * each >= target) high = half;
        else low = half + 1;
    }
    return low;
}

SD_INLINE void order_two(real_t *a, real_t *b) {
    const real_t low = *a < *b ? *a : *b, high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

/* The median of nine of the n items, chosen pseudorandomly: the median of the largest of three smallest, the
 * median of three medians and the smallest of three largest, which takes no branch. */
static real_t choose_pivot(const real_t *x, size_t n) {
    real_t a[9];
    uint32_t random = (uint32_t)n;
    for (int i = 0; i < 9; i++) {
        random = random * 1664525u + 1013904223u;
        a[i] = x[(size_t)(((uint64_t)random * n) >> 32)];
    }
    SD_UNROLL for (int i = 0; i < 9; i += 3) {
        order_two(a + i, a + i + 1);
        order_two(a + i + 1, a + i + 2);
        order_two(a + i, a + i + 1);
    }
    SD_UNROLL for (int i = 0; i < 2; i++) order_two(a + 3 * i, a + 3 * i + 3); /* the largest is in a[6] */
    order_two(a + 5, a + 8);
    order_two(a + 2, a + 5); /* the smallest is in a[2] */
    order_two(a + 1, a + 4);
    order_two(a + 4, a + 7);
    order_two(a + 1, a + 4); /* the median is in a[4] */
    order_two(a + 2, a + 4);
    order_two(a + 4, a + 6);
    order_two(a + 2, a + 4);
    return a[4];
}

/* Finds the cutoff of the smallest set whose weight, added to `base`, reaches the target. If `weighted`,
 * items weigh what the rule gives them (compute_weights), otherwise 1 each, and the rule may be NULL.
 * Overwrites x. Returns 1, or 0 if all items together weigh too little.
 *
 * Each round adds the weights in another order. Where one has found that the items above its pivot reach the
 * target, they are the set, even if later sums of them end before it. */
SD_BODY int find_cutoff(cutoff_t *cutoff, const mass_rule_t *rule, const int weighted, const int shifted,
                        real_t *x, size_t n, double base, double target) {
    const pack_t zero = v_set1(0);
    int is_enough = 0; /* all n items together reach the target, as an earlier round has found */
    while (n > 0) {
        const real_t pivot = choose_pivot(x, n);
        const pack_t pivots = v_set1(pivot);
        f64x8 sum = f64_set1(0);
        size_t above = 0, equal = 0;
        for (size_t i = 0; i < n; i += WIDTH) {
            const pack_t pack = load_up_to(x + i, n - i);
            const unsigned valid = mask_first(n - i);
            const unsigned from = v_mask_ge(pack, pivots) & valid;
            const unsigned up_to = v_mask_ge(pivots, pack) & valid;
            above += SD_COUNT_BITS(from & ~up_to);
            equal += SD_COUNT_BITS(from & up_to);
            if (weighted) {
                pack_t e;
                compute_weights(rule, 1, &pack, shifted, &e);
                sum = f64_add(sum, widen(v_where_ge(pivots, pack, zero, e)));
            }
        }
        const double weight = weighted ? f64_reduce_add(sum) : (double)above;
        const double each = weighted ? compute_weight(rule, pivot) : 1, reached = base + weight;
        const int is_above = above > 0 && reached >= target;
        const int is_last = is_enough && above + equal == n;
        if (!is_above && equal > 0 && (is_last || reached + (double)equal * each >= target)) {
            cutoff->least = pivot;
            cutoff->ties = count_ties_reaching(reached, each, equal, target);
            cutoff->above = reached;
            return 1;
        }
        is_enough |= is_above;
        if (!is_above) base = reached + (double)equal * each;
        size_t kept = 0;
        for (size_t i = 0; i < n; i += WIDTH) {
            const pack_t pack = load_up_to(x + i, n - i);
            const unsigned valid = mask_first(n - i);
            const unsigned mask = (is_above ? ~v_mask_ge(pivots, pack) : ~v_mask_ge(pack, pivots)) & valid;
            v_compress(x + kept, pack, mask);
            kept += SD_COUNT_BITS(mask);
        }
        if (kept == n) return 0; /* the pivot is NaN: another thread writes to the row */
        n = kept;
    }
    return 0;
}

/* The same by number among at most four packs of items: for each item, counts those as large. No branch but
 * the last one depends on values, as the rounds of quickselect do, whose ends are mispredicted. */
static int find_cutoff_of_few(cutoff_t *cutoff, const real_t *x, size_t n, double target) {
    pack_t packs[4];
    for (size_t j = 0; j < 4; j++)
        packs[j] = j * WIDTH < n ? load_up_to(x + j * WIDTH, n - j * WIDTH) : v_set1(-(real_t)INFINITY);
    for (size_t i = 0; i < n; i++) {
        const pack_t pivots = v_set1(x[i]);
        uint64_t from = 0, up_to = 0;
        SD_UNROLL for (int j = 0; j < 4; j++) {
            from |= (uint64_t)v_mask_ge(packs[j], pivots) << j * WIDTH;
            up_to |= (uint64_t)v_mask_ge(pivots, packs[j]) << j * WIDTH;
        }
        const size_t above = 4 * WIDTH - SD_COUNT_BITS(up_to), equal = SD_COUNT_BITS(from) - above;
        const int is_above = above > 0 && (double)above >= target;
        if (!is_above && (double)(above + equal) >= target) {
            cutoff->least = x[i];
            cutoff->ties = count_ties_reaching((double)above, 1, equal, target);
            cutoff->above = (double)above;
            return 1;
        }
    }
    return 0;
}

static SD_NOINLINE int find_cutoff_by_count(cutoff_t *cutoff, real_t *x, size_t n, double target) {
    return n <= 4 * WIDTH ? find_cutoff_of_few(cutoff, x, n, target)
                          : find_cutoff(cutoff, NULL, 0, 0, x, n, 0, target);
}

static SD_NOINLINE int find_cutoff_by_mass(cutoff_t *cutoff, const mass_rule_t *rule, real_t *x, size_t n,
                                           double base, double target) {
    return rule->shifted ? find_cutoff(cutoff, rule, 1, 1, x, n, base, target)
                         : find_cutoff(cutoff, rule, 1, 0, x, n, base, target);
}
