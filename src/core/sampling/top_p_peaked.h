/* top_p of a long row that is peaked, from its largest items alone. */

/* What top_p leaves of a row that is peaked, from its largest items alone, which are above a bound: 1 if
 * that could be said. The rest has a mass of about rest 2^power. If it `may_do` without the exact sum, all
 * items are looked at first: one may be NaN. */
static int keep_top_p_of_peaked(filter_t *f, mass_rule_t *rule, const source_t *row, real_t bound,
                                double rest, double power, int may_do) {
    kept_items_t *items = &f->items;
    const size_t n = row->n, group = may_do ? BLOCK_ITEMS / 4 : BLOCK_ITEMS;
    cutoff_t end, other;
    real_t max = may_do ? find_maxima(row, group, f->groups) : bound;
    if (!(max <= LARGEST && max >= -LARGEST)) return 0;
    gather_from(items, row, next_up(bound), group, may_do ? f->groups : NULL, n / 8);
    if (items->n > n / 8 || items->n == 0) return 0;
    if (!may_do) max = v_reduce_max(find_lane_max(items->x, items->n));
    *rule = make_mass_rule(f->ready, f->t, max, n);
    if (rule->moved) return 0;
    const double certain = sum_weights(rule, items->x, items->n);
    const double most = (double)(n - items->n) * compute_mass(rule, bound);
    const double lower = f->top_p * certain * (1 - 0x1p-45);
    const double upper = f->top_p * (certain + most) * (1 + 0x1p-45);
    if (may_do && upper <= certain) { /* what the rest may have changes nothing? */
        if (find_cutoff_of_kept(f, &end, rule, lower) && find_cutoff_of_kept(f, &other, rule, upper) &&
            end.least == other.least && end.ties == other.ties) {
            keep_to_cutoff(items, end.least, end.ties);
            return 1;
        }
    }
    block_sums_t blocks;
    rest *= SCALE * sd_power_of_2(power - rule->reduction.power);
    if (f->top_p * (certain + 1.05 * rest) > certain || !sum_blocks(&blocks, rule, f->ready, f->t, row) ||
        !find_cutoff_of_kept(f, &end, rule, f->top_p * blocks.before[blocks.count]))
        return 0;
    keep_to_cutoff(items, end.least, end.ties);
    return 1;
}
