/* The cutoff of top_p, looked for among the items near a bound.
 *
 * top_p_row.h splits a row at a bound: it knows the mass of all items above the bound, and the mass of the
 * whole row except for an error, because the rest was added up with roundings. A cutoff is certain if it is
 * the same for every total within that error; where it is not, the row is summed exactly once more. */

/* Whether the set with this cutoff, whose last items have the mass `one` each, is the smallest one that
 * reaches any target from lower to upper. */
SD_INLINE int is_cutoff_certain(const cutoff_t *cutoff, double one, double lower, double upper) {
    return cutoff->above + (double)(cutoff->ties - 1) * one < lower &&
           cutoff->above + (double)cutoff->ties * one >= upper;
}

/* Looks for the cutoff among the items that are equal to the bound. Returns what cut_near returns. */
static int cut_in_ties(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row,
                       real_t bound, double above, double all, double error) {
    const double target = f->top_p * all, slack = f->top_p * error, one = compute_mass(rule, bound);
    size_t ties[MAX_BLOCKS];
    const size_t count = count_ties(row, bound, blocks->length, ties);
    if (above == 0 && all <= (double)count * one * (1 + 1e-6) &&
        count_row_from(row, rule->least) == count) {
        keep_ties(blocks, rule, row, bound, ties, count_top_p_ties(f->top_p, count));
        return 1;
    }
    if (!(above + (double)count * one >= target + slack)) return 0;
    const cutoff_t cutoff = {bound, count_ties_reaching(above, one, count, target), above};
    if (error > 0 && !is_cutoff_certain(&cutoff, one, target - slack, target + slack)) return -1;
    keep_ties(blocks, rule, row, bound, ties, cutoff.ties);
    return 1;
}

/* The mass of all items, which is right except for an error of at count this. */
typedef struct { double all, error; } row_total_t;

/* Sums the whole row exactly; 0 if it has no sum. */
static int sum_whole_row(const filter_t *f, const source_t *row, row_total_t *total) {
    block_sums_t blocks;
    mass_rule_t rule;
    if (!sum_blocks(&blocks, &rule, f->ready, f->t, row)) return 0;
    total->all = blocks.before[blocks.count];
    total->error = 0;
    return total->all > 0;
}

/* Looks for the cutoff among the items from `other` to the bound or, if `other` is larger, above the bound
 * and up to `other`; `above` is the mass of all items above the bound. Returns 1 and leaves the set to the
 * rule and the blocks; 0 if the cutoff is not there; -1 if the row has no sum, which is taken only where
 * it makes a difference. */
static int cut_near(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row, real_t other,
                    real_t bound, double above, row_total_t *total) {
    const int upwards = other > bound;
    real_t *work = f->work + 2 * SD_MAX_SAMPLES; /* after samples and masses */
    kept_items_t *items = &f->items;
    cutoff_t cutoff = {bound, 1, above};
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
        const double target = f->top_p * total->all, slack = f->top_p * total->error;
        if (upwards && !(base < target - slack && items->n > 0) && other < rule->max) return 0;
        memcpy(work, items->x, items->n * sizeof *work);
        const int found = find_cutoff_by_mass(&cutoff, rule, work, items->n,
                                              upwards && other >= rule->max ? 0 : base, target);
        if (!found && !upwards && other > -LARGEST) return 0;
        if (total->error == 0) {
            if (found) break;
            cutoff.least =
                upwards ? bound : rule->least; /* rounded sums fall short of the target: all are kept */
            cutoff.ties = upwards ? 0 : SIZE_MAX;
            break;
        }
        if (found &&
            is_cutoff_certain(&cutoff, compute_mass(rule, cutoff.least), target - slack, target + slack))
            break;
        if (!sum_whole_row(f, row, total)) return -1;
    }
    keep_gathered(blocks, rule, items, &cutoff, work, upwards);
    return 1;
}
