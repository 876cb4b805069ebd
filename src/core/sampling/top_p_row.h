/* top_p of a long row without sorting it.
 *
 * A few samples of the row tell a bound that is near the cutoff. One pass over the row splits it there: it
 * sums the mass above the bound, and the rest, so that it is known how much mass the set still wants, or
 * has too much. The cutoff is then looked for among the items near the bound, which are gathered for that
 * (top_p_cut.h). The result does not depend on the samples, only the time does: where they misled, the row
 * is split again at a better bound, or items are gathered from further away. */

/* Samples of a row and their masses, relative to 2^power; each stands for `weight` items. `least` is the
 * smallest x with any mass. */
typedef struct {
    const real_t *x, *masses;
    size_t count;
    double weight, power;
    real_t least, max;
} samples_t;

/* Whether all items may have one mass without being equal. Masses then do not tell the items apart, and
 * top_p has to count them all. Samples without mass do not matter. */
static int may_have_one_mass(const samples_t *samples, const source_t *row) {
    const pack_t zero = v_set1(0), from = v_set1(samples->least);
    const real_t largest = v_reduce_max(find_lane_max(samples->masses, samples->count));
    pack_t least = v_set1(-largest);
    for (size_t i = 0; i < samples->count; i += WIDTH) {
        const pack_t minus = v_sub(zero, v_load(samples->masses + i));
        least = v_max(v_where_ge(v_load(samples->x + i), from, minus, least), least);
    }
    if (-v_reduce_max(least) < largest) return 0;
    size_t ties[MAX_BLOCKS];
    return count_ties(row, samples->max, choose_block_length(row->n), ties) <
           count_row_from(row, samples->least);
}

/* A row split at a bound. `from` samples are at least the bound and `past` samples are above it; `above`
 * is the mass above the bound, `total` that of all items, and `wanted` what `above` lacks for p times the
 * total; if negative, what it has too much. */
typedef struct {
    real_t bound;
    double from, past, above, wanted;
    row_total_t total;
    int is_tied; /* many items are equal to the bound */
} row_split_t;

static int split_row(row_split_t *split, const filter_t *f, block_sums_t *blocks, mass_rule_t *rule,
                     const source_t *row, const samples_t *samples) {
    double rest;
    split->from = sum_samples_from(samples->x, samples->masses, samples->count, split->bound).count;
    split->past =
        sum_samples_from(samples->x, samples->masses, samples->count, next_up(split->bound)).count;
    split->is_tied = split->from - split->past > (double)samples->count / 128;
    if (!split_blocks(blocks, rule, &rest, f->ready, f->t, row, split->bound)) return 0;
    split->above = 0;
    for (size_t b = 0; b < blocks->count; b++) split->above += blocks->before[b + 1];
    split->total.all = split->above + rest;
    split->total.error = rest * 0x1p-20;
    split->wanted = f->top_p * split->total.all - split->above;
    return split->total.all > 0;
}

/* How many samples like the bound would have the wanted mass. */
static double count_wanted_samples(const row_split_t *split, const mass_rule_t *rule,
                                   const samples_t *samples) {
    return split->wanted / (samples->weight * compute_mass(rule, split->bound));
}

/* Where the row should be split instead, now that its total is known: samples may have missed its largest
 * items. Returns the bound itself if that is not far off. */
static real_t find_better_bound(const row_split_t *split, const mass_rule_t *rule,
                                const samples_t *samples) {
    const real_t *x = samples->x, *masses = samples->masses, bound = split->bound;
    const size_t count = samples->count;
    if (split->is_tied) { /* then only the next value above can be better */
        if (split->wanted > 0 || split->past < 1) return bound;
        return find_sample_of_rank(x, count, bound, samples->max, split->past);
    }
    const double unit = samples->weight * SCALE * sd_power_of_2(samples->power - rule->reduction.power);
    const double mass = sum_samples_from(x, masses, count, bound).mass + split->wanted / unit;
    const real_t other = find_sample_of_mass(x, masses, count, samples->least, samples->max, mass);
    if (other == -LARGEST) /* the samples have too little mass: the cutoff is below them */
        return find_sample_below(x, count, samples->least, bound, split->from + (double)(count / 32));
    const double off = sum_samples_from(x, masses, count, other).count - split->from;
    return fabs(off) > (double)(count / 10) ? other : bound;
}

/* How far from the bound one must go to gather the wanted mass, going by how close together the samples on
 * both sides of the bound lie; a larger margin allows for more bad luck. 0 where the samples tell too
 * little. t is the temperature. */
static double estimate_reach(const row_split_t *split, const samples_t *samples, double wanted, double t,
                             double margin) {
    if (split->is_tied) return 0;
    double width = ((double)samples->max - (double)samples->least) / 32, near = 0;
    for (int i = 0; i < 4 && !(near >= 64 && near <= 200); i++) {
        if (i > 0) width *= near < 16 ? 8 : near > 1000 ? 0.125 : 112 / near;
        const real_t from = (real_t)((double)split->bound - width);
        const real_t to = (real_t)((double)split->bound + width);
        near = sum_samples_from(samples->x, samples->masses, samples->count, from).count -
               sum_samples_from(samples->x, samples->masses, samples->count, to).count;
    }
    const double apart = 2 * width / (near * samples->weight), items = fabs(wanted) * samples->weight;
    const double reach = items * apart, error = margin * 2.4 * sqrt(1 / near + 1 / (items + 1));
    if (!(near >= 32 && reach < t)) return 0;
    return reach * (1 + error + (wanted > 0 ? reach / (2 * t) : 0)) + 3 * apart;
}

/* Looks for the cutoff near the bound at which the row was split, as far away as samples tell, or `margin`
 * times as far. Returns what cut_near returns. */
static int cut_near_split(filter_t *f, block_sums_t *blocks, mass_rule_t *rule, const source_t *row,
                          row_split_t *split, const samples_t *samples, double margin) {
    const double wanted = count_wanted_samples(split, rule, samples);
    const real_t bound = split->bound;
    const double reach = margin > 4 ? 0 : estimate_reach(split, samples, wanted, f->t, margin);
    real_t other = bound;
    if (reach > 0) {
        other = (real_t)((double)bound + (wanted > 0 ? -reach : reach));
        if (wanted <= 0 && !(other > bound && other < rule->max)) other = rule->max;
    } else if (wanted > 0 && !(split->is_tied && margin == 1)) {
        const double rank = split->from + margin * (1.1 * wanted + 2.4 * sqrt(wanted) + 1.6);
        other = margin > 500 ? -LARGEST
                             : find_sample_below(samples->x, samples->count, samples->least, bound, rank);
    } else if (wanted <= 0) {
        const double rank = split->from + margin * (1.1 * wanted - 2.4 * sqrt(-wanted) - 1.6);
        if (rank >= 1 && margin <= 500)
            other = find_sample_of_rank(samples->x, samples->count, bound, samples->max, rank);
        if (!(other > bound)) other = rule->max;
    }
    return cut_near(f, blocks, rule, row, other, bound, split->above, &split->total);
}

/* Applies top_p to a long row. Returns 1 if the set is in f->items; 0 if the rule and the blocks' masses
 * describe it; -1 if this way is not open to the row: it needs a shift, has no sum, or may have items of
 * one mass. */
static int select_top_p(filter_t *f, mass_rule_t *rule, const source_t *row, block_sums_t *blocks) {
    const size_t n = row->n, step = 2 * WIDTH;
    const size_t count = (256 + n / 64 < SD_MAX_SAMPLES ? 256 + n / 64 : SD_MAX_SAMPLES) / step * step;
    real_t *x = f->work, *masses = f->work + count;
    take_samples(row, x, count);
    const real_t max = v_reduce_max(find_lane_max(x, count));
    if (!(max <= LARGEST && max >= -LARGEST)) return -1;
    *rule = make_mass_rule(f->ready, f->t, max, n);
    if (rule->shifted) return -1;
    for (size_t i = 0; i < count; i += WIDTH) {
        pack_t pack = v_load(x + i);
        compute_masses(rule, 1, &pack, 0, &pack);
        v_store(masses + i, v_mul(pack, v_set1(UNSCALE)));
    }
    const samples_t samples = {x,           masses, count, (double)n / (double)count, rule->reduction.power,
                               rule->least, max};
    if (may_have_one_mass(&samples, row)) return -1;
    const sample_sums_t all = sum_samples_from(x, masses, count, -LARGEST);
    if (all.mass * all.mass < all.square * (double)count / 8) {
        const real_t high = find_sample_of_rank(x, count, samples.least, max, (double)(count / 32));
        const double of_largest = sum_samples_from(x, masses, count, high).mass;
        if (of_largest > 0.7 * f->top_p * all.mass) {
            const double rest = samples.weight * (all.mass - of_largest);
            const double most = of_largest + (double)compute_mass(rule, high) * UNSCALE * (double)count;
            const int may_skip_sum = f->top_p * most < of_largest;
            if (keep_top_p_of_peaked(f, rule, row, high, rest, samples.power, may_skip_sum)) return 1;
            take_samples(row, x, count);
        }
    }
    const real_t middle = find_sample_of_mass(x, masses, count, samples.least, max, f->top_p * all.mass);
    row_split_t split;
    split.bound = middle < max ? middle : max;
    for (int again = 0, found = 0; found == 0; again++) {
        if (!split_row(&split, f, blocks, rule, row, &samples)) return -1;
        real_t bound = split.bound; /* where to split the row instead */
        const int is_far = fabs(count_wanted_samples(&split, rule, &samples)) > (double)(count / 10);
        if (again < 2 && (split.is_tied || is_far)) bound = find_better_bound(&split, rule, &samples);
        for (double margin = 1; found == 0 && bound == split.bound; margin *= 4) {
            found = cut_near_split(f, blocks, rule, row, &split, &samples, margin);
            if (found < 0) return -1;
            if (found == 0 && again < 2) bound = find_better_bound(&split, rule, &samples);
        }
        split.bound = bound;
    }
    accumulate_blocks(blocks);
    return 0;
}
