/* What one row is filtered with: the parameters of its filters, and scratch. */

/* A filter that is off has top_k = n, top_p = 1 or min_p = 0. The rest is scratch, laid out as kernels.h
 * has it, and NULL where none is needed. */
typedef struct {
    const temperature_t *ready;
    double t;
    size_t top_k;
    double top_p, min_p;
    kept_items_t items;
    real_t *work, *group_maxima;
} filter_t;

/* Finds the cutoff of f->items by weight, or by number if the rule is NULL, with copies in f->work, after
 * samples and their masses. Returns 0 if all of them do not reach the target. */
static int find_cutoff_of_kept(const filter_t *f, cutoff_t *cutoff, const mass_rule_t *rule,
                               double target) {
    real_t *copies = f->work + 2 * SD_MAX_SAMPLES;
    memcpy(copies, f->items.x, f->items.n * sizeof *copies);
    return rule ? find_cutoff_by_mass(cutoff, rule, copies, f->items.n, 0, target)
                : find_cutoff_by_count(cutoff, copies, f->items.n, target);
}
