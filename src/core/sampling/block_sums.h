/* The mass of each block of a row, and the item of the row that a word draws: the first at which the masses
 * add up to more than the word scaled to the total. The sums of the blocks tell which block that is in, so
 * only this one is computed item by item. */

/* The largest number of blocks. Rows longer than MAX_BLOCKS * BLOCK_ITEMS have longer blocks, each of which
 * is cut into blocks again when it is searched. */
#define MAX_BLOCKS 256

/* `count` blocks of `length` items, of which the last may be shorter. before[b] is the mass of all blocks
 * before block b, before[count] that of all. */
typedef struct {
    size_t length, count;
    double before[MAX_BLOCKS + 1];
} block_sums_t;

SD_INLINE size_t choose_block_length(size_t n) {
    size_t length = BLOCK_ITEMS;
    while (n > length * MAX_BLOCKS) length *= 2;
    return length;
}

/* Turns the mass of each block b alone, in before[b + 1], into the sums that block_sums_t holds. */
static void accumulate_blocks(block_sums_t *blocks) {
    blocks->before[0] = 0;
    for (size_t b = 0; b < blocks->count; b++) blocks->before[b + 1] += blocks->before[b];
}

/* Which comparisons tell what the rule keeps. Usually one is enough, for the masses of larger items are at
 * most MASS_ERROR of themselves smaller. */
typedef enum { COMPARE_ITEMS, COMPARE_MASSES, COMPARE_BOTH } comparison_t;

static comparison_t choose_comparison(const mass_rule_t *rule) {
    const double mass = compute_mass(rule, rule->least), least_mass = (double)rule->least_mass;
    if (least_mass <= mass * (1 - MASS_ERROR)) return COMPARE_ITEMS;
    return least_mass > mass * (1 + MASS_ERROR) ? COMPARE_MASSES : COMPARE_BOTH;
}

/* The mass that the rule gives n items x, among which there are no dropped ties. */
SD_BODY double sum_kept(const mass_rule_t *rule, const real_t *x, size_t n, const int by_mass) {
    const pack_t zero = v_set1(0), least = v_set1(rule->least), least_mass = v_set1(rule->least_mass);
    const reduction_t r = rule->reduction;
    pack_t s[GROUP], q[GROUP], packs[GROUP], e[GROUP];
    f64x8 sum = f64_set1(0);
    size_t i = 0;
    const int group = GROUP;
    for (; n - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
        FOR_EACH_PACK packs[u] = v_load(x + i + (size_t)u * WIDTH);
        compute_exponentials(&r, NULL, group, packs, 0, 0, s, q);
        FOR_EACH_PACK e[u] = v_fma(s[u], q[u], s[u]);
        if (by_mass) FOR_EACH_PACK e[u] = v_where_ge(e[u], least_mass, e[u], zero);
        else FOR_EACH_PACK e[u] = v_where_ge(packs[u], least, e[u], zero);
        FOR_EACH_PACK sum = f64_add(sum, widen(e[u]));
    }
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        compute_masses(rule, 1, packs, 0, e);
        sum = f64_add(sum, widen(v_where_ge(e[0], least_mass, e[0], zero)));
    }
    return f64_reduce_add(sum);
}

/* Computes the sums of blocks for items first to first + n - 1 of a row, as the rule gives them masses. */
static void sum_blocks_by_rule(block_sums_t *blocks, const mass_rule_t *rule, const source_t *row,
                               size_t first, size_t n) {
    block_t block;
    real_t room[BLOCK_ITEMS];
    const comparison_t comparison = choose_comparison(rule);
    blocks->length = choose_block_length(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        for (; i < end; i += BLOCK_ITEMS) {
            const size_t count = end - i < BLOCK_ITEMS ? end - i : BLOCK_ITEMS;
            const real_t *x = fetch_block(row, first + i, count, room);
            if (rule->shifted || rule->last < first + i + count || comparison == COMPARE_BOTH)
                sum += make_block(&block, rule, x, count, first + i);
            else if (comparison == COMPARE_ITEMS) sum += sum_kept(rule, x, count, 0);
            else sum += sum_kept(rule, x, count, 1);
        }
        i = end;
        blocks->before[blocks->count + 1] = sum;
    }
    accumulate_blocks(blocks);
}

static size_t find_in_blocks(const block_sums_t *blocks, const mass_rule_t *rule, const source_t *row,
                             size_t first, size_t n, double r);

/* The item of block b at which the masses of all n items from `first` on add up to more than r; SIZE_MAX if
 * no item of the block has a mass. */
static size_t find_in_one_block(const block_sums_t *blocks, size_t b, const mass_rule_t *rule,
                                const source_t *row, size_t first, size_t n, double r) {
    const size_t start = b * blocks->length;
    const size_t length = n - start < blocks->length ? n - start : blocks->length;
    r = r > blocks->before[b] ? r - blocks->before[b] : 0;
    first += start;
    if (blocks->length > BLOCK_ITEMS) {
        block_sums_t inner;
        sum_blocks_by_rule(&inner, rule, row, first, length);
        return find_in_blocks(&inner, rule, row, first, length, r);
    }
    block_t block;
    real_t room[BLOCK_ITEMS];
    make_block(&block, rule, fetch_block(row, first, length, room), length, first);
    const size_t found = find_in_block(&block, r);
    return found == SIZE_MAX ? found : first + found;
}

/* Of items first to first + n - 1, the one at which the masses add up to more than r; SIZE_MAX if none has
 * a mass. Where masses were subtracted, a block without items may keep a rounding: if r falls there, the
 * next block with an item is taken, or else the last one before. */
static size_t find_in_blocks(const block_sums_t *blocks, const mass_rule_t *rule, const source_t *row,
                             size_t first, size_t n, double r) {
    size_t at = 0, found = SIZE_MAX;
    while (at + 1 < blocks->count && blocks->before[at + 1] <= r) at++;
    for (size_t b = at; b < blocks->count && found == SIZE_MAX; b++)
        found = find_in_one_block(blocks, b, rule, row, first, n, r);
    for (size_t b = at; b > 0 && found == SIZE_MAX; b--)
        found = find_in_one_block(blocks, b - 1, rule, row, first, n, r);
    return found;
}

/* If another thread changes the row meanwhile, nothing may be found; then any item will do. */
SD_INLINE size_t item_or_first(size_t found) { return found == SIZE_MAX ? 0 : found; }
