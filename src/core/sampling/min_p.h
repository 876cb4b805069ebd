/* min_p: the items whose mass is at least min_p times the largest. That means x >= max - T log(1 / min_p),
 * except for roundings, so items are first gathered by a bound on x and then compared by mass. */

/* The smallest real that is not below a > 0. */
SD_INLINE real_t round_up(double a) {
    const real_t r = (real_t)a;
    return (double)r < a ? next_up(r) : r;
}

/* The smallest mass that min_p keeps. */
static real_t find_least_mass(const filter_t *f, const mass_rule_t *rule) {
    return round_up(f->min_p * compute_mass(rule, rule->max));
}

/* A bound that every item kept by min_p reaches, whatever is rounded. */
static real_t find_min_p_bound(const filter_t *f, real_t max) {
    const double below = f->t * sd_log1p((1 - f->min_p) / f->min_p);
    const double size = (max < 0 ? -(double)max : (double)max) + below + f->t;
    return round_bound((double)max - below - 1e-6 * size);
}

/* Whether items that reach a value seem too many for gathering to pay: more than a sixth of 128 samples. */
static int are_many_from(const filter_t *f, const source_t *row, real_t least) {
    const size_t samples = 128;
    take_samples(row, f->work, samples);
    return count_from(f->work, samples, least) > (double)(samples / 6);
}
