/* What a row is filtered with. */

/* What a row is filtered with: everything ready, and scratch in its places. */
typedef struct {
    const temperature_t *ready;
    double t;
    size_t top_k;
    double top_p, min_p;
    kept_items_t items;
    real_t *work, *groups;
} filter_t;

/* Where a set of what is left ends, by mass, or by count if the rule is NULL. */
static int find_cutoff_of_kept(const filter_t *f, cutoff_t *end, const mass_rule_t *rule, double target) {
    memcpy(f->work, f->items.x, f->items.n * sizeof *f->work);
    return rule ? find_cutoff_by_mass(end, rule, f->work, f->items.n, 0, target)
                : find_cutoff_by_count(end, f->work, f->items.n, target);
}
