/* The cutoff of top_p in a long row, looked for among the items near the bound at which top_p_row.h has
 * split it. If the mass above the bound is below the target, p times the mass of the row, the cutoff is at
 * or below the bound, and items from a lower value up to the bound are gathered; otherwise items from above
 * the bound up to a higher value are.
 *
 * The mass above the bound is known as a draw knows it, but that of the row only up to an error, since the
 * others were added up with larger roundings. A cutoff is certain if it is the same for every target that
 * the error allows; only if it is not, the row is summed once more, as for a draw. */

/* Whether a cutoff, each of whose ties has the mass tie_mass, is right for any target from lower to
 * upper. */
SD_INLINE int is_cutoff_certain(const cutoff_t *cutoff, double tie_mass, double lower, double upper) {
    return cutoff->above + (double)(cutoff->ties - 1) * tie_mass < lower &&
           cutoff->above + (double)cutoff->ties * tie_mass >= upper;
}

/* A row split at a bound: the numbers of samples that reach it and that exceed it, the mass of the items
 * above it, the mass of the whole row, which may be off by `error` in either direction, and the missing
 * mass, which is positive if the cutoff is at or below the bound. */
typedef struct {
    real_t bound;
    double reached_by, exceeded_by, mass_above, mass, error, missing;
    int is_tied; /* many items are equal to the bound */
} row_split_t;

/* Sums the row as for a draw, which makes the error 0. Returns 1; 0 if this moves the cutoff to the other
 * side of the bound; -1 if the sum is not positive or is NaN. */
static int sum_whole_row(const filter_t *f, const source_t *row, row_split_t *split) {
    const int was_missing = split->missing > 0;
    block_sums_t blocks;
    mass_rule_t rule;
    if (!sum_blocks(&blocks, &rule, f->ready, f->t, row)) return -1;
    split->mass = blocks.before[blocks.count];
    split->error = 0;
    split->missing = f->top_p * split->mass - split->mass_above;
    return split->mass > 0 ? (split->missing > 0) == was_missing : -1;
}

/* Looks for the cutoff among the items equal to the bound, and applies it. Returns 1; 0 if the cutoff is
 * lower; -1 if it is not certain. */
static int place_cutoff_in_ties(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row,
                                const row_split_t *split) {
    const real_t bound = split->bound;
    const double above = split->mass_above, tie_mass = compute_mass(rule, bound);
    const double target = f->top_p * split->mass, slack = f->top_p * split->error;
    size_t ties[MAX_BLOCKS];
    const size_t count = count_ties(row, bound, blocks->length, ties);
    if (above == 0 && split->mass <= (double)count * tie_mass * (1 + 1e-6) &&
        count_row_from(row, rule->least) == count) {
        keep_ties(blocks, rule, row, bound, ties, count_top_p_ties(f->top_p, count));
        return 1;
    }
    if (!(above + (double)count * tie_mass >= target + slack)) return 0;
    const cutoff_t cutoff = {bound, count_ties_reaching(above, tie_mass, count, target), above};
    if (split->error > 0 && !is_cutoff_certain(&cutoff, tie_mass, target - slack, target + slack))
        return -1;
    keep_ties(blocks, rule, row, bound, ties, cutoff.ties);
    return 1;
}

/* Looks for the cutoff among the items from far_end to the bound or, if far_end is larger, above the bound
 * up to far_end, and applies it. The blocks have the items above the bound. Returns 1; 0 if the cutoff is
 * further away or, as a sum of the row has shown, on the other side of the bound; -1 if the row had to be
 * summed and has no sum. */
static int place_cutoff(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row,
                        real_t far_end, row_split_t *split) {
    const real_t bound = split->bound;
    const double above = split->mass_above;
    const int upwards = far_end > bound;
    real_t *work = f->work + 2 * SD_MAX_SAMPLES; /* after samples and masses */
    kept_items_t *items = &f->items;
    cutoff_t cutoff = {bound, 1, above};
    if (far_end == bound) {
        int found = place_cutoff_in_ties(f, blocks, rule, row, split);
        if (found < 0 && (found = sum_whole_row(f, row, split)) > 0)
            found = place_cutoff_in_ties(f, blocks, rule, row, split);
        return found;
    }
    gather(items, row, upwards ? next_up(bound) : far_end, upwards ? far_end : bound, row->n);
    const double base = upwards ? above - sum_weights(rule, items->x, items->n) : above;
    for (;;) {
        const double target = f->top_p * split->mass, slack = f->top_p * split->error;
        if (upwards && !(base < target - slack && items->n > 0) && far_end < rule->max) return 0;
        memcpy(work, items->x, items->n * sizeof *work);
        const int found = find_cutoff_by_mass(&cutoff, rule, work, items->n,
                                              upwards && far_end >= rule->max ? 0 : base, target);
        if (!found && !upwards && far_end > -LARGEST) return 0;
        if (found && (split->error == 0 || is_cutoff_certain(&cutoff, compute_mass(rule, cutoff.least),
                                                             target - slack, target + slack)))
            break;
        if (split->error == 0) { /* rounded sums end before the target: keep all */
            cutoff.least = upwards ? next_up(bound) : rule->least;
            cutoff.ties = SIZE_MAX;
            break;
        }
        const int on_same_side = sum_whole_row(f, row, split);
        if (on_same_side <= 0) return on_same_side;
    }
    if (cutoff.least < rule->least) { /* the target is only reached, up to rounding, by items without a mass */
        cutoff.least = rule->least;
        cutoff.ties = SIZE_MAX;
    }
    keep_gathered(blocks, rule, items, &cutoff, work, upwards);
    return 1;
}
