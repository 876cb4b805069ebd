/* Softmax of rows of one item type, over the exponential of exp2_f32.h or exp2_f64.h.
 *
 * A long row is read twice: block by block for its maxima and the sum of its exponentials, and to
 * compute these again, divided by the sum, which is more exact than storing and scaling them. Items are
 * what lies in memory (I(load) and so on bring them into packs): float16 and bfloat16 differ from
 * float32 in nothing else. */

SD_INLINE SD_PACK F(load_up_to)(const SD_ITEM *x, size_t left) {
    /* -inf, and so nothing, where there are fewer items than lanes */
    return left >= SD_WIDTH ? I(load)(x) : I(load_n)(x, left, -(SD_REAL)INFINITY);
}

SD_INLINE void F(store_up_to)(SD_ITEM *out, size_t left, SD_PACK value) {
    if (left >= SD_WIDTH) I(store)(out, value);
    else I(store_n)(out, left, value);
}

static void F(fill)(SD_ITEM *out, size_t n, SD_REAL value) {
    for (size_t i = 0; i < n; i += SD_WIDTH) F(store_up_to)(out + i, n - i, P(set1)(value));
}

/* ---- maxima and limits ---------------------------------------------------------------------- */

/* The maximum of each lane; NaN is passed over here and shows in the sum. */
static SD_PACK F(lane_max)(const SD_ITEM *x, size_t n) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    for (; i + 4 * SD_WIDTH <= n; i += 4 * SD_WIDTH) {
        a = P(max)(I(load)(x + i), a);
        b = P(max)(I(load)(x + i + SD_WIDTH), b);
        c = P(max)(I(load)(x + i + 2 * SD_WIDTH), c);
        d = P(max)(I(load)(x + i + 3 * SD_WIDTH), d);
    }
    for (; i < n; i += SD_WIDTH) a = P(max)(F(load_up_to)(x + i, n - i), a);
    return P(max)(P(max)(a, b), P(max)(c, d));
}

/* How many x are at least the threshold; NaN if any is NaN. At T = 0 and infinity that is the sum. */
static double F(count)(const SD_ITEM *x, size_t n, SD_REAL threshold) {
    const SD_PACK least = P(set1)(threshold), lowest = P(set1)(-(SD_REAL)INFINITY);
    const SD_PACK one = P(set1)(1), zero = P(set1)(0), nan = P(set1)((SD_REAL)NAN);
    double count = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SD_BLOCK ? i + SD_BLOCK : n;
        SD_PACK ones = zero;
        for (; i < end; i += SD_WIDTH) {
            const SD_PACK pack = F(load_up_to)(x + i, end - i);
            ones = P(add)(ones, P(where_ge)(pack, least, one, P(where_ge)(pack, lowest, zero, nan)));
        }
        count += (double)P(total)(ones);
    }
    return count;
}

/* What a row of T = 0 or infinity is: `value` from a threshold on, 0 elsewhere. */
static void F(write_limit)(const SD_ITEM *x, SD_ITEM *out, size_t n, SD_REAL threshold, SD_REAL value,
                           SD_REAL elsewhere) {
    const SD_PACK least = P(set1)(threshold), yes = P(set1)(value), no = P(set1)(elsewhere);
    for (size_t i = 0; i < n; i += SD_WIDTH)
        F(store_up_to)(out + i, n - i, P(where_ge)(F(load_up_to)(x + i, n - i), least, yes, no));
}

/* ---- sums ----------------------------------------------------------------------------------- */

/* group packs more in the sum. a->s is at least any exponential of its lane, since it starts at the
 * lane's largest; so z = (a->s + e) - a->s is exact, e being s (1 + q) rounded, and s + s q - z is what
 * the addition lost and what rounding the exponential to e lost as well: FastTwoSum with the product in
 * it, without which tied elements would all be off to the same side. s q is rounded first, to 2^-29 of
 * the exponential, for that leaves one multiplication where fmas, on the busier ports, would be two. */
SD_INLINE void F(add_packs)(A(accumulator) * a, const A(reduction) * r, const int group,
                            const SD_PACK *x, const int moved) {
    SD_PACK s[SD_MOST], q[SD_MOST], z[SD_MOST];
    A(exponential)(r, NULL, group, x, moved, 0, s, q);
    SD_EACH q[u] = P(mul)(s[u], q[u]);
    SD_EACH z[u] = P(add)(s[u], q[u]);
    SD_EACH {
        const SD_PACK sum = P(add)(a->s, z[u]);
        z[u] = P(sub)(sum, a->s);
        a->s = sum;
    }
    SD_EACH z[u] = P(sub)(s[u], z[u]);
    SD_EACH z[u] = P(add)(z[u], q[u]);
    SD_EACH a->c = P(add)(a->c, z[u]);
}

/* A block more in the sum, and meanwhile the lane maxima of the next block, which so is in the first
 * cache when its turn comes. */
SD_BODY SD_PACK F(add_block)(A(accumulator) * total, const A(reduction) * r, const SD_ITEM *x,
                               size_t n, SD_PACK lane_max, const SD_ITEM *next, size_t n_next,
                               const int moved) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    const size_t step = SD_GROUP * SD_WIDTH;
    SD_PACK s, q, packs[SD_GROUP], next_max[2] = {lowest, lowest};
    A(accumulator) a = *total;
    A(exponential)(r, NULL, 1, &lane_max, moved, 0, &s, &q);
    A(accumulator_start)(&a, P(fma)(s, q, s));
    const int group = SD_GROUP;
    size_t i = 0;
    for (; n_next - i >= step; i += step) { /* the next block is not the longer one */
        SD_EACH next_max[0] = P(max)(I(load)(next + i + (size_t)u * SD_WIDTH), next_max[0]);
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        F(add_packs)(&a, r, group, packs, moved);
    }
    const SD_PACK next_rest = F(lane_max)(next + i, n_next - i);
    for (; n - i >= step; i += step) {
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        F(add_packs)(&a, r, group, packs, moved);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(add_packs)(&a, r, 1, packs, moved);
    }
    A(accumulator_flush)(&a);
    *total = a;
    return P(max)(P(max)(next_max[0], next_max[1]), next_rest);
}

/* What a row needs before anything of it is written. */
typedef struct {
    SD_REAL max;
    int is_nan, moved;
    A(reduction) reduction;
    sd_sum sum; /* of the exponentials, as the reduction has them */
} F(row);

SD_INLINE void F(sum_moved)(F(row) * row, const SD_ITEM *x, size_t n) {
    A(accumulator) a = A(accumulator_make)();
    SD_PACK lane_max = F(lane_max)(x, n < SD_BLOCK ? n : SD_BLOCK);
    for (size_t i = 0, left; i < n; i += SD_BLOCK) {
        left = n - i;
        const size_t block = left < SD_BLOCK ? left : SD_BLOCK, next = left - block;
        lane_max = F(add_block)(&a, &row->reduction, x + i, block, lane_max, x + i + block,
                                next < SD_BLOCK ? next : SD_BLOCK, 1);
    }
    row->sum = A(accumulator_total)(&a);
}

/* The sum over blocks relative to the largest maximum so far; 0 where the row must be moved. */
SD_INLINE int F(sum_plain)(F(row) * row, const A(temperature) * t, const SD_ITEM *x, size_t n) {
    A(accumulator) a = A(accumulator_make)();
    SD_PACK lane_max = F(lane_max)(x, n < SD_BLOCK ? n : SD_BLOCK);
    row->max = -(SD_REAL)INFINITY;
    for (size_t i = 0, left; i < n; i += SD_BLOCK) {
        left = n - i;
        const size_t block = left < SD_BLOCK ? left : SD_BLOCK, next = left - block;
        const SD_REAL max = P(largest)(lane_max);
        if (max > row->max || i == 0) {
            if (A(must_be_moved)(t, max)) return 0;
            const double before = row->reduction.power;
            row->max = max;
            row->reduction = A(reduction_plain)(t, max);
            if (i > 0) A(accumulator_scale)(&a, sd_power_of_2(before - row->reduction.power));
        }
        lane_max = F(add_block)(&a, &row->reduction, x + i, block, lane_max, x + i + block,
                                next < SD_BLOCK ? next : SD_BLOCK, 0);
    }
    row->sum = A(accumulator_total)(&a);
    return 1;
}

/* n >= 1 */
static F(row) F(row_make)(const A(temperature) * t, const SD_ITEM *x, size_t n) {
    F(row) row = {0};
    if (!F(sum_plain)(&row, t, x, n)) {
        row.max = P(largest)(F(lane_max)(x, n));
        row.is_nan = !(row.max <= SD_LARGEST && row.max >= -SD_LARGEST);
        if (row.is_nan) return row;
        row.moved = 1;
        row.reduction = A(reduction_moved)(t, row.max);
        F(sum_moved)(&row, x, n);
    }
    row.is_nan = row.sum.high != row.sum.high;
    return row;
}

/* Whether n exponentials may all be like the first, going by their sum; so it is for NaN. */
SD_INLINE int F(may_be_equal)(sd_sum first, size_t n, sd_sum sum) {
    const double equal = (double)n * first.high;
    return !(sum.high < equal * (1 - 0x1p-20) || sum.high > equal * (1 + 0x1p-20));
}

/* Whether they are, n >= 1. Equal elements are given the rounded 1 / n itself. */
static SD_NOINLINE int F(are_equal)(const SD_ITEM *x, size_t n) {
    const SD_REAL first = P(first)(I(load_n)(x, 1, 0));
    const SD_PACK value = P(set1)(first), one = P(set1)(1), zero = P(set1)(0);
    for (size_t i = 0; i < n; i += SD_WIDTH) {
        const SD_PACK pack = n - i >= SD_WIDTH ? I(load)(x + i) : I(load_n)(x + i, n - i, first);
        const SD_PACK ones = P(where_ge)(pack, value, P(where_ge)(value, pack, one, zero), zero);
        if (P(total)(ones) < SD_WIDTH) return 0;
    }
    return 1;
}

/* ---- results -------------------------------------------------------------------------------- */

/* Exponentials divided; then the scale is taken off, by an fma, because where that is subnormal a
 * product takes 150 cycles on some CPUs. */
SD_BODY void F(results)(const A(reduction) * r, const A(division) * by, const int group, SD_PACK *x,
                          const int moved) {
    const SD_PACK unscale = P(set1)(SD_UNSCALE), zero = P(set1)(0);
    SD_PACK s[SD_MOST], q[SD_MOST];
    A(exponential)(r, by, group, x, moved, 1, s, q);
    SD_EACH x[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH x[u] = P(fma)(x[u], unscale, zero);
}

SD_INLINE void F(write)(const F(row) * row, const SD_ITEM *x, SD_ITEM *out, size_t n, const int moved,
                        const int past_caches) {
    A(reduction) r = row->reduction;
    const A(division) by = A(division_make)(&r, row->sum);
    const size_t step = SD_GROUP * SD_WIDTH;
    SD_PACK packs[SD_GROUP];
    size_t i = 0;
    if (past_caches) { /* up to a boundary of 64 bytes, if whole items lead there */
        const size_t beyond = (uintptr_t)out % 64 / sizeof *out;
        const size_t before = beyond ? 64 / sizeof *out - beyond : 0;
        for (; i < before; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, before - i);
            F(results)(&r, &by, 1, packs, moved);
            F(store_up_to)(out + i, before - i, packs[0]);
        }
        i = before;
    }
    const int group = SD_GROUP;
    for (; n - i >= step; i += step) {
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        F(results)(&r, &by, group, packs, moved);
        if (past_caches) SD_EACH I(stream)(out + i + (size_t)u * SD_WIDTH, packs[u]);
        else SD_EACH I(store)(out + i + (size_t)u * SD_WIDTH, packs[u]);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(results)(&r, &by, 1, packs, moved);
        F(store_up_to)(out + i, n - i, packs[0]);
    }
    if (past_caches) sd_stream_end();
}

/* In the caches and in float64, exponentials are stored and then divided, which is faster: each with
 * the sign of what rounding it lost as its own, so that half of that loss can be made good. */

/* As F(add_packs) adds, with s q not rounded. */
SD_BODY void F(add)(A(accumulator) * a, const int group, const SD_PACK *s, const SD_PACK *q,
                      const SD_PACK *e) {
    SD_PACK z[SD_MOST];
    SD_EACH {
        const SD_PACK sum = P(add)(a->s, e[u]);
        z[u] = P(sub)(sum, a->s);
        a->s = sum;
    }
    SD_EACH z[u] = P(sub)(s[u], z[u]);
    SD_EACH z[u] = P(fma)(s[u], q[u], z[u]);
    SD_EACH a->c = P(add)(a->c, z[u]);
}

SD_BODY void F(store_packs)(A(accumulator) * a, const A(reduction) * r, const int group,
                              const SD_PACK *x, const int moved, SD_PACK *out) {
    SD_PACK s[SD_MOST], q[SD_MOST], e[SD_MOST];
    A(exponential)(r, NULL, group, x, moved, 1, s, q);
    SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH out[u] = P(sub)(s[u], e[u]);
    SD_EACH out[u] = P(fma)(s[u], q[u], out[u]);
    SD_EACH out[u] = P(with_sign)(e[u], out[u]);
    F(add)(a, group, s, q, e);
}

/* The exponentials of a row, and their sum. */
SD_INLINE sd_sum F(store_exponentials)(const A(reduction) * reduction, const SD_ITEM *x, SD_ITEM *out,
                                       size_t n, SD_PACK lane_max, const int moved) {
    const A(reduction) r = *reduction;
    A(accumulator) a = A(accumulator_make)();
    SD_PACK s, q, packs[SD_GROUP];
    A(exponential)(&r, NULL, 1, &lane_max, moved, 1, &s, &q);
    const SD_PACK start = P(fma)(s, q, s);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SD_BLOCK ? i + SD_BLOCK : n;
        const int group = SD_GROUP;
        A(accumulator_start)(&a, start);
        for (; end - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
            SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
            F(store_packs)(&a, &r, group, packs, moved, packs);
            SD_EACH I(store)(out + i + (size_t)u * SD_WIDTH, packs[u]);
        }
        for (; i < end; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, end - i);
            F(store_packs)(&a, &r, 1, packs, moved, packs);
            F(store_up_to)(out + i, end - i, packs[0]);
        }
        A(accumulator_flush)(&a);
    }
    return A(accumulator_total)(&a);
}

/* A fifth of a unit in the last place of e is added to it, or taken off: what was lost is between none
 * and half a unit, and where e is just above a power of two most of it counts. */
SD_INLINE SD_PACK F(divide_stored)(const A(inverse) * inverse, SD_PACK lost, SD_PACK stored) {
    const SD_PACK low = P(add)(inverse->low, P(with_sign)(lost, stored)), e = P(abs)(stored);
    const SD_PACK r = P(fma)(e, inverse->high, P(mul)(e, low));
    return P(fma)(r, P(set1)(SD_UNSCALE), P(set1)(0));
}

SD_INLINE void F(softmax_stored)(const A(temperature) * t, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    const SD_PACK lane_max = F(lane_max)(x, n);
    const SD_REAL max = P(largest)(lane_max);
    const int moved = A(must_be_moved)(t, max);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) {
        F(fill)(out, n, (SD_REAL)NAN);
        return;
    }
    const A(reduction) r = moved ? A(reduction_moved)(t, max) : A(reduction_plain)(t, max);
    const sd_sum sum = moved ? F(store_exponentials)(&r, x, out, n, lane_max, 1)
                             : F(store_exponentials)(&r, x, out, n, lane_max, 0);
    const SD_PACK first = I(load_n)(out, 1, 0);
    const sd_sum value = A(exponential_value)(P(abs)(first), P(set1)(0));
    if (sum.high != sum.high) {
        F(fill)(out, n, (SD_REAL)NAN);
    } else if (F(may_be_equal)(value, n, sum) && F(are_equal)(out, n)) {
        F(fill)(out, n, (SD_REAL)(1 / (double)n));
    } else {
        const A(inverse) inverse = A(inverse_make)(sum);
        const SD_PACK lost = P(mul)(inverse.high, P(set1)(SD_LOST));
        for (size_t i = 0; i < n; i += SD_WIDTH)
            F(store_up_to)(out + i, n - i,
                           F(divide_stored)(&inverse, lost, F(load_up_to)(out + i, n - i)));
    }
}

static void F(softmax_row)(const A(temperature) * t, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    if (t->all_equal || t->only_max) {
        const SD_REAL max = P(largest)(F(lane_max)(x, n));
        const SD_REAL threshold = t->only_max ? max : -SD_LARGEST;
        const double count = F(count)(x, n, threshold);
        if (count >= 1 && max <= SD_LARGEST && max >= -SD_LARGEST)
            F(write_limit)(x, out, n, threshold, (SD_REAL)(1 / count), 0);
        else F(fill)(out, n, (SD_REAL)NAN);
        return;
    }
    if (n <= SD_STORED) {
        F(softmax_stored)(t, x, out, n);
        return;
    }
    const F(row) row = F(row_make)(t, x, n);
    const SD_PACK first = I(load_n)(x, 1, 0);
    SD_PACK s, q;
    A(exponential)(&row.reduction, NULL, 1, &first, 1, 0, &s, &q);
    if (row.is_nan) F(fill)(out, n, (SD_REAL)NAN);
    else if (F(may_be_equal)(A(exponential_value)(s, q), n, row.sum) && F(are_equal)(x, n))
        F(fill)(out, n, (SD_REAL)(1 / (double)n));
    else if (row.moved) F(write)(&row, x, out, n, 1, 0);
    else if (n * sizeof *out < SD_PAST_CACHES) F(write)(&row, x, out, n, 0, 0);
    else F(write)(&row, x, out, n, 0, 1);
}

/* ---- short rows ----------------------------------------------------------------------------- */

/* Rows of at most four packs stay in registers, and their exponentials are computed once. Eight rows at
 * a time, step by step: what is one number a row, from its maximum to its 1 / sum, is computed for all
 * eight in one pack, and waited for once. */

/* Exponentials s (1 + q) times 1 / sum, as s high + s (q high + low), whose one large term is exact
 * inside the fma. */
SD_BODY void F(divide)(const A(inverse) * inverse, const int group, const SD_PACK *s, const SD_PACK *q,
                         SD_PACK *out) {
    const SD_PACK unscale = P(set1)(SD_UNSCALE), zero = P(set1)(0);
    SD_EACH out[u] = P(fma)(q[u], inverse->high, inverse->low);
    SD_EACH out[u] = P(mul)(s[u], out[u]);
    SD_EACH out[u] = P(fma)(s[u], inverse->high, out[u]);
    SD_EACH out[u] = P(fma)(out[u], unscale, zero);
}

/* One or eight rows of n items in `group` packs; 0, and nothing written, if one is left to softmax_row. */
SD_BODY int F(softmax_short)(const SD_ITEM *x, ptrdiff_t x_stride, SD_ITEM *out, ptrdiff_t out_stride,
                             size_t n, f64x8 t, const int count, const int group) {
    const SD_PACK split = P(set1)(SD_SPLIT), zero = P(set1)(0);
    SD_PACK s[8][SD_MOST], q[8][SD_MOST], packs[SD_MOST], high[8], low[8];
    A(short_rows) rows;
    const SD_ITEM *from = x;
    for (int i = 0; i < count; i++, from += x_stride) {
        SD_EACH packs[u] = F(load_up_to)(from + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
        SD_EACH packs[0] = P(max)(packs[u], packs[0]);
        high[i] = packs[0];
    }
    const f64x8 max = count == 1 ? f64_set1(P(largest)(high[0])) : P(largest_8)(high);
    if (!A(short_reduce)(&rows, max, t)) return 0;
    from = x;
    for (int i = 0; i < count; i++, from += x_stride) {
        const A(reduction) r = A(short_reduction)(&rows, i);
        const SD_PACK row_max = P(set1)(rows.max[i]);
        int equal = 1;
        SD_EACH {
            const size_t left = n - (size_t)u * SD_WIDTH;
            packs[u] = F(load_up_to)(from + u * SD_WIDTH, left);
            equal &= P(mask_ge)(packs[u], row_max) == I(mask_n)(left);
        }
        if (equal) return 0; /* or all NaN */
        A(exponential)(&r, NULL, group, packs, 0, 1, s[i], q[i]);
        high[i] = low[i] = zero;
        SD_EACH {
            const SD_PACK e = P(fma)(s[i][u], q[i][u], s[i][u]);
            const SD_PACK upper = P(sub)(P(add)(e, split), split);
            high[i] = P(add)(high[i], upper);
            low[i] = P(add)(low[i], P(fma)(s[i][u], q[i][u], P(sub)(s[i][u], upper)));
        }
    }
    const f64x8 sums = count == 1 ? f64_set1(P(total)(high[0])) : P(total_8)(high);
    const f64x8 rests = count == 1 ? f64_set1(P(total)(low[0])) : P(total_8)(low);
    if (!A(short_invert)(&rows, sums, rests)) return 0;
    for (int i = 0; i < count; i++, out += out_stride) {
        const A(inverse) inverse = {P(set1)(rows.inverse_high[i]), P(set1)(rows.inverse_low[i])};
        F(divide)(&inverse, group, s[i], q[i], packs);
        SD_EACH F(store_up_to)(out + u * SD_WIDTH, n - (size_t)u * SD_WIDTH, packs[u]);
    }
    return 1;
}

/* ---- all rows ------------------------------------------------------------------------------- */

SD_INLINE void F(softmax_short_rows)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *all,
                                     const int group) {
    const double *t = all->temperature;
    const ptrdiff_t t_stride = all->temperature_stride;
    const f64x8 same = f64_set1(*t);
    size_t left = all->rows;
    while (left > 0) {
        if (left >= 8) {
            double each[8];
            for (int i = 0; t_stride && i < 8; i++) each[i] = t[i * t_stride];
            if (F(softmax_short)(x, all->x_stride, out, all->out_stride, all->n,
                                 t_stride ? f64_load(each) : same, 8, group)) {
                x += 8 * all->x_stride;
                out += 8 * all->out_stride;
                t += 8 * t_stride;
                left -= 8;
                continue;
            }
        }
        /* a row that is out of the ordinary must not change its neighbours */
        for (size_t some = left < 8 ? left : 8; some > 0; some--, left--) {
            if (!F(softmax_short)(x, 0, out, 0, all->n, f64_set1(*t), 1, group)) {
                const A(temperature) alone = A(temperature_make)(*t);
                F(softmax_row)(&alone, x, out, all->n);
            }
            x += all->x_stride;
            out += all->out_stride;
            t += t_stride;
        }
    }
}

static void F(softmax)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    if (rows->n == 0 || rows->rows == 0) return;
    if (rows->n <= SD_WIDTH) {
        F(softmax_short_rows)(x, out, rows, 1);
    } else if (rows->n <= 2 * SD_WIDTH) {
        F(softmax_short_rows)(x, out, rows, 2);
    } else if (rows->n <= 3 * SD_WIDTH) {
        F(softmax_short_rows)(x, out, rows, 3);
    } else if (rows->n <= 4 * SD_WIDTH) {
        F(softmax_short_rows)(x, out, rows, 4);
    } else {
        double t = rows->temperature[0];
        A(temperature) temperature = A(temperature_make)(t);
        for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
            const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
            if (next != t) temperature = A(temperature_make)(t = next);
            F(softmax_row)(&temperature, x, out, rows->n);
        }
    }
}
