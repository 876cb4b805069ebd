/* top_p of a long row that is peaked: its set consists of a few large items, and the items above a bound are
 * gathered. The others, the rest, have at least no mass and at most that of as many items at the bound, but
 * for roundings. If the set is the same for both, the row need not be summed. Otherwise it is summed, and the
 * set is still found among the gathered items. */

/* Leaves the set in f->items and returns 1, or returns 0 if it may need items at or below the bound, or too
 * many items are above. Both overwrite f->items, *rule, and f->work after the samples. Samples tell that the
 * rest has a mass of about rest * 2^power, and may_skip_sum that the row perhaps need not be summed: all
 * items are then read for their maxima first, which also shows NaN. */
static int keep_top_p_of_peaked(filter_t *f, mass_rule_t *rule, const source_t *row, real_t bound,
                                double rest, double power, int may_skip_sum) {
    kept_items_t *items = &f->items;
    const size_t n = row->n, group = 4 * WIDTH;
    cutoff_t cutoff, second;
    real_t max = may_skip_sum ? find_maxima(row, group, f->group_maxima) : bound;
    if (!IS_FINITE(max)) return 0;
    if (may_skip_sum) gather_from_groups(items, row, next_up(bound), group, f->group_maxima, n / 8);
    else gather(items, row, next_up(bound), LARGEST, n / 8);
    if (items->n > n / 8 || items->n == 0) return 0;
    if (!may_skip_sum) max = v_reduce_max(find_lane_max(items->x, items->n));
    *rule = make_mass_rule(f->ready, f->t, max, n);
    if (rule->shifted) return 0;
    if (bound < rule->least) { /* no other item has a mass, but any may be NaN */
        if (!may_skip_sum) return 0;
        keep_top_p(f, rule);
        return 1;
    }
    const double gathered = sum_weights(rule, items->x, items->n);
    const double rest_limit = (double)(n - items->n) * compute_mass(rule, bound) * (1 + MASS_ERROR);
    /* the least and the largest target; sums are rounded by less than 2^-45 */
    const double lower = f->top_p * gathered * (1 - 0x1p-45);
    const double upper = f->top_p * (gathered + rest_limit) * (1 + 0x1p-45);
    if (may_skip_sum && upper <= gathered) {
        if (find_cutoff_of_kept(f, &cutoff, rule, lower) && find_cutoff_of_kept(f, &second, rule, upper) &&
            cutoff.least == second.least && cutoff.ties == second.ties) {
            keep_to_cutoff(items, cutoff.least, cutoff.ties);
            return 1;
        }
    }
    block_sums_t blocks;
    rest *= SCALE * sd_power_of_2(power - rule->reduction.power);
    if (f->top_p * (gathered + 1.05 * rest) > gathered || !sum_blocks(&blocks, rule, f->ready, f->t, row) ||
        !find_cutoff_of_kept(f, &cutoff, rule, f->top_p * blocks.before[blocks.count]))
        return 0;
    keep_to_cutoff(items, cutoff.least, cutoff.ties);
    return 1;
}
