/* The cutoff of the smallest set that takes the largest items first and reaches a target, in number
 * (top_k) or in weight (top_p): found by partition around pivots, as quickselect does, without sorting. */

/* The set consists of all items above `least`, which weigh `above`, and the first `ties` items that are
 * equal to it. */
typedef struct {
    real_t least;
    size_t ties;
    double above;
} cutoff_t;

/* How many of `equal` items that weigh `one` each must be added to `with` to reach the target; all of them
 * do. */
SD_INLINE size_t count_ties_reaching(double with, double one, size_t equal, double target) {
    size_t low = 1, high = equal;
    while (low < high) {
        const size_t half = low + (high - low) / 2;
        if (with + (double)half * one >= target) high = half;
        else low = half + 1;
    }
    return low;
}

/* The median of nine of n items, chosen at random. */
static real_t choose_pivot(const real_t *x, size_t n) {
    real_t some[9];
    uint32_t random = (uint32_t)n;
    for (int i = 0; i < 9; i++) {
        random = random * 1664525u + 1013904223u;
        const real_t value = x[(size_t)(((uint64_t)random * n) >> 32)];
        int j = i;
        for (; j > 0 && some[j - 1] < value; j--) some[j] = some[j - 1];
        some[j] = value;
    }
    return some[4];
}

/* Finds the cutoff of the smallest set whose weight, added to `base`, reaches the target; each item weighs
 * what the rule gives it, or 1 if it is not `weighted`. Overwrites x, which has no NaN. Returns 0 if all
 * weigh too little. */
SD_BODY int find_cutoff(cutoff_t *cutoff, const mass_rule_t *rule, const int weighted, const int shifted,
                        real_t *x, size_t n, double base, double target) {
    const pack_t zero = v_set1(0);
    while (n > 0) {
        const real_t pivot = choose_pivot(x, n);
        const pack_t middle = v_set1(pivot);
        f64x8 sum = f64_set1(0);
        size_t above = 0, equal = 0;
        for (size_t i = 0; i < n; i += WIDTH) {
            const pack_t pack = load_up_to(x + i, n - i);
            const unsigned valid = n - i < WIDTH ? (1u << (n - i)) - 1 : (1u << WIDTH) - 1;
            const unsigned from = v_mask_ge(pack, middle) & valid;
            const unsigned up_to = v_mask_ge(middle, pack) & valid;
            above += SD_COUNT_BITS(from & ~up_to);
            equal += SD_COUNT_BITS(from & up_to);
            if (weighted) {
                pack_t e;
                compute_weights(rule, 1, &pack, shifted, &e);
                sum = f64_add(sum, widen(v_where_ge(middle, pack, zero, e)));
            }
        }
        const double weight = weighted ? f64_reduce_add(sum) : (double)above;
        const double one = weighted ? compute_weight(rule, pivot) : 1, with = base + weight;
        const int is_above = above > 0 && with >= target;
        if (!is_above && with + (double)equal * one >= target) {
            cutoff->least = pivot;
            cutoff->ties = count_ties_reaching(with, one, equal, target);
            cutoff->above = with;
            return 1;
        }
        if (!is_above) base = with + (double)equal * one;
        size_t kept = 0;
        for (size_t i = 0; i < n; i += WIDTH) {
            const pack_t pack = load_up_to(x + i, n - i);
            const unsigned valid = n - i < WIDTH ? (1u << (n - i)) - 1 : (1u << WIDTH) - 1;
            const unsigned mask = (is_above ? ~v_mask_ge(middle, pack) : ~v_mask_ge(pack, middle)) & valid;
            v_compress(x + kept, pack, mask);
            kept += SD_COUNT_BITS(mask);
        }
        n = kept;
    }
    return 0;
}

static SD_NOINLINE int find_cutoff_by_count(cutoff_t *cutoff, real_t *x, size_t n, double target) {
    return find_cutoff(cutoff, NULL, 0, 0, x, n, 0, target);
}

static SD_NOINLINE int find_cutoff_by_mass(cutoff_t *cutoff, const mass_rule_t *rule, real_t *x, size_t n,
                                           double base, double target) {
    return rule->shifted ? find_cutoff(cutoff, rule, 1, 1, x, n, base, target)
                         : find_cutoff(cutoff, rule, 1, 0, x, n, base, target);
}
