/* The sums of all blocks of a row in one pass: each is relative to the largest item so far, and made
 * relative to the largest of all in the end. So the maximum needs no pass of its own. */

/* The mass of a block or, if it is split at a bound, of what is above the bound, and of the rest, which is
 * rounded by up to 2^-20 of itself. */
typedef struct { double sum, rest; } split_sums_t;

/* Sums a block, and meanwhile takes the lane maxima of the next one, which also loads it into L1. `split`
 * is constant, so that compilers make a function of each. */
SD_BODY split_sums_t sum_block(const reduction_t *reduction, const real_t *x, size_t n, pack_t *lane_max,
                               const real_t *next, size_t n_next, real_t bound, const int split) {
    const pack_t limit = v_set1(bound), zero = v_set1(0);
    const reduction_t r = *reduction;
    const size_t step = GROUP * WIDTH, span = split ? 16 * WIDTH : step;
    pack_t s[GROUP], q[GROUP], packs[GROUP], e[GROUP];
    pack_t max = v_set1(-(real_t)INFINITY);
    compute_exponentials(&r, NULL, 1, lane_max, 0, 0, s, q);
    mass_sum_t sum = make_mass_sum(v_fma(s[0], q[0], s[0]));
    pack_t rest = zero;           /* of up to 16 packs */
    f64x8 all_rest = f64_set1(0); /* of all before them */
    const int group = GROUP;
    size_t i = 0;
    while (n_next - i >= span) { /* the next block is not the longer one */
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

/* Makes the mass rule of a row and the mass of each block; or, if the row is split at a bound, the mass of
 * each block above it, and of all the rest in *rest. Returns 0 if the row needs a shift, which its maximum
 * decides. A sum is NaN if an item of it is. */
SD_BODY int sum_in_one_pass(block_sums_t *blocks, mass_rule_t *rule, double *rest,
                            const temperature_t *ready, double t, const source_t *row, real_t bound,
                            const int split) {
    const size_t n = row->n;
    real_t room[2][BLOCK_ITEMS], largest[MAX_BLOCKS], max = -(real_t)INFINITY;
    double power[MAX_BLOCKS], below = 0;
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
        real_t top = -(real_t)INFINITY;
        while (i < end) {
            const size_t left = n - i - count, n_next = left < BLOCK_ITEMS ? left : BLOCK_ITEMS;
            at ^= 1;
            const real_t *next = fetch_block(row, i + count, n_next, room[at]);
            const real_t here = v_reduce_max(lane_max);
            if (here > top) top = here;
            if (here > max) {
                if (needs_shift(ready, here)) return 0;
                const double before = reduction.power;
                reduction = make_reduction(ready, max = here);
                sum *= sd_power_of_2(before - reduction.power);
                below *= sd_power_of_2(before - reduction.power);
            }
            if (here >= (real_t)reduction.floor && max >= -LARGEST) {
                const split_sums_t sums =
                    sum_block(&reduction, x, count, &lane_max, next, n_next, bound, split);
                sum += sums.sum;
                below += sums.rest;
            } else { /* masked items, items without mass, or NaN, which must show in the sum */
                sum += count_from(x, count, LARGEST) * 0;
                lane_max = find_lane_max(next, n_next);
            }
            i += count;
            x = next;
            count = n_next;
        }
        blocks->before[blocks->count + 1] = sum;
        power[blocks->count] = reduction.power;
        largest[blocks->count] = top;
    }
    *rule = make_mass_rule(ready, t, max, n);
    *rest = below;
    for (size_t b = 0; b < blocks->count; b++)
        blocks->before[b + 1] *= largest[b] >= rule->least || blocks->before[b + 1] != blocks->before[b + 1]
                                     ? sd_power_of_2(power[b] - reduction.power)
                                     : 0;
    return 1;
}

static SD_NOINLINE int sum_blocks(block_sums_t *blocks, mass_rule_t *rule, const temperature_t *ready,
                                  double t, const source_t *row) {
    double none;
    const int done = sum_in_one_pass(blocks, rule, &none, ready, t, row, 0, 0);
    if (done) accumulate_blocks(blocks);
    return done;
}

static SD_NOINLINE int split_blocks(block_sums_t *blocks, mass_rule_t *rule, double *rest,
                                    const temperature_t *ready, double t, const source_t *row,
                                    real_t bound) {
    return sum_in_one_pass(blocks, rule, rest, ready, t, row, bound, 1);
}
