/* For top_p in long rows: counting the items that equal a value, and applying a cutoff, which means that
 * the mass rule says what is kept, and the mass of each block is that of what is kept. */

/* ties[b] becomes how many items of block b, of `length` items, equal the value; returns their sum. */
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

/* How many items of the row are at least some value. */
static size_t count_row_from(const source_t *row, real_t least) {
    real_t room[BLOCK_ITEMS];
    double all = 0;
    for (size_t i = 0; i < row->n; i += BLOCK_ITEMS) {
        const size_t count = row->n - i < BLOCK_ITEMS ? row->n - i : BLOCK_ITEMS;
        all += count_from(fetch_block(row, i, count, room), count, least);
    }
    return (size_t)all;
}

/* Applies a cutoff to blocks that have the mass of all items above `value`: keeps the first `kept` of the
 * items equal to it, too. Block b has ties[b] of these. */
static void keep_ties(block_sums_t *blocks, mass_rule_t *rule, const source_t *row, real_t value,
                      const size_t *ties, size_t kept) {
    const double tie_mass = compute_mass(rule, value);
    rule->least = value;
    for (size_t b = 0; b < blocks->count && kept > 0; b++) {
        size_t here = ties[b] < kept ? ties[b] : kept;
        blocks->before[b + 1] += (double)here * tie_mass;
        kept -= here;
        if (kept > 0) continue;
        size_t i = b * blocks->length;
        while (i + 1 < row->n && (read_item(row, i) != value || --here > 0)) i++;
        rule->last = i;
    }
}

/* Applies a cutoff that lies among gathered items: adds the masses of the kept ones to their blocks or, if
 * all are already counted there, subtracts the dropped ones. `work` has room for their masses. */
static void keep_gathered(block_sums_t *blocks, mass_rule_t *rule, const kept_items_t *items,
                          const cutoff_t *cutoff, real_t *work, const int already_counted) {
    const pack_t least = v_set1(cutoff->least), zero = v_set1(0);
    const real_t tie_mass = already_counted ? 0 : (real_t)compute_mass(rule, cutoff->least);
    const size_t n = items->n;
    size_t ties = cutoff->ties;
    for (size_t i = 0; i < n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, n - i);
        pack_t e;
        compute_masses(rule, 1, &pack, 0, &e);
        v_store(work + i, v_where_ge(least, pack, already_counted ? e : zero, already_counted ? zero : e));
        unsigned equal = v_mask_ge(pack, least) & v_mask_ge(least, pack);
        for (; equal && ties > 0; equal &= equal - 1, ties--) {
            const size_t at = i + SD_FIRST_BIT((uint64_t)equal);
            work[at] = tie_mass;
            rule->last = items->index[at];
        }
    }
    rule->least = cutoff->least;
    /* block by block, because adding each item to a sum in memory would wait for the sum every time */
    for (size_t i = 0; i < n;) {
        const size_t block = items->index[i] / blocks->length, after = (block + 1) * blocks->length;
        f64x8 packs = f64_set1(0);
        double sum = 0;
        for (; n - i >= WIDTH && items->index[i + WIDTH - 1] < after; i += WIDTH)
            packs = f64_add(packs, widen(v_load(work + i)));
        for (; i < n && items->index[i] < after; i++) sum += (double)work[i];
        sum += f64_reduce_add(packs);
        blocks->before[block + 1] += already_counted ? -sum : sum;
    }
}
