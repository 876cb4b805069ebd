/* The mass of an item, which is its rounded exponential, and the mass rule, which says how masses are
 * computed and which items have any. Filters that leave many items change the rule instead of gathering
 * them. */

/* An item has a mass if it is above `least`, or equal to it and its index is at most `last`, and if that
 * mass is at least least_mass. */
typedef struct {
    reduction_t reduction;
    real_t max, least, least_mass;
    size_t last;
    int shifted;
    inverse_t unit; /* what filters multiply masses by: 1, or 1 over the largest mass */
} mass_rule_t;

/* How far below the largest of n items, in units of T, an item is so unlikely that softmax may give it
 * 0. */
SD_INLINE double negligible_distance(size_t n) {
    double bits = NEGLIGIBLE_BITS;
    for (size_t left = n - 1; left > 0; left /= 2) bits--;
    return bits / SD_LOG2E_HI;
}

/* The reduction that gives every finite x the same exponential. */
SD_INLINE reduction_t make_flat_reduction(void) {
    const reduction_t r = {0, 0, 1, 1, 0, -LARGEST, ROUNDER, 0};
    return r;
}

/* The rule for a row of n items without filters. At a temperature that is its own limit, everything that
 * is kept has one mass. Items that softmax gives 0 are left out, or the word 0 would draw the first item
 * of a row. `ready` is t made ready. */
static mass_rule_t make_mass_rule(const temperature_t *ready, double t, real_t max, size_t n) {
    mass_rule_t rule = {0};
    rule.max = max;
    rule.last = SIZE_MAX;
    rule.unit.high = v_set1(1);
    rule.unit.low = v_set1(0);
    if (ready->limit) {
        rule.shifted = 1;
        rule.least = ready->limit == MAXIMUM_ALONE ? max : -LARGEST;
        rule.reduction = make_flat_reduction();
    } else {
        const double least = (double)max - t * negligible_distance(n);
        rule.shifted = needs_shift(ready, max);
        rule.least = least >= -LARGEST ? (real_t)least : -LARGEST;
        rule.reduction = rule.shifted ? make_shifted_reduction(ready, max) : make_reduction(ready, max);
    }
    return rule;
}

SD_BODY void compute_masses(const mass_rule_t *rule, const int group, const pack_t *x, const int shifted,
                            pack_t *e) {
    const pack_t zero = v_set1(0), least = v_set1(rule->least);
    pack_t s[MAX_GROUP], q[MAX_GROUP];
    compute_exponentials(&rule->reduction, NULL, group, x, shifted, 0, s, q);
    FOR_EACH_PACK e[u] = v_fma(s[u], q[u], s[u]);
    FOR_EACH_PACK e[u] = v_where_ge(x[u], least, e[u], zero);
}

static double compute_mass(const mass_rule_t *rule, real_t x) {
    pack_t pack = v_set1(x);
    compute_masses(rule, 1, &pack, rule->shifted, &pack);
    return (double)v_first(pack);
}

/* Weights are what top_p compares: masses in units of the largest one, so that sums of equal ones are not
 * rounded. */
SD_BODY void compute_weights(const mass_rule_t *rule, const int group, const pack_t *x, const int shifted,
                             pack_t *w) {
    compute_masses(rule, group, x, shifted, w);
    FOR_EACH_PACK w[u] = v_fma(w[u], rule->unit.high, v_mul(w[u], rule->unit.low));
}

static double compute_weight(const mass_rule_t *rule, real_t x) {
    pack_t pack = v_set1(x);
    compute_weights(rule, 1, &pack, rule->shifted, &pack);
    return (double)v_first(pack);
}

static void weigh_by_largest(mass_rule_t *rule) {
    const sd_sum largest = {compute_mass(rule, rule->max) * UNSCALE, 0};
    rule->unit = make_inverse(largest);
}

SD_BODY double sum_packs(const mass_rule_t *rule, const real_t *x, size_t n, const int shifted) {
    f64x8 sum = f64_set1(0);
    pack_t packs[GROUP], e[GROUP];
    size_t i = 0;
    const int group = GROUP;
    for (; n - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
        FOR_EACH_PACK packs[u] = v_load(x + i + (size_t)u * WIDTH);
        compute_weights(rule, group, packs, shifted, e);
        FOR_EACH_PACK sum = f64_add(sum, widen(e[u]));
    }
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        compute_weights(rule, 1, packs, shifted, e);
        sum = f64_add(sum, widen(e[0]));
    }
    return f64_reduce_add(sum);
}

static double sum_weights(const mass_rule_t *rule, const real_t *x, size_t n) {
    return rule->shifted ? sum_packs(rule, x, n, 1) : sum_packs(rule, x, n, 0);
}
