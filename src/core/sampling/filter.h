/* What a row is filtered with: parameters, the temperature made ready, and the scratch of kernels.h. */

/* top_k is n where it is off, top_p 1, min_p 0. */
typedef struct {
    const temperature_t *ready;
    double t;
    size_t top_k;
    double top_p, min_p;
    kept_items_t items;
    real_t *work, *groups;
} filter_t;

/* The cutoff of f->items, by weight, or by number if the rule is NULL; 0 if they do not reach the
 * target. */
static int find_cutoff_of_kept(const filter_t *f, cutoff_t *cutoff, const mass_rule_t *rule,
                               double target) {
    memcpy(f->work, f->items.x, f->items.n * sizeof *f->work);
    return rule ? find_cutoff_by_mass(cutoff, rule, f->work, f->items.n, 0, target)
                : find_cutoff_by_count(cutoff, f->work, f->items.n, target);
}
