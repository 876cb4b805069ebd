/* Draws from all items of one row, without filters, and the error of a row that cannot be drawn from. */

/* word / 2^64 * total. The word is converted in two halves: to convert all of it, compilers branch on its
 * top bit, which is random and so is mispredicted half of the time. */
SD_INLINE double scale_word(uint64_t word, double total) {
    return ((double)(int64_t)(word >> 32) * 0x1p-32 + (double)(int64_t)(word & 0xffffffff) * 0x1p-64) *
           total;
}

/* The error of a row whose maximum or sum is not a finite number, or has no mass. *where becomes the index
 * of the first NaN or +inf, or n. */
static int find_row_error(const source_t *row, size_t *where) {
    *where = find_bad_item(row);
    return *where < row->n ? SOFTDRAW_ERROR_LOGIT : SOFTDRAW_ERROR_NOTHING;
}

/* Draws an item for each word, at t > 0. Returns SOFTDRAW_OK, or what find_row_error returns. */
static int draw_from_all(const temperature_t *ready, double t, const source_t *row, const uint64_t *words,
                         size_t draws, int64_t *out, size_t *where) {
    const size_t n = row->n;
    if (n <= BLOCK_ITEMS) {
        block_t block;
        real_t room[BLOCK_ITEMS];
        const real_t max = find_maxima(row, BLOCK_ITEMS, NULL);
        if (!IS_FINITE(max)) return find_row_error(row, where);
        const mass_rule_t rule = make_mass_rule(ready, t, max, n);
        const double total = make_block(&block, &rule, fetch_block(row, 0, n, room), n, 0);
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)item_or_first(find_in_block(&block, scale_word(words[i], total)));
        return SOFTDRAW_OK;
    }
    block_sums_t blocks;
    mass_rule_t rule;
    if (!sum_blocks(&blocks, &rule, ready, t, row)) {
        const real_t max = find_maxima(row, BLOCK_ITEMS, NULL);
        if (!IS_FINITE(max)) return find_row_error(row, where);
        rule = make_mass_rule(ready, t, max, n);
        sum_blocks_by_rule(&blocks, &rule, row, 0, n);
    }
    const double total = blocks.before[blocks.count];
    if (!(total > 0)) return find_row_error(row, where);
    for (size_t i = 0; i < draws; i++)
        out[i] =
            (int64_t)item_or_first(find_in_blocks(&blocks, &rule, row, 0, n, scale_word(words[i], total)));
    return SOFTDRAW_OK;
}

/* Draws at T = 0: every draw is the first of the largest items. Errors are those of find_row_error. */
static int draw_largest(const source_t *row, size_t draws, int64_t *out, size_t *where) {
    const real_t max = find_maxima(row, BLOCK_ITEMS, NULL);
    if (!IS_FINITE(max)) return find_row_error(row, where);
    const pack_t least = v_set1(max);
    size_t i = 0;
    unsigned found = 0;
    for (; i < row->n; i += WIDTH)
        if ((found = v_mask_ge(read_pack(row, i), least)) != 0) break;
    while (found != 0 && !(found & 1)) {
        found >>= 1;
        i++;
    }
    if (found == 0) i = 0; /* another thread changed the row meanwhile */
    for (size_t d = 0; d < draws; d++) out[d] = (int64_t)i;
    return SOFTDRAW_OK;
}
