/* top_p of items that have been gathered: the smallest set of the largest whose mass reaches p times the
 * total, ties by lower index. */

/* How many of n items of one mass are p of them; at least one. */
SD_INLINE size_t count_top_p_ties(double p, size_t n) {
    const double wanted = p * (double)n;
    size_t ties = (size_t)wanted;
    if ((double)ties < wanted) ties++;
    return ties > 1 ? ties : 1;
}

/* Applies top_p to f->items. Where all have one mass they are counted, so that nothing is rounded except
 * p. */
static void keep_top_p(filter_t *f, mass_rule_t *rule) {
    kept_items_t *items = &f->items;
    const pack_t max = v_set1(rule->max), least = v_set1(rule->least);
    size_t largest = 0, possible = 0;
    for (size_t i = 0; i < items->n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, items->n - i);
        largest += SD_COUNT_BITS(v_mask_ge(pack, max));
        possible += SD_COUNT_BITS(v_mask_ge(pack, least));
    }
    cutoff_t cutoff = {rule->max, count_top_p_ties(f->top_p, largest), 0};
    if (largest < possible) {
        weigh_by_largest(rule);
        const int count = f->ready->limit == ALL_EQUAL;
        const double all = count ? (double)possible : sum_weights(rule, items->x, items->n);
        if (!find_cutoff_of_kept(f, &cutoff, count ? NULL : rule, f->top_p * all)) return;
    }
    keep_to_cutoff(items, cutoff.least, cutoff.ties);
}
