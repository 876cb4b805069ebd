/* log_softmax and logsumexp of WIDTH rows of at most two packs, side by side: a lane for each row, a pack for
 * each column, as in softmax_columns.h. Every step is one that excess.h and log_softmax.h do for a row alone, so
 * that the bits are the same. Halves would take another 100 KB of code. */
enum { SHORT_LOG_ROW = sizeof(item_t) == sizeof(real_t) ? 2 * WIDTH : 0, EIGHTS = WIDTH / 8 };
/* So many rows are worth the time of WIDTH. */
enum { LEAST_LOG_ROWS = WIDTH / 2 };

/* What is known of WIDTH rows: see log_row_t. */
typedef struct {
    real_t max[WIDTH];
    double high[WIDTH], low[WIDTH], log_sum[WIDTH];
} log_columns_t;

/* Finds the maxima and excesses of WIDTH rows of n items, whose columns x has room to be padded; t is their
 * temperatures. Returns 0 if a row is not ordinary (many_rows.h), else 1. */
SD_INLINE int sum_log_columns(log_columns_t *rows, real_t *x, size_t n, const double *t) {
    const pack_t lowest = v_set1(-(real_t)INFINITY), zero = v_set1(0), one = v_set1(1);
    pack_t sum[WIDTH], rest[WIDTH], max = lowest, maxima = zero, s, q, lost;
    f64x8 high[EIGHTS], low[EIGHTS];
    lane_reductions_t lanes;
    unsigned ordinary = 255;
    const int group = GROUP;
    size_t j;
    for (j = 0; j < n; j++) max = v_max(v_load(x + j * WIDTH), max);
    if (!reduce_lanes(&lanes, max, t)) return 0;
    FOR_EACH_PACK v_store(x + (n + (size_t)u) * WIDTH, lowest);
    for (j = 0; j < n; j += GROUP) {
        pack_t packs[GROUP], e[GROUP], r[GROUP];
        FOR_EACH_PACK packs[u] = v_load(x + (j + (size_t)u) * WIDTH);
        compute_lane_exponentials(&lanes, NULL, NULL, group, packs, CLAMP, 0, e, r);
        FOR_EACH_PACK {
            const size_t at = (j + (size_t)u) % WIDTH;
            s = v_where_ge(packs[u], max, zero, e[u]);
            maxima = v_add(maxima, v_where_ge(packs[u], max, one, zero));
            const pack_t exponential = v_fma(s, r[u], s);
            q = v_fma(s, r[u], v_sub(s, exponential));
            if (j + (size_t)u < WIDTH) {
                sum[at] = exponential;
                rest[at] = q;
            } else if (j + (size_t)u < n) {
                sum[at] = v_two_sum(sum[at], exponential, &lost);
                rest[at] = v_add(rest[at], v_add(lost, q));
            }
        }
    }
    for (; j < WIDTH; j++) sum[j] = rest[j] = zero;
    compute_lane_exponentials(&lanes, NULL, NULL, 1, &max, CLAMP, 0, &s, &q);
    find_excesses(sum, rest, maxima, s, q, high, low);
    v_store(rows->max, max);
    for (int i = 0; i < EIGHTS; i++) {
        f64_store(rows->high + 8 * i, high[i]);
        f64_store(rows->low + 8 * i, low[i]);
        f64_store(rows->log_sum + 8 * i, log1p_of_eight(high[i]));
        ordinary &= f64_mask_ge(high[i], f64_set1(0));
    }
    return ordinary == 255;
}

/* Computes the logsumexp of WIDTH rows of at most SHORT_LOG_ROW items if `reduces`, else their log_softmax; t is
 * their temperatures. Returns 0, and writes nothing, if a row is not ordinary, else 1. */
static SD_NOINLINE int compute_log_columns(const item_t *x, ptrdiff_t x_stride, item_t *out,
                                           ptrdiff_t out_stride, size_t n, const double *t, int reduces) {
    real_t columns[(2 * WIDTH + MAX_GROUP) * WIDTH];
    log_columns_t rows;
    rows_to_columns((const real_t *)x, x_stride, columns, n);
    if (!sum_log_columns(&rows, columns, n, t)) return 0;
    if (reduces) {
        for (int i = 0; i < WIDTH; i++) {
            const sd_sum excess = {rows.high[i], rows.low[i]};
            item_store_n(out + i * out_stride, 1,
                         v_set1(compute_logsumexp(rows.max[i], t[i], excess, rows.log_sum[i])));
        }
        return 1;
    }
    const log_writers_t writers = make_log_writers(t, rows.max, rows.log_sum);
    for (size_t j = 0; j < n; j++)
        v_store(columns + j * WIDTH, write_logs(&writers, v_load(columns + j * WIDTH)));
    columns_to_rows(columns, (real_t *)out, out_stride, n);
    return 1;
}

/* The same for fewer than WIDTH rows: copies of the last one stand for those that are missing. */
static SD_NOINLINE int compute_few_log_columns(const item_t *x, ptrdiff_t x_stride, item_t *out,
                                               ptrdiff_t out_stride, size_t n, size_t count, const double *t,
                                               int reduces) {
    item_t rows[2 * WIDTH * WIDTH];
    const size_t out_n = reduces ? 1 : n;
    for (size_t i = 0; i < WIDTH; i++)
        memcpy(rows + i * n, x + (ptrdiff_t)(i < count ? i : count - 1) * x_stride, n * sizeof *x);
    if (!compute_log_columns(rows, (ptrdiff_t)n, rows, (ptrdiff_t)out_n, n, t, reduces)) return 0;
    for (size_t i = 0; i < count; i++)
        memcpy(out + (ptrdiff_t)i * out_stride, rows + i * out_n, out_n * sizeof *out);
    return 1;
}
