/* top_p of a long row that is peaked, so that a few large items hold most of the mass: only these are
 * gathered and looked at. */

/* Keeps the top_p set in f->items, if it consists of items above the bound, and returns 1; otherwise 0.
 * The samples say that the items below have a mass of about rest 2^power. If the set may turn out not to
 * depend on the exact mass of these (may_skip_sum), all items are read first for their maxima, since one
 * may be NaN. */
static int keep_top_p_of_peaked(filter_t *f, mass_rule_t *rule, const source_t *row, real_t bound,
                                double rest, double power, int may_skip_sum) {
    kept_items_t *items = &f->items;
    const size_t n = row->n, group = may_skip_sum ? BLOCK_ITEMS / 4 : BLOCK_ITEMS;
    cutoff_t cutoff, other;
    real_t max = may_skip_sum ? find_maxima(row, group, f->groups) : bound;
    if (!(max <= LARGEST && max >= -LARGEST)) return 0;
    gather_from(items, row, next_up(bound), group, may_skip_sum ? f->groups : NULL, n / 8);
    if (items->n > n / 8 || items->n == 0) return 0;
    if (!may_skip_sum) max = v_reduce_max(find_lane_max(items->x, items->n));
    *rule = make_mass_rule(f->ready, f->t, max, n);
    if (rule->shifted) return 0;
    const double certain = sum_weights(rule, items->x, items->n);
    const double most = (double)(n - items->n) * compute_mass(rule, bound);
    const double lower = f->top_p * certain * (1 - 0x1p-45);
    const double upper = f->top_p * (certain + most) * (1 + 0x1p-45);
    if (may_skip_sum &&
        upper <= certain) { /* is the cutoff the same, whether the rest has no mass or as much as it can? */
        if (find_cutoff_of_kept(f, &cutoff, rule, lower) && find_cutoff_of_kept(f, &other, rule, upper) &&
            cutoff.least == other.least && cutoff.ties == other.ties) {
            keep_to_cutoff(items, cutoff.least, cutoff.ties);
            return 1;
        }
    }
    block_sums_t blocks;
    rest *= SCALE * sd_power_of_2(power - rule->reduction.power);
    if (f->top_p * (certain + 1.05 * rest) > certain || !sum_blocks(&blocks, rule, f->ready, f->t, row) ||
        !find_cutoff_of_kept(f, &cutoff, rule, f->top_p * blocks.before[blocks.count]))
        return 0;
    keep_to_cutoff(items, cutoff.least, cutoff.ties);
    return 1;
}
