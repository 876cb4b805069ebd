/* Draws from a row with all its filters, in the order top_k, top_p, min_p, and log-probabilities.
 *
 * Few kept items are gathered in f->items and drawn from like a row. Many are not, because that would take
 * longer than a draw: the mass rule then takes the mass from all others, and the blocks have that of the
 * kept ones. A new filter takes its turn in apply_filters. */

/* Applies all filters. Returns 1 if f->items holds what they keep, 0 if the rule and the blocks describe
 * it, -1 if the row has no finite maximum, so that it cannot be drawn from. */
static int apply_filters(filter_t *f, mass_rule_t *rule, block_sums_t *blocks, const source_t *row) {
    kept_items_t *items = &f->items;
    const size_t n = row->n;
    const int is_long = n >= MIN_SAMPLED && f->top_k >= n;
    int in_items = -1; /* what is returned; -1 until one of the two is known */
    if (is_long && f->top_p < 1) in_items = select_top_p(f, rule, row, blocks);
    if (in_items < 0) {
        const size_t group = choose_group_size(f->top_k < n ? f->top_k : 1, n);
        const real_t max = find_maxima(row, group, f->group_maxima);
        if (!IS_FINITE(max)) return -1;
        *rule = make_mass_rule(f->ready, f->t, max, n);
        in_items = 1;
        if (f->top_k < n) {
            keep_top_k(f, row, group, max);
        } else if (f->top_p < 1 || !is_long || rule->shifted) {
            gather(items, row, -LARGEST, LARGEST, n);
        } else {
            const real_t bound = find_min_p_bound(f, max);
            in_items = !are_many_from(f, row, bound);
            if (in_items) gather_from_groups(items, row, bound, group, f->group_maxima, n / 8);
            in_items = in_items && items->n <= n / 8;
        }
        *rule = make_mass_rule(f->ready, f->t, max, in_items ? items->n : n);
        if (f->top_p < 1) keep_top_p(f, rule);
    }
    if (f->min_p > 0 && in_items) {
        keep_masses(items, rule, find_least_mass(f, rule));
    } else if (f->min_p > 0) {
        rule->least_mass = find_least_mass(f, rule);
        sum_blocks_by_rule(blocks, rule, row, 0, n);
    }
    return in_items;
}

/* Gathers what the rule keeps in f->items. */
static void gather_by_rule(filter_t *f, const mass_rule_t *rule, const source_t *row) {
    kept_items_t *items = &f->items;
    gather(items, row, rule->least, LARGEST, row->n);
    size_t ties = 0;
    for (size_t i = 0; i < items->n; i++)
        ties += items->x[i] == rule->least && items->index[i] <= rule->last;
    keep_to_cutoff(items, rule->least, ties);
    keep_masses(items, rule, rule->least_mass);
}

/* Replaces each logit in drawn[] by the logarithm of its probability among the n logits x. */
static void write_log_probabilities(const filter_t *f, const real_t *x, size_t n, real_t *drawn,
                                    size_t draws) {
    const log_row_t all = sum_log_row(f->ready, x, n);
    const double log_sum = sd_log1p(all.excess.high);
    const log_writer_t writer = make_log_writer(f->t, all.max, log_sum);
    for (size_t i = 0; i < draws; i++)
        drawn[i] = f->t > DBL_MAX ? (real_t)-log_sum + 0 : v_first(write_log(&writer, v_set1(drawn[i])));
}

/* Draws an item for each word, and writes its log-probability unless logprobs is NULL. Returns SOFTDRAW_OK,
 * or an error as find_row_error. */
static int draw_from_row(filter_t *f, const source_t *row, const uint64_t *words, size_t draws,
                         int64_t *out, real_t *logprobs, size_t *where) {
    const kept_items_t *items = &f->items;
    if (f->t == 0) {
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = 0;
        return draw_largest(row, draws, out, where);
    }
    if (f->top_k >= row->n && f->top_p >= 1 && f->min_p <= 0) {
        const int error = draw_from_all(f->ready, f->t, row, words, draws, out, where);
        if (error != SOFTDRAW_OK || !logprobs) return error;
        const int plain = is_plain(row);
        if (!plain) gather(&f->items, row, -LARGEST, LARGEST, row->n);
        for (size_t i = 0; i < draws; i++) logprobs[i] = read_item(row, (size_t)out[i]);
        write_log_probabilities(f, plain ? row->x : items->x, plain ? row->n : items->n, logprobs, draws);
        return SOFTDRAW_OK;
    }
    mass_rule_t rule;
    block_sums_t blocks;
    const int in_items = apply_filters(f, &rule, &blocks, row);
    if (in_items < 0) return find_row_error(row, where);
    if (in_items) {
        const source_t kept = {items->x, SD_NATIVE, NULL, NULL, items->n};
        const int error = draw_from_all(f->ready, f->t, &kept, words, draws, out, where);
        if (error != SOFTDRAW_OK) return error; /* only if another thread changes the row meanwhile */
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = items->x[out[i]];
        for (size_t i = 0; i < draws; i++) out[i] = items->index[out[i]];
    } else {
        const double total = blocks.before[blocks.count];
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)item_or_first(
                find_in_blocks(&blocks, &rule, row, 0, row->n, scale_word(words[i], total)));
        if (logprobs) gather_by_rule(f, &rule, row);
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = read_item(row, (size_t)out[i]);
    }
    if (logprobs) write_log_probabilities(f, items->x, items->n, logprobs, draws);
    return SOFTDRAW_OK;
}
