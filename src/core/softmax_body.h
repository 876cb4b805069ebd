/* Softmax, log_softmax and logsumexp of rows, over the exponential of exp2_f32.h or exp2_f64.h.
 *
 * But for short ones, a row is read three times: for its maximum, for the sum of its exponentials, and to compute them
 * again with 1 / sum folded into their table, which is more exact than storing and scaling them. */

/* Which formula gives a row's exponentials. LIMIT is T = 0 or infinity: 1 from a threshold on. */
enum { F(PLAIN), F(MOVED), F(LIMIT) };

typedef struct {
    SD_REAL max;
    int mode, is_nan;
    sd_sum sum;        /* of the exponentials relative to the maximum's, or its excess over 1 */
    SD_REAL threshold; /* LIMIT */
    F(reduction) reduction; /* PLAIN and MOVED */
} F(row);

/* What turns x into exponentials, divided by some sum. */
typedef struct {
    F(reduction) reduction;
    F(exp2_table) table;
    SD_REAL threshold, one; /* LIMIT */
} F(formula);

SD_INLINE F(formula) F(formula_make)(const F(row) * row, sd_sum divisor) {
    F(formula) r;
    r.reduction = row->reduction;
    r.threshold = row->threshold;
    r.one = (SD_REAL)(SD_SCALE / divisor.high);
    if (row->mode != F(LIMIT)) r.table = F(exp2_table_make)(&row->reduction, divisor);
    return r;
}

/* The exponentials of `group` packs x times SD_SCALE, as s (1 + q). */
SD_INLINE void F(apply)(const F(formula) * formula, const int group, const SD_PACK *x, const int mode,
                        const int on_grid, SD_PACK *s, SD_PACK *q) {
    if (mode != F(LIMIT)) {
        F(exponential)(&formula->reduction, &formula->table, group, x, mode == F(MOVED), on_grid, s, q);
        return;
    }
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY), nan = P(set1)((SD_REAL)NAN);
    const SD_PACK threshold = P(set1)(formula->threshold), one = P(set1)(formula->one);
    const SD_PACK zero = P(set1)(0);
    SD_EACH s[u] = P(where_ge)(x[u], threshold, one, P(where_ge)(x[u], lowest, zero, nan));
    SD_EACH q[u] = zero;
}

/* A pack of x, where fewer elements than a pack may be left: -inf, and so nothing, in their stead. */
SD_INLINE SD_PACK F(load_up_to)(const SD_REAL *x, size_t left) {
    return left >= SD_WIDTH ? P(load)(x) : P(load_n)(x, left, -(SD_REAL)INFINITY);
}

SD_INLINE void F(store_up_to)(SD_REAL *out, size_t left, SD_PACK value) {
    if (left >= SD_WIDTH) P(store)(out, value);
    else P(store_n)(out, left, value);
}

/* The maximum of each lane; NaN is passed over here and shows in the sum. */
static SD_PACK F(lane_max)(const SD_REAL *x, size_t n) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK a = lowest, b = lowest, c = lowest, d = lowest;
    size_t i = 0;
    for (; i + 4 * SD_WIDTH <= n; i += 4 * SD_WIDTH) {
        a = P(max)(P(load)(x + i), a);
        b = P(max)(P(load)(x + i + SD_WIDTH), b);
        c = P(max)(P(load)(x + i + 2 * SD_WIDTH), c);
        d = P(max)(P(load)(x + i + 3 * SD_WIDTH), d);
    }
    for (; i < n; i += SD_WIDTH) a = P(max)(F(load_up_to)(x + i, n - i), a);
    return P(max)(P(max)(a, b), P(max)(c, d));
}

/* group packs more in the sum. a->s is at least any exponential of its lane, since it starts at the
 * lane's largest; so z = (a->s + e) - a->s is exact, and s (1 + q) - z, rounded once, is what the
 * addition lost and what rounding the exponential to e lost as well: FastTwoSum with the product in
 * it, without which tied elements would all be off to the same side. */
SD_INLINE void F(add_to_sum)(F(accumulator) * a, const F(formula) * formula, const int group,
                             const SD_PACK *x, const int mode) {
    SD_PACK s[SD_GROUP], q[SD_GROUP], z[SD_GROUP];
    F(apply)(formula, group, x, mode, 0, s, q);
    SD_EACH {
        const SD_PACK sum = P(add)(a->s, P(fma)(s[u], q[u], s[u]));
        z[u] = P(sub)(sum, a->s);
        a->s = sum;
    }
    SD_EACH z[u] = P(sub)(s[u], z[u]);
    SD_EACH z[u] = P(fma)(s[u], q[u], z[u]);
    SD_EACH a->c = P(add)(a->c, z[u]);
}

/* group packs more in the sum of what is not the maximum, and in the number of what is. Beside a
 * dominant entry log_softmax sees nothing else, and that may be 2^-149 of it: so a->s starts at 0,
 * and what it loses is had by Knuth's TwoSum, which does not ask which summand is the larger. */
SD_INLINE void F(add_to_excess)(F(accumulator) * a, SD_PACK *maxima, const F(formula) * formula,
                                const int group, const SD_PACK *x, SD_PACK max, const int mode) {
    const SD_PACK zero = P(set1)(0), one = P(set1)(1);
    SD_PACK s[SD_GROUP], q[SD_GROUP], e[SD_GROUP], z[SD_GROUP];
    F(apply)(formula, group, x, mode, 0, s, q);
    SD_EACH s[u] = P(where_ge)(x[u], max, zero, s[u]);
    SD_EACH *maxima = P(add)(*maxima, P(where_ge)(x[u], max, one, zero));
    SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH s[u] = P(fma)(s[u], q[u], P(sub)(s[u], e[u]));
    SD_EACH {
        const SD_PACK sum = P(add)(a->s, e[u]), part = P(sub)(sum, a->s);
        z[u] = P(add)(P(sub)(a->s, P(sub)(sum, part)), P(sub)(e[u], part));
        a->s = sum;
    }
    SD_EACH a->c = P(add)(a->c, P(add)(z[u], s[u]));
}

SD_INLINE double F(lanes_sum)(SD_PACK a) {
    SD_REAL lane[SD_WIDTH];
    double sum = 0;
    P(store)(lane, a);
    for (int i = 0; i < SD_WIDTH; i++) sum += (double)lane[i];
    return sum;
}

SD_INLINE sd_sum F(sum_in_mode)(const F(row) * row, const SD_REAL *x, size_t n, SD_PACK lane_max,
                                const int mode, const int excess) {
    const sd_sum undivided = {1, 0};
    const F(formula) formula = F(formula_make)(row, undivided);
    const SD_PACK max = P(set1)(row->max), zero = P(set1)(0);
    F(accumulator) a;
    SD_PACK start, q, packs[SD_GROUP], maxima = zero;
    double count = -1;
    F(apply)(&formula, 1, &lane_max, mode, 0, &start, &q);
    F(accumulator_start)(&a, excess ? zero : P(fma)(start, q, start));
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > 4096 ? i + 4096 : n;
        const int group = SD_GROUP;
        for (; group > 1 && end - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
            SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
            if (excess) F(add_to_excess)(&a, &maxima, &formula, group, packs, max, mode);
            else F(add_to_sum)(&a, &formula, group, packs, mode);
        }
        for (; i < end; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, end - i);
            if (excess) F(add_to_excess)(&a, &maxima, &formula, 1, packs, max, mode);
            else F(add_to_sum)(&a, &formula, 1, packs, mode);
        }
        F(accumulator_flush)(&a);
        if (excess) count += F(lanes_sum)(maxima);
        maxima = zero;
    }
    const sd_sum rest = F(accumulator_total)(&a), others = {count, 0};
    return excess ? sd_sum_add(others, rest) : rest;
}

static sd_sum F(sum)(const F(row) * row, const SD_REAL *x, size_t n, SD_PACK lane_max, int excess) {
    switch (row->mode * 2 + excess) {
    case F(PLAIN) * 2: return F(sum_in_mode)(row, x, n, lane_max, F(PLAIN), 0);
    case F(PLAIN) * 2 + 1: return F(sum_in_mode)(row, x, n, lane_max, F(PLAIN), 1);
    case F(MOVED) * 2: return F(sum_in_mode)(row, x, n, lane_max, F(MOVED), 0);
    case F(MOVED) * 2 + 1: return F(sum_in_mode)(row, x, n, lane_max, F(MOVED), 1);
    case F(LIMIT) * 2: return F(sum_in_mode)(row, x, n, lane_max, F(LIMIT), 0);
    default: return F(sum_in_mode)(row, x, n, lane_max, F(LIMIT), 1);
    }
}

/* What a row needs before anything of it is written: n >= 1. `excess` asks for the sum less 1. */
static F(row) F(row_make)(const F(temperature) * t, const SD_REAL *x, size_t n, int excess) {
    F(row) row = {0};
    SD_REAL lane[SD_WIDTH];
    const SD_PACK lane_max = F(lane_max)(x, n);
    P(store)(lane, lane_max);
    for (int half = SD_WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] = lane[i + half] > lane[i] ? lane[i + half] : lane[i];
    row.max = lane[0] + 0; /* -0 becomes +0 */
    if (!(row.max <= SD_LARGEST && row.max >= -SD_LARGEST)) {
        row.is_nan = 1;
        return row;
    }
    if (t->all_equal || t->only_max) {
        row.mode = F(LIMIT);
        row.threshold = t->only_max ? row.max : -SD_LARGEST;
    } else {
        row.reduction = F(reduction_make)(t, row.max, 0);
        row.mode = row.reduction.moved ? F(MOVED) : F(PLAIN);
    }
    row.sum = F(sum)(&row, x, n, lane_max, excess);
    /* All but equal: with the maximum subtracted, every exponential of a row of equal elements is
     * exactly 1 and every result the rounded 1 / n. */
    if (!excess && row.mode != F(LIMIT) && row.reduction.shift == 0 &&
        row.sum.high > (double)n * (1 - 0x1p-20)) {
        row.reduction = F(reduction_make)(t, row.max, 1);
        row.mode = F(MOVED);
        row.sum = F(sum)(&row, x, n, lane_max, 0);
    }
    row.is_nan = row.sum.high != row.sum.high;
    return row;
}

static void F(fill)(SD_REAL *out, size_t n, SD_REAL value) {
    for (size_t i = 0; i < n; i++) out[i] = value;
}

/* group packs of results from x */
SD_INLINE void F(softmax_packs)(const F(formula) * formula, const int group, SD_PACK *x,
                                const int mode) {
    const SD_PACK unscale = P(set1)(SD_UNSCALE), zero = P(set1)(0);
    SD_PACK s[SD_GROUP], q[SD_GROUP];
    F(apply)(formula, group, x, mode, 1, s, q);
    SD_EACH s[u] = P(fma)(s[u], q[u], s[u]);
    /* not a product: where that is subnormal some CPUs take 150 cycles, for fma none does */
    SD_EACH x[u] = P(fma)(s[u], unscale, zero);
}

SD_INLINE void F(softmax_write)(const F(row) * row, const SD_REAL *x, SD_REAL *out, size_t n,
                                const int mode) {
    const F(formula) formula = F(formula_make)(row, row->sum);
    const int group = SD_GROUP;
    SD_PACK packs[SD_GROUP];
    size_t i = 0;
    for (; group > 1 && n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        F(softmax_packs)(&formula, group, packs, mode);
        SD_EACH P(store)(out + i + (size_t)u * SD_WIDTH, packs[u]);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(softmax_packs)(&formula, 1, packs, mode);
        F(store_up_to)(out + i, n - i, packs[0]);
    }
}

static void F(softmax_row)(const F(row) * row, const SD_REAL *x, SD_REAL *out, size_t n) {
    if (row->is_nan) F(fill)(out, n, (SD_REAL)NAN);
    else if (row->mode == F(PLAIN)) F(softmax_write)(row, x, out, n, F(PLAIN));
    else if (row->mode == F(MOVED)) F(softmax_write)(row, x, out, n, F(MOVED));
    else F(softmax_write)(row, x, out, n, F(LIMIT));
}

static void F(log_softmax_row)(const F(row) * row, double t, const SD_REAL *x, SD_REAL *out,
                               size_t n) {
    if (row->is_nan) {
        F(fill)(out, n, (SD_REAL)NAN);
        return;
    }
    const double log_sum = sd_log1p(row->sum.high);
    size_t i = 0;
    if (t == 0 || t > DBL_MAX) {
        const SD_REAL value = (SD_REAL)-log_sum + 0;
        for (; i < n; i++) out[i] = x[i] >= row->threshold ? value : -(SD_REAL)INFINITY;
        return;
    }
    const F(log_writer) writer = F(log_writer_make)(t, row->max, log_sum);
    for (; i < n; i += SD_WIDTH)
        F(store_up_to)(out + i, n - i, F(log_write)(&writer, F(load_up_to)(x + i, n - i)));
}

static SD_REAL F(logsumexp_row)(const F(row) * row, double t, const SD_REAL *x, size_t n) {
    if (row->is_nan) {
        /* NaN, or the one infinity: plus if there is one, minus if there is nothing else */
        for (size_t i = 0; i < n; i++)
            if (x[i] != x[i]) return (SD_REAL)NAN;
        return row->max;
    }
    if (t == 0 && row->max != 0) return row->max > 0 ? (SD_REAL)INFINITY : -(SD_REAL)INFINITY;
    return F(log_sum_at)(row->max, t == 0 ? 1 : t, row->sum);
}

/* All rows, with the excess of their sums; a temperature that stays the same is made ready once. */
#define SD_EACH_ROW(statement)                                                           \
    double t = rows->temperature[0];                                                     \
    F(temperature) temperature = F(temperature_make)(t);                                 \
    for (size_t i = 0; i < rows->rows; i++) {                                            \
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];  \
        if (next != t) temperature = F(temperature_make)(t = next);                      \
        const F(row) row = F(row_make)(&temperature, x, rows->n, 1);                     \
        statement;                                                                       \
        x += rows->x_stride;                                                             \
        out += rows->out_stride;                                                         \
    }

/* group packs hold the row. */
SD_INLINE int F(softmax_short)(const F(short_rows) * rows, const SD_REAL *x, SD_REAL *out, size_t n,
                               const int group) {
    SD_PACK packs[2], results[2];
    for (int u = 0; u < group; u++) {
        const size_t at = (size_t)u * SD_WIDTH;
        packs[u] = F(load_up_to)(x + at, n - at);
    }
    if (!F(short_row)(rows, group, packs, results)) return 0;
    for (int u = 0; u < group; u++) {
        const size_t at = (size_t)u * SD_WIDTH;
        F(store_up_to)(out + at, n - at, results[u]);
    }
    return 1;
}

static void F(softmax)(const SD_REAL *x, SD_REAL *out, const sd_rows *rows) {
    const size_t n = rows->n;
    if (n == 0 || rows->rows == 0) return;
    double t = rows->temperature[0];
    F(temperature) temperature = F(temperature_make)(t);
    F(short_rows) all_short = F(short_rows_make)(&temperature, n);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        if (next != t) {
            temperature = F(temperature_make)(t = next);
            all_short = F(short_rows_make)(&temperature, n);
        }
        if (all_short.usable &&
            (n <= SD_WIDTH ? F(softmax_short)(&all_short, x, out, n, 1)
                           : F(softmax_short)(&all_short, x, out, n, F(SHORT) / SD_WIDTH)))
            continue;
        const F(row) row = F(row_make)(&temperature, x, n, 0);
        F(softmax_row)(&row, x, out, n);
    }
}

static void F(log_softmax)(const SD_REAL *x, SD_REAL *out, const sd_rows *rows) {
    if (rows->n == 0 || rows->rows == 0) return;
    SD_EACH_ROW(F(log_softmax_row)(&row, t, x, out, rows->n))
}

static void F(logsumexp)(const SD_REAL *x, SD_REAL *out, const sd_rows *rows) {
    if (rows->rows == 0) return;
    if (rows->n == 0) {
        for (size_t i = 0; i < rows->rows; i++, out += rows->out_stride) *out = -(SD_REAL)INFINITY;
        return;
    }
    SD_EACH_ROW(*out = F(logsumexp_row)(&row, t, x, rows->n))
}

#undef SD_EACH_ROW
