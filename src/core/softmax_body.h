/* Softmax of rows of one item type, over the exponential of exp2_f32.h or exp2_f64.h.
 *
 * A long row is read twice: block by block for its maxima and the sum of its exponentials, and to
 * compute these again, divided by the sum, which is more exact than storing and scaling them. Items are
 * what lies in memory (I(load) and so on bring them into packs): float16 and bfloat16 differ from
 * float32 in nothing else. */

/* Items, and `fill` in lanes that there are none for. */
SD_INLINE SD_PACK F(load_or)(const SD_ITEM *x, size_t left, SD_REAL fill) {
    return left >= SD_WIDTH ? I(load)(x) : I(load_n)(x, left, fill);
}

/* -inf, and so nothing, there. */
SD_INLINE SD_PACK F(load_up_to)(const SD_ITEM *x, size_t left) {
    return F(load_or)(x, left, -(SD_REAL)INFINITY);
}

SD_INLINE void F(store_up_to)(SD_ITEM *out, size_t left, SD_PACK value) {
    if (left >= SD_WIDTH) I(store)(out, value);
    else I(store_n)(out, left, value);
}

static void F(fill)(SD_ITEM *out, size_t n, SD_REAL value) {
    for (size_t i = 0; i < n; i += SD_WIDTH) F(store_up_to)(out + i, n - i, P(set1)(value));
}

/* ---- maxima and limits ---------------------------------------------------------------------- */

/* The maximum of each lane, and the minimum unless there is no place for it; NaN is passed over here and
 * shows in the sum. */
SD_INLINE SD_PACK F(lane_extremes)(const SD_ITEM *x, size_t n, SD_PACK *lane_min) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK max[4] = {lowest, lowest, lowest, lowest}, min = P(set1)((SD_REAL)INFINITY);
    const int group = 4;
    size_t i = 0;
    for (; i + 4 * SD_WIDTH <= n; i += 4 * SD_WIDTH) {
        SD_PACK packs[4];
        SD_EACH packs[u] = I(load)(x + i + u * SD_WIDTH);
        SD_EACH max[u] = P(max)(packs[u], max[u]);
        if (lane_min)
            min = P(min)(P(min)(P(min)(packs[0], packs[1]), P(min)(packs[2], packs[3])), min);
    }
    for (; i < n; i += SD_WIDTH) {
        max[0] = P(max)(F(load_up_to)(x + i, n - i), max[0]);
        if (lane_min) min = P(min)(F(load_or)(x + i, n - i, (SD_REAL)INFINITY), min);
    }
    if (lane_min) *lane_min = min;
    return P(max)(P(max)(max[0], max[1]), P(max)(max[2], max[3]));
}

static SD_PACK F(lane_max)(const SD_ITEM *x, size_t n) { return F(lane_extremes)(x, n, NULL); }

/* Whether every lane is at least the limit. */
SD_INLINE int F(all_reach)(SD_PACK pack, SD_REAL limit) {
    return P(mask_ge)(pack, P(set1)(limit)) == I(mask_n)(SD_WIDTH);
}

/* How many x are at least the threshold; NaN if any is NaN. At T = 0 and infinity that is the sum. */
static double F(count)(const SD_ITEM *x, size_t n, SD_REAL threshold) {
    const SD_PACK least = P(set1)(threshold), lowest = P(set1)(-(SD_REAL)INFINITY);
    const SD_PACK one = P(set1)(1), zero = P(set1)(0), nan = P(set1)((SD_REAL)sd_nan());
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

/* The maxima with a group of packs, and the minima, whose own maxima and minima come first: one wait, not
 * one a pack. */
SD_INLINE SD_PACK F(max_with)(SD_PACK max, const SD_ITEM *x) {
    SD_PACK most = I(load)(x);
    SD_UNROLL for (int u = 1; u < SD_GROUP; u++) most = P(max)(I(load)(x + u * SD_WIDTH), most);
    return P(max)(most, max);
}

SD_INLINE SD_PACK F(min_with)(SD_PACK min, const SD_PACK *packs) {
    SD_PACK least = packs[0];
    SD_UNROLL for (int u = 1; u < SD_GROUP; u++) least = P(min)(packs[u], least);
    return P(min)(least, min);
}

/* group packs more in the sum. a->s is at least any exponential of its lane, since it starts at the
 * lane's largest; so z = (a->s + e) - a->s is exact, e being s (1 + q) rounded, and s + s q - z is what
 * the addition lost and what rounding the exponential to e lost as well: FastTwoSum with the product in
 * it, without which tied elements would all be off to the same side. s q is rounded first, to 2^-29 of
 * the exponential, for that leaves one multiplication where fmas, on the busier ports, would be two. */
SD_INLINE void F(add_packs)(A(accumulator) * a, const A(reduction) * r, const int group,
                            const SD_PACK *x, const int how) {
    SD_PACK s[SD_MOST], q[SD_MOST], z[SD_MOST];
    A(exponential)(r, NULL, group, x, how, 0, s, q);
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

/* A block's sum, still to be flushed, and meanwhile the lane maxima of the next block, which so is in the
 * first cache when its turn comes. Uncut, its lane minima, too: if one is below the floor, the sum is wrong. */
SD_BODY SD_PACK F(add_block)(A(accumulator) * total, const A(reduction) * r, const SD_ITEM *x,
                             size_t n, SD_PACK lane_max, const SD_ITEM *next, size_t n_next,
                             SD_PACK *lane_min, const int how) {
    const size_t step = SD_GROUP * SD_WIDTH;
    const int cut = how == SD_UNCUT ? SD_CUT : how;
    SD_PACK s, q, packs[SD_GROUP], min = P(set1)((SD_REAL)INFINITY), next_max = P(set1)(-(SD_REAL)INFINITY);
    A(accumulator) a = *total;
    A(exponential)(r, NULL, 1, &lane_max, cut, 0, &s, &q);
    A(accumulator_start)(&a, P(fma)(s, q, s));
    const int group = SD_GROUP;
    size_t i = 0;
    for (; n_next - i >= step; i += step) { /* the next block is not the longer one */
        next_max = F(max_with)(next_max, next + i);
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        if (how == SD_UNCUT) min = F(min_with)(min, packs);
        F(add_packs)(&a, r, group, packs, how);
    }
    const SD_PACK next_rest = F(lane_max)(next + i, n_next - i);
    for (; n - i >= step; i += step) {
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        if (how == SD_UNCUT) min = F(min_with)(min, packs);
        F(add_packs)(&a, r, group, packs, how);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(add_packs)(&a, r, 1, packs, cut);
        if (how == SD_UNCUT) min = P(min)(F(load_or)(x + i, n - i, (SD_REAL)INFINITY), min);
    }
    *total = a;
    if (how == SD_UNCUT) *lane_min = P(min)(min, *lane_min);
    return P(max)(next_max, next_rest);
}

/* What a row needs before anything of it is written. */
typedef struct {
    SD_REAL max;
    int is_nan, how;
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
                                next < SD_BLOCK ? next : SD_BLOCK, NULL, SD_MOVED);
        A(accumulator_flush)(&a);
    }
    row->sum = A(accumulator_total)(&a);
}

/* Below this a result may be subnormal. */
SD_INLINE SD_REAL F(least_normal)(const A(reduction) * r, sd_sum sum) {
    int exponent;
    sd_mantissa(sum.high, &exponent);
    return (SD_REAL)((SD_NORMAL + r->power + exponent) / (double)r->c_hi);
}

/* The sum over blocks relative to the largest maximum so far; 0 where the row must be moved. Nothing is cut
 * off until a block turns out to have something below the floor. */
SD_INLINE int F(sum_plain)(F(row) * row, const A(temperature) * t, const SD_ITEM *x, size_t n) {
    A(accumulator) a = A(accumulator_make)();
    SD_PACK lane_min, lane_max = F(lane_extremes)(x, n < SD_BLOCK ? n : SD_BLOCK, &lane_min);
    row->max = -(SD_REAL)INFINITY;
    for (size_t i = 0, left; i < n; i += SD_BLOCK) {
        left = n - i;
        const size_t block = left < SD_BLOCK ? left : SD_BLOCK, after = left - block;
        const size_t next = after < SD_BLOCK ? after : SD_BLOCK;
        const SD_REAL max = P(largest)(lane_max);
        if (max > row->max || i == 0) {
            if (A(must_be_moved)(t, max)) return 0;
            const double before = row->reduction.power;
            row->max = max;
            row->reduction = A(reduction_plain)(t, max);
            if (i > 0) A(accumulator_scale)(&a, sd_power_of_2(before - row->reduction.power));
            else row->how = F(all_reach)(lane_min, row->reduction.floor) ? SD_UNCUT : SD_CUT;
        }
        SD_PACK next_max = lane_max;
        if (row->how == SD_UNCUT) {
            next_max = F(add_block)(&a, &row->reduction, x + i, block, lane_max, x + i + block, next,
                                    &lane_min, SD_UNCUT);
            if (!F(all_reach)(lane_min, row->reduction.floor)) row->how = SD_CUT;
        }
        if (row->how == SD_CUT)
            next_max = F(add_block)(&a, &row->reduction, x + i, block, lane_max, x + i + block, next,
                                    NULL, SD_CUT);
        A(accumulator_flush)(&a);
        lane_max = next_max;
    }
    row->sum = A(accumulator_total)(&a);
    if (!F(all_reach)(lane_min, F(least_normal)(&row->reduction, row->sum))) row->how = SD_CUT;
    return 1;
}

/* n >= 1 */
static F(row) F(row_make)(const A(temperature) * t, const SD_ITEM *x, size_t n) {
    F(row) row = {0};
    if (!F(sum_plain)(&row, t, x, n)) {
        row.max = P(largest)(F(lane_max)(x, n));
        row.is_nan = !(row.max <= SD_LARGEST && row.max >= -SD_LARGEST);
        if (row.is_nan) return row;
        row.how = SD_MOVED;
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
        const SD_PACK pack = F(load_or)(x + i, n - i, first);
        const SD_PACK ones = P(where_ge)(pack, value, P(where_ge)(value, pack, one, zero), zero);
        if (P(total)(ones) < SD_WIDTH) return 0;
    }
    return 1;
}

/* ---- results -------------------------------------------------------------------------------- */

/* Exponentials divided; then, where one may be subnormal, the scale is taken off, by an fma, because a
 * product would take 150 cycles on some CPUs. */
SD_BODY void F(results)(const A(reduction) * r, const A(division) * by, const int group, SD_PACK *x,
                        const int how) {
    const SD_PACK unscale = P(set1)(SD_UNSCALE), zero = P(set1)(0);
    SD_PACK s[SD_MOST], q[SD_MOST];
    A(exponential)(r, by, group, x, how, 1, s, q);
    SD_EACH x[u] = P(fma)(s[u], q[u], s[u]);
    if (how != SD_UNCUT) SD_EACH x[u] = P(fma)(x[u], unscale, zero);
}

SD_INLINE void F(write_how)(const F(row) * row, const SD_ITEM *x, SD_ITEM *out, size_t n, const int how) {
    const int past_caches = n * sizeof *out >= SD_PAST_CACHES && how != SD_MOVED;
    A(reduction) r = row->reduction;
    const A(division) by = A(division_make)(&r, row->sum, how == SD_UNCUT ? -SD_SCALE_POWER : 0);
    const size_t step = SD_GROUP * SD_WIDTH;
    SD_PACK packs[SD_GROUP];
    size_t i = 0;
    if (past_caches) { /* up to a boundary of 64 bytes, if whole items lead there */
        const size_t beyond = (uintptr_t)out % 64 / sizeof *out;
        const size_t before = beyond ? 64 / sizeof *out - beyond : 0;
        for (; i < before; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, before - i);
            F(results)(&r, &by, 1, packs, how);
            F(store_up_to)(out + i, before - i, packs[0]);
        }
        i = before;
    }
    const int group = SD_GROUP;
    for (; n - i >= step; i += step) {
        SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
        F(results)(&r, &by, group, packs, how);
        if (past_caches) SD_EACH I(stream)(out + i + (size_t)u * SD_WIDTH, packs[u]);
        else SD_EACH I(store)(out + i + (size_t)u * SD_WIDTH, packs[u]);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(results)(&r, &by, 1, packs, how);
        F(store_up_to)(out + i, n - i, packs[0]);
    }
    if (past_caches) sd_stream_end();
}

/* In functions of their own, where compilers have registers enough. */
static SD_NOINLINE void F(write_uncut)(const F(row) * row, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    F(write_how)(row, x, out, n, SD_UNCUT);
}

static SD_NOINLINE void F(write_cut)(const F(row) * row, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    F(write_how)(row, x, out, n, SD_CUT);
}

static SD_NOINLINE void F(write_moved)(const F(row) * row, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    F(write_how)(row, x, out, n, SD_MOVED);
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
                            const SD_PACK *x, const int how, SD_PACK *out) {
    SD_PACK s[SD_MOST], q[SD_MOST], e[SD_MOST];
    A(exponential)(r, NULL, group, x, how, 1, s, q);
    SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH out[u] = P(sub)(s[u], e[u]);
    SD_EACH out[u] = P(fma)(s[u], q[u], out[u]);
    SD_EACH out[u] = P(with_sign)(e[u], out[u]);
    F(add)(a, group, s, q, e);
}

/* The exponentials of a row, and their sum. */
SD_INLINE sd_sum F(store_exponentials)(const A(reduction) * reduction, const SD_ITEM *x, SD_ITEM *out,
                                       size_t n, SD_PACK lane_max, const int how) {
    const A(reduction) r = *reduction;
    const int cut = how == SD_UNCUT ? SD_CUT : how; /* lanes without items */
    A(accumulator) a = A(accumulator_make)();
    SD_PACK s, q, packs[SD_GROUP];
    A(exponential)(&r, NULL, 1, &lane_max, cut, 1, &s, &q);
    const SD_PACK start = P(fma)(s, q, s);
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SD_BLOCK ? i + SD_BLOCK : n;
        const int group = SD_GROUP;
        A(accumulator_start)(&a, start);
        for (; end - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
            SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
            F(store_packs)(&a, &r, group, packs, how, packs);
            SD_EACH I(store)(out + i + (size_t)u * SD_WIDTH, packs[u]);
        }
        for (; i < end; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, end - i);
            F(store_packs)(&a, &r, 1, packs, cut, packs);
            F(store_up_to)(out + i, end - i, packs[0]);
        }
        A(accumulator_flush)(&a);
    }
    return A(accumulator_total)(&a);
}

/* Exponentials divided, and the scale taken off where it was not taken off the inverse. A fifth of a unit
 * in the last place of e is added to it, or taken off: what was lost is between none and half a unit, and
 * where e is just above a power of two most of it counts. */
SD_INLINE void F(divide_stored)(const A(inverse) * inverse, SD_ITEM *out, size_t n, const int is_normal) {
    const SD_PACK lost = P(mul)(inverse->high, P(set1)(SD_LOST));
    for (size_t i = 0; i < n; i += SD_WIDTH) {
        const SD_PACK stored = F(load_up_to)(out + i, n - i), e = P(abs)(stored);
        const SD_PACK low = P(add)(inverse->low, P(with_sign)(lost, stored));
        SD_PACK r = P(fma)(e, inverse->high, P(mul)(e, low));
        if (!is_normal) r = P(fma)(r, P(set1)(SD_UNSCALE), P(set1)(0));
        F(store_up_to)(out + i, n - i, r);
    }
}

SD_INLINE void F(softmax_stored)(const A(temperature) * t, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    SD_PACK lane_min;
    const SD_PACK lane_max = F(lane_extremes)(x, n, &lane_min);
    const SD_REAL max = P(largest)(lane_max);
    const int moved = A(must_be_moved)(t, max);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) {
        F(fill)(out, n, (SD_REAL)sd_nan());
        return;
    }
    const A(reduction) r = moved ? A(reduction_moved)(t, max) : A(reduction_plain)(t, max);
    sd_sum sum;
    if (moved) sum = F(store_exponentials)(&r, x, out, n, lane_max, SD_MOVED);
    else if (!F(all_reach)(lane_min, r.floor)) sum = F(store_exponentials)(&r, x, out, n, lane_max, SD_CUT);
    else sum = F(store_exponentials)(&r, x, out, n, lane_max, SD_UNCUT);
    const SD_PACK first = I(load_n)(out, 1, 0);
    const sd_sum value = A(exponential_value)(P(abs)(first), P(set1)(0));
    if (sum.high != sum.high) {
        F(fill)(out, n, (SD_REAL)sd_nan());
    } else if (F(may_be_equal)(value, n, sum) && F(are_equal)(out, n)) {
        F(fill)(out, n, (SD_REAL)(1 / (double)n));
    } else {
        A(inverse) inverse = A(inverse_make)(sum);
        if (moved || !F(all_reach)(lane_min, F(least_normal)(&r, sum))) {
            F(divide_stored)(&inverse, out, n, 0);
        } else {
            inverse.high = P(mul)(inverse.high, P(set1)(SD_UNSCALE));
            inverse.low = P(mul)(inverse.low, P(set1)(SD_UNSCALE));
            F(divide_stored)(&inverse, out, n, 1);
        }
    }
}

static void F(softmax_row)(const A(temperature) * t, const SD_ITEM *x, SD_ITEM *out, size_t n) {
    if (t->limit) {
        const SD_REAL max = P(largest)(F(lane_max)(x, n));
        const SD_REAL threshold = t->limit == SD_ONLY_MAX ? max : -SD_LARGEST;
        const double count = F(count)(x, n, threshold);
        if (count >= 1 && max <= SD_LARGEST && max >= -SD_LARGEST)
            F(write_limit)(x, out, n, threshold, (SD_REAL)(1 / count), 0);
        else F(fill)(out, n, (SD_REAL)sd_nan());
        return;
    }
    if (n <= SD_STORED) {
        F(softmax_stored)(t, x, out, n);
        return;
    }
    const F(row) row = F(row_make)(t, x, n);
    const SD_PACK first = I(load_n)(x, 1, 0);
    SD_PACK s, q;
    A(exponential)(&row.reduction, NULL, 1, &first, SD_MOVED, 0, &s, &q);
    if (row.is_nan) F(fill)(out, n, (SD_REAL)sd_nan());
    else if (F(may_be_equal)(A(exponential_value)(s, q), n, row.sum) && F(are_equal)(x, n))
        F(fill)(out, n, (SD_REAL)(1 / (double)n));
    else if (row.how == SD_MOVED) F(write_moved)(&row, x, out, n);
    else if (row.how == SD_CUT) F(write_cut)(&row, x, out, n);
    else F(write_uncut)(&row, x, out, n);
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

/* An exponential s (1 + q), cut in two: an upper part, whose sums are exact, and what is left. */
SD_INLINE SD_PACK F(split)(SD_PACK s, SD_PACK q, SD_PACK *upper) {
    const SD_PACK split = P(set1)(SD_SPLIT);
    *upper = P(sub)(P(add)(P(fma)(s, q, s), split), split);
    return P(fma)(s, q, P(sub)(s, *upper));
}

/* Its parts added. */
SD_INLINE void F(add_split)(SD_PACK s, SD_PACK q, SD_PACK *high, SD_PACK *low) {
    SD_PACK upper;
    *low = P(add)(*low, F(split)(s, q, &upper));
    *high = P(add)(*high, upper);
}

/* Whether all n items are the maximum. */
SD_INLINE int F(all_equal)(const SD_PACK *packs, size_t n, SD_REAL max, const int group) {
    int equal = 1;
    SD_EACH equal &= P(mask_ge)(packs[u], P(set1)(max)) == I(mask_n)(n - (size_t)u * SD_WIDTH);
    return equal;
}

/* Eight rows of n items in `group` packs; 0, and nothing written, if one is out of the ordinary. */
SD_BODY int F(softmax_eight)(const SD_ITEM *x, ptrdiff_t x_stride, SD_ITEM *out, ptrdiff_t out_stride,
                             size_t n, f64x8 t, const int group) {
    const SD_PACK zero = P(set1)(0);
    SD_PACK s[8][SD_MOST], q[8][SD_MOST], packs[SD_MOST], high[8], low[8];
    A(short_rows) rows;
    const SD_ITEM *from = x;
    for (int i = 0; i < 8; i++, from += x_stride) {
        SD_EACH packs[u] = F(load_up_to)(from + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
        SD_EACH packs[0] = P(max)(packs[u], packs[0]);
        high[i] = packs[0];
    }
    if (!A(short_reduce)(&rows, P(largest_8)(high), t)) return 0;
    from = x;
    for (int i = 0; i < 8; i++, from += x_stride) {
        const A(reduction) r = A(short_reduction)(&rows, i);
        SD_EACH packs[u] = F(load_up_to)(from + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
        if (F(all_equal)(packs, n, rows.max[i], group)) return 0; /* or all NaN */
        A(exponential)(&r, NULL, group, packs, SD_CUT, 1, s[i], q[i]);
        high[i] = low[i] = zero;
        SD_EACH F(add_split)(s[i][u], q[i][u], &high[i], &low[i]);
    }
    if (!A(short_invert)(&rows, P(total_8)(high), P(total_8)(low))) return 0;
    for (int i = 0; i < 8; i++, out += out_stride) {
        const A(inverse) inverse = {P(set1)(rows.inverse_high[i]), P(set1)(rows.inverse_low[i])};
        F(divide)(&inverse, group, s[i], q[i], packs);
        SD_EACH F(store_up_to)(out + u * SD_WIDTH, n - (size_t)u * SD_WIDTH, packs[u]);
    }
    return 1;
}

/* A lone row likewise, with what is one number in scalars: the same numbers, and so the same bits. If it is
 * narrow, its items are in the lower half of one pack, and nothing of the upper half is computed. */
SD_BODY int F(softmax_one)(const SD_ITEM *x, SD_ITEM *out, size_t n, double t, const int group,
                           const int narrow) {
    SD_PACK packs[SD_MOST], s[SD_MOST], q[SD_MOST], high, low;
    if (!(t >= SD_LEAST_PLAIN && t <= SD_MOST_PLAIN)) return 0;
    const A(temperature) temperature = A(temperature_plain)(t);
    SD_EACH packs[u] = F(load_up_to)(x + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
    if (narrow) packs[0] = P(upper_is)(packs[0], -(SD_REAL)INFINITY);
    SD_PACK most = packs[0];
    SD_UNROLL for (int u = 1; u < group; u++) most = P(max)(packs[u], most);
    const SD_REAL max = P(largest)(most);
    if (A(must_be_moved)(&temperature, max) || F(all_equal)(packs, n, max, group)) return 0;
    const A(reduction) r = A(reduction_plain)(&temperature, max);
    A(exponential)(&r, NULL, group, packs, SD_CUT, 1, s, q);
    low = F(split)(s[0], q[0], &high);
    SD_UNROLL for (int u = 1; u < group; u++) F(add_split)(s[u], q[u], &high, &low);
    if (narrow) high = P(upper_is)(high, -(SD_REAL)0), low = P(upper_is)(low, -(SD_REAL)0);
    A(inverse) inverse;
    if (!A(inverse_of_split)(&inverse, P(total)(high), P(total)(low))) return 0;
    F(divide)(&inverse, group, s, q, packs);
    if (narrow) packs[0] = P(upper_is)(packs[0], 0);
    SD_EACH F(store_up_to)(out + u * SD_WIDTH, n - (size_t)u * SD_WIDTH, packs[u]);
    return 1;
}

/* As many rows of at most two packs as a pack has lanes, side by side, each in its own lane, a column a
 * pack: nothing is looked for or added up across a pack, and a temperature a row costs nothing. Sums are
 * added up in softmax_eight's order. Halves have the columns of their packs, in whose order lanes may not
 * be items. 0, and nothing written, if a row is out of the ordinary. */
static SD_NOINLINE int F(softmax_columns)(const SD_ITEM *x, ptrdiff_t x_stride, SD_ITEM *out,
                                          ptrdiff_t out_stride, size_t n, const double *t) {
    enum { WIDE = 2 * SD_WIDTH, ROOM = (WIDE + SD_MOST) * SD_WIDTH, IS_HALF = sizeof *x < sizeof(SD_REAL) };
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    const size_t in_packs = n > SD_WIDTH ? WIDE : SD_WIDTH, columns = IS_HALF ? in_packs : n;
    SD_REAL rows[SD_WIDTH * WIDE], s[ROOM], q[ROOM];
    SD_PACK max = lowest, min = P(set1)((SD_REAL)INFINITY), high = P(set1)(0), low[SD_WIDTH];
    A(lanes) lanes;
    A(inverse) inverse;
    for (size_t i = 0; IS_HALF && i < SD_WIDTH; i++)
        for (size_t j = 0; j < in_packs; j += SD_WIDTH)
            P(store)(rows + i * WIDE + j, F(load_up_to)(x + (ptrdiff_t)i * x_stride + j, n - j));
    if (IS_HALF) A(to_columns)(rows, WIDE, s, columns);
    else A(to_columns)((const SD_REAL *)x, x_stride, s, columns);
    for (size_t j = 0; j < columns; j++) {
        const SD_PACK column = P(load)(s + j * SD_WIDTH);
        max = P(max)(column, max);
        if (!IS_HALF || I(mask_n)(n - j / SD_WIDTH * SD_WIDTH) >> j % SD_WIDTH & 1) min = P(min)(column, min);
    }
    if (!A(lanes_make)(&lanes, max, t)) return 0;
    const int group = SD_GROUP;
    SD_EACH P(store)(s + (columns + (size_t)u) * SD_WIDTH, lowest);
    for (size_t j = 0; j < columns * SD_WIDTH; j += SD_GROUP * SD_WIDTH) {
        SD_PACK packs[SD_GROUP], rests[SD_GROUP];
        SD_EACH packs[u] = P(load)(s + j + u * SD_WIDTH);
        A(exponential_lanes)(&lanes, NULL, NULL, group, packs, 0, 1, packs, rests);
        SD_EACH P(store)(s + j + u * SD_WIDTH, packs[u]);
        SD_EACH P(store)(q + j + u * SD_WIDTH, rests[u]);
    }
    size_t half = columns > SD_WIDTH ? SD_WIDTH : SD_WIDTH / 2;
    for (size_t i = 0; i < half && i < columns; i++) {
        const size_t at = i * SD_WIDTH, other = (i + half) * SD_WIDTH;
        low[i] = P(set1)(0);
        F(add_split)(P(load)(s + at), P(load)(q + at), &high, &low[i]);
        if (i + half < columns) F(add_split)(P(load)(s + other), P(load)(q + other), &high, &low[i]);
    }
    while (half /= 2)
        for (size_t i = 0; i < half && i + half < columns; i++) low[i] = P(add)(low[i], low[i + half]);
    if (!A(lanes_invert)(&inverse, high, low[0])) return 0;
    for (size_t j = 0; j < columns * SD_WIDTH; j += SD_GROUP * SD_WIDTH) {
        SD_PACK packs[SD_GROUP], rests[SD_GROUP], results[SD_GROUP];
        SD_EACH packs[u] = P(load)(s + j + u * SD_WIDTH);
        SD_EACH rests[u] = P(load)(q + j + u * SD_WIDTH);
        F(divide)(&inverse, group, packs, rests, results);
        SD_EACH P(store)(s + j + u * SD_WIDTH, results[u]);
    }
    if (P(mask_ge)(min, max)) { /* rows of equal elements */
        const SD_PACK equal = P(set1)((SD_REAL)(1 / (double)n));
        for (size_t j = 0; j < columns * SD_WIDTH; j += SD_WIDTH)
            P(store)(s + j, P(where_ge)(min, max, equal, P(load)(s + j)));
    }
    if (IS_HALF) A(from_columns)(s, rows, WIDE, columns);
    else A(from_columns)(s, (SD_REAL *)out, out_stride, columns);
    for (size_t i = 0; IS_HALF && i < SD_WIDTH; i++)
        for (size_t j = 0; j < in_packs; j += SD_WIDTH)
            F(store_up_to)(out + (ptrdiff_t)i * out_stride + j, n - j, P(load)(rows + i * WIDE + j));
    return 1;
}

/* ---- all rows ------------------------------------------------------------------------------- */

static SD_NOINLINE void F(softmax_short_row)(const SD_ITEM *x, SD_ITEM *out, size_t n, double t) {
    const int in_order = sizeof *x == sizeof(SD_REAL); /* lanes of halves may not be */
    const int done = n <= SD_WIDTH / 2 && in_order ? F(softmax_one)(x, out, n, t, 1, 1)
                     : n <= SD_WIDTH               ? F(softmax_one)(x, out, n, t, 1, 0)
                     : n <= 2 * SD_WIDTH           ? F(softmax_one)(x, out, n, t, 2, 0)
                     : n <= 3 * SD_WIDTH           ? F(softmax_one)(x, out, n, t, 3, 0)
                                                   : F(softmax_one)(x, out, n, t, 4, 0);
    if (!done) {
        const A(temperature) alone = A(temperature_make)(t);
        F(softmax_row)(&alone, x, out, n);
    }
}

/* As many short rows at a time as can be. */
SD_INLINE void F(softmax_together)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *all, const int group) {
    const ptrdiff_t x_stride = all->x_stride, out_stride = all->out_stride;
    const ptrdiff_t t_stride = all->temperature_stride;
    const double *t = all->temperature;
    for (size_t left = all->rows, done; left > 0; left -= done) {
        double each[SD_WIDTH];
        done = 0;
        if (group <= 2 && left >= SD_WIDTH) {
            for (int i = 0; i < SD_WIDTH; i++) each[i] = t[i * t_stride];
            if (F(softmax_columns)(x, x_stride, out, out_stride, all->n, each)) done = SD_WIDTH;
        }
        if (!done && left >= 8) {
            for (int i = 0; t_stride && i < 8; i++) each[i] = t[i * t_stride];
            const f64x8 eight = t_stride ? f64_load(each) : f64_set1(*t);
            if (F(softmax_eight)(x, x_stride, out, out_stride, all->n, eight, group)) done = 8;
        }
        if (!done) { /* a row that is out of the ordinary must not change its neighbours */
            for (; done < 8 && done < left; done++) {
                const ptrdiff_t i = (ptrdiff_t)done;
                F(softmax_short_row)(x + i * x_stride, out + i * out_stride, all->n, t[i * t_stride]);
            }
        }
        x += (ptrdiff_t)done * x_stride;
        out += (ptrdiff_t)done * out_stride;
        t += (ptrdiff_t)done * t_stride;
    }
}

static SD_NOINLINE void F(softmax_short_rows)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *all) {
    if (all->n <= SD_WIDTH) F(softmax_together)(x, out, all, 1);
    else if (all->n <= 2 * SD_WIDTH) F(softmax_together)(x, out, all, 2);
    else if (all->n <= 3 * SD_WIDTH) F(softmax_together)(x, out, all, 3);
    else F(softmax_together)(x, out, all, 4);
}

static SD_NOINLINE void F(softmax_long_rows)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    double t = rows->temperature[0];
    A(temperature) temperature = A(temperature_make)(t);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        if (next != t) temperature = A(temperature_make)(t = next);
        F(softmax_row)(&temperature, x, out, rows->n);
    }
}

/* Its branches in functions of their own, so that a lone short row passes by their registers and room. */
static void F(softmax)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    if (rows->n == 0 || rows->rows == 0) return;
    if (rows->n > 4 * SD_WIDTH) F(softmax_long_rows)(x, out, rows);
    else if (rows->rows == 1) F(softmax_short_row)(x, out, rows->n, *rows->temperature);
    else F(softmax_short_rows)(x, out, rows);
}
