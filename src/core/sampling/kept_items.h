/* Items gathered from a row, with their indices, in the order of the row: what a filter that keeps few
 * items leaves, and what top_p looks for its cutoff among. */

/* n items and their indices in the row; both arrays are in the caller's scratch and as long as the row. */
typedef struct {
    real_t *x;
    uint32_t *index;
    size_t n;
} kept_items_t;

static const uint32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Which of the first min(left, 64) items of x are from low to high: bit i stands for x[i]. */
SD_BODY uint64_t find_between(const real_t *x, size_t left, pack_t low, pack_t high) {
    uint64_t found = 0;
    for (size_t i = 0; i < 64 && i < left; i += 2 * WIDTH) {
        const pack_t a = load_up_to(x + i, left - i);
        const pack_t b =
            left - i > WIDTH ? load_up_to(x + i + WIDTH, left - i - WIDTH) : v_set1(-(real_t)INFINITY);
        found |= (uint64_t)v_mask_between(a, b, low, high) << i;
    }
    return found;
}

/* Appends those of n <= BLOCK_ITEMS items x, which begin at index i of a row, that are from low to high: by
 * compressing packs if they are more than an eighth, otherwise bit by bit. */
static SD_NOINLINE void append_items(kept_items_t *items, const real_t *x, size_t n, size_t i, real_t low,
                                     real_t high) {
    const pack_t from = v_set1(low), to = v_set1(high);
    uint64_t found[BLOCK_ITEMS / 64];
    size_t count = 0;
    for (size_t j = 0; j < n; j += 64) {
        found[j / 64] =
            n - j >= 64 ? find_between(x + j, 64, from, to) : find_between(x + j, n - j, from, to);
        count += SD_COUNT_BITS(found[j / 64]);
    }
    real_t *value = items->x + items->n;
    uint32_t *index = items->index + items->n;
    items->n += count;
    if (count > n / 8) {
        for (size_t j = 0; j < n; j += WIDTH) {
            const unsigned mask = (unsigned)(found[j / 64] >> j % 64) & mask_first(WIDTH);
            v_compress(value, load_up_to(x + j, n - j), mask);
            v_compress_index(index, lane_numbers, (uint32_t)(i + j), mask);
            value += SD_COUNT_BITS(mask);
            index += SD_COUNT_BITS(mask);
        }
        return;
    }
    uint32_t *at = index;
    for (size_t j = 0; j < n; j += 64) {
        uint64_t each = found[j / 64];
        uint32_t *const next = at + SD_COUNT_BITS(each);
        do { /* four, even if fewer are left: the end of a loop over each bit would be mispredicted */
            SD_UNROLL for (int k = 0; k < 4; k++, each &= each - 1) *at++ =
                (uint32_t)(i + j) + SD_FIRST_BIT(each | UINT64_C(1) << 63);
        } while (each);
        at = next;
    }
    for (size_t k = 0; k < count; k++) value[k] = x[index[k] - i];
}

/* Gathers the items from low to high, but stops soon after there are more than max_count. */
static void gather(kept_items_t *items, const source_t *row, real_t low, real_t high, size_t max_count) {
    real_t room[BLOCK_ITEMS];
    items->n = 0;
    for (size_t i = 0; i < row->n && items->n <= max_count; i += BLOCK_ITEMS) {
        const size_t count = row->n - i < BLOCK_ITEMS ? row->n - i : BLOCK_ITEMS;
        append_items(items, fetch_block(row, i, count, room), count, i, low, high);
    }
}

/* Stores those of `group` packs x, which begin at index i of a row, that are at least low, with their
 * indices, and returns how many they are. */
SD_INLINE size_t copy_from(const int group, const real_t *x, size_t i, pack_t low, real_t *value,
                           uint32_t *index) {
    uint64_t each = 0;
    FOR_EACH_PACK each |= (uint64_t)v_mask_ge(v_load(x + u * WIDTH), low) << u * WIDTH;
    const size_t count = SD_COUNT_BITS(each);
    do { /* four, even if fewer are left: the end of a loop over each bit would be mispredicted */
        SD_UNROLL for (int k = 0; k < 4; k++, each &= each - 1) {
            const size_t bit = SD_FIRST_BIT(each | UINT64_C(1) << (group * WIDTH - 1));
            *value++ = x[bit];
            *index++ = (uint32_t)(i + bit);
        }
    } while (each);
    return count;
}

/* Gathers the items that are at least low, but stops soon after there are more than max_count. group_maxima
 * has the maxima of groups of `group` items: groups below low are not read. */
static SD_NOINLINE void gather_from_groups(kept_items_t *items, const source_t *row, real_t low,
                                           size_t group, const real_t *group_maxima, size_t max_count) {
    real_t room[BLOCK_ITEMS];
    const pack_t limit = v_set1(low);
    const size_t n = row->n, groups = (n + group - 1) / group;
    const real_t *x = is_plain(row) ? row->x : NULL;
    size_t kept = 0;
    for (size_t g = 0; g < groups; g += 64) {
        uint64_t reaching = find_between(group_maxima + g, groups - g, limit, v_set1(LARGEST));
        for (; reaching && kept <= max_count; reaching &= reaching - 1) {
            const size_t i = (g + SD_FIRST_BIT(reaching)) * group;
            if (x && n - i >= group && group == 4 * WIDTH) {
                kept += copy_from(4, x + i, i, limit, items->x + kept, items->index + kept);
            } else if (x && n - i >= group && group == 2 * WIDTH) {
                kept += copy_from(2, x + i, i, limit, items->x + kept, items->index + kept);
            } else {
                const size_t count = n - i < group ? n - i : group;
                items->n = kept;
                append_items(items, fetch_block(row, i, count, room), count, i, low, LARGEST);
                kept = items->n;
            }
        }
    }
    items->n = kept;
}

/* Drops all items but those above `least` and the first `ties` that are equal to it. */
static void keep_to_cutoff(kept_items_t *items, real_t least, size_t ties) {
    const pack_t limit = v_set1(least);
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, items->n - i);
        const unsigned from = v_mask_ge(pack, limit), above = from & ~v_mask_ge(limit, pack);
        unsigned equal = from & ~above, some = 0;
        if (SD_COUNT_BITS(equal) > ties) { /* the lowest `ties` bits of them */
            for (size_t left = ties; left > 0; left--, equal &= equal - 1) some |= equal & (0u - equal);
            equal = some;
        }
        ties -= SD_COUNT_BITS(equal);
        v_compress(items->x + kept, pack, above | equal);
        v_compress_index(items->index + kept, items->index + i, 0, above | equal);
        kept += SD_COUNT_BITS(above | equal);
    }
    items->n = kept;
}

/* Drops the items whose mass is below `least`. */
static void keep_masses(kept_items_t *items, const mass_rule_t *rule, real_t least) {
    const pack_t limit = v_set1(least);
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i += WIDTH) {
        const pack_t pack = load_up_to(items->x + i, items->n - i);
        pack_t e;
        compute_masses(rule, 1, &pack, rule->shifted, &e);
        const unsigned mask = v_mask_ge(e, limit) & mask_first(items->n - i);
        v_compress(items->x + kept, pack, mask);
        v_compress_index(items->index + kept, items->index + i, 0, mask);
        kept += SD_COUNT_BITS(mask);
    }
    items->n = kept;
}
