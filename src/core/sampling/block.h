/* The masses of one block of at most BLOCK_ITEMS items, and the item in it that a word draws. */

/* The longest row whose masses are added item by item: that is how draw_columns (short_rows.h), which gives
 * each row a lane, has to add them. */
#define MAX_COLUMNS 16

/* before[p] is the mass of all packs before pack p, before[packs] that of all items. */
typedef struct {
    real_t mass[BLOCK_ITEMS];
    double before[BLOCK_ITEMS / WIDTH + 1];
    size_t packs;
} block_t;

SD_BODY void compute_block_masses(block_t *block, const mass_rule_t *rule, const real_t *x, size_t n,
                                  const int shifted) {
    const pack_t zero = v_set1(0), least = v_set1(rule->least_mass);
    pack_t packs[GROUP], e[GROUP];
    size_t i = 0;
    const int group = GROUP;
    for (; n - i >= GROUP * WIDTH; i += GROUP * WIDTH) {
        FOR_EACH_PACK packs[u] = v_load(x + i + (size_t)u * WIDTH);
        compute_masses(rule, group, packs, shifted, e);
        FOR_EACH_PACK v_store(block->mass + i + (size_t)u * WIDTH, v_where_ge(e[u], least, e[u], zero));
    }
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        compute_masses(rule, 1, packs, shifted, e);
        v_store(block->mass + i, v_where_ge(e[0], least, e[0], zero));
    }
}

/* Fills in before[] for the n masses of a block, and returns their sum. */
static double add_up_block(block_t *block, size_t n) {
    double sum = 0;
    block->packs = (n + WIDTH - 1) / WIDTH;
    for (size_t p = 0; p < block->packs; p++) {
        const real_t *mass = block->mass + p * WIDTH;
        block->before[p] = sum;
        if (n > MAX_COLUMNS) sum += f64_reduce_add(widen(v_load(mass)));
        else
            for (size_t i = 0; i < WIDTH; i++) sum += (double)mass[i];
    }
    return block->before[block->packs] = sum;
}

/* Fills the block with the masses of x, items first to first + n - 1 of a row, and returns their sum. */
static double make_block(block_t *block, const mass_rule_t *rule, const real_t *x, size_t n, size_t first) {
    if (rule->shifted) compute_block_masses(block, rule, x, n, 1);
    else compute_block_masses(block, rule, x, n, 0);
    if (rule->last < first + n) /* drop the ties after the last one that is kept */
        for (size_t i = rule->last < first ? 0 : rule->last + 1 - first; i < n; i++)
            if (x[i] == rule->least) block->mass[i] = 0;
    return add_up_block(block, n);
}

/* The item of the block at which the masses add up to more than r; if rounded sums end before r, the last
 * item with a mass; SIZE_MAX if no item has one. */
static size_t find_in_block(const block_t *block, double r) {
    size_t p = 0;
    while (p + 1 < block->packs && block->before[p + 1] <= r) p++;
    const real_t *mass = block->mass + p * WIDTH;
    double sum = block->before[p];
    size_t i = 0;
    for (int lane = 0; lane < WIDTH; lane++) { /* without a branch, which would be mispredicted */
        sum += (double)mass[lane];
        i += sum <= r;
    }
    if (i < WIDTH) return p * WIDTH + i;
    for (i = (p + 1) * WIDTH; i > 0; i--)
        if (block->mass[i - 1] > 0) return i - 1;
    return SIZE_MAX;
}
