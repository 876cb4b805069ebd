/* top_p of a long row, whose set is found without sorting:
 *
 * 1. Up to 2,048 samples tell a bound that is likely to be near the cutoff (samples.h).
 * 2. One pass over the row sums the items above the bound, block by block, and all others (one_pass.h). The
 *    target is p times the sum of both; what the items above the bound lack for it is the missing mass,
 *    which is negative if they have too much.
 * 3. The items near the bound that are likely to have the missing mass are gathered, below the bound or
 *    above it, and the cutoff is looked for among them by partition (top_p_cut.h).
 * 4. If the cutoff is not there, items from further away are gathered; if the samples had missed large
 *    items, so that the bound was far off, the row is split at a better one instead, at most twice.
 *
 * The set does not depend on the samples, only the time does. Peaked rows go to top_p_peaked.h first. */

/* Samples x of a row and their masses, divided by SCALE and relative to 2^power. Each stands for items_each
 * items. `least` is the smallest x that has a mass, max the largest sample. */
typedef struct {
    const real_t *x, *masses;
    size_t count;
    double items_each, power;
    real_t least, max;
} samples_t;

/* How the items with a mass differ, as far as the samples tell: all are equal; or they may have the same mass
 * without being equal, because T is high; or their masses differ. */
enum { ALL_TIED, MAY_BE_ALIKE, MASSES_DIFFER };

/* Samples without a mass do not matter. */
static int compare_items(const samples_t *samples, const source_t *row) {
    const pack_t zero = v_set1(0), from = v_set1(samples->least);
    const real_t largest = v_reduce_max(find_lane_max(samples->masses, samples->count));
    pack_t least = v_set1(-largest);
    for (size_t i = 0; i < samples->count; i += WIDTH) {
        const pack_t minus = v_sub(zero, v_load(samples->masses + i));
        least = v_max(v_where_ge(v_load(samples->x + i), from, minus, least), least);
    }
    if (-v_reduce_max(least) < largest) return MASSES_DIFFER;
    size_t ties[MAX_BLOCKS];
    const size_t tied = count_ties(row, samples->max, choose_block_length(row->n), ties);
    return tied < count_row_from(row, samples->least) ? MAY_BE_ALIKE : ALL_TIED;
}

/* Splits the row at split->bound. Returns 0 if the row needs a shift, has NaN, or has no mass. */
static int split_row(row_split_t *split, const filter_t *f, block_sums_t *blocks, mass_rule_t *rule,
                     const source_t *row, const samples_t *samples) {
    double rest;
    split->reached_by = sum_samples_from(samples->x, samples->masses, samples->count, split->bound).count;
    split->exceeded_by =
        sum_samples_from(samples->x, samples->masses, samples->count, next_up(split->bound)).count;
    split->is_tied = split->reached_by - split->exceeded_by > (double)samples->count / 128;
    if (!split_blocks(blocks, rule, &rest, f->ready, f->t, row, split->bound)) return 0;
    split->mass_above = 0;
    for (size_t b = 0; b < blocks->count; b++) split->mass_above += blocks->before[b + 1];
    split->mass = split->mass_above + rest;
    split->error = rest * 0x1p-20;
    split->missing = f->top_p * split->mass - split->mass_above;
    return split->mass > 0;
}

/* How many samples would have the missing mass if all were like the bound; negative if it is. */
static double count_missing_samples(const row_split_t *split, const mass_rule_t *rule,
                                    const samples_t *samples) {
    return split->missing / (samples->items_each * compute_mass(rule, split->bound));
}

/* Where the row should be split instead, now that its mass is known, of which samples may have missed the
 * largest items. Returns the bound itself if that is not far off. */
static real_t find_better_bound(const row_split_t *split, const mass_rule_t *rule,
                                const samples_t *samples) {
    const real_t *x = samples->x, *masses = samples->masses, bound = split->bound;
    const size_t count = samples->count;
    if (split->is_tied) { /* only the next sample above can be better */
        if (split->missing > 0 || split->exceeded_by < 1) return bound;
        return find_sample_of_rank(x, count, bound, samples->max, split->exceeded_by);
    }
    const double unit = samples->items_each * SCALE * sd_power_of_2(samples->power - rule->reduction.power);
    const double mass = sum_samples_from(x, masses, count, bound).mass + split->missing / unit;
    const real_t better = find_sample_of_mass(x, masses, count, samples->least, samples->max, mass);
    if (better == -LARGEST) /* not in samples: then in items that are larger than most of them */
        return find_sample_below(x, count, samples->least, bound, split->reached_by + (double)(count / 32));
    const double off = sum_samples_from(x, masses, count, better).count - split->reached_by;
    return fabs(off) > (double)(count / 10) ? better : bound;
}

/* How far from the bound to gather items so that they have the missing mass, which is given in samples: by
 * the mean gap between items in a window of about 100 samples around the bound, and with an allowance for
 * chance of `margin` times 2.4 standard deviations. Returns 0 if the window has too few samples, if many
 * items equal the bound, or if the reach is not below the temperature t, within which masses are alike. */
static double estimate_reach(const row_split_t *split, const samples_t *samples, double missing, double t,
                             double margin) {
    if (split->is_tied) return 0;
    double width = ((double)samples->max - (double)samples->least) / 32, in_window = 0;
    for (int i = 0; i < 4 && !(in_window >= 64 && in_window <= 200); i++) {
        if (i > 0) width *= in_window < 16 ? 8 : in_window > 1000 ? 0.125 : 112 / in_window;
        const real_t from = (real_t)((double)split->bound - width);
        const real_t to = (real_t)((double)split->bound + width);
        in_window = sum_samples_from(samples->x, samples->masses, samples->count, from).count -
                    sum_samples_from(samples->x, samples->masses, samples->count, to).count;
    }
    const double gap = 2 * width / (in_window * samples->items_each);
    const double items = fabs(missing) * samples->items_each;
    const double reach = items * gap, error = margin * 2.4 * sqrt(1 / in_window + 1 / (items + 1));
    if (!(in_window >= 32 && reach < t)) return 0;
    return reach * (1 + error + (missing > 0 ? reach / (2 * t) : 0)) + 3 * gap;
}

/* Looks for the cutoff as far from the bound as the samples tell, with `margin` times their allowance for
 * chance, and applies it; where estimate_reach tells nothing, up to the sample that has the rank of the
 * cutoff. Returns what place_cutoff returns. */
static int place_cutoff_by_samples(filter_t *f, block_sums_t *blocks, mass_rule_t *rule,
                                   const source_t *row, row_split_t *split, const samples_t *samples,
                                   double margin) {
    const double missing = count_missing_samples(split, rule, samples);
    const real_t bound = split->bound;
    const double reach = margin > 4 ? 0 : estimate_reach(split, samples, missing, f->t, margin);
    real_t far_end = bound;
    if (reach > 0) {
        far_end = (real_t)((double)bound + (missing > 0 ? -reach : reach));
        if (missing <= 0 && !(far_end > bound && far_end < rule->max)) far_end = rule->max;
    } else if (missing > 0 && !(split->is_tied && margin == 1)) {
        const double rank = split->reached_by + margin * (1.1 * missing + 2.4 * sqrt(missing) + 1.6);
        far_end = margin > 500 ? -LARGEST
                               : find_sample_below(samples->x, samples->count, samples->least, bound, rank);
    } else if (missing <= 0) {
        const double rank = split->reached_by + margin * (1.1 * missing - 2.4 * sqrt(-missing) - 1.6);
        if (rank >= 1 && margin <= 500)
            far_end = find_sample_of_rank(samples->x, samples->count, bound, samples->max, rank);
        if (!(far_end > bound)) far_end = rule->max;
    }
    return place_cutoff(f, blocks, rule, row, far_end, split);
}

/* Applies top_p to a long row. Returns 1 if f->items holds the set; 0 if the rule and the blocks describe
 * it; -1 if the row needs a shift, has no sum, or may have items of one mass: keep_top_p does it then. */
static int select_top_p(filter_t *f, mass_rule_t *rule, const source_t *row, block_sums_t *blocks) {
    const size_t n = row->n, step = 2 * WIDTH;
    const size_t count = (256 + n / 64 < SD_MAX_SAMPLES ? 256 + n / 64 : SD_MAX_SAMPLES) / step * step;
    real_t *x = f->work, *masses = f->work + count;
    take_samples(row, x, count);
    const real_t max = v_reduce_max(find_lane_max(x, count));
    if (!IS_FINITE(max)) return -1;
    *rule = make_mass_rule(f->ready, f->t, max, n);
    if (rule->shifted) return -1;
    for (size_t i = 0; i < count; i += WIDTH) {
        pack_t pack = v_load(x + i);
        compute_masses(rule, 1, &pack, 0, &pack);
        v_store(masses + i, v_mul(pack, v_set1(UNSCALE)));
    }
    const samples_t samples = {x,           masses, count, (double)n / (double)count, rule->reduction.power,
                               rule->least, max};
    row_split_t split;
    const int items = compare_items(&samples, row);
    if (items == MAY_BE_ALIKE) return -1; /* they must be counted, which top_p.h does */
    if (items == ALL_TIED) { /* as they must here */
        split.bound = max;
        if (!split_row(&split, f, blocks, rule, row, &samples)) return -1;
        if (place_cutoff_in_ties(f, blocks, rule, row, &split) <= 0) return -1;
        accumulate_blocks(blocks);
        return 0;
    }
    const sample_sums_t all = sum_samples_from(x, masses, count, -LARGEST);
    /* peaked: masses vary as much as if fewer than an eighth of the samples shared all the mass */
    if (all.mass * all.mass < all.square * (double)count / 8) {
        const real_t high = find_sample_of_rank(x, count, samples.least, max, (double)(count / 32));
        const double largest_mass = sum_samples_from(x, masses, count, high).mass;
        if (largest_mass > 0.7 * f->top_p * all.mass) {
            const double rest = samples.items_each * (all.mass - largest_mass);
            const double limit = largest_mass + (double)compute_mass(rule, high) * UNSCALE * (double)count;
            const int may_skip_sum = f->top_p * limit < largest_mass;
            if (keep_top_p_of_peaked(f, rule, row, high, rest, samples.power, may_skip_sum)) return 1;
        }
    }
    const real_t sample = find_sample_of_mass(x, masses, count, samples.least, max, f->top_p * all.mass);
    split.bound = sample < max ? sample : max;
    for (int splits = 0, found = 0; found == 0; splits++) {
        if (!split_row(&split, f, blocks, rule, row, &samples)) return -1;
        if (max < rule->least) { /* the samples have missed all items that have a mass */
            gather(&f->items, row, rule->least, LARGEST, n);
            keep_top_p(f, rule);
            return 1;
        }
        real_t bound = split.bound; /* where to split the row instead */
        const int is_far = fabs(count_missing_samples(&split, rule, &samples)) > (double)(count / 10);
        if (splits < 2 && (split.is_tied || is_far)) bound = find_better_bound(&split, rule, &samples);
        for (double margin = 1; found == 0 && bound == split.bound; margin *= 4) {
            if (margin > 1e6) return -1; /* another thread changes the row: margins above 500 look at all of it */
            found = place_cutoff_by_samples(f, blocks, rule, row, &split, &samples, margin);
            if (found < 0) return -1;
            if (found == 0 && splits < 2) bound = find_better_bound(&split, rule, &samples);
        }
        split.bound = bound;
    }
    accumulate_blocks(blocks);
    return 0;
}
