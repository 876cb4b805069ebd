/* The mass of each block of a long row in one pass. Masses are relative to the maximum, which only the
 * whole pass finds; so each block is summed relative to the largest item so far, and put right at the end.
 * For top_p the pass can also split the row at a bound: it then sums the items above the bound block by
 * block, as for a draw, and all others together, with larger roundings, because that is faster. */

/* `sum` is the mass of a block, and `rest` 0. If the block is split, `sum` is the mass of its items above
 * the bound, and `rest` that of the others, which in float32 has an error of up to 2^-20 of itself, from 16
 * additions. */
typedef struct { double sum, rest; } split_sums_t;

/* Sums a block of n items x, whose lane maxima are *lane_max, and meanwhile replaces these by the maxima of
 * the next block, which also loads that into L1. `split` is a constant, here and below. */
SD_BODY split_sums_t sum_block(const reduction_t *reduction, const real_t *x, size_t n, pack_t *lane_max,
                               const real_t *next, size_t n_next, real_t bound, const int split) {
    const pack_t limit = v_set1(bound), zero = v_set1(0);
    const reduction_t r = *reduction;
    const size_t step = GROUP * WIDTH, span = split ? 16 * WIDTH : step;
    pack_t s[GROUP], q[GROUP], packs[GROUP], e[GROUP];
    pack_t max = v_set1(-(real_t)INFINITY);
    compute_exponentials(&r, NULL, 1, lane_max, 0, 0, s, q);
    mass_sum_t sum = make_mass_sum(v_fma(s[0], q[0], s[0]));
    pack_t rest = zero;           /* of up to 16 packs, in reals */
    f64x8 all_rest = f64_set1(0); /* of all packs before them */
    const int group = GROUP;
    size_t i = 0;
    while (n_next - i >= span) { /* n_next <= n */
        for (const size_t end = i + span; i < end; i += step) {
            FOR_EACH_PACK max = v_max(v_load(next + i + (size_t)u * WIDTH), max);
            FOR_EACH_PACK packs[u] = v_load(x + i + (size_t)u * WIDTH);
            compute_exponentials(&r, NULL, group, packs, 0, 0, s, q);
            FOR_EACH_PACK e[u] = v_fma(s[u], q[u], s[u]);
            if (split) {
                FOR_EACH_PACK rest = v_add(rest, v_where_ge(limit, packs[u], e[u], zero));
                FOR_EACH_PACK e[u] = v_where_ge(limit, packs[u], zero, e[u]);
            }
            add_masses(&sum, group, e);
        }
        if (split) {
            all_rest = f64_add(all_rest, widen(rest));
            rest = zero;
        }
    }
    *lane_max = v_max(max, find_lane_max(next + i, n_next - i));
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        compute_exponentials(&r, NULL, 1, packs, 0, 0, s, q);
        e[0] = v_fma(s[0], q[0], s[0]);
        if (split) {
            rest = v_add(rest, v_where_ge(limit, packs[0], e[0], zero));
            e[0] = v_where_ge(limit, packs[0], zero, e[0]);
        }
        add_masses(&sum, 1, e);
        if (split && i % span == span - WIDTH) {
            all_rest = f64_add(all_rest, widen(rest));
            rest = zero;
        }
    }
    const split_sums_t sums = {total_masses(&sum),
                               split ? f64_reduce_add(f64_add(all_rest, widen(rest))) : 0};
    return sums;
}

/* Makes the mass rule of a row, and in before[b + 1] the mass of block b alone; if the row is split, only
 * of its items above the bound, and in *rest the mass of all others. A sum is NaN if an item of it is.
 * Returns 0 if the row needs a shift or the temperature is a limit. */
SD_BODY int sum_in_one_pass(block_sums_t *blocks, mass_rule_t *rule, double *rest,
                            const temperature_t *ready, double t, const source_t *row, real_t bound,
                            const int split) {
    const size_t n = row->n;
    real_t room[2][BLOCK_ITEMS], largest[MAX_BLOCKS], max = -(real_t)INFINITY;
    double power[MAX_BLOCKS], all_rest = 0;
    reduction_t reduction = make_reduction(ready, 0);
    size_t count = n < BLOCK_ITEMS ? n : BLOCK_ITEMS, at = 0;
    const real_t *x = fetch_block(row, 0, count, room[0]);
    pack_t lane_max = find_lane_max(x, count);
    if (ready->limit) return 0;
    blocks->length = choose_block_length(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        real_t block_max = -(real_t)INFINITY;
        while (i < end) {
            const size_t left = n - i - count, n_next = left < BLOCK_ITEMS ? left : BLOCK_ITEMS;
            at ^= 1;
            const real_t *next = fetch_block(row, i + count, n_next, room[at]);
            const real_t piece_max = v_reduce_max(lane_max);
            if (piece_max > block_max) block_max = piece_max;
            if (piece_max > max) {
                if (needs_shift(ready, piece_max)) return 0;
                const double before = reduction.power;
                const int is_first = max < -LARGEST; /* nothing has a mass yet, and `before` no meaning */
                reduction = make_reduction(ready, max = piece_max);
                const double exponent = is_first ? 0 : before - reduction.power;
                sum = sd_scale_down(sum, exponent);
                all_rest = sd_scale_down(all_rest, exponent);
            }
            if (piece_max >= (real_t)reduction.floor && max >= -LARGEST) {
                const split_sums_t sums =
                    sum_block(&reduction, x, count, &lane_max, next, n_next, bound, split);
                sum += sums.sum;
                all_rest += sums.rest;
            } else { /* all masked, without mass or NaN, of which only NaN must show in the sum */
                sum += count_from(x, count, LARGEST) * 0;
                lane_max = find_lane_max(next, n_next);
            }
            i += count;
            x = next;
            count = n_next;
        }
        blocks->before[blocks->count + 1] = sum;
        power[blocks->count] = reduction.power;
        largest[blocks->count] = block_max;
    }
    *rule = make_mass_rule(ready, t, max, n);
    *rest = all_rest;
    for (size_t b = 0; b < blocks->count; b++)
        blocks->before[b + 1] = largest[b] >= rule->least || blocks->before[b + 1] != blocks->before[b + 1]
                                    ? sd_scale_down(blocks->before[b + 1], power[b] - reduction.power)
                                    : 0;
    return 1;
}

/* The rule and the sums of blocks; returns 0 where sum_in_one_pass does. */
static SD_NOINLINE int sum_blocks(block_sums_t *blocks, mass_rule_t *rule, const temperature_t *ready,
                                  double t, const source_t *row) {
    double no_rest;
    const int done = sum_in_one_pass(blocks, rule, &no_rest, ready, t, row, 0, 0);
    if (done) accumulate_blocks(blocks);
    return done;
}

/* The same for a row that is split, but with the mass of each block alone. */
static SD_NOINLINE int split_blocks(block_sums_t *blocks, mass_rule_t *rule, double *rest,
                                    const temperature_t *ready, double t, const source_t *row,
                                    real_t bound) {
    return sum_in_one_pass(blocks, rule, rest, ready, t, row, bound, 1);
}
