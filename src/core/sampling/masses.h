/* The mass of an item: its rounded exponential, relative to a power of two near the largest one of the row.
 * A mass rule says how masses are computed and which items have any. Filters that keep many items change
 * the rule, which costs no memory, instead of gathering them. */

/* An item has a mass if it is above `least`, or equal to it with an index of at most `last`, and if that
 * mass is at least least_mass. `shifted` tells whether the reduction needs a shift (needs_shift). */
typedef struct {
    reduction_t reduction;
    real_t max, least, least_mass;
    size_t last;
    int shifted;
    inverse_t unit; /* 1, or 1 over the largest mass: see compute_weights */
} mass_rule_t;

/* By how much of itself, at most, the mass of an item is below that of a smaller one: both are rounded. */
#define MASS_ERROR 0x1p-20

/* From how far below the largest of n items on, in units of T, softmax may give an item 0. */
SD_INLINE double find_negligible_distance(size_t n) {
    double bits = NEGLIGIBLE_BITS;
    for (size_t left = n - 1; left > 0; left /= 2) bits--;
    return bits / SD_LOG2E_HI;
}

/* A bound as a real; the least finite one if it is below that, because masked items, -inf, have no mass. */
SD_INLINE real_t round_bound(double a) { return a >= -LARGEST ? (real_t)a : -LARGEST; }

/* The real nearest to max - distance, but at least -LARGEST; that stays if the distance is infinite, for then
 * bound.low is NaN. Where reals are so far apart for the temperature t that the nearest one is noticeably
 * below, it is the next one. That happens only in rows that need a shift: in others, whose logits are at most
 * MAX_OFFSET t or so, the nearest is less than this below, so that short_rows.h just rounds. */
SD_INLINE real_t find_least_within(double distance, double t, real_t max) {
    const sd_sum bound = sd_two_sum((double)max, -distance);
    const real_t least = round_bound(bound.high);
    const double below = bound.high - (double)least + bound.low;
    return below > t * (MAX_OFFSET * HALF_ULP) ? next_up(least) : least;
}

/* The reduction that gives every finite x the same exponential. */
SD_INLINE reduction_t make_flat_reduction(void) {
    const reduction_t r = {0, 0, 1, 1, 0, -LARGEST, ROUNDER, 0};
    return r;
}

/* The rule for a row of n items without filters, whose largest is max. Items that softmax may give 0 have
 * no mass; otherwise the word 0 would draw the first of a row, however unlikely. At a temperature that is
 * treated as a limit, 0 or infinity, all items with a mass have the same. */
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
        rule.shifted = needs_shift(ready, max);
        rule.least = find_least_within(t * find_negligible_distance(n), t, max);
        rule.reduction = choose_reduction(ready, max, rule.shifted);
    }
    return rule;
}

/* The masses e of `group` packs x, which may be the same packs, before least_mass and `last` are looked at.
 * `shifted` is rule->shifted as a constant, here and below, so that compilers make a function for each value. */
SD_BODY void compute_masses(const mass_rule_t *rule, const int group, const pack_t *x, const int shifted,
                            pack_t *e) {
    const pack_t zero = v_set1(0), least = v_set1(rule->least);
    pack_t s[MAX_GROUP], q[MAX_GROUP];
    compute_exponentials(&rule->reduction, NULL, group, x, shifted, 0, s, q);
    FOR_EACH_PACK s[u] = v_fma(s[u], q[u], s[u]);
    FOR_EACH_PACK e[u] = v_where_ge(x[u], least, s[u], zero);
}

static double compute_mass(const mass_rule_t *rule, real_t x) {
    pack_t pack = v_set1(x);
    compute_masses(rule, 1, &pack, rule->shifted, &pack);
    return (double)v_first(pack);
}

/* The weights w, which top_p adds up and compares: masses or, after weigh_by_largest, masses in units of
 * the largest, which then weighs a power of two, so that sums of items as large are not rounded. */
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

/* The weight of n items. */
SD_BODY double sum_pack_weights(const mass_rule_t *rule, const real_t *x, size_t n, const int shifted) {
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
    return rule->shifted ? sum_pack_weights(rule, x, n, 1) : sum_pack_weights(rule, x, n, 0);
}
