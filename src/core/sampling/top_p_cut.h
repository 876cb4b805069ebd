/* The cutoff of top_p among items near a bound. */

/* Whether a set that ends so is the one that reaches any target between two. */
SD_INLINE int is_cutoff_certain(const cutoff_t *end, double one, double lower, double upper) {
    return end->above + (double)(end->ties - 1) * one < lower &&
           end->above + (double)end->ties * one >= upper;
}

/* Ends the set among the items that are equal to the bound, as end_near does. */
static int cut_in_ties(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row,
                       real_t bound, double above, double all, double error) {
    const double target = f->top_p * all, off = f->top_p * error, one = compute_mass(rule, bound);
    size_t ties[MAX_BLOCKS];
    const size_t most = count_ties(row, bound, blocks->length, ties);
    if (above == 0 && all <= (double)most * one * (1 + 1e-6) && count_row_from(row, rule->least) == most) {
        keep_ties(blocks, rule, row, bound, ties, count_top_p_ties(f->top_p, most));
        return 1;
    }
    if (!(above + (double)most * one >= target + off)) return 0;
    const cutoff_t end = {bound, count_ties_reaching(above, one, most, target), above};
    if (error > 0 && !is_cutoff_certain(&end, one, target - off, target + off)) return -1;
    keep_ties(blocks, rule, row, bound, ties, end.ties);
    return 1;
}

/* What all items have, or about: but for an error. */
typedef struct { double all, error; } row_total_t;

/* Sums the row for what all items have; 0 where that is not to be had. */
static int sum_whole_row(const filter_t *f, const source_t *row, row_total_t *total) {
    block_sums_t blocks;
    mass_rule_t rule;
    if (!sum_blocks(&blocks, &rule, f->ready, f->t, row)) return 0;
    total->all = blocks.before[blocks.count];
    total->error = 0;
    return total->all > 0;
}

/* Ends the set that top_p leaves, given what is above a bound: among the items from `other` to the bound,
 * or above the bound and up to `other`. 0 if it does not end there, and -1 if the row has no sum, which is
 * taken where it makes a difference. */
static int cut_near(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row, real_t other,
                    real_t bound, double above, row_total_t *total) {
    const int upwards = other > bound;
    real_t *work = f->work + 2 * SD_MAX_SAMPLES; /* after samples and masses */
    kept_items_t *items = &f->items;
    cutoff_t end = {bound, 1, above};
    if (other == bound) {
        int found = cut_in_ties(f, blocks, rule, row, bound, above, total->all, total->error);
        if (found < 0 && sum_whole_row(f, row, total))
            found = cut_in_ties(f, blocks, rule, row, bound, above, total->all, 0);
        return found;
    }
    gather(items, row, upwards ? next_up(bound) : other, upwards ? other : bound, BLOCK_ITEMS, NULL,
           row->n);
    const double base = upwards ? above - sum_weights(rule, items->x, items->n) : above;
    for (;;) {
        const double target = f->top_p * total->all, off = f->top_p * total->error;
        if (upwards && !(base < target - off && items->n > 0) && other < rule->max) return 0;
        memcpy(work, items->x, items->n * sizeof *work);
        const int found = find_cutoff_by_mass(&end, rule, work, items->n,
                                              upwards && other >= rule->max ? 0 : base, target);
        if (!found && !upwards && other > -LARGEST) return 0;
        if (total->error == 0) {
            if (found) break;
            end.least = upwards ? bound : rule->least; /* sums that are rounded: all are left */
            end.ties = upwards ? 0 : SIZE_MAX;
            break;
        }
        if (found && is_cutoff_certain(&end, compute_mass(rule, end.least), target - off, target + off))
            break;
        if (!sum_whole_row(f, row, total)) return -1;
    }
    keep_gathered(blocks, rule, items, &end, work, upwards);
    return 1;
}
