/* Items that are equal to a value, counted, and how a set with a known cutoff is handed over: to the mass
 * rule, which says which items are kept, and to the blocks, which have the mass of what is kept. */

/* Counts the items of each block that are equal to the value, in ties[block]; returns the sum. */
static size_t count_ties(const source_t *row, real_t value, size_t length, size_t *ties) {
    const pack_t same = v_set1(value);
    real_t room[BLOCK_ITEMS];
    size_t all = 0;
    for (size_t i = 0, b = 0; i < row->n; b++) {
        const size_t end = row->n - i < length ? row->n : i + length;
        ties[b] = 0;
        for (size_t count; i < end; i += count) {
            count = end - i < BLOCK_ITEMS ? end - i : BLOCK_ITEMS;
            const real_t *x = fetch_block(row, i, count, room);
            for (size_t j = 0; j < count; j += WIDTH) {
                const pack_t pack = load_up_to(x + j, count - j);
                ties[b] += SD_COUNT_BITS(v_mask_ge(pack, same) & v_mask_ge(same, pack));
            }
        }
        all += ties[b];
    }
    return all;
}

/* Counts the items that are at least some value. */
static size_t count_row_from(const source_t *row, real_t least) {
    real_t room[BLOCK_ITEMS];
    double all = 0;
    for (size_t i = 0; i < row->n; i += BLOCK_ITEMS) {
        const size_t count = row->n - i < BLOCK_ITEMS ? row->n - i : BLOCK_ITEMS;
        all += count_from(fetch_block(row, i, count, room), count, least);
    }
    return (size_t)all;
}

/* Keeps all items above the value, whose mass the blocks have already, and the first `kept` that are equal
 * to it, of which each block has ties[block]. */
static void keep_ties(block_sums_t *blocks, mass_rule_t *rule, const source_t *row, real_t value,
                      const size_t *ties, size_t kept) {
    const double one = compute_mass(rule, value);
    rule->least = value;
    for (size_t b = 0; b < blocks->count && kept > 0; b++) {
        size_t here = ties[b] < kept ? ties[b] : kept;
        blocks->before[b + 1] += (double)here * one;
        kept -= here;
        if (kept > 0) continue;
        size_t i = b * blocks->length;
        while (i + 1 < row->n && (read_item(row, i) != value || --here > 0)) i++;
        rule->last = i;
    }
}

/* The cutoff lies among these gathered items: adds the masses of the kept ones to their blocks or, if the
 * blocks had all of them already, subtracts those of the dropped ones. work has room for their masses. */
static void keep_gathered(block_sums_t *blocks, mass_rule_t *rule, const kept_items_t *items,
                          const cutoff_t *cutoff, real_t *work, const int had) {
    const pack_t least = v_set1(cutoff->least), zero = v_set1(0);
    const real_t one = had ? 0 : (real_t)compute_mass(rule, cutoff->least);
    const size_t n = items->n;
    size_t ties = cutoff->ties;
    for (size_t i = 0; i < n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, n - i);
        pack_t e;
        compute_masses(rule, 1, &pack, 0, &e);
        v_store(work + i, v_where_ge(least, pack, had ? e : zero, had ? zero : e));
        unsigned equal = v_mask_ge(pack, least) & v_mask_ge(least, pack);
        for (; equal && ties > 0; equal &= equal - 1, ties--) {
            const size_t at = i + SD_FIRST_BIT((uint64_t)equal);
            work[at] = one;
            rule->last = items->index[at];
        }
    }
    rule->least = cutoff->least;
    for (size_t i = 0;
         i < n;) { /* block by block, because a sum in memory has to be waited for at every item */
        const size_t block = items->index[i] / blocks->length, after = (block + 1) * blocks->length;
        f64x8 packs = f64_set1(0);
        double sum = 0;
        for (; n - i >= WIDTH && items->index[i + WIDTH - 1] < after; i += WIDTH)
            packs = f64_add(packs, widen(v_load(work + i)));
        for (; i < n && items->index[i] < after; i++) sum += (double)work[i];
        sum += f64_reduce_add(packs);
        blocks->before[block + 1] += had ? -sum : sum;
    }
}
