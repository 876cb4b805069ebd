/* top_p of items that have been gathered: the smallest set of the largest items whose mass reaches p times
 * the mass of all, ties by lower index. Long rows that nothing was gathered from have top_p_row.h. */

/* The smallest number of items, at least 1, that is p times n or more. */
SD_INLINE size_t count_top_p_ties(double p, size_t n) {
    const double target = p * (double)n;
    size_t ties = (size_t)target;
    if ((double)ties < target) ties++;
    return ties > 1 ? ties : 1;
}

/* Applies top_p to f->items. If all that have a mass are equal, or T is infinite, they are counted instead
 * of weighed, so that only the product with p is rounded. */
static void keep_top_p(filter_t *f, mass_rule_t *rule) {
    kept_items_t *items = &f->items;
    const pack_t max = v_set1(rule->max), least = v_set1(rule->least);
    size_t largest = 0, with_mass = 0;
    for (size_t i = 0; i < items->n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, items->n - i);
        largest += SD_COUNT_BITS(v_mask_ge(pack, max));
        with_mass += SD_COUNT_BITS(v_mask_ge(pack, least));
    }
    cutoff_t cutoff = {rule->max, count_top_p_ties(f->top_p, largest), 0};
    if (largest < with_mass) {
        weigh_by_largest(rule);
        const int count = f->ready->limit == ALL_EQUAL;
        const double total = count ? (double)with_mass : sum_weights(rule, items->x, items->n);
        if (!find_cutoff_of_kept(f, &cutoff, count ? NULL : rule, f->top_p * total)) return;
    }
    keep_to_cutoff(items, cutoff.least, cutoff.ties);
}
