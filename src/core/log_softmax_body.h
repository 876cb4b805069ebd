/* log_softmax and logsumexp of rows of one item type.
 *
 * Both are made of the maximum and log(1 + excess), the excess being the sum of all exponentials but the
 * maximum's, relative to that: beside a dominant entry nothing else is left to see. */

typedef struct {
    SD_REAL max, threshold; /* the threshold: at T = 0 and infinity, what counts */
    int is_nan;
    sd_sum excess;
} F(log_row);

/* group packs more in the sum of what is not the maximum, and in the number of what is. The sum may be
 * 2^-149 of the maximum: so a->s starts at 0, and what it loses is had by Knuth's TwoSum, which does not
 * ask which summand is the larger. */
SD_BODY void F(add_to_excess)(A(accumulator) * a, SD_PACK *maxima, const A(reduction) * r,
                                const int group, const SD_PACK *x, SD_PACK max, const int moved) {
    const SD_PACK zero = P(set1)(0), one = P(set1)(1);
    SD_PACK s[SD_MOST], q[SD_MOST], e[SD_MOST], z[SD_MOST];
    A(exponential)(r, NULL, group, x, moved, 0, s, q);
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

SD_INLINE sd_sum F(excess)(const A(reduction) * reduction, const SD_ITEM *x, size_t n, SD_REAL maximum,
                           const int moved) {
    const A(reduction) r = *reduction;
    const SD_PACK max = P(set1)(maximum), zero = P(set1)(0);
    A(accumulator) a = A(accumulator_make)();
    SD_PACK s, q, packs[SD_GROUP];
    double count = -1;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SD_BLOCK ? i + SD_BLOCK : n;
        const int group = SD_GROUP;
        SD_PACK maxima = zero;
        A(accumulator_start)(&a, zero);
        for (; group > 1 && end - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
            SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
            F(add_to_excess)(&a, &maxima, &r, group, packs, max, moved);
        }
        for (; i < end; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, end - i);
            F(add_to_excess)(&a, &maxima, &r, 1, packs, max, moved);
        }
        A(accumulator_flush)(&a);
        count += (double)P(total)(maxima);
    }
    A(exponential)(&r, NULL, 1, &max, moved, 0, &s, &q);
    const sd_sum others = {count, 0};
    return sd_sum_add(others,
                      A(sum_quotient)(A(accumulator_total)(&a), A(exponential_value)(s, q)));
}

/* n >= 1 */
static F(log_row) F(log_row_make)(const A(temperature) * t, const SD_ITEM *x, size_t n) {
    F(log_row) row = {P(largest)(F(lane_max)(x, n)) + 0, -SD_LARGEST, 0, {0, 0}}; /* -0 becomes +0 */
    if (t->limit == SD_ONLY_MAX) row.threshold = row.max;
    row.is_nan = !(row.max <= SD_LARGEST && row.max >= -SD_LARGEST);
    if (row.is_nan) return row;
    if (t->limit) {
        row.excess.high = F(count)(x, n, row.threshold) - 1;
    } else {
        const int moved = A(must_be_moved)(t, row.max);
        const A(reduction) r = moved ? A(reduction_moved)(t, row.max)
                                     : A(reduction_plain)(t, row.max);
        row.excess = moved ? F(excess)(&r, x, n, row.max, 1) : F(excess)(&r, x, n, row.max, 0);
    }
    row.is_nan = row.excess.high != row.excess.high;
    return row;
}

static void F(log_softmax_row)(const F(log_row) * row, double t, const SD_ITEM *x, SD_ITEM *out,
                               size_t n) {
    if (row->is_nan) {
        F(fill)(out, n, (SD_REAL)sd_nan());
        return;
    }
    const double log_sum = sd_log1p(row->excess.high);
    if (t == 0 || t > DBL_MAX) {
        F(write_limit)(x, out, n, row->threshold, (SD_REAL)-log_sum + 0, -(SD_REAL)INFINITY);
        return;
    }
    const A(log_writer) writer = A(log_writer_make)(t, row->max, log_sum);
    for (size_t i = 0; i < n; i += SD_WIDTH)
        F(store_up_to)(out + i, n - i, A(log_write)(&writer, F(load_up_to)(x + i, n - i)));
}

static SD_REAL F(logsumexp_row)(const F(log_row) * row, double t, const SD_ITEM *x, size_t n) {
    /* NaN, or the one infinity: plus if there is one, minus if there is nothing else */
    if (row->is_nan) return F(count)(x, n, 0) >= 0 ? row->max : (SD_REAL)sd_nan();
    if (t == 0 && row->max != 0) return row->max > 0 ? (SD_REAL)INFINITY : -(SD_REAL)INFINITY;
    return A(log_sum_at)(row->max, t == 0 ? 1 : t, row->excess);
}

/* All rows; a temperature that stays the same is made ready once. */
#define SD_EACH_ROW(statement)                                                           \
    double t = rows->temperature[0];                                                     \
    A(temperature) temperature = A(temperature_make)(t);                                 \
    for (size_t i = 0; i < rows->rows; i++) {                                            \
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];  \
        if (next != t) temperature = A(temperature_make)(t = next);                      \
        const F(log_row) row = F(log_row_make)(&temperature, x, rows->n);                \
        statement;                                                                       \
        x += rows->x_stride;                                                             \
        out += rows->out_stride;                                                         \
    }

static void F(log_softmax)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    if (rows->n == 0 || rows->rows == 0) return;
    SD_EACH_ROW(F(log_softmax_row)(&row, t, x, out, rows->n))
}

static void F(logsumexp)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    if (rows->rows == 0) return;
    if (rows->n == 0) {
        for (size_t i = 0; i < rows->rows; i++, out += rows->out_stride)
            I(store_n)(out, 1, P(set1)(-(SD_REAL)INFINITY));
        return;
    }
    SD_EACH_ROW(I(store_n)(out, 1, P(set1)(F(logsumexp_row)(&row, t, x, rows->n))))
}

#undef SD_EACH_ROW
